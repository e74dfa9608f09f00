"""Volatile part of the states of devices, and the time that passes for all of them at once.

The state is a persistent part and a sum of terms, s = p + sum_m v_m. A pulse (or programming) changes s by d; p gets
`kept` d and term m gets `shares[m]` d; between pulses v_m decays by exp(-t / tau_m). All devices have one clock: a
term is stored as v_m over a factor common to all devices, so that time passes by one multiplication per term for any
number of devices (after `RESCALED` time constants the factor starts at 1 again). The model is that of
`devicekit.device.measured.Volatile`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from devicekit.device.card import DeviceCard

RESCALED = 20.0  # time constants after which a factor starts at 1 again
SMALLEST = math.exp(-RESCALED)
NOTHING = 1e-12  # of the window: when its factor starts again, a smaller rest of a term is set to 0


class Fading(NamedTuple):
    """Volatile states of an array; arrays are changed in place, also by compiled code.

    Attributes
    ----------
    persistent : ndarray, shape (n,)
        p of each device [1].
    parts : ndarray, shape (n, m)
        v_m of each device over the factor of its term [1].
    factor : ndarray, shape (m,)
        Factor of each term [1].
    tau_s : ndarray, shape (m,)
        Time constants [s].
    kept : float
        Share of a change that stays [1].
    shares : ndarray, shape (m,)
        Shares of a change that the terms get; with `kept` they sum to 1.
    low, high : float or ndarray, shape (n,)
        Ends of the devices' windows [1].
    """

    persistent: np.ndarray
    parts: np.ndarray
    factor: np.ndarray
    tau_s: np.ndarray
    kept: float
    shares: np.ndarray
    low: np.ndarray | float = 0.0
    high: np.ndarray | float = 1.0


def is_volatile(card: DeviceCard) -> bool:
    """Return whether a card's device forgets part of an update over time."""
    return card.volatile is not None and card.volatile.persistent_share < 1.0


def fading(card: DeviceCard, r: np.ndarray) -> Fading | None:
    """Build the volatile states of devices that rest at `r`, shape (n,); None for a card without a volatile part."""
    if card.volatile is None or not is_volatile(card):
        return None
    block = card.volatile
    shares = np.array([term.share for term in block.terms])
    return Fading(
        persistent=r.copy(),
        parts=np.zeros((r.size, shares.size)),
        factor=np.ones(shares.size),
        tau_s=np.array([term.tau_s for term in block.terms]),
        kept=float(block.persistent_share),
        shares=(1.0 - block.persistent_share) * shares / shares.sum(),
    )


def states_after(f: Fading, seconds: float = 0.0, index: np.ndarray | slice = slice(None)) -> np.ndarray:
    """Return the states [1] of devices (default: all) after this time, without changing them.

    Forgetting keeps states within their windows: the rest of a change is log-convex in time, so a state without further
    pulses is a weighted mean of earlier ones (Kaluza's theorem, 1928). The clipping only concerns rounding.
    """
    now = f.factor * np.exp(-seconds / f.tau_s) if seconds > 0 else f.factor
    low, high = (end if np.ndim(end) == 0 else np.asarray(end)[index] for end in (f.low, f.high))
    return np.clip(f.persistent[index] + (f.parts[index] * now).sum(axis=-1), low, high)


def pass_time(f: Fading, seconds: float) -> None:
    """Let this time pass, in place."""
    f.factor[:] *= np.exp(-seconds / f.tau_s)
    for m in np.flatnonzero(f.factor < SMALLEST):
        f.parts[:, m] *= f.factor[m]
        f.parts[np.abs(f.parts[:, m]) < NOTHING, m] = 0.0
        f.factor[m] = 1.0


def divide_changes(f: Fading, r: np.ndarray, index: np.ndarray | slice = slice(None)) -> None:
    """Divide the change of the states `r` (n,) between persistent part and terms, for devices (default: all)."""
    change = r[index] - (f.persistent[index] + (f.parts[index] * f.factor).sum(axis=-1))
    f.persistent[index] += f.kept * change
    f.parts[index] += change[:, None] * (f.shares / f.factor)
