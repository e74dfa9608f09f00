"""Small files laid out as the measured ones of `test_measured_files.py`, with known content: these run everywhere.

The files are written here cell by cell, not by devicekit's own writers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devicekit.core.errors import QuestionError
from devicekit.features.characterize import characterize
from devicekit.features.lives.bake import bake
from devicekit.features.merits import endurance
from devicekit.readers import read
from devicekit.tables import EnduranceTable, PulseTable, SweepTable

LOOPS = 20


def tabbed(path: Path, rows: Iterable[Iterable[float]]) -> Path:
    """Numbers between tabs, without a header, as the 1T1R sets have them."""
    path.write_text("".join("\t".join(map(repr, row)) + "\n" for row in rows), encoding="utf-8")
    return path


# The log of an endurance test: chip, time, address, operation, values; the last ENDURANCE line has no reading after it.


def chip_log(path: Path, hrs: np.ndarray, lrs: np.ndarray) -> Path:
    """One ENDURANCE, RESET, READ, SET, READ after the other, 10 ms apart; resistances in ohm."""
    time, lines = 1619201838.5, []

    def say(operation: str, *values: object) -> None:
        nonlocal time
        lines.append(",".join(map(str, ("C4", round(time, 3), 778, operation, *values))))
        time += 0.01

    for high, low in zip(hrs.tolist(), lrs.tolist(), strict=True):
        say("ENDURANCE", (2.5, 1.3), 3, 3, 1e-06, 50000)
        say("RESET", 2.5, 0, 3, 1e-06)
        say("READ", high, 1 / high, 0.2 / high, 0.0039)
        say("SET", 1.3, 3, 0, 1e-06)
        say("READ", low, 1 / low, 0.2 / low, 0.013)
    say("ENDURANCE", (2.5, 1.3), 3, 3, 1e-06, 50000)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def log(tmp_path: Path) -> EnduranceTable:
    """HRS of 30, 31, ... kohm, LRS of 8 kohm; in loop 7 the HRS is 12 kohm, 1.5 times the LRS."""
    hrs = 1e3 * (30.0 + np.arange(LOOPS))
    hrs[6] = 12e3
    table = read(chip_log(tmp_path / "log.csv", hrs, np.full(LOOPS, 8e3)))
    assert isinstance(table, EnduranceTable)
    return table


def test_an_endurance_log(log: EnduranceTable) -> None:
    """One row a READ line, the level by the operation before it."""
    frame = log.frame
    assert len(log) == 2 * LOOPS
    assert log.devices == ["C4-778"]
    assert frame["level"].tolist() == ["hrs", "lrs"] * LOOPS
    assert frame["operation_voltage_v"].tolist() == [2.5, 1.3] * LOOPS
    assert set(frame["pulse_width_s"]) == {1e-6}
    hrs, lrs = (1 / frame[frame["level"] == level]["conductance_s"].to_numpy() for level in ("hrs", "lrs"))
    np.testing.assert_allclose(hrs[[0, 1, 6, 19]], [30e3, 31e3, 12e3, 49e3], rtol=1e-12)
    np.testing.assert_allclose(lrs, 8e3, rtol=1e-12)
    np.testing.assert_allclose(frame["time_s"][:4], [0.02, 0.04, 0.07, 0.09], atol=1e-6)
    # a cycle begins with each ENDURANCE line; by how much it counts on is the format's business
    assert frame["cycle"].nunique() == LOOPS
    assert (np.diff(frame["cycle"].to_numpy().reshape(LOOPS, 2), axis=1) == 0).all()
    assert frame["cycle"].is_monotonic_increasing


def test_figures_of_an_endurance_log(log: EnduranceTable) -> None:
    """Median window: median HRS (39.5 kohm) over median LRS; 19 of 20 loops reach a window of 2."""
    device = endurance.characterize(log).devices[0]
    assert device.n == LOOPS
    assert device.failed_at is None
    assert device.median_window == pytest.approx(39.5 / 8)
    assert device.good == pytest.approx(0.95)


# Read sweeps: address, V, I; 36 voltages a cell.

CELLS = {18433: 1e-4, 18435: 2e-4, 18437: 3e-4, 18439: 4e-4}  # address: G [S]
CUBIC, OFFSET = 0.5, 1e-6  # [1/V^2], [A]


@pytest.fixture
def sweeps(tmp_path: Path) -> Path:
    volts = np.arange(36) * 0.01
    rows = [(a, v, OFFSET + g * v * (1 + CUBIC * v**2)) for a, g in CELLS.items() for v in volts.tolist()]
    return tabbed(tmp_path / "read.tsv", rows)


SWEEP = {"device_id": "column 1", "voltage_v": "column 2", "current_a": "column 3"}


def test_read_sweeps(sweeps: Path) -> None:
    table = read(sweeps, columns=SWEEP)
    assert isinstance(table, SweepTable)
    assert table.devices == [str(address) for address in CELLS]
    assert table.frame.groupby("device_id").size().tolist() == [36] * 4
    assert table.frame["current_a"][0] == OFFSET
    assert table.frame["voltage_v"][:3].tolist() == [0.0, 0.01, 0.02]
    last = table.frame.groupby("device_id")["current_a"].last()
    np.testing.assert_allclose(last, OFFSET + 0.35 * 1.06125 * np.array(list(CELLS.values())), rtol=1e-12)


@pytest.mark.usefixtures("without_mechanism")
def test_read_sweeps_are_read_linearity(sweeps: Path) -> None:
    """I = offset + G V (1 + c V^2): the current at 0 V is taken off, and c is found."""
    rows = characterize(read(sweeps, columns=SWEEP)).tables["linearity"]
    assert len(rows) == 4
    np.testing.assert_allclose(rows["cubic"], CUBIC, rtol=1e-6)
    # G over all V: sum of v^2 + c v^4 over sum of v^2, by the sums of k^2 and k^4 up to 35
    k2, k4 = 35 * 36 * 71 / 6, 35 * 36 * 71 * (3 * 35**2 + 3 * 35 - 1) / 30
    np.testing.assert_allclose(rows["conductance_s"] / list(CELLS.values()), 1 + CUBIC * 1e-4 * k4 / k2, rtol=1e-9)
    np.testing.assert_allclose(rows["range_v"], 0.35)


# Set pulses: address, width [s], V_BL, V_WL, R before, R after; one cell a row.

WIDTHS = [2e-8, 4e-8, 1e-7, 2e-7, 4e-7, 1e-6, 2e-6]


def test_a_set_sweep(tmp_path: Path) -> None:
    rows = [(2 * n, width, 0.5, 1.5, 150e3 + n, 100e3 + n) for n, width in enumerate(3 * WIDTHS)]
    names = {"device_id": 1, "pulse_width_s": 2, "pulse_voltage_v": 3, "resistance_before_ohm": 5}
    columns = {name: f"column {n}" for name, n in {**names, "resistance_after_ohm": 6}.items()}
    table = read(tabbed(tmp_path / "set.tsv", rows), columns=columns)
    assert isinstance(table, PulseTable)
    assert len(table) == 2 * 21  # before and after each pulse
    assert table.widths == WIDTHS
    before, after = (table.frame[table.frame["pulse_index"] == n].set_index("device_id") for n in (0, 1))
    for n in (0, 20):
        assert 1 / before["conductance_s"][str(2 * n)] == pytest.approx(150e3 + n)
        assert 1 / after["conductance_s"][str(2 * n)] == pytest.approx(100e3 + n)
    assert set(table.frame["direction"]) == {"ltp"}
    assert set(table.frame["column 4"]) == {1.5}  # devicekit has no name for the gate voltage


# Before and after a bake: address, R.


def test_a_bake(tmp_path: Path) -> None:
    """Resistances of 10 cells rise 1.25-fold, of one threefold; one cell was not read again."""
    before = [(2 * n, 10e3 * (1 + n)) for n in range(12)]
    after = [(address, (3.0 if address == 0 else 1.25) * r) for address, r in before[:-1]]
    columns = {"device_id": "column 1", "resistance_ohm": "column 2"}
    tables = [read(tabbed(tmp_path / f"{k}.tsv", rows), columns=columns) for k, rows in enumerate((before, after))]
    first, second = tables
    assert isinstance(first, PulseTable)
    assert isinstance(second, PulseTable)
    assert (len(first.devices), len(second.devices)) == (12, 11)
    np.testing.assert_allclose(1 / first.frame["conductance_s"], [r for _, r in before])
    found = bake(first, second)
    assert (found.n, found.unpaired) == (11, 1)
    assert found.median_ratio == pytest.approx(0.8)  # of conductances
    assert found.moved == pytest.approx(1 / 11)  # by more than a factor of two
    shift = np.log10([1.25] * 10 + [3.0])
    assert found.sd_decades == pytest.approx(shift.std(ddof=1))


# A transfer curve of KTEI 7.2: sheets Data, Calc (empty) and Settings; formulas without a value are "#REF" or empty.


VOLTS = [-40 + 0.5 * k for k in range(21)]
AMPS = [1e-12 * 2**k for k in range(21)]


@pytest.fixture
def workbook(write_xls: Callable[..., Path]) -> Path:
    """GateV is swept over `VOLTS` and DrainV held at 0.1 V; DrainI is `AMPS`."""
    names = ["Time", "DrainI", "DrainV", "GateI", "GateV", "GM", "VT", "IDS_UA", "ABS_IDS"]
    rows: list[list[Any]] = [
        [0.5 * k, i, 0.1, -1e-11, v, "#REF" if k == 0 else i / v, 11.1 if k == 0 else "", 1e6 * i, i]
        for k, (v, i) in enumerate(zip(VOLTS, AMPS, strict=True))
    ]
    settings = [
        ["Test Name", "vgs-id#1@1", "", ""],
        ["Mode", "Sweeping", "", ""],
        ["Last Executed", "09/27/2018 18:21:45", "", ""],
        ["KTEI Version", "V7.2", "", ""],
        ["", "", "", ""],
        ["Device Terminal", "Source", "Drain", "Gate"],
        ["Instrument", "SMU1", "SMU2", "SMU3"],
        ["Name", "SourceV", "DrainV", "GateV"],
        ["Forcing Function", "Common", "Voltage Bias", "Voltage Sweep"],
        ["Compliance", "0.105", "0.01", "0.02"],
        ["", "", "", ""],
        ["Formulas", "", "", ""],
        ["GM = DIFF(DRAINI, GATEV)", "", "", ""],
    ]
    return write_xls({"Data": [names, *rows], "Calc": [], "Settings": settings})


def test_a_keithley_workbook(workbook: Path, capfd: pytest.CaptureFixture[str]) -> None:
    table = read(workbook)
    assert isinstance(table, SweepTable)
    frame = table.frame
    assert {"third_voltage_v", "GateI", "GM", "VT", "IDS_UA", "ABS_IDS"} <= set(frame)
    assert frame["voltage_v"].tolist() == VOLTS  # of the terminal that is swept
    np.testing.assert_allclose(frame["ABS_IDS"], AMPS, rtol=1e-12)
    assert np.isnan(frame["GM"][0])
    assert frame["GM"][1] == pytest.approx(2e-12 / -39.5)
    assert frame["VT"].dropna().tolist() == [11.1]
    assert table.meta["records"][0]["settings"]["KTEI Version"] == "V7.2"
    assert capfd.readouterr().out == ""


def test_a_transfer_curve_is_not_an_error(
    workbook: Path, tmp_path: Path, devicekit: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "devicekit.report.pictures.render", lambda *_, **__: b"<svg/>"
    )  # the pictures are not looked at
    ran = devicekit("characterize", workbook, "--out", tmp_path / "out")
    assert ran.code == 0, ran.err
    assert ran.out.count("transistor's transfer curve") == 1
    assert "one way" not in ran.out


# Normalised weights: two columns, up and down, quantised to 1/90, no header.


def test_a_weight_of_two_columns_is_not_a_conductance(tmp_path: Path) -> None:
    up = [(-90 + 2 * n + (-1) ** n) / 90 for n in range(100)]
    path = tmp_path / "weights.csv"
    path.write_text("".join(f"{a:.5g},{-a:.5g}\n" for a in up), encoding="utf-8")
    table = read(path, quantity="weight", accept=True)
    assert len(table) == 200
    curves = {direction: next(table.traces(direction))[3] for direction in ("ltp", "ltd")}
    np.testing.assert_allclose(curves["ltp"], up, atol=5e-5)
    np.testing.assert_allclose(curves["ltd"], np.negative(up), atol=5e-5)
    below = sum(a < 0 for a in up) + sum(a > 0 for a in up)
    with pytest.raises(QuestionError, match=rf"{below} of 200") as caught:
        read(path, quantity="conductance", kind="pulse")
    assert {"quantity": "weight"} in [each.options for each in caught.value.asked.choices]


# Ramps: a folder of set.csv and reset.csv, a column a ramp, empty at the ends of the shorter ones; currents at 0.1 V.


def test_ramps(tmp_path: Path) -> None:
    for name, first, lengths in (("set", 160e-6, (12, 10, 9)), ("reset", 245e-6, (8, 7, 6, 5))):
        step = 1e-6 if name == "set" else -1e-6
        head = ",".join(f"rmp{k}" for k in range(1, len(lengths) + 1))
        body = [
            ",".join(f"{first + 1e-7 * k + step * n:.9f}" if n < length else "" for k, length in enumerate(lengths))
            for n in range(max(lengths))
        ]
        (tmp_path / f"{name}.csv").write_text("\n".join([head, *body]) + "\n", encoding="utf-8")
    table = read(tmp_path, quantity="current", read_voltage=0.1)
    assert isinstance(table, PulseTable)
    trains = {direction: [g for _, _, _, g in table.traces(direction)] for direction in ("ltp", "ltd")}
    assert {direction: [len(g) for g in each] for direction, each in trains.items()} == {
        "ltp": [12, 10, 9],
        "ltd": [8, 7, 6, 5],
    }
    assert len(table) == 57
    np.testing.assert_allclose(trains["ltp"][2], 10 * (160.2e-6 + 1e-6 * np.arange(9)), rtol=1e-9)
    np.testing.assert_allclose(trains["ltd"][3], 10 * (245.3e-6 - 1e-6 * np.arange(5)), rtol=1e-9)
