"""IBM aihwkit: presets of its pulsed devices, a noise model of inference, and the tiles of a trained network.

The weight is w = 2 (G - low) / (high - low) - 1. The preset is a PiecewiseStepDevice: aihwkit interpolates the step
linearly between nodes evenly spaced over [w_min, w_max]. Node values are a least-squares fit, not samples of the
curve, because a train adds up steps. The update noise is proportional to the step; in a second preset, a cell of two
devices, it is the same at every weight. Written for aihwkit 1.1.0 (https://github.com/IBM/aihwkit, MIT).
"""

from __future__ import annotations

import math
from dataclasses import replace

from devicekit.core.errors import UsageError
from devicekit.device.card import DeviceCard
from devicekit.device.network import TrainedNetwork
from devicekit.device.variation import applied_variation
from devicekit.exporters import base, inference, pulsed, tiles
from devicekit.exporters.base import Export, ExportOptions, FigureValue
from devicekit.exporters.pulsed import PiecewiseStep
from devicekit.exporters.pulsed_fields import (
    Presets,
    cell_noise,
    dtod_variances,
    linear_step,
    piecewise_step,
    read_noise,
    with_noise,
)
from devicekit.exporters.pulsed_source import module, network_loader
from devicekit.system.files import dump_json

NAME = "aihwkit"
TITLE = "aihwkit device preset"
TAKES = frozenset({"nodes", "network"})
NODES = (33, 63)  # the first of these with a deviation below COARSE; the limit of aihwkit on GPUs is below 64
COARSE = 1e-3  # largest accepted deviation over a train [range]
MOST_NODES = NODES[-1]


def _steps(card: DeviceCard, nodes: int | None) -> tuple[PiecewiseStep, float]:
    """Return the noiseless device with so many nodes, as many as needed if None, and its deviation over a train."""
    if nodes is not None and not 2 <= nodes <= MOST_NODES:
        raise UsageError(f"nodes= must be 2 to {MOST_NODES} for aihwkit, the limit on a GPU; got {nodes}.")
    for count in NODES if nodes is None else (nodes,):
        steps = piecewise_step(card, count)
        path = card.window.low + card.window.span * (pulsed.replay(steps.update()) + 1.0) / 2.0
        deviation = base.deviation(card, path)
        if deviation < COARSE:
            break
    return steps, deviation


def _scatters(name: str, wanted: pulsed.Scatter, presets: Presets) -> tuple[list[str], dict[str, FigureValue]]:
    """Compare the C2C of each preset with that of the card: README sentences and figures."""
    found = {preset: pulsed.scatter(*each) for preset, each in presets.updates(name).items()}
    lines = [f"C2C of {preset} without D2D: {own.describe(wanted)}." for preset, own in found.items()]
    return lines, {
        f"path_sd_{key}": [float(f"{value:.3g}") for value in each.after]
        for key, each in {"card": wanted, **found}.items()
    }


def _device_scatters(card: DeviceCard, steps: PiecewiseStep) -> tuple[str, dict[str, FigureValue]]:
    """Compare the D2D along trains of the preset with arrays of the card: README sentence and figures."""
    name = f"{base.class_name(card)}Preset"
    found = {name: pulsed.device_path(steps.update_of_devices())}
    resampled = applied_variation(card).devices
    for mode in ("resample", "shared") if resampled else ("shared",):
        found[mode] = pulsed.array_path(card, mode)
    numbers = {key: pulsed.percents(each) for key, each in found.items()}
    arrays = f"a DeviceArray with d2d='shared': {numbers['shared']}; with the default d2d='resample': "
    arrays += numbers["resample"] if resampled else "0, because the card has no measured devices to draw from"
    return (
        "D2D along trains, without update noise: sd of the state after 10, 50, 100 LTP pulses from the low end and "
        f"10, 50, 100 further LTD pulses, in % of the window. {name}: {numbers[name]}; {arrays}."
    ), {f"device_sd_{key}": [float(f"{round(value, 9):.3g}") for value in each] for key, each in found.items()}


def _approximations(
    card: DeviceCard,
    options: ExportOptions,
    presets: Presets,
    deviation: float,
) -> list[str]:
    name, steps, linear = base.class_name(card), presets.steps, presets.linear
    nodes = len(steps.piecewise_up)
    lines = []
    if deviation > COARSE:
        more = "try --nodes 63" if nodes < MOST_NODES else "more nodes do not run on a GPU"
        lines.append(
            f"COARSE: the mean train deviates from a DeviceArray by up to {deviation:.1e} of the range, "
            f"more than {COARSE:g} ({more})."
        )
    lines += [
        f"The step curve: {nodes} nodes, linear in between. Over {base.PULSES} LTP and {base.PULSES} LTD "
        f"pulses the weight deviates from a DeviceArray by at most {deviation:.1e} of the range.",
        "Converters, bounds and output noise of both passes: defaults of aihwkit, not properties of the device.",
    ]
    if options.noise and base.has_update_noise(card):
        lines.append(
            f"C2C of {name}Preset: PiecewiseStepDevice only has noise proportional to the step (dw_min_std). It "
            "matches the rms over the train, not the dependence on the weight."
        )
    if presets.noise is not None:
        lines.append(
            f"C2C of {name}NoisyPreset: a cell of that device without noise and of a device with constant noise, of "
            "which each pulse removes a fixed fraction, as falling steps do. The weight is their sum: unlike the state "
            "of the card it may leave -1..1, and steps do not depend on the noise."
        )
    if steps.dw_min_dtod > 0 or steps.up_down_dtod > 0:
        lines.append(
            "D2D: one shared curve with a log-normal gain (dw_min_dtod) and an asymmetry (up_down_dtod) from the "
            "covariance of ln rate. Both directions have the mean of the two variances; a DeviceArray with "
            "d2d='shared' has one per direction. Individual curves, as drawn from measured devices with the default "
            "d2d='resample', have no field in aihwkit. "
            f"Log-normal gains raise the mean step by {100 * math.expm1(steps.dw_min_dtod**2 / 2):.2g} %."
        )
    if options.noise and card.window.scale == "log" and read_noise(card) > 0:
        lines.append("Read noise: proportional to G on the card; w_noise of aihwkit is its rms at every weight.")
    if linear is not None:
        lines.append(
            f"{name}LinearPresetDevice: the law without the cap at the largest fitted step. Its update noise is "
            "the same at every weight: a fraction of the step of each direction at w = 0, where its rms was matched."
        )
        if linear.dw_min_dtod > 0 and linear.up_down != 0:
            up, down = dtod_variances(linear)
            lines.append(
                f"D2D of {name}LinearPresetDevice: gains are fractions of the larger step in aihwkit, so ln rate "
                f"has a variance of {up:.2g} up and {down:.2g} down."
            )
    return lines


def _units(card: DeviceCard) -> base.Units:
    half = f"{card.window.span / 2:.6g} {base.unit(card)}"
    return (
        ("w_min, w_max, dw_min, reset, START", "1", f"weight; one unit is half the window, {half}"),
        ("READ_NOISE, w_noise", "1", "sd of one reading of one device, in the unit of the weight"),
        ("piecewise_up, piecewise_down", "dw_min", "step at each node"),
        ("up_down, up_down_dtod", "1", "fraction of dw_min"),
        ("dw_min_std", "1", "sd of one update as a fraction of its own step"),
        ("dw_min_std of LinearStepDevice", "1", "sd of one update as a fraction of the step at w = 0"),
        ("dw_min_dtod", "1", "sd over devices of ln gain"),
    )


def _exact(card: DeviceCard, start: float, read: float) -> tuple[str, ...]:
    lines = [
        "The window: w = -1 is its low end, w = +1 its high end, and w is linear in between"
        + (" (converted from ln G)." if card.window.scale == "log" else "."),
        "The asymmetry of LTP and LTD: each has its own nodes (up_down = 0).",
        "Every field of the device is written out. Fields without a value on the card are switched off, unlike the "
        "defaults of aihwkit (dw_min_std 0.3, dw_min_dtod 0.3, w_max_dtod 0.3).",
        f"The start of the LTP train of the card, w = {start:.4g}: START, and `reset` of every device (used by "
        "reset_columns). Layers start from random weights of aihwkit; put_at_start(layer) sets them all to START.",
    ]
    if read > 0 and card.window.scale == "linear":
        lines.append(
            f"Read noise: sd {read:.4g} of a weight, drawn for each device at each forward and backward pass "
            "(w_noise, WeightNoiseType.ADDITIVE_CONSTANT)."
        )
    return tuple(lines)


def _noise_sentence(card: DeviceCard, options: ExportOptions, presets: Presets) -> str:
    dtod = card.variation.d2d_ln_rate_covariance is not None
    c2c = base.has_update_noise(card)
    exported = "Exported: {}, {} and {}.".format(
        ("C2C as dw_min_std" + (" and as a cell" if presets.noise else ""))
        if c2c
        else "no C2C (the card has no update noise)",
        "D2D as dw_min_dtod and up_down_dtod" if dtod else f"no D2D ({_why_no_d2d(card)})",
        "read noise as w_noise" if presets.read > 0 else "no read noise (the card has none)",
    )
    return base.noise_sentence(card, options, exported, c2c or dtod or presets.read > 0)


def _why_no_d2d(card: DeviceCard) -> str:
    """Return the reason why no D2D is exported."""
    if not (card.variation.ltp.d2d or card.variation.ltd.d2d):
        return "the card has none"
    return "the card has a D2D of states, but none of ln rate"


def _inference(card: DeviceCard, options: ExportOptions, stem: str) -> tuple[dict[str, bytes], list[str]]:
    """Return the file of the noise model of inference, and its README sentences."""
    found = inference.numbers(card) if options.noise else "noise was switched off"
    if isinstance(found, str):
        return {}, [f"Noise model of inference: not written, because {found}."]
    name = base.class_name(card)
    text = inference.aihwkit_module(found, name)
    return {f"{stem}_inference.py": base.mark_docstring(text, base.mark_of(card)).encode()}, [
        f"{name}NoiseModel (inference). {line}" for line in found.sentences()
    ] + [
        "aihwkit maps the largest weight of a tile to the high end of the window, at programming and again when "
        "weights drift. Drift compensation is the default of aihwkit; drift_analog_weights freezes the noise of one "
        "reading."
    ]


def _network(network: TrainedNetwork, stem: str) -> tuple[dict[str, bytes], list[str]]:
    """Return the files of a network (weights of tiles, module that loads them) and README sentences."""
    weights, tiled = tiles.pack(network, f"{stem}_network")
    loader = network_loader(network.card, f"{stem}_preset", tiled)
    mark = base.mark_of(network.card)
    return {
        f"{stem}_network.npz": base.npz(weights, mark),
        f"{stem}_network.py": base.mark_docstring(loader, mark).encode(),
    }, tiles.sentences(network)


def export(card: DeviceCard, options: ExportOptions) -> Export:
    """Export the presets of a card, its noise model of inference, and the tiles of a network.

    Raises
    ------
    UsageError
        If nodes is outside 2..63, LTP or LTD never changes the state, or a conductance is outside the window.
    """
    base.check_moves(card, NAME)
    stem, name = base.identifier(card.name), base.class_name(card)
    steps, deviation = _steps(card, options.nodes)
    figures: dict[str, FigureValue] = {"nodes": len(steps.piecewise_up), "deviation": deviation}
    presets, lines = Presets(steps, linear_step(card, options.noise), None, 0.0), list[str]()
    if options.noise:
        presets = replace(presets, steps=with_noise(card, steps), read=read_noise(card))
        if base.has_update_noise(card):
            wanted = pulsed.card_scatter(card)
            presets = replace(presets, noise=cell_noise(card, steps, wanted))
            lines, more = _scatters(name, wanted, presets)
            figures |= more
    steps = presets.steps
    if options.noise and max(steps.dw_min_dtod, steps.up_down_dtod) > 0:
        sentence, more = _device_scatters(card, steps)
        lines.append(sentence)
        figures |= more
    modelled, inference_lines = _inference(card, options, stem)
    network_files, network_lines = ({}, []) if options.network is None else _network(options.network, stem)
    use = [
        "from aihwkit.nn import AnalogLinear",
        f"from {stem}_preset import {name}Preset, put_at_start",
        f"layer = AnalogLinear(64, 10, rpu_config={name}Preset())",
        "put_at_start(layer)    # START of the LTP train of the card instead of random weights of aihwkit",
    ]
    if presets.noise is not None:
        use.append(f"# or {name}NoisyPreset: the same steps, and update noise that does not depend on them")
    if modelled:
        use += [
            f"from {stem}_inference import {name}InferencePreset",
            f"layer = AnalogLinear(64, 10, rpu_config={name}InferencePreset()).eval()",
            "layer.program_analog_weights()",
            "layer.drift_analog_weights(3600.0)    # time since programming [s]",
        ]
    if network_files:
        use += [
            f"from {stem}_network import layers",
            "hidden, output = layers()    # modules that return the weighted sums of the layers",
        ]
    mark = base.mark_of(card)
    devices = {
        "PiecewiseStepDevice": steps,
        "LinearStepDevice": presets.linear,
        "cell noise (LinearStepDevice)": presets.noise,
    }
    written = {"marks": mark, **{title: each and each.values() for title, each in devices.items()}}
    return Export(
        carries=("retention",),
        files={
            f"{stem}_preset.py": base.mark_docstring(module(card, presets), mark).encode(),
            f"{stem}_preset.json": dump_json(written).encode(),
            **modelled,
            **network_files,
        },
        use=tuple(use),
        leaves=base.COMPILED,
        exact=(*_exact(card, steps.reset, presets.read), *network_lines[:1]),
        approximated=(
            *_approximations(card, options, presets, deviation),
            *lines,
            *inference_lines,
            *network_lines[1:],
        ),
        forgetting="LEFT OUT: steps are exported as right after a pulse, without decay. The lifetime of aihwkit decays "
        "whole weights once per mini-batch, not a share of each update; lifetime and diffusion are off.",
        units=_units(card),
        noise=_noise_sentence(card, options, presets),
        figures=figures,
    )
