"""The server of the app, on 127.0.0.1."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from devicekit.app import examples, library_pages, measure, pages, runs
from devicekit.app.security import Guard
from devicekit.app.state import App, get_app
from devicekit.core.errors import UsageError
from devicekit.report import live

PREFIX = "devicekit-app-"


async def send_static_file(request: Request) -> Response:
    """Send a script or the style sheet."""
    name = request.path_params["name"]
    if name == "app.css":
        return Response(pages.build_style_sheet(), media_type="text/css")
    if name == "figures.js":
        return Response(live.script(), media_type="text/javascript")
    if name not in pages.STATIC:
        return Response(status_code=404)
    content = files("devicekit.app").joinpath("static", name).read_bytes()
    return Response(content, media_type=pages.STATIC[name])


async def quit_app(request: Request) -> Response:
    """End the app."""
    get_app(request).quit()
    return HTMLResponse(pages.render_fragment("frame", title="Ended", tab="", body=pages.render_fragment("ended")))


def build_app(app: App, port: int, token: str) -> Guard:
    """Build the application of a server on a port, which opens with `token`."""
    routes = [
        *measure.list_routes(),
        *examples.list_routes(),
        *runs.list_routes(),
        *library_pages.list_routes(),
        Route("/static/{name}", send_static_file),
        Route("/quit", quit_app, methods=["POST"]),
    ]
    application = Starlette(routes=routes, exception_handlers={404: _render_missing, 500: _render_failure})
    application.state.app = app
    return Guard(application, port, token)


async def _render_missing(request: Request, error: Exception) -> Response:
    return pages.render_missing(request, "page")


async def _render_failure(request: Request, error: Exception) -> Response:
    return pages.render_error(request, error, status=500)


def open_socket(port: int | None) -> socket.socket:
    """Open a socket on 127.0.0.1, on that port or on a free one.

    Raises UsageError if the port is in use or not allowed.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port or 0))
    except (OSError, OverflowError) as error:
        listening.close()
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"--port {port}: {reason}. Without --port, a free port is used.") from error
    return listening


def make_work_folder() -> Path:
    """Make a temporary folder named by this process; remove those of processes that have ended."""
    root = Path(tempfile.gettempdir())
    for old in root.glob(f"{PREFIX}*"):
        owner = old.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdigit() and not _is_alive(int(owner)) and _is_mine(old):
            shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=root))


def _is_mine(folder: Path) -> bool:
    return not hasattr(os, "getuid") or folder.lstat().st_uid == os.getuid()


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def serve(app: App, listening: socket.socket, token: str, on_open: Callable[[], None]) -> None:
    """Run the server until the user quits or interrupts it.

    Parameters
    ----------
    app : App
    listening : socket
        Of `free_socket`.
    token : str
        Key in the start address.
    on_open : callable
        Called before the first answer.
    """
    import uvicorn

    from devicekit.app.header_timeout import HeaderTimeoutProtocol

    port = listening.getsockname()[1]
    config = uvicorn.Config(
        build_app(app, port, token),
        log_level="critical",
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=5,
        http=HeaderTimeoutProtocol,
    )
    server = uvicorn.Server(config)

    def stop() -> None:
        server.should_exit = True

    app.quit = stop
    for each in (signal.SIGINT, signal.SIGTERM):  # until the server handles them itself, and afterwards
        signal.signal(each, lambda number, frame: stop())
    listening.listen(128)
    on_open()
    server.run(sockets=[listening])
