"""Random telegraph noise and 1/f noise of records at constant voltage, with dwell times, amplitude, and intervals.

Two levels are tested against white noise, drift and correlated noise (`devicekit.features.noise.telegraph`); `noise`
gives the size of the noise and the number of levels in a histogram.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning
from devicekit.core.scalars import Scalar
from devicekit.core.text import count, format_number, percent, si, span
from devicekit.features import figures
from devicekit.features.merit import Merit, Settings, figure
from devicekit.features.merits.noise import NoiseResults
from devicekit.features.noise import spectrum
from devicekit.features.noise import telegraph as rtn
from devicekit.features.noise.spectrum import Slope
from devicekit.features.noise.telegraph import Dwell, Telegraph
from devicekit.features.relaxation.pulsed import records as transients
from devicekit.features.stats import clopper_pearson
from devicekit.plot import Panel
from devicekit.report import ROWS_SHOWN, Block, Table
from devicekit.tables import SweepTable, TransientTable
from devicekit.tables import Table as AnyTable

MOST_READINGS = 100_000  # of a record; the rest is left out with a warning
WORDS = {
    "telegraph": "telegraph noise",
    "jumps": "a few jumps",
    "several": "more than two levels",
    "none": "no telegraph noise seen",
}


@dataclass(frozen=True, eq=False)
class RtnRecord:
    """Telegraph and 1/f noise of one record.

    Attributes
    ----------
    device_id : str
    record : int
        Number of the record, or cycle of a sweep.
    time_s, value : ndarray, shape (n,)
        Times [s] and readings [A or S].
    found : Telegraph
        Result of the test.
    verdict : {"telegraph", "jumps", "several", "none"}
        Verdict of `found`; "several" if a histogram of the readings has three levels or more.
    slope : Slope
        Slope of the spectrum; of the residuals if there are two levels.
    """

    device_id: str
    record: int
    time_s: np.ndarray
    value: np.ndarray
    found: Telegraph
    verdict: str
    slope: Slope

    @property
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

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        row: dict[str, Any] = {
            "device_id": self.device_id,
            "record": self.record,
            "n": self.value.size,
            "step_s": self.found.step_s,
            "verdict": self.verdict,
            "reason": self.found.reason,
            "delta_bic": self.found.advantage,
            "noise": self.found.noise,
            "relative_amplitude": self.amplitude,
        }
        for name, side in zip(("low", "high"), self.sides or (None, None), strict=True):
            row |= {f"{name}_level": side.level if side else None, f"{name}_share": side.share if side else None}
            row |= {f"{name}_dwells": side.dwells if side else None, f"{name}_dwell_s": side.mean_s if side else None}
            row |= {f"{name}_dwell_low_s": side.low_s if side else None}
            row |= {f"{name}_dwell_high_s": side.high_s if side else None}
            row |= {f"{name}_dwell_refused": side.refused if side else ""}
        slope = self.slope
        row |= {"slope": slope.value, "slope_low": slope.low, "slope_high": slope.high}
        return row | {"band_low_hz": slope.band_hz[0], "band_high_hz": slope.band_hz[1], "slope_refused": slope.refused}


@dataclass(frozen=True, eq=False)
class RtnResult:
    """Telegraph and 1/f noise of every record that could be judged.

    Attributes
    ----------
    records : tuple of RtnRecord
    quantity : str
        Column of the readings: current_a or conductance_s.
    """

    records: tuple[RtnRecord, ...]
    quantity: str
    warnings: tuple[CodedWarning, ...]

    def __iter__(self) -> Iterator[RtnRecord]:
        return iter(self.records)

    @property
    def telegraph(self) -> list[RtnRecord]:
        """Records with telegraph noise."""
        return [each for each in self.records if each.verdict == "telegraph"]

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return {
            "quantity": self.quantity,
            "records": [each.as_dict() for each in self.records],
            "warnings": [warning.as_dict() for warning in self.warnings],
        }

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return one row per record."""
        return {"rtn": pd.DataFrame([each.as_dict() for each in self.records])} if self.records else {}

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
            for name, side in zip(("low", "high"), sides, strict=True):
                if side.mean_s is not None:
                    label = f"mean dwell time of the {'lower' if name == 'low' else 'upper'} level"
                    shown.append(Scalar(f"dwell_{name}_s", label, side.mean_s, "s", low=side.low_s, high=side.high_s))
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
        levels = None
        if (sides := first.sides) is not None:
            levels = np.where(first.found.path, sides[1].level, sides[0].level)
        return figures.telegraph(first.time_s, first.value, levels, self.quantity)

    def spectrum(self) -> Panel | None:
        """Return the power spectrum of the first record that has a slope."""
        first = next((each for each in self.records if each.slope.value is not None), None)
        if first is None:
            return None
        slope = first.slope
        unit = "A²/Hz" if self.quantity == "current_a" else "S²/Hz"
        return figures.power(np.array(slope.frequency_hz), np.array(slope.density), float(slope.value or 0), unit)

    def blocks(self) -> list[Block]:
        """Return the blocks of the report."""
        if not self.records:
            return []
        rows = []
        for each in self.records[:ROWS_SHOWN]:
            sides = each.sides
            dwell = [_dwell(side) for side in sides] if sides else ["–", "–"]
            slope = each.slope
            shown = slope.refused if slope.value is None else f"{slope.value:.2f} ({slope.low:.2f} to {slope.high:.2f})"
            rows.append(
                (
                    f"{each.device_id} {each.record}",
                    WORDS[each.verdict],
                    each.found.reason,
                    format_number(each.found.advantage),
                    percent(each.amplitude),
                    *dwell,
                    shown,
                )
            )
        head = ("record", "verdict", "why", "ΔBIC", "ΔG/G", "lower level lasts", "upper level lasts", "1/f exponent")
        found: list[Block] = [
            Table(head, rows, "Telegraph noise, and the slope of the spectrum (95 % intervals)."),
            figure(self.panel(), "Record and path between the levels.", "Record with the levels"),
        ]
        if (power := self.spectrum()) is not None:
            found.append(figure(power, "Power spectrum over the band of the fit.", "Power spectrum"))
        return found


def _dwell(side: Dwell) -> str:
    if side.mean_s is None or side.low_s is None or side.high_s is None:
        return f"– ({side.refused})"
    return f"{si(side.mean_s, 's')} (95 %: {span(side.low_s, side.high_s, 's')})"


def find(table: AnyTable, settings: Settings, found: Mapping[str, Merit]) -> RtnResult | None:
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
    return RtnResult(tuple(judged), quantity, tuple(warnings))


def _records(table: AnyTable, found: Mapping[str, Merit]) -> Iterator[tuple[str, int, np.ndarray, np.ndarray, int]]:
    """Yield device, number, times [s], readings and histogram levels (0: not counted) of constant records."""
    noise = found.get("noise")
    if isinstance(table, SweepTable) and isinstance(noise, NoiseResults) and "time_s" in table.frame:
        for each in noise.records:
            yield each.device_id, each.cycle, each.time, each.current, len(each.result.levels)
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
    return RtnRecord(device, record, time, value, found, verdict, spectrum.slope(rest, found.step_s))
