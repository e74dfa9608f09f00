"""Random telegraph noise and 1/f noise of records at constant voltage, with dwell times, amplitude, and intervals.

Two levels are tested against white noise, drift and correlated noise (`devicekit.features.noise.telegraph`); `noise`
gives the size of the noise and the number of levels in a histogram.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from devicekit.core.errors import CodedWarning
from devicekit.core.records import Record, cell, column, derived, internal, part
from devicekit.core.scalars import Scalar
from devicekit.core.text import count, percent, si, span
from devicekit.features.merit import MeritResult, Settings, figure
from devicekit.features.merits.noise import NoiseResults
from devicekit.features.noise import spectrum
from devicekit.features.noise import telegraph as rtn
from devicekit.features.noise.spectrum import Spectrum
from devicekit.features.noise.telegraph import Dwell, Telegraph
from devicekit.features.relaxation.pulsed import records as transients
from devicekit.features.stats import clopper_pearson
from devicekit.plot import COLOURS, Axis, Curve, Panel
from devicekit.report import Block
from devicekit.tables import SweepTable, TransientTable
from devicekit.tables import Table as AnyTable

MOST_READINGS = 100_000  # of a record; the rest is left out with a warning
WORDS = {
    "telegraph": "telegraph noise",
    "jumps": "a few jumps",
    "several": "more than two levels",
    "none": "no telegraph noise seen",
}


def _dwell(side: Dwell) -> str:
    if side.mean.ends is None:
        return f"– ({side.refused})" if side.refused else "–"
    return f"{si(side.mean.value, 's')} (95 %: {span(*side.mean.ends, 's')})"


def _exponent(of: Spectrum) -> str:
    found = of.exponent
    return f"{found.value:.2f} ({found.low:.2f} to {found.high:.2f})" if found.known else found.reason


@dataclass(frozen=True, eq=False, kw_only=True)
class RtnRecord(Record):
    """Telegraph and 1/f noise of one record."""

    device_id: str = column()
    record: int = column(doc="number of the record, or cycle of a sweep")
    time_s: np.ndarray = internal("times of the readings [s], shape (n,)")
    value: np.ndarray = internal("readings [A or S], shape (n,)")
    found: Telegraph = internal("result of the test")

    @cell("record")
    def title(self) -> str:
        """Device and number."""
        return f"{self.device_id} {self.record}"

    n = part("value.size", doc="readings")
    step_s = part("found.step_s", unit="s", doc="sampling step")
    verdict: str = column(
        "verdict", text=WORDS.__getitem__, doc='of the test, or "several" if a histogram has three levels or more'
    )
    reason = part("found.reason", "why", doc="reason if it is not telegraph noise")
    advantage = part(
        "found.advantage", "ΔBIC", name="delta_bic", doc="BIC of the best other model less that of two levels"
    )
    noise = part("found.noise", doc="standard deviation about the levels, or of the record")

    @derived("ΔG/G", name="relative_amplitude", text=percent)
    def amplitude(self) -> float | None:
        """Distance of the two levels over the size of the lower one; None without telegraph noise."""
        low, distance = self.found.low, self.found.amplitude
        if self.verdict != "telegraph" or low is None or distance is None or low.level == 0:
            return None
        return distance / abs(low.level)

    @property
    def sides(self) -> tuple[Dwell, Dwell] | None:
        """Lower and upper level; None without telegraph noise."""
        if self.verdict != "telegraph" or self.found.low is None or self.found.high is None:
            return None
        return self.found.low, self.found.high

    @derived("lower level lasts", inline=True, prefix="low_", text=_dwell)
    def low(self) -> Dwell:
        """Lower level; without numbers if there is none."""
        return self.sides[0] if self.sides else Dwell()

    @derived("upper level lasts", inline=True, prefix="high_", text=_dwell)
    def high(self) -> Dwell:
        """Upper level, in the same way."""
        return self.sides[1] if self.sides else Dwell()

    spectrum: Spectrum = column(
        "1/f exponent", inline=True, text=_exponent, doc="of the residuals if there are two levels"
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class RtnResult(MeritResult):
    """Telegraph and 1/f noise of every record that could be judged."""

    figure_caption = "Record and path between the levels."
    figure_alt = "Record with the levels"

    records: tuple[RtnRecord, ...] = column(
        table="rtn",
        caption="Telegraph noise, and the slope of the spectrum (95 % intervals)",
        doc="telegraph and 1/f noise of each record",
    )
    quantity: str = column(doc="column of the readings: current_a or conductance_s")

    def __iter__(self) -> Iterator[RtnRecord]:
        return iter(self.records)

    @property
    def telegraph(self) -> list[RtnRecord]:
        """Records with telegraph noise."""
        return [each for each in self.records if each.verdict == "telegraph"]

    def scalars(self) -> tuple[Scalar, ...]:
        """Return the share of records with telegraph noise; of one record also its amplitude and dwell times."""
        if not self.records:
            return ()
        hits, n = len(self.telegraph), len(self.records)
        low, high = clopper_pearson(hits, n) if n > 1 else (None, None)
        shown = [Scalar("telegraph", "records with telegraph noise", hits / n, of="records", low=low, high=high)]
        sizes = [each.amplitude for each in self.telegraph if each.amplitude is not None]
        if sizes:
            label = "telegraph noise, distance of the levels" + (", median" if len(sizes) > 1 else "")
            shown.append(Scalar("telegraph_amplitude", label, float(np.median(sizes)), of="the lower level"))
        if n == 1 and (sides := self.records[0].sides) is not None:
            for name, word, side in zip(("low", "high"), ("lower", "upper"), sides, strict=True):
                if side.mean.known:
                    label, low, high = f"mean dwell time of the {word} level", side.mean.low, side.mean.high
                    shown.append(Scalar(f"dwell_{name}_s", label, side.mean.value, "s", low=low, high=high))
        return tuple(shown)

    def sentences(self) -> list[str]:
        """Return how many records have telegraph noise, and describe that of the first one."""
        if not self.records:
            return []
        n, hits = len(self.records), self.telegraph
        if not hits:
            first = self.records[0]
            if n > 1:
                return [f"No telegraph noise was found in {count(n, 'record')}."]
            return [f"{WORDS[first.verdict].capitalize()}: {first.found.reason}."]
        first = hits[0]
        text = f"Telegraph noise in {len(hits)} of {count(n, 'record')}" if n > 1 else "Telegraph noise"
        if first.amplitude is not None:
            text += f"{' (of the first one:' if n > 1 else ':'} levels {percent(first.amplitude)} apart"
        for name, side in zip(("lower", "upper"), first.sides or (), strict=False):
            text += f"; the {name} level lasts {_dwell(side)}"
        return [text + (")." if n > 1 and first.amplitude is not None else ".")]

    def panel(self) -> Panel:
        """Draw the first record with telegraph noise (else the first), and the path between its levels."""
        first = next(iter(self.telegraph), self.records[0])
        kept = slice(0, 4000)  # jumps of more are not seen
        time = first.time_s[kept]
        curves = [Curve("readings", time, first.value[kept], width=0.4, colour="0.6", legend=False)]
        if (sides := first.sides) is not None:
            levels = np.where(first.found.path, sides[1].level, sides[0].level)[kept]
            curves.append(Curve("levels", time, levels, width=1.0, colour=COLOURS["ltd"], legend=False))
        return Panel(Axis.of("time_s"), Axis.of(self.quantity), curves)

    def spectrum(self) -> Panel | None:
        """Draw the power spectrum of the first record that has a slope, and the line 1/f^g through it."""
        found = next((each.spectrum for each in self.records if each.spectrum.exponent.known), None)
        if found is None:
            return None
        unit = "A²/Hz" if self.quantity == "current_a" else "S²/Hz"
        frequency, density, g = np.array(found.frequency_hz), np.array(found.density), found.exponent.value
        middle = float(np.exp(np.log(density).mean() + g * np.log(frequency).mean()))
        curves = [
            Curve("spectrum", frequency, density, style="o", colour=COLOURS["ltp"], legend=False),
            Curve(f"exponent {g:.2f}", frequency, middle * frequency**-g, colour="0.3", width=1.0),
        ]
        return Panel(Axis("frequency", "Hz", "log"), Axis("power spectral density", unit, "log"), curves)

    def blocks(self) -> list[Block]:
        """Return the blocks of the report."""
        if not self.records:
            return []
        power = self.spectrum()
        drawn = [figure(power, "Power spectrum over the band of the fit.", "Power spectrum")] if power else []
        return [*super().blocks(), *drawn]


def find(table: AnyTable, settings: Settings, found: Mapping[str, MeritResult]) -> RtnResult | None:
    """Find telegraph noise in records at constant voltage: constant sweeps, and transients without a pulse."""
    del settings
    judged: list[RtnRecord] = []
    bad: dict[str, int] = {}
    long = 0
    quantity = "current_a"
    for device, record, time, value, levels in _records(table, found):
        known = np.isfinite(time) & np.isfinite(value)
        time, value = time[known], value[known]
        long += time.size > MOST_READINGS
        try:
            judged.append(_analyse_record(device, record, time[:MOST_READINGS], value[:MOST_READINGS], levels))
        except rtn.Unsuited as error:
            bad[str(error)] = bad.get(str(error), 0) + 1
    if isinstance(table, TransientTable):
        quantity = table.quantity
    if not judged and not bad:
        return None
    warnings = []
    if bad:
        reasons = "; ".join(f"{why} ({n})" if n > 1 else why for why, n in list(bad.items())[:4])
        words = f"{count(sum(bad.values()), 'record')} not judged for telegraph noise: {reasons}"
        warnings.append(CodedWarning("few_points", words))
    if long:
        words = f"only the first {MOST_READINGS} readings of {count(long, 'record')} are judged for telegraph noise"
        warnings.append(CodedWarning("dropped", words))
    return RtnResult(records=tuple(judged), quantity=quantity, warnings=tuple(warnings))


def _records(
    table: AnyTable, found: Mapping[str, MeritResult]
) -> Iterator[tuple[str, int, np.ndarray, np.ndarray, int]]:
    """Yield device, number, times [s], readings and histogram levels (0: not counted) of constant records."""
    noise = found.get("noise")
    if isinstance(table, SweepTable) and isinstance(noise, NoiseResults) and "time_s" in table.frame:
        for each in noise.records:
            yield each.device_id, each.cycle, each.time, each.current, len(each.levels)
    elif isinstance(table, TransientTable):
        for record in transients(table):
            if not record.has_pulses:
                yield record.device_id, record.record, record.time_s, record.value, 0


def _analyse_record(device: str, record: int, time: np.ndarray, value: np.ndarray, levels: int) -> RtnRecord:
    found = rtn.find(time, value)
    verdict: str = found.verdict
    if verdict == "telegraph" and levels > 2:
        verdict = "several"
    rest = value
    if found.low is not None and found.high is not None:
        rest = value - np.where(found.path, found.high.level, found.low.level)
    return RtnRecord(
        device_id=device,
        record=record,
        time_s=time,
        value=value,
        found=found,
        verdict=verdict,
        spectrum=spectrum.slope(rest, found.step_s),
    )
