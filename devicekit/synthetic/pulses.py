"""Synthetic pulse trains from a card, and the reference device that ships with devicekit.

The reference set is SYNTHETIC: generated from the laws below, in the manner of Fig. 3 of Ma et al. 2023
(doi 10.1109/JEDS.2023.3311763), which prints neither coefficients nor a data file. Nothing in it was measured.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from devicekit.core.errors import UsageError
from devicekit.core.text import width_suffix
from devicekit.device.array import DeviceArray
from devicekit.device.blocks import Conditions
from devicekit.device.card import DeviceCard
from devicekit.device.truth import truth_card
from devicekit.synthetic.marks import synthetic
from devicekit.synthetic.package import write_package
from devicekit.tables import PulseTable

REFERENCE = "pt-hfo2-al2o3-ti"
REFERENCE_SEED = 2023
REFERENCE_WIDTHS = (5e-6, 50e-6, 500e-6)  # s
READ_VOLTAGE = 0.1  # V
PULSE_VOLTAGE = 0.95  # V

# Shapes (kappa, d, f, g, h) on the rising coordinate, and the log rate at mid-window for the three widths.
_SHAPES = {"ltp": (0.97, 1.1, -5.0, 1.0, 0.8), "ltd": (0.98, 1.4, 6.0, -3.0, 0.5)}
_LOG_RATES = {"ltp": (-5.3, -4.45, -3.7), "ltd": (-5.1, -4.3, -3.6)}
_CONDITIONING = 5  # LTP/LTD pairs before recording, so that short pulses have left the starting state behind
_LN_RATE_SD = 0.10


def generate(
    card: DeviceCard,
    n_devices: int,
    n_cycles: int,
    n_pulses: int,
    seed: int,
    *,
    conditioning: int = 0,
    pulse_period_s: float = 0.0,
    read_delay_s: float = 0.0,
) -> PulseTable:
    """Generate alternating LTP and LTD trains of devices drawn from a card, read after every pulse.

    Each device starts at r = 0 and carries its state from train to train.

    Parameters
    ----------
    card : DeviceCard
        Law, window, noise and D2D of the devices.
    n_devices, n_cycles, n_pulses : int
        Size of the set; a train has n_pulses pulses and n_pulses + 1 readings.
    seed : int
        Seed of every draw.
    conditioning : int
        LTP/LTD pairs that are applied but not recorded.
    pulse_period_s : float
        Time from one pulse to the next [s], from train to train too; devices of a card with a volatile part forget in
        it.
    read_delay_s : float
        Time from a pulse to its reading [s], up to the period.

    Returns
    -------
    PulseTable
        With the warning `synthetic`.

    Raises
    ------
    UsageError
        If a time is negative, or the reading comes after the next pulse.
    """
    if not 0.0 <= read_delay_s <= pulse_period_s < float("inf"):
        raise UsageError(
            f"pulse_period_s={pulse_period_s:g}, read_delay_s={read_delay_s:g}: both must be at least 0, and the "
            "reading not later than the next pulse"
        )
    pulses = 0

    array = DeviceArray(card, n_devices, seed, d2d="shared", read_noise=True)
    readings = np.empty((n_cycles, 2, n_pulses + 1, n_devices))
    for cycle in range(-conditioning, n_cycles):
        for branch, sign in enumerate((1, -1)):
            train = [array.read()]
            for _ in range(n_pulses):
                pulses += 1
                now = max(pulses * pulse_period_s, array.time_s)
                array.pulse(sign, time_s=now)
                train.append(array.read(now + read_delay_s))
            if cycle >= 0:
                readings[cycle, branch] = train
    cycle, branch, pulse, device = np.indices(readings.shape)
    digits = len(str(n_devices))
    names = np.array([f"device{k + 1:0{digits}d}" for k in range(n_devices)])
    order = np.lexsort([pulse.ravel(), branch.ravel(), cycle.ravel(), device.ravel()])
    up = branch.ravel()[order] == 0
    frame = pd.DataFrame(
        {
            "device_id": names[device.ravel()[order]],
            "cycle": cycle.ravel()[order] + 1,
            "direction": np.where(up, "ltp", "ltd"),
            "pulse_index": pulse.ravel()[order],
            "conductance_s": np.maximum(readings.ravel()[order], 0.0),
        }
    )
    conditions = card.conditions
    if conditions.ltp_voltage_v is not None and conditions.ltd_voltage_v is not None:
        frame["pulse_voltage_v"] = np.where(up, conditions.ltp_voltage_v, conditions.ltd_voltage_v)
    if conditions.pulse_width_s is not None:
        frame["pulse_width_s"] = conditions.pulse_width_s
    if conditions.read_voltage_v is not None:
        frame["read_voltage_v"] = conditions.read_voltage_v
    return synthetic(PulseTable, frame)


def reference_truth(width_s: float) -> DeviceCard:
    """Return the law that the reference device was generated from, at one of its pulse widths [s].

    Parameters
    ----------
    width_s : float
        5e-6, 50e-6 or 500e-6 [s].
    """
    k = REFERENCE_WIDTHS.index(width_s)
    return truth_card(
        {direction: (_LOG_RATES[direction][k], *_SHAPES[direction]) for direction in ("ltp", "ltd")},
        ln_rate_sd=_LN_RATE_SD,
        conditions=Conditions(
            pulse_width_s=width_s,
            ltp_voltage_v=PULSE_VOLTAGE,
            ltd_voltage_v=-PULSE_VOLTAGE,
            read_voltage_v=READ_VOLTAGE,
        ),
    )


def reference_table(n_devices: int = 20, n_cycles: int = 20, n_pulses: int = 100) -> PulseTable:
    """Generate the reference set: the same devices at three pulse widths (one seed draws the same devices).

    Parameters
    ----------
    n_devices, n_cycles, n_pulses : int
        Size of the set at each width.
    """
    parts = [
        generate(reference_truth(width), n_devices, n_cycles, n_pulses, REFERENCE_SEED, conditioning=_CONDITIONING)
        for width in REFERENCE_WIDTHS
    ]
    frame = pd.concat([part.frame for part in parts], ignore_index=True)
    return PulseTable(frame, parts[0].meta, parts[0].warnings)


def write_reference(folder: Path) -> None:
    """Write the reference data set: pulses.csv.gz, datapackage.json and card.json.

    Conductances are rounded to 5 significant digits; the compressed file holds no time stamp, so the same
    versions write the same bytes.
    """
    from devicekit.fitting.device import fit
    from devicekit.readers import read

    data = write_package(
        folder,
        reference_table().frame,
        name=REFERENCE,
        title="SYNTHETIC reference device in the manner of Fig. 3 of Ma et al. 2023",
        description="SYNTHETIC. Three pulse widths, 20 devices, 20 cycles of 100 LTP and 100 LTD pulses, generated "
        "by devicekit.synthetic from stated laws with a fixed seed. Nothing here was measured.",
        stem="pulses",
        seed=REFERENCE_SEED,
        sources=[
            {
                "title": "Ma et al., IEEE J. Electron Devices Soc. 2023 (shape of the experiment only)",
                "path": "https://doi.org/10.1109/JEDS.2023.3311763",
            }
        ],
    )
    pulses = read(data)
    assert isinstance(pulses, PulseTable)
    result = fit(pulses)
    for condition in result.conditions:
        main = condition.table.widths == result.table.widths
        suffix = "" if main else f"_{width_suffix(condition.table.widths[0])}"
        card = condition.to_card(f"{REFERENCE}{suffix}", data, synthetic=True)
        card.save(folder / f"card{suffix}.json")
