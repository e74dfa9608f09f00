"""Trees of folders whose files have the same names, two folders of the same name, and fields that cannot be split."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from devicekit.core.errors import UsageError
from devicekit.synthetic.wafers import WaferTruth, files
from devicekit.system.options import ReadOptions
from devicekit.verbs.population import PopulationRequest, _of_population, _split, run_population

TREE = WaferTruth(wafers=2, dies=2, cells=1, cycles=1, points=20, dead=0.0, kept=1.0, limits=(1e-4,))
NAMES = ("W{wafer}/D{die}/C{cell}_{step}_{run}_{compliance}",)


def write(folder: Path, seed: int) -> Path:
    """Write a folder of each die, in which the files have the same names as in the others."""
    for name, text in files(TREE, seed):
        path = folder / name.replace("_", "/", 2)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def request(*folders: Path, out: Path, **more: object) -> PopulationRequest:
    reading = ReadOptions(accept=True)
    return PopulationRequest(folders=folders, out=out, jobs=1, template=NAMES, reading=reading, **more)  # type: ignore[arg-type]


@pytest.mark.slow
def test_files_of_the_same_name_in_different_folders_are_files_of_different_cells(tmp_path: Path) -> None:
    folder = write(tmp_path / "lot", 1)
    found = run_population(request(folder, out=tmp_path / "out")).result
    assert found.n_cells == 4
    assert found.files == found.steps["file"].nunique() == len(list(folder.rglob("*.csv")))
    assert set(zip(found.of_cells["wafer"], found.of_cells["die"], strict=True)) == {
        (wafer, die) for wafer in "12" for die in "12"
    }


@pytest.mark.slow
def test_two_folders_of_the_same_name_are_two_populations(tmp_path: Path) -> None:
    folders = [write(tmp_path / lot / "iv", seed) for seed, lot in enumerate(("a", "b"))]
    found = run_population(request(*folders, out=tmp_path / "out")).result
    assert set(found.steps["population"]) == {"a/iv", "b/iv"}
    assert found.n_cells == 8
    assert found.of_cells["wafer"].nunique() == 4  # none is in both
    assert found.files == found.steps["file"].nunique()
    with pytest.raises(UsageError):
        run_population(request(folders[0], folders[0], out=tmp_path / "out"))


def test_of_two_folders_without_wafers_the_dies_are_different_ones() -> None:
    frame = pd.DataFrame({"cell": ["1", "2"], "wafer": "", "die": ["1", "2"], "file": "set.csv"})
    found = _of_population(frame, "a")
    assert list(found["wafer"]) == ["", ""]
    assert list(found["die"]) == ["a 1", "a 2"]


def test_a_field_that_varies_within_cells_is_no_split() -> None:
    steps = pd.DataFrame({"cell": ["1", "1", "2", "2"], "wafer": "", "key_temperature": [300.0, 350.0, 300.0, 350.0]})
    with pytest.raises(UsageError):
        _split(request(Path(), out=Path(), split="temperature"), steps, [])
    between = steps.assign(key_temperature=[300.0, 300.0, 350.0, 350.0])
    found = _split(request(Path(), out=Path(), split="temperature"), between, [])
    assert found == ("key_temperature", ("300.0", "350.0"))
