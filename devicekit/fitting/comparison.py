"""Comparison of all update laws on one curve: information criteria, misfit as a share of the window, NL labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from devicekit.core.calls import called_as
from devicekit.core.errors import TraceError, UsageError
from devicekit.core.records import Record, column
from devicekit.core.text import listed, percent, percent_span
from devicekit.device.blocks import Window
from devicekit.fitting import figures
from devicekit.fitting.branch import search
from devicekit.fitting.branch.fit import build_box, kalman_gain, remove_offsets
from devicekit.fitting.branch.result import BranchFit
from devicekit.fitting.condition import train_sets
from devicekit.fitting.device import Data, fit
from devicekit.fitting.result import DeviceFit
from devicekit.models import kernel
from devicekit.models.labels import nl_label, nl_of_curve
from devicekit.models.law import CurveLaw, Law
from devicekit.models.registry import CURVE_LAWS, LAWS
from devicekit.plot import Panel

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Restricted forms of eq. (2), simplest first: constant, soft bound, power, one denominator, all.
LADDER: tuple[tuple[str, dict[str, float]], ...] = (
    ("eq2-M1 constant", {"kappa": 0.0, "d": 1.0, "f": 0.0, "g": 0.0, "h": 0.0}),
    ("eq2-M2 soft bound", {"d": 1.0, "f": 0.0, "g": 0.0, "h": 0.0}),
    ("eq2-M3 power", {"f": 0.0, "g": 0.0, "h": 0.0}),
    ("eq2-M5 one denominator", {"d": 1.0, "h": 1.0}),
    ("eq2-M6 all", {}),
)


def _excess(value: float) -> str:
    return f"{value:.1f}" if np.isfinite(value) else "–"


@dataclass(frozen=True, kw_only=True)
class LawScore(Record):
    """Scores of one law on one branch.

    Criteria are on the residuals of the mean curve, or on one-step prediction errors (see `Comparison.basis`).
    """

    model: str = column("law", doc="id of the law")
    rms: float = column(
        "rms [of window]", text=percent, doc="rms residual of the law's curve from its start, of the window"
    )
    delta_bic: float = column("BIC - best", text=_excess, default=0.0, doc="BIC above that of the best law")
    delta_aicc: float = column("AICc - best", text=_excess, default=0.0, doc="AICc above the least one")
    k: int = column("parameters", doc="free parameters, the noise variance included")
    aicc: float = column(doc="Akaike's criterion, corrected")
    bic: float = column(doc="Bayesian information criterion")
    nrmse: float = column(doc="the same residual over the range of the measured curve")
    rank: int = column(default=0, doc="by BIC, 1 is best; 0: not ranked yet")


PREDICTION_ERRORS = "one-step prediction errors"
CRITERIA = {"bic": "BIC", "aicc": "AICc"}  # by the field of a score
_SHOWN = 3  # laws of each branch in a notebook, or in the verdict
STRONG = 6.0  # BIC or AICc above the best law, from which the evidence against a law is strong (doi:10.2307/2291091)


def _first_and_others(laws: Sequence[LawScore]) -> str:
    """Return the first law by name, and the others by name or, where there are many, by number."""
    names = [each.model for each in laws]
    return listed(names) if len(names) <= _SHOWN else f"{names[0]} and {len(names) - 1} others"


@dataclass(frozen=True, kw_only=True)
class Comparison(Record):
    """Scores of every law on every branch; every part is by direction."""

    label_head: ClassVar[tuple[str, ...]] = ("branch", "NL, data", "NL, exponential", "its rms [of window]")

    branches: dict[str, tuple[LawScore, ...]] = column(doc="scores of the laws, best first")
    ladder: dict[str, tuple[LawScore, ...]] = column(doc="scores of restricted forms of eq. (2), simplest first")
    nl: dict[str, dict[str, float]] = column(
        doc="NeuroSim labels: `data` (largest deviation of the measured curve from a line) and `fit` (closed form of "
        "the fitted exponential), with that fit's rms misfit as a fraction of the window"
    )
    basis: dict[str, str] = column(doc="data that the criteria were computed on")
    stopped: tuple[str, ...] = column(
        default=(), doc="branches on which devicekit fit with eq. (2) stops inside the measured range (`law_stops`)"
    )

    def __repr__(self) -> str:
        best = (f"{name.upper()} {scores[0].model} of {len(scores)} laws" for name, scores in self.branches.items())
        return f"<Comparison, best by BIC: {', '.join(best)}>"

    def summary_lines(self) -> list[str]:
        """Return the best laws of each branch with their misfit and BIC."""
        lines = []
        for name, scores in self.branches.items():
            best = [
                f"{each.model} {percent(each.rms)}" + (f" (BIC +{each.bic - scores[0].bic:.1f})" if k else "")
                for k, each in enumerate(scores[:_SHOWN])
            ]
            lines.append(f"{name.upper()}, rms misfit of the window: {'; '.join(best)}")
        return [*lines, ".table() lists every law"]

    def equal(self, direction: str) -> tuple[LawScore, ...]:
        """Return the laws of a branch that the data do not tell apart from the best one, which is the first.

        BIC and AICc must both speak against a law: where they disagree, nothing is clear.
        """
        likely = {each.model for criterion in CRITERIA for each in self.likely(direction, criterion)}
        return tuple(each for each in self.branches[direction] if each.model in likely)

    def likely(self, direction: str, criterion: str) -> tuple[LawScore, ...]:
        """Return the laws of a branch within strong evidence of the best one by `bic` or `aicc`, the best first."""
        scores = sorted(self.branches[direction], key=lambda each: float(getattr(each, criterion)))
        least = getattr(scores[0], criterion)
        return tuple(each for each in scores if each == scores[0] or getattr(each, criterion) - least < STRONG)

    def _opposed(self, law: str, criterion: str) -> list[str]:
        """Return the branches on which a criterion opposes a law, as "LTP +26.1"."""
        found = []
        for direction, scores in self.branches.items():
            if law not in {each.model for each in self.likely(direction, criterion)}:
                own = {each.model: getattr(each, criterion) for each in scores}
                found.append(f"{direction.upper()} +{own[law] - min(own.values()):.1f}")
        return found

    def verdict(self) -> str:
        """Return which laws describe the branches best, in one sentence."""
        parts = []
        for direction in self.branches:
            best = self.equal(direction)
            misfits = [score.rms for score in best]
            misfit = f"rms misfit {percent_span(min(misfits), max(misfits))} of the window"
            names = [each.model for each in best]
            by = {criterion: self.likely(direction, criterion) for criterion in CRITERIA}
            if len({frozenset(each.model for each in laws) for laws in by.values()}) > 1:
                opinions = [f"by {CRITERIA[each]} {_first_and_others(laws)}" for each, laws in by.items()]
                words = f"BIC and AICc disagree: likely {', '.join(opinions)}"
            elif len(names) > _SHOWN:
                words = f"{len(names)} laws are equally likely, {names[0]} first"
            else:
                words = f"{listed(names)} {'is the most' if len(names) == 1 else 'are equally'} likely"
            parts.append(f"{direction.upper()}: {words} ({misfit})")
        return f"{'; '.join(parts)}."

    def advice(self) -> str:
        """Return with which law to fit, and why."""
        known = [{each.model for each in self.equal(direction)} & {*LAWS} for direction in self.branches]
        shared = set.intersection(*known)
        if "eq2" in shared:
            keep = f"Keep eq. (2), the default of devicekit fit: {self._reason_to_keep('eq2')}."
            if not self.stopped:
                return keep
            names = listed([direction.upper() for direction in self.stopped])
            return f"{keep} Its fit to whole trains stops inside the {names} readings: use --estimator mean."
        if shared:
            law = self._likeliest(shared)
            return f"Fit with devicekit fit --model {law}: {self._reason_to_keep(law)}."
        return "No law is the most likely for both branches: keep eq. (2), and trust the rate curve."

    def _reason_to_keep(self, law: str) -> str:
        """Return which criteria oppose a law that is not ruled out, and which do not."""
        opposed = {name: found for each, name in CRITERIA.items() if (found := self._opposed(law, each))}
        if not opposed:
            return f"both criteria put it less than {STRONG:g} above the best law"
        against = listed([f"{name} opposes it ({', '.join(found)})" for name, found in opposed.items()])
        others = [name for name in CRITERIA.values() if name not in opposed]
        return f"{against}, {f'{others[0]} does not' if others else 'but never both on one branch'}"

    def _likeliest(self, laws: set[str]) -> str:
        """Return the law of the least BIC, over all branches."""
        every = [each for scores in self.branches.values() for each in scores]
        return min(sorted(laws), key=lambda law: sum(each.bic for each in every if each.model == law))

    def caption(self, direction: str) -> str:
        """Return what the scores of a branch are on, without a full stop."""
        return f"{direction.upper()}, ranked by BIC on {self.basis[direction]}"

    def label_rows(self) -> list[tuple[str, str, str, str]]:
        """Return NeuroSim's labels as the rows of a table under `label_head`."""
        return [
            (direction.upper(), f"{each['data']:.2f}", f"{each['fit']:.2f}", percent(each["fit_rms"]))
            for direction, each in self.nl.items()
        ]

    def table(self) -> Any:
        """Return the scores as a pandas frame, a row for each law and branch."""
        rows = [{"branch": direction, **score.row()} for direction, scores in self.branches.items() for score in scores]
        return pd.DataFrame(rows)

    def _repr_html_(self) -> str:
        from devicekit.report.notebook import html

        rows = [
            (f"{name.upper()}: {score.model}", f"rms misfit {percent(score.rms)} of the window, BIC {score.bic:.1f}")
            for name, scores in self.branches.items()
            for score in scores[:_SHOWN]
        ]
        return html(f"Laws compared, the best {_SHOWN} of each branch", rows, self.panel(next(iter(self.branches))))

    def panel(self, direction: str = "ltp") -> Panel:
        """Return the figure: BIC above the best law, each bar with the law's rms misfit, best law on top."""
        scores = self.branches[direction]
        excess = np.array([score.bic - scores[0].bic for score in scores])
        misfit = np.array([score.rms for score in scores])
        return figures.criteria([score.model for score in scores], excess, misfit, direction)

    def plot(self, ax: Axes | None = None, direction: str = "ltp") -> Axes:
        """Draw `panel`."""
        return self.panel(direction).draw(ax)


def _criteria(sse: float, n: int, k: int) -> tuple[float, float]:
    """Return AICc and BIC of Gaussian residuals; k counts the variance."""
    log_likelihood_term = n * np.log(max(sse, 1e-300) / n)
    aic = log_likelihood_term + 2 * k
    correction = 2 * k * (k + 1) / (n - k - 1) if n > k + 1 else np.inf
    return float(aic + correction), float(log_likelihood_term + k * np.log(n))


@dataclass(frozen=True)
class _Data:
    """Data that the laws are compared on: one mean curve, or all trains for prediction errors."""

    x: np.ndarray
    rows: np.ndarray
    gain: float
    noise: float

    @property
    def n(self) -> int:
        return int(np.isfinite(self.rows).sum())


def _data(fitted: BranchFit, device_fit: DeviceFit) -> tuple[_Data, str]:
    """Return all trains for one-step prediction errors if increments were found, else the mean curve."""
    spread = device_fit.variation.branches[fitted.direction]
    trains = train_sets(device_fit.table)[fitted.direction]
    increment, read = spread.increment or 0.0, spread.read or 0.0
    if increment <= 0 or spread.n_devices > 1 or spread.n_cycles < 2:
        return _Data(fitted.x, fitted.x[None, :], 0.0, fitted.noise), "mean curve"
    gain = kalman_gain(increment, read)
    rows = remove_offsets(trains.rising(fitted.window))
    return _Data(
        fitted.x, rows, gain, fitted.noise
    ), f"{PREDICTION_ERRORS} of {len(rows)} trains, Kalman gain {gain:.3f}"


def _box(law: Law, data: _Data, fixed: dict[str, float]) -> search.Box:
    box = build_box(law, data.x, data.noise)
    lower, upper = box.lower.copy(), box.upper.copy()
    for name, value in fixed.items():
        lower[law.parameters.index(name)] = upper[law.parameters.index(name)] = value
    return replace(box, lower=lower, upper=upper)


def score_law(law: Law, data: _Data, name: str, fixed: dict[str, float] | None = None) -> LawScore:
    """Fit one rate law and score it."""
    fixed = fixed or {}
    box = _box(law, data, fixed)
    found = search.search(law, data.x, np.isfinite(data.x).astype(float), box, data.noise)
    path = kernel.simulate(law.id, found.parameters[:-1], found.parameters[-1], data.x.size - 1)
    sse = found.sse
    if data.gain > 0:
        w = np.isfinite(data.rows).astype(float)
        sse = search.descend(law, found.parameters, data.rows, w, box, gain=data.gain).sse
    return _score(name, law.n_parameters + 1 - len(fixed), sse, path, data)


def _score(name: str, free: int, sse: float, path: np.ndarray, data: _Data) -> LawScore:
    aicc, bic = _criteria(sse, data.n, free + 1)
    rms = float(np.sqrt(np.nanmean((path - data.x) ** 2)))
    nrmse = rms / float(np.nanmax(data.x) - np.nanmin(data.x))
    return LawScore(model=name, k=free + 1, aicc=aicc, bic=bic, nrmse=nrmse, rms=rms)


def score_curve(law: CurveLaw, data: _Data, window: Window, direction: str) -> LawScore | None:
    """Fit one curve law through lmfit and score it; None where it does not exist (Jang on a weight)."""
    import lmfit

    if law.needs_ratio and (window.quantity != "conductance_s" or window.low <= 0):
        return None
    ratio = window.high / window.low if law.needs_ratio else 1.0
    if law.needs_ratio and direction == "ltd":
        ratio = 1.0 / ratio  # the mirrored coordinate runs from Gmax down to Gmin
    finite = np.isfinite(data.x)
    t = np.arange(data.x.size) / (data.x.size - 1)

    def residual(parameters: Any) -> np.ndarray:
        values = parameters.valuesdict()
        path = law.curve(t, values["start"], values["span"], values["shape"], ratio)
        return (path - data.x)[finite]

    best = None
    for guess in law.guesses:
        parameters = lmfit.Parameters()
        parameters.add("start", value=float(data.x[finite][0]), min=-1.0, max=2.0)
        parameters.add("span", value=float(data.x[finite][-1] - data.x[finite][0]), min=-0.5, max=5.0)
        parameters.add("shape", value=guess, min=law.lower, max=law.upper)
        result = lmfit.minimize(residual, parameters, method="least_squares", max_nfev=400)
        best = result if best is None or result.chisqr < best.chisqr else best
    assert best is not None
    path = data.x.copy()
    path[finite] = data.x[finite] + best.residual
    sse = float(best.chisqr)
    if data.gain > 0:
        sse = _curve_innovations(path, data)
    return _score(law.name, 3, sse, path, data)


def _curve_innovations(path: np.ndarray, data: _Data) -> float:
    """Return the sum of squared innovations; deviations relax by q_n = step_{n+1} / step_n, as for any law."""
    steps = np.diff(path)
    with np.errstate(divide="ignore", invalid="ignore"):
        q = np.nan_to_num(np.clip(steps[1:] / steps[:-1], 0.2, 1.3), nan=1.0)
    q = np.concatenate([q, [1.0, 1.0]])
    deviation = np.zeros(len(data.rows))
    total = 0.0
    for n in range(data.rows.shape[1]):
        seen = np.isfinite(data.rows[:, n])
        innovation = np.where(seen, data.rows[:, n] - path[n] - deviation, 0.0)
        total += float(np.sum(innovation**2))
        deviation = q[n] * (deviation + data.gain * innovation)
    return total


@called_as("devicekit.compare('trains.csv')")
def compare(table: Data | None = None, **reading: Any) -> Comparison:
    """Fit every update law to both branches of a device and rank them by BIC.

    Parameters
    ----------
    table, **reading
        As for `devicekit.fit`: a table, a file, data in memory, or ``ltp=`` and ``ltd=`` with ``unit=``.

    Returns
    -------
    Comparison
        Of the middle pulse width where the table has several.

    Raises
    ------
    UsageError
        With ``fix=`` or ``bounds=``: the laws are ranked free.
    DevicekitError
        If the table cannot be read or fitted.
    """
    if reading.get("fix") or reading.get("bounds"):
        raise UsageError("compare ranks free laws. Leave fix= and bounds= out, or give them to devicekit.fit.")
    reference = fit(table, "eq2", **reading)
    branches, ladders, labels, bases = {}, {}, {}, {}
    for direction, fitted in reference.branches.items():
        data, bases[direction] = _data(fitted, reference)
        scores = [score_law(LAWS[name], data, name) for name in LAWS]
        curves = [score_curve(CURVE_LAWS[name], data, reference.window, direction) for name in CURVE_LAWS]
        branches[direction] = _ranked([*scores, *(score for score in curves if score is not None)])
        rungs = [score_law(LAWS["eq2"], data, name, fixed) for name, fixed in LADDER]
        order = {score.model: score for score in _ranked(rungs)}
        ladders[direction] = tuple(order[score.model] for score in rungs)
        labels[direction] = _labels(fitted)
    if not branches:
        raise TraceError("the table has no pulse trains on which laws can be compared")
    codes = {direction: {each.code for each in fitted.warnings} for direction, fitted in reference.branches.items()}
    stopped = tuple(direction for direction, found in codes.items() if "law_stops" in found)
    return Comparison(branches=branches, ladder=ladders, nl=labels, basis=bases, stopped=stopped)


def _ranked(scores: list[LawScore]) -> tuple[LawScore, ...]:
    ordered = sorted(scores, key=lambda score: score.bic)
    bic, aicc = ordered[0].bic, min(score.aicc for score in scores)
    return tuple(
        replace(score, rank=rank, delta_bic=score.bic - bic, delta_aicc=score.aicc - aicc)
        for rank, score in enumerate(ordered, start=1)
    )


def _labels(fitted: BranchFit) -> dict[str, float]:
    """Return NL from the data and from NeuroSim's exponential with its own misfit; negative for a slow start."""
    law = LAWS["softbounds"]  # NeuroSim's exponential with A of either sign
    data = _Data(fitted.x, fitted.x[None, :], 0.0, fitted.noise)
    found = search.search(law, data.x, np.isfinite(data.x).astype(float), _box(law, data, {}), data.noise)
    level, kappa, start = (float(value) for value in found.parameters)
    n = data.x.size - 1
    path = kernel.simulate(law.id, found.parameters[:-1], start, n)
    fraction = np.exp(level) * kappa / (1.0 - kappa / 2.0)  # share of the remaining way per pulse
    constant = -1.0 / np.log1p(-fraction) if fraction < 1.0 and fraction != 0.0 else np.inf
    return {
        "data": nl_of_curve(fitted.x),
        "fit": float(np.copysign(nl_label(abs(constant) / n), constant)),
        "fit_rms": float(np.sqrt(np.nanmean((path - data.x) ** 2))),
    }
