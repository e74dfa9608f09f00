"""Pages from templates: a fragment for a request of the script, else the same within the frame."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from devicekit._version import __version__
from devicekit.app.labels import use_labels
from devicekit.core.errors import DevicekitError
from devicekit.report import live, theme

STATIC = {"htmx.min.js": "text/javascript", "app.js": "text/javascript", "app.css": "text/css"}


@cache
def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("devicekit.app", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["duration"] = format_duration
    return environment


def format_duration(seconds: float) -> str:
    """Return a time in words: 45 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def render_fragment(template: str, **values: Any) -> str:
    """Render a template, with the labels of the app for options of the command line."""
    return use_labels(_environment().get_template(f"{template}.html.j2").render(version=__version__, **values))


def is_script_request(request: Request) -> bool:
    """Return whether the page's script asks, which inserts the answer into the page."""
    return request.headers.get("hx-request") == "true"


def render_page(request: Request, template: str, title: str, tab: str, status: int = 200, **values: Any) -> Response:
    """Render a template as a page, or as a fragment for a request of the script."""
    body = render_fragment(template, **values)
    if is_script_request(request):
        return HTMLResponse(body, status)
    return HTMLResponse(render_fragment("frame", title=title, tab=tab, body=body), status)


def redirect(request: Request, where: str) -> Response:
    """Redirect to another page of the app."""
    if is_script_request(request):
        return Response(status_code=204, headers={"HX-Redirect": where})
    return RedirectResponse(where, 303)


def render_error(request: Request, error: Exception, tab: str = "measure", status: int = 422) -> Response:
    """Render an error as a page."""
    message = str(error) if isinstance(error, DevicekitError) else _describe_internal_error(error)
    return render_page(request, "error", "Error", tab, status, message=message)


def _describe_internal_error(error: Exception) -> str:
    return f"{type(error).__name__}: {error} (an error in devicekit itself)"


def render_missing(request: Request, noun: str) -> Response:
    """Render a page for something that does not exist, perhaps because the app was restarted."""
    message = f"This {noun} does not exist, or the app was restarted since."
    return render_page(request, "error", "Not found", "measure", 404, message=message)


def build_style_sheet() -> str:
    """Return the style sheet: colours, light and dark, then the styles of reports and of the app."""
    app_styles = files("devicekit.app").joinpath("static", "app.css").read_text("utf-8")
    return "\n".join([theme.variables(), live.sheet("report.css"), live.style(), app_styles])
