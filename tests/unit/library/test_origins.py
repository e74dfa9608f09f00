"""Place and labels: by hand before file name, device name and recipe; areas with their units."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import devicekit
from devicekit.core.errors import UsageError
from devicekit.library import Library, Place
from devicekit.library.origin import Metadata, compile_pattern, gather, parse_area

pytestmark = pytest.mark.usefixtures("without_mechanism")


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("wafer01-R3C8.csv", (3, 8)),
        ("r03_c05 loops.csv", (3, 5)),
        ("R3C5.csv", (3, 5)),
        ("R3C5_R3C5.csv", (3, 5)),
        ("R3C5_R3C6.csv", (None, None)),  # two answers are none
        ("HR3C5.csv", (None, None)),
        ("R3C5x.csv", (None, None)),
        ("R3.csv", (None, None)),
        ("run3c5.csv", (None, None)),
    ],
)
def test_row_and_column_in_a_name(name: str, place: tuple[int | None, int | None]) -> None:
    found = gather({}, name, None, {})
    assert (found.place.row, found.place.column) == place
    assert found.origins == (dict.fromkeys(("row", "column"), "file name") if place[0] else {})


def test_place_from_device_name_unless_it_contradicts_the_file_name() -> None:
    assert gather({}, "a.csv", "R2C7", {}).place == Place(row=2, column=7)
    assert gather({}, "a.csv", "R2C7", {}).origins["row"] == "device name"
    assert gather({}, "R2C7.csv", "R2C7", {}).origins["row"] == "file name"
    assert gather({}, "R2C6.csv", "R2C7", {}).place == Place()


def test_the_hand_beats_the_file_name_and_that_beats_the_recipe() -> None:
    pattern = compile_pattern(r"W(?P<wafer>\d+)_(?P<stack>\w+?)_R(?P<row>\d+)")
    recipe = {"wafer": "recipe", "stack": "recipe", "operator": "me", "row": "9"}
    found = gather({"row": 1}, "W07_TaOx_R3.csv", None, recipe, pattern)
    assert found.place == Place(wafer="07", row=1)
    assert found.labels == {"stack": "TaOx", "operator": "me"}
    assert found.origins == {"row": "hand", "wafer": "file name", "stack": "file name", "operator": "recipe"}


def test_labels_by_hand_win_over_a_later_recipe() -> None:
    old = Metadata(labels={"stack": "HfO2", "operator": "a"}, origins={"stack": "hand", "operator": "recipe"})
    new = Metadata(labels={"stack": "TaOx", "operator": "b"}, origins={"stack": "recipe", "operator": "recipe"})
    both = new.merge(old)
    assert both.labels == {"stack": "HfO2", "operator": "b"}
    assert both.origins == {"stack": "hand", "operator": "recipe"}


@pytest.mark.parametrize(
    ("text", "square_metres"),
    [
        ("25 um2", 25e-12),
        ("25 µm²", 25e-12),
        ("5 um x 5 um", 25e-12),
        ("100x50 nm", 5e-15),
        ("2 µm × 500 nm", 1e-12),
        ("1e-12 m2", 1e-12),
        ("0.01 mm^2", 1e-8),
    ],
)
def test_areas(text: str, square_metres: float) -> None:
    assert parse_area(text) == pytest.approx(square_metres, rel=1e-12)


@pytest.mark.parametrize("text", ["25", "25 um", "5x5", "0 um2", "-3 um2", "large", "", "5 V x 5 V", "1e999 um2"])
def test_an_area_without_a_unit_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"^area=.*25 um2"):
        parse_area(text)


@pytest.mark.parametrize(
    ("pattern", "message"),
    [("W(", r"place_from='W\('"), (r"W\d+", "no named group")],
)
def test_patterns_that_find_nothing_are_refused(pattern: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        compile_pattern(pattern)


def test_a_name_that_does_not_fit_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"place_from=.*loop\.csv"):
        gather({}, "loop.csv", None, {}, compile_pattern(r"W(?P<wafer>\d+)"))
    with pytest.raises(UsageError, match=r"^row must"):
        gather({}, "Rx.csv", None, {}, compile_pattern(r"R(?P<row>\w+)"))


RECIPE = """
[recipe]
version = 1
[labels]
stack = "Pt/HfO2/Ti"
date = 2026-03-05
wafer = "W9"
area = "10 um x 10 um"
"""


def test_labels_of_a_recipe_reach_the_record_and_the_table(
    library: Library, sweeps: Callable[..., Path], tmp_path: Path
) -> None:
    recipe = tmp_path / "lab.toml"
    recipe.write_text(RECIPE, encoding="utf-8")
    file = sweeps("R3C5.csv", {"d1": [0.3, 0.4]})
    assert devicekit.read(file, recipe=recipe).meta["labels"]["date"] == "2026-03-05"
    (added,) = library.add_file(file, recipe=recipe, labels={"wafer": "W1"})
    record = added.record
    assert record.labels == {"stack": "Pt/HfO2/Ti", "date": "2026-03-05", "area": "10 um x 10 um"}
    assert record.place == Place(wafer="W1", row=3, column=5)
    assert record.area_m2 == pytest.approx(1e-10)
    assert record.origins == {
        **{"wafer": "hand", "row": "file name", "column": "file name"},
        **dict.fromkeys(("stack", "date", "area"), "recipe"),
    }
    assert json.loads(added.path.read_text(encoding="utf-8"))["origins"] == record.origins


@pytest.mark.parametrize("line", ["stack = 1.5", "stack = true", "stack = ['a']"])
def test_a_label_of_a_recipe_is_a_text_a_number_or_a_date(line: str, tmp_path: Path) -> None:
    from devicekit.readers import recipe

    path = tmp_path / "lab.toml"
    path.write_text(f"[recipe]\nversion = 1\n[labels]\n{line}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"\[labels\] stack"):
        recipe.load(path)
    path.write_text("labels = 3\n[recipe]\nversion = 1\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"\[labels\]"):
        recipe.load(path)
