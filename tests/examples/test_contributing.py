"""What CONTRIBUTING shows works: each piece of code is put where it says, and what it adds is used."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devicekit import catalog
from devicekit.readers import read
from devicekit.tables import PulseTable

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
LONGEST = 40  # lines of code


def block(heading: str, language: str = "python") -> str:
    """The first block of that language under a heading."""
    section = PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    found = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found, (heading, language)
    return found[1]


def edit(root: Path, difference: str) -> None:
    """Apply a difference whose hunks are separated by bare @@ lines."""
    for part in difference.split("--- a/")[1:]:
        path = root / part.split("\n", 1)[0]
        text = path.read_text(encoding="utf-8")
        for hunk in part.split("@@\n")[1:]:
            lines = hunk.splitlines()
            old = "\n".join(line[1:] for line in lines if line[:1] in "- ")
            new = "\n".join(line[1:] for line in lines if line[:1] in "+ ")
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")


@pytest.fixture
def announced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Write a module as a package of somebody else that announces it by an entry point."""
    monkeypatch.syspath_prepend(str(tmp_path))
    names: list[str] = []

    def announce(heading: str, name: str) -> None:
        module = f"somebody_{name}"
        names.append(module)
        (tmp_path / f"{module}.py").write_text(block(heading), encoding="utf-8")
        information = tmp_path / f"{module}-1.0.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(f"Name: {module}\nVersion: 1.0\n", encoding="utf-8")
        stated = re.search(r'entry-points\."(.*?)"', block(heading, "toml"))
        assert stated
        (information / "entry_points.txt").write_text(f"[{stated[1]}]\n{name} = {module}\n", encoding="utf-8")

    yield announce
    for name in names:
        sys.modules.pop(name, None)


@pytest.mark.parametrize("heading", ["Add an update law", "Add a reader", "Add a material set", "Add an exporter"])
def test_each_takes_under_forty_lines(heading: str) -> None:
    code = [line for line in block(heading).splitlines() if line.strip()]
    if heading == "Add an update law":
        code += [line for line in block(heading, "diff").splitlines() if line[:1] == "+" and line[:3] != "+++"]
    assert 5 < len(code) < LONGEST


def test_a_reader_of_another_package_is_found_by_content(
    announced: Callable[[str, str], None], tmp_path: Path
) -> None:
    announced("Add a reader", "pulselog")
    up = [f"0.9;{10 * k}" for k in range(1, 13)]
    down = [f"-0.9;{10 * k}" for k in range(11, 0, -1)]
    file = tmp_path / "log.txt"
    file.write_text("\n".join(["#PULSELOG D4", *up, *down]), encoding="utf-8")
    table = read(file)
    assert isinstance(table, PulseTable)
    assert (table.meta["format"], table.devices) == ("pulselog", ["D4"])
    assert table.frame["conductance_s"].max() == pytest.approx(120e-9 / 0.2)
    assert set(table.frame["direction"]) == {"ltp", "ltd"}
    file.write_text("#PULSELOG D4\n0.9;x\n", encoding="utf-8")
    with pytest.raises(Exception, match="line 2: expected amplitude;current"):
        read(file)


def test_an_exporter_of_another_package_is_used(
    announced: Callable[[str, str], None], tmp_path: Path, devicekit: Callable[..., Any]
) -> None:
    announced("Add an exporter", "cheader")
    card = catalog.get("pt-hfo2-al2o3-ti").card
    ran = devicekit("export", card, "--to", "cheader", "--nodes", "11", "--out", tmp_path / "out")
    assert ran.code == 0, ran.err
    (header,) = (tmp_path / "out").glob("*.h")
    text = header.read_text(encoding="utf-8")
    values = re.search(r"_ltd\[11\] = {(.*?)};", text)
    assert values
    from devicekit import load_card

    steps = [float(value.rstrip("f")) for value in values[1].split(", ")]
    np.testing.assert_allclose(steps, load_card(card).rate("ltd", np.linspace(0, 1, 11)), rtol=1e-7)
    assert "1/pulse" in (tmp_path / "out" / "README.txt").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_law_is_added_fitted_and_tested(tmp_path: Path) -> None:
    """In a copy of the packages, because the switch over laws is compiled."""
    for name in ("devicekit", "physics", "snn", "datasets", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "devicekit" / "models" / "bell.py").write_text(block("Add an update law"), encoding="utf-8")
    edit(tmp_path, block("Add an update law", "diff"))
    program = """
import numpy as np
import pandas as pd
import devicekit
from devicekit.models.registry import LAWS
from devicekit.models import kernel
from devicekit.tables import PulseTable
assert devicekit.__file__.startswith({root!r}), devicekit.__file__
theta, parts, rng = np.array([-5.0, 0.6, 0.5]), [], np.random.default_rng(1)
for cycle in range(5):
    for way in ("ltp", "ltd"):
        x = kernel.simulate(LAWS["bell"].id, theta, 0.0, 100)
        g = (x if way == "ltp" else x[-1] - x) * 1e-4 + 1e-4 + 1e-7 * rng.standard_normal(x.size)
        named = dict(device_id="d", cycle=cycle, direction=way, pulse_index=range(x.size), conductance_s=g)
        parts.append(pd.DataFrame(named))
fitted = devicekit.fit(PulseTable(pd.concat(parts, ignore_index=True)), "bell")
r = np.linspace(0.1, 0.9, 17)
true = kernel.rates(LAWS["bell"].id, theta, r * x[-1]) / x[-1]
np.testing.assert_allclose(fitted.ltp.rate(r), true, rtol=0.02)
np.testing.assert_allclose(-fitted.ltd.rate(1 - r), true, rtol=0.02)
"""
    run = [sys.executable, "-c", program.format(root=str(tmp_path))]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, env=_environment(tmp_path))
    assert done.returncode == 0, done.stderr
    tests = ["tests/unit/fitting/test_compare_joint.py", "-k", "every_law and bell", "-p", "no:cacheprovider"]
    run = [sys.executable, "-m", "pytest", "-q", *tests]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, env=_environment(tmp_path))
    assert "2 passed" in done.stdout, done.stdout


def _environment(root: Path) -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(root), "PYTHONSAFEPATH": ""}
