"""Spiking networks trained on fitted devices."""

from __future__ import annotations

from typing import Any

__all__ = ["SpikingClassifier"]


def __getattr__(name: str) -> Any:
    """Return `snn.SpikingClassifier`, which loads scikit-learn on first use only."""
    if name == "SpikingClassifier":
        from snn.classifier import SpikingClassifier

        return SpikingClassifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
