"""Accuracy of a trained network after a bake of its devices, drawn from the bakes of a card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.core.records import Record, column
from devicekit.core.text import percent
from devicekit.device.ageing import require_conductance
from devicekit.device.bakes import Bakes
from devicekit.device.card import DeviceCard
from snn.drift import bake_change
from snn.training import Run


@dataclass(frozen=True, kw_only=True)
class BakedAccuracy(Record):
    """Test accuracy after a bake."""

    temperature_k: float = column(doc="temperature of the bake")
    law: str = column(name="bake", doc="bake and the cells behind its draws, in words")
    accuracy: float = column(doc="test accuracy before the bake, mean over seeds, 0..1")
    mean: float = column(doc="mean test accuracy over seeds and draws of devices, 0..1")
    sd: float = column(doc="its standard deviation over seeds and draws")
    lowest: float = column(doc="lowest accuracy of a draw")
    highest: float = column(doc="highest accuracy of a draw")
    n: int = column(doc="draws of devices, of all seeds")

    @property
    def words(self) -> str:
        """Accuracies before and after in words."""
        ends = f"{percent(self.lowest)} to {percent(self.highest)} over {self.n} draws of devices"
        return f"{percent(self.mean)} ({ends}; before: {percent(self.accuracy)}; {self.law})"


def card_bakes(card: DeviceCard, kelvin: float) -> Bakes:
    """Return the bakes of a card from which the devices of its window can be drawn at a temperature [K].

    Raises
    ------
    UsageError
        If the card has no bakes, or they do not include this one.
    """
    require_conductance(card.window)
    bakes = card.retention.bakes if card.retention is not None else None
    if bakes is None:
        raise UsageError(f"card {card.name!r} has no bakes: add a table of them with devicekit card add")
    bakes.age(np.array([card.window.low, card.window.high]), kelvin, 0)
    return bakes


def accuracy_after_bake(card: DeviceCard, runs: Sequence[Run], kelvin: float, draws: int) -> BakedAccuracy:
    """Test trained networks after a bake of their devices.

    Parameters
    ----------
    card : DeviceCard
        Card with bakes (`card_bakes`).
    runs : sequence of Run
        Trained networks, one a seed.
    kelvin : float
        Temperature of the bake [K].
    draws : int
        Draws of devices of each network.
    """
    bakes = card_bakes(card, kelvin)
    before, after = [], []
    for run in runs:
        synapses, last = run.learner.program(), run.config.epochs - 1
        before.append(run.test(last, synapses=synapses))
        for draw in range(draws):
            change = bake_change(card.window, bakes, kelvin, run.config.seed, draw)
            after.append(run.test(last, synapses=synapses, change=change))
    found = np.array(after)
    return BakedAccuracy(
        temperature_k=kelvin,
        law=bakes.describe(kelvin),
        accuracy=float(np.mean(before)),
        mean=float(found.mean()),
        sd=float(found.std(ddof=1)) if found.size > 1 else 0.0,
        lowest=float(found.min()),
        highest=float(found.max()),
        n=found.size,
    )
