"""Pages of uploads: open a file, answer the reader's question, see the fit or figures of merit, keep the result."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from devicekit.app import pages
from devicekit.app.analysis import parse_analysis
from devicekit.app.describe import are_renamed
from devicekit.app.examples import EXAMPLES
from devicekit.app.labels import use_field_labels
from devicekit.app.library_pages import add_to_library
from devicekit.app.questions import list_entries, parse_answers, parse_options
from devicekit.app.results import ReadResult, TaskResult, write_recipe
from devicekit.app.security import clean_file_name
from devicekit.app.state import App, get_app
from devicekit.app.upload_page import (
    describe_upload,
    find_upload,
    redraw_form,
    render_upload,
    respond,
    use_page_words,
)
from devicekit.app.uploads import Upload
from devicekit.core.errors import DevicekitError, Question, UsageError
from devicekit.system.commands import non_default

PATIENCE = 60.0  # s for the picture of answers


async def show_first_page(request: Request) -> Response:
    """Show the drop zone, what is open, and examples."""
    entries = get_app(request).entries()
    return pages.render_page(request, "measure", "Measure", "measure", entries=entries, examples=EXAMPLES)


async def open_upload(request: Request) -> Response:
    """Open an upload: a file, or a folder whose files follow."""
    name, folder = request.headers.get("x-name", ""), request.headers.get("x-folder", "no")
    upload = get_app(request).uploads.open(name, folder != "no", folder == "bundle")
    return JSONResponse({"key": upload.key, "name": upload.name})


async def receive_file(request: Request) -> Response:
    """Receive one file of an upload."""
    app, upload = get_app(request), find_upload(request)
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
    upload = find_upload(request)
    if upload is None:
        return PlainTextResponse("This upload does not exist.", 404)
    app = get_app(request)
    try:
        await run_in_threadpool(app.uploads.unpack, upload)
    except DevicekitError as error:
        app.close_upload(upload)
        return PlainTextResponse(str(error), 422)
    upload.is_complete = True
    app.read(upload)
    return JSONResponse({"received": upload.size})


async def show_upload(request: Request) -> Response:
    """Show an upload: its progress, its question, or its result."""
    upload = find_upload(request)
    if upload is None:
        return pages.render_missing(request, "file")
    return render_upload(request, upload)


def _recipe_target(app: App, upload: Upload, name: str) -> Path:
    """Return the file of a new recipe.

    Raises UsageError if a recipe of that name exists.
    """
    name = clean_file_name(name).removesuffix(".toml") if name.strip() else Path(upload.name).stem
    target = app.recipes / f"{name}.toml"
    if target.exists():
        raise UsageError(f"Recipe {name} exists. Choose another name.")
    return target


async def answer_question(request: Request) -> Response:
    """Read an upload with the answers to its question."""
    app, upload = get_app(request), find_upload(request)
    if upload is None:
        return pages.render_missing(request, "file")
    form = await request.form()
    if upload.question is None:
        return render_upload(request, upload)
    asked = _find_form(upload, form)
    try:
        if asked is None:
            raise UsageError("The question has changed since. Look at the answers again.")
        reading = parse_options(form, app.recipes)
        answers = parse_answers(asked[1], form, reading)
        name = str(form.get("recipe-name", ""))
        recipe = _recipe_target(app, upload, name) if "keep-recipe" in form else None
    except DevicekitError as error:
        return render_upload(request, upload, str(error.in_words(use_field_labels)), 422, form, None, asked)
    await run_in_threadpool(app.answer, upload, reading, answers, asked[1], form, recipe)
    return respond(request, upload)


def _find_form(upload: Upload, form: Any) -> tuple[str, tuple[Question, ...]] | None:
    """Return the job and the parts of a form, and keep its entries; None for one that was left open too long."""
    read = upload.read_result
    known = {"": read.asked if read is not None else ()} | upload.forms
    job = str(form.get("asked", ""))
    if job not in known:
        return None
    upload.looked = {**upload.looked, **list_entries(known[job], form)}
    return job, known[job]


async def show_answers(request: Request) -> Response:
    """Show what the answers of a form would lead to, without giving them."""
    app, upload = get_app(request), find_upload(request)
    if upload is None:
        return pages.render_missing(request, "file")
    form = await request.form()
    if upload.question is None:
        return respond(request, upload)
    looked, wrong = ReadResult(), ""
    asked = before = _find_form(upload, form)
    try:
        if asked is None:
            raise UsageError("The question has changed since. Look at the answers again.")
        reading = parse_options(form, app.recipes)
        answers = parse_answers(asked[1], form, reading)
        job = app.look(upload, reading, answers=answers, asked=asked[1])
        await run_in_threadpool(job.wait, PATIENCE)
        if isinstance(job.result, ReadResult):
            looked = job.result
        wrong = looked.wrong or str(job.error or job.message)
        asked = asked if wrong else (job.id, looked.asked)
        app.forget(job)
    except DevicekitError as error:
        wrong = str(error)
    wrong = use_page_words(wrong, upload)
    looked = ReadResult() if wrong else looked  # not the picture of other answers
    if not pages.is_script_request(request):
        return render_upload(request, upload, wrong, 200, form, looked, asked)
    found = pages.render_fragment("shown", shown=looked, wrong=wrong, is_look=True)
    if asked is not None and before is not None and asked[1] != before[1]:
        upload.keep_form(*asked)
        found += redraw_form(asked, before[1], upload.looked)
    describe = describe_upload(app, upload, looked, form)
    is_changed = bool(looked.opened.columns) and are_renamed(describe, form)
    return HTMLResponse(found + pages.render_fragment("columns_found", describe=describe, is_changed=is_changed))


async def read_again(request: Request) -> Response:
    """Read an upload with the options of the form."""
    app, upload = get_app(request), find_upload(request)
    if upload is None:
        return pages.render_missing(request, "file")
    form = await request.form()
    try:
        options = parse_options(form, app.recipes)
    except DevicekitError as error:
        return render_upload(request, upload, str(error.in_words(use_field_labels)), 422, form)
    await run_in_threadpool(app.read_differently, upload, options)
    return respond(request, upload)


async def analyze_again(request: Request) -> Response:
    """Fit an upload, or evaluate its figures of merit, with other options."""
    upload = find_upload(request)
    if upload is None:
        return pages.render_missing(request, "file")
    form = {name: str(value) for name, value in (await request.form()).items()}
    try:
        options = parse_analysis(upload, form)
    except DevicekitError as error:
        return render_upload(request, upload, str(error), 422, entries=form)
    await run_in_threadpool(get_app(request).discard_job, upload.analysis_job)
    upload.options, upload.analysis_job, upload.records = options, None, ()
    return respond(request, upload)


async def cancel_jobs(request: Request) -> Response:
    """End the jobs of an upload."""
    upload = find_upload(request)
    if upload is None:
        return pages.render_missing(request, "file")
    app = get_app(request)
    for job in (upload.analysis_job, upload.look_job, upload.read_job):
        if job is not None and not job.is_over:
            await run_in_threadpool(app.cancel, job)
    return respond(request, upload)


async def split_upload(request: Request) -> Response:
    """Read each file of a folder by itself."""
    app, upload = get_app(request), find_upload(request)
    if upload is None or not upload.is_complete or not upload.is_folder:
        return pages.render_missing(request, "folder")
    await run_in_threadpool(app.stop_jobs, upload)
    await run_in_threadpool(app.uploads.split, upload)
    return pages.redirect(request, "/")


async def close_upload(request: Request) -> Response:
    """Close an upload."""
    upload = find_upload(request)
    if upload is not None:
        await run_in_threadpool(get_app(request).close_upload, upload)
    return pages.redirect(request, "/")


async def keep_recipe(request: Request) -> Response:
    """Save the layout as a recipe for similar files."""
    app, upload = get_app(request), find_upload(request)
    found = upload.read_result if upload is not None else None
    if upload is None or found is None or not found.is_whole:
        return pages.render_missing(request, "layout")
    form = await request.form()
    try:
        name = write_recipe(_recipe_target(app, upload, str(form.get("name", ""))), found.recipe)
    except DevicekitError as error:
        return render_upload(request, upload, str(error), 422)
    return render_upload(request, upload, f"Saved as recipe {name}. Other files of this make are read by it.")


async def show_first_look(request: Request) -> Response:
    """Render the first look at an upload, as soon as it is known."""
    upload = find_upload(request)
    if upload is None:
        return pages.render_missing(request, "file")
    if upload.first_job is not None:
        await run_in_threadpool(upload.first_job.wait, PATIENCE)
    return HTMLResponse(pages.render_fragment("first", opened=upload.first_look))


async def show_progress(request: Request) -> Response:
    """Render the progress of a job, or the link to its result."""
    job = get_app(request).jobs.get(request.path_params["job"])
    back = request.query_params.get("back", "/")
    if job is None or not re.fullmatch(r"/(uploads|runs)/[0-9a-f]{32}", back):
        return pages.render_missing(request, "job")
    return HTMLResponse(pages.render_fragment("progress", job=job, back=back, cancel=f"{back}/cancel"))


async def keep_result(request: Request) -> Response:
    """Keep a result in the library, with place and labels."""
    app, upload = get_app(request), find_upload(request)
    job = upload.analysis_job if upload is not None else None
    if upload is None or job is None or not isinstance(job.result, TaskResult):
        return pages.render_missing(request, "result")
    form = {name: str(value).strip() for name, value in (await request.form()).items()}
    labels = {name: value for name, value in form.items() if value and name != "name"}
    name = form.get("name") or Path(upload.name).stem
    cards, found = job.result.cards, upload.read_result
    reading = {} if cards or found is None else non_default(found.reading)
    sources = {_name_card(name, each, cards): job.folder / each for each in cards} or {name: upload.path}
    try:
        for own, source in sources.items():
            id = await run_in_threadpool(add_to_library, app, source, own, labels, reading)
            upload.records = (*upload.records, id)
    except DevicekitError as error:
        return render_upload(request, upload, str(error), 422)
    return respond(request, upload)


def _name_card(name: str, card: str, cards: Sequence[str]) -> str:
    """Return the name of the record of a card: with its condition, if there are several."""
    return name if len(cards) == 1 else f"{name} {Path(card).stem.removeprefix('card').strip('_')}"


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
    upload = find_upload(request)
    found = upload.read_result if upload is not None else None
    if upload is None or found is None or not found.is_whole:
        return pages.render_missing(request, "layout")
    name = f"{Path(upload.name).stem}.toml"
    headers = {"content-disposition": f'attachment; filename="{name.encode("ascii", "replace").decode()}"'}
    return PlainTextResponse(found.recipe, headers=headers, media_type="application/toml")


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
        route("/uploads/{key}/first", show_first_look),
        route("/uploads/{key}/answer", answer_question, "POST"),
        route("/uploads/{key}/look", show_answers, "POST"),
        route("/uploads/{key}/read", read_again, "POST"),
        route("/uploads/{key}/analyze", analyze_again, "POST"),
        route("/uploads/{key}/cancel", cancel_jobs, "POST"),
        route("/uploads/{key}/close", close_upload, "POST"),
        route("/uploads/{key}/split", split_upload, "POST"),
        route("/uploads/{key}/recipe", keep_recipe, "POST"),
        route("/uploads/{key}/recipe.toml", download_recipe),
        route("/uploads/{key}/keep", keep_result, "POST"),
        route("/jobs/{job}", show_progress),
        route("/jobs/{job}/{name}", download_file),
    ]
