"""Generator of laboratory files: known data, written in one of many layouts.

`make_case(seed, folder)` writes the files and returns their meaning. A careful reader with the files and the answers
arrives at `truth`; one who reads something else without a question reads them wrong.
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
from extras import digitise, draw_extras
from grids import STYLES, Column, Num, Sheet, build_table, place_below, place_beside, shuffle_rows
from layouts import build_columns, group_parts
from measurements import Part
from text_format import draw_lines_above, draw_text_format
from writing import write_book, write_text


@dataclass(frozen=True)
class Case:
    """One generated measurement: files, truth, and the answers to questions.

    Parameters
    ----------
    seed : int
        Seed of the generator.
    path : Path or list of Path
        A file, several files, or a folder.
    truth : DataFrame, optional
        Values in SI under devicekit's names; None if nothing may be read from the files.
    also : tuple of DataFrame
        Other correct readings.
    kind : str
        pulses, sweeps, endurance, retention or stdp.
    stated : bool
        Every state and axis has a word and a unit; words name kind, devices, cycles and directions.
    unstated : tuple of str
        What is not stated: numbers, word, kind, parts, trains, names, voltage.
    traps : tuple of str
        What must not be read without a question, and no option settles.
    answers : dict
        Field of `ReadOptions` -> its true value.
    features : tuple of str
        Features of the layout.
    beside : frozenset of str
        Names of columns that are duplicates or constants.
    """

    seed: int
    path: Path | list[Path]
    truth: pd.DataFrame | None
    kind: str
    stated: bool
    answers: dict[str, Any]
    features: tuple[str, ...]
    unstated: tuple[str, ...] = ()
    traps: tuple[str, ...] = ()
    also: tuple[pd.DataFrame, ...] = ()
    beside: frozenset[str] = frozenset()

    @property
    def files(self) -> list[Path]:
        if isinstance(self.path, list):
            return self.path
        return sorted(self.path.iterdir()) if self.path.is_dir() else [self.path]


UNANSWERABLE = ("density", "digitised", "thousands or decimals", "time in S")
NEEDS = {"numbers", "kind", "parts", "trains"}  # each of them costs a question


def make_case(seed: int, folder: Path) -> Case:
    """Write the case of a seed into a new folder inside `folder`."""
    for attempt in count():
        rng = random.Random(f"{seed}/{attempt}")
        maker = _CaseBuilder(rng)
        if len(maker.draft.unstated & NEEDS) <= 1 or rng.random() < 0.06:
            break
    place = folder / f"case{seed}"
    place.mkdir(parents=True)
    return maker.write(seed, place)


class _CaseBuilder:
    """Builder of one case; it draws first and writes later."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        kind = rng.choices(tuple(KINDS), tuple(KINDS.values()))[0]
        draft = self.draft = Draft(rng, kind)
        drafts.draw_measurements(draft)
        self.comments = rng.choice(("", "raw"))
        self.beside: set[str] = set()
        self.wide = "wide" in draft.placements.values()
        self.panel = next((how for how in ("side", "stack") if how in draft.placements.values()), "")
        self.book = "sheets" in draft.placements.values() or draft.chance(0.12)
        self._draw_style()
        drafts.draw_numbers(draft)
        if draft.voltage_place == "name" and draft.style in ("underscore", "in", "space", "slash", "wide slash"):
            draft.style = "round"
        self.layout = drafts.draw_layout(draft)
        drafts.drop_readings(draft)
        self.extras = [] if self.unnamed else draw_extras(draft, self.layout)
        self.digitised = (
            kind == "pulses"
            and draft.placements["direction"] in ("column", "sign")
            and self.layout.index == "running"
            and not self.panel
            and draft.chance(0.06)
        )
        if self.digitised:
            draft.traps.add("digitised")
        self._collect_unstated()
        self.text_format = draw_text_format(draft, self.book, self.layout, self.panel, self.unnamed)
        self._draw_title_rows()

    def _draw_style(self) -> None:
        """Draw how units are written with names."""
        draft = self.draft
        style = draft.rng.choice(STYLES)
        fits = not (self.wide and style in ("underscore", "in", "space"))
        fits = fits and not (self.panel and style.startswith("origin"))
        draft.style = style if fits else "round"
        if style == "units row" and draft.rng.random() < 0.2:
            draft.style = "units row in brackets"
        unnamed = draft.kind in ("pulses", "sweeps") and "column" not in draft.placements.values() and not self.panel
        unnamed = unnamed and not set(draft.placements.values()) & {"sign", "files", "sheets"}
        self.unnamed = unnamed and draft.chance(0.4, "no names")
        if self.unnamed:
            draft.style = "none"

    def _collect_unstated(self) -> None:
        """Collect what the file does not state in words."""
        draft, layout = self.draft, self.layout
        placements, unstated = draft.placements, draft.unstated
        if self.unnamed:
            unstated |= {"numbers", "names"}
            layout.before = True
        for name in ("device", "cycle"):
            how = placements.get(name, "none")
            if how in ("wide", "files", "sheets", "side", "stack"):
                named = layout.labels.named[name]
                if not named or self.unnamed:
                    unstated.add("parts")
                draft.features.add(f"{name}: {how}" + ("" if named else ", unnamed"))
                if how != "stack" or not named:
                    draft.answers[{"files": "files_are", "sheets": "sheets_are"}.get(how, "columns_are")] = f"{name}s"
            elif how != "none":
                draft.features.add(f"{name}: {how}")
        for how in ("files", "sheets"):
            named = {
                name: layout.labels.patterns[name] for name in layout.names_placed(how) if name in ("device", "cycle")
            }
            if named:
                draft.answers["key"] = draft.answers.get("key", {}) | named
        if len(layout.names_placed("files")) > 1 and "cycle" in layout.names_placed("files"):
            draft.answers.pop("files_are", None)  # files are both: key answers it
        if draft.kind == "pulses":
            self._collect_unstated_pulses()
        elif draft.kind == "sweeps" and placements["cycle"] == "order":
            unstated.add("cycles")
        elif draft.kind == "retention" and placements["level"] == "none":
            unstated.add("kind")
        if self.wide and not self.unnamed and draft.kind != "stdp" and self.rng.random() < 0.2:
            layout.worded = False
            unstated.add("word")
            draft.features.add("wide names without a quantity")
        if self.wide and not layout.worded and not draft.unit.spelled:
            unstated.add("numbers")

    def _collect_unstated_pulses(self) -> None:
        draft, layout = self.draft, self.layout
        how = draft.placements["direction"]
        if how == "order":
            draft.unstated.add("trains")
        learning = how not in ("order", "sign") and layout.labels.forms["direction"]("ltp").lower()[:3] in (
            "ltp",
            "pot",
        )
        index = layout.index != "none" and "pulse" in layout.words["index"].lower()
        if not (learning or index or how == "sign"):
            draft.unstated.add("kind")

    def _draw_title_rows(self) -> None:
        self.above = draw_lines_above(self.draft, self.text_format, self.book)

    # writing

    def write(self, seed: int, place: Path) -> Case:
        draft, rng = self.draft, self.rng
        stems = self._plan_files()
        inside, paths = place / "data" if rng.random() < 0.3 and len(stems) > 1 else place, []
        inside.mkdir(exist_ok=True)
        for stem, parts in stems:
            sheets = [self._build_sheet(name, each) for name, each in self._plan_sheets(parts)]
            if self.book:
                path = inside / f"{stem}.xlsx"
                write_book(self._add_other_sheets(sheets), path, self.text_format.quotes == "all")
            else:
                path = inside / f"{stem}{self.text_format.suffix}{'.gz' if self.text_format.zipped else ''}"
                write_text(sheets[0], path, self.text_format)
            paths.append(path)
        given: Path | list[Path] = paths[0] if len(paths) == 1 else inside if inside != place else paths
        if inside != place:
            draft.features.add("a folder")
        self._add_answers(sheets, len(paths))
        truth, also = self._build_truths()
        refusing = [each for each in UNANSWERABLE if each in draft.traps]
        return Case(
            seed,
            given,
            None if {"density", "digitised"} & set(refusing) else truth,
            draft.kind,
            not draft.unstated and not draft.traps,
            draft.answers,
            tuple(sorted(draft.features | {f"kind: {draft.kind}", f"names: {draft.style}"} | draft.traps)),
            tuple(sorted(draft.unstated)),
            tuple(refusing),
            also,
            frozenset(self.beside),
        )

    def _plan_files(self) -> list[tuple[str, list[Part]]]:
        """Return the names of the files, and the parts in each."""
        draft, rng, layout = self.draft, self.rng, self.layout
        names = layout.names_placed("files")
        if not names:
            return [(rng.choice(("data", "measurement", "A7", "export_2024-03-11", "run")), draft.parts)]
        draft.features.add("several files")
        prefix = rng.choice(("", "", "HfO2_", "meas_"))
        serial = rng.random() < 0.08 and all(layout.labels.named.get(name, True) for name in names)
        sep = rng.choice(("_", "-", "_"))
        stems = []
        for number, (_, parts) in enumerate(group_parts(draft.parts, names)):
            words = [layout.labels.of(name, parts[0]) for name in names]
            if names == ["width"]:
                words = ["A", *words]
            stems.append((prefix + sep.join(words) + (f"{sep}{4711 + 3 * number}" if serial else ""), parts))
        if serial:
            draft.features.add("serial numbers in file names")
        return stems

    def _plan_sheets(self, parts: list[Part]) -> list[tuple[str, list[Part]]]:
        names = self.layout.names_placed("sheets")
        if not names:
            return [(getattr(self, "sheet_name", "Sheet1"), parts)]
        return [(self.layout.labels.of(names[0], each[0]), each) for _, each in group_parts(parts, names)]

    def _add_other_sheets(self, sheets: list[Sheet]) -> list[Sheet]:
        """Return the sheets, some with sheets of notes or empty ones added."""
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

    def _build_sheet(self, name: str, parts: list[Part]) -> Sheet:
        layout, draft = self.layout, self.draft
        panels = [each for how in ("side", "stack") for each in layout.names_placed(how)]
        tables, titles = [], []
        for _, each in group_parts(parts, panels) if panels else [((), parts)]:
            columns = build_columns(layout, each)
            columns += [replace(extra(columns), beside=True) for extra in self.extras]
            columns = self._arrange(columns)
            tables.append(build_table(columns, draft.style, self.comments))
            titled = panels and (panels[0] == "direction" or layout.labels.named[panels[0]])
            titles.append(layout.labels.of(panels[0], each[0]) if titled else "")
        if self.panel == "side":
            gap = getattr(self, "gap", None)
            gap = self.gap = self.rng.choice((0, 1, 1)) if gap is None else gap
            rows = place_beside(tables, titles, gap)
            draft.answers["blocks"] = "empty-column" if gap else "repeated-names"
            draft.features.add(f"blocks side by side: {draft.answers['blocks']}")
        else:
            rows = place_below(tables, titles) if self.panel else tables[0]
            draft.answers["blocks"] = "empty-row" if self.panel else "none"
        if self.panel == "stack":
            draft.features.add("blocks below each other")
        self.titled = bool(titles[0])
        return Sheet(rows, self.above, name)

    def _arrange(self, columns: list[Column]) -> list[Column]:
        """Permute columns, shuffle rows, digitise pulse numbers, remove blanks from names, as drawn once."""
        draft, rng, layout = self.draft, self.rng, self.layout
        if self.digitised:
            digitise(draft, columns)
        if not hasattr(self, "order"):
            permuted = not self.wide and not self.unnamed and draft.chance(0.3, "columns permuted")
            self.order = rng.sample(range(len(columns)), len(columns)) if permuted else range(len(columns))
            ordered = not set(draft.placements.values()) & {"order", "sign"} and (layout.index != "none" or layout.axis)
            ordered = ordered and (draft.kind != "sweeps" or layout.index != "none") and not layout.twice
            ordered = ordered and not draft.features & {"time column", "copy: moving average"}
            self.mixed = ordered and not self.digitised and not self.unnamed and draft.chance(0.12, "rows shuffled")
        columns = [columns[k] for k in self.order]
        if self.mixed:
            columns = shuffle_rows(rng, columns)
        if self.text_format.delimiter.strip(" ") == "" and not self.book:
            columns = [self._remove_blanks(column) for column in columns]
        names = [column.name(draft.style) for column in columns]
        self.beside |= {name for column, name in zip(columns, names, strict=True) if column.beside}
        if not self.unnamed and not self.wide and len(set(names)) == len(names):
            self._add_map(columns, names)
        return columns

    def _remove_blanks(self, column: Column) -> Column:
        """Return a column without blanks, for files with blanks as delimiter."""
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

    def _add_map(self, columns: Iterable[Column], names: list[str]) -> None:
        state = {"conductance": "conductance_s", "current": "read_current_a", "resistance": "resistance_ohm"}
        state |= {"weight": "weight", "change": "weight_change"}
        own = "current_a" if self.draft.kind == "sweeps" else state[self.draft.quantity]
        made = {}
        for column, name in zip(columns, names, strict=True):
            if column.role:
                made[own if column.role == "state" else column.role] = name
        self.draft.answers["columns"] = made

    def _add_answers(self, sheets: list[Sheet], files: int) -> None:
        """Add the answers about the table itself."""
        draft = self.draft
        answers = draft.answers
        answers["skip"] = len(self.above) + (1 if self.titled else 0)
        answers["header"] = 0 if self.unnamed else 1
        answers["units_row"] = draft.style.startswith(("units row", "origin"))
        if self.digitised:
            answers.pop("pulses"), answers.pop("columns", None)
        if "time in S" in draft.traps:
            answers.pop("unit", None), answers.pop("columns", None)

    def _build_truths(self) -> tuple[pd.DataFrame, tuple[pd.DataFrame, ...]]:
        draft = self.draft
        frame = pd.concat([self._build_frame(part) for part in draft.parts], ignore_index=True)
        frame = frame[np.isfinite(frame.iloc[:, -1])].reset_index(drop=True)
        if draft.kind == "sweeps" and draft.placements["cycle"] == "order":
            whole = frame.assign(cycle=1, point=frame.groupby("device_id").cumcount())
            return frame, (whole,)
        return frame, ()

    def _build_frame(self, part: Part) -> pd.DataFrame:
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
            if draft.placements["repeat"] == "column":
                given["repeat"] = keys["repeat"]
            given |= {"spike_delay_s": part.truth["delay"], "weight_change": part.truth["state"]}
        return pd.DataFrame(given)
