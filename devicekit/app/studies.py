"""Pages of long runs: simulate a stack, benchmark a card."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import physics
from devicekit.app import pages
from devicekit.app.library_pages import load_card_text
from devicekit.app.results import TaskResult
from devicekit.app.state import get_app
from devicekit.app.worker import Job
from devicekit.core.errors import DevicekitError, UsageError

SEEDS = (3, 10, 20)


async def show_simulation_form(request: Request) -> Response:
    """Show the form of a simulation."""
    return pages.render_page(request, "simulate", "Simulate", "simulate", **_list_choices(), entries={}, wrong="")


def _list_choices() -> dict[str, Any]:
    return {"materials": list(physics.material_files()), "meshes": list(physics.SPACINGS)}


def _parse_number(form: dict[str, str], name: str, label: str, kind: type = float) -> Any:
    word = form.get(name, "").strip()
    if not word:
        return None
    try:
        return kind(word)
    except ValueError:
        raise UsageError(f"“{label}” takes a number, not {word!r}.") from None


async def start_simulation(request: Request) -> Response:
    """Start a simulation."""
    form = {name: str(value) for name, value in (await request.form()).items()}
    try:
        options = {
            "material": form.get("material") or None,
            "mesh": form.get("mesh", "default"),
            "cycles": _parse_number(form, "cycles", "Loops", int) or 0,
            "compliance": _parse_number(form, "compliance", "Compliance"),
            "stop": _parse_number(form, "stop", "End of the set ramp"),
        }
        if options["material"] not in physics.material_files() or options["mesh"] not in physics.SPACINGS:
            raise UsageError("Choose a material set and a mesh from the lists.")
        if not 0 <= options["cycles"] <= 1000:
            raise UsageError("“Loops” takes 0 (one set) to 1000.")
    except DevicekitError as error:
        return pages.render_page(
            request, "simulate", "Simulate", "simulate", 422, **_list_choices(), entries=form, wrong=str(error)
        )
    job = get_app(request).submit(f"simulating {options['material']}", "simulate", long=True, **options)
    return pages.redirect(request, f"/runs/{job.id}")


def find_card(request: Request, where: str) -> tuple[str, str] | None:
    """Return name and text of a card of a job (`job:ID:FILE`) or of the library (`record:ID`)."""
    app = get_app(request)
    kind, _, rest = where.partition(":")
    if kind == "job":
        key, _, name = rest.partition(":")
        job = app.jobs.get(key)
        if job is not None and isinstance(job.result, TaskResult) and name in job.result.cards:
            return name, (job.folder / name).read_text("utf-8")
    if kind == "record":
        return load_card_text(app, rest)
    return None


async def show_benchmark_form(request: Request) -> Response:
    """Show the form of a benchmark."""
    where = request.query_params.get("card", "")
    card = find_card(request, where)
    if card is None:
        return pages.render_missing(request, "card")
    return pages.render_page(request, "benchmark", "Benchmark", "library", where=where, name=card[0], seeds=SEEDS)


async def start_benchmark(request: Request) -> Response:
    """Start a benchmark."""
    form = await request.form()
    card = await run_in_threadpool(find_card, request, str(form.get("card", "")))
    if card is None:
        return pages.render_missing(request, "card")
    seeds = str(form.get("seeds", "10"))
    name, text = card
    job = get_app(request).submit(
        f"benchmark of {name}",
        "benchmark",
        long=True,
        name=name,
        text=text,
        seeds=int(seeds) if seeds in map(str, SEEDS) else 10,
        whole=form.get("whole") == "yes",
    )
    return pages.redirect(request, f"/runs/{job.id}")


def _find_job(request: Request) -> Job | None:
    return get_app(request).jobs.get(request.path_params["job"])


async def show_run(request: Request) -> Response:
    """Show the progress of a run, then its result."""
    job = _find_job(request)
    if job is None:
        return pages.render_missing(request, "run")
    result = job.result if isinstance(job.result, TaskResult) else None
    tab = "simulate" if job.task == "simulate" else "library"
    return pages.render_page(request, "run", job.title, tab, job=job, result=result)


async def cancel_run(request: Request) -> Response:
    """Cancel a run and remove its files."""
    job = _find_job(request)
    if job is None:
        return pages.render_missing(request, "run")
    await run_in_threadpool(get_app(request).cancel, job)
    return await show_run(request)


def list_routes() -> list[Route]:
    """Return the routes of simulations and benchmarks."""
    return [
        Route("/simulate", show_simulation_form),
        Route("/simulate", start_simulation, methods=["POST"]),
        Route("/benchmark", show_benchmark_form),
        Route("/benchmark", start_benchmark, methods=["POST"]),
        Route("/runs/{job}", show_run),
        Route("/runs/{job}/cancel", cancel_run, methods=["POST"]),
    ]
