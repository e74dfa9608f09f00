"""Relaxation after pulses: G(t) = G0 + sum over pulses of [a_nv + a_v K(t - t_j)], and the choice of K.

K is an exponential, a stretched one (doi:10.1039/TF9706600080), two exponentials, or a power law. Linear amplitudes are
solved for, tau has a profile-likelihood interval, and an end that the data do not bound stays open. If several kernels
fit, all are named (`devicekit.features.relaxation.decay.choose`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning, TraceError, UsageError
from devicekit.core.records import Estimate
from devicekit.core.scalars import Scalar
from devicekit.core.statistics import t_quantile
from devicekit.core.text import count, format_number, percent, percent_span, si, span
from devicekit.device.measured import Term, Volatile
from devicekit.features import figures
from devicekit.features.merit import MOST_CURVES, Merit, Settings, figure, origin
from devicekit.features.relaxation import decay
from devicekit.features.relaxation.decay import Choice, Fit
from devicekit.features.relaxation.pulsed import Record, records
from devicekit.models.relaxation import KERNELS, terms
from devicekit.plot import Panel
from devicekit.report import ROWS_SHOWN, Block, Table
from devicekit.tables import Table as AnyTable
from devicekit.tables import TransientTable

WORDS = {
    "decided": "decided",
    "parsimony": "exponential is enough",
    "chosen": "chosen",
    "undecided": "undecided",
    "no_decay": "no decay seen",
}


@dataclass(frozen=True, eq=False)
class Relaxation:
    """Relaxation of one record.

    Attributes
    ----------
    record : Record
        Readings and pulses.
    choice : Choice
        Fitted kernels, and the choice among them.
    permanent : Estimate or None
        Permanent share of a step, a_nv / (a_nv + a_v); None without readings before the pulse.
    """

    record: Record
    choice: Choice
    permanent: Estimate | None

    @property
    def fit(self) -> Fit:
        """Fit of the reported kernel."""
        return self.choice.fit

    @property
    def tau(self) -> Estimate:
        """Time constant [s]."""
        return self.fit.parameters["tau_s"]

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return {
            "device_id": self.record.device_id,
            "record": self.record.record,
            "n": self.fit.n,
            "pulses": len(self.record.pulses_s) if self.record.has_pulses else None,
            "verdict": self.choice.verdict,
            "kernel": self.choice.kernel,
            "candidates": list(self.choice.candidates),
            "parameters": {name: each.as_dict() for name, each in self.fit.parameters.items()},
            "amplitude": self.fit.amplitudes[0],
            "permanent_share": self.permanent.as_dict() if self.permanent else None,
            "level": self.fit.others[0],
            "noise": self.fit.noise,
        }

    def rows(self) -> list[dict[str, Any]]:
        """Return one row per kernel that was tried, the best first."""
        best = self.choice.fits[0].bic
        found = []
        for each in self.choice.fits:
            row: dict[str, Any] = {
                "device_id": self.record.device_id,
                "record": self.record.record,
                "kernel": each.kernel,
                "candidate": each.kernel in self.choice.candidates,
                "delta_bic": each.bic - best,
                "noise": each.noise,
            }
            for name, estimate in each.parameters.items():
                stem, unit = name.removesuffix("_s"), "_s" if name.endswith("_s") else ""
                row |= {name: estimate.value, f"{stem}_low{unit}": estimate.low, f"{stem}_high{unit}": estimate.high}
            found.append(row)
        return found


@dataclass(frozen=True, eq=False)
class VolatileResult:
    """Relaxation of every record, and of all together.

    Attributes
    ----------
    records : tuple of Relaxation
    kernel : str
        Kernel of the numbers over all records.
    candidates : tuple of str
        Kernels that are not excluded by the sum of the records' criteria.
    skipped : tuple of (str, str)
        Records without a fit, and the reason.
    """

    records: tuple[Relaxation, ...]
    kernel: str
    candidates: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    table: TransientTable
    warnings: tuple[CodedWarning, ...]

    @property
    def decaying(self) -> list[Relaxation]:
        """Records with a decay."""
        return [each for each in self.records if each.choice.verdict != "no_decay"]

    def _fits(self) -> list[Fit]:
        """Return the fits of the common kernel."""
        fits = [next((f for f in each.choice.fits if f.kernel == self.kernel), None) for each in self.decaying]
        return [each for each in fits if each is not None]

    def parameters(self) -> dict[str, Estimate]:
        """Return the common kernel's parameters over the records: geometric means, with the interval of the mean.

        A single record keeps its interval; share, beta and exponent are arithmetic means.
        """
        fits = self._fits()
        if not fits:
            return {}
        found = {}
        for name in KERNELS[self.kernel]:
            own = [each.parameters[name] for each in fits]
            found[name] = own[0] if len(own) == 1 else _mean([each.value for each in own], log=name.startswith("tau"))
        return found

    def permanent(self) -> Estimate | None:
        """Return the permanent share of a step over the records."""
        known = [each.permanent for each in self.decaying if each.permanent is not None]
        if not known:
            return None
        return known[0] if len(known) == 1 else _mean([each.value for each in known])

    def for_card(self) -> Volatile:
        """Return the volatile part as a block of a device card.

        Raises
        ------
        TraceError
            If nothing decays, or no record gives the permanent share of a step.
        """
        found, stays = self.parameters(), self.permanent()
        if not found:
            raise TraceError("nothing decays in these records, so the card needs no volatile block")
        if stays is None:
            raise TraceError(
                "a card needs the permanent share of a step, which requires readings before the first pulse; no record "
                "has any"
            )
        values = {name: each.value for name, each in found.items()}
        sum_of = terms(self.kernel, **values)  # type: ignore[arg-type]
        kelvins = [each.record.temperature_k for each in self.decaying if each.record.temperature_k]
        ends = {name: (each.low, each.high) for name, each in found.items() if each.closed}
        low, high = stays.low, stays.high
        return Volatile(
            kernel=self.kernel,  # type: ignore[arg-type]
            parameters=values,
            intervals=ends,  # type: ignore[arg-type]
            persistent_share=float(np.clip(stays.value, 0.0, 1.0)),
            persistent_interval=None if low is None or high is None else (low, high),
            terms=tuple(Term(tau_s=tau, share=share) for tau, share in zip(sum_of.tau_s, sum_of.share, strict=True)),
            terms_error=sum_of.error,
            n=sum(each.n for each in self._fits()),
            temperature_k=float(np.median(kelvins)) if kelvins else None,
            **origin(self.table),
        )

    def scalars(self) -> tuple[Scalar, ...]:
        """Return time constant and the share of a step that stays."""
        found, stays = self.parameters(), self.permanent()
        if not found:
            return ()
        tau = found["tau_s"]
        ends = (tau.low, tau.high) if tau.closed else (None, None)
        label = "time constant of the volatile part"
        shown = [Scalar("tau_s", label, tau.value, "s", low=ends[0], high=ends[1], by=self.kernel)]
        if stays is not None:
            words = "permanent share of an update"
            shown.append(Scalar("persistent_share", words, stays.value, of="step", low=stays.low, high=stays.high))
        return tuple(shown)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        stays = self.permanent()
        return {
            "kernel": self.kernel,
            "candidates": list(self.candidates),
            "parameters": {name: each.as_dict() for name, each in self.parameters().items()},
            "permanent_share": stays.as_dict() if stays else None,
            "records": [each.as_dict() for each in self.records],
            "skipped": [{"record": name, "reason": reason} for name, reason in self.skipped],
            "warnings": [warning.as_dict() for warning in self.warnings],
        }

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return one row per record, and one row per record and kernel."""
        first = []
        for each in self.records:
            share = each.permanent or Estimate(float("nan"))
            first.append(
                {
                    "device_id": each.record.device_id,
                    "record": each.record.record,
                    "n": each.fit.n,
                    "pulses": len(each.record.pulses_s) if each.record.has_pulses else np.nan,
                    "verdict": each.choice.verdict,
                    "kernel": each.choice.kernel,
                    "candidates": " ".join(each.choice.candidates),
                    "tau_s": each.tau.value,
                    "tau_low_s": each.tau.low,
                    "tau_high_s": each.tau.high,
                    "permanent_share": share.value,
                    "permanent_low": share.low,
                    "permanent_high": share.high,
                    "amplitude": each.fit.amplitudes[0],
                    "noise": each.fit.noise,
                }
            )
        kernels = pd.DataFrame([row for each in self.records for row in each.rows()])
        return {"relaxation": pd.DataFrame(first), "relaxation_kernels": kernels}

    def sentences(self) -> list[str]:
        """Return kernel, time constant and the share of a step that stays."""
        found, stays = self.parameters(), self.permanent()
        n = len(self.records)
        if not found:
            return [f"No decay beyond the noise in {count(n, 'record')}."]
        tau = found["tau_s"]
        relaxing = f"{len(self.decaying)} of {count(n, 'record')} {'decays' if n == 1 else 'decay'}"
        sentences = [f"Tau is {si(tau.value, 's')} ({interval_text(tau, 's')}); {relaxing}."]
        sentences.append(f"The kernel is {self._verdict()}.")
        if stays is not None:
            ends = f" (95 %: {percent_span(stays.low, stays.high)})" if stays.low is not None else ""  # type: ignore
            sentences.append(f"{percent(stays.value)} of a step is permanent{ends}.")
        return sentences

    def _verdict(self) -> str:
        others = [name for name in self.candidates if name != self.kernel]
        verdicts = {each.choice.verdict for each in self.decaying}
        if verdicts == {"chosen"}:
            return f"{self.kernel}, as chosen"
        if not others:
            return self.kernel
        if self.kernel == "exponential" and verdicts <= {"parsimony", "decided"}:
            return (
                f"exponential ({', '.join(others)} is not better)"
                if len(others) == 1
                else f"exponential ({', '.join(others)} are not better)"
            )
        return f"undecided between {', '.join([self.kernel, *others])}; numbers are those of {self.kernel}"

    def panel(self) -> Panel:
        """Draw the readings of each record against the time since its last pulse, with the fitted kernel."""
        shown = {}
        for each in self.records[:MOST_CURVES]:
            since, value = _tail(each.record)
            at = np.geomspace(since[since > 0].min(), since.max(), 200)
            shown[_name(each.record)] = (since, value, at, curve(each, at))
        unit = "S" if self.table.quantity == "conductance_s" else "A"
        return figures.relaxation(shown, unit)

    def blocks(self) -> list[Block]:
        """Return the blocks of the report."""
        rows = []
        for each in self.records[:ROWS_SHOWN]:
            more = ", ".join(
                f"{name.removesuffix('_s')} {format_number(e.value, 's' if name.endswith('_s') else '')}"
                for name, e in each.fit.parameters.items()
                if name != "tau_s"
            )
            share = each.permanent
            rows.append(
                (
                    _name(each.record),
                    each.choice.kernel + (f" ({more})" if more else ""),
                    WORDS[each.choice.verdict],
                    ", ".join(each.choice.candidates),
                    format_number(each.tau.value, "s"),
                    interval_text(each.tau, "s"),
                    "–" if share is None else percent(share.value),
                )
            )
        head = ("record", "kernel", "verdict", "kernels that fit", "tau", "95 % interval", "permanent share")
        shown = figure(self.panel(), "Readings after the last pulse, and the kernel.", "Readings against time")
        return [Table(head, rows, "Relaxation of each record."), shown]


def interval_text(estimate: Estimate, unit: str) -> str:
    """Format a 95 % interval for people; an open side is named."""
    low, high = estimate.low, estimate.high
    if low is not None and high is not None:
        return f"95 %: {span(low, high, unit, 3)}"
    if low is None and high is None:
        return "95 %: open on both sides"
    return f"95 %: {si(low, unit)} or more" if low is not None else f"95 %: {si(high or 0.0, unit)} or less"


def curve(each: Relaxation, since: np.ndarray) -> np.ndarray:
    """Return the fitted curve at times since the last pulse [s]."""
    record = each.record
    at = record.pulses_s[-1] + np.asarray(since, float)
    later = Record(
        record.device_id,
        record.record,
        at,
        at,
        record.pulses_s,
        record.voltage_v,
        np.full(at.size, len(record.pulses_s)),
        record.has_pulses,
        record.groups,
        None,
    )
    others = np.ones((at.size, 1))
    if len(each.fit.others) > 1:  # as in Record.data
        kinds = [float((record.groups == kind).sum()) for kind in range(len(each.fit.others) - 1)]
        others = np.column_stack([np.ones(at.size), *(np.full(at.size, each_kind) for each_kind in kinds)])
    return decay.predict(each.fit, others, later.delays, record.groups)


def _tail(record: Record) -> tuple[np.ndarray, np.ndarray]:
    after = record.before == len(record.pulses_s)
    if not (record.time_s[after] > record.pulses_s[-1]).any():
        after = record.before > 0
    return record.time_s[after] - record.pulses_s[record.before[after] - 1], record.value[after]


def _name(record: Record) -> str:
    return f"{record.device_id} record {record.record}"


def _mean(values: Sequence[float], log: bool = False) -> Estimate:
    """Return the mean over records (geometric if `log`) with the 95 % interval of Student's t."""
    x = np.log(values) if log else np.asarray(values, float)
    wide = t_quantile(0.975, len(x) - 1) * float(x.std(ddof=1)) / np.sqrt(len(x))
    ends = (float(x.mean()), float(x.mean() - wide), float(x.mean() + wide))
    return Estimate(*(float(np.exp(e)) for e in ends)) if log else Estimate(*ends)


def find(table: AnyTable, settings: Settings, found: Mapping[str, Merit]) -> VolatileResult | None:
    """Find the relaxation in a transient table; None if it only holds trains without a tail."""
    if not isinstance(table, TransientTable):
        return None
    if "rates" in found and all(each.refusal() for each in records(table)):
        return None
    return characterize(table, kernel=settings.kernel)


def characterize(table: TransientTable, *, kernel: str | None = None) -> VolatileResult:
    """Fit the relaxation of every record.

    Parameters
    ----------
    table : TransientTable
        Readings and pulses; readings during a pulse are not used. A record without a pulse is taken to follow one that
        ended at its time 0.
    kernel : {"exponential", "stretched", "double", "power"}, optional
        Kernel to use; by default chosen from the data, if they decide.

    Raises
    ------
    UsageError
        If the kernel is unknown.
    TraceError
        If no record has enough readings after a pulse.
    """
    if kernel is not None and kernel not in KERNELS:
        raise UsageError(f"kernel= must be one of {', '.join(KERNELS)}, not {kernel!r}")
    done: list[Relaxation] = []
    skipped: list[tuple[str, str]] = []
    for record in records(table):
        reason = record.refusal()
        if reason is None:
            try:
                done.append(_fit_record(record, kernel))
            except decay.Undetermined as error:
                reason = str(error)
        if reason is not None:
            skipped.append((_name(record), reason))
    if not done:
        raise TraceError(f"no record can be fitted: {'; '.join(f'{name}: {why}' for name, why in skipped[:5])}")
    common, candidates = _common_kernel(done, kernel)
    return VolatileResult(
        tuple(done), common, candidates, tuple(skipped), table, _warnings(done, skipped, common, candidates)
    )


def _fit_record(record: Record, kernel: str | None) -> Relaxation:
    data = record.data()
    choice = decay.choose(data, chosen=kernel)
    return Relaxation(record, choice, _permanent(choice.fit, data.others.shape[1]))


def _permanent(found: Fit, columns: int) -> Estimate | None:
    """Return a_nv / (a_nv + a_v) of the first kind of pulse, with its interval by the delta method."""
    if columns < 2:
        return None
    stays, goes = found.others[1], found.amplitudes[0]
    total = stays + goes
    if total == 0:
        return None
    slopes = np.array([goes / total, -stays / total])
    own = found.covariance[np.ix_([1, columns], [1, columns])] / total / total
    wide = t_quantile(0.975, found.n - found.k) * float(np.sqrt(max(slopes @ own @ slopes, 0.0)))
    share = stays / total
    return Estimate(share, share - wide, share + wide)


def _common_kernel(done: Sequence[Relaxation], kernel: str | None) -> tuple[str, tuple[str, ...]]:
    """Return the kernel for all records, and those that the sum of their criteria leaves."""
    moving = [each for each in done if each.choice.verdict != "no_decay"] or list(done)
    if kernel is not None:
        return kernel, (kernel,)
    names = [name for name in KERNELS if all(any(f.kernel == name for f in each.choice.fits) for each in moving)]
    total = {
        name: sum(next(f for f in each.choice.fits if f.kernel == name).bic for each in moving)
        for name in names or ["exponential"]
    }
    least = min(total.values())
    left = sorted((name for name in total if total[name] <= least + decay.DECIDED), key=total.__getitem__)
    return min(left, key=lambda name: (len(KERNELS[name]), total[name])), tuple(left)


def _warnings(
    done: Sequence[Relaxation], skipped: Sequence[tuple[str, str]], common: str, candidates: Sequence[str]
) -> tuple[CodedWarning, ...]:
    found = []
    open_ = [each for each in done if each.choice.verdict == "undecided"]
    if open_ and len(candidates) > 1:
        names = list(dict.fromkeys(name for each in open_ for name in each.choice.candidates))
        words = f"the kernel of {count(len(open_), 'record')} is undecided between {', '.join(names)}"
        found.append(CodedWarning("undecided", f"{words}; numbers over all records are those of {common}"))
    unbound = [each for each in done if each.choice.verdict != "no_decay" and not each.tau.closed]
    if unbound:
        words = f"the interval of tau is open in {count(len(unbound), 'record')}: the readings do not last long enough"
        found.append(CodedWarning("open_interval", words))
    early = [each for each in done if not each.record.has_pulses]
    if early:
        words = f"{count(len(early), 'record')} without a pulse: the decay starts at time 0 of the record"
        found.append(CodedWarning("no_pulse", words))
    if skipped:
        shown = "; ".join(f"{name}: {why}" for name, why in skipped[:5])
        found.append(CodedWarning("dropped", f"records without a fit: {shown}"))
    return tuple(found)
