"""Numbers of results: each name has one unit, and a meaning in the documentation."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import is_dataclass
from pathlib import Path

import pytest

from devicekit.core.quantities import GLOSSARY
from devicekit.core.records import Record

from .conftest import load_script

# siemens in ends of a train, seconds of a record; ampere of a compliance, pulses of a programming; a number or kelvins
TWO_UNITS = {"first_s", "last_s", "limit", "temperatures"}

pytestmark = pytest.mark.slow  # every module is imported


@pytest.fixture(scope="module")
def page() -> str:
    """Page of all numbers of results."""
    return str(load_script(Path(__file__).parents[2] / "docs" / "_ext" / "from_code.py").results())


def test_a_name_has_one_unit(page: str) -> None:
    units: dict[str, set[str]] = defaultdict(set)
    for name, quantity in GLOSSARY.items():
        units[name].add(quantity.unit)
    for kind in Record.known:
        if kind.__module__.split(".")[0] in ("devicekit", "physics", "snn") and is_dataclass(kind):
            for each in kind.columns():
                if each.json or each.row:
                    units[each.name].add(each.quantity.unit)
    assert {name for name, own in units.items() if len(own) > 1} <= TWO_UNITS


def test_every_result_is_on_the_page(page: str) -> None:
    for words in ("## EnduranceResult", "| `failed_at` |  |", "| `activation_energy_ev` | eV |"):
        assert words in page
