"""Fit of an update law to one branch: a bounded trajectory fit with its uncertainty.

The free-running trajectory x_{n+1} = x_n + rho(x_n) is fitted to the mean curve, with a free starting state. Noisy
differences are never fitted, because they bias the rate. Each fit ends with a solve by MINPACK, as lmfit would do it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.core.statistics import levels, mean_curve, nanmean
from devicekit.device.blocks import Window
from devicekit.fitting.branch import search
from devicekit.fitting.branch.checks import JUDGED, check_branch, check_curve
from devicekit.fitting.branch.final_solve import FinalSolve
from devicekit.fitting.branch.options import FitOptions
from devicekit.fitting.branch.result import BranchFit
from devicekit.fitting.branch.trains import Trains, estimate_noise
from devicekit.models import kernel
from devicekit.models.law import Law
from devicekit.system.algebra import pinv, product

FEWEST_CLUSTERS = 4
TUKEY = 4.685  # times the robust scale: 95 % efficient on Gaussian residuals
TUKEY_ROUNDS = 6
MOST_PROFILED = 4


def _covariance(
    law: Law,
    parameters: np.ndarray,
    x: np.ndarray,
    w: np.ndarray,
    box: search.Box,
    free: np.ndarray,
    clusters: np.ndarray,
    what: str,
) -> tuple[np.ndarray, int, str]:
    """Return the covariance of the parameters, its degrees of freedom, and the method as text.

    Cluster sandwich over cycles (or devices) from 4 clusters on; else the delta method on the MAP fit,
    which assumes that residuals are independent read noise.
    """
    states, sensitivities = search.jacobian(law, parameters, x.size - 1)
    seen = w > 0
    root = np.sqrt(w[seen])
    j = root[:, None] * sensitivities[seen][:, free]
    # columns differ by many orders of magnitude: scale before inverting
    scale = np.sqrt((j**2).sum(axis=0) + box.prior_precision[free])
    scale[scale == 0] = 1.0
    curvature = product((j / scale).T, j / scale) + np.diag(box.prior_precision[free] / scale**2)
    inverse = pinv(curvature) / np.outer(scale, scale)
    degrees = max(int(w.sum() - free.sum()), 1)
    k = len(clusters)
    if k >= FEWEST_CLUSTERS:
        # where fewer trains were read, each has a larger weight in the mean
        part = k / np.isfinite(clusters[:, seen]).sum(axis=0)
        deviations = root * part * np.nan_to_num(clusters[:, seen] - x[seen])
        scores = product(deviations, j)
        meat = product(scores.T, scores) / (k * (k - 1))
        small, degrees = product(product(inverse, meat), inverse), k - 1
        method = f"cluster sandwich over {k} {what}, t({k - 1})"
    else:
        variance = float(np.sum(w[seen] * (states[seen] - x[seen]) ** 2)) / degrees
        small = inverse * variance
        method = "delta method on one mean curve; assumes independent read noise"
    covariance = np.zeros((parameters.size, parameters.size))
    covariance[np.ix_(free, free)] = small
    return covariance, degrees, method


def covariance_by_residuals(fit: BranchFit) -> np.ndarray:
    """Return the covariance of (theta, x0) for independent residuals of the mean curve, shape (p + 1, p + 1)."""
    return _covariance_about(fit, lambda x: np.empty((0, x.size)), "")[0]


def _covariance_about(
    fit: BranchFit, clusters: Callable[[np.ndarray], np.ndarray], what: str
) -> tuple[np.ndarray, int, str]:
    """Return the covariance of a fit (`_covariance`) from clusters about its curve without gaps."""
    w = np.isfinite(fit.x).astype(float)
    box, x = build_box(fit.law, fit.x, fit.noise), np.where(w > 0, fit.x, 0.0)
    free = ~is_at_bound(fit.parameters, box)
    return _covariance(fit.law, fit.parameters, x, w, box, free, clusters(x), what)


def with_cluster_covariance(fit: BranchFit, clusters: np.ndarray, what: str) -> BranchFit:
    """Return the fit with the covariance estimated from repeats of its curve about their own mean.

    Parameters
    ----------
    fit : BranchFit
    clusters : ndarray, shape (k, N + 1)
        Curves on the rising coordinate, at least `FEWEST_CLUSTERS`.
    what : str
        Name of the clusters, for the method's text.
    """
    covariance, degrees, method = _covariance_about(fit, lambda x: clusters - nanmean(clusters) + x, what)
    return replace(fit, covariance=covariance, degrees=degrees, method=method)


def build_box(law: Law, x: np.ndarray, noise: float) -> search.Box:
    """Return bounds and prior for a curve: the start within max(4 sd, 2 % of the range) of the first reading."""
    span = float(np.nanmax(x) - np.nanmin(x))
    start = float(x[np.isfinite(x)][0])
    # without any prior the redundant directions of a noise-free curve would be undetermined
    variance = max(noise**2, (1e-5 * span) ** 2)
    return search.Box.of(law, start, max(4 * noise, 0.02 * span), variance)


def _tukey_weights(x: np.ndarray, parameters: np.ndarray, law: Law) -> np.ndarray:
    residuals = x - kernel.simulate(law.id, parameters[:-1], parameters[-1], x.size - 1)
    seen = np.isfinite(residuals)
    span = float(np.nanmax(x) - np.nanmin(x))
    centred = residuals[seen] - np.median(residuals[seen])
    # the floor keeps good points of a very clean curve from being rejected
    scale = max(1.4826 * float(np.median(np.abs(centred))), 0.003 * span)
    u = np.where(seen, residuals, np.inf) / (TUKEY * scale)
    return np.where(np.abs(u) < 1, (1 - np.minimum(np.abs(u), 1) ** 2) ** 2, 0.0)


def find_outliers(fit: BranchFit) -> np.ndarray:
    """Return which readings Tukey's loss leaves out of a fitted mean curve, shape (N + 1,)."""
    return np.asarray(_tukey_weights(fit.x, fit.parameters, fit.law) == 0.0)


def _search(
    law: Law, x: np.ndarray, box: search.Box, noise: float, loss: str, exhaustive: bool
) -> tuple[search.Optimum, np.ndarray]:
    """Return the optimum and the weights it was found with."""
    w = np.isfinite(x).astype(float)
    optimum = search.search(law, x, w, box, noise, exhaustive=exhaustive)
    if loss == "tukey":
        for _ in range(TUKEY_ROUNDS):
            w = _tukey_weights(x, optimum.parameters, law)
            optimum = search.descend(law, optimum.parameters, x, w, box)
        # an outlier may have misled the first search
        again = search.search(law, x, w, box, noise, exhaustive=exhaustive)
        optimum = min(optimum, again, key=lambda each: each.objective)
    return optimum, w


def mean_optimum(law: Law, fit: BranchFit) -> np.ndarray:
    """Return (theta, x0) of another law on the mean curve of a fit."""
    seen = np.isfinite(fit.x)
    return search.search(law, fit.x, seen.astype(float), build_box(law, fit.x, fit.noise), fit.noise).parameters


def is_at_bound(parameters: np.ndarray, box: search.Box) -> np.ndarray:
    """Return which of (theta, x0) sit at a bound, shape (p + 1,)."""
    reach = 1e-6 * (box.upper - box.lower)
    return (parameters <= box.lower + reach) | (parameters >= box.upper - reach)


def names_at_bound(law: Law, parameters: np.ndarray, box: search.Box) -> tuple[str, ...]:
    """Return the names of the parameters (theta, x0) that sit at a bound."""
    return law.names_at_bound(is_at_bound(parameters, box))


def fit_branch(
    trains: Trains, window: Window, options: FitOptions, *, with_lmfit: bool = True, judge: bool = True
) -> BranchFit:
    """Fit one law to the mean curve of all trains of one direction.

    Parameters
    ----------
    trains : Trains
        Trains of one direction; the mean is taken over devices, each device's cycles first.
    window : Window
        The shared normalisation.
    options : FitOptions
        Law and loss; the estimator is refined by `refine_by_innovations`.
    with_lmfit : bool
        End with the final solve (`BranchFit.lmfit` is lmfit's result of it); off for large sets.
    judge : bool
        Whether to give warnings.

    Raises
    ------
    TraceError
        See `devicekit.fitting.branch.checks.check_curve`.
    """
    law = options.law_of(trains.direction)
    means = trains.mean_states(window)
    curve = mean_curve(means)
    x = curve if trains.direction == "ltp" else 1.0 - curve
    noise = estimate_noise(x)
    warnings = check_curve(x, trains.direction, noise)
    box = build_box(law, x, noise)
    optimum, w = _search(law, x, box, noise, options.loss, exhaustive=with_lmfit)
    parameters, last = optimum.parameters, None
    if with_lmfit:
        last = FinalSolve(law, x, w, box, optimum.parameters, optimum.at_bound | law.is_fixed)
        polished, sum_of_squares = last.solve()
        if sum_of_squares < optimum.objective:
            parameters = polished
    bound = is_at_bound(parameters, box)
    # independent repeats whose mean is the curve: devices if there are several, else cycles
    clusters = trains.rising(window) if len(means) == 1 else (means if trains.direction == "ltp" else 1.0 - means)
    covariance, degrees, method = _covariance(
        law, parameters, x, w, box, ~bound, clusters, "cycles" if len(means) == 1 else "devices"
    )
    fitted = BranchFit(
        direction=trains.direction,
        law=law,
        window=window,
        parameters=parameters,
        covariance=covariance,
        degrees=degrees,
        method=method,
        x=x,
        noise=noise,
        at_bound=law.names_at_bound(bound),
        final_solve=last,
    )
    if judge:
        warnings += check_branch(fitted, converged=optimum.converged)
    return replace(fitted, warnings=tuple(warnings))


def kalman_gain(increment: float, read: float) -> float:
    """Return the steady gain of a random walk with these deviations: 0 for reads only, 1 for increments only."""
    if read <= 0:
        return 1.0 if increment > 0 else 0.0
    ratio = (increment / read) ** 2
    p = 0.5 * (ratio + np.sqrt(ratio**2 + 4 * ratio))
    return float(p / (p + 1.0))


def remove_offsets(rows: np.ndarray) -> np.ndarray:
    """Remove each train's offset from the mean: a shift of the window is not a property of the law."""
    own = levels(rows)
    return rows - (own - own.mean())[:, None]


def refine_by_innovations(fitted: BranchFit, trains: Trains, increment: float, read: float) -> BranchFit:
    """Fit one-step innovations over all cycles from the mean-curve fit: x <- x + K (y - x) after each reading."""
    gain = kalman_gain(increment, read)
    rows = remove_offsets(trains.rising(fitted.window))
    if gain == 0.0 or len(rows) < 2:
        return fitted
    box = build_box(fitted.law, fitted.x, fitted.noise)
    w = np.isfinite(rows).astype(float)
    found = search.descend(fitted.law, fitted.parameters, rows, w, box, gain=gain)
    bound = is_at_bound(found.parameters, box)
    free = ~bound
    curvature, scores = search.scores(fitted.law, found.parameters, rows, w, box, gain)
    inverse = np.zeros_like(curvature)
    inverse[np.ix_(free, free)] = pinv(curvature[np.ix_(free, free)])
    names = list(dict.fromkeys(trains.devices))
    if len(names) >= FEWEST_CLUSTERS:  # cycles of one device are not independent repeats of the mean device
        scores = np.array([scores[[d == name for d in trains.devices]].sum(axis=0) for name in names])
    k = len(scores)
    if k >= FEWEST_CLUSTERS:
        degrees = k - 1
        covariance = product(product(inverse, product(scores.T, scores)), inverse) * (k / degrees)
        method = f"innovations over {len(rows)} trains, gain {gain:.2f}; cluster sandwich over {k}, t({degrees})"
    else:
        degrees = max(int(w.sum() - free.sum()), 1)
        covariance = inverse * (found.sse / degrees)
        method = f"delta method on innovations over {len(rows)} trains, gain {gain:.2f}; takes them for independent"
    refined = replace(
        fitted,
        parameters=found.parameters,
        covariance=covariance,
        degrees=degrees,
        method=method,
        at_bound=fitted.law.names_at_bound(bound),
        final_solve=None,
    )
    kept = [warning for warning in fitted.warnings if warning.code not in JUDGED]
    return replace(refined, warnings=(*kept, *check_branch(refined, found.converged)))


def profile_intervals(fit: BranchFit, level: float = 0.95) -> dict[str, tuple[float, float]]:
    """Return profile-likelihood intervals of the parameters by lmfit, for laws with few parameters.

    Parameters
    ----------
    fit : BranchFit
        At most 4 free parameters, x0 included. With more, undetermined directions make the intervals infinite; use
        the band of the rate curve instead.
    level : float
        Confidence, 0 to 1.

    Returns
    -------
    mapping of str to (float, float)
        Lower and upper end; infinite where the likelihood does not fall off.

    Raises
    ------
    UsageError
        If the fit has more than 4 free parameters.
    """
    import lmfit

    if fit.law.fixed or fit.law.bounded:
        raise UsageError("Profile intervals are of fits without fixed or bounded coefficients.")
    fixed = np.array([name in fit.at_bound for name in fit.law.names])
    if (~fixed).sum() > MOST_PROFILED:
        raise UsageError(
            f"profile intervals need at most {MOST_PROFILED} free parameters, and this fit has {(~fixed).sum()}. "
            "Use the band of the rate curve, or a simpler law."
        )
    seen = np.isfinite(fit.x).astype(float)
    box = build_box(fit.law, fit.x, fit.noise)
    minimizer = FinalSolve(fit.law, fit.x, seen, box, fit.parameters, fixed).problem().minimizer
    found = lmfit.conf_interval(minimizer, minimizer.minimize(), sigmas=[level])
    return {name: (float(ends[0][1]), float(ends[-1][1])) for name, ends in found.items()}
