"""Every fenced sh and python block of README and of the written pages runs as it stands, in the order of its page.

Each page gets an empty folder with the files that a reader is taken to own (`OWNED`), SYNTHETIC or shipped; README,
which makes its files itself, gets none. Commands
that would take minutes run with fewer epochs, pulses or cells (`REDUCED`); `<!-- slow -->` at the top of a page moves
it to the slow tests, and `<!-- torch -->` skips it without torch and snnTorch. Blocks that are not meant to run are
marked text, console, toml, json, ...
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from devicekit.readers import read
from devicekit.studies.spec import StudySpec, load_spec
from devicekit.synthetic import ageing, records
from devicekit.synthetic.amplitudes import amplitude_truth, generate_programmes
from devicekit.synthetic.pulses import generate, truth_card
from devicekit.system import catalog
from devicekit.tables import PulseTable

ROOT = Path(__file__).parents[2]
BUILT = {"_build", "auto_gallery", "auto_paper", "api"}
GENERATED = {"glossary.md", "cli.md", "targets.md"}
THETA = {"ltp": (-4.2, 0.9, 1.2, -4.0, 1.0, 0.8), "ltd": (-4.1, 0.92, 1.3, 4.0, -2.0, 0.5)}

# First words of lines that set up a machine or run what other tests run; modules after `python -m` likewise.
LEFT_ALONE = {"pip", "git", "ruff", "mypy", "lint-imports", "cd", ".", "source", ".ci/run"}
LEFT_ALONE_MODULES = {"pip", "venv", "pytest", "sphinx", "build", "http.server"}
# What makes minutes seconds; the rest of a line stays as it stands.
REDUCED: dict[tuple[str, ...], dict[str, str]] = {
    ("run",): {"--epochs": "1"},
    ("train",): {"--epochs": "2"},
    ("benchmark",): {"--seeds": "1"},
    ("array",): {"--seeds": "1", "--epochs": "1", "--hidden": "100"},
    ("simulate", "iv"): {"--solver": "banded", "--mesh": "coarse"},
    ("simulate", "pulses"): {"--mesh": "coarse", "--count": "8"},
    ("simulate", "kinetics"): {"--mesh": "coarse"},
    ("study", "nonidealities"): {"--jobs": "1"},  # takes seconds
    ("study", "material_to_benchmark"): {"--set pairs": "3", "--jobs": "1"},
    ("study",): {"--set epochs": "2", "--set hidden": "100", "--jobs": "1"},
}
SLOW = {  # pages that take more than two seconds
    "CONTRIBUTING.md",
    "README.md",
    "ageing.md",
    "arc-one.md",
    "arrhenius.md",
    "bakes.md",
    "benchmark.md",
    "conduction.md",
    "coverage.md",
    "cycle-correlations.md",
    "exports.md",
    "identifiability.md",
    "index.md",
    "keithley.md",
    "keysight-b1500a.md",
    "library.md",
    "physics.md",
    "programming.md",
    "quickstart.md",
    "set-voltage.md",
    "several-amplitudes.md",
    "spreadsheets-and-csv.md",
    "study-on-a-cluster.md",
    "typed-noise.md",
    "wear.md",
}
MUST_BE_RUN = {"bash": "sh", "shell": "sh", "py": "python", "python3": "python"}


def pages() -> list[Path]:
    """README and every other page that somebody wrote."""
    top = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    below = [
        path
        for path in sorted((ROOT / "docs").rglob("*.md"))
        if not BUILT & set(path.relative_to(ROOT).parts) and path.name not in GENERATED
    ]
    return [path for path in [*top, *below] if path.exists()]


@dataclass(frozen=True)
class Block:
    """One fenced block: language, text, and the line of the page on which the text starts."""

    language: str
    text: str
    line: int


FENCE = re.compile(r"^(?P<in> *)```(?P<lang>[\w-]*)[^\n`]*\n(?P<text>.*?)^(?P=in)```", re.DOTALL | re.MULTILINE)


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page, those inside lists included."""
    found = []
    for match in FENCE.finditer(text):
        body = re.sub(f"^{match['in']}", "", match["text"], flags=re.MULTILINE)
        found.append(Block(match["lang"], body, text.count("\n", 0, match.start("text")) + 1))
    return found


def commands(block: Block) -> Iterator[list[str]]:
    """The commands of a shell block as lists of words: `&&` separates them, a backslash continues a line."""
    for line in block.text.replace("\\\n", " ").splitlines():
        words: list[str] = []
        for word in shlex.split(line, comments=True):
            if word == "&&":
                yield words
                words = []
            else:
                words.append(word)
        if words:
            yield words


SERVING = {"app"}  # commands that answer until somebody ends them; tests/integration/test_app.py runs them


def left_alone(words: list[str]) -> bool:
    """Whether no test here runs this command; a script that it names must exist all the same."""
    if words[0].startswith("python"):
        return words[2] in LEFT_ALONE_MODULES if words[1] == "-m" else (ROOT / words[1]).is_file()
    return words[0] in LEFT_ALONE


def reduced(words: list[str]) -> list[str]:
    """The words after `devicekit`, with the options that make the command short."""
    words = list(words)
    if words[0] in SERVING:
        return [*words, "--help"]
    fitting = [name for name in REDUCED if tuple(words[: len(name)]) == name]
    for name in sorted(fitting, key=len)[-1:]:
        options = REDUCED[name]
        if "--help" not in words:
            for option, value in options.items():
                option, _, key = option.partition(" ")
                if option in words and not key:
                    words[words.index(option) + 1] = value
                else:
                    words += [option, f"{key}={value}" if key else value]
    return words


def run_page(page: Path, devicekit: Callable[..., Any]) -> None:
    """Run a page's blocks in the current folder, python blocks in one namespace."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(page.read_text(encoding="utf-8")):
        where = f"{page.relative_to(ROOT)}:{block.line}"
        assert block.language not in MUST_BE_RUN, f"{where}: write {MUST_BE_RUN[block.language]}, which is run"
        if block.language == "python":
            # empty lines in front, so that a traceback names the line of the page
            exec(compile("\n" * (block.line - 1) + block.text, str(page), "exec"), namespace)
        elif block.language == "sh":
            for words in commands(block):
                _run(words, f"{where}: {shlex.join(words)}", devicekit)


def _run(words: list[str], where: str, devicekit: Callable[..., Any]) -> None:
    if words[0] == "mkdir":
        Path(words[-1]).mkdir(parents=True, exist_ok=True)
    elif not left_alone(words):
        assert words[0] == "devicekit", f"{where}: sh blocks hold devicekit commands; mark others as text"
        end = words.index(">") if ">" in words else len(words)
        ran = devicekit(*reduced(words[1:end]))
        assert ran.code == 0, f"{where}\n{ran.err}"
        if end < len(words):
            Path(words[end + 1]).write_text(ran.out, encoding="utf-8")


# ---- the files that a reader owns ----


def _table() -> PulseTable:
    return generate(truth_card(THETA, increment=0.002, read=0.003), 1, 6, 80, 3, conditioning=1)


def _ramps(path: Path) -> None:
    """A CrossSim folder: currents at 0.1 V, one column a ramp."""
    path.mkdir()
    for direction, name in (("ltp", "set.csv"), ("ltd", "reset.csv")):
        columns = {f"rmp{cycle}": 0.1 * values for _, cycle, _, values in _table().traces(direction)}
        pd.DataFrame(columns).to_csv(path / name, index=False)


def _mine(path: Path) -> None:
    """LTP then LTD of one cycle in uS, under a heading of the reader's own."""
    first = [next(iter(_table().traces(direction)))[3] for direction in ("ltp", "ltd")]
    pd.DataFrame({"G": 1e6 * np.concatenate(first)}).to_csv(path, index=False)


def _sweep(path: Path) -> None:
    """One set ramp of a device like that of the default material set."""
    from physics.iv import simulate_iv
    from physics.stack import load_stack

    simulate_iv(load_stack().replace({"layer.Al2O3.hopping_barrier": 1.44}), mesh="coarse").sweep.to_csv(path)


def _programmes(path: Path, amplitudes: tuple[float, ...], widths: tuple[float, ...]) -> None:
    """Trains of a device that follows a law of amplitude and width, cycles counted on."""
    card, frames = amplitude_truth("exponential"), []
    for number, width in enumerate(widths):
        table = generate_programmes(card, [np.full(50, each) for each in amplitudes], 3, number, width_s=width)
        frames.append(table.frame.assign(cycle=table.frame["cycle"] + 100 * number))
    pd.concat(frames).to_csv(path, index=False)


OWNED: dict[str, Callable[[Path], None]] = {
    "ramps": _ramps,
    "mine.csv": _mine,
    "sweeps.csv": lambda path: records.sweeps(5).to_csv(path),
    "endurance.csv": lambda path: records.endurance().to_csv(path),
    "retention.csv": lambda path: records.retention().to_csv(path),
    "cells.csv": lambda path: read(catalog.get("1t1r-bakes").data).to_csv(path),
    "bake.csv": lambda path: ageing.bake().to_csv(path),
    "stdp.csv": lambda path: records.stdp().to_csv(path),
    "sweep.csv": _sweep,
    "amplitudes.csv": lambda path: _programmes(path, (0.8, 0.95, 1.1), (50e-6,)),
    "both.csv": lambda path: _programmes(path, (0.8, 0.95, 1.1), (25e-6, 50e-6, 100e-6)),
    "widths.csv": lambda path: _programmes(path, (0.95,), (25e-6, 50e-6, 100e-6)),
}


def _two_seeds(*given: Any) -> StudySpec:
    """Return a study with the first two of its seeds, which make minutes seconds."""
    spec = load_spec(*given)
    return spec.model_copy(update={"seeds": spec.seeds[:2]})


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty current folder; figures are drawn without a display and closed."""
    import matplotlib
    import matplotlib.pyplot as plt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("devicekit.studies.runner.load_spec", _two_seeds)
    matplotlib.use("Agg")
    yield tmp_path
    plt.close("all")


# ---- the tests ----


def _parameter(page: Path) -> Any:
    head = page.read_text(encoding="utf-8")[:200]
    marks = [pytest.mark.slow] if page.name in SLOW or "<!-- slow -->" in head else []
    if "<!-- torch -->" in head and not (find_spec("torch") and find_spec("snntorch")):
        marks.append(pytest.mark.skip(reason="torch is not installed: networks on devices are NOT run here"))  # type: ignore[arg-type]
    return pytest.param(page, id=str(page.relative_to(ROOT)), marks=marks)


RUNNABLE = [page for page in pages() if re.search(r"^ *```(sh|python)$", page.read_text(encoding="utf-8"), re.M)]


@pytest.mark.parametrize("page", [_parameter(page) for page in RUNNABLE])
def test_every_block_runs(page: Path, workspace: Path, devicekit: Callable[..., Any]) -> None:
    text = page.read_text(encoding="utf-8")
    for name, make in OWNED.items():
        if page != ROOT / "README.md" and re.search(rf"\b{re.escape(name)}\b", text):
            make(workspace / name)
    run_page(page, devicekit)


def test_the_pages_are_found() -> None:
    names = {page.name for page in RUNNABLE}
    assert {"README.md", "physics.md"} <= names


def test_blocks_are_found_with_their_lines() -> None:
    text = "a\n```sh\nx\n```\n- b\n  ```python\n  y = 1\n  ```\n```text\nz\n```\n"
    assert blocks(text) == [Block("sh", "x\n", 3), Block("python", "y = 1\n", 7), Block("text", "z\n", 10)]


def test_shell_lines_become_commands() -> None:
    block = Block("sh", "pip install x && devicekit run  # all\n\ndevicekit fit a \\\n  --out 'b c'\n", 1)
    assert list(commands(block)) == [
        ["pip", "install", "x"], ["devicekit", "run"], ["devicekit", "fit", "a", "--out", "b c"]
    ]  # fmt: skip


def test_reduction_overrides_what_is_given() -> None:
    assert reduced(["train", "x", "--epochs", "15"]) == ["train", "x", "--epochs", "2"]
    assert reduced(["study", "s", "--jobs", "8"]) == [
        "study", "s", "--jobs", "1", "--set", "epochs=2", "--set", "hidden=100"
    ]  # fmt: skip
    assert reduced(["fit", "x"]) == ["fit", "x"]


def test_a_failing_block_fails_its_page(workspace: Path, devicekit: Callable[..., Any]) -> None:
    page = ROOT / "docs" / "not-there.md"
    for text, message in (
        ("```sh\ndevicekit fit absent.csv\n```\n", "absent.csv"),
        ("```sh\nls\n```\n", "mark others as text"),
        ("```bash\nls\n```\n", "write sh"),
        ("```python\nassert False, 'stop'\n```\n", "stop"),
    ):
        with pytest.raises(AssertionError, match=message):
            run_page(_Fake(page, text), devicekit)  # type: ignore[arg-type]


@dataclass(frozen=True)
class _Fake:
    """A page that is not on disk."""

    path: Path
    text: str

    def read_text(self, encoding: str) -> str:
        return self.text

    def relative_to(self, root: Path) -> Path:
        return self.path.relative_to(root)

    def __fspath__(self) -> str:
        return str(self.path)
