"""NeuroSim: RealDevice fields (MLP+NeuroSim V3.0) and the assignments of DNN+NeuroSim V2.1's train.py.

The device of NeuroSim is G(P) = B (1 - exp(-P / A)) + Gmin, B = (Gmax - Gmin) / (1 - exp(-N / A)), with the same
window for LTP and LTD, and A and the number of pulses N per direction; one pulse changes P by one. A follows from a
label NL in steps of 0.01, positive if LTP (negative if LTD) is steep at first. The closed form of the label is
`devicekit.models.labels.nl_label`. Code and table of NeuroSim (CC BY-NC) are not used here.

With most N NeuroSim loses pulses by rounding. N is the nearest number without loss, and A is refitted with it to the
trains of the card. If source is your own copy, the export also has a patch for it.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.device.card import DeviceCard
from devicekit.exporters import base
from devicekit.exporters.base import Export, ExportOptions
from devicekit.exporters.exponential import (
    LARGEST_NL,
    SMALLEST_WINDOW,
    Choice,
    Device,
    ExponentialFit,
    Loop,
    branch_fits,
    card_pulses,
    choose,
    closed_loop,
    lost_pulses,
)
from devicekit.exporters.neurosim import access, scatter, source
from devicekit.exporters.neurosim.parameters import Parameters, real_device, settings
from devicekit.system.files import dump_json

NAME = "neurosim"
TITLE = "NeuroSim device parameters"
TAKES = frozenset({"window", "source"})
MOST_DEVICES = 400  # most devices for a standard deviation over devices


def _sign_label(direction: str, label: float) -> float:
    return label if direction == "ltp" else -label


def _device_spread(card: DeviceCard, chosen: Choice) -> dict[str, float]:
    """Return the standard deviations of label and window over the measured devices; empty for fewer than 3."""
    if len(card.devices) < 3:
        return {}
    labels: dict[str, list[float]] = {"ltp": [], "ltd": []}
    ends = []
    for row in card.devices[:MOST_DEVICES]:
        device = Device.measured(row)
        loop = closed_loop(card, device, chosen.loop_pulses)
        if loop.high - loop.low < SMALLEST_WINDOW:
            continue
        ends.append(card.window.from_state(np.array([loop.low, loop.high])))
        for direction, fit in branch_fits(card, device, loop, chosen.levels).items():
            labels[direction].append(fit.label)
    if len(ends) < 3:
        return {}
    low_sd, high_sd = np.std(ends, axis=0, ddof=1)
    variance = np.mean([np.var(values, ddof=1) for values in labels.values()])
    return {"sigma_d2d": float(np.sqrt(variance)), "low_sd": float(low_sd), "high_sd": float(high_sd)}


def _noise(card: DeviceCard, chosen: Choice, low: float, high: float) -> dict[str, float]:
    """Return C2C, D2D and read noise in the terms of NeuroSim."""
    from devicekit.device.variation import read_sigma

    variances = []
    for direction, states in (("ltp", chosen.loop.ltp), ("ltd", chosen.loop.ltd)):
        sigma = base.update_sigma(card, direction, np.diff(states))
        slope = np.gradient(card.window.from_state(np.linspace(0, 1, 1001)), 1e-3)
        in_siemens = sigma * np.interp(states[:-1], np.linspace(0, 1, 1001), slope)
        variances.append(np.mean(in_siemens**2))
    if card.window.scale == "log":  # a step of ln G is a fraction of G
        read = read_sigma(card) * np.log(card.window.high / card.window.low)
    else:
        read = read_sigma(card) * card.window.span / ((low + high) / 2.0)
    return {
        "sigma_c2c": float(np.sqrt(np.mean(variances))) / (high - low),
        "sigma_read": float(read),
        **_device_spread(card, chosen),
    }


def _labels_of_card_trains(card: DeviceCard) -> tuple[dict[str, int], dict[str, float]]:
    """Return the numbers of pulses of the card and their labels, for train.py, which loses no pulse."""
    device, own = Device.central(card), card_pulses(card)
    fits = branch_fits(card, device, closed_loop(card, device, own), own)
    return own, {direction: _sign_label(direction, fit.label) for direction, fit in fits.items()}


def train_arguments(p: Parameters, levels: dict[str, int], nl: dict[str, float]) -> str:
    """Return assignments for train.py of DNN+NeuroSim V2.1, which overwrites its command line."""
    level = round((levels["ltp"] + levels["ltd"]) / 2)
    bits = max(int(np.log2(level)), 1)
    rows = [
        "# Replace the assignments in train.py with these; it overwrites options of the command line.",
        f"args.wl_weight = {bits}  # weight precision [bit]: must equal cellBit in V2.1",
        f"args.wl_grad = {bits}  # gradient precision [bit]: must equal cellBit",
        f"args.cellBit = {bits}  # floor(log2(max_level)) [bit]",
        f"args.max_level = {level}  # pulses of a train [1]",
        f"args.c2cVari = {p.sigma_c2c:.6g}  # sd of one update, fraction of the window [1]",
        f"args.d2dVari = {p.sigma_d2d:.6g}  # sd of the label over devices [1]",
        f"args.nonlinearityLTP = {nl['ltp']:g}  # label, positive: steep at first [1]",
        f"args.nonlinearityLTD = {nl['ltd']:g}  # label, negative: steep at first [1]",
    ]
    return "\n".join(rows) + "\n"


def raw_data(card: DeviceCard) -> str:
    """Return the loop of the trains of a card in the form of nonlinear_fit.m: pulse number and conductance [S]."""
    loop = closed_loop(card, Device.central(card), card_pulses(card))
    rows = ["% pulse number, conductance (S): noiseless trains of the fitted law, not measured points"]
    for name, states in (("exp_LTP_raw", loop.ltp), ("exp_LTD_raw", loop.ltd)):
        rows.append(f"{name} = [")
        rows += [f"{n} {value:.9e}" for n, value in enumerate(card.window.from_state(states))]
        rows.append("];")
    return "\n".join(rows) + "\n"


def export(card: DeviceCard, options: ExportOptions) -> Export:
    """Export the parameters of a card for NeuroSim (see the docstring of the module).

    Raises
    ------
    UsageError
        If the card holds weights and no window is given, its trains do not change the state, or the source is not a
        known version of NeuroSim.
    FileError
        If the source cannot be read.
    """
    card = base.convert_to_siemens(card, options, "NeuroSim")
    base.check_moves(card, NAME)
    copy = None if options.source is None else source.load(Path(options.source))
    chosen = choose(card)
    loop, fits = chosen.loop, chosen.fits
    low, high = (float(value) for value in card.window.from_state(np.array([loop.low, loop.high])))
    if low < 0:
        raise UsageError(f"NeuroSim needs conductances of 0 S or more, but trains of this card reach {low:.3g} S.")
    noise = _noise(card, chosen, low, high) if options.noise else {}
    labels = {direction: _sign_label(direction, fit.label) for direction, fit in fits.items()}
    p = Parameters(low, high, chosen.levels, labels, **noise)
    scatters = [
        scatter.measure(card, loop, p, kind) for kind, sd in (("C2C", p.sigma_c2c), ("D2D", p.sigma_d2d)) if sd > 0
    ]
    cell = None if copy is None else source.cell(copy)
    mark = base.mark_of(card)
    files = {
        "RealDevice.txt": base.add_mark(real_device(card, p), "//", mark).encode(),
        "train_arguments.txt": base.add_mark(train_arguments(p, *_labels_of_card_trains(card)), "#", mark).encode(),
        "nonlinear_fit_data.m": base.add_mark(raw_data(card), "%", mark).encode(),
        "neurosim.json": dump_json({"marks": mark, **_as_json(p, card_pulses(card), fits, scatters)}).encode(),
    }
    patch = None
    if copy is not None:
        resistance = None if cell is None else access.choose_resistance(low, high, cell)
        changed = resistance if cell is not None and resistance != cell.resistance else None
        patch = source.make(copy, card.name, settings(card, p), changed, p.range_varies, mark)
        files["neurosim.patch"] = patch.diff.encode("latin-1")
    lines = _approximations(p, fits, loop, card, options.noise)
    lines += [each.sentence() for each in scatters]
    if copy is None or cell is not None:
        lines.append(access.sentence(low, high, cell))
    lines.append(access.initial_sentence(low, high, copy is not None))
    lines.append("Networks are left out: NeuroSim cannot load one, it trains its own (400-100-10).")
    return Export(
        files=files,
        use=_use(copy, patch),
        exact=(
            f"The window: the ends of the closed loop of {chosen.loop_pulses['ltp']} LTP and "
            f"{chosen.loop_pulses['ltd']} LTD pulses.",
            "The signs of the labels: positive for LTP and negative for LTD if steep at first.",
            "No update loses a pulse: k / N * N equals k for every k up to the exported numbers of pulses.",
        ),
        approximated=tuple(lines),
        units=_UNITS,
        noise=base.noise_sentence(card, options, f"Exported: {_exported_noise(p)}.", bool(_exported_noise(p))),
        figures=_figures(p, fits, loop, scatters, cell),
        # bytes that are not UTF-8 are shown as question marks; the file keeps them
        diff="" if patch is None else patch.diff.encode("latin-1").decode("utf-8", "replace"),
    )


def _figures(
    p: Parameters,
    fits: dict[str, ExponentialFit],
    loop: Loop,
    scatters: list[scatter.Scatter],
    cell: access.Cell | None,
) -> dict[str, Any]:
    figures: dict[str, Any] = {"NL_LTP": p.nl["ltp"], "NL_LTD": p.nl["ltd"]}
    for direction, fit in fits.items():
        figures |= {
            f"misfit_rms_{direction}": fit.rms,
            f"misfit_largest_{direction}": fit.largest,
            f"recursion_{direction}": fit.recursion,
            f"NL_{direction.upper()}_without_fit": _sign_label(direction, fit.from_data),
        }
    figures["loop_gap"] = loop.gap
    figures |= {f"scatter_off_{each.kind.lower()}": each.largest_error for each in scatters}
    figures["on_off"] = access.on_off(p.low, p.high) if p.low > 0 else None
    if cell is not None and p.low > 0:
        resistance = access.choose_resistance(p.low, p.high, cell)
        figures |= {
            "on_off_as_it_was": access.on_off(p.low, p.high, cell.resistance),
            "on_off_patched": access.on_off(p.low, p.high, resistance),
            "resistance_access_ohm": resistance,
        }
    return figures


def _use(copy: source.Copy | None, patch: source.Patch | None) -> tuple[str, ...]:
    others = (
        "DNN+NeuroSim V2.1: replace the assignments of args in train.py with train_arguments.txt.",
        "nonlinear_fit_data.m: replaces the data block of nonlinear_fit.m.",
    )
    if copy is None or patch is None:
        return (
            "MLP+NeuroSim V3.0: replace each line of RealDevice::RealDevice in Cell.cpp with that of RealDevice.txt. "
            "Or export with --source to get a patch, which also sets seeds per device and the access transistor.",
            *others,
        )
    folder = shlex.quote(str(copy.folder.resolve()))
    return (
        f"MLP+NeuroSim V3.0: neurosim.patch replaces {patch.removed} lines of Cell.cpp and Array.cpp by {patch.added}.",
        f"patch -p1 -d {folder} < neurosim.patch       then run make there",
        f"patch -R -p1 -d {folder} < neurosim.patch    reverts it",
        *others,
    )


_UNITS = (
    ("maxConductance, minConductance", "S", "ends of the loop"),
    ("maxConductanceVar, minConductanceVar", "S", "sd over devices"),
    (
        "NL_LTP, NL_LTD, nonlinearityLTP, nonlinearityLTD",
        "1",
        "labels, steps of 0.01 (a third decimal guards against truncation in NeuroSim)",
    ),
    ("sigmaCtoC", "S", "sd of one pulse, written as a fraction of the window times the window"),
    ("c2cVari", "1", "sd of one pulse, fraction of the window"),
    ("sigmaDtoD, d2dVari", "1", "sd of the label over devices"),
    ("sigmaReadNoise", "1", "sd of one reading, fraction of the conductance"),
    ("writeVoltage, readVoltage", "V", ""),
    ("writePulseWidth", "s", ""),
)


def _exported_noise(p: Parameters) -> str:
    """Return the exported variation, in words."""
    parts = {
        "sigmaCtoC (c2cVari) from the noise of one update": p.sigma_c2c,
        "sigmaDtoD (d2dVari), maxConductanceVar and minConductanceVar from the measured devices": p.sigma_d2d,
        "sigmaReadNoise": p.sigma_read,
    }
    return ", ".join(words for words, value in parts.items() if value > 0)


def _as_json(
    p: Parameters, pulses: dict[str, int], fits: dict[str, ExponentialFit], scatters: list[scatter.Scatter]
) -> dict[str, Any]:
    return {
        "minConductance_s": p.low,
        "maxConductance_s": p.high,
        "levels": p.levels,
        "pulses": pulses,
        "NL": p.nl,
        "A_normalised": {direction: fit.a for direction, fit in fits.items()},
        "A_normalised_least_squares": {
            direction: fit.a_free if np.isfinite(fit.a_free) else None for direction, fit in fits.items()
        },
        "sigmaCtoC_fraction": p.sigma_c2c,
        "sigmaDtoD": p.sigma_d2d,
        "sigmaReadNoise": p.sigma_read,
        "maxConductanceVar_s": p.high_sd,
        "minConductanceVar_s": p.low_sd,
        "scatter": {each.kind: each.as_json() for each in scatters},
    }


def _approximations(
    p: Parameters, fits: dict[str, ExponentialFit], loop: Loop, card: DeviceCard, noise: bool
) -> list[str]:
    lines = [
        f"{direction.upper()}: the exponential of NeuroSim differs from the law by {fit.rms:.2%} of the window rms, "
        f"{fit.largest:.2%} at most; its recursion with the written label deviates from it by {fit.recursion:.1e}. "
        f"Rounding of labels to 0.01 adds {fit.rounding:.1e}. From the largest deviation from a line instead of a fit, "
        f"the label would be {_sign_label(direction, fit.from_data):.2f}."
        for direction, fit in fits.items()
    ]
    for direction, fit in fits.items():
        if abs(fit.label) >= LARGEST_NL:
            lines.append(
                f"{direction.upper()}: the label is at the limit of NeuroSim, {LARGEST_NL:g}; the curve is steeper."
            )
    if loop.gap > 1e-6:
        lines.append(f"The loop is not closed: LTD ends {loop.gap:.1e} of the window from the start of LTP.")
    for direction, levels in p.levels.items():
        wanted = card_pulses(card)[direction]
        if levels != wanted:
            lost = lost_pulses(wanted)
            lines.append(
                f"{direction.upper()}: {levels} pulses instead of {wanted} on the card, with which NeuroSim would lose "
                f"a pulse in {len(lost)} of {wanted} updates ({', '.join(map(str, lost[:3]))}"
                f"{', ...' if len(lost) > 3 else ''} pulses). The label is fitted for {levels} pulses."
            )
    if card_pulses(card)["ltp"] != card_pulses(card)["ltd"]:
        lines.append("train.py has one max_level: the mean number of LTP and LTD pulses.")
    if p.sigma_c2c > 0:
        lines.append("C2C: NeuroSim has one sigma for LTP and LTD at every conductance: the rms is used.")
    if p.sigma_d2d > 0:
        lines.append(
            "D2D: RealDevice draws labels and window ends independently, and train.py adds one draw to both labels. "
            "The correlations of the measured devices are not represented."
        )
    elif noise and card.variation.d2d_ln_rate_covariance is not None and len(card.devices) < 3:
        lines.append("D2D is left out: in NeuroSim it is a spread of labels, which needs 3 measured devices.")
    if p.sigma_read > 0 and card.window.scale == "linear":
        lines.append(
            "Read noise: proportional to G in NeuroSim, constant on the card; matched in the middle of the window."
        )
    if card.window.scale == "log":
        lines.append("The state of the card is ln G; the exponential was fitted to G.")
    return lines
