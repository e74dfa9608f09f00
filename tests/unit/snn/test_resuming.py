"""Interrupted and started again, a benchmark and an array go on from what is done, and give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import snn.array.measure
import snn.benchmark.run
from devicekit.system import catalog
from devicekit.system.kept import Kept, kept_beside
from snn.data.dataset import Dataset

CARD = catalog.get("pt-hfo2-al2o3-ti").folder / "card.json"
BENCHMARK = ("--seeds", "2", "--no-attribution", "--no-wide", "--no-policy")
ARRAY = ("--seeds", "2", "--epochs", "1", "--hidden", "16", "--wire-ohm", "1")
COMMANDS = {"benchmark": BENCHMARK, "array": ARRAY}
WORK = {"benchmark": (snn.benchmark.run, "accuracy"), "array": (snn.array.measure, "_accuracy")}
pytestmark = pytest.mark.usefixtures("without_pictures")


class Counted:
    """A function that is counted, and interrupted at a call."""

    def __init__(self, function: Callable[..., Any], at: int | None) -> None:
        self.function, self.at, self.calls = function, at, 0

    def __call__(self, *arguments: Any) -> Any:
        if self.calls == self.at:
            raise KeyboardInterrupt
        self.calls += 1
        return self.function(*arguments)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few, small images in place of the task's."""
    import numpy as np

    rng = np.random.default_rng(0)
    y = np.arange(40) % 10
    x = np.clip(0.6 * np.eye(10)[y].repeat(2, axis=1) + 0.4 * rng.random((40, 20)), 0, 1)
    data = Dataset("small", "first half, second half", x[:20], y[:20], x[20:], y[20:])
    monkeypatch.setattr("snn.benchmark.task.few_shot", lambda *_: data)
    monkeypatch.setattr("snn.data.load.load", lambda *_: data)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("command", ["benchmark", pytest.param("array", marks=pytest.mark.slow)])
def test_an_interrupted_command_continues(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, devicekit: Callable[..., Any]
) -> None:
    module, name = WORK[command]
    real = getattr(module, name)

    def run(out: str, at: int | None = None, *more: str) -> tuple[Any, int]:
        counted = Counted(real, at)
        monkeypatch.setattr(module, name, counted)
        return devicekit(command, CARD, *COMMANDS[command], "--out", tmp_path / out, *more), counted.calls

    whole, all_calls = run("whole")
    assert whole.code == 0, whole.err
    expected = (tmp_path / "whole" / f"{command}.json").read_bytes()
    ran, calls = run("out", 5)
    assert (ran.code, calls) == (130, 5)
    assert not (tmp_path / "out").exists()
    kept = tmp_path / ".out.devicekit-kept"
    assert len(list(kept.iterdir())) == 5
    damaged = min(kept.iterdir())
    damaged.write_text(damaged.read_text().replace("value", "valve"))
    ran, calls = run("out")
    assert ran.code == 0, ran.err
    assert calls == all_calls - 4
    assert f"continuing from 4 {'trainings' if command == 'benchmark' else 'tests'}" in ran.err
    assert ran.err.count("continuing") == 1
    assert (tmp_path / "out" / f"{command}.json").read_bytes() == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "whole"]


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_changed_inputs_are_computed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, devicekit: Callable[..., Any]
) -> None:
    real = snn.benchmark.run.accuracy
    for k, more in enumerate((["--set", "stuck=0.1"], ["--seed", "7"], ["card"], ["version"])):
        out = tmp_path / f"out{k}"
        monkeypatch.setattr(snn.benchmark.run, "accuracy", Counted(real, 2))
        assert devicekit("benchmark", CARD, *BENCHMARK, "--out", out).code == 130
        monkeypatch.setattr(snn.benchmark.run, "accuracy", Counted(real, None))
        card = CARD
        if more == ["card"]:
            raw = json.loads(CARD.read_text())
            raw["variation"]["ltp"]["c2c"]["increment"]["value"] *= 1.5
            raw["variation"]["ltp"]["c2c"]["increment"]["interval"] = None
            card, more = tmp_path / "card.json", []
            card.write_text(json.dumps(raw))
        if more == ["version"]:
            more = []
            monkeypatch.setattr("devicekit.system.kept.__version__", "0.0.0")
        ran = devicekit("benchmark", card, *BENCHMARK, *more, "--out", out)
        assert ran.code == 0, ran.err
        assert "continuing" not in ran.err
        assert not (tmp_path / f".out{k}.devicekit-kept").exists()


def test_nothing_but_parts_is_removed(tmp_path: Path) -> None:
    kept = Kept(tmp_path / ".out.devicekit-kept")
    kept.put(kept.key("a"), 1.5)
    (tmp_path / ".out.devicekit-kept" / "notes.txt").write_text("mine")
    (tmp_path / ".out.devicekit-kept" / ".part.json.devicekit-abcd1234").mkdir()  # of a killed run
    with kept_beside(tmp_path / "out") as kept:
        assert kept.known([kept.key("a"), kept.key("b")], "part") == {kept.key("a"): 1.5}
    assert [path.name for path in (tmp_path / ".out.devicekit-kept").iterdir()] == ["notes.txt"]


def test_without_a_folder_nothing_is_kept() -> None:
    kept = Kept(None)
    kept.put(kept.key("a"), 1)
    assert kept.known([kept.key("a")], "part") == {}


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_a_whole_run_continues_from_its_trainings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, devicekit: Callable[..., Any]
) -> None:
    pulses = enumerate([*range(10, 21), *range(19, 9, -1)])
    (tmp_path / "t.csv").write_text("pulse,G (uS)\n" + "".join(f"{n},{g}\n" for n, g in pulses))
    real = snn.benchmark.run.accuracy

    def run(out: str, at: int | None) -> tuple[Any, int]:
        counted = Counted(real, at)
        monkeypatch.setattr(snn.benchmark.run, "accuracy", counted)
        command = ("run", tmp_path / "t.csv", "--epochs", "1", "--draws", "0", "--out", tmp_path / out)
        return devicekit(*command), counted.calls

    def found(out: str) -> Any:
        return json.loads((tmp_path / out / "metrics.json").read_text())["benchmark"]

    whole, all_calls = run("whole", None)
    assert whole.code == 0, whole.err
    assert run("out", 3)[0].code == 130
    ran, calls = run("out", None)
    assert ran.code == 0, ran.err
    assert "continuing from 3 trainings" in ran.err
    assert calls == all_calls - 3
    assert found("out") == found("whole")


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_a_run_continues_from_its_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, devicekit: Callable[..., Any]
) -> None:
    import snn.training

    trains = tmp_path / "trains.csv"
    states = [*range(10, 31), *range(29, 9, -1)]
    trains.write_text("pulse,G (uS)\n" + "".join(f"{n},{g}\n" for n, g in enumerate(states)))
    train, accuracy = snn.training.train, snn.benchmark.run.accuracy

    def run(out: str, at: int | None) -> tuple[Any, int]:
        counted = Counted(train, None)
        monkeypatch.setattr(snn.training, "train", counted)
        monkeypatch.setattr(snn.benchmark.run, "accuracy", Counted(accuracy, at))
        return devicekit("run", trains, "--epochs", "2", "--draws", "0", "--out", tmp_path / out), counted.calls

    def numbers(out: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((tmp_path / out / "metrics.json").read_text())
        found["train"].pop("seconds_per_epoch")
        return found

    assert run("whole", None)[1] == 1
    ran, calls = run("out", 1)
    assert (ran.code, calls) == (130, 1)
    ran, calls = run("out", None)
    assert ran.code == 0, ran.err
    assert "continuing from 1 trained network" in ran.err
    assert calls == 0
    first, again = numbers("whole"), numbers("out")
    assert again == first
    assert not (tmp_path / ".out.devicekit-kept").exists()
