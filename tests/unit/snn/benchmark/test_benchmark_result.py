"""Sentences of a benchmark: leads, causes, another policy."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from snn.benchmark import Benchmark, VariantResult
from snn.benchmark.flaws import device, own_severity
from snn.benchmark.losses import Share
from snn.benchmark.measure import generic
from snn.benchmark.risks import RISKS, risks
from snn.benchmark.task import setting


def test_fluctuating_states_beyond_their_critical_severity_are_named() -> None:
    card, changes = device("fluctuation of states", 0.08)
    assert changes == {}
    severity = own_severity("fluctuation of states", card, setting("plain", 0))
    assert severity == pytest.approx(0.08)
    worst = VariantResult(variant="plain", device=(0.6,) * 3, twin=(0.9,) * 3, null_sd=0.006)
    found = Benchmark(
        name="d",
        split="s",
        seeds=3,
        variants=(worst,),
        flaws=("fluctuation of states",),
        severities={"fluctuation of states": 0.08},
    )
    assert found.distances[0].ratio < 1
    assert "is 3.2 times" in found.verdict
    assert own_severity("fluctuation of states", generic(), setting("plain", 0)) is None


def test_a_lead_is_shared_within_two_paired_errors() -> None:
    worst = VariantResult(variant="plain", device=(0.8,) * 4, twin=(0.9,) * 4, null_sd=0.006)
    first = Share("states", (0.05, 0.06, 0.05, 0.06), (0.04,) * 4)
    near = Share("asymmetry", (0.06, 0.04, 0.06, 0.04), (0.03,) * 4)
    far = Share("read noise", (0.01, 0.01, 0.02, 0.01), (0.01,) * 4)
    whole = Benchmark(
        name="d", split="s", seeds=4, variants=(worst,), flaws=("states",), shares={"plain": (first, near, far)}
    )
    assert whole.main == ("states", "asymmetry")
    assert "states (5.5 points) and asymmetry (5.0 points)" in whole.verdict
    assert "read noise (1.2 points)" in whole.verdict
    assert replace(whole, shares={"plain": (first, far)}).main == ("states",)
    half = Share("read noise", (0.03, 0.025, 0.03, 0.026), (0.01,) * 4)  # .02775 of .055
    also = replace(whole, shares={"plain": (first, half)})
    assert (also.main, also.also, also.helps) == (("states",), ("read noise",), ())
    offset = replace(whole, shares={"plain": (first, half, replace(half, flaw="drift", shapley=(-0.02, -0.03) * 2))})
    assert offset.helps == ("drift",)
    words = re.findall(r"\(?(-?\d+\.\d)(?: points\)|\.$)", offset.cause)
    assert [float(each) for each in words] == [5.5, 2.8, -2.5, 4.2]
    assert sum(map(float, words)) == pytest.approx(100 * worst.loss, abs=0.2)  # the rest is named
    assert "read noise (2.8 points)" in also.verdict
    small = replace(half, shapley=(0.004, 0.005, 0.004, 0.005))  # a tenth of the first, and beyond chance
    assert replace(also, shares={"plain": (first, small)}).also == ("read noise",)
    assert replace(also, shares={"plain": (first, replace(half, shapley=(0.004, -0.003, 0.004, -0.001)))}).also == ()
    assert replace(also, shares={"plain": (first, replace(half, shapley=(0.06, 0.0, 0.06, 0.0)))}).main == (
        "states",
        "read noise",
    )
    quiet = replace(whole, variants=(replace(worst, twin=worst.device),))
    assert quiet.main == ()
    assert quiet.good_enough
    fine = replace(whole, shares={"plain": (Share("step size", (0.05, 0.06, 0.05, 0.06), (0.04,) * 4),)})
    assert "small, 1000 per" in replace(fine, steps=1000.0).verdict
    assert "large, 8 per" in replace(fine, steps=8.0).verdict


def test_the_gain_of_another_policy() -> None:
    plain = VariantResult(variant="plain", device=(0.90,) * 5, twin=(0.92,) * 5, null_sd=0.0056)
    gains = (0.012, 0.018, 0.015, 0.016, 0.014)
    policy = VariantResult(
        variant="policy", device=tuple(0.90 + each for each in gains), twin=(0.93,) * 5, null_sd=0.005
    )
    found = Benchmark(name="d", split="s", seeds=5, variants=(plain,), flaws=(), policy=policy, reason="because")
    assert "gains 1.5 ± 0.3 points" in found.policy_effect
    assert "loses 1.5 ± 0.6 points" in found.policy_effect  # against the ideal device trained that way
    wild = replace(policy, device=tuple(0.90 + each for each in (0.05, -0.02, 0.06, -0.03, 0.03)))
    assert "1.8 ± 5.1 points" in replace(found, policy=wild).policy_effect
    worse = replace(policy, device=tuple(0.90 - each for each in gains))
    assert "another 1.5 ± 0.3 points" in replace(found, policy=worse).policy_effect
    assert replace(found, policy=None).policy_effect == ""


def test_a_device_is_good_enough_where_both_networks_lose_less_than_two_points() -> None:
    """Accuracies of 4 trainings each that scatter by 0.5 points: intervals of +- 0.69 points."""

    def found(plain: float, scaled: float) -> Benchmark:
        variants = tuple(
            VariantResult(variant=name, device=(0.9 - loss,) * 4, twin=(0.9,) * 4, null_sd=0.005)
            for name, loss in (("plain", plain), ("scaled", scaled))
        )
        return Benchmark(name="d", split="s", seeds=4, variants=variants, flaws=())

    assert found(0.0, 0.01).good_enough is True
    assert found(0.0, 0.03).good_enough is False
    assert found(0.0, 0.018).good_enough is None
    assert found(0.03, 0.018).good_enough is False  # one network is enough
    assert found(0.01, 0.0).deciding.variant == "plain"
    assert found(0.05, 0.03).deciding.variant == "plain"
    assert found(0.0, 0.018).deciding.variant == "scaled"
    assert "49 trainings" in found(0.0, 0.018).advice  # 4 * 2 (1.96 * 0.25 / 0.2)^2 = 48.02
    assert "About 382 trainings" in found(0.0, 0.01929).advice  # 4 * 2 (1.96 * 0.25 / 0.071)^2 = 381.04
    assert "even 400 trainings" in found(0.0, 0.01931).advice
    variants = tuple(replace(each, open_sd=0.0011) for each in found(0.0, 0.018).variants)
    assert "devices or cycles" in replace(found(0.0, 0.018), variants=variants).advice  # 0.2 / 1.96 = 0.102


def test_the_risks_of_a_device_by_their_margin() -> None:
    worst = VariantResult(variant="plain", device=(0.89,) * 4, twin=(0.9,) * 4, null_sd=0.005)
    severities = {"asymmetry": 1.9, "read noise": 0.05, "nonlinearity": 2.0}
    flaws = tuple(severities)
    made = Benchmark(
        name="d",
        split="s",
        seeds=4,
        variants=(worst,),
        flaws=flaws,
        severities=severities,
        unknown=("drift", "dead devices"),
    )
    rows = risks(made)
    assert [row[0].split(" (")[0] for row in rows] == [
        *("read noise", "asymmetry", "nonlinearity"),
        *("stuck devices", "drift"),
    ]
    assert [row[1] for row in rows] == ["5 %", "1.9-fold", "2", "unknown", "unknown"]
    assert [row[3] for row in rows] == ["exceeded 1.4 times", "1.7 times", "–", "–", "–"]
    assert rows[2][2] == "not up to 6"
    assert all(len(row) == len(RISKS) for row in rows)
