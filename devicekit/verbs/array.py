"""The verb array: what an array of a card's devices needs to hold a network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from devicekit.verbs.outcome import REPORT, SILENT, Outcome, Progress
from devicekit.verbs.text import Block, Columns, Fields, Title, paragraphs

if TYPE_CHECKING:
    from devicekit.device.card import DeviceCard
    from devicekit.system.kept import Kept
    from snn.array.measure import Plan
    from snn.array.result import ArrayResult
    from snn.data.dataset import Dataset


@dataclass(frozen=True, kw_only=True)
class ArrayRequest:
    """What to measure.

    Parameters
    ----------
    card : DeviceCard
    source : str
        Name of its file.
    images : Dataset
    plan : Plan
        Trainings and tests.
    out : Path, optional
        Folder of the results.
    """

    card: DeviceCard
    source: str
    images: Dataset
    plan: Plan
    out: Path | None = None


def run_array(request: ArrayRequest, progress: Progress = SILENT, kept: Kept | None = None) -> Outcome[ArrayResult]:
    """Find the tile size, converter bits, tolerance, lifetime and energy of an array.

    Parameters
    ----------
    request : ArrayRequest
    progress : Progress
    kept : Kept, optional
        Store of finished tests.
    """
    from devicekit.system import writing
    from snn.array.measure import measure
    from snn.array.report import array_report

    with progress.counting(f"array of {request.card.name}", "tests") as count:
        result = measure(request.card, request.images, request.plan, count, kept)
    text: list[Block] = [
        Title(f"Array of {result.card}"),
        *paragraphs(result.sentences()),
        Columns(("question, for a loss of no more than a point", "answer"), result.answers()),
    ]
    if request.out is not None:
        text.append(Fields([("report", str(request.out / REPORT))]))
    return Outcome(
        result=result,
        json=result.as_dict(),
        page=lambda command: array_report(result, request.card, request.source, command),
        files={"array.json": lambda path: writing.write_json(path, result.as_dict())},
        text=text,
    )
