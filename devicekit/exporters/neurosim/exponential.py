"""The exponential of NeuroSim: the closed loop of the trains of a card, the fit of each branch, nonlinearity labels."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.device.blocks import DeviceRow
from devicekit.device.card import DeviceCard
from devicekit.exporters import base
from devicekit.models import kernel
from devicekit.models.labels import nl_label, nl_of_curve

LARGEST_NL, SMALLEST_NL = 9.0, 0.01  # of the table of NeuroSim
STEEPEST = 120.0  # largest 1 / A of the search; steeper than the largest label
LOOPS = 200  # most LTP/LTD trains until the loop closes
SMALLEST_WINDOW = 1e-6  # of the state
OTHER_WINDOW = 1.5  # factor by which another window than that of the trains of the card must improve the fit


@dataclass(frozen=True)
class Loop:
    """The closed loop of N LTP and N LTD pulses: states [1] after 0..N pulses; both branches share their ends."""

    ltp: np.ndarray
    ltd: np.ndarray
    gap: float  # distance from a closed loop [1]

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
    """The curve of NeuroSim on one normalised branch, rising from 0 to 1.

    Attributes
    ----------
    label : float
        Label of the fit as written: the least-squares one among the labels of NeuroSim (steps of 0.01).
    a : float
        Constant A of that label as a fraction of the number of pulses of NeuroSim; negative for a slow start.
    a_free : float
        Least-squares A without restriction to labels; inf for a line.
    rounding : float
        Largest difference between the two exponentials [fraction of the exported window].
    from_data : float
        Label from the largest deviation of the curve from a line, not from a fit.
    rms, largest : float
        Difference between the exponential of the label and the law [fraction of the exported window].
    recursion : float
        Largest deviation of the recursion of NeuroSim with the written label from the exponential.
    """

    label: float
    a: float
    a_free: float
    rounding: float
    from_data: float
    rms: float
    largest: float
    recursion: float


@dataclass(frozen=True)
class Device:
    """Parameters of one device: theta and largest step per direction."""

    theta: dict[str, np.ndarray]
    largest: dict[str, float]

    @classmethod
    def central(cls, card: DeviceCard) -> Device:
        """Return the central device of a card."""
        branches = {direction: card.branch(direction) for direction in base.SIGNS}
        return cls(
            {direction: np.array(each.theta, float) for direction, each in branches.items()},
            {direction: each.largest_step for direction, each in branches.items()},
        )

    @classmethod
    def measured(cls, row: DeviceRow) -> Device:
        """Return one measured device of a card."""
        return cls(
            {"ltp": np.array(row.ltp_theta, float), "ltd": np.array(row.ltd_theta, float)},
            {"ltp": row.ltp_largest_step, "ltd": row.ltd_largest_step},
        )


def _train(card: DeviceCard, device: Device, direction: str, start: float, pulses: int) -> np.ndarray:
    law, theta, largest = card.law.id, device.theta[direction], device.largest[direction]
    scratch, middle = np.empty(kernel.MAX_SHAPE), kernel.middle(law, theta)
    x = start if direction == "ltp" else 1.0 - start
    path = [x]
    for _ in range(pulses):
        x = min(x + min(kernel.rate(law, theta, middle, x, scratch), largest), 1.0)
        path.append(x)
    states = np.array(path)
    return states if direction == "ltp" else 1.0 - states


def lost_pulses(levels: int) -> list[int]:
    """Return the updates [pulses] that NeuroSim shortens by one pulse: k / N * N is below k in double precision.

    NeuroSim stores k of N pulses as a weight k / N and recovers k by truncating the product with N.
    """
    k = np.arange(1, levels + 1, dtype=float)
    return [int(each) for each in k[(k / levels * levels).astype(int) != k]]


def safe_pulses(wanted: int) -> tuple[int, ...]:
    """Return the nearest pulse numbers >= 2, below and above, for which NeuroSim loses none; or `wanted` itself."""
    wanted = max(wanted, 2)
    below = next(each for each in range(wanted, 1, -1) if not lost_pulses(each))
    above = next(each for each in range(wanted, 2 * wanted + 1) if not lost_pulses(each))  # powers of two lose none
    return (below,) if below == above else (below, above)


def card_pulses(card: DeviceCard) -> dict[str, int]:
    """Return the numbers of pulses of the trains of a card, 2 or more."""
    return {direction: max(card.branch(direction).n_pulses, 2) for direction in base.SIGNS}


def closed_loop(card: DeviceCard, device: Device, pulses: dict[str, int]) -> Loop:
    """Return the loop that repeated trains of so many pulses settle into."""
    start, gap = 0.0, 1.0
    for _ in range(LOOPS):
        up = _train(card, device, "ltp", start, pulses["ltp"])
        down = _train(card, device, "ltd", float(up[-1]), pulses["ltd"])
        gap, start = abs(float(down[-1]) - start), float(down[-1])
        if gap < 1e-9:
            break
    return Loop(up, down, gap)


def curve(t: np.ndarray, a: float) -> np.ndarray:
    """Return (1 - e^(-t/a)) / (1 - e^(-1/a)), t in 0..1; a line for |a| = inf."""
    if not np.isfinite(a) or abs(a) > 1e6:
        return np.asarray(t, float)
    return np.asarray(np.expm1(-t / a) / np.expm1(-1.0 / a))


def a_of_label(label: float) -> float:
    """Return A (fraction of the number of pulses) of a label, by inverting the closed form."""
    from scipy.optimize import brentq

    found = brentq(lambda log_a: nl_label(float(np.exp(log_a))) - abs(label), np.log(1e-3), np.log(1e4), xtol=1e-12)
    return float(np.copysign(np.exp(found), label))


def written_label(label: float) -> float:
    """Return a label of the table of NeuroSim in the form in which it must be written.

    NeuroSim truncates 100 |NL| (C++ in double, train.py in single precision), which loses 0.01 where the product is
    just below a whole number (0.29 gives 28); a third decimal prevents that.
    """
    size = min(max(round(abs(label), 2), SMALLEST_NL), LARGEST_NL)  # 0 is not in the table
    single = float(np.float32(size) * np.float32(100))
    if min(int(size * 100), int(single)) != round(size * 100):
        size = round(size + 0.001, 3)
    return float(np.copysign(size, label))


def read_label(written: float) -> float:
    """Return the label that NeuroSim reads from a written one."""
    return float(np.copysign(int(abs(written) * 100) / 100, written))


def path(a: float, levels: int, pulses: int) -> np.ndarray:
    """Return the states after 0..pulses pulses on the exponential of so many levels, at most 1; shape (pulses + 1,)."""
    return np.minimum(curve(np.arange(pulses + 1) / levels, a), 1.0)


def fit_exponential(normalised: np.ndarray, levels: int) -> ExponentialFit:
    """Fit the exponential of NeuroSim to a curve from 0 to 1, shape (N + 1,), by least squares.

    Parameters
    ----------
    normalised : ndarray, shape (N + 1,)
        States after 0..N pulses, from 0 to about 1.
    levels : int
        Pulses in which the exponential of NeuroSim goes from 0 to 1; near N, and A compensates for the difference.
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
    """Run the documented recursion of NeuroSim on the normalised window (find P of G, add one); shape (N + 1,)."""
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


def branch_fits(card: DeviceCard, device: Device, loop: Loop, levels: dict[str, int]) -> dict[str, ExponentialFit]:
    """Fit the trains of the card, in G from 0 to 1 over the loop, starting at the ends of the loop."""
    fits = {}
    low, high = card.window.from_state(np.array([loop.low, loop.high]))
    for direction, start, end in (("ltp", low, high), ("ltd", high, low)):
        state = loop.low if direction == "ltp" else loop.high
        value = card.window.from_state(_train(card, device, direction, state, card_pulses(card)[direction]))
        fits[direction] = fit_exponential((value - start) / (end - start), levels[direction])
    return fits


@dataclass(frozen=True)
class Choice:
    """The numbers of pulses of a card in NeuroSim, and the loop whose ends are its window."""

    levels: dict[str, int]
    loop: Loop
    loop_pulses: dict[str, int]  # pulses of the trains of the loop
    fits: dict[str, ExponentialFit]

    @property
    def misfit(self) -> float:
        """Rms difference between exponential and law over both branches."""
        return float(np.sqrt(np.mean([fit.rms**2 for fit in self.fits.values()])))


def choose(card: DeviceCard) -> Choice:
    """Choose pulse numbers without loss, near those of the card, and the window that fits the law best.

    The window is that of the trains of the card, unless trains of the chosen pulse numbers fit much better. For a
    device that is far from saturation at the end of a train that window is slightly wider or narrower.

    Raises UsageError if alternating trains of the card converge to a single state.
    """
    device, own = Device.central(card), card_pulses(card)
    pairs = product(*(safe_pulses(own[direction]) for direction in base.SIGNS))
    tried = []
    for pair in pairs:
        levels = dict(zip(base.SIGNS, pair, strict=True))
        for of in (own, levels):
            loop = closed_loop(card, device, of)
            if loop.high - loop.low < SMALLEST_WINDOW:
                raise UsageError(
                    "Alternating LTP and LTD trains of this card converge to one state, but NeuroSim needs a window."
                )
            choice = Choice(levels, loop, of, branch_fits(card, device, loop, levels))
            tried.append((choice.misfit * (1.0 if of is own else OTHER_WINDOW), choice))
    return min(tried, key=lambda each: each[0])[1]
