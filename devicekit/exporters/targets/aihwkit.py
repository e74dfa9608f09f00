"""IBM aihwkit: a Python module with a PiecewiseStepDevice preset and its SingleRPUConfig.

The weight is w = 2 (G - low) / (high - low) - 1. aihwkit interpolates the step linearly between nodes that are
evenly spaced over [w_min, w_max]; the node values here are those of least squares, not samples of the curve,
because a train adds up steps. Written for aihwkit 1.1.0 (https://github.com/IBM/aihwkit, MIT).

In aihwkit's code dw_min is the LARGER of the two steps: scale_up = dw_min (1 + min(up_down, 0)) and
scale_down = dw_min (1 - max(up_down, 0)), unlike the docstring of `up_down`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from devicekit.device.card import DeviceCard
from devicekit.errors import UsageError
from devicekit.exporters import base
from devicekit.exporters.base import Export, ExportOptions
from devicekit.files import dump_json

NAME = "aihwkit"
TITLE = "aihwkit device preset"
TAKES = frozenset({"nodes"})
NODES = 33
COARSE = 1e-3  # of the range; beyond it more nodes are recommended
MOST_NODES = 63  # aihwkit's limit on GPUs is below 64
_LINEAR_LAWS = {"linear", "exponential", "softbounds"}

# Fields that every pulsed device of aihwkit has, each with the value that means "this effect is off". Several
# of aihwkit's own defaults are not: dw_min_dtod 0.3, dw_min_std 0.3, w_max_dtod 0.3, up_down_dtod 0.01.
_OFF: dict[str, Any] = {
    "construction_seed": 0,
    "corrupt_devices_prob": 0.0,
    "corrupt_devices_range": 0.1,
    "diffusion": 0.0,
    "diffusion_dtod": 0.0,
    "dw_min_dtod": 0.0,
    "dw_min_dtod_log_normal": True,
    "dw_min_std": 0.0,
    "enforce_consistency": True,
    "lifetime": 0.0,
    "lifetime_dtod": 0.0,
    "perfect_bias": False,
    "reset": 0.0,
    "reset_dtod": 0.0,
    "reset_std": 0.0,
    "up_down_dtod": 0.0,
    "w_max_dtod": 0.0,
    "w_min_dtod": 0.0,
    "count_pulses": False,
    "write_noise_std": 0.0,
    "apply_write_noise_on_set": False,
}


def node_values(card: DeviceCard, direction: str, nodes: int) -> np.ndarray:
    """Steps [window] at evenly spaced nodes, positive, of least squares over the window, shape (nodes,)."""
    sign = base.SIGNS[direction]
    return base.hat_values(lambda u: sign * base.step(card, direction, u), nodes)


def piecewise_fields(card: DeviceCard, nodes: int) -> dict[str, Any]:
    """Fields of the noiseless PiecewiseStepDevice; dw_min is the mean step of both directions."""
    steps = {direction: 2.0 * node_values(card, direction, nodes) for direction in base.SIGNS}
    dw_min = float(np.mean([steps["ltp"], steps["ltd"]]))
    return {
        "w_min": -1.0,
        "w_max": 1.0,
        "dw_min": dw_min,
        "up_down": 0.0,
        "piecewise_up": (steps["ltp"] / dw_min).tolist(),
        "piecewise_down": (steps["ltd"] / dw_min).tolist(),
        **_OFF,
    }


def replay(fields: dict[str, Any], pulses: int = base.PULSES) -> np.ndarray:
    """Weights under aihwkit's documented update: linear between nodes, then clipped; shape (2 pulses + 1,)."""
    at = np.linspace(fields["w_min"], fields["w_max"], len(fields["piecewise_up"]))
    w = float(fields["w_min"])
    path = [w]
    for values, sign in ((fields["piecewise_up"], 1), (fields["piecewise_down"], -1)):
        for _ in range(pulses):
            w += sign * fields["dw_min"] * float(np.interp(w, at, values))
            w = min(max(w, fields["w_min"]), fields["w_max"])
            path.append(w)
    return np.array(path)


def _rms_over_train(card: DeviceCard) -> tuple[float, float]:
    """Rms over the reference train of one update's noise and of its step, both [window]."""
    r = base.reference_train(card).r
    noise, steps = [], []
    for direction, states in (("ltp", r[: base.PULSES]), ("ltd", r[base.PULSES : -1])):
        size = np.abs(card.rate(direction, states))
        noise.append(base.update_sigma(card, direction, size))
        steps.append(size)
    return tuple(float(np.sqrt(np.mean(np.square(each)))) for each in (noise, steps))  # type: ignore[return-value]


def _dtod(card: DeviceCard) -> dict[str, float]:
    """dw_min_dtod and up_down_dtod from the covariance C of ln rate over devices.

    aihwkit draws one ln gain (variance g) for both directions, and an asymmetry (variance s) that lengthens the
    step up and shortens the step down: C_uu + C_dd = 2 (g + s), C_ud = g - s.
    """
    covariance = card.variation.d2d_ln_rate_covariance
    if covariance is None:
        return {}
    (up, shared), (_, down) = covariance
    asymmetry = max((up + down) / 4.0 - shared / 2.0, 0.0)
    return {"dw_min_dtod": math.sqrt(max(shared + asymmetry, 0.0)), "up_down_dtod": math.sqrt(asymmetry)}


def _noise_fields(card: DeviceCard) -> dict[str, float]:
    noise, steps = _rms_over_train(card)
    return {"dw_min_std": noise / steps if steps > 0 else 0.0, **_dtod(card)}


def linear_fields(card: DeviceCard, noise: bool) -> dict[str, Any] | None:
    """Fields of a LinearStepDevice, for laws whose step is linear in the weight and falls; None for others."""
    if card.model not in _LINEAR_LAWS or card.window.scale != "linear":
        return None
    middle, gamma = {}, {}
    for direction in base.SIGNS:
        theta = card.branch(direction).theta
        kappa = theta[1] if len(theta) > 1 else 0.0
        middle[direction], gamma[direction] = 2.0 * math.exp(theta[0]), kappa / (2.0 - kappa)
    if not all(0.0 <= each <= 1.0 for each in gamma.values()):
        return None  # LinearStep takes the magnitude of gamma, and beyond 1 its steps turn round
    larger = max(middle.values())
    sigma = [float(base.update_sigma(card, direction, np.array(middle[direction] / 2.0))) for direction in base.SIGNS]
    rms = 2.0 * float(np.sqrt(np.mean(np.square(sigma)))) if noise else 0.0
    scale = float(np.sqrt(np.mean(np.square(list(middle.values())))))  # its noise is a share of each direction's step
    return {
        "w_min": -1.0,
        "w_max": 1.0,
        "dw_min": larger,
        "up_down": (middle["ltp"] - middle["ltd"]) / larger,
        "gamma_up": gamma["ltp"],
        "gamma_down": gamma["ltd"],
        "gamma_up_dtod": 0.0,
        "gamma_down_dtod": 0.0,
        "allow_increasing": False,
        "mean_bound_reference": True,
        "mult_noise": False,
        "reverse_up": False,
        "reverse_down": False,
        "reverse_offset": 0.01,
        **_OFF,
        "dw_min_std": rms / scale,
        **(_dtod(card) if noise else {}),
    }


def _class_name(card: DeviceCard) -> str:
    return "".join(part.capitalize() for part in base.identifier(card.name).split("_") if part)


def _dataclass(name: str, parent: str, doc: str, fields: dict[str, Any]) -> list[str]:
    """Source of a preset, in the manner of aihwkit's own: a dataclass of numbers."""
    lines = ["@dataclass", f"class {name}({parent}):", f'    """{doc}"""', ""]
    for key, value in fields.items():
        if isinstance(value, list):
            numbers = ", ".join(repr(number) for number in value)
            lines.append(f"    {key}: List[float] = field(default_factory=lambda: [{numbers}])")
        else:
            lines.append(f"    {key}: {type(value).__name__} = {value!r}")
    return [*lines, "    drift: DriftParameter = field(default_factory=_no_drift)", "", ""]


def _config(name: str, device: str) -> list[str]:
    return [
        "@dataclass",
        f"class {name}(SingleRPUConfig):",
        '    """One such device at every crosspoint; forward and backward are aihwkit\'s own defaults."""',
        "",
        f"    device: {device} = field(default_factory={device})",
        "    update: UpdateParameters = field(default_factory=_update)",
        "",
        "",
    ]


_HEAD = '''"""Device presets for aihwkit 1.1.0, made by devicekit. README.txt says what is exact."""

from dataclasses import dataclass, field
from typing import List

from aihwkit.simulator.configs import SingleRPUConfig
from aihwkit.simulator.configs.devices import DriftParameter, LinearStepDevice, PiecewiseStepDevice
from aihwkit.simulator.parameters import UpdateParameters
from aihwkit.simulator.parameters.enums import PulseType

CARD = {card}  # name, source and SHA-256 of the device card's data
WINDOW = {window}  # what w = -1 and w = +1 stand for [{unit}]


def _no_drift() -> DriftParameter:
    return DriftParameter(
        nu=0.0, t_0=1.0, reset_tol=1e-07, nu_dtod=0.0, nu_std=0.0, wg_ratio=1.0, g_offset=0.0, w_offset=0.0,
        nu_k=0.0, log_g0=0.0, w_noise_std=0.0,
    )


def _update() -> UpdateParameters:
    """aihwkit 1.1.0's own defaults, written out: how a gradient becomes trains of pulses."""
    return UpdateParameters(
        desired_bl=31, fixed_bl=True, pulse_type=PulseType.STOCHASTIC_COMPRESSED, res=0, x_res_implicit=0,
        d_res_implicit=0, d_sparsity=False, sto_round=False, update_bl_management=True, update_management=True,
        um_grad_scale=1.0,
    )


'''


def _module(card: DeviceCard, piecewise: dict[str, Any], linear: dict[str, Any] | None) -> str:
    name = _class_name(card)
    source = (card.name, card.provenance.source, card.provenance.sha256)
    text = _HEAD.format(card=ascii(source), window=(card.window.low, card.window.high), unit=base.unit(card))
    doc = "Steps linear between nodes; update noise relative to the step."
    lines = _dataclass(f"{name}PresetDevice", "PiecewiseStepDevice", doc, piecewise)
    lines += _config(f"{name}Preset", f"{name}PresetDevice")
    if linear is not None:
        doc = "Step linear in the weight, as the fitted law; update noise the same at every weight."
        lines += _dataclass(f"{name}LinearPresetDevice", "LinearStepDevice", doc, linear)
        lines += _config(f"{name}LinearPreset", f"{name}LinearPresetDevice")
    return text + "\n".join(lines).rstrip() + "\n"


def _approximations(
    card: DeviceCard, options: ExportOptions, fields: dict[str, Any], linear: bool, figures: dict[str, Any]
) -> list[str]:
    lines = [
        f"The step curve: {figures['nodes']} nodes, linear between them. Over {base.PULSES} LTP and {base.PULSES} LTD "
        f"pulses the weight stays within {figures['deviation']:.1e} of the range of devicekit's own array."
        + (" That is coarse: try 63 nodes." if figures["deviation"] > COARSE and figures["nodes"] < MOST_NODES else ""),
        "Forward and backward passes (ADC, noise, bounds) are not the device's: SingleRPUConfig's defaults stand.",
    ]
    noise = options.noise and base.has_update_noise(card)
    if noise:
        lines.append(
            "Update noise: the card's is mostly the same at every state; PiecewiseStepDevice knows only noise "
            "proportional to the step (dw_min_std), so its rms over the train was matched, not its profile."
        )
    if fields["dw_min_dtod"] > 0 or fields["up_down_dtod"] > 0:
        lines.append(
            "D2D: one shared curve with a gain (dw_min_dtod, log-normal) and an asymmetry (up_down_dtod) that match "
            "the covariance of ln rate; devices' own shapes, which a DeviceArray draws, have no field here. "
            f"Log-normal gains raise the mean step by {100 * math.expm1(fields['dw_min_dtod'] ** 2 / 2):.2g} %."
        )
    if noise and any("read" in b.c2c for b in (card.variation.ltp, card.variation.ltd)):
        lines.append("Read noise is left out: aihwkit's write_noise_std is drawn at each update, not at each reading.")
    if linear:
        lines.append(
            f"{_class_name(card)}LinearPresetDevice: the law itself without the cap at the largest fitted step. Its "
            "update noise is the same at every weight, a share of each direction's step at w = 0, where it was matched."
        )
    return lines


def _units(card: DeviceCard) -> tuple[tuple[str, str, str], ...]:
    half = f"{card.window.span / 2:.6g} {base.unit(card)}"
    return (
        ("w_min, w_max, dw_min", "1", f"weight; one unit is half the window, {half}"),
        ("piecewise_up, piecewise_down", "dw_min", "step at each node"),
        ("up_down, up_down_dtod", "1", "fraction of dw_min"),
        ("dw_min_std", "1", "sd of one update as a fraction of its own step"),
        ("dw_min_std of LinearStepDevice", "1", "sd of one update as a fraction of the step at w = 0"),
        ("dw_min_dtod", "1", "sd over devices of ln gain"),
    )


def export(card: DeviceCard, options: ExportOptions) -> Export:
    """The preset of a card (see the module's docstring).

    Raises
    ------
    UsageError
        If nodes is out of 2..63, or LTP or LTD never moves the device.
    """
    base.check_moves(card, NAME)
    nodes = NODES if options.nodes is None else options.nodes
    if not 2 <= nodes <= MOST_NODES:
        raise UsageError(f"nodes= is 2 to {MOST_NODES} for aihwkit (more do not run on a GPU), not {nodes}")
    fields = piecewise_fields(card, nodes)
    path = card.window.low + card.window.span * (replay(fields) + 1.0) / 2.0
    figures: dict[str, Any] = {"nodes": nodes, "deviation": base.deviation(card, path)}
    if options.noise:
        fields |= _noise_fields(card)
    linear = linear_fields(card, options.noise)
    module, name = f"{base.identifier(card.name)}_preset", _class_name(card)
    dtod = card.variation.d2d_ln_rate_covariance is not None
    c2c = base.has_update_noise(card)
    exported = "Exported: {} and {}.".format(
        "C2C as dw_min_std" if c2c else "no C2C (the card has none of an update)",
        "D2D as dw_min_dtod and up_down_dtod" if dtod else "no D2D (the card has none)",
    )
    return Export(
        files={
            f"{module}.py": _module(card, fields, linear).encode(),
            f"{module}.json": dump_json({"PiecewiseStepDevice": fields, "LinearStepDevice": linear}).encode(),
        },
        use=(
            f"from {module} import {name}Preset",
            f"layer = AnalogLinear(64, 10, rpu_config={name}Preset())",
        ),
        exact=(
            "The window: w = -1 is its low end, w = +1 its high end, and w is linear in between"
            + (" (the card's state is ln G: converted)." if card.window.scale == "log" else "."),
            "The asymmetry of LTP and LTD: each has its own nodes (up_down = 0).",
            "Every field of the device is written out; those that this card does not state mean 'off', where "
            "aihwkit's own defaults would switch variation on (dw_min_std 0.3, dw_min_dtod 0.3, w_max_dtod 0.3).",
        ),
        approximated=tuple(_approximations(card, options, fields, linear is not None, figures)),
        forgetting="LEFT OUT: the steps here are those right after a pulse, and they last. aihwkit's lifetime makes "
        "whole weights decay once a mini-batch, not the forgotten share of each update; it and diffusion are off.",
        units=_units(card),
        noise=base.noise_sentence(card, options, exported, c2c or dtod),
        figures=figures,
    )
