"""Names above fewer columns than there are numbers, words that stand nowhere, and columns that map names by place."""

from __future__ import annotations

from pathlib import Path

import pytest

from devicekit.core.errors import QuestionError, UsageError
from devicekit.readers import read
from devicekit.readers.layouts.gather import gather
from devicekit.readers.source import Source
from devicekit.system.options import ReadOptions

from .small_files import Write  # type: ignore[import-not-found]

LOOP = [*range(9), *range(7, -9, -1), *range(-7, 1)]


def test_names_of_the_first_group_stand_for_each_group_with_their_units(lines: Write) -> None:
    rows = [",".join(f"{k / 10},{v / 10},{v * scale}" for scale in (1, 2, 3)) for k, v in enumerate(LOOP)]
    path = lines("Time,Voltage,Current", "ms,V,uA", *rows)
    with pytest.raises(QuestionError) as caught:
        read(path, kind="sweep")
    first = caught.value.asked.each[0].choices[0].options
    assert first == {"names": ",".join(["Time (ms)", "Voltage (V)", "Current (uA)"] * 3)}
    with pytest.raises(QuestionError):  # not in amperes and seconds without a word
        read(path, map={"time_s": "column 1", "voltage_v": "column 2", "current_a": "column 3"}, kind="sweep")
    frame = read(path, **first, columns_are="devices", accept=True).frame
    assert frame.groupby("device_id")["current_a"].max().tolist() == pytest.approx([8e-6, 16e-6, 24e-6])
    assert frame["time_s"].max() == pytest.approx((len(LOOP) - 1) * 1e-4)
    assert read(path, header=0, kind="record").frame["column 9"].max() == 24


def test_a_preamble_is_no_names(lines: Write) -> None:
    path = lines("Sample,A12", *(",".join(f"{k + j}.5" for j in range(6)) for k in range(9)))
    assert len(read(path, kind="record").frame) == 9


def test_a_word_that_stands_nowhere_is_refused(lines: Write) -> None:
    path = lines(
        "pulse,way,G (uS)", *(f"{k % 9 + 1},{'up' if k < 9 else 'down'},{min(k, 17 - k) + 1}" for k in range(18))
    )
    with pytest.raises(UsageError, match="GX"):
        read(path, words={"ltp": "GX"}, accept=True)
    frame = read(path, words={"ltp": "up", "ltd": "down"}, accept=True, map={"direction": "way"}).frame
    assert frame["direction"].value_counts().to_dict() == {"ltp": 9, "ltd": 9}


def test_a_train_below_empty_cells_is_reported(lines: Write) -> None:
    path = lines(
        "n,LTP (S),LTD (S)", *(f"{k},{k}e-6," for k in range(1, 9)), *(f"{k},,{17 - k}e-6" for k in range(9, 17))
    )
    assert "dropped" in [each.code for each in read(path, accept=True).warnings]


def test_tables_are_split_anew_for_columns_at_other_places(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("".join(f"{k},{k + 0.5},,{k},{k + 1.5}\n" for k in range(1, 9)))
    source = Source(path)
    for columns, tables in (("column 2", 2), ("column 5", 1), ("column 2", 2)):
        assert len(gather(source, ReadOptions(columns={"value": columns})).blocks) == tables
