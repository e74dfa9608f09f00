"""The full figures on the paper's pages are those of docs/training.md, which holds what was measured."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def table_rows(script: Path) -> list[list[str]]:
    """Cells of the list-tables in the comments of a script."""
    rows: list[list[str]] = []
    for line in script.read_text("utf-8").splitlines():
        if match := re.match(r"#    (\* -|  -) ?(.*)$", line):
            if match[1] == "* -":
                rows.append([])
            rows[-1].append(match[2].strip())
    return rows


@pytest.mark.parametrize("name", ["plot_fig6", "plot_fig7", "plot_fig8"])
def test_accuracies_are_the_recorded_ones(name: str) -> None:
    recorded = (DOCS / "training.md").read_text("utf-8")
    header, *rows = table_rows(DOCS / "paper" / f"{name}.py")
    assert header[1] == "ours [%]"
    assert len(rows) >= 3
    for label, ours, *_ in rows:
        for number in re.findall(r"\d+\.\d", re.sub(r"\(.*?\)", "", ours)):
            assert number in recorded, f"{name}: {label}: {number} is not in docs/training.md"


def test_every_figure_page_has_a_table_a_reason_and_a_command() -> None:
    pages = sorted((DOCS / "paper").glob("plot_fig*.py"))
    assert len(pages) == 8
    for page in pages:
        text = page.read_text("utf-8")
        assert ".. list-table::" in text, page.name
        assert "**What differs, and why.**" in text, page.name
        assert "devicekit " in text or page.name == "plot_fig5.py", page.name
