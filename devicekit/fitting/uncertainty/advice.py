"""Next measurement: how much each of a few measurements of equal cost would narrow the remaining uncertainty."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from devicekit.core.calls import as_whole, called_as
from devicekit.core.errors import UsageError
from devicekit.core.records import Record, column, derived
from devicekit.core.text import count, percent_span
from devicekit.fitting.likelihood.band import D2D_LN_RATE
from devicekit.fitting.likelihood.filter import HELD, NOISES, information, standard_deviations
from devicekit.fitting.likelihood.fit import TrainFit, curvature
from devicekit.fitting.likelihood.priors import FURTHER
from devicekit.fitting.result import DeviceFit, require_fit
from devicekit.models import kernel
from devicekit.tables import PulseTable

GOALS = {
    "rate": "the rate of this device, over r = 0.05 to 0.95, relative to its mean",
    "increment": "ln of the standard deviation of one update",
    "population": "ln of the mean rate of devices of this make",
}
RESETS = {
    "free": "a new train can begin at no cost",
    "train": "before each train the device is reset by as many pulses as a train has now",
}
NOUNS = {"rate": "rate", "increment": "scatter of one update", "population": "mean rate of the population"}
HARDLY = 0.8  # share of the variance left, above which a measurement hardly pays
ENOUGH = 0.05  # relative standard deviation that is small beside the scatter of devices
STATES = np.linspace(0.05, 0.95, 19)
READS, EVERY = 4, 5  # readings after each pulse; pulses from one reading to the next
SIMULATED = 16  # trains simulated for a plan
# how many times shorter a short train is than the measured ones, and its fewest pulses
SHORT, SHORTEST = 5, 8


@dataclass(frozen=True, kw_only=True)
class Candidate(Record):
    """One possible next measurement."""

    name: str = column(doc="what is measured")
    trains: int = column(doc="trains of each branch")
    pulses: int = column(doc="pulses of each train")
    cost: int = column(doc="pulses in all, of each branch, resets included")
    reads: int = column(doc="readings of each branch")
    sd_now: float = column(doc="standard deviation of the goal now: root mean square over both branches")
    sd_then: float = column(doc="standard deviation of the goal after it")

    @derived()
    def variance_left(self) -> float:
        """Share of the variance that is left."""
        return (self.sd_then / self.sd_now) ** 2 if self.sd_now > 0 else 1.0


@dataclass(frozen=True, kw_only=True)
class Advice(Record):
    """Candidates of one cost, the best first."""

    goal: str = column(doc="quantity to be determined better")
    reset: str = column(doc="cost of beginning a new train")
    budget: int = column(doc="pulses of each branch that a candidate may cost, resets included")
    candidates: tuple[Candidate, ...] = column(doc="possible measurements")
    assumptions: tuple[str, ...] = column(doc="assumptions behind the numbers")

    @property
    def best(self) -> Candidate:
        """The measurement that narrows the goal most."""
        return self.candidates[0]

    @derived()
    def pays(self) -> bool:
        """Whether the best measurement takes a fifth of the variance or more."""
        return self.best.variance_left <= HARDLY

    @derived()
    def is_enough(self) -> bool:
        """Whether the goal is known to 5 % and none of the measurements pays."""
        return not self.pays and self.best.sd_now <= ENOUGH

    @derived()
    def verdict(self) -> str:
        """Return whether to measure on, and what, in one sentence."""
        best, noun = self.best, NOUNS[self.goal]
        # enough digits that the numbers before and after differ
        spans = [percent_span(best.sd_now, best.sd_then, digits) for digits in range(2, 7)]
        span = next((each for each in spans if " to " in each), spans[0])
        narrows = f"would narrow the {noun} from {span}"
        if self.is_enough:
            return f"You have enough: the best plan of {self.budget} pulses {narrows}: not worth measuring."
        if not self.pays:
            return f"No plan of {self.budget} pulses helps much: the best {narrows}. Try a larger budget."
        return f"Measure next: {best.name}. It {narrows}."

    def sentences(self) -> list[str]:
        """Return the verdict and the assumptions."""
        return [self.verdict, *(f"Assumed: {each}." for each in self.assumptions)]

    def summary_lines(self) -> list[str]:
        """Return the verdict, and the best candidates with the error that they leave."""
        best = (f"{each.name}: sd {percent_span(each.sd_now, each.sd_then)}" for each in self.candidates[:3])
        return [self.verdict, *best]


@dataclass(frozen=True)
class _Plan:
    name: str
    trains: int
    pulses: int
    reads: int = 1
    every: int = 1
    elsewhere: bool = False


class _Branch:
    """Information on one branch, and what a plan would add to it."""

    def __init__(self, found: TrainFit, trains: np.ndarray, between: float) -> None:
        self.found, self.between = found, between
        self.have = curvature(found, trains)
        self.p = found.law.n_parameters

    def information_of(self, plan: _Plan) -> np.ndarray:
        """Return the information of a plan: the mean over trains predicted by the fit."""
        law, z = self.found.law, np.concatenate([self.found.parameters[0], self.found.noise])
        read = self.p + 1 + NOISES.index("read")
        z[read] -= 0.5 * np.log(plan.reads)  # their mean is read
        trains = self._simulate_trains(z, plan.pulses)
        trains[:, np.arange(plan.pulses + 1) % plan.every != 0] = np.nan
        fisher, scores = np.empty((z.size, z.size)), np.empty((SIMULATED, z.size))
        free = np.ones(z.size, bool)
        free[self.p + 1 :] = self.found.present | ~np.isin(NOISES, FURTHER)
        information(law.id, z, trains, free, fisher, scores)
        fisher /= SIMULATED
        # readings of one state also determine their noise, by their scatter about their mean
        fisher[read, read] += 2.0 * (plan.reads - 1) * np.isfinite(trains[0]).sum()
        fisher *= plan.trains
        if plan.elsewhere:  # another device has its own rate and start
            own = np.array([0, self.p])
            rest = np.setdiff1d(np.arange(z.size), own)
            block = fisher[np.ix_(own, own)] + np.diag([self.between**-2.0, 1e-9])
            cross = fisher[np.ix_(own, rest)]
            fisher[np.ix_(rest, rest)] -= cross.T @ np.linalg.solve(block, cross)
            fisher[own, :] = fisher[:, own] = 0.0
        return fisher

    def _simulate_trains(self, z: np.ndarray, pulses: int) -> np.ndarray:
        """Simulate trains from the fit, the same for every plan of one length."""
        rng = np.random.default_rng(pulses)
        sd = standard_deviations(z[-len(NOISES) :])
        held = sd["held"] if self.found.present[HELD] else 0.0
        renewed = held * np.sqrt(1.0 - sd["memory"] ** 2)
        law, theta = self.found.law, np.ascontiguousarray(z[: self.p])
        noise = rng.standard_normal((3, SIMULATED))
        x = z[self.p] + sd["start"] * noise[0]
        readings = np.empty((SIMULATED, pulses + 1))
        flicker = np.zeros(SIMULATED)
        for n in range(pulses + 1):
            readings[:, n] = x + sd["offset"] * noise[1] + sd["read"] * rng.standard_normal(SIMULATED)
            step = kernel.rates(law.id, theta, x) * np.exp(sd["ln_rate"] * noise[2])
            x = x + step + sd["increment"] * rng.standard_normal(SIMULATED)
            if renewed > 0:
                flicker = sd["memory"] * flicker + renewed * rng.standard_normal(SIMULATED)
                readings[:, n] += flicker
        return readings

    def variance(self, information_: np.ndarray, goal: str) -> float:
        """Return the variance of the goal for this device."""
        free = np.flatnonzero(np.diag(information_) > 0)
        covariance = np.zeros_like(information_)
        covariance[np.ix_(free, free)] = np.linalg.inv(information_[np.ix_(free, free)])
        if goal == "increment":
            k = self.p + 1 + NOISES.index("increment")
            return float(covariance[k, k])
        law, theta = self.found.law, self.found.parameters[0][: self.p]
        if goal == "population":
            return float(covariance[0, 0])
        gradient = kernel.rate_gradients(law.id, theta, STATES)
        rates = kernel.rates(law.id, theta, STATES)
        variances = np.einsum("ij,jk,ik->i", gradient, covariance[: self.p, : self.p], gradient)
        return float(variances.mean() / rates.mean() ** 2)


def check_single(table: PulseTable, joint: bool = False) -> None:
    """Refuse trains of several devices, or a fit of several pulse widths.

    Raises UsageError.
    """
    if len(table.devices) > 1 or joint:
        raise UsageError("the advice needs one device at one pulse width: choose them with device= and width=")


@called_as("devicekit.next_measurement(fit)")
def next_measurement(fit: DeviceFit, goal: str = "rate", reset: str = "free", budget: int | None = None) -> Advice:
    """Return which of a few measurements of equal cost would narrow the goal most.

    It uses the curvature of the likelihood of whole trains: of the data with the priors, and of each candidate on
    trains predicted by the fit.

    Parameters
    ----------
    fit : DeviceFit
        Of one device at one pulse width.
    goal : {"rate", "increment", "population"}
        Quantity to be determined better.
    reset : {"free", "train"}
        Cost of beginning a new train.
    budget : int, optional
        Pulses of each branch, resets included; two trains of the present length, and their resets, if None.

    Returns
    -------
    Advice

    Raises
    ------
    UsageError
        If the fit is of several devices, or a choice does not exist.
    """
    require_fit("next_measurement", fit)
    for name, value, known in (("goal", goal, GOALS), ("reset", reset, RESETS)):
        if value not in known:
            raise UsageError(f"{name}= must be {' or '.join(known)}, not {value!r}")
    check_single(fit.table, bool(fit.joint))
    branches = [
        _Branch(fit.likelihood[direction], fit.trains(direction).rising(fit.window), D2D_LN_RATE)
        for direction in fit.branches
    ]
    pulses = min(branch.x.size for branch in fit.branches.values()) - 1
    again = pulses if reset == "train" else 0
    budget = 2 * (pulses + again) if budget is None else budget
    budget = as_whole(budget, "budget", SHORTEST + again)
    now = float(np.sqrt(np.mean([each.variance(each.have, goal) for each in branches])))
    if goal == "population":
        now = _population([each.variance(each.have, goal) for each in branches], 0.0)
    candidates = [_candidate(plan, branches, goal, now, again) for plan in _plans(pulses, again, budget)]
    return Advice(
        goal=goal,
        reset=reset,
        budget=budget,
        candidates=tuple(sorted(candidates, key=lambda each: each.sd_then)),
        assumptions=(
            f"goal: {GOALS[goal]}; {RESETS[reset]}",
            "the law is right, and a train of any length has a rate and an offset of its own",
            f"devices scatter by {100 * D2D_LN_RATE:.0f} % in their rates",
            "very short trains are oversold by about a third",
        ),
    )


def _plans(pulses: int, again: int, budget: int) -> list[_Plan]:
    def trains(length: int) -> int:
        return max(budget // (length + again), 1)

    short, half = max(pulses // SHORT, SHORTEST), max(pulses // 2, SHORTEST)
    longest = max(budget - again, SHORTEST)
    words = [
        _Plan("the same again", trains(pulses), min(pulses, longest)),
        _Plan("short trains", trains(short), short),
        _Plan("trains of half the length", trains(half), half),
        _Plan("one long train", 1, longest),
        _Plan(f"the same, {READS} readings after each pulse", trains(pulses), min(pulses, longest), reads=READS),
        _Plan(f"the same, read after each {EVERY}th pulse", trains(pulses), min(pulses, longest), every=EVERY),
        _Plan("the same on another device", trains(pulses), min(pulses, longest), elsewhere=True),
    ]
    seen: dict[tuple[int, ...], _Plan] = {}
    for plan in words:
        seen.setdefault((plan.trains, plan.pulses, plan.reads, plan.every, plan.elsewhere), plan)
    return list(seen.values())


def _candidate(plan: _Plan, branches: list[_Branch], goal: str, now: float, again: int) -> Candidate:
    after = [each.have + each.information_of(plan) for each in branches]
    left = [each.variance(found, goal) for each, found in zip(branches, after, strict=True)]
    then = float(np.sqrt(np.mean(left)))
    if goal == "population":
        first = [each.variance(each.have, goal) for each in branches]
        # another device will be about as well determined as this one is now
        then = _population(first if plan.elsewhere else left, 1.0 if plan.elsewhere else 0.0)
    name = f"{plan.name}: {count(plan.trains, 'train')} of {plan.pulses} pulses"
    read = plan.trains * (plan.pulses // plan.every + 1) * plan.reads
    cost = plan.trains * (plan.pulses + again)
    return Candidate(name=name, trains=plan.trains, pulses=plan.pulses, cost=cost, reads=read, sd_now=now, sd_then=then)


def _population(own: list[float], more: float) -> float:
    """Return the standard deviation of devices' mean ln rate, when one or two of them were measured."""
    return float(np.sqrt((D2D_LN_RATE**2 + np.mean(own)) / (1.0 + more)))
