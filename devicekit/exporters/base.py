"""Shared parts of all exporters: options, result, and the card in the terms of other simulators."""

from __future__ import annotations

import io
import keyword
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from devicekit.core.declarations import document
from devicekit.core.errors import UsageError
from devicekit.core.quantities import GLOSSARY
from devicekit.core.text import listed
from devicekit.device.array import DeviceArray
from devicekit.device.blocks import LARGEST_CONDUCTANCE, Window
from devicekit.device.card import DeviceCard
from devicekit.names import mark_sentence
from devicekit.system import exporting

if TYPE_CHECKING:
    from pathlib import Path

    from devicekit.device.network import TrainedNetwork
    from devicekit.tables import Table

PULSES = 100  # LTP pulses, then LTD pulses, of the comparison of an export with a DeviceArray
SIGNS = {"ltp": 1, "ltd": -1}
COMPILED = ("__pycache__/*.pyc",)  # left behind by importing a file of an export
_FINE = 32  # samples of a rate curve between two nodes


@dataclass(frozen=True)
class ExportOptions:
    """Options of an export; all but `noise` are for those targets that take them.

    Here `data` is the table itself. `network` is a trained network, exported device by device.
    """

    nodes: int | None = None
    points: int | None = None
    noise: bool = True
    window: tuple[float, float] | None = None
    data: Table | None = None
    source: Path | None = None
    network: TrainedNetwork | None = None


document(ExportOptions, exporting.OPTIONS.values())


Units = tuple[tuple[str, str, str], ...]  # name, unit and meaning of exported numbers
FigureValue = float | str | list[float] | None  # of a number that describes an export, as JSON
WHOLE_CARD = "card"  # value of `Export.carries`: the export contains the card itself


@dataclass(frozen=True, repr=False)
class Export:
    """The result of an exporter, before anything is written.

    Attributes
    ----------
    files : mapping of str to bytes
        Content by file name.
    use : tuple of str
        Instructions for loading it, one line each.
    exact, approximated : tuple of str
        What is exact and what is approximated, one sentence each.
    units : tuple of (name, unit, meaning)
        Unit and meaning of every exported number.
    noise : str
        One sentence about the variation of the card.
    figures : mapping
        Numbers that describe the export, such as its deviation, as JSON values.
    origin : tuple of str
        Sources besides the card, one sentence each.
    forgetting : str
        One sentence about the volatile part of the card; if empty, README.txt reports it as left out.
    carries : tuple of str
        Names of the optional blocks of the card that are exported; README.txt lists the others as left out.
    diff : str
        Unified diff of the changes in your own copy of a program.
    leaves : tuple of str
        Name patterns of files that the lines of `use` create in the folder; a new export removes them.
    """

    files: Mapping[str, bytes]
    use: tuple[str, ...]
    exact: tuple[str, ...]
    approximated: tuple[str, ...]
    units: Units
    noise: str
    figures: Mapping[str, FigureValue] = field(default_factory=dict)
    origin: tuple[str, ...] = ()
    forgetting: str = ""
    carries: tuple[str, ...] = ()
    diff: str = ""
    leaves: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<Export: {', '.join(self.files)}>"


@dataclass(frozen=True)
class Train:
    """States [1] and conductances [S] (or weights) before the first and after each pulse, shape (n + 1,)."""

    r: np.ndarray
    value: np.ndarray


def reference_train(card: DeviceCard, pulses: int = PULSES) -> Train:
    """Apply `pulses` LTP and then `pulses` LTD pulses to a noiseless DeviceArray, from r = 0."""
    array = DeviceArray(card, 1, c2c="none", d2d="none")
    states = [float(array.r[0])]
    for sign in (1, -1):
        for _ in range(pulses):
            array.pulse(sign)
            states.append(float(array.r[0]))
    r = np.array(states)
    return Train(r, card.window.from_state(r))


def deviation(card: DeviceCard, value: np.ndarray, pulses: int = PULSES) -> float:
    """Return the largest deviation of a train from that of a DeviceArray, as a fraction of the window."""
    return float(np.abs(value - reference_train(card, pulses).value).max() / card.window.span)


def hat_values(curve: Callable[[np.ndarray], np.ndarray], nodes: int) -> np.ndarray:
    """Fit a piecewise-linear function to a curve on [0, 1]; return its values >= 0 at evenly spaced nodes, (nodes,).

    Least squares instead of samples, because a train adds up steps and samples of a curved rate are biased to one
    side. Errors are weighted relative to the rate (down to a thousandth of the largest): a train spends most pulses
    where the rate is small.
    """
    from scipy.linalg import solveh_banded

    fine = np.linspace(0.0, 1.0, _FINE * (nodes - 1) + 1)
    wanted = curve(fine)
    weight = 1.0 / np.maximum(wanted, 1e-3 * max(float(wanted.max()), 1e-300)) ** 2
    weight = weight / weight.max()
    left = np.minimum((fine * (nodes - 1)).astype(int), nodes - 2)
    q = fine * (nodes - 1) - left
    # the normal equations of hat functions are tridiagonal
    matrix, right = np.zeros((2, nodes)), np.zeros(nodes)
    for node, share in ((left, 1.0 - q), (left + 1, q)):
        matrix[0] += np.bincount(node, weight * share**2, nodes)
        right += np.bincount(node, weight * share * wanted, nodes)
    matrix[1] = np.bincount(left, weight * q * (1.0 - q), nodes)
    return np.maximum(solveh_banded(matrix, right, lower=True), 0.0)


def step(card: DeviceCard, direction: str, u: np.ndarray) -> np.ndarray:
    """Return the signed change of u = (G - low) / (high - low) by one pulse, not clipped at the window.

    With a linear window u is the state; a logarithmic state is converted.
    """
    window = card.window
    value = window.low + window.span * np.asarray(u, float)
    r = np.clip(window.to_state(value), 0.0, 1.0)
    return np.asarray((window.from_state(r + card.rate(direction, r)) - window.from_state(r)) / window.span)


def update_sigma(card: DeviceCard, direction: str, steps: np.ndarray) -> np.ndarray:
    """Return the standard deviation [1] of one update of mean `steps`, as DeviceArray draws it."""
    variation = card.variation.ltp if direction == "ltp" else card.variation.ltd
    increment = variation.c2c["increment"].value if "increment" in variation.c2c else 0.0
    return np.hypot(increment, (variation.step_noise or 0.0) * np.asarray(steps, float))


def gains(card: DeviceCard) -> tuple[float, float, float] | None:
    """Return the standard deviations of ln rate over devices (LTP, LTD) and their correlation [1]; None if unknown."""
    covariance = card.variation.d2d_ln_rate_covariance
    if covariance is None:
        return None
    up, down = (math.sqrt(covariance[k][k]) for k in (0, 1))
    # with two devices it is 1 or -1; rounding beyond that would make 1 - correlation^2 negative
    return up, down, min(max(covariance[0][1] / (up * down), -1.0), 1.0) if up * down > 0 else 0.0


def has_update_noise(card: DeviceCard) -> bool:
    """Return True if the card has a noise of updates."""
    return any(float(update_sigma(card, direction, np.array(1.0))) > 0 for direction in SIGNS)


def has_variation(card: DeviceCard) -> bool:
    """Return True if the card has C2C or D2D variation."""
    branches = (card.variation.ltp, card.variation.ltd)
    return any(branch.c2c or branch.d2d or branch.step_noise for branch in branches) or (
        card.variation.d2d_ln_rate_covariance is not None
    )


def noise_sentence(card: DeviceCard, options: ExportOptions, exported: str, holds_some: bool | None = None) -> str:
    """Return one sentence about the variation: `exported` if the target represents some of it, else why none is.

    `holds_some` is True if it represents some of it; None means all of it.
    """
    if not options.noise:
        return "Exported without noise, as requested (noise=False)."
    if holds_some or (holds_some is None and has_variation(card)):
        return exported
    if has_variation(card):
        return "Exported without noise: this target cannot represent the variation on this card."
    return "Exported without noise: the card has no variation."


def convert_to_siemens(card: DeviceCard, options: ExportOptions, target: str) -> DeviceCard:
    """Return the card with its window in siemens.

    Raises UsageError if a weight card comes without a window, or a window is given for a card in siemens.
    """
    if options.window is None:
        if card.window.quantity == "weight":
            raise UsageError(
                f"{target} needs conductances in S, but this card holds weights. Give the conductances of its lowest "
                "and highest weight: window=(LOW, HIGH) [S]."
            )
        return card
    if card.window.quantity != "weight":
        raise UsageError("window= applies only to cards with weights; this card is already in S. Remove it.")
    low, high = options.window
    if not 0 < low < high <= LARGEST_CONDUCTANCE:
        order = f"0 < LOW < HIGH <= {LARGEST_CONDUCTANCE:g}"
        raise UsageError(f"window= takes two conductances in S with {order}; got {low:g} {high:g}.")
    window = Window(quantity="conductance_s", low=low, high=high, scope="given as an option")
    return card.model_copy(update={"window": window})


def check_moves(card: DeviceCard, target: str) -> None:
    """Reject a card whose LTP or LTD never changes the state.

    Raises UsageError.
    """
    r = np.linspace(0.0, 1.0, 101)
    for direction in SIGNS:
        if not np.abs(card.rate(direction, r)).max() > 0:
            raise UsageError(
                f"{target} needs LTP and LTD, but {direction.upper()} of this card never changes the state. "
                "Fit both branches."
            )


def mark_of(card: DeviceCard, data: Table | None = None) -> str:
    """Return the mark of all files of an export: "SYNTHETIC: not from a measurement"; empty if measured.

    For a measured device with a block of synthetic data it names the block.

    Parameters
    ----------
    card : DeviceCard
    data : table, optional
        Table from which the file is made besides the card.
    """
    more = data.marks if data is not None else ()
    sentence = mark_sentence([*card.marks, *more])
    only_parts = card.synthetic_blocks and "synthetic" not in (*card.provenance.marks, *more)
    first, *rest = sentence.split("; ")
    return "; ".join([f"{first} ({listed(list(card.synthetic_blocks))})", *rest]) if only_parts else sentence


def add_mark(lines: str, comment: str, mark: str) -> str:
    """Insert the mark as a comment after the first line; without a mark the text is unchanged."""
    if not mark:
        return lines
    first, *rest = lines.split("\n")
    return "\n".join([first, f"{comment} {mark}", *rest])


def mark_docstring(text: str, mark: str) -> str:
    """Append the mark to the docstring of a Python file; without a mark the text is unchanged."""
    if not mark:
        return text
    start, doc, rest = text.split('"""', 2)
    return f'{start}"""{doc.rstrip()}\n\n{mark}.\n"""{rest}'


def unit(card: DeviceCard) -> str:
    """Return "S", or "1" for a weight card."""
    return "S" if card.window.quantity == "conductance_s" else "1"


def npz(arrays: Mapping[str, Any], mark: str = "") -> bytes:
    """Pack arrays as a .npz file, with the mark as array `marks`; equal arrays give equal bytes."""
    stream = io.BytesIO()
    named: dict[str, Any] = {**arrays, **({"marks": np.array(mark)} if mark else {})}
    np.savez_compressed(stream, **named)
    return stream.getvalue()


def column_unit(name: str) -> str:
    """Return the unit of a table column; "1" if it has none or is unknown."""
    return (GLOSSARY[name].unit if name in GLOSSARY else "") or "1"


def origin_of(table: Table) -> str:
    """Return one sentence about the origin of a table, beginning with its marks."""
    known = ", ".join(mark.upper() for mark in table.meta.get("marks", ()))
    return f"{known}{': ' if known else ''}{table.kind} table of {table.meta.get('source', 'a table in memory')}."


def render(template: str, values: Mapping[str, object]) -> str:
    """Fill a template of the folder `templates`; numbers are written with all their digits."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    # program text, not a page: whoever fills in text of users makes it a literal, an identifier or one line
    environment = Environment(
        loader=PackageLoader("devicekit.exporters", "templates"),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(values)


def identifier(name: str) -> str:
    """Return the name of a card as a lower-case ASCII identifier: my_device."""
    word = re.sub(r"[^0-9a-z]+", "_", name.lower()).strip("_")[:40].strip("_") or "device"
    if word[0].isdigit():
        word = f"device_{word}"
    return f"{word}_" if keyword.iskeyword(word) else word


def class_name(card: DeviceCard) -> str:
    """Return the name of a card as a class name: MyDevice."""
    return "".join(part.capitalize() for part in identifier(card.name).split("_") if part)


def one_line(text: str) -> str:
    """Make text safe for a comment: control characters and line ends become blanks."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
