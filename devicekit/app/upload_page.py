"""The page of one upload: its progress, its question with the form, or its result."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from devicekit.app import pages
from devicekit.app.analysis import build_analysis
from devicekit.app.describe import DescribeForm, build_describe_form
from devicekit.app.forms import Field, build_reading_fields
from devicekit.app.labels import use_field_labels, use_labels
from devicekit.app.questions import Entries, build_parts
from devicekit.app.results import Opened, ReadResult, TaskResult
from devicekit.app.state import App, get_app
from devicekit.app.uploads import Upload
from devicekit.core.errors import Question
from devicekit.exporters import for_cards
from devicekit.readers.recipe import list_shipped
from devicekit.system.plugins import READERS


def find_upload(request: Request) -> Upload | None:
    """Return the upload that a request is of, None if it does not exist."""
    return get_app(request).uploads.get(request.path_params["key"])


def render_upload(
    request: Request,
    upload: Upload,
    wrong: str = "",
    status: int = 200,
    form: Any = None,
    looked: ReadResult | None = None,
    asked: tuple[str, tuple[Question, ...]] | None = None,
    entries: Mapping[str, str] | None = None,
) -> Response:
    """Render the page of an upload.

    Parameters
    ----------
    wrong : str
        Message above the page.
    form : FormData, optional
        Entries of a form that was refused, or not sent yet; they are kept.
    looked : ReadResult, optional
        What those entries would lead to, to be shown instead of what the first answers lead to.
    asked : str and tuple of Question, optional
        The parts of that form, and the job that asked them.
    entries : mapping of str to str, optional
        Entries of options of the analysis that were refused.
    """
    app = get_app(request)
    read = app.read(upload)
    if read is None:
        return pages.render_page(request, "sending", upload.name, "measure", status, upload=upload)
    read = replace(read)  # a snapshot: a job that ends meanwhile would show neither progress nor result
    job = app.analyze(upload) if read.state == "done" else None
    job = job and replace(job)
    found = read.result if isinstance(read.result, ReadResult) else ReadResult()
    if found.wrong and not wrong:
        wrong = use_page_words(found.wrong, upload)
    answers = upload.looked if form is not None else upload.entries
    form = form if form is not None else upload.form if found.question and upload.form is not None else FormData()
    job_id, parts = asked or (read.id, found.asked)
    upload.keep_form(job_id, parts)
    shown_parts = build_parts(parts, answers)
    empty = next((each for each in shown_parts if each.missing), None)
    if found.question and form is upload.form and empty is not None and not wrong:  # an answer that was not used
        wrong = f"Fill in “{empty.missing[0]}” beside the answer: {empty.heading}"
    return pages.render_page(
        request,
        "upload",
        upload.name,
        "measure",
        status,
        upload=upload,
        read=read,
        job=job,
        found=found,
        shown=looked or found,
        result=job.result if job is not None and isinstance(job.result, TaskResult) else None,
        parts=shown_parts,
        asked=job_id,
        describe=describe_upload(app, upload, looked, form),
        recipe=(str(form.get("recipe-name", Path(upload.name).stem)), "keep-recipe" in form),
        analysis=build_analysis(upload, entries) if found.is_whole else [],
        is_refused=entries is not None,
        names_field=_names_field,
        targets=for_cards(),
        wrong=wrong,
    )


def _names_field(page: str, analysis: Sequence[tuple[str, Sequence[Field]]]) -> bool:
    """Return whether a report asks for a field of the analysis."""
    shown = use_labels(page)
    return any(f"“{each.label.partition(' [')[0]}”" in shown for _, fields in analysis for each in fields)


def describe_upload(app: App, upload: Upload, looked: ReadResult | None, form: Any) -> DescribeForm:
    """Return the part of a form that describes the file, with the columns that its answers lead to."""
    recipes = sorted(each.stem for each in app.recipes.glob("*.toml"))
    options = upload.reading if upload.question is not None else upload.answered.options
    fields = build_reading_fields(options, ["none", *recipes, *list_shipped()], READERS.builtin_names())
    result = looked if looked is not None and looked.opened.columns else upload.read_result
    opened = result.opened if result is not None else upload.first_look
    return build_describe_form(opened or Opened(), options, fields, form)


def use_page_words(message: str, upload: Upload) -> str:
    """Return a message with the labels of the page, without the folder, which the user does not know."""
    return use_field_labels(message.replace(f"{upload.folder}{os.sep}", ""))


def redraw_form(
    asked: tuple[str, tuple[Question, ...]], before: tuple[Question, ...], entries: Mapping[str, Entries]
) -> str:
    """Render the parts of a form that differ from those before, in their places; the others stay as they are."""
    job, now = asked
    changed = [k for k, each in enumerate(now[: len(before)]) if each != before[k]]
    gone = range(len(now), len(before))
    parts = build_parts(now, entries)
    return pages.render_fragment("parts", asked=job, parts=parts, changed=changed, old=len(before), gone=gone)


def respond(request: Request, upload: Upload) -> Response:
    """Render the upload for the script, or redirect to its page."""
    if pages.is_script_request(request):
        return render_upload(request, upload)
    return pages.redirect(request, f"/uploads/{upload.key}")
