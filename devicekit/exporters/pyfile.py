"""Exports of one Python file: a template filled with the law of a card, and the .npz file of a trained network."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from devicekit.device.blocks import Window
from devicekit.device.network import DYNAMICS
from devicekit.device.symmetry import symmetric_point
from devicekit.exporters import base, lawtext, trained
from devicekit.exporters.base import Export, ExportOptions

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


@dataclass(frozen=True)
class Readme:
    """Statements of a target besides those on the law, the variation and a network; attributes as those of `Export`.

    `window` is that of the conductances in the file of a network, if not that of the card; `limits` are approximations
    that stand last.
    """

    use: Sequence[str]
    units: base.Units
    exact: Sequence[str] = ()
    approximated: Sequence[str] = ()
    limits: Sequence[str] = ()
    carries: tuple[str, ...] = ()
    origin: tuple[str, ...] = ()
    window: Window | None = None


def export(target: str, law: lawtext.LawNumbers, options: ExportOptions, text: str, readme: Readme) -> Export:
    """Return the export of a Python file NAME_TARGET.py, with the arrays of a network beside it."""
    name, network = base.identifier(law.card.name), options.network
    files = {f"{name}_{target}.py": text.encode()}
    if network is not None:
        files[f"{name}_network.npz"] = trained.network_file(network, readme.window)
    return Export(
        carries=readme.carries,
        files=files,
        use=tuple(readme.use),
        leaves=base.COMPILED,
        exact=(law.exact, *readme.exact, *(trained.EXACT if network else ())),
        approximated=(
            *law.approximated,
            *readme.approximated,
            *(trained.APPROXIMATED if network else ()),
            *readme.limits,
        ),
        units=(*readme.units, *(trained.UNITS if network else ())),
        noise=lawtext.noise_sentence(law, options),
        figures=law.figures,
        origin=readme.origin,
    )


def render(template: str, law: lawtext.LawNumbers, options: ExportOptions, more: Mapping[str, object]) -> str:
    """Render a template of the folder `templates`.

    Parameters
    ----------
    template : str
        File name of the template.
    law : LawNumbers
        Law of the card.
    options : ExportOptions
        Only `noise` and `network` are used.
    more : mapping
        Values for this template only, by name.
    """
    card = law.card
    variation = lawtext.drawn_variation(card, options.noise)
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
        "update_sd": variation.update,
        "relative_sd": variation.relative,
        "read_sd": variation.read,
        "gain_sd": variation.gains[:2],
        "gain_correlation": variation.gains[2],
        "d2d": variation.d2d,
        "step": lawtext.typical_step(card),
        "middle": round(symmetric_point(card), 6),
        "ltp": matrix(law.rows["ltp"]),
        "ltd": matrix(law.rows["ltd"]),
        "unit": base.unit(card),
        "quantity": words,
        "Quantity": words.capitalize(),
    }
    return base.mark_docstring(base.render(template, {**values, **more}), base.mark_of(card))
