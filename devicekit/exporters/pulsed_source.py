"""Source text of the exported aihwkit modules: presets of plain numbers, and a loader of a trained network."""

from __future__ import annotations

from devicekit.device.card import DeviceCard
from devicekit.exporters import base
from devicekit.exporters.pulsed import PulsedDevice
from devicekit.exporters.pulsed_fields import SHARE, Presets

_HEAD = '''"""Device presets for aihwkit 1.1.0, made by devicekit. README.txt lists what is exact."""

from dataclasses import dataclass, field
from typing import List

from aihwkit.simulator.configs import SingleRPUConfig{unit_cell}
{vector}from aihwkit.simulator.configs.devices import DriftParameter, LinearStepDevice, PiecewiseStepDevice
from aihwkit.simulator.parameters import IOParameters, UpdateParameters
from aihwkit.simulator.parameters.enums import PulseType, WeightNoiseType

CARD = {card}  # name, source and SHA-256 of the device card's data
WINDOW = {window}  # conductances of w = -1 and w = +1 [{unit}]
START = {start!r}  # weight at which the LTP train of the card starts; `reset` of every device, see `put_at_start`
READ_NOISE = {read!r}  # standard deviation of one reading of one device [weight]


def put_at_start(layer, weight: float = START) -> None:
    """Set every device of an analog layer to the weight at which the trains of the card start."""
    for tile in layer.analog_tiles():
        tile.set_weights(tile.get_weights()[0] * 0.0 + weight)


def _no_drift() -> DriftParameter:
    return DriftParameter(
        nu=0.0, t_0=1.0, reset_tol=1e-07, nu_dtod=0.0, nu_std=0.0, wg_ratio=1.0, g_offset=0.0, w_offset=0.0,
        nu_k=0.0, log_g0=0.0, w_noise_std=0.0,
    )


def _passes() -> IOParameters:
    """Return the defaults of aihwkit (converters, bounds, output noise) with the read noise of the card."""
    kind = WeightNoiseType.ADDITIVE_CONSTANT if READ_NOISE > 0 else WeightNoiseType.NONE
    return IOParameters(w_noise=READ_NOISE, w_noise_type=kind)


def _update() -> UpdateParameters:
    """Return the defaults of aihwkit 1.1.0, written out, for the conversion of gradients to pulse trains."""
    return UpdateParameters(
        desired_bl=31, fixed_bl=True, pulse_type=PulseType.STOCHASTIC_COMPRESSED, res=0, x_res_implicit=0,
        d_res_implicit=0, d_sparsity=False, sto_round=False, update_bl_management=True, update_management=True,
        um_grad_scale=1.0,
    )


'''


def _dataclass(name: str, parent: str, doc: str, device: PulsedDevice) -> list[str]:
    """Return the source of a preset in the style of aihwkit: a dataclass of numbers."""
    lines = ["@dataclass", f"class {name}({parent}):", f'    """{doc}"""', ""]
    for key, value in device.values().items():
        if isinstance(value, list):
            numbers = ", ".join(repr(number) for number in value)
            lines.append(f"    {key}: List[float] = field(default_factory=lambda: [{numbers}])")
        else:
            lines.append(f"    {key}: {type(value).__name__} = {value!r}")
    return [*lines, "    drift: DriftParameter = field(default_factory=_no_drift)", "", ""]


def _cell(name: str, steps: str, noise: str) -> list[str]:
    return [
        "@dataclass",
        f"class {name}(VectorUnitCell):",
        '    """A device without noise and a device that only carries noise; the weight is their weighted sum."""',
        "",
        f"    unit_cell_devices: List = field(default_factory=lambda: [{steps}(dw_min_std=0.0), {noise}()])",
        f"    gamma_vec: List[float] = field(default_factory=lambda: [1.0, {SHARE!r}])",
        "",
        "",
    ]


def _config(name: str, device: str, parent: str = "SingleRPUConfig") -> list[str]:
    return [
        "@dataclass",
        f"class {name}({parent}):",
        '    """One such device at every crosspoint; both passes have the read noise of the card."""',
        "",
        f"    device: {device} = field(default_factory={device})",
        "    forward: IOParameters = field(default_factory=_passes)",
        "    backward: IOParameters = field(default_factory=_passes)",
        "    update: UpdateParameters = field(default_factory=_update)",
        "",
        "",
    ]


def module(card: DeviceCard, presets: Presets) -> str:
    """Return the module of presets."""
    name, noise = base.class_name(card), presets.noise
    text = _HEAD.format(
        card=ascii((card.name, card.provenance.source, card.provenance.sha256)),
        window=(card.window.low, card.window.high),
        unit=base.unit(card),
        start=presets.steps.reset,
        read=presets.read,
        unit_cell="" if noise is None else ", UnitCellRPUConfig",
        vector="" if noise is None else "from aihwkit.simulator.configs.compounds import VectorUnitCell\n",
    )
    doc = "Steps linear between nodes; update noise proportional to the step."
    lines = _dataclass(f"{name}PresetDevice", "PiecewiseStepDevice", doc, presets.steps)
    lines += _config(f"{name}Preset", f"{name}PresetDevice")
    if noise is not None:
        doc = "Update noise that is the same at every weight, without steps: only for use in a cell."
        lines += _dataclass(f"{name}UpdateNoiseDevice", "LinearStepDevice", doc, noise)
        lines += _cell(f"{name}NoisyPresetDevice", f"{name}PresetDevice", f"{name}UpdateNoiseDevice")
        lines += _config(f"{name}NoisyPreset", f"{name}NoisyPresetDevice", "UnitCellRPUConfig")
    if presets.linear is not None:
        doc = "Step linear in the weight, like the fitted law; update noise the same at every weight."
        lines += _dataclass(f"{name}LinearPresetDevice", "LinearStepDevice", doc, presets.linear)
        lines += _config(f"{name}LinearPreset", f"{name}LinearPresetDevice")
    return text + "\n".join(lines).rstrip() + "\n"


_NETWORK = '''"""The trained network of README.txt in aihwkit tiles: `layers()` returns its hidden and output layer."""

from pathlib import Path

import numpy as np
import torch
from aihwkit.nn import AnalogLinear

from {module} import WINDOW, {config}

FILE = Path(__file__).with_name("{module_network}.npz")
SCALES = {scales}  # weight of the whole window, hidden and output layer [weight units of the network]
PAIRED = {paired}  # True if the second conductance of a weight is a device, False if it is a fixed reference


class DeviceLayer(torch.nn.Module):
    """Weights SCALE (G_plus - G_minus) / (high - low); G_plus and G_minus are in separate AnalogLinear tiles."""

    def __init__(self, plus: np.ndarray, minus: np.ndarray, scale: float, paired: bool, rpu_config=None) -> None:
        super().__init__()
        self.scale = scale
        self.plus = _tile(plus, rpu_config)
        self.minus = _tile(minus, rpu_config) if paired else None
        self.reference = None if paired else float(minus.flat[0])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        other = self.reference * x.sum(-1, keepdim=True) if self.minus is None else self.minus(x)
        return self.scale / 2.0 * (self.plus(x) - other)

    def conductances(self):
        """Return both conductances of every weight in the tiles [unit of WINDOW], arrays (inputs, outputs)."""
        low, high = WINDOW
        plus = self.plus.get_weights()[0].numpy().T.astype(float)
        minus = np.full_like(plus, self.reference) if self.minus is None else self.minus.get_weights()[0].numpy().T
        return tuple(low + (high - low) * (each.astype(float) + 1.0) / 2.0 for each in (plus, minus))


def _tile(weights: np.ndarray, rpu_config=None) -> AnalogLinear:
    inputs, outputs = weights.shape
    tile = AnalogLinear(inputs, outputs, bias=False, rpu_config=rpu_config or {config}())
    tile.set_weights(torch.from_numpy(weights.T.astype(np.float32)))
    return tile


def layers(path=FILE, make_config=None):
    """Return the hidden and the output layer; `make_config()` makes the RPU config of a tile, by default {config}."""
    make_config = make_config or {config}
    with np.load(path) as held:
        parts = [(held[f"{{name}}_plus"], held[f"{{name}}_minus"]) for name in ("hidden", "output")]
    return tuple(
        DeviceLayer(plus, minus, scale, paired, make_config())
        for (plus, minus), scale, paired in zip(parts, SCALES, PAIRED)
    )
'''


def network_loader(
    card: DeviceCard, scales: tuple[float, ...], paired: tuple[bool, ...], module: str, held: str
) -> str:
    """Return the module that loads a trained network into tiles.

    Parameters
    ----------
    card : DeviceCard
    scales : tuple of float
        Weight of the whole window for each layer.
    paired : tuple of bool
        True for a layer whose weights are two devices.
    module : str
        Name of the module of presets.
    held : str
        Name of the .npz file without its suffix.
    """
    return _NETWORK.format(
        module=module, module_network=held, config=f"{base.class_name(card)}Preset", scales=scales, paired=paired
    )
