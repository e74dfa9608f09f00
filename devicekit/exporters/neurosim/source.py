"""Your own copy of MLP+NeuroSim: check of its version, its cell, and the patch that inserts a card.

This file contains no source of NeuroSim (CC BY-NC 4.0), only names of its variables, patterns of assignments, and
checksums of the functions that the figures of an export depend on. Every commit of V3.0 with these checksums is known.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devicekit.core.errors import UsageError
from devicekit.exporters.base import one_line
from devicekit.exporters.neurosim import patch
from devicekit.exporters.neurosim.access import Cell
from devicekit.exporters.neurosim.parameters import Setting
from devicekit.exporters.neurosim.patch import Edit

VERSIONS = "MLP+NeuroSim V3.0, commits 553313c (2021-08-21) to cc13863 (2021-11-02) of neurosim/MLP_NeuroSim_V3.0"
MARK = "devicekit:"
SEED = 1  # of the devices of a copy; each device adds its number
_CELL, _ARRAY = "Cell.cpp", "Array.cpp"
_CONSTRUCTOR = r"RealDevice::RealDevice\s*\("
_WRITE_CELL = r"void\s+Array::WriteCell\s*\("
_LITERAL = r"(?:true|false|[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?)"


@dataclass(frozen=True)
class Function:
    """A function of NeuroSim that the figures of an export depend on."""

    file: str
    title: str
    opening: str
    known_fingerprint: str  # in every known version


FUNCTIONS = (
    Function(_CELL, "RealDevice's constructor", _CONSTRUCTOR, "1e8d4f8698d92c8e"),
    Function(_CELL, "RealDevice's Write", r"void\s+RealDevice::Write\s*\(", "f56edff2aa165813"),
    Function("formula.cpp", "truncate", r"double\s+truncate\s*\(", "5467284e09905aef"),
    Function("formula.cpp", "NonlinearWeight", r"double\s+NonlinearWeight\s*\(", "12c87d6557c1b124"),
    Function("formula.cpp", "InvNonlinearWeight", r"double\s+InvNonlinearWeight\s*\(", "6fe10ccb71205ab0"),
    Function("formula.cpp", "getParamA", r"double\s+getParamA\s*\(", "44549917193f46a6"),
    Function(_ARRAY, "the array's ReadCell", r"double\s+Array::ReadCell\s*\(", "4ded274ab255c5c0"),
    Function(_ARRAY, "the array's WriteCell", _WRITE_CELL, "5baa6bed3f2cf85a"),
    Function(
        "NeuroSim/formula.cpp", "CalculateOnResistance", r"double\s+CalculateOnResistance\s*\(", "75f94c8129e5eb07"
    ),
)


@dataclass(frozen=True)
class Copy:
    """The texts of a copy, by file name relative to its folder."""

    folder: Path
    texts: dict[str, str]


@dataclass(frozen=True)
class Patch:
    """The changes of a copy.

    Attributes
    ----------
    diff : str
        A unified diff, one character per byte.
    removed, added : int
        Numbers of removed and of added lines.
    """

    diff: str
    removed: int
    added: int


def _unknown_version(problem: str) -> UsageError:
    return UsageError(f"{problem}. Supported is {VERSIONS}.")


def load(folder: Path) -> Copy:
    """Load a copy of NeuroSim of a known version.

    Raises UsageError if its version is unknown, or it is already patched. Raises FileError if a file cannot be read.

    Parameters
    ----------
    folder : Path
        Folder of main.cpp and Cell.cpp.
    """
    texts = {}
    names = dict.fromkeys([each.file for each in FUNCTIONS])
    for name in [*names, "main.cpp", "Param.cpp", "NeuroSim.cpp", "NeuroSim/Technology.cpp"]:
        if folder.is_dir() and not (folder / name).exists():
            raise _unknown_version(f"{folder} does not contain {name}")
        texts[name] = patch.read(folder / name)
    copy = Copy(folder, texts)
    if MARK in texts[_CELL]:
        raise UsageError(
            f"{folder / _CELL} is already patched by devicekit. Revert it first: patch -R -p1 -d DIR < neurosim.patch "
            "of that export."
        )
    if len(re.findall(r"Initialization\s*<\s*RealDevice\s*>", patch.strip_comments(texts["main.cpp"]))) != 2:
        raise _unknown_version(f"{folder / 'main.cpp'} does not build both arrays of RealDevice, the patched device")
    for each in FUNCTIONS:
        if identity(copy, each) != each.known_fingerprint:
            raise _unknown_version(f"{each.title} in {folder / each.file} differs from all known versions")
    if _find(copy, _CELL, r"\bnonlinearIV\s*=\s*(true|false)", "nonlinearIV", _CONSTRUCTOR) == "true":
        raise UsageError(
            f"nonlinearIV is true in the constructor of RealDevice in {folder / _CELL}, which changes the conductances "
            "of the card. Set it to false."
        )
    return copy


def identity(copy: Copy, function: Function) -> str:
    """Return the fingerprint of a function of a copy, without the numbers in the constructor of RealDevice.

    Raises UsageError if the function is not found.
    """
    text = copy.texts[function.file]
    try:
        first, end = patch.find_function(text, function.opening)
    except LookupError as error:
        raise _unknown_version(f"{function.title} in {copy.folder / function.file} {error}") from None
    body = patch.strip_comments("".join(patch.split_lines(text)[first:end]))
    if function.opening == _CONSTRUCTOR:
        body = re.sub(rf"=\s*{_LITERAL}(?=\s*[;*])|(?<=InFeatureSize)\s*=[^;]*", "=", body)
    return patch.fingerprint(body)


def _find(copy: Copy, name: str, pattern: str, what: str, within: str = "") -> str:
    """Return the first group of a pattern in a file without comments, after the match of `within`."""
    text = patch.strip_comments(copy.texts[name])
    start = re.search(within, text)
    match = re.compile(pattern).search(text, start.end()) if start else None
    if match is None:
        raise _unknown_version(f"{copy.folder / name} does not set {what}")
    return match[1]


def cell(copy: Copy) -> Cell | None:
    """Return the cell of a copy; None if no transistor is in series with its device.

    A transistor one feature wide has multiplier * vdd / (current * feature) ohm; the current per width is interpolated
    linearly between temperatures ten kelvin apart. NeuroSim stops if the transistor is wider than the cell.
    """
    ours = _CONSTRUCTOR
    access, gate = (_find(copy, _CELL, rf"\b{name}\s*=\s*(true|false)", name, ours) for name in ("cmosAccess", "FeFET"))
    if access == "false" or gate == "true":
        return None
    number = r"\s*=\s*([\d.eE+-]+)"
    resistance = _find(copy, _CELL, rf"\bresistanceAccess{number}", "resistanceAccess", ours)
    width = _find(copy, _CELL, r"\bwidthInFeatureSize\s*=(?:[^;]*?:)?\s*(\d+)\s*[);]", "widthInFeatureSize", ours)
    node = int(_find(copy, "Param.cpp", rf"\bprocessNode{number}", "processNode"))
    kelvin = int(float(_find(copy, "NeuroSim.cpp", rf"\btemperature{number}", "the temperature"))) - 300
    roadmap = _find(copy, "NeuroSim.cpp", r"\bdeviceRoadmap\s*=\s*(\w+)", "the deviceRoadmap")
    place = rf"featureSizeInNano\s*==\s*{node}\b.*?deviceRoadmap\s*==\s*HP\b"
    if roadmap != "HP":
        place += r".*?\belse\b"
    numbers = [
        float(_find(copy, "NeuroSim/Technology.cpp", rf"\b{name}{number}", f"{what} at {node} nm", f"(?s){place}"))
        for name, what in (
            ("vdd", "the voltage"),
            ("effectiveResistanceMultiplier", "the multiplier of the resistance"),
            (rf"currentOnNmos\[{kelvin // 10 * 10}\]", "the current of a transistor"),
            (rf"currentOnNmos\[{min(kelvin // 10 * 10 + 10, 100)}\]", "the current of a transistor"),
        )
    ]
    vdd, multiplier, cold, warm = numbers
    current = cold + (warm - cold) * (kelvin % 10) / 10.0
    return Cell(float(resistance), multiplier * vdd / (current * node * 1e-9), float(width), node)


_FROM_THE_LOW_END = Edit(
    "the line that converts a weight to a conductance",
    r"(\s*conductance\s*=\s*\(weight[^;]*\))\s*;(.*)",
    rf"\g<1> + minConductance;\g<2>  // {MARK} from the low end of the window",
)


def _assignment(name: str, value: str) -> Edit:
    ending = r"(?:\s*\*[^;]*)?" if name == "sigmaCtoC" else ""
    return Edit(f"the line that sets {name}", rf"(\s*{name}\s*=\s*){_LITERAL}{ending}(\s*;.*)", rf"\g<1>{value}\g<2>")


def _edits(
    card_name: str, settings: Sequence[Setting], resistance: float | None, redraw: bool, mark: str
) -> list[Edit]:
    """Return the changed lines of the constructor of RealDevice."""
    values = {each.name: each.value for each in settings if each.value is not None}
    if resistance is not None:
        values["resistanceAccess"] = f"{resistance:g}"
    name = one_line(card_name).encode("ascii", "replace").decode().replace("\\", "/")
    comment = rf"\g<1>// {MARK} {mark}\n" if mark else ""
    edits = [_assignment(each, value) for each, value in values.items()]
    edits.append(
        Edit(
            "the line that seeds localGen",
            r"(\s*)localGen\.seed\s*\(.*\)\s*;.*",
            rf"{comment}\g<1>static unsigned made = 0;  // {MARK} card {name}; each device has its own seed"
            rf"\n\g<1>std::seed_seq own = {{{SEED}u, made++}};\n\g<1>localGen.seed(own);",
        )
    )
    if redraw:
        edits += [
            Edit(
                "the line that draws maxConductance",
                r"(\s*)maxConductance\s*\+=.*",
                r"\g<1>const double high = maxConductance, low = minConductance;"
                rf"\n\g<1>maxConductance = 0;  // {MARK} drawn again if the window is empty"
                r"\n\g<1>while (!(0 <= minConductance && minConductance < maxConductance)) {"
                r"\n\g<1>\tmaxConductance = high + (*gaussian_dist_maxConductance)(localGen);"
                r"\n\g<1>\tminConductance = low + (*gaussian_dist_minConductance)(localGen);\n\g<1>}",
            ),
            Edit("the line that draws minConductance", r"\s*minConductance\s*\+=.*", None),
        ]
    return edits


def make(
    copy: Copy,
    card_name: str,
    settings: Sequence[Setting],
    resistance: float | None,
    redraw: bool,
    mark: str = "",
) -> Patch:
    """Return the patch that inserts a card into a copy.

    Parameters
    ----------
    copy : Copy
        A copy of a known version.
    card_name : str
        Name in a comment.
    settings : sequence of Setting
        Assignments in the constructor of RealDevice; those without a value are not changed.
    resistance : float or None
        Of the access transistor [ohm]; None: not changed.
    redraw : bool
        True to draw an empty window of a device again, with which NeuroSim would stop.
    mark : str
        Mark of the origin of the card, for the patch and the changed file. patch and git ignore lines before the first
        file.

    Raises
    ------
    UsageError
        If a line is not found exactly once.
    """
    parts = [
        _diff_of(copy, _CELL, _CONSTRUCTOR, _edits(card_name, settings, resistance, redraw, mark)),
        _diff_of(copy, _ARRAY, _WRITE_CELL, [_FROM_THE_LOW_END]),
    ]
    rows = [row for part in parts for row in patch.split_lines(part)[2:]]
    head = f"{mark}\n" if mark else ""
    return Patch(head + "".join(parts), sum(row[0] == "-" for row in rows), sum(row[0] == "+" for row in rows))


def _diff_of(copy: Copy, name: str, function: str, edits: Sequence[Edit]) -> str:
    before = copy.texts[name]
    try:
        after = patch.apply_edits(before, edits, *patch.find_function(before, function))
    except UsageError as error:
        raise _unknown_version(f"{copy.folder / name}: {error}") from None
    return patch.unified_diff(name, before, after)
