"""Code that is planted in files of every kind: none of it runs, unless the user names the file that holds it."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from devicekit.core.errors import ParameterError
from devicekit.studies.runner import run_study
from devicekit.system import catalog
from physics.stack import load_material, load_stack

LAW = """
from pathlib import Path

from physics.laws.conduction.ohmic import LAW

Path({ran!r}).write_text("ran")
"""


class Evil:
    """What a pickle calls when it is loaded."""

    def __init__(self, ran: Path) -> None:
        self.ran = ran

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.ran, "ran")


@pytest.fixture
def ran(tmp_path: Path) -> Path:
    """The file that planted code would make."""
    return tmp_path / "ran"


@pytest.fixture
def stack(tmp_path: Path, ran: Path) -> Path:
    """A stack that names a law of a file beside it, under two names."""
    (tmp_path / "evil.py").write_text(LAW.format(ran=str(ran)))
    path = tmp_path / "stack.toml"
    path.write_text('[conduction]\nlaw = "evil.py"\n')
    return path


def study(folder: Path, lines: str) -> Path:
    path = folder / "study.toml"
    path.write_text(f'name = "t"\ntask = "stack"\n[fixed]\n{lines}\n')
    return path


@pytest.mark.parametrize(
    "command",
    [
        "simulate iv --stack {stack}",
        "simulate pulses --stack {stack}",
        "simulate kinetics --stack {stack}",
        "calibrate {stack} --free reaction.energy=1:2 --out {folder}/o --stack {stack}",
        "study {study} --out {folder}/o",
    ],
)
def test_a_law_that_the_user_did_not_name_does_not_run(
    devicekit: Callable[..., Any], tmp_path: Path, stack: Path, ran: Path, command: str
) -> None:
    held = study(tmp_path, f"stack = '{stack}'")
    (tmp_path / "other.py").write_text("")
    words = command.format(stack=stack, folder=tmp_path, study=held).split()
    for more in ([], ["--allow-law", str(tmp_path / "other.py")]):
        found = devicekit(*words, *more)
        assert found.code == 2
        assert f"--allow-law '{tmp_path / 'evil.py'}'" in found.err
        assert not ran.exists()


@pytest.mark.parametrize("group", ["conduction", "reaction", "heat"])
def test_no_way_to_name_a_law_goes_around_it(tmp_path: Path, stack: Path, ran: Path, group: str) -> None:
    law = str(tmp_path / "evil.py")
    (tmp_path / "linked.py").symlink_to(law)
    whole = Path(load_material.__code__.co_filename).parent.joinpath("materials", "gated.toml").read_text("utf-8")
    (tmp_path / "set.toml").write_text(whole.replace(f"[{group}]\nlaw", f"[{group}]\nlaw = 'evil.py'\nwas"))
    (tmp_path / "of_set.toml").write_text("material = 'set.toml'")
    key = "reaction.kind" if group == "reaction" else f"{group}.law"
    ways: list[Callable[[], Any]] = [
        lambda: load_material(str(tmp_path / "set.toml")),
        lambda: load_stack(tmp_path / "of_set.toml"),
        lambda: load_stack().replace({f"{group}.law": law}),
        lambda: load_stack().replace({key: str(tmp_path / "linked.py")}),
        lambda: run_study(study(tmp_path, f"parameter = '{key}'\nvalue = '{law}'"), tmp_path / "out"),
    ]
    for way in ways:
        with pytest.raises(ParameterError, match="is code"):
            way()
    assert not ran.exists()


def test_a_law_that_the_user_names_for_a_study_runs(
    devicekit: Callable[..., Any], tmp_path: Path, stack: Path, ran: Path
) -> None:
    held = study(tmp_path, f"stack = '{stack}'\nparameter = 'reaction.absent'\nvalue = 1")  # refused after its law
    found = devicekit("study", held, "--out", tmp_path / "o", "--allow-law", tmp_path / "evil.py")
    assert (found.code, ran.exists()) == (2, True), found.err
    assert "reaction.absent" in found.err


def test_a_law_that_the_user_names_runs(devicekit: Callable[..., Any], tmp_path: Path, stack: Path, ran: Path) -> None:
    (tmp_path / "unused.py").write_text("raise SystemExit")
    laws = [tmp_path / "evil.py", tmp_path / "unused.py"]
    assert load_stack(stack, laws=laws).conduction_law.name == "ohmic"
    assert ran.exists()
    missing = devicekit("simulate", "iv", "--stack", stack, "--allow-law", tmp_path / "absent.py")
    assert missing.code == 2
    assert "--allow-law" in missing.err
    assert "absent.py" in missing.err


@pytest.mark.slow
def test_a_named_law_reaches_the_processes_of_a_study(tmp_path: Path, stack: Path, ran: Path) -> None:
    (tmp_path / "study.toml").write_text(
        f"name = 't'\ntask = 'stack'\nseeds = [0, 1]\n[fixed]\nstack = '{stack}'\nepochs = 1\n"
    )
    result = run_study(tmp_path / "study.toml", tmp_path / "out", jobs=2, laws=tmp_path / "evil.py")
    assert not len(result.failed), result.failed
    assert ran.exists()


def _inputs(folder: Path, ran: Path) -> dict[str, bytes]:
    """Files of every kind that is read, with what some program would run, by name."""
    evil = pickle.dumps(Evil(ran))
    formula = f"=cmd|'/c touch {ran}'!A0"
    template = "{{ cycler.__init__.__globals__.os.system('touch " + str(ran) + "') }}"
    card = json.loads(catalog.get(catalog.EXAMPLE).card.read_text("utf-8"))
    joblib.dump(Evil(ran), folder / "made.joblib")
    np.savez(folder / "made.npz", about=np.array(Evil(ran), dtype=object))
    recipe = '[recipe]\nversion = 1\n[table]\nsheet = {0!r}\n[labels]\n"x" = {0!r}\n'
    rows = "".join(f"{k},{1e-6 * (k + 1)}\n" for k in range(30))
    return {
        "pickle.json": evil,
        "pickle.npz": evil,
        "pickle.csv": evil,
        "pickle.h5": evil,
        "pickle.mat": evil,
        "pickle.toml": evil,
        "pickle.joblib": (folder / "made.joblib").read_bytes(),
        "objects.npz": (folder / "made.npz").read_bytes(),
        "law.json": json.dumps({**card, "law": str(folder / "evil.py")}).encode(),
        "template.json": json.dumps({**card, "name": template}).encode(),
        "formula.json": json.dumps({**card, "name": formula}).encode(),
        "template.csv": f"{template},conductance_s\n{rows}".encode(),
        "formula.csv": f"{formula},conductance_s\n{formula},1e-6\n{rows}".encode(),
        "reader.toml": f"[recipe]\nversion = 1\nformat = {str(folder / 'evil.py')!r}\n".encode(),
        "template.toml": recipe.format(template).encode(),
        "task.toml": f"name = 't'\ntask = {str(folder / 'evil.py')!r}\n".encode(),
        "gradient.toml": f"name = 't'\ntask = 'train'\n[fixed]\ngradient = {str(folder / 'evil.py')!r}\n".encode(),
        "data.toml": f"name = 't'\ntask = 'train'\n[fixed]\ndata = '{folder}/pickle.joblib'\n".encode(),
        "module.toml": b"material = 'evil'\n[conduction]\nlaw = 'evil'\n",
    }


_COMMANDS = [
    "read {file}",
    "read {table} --recipe {file}",
    "fit {file}",
    "characterize {file}",
    "card show {file}",
    "export csv {file} --out {folder}/o.csv",
    "export veriloga {file} --out {folder}/o.va",
    "train {file} --epochs 1 --data {file}",
    "library add {file} --library {folder}/library",
    "study {file} --out {folder}/o",
    "simulate iv --stack {file}",
]


@pytest.mark.parametrize("command", _COMMANDS)
def test_nothing_that_is_planted_in_an_input_runs(
    devicekit: Callable[..., Any], tmp_path: Path, ran: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    (tmp_path / "evil.py").write_text(LAW.format(ran=str(ran)))
    (tmp_path / "table.csv").write_text("V (V),I (A)\n" + "".join(f"{k / 10},{k}e-6\n" for k in range(12)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, data in _inputs(tmp_path, ran).items():
        if ran.exists():
            break
        (tmp_path / name).write_bytes(data)
        words = command.format(file=tmp_path / name, table=tmp_path / "table.csv", folder=tmp_path).split()
        assert devicekit(*words).code in (0, 2), (name, command)
    assert not ran.exists()
