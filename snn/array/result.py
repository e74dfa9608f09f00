"""What an array of a card's devices needs, as answers with what they rest on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from devicekit.device.wear import Wear
from devicekit.plot import Panel
from devicekit.text import percent, si
from snn.ageing import AgeingResult
from snn.array import figures
from snn.energy import InferenceEnergy
from snn.training import DataFacts

POINT = 0.01  # of accuracy: what may be lost


@dataclass(frozen=True)
class Unknown:
    """What cannot be said, and what would tell it."""

    needs: str

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"known": False, "needs": self.needs}


@dataclass(frozen=True)
class Point:
    """Test accuracies [1] of each seed with some settings changed."""

    changes: Mapping[str, object]
    accuracies: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Over seeds [1]."""
        return float(np.mean(self.accuracies))

    def loss(self, ideal: Point) -> tuple[float, float | None]:
        """Mean loss against another point of the same seeds, and its standard error; None of one seed."""
        apart = np.subtract(ideal.accuracies, self.accuracies)
        error = float(apart.std(ddof=1) / np.sqrt(apart.size)) if apart.size > 1 else None
        return float(apart.mean()), error

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        changes = {name: list(value) if isinstance(value, tuple) else value for name, value in self.changes.items()}
        return {"settings": changes, "accuracies": list(self.accuracies)}


@dataclass(frozen=True)
class Curve:
    """Points along one thing that was changed; `drops` is G_eff / G of the hidden layer, all states at mid-window."""

    name: str
    points: Sequence[Point]
    drops: tuple[float, ...]

    def along(self, setting: str) -> list[Any]:
        """What the points differ in: the side of a tile, bits, tolerances."""
        values = [point.changes[setting] for point in self.points]
        return [value[0] if isinstance(value, tuple) else value for value in values]

    def best(self, setting: str, ideal: Point, least: bool) -> Any | None:
        """The largest value (or least) up to which every one loses no more than a point; None if none does.

        Parameters
        ----------
        setting : str
        ideal : Point
        least : bool
            Whether less of it costs accuracy: bits.
        """
        order = sorted(zip(self.along(setting), self.points, strict=True), key=lambda each: each[0], reverse=least)
        found = None
        for value, point in order:
            if point.loss(ideal)[0] > POINT:
                break
            found = value
        return found


@dataclass(frozen=True)
class ArrayResult:
    """An array of a card's devices.

    Attributes
    ----------
    card : str
    ideal : Point
        Programmed without errors, without wires and converters.
    wires, converters : tuple of Curve
        Empty wires of a card that holds weights.
    programming : Curve
        Accuracy against the tolerance of write and verify.
    time : AgeingResult or Unknown
    wear : Wear or Unknown
    energy : InferenceEnergy or Unknown
    insitu_accuracy : float
        Of the training whose pulses `wear` counts [1].
    data : DataFacts
    hidden, epochs : int
        Of the network.
    weights_only : bool
        Whether the card holds weights, which have no ohms.
    """

    card: str
    ideal: Point
    wires: tuple[Curve, ...]
    converters: tuple[Curve, ...]
    programming: Curve
    time: AgeingResult | Unknown
    wear: Wear | Unknown
    energy: InferenceEnergy | Unknown
    insitu_accuracy: float
    data: DataFacts
    hidden: int
    epochs: int
    weights_only: bool

    def answers(self) -> list[tuple[str, str]]:
        """Question and answer, in words; each for a loss of no more than a point, one thing at a time."""
        rows = []
        if self.weights_only:
            rows.append(("largest tile", "not known: the card holds weights, which have no ohms"))
        for curve in self.wires:
            side = curve.best("tile", self.ideal, least=False)
            rows.append((f"largest tile, {curve.name}", _or(side, lambda n: f"{n} x {n}", "smaller than those tried")))
        for curve in self.converters:
            bits = curve.best("adc_bits", self.ideal, least=True)
            rows.append((f"bits of a converter, {curve.name}", _or(bits, str, "more than those tried")))
        tolerance = self.programming.best("tolerance", self.ideal, least=False)
        rows.append(
            ("tolerance of write and verify", _or(tolerance, lambda t: f"{percent(t)} of the window", "tighter"))
        )
        rows += [("time until a point is lost", self._time()), ("trainings until wear-out", self._trainings())]
        return [*rows, ("energy of an inference, devices alone", self._joules())]

    def verdict(self) -> str:
        """The answers that a first page has room for."""
        told = dict(self.answers())
        wires = [name for name in told if name.startswith("largest tile")]
        kept = [*wires[:2], *(name for name in told if name.startswith(("bits", "tolerance", "time")))]
        return "For a loss of no more than a point, " + "; ".join(f"{name}: {told[name]}" for name in kept) + "."

    def _time(self) -> str:
        if isinstance(self.time, Unknown):
            return f"not known; it takes {self.time.needs}"
        until, last = self.time.until(POINT), self.time.rows[-1]
        if until is not None:
            return f"{si(until, 's')} (drift: {self.time.law.words(until)})"
        return f"more than {si(last.time_s, 's')}, the longest time that the record lets be said"

    def _trainings(self) -> str:
        if isinstance(self.wear, Unknown):
            return f"not known; it takes {self.wear.needs}"
        least = "" if self.wear.life.failed else "at least "
        return f"{least}{self.wear.worst:.3g} until the most pulsed device, if a pulse counts as a cycle"

    def _joules(self) -> str:
        if isinstance(self.energy, Unknown):
            return f"not known: {self.energy.needs}"
        each = self.energy
        return f"{si(each.total_j, 'J')}, reads of {si(each.read_s, 's')} at {each.read_voltage_v:g} V"

    def sentences(self) -> list[str]:
        """What the answers are of."""
        one = len(self.ideal.accuracies) == 1
        seeds = "one seed" if one else f"{len(self.ideal.accuracies)} seeds"
        return [
            f"A network of {self.hidden} hidden neurons trained with float weights for {self.epochs} epochs and "
            f"programmed into devices: test accuracy {percent(self.ideal.mean)} on an ideal array ({seeds}; "
            f"{self.data.name}, {self.data.split}). Each answer is for a loss of no more than a point, by one thing "
            "alone; together they cost more.",
            *(self.wear.sentences() if isinstance(self.wear, Wear) else []),
            *(self.time.sentences() if isinstance(self.time, AgeingResult) else []),
        ]

    def wires_panel(self) -> Panel:
        """Accuracy against the side of a tile, a line a resistance."""
        return figures.against(
            [_line(curve, "tile") for curve in self.wires], "side of a tile", "devices", self.ideal.mean
        )

    def converters_panel(self) -> Panel:
        """Accuracy against bits."""
        lines = [_line(curve, "adc_bits") for curve in self.converters]
        return figures.against(lines, "bits of a converter", "", self.ideal.mean, log=False)

    def programming_panel(self) -> Panel:
        """Accuracy against tolerance."""
        return figures.against(
            [_line(self.programming, "tolerance")], "tolerance, fraction of the window", "", self.ideal.mean
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""

        def curve(each: Curve) -> dict[str, Any]:
            points = [point.as_dict() for point in each.points]
            return {"name": each.name, "points": points, "effective_over_ideal": list(each.drops)}

        return {
            "card": self.card,
            "data": {"name": self.data.name, "split": self.data.split},
            "hidden": self.hidden,
            "epochs": self.epochs,
            "answers": [{"question": question, "answer": answer} for question, answer in self.answers()],
            "ideal": self.ideal.as_dict(),
            "wires": [curve(each) for each in self.wires],
            "converters": [curve(each) for each in self.converters],
            "programming": curve(self.programming),
            "time": self.time.as_dict(),
            "wear": self.wear.as_dict(),
            "energy": self.energy.as_dict(),
            "insitu_accuracy": self.insitu_accuracy,
        }


def _or(value: Any, words: Any, otherwise: str) -> str:
    return otherwise if value is None else str(words(value))


def _line(curve: Curve, setting: str) -> tuple[str, np.ndarray, np.ndarray, np.ndarray]:
    accuracies = np.array([point.accuracies for point in curve.points])
    spread = accuracies.std(axis=1, ddof=1) / np.sqrt(accuracies.shape[1]) if accuracies.shape[1] > 1 else None
    x = np.array(curve.along(setting), float)
    return curve.name, x, accuracies.mean(axis=1), np.zeros(x.size) if spread is None else spread
