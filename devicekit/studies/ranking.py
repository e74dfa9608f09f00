"""Whether a study ranks devices as others do: the rank correlation of each pair of rankings, with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from devicekit.core.intervals import FEWEST_VALUES, mean_ends
from devicekit.core.records import Estimate, Record, column
from devicekit.plot import Axis, Curve, Panel
from devicekit.studies.rank_intervals import AGREES, rank_interval, spearman
from devicekit.studies.spec import Scalar

MARKERS = ("D", "o", "s", "^", "v", "P", "X", "*", ">", "p", "<")  # one more than colours: none returns with its colour
COLOURS = tuple(f"C{k}" for k in range(10))
APART = 0.36  # of the distance of two devices, over which the rankings of one are spread
FEWEST_DEVICES = 3  # that have ranks to compare; of so few, every sixth order is the same by chance


@dataclass(frozen=True)
class Ranking:
    """Devices, as somebody or one setting of a study ranks them."""

    name: str
    runs: Mapping[str, Sequence[float]]  # values of each device by its name, one a seed
    settings: str = ""
    own: bool = False  # of a setting of the study, not of somebody else

    def ends(self, device: str) -> tuple[float, float, float]:
        """Return mean, low and high of a device: the 95 % interval over seeds; NaN if unranked.

        With fewer than three seeds both ends are the mean. Ends lie within 0 and 1, as accuracies do.
        """
        if device not in self.runs:
            return (float("nan"),) * 3
        values = list(self.runs[device])
        mean = float(np.mean(values))
        low, high = (mean_ends(values) if len(values) >= FEWEST_VALUES else None) or (mean, mean)
        return mean, max(low, 0.0), min(high, 1.0)

    @property
    def spread(self) -> Spread:
        """How far it puts the devices apart."""
        values = [np.asarray(each, float) for each in self.runs.values()]
        means = np.array([each.mean() for each in values])
        of_seeds = [each.var(ddof=1) for each in values if len(each) > 1]
        seeds = float(np.sqrt(np.mean(of_seeds))) if of_seeds else None
        devices = float(means.std(ddof=1)) if len(means) > 1 else None
        return Spread(self.name, len(means), float(means.mean()), float(np.ptp(means)), devices, seeds)


@dataclass(frozen=True)
class Spread(Record):
    """How far a ranking puts its devices apart, beside the scatter of seeds."""

    ranking: str = column(doc="label of the setting, or who ranks the devices")
    n_devices: int = column(doc="devices that it ranks")
    mean: float = column(doc="mean over the devices")
    distance: float = column(doc="from the lowest device's mean over seeds to the highest one's")
    sd_devices: float | None = column(doc="standard deviation of the devices' means over seeds; None of one device")
    sd_seeds: float | None = column(doc="standard deviation over the seeds of a device, pooled; None with one seed")


@dataclass(frozen=True)
class Agreement(Record):
    """How alike two rank the same devices."""

    setting: str = column(doc="label of the setting, or who ranks the devices")
    by: str = column(doc="whom that is compared with")
    n_devices: int = column(doc="devices that both rank")
    rho: Estimate = column(
        doc="Spearman's rank correlation; interval over all resamples of the devices, and over resampled seeds of each"
    )
    difference: float = column(doc="mean absolute difference of the devices' values")
    devices: tuple[str, ...] = column(doc="names of the devices")
    published: tuple[float, ...] = column(doc="values that they are compared with, means over seeds, in their order")
    mean: tuple[float, ...] = column(doc="means over seeds, in their order")
    low: tuple[float, ...] = column(doc="lower ends of their 95 % intervals; the means with one seed")
    high: tuple[float, ...] = column(doc="upper ends of their 95 % intervals; the means with one seed")

    @property
    def agrees(self) -> bool:
        """True if the ranks of four devices or more are alike and the interval leaves out 0."""
        return (
            self.n_devices > FEWEST_DEVICES
            and self.rho.value >= AGREES
            and self.rho.low is not None
            and self.rho.low > 0
        )


def ranks_panel(rankings: Sequence[Ranking]) -> Panel:
    """Return the figure of each device's values in each ranking, best device of the first one below, unranked last."""
    first = rankings[0]
    devices = sorted(all_devices(rankings), key=lambda each: -first.ends(each)[0] if each in first.runs else np.inf)
    rows, middle = np.arange(len(devices)), (len(rankings) - 1) / 2
    curves = []
    for k, one in enumerate(rankings):
        x, low, high = 100 * np.array([one.ends(each) for each in devices]).T
        shift = APART * (k - middle) / max(middle, 1.0)
        marker, colour = MARKERS[k % len(MARKERS)], COLOURS[k % len(COLOURS)]
        curves.append(Curve(one.name, x, rows - shift, "across", marker, low, high, colour=colour, size=6.0))
    return Panel(Axis("accuracy", "%"), Axis("", names=tuple(devices)), curves, grid=True)


def own_rankings(
    table: pd.DataFrame, key: str, devices: Sequence[Scalar], outcome: str, settings: Mapping[str, str]
) -> list[Ranking]:
    """Return how each setting of a study ranks the devices, in its order.

    Parameters
    ----------
    table : pandas.DataFrame
        Runs: case, seed, `key` and `outcome`.
    key : str
        Setting whose values are the devices.
    devices : sequence
        The devices to rank, values of `key`.
    outcome : str
        Column that devices are ranked by.
    settings : mapping
        Label of the setting of each case, which is that of the case without the device.

    Returns
    -------
    list of Ranking
        Of finished runs; a device without one is not ranked.
    """
    done = table[table[outcome].notna()] if outcome in table and key in table else table[:0]
    found = []
    for name, rows in done.groupby(done["case"].map(settings), sort=False):
        values = {str(device): rows.loc[rows[key] == device, outcome].astype(float).tolist() for device in devices}
        found.append(Ranking(str(name), {device: runs for device, runs in values.items() if runs}, own=True))
    return [each for each in found if each.runs]


def all_devices(rankings: Sequence[Ranking]) -> list[str]:
    """Return the devices of all rankings, those of the first one before others."""
    return list(dict.fromkeys(device for each in rankings for device in each.runs))


def compare(one: Ranking, other: Ranking) -> Agreement | None:
    """Return how alike two rank the devices that both rank, and no others; None with fewer than three."""
    devices = tuple(each for each in one.runs if each in other.runs)
    if len(devices) < FEWEST_DEVICES:
        return None
    runs, others = ([np.asarray(side.runs[each], float) for each in devices] for side in (one, other))
    means, values = (np.array([each.mean() for each in side]) for side in (runs, others))
    rho = Estimate(spearman(values, means), *rank_interval(others, runs))
    mean, low, high = zip(*(one.ends(each) for each in devices), strict=True)
    difference = float(np.abs(values - means).mean())
    return Agreement(
        one.name, other.name, len(devices), rho, difference, devices, tuple(values.tolist()), mean, low, high
    )


def compare_all(rankings: Sequence[Ranking]) -> list[Agreement]:
    """Return the agreement of each pair of rankings, the later one of a pair as `setting`."""
    pairs = (compare(one, other) for k, one in enumerate(rankings) for other in rankings[:k])
    return [each for each in pairs if each is not None]
