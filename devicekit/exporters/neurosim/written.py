"""Files of the export to NeuroSim: fields of RealDevice, assignments of train.py, data of nonlinear_fit.m, JSON."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from devicekit.device.card import DeviceCard
from devicekit.exporters import base
from devicekit.exporters.neurosim.exponential import Choice, Device, branch_fits, card_pulses, closed_loop
from devicekit.exporters.neurosim.parameters import Parameters, settings
from devicekit.exporters.neurosim.scatter import Scatter
from devicekit.exporters.neurosim.variation import sign_label
from devicekit.system.files import dump_json


def real_device(card: DeviceCard, p: Parameters) -> str:
    """Return the assignments as text, for insertion by hand."""
    rows = [
        "// Fields of RealDevice (MLP+NeuroSim V3.0, Cell.cpp): replace each line of the constructor. A block",
        "// inserted as a whole would be overwritten by later lines; export with --source to get a patch instead.",
        f"// From the device card {base.one_line(card.name)}; README.txt lists what is exact.",
        *map(str, settings(card, p)),
    ]
    return "\n".join(rows) + "\n"


def train_arguments(card: DeviceCard, p: Parameters) -> str:
    """Return assignments for train.py of DNN+NeuroSim V2.1, which overwrites its command line and loses no pulse."""
    device, levels = Device.central(card), card_pulses(card)
    fits = branch_fits(card, device, closed_loop(card, device, levels), levels)
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
        f"args.nonlinearityLTP = {sign_label('ltp', fits['ltp'].label):g}  # label, positive: steep at first [1]",
        f"args.nonlinearityLTD = {sign_label('ltd', fits['ltd'].label):g}  # label, negative: steep at first [1]",
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


def as_json(card: DeviceCard, p: Parameters, chosen: Choice, scatters: Sequence[Scatter]) -> str:
    """Return neurosim.json: the parameters as numbers with units, and the scatter of trains."""
    fits = chosen.fits
    values = {
        "marks": base.mark_of(card),
        "minConductance_s": p.low,
        "maxConductance_s": p.high,
        "levels": p.levels,
        "pulses": card_pulses(card),
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
        "scatter": {
            each.kind: {"pulses": each.pulses, "devicekit": each.ours, "neurosim": each.theirs} for each in scatters
        },
    }
    return dump_json(values)
