"""The second page: the library of devices, searched, compared, opened."""

from __future__ import annotations

import math
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from devicekit.app import pages
from devicekit.app.state import App, running
from devicekit.errors import DevicekitError, UsageError
from devicekit.library import Library, Query, Range
from devicekit.tables import csv_text

SHOWN = 200  # rows of the table
MOST_COMPARED = 100
COLUMNS = ("on_off", "nrmse_ltp", "increment_ltp", "d2d_spread_ltp", "v_set_v", "v_reset_v")


def keep_file(app: App, source: Any, name: str, said: dict[str, str], reading: dict[str, Any]) -> str:
    """Keep a card or a measurement; the id of its record. Waits for the worker.

    Raises
    ------
    DevicekitError
        If it cannot be kept.
    """
    job = app.job("keeping", "keep", library=app.library, source=source, name=name, said=said, reading=reading)
    job.wait()
    if job.state != "done":
        raise job.error or UsageError(job.message or "it was not kept")
    return str(job.result)


def query_of(said: QueryParams) -> Query:
    """Return what the address asks of the library.

    Raises
    ------
    UsageError
        If a range is no range.
    """
    ranges = []
    name = said.get("of", "")
    ends = (said.get("low", "").strip(), said.get("high", "").strip())
    if name and any(ends):
        ranges.append(Range.of(f"{name}={ends[0]}:{ends[1]}"))
    sort = said.get("sort", "") or "-added"
    return Query(said.get("words", "").split(), said.get("kind") or None, ranges, sort=sort, limit=SHOWN)


async def show(request: Request) -> Response:
    """The table of records, with what it is searched by."""
    return await run_in_threadpool(_show, request)


def _show(request: Request, wrong: str = "", status: int = 200) -> Response:
    said = request.query_params
    shelf = Library(running(request).library)
    found: Any = ()
    try:
        found = shelf.records(query_of(said))
    except DevicekitError as error:
        wrong, status = wrong or str(error), 422
    names = shelf.names()
    columns = [name for name in COLUMNS if name in names]
    for extra in (said.get("of"), said.get("x"), said.get("y"), said.get("sort", "").lstrip("-")):
        if extra in names and extra not in columns:
            columns.append(str(extra))
    rows = [(entry, [_cell(entry.scalar(name)) for name in columns]) for entry in found]
    labels = {each.name: each.label for entry in found for each in entry.scalars}
    return pages.page(
        request,
        "library",
        "Library",
        "library",
        status,
        folder=str(running(request).library),
        said=said,
        rows=rows,
        total=found.total if found else 0,
        columns=[(name, labels.get(name, name)) for name in columns],
        names=[(name, labels.get(name, name)) for name in names],
        kinds=shelf.kinds(),
        groups=(*shelf.labels(), "wafer", "die", "kind", "law"),
        unreadable=shelf.unreadable,
        most=MOST_COMPARED,
        wrong=wrong,
    )


def _cell(scalar: Any) -> str:
    return "–" if scalar is None or not math.isfinite(scalar.value) else scalar.text


async def compare(request: Request) -> Response:
    """Begin a comparison of the records that were picked, or of all that were found."""
    app, form = running(request), await request.form()
    picked = [str(each) for each in form.getlist("pick")]
    said: dict[str, Any] = {name: str(form.get(name, "")) or None for name in ("x", "y", "by")}
    if not picked:
        asked = QueryParams(str(form.get("query", "")))
        try:
            entries = await run_in_threadpool(lambda: Library(app.library).records(query_of(asked)))
        except DevicekitError as error:
            return await run_in_threadpool(_show, request, str(error), 422)
        picked = [entry.id for entry in entries]
    if not 2 <= len(picked) <= MOST_COMPARED:
        wrong = f"Choose 2 to {MOST_COMPARED} records to compare, not {len(picked)}."
        return await run_in_threadpool(_show, request, wrong, 422)
    job = app.job(f"comparing {len(picked)} records", "compare", library=app.library, ids=tuple(picked), **said)
    return pages.go(request, f"/runs/{job.id}")


async def one(request: Request) -> Response:
    """One record."""
    return await run_in_threadpool(_one, request)


def _one(request: Request) -> Response:
    shelf = Library(running(request).library)
    try:
        record = shelf.get(request.path_params["id"])
    except DevicekitError as error:
        return pages.refused(request, error, "library", 404)
    return pages.page(
        request,
        "record",
        record.name,
        "library",
        record=record,
        scalars=[each.scalar for each in record.scalars],
        tables=[(name, frame.rows) for name, frame in record.tables().items()],
    )


async def card(request: Request) -> Response:
    """The card of a record, to download."""

    def found() -> Response:
        try:
            record = Library(running(request).library).get(request.path_params["id"])
        except DevicekitError as error:
            return pages.refused(request, error, "library", 404)
        if record.card is None:
            return pages.missing(request, "card")
        return _attached(record.card.to_json(), f"{record.id}.json", "application/json")

    return await run_in_threadpool(found)


async def table(request: Request) -> Response:
    """A table of a record, to download."""

    def found() -> Response:
        try:
            record = Library(running(request).library).get(request.path_params["id"])
        except DevicekitError as error:
            return pages.refused(request, error, "library", 404)
        name = request.path_params["name"]
        if name not in record.tables():
            return pages.missing(request, "table")
        text = csv_text(record.tables()[name].to_pandas())
        return _attached(text, f"{record.id}-{name}.csv", "text/csv")

    return await run_in_threadpool(found)


def _attached(text: str, name: str, kind: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return PlainTextResponse(text, headers=headers, media_type=kind)


async def remove(request: Request) -> Response:
    """Remove a record from the library."""
    try:
        await run_in_threadpool(Library(running(request).library).remove, request.path_params["id"])
    except DevicekitError as error:
        return pages.refused(request, error, "library")
    return pages.go(request, "/library")


def card_text(app: App, id: str) -> tuple[str, str] | None:
    """File name and text of the card of a record; None if there is none."""
    try:
        record = Library(app.library).get(id)
    except DevicekitError:
        return None
    return None if record.card is None else (f"{record.id}.json", record.card.to_json())


def routes() -> list[Route]:
    """Addresses of this part."""
    return [
        Route("/library", show),
        Route("/library/compare", compare, methods=["POST"]),
        Route("/library/{id}", one),
        Route("/library/{id}/card.json", card),
        Route("/library/{id}/{name}.csv", table),
        Route("/library/{id}/remove", remove, methods=["POST"]),
    ]
