"""Whether a study ranks devices as somebody else does: rank correlation by setting, with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from devicekit.core.intervals import LEVEL, mean_ends
from devicekit.core.records import Estimate, Record, column
from devicekit.plot import Axis, Curve, Panel, colours_of

RESAMPLES = 2000
MARKERS = ("D", "o", "s", "^", "v", "P", "X", "*")
AGREES = 0.7  # rank correlation, from which rankings are called alike


@dataclass(frozen=True)
class Agreement(Record):
    """How the devices of one setting are ranked, against published values."""

    setting: str = column(doc="label of the setting")
    n_devices: int = column(doc="devices that both rank")
    rho: Estimate = column(
        doc="Spearman's rank correlation; interval by a bootstrap of the devices, and of the seeds of each"
    )
    devices: tuple[str, ...] = column(doc="names of the devices")
    published: tuple[float, ...] = column(doc="published values, in their order")
    mean: tuple[float, ...] = column(doc="means over seeds, in their order")
    low: tuple[float, ...] = column(doc="lower ends of their 95 % intervals; the means with one seed")
    high: tuple[float, ...] = column(doc="upper ends of their 95 % intervals; the means with one seed")

    def value_of(self, device: str, which: str) -> float:
        """Return what a column holds of a device; NaN where it has none."""
        values: tuple[float, ...] = getattr(self, which)
        return values[self.devices.index(device)] if device in self.devices else float("nan")

    @property
    def agrees(self) -> bool:
        """True if the ranks are alike and the interval leaves out 0."""
        return self.rho.value >= AGREES and self.rho.low is not None and self.rho.low > 0


def ranks_panel(agreements: Sequence[Agreement], by: str) -> Panel:
    """Return the figure of each device's accuracies: published, and with each setting."""
    devices = sorted(agreements[0].devices, key=lambda each: -agreements[0].value_of(each, "published"))
    rows, first = np.arange(len(devices)), agreements[0]
    series = [(by, ("published",) * 3, first), *((each.setting, ("mean", "low", "high"), each) for each in agreements)]
    curves = []
    for (name, columns, found), marker, colour in zip(series, MARKERS, colours_of(range(len(series))), strict=False):
        x, low, high = (100 * np.array([found.value_of(each, column) for each in devices]) for column in columns)
        curves.append(Curve(name, x, rows, "across", marker, low, high, colour=colour, size=6.0))
    return Panel(Axis("accuracy", "%"), Axis("", names=tuple(devices)), curves, grid=True)


def compare_rankings(
    table: pd.DataFrame, key: str, published: Mapping[str, float], outcome: str, settings: Mapping[str, str]
) -> list[Agreement]:
    """Return the agreement of each setting of a study, in its order.

    Parameters
    ----------
    table : pandas.DataFrame
        Runs: case, seed, `key` and `outcome`.
    key : str
        Setting whose values are the devices.
    published : mapping
        Published value of each device.
    outcome : str
        Column that devices are ranked by.
    settings : mapping
        Label of the setting of each case, which is that of the case without the device.

    Returns
    -------
    list of Agreement
        Only settings with at least three devices that have finished runs.
    """
    done = table[table[key].isin(list(published)) & table[outcome].notna()] if outcome in table else table[:0]
    found = []
    for name, rows in done.groupby(done["case"].map(settings), sort=False):
        runs = {str(device): group[outcome].to_numpy(float) for device, group in rows.groupby(key, sort=False)}
        if len(runs) < 3:
            continue
        values = np.array([published[device] for device in runs])
        means = np.array([each.mean() for each in runs.values()])
        rho = Estimate(spearman(values, means), *_bootstrap(values, list(runs.values())))
        ends = [mean_ends(each.tolist()) or (float(each[0]), float(each[0])) for each in runs.values()]
        columns = (values.tolist(), means.tolist(), *zip(*ends, strict=True))
        found.append(Agreement(str(name), len(runs), rho, tuple(runs), *map(tuple, columns)))
    return found


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Return Spearman's rank correlation; NaN if all values of one are the same."""
    from scipy.stats import rankdata

    a, b = rankdata(x) - (len(x) + 1) / 2, rankdata(y) - (len(y) + 1) / 2
    norm = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / norm if norm else float("nan")


def _bootstrap(values: np.ndarray, runs: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return the percentile interval over resampled devices and seeds."""
    rng, n = np.random.default_rng(0), len(values)
    drawn = []
    for _ in range(RESAMPLES):
        picked = rng.integers(n, size=n)
        means = np.array([rng.choice(runs[k], len(runs[k])).mean() for k in picked])
        drawn.append(spearman(values[picked], means))
    tail = 50 * (1 - LEVEL)
    low, high = np.nanpercentile(drawn, [tail, 100 - tail])
    return float(low), float(high)
