"""A trained network's conductances for tiles of other simulators: as fractions of the window, in a .npz file."""

from __future__ import annotations

import numpy as np

from devicekit.device.network import LAYERS, TrainedNetwork
from devicekit.errors import UsageError

OUTSIDE = 1e-9  # of the window, by which rounding may lead out of it


def fractions(network: TrainedNetwork) -> dict[str, np.ndarray]:
    """(G - low) / (high - low) of both conductances of every weight, 0 to 1, shapes (inputs, outputs).

    Raises
    ------
    UsageError
        If a conductance is outside the card's window: a device of other programs would be clipped.
    """
    window = network.card.window
    found = {}
    for name, layer in zip(LAYERS, network.layers, strict=True):
        for part in ("plus", "minus"):
            u = (getattr(layer, part) - window.low) / window.span
            if u.min() < -OUTSIDE or u.max() > 1.0 + OUTSIDE:
                raise UsageError(
                    f"a conductance of the {name} layer is outside the card's window (at {u.min():.4g} to "
                    f"{u.max():.4g} of it), to which it would be clipped"
                )
            found[f"{name}_{part}"] = np.clip(u, 0.0, 1.0)
    return found


def sentences(network: TrainedNetwork) -> list[str]:
    """Return what is said of a network in a README."""
    kinds = [
        f"{name} layer: {layer.plus.shape[0]} x {layer.plus.shape[1]} weights of "
        + ("two devices" if layer.paired else "one device and a fixed reference")
        for name, layer in zip(LAYERS, network.layers, strict=True)
    ]
    return [
        f"{kinds[0].capitalize()}; {kinds[1]}. Conductances are the training's own, device by device.",
        "The network's neurons are spiking ones (leaky integrate-and-fire) and are not part of this export: the layers "
        "give weighted sums.",
    ]
