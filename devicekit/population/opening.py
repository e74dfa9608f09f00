"""Opening of a folder of many cells: its files, what their names say, how they are read, and one question about it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from devicekit.core.errors import Choice, DevicekitError, FileError, Question, QuestionError, UsageError
from devicekit.core.text import count
from devicekit.population.grammar import Grammar, Sample, find_grammar
from devicekit.population.measure import Entry, checksums, natural_key
from devicekit.population.reading import EMPTY, NO_MEASUREMENTS, Makes, Trace, may_hold_rows, open_makes
from devicekit.population.templates import PLACES, STEP_WORDS, Keys, Template, read_keys, shown_number, shown_order
from devicekit.readers.multiple_files import may_hold_data
from devicekit.system import files
from devicekit.system.answers import Answered, ask_person
from devicekit.system.left_out import LeftOut
from devicekit.system.options import ReadOptions
from devicekit.tables import SweepTable

SAMPLED = 120  # files whose make is learned, at most
MOST_FILES = 50_000
SHOWN = 6  # values of a field
ANOTHER_FORM = "its name has another form"
UNITS = ("A", "mA", "uA", "nA")
AT_LIMIT = 0.02  # relative deviation of the largest current from the limit in a name
FEWEST_AT_LIMIT = 3  # files that show the unit of the current by their limit


@dataclass(frozen=True)
class Opened:
    """A folder that can be measured.

    Attributes
    ----------
    name : str
    entries : list of Entry
        Files with what their names say.
    makes : Makes
    templates : tuple of Template
    left_out : list of LeftOut
    reading : ReadOptions
        With the answers.
    seen : tuple of str
        Evidence for the fields of the names, and for the unit.
    measured : (int, int)
        Measurement files in the folder, and those of them that the templates fit.
    """

    name: str
    entries: list[Entry]
    makes: Makes
    templates: tuple[Template, ...]
    left_out: list[LeftOut]
    reading: ReadOptions
    seen: tuple[str, ...]
    measured: tuple[int, int]

    @property
    def question(self) -> Question:
        """The question whether the fields of the names are right."""
        return _question(self.templates, [each.keys for each in self.entries], self.seen, *self.measured)


def list_files(folder: Path) -> tuple[list[Path], list[LeftOut]]:
    """Return the files of a folder and its subfolders that may hold measurements, and those that do not.

    Raises FileError if there is none, or very many.
    """
    if not files.is_folder(folder):
        first = "Unpack it, and name" if folder.suffix.lower() == ".zip" and folder.is_file() else "Name"
        raise FileError(f"{folder} is not a folder. {first} the folder that holds the files of all cells.")
    inside = [path for path in folder.rglob("*") if not path.is_dir() and not path.name.startswith(".")]
    inside = [path for path in inside if not any(part.startswith(".") for part in path.relative_to(folder).parts)]
    if len(inside) > MOST_FILES:
        raise FileError(f"{folder} holds {len(inside)} files; at most {MOST_FILES}. Name a smaller folder.")
    inside.sort(key=lambda path: natural_key(str(path.relative_to(folder))))
    sizes = {path: path.stat().st_size if path.exists() else None for path in inside}
    good = [path for path, size in sizes.items() if size is not None and may_hold_data(path)]
    kept = set(good)
    left = [
        LeftOut(str(path.relative_to(folder)), {0: EMPTY, None: "links to no file"}.get(size, NO_MEASUREMENTS))
        for path, size in sizes.items()
        if path not in kept
    ]
    if not good:
        raise FileError(f"{folder} holds no files of measurements.")
    return good, left


def stem_of(path: Path, folder: Path) -> str:
    """Return the name of a file in its folder without its ending: W1/D3/set_001."""
    name = path.relative_to(folder)
    ending = name.suffix if re.fullmatch(r"\.[A-Za-z]\w{0,4}", name.suffix) else ""
    return name.as_posix().removesuffix(ending)


def find_templates(folder: Path) -> Grammar:
    """Return the grammar of the file names of a folder, without reading the files."""
    paths, _ = list_files(folder)
    return find_grammar([stem_of(path, folder) for path in paths])


def is_population(folder: Path) -> bool:
    """Return whether the names in a folder say that it holds steps of several cells, and its files hold no trains."""
    if not files.is_folder(folder):
        return False
    try:
        paths, _ = list_files(folder)
    except DevicekitError:
        return False
    stems = [stem_of(path, folder) for path in paths]
    templates = find_grammar(stems).templates
    if not templates or not any("step" in each.fields for each in templates):
        return False
    keys = [found for stem in stems if (found := read_keys(stem, templates)) is not None]
    several = len({each.cell for each in keys}) > 1 and len({each.step for each in keys}) > 1
    return several and not _holds_trains(paths[0])


def _holds_trains(path: Path) -> bool:
    """Return whether a file is read as pulse trains without a question."""
    from devicekit.readers import read

    try:
        return read(path).kind == "pulse"
    except DevicekitError:
        return False


def open_folder(folder: Path, reading: ReadOptions, given: Sequence[str] = ()) -> Opened:
    """Find out what the names of a folder say and how its files are read; ask once about all that is inferred.

    Raises QuestionError if the fields of the names are not confirmed by a person, an option or templates. Raises
    UsageError or FileError if another kind of data is stated, a template fits no file, names have no form in common, or
    no file can be read.

    Parameters
    ----------
    folder : Path
    reading : ReadOptions
    given : sequence of str
        Templates of names; found by themselves if not given.
    """
    if reading.kind not in (None, SweepTable.kind):
        raise UsageError(f"A population is of voltage sweeps; kind={reading.kind} does not apply. Remove it.")
    paths, left = list_files(folder)
    stems = {path: stem_of(path, folder) for path in paths}
    some = _spread(paths, SAMPLED)
    holding = {path for path in paths if may_hold_rows(path)}
    templates = tuple(Template(each) for each in given) or find_grammar(list(stems.values())).templates
    if not given:
        _check_common(templates, stems, holding)
    makes, reading, evidence = _open(some, reading, templates, stems)
    seen: tuple[str, ...] = ()
    if not given:
        samples = {stems[path]: found for path in _spread(some, 40) if (found := _sample(path, makes)) is not None}
        grammar = find_grammar(list(stems.values()), samples)
        templates, seen = grammar.templates, grammar.seen
        _check_common(templates, stems, holding)
    keys = {path: read_keys(stem, templates, path.suffix) for path, stem in stems.items()}
    good = [path for path in paths if keys[path] is not None]
    left += [LeftOut(str(path.relative_to(folder)), ANOTHER_FORM) for path in paths if keys[path] is None]
    if not good:
        raise UsageError(f"template={templates[0].text!r} fits none of {len(paths)} names, such as {stems[paths[0]]}.")
    named = [own for path in good if (own := keys[path]) is not None]
    measured = len(holding), len(holding.intersection(good))
    if not given and not reading.accept:
        question = _question(templates, named, [*seen, *evidence], *measured)
        state = ask_person(QuestionError(folder.name or str(folder), question), Answered(reading))
        reading = state.options
    sums = checksums(good)
    entries = [
        Entry(path, path.relative_to(folder).as_posix(), each, sha256)
        for path, each, sha256 in zip(good, named, sums, strict=True)
    ]
    name = folder.resolve().name or str(folder)
    return Opened(name, entries, makes, templates, left, reading, (*seen, *evidence), measured)


def _check_common(templates: Sequence[Template], stems: dict[Path, str], holding: Set[Path]) -> None:
    """Refuse templates found in names that fit half of the measurement files or fewer; `holding` rows of numbers.

    Raises UsageError.
    """
    fits = {path: read_keys(stem, templates) is not None for path, stem in stems.items()}
    others = [path for path, own in fits.items() if not own and path in holding]
    used = sum(fits.values())
    if not others or used > len(others):
        return
    total, other = count(used + len(others), "measurement file"), stems[others[0]]
    found = f"{used} of {total} would be used: other names" if used else f"The names of {total}"
    raise UsageError(
        f"{found} have no form in common, such as {other}. Describe them: template='W{{wafer}}_{{cell}}_{{step}}', or "
        "template='{cell}' for one cell a file."
    )


def _spread(paths: Sequence[Path], most: int) -> list[Path]:
    """Return some of many files, evenly spread."""
    step = max(1, -(-len(paths) // most))
    return list(paths[::step])


def _sample(path: Path, makes: Makes) -> Sample | None:
    """Return what a file shows; None of one that cannot be read, or without a sweep."""
    try:
        trace, _ = makes.read(path)
    except DevicekitError:
        return None
    v = trace.voltage
    if v.size < 3 or np.ptp(v) == 0:
        return None
    return Sample(float(v[0]), float(v[np.argmax(np.abs(v))]), trace.rate, float(np.abs(trace.current).max()))


def _open(
    paths: Sequence[Path], reading: ReadOptions, templates: Sequence[Template], stems: dict[Path, str]
) -> tuple[Makes, ReadOptions, tuple[str, ...]]:
    """Return the makes of files; where the unit of the current alone is open, the limits in the names decide it.

    Raises DevicekitError if no file can be read, with the first reason or question.
    """
    own = replace(reading, accept=True, files_are=None)
    makes, open_ = open_makes(paths, own)
    asked = [error for _, error in open_ if isinstance(error, QuestionError)]
    if asked and reading.unit is None and all(error.asked.fields == ("unit",) for error in asked):
        limits = [(path, limit) for path in paths if (limit := _limit(stems[path], templates)) is not None]
        for unit in UNITS:
            tried, _ = open_makes(paths, replace(own, unit=unit))
            if (shown := _at_limit(limits, tried)) is not None:
                words = f"the currents stop at the limits in the names if they are in {unit}, in {shown}"
                return tried, replace(reading, unit=unit), (words,)
    if asked:
        raise asked[0]
    if not makes.layouts and open_:
        raise open_[0][1]
    return makes, reading, ()


def _limit(stem: str, templates: Sequence[Template]) -> float | None:
    keys = read_keys(stem, templates)
    return keys.numbers.get("compliance") if keys is not None else None


def _at_limit(limits: Sequence[tuple[Path, float]], makes: Makes) -> str | None:
    """Return in how many files the largest current is the limit of the name; None unless this shows the unit."""
    ratios = []
    for path, limit in limits:
        try:
            trace: Trace = makes.read(path)[0]
        except DevicekitError:
            continue
        if limit > 0:
            ratios.append(float(np.abs(trace.current).max()) / limit)
    found = np.array(ratios)
    at = int((np.abs(found - 1.0) <= AT_LIMIT).sum()) if found.size else 0
    if at < FEWEST_AT_LIMIT or at < 0.2 * found.size or (found > 1.1).mean() > 0.1:
        return None
    return f"{at} of {count(found.size, 'file')}"


def _question(
    templates: Sequence[Template], keys: Sequence[Keys], seen: Sequence[str], total: int, used: int
) -> Question:
    """Return the question whether the fields of the names are right, with a table of them.

    Parameters
    ----------
    templates, keys, seen : sequence
    total, used : int
        Measurement files in the folder, and those of them that the templates fit.
    """
    lines = [f"names: {each.text}" for each in templates]
    lines += [f"{name}: {values}" for name, values in fields_of(keys)]
    lines += [f"{used} of {count(total, 'measurement file')} would be used", *seen]
    return Question(
        "is this what the names of the files say?",
        ("accept",),
        (Choice.of("yes; or describe the names yourself with template='W{wafer}_{cell}_{step}'", accept=True),),
        tuple(lines),
        subject="names of files",
    )


def fields_of(keys: Sequence[Keys]) -> list[tuple[str, str]]:
    """Return each field of the names with its values, for people."""
    found: list[tuple[str, str]] = []
    for name in PLACES:
        if values := list(dict.fromkeys(each.place[name] for each in keys if name in each.place)):
            found.append((name, _listed(values)))
    found.append(("cells", str(len({each.cell for each in keys}))))
    if steps := Counter(each.step for each in keys if each.step):
        found.append(("step", ", ".join(f"{name} {number}" for name, number in steps.items())))
    dates = sorted(each.order[0] for each in keys if each.order)
    if dates:
        ends = [shown_order(each).partition(" ")[0] for each in (dates[0], dates[-1])]
        found.append(("order", f"{ends[0]} to {ends[1]}"))
    for name in dict.fromkeys(name for each in keys for name in each.numbers):
        numbers = sorted({each.numbers[name] for each in keys if name in each.numbers})
        range_ = " to ".join(dict.fromkeys(shown_number(name, each) for each in (numbers[0], numbers[-1])))
        found.append((name, f"{range_}, {count(len(numbers), 'value')}"))
    for name in dict.fromkeys(name for each in keys for name in each.words):
        found.append((name, _listed(list(dict.fromkeys(each.words[name] for each in keys if name in each.words)))))
    return found


def _listed(values: Sequence[str]) -> str:
    shown = ", ".join(values[:SHOWN])
    return f"{shown}, ... ({len(values)})" if len(values) > SHOWN else shown


__all__ = ["STEP_WORDS", "Opened", "find_templates", "is_population", "list_files", "open_folder"]
