"""A harmless change of a spreadsheet, a .mat or a .json file changes no number that is read; a real change does."""

from __future__ import annotations

from pathlib import Path

import pytest

from .mutations import survey  # type: ignore[import-not-found]


@pytest.mark.parametrize(
    "count",
    [4, pytest.param(60, marks=pytest.mark.slow), pytest.param(3_000, marks=pytest.mark.heavy)],
)
def test_harmless_mutations_change_no_number_and_others_do(
    tmp_path: Path, count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes, faults = survey(tmp_path, range(count))
    with capsys.disabled():
        print("", *(f"{number:6d} {outcome}" for outcome, number in sorted(outcomes.items())), sep="\n")
    assert not faults, "\n".join(faults[:10])
