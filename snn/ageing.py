"""Accuracy of a trained network as its devices age, and the loss predicted from one number.

A network is trained once and tested at several times after writing, each time on several draws of the drift exponents
of its devices. The band over draws is the variation between arrays of the same devices.

The number is the error of a state due to drift (`devicekit.device.ageing.static_error`), relative to the differences of
states within pairs; any independent static error of states follows the same curve. A drift common to all devices is a
gain, and costs nothing down to `shipped()["least_gain"]`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypedDict

import numpy as np
import pandas as pd

from devicekit.core.errors import UsageError
from devicekit.core.records import Record, column, derived, frame, internal
from devicekit.core.text import percent
from devicekit.device.ageing import Drift, require_conductance, static_error
from devicekit.device.card import DeviceCard
from devicekit.plot import Panel
from snn import drift, figures
from snn.config import TrainingConfig
from snn.data.dataset import Dataset
from snn.result import DataFacts
from snn.synapses import Synapses
from snn.training import Run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHIPPED = Path(__file__).with_name("ageing_curve.json")
DRAWS = 10

Spread = tuple[float, float]


class Loss(NamedTuple):
    """Mean loss of accuracy [1] over device draws, and its standard deviation over draws."""

    mean: float
    sd: float


class LossCurve(TypedDict):
    """Measured losses of one network: of pairs, programmed without other errors."""

    data: str  # with their split
    network: list[int]  # inputs, hidden and output neurons
    noise: list[float]  # error of a weight over the rms of weights, as of `noise_to_signal`
    loss: list[float]  # mean over seeds and draws [1]
    sd: list[float]  # standard deviation over draws [1]
    spread: Spread  # rms of r+ - r- of both layers
    output_share: float  # weight of the output layer in `noise`
    least_gain: float  # down to which a common gain costs nothing


@lru_cache(maxsize=1)
def shipped() -> LossCurve:
    """Return the measured curve that comes with this package (remeasured by `benchmarks/static_errors.py`)."""
    loaded: LossCurve = json.loads(SHIPPED.read_text(encoding="utf-8"))
    return loaded


def pair_spread(synapses: Synapses) -> Spread:
    """Return the rms of r+ - r- of both layers [1], the signal to which errors of states are compared.

    Parameters
    ----------
    synapses : Synapses
        Both layers, with pairs of devices.

    Returns
    -------
    tuple of float
        One number per layer [1].

    Raises
    ------
    UsageError
        If the devices are not pairs.
    """
    if synapses.reference is not None:
        raise UsageError('The predicted loss needs pairs of devices. Use mapping "pair".')
    first, second = (
        float(np.sqrt(np.mean((a.observed_states[::2] - a.observed_states[1::2]) ** 2))) for a in synapses.arrays
    )
    return first, second


def noise_to_signal(sigma_r: float, spread: Spread | None = None, curve: LossCurve | None = None) -> float:
    """Return the error of a weight over the rms of weights [1], as a weighted mean over both layers.

    Root of the weighted mean square of sqrt(2) sigma_r over the spread of each layer.

    Parameters
    ----------
    sigma_r : float
        Standard deviation of a state's error [of the window].
    spread : (float, float), optional
        rms of r+ - r- of both layers; None: those of the network of the curve.
    curve : LossCurve, optional
        A measured curve of losses; None: the shipped one.

    Returns
    -------
    float
        The ratio [1].
    """
    curve = curve or shipped()
    share, (first, second) = curve["output_share"], spread or curve["spread"]
    return math.sqrt(2.0 * sigma_r**2 * ((1.0 - share) / first**2 + share / second**2))


def predicted_loss(
    sigma_r: float, spread: Spread | None = None, *, gain: float = 1.0, curve: LossCurve | None = None
) -> Loss:
    """Predict the loss of accuracy due to independent static errors of states, for the network and data of the curve.

    Narrower networks lose more.

    Parameters
    ----------
    sigma_r : float
        Standard deviation of a state's error [of the window].
    spread : (float, float), optional
        As for `noise_to_signal`. Pass that of a network trained in situ: its states differ by less, so that the same
        error costs more.
    gain : float
        Common gain of all weights [1].
    curve : LossCurve, optional
        Curve to use instead of `shipped`.

    Raises
    ------
    UsageError
        If the error is beyond the curve, or the gain is so small that it costs accuracy by itself.
    """
    curve = curve or shipped()
    noise, known = noise_to_signal(sigma_r, spread, curve), np.array(curve["noise"])
    if not 0 <= noise <= known[-1]:
        raise UsageError(
            f"The error is {noise:.3g} of the rms weight, beyond the measured curve (up to {known[-1]:.3g})."
        )
    if gain < curve["least_gain"]:
        raise UsageError(
            f"The common gain is {percent(gain)}, below {percent(curve['least_gain'])}: the curve does not include its "
            "cost."
        )
    mean, sd = (float(np.interp(noise, known, losses)) for losses in (curve["loss"], curve["sd"]))
    return Loss(mean, sd)


@dataclass(frozen=True, kw_only=True)
class AgedRow(Record):
    """One time after writing."""

    time_s: float = column(doc="time after writing")
    mean: float = column(doc="mean test accuracy over draws of devices, 0..1")
    sd: float = column(doc="its standard deviation over draws")
    lowest: float = column(doc="lowest accuracy of a draw")
    highest: float = column(doc="highest accuracy of a draw")
    sigma_r: float = column(doc="error of a state due to drift, of the window")
    gain: float = column(doc="common gain of all conductances")
    predicted: float | None = column(
        doc="accuracy by `predicted_loss`; None if it is not applicable (other network sizes, wires, converters, read "
        "noise)"
    )
    beyond: float = column(doc="time over the longest measured time; 0 for exponents set by hand")


@dataclass(frozen=True, kw_only=True)
class AgeingResult(Record):
    """Accuracy over time."""

    rows: tuple[AgedRow, ...] = column(doc="accuracies at each time")
    accuracy: float = column(doc="test accuracy before any time, 0..1")
    draws: int = column(doc="draws of devices at each time")
    law: Drift = internal("law of the drift")
    spread: Spread | None = column(doc="rms of r+ - r- of both layers; None without pairs")
    data: DataFacts = column(doc="the data")

    @derived(name="law")
    def known_law(self) -> dict[str, object]:
        """Numbers of the law without the infinite ones of exponents set by hand."""
        return {name: value for name, value in asdict(self.law).items() if value != math.inf}

    def until(self, lost: float = 0.01) -> float | None:
        """Return the time at which the mean has fallen by `lost` [1], interpolated in log time [s], or None."""
        times = np.log([self.law.t0_s, *(row.time_s for row in self.rows)])
        losses = [0.0, *(self.accuracy - row.mean for row in self.rows)]
        for k in range(1, len(losses)):
            if losses[k - 1] < lost <= losses[k]:
                share = (lost - losses[k - 1]) / (losses[k] - losses[k - 1])
                return float(np.exp(times[k - 1] + share * (times[k] - times[k - 1])))
        return None

    def panel(self) -> Panel:
        """Draw accuracy against time, with the band over device draws."""
        names = ("time_s", "mean", "lowest", "highest")
        times, mean, low, high = (np.array([getattr(row, name) for row in self.rows]) for name in names)
        title = f"{self.data.name}: nu {self.law.nu:.3g}, sd over devices {self.law.nu_sd:.3g}"
        band = f"lowest to highest of {self.draws} draws"
        return figures.over_time(times, mean, low, high, self.accuracy, band, title)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw `panel`."""
        return self.panel().draw(ax)

    def frame(self) -> pd.DataFrame:
        """Return the rows as a table, one per time."""
        return frame(self.rows)

    def sentences(self) -> list[str]:
        """Describe the accuracy over time and the drift behind it."""
        last = self.rows[-1]
        words = [
            f"The test accuracy goes from {percent(self.accuracy)} to {percent(last.mean)} after {last.time_s:.3g} s "
            f"({percent(last.lowest)} to {percent(last.highest)} over {self.draws} draws of devices)."
        ]
        words.append(f"Drift: {self.law.describe(last.time_s)}.")
        return words


def accuracy_over_time(
    card: DeviceCard,
    config: TrainingConfig,
    data: Dataset,
    times: Sequence[float],
    draws: int = DRAWS,
    law: Drift | None = None,
) -> AgeingResult:
    """Train once, and test at several times on several draws of the devices' exponents.

    Parameters
    ----------
    card : DeviceCard
        Card in conductance. An offline network is programmed into its devices and then aged.
    config : TrainingConfig
        Its `time_s` is not used.
    data : Dataset
    times : sequence of float
        Times after writing [s].
    draws : int
        Draws of devices at each time, at least 2.
    law : Drift, optional
        Drift law; None: from the settings (`drift_nu`, `drift_nu_sd`, `drift_t0_s`) or the retention block of the card.

    Raises
    ------
    UsageError
        If no drift is known, a time is before t0 or too long to extrapolate, or the card holds weights.
    """
    require_conductance(card.window)
    if draws < 2 or not times:
        raise UsageError("Set at least 2 draws of devices and at least one time.")
    law = law or _find_law(card, config)
    for time_s in times:
        law.logarithm(time_s)  # refuse before the training
    run = Run(card, replace(config, time_s=0.0), data)
    for epoch in range(config.epochs):
        run.learn(epoch)
    synapses = run.synapses if run.synapses is not None else run.learner.program()
    last = config.epochs - 1
    accuracy = run.test(last, synapses=synapses)
    spread = pair_spread(synapses) if config.mapping == "pair" else None
    g = card.window.from_state(np.concatenate([array.observed_states for array in synapses.arrays]))
    own = shipped()["network"] == [synapses.shapes[0][0], *(shape[1] for shape in synapses.shapes)]
    own = own and synapses.wiring is None and config.adc_bits == 0 and not config.read_noise and config.telegraph == 0
    programmed = _programming_error(config)
    rows = []
    for time_s in sorted(times):
        changes = [drift.drift_change(card.window, law, time_s, config.seed, draw) for draw in range(draws)]
        found = np.array([run.test(last, synapses=synapses, change=change) for change in changes])
        sigma = static_error(law, g, card.window, time_s)
        rows.append(
            AgedRow(
                time_s=float(time_s),
                mean=float(found.mean()),
                sd=float(found.std(ddof=1)),
                lowest=float(found.min()),
                highest=float(found.max()),
                sigma_r=sigma,
                gain=law.gain(time_s),
                predicted=_predict_accuracy(accuracy, sigma, programmed, spread if own else None, law.gain(time_s)),
                beyond=law.extrapolation(time_s),
            )
        )
    return AgeingResult(
        rows=tuple(rows), accuracy=accuracy, draws=draws, law=law, spread=spread, data=DataFacts.of(data)
    )


def _find_law(card: DeviceCard, config: TrainingConfig) -> Drift:
    if config.drift_nu != 0 or config.drift_nu_sd != 0:
        return Drift(config.drift_nu, config.drift_nu_sd, config.drift_t0_s)
    if card.retention is None:
        raise UsageError(
            f"The drift of card {card.name!r} is unknown. Add retention data (devicekit card add), or set drift_nu and "
            "drift_nu_sd."
        )
    return Drift.from_retention(card.retention)


def _programming_error(config: TrainingConfig) -> float:
    """Return the programming error of the states of an offline network [of the window]; errors add in squares."""
    if config.scheme != "offline":
        return 0.0  # training in situ includes them
    step = 1.0 / (config.levels - 1) if config.levels > 0 else 0.0
    return math.hypot(config.program_sigma, step / 12**0.5)


def _predict_accuracy(
    accuracy: float, sigma: float, programmed: float, spread: Spread | None, gain: float
) -> float | None:
    if spread is None:
        return None
    try:
        whole = predicted_loss(math.hypot(sigma, programmed), spread, gain=gain)
        return accuracy - whole.mean + predicted_loss(programmed, spread).mean
    except UsageError:
        return None
