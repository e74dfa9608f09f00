"""Draw docs/img/reports: first pages as they print, by a browser (the driver is that of the tests).

`python docs/make_first_pages.py FOLDER` takes FOLDER/NAME/report.html for every NAME that docs/reports.md shows; the
commands that make them stand there.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
NAMES = ("fit", "run", "characterize", "train", "benchmark", "study", "iv", "pulses", "kinetics")
SHEET = (794, 1123)  # A4 [CSS px]
WIDTH = 420  # of the picture [px]
# The margins of the page, which a screen does not have, and nothing but the first page.
ALONE = """(() => {
  document.querySelectorAll('main > :not(.first)').forEach(each => each.remove());
  document.querySelector('main').style.padding = '14mm';
})()"""


def _driver() -> Any:
    """The browser of the tests."""
    spec = spec_from_file_location("browser", DOCS.parent / "tests" / "browser" / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(folder: Path) -> None:
    """Draw every picture again, without the empty foot of the sheet."""
    from PIL import Image, ImageChops

    driver = _driver()
    program = next(found for name in driver.PROGRAMS if (found := shutil.which(name)))
    target = DOCS / "img" / "reports"
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile, driver.Chromium(program, Path(profile)) as browser:
        for name in NAMES:
            browser.open(folder / name / "report.html", *SHEET, script=False)
            browser.print_as("print")
            browser.evaluate(ALONE)
            browser.screenshot(Path(profile) / "sheet.png")
            sheet = Image.open(Path(profile) / "sheet.png").convert("RGB").crop((0, 0, *SHEET))
            written = ImageChops.invert(sheet).getbbox()
            sheet = sheet.crop((0, 0, SHEET[0], written[3] + 24))
            small = sheet.resize((WIDTH, round(WIDTH * sheet.height / sheet.width)), Image.Resampling.LANCZOS)
            buffer = io.BytesIO()
            small.quantize(160).save(buffer, format="png", optimize=True)
            (target / f"{name}.png").write_bytes(buffer.getvalue())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
