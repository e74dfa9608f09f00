"""A known table in the guises of laboratories is read as it is, asked about, or refused; never as something else."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from .guise_judge import OUTCOMES, survey  # type: ignore[import-not-found]

QUICK = range(10)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("seeds", "by_one_form"),
    [
        (QUICK, 0.7),
        pytest.param(range(1_000, 1_100), 0.75, marks=pytest.mark.slow),
        pytest.param(range(100_000, 110_000), 0.8, marks=pytest.mark.heavy),
    ],
)
def test_known_tables_in_all_guises(
    tmp_path: Path, seeds: Iterable[int], by_one_form: float, capsys: pytest.CaptureFixture[str]
) -> None:
    counts, faults = survey(tmp_path, seeds)
    with capsys.disabled():
        print("", *(f"{counts[outcome]:6d} {outcome}" for outcome in OUTCOMES), sep="\n")
    wrong = [f"{each.seed}: {each.why}" for each in faults if each.outcome == "WRONG"]
    assert len(wrong) <= counts.total() // 100, "\n".join(wrong[:10])
    assert counts["right bare"] + counts["one form"] >= by_one_form * counts.total()
