"""Results in a notebook: reliable numbers, a small picture, the warnings."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape

from devicekit.core import advice
from devicekit.core.errors import CodedWarning
from devicekit.plot import Panel
from devicekit.report.pictures import render

_SMALL = (3.6, 2.3)  # inch


def html(
    title: str,
    rows: Sequence[tuple[str, str]],
    panel: Panel | None = None,
    warnings: Sequence[CodedWarning] = (),
) -> str:
    """Return names and values as a table beside a picture, and the warnings below; every word is escaped."""
    cells = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in rows
    )
    picture = ""
    if panel is not None:
        data = base64.b64encode(render(panel.draw, _SMALL)).decode("ascii")
        picture = f"<img alt='{escape(title)}' src='data:image/svg+xml;base64,{data}'>"
    return (
        f"<div><b>{escape(title)}</b>{_sentence(advice.verdict(warnings))}"
        f"<div style='display:flex;gap:1em;align-items:center'>"
        f"<table>{cells}</table>{picture}</div>{_warning_list(warnings)}</div>"
    )


def _sentence(words: str | None) -> str:
    return f"<p><b>{escape(words)}</b></p>" if words else ""


def _warning_list(warnings: Sequence[CodedWarning]) -> str:
    """Return the warnings that matter with what to do, and the others folded away."""
    shown = advice.top(warnings)
    rest = advice.remaining(warnings, shown)
    first = "".join(f"<li>{_words(each)} <i>{escape(advice.what_to_do(each.code))}</i></li>" for each in shown)
    more = "".join(f"<li>{_words(each)}</li>" for each in rest)
    folded = f"<details><summary>{escape(advice.rest_text(rest))}</summary><ul>{more}</ul></details>" if more else ""
    return f"<ul>{first}</ul>{folded}" if first else ""


def _words(warning: CodedWarning) -> str:
    return f"<code>{escape(warning.code)}</code> {escape(warning.message)}"
