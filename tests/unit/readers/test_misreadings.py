"""Misreadings found by outside trials: now read correctly, or settled by one question."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from devicekit import read
from devicekit.core.errors import DevicekitError, QuestionError, TableError, UsageError
from devicekit.tables import EnduranceTable, PulseTable, RetentionTable, StdpTable, SweepTable

Write = Callable[..., Path]


@pytest.fixture
def lines(tmp_path: Path) -> Write:
    """Return a function that writes lines to a file."""

    def write(*rows: str, name: str = "file.csv") -> Path:
        path = tmp_path / name
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        return path

    return write


def asked(path: Path | list[Path], **options: object) -> tuple[str, ...]:
    """Return the fields that a reader asks for."""
    with pytest.raises(QuestionError) as caught:
        read(path, **options)
    assert caught.value.question is not None
    return caught.value.question.fields


LOOP = [0.0, 0.5, 1.0, 0.5, 0.0, -0.5, -1.0, -0.5, 0.0]


def test_1_the_unit_of_a_long_table_is_used_or_refused(lines: Write) -> None:
    kept = lines("time_s,value", "1,150", "10,151", "100,152")
    assert read(kept, unit="kohm").frame["conductance_s"].iloc[0] == pytest.approx(1 / 150e3)
    for options in ({"unit": "kohm"}, {"unit": "uS"}):
        with pytest.raises(UsageError, match="resistance_ohm"):
            read(lines("time_s,resistance_ohm", "1,150", "10,151"), **options)


@pytest.mark.parametrize(
    ("header", "role", "unit", "answer"),
    [
        ("R (KOhm)", "conductance_s", "kohm", 1 / 10e3),
        ("R kOhm", "conductance_s", "kohm", 1 / 10e3),
        ("R [kΩ]", "conductance_s", "kohm", 1 / 10e3),
        ("G (US)", "conductance_s", "uS", 10e-6),
        ("G (µS)", "conductance_s", "uS", 10e-6),
        ("G [microsiemens]", "conductance_s", "uS", 10e-6),
    ],
)
def test_2_unit_words_in_any_spelling(header: str, role: str, unit: str, answer: float, lines: Write) -> None:
    path = lines(f"time (days),{header}", "1,10", "2,10", "3,11")
    frame = read(path).frame
    assert frame[role].iloc[0] == pytest.approx(answer)
    assert frame["time_s"].tolist() == [86400.0, 2 * 86400.0, 3 * 86400.0]
    assert read(path, unit=unit).frame[role].iloc[0] == pytest.approx(answer)


@pytest.mark.parametrize("header", ["R (mohm)", "R (k)", "G (MS)", "G (foo)", "I (na)"])
def test_2_an_ambiguous_unit_is_asked_about(header: str, lines: Write) -> None:
    assert "unit" in asked(lines(f"pulse,{header}", "1,10", "2,12", "3,13"), read_voltage=0.1)


def test_3_a_comma_before_three_digits_is_asked_about(lines: Write) -> None:
    path = lines("pulse\tI (nA)", "1\t1,000", "2\t1,250", "3\t1,400", name="file.tsv")
    assert asked(path, read_voltage=0.1) == ("decimal",)
    assert read(path, read_voltage=0.1, decimal=".").frame["read_current_a"].iloc[0] == pytest.approx(1e-6)
    assert read(path, read_voltage=0.1, decimal=",").frame["read_current_a"].iloc[0] == pytest.approx(1e-9)
    plain = lines("pulse\tI (nA)", "1\t1,000.5", "2\t1,250.0", "3\t1,400.0", name="plain.tsv")
    assert read(plain, read_voltage=0.1).frame["read_current_a"].iloc[0] == pytest.approx(1000.5e-9)


def test_4_trains_of_equal_length_are_cut_where_they_turn(lines: Write) -> None:
    rng = np.random.default_rng(5)
    n = np.arange(1, 61)
    up = 1 - np.exp(-n / 20)
    trace = [0.0]
    for _ in range(4):
        trace += list(up / up[-1]) + list(1 - up / up[-1])
    noisy = 10 + 90 * (np.array(trace) + rng.normal(0, 0.004, len(trace)))
    table = read(lines("G (uS)", *(f"{g:.4f}" for g in noisy)))
    assert isinstance(table, PulseTable)
    lengths = table.frame.groupby(["cycle", "direction"])["pulse_index"].max()
    assert lengths.tolist() == [60] * 8


def test_5_low_conductance_is_hrs_and_low_resistance_lrs(lines: Write) -> None:
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


def test_6_a_change_in_siemens_is_not_a_relative_change(lines: Write) -> None:
    assert asked(lines("dt (ms),dG (uS)", "-10,-2", "10,3", "20,1")) == ("columns",)
    window = read(lines("dt (ms),dG/G (%)", "-10,-20", "10,30", "20,10"))
    assert isinstance(window, StdpTable)
    assert window.frame["weight_change"].tolist() == pytest.approx([-0.2, 0.3, 0.1])


def test_7_hours_beside_states_are_retention(lines: Write) -> None:
    table = read(lines("time (hrs),lrs (S),hrs (S)", "1,1e-4,1e-6", "2,9e-5,1e-6", "4,8e-5,1e-6"))
    assert isinstance(table, RetentionTable)
    assert sorted(set(table.frame["time_s"])) == [3600.0, 7200.0, 14400.0]
    assert set(table.frame["level"]) == {"lrs", "hrs"}


def test_8_duplicate_columns_are_not_sweeps(lines: Write) -> None:
    rows = [f"{v},{i:g},{abs(i):g},1e-3,{np.log10(abs(i)) if i else -12:.4f}" for v in LOOP for i in [v**3 * 1e-4]]
    table = read(lines("V (V),I (A),AbsI (A),Icomp (A),log I", *rows))
    assert isinstance(table, SweepTable)
    assert set(table.frame["cycle"]) == {1}
    assert len(table) == len(LOOP)
    assert set(table.frame["compliance_a"]) == {1e-3}
    assert table.frame["current_a"].min() == pytest.approx(-1e-4)


def test_9_options_that_contradict_the_file_are_refused(lines: Write) -> None:
    siemens = lines("pulse,G (S)", "1,1e-5", "2,2e-5", "3,3e-5", name="siemens.csv")
    current = lines("pulse,I (A),V_read (V)", "1,1e-6,0.1", "2,2e-6,0.1", "3,3e-6,0.1", name="current.csv")
    ohm = lines("pulse,R (ohm)", "1,1e5", "2,9e4", "3,8e4", name="ohm.csv")
    for path, options in (
        (siemens, {"unit": "uS"}),
        (current, {"unit": "mA"}),
        (current, {"read_voltage": 0.2}),
        (ohm, {"quantity": "conductance"}),
    ):
        with pytest.raises(UsageError, match="="):
            read(path, **options)
    assert read(current).frame["conductance_s"].tolist() == pytest.approx([1e-5, 2e-5, 3e-5])
    assert read(current, read_voltage=0.1).frame["conductance_s"].tolist() == pytest.approx([1e-5, 2e-5, 3e-5])


def test_10_rows_of_a_sweep_follow_their_numbers(lines: Write) -> None:
    rows = [f"{k},{v},{v * 1e-4:g}" for k, v in enumerate(LOOP)]
    mixed = [rows[k] for k in (3, 0, 8, 1, 7, 2, 6, 4, 5)]
    straight, shuffled = (
        read(lines("point,V (V),I (A)", *each, name=f"{len(each)}{k}.csv")) for k, each in enumerate((rows, mixed))
    )
    pd.testing.assert_frame_equal(straight.frame, shuffled.frame)


def test_11_operations_of_an_endurance_log_are_counted_as_stated(lines: Write) -> None:
    log = []
    for k in range(3):
        log += [f"C1,{k}.0,7,ENDURANCE,(2.5, 1.3),3,3,1e-06,50000", f"C1,{k}.1,7,RESET,2.5,0,3,1e-06"]
        log += [f"C1,{k}.2,7,READ,100000,1e-05,1e-06,0.1"]
    assert read(lines(*log)).frame["cycle"].tolist() == [50000, 100000, 150000]


def test_12_rows_that_are_cells_are_asked_about(lines: Write) -> None:
    rng = np.random.default_rng(0)
    rows = [",".join([str(k), *(f"{r:.0f}" for r in rng.uniform(1e4, 1e6, 20))]) for k in range(30)]
    assert set(asked(lines(*rows))) & {"quantity", "columns_are", "columns"}


def test_13_pulse_numbers_of_a_digitised_figure_are_asked_about(lines: Write) -> None:
    path = lines("pulse number,G (uS)", "0,10", "0.27,11", "0.61,12", "1.4,14", "2.2,16", "3.3,18")
    assert asked(path) == ("columns",)
    frame = read(path, map={"pulse_index": "pulse number"}).frame
    assert frame["pulse_index"].tolist() == [0, 0, 1, 1, 2, 3]


def test_14_a_moving_average_is_not_a_second_cycle(lines: Write) -> None:
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


def test_15_times_beside_trains_are_times(lines: Write) -> None:
    rows = [f"{k * 10},{10 + k},{k * 10 + 5},{20 - k}" for k in range(8)]
    table = read(lines("time[ns],LTP,time[ns],LTD", *rows), quantity="conductance", unit="uS")
    assert isinstance(table, PulseTable)
    up = table.frame[table.frame["direction"] == "ltp"]
    assert up["conductance_s"].tolist() == pytest.approx([(10 + k) * 1e-6 for k in range(8)])
    assert up["time_s"].tolist() == pytest.approx([k * 1e-8 for k in range(8)])
    assert len(table) == 16


def test_16_three_loops_side_by_side_are_three(lines: Write) -> None:
    rows = [",,".join(f"{v},{v * g:g}" for g in (1e-4, 2e-4, 3e-4)) for v in LOOP]
    path = lines("V (V),I (A),,V (V),I (A),,V (V),I (A)", *rows)
    assert asked(path) == ("columns_are",)
    table = read(path, columns_are="cycles")
    found = table.frame.groupby("cycle")["current_a"].max()
    assert found.tolist() == pytest.approx([1e-4, 2e-4, 3e-4])
    assert len(table) == 3 * len(LOOP)


def test_17_sheets_of_different_devices_are_kept_apart(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.remove(book.active)
    for size in ("0.3um", "1um"):
        sheet = book.create_sheet(f"W{size}")
        sheet.append(["V (V)", "I (A)"])
        for v in LOOP:
            sheet.append([v, v * 1e-4])
    book.save(tmp_path / "book.xlsx")
    table = read(tmp_path / "book.xlsx")
    assert len(table.devices) == 2
    assert set(table.frame["cycle"]) == {1}


def test_20_magnitudes_of_the_current_take_the_sign_of_the_voltage(lines: Write) -> None:
    table = read(lines("V (V),|I| (A)", *(f"{v},{abs(v) * 1e-4:g}" for v in LOOP)))
    assert "abs" in [warning.code for warning in table.warnings]
    np.testing.assert_allclose(table.frame["current_a"], np.array(LOOP) * 1e-4)


def test_21_names_that_end_in_a_letter_are_names(lines: Write) -> None:
    path = lines("pulse,sample_A,chip_S", "0,10,11", "1,12,13", "2,14,15")
    assert "quantity" in asked(path)
    with pytest.raises(TableError, match="no rows"):
        read(lines("pulse,G (uS)", "1,1e400", "2,1e400"))


def test_a_recipe_gives_the_same_table(lines: Write, tmp_path: Path) -> None:
    path = lines("some title", "date: today", "n;I [nA];T (C)", "1;10,5;25", "2;12,5;25", "3;14,0;26", "4;13,0;25")
    table = read(path, read_voltage=0.1)
    table.meta["layout"].save(tmp_path / "lab.toml")
    again = read(path, recipe=tmp_path / "lab.toml")
    pd.testing.assert_frame_equal(table.frame, again.frame)
    other = lines("n;U [V]", "1;2", "2;3", name="other.csv")
    with pytest.raises(UsageError, match=r"lab\.toml.*I \[nA\]"):
        read(other, recipe=tmp_path / "lab.toml")


def test_several_files_are_devices_by_their_names_or_by_an_answer(lines: Write) -> None:
    rows = ("pulse,G (uS)", "0,10", "1,12", "2,14", "3,15")
    named = [lines(*rows, name=f"dev{k}.csv") for k in (1, 2, 10)]
    assert read(named).devices == ["dev1", "dev2", "dev10"]
    numbered = [lines(*rows, name=f"{k}.csv") for k in (1, 2)]
    assert asked(numbered) == ("files_are", "key")
    assert read(numbered, files_are="devices").devices == ["1", "2"]
    cycles = read(numbered, files_are="cycles")
    assert [cycles.devices, sorted(set(cycles.frame["cycle"]))] == [["device1"], [1, 2]]
    with pytest.raises(DevicekitError, match="differ in columns"):
        read([named[0], lines("pulse,G (nS)", "0,10", "1,12", "2,14", name="dev3.csv")])


@pytest.mark.parametrize(
    "option",
    [
        {"columns_are": "devices"},
        {"sheets_are": "cycles"},
        {"files_are": "devices"},
        {"key": {"device": "d(.)"}},
        {"pulses": (3,)},
    ],
    ids=lambda option: next(iter(option)),
)
def test_an_option_that_does_not_apply_is_refused(option: dict[str, object], lines: Write) -> None:
    path = lines("V (V),I (A)", *(f"{v},{v * 1e-4:g}" for v in LOOP))
    assert isinstance(read(path), SweepTable)
    with pytest.raises(UsageError, match=next(iter(option))):
        read(path, **option)
