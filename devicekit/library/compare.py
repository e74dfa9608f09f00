"""Comparison of records; numbers with the same name but different definitions are kept apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from devicekit.core import records as core
from devicekit.core.errors import CodedWarning, UsageError
from devicekit.core.text import count, listed, si
from devicekit.library import figures
from devicekit.library.display_units import Scale
from devicekit.library.record import Record
from devicekit.library.rows import AREA, Row, array_cells, build_rows, display_names, group, natural, recorded_values
from devicekit.names.places import PLACES
from devicekit.plot import Axis, Image, Panel, array_map

FEWEST = 3  # values of a scatter plot, or of a curve of a distribution
FEWEST_RANKED = 5  # records of a distribution
MOST_GROUPS = 12  # groups in a figure
MOST_WITHIN = 60  # records whose distributions a figure shows, the first ones
MOST_CELLS = 100_000  # cells of an array map
_GROUPED = ("kind", "law", *PLACES)  # possible groups besides labels
# Default numbers of figures: among those that most records have, the first of these.
_SHOWN = ("update_sd_ltp", "nrmse_ltp", "on_off", "v_set_v", "v_reset_v", "steps", "g_lrs_s", "g_hrs_s")


@dataclass(frozen=True, eq=False)
class Comparison(core.Record):
    """A comparison of records."""

    records: tuple[Record, ...] = core.internal("the records that are compared")
    names: tuple[str, ...] = core.internal("name of each record, with its id if several records share the name")
    rows: tuple[Row, ...] = core.column(name="numbers", doc="one row per number and definition")
    x: str | None = core.column(doc="name of the number across in figures; None if no record has any")
    y: str | None = core.column(doc="name of the number upwards in figures")
    by: str | None = core.column(
        doc="label, part of the place, kind or law by which records are grouped; None for one group"
    )
    warnings: tuple[CodedWarning, ...] = core.column(
        default=(), doc="differences that limit the comparison, and what was left out"
    )

    @core.derived(name="records")
    def compared(self) -> list[dict[str, object]]:
        """The records that are compared, without their content."""
        pairs = zip(self.records, self.names, strict=True)
        return [{"id": each.id, "name": name, "kind": each.kind, "marks": each.marks} for each, name in pairs]

    def number(self, name: str) -> Row:
        """Return the number of this name, with the definition that most records have."""
        return max((row for row in self.rows if row.meaning.name == name), key=lambda row: row.n)

    def groups(self, by: str | None = None) -> dict[str, np.ndarray]:
        """Return the indices of the records of each group, in alphabetical order; ungrouped records are left out."""
        by = self.by if by is None else by
        if not by:
            return {"all": np.arange(len(self.records))}
        found: dict[str, list[int]] = {}
        for n, record in enumerate(self.records):
            if (value := group(record, by)) is not None:
                found.setdefault(value, []).append(n)
        return {f"{by} {key}" if key.isdigit() else key: np.array(found[key]) for key in sorted(found, key=natural)}

    @cached_property
    def colours(self) -> Row | None:
        """Number that sets the colour of rate curves: y, or x if no card has y."""
        return next((self.number(n) for n in (self.y, self.x) if n and self._on_cards(self.number(n))), None)

    def overlay(self, direction: str) -> Panel | None:
        """Plot the rate curves of the cards over the measured range, coloured by `colours`."""
        of = self.colours
        lines = []
        for n, record in enumerate(self.records):
            if record.card is not None:
                branch = record.card.branch(direction)
                r, rate = np.array(branch.rate_curve.r), np.abs(np.array(branch.rate_curve.rate))
                low, high = branch.measured_range
                inside = (r >= low - 0.01) & (r <= high + 0.01)
                value = np.nan if of is None else of.values[n]
                lines.append(figures.Line(self.names[n], r[inside], rate[inside], float(value)))
        if not lines:
            return None
        log = of is not None and of.scale.axis(self._colour_values()).scale == "log"
        by = (of.scale.heading, *self.colour_range) if of is not None and self.colour_range else None
        y = Axis("|change by one pulse|", "window")
        x = Axis.of("state", limits=(0.0, 1.0))
        return figures.overlay(figures.thin(lines), x, y, f"{direction.upper()} rate", by, log)

    def _colour_values(self) -> list[float]:
        """Return the known values of `colours` on cards."""
        if self.colours is None:
            return []
        pairs = zip(self.colours.values, self.records, strict=True)
        return [float(value) for value, record in pairs if record.card is not None and np.isfinite(value)]

    @cached_property
    def colour_range(self) -> tuple[str, str] | None:
        """Lowest and highest value of `colours`, in words; None if all cards have the same value."""
        values = self._colour_values()
        if self.colours is None or len(set(values)) < 2:
            return None
        scale = self.colours.scale
        return scale.text(min(values), 3), scale.text(max(values), 3)

    def _on_cards(self, row: Row) -> bool:
        return any(cell is not None for cell, r in zip(row.numbers, self.records, strict=True) if r.card is not None)

    def cdf(self, name: str = "") -> Panel | None:
        """Plot the distribution of a number (default: y) over the records; None if there are too few.

        There is one curve per group, or one of all records if a group is too small for a curve.
        """
        chosen = name or self.y
        row = self.number(chosen) if chosen else None
        if row is None or row.n < FEWEST_RANKED:
            return None
        scale, values = row.scale, row.values
        groups = {key: values[which] * scale.factor for key, which in self.groups().items()}
        if any(np.isfinite(each).sum() < FEWEST for each in groups.values()):
            groups = {"all": values * scale.factor}
        return figures.cdf(groups, scale.axis(values * scale.factor), "records")

    def sweep_names(self) -> tuple[str, ...]:
        """Return the names of the numbers whose single values (per sweep, state or device) are in records."""
        found = dict.fromkeys(
            column
            for record in self.records
            for frame in record.tables().values()
            for column in frame.columns
            if record.scalar(column) is not None
        )
        return tuple(found)

    def sweep_cdf(self, name: str) -> Panel | None:
        """Plot the distribution of a number over sweeps, states or devices within each of the first 60 records."""
        row = self.number(name)
        held = {
            self.names[n]: recorded_values(record, name)
            for n, record in enumerate(self.records)
            if row.numbers[n] is not None
        }
        known = {key: values for key, values in held.items() if np.isfinite(values).sum() >= FEWEST}
        if not known:
            return None
        joined = np.concatenate(list(known.values()))
        found = Scale.of(row.meaning, joined)
        label = row.meaning.label.removesuffix(", median")
        scale = Scale(label, found.unit, found.factor)
        some = dict(list(known.items())[:MOST_WITHIN])
        scaled = {key: values * scale.factor for key, values in some.items()}
        return figures.cdf(scaled, scale.axis(joined * scale.factor), "values")

    def scatter(self) -> Panel | None:
        """Plot y against x, one dot per record; None if fewer than three records have both."""
        if not self.x or not self.y or self.x == self.y:
            return None
        across, up = self.number(self.x), self.number(self.y)
        both = np.isfinite(across.values) & np.isfinite(up.values)
        if both.sum() < FEWEST:
            return None
        x, y = across.values * across.scale.factor, up.values * up.scale.factor
        groups = {key: which[both[which]] for key, which in self.groups().items()}
        pairs = {key: (x[which], y[which]) for key, which in groups.items() if which.size}
        if not pairs:
            return None
        return figures.scatter(pairs, across.scale.axis(x[both]), up.scale.axis(y[both]))

    def boxes(self) -> Panel | None:
        """Plot y by group; None without groups, or with too many for a figure."""
        if not self.by or not self.y:
            return None
        row = self.number(self.y)
        groups = {key: row.values[which] * row.scale.factor for key, which in self.groups().items()}
        known = {key: values[np.isfinite(values)] for key, values in groups.items() if np.isfinite(values).any()}
        if not 2 <= len(known) <= MOST_GROUPS:
            return None
        return figures.boxes(known, row.scale.axis(np.concatenate(list(known.values()))), self.by)

    def maps(self) -> tuple[Image, ...]:
        """Plot y over rows and columns of each wafer and die; the median if several records share a place."""
        if not self.y:
            return ()
        row = self.number(self.y)
        found = []
        for title, cells in array_cells(self.records, row.values).items():
            places = np.array(list(cells))
            if np.prod(np.ptp(places, axis=0) + 1.0) > MOST_CELLS:
                continue
            values = np.array([float(np.median(each)) for each in cells.values()]) * row.scale.factor
            found.append(array_map(places[:, 0], places[:, 1], values, row.scale.heading, title))
        return tuple(found)

    @cached_property
    def counts(self) -> str:
        """Numbers of records of each kind, in words."""
        kinds = Counter(record.kind for record in self.records)
        return listed([count(n, kind if kind == "card" else f"{kind} record") for kind, n in kinds.items()])


def compare(records: Sequence[Record], x: str | None = None, y: str | None = None, by: str | None = None) -> Comparison:
    """Compare records.

    Parameters
    ----------
    records : sequence of Record
        At least two records.
    x, y : str, optional
        Names of the numbers in figures; default: those that most records have.
    by : str, optional
        A label, wafer, die, row, column, kind or law by which figures are grouped; default: the first label, wafer
        or die that differs.

    Raises
    ------
    UsageError
        If there are fewer than two records, or no record has a requested number or label.
    """
    records = tuple({record.id: record for record in records}.values())
    if len(records) < 2:
        raise UsageError(f"A comparison needs at least two different records; got {len(records)}.")
    rows = build_rows(records)
    for option, name in (("x", x), ("y", y)):
        if name is not None and name not in {row.meaning.name for row in rows}:
            names = ", ".join(dict.fromkeys(row.meaning.name for row in rows)) or "none"
            raise UsageError(f"{option}={name!r}: no record has this number. Available: {names}.")
    if by and not any(group(record, by) is not None for record in records):
        labels = dict.fromkeys(name for record in records for name in record.labels)
        known = ", ".join([*labels, *_GROUPED])
        raise UsageError(f"by={by!r}: no record has this label. Available: {known}.")
    chosen = _choose_numbers(rows, x, y)
    grouped = by or (None if by is not None else _default_group(records))
    found = Comparison(records, display_names(records), rows, *chosen, grouped)
    return Comparison(records, found.names, rows, *chosen, grouped, tuple(_warnings(found)))


def _choose_numbers(rows: Sequence[Row], x: str | None, y: str | None) -> tuple[str | None, str | None]:
    """Choose the numbers of the figures: the requested ones, else those that most records have."""
    most: dict[str, int] = {}
    for row in rows:
        most[row.meaning.name] = max(most.get(row.meaning.name, 0), row.n)
    order = {name: n for n, name in enumerate(_SHOWN)}
    usual = sorted(most, key=lambda name: (name == AREA.name, -most[name], order.get(name, len(order))))
    chosen_y = y or next((name for name in usual if name != x), None)
    return x or next((name for name in usual if name != chosen_y), None), chosen_y


def _default_group(records: Sequence[Record]) -> str | None:
    """Choose the first label, wafer or die with several groups, at least one of several records; None if none."""
    labels = dict.fromkeys(name for record in records for name in record.labels)
    for by in (*labels, "wafer", "die"):
        counts = Counter(value for record in records if (value := group(record, by)) is not None)
        if 2 <= len(counts) <= MOST_GROUPS and max(counts.values()) > 1:
            return by
    return None


def _warnings(found: Comparison) -> list[CodedWarning]:
    """Return warnings on differences between records and on what figures leave out."""
    warnings = [*_definition_warnings(found.rows), *_card_warnings(found.records)]
    total = len(found.records)
    for mark, code in (("synthetic", "synthetic"), ("simulated", "mixed"), ("published", "mixed")):
        n = sum(getattr(record, mark) for record in found.records)
        if n and (n < total or mark == "synthetic"):
            warnings.append(CodedWarning(code, f"{n} of {count(total, 'record')} {'is' if n == 1 else 'are'} {mark}"))
    if found.y:
        maps = array_cells(found.records, found.number(found.y).values)
        shared = sum(len(each) > 1 for cells in maps.values() for each in cells.values())
        if shared:
            words = f"several records share {count(shared, 'place')} of the array map, which shows their median"
            warnings.append(CodedWarning("mixed", words))
        if len(found.maps()) < len(maps):
            words = "an array map was left out because its rows or columns are too far apart"
            warnings.append(CodedWarning("dropped", words))
    return warnings


def _definition_warnings(rows: Sequence[Row]) -> list[CodedWarning]:
    warnings = []
    for name in dict.fromkeys(row.meaning.name for row in rows if not row.only_definition):
        own = [row for row in rows if row.meaning.name == name]
        ways = [f"{row.meaning.by or 'unknown definition'} ({count(row.n, 'record')})" for row in own]
        warnings.append(
            CodedWarning(
                "mixed",
                f"{name} has {len(own)} definitions: {listed(ways)}. Each has its own row; figures show the most "
                "frequent one",
            )
        )
    return warnings


def _card_warnings(records: Sequence[Record]) -> list[CodedWarning]:
    """Return warnings on cards with different windows or pulses, whose rates are not comparable."""
    cards = [record.card for record in records if record.card is not None]
    facts: Mapping[str, Counter[str]] = {
        "quantity": Counter(card.window.quantity.removesuffix("_s") for card in cards),
        "scale of the state": Counter(card.window.scale for card in cards),
        "pulse width": Counter(
            "unknown" if (width := card.conditions.pulse_width_s) is None else si(width, "s") for card in cards
        ),
    }
    warnings = []
    for fact, found in facts.items():
        if len(found) > 1:
            ways = listed([f"{value} ({count(n, 'card')})" for value, n in found.items()])
            words = f"the cards differ in {fact}: {ways}. Do not compare rates or shares of the window"
            warnings.append(CodedWarning("mixed", words))
    return warnings
