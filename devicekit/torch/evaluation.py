"""Evaluation of a network on devices as they are read: with read noise, and after a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from torch import nn

from devicekit.core.errors import UsageError
from devicekit.device.ageing import Drift, require_conductance
from devicekit.device.fading import is_volatile
from devicekit.torch.layers import OnDevices
from snn.drift import drift_change
from snn.synapses import Change


@contextmanager
def reading(
    model: nn.Module, *, read_noise: bool = False, time_s: float = 0.0, drift: Drift | None = None, draw: int = 0
) -> Iterator[nn.Module]:
    """Read the devices of a network in another way inside a `with` block; nothing is trained there.

    Parameters
    ----------
    model : nn.Module
        Converted network.
    read_noise : bool
        True for the read noise of the card (or `read_noise_of_g`), fresh in every product of every sample.
    time_s : float
        Time since the last pulse [s]: states drift, or are forgotten if the card has a volatile part.
    drift : Drift, optional
        Exponents of the drift; None: from the retention of the card.
    draw : int
        Number of the draw of drifting devices.

    Raises
    ------
    UsageError
        If the network has no devices, or the card knows no read noise or drift that is asked for.
    """
    layers = [each for each in model.modules() if isinstance(each, OnDevices)]
    if not layers:
        raise UsageError("The network has no layer on devices. Convert it first (devicekit.torch.convert).")
    if time_s == 0 and (drift is not None or draw != 0):
        raise UsageError("drift= and draw= do nothing without time_s= above 0.")
    if not 0 <= time_s < np.inf:
        raise UsageError(f"time_s must be 0 or more, not {time_s!r}.")
    before = [each._reading for each in layers]
    readings = [each.read(time_s, _change(each, time_s, drift, draw), read_noise) for each in layers]
    try:
        for each, own in zip(layers, readings, strict=True):
            each._reading = own
        yield model
    finally:
        for each, old in zip(layers, before, strict=True):
            each._reading = old


def _change(layer: OnDevices, time_s: float, drift: Drift | None, draw: int) -> Change | None:
    if time_s == 0:
        return None
    card = layer.card
    if drift is None and card.retention is None:
        if is_volatile(card):
            return None
        raise UsageError(f"The drift of card {card.name!r} is unknown. Give drift=Drift(nu, nu_sd).")
    require_conductance(card.window)
    law = Drift.from_retention(card.retention) if drift is None else drift  # type: ignore[arg-type]
    return drift_change(card.window, law, time_s, layer.config.seed, draw)
