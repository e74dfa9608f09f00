"""Search: words, kinds, ranges just inside and just outside, labels, places, order; unknown names."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devicekit.core.errors import UsageError
from devicekit.library import Library, Place, Query, Range, Record

from .conftest import write_sweeps

Make = Callable[..., Record]


@pytest.fixture(scope="module")
def filled_once(tmp_path_factory: pytest.TempPathFactory, record: Make) -> Path:
    """Folder of a library with cards a, b, c of on/off 2, 4, 8 and a sweep record s, whose mechanisms are left out."""
    folder = tmp_path_factory.mktemp("filled")
    library = Library(folder / "lab")
    for name, high, labels in (
        ("Alpha", 2e-5, {"stack": "HfO2", "area": "1 um2", "wafer": "W1", "row": 1, "column": 10}),
        ("beta", 4e-5, {"stack": "TaOx", "area": "4 um2", "wafer": "W1", "row": 1, "column": 9}),
        ("gamma 100%", 8e-5, {"stack": "HfO2", "wafer": "W2"}),
    ):
        library.add(record(name, labels, low=1e-5, high=high))
    loops = write_sweeps(folder, "Loops_R7C7.csv", {"d1": [0.3, 0.4, 0.4]})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("devicekit.features.merits.mechanism.find", lambda *_: None)
        library.add_file(loops, labels={"operator": "Łukasz"})
    return folder / "lab"


@pytest.fixture
def filled(filled_once: Path, library: Library) -> Library:
    """A copy of it, to be changed."""
    shutil.copytree(filled_once, library.folder)
    return library


def found(library: Library, **query: Any) -> list[str]:
    return [entry.name for entry in library.records(Query(**{"sort": "name", **query}))]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ((), ["Alpha", "beta", "gamma 100%", "Loops_R7C7"]),
        (("ALPHA",), ["Alpha"]),
        (("hfo2",), ["Alpha", "gamma 100%"]),
        (("hfo2", "w2"), ["gamma 100%"]),
        (("hfo2", "taox"), []),
        (("pulses.csv",), ["Alpha", "beta", "gamma 100%"]),
        (("eq2",), ["Alpha", "beta", "gamma 100%"]),
        (("weakly identified",), ["Alpha", "beta", "gamma 100%"]),
        (("sweep",), ["Loops_R7C7"]),
        (("łukasz",), ["Loops_R7C7"]),
        (("ŁUKASZ",), ["Loops_R7C7"]),
        (("r7c7",), ["Loops_R7C7"]),
        (("100%",), ["gamma 100%"]),
        (("%",), ["gamma 100%"]),
        (("*",), []),
        (("?",), []),
        (("[a-z]",), []),
        (("'; DROP TABLE item; --",), []),
    ],
)
def test_all_words_must_match_literally(words: tuple[str, ...], names: list[str], filled: Library) -> None:
    assert found(filled, words=words) == names


@pytest.mark.parametrize(
    ("ranges", "names"),
    [
        (["on_off=3:6"], ["beta"]),
        (["on_off=4:4"], ["beta"]),
        (["on_off=4.0001:"], ["gamma 100%", "Loops_R7C7"]),
        (["on_off=:3.9999"], ["Alpha"]),
        (["on_off=2:4", "g_high_s=3e-5:"], ["beta"]),
        (["on_off=:"], ["Alpha", "beta", "gamma 100%", "Loops_R7C7"]),
        (["v_set_v=:"], ["Loops_R7C7"]),
        (["v_set_v=0.38:0.42"], ["Loops_R7C7"]),
        (["v_set_v=0.42:"], []),
        (["area_m2=:2e-12"], ["Alpha"]),
        (["area_m2=2e-12:1"], ["beta"]),
    ],
)
def test_ranges(ranges: list[str], names: list[str], filled: Library) -> None:
    assert found(filled, ranges=[Range.of(each) for each in ranges]) == names


def test_ends_of_a_range_are_in_it(library: Library, record: Make) -> None:
    value = 0.1 + 0.2  # no short decimal
    library.add(record("a", increment=value))
    inside = [
        Range("increment_ltp", value, value),
        Range("increment_ltp", low=value),
        Range("increment_ltp", high=value),
    ]
    outside = [
        Range("increment_ltp", low=math.nextafter(value, 1)),
        Range("increment_ltp", high=math.nextafter(value, 0)),
    ]
    assert [found(library, ranges=[each]) for each in inside] == [["a"]] * 3
    assert [found(library, ranges=[each]) for each in outside] == [[]] * 2


@pytest.mark.parametrize(
    "text", ["on_off", "on_off=3", "=3:4", "on_off=a:4", "on_off=5:4", "on_off=nan:", "on_off=inf:", "on_off=:-inf", ""]
)
def test_invalid_ranges_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Range.of(text)


def test_kind_labels_and_places(filled: Library) -> None:
    assert found(filled, kind="card") == ["Alpha", "beta", "gamma 100%"]
    assert found(filled, labels={"stack": "HfO2"}) == ["Alpha", "gamma 100%"]
    assert found(filled, labels={"stack": "hfo2"}) == []  # equality, not a search
    assert found(filled, labels={"stack": "HfO2", "area": "1 um2"}) == ["Alpha"]
    assert found(filled, place=Place(wafer="W1")) == ["Alpha", "beta"]
    assert found(filled, place=Place(wafer="W1", column=9)) == ["beta"]
    assert found(filled, place=Place(row=7)) == ["Loops_R7C7"]
    assert found(filled, words=["pulses"], kind="card", ranges=[Range("on_off", 3)], labels={"stack": "HfO2"}) == [
        "gamma 100%"
    ]


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("name", ["Alpha", "beta", "gamma 100%", "Loops_R7C7"]),
        ("-name", ["Loops_R7C7", "gamma 100%", "beta", "Alpha"]),
        ("on_off", ["Alpha", "beta", "gamma 100%", "Loops_R7C7"]),
        ("-on_off", ["Loops_R7C7", "gamma 100%", "beta", "Alpha"]),
        ("increment_ltp", ["Alpha", "beta", "gamma 100%", "Loops_R7C7"]),  # equal ones by name, those without last
        ("-increment_ltp", ["Alpha", "beta", "gamma 100%", "Loops_R7C7"]),
        ("column", ["Loops_R7C7", "beta", "Alpha", "gamma 100%"]),  # as numbers
        ("-column", ["Alpha", "beta", "Loops_R7C7", "gamma 100%"]),
        ("stack", ["Alpha", "gamma 100%", "beta", "Loops_R7C7"]),
        ("law", ["Alpha", "beta", "gamma 100%", "Loops_R7C7"]),
        ("-area_m2", ["beta", "Alpha", "gamma 100%", "Loops_R7C7"]),
    ],
)
def test_order(sort: str, names: list[str], filled: Library) -> None:
    assert found(filled, sort=sort) == names


def test_the_newest_comes_first_by_the_time_in_the_file(library: Library, record: Make) -> None:
    for name, when in (("old", "2020-01-01T00:00:00+00:00"), ("new", "2026-01-01T00:00:00+00:00"),
                       ("mid", "2023-01-01T00:00:00+00:00")):  # fmt: skip
        made = record(name)
        library.add(made.model_copy(update={"added": when, "id": made.id}))
    assert [entry.name for entry in library.records()] == ["new", "mid", "old"]


def test_a_limit_keeps_the_count(filled: Library) -> None:
    answer = filled.records(Query(sort="-on_off", limit=2))
    assert ([entry.name for entry in answer], answer.total, len(answer)) == (["Loops_R7C7", "gamma 100%"], 4, 2)
    with pytest.raises(UsageError):
        Query(limit=0)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"ranges": [Range("onoff", 1)]}, r"number 'onoff'.*asymmetry.*on_off"),
        ({"kind": "cards"}, r"kind 'cards'.*card, sweep"),
        ({"labels": {"stak": "x"}}, r"label 'stak'.*area, operator, stack"),
        ({"sort": "size"}, r"'size'.* name, added.*on_off.*stack"),
    ],
)
def test_unknown_names_are_refused_with_the_known_ones(query: dict[str, Any], message: str, filled: Library) -> None:
    with pytest.raises(UsageError, match=message):
        filled.records(Query(**query))


def test_a_number_is_unknown_in_an_empty_library(library: Library) -> None:
    with pytest.raises(UsageError, match="number 'on_off'"):
        library.records(Query(ranges=[Range("on_off", 1)]))


def test_removing_a_record_removes_its_names(filled: Library) -> None:
    assert "v_set_v" in filled.names()
    assert "operator" in filled.labels()
    filled.remove(next(entry.id for entry in filled.records() if entry.kind == "sweep"))
    assert "v_set_v" not in filled.names()
    assert "operator" not in filled.labels()
    assert filled.kinds() == ("card",)


def test_ranges_agree_with_a_plain_loop_and_many_records_stay_quick(tmp_path: Path) -> None:
    """400 records: an answer as a loop over all files gives it; nothing is read twice."""
    import importlib.util

    path = Path(__file__).parents[3] / "benchmarks" / "library_scale.py"
    spec = importlib.util.spec_from_file_location("library_scale", path)
    assert spec is not None
    assert spec.loader is not None
    scale = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scale)
    scale.write_records(tmp_path / "lab", 400)
    library = Library(tmp_path / "lab")
    start = time.process_time()
    assert library.refresh() == ()
    built = time.process_time() - start
    start = time.process_time()
    everything = library.records()
    listed = time.process_time() - start
    start = time.process_time()
    library.refresh()
    again = time.process_time() - start
    assert everything.total == 400
    # targets of 10,000 records, times 10 and scaled to 400: 4 s to build, 40 ms when nothing changed
    assert built < 10 * 4.0 * 400 / 10_000 + 0.5
    assert again < 10 * 0.040 * 400 / 10_000 + 0.05
    assert again < built / 3
    assert listed < 0.5
    query = Query(["wafer03", "HFO2"], "card", [Range("on_off", 3, 6), Range("nrmse_ltp", 2e-4, 1e-3)], sort="-on_off")
    heads = [entry for entry in everything if "wafer03" in entry.name and entry.labels["stack"] == "HfO2"]
    values = np.array([[entry.scalar(n).value for n in ("on_off", "nrmse_ltp")] for entry in heads])  # type: ignore[union-attr]
    keep = (values[:, 0] >= 3) & (values[:, 0] <= 6) & (values[:, 1] >= 2e-4) & (values[:, 1] <= 1e-3)
    expected = [heads[k].name for k in np.argsort(-values[:, 0], kind="stable") if keep[k]]
    assert len(expected) > 3
    assert [entry.name for entry in library.records(query)] == expected
