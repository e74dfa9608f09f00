"""Readers: what they read, what they refuse, and their messages."""

from __future__ import annotations

import contextlib
import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devicekit.core.errors import DevicekitError, FileError, QuestionError, TableError, UsageError
from devicekit.readers import read
from devicekit.tables import PulseTable, SweepTable

UP = np.array([1.0, 2.0, 2.8, 3.4, 3.8, 4.1, 4.3, 4.4]) * 1e-5
DOWN = UP[::-1].copy()


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def states(table: PulseTable | SweepTable, direction: str) -> np.ndarray:
    assert isinstance(table, PulseTable)
    return next(table.traces(direction))[3]


LONG = "device_id,cycle,direction,pulse_index,conductance_s\n" + "".join(
    f"d1,1,{direction},{n},{g:.3g}\n"
    for direction, values in (("ltp", UP), ("ltd", DOWN))
    for n, g in enumerate(values)
)


def test_long_table(tmp_path: Path) -> None:
    table = read(write(tmp_path, "long.csv", LONG))
    np.testing.assert_allclose(states(table, "ltp"), UP)
    np.testing.assert_allclose(states(table, "ltd"), DOWN)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(",", "\t"),
        lambda text: text.replace(",", ";"),
        lambda text: text.replace(",", ";").replace(".", ","),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", ",\n"),
        lambda text: text + "\n\n",
        lambda text: text.replace("ltp", "potentiation").replace("ltd", "Depression"),
        lambda text: text.replace("ltp", "+1").replace("ltd", "-1"),
    ],
)
def test_dialects_give_the_same_table(change, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    table = read(write(tmp_path, "dialect.txt", change(LONG)))
    np.testing.assert_allclose(states(table, "ltp"), UP)
    np.testing.assert_allclose(states(table, "ltd"), DOWN)


def test_gzip_is_recognised_by_content(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(gzip.compress(LONG.encode()))
    np.testing.assert_allclose(states(read(path), "ltp"), UP)
    path.write_bytes(gzip.compress(LONG.encode())[:-20])
    with pytest.raises(FileError):
        read(path)


def test_unknown_columns_are_kept(tmp_path: Path) -> None:
    text = LONG.replace("conductance_s\n", "conductance_s,operator,T [K]\n").replace("e-05\n", "e-05,ann,300\n")
    frame = read(write(tmp_path, "extra.csv", text)).frame
    assert set(frame["operator"]) == {"ann"}
    assert set(frame["T [K]"]) == {300}


def test_repeated_readings_are_kept_and_a_fit_takes_their_mean(tmp_path: Path) -> None:
    from devicekit.fitting.branch.trains import select_trains

    text = LONG + "d1,1,ltp,3,4.4e-05\n"
    table = read(write(tmp_path, "twice.csv", text))
    assert isinstance(table, PulseTable)
    assert len(table) == 17
    assert "repeats" in [warning.code for warning in table.warnings]
    trains = select_trains(table, "ltp")
    assert trains is not None
    assert trains.values[0, 3] == pytest.approx((3.4e-5 + 4.4e-5) / 2)


def test_columns_can_be_mapped(tmp_path: Path) -> None:
    text = "n,I\n" + "".join(f"{n},{g * 0.1:.4g}\n" for n, g in enumerate([*UP, *DOWN]))
    table = read(
        write(tmp_path, "mine.csv", text),
        columns={"value": "I"},
        quantity="current",
        read_voltage=0.1,
        pulses=(7, 8),
        accept=True,
    )
    np.testing.assert_allclose(states(table, "ltp"), UP, rtol=1e-3)
    with pytest.raises(UsageError, match="no column 'J'"):
        read(tmp_path / "mine.csv", columns={"value": "J"})
    with pytest.raises(UsageError, match="conductivity"):
        read(tmp_path / "mine.csv", columns={"conductivity": "I"})


@pytest.mark.parametrize(
    ("ours", "unit", "factor"),
    [
        ("conductance_s", "uS", 1e6),
        ("conductance_s", "mS", 1e3),
        ("read_current_a", "nA", 1e8),
        ("value", "uS", 1e6),
    ],
)
def test_a_unit_holds_for_a_mapped_column_too(ours: str, unit: str, factor: float, tmp_path: Path) -> None:
    numbers = np.concatenate([UP, DOWN[1:]]) * factor
    path = write(tmp_path, "mine.csv", "G\n" + "".join(f"{g:.6g}\n" for g in numbers))
    table = read(path, columns={ours: "G"}, unit=unit, read_voltage=0.1, pulses=(7,), accept=True)
    np.testing.assert_allclose(states(table, "ltp"), UP, rtol=1e-5)
    with pytest.raises(UsageError, match="kohm"):
        read(path, columns={"conductance_s": "G"}, unit="kohm")


@pytest.mark.parametrize(
    ("quantity", "unit", "factor"),
    [
        ("conductance", None, 1),
        ("conductance", "uS", 1e6),
        ("current", "nA", 1e8),
        ("resistance", "kohm", None),
    ],
)
def test_quantities_and_units(quantity: str, unit: str | None, factor: float | None, tmp_path: Path) -> None:
    numbers = 1e-3 / UP if factor is None else UP * factor
    down = 1e-3 / DOWN if factor is None else DOWN * factor
    text = "".join(f"{a:.6g},{b:.6g}\n" for a, b in zip(numbers, down, strict=True))
    table = read(write(tmp_path, "two.csv", text), quantity=quantity, unit=unit, read_voltage=0.1, accept=True)
    np.testing.assert_allclose(states(table, "ltp"), UP, rtol=1e-5)


def test_two_columns_without_a_quantity_say_what_to_pass(tmp_path: Path) -> None:
    path = write(tmp_path, "two.csv", "".join(f"{a},{b}\n" for a, b in zip(UP, DOWN, strict=True)))
    with pytest.raises(UsageError, match="quantity="):
        read(path)
    with pytest.raises(UsageError, match="read_voltage="):
        read(path, quantity="current")


def test_pulse_number_and_reading_split_where_the_number_restarts(tmp_path: Path) -> None:
    rows = [f"{n}\t{g}" for _ in range(2) for values in (UP, DOWN) for n, g in enumerate(values)]
    table = read(write(tmp_path, "train.txt", "\n".join(rows)), quantity="conductance", accept=True)
    assert table.frame.groupby("direction")["cycle"].max().to_dict() == {"ltp": 2, "ltd": 2}
    np.testing.assert_allclose(states(table, "ltd"), DOWN)
    assert [warning.code for warning in table.warnings] == ["split", "accepted", "repeated_data"]


def test_one_column_splits_at_turning_points(tmp_path: Path) -> None:
    values = np.concatenate([UP, DOWN[1:], UP[1:], DOWN[1:]])
    table = read(write(tmp_path, "one.txt", "\n".join(map(str, values))), quantity="conductance", accept=True)
    trains = table.frame.drop_duplicates(["direction", "cycle"])
    assert trains["direction"].tolist() == ["ltp", "ltd", "ltp", "ltd"]
    np.testing.assert_allclose(states(table, "ltp"), UP)


def test_direction_from_the_sign_of_the_pulse(tmp_path: Path) -> None:
    rows = ["pulse_voltage_v,conductance_s"]
    for _ in range(3):
        rows += [f"0.95,{g}" for g in UP] + [f"-0.95,{g}" for g in DOWN]
    table = read(write(tmp_path, "signed.csv", "\n".join(rows)))
    assert table.frame.groupby("direction")["cycle"].max().to_dict() == {"ltp": 3, "ltd": 3}
    assert table.frame["pulse_index"].max() == 7


def test_growing_amplitudes_are_flagged(tmp_path: Path) -> None:
    rows = ["direction,pulse_voltage_v,conductance_s"]
    rows += [f"ltp,{0.5 + 0.1 * n:.1f},{g}" for n, g in enumerate(UP)]
    rows += [f"ltd,{-0.5 - 0.1 * n:.1f},{g}" for n, g in enumerate(DOWN)]
    codes = [warning.code for warning in read(write(tmp_path, "ramp.csv", "\n".join(rows))).warnings]
    assert "growing_amplitude" in codes


NEUROSIM = "% my data\nexp_LTP_raw = [\n{up}\n];\nexp_LTD_raw = [\n{down}\n];\nxf_ltp = floor(max(exp_LTP_raw(:,1)));\n"


def block(x: range, values: np.ndarray) -> str:
    return "\n".join(f"{n}\t{g}" for n, g in zip(x, values, strict=True))


def test_neurosim_body_with_reversed_ltd(tmp_path: Path) -> None:
    text = NEUROSIM.format(up=block(range(8), UP), down=block(range(8), UP))
    table = read(write(tmp_path, "nonlinear_fit.m", text))
    np.testing.assert_allclose(states(table, "ltd"), DOWN)
    assert [warning.code for warning in table.warnings] == ["assumed_unit", "reversed", "repeated_data"]


def test_neurosim_body_with_descending_index(tmp_path: Path) -> None:
    text = NEUROSIM.format(up=block(range(1, 9), UP), down=block(range(8, 0, -1), UP))
    np.testing.assert_allclose(states(read(write(tmp_path, "f.m", text)), "ltd"), DOWN)


def test_neurosim_bad_row_is_named(tmp_path: Path) -> None:
    text = NEUROSIM.format(up="0 1e-5\n1 abc\n2 3e-5", down=block(range(8), DOWN))
    with pytest.raises(TableError) as caught:
        read(write(tmp_path, "f.m", text))
    assert caught.value.rows[0].row == 4


def test_crosssim_folder(tmp_path: Path) -> None:
    for name, values in (("set.csv", UP), ("reset.csv", DOWN)):
        rows = [f"{v * 0.1},{w}" for v, w in zip(values, [*(values[:5] * 0.11), "", "", ""], strict=True)]
        write(tmp_path, name, "rmp1,rmp2\n" + "\n".join(rows))
    table = read(tmp_path, quantity="current", read_voltage=0.1)
    assert isinstance(table, PulseTable)
    lengths = [len(values) for _, _, _, values in table.traces("ltp")]
    assert lengths == [8, 5]
    with pytest.raises(UsageError, match=r"quantity=.*read_voltage=.*unit="):
        read(tmp_path)


def test_sweeps(tmp_path: Path) -> None:
    table = read(write(tmp_path, "iv.csv", "voltage_v,current_a\n0,0\n0.1,1e-6\n0.2,2e-6\n"))
    assert isinstance(table, SweepTable)
    assert table.frame["point"].tolist() == [0, 1, 2]


# Refusals


@pytest.mark.parametrize(
    ("text", "row"),
    [
        (LONG.replace("2e-05", "two"), 3),
        (LONG.replace("ltp,3", "ltp,3.5"), 5),
        (LONG.replace("2e-05", "-2e-05"), 3),
        (LONG.replace("d1,1,ltp,2", "d1,1,sideways,2"), 4),
        (LONG.replace("d1,1,ltp,2,", "d1,1,ltp,2,7,"), 4),
    ],
)
def test_bad_values_are_named_by_row(text: str, row: int, tmp_path: Path) -> None:
    with pytest.raises(DevicekitError) as caught:
        read(write(tmp_path, "bad.csv", text))
    assert row in [bad.row for bad in caught.value.rows]


def test_every_bad_row_is_listed_and_the_first_ten_are_shown(tmp_path: Path) -> None:
    text = "conductance_s\n" + "".join(f"-{n}e-6\n" for n in range(1, 31))
    with pytest.raises(QuestionError) as caught:
        read(write(tmp_path, "negative.csv", text))
    assert len(caught.value.rows) == 30
    assert "30 rows in all" in str(caught.value)
    assert str(caught.value).count("expected 0 S") == 10


def test_negative_conductance_can_be_taken_as_magnitude(tmp_path: Path) -> None:
    path = write(tmp_path, "negative.csv", LONG.replace("2e-05", "-2e-05"))
    table = read(path, absolute=True)
    np.testing.assert_allclose(states(table, "ltp"), UP)
    assert "abs" in [warning.code for warning in table.warnings]


def test_files_that_are_not_measurements(tmp_path: Path) -> None:
    empty = write(tmp_path, "empty.csv", "")
    blank = write(tmp_path, "blank.csv", "\n \n")
    binary = write(tmp_path, "binary.csv", "\x00\x01\x02")
    for path in (empty, blank, binary, tmp_path / "missing.csv", tmp_path):
        with pytest.raises(FileError):
            read(path, quantity="conductance")


def test_an_unknown_format_name_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="crosssim"):
        read(write(tmp_path, "a.csv", LONG), format="nonsense")


@pytest.mark.parametrize(
    "options",
    [
        {"quantity": "volume"},
        {"read_voltage": 0.0},
        {"unit": "furlong"},
        {"unit": "uS", "quantity": "current"},
    ],
)
def test_options_are_checked(options: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        read(write(tmp_path, "a.csv", LONG), **options)


def test_a_wrong_selection_lists_the_choices(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="cycle = 9"):
        read(write(tmp_path, "a.csv", LONG), cycle=9)


def test_siemens_written_as_microsiemens_are_doubted(tmp_path: Path) -> None:
    text = "".join(f"{a * 1e6},{b * 1e6}\n" for a, b in zip(UP, DOWN, strict=True))
    table = read(write(tmp_path, "two.csv", text), quantity="conductance", accept=True)
    assert "suspect_unit" in [warning.code for warning in table.warnings]


# Properties


FEW_OR_MANY = pytest.mark.parametrize("examples", [10, pytest.param(60, marks=pytest.mark.slow)])


@FEW_OR_MANY
def test_any_bytes_give_a_table_or_a_devicekit_error(examples: int, tmp_path: Path) -> None:
    path = tmp_path / "file.csv"

    @given(st.binary(max_size=400))
    @settings(max_examples=examples, deadline=None)
    def any_bytes(data: bytes) -> None:
        path.write_bytes(data)
        with contextlib.suppress(DevicekitError):
            assert len(read(path, quantity="conductance")) > 0

    any_bytes()


@FEW_OR_MANY
def test_mutated_tables_give_a_table_or_a_devicekit_error(examples: int, tmp_path: Path) -> None:
    path = tmp_path / "file.csv"

    @given(st.data())
    @settings(max_examples=examples, deadline=None)
    def mutated(data: st.DataObject) -> None:
        base = data.draw(st.sampled_from([LONG, NEUROSIM.format(up=block(range(8), UP), down=block(range(8), DOWN))]))
        at = data.draw(st.integers(0, len(base) - 1))
        cut = data.draw(st.integers(0, 12))
        put = data.draw(st.text("0123456789.,;-+eE\t\n\"'=nan ltpd[]%", max_size=8))
        path.write_text(base[:at] + put + base[at + cut :])
        with contextlib.suppress(DevicekitError):
            assert len(read(path)) > 0

    mutated()


@FEW_OR_MANY
def test_numbers_survive_the_text(examples: int, tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    tables = st.lists(st.lists(st.floats(1e-9, 1e-2), min_size=2, max_size=3), min_size=1, max_size=8)

    @given(tables.filter(lambda rows: len({len(row) for row in rows}) == 1), st.sampled_from([",", ";", "\t"]))
    @settings(max_examples=examples, deadline=None)
    def survive(rows: list[list[float]], delimiter: str) -> None:
        frame = pd.DataFrame(rows, columns=["voltage_v", "current_a", "third"][: len(rows[0])])
        text = "\n".join([delimiter.join(frame.columns), *(delimiter.join(map(repr, row)) for row in rows)])
        path.write_text(text)
        read_back = read(path, accept=True).frame[list(frame.columns)].to_numpy()
        assert np.array_equal(read_back, np.array(rows))

    survive()


# Real files. Each and its twin that runs everywhere:
# test_crosssim_ramps: test_crosssim_folder above; test_measured_twins.py::test_ramps
# test_gong_is_a_weight_and_not_a_conductance: test_measured_twins.py::test_a_weight_of_two_columns_is_not_a_conductance


def test_crosssim_ramps(measured: Path) -> None:
    table = read(measured / "crosssim_ramps", quantity="current", read_voltage=0.1)
    assert isinstance(table, PulseTable)
    counts = table.frame.drop_duplicates(["direction", "cycle"])["direction"].value_counts()
    assert counts.to_dict() == {"ltp": 39, "ltd": 40}
    first = states(table, "ltp")[0]
    assert first == pytest.approx(0.160588e-3 / 0.1)


def test_gong_is_a_weight_and_not_a_conductance(measured: Path) -> None:
    path = measured / "gong_reram" / "gong_et_al.csv"
    table = read(path, quantity="weight", accept=True)
    assert len(table) == 2000
    with pytest.raises(QuestionError, match="weight") as caught:
        read(path, quantity="conductance")
    assert len(caught.value.rows) == 1234


def test_csv_round_trip_keeps_every_digit(tmp_path: Path) -> None:
    table = read(write(tmp_path, "a.csv", LONG))
    table.to_csv(tmp_path / "b.csv")
    again = read(tmp_path / "b.csv")
    pd.testing.assert_frame_equal(table.frame, again.frame)


def test_formulas_are_made_plain_on_export(tmp_path: Path) -> None:
    table = read(write(tmp_path, "a.csv", LONG.replace("d1,", "=cmd(),")))
    table.to_csv(tmp_path / "b.csv")
    assert "\n'=cmd()" in (tmp_path / "b.csv").read_text()


def test_all_negative_points_to_the_sign_of_the_read_voltage(tmp_path: Path) -> None:
    text = "direction,pulse_index,read_current_a\n" + "".join(
        f"{direction},{n},{1e-6 * (n + 1)}\n" for direction in ("ltp", "ltd") for n in range(4)
    )
    path = write(tmp_path, "turned.csv", text)
    with pytest.raises(QuestionError) as caught:
        read(path, read_voltage=-0.1)
    assert caught.value.asked.choices[0].options == {"read_voltage": 0.1}
    assert len(read(path, read_voltage=0.1, accept=True)) == 8
