"""The first page: drop a file, answer what the reader asks, see the fit or the figures of merit, keep it."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from devicekit.app import pages
from devicekit.app.drops import Drop, answered
from devicekit.app.forms import blanks, in_page_words, reading_fields, reading_of
from devicekit.app.results import FitChoice, Found, Understood
from devicekit.app.security import plain_name
from devicekit.app.shelf import keep_file
from devicekit.app.state import running
from devicekit.commands import given
from devicekit.errors import Choice, DevicekitError, Question, UsageError
from devicekit.exporters import for_cards
from devicekit.fitting.branch.options import CHOICES, FitOptions
from devicekit.models import law_names
from devicekit.plugins import READERS
from devicekit.readers.recipe import list_shipped
from devicekit.text import natural_number


def _drop(request: Request) -> Drop | None:
    return running(request).drops.get(request.path_params["key"])


async def home(request: Request) -> Response:
    """The drop zone and what is open."""
    return pages.page(request, "measure", "Measure", "measure", drops=list(running(request).drops))


async def open_drop(request: Request) -> Response:
    """Begin a drop: a file, or a folder whose files follow."""
    name, folder = request.headers.get("x-name", ""), request.headers.get("x-folder", "no")
    drop = running(request).drops.open(name, folder != "no", folder == "made")
    return JSONResponse({"key": drop.key, "name": drop.name})


async def receive(request: Request) -> Response:
    """One file of a drop, as it comes."""
    app, drop = running(request), _drop(request)
    if drop is None:
        return PlainTextResponse("There is no such drop.", 404)
    name = request.headers.get("x-name", "")
    if drop.whole or (not drop.is_folder and app.drops.holds(drop, name)):  # what is there, and its result, stay
        return PlainTextResponse(f"{drop.name} is there already: drop it anew.", 409)
    try:
        await app.drops.receive(drop, name, request.stream())
    except ClientDisconnect:
        return Response(status_code=400)
    except DevicekitError as error:
        app.forget(drop)
        return PlainTextResponse(str(error), 413)
    return JSONResponse({"received": drop.size})


async def whole(request: Request) -> Response:
    """All files of a drop are there: it is read."""
    drop = _drop(request)
    if drop is None:
        return PlainTextResponse("There is no such drop.", 404)
    drop.whole = True
    running(request).read(drop)
    return JSONResponse({"received": drop.size})


async def show(request: Request) -> Response:
    """A drop: progress, the question, or what was found."""
    drop = _drop(request)
    if drop is None:
        return pages.missing(request, "file")
    return _shown(request, drop)


def _shown(request: Request, drop: Drop, wrong: str = "", status: int = 200, form: Any = None) -> Response:
    """The page of a drop; with a `form` that was refused, as it was filled in."""
    form = FormData() if form is None else form
    app = running(request)
    read = app.read(drop)
    if read is None:
        return pages.page(request, "sending", drop.name, "measure", status, drop=drop)
    read = replace(read)  # as it is now: one that ends while the page is written would show neither progress nor result
    job = app.find(drop) if read.state == "done" else None
    job = job and replace(job)
    understood = read.result if isinstance(read.result, Understood) else None
    question = drop.question
    recipes = sorted(each.stem for each in app.recipes.glob("*.toml"))
    known = reading_fields(drop.reading, [*recipes, *list_shipped()], READERS.own())
    fields_ = [replace(each, value=str(form.get(each.name, each.value))) for each in known]
    return pages.page(
        request,
        "drop",
        drop.name,
        "measure",
        status,
        drop=drop,
        read=read,
        job=job,
        understood=understood,
        found=job.result if job is not None and isinstance(job.result, Found) else None,
        question=question,
        chosen=str(form.get("choice", "")),
        choices=_choices(question, form) if question else [],
        more=[each for each in fields_ if question and each.name in question.fields],
        fields=fields_,
        laws=law_names(),
        losses=CHOICES["loss"],
        states=CHOICES["state"],
        targets=for_cards(),
        wrong=wrong,
    )


def _choices(question: Question, form: Any) -> list[tuple[Choice, list[tuple[str, str]]]]:
    """The answers, each with what is to be filled in and what was filled in."""
    found = []
    for k, choice in enumerate(question.choices):
        said = [str(each) for each in form.getlist(f"blank-{k}")]
        found.append((choice, list(zip_longest(names := blanks(choice), said[: len(names)], fillvalue=""))))
    return found


async def answer(request: Request) -> Response:
    """Read it as a choice of the question says."""
    drop = _drop(request)
    if drop is None:
        return pages.missing(request, "file")
    form = await request.form()
    if drop.question is None:
        return _shown(request, drop)
    try:
        said = str(form.get("choice", ""))
        number = natural_number(said)
        if said != "own" and (number is None or number >= len(drop.question.choices)):
            raise UsageError("choose one of the answers")
        filled = [str(each) for each in form.getlist(f"blank-{number}")]
        own = reading_of({name: str(form.get(name, "")) for name in drop.question.fields})
        options = answered(drop, number, filled, own)
    except DevicekitError as error:
        return _shown(request, drop, str(error.in_words(in_page_words)), 422, form)
    await run_in_threadpool(running(request).begin_again, drop, options)
    return _then(request, drop)


async def read_again(request: Request) -> Response:
    """Read it as the fields of the form say."""
    app, drop = running(request), _drop(request)
    if drop is None:
        return pages.missing(request, "file")
    form = await request.form()
    known = {each.name for each in reading_fields(drop.reading, [], [])}
    try:
        options = reading_of({name: str(value) for name, value in form.items() if name in known})
        if options.recipe is not None and (kept := app.recipes / f"{plain_name(str(options.recipe))}.toml").is_file():
            options = replace(options, recipe=kept)
    except DevicekitError as error:
        return _shown(request, drop, str(error.in_words(in_page_words)), 422, form)
    await run_in_threadpool(app.begin_again, drop, options)
    return _then(request, drop)


async def fit_again(request: Request) -> Response:
    """Fit with another law, loss or state."""
    drop = _drop(request)
    if drop is None:
        return pages.missing(request, "file")
    form = await request.form()
    said = {each.name: str(form.get(each.name, each.default)) for each in fields(FitChoice)}
    try:
        FitOptions(said["model"], said["loss"], state=said["state"])
    except DevicekitError as error:
        return _shown(request, drop, str(error), 422)
    await run_in_threadpool(running(request).drop_job, drop.found)
    drop.choice, drop.found, drop.kept = FitChoice(**said), None, ""
    return _then(request, drop)


def _then(request: Request, drop: Drop) -> Response:
    """The drop as it is now, or its page."""
    return _shown(request, drop) if pages.asked_by_script(request) else pages.go(request, f"/drops/{drop.key}")


async def cancel(request: Request) -> Response:
    """End what is done for it; a file that was not read is forgotten."""
    drop = _drop(request)
    if drop is None:
        return pages.missing(request, "file")
    app = running(request)
    for job in (drop.found, drop.read):
        if job is not None and not job.over:
            await run_in_threadpool(app.cancel, job)
    return _then(request, drop)


async def forget(request: Request) -> Response:
    """Close a drop."""
    drop = _drop(request)
    if drop is not None:
        await run_in_threadpool(running(request).forget, drop)
    return pages.go(request, "/")


async def keep_recipe(request: Request) -> Response:
    """Keep the layout as a recipe for files like it."""
    app, drop = running(request), _drop(request)
    if drop is None or drop.read is None or not isinstance(drop.read.result, Understood):
        return pages.missing(request, "layout")
    from devicekit import files, work

    form = await request.form()
    name = plain_name(str(form.get("name", ""))).removesuffix(".toml") or Path(drop.name).stem
    app.recipes.mkdir(parents=True, exist_ok=True)
    target = app.recipes / f"{name}.toml"
    with work.locked(app.recipes):  # of another app of the same user
        if target.exists():
            return _shown(request, drop, f"There is a recipe {name} already: choose another name", 422)
        files.write_text(target, drop.read.result.recipe)
    return _shown(request, drop, f"Kept as recipe {name}: choose it under “Read it differently” for other files.")


async def progress(request: Request) -> Response:
    """Return how far a job is; once it is over, what leads to its result."""
    job = running(request).jobs.get(request.path_params["job"])
    back = request.query_params.get("back", "/")
    if job is None or not re.fullmatch(r"/(drops|runs)/[0-9a-f]{32}", back):
        return pages.missing(request, "job")
    cancelling = f"{back}/cancel"
    return HTMLResponse(pages.fragment("progress", job=job, back=back, cancel=cancelling))


async def keep(request: Request) -> Response:
    """Keep what was found in the library, with place and labels."""
    app, drop = running(request), _drop(request)
    if drop is None or drop.found is None or not isinstance(drop.found.result, Found):
        return pages.missing(request, "result")
    form = {name: str(value).strip() for name, value in (await request.form()).items()}
    said = {name: value for name, value in form.items() if value and name != "name"}
    source = drop.found.folder / drop.found.result.cards[0] if drop.found.result.cards else drop.path
    try:
        reading = {} if drop.found.result.cards else given(drop.reading)
        kept = await run_in_threadpool(keep_file, app, source, form.get("name") or Path(drop.name).stem, said, reading)
    except DevicekitError as error:
        return _shown(request, drop, str(error), 422)
    drop.kept = kept
    return _then(request, drop)


async def download(request: Request) -> Response:
    """A file that a job wrote."""
    app = running(request)
    job = app.jobs.get(request.path_params["job"])
    name = request.path_params["name"]
    if job is None or not isinstance(job.result, Found) or name not in job.result.files:
        return pages.missing(request, "file")
    return FileResponse(job.folder / name, filename=name, content_disposition_type="attachment")


async def recipe(request: Request) -> Response:
    """The layout as a recipe, to download."""
    drop = _drop(request)
    if drop is None or drop.read is None or not isinstance(drop.read.result, Understood):
        return pages.missing(request, "layout")
    name = f"{Path(drop.name).stem}.toml"
    headers = {"content-disposition": f'attachment; filename="{name.encode("ascii", "replace").decode()}"'}
    return PlainTextResponse(drop.read.result.recipe, headers=headers, media_type="application/toml")


async def export(request: Request) -> Response:
    """A card for another program, as a zip file."""
    app = running(request)
    job = app.jobs.get(request.path_params["job"])
    card, to = request.query_params.get("card", ""), request.query_params.get("to", "")
    if job is None or not isinstance(job.result, Found) or card not in job.result.cards or to not in for_cards():
        return pages.missing(request, "card")
    made = app.job(f"exporting to {to}", "export", card=job.folder / card, to=to)
    await run_in_threadpool(made.wait)
    if made.state != "done":
        return pages.refused(request, made.error or UsageError(made.message))
    return FileResponse(made.folder / made.result, filename=made.result, content_disposition_type="attachment")


async def to_benchmark(request: Request) -> Response:
    """Lead to the benchmark of a card."""
    where = quote(f"job:{request.path_params['job']}:{request.query_params.get('card', '')}")
    return pages.go(request, f"/benchmark?card={where}")


def routes() -> list[Route]:
    """Addresses of this part."""

    def route(path: str, endpoint: Any, method: str = "GET") -> Route:
        return Route(path, endpoint, methods=[method])

    return [
        route("/", home),
        route("/drops", open_drop, "POST"),
        route("/drops/{key}", show),
        route("/drops/{key}/file", receive, "POST"),
        route("/drops/{key}/whole", whole, "POST"),
        route("/drops/{key}/answer", answer, "POST"),
        route("/drops/{key}/read", read_again, "POST"),
        route("/drops/{key}/fit", fit_again, "POST"),
        route("/drops/{key}/cancel", cancel, "POST"),
        route("/drops/{key}/forget", forget, "POST"),
        route("/drops/{key}/recipe", keep_recipe, "POST"),
        route("/drops/{key}/recipe.toml", recipe),
        route("/drops/{key}/keep", keep, "POST"),
        route("/jobs/{job}", progress),
        route("/jobs/{job}/export", export),
        route("/jobs/{job}/benchmark", to_benchmark),
        route("/jobs/{job}/{name}", download),
    ]
