"""What CONTRIBUTING shows works: its files are added to a copy of the tree, and to a package of somebody else.

Nothing but the file is added in the tree, and nothing but an entry point outside it. Both are then used by programs of
their own, because the switch over the laws is compiled. To compile it once, the files in the tree and those of somebody
else, under other names, are used side by side.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from devicekit import load_card
from devicekit.exporters import ExportOptions
from devicekit.features.merit import Settings
from devicekit.system import catalog, plugins
from devicekit.tables import SweepTable

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
HEADINGS = (
    "Add an update law",
    "Add a reader",
    "Add a figure of merit",
    "Add an export target",
    "Add a material set",
)
OUTSIDE = "From a package of your own"
LONGEST = 50  # lines of code

# Before each program: the command line in the same process, which saves starting it again.
PRELUDE = '''
import contextlib, io, json, sys
from pathlib import Path
import devicekit
from devicekit.cli import build_app
from devicekit.cli.common import run_app

def cli(*arguments, code=0):
    """What a command prints: its JSON where it was asked for, its text where not; its errors if it should fail."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        got = run_app(build_app(), [str(argument) for argument in arguments])
    assert got == code, (arguments, got, err.getvalue())
    if code:
        return err.getvalue()
    return json.loads(out.getvalue()) if "--json" in arguments else out.getvalue()
'''


def section(heading: str) -> str:
    return PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]


def block(heading: str, language: str = "python") -> str:
    """The first block of that language under a heading."""
    found = re.search(rf"```{language}\n(.*?)```", section(heading), re.DOTALL)
    assert found, (heading, language)
    return found[1]


def place(heading: str) -> Path:
    """Where the section says that the file goes."""
    found = re.search(r"`((?:devicekit|physics)/\w+(?:/\w+)*\.(?:py|toml))`", section(heading))
    assert found, heading
    return Path(found[1])


@pytest.fixture(scope="module")
def additions(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, str]:
    """What each of the files holds, by its place in the tree; the material's block writes its own."""
    files = {place(heading): block(heading) for heading in HEADINGS}
    for path in files:
        if path.suffix == ".toml":
            with contextlib.chdir(tmp_path_factory.mktemp("made")):
                exec(files[path], {})
                files[path] = Path(path.name).read_text(encoding="utf-8")
    return files


@dataclass(frozen=True)
class World:
    """Where the additions are: `inside` the tree, or in a package of somebody else; `path` is what Python searches."""

    inside: bool
    path: list[Path]
    work: Path

    @property
    def environment(self) -> dict[str, str]:
        searched = os.pathsep.join(map(str, self.path))
        own = {"PYTHONPATH": searched, "NUMBA_CACHE_DIR": str(self.work / "compiled"), "OMP_NUM_THREADS": "1"}
        return {**os.environ, **own}

    def run(self, *command: str) -> str:
        """What a program prints."""
        run = [sys.executable, *command]
        done = subprocess.run(run, cwd=self.work, capture_output=True, text=True, env=self.environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def program(self, text: str) -> None:
        """Run a program that asserts, with `INSIDE` set."""
        where = f"assert Path(devicekit.__file__).is_relative_to({str(self.path[-1])!r})"
        self.run("-c", "\n".join([PRELUDE, where, f"INSIDE = {self.inside}", text]))


def tree(root: Path, additions: dict[Path, str]) -> list[Path]:
    """A copy of the packages with these files, and nothing else, added."""
    for name in ("devicekit", "physics", "snn", "datasets"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("*.nbi", "*.nbc"))
    for path, text in additions.items():
        assert (root / path).parent.is_dir()
        assert not (root / path).exists()
        (root / path).write_text(text, encoding="utf-8")
    return [root]


def package(root: Path, additions: dict[Path, str], announced: dict[str, dict[str, str]]) -> Path:
    """An installed package of somebody else, which announces files: names and modules by entry-point group."""
    folder, information = root / "my_package", root / "my_package-1.0.dist-info"
    folder.mkdir()
    information.mkdir()
    (folder / "__init__.py").write_text(additions[Path("__init__.py")], encoding="utf-8")
    for path, text in additions.items():
        (folder / path.name).write_text(text, encoding="utf-8")
    lines = [f"[{group}]\n{name} = {value}\n" for group, each in announced.items() for name, value in each.items()]
    (information / "entry_points.txt").write_text("".join(lines), encoding="utf-8")
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: my_package\nVersion: 1.0\n", encoding="utf-8")
    return root


def groups(text: str) -> dict[str, dict[str, str]]:
    """The entry points of a pyproject.toml."""
    return dict(tomllib.loads(text)["project"]["entry-points"])


@pytest.fixture(scope="module", params=["in the tree", "from outside"])
def world(
    request: pytest.FixtureRequest, additions: dict[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> World:
    """The files in one of the two places."""
    inside, root = request.param == "in the tree", tmp_path_factory.mktemp("added")
    theirs = {**additions, Path("__init__.py"): block(OUTSIDE, "text")}
    path = tree(root, additions) if inside else [package(root, theirs, groups(block(OUTSIDE, "toml"))), ROOT]
    return World(inside, path, tmp_path_factory.mktemp("work"))


OTHER_NAMES = {"bell": "hump", "cheader": "ctable", "myoxide": "theiroxide"}


@pytest.fixture(scope="module")
def both(additions: dict[Path, str], tmp_path_factory: pytest.TempPathFactory) -> World:
    """The files in the tree, and those of `OTHER_NAMES` by their other names in a package of somebody else."""

    def renamed(text: str) -> str:
        return re.sub("|".join(OTHER_NAMES), lambda found: OTHER_NAMES[found[0]], text)

    theirs = {Path(renamed(path.name)): renamed(text) for path, text in additions.items() if path.stem in OTHER_NAMES}
    theirs[Path("__init__.py")] = renamed(block(OUTSIDE, "text"))
    announced = groups(renamed(block(OUTSIDE, "toml")))
    del announced["devicekit.readers"], announced["devicekit.merits"]  # two of one kind would be in each other's way
    root = package(tmp_path_factory.mktemp("theirs"), theirs, announced)
    path = [root, *tree(tmp_path_factory.mktemp("both"), additions)]
    return World(True, path, tmp_path_factory.mktemp("work"))


@pytest.mark.parametrize("heading", HEADINGS)
def test_each_takes_under_fifty_lines(heading: str) -> None:
    code = [line for line in block(heading).splitlines() if line.strip()]
    assert 5 < len(code) < LONGEST


def test_the_page_names_every_registry() -> None:
    for registry in (plugins.LAWS, plugins.CURVES, plugins.READERS, plugins.EXPORTERS, plugins.MERITS):
        assert f"`{registry.package.replace('.', '/')}" in PAGE, registry
    for registry in (plugins.LAWS, plugins.READERS, plugins.EXPORTERS, plugins.MERITS):
        assert re.search(rf'[`"]{re.escape(registry.group)}[`"]', section(OUTSIDE)), registry.group


LAW = """
import numpy as np
import pandas as pd
from devicekit.models import kernel, law_names
from devicekit.models.registry import LAWS
from devicekit.tables import PulseTable

assert "bell" in law_names()
assert "bell" in cli("fit", "--help")
theta, parts, rng = np.array([-5.0, 0.6, 0.5]), [], np.random.default_rng(1)
for cycle in range(4):
    for direction in ("ltp", "ltd"):
        x = kernel.simulate(LAWS["bell"].id, theta, 0.0, 160)
        g = (x if direction == "ltp" else x[-1] - x) * 1e-4 + 1e-4 + 1e-7 * rng.standard_normal(x.size)
        named = dict(device_id="d", cycle=cycle, direction=direction, pulse_index=range(x.size), conductance_s=g)
        parts.append(pd.DataFrame(named))
PulseTable(pd.concat(parts, ignore_index=True)).to_csv("trains.csv")
r = np.linspace(0.1, 0.9, 17)
true = kernel.rates(LAWS["bell"].id, theta, r * x[-1]) / x[-1]
for name in ("bell", "hump"):
    fitted = devicekit.fit("trains.csv", name)
    np.testing.assert_allclose(fitted.ltp.rate(r), true, rtol=0.04)
    np.testing.assert_allclose(-fitted.ltd.rate(1 - r), true, rtol=0.04)
    assert cli("fit", "trains.csv", "--model", name, "--out", "card.json", "--json")["model"] == name
    card = devicekit.load_card("card.json")
    assert card.law.title == f"{name}-shaped rate"
    np.testing.assert_allclose(card.rate("ltp", r), fitted.ltp.rate(r))
    array = devicekit.DeviceArray(card, 3, seed=1)
    before = array.r.copy()
    array.pulse(1)
    assert (array.r > before).all()
for scores in cli("compare", "trains.csv", "--json")["branches"].values():
    assert {score["model"] for score in scores if score["rank"] <= 2} == {"bell", "hump"}, scores
"""


@pytest.mark.slow
def test_laws_of_the_tree_and_of_others_are_fitted_compared_and_drive_an_array(both: World) -> None:
    both.program(LAW)


@pytest.mark.slow
def test_a_law_in_the_tree_is_tested_like_the_others(both: World) -> None:
    tests = str(ROOT / "tests" / "unit" / "fitting" / "test_compare_joint.py")
    options = ["-q", "-k", "every_law and bell", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml")]
    assert "2 passed" in both.run("-m", "pytest", *options, tests)


READER = """
from devicekit.tables import PulseTable

up = [f"0.9;{10 * k}" for k in range(1, 13)]
down = [f"-0.9;{10 * k}" for k in range(11, 0, -1)]
Path("log.txt").write_text("\\n".join(["#PULSELOG D4", *up, *down]))
found = cli("read", "log.txt", "--json")
assert (found["format"], found["kind"], found["rows"]) == ("pulselog", "pulse", 23), found
table = devicekit.read("log.txt")
assert isinstance(table, PulseTable)
assert table.devices == ["D4"]
assert abs(table.frame["conductance_s"].max() - 120e-9 / 0.2) < 1e-15
assert set(table.frame["direction"]) == {"ltp", "ltd"}
assert "--unit" in cli("read", "log.txt", "--unit", "uS", code=2)
Path("log.txt").write_text("#PULSELOG D4\\n0.9;x\\n")
assert "line 2: expected amplitude;current" in cli("read", "log.txt", code=2)
if INSIDE:
    assert "pulselog" in cli("read", "--help")

# and what the other files add is known by its name
from devicekit.system.plugins import EXPORTERS, LAWS
from physics import material_sets

assert "bell" in LAWS.names()
assert "cheader" in EXPORTERS.names()
assert "myoxide" in material_sets()
"""


@pytest.mark.slow
def test_a_reader_is_detected_by_content_and_all_files_are_known_by_name(world: World) -> None:
    world.program(READER)


MERIT = """
import math
import numpy as np
import pandas as pd

up = np.linspace(0, 1, 50)
parts = []
for cycle in range(1, 5):
    voltage = np.concatenate([up, up[::-1]])
    current = np.concatenate([1e-5 * up, 2e-5 * up[::-1]])
    parts.append(pd.DataFrame({"device_id": "d", "cycle": cycle, "voltage_v": voltage, "current_a": current}))
pd.concat(parts).to_csv("loops.csv", index=False)
found = cli("characterize", "loops.csv", "--out", "found", "--json")["files"][0]["looparea"]
area = np.trapezoid(1e-5 * up, up) - np.trapezoid(2e-5 * up, up)
assert math.isclose(found["loop_area_w"], area, rel_tol=1e-9)
assert [each["cycle"] for each in found["loops"]] == [1, 2, 3, 4]
(table,) = Path("found").rglob("loop_areas.csv")
np.testing.assert_allclose(pd.read_csv(table)["area_w"], area)
page = next(Path("found").rglob("report.html")).read_text()
for words in ("Area of each loop", "Area of the loops over cycles", "Median loop area of 4 sweeps"):
    assert words in page, words
assert any(each.name == "loop_area_w" for each in devicekit.characterize("loops.csv").scalars())
"""


OPTION = """
import tomllib

Path("log.txt").write_text("\\n".join(["#PULSELOG D4", *(f"0.9;{10 * k}" for k in range(1, 13))]))
Path("table.csv").write_text("pulse,conductance_s\\n" + "\\n".join(f"{k},{(k + 1) * 1e-6}" for k in range(12)))
assert "--averaged" in cli("read", "--help") and "Readings to average after each pulse." in cli("read", "--help")
assert cli("read", "log.txt", "--averaged", "3", "--json")["rows"] == 4
assert len(devicekit.read("log.txt", averaged=3).frame) == 4
cli("read", "log.txt", "--averaged", "2", "--out", "t.csv", "--save-recipe", "make.toml")
assert tomllib.loads(Path("make.toml").read_text())["read"]["averaged"] == 2
assert cli("read", "log.txt", "--recipe", "make.toml", "--json")["rows"] == 6
assert "averaged" in cli("read", "log.txt", "--averaged", "0", code=2)
assert "--averaged" in cli("read", "table.csv", "--averaged", "2", code=2)
from devicekit.app.forms import build_reading_fields
from devicekit.system.options import ReadOptions
assert any("Readings per pulse" in str(each) for each in build_reading_fields(ReadOptions(averaged=2), [], []))
"""


@pytest.mark.slow
def test_an_option_is_declared_in_one_place(additions: dict[Path, str], tmp_path: Path) -> None:
    """One field, and a reader that uses it: everything else follows."""
    reader = place("Add a reader")
    averaging = """    groups = np.arange(len(frame)) // (options.averaged or 1)
    frame = frame.groupby(groups).first().assign(read_current_a=frame.groupby(groups)["read_current_a"].mean())
    return build"""
    text = additions[reader].replace('{"absolute"}', '{"absolute", "averaged"}').replace("    return build", averaging)
    path = tree(tmp_path / "tree", {reader: text.replace("import pandas", "import numpy as np\nimport pandas", 1)})
    options = path[0] / "devicekit" / "system" / "options.py"
    before = options.read_text(encoding="utf-8")
    assert before.count("\n    def __post_init__") == 1
    declared = "\n" + block("Add an option", "text") + "\n    def __post_init__"
    options.write_text(before.replace("\n    def __post_init__", declared), encoding="utf-8")
    work = tmp_path / "work"
    work.mkdir()
    World(True, path, work).program(OPTION)


@pytest.mark.slow
def test_a_figure_of_merit_is_computed_written_and_shown(world: World) -> None:
    world.program(MERIT)


def test_the_figure_of_merit_of_the_page_integrates_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself, in this process."""
    module = ModuleType("looparea")
    monkeypatch.setitem(sys.modules, "looparea", module)  # where dataclasses look for names
    exec(block("Add a figure of merit"), vars(module))
    voltage = [0.0, 1.0, 1.0, 0.0]
    frame = pd.DataFrame({"device_id": "d", "cycle": 1, "point": range(4), "voltage_v": voltage})
    table = SweepTable(frame.assign(current_a=[0.0, 1e-5, 2e-5, 0.0]))
    found = module.find(table, Settings(), {})
    assert found.as_dict()["loops"] == [{"device_id": "d", "cycle": 1, "area_w": pytest.approx(-5e-6)}]
    assert list(found.tables()["loop_areas"]) == ["device_id", "cycle", "area_w"]
    assert [each.text for each in found.scalars()] == ["-5 µW"]
    assert found.panel().csv()


EXPORTER = """
import re
import numpy as np
from devicekit import catalog

card = catalog.get("pt-hfo2-al2o3-ti").card
for name in ("cheader", "ctable"):
    cli("export", card, "--to", name, "--nodes", "11", "--out", name)
    (header,) = Path(name).glob("*.h")
    values = re.search(r"_ltd\\[11\\] = {(.*?)};", header.read_text())
    steps = [float(value.rstrip("f")) for value in values[1].split(", ")]
    np.testing.assert_allclose(steps, devicekit.load_card(card).rate("ltd", np.linspace(0, 1, 11)), rtol=1e-7)
    assert "1/pulse" in Path(name, "README.txt").read_text()
    assert "--points does not apply" in cli("export", card, "--to", name, "--points", "200", "--out", "no", code=2)
assert "cheader" in cli("export", "--help")
"""


@pytest.mark.slow
def test_an_exporter_writes_what_it_says(both: World) -> None:
    both.program(EXPORTER)


def test_the_exporter_of_the_page_writes_the_steps_of_a_card() -> None:
    """By itself, in this process: the same numbers."""
    module = ModuleType("cheader")
    exec(block("Add an export target"), vars(module))
    assert place("Add an export target").stem == module.NAME
    card = load_card(catalog.get("pt-hfo2-al2o3-ti").card)
    made = module.export(card, ExportOptions(nodes=11))
    (header,) = made.files.values()
    values = re.search(r"_ltd\[11\] = {(.*?)};", header.decode())
    assert values
    steps = [float(value.rstrip("f")) for value in values[1].split(", ")]
    np.testing.assert_allclose(steps, card.rate("ltd", np.linspace(0, 1, 11)), rtol=1e-7)
    assert [unit for _, unit, _ in made.units] == ["1/pulse"]


MATERIAL = """
from physics.stack import load_material, load_stack

usual = cli("simulate", "iv", "--mesh", "coarse", "--solver", "banded", "--json")["v_set_v"]
for name in ("myoxide", "theiroxide"):
    stack = load_material(name)
    assert (stack.title, stack.get("reaction.energy")) == ("My oxide", 1.50)
    assert stack.sources["reaction.energy"] == "chosen"
    Path("thin.toml").write_text(f'material = "{name}"')
    assert load_stack("thin.toml").title == "My oxide"
    found = cli("simulate", "iv", "--material", name, "--mesh", "coarse", "--solver", "banded", "--json")
    assert found["material"] == name
    assert found["v_set_v"] > usual
assert "myoxide" in cli("simulate", "iv", "--help")
"""


@pytest.mark.slow
def test_a_material_set_is_simulated(both: World) -> None:
    both.program(MATERIAL)
