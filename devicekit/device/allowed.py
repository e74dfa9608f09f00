"""Devices allowed by a card's own bands: the uncertainty of its fit when the measured data are not at hand."""

from __future__ import annotations

import math

import numpy as np

from devicekit.core.statistics import normal_quantile
from devicekit.device.blocks import Branch
from devicekit.device.card import DeviceCard

_ALLOWED = 41  # purpose of the random stream


def ln_rate_error(branch: Branch) -> float:
    """Return the standard deviation of ln rate by the band, rms over the states that the trains went through."""
    curve, (low, high) = branch.rate_curve, branch.measured_range
    r, rate = np.array(curve.r), np.abs(np.array(curve.rate))
    width = np.abs(np.array(curve.upper) - np.array(curve.lower)) / (2.0 * normal_quantile(0.5 + curve.level / 2.0))
    seen = (r >= low) & (r <= high) & (rate > 0)
    if not seen.any():
        return 0.0
    # relative to the mean rate, because a ratio means little where a device hardly moves
    return float(math.sqrt(np.mean(width[seen] ** 2)) / rate[seen].mean())


def within_bands(card: DeviceCard, count: int, seed: int = 0) -> list[DeviceCard]:
    """Draw cards whose LTP and LTD rates are each faster or slower by as much as their bands allow.

    Parameters
    ----------
    card : DeviceCard
        A fitted device.
    count : int
    seed : int

    Returns
    -------
    list of DeviceCard
        Each rate is scaled as a whole, since networks depend most on its level, and bands mostly concern it. The means
        and variances of the factors' logarithms are those of the normal distribution for any count of two or more.
    """
    rng = np.random.default_rng([seed, _ALLOWED])
    draws = rng.standard_normal((count, 2))
    if count > 1:
        draws = (draws - draws.mean(axis=0)) / draws.std(axis=0, ddof=1)
    errors = (ln_rate_error(card.ltp), ln_rate_error(card.ltd))
    return [_faster(card, *np.exp(row * errors).tolist()) for row in draws]


def _faster(card: DeviceCard, up: float, down: float) -> DeviceCard:
    """Return the card with LTP and LTD steps multiplied by these factors."""

    def theta(values: tuple[float, ...], factor: float) -> tuple[float, ...]:
        return (values[0] + math.log(factor), *values[1:])

    rows = tuple(
        row.model_copy(
            update={
                "ltp_theta": theta(row.ltp_theta, up),
                "ltd_theta": theta(row.ltd_theta, down),
                "ltp_largest_step": row.ltp_largest_step * up,
                "ltd_largest_step": row.ltd_largest_step * down,
            }
        )
        for row in card.devices
    )
    branches = {
        name: branch.model_copy(
            update={"theta": theta(branch.theta, factor), "largest_step": branch.largest_step * factor}
        )
        for name, branch, factor in (("ltp", card.ltp, up), ("ltd", card.ltd, down))
    }
    return card.model_copy(update={"devices": rows, **branches})
