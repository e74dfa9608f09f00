"""Public doors give no wrong number and lose nothing: cases by class."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import devicekit
from benchmarks import outside_truths
from devicekit.core.errors import DevicekitError, UsageError
from devicekit.device.blocks import Window
from devicekit.device.idealise import idealise
from devicekit.fitting.branch.options import FitOptions
from devicekit.fitting.condition import fit_condition
from devicekit.readers import hdf5
from devicekit.system import work
from devicekit.tables import PulseTable, SweepTable
from physics.page import iv_page
from tests.unit.features.synthetic_bakes import KELVINS, TIMES, bakes

# --- saving: an existing file that devicekit did not write, or that the data came from, is kept ---

_SAVING_SHIPPED = devicekit.catalog.shipped()["vcm-trains"].data


def _saving_table(folder: Path) -> Any:
    source = folder / "base.csv"
    if not source.exists():
        devicekit.read(_SAVING_SHIPPED, device="C0").to_csv(source)
    return devicekit.read(source)


_SAVING_DOORS: dict[str, Callable[..., None]] = {
    "fit": lambda folder, path, **more: devicekit.fit(_saving_table(folder)).save(path, **more),
    "card": lambda folder, path, **more: devicekit.load_card("vcm-trains").save(path, **more),
    "table": lambda folder, path, **more: _saving_table(folder).to_csv(path, **more),
    "recipe": lambda folder, path, **more: _saving_table(folder).meta["layout"].save(path, **more),
    "hdf5": lambda folder, path, **more: hdf5.save(path, tables=[_saving_table(folder)], **more),
}


@pytest.mark.parametrize("door", _SAVING_DOORS)
def test_saving_keeps_a_file_of_others(door: str, tmp_path: Path) -> None:
    save, thesis = _SAVING_DOORS[door], tmp_path / "thesis.txt"
    thesis.write_text("years of work")
    with pytest.raises(devicekit.DevicekitError, match=r"thesis\.txt.*[Cc]hoose another name"):
        save(tmp_path, thesis)
    assert thesis.read_text() == "years of work"
    save(tmp_path, thesis, overwrite=True)
    assert thesis.read_bytes() != b"years of work"
    save(tmp_path, tmp_path / "new")  # no file is there: nothing to confirm
    assert (tmp_path / "new").stat().st_size > 0


@pytest.mark.parametrize("door", ["fit", "table", "hdf5"])
def test_saving_never_replaces_the_source(door: str, tmp_path: Path) -> None:
    _saving_table(tmp_path)
    source = tmp_path / "base.csv"
    before = source.read_bytes()
    with pytest.raises(devicekit.DevicekitError, match=r"base\.csv is an input file.*overwrite=True"):
        _SAVING_DOORS[door](tmp_path, source)
    assert source.read_bytes() == before


def test_saving_replaces_a_card_of_ours(tmp_path: Path) -> None:
    card, other = devicekit.load_card("vcm-trains"), devicekit.load_card("pt-hfo2-al2o3-ti")
    card.save(tmp_path / "card.json")
    other.save(tmp_path / "card.json")
    assert devicekit.load_card(tmp_path / "card.json").name == other.name


def test_saving_replaces_what_was_just_saved_unless_it_was_changed(tmp_path: Path) -> None:
    path, table = tmp_path / "copy.csv", _saving_table(tmp_path)
    table.to_csv(path)
    table.select(cycle=1).to_csv(path)
    path.write_text(path.read_text() + "corrected by hand\n")
    with pytest.raises(devicekit.DevicekitError, match="it is kept"):
        table.to_csv(path)


# --- options: a setting that means nothing, or that nothing uses, is refused ---

WRONG_SETTINGS = [
    ("threshold", float("nan"), "above 1, not nan"),
    ("threshold", 1.0, "above 1, not"),
    ("read_voltage", float("nan"), "a finite number"),
    ("lost_factor", 0.5, "above 1, not"),
    ("horizon", 0.0, "above 0 and at most 1e.12 .s."),
    ("horizon", float("inf"), "above 0 and at most 1e.12 .s."),
    ("life_temperature_k", 85.0, r"above 200 and at most 2000 \[K\], not 85.0. For 85 °C give 358.15"),
    ("write_window_s", 5.0e1, r"at most 10 \[S\], not 50.0. For 50 uS give 5e-05"),
    ("apparent_energy_ev", 21.0, "at most 20 .eV."),
    ("time_exponent", 11.0, "at most 10, not"),
    ("kernel", "treble", "is one of exponential"),
    ("ppf_baseline", "after", "is one of original"),
]


@pytest.fixture(scope="module")
def endurance_rows() -> dict[str, Any]:
    """Return 30 cycles of one device."""
    cycles = [cycle for cycle in range(1, 31) for _ in range(2)]
    states = [(1e-4 if level == "lrs" else 1e-6) * (1 + 0.01 * (n % 7)) for n in range(30) for level in ("lrs", "hrs")]
    return {"device_id": ["a"] * 60, "cycle": cycles, "level": ["lrs", "hrs"] * 30, "conductance_s": states}


@pytest.mark.parametrize(("name", "value", "words"), WRONG_SETTINGS)
def test_a_setting_out_of_range_is_refused(endurance_rows: Any, name: str, value: Any, words: str) -> None:
    with pytest.raises(UsageError, match=f"^{name}= .*{words}"):
        devicekit.characterize(endurance_rows, **{name: value})


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("--horizon 1e400", "--horizon takes a finite number, not inf"),
        ("--horizon 1e13", "--horizon must be a finite number above 0 and at most 1e+12 [s]"),
        (
            "--temperature 25",
            "--temperature must be a finite number above 50 and at most 2000 [K], not 25.0. For 25",
        ),
        ("--life-temperature nan", "--life-temperature takes a finite number, not nan"),
        ("--constant temperature_c=-400", "temperature_c=-400: must be a finite number above -273.15 [°C]"),
        ("--constant temperature_c=1e400", "temperature_c=1e400: must be a finite number"),
        ("--read-voltage nan", "--read-voltage takes a finite number, not nan"),
        ("--permittivity nan:4", "--permittivity"),
        ("--thickness 8", "at most 0.001 [m], not 8.0. For 8 nm give 8e-09"),
        ("--thickness 5e-11", "above 1e-10"),
        ("--area 25", "For 25 um2 give 2.5e-11"),
        ("--area 1e6", "at most 0.001 [m2], not 1000000.0. For 1e+06 um2 give 1e-06"),
        ("--kernel double", "--kernel has no effect: it is for a relaxation after pulses"),
        ("--v-set compliance", "--v-set has no effect"),
        ("--ppf-baseline before", "--ppf-baseline has no effect"),
        ("--temperature 300", "--temperature has no effect"),
        ("--life-temperature 300", "--life-temperature has no effect"),
        ("--bits 2", "--bits has no effect"),
    ],
)
def test_the_command_line_refuses_what_means_nothing(
    endurance_rows: Any, tmp_path: Path, devicekit: Any, typed: str, words: str
) -> None:
    pd.DataFrame(endurance_rows).to_csv(tmp_path / "endurance.csv", index=False)
    ran = devicekit("characterize", tmp_path / "endurance.csv", *typed.split(), "--out", tmp_path / "out")
    assert ran.code == 2
    assert words in ran.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "typed", ["fit {} --read-voltage", "simulate iv --compliance", "simulate pulses --gap", "array vcm-trains --read-s"]
)
@pytest.mark.parametrize("value", ["nan", "inf"])
def test_every_command_refuses_numbers_that_are_not_finite(typed: str, value: str, devicekit: Any) -> None:
    ran = devicekit(*typed.format(_SAVING_SHIPPED).split(), value)
    assert (ran.code, ran.out) == (2, "")
    assert {typed.split()[-1], "finite", value} <= {*ran.err.split()}


def test_a_setting_is_refused_only_where_no_result_uses_it(endurance_rows: Any) -> None:
    assert devicekit.characterize(endurance_rows, threshold=1.5).results["endurance"].threshold == 1.5  # type: ignore[attr-defined]
    with pytest.raises(UsageError, match=r"^life_temperature_k= .*retention"):
        devicekit.characterize(endurance_rows, life_temperature_k=300.0)


# --- cards: what is stored beside theta is what follows from it; windows are those of a device ---

_CARDS_BAD = [
    ("ltp.coefficients.a", 0.5, r"ltp\.coefficients\.a: found 0\.5, expected 0\.0?[1-9]\d"),
    ("ltd.rate_curve.rate.3", -0.5, r"ltd\.rate_curve\.rate\.3: found -0\.5, expected -0\.0"),
    ("ltp.theta.0", -1.0, r"ltp\.rate_curve\.rate\.0: found"),
    ("window.low", -1e-4, "from 0 to 10 S, not low -0.0001"),
    ("window.high", 1e300, r"from 0 to 10 S.*high 1e\+300"),
]


@pytest.mark.parametrize(("place", "value", "words"), _CARDS_BAD)
def test_cards_with_two_answers_or_an_impossible_window_are_refused(
    place: str, value: float, words: str, tmp_path: Path
) -> None:
    raw = json.loads(devicekit.load_card("pt-hfo2-al2o3-ti").to_json())
    *path, last = [int(each) if each.isdigit() else each for each in place.split(".")]
    block = raw
    for each in path:
        block = block[each]
    block[last] = value
    (tmp_path / "card.json").write_text(json.dumps(raw))
    with pytest.raises(devicekit.DevicekitError, match=words) as caught:
        devicekit.load_card(tmp_path / "card.json")
    assert "card.json" in str(caught.value)


@pytest.mark.parametrize("made", [{"linear": True}, {"linear": True, "symmetric": True}, {"symmetric": True}])
def test_cards_made_ideal_are_loaded(made: dict[str, bool], tmp_path: Path) -> None:
    card = idealise(devicekit.load_card("pt-hfo2-al2o3-ti"), **made)
    card.save(tmp_path / "card.json")
    assert devicekit.load_card(tmp_path / "card.json") == card


def test_conductances_in_a_wrong_unit_make_no_card() -> None:
    train = [1.0, 20.0, 35.0, 45.0, 52.0, 57.0, 61.0, 64.0, 66.0, 67.0]
    with pytest.raises(devicekit.DevicekitError, match=r"reach 67 S.*unit='uS'"):
        devicekit.fit(ltp=train, ltd=train[::-1], unit="S")


# --- arrays: what is masked is missing; complex numbers and truth values are errors ---

_ARRAY_LEVELS = np.round(60 * (1 - np.exp(-np.arange(30) / 9)) + 5, 3)
_ARRAY_SPOILT = np.where(np.arange(30) == 7, 900.0, _ARRAY_LEVELS)
_ARRAY_TABLE = {"direction": ["ltp"] * 30 + ["ltd"] * 30, "cycle": [1] * 60, "pulse_index": [*range(30)] * 2}
_ARRAY_DOORS: dict[str, Callable[[Any], Any]] = {
    "train": lambda train: devicekit.fit(ltp=train, ltd=_ARRAY_LEVELS[::-1], unit="uS"),
    "trains": lambda train: devicekit.fit(ltp=[train, train], ltd=[_ARRAY_LEVELS[::-1]] * 2, unit="uS"),
    "columns": lambda train: devicekit.fit({**_ARRAY_TABLE, "conductance_uS": np.ma.concatenate([train, train[::-1]])}),
}


@pytest.mark.parametrize("door", _ARRAY_DOORS)
def test_masked_readings_are_missing(door: str) -> None:
    masked = np.ma.masked_array(_ARRAY_SPOILT, mask=np.arange(30) == 7)
    missing = np.where(np.arange(30) == 7, np.nan, _ARRAY_LEVELS)
    found, expected = _ARRAY_DOORS[door](masked), _ARRAY_DOORS[door](missing)
    assert found.window == expected.window
    assert found.ltp.theta.tolist() == expected.ltp.theta.tolist()


@pytest.mark.parametrize("door", _ARRAY_DOORS)
@pytest.mark.parametrize("values", [_ARRAY_LEVELS + 1j, _ARRAY_LEVELS > 30, (_ARRAY_LEVELS + 1j).astype(object)])
def test_complex_numbers_and_truth_values_are_refused(door: str, values: Any) -> None:
    with pytest.raises(devicekit.DevicekitError, match=r"numbers, not (complex|true)|must hold numbers"):
        _ARRAY_DOORS[door](values)
    with pytest.raises(DevicekitError, match=r"complex|true"):
        devicekit.read(values.tolist(), unit="uS")


# --- concurrency: of two commands with one result, the second is refused before it begins ---


@pytest.mark.parametrize(
    "typed", ["fit table.csv --out card.json", "run table.csv --out results", "fit table.csv --report p.html"]
)
def test_a_result_that_another_command_writes_is_left_to_it(typed: str, tmp_path: Path, devicekit: Any) -> None:
    _saving_table(tmp_path).to_csv(tmp_path / "table.csv")
    words = [str(tmp_path / word) if "." in word or word == "results" else word for word in typed.split()]
    with work.claimed(Path(words[-1])):
        ran = devicekit(*words)
        assert (ran.code, Path(words[-1]).exists()) == (2, False)
        assert {"another", "writing", f"{words[-1]}:"} <= {*ran.err.split()}
    if words[0] == "fit":
        assert devicekit(*words).code == 0
    assert not [each.name for each in tmp_path.iterdir() if each.name.startswith(".")]


# --- one seed, one result: no sum whose order depends on the CPU leads to a card or a training ---

_CPU_PATH = ("fitting/branch", "fitting/likelihood", "fitting/variation", "device", "models/kernel.py", "../snn")
_CPU_APART = {"wires.py"}  # the drops over the wires of an array
_CPU_SUMS = "dot vdot inner matmul tensordot cov corrcoef polyfit convolve correlate"
_CPU_ALGEBRA = "solve inv pinv svd eigh eigvalsh qr cholesky slogdet det lstsq"


def _cpu_results(tables: list[Any]) -> list[Any]:
    from snn.config import TrainingConfig
    from snn.data.load import load
    from snn.training import train

    found: list[Any] = []
    for table in tables:
        card = devicekit.fit(table).to_card("card")
        trained = train(card, TrainingConfig(epochs=1, hidden=16, read_noise=True), load("digits"))
        found += [json.loads(card.to_json()), {**trained.as_dict(), "seconds_per_epoch": None}]
    return found


def test_no_digit_depends_on_the_order_in_which_a_cpu_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    def otherwise(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            found = function(*given, **named)
            nudged = [each * (1 + 2**-48) for each in found] if isinstance(found, tuple) else found * (1 + 2**-48)
            return type(found)(*nudged) if hasattr(found, "_fields") else nudged

        return call

    table = devicekit.read(_SAVING_SHIPPED)
    tables = [table.select(device="C7"), table.select(cycle=1).without([f"C{k}" for k in range(6, 25)])]
    expected = _cpu_results(tables)
    for module, names in ((np, _CPU_SUMS), (np.linalg, _CPU_ALGEBRA)):
        for name in names.split():
            monkeypatch.setattr(module, name, otherwise(getattr(module, name)))
    assert _cpu_results(tables) == expected


def test_products_on_the_way_to_a_card_go_through_one_function() -> None:
    package = Path(devicekit.__file__).parent
    places = [package / each for each in _CPU_PATH]
    files = [file for place in places for file in (place.rglob("*.py") if place.is_dir() else [place])]
    assert len(files) > 60
    for file in (each for each in files if each.name not in _CPU_APART):
        nodes = list(ast.walk(ast.parse(file.read_text("utf-8"))))
        assert not any(isinstance(each, ast.MatMult) for each in nodes), file
        assert not any(isinstance(each, ast.Attribute) and each.attr == "linalg" for each in nodes), file


# --- reading: numbers, units, ids and files are taken as they are meant, or named in an error ---

_READINGS: list[tuple[str, str, dict[str, Any], list[float] | str]] = [
    ("G (uS)", "1.234 2.500 12.345,6 9,5 7", {}, [1234, 2500, 12345.6, 9.5, 7]),
    ("G (uS)", "1.234 2.500 345,6 9,5 7", {}, [1234, 2500, 345.6, 9.5, 7]),
    ("G (uS)", "1.234 1.5 12.345,6 9,5 7", {}, r"row 2, G \(uS\): found '1.234', .* \(see decimal=\)"),
    ("G (uS)", "1.234 2.5 12.345,6 9,5 7", {"decimal": "."}, r"row 4, G \(uS\): found '12.345,6'"),
    ("G_uS (uS)", "10 11 12 13 14", {}, [10, 11, 12, 13, 14]),
    ("[uS]", "10 11 12 13 14", {}, [10, 11, 12, 13, 14]),
    ("conductance_uS [nS]", "10 11 12 13 14", {}, "the name states uS, the brackets nS"),
    ("conductance_s [nS]", "10 11 12 13 14", {}, "the name states S, the brackets nS"),
]


@pytest.mark.parametrize(("name", "cells", "options", "expected"), _READINGS)
def test_readings(name: str, cells: str, options: Any, expected: list[float] | str, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(f"time (s);{name}" + "".join(f"\n{k}.125;{c}" for k, c in enumerate(cells.split())))
    if not isinstance(expected, str):
        frame = devicekit.read(tmp_path / "m.csv", **options).frame
        assert frame["conductance_s"].tolist() == pytest.approx([1e-6 * each for each in expected])
        assert frame["time_s"].tolist() == [k + 0.125 for k in range(5)]
    else:
        with pytest.raises(DevicekitError, match=f"m.csv: (?s:.*){expected}"):
            devicekit.read(tmp_path / "m.csv", **options)


def _endurance(ids: str, cycles: str = "1 2 3") -> str:
    rows = (f"{i},{c},lrs,{c}e-4\n{i},{c},hrs,{c}e-6\n" for i in ids.split() for c in cycles.split())
    return "device_id,cycle,level,conductance_s\n" + "".join(rows)


@pytest.mark.parametrize(("ids", "n"), [("1 01 1.0", 3), ("1.1 1.10", 2), ("2 1 1.0", 2), ("1 a 01", 3)])
def test_ids_that_differ_stay_apart(ids: str, n: int, tmp_path: Path) -> None:
    (tmp_path / "i.csv").write_text(_endurance(ids))
    assert devicekit.read(tmp_path / "i.csv").frame["device_id"].unique().tolist() == ids.split()[:n]


def test_what_a_folder_or_a_table_lacks_or_repeats_is_named(tmp_path: Path, devicekit: Any) -> None:
    (tmp_path / "a.csv").write_text(_endurance("a", "1 2 2 3").replace(",", ";").replace("e-", ",5e-"))
    for name in ("gone.csv", ".#a.csv", "gone.png"):
        (tmp_path / name).symlink_to(tmp_path / "nothing.csv")
    ran = devicekit("read", tmp_path)
    assert f"1 file left out: gone.csv: {tmp_path / 'gone.csv'} links to {tmp_path / 'nothing.csv'}, which" in ran.err
    assert "[repeats] 2 readings" in ran.err
    assert "decimal comma\n" in ran.out
    ran = devicekit("read", "")
    assert (ran.code, ran.out, "argument is empty" in ran.err) == (2, "", True)


def test_a_formula_without_a_value_and_a_path_without_a_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="path is empty"):
        devicekit.read("")
    pd.DataFrame({"time (s)": [1, 2, 3, 4], "G (uS)": [10, 11, "=B3*2", 12]}).to_excel(tmp_path / "f.xlsx", index=False)
    with pytest.raises(DevicekitError, match="sheet Sheet1, cell B4"):
        devicekit.read(tmp_path / "f.xlsx")


def test_a_time_inside_the_measured_one_is_no_extrapolation(tmp_path: Path) -> None:
    times = [10.0 ** (k / 4) for k in range(33)]
    rows = {"device_id": "a", "level": "lrs", "time_s": times, "conductance_s": [1e-6 * t**-0.01 for t in times]}
    found = devicekit.characterize(rows, horizon=100.0).results["retention"]
    assert "100 s, inside" in found.sentences()[1]
    assert not [each for each in found.warnings if each.code == "extrapolation"]
    axes = found.panel().draw()
    axes.figure.canvas.draw()
    labels = (each.get_window_extent() for each in axes.get_xticklabels())
    assert {left.x1 < right.x0 for left, right in pairwise(labels)} == {True}


# --- V_set: headline, mark and table have one definition; where another lies over 50 mV away, a line tells it ---

_LOOPS = "at 100 µA, median of loops 2 to 3"


@pytest.mark.parametrize(("stack", "words"), [("drift", _LOOPS), ("electrothermal", _LOOPS), ("hfo2", "at compliance")])
def test_a_simulated_v_set_is_where_its_figure_jumps(stack: str, words: str) -> None:
    found = devicekit.simulate.iv(stack, mesh="coarse", cycles=3 * (words == _LOOPS))
    late = found.sweep.frame.query("cycle == 1 and segment == 'set' and voltage_v > 0.4")
    steepest = np.argmax(np.diff(np.log(late["current_a"])) / np.diff(late["voltage_v"]))
    assert found.v_set_v == pytest.approx(late["voltage_v"].iloc[steepest], abs=0.02)
    page, panel, at = iv_page(found, ""), found.panel(), found.headline["v_set_v"]
    tiles = {each.name: (each.label, each.value) for each in page.numbers}
    assert (tiles["v_set_v"], "v_100ua_v" in tiles) == ((f"V_set ({words})", at), words != _LOOPS)
    assert (panel.title, panel.lines) == (f"V_set = {at:.3f} V ({words.replace(',', ';')})", [("x", at)])
    assert found.set_by == ("at_100ua" if words == _LOOPS else "compliance")
    assert f"V_set ({words.partition(',')[0]})" in [row[0] for row in page.sections[0].blocks[-1].rows]
    lines = sum("max_didv" in each for each in devicekit.characterize(found.sweep).results["dc"].remarks())
    assert [each.code for each in found.quality.remarks].count("gradual_set") == lines == (stack != "electrothermal")


def test_a_current_that_an_hrs_carries_is_no_set() -> None:
    found = devicekit.simulate.iv("drift", mesh="coarse")
    frame = found.sweep.frame.assign(**{name: 20 * found.sweep.frame[name] for name in ("current_a", "compliance_a")})
    assert replace(found, sweep=SweepTable(frame, found.sweep.meta)).v_set_method == "compliance"  # 100 uA at .1 V


# --- bands: outside the family of the law they hold the rate too, and inside they stay as narrow ---


@pytest.mark.parametrize(("kind", "least", "most"), [("logistic", 0.019, 0.021), ("soft bounds", 0.001, 0.006)])
def test_bands_are_wide_where_the_law_may_miss_the_trains(kind: str, least: float, most: float) -> None:
    held, widths, at = [], [], np.array([0.1, 0.3, 0.5, 0.7])
    window = Window(quantity="weight", low=0.0, high=1.0, scope="truth")
    pulses = {"cycle": np.repeat(np.arange(1, 21), 101), "pulse_index": np.tile(np.arange(101), 20)}
    for seed in range(4):
        rate = outside_truths.law(kind, np.random.default_rng(seed))
        rows = outside_truths.readings(rate, "reads of SD", 20, np.random.default_rng(seed))
        table = PulseTable(pd.DataFrame({"device_id": "d", "direction": "ltp", **pulses, "weight": rows.ravel()}))
        curve = fit_condition(table, FitOptions("eq2"), window).branches["ltp"].rate_curve(at)
        low, middle, high = map(np.array, (curve.lower, curve.rate, curve.upper))
        held += [*(low <= rate(at)), *(rate(at) <= high)]
        widths.append(np.min([middle - low, high - middle] / middle))
    assert np.mean(held) >= 0.93  # of both ends
    assert least < np.median(widths) < most


# --- bakes: a hotter bake that is not predicted has a copy of the hottest one as baseline ---


def test_a_bake_that_is_not_predicted_has_a_copy_as_baseline() -> None:
    frame = bakes(3, energy=1.6, kelvins=KELVINS[:4], times=TIMES[:4], median=0.15)  # only the last bake shows a loss
    result = devicekit.characterize(frame, bake_k=533.15, kind="retention").results["bakes"]
    words = " ".join(each.message for each in result.warnings if each.code == "extrapolation")
    low, high, last = map(float, re.findall(r"([\d.]+)(?: to| %)", words.partition("220 °C: 95 %")[2]))
    assert (low == last < 80 < 93 < high < 97, result.predicted, result.chosen[-6:]) == (True, (), "220 °C")
