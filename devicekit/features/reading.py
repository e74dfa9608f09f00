"""What reading a state shows: random telegraph noise (levels, amplitude, dwell times) and read linearity."""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from devicekit.errors import TraceError

MOST_LEVELS = 4
LEAST_READINGS = 50
MOST_READINGS = 20000  # that the mixture is fitted to
EVIDENCE = 10.0  # BIC by which one more level must be better
APART = 2.0  # sd between neighbouring levels


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
        One level: no telegraph noise was found.
    amplitude_a, relative_amplitude : float or None
        Distance of the outer levels [A], and over the mean.
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
        """Whether the current jumps between two or more levels."""
        return len(self.levels) > 1

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def noise(time: np.ndarray, current: np.ndarray, voltage: float = float("nan")) -> NoiseResult:
    """Levels of a current at constant voltage, by a Gaussian mixture chosen by BIC, and how long each lasts.

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
        raise TraceError(f"read noise needs {LEAST_READINGS} or more readings, not {i.size}")
    mean, sd = float(i.mean()), float(i.std(ddof=1))
    means, sds = _mixture(i, sd)
    state = _states(i, means)
    step = float(np.median(np.diff(t))) if t.size > 1 else 0.0
    levels = tuple(_level(state, k, means[k], sds[k], step) for k in range(means.size))
    amplitude = float(means[-1] - means[0]) if means.size > 1 else None
    relative = float("nan") if mean == 0 else sd / abs(mean)
    return NoiseResult(
        int(i.size), float(t[-1] - t[0]), float(voltage), mean, sd, relative, levels, amplitude,
        None if amplitude is None or mean == 0 else abs(amplitude / mean),
    )  # fmt: skip


def _mixture(current: np.ndarray, sd: float) -> tuple[np.ndarray, np.ndarray]:
    """Means and sds of the levels, ascending; one level unless more are clearly better and apart."""
    if sd == 0 or not np.isfinite(sd):
        return np.array([current[0]]), np.array([0.0])
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    centre = float(np.median(current))
    step = max(1, current.size // MOST_READINGS)
    scaled = ((current[::step] - centre) / sd)[:, None]
    best, best_bic = None, np.inf
    for count in range(1, min(MOST_LEVELS, np.unique(scaled).size) + 1):
        mixture = GaussianMixture(count, covariance_type="tied", random_state=0, n_init=2, reg_covar=1e-6)
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", ConvergenceWarning
            )  # too many levels for these data: BIC will tell
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
    """Level of each reading; a level is left only for a reading nearer to another level's middle (hysteresis)."""
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
class LinearityResult:
    """How far a read branch is from a straight line.

    Attributes
    ----------
    conductance_s : float
        Least-squares slope of I against V through the origin [S].
    max_error : float
        Largest deviation from that line over the largest current.
    ratio : float
        G at the largest voltage, by size, over G at half of it: 1 for an ohmic device.
    cubic : float
        c of I = G V (1 + c V^2) [1/V^2].
    range_v : float
        Largest voltage used, by size [V].
    """

    conductance_s: float
    max_error: float
    ratio: float
    cubic: float
    range_v: float

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def linearity(voltage: np.ndarray, current: np.ndarray) -> LinearityResult:
    """Linearity of a read branch.

    Parameters
    ----------
    voltage, current : ndarray, shape (n,)
        Voltage [V] and current [A]; the current at V = 0, if measured, is taken off as an offset.

    Raises
    ------
    TraceError
        If there are fewer than four voltages other than 0.
    """
    known = np.isfinite(voltage) & np.isfinite(current)
    v, i = voltage[known], current[known]
    at_zero = i[v == 0]
    i = i - np.median(at_zero) if at_zero.size else i
    v, i = v[v != 0], i[v != 0]
    if np.unique(v).size < 4:
        raise TraceError("read linearity needs four or more voltages other than 0")
    top = float(np.abs(v).max())
    if not np.isfinite([(v**3) @ (v**3), i @ i]).all() or (v**3) @ (v**3) == 0:
        raise TraceError("voltages or currents are out of any range that can be computed with")
    g = float((v @ i) / (v @ v))
    (linear, cubic), *_ = np.linalg.lstsq(np.column_stack([v, v**3]), i, rcond=None)

    def near(size: float) -> float:
        close = np.abs(np.abs(v) - size) <= 0.15 * top
        return float((v[close] @ i[close]) / (v[close] @ v[close])) if close.any() else float("nan")

    half = near(top / 2)
    largest = float(np.abs(i).max())
    return LinearityResult(
        g,
        float(np.abs(i - g * v).max() / largest) if largest > 0 else 0.0,
        near(top) / half if half else float("nan"),
        float(cubic / linear) if linear else float("nan"),
        top,
    )
