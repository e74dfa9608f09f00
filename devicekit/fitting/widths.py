"""Joint fit of several pulse widths: one shape, each width with its own rate and start.

It is meant for short pulses that cover only part of the window, whose separate fits are arbitrary beyond
that part.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from devicekit.core.errors import CodedWarning, UsageError
from devicekit.core.statistics import f_tail
from devicekit.fitting.branch import search
from devicekit.fitting.branch.fit import build_box, covariance_by_residuals, names_at_bound
from devicekit.fitting.branch.options import FitOptions
from devicekit.fitting.branch.result import BranchFit
from devicekit.fitting.branch.trains import choose_window
from devicekit.fitting.condition import fit_condition, train_sets
from devicekit.fitting.likelihood.band import rate_variance
from devicekit.fitting.result import DeviceFit
from devicekit.models.law import Law
from devicekit.tables import PulseTable

SHARING_DOUBTED = 0.01  # p value of the F test below which a shared shape is doubted


@dataclass(frozen=True)
class JointFit:
    """One branch over several widths with a shared shape.

    Attributes
    ----------
    widths : ndarray, shape (W,)
        Pulse widths [s].
    shape : ndarray
        Shared shape parameters.
    levels, starts : ndarray, shape (W,)
        L and x0 of each width.
    covariance : ndarray
        Of (shape, levels, starts).
    p_value : float
        Of the F test of a shared against separate shapes: small means that sharing is not justified.
    bic_gain : float
        BIC of separate shapes minus BIC of the shared one: positive speaks for sharing.
    exponent, exponent_se : float
        m of rate ~ width^m and its standard error over the widths (None from two widths).
    degrees : int
        Degrees of freedom: readings of all widths less parameters.
    """

    widths: np.ndarray
    shape: np.ndarray
    levels: np.ndarray
    starts: np.ndarray
    covariance: np.ndarray
    p_value: float
    bic_gain: float
    exponent: float
    exponent_se: float | None
    degrees: int

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return {
            "pulse_widths_s": self.widths.tolist(),
            "p_value_of_separate_shapes": self.p_value,
            "bic_gain_of_sharing": self.bic_gain,
            "rate_exponent": self.exponent,
            "rate_exponent_se": self.exponent_se,
        }


def _pack(fits: list[BranchFit], shape: np.ndarray) -> np.ndarray:
    return np.concatenate([shape, [fit.theta[0] for fit in fits], [fit.parameters[-1] for fit in fits]])


def _width_parameters(z: np.ndarray, law: Law, k: int, count: int) -> np.ndarray:
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
            states, _ = search.jacobian(law, _width_parameters(z, law, k, count), fit.x.size - 1)
            seen = np.isfinite(fit.x)
            parts.append((states - fit.x)[seen] / sigmas[k])
        return np.concatenate(parts)

    def jacobian(z: np.ndarray) -> np.ndarray:
        prior = np.zeros((p, z.size))
        prior[:, :p] = np.diag(pull)
        parts = [prior]
        for k, fit in enumerate(fits):
            _, own = search.jacobian(law, _width_parameters(z, law, k, count), fit.x.size - 1)
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
    inverse = np.linalg.pinv(best.jac.T @ best.jac, hermitian=True) * shared / max(n - free, 1)
    slope, slope_se = _exponent(np.array(widths), z[p : p + count])
    return JointFit(
        np.array(widths),
        z[:p],
        z[p : p + count],
        z[p + count :],
        inverse,
        degrees=max(n - free, 1),
        p_value=f_tail(ratio, extra, rest) if extra else 1.0,
        bic_gain=float(n * np.log(separate / shared) + extra * np.log(n)),
        exponent=slope,
        exponent_se=slope_se,
    )


def _exponent(widths: np.ndarray, levels: np.ndarray) -> tuple[float, float | None]:
    """Return the slope of L against ln width, and its standard error (None from two widths)."""
    design = np.stack([np.log(widths), np.ones(widths.size)], axis=1)
    solution, residuals, *_ = np.linalg.lstsq(design, levels, rcond=None)
    if widths.size < 3:
        return float(solution[0]), None
    variance = float(residuals[0]) / (widths.size - 2) if residuals.size else 0.0
    return float(solution[0]), float(np.sqrt(variance * np.linalg.inv(design.T @ design)[0, 0]))


def _apply_joint_fit(fit: BranchFit, joint: JointFit, k: int, note: CodedWarning) -> BranchFit:
    """Return a width's fit with the shared shape and its own rate and start."""
    law, count = fit.law, len(joint.widths)
    p = law.n_parameters - 1
    z = np.concatenate([joint.shape, joint.levels, joint.starts])
    parameters = _width_parameters(z, law, k, count)
    order = np.r_[p + k, np.arange(p), p + count + k]
    box = build_box(law, fit.x, fit.noise)
    bound = names_at_bound(law, parameters, box)
    wider = _widening(fit)
    return replace(
        fit,
        parameters=parameters,
        covariance=joint.covariance[np.ix_(order, order)] * wider**2,
        degrees=joint.degrees,
        method=f"joint fit over pulse widths; {wider:.1f} times as wide as by read noise, as each width alone needs",
        band=None,
        at_bound=tuple(name for name, hit in zip((*law.parameters, "x0"), bound, strict=True) if hit),
        warnings=(
            *tuple(warning for warning in fit.warnings if warning.code not in ("weak", "at_bound", "extrapolated")),
            note,
        ),
        final_solve=None,
    )


def _widening(fit: BranchFit) -> float:
    """Return how much wider a separate fit's band is than independent noise would make it, at least 1."""
    low, high = fit.trajectory[0], fit.trajectory[-1]
    x = np.linspace(low, high, 11)[1:-1]
    if fit.band is not None:
        variance = fit.band.rate_and_sd(x)[1] ** 2
    else:
        variance = rate_variance(fit.law, fit.parameters, fit.covariance, x)
    by_residuals = rate_variance(fit.law, fit.parameters, covariance_by_residuals(fit), x)
    known = by_residuals > 0
    return max(float(np.sqrt(np.median(variance[known] / by_residuals[known]))), 1.0) if known.any() else 1.0


def fit_widths(table: PulseTable, options: FitOptions) -> tuple[DeviceFit, ...]:
    """Fit every pulse width of a table with shared shapes, in one window for all widths.

    Parameters
    ----------
    table : PulseTable
        Trains at two pulse widths or more.
    options : FitOptions
        How to fit.

    Raises
    ------
    UsageError
        If the table has fewer than two pulse widths.
    """
    widths = table.widths
    if len(widths) < 2:
        raise UsageError("share=width needs a table with at least two pulse widths (column pulse_width_s)")
    parts = [table.select(width=width) for width in widths]
    everything = [trains for part in parts for trains in train_sets(part).values()]
    window = choose_window(everything, table.quantity, "range of the mean curves over all pulse widths", options.state)
    separate = [fit_condition(part, options, window) for part in parts]
    results = list(separate)
    for direction in ("ltp", "ltd"):
        fits = [fit.branches.get(direction) for fit in separate]
        if any(fit is None for fit in fits):
            continue
        branch_fits = [fit for fit in fits if fit is not None]
        joint = fit_joint(branch_fits, widths)
        note = _joint_warning(joint, direction)
        for k, branch in enumerate(branch_fits):
            shared = _apply_joint_fit(branch, joint, k, note)
            results[k] = replace(
                results[k],
                ltp=shared if direction == "ltp" else results[k].ltp,
                ltd=shared if direction == "ltd" else results[k].ltd,
                joint={**results[k].joint, direction: joint.as_dict()},
            )
    return tuple(results)


def _joint_warning(joint: JointFit, direction: str) -> CodedWarning:
    verdict = (
        f"the F test rejects one shape for all widths (p = {joint.p_value:.2g})"
        if joint.p_value < SHARING_DOUBTED
        else f"one shape for all widths is compatible with the data (p = {joint.p_value:.2g})"
    )
    error = "no standard error from two widths" if joint.exponent_se is None else f"se {joint.exponent_se:.2f}"
    return CodedWarning(
        "shared_shape",
        f"{direction.upper()}: shape shared over {len(joint.widths)} widths; {verdict}; "
        f"rate ~ width^{joint.exponent:.2f} ({error})",
    )
