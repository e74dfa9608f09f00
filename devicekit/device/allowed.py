"""Other devices that a card allows, when the measured data are not at hand: resampled, or within its bands."""

from __future__ import annotations

import math

import numpy as np

from devicekit.core.quantities import DIRECTIONS
from devicekit.core.statistics import normal_quantile
from devicekit.device.blocks import Branch
from devicekit.device.card import DeviceCard
from devicekit.device.idealise import scaled_steps

FEWEST_RESAMPLED = 4  # measured devices from which others of their kind are drawn
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
    return [scaled_steps(card, dict(zip(DIRECTIONS, np.exp(row * errors).tolist(), strict=True))) for row in draws]


def resampled_devices(card: DeviceCard, count: int, seed: int = 0) -> list[DeviceCard]:
    """Draw the measured devices of a card with replacement: cards of as many devices of this kind.

    Parameters
    ----------
    card : DeviceCard
    count : int
    seed : int

    Returns
    -------
    list of DeviceCard
        Of `within_bands` where fewer than `FEWEST_RESAMPLED` devices were measured.
    """
    k = len(card.devices)
    if k < FEWEST_RESAMPLED:
        return within_bands(card, count, seed)
    rows = np.random.default_rng([seed, _ALLOWED]).integers(k, size=(count, k))
    return [card.model_copy(update={"devices": tuple(card.devices[each] for each in row)}) for row in rows]
