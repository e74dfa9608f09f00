"""Relaxation after pulses: G(t) = G0 + sum over pulses of [a_nv + a_v K(t - t_j)], and the choice of K.

K is an exponential, a stretched one (doi:10.1039/TF9706600080), two exponentials, or a power law. Linear amplitudes are
solved for, tau has a profile-likelihood interval, and an end that the data do not bound stays open. If several kernels
fit, all are named (`devicekit.features.relaxation.decay.choose`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning, TraceError, UsageError
from devicekit.core.records import Estimate, Record, cell, cell_of, column, derived, flatten, internal, part
from devicekit.core.scalars import Scalar
from devicekit.core.statistics import t_quantile
from devicekit.core.text import count, format_number, percent, percent_span, si, span
from devicekit.device.measured import Term, Volatile, volatile_scalars
from devicekit.features.merit import MOST_CURVES, MeritResult, Settings, Skipped, origin
from devicekit.features.relaxation import decay
from devicekit.features.relaxation.decay import Choice, Fit
from devicekit.features.relaxation.pulsed import PulsedRecord, curve, records
from devicekit.features.stats import mean_estimate
from devicekit.models.relaxation import KERNELS, terms
from devicekit.plot import Axis, Curve, Panel
from devicekit.tables import Table as AnyTable
from devicekit.tables import TransientTable

WORDS = {
    "decided": "decided",
    "parsimony": "exponential is enough",
    "chosen": "chosen",
    "undecided": "undecided",
    "no_decay": "no decay seen",
}


def interval_text(estimate: Estimate, unit: str) -> str:
    """Format a 95 % interval for people; an open side is named."""
    low, high = estimate.low, estimate.high
    if low is not None and high is not None:
        return f"95 %: {span(low, high, unit, 3)}"
    if low is None and high is None:
        return "95 %: open on both sides"
    return f"95 %: {si(low, unit)} or more" if low is not None else f"95 %: {si(high or 0.0, unit)} or less"


@dataclass(frozen=True, eq=False, kw_only=True)
class Relaxation(Record):
    """Relaxation of one record."""

    record: PulsedRecord = internal("readings and pulses")
    choice: Choice = internal("fitted kernels, and the choice among them")
    fit = part("choice.fit", json=False, row=False)
    title = cell_of("record.title", "record")
    device_id = part("record.device_id")
    number = part("record.record", name="record")
    n = part("fit.n", doc="readings of the fit")

    @derived()
    def pulses(self) -> int | None:
        """Number of pulses; None if the record does not contain them."""
        return len(self.record.pulses_s) if self.record.has_pulses else None

    @cell("kernel")
    def kernel_text(self) -> str:
        """Kernel with its parameters other than tau."""
        more = ", ".join(
            f"{name.removesuffix('_s')} {format_number(each.value, 's' if name.endswith('_s') else '')}"
            for name, each in self.fit.parameters.items()
            if name != "tau_s"
        )
        return self.choice.kernel + (f" ({more})" if more else "")

    verdict = part("choice.verdict", "verdict", text=WORDS.__getitem__, doc=f"one of {', '.join(WORDS)}")
    kernel = part("choice.kernel", doc="kernel of the reported numbers")
    candidates = part("choice.candidates", "kernels that fit", doc="kernels that are not excluded")
    parameters = part("fit.parameters", row=False, doc="parameters of the kernel with 95 % intervals")
    tau = part("fit.tau", "tau", name="tau_s", unit="s", json=False, estimate=True, doc="time constant")

    @cell("95 % interval")
    def tau_interval(self) -> str:
        """Interval of tau."""
        return interval_text(self.tau, "s")

    permanent: Estimate | None = column(
        "permanent share",
        name="permanent_share",
        stem="permanent",
        text=percent,
        doc="permanent share of a step, a_nv / (a_nv + a_v); None without readings before the pulse",
    )
    amplitude = part("fit.amplitude", doc="amplitude of the decay [S or A]")
    level = part("fit.level", row=False, doc="level before the pulse [S or A]")
    noise = part("fit.noise", doc="standard deviation of a reading about the fit [S or A]")

    def rows(self) -> list[dict[str, object]]:
        """Return one row per kernel that was tried, the best first."""
        found = []
        for each in self.choice.fits:
            row: dict[str, object] = {
                "device_id": self.device_id,
                "record": self.number,
                "kernel": each.kernel,
                "candidate": each.kernel in self.choice.candidates,
                "delta_bic": each.bic - self.choice.fits[0].bic,
                "noise": each.noise,
            }
            for name, estimate in each.parameters.items():
                row |= flatten(name, estimate)
            found.append(row)
        return found


@dataclass(frozen=True, eq=False, kw_only=True)
class VolatileResult(MeritResult):
    """Relaxation of every record, and of all together."""

    figure_caption = "Readings after the last pulse, and the kernel."
    figure_alt = "Readings against time"

    records: tuple[Relaxation, ...] = column(
        table="relaxation", caption="Relaxation of each record", doc="relaxation of each record"
    )
    kernel: str = column(doc="kernel of the numbers over all records")
    candidates: tuple[str, ...] = column(doc="kernels that are not excluded by the sum of the records' criteria")
    skipped: tuple[Skipped, ...] = column(doc="records without a fit")
    table: TransientTable = internal()

    @property
    def decaying(self) -> list[Relaxation]:
        """Records with a decay."""
        return [each for each in self.records if each.choice.verdict != "no_decay"]

    def _fits(self) -> list[Fit]:
        """Return the fits of the common kernel."""
        return [fit for each in self.decaying if (fit := each.choice.of(self.kernel)) is not None]

    @derived(once=True)
    def parameters(self) -> dict[str, Estimate]:
        """The common kernel's parameters over the records: geometric means, with the interval of the mean.

        A single record keeps its interval; share, beta and exponent are arithmetic means.
        """
        fits = self._fits()
        if not fits:
            return {}
        return {
            name: _mean([each.parameters[name] for each in fits], log=name.startswith("tau"))
            for name in KERNELS[self.kernel]
        }

    @derived(name="permanent_share", once=True)
    def permanent(self) -> Estimate | None:
        """Permanent share of a step over the records."""
        known = [each.permanent for each in self.decaying if each.permanent is not None]
        return _mean(known) if known else None

    def for_card(self) -> Volatile:
        """Return the volatile part as a block of a device card.

        Raises
        ------
        TraceError
            If nothing decays, or no record gives the permanent share of a step.
        """
        found, stays = self.parameters, self.permanent
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
        return Volatile(
            kernel=self.kernel,  # type: ignore[arg-type]
            parameters=values,
            intervals={name: each.ends for name, each in found.items() if each.ends is not None},
            persistent_share=float(np.clip(stays.value, 0.0, 1.0)),
            persistent_interval=stays.ends,
            terms=tuple(Term(tau_s=tau, share=share) for tau, share in zip(sum_of.tau_s, sum_of.share, strict=True)),
            terms_error=sum_of.error,
            n=sum(each.n for each in self._fits()),
            temperature_k=float(np.median(kelvins)) if kelvins else None,
            **origin(self.table),
        )

    def scalars(self) -> tuple[Scalar, ...]:
        """Return time constant and the share of a step that stays."""
        found = self.parameters
        return volatile_scalars(found["tau_s"], self.permanent, self.kernel) if found else ()

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return one row per record, and one row per record and kernel."""
        kernels = pd.DataFrame([row for each in self.records for row in each.rows()])
        return super().tables() | {"relaxation_kernels": kernels}

    def sentences(self) -> list[str]:
        """Return kernel, time constant and the share of a step that stays."""
        found, stays = self.parameters, self.permanent
        n = len(self.records)
        if not found:
            return [f"No decay beyond the noise in {count(n, 'record')}."]
        tau = found["tau_s"]
        relaxing = f"{len(self.decaying)} of {count(n, 'record')} {'decays' if n == 1 else 'decay'}"
        sentences = [f"Tau is {si(tau.value, 's')} ({interval_text(tau, 's')}); {relaxing}."]
        sentences.append(f"The kernel is {self._verdict()}.")
        if stays is not None:
            ends = f" (95 %: {percent_span(*stays.ends)})" if stays.ends is not None else ""
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
            return f"exponential ({', '.join(others)} {'is' if len(others) == 1 else 'are'} not better)"
        return f"undecided between {', '.join([self.kernel, *others])}; numbers are those of {self.kernel}"

    def panel(self) -> Panel:
        """Draw the readings of each record against the time since its last pulse, with the fitted kernel."""
        curves = []
        for n, each in enumerate(self.records[:MOST_CURVES]):
            since, value = each.record.tail
            at, colour = np.geomspace(since[since > 0].min(), since.max(), 200), f"C{n % 10}"
            shown = np.where(since > 0, since, np.nan)
            curves.append(Curve(each.title, shown, value, style=".", colour=colour, size=2.5))
            fitted = curve(each.record, each.fit, at)
            curves.append(Curve(f"{each.title}, kernel", at, fitted, width=1.0, colour=colour, legend=False))
        x, many = Axis("time since the last pulse", "s", "log"), len(self.records) > 8
        return Panel(x, Axis.of(self.table.quantity), curves, legend="none" if many else "in")


def _mean(found: Sequence[Estimate], log: bool = False) -> Estimate:
    """Return the mean over records (geometric if `log`) with Student's interval; a single one keeps its own."""
    if len(found) == 1:
        return found[0]
    x = np.array([each.value for each in found])
    return mean_estimate(np.log(x)).map(np.exp) if log else mean_estimate(x)


def find(table: AnyTable, settings: Settings, found: Mapping[str, MeritResult]) -> VolatileResult | None:
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
    skipped: list[Skipped] = []
    for record in records(table):
        reason = record.refusal()
        if reason is None:
            try:
                data = record.data()
                choice = decay.choose(data, chosen=kernel)
                stays = _permanent(choice.fit, data.others.shape[1])
                done.append(Relaxation(record=record, choice=choice, permanent=stays))
            except decay.Undetermined as error:
                reason = str(error)
        if reason is not None:
            skipped.append(Skipped(record=record.title, reason=reason))
    if not done:
        raise TraceError(f"no record can be fitted: {'; '.join(map(str, skipped[:5]))}")
    common, candidates = _common_kernel(done, kernel)
    return VolatileResult(
        records=tuple(done),
        kernel=common,
        candidates=candidates,
        skipped=tuple(skipped),
        table=table,
        warnings=_warnings(done, skipped, common, candidates),
    )


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
    return Estimate.symmetric(stays / total, wide)


def _common_kernel(done: Sequence[Relaxation], kernel: str | None) -> tuple[str, tuple[str, ...]]:
    """Return the kernel for all records, and those that the sum of their criteria leaves."""
    moving = [each for each in done if each.choice.verdict != "no_decay"] or list(done)
    if kernel is not None:
        return kernel, (kernel,)
    fits = {name: [fit for each in moving if (fit := each.choice.of(name)) is not None] for name in KERNELS}
    common = [name for name in KERNELS if len(fits[name]) == len(moving)] or ["exponential"]
    total = {name: sum(each.bic for each in fits[name]) for name in common}
    least = min(total.values())
    left = sorted((name for name in total if total[name] <= least + decay.DECIDED), key=total.__getitem__)
    return min(left, key=lambda name: (len(KERNELS[name]), total[name])), tuple(left)


def _warnings(
    done: Sequence[Relaxation], skipped: Sequence[Skipped], common: str, candidates: Sequence[str]
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
        found.append(CodedWarning("dropped", f"records without a fit: {'; '.join(map(str, skipped[:5]))}"))
    return tuple(found)
