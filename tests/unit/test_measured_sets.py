"""The measured sets that ship: whose they are, under which licence, and that they are what their authors published."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pandas as pd
import pytest

import devicekit
from devicekit.system import catalog

KINDS = {
    "vcm-trains": "pulse",
    "1t1r-endurance": "endurance",
    "1t1r-relaxation": "retention",
    "1t1r-levels": "multilevel",
    "1t1r-bakes": "retention",
    "readc-sweeps": "sweep",
}
FOLDERS = {"1t1r-endurance": "rram_1t1r", "1t1r-relaxation": "bakes", "1t1r-levels": "bakes", "1t1r-bakes": "bakes"}
MAKER = Path(__file__).parents[2] / "benchmarks" / "measured_sets.py"


def test_every_measured_set_is_known_here() -> None:
    assert {name for name, each in catalog.shipped().items() if not each.synthetic} == set(KINDS)


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=pytest.mark.slow if each == "vcm-trains" else ()) for each in KINDS]
)
def test_a_measured_set_is_read_without_a_question_and_names_its_licence(name: str) -> None:
    found = catalog.get(name)
    table = devicekit.read(found.data)
    assert table.kind == KINDS[name]
    assert not table.marks
    facts = json.loads((found.folder / "datapackage.json").read_text(encoding="utf-8"))
    notice = (found.folder / "LICENSE").read_text(encoding="utf-8")
    assert facts["licenses"][0]["title"].removesuffix("; see LICENSE") in notice
    assert facts["sources"][0]["path"].startswith("https://github.com/")
    assert len(facts["sources"][0]["title"]) > 20


def test_levels_are_not_told_by_the_readings_themselves() -> None:
    """The source's levels are ranges of a first reading: of that one no error of a level could ever be found."""
    frame = pd.read_csv(catalog.get("1t1r-levels").data)
    extent = frame.groupby("level")["conductance_s"].agg(["min", "max"])
    assert (extent["min"].to_numpy()[1:] < extent["max"].to_numpy()[:-1]).mean() > 0.8


@pytest.mark.parametrize("name", FOLDERS)
def test_a_measured_set_is_made_from_its_source(
    name: str, measured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.spec_from_file_location("measured_sets", MAKER)
    assert spec is not None
    assert spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    monkeypatch.setattr(maker, "ROOT", tmp_path)
    folder = measured / FOLDERS[name]
    maker.SETS[name](folder, folder / "LICENSE")
    made = next((tmp_path / name).glob("*.csv.gz"))
    pd.testing.assert_frame_equal(pd.read_csv(made), pd.read_csv(catalog.get(name).data))
