"""Read noise at constant voltage: its size, and the levels of its histogram.

Telegraph noise and its dwell times are tested in `devicekit.features.merits.rtn`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from warnings import catch_warnings, simplefilter

import numpy as np

from devicekit.core.errors import CodedWarning, TraceError
from devicekit.core.records import Record, cell_of, column, internal, plain
from devicekit.core.scalars import Scalar
from devicekit.core.text import count, format_number, percent
from devicekit.features.dc.transistors import without_transistors
from devicekit.features.merit import MeritResult, Settings
from devicekit.features.merits.dc import STILL
from devicekit.plot import COLOURS, Axis, Curve, Panel
from devicekit.tables import SweepTable
from devicekit.tables import Table as AnyTable

MOST_LEVELS = 4
LEAST_READINGS = 50
MOST_READINGS = 20000  # most readings for the fit of the mixture
EVIDENCE = 10.0  # BIC advantage that one more level needs
APART = 2.0  # least distance of neighbouring levels in sd


@dataclass(frozen=True, kw_only=True)
class Level(Record):
    """One level of the current."""

    current_a: float = column(doc="mean current")
    sd_a: float = column(unit="A", doc="standard deviation of the current")
    share: float = column(doc="share of the time, 0..1")
    dwell_s: float | None = column(unit="s", doc="mean dwell time; None of a single level")
    dwells: int = column(doc="number of dwells")


@dataclass(frozen=True, kw_only=True)
class NoiseResult(Record):
    """Read noise at constant voltage."""

    n: int = column(doc="readings")
    duration_s: float = column(unit="s", doc="duration of the record")
    voltage_v: float = column(doc="median voltage of the record")
    mean_a: float = column(unit="A", doc="mean of the current")
    sd_a: float = column(unit="A", doc="standard deviation of the current")
    relative: float = column(doc="standard deviation over the mean")
    levels: tuple[Level, ...] = column(
        row=False, doc="levels of the histogram; a single level excludes telegraph noise"
    )
    amplitude_a: float | None = column(unit="A", doc="distance of the outer levels")
    relative_amplitude: float | None = column(doc="distance of the outer levels over the mean")

    @property
    def telegraph(self) -> bool:
        """True if the histogram of the current has two or more levels."""
        return len(self.levels) > 1


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
    return NoiseResult(
        n=int(i.size),
        duration_s=float(t[-1] - t[0]),
        voltage_v=float(voltage),
        mean_a=mean,
        sd_a=sd,
        relative=float("nan") if mean == 0 else sd / abs(mean),
        levels=levels,
        amplitude_a=amplitude,
        relative_amplitude=None if amplitude is None or mean == 0 else abs(amplitude / mean),
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
    return Level(current_a=float(mean), sd_a=float(sd), share=float(here.mean()), dwell_s=dwell, dwells=dwells)


def _levels_text(levels: Sequence[Level]) -> str:
    return "; ".join(
        f"{format_number(each.current_a, 'A')}, dwell {format_number(each.dwell_s, 's')}" for each in levels
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class NoiseRecord(Record):
    """Read noise of one record: its device, its cycle, and the readings [s, A]."""

    device_id: str = column("device")
    cycle: int
    result: NoiseResult = column(inline=True)
    time: np.ndarray = internal("times of the readings [s]")
    current: np.ndarray = internal("readings [A]")
    voltage = cell_of("result.voltage_v", "voltage", lambda value: format_number(value, "V"))
    mean = cell_of("result.mean_a", "mean", lambda value: format_number(value, "A"))
    relative = cell_of("result.relative", "sd / mean", lambda value: percent(value, 3))
    telegraph = cell_of("result.telegraph", "several levels")
    amplitude = cell_of("result.relative_amplitude", "amplitude / mean")
    levels = cell_of("result.levels", "levels", _levels_text)


@dataclass(frozen=True, eq=False, kw_only=True)
class NoiseResults(MeritResult):
    """Read noise of every record at constant voltage."""

    figure_caption = "Read current of the first record."
    figure_alt = "Current against time with the levels found"

    records: tuple[NoiseRecord, ...] = column(
        table="noise", caption="Read noise at constant voltage", doc="read noise of each record"
    )

    def __iter__(self) -> Iterator[NoiseRecord]:
        return iter(self.records)

    def as_dict(self) -> Any:
        """Return the records, a list, as JSON-ready values."""
        return plain(self.records)

    @property
    def median_size(self) -> float:
        """Median of the standard deviations over their means; NaN if there is none."""
        sizes = [record.relative for record in self.records if np.isfinite(record.relative)]
        return float(np.median(sizes)) if sizes else np.nan

    def scalars(self) -> tuple[Scalar, ...]:
        """Return the median size of the noise, and the share of records with several levels."""
        if not self.records:
            return ()
        telegraph = float(np.mean([record.telegraph for record in self.records]))
        return (
            Scalar("read_noise", "read noise, median sd", self.median_size, of="the mean"),
            Scalar("several_levels", "records with more than one level", telegraph, of="records"),
        )

    def sentences(self) -> list[str]:
        """Return the size of the noise, and in how many records it has several levels."""
        text = f"Read noise of {count(len(self.records), 'record')} at constant voltage"
        telegraph = sum(record.telegraph for record in self.records)
        if np.isfinite(self.median_size):
            text += f": standard deviation {percent(self.median_size)} of the mean (median)"
        if len(self.records) == 1:
            return [f"{text}; the histogram has {count(len(self.records[0].levels), 'level')}."]
        return [f"{text}; more than one level in {telegraph or 'none'} of them."]

    def panel(self) -> Panel:
        """Draw the first record, with the levels that were found."""
        first = self.records[0]
        step = max(1, first.time.size // 5000)
        record = Curve("current", first.time[::step], first.current[::step], width=0.4, colour="0.5", legend=False)
        ends = np.array([first.time.min(), first.time.max()])
        levels = [
            Curve(f"level {n}", ends, np.full(2, each.current_a), width=1.0, colour=COLOURS["ltd"], legend=False)
            for n, each in enumerate(first.levels, 1)
        ]
        return Panel(Axis.of("time_s"), Axis.of("current_a"), [record, *levels])


def find(table: AnyTable, settings: Settings, found: Mapping[str, MeritResult]) -> NoiseResults | None:
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
        records.append(
            NoiseRecord(device_id=str(device), cycle=int(str(cycle)), result=result, time=time, current=current)
        )
    words = f"{count(short, 'record')} at constant voltage with too few readings for read noise"
    warnings = (CodedWarning("few_points", words),) if short else ()
    return NoiseResults(records=tuple(records), warnings=warnings) if records or short else None
