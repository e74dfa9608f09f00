"""The package as installed: what the wheel holds, what importing costs, which way imports point."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("lmfit", "fipy", "numba", "sklearn", "matplotlib", "scipy", "pandas", "torch")


def loaded_by(arguments: list[str]) -> set[str]:
    """Top-level modules that a run of the command line loads."""
    code = (
        "import sys\n"
        "from devicekit.cli import build_app\n"
        "from devicekit.cli.common import run_app\n"
        f"run_app(build_app(), {arguments!r})\n"
        "print('\\n'.join(sorted({name.split('.')[0] for name in sys.modules})), file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(ran.stderr.split())


@pytest.mark.parametrize("command", [[], ["fit"], ["run"], ["train"], ["export"]])
def test_help_loads_nothing_heavy(command: list[str]) -> None:
    assert loaded_by([*command, "--help"]).isdisjoint(HEAVY)


def imports_at_module_level(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize(
    ("package", "forbidden"), [("devicekit", {"physics", "snn"}), ("physics", {"snn"}), ("snn", {"physics"})]
)
def test_imports_point_one_way(package: str, forbidden: set[str]) -> None:
    for path in (ROOT / package).rglob("*.py"):
        assert imports_at_module_level(path).isdisjoint(forbidden), path


def test_no_source_in_datasets() -> None:
    assert not list((ROOT / "datasets").rglob("*.py"))


@pytest.mark.slow
def test_the_wheel_holds_code_data_and_types(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(tmp_path),
        str(ROOT),
    ]
    subprocess.run(command, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if "dist-info" not in top} == {"devicekit", "physics", "snn"}
    for package in ("devicekit", "physics", "snn"):
        assert f"{package}/py.typed" in names
    for data in sorted((ROOT / "datasets").rglob("*")):
        if data.is_file():
            assert f"devicekit/_data/{data.relative_to(ROOT / 'datasets').as_posix()}" in names
    assert "devicekit/report/templates/report.html.j2" in names
    assert any(name.startswith("physics/materials/") for name in names)
    assert any("licenses/LICENSE" in name for name in names)
