"""Tasks of the worker: calls of the Python interface, with their results as pages and files."""

from __future__ import annotations

import io
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devicekit.app import populations
from devicekit.app.content import describe_table, draw_figure, list_columns
from devicekit.app.labels import use_field_labels
from devicekit.app.results import CARDS, Opened, ReadResult, TaskResult, write_recipe
from devicekit.core.errors import DevicekitError, QuestionError
from devicekit.system.answers import Answered, FormAnswers, answered_by
from devicekit.system.commands import Reproduction, call, command, non_default
from devicekit.system.options import ReadOptions
from devicekit.verbs.outcome import REPORT, Outcome, Progress

if TYPE_CHECKING:
    from devicekit.core.errors import Question
    from devicekit.readers.opening import Opening
    from devicekit.readers.source import Sources
    from devicekit.report import Report
    from devicekit.tables import Table
    from devicekit.verbs.benchmark import BenchmarkRequest
    from devicekit.verbs.simulate import IVRequest
    from devicekit.verbs.train import TrainRequest

Count = Callable[[int, int], None]
Step = Callable[[str, str, int, int], None]  # what, in which unit it is counted, how much of how much
TABLES_KEPT = 4  # for another fit
LARGEST_KEPT = 20_000_000  # bytes of text of an opened file that is kept for other answers


class JobProgress(Progress):
    """Progress of a verb, on the page of its job."""

    def __init__(self, report: Step) -> None:
        self._report = report

    def doing(self, what: str) -> AbstractContextManager[None]:
        """See `Progress`."""
        self._report(what, "", 0, 0)
        return nullcontext()

    def counting(self, name: str, unit: str) -> AbstractContextManager[Count]:
        """See `Progress`."""
        self._report(name, unit, 0, 0)
        return nullcontext(lambda done, total: self._report(name, unit, done, total))


class Tasks:
    """The tasks, by name; the last tables are kept for the next task."""

    def __init__(self) -> None:
        self._tables: OrderedDict[tuple[str, str], Table] = OrderedDict()
        self._openings: OrderedDict[tuple[str, str], Opening] = OrderedDict()
        self._sources: dict[Path, Sources] = {}

    def warm_fitting(self) -> None:
        """Import and compile while the user chooses a file: fit and draw a small table."""
        from devicekit.fitting.branch.options import FitOptions
        from devicekit.fitting.device import fit_table
        from devicekit.fitting.page import fit_page
        from devicekit.synthetic.pulses import generate, truth_card

        truth = truth_card({"ltp": (-3.0, 0.5), "ltd": (-3.0, 0.5)}, model="softbounds")
        fit = fit_table(generate(truth, n_devices=1, n_cycles=2, n_pulses=30, seed=0), FitOptions())
        fit_page(fit, "warm", None, "", True).to_html()

    def warm_reading(self) -> None:
        """Import while the user chooses a file: read and draw a table that ships."""
        from devicekit.system import catalog

        file = catalog.get("reference-dc").data
        self.peek(file, ReadOptions(), lambda *step: None)
        self.read(file, ReadOptions(), lambda *step: None)
        self._tables.clear()
        self._openings.clear()
        self._sources.clear()

    def peek(self, path: Path, reading: ReadOptions, progress: Step) -> Opened:
        """Draw the numbers of the first rows of a file, before it is understood; a bounded part of it is looked at."""
        from devicekit.features import confirm

        opening = self._open(path, reading)
        figures = [
            draw_figure(panel, caption, "Numbers of the file") for panel, caption in confirm.opening_panels(opening)
        ]
        return Opened("".join(figures), () if figures else confirm.first_lines(path), (), opening.width)

    def read(
        self,
        path: Path,
        reading: ReadOptions,
        progress: Step,
        answers: Mapping[str, Mapping[str, Any]] | None = None,
        asked: tuple[Question, ...] = (),
        recipe: Path | None = None,
    ) -> ReadResult:
        """Read a file and describe its content; with a question, that of the table that the first answers give.

        Parameters
        ----------
        answers : mapping of str to mapping, optional
            Options of the answers of a form, by the text of their questions.
        asked : tuple of Question
            The parts of that form, which is left as it is if its answers are refused.
        recipe : Path, optional
            Recipe to be written once nothing is open.
        """
        form = FormAnswers(dict(answers or {}))
        if populations.is_population(path, reading):
            return populations.read_names(path, reading, form, asked)
        question, state = None, Answered(reading)
        try:
            table = self._read_table(path, state, form)
        except QuestionError as error:
            table, question = form.trial, error.asked
        except DevicekitError as error:
            if not asked:
                raise
            opened = self.peek(path, ReadOptions(), progress)
            columns = list_columns(self._open(path, ReadOptions()), None)
            return ReadResult(
                question=replace(asked[0], parts=asked),
                asked=asked,
                answered=state,
                wrong=str(error),
                opened=replace(opened, columns=columns),
            )
        found = ReadResult(
            question=question, asked=_list_asked(asked, form.used, question), answered=form.state or state
        )
        opened = Opened() if table is not None else self.peek(path, found.answered.options, progress)
        opening = self._open(path, found.answered.options)
        found = replace(found, opened=replace(opened, columns=list_columns(opening, table), width=opening.width))
        if table is None:
            return found
        found = replace(found, seen=describe_table(table, path, question is not None), fits=hasattr(table, "widths"))
        if question is not None:
            return found
        self._keep(path, Answered(found.reading), table)
        layout = table.meta["layout"]
        return replace(
            found,
            recipe=layout.toml(),
            kept=write_recipe(recipe, layout.toml()) if recipe is not None else "",
            reproduction=_reproduce_reading(path.name, found.reading),
        )

    def fit(
        self, path: Path, reading: ReadOptions, options: Mapping[str, Any], folder: Path, progress: Step
    ) -> TaskResult:
        """Fit an update law to pulse trains; write its page and its cards."""
        from devicekit.verbs.fit import FitRequest, run_fit

        request = FitRequest(file=path, reading=reading, out=folder / "card.json", needs_both=False, **options)
        table: Any = self._read_table(path, Answered(reading))
        return _show_analysis(lambda: run_fit(request, table=table), path, reading, folder, table)

    def characterize(
        self, path: Path, reading: ReadOptions, options: Mapping[str, Any], folder: Path, progress: Step
    ) -> TaskResult:
        """Compute the figures of merit of a table; write its page and its tables."""
        from devicekit.verbs.characterize import CharacterizeRequest, run_characterize

        table = self._read_table(path, Answered(reading))
        request = CharacterizeRequest(files=(path,), reading=reading, **options)
        return _show_analysis(lambda: run_characterize(request, table=table), path, reading, folder, table)

    def population(
        self, path: Path, reading: ReadOptions, options: Mapping[str, Any], folder: Path, progress: Step
    ) -> TaskResult:
        """Analyse a folder of many cells; write its page and its tables."""
        from devicekit.verbs.population import PopulationRequest, run_population

        request = PopulationRequest(folders=(path,), reading=reading, jobs=1, **options)
        return _draw(run_population(request, JobProgress(progress)), folder, progress)

    def simulate(self, request: IVRequest, text: str, folder: Path, progress: Step) -> TaskResult:
        """Simulate the I-V of a stack that ships, or of one with that text."""
        from devicekit.verbs.simulate import run_iv

        if request.stack is None or not text.strip():
            return _draw(run_iv(request, JobProgress(progress)), folder, progress)
        path = folder / request.stack
        path.write_text(text, encoding="utf-8")
        outcome = run_iv(replace(request, stack=path), JobProgress(progress))
        found = _draw(replace(outcome, reproduction=request.reproduction()), folder, progress)
        return replace(found, files=(*found.files, path.name))

    def train(self, request: TrainRequest, text: str, folder: Path, progress: Step) -> TaskResult:
        """Train a network on a card with that text."""
        from devicekit.verbs.train import run_training

        request = replace(request, card=_write_card(folder, request.card, text))
        return _draw(run_training(request, JobProgress(progress)), folder, progress)

    def benchmark(self, request: BenchmarkRequest, text: str, folder: Path, progress: Step) -> TaskResult:
        """Benchmark a card with that text against an ideal device."""
        from devicekit.verbs.benchmark import run_benchmark

        request = replace(request, cards=(_write_card(folder, request.cards[0], text),))
        return _draw(run_benchmark(request, JobProgress(progress)), folder, progress)

    def keep(
        self,
        library: Path,
        source: Path,
        name: str,
        labels: dict[str, str],
        reading: dict[str, Any],
        folder: Path,
        progress: Step,
    ) -> str:
        """Add a card, or the result of a measurement, to the library; return the id of its record.

        A folder of many cells has a record of the population, whose id is returned, and one of each cell.
        """
        from devicekit.library import Library

        is_population = source.is_dir() and populations.is_population(source, ReadOptions.of(**reading))
        added, *_ = Library(library).add_file(source, name=None if is_population else name, labels=labels, **reading)
        return added.record.id

    def compare(
        self,
        library: Path,
        ids: tuple[str, ...],
        x: str | None,
        y: str | None,
        by: str | None,
        folder: Path,
        progress: Step,
    ) -> TaskResult:
        """Compare records of the library."""
        from devicekit.library import Library
        from devicekit.library.compare import compare
        from devicekit.library.report import comparison_report

        records = Library(library)
        reproduction = _reproduce_comparison(ids, x, y, by)
        page = comparison_report(compare([records.get(each) for each in ids], x, y, by), reproduction.command)
        page.save(folder / "comparison.html")
        first, details = _split(page)
        return TaskResult(first, ("comparison.html",), (), reproduction, details=details)

    def export(self, card: Path, text: str, to: str, folder: Path, progress: Step) -> str:
        """Export a card as a zip file and return its name."""
        from devicekit.device.card import load_card
        from devicekit.exporters import ExportOptions, make

        exported = make(load_card(_write_card(folder, card, text)), to, ExportOptions())
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in exported.files.items():
                archive.writestr(name, content)
        name = f"{card.stem}-{to}.zip"
        (folder / name).write_bytes(buffer.getvalue())
        return name

    def _open(self, path: Path, reading: ReadOptions) -> Opening:
        """Return the columns of the first rows of a file; the last ones are kept."""
        from devicekit.readers.opening import open_columns

        key = (str(path), repr(reading))
        if key not in self._openings:
            self._openings[key] = open_columns(path, reading)
            while len(self._openings) > TABLES_KEPT:
                self._openings.popitem(last=False)
        return self._openings[key]

    def _read_table(self, path: Path, state: Answered, form: FormAnswers | None = None) -> Table:
        """Read a file, with the answers of a form; a table that is kept is not read again."""
        from devicekit.readers import read_opened

        form = form or FormAnswers({})
        kept = self._tables.get((str(path), repr(state)))
        if kept is not None and not form.by_question:
            form.state = state
            return self._keep(path, state, kept)
        with answered_by(form):
            table = read_opened(path, state, self._sources_of(path), elsewhere=frozenset({"read_voltage"}))
        return self._keep(path, form.state or state, table)

    def _sources_of(self, path: Path) -> Sources:
        """Return the opened file, which is kept for other answers if it is not large; the last one alone is kept."""
        from devicekit.readers import effort

        if effort.estimate(path) > LARGEST_KEPT:
            return {}
        self._sources = {path: self._sources.get(path, {})}
        return self._sources[path]

    def _keep(self, path: Path, state: Answered, table: Table) -> Table:
        """Keep a table for the next task; the oldest is forgotten."""
        key = (str(path), repr(state))
        self._tables[key] = table
        self._tables.move_to_end(key)
        while len(self._tables) > TABLES_KEPT:
            self._tables.popitem(last=False)
        return table


def _list_asked(before: tuple[Question, ...], answered: list[str], open_: Question | None) -> tuple[Question, ...]:
    """Return the parts of a form after its answers: the answered ones, as they stood, and what is open now."""
    known = {each.text: each for each in before}
    parts = {text: known[text] for text in answered if text in known}
    return tuple((parts | {each.text: each for each in (open_.each if open_ is not None else ())}).values())


def _write_card(folder: Path, card: Path, text: str) -> Path:
    """Write a card beside the results, which are offered by name."""
    path = folder / CARDS / card.name
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    return path


def _draw(outcome: Outcome[Any], folder: Path, progress: Step) -> TaskResult:
    """Write what an outcome offers, as a step of its own; return the page."""
    progress("drawing the page", "", 0, 0)
    return show(outcome, folder)


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
    first, details = _split(page)
    names = (REPORT, *outcome.cards, *tables, *others)
    return TaskResult(first, names, outcome.cards, reproduction, details=details)


def _split(page: Report) -> tuple[str, str]:
    """Return first page and sections of a report, as HTML."""
    first, contents, sections = page.body().partition("<nav ")
    return first, contents + sections


def _show_analysis(
    run: Callable[[], Outcome[Any]], path: Path, reading: ReadOptions, folder: Path, table: Table
) -> TaskResult:
    """Return the page of a fit or of figures of merit; the table alone, and why, if it has none."""
    try:
        return show(run(), folder, table)
    except DevicekitError as error:
        table.to_csv(folder / "table.csv")
        reproduction = _reproduce_reading(path.name, reading)
        return TaskResult("", ("table.csv",), (), reproduction, failed=use_field_labels(str(error)))


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
