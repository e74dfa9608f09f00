"""Warnings of a loaded card, whose codes may be those of a later version of devicekit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator

from devicekit.core.codes import WARNING_CODES
from devicekit.core.errors import CodedWarning


@dataclass(frozen=True)
class UnknownCodeWarning(CodedWarning):
    """Warning with a code unknown to this version; only loading a card makes one."""

    def __post_init__(self) -> None:
        """Accept any code."""


def _restore_warning(value: Any) -> Any:
    """Return a warning as it stands in a card."""
    if not isinstance(value, dict) or value.keys() != {"code", "message"}:
        return value
    texts = all(isinstance(each, str) for each in value.values())
    return UnknownCodeWarning(**value) if texts and value["code"] not in WARNING_CODES else value


Remark = Annotated[CodedWarning, BeforeValidator(_restore_warning)]
