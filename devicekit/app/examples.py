"""Examples to try: measured sets that ship, opened like files of the user."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from devicekit.app import pages
from devicekit.app.state import App, get_app
from devicekit.app.uploads import Upload
from devicekit.system import catalog


@dataclass(frozen=True)
class Example:
    """One example.

    Parameters
    ----------
    name : str
        Name of the set.
    title, content, result : str
        Kind of measurement, what was measured, and what comes out.
    curves : tuple of str
        Points of its small picture, 160 by 72, thinned out from the set.
    """

    name: str
    title: str
    content: str
    result: str
    curves: tuple[str, ...]


EXAMPLES = (
    Example(
        "vcm-trains",
        "Pulse trains",
        "20 analogue VCM devices, 10 cycles of 200 SET and 200 RESET pulses.",
        "The update law and its error, C2C and D2D variation, and a card to train a network on.",
        (
            "5,66 5,62 6,59 6,56 8,54 10,49 12,44 20,36 28,29 35,24 42,19 50,16 58,13 65,10 72,7 80,5",
            "80,5 80,5 81,7 82,10 83,14 84,18 88,24 95,35 102,43 110,49 118,53 125,58 132,60 140,63 148,65 155,67",
        ),
    ),
    Example(
        "readc-sweeps",
        "I-V sweeps",
        "Loops of one 1T1R memristor at compliance currents of 50 to 400 µA.",
        "V_set, V_reset and on/off ratio, LRS against compliance, and conduction mechanisms.",
        (
            "82,67 89,48 95,41 103,36 110,33 117,30 124,27 131,24 139,23 152,23 144,23 130,23 116,23 109,24 "
            "101,27 94,31 88,38 81,56 76,38 70,31 64,28 59,26 53,24 47,23 36,21 24,20 13,20 7,20 13,22 25,24 "
            "36,27 47,30 53,32 59,35 64,37 70,42 76,48 82,67",
            "82,67 89,47 95,40 103,36 110,32 117,24 124,13 131,6 139,5 152,5 137,5 123,6 116,8 109,10 101,13 "
            "94,17 88,23 81,41 76,23 70,17 64,14 59,11 53,9 47,7 41,6 36,6 30,7 24,7 19,10 13,18 7,20 13,22 25,25 "
            "36,27 47,30 53,33 59,35 64,37 70,41 76,47 82,67",
        ),
    ),
    Example(
        "1t1r-endurance",
        "Endurance log",
        "HRS and LRS of one 1T1R cell, read 2,724 times in 136 million cycles.",
        "Window and on/off ratio over the cycles, failure, and memory from cycle to cycle.",
        (
            "5,9 18,13 26,12 31,10 35,13 42,10 47,10 52,10 56,11 62,9 67,9 72,13 78,8 83,11 88,9 93,7 98,9 103,9 "
            "108,10 114,9 119,10 124,9 129,11 134,10 139,10 145,9 150,9 155,8",
            "5,30 18,52 26,55 31,47 35,41 42,47 47,51 52,54 56,50 62,62 67,39 72,59 78,58 83,56 88,53 93,49 98,58 "
            "103,45 108,46 114,47 119,52 124,54 129,37 134,56 139,48 145,49 150,50 155,47",
        ),
    ),
)


def open_example(app: App, name: str) -> Upload:
    """Open a copy of a set, or the copy that is open already."""
    opened = next((each for each in app.uploads if each.example == name), None)
    if opened is not None:
        return opened
    data = catalog.get(name).data
    upload = app.uploads.open(f"{name}{''.join(data.suffixes)}", False)
    shutil.copyfile(data, upload.path)
    upload.example, upload.is_complete = name, True
    return upload


async def start_example(request: Request) -> Response:
    """Open an example and start to read it."""
    name = request.path_params["name"]
    if name not in [each.name for each in EXAMPLES]:
        return pages.render_missing(request, "example")
    app = get_app(request)
    upload = await run_in_threadpool(open_example, app, name)
    app.read(upload)
    return pages.redirect(request, f"/uploads/{upload.key}")


def list_routes() -> list[Route]:
    """Return the routes of the examples."""
    return [Route("/examples/{name}", start_example, methods=["POST"])]
