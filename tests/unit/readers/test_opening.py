"""First look at a file: columns and numbers of its first rows; and answers that are tried without opening it again."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devicekit.core.errors import QuestionError
from devicekit.features.confirm import opening_panels
from devicekit.readers import read
from devicekit.readers.layouts import gather
from devicekit.readers.opening import open_columns
from devicekit.system.options import ReadOptions


def test_names_units_cells_and_numbers_of_a_table(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("Sample 3\nV (mV);I [uA];who\n" + "".join(f"{k},5;{k * k};x\n" for k in range(30)))
    found = open_columns(file)
    assert (found.width, found.rows, found.is_whole) == (3, 30, True)
    assert [(each.name, each.unit) for each in found.columns] == [("V (mV)", "mV"), ("I [uA]", "uA"), ("who", "")]
    assert found.columns[0].cells == ("0,5", "1,5", "2,5")
    assert found.columns[0].numbers[:2].tolist() == [0.5, 1.5]
    assert np.isnan(found.columns[2].numbers).all()
    assert [caption.partition("]")[0].partition(")")[0] for _, caption in opening_panels(found)] == ["V (mV", "I [uA"]
    assert open_columns(file, ReadOptions(names="a,b,c")).columns[1].name == "b"


def test_of_a_large_packed_file_the_first_rows_are_drawn_and_it_is_written_down(tmp_path: Path) -> None:
    file = tmp_path / "a.tsv.gz"
    file.write_bytes(gzip.compress("".join(f"{k}\t{k % 7 / 7:.9f}\n" for k in range(200_000)).encode()))
    found = open_columns(file)
    assert (found.width, found.rows, found.is_whole) == (2, 6000, False)
    panels = opening_panels(found)
    assert re.findall(r"\d+", panels[1][1]) == ["2", "6", "6000"]
    assert panels[1][0].curves[0].x[:2].tolist() == [1, 7]


@pytest.mark.parametrize("content", [b"", b"\x00\x01\x02" * 500, b"only words\nand more words\n"])
def test_a_file_without_numbers_has_no_picture(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(content)
    assert opening_panels(open_columns(file)) == ()


def test_the_largest_file_of_a_folder_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("V,I\n1,2\n2,4\n3,5\n")
    (tmp_path / "b.csv").write_text("V,I\n" + "".join(f"{k},{k}\n" for k in range(40)))
    assert open_columns(tmp_path).width == 2


def test_an_answer_about_the_unit_is_tried_without_splitting_the_cells_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[ReadOptions] = []
    split = gather._gather

    def count_calls(source: Any, options: ReadOptions, *rest: Any) -> Any:
        calls.append(options)
        return split(source, options, *rest)

    monkeypatch.setattr(gather, "_gather", count_calls)
    file = tmp_path / "a.csv"
    file.write_text("V (V),I\n" + "".join(f"{abs(k - 10) / 10},{k + 1}e-6\n" for k in range(40)))
    with pytest.raises(QuestionError) as caught:
        read(file)
    assert len(caught.value.asked.each[0].choices) > 1
    assert len(calls) == 1
