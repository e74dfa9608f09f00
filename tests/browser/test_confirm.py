"""The confirm page in Chromium: a picture beside the form, redrawn by every answer, with and without scripts."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browser.test_app import check_sizes, tab
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


CHOSEN = "[...document.querySelectorAll('#parts input:checked')].map(each => each.parentElement.innerText.trim())"


def test_an_answer_redraws_the_questions_that_follow_and_keeps_the_focus(visit: Visit, tmp_path: Path) -> None:
    file = tmp_path / "set.csv"
    file.write_text("SetVoltage(V)\n" + "".join(f"{5 + k % 3 / 10}\n" for k in range(11)))
    visit.upload(file)
    visit.get("document.querySelector('#part-0').dataset.same = 'yes'")
    visit.choose(1, part=1)
    visit.until("document.querySelector('#shown .facts').innerText.includes('11\\ndevices')")
    visit.choose(3)  # of columns that are kept nothing else is asked
    visit.until(f"{CHOSEN}.length === 1")
    visit.get("document.querySelector('[name=choice-0]:checked').focus()")
    for _ in range(2):  # over "Another answer" to the first one
        visit.chromium.press("ArrowDown")
    visit.until(f"{CHOSEN}.length === 2")
    assert visit.get(CHOSEN)[1].startswith("A device")  # as it was answered before
    assert visit.get("document.activeElement.id") == "choice-0-0"
    assert visit.get("document.getElementById('part-0').dataset.same") == "yes"
    visit.check(1280)
    visit.send()
    assert "--kind summary --row-is device" in visit.reproduction[0]
    visit.app.post(f"{visit.path}/close")


def test_a_table_is_described_by_keyboard_alone(visit: Visit, tmp_path: Path, app: Served) -> None:
    """Role and unit of the columns of a table without names; the picture follows, and the focus stays."""
    file = tmp_path / "plain.csv"
    file.write_text("".join(f"{k},{v},{7 * v + 30}\n" for k, v in enumerate(3 * LOOP)))
    visit.upload(file)
    where = visit.path
    tab(visit, ".describe summary", 60)
    visit.chromium.press("Enter")
    assert visit.get("document.querySelector('details.describe').open")
    check_described(visit, 1280)
    for place, letter, unit in ((1, "v", "mV"), (2, "current I", "nA")):
        tab(visit, f".column:nth-child({place + 1}) select", 40)
        for key in letter:
            visit.chromium.call("Input.dispatchKeyEvent", type="char", text=key)
        tab(visit, f".column:nth-child({place + 1}) input[type=text]", 2)
        visit.chromium.type(unit)
    visit.chromium.press("Tab")
    visit.until("document.querySelector('#found-2').innerText === 'read as current I, in nA'")
    assert visit.get("!!document.activeElement.closest('.describe')")
    assert "voltage 0 V, current 30 nA" in visit.get("document.querySelector('#shown .ends').innerText")
    tab(visit, "#question button", 60)
    visit.get("document.getElementById('question').dataset.old = 'yes'")
    visit.chromium.press("Enter")
    visit.until("!document.querySelector('[id=question][data-old]')")
    visit.open(where, 390)
    visit.wait_for_text()
    visit.get("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    check_described(visit, 390)
    visit.app.post(f"{where}/close")


def check_described(visit: Visit, width: int) -> None:
    """Check that every field of the description has a name and lies within the page."""
    assert visit.get("document.querySelectorAll('.describe select, .describe input').length") > 30
    visit.check(width)


FOLDERS = {  # of measured files: one or two each, and the longest time that is allowed is ten times the aim
    "bakes": ("techA_bake.tsv.gz", "techC_relaxdata.min.tsv.gz"),
    "compliance_ladder": ("iv_50_100_200_400uA.csv",),
    "crosssim_ramps": ("reset.csv", "set.csv"),
    "form_set_reset": ("(wafer1,0,0,-1,-1,0,0)_2202211333_form_0_5_0.5_50uA.csv",),
    "gong_reram": ("gong_et_al.csv",),
    "keithley4200": ("vgs-id#1@_vds_100mV_vgs_-40_60V_L4S_L3D_vac05_MoS2_280K.xls",),
    "mnist": ("t10k-labels-idx1-ubyte.gz",),
    "optdigits": ("optdigits.tes",),
    "rram_1t1r": ("read_voltage_sweep.tsv", "set_sweep.tsv"),
    "vcm_trains": ("20230705_212429_AWG_ALMOND8_SETRESET_D600_R8_B28__C7.json",),
}
REFUSED = ("mnist", "optdigits")  # no measurements: a message takes the place of the picture
AIM = 3.0  # s from the upload to a picture


@pytest.mark.parametrize("name", [f"{folder}/{file}" for folder, files in FOLDERS.items() for file in files])
def test_a_picture_comes_soon_after_the_upload(
    name: str, measured: Path, visit: Visit, record_property: Callable[[str, object], None]
) -> None:
    visit.open("/")
    began = time.monotonic()
    visit.chromium.give("#files", measured / name)
    sign = ".note.mark" if name.partition("/")[0] in REFUSED else "#content figure .chart"
    visit.until(f"location.pathname.startsWith('/uploads/') && !!document.querySelector({sign!r})")
    picture = time.monotonic() - began
    visit.until("!!document.querySelector('#question, .note.mark, .understood .facts')")
    page = time.monotonic() - began
    record_property("seconds", (picture, page))
    print(f"{name}: picture {picture:.1f} s, page {page:.1f} s")
    assert picture < 10 * AIM
    visit.app.post(f"{visit.path}/close")


def test_without_scripts_a_button_shows_the_answers(visit: Visit, sweeps: Path, app: Served) -> None:
    visit.upload(sweeps)
    where = visit.path
    page = app.post(f"{where}/look", **{"choice-0": "1"})
    assert page.status == 200
    assert 'name="choice-0" value="1" required checked' in page.text
    assert page.text.count("<figure") == 2
    assert "unsafe" not in page.headers["content-security-policy"]
    visit.app.post(f"{where}/close")
