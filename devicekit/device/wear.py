"""Wear of an array by use: trainings until devices wear out, and the energy of reading.

A pulse counts as a cycle. This is conservative: a cycle of an endurance record switches the whole window, a pulse of a
training only a small part of it, and its smaller wear was not measured.

Energies are those of the devices alone, without drivers and selectors, charging of lines, converters, sense amplifiers,
neurons, control, and the reads to verify.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.core.records import Record, column
from devicekit.core.statistics import clopper_pearson
from devicekit.core.text import count, percent, percent_span
from devicekit.device.measured import Endurance

LEVEL = 0.95


@dataclass(frozen=True)
class Pulses(Record):
    """Pulses of one training over the devices of an array.

    The most pulsed devices fail first, which the mean does not show.
    """

    mean: float = column(doc="mean over the devices")
    p99: float = column(doc="99 % quantile")
    most: int = column(doc="maximum")

    @classmethod
    def of(cls, pulses: np.ndarray) -> Pulses:
        """Return the numbers for the pulses that each device received in one training, shape (devices,).

        Raises
        ------
        UsageError
            If there are no devices, or a number is negative.
        """
        pulses = np.asarray(pulses)
        if pulses.size == 0 or pulses.min() < 0:
            raise UsageError("pulses must be a whole number of at least 0 for each device")
        return cls(float(pulses.mean()), float(np.quantile(pulses, 0.99)), int(pulses.max()))


# of Weibull's law: share of devices, when it has failed, and the ends of the 95 % interval
Share = tuple[float, float, float | None, float | None]


@dataclass(frozen=True)
class Life(Record):
    """Cycles that devices of an endurance record last."""

    cycles: float = column(
        doc="cycles of the first failure among the measured devices; if none failed, the cycles that all of them "
        "survived"
    )
    failed: int = column(doc="devices that had failed by then; 0: `cycles` is a lower bound")
    devices: int = column(doc="devices whose state at `cycles` is known, without those whose record ends before")
    share_interval: tuple[float, float] = column(
        doc="95 % interval (Clopper and Pearson) of the share of all devices that fail by then"
    )
    shares: tuple[Share, ...] = column(
        default=(),
        doc="by Weibull's law, where the block has one: a share of devices, cycles until it has failed, and their 95 % "
        "interval",
    )

    @classmethod
    def of(cls, block: Endurance) -> Life:
        """Return the lives in a card's endurance block."""
        ends = [(each.cycles if each.failed_at is None else each.failed_at) for each in block.devices]
        fails = [each.failed_at for each in block.devices if each.failed_at is not None]
        cycles = float(min(fails)) if fails else float(min(ends))
        known = sum(end >= cycles for end in ends)
        failed = sum(at <= cycles for at in fails)
        law: Any = getattr(block, "life", None)
        shares = () if law is None else tuple(_share(each) for each in law.shares if each.cycles is not None)
        return cls(cycles, failed, known, clopper_pearson(failed, known, LEVEL), shares)


def _share(each: Any) -> Share:
    low, high = each.interval or (None, None)
    return float(each.share), float(each.cycles), low, high


@dataclass(frozen=True)
class Wear(Record):
    """Trainings that an array lasts, for its devices at the 99 % quantile of pulses and for the most pulsed one.

    They last until such a device reaches the cycles of the first measured failure; a lower bound if none failed
    (`life.failed` is 0).
    """

    pulses: Pulses = column(doc="pulses of one training")
    life: Life = column(doc="cycles that devices last")
    p99: float = column(doc="trainings of a device with the 99 % quantile of the pulses")
    worst: float = column(doc="trainings of the most pulsed device")
    shares: tuple[Share, ...] = column(
        default=(),
        doc="by Weibull's law: chance that the most pulsed device has failed, after how many trainings, and their "
        "interval",
    )
    array: tuple[ArrayLife, ...] = column(
        default=(),
        doc="by the same law: the first failure among all devices, and when one of a hundred has failed",
    )

    @property
    def words(self) -> str:
        """Result in half a sentence: of the array if lives are known, else of its most pulsed device."""
        if self.array:
            return "; ".join(f"{each.trainings:.3g} until {each.what}{each.ends}" for each in self.array)
        least = "" if self.life.failed else "at least "
        return (
            f"the most pulsed device lasts {least}{self.worst:.3g}, if a pulse counts as a cycle; the first failure "
            "among all devices is unknown, because too few failed for a lifetime law"
        )

    def sentences(self) -> list[str]:
        """Return lifetime and confidence as sentences."""
        least = "" if self.life.failed else "at least "
        until = "the cycles of the first measured failure" if self.life.failed else "the cycles that all survived"
        sentences = [
            f"{least.capitalize()}{self.worst:.3g} trainings until the most pulsed device, and {least}{self.p99:.3g} "
            f"until one at the 99 % quantile, reaches {until}, {self.life.cycles:.3g}; a pulse counts as a cycle "
            "(conservative).",
            f"After that many cycles {percent_span(*self.life.share_interval)} of the devices have failed "
            f"({percent(LEVEL)} interval; {self.life.failed} of {count(self.life.devices, 'device')} did).",
        ]
        for each in self.array:
            sentences.append(
                f"Of {count(each.devices, 'device')}: {each.trainings:.3g} trainings until {each.what}{each.ends}. "
                "This extrapolates Weibull's law far beyond the measured devices, without early failures of another "
                "kind."
            )
        for chance, trainings, low, high in self.shares:
            ends = "open" if low is None or high is None else f"{low:.3g} to {high:.3g}"
            sentences.append(
                f"By Weibull's law the most pulsed device has failed with {percent(chance)} after {trainings:.3g} "
                f"trainings (interval {ends})."
            )
        return sentences


@dataclass(frozen=True)
class ArrayLife(Record):
    """Trainings until an event in an array, by the Weibull law of its devices' cycles to failure.

    The interval is by the 95 % intervals of the law's shape and scale, open where one of them is.
    """

    what: str = column(doc="the event")
    trainings: float = column(doc="trainings until it")
    low: float | None = column(doc="lower end of the interval")
    high: float | None = column(doc="upper end of the interval")
    devices: int = column(doc="devices of the array")

    @property
    def ends(self) -> str:
        """Interval as text."""
        return " (interval open)" if self.low is None or self.high is None else f" ({self.low:.2g} to {self.high:.2g})"


def first_failure(pulses: np.ndarray, shape: float, scale: float) -> float:
    """Return the trainings until any device of an array has failed, with even chances.

    The chance that none has failed after T trainings is exp(-SUM (T c / scale)^shape), with c a device's pulses.
    """
    logs = shape * np.log(np.asarray(pulses, float)[np.asarray(pulses) > 0] / scale)
    top = logs.max()
    return float(np.exp((np.log(np.log(2.0)) - top - np.log(np.exp(logs - top).sum())) / shape))


def share_failed(pulses: np.ndarray, shape: float, scale: float, share: float) -> float:
    """Return the trainings until a share of the devices is expected to have failed; infinite if it never does."""
    cycles, many = np.unique(np.asarray(pulses, float), return_counts=True)
    if share >= many[cycles > 0].sum() / many.sum():
        return math.inf

    def failed(ln_trainings: float) -> float:
        return float((many * -np.expm1(-((np.exp(ln_trainings) * cycles / scale) ** shape))).sum() / many.sum())

    low, high = math.log(scale / cycles.max()) - 60.0 / shape, math.log(scale / cycles[cycles > 0].min()) + 10.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if failed(middle) < share else (low, middle)
    return math.exp(0.5 * (low + high))


def _array_lives(pulses: np.ndarray, block: Endurance) -> tuple[ArrayLife, ...]:
    law = block.life
    if law is None or not (np.asarray(pulses) > 0).any():
        return ()
    found = []
    for what, of in (
        ("the first of all devices fails (even chances)", first_failure),
        ("1 % of the devices have failed", lambda own, shape, scale: share_failed(own, shape, scale, 0.01)),
    ):
        middle = of(pulses, law.shape, law.scale_cycles)
        if not math.isfinite(middle):
            continue
        low: float | None = None
        high: float | None = None
        if law.shape_interval is not None and law.scale_interval is not None:
            sides = []
            for end in (0, 1):  # both a steeper law and a longer life give later first failures
                by_shape = math.log(of(pulses, law.shape_interval[end], law.scale_cycles) / middle)
                by_scale = math.log(law.scale_interval[end] / law.scale_cycles)
                sides.append(math.hypot(by_shape, by_scale))
            low, high = middle * math.exp(-sides[0]), middle * math.exp(sides[1])
        found.append(ArrayLife(what, middle, low, high, int(np.asarray(pulses).size)))
    return tuple(found)


def wear(pulses: np.ndarray, block: Endurance) -> Wear:
    """Estimate the trainings until wear-out from the pulses of one training.

    Parameters
    ----------
    pulses : ndarray of int, shape (devices,)
        Pulses that each device got, those of programming included.
    block : Endurance
        Of the card.

    Raises
    ------
    UsageError
        If no device was pulsed: nothing wears.
    """
    own, life = Pulses.of(pulses), Life.of(block)
    if own.most == 0:
        raise UsageError("no device was pulsed, so nothing wears (an offline network wears by its programming)")
    shares = tuple(
        (share, *(None if cycles is None else cycles / own.most for cycles in ends)) for share, *ends in life.shares
    )
    # a device without pulses never fails: use at least one per training
    until = (life.cycles / max(own.p99, 1.0), life.cycles / own.most)
    return Wear(own, life, *until, shares, _array_lives(pulses, block))  # type: ignore[arg-type]


def inference_energy(g: np.ndarray, spikes_per_row: np.ndarray, read_voltage: float, read_s: float) -> float:
    """Return the energy of the devices of a matrix in reads [J]: sum over spikes of V^2 (row sum of G) t_read.

    Parameters
    ----------
    g : ndarray, shape (rows, columns)
        Conductances of all devices [S]; of pairs both are columns.
    spikes_per_row : ndarray, shape (rows,)
        How often each word line is driven.
    read_voltage : float
        [V].
    read_s : float
        How long a read lasts [s].

    Raises
    ------
    UsageError
        If shapes do not fit, or a number is negative.
    """
    g, spikes = np.asarray(g, float), np.asarray(spikes_per_row, float)
    if g.ndim != 2 or spikes.shape != g.shape[:1]:
        raise UsageError(f"spikes must be one number for each of {g.shape[0]} rows, not of shape {spikes.shape}")
    if (g < 0).any() or (spikes < 0).any() or not 0 <= read_s < math.inf:
        raise UsageError("conductances [S], spikes and the time of a read [s] must be at least 0")
    return float(read_voltage**2 * read_s * np.sum(spikes * g.sum(axis=1)))
