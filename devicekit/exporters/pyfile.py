"""Exports of one Python file: a template filled with the numbers of a card."""

from __future__ import annotations

import json
import textwrap
from typing import Any

import numpy as np

from devicekit.device.card import DeviceCard
from devicekit.device.network import DYNAMICS
from devicekit.device.symmetry import symmetric_point
from devicekit.exporters import base, lawtext
from devicekit.exporters.base import ExportOptions

_WIDTH = 116


def literal(text: str) -> str:
    """Return text as an ASCII Python literal, in double quotes unless it contains some."""
    shown = ascii(text)
    plain = shown[0] == "'" and '"' not in shown and "\\'" not in shown
    return f'"{shown[1:-1]}"' if plain else shown


def matrix(rows: np.ndarray) -> str:
    """Format numbers as nested lists, in lines of less than 120 characters."""
    lines = ["["]
    for row in rows:
        words, line = [repr(float(value)) for value in row], "    ["
        for k, word in enumerate(words):
            word += "]," if k == len(words) - 1 else ","
            if len(line) + len(word) > _WIDTH:
                lines.append(line.rstrip())
                line = "     "
            line += word + " "
        lines.append(line.rstrip())
    return "\n".join([*lines, "]"])


def render(
    template: str, card: DeviceCard, options: ExportOptions, law: lawtext.LawNumbers, more: dict[str, Any]
) -> str:
    """Render a template of the folder `templates`.

    Parameters
    ----------
    template : str
        File name of the template.
    card : DeviceCard
    options : ExportOptions
        Only `noise` and `network` are used.
    law : LawNumbers
        Law of the card.
    more : dict
        Values for this template only, by name.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    spread = lawtext.spread(card, options.noise)
    words = "conductances" if base.unit(card) == "S" else "weights of the card"
    values = {
        "name": base.identifier(card.name),
        "Class": base.class_name(card),
        "network": options.network is not None,
        "card": ", ".join(literal(text) for text in (card.name, card.provenance.source, card.provenance.sha256)),
        "marks": json.dumps(card.provenance.marks),
        "dynamics": textwrap.fill(DYNAMICS, 115, initial_indent="    ", subsequent_indent="    "),
        "low": float(card.window.low),
        "high": float(card.window.high),
        "logarithmic": card.window.scale == "log",
        "update_sd": spread.update,
        "relative_sd": spread.relative,
        "read_sd": spread.read,
        "gain_sd": spread.gains[:2],
        "gain_correlation": spread.gains[2],
        "d2d": spread.d2d,
        "step": lawtext.typical_step(card),
        "middle": round(symmetric_point(card), 6),
        "ltp": matrix(law.rows["ltp"]),
        "ltd": matrix(law.rows["ltd"]),
        "unit": base.unit(card),
        "quantity": words,
        "Quantity": words.capitalize(),
    }
    # a Python file, not a page: literal() and identifier() escape the text of users
    environment = Environment(
        loader=PackageLoader("devicekit.exporters", "templates"),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    text = environment.get_template(template).render(**values, **more)
    return base.mark_docstring(text, base.mark_of(card))
