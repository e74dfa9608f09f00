"""Pages from templates: a fragment where the script asks for one, else the same within the frame."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from devicekit._version import __version__
from devicekit.errors import DevicekitError
from devicekit.report import live, theme

STATIC = {"htmx.min.js": "text/javascript", "app.js": "text/javascript", "app.css": "text/css"}


@cache
def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("devicekit.app", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def fragment(template: str, **values: Any) -> str:
    """A template filled in."""
    return str(_environment().get_template(f"{template}.html.j2").render(version=__version__, **values))


def asked_by_script(request: Request) -> bool:
    """Return whether the script of our page asks, which puts the answer into it."""
    return request.headers.get("hx-request") == "true"


def page(request: Request, template: str, title: str, tab: str, status: int = 200, **values: Any) -> Response:
    """A template as a page, or as a fragment if the script asks."""
    body = fragment(template, **values)
    if asked_by_script(request):
        return HTMLResponse(body, status)
    return HTMLResponse(fragment("frame", title=title, tab=tab, body=body), status)


def go(request: Request, where: str) -> Response:
    """Lead to another page of ours."""
    if asked_by_script(request):
        return Response(status_code=204, headers={"HX-Redirect": where})
    return RedirectResponse(where, 303)


def refused(request: Request, error: Exception, tab: str = "measure", status: int = 422) -> Response:
    """An error as a page: what was expected, and what to do."""
    message = str(error) if isinstance(error, DevicekitError) else _own(error)
    return page(request, "error", "Not done", tab, status, message=message)


def _own(error: Exception) -> str:
    return f"{type(error).__name__}: {error} (a failure of devicekit's own)"


def missing(request: Request, what: str) -> Response:
    """That there is no such thing, perhaps because the app was started anew."""
    return page(request, "error", "Not there", "measure", 404, message=f"There is no such {what} here any more.")


def style() -> str:
    """The style sheet: colours of the reports, light and dark, then that of reports and of the app."""
    own = files("devicekit.app").joinpath("static", "app.css").read_text("utf-8")
    return "\n".join([theme.variables(), live.sheet("report.css"), live.style(), own])
