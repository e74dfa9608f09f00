"""Vector autoregression of the cycles of one or several devices, by least squares.

    x_t = c_d (+ b_d t) + A_1 x_(t-1) + ... + A_p x_(t-p) + e_t,    cov(e) = S

Coefficients are shared by the devices; the level c of each device (and its slope b, if it drifts) is projected out.
Hennen et al. 2022 (doi:10.3389/fnins.2022.941753) describe cycles of resistive cells in this way. Quantities are
divided by their standard deviation within a device, so that coefficients are pure numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from devicekit.core.records import Estimate, Record, column, derived
from devicekit.core.statistics import chi2_tail, t_quantile
from devicekit.features.stats import holm

MOST_ORDER = 3  # cycles back
LEAST_CYCLES = 50  # per device, in runs: with fewer, BIC finds the order in about half of the cases
INDEPENDENT = 1e-9  # least eigenvalue of the correlations below which one quantity follows from the others
NOT_NORMAL = 0.01  # p of a residual's normality (Holm over the quantities) below which it is reported as not normal


@dataclass(frozen=True, eq=False)
class Cycles:
    """Cycles of one device: unbroken runs of numbers (n_j,) and values (n_j, k), and a flag for drift."""

    numbers: tuple[np.ndarray, ...]
    values: tuple[np.ndarray, ...]
    drifts: bool = False

    @property
    def n(self) -> int:
        """Total number of cycles."""
        return sum(len(each) for each in self.numbers)

    def basis(self, numbers: np.ndarray) -> np.ndarray:
        """Return the columns of the device's own level, and slope where it drifts."""
        whole = np.concatenate(self.numbers)
        t = (numbers - whole.mean()) / max(float(np.ptp(whole)), 1.0)
        return np.column_stack([np.ones(numbers.size), t]) if self.drifts else np.ones((numbers.size, 1))

    def split_level(self) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """Return the device's level (k,), and the residuals of each run about it (and about its slope if it drifts)."""
        whole = np.concatenate(self.values)
        columns = self.basis(np.concatenate(self.numbers))
        found = np.linalg.lstsq(columns, whole, rcond=None)[0]
        rest = tuple(
            values - self.basis(numbers) @ found for numbers, values in zip(self.numbers, self.values, strict=True)
        )
        return found[0], rest


@dataclass(frozen=True, kw_only=True)
class Coefficient(Record):
    """Coefficient of one quantity on another some cycles back, both divided by their standard deviation."""

    quantity: str = column(doc="name of the quantity now")
    of: str = column(doc="name of the quantity that it depends on")
    lag: int = column(doc="cycles back")
    coefficient: Estimate = column(flat=True, stem="", doc="coefficient with its 95 % interval")

    @property
    def text(self) -> str:
        """Coefficient with its interval for people."""
        return "{:.2f} ({:.2f} to {:.2f})".format(self.coefficient.value, *(self.coefficient.ends or (np.nan, np.nan)))


@dataclass(frozen=True, eq=False, kw_only=True)
class Autoregression(Record):
    """A fitted vector autoregression of k quantities."""

    order: int = column(doc="cycles back, 0 to 3")
    bic: tuple[float, ...] = column(doc="BIC of the orders 0, 1, ..., on the same cycles")
    coefficients: np.ndarray = column(
        doc="coefficients, shape (order, k, k): [cycles back less 1, quantity now, quantity then]"
    )
    low: np.ndarray = column(doc="lower ends of their 95 % intervals")
    high: np.ndarray = column(doc="upper ends of their 95 % intervals")
    noise: np.ndarray = column(doc="covariance of the noise that a cycle adds, shape (k, k)")
    scale: np.ndarray = column(doc="standard deviations that the quantities were divided by, shape (k,)")
    radius: float = column(name="spectral_radius", doc="spectral radius; below 1 the process is stationary")
    normal_p: np.ndarray = column(
        doc="p values of normality of the residuals (Jarque and Bera, doi:10.1016/0165-1765(80)90024-5), corrected by "
        "Holm, shape (k,)"
    )
    n: int = column(doc="number of predicted cycles")

    @derived()
    def stationary(self) -> bool:
        """True if the fitted process is stationary."""
        return self.radius < 1.0

    @derived()
    def normal(self) -> bool:
        """True if normal residuals are not rejected."""
        return not bool((self.normal_p < NOT_NORMAL).any())

    def terms(self, names: Sequence[str]) -> list[Coefficient]:
        """Return every coefficient with the names of its quantities: by lag, then by the quantity now."""
        values = zip(*(each.ravel().tolist() for each in (self.coefficients, self.low, self.high)), strict=True)
        places = product(range(1, self.order + 1), names, names)
        return [
            Coefficient(quantity=name, of=other, lag=lag, coefficient=Estimate(*found))
            for (lag, name, other), found in zip(places, values, strict=True)
        ]


def companion(coefficients: np.ndarray) -> np.ndarray:
    """Return the matrix, shape (p k, p k), that makes one step of an autoregression of order p."""
    p, k, _ = coefficients.shape
    whole = np.zeros((p * k, p * k))
    whole[:k] = np.concatenate(list(coefficients), axis=1)
    whole[k:, : (p - 1) * k] = np.eye((p - 1) * k)
    return whole


def radius(coefficients: np.ndarray) -> float:
    """Return the spectral radius of coefficients of shape (p, k, k); 0 of order 0."""
    return float(np.abs(np.linalg.eigvals(companion(coefficients))).max()) if len(coefficients) else 0.0


def stationary_covariance(coefficients: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Return covariance, shape (p k, p k), of x_t, x_(t-1), ... of a stationary autoregression; (k, k) of order 0."""
    from scipy.linalg import solve_discrete_lyapunov

    if not len(coefficients):
        return noise
    step = companion(coefficients)
    whole = np.zeros_like(step)
    whole[: len(noise), : len(noise)] = noise
    return np.asarray(solve_discrete_lyapunov(step, whole))


def _rows(devices: Sequence[Cycles], order: int, skip: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Return present values, past values and the number of constants, each device's level (and slope) projected out."""
    now: list[np.ndarray] = []
    past: list[np.ndarray] = []
    own = 0
    for device in devices:
        numbers, present, before = [], [], []
        for number, values in zip(device.numbers, device.values, strict=True):
            if len(values) > skip:
                numbers.append(number[skip:])
                present.append(values[skip:])
                lags = [values[skip - lag : len(values) - lag] for lag in range(1, order + 1)]
                before.append(np.concatenate(lags, axis=1) if lags else np.empty((len(values) - skip, 0)))
        if not numbers:
            continue
        basis = np.linalg.qr(device.basis(np.concatenate(numbers)))[0]
        for kept, parts in ((now, present), (past, before)):
            whole = np.concatenate(parts)
            kept.append(whole - basis @ (basis.T @ whole))
        own += basis.shape[1]
    return np.concatenate(now), np.concatenate(past), own


def normality(residuals: np.ndarray) -> np.ndarray:
    """Return the p values of Jarque and Bera's test of each column, corrected by Holm."""
    found = []
    for x in residuals.T:
        z = (x - x.mean()) / x.std()
        found.append(chi2_tail(len(z) * (np.mean(z**3) ** 2 / 6 + (np.mean(z**4) - 3) ** 2 / 24), 2.0))
    return holm(np.array(found))


def autoregression(devices: Sequence[Cycles], order: int | None = None) -> Autoregression:
    """Fit one autoregression to the cycles of all devices.

    Parameters
    ----------
    devices : sequence of Cycles
        Cycles of the same k quantities, none of which may be constant.
    order : int, optional
        0 to 3; chosen by BIC if not given.

    Raises
    ------
    ValueError
        If there are too few cycles for the parameters, or one quantity is a combination of the others.
    """
    rest = np.concatenate([np.concatenate(device.split_level()[1]) for device in devices])
    scale = rest.std(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        alike = (rest / scale).T @ (rest / scale) / len(rest)
    if not np.isfinite(alike).all() or np.linalg.eigvalsh(alike)[0] < INDEPENDENT:
        raise ValueError("one quantity is constant, or a combination of the others")
    scaled = [
        Cycles(device.numbers, tuple(each / scale for each in device.values), device.drifts) for device in devices
    ]
    k = scale.size
    criteria = []
    for each in range(MOST_ORDER + 1):
        y, x, own = _rows(scaled, each, MOST_ORDER)
        if len(y) <= k * each + own + k:
            break
        error = y - x @ np.linalg.lstsq(x, y, rcond=None)[0] if each else y
        criteria.append(len(y) * np.linalg.slogdet(error.T @ error / len(y))[1] + k * k * each * np.log(len(y)))
    if not criteria:
        raise ValueError("too few cycles for an autoregression")
    p = int(np.argmin(criteria)) if order is None else order
    y, x, own = _rows(scaled, p, p)
    spare = len(y) - k * p - own
    found = np.linalg.lstsq(x, y, rcond=None)[0] if p else np.zeros((0, k))
    error = y - x @ found
    noise = error.T @ error / spare
    inverse = np.linalg.pinv(x.T @ x) if p else np.zeros((0, 0))
    wide = t_quantile(0.975, spare) * np.sqrt(np.outer(np.diag(inverse), np.diag(noise)))
    low, middle, high = (each.reshape(p, k, k).transpose(0, 2, 1) for each in (found - wide, found, found + wide))
    return Autoregression(
        order=p,
        bic=tuple(map(float, criteria)),
        coefficients=middle,
        low=low,
        high=high,
        noise=noise,
        scale=scale,
        radius=radius(middle),
        normal_p=normality(error),
        n=len(y),
    )
