"""Laws of the pulse that were fitted to one direction: their tests, and which of them hold."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from devicekit.core.records import Record, column, derived, internal
from devicekit.core.statistics import chi2_tail
from devicekit.core.text import si
from devicekit.device.blocks import Window
from devicekit.fitting.pulses.noise import Noise
from devicekit.fitting.pulses.problem import Problem
from devicekit.fitting.pulses.programmes import Programme
from devicekit.models.law import Law
from devicekit.models.pulselaw import EVERY_LAW, Pulse

EXCLUDED_P = 0.01  # of the likelihood-ratio test against free rates, below which a law is excluded
EXCLUDED_AICC = 10.0  # above the best law: essentially no support (Burnham and Anderson, 10.1177/0049124104268644)
POOR_THRESHOLD = 0.3  # of the lowest amplitude: a standard error of v_th beyond which it is not determined
FREE = "free"
FEWEST = 3  # fewest amplitudes, or widths, that test a law between them
OUTSIDE = 1e-6  # of an end of the measured range: rounding


@dataclass(frozen=True, kw_only=True, eq=False)
class LawFit(Record):
    """One law of the pulse, fitted to all trains of a direction with one shape.

    `covariance` and `wide` are those of (theta, values, starts).
    """

    name: str = internal(doc="name of the law; `free` for a separate rate of each pulse")
    parameters: tuple[str, ...] = internal(doc="names of the parameters of the pulse's law")
    theta: np.ndarray = internal(doc="L, which is ln rate of the reference pulse at x = 1/2, and the shape, shape (p,)")
    values: np.ndarray = internal(doc="values of `parameters`, shape (f,)")
    starts: np.ndarray = internal(doc="starting state of each programme, on the rising coordinate, shape (G,)")
    covariance: np.ndarray = internal(doc="covariance by the noise of the trains")
    wide: np.ndarray = internal(doc="covariance if every pulse's rate scatters about the law by `Joint.scatter`")
    chi2: float = internal(doc="weighted sum of squares")
    aicc: float = column(doc="Akaike's criterion, corrected")
    statistic: float = internal(default=0.0, doc="of the likelihood-ratio test against free rates")
    degrees: int = internal(default=0, doc="degrees of freedom of that test")
    p_value: float = internal(default=1.0, doc="of that test; 1 without remaining degrees of freedom")
    status: str = column(default=FREE, doc="best, possible, excluded, not determined, or free")

    @classmethod
    def of(cls, name: str, parameters: tuple[str, ...], problem: Problem, z: np.ndarray) -> LawFit:
        """Return the fit whose (theta, values, starts) are z."""
        p, f = problem.p, problem.f
        chi2, k, n = problem.chi2(z), z.size, problem.n_readings
        aicc = chi2 + 2 * k + 2 * k * (k + 1) / max(n - k - 1, 1)
        covariance = problem.covariance(z)
        return cls(
            name=name,
            parameters=parameters,
            theta=z[:p],
            values=z[p : p + f],
            starts=z[p + f :],
            covariance=covariance,
            wide=covariance,
            chi2=chi2,
            aicc=aicc,
        )

    @property
    def z(self) -> np.ndarray:
        """(theta, values, starts) in one array."""
        return np.concatenate([self.theta, self.values, self.starts])

    @property
    def own(self) -> slice:
        """Place of `values` in `z`."""
        return slice(self.theta.size, self.theta.size + self.values.size)

    @property
    def errors(self) -> np.ndarray:
        """Standard errors of `values`, scatter about the law included, shape (f,)."""
        return np.sqrt(np.maximum(np.diag(self.wide)[self.own], 0.0))

    @derived(name="parameters")
    def by_name(self) -> dict[str, float]:
        """Values of the parameters by their names."""
        return dict(zip(self.parameters, self.values.tolist(), strict=True))

    @derived(name="standard_errors")
    def errors_by_name(self) -> dict[str, float]:
        """Standard errors of the parameters, scatter about the law included."""
        return dict(zip(self.parameters, self.errors.tolist(), strict=True))

    @derived(name="p_value")
    def tested_p(self) -> float | None:
        """p value of the likelihood-ratio test against free rates; None without remaining degrees of freedom."""
        return self.p_value if self.degrees else None

    def words(self, digits: int) -> str:
        """Return the parameters with their errors as text."""
        pairs = zip(self.parameters, self.values, self.errors, strict=True)
        return ", ".join(f"{name} = {value:.{digits}g} ± {error:.2g}" for name, value, error in pairs)


@dataclass(frozen=True, kw_only=True, eq=False)
class Scope(Record):
    """Trains of one direction, and what a law of their pulses depends on."""

    direction: str = internal(doc="ltp or ltd")
    law: Law = internal(doc="update law, whose shape all programmes share")
    window: Window = internal(doc="normalisation of the states")
    programmes: tuple[Programme, ...] = internal(doc="trains by their pulses, each of which moves")
    reference: Pulse = column(doc="the pulse whose rate is L")
    with_amplitude: bool = internal(doc="whether the laws depend on the amplitude")
    with_width: bool = internal(doc="whether the laws depend on the width")

    @property
    def varied(self) -> bool:
        """True if amplitudes grow along a train."""
        return any(each.varied for each in self.programmes)

    @property
    def lowest(self) -> float:
        """Lowest amplitude [V]; infinite if the laws do not depend on it."""
        return float(np.nanmin([e.voltages.min() for e in self.programmes])) if self.with_amplitude else np.inf

    @property
    def constant_pulses(self) -> list[Pulse]:
        """Pulses of constant programmes, each once."""
        return list(dict.fromkeys(each.pulse for each in self.programmes if not each.varied))

    def others(self) -> list[Pulse]:
        """Return `constant_pulses` but the reference."""
        return [pulse for pulse in self.constant_pulses if pulse != self.reference]

    def ln_factor(
        self, name: str, values: np.ndarray, volts: np.ndarray, wide: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return ln of the step over the reference pulse's by a law (`AmplitudeLaw.ln_factor`)."""
        return EVERY_LAW[name].ln_factor(values, volts, wide, self.reference, self.with_width)


@dataclass(frozen=True, kw_only=True, eq=False)
class Joint(Scope):
    """Fits of one direction."""

    pulses: tuple[Pulse, ...] = internal(doc="pulses of constant programmes, each once; none if some grow")
    levels: np.ndarray = internal(doc="ln rate at x = 1/2 of each of `pulses`, fitted free, shape (C,)")
    level_errors: np.ndarray = internal(doc="standard errors of the levels by the noise, shape (C,)")
    free: LawFit | None = internal(doc="fit with free rates; None where amplitudes grow along a train")
    fits: dict[str, LawFit] = column(name="laws", doc="fits of the laws, by name")
    best: str = column(doc="name of the best law")
    confounded: bool = internal(
        doc="whether there is only one kind of growing train: state and amplitude rise together, so that shape and "
        "law cannot be separated",
    )
    scatter: float = column(name="scatter_ln_rate", doc="standard deviation of ln rate about the best law")
    scatter_degrees: float = internal(doc="pulses (two of them prior) behind the scatter")
    noise: Noise = internal(doc="noise of the trains")
    fit_to_noise: float = internal(
        doc="weighted mean square of the residuals with free rates, at least 1; errors are widened by its root",
    )

    @property
    def fit(self) -> LawFit:
        """The best law."""
        return self.fits[self.best]

    @derived()
    def possible(self) -> tuple[str, ...]:
        """Laws that the data do not exclude, the best one first."""
        return (self.best, *(name for name, each in self.fits.items() if each.status == "possible"))

    @property
    def is_assumed(self) -> bool:
        """True if nothing tests the law, or the rates do not follow it."""
        untested = self.fit.degrees == 0 and self.free is not None
        return untested or self.confounded or self.fit.p_value < EXCLUDED_P

    @property
    def measured(self) -> tuple[list[float], list[float]]:
        """Measured amplitudes [V] and widths [s], ascending; for growing trains those of every pulse."""
        volts = np.concatenate([each.voltages for each in self.programmes])
        wide = np.concatenate([each.widths for each in self.programmes])
        found = [{float(f"{v:.6g}") for v in values[np.isfinite(values)]} for values in (volts, wide)]
        return sorted(found[0]), sorted(found[1])

    def assumption(self, voltage: float | None = None, width: float | None = None) -> str | None:
        """Return why the law is assumed at a pulse, as text; None at measured pulses and between those that test it."""
        reasons = ["one kind of growing train cannot separate its shape from the law"] * self.confounded
        rows = (("amplitude", "V", voltage, self.with_amplitude), ("width", "s", width, self.with_width))
        for (name, unit, value, asked), known in zip(rows, self.measured, strict=True):
            if value is None or not known:
                continue
            size = abs(value)
            if any(abs(size - each) <= 1e-3 * each for each in known):
                continue
            low, high = known[0], known[-1]
            span = f"{si(low, unit)} to {si(high, unit)}" if high > low else si(low, unit)
            if not asked or size < low * (1 - OUTSIDE) or size > high * (1 + OUTSIDE):
                reasons.append(f"the {name} {si(size, unit)} is outside the measured {span}")
            elif len(known) < FEWEST:
                reasons.append(f"the {name} {si(size, unit)} lies between the only two measured ones, {span}")
        return "; ".join(reasons) or None


def free_levels(free: LawFit, scope: Scope) -> tuple[np.ndarray, np.ndarray]:
    """Return ln rate at x = 1/2 of each of the constant pulses, fitted free, and its standard error."""
    p, pulses, others = free.theta.size, scope.constant_pulses, scope.others()
    pick = np.zeros((len(pulses), free.covariance.shape[0]))
    pick[:, 0] = 1.0
    for row, pulse in zip(pick, pulses, strict=True):
        if pulse != scope.reference:
            row[p + others.index(pulse)] = 1.0
    return pick @ free.z, np.sqrt(np.maximum(np.diag(pick @ free.covariance @ pick.T), 0.0))


def judge_laws(fits: dict[str, LawFit], free: LawFit, lowest: float, varied: bool) -> tuple[dict[str, LawFit], str]:
    """Return the fits with their tests against free rates, and the best of those that are determined."""
    tested = {}
    for name, each in fits.items():
        degrees = max(free.values.size - each.values.size, 0)
        statistic = max(each.chi2 - free.chi2, 0.0)
        p_value = chi2_tail(statistic, degrees) if degrees else 1.0
        if varied and name == "threshold":  # a law outside the parabola's family can fit better than the reference
            p_value = chi2_tail(statistic, 1)
        tested[name] = replace(each, statistic=statistic, degrees=degrees, p_value=p_value)
    determined = {name: each for name, each in tested.items() if not is_undetermined(each, lowest)}
    rated = determined or tested
    least = min(each.aicc for each in rated.values())
    best = min(rated, key=lambda name: rated[name].aicc)
    for name, each in tested.items():
        gone = each.p_value < EXCLUDED_P or each.aicc > least + EXCLUDED_AICC
        status = "best" if name == best else "excluded" if gone else "possible"
        if name not in rated:
            status = "not determined"
        tested[name] = replace(each, status=status)
    return tested, best


def is_undetermined(fit: LawFit, lowest: float) -> bool:
    """Return whether a threshold is undetermined: at a bound, or with an error large for the lowest amplitude."""
    if fit.name != "threshold":
        return False
    error = fit.errors[0]
    return bool(error == 0.0 or error > POOR_THRESHOLD * lowest)
