"""Pages of the library of devices: search, compare, open a record."""

from __future__ import annotations

import math
from contextlib import suppress
from threading import Lock
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from devicekit.app import pages
from devicekit.app.state import App, get_app
from devicekit.core.errors import DevicekitError, UsageError
from devicekit.exporters import for_cards
from devicekit.library import Entry, Library, Query, Range
from devicekit.library.folder import file_stem
from devicekit.library.record import Record
from devicekit.tables import csv_text

ROWS_SHOWN = 200
MOST_COMPARED = 100
MOST_DRAWN = 2  # figures of a record
NUMBERS_OF_OTHERS = 3  # of a record that has no number in common with the columns
COLUMNS = ("on_off", "nrmse_ltp", "increment_ltp", "d2d_spread_ltp", "v_set_v", "v_reset_v")

_drawing = Lock()  # Matplotlib draws one figure at a time


def add_to_library(app: App, source: Any, name: str, labels: dict[str, str], reading: dict[str, Any]) -> str:
    """Add a card or a measurement to the library and return the id of its record; wait for the worker.

    Raises DevicekitError if it cannot be added.
    """
    job = app.submit("keeping", "keep", library=app.library, source=source, name=name, labels=labels, reading=reading)
    job.wait()
    if job.state != "done":
        raise job.error or UsageError(job.message or "The result was not added to the library.")
    return str(job.result)


def parse_query(parameters: QueryParams) -> Query:
    """Return the query of the library in the parameters of an address.

    Raises UsageError if a range is invalid.
    """
    ranges = []
    name = parameters.get("of", "")
    ends = (parameters.get("low", "").strip(), parameters.get("high", "").strip())
    if name and any(ends):
        ranges.append(Range.of(f"{name}={ends[0]}:{ends[1]}"))
    sort, words = parameters.get("sort", "") or "-added", parameters.get("words", "").split()
    return Query(words, parameters.get("kind") or None, ranges, sort=sort, limit=ROWS_SHOWN)


async def show_records(request: Request) -> Response:
    """Show the table of records and the search form."""
    return await run_in_threadpool(_render_records, request)


def _render_records(request: Request, wrong: str = "", status: int = 200) -> Response:
    parameters = request.query_params
    library = Library(get_app(request).library)
    records: Any = ()
    try:
        records = library.records(parse_query(parameters))
    except DevicekitError as error:
        wrong, status = wrong or str(error), 422
    names = library.names()
    columns = [name for name in COLUMNS if any(_is_known(entry.scalar(name)) for entry in records)]
    for extra in (*map(parameters.get, ("of", "x", "y")), parameters.get("sort", "").lstrip("-")):
        if extra in names and extra not in columns:
            columns.append(str(extra))
    rows = [(entry, _cells(entry, columns)) for entry in records]
    labels = {each.name: each.label for entry in records for each in entry.scalars}
    return pages.render_page(
        request,
        "library",
        "Library",
        "library",
        status,
        folder=str(get_app(request).library),
        parameters=parameters,
        rows=rows,
        total=records.total if records else 0,
        columns=[(name, labels.get(name, name)) for name in columns],
        names=[(name, labels.get(name, name)) for name in names],
        kinds=library.kinds(),
        has_places=any(str(entry.place) for entry, _ in rows),
        groups=(*library.labels(), "wafer", "die", "kind", "law"),
        unreadable=library.unreadable,
        most=MOST_COMPARED,
        wrong=wrong,
    )


def _is_known(scalar: Any) -> bool:
    return scalar is not None and math.isfinite(scalar.value)


def _cells(entry: Entry, columns: list[str]) -> list[str]:
    """Return the numbers of a record in columns; one cell with its first numbers if the columns have none of them."""
    found = [entry.scalar(name) for name in columns]
    if any(map(_is_known, found)):
        return [each.text if each is not None and _is_known(each) else "–" for each in found]
    first = [f"{each.label} {each.text}" for each in entry.scalars if _is_known(each)][:NUMBERS_OF_OTHERS]
    return ["; ".join(first) or "–"]


async def start_comparison(request: Request) -> Response:
    """Start a comparison of the selected records, or of all records of the search."""
    app, form = get_app(request), await request.form()
    ids = [str(each) for each in form.getlist("pick")]
    options: dict[str, Any] = {name: str(form.get(name, "")) or None for name in ("x", "y", "by")}
    if not ids:
        parameters = QueryParams(str(form.get("query", "")))
        try:
            entries = await run_in_threadpool(lambda: Library(app.library).records(parse_query(parameters)))
        except DevicekitError as error:
            return await run_in_threadpool(_render_records, request, str(error), 422)
        ids = [entry.id for entry in entries]
    if not 2 <= len(ids) <= MOST_COMPARED:
        wrong = f"Choose 2 to {MOST_COMPARED} records to compare, not {len(ids)}."
        return await run_in_threadpool(_render_records, request, wrong, 422)
    job = app.submit(f"comparing {len(ids)} records", "compare", library=app.library, ids=tuple(ids), **options)
    return pages.redirect(request, f"/runs/{job.id}")


async def show_record(request: Request) -> Response:
    """Show one record."""
    return await run_in_threadpool(_render_record, request)


def _render_record(request: Request) -> Response:
    try:
        record = Library(get_app(request).library).get(request.path_params["id"])
    except DevicekitError as error:
        return pages.render_error(request, error, "library", 404)
    return pages.render_page(
        request,
        "record",
        record.name,
        "library",
        record=record,
        scalars=[each.scalar for each in record.scalars],
        targets=for_cards(),
        tables=[(name, frame.rows) for name, frame in record.tables().items()],
        pictures=_draw_record(record),
    )


def _draw_record(record: Record) -> str:
    """Draw the rates of a card, or the first figures that the tables of a record give, as HTML; "" if there is none."""
    from devicekit.app.content import draw_figure
    from devicekit.figures.make import figure

    with _drawing, suppress(UsageError):  # of a record whose tables no figure shows
        if record.card is None:
            return "".join(
                draw_figure(each.panel, each.shows, each.shows) for each in figure(record).panels[:MOST_DRAWN]
            )
        words = "Change of the state by one pulse, with its 95 % band; dashed where it was not measured."
        return draw_figure(record.card.panel(), words, "Rate of change per pulse against the state for LTP and LTD")
    return ""


async def download_card(request: Request) -> Response:
    """Send the card of a record."""

    def respond() -> Response:
        try:
            record = Library(get_app(request).library).get(request.path_params["id"])
        except DevicekitError as error:
            return pages.render_error(request, error, "library", 404)
        if record.card is None:
            return pages.render_missing(request, "card")
        return _attach(record.card.to_json(), f"{file_stem(record.name)}.json", "application/json")

    return await run_in_threadpool(respond)


async def download_table(request: Request) -> Response:
    """Send a table of a record."""

    def respond() -> Response:
        try:
            record = Library(get_app(request).library).get(request.path_params["id"])
        except DevicekitError as error:
            return pages.render_error(request, error, "library", 404)
        name = request.path_params["name"]
        if name not in record.tables():
            return pages.render_missing(request, "table")
        text = csv_text(record.tables()[name].to_pandas())
        return _attach(text, f"{record.id}-{name}.csv", "text/csv")

    return await run_in_threadpool(respond)


def _attach(text: str, name: str, kind: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return PlainTextResponse(text, headers=headers, media_type=kind)


async def remove_record(request: Request) -> Response:
    """Remove a record from the library."""
    try:
        await run_in_threadpool(Library(get_app(request).library).remove, request.path_params["id"])
    except DevicekitError as error:
        return pages.render_error(request, error, "library")
    return pages.redirect(request, "/library")


def load_card_text(app: App, id: str) -> tuple[str, str] | None:
    """Return file name and text of the card of a record, None without a card."""
    try:
        record = Library(app.library).get(id)
    except DevicekitError:
        return None
    return None if record.card is None else (f"{file_stem(record.name)}.json", record.card.to_json())


def list_routes() -> list[Route]:
    """Return the routes of the library."""
    return [
        Route("/library", show_records),
        Route("/library/compare", start_comparison, methods=["POST"]),
        Route("/library/{id}", show_record),
        Route("/library/{id}/card.json", download_card),
        Route("/library/{id}/{name}.csv", download_table),
        Route("/library/{id}/remove", remove_record, methods=["POST"]),
    ]
