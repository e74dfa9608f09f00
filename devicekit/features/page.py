"""The page of figures of merit: of one table, or of many files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from devicekit.errors import CodedWarning
from devicekit.features.characterize import Characterization
from devicekit.report import MOST_NUMBERS, MOST_PICTURES, CodedList, Figure, Report, Section
from devicekit.report.shared import provenance_section, source_line, warnings_section, warnings_sentence
from devicekit.scalars import Scalar
from devicekit.text import count, listed

# Of DC figures those that a first page shows, in this order; of others their own first ones.
_FIRST = ("v_set_v", "v_set_c2c_v", "v_reset_v", "v_reset_c2c_v", "on_off")


@dataclass(frozen=True)
class Part:
    """What a page says of one table; plain enough to be made in another process.

    Attributes
    ----------
    name : str
        Of the file, for people.
    section : Section
    sentences : tuple of str
    numbers : tuple of Scalar
        Those that matter most first.
    warnings : tuple of CodedWarning
    synthetic : bool
        Whether the data are synthetic.
    sha256 : str
        Of the file; "" if it is not known.
    """

    name: str
    section: Section
    sentences: tuple[str, ...]
    numbers: tuple[Scalar, ...]
    warnings: tuple[CodedWarning, ...]
    synthetic: bool = False
    sha256: str = ""


def part(found: Characterization, name: str, anchor: str = "merits", synthetic: bool = False, sha256: str = "") -> Part:
    """Return the part of one table; parameters are those of `Part`, and the anchor of its section."""
    scalars = {each.name: each for each in found.tiles() if each.known}
    first = [scalars.pop(key) for key in _FIRST if key in scalars]
    numbers = (*first, *scalars.values())
    sentences = tuple(found.sentences())
    synthetic = synthetic or found.table.synthetic or any(each.code == "synthetic" for each in found.warnings)
    return Part(name, found.section(name, anchor), sentences, numbers, found.warnings, synthetic, sha256)


def characterization_page(parts: Sequence[Part], command: str, failed: Sequence[tuple[str, str]] = ()) -> Report:
    """Build the page of figures of merit.

    Parameters
    ----------
    parts : sequence of Part
        One a table, at least one unless a file failed.
    command : str
        What makes the page again.
    failed : sequence of (str, str)
        Of files that could not be characterised the kind of the error, and file and message.
    """
    total = len(parts) + len(failed)
    warnings = [warning for each in parts for warning in each.warnings]
    if len(parts) > 1:
        parts = [replace(each, section=_title_first_figure(each)) for each in parts]
    sections = [each.section for each in parts]
    summary = [f"{each.name}: {' '.join(each.sentences)}" for each in parts]
    if failed:
        sections.append(Section("Files that could not be characterised", "errors", [CodedList(failed)]))
        summary.append(f"{count(len(failed), 'file')} of {total} could not be characterised; see below.")
    sections += [warnings_section(warnings), provenance_section([], command)]
    summary += [sentence for sentence in (warnings_sentence(warnings),) if sentence]
    title = parts[0].name if total == 1 else f"{total} files"
    return Report(
        f"Figures of merit: {title}",
        _verdict(parts, len(failed)),
        summary,
        sections,
        marks=("SYNTHETIC",) if any(each.synthetic for each in parts) else (),
        pictures=_pictures(parts),
        numbers=_numbers(parts),
        warnings=warnings,
        source=_source(parts),
    )


def _verdict(parts: Sequence[Part], failed: int) -> str:
    """Return of one table what it says first; of several what was found in how many."""
    if len(parts) == 1 and not failed and parts[0].sentences:
        return _first_sentence(parts[0].sentences)
    told = f"{count(len(parts), 'file')} characterised"
    return f"{told}; {failed} could not be." if failed else f"{told}, none left out."


def _first_sentence(sentences: Sequence[str]) -> str:
    """Return the first sentence with a measured number, not one that only counts sweeps."""
    return next((each for each in sentences if re.search(r"\d\.\d", each)), sentences[0])


def _pictures(parts: Sequence[Part]) -> list[Figure]:
    """Return the first figures of one table, or the first one of each of several."""
    if len(parts) == 1:
        return parts[0].section.figures[:MOST_PICTURES]
    return [each.section.figures[0] for each in parts if each.section.figures][:MOST_PICTURES]


def _title_first_figure(part: Part) -> Section:
    """Return the section with the file name in the title of the first figure."""
    section, (first, *_) = part.section, [*part.section.figures, None]
    named = first and replace(first, title=f"{part.name}: {first.title or first.caption}")
    return replace(section, blocks=[named if named and block is first else block for block in section.blocks])


def _numbers(parts: Sequence[Part]) -> list[Scalar]:
    """Return the numbers of one table, or the first of each of several in turn until there are enough."""
    if len(parts) == 1:
        return list(parts[0].numbers)
    shown: list[Scalar] = []
    for rank in range(MOST_NUMBERS):
        for each in parts:
            if rank < len(each.numbers) and len(shown) < MOST_NUMBERS:
                number = each.numbers[rank]
                shown.append(replace(number, label=f"{each.name}: {number.label}"))
    return shown


def _source(parts: Sequence[Part]) -> str:
    if len(parts) == 1:
        return source_line(parts[0].name, parts[0].sha256 or None)
    return listed([each.name for each in parts[:6]]) + (f" and {len(parts) - 6} more" if len(parts) > 6 else "")
