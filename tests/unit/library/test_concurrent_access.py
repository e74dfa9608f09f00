"""Several processes that write into one library: nothing is lost."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devicekit.core.errors import FileError
from devicekit.library import Library, Record
from devicekit.system import catalog, work

ROOT = Path(__file__).parents[3]
CARD = catalog.get("pt-hfo2-al2o3-ti").folder / "card.json"
PROCESSES, EACH = 8, 8
ADD = """
import sys
from devicekit.library import Library
folder, card, first, number = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
sys.stdin.readline()
for n in range(first, first + number):
    Library(folder).add_file(card, labels={f"mark{n}": str(n)})
"""


def started(code: str, *arguments: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_64_writes_of_8_processes_are_all_kept(tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    running = [started(ADD, folder, CARD, EACH * k, EACH) for k in range(PROCESSES)]
    for each in running:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    for each in running:
        _, err = each.communicate(timeout=300)
        assert each.returncode == 0, err
    (entry,) = Library(folder).records()
    assert entry.labels == {f"mark{n}": str(n) for n in range(PROCESSES * EACH)}
    assert {path.name for path in folder.iterdir()} == {entry.file, work.LOCK_FILE}


HOLD = """
import sys
from pathlib import Path
from devicekit.system import work
with work.locked(Path(sys.argv[1])):
    print("held", file=sys.stderr, flush=True)
    sys.stdin.readline()
"""


def start_lock_holder(folder: Path) -> subprocess.Popen[str]:
    """Start a process that holds the lock of a folder."""
    folder.mkdir(exist_ok=True)
    process = started(HOLD, folder)
    assert process.stderr is not None
    assert process.stderr.readline() == "held\n"
    return process


def test_a_second_writer_waits_and_reports_a_timeout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, devicekit: Callable[..., Any]
) -> None:
    process = start_lock_holder(tmp_path / "lab")
    monkeypatch.setattr(work, "PATIENCE", 0.05)
    ran = devicekit("library", "add", CARD, "--library", tmp_path / "lab")
    assert ran.code == 2
    assert "lab" in ran.err
    assert not list((tmp_path / "lab").glob("*.json"))
    process.communicate("go\n")
    assert devicekit("library", "add", CARD, "--library", tmp_path / "lab").code == 0


def test_the_lock_of_a_killed_process_is_released(tmp_path: Path, devicekit: Callable[..., Any]) -> None:
    process = start_lock_holder(tmp_path / "lab")
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert (tmp_path / "lab" / work.LOCK_FILE).exists()
    began = time.monotonic()
    assert devicekit("library", "add", CARD, "--library", tmp_path / "lab").code == 0
    assert time.monotonic() - began < 60


def test_a_read_only_library_can_be_read_but_not_written(
    library: Library, record: Callable[..., Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    library.add(record("a"))

    def read_only(*_: object, **__: object) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(work, "_lock", lambda path: type("Lock", (), {"acquire": read_only})())
    (entry,) = Library(library.folder).records()
    assert Library(library.folder).get(entry.id).name == "a"
    with pytest.raises(FileError, match="Permission denied"):
        library.add(record("b"))


def test_an_error_is_reported_if_no_index_can_be_written(
    tmp_path: Path, devicekit: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> Any:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    monkeypatch.setattr("devicekit.library.index.Index._open_database", full)
    ran = devicekit("library", "add", CARD, "--library", tmp_path / "lab")
    assert ran.code == 2
    assert "index" in ran.err
    assert "full" in ran.err
