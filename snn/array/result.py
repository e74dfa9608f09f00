"""What an array of a card's devices needs, as answers with what they rest on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
    """What cannot be said: the file that would tell it, or why not."""

    needs: str = ""
    why: str = ""

    @property
    def words(self) -> str:
        """For people."""
        return f"not known; it takes {self.needs}" if self.needs else f"not known: {self.why}"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {"known": False, "needs": self.needs or None, "why": self.why or None}


@dataclass(frozen=True)
class Point:
    """Test accuracies [1] of each seed with some settings changed.

    Attributes
    ----------
    changes : mapping
    accuracies : tuple of float
    reference : tuple of float or None
        Of the same network without the changes; None: those of the ideal array.
    inputs : int
        Rows of the hidden layer that were tried: a tile is filled by repeated inputs. 0: as many as the data have.
    """

    changes: Mapping[str, object]
    accuracies: tuple[float, ...]
    reference: tuple[float, ...] | None = None
    inputs: int = 0

    @property
    def mean(self) -> float:
        """Over seeds [1]."""
        return float(np.mean(self.accuracies))

    def loss(self, ideal: Point) -> tuple[float, float | None]:
        """Mean loss against another point of the same seeds, and its standard error; None of one seed."""
        apart = np.subtract(self.reference or ideal.accuracies, self.accuracies)
        error = float(apart.std(ddof=1) / np.sqrt(apart.size)) if apart.size > 1 else None
        return float(apart.mean()), error

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        changes = {name: list(value) if isinstance(value, tuple) else value for name, value in self.changes.items()}
        found: dict[str, Any] = {"settings": changes, "accuracies": list(self.accuracies)}
        if self.reference is not None:
            found |= {"reference": list(self.reference), "inputs": self.inputs}
        return found


@dataclass(frozen=True)
class Curve:
    """Points along one thing that was changed; `drops` is G_eff / G of the hidden layer, all states at mid-window."""

    name: str
    points: Sequence[Point]
    drops: tuple[float, ...]

    def along(self, setting: str) -> list[Any]:
        """Return what the points differ in: the side of a tile, bits, tolerances."""
        values = [point.changes[setting] for point in self.points]
        return [value[0] if isinstance(value, tuple) else value for value in values]

    def best(self, setting: str, ideal: Point, least: bool) -> Best:
        """The largest value (or least) up to which every one loses no more than a point.

        Parameters
        ----------
        setting : str
        ideal : Point
        least : bool
            Whether less of it costs accuracy: bits.
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
    """The last value that loses no more than a point, the first one that loses more, each with its point, or None."""

    kept: tuple[Any, Point] | None
    lost: tuple[Any, Point] | None
    ideal: Point

    @property
    def value(self) -> Any | None:
        """The answer."""
        return None if self.kept is None else self.kept[0]

    @property
    def settled(self) -> bool | None:
        """True if both losses are on their side of a point by two standard errors; None of one seed."""
        for found, side in ((self.kept, 1.0), (self.lost, -1.0)):
            if found is not None:
                loss, error = found[1].loss(self.ideal)
                if error is None:
                    return None
                if side * (POINT - loss) < 2.0 * error:
                    return False
        return True

    def words(self, show: Callable[[Any], str], better: str, beyond: str) -> str:
        """The answer with the losses that it rests on.

        Parameters
        ----------
        show : callable
            A value, for people.
        better : str
            What it takes where every value tried loses more.
        beyond : str
            What goes before the last value that was tried.
        """

        def loss(found: tuple[Any, Point]) -> str:
            mean, error = found[1].loss(self.ideal)
            return f"{100 * mean:.1f}" + ("" if error is None else f" ± {100 * error:.1f}") + " points"

        if self.kept is None:
            if self.lost is None:
                return "not tried"
            return f"{better}: {show(self.lost[0])} loses {loss(self.lost)}"
        told = f"{beyond if self.lost is None else ''}{show(self.kept[0])} (loses {loss(self.kept)}"
        told += "" if self.lost is None else f"; {show(self.lost[0])} {loss(self.lost)}"
        return told + ("; not settled by so few seeds)" if self.settled is False else ")")

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""

        def plain(found: tuple[Any, Point] | None) -> dict[str, Any] | None:
            if found is None:
                return None
            loss, error = found[1].loss(self.ideal)
            return {"value": found[0], "loss": loss, "standard_error": error}

        return {"kept": plain(self.kept), "lost": plain(self.lost), "settled": self.settled}


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
            words = side.words(lambda n: f"{n} x {n}", "smaller than those tried", "at least ")
            rows.append((f"largest tile, {curve.name}", words))
        for curve in self.converters:
            bits = curve.best("adc_bits", self.ideal, least=True)
            rows.append((f"bits of a converter, {curve.name}", bits.words(str, "more than those tried", "at most ")))
        tolerance = self.programming.best("tolerance", self.ideal, least=False)
        words = tolerance.words(lambda t: f"{percent(t)} of the window", "tighter than those tried", "at least ")
        rows.append(("tolerance of write and verify", words))
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
            return self.time.words
        until, last = self.time.until(POINT), self.time.rows[-1]
        if until is not None:
            return f"{si(until, 's')} (drift: {self.time.law.describe(until)})"
        return f"more than {si(last.time_s, 's')}, the longest time that the record lets be said"

    def _trainings(self) -> str:
        return self.wear.words

    def _joules(self) -> str:
        if isinstance(self.energy, Unknown):
            return self.energy.words
        each = self.energy
        return f"{si(each.total_j, 'J')}, reads of {si(each.read_s, 's')} at {each.read_voltage_v:g} V"

    def sentences(self) -> list[str]:
        """Return what the answers are of."""
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


def _line(curve: Curve, setting: str) -> tuple[str, np.ndarray, np.ndarray, np.ndarray]:
    accuracies = np.array([point.accuracies for point in curve.points])
    spread = accuracies.std(axis=1, ddof=1) / np.sqrt(accuracies.shape[1]) if accuracies.shape[1] > 1 else None
    x = np.array(curve.along(setting), float)
    return curve.name, x, accuracies.mean(axis=1), np.zeros(x.size) if spread is None else spread
