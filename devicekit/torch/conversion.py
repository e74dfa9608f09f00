"""Networks of torch on devices: conversion of their layers, and pulses and energy of their training."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from devicekit.core.errors import UsageError
from devicekit.core.records import Record, column
from devicekit.device.card import CardSource, as_card
from devicekit.torch.layers import Conv2d, Linear, OnDevices

EDGE = 1e-6  # of the window: distance from its end at which a device counts as being there
_SEEDS = 135  # purpose of the random stream
KINDS: dict[type[nn.Module], type[OnDevices]] = {nn.Linear: Linear, nn.Conv2d: Conv2d}


def convert(
    model: nn.Module, card: CardSource, *, skip: Collection[str] = (), seed: int | None = None, **options: Any
) -> nn.Module:
    """Return a copy of a network with the weights of its Linear and Conv2d layers on devices of a card.

    Parameters
    ----------
    model : nn.Module
        Network on the CPU in float32; unchanged. All other layers, and biases, stay digital.
    card : DeviceCard, path-like, str or DeviceFit
        The device.
    skip : collection of str
        Names of layers that stay digital, as in `model.named_modules()`.
    seed : int, optional
        From which each layer gets its own; None: from the generator of torch.
    **options
        As for `devicekit.torch.layers.OnDevices.place`.

    Returns
    -------
    nn.Module
        The network; train it with `PulseOptimizer`.

    Raises
    ------
    UsageError
        If no layer can be converted, layers share or normalise weights, a name in `skip` is unknown, or an option is
        wrong.
    """
    found = dict(model.named_modules())
    if unknown := sorted(set(skip) - set(found)):
        raise UsageError(f"skip: no layer {unknown[0]!r} in the network. Its layers: {', '.join(filter(None, found))}.")
    for name, each in found.items():
        if isinstance(each, nn.Linear | nn.Conv2d) and name not in skip and "weight" not in each._parameters:
            raise UsageError(f"The weight of layer {name} is computed from others, which devices cannot. Skip it.")
    wanted = [name for name, each in found.items() if type(each) in KINDS and name not in skip]
    if not wanted:
        raise UsageError("The network has no Linear or Conv2d layer to put on devices.")
    _check_shared(found, wanted)
    digital = [name for name, each in found.items() if name not in wanted and name not in skip and _has_matrix(each)]
    if digital:
        warnings.warn(f"Only Linear and Conv2d go on devices; digital stay: {', '.join(digital)}", stacklevel=2)
    made, loaded = copy.deepcopy(model), as_card(card)
    for number, name in enumerate(wanted):
        own = None
        if seed is not None:
            own = int(np.random.SeedSequence([seed, _SEEDS, number]).generate_state(1, np.uint64)[0] >> np.uint64(1))
        layer = made.get_submodule(name) if name else made
        layer.__class__ = KINDS[type(layer)]  # everything else of the layer, hooks included, stays
        assert isinstance(layer, OnDevices)
        layer.place(loaded, seed=own, **options)
    return made


def _has_matrix(layer: nn.Module) -> bool:
    """Return whether a layer multiplies by weights of its own."""
    return any(each.dim() > 1 for each in layer.parameters(recurse=False))


def _check_shared(found: dict[str, nn.Module], wanted: list[str]) -> None:
    owners: dict[int, str] = {}
    for name, each in found.items():
        for parameter in each.parameters(recurse=False):
            other = owners.setdefault(id(parameter), name)
            if other != name and (other in wanted or name in wanted):
                raise UsageError(f"Layers {other} and {name} share a weight, which devices cannot. Skip both.")


@dataclass(frozen=True, kw_only=True)
class LayerUsage(Record):
    """Pulses and energy of the devices of one layer."""

    layer: str = column("layer")
    devices: int = column("devices")
    scale: float = column("weight of the window", doc="weight of the whole window [1]")
    level: float = column("weight of a pulse", doc="expected change of a weight by one pulse [1]")
    pulses: int = column("pulses", doc="pulses of training")
    pulses_per_device: float = column("pulses per device", doc="mean pulses of training of a device")
    most_pulses: int = column("most pulses of a device", doc="pulses of the device with the most, programming included")
    programming_pulses: int = column("programming pulses", doc="pulses of write and verify, not in `pulses`")
    write_energy_j: float | None = column(
        "write energy of training",
        unit="J",
        doc="energy of `pulses`, without programming: V^2 G t with the mean conductance of the window",
    )
    at_bounds: float = column("devices at an end", doc="share of devices at an end of their window, 0..1")
    clipped: int = column("clipped weights", doc="weights outside of the window when they were programmed")


@dataclass(frozen=True, kw_only=True)
class Usage(Record):
    """Pulses and energy of the devices of a network."""

    layers: tuple[LayerUsage, ...] = column(table="layers", caption="Layers on devices")
    pulses: int = column("pulses", doc="pulses of training of all layers")
    write_energy_j: float | None = column(
        "write energy", unit="J", doc="energy of these pulses; unknown without amplitudes and a width on the card"
    )

    def __str__(self) -> str:
        energy = "unknown" if self.write_energy_j is None else f"{self.write_energy_j:.3g} J"
        programming = sum(each.programming_pulses for each in self.layers)
        lines = [f"{self.pulses} pulses of training, their write energy {energy}"]
        lines += [f"{programming} pulses of programming"] * bool(programming)
        for each in self.layers:
            most = f"most {each.most_pulses}{' with programming' * bool(each.programming_pulses)}"
            lines.append(
                f"{each.layer or 'network'}: {each.devices} devices, {each.pulses_per_device:.3g} pulses of training "
                f"each ({most}), {100 * each.at_bounds:.2g} % at an end"
            )
        return "\n".join(lines)


def usage(model: nn.Module) -> Usage:
    """Count pulses, energy and devices at the ends of their windows of a converted network.

    Raises
    ------
    UsageError
        If the network has no layer on devices.
    """
    rows = [_layer_usage(name, each) for name, each in model.named_modules() if isinstance(each, OnDevices)]
    if not rows:
        raise UsageError("The network has no layer on devices. Convert it first (devicekit.torch.convert).")
    energies = [each.write_energy_j for each in rows]
    known = [each for each in energies if each is not None]
    return Usage(
        layers=tuple(rows),
        pulses=sum(each.pulses for each in rows),
        write_energy_j=sum(known) if len(known) == len(energies) else None,
    )


def _layer_usage(name: str, layer: OnDevices) -> LayerUsage:
    layer.check_untouched()
    synapses = layer.synapses
    array = synapses.arrays[0]
    own = array.kernel_state.own
    low, high = (own.low, own.high) if own.low.size else (0.0, 1.0)
    return LayerUsage(
        layer=name,
        devices=array.n,
        scale=layer.scale,
        level=layer.level,
        pulses=synapses.total_pulses,
        pulses_per_device=synapses.pulses_per_device,
        most_pulses=int(array.pulses.max()),
        programming_pulses=int(array.pulses.sum()) - synapses.total_pulses,
        write_energy_j=synapses.write_energy,
        at_bounds=float(((array.r <= low + EDGE) | (array.r >= high - EDGE)).mean()),
        clipped=layer.clipped,
    )
