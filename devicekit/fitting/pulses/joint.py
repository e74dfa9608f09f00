"""Joint fits of one direction: one shape for all programmes, rates free or by a law, and their comparison."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from devicekit.core.statistics import chi2_tail
from devicekit.device.blocks import Window
from devicekit.fitting.branch.fit import build_box, fit_branch
from devicekit.fitting.branch.options import FitOptions
from devicekit.fitting.branch.trains import estimate_noise
from devicekit.fitting.pulses.noise import Noise, Path, choose_readings, covariance_of, estimate
from devicekit.fitting.pulses.programmes import Programme
from devicekit.models import kernel
from devicekit.models.law import Law
from devicekit.models.pulselaw import AMPLITUDE_LAWS, CLOSEST, CURVED, EVERY_LAW, NO_AMPLITUDE, AmplitudeLaw, Pulse

SCATTER, SCATTER_DEGREES = 0.05, 2.0  # prior scatter of ln rate about a law, and its weight in pulses
EXCLUDED_P = 0.01  # of the likelihood-ratio test against free rates, below which a law is excluded
EXCLUDED_AICC = 10.0  # above the best law: essentially no support (Burnham and Anderson, 10.1177/0049124104268644)
POOR_THRESHOLD = 0.3  # of the lowest amplitude: a standard error of v_th beyond which it is not determined
WIDTH_EXPONENT = (-2.0, 6.0)
FREE = "free"
LIFTS = (0.0, 1e-12, 1e-9, 1e-6)  # of the mean variance

# (values, programme number) -> ln of each pulse's factor (N,), and its derivatives (N, f)
Factors = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class LawFit:
    """One law of the pulse, fitted to all trains of a direction with one shape.

    Attributes
    ----------
    name : str
        Name of the law; `free` for a separate rate of each pulse.
    parameters : tuple of str
        Parameters of the pulse's law.
    theta : ndarray, shape (p,)
        L, which is ln rate of the reference pulse at x = 1/2, and the shape.
    values : ndarray, shape (f,)
        Values of `parameters`.
    starts : ndarray, shape (G,)
        Starting state of each programme, on the rising coordinate.
    covariance : ndarray
        Of (theta, values, starts), by the noise of the trains.
    wide : ndarray
        The same if every pulse's rate scatters about the law by `Joint.scatter`.
    chi2 : float
        Weighted sum of squares.
    aicc : float
        Akaike's criterion, corrected.
    statistic, degrees, p_value : float
        Likelihood-ratio test against free rates; p is 1 without remaining degrees of freedom.
    status : str
        best, possible, excluded, not determined, or free.
    """

    name: str
    parameters: tuple[str, ...]
    theta: np.ndarray
    values: np.ndarray
    starts: np.ndarray
    covariance: np.ndarray
    wide: np.ndarray
    chi2: float
    aicc: float
    statistic: float = 0.0
    degrees: int = 0
    p_value: float = 1.0
    status: str = FREE

    @property
    def errors(self) -> np.ndarray:
        """Standard errors of `values`, scatter about the law included, shape (f,)."""
        p = self.theta.size
        return np.sqrt(np.maximum(np.diag(self.wide)[p : p + self.values.size], 0.0))


@dataclass(frozen=True, eq=False)
class Joint:
    """Fits of one direction.

    Attributes
    ----------
    reference : Pulse
        The pulse whose rate is L.
    pulses : tuple of Pulse
        Pulses of constant programmes, each once.
    levels, level_errors : ndarray, shape (C,)
        ln rate at x = 1/2 of each of `pulses`, fitted free, and its error by the noise.
    free : LawFit or None
        None where amplitudes grow along a train.
    fits : mapping of str to LawFit
        Laws by name.
    best : str
    confounded : bool
        Whether there is only one kind of growing train: state and amplitude rise together, so that shape and law
        cannot be separated.
    scatter, scatter_degrees : float
        Standard deviation of ln rate about the best law, and the number of pulses (two of them prior) behind it.
    noise : Noise
    fit_to_noise : float
        Weighted mean square of the residuals with free rates, at least 1; errors are widened by its root.
    """

    direction: str
    law: Law
    window: Window
    programmes: tuple[Programme, ...]
    reference: Pulse
    with_amplitude: bool
    with_width: bool
    pulses: tuple[Pulse, ...]
    levels: np.ndarray
    level_errors: np.ndarray
    free: LawFit | None
    fits: dict[str, LawFit]
    best: str
    confounded: bool
    scatter: float
    scatter_degrees: float
    noise: Noise
    fit_to_noise: float


class _Problem:
    """Curves of all programmes against (theta, values of a law, starts), weighted by the inverse of their noise."""

    def __init__(self, law: Law, curves: list[np.ndarray], factors: Factors, bounds: tuple[np.ndarray, np.ndarray]):
        self.law, self.curves, self.factors = law, curves, factors
        self.p, self.f = law.n_parameters, bounds[0].size
        boxes = [build_box(law, x, estimate_noise(x)) for x in curves]
        self.lower = np.concatenate([law.lower, bounds[0], [box.lower[-1] for box in boxes]])
        self.upper = np.concatenate([law.upper, bounds[1], [box.upper[-1] for box in boxes]])
        mean, precision = law.prior_arrays()
        self.mean, self.pull = mean, np.sqrt(precision)
        self.seen = [choose_readings(x) for x in curves]
        self.roots: list[np.ndarray | float] = [1.0 / max(estimate_noise(x), 1e-3) for x in curves]
        self._at: np.ndarray | None = None

    def paths(self, z: np.ndarray) -> list[Path]:
        """Return the curves with their derivatives, kept for the Jacobian."""
        found, self._full = [], []
        for g, x in enumerate(self.curves):
            ln_factors, by_pulse = self.factors(z[self.p : self.p + self.f], g)
            states, steady = np.empty(x.size), np.empty(x.size - 1)
            full = np.empty((x.size, self.p + self.f + 1))
            kernel.driven_with_sensitivities(
                self.law.id, z[: self.p], z[self.p + self.f + g], ln_factors, by_pulse, states, full, steady
            )
            found.append(Path(states, full[:, 0].copy(), full[:, -1].copy(), steady))
            self._full.append(full)
        return found

    def _evaluated(self, z: np.ndarray) -> None:
        if self._at is not None and np.array_equal(self._at, z):
            return
        own = self.p + self.f
        residuals, rows = [self.pull * (z[: self.p] - self.mean)], [np.zeros((self.p, z.size))]
        rows[0][:, : self.p] = np.diag(self.pull)
        for g, path in enumerate(self.paths(z)):
            seen, root = self.seen[g], self.roots[g]
            full = np.zeros((seen.size, z.size))
            full[:, :own] = self._full[g][seen, :own]
            full[:, own + g] = self._full[g][seen, own]
            away = path.states[seen] - self.curves[g][seen]
            residuals.append(root * away if isinstance(root, float) else root @ away)
            rows.append(root * full if isinstance(root, float) else root @ full)
        self._at, self._residuals, self._rows = z.copy(), np.concatenate(residuals), np.vstack(rows)

    def residuals(self, z: np.ndarray) -> np.ndarray:
        self._evaluated(z)
        return self._residuals

    def jacobian(self, z: np.ndarray) -> np.ndarray:
        self._evaluated(z)
        return self._rows

    def weigh(self, sigmas: list[np.ndarray]) -> None:
        """Weight readings by the inverse of these covariances from now on."""
        self.roots = [_root(sigma) for sigma in sigmas]
        self._at = None

    def solve(self, starts: list[np.ndarray]) -> np.ndarray:
        """Return the minimum of the sum of squares, from the best of these starts."""
        from scipy.optimize import least_squares

        inside = [np.clip(start, self.lower + 1e-9, self.upper - 1e-9) for start in starts]
        found = [
            least_squares(
                self.residuals, z, self.jacobian, bounds=(self.lower, self.upper), x_scale="jac", max_nfev=200
            )
            for z in inside
        ]
        return np.asarray(min(found, key=lambda each: each.cost).x)

    def chi2(self, z: np.ndarray) -> float:
        """Return the weighted sum of squares without the priors' part."""
        return float(np.sum(self.residuals(z)[self.p :] ** 2))

    def covariance(self, z: np.ndarray) -> np.ndarray:
        """Return the inverse curvature, 0 at bounds."""
        reach = 1e-6 * np.minimum(self.upper - self.lower, 1e3)
        free = np.flatnonzero((z > self.lower + reach) & (z < self.upper - reach))
        j = self.jacobian(z)[:, free]
        scale = np.sqrt((j**2).sum(axis=0))
        scale[scale == 0] = 1.0
        found = np.zeros((z.size, z.size))
        inverse = np.linalg.pinv((j / scale).T @ (j / scale), rcond=1e-12, hermitian=True)
        found[np.ix_(free, free)] = inverse / np.outer(scale, scale)
        return found

    @property
    def n_readings(self) -> int:
        return sum(seen.size for seen in self.seen)


def _root(sigma: np.ndarray) -> np.ndarray:
    """Return the inverse of the lower root of a covariance; its diagonal is lifted if rounding made it indefinite."""
    size = float(np.trace(sigma)) / len(sigma)
    for lift in LIFTS:
        try:
            return np.linalg.inv(np.linalg.cholesky(sigma + lift * size * np.eye(len(sigma))))
        except np.linalg.LinAlgError:
            continue
    return np.diag(1.0 / np.sqrt(np.maximum(np.diag(sigma), 1e-12)))


def law_factors(law: AmplitudeLaw, programmes: list[Programme], reference: Pulse, with_width: bool) -> Factors:
    """Return the factors of a law of the pulse."""

    def factors(values: np.ndarray, g: int) -> tuple[np.ndarray, np.ndarray]:
        each = programmes[g]
        return law.ln_factor(values, each.voltages, each.widths, reference, with_width)

    return factors


def _free_factors(programmes: list[Programme], pulses: list[Pulse], reference: Pulse) -> Factors:
    others = _others(pulses, reference)

    def factors(values: np.ndarray, g: int) -> tuple[np.ndarray, np.ndarray]:
        size = programmes[g].voltages.size
        slopes = np.zeros((size, len(others)))
        if (pulse := programmes[g].pulse) == reference:
            return np.zeros(size), slopes
        k = others.index(pulse)
        slopes[:, k] = 1.0
        return np.full(size, values[k]), slopes

    return factors


def _reference(programmes: list[Programme]) -> Pulse:
    """Return the middle amplitude at the middle width of constant programmes, or the middle pulse of growing ones."""
    constant = [each.pulse for each in programmes if not each.varied]
    if not constant:
        volts = np.concatenate([each.voltages for each in programmes])
        middle = programmes[len(programmes) // 2].pulse
        return Pulse(float(f"{np.median(volts):.3g}"), middle.width_s)
    widths = sorted({pulse.width_s for pulse in constant if pulse.width_s is not None})
    wide = widths[len(widths) // 2] if widths else None
    at = [pulse for pulse in constant if pulse.width_s == wide]
    sizes = sorted({pulse.voltage_v for pulse in at if pulse.voltage_v is not None})
    return Pulse(sizes[len(sizes) // 2] if sizes else None, wide)


def _candidates(programmes: list[Programme], with_amplitude: bool) -> list[AmplitudeLaw]:
    if not with_amplitude:
        return [NO_AMPLITUDE]
    varied = any(each.varied for each in programmes)
    many = len({_short(each.pulse.voltage_v) for each in programmes})
    return [law for law in AMPLITUDE_LAWS.values() if varied or many > len(law.parameters)]


def _short(value: float | None) -> float:
    return float(f"{value or 0.0:.3g}")


def _bounds(law: AmplitudeLaw, lowest: float, with_width: bool) -> tuple[np.ndarray, np.ndarray]:
    lower: list[float] = list(law.lower)
    upper: list[float] = [min(u, lowest * (1.0 - CLOSEST)) if np.isinf(u) else u for u in law.upper]
    if with_width:
        lower.append(WIDTH_EXPONENT[0])
        upper.append(WIDTH_EXPONENT[1])
    return np.array(lower), np.array(upper)


def _shapes(programmes: list[Programme], window: Window, options: FitOptions) -> list[np.ndarray]:
    """Return theta of each programme fitted alone, as if its pulses were alike: starts of the searches."""
    return [fit_branch(each.trains, window, options, with_lmfit=False, judge=False).theta for each in programmes]


def _guesses(
    law: AmplitudeLaw,
    levels: np.ndarray,
    programmes: list[Programme],
    reference: Pulse,
    with_width: bool,
    lowest: float,
) -> list[np.ndarray]:
    """Return values of a law from the levels of the programmes alone."""
    found = []
    volts = np.array([each.pulse.voltage_v or 0.0 for each in programmes])
    wide = np.array([each.pulse.width_s or 1.0 for each in programmes])
    longer = np.log(wide / (reference.width_s or 1.0))
    for guess in law.guesses:
        own = np.array(guess)
        if law.name == "threshold":
            own = np.array([guess[0] * lowest, guess[1]])
        if law.name in ("exponential", "power") and np.ptp(volts) > 0:
            x = volts if law.name == "exponential" else np.log(volts)
            design = np.stack([np.ones(x.size), x, longer], axis=1)
            own = np.linalg.lstsq(design, levels, rcond=None)[0][1:2]
        found.append(np.append(own, 1.0) if with_width else own)
        if law.name in ("exponential", "power") and np.ptp(volts) > 0 and not any(each.varied for each in programmes):
            break
    if with_width and not law.parameters:
        slope = np.polyfit(longer, levels, 1)[0] if np.ptp(longer) > 0 else 1.0
        found = [np.array([slope])]
    return found


def fit_joint_pulses(
    programmes: list[Programme], window: Window, options: FitOptions, with_amplitude: bool, with_width: bool
) -> Joint:
    """Fit one direction: free rates, then every law of the pulse that its trains can determine.

    Parameters
    ----------
    programmes : list of Programme
        Of one direction, each of which moves.
    window : Window
    options : FitOptions
    with_amplitude, with_width : bool
        Which of them the laws depend on.
    """
    law = options.law
    curves = [each.curve(window) for each in programmes]
    reference = _reference(programmes)
    alone = _shapes(programmes, window, options)
    first = np.array([x[np.isfinite(x)][0] for x in curves])
    lowest = float(np.nanmin([each.voltages.min() for each in programmes])) if with_amplitude else np.inf
    varied = any(each.varied for each in programmes)
    pulses = list(dict.fromkeys(each.pulse for each in programmes if not each.varied))
    levels = np.array([theta[0] for theta in alone])

    def problem(of: AmplitudeLaw) -> _Problem:
        factors = law_factors(of, programmes, reference, with_width)
        return _Problem(law, curves, factors, _bounds(of, lowest, with_width))

    def starts(of: AmplitudeLaw, shapes: list[np.ndarray], at: np.ndarray) -> list[np.ndarray]:
        values = _guesses(of, at, programmes, reference, with_width, lowest)
        return [np.concatenate([theta, value, first]) for theta in shapes for value in values]

    shapes = [alone[_widest(programmes, curves)], *([alone[len(alone) // 2]] if len(alone) > 1 else [])]
    # 1. the reference of all tests: free rates, or a parabola where amplitudes grow along a train
    if varied:
        against: _Problem = problem(CURVED if with_amplitude else NO_AMPLITUDE)
        z = against.solve(starts(CURVED if with_amplitude else NO_AMPLITUDE, shapes, levels))
    else:
        of_pulse = {p: np.mean([levels[g] for g, e in enumerate(programmes) if e.pulse == p]) for p in pulses}
        here = of_pulse[reference]
        steps = np.array([of_pulse[pulse] - here for pulse in _others(pulses, reference)])
        span = np.full(steps.size, 15.0)
        against = _Problem(law, curves, _free_factors(programmes, pulses, reference), (-span, span))
        z = against.solve([np.concatenate([[here], s[1:], steps, first]) for s in shapes])
    # 2. the noise of that fit, and the fit repeated with it
    for _ in range(2):
        paths = against.paths(z)
        noise = estimate(programmes, paths, window)
        sigmas = _sigmas(programmes, against, paths, noise, window)
        against.weigh(sigmas)
        z = against.solve([z])
    rest = max(against.n_readings - z.size, 1)
    worse = max(against.chi2(z) / rest, 1.0)
    sigmas = [worse * sigma for sigma in sigmas]
    against.weigh(sigmas)
    free = _law_fit(FREE, (), against, z)
    # 3. the laws, with the same weights
    fits: dict[str, LawFit] = {}
    problems: dict[str, _Problem] = {}
    shape, at = z[: law.n_parameters], levels
    if not varied:
        relative = {reference: 0.0, **dict(zip(_others(pulses, reference), free.values, strict=True))}
        at = np.array([z[0] + relative[each.pulse] for each in programmes])
    for of in _candidates(programmes, with_amplitude):
        own = problem(of)
        own.weigh(sigmas)
        tries = starts(of, [shape], at)
        if varied:
            tries = [*tries, *starts(of, shapes, at), *_tangent(of, against, z, reference, with_width, lowest)]
        found = own.solve(tries)
        names = (*of.parameters, "m") if with_width else of.parameters
        fits[of.name], problems[of.name] = _law_fit(of.name, names, own, found), own
    fits, best = _test_laws(fits, free, lowest, varied)
    # 4. the scatter of rates about the best law, and the uncertainty that follows
    degrees = max(free.values.size - fits[best].values.size, 0)
    measured, errors = (np.zeros(0), np.zeros(0)) if varied else _free_levels(free, pulses, reference)
    excess = 0.0
    if measured.size and degrees and fits[best].statistic > degrees:
        off = measured - np.array([_level(fits[best], pulse, reference, with_width) for pulse in pulses])
        excess = float(np.sum((off - off.mean()) ** 2)) * (1.0 - degrees / fits[best].statistic)
    scatter = float(np.sqrt((SCATTER_DEGREES * SCATTER**2 + excess) / (SCATTER_DEGREES + degrees)))
    for name, own in problems.items():
        at_z = free_z(fits[name])
        paths = own.paths(at_z)
        wider = [
            sigma + scatter**2 * np.outer(path.by_level[seen], path.by_level[seen])
            for sigma, path, seen in zip(sigmas, paths, own.seen, strict=True)
        ]
        own.weigh(wider)
        fits[name] = replace(fits[name], wide=own.covariance(at_z))
    return Joint(
        programmes[0].trains.direction,
        law,
        window,
        tuple(programmes),
        reference,
        with_amplitude,
        with_width,
        tuple(pulses) if not varied else (),
        measured,
        errors,
        None if varied else free,
        fits,
        best,
        varied and len(programmes) == 1,
        scatter,
        SCATTER_DEGREES + degrees,
        noise,
        worse,
    )


def _others(pulses: list[Pulse], reference: Pulse) -> list[Pulse]:
    return [pulse for pulse in pulses if pulse != reference]


def _free_levels(free: LawFit, pulses: list[Pulse], reference: Pulse) -> tuple[np.ndarray, np.ndarray]:
    """Return ln rate at x = 1/2 of each pulse and its standard error."""
    p, others = free.theta.size, _others(pulses, reference)
    pick = np.zeros((len(pulses), free.covariance.shape[0]))
    pick[:, 0] = 1.0
    for row, pulse in zip(pick, pulses, strict=True):
        if pulse != reference:
            row[p + others.index(pulse)] = 1.0
    return pick @ free_z(free), np.sqrt(np.maximum(np.diag(pick @ free.covariance @ pick.T), 0.0))


def _tangent(
    of: AmplitudeLaw, against: _Problem, z: np.ndarray, reference: Pulse, with_width: bool, lowest: float
) -> list[np.ndarray]:
    """Return a start of a law from the parabola's slope at the reference amplitude."""
    p, volts = against.p, reference.voltage_v or 1.0
    slope = max(z[p] + 2.0 * z[p + 1] * volts, 0.1)
    own = {
        "exponential": [slope],
        "power": [slope * volts],
        "threshold": [0.6 * lowest, slope * (volts - 0.6 * lowest)],
    }[of.name]
    values = [*own, z[p + 2]] if with_width else own
    return [np.concatenate([z[:p], values, z[p + against.f :]])]


def free_z(fit: LawFit) -> np.ndarray:
    """Return (theta, values, starts) of a fit."""
    return np.concatenate([fit.theta, fit.values, fit.starts])


def _level(fit: LawFit, pulse: Pulse, reference: Pulse, with_width: bool) -> float:
    """Return ln rate of a pulse at x = 1/2 by a law."""
    volts, wide = np.array([pulse.voltage_v or np.nan]), np.array([pulse.width_s or np.nan])
    ln_factor = EVERY_LAW[fit.name].ln_factor(fit.values, volts, wide, reference, with_width)[0]
    return float(fit.theta[0] + ln_factor[0])


def _widest(programmes: list[Programme], curves: list[np.ndarray]) -> int:
    """Return the programme whose curve covers most of the window; a constant one if there is any."""
    spans = [float(np.nanmax(x) - np.nanmin(x)) for x in curves]
    return int(np.argmax([span - 9.0 * each.varied for each, span in zip(programmes, spans, strict=True)]))


def _sigmas(
    programmes: list[Programme], problem: _Problem, paths: list[Path], noise: Noise, window: Window
) -> list[np.ndarray]:
    sigmas = []
    for each, path, seen in zip(programmes, paths, problem.seen, strict=True):
        trains, repeats = each.trains_read, len(each.clusters(window))
        sigma = covariance_of(path, seen, noise, trains, repeats)
        sigmas.append(sigma + 1e-12 * np.eye(seen.size))
    return sigmas


def _law_fit(name: str, names: tuple[str, ...], problem: _Problem, z: np.ndarray) -> LawFit:
    p, f = problem.p, problem.f
    chi2, k, n = problem.chi2(z), z.size, problem.n_readings
    aicc = chi2 + 2 * k + 2 * k * (k + 1) / max(n - k - 1, 1)
    covariance = problem.covariance(z)
    return LawFit(name, names, z[:p], z[p : p + f], z[p + f :], covariance, covariance, chi2, aicc)


def _test_laws(fits: dict[str, LawFit], free: LawFit, lowest: float, varied: bool) -> tuple[dict[str, LawFit], str]:
    """Return the fits with their tests against free rates, and the best of those that are determined."""
    tested = {}
    for name, each in fits.items():
        degrees = max(free.values.size - each.values.size, 0)
        statistic = max(each.chi2 - free.chi2, 0.0)
        p_value = chi2_tail(statistic, degrees) if degrees else 1.0
        if varied and name == "threshold":  # a law outside the parabola's family can fit better than the reference
            p_value = chi2_tail(statistic, 1)
        tested[name] = replace(each, statistic=statistic, degrees=degrees, p_value=p_value)
    determined = {name: each for name, each in tested.items() if not _is_undetermined(each, lowest)}
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


def _is_undetermined(fit: LawFit, lowest: float) -> bool:
    """Return whether a threshold is undetermined: at a bound, or with an error large for the lowest amplitude."""
    if fit.name != "threshold":
        return False
    error = fit.errors[0]
    return bool(error == 0.0 or error > POOR_THRESHOLD * lowest)
