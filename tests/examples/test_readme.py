"""README's promises that are not code; its code blocks run in tests/docs."""

from __future__ import annotations

import re
from pathlib import Path

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_first_block_is_the_two_commands() -> None:
    assert blocks("sh")[0].split("\n")[:2] == [
        "python -m pip install . && devicekit run",
        'python -m pip install -e ".[test]" && python -m pytest',
    ]


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("http"):
            assert (Path(__file__).parents[2] / target).exists(), target
