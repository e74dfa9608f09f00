"""Write the Markdown tables that a benchmark prints to docs/evidence, from which the pages show them.

    python benchmarks/level_coverage.py --evidence              # also writes docs/evidence/level_coverage.json
    python benchmarks/level_coverage.py --evidence=FOLDER       # or into another folder

Title, command and conditions stay as they are in the file. A table with the same columns as an earlier one keeps its
title and note. Read the notes afterwards: they may state numbers of the earlier run.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

FOLDER = Path(__file__).parents[1] / "docs" / "evidence"
OPTION = "--evidence"
_RULE = re.compile(r"\|(?:\s*:?-+:?\s*\|?)+")  # the line under the names of the columns


class _Tee(io.TextIOBase):
    """Stream that writes to two others."""

    def __init__(self, *streams: TextIO) -> None:
        self.streams = streams

    def write(self, text: str) -> int:
        """Write to both."""
        for stream in self.streams:
            stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush both."""
        for stream in self.streams:
            stream.flush()


def parse_tables(text: str) -> list[dict[str, Any]]:
    """Return the Markdown tables of a text as `columns` and `rows`; a line just above one is its `title`."""
    tables: list[dict[str, Any]] = []
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if not line.startswith("|"):
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if _RULE.fullmatch(line.strip()):
            continue
        if number + 1 < len(lines) and _RULE.fullmatch(lines[number + 1].strip()):
            before = lines[number - 1].strip() if number else ""
            title = {} if not before or before.startswith("|") else {"title": before.rstrip(":")}
            tables.append({**title, "columns": cells, "rows": []})
        elif tables:
            tables[-1]["rows"].append(cells)
    return tables


def dump(content: Mapping[str, Any]) -> str:
    """Return the text of an evidence file: one row of a table on each line."""

    def text(value: object) -> str:
        return json.dumps(value, ensure_ascii=False)

    lines = [
        "{",
        *(f"  {text(key)}: {text(content[key])}," for key in ("title", "command", "note") if content.get(key)),
    ]
    lines.append('  "tables": [')
    for table in content["tables"]:
        lines += ["    {", *(f"      {text(key)}: {text(table[key])}," for key in ("title", "note") if table.get(key))]
        lines += [f'      "columns": {text(table["columns"])},', '      "rows": [']
        lines += [f"        {text(row)}," for row in table["rows"]]
        lines[-1] = lines[-1].removesuffix(",")
        lines += ["      ]", "    },"]
    lines[-1] = lines[-1].removesuffix(",")
    return "\n".join([*lines, "  ]", "}", ""])


def update(file: Path, tables: list[dict[str, Any]]) -> None:
    """Replace the tables of an evidence file; one with the columns of an earlier one keeps its title and note."""
    content = json.loads((FOLDER / file.name).read_text("utf-8"))
    earlier = {tuple(table["columns"]): table for table in reversed(content["tables"])}
    made = [{**table, **earlier.get(tuple(table["columns"]), {}), "rows": table["rows"]} for table in tables]
    file.write_text(dump({**content, "tables": made}), "utf-8")


@contextlib.contextmanager
def recorded(output: io.StringIO) -> Iterator[None]:
    """Copy what is printed."""
    with contextlib.redirect_stdout(_Tee(sys.stdout, output)):  # type: ignore[type-var]
        yield


def run(main: Callable[[], int | None], *names: str) -> int:
    """Run a benchmark; with `--evidence` write its tables, one file for all of them or one file each.

    Parameters
    ----------
    main : callable
        Prints the tables and returns an exit code.
    *names : str
        Evidence files without their suffix. Of several, each gets one table and the last one the rest.

    Returns
    -------
    int
        The exit code.
    """
    asked = [each for each in sys.argv[1:] if each == OPTION or each.startswith(f"{OPTION}=")]
    sys.argv = [each for each in sys.argv if each not in asked]
    if not asked:
        return main() or 0
    folder = Path(asked[-1].partition("=")[2] or FOLDER)
    output = io.StringIO()
    with recorded(output):
        code = main() or 0
    tables = parse_tables(output.getvalue())
    for number, name in enumerate(names):
        part = tables[number:] if number == len(names) - 1 else tables[number : number + 1]
        update(folder / f"{name}.json", part)
        print(f"{folder / name}.json: {len(part)} tables")
    return code
