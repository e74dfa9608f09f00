"""The kind and the columns given by options: one command reads any table, whatever its columns are named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import devicekit
from devicekit.core.errors import Question, QuestionError, TableError, UsageError

UP = np.linspace(1e-6, 8e-6, 12)
LOOP = np.array([0, 0.5, 1, 0.5, 0, -0.5, -1, -0.5, 0])
TIMES = 0.1 * np.arange(30)
PULSED = np.where(np.arange(30) % 10 == 3, 2.0, 0.1)
CYCLES = np.arange(1, 21)
KINDS: dict[str, dict[str, Any]] = {
    "pulse": {"pulse_index": np.arange(12), "conductance_s": UP},
    "sweep": {"voltage_v": LOOP, "current_a": 1e-6 * LOOP**3},
    "endurance": {"cycle": CYCLES, "level": ["hrs", "lrs"] * 10, "resistance_ohm": [8e5, 5e3] * 10},
    "retention": {"time_s": TIMES, "resistance_ohm": 1e5 + 100 * TIMES},
    "stdp": {"spike_delay_s": [-0.02, -0.01, 0.01, 0.02], "weight_change": [-0.2, -0.4, 0.5, 0.3]},
    "transient": {"time_s": TIMES, "current_a": 1e-6 * PULSED, "voltage_v": PULSED},
    "paired": {"interval_s": [0.01, 0.02, 0.05], "ratio": [1.5, 1.3, 1.1]},
    "multilevel": {"level": [1, 1, 1, 2, 2, 2], "conductance_s": [1e-6, 1.1e-6, 0.9e-6, 2e-6, 2.1e-6, 1.9e-6]},
    "summary": {"cycle": CYCLES, "v_set_v": 1 + 0.01 * CYCLES, "v_reset_v": -1 - 0.01 * CYCLES},
    "record": {"device_id": ["a", "a", "b"], "time_s": [0.0, 1.0, 0.0]},
}


def write(path: Path, columns: dict[str, Any], names: list[str] | None) -> Path:
    pd.DataFrame(columns).to_csv(path, index=False, header=names or False)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_map_reads_what_names_read(kind: str, tmp_path: Path) -> None:
    columns = KINDS[kind]
    bare = write(tmp_path / "bare.csv", columns, None)
    foreign = write(tmp_path / "foreign.csv", columns, [f"x{'abcdef'[k]}" for k in range(len(columns))])
    named = devicekit.read(bare, kind=kind, names=",".join(columns), accept=True)
    assert named.kind == kind
    by_place = {name: f"column {k}" for k, name in enumerate(columns, 1)}
    by_name = {name: f"x{'abcdef'[k]}" for k, name in enumerate(columns)}
    for path, given in ((bare, by_place), (foreign, by_name)):
        mapped = devicekit.read(path, kind=kind, map=given, accept=True)
        pd.testing.assert_frame_equal(mapped.frame, named.frame)


def asked(path: Path, **options: Any) -> Question:
    with pytest.raises(QuestionError) as caught:
        devicekit.read(path, **options)
    return caught.value.asked


@pytest.mark.parametrize(
    ("kind", "columns", "missing"),
    [
        ("transient", {"V (V)": PULSED, "I (A)": 1e-6 * PULSED}, {"time_s"}),
        ("retention", {"V (V)": LOOP, "I (A)": 1e-6 * LOOP, "x": LOOP, "y": LOOP}, {"time_s", "value"}),
        ("endurance", {"R (ohm)": [8e5, 7e5, 9e5]}, {"level"}),
        ("stdp", {"delay (ms)": [-10, 10], "x": [1, 2]}, {"weight_change"}),
        ("summary", {"R (ohm)": [8e5, 7e5, 9e5]}, {"v_set_v"}),
    ],
)
def test_what_a_kind_lacks_is_asked_with_options(
    kind: str, columns: dict[str, Any], missing: set[str], tmp_path: Path
) -> None:
    """--kind transient was refused with "needs other columns. Use --kind sweep"."""
    found = asked(write(tmp_path / "t.csv", columns, list(columns)), kind=kind, accept=True)
    assert f"kind={kind} needs" in found.text
    assert ", ".join(columns) in found.text
    assert missing in [set(each.options["map"]) for each in found.choices if "map" in each.options]
    assert not any(each.options["kind"] not in (kind, "record") for each in found.choices)


def test_states_of_one_level_are_named_by_map(tmp_path: Path) -> None:
    rows = {"a": 7, "b": [1e4, 1.1e4], "c": [1e5, 2e5], "d": [100, 200]}
    path = write(tmp_path / "t.csv", rows | {"a": [7, 7]}, None)
    given = {"device_id": "column 1", "lrs": "column 2", "hrs": "column 3", "cycle": "column 4"}
    table = devicekit.read(path, kind="endurance", map=given, unit="ohm")
    wide = table.frame.pivot_table(index="cycle", columns="level", values="conductance_s")
    assert wide["lrs"].tolist() == pytest.approx([1e-4, 1 / 1.1e4])
    assert wide["hrs"].tolist() == pytest.approx([1e-5, 0.5e-5])
    assert wide.index.tolist() == [100, 200]
    ups = write(tmp_path / "w.csv", {"p": np.linspace(-1, 1, 9), "q": np.linspace(1, -1, 9)}, None)
    table = devicekit.read(ups, kind="pulse", map={"ltp": "column 1", "ltd": "column 2"}, quantity="weight")
    assert table.frame.groupby("direction")["weight"].first().to_dict() == {"ltp": -1, "ltd": 1}


def test_the_read_voltage_chooses_the_readings_of_a_transient(tmp_path: Path) -> None:
    """A program pulse that lasts longer than the readings was read as the state; read_voltage was ignored."""
    volts = np.r_[np.full(20, 2.0), np.full(10, 0.01002)]
    columns = {"time (s)": np.arange(30.0), "I (A)": 1e-3 * volts, "V (V)": volts}
    path = write(tmp_path / "t.csv", columns, list(columns))
    assert [each.options for each in asked(path, kind="transient").choices] == [{"accept": True}, {"read_voltage": 2.0}]
    frame = devicekit.read(path, kind="transient", accept=True).frame
    assert frame.equals(devicekit.read(path, kind="transient", read_voltage=0.01).frame)
    assert frame["conductance_s"].notna().sum() == 10
    assert frame["conductance_s"].iloc[-1] == pytest.approx(1e-3)
    assert frame["pulse_voltage_v"].iloc[[0, -1]].tolist() == [2, 0]
    with pytest.raises(UsageError, match=r"read_voltage=0.3.* 0.01 V, 2 V"):
        devicekit.read(path, kind="transient", read_voltage=0.3)


def test_records_at_constant_voltages_of_both_signs_hold_no_pulses(tmp_path: Path) -> None:
    """Sheets at -3 V and 3 V were read as pulses of one record."""
    book = tmp_path / "hold.xlsx"
    with pd.ExcelWriter(book) as writer:
        for k, volts in enumerate((-3.0, 3.0, -3.0), 1):
            frame = pd.DataFrame({"V (V)": volts, "I (A)": 1e-4 * volts, "t (s)": np.arange(5.0)})
            frame.to_excel(writer, sheet_name=f"Rep{k}", index=False)
    frame = devicekit.read(book, kind="transient", sheets_are="cycles").frame
    assert "pulse_voltage_v" not in frame
    assert frame["read_voltage_v"].tolist() == [-3] * 5 + [3] * 5 + [-3] * 5
    assert frame["conductance_s"].to_numpy() == pytest.approx(1e-4)


def test_a_summary_needs_no_read_voltage(tmp_path: Path) -> None:
    columns = {"cycle": [1, 2], "v_set_V": [1.0, 1.1], "v_reset_V": [-1.0, -0.9], "i_on_A": [1e-4, 2e-4]}
    path = write(tmp_path / "t.csv", columns, list(columns))
    table = devicekit.read(path, kind="summary")
    assert table.frame["v_set_v"].tolist() == [1.0, 1.1]
    assert table.frame["i_on_A"].tolist() == [1e-4, 2e-4]


def test_plain_records_are_read_in_one_step(tmp_path: Path) -> None:
    """Sheets, read voltage and units were asked about."""
    book = tmp_path / "all.xlsx"
    with pd.ExcelWriter(book) as writer:
        pd.DataFrame({"V (V)": [0, 1], "I": [0, 2]}).to_excel(writer, sheet_name="red", index=False)
        pd.DataFrame({"x": [5, 6, 7]}).to_excel(writer, sheet_name="blue", index=False)
    table = devicekit.read(book, kind="record", unit="A")
    assert table.frame.groupby("sheet", sort=False).size().to_dict() == {"red": 2, "blue": 3}
    assert table.frame["x"].dropna().tolist() == [5, 6, 7]
    assert any("unit= is not used" in each.message for each in table.warnings)


def test_files_of_one_level_each_are_one_endurance_test(tmp_path: Path) -> None:
    """They were refused as endurance in every form; the number of pulses of their trains was asked."""
    rng = np.random.default_rng(5)
    at = {"HRS": np.array([18.5, 130.2, 2517.1, 90001.4]), "LRS": np.array([17.4e6, 5e5, 130.4, 19.2])}
    for level, ohms in (("HRS", 5e4), ("LRS", 5e3)):
        write(tmp_path / f"2A_{level}_10.csv", {"x": at[level], "y": ohms * rng.uniform(0.5, 2, 4)}, ["x", "y"])
    paths = sorted(tmp_path.glob("2A*"))
    found = asked(paths)
    assert not any("pulses" in each.fields for each in found.each)
    first = found.each[0].choices[0].options
    assert first["kind"] == "endurance"
    assert "record" in [each.options["kind"] for each in found.each[0].choices]
    mapped = {"cycle": "x", "value": "y"}
    forms: list[dict[str, Any]] = [
        dict(first),
        {"kind": "endurance", "map": mapped, "unit": "ohm"},
        {"kind": "endurance", "map": mapped, "unit": "ohm", "key": {"level": "(HRS|LRS)"}},
        {"kind": "endurance", "names": "cycle,R (ohm)"},
    ]
    for form in forms:
        frame = devicekit.read(paths, **form).frame
        assert frame.groupby("level")["cycle"].apply(sorted).to_dict() == {
            "hrs": [18, 130, 2517, 90001],
            "lrs": [19, 130, 500000, 17400000],
        }
    alone = devicekit.read(paths[0], kind="endurance", map={"cycle": "x", "hrs": "y"}, unit="ohm")
    assert set(alone.frame["level"]) == {"hrs"}
    times = write(tmp_path / "t.csv", {"t": 0.05 * np.arange(60), "y": 1e4 + np.arange(60.0)}, ["t", "y"])
    with pytest.raises(TableError, match="whole numbers"):
        devicekit.read(times, kind="endurance", map={"cycle": "t", "hrs": "y"}, unit="ohm")


def test_the_first_answer_reads_columns_without_names(tmp_path: Path) -> None:
    """Quantity, devices and lengths of trains were asked; endurance, transient and summary were not offered."""
    rng = np.random.default_rng(6)
    cycles = 100 * np.arange(1, 60)
    ohms = {"addr": 186, "low": 1.1e4 * rng.uniform(0.9, 1.1, 59), "high": 1e5 * rng.uniform(0.3, 3, 59)}
    path = write(tmp_path / "e.csv", ohms | {"addr": np.full(59, 186), "n": cycles}, None)
    found = asked(path)
    assert not found.parts
    assert {"endurance", "pulse", "summary", "retention", "transient", "record"} <= {
        each.options["kind"] for each in found.choices
    }
    frame = devicekit.read(path, **found.choices[0].options).frame
    assert frame.groupby("level")["cycle"].apply(list).to_dict() == {"hrs": cycles.tolist(), "lrs": cycles.tolist()}
    assert frame["conductance_s"][frame["level"] == "lrs"].to_numpy() == pytest.approx(1 / ohms["low"])

    volts = np.r_[np.full(20, 2.0), np.full(30, 0.01)]
    path = write(
        tmp_path / "t.csv", {"t": 0.3 * np.arange(50), "i": 1e-3 * volts * rng.uniform(0.9, 1.1, 50), "v": volts}, None
    )
    first = asked(path).each[0].choices[0].options
    assert first["kind"] == "transient"
    frame = devicekit.read(path, **first).frame
    assert frame["conductance_s"].notna().sum() == 30
    assert frame["time_s"].iloc[-1] == pytest.approx(14.7)


def test_lengths_of_trains_are_asked_behind_the_kind(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    g = 1e-5 * (1 + np.abs(np.arange(40) % 20 - 10) / 10 + 0.03 * rng.normal(size=40))
    path = write(tmp_path / "t.csv", {"G (S)": g}, ["G (S)"])
    kind, *rest = asked(path).each
    assert kind.subject == "kind"
    assert {"endurance", "record"} <= {each.options["kind"] for each in kind.choices[1:]}
    assert all("pulses" not in each.fields for each in asked(path, kind="retention").each)
    assert [each.fields for each in rest] == [("pulses",)]
