"""Conductances of a trained network for tiles of other simulators, as fractions of the window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.device.network import LAYERS, TrainedNetwork

OUTSIDE = 1e-9  # of the window, tolerance for rounding


def fractions(network: TrainedNetwork) -> dict[str, np.ndarray]:
    """Return (G - low) / (high - low) of both conductances of every weight, 0 to 1, shapes (inputs, outputs).

    Raises UsageError if a conductance is outside the window of the card, where other programs would clip it.
    """
    window = network.card.window
    found = {}
    for name, layer in zip(LAYERS, network.layers, strict=True):
        for part in ("plus", "minus"):
            u = (getattr(layer, part) - window.low) / window.span
            if u.min() < -OUTSIDE or u.max() > 1.0 + OUTSIDE:
                raise UsageError(
                    f"The {name} layer has conductances outside the window of the card ({u.min():.4g} to "
                    f"{u.max():.4g} of it), which would be clipped."
                )
            found[f"{name}_{part}"] = np.clip(u, 0.0, 1.0)
    return found


@dataclass(frozen=True)
class TileFile:
    """A trained network beside a module that loads it into tiles.

    Attributes
    ----------
    scales : tuple of float
        Weight of the whole window for each layer.
    paired : tuple of bool
        True for a layer whose weights are two devices.
    file : str
        Name of the .npz file without its suffix.
    """

    scales: tuple[float, ...]
    paired: tuple[bool, ...]
    file: str


def pack(network: TrainedNetwork, file: str) -> tuple[dict[str, np.ndarray], TileFile]:
    """Return the weights of the tiles, -1 to 1 over the window, and what a module says of their file.

    Raises UsageError if a conductance is outside the window of the card.
    """
    weights = {name: 2.0 * u - 1.0 for name, u in fractions(network).items()}
    scales = tuple(layer.scale for layer in network.layers)
    return weights, TileFile(scales, tuple(layer.paired for layer in network.layers), file)


def sentences(network: TrainedNetwork) -> list[str]:
    """Return the README sentences on a network."""
    kinds = [
        f"{name} layer: {layer.plus.shape[0]} x {layer.plus.shape[1]} weights of "
        + ("two devices" if layer.paired else "one device and a fixed reference")
        for name, layer in zip(LAYERS, network.layers, strict=True)
    ]
    return [
        f"{kinds[0].capitalize()}; {kinds[1]}. Each device has its conductance after training.",
        "The spiking neurons (leaky integrate-and-fire) of the network are not exported: the layers return weighted "
        "sums.",
    ]
