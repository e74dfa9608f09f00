"""Compiled code is kept for what it is made from: its own code and all that it uses, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devicekit.system import jit

ROOT = Path(__file__).parents[3]
SOURCE = """
import math
import numpy as np
LIMIT = 2.0
TABLE = np.array([1.0, 2.0])

def inner(x):
    return math.exp(min(x, LIMIT))

def outer(x, y=1.0):
    'Words.'
    return other.scale * inner(x) + TABLE[0] + y
"""


def stamp_of(source: str, scale: float = 1.0) -> str:
    other: Any = types.ModuleType("other")
    other.scale, other.unused = scale, object()
    names: dict[str, Any] = {"other": other, "__name__": "here"}
    exec(source, names)
    return jit.stamp(names["outer"])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("'Words.'", "'Other words.'"),
        ("    return other", "    # a comment\n    return other"),
        ("LIMIT = 2.0", "UNUSED = 3.0\nLIMIT = 2.0"),
    ],
)
def test_words_and_what_is_not_used_do_not_count(old: str, new: str) -> None:
    assert stamp_of(SOURCE) == stamp_of(SOURCE.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 2.0", "LIMIT = 2.5"),
        ("[1.0, 2.0]", "[1.0, 2.5]"),
        ("y=1.0", "y=2.0"),
        ("min(x", "max(x"),
        ("math.exp", "math.log"),
        ("inner(x) +", "inner(x) -"),
        ("+ y", "+ 2.0 * y"),
    ],
)
def test_what_is_used_counts_however_far_below(old: str, new: str) -> None:
    assert stamp_of(SOURCE) != stamp_of(SOURCE.replace(old, new))


def test_a_number_of_another_module_counts() -> None:
    assert stamp_of(SOURCE, 1.0) != stamp_of(SOURCE, 2.0)


def test_a_kernel_is_found_again_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path))
    kernel = jit.compiled(stamp_of)  # any function of a file
    assert not jit.is_kept(kernel)

    def twice(x: float) -> float:
        return 2.0 * x

    kernel = jit.compiled(twice)
    assert not jit.is_kept(kernel)
    assert kernel(np.float64(2.0)) == 4.0
    assert jit.is_kept(kernel)


def _stamps(*places: Path) -> dict[str, str]:
    """Of every kernel, what a fresh Python says; `places` come first on its path."""
    code = """
import json, sys, devicekit.fitting.device, devicekit.device.array, devicekit.features.conduction.verdict
import physics.iv, snn.training, snn.stdp
from numba.core.dispatcher import Dispatcher
from devicekit.system import jit
found = {}
for module in list(sys.modules.values()):
    for name, value in list(vars(module).items()):
        if isinstance(value, Dispatcher) and (own := getattr(value, "devicekit_stamp", None)):
            found[f"{value.py_func.__module__}.{value.py_func.__qualname__}"] = own
            if jit.stamp(value.py_func) != own:
                sys.exit(f"{name} uses what is defined below it: {own}")
print(json.dumps(found))
"""
    path = {"PYTHONPATH": os.pathsep.join(map(str, places)), "NUMBA_CACHE_DIR": str(places[0] / "kept")}
    command = [sys.executable, "-P", "-c", code]  # -P: the folder it runs in is not on its path
    ran = subprocess.run(command, env={**os.environ, **path}, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    found: dict[str, str] = json.loads(ran.stdout)
    return found


@pytest.mark.slow
def test_a_kernel_is_compiled_anew_where_what_it_is_made_from_changes_and_only_there(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for package in ("devicekit", "physics", "snn"):
        shutil.copytree(ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__"))
    usual = _stamps(tree)
    assert len(usual) > 90

    def changed(file: str, old: str, new: str) -> set[str]:
        text = (tree / file).read_text()
        assert old in text
        (tree / file).write_text(text.replace(old, new))
        found = _stamps(tree)
        (tree / file).write_text(text)
        assert found.keys() == usual.keys()
        return {name for name, own in found.items() if own != usual[name]}

    assert changed("devicekit/core/text.py", '"""Numbers', '"""Words, and numbers') == set()
    assert (
        changed("devicekit/fitting/likelihood/filter.py", "    m = z.size\n", "    m = z.size  # a comment\n") == set()
    )
    law = changed("devicekit/models/laws/linear.py", "return 0.0", "return 0.0 * x")
    assert {"devicekit.models.laws.linear.ell", "devicekit.models.kernel.ell", "devicekit.models.kernel.rate"} <= law
    assert {"devicekit.fitting.likelihood.filter.information", "snn.network.crossbar.apply_pulses"} <= law
    assert not {"devicekit.models.laws.eq2.ell", "snn.network.neurons.present"} & law
    assert not [name for name in law if name.startswith("physics")]
    number = changed("devicekit/fitting/likelihood/filter.py", "LARGEST_SLOPE = 0.2, 1.3", "LARGEST_SLOPE = 0.2, 1.2")
    names = {name.rpartition(".")[2] for name in number}
    assert names == {"_run_filters", "innovations", "log_likelihood", "information"}
    lanes = changed("snn/network/lanes.py", "LANES = 64", "LANES = 32")
    assert {"snn.network.neurons._run_hidden", "snn.network.neurons.present"} <= lanes
    assert "snn.network.neurons.bell" not in lanes


@pytest.mark.slow
def test_compiled_code_is_kept_apart_for_every_set_of_laws(tmp_path: Path) -> None:
    other = tmp_path / "other"
    linear = (ROOT / "devicekit" / "models" / "laws" / "linear.py").read_text()
    (other / "other-1.0.dist-info").mkdir(parents=True)
    (other / "other-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (other / "other-1.0.dist-info" / "entry_points.txt").write_text("[devicekit.laws]\nflat = flat_law\n")
    (other / "flat_law.py").write_text(linear.replace('name="linear"', 'name="flat"'))
    usual, added = _stamps(ROOT), _stamps(other, ROOT)
    (other / "flat_law.py").write_text(linear.replace('"linear"', '"flat"').replace("return 0.0", "return 0.0 * x"))
    changed = _stamps(other, ROOT)
    every = [each["devicekit.models.kernel.ell"] for each in (usual, added, changed)]
    assert len(set(every)) == 3
    assert len({each["devicekit.models.laws.eq2.ell"] for each in (usual, added, changed)}) == 1


@pytest.mark.slow
@pytest.mark.parametrize("way", ["NUMBA_CACHE_DIR", pytest.param("HOME", marks=pytest.mark.slow)])
def test_without_a_folder_to_keep_it_in_code_is_compiled_all_the_same(tmp_path: Path, way: str) -> None:
    """An account whose folders are read-only, or full: here a file stands where the folder would be."""
    (tmp_path / "file").write_text("")
    code = """
import os, sys
from pathlib import Path
from devicekit.system import jit
usual = os.access
os.access = lambda path, mode, **more: usual(path, mode, **more) and Path(path) != Path(jit.__file__).parents[1]
def double(x):
    return 2 * x
made = jit.compiled(double)
assert made(2) == 4
assert not jit.keeps(jit.cache_folder()) and not jit.is_kept(made), jit.cache_folder()
from devicekit.verbs.beside import CompilingBeside
with CompilingBeside() as beside:
    assert beside._process is None
from devicekit.cli import build_app
from devicekit.cli.common import run_app
assert run_app(build_app(), ["doctor"]) == 0
"""
    places = {"HOME": tmp_path / "file", "XDG_CACHE_HOME": tmp_path / "file" / "cache", "PYTHONPATH": ROOT}
    if way == "NUMBA_CACHE_DIR":
        places["NUMBA_CACHE_DIR"] = tmp_path / "file" / "kept"
    before = set((ROOT / "devicekit" / "__pycache__").glob("*.nbi"))
    env = {**{k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}, **{k: str(v) for k, v in places.items()}}
    ran = subprocess.run([sys.executable, "-P", "-c", code], env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "not writable: " in ran.stdout
    assert set((ROOT / "devicekit" / "__pycache__").glob("*.nbi")) == before
