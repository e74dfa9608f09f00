"""Columns of one quantity side by side: devices, cycles, directions or levels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import devicekit
from devicekit.readers import read
from devicekit.tables import PulseTable, SweepTable

from .small_files import LOOP, Write, choices, trains, written  # type: ignore[import-not-found]


def test_cycle_0_is_a_cycle(tmp_path: Path) -> None:
    rows = "".join(f"{n},{n + 100}\n" for n in range(1, 11))
    table = read(written(tmp_path, f"cycle 0 (uS),cycle 1 (uS)\n{rows}"), accept=True)
    assert "repeats" not in [warning.code for warning in table.warnings]
    assert table.frame.groupby("cycle")["conductance_s"].min().to_dict() == pytest.approx({0: 1e-6, 1: 101e-6})


def test_the_name_of_a_column_gives_its_cycle(lines: Callable[..., Path]) -> None:
    """Columns `cycle 12` and `cycle 3` are cycles 12 and 3, not the first and the second."""
    path = lines("pulse,cycle 12 (uS),cycle 3 (uS)", "0,10,11", "1,20,21", "2,25,27", "3,28,30", "4,29,31")
    table = read(path)
    found = trains(table, "ltp")
    assert list(found) == [12, 3]
    assert found[12] == pytest.approx([1e-5, 2e-5, 2.5e-5, 2.8e-5, 2.9e-5], rel=1e-12)
    assert found[3] == pytest.approx([1.1e-5, 2.1e-5, 2.7e-5, 3e-5, 3.1e-5], rel=1e-12)


def test_duplicate_columns_are_not_sweeps(lines: Write) -> None:
    rows = [f"{v},{i:g},{abs(i):g},1e-3,{np.log10(abs(i)) if i else -12:.4f}" for v in LOOP for i in [v**3 * 1e-4]]
    table = read(lines("V (V),I (A),AbsI (A),Icomp (A),log I", *rows))
    assert isinstance(table, SweepTable)
    assert set(table.frame["cycle"]) == {1}
    assert len(table) == len(LOOP)
    assert set(table.frame["compliance_a"]) == {1e-3}
    assert table.frame["current_a"].min() == pytest.approx(-1e-4)


def test_a_moving_average_is_not_a_second_cycle(lines: Write) -> None:
    rng = np.random.default_rng(1)
    g = 10 + 90 * (1 - np.exp(-np.arange(41) / 12)) + rng.normal(0, 2, 41)
    mean = pd.Series(g).rolling(5, center=True, min_periods=1).mean()
    table = read(
        lines(
            "pulse,G (uS),Smoothed (uS)",
            *(f"{k},{a:.5f},{b:.5f}" for k, (a, b) in enumerate(zip(g, mean, strict=True))),
        )
    )
    assert isinstance(table, PulseTable)
    assert len(table) == 41
    assert table.frame["conductance_s"].iloc[0] == pytest.approx(g[0] * 1e-6, rel=1e-5)


def test_a_state_ten_times_another_in_one_unit_is_not_a_duplicate(lines: Write) -> None:
    path = lines("Time (s),S1 (uS),S2 (uS)", *(f"{10 * k},{5 - 0.1 * k},{10 * (5 - 0.1 * k)}" for k in range(10)))
    assert sorted(devicekit.read(path).frame["level"].unique()) == ["S1", "S2"]


def test_two_numbered_cycles_are_not_moving_averages_of_each_other(lines: Write) -> None:
    rng = np.random.default_rng(3)
    first = 1e6 * np.exp(-np.arange(24) / 8) + 5e4
    rows = [
        f"LTP,{a * (1 + 0.02 * e):.0f},{a * (1 + 0.002 * e):.0f}"
        for a, e in zip(first, rng.normal(size=24), strict=True)
    ]
    assert "columns_are=cycles" in choices(lines("Mode,1 [OHM],2 [OHM]", *rows))


def test_device_a_and_device_b_are_devices(lines: Write) -> None:
    rows = [f"{k},{2e-7 + 1e-8 * k},{3e-7 + 1e-8 * k}" for k in range(12)]
    path = lines("Pulse,Device A (S),Device B (S)", *rows)
    table = devicekit.read(path, kind="pulses")
    read = table.frame.groupby("device_id")["conductance_s"].first().to_dict()
    assert read == {"A": 2e-7, "B": 3e-7}


@pytest.mark.parametrize("names", ["Cell lo (S),Cell hi (S)", "Device H (S),Device L (S)"])
def test_short_words_after_a_device_are_asked_about(lines: Write, names: str) -> None:
    path = lines(f"Pulse,{names}", *(f"{k},{2e-7 + 1e-8 * k},{3e-7 + 1e-8 * k}" for k in range(12)))
    assert "columns_are=devices" in choices(path, kind="pulses")


def test_unnamed_columns_that_rise_and_fall_in_turn_are_pairs(lines: Write) -> None:
    rows = [f"{k},{1e-7 + 1e-8 * k},{3e-7 - 1e-8 * k},{2e-7 + 1e-8 * k},{4e-7 - 1e-8 * k}" for k in range(12)]
    path = lines(*rows)
    options = {"kind": "pulses", "quantity": "conductance", "unit": "S"}
    for meaning, column in (("devices", "device_id"), ("cycles", "cycle")):
        frame = devicekit.read(path, columns_are=meaning, **options).frame
        first = frame.groupby([column, "direction"])["conductance_s"].first()
        np.testing.assert_allclose(first.to_numpy(), [3e-7, 1e-7, 4e-7, 2e-7])


def test_a_table_of_many_columns_is_read_without_a_warning_of_pandas(lines: Write) -> None:
    others = ",".join(f"extra {k}" for k in range(150))
    extra = ",".join(f"{k / 4}" for k in range(150))
    path = lines(f"cycle,pulse,G (uS),{others}", *(f"1,{k},{100 + 10 * k},{extra}" for k in range(12)))
    assert len(devicekit.read(path)) == 12  # warnings are errors here


def test_repeated_names_of_states_belong_to_several_devices(lines: Write) -> None:
    rows = [",".join(map(str, [10.0**k, *(10 * d + s + 0.1 * k for d in (1, 2) for s in (1, 2, 3))])) for k in range(5)]
    path = lines("t (s),State 1,State 2,State 3,State 1,State 2,State 3", *rows)
    table = devicekit.read(path, kind="retention", quantity="conductance", unit="uS", columns_are="devices")
    assert table.frame.groupby("device_id")["level"].nunique().tolist() == [3, 3]
    assert len(table.frame) == 30
    last = table.frame[table.frame["time_s"] == 1.0].groupby("device_id")["conductance_s"].max().tolist()
    assert last == pytest.approx([13e-6, 23e-6])


def test_ordinals_number_cycles(lines: Write) -> None:
    head = "1st cycle,,,50th cycle,,,100th cycle,"
    names = "V (V),I (mA),,V (V),I (mA),,V (V),I (mA)"
    volts = [0, 0.5, 1, 0.5, 0, -0.5, -1, -0.5, 0]
    rows = [f"{v},{v},,{v},{2 * v},,{v},{3 * v}" for v in volts]
    table = devicekit.read(lines(head, names, *rows))
    assert sorted(table.frame["cycle"].unique()) == [1, 50, 100]
    assert table.frame[table.frame["cycle"] == 50]["current_a"].max() == pytest.approx(2e-3)


def test_columns_of_pot_and_dep_are_directions(lines: Write) -> None:
    rows = [f"{n},{-8 + n / 20},{-6 - n / 20}" for n in range(1, 21)]
    table = devicekit.read(lines("pulse,log10(G/S) pot.,log10(G/S) dep.", *rows))
    assert table.frame.groupby("direction")["cycle"].unique().map(list).to_dict() == {"ltp": [1], "ltd": [1]}
    assert table.frame["conductance_s"].max() == pytest.approx(10**-6.05)


def test_addresses_in_front_of_rows_are_names_and_two_alternating_levels_are_not_a_train(lines: Write) -> None:
    rng = np.random.default_rng(2)
    rows = []
    for cell in range(480, 490):
        pairs = np.c_[1e5 + 1e4 * rng.random(30), 4e3 + 200 * rng.random(30)].ravel()
        rows.append(",".join([f"{cell}.000", *(f"{r:.3f}" for r in pairs)]))
    endurance = devicekit.read(lines(*rows), quantity="resistance", unit="ohm", columns_are="devices")
    assert (endurance.kind, len(endurance.devices), len(endurance)) == ("endurance", 10, 600)
    falling = [",".join([f"{cell}.000", *(f"{cell + 50 - n:.3f}" for n in range(40))]) for cell in range(480, 490)]
    table = devicekit.read(lines(*falling), quantity="conductance", unit="uS", columns_are="devices", accept=True)
    assert table.frame["device_id"].nunique() == 10
    assert "480" in str(table.frame["device_id"].iloc[0])
    assert table.frame["conductance_s"].max() == pytest.approx(539e-6)
    assert len(table.frame) == 400
