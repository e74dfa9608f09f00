"""Shapley values of made-up games and of the flaws of a device."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from snn.benchmark import Plan, benchmark
from snn.benchmark.attribution import Loss, exact, sampled, shares
from snn.benchmark.losses import Share
from snn.benchmark.measure import generic
from snn.data.dataset import Dataset


def game(worth: dict[frozenset[str], float], flaws: tuple[str, ...], seeds: int) -> tuple[Loss, list[int]]:
    """Losses of a made-up game, and how many were asked for in each go; a seed adds its number to every first flaw."""
    asked: list[int] = []

    def measured(wanted: object) -> list[float]:
        wanted = list(wanted)  # type: ignore[call-overload]
        asked.append(len(wanted))
        return [worth[frozenset(kept)] + seed * ("a" in kept) for kept, seed in wanted]

    known = {((), seed): 0.0 for seed in range(seeds)}
    known |= {(flaws, seed): worth[frozenset(flaws)] + seed * ("a" in flaws) for seed in range(seeds)}
    return Loss(measured, known), asked


def _subsets(flaws: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [tuple(f for k, f in enumerate(flaws) if code >> k & 1) for code in range(2 ** len(flaws))]


@pytest.mark.slow
def test_shapley_values_of_the_flaws_that_enter_add_up(data: Dataset) -> None:
    card = generic(scatter=0.04, ltd=3.0)
    found = benchmark(card, data, Plan(seeds=2), stuck=0.2, stuck_at="ends", device_levels=8)
    listed = found.shares[found.worst.variant]
    assert len(listed) >= 3
    assert sum(share.value for share in listed) == pytest.approx(found.worst.loss)
    others = replace(found, shares={found.worst.variant: (*listed, Share("all others together", (0.5, 0.6), ()))})
    assert (others.main, others.also) == (found.main, found.also)
    assert others.shares[found.worst.variant][-1].cells()[-1] == "–"


def test_shapley_values_of_a_game_that_is_known() -> None:
    """Gloves: a has a left one, b and c a right one each; a pair is worth 6. Values 4, 1, 1."""
    flaws = ("a", "b", "c")
    worth = {frozenset(s): 6.0 * ("a" in s and len(s) > 1) for s in ("", "a", "b", "c", "ab", "ac", "bc", "abc")}
    loss, asked = game(worth, flaws, 2)
    found = exact(loss, flaws, 2)
    assert {flaw: values.tolist() for flaw, values in found.items()} == {
        "a": pytest.approx([4.0, 5.0]),  # the seed's own number is all of a's
        "b": pytest.approx([1.0, 1.0]),
        "c": pytest.approx([1.0, 1.0]),
    }
    assert asked == [12]  # six subsets at two seeds, none twice


def test_sampled_shapley_values_add_up_and_are_unbiased() -> None:
    flaws = tuple("abcdef")
    rng = np.random.default_rng(5)
    subsets = [frozenset(s) for s in _subsets(flaws)]
    worth = {s: float(rng.random()) * len(s) for s in subsets}
    worth[frozenset()] = 0.0
    seeds = 400
    found = sampled(game(worth, flaws, seeds)[0], flaws, seeds)
    right = exact(game(worth, flaws, 1)[0], flaws, 1)
    total = sum(values for values in found.values())
    assert total == pytest.approx(worth[frozenset(flaws)] + np.arange(seeds))  # seed by seed
    for flaw in flaws:
        own = found[flaw] - (np.arange(seeds) if flaw == "a" else 0)
        assert own.mean() == pytest.approx(right[flaw][0], abs=4 * own.std(ddof=1) / seeds**0.5)
        assert own.std() > 0  # each seed has orders of its own
    additive = {s: float(sum(ord(each) - 96 for each in s)) for s in subsets}
    plain = sampled(game(additive, flaws, 2)[0], flaws, 2)
    assert [values[0] for values in plain.values()] == pytest.approx([1, 2, 3, 4, 5, 6])


def test_more_than_five_flaws_are_sampled() -> None:
    flaws = tuple("abcdef")
    additive = {frozenset(s): 10.0 * len(s) for s in _subsets(flaws)}
    loss, asked = game(additive, flaws, 3)
    found = shares(loss, flaws, 3, 1.0)
    assert len(found) == 6
    assert sum(asked) < 3 * (2**6 - 2)  # not every subset
    assert [share.value for share in found] == pytest.approx([11.0, 10, 10, 10, 10, 10])
    five = {frozenset(s): 10.0 * len([f for f in s if f != "f"]) for s in _subsets(flaws)}
    loss, asked = game(five, flaws, 3)
    listed = shares(loss, flaws, 3, 1.0)
    assert [share.flaw for share in listed][-1] == "all others together"
    assert len(listed) == 6  # f does nothing: the others are exact
    assert listed[-1].value == pytest.approx(0.0)
    assert sum(asked) == 3 * (12 + 2**5 - 2 - 5)  # alone and removed; all other subsets of five but one


def test_a_flaw_enters_from_two_null_errors_on() -> None:
    flaws = ("a", "b")
    for effect, names in ((2.01, {"a", "b"}), (1.99, {"a"})):
        worth = {frozenset(): 0.0, frozenset("a"): 9.0, frozenset("b"): effect, frozenset("ab"): 9.0}
        listed = shares(game(worth, flaws, 1)[0], flaws, 1, 1.0)
        assert {share.flaw for share in listed} - {"all others together"} == names
        assert sum(share.value for share in listed) == pytest.approx(9.0)


def test_a_flaw_that_helps_is_named_and_a_rest_of_more_than_a_point_is_shared_out() -> None:
    """By one standard error only a would enter, but without b and c the others would make 6 points."""
    flaws = ("a", "b", "c", "d")
    effects = {"a": 0.3, "b": -0.05, "c": -0.01, "d": 0.005}
    worth = {frozenset(s): sum(effects[each] for each in s) for s in _subsets(flaws)}
    for error, names in ((0.1, ["a", "b"]), (0.004, ["a", "c", "b"])):
        listed = shares(game(worth, flaws, 1)[0], flaws, 1, error)
        assert [share.flaw for share in listed] == [*names, "all others together"]
        assert sum(share.value for share in listed) == pytest.approx(0.245)
        assert {share.flaw: share.value for share in listed}["b"] == pytest.approx(-0.05)
