"""Variation that a card provides for devices drawn from it: noise of updates and readings, windows of devices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.device.blocks import FEWEST_WINDOWS
from devicekit.device.card import DeviceCard
from devicekit.system.algebra import covariance_of, draw_normal

C2cMode = Literal["increment", "paper", "none"]
D2dMode = Literal["resample", "shared", "none"]


@dataclass(frozen=True)
class AppliedVariation:
    """Parts of a card's variation that the devices of a `DeviceArray` have.

    Attributes
    ----------
    sigma : dict of str to float
        Standard deviation of one update by direction, fraction of the window.
    relative : dict of str to float
        The same as a fraction of the update's own step.
    devices : {"resample", "shared"} or None
        How devices differ; None if they are alike.
    held, memory, tilt : dict of str to float
        Reversible fluctuation, and dependence of noise on the state (see `ArrayState`), by direction.
    windows : bool
        Whether each device has a window of its own.
    """

    sigma: dict[str, float]
    relative: dict[str, float]
    devices: D2dMode | None
    held: dict[str, float]
    memory: dict[str, float]
    tilt: dict[str, float]
    windows: bool

    @property
    def scatter(self) -> bool:
        """True if updates scatter at all."""
        return any(value > 0 for value in (*self.sigma.values(), *self.relative.values()))

    @property
    def fluctuates(self) -> bool:
        """True if states fluctuate reversibly from pulse to pulse."""
        return any(value > 0 for value in self.held.values())


def applied_variation(card: DeviceCard, c2c: C2cMode = "increment", d2d: D2dMode = "resample") -> AppliedVariation:
    """Return the variation that a card provides in these modes (see `DeviceArray`); unknown parts are 0."""
    names = {"increment": "increment", "paper": "spread_paper", "none": ""}
    if c2c not in names:
        raise UsageError(f"c2c must be increment, paper or none, not {c2c!r}")
    known = {
        "resample": len(card.devices) > 1,
        "shared": card.variation.d2d_ln_rate_covariance is not None,
        "none": False,
    }
    if d2d not in known:
        raise UsageError(f"d2d must be resample, shared or none, not {d2d!r}")
    sigma, relative, held, memory, tilt = {}, {}, {}, {}, {}
    for direction, branch in (("ltp", card.variation.ltp), ("ltd", card.variation.ltd)):
        found = branch.c2c.get(names[c2c])
        sigma[direction] = found.value if found else 0.0
        own = c2c == "increment"
        relative[direction] = (branch.step_noise or 0.0) if own else 0.0
        held[direction] = branch.c2c["held"].value if own and "held" in branch.c2c else 0.0
        memory[direction] = (branch.held_memory or 0.0) if own else 0.0
        tilt[direction] = (branch.tilt or 0.0) if own else 0.0
    devices = d2d if known[d2d] else None
    windows = devices is not None and own_windows(card) is not None
    return AppliedVariation(sigma, relative, devices, held, memory, tilt, windows)


def own_windows(card: DeviceCard) -> np.ndarray | None:
    """Return the lower end and ln span of each measured device's window, in the card's, shape (rows, 2), or None."""
    found = [(row.low, math.log(row.high - row.low)) for row in card.devices if row.low is not None and row.high]
    return np.array(found) if len(found) == len(card.devices) >= FEWEST_WINDOWS else None


def draw_windows(card: DeviceCard, rows: np.ndarray | None, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw the ends of the windows of n devices, in the card's.

    Each is the window of its row (`rows`, shape (n,); None: any of them) plus a random change. Together they scatter as
    windows of new devices do when k were measured, by (1 + 1/k) (k - 1) / (k - 3) times the covariance of the k, as in
    Student's t. Resampling alone would give (k - 1) / k.
    """
    known = own_windows(card)
    assert known is not None
    k, rng = len(known), np.random.default_rng([seed, 6])
    wanted = (1.0 + 1.0 / k) * (k - 1.0) / (k - 3.0)
    which = rng.integers(k, size=n) if rows is None else rows
    more = draw_normal(rng, covariance_of(known) * (wanted - (k - 1.0) / k), n)
    low, ln_span = (known[which] + more).T
    return np.ascontiguousarray(low), np.ascontiguousarray(low + np.exp(ln_span))


def read_sigma(card: DeviceCard, of_g: float = 0.0) -> float:
    """Return the read-noise sd of a card as a fraction of the window: rms over its branches, 0 if unknown.

    Parameters
    ----------
    card : DeviceCard
    of_g : float
        If above 0, the sd is this share of the conductance at the middle of the window. Noise of 3 % of G is 4.5 % of a
        window from G to 2 G, and 1.8 % of one from G to 10 G.

    Raises
    ------
    UsageError
        If `of_g` is given for a card of weights.
    """
    if of_g > 0:
        window = card.window
        if window.quantity != "conductance_s":
            raise UsageError(f"card {card.name!r} holds weights, so read noise cannot be a share of a conductance")
        return of_g * (window.low + window.high) / 2.0 / window.span
    values = [branch.c2c["read"].value for branch in (card.variation.ltp, card.variation.ltd) if "read" in branch.c2c]
    return float(np.sqrt(np.mean(np.square(values)))) if values else 0.0
