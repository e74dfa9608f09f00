"""A folder of many cells in the app: what the names say is confirmed once, then the page of the command line."""

from __future__ import annotations

from pathlib import Path

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
