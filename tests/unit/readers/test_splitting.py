"""Turns of concatenated trains: exact, or asked; the traces come from benchmarks/splitting_table.py."""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from devicekit import read
from devicekit.core.errors import QuestionError, TableError, UsageError
from devicekit.readers.kink import estimate_noise
from devicekit.readers.splitting import split_values
from devicekit.readers.turns import find_extremes, find_kink, monotone_misfit


def load_made() -> ModuleType:
    """The generator of traces, which shares no code with the package."""
    path = Path(__file__).parents[3] / "benchmarks" / "splitting_table.py"
    spec = importlib.util.spec_from_file_location("splitting_table", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


made = load_made()
# With noise of 3 % these are refused more often than not: no two trains of one period tell where the other turn is.
FAINT = {"10 trains 50 + 30, one 50"}


def turns(values: np.ndarray, pulses: tuple[int, ...] | None = None) -> list[int]:
    return made.turns_of(split_values(values, "x", pulses)).tolist()


def question(values: np.ndarray) -> QuestionError:
    with pytest.raises(QuestionError) as caught:
        split_values(values, "x")
    return caught.value


@pytest.mark.parametrize("noise", made.NOISES)
@pytest.mark.parametrize("name", made.EQUAL)
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_trains_of_equal_lengths_are_split_exactly(name: str, noise: float, seed: int) -> None:
    found = made.outcome(made.EQUAL[name](noise, seed))
    assert found == "exact (equal lengths)" or (found == "refused" and noise == 3 and name in FAINT)


@pytest.mark.parametrize(
    ("start", "many", "most"),
    [(0, 10, 2), *(pytest.param(start, 40, 8, marks=pytest.mark.slow) for start in (0, 40, 80))],
)
def test_any_trains_of_equal_lengths_are_split_exactly_or_asked(start: int, many: int, most: int) -> None:
    """Lengths, speed, noise, drift, first direction and opening reading drawn at random."""
    found = []
    for seed in range(start, start + many):
        rng = np.random.default_rng(10000 + seed)
        up = int(rng.integers(12, 100))
        down = up if rng.random() < 0.5 else int(rng.integers(12, 100))
        lengths = [up if number % 2 == 0 else down for number in range(int(rng.integers(3, 12)))]
        rate = min(np.exp(rng.uniform(np.log(1.5), np.log(8))) / min(up, down), 0.6)
        noise = np.exp(rng.uniform(np.log(0.1), np.log(4)))
        drift, opening, rising = 0.1 * rng.integers(0, 2), rng.random() < 0.7, rng.random() < 0.6
        one = made.trace(lengths, noise, seed, rate=rate, drift=drift, opening=opening, rising=rising)
        found.append(made.outcome(one))
    assert not [word for word in found if word.startswith("off")]
    assert found.count("refused") <= most


@pytest.mark.slow
@pytest.mark.parametrize("noise", made.NOISES)
@pytest.mark.parametrize("name", [*made.EQUAL, *made.LONG])
def test_the_table_of_equal_lengths(name: str, noise: float) -> None:
    found = made.cell(name, noise, 12)
    assert not [word for word in found if word.startswith("off") or "single" in word]
    assert found.get("refused", 0) <= (0 if noise < 1 else 1 if noise < 3 else 12 if name in FAINT else 2)


@pytest.mark.slow
def test_a_long_record_takes_seconds() -> None:
    one = made.CELLS["500x(100+100)"](1.0, 0)
    begin = time.process_time()
    assert made.outcome(one) == "exact (equal lengths)"
    assert time.process_time() - begin < 60


@pytest.mark.slow
@pytest.mark.parametrize("name", ["S-shaped 6x60", "S-shaped down only 6x60", "fatigue 4x60", "ragged"])
def test_the_table_of_traps(name: str) -> None:
    for noise in made.NOISES:
        off = [word for word in made.cell(name, noise, 12) if word.startswith("off")]
        assert not off or (name == "ragged" and noise >= 1 and off == ["off by 1 (single turns)"])


def test_trains_of_different_lengths_are_split_turn_by_turn() -> None:
    for noise, allowed in ((0.1, 0), (0.4, 0), (1.0, 1)):
        for seed in range(3):
            one = made.ragged(noise, seed)
            split = split_values(one.values, "x")
            assert split.how == "single turns"
            assert np.abs(made.turns_of(split) - one.turns).max() <= allowed
    assert "standard deviation" in split.warnings[0].message
    assert made.outcome(made.ragged(3.0, 0)) == "refused"


def test_two_trains_never_count_as_equal() -> None:
    """Two trains fit any lengths N and N, with or without a reading before them."""
    for noise in made.NOISES:
        assert "equal" not in made.outcome(made.CELLS["1x60"](noise, 0))
    assert made.outcome(made.CELLS["1x60"](0.4, 0)) == "exact (single turns)"


def test_a_shrinking_window_is_asked_or_right() -> None:
    for shrink in (0.33, 0.2, 0.03):
        for noise in (0.1, 1.0, 3.0):
            found = made.outcome(made.trace([60] * 8, noise, 1, shrink=shrink))
            assert found in ("refused", "exact (equal lengths)")
    one = made.trace([60] * 8, 0.4, 1, shrink=0.1)
    assert "smaller moves" in str(question(one.values))
    assert turns(one.values, (60,)) == one.turns.tolist()


def test_a_lost_reading_is_not_hidden_by_the_first_one() -> None:
    for seed in range(3):
        assert made.outcome(made.lost_reading(0.4, seed)) == "exact (single turns)"
        assert not made.outcome(made.lost_reading(1.0, seed)).endswith("(equal lengths)")


def test_a_record_that_ends_early_keeps_its_last_turn() -> None:
    assert made.outcome(made.early_end(0.4, 0)) == "exact (single turns)"
    for left in (3, 6, 10):  # pulses of the last train, less than a third of the range
        one = made.trace([60] * 8, 0.4, 0)
        found = made.outcome(made.Trace(one.values[: one.turns[-1] + 1 + left], one.turns))
        assert found in ("refused", "exact (single turns)", "exact (equal lengths)")


@pytest.mark.parametrize("name", ["S-shaped 6x60", "S-shaped down only 6x60"])
def test_trains_that_start_slowly_are_asked(name: str) -> None:
    for noise in made.NOISES:
        assert made.outcome(made.CELLS[name](noise, 0)) == "refused"


def test_conductances_over_decades_are_split_as_logarithms() -> None:
    """In siemens these trains start slowly upwards; their noise is a share of the reading."""
    for noise in (0.1, 1.0):
        one = made.trace([60] * 8, noise, 0)
        assert turns(1e-6 * 1000**one.values) == one.turns.tolist()
    low = made.trace([60] * 8, 1.0, 0)  # white noise down to a small conductance: no logarithms
    assert turns(low.values + 0.03 - min(low.values.min(), 0)) == low.turns.tolist()


def test_a_missing_reading_keeps_its_place() -> None:
    one = made.trace([60] * 8, 0.4, 0)
    values = one.values.copy()
    values[np.random.default_rng(0).integers(1, values.size, 15)] = np.nan
    values[one.turns[:3]] = np.nan
    values[100] = np.inf
    split = split_values(values, "x")
    assert made.turns_of(split).tolist() == one.turns.tolist()
    assert split.pulse_index[one.turns].tolist() == [60] * 7
    values[one.turns[3] - 10 : one.turns[3] + 11] = np.nan
    assert turns(values) == one.turns.tolist()


def test_few_digits_are_taken_for_noise() -> None:
    for digit in (0.004, 0.02, 0.05):
        one = made.trace([60] * 8, 0.1, 0)
        assert turns(np.round(one.values / digit) * digit) == one.turns.tolist()


def test_a_reading_before_the_first_pulse_is_number_0() -> None:
    with_one = split_values(made.CELLS["4x60"](0.4, 0).values, "x")
    without = split_values(made.CELLS["no opening reading 4x60"](0.4, 0).values, "x")
    for split, first in ((with_one, 0), (without, 1)):
        assert split.how == "equal lengths"
        ends = np.r_[made.turns_of(split), split.direction.size - 1]
        assert split.pulse_index[0] == first
        assert split.pulse_index[ends].tolist() == [60] * 8
        assert split.direction[ends].tolist() == ["ltp", "ltd"] * 4
        assert split.cycle[ends].tolist() == [1, 1, 2, 2, 3, 3, 4, 4]
    assert "every cycle has 60 + 60 pulses" in with_one.warnings[0].message


@pytest.mark.parametrize("rising", [True, False])
def test_one_train_is_left_alone(rising: bool) -> None:
    for length, rate in ((5, 0.3), (60, 0.05), (60, 0.3), (400, 0.01)):
        for noise in (0.0, 0.4, 1.0):
            split = split_values(made.trace([length], noise, 2, rate=rate, rising=rising).values, "x")
            assert split.how == "one train"
            assert set(split.direction) == {"ltp" if rising else "ltd"}
            assert split.pulse_index.tolist() == list(range(length + 1))
            assert split.warnings[0].code == "split"
    assert split_values(np.array([np.nan, 2.0]), "x").how == "one train"
    assert split_values(np.full(30, 1e-6), "x").how == "one train"


def test_short_trains_without_noise_are_split() -> None:
    for lengths in ([3, 3], [3] * 4, [5, 5, 5], [5] * 8, [10, 7, 12]):
        one = made.trace(lengths, 0.0, 0, rate=0.3, law=made.straight)
        assert turns(one.values) == one.turns.tolist()


def test_readings_without_trains_are_asked() -> None:
    rng = np.random.default_rng(0)
    spike = made.trace([60] * 8, 0.4, 0).values.copy()
    spike[30] = 9.0
    for values in (rng.standard_normal(3000), spike):
        question(values)
    for values in (np.arange(200) % 2.0, 10.0 ** (np.arange(40) % 2) * (1 + 0.1 * rng.random(40))):
        with pytest.raises(TableError, match="endurance"):
            split_values(values, "x")
    three = np.arange(60) % 3.0  # not in turn
    question(three)


def test_the_question_has_lengths_that_close_the_record() -> None:
    one = made.CELLS["10 trains 50 + 30, one 50"](3.0, 1)
    asked = question(one.values).question
    assert asked is not None
    assert asked.fields == ("pulses",)
    assert "pulses=(50, 30)" in [choice.typed_options for choice in asked.choices]
    assert [choice.typed_options for choice in asked.choices[-2:]] == ["pulses=(N, M)", "pulses=(370)"]
    assert any("9 trains" in seen for seen in asked.evidence)
    assert any("noise of" in seen for seen in asked.evidence)
    found = question(1.0 - one.values).question
    assert found is not None
    assert "pulses=(30, 50)" in [choice.typed_options for choice in found.choices]


@pytest.mark.parametrize(
    ("name", "pulses"),
    [
        ("4x60", (60,)),
        ("4x60, falling first", (60,)),
        ("10x(50+30)", (50, 30)),
        ("saturated 6x60", (60, 60)),
        ("linear 6x40", (40,)),
        ("step noise 4x60", (60,)),
        ("no opening reading 4x60", (60,)),
        ("1x60", (60,)),
        ("S-shaped 6x60", (60,)),
    ],
)
def test_right_lengths_are_accepted(name: str, pulses: tuple[int, ...]) -> None:
    for noise in (0.1, 3.0):
        one = made.CELLS[name](noise, 0)
        split = split_values(one.values, "x", pulses)
        assert split.how == "stated"
        assert "as stated" in split.warnings[0].message
        assert made.turns_of(split).tolist() == one.turns.tolist()
    assert split.pulse_index[0] == (1 if "no opening" in name else 0)


@pytest.mark.parametrize(
    ("name", "pulses", "noises"),
    [
        ("10x(50+30)", (30, 50), (0.1, 1.0, 3.0)),
        ("4x60", (30,), (0.1, 1.0, 3.0)),
        ("4x60", (55, 65), (0.1, 1.0, 3.0)),
        ("4x60", (61, 59), (0.1, 1.0)),
        ("saturated 6x60", (61, 59), (0.1, 1.0)),
        ("S-shaped 6x60", (50, 70), (0.1,)),
        ("4x60", (7,), (1.0,)),
        ("ragged", (60,), (0.4,)),
        ("lost reading", (60,), (0.4, 1.0)),
    ],
)
def test_wrong_lengths_are_reported_or_do_not_add_up(
    name: str, pulses: tuple[int, ...], noises: tuple[float, ...]
) -> None:
    for noise in noises:
        for seed in range(2):
            values = made.CELLS[name](noise, seed).values
            try:
                found = split_values(values, "x", pulses)
            except QuestionError:
                pytest.fail("what is stated is not asked about")
            except UsageError:  # the lengths do not add up
                continue
            assert [each.code for each in found.warnings] == ["split", "against_turns"]


def test_lengths_against_the_turns_are_accepted_by_who_measured(tmp_path: Path) -> None:
    """Saturated trains of 100 pulses: the readings seem to turn after 60. The words are accepted, not refused."""
    rise = 1 - np.exp(-np.arange(1, 101) / 6)
    values = np.r_[0, rise, 1 - rise, rise, 1 - rise] + 0.5
    values[61:101] -= np.linspace(0, 0.2, 40)  # relaxes while it is pulsed on
    values[261:301] -= np.linspace(0, 0.2, 40)
    path = tmp_path / "saturated.csv"
    path.write_text("G (uS)\n" + "\n".join(map(str, values)))
    with pytest.raises(QuestionError, match="although") as asked:
        read(path, kind="pulse", pulses=(100, 100))
    assert asked.value.question.choices[0].options == {"accept": True}
    table = read(path, kind="pulse", pulses=(100, 100), accept=True)
    assert table.frame.groupby(["direction", "cycle"], sort=False).size().tolist() == [101, 100, 100, 100]
    assert {"against_turns", "accepted"} <= {each.code for each in table.warnings}


def test_every_train_can_have_its_length() -> None:
    readings = [0.0]
    for number, pulses in enumerate((12, 7, 9, 20)):
        readings += [readings[-1] + ((number + 1) % 2 - readings[-1]) * (1 - 0.8**k) for k in range(1, pulses + 1)]
    values = np.array(readings)
    split = split_values(values, "x", (12, 7, 9, 20))
    assert made.turns_of(split).tolist() == [12, 19, 28]
    assert [each.code for each in split.warnings] == ["split"]
    assert split.direction[1] == "ltp"
    for wrong in ((12, 9, 7, 20), (7, 12, 9, 20)):
        assert [each.code for each in split_values(values, "x", wrong).warnings] == ["split", "against_turns"]
    with pytest.raises(UsageError, match=r" 50 .* 49 "):
        split_values(values, "x", (12, 7, 9, 22))
    one = split_values(values[:13], "x", (12,))
    assert (set(one.direction), one.pulse_index.tolist()) == ({"ltp"}, list(range(13)))


def test_stated_lengths_decide_a_count_hidden_by_noise() -> None:
    """Noise of a tenth of the window feigns turns."""
    one = made.trace([500] * 4, 10.0, 0, rate=0.01)
    question(one.values)
    assert turns(one.values, (500,)) == one.turns.tolist()
    assert split_values(one.values, "x", (250,)).warnings[1].code == "against_turns"


def test_stated_lengths_split_trains_too_short_for_a_kink() -> None:
    values = np.array([0.0, 0.5, 1.0, 0.5, 0.0, 0.5, 1.0])
    question(values)
    assert turns(values, (2,)) == [2, 4]
    assert split_values(np.array([0.0, 0.3, 0.6]), "x", (2,)).how == "one train"


@pytest.mark.parametrize("pulses", [(), (0,), (5, -1), (1, 0, 3)])
def test_one_or_two_lengths_can_be_stated(pulses: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="pulses="):
        split_values(np.arange(10.0), "x", pulses)


def test_without_a_number_there_is_nothing_to_split() -> None:
    with pytest.raises(TableError, match="no number"):
        split_values(np.full(3, np.nan), "x")


def test_noise_is_separated_from_the_curvature_of_a_train() -> None:
    for name, steps in (("4x60", False), ("saturated 6x60", False), ("step noise 4x60", True)):
        found = [estimate_noise(one.values, one.turns) for one in (made.CELLS[name](1.0, seed) for seed in range(8))]
        assert (np.median([each.ratio for each in found]) > 0.2) == steps
        assert np.median([each.variance for each in found]) == pytest.approx(1e-4, rel=0.25)


def test_monotone_misfit_is_that_of_scikit_learn() -> None:
    from sklearn.isotonic import IsotonicRegression

    values = np.random.default_rng(0).standard_normal(40)
    found = monotone_misfit(values)
    for stop in (1, 2, 7, 40):
        fitted = IsotonicRegression().fit_transform(np.arange(stop), values[:stop])
        assert found[stop - 1] == pytest.approx(((values[:stop] - fitted) ** 2).sum(), abs=1e-12)


def test_a_flat_end_belongs_to_the_next_train() -> None:
    """All places on a flat part fit equally well: `best` is the first of them, `last` the last."""
    values = np.array([0.0, 0.5, 1.0, 1.0, 1.0, 1.0, 0.4, 0.1])
    best, last, gain = find_kink(values, 1, 1e-9)
    assert 1 <= best <= 5
    assert last == 5
    assert gain > 0.5
    assert find_extremes([0.0, 1.0, 0.5, 0.2, 0.9], 0.3) == ([1, 3], True)
