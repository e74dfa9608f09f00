"""`devicekit doctor`, and another package under the name of one of ours."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def test_versions_folders_and_programs_are_named(devicekit: Run) -> None:
    ran = devicekit("doctor", "--json")
    assert ran.code == 0
    assert ran.json["requirements"]["numpy"]["installed"] == version("numpy")
    assert ran.json["requirements"]["numpy"]["wanted"].startswith(">=")
    assert not {"pytest", "ruff", "sphinx"} & set(ran.json["requirements"])
    assert ran.json["foreign_packages"] == {}
    assert set(ran.json["programs"]) == {"ngspice", "openvaf-r", "octave-cli"}
    shown = devicekit("doctor").out
    assert version("numpy") in shown
    assert ran.json["compiled_code"]["path"] in shown


@pytest.mark.parametrize("name", ["physics", "snn"])
def test_a_stranger_under_our_name_is_refused_by_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from devicekit.cli import main; main()", *arguments],
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    ran = run("read", "x.csv")
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
    assert str(tmp_path / name) in ran.stderr
    asked = run("doctor")
    assert asked.returncode == 2
    assert f"the package {name} is not devicekit's" in asked.stderr
    assert "packages" in asked.stdout
