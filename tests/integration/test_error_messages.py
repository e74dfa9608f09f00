"""The wording of usual mistakes, as a user sees them on the command line: one file, reviewed by eye."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devicekit.system import catalog

Run = Callable[..., Any]

FILES = {
    "trains.csv": "pulse,direction,current (A)\n" + "".join(f"{n},LTP,{n}e-6\n" for n in range(1, 20)),
    "text.csv": "pulse,conductance_s\n1,1e-6\n2,abc\n3,3e-6\n",
    "empty.csv": "",
    "notes.txt": "Measured on Tuesday.\nThe device was tired.\n",
    "sweep.csv": "V,I\n" + "".join(f"{n / 10},{n}e-6\n" for n in range(-10, 11)),
    "card.json": "{}",
    "broken.json": "{",
    "study.toml": 'task = "train"\nname = "s"\n',
}
MISTAKES = (
    "fit absent.csv",
    "fit empty.csv",
    "fit notes.txt",
    "fit trains.csv",
    "fit text.csv",
    "fit trains.csv --unit parsec",
    "fit trains.csv --quantity charge",
    "fit sweep.csv --kind sweep",
    "fit trains.csv --map pulse",
    "fit trains.csv --pulses many",
    "read trains.csv --plot trains.doc",
    "read trains.csv --out trains.csv",
    "train card.json",
    "train broken.json",
    "train good.json --set colour=red",
    "train --card good.json --data absent.npz",
    "train good.json --epochs 0",
    "export good.json --to hspice --out e",
    "export good.json --to spice --unit uS --out e",
    "benchmark good.json --set seeds=3",
    "simulate iv --material unobtainium",
    "simulate iv --seed 3",
    "study study.toml --out s",
    "study absent --out s",
    "library list --library nowhere",
    "library add trains.csv text.csv --name two --library new",
    "datasets unknown",
    "characterize notes.txt",
    "fly",
)


def test_the_wording_of_usual_mistakes(
    devicekit: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file_regression: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        Path(name).write_text(text)
    Path("good.json").write_bytes((catalog.get(catalog.EXAMPLE).folder / "card.json").read_bytes())
    found = []
    for mistake in MISTAKES:
        ran = devicekit(*mistake.split())
        assert ran.code == 2, (mistake, ran)
        assert "Traceback" not in ran.err
        found.append(f"$ devicekit {mistake}\n{ran.err.strip()}\n")
    file_regression.check("\n".join(found).replace(str(tmp_path), "."), extension=".txt")
