"""Whatever a valid table holds: figures of merit and their page, or one of our own errors."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from devicekit.core.errors import DevicekitError
from devicekit.features.characterize import characterize
from devicekit.report import Report
from devicekit.synthetic import records

BASES = (
    records.sweeps(4, 2),
    records.endurance(1e4, 2),
    records.retention(3),
    records.stdp(3),
    records.telegraph(400),
)


def damaged(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Rows taken out, values replaced by missing, zero, absurd and negative ones, rows doubled or shuffled."""
    frame = frame[rng.random(len(frame)) < rng.choice([1.0, 0.5, 0.1, 0.02])].reset_index(drop=True)
    for name in frame.select_dtypes("float"):
        if rng.random() < 0.4:
            rows = rng.random(len(frame)) < rng.choice([0.01, 0.3, 1.0])
            frame.loc[rows, name] = rng.choice([np.nan, 0.0, 1e-300, 1e300, -1.0, 1.0])
    if rng.random() < 0.2:
        frame = pd.concat([frame, frame], ignore_index=True)
    if rng.random() < 0.2:
        frame = frame.sample(frac=1, random_state=1).reset_index(drop=True)
    return frame


def run(seed: int, cases: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(cases):
        base = BASES[rng.integers(len(BASES))]
        try:
            found = characterize(type(base)(damaged(base.frame, rng)))
        except DevicekitError:
            continue
        json.dumps(found.as_dict(), allow_nan=False)
        if rng.random() < 0.1:
            Report("x", found.verdict(), found.remarks(), [found.section("x", "x")]).to_html()


@pytest.mark.slow
@pytest.mark.usefixtures("without_mechanism")
def test_any_table() -> None:
    run(0, 6)


@pytest.mark.parametrize("cases", [2, pytest.param(60, marks=pytest.mark.slow)])
def test_any_table_with_its_mechanisms(cases: int) -> None:
    run(0, cases)


@pytest.mark.heavy
def test_any_table_many() -> None:
    run(1, 1000)
