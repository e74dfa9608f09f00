"""Pages of long runs: simulate a stack, train on a card, benchmark a card."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from devicekit.app import pages, run_forms
from devicekit.app.labels import use_setting_labels
from devicekit.app.library_pages import load_card_text
from devicekit.app.results import TaskResult
from devicekit.app.run_forms import RunForm
from devicekit.app.state import get_app
from devicekit.app.worker import Job
from devicekit.core.errors import DevicekitError, UsageError
from devicekit.exporters import for_cards
from devicekit.library import Library, Query
from devicekit.system import catalog

MOST_CARDS = 100  # of the library, that are offered
_TABS = {"simulate": "simulate", "train": "train", "benchmark": "benchmark"}  # of a task; "library" for others


async def show_simulation_form(request: Request) -> Response:
    """Show the form of a simulation."""
    return _render_form(request, run_forms.build_simulation_form())


async def start_simulation(request: Request) -> Response:
    """Start a simulation."""
    form = await _read_form(request)
    text = form.get("stack", "").replace("\r\n", "\n")
    try:
        asked = await run_in_threadpool(run_forms.parse_simulation, {**form, "stack": text})
    except DevicekitError as error:
        return _render_form(request, run_forms.build_simulation_form(text).fill(form), str(error))
    title = f"simulating {run_forms.read_title(text) if text.strip() else form.get('material', '')}"
    return _start(request, "simulate", title, form, request=asked, text=text)


async def edit_stack(request: Request) -> Response:
    """Show the form of a simulation with the text of the chosen stack, or of an opened file."""
    form = await _read_form(request)
    try:
        text = form.get("opened") or run_forms.write_stack(form.get("material", ""))
    except DevicekitError as error:
        return _render_form(request, run_forms.build_simulation_form().fill(form), str(error))
    return _render_form(request, run_forms.build_simulation_form(text).fill({**form, "stack": text}))


async def _read_form(request: Request) -> dict[str, str]:
    return {name: str(value) for name, value in (await request.form()).items()}


def _render_form(request: Request, form: RunForm, wrong: str = "", where: str = "") -> Response:
    """Render a form; with what is wrong with its entries."""
    task, title = form.task, form.task.capitalize()
    status = 422 if wrong else 200
    return pages.render_page(request, "run_form", title, _TABS[task], status, form=form, wrong=wrong, where=where)


def _start(shown: Request, task: str, title: str, entries: Mapping[str, str], **arguments: Any) -> Response:
    job = get_app(shown).submit(title, task, **arguments)
    job.entries = entries
    return pages.redirect(shown, f"/runs/{job.id}")


def find_card(request: Request, where: str) -> tuple[str, str] | None:
    """Return name and text of a card of a job (`job:ID:FILE`), the library (`record:ID`) or a set (`set:NAME`)."""
    app = get_app(request)
    kind, _, rest = where.partition(":")
    if kind == "job":
        key, _, name = rest.partition(":")
        job = app.jobs.get(key)
        if job is not None and isinstance(job.result, TaskResult) and name in job.result.cards:
            return name, (job.folder / name).read_text("utf-8")
    if kind == "record":
        return load_card_text(app, rest)
    if kind == "set" and (found := catalog.shipped().get(rest)) is not None and found.card.is_file():
        return f"{rest}.json", found.card.read_text("utf-8")
    return None


def _list_cards(request: Request) -> list[tuple[str, str, str]]:
    """Return the cards of the library and those that ship: where each is, its name, and what it is."""
    library = Library(get_app(request).library)
    records: Any = library.records(Query((), "card", limit=MOST_CARDS)) if "card" in library.kinds() else ()
    own = [(f"record:{each.id}", each.name, "in the library") for each in records]
    shipped = [each for each in catalog.shipped().values() if each.card.is_file()]
    return [*own, *((f"set:{each.name}", each.name, each.title) for each in shipped)]


Build = Callable[[str], RunForm]
Parse = Callable[[Mapping[str, str], Path], Any]
_FORMS: dict[str, tuple[Build, Parse, str]] = {
    "train": (run_forms.build_training_form, run_forms.parse_training, "training on {}"),
    "benchmark": (run_forms.build_benchmark_form, run_forms.parse_benchmark, "benchmark of {}"),
}


def _make_form_page(task: str) -> Callable[[Request], Any]:
    """Return the page of a form that needs a card; without one, the cards to choose from."""
    build, _, _ = _FORMS[task]

    async def show_form(request: Request) -> Response:
        """Show the form, or the cards."""
        where = request.query_params.get("card", "")
        if not where:
            cards = await run_in_threadpool(_list_cards, request)
            return pages.render_page(request, "cards", task.capitalize(), task, task=task, cards=cards)
        card = await run_in_threadpool(find_card, request, where)
        if card is None:
            return pages.render_missing(request, "card")
        form = await run_in_threadpool(build, card[0])
        return _render_form(request, form, where=where)

    return show_form


def _make_start(task: str) -> Callable[[Request], Any]:
    """Return the address that starts a run on a card."""
    build, parse, title = _FORMS[task]

    async def start(request: Request) -> Response:
        """Start the run."""
        form = await _read_form(request)
        where = form.get("card", "")
        card = await run_in_threadpool(find_card, request, where)
        if card is None:
            return pages.render_missing(request, "card")
        name, text = card
        try:
            asked = await run_in_threadpool(parse, form, Path(name))
        except DevicekitError as error:
            return _render_form(request, build(name).fill(form), use_setting_labels(str(error)), where)
        return _start(request, task, title.format(name), form, request=asked, text=text)

    return start


async def export_card(request: Request) -> Response:
    """Send a card for another program, as a zip file."""
    card = await run_in_threadpool(find_card, request, request.query_params.get("card", ""))
    to = request.query_params.get("to", "")
    if card is None or to not in for_cards():
        return pages.render_missing(request, "card")
    name, text = card
    job = get_app(request).submit(f"exporting to {to}", "export", card=Path(name), text=text, to=to)
    await run_in_threadpool(job.wait)
    if job.state != "done":
        return pages.render_error(request, job.error or UsageError(job.message))
    return FileResponse(job.folder / job.result, filename=job.result, content_disposition_type="attachment")


def _find_job(request: Request) -> Job | None:
    return get_app(request).jobs.get(request.path_params["job"])


async def show_run(request: Request) -> Response:
    """Show the progress of a run, then its result."""
    job = _find_job(request)
    if job is None:
        return pages.render_missing(request, "run")
    result = job.result if isinstance(job.result, TaskResult) else None
    return pages.render_page(request, "run", job.title, _TABS.get(job.task, "library"), job=job, result=result)


async def change_run(request: Request) -> Response:
    """Show the form of a run with its entries."""
    job = _find_job(request)
    if job is None or not job.entries:
        return pages.render_missing(request, "run")
    if job.task == "simulate":
        return _render_form(request, run_forms.build_simulation_form(job.entries.get("stack", "")).fill(job.entries))
    where = job.entries["card"]
    card = await run_in_threadpool(find_card, request, where)
    if card is None:
        return pages.render_missing(request, "card")
    return _render_form(request, _FORMS[job.task][0](card[0]).fill(job.entries), where=where)


async def cancel_run(request: Request) -> Response:
    """Cancel a run and remove its files."""
    job = _find_job(request)
    if job is None:
        return pages.render_missing(request, "run")
    await run_in_threadpool(get_app(request).cancel, job)
    return await show_run(request)


def list_routes() -> list[Route]:
    """Return the routes of long runs."""
    return [
        Route("/simulate", show_simulation_form),
        Route("/simulate", start_simulation, methods=["POST"]),
        Route("/simulate/stack", edit_stack, methods=["POST"]),
        *(Route(f"/{task}", _make_form_page(task)) for task in _FORMS),
        *(Route(f"/{task}", _make_start(task), methods=["POST"]) for task in _FORMS),
        Route("/export", export_card),
        Route("/runs/{job}", show_run),
        Route("/runs/{job}/form", change_run),
        Route("/runs/{job}/cancel", cancel_run, methods=["POST"]),
    ]
