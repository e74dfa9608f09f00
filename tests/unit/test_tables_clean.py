"""Table schemas and the splitting of concatenated trains."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devicekit.core.errors import BadRow, CodedWarning, TableError
from devicekit.core.quantities import GLOSSARY, label
from devicekit.readers.splitting import split_by_reset, split_by_sign, split_values
from devicekit.readers.turns import find_extremes
from devicekit.tables import PulseTable, SweepTable, write_csv
from devicekit.tables.schemas import PULSE_SCHEMA, SWEEP_SCHEMA

FRAME = pd.DataFrame(
    {
        "device_id": ["d", "d"],
        "cycle": [1, 1],
        "direction": ["ltp", "ltp"],
        "pulse_index": [0, 1],
        "conductance_s": [1e-6, 2e-6],
    }
)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"conductance_s": [1e-6, -2e-6]}, "row 2"),
        ({"direction": ["ltp", "up"]}, "ltp or ltd"),
        ({"cycle": [1, -1]}, "0 or more"),
        ({"pulse_width_s": [1e-6, 0.0]}, "more than 0"),
        ({"weight": [0.1, 0.2]}, "exactly one"),
        ({"conductance_s": [np.nan, np.nan]}, "no finite number"),
    ],
)
def test_a_bad_value_is_named(change: dict[str, list[object]], words: str) -> None:
    with pytest.raises(TableError) as caught:
        PulseTable(FRAME.assign(**change))
    assert words in str(caught.value)


def test_missing_columns_are_named() -> None:
    with pytest.raises(TableError, match="cycle"):
        PulseTable(FRAME.drop(columns="cycle"))
    with pytest.raises(TableError, match="neither"):
        PulseTable(FRAME.drop(columns="conductance_s"))
    with pytest.raises(TableError, match="no rows"):
        PulseTable(FRAME.iloc[:0])
    with pytest.raises(TableError, match="voltage_v"):
        SweepTable(pd.DataFrame({"device_id": ["a"], "cycle": [1], "point": [0], "current_a": [1.0]}))


def test_other_columns_are_kept() -> None:
    assert PulseTable(FRAME.assign(remark="x")).frame["remark"].tolist() == ["x", "x"]


def test_every_column_has_a_glossary_entry() -> None:
    for name in {*PULSE_SCHEMA.columns, *SWEEP_SCHEMA.columns}:
        assert GLOSSARY[name].description
        assert label(name)


def test_flags_have_known_codes() -> None:
    with pytest.raises(ValueError, match="unknown warning"):
        CodedWarning("nonsense", "x")
    assert str(BadRow(3, "a", "b", "c")) == "row 3, a: found b, expected c"


@given(st.lists(st.integers(5, 40), min_size=1, max_size=8), st.floats(0, 0.08), st.integers(0, 1000))
@settings(max_examples=100, deadline=None)
def test_turning_points_are_found_in_noisy_trains(lengths: list[int], noise: float, seed: int) -> None:
    values, turns, level = [0.0], [], 0.0
    for k, length in enumerate(lengths):
        goal = 1.0 - k % 2
        values += np.linspace(level, goal, length + 1)[1:].tolist()
        turns.append(len(values))
        level = goal
    noisy = np.array(values) + noise * np.random.default_rng(seed).uniform(-1, 1, len(values))
    found = np.array(find_extremes(noisy.tolist(), float(np.ptp(noisy)) / 3)[0], int) + 1
    assert found.size == len(lengths) - 1
    assert (np.abs(found - np.array(turns[:-1], int)) <= 2 + 0.16 * max(lengths)).all()


def test_split_counts_cycles_and_shares_the_turn() -> None:
    up, down = np.linspace(0, 1, 6), np.linspace(1, 0, 6)
    split = split_values(np.concatenate([down, up[1:], down[1:]]), "x")
    assert split.direction.tolist() == ["ltd"] * 6 + ["ltp"] * 5 + ["ltd"] * 5
    assert split.cycle.tolist() == [1] * 6 + [1] * 5 + [2] * 5
    assert split.pulse_index.tolist() == [0, 1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2, 3, 4, 5]


def test_split_by_sign_counts_cycles_from_the_first_direction() -> None:
    direction, cycle = split_by_sign(np.array([0.0, -1, -1, 1, 1, 0, -1, 1]))
    assert direction.tolist() == ["ltd", "ltd", "ltd", "ltp", "ltp", "ltd", "ltd", "ltp"]
    assert cycle.tolist() == [1, 1, 1, 1, 1, 2, 2, 2]


def test_split_by_reset() -> None:
    assert split_by_reset(np.array([0, 1, 2, 0, 1, 0])).tolist() == [0, 0, 0, 1, 1, 2]


def test_numbers_that_stand_in_many_rows_are_written_as_all_others(tmp_path: Path) -> None:
    odd = [0.1, 1 / 3, -0.0, 0.0, 1e22, np.inf, np.nan, 5e-324]
    frame = pd.DataFrame({"name": ["a", "=b"] * 100, "seldom": np.linspace(0.0, 1.0, 200), "often": (odd * 25)})
    write_csv(frame, tmp_path / "t.csv")
    plain = frame.assign(name=["a", "'=b"] * 100).to_csv(index=False, lineterminator="\n")
    assert (tmp_path / "t.csv").read_text(encoding="utf-8") == plain
