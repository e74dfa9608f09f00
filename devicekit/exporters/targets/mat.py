"""MATLAB .mat (version 5): the card, its rate curves and trains as one struct `device`."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from devicekit._version import __version__
from devicekit.device.blocks import Branch
from devicekit.device.card import DeviceCard
from devicekit.device.network import DYNAMICS, LAYERS, TrainedNetwork
from devicekit.exporters import base
from devicekit.exporters.base import Export, ExportOptions

NAME = "mat"
TITLE = "MATLAB file"
TAKES = frozenset({"network"})
GRID = 501
_HEADER = 116  # bytes of free text at the start of a version 5 file, where scipy writes the time


def _numbers(values: Mapping[str, float | None]) -> dict[str, float]:
    return {name: np.nan if value is None else float(value) for name, value in values.items()}


def _branch(card: DeviceCard, branch: Branch) -> dict[str, object]:
    r = np.linspace(0.0, 1.0, GRID)
    curve = branch.rate_curve
    return {
        "theta": np.array(branch.theta, float),
        "theta_names": np.array(card.law.parameters, dtype=object),
        "x0": branch.x0,
        "standard_errors": _numbers(branch.standard_errors),
        "noise": branch.noise,
        "measured_range": np.array(branch.measured_range, float),
        "coefficients": _numbers(branch.coefficients),
        **({"coefficients_s": _numbers(branch.coefficients_s)} if branch.coefficients_s else {}),
        "rate": card.rate(branch.direction, r),
        "largest_step": branch.largest_step,
        "nrmse": branch.nrmse,
        "r2": branch.r2,
        "n_pulses": float(branch.n_pulses),
        "band_r": np.array(curve.r, float),
        "band_rate": np.array(curve.rate, float),
        "band_lower": np.array(curve.lower, float),
        "band_upper": np.array(curve.upper, float),
        "band_level": curve.level,
    }


def _variation(card: DeviceCard) -> dict[str, object]:
    found: dict[str, object] = {}
    for direction, branch in (("ltp", card.variation.ltp), ("ltd", card.variation.ltd)):
        found[direction] = {
            "c2c": {name: sigma.value for name, sigma in branch.c2c.items()},
            "d2d": {name: sigma.value for name, sigma in branch.d2d.items()},
            **_numbers({"step_noise": branch.step_noise, "cycle_ln_rate": branch.cycle_ln_rate}),
            "n_devices": float(branch.n_devices),
            "n_cycles": float(branch.n_cycles),
        }
    if card.variation.d2d_ln_rate_covariance is not None:
        found["d2d_ln_rate_covariance"] = np.array(card.variation.d2d_ln_rate_covariance, float)
    return found


def contents(card: DeviceCard, noise: bool) -> dict[str, object]:
    """Return the struct `device` as nested dictionaries and arrays."""
    r = np.linspace(0.0, 1.0, GRID)
    train = base.reference_train(card)
    conductance = card.window.quantity == "conductance_s"
    state = "conductance_s" if conductance else "weight"
    device: dict[str, object] = {
        "name": card.name,
        "model": card.model,
        "law": card.law.title,
        "synthetic": card.provenance.synthetic,
        "marks": ", ".join(card.provenance.marks),
        "source": card.provenance.source,
        "sha256": card.provenance.sha256,
        "devicekit": __version__,
        "window": {
            "low": card.window.low,
            "high": card.window.high,
            "scale": card.window.scale,
            "quantity": state,
        },
        "r": r,
        state: card.window.from_state(r),
        "ltp": _branch(card, card.ltp),
        "ltd": _branch(card, card.ltd),
        "train": {
            "pulse": np.arange(train.r.size, dtype=float),
            "direction": np.concatenate([[0.0], np.repeat([1.0, -1.0], base.PULSES)]),
            "r": train.r,
            state: train.value,
        },
        "conditions": _numbers(card.conditions.stated()),
        "units": dict(_units(card)),
    }
    if noise:
        device["variation"] = _variation(card)
    return device


def _units(card: DeviceCard) -> list[tuple[str, str]]:
    state = base.unit(card)
    return [
        ("r", "1"),
        ("conductance_s" if state == "S" else "weight", state),
        ("rate", "1 per pulse"),
        ("window", state),
        ("coefficients", "state r in 0..1"),
        ("coefficients_s", "state G in S"),
        ("c2c_d2d", "fraction of the window"),
        ("step_noise", "fraction of the step"),
        ("cycle_ln_rate", "1"),
        ("pulse_width_s", "s"),
        ("voltages", "V"),
        ("band_level", "1"),
    ]


_MEANINGS = {
    "r": "state, 0 to 1 over the window",
    "rate": "change of r by one pulse, negative for LTD",
    "coefficients": "coefficients of the law for this state; a is per pulse",
    "coefficients_s": "coefficients of the law for G",
    "c2c_d2d": "standard deviations, with the names in the card",
    "step_noise": "standard deviation of one update",
    "cycle_ln_rate": "standard deviation of ln rate over cycles",
}


def _network_units(card: DeviceCard) -> base.Units:
    return (
        ("network.hidden, .output: plus, minus", base.unit(card), "each device of a pair, or the fixed reference"),
        ("network.hidden, .output: weight, scale", "1", "scale (plus - minus) / (high - low), inputs by outputs"),
        ("network.neurons.step_s", "s", "length of a step; other times are in steps"),
        ("network.check", "1", "spikes (samples, steps, inputs), output spike counts, predicted and true classes"),
    )


def network_contents(network: TrainedNetwork) -> dict[str, object]:
    """Return the struct `network`: devices and weights of both layers, neurons, and answers to check a copy."""
    layers = {
        name: {"plus": layer.plus, "minus": layer.minus, "scale": layer.scale, "paired": layer.paired, "weight": weight}
        for name, layer, weight in zip(LAYERS, network.layers, network.weights(), strict=True)
    }
    check = {name: getattr(network.check, name).astype(float) for name in ("counts", "classes", "labels")}
    return {
        "sentence": network.sentence,
        **layers,
        "neurons": {name: float(value) for name, value in asdict(network.neurons).items()},
        "dynamics": DYNAMICS,
        "check": {"spikes": network.check.spikes.astype(np.uint8), **check},
    }


def export(card: DeviceCard, options: ExportOptions) -> Export:
    """Export a card as one .mat file; equal cards give equal bytes."""
    from scipy.io import savemat

    stream, network = io.BytesIO(), options.network
    structs = {"device": contents(card, options.noise)}
    if network is not None:
        structs["network"] = network_contents(network)
    savemat(stream, structs, long_field_names=True, oned_as="column")
    data = bytearray(stream.getvalue())
    mark = base.mark_of(card)
    head = f"MATLAB 5.0 MAT-file, written by devicekit {__version__}" + (f". {mark}" if mark else "")
    data[:_HEADER] = head.encode().ljust(_HEADER)[:_HEADER]
    name = base.identifier(card.name)
    return Export(
        files={f"{name}.mat": bytes(data)},
        use=(
            f"load('{name}.mat'); plot(device.r, device.ltp.rate)    (MATLAB, Octave)",
            *(("w = network.hidden.weight;    (inputs by outputs)",) if network is not None else ()),
            f"scipy.io.loadmat('{name}.mat', simplify_cells=True)['device']    (Python)",
        ),
        exact=(
            "Every number of the central device of the card, in double precision; unknown numbers are NaN or missing.",
            f"device.ltp.rate and device.ltd.rate: the law with its cap, at {GRID} states (negative for LTD).",
            f"device.train: a noiseless DeviceArray, {base.PULSES} LTP and {base.PULSES} LTD pulses from r = 0.",
            *(
                ("network: each device in double precision, and spikes with answers to check a copy.",)
                if network is not None
                else ()
            ),
        ),
        approximated=("The individually measured devices are only on the card, not in the file.",),
        units=(
            *((key, value, _MEANINGS.get(key, "")) for key, value in _units(card)),
            *(_network_units(card) if network is not None else ()),
        ),
        noise=base.noise_sentence(card, options, "Exported: device.variation, with the names of the card."),
        figures={"points": GRID},
    )
