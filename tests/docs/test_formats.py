"""The page of the formats says what the readers declare."""

from __future__ import annotations

import re
from pathlib import Path

from devicekit.readers import ALWAYS, readers
from devicekit.system import plugins
from devicekit.system.options import OPTIONS

PAGE = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")


def rows() -> dict[str, list[str]]:
    """Options by the reader's name, in the order of the page's table."""
    found = re.findall(r"^\|.*?\| `(\w+)` \|.*\|([^|]*)\|$", PAGE, re.MULTILINE)
    return {name: re.findall(r"--[\w-]+", options) for name, options in found}


def test_every_format_is_there_in_the_order_in_which_it_is_tried() -> None:
    assert list(rows()) == [name for name in readers() if name in plugins.READERS.builtin_names()]


def test_each_takes_what_its_reader_takes() -> None:
    taken = {name: {OPTIONS[option].flag for option in reader.TAKES - ALWAYS} for name, reader in readers().items()}
    assert {name: set(options) for name, options in rows().items()} == {name: taken[name] for name in rows()}
