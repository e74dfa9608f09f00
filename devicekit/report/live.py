"""The scripts that draw the figures of a page: one file each for a server, or all in one for a page by itself."""

from __future__ import annotations

from functools import cache
from pathlib import Path

STATIC = Path(__file__).with_name("static")
STYLES = ("uPlot.min.css", "figures.css")
SCRIPTS = ("pictures.js", "uPlot.iife.min.js", "figures.js")


@cache
def style() -> str:
    """Return the style sheets, in order."""
    return "\n".join(map(sheet, STYLES))


@cache
def script() -> str:
    """Return the scripts, in order, none of which can end the element that it stands in."""
    text = "\n".join(map(sheet, SCRIPTS))
    if "</script" in text.lower():
        raise ValueError("a script holds the end of a script element")
    return text


@cache
def sheet(name: str) -> str:
    """Return a file of `static` without the spaces at the start of its lines, nor lines of comments."""
    lines = (line.strip() for line in (STATIC / name).read_text("utf-8").splitlines())
    return "\n".join(line for line in lines if line and not line.startswith(("//", "/* ", "* ")))
