"""Guises: known data, written in one of many disguises.

`make(seed, folder)` writes the files and says what they mean. A careful reader who has the files and the answers
arrives at `truth`; who reads something else without a word reads wrongly.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import drafts
import numpy as np
import pandas as pd
from drafts import KINDS, Draft
from dress import dress_of, lines_above
from extras import digitised, extras
from grids import STYLES, Column, Num, Sheet, below, beside, shuffled, table
from layouts import columns_of, groups
from worlds import Part
from writing import write_book, write_text


@dataclass(frozen=True)
class Guise:
    """Files, what they hold, and what there is to say about them.

    Parameters
    ----------
    seed : int
        Makes it again.
    path : Path or list of Path
        A file, several, or a folder.
    truth : DataFrame, optional
        Values in SI under devicekit's names; None if nothing may be read from the files.
    also : tuple of DataFrame
        Other truths that are as good.
    kind : str
        pulses, sweeps, endurance, retention or stdp.
    stated : bool
        Every state and axis has a word and a unit; kind, devices, cycles and directions are told by words.
    unsaid : tuple of str
        What is not: numbers, word, kind, parts, trains, names, voltage.
    traps : tuple of str
        What must not be read in silence, and no option says.
    answers : dict
        Field of `ReadOptions` -> its true value.
    features : tuple of str
        The disguises.
    beside : frozenset of str
        Names of columns that are copies or constants.
    """

    seed: int
    path: Path | list[Path]
    truth: pd.DataFrame | None
    kind: str
    stated: bool
    answers: dict[str, Any]
    features: tuple[str, ...]
    unsaid: tuple[str, ...] = ()
    traps: tuple[str, ...] = ()
    also: tuple[pd.DataFrame, ...] = ()
    beside: frozenset[str] = frozenset()

    @property
    def files(self) -> list[Path]:
        if isinstance(self.path, list):
            return self.path
        return sorted(self.path.iterdir()) if self.path.is_dir() else [self.path]


UNANSWERABLE = ("density", "digitised", "thousands or decimals", "time in S")
NEEDS = {"numbers", "kind", "parts", "trains"}  # each of which costs a question


def make(seed: int, folder: Path) -> Guise:
    """Write the guise of this seed into a new folder inside `folder`."""
    for attempt in count():
        rng = random.Random(f"{seed}/{attempt}")
        maker = _Maker(rng)
        if len(maker.draft.unsaid & NEEDS) <= 1 or rng.random() < 0.06:
            break
    place = folder / f"guise{seed}"
    place.mkdir(parents=True)
    return maker.write(seed, place)


class _Maker:
    """One guise; drawing it writes nothing yet."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        kind = rng.choices(tuple(KINDS), tuple(KINDS.values()))[0]
        draft = self.draft = Draft(rng, kind)
        drafts.world(draft)
        self.comments = rng.choice(("", "raw"))
        self.beside: set[str] = set()
        self.wide = "wide" in draft.hows.values()
        self.panel = next((how for how in ("side", "stack") if how in draft.hows.values()), "")
        self.book = "sheets" in draft.hows.values() or draft.chance(0.12)
        self._style()
        drafts.numbers(draft)
        if draft.voltage_told == "name" and draft.style in ("underscore", "in", "space", "slash", "wide slash"):
            draft.style = "round"
        self.layout = drafts.layout(draft)
        drafts.missing(draft)
        self.extras = [] if self.nameless else extras(draft, self.layout)
        self.digitised = (
            kind == "pulses"
            and draft.hows["direction"] in ("column", "sign")
            and self.layout.index == "running"
            and not self.panel
            and draft.chance(0.06)
        )
        if self.digitised:
            draft.traps.add("digitised")
        self._told()
        self.dress = dress_of(draft, self.book, self.layout, self.panel, self.nameless)
        self._title_rows()

    def _style(self) -> None:
        """How units stand with names."""
        draft = self.draft
        style = draft.rng.choice(STYLES)
        fits = not (self.wide and style in ("underscore", "in", "space"))
        fits = fits and not (self.panel and style.startswith("origin"))
        draft.style = style if fits else "round"
        if style == "units row" and draft.rng.random() < 0.2:
            draft.style = "units row in brackets"
        nameless = draft.kind in ("pulses", "sweeps") and "column" not in draft.hows.values() and not self.panel
        nameless = nameless and not set(draft.hows.values()) & {"sign", "files", "sheets"}
        self.nameless = nameless and draft.chance(0.4, "no names")
        if self.nameless:
            draft.style = "none"

    def _told(self) -> None:
        """What the file does not say in words."""
        draft, layout = self.draft, self.layout
        hows, unsaid = draft.hows, draft.unsaid
        if self.nameless:
            unsaid |= {"numbers", "names"}
            layout.before = True
        for name in ("device", "cycle"):
            how = hows.get(name, "none")
            if how in ("wide", "files", "sheets", "side", "stack"):
                said = layout.labels.told[name]
                if not said or self.nameless:
                    unsaid.add("parts")
                draft.features.add(f"{name}: {how}" + ("" if said else ", untold"))
                if how != "stack" or not said:
                    draft.answers[{"files": "files_are", "sheets": "sheets_are"}.get(how, "columns_are")] = f"{name}s"
            elif how != "none":
                draft.features.add(f"{name}: {how}")
        for how in ("files", "sheets"):
            named = {name: layout.labels.patterns[name] for name in layout.having(how) if name in ("device", "cycle")}
            if named:
                draft.answers["key"] = draft.answers.get("key", {}) | named
        if len(layout.having("files")) > 1 and "cycle" in layout.having("files"):
            draft.answers.pop("files_are", None)  # two things at once: key says it
        if draft.kind == "pulses":
            self._pulses_told()
        elif draft.kind == "sweeps" and hows["cycle"] == "order":
            unsaid.add("cycles")
        elif draft.kind == "retention" and hows["level"] == "none":
            unsaid.add("kind")
        if self.wide and not self.nameless and draft.kind != "stdp" and self.rng.random() < 0.2:
            layout.worded = False
            unsaid.add("word")
            draft.features.add("wide names without a quantity")
        if self.wide and not layout.worded and not draft.unit.spelled:
            unsaid.add("numbers")

    def _pulses_told(self) -> None:
        draft, layout = self.draft, self.layout
        how = draft.hows["direction"]
        if how == "order":
            draft.unsaid.add("trains")
        learning = how not in ("order", "sign") and layout.labels.forms["direction"]("ltp").lower()[:3] in (
            "ltp",
            "pot",
        )
        index = layout.index != "none" and "pulse" in layout.words["index"].lower()
        if not (learning or index or how == "sign"):
            draft.unsaid.add("kind")

    def _title_rows(self) -> None:
        self.above = lines_above(self.draft, self.dress, self.book)

    # writing

    def write(self, seed: int, place: Path) -> Guise:
        draft, rng = self.draft, self.rng
        stems = self._stems()
        inside, paths = place / "data" if rng.random() < 0.3 and len(stems) > 1 else place, []
        inside.mkdir(exist_ok=True)
        for stem, parts in stems:
            sheets = [self._sheet(name, each) for name, each in self._sheets(parts)]
            if self.book:
                path = inside / f"{stem}.xlsx"
                write_book(self._decoys(sheets), path, self.dress.quotes == "all")
            else:
                path = inside / f"{stem}{self.dress.suffix}{'.gz' if self.dress.zipped else ''}"
                write_text(sheets[0], path, self.dress)
            paths.append(path)
        given: Path | list[Path] = paths[0] if len(paths) == 1 else inside if inside != place else paths
        if inside != place:
            draft.features.add("a folder")
        self._say(sheets, len(paths))
        truth, also = self._truths()
        refusing = [each for each in UNANSWERABLE if each in draft.traps]
        return Guise(
            seed,
            given,
            None if {"density", "digitised"} & set(refusing) else truth,
            draft.kind,
            not draft.unsaid and not draft.traps,
            draft.answers,
            tuple(sorted(draft.features | {f"kind: {draft.kind}", f"names: {draft.style}"} | draft.traps)),
            tuple(sorted(draft.unsaid)),
            tuple(refusing),
            also,
            frozenset(self.beside),
        )

    def _stems(self) -> list[tuple[str, list[Part]]]:
        """Names of the files, and what each holds."""
        draft, rng, layout = self.draft, self.rng, self.layout
        names = layout.having("files")
        if not names:
            return [(rng.choice(("data", "measurement", "A7", "export_2024-03-11", "run")), draft.parts)]
        draft.features.add("several files")
        prefix = rng.choice(("", "", "HfO2_", "meas_"))
        serial = rng.random() < 0.08 and all(layout.labels.told.get(name, True) for name in names)
        sep = rng.choice(("_", "-", "_"))
        stems = []
        for number, (_, parts) in enumerate(groups(draft.parts, names)):
            told = [layout.labels.of(name, parts[0]) for name in names]
            if names == ["width"]:
                told = ["A", *told]
            stems.append((prefix + sep.join(told) + (f"{sep}{4711 + 3 * number}" if serial else ""), parts))
        if serial:
            draft.features.add("serial numbers in file names")
        return stems

    def _sheets(self, parts: list[Part]) -> list[tuple[str, list[Part]]]:
        names = self.layout.having("sheets")
        if not names:
            return [(getattr(self, "sheet_name", "Sheet1"), parts)]
        return [(self.layout.labels.of(names[0], each[0]), each) for _, each in groups(parts, names)]

    def _decoys(self, sheets: list[Sheet]) -> list[Sheet]:
        """The sheets, with one of notes or empty ones among them."""
        draft = self.draft
        draft.features.add("workbook")
        draft.answers["sheet"] = ",".join(sheet.name for sheet in sheets)
        if self.rng.random() < 0.15:
            draft.features.add("a sheet of notes")
            return [*sheets, Sheet([["Notes"], ["measured after forming"], ["contact: JS"]], name="Notes")]
        if self.rng.random() < 0.15:
            draft.features.add("empty sheets")
            return [*sheets, Sheet([], name="Blank2"), Sheet([], name="Blank3")]
        return sheets

    def _sheet(self, name: str, parts: list[Part]) -> Sheet:
        layout, draft = self.layout, self.draft
        panels = [each for how in ("side", "stack") for each in layout.having(how)]
        tables, titles = [], []
        for _, each in groups(parts, panels) if panels else [((), parts)]:
            columns = columns_of(layout, each)
            columns += [replace(extra(columns), beside=True) for extra in self.extras]
            columns = self._arranged(columns)
            tables.append(table(columns, draft.style, self.comments))
            told = panels and (panels[0] == "direction" or layout.labels.told[panels[0]])
            titles.append(layout.labels.of(panels[0], each[0]) if told else "")
        if self.panel == "side":
            gap = getattr(self, "gap", None)
            gap = self.gap = self.rng.choice((0, 1, 1)) if gap is None else gap
            rows = beside(tables, titles, gap)
            draft.answers["blocks"] = "empty-column" if gap else "repeated-names"
            draft.features.add(f"blocks side by side: {draft.answers['blocks']}")
        else:
            rows = below(tables, titles) if self.panel else tables[0]
            draft.answers["blocks"] = "empty-row" if self.panel else "none"
        if self.panel == "stack":
            draft.features.add("blocks below each other")
        self.titled = bool(titles[0])
        return Sheet(rows, self.above, name)

    def _arranged(self, columns: list[Column]) -> list[Column]:
        """Columns permuted, rows shuffled, pulse numbers digitised, names without blanks, as drawn once."""
        draft, rng, layout = self.draft, self.rng, self.layout
        if self.digitised:
            digitised(draft, columns)
        if not hasattr(self, "order"):
            permuted = not self.wide and not self.nameless and draft.chance(0.3, "columns permuted")
            self.order = rng.sample(range(len(columns)), len(columns)) if permuted else range(len(columns))
            told = not set(draft.hows.values()) & {"order", "sign"} and (layout.index != "none" or layout.axis)
            told = told and (draft.kind != "sweeps" or layout.index != "none") and not layout.twice
            told = told and not draft.features & {"time column", "copy: moving average"}
            self.mixed = told and not self.digitised and not self.nameless and draft.chance(0.12, "rows shuffled")
        columns = [columns[k] for k in self.order]
        if self.mixed:
            columns = shuffled(rng, columns)
        if self.dress.delimiter.strip(" ") == "" and not self.book:
            columns = [self._joined(column) for column in columns]
        names = [column.name(draft.style) for column in columns]
        self.beside |= {name for column, name in zip(columns, names, strict=True) if column.beside}
        if not self.nameless and not self.wide and len(set(names)) == len(names):
            self._map(columns, names)
        return columns

    def _joined(self, column: Column) -> Column:
        """Without blanks, for files that blanks divide."""
        cells = [cell.replace(" ", "_") or "nan" for cell in column.cells]
        cells = [Num(cell) if isinstance(was, Num) else cell for cell, was in zip(cells, column.cells, strict=True)]
        return replace(
            column,
            word=column.word.replace(" ", "_"),
            qualifier=column.qualifier.replace(" ", "_"),
            unit=column.unit.replace(" ", ""),
            cells=cells,
            tight=True,
        )

    def _map(self, columns: Iterable[Column], names: list[str]) -> None:
        state = {"conductance": "conductance_s", "current": "read_current_a", "resistance": "resistance_ohm"}
        state |= {"weight": "weight", "change": "weight_change"}
        own = "current_a" if self.draft.kind == "sweeps" else state[self.draft.quantity]
        made = {}
        for column, name in zip(columns, names, strict=True):
            if column.role:
                made[own if column.role == "state" else column.role] = name
        self.draft.answers["columns"] = made

    def _say(self, sheets: list[Sheet], files: int) -> None:
        """Answers about the table itself."""
        draft = self.draft
        answers = draft.answers
        answers["skip"] = len(self.above) + (1 if self.titled else 0)
        answers["header"] = 0 if self.nameless else 1
        answers["units_row"] = draft.style.startswith(("units row", "origin"))
        if self.digitised:
            answers.pop("pulses"), answers.pop("columns", None)
        if "time in S" in draft.traps:
            answers.pop("unit", None), answers.pop("columns", None)

    def _truths(self) -> tuple[pd.DataFrame, tuple[pd.DataFrame, ...]]:
        draft = self.draft
        frame = pd.concat([self._frame(part) for part in draft.parts], ignore_index=True)
        frame = frame[np.isfinite(frame.iloc[:, -1])].reset_index(drop=True)
        if draft.kind == "sweeps" and draft.hows["cycle"] == "order":
            whole = frame.assign(cycle=1, point=frame.groupby("device_id").cumcount())
            return frame, (whole,)
        return frame, ()

    def _frame(self, part: Part) -> pd.DataFrame:
        draft, keys = self.draft, part.keys
        given: dict[str, Any] = {"device_id": f"device {keys['device']}"}
        if draft.kind == "pulses":
            given |= {"cycle": keys["cycle"], "direction": keys["direction"]}
            if "width" in keys:
                given["pulse_width_s"] = keys["width"]
            given["pulse_index"] = np.arange(part.size)
            given["weight" if draft.quantity == "weight" else "conductance_s"] = part.truth["state"]
        elif draft.kind == "sweeps":
            given |= {"cycle": keys["cycle"], "point": np.arange(part.size), "voltage_v": part.truth["voltage"]}
            given["current_a"] = part.truth["state"]
        elif draft.kind == "endurance":
            given |= {"cycle": part.truth["number"].astype(int), "level": keys["level"]}
            given["conductance_s"] = part.truth["state"]
        elif draft.kind == "retention":
            given |= {"level": keys["level"], "time_s": part.truth["time"], "conductance_s": part.truth["state"]}
        else:
            if draft.hows["repeat"] == "column":
                given["repeat"] = keys["repeat"]
            given |= {"spike_delay_s": part.truth["delay"], "weight_change": part.truth["state"]}
        return pd.DataFrame(given)
