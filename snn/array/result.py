"""Requirements of an array of a card's devices, as answers with the measurements behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from devicekit.core.intervals import mean_ends, with_interval
from devicekit.core.records import Record, column, derived, internal
from devicekit.core.text import listed, percent, si
from devicekit.device.wear import Wear
from devicekit.plot import Panel
from snn.ageing import AgeingResult
from snn.array import figures
from snn.array.baked import BakedAccuracy
from snn.energy import InferenceEnergy
from snn.result import DataFacts

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
    def pair(self) -> tuple[str, str]:
        """The answer, and why."""
        return "unknown", f"needs {self.needs}" if self.needs else str(self.why)


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

    def loss(self, ideal: Point) -> tuple[float, tuple[float, float] | None]:
        """Return the mean loss against another point of the same seeds [1], and its 95 % interval (None: one seed)."""
        apart = np.subtract(self.reference or ideal.accuracies, self.accuracies)
        return float(apart.mean()), mean_ends(apart.tolist())


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
        """True if the 95 % intervals of both losses leave out one percentage point; None with one seed."""
        for _, point in (each for each in (self.kept, self.lost) if each is not None):
            ends = point.loss(self.ideal)[1]
            if ends is None:
                return None
            if ends[0] <= POINT <= ends[1]:
                return False
        return True

    def answer(self, limit: Limit) -> str:
        """Return the answer in few words."""
        if self.kept is None:
            return "not tried" if self.lost is None else limit.better.format(limit.show(self.lost[0]))
        return (limit.last if self.lost is None else limit.kept).format(limit.show(self.kept[0]))

    def reason(self, limit: Limit) -> str:
        """Return the losses behind the answer [points]."""
        found = [
            f"{limit.show(value)}: {with_interval(100 * mean, ends and (100 * ends[0], 100 * ends[1]))}"
            for value, point in (each for each in (self.kept, self.lost) if each is not None)
            for mean, ends in [point.loss(self.ideal)]
        ]
        return "; ".join([*found, *(["uncertain"] if self.settled is False else [])])


@dataclass(frozen=True)
class Limit:
    """Words of an answer: how a value is shown, and the answer where it, all values, or none lose little enough."""

    show: Callable[[Any], str]
    kept: str
    last: str
    better: str


TILE = Limit(lambda n: f"{n}x{n}", "up to {}", "at least {}", "smaller than {} (not tried)")
ADC = Limit(str, "{} or more", "{} or fewer", "more than {} (not tried)")
TOLERANCE = Limit(percent, "up to {} of the window", "at least {} of the window", "below {} of the window (not tried)")


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
        """Questions, answers and reasons in words."""
        return [{"question": ask, "answer": answer, "reason": why} for ask, answer, why in self.answers()]

    def answers(self) -> list[tuple[str, str, str]]:
        """Return questions, answers and reasons, each for a loss of at most one percentage point by one effect."""
        rows = []
        if self.weights_only:
            rows.append(("tile", "unknown", "the card holds weights, which have no resistance"))
        for limit, question, setting, curves in (
            (TILE, "tile", "tile", self.wires),
            (ADC, "bits", "adc_bits", self.converters),
            (TOLERANCE, "tolerance of", "tolerance", (self.programming,)),
        ):
            for curve in curves:
                best = curve.best(setting, self.ideal, least=limit is ADC)
                name = curve.name.replace("one gain per", "gain per")
                asked = f"{question} {name}" if limit is TOLERANCE else f"{question}, {name}"
                rows.append((asked, best.answer(limit), best.reason(limit)))
        rows.append(("time until that loss", *self._time()))
        if self.baked is not None:
            rows.append(("accuracy after the bake", self.baked.words, ""))
        wear = self.wear.pair if isinstance(self.wear, Unknown) else (self.wear.words, "")
        rows.append(("trainings until wear-out", *wear))
        return [*rows, ("energy of an inference", *self._joules())]

    def verdict(self) -> str:
        """Return the main answers in one sentence."""
        parts, found = [], []
        if self.wires:
            curve = self.wires[2 * ((len(self.wires) // 2) // 2)]  # of the middle resistance, one gain per layer
            best = curve.best("tile", self.ideal, least=False)
            parts.append(f"tiles {best.answer(TILE)} ({curve.name})")
            found.append(best)
        if self.converters:
            bits = self.converters[0].best("adc_bits", self.ideal, least=True)
            found.append(bits)
            parts.append(f"converters of {bits.answer(ADC).replace(' or', ' bits or', 1)}")
        tolerance = self.programming.best("tolerance", self.ideal, least=False)
        parts.append(f"a write tolerance {tolerance.answer(TOLERANCE)}")
        settled = all(each.settled for each in (*found, tolerance))
        unsure = "" if settled else " Not all of this is certain: use more seeds (--seeds)."
        needed = f"For a loss of at most one point by each effect alone, it needs {listed(parts)}"
        return f"{needed}; together they can cost more.{unsure}"

    def _time(self) -> tuple[str, str]:
        if isinstance(self.time, Unknown):
            return self.time.pair
        until, last = self.time.until(POINT), self.time.rows[-1]
        if until is not None:
            return si(until, "s"), f"drift: {self.time.law.describe(until)}"
        return f"more than {si(last.time_s, 's')}", "the longest time covered by the retention data"

    def _joules(self) -> tuple[str, str]:
        if isinstance(self.energy, Unknown):
            return self.energy.pair
        each = self.energy
        return si(each.total_j, "J"), f"reads of {si(each.read_s, 's')} at {each.read_voltage_v:g} V"

    def sentences(self) -> list[str]:
        """Return sentences about the network and the data."""
        one = len(self.ideal.accuracies) == 1
        seeds = "one seed" if one else f"{len(self.ideal.accuracies)} seeds"
        return [
            f"A network of {self.hidden} hidden neurons trained with float weights for {self.epochs} epochs and "
            f"programmed into devices: test accuracy {percent(self.ideal.mean)} on an ideal array ({seeds}; "
            f"{self.data.name}, {self.data.split}).",
            *(self.wear.sentences() if isinstance(self.wear, Wear) else []),
            *(self.time.sentences() if isinstance(self.time, AgeingResult) else []),
        ]

    def wires_panel(self) -> Panel:
        """Draw accuracy against the side of a tile, one line per resistance."""
        lines = [_line(curve, "tile") for curve in self.wires]
        return figures.against(lines, "side of a tile", "devices", self.ideal.mean, pairs=True)

    def converters_panel(self) -> Panel:
        """Draw accuracy against bits."""
        lines = [_line(curve, "adc_bits") for curve in self.converters]
        return figures.against(lines, "bits of a converter", "", self.ideal.mean, log=False)

    def programming_panel(self) -> Panel:
        """Draw accuracy against tolerance."""
        name, x, mean, half = _line(self.programming, "tolerance")
        return figures.against([(name, 100 * x, mean, half)], "tolerance, of the window", "%", self.ideal.mean)


def _line(curve: Curve, setting: str) -> figures.Line:
    """Return name, values of a setting, mean accuracies and the half widths of their 95 % intervals."""
    ends = [mean_ends(point.accuracies) for point in curve.points]
    half = np.array([0.0 if each is None else (each[1] - each[0]) / 2 for each in ends])
    mean = np.array([point.mean for point in curve.points])
    return curve.name, np.array(curve.along(setting), float), mean, half
