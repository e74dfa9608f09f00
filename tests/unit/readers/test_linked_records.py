"""Steps of an Application Test: the copy of a step is dropped, and SET and RESET of one iteration are one cycle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import devicekit
from devicekit.tables import SweepTable

Step = tuple[str, float, float]  # title, end of the sweep [V], voltage of the switch [V]; 0: no switch


def currents(end: float, switch: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a sweep 0 -> end -> 0 in 50 mV steps: 1 and 100 uS before and after a SET, and the reverse for a RESET."""
    up = np.round(np.arange(0, abs(end) + 0.025, 0.05), 3) * np.sign(end)
    volts = np.r_[up, up[-2::-1]]
    after = (np.abs(volts) >= abs(switch)) | (np.arange(volts.size) >= up.size)
    if switch == 0:
        return volts, 1e-6 * volts * end * 10
    return volts, np.where(after == (end > 0), 1e-4, 1e-6) * volts


def record(step: Step, date: str, run: str, iteration: int, *settings: str) -> list[str]:
    title, end, switch = step
    return [
        f"SetupTitle, {title}",
        *settings,
        "TestParameter, Channel.VName, VTop",
        "TestParameter, Channel.IName, ITop",
        "TestParameter, Channel.Func, VAR1",
        f"MetaData, TestRecord.RecordTime, {date}",
        "MetaData, TestRecord.TestTarget, D7",
        f"MetaData, TestRecord.IterationIndex, {iteration}",
        *([f"MetaData, TestRecord.LinkKey, {run}"] if run else []),
        "DataName, VTop, ITop",
        *(f"DataValue, {v}, {i:.6g}" for v, i in zip(*currents(end, switch), strict=True)),
    ]


def export(path: Path, runs: list[list[Step]], *, linked: bool = True, parent: bool = True) -> Path:
    """Write the runs as EasyEXPERT does, the newest record first; the test itself repeats the data of its last step."""
    records = []
    for k, steps in enumerate(runs, 1):
        run = f"1122{k}" if linked else ""
        for second, step in enumerate(steps):
            records.append(record(step, f"03/09/2025 10:{k:02d}:{second:02d}", run, k, "PrimitiveTest, I/V Sweep"))
        marks = ("ApplicationTest, SET-RESET", "MetaData, TestRecord.EntryPoint, true")
        if parent:
            last = steps[-1]
            records.append(record(("both", *last[1:]), f"03/09/2025 10:{k:02d}:{len(steps):02d}", run, k, *marks))
    path.write_text("\n".join("\n".join(each) for each in reversed(records)) + "\n", encoding="utf-8")
    return path


def cycles(table: object) -> list[tuple[float, float, int]]:
    assert isinstance(table, SweepTable)
    found = table.frame.groupby("cycle")["voltage_v"].agg(["min", "max", "size"])
    return [(float(low), float(high), int(n)) for low, high, n in found.itertuples(index=False)]


PAIRS: list[list[Step]] = [
    [("SET", 1.5, 0.8), ("RESET", -1.5, -0.7)],
    [("SET", 1.5, 0.9), ("RESET", -1.5, -0.8)],
    [("SET", 1.5, 1.0), ("RESET", -1.5, -0.9)],
]


@pytest.mark.slow
def test_set_and_reset_of_one_click_are_one_cycle_and_counted_once(tmp_path: Path) -> None:
    path = export(tmp_path / "app.csv", PAIRS)
    table = devicekit.read(path)
    assert cycles(table) == [(-1.5, 1.5, 122)] * 3
    points = table.frame[table.frame["cycle"] == 1]
    assert points["point"].tolist() == list(range(122))
    assert points["voltage_v"].iloc[[30, 91]].tolist() == [1.5, -1.5]  # SET before RESET, though last in the file
    said = {warning.code: warning.message for warning in table.warnings}
    assert "3 records" in said["dropped"]
    spreads = {each.quantity: each for each in devicekit.characterize(path).results["dc"].spreads}  # type: ignore[attr-defined]
    assert spreads["v_set_v"].n == spreads["v_reset_v"].n == 3
    assert spreads["v_set_v"].median == pytest.approx(0.9, abs=0.05)
    assert spreads["v_reset_v"].median == pytest.approx(-0.75)  # the largest current stands before the fall
    assert spreads["v_set_v"].c2c.value == pytest.approx(0.1, rel=0.02)
    assert spreads["v_reset_v"].c2c.value == pytest.approx(0.1, rel=0.02)


def test_one_click_with_several_pairs_and_reads_between_them(tmp_path: Path) -> None:
    """A polarity that returns begins a cycle; a read at 0.1 V does not."""
    low, high = ("READ", 0.1, 0.0), ("READ", 0.15, 0.0)
    steps = [("FORM", 3.0, 2.5), PAIRS[0][1], high, PAIRS[1][0], low, PAIRS[1][1]]
    table = devicekit.read(export(tmp_path / "app.csv", [steps]))
    assert cycles(table) == [(-1.5, 3.0, 121 + 61 + 7), (-1.5, 1.5, 61 + 5 + 61)]


def test_records_without_a_link_are_cycles_of_their_own(tmp_path: Path) -> None:
    table = devicekit.read(export(tmp_path / "app.csv", PAIRS[:1], linked=False, parent=False))
    assert cycles(table) == [(0.0, 1.5, 61), (-1.5, 0.0, 61)]
    assert not any(warning.code == "dropped" for warning in table.warnings)


def test_a_record_exported_twice_is_counted_once(tmp_path: Path) -> None:
    path = export(tmp_path / "app.csv", PAIRS[:1], linked=False, parent=False)
    path.write_text(2 * path.read_text(encoding="utf-8"), encoding="utf-8")
    table = devicekit.read(path)
    assert len(cycles(table)) == 2
    assert any(warning.code == "dropped" and "2 records" in warning.message for warning in table.warnings)


def test_full_loops_of_one_run_stay_cycles(tmp_path: Path) -> None:
    """Each record of a linked run that holds both polarities is a cycle."""
    path = export(tmp_path / "app.csv", PAIRS[:2], parent=False)
    text = path.read_text(encoding="utf-8")
    loop = np.r_[np.linspace(0, 1, 6), np.linspace(0.8, -1, 10), np.linspace(-0.8, 0, 5)]
    head = text[: text.index("DataValue")]
    rows = ["\n".join(f"DataValue, {v:.3g}, {v * g:.6g}" for v in loop) for g in (1e-6, 2e-6)]
    path.write_text("\n".join(head + each for each in rows), encoding="utf-8")
    assert cycles(devicekit.read(path)) == [(-1.0, 1.0, 21)] * 2
