"""Source text of the exported aihwkit modules: presets of plain numbers, and a loader of a trained network."""

from __future__ import annotations

from devicekit.device.card import DeviceCard
from devicekit.exporters import base
from devicekit.exporters.pulsed_fields import SHARE, Presets
from devicekit.exporters.tiles import TileFile


def module(card: DeviceCard, presets: Presets) -> str:
    """Return the module of presets."""
    values = {
        "name": base.class_name(card),
        "card": ascii((card.name, card.provenance.source, card.provenance.sha256)),
        "window": (card.window.low, card.window.high),
        "unit": base.unit(card),
        "start": presets.steps.reset,
        "read": presets.read,
        "steps": presets.steps.values(),
        "linear": presets.linear and presets.linear.values(),
        "noise": presets.noise and presets.noise.values(),
        "share": SHARE,
    }
    return base.render("aihwkit_preset.py.j2", values)


def network_loader(card: DeviceCard, module: str, network: TileFile) -> str:
    """Return the module that loads a trained network into tiles; `module` is the name of that of presets."""
    values = {"module": module, "config": f"{base.class_name(card)}Preset", "network": network}
    return base.render("aihwkit_network.py.j2", values)
