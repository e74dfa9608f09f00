"""README of the export to NeuroSim: use, what is approximated, units."""

from __future__ import annotations

import shlex

from devicekit.device.card import DeviceCard
from devicekit.exporters.neurosim.exponential import LARGEST_NL, Choice, card_pulses, lost_pulses
from devicekit.exporters.neurosim.parameters import Parameters
from devicekit.exporters.neurosim.source import Copy, Patch
from devicekit.exporters.neurosim.variation import sign_label

UNITS = (
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


def use(copy: Copy | None, patch: Patch | None) -> tuple[str, ...]:
    """Return the instructions for use, without or with a patch of a copy."""
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


def exported_noise(p: Parameters) -> str:
    """Return the exported variation, in words."""
    parts = {
        "sigmaCtoC (c2cVari) from the noise of one update": p.sigma_c2c,
        "sigmaDtoD (d2dVari), maxConductanceVar and minConductanceVar from the measured devices": p.sigma_d2d,
        "sigmaReadNoise": p.sigma_read,
    }
    return ", ".join(words for words, value in parts.items() if value > 0)


def approximations(card: DeviceCard, p: Parameters, chosen: Choice, noise: bool) -> list[str]:
    """Return the README sentences on what is approximated; `noise`: the variation was requested."""
    fits, gap = chosen.fits, chosen.loop.gap
    lines = [
        f"{direction.upper()}: the exponential of NeuroSim differs from the law by {fit.rms:.2%} of the window rms, "
        f"{fit.largest:.2%} at most; its recursion with the written label deviates from it by {fit.recursion:.1e}. "
        f"Rounding of labels to 0.01 adds {fit.rounding:.1e}. From the largest deviation from a line instead of a fit, "
        f"the label would be {sign_label(direction, fit.from_data):.2f}."
        for direction, fit in fits.items()
    ]
    for direction, fit in fits.items():
        if abs(fit.label) >= LARGEST_NL:
            lines.append(
                f"{direction.upper()}: the label is at the limit of NeuroSim, {LARGEST_NL:g}; the curve is steeper."
            )
    if gap > 1e-6:
        lines.append(f"The loop is not closed: LTD ends {gap:.1e} of the window from the start of LTP.")
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
