"""Temperatures in degrees Celsius beside any measurement."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import devicekit

VOLTS = [0, 0.5, 1, 0.5, 0, -0.5, -1, -0.5, 0]


def test_celsius_beside_a_sweep_is_converted_and_reported(lines: Callable[..., Path]) -> None:
    table = devicekit.read(lines("V (V),I (A),T (°C)", *[f"{v},{v}e-5,85" for v in VOLTS]), accept=True)
    assert table.kind == "sweep"
    assert table.frame["temperature_k"].to_numpy() == pytest.approx(358.15)
    assert "celsius" in {each.code for each in table.warnings}
