"""IBM aihwkit: presets of its pulsed devices, a noise model of inference, and the tiles of a trained network.

The weight is w = 2 (G - low) / (high - low) - 1. The preset is a PiecewiseStepDevice: aihwkit interpolates the step
linearly between nodes that are evenly spaced over [w_min, w_max]; the node values here are those of least squares, not
samples of the curve, because a train adds up steps. Its update noise is a share of the step; a second preset, a cell of
two devices, has the same noise at every weight. Written for aihwkit 1.1.0 (https://github.com/IBM/aihwkit, MIT).
"""

from __future__ import annotations

import math
from typing import Any

from devicekit.device.array import applied_variation
from devicekit.device.card import DeviceCard
from devicekit.device.network import TrainedNetwork
from devicekit.errors import UsageError
from devicekit.exporters import base, inference, pulsed, tiles
from devicekit.exporters.base import Export, ExportOptions
from devicekit.exporters.pulsed_fields import (
    SHARE,
    cell_fields,
    dtod_variances,
    linear_fields,
    noise_fields,
    piecewise_fields,
    read_noise,
)
from devicekit.exporters.pulsed_source import network_loader, presets
from devicekit.files import dump_json

NAME = "aihwkit"
TITLE = "aihwkit device preset"
TAKES = frozenset({"nodes", "network"})
NODES = (33, 63)  # the fewest of these that stay below COARSE; aihwkit's limit on GPUs is below 64
COARSE = 1e-3  # of the range, largest deviation over a train
MOST_NODES = NODES[-1]


def _steps(card: DeviceCard, nodes: int | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields of the noiseless preset with these nodes, or as many as are needed; and their number and deviation."""
    if nodes is not None and not 2 <= nodes <= MOST_NODES:
        raise UsageError(f"nodes= is 2 to {MOST_NODES} for aihwkit (more do not run on a GPU), not {nodes}")
    for count in NODES if nodes is None else (nodes,):
        fields = piecewise_fields(card, count)
        path = card.window.low + card.window.span * (pulsed.replay(pulsed.piecewise(fields)) + 1.0) / 2.0
        figures = {"nodes": count, "deviation": base.deviation(card, path)}
        if figures["deviation"] < COARSE:
            break
    return fields, figures


def _scatters(
    name: str,
    wanted: pulsed.Scatter,
    fields: dict[str, Any],
    noise: dict[str, Any] | None,
    linear: dict[str, Any] | None,
) -> tuple[list[str], dict[str, Any]]:
    """Return what the C2C of each preset is beside the card's, in sentences and in figures."""
    found = {f"{name}Preset": pulsed.scatter(pulsed.piecewise(fields))}
    if noise is not None:
        update = pulsed.cell({**fields, "dw_min_std": 0.0}, noise)
        found[f"{name}NoisyPreset"] = pulsed.scatter(update, (1.0, SHARE))
    if linear is not None:
        found[f"{name}LinearPreset"] = pulsed.scatter(pulsed.linear_step(linear))
    lines = [f"C2C of {preset}, devices all alike: {own.describe(wanted)}." for preset, own in found.items()]
    figures = {
        f"path_sd_{key}": [float(f"{value:.3g}") for value in each.after]
        for key, each in {"card": wanted, **found}.items()
    }
    return lines, figures


def _device_scatters(card: DeviceCard, fields: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return what D2D does along trains, in the preset and in arrays of the card: a sentence, and figures."""
    name = f"{base.class_name(card)}Preset"
    found = {name: pulsed.device_path(pulsed.piecewise_by_devices(fields))}
    resampled = applied_variation(card).devices
    for mode in ("resample", "shared") if resampled else ("shared",):
        found[mode] = pulsed.array_path(card, mode)
    figures = {f"device_sd_{key}": [float(f"{round(value, 9):.3g}") for value in each] for key, each in found.items()}
    numbers = {key: pulsed.percents(each) for key, each in found.items()}
    told = f"a DeviceArray with d2d='shared' {numbers['shared']}"
    told += f", with its default d2d='resample' {numbers['resample']}" if resampled else (
        ", with its default d2d='resample' 0, because the card has no measured devices to draw from"
    )  # fmt: skip
    return (
        "D2D along trains, updates without noise: sd of the state after 10, 50, 100 LTP pulses from the low end and "
        f"10, 50, 100 LTD pulses more, in % of the window: {name} {numbers[name]}; {told}."
    ), figures


def _approximations(
    card: DeviceCard,
    options: ExportOptions,
    fields: dict[str, Any],
    noisy: bool,
    linear: dict[str, Any] | None,
    figures: dict[str, Any],
) -> list[str]:
    name = base.class_name(card)
    lines = []
    if figures["deviation"] > COARSE:
        more = "try 63 nodes" if figures["nodes"] < MOST_NODES else "more nodes do not run on a GPU"
        lines.append(
            f"COARSE: the mean train is off devicekit's own by up to {figures['deviation']:.1e} of the range, more "
            f"than {COARSE:g} ({more})."
        )
    lines += [
        f"The step curve: {figures['nodes']} nodes, linear between them. Over {base.PULSES} LTP and {base.PULSES} LTD "
        f"pulses the weight stays within {figures['deviation']:.1e} of the range of devicekit's own array.",
        "Converters, bounds and output noise of both passes are aihwkit's own defaults, not the device's.",
    ]
    if options.noise and base.has_update_noise(card):
        lines.append(
            f"C2C of {name}Preset: PiecewiseStepDevice knows only noise proportional to the step (dw_min_std), so its "
            "rms over the train was matched, not its profile."
        )
    if noisy:
        lines.append(
            f"C2C of {name}NoisyPreset: a cell of that device without noise and of one that carries noise alone, "
            f"constant, which each pulse pulls back by a fixed share, as falling steps do. The weight is their sum: it "
            "may leave -1..1 by its scatter, where the card's state stays inside, and steps do not feel the noise."
        )
    if fields["dw_min_dtod"] > 0 or fields["up_down_dtod"] > 0:
        lines.append(
            "D2D: one shared curve with a gain (dw_min_dtod, log-normal) and an asymmetry (up_down_dtod), after the "
            "covariance of ln rate: both directions get the mean of its two variances, and a DeviceArray with "
            "d2d='shared' has one for each; devices' own shapes, which its default d2d='resample' draws from measured "
            "devices, have no field here. "
            f"Log-normal gains raise the mean step by {100 * math.expm1(fields['dw_min_dtod'] ** 2 / 2):.2g} %."
        )
    if options.noise and card.window.scale == "log" and read_noise(card) > 0:
        lines.append("Read noise: the card's is a share of G; aihwkit's w_noise is the same at every weight (the rms).")
    if linear is not None:
        lines.append(
            f"{name}LinearPresetDevice: the law itself without the cap at the largest fitted step. Its update noise is "
            "the same at every weight, but a share of each direction's step at w = 0, where its rms was matched."
        )
        if linear["dw_min_dtod"] > 0 and linear["up_down"] != 0:
            up, down = dtod_variances(linear)
            lines.append(
                f"D2D of {name}LinearPresetDevice: aihwkit's gains are fractions of the larger step, so that ln rate "
                f"has a variance of {up:.2g} up and {down:.2g} down."
            )
    return lines


def _units(card: DeviceCard) -> tuple[tuple[str, str, str], ...]:
    half = f"{card.window.span / 2:.6g} {base.unit(card)}"
    return (
        ("w_min, w_max, dw_min, reset, START", "1", f"weight; one unit is half the window, {half}"),
        ("READ_NOISE, w_noise", "1", "sd of one reading of one device, in the same unit"),
        ("piecewise_up, piecewise_down", "dw_min", "step at each node"),
        ("up_down, up_down_dtod", "1", "fraction of dw_min"),
        ("dw_min_std", "1", "sd of one update as a fraction of its own step"),
        ("dw_min_std of LinearStepDevice", "1", "sd of one update as a fraction of the step at w = 0"),
        ("dw_min_dtod", "1", "sd over devices of ln gain"),
        (
            "path_sd_...",
            "window",
            "sd of states by C2C after 10, 50, 100 LTP pulses, LTD pulses more, pairs from w = 0",
        ),
        ("device_sd_...", "window", "sd of states by D2D after 10, 50, 100 LTP pulses, and LTD pulses more"),
    )


def _exact(card: DeviceCard, start: float, read: float) -> tuple[str, ...]:
    lines = [
        "The window: w = -1 is its low end, w = +1 its high end, and w is linear in between"
        + (" (the card's state is ln G: converted)." if card.window.scale == "log" else "."),
        "The asymmetry of LTP and LTD: each has its own nodes (up_down = 0).",
        "Every field of the device is written out; those that this card does not state mean 'off', where "
        "aihwkit's own defaults would switch variation on (dw_min_std 0.3, dw_min_dtod 0.3, w_max_dtod 0.3).",
        f"The state in which the card's LTP train starts, w = {start:.4g}: START, and `reset` of every device "
        "(reset_columns leads there). Layers start from aihwkit's random weights; put_at_start(layer) sets them all.",
    ]
    if read > 0 and card.window.scale == "linear":
        lines.append(
            f"Read noise: sd {read:.4g} of a weight, drawn anew for each device at each forward and backward pass "
            "(w_noise, WeightNoiseType.ADDITIVE_CONSTANT)."
        )
    return tuple(lines)


def _noise_sentence(card: DeviceCard, options: ExportOptions, read: float, noisy: bool) -> str:
    dtod = card.variation.d2d_ln_rate_covariance is not None
    c2c = base.has_update_noise(card)
    exported = "Exported: {}, {} and {}.".format(
        ("C2C as dw_min_std" + (" and as a cell" if noisy else ""))
        if c2c
        else "no C2C (the card has none of an update)",
        "D2D as dw_min_dtod and up_down_dtod" if dtod else f"no D2D ({_why_no_d2d(card)})",
        "read noise as w_noise" if read > 0 else "no read noise (the card has none)",
    )
    return base.noise_sentence(card, options, exported, c2c or dtod or read > 0)


def _why_no_d2d(card: DeviceCard) -> str:
    """Return why none is exported."""
    if not (card.variation.ltp.d2d or card.variation.ltd.d2d):
        return "the card has none"
    return "the card says how states spread over devices, not how their ln rates do"


def _inference(card: DeviceCard, options: ExportOptions, stem: str) -> tuple[dict[str, bytes], list[str]]:
    """The noise model of inference, and what is said of it."""
    found = inference.numbers(card) if options.noise else "without noise, as asked"
    if isinstance(found, str):
        return {}, [f"Noise model of inference: not written; {found}."]
    name = base.class_name(card)
    text = inference.aihwkit_module(found, name)
    return {f"{stem}_inference.py": base.mark_docstring(text, base.mark_of(card)).encode()}, [
        f"{name}NoiseModel (inference). {line}" for line in found.sentences()
    ] + [
        "aihwkit maps the largest weight of a tile to the window's high end, at programming and again when weights "
        "drift; its drift compensation is its own default. Read noise is that of one reading, which "
        "drift_analog_weights freezes."
    ]


def _network(network: TrainedNetwork, stem: str) -> tuple[dict[str, bytes], list[str]]:
    """Conductances of a trained network as weights of tiles, the module that loads them, and what is said of it."""
    weights = {name: 2.0 * u - 1.0 for name, u in tiles.fractions(network).items()}
    scales = tuple(layer.scale for layer in network.layers)
    paired = tuple(layer.paired for layer in network.layers)
    loader = network_loader(network.card, scales, paired, f"{stem}_preset", f"{stem}_network")
    mark = base.mark_of(network.card)
    return {
        f"{stem}_network.npz": base.npz(weights, mark),
        f"{stem}_network.py": base.mark_docstring(loader, mark).encode(),
    }, tiles.sentences(network)


def export(card: DeviceCard, options: ExportOptions) -> Export:
    """The presets of a card, its noise model of inference, and a network's tiles (see the module's docstring).

    Raises
    ------
    UsageError
        If nodes is out of 2..63, LTP or LTD never moves the device, or a network's device is outside the window.
    """
    base.check_moves(card, NAME)
    fields, figures = _steps(card, options.nodes)
    linear = linear_fields(card, options.noise)
    noise: dict[str, Any] | None = None
    lines: list[str] = []
    read = 0.0
    if options.noise:
        fields |= noise_fields(card)
        read = read_noise(card)
    if options.noise and base.has_update_noise(card):
        wanted = pulsed.card_scatter(card)
        noise = cell_fields(card, fields, wanted)
        lines, more = _scatters(base.class_name(card), wanted, fields, noise, linear)
        figures |= more
    stem, name = base.identifier(card.name), base.class_name(card)
    if options.noise and max(fields["dw_min_dtod"], fields["up_down_dtod"]) > 0:
        sentence, more = _device_scatters(card, fields)
        lines.append(sentence)
        figures |= more
    modelled, told = _inference(card, options, stem)
    held, spoken = ({}, []) if options.network is None else _network(options.network, stem)
    use = [
        "from aihwkit.nn import AnalogLinear",
        f"from {stem}_preset import {name}Preset, put_at_start",
        f"layer = AnalogLinear(64, 10, rpu_config={name}Preset())",
        "put_at_start(layer)    # where the card's LTP train starts; else aihwkit's random weights",
    ]
    if noise is not None:
        use.append(f"# {name}NoisyPreset in place of it: the same steps, and update noise that does not follow them")
    if modelled:
        use += [
            f"from {stem}_inference import {name}InferencePreset",
            f"layer = AnalogLinear(64, 10, rpu_config={name}InferencePreset()).eval()",
            "layer.program_analog_weights()",
            "layer.drift_analog_weights(3600.0)    # time since programming [s]",
        ]
    if held:
        use += [
            f"from {stem}_network import layers",
            "hidden, output = layers()    # modules that give the weighted sums of the trained network's layers",
        ]
    mark = base.mark_of(card)
    written = {
        "marks": mark,
        "PiecewiseStepDevice": fields,
        "LinearStepDevice": linear,
        "cell noise (LinearStepDevice)": noise,
    }
    return Export(
        carries=("retention",),
        files={
            f"{stem}_preset.py": base.mark_docstring(presets(card, fields, linear, noise, read), mark).encode(),
            f"{stem}_preset.json": dump_json(written).encode(),
            **modelled,
            **held,
        },
        use=tuple(use),
        leaves=base.COMPILED,
        exact=(*_exact(card, fields["reset"], read), *spoken[:1]),
        approximated=(
            *_approximations(card, options, fields, noise is not None, linear, figures),
            *lines,
            *told,
            *spoken[1:],
        ),
        forgetting="LEFT OUT: the steps here are those right after a pulse, and they last. aihwkit's lifetime makes "
        "whole weights decay once a mini-batch, not the forgotten share of each update; it and diffusion are off.",
        units=_units(card),
        noise=_noise_sentence(card, options, read, noise is not None),
        figures=figures,
    )
