"""Joint fits of one direction: one shape for all programmes, rates free or by a law, and their comparison."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from devicekit.device.blocks import Window
from devicekit.fitting.branch.fit import fit_branch
from devicekit.fitting.branch.options import FitOptions
from devicekit.fitting.pulses.laws import FREE, Joint, LawFit, Scope, free_levels, judge_laws
from devicekit.fitting.pulses.noise import Noise, Path, covariance_of, estimate
from devicekit.fitting.pulses.problem import Factors, Problem
from devicekit.fitting.pulses.programmes import Programme
from devicekit.models.pulselaw import AMPLITUDE_LAWS, CLOSEST, CURVED, NO_AMPLITUDE, AmplitudeLaw, Pulse

SCATTER, SCATTER_DEGREES = 0.05, 2.0  # prior scatter of ln rate about a law, and its weight in pulses
WIDTH_EXPONENT = (-2.0, 6.0)
ROUNDS, CLEARLY = 4, 0.1  # of searches that start again, and a difference of chi squared that asks for one


def _free_factors(scope: Scope) -> Factors:
    others = scope.others()

    def factors(values: np.ndarray, g: int) -> tuple[np.ndarray, np.ndarray]:
        programme = scope.programmes[g]
        size = programme.voltages.size
        slopes = np.zeros((size, len(others)))
        if programme.pulse == scope.reference:
            return np.zeros(size), slopes
        k = others.index(programme.pulse)
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


def _candidates(scope: Scope) -> list[AmplitudeLaw]:
    if not scope.with_amplitude:
        return [NO_AMPLITUDE]
    many = len({float(f"{each.pulse.voltage_v or 0.0:.3g}") for each in scope.programmes})
    return [law for law in AMPLITUDE_LAWS.values() if scope.varied or many > len(law.parameters)]


def _guesses(law: AmplitudeLaw, levels: np.ndarray, scope: Scope) -> list[np.ndarray]:
    """Return values of a law from the levels of the programmes alone."""
    found = []
    volts = np.array([each.pulse.voltage_v or 0.0 for each in scope.programmes])
    wide = np.array([each.pulse.width_s or 1.0 for each in scope.programmes])
    longer = np.log(wide / (scope.reference.width_s or 1.0))
    by_levels = law.name in ("exponential", "power") and np.ptp(volts) > 0
    for guess in law.guesses:
        own = np.array(guess)
        if law.name == "threshold":
            own = np.array([guess[0] * scope.lowest, guess[1]])
        if by_levels:
            x = volts if law.name == "exponential" else np.log(volts)
            design = np.stack([np.ones(x.size), x, longer], axis=1)
            own = np.linalg.lstsq(design, levels, rcond=None)[0][1:2]
        found.append(np.append(own, 1.0) if scope.with_width else own)
        if by_levels and not scope.varied:
            break
    if scope.with_width and not law.parameters:
        slope = np.polyfit(longer, levels, 1)[0] if np.ptp(longer) > 0 else 1.0
        found = [np.array([slope])]
    return found


class _Search:
    """Fits of one scope, all from the mean curves, with starts from programmes fitted alone."""

    def __init__(self, scope: Scope, options: FitOptions) -> None:
        self.scope, self.curves = scope, [each.curve(scope.window) for each in scope.programmes]
        # theta of each programme alone, as if its pulses were alike
        self.alone = [
            fit_branch(each.trains, scope.window, options, with_lmfit=False, judge=False).theta
            for each in scope.programmes
        ]
        self.first = np.array([x[np.isfinite(x)][0] for x in self.curves])
        self.levels = np.array([theta[0] for theta in self.alone])
        middle = [self.alone[len(self.alone) // 2]] if len(self.alone) > 1 else []
        self.shapes = [self.alone[self._widest()], *middle]

    def _widest(self) -> int:
        """Return the programme whose curve covers most of the window; a constant one if there is any."""
        spans = [float(np.nanmax(x) - np.nanmin(x)) for x in self.curves]
        pairs = zip(self.scope.programmes, spans, strict=True)
        return int(np.argmax([span - 9.0 * each.varied for each, span in pairs]))

    def problem(self, law: AmplitudeLaw) -> Problem:
        """Return the problem of a law of the pulse."""
        scope = self.scope
        lower: list[float] = list(law.lower)
        upper: list[float] = [min(u, scope.lowest * (1.0 - CLOSEST)) if np.isinf(u) else u for u in law.upper]
        if scope.with_width:
            lower.append(WIDTH_EXPONENT[0])
            upper.append(WIDTH_EXPONENT[1])

        def factors(values: np.ndarray, g: int) -> tuple[np.ndarray, np.ndarray]:
            each = scope.programmes[g]
            return law.ln_factor(values, each.voltages, each.widths, scope.reference, scope.with_width)

        return Problem(scope.law, self.curves, factors, (np.array(lower), np.array(upper)))

    def starts(self, law: AmplitudeLaw, shapes: list[np.ndarray], levels: np.ndarray) -> list[np.ndarray]:
        """Return starts of a search for a law: each shape with each of its guesses."""
        guesses = _guesses(law, levels, self.scope)
        return [np.concatenate([theta, values, self.first]) for theta in shapes for values in guesses]

    def against(self) -> tuple[Problem, np.ndarray]:
        """Fit the reference of all tests: free rates, or a parabola where amplitudes grow along a train."""
        scope = self.scope
        if scope.varied:
            law = CURVED if scope.with_amplitude else NO_AMPLITUDE
            problem = self.problem(law)
            return problem, problem.solve(self.starts(law, self.shapes, self.levels))
        of_pulse = {
            pulse: np.mean([self.levels[g] for g, each in enumerate(scope.programmes) if each.pulse == pulse])
            for pulse in scope.constant_pulses
        }
        here = of_pulse[scope.reference]
        steps = np.array([of_pulse[pulse] - here for pulse in scope.others()])
        span = np.full(steps.size, 15.0)
        problem = Problem(scope.law, self.curves, _free_factors(scope), (-span, span))
        return problem, problem.solve([np.concatenate([[here], s[1:], steps, self.first]) for s in self.shapes])


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
    scope = Scope(
        direction=programmes[0].trains.direction,
        law=options.law,
        window=window,
        programmes=tuple(programmes),
        reference=_reference(programmes),
        with_amplitude=with_amplitude,
        with_width=with_width,
    )
    search = _Search(scope, options)
    # 1. the reference of all tests, the noise of that fit, and the fit repeated with it
    against, z = search.against()
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
    free = LawFit.of(FREE, (), against, z)
    # 2. the laws, with the same weights
    fits, problems = _fit_laws(search, free, sigmas)
    if not scope.varied:
        free = _settle(scope, against, free, fits, problems)
    fits, best = judge_laws(fits, free, scope.lowest, scope.varied)
    # 3. the scatter of rates about the best law, and the uncertainty that follows
    degrees = max(free.values.size - fits[best].values.size, 0)
    levels, errors = (np.zeros(0), np.zeros(0)) if scope.varied else free_levels(free, scope)
    excess = 0.0
    if levels.size and degrees and fits[best].statistic > degrees:
        off = levels - np.array([_level(fits[best], pulse, scope) for pulse in scope.constant_pulses])
        excess = float(np.sum((off - off.mean()) ** 2)) * (1.0 - degrees / fits[best].statistic)
    scatter = float(np.sqrt((SCATTER_DEGREES * SCATTER**2 + excess) / (SCATTER_DEGREES + degrees)))
    for name, own in problems.items():
        at = fits[name].z
        wider = [
            sigma + scatter**2 * np.outer(path.by_level[seen], path.by_level[seen])
            for sigma, path, seen in zip(sigmas, own.paths(at), own.seen, strict=True)
        ]
        own.weigh(wider)
        fits[name] = replace(fits[name], wide=own.covariance(at))
    return Joint(
        **vars(scope),
        pulses=() if scope.varied else tuple(scope.constant_pulses),
        levels=levels,
        level_errors=errors,
        free=None if scope.varied else free,
        fits=fits,
        best=best,
        confounded=scope.varied and len(programmes) == 1,
        scatter=scatter,
        scatter_degrees=SCATTER_DEGREES + degrees,
        noise=noise,
        fit_to_noise=worse,
    )


def _fit_laws(search: _Search, free: LawFit, sigmas: list[np.ndarray]) -> tuple[dict[str, LawFit], dict[str, Problem]]:
    """Fit every law with the weights of the free fit; return also their problems."""
    scope, levels = search.scope, search.levels
    if not scope.varied:
        relative = {scope.reference: 0.0, **dict(zip(scope.others(), free.values, strict=True))}
        levels = np.array([free.theta[0] + relative[each.pulse] for each in scope.programmes])
    fits: dict[str, LawFit] = {}
    problems: dict[str, Problem] = {}
    for law in _candidates(scope):
        own = search.problem(law)
        own.weigh(sigmas)
        tries = search.starts(law, [free.theta], levels)
        if scope.varied:
            tries += [*search.starts(law, search.shapes, levels), *_tangent(law, free, scope)]
        names = (*law.parameters, "m") if scope.with_width else law.parameters
        fits[law.name], problems[law.name] = LawFit.of(law.name, names, own, own.solve(tries)), own
    return fits, problems


def _settle(
    scope: Scope, against: Problem, free: LawFit, fits: dict[str, LawFit], problems: dict[str, Problem]
) -> LawFit:
    """Start searches that ended above a law nested in theirs again, from there, until none does; return free rates.

    Every law is nested in free rates, and the power law in that with a threshold, which is then 0. The shape of the
    closest fit is offered to all.
    """

    def solve(problem: Problem, old: LawFit, starts: list[np.ndarray]) -> LawFit:
        new = LawFit.of(old.name, old.parameters, problem, problem.solve([old.z, *starts]))
        return new if new.chi2 < old.chi2 else old

    for _ in range(ROUNDS):
        closest = min(fits.values(), key=lambda each: each.chi2)
        power, threshold = fits.get("power"), fits.get("threshold")
        above = power is not None and threshold is not None and power.chi2 < threshold.chi2 - CLEARLY
        if not above and free.chi2 <= closest.chi2 + CLEARLY:
            break
        steps = [_level(closest, pulse, scope) - closest.theta[0] for pulse in scope.others()]
        free = solve(against, free, [np.concatenate([closest.theta, steps, closest.starts])])
        shape = min((free, closest), key=lambda each: each.chi2)
        for name, own in problems.items():
            starts = [np.concatenate([shape.theta, fits[name].values, shape.starts])]
            if name == "threshold" and power is not None:
                starts.append(np.concatenate([power.theta, [0.0], power.values, power.starts]))
            fits[name] = solve(own, fits[name], starts)
    return free


def _tangent(law: AmplitudeLaw, curved: LawFit, scope: Scope) -> list[np.ndarray]:
    """Return a start of a law from the parabola's slope at the reference amplitude."""
    volts, lowest = scope.reference.voltage_v or 1.0, scope.lowest
    slope = max(curved.values[0] + 2.0 * curved.values[1] * volts, 0.1)
    own = {
        "exponential": [slope],
        "power": [slope * volts],
        "threshold": [0.6 * lowest, slope * (volts - 0.6 * lowest)],
    }[law.name]
    values = [*own, curved.values[2]] if scope.with_width else own
    return [np.concatenate([curved.theta, values, curved.starts])]


def _level(fit: LawFit, pulse: Pulse, scope: Scope) -> float:
    """Return ln rate of a pulse at x = 1/2 by a law."""
    volts, wide = np.array([pulse.voltage_v or np.nan]), np.array([pulse.width_s or np.nan])
    return float(fit.theta[0] + scope.ln_factor(fit.name, fit.values, volts, wide)[0][0])


def _sigmas(
    programmes: list[Programme], problem: Problem, paths: list[Path], noise: Noise, window: Window
) -> list[np.ndarray]:
    sigmas = []
    for each, path, seen in zip(programmes, paths, problem.seen, strict=True):
        trains, repeats = each.trains_read, len(each.clusters(window))
        sigma = covariance_of(path, seen, noise, trains, repeats)
        sigmas.append(sigma + 1e-12 * np.eye(seen.size))
    return sigmas
