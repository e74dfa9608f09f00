"""Pages of what takes longer: simulate a stack, run the benchmark of a card."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import physics
from devicekit.app import pages
from devicekit.app.results import Found
from devicekit.app.shelf import card_text
from devicekit.app.state import running
from devicekit.app.worker import Job
from devicekit.errors import DevicekitError, UsageError

SEEDS = (3, 10, 20)


async def simulate(request: Request) -> Response:
    """The form of a simulation."""
    return pages.page(request, "simulate", "Simulate", "simulate", **_choices(), said={}, wrong="")


def _choices() -> dict[str, Any]:
    return {"materials": list(physics.material_files()), "meshes": list(physics.SPACINGS)}


def _number(form: dict[str, str], name: str, label: str, kind: type = float) -> Any:
    word = form.get(name, "").strip()
    if not word:
        return None
    try:
        return kind(word)
    except ValueError:
        raise UsageError(f"{label} takes a number, not {word!r}") from None


async def start_simulation(request: Request) -> Response:
    """Begin a simulation."""
    form = {name: str(value) for name, value in (await request.form()).items()}
    try:
        options = {
            "material": form.get("material") or None,
            "mesh": form.get("mesh", "default"),
            "cycles": _number(form, "cycles", "Loops", int) or 0,
            "compliance": _number(form, "compliance", "Compliance"),
            "stop": _number(form, "stop", "End of the set ramp"),
        }
        if options["material"] not in physics.material_files() or options["mesh"] not in physics.SPACINGS:
            raise UsageError("choose a material set and a mesh of the lists")
        if not 0 <= options["cycles"] <= 1000:
            raise UsageError("Loops: 0 (one set) to 1000")
    except DevicekitError as error:
        return pages.page(request, "simulate", "Simulate", "simulate", 422, **_choices(), said=form, wrong=str(error))
    job = running(request).job(f"simulating {options['material']}", "simulate", long=True, **options)
    return pages.go(request, f"/runs/{job.id}")


def card_of(request: Request, where: str) -> tuple[str, str] | None:
    """Name and text of a card: of a job (`job:ID:FILE`) or of the library (`record:ID`)."""
    app = running(request)
    kind, _, rest = where.partition(":")
    if kind == "job":
        key, _, name = rest.partition(":")
        job = app.jobs.get(key)
        if job is not None and isinstance(job.result, Found) and name in job.result.cards:
            return name, (job.folder / name).read_text("utf-8")
    if kind == "record":
        return card_text(app, rest)
    return None


async def benchmark(request: Request) -> Response:
    """The form of a benchmark."""
    where = request.query_params.get("card", "")
    card = card_of(request, where)
    if card is None:
        return pages.missing(request, "card")
    return pages.page(request, "benchmark", "Benchmark", "library", where=where, name=card[0], seeds=SEEDS)


async def start_benchmark(request: Request) -> Response:
    """Begin a benchmark."""
    form = await request.form()
    card = await run_in_threadpool(card_of, request, str(form.get("card", "")))
    if card is None:
        return pages.missing(request, "card")
    seeds = str(form.get("seeds", "10"))
    name, text = card
    job = running(request).job(
        f"benchmark of {name}",
        "benchmark",
        long=True,
        name=name,
        text=text,
        seeds=int(seeds) if seeds in map(str, SEEDS) else 10,
        whole=form.get("whole") == "yes",
    )
    return pages.go(request, f"/runs/{job.id}")


def _job(request: Request) -> Job | None:
    return running(request).jobs.get(request.path_params["job"])


async def run(request: Request) -> Response:
    """Progress of a run, then its result."""
    job = _job(request)
    if job is None:
        return pages.missing(request, "run")
    found = job.result if isinstance(job.result, Found) else None
    tab = "simulate" if job.task == "simulate" else "library"
    return pages.page(request, "run", job.title, tab, job=job, found=found)


async def cancel_run(request: Request) -> Response:
    """End a run and leave nothing of it."""
    job = _job(request)
    if job is None:
        return pages.missing(request, "run")
    await run_in_threadpool(running(request).cancel, job)
    return await run(request)


def routes() -> list[Route]:
    """Addresses of this part."""
    return [
        Route("/simulate", simulate),
        Route("/simulate", start_simulation, methods=["POST"]),
        Route("/benchmark", benchmark),
        Route("/benchmark", start_benchmark, methods=["POST"]),
        Route("/runs/{job}", run),
        Route("/runs/{job}/cancel", cancel_run, methods=["POST"]),
    ]
