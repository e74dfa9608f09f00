"""Steps and trains of pulses that were not measured, with bands over every law that is not excluded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from devicekit.core.errors import CodedWarning, UsageError
from devicekit.core.printing import Printed
from devicekit.core.statistics import normal_quantile, t_quantile
from devicekit.fitting.pulses.laws import Joint, LawFit
from devicekit.fitting.pulses.noise import Path, covariance_of
from devicekit.models import kernel

LEVEL = 0.95


@dataclass(frozen=True)
class Factor:
    """Step of a pulse over that of the reference pulse: best value, band, and whether the law is assumed."""

    value: float
    low: float
    high: float
    assumed: bool


@dataclass(frozen=True, eq=False)
class PredictedTrain(Printed):
    """Prediction of a train that was not measured.

    Attributes
    ----------
    r : ndarray, shape (N + 1,)
        State before the first and after each pulse, by the best law.
    low, high : ndarray, shape (N + 1,)
        Band of the mean curve: parameters, rates about the law, and every law that is not excluded.
    reading_low, reading_high : ndarray, shape (N + 1,)
        The same for the readings of one train.
    conductance : ndarray, shape (N + 1,)
        r in the unit of the table [S, or weight].
    laws : tuple of str
        Laws whose spread the band covers.
    assumed : bool
        Whether the pulse lies outside the measured range, or between only two amplitudes or widths.
    warnings : tuple of CodedWarning
    """

    direction: str
    r: np.ndarray
    low: np.ndarray
    high: np.ndarray
    reading_low: np.ndarray
    reading_high: np.ndarray
    conductance: np.ndarray
    laws: tuple[str, ...]
    level: float
    assumed: bool
    warnings: tuple[CodedWarning, ...]

    def __repr__(self) -> str:
        basis = "law assumed" if self.assumed else "between measured pulses"
        return f"<PredictedTrain {self.direction}: {self.r.size - 1} pulses, {basis}; laws {', '.join(self.laws)}>"


def sizes(
    joint: Joint, voltage: float | np.ndarray | None, width: float | None, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return amplitudes [V] and widths [s] of n pulses; the reference's where left out.

    Raises UsageError if the laws do not depend on a given quantity.
    """
    reference = joint.reference
    for name, value, asked, own in (
        ("voltage", voltage, joint.with_amplitude, reference.voltage_v),
        ("width", width, joint.with_width, reference.width_s),
    ):
        is_reference = value is None or (own is not None and np.allclose(np.abs(value), own, rtol=1e-3))
        if not asked and not is_reference:
            raise UsageError(f"this law does not depend on the {name}: the table has only one {name}")
    volts, wide = (np.nan if each is None else each for each in (reference.voltage_v, reference.width_s))
    size = np.abs(np.asarray(volts if voltage is None else voltage, float))
    return np.broadcast_to(size, (n,)).copy(), np.full(n, wide if width is None else float(width))


def factor(joint: Joint, voltage: float | None, width: float | None, level: float) -> Factor:
    """Return the step of a pulse over the reference pulse's (`PulseLaw.factor`)."""
    volts, wide = sizes(joint, voltage, width, 1)
    same = _is_reference(joint, float(volts[0]), float(wide[0]))
    lows, highs, middle = [], [], 1.0
    for name in joint.possible:
        fit = joint.fits[name]
        found, slope = joint.ln_factor(name, fit.values, volts, wide)
        noise, total = (float(slope[0] @ each[fit.own, fit.own] @ slope[0]) for each in (fit.covariance, fit.wide))
        half = _half(noise, max(total - noise, 0.0) + (0.0 if same else joint.scatter**2), joint, level)
        lows.append(found[0] - half)
        highs.append(found[0] + half)
        middle = float(np.exp(found[0])) if name == joint.best else middle
    assumed = joint.assumption(voltage, width) is not None
    return Factor(middle, float(np.exp(min(lows))), float(np.exp(max(highs))), assumed)


def _is_reference(joint: Joint, voltage: float, width: float) -> bool:
    """Return whether a pulse is the reference, whose factor is 1 by definition."""
    own = joint.reference
    near = [
        value is None or not np.isfinite(asked) or abs(asked - value) <= 1e-9 * value
        for value, asked in ((own.voltage_v, voltage), (own.width_s, width))
    ]
    return all(near)


def predict(
    joint: Joint,
    voltage: float | np.ndarray | None,
    width: float | None,
    n_pulses: int,
    start: float | None,
    level: float,
) -> PredictedTrain:
    """Predict the train of pulses of any amplitude and width (`PulseLaw.predict`)."""
    direction = joint.direction
    if voltage is not None and np.ndim(voltage) == 1:
        n_pulses = int(np.size(voltage))
    if n_pulses < 1:
        raise UsageError(f"n_pulses= must be at least 1, not {n_pulses}")
    volts, wide = sizes(joint, voltage, width, n_pulses)
    ends = []
    center = np.zeros(n_pulses + 1)
    for name in joint.possible:
        states, half, wider = _band(joint, joint.fits[name], volts, wide, start, level)
        ends.append((states - half, states + half, states - wider, states + wider))
        center = states if name == joint.best else center
    low, high, reading_low, reading_high = (
        (np.min if k % 2 == 0 else np.max)([each[k] for each in ends], axis=0) for k in range(4)
    )
    if direction == "ltd":
        center, low, high, reading_low, reading_high = (
            1.0 - row for row in (center, high, low, reading_high, reading_low)
        )
    given = np.atleast_1d(np.asarray(joint.reference.voltage_v if voltage is None else voltage, dtype=object))
    why = None
    for each in (given[0], given[np.argmin(volts)], given[np.argmax(volts)]):
        why = why or joint.assumption(None if each is None else float(each), width)
    warned = [] if why is None else [CodedWarning("law_assumed", f"{direction.upper()}: the law is assumed: {why}")]
    return PredictedTrain(
        direction,
        r=center,
        low=low,
        high=high,
        reading_low=reading_low,
        reading_high=reading_high,
        conductance=joint.window.from_state(center),
        laws=joint.possible,
        level=level,
        assumed=why is not None,
        warnings=tuple(warned),
    )


def _band(
    joint: Joint, fit: LawFit, volts: np.ndarray, wide: np.ndarray, start: float | None, level: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return states on the rising coordinate, and half the bands of the mean curve and of one train's readings."""
    n, last = volts.size, fit.own.stop
    ln_factors, by_pulse = joint.ln_factor(fit.name, fit.values, volts, wide)
    if start is None:  # as the programme with the nearest amplitude
        g = int(np.argmin([abs(np.median(each.voltages) - volts[0]) for each in joint.programmes]))
        x0, own = float(fit.starts[g]), [*range(last), last + g]
    else:
        x0, own = start if joint.direction == "ltp" else 1.0 - start, [*range(last)]
    states, steady, full = np.empty(n + 1), np.empty(n), np.empty((n + 1, last + 1))
    kernel.driven_with_sensitivities(
        joint.law.id, fit.theta, x0, ln_factors, np.ascontiguousarray(by_pulse), states, full, steady
    )
    slopes = full[:, : len(own)]  # the start's column is the last
    noise, total = (
        np.einsum("ij,jk,ik->i", slopes, each[np.ix_(own, own)], slopes) for each in (fit.covariance, fit.wide)
    )
    scatter = np.maximum(total - noise, 0.0) + joint.scatter**2 * full[:, 0] ** 2
    path = Path(states, full[:, 0], full[:, -1], steady)
    one = np.diag(covariance_of(path, np.arange(n + 1), joint.noise, 1, 1)) * joint.fit_to_noise
    half = _half(noise, scatter, joint, level)
    return states, half, np.hypot(half, normal_quantile(0.5 + level / 2) * np.sqrt(one))


def _half(noise: Any, scatter: Any, joint: Joint, level: float) -> Any:
    """Return half a band: normal for the trains' noise, Student's t for rates about a law of few pulses."""
    z, t = normal_quantile(0.5 + level / 2), t_quantile(0.5 + level / 2, joint.scatter_degrees)
    return np.sqrt(z**2 * np.maximum(noise, 0.0) + t**2 * np.maximum(scatter, 0.0))
