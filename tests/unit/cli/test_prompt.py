"""Options that are typed at a prompt mean what they mean on the command line."""

from __future__ import annotations

from typing import Any

import pytest

from devicekit.cli.prompt import _with_options
from devicekit.core.errors import UsageError
from devicekit.system.answers import Answered
from devicekit.system.options import ReadOptions


@pytest.mark.parametrize(
    ("typed", "options"),
    [
        ("--abs", {"absolute": True}),
        ("--abs --unit nS", {"absolute": True, "unit": "nS"}),
        ("--unit nS --abs", {"absolute": True, "unit": "nS"}),
        ("--no-units-row", {"units_row": False}),
        ("--accept --kind sweep", {"accept": True, "kind": "sweep"}),
        ("unit=nA --map 'value=G (S)'", {"unit": "nA", "columns": {"value": "G (S)"}}),
    ],
)
def test_typed_options(typed: str, options: dict[str, Any]) -> None:
    assert _with_options(typed, Answered(ReadOptions())) == Answered(ReadOptions(**options))


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(UsageError, match="--wrong"):
        _with_options("--wrong 3", Answered(ReadOptions()))
