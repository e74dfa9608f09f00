"""Terminals by the names of their columns: which is driven, and what is asked where both are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from devicekit import read
from devicekit.core.errors import QuestionError
from devicekit.tables import SweepTable

V = np.r_[np.linspace(0, 1, 21), np.linspace(0.95, -1, 40), np.linspace(-0.95, 0, 20)]
AMPS = 1e-5 * V**3 + 1e-7 * V
TIME = 0.1 * np.arange(V.size)
HELD = 0 * V
OTHER = -1.01 * AMPS - 1e-10  # measured at the other end of the device


def write(path: Path, names: str, *columns: Sequence[float] | np.ndarray, head: str = "", row: str = "") -> Path:
    rows = "".join(row + ",".join(f"{cell:.6E}" for cell in cells) + "\n" for cells in zip(*columns, strict=True))
    path.write_text(f"{head}{names}\n{rows}", encoding="utf-8")
    return path


def check(table: object, current: np.ndarray = AMPS) -> None:
    assert isinstance(table, SweepTable)
    np.testing.assert_allclose(table.frame["voltage_v"], V, atol=1e-6)
    np.testing.assert_allclose(table.frame["current_a"], current, rtol=1e-5, atol=1e-15)
    assert table.frame["cycle"].nunique() == 1


@pytest.mark.parametrize(
    "names",
    [
        "Time,BI,BV,AI,AV",
        "Time,IB,VB,IA,VA",
        "Time,I_bot,V_bot,I_top,V_top",
        "Time,SMU2.I,SMU2.V,SMU1.I,SMU1.V",
        "Time,CathodeI,CathodeV,AnodeI,AnodeV",
        "Time,Current2,Voltage2,Current1,Voltage1",
    ],
)
def test_the_driven_terminal_is_the_one_whose_voltage_changes(names: str, tmp_path: Path) -> None:
    """A tester's comment lines do not matter; the unit of the current is the one thing to ask in a plain table."""
    path = write(tmp_path / "a.csv", names, TIME, OTHER, HELD, AMPS, V, head="---\n\n---\n")
    with pytest.raises(QuestionError, match="in which unit"):
        read(path)
    check(read(path, unit="A"))
    swapped = write(tmp_path / "b.csv", names, TIME, AMPS, V, OTHER, HELD, head="---\nSET\n---\n")
    check(read(swapped, unit="A"))


def test_a_current_of_the_held_terminal_serves_where_there_is_no_other(tmp_path: Path) -> None:
    check(read(write(tmp_path / "a.csv", "AV,BI,BV", V, OTHER, HELD), unit="A"), OTHER)


def test_where_both_terminals_are_driven_the_user_is_asked(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "AV,AI,BV,BI", V, AMPS, -V, OTHER)
    with pytest.raises(QuestionError) as caught:
        read(path, unit="A")
    assert caught.value.question is not None
    choices = [dict(each.options["map"]) for each in caught.value.question.choices]
    assert choices == [{"voltage_v": "AV"}, {"voltage_v": "BV"}]
    check(read(path, unit="A", map={"voltage_v": "AV"}))
    np.testing.assert_allclose(read(path, unit="A", map={"voltage_v": "BV"}).frame["current_a"], OTHER, rtol=1e-5)


def test_a_change_of_voltage_and_current_is_not_a_terminal(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "V (V),dI,dV,I (A)", V, 0.1 * AMPS, 0 * V + 0.05, AMPS)
    check(read(path))


def easyexpert(path: Path, names: str, *columns: np.ndarray) -> Path:
    """Write the data-only form, which states no roles."""
    return write(path, f"DataName,{names}", *columns, row="DataValue,")


INSTRUMENT = {
    "both ends": ("Time,BI,BV,AI,AV", (TIME, OTHER, HELD, AMPS, V)),
    "the other end is driven": ("Time,AI,AV,BI,BV", (TIME, OTHER, HELD, AMPS, V)),
    "user names": ("Vtop,Itop,Vbot,Ibot,time", (V, AMPS, HELD, OTHER, TIME)),
    "a current at each end": ("VTop,ITop,IBottom", (V, AMPS, OTHER)),
    "numbers": ("V1,I1,time", (V, AMPS, TIME)),
    "units like terminals": ("V_A,I_A", (V, AMPS)),
    "a unit in a name": ("Index,V_TE,I_TE (uA)", (1 + np.arange(V.size), V, 1e6 * AMPS)),
    "words": ("Zeit,Spannung,Strom", (TIME, V, AMPS)),
    "magnitudes beside": ("VTE,absI,ITE", (V, abs(AMPS), AMPS)),
}


@pytest.mark.parametrize("case", INSTRUMENT)
def test_an_instrument_names_columns_by_the_same_grammar(case: str, tmp_path: Path) -> None:
    names, columns = INSTRUMENT[case]
    check(read(easyexpert(tmp_path / "a.csv", names, *columns)))


ASKED: dict[str, tuple[str, tuple[np.ndarray, ...], dict[str, str]]] = {
    "no known name": ("X,Y,Z", (TIME, AMPS, V), {"voltage_v": "Z", "current_a": "Y", "time_s": "X"}),
    "only a voltage": ("VTop,Measured", (V, AMPS), {"current_a": "Measured"}),
    "only a current": ("Applied to TE,Itop", (V, AMPS), {"voltage_v": "Applied to TE"}),
    "two driven ends": ("AV,AI,BV,BI", (V, AMPS, -V, OTHER), {"voltage_v": "AV"}),
    "two devices": ("V1,I1,V2,I2", (V, AMPS, 2 * V, 3 * AMPS), {"voltage_v": "V1"}),
}


@pytest.mark.parametrize("case", ASKED)
def test_what_the_names_leave_open_is_one_question_whose_answers_all_lead_to_a_table(case: str, tmp_path: Path) -> None:
    """The first answer is the likeliest by content; none is refused."""
    names, columns, first = ASKED[case]
    path = easyexpert(tmp_path / "a.csv", names, *columns)
    with pytest.raises(QuestionError) as caught:
        read(path)
    assert caught.value.question is not None
    choices = [dict(each.options["map"]) for each in caught.value.question.choices]
    assert choices[0] == first
    tables = [read(path, map=choice) for choice in choices]
    check(tables[0])
    kinds = [table.kind for table in tables]
    assert set(kinds[:-1]) == {"sweep"}
    assert kinds[-1] == ("record" if "keep" in choices[-1] else "sweep")


def test_records_of_other_columns_are_left_out_and_reported(tmp_path: Path) -> None:
    """A capacitance among sweeps is not a sweep without voltages."""
    text = easyexpert(tmp_path / "a.csv", "V1,I1", V, AMPS).read_text(encoding="utf-8")
    text += "DataName,Cp,D\nDataValue,1E-12,0.1\nDataValue,2E-12,0.2\n"
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    table = read(tmp_path / "a.csv")
    check(table)
    dropped = [warning.message for warning in table.warnings if warning.code == "dropped"]
    assert len(dropped) == 1
    assert "record 2" in dropped[0]


def test_records_of_swapped_or_renamed_columns_keep_their_own_roles(tmp_path: Path) -> None:
    text = easyexpert(tmp_path / "a.csv", "V1,I1", V, AMPS).read_text(encoding="utf-8")
    text += easyexpert(tmp_path / "b.csv", "I2,time,V2", 2 * AMPS, TIME, V).read_text(encoding="utf-8")
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    table = read(tmp_path / "a.csv", map={"current_a": "I1"})
    for cycle, factor in ((1, 1), (2, 2)):
        rows = table.frame[table.frame["cycle"] == cycle]
        np.testing.assert_allclose(rows["voltage_v"], V, atol=1e-6)
        np.testing.assert_allclose(rows["current_a"], factor * AMPS, rtol=1e-5, atol=1e-15)


@pytest.mark.parametrize("remark", ["", "Confirmed, observed at constant voltage", "cell is still set"])
def test_one_reading_below_more_lines_of_remarks_is_a_table(remark: str, tmp_path: Path) -> None:
    head = f"---\n{remark}\n---\n"
    path = write(tmp_path / "a.csv", "Time,BI,BV,AI,AV", [0.1], [-5e-5], [0.0], [4.9e-5], [0.1], head=head)
    table = read(path, unit="A")
    assert isinstance(table, SweepTable)
    assert table.frame[["voltage_v", "current_a"]].to_numpy().tolist() == [[0.1, 4.9e-5]]


CHANNELS = ("SetupTitle, x", "TestParameter, Channel.VName, Drive, Ground", "TestParameter, Channel.IName, Sense, Back")


def test_the_channels_of_the_header_state_what_the_users_names_do_not(tmp_path: Path) -> None:
    head = "\n".join((*CHANNELS, ""))
    check(read(write(tmp_path / "a.csv", "DataName,Sense,Drive", AMPS, V, head=head, row="DataValue,")))


@pytest.mark.parametrize("last", ["AutoAnalysis.Marker.Enabled,TRUE", "AutoAnalysis.Line,1,0\nRemarks,edge,die 3,x"])
def test_rows_without_names_below_the_settings_are_asked_about(last: str, tmp_path: Path) -> None:
    """The first row of numbers is a row, and a setting is not a row of names."""
    path = write(tmp_path / "a.csv", last, TIME, V, AMPS, head="Setup title,x\nMeasurement.Primary.Start,0\n")
    with pytest.raises(QuestionError) as caught:
        read(path)
    assert caught.value.question is not None
    wanted = {"voltage_v": "column 2", "current_a": "column 3", "time_s": "column 1"}
    assert caught.value.question.choices[0].options["map"] == wanted
    check(read(path, map=wanted))


@pytest.mark.parametrize("names", ["X,Y,Z", "Z,X,Y"])
def test_an_answer_is_kept_in_a_recipe_for_the_next_file(names: str, tmp_path: Path) -> None:
    """The recipe of an instrument's file names its columns, wherever they stand."""
    first = easyexpert(tmp_path / "first.csv", "X,Y,Z", V, AMPS, TIME)
    table = read(first, map={"voltage_v": "X", "current_a": "Y", "time_s": "Z"})
    table.layout.save(tmp_path / "lab.toml")
    columns = {"X": V, "Y": AMPS, "Z": TIME}
    following = easyexpert(tmp_path / "next.csv", names, *(columns[name] for name in names.split(",")))
    found = read(following, recipe=tmp_path / "lab.toml")
    check(found)
    np.testing.assert_allclose(found.frame["time_s"], TIME, atol=1e-6)
    kept = read(first, map={"keep": "X"})
    kept.layout.save(tmp_path / "none.toml")
    assert read(following, recipe=tmp_path / "none.toml").kind == "record"
