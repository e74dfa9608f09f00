"""`devicekit app`: pages on one's own machine."""

from __future__ import annotations

import getpass
import os
import signal
import socket
from pathlib import Path
from typing import Annotated

import typer

from devicekit.cli import terminal
from devicekit.cli.common import Json, print_json
from devicekit.cli.library import Folder
from devicekit.core.errors import UsageError


def app_command(
    port: Annotated[
        int | None, typer.Option("--port", metavar="N", min=1, max=65535, help="Port; a free one if not given.")
    ] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in the browser.")] = True,
    library: Folder = None,
    json_output: Json = False,
) -> None:
    """Open devicekit in the browser, on this machine alone.

    Drop files, answer what the reader asks, see fits and figures of merit, keep devices in the library. Ctrl-C, or
    Quit on the page, ends it.

    Examples:
        devicekit app
        devicekit app --no-browser --port 8000 --library /share/devices
    """
    asked: list[int] = []  # signals that have come; an import may swallow what is raised in it

    def end(number: int, frame: object) -> None:
        asked.append(number)
        if not ready:
            raise KeyboardInterrupt

    ready = False
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, end)
    try:
        from devicekit.app import server
    except ModuleNotFoundError as error:
        if error.name not in ("starlette", "uvicorn", "multipart", "python_multipart"):
            raise
        raise UsageError('The app needs three more packages: pip install "devicekit[app]"') from None
    import secrets

    from devicekit.app.state import App
    from devicekit.library import default_folder

    folder = library or default_folder()
    os.environ.setdefault("DEVICEKIT_RECIPES", str(Path(folder) / "recipes"))  # also for the processes that read
    listening = server.open_socket(port)
    number, token = listening.getsockname()[1], secrets.token_urlsafe(24)
    address = f"http://127.0.0.1:{number}/?key={token}"

    def opened() -> None:
        if json_output:
            print_json({"address": address, "port": number, "library": str(folder)})
        else:
            typer.echo(f"devicekit is at {address}")
            _say_tunnel(number)
            terminal.paragraph("Ctrl-C ends it.")
        import sys

        sys.stdout.flush()
        if browser and not os.environ.get("SSH_CONNECTION"):
            import webbrowser

            webbrowser.open(address)
        if asked:
            held.quit()

    ready = True  # workers that are being started must not be left behind: the server stops, at once
    held = App(server.make_work_folder(), Path(folder))
    try:
        with listening:
            server.serve(held, listening, token, opened)
    finally:
        for each in (signal.SIGINT, signal.SIGTERM):  # a second Ctrl-C must not leave half of it
            signal.signal(each, signal.SIG_IGN)
        held.close()


app_command.is_served = True  # type: ignore[attr-defined]  # it waits, which no line of a log says


def _say_tunnel(port: int) -> None:
    """Over SSH: the line that brings the page to the user's own machine."""
    if os.environ.get("SSH_CONNECTION"):
        terminal.paragraph("On your own machine, first run:")
        typer.echo(f"  ssh -N -L {port}:127.0.0.1:{port} {getpass.getuser()}@{socket.gethostname()}")
