"""NeuroSim: RealDevice fields (MLP+NeuroSim V3.0) and the assignments of DNN+NeuroSim V2.1's train.py.

NeuroSim's device is G(P) = B (1 - exp(-P / A)) + Gmin, B = (Gmax - Gmin) / (1 - exp(-N / A)), the same window for
LTP and LTD, each with its own A and its own number of pulses N; one pulse moves P by one. A is given through a
label NL, positive where LTP (negative where LTD) is steep at first, in steps of 0.01. The closed form of the label
is `devicekit.models.labels.nl_label`. NeuroSim's own code and table (CC BY-NC) are not used here.

NeuroSim loses pulses with most N, by rounding: N is the nearest one with which it loses none, and A is refitted with
it to the card's own trains. With the user's own copy as source there is also a patch of it.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import numpy as np

from devicekit.device.card import DeviceCard
from devicekit.errors import UsageError
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
from devicekit.files import dump_json

NAME = "neurosim"
TITLE = "NeuroSim device parameters"
TAKES = frozenset({"window", "source"})
MOST_DEVICES = 400  # that a standard deviation over devices is taken from


def _sign_label(direction: str, label: float) -> float:
    return label if direction == "ltp" else -label


def _device_spread(card: DeviceCard, chosen: Choice) -> dict[str, float]:
    """Standard deviations over the card's measured devices of label and window; empty for fewer than 3."""
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
    """C2C, D2D and read noise in NeuroSim's terms."""
    from devicekit.device.array import read_sigma

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
    """The card's own numbers of pulses, and the labels with them: train.py loses no pulse."""
    device, own = Device.central(card), card_pulses(card)
    fits = branch_fits(card, device, closed_loop(card, device, own), own)
    return own, {direction: _sign_label(direction, fit.label) for direction, fit in fits.items()}


def train_arguments(p: Parameters, levels: dict[str, int], nl: dict[str, float]) -> str:
    """Assignments for DNN+NeuroSim V2.1's train.py, which sets them itself after it has read its command line."""
    level = round((levels["ltp"] + levels["ltd"]) / 2)
    bits = max(int(np.log2(level)), 1)
    rows = [
        "# In place of train.py's own assignments; on its command line they have no effect, it overwrites them.",
        f"args.wl_weight = {bits}  # weight precision [bit]: V2.1 wants it equal to cellBit",
        f"args.wl_grad = {bits}  # gradient precision [bit]: the same",
        f"args.cellBit = {bits}  # floor(log2(max_level)) [bit]",
        f"args.max_level = {level}  # pulses of a train [1]",
        f"args.c2cVari = {p.sigma_c2c:.6g}  # sd of one update, fraction of the window [1]",
        f"args.d2dVari = {p.sigma_d2d:.6g}  # sd of the label over devices [1]",
        f"args.nonlinearityLTP = {nl['ltp']:g}  # label, positive: steep at first [1]",
        f"args.nonlinearityLTD = {nl['ltd']:g}  # label, negative: steep at first [1]",
    ]
    return "\n".join(rows) + "\n"


def raw_data(card: DeviceCard) -> str:
    """The loop of the card's own trains as nonlinear_fit.m holds measured data: pulse number and conductance [S]."""
    loop = closed_loop(card, Device.central(card), card_pulses(card))
    rows = ["% pulse number, conductance (S): noiseless trains of the fitted law, not measured points"]
    for name, states in (("exp_LTP_raw", loop.ltp), ("exp_LTD_raw", loop.ltd)):
        rows.append(f"{name} = [")
        rows += [f"{n} {value:.9e}" for n, value in enumerate(card.window.from_state(states))]
        rows.append("];")
    return "\n".join(rows) + "\n"


def export(card: DeviceCard, options: ExportOptions) -> Export:
    """NeuroSim's numbers for a card (see the module's docstring).

    Raises
    ------
    UsageError
        If the card holds weights and no window is given, its trains do not move the device, or the source is no copy
        of NeuroSim that is known.
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
        raise UsageError(f"NeuroSim needs conductances of 0 S or more; this card's trains reach {low:.3g} S")
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
    lines.append("Networks are left out: NeuroSim trains one of its own, 400-100-10, and loads none.")
    return Export(
        files=files,
        use=_use(copy, patch),
        exact=(
            f"The window: the ends of the closed loop of {chosen.loop_pulses['ltp']} LTP and "
            f"{chosen.loop_pulses['ltd']} LTD pulses.",
            "The signs of the labels: steep at first is positive for LTP and negative for LTD.",
            "No update loses a pulse: k / N * N is k for every k of the written numbers of pulses.",
        ),
        approximated=tuple(lines),
        units=_UNITS,
        noise=base.noise_sentence(card, options, f"Exported: {_exported_noise(p)}.", bool(_exported_noise(p))),
        figures=_figures(p, fits, loop, scatters, cell),
        # bytes that are no UTF-8 are shown as question marks; the file has them as they are
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
        "DNN+NeuroSim V2.1: train_arguments.txt goes in place of train.py's own assignments of args.",
        "nonlinear_fit_data.m: in place of the data block of nonlinear_fit.m.",
    )
    if copy is None or patch is None:
        return (
            "MLP+NeuroSim V3.0: each line of RealDevice.txt in place of that line of RealDevice::RealDevice in "
            "Cell.cpp, or export with --source for a patch, with seeds for each device and the access transistor.",
            *others,
        )
    folder = shlex.quote(str(copy.folder.resolve()))
    return (
        f"MLP+NeuroSim V3.0: neurosim.patch makes {patch.removed} lines of Cell.cpp and Array.cpp {patch.added}. Then:",
        f"patch -p1 -d {folder} < neurosim.patch       and, there, make",
        f"patch -R -p1 -d {folder} < neurosim.patch    takes it back",
        *others,
    )


_UNITS = (
    ("maxConductance, minConductance", "S", "ends of the loop"),
    ("maxConductanceVar, minConductanceVar", "S", "sd over devices"),
    (
        "NL_LTP, NL_LTD, nonlinearityLTP, nonlinearityLTD",
        "1",
        "labels, steps of 0.01 (a third decimal guards against NeuroSim's truncation)",
    ),
    ("sigmaCtoC", "S", "written as a fraction of the window times the window"),
    ("c2cVari", "1", "fraction of the window, of one pulse"),
    ("sigmaDtoD, d2dVari", "1", "added to the label"),
    ("sigmaReadNoise", "1", "fraction of the conductance"),
    ("writeVoltage, readVoltage", "V", ""),
    ("writePulseWidth", "s", ""),
)


def _exported_noise(p: Parameters) -> str:
    """Return which variation NeuroSim is given."""
    parts = {
        "sigmaCtoC (c2cVari) from one update's noise": p.sigma_c2c,
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
        f"{direction.upper()}: NeuroSim's exponential misses the law by {fit.rms:.2%} rms, {fit.largest:.2%} at most, "
        f"of the window; its recursion with the written label stays within {fit.recursion:.1e} of that "
        f"exponential. Labels have steps of 0.01, which costs {fit.rounding:.1e}. Without a fit, "
        f"from the largest deviation from a line, the label would be {_sign_label(direction, fit.from_data):.2f}."
        for direction, fit in fits.items()
    ]
    for direction, fit in fits.items():
        if abs(fit.label) >= LARGEST_NL:
            lines.append(
                f"{direction.upper()}: the label is at NeuroSim's limit of {LARGEST_NL:g}; the curve is steeper."
            )
    if loop.gap > 1e-6:
        lines.append(f"The loop does not close: LTD ends {loop.gap:.1e} of the window from the start of LTP.")
    for direction, levels in p.levels.items():
        wanted = card_pulses(card)[direction]
        if levels != wanted:
            lost = lost_pulses(wanted)
            lines.append(
                f"{direction.upper()}: {levels} pulses, not the card's {wanted}, with which NeuroSim would make one "
                f"pulse too few of {len(lost)} of {wanted} updates ({', '.join(map(str, lost[:3]))}"
                f"{', ...' if len(lost) > 3 else ''} pulses). The label is that with which {levels} follow the law."
            )
    if card_pulses(card)["ltp"] != card_pulses(card)["ltd"]:
        lines.append("train.py has one max_level: the mean of the LTP and LTD numbers of pulses.")
    if p.sigma_c2c > 0:
        lines.append("C2C: NeuroSim has one sigma for LTP and LTD, the same at every conductance: the rms was taken.")
    if p.sigma_d2d > 0:
        lines.append(
            "D2D: RealDevice draws labels and window ends independently, and train.py adds one draw to both labels; "
            "the measured devices have correlations of their own."
        )
    elif noise and card.variation.d2d_ln_rate_covariance is not None and len(card.devices) < 3:
        lines.append("D2D is left out: NeuroSim's is one of the label, for which 3 measured devices are needed.")
    if p.sigma_read > 0 and card.window.scale == "linear":
        lines.append(
            "Read noise: NeuroSim's is proportional to G; the card's, the same everywhere, was matched mid-window."
        )
    if card.window.scale == "log":
        lines.append("The card's state is ln G; the exponential was fitted to G itself.")
    return lines
