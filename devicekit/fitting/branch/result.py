"""Result of the fit of one branch."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from devicekit.core.calls import as_number, as_states, called_as
from devicekit.core.errors import CodedWarning, UsageError
from devicekit.core.records import Record, column, derived, internal
from devicekit.device.blocks import Branch, RateCurve, Window
from devicekit.fitting.branch.final_solve import FinalSolve
from devicekit.fitting.branch.identifiability import Identifiability, identifiability
from devicekit.fitting.likelihood.band import RateBand, ends, quantile, rate_variance, widen_outside
from devicekit.models import kernel
from devicekit.models.law import Law
from devicekit.models.laws.eq2 import Eq2

BAND_LEVEL = 0.95
WEAK = 0.5  # a standard error above this share of the value marks a coefficient weak
RATE_GRID = np.linspace(0.0, 1.0, 101)
ROOM = 1.3  # upper bound of a step from within a gap, over the step across it
GAP, SMALLEST_GAP = 6.0, 0.08  # larger steps leave a gap without readings: in usual steps, and of the window
BEYOND = 3.0  # standard errors from which the mean of the last readings lies beyond the fitted curve
EDGE = 0.01  # of the window: ends of single trains scatter this much about those of the mean curve


def last_tenth(readings: np.ndarray) -> np.ndarray:
    """Return the last tenth of a curve's finite readings, one at least."""
    return readings[-max(readings.size // 10, 1) :]


@dataclass(frozen=True, repr=False, kw_only=True, eq=False)
class BranchFit(Record):
    """Fit of one branch of one device, or of the central device."""

    also_called: ClassVar = {**{name: f"coefficients[{name!r}]" for name in "abcdfghi"}, "[]": ".coefficients[name]"}

    direction: str = internal("ltp or ltd", card="direction")
    law: Law = internal("the update law")
    window: Window = internal("the normalisation shared by both branches")
    parameters: np.ndarray = internal(
        "theta = (L, shape) and the starting state x0, on the rising coordinate, shape (p + 1,)"
    )
    covariance: np.ndarray = internal("covariance of the parameters, (p + 1, p + 1); rows at a bound are 0")
    degrees: int = internal("degrees of freedom of the t quantile that goes with the covariance")
    method: str = internal("how the covariance was estimated")
    x: np.ndarray = internal("mean measured curve on the rising coordinate, shape (N + 1,); NaN where nothing was read")
    noise: float = column(card="noise", doc="standard deviation of the mean curve's readings, fraction of the window")
    at_bound: tuple[str, ...] = column(card="at_bound", doc="parameters at a bound")
    warnings: tuple[CodedWarning, ...] = column(default=(), doc="warnings on this branch")
    log_likelihood: float | None = column(
        default=None,
        optional=True,
        doc="of the whole trains, where law and noise are most likely; never below that of a law nested in this one",
    )
    final_solve: FinalSolve | None = internal(
        "the problem of the final solve, if this fit ended with one", default=None
    )
    band: RateBand | None = internal("source of the rate curve's band; None: the covariance", default=None)
    floor: float = internal("least half-width of the rate curve's band, share of the rate", default=0.0)
    ln_factors: np.ndarray | None = internal(
        "ln of each pulse's step over that of theta's pulse, shape (N,), for trains of pulses that differ", default=None
    )

    def __repr__(self) -> str:
        return f"<BranchFit {self.direction} {self.law.name}: nrmse {self.nrmse:.2%}, {self.n_points} points>"

    def summary_lines(self) -> list[str]:
        """Return the coefficients, and which of them are weakly determined."""
        values = ", ".join(f"{name} {value:.4g}" for name, value in self.coefficients.items())
        doubtful = sorted({*self.weak, *self.at_bound})
        words = [f"weakly determined or at a bound: {', '.join(doubtful)}"] if doubtful else []
        return [f"coefficients: {values}", *words, ".fit_report() gives standard errors and correlations"]

    @property
    def theta(self) -> np.ndarray:
        """theta = (L, shape), shape (p,)."""
        return self.parameters[:-1]

    @property
    def x0(self) -> float:
        """Fitted starting state on the rising coordinate."""
        return float(self.parameters[-1])

    @cached_property
    def lmfit(self) -> Any:
        """lmfit's own `MinimizerResult` from where the search ended; None if the fit did not end with it."""
        return None if self.final_solve is None else self.final_solve.problem().solve()

    @cached_property
    def trajectory(self) -> np.ndarray:
        """Fitted states on the rising coordinate, shape (N + 1,)."""
        if self.ln_factors is not None:
            return kernel.simulate_driven(self.law.id, self.theta, self.parameters[-1], self.ln_factors)
        return kernel.simulate(self.law.id, self.theta, self.parameters[-1], self.x.size - 1)

    def _to_direction(self, x: np.ndarray) -> np.ndarray:
        return x if self.direction == "ltp" else 1.0 - x

    @property
    def measured(self) -> np.ndarray:
        """Mean measured states r, shape (N + 1,)."""
        return self._to_direction(self.x)

    @property
    def fitted(self) -> np.ndarray:
        """Fitted states r, shape (N + 1,)."""
        return self._to_direction(self.trajectory)

    @property
    def residuals(self) -> np.ndarray:
        """Measured minus fitted r, finite readings only."""
        difference = self.measured - self.fitted
        return difference[np.isfinite(difference)]

    @derived(card="n_points")
    def n_points(self) -> int:
        """Readings of the mean curve that are finite."""
        return int(np.isfinite(self.x).sum())

    @property
    def rms(self) -> float:
        """Root mean square residual, fraction of the window."""
        return float(np.sqrt(np.mean(self.residuals**2)))

    @derived(card="nrmse")
    def nrmse(self) -> float:
        """rms residual / (max - min) of the measured mean curve."""
        return self.rms / float(np.nanmax(self.x) - np.nanmin(self.x))

    @derived(card="r2")
    def r2(self) -> float:
        """Share of the mean curve's variance that the fit explains; does not show what a network is sensitive to."""
        finite = self.x[np.isfinite(self.x)]
        return float(1.0 - np.sum(self.residuals**2) / np.sum((finite - finite.mean()) ** 2))

    @derived(card="largest_step", json=False, row=False)
    def largest_step(self) -> float:
        """Largest step of the fitted trajectory: rates beyond it are extrapolation."""
        steps = np.diff(self.trajectory)
        return float((steps if self.ln_factors is None else steps * np.exp(-self.ln_factors)).max())

    @derived(card="measured_range", json=False, row=False)
    def measured_range(self) -> tuple[float, float]:
        """Lowest and highest state r of the train: fitted, or measured where readings go on beyond the fitted curve."""
        low, high = sorted(self._to_direction(np.array([self.trajectory[0], self.last_state])).tolist())
        return low, high

    @property
    def last_state(self) -> float:
        """Last state of the train, rising: fitted, or measured where the last readings lie beyond the fitted curve."""
        tail = last_tenth(self.x[np.isfinite(self.x)])
        fitted, measured = float(self.trajectory[-1]), float(tail.mean())
        error = float(np.hypot(self.noise, self.rms)) / tail.size**0.5
        return measured if measured > fitted + EDGE + BEYOND * error else fitted

    @derived(card="standard_errors")
    def standard_errors(self) -> dict[str, float | None]:
        """Standard errors of theta and x0 by name; None at a bound."""
        errors = np.sqrt(np.maximum(np.diag(self.covariance), 0.0))
        theirs = {self.law.coefficients[name] for name in self.at_bound if name in self.law.bounded}
        hit = {*self.at_bound, *(each.parameter for each in theirs if not each.is_scale)}
        rows = zip(self.law.names, errors, self.law.is_fixed, strict=True)
        return {name: None if held or name in hit else float(error) for name, error, held in rows}

    @derived(optional=True)
    def fixed(self) -> dict[str, float]:
        """Published coefficients that were fixed, with their values."""
        return {name: self.coefficients[name] for name in self.law.fixed}

    @derived(card="weak")
    def weak(self) -> tuple[str, ...]:
        """Parameters whose standard error exceeds half their value, without L and x0, which are not ratios."""
        errors = self.standard_errors
        values = dict(zip(self.law.parameters, self.theta, strict=True))
        return tuple(
            name
            for name, value in values.items()
            if name != self.law.parameters[0] and (error := errors[name]) is not None and error > WEAK * abs(value)
        )

    def fit_report(self) -> str:
        """Return a report in the form of lmfit's (see `DeviceFit.fit_report`)."""
        errors = self.standard_errors
        free = sum(error is not None for error in errors.values())
        lines = [
            f"[[{self.direction.upper()}: {self.law.title}]]",
            "[[Fit Statistics]]",
            f"    # data points (mean curve)  = {self.n_points}",
            f"    # variables                 = {free}",
            f"    rms residual [of window]    = {self.rms:.4e}",
            f"    nrmse [of the curve's range] = {self.nrmse:.4e}",
            f"    standard errors             : {self.method}",
            "[[Variables]]",
        ]
        fixed = {name for name, held in zip(self.law.names, self.law.is_fixed, strict=True) if held}
        for (name, error), value in zip(errors.items(), self.parameters, strict=True):
            held = "fixed" if name in fixed else "at a bound"
            error_text = held if error is None else f"+/- {error:.8f}"
            if error is not None and value:
                error_text += f" ({abs(error / value):.2%})"
            lines.append(f"    {name + ':':<7}{value: .8f} {error_text}{' *' if name in self.weak else ''}")
        if self.weak:
            lines.append("    * weakly determined: use the rate curve, not this number")
        lines.append("[[Correlations]] (unreported correlations are < 0.100)")
        known = [k for k, error in enumerate(errors.values()) if error]
        names, sd = list(errors), np.sqrt(np.maximum(np.diag(self.covariance), 1e-300))
        pairs = [(j, k, self.covariance[j, k] / (sd[j] * sd[k])) for j in known for k in known if j < k]
        for j, k, value in sorted(pairs, key=lambda pair: -abs(pair[2])):
            if abs(value) >= 0.1:
                lines.append(f"    {f'C({names[j]}, {names[k]})':<13}= {value:+.4f}")
        return "\n".join(lines)

    @derived(card="coefficients")
    def coefficients(self) -> dict[str, float]:
        """Published coefficients for r in [0, 1]."""
        return self.law.to_published(self.theta, self.direction)

    @derived(card="coefficients_s")
    def coefficients_s(self) -> dict[str, float] | None:
        """Published coefficients for G in siemens; None for a weight or a law without such coefficients."""
        if self.window.quantity != "conductance_s" or self.law.name != "eq2" or self.window.scale == "log":
            return None
        return asdict(Eq2(**self.coefficients).rescaled(self.window.span, self.window.low))

    @called_as("fit.ltp.rate(0.5)")
    def rate(self, r: np.ndarray | float) -> np.ndarray:
        """Return rdot(r) [1 per pulse], same shape as r; negative for LTD.

        Raises UsageError where r lies outside 0 to 1, and outside the fitted curve too.
        """
        passed = self.fitted
        r = as_states(r, low=min(0.0, float(passed.min())), high=max(1.0, float(passed.max())))
        steps = kernel.rates(self.law.id, self.theta, np.ascontiguousarray(self._to_direction(r).ravel())).reshape(
            r.shape
        )
        return steps if self.direction == "ltp" else -steps

    def rate_curve(self, r: np.ndarray = RATE_GRID, level: float = BAND_LEVEL) -> RateCurve:
        """Return rdot with its pointwise confidence band.

        Its half-width is at least `floor` of the rate. More than `EDGE` outside the measured states it is widened
        (`likelihood.band.widen_outside`).
        """
        if not 0 < as_number(level, "level") < 1:
            raise UsageError(f"level= must be between 0 and 1, not {level:g}.")
        x, size = np.ascontiguousarray(self._to_direction(r)), np.abs(self.rate(r))
        if self.band is not None:
            low, high = self.band.ends(x, level)
            low, high = np.minimum(low, size), np.maximum(high, size)
        else:
            variance = rate_variance(self.law, self.parameters, self.covariance, x)
            low, high = ends(size, quantile(level, self.degrees) * np.sqrt(variance))
        low, high = np.minimum(low, (1 - self.floor) * size), np.maximum(high, (1 + self.floor) * size)
        reach = float(self.trajectory[0]) - EDGE, float(self.trajectory[-1]) + EDGE
        low, high = widen_outside(x, low, high, reach)
        low, high = self._in_gaps(x, low, high)
        sign = 1.0 if self.direction == "ltp" else -1.0
        lower, upper = (low, high) if sign > 0 else (-high, -low)
        return RateCurve(
            r=tuple(r.tolist()),
            rate=tuple((sign * size).tolist()),
            lower=tuple(lower.tolist()),
            upper=tuple(upper.tolist()),
            level=level,
            method=self.method if self.band is None else self.band.method,
            factor_of_all=self._factor_of_all(x, level),
        )

    def _in_gaps(self, x: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Widen the ends where one pulse jumped past x, since no reading shows what a pulse does from there."""
        low, high, steps = low.copy(), high.copy(), np.diff(self.x)
        if not np.isfinite(steps).any():  # no two neighbouring pulses were read
            return low, high
        usual = float(np.nanmedian(np.abs(steps)))
        for n in np.flatnonzero(steps > max(GAP * usual, SMALLEST_GAP)):
            inside = (x > self.x[n] + EDGE) & (x < self.x[n + 1] - EDGE)
            low[inside], high[inside] = 0.0, np.maximum(high[inside], ROOM * steps[n])
        return low, high

    def _factor_of_all(self, x: np.ndarray, level: float) -> float | None:
        """Return the factor to a band that holds the rate at all measured states at once; None for other methods."""
        inside = x[(x >= self.trajectory[0]) & (x <= self.trajectory[-1])]
        return None if self.band is None or inside.size == 0 else self.band.factor_of_all(inside, level)

    def to_card(self) -> Branch:
        """Return the branch as stored in a card."""
        return Branch(
            **self.block(),
            theta=tuple(self.theta.tolist()),
            x0=self.x0,
            n_pulses=self.x.size - 1,
            rate_curve=self.rate_curve(),
        )

    @derived(name="identifiability")
    def found_directions(self) -> Identifiability:
        """Directions of the parameters that the data determine."""
        return self.identifiability()

    def identifiability(self) -> Identifiability:
        """Return which directions the data determine."""
        return identifiability(self.law, self.parameters, self.covariance, self.x, max(self.noise, self.rms, 1e-12))
