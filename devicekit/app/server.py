"""The server: routes behind the guard, on 127.0.0.1, until somebody quits."""

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

from devicekit.app import measure, pages, shelf, studies
from devicekit.app.security import Guard
from devicekit.app.state import App, running
from devicekit.errors import UsageError
from devicekit.report import live

PREFIX = "devicekit-app-"


async def static(request: Request) -> Response:
    """A script or the style sheet."""
    name = request.path_params["name"]
    if name == "app.css":
        return Response(pages.style(), media_type="text/css")
    if name == "figures.js":
        return Response(live.script(), media_type="text/javascript")
    if name not in pages.STATIC:
        return Response(status_code=404)
    content = files("devicekit.app").joinpath("static", name).read_bytes()
    return Response(content, media_type=pages.STATIC[name])


async def leave(request: Request) -> Response:
    """End the app."""
    running(request).quit()
    return HTMLResponse(pages.fragment("frame", title="Ended", tab="", body=pages.fragment("ended")))


def build(held: App, port: int, token: str) -> Guard:
    """The application of a server on a port, to be opened with `token`."""
    routes = [
        *measure.routes(),
        *studies.routes(),
        *shelf.routes(),
        Route("/static/{name}", static),
        Route("/quit", leave, methods=["POST"]),
    ]
    app = Starlette(routes=routes, exception_handlers={404: _missing, 500: _failed})
    app.state.held = held
    return Guard(app, port, token)


async def _missing(request: Request, error: Exception) -> Response:
    return pages.missing(request, "page")


async def _failed(request: Request, error: Exception) -> Response:
    return pages.refused(request, error, status=500)


def free_socket(port: int | None) -> socket.socket:
    """A socket that listens on 127.0.0.1, on that port or on a free one.

    Raises
    ------
    UsageError
        If the port is taken or may not be used.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port or 0))
    except (OSError, OverflowError) as error:
        listening.close()
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"--port {port}: {why}; leave it out for a free one") from error
    return listening


def work_folder() -> Path:
    """A new temporary folder named by this process; those of processes that have ended are removed."""
    root = Path(tempfile.gettempdir())
    for old in root.glob(f"{PREFIX}*"):
        owner = old.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdigit() and not _alive(int(owner)) and _mine(old):
            shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=root))


def _mine(folder: Path) -> bool:
    return not hasattr(os, "getuid") or folder.lstat().st_uid == os.getuid()


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def serve(held: App, listening: socket.socket, token: str, opened: Callable[[], None]) -> None:
    """Answer until somebody quits or interrupts.

    Parameters
    ----------
    held : App
    listening : socket
        Of `free_socket`.
    token : str
        Key of the start address.
    opened : callable
        Called before the first answer can be given.
    """
    import uvicorn

    from devicekit.app.patience import Patient

    port = listening.getsockname()[1]
    config = uvicorn.Config(
        build(held, port, token),
        log_level="critical",
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=5,
        http=Patient,
    )
    server = uvicorn.Server(config)

    def stop() -> None:
        server.should_exit = True

    held.quit = stop
    for each in (signal.SIGINT, signal.SIGTERM):  # until the server listens to them itself, and after it
        signal.signal(each, lambda number, frame: stop())
    listening.listen(128)
    opened()
    server.run(sockets=[listening])
