"""Predictive check: do devices drawn from a card cover devices left out of its fit?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.device.array import DeviceArray
from devicekit.device.card import DeviceCard
from devicekit.device.variation import D2dMode
from devicekit.fitting.branch.options import FitOptions
from devicekit.fitting.device import fit_table
from devicekit.tables import PulseTable

FEWEST = 4  # devices
SIGNS = {"ltp": 1, "ltd": -1}


@dataclass(frozen=True)
class PopulationCheck:
    """Shares within the 95 % range of drawn devices, over all devices, each left out once [1].

    Attributes
    ----------
    direction : {"ltp", "ltd"}
    readings : float
        Share of single readings.
    means : float
        Share of the readings of devices' mean curves.
    curves : float
        Share of devices whose mean curve is inside at 95 % of its pulses or more.
    width : float
        Mean width of the 95 % range [S or weight].
    devices : int
        Number of devices left out.
    """

    direction: str
    readings: float
    means: float
    curves: float
    width: float
    devices: int


def drawn_readings(
    card: DeviceCard, pulses: dict[str, int], devices: int = 1000, seed: int = 0, d2d: D2dMode = "resample"
) -> dict[str, np.ndarray]:
    """Simulate readings of devices drawn from a card: alternating LTP and LTD trains, the first of each left out.

    Parameters
    ----------
    card : DeviceCard
    pulses : mapping of direction to int
        Length of the trains.
    devices, seed : int
    d2d : {"resample", "shared", "none"}

    Returns
    -------
    mapping of direction to ndarray, shape (pulses + 1, devices)
        In the card's unit.
    """
    array = DeviceArray(card, devices, seed, d2d=d2d, read_noise=True)
    found: dict[str, np.ndarray] = {}
    for _ in range(2):
        for direction, sign in SIGNS.items():
            readings = [array.read()]
            for _ in range(pulses[direction]):
                array.pulse(sign)
                readings.append(array.read())
            found[direction] = np.array(readings)
    return found


def leave_out(
    table: PulseTable, parts: int = 4, devices: int = 1000, seed: int = 0, model: str = "eq2", d2d: D2dMode = "resample"
) -> dict[str, PopulationCheck]:
    """Fit all devices but a part, draw devices from the card, and locate those left out; part by part.

    This takes as long as `parts` fits.

    Raises UsageError if there are fewer than four devices or two parts.

    Parameters
    ----------
    table : PulseTable
        Of at least four devices, with LTP and LTD trains.
    parts : int
        Number of parts into which devices are divided, at least 2.
    devices : int
        Number of devices drawn each time.
    seed : int
        Seed of the parts and the draws.
    model : str
        Update law.
    d2d : {"resample", "shared", "none"}
        How devices are drawn.

    Returns
    -------
    mapping of direction to PopulationCheck
    """
    names = np.array(table.devices)
    if len(names) < FEWEST or not 2 <= parts <= len(names):
        raise UsageError(
            f"leaving devices out needs at least {FEWEST} devices and 2 parts, not {len(names)} and {parts}"
        )
    quantity = "conductance_s" if "conductance_s" in table.frame else "weight"
    found: dict[str, list[tuple[float, float, float, float]]] = {direction: [] for direction in SIGNS}
    for out in np.array_split(np.random.default_rng(seed).permutation(names), parts):
        card = fit_table(table.without(list(out)), FitOptions(model)).to_card("others")
        new = table.frame[table.frame["device_id"].isin(out)]
        length = {name: int(new[new["direction"] == name]["pulse_index"].max()) for name in SIGNS}
        readings = drawn_readings(card, length, devices, seed, d2d)
        for direction in SIGNS:
            own = new[new["direction"] == direction]
            rows = own.pivot_table(index=["device_id", "cycle"], columns="pulse_index", values=quantity)
            low, high = np.quantile(readings[direction][rows.columns.to_numpy(int)], [0.025, 0.975], axis=1)
            means = rows.groupby("device_id").mean().to_numpy()
            one, mean = ((low <= each) & (each <= high) for each in (rows.to_numpy(), means))
            width = float(np.mean(high - low))
            found[direction] += [
                (float(one[k].mean()), float(each.mean()), float(each.mean() > 0.95), width)
                for k, each in zip((rows.index.get_level_values(0) == name for name in sorted(out)), mean, strict=True)
            ]
    checks = {}
    for direction, values in found.items():
        readings_inside, means_inside, curves_inside, width = (float(each) for each in np.mean(values, axis=0))
        checks[direction] = PopulationCheck(
            direction, readings_inside, means_inside, curves_inside, width, devices=len(values)
        )
    return checks
