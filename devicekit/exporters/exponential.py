"""NeuroSim's exponential: the closed loop of a card's trains, the fit of each branch, and labels of nonlinearity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from devicekit.device.card import DeviceCard
from devicekit.exporters import base
from devicekit.models import kernel
from devicekit.models.labels import nl_label, nl_of_curve

LARGEST_NL, SMALLEST_NL = 9.0, 0.01  # of NeuroSim's table
STEEPEST = 120.0  # 1 / A of a search; beyond the largest label
LOOPS = 200  # LTP/LTD trains until the loop closes


@dataclass(frozen=True)
class Loop:
    """The closed loop of N LTP and N LTD pulses: states [1] after 0..N pulses, first and last ones shared."""

    ltp: np.ndarray
    ltd: np.ndarray
    gap: float  # how far it is from closed [1]

    @property
    def low(self) -> float:
        """State where LTP starts and LTD ends [1]."""
        return float(self.ltp[0])

    @property
    def high(self) -> float:
        """State where LTP ends and LTD starts [1]."""
        return float(self.ltp[-1])


@dataclass(frozen=True)
class ExponentialFit:
    """NeuroSim's curve on one normalised branch, rising from 0 to 1.

    Attributes
    ----------
    label : float
        Label of the fit, as written: of those that NeuroSim has (steps of 0.01), that of least squares.
    a : float
        Constant A of that label as a fraction of NeuroSim's number of pulses; negative for a curve that starts slowly.
    a_free : float
        A of least squares among all numbers; inf for a line.
    rounding : float
        Largest difference between the two exponentials [fraction of the exported window].
    from_data : float
        Label from the largest deviation of the curve from a line, without a fit.
    rms, largest : float
        Misfit of the exponential of the label to the law [fraction of the exported window].
    recursion : float
        Largest deviation of NeuroSim's recursion with the written label from the exponential.
    """

    label: float
    a: float
    a_free: float
    rounding: float
    from_data: float
    rms: float
    largest: float
    recursion: float


def _train(
    card: DeviceCard, direction: str, theta: np.ndarray, largest: float, start: float, pulses: int
) -> np.ndarray:
    law = card.law.id
    scratch, middle = np.empty(kernel.MAX_SHAPE), kernel.middle(law, theta)
    x = start if direction == "ltp" else 1.0 - start
    path = [x]
    for _ in range(pulses):
        x = min(x + min(kernel.rate(law, theta, middle, x, scratch), largest), 1.0)
        path.append(x)
    states = np.array(path)
    return states if direction == "ltp" else 1.0 - states


def lost_pulses(levels: int) -> list[int]:
    """Updates, in pulses, of which NeuroSim makes one pulse less: k / N * N falls short of k in double precision.

    Its update of k pulses of N is a weight of k / N, and k is found again by a product that is cut to a whole number.
    """
    k = np.arange(1, levels + 1, dtype=float)
    return [int(each) for each in k[(k / levels * levels).astype(int) != k]]


def safe_pulses(wanted: int) -> int:
    """The number of pulses nearest to a wanted one, 2 or more, with which NeuroSim loses none; of two the larger."""
    wanted = max(wanted, 2)
    near = (each for away in range(wanted) for each in (wanted + away, wanted - away))  # a power of two is among them
    return next(each for each in near if each >= 2 and not lost_pulses(each))


def closed_loop(card: DeviceCard, thetas: dict[str, Any], largest: dict[str, float]) -> Loop:
    """The loop that repeated trains of the card's own numbers of pulses settle on."""
    pulses = {direction: max(card.branch(direction).n_pulses, 2) for direction in base.SIGNS}
    theta = {direction: np.array(thetas[direction], float) for direction in base.SIGNS}
    start, gap = 0.0, 1.0
    for _ in range(LOOPS):
        up = _train(card, "ltp", theta["ltp"], largest["ltp"], start, pulses["ltp"])
        down = _train(card, "ltd", theta["ltd"], largest["ltd"], float(up[-1]), pulses["ltd"])
        gap, start = abs(float(down[-1]) - start), float(down[-1])
        if gap < 1e-9:
            break
    return Loop(up, down, gap)


def curve(t: np.ndarray, a: float) -> np.ndarray:
    """(1 - e^(-t/a)) / (1 - e^(-1/a)), t in 0..1; a line for |a| = inf."""
    if not np.isfinite(a) or abs(a) > 1e6:
        return np.asarray(t, float)
    return np.asarray(np.expm1(-t / a) / np.expm1(-1.0 / a))


def a_of_label(label: float) -> float:
    """A (fraction of the number of pulses) of a label, by inverting the closed form."""
    from scipy.optimize import brentq

    found = brentq(lambda log_a: nl_label(float(np.exp(log_a))) - abs(label), np.log(1e-3), np.log(1e4), xtol=1e-12)
    return float(np.copysign(np.exp(found), label))


def written_label(label: float) -> float:
    """A label of NeuroSim's table as it must be written.

    NeuroSim truncates 100 |NL| (C++ in double, train.py in single precision), which loses 0.01 where that product
    falls just short of a whole number (0.29 gives 28); a third decimal then guards it.
    """
    size = min(max(round(abs(label), 2), SMALLEST_NL), LARGEST_NL)  # 0 is not in its table
    single = float(np.float32(size) * np.float32(100))
    if min(int(size * 100), int(single)) != round(size * 100):
        size = round(size + 0.001, 3)
    return float(np.copysign(size, label))


def read_label(written: float) -> float:
    """The label that NeuroSim takes for a written one."""
    return float(np.copysign(int(abs(written) * 100) / 100, written))


def path(a: float, levels: int, pulses: int) -> np.ndarray:
    """States after 0..pulses of them, on the exponential of so many levels; 1 from its end on; (pulses + 1,)."""
    return np.minimum(curve(np.arange(pulses + 1) / levels, a), 1.0)


def fit_exponential(normalised: np.ndarray, levels: int) -> ExponentialFit:
    """NeuroSim's exponential of least squares on a curve from 0 to 1, shape (N + 1,).

    Parameters
    ----------
    normalised : ndarray, shape (N + 1,)
        States after 0..N pulses.
    levels : int
        Pulses in which NeuroSim's exponential goes from 0 to 1; near N, and A makes up for what it is off.
    """
    from scipy.optimize import minimize_scalar

    pulses = normalised.size - 1

    def a_of(k: float) -> float:
        return 1.0 / k if abs(k) > 1e-9 else np.inf

    def misfit(a: float) -> float:
        return float(np.sum((path(a, levels, pulses) - normalised) ** 2))

    bounds = (-STEEPEST, STEEPEST)
    found = minimize_scalar(lambda k: misfit(a_of(k)), bounds=bounds, method="bounded", options={"xatol": 1e-9})
    free = a_of(float(found.x))
    near = float(np.copysign(nl_label(abs(free)), free)) if np.isfinite(free) else 0.0
    labels = {written_label(near + shift) for shift in (-0.01, 0.0, 0.01)}
    label = min(sorted(labels), key=lambda each: misfit(a_of_label(read_label(each))))
    a = a_of_label(read_label(label))
    fitted = path(a, levels, pulses)
    return ExponentialFit(
        label=label,
        a=a,
        a_free=free,
        rounding=float(np.abs(fitted - path(free, levels, pulses)).max()),
        from_data=nl_of_curve(normalised),
        rms=float(np.sqrt(np.mean((fitted - normalised) ** 2))),
        largest=float(np.abs(fitted - normalised).max()),
        recursion=float(np.abs(replay(a, levels, pulses) - fitted).max()),
    )


def replay(a: float, levels: int, pulses: int) -> np.ndarray:
    """NeuroSim's documented recursion on the normalised window: find P of the present G, move it by one; (N + 1,)."""
    if not np.isfinite(a):
        return path(a, levels, pulses)
    scale = a * levels
    b = 1.0 / -np.expm1(-levels / scale)
    g, states = 0.0, [0.0]
    for _ in range(pulses):
        position = -scale * np.log1p(-min(g / b, 1.0 - 1e-16))
        g = min(max(float(b * -np.expm1(-(position + 1.0) / scale)), 0.0), 1.0)
        states.append(g)
    return np.array(states)


def branch_fits(card: DeviceCard, loop: Loop, levels: dict[str, int]) -> dict[str, ExponentialFit]:
    """The fits of both branches, each normalised to rise from 0 to 1 over the loop's window in G."""
    fits = {}
    for direction, states in (("ltp", loop.ltp), ("ltd", loop.ltd)):
        value = card.window.from_state(states)
        fits[direction] = fit_exponential((value - value[0]) / (value[-1] - value[0]), levels[direction])
    return fits
