"""What a killed process leaves: the next command restores or removes it and says so; a living one's is let alone."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devicekit.core.errors import FileError
from devicekit.system import folders, ownmark, work

ROOT = Path(__file__).parents[3]
SWEEP = "V (V),I (A)\n0,0\n0.5,1e-6\n1,1e-3\n0,0\n"
DIES = """
import os, signal, sys
from pathlib import Path
from devicekit.system import folders, work, writing
moment, out = sys.argv[1], Path(sys.argv[2])
real, calls = os.replace, []
def die(*_): os.kill(os.getpid(), signal.SIGKILL)
def between(source, target):
    real(source, target)
    if Path(target).parent.name == "was": die()
if moment == "between":
    work.exchange = lambda *_: False
    os.replace = between
if moment == "file":
    os.replace = die
    writing.write_text(out, "new")
with folders.result_folder(out, "simulate iv") as folder:
    (folder / "a.txt").write_text("new")
    if moment == "work": die()
    if moment == "exchanged":
        real_exchange = work.exchange
        work.exchange = lambda *names: (real_exchange(*names), die())
"""
HOLDS = """
import sys
from pathlib import Path
from devicekit.system import work
with work.work_folder(Path(sys.argv[1])) as new:
    new.write_text("half")
    print("held", flush=True)
    sys.stdin.readline()
"""


def killed(moment: str, out: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, "-c", DIES, moment, str(out)], env=environment, timeout=60)
    assert ran.returncode == -signal.SIGKILL


def hidden(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("between", "was restored: a command was killed while it replaced it"),
        ("work", "what a killed command had not finished was removed"),
        ("exchanged", "what a killed command had not finished was removed"),
        ("file", "what a killed command had not finished was removed"),
    ],
)
def test_the_next_command_restores_or_removes(
    moment: str, words: str, tmp_path: Path, devicekit: Callable[..., Any]
) -> None:
    out = tmp_path / ("t.csv" if moment == "file" else "made")
    if moment != "file":
        with folders.result_folder(out, "simulate iv") as folder:
            (folder / "a.txt").write_text("old")
    killed(moment, out)
    assert len(hidden(tmp_path)) == (1 if moment == "file" else 2)  # one keeps other commands away
    (tmp_path / "sweep.csv").write_text(SWEEP)
    ran = devicekit("read", tmp_path / "sweep.csv", "--out", tmp_path / "u.csv")  # any command that writes there
    assert ran.code == 0
    assert ran.err.count(words) == 1
    assert str(out) in ran.err
    assert hidden(tmp_path) == []
    if moment != "file":
        assert (out / "a.txt").read_text() == ("new" if moment == "exchanged" else "old")
        assert ownmark.MARKER in os.listdir(out)
    assert "killed" not in devicekit("read", tmp_path / "sweep.csv", "--out", tmp_path / "u.csv").err


def test_what_a_living_process_writes_is_let_alone(tmp_path: Path, devicekit: Callable[..., Any]) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", HOLDS, str(tmp_path / "t.csv")]
    process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    (tmp_path / "sweep.csv").write_text(SWEEP)
    ran = devicekit("read", tmp_path / "sweep.csv", "--out", tmp_path / "u.csv")
    assert "killed" not in ran.err
    assert len(hidden(tmp_path)) == 1
    process.communicate("go\n", timeout=30)
    assert hidden(tmp_path) == []


def test_nothing_of_a_user_is_taken_for_a_work_folder(tmp_path: Path) -> None:
    names = [".notes.devicekit-abcdefgh", ".a.devicekit-short", "b.devicekit-abcdefgh"]
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.txt").write_text("x")
        (tmp_path / name / "lock").write_text("")
    work.clear(tmp_path)
    assert sorted(path.parent.name for path in tmp_path.glob("*/mine.txt")) == sorted(names)


def test_names_are_exchanged_in_one_step_where_the_system_can(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text(name)
    if not work.exchange(tmp_path / "a", tmp_path / "b"):
        pytest.skip("this file system cannot exchange two names")
    assert (tmp_path / "a" / "b").read_text() == "b"
    with pytest.raises(OSError):
        work.exchange(tmp_path / "a", tmp_path / "gone")


def test_a_file_that_a_user_adds_meanwhile_is_kept(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with folders.result_folder(out, "run") as folder:
        (folder / "a.txt").write_text("old")
    refused = pytest.raises(FileError, match=r"did not make .notes")
    with refused, folders.result_folder(out, "run") as folder:
        (folder / "a.txt").write_text("new")
        (out / "notes.txt").write_text("mine")
    assert (out / "notes.txt").read_text() == "mine"
    assert (out / "a.txt").read_text() == "old"
    assert hidden(tmp_path) == []


@pytest.mark.slow
@pytest.mark.parametrize("words", ["read {0}/sweep.csv --out {0}/t.csv", "characterize {0}/sweep.csv --out {0}/out"])
def test_a_full_disk_leaves_what_was_there(
    words: str, tmp_path: Path, devicekit: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sweep.csv").write_text(SWEEP)
    command = words.format(tmp_path).split()
    assert devicekit(*command).code == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    real = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        real(path, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    ran = devicekit(*command)
    assert ran.code == 2
    assert "No space left" in ran.err
    assert ".devicekit-" not in ran.err  # the user's name of it, not ours
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
