"""What somebody new types wrongly: one answer that names the way, exit code 2, or what was plainly meant."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from devicekit.system import catalog

Run = Callable[..., Any]
MISTAKES = (
    "mine.cvs",
    "mine.csv --out",
    "mine.csv --out results",
    "mine.csv fit",
    "mine.csv --model softbounds",
    "plot mine.csv",
    "analyze mine.csv",
    "fti mine.csv --unit uS",
    "frobnicate",
    "--readvoltage 0.1 mine.csv",
    "fit",
    "fit mine.csv --readvoltage 0.1",
    "fit mine.csv --read-voltage 0.1V",
    "fit mine.csv --unit",
    "fit mine.csv sweeps.csv",
    "fit sweeps.xlsx",
    "fit card.json",
    "fit -o card.json",
    "fit min.csv",
    "run card.json",
    "run --card card.json",
    "compare endurance.csv",
    "train",
    "train mine.csv",
    "train card.json --epoch 5",
    "benchmark mine.csv",
    "array mine.csv",
    "export card.json --to pytorch",
    "export mine.csv --to aihwkit --out preset",
    "simulate",
    "simulate iv sweeps.csv",
    "help nothing",
    "fit *.csv",
    "fit https://example.org/mine.csv",
    "fit mine.csv --cycle all",
    "card card.json",
    "library mine.csv",
    "simulate card.json",
    "report mine.csv",
    "train card.json --hidden 100",
    "train card.json --set hidden 100",
    "characterize sweeps.csv --out result.csv",
    "train card.json --epochs -1",
    "export card.json spice",
)
MEANT = ("help", "help fit", "fit -h", "-h", "version", "characterize sweeps.csv -o dc", "card show --card card.json")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the files that the commands name."""
    monkeypatch.chdir(tmp_path)
    n = np.arange(20)
    state = np.concatenate([n, 19 - n]) + 1.0
    trains = {"pulse": np.tile(n, 2), "direction": ["LTP"] * 20 + ["LTD"] * 20, "conductance (uS)": state}
    pd.DataFrame(trains).to_csv("mine.csv", index=False)
    volts = np.concatenate([np.linspace(0, 1, 20), np.linspace(1, 0, 20)])
    sweeps = pd.DataFrame({"Voltage (V)": volts, "Current (A)": volts * np.repeat([1e-5, 1e-4], 20)})
    sweeps.to_csv("sweeps.csv", index=False)
    sweeps.to_excel("sweeps.xlsx", index=False)
    cycles = {"cycle": n + 1, "HRS (kohm)": 100.0 + n, "LRS (kohm)": 10.0 + n / 10}
    pd.DataFrame(cycles).to_csv("endurance.csv", index=False)
    Path("card.json").write_bytes(catalog.get(catalog.EXAMPLE).card.read_bytes())
    return tmp_path


@pytest.mark.parametrize("typed", MISTAKES)
def test_a_mistake_has_one_answer_that_names_the_way(typed: str, devicekit: Run, folder: Path) -> None:
    before = sorted(folder.iterdir())
    ran = devicekit(*typed.split())
    assert ran.code == 2
    errors = [line for line in ran.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "devicekit" in errors[0] or " --" in errors[0] or "mine.csv" in errors[0]
    assert len(errors[0].split()) <= 40
    assert sorted(folder.iterdir()) == before


@pytest.mark.usefixtures("without_pictures", "without_mechanism")
@pytest.mark.parametrize("typed", MEANT)
def test_what_is_plainly_meant_is_done(typed: str, devicekit: Run, folder: Path) -> None:
    ran = devicekit(*typed.split())
    assert ran.code == 0, ran.err
    assert ran.out


def test_the_wording_of_the_answers(devicekit: Run, folder: Path, file_regression: Any) -> None:
    found = []
    for typed in MISTAKES:
        answer = devicekit(*typed.split()).err.partition("error: ")[2].strip()
        found.append(f"$ devicekit {typed}\n{answer}\n")
    file_regression.check("\n".join(found), extension=".txt")
