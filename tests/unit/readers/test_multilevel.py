"""Tables of several levels, from text written here; tables of other kinds are not affected."""

from __future__ import annotations

from pathlib import Path

import pytest

from devicekit.core.errors import QuestionError, TableError
from devicekit.readers import read
from devicekit.tables import EnduranceTable, MultilevelTable, RetentionTable, Table


def table(folder: Path, head: str, form: str, levels: int = 4, repeats: int = 5, **options: object) -> Table:
    """Return one row for each level and repeat, from a pattern of level, repeat and a value of ten times the level."""
    rows = [form.format(k=k, n=n, v=10 * k + 10 + n / 10) for k in range(levels) for n in range(repeats)]
    path = folder / "x.csv"
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return read(path, **options)


@pytest.mark.parametrize(
    ("head", "form"),
    [
        ("Level,Repeat,G (uS)", "{k},{n},{v}"),
        ("Device,State,G (uS)", "D{n},S{k},{v}"),
        ("Cycle,State,G (uS)", "{n},S{k},{v}"),
        ("Cycle,State,G (uS)", "{n},{k},{v}"),
        ("State No,Trial,G (uS)", "{k},{n},{v}"),
    ],
)
def test_a_column_of_levels_and_one_of_repeats(tmp_path: Path, head: str, form: str) -> None:
    found = table(tmp_path, head, form)
    assert isinstance(found, MultilevelTable)
    assert found.frame["level"].nunique() == 4
    assert found.frame["conductance_s"].iloc[-1] == pytest.approx(40.4e-6)


def test_sixteen_levels_are_named_by_number(tmp_path: Path) -> None:
    found = table(tmp_path, "State,Trial,G (uS)", "{k},{n},{v}", levels=16)
    assert isinstance(found, MultilevelTable)
    assert list(found.frame["level"].unique()) == [str(k) for k in range(16)]


def test_levels_of_two_states_stay_endurance(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    for a, b in (("HRS", "LRS"), ("0", "1"), ("off", "on")):
        path.write_text(
            "Cycle,State,R (kohm)\n" + "".join(f"{k},{s},{r}\n" for k in range(4) for s, r in ((a, 99), (b, 1)))
        )
        assert isinstance(read(path), EnduranceTable)
    path.write_text("Cycle,State,R (kohm)\n1,HRS,99\n1,LRS,1\n2,HRX,99\n2,LRS,1\n")
    with pytest.raises(TableError, match="unknown level"):
        read(path)


@pytest.mark.parametrize("head", ["Target (uS),Read (uS)", "G_target (uS),G_read (uS)", "target_s,conductance_s"])
def test_a_target_and_a_state(tmp_path: Path, head: str) -> None:
    ours = head == "target_s,conductance_s"
    rows = [(10 * k + 10, 10 * k + 9 + n) for k in range(4) for n in range(3)]
    scale = 1e-6 if ours else 1
    path = tmp_path / "x.csv"
    path.write_text(head + "\n" + "".join(f"{a * scale},{b * scale}\n" for a, b in rows))
    found = read(path)
    assert isinstance(found, MultilevelTable)
    assert list(found.frame["level"].unique()) == ["10 µS", "20 µS", "30 µS", "40 µS"]
    assert found.frame["target_s"].unique() == pytest.approx([1e-5, 2e-5, 3e-5, 4e-5])
    assert found.frame["repeat"].tolist() == [1, 2, 3] * 4
    path.write_text(head + "\n" + "".join(f"{a * scale},{b * scale}\n" for a, b in rows if b % 10 < 1 or b % 10 == 9))
    if not ours:  # twice each: nothing says that these are levels
        with pytest.raises(QuestionError):
            read(path)
        assert isinstance(read(path, kind="multilevel"), MultilevelTable)


def test_a_target_that_is_not_a_conductance_names_the_level(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(
        "Target (kohm),Read (kohm)\n" + "".join(f"{10 * k},{10 * k + n}\n" for k in (1, 2) for n in range(3))
    )
    found = read(path)
    assert list(found.frame["level"].unique()) == ["10", "20"]
    assert "target_s" not in found.frame
    assert found.frame["conductance_s"].iloc[0] == pytest.approx(1e-4)


SIDE = "{a} (uS),{b} (uS),{c} (uS)\n" + "".join(f"{10 + n},{20 + n},{30 + n}\n" for n in range(5))


def test_levels_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(SIDE.format(a="Level 0", b="Level 1", c="Level 2"))
    found = read(path)
    assert isinstance(found, MultilevelTable)
    assert found.frame.groupby("level").size().to_dict() == {"Level 0": 5, "Level 1": 5, "Level 2": 5}
    assert not isinstance(read(path, columns_are="devices", accept=True), MultilevelTable)
    path.write_text(SIDE.format(a="00", b="01", c="10"))
    with pytest.raises(QuestionError):
        read(path)
    for options in ({"columns_are": "levels"}, {"columns_are": "levels", "kind": "multilevel"}):
        found = read(path, **options)
        assert isinstance(found, MultilevelTable)
        assert list(found.frame["level"].unique()) == ["00", "01", "10"]


def test_a_table_with_a_time_is_retention_unless_the_kind_is_given(tmp_path: Path) -> None:
    text = ("time (s),level,G (uS)", "{n},{k},{v}")
    assert isinstance(table(tmp_path, *text), RetentionTable)
    found = table(tmp_path, *text, kind="multilevel")
    assert isinstance(found, MultilevelTable)
    assert "time_s" in found.frame
    numbered = table(tmp_path, "pulse,level,G (uS)", "{n},{k},{v}", kind="multilevel")
    assert numbered.frame.groupby("level").size().tolist() == [5] * 4


def test_units_are_asked_about_and_missing_readings_are_left_out(tmp_path: Path) -> None:
    with pytest.raises(QuestionError):
        table(tmp_path, "level,repeat,value", "{k},{n},{v}")
    path = tmp_path / "x.csv"
    path.write_text("level,repeat,G (uS)\nA,1,10\nA,2,\nB,1,20\nB,2,21\n")
    found = read(path)
    assert found.frame["repeat"].tolist() == [1, 1, 2]


def test_devicekit_columns_are_read_back(tmp_path: Path) -> None:
    from devicekit.synthetic import levels
    from devicekit.tables import write_csv

    made = levels.multilevel(2, 5)
    write_csv(made.frame, tmp_path / "x.csv")
    found = read(tmp_path / "x.csv")
    assert isinstance(found, MultilevelTable)
    assert list(found.frame) == list(made.frame)
    assert found.frame["conductance_s"].to_numpy() == pytest.approx(made.frame["conductance_s"].to_numpy(), rel=1e-6)
