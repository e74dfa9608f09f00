"""Read noise at constant voltage: its size, and the levels of its histogram.

Telegraph noise and its dwell times are tested in `devicekit.features.merits.rtn`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning, TraceError
from devicekit.core.scalars import Scalar
from devicekit.core.text import count, format_number, percent
from devicekit.features import figures
from devicekit.features.dc.transistors import without_transistors
from devicekit.features.merit import Merit, Settings, figure
from devicekit.features.merits.dc import STILL
from devicekit.plot import Panel
from devicekit.report import ROWS_SHOWN, Block, Table
from devicekit.tables import SweepTable
from devicekit.tables import Table as AnyTable

MOST_LEVELS = 4
LEAST_READINGS = 50
MOST_READINGS = 20000  # most readings for the fit of the mixture
EVIDENCE = 10.0  # BIC advantage that one more level needs
APART = 2.0  # least distance of neighbouring levels in sd


@dataclass(frozen=True)
class Level:
    """One level of the current: mean and sd [A], share of the time, mean dwell time [s] and number of dwells."""

    current_a: float
    sd_a: float
    share: float
    dwell_s: float | None
    dwells: int


@dataclass(frozen=True)
class NoiseResult:
    """Read noise at constant voltage.

    Attributes
    ----------
    mean_a, sd_a, relative : float
        Mean and standard deviation of the current [A], and their ratio.
    levels : tuple of Level
        Levels of the histogram; a single level excludes telegraph noise.
    amplitude_a, relative_amplitude : float or None
        Distance of the outer levels [A], and the same over the mean.
    voltage_v : float
        Median voltage of the record [V].
    """

    n: int
    duration_s: float
    voltage_v: float
    mean_a: float
    sd_a: float
    relative: float
    levels: tuple[Level, ...]
    amplitude_a: float | None
    relative_amplitude: float | None

    @property
    def telegraph(self) -> bool:
        """True if the histogram of the current has two or more levels."""
        return len(self.levels) > 1

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return asdict(self)


def noise(time: np.ndarray, current: np.ndarray, voltage: float = float("nan")) -> NoiseResult:
    """Find the levels of a current at constant voltage by a Gaussian mixture (BIC), and how long each lasts.

    Parameters
    ----------
    time, current : ndarray, shape (n,)
        Time [s] and current [A]; readings that are not finite are left out.
    voltage : float
        Voltage of the record [V], kept with the result.

    Raises
    ------
    TraceError
        If there are fewer than 50 readings.
    """
    known = np.isfinite(time) & np.isfinite(current)
    t, i = time[known], current[known]
    if i.size < LEAST_READINGS:
        raise TraceError(f"read noise needs at least {LEAST_READINGS} readings; got {i.size}")
    mean, sd = float(i.mean()), float(i.std(ddof=1))
    means, sds = _mixture(i, sd)
    state = _states(i, means)
    step = float(np.median(np.diff(t))) if t.size > 1 else 0.0
    levels = tuple(_level(state, k, means[k], sds[k], step) for k in range(means.size))
    amplitude = float(means[-1] - means[0]) if means.size > 1 else None
    relative = float("nan") if mean == 0 else sd / abs(mean)
    return NoiseResult(
        int(i.size),
        float(t[-1] - t[0]),
        float(voltage),
        mean,
        sd,
        relative,
        levels,
        amplitude,
        None if amplitude is None or mean == 0 else abs(amplitude / mean),
    )


def _mixture(current: np.ndarray, sd: float) -> tuple[np.ndarray, np.ndarray]:
    """Return means and sds of the levels, ascending; one level unless more are clearly better and apart."""
    if sd == 0 or not np.isfinite(sd):
        return np.array([current[0]]), np.array([0.0])
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    centre = float(np.median(current))
    step = max(1, current.size // MOST_READINGS)
    scaled = ((current[::step] - centre) / sd)[:, None]
    best, best_bic = None, np.inf
    for many in range(1, min(MOST_LEVELS, np.unique(scaled).size) + 1):
        mixture = GaussianMixture(many, covariance_type="tied", random_state=0, n_init=2, reg_covar=1e-6)
        with catch_warnings():
            simplefilter("ignore", ConvergenceWarning)  # too many levels for these data: BIC decides
            fit = mixture.fit(scaled)
        bic = fit.bic(scaled)
        width = float(np.sqrt(fit.covariances_[0, 0]))
        apart = np.diff(np.sort(fit.means_[:, 0])).min(initial=np.inf) > APART * width
        if bic < best_bic - EVIDENCE and apart and fit.weights_.min() > 0.005:
            best, best_bic = fit, bic
    assert best is not None
    means = np.sort(best.means_[:, 0]) * sd + centre
    return means, np.full(means.size, float(np.sqrt(best.covariances_[0, 0])) * sd)


def _states(current: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Return the level of each reading, with hysteresis: it changes only near the middle of another level."""
    if means.size == 1:
        return np.zeros(current.size, int)
    nearest = np.abs(current[:, None] - means[None, :]).argmin(axis=1)
    gap = np.diff(means).min()
    sure = np.abs(current - means[nearest]) < 0.3 * gap
    last = np.maximum.accumulate(np.where(sure, np.arange(current.size), -1))
    return np.where(last >= 0, nearest[np.maximum(last, 0)], nearest)


def _level(state: np.ndarray, k: int, mean: float, sd: float, step: float) -> Level:
    here = state == k
    dwells = int((np.diff(np.r_[0, here.astype(int)]) == 1).sum())
    changes = int((np.diff(state) != 0).sum())
    dwell = float(here.sum() * step / dwells) if dwells and changes else None
    return Level(float(mean), float(sd), float(here.mean()), dwell, dwells)


@dataclass(frozen=True)
class NoiseRecord:
    """Read noise of one record: its device, its cycle, and the readings [s, A]."""

    device_id: str
    cycle: int
    result: NoiseResult
    time: np.ndarray
    current: np.ndarray

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return {"device_id": self.device_id, "cycle": self.cycle, **self.result.as_dict()}


@dataclass(frozen=True)
class NoiseResults:
    """Read noise of every record at constant voltage."""

    records: tuple[NoiseRecord, ...]
    warnings: tuple[CodedWarning, ...]

    def __iter__(self) -> Iterator[NoiseRecord]:
        return iter(self.records)

    def as_dict(self) -> list[dict[str, Any]]:
        """Return the fields as JSON-ready values."""
        return [record.as_dict() for record in self.records]

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return one row per record, without its levels."""
        if not self.records:
            return {}
        return {"noise": pd.json_normalize(self.as_dict(), sep="_").drop(columns="levels")}

    def scalars(self) -> tuple[Scalar, ...]:
        """Return the median size of the noise, and the share of records with several levels."""
        if not self.records:
            return ()
        sizes = [record.result.relative for record in self.records if np.isfinite(record.result.relative)]
        telegraph = float(np.mean([record.result.telegraph for record in self.records]))
        return (
            Scalar("read_noise", "read noise, median sd", float(np.median(sizes)) if sizes else np.nan, of="the mean"),
            Scalar("several_levels", "records with more than one level", telegraph, of="records"),
        )

    def sentences(self) -> list[str]:
        """Return the size of the noise, and in how many records it has several levels."""
        shares = [record.result.relative for record in self.records if np.isfinite(record.result.relative)]
        text = f"Read noise of {count(len(self.records), 'record')} at constant voltage"
        telegraph = sum(record.result.telegraph for record in self.records)
        if shares:
            text += f": standard deviation {percent(float(np.median(shares)))} of the mean (median)"
        if len(self.records) == 1:
            return [f"{text}; the histogram has {count(len(self.records[0].result.levels), 'level')}."]
        return [f"{text}; more than one level in {telegraph or 'none'} of them."]

    def panel(self) -> Panel:
        """Draw the first record, with the levels that were found."""
        first = self.records[0]
        return figures.current_in_time(first.time, first.current, [level.current_a for level in first.result.levels])

    def blocks(self) -> list[Block]:
        """Return the blocks of the report."""
        rows = []
        for record in self.records[:ROWS_SHOWN]:
            n = record.result
            levels = "; ".join(
                f"{format_number(each.current_a, 'A')}, dwell {format_number(each.dwell_s, 's')}" for each in n.levels
            )
            cells = (format_number(n.voltage_v, "V"), format_number(n.mean_a, "A"), percent(n.relative, 3))
            rows.append(
                (
                    record.device_id,
                    *cells,
                    "yes" if n.telegraph else "no",
                    format_number(n.relative_amplitude),
                    levels,
                )
            )
        head = ("device", "voltage", "mean", "sd / mean", "several levels", "amplitude / mean", "levels")
        shown = figure(self.panel(), "Read current of the first record.", "Current against time with the levels found")
        return [Table(head, rows, "Read noise at constant voltage."), shown]


def find(table: AnyTable, settings: Settings, found: Mapping[str, Merit]) -> NoiseResults | None:
    """Find the read noise of records at constant voltage in a table of sweeps."""
    kept = without_transistors(table) if isinstance(table, SweepTable) else None
    if kept is None:
        return None
    table = kept
    span = table.frame.groupby(["device_id", "cycle"])["voltage_v"].transform(np.ptp)
    records, short = [], 0
    for (device, cycle), rows in table.frame[span.fillna(0) <= STILL].groupby(["device_id", "cycle"], sort=False):
        time = (rows["time_s"] if "time_s" in rows else rows["point"]).to_numpy(float)
        current = rows["current_a"].to_numpy(float)
        if np.isfinite(current).sum() < LEAST_READINGS:
            short += 1
            continue
        result = noise(time, current, float(rows["voltage_v"].median()))
        records.append(NoiseRecord(str(device), int(str(cycle)), result, time, current))
    words = f"{count(short, 'record')} at constant voltage with too few readings for read noise"
    warnings = (CodedWarning("few_points", words),) if short else ()
    return NoiseResults(tuple(records), warnings) if records or short else None
