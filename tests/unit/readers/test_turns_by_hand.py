"""Where trains turn and how reversed ones are numbered, as numbers."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from devicekit.readers import splitting, turns


def zigzag(*ends: float, pulses: int = 10) -> np.ndarray:
    """Straight trains of so many pulses from end to end."""
    parts = [np.linspace(a, b, pulses + 1)[1:] for a, b in itertools.pairwise(ends)]
    return np.concatenate([[ends[0]], *parts])


def first_readings(values: np.ndarray) -> list[int]:
    """Return the first reading of each train after the first, by moves of a third of the range."""
    return [each + 1 for each in turns.find_extremes(values.tolist(), float(np.ptp(values)) / 3)[0]]


def test_a_turn_of_four_tenths_of_the_range_is_one_and_of_three_tenths_is_none() -> None:
    """Up by 1, down by 0.4, up by 0.3: the first of three trains after the start begins at readings 11 and 21."""
    assert first_readings(zigzag(0.0, 1.0, 0.6, 1.0)) == [11, 21]
    assert first_readings(zigzag(0.0, 1.0, 0.7, 1.0)) == []
    assert first_readings(zigzag(1.0, 0.0, 0.4, 0.0)) == [11, 21]
    assert first_readings(zigzag(1.0, 0.0, 0.34, 0.0)) == [11, 21]  # a third of the range
    assert first_readings(zigzag(1.0, 0.0, 0.33, 0.0)) == []


@pytest.mark.parametrize("opens", [True, False])
def test_lengths_give_every_turn(opens: bool) -> None:
    """Trains of 3 and 5 pulses: turns after 3, 8, 11 and 16 pulses; a reading before the first one moves them by 1."""
    lengths = turns.Lengths(3, 5, opens)
    assert lengths.turns(5).tolist() == [each - (not opens) for each in (3, 8, 11, 16)]
    assert (lengths.period, lengths.same) == (8, False)
    assert (lengths.around(0), lengths.around(1)) == ((3, 5), (5, 3))


def test_the_misfit_of_a_rising_fit_is_that_of_pooled_neighbours() -> None:
    """1, 3, 2, 2 pools 3, 2, 2 to 7/3: squares 4/9 + 1/9 + 1/9; 3, 2 alone pools to 5/2: 1/2."""
    assert turns.monotone_misfit(np.array([1.0, 3.0, 2.0, 2.0])) == pytest.approx([0, 0, 0.5, 2 / 3])
    best, last, gain = turns.find_kink(zigzag(0.0, 1.0, 0.0, pulses=4), 1)
    assert (best, last) == (3, 4)  # the reading at the turn fits either train
    # as one rising train 3/4, 1, 3/4, 1/2, 1/4, 0 are pooled at 13/24: squares of 39/16 less 6 (13/24)^2
    assert gain == pytest.approx(39 / 16 - 6 * (13 / 24) ** 2)


def frame(lengths: dict[tuple[str, int], int], rising: dict[str, bool]) -> pd.DataFrame:
    parts = []
    for (direction, cycle), n in lengths.items():
        value = np.linspace(1e-6, 9e-6, n + 1)
        parts.append(
            pd.DataFrame(
                {
                    "device_id": "a",
                    "cycle": cycle,
                    "direction": direction,
                    "pulse_index": np.arange(n + 1),
                    "conductance_s": value if rising[direction] else value[::-1],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def test_trains_stored_last_pulse_first_are_numbered_from_their_end() -> None:
    """LTD rises with its numbers 0 to N; turned round it falls, from 0 on, each train by its own length."""
    given = frame({("ltp", 1): 4, ("ltd", 1): 6, ("ltp", 2): 3, ("ltd", 2): 5}, {"ltp": True, "ltd": True})
    found, warnings = splitting.mend_train_order(given, "conductance_s")
    assert [each.code for each in warnings] == ["reversed"]
    for (direction, cycle), n in {("ltp", 1): 4, ("ltd", 1): 6, ("ltp", 2): 3, ("ltd", 2): 5}.items():
        own = found[(found["direction"] == direction) & (found["cycle"] == cycle)]
        expected = np.arange(n + 1) if direction == "ltp" else np.arange(n + 1)[::-1]
        assert own["pulse_index"].tolist() == expected.tolist()
        value = own.sort_values("pulse_index")["conductance_s"].to_numpy()
        step = 8e-6 / n
        assert np.diff(value) == pytest.approx(np.full(n, step if direction == "ltp" else -step))
    assert given["pulse_index"].max() == 6


def test_labels_that_are_all_wrong_are_swapped_and_numbers_stay() -> None:
    given = frame({("ltp", 1): 4, ("ltd", 1): 6}, {"ltp": False, "ltd": True})
    found, _ = splitting.mend_train_order(given, "conductance_s")
    assert found["direction"].tolist() == ["ltd"] * 5 + ["ltp"] * 7
    assert found["pulse_index"].tolist() == [*range(5), *range(7)]


def test_a_record_without_a_reading_before_the_first_pulse_begins_at_one() -> None:
    """Trains of 20 pulses up, down and up, each fast at first; the reading at a turn opens the next train."""
    up = 1.0 - np.exp(-np.arange(21) / 8.0)
    down = up[-1] - up
    opened = np.concatenate([up, down[1:], up[1:]])
    found = splitting.split_values(opened, "made", pulses=(20, 20))
    assert found.pulse_index[:21].tolist() == list(range(21))
    assert found.pulse_index[21:41].tolist() == list(range(1, 21))
    assert found.cycle[[0, 20, 21, 40, 41, 60]].tolist() == [1, 1, 1, 1, 2, 2]
    assert found.direction[[0, 20, 21, 40, 41, 60]].tolist() == ["ltp", "ltp", "ltd", "ltd", "ltp", "ltp"]
    bare = splitting.split_values(opened[1:], "made", pulses=(20, 20))
    assert bare.pulse_index[:20].tolist() == list(range(1, 21))
    assert bare.pulse_index[20:40].tolist() == list(range(1, 21))
