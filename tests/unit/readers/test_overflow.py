"""Overflow codes of instruments are named in the question, left out as missing, counted and reported."""

from __future__ import annotations

import numpy as np
import pytest

import devicekit
from devicekit.core.errors import QuestionError, UsageError

from .small_files import Write, codes  # type: ignore[import-not-found]

TIMES = np.arange(40)


def _record(lines: Write, code: str, many: int = 30) -> object:
    """A hold of 1 Mohm read at 0.1 V, whose last readings are a code, and R = V / I of it."""
    rows = [
        f"{t},{1e6 + t:.9g},{0.1 / (1e6 + t):.6g}" if t < 40 - many else f"{t},{0.1 / float(code):.4g},{code}"
        for t in TIMES
    ]
    return lines("time (s),R (ohm),I (A)", *rows)


@pytest.mark.parametrize("code", ["-4.95e28", "9.91e37", "1e38", "1e35"])
@pytest.mark.parametrize("many", [3, 30])
def test_codes_and_what_is_divided_by_them_are_missing(code: str, many: int, lines: Write) -> None:
    path = _record(lines, code, many)
    with pytest.raises(QuestionError) as caught:
        devicekit.read(path, kind="retention")  # type: ignore[arg-type]
    question = caught.value.asked.each[0]
    assert f"{many} in R (ohm)" in question.evidence[0]
    assert question.choices[0].options == {"drop": ("overflow",)}
    table = devicekit.read(path, kind="retention", drop=("overflow",))  # type: ignore[arg-type]
    assert len(table.frame) == 40 - many
    assert 1 / table.frame["conductance_s"].iloc[-1] == pytest.approx(1e6 + 39 - many)
    assert str(many) in next(each.message for each in table.warnings if each.code == "dropped")


def test_a_number_of_drop_is_a_cell_without_a_reading(lines: Write) -> None:
    path = _record(lines, "-4.95e28", 30)
    by_number = devicekit.read(path, kind="retention", drop=("2.02e-30", "4.95e28"))  # type: ignore[arg-type]
    assert len(by_number.frame) == 10
    with pytest.raises(UsageError, match="no cell holds drop=999"):
        devicekit.read(path, kind="retention", drop=("overflow", "999"))  # type: ignore[arg-type]
    train = lines("pulse,G (S)", *(f"{n},{999 if n == 7 else 1e-6 * (n + 1):g}" for n in range(12)), name="g.csv")
    table = devicekit.read(train, kind="pulse", drop=("999",), accept=True)
    assert len(table.frame) == 12
    assert np.flatnonzero(table.frame["conductance_s"].isna()).tolist() == [7]


def test_a_word_for_overflow_is_a_missing_reading(lines: Write) -> None:
    train = lines("pulse,G (uS)", *(f"{n},{'OVFLW' if n == 7 else n + 1}" for n in range(12)))
    table = devicekit.read(train, kind="pulse", accept=True)
    assert table.frame["conductance_s"].isna().sum() == 1
    assert "dropped" in codes(table)


def test_small_and_large_measured_numbers_are_no_codes(lines: Write) -> None:
    volts = np.linspace(-1, 1, 81)
    amps = np.where(np.abs(volts) < 1e-9, 1e-30, 1e-12 * volts)
    table = devicekit.read(lines("V (V),I (A)", *(f"{v:.4f},{i:.6g}" for v, i in zip(volts, amps, strict=True))))
    assert len(table.frame) == 81
