"""Tasks of the worker: calls of the Python interface, with their results as pages and files."""

from __future__ import annotations

import io
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devicekit.app.results import CARDS, ReadResult, TaskResult
from devicekit.core.text import count, si
from devicekit.system.commands import Reproduction, call, command, non_default
from devicekit.system.options import ReadOptions
from devicekit.verbs.outcome import REPORT, Outcome, Progress

if TYPE_CHECKING:
    from devicekit.features.describe import Description
    from devicekit.fitting.branch.options import FitOptions
    from devicekit.tables import Table
    from devicekit.verbs.benchmark import BenchmarkRequest
    from devicekit.verbs.simulate import IVRequest
    from devicekit.verbs.train import TrainRequest

Count = Callable[[int, int], None]
TABLES_KEPT = 4  # for another fit
ROWS_SHOWN = 8


class JobProgress(Progress):
    """Progress of a verb, on the page of its job."""

    def __init__(self, count: Count) -> None:
        self._count = count

    def counting(self, name: str, unit: str) -> AbstractContextManager[Count]:
        """See `Progress`."""
        return nullcontext(self._count)


class Tasks:
    """The tasks, by name; the last tables are kept for the next task."""

    def __init__(self) -> None:
        self._tables: OrderedDict[tuple[str, str], Table] = OrderedDict()

    def warm_up(self) -> None:
        """Import and compile while the user chooses a file: read, fit and draw a small table."""
        from devicekit.fitting.branch.options import FitOptions
        from devicekit.fitting.device import fit_table
        from devicekit.fitting.page import fit_page
        from devicekit.synthetic.pulses import generate, truth_card

        truth = truth_card({"ltp": (-3.0, 0.5), "ltd": (-3.0, 0.5)}, model="softbounds")
        fit = fit_table(generate(truth, n_devices=1, n_cycles=2, n_pulses=30, seed=0), FitOptions())
        fit_page(fit, "warm", None, "", True).to_html()

    def read(self, path: Path, reading: ReadOptions, progress: Count) -> ReadResult:
        """Read a file and describe its content."""
        from devicekit.features.describe import describe
        from devicekit.features.preview import preview

        table = self._read_table(path, reading)
        summary = describe(table)
        layout = table.meta["layout"]
        return ReadResult(
            kind=table.kind,
            format=str(summary.format),
            facts=_count_facts(summary),
            layout=tuple(layout.lines()),
            warnings=tuple((each.code, each.message) for each in table.warnings),
            rows=_format_first_rows(table),
            preview=draw_figure(preview(table), "The data as read.", f"The {table.kind} table as read"),
            recipe=layout.toml(),
            fits=hasattr(table, "widths"),
            reproduction=_reproduce_reading(path.name, reading),
        )

    def fit(self, path: Path, reading: ReadOptions, options: FitOptions, folder: Path, progress: Count) -> TaskResult:
        """Fit an update law to pulse trains; write its page and its cards."""
        from devicekit.verbs.fit import FitRequest, run_fit

        request = FitRequest(file=path, reading=reading, out=folder / "card.json", needs_both=False, **asdict(options))
        table: Any = self._read_table(path, reading)
        return show(run_fit(request, table=table), folder, table)

    def characterize(self, path: Path, reading: ReadOptions, folder: Path, progress: Count) -> TaskResult:
        """Compute the figures of merit of a table; write its page and its tables."""
        from devicekit.verbs.characterize import CharacterizeRequest, run_characterize

        table = self._read_table(path, reading)
        request = CharacterizeRequest(files=(path,), reading=reading)
        return show(run_characterize(request, table=table), folder, table)

    def simulate(self, request: IVRequest, folder: Path, progress: Count) -> TaskResult:
        """Simulate the I-V of a material set."""
        from devicekit.verbs.simulate import run_iv

        return show(run_iv(request, JobProgress(progress)), folder)

    def train(self, request: TrainRequest, text: str, folder: Path, progress: Count) -> TaskResult:
        """Train a network on a card with that text."""
        from devicekit.verbs.train import run_training

        request = replace(request, card=_write_card(folder, request.card, text))
        return show(run_training(request, JobProgress(progress)), folder)

    def benchmark(self, request: BenchmarkRequest, text: str, folder: Path, progress: Count) -> TaskResult:
        """Benchmark a card with that text against an ideal device."""
        from devicekit.verbs.benchmark import run_benchmark

        request = replace(request, cards=(_write_card(folder, request.cards[0], text),))
        return show(run_benchmark(request, JobProgress(progress)), folder)

    def keep(
        self,
        library: Path,
        source: Path,
        name: str,
        labels: dict[str, str],
        reading: dict[str, Any],
        folder: Path,
        progress: Count,
    ) -> str:
        """Add a card, or the result of a measurement, to the library; return the id of its record."""
        from devicekit.library import Library

        (added,) = Library(library).add_file(source, name=name, labels=labels, **reading)
        return added.record.id

    def compare(
        self,
        library: Path,
        ids: tuple[str, ...],
        x: str | None,
        y: str | None,
        by: str | None,
        folder: Path,
        progress: Count,
    ) -> TaskResult:
        """Compare records of the library."""
        from devicekit.library import Library
        from devicekit.library.compare import compare
        from devicekit.library.report import comparison_report

        records = Library(library)
        reproduction = _reproduce_comparison(ids, x, y, by)
        page = comparison_report(compare([records.get(each) for each in ids], x, y, by), reproduction.command)
        page.save(folder / "comparison.html")
        return TaskResult(page.body(), ("comparison.html",), (), reproduction)

    def export(self, card: Path, to: str, folder: Path, progress: Count) -> str:
        """Export a card as a zip file and return its name."""
        from devicekit.device.card import load_card
        from devicekit.exporters import ExportOptions, make

        exported = make(load_card(card), to, ExportOptions())
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in exported.files.items():
                archive.writestr(name, content)
        name = f"{card.stem}-{to}.zip"
        (folder / name).write_bytes(buffer.getvalue())
        return name

    def _read_table(self, path: Path, reading: ReadOptions) -> Table:
        from devicekit.readers import read

        key = (str(path), repr(reading))
        if key not in self._tables:
            self._tables[key] = read(path, reading, elsewhere=frozenset({"read_voltage"}))
            while len(self._tables) > TABLES_KEPT:
                self._tables.popitem(last=False)
        self._tables.move_to_end(key)
        return self._tables[key]


def draw_figure(panel: Any, caption: str, alt: str) -> str:
    """Draw a figure as HTML, with its data for the script that makes it interactive."""
    from devicekit.report import draw

    return draw(panel, caption, alt).to_html()


def _count_facts(summary: Description) -> tuple[tuple[str, str], ...]:
    """Return the counts of a table."""
    facts = [("content", summary.kind), ("rows", f"{summary.rows}"), ("devices", f"{summary.devices}")]
    if summary.kind in ("pulse", "sweep"):
        facts.append(("trains" if summary.kind == "pulse" else "sweeps", summary.in_words()))
    if widths := summary.contents.get("pulse_widths_s"):
        facts.append((f"pulse width{'s' * (len(widths) > 1)}", ", ".join(si(each, "s") for each in widths)))
    if levels := summary.contents.get("levels"):
        facts.append((count(len(levels), "level"), ", ".join(levels[:6])))
    return (*facts, ("format", str(summary.format)))


def _format_first_rows(table: Table) -> tuple[tuple[str, ...], ...]:
    frame = table.frame.head(ROWS_SHOWN)
    cells = frame.map(lambda value: f"{value:.6g}" if isinstance(value, float) else str(value))
    return (tuple(map(str, frame.columns)), *(tuple(row) for row in cells.itertuples(index=False, name=None)))


def _write_card(folder: Path, card: Path, text: str) -> Path:
    """Write a card beside the results, which are offered by name."""
    path = folder / CARDS / card.name
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    return path


def show(outcome: Outcome[Any], folder: Path, table: Table | None = None) -> TaskResult:
    """Write the files of an outcome that a page offers, and the table that it is of; return the page.

    Names of folders within the results are left out: a task has one file.
    """
    reproduction = outcome.reproduction
    assert reproduction is not None
    page = outcome.page(reproduction.command)
    page.save(folder / REPORT)
    offered = tuple(outcome.files) if outcome.offered is None else outcome.offered
    for name in offered:
        outcome.files[name](folder / Path(name).name)
    tables = []
    if table is not None:
        table.to_csv(folder / "table.csv")
        tables.append("table.csv")
    others = [Path(name).name for name in offered if name not in outcome.cards]
    return TaskResult(page.body(), (REPORT, *outcome.cards, *tables, *others), outcome.cards, reproduction)


def _reproduce_reading(name: str, reading: ReadOptions) -> Reproduction:
    python = "import devicekit\ntable = " + call("devicekit.read", repr(name), **non_default(reading))
    return Reproduction(
        command("read", [name], {**non_default(reading), "out": "table.csv"}), python + '\ntable.to_csv("table.csv")'
    )


def _reproduce_comparison(ids: tuple[str, ...], x: str | None, y: str | None, by: str | None) -> Reproduction:
    options = {"x": x, "y": y, "by": by}
    python = "\n".join(
        [
            "from devicekit.library import Library",
            "from devicekit.library.compare import compare",
            "library = Library()",
            "found = " + call("compare", f"[library.get(each) for each in {list(ids)!r}]", **options),
        ]
    )
    return Reproduction(command("library compare", list(ids), {**options, "report": "comparison.html"}), python)
