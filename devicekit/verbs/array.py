"""The verb array: what an array of a card's devices needs to hold a network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from devicekit.core.declarations import document, option
from devicekit.verbs import shared
from devicekit.verbs.outcome import SILENT, Outcome, Progress
from devicekit.verbs.text import Block, Columns, Title, marks_title, paragraphs, report_field

if TYPE_CHECKING:
    from devicekit.system.kept import Kept
    from snn.array.result import ArrayResult


@dataclass(frozen=True, kw_only=True)
class ArrayRequest:
    """Request for the simulation of an array."""

    card: Path = shared.card()
    out: Path | None = shared.out_folder("Folder for report.html and array.json.")
    wire_ohm: tuple[float, ...] = shared.several(
        "Line resistance from one device to the next; may be repeated. Default: 0.1, 1 and 10.", "OHM", "--wire-ohm"
    )
    read_s: float = option(default=1e-6, metavar="S", help="Duration of a read [s].")
    bake: float | None = shared.bake("Also test after this bake of the card, such as 180C.")
    seeds: int = option(default=3, metavar="N", least=1, help="Number of trainings.")
    epochs: int = option(default=8, metavar="N", least=1, help="Epochs of each training.")
    hidden: int = option(default=1000, metavar="N", least=1, help="Hidden neurons.")
    data: str = shared.data()
    data_dir: Path | None = shared.data_dir()
    label: str | None = shared.label()


document(ArrayRequest)


def run_array(request: ArrayRequest, progress: Progress = SILENT, kept: Kept | None = None) -> Outcome[ArrayResult]:
    """Find the tile size, converter bits, tolerance, lifetime and energy of an array.

    Parameters
    ----------
    request : ArrayRequest
    progress : Progress
    kept : Kept, optional
        Store of finished tests.
    """
    from devicekit.device.card import load_card
    from devicekit.system import writing
    from snn.array.measure import OHMS, Plan, measure
    from snn.array.report import array_report
    from snn.data.load import load

    card, images = load_card(request.card), load(request.data, request.data_dir, request.label)
    plan = Plan(
        request.seeds, request.epochs, request.hidden, request.wire_ohm or OHMS, request.read_s, bake_k=request.bake
    )
    with progress.counting(f"array of {card.name}", "tests") as count:
        result = measure(card, images, plan, count, kept)
    json = {**result.as_dict(), "marks": list(card.provenance.marks)}
    text: list[Block] = [
        *marks_title(card.provenance.marks),
        Title(f"Array of {result.card}"),
        *paragraphs([result.verdict(), *result.sentences()]),
        Columns(("question, for a loss of at most one point", "answer", "points lost (95 %)"), result.answers()),
        *report_field(request.out),
    ]
    return Outcome(
        result=result,
        json=json,
        page=lambda command: array_report(result, card, request.card.name, command),
        files={"array.json": lambda path: writing.write_results(path, json)},
        text=text,
    )
