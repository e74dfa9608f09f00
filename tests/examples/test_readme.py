"""README's own examples run as they stand."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from devicekit import catalog
from devicekit.synth import generate, truth_card

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
THETA = {"ltp": (-4.2, 0.9, 1.2, -4.0, 1.0, 0.8), "ltd": (-4.1, 0.92, 1.3, 4.0, -2.0, 0.5)}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.fixture
def ramps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder ramps/ like the one that README names, in the current directory."""
    table = generate(truth_card(THETA, increment=0.002, read=0.003), 1, 6, 80, 3, conditioning=1)
    folder = tmp_path / "ramps"
    folder.mkdir()
    for way, name in (("ltp", "set.csv"), ("ltd", "reset.csv")):
        ramps = {f"rmp{cycle}": 0.1 * values for _, cycle, _, values in table.traces(way)}
        pd.DataFrame(ramps).to_csv(folder / name, index=False)
    train = np.concatenate(
        [values for way in ("ltp", "ltd") for _, _, _, values in list(table.traces(way))[:1]]
    )
    pd.DataFrame({"G": 1e6 * train}).to_csv(tmp_path / "mine.csv", index=False)
    shutil.copy(catalog.get("reference-stdp").data, tmp_path / "sweeps.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_first_block_is_the_two_commands() -> None:
    assert blocks("sh")[0].split("\n")[:2] == [
        "python -m pip install . && devicekit run",
        'python -m pip install -e ".[test]" && python -m pytest',
    ]


def test_the_python_example(ramps: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    (example,) = blocks("python")
    exec(example, {})
    assert (ramps / "card.json").is_file()
    import matplotlib.pyplot as plt

    plt.close("all")


def test_the_commands(ramps: Path, devicekit: Callable[..., Any]) -> None:
    lines = [line.split("#")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    commands = [shlex.split(line)[1:] for line in lines if line.startswith("devicekit ")]
    assert len(commands) >= 5
    for command in commands:
        if command[0] == "train":
            command[command.index("--epochs") + 1] = "1"
        extra = ["--epochs", "1"] if command[0] == "run" and len(command) > 1 else []
        if command == ["run"] or command[0] in ("simulate", "study"):
            continue  # minutes; tested elsewhere
        ran = devicekit(*command, *extra)
        assert ran.code == 0, (command, ran.err)
    assert (ramps / "my-device" / "report.html").is_file()


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("http"):
            assert (Path(__file__).parents[2] / target).exists(), target


def test_every_warning_is_documented() -> None:
    from devicekit.errors import FLAG_CODES

    page = (Path(__file__).parents[2] / "docs" / "warnings.md").read_text(encoding="utf-8")
    assert {code for code in FLAG_CODES if f"| `{code}` |" in page} == set(FLAG_CODES)
