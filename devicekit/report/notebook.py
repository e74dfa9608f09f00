"""How a result shows itself in a notebook: the numbers that one may trust, a small picture, the warnings."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from devicekit.errors import CodedWarning
from devicekit.plot import Panel
from devicekit.report import render
from devicekit.text import count

_SMALL = (3.6, 2.3)  # inch


def html(
    title: str,
    rows: Sequence[tuple[str, str]],
    panel: Panel | None = None,
    warnings: Sequence[CodedWarning] = (),
) -> str:
    """Names and values as a table beside a picture, and the warnings below; every word is escaped."""
    cells = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows
    )
    picture = ""
    if panel is not None:
        data = base64.b64encode(render(panel.draw, _SMALL)).decode("ascii")
        picture = f"<img alt='{escape(title)}' src='data:image/svg+xml;base64,{data}'>"
    told = "".join(f"<li><code>{escape(each.code)}</code> {escape(each.message)}</li>" for each in warnings)
    listed = f"<details><summary>{count(len(warnings), 'warning')}</summary><ul>{told}</ul></details>" if told else ""
    return (
        f"<div><b>{escape(title)}</b><div style='display:flex;gap:1em;align-items:center'>"
        f"<table>{cells}</table>{picture}</div>{listed}</div>"
    )
