"""Wires between the neurons: effective weights, and the gain that compensates their losses.

Training reads weights with gains updated at each epoch, separable or exact; a test solves the exact network. The gain
of a layer is fixed at the first call, so that weights stay in the range of the neurons; with `column_gain` each bit
line of each tile has a gain from one read of the line, updated with the state.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.device.card import DeviceCard
from devicekit.device.wires import Method, Wires, column_gains, effective_conductance
from snn.config import TrainingConfig


@dataclass
class Wiring:
    """Wires of both layers.

    Parameters
    ----------
    card : DeviceCard
    wires : Wires
    column_gain : bool
        True to calibrate each bit line of each tile, False for the layer as a whole.
    pair : bool
        True if a weight is a pair of devices on neighbouring bit lines; False for one device and a reference subtracted
        after the converter, without wires.
    in_training : {"separable", "exact"}
        Model of the wires in training.
    """

    card: DeviceCard
    wires: Wires
    column_gain: bool
    pair: bool
    in_training: Method = "separable"
    _fixed: dict[tuple[int, Method], float] = field(default_factory=dict)

    @property
    def base(self) -> float:
        """Lowest conductance of the window over its span [1]: the conductance of a state of 0."""
        return self.card.window.low / self.card.window.span

    def gains(self, layer: int, r: np.ndarray, shape: tuple[int, int], method: Method) -> np.ndarray:
        """Return the effective over nominal conductance of each device, gain included [1], shape (devices,).

        Parameters
        ----------
        layer : int
            0 or 1.
        r : ndarray, shape (devices,)
            States.
        shape : (int, int)
            Shape of the weights.
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
    """Return the wires of a training; None without wires.

    Raises
    ------
    UsageError
        If the card has no conductances, or its devices also forget in training.
    """
    wires = Wires(config.wire_ohm, config.terminal_ohm, config.tile)
    if card is None or wires.ideal:
        return None
    if card.window.quantity != "conductance_s":
        raise UsageError(
            f"Card {card.name!r} holds weights, but wires need conductances. Set wire_ohm and terminal_ohm to 0."
        )
    if card.window.scale != "linear":
        raise UsageError(
            f"Card {card.name!r} has the state ln G, but wires need the linear state. Fit the device with it."
        )
    if card.volatile is not None and config.presentation_s > 0:
        raise UsageError("Wires cannot be combined with devices that forget in training. Set presentation_s to 0.")
    return Wiring(card, wires, config.column_gain, config.mapping == "pair", config.wire_gains)
