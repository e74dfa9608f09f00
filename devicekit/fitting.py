"""Fitting an update law: a bounded trajectory fit of each branch, with its uncertainty.

The free-running trajectory x_{n+1} = x_n + rho(x_n) is fitted to the mean curve (never the noisy
differences, which bias the rate), with a free starting state; lmfit makes the last call of each fit.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from devicekit import engine
from devicekit.card import DeviceCard, RateCurve, Window
from devicekit.errors import Flag, TraceError
from devicekit.models import Law, get_law, kernel
from devicekit.models.eq2 import Eq2
from devicekit.prepare import (
    Stack,
    check_curve,
    check_window,
    choose_window,
    nanmean,
    noise_of,
    stack,
)
from devicekit.tables import PulseTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from devicekit.variation import VariationResult

BAND_LEVEL = 0.95
FEWEST_CLUSTERS = 4
WEAK = 0.5  # a standard error above this share of the value marks a coefficient weak
RATE_GRID = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True)
class BranchFit:
    """One branch of one device (or of the central device), fitted.

    Attributes
    ----------
    direction : str
        ltp or ltd.
    law : Law
        The update law.
    window : Window
        The normalisation shared by both branches.
    parameters : ndarray, shape (p + 1,)
        theta = (L, shape) and the starting state x0, on the rising coordinate.
    covariance : ndarray, shape (p + 1, p + 1)
        Of the parameters; rows of parameters at a bound are 0.
    degrees : int
        Degrees of freedom of the t quantile that goes with the covariance.
    method : str
        How the covariance was estimated.
    x : ndarray, shape (N + 1,)
        Mean measured curve on the rising coordinate; NaN where nothing was read.
    noise : float
        Standard deviation of the mean curve's readings, fraction of the window.
    at_bound : tuple of str
        Parameters at a bound.
    flags : tuple of Flag
        Remarks on this branch.
    """

    direction: str
    law: Law
    window: Window
    parameters: np.ndarray
    covariance: np.ndarray
    degrees: int
    method: str
    x: np.ndarray
    noise: float
    at_bound: tuple[str, ...]
    flags: tuple[Flag, ...]
    lmfit: Any = field(default=None, repr=False)

    @property
    def theta(self) -> np.ndarray:
        return self.parameters[:-1]

    @cached_property
    def trajectory(self) -> np.ndarray:
        """Fitted states on the rising coordinate, shape (N + 1,)."""
        return kernel.simulate(self.law.id, self.theta, self.parameters[-1], self.x.size - 1)

    def _sided(self, x: np.ndarray) -> np.ndarray:
        return x if self.direction == "ltp" else 1.0 - x

    @property
    def measured(self) -> np.ndarray:
        """Mean measured states r, shape (N + 1,)."""
        return self._sided(self.x)

    @property
    def fitted(self) -> np.ndarray:
        """Fitted states r, shape (N + 1,)."""
        return self._sided(self.trajectory)

    @property
    def residuals(self) -> np.ndarray:
        """Measured minus fitted r, finite readings only."""
        difference = self.measured - self.fitted
        return difference[np.isfinite(difference)]

    @property
    def n_points(self) -> int:
        return int(np.isfinite(self.x).sum())

    @property
    def rms(self) -> float:
        return float(np.sqrt(np.mean(self.residuals**2)))

    @property
    def nrmse(self) -> float:
        """rms residual / (max - min) of the measured mean curve."""
        return self.rms / float(np.nanmax(self.x) - np.nanmin(self.x))

    @property
    def r2(self) -> float:
        finite = self.x[np.isfinite(self.x)]
        return float(1.0 - np.sum(self.residuals**2) / np.sum((finite - finite.mean()) ** 2))

    @property
    def largest_step(self) -> float:
        """Largest step of the fitted trajectory: rates beyond it are extrapolation."""
        return float(np.diff(self.trajectory).max())

    @property
    def measured_range(self) -> tuple[float, float]:
        low, high = sorted((float(self.fitted[0]), float(self.fitted[-1])))
        return low, high

    @property
    def standard_errors(self) -> dict[str, float | None]:
        errors = np.sqrt(np.maximum(np.diag(self.covariance), 0.0))
        names = (*self.law.parameters, "x0")
        return {n: None if n in self.at_bound else float(e) for n, e in zip(names, errors, strict=True)}

    @property
    def weak(self) -> tuple[str, ...]:
        """Parameters whose standard error exceeds half their value (L and x0 aside: they are no ratios)."""
        errors = self.standard_errors
        values = dict(zip(self.law.parameters, self.theta, strict=True))
        return tuple(
            name for name, value in values.items()
            if name != "L" and (error := errors[name]) is not None and error > WEAK * abs(value)
        )  # fmt: skip

    @property
    def coefficients(self) -> dict[str, float]:
        """Published coefficients for r in [0, 1]."""
        return self.law.to_published(self.theta, self.direction)

    @property
    def coefficients_s(self) -> dict[str, float] | None:
        """The same for G in siemens; None for a weight or a law without such coefficients."""
        if self.window.quantity != "conductance_s" or self.law.name != "eq2":
            return None
        from dataclasses import asdict

        return asdict(Eq2(**self.coefficients).rescaled(self.window.span, self.window.low))

    def rate(self, r: np.ndarray | float) -> np.ndarray:
        """rdot(r) [1 per pulse], same shape as r; negative for LTD; finite for every finite r."""
        r = np.asarray(r, float)
        steps = kernel.rates(self.law.id, self.theta, np.ascontiguousarray(self._sided(r).ravel())).reshape(
            r.shape
        )
        return steps if self.direction == "ltp" else -steps

    def rate_curve(self, r: np.ndarray = RATE_GRID, level: float = BAND_LEVEL) -> RateCurve:
        """rdot with its pointwise confidence band by the delta method."""
        from scipy.stats import t

        gradient = np.zeros((r.size, self.parameters.size))
        gradient[:, :-1] = kernel.rate_gradients(
            self.law.id, self.theta, np.ascontiguousarray(self._sided(r))
        )
        sd = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", gradient, self.covariance, gradient), 0.0))
        half = float(t.ppf(0.5 + level / 2, self.degrees)) * sd
        size = np.abs(self.rate(r))
        ends = np.maximum(size - half, 0.0), size + half
        sign = 1.0 if self.direction == "ltp" else -1.0
        lower, upper = (ends[0], ends[1]) if sign > 0 else (-ends[1], -ends[0])
        return RateCurve(
            r=tuple(r.tolist()),
            rate=tuple((sign * size).tolist()),
            lower=tuple(lower.tolist()),
            upper=tuple(upper.tolist()),
            level=level,
            method=self.method,
        )

    def as_dict(self) -> dict[str, Any]:
        """The branch as `devicekit fit --json` prints it."""
        return {
            "n_points": self.n_points,
            "nrmse": self.nrmse,
            "r2": self.r2,
            "noise": self.noise,
            "coefficients": self.coefficients,
            "coefficients_s": self.coefficients_s,
            "standard_errors": self.standard_errors,
            "weak": list(self.weak),
            "at_bound": list(self.at_bound),
            "warnings": [flag.as_dict() for flag in self.flags],
        }


@dataclass(frozen=True)
class DeviceFit:
    """LTP and LTD of one device in one window, with variation, the fits of the single devices, and flags.

    Attributes
    ----------
    ltp, ltd : BranchFit or None
        The central device: mean over devices and cycles. None where the table has no such trains.
    devices : mapping of str to mapping of str to BranchFit
        Fits of the single devices by direction; empty for one device.
    conditions : tuple of DeviceFit
        One fit for each pulse width of the table, ascending; empty if there is only one.
    """

    window: Window
    law: Law
    ltp: BranchFit | None
    ltd: BranchFit | None
    devices: dict[str, dict[str, BranchFit]]
    variation: VariationResult
    table: PulseTable
    flags: tuple[Flag, ...]
    settings: dict[str, Any]
    conditions: tuple[DeviceFit, ...] = ()

    @property
    def branches(self) -> dict[str, BranchFit]:
        pair = {"ltp": self.ltp, "ltd": self.ltd}
        return {way: branch for way, branch in pair.items() if branch is not None}

    @property
    def warnings(self) -> tuple[Flag, ...]:
        """Flags of the table, of the device and of its branches, each once."""
        branches = [flag for branch in self.branches.values() for flag in branch.flags]
        return tuple(dict.fromkeys([*self.table.flags, *self.flags, *branches]))

    def to_card(self, name: str, source: Path | str | None = None, synthetic: bool = False) -> DeviceCard:
        """The device card of this fit.

        Raises
        ------
        TraceError
            If a branch is missing: a card describes LTP and LTD.
        """
        from devicekit.build import build_card

        return build_card(self, name, source, synthetic)

    def as_dict(self) -> dict[str, Any]:
        """The body of `devicekit fit --json`, without the card's path."""
        result: dict[str, Any] = {
            "model": self.law.name,
            "branches": {way: branch.as_dict() for way, branch in self.branches.items()},
            "variation": self.variation.as_dict(),
            "warnings": [flag.as_dict() for flag in self.warnings],
        }
        if self.devices:
            result["devices"] = [
                {"device_id": name, "branches": {way: fit.as_dict() for way, fit in pair.items()}}
                for name, pair in self.devices.items()
            ]
        return result

    def plot(self, ax: Axes | None = None) -> Axes:
        """Measured and fitted curves (see `devicekit.plot.plot_fit`)."""
        from devicekit.plot import plot_fit

        return plot_fit(self, ax=ax)

    def table_of_coefficients(self) -> Any:
        """Coefficients of both branches as a pandas frame."""
        import pandas as pd

        return pd.DataFrame({way: branch.coefficients for way, branch in self.branches.items()})

    def _repr_html_(self) -> str:
        return str(self.table_of_coefficients().to_html())


def _final_lmfit(law: Law, x: np.ndarray, w: np.ndarray, box: engine.Box, optimum: engine.Optimum) -> Any:
    """The one lmfit call that ends a fit: from the optimum, bounded, with the exact Jacobian."""
    import lmfit

    names = (*law.parameters, "x0")
    parameters = lmfit.Parameters()
    for k, name in enumerate(names):
        parameters.add(
            name, value=float(optimum.parameters[k]), min=float(box.lower[k]), max=float(box.upper[k]),
            vary=not bool(optimum.at_bound[k]),
        )  # fmt: skip
    free = [k for k in range(len(names)) if not optimum.at_bound[k]]
    seen = w > 0
    root = np.sqrt(w[seen])
    pull = np.sqrt(box.prior_precision)

    def values(given: Any) -> np.ndarray:
        return np.array([given[name].value for name in names])

    def residual(given: Any) -> np.ndarray:
        p = values(given)
        states = kernel.simulate(law.id, p[:-1], p[-1], x.size - 1)
        return np.concatenate([root * (states[seen] - x[seen]), (pull * (p - box.prior_mean))[pull > 0]])

    def jacobian(given: Any) -> np.ndarray:
        _, sensitivities = engine.jacobian(law, values(given), x.size - 1)
        full = np.vstack([root[:, None] * sensitivities[seen], np.diag(pull)[pull > 0]])
        return full[:, free]

    return lmfit.minimize(
        residual, parameters, method="leastsq", Dfun=jacobian, col_deriv=False, max_nfev=100, calc_covar=True
    )


def _covariance(
    law: Law, parameters: np.ndarray, x: np.ndarray, box: engine.Box, free: np.ndarray, clusters: np.ndarray
) -> tuple[np.ndarray, int, str]:
    """Covariance of the parameters, its degrees of freedom, and how it was made.

    Cluster sandwich over cycles (or devices) from 4 clusters on; else the delta method on the MAP fit,
    which takes residuals for independent read noise.
    """
    states, sensitivities = engine.jacobian(law, parameters, x.size - 1)
    seen = np.isfinite(x)
    j = sensitivities[seen][:, free]
    # columns differ by many orders of magnitude: scale before inverting
    scale = np.sqrt((j**2).sum(axis=0) + box.prior_precision[free])
    scale[scale == 0] = 1.0
    curvature = (j / scale).T @ (j / scale) + np.diag(box.prior_precision[free] / scale**2)
    inverse = np.linalg.pinv(curvature, hermitian=True) / np.outer(scale, scale)
    degrees = max(int(seen.sum() - free.sum()), 1)
    k = len(clusters)
    if k >= FEWEST_CLUSTERS:
        deviations = np.nan_to_num(clusters[:, seen] - x[seen])
        scores = deviations @ j
        meat = scores.T @ scores / (k * (k - 1))
        small, degrees = inverse @ meat @ inverse, k - 1
        method = f"cluster sandwich over {k} trains, t({k - 1})"
    else:
        variance = float(np.sum((states[seen] - x[seen]) ** 2)) / degrees
        small = inverse * variance
        method = "delta method on one mean curve; assumes independent read noise"
    covariance = np.zeros((parameters.size, parameters.size))
    covariance[np.ix_(free, free)] = small
    return covariance, degrees, method


def fit_branch(
    trains: Stack, window: Window, law: Law, *, with_lmfit: bool = True, clusters: np.ndarray | None = None
) -> BranchFit:
    """Fit one law to the mean curve of a stack of trains.

    Parameters
    ----------
    trains : Stack
        Trains of one direction; the mean is taken over devices, each device's cycles first.
    window : Window
        The shared normalisation.
    law : Law
        The update law.
    with_lmfit : bool
        End with the lmfit call (its result is `BranchFit.lmfit`); off for large sets.
    clusters : ndarray, shape (K, N + 1), optional
        Independent repeats on the rising coordinate whose mean is the curve; default: the trains of a
        single device, or the mean curves of several.

    Raises
    ------
    TraceError
        See `devicekit.prepare.check_curve`.
    """
    means = window.to_state(trains.mean_by_device())
    curve = nanmean(means)
    x = curve if trains.direction == "ltp" else 1.0 - curve
    if clusters is None:
        clusters = (
            trains.rising(window)
            if len(means) == 1
            else (means if trains.direction == "ltp" else 1.0 - means)
        )
    noise = noise_of(x)
    flags = check_curve(x, trains.direction, noise)
    span = float(np.nanmax(x) - np.nanmin(x))
    start = float(x[np.isfinite(x)][0])
    # a prior with no weight at all leaves a noise-free curve's redundant directions undetermined
    variance = max(noise**2, (1e-5 * span) ** 2)
    box = engine.Box.of(law, start, max(4 * noise, 0.02 * span), variance)
    w = np.isfinite(x).astype(float)
    optimum = engine.search(law, x, w, box, noise)
    parameters, result = optimum.parameters, None
    if with_lmfit:
        result = _final_lmfit(law, x, w, box, optimum)
        polished = np.array([result.params[name].value for name in (*law.parameters, "x0")])
        if float(np.sum(np.asarray(result.residual) ** 2)) < optimum.objective:
            parameters = polished
    names = (*law.parameters, "x0")
    reach = 1e-6 * (box.upper - box.lower)
    bound = (parameters <= box.lower + reach) | (parameters >= box.upper - reach)
    covariance, degrees, method = _covariance(law, parameters, x, box, ~bound, clusters)
    fitted = BranchFit(
        trains.direction, law, window, parameters, covariance, degrees, method, x, noise,
        tuple(name for name, hit in zip(names, bound, strict=True) if hit), (), result,
    )  # fmt: skip
    from devicekit.judge import judge_branch

    flags += judge_branch(fitted, converged=optimum.converged)
    return replace(fitted, flags=tuple(flags))


def _fit_condition(table: PulseTable, law: Law, settings: dict[str, Any]) -> DeviceFit:
    from devicekit.judge import judge_pair
    from devicekit.variation import estimate_variation

    flags: list[Flag] = []
    stacks: dict[str, Stack] = {}
    for way in ("ltp", "ltd"):
        trains, remarks = stack(table, way)
        flags += remarks
        if trains is not None:
            stacks[way] = trains
    names = table.devices
    scope = "range of the mean curves" + (f" of {len(names)} devices" if len(names) > 1 else "")
    window = choose_window(list(stacks.values()), table.quantity, scope)
    flags += check_window(stacks, window)
    central = {way: fit_branch(trains, window, law) for way, trains in stacks.items()}
    devices: dict[str, dict[str, BranchFit]] = {}
    if len(names) > 1:
        for name in names:
            pair = {}
            for way, trains in stacks.items():
                own = trains.of(name)
                if own.values.size:
                    pair[way] = fit_branch(own, window, law, with_lmfit=False)
            devices[name] = pair
    variation = estimate_variation(stacks, central, devices)
    flags += judge_pair(central, stacks, window)
    return DeviceFit(
        window, law, central.get("ltp"), central.get("ltd"), devices, variation, table, tuple(flags), settings
    )


def fit(table: PulseTable | Path | str, model: str = "eq2", **reading: Any) -> DeviceFit:
    """Fit an update law to LTP and LTD trains.

    Parameters
    ----------
    table : PulseTable or path
        Pulse trains; a path is read with `devicekit.read` and the keywords of `ReadOptions`.
    model : str
        Name of the update law.

    Returns
    -------
    DeviceFit
        Of the middle pulse width where the table has several; `conditions` then holds every one.

    Raises
    ------
    DevicekitError
        If the file, the table or a trace does not allow a fit.
    """
    if not isinstance(table, PulseTable):
        from devicekit.readers import read

        made = read(table, **reading)
        if not isinstance(made, PulseTable):
            raise TraceError(f"{table} holds voltage sweeps; an update law is fitted to pulse trains")
        table = made
    law = get_law(model)
    settings = {
        "model": model,
        "bounds": "wide",
        "prior": "weak",
        "estimator": "trajectory fit of the mean curve",
    }
    widths = table.widths
    if len(widths) < 2:
        return _fit_condition(table, law, settings)
    conditions = tuple(_fit_condition(table.select(width=width), law, settings) for width in widths)
    return replace(conditions[len(conditions) // 2], conditions=conditions)
