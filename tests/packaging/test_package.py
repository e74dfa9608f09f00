"""The package as installed: what the wheel holds, what importing costs, which way imports point."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = ("lmfit", "fipy", "numba", "sklearn", "matplotlib", "scipy", "pandas", "torch")
# What the wheel may hold besides data: code, types, pages, recipes, parameter sets, licences of libraries in a page.
CODE = {".py", ".typed", ".j2", ".js", ".css", ".toml", ".json", ".md", ".LICENSE", ""}


# What a command must not load: half a second to a second each. lmfit is for who asks for its result, scikit-learn for
# baselines and telegraph noise, scipy.stats for some fits of distributions.
SPARED = ("lmfit", "sklearn", "scipy.stats", "fipy", "torch")


def modules_of(arguments: list[str]) -> set[str]:
    """All modules that a command has loaded when it is done."""
    code = (
        "import sys\n"
        f"sys.argv = ['devicekit', *{arguments!r}]\n"
        "from devicekit.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(ran.stderr.split())


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


@pytest.mark.slow
def test_commands_load_only_what_they_use(tmp_path: Path) -> None:
    table = tmp_path / "pulses.csv"
    rows = [f"{d},{n},{1e-4 * (n if d == 'ltp' else 20 - n) / 20 + 1e-5:g}" for d in ("ltp", "ltd") for n in range(21)]
    table.write_text("direction,pulse_index,conductance_s\n" + "\n".join(rows))
    sweeps = str(ROOT / "datasets" / "reference-dc" / "sweeps.csv.gz")
    endurance = str(ROOT / "datasets" / "reference-endurance" / "endurance.csv.gz")
    drawn = {"matplotlib.figure"}
    assert modules_of(["read", str(table)]).isdisjoint({*SPARED, *drawn, "numba"})
    assert modules_of(["fit", str(table), "--out", str(tmp_path / "card.json")]).isdisjoint({*SPARED, *drawn})
    words = ["train", str(tmp_path / "card.json"), "--epochs", "1", "--no-beside", "--set", "hidden=10"]
    assert modules_of(words).isdisjoint({*SPARED, *drawn})
    spared = {"lmfit", "sklearn", "scipy.signal"}  # conduction of sweeps is compiled
    assert modules_of(["characterize", sweeps, "--out", str(tmp_path / "dc")]).isdisjoint(spared)
    assert modules_of(["characterize", endurance, "--out", str(tmp_path / "wear")]).isdisjoint({*spared, "numba"})


def test_imports_point_one_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The layers of pyproject.toml, imports inside functions and for types included; nothing is ignored."""
    importlinter = pytest.importorskip("importlinter.cli", reason="import-linter comes with the dev extra")
    monkeypatch.setattr(importlinter.logging_config, "dictConfig", lambda config: None)  # it disables all loggers
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    assert not contracts["exclude_type_checking_imports"]
    assert not any("ignore_imports" in contract for contract in contracts["contracts"])
    (layers,) = [contract["layers"] for contract in contracts["contracts"] if contract["type"] == "layers"]
    named = {name for layer in layers for name in layer.split(" | ")}
    rooms = {path.stem for path in (ROOT / "devicekit").iterdir() if path.stem not in ("__init__", "__pycache__", "py")}
    assert named == {f"devicekit.{room}" for room in rooms} | {"physics", "snn"}
    assert importlinter.lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0


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
    held = zipfile.ZipFile(wheel).infolist()
    data = sum(each.compress_size for each in held if "/_data/" in each.filename)
    assert data < 3.6e6
    ours = [each for each in held if "/_data/" not in each.filename and ".dist-info/" not in each.filename]
    assert {Path(each.filename).suffix for each in ours} <= CODE
    assert max(each.compress_size for each in ours) < 25_000  # the largest is a library of curves in a page, 22 kB
    sources = (path for package in ("devicekit", "physics", "snn") for path in (ROOT / package).rglob("*"))
    assert {each.filename for each in ours} == {
        path.relative_to(ROOT).as_posix() for path in sources if path.is_file() and "__pycache__" not in path.parts
    }
    names = {each.filename for each in held}
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if "dist-info" not in top} == {"devicekit", "physics", "snn"}
    for package in ("devicekit", "physics", "snn"):
        assert f"{package}/py.typed" in names
    for data in sorted((ROOT / "datasets").rglob("*")):
        if data.is_file():
            assert f"devicekit/_data/{data.relative_to(ROOT / 'datasets').as_posix()}" in names
    for file in ("templates/report.html.j2", "templates/body.html.j2", "static/report.css", "static/uPlot.iife.min.js"):
        assert f"devicekit/report/{file}" in names
    for file in ("templates/frame.html.j2", "static/htmx.min.js", "static/app.css"):
        assert f"devicekit/app/{file}" in names
    for file in ("templates/pytorch.py.j2", "templates/brian2.py.j2"):
        assert f"devicekit/exporters/{file}" in names
    assert any(name.startswith("physics/materials/") for name in names)
    assert any("licenses/LICENSE" in name for name in names)
