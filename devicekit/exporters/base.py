"""What every exporter shares: its options, its result, and the card as other simulators see it."""

from __future__ import annotations

import io
import keyword
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from devicekit.device.blocks import Window
from devicekit.device.card import DeviceCard
from devicekit.errors import UsageError
from devicekit.names import GLOSSARY, mark_sentence
from devicekit.text import listed

if TYPE_CHECKING:
    from pathlib import Path

    from devicekit.device.network import TrainedNetwork
    from devicekit.tables import Table

PULSES = 100  # LTP pulses, and then as many LTD pulses, over which an export is compared with a DeviceArray
SIGNS = {"ltp": 1, "ltd": -1}
COMPILED = ("__pycache__/*.pyc",)  # what importing a file of an export leaves beside it
_FINE = 32  # samples of a rate curve between two nodes


@dataclass(frozen=True)
class ExportOptions:
    """What an exporter may be told.

    Parameters
    ----------
    nodes : int or None
        Nodes of a piecewise-linear rate (aihwkit, default 33 or 63, as needed, and Verilog-A, default 129), 2 or more.
    points : int or None
        Conductances and CDF values of a lookup table (crosssim, default 501), 101 or more.
    noise : bool
        Whether the card's variation is exported.
    window : tuple of float or None
        Conductances [S] that a weight card's lowest and highest weight stand for.
    data : table or None
        Pulse trains from which a lookup table is made without a law (crosssim), or a table of any kind that goes with
        the card (hdf5).
    source : Path or None
        The user's own copy of the program that is to be patched (neurosim).
    network : TrainedNetwork or None
        A trained network, whose devices are exported one by one.
    """

    nodes: int | None = None
    points: int | None = None
    noise: bool = True
    window: tuple[float, float] | None = None
    data: Table | None = None
    source: Path | None = None
    network: TrainedNetwork | None = None


WHOLE_CARD = "card"  # of `Export.carries`: the card itself is in the export


@dataclass(frozen=True, repr=False)
class Export:
    """What an exporter made, before anything is written.

    Attributes
    ----------
    files : mapping of str to bytes
        Content by file name.
    use : tuple of str
        How to load it, one line each.
    exact, approximated : tuple of str
        What maps exactly and what does not, a sentence each.
    units : tuple of (name, unit, meaning)
        Every exported number.
    noise : str
        What was done with the card's variation, a sentence.
    figures : mapping
        Numbers that describe the export, such as its deviation; JSON values.
    origin : tuple of str
        What it was made from besides the card, a sentence each.
    forgetting : str
        What was done with the card's volatile part, a sentence; empty: it is left out, and README.txt says so.
    carries : tuple of str
        Names of the card's optional blocks that the target holds; what it does not hold is said to be left out.
    diff : str
        Changes that a file of the export makes in the user's own copy of a program, a unified diff.
    leaves : tuple of str
        Patterns of names of the files that the lines of `use` leave in the folder, which a new export replaces too.
    """

    files: Mapping[str, bytes]
    use: tuple[str, ...]
    exact: tuple[str, ...]
    approximated: tuple[str, ...]
    units: tuple[tuple[str, str, str], ...]
    noise: str
    figures: Mapping[str, Any] = field(default_factory=dict)
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
    """`pulses` LTP and then `pulses` LTD pulses on a DeviceArray without noise, from r = 0."""
    from devicekit.device.array import DeviceArray

    array = DeviceArray(card, 1, c2c="none", d2d="none")
    states = [float(array.r[0])]
    for sign in (1, -1):
        for _ in range(pulses):
            array.pulse(sign)
            states.append(float(array.r[0]))
    r = np.array(states)
    return Train(r, card.window.from_state(r))


def deviation(card: DeviceCard, value: np.ndarray, pulses: int = PULSES) -> float:
    """Largest deviation of a train from the DeviceArray's, as a fraction of the window."""
    return float(np.abs(value - reference_train(card, pulses).value).max() / card.window.span)


def hat_values(curve: Callable[[np.ndarray], np.ndarray], nodes: int) -> np.ndarray:
    """Values >= 0 at evenly spaced nodes of the piecewise-linear function nearest to a curve on [0, 1], (nodes,).

    Least squares, not samples: a train adds up steps, and samples of a curved rate err to one side. Errors count
    relative to the rate (down to a thousandth of the largest), because where it is small a train dwells longest.
    """
    from scipy.linalg import solveh_banded

    fine = np.linspace(0.0, 1.0, _FINE * (nodes - 1) + 1)
    wanted = curve(fine)
    weight = 1.0 / np.maximum(wanted, 1e-3 * max(float(wanted.max()), 1e-300)) ** 2
    weight = weight / weight.max()
    left = np.minimum((fine * (nodes - 1)).astype(int), nodes - 2)
    q = fine * (nodes - 1) - left
    # the normal equations of hat functions have three diagonals
    matrix, right = np.zeros((2, nodes)), np.zeros(nodes)
    for node, share in ((left, 1.0 - q), (left + 1, q)):
        matrix[0] += np.bincount(node, weight * share**2, nodes)
        right += np.bincount(node, weight * share * wanted, nodes)
    matrix[1] = np.bincount(left, weight * q * (1.0 - q), nodes)
    return np.maximum(solveh_banded(matrix, right, lower=True), 0.0)


def step(card: DeviceCard, direction: str, u: np.ndarray) -> np.ndarray:
    """Change of u by one pulse, u = (G - low) / (high - low): signed, not clipped at the window.

    For a card with a linear window u is the state; a log state is converted.
    """
    window = card.window
    value = window.low + window.span * np.asarray(u, float)
    r = np.clip(window.to_state(value), 0.0, 1.0)
    return np.asarray((window.from_state(r + card.rate(direction, r)) - window.from_state(r)) / window.span)


def update_sigma(card: DeviceCard, direction: str, steps: np.ndarray) -> np.ndarray:
    """Standard deviation [1] of one update whose mean step is `steps`, as DeviceArray draws it."""
    variation = card.variation.ltp if direction == "ltp" else card.variation.ltd
    increment = variation.c2c["increment"].value if "increment" in variation.c2c else 0.0
    return np.hypot(increment, (variation.step_noise or 0.0) * np.asarray(steps, float))


def gains(card: DeviceCard) -> tuple[float, float, float] | None:
    """Standard deviations of ln rate over devices, LTP and LTD, and their correlation [1]; None if not known."""
    covariance = card.variation.d2d_ln_rate_covariance
    if covariance is None:
        return None
    up, down = (math.sqrt(covariance[k][k]) for k in (0, 1))
    # of two devices it is 1 or -1, which rounding passes: 1 - correlation^2 would have no root
    return up, down, min(max(covariance[0][1] / (up * down), -1.0), 1.0) if up * down > 0 else 0.0


def has_update_noise(card: DeviceCard) -> bool:
    """Return whether the card says how an update scatters."""
    return any(float(update_sigma(card, direction, np.array(1.0))) > 0 for direction in SIGNS)


def has_variation(card: DeviceCard) -> bool:
    """Return whether the card says anything about C2C or D2D."""
    branches = (card.variation.ltp, card.variation.ltd)
    return any(branch.c2c or branch.d2d or branch.step_noise for branch in branches) or (
        card.variation.d2d_ln_rate_covariance is not None
    )


def noise_sentence(card: DeviceCard, options: ExportOptions, exported: str, holds_some: bool | None = None) -> str:
    """Return what is done with the variation: `exported` where the target holds some of it, or why there is none.

    `holds_some` says whether it does; a target that holds all of it leaves it out.
    """
    if not options.noise:
        return "Exported without noise, as asked (noise=False)."
    if holds_some or (holds_some is None and has_variation(card)):
        return exported
    if has_variation(card):
        return "Nothing of the card's variation is of a kind that this target holds: exported without noise."
    return "The card has no variation: exported without noise."


def convert_to_siemens(card: DeviceCard, options: ExportOptions, target: str) -> DeviceCard:
    """The card with its window in siemens.

    Raises
    ------
    UsageError
        If it is a weight card and no window was given, or a window was given to a card that has one.
    """
    if options.window is None:
        if card.window.quantity == "weight":
            raise UsageError(
                f"{target} needs conductances in S and this card holds weights; say which conductances its lowest "
                f"and highest weight stand for: window=(LOW, HIGH) [S]"
            )
        return card
    if card.window.quantity != "weight":
        raise UsageError("window= is for cards that hold weights; this card's window is in S already")
    low, high = options.window
    if not 0 < low < high < np.inf:
        raise UsageError(f"window= takes two conductances in S, 0 < LOW < HIGH, not {low:g} {high:g}")
    window = Window(quantity="conductance_s", low=low, high=high, scope="given as an option")
    return card.model_copy(update={"window": window})


def check_moves(card: DeviceCard, target: str) -> None:
    """Refuse a card whose LTP or LTD never moves the device.

    Raises
    ------
    UsageError
    """
    r = np.linspace(0.0, 1.0, 101)
    for direction in SIGNS:
        if not np.abs(card.rate(direction, r)).max() > 0:
            raise UsageError(
                f"{target} needs LTP and LTD, and this card's {direction.upper()} never moves "
                "the device: fit both branches"
            )


def mark_of(card: DeviceCard, data: Table | None = None) -> str:
    """What every file of an export says of where it comes from: "SYNTHETIC: not from a measurement"; empty if measured.

    Of a measured device with a block of synthetic data it names the block.

    Parameters
    ----------
    card : DeviceCard
    data : table, optional
        What the file is made of beside the card.
    """
    more = data.marks if data is not None else ()
    said = mark_sentence([*card.marks, *more])
    only_parts = card.synthetic_blocks and "synthetic" not in (*card.provenance.marks, *more)
    return f"{said} ({listed(list(card.synthetic_blocks))})" if only_parts else said


def add_mark(lines: str, comment: str, mark: str, after: int = 1) -> str:
    """Text with its mark as a comment of its own after some lines; as it is without a mark."""
    if not mark:
        return lines
    rows = lines.split("\n")
    return "\n".join([*rows[:after], f"{comment} {mark}", *rows[after:]])


def mark_docstring(text: str, mark: str) -> str:
    """A Python file with its mark at the end of its docstring; as it is without a mark."""
    if not mark:
        return text
    start, doc, rest = text.split('"""', 2)
    return f'{start}"""{doc.rstrip()}\n\n{mark}.\n"""{rest}'


def unit(card: DeviceCard) -> str:
    """S, or 1 for a weight card."""
    return "S" if card.window.quantity == "conductance_s" else "1"


def npz(arrays: Mapping[str, Any], mark: str = "") -> bytes:
    """Arrays as a .npz file, its mark among them as `marks`; the same arrays give the same bytes."""
    stream = io.BytesIO()
    named: dict[str, Any] = {**arrays, **({"marks": np.array(mark)} if mark else {})}
    np.savez_compressed(stream, **named)
    return stream.getvalue()


def column_unit(name: str) -> str:
    """Unit of a column of a table; 1 where it has none, or is not one of ours."""
    return (GLOSSARY[name].unit if name in GLOSSARY else "") or "1"


def origin_of(table: Table) -> str:
    """Return where a table comes from, a sentence that begins with its marks."""
    known = ", ".join(mark.upper() for mark in table.meta.get("marks", ()))
    return f"{known}{': ' if known else ''}{table.kind} table of {table.meta.get('source', 'a table in memory')}."


def identifier(name: str, fallback: str = "device") -> str:
    """A card's name as an ASCII identifier in lower case: my_device."""
    word = re.sub(r"[^0-9a-z]+", "_", name.lower()).strip("_")[:40].strip("_")
    if not word:
        word = fallback
    if word[0].isdigit():
        word = f"{fallback}_{word}"
    return f"{word}_" if keyword.iskeyword(word) else word


def class_name(card: DeviceCard) -> str:
    """The card's name as that of a class: MyDevice."""
    return "".join(part.capitalize() for part in identifier(card.name).split("_") if part)


def one_line(text: str) -> str:
    """Text that cannot leave a comment: control characters and line ends become blanks."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
