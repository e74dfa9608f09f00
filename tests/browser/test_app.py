"""The local app in Chromium: every page at two widths, light and dark, and by keyboard alone."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.served import Served, served
from tests.visited import Visit

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ramps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A typical spreadsheet of a laboratory: a title, merged names of devices, a row of units."""
    import numpy as np
    import openpyxl

    rng = np.random.default_rng(0)
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["Sample TiN/HfO2, batch 12, measured 12.11.2026"])
    sheet.append([])
    sheet.append(["", "Device 1", "", "Device 2", ""])
    sheet.merge_cells("B3:C3")
    sheet.merge_cells("D3:E3")
    sheet.append(["Pulse #", "LTP G", "LTD G", "LTP G", "LTD G"])
    sheet.append(["", "µS", "µS", "µS", "µS"])
    for k in range(50):
        up, down = 10 + 90 * (1 - np.exp(-k / 15)), 100 - 90 * (1 - np.exp(-k / 12))
        row = [up, down, 1.1 * up, 1.1 * down]
        sheet.append([k + 1, *(round(float(each + rng.normal(0, 0.5)), 3) for each in row)])
    file = tmp_path_factory.mktemp("ramps") / "HfO2 pulses #3.xlsx"
    book.save(file)
    return file


@pytest.fixture(scope="module")
def sweeps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sweeps with decimal commas."""
    up = [v / 20 for v in range(31)]
    rows = []
    for cycle in range(3):
        for v in [*up, *up[::-1]]:
            rows.append((cycle, v, v * (1e-4 if v > 0.9 or len(rows) % 62 > 31 else 1e-6)))
        for v in [*up, *up[::-1]]:
            rows.append((cycle, -v, -v * (1e-6 if v > 0.9 or len(rows) % 62 > 31 else 1e-4)))
    text = "Zyklus;Spannung [V];Strom [A]\n" + "".join(f"{c};{v:.3f};{i:.4e}\n" for c, v, i in rows)
    file = tmp_path_factory.mktemp("sweeps") / "Kennlinie.csv"
    file.write_text(text.replace(".", ","), encoding="utf-8")
    return file


SIZES = [(1280, False), (1280, True), (390, False), (390, True)]


def check_sizes(visit: Visit, path: str) -> None:
    """Check a page at every width and in both colour schemes."""
    for width, dark in SIZES:
        visit.open(path, width, dark)
        visit.wait_for_text()
        visit.check(width)


def test_a_spreadsheet_gives_a_card_with_one_answer_by_keyboard_alone(
    visit: Visit, ramps: Path, tmp_path: Path, same: Callable[..., None]
) -> None:
    text = visit.upload(ramps)
    assert text.startswith("HfO2 pulses #3.xlsx")
    assert visit.get("document.querySelectorAll('.question input[name=choice-0]').length") >= 2
    check_sizes(visit, visit.path)
    visit.open(visit.path)
    tab(visit, "input[type=radio]")
    assert visit.get("document.activeElement.checked")  # the first answer is chosen
    tab(visit, "#question button")
    visit.get("document.getElementById('question').dataset.old = 'yes'")
    visit.chromium.press("Enter")
    visit.until("!document.querySelector('[id=question][data-old]')")
    visit.wait_for_text()
    where = visit.path
    same(visit, ramps)
    tab(visit, 'form[action$="/keep"] > button')
    visit.chromium.press("Enter")
    visit.until("!!document.querySelector('.note.answer a')")
    check_sizes(visit, where)
    assert visit.get("[...document.querySelectorAll('figure')].every(each => each.classList.contains('live'))")
    visit.open(visit.get("document.querySelector('.note.answer a').getAttribute('href')"))
    assert visit.wait_for_text().startswith("HfO2 pulses #3")
    check_sizes(visit, visit.path)


def tab(visit: Visit, selector: str, most: int = 80) -> None:
    """Press Tab until the focus is at an element; check that the focus is visible at every stop."""
    for _ in range(most):
        visit.chromium.press("Tab")
        here = visit.get(f"document.activeElement.matches({selector!r})")
        seen = visit.get(
            "(() => { const at = document.activeElement, own = getComputedStyle(at),"
            "around = getComputedStyle(at.closest('.button') ?? at);"
            "return [own, around].some(each => each.outlineStyle !== 'none' && parseFloat(each.outlineWidth) > 0); })()"
        )
        assert seen, visit.get("document.activeElement.outerHTML")
        if here:
            return
    raise AssertionError(f"Tab does not reach {selector}")


def test_sweeps_give_figures_of_merit_that_the_library_finds(
    visit: Visit, sweeps: Path, same: Callable[..., None]
) -> None:
    text = visit.upload(sweeps)
    assert "Figures of merit: Kennlinie.csv" in text
    check_sizes(visit, visit.path)
    visit.open(visit.path)
    visit.wait_for_text()
    same(visit, sweeps)
    record = visit.keep()
    visit.open("/library?words=kennlinie")
    assert "Kennlinie" in visit.wait_for_text()
    assert visit.get("document.querySelectorAll('table.records tbody tr').length") == 1
    visit.open("/library?words=nothing-of-this-name")
    assert "No records" in visit.wait_for_text()
    check_sizes(visit, record)


@pytest.mark.parametrize("path", ["/", "/library", "/simulate"])
def test_a_page_fits_and_its_controls_are_named_and_legible(visit: Visit, path: str) -> None:
    check_sizes(visit, path)


SHOWN = """(() => { const box = each => document.querySelector(each).getBoundingClientRect();
return [box('.verdict').top, box('.board figure').top, box('.board figure .u-over, .board figure img').bottom]; })()"""


@pytest.mark.parametrize(("example", "words"), [("Pulse", "Fit of"), ("I-V", "merit"), ("Endurance", "merit")])
def test_an_example_is_one_click_and_its_result_is_on_the_first_screen(visit: Visit, example: str, words: str) -> None:
    visit.open("/")
    visit.click(example)
    visit.until("location.pathname.startsWith('/uploads/')")
    assert words in visit.wait_for_text()
    for width, _ in SIZES[::2]:
        visit.open(visit.path, width)
        visit.wait_for_text()
        verdict, top, bottom = visit.get(SHOWN)
        assert 0 < verdict < top < bottom <= 900
    check_sizes(visit, visit.path)


def test_tab_reaches_every_control(visit: Visit) -> None:
    for path in ("/", "/library", "/simulate"):
        visit.open(path)
        visit.get("document.querySelectorAll('details').forEach(each => each.open = true)")
        wanted = visit.get(
            "[...document.querySelectorAll('a, button, select, input:not([type=hidden]), summary')]"
            ".filter(each => each.getClientRects().length && each.tabIndex >= 0)"
            ".map((each, k) => { each.dataset.nth = k; return k; })"
        )
        reached = set()
        for _ in range(len(wanted) + 40):
            visit.chromium.press("Tab")
            reached.add(visit.get("document.activeElement.dataset.nth"))
        assert {str(k) for k in wanted} <= reached


def test_a_refused_file_is_one_message_and_a_refused_answer_keeps_its_entries(visit: Visit, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("Dear all,\nit went well.\n")
    assert visit.upload(tmp_path / "notes.txt").startswith("notes.txt")
    assert visit.get("document.querySelectorAll('.note.mark[role=alert] .message').length") == 1
    check_sizes(visit, visit.path)
    (tmp_path / "a.csv").write_text("a,b\n" + "".join(f"{k * 1e-6},{k * 2e-6}\n" for k in range(1, 40)))
    visit.upload(tmp_path / "a.csv")
    text = visit.answer("own", read_voltage="ten", unit="nA")
    assert "'ten'" in text
    assert visit.get("document.querySelector('#question [name=own-0-read_voltage]').value") == "ten"
    assert visit.get("document.querySelector('#question [name=own-0-unit]').value") == "nA"
    assert visit.get("document.querySelector('#question [value=own]').checked")


OPEN = "document.querySelectorAll('.open li').length"


def test_a_folder_or_files_read_together_are_one_measurement(visit: Visit, tmp_path: Path) -> None:
    folder = tmp_path / "wafer"
    folder.mkdir()
    for k in range(3):
        rows = "".join(f"{v / 20},{v * 1e-5 * (k + 1)}\n" for v in [*range(31), *range(30, -31, -1), *range(-30, 1)])
        (folder / f"dev{k}.csv").write_text(f"V (V),I (A)\n{rows}")
    text = visit.upload(folder, selector="#folder")
    assert text.startswith("wafer")
    visit.open("/")
    before = visit.get(OPEN)
    visit.chromium.give("#files", *sorted(folder.iterdir()))
    visit.until("location.pathname.startsWith('/uploads/')")
    assert visit.wait_for_text().startswith("dev0.csv and 2 more")
    assert "“dev0.csv and 2 more”" in visit.get("document.querySelector('.tools > .again .hint').textContent")
    check_sizes(visit, visit.path)
    where = visit.path
    visit.open("/")
    assert visit.get(OPEN) == before + 1
    visit.open(where)
    visit.click("Read each file by itself")
    visit.until(f"location.pathname === '/' && {OPEN} === {before + 3}")


def test_a_simulation_runs_and_a_cancelled_one_leaves_no_files(visit: Visit, app: Served) -> None:
    visit.open("/simulate")
    visit.get("document.querySelector('[name=cycles]').value = '1000'")
    visit.click("Simulate")
    visit.until("location.pathname.startsWith('/runs/')")
    where = visit.path
    visit.until("!!document.querySelector('.progress p')")
    for width, dark in SIZES:
        visit.open(where, width, dark)
        visit.check(width)
    (jobs,) = [each / "jobs" for each in app.folders]
    before, running = set(jobs.iterdir()), set(app.processes())
    visit.open(where)
    visit.click("Cancel")
    visit.until("document.body.innerText.includes('Cancelled.')")
    assert len(before - set(jobs.iterdir())) == 1
    assert running - set(app.processes())
    visit.open("/simulate")
    visit.get("document.querySelector('[name=cycles]').value = '-1'")
    visit.click("Simulate")
    visit.until("document.body.innerText.includes('“Loops” takes a whole number')")
    assert visit.get("document.querySelector('[name=cycles]').value") == "-1"
    # the forming of a pristine film, which ends before it forms
    set_fields(visit, cycles="0", mesh="coarse", material="hfo2", start="pristine", stop="1")
    visit.click("Simulate")
    visit.until("location.pathname.startsWith('/runs/')")
    assert "SIMULATED" in visit.wait_for_text()
    assert "--from pristine" in visit.reproduction[0]
    check_sizes(visit, visit.path)


def test_a_network_is_trained_on_a_card_and_a_wrong_setting_is_named(visit: Visit) -> None:
    check_sizes(visit, "/train")
    visit.open("/train")
    visit.click("vcm-trains")
    visit.until("location.search.includes('vcm-trains')")
    where = visit.path + visit.get("location.search")
    check_sizes(visit, where)
    visit.open(where)
    visit.get("document.querySelectorAll('details').forEach(each => each.open = true)")
    visit.check(1280)
    set_fields(visit, hidden="x")
    visit.click("Train")
    visit.until("!!document.querySelector('[role=alert]')")
    assert visit.get("document.querySelector('[role=alert]').innerText").startswith("“Hidden neurons”")
    assert visit.get("document.querySelector('[name=hidden]').value") == "x"
    set_fields(visit, hidden="20", epochs="2", margin="1")
    visit.click("Train")
    visit.until("location.pathname.startsWith('/runs/')")
    visit.chromium.console.clear()
    assert "test accuracy" in visit.wait_for_text()
    assert list(visit.files()) == ["report.html", "metrics.json", "network.npz"]
    command, python = visit.reproduction
    assert command.endswith("--epochs 2 --set hidden=20 --set margin=1 --out trained")
    assert "devicekit.train('vcm-trains.json', epochs=2, hidden=20, margin=1)" in python
    check_sizes(visit, visit.path)


def set_fields(visit: Visit, **entries: str) -> None:
    """Fill fields of a form."""
    for name, value in entries.items():
        visit.get(f"document.querySelector('[name={name}]').value = {value!r}")


def test_twenty_five_devices_are_compared_and_one_is_removed(visit: Visit, app: Served) -> None:
    from devicekit.library import Library
    from devicekit.synthetic.pulses import truth_card

    library = Library(app.library)
    before = len(library.records())
    for k in range(25):
        card = truth_card({"ltp": (-3.0 - k / 10, 0.5), "ltd": (-3.0, 0.5 + k / 100)}, model="softbounds")
        file = app.temporary / f"many{k}.json"
        card.save(file)
        library.add_file(file, name=f"many {k}", labels={"wafer": "W1", "row": str(k // 5), "column": str(k % 5)})
    visit.open("/library?words=many")
    assert "25 records" in visit.wait_for_text()
    check_sizes(visit, "/library?words=many")
    visit.open("/library?words=many")
    visit.click("Compare")
    visit.until("location.pathname.startsWith('/runs/')")
    text = visit.wait_for_text()
    assert "Comparison of 25 records" in text
    assert visit.get("document.querySelectorAll('figure.live').length") > 0
    assert list(visit.files()) == ["comparison.html"]
    check_sizes(visit, visit.path)
    visit.open("/library?words=many")
    visit.get("document.querySelector('table.records tbody a').click()")
    visit.until("location.pathname.startsWith('/library/')")
    visit.wait_for_text()
    card = visit.app.ask(f"{visit.path}/card.json")
    assert json.loads(card.content)["model"] == "softbounds"
    visit.chromium.dialogs.clear()
    visit.click("Remove from the library")
    visit.until("location.pathname === '/library'")
    assert [each.startswith("Remove many") for each in visit.chromium.dialogs] == [True]
    assert len(library.records()) == before + 24


def test_quit_asks_and_ends(chromium: Any, tmp_path: Path) -> None:
    with served(tmp_path) as app:
        visit = Visit(chromium, app)
        chromium.dialogs.clear()
        visit.get("document.querySelector('.bar button').click()")
        visit.until("document.body.innerText.includes('devicekit has ended')")
        assert chromium.dialogs[0].startswith("Quit devicekit?")
        try:
            app.process.wait(30)
        except subprocess.TimeoutExpired:
            pytest.fail("the process did not end")
        assert app.process.returncode == 0


def test_from_a_fitted_example_to_a_network_its_benchmark_and_an_export(visit: Visit) -> None:
    visit.open("/")
    visit.click("Pulse trains")
    visit.until("location.pathname.startsWith('/uploads/')")
    visit.wait_for_text()
    record = visit.keep()
    visit.click("Train a network")
    visit.until("location.pathname === '/train' && !!document.querySelector('[name=hidden]')")
    set_fields(visit, hidden="20", epochs="1")
    visit.click("Train", "form.fields")
    visit.until("location.pathname.startsWith('/runs/')")
    assert "test accuracy" in visit.wait_for_text()
    visit.click("Change the settings")
    visit.until("document.querySelector('[name=hidden]')?.value === '20'")
    visit.open(record)
    check_sizes(visit, record)
    assert visit.app.ask(f"/export?card=record:{record.removeprefix('/library/')}&to=csv").content[:2] == b"PK"
    visit.open(record)
    visit.click("Benchmark")
    visit.until("!!document.querySelector('[name=whole]')")
    set_fields(visit, seeds="8")
    visit.get("document.querySelector('[name=whole]').click()")
    visit.click("Run the benchmark")
    visit.until("location.pathname.startsWith('/runs/')")
    visit.wait_for_text()
    assert {"report.html", "benchmark.json"} <= set(visit.files())
    command, _ = visit.reproduction
    assert "--seeds 8 --no-attribution --no-wide --no-policy" in command
    check_sizes(visit, visit.path)
    visit.open("/")
    assert (
        visit.get("[...document.querySelectorAll('.open li')].filter(each => each.innerText.includes('done')).length")
        >= 2
    )


def test_a_stack_of_ones_own_is_mended_and_simulated(visit: Visit, tmp_path: Path) -> None:
    visit.open("/simulate")
    visit.click("Edit its layers")
    visit.until("!!document.querySelector('textarea')")
    visit.check(1280)
    mine = "document.querySelector('textarea').value"
    (tmp_path / "mine.toml").write_text(visit.get(mine).replace("value = 7.0", "value = -7.0", 1))
    visit.chromium.give("[data-fills]", tmp_path / "mine.toml")
    visit.until(f"{mine}.includes('-7.0')")
    set_fields(visit, mesh="coarse")
    visit.click("Simulate", "form.fields")
    visit.until("!!document.querySelector('[role=alert]')")
    assert "layer.HfO2.thickness: found -7.0 nm" in visit.get("document.querySelector('[role=alert]').innerText")
    visit.chromium.console.clear()  # the refusal is a message of the browser, too
    visit.get(f"{mine} = {mine}.replace('-7.0', '8.0')")
    visit.click("Simulate", "form.fields")
    visit.until("location.pathname.startsWith('/runs/')")
    visit.wait_for_text()
    files = visit.files()
    assert b"value = 8.0" in files["stack.toml"]
    assert "--stack stack.toml" in visit.reproduction[0]
    check_sizes(visit, visit.path)
    visit.click("Change the settings")
    visit.until("!!document.querySelector('textarea')")
    assert "8.0" in visit.get(mine)
