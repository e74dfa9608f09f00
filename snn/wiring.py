"""Wires between the neurons: what of each weight arrives, and the gain that makes up for it.

Training reads weights with gains made anew at each epoch, separable or exact; a test reads them through the exact
network. A layer's gain is fixed at the first call, so that weights stay in the range of the neurons; with `column_gain`
each bit line of each tile has one, from one read of the line, made anew with the state.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from devicekit.device.card import DeviceCard
from devicekit.device.wires import Method, Wires, column_gains, effective_conductance
from devicekit.errors import UsageError
from snn.config import TrainingConfig


@dataclass
class Wiring:
    """Wires of both layers.

    Parameters
    ----------
    card : DeviceCard
    wires : Wires
    column_gain : bool
        Whether each bit line of each tile is calibrated, or the layer as a whole.
    pair : bool
        Whether a weight is a pair of devices on neighbouring bit lines; else one device against a reference that is
        subtracted behind the converter, without wires.
    in_training : {"separable", "exact"}
        How training sees the wires.
    """

    card: DeviceCard
    wires: Wires
    column_gain: bool
    pair: bool
    in_training: Method = "separable"
    _fixed: dict[tuple[int, Method], float] = field(default_factory=dict)

    @property
    def base(self) -> float:
        """Lowest conductance of the window over its span [1]: what a state of 0 still conducts."""
        return self.card.window.low / self.card.window.span

    def gains(self, layer: int, r: np.ndarray, shape: tuple[int, int], method: Method) -> np.ndarray:
        """Return what of each device arrives, gain included [1], shape (devices,).

        Parameters
        ----------
        layer : int
            0 or 1.
        r : ndarray, shape (devices,)
            States.
        shape : (int, int)
            Of the weights.
        method : {"exact", "separable"}
        """
        g = np.maximum(self.card.window.from_state(r), 0.0).reshape(shape[0], -1)
        seen = effective_conductance(g, self.wires, method)
        if self.column_gain:
            seen = seen * column_gains(g, seen, self.wires)
            made_up = 1.0
        else:
            made_up = self._fixed.setdefault((layer, method), float(g.sum() / seen.sum()))
        return np.where(g > 0, made_up * seen / np.where(g > 0, g, 1.0), 1.0).ravel()


def wiring(card: DeviceCard | None, config: TrainingConfig) -> Wiring | None:
    """The wires of a training; None where it has none.

    Raises
    ------
    UsageError
        If the card has no conductances, or its devices forget in training as well.
    """
    wires = Wires(config.wire_ohm, config.terminal_ohm, config.tile)
    if card is None or wires.ideal:
        return None
    if card.window.quantity != "conductance_s":
        raise UsageError(f"card {card.name!r} holds weights, which have no ohms: wires need conductances")
    if card.window.scale != "linear":
        raise UsageError(f"the state of card {card.name!r} is ln G: wires need the linear state")
    if card.volatile is not None and config.presentation_s > 0:
        raise UsageError("wires and devices that forget in training exclude each other: set presentation_s to 0")
    return Wiring(card, wires, config.column_gain, config.mapping == "pair", config.wire_gains)
