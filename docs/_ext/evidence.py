"""Directive `evidence NAME`: the tables of docs/evidence/NAME.json, folded, with the command that measured them.

The file holds `title`, `command`, `tables`, and if needed `note`, the conditions of the measurement; a table has
`columns`, `rows`, and if needed `title` and `note`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sphinx.util.docutils import SphinxDirective

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

FOLDER = Path(__file__).parents[1] / "evidence"


def _row(cells: list[Any]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def markdown(content: dict[str, Any]) -> str:
    """Return the content of an evidence file as a folded block of Markdown."""
    lines = [f"::::{{dropdown}} {content['title']}", f"Measured by `{content['command']}`.", ""]
    lines += [content["note"], ""] if content.get("note") else []
    for table in content["tables"]:
        lines += [f"**{table['title']}**", ""] if table.get("title") else []
        lines += [_row(table["columns"]), _row(["---"] * len(table["columns"])), *map(_row, table["rows"]), ""]
        lines += [table["note"], ""] if table.get("note") else []
    return "\n".join([*lines, "::::", ""])


class Evidence(SphinxDirective):
    """Insert the tables of one file of evidence."""

    required_arguments = 1
    has_content = False

    def run(self) -> list[nodes.Node]:
        """Return the nodes of the folded block; the page is built again when the file changes."""
        file = FOLDER / f"{self.arguments[0]}.json"
        self.env.note_dependency(str(file))
        return self.parse_text_to_nodes(markdown(json.loads(file.read_text("utf-8"))))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("evidence", Evidence)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
