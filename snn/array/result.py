"""Requirements of an array of a card's devices, as answers with the measurements behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from devicekit.core.records import Record, column, derived, internal
from devicekit.core.text import percent, si
from devicekit.device.wear import Wear
from devicekit.plot import Panel
from snn.ageing import AgeingResult
from snn.array import figures
from snn.array.baked import BakedAccuracy
from snn.energy import InferenceEnergy
from snn.training import DataFacts

POINT = 0.01  # acceptable loss of accuracy: one percentage point


@dataclass(frozen=True)
class Unknown(Record):
    """An unknown answer: the data it needs, or the reason."""

    needs: str | None = column(default=None, doc="data that it needs")
    why: str | None = column(default=None, doc="why it is unknown")

    @derived()
    def known(self) -> bool:
        """False: the answer is unknown."""
        return False

    @property
    def words(self) -> str:
        """The answer in words."""
        return f"unknown; needs {self.needs}" if self.needs else f"unknown: {self.why}"


@dataclass(frozen=True)
class Point(Record):
    """Test accuracies of each seed with changed settings."""

    changes: Mapping[str, object] = column(name="settings", doc="changed settings")
    accuracies: tuple[float, ...] = column(doc="test accuracy of each seed, 0..1")
    reference: tuple[float, ...] | None = column(
        default=None,
        optional=True,
        doc="accuracies of the same network without the changes; those of the ideal array if there are none",
    )
    inputs: int | None = column(
        default=None,
        optional=True,
        doc="rows of the hidden layer, as inputs are repeated to fill a tile; as many as the data have if not given",
    )

    @property
    def mean(self) -> float:
        """Mean over seeds [1]."""
        return float(np.mean(self.accuracies))

    def loss(self, ideal: Point) -> tuple[float, float | None]:
        """Return the mean loss against another point of the same seeds, and its standard error (None: one seed)."""
        apart = np.subtract(self.reference or ideal.accuracies, self.accuracies)
        error = float(apart.std(ddof=1) / np.sqrt(apart.size)) if apart.size > 1 else None
        return float(apart.mean()), error


@dataclass(frozen=True)
class Curve(Record):
    """Points along one setting."""

    name: str = column(doc="what the curve is of")
    points: Sequence[Point] = column(doc="accuracies along the setting")
    drops: tuple[float, ...] = column(
        name="effective_over_ideal", doc="G_eff / G of the hidden layer, all states at mid-window"
    )

    def along(self, setting: str) -> list[Any]:
        """Return the values of a setting along the curve: sides of a tile, bits, tolerances."""
        values = [point.changes[setting] for point in self.points]
        return [value[0] if isinstance(value, tuple) else value for value in values]

    def best(self, setting: str, ideal: Point, least: bool) -> Best:
        """Return the largest value (or smallest) up to which all lose at most one percentage point.

        Parameters
        ----------
        setting : str
        ideal : Point
        least : bool
            True if smaller values cost accuracy (bits).
        """
        order = sorted(zip(self.along(setting), self.points, strict=True), key=lambda each: each[0], reverse=least)
        found: tuple[Any, Point] | None = None
        for value, point in order:
            if point.loss(ideal)[0] > POINT:
                return Best(found, (value, point), ideal)
            found = value, point
        return Best(found, None, ideal)


@dataclass(frozen=True)
class Best:
    """The last value with an acceptable loss and the first one with a larger loss, each with its point, or None."""

    kept: tuple[Any, Point] | None
    lost: tuple[Any, Point] | None
    ideal: Point

    @property
    def value(self) -> Any | None:
        """The last value with an acceptable loss; None without one."""
        return None if self.kept is None else self.kept[0]

    @property
    def settled(self) -> bool | None:
        """True if both losses differ from one percentage point by two standard errors; None with one seed."""
        for found, side in ((self.kept, 1.0), (self.lost, -1.0)):
            if found is not None:
                loss, error = found[1].loss(self.ideal)
                if error is None:
                    return None
                if side * (POINT - loss) < 2.0 * error:
                    return False
        return True

    def words(self, show: Callable[[Any], str], better: str, beyond: str) -> str:
        """Return the answer with the losses behind it.

        Parameters
        ----------
        show : callable
            Value -> text.
        better : str
            Text if every value tried loses more.
        beyond : str
            Text before the last value tried.
        """

        def loss(found: tuple[Any, Point]) -> str:
            mean, error = found[1].loss(self.ideal)
            return f"{100 * mean:.1f}" + ("" if error is None else f" ± {100 * error:.1f}") + " percentage points"

        if self.kept is None:
            if self.lost is None:
                return "not tried"
            return f"{better}: {show(self.lost[0])} loses {loss(self.lost)}"
        answer = f"{beyond if self.lost is None else ''}{show(self.kept[0])} (loses {loss(self.kept)}"
        answer += "" if self.lost is None else f"; {show(self.lost[0])} loses {loss(self.lost)}"
        return answer + ("; uncertain, use more seeds)" if self.settled is False else ")")


@dataclass(frozen=True, kw_only=True)
class ArrayResult(Record):
    """An array of a card's devices."""

    card: str = column(doc="name of the card")
    ideal: Point = column(doc="network programmed without errors, without wires and converters")
    wires: tuple[Curve, ...] = column(
        doc="accuracy against the side of a tile, by resistance; empty for a card that holds weights"
    )
    converters: tuple[Curve, ...] = column(doc="accuracy against bits")
    programming: Curve = column(doc="accuracy against the tolerance of write and verify")
    time: AgeingResult | Unknown = column(doc="accuracy over time")
    wear: Wear | Unknown = column(doc="trainings until wear-out")
    energy: InferenceEnergy | Unknown = column(doc="energy of an inference")
    insitu_accuracy: float = column(doc="accuracy of the training whose pulses `wear` counts, 0..1")
    data: DataFacts = internal("the data")
    hidden: int = column(doc="hidden neurons of the network")
    epochs: int = column(doc="epochs of the network")
    weights_only: bool = internal("whether the card holds weights instead of conductances")
    baked: BakedAccuracy | None = column(default=None, optional=True, doc="accuracy after the bake that was asked for")

    @derived(name="data")
    def named_data(self) -> dict[str, str]:
        """Name and split of the data."""
        return {"name": self.data.name, "split": self.data.split}

    @derived(name="answers")
    def answered(self) -> list[dict[str, str]]:
        """Questions and answers in words."""
        return [{"question": question, "answer": answer} for question, answer in self.answers()]

    def answers(self) -> list[tuple[str, str]]:
        """Return questions and answers in words, each for a loss of at most one percentage point by one effect."""
        rows = []
        if self.weights_only:
            rows.append(("largest tile", "unknown: the card holds weights, which have no resistance"))
        for curve in self.wires:
            side = curve.best("tile", self.ideal, least=False)
            words = side.words(lambda n: f"{n} x {n}", "smaller than those tried", "at least ")
            rows.append((f"largest tile, {curve.name}", words))
        for curve in self.converters:
            bits = curve.best("adc_bits", self.ideal, least=True)
            rows.append((f"bits of a converter, {curve.name}", bits.words(str, "more than those tried", "at most ")))
        tolerance = self.programming.best("tolerance", self.ideal, least=False)
        words = tolerance.words(lambda t: f"{percent(t)} of the window", "tighter than those tried", "at least ")
        rows.append(("tolerance of write and verify", words))
        rows.append(("time until a loss of one percentage point", self._time()))
        if self.baked is not None:
            rows.append(("accuracy after the bake", self.baked.words))
        rows.append(("trainings until wear-out", self.wear.words))
        return [*rows, ("energy of an inference, devices alone", self._joules())]

    def verdict(self) -> str:
        """Return the main answers in one sentence."""
        answers = dict(self.answers())
        wires = [name for name in answers if name.startswith("largest tile")]
        kept = [*wires[:2], *(name for name in answers if name.startswith(("bits", "tolerance", "time")))]
        limits = "; ".join(f"{name}: {answers[name]}" for name in kept)
        return f"Limits for a loss of at most one percentage point: {limits}."

    def _time(self) -> str:
        if isinstance(self.time, Unknown):
            return self.time.words
        until, last = self.time.until(POINT), self.time.rows[-1]
        if until is not None:
            return f"{si(until, 's')} (drift: {self.time.law.describe(until)})"
        return f"more than {si(last.time_s, 's')}, the longest time covered by the retention data"

    def _joules(self) -> str:
        if isinstance(self.energy, Unknown):
            return self.energy.words
        each = self.energy
        return f"{si(each.total_j, 'J')}, reads of {si(each.read_s, 's')} at {each.read_voltage_v:g} V"

    def sentences(self) -> list[str]:
        """Return sentences about the network and the data."""
        one = len(self.ideal.accuracies) == 1
        seeds = "one seed" if one else f"{len(self.ideal.accuracies)} seeds"
        return [
            f"A network of {self.hidden} hidden neurons trained with float weights for {self.epochs} epochs and "
            f"programmed into devices: test accuracy {percent(self.ideal.mean)} on an ideal array ({seeds}; "
            f"{self.data.name}, {self.data.split}). Effects together cost more than each alone.",
            *(self.wear.sentences() if isinstance(self.wear, Wear) else []),
            *(self.time.sentences() if isinstance(self.time, AgeingResult) else []),
        ]

    def wires_panel(self) -> Panel:
        """Draw accuracy against the side of a tile, one line per resistance."""
        return figures.against(
            [_line(curve, "tile") for curve in self.wires], "side of a tile", "devices", self.ideal.mean
        )

    def converters_panel(self) -> Panel:
        """Draw accuracy against bits."""
        lines = [_line(curve, "adc_bits") for curve in self.converters]
        return figures.against(lines, "bits of a converter", "", self.ideal.mean, log=False)

    def programming_panel(self) -> Panel:
        """Draw accuracy against tolerance."""
        return figures.against(
            [_line(self.programming, "tolerance")], "tolerance, fraction of the window", "", self.ideal.mean
        )


def _line(curve: Curve, setting: str) -> tuple[str, np.ndarray, np.ndarray, np.ndarray]:
    accuracies = np.array([point.accuracies for point in curve.points])
    spread = accuracies.std(axis=1, ddof=1) / np.sqrt(accuracies.shape[1]) if accuracies.shape[1] > 1 else None
    x = np.array(curve.along(setting), float)
    return curve.name, x, accuracies.mean(axis=1), np.zeros(x.size) if spread is None else spread
