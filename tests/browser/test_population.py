"""A folder of many cells in the app: what the names say is confirmed once, then the page of the command line."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devicekit.synthetic.wafers import WaferTruth, write_wafers
from tests.visited import Visit

pytestmark = pytest.mark.slow
SMALL = WaferTruth(wafers=2, dies=2, cells=2, cycles=2, points=20, dead=0.0, kept=1.0)


def test_a_folder_of_many_cells_is_one_page(visit: Visit, tmp_path: Path) -> None:
    folder = tmp_path / "lot7"
    write_wafers(folder, SMALL, 3)
    (folder / "copy of monday.csv").write_text("V (V),I (A)\n0,0\n1,1e-6\n")
    visit.upload(folder, selector="#folder")
    assert visit.get("document.querySelectorAll('#shown tbody tr').length") == 12  # first files, with their fields
    assert "copy of monday.csv" in visit.get("document.getElementById('shown').innerText")
    visit.check(1280)
    visit.open(visit.path, 390, dark=True)
    visit.wait_for_text()
    visit.check(390)
    visit.answer(0)
    assert visit.get("document.querySelectorAll('article.report figure').length") >= 6
    visit.check(390)
    files = visit.files()
    steps = files["steps.csv"].decode().splitlines()
    assert len(steps) == 1 + len(list(folder.iterdir())) - 1  # a sweep a file
    assert {"cells.csv", "components.csv", "left_out.csv", "report.html"} <= set(files)
    command = visit.get("document.querySelector('.tools > .again pre').textContent")
    assert command == "devicekit population lot7 --accept --out devicekit-population"
    visit.open(visit.path, 1280)
    visit.wait_for_text()
    visit.check(1280)
    record = visit.keep()
    visit.open("/library")
    assert visit.get(f"!!document.querySelector('a[href=\"{record}\"]')")
    visit.check_console()


def test_a_zip_of_a_folder_with_subfolders_gives_the_page_of_the_command_line(
    visit: Visit, tmp_path: Path, devicekit: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_wafers(tmp_path / "all", SMALL, 3)
    for file in sorted((tmp_path / "all").iterdir()):
        place = tmp_path / "lot7" / file.name.split("_")[0]
        place.mkdir(parents=True, exist_ok=True)
        file.replace(place / file.name)
    archive = shutil.make_archive(str(tmp_path / "monday"), "zip", tmp_path, "lot7")
    monkeypatch.chdir(tmp_path)
    line = ["population", "lot7", "--accept", "--out", "devicekit-population"]
    monkeypatch.setattr("sys.argv", ["devicekit", *line])
    assert devicekit(*line).code == 0
    page = (tmp_path / "devicekit-population" / "report.html").read_bytes()
    for given, selector in ((Path(archive), "#files"), (tmp_path / "lot7", "#folder")):
        visit.upload(given, selector=selector)
        visit.answer(0)
        assert visit.files()["report.html"] == page
    (tmp_path / "half.zip").write_bytes(Path(archive).read_bytes()[:-100])
    visit.open("/")
    visit.chromium.give("#files", tmp_path / "half.zip")
    visit.until("document.getElementById('uploads').innerText.includes('damaged')")
