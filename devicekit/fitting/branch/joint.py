"""Joint fit of one branch over several pulse widths: one shape, each width with its own rate and start."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from devicekit.core.records import Record, column, internal
from devicekit.core.statistics import f_tail
from devicekit.fitting.branch import search
from devicekit.fitting.branch.fit import build_box
from devicekit.fitting.branch.result import BranchFit
from devicekit.models.law import Law
from devicekit.system.algebra import pinv, product


@dataclass(frozen=True, kw_only=True, eq=False)
class JointFit(Record):
    """One branch over several widths with a shared shape."""

    widths: np.ndarray = column(name="pulse_widths_s", unit="s", doc="pulse widths, shape (W,)")
    shape: np.ndarray = internal("shared shape parameters")
    levels: np.ndarray = internal("L of each width, shape (W,)")
    starts: np.ndarray = internal("x0 of each width, shape (W,)")
    covariance: np.ndarray = internal("covariance of (shape, levels, starts)")
    p_value: float = column(
        name="p_value_of_separate_shapes",
        doc="of the F test of a shared against separate shapes: small means that sharing is not justified",
    )
    bic_gain: float = column(
        name="bic_gain_of_sharing",
        doc="BIC of separate shapes minus BIC of the shared one: positive speaks for sharing",
    )
    exponent: float = column(name="rate_exponent", doc="m of rate ~ width^m")
    exponent_se: float | None = column(
        name="rate_exponent_se", doc="standard error of m over the widths; None from two widths"
    )
    degrees: int = internal("degrees of freedom: readings of all widths less parameters")


def _pack(fits: list[BranchFit], shape: np.ndarray) -> np.ndarray:
    return np.concatenate([shape, [fit.theta[0] for fit in fits], [fit.parameters[-1] for fit in fits]])


def width_parameters(z: np.ndarray, law: Law, k: int, count: int) -> np.ndarray:
    """Return the parameters (theta, x0) of width k."""
    p = law.n_parameters - 1
    return np.concatenate([[z[p + k]], z[:p], [z[p + count + k]]])


def fit_joint(fits: list[BranchFit], widths: list[float]) -> JointFit:
    """Fit one branch of several widths with one shape, from the separate fits.

    Parameters
    ----------
    fits : list of BranchFit
        Separate fits of the widths, all in one window.
    widths : list of float
        Pulse widths [s], same order.
    """
    from scipy.optimize import least_squares

    law, count = fits[0].law, len(fits)
    p = law.n_parameters - 1
    boxes = [build_box(law, fit.x, fit.noise) for fit in fits]
    # each width is weighted by its own noise, so that a noisy one does not blur the shape
    sigmas = np.array([max(fit.rms, 1e-6) for fit in fits])
    # bounds of L and of the start per width; the shape's are common
    lower = np.concatenate([boxes[0].lower[1:-1], [b.lower[0] for b in boxes], [b.lower[-1] for b in boxes]])
    upper = np.concatenate([boxes[0].upper[1:-1], [b.upper[0] for b in boxes], [b.upper[-1] for b in boxes]])
    mean, precision = law.prior_arrays()
    pull = np.sqrt(precision[1:])

    def residual(z: np.ndarray) -> np.ndarray:
        parts = [pull * (z[:p] - mean[1:])]
        for k, fit in enumerate(fits):
            states, _ = search.jacobian(law, width_parameters(z, law, k, count), fit.x.size - 1)
            seen = np.isfinite(fit.x)
            parts.append((states - fit.x)[seen] / sigmas[k])
        return np.concatenate(parts)

    def jacobian(z: np.ndarray) -> np.ndarray:
        prior = np.zeros((p, z.size))
        prior[:, :p] = np.diag(pull)
        parts = [prior]
        for k, fit in enumerate(fits):
            _, own = search.jacobian(law, width_parameters(z, law, k, count), fit.x.size - 1)
            seen = np.isfinite(fit.x)
            rows = np.zeros((int(seen.sum()), z.size))
            rows[:, p + k], rows[:, :p], rows[:, p + count + k] = own[seen, 0], own[seen, 1:-1], own[seen, -1]
            parts.append(rows / sigmas[k])
        return np.vstack(parts)

    best = None
    for start in fits:
        first = np.clip(_pack(fits, start.theta[1:]), lower + 1e-9, upper - 1e-9)
        found = least_squares(residual, first, jacobian, bounds=(lower, upper), x_scale="jac", max_nfev=200)
        best = found if best is None or found.cost < best.cost else best
    assert best is not None
    z = best.x
    n = sum(fit.n_points for fit in fits)
    shared = float(np.sum(residual(z)[p:] ** 2))
    separate = float(sum(np.sum(fit.residuals**2) / sigma**2 for fit, sigma in zip(fits, sigmas, strict=True)))
    extra, rest = p * (count - 1), n - count * (p + 2)
    # a law without shape parameters has nothing to share
    ratio = max(shared - separate, 0.0) / extra / (separate / rest) if extra else 0.0
    free = p + 2 * count
    inverse = pinv(product(best.jac.T, best.jac)) * shared / max(n - free, 1)
    slope, slope_se = _exponent(np.array(widths), z[p : p + count])
    return JointFit(
        widths=np.array(widths),
        shape=z[:p],
        levels=z[p : p + count],
        starts=z[p + count :],
        covariance=inverse,
        degrees=max(n - free, 1),
        p_value=f_tail(ratio, extra, rest) if extra else 1.0,
        bic_gain=float(n * np.log(separate / shared) + extra * np.log(n)),
        exponent=slope,
        exponent_se=slope_se,
    )


def _exponent(widths: np.ndarray, levels: np.ndarray) -> tuple[float, float | None]:
    """Return the slope of L against ln width, and its standard error (None from two widths)."""
    x = np.log(widths) - np.mean(np.log(widths))
    square = np.sum(x**2)
    slope = float(np.sum(x * levels) / square)
    if widths.size < 3:
        return slope, None
    rest = levels - levels.mean() - slope * x
    return slope, float(np.sqrt(np.sum(rest**2) / (widths.size - 2) / square))
