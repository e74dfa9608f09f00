"""One fact has one answer: from Python and from the command line, read, simulated or characterised, now and later."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from devicekit import characterize, compare, load_card, read
from devicekit.cli import build_app
from devicekit.cli.common import run_app
from devicekit.core.errors import CardError, UsageError
from devicekit.models.registry import CURVE_LAWS, LAWS
from devicekit.studies.runner import run_study
from devicekit.synthetic.pulses import reference_table
from devicekit.system import catalog
from devicekit.tables import PulseTable, RetentionTable

Run = Callable[..., Any]
ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
TIMES = [10**k for k in range(7)]
RETENTION = {
    "value": ("time_s,value", "{t},150"),
    "level and value": ("device_id,level,time_s,value", "d1,1,{t},150"),
    "resistance": ("time_s,resistance", "{t},150"),
    "wide": ("time_s,LRS,HRS", "{t},150,150"),
}


@pytest.mark.usefixtures("without_pictures")
@pytest.mark.parametrize("form", RETENTION)
def test_150_kilo_ohm_are_6_67_microsiemens_everywhere(form: str, tmp_path: Path, devicekit: Run) -> None:
    head, row = RETENTION[form]
    file = tmp_path / "kept.csv"
    file.write_text("\n".join([head, *(row.format(t=t) for t in TIMES)]) + "\n")
    answer = pytest.approx(6.666666666666667e-6, rel=1e-9)
    table = read(file, unit="kohm")
    assert isinstance(table, RetentionTable)
    assert sorted(set(table.frame["time_s"])) == TIMES
    assert all(value == answer for value in table.frame["conductance_s"])
    states = characterize(file, unit="kohm").tables["states"]
    assert [states["g_1s"][0], states["prediction_conductance_s"][0]] == [answer, answer]
    ran = devicekit("read", file, "--unit", "kohm", "--out", tmp_path / "table.csv")
    assert ran.code == 0, ran.err
    with (tmp_path / "table.csv").open() as stream:
        assert all(float(line["conductance_s"]) == answer for line in csv.DictReader(stream))
    ran = devicekit("characterize", file, "--unit", "kohm", "--out", tmp_path / "out")
    assert ran.code == 0, ran.err
    with (tmp_path / "out" / "kept" / "states.csv").open() as stream:
        assert all(float(line["g_1s"]) == answer for line in csv.DictReader(stream))


def test_a_label_that_is_a_formula_is_written_as_text(tmp_path: Path) -> None:
    labels = ["=1+1", "@SUM(A1)", "+1+1", "plain"]
    cases = "".join(f'[[cases]]\nlabel = "{label}"\nmargin = {k}\n' for k, label in enumerate(labels))
    fixed = '[fixed]\ncard = "pt-hfo2-al2o3-ti"\nepochs = 1\nhidden = 16\n'
    (tmp_path / "s.toml").write_text(f'name = "s"\ntask = "train"\n{fixed}{cases}')
    result = run_study(tmp_path / "s.toml", tmp_path / "out")
    assert list(result.table["case"]) == labels  # in Python a label is what it is
    for name in ("results.csv", "summary.csv"):
        with (tmp_path / "out" / name).open(newline="") as stream:
            written = [line["case"] for line in csv.DictReader(stream)]
        assert written == ["'=1+1", "'@SUM(A1)", "'+1+1", "plain"], name


def test_every_law_is_ranked_on_every_branch(tmp_path: Path) -> None:
    up = [20 + 80 * (1 - 0.9**n) for n in range(31)]
    down = [20 + 78 * 0.85**n for n in range(31)]
    rows = [f"{d},{n},{g:.9f}e-6" for d, train in (("ltp", up), ("ltd", down)) for n, g in enumerate(train)]
    (tmp_path / "t.csv").write_text("direction,pulse_index,conductance_s\n" + "\n".join(rows) + "\n")
    ranked = compare(read(tmp_path / "t.csv"))
    assert set(ranked.branches) == {"ltp", "ltd"}
    for scores in ranked.branches.values():
        assert sorted(score.model for score in scores) == sorted([*LAWS, *CURVE_LAWS])
        assert [score.rank for score in scores] == list(range(1, len(LAWS) + len(CURVE_LAWS) + 1))
        assert np.all(np.diff([score.bic for score in scores]) >= 0)


UNUSED = [
    ("easyexpert/header_crlf.csv", {"quantity": "current"}),
    ("easyexpert/data_only.csv", {"unit": "uA"}),
    ("easyexpert/single_file.csv", {"read_voltage": 0.1}),
    ("easyexpert/data_only.csv", {"absolute": True}),
    ("wgfmu/application.csv", {"quantity": "current"}),
    ("wgfmu/custom.csv", {"unit": "kohm"}),
    ("wgfmu/custom.csv", {"read_voltage": 0.1}),
    ("smu/kickstart.csv", {"quantity": "current"}),
    ("smu/acs.csv", {"unit": "mA"}),
    ("smu/tsp.csv", {"read_voltage": 0.1}),
    ("arcone/session.csv", {"quantity": "resistance"}),
    ("arcone/bare.csv", {"unit": "kohm"}),
    ("arcone/curve_tracer.csv", {"read_voltage": 0.1}),
    ("long/sweep.csv", {"quantity": "current"}),
    ("long/sweep.csv", {"unit": "uA"}),
    ("long/sweep.csv", {"width": 1e-6}),
    ("long/sweep.csv", {"absolute": True}),
    ("table/sweep_units.csv", {"read_voltage": 0.1}),
    ("table/stdp.csv", {"unit": "uS"}),
    ("table/stdp.csv", {"absolute": True}),
    ("table/endurance_wide.csv", {"width": 1e-6}),
]


@pytest.mark.parametrize(("name", "given"), UNUSED, ids=[f"{name} {next(iter(given))}" for name, given in UNUSED])
def test_an_option_without_a_use_is_refused(name: str, given: dict[str, Any], devicekit: Run) -> None:
    ((keyword, value),) = given.items()
    with pytest.raises(UsageError, match=rf"\b{keyword}="):
        read(DATA / name, **given)
    option = {"absolute": "--abs"}.get(keyword, "--" + keyword.replace("_", "-"))
    ran = devicekit("read", DATA / name, option, *([] if value is True else [value]))
    assert ran.code == 2
    assert option in ran.err


def test_a_long_table_of_direction_pulse_and_conductance_asks_nothing(tmp_path: Path, devicekit: Run) -> None:
    up, down = [10.5, 14.25, 17.0, 19.5, 20.75], [20.75, 16.0, 12.5, 11.0, 10.25]
    rows = [f"{d},{n},{g}" for d, train in (("ltp", up), ("ltd", down)) for n, g in enumerate(train)]
    file = tmp_path / "t.csv"
    file.write_text("direction,pulse_index,G (uS)\n" + "\n".join(rows) + "\n")
    table = read(file)
    assert isinstance(table, PulseTable)
    assert len(table.devices) == 1
    assert set(table.frame["cycle"]) == {1}
    assert list(table.frame["direction"]) == ["ltp"] * 5 + ["ltd"] * 5
    assert list(table.frame["pulse_index"]) == [*range(5), *range(5)]
    assert list(table.frame["conductance_s"]) == [value * 1e-6 for value in up + down]
    assert devicekit("read", file).code == 0


@pytest.mark.usefixtures("without_mechanism")
@pytest.mark.parametrize("points", [41, 201, 2001])
@pytest.mark.parametrize(("width", "outcome"), [(0.06, "switched"), (0.4, "gradual")])
def test_abrupt_or_gradual_does_not_depend_on_the_spacing(width: float, outcome: str, points: int) -> None:
    """ln G rises by a logistic step of this width about 2.43 V, up to 4 V; the way back is a resistor."""
    low, high, middle = 2e-6, 1e-4, 2.43
    v = np.linspace(0.0, 4.0, points)
    rise = np.log(high / low)
    g = low * np.exp(rise / (1 + np.exp(-(v - middle) / width)))
    back = v[::-1][1:]
    loop = pd.DataFrame({"voltage_v": np.r_[v, back], "current_a": np.r_[v * g, back * high]})
    found = characterize(loop).results["dc"].cycles.iloc[0]  # type: ignore[attr-defined]
    assert found["outcome"] == outcome
    hrs = 1 / (1 + np.exp(-(0.1 - middle) / width))  # share of the step that is done at the read voltage
    half = (1 + hrs) / 2
    exact = middle + width * np.log(half / (1 - half))
    spacing = v[1] - v[0]  # linear interpolation of a logistic errs by up to 0.0481 spacing^2 / width
    assert found["v_set_v"] == pytest.approx(exact, abs=0.0481 * spacing**2 / width + 1e-3)


@pytest.mark.usefixtures("without_mechanism", "without_pictures")
@pytest.mark.parametrize("solver", ["banded", pytest.param("fipy", marks=pytest.mark.heavy)])
def test_a_simulated_sweep_reads_the_same_when_it_is_characterised(solver: str, tmp_path: Path, devicekit: Run) -> None:
    simulate = ("simulate", "iv", "--mesh", "coarse", "--solver", solver)
    output = devicekit(*simulate, "--out", tmp_path / "iv")
    simulated = json.loads((tmp_path / "iv" / "summary.json").read_text())
    again = devicekit("characterize", tmp_path / "iv" / "iv.csv", "--v-set", "at_100ua", "--out", tmp_path / "c")
    dc = json.loads((tmp_path / "c" / "iv" / "results.json").read_text())["dc"]
    medians = {each["quantity"]: each["median"] for each in dc["spreads"]}
    for name, column in {"v_set_v": "v_set_v", "hrs_s": "g_hrs_s", "lrs_s": "g_lrs_s", "on_off": "on_off"}.items():
        assert simulated[name] == pytest.approx(medians[column], rel=1e-6), name
    assert simulated["v_set_method"] == dc["v_set_method"] == "at_100ua"
    assert simulated["read_voltage_v"] == pytest.approx(dc["read_voltage_v"], rel=1e-6)
    printed = [f"{simulated['v_set_v']:.4g} V", f"{simulated['hrs_s'] * 1e6:.4g} µS", f"{simulated['on_off']:.4g}"]
    for words in (output.out, again.out):
        assert all(number in words for number in [*printed, f"{simulated['lrs_s'] * 1e6:.4g} µS"]), words
        assert "at_100ua" in words


@pytest.fixture
def old_card() -> dict[str, Any]:
    """The shipped card as version 1 wrote it."""
    card = json.loads(catalog.get("pt-hfo2-al2o3-ti").card.read_text())
    card["flags"], card["schema_version"] = card.pop("warnings"), 1
    return dict(card)


def test_a_card_of_version_1_loads_and_is_saved_as_version_2(old_card: dict[str, Any], tmp_path: Path) -> None:
    assert old_card["flags"]
    (tmp_path / "old.json").write_text(json.dumps(old_card))
    card = load_card(tmp_path / "old.json")
    assert [warning.as_dict() for warning in card.warnings] == old_card["flags"]
    card.save(tmp_path / "new.json")
    new = json.loads((tmp_path / "new.json").read_text())
    assert new == {
        **{k: v for k, v in old_card.items() if k != "flags"},
        "schema_version": 3,
        "warnings": old_card["flags"],
    }


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("more", ["both", "unknown"])
def test_a_card_of_two_kinds_or_with_an_unknown_key_is_refused(
    old_card: dict[str, Any], version: int, more: str, tmp_path: Path
) -> None:
    named = {"flags" if version == 1 else "warnings": old_card.pop("flags"), "schema_version": version}
    added = {"flags": [], "warnings": []} if more == "both" else {"colour": "red"}
    (tmp_path / "card.json").write_text(json.dumps({**old_card, **added, **named}))
    with pytest.raises(CardError):
        load_card(tmp_path / "card.json")


WIDTHS = ["group_5us.json", "group_50us.json", "group_500us.json"]


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with the cards of one device at three pulse widths, and what `devicekit fit` said."""
    folder, output = tmp_path_factory.mktemp("group"), io.StringIO()
    data = tmp_path_factory.mktemp("data") / "widths.csv"
    reference_table(2, 2, 30).to_csv(data)
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()):
        code = run_app(build_app(), ["fit", str(data), "--device", "device1", "--out", str(folder / "group.json")])
    assert code == 0
    assert sorted(file.name for file in folder.iterdir()) == sorted(WIDTHS)
    for other in ("group_r001", "group_notes", "group_b_50us"):  # resampled, somebody's copy, another group's
        shutil.copy(folder / WIDTHS[1], folder / f"{other}.json")
    (folder / "group_list.json").write_text("[1, 2]")
    return folder, output.getvalue()


def test_a_fit_of_three_widths_says_which_cards_it_wrote(group: tuple[Path, str]) -> None:
    folder, output = group
    widths = [load_card(folder / name).conditions.pulse_width_s for name in WIDTHS]
    assert widths == pytest.approx([5e-6, 50e-6, 500e-6])
    assert all(name in output for name in WIDTHS)
    assert [re.findall(r"group_\w+\.json", line) for line in output.splitlines() if "middle" in line] == [WIDTHS[1:2]]


def test_training_on_several_widths_takes_the_middle_one_and_says_so(group: tuple[Path, str], devicekit: Run) -> None:
    results = []
    for name in ("group.json", WIDTHS[1]):
        ran = devicekit("train", group[0] / name, "--epochs", 1, "--set", "hidden=32", "--no-beside", "--json")
        assert ran.code == 0, ran.err
        assert ("group_50us.json is used" in ran.err) == (name == "group.json")
        results.append({key: value for key, value in ran.json.items() if key != "seconds_per_epoch"})
    assert results[0] == results[1]


def test_one_card_is_asked_for_where_there_are_three(group: tuple[Path, str], tmp_path: Path, devicekit: Run) -> None:
    folder, _ = group
    ran = devicekit("export", folder / "group.json", "--to", "csv", "--out", tmp_path / "out")
    assert ran.code == 2
    with pytest.raises(CardError) as caught:
        load_card(folder / "group.json")
    for words in (ran.err, str(caught.value)):
        assert set(re.findall(r"group_\w+\.json", words)) == set(WIDTHS)
