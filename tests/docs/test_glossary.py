"""Pages made from the code hold all of it."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from devicekit.core import quantities

from .conftest import load_script


@pytest.fixture(scope="module")
def from_code() -> ModuleType:
    pytest.importorskip("sphinx", reason="extra docs is not installed")
    return load_script(Path(__file__).parents[2] / "docs" / "_ext" / "from_code.py")


def test_terms_are_in_order_and_explained() -> None:
    assert list(quantities.TERMS) == sorted(quantities.TERMS, key=str.lower)
    assert all(meaning.endswith(".") and len(meaning) > 20 for meaning in quantities.TERMS.values())


@pytest.mark.slow
def test_the_glossary_page_holds_every_name(from_code: ModuleType) -> None:
    page = from_code.glossary()
    for quantity in quantities.GLOSSARY.values():
        assert f"| `{quantity.name}` | {quantity.unit or '1'} | {quantity.label} | {quantity.description} |" in page
    for term, meaning in quantities.TERMS.items():
        assert "\n".join([*term.split(", "), f"  {meaning}"]) in page


@pytest.mark.slow
def test_the_command_line_page_holds_every_command(from_code: ModuleType) -> None:
    page = from_code.command_line()
    for command in ("run", "fit", "train", "simulate iv", "simulate pulses", "card validate"):
        assert f"\n## {command}\n" in page
        assert f"Usage: devicekit {command} " in page


@pytest.mark.slow
def test_the_page_of_warnings_holds_every_code_and_rule(from_code: ModuleType) -> None:
    from devicekit.core import advice
    from devicekit.core.codes import WARNING_CODES

    page = from_code.warnings()
    for code, kind in WARNING_CODES.items():
        assert f"| `{code}` | {kind.rank} | {kind.meaning} | {kind.what_to_do} |" in page
    for words, rules in advice.RULES.items():
        for rule in rules:
            codes = ", ".join(f"`{code}`" for code in WARNING_CODES if code in rule.codes)
            assert f"| {words} | {codes} | {rule.because} |" in page


@pytest.mark.slow
def test_the_pages_of_options_hold_every_field(from_code: ModuleType) -> None:
    from dataclasses import fields

    from devicekit.system.options import ReadOptions
    from snn.config import TrainingConfig

    for page, cls in ((from_code.settings(), TrainingConfig), (from_code.reading_options(), ReadOptions)):
        rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| `")]
        named = {name.strip("`| ") for row in rows for cell in row[:2] for name in cell.split(", ")}
        assert {each.name for each in fields(cls)} <= named
        assert all(len(row[-1]) > 10 for row in rows)
