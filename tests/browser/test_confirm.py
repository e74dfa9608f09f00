"""The confirm page in Chromium: a picture beside the form, redrawn by every answer, with and without scripts."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.browser.test_app import check_sizes
from tests.served import Served
from tests.visited import Visit

pytestmark = pytest.mark.slow

LOOP = [*range(11), *range(9, -11, -1), *range(-9, 1)]
LAST = "document.querySelector('.ends').innerText"


@pytest.fixture
def sweeps(tmp_path: Path) -> Path:
    """Sweeps whose current has no unit."""
    file = tmp_path / "sweeps.csv"
    file.write_text("V (V),I\n" + "".join(f"{v / 10},{v * 1e-5 + 1e-6:.6g}\n" for _ in range(3) for v in LOOP))
    return file


def test_an_answer_redraws_the_picture_and_leaves_the_form(visit: Visit, sweeps: Path, app: Served) -> None:
    visit.upload(sweeps)
    where = visit.path
    assert visit.get("document.querySelectorAll('#shown figure.live').length") == 2
    assert "1 µA" in visit.get(LAST)
    check_sizes(visit, where)
    visit.open(where)
    visit.wait_for_text()
    visit.get("document.getElementById('question').dataset.same = 'yes'")
    visit.get("document.querySelector('[name=choice-0]:checked').focus()")
    visit.chromium.press("ArrowDown")  # by keyboard
    visit.until(f"{LAST}.includes('1 nA')")
    assert visit.get("document.getElementById('question').dataset.same") == "yes"
    assert visit.get("document.activeElement.name") == "choice-0"
    visit.until("document.querySelectorAll('#shown figure.live').length === 2")
    visit.check(1280)
    for number in (2, 0, 1, 0):  # the last one counts
        visit.choose(number)
        time.sleep(0.05)
    visit.until(f"{LAST}.includes('1 µA')")
    time.sleep(1.5)
    assert "1 µA" in visit.get(LAST)
    visit.choose("own", unit="parsec")
    visit.click("Show", "#question")
    visit.until("!!document.querySelector('#shown [role=alert]')")
    assert visit.get("!document.querySelector('#shown figure')")
    visit.choose(0, unit="")
    visit.send()
    assert "Figures of merit" in visit.wait_for_text()
    visit.click("How it was read")
    visit.until("document.querySelectorAll('.understood figure.live').length === 2")
    check_sizes(visit, where)


def test_without_scripts_a_button_shows_the_answers(visit: Visit, sweeps: Path, app: Served) -> None:
    visit.upload(sweeps)
    where = visit.path
    page = app.post(f"{where}/look", **{"choice-0": "1"})
    assert page.status == 200
    assert 'name="choice-0" value="1" required checked' in page.text
    assert page.text.count("<figure") == 2
    assert "unsafe" not in page.headers["content-security-policy"]
    visit.app.post(f"{where}/close")
