"""Figures of fits from arrays: mean curves, residuals, rate curves, cycles, devices, variances, criteria."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from devicekit.plot import COLOURS, Axis, Curve, Image, Panel


@dataclass(frozen=True, eq=False)
class Branch:
    """Mean curve of one branch, its fit, and the range of all trains, in the unit of the quantity, each (N + 1,).

    `low` and `high` are None where there is one train; `count` is the number of trains.
    """

    measured: np.ndarray
    fitted: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    count: int = 1


def _consecutive_pulses(lengths: Mapping[str, int]) -> Iterator[tuple[str, np.ndarray]]:
    """Return the pulse numbers of each branch, LTD after LTP."""
    start = 0
    for direction, length in lengths.items():
        yield direction, start + np.arange(length)
        start += length


def fit(branches: Mapping[str, Branch], quantity: str, law: str) -> Panel:
    """Draw measured mean curves (dots), the range of all trains (shade) and the fit (line), LTP then LTD.

    Parameters
    ----------
    branches : mapping of direction to Branch
    quantity : str
        conductance_s or weight.
    law : str
        Name of the fitted law.
    """
    curves = []
    for direction, n in _consecutive_pulses({name: each.measured.size for name, each in branches.items()}):
        each, name, colour = branches[direction], direction.upper(), COLOURS[direction]
        if each.low is not None and each.high is not None:
            words = f"all {each.count} {name} trains"
            low, high = each.low[: n.size], each.high[: n.size]
            curves.append(Curve(words, n, low, "band", low=low, high=high, colour=colour, alpha=0.15))
        curves.append(Curve(f"{name} mean", n, each.measured, style=".", colour=colour))
        curves.append(Curve(f"{law} fit, {name}", n, each.fitted, legend=n[0] == 0, label=f"{law} fit"))
    return Panel(Axis.of("pulse_index"), Axis.of(quantity), curves, legend="above")


def next_cycles(bands: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]], quantity: str, count: int) -> Panel:
    """Draw the fit, and the band in which the mean of the next cycles is expected, LTP then LTD.

    Parameters
    ----------
    bands : mapping of direction to (ndarray, ndarray, ndarray)
        Fit, lower and upper end (N + 1,), in the unit of the quantity.
    quantity : str
        conductance_s or weight.
    count : int
        How many next cycles.
    """
    curves = []
    for direction, n in _consecutive_pulses({name: each[0].size for name, each in bands.items()}):
        name, colour = direction.upper(), COLOURS[direction]
        fitted, low, high = bands[direction]
        words, short = f"mean of the next {count} cycles, {name} (95 %)", f"next {count} cycles, {name}"
        curves.append(Curve(words, n, low, "band", low=low, high=high, colour=colour, alpha=0.2, label=short))
        curves.append(Curve("fit", n, fitted, colour=colour, legend=n[0] == 0))
    return Panel(Axis.of("pulse_index"), Axis.of(quantity), curves)


def residuals(branches: Mapping[str, tuple[np.ndarray, float]]) -> Panel:
    """Draw measured minus fitted state along the trains, with the noise of one reading of the mean curve.

    Parameters
    ----------
    branches : mapping of direction to (ndarray, float)
        Residuals (N + 1,) and standard deviation of the noise, both fractions of the window.
    """
    curves = []
    for direction, n in _consecutive_pulses({name: values.size for name, (values, _) in branches.items()}):
        values, noise = branches[direction]
        name, wide = direction.upper(), np.full(n.size, 100 * noise)
        curves.append(Curve(name, n, 100 * values, width=0.8, colour=COLOURS[direction]))
        curves.append(
            Curve(
                f"±1 sd of the mean curve's noise, {name}",
                n,
                -wide,
                "band",
                low=-wide,
                high=wide,
                colour="0.8",
                legend=n[0] == 0,
                label="±1 sd of noise",
            )
        )
    y = Axis("residual", "% of window")
    return Panel(Axis.of("pulse_index"), y, curves, lines=(("y", 0.0),), legend="above")


def correlation(names: Sequence[str], values: np.ndarray, determined: int) -> Image:
    """Draw the correlation matrix of the parameters; blank where a parameter is at a bound.

    Parameters
    ----------
    names : sequence of str
        Parameters.
    values : ndarray, shape (m, m)
        Correlations, -1 to 1; NaN where there is none.
    determined : int
        Number of directions that the data determine.
    """
    edges = np.arange(len(names) + 1) - 0.5
    title = f"{determined} of {len(names)} directions determined"
    across, down = Axis("", names=tuple(names)), Axis("", names=tuple(names))
    return Image(across, down, edges, edges, values, "correlation", "RdBu_r", (-1.0, 1.0), title=title, numbers=True)


def cycles(values: Mapping[int, np.ndarray], quantity: str, direction: str, device: str) -> Panel:
    """Draw all cycles of one device, early cycles light and late ones dark, to show C2C and drift.

    Parameters
    ----------
    values : mapping of cycle to ndarray, shape (N + 1,)
        In order, in the unit of the quantity.
    """
    dark = np.linspace(0.25 + 0.7 / len(values), 0.95, len(values))
    curves = [
        Curve(
            f"cycle {cycle}",
            np.arange(row.size),
            row,
            width=0.8,
            colour=COLOURS[direction],
            alpha=alpha,
        )
        for (cycle, row), alpha in zip(values.items(), dark, strict=True)
    ]
    title = f"{len(values)} {direction.upper()} cycles of {device} (late ones dark)"
    return Panel(Axis.of("pulse_index"), Axis.of(quantity), curves, title, legend="none")


def devices(curves: Mapping[str, np.ndarray], central: np.ndarray, quantity: str, direction: str) -> Panel:
    """Draw the mean curve of each device, and the fit of the central one.

    Parameters
    ----------
    curves : mapping of device to ndarray, shape (N + 1,)
        In the unit of the quantity, like `central`.
    """
    drawn = [
        Curve(
            name,
            np.arange(row.size),
            row,
            width=0.8,
            colour=COLOURS[direction],
            alpha=0.6,
            legend=False,
        )
        for name, row in curves.items()
    ]
    fitted = Curve("central fit", np.arange(central.size), central, width=1.4)
    title = f"{len(curves)} devices, {direction.upper()}, mean over cycles"
    return Panel(Axis.of("pulse_index"), Axis.of(quantity), [*drawn, fitted], title)


def variances(measured: np.ndarray, predicted: np.ndarray | None, direction: str) -> Panel:
    """Draw the variance over cycles against pulse number, measured and from increments, reads and offsets.

    Parameters
    ----------
    measured, predicted : ndarray, shape (N + 1,)
        [window^2].
    """
    n = np.arange(measured.size)
    curves = [Curve("data", n, measured, style=".", colour=COLOURS[direction])]
    if predicted is not None:
        curves.append(Curve("from the components", np.arange(predicted.size), predicted))
    y = Axis("variance over cycles", "window²")
    return Panel(Axis.of("pulse_index"), y, curves, direction.upper())


def criteria(laws: Sequence[str], excess: np.ndarray, misfit: np.ndarray, direction: str) -> Panel:
    """Draw BIC above the best law, each bar with the law's rms misfit; best law on top.

    Parameters
    ----------
    laws : sequence of str
        Best first.
    excess, misfit : ndarray, shape (n,)
        BIC above the best, and rms misfit as a fraction of the window.
    """
    rows = np.arange(len(laws))
    bars = Curve("BIC above the best law", excess, rows, "bars", colour=COLOURS[direction], legend=False)
    notes = [(float(e), float(k), f" {100 * m:.2g} %") for k, e, m in zip(rows, excess, misfit, strict=True)]
    x = Axis("BIC above the best law", limits=(0.0, 1.15 * max(float(np.max(excess)), 1e-9)))
    title = f"{direction.upper()}, by BIC; rms misfit in % of the window beside"
    return Panel(x, Axis("", names=tuple(laws)), [bars], title, notes)


@dataclass(frozen=True, eq=False)
class PulseRates:
    """Rates of one direction against the amplitude or the width of a pulse.

    Attributes
    ----------
    at, rate, low, high : ndarray, shape (n,)
        Amplitude [V] or width [s], the law's rate at x = 1/2 [1 per pulse] and its band.
    points : ndarray, shape (m, 3)
        Measured pulses: amplitude or width, rate, and standard error of ln rate.
    law : str
        Name of the law.
    """

    at: np.ndarray
    rate: np.ndarray
    low: np.ndarray
    high: np.ndarray
    points: np.ndarray
    law: str


def pulse_rates(branches: Mapping[str, PulseRates], along: str) -> Panel:
    """Draw the rate at half of the window against amplitude or width: measured pulses, the law and its band.

    Parameters
    ----------
    branches : mapping of direction to PulseRates
    along : {"amplitude", "width"}
    """
    curves = []
    for direction, each in branches.items():
        name, colour = direction.upper(), COLOURS[direction]
        band = f"{name}, 95 % band over all laws not excluded"
        curves.append(Curve(band, each.at, each.low, "band", low=each.low, high=each.high, colour=colour, alpha=0.2))
        curves.append(Curve(f"{name}, {each.law} law", each.at, each.rate, colour=colour))
        if len(each.points):
            at, rate, error = each.points.T
            low, high = rate * np.exp(-1.96 * error), rate * np.exp(1.96 * error)
            curves.append(Curve(f"{name}, fitted free", at, rate, "errors", "o", low=low, high=high, colour=colour))
    x = Axis("pulse amplitude", "V") if along == "amplitude" else Axis("pulse width", "s", "log")
    return Panel(x, Axis("rate at half of the window", "1 per pulse", "log"), curves)


def pulse_trains(curves: Mapping[str, tuple[np.ndarray, np.ndarray]], quantity: str, direction: str) -> Panel:
    """Draw mean curves of trains of several pulses (dots) and the one shape that follows them all (lines).

    Parameters
    ----------
    curves : mapping of str to (ndarray, ndarray), shape (N + 1,) each
        Measured and fitted by what the pulses were, in the unit of the quantity.
    quantity : str
        conductance_s or weight.
    direction : str
        ltp or ltd.
    """
    dark = np.linspace(0.35, 1.0, len(curves))
    drawn = []
    for k, (words, (measured, fitted)) in enumerate(curves.items()):
        n, alpha = np.arange(measured.size), float(dark[k])
        drawn.append(Curve(words, n, measured, style=".", colour=COLOURS[direction], alpha=alpha))
        drawn.append(Curve(f"law at {words}", n, fitted, legend=k == 0))
    return Panel(Axis.of("pulse_index"), Axis.of(quantity), drawn, f"{direction.upper()}, one shape for all pulses")


def left_out(
    pulse: np.ndarray, measured: np.ndarray, predicted: np.ndarray, low: np.ndarray, high: np.ndarray
) -> Panel:
    """Draw a train that was left out of a fit (dots), and the prediction of the others' law with its band.

    Parameters
    ----------
    pulse, measured, predicted, low, high : ndarray, shape (N + 1,)
        States as fractions of the window.
    """
    band = Curve("95 % band", pulse, low, "band", low=low, high=high, colour="0.6", alpha=0.4)
    seen = Curve("measured, left out", pulse, measured, style=".", colour=COLOURS["ltp"])
    return Panel(Axis.of("pulse_index"), Axis("state r"), [band, seen, Curve("predicted", pulse, predicted)])
