"""Endurance: levels by words, quantities and order, cycles by numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import devicekit
from devicekit.core.errors import UsageError
from devicekit.readers import read
from devicekit.tables import EnduranceTable, PulseTable

from .small_files import Write, choices, written  # type: ignore[import-not-found]


def test_low_and_high_depend_on_the_quantity(tmp_path: Path) -> None:
    """Low resistance is LRS, low conductance HRS; without a quantity the reader asks."""
    for text in (
        "cycle,low (kohm),high (kohm)\n1,10,500\n2,10,500\n",
        "cycle,low (uS),high (uS)\n1,2,100\n2,2,100\n",
        "cycle,level,conductance_s\n1,low,2e-6\n1,high,1e-4\n",
    ):
        table = read(written(tmp_path, text)).frame
        for level, answer in (("lrs", 1e-4), ("hrs", 2e-6)):
            assert table[table["level"] == level]["conductance_s"].to_numpy() == pytest.approx(answer)
    with pytest.raises(UsageError, match="quantity="):
        read(written(tmp_path, "cycle,low,high\n1,2,100\n2,2,100\n"))


def test_a_long_table_of_resistances_with_levels_low_and_high(tmp_path: Path) -> None:
    table = read(written(tmp_path, "cycle,level,resistance_ohm\n1,low,10000\n1,high,500000\n")).frame
    assert dict(zip(table["level"], table["conductance_s"], strict=True)) == {"lrs": 1e-4, "hrs": 2e-6}


def test_endurance_currents_are_divided_by_the_read_voltage(lines: Callable[..., Path]) -> None:
    """20 uA and 0.5 uA at 0.2 V are 100 and 2.5 uS."""
    wide = read(lines("cycle,LRS (uA),HRS (uA)", "1,20,0.5", "1000,18,0.6"), read_voltage=0.2)
    assert isinstance(wide, EnduranceTable)
    found = wide.frame.set_index(["cycle", "level"])["conductance_s"].to_dict()
    wanted = {(1, "lrs"): 1e-4, (1, "hrs"): 2.5e-6, (1000, "lrs"): 9e-5, (1000, "hrs"): 3e-6}
    assert found == pytest.approx(wanted, rel=1e-12)
    rows = ("1,lrs,2e-5", "1,hrs,5e-7", "1000,lrs,1.8e-5", "1000,hrs,6e-7")
    long = read(lines("cycle,level,read_current_a", *rows, name="long.csv"), read_voltage=0.2)
    assert isinstance(long, EnduranceTable)
    assert long.frame.set_index(["cycle", "level"])["conductance_s"].to_dict() == pytest.approx(wanted, rel=1e-12)
    assert long.frame["read_voltage_v"].tolist() == [0.2] * 4


def test_endurance_cycles_without_a_number_are_counted_device_by_device(lines: Callable[..., Path]) -> None:
    rows = ("a,lrs,1e4", "a,hrs,5e5", "b,lrs,1e4", "b,hrs,5e5", "a,lrs,2e4", "a,hrs,6e5")
    table = read(lines("device,level,resistance_ohm", *rows))
    assert isinstance(table, EnduranceTable)
    assert table.frame["cycle"].tolist() == [1, 1, 1, 1, 2, 2]


def test_medians_decide_which_of_two_unnamed_columns_is_low(lines: Callable[..., Path]) -> None:
    """One reading of the LRS failed, at 2 Mohm above all of the HRS."""
    rows = ("500000,10000", "500000,10000", "500000,2000000", "500000,10000")
    table = read(lines(*rows), kind="endurance", quantity="resistance", unit="ohm")
    assert isinstance(table, EnduranceTable)
    medians = table.frame.groupby("level")["conductance_s"].median().to_dict()
    assert medians == pytest.approx({"hrs": 2e-6, "lrs": 1e-4})


def test_endurance_resistances_are_inverted(lines: Callable[..., Path]) -> None:
    table = read(lines("cycle,LRS (kohm),HRS (Mohm)", "1,4,0.5", "2,5,1"))
    found = table.frame.set_index(["cycle", "level"])["conductance_s"].to_dict()
    wanted = {(1, "lrs"): 2.5e-4, (1, "hrs"): 2e-6, (2, "lrs"): 2e-4, (2, "hrs"): 1e-6}
    assert found == pytest.approx(wanted, rel=1e-12)


def test_low_conductance_is_hrs_and_low_resistance_lrs(lines: Write) -> None:
    for rows, low in (
        (("cycle,low (uS),high (uS)", "1,2,100", "2,2,100"), "hrs"),
        (("cycle,low (kohm),high (kohm)", "1,10,500", "2,10,500"), "lrs"),
        (("cycle,level,conductance_s", "1,low,2e-6", "1,high,1e-4"), "hrs"),
        (("cycle,level,resistance_ohm", "1,low,1e4", "1,high,5e5"), "lrs"),
    ):
        table = read(lines(*rows))
        assert isinstance(table, EnduranceTable)
        means = table.frame.groupby("level")["conductance_s"].mean()
        assert means["lrs"] > 10 * means["hrs"], low


def test_operations_of_an_endurance_log_are_counted_as_stated(lines: Write) -> None:
    log = []
    for k in range(3):
        log += [f"C1,{k}.0,7,ENDURANCE,(2.5, 1.3),3,3,1e-06,50000", f"C1,{k}.1,7,RESET,2.5,0,3,1e-06"]
        log += [f"C1,{k}.2,7,READ,100000,1e-05,1e-06,0.1"]
    assert read(lines(*log)).frame["cycle"].tolist() == [50000, 100000, 150000]


def test_two_unnamed_columns_are_an_endurance_record_if_the_kind_is_given(lines: Write) -> None:
    rows = [f"{7000 + k}\t{4e5 + 10 * k}" for k in range(8)]
    for quantity, low in (("resistance", "lrs"), ("conductance", "hrs")):
        frame = devicekit.read(lines(*rows, name="x.txt"), kind="endurance", quantity=quantity, accept=True).frame
        first = frame[frame["level"] == low]["conductance_s"].iloc[0]
        assert first == pytest.approx(1 / 7000 if quantity == "resistance" else 7000)
        assert frame.groupby("level").size().tolist() == [8, 8]


def test_a_state_after_each_set_and_each_reset_is_an_endurance_record(lines: Write) -> None:
    """Read as trains of one pulse, with 24 warnings, and cycles counted to 324."""
    rows = [f"{k},{op},{r}" for k in range(1, 26) for op, r in (("SET", 6380 + k), ("RESET", 9e5 + k))]
    table = devicekit.read(lines("cycle,op,R_read(ohm)", *rows))
    assert type(table).__name__ == "EnduranceTable"
    assert table.frame["cycle"].max() == 25
    first = table.frame[table.frame["cycle"] == 1].set_index("level")["conductance_s"]
    assert first["lrs"] == pytest.approx(1 / 6381)
    assert first["hrs"] == pytest.approx(1 / 900001)
    more = [f"{k},{op},{n},{10 + n}" for k in (1, 2, 3) for op in ("SET", "RESET") for n in range(9)]
    assert isinstance(
        devicekit.read(lines("cycle,op,pulse,G (uS)", *more), accept=True), PulseTable
    )  # nine readings each


def test_switching_voltages_have_no_level(lines: Write) -> None:
    rows = [f"{k},{0.9 + k / 100},{-1.1},{180 + k},{2400 + k}" for k in range(1, 8)]
    table = devicekit.read(lines("cycle,Vset (V),Vreset (V),R_off (kOhm),R_on (Ohm)", *rows))
    assert "voltage_v" not in table.frame
    assert table.frame["Vset (V)"].astype(float).nunique() == 7
    assert sorted(table.frame[table.frame["cycle"] == 1]["conductance_s"]) == pytest.approx([1 / 181e3, 1 / 2401])


def test_two_resistances_under_a_swept_amplitude_are_not_levels_of_a_cycle(lines: Write) -> None:
    """A sweep of the amplitude was read as endurance: R_low and R_high as LRS and HRS of as many cycles as pulses."""
    rows = [f"{k},{v:.3f},{1000 + 10 * k},{2000 + 20 * k}" for k, v in enumerate(np.linspace(0.7, 2, 27))]
    head = ("test date\t1.1.2024", "Measurement Data", "index, pulse amplitude (V), R_low (ohm), R_high (ohm)")
    path = lines(*head, *rows)
    assert choices(path) == [
        f"map={{resistance_ohm: {name} (ohm), pulse_voltage_v: pulse amplitude (V)}}" for name in ("R_low", "R_high")
    ]
    pulses = devicekit.read(path, map={"resistance_ohm": "R_low (ohm)", "pulse_voltage_v": "pulse amplitude (V)"})
    assert isinstance(pulses, PulseTable)
    assert pulses.frame["conductance_s"].max() == pytest.approx(1e-3)
    same = [f"{k},{(1.0, -1.2)[k % 2]},{1000 + k},{2000 + k}" for k in range(20)]  # set and reset: two amplitudes
    assert len(devicekit.read(lines(*head, *same, name="two.csv")).frame) == 40


def test_columns_that_alternate_are_devices_of_an_endurance_test(lines: Callable[..., Path]) -> None:
    random = np.random.default_rng(0)
    states = np.where(np.arange(80)[:, None] % 2, 1e4, 1e6) * np.exp(0.1 * random.normal(size=(80, 3)))
    file = lines("cell 480,cell 481,cell 482", *(",".join(f"{x:.5g}" for x in row) for row in states))
    with pytest.raises(devicekit.core.errors.QuestionError) as caught:
        devicekit.read(file)
    assert caught.value.asked.choices[0].options["quantity"] == "resistance"
    table = devicekit.read(file, quantity="resistance", columns_are="devices")
    assert isinstance(table, EnduranceTable)
    assert (table.devices, len(table)) == (["cell 480", "cell 481", "cell 482"], 240)
