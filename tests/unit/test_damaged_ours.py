"""Damaged files of our own formats: loaded, or one error of ours, in time and with a message that can be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.damaged_ours import survey


@pytest.mark.parametrize(
    "count",
    [
        20,
        pytest.param(500, marks=pytest.mark.slow),
        pytest.param(50_000, marks=pytest.mark.heavy),
    ],
)
def test_damaged_files_of_ours_are_loaded_or_refused(
    tmp_path: Path, count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    kinds, faults, longest = survey(tmp_path, range(count))
    with capsys.disabled():
        print(
            "", *(f"{number:7d} {kind}" for kind, number in sorted(kinds.items())), f"{longest:.1f} s at most", sep="\n"
        )
    assert not faults, "\n".join(faults[:5])
