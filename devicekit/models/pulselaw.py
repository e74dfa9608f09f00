r"""Laws by which a pulse's amplitude and width scale its step: ln rho(V, w) relative to a reference pulse.

A pulse of amplitude V and width w moves a device by :math:`\rho(V, w) f(r)`: one shape f for all pulses, and a factor.
Every law here is ln of that factor over the factor of a reference pulse, so that it is 0 there. Amplitudes count by
their size, and no law lets a stronger pulse move a device less. The width enters as a power, :math:`w^m`: m = 1 where
the state moves at one speed while the pulse lasts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from devicekit.core.records import Record, column

LARGEST_LN = 30.0  # of a factor: bounds the values that a search tries
CLOSEST = 1e-3  # of the lowest amplitude: least distance of a threshold from it


@dataclass(frozen=True)
class Pulse(Record):
    """Kind of pulse: amplitude [V], by its size, and width [s]; None if unknown."""

    voltage_v: float | None = column(name="pulse_voltage_v", default=None)
    width_s: float | None = column(name="pulse_width_s", default=None)


@dataclass(frozen=True)
class AmplitudeLaw:
    """Law of ln rate against the amplitude.

    Parameters
    ----------
    name, title, equation, doi : str
        Stable id; title for people; ln rate in plain text; source.
    parameters : tuple of str
        Names; the exponent m of the width comes after them.
    lower, upper : tuple of float
        Bounds; that of a threshold is the lowest amplitude instead.
    guesses : tuple of tuple of float
        Starting values of a search; a threshold as a share of the lowest amplitude.
    ln_rate : callable
        (parameters, V) -> ln rate up to a constant, and its derivatives, shapes (n,) and (n, p).
    """

    name: str
    title: str
    equation: str
    doi: str
    parameters: tuple[str, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    guesses: tuple[tuple[float, ...], ...]
    ln_rate: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]

    def ln_factor(
        self, values: np.ndarray, voltage: np.ndarray, width: np.ndarray, reference: Pulse, with_width: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return ln of the step over the reference pulse's, shape (n,), and its derivatives, shape (n, p [+ 1]).

        Parameters
        ----------
        values : ndarray, shape (p,) or (p + 1,)
            Parameters, and m if `with_width`.
        voltage, width : ndarray, shape (n,)
            [V], by their size, and [s]; unused if the law does not depend on them.
        reference : Pulse
        with_width : bool
        """
        own = values[: len(self.parameters)]
        size = np.abs(np.asarray(voltage, float))
        found, slopes = np.zeros(size.shape), np.zeros((size.size, 0))
        if self.parameters:
            here, at = self.ln_rate(own, size), self.ln_rate(own, np.array([abs(reference.voltage_v or 0.0)]))
            found, slopes = here[0] - at[0], here[1] - at[1]
        if with_width:
            longer = np.log(np.asarray(width, float) / (reference.width_s or 1.0))
            found = found + values[-1] * longer
            slopes = np.concatenate([slopes, longer[:, None]], axis=1)
        return np.clip(found, -LARGEST_LN, LARGEST_LN), slopes


def _none(values: np.ndarray, voltage: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(voltage.shape), np.zeros((voltage.size, 0))


def _exponential(values: np.ndarray, voltage: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return values[0] * voltage, voltage[:, None].copy()


def _power(values: np.ndarray, voltage: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    log = np.log(np.maximum(voltage, 1e-12))
    return values[0] * log, log[:, None]


def _threshold(values: np.ndarray, voltage: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    over = np.maximum(voltage - values[0], 1e-9)
    return values[1] * np.log(over), np.stack([-values[1] / over, np.log(over)], axis=1)


def _curved(values: np.ndarray, voltage: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return values[0] * voltage + values[1] * voltage**2, np.stack([voltage, voltage**2], axis=1)


AMPLITUDE_LAWS = {
    law.name: law
    for law in (
        AmplitudeLaw(
            "exponential",
            "exponential in the amplitude",
            "ln rate = a + |V| / V0",
            "10.1109/LED.2011.2163292",
            ("inverse_v0",),
            (0.0,),
            (200.0,),
            ((1.0,), (5.0,), (15.0,)),
            _exponential,
        ),
        AmplitudeLaw(
            "power",
            "power law in the amplitude",
            "ln rate = a + n ln |V|",
            "10.1109/TCSII.2015.2433536",
            ("n",),
            (0.0,),
            (100.0,),
            ((2.0,), (6.0,)),
            _power,
        ),
        AmplitudeLaw(
            "threshold",
            "power law above a threshold (VTEAM)",
            "ln rate = a + alpha ln(|V| / v_th - 1)",
            "10.1109/TCSII.2015.2433536",
            ("v_th", "alpha"),
            (0.0, 0.05),
            (np.inf, 30.0),
            ((0.3, 4.0), (0.6, 2.5), (0.85, 1.2)),
            _threshold,
        ),
    )
}
# The law of the width alone, for tables of one amplitude; and the reference of tests where rates cannot be free.
NO_AMPLITUDE = AmplitudeLaw("width", "power law in the width", "ln rate = a + m ln w", "", (), (), (), ((),), _none)
CURVED = AmplitudeLaw(
    "curved",
    "a parabola in the amplitude",
    "ln rate = a + b |V| + c V^2",
    "",
    ("b", "c"),
    (-100.0, -100.0),
    (200.0, 100.0),
    ((2.0, 0.0), (8.0, 0.0)),
    _curved,
)
EVERY_LAW = {**AMPLITUDE_LAWS, NO_AMPLITUDE.name: NO_AMPLITUDE}
