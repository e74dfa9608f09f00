"""Numbers as people read them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicekit.core.intervals import mean_ends, tenths, with_interval
from devicekit.core.text import count, listed, percent, si, span


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (62.565e-6, "S", "62.6 µS"),
        (1.64e-3, "S", "1.64 mS"),
        (999.96e-6, "S", "1 mS"),  # rounding may reach the next prefix
        (5e-5, "s", "50 µs"),
        (5000.0, "s", "5000 s"),
        (3.15576e8, "s", "3.16e8 s"),
        (17500.0, "ohm", "17.5 kohm"),
        (0.6135, "V", "0.614 V"),
        (-0.95, "V", "-0.95 V"),
        (4e-7, "V", "400 nV"),
        (0.0, "S", "0 S"),
        (1e-20, "S", "1e-20 S"),
        (464.7, "", "465"),
        (12345.0, "", "12300"),
        (None, "S", "–"),
        (float("nan"), "S", "–"),
    ],
)
def test_si(value: float | None, unit: str, words: str) -> None:
    assert si(value, unit) == words


PREFIXES = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "µ": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9}


@given(st.floats(1e-15, 9e11), st.sampled_from([-1, 1]))
def test_what_is_written_is_the_value(size: float, sign: int) -> None:
    number, _, unit = si(sign * size, "S", 4).partition(" ")
    assert float(number) * PREFIXES[unit.removesuffix("S")] == pytest.approx(sign * size, rel=6e-4)
    assert 1 <= abs(float(number)) < 1000.5


def test_span() -> None:
    assert span(62.6e-6, 280e-6, "S") == "62.6 to 280 µS"
    assert span(0.9e-6, 2e-3, "S") == "900 nS to 2 mS"
    assert span(0.1, 0.9, "") == "0.1 to 0.9"


def test_percent_count_listed() -> None:
    assert [percent(v) for v in (0.00383, 0.0261, 0.9812, 1.0, 0.0, None)] == [
        "0.38 %",
        "2.6 %",
        "98.1 %",
        "100.0 %",
        "0 %",
        "–",
    ]
    assert (count(1, "device"), count(20, "device"), count(2, "LTP and LTD pair")) == (
        "1 device",
        "20 devices",
        "2 LTP and LTD pairs",
    )
    assert (listed([]), listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])) == (
        "",
        "a",
        "a and b",
        "a, b and c",
    )


def test_a_number_with_its_interval() -> None:
    assert with_interval(19.84, (10.91, 28.7), "points") == "19.8 points (10.9 to 28.7)"
    assert with_interval(19.84, (10.91, 28.7), "points", level=0.95) == "19.8 points (95 %: 10.9 to 28.7)"
    assert with_interval(19.84, None, "points") == "19.8 points"
    assert with_interval(0.5, (0.1, math.inf), show=lambda value: f"{value:g}") == "0.5"
    assert tenths(-0.04) == "0.0"


def test_the_interval_of_a_mean() -> None:
    values = (1.0, 2.0, 3.0)
    half = 4.302653 * np.std(values, ddof=1) / np.sqrt(3)  # t of two degrees of freedom
    assert mean_ends(values) == pytest.approx((2.0 - half, 2.0 + half))
    assert mean_ends((1.0,)) is None
