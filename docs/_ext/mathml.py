"""Equations as MathML, which every browser draws by itself: no script from a network, no LaTeX, no pictures."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from docutils.utils.math import latex2mathml
from sphinx.application import Sphinx


def _mathml(text: str, as_block: bool = False) -> str:
    # Chromium draws no dot over a letter that is marked as its accent.
    return str(latex2mathml.tex2mathml(text, as_block=as_block)).replace(' accent="true"', "")


def _inline(translator: Any, node: nodes.Node) -> None:
    translator.body.append(_mathml(node.astext()))
    raise nodes.SkipNode


def _block(translator: Any, node: nodes.Node) -> None:
    translator.body.append('<div class="math">')
    for line in node.astext().split("\n\n"):
        translator.body.append(_mathml(line, as_block=True))
    translator.body.append("</div>")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.config.html_math_renderer = "mathml"  # type: ignore[attr-defined]
    return {"parallel_read_safe": True, "parallel_write_safe": True}
