"""Joint fit of several pulse widths: one shape, each width with its own rate and start.

It is meant for short pulses that cover only part of the window, whose separate fits are arbitrary beyond
that part.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from devicekit.core.errors import CodedWarning, UsageError
from devicekit.core.quantities import DIRECTIONS
from devicekit.fitting.branch.fit import build_box, covariance_by_residuals, names_at_bound
from devicekit.fitting.branch.joint import JointFit, fit_joint, width_parameters
from devicekit.fitting.branch.options import FitOptions
from devicekit.fitting.branch.result import BranchFit
from devicekit.fitting.branch.trains import choose_window
from devicekit.fitting.condition import fit_condition, train_sets
from devicekit.fitting.likelihood.band import rate_variance
from devicekit.fitting.result import DeviceFit
from devicekit.tables import PulseTable

SHARING_DOUBTED = 0.01  # p value of the F test below which a shared shape is doubted

REPLACED = ("weak", "at_bound", "extrapolated", "law_stops")  # codes of a fit to one width


def _apply_joint_fit(fit: BranchFit, joint: JointFit, k: int, note: CodedWarning) -> BranchFit:
    """Return a width's fit with the shared shape and its own rate and start."""
    law, count = fit.law, len(joint.widths)
    p = law.n_parameters - 1
    z = np.concatenate([joint.shape, joint.levels, joint.starts])
    parameters = width_parameters(z, law, k, count)
    order = np.r_[p + k, np.arange(p), p + count + k]
    wider = _widening(fit)
    return replace(
        fit,
        parameters=parameters,
        covariance=joint.covariance[np.ix_(order, order)] * wider**2,
        degrees=joint.degrees,
        method=f"joint fit over pulse widths; {wider:.1f} times as wide as by read noise, as each width alone needs",
        band=None,
        at_bound=names_at_bound(law, parameters, build_box(law, fit.x, fit.noise)),
        warnings=(
            *(warning for warning in fit.warnings if warning.code not in REPLACED),
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
    for direction in DIRECTIONS:
        fits = [fit.branches.get(direction) for fit in separate]
        if any(fit is None for fit in fits):
            continue
        branch_fits = [fit for fit in fits if fit is not None]
        joint = fit_joint(branch_fits, widths)
        note = _joint_warning(joint, direction)
        for k, branch in enumerate(branch_fits):
            shared = _apply_joint_fit(branch, joint, k, note)
            facts = {**results[k].joint, direction: joint}
            results[k] = replace(results[k], **{direction: shared}, joint=facts)  # type: ignore[arg-type]
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
