"""Sizes that a file can choose: each is bounded before time or memory are spent on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devicekit.core.errors import DevicekitError, FileError
from devicekit.studies.runner import run_study
from devicekit.studies.spec import load_spec, plans
from devicekit.system import files
from physics.solvers.mesh import build_mesh
from physics.stack import load_material, load_stack

GRID = "".join(f"k{key} = {list(range(40))}\n" for key in range(12))


def write(folder: Path, text: str) -> Path:
    path = folder / "file.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("more", "number"),
    [
        (f"[grid]\n{GRID}", "about 10^19 runs"),
        (f"seeds = {list(range(1001))}\n[grid]\nepochs = {list(range(1, 101))}\n", "100100 runs"),
        ("[grid]\n" + "".join(f"k{key} = [0, 1]\n" for key in range(3000)), "about 10^903 runs"),
    ],
)
def test_runs_are_counted_before_they_are_listed(
    devicekit: Callable[..., Any], tmp_path: Path, more: str, number: str
) -> None:
    path = write(tmp_path, f'name = "t"\ntask = "train"\n{more}')
    found = devicekit("study", path, "--out", tmp_path / "out")
    assert found.code == 2
    assert number in found.err
    assert "the most are 100000" in found.err
    assert not (tmp_path / "out").exists()


def test_as_many_runs_as_there_may_be(tmp_path: Path) -> None:
    path = write(tmp_path, f'name = "t"\ntask = "train"\nseeds = {list(range(1000))}\n[grid]\nx = {list(range(100))}\n')
    assert len(plans(load_spec(path))) == 100


@pytest.mark.parametrize(
    "lines",
    ["card = '/'", "card = '/proc'", "card = '/dev/zero'", "table = '/'", "stack = '/'", "card = ''"],
)
@pytest.mark.parametrize("task", ["train", "few-shot", "resample", "stack"])
def test_a_study_of_a_folder_that_holds_everything_is_refused_at_once(
    devicekit: Callable[..., Any], tmp_path: Path, task: str, lines: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MOST_HASHED", 100)
    path = write(tmp_path, f'name = "t"\ntask = "{task}"\n[fixed]\n{lines}\n')
    began = time.monotonic()
    found = devicekit("study", path, "--out", tmp_path / "out")
    assert time.monotonic() - began < 120
    assert found.code == 2
    assert len(found.err) < 2000
    assert not (tmp_path / "out").exists()


def test_the_checksum_of_what_cannot_be_read_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text(name)
    whole = files.sha256(tmp_path)
    monkeypatch.setattr(files, "MOST_HASHED", 3)
    assert files.sha256(tmp_path) == whole
    monkeypatch.setattr(files, "MOST_HASHED", 2)
    with pytest.raises(FileError, match="more than 2 files"):
        files.sha256(tmp_path)

    def refused(self: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(FileError, match=r"cannot read .*a: Permission denied"):
        files.sha256(tmp_path / "a")


LAYERS = "".join(f"[[layer]]\nname = 'L{k}'\n" for k in range(5000))
DEEP = {
    "brackets": "x = " + "[" * 5000 + "]" * 5000,
    "tables": "x = " + "{a=" * 3000 + "1" + "}" * 3000,
    "keys": ".".join("a" * 20_000) + " = 1",
    "quoted keys": ".".join(["'a'"] * 20_000) + " = 1",
    "headers": "[" + " . ".join("a" * 20_000) + "]",
    "digits": "x = " + "1" * 10_000,
    "a large file": "#" * (2 << 20),
    "bytes": "x = '\x00'",
}


@pytest.mark.parametrize("what", DEEP)
@pytest.mark.parametrize(
    "command", ["study {file} --out {out}", "simulate iv --stack {file}", "read {data} --recipe {file}"]
)
def test_nested_and_long_toml_is_one_error(
    devicekit: Callable[..., Any], tmp_path: Path, what: str, command: str
) -> None:
    path = write(tmp_path, DEEP[what])
    (tmp_path / "data.csv").write_text("V (V),I (A)\n0,0\n1,1\n")
    began = time.process_time()
    found = devicekit(*command.format(file=path, out=tmp_path / "out", data=tmp_path / "data.csv").split())
    assert time.process_time() - began < 30
    assert found.code == 2
    assert found.err.startswith("error: ")
    assert len(found.err) < 1000


@pytest.mark.parametrize("load", [load_stack, lambda path: load_material(str(path))])
def test_stacks_have_layers_that_can_be_counted(tmp_path: Path, load: Callable[[Path], object]) -> None:
    for text in (LAYERS, "".join(f"[layer.L{k}]\nactive = true\n" for k in range(5000))):
        with pytest.raises(DevicekitError, match=r"found 5000 layers|geometry"):
            load(write(tmp_path, text))


def test_pairs_of_a_study_are_bounded(tmp_path: Path) -> None:
    path = write(tmp_path, 'name = "t"\ntask = "material"\n[fixed]\npairs = 1000000000\n')
    with pytest.raises(DevicekitError, match="expected 3 to 10000"):
        run_study(path, tmp_path / "out")


@pytest.mark.parametrize("key", ["filament.radius", "geometry.radius", "filament.gap_length", "layer.HfO2.thickness"])
def test_a_stack_of_astronomic_size_is_one_error(tmp_path: Path, key: str) -> None:
    group, _, name = key.rpartition(".")
    lines = f'[{group}]\n{name} = {{ value = 1e308, unit = "nm" }}\n'
    if key == "filament.radius":
        lines += '[geometry]\nradius = { value = 1.5e308, unit = "nm" }\n'
    with pytest.raises(DevicekitError):
        build_mesh(load_stack(write(tmp_path, lines)))
