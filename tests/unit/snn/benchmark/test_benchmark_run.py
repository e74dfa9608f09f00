"""Whole benchmarks: losses against the ideal device, named flaws, allowed devices."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import joblib
import numpy as np
import pytest

from devicekit.core.errors import UsageError
from devicekit.device.card import DeviceCard
from snn.benchmark import Plan, VariantResult, benchmark
from snn.benchmark.changes import with_noise
from snn.benchmark.flaws import device, remove_flaws
from snn.benchmark.measure import generic
from snn.benchmark.report import benchmark_report
from snn.benchmark.task import VARIANTS, Variant, accuracy, few_shot, setting
from snn.data.dataset import Dataset
from snn.recipe import reason_for_policy
from tests.unit.snn.benchmark.made import linear


@pytest.mark.heavy
def test_an_array_differs_from_ideal_lines(data: Dataset) -> None:
    changes: dict[str, Any] = {"wire_ohm": 30.0, "adc_bits": 3}
    found = benchmark(linear(0.02, 0.02), data, Plan(seeds=2, wide=False, other_policy=False), **changes)
    assert set(found.flaws) >= {"wires", "converters"}
    assert found.severities["converters"] == 3
    assert found.worst.found
    assert found.shares[found.worst.variant][0].flaw == "wires"
    plain = found.variants[0]
    assert {share.flaw for share in found.shares[found.worst.variant]} >= {"wires", "converters"}
    # its twin is that of ideal lines, to the last digit
    ideal = benchmark(linear(0.02, 0.02), data, Plan(seeds=2, wide=False, other_policy=False))
    assert ideal.variants[0].twin == plain.twin
    page = benchmark_report([found]).to_html()
    assert "Wires (" in page


def test_an_array_that_cannot_be_is_refused_before_training(data: Dataset) -> None:
    card = linear(0.02, 0.02)
    weight = card.model_copy(update={"window": card.window.model_copy(update={"quantity": "weight"})})
    with pytest.raises(UsageError, match="conductances"):
        benchmark(weight, data, Plan(seeds=2), wire_ohm=1.0)
    with pytest.raises(UsageError, match="weights"):
        benchmark(weight, data, Plan(seeds=2), time_s=10.0, drift_nu_sd=0.1)
    with pytest.raises(UsageError, match="drift_nu"):
        benchmark(card, data, Plan(seeds=2), time_s=10.0)


def test_a_device_that_scatters_loses_to_the_ideal_device(few: Dataset) -> None:
    steps: list[tuple[int, int]] = []
    found = benchmark(
        linear(1 / 32, 1 / 32, 0.06),
        few,
        Plan(seeds=4, wide=False, other_policy=False, resampled=3),
        progress=lambda done, all_: steps.append((done, all_)),
    )
    assert found.worst.found
    assert found.main == ("scatter of updates",)
    assert found.scatter_over_step == pytest.approx(0.06 * found.steps, rel=1e-6)
    listed = found.shares[found.worst.variant]
    assert sum(share.value for share in listed) == pytest.approx(found.worst.loss)
    assert np.shape(found.allowed) == (3, 2)
    assert steps[15] == (16, 16)  # two variants, device and twin, four seeds
    assert "loses" in found.verdict
    report = found.as_dict()
    assert report["main"] == ["scatter of updates"]
    assert report["shares"][found.worst.variant][0]["shapley"] == pytest.approx(listed[0].value)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["threading", pytest.param("loky", marks=pytest.mark.slow)])
def test_an_ideal_device_shows_no_loss_and_workers_change_nothing(few: Dataset, backend: str) -> None:
    ideal = linear(0.02, 0.02)
    found = benchmark(ideal, few, Plan(seeds=2, wide=False, other_policy=False))
    assert not found.worst.found
    assert found.shares == {}
    assert all(each.device == each.twin for each in found.variants)  # the twin is the device itself
    noisy = generic(scatter=0.03)
    with joblib.parallel_config(backend):
        one, two = (
            benchmark(noisy, few, Plan(seeds=2, attribution=False, wide=False, other_policy=False), jobs=jobs)
            for jobs in (1, 2)
        )
    assert one == two
    with pytest.raises(UsageError, match="seeds"):
        benchmark(ideal, few, Plan(seeds=0))


@pytest.mark.slow
def test_device_and_ideal_device_use_one_policy(few: Dataset) -> None:
    """The twin of a device with few states would be verified by itself, the device not."""
    card = with_noise(generic(), "read", 1e-4)
    assert reason_for_policy(setting("plain", 0), card)[0] == "verify"
    found = benchmark(card, few, Plan(seeds=1, attribution=False, wide=False), device_levels=8)
    config = setting("plain", 0, device_levels=8)
    case = remove_flaws(card, config, found.flaws)
    twin = accuracy(case.card, replace(config, policy="carry", **case.changes), few)
    assert found.policy is not None
    assert (found.policy.policy, found.policy.twin) == ("carry", (twin,))
    stated = benchmark(card, few, Plan(seeds=1, attribution=False, wide=False), policy="carry")
    assert (stated.policy, stated.reason) == (None, "")  # it was given: there is no other
    assert stated.variants[0].device[0] == accuracy(card, setting("plain", 0, policy="carry"), few)
    auto = benchmark(card, few, Plan(seeds=1, attribution=False, wide=False), policy="auto")
    assert auto.variants[0].device[0] == accuracy(card, setting("plain", 0, policy="verify"), few)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "names"),
    [
        (device("scatter of updates", 10), {"scatter of updates"}),
        (device("device-to-device variation", 1.5), {"device-to-device variation"}),
        (device("stuck devices", 0.2), {"stuck devices"}),
        (device("states", 20), {"states"}),
        ((generic(scatter=0.03, ltd=3.0), {}), {"scatter of updates", "asymmetry"}),
    ],
)
def test_known_flaws_are_named(data: Dataset, case: tuple[DeviceCard, dict[str, Any]], names: set[str]) -> None:
    card, changes = case
    found = benchmark(card, data, Plan(seeds=8, wide=False, other_policy=False), **changes)
    listed = {*found.main, *found.also}
    # the generic device that carries them is bent (NL 1) and scatters by a step, which is told where it costs too
    assert names <= listed <= names | {"nonlinearity", "scatter of updates"}
    assert set(found.main) <= names
    assert found.worst.loss > 3 * found.worst.standard_error


@pytest.mark.heavy
def test_losses_are_found_and_none_is_made_up(data: Dataset) -> None:
    """Shares of benchmarks of fresh seeds with a loss: a device against itself, and one that loses little."""
    rng = np.random.default_rng(2)

    def share(one: DeviceCard, other: DeviceCard, draw: int) -> float:
        reached = {
            variant: [
                np.array([accuracy(card, setting(variant, seed, draw=drawn), data) for seed in range(100_000, 100_400)])
                for card, drawn in ((one, 0), (other, draw))
            ]
            for variant in VARIANTS
        }

        def is_found(variant: Variant) -> bool:
            device, twin = (tuple(rng.choice(each, n)) for each, n in zip(reached[variant], (30, 8), strict=True))
            return VariantResult(variant=variant, device=device, twin=twin, null_sd=0.0).found

        return float(np.mean([any(map(is_found, VARIANTS)) for _ in range(3000)]))

    assert share(generic(), generic(), 1) <= 0.06
    assert share(generic(scatter=0.0135, nl=1e-3), generic(scatter=0.0, nl=1e-3), 0) >= 0.85


def test_the_uncertainty_of_the_fit_from_other_allowed_devices(few: Dataset) -> None:
    card = generic(scatter=0.03)
    found = benchmark(
        card,
        few,
        Plan(seeds=2, attribution=False, wide=False, other_policy=False),
        allowed=[card, generic(scatter=0.10)],
    )
    own, worse = np.mean(found.allowed, axis=1)
    assert own == pytest.approx(found.worst.loss)  # the card itself
    assert worse > own + 0.2
    assert "Measure more" in found.fit_uncertainty
    same = replace(found, allowed=((0.02, 0.03), (0.021, 0.029), (0.02, 0.031)))
    assert same.left_open_sd < 0.001
    assert "Measure more" not in same.fit_uncertainty
    # means 1, 3, 5 points; residuals of 0: all of it is the devices'
    apart = replace(found, allowed=((0.0, 0.02), (0.02, 0.04), (0.04, 0.06)))
    assert apart.left_open_sd == pytest.approx(0.02)
    assert "differ by 2.0 points" in apart.fit_uncertainty
    # means that differ by what seeds differ by: residuals of +-1, +-1, so a mean of two varies by 1 / sqrt(2) anyway
    chance = replace(found, allowed=((0.01, -0.01), (-0.01, 0.01)))
    assert chance.left_open_sd == 0
    assert "more than chance" in chance.fit_uncertainty
    assert replace(found, allowed=()).fit_uncertainty == ""
    assert (found.wide, found.by_bands) == (None, False)


@pytest.mark.parametrize(("seeds", "ideal"), [(1, 1), (7, 7), (8, 8), (30, 8), (33, 9)])
def test_the_ideal_device_is_trained_less_often(seeds: int, ideal: int) -> None:
    assert Plan(seeds=seeds).ideal == ideal


def test_other_data_need_two_seeds_and_keep_their_name(card, tmp_path, monkeypatch):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(0)
    y = np.arange(1200) % 3
    monkeypatch.chdir(tmp_path)
    np.savez("blobs.npz", x=rng.normal(size=(1200, 5)) + 3 * np.eye(5)[y], y=y)
    data = few_shot("blobs.npz")
    assert data.name == "blobs.npz, few-shot"
    with pytest.raises(UsageError, match=r"blobs\.npz.*seeds=1"):
        benchmark(card, data, Plan(seeds=1))
    np.savez("few.npz", x=rng.normal(size=(300, 5)), y=y[:300])
    with pytest.raises(UsageError, match="more than 500"):
        few_shot("few.npz")
