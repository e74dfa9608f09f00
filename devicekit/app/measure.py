"""Pages of uploads: open a file, answer the reader's question, see the fit or figures of merit, keep the result."""

from __future__ import annotations

import re
from dataclasses import replace
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
from devicekit.app.forms import (
    build_reading_fields,
    parse_reading_form,
    split_question,
    use_field_labels,
)
from devicekit.app.library_pages import add_to_library
from devicekit.app.results import ReadResult, TaskResult
from devicekit.app.security import clean_file_name
from devicekit.app.state import get_app
from devicekit.app.uploads import Upload, apply_answer
from devicekit.core.errors import Choice, DevicekitError, Question, UsageError
from devicekit.core.text import natural_number
from devicekit.exporters import for_cards
from devicekit.fitting.branch.options import CHOICES, FitOptions
from devicekit.models import law_names
from devicekit.readers.recipe import list_shipped
from devicekit.system.answers import list_blank_labels
from devicekit.system.commands import non_default
from devicekit.system.plugins import READERS


def _find_upload(request: Request) -> Upload | None:
    return get_app(request).uploads.get(request.path_params["key"])


async def show_first_page(request: Request) -> Response:
    """Show the drop zone and the open uploads."""
    return pages.render_page(request, "measure", "Measure", "measure", uploads=list(get_app(request).uploads))


async def open_upload(request: Request) -> Response:
    """Open an upload: a file, or a folder whose files follow."""
    name, folder = request.headers.get("x-name", ""), request.headers.get("x-folder", "no")
    upload = get_app(request).uploads.open(name, folder != "no", folder == "bundle")
    return JSONResponse({"key": upload.key, "name": upload.name})


async def receive_file(request: Request) -> Response:
    """Receive one file of an upload."""
    app, upload = get_app(request), _find_upload(request)
    if upload is None:
        return PlainTextResponse("This upload does not exist.", 404)
    name = request.headers.get("x-name", "")
    if upload.is_complete or (not upload.is_folder and app.uploads.holds(upload, name)):  # the file and its result stay
        return PlainTextResponse(f"{upload.name} was already received. Drop the file again.", 409)
    try:
        await app.uploads.receive(upload, name, request.stream())
    except ClientDisconnect:
        return Response(status_code=400)
    except DevicekitError as error:
        app.close_upload(upload)
        return PlainTextResponse(str(error), 413)
    return JSONResponse({"received": upload.size})


async def finish_upload(request: Request) -> Response:
    """Start to read an upload, all of whose files were received."""
    upload = _find_upload(request)
    if upload is None:
        return PlainTextResponse("This upload does not exist.", 404)
    upload.is_complete = True
    get_app(request).read(upload)
    return JSONResponse({"received": upload.size})


async def show_upload(request: Request) -> Response:
    """Show an upload: its progress, its question, or its result."""
    upload = _find_upload(request)
    if upload is None:
        return pages.render_missing(request, "file")
    return _render_upload(request, upload)


def _render_upload(request: Request, upload: Upload, wrong: str = "", status: int = 200, form: Any = None) -> Response:
    """Render the page of an upload; a `form` that was refused keeps its entries."""
    form = FormData() if form is None else form
    app = get_app(request)
    read = app.read(upload)
    if read is None:
        return pages.render_page(request, "sending", upload.name, "measure", status, upload=upload)
    read = replace(read)  # a snapshot: a job that ends meanwhile would show neither progress nor result
    job = app.analyze(upload) if read.state == "done" else None
    job = job and replace(job)
    read_result = read.result if isinstance(read.result, ReadResult) else None
    question = upload.question
    recipes = sorted(each.stem for each in app.recipes.glob("*.toml"))
    reading_fields = build_reading_fields(upload.reading, ["none", *recipes, *list_shipped()], READERS.builtin_names())
    form_fields = [replace(each, value=str(form.get(each.name, each.value))) for each in reading_fields]
    return pages.render_page(
        request,
        "upload",
        upload.name,
        "measure",
        status,
        upload=upload,
        read=read,
        job=job,
        read_result=read_result,
        result=job.result if job is not None and isinstance(job.result, TaskResult) else None,
        question=question,
        asked=split_question(question.text) if question else ("", ""),
        chosen=str(form.get("choice", "")),
        choices=_list_choices(question, form) if question else [],
        more=[each for each in form_fields if question and each.name in question.fields],
        fields=form_fields,
        laws=law_names(),
        losses=CHOICES["loss"],
        states=CHOICES["state"],
        targets=for_cards(),
        wrong=wrong,
    )


def _list_choices(question: Question, form: Any) -> list[tuple[Choice, list[tuple[str, str]]]]:
    """Return the answers, each with the labels of its blanks and their entries."""
    choices = []
    for k, choice in enumerate(question.choices):
        labels, entries = list_blank_labels(choice), [str(each) for each in form.getlist(f"blank-{k}")]
        choices.append((choice, list(zip_longest(labels, entries[: len(labels)], fillvalue=""))))
    return choices


async def answer_question(request: Request) -> Response:
    """Read an upload with an answer to its question."""
    upload = _find_upload(request)
    if upload is None:
        return pages.render_missing(request, "file")
    form = await request.form()
    if upload.question is None:
        return _render_upload(request, upload)
    try:
        chosen = str(form.get("choice", ""))
        number = natural_number(chosen)
        if chosen != "own" and (number is None or number >= len(upload.question.choices)):
            raise UsageError("Choose one of the answers.")
        entries = [str(each) for each in form.getlist(f"blank-{number}")]
        more = parse_reading_form({name: str(form.get(name, "")) for name in upload.question.fields})
        options = apply_answer(upload, number, entries, more)
    except DevicekitError as error:
        return _render_upload(request, upload, str(error.in_words(use_field_labels)), 422, form)
    await run_in_threadpool(get_app(request).read_differently, upload, options)
    return _respond(request, upload)


async def read_again(request: Request) -> Response:
    """Read an upload with the options of the form."""
    app, upload = get_app(request), _find_upload(request)
    if upload is None:
        return pages.render_missing(request, "file")
    form = await request.form()
    names = {each.name for each in build_reading_fields(upload.reading, [], [])}
    try:
        options = parse_reading_form({name: str(value) for name, value in form.items() if name in names})
        recipe = app.recipes / f"{clean_file_name(str(options.recipe))}.toml"
        if options.recipe is not None and recipe.is_file():
            options = replace(options, recipe=recipe)
    except DevicekitError as error:
        return _render_upload(request, upload, str(error.in_words(use_field_labels)), 422, form)
    await run_in_threadpool(app.read_differently, upload, options)
    return _respond(request, upload)


async def fit_again(request: Request) -> Response:
    """Fit an upload with another law, loss or state."""
    upload = _find_upload(request)
    if upload is None:
        return pages.render_missing(request, "file")
    form = await request.form()
    usual = FitOptions()
    chosen = {name: str(form.get(name, getattr(usual, name))) for name in ("model", "loss", "state")}
    try:
        options = FitOptions(**chosen)
    except DevicekitError as error:
        return _render_upload(request, upload, str(error), 422)
    await run_in_threadpool(get_app(request).discard_job, upload.analysis_job)
    upload.options, upload.analysis_job, upload.record_id = options, None, ""
    return _respond(request, upload)


def _respond(request: Request, upload: Upload) -> Response:
    """Render the upload for the script, or redirect to its page."""
    if pages.is_script_request(request):
        return _render_upload(request, upload)
    return pages.redirect(request, f"/uploads/{upload.key}")


async def cancel_jobs(request: Request) -> Response:
    """End the jobs of an upload."""
    upload = _find_upload(request)
    if upload is None:
        return pages.render_missing(request, "file")
    app = get_app(request)
    for job in (upload.analysis_job, upload.read_job):
        if job is not None and not job.is_over:
            await run_in_threadpool(app.cancel, job)
    return _respond(request, upload)


async def close_upload(request: Request) -> Response:
    """Close an upload."""
    upload = _find_upload(request)
    if upload is not None:
        await run_in_threadpool(get_app(request).close_upload, upload)
    return pages.redirect(request, "/")


async def keep_recipe(request: Request) -> Response:
    """Save the layout as a recipe for similar files."""
    app, upload = get_app(request), _find_upload(request)
    if upload is None or upload.read_job is None or not isinstance(upload.read_job.result, ReadResult):
        return pages.render_missing(request, "layout")
    from devicekit.system import work, writing

    form = await request.form()
    name = clean_file_name(str(form.get("name", ""))).removesuffix(".toml") or Path(upload.name).stem
    app.recipes.mkdir(parents=True, exist_ok=True)
    target = app.recipes / f"{name}.toml"
    with work.locked(app.recipes):  # against another app of the same user
        if target.exists():
            return _render_upload(request, upload, f"Recipe {name} exists. Choose another name.", 422)
        writing.write_text(target, upload.read_job.result.recipe)
    return _render_upload(request, upload, f"Saved as recipe {name}. Other files of this make are read by it.")


async def show_progress(request: Request) -> Response:
    """Render the progress of a job, or the link to its result."""
    job = get_app(request).jobs.get(request.path_params["job"])
    back = request.query_params.get("back", "/")
    if job is None or not re.fullmatch(r"/(uploads|runs)/[0-9a-f]{32}", back):
        return pages.render_missing(request, "job")
    return HTMLResponse(pages.render_fragment("progress", job=job, back=back, cancel=f"{back}/cancel"))


async def keep_result(request: Request) -> Response:
    """Keep a result in the library, with place and labels."""
    app, upload = get_app(request), _find_upload(request)
    job = upload.analysis_job if upload is not None else None
    if upload is None or job is None or not isinstance(job.result, TaskResult):
        return pages.render_missing(request, "result")
    form = {name: str(value).strip() for name, value in (await request.form()).items()}
    labels = {name: value for name, value in form.items() if value and name != "name"}
    name = form.get("name") or Path(upload.name).stem
    source = job.folder / job.result.cards[0] if job.result.cards else upload.path
    try:
        reading = {} if job.result.cards else non_default(upload.reading)
        upload.record_id = await run_in_threadpool(add_to_library, app, source, name, labels, reading)
    except DevicekitError as error:
        return _render_upload(request, upload, str(error), 422)
    return _respond(request, upload)


async def download_file(request: Request) -> Response:
    """Send a file that a job wrote."""
    app = get_app(request)
    job = app.jobs.get(request.path_params["job"])
    name = request.path_params["name"]
    if job is None or not isinstance(job.result, TaskResult) or name not in job.result.files:
        return pages.render_missing(request, "file")
    return FileResponse(job.folder / name, filename=name, content_disposition_type="attachment")


async def download_recipe(request: Request) -> Response:
    """Send the layout as a recipe."""
    upload = _find_upload(request)
    if upload is None or upload.read_job is None or not isinstance(upload.read_job.result, ReadResult):
        return pages.render_missing(request, "layout")
    name = f"{Path(upload.name).stem}.toml"
    headers = {"content-disposition": f'attachment; filename="{name.encode("ascii", "replace").decode()}"'}
    return PlainTextResponse(upload.read_job.result.recipe, headers=headers, media_type="application/toml")


async def export_card(request: Request) -> Response:
    """Send a card for another program, as a zip file."""
    app = get_app(request)
    fit_job = app.jobs.get(request.path_params["job"])
    card, to = request.query_params.get("card", ""), request.query_params.get("to", "")
    fit = fit_job.result if fit_job is not None else None
    if fit_job is None or not isinstance(fit, TaskResult) or card not in fit.cards or to not in for_cards():
        return pages.render_missing(request, "card")
    job = app.submit(f"exporting to {to}", "export", card=fit_job.folder / card, to=to)
    await run_in_threadpool(job.wait)
    if job.state != "done":
        return pages.render_error(request, job.error or UsageError(job.message))
    return FileResponse(job.folder / job.result, filename=job.result, content_disposition_type="attachment")


def _make_opener(task: str) -> Any:
    """Return the address that redirects to a run on a card."""

    async def open_form(request: Request) -> Response:
        """Redirect to the form."""
        where = quote(f"job:{request.path_params['job']}:{request.query_params.get('card', '')}")
        return pages.redirect(request, f"/{task}?card={where}")

    return open_form


def list_routes() -> list[Route]:
    """Return the routes of uploads and of their jobs."""

    def route(path: str, endpoint: Any, method: str = "GET") -> Route:
        return Route(path, endpoint, methods=[method])

    return [
        route("/", show_first_page),
        route("/uploads", open_upload, "POST"),
        route("/uploads/{key}", show_upload),
        route("/uploads/{key}/file", receive_file, "POST"),
        route("/uploads/{key}/complete", finish_upload, "POST"),
        route("/uploads/{key}/answer", answer_question, "POST"),
        route("/uploads/{key}/read", read_again, "POST"),
        route("/uploads/{key}/fit", fit_again, "POST"),
        route("/uploads/{key}/cancel", cancel_jobs, "POST"),
        route("/uploads/{key}/close", close_upload, "POST"),
        route("/uploads/{key}/recipe", keep_recipe, "POST"),
        route("/uploads/{key}/recipe.toml", download_recipe),
        route("/uploads/{key}/keep", keep_result, "POST"),
        route("/jobs/{job}", show_progress),
        route("/jobs/{job}/export", export_card),
        *(route(f"/jobs/{{job}}/{task}", _make_opener(task)) for task in ("train", "benchmark")),
        route("/jobs/{job}/{name}", download_file),
    ]
