"""The state about which weights are held moves little when a card moves little."""

from __future__ import annotations

import math

import numpy as np
import pytest

from devicekit.device.allowed import FEWEST_RESAMPLED, ln_rate_error, resampled_devices, within_bands
from devicekit.device.blocks import DeviceRow
from devicekit.device.symmetry import symmetric_point
from devicekit.synthetic.pulses import truth_card
from snn.benchmark.measure import generic


def soft_bounds(up: float, kappa_up: float, down: float, kappa_down: float):  # type: ignore[no-untyped-def]
    theta = {"ltp": (math.log(up), kappa_up), "ltd": (math.log(down), kappa_down)}
    return truth_card(theta, model="softbounds", increment=0.002, read=0.0)


def test_the_symmetric_point_is_the_crossing_or_the_middle() -> None:
    assert symmetric_point(generic(nl=3.0)) == pytest.approx(0.5, abs=1e-9)
    crossing = generic(nl=3.0, ltd=1.5)
    r = np.linspace(0.1, 0.9, 8001)
    apart = np.abs(np.log(crossing.rate("ltp", r) / -crossing.rate("ltd", r)))
    assert symmetric_point(crossing) == pytest.approx(r[np.argmin(apart)], abs=0.02)
    assert symmetric_point(soft_bounds(0.01, 0.0, 0.05, 0.0)) == pytest.approx(0.5, abs=1e-9)


def test_small_changes_of_an_asymmetric_card_make_small_changes_of_it() -> None:
    """Half a per cent of a rate moved the best of a grid from one end of the window to the other."""
    points = [symmetric_point(soft_bounds(0.01, kappa, 0.05, 0.0)) for kappa in np.linspace(-0.1, 0.1, 41)]
    assert np.abs(np.diff(points)).max() < 0.02  # for .005 of kappa


def test_devices_within_the_bands_scatter_as_the_bands_are_wide() -> None:
    card, r = generic(), np.linspace(0.0, 1.0, 11)

    def banded(direction: str):  # type: ignore[no-untyped-def]
        rate = np.abs(card.rate(direction, r))
        ends = {"r": tuple(r), "rate": tuple(rate), "lower": tuple(0.9 * rate), "upper": tuple(1.1 * rate)}
        branch = card.branch(direction)
        return branch.model_copy(update={"rate_curve": branch.rate_curve.model_copy(update={**ends, "level": 0.95})})

    card = card.model_copy(update={name: banded(name) for name in ("ltp", "ltd")})
    rate = np.array(card.ltp.rate_curve.rate)
    expected = 0.1 / 1.959963984540054 * math.sqrt(np.mean(rate**2)) / rate.mean()
    assert ln_rate_error(card.ltp) == pytest.approx(expected, rel=1e-6)
    drawn = np.array([[each.ltp.theta[0], each.ltd.theta[0]] for each in within_bands(card, 8)])
    assert drawn.std(axis=0, ddof=1) == pytest.approx([expected, expected], rel=1e-9)
    assert drawn.mean(axis=0) == pytest.approx([card.ltp.theta[0], card.ltd.theta[0]])
    assert within_bands(card, 8)[3].ltp.largest_step != card.ltp.largest_step


def test_measured_devices_are_drawn_with_replacement() -> None:
    card = generic()
    thetas, steps = {"ltp_theta": (-4.6,), "ltd_theta": (-4.6,)}, {"ltp_largest_step": 0.1, "ltd_largest_step": 0.1}
    row = DeviceRow(device_id="0", **thetas, **steps)  # type: ignore[arg-type]
    rows = tuple(row.model_copy(update={"device_id": str(k)}) for k in range(FEWEST_RESAMPLED))
    drawn = resampled_devices(card.model_copy(update={"devices": rows}), 200)
    names = np.array([[int(each.device_id) for each in one.devices] for one in drawn])
    assert np.bincount(names.ravel()) == pytest.approx(np.full(4, 200), abs=4 * math.sqrt(200 * 0.75))
    assert any(len(set(each)) < FEWEST_RESAMPLED for each in names.tolist())
    fewer = card.model_copy(update={"devices": rows[:-1]})
    assert resampled_devices(fewer, 3, 5) == within_bands(fewer, 3, 5)
