"""Page of figures of merit, for one table or for many files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from devicekit.core.errors import CodedWarning
from devicekit.core.scalars import Scalar
from devicekit.core.text import count, listed
from devicekit.features.characterize import Characterization
from devicekit.names.marks import ordered
from devicekit.report import MOST_NUMBERS, MOST_PICTURES, CodedList, Figure, Report, Section, mark_keys
from devicekit.report.shared import provenance_section, source_line, warnings_section

# DC figures of the first page, in this order; other figures of merit show their own first numbers.
_FIRST = ("v_set_v", "v_set_c2c_v", "v_reset_v", "v_reset_c2c_v", "on_off")


@dataclass(frozen=True)
class Part:
    """Part of a page about one table; it can be built in another process.

    Attributes
    ----------
    name : str
        File name, for people.
    section : Section
    verdict : str
        Main result in one sentence.
    remarks : tuple of str
        Other sentences of the summary.
    sentences : tuple of str
        All sentences, for a terminal.
    numbers : tuple of Scalar
        Numbers, the most important first.
    warnings : tuple of CodedWarning
    marks : tuple of str
        synthetic, simulated, calibrated: what the data are, if not measured.
    sha256 : str
        Checksum of the file; "" if unknown.
    """

    name: str
    section: Section
    verdict: str
    remarks: tuple[str, ...]
    sentences: tuple[str, ...]
    numbers: tuple[Scalar, ...]
    warnings: tuple[CodedWarning, ...]
    marks: tuple[str, ...] = ()
    sha256: str = ""


def part(found: Characterization, name: str, anchor: str = "merits", sha256: str = "") -> Part:
    """Return the part of one table; parameters are those of `Part`, and the anchor of its section."""
    scalars = {each.name: each for each in found.tiles() if each.known}
    first = [scalars.pop(key) for key in _FIRST if key in scalars]
    numbers = (*first, *scalars.values())
    verdict = found.verdict()
    seen = {verdict.lower(), *(f"{each.message}.".lower() for each in found.warnings)}
    remarks = tuple(each for each in found.remarks() if each.lower() not in seen)
    marks = ordered([*found.table.marks, *(each.code for each in found.warnings)])
    section, sentences = found.section(name, anchor), tuple(found.sentences())
    return Part(name, section, verdict, remarks, sentences, numbers, found.warnings, marks, sha256)


def characterization_page(parts: Sequence[Part], command: str, failed: Sequence[tuple[str, str]] = ()) -> Report:
    """Build the page of figures of merit.

    Parameters
    ----------
    parts : sequence of Part
        One per table, at least one unless a file failed.
    command : str
        Command that reproduces the page.
    failed : sequence of (str, str)
        Kind of the error, and file and message, of each file that could not be characterised.
    """
    total = len(parts) + len(failed)
    common = [mark for mark in (parts[0].marks if parts else ()) if all(mark in each.marks for each in parts)]
    parts = [_with_marks(each, common) for each in parts]
    warnings = [warning for each in parts for warning in each.warnings]
    if len(parts) > 1:
        parts = [replace(each, section=_title_first_figure(each)) for each in parts]
    sections = [each.section for each in parts]
    if total == 1 and parts:
        summary = list(parts[0].remarks)
    else:
        summary = [f"{each.name}: {' '.join((each.verdict, *each.remarks))}" for each in parts]
    if failed:
        sections.append(Section("Files that could not be characterised", "errors", [CodedList(failed)]))
    sections += [warnings_section(warnings), provenance_section([], command)]
    title = parts[0].name if total == 1 else f"{total} files"
    return Report(
        f"Figures of merit: {title}",
        _verdict(parts, len(failed)),
        summary,
        sections,
        marks=mark_keys(common),
        pictures=_pictures(parts),
        numbers=_numbers(parts),
        warnings=warnings,
        source=_source(parts),
    )


def _with_marks(part: Part, common: Sequence[str]) -> Part:
    """Return a part with the marks in its name that not all records of the page have: "a.csv (SYNTHETIC)"."""
    own = [mark for mark in mark_keys(part.marks) if mark.lower() not in common]
    if not own:
        return part
    name = f"{part.name} ({', '.join(own)})"
    return replace(part, name=name, section=replace(part.section, title=f"{part.section.title} ({', '.join(own)})"))


def _verdict(parts: Sequence[Part], failed: int) -> str:
    """Return the verdict of one table, or how many files were characterised."""
    if len(parts) == 1 and not failed:
        return parts[0].verdict
    text = f"{count(len(parts), 'file')} characterised"
    return f"{text}; {failed} failed (see below)." if failed else f"{text}."


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
