"""Goldens of recipes: a sample file, and the rows, ranges and hash of the table that it must give."""

from __future__ import annotations

import hashlib
import random
import re
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from devicekit.core.errors import DevicekitError, FileError, UsageError
from devicekit.core.quantities import GLOSSARY
from devicekit.readers import made, read, recipe
from devicekit.readers.layout import Layout
from devicekit.readers.layouts import delimiters
from devicekit.readers.source import Source
from devicekit.system import files, writing
from devicekit.system.options import ReadOptions
from devicekit.system.ownmark import TOOL
from devicekit.tables import Table

FOLDER = "goldens"  # beside the recipes
LARGEST = 1 << 20  # bytes of a sample
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")
_SPLIT = {"tab": "(\t)", "semicolon": "(;)", "comma": "(,)", "bar": r"(\|)", "blanks": r"(\s+)", "none": r"(\n)"}
_POWERS = {"V": (1, 0), "A": (0, 1), "ohm": (1, -1), "S": (-1, 1), "J": (1, 1), "W": (1, 1)}  # of volt and ampere


@dataclass(frozen=True)
class Golden:
    """What the sample of a recipe must give.

    Parameters
    ----------
    file : str
        Name of the sample.
    kind : str
        Kind of table.
    rows : int
        Number of rows.
    ranges : mapping of str to (float, float)
        Smallest and largest number of each column, in SI units.
    sha256 : str
        Hash of the canonical table: its columns as CSV, 12 digits.
    """

    file: str
    kind: str
    rows: int
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    sha256: str = ""

    @classmethod
    def of(cls, table: Table, file: str) -> Golden:
        """Return the golden of a table."""
        frame = table.frame
        numbers = frame.select_dtypes("number").dropna(axis=1, how="all")
        ranges = {str(name): (float(f"{c.min():.6g}"), float(f"{c.max():.6g}")) for name, c in numbers.items()}
        text = frame.to_csv(index=False, float_format="%.12g", lineterminator="\n")
        return cls(file, table.kind, len(frame), ranges, hashlib.sha256(text.encode()).hexdigest())

    @classmethod
    def load(cls, path: Path) -> Golden:
        """Read a golden.

        Raises
        ------
        FileError
            If the file is missing or is not a golden.
        """
        content = files.read_json(path)
        try:
            ranges = {name: (float(low), float(high)) for name, (low, high) in content["ranges"].items()}
            return cls(content["file"], content["kind"], int(content["rows"]), ranges, content["sha256"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise FileError(f"{path.name} is not a golden of a recipe: {error!r}") from error

    def differences(self, other: Golden) -> list[str]:
        """Return how another golden differs, the largest difference first; empty for equal tables."""
        if self.sha256 == other.sha256:
            return []
        found = [f"kind {other.kind}, not {self.kind}"] if other.kind != self.kind else []
        found += [f"{other.rows} rows, not {self.rows}"] if other.rows != self.rows else []
        for name in {**self.ranges, **other.ranges}:
            before, after = self.ranges.get(name), other.ranges.get(name)
            if before != after:
                found.append(f"{name}: {_describe_range(after)}, not {_describe_range(before)}")
        return found or ["numbers between the least and the largest, or words"]


def _describe_range(limits: tuple[float, float] | None) -> str:
    return "no numbers" if limits is None else f"{limits[0]:g} to {limits[1]:g}"


def check(path: Path, folder: Path) -> list[str]:
    """Read the sample of a recipe again; return what differs from the golden, empty if nothing does.

    Parameters
    ----------
    path : Path
        The recipe.
    folder : Path
        Folder of the golden, NAME.json, and its sample.

    Raises
    ------
    FileError
        If the recipe has no golden.
    """
    golden = Golden.load(folder / f"{path.stem}.json")
    sample = folder / Path(golden.file).name
    loaded = recipe.load(path)
    is_applied = any(each.is_applied for each in recipe.list_known() if each.path == path)
    try:
        table = read(sample, ReadOptions(recipe=None if is_applied else path, accept=True))
    except DevicekitError as error:
        return [error.message]
    if is_applied and made.notice(loaded) not in table.warnings:
        return ["its fingerprint does not find the sample"]
    return golden.differences(Golden.of(table, golden.file))


def add(name: str, file: Path, options: ReadOptions, about: str = "", scramble: bool = False) -> tuple[Path, Golden]:
    """Read a file by options and keep how as a recipe of the user, with a golden.

    Parameters
    ----------
    name : str
        Name of the recipe.
    file : Path
        File whose layout is kept, and which is the sample of the golden.
    options : ReadOptions
        Reading options.
    about : str
        One sentence on the make.
    scramble : bool
        True for a sample whose numbers are scaled by secret factors.

    Returns
    -------
    Path
        The recipe.
    Golden
        What its sample gives.

    Raises
    ------
    UsageError
        If the name is not one, the recipe exists, the file needs none, or its recipe does not read it again.
    """
    if not NAME.fullmatch(name) or name == recipe.NONE:
        raise UsageError(f"{name!r} is not a name of a recipe: use small letters, digits and hyphens")
    target = recipe.own_folder() / f"{name}.toml"
    if files.is_file(target):
        raise UsageError(f"recipe {name} exists ({target}). Choose another name.")
    table = read(file, options)
    layout: Layout = table.meta["layout"]
    if layout.format != "table":
        raise UsageError(f"{file.name} is of format {layout.format}, which needs no recipe")
    if file.stat().st_size > LARGEST:
        raise UsageError(f"{file.name} has more than {LARGEST >> 20} MiB. Take a shorter file of the same make.")
    data = scramble_text(Source(file), layout).encode() if scramble else file.read_bytes()
    text = layout.toml()
    if about:
        text = text.replace("[recipe]\nversion = 1\n", f"[recipe]\nversion = 1\nabout = {_quote(about)}\n")
    sample = target.parent / FOLDER / f"{name}{''.join(file.suffixes[-2:]) if file.suffix == '.gz' else file.suffix}"
    sample.parent.mkdir(parents=True, exist_ok=True)
    written = [target, sample]
    try:
        writing.write_text(target, text)
        writing.write_bytes(sample, data)
        again = read(sample, ReadOptions(recipe=target, accept=True))
        if (again.kind, len(again.frame)) != (table.kind, len(table.frame)):
            raise UsageError(f"recipe {name} reads its sample otherwise: {again.kind}, {len(again.frame)} rows")
        golden = Golden.of(again, sample.name)
        written.append(sample.parent / f"{name}.json")
        writing.write_json(written[-1], {"tool": TOOL, **asdict(golden)})
        if found := check(target, sample.parent):
            raise UsageError(f"recipe {name} is not kept, for it does not read its sample again: {found[0]}")
    except DevicekitError:
        for each in written:
            each.unlink(missing_ok=True)
        raise
    return target, golden


def _quote(text: str) -> str:
    return '"' + " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"') + '"'


def scramble_text(source: Source, layout: Layout) -> str:
    """Return the text of a file with the numbers of its columns scaled by factors that are not kept.

    One factor is for all voltages, one for all currents, and so on: what is 0, rises or is equal stays so, and
    names and words stay.

    Raises
    ------
    UsageError
        If the file is not a text of rows and columns.
    """
    if source.workbook_kind or layout.delimiter not in _SPLIT:
        raise UsageError(f"{source.path.name} is not a text file: only the numbers of text files can be scrambled")
    chance = random.Random(secrets.randbits(64))
    scale = {unit: chance.uniform(0.7, 1.4) for unit in ("V", "A", "s", "other")}
    named = {column.name: column for column in layout.columns}
    columns = list(named.values())
    changes = [_change_of(column.role, column.log10, scale) for column in columns]
    lines = source.text.split("\n")
    splitter, start = re.compile(_SPLIT[layout.delimiter]), layout.stated.skip or 0
    start += (layout.stated.header or 0) + bool(layout.stated.units_row) + layout.comment_rows
    return "\n".join(
        line if number < start else _scramble_line(line, splitter, changes) for number, line in enumerate(lines)
    )


def _change_of(role: str, log10: bool, scale: dict[str, float]) -> tuple[float, float] | None:
    """Return factor and offset of a column; None for one of numbers that count or name."""
    unit = GLOSSARY[role].unit if role in GLOSSARY else "other" if role in ("value", "keep", "ignore") else ""
    if not unit or unit == "K":
        return None
    powers = _POWERS.get(unit)
    factor = scale["V"] ** powers[0] * scale["A"] ** powers[1] if powers else scale["s" if unit == "s" else "other"]
    return (1.0, float(np.log10(factor))) if log10 else (factor, 0.0)


def _scramble_line(line: str, splitter: re.Pattern[str], changes: list[tuple[float, float] | None]) -> str:
    parts, at = splitter.split(line), 0
    for k in range(0, len(parts), 2):
        if not parts[k].strip():
            at += splitter.pattern != r"(\s+)"
            continue
        change = changes[at % len(changes)]  # tables that stand beside each other repeat the columns
        cell, at = parts[k], at + 1
        if change is not None and delimiters.is_number(cell.strip(' "\r')):
            number = cell.strip(' "\r')
            parts[k] = cell.replace(number, _scale(number, *change), 1)
    return "".join(parts)


def _scale(cell: str, factor: float, offset: float) -> str:
    """Return a number changed and written in its own form."""
    point = cell.replace(",", ".") if cell.count(",") == 1 and "." not in cell else cell.replace(",", "")
    value = factor * float(point) + offset
    mantissa, mark, _ = re.split(r"([eE])", point, maxsplit=1) if re.search("[eE]", point) else (point, "", "")
    places = len(mantissa.partition(".")[2])
    if mark:
        text = f"{value:.{places}e}".replace("e", mark)
    else:
        fixed = f"{value:.{places}f}"
        text = fixed if places and (float(fixed) or not value) else f"{value:.6g}"
    return text.replace(".", ",") if point != cell and "," in cell else text
