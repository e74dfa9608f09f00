"""What a command may not replace: its inputs, files of others, devices; and JSON that is taken or refused."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from devicekit.core.errors import FileError
from devicekit.readers import read
from devicekit.system import catalog, files, folders, ownmark, work, writing

ROOT = Path(__file__).parents[3]
SWEEP = "V (V),I (A)\n0,0\n0.5,1e-6\n1,1e-3\n0,0\n"


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    with writing.one_command():
        yield


def test_an_input_is_never_replaced(tmp_path: Path, command: None) -> None:
    path = tmp_path / "a.csv"
    path.write_text(SWEEP)
    (tmp_path / "soft.csv").symlink_to(path)
    (tmp_path / "hard.csv").hardlink_to(path)
    table = read(path)
    for name in ("a.csv", "./a.csv", "soft.csv", "hard.csv", f"../{tmp_path.name}/a.csv"):
        for write in (table.to_csv, writing.check_writable):
            with pytest.raises(FileError, match=r"input.*would be replaced"):
                write(Path(name))
    assert path.read_text() == SWEEP
    assert (tmp_path / "soft.csv").is_symlink()
    table.to_csv(tmp_path / "b.csv")
    table.to_csv(tmp_path / "b.csv")  # ours


def test_an_input_in_the_folder_of_results_is_kept(tmp_path: Path, command: None) -> None:
    with folders.result_folder(tmp_path / "out", "run") as folder:
        (folder / "table.csv").write_text(SWEEP)
    read(tmp_path / "out" / "table.csv")
    for force in (False, True):
        with (
            pytest.raises(FileError, match=r"input.*would be replaced"),
            folders.result_folder(tmp_path / "out", "run", force) as folder,
        ):
            (folder / "table.csv").write_text("")
    assert (tmp_path / "out" / "table.csv").read_text() == SWEEP
    (tmp_path / "out" / "mine.txt").write_text("")  # now it is a folder of others: force adds to it
    with pytest.raises(FileError, match="input file"), folders.result_folder(tmp_path / "out", "run", True) as folder:
        (folder / "table.csv").write_text("")
    with folders.result_folder(tmp_path / "out", "run", True) as folder:
        (folder / "other.csv").write_text("")
    assert (tmp_path / "out" / "table.csv").read_text() == SWEEP


def test_a_file_of_others_is_kept_and_ours_is_replaced(tmp_path: Path, command: None) -> None:
    others = {
        "thesis.tex": "years of work",
        "page.html": "<html><head><title>mine</title></head></html>",
        "data.csv": "V,I\n1,2\n",
        "a.json": '{"mine": 1}',
        "b.bin": "\x00\x01",
    }
    for name, text in others.items():
        (tmp_path / name).write_text(text)
        for write in (lambda path: writing.write_text(path, "x"), writing.check_writable):
            with pytest.raises(FileError, match=r"did not write it.*kept.*out="):
                write(tmp_path / name)
        writing.write_text(tmp_path / name, text)  # the same content: nothing is lost
        assert (tmp_path / name).read_text() == text
    card = catalog.get("pt-hfo2-al2o3-ti").folder / "card.json"
    ours = {
        "card.json": card.read_text(),
        "ours.html": '<!DOCTYPE html>\n<html lang="en"><head>\n<meta name="generator" content="devicekit 0.1"></html>',
        "marked.json": '{\n  "tool": "devicekit"\n}',
        "empty.csv": "",
    }
    for name, text in ours.items():
        (tmp_path / name).write_text(text)
        writing.check_writable(tmp_path / name)
        writing.write_text(tmp_path / name, "new")
        assert (tmp_path / name).read_text() == "new"
    (tmp_path / "thesis.tex").write_text("x")
    writing.write_text(tmp_path / "thesis.tex", "y", replace=True)


@pytest.mark.skipif(os.name != "posix", reason="pipes, sockets and devices of POSIX systems")
def test_devices_pipes_and_sockets_are_never_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "socket"))
    (tmp_path / "null").symlink_to("/dev/null")
    began = time.perf_counter()
    try:
        for path in (tmp_path / "pipe", tmp_path / "socket", tmp_path / "null", Path("/dev/null")):
            for write in (writing.check_writable, lambda path: writing.write_text(path, "x")):
                with pytest.raises(FileError, match=r"(pipe|socket|device), not a file"):
                    write(path)
        with pytest.raises(FileError, match="out= takes a folder"), folders.result_folder(Path("/dev/null"), "run"):
            pass
    finally:
        listener.close()
    assert time.perf_counter() - began < 10
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_a_link_to_a_result_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "card.json").symlink_to("real/card.json")
    writing.write_text(tmp_path / "card.json", "x")
    assert (tmp_path / "card.json").is_symlink()
    assert (tmp_path / "real" / "card.json").read_text() == "x"
    assert [path.name for path in (tmp_path / "real").iterdir()] == ["card.json"]


def test_an_interrupt_leaves_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with folders.result_folder(tmp_path / "out", "run") as folder:
        (folder / "a.txt").write_text("first")
    real = os.replace
    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        writing.write_text(tmp_path / "a.txt", "x")
    monkeypatch.undo()
    calls: list[object] = []

    def second(source: Any, target: Any) -> None:
        calls.append(target)
        if len(calls) == 2 + 1:  # the marker, the old folder put away, then the new one in its place
            raise KeyboardInterrupt
        real(source, target)

    monkeypatch.setattr(os, "replace", second)
    monkeypatch.setattr(work, "exchange", lambda *_: False)
    with pytest.raises(KeyboardInterrupt), folders.result_folder(tmp_path / "out", "run") as folder:
        (folder / "a.txt").write_text("second")
    monkeypatch.undo()
    assert (tmp_path / "out" / "a.txt").read_text() == "first"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


def test_a_long_name_can_be_written(tmp_path: Path) -> None:
    writing.write_text(tmp_path / ("x" * 250 + ".csv"), "x")
    with folders.result_folder(tmp_path / ("y" * 255), "run") as folder:
        (folder / "a").write_text("")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": 1, "b": 2, "a": 3}', "the key 'a' stands there twice"),
        ('{"a": [{"deep": 1, "deep": 1}]}', "the key 'deep' stands there twice"),
        ("[" * 100_000, "nested too deep"),
        ('{"a":' * 100_000, "nested too deep"),
        ("1" * 10_000, "too many digits"),
        ("[NaN]", "NaN is not allowed"),
        ("[-Infinity]", "-Infinity is not allowed"),
        ("[1e999]", "1e999 is not allowed"),
        ("{", r"not valid JSON: .* \(line 1\)"),
    ],
)
def test_json_that_is_refused(text: str, words: str) -> None:
    began = time.perf_counter()
    with pytest.raises(FileError, match=words) as caught:
        files.parse_json(text, "a.json")
    assert time.perf_counter() - began < 10
    assert len(str(caught.value)) < 200


@pytest.mark.skipif(os.name != "posix", reason="pipes, sockets and devices of POSIX systems")
def test_json_files_that_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "latin.json").write_bytes(b'{"a": "\xb5"}')
    with (tmp_path / "huge.json").open("wb") as stream:
        stream.truncate(100 << 20)
    for name, words in {
        "pipe": "is a pipe",
        "latin.json": r"not UTF-8 text \(byte 7\)",
        "huge.json": "has 100 MiB",
        ".": "is a folder",
        "gone": "does not exist",
    }.items():
        with pytest.raises(FileError, match=words):
            files.read_json(tmp_path / name)
    (tmp_path / ownmark.MARKER).write_text('{"files": [["a"], 1, "b"], "tool": "devicekit"}')
    assert ownmark.read_marker(tmp_path)["files"] == ["b"]


def run(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "devicekit", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="pipes, sockets and devices of POSIX systems")
def test_the_command_line_keeps_its_inputs(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(SWEEP)
    (tmp_path / "other.csv").write_text(SWEEP + "0.1,1\n")
    for out in ("a.csv", "other.csv"):
        ran = run("read", "a.csv", "--out", out, cwd=tmp_path)
        assert ran.returncode == 2, ran.stderr
        assert f"{out} " in ran.stderr
        assert "choose another --out" in ran.stderr
    assert (tmp_path / "a.csv").read_text() == SWEEP
    for _ in range(2):
        assert run("read", "a.csv", "--out", "b.csv", cwd=tmp_path).returncode == 0
    assert run("read", "a.csv", "--out", "/dev/null", cwd=tmp_path).returncode == 2


@pytest.mark.skipif(os.name != "posix", reason="pipes, sockets and devices of POSIX systems")
@pytest.mark.parametrize("more", [[], pytest.param(["--json"], marks=pytest.mark.slow)], ids=["words", "json"])
def test_a_name_that_is_no_utf8_on_the_command_line(tmp_path: Path, more: list[str]) -> None:
    name = os.fsdecode(b"m\xff.csv")
    (tmp_path / name).write_text(SWEEP)
    ran = run("read", name, *more, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "Traceback" not in ran.stderr
    assert not more or r"m\udcff.csv" in ran.stdout


COMMANDS = ["run", "benchmark", "array", "train", "characterize", "simulate iv", "export --to csv"]


@pytest.mark.parametrize("name", COMMANDS)
def test_an_edited_result_is_kept_by_every_command(name: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for text in ("first", "second"):
        with folders.result_folder(out, name) as folder:
            (folder / "deep").mkdir()
            (folder / "deep" / "a.txt").write_text(text)
    (out / "deep" / "a.txt").write_text("edited")
    refused = pytest.raises(FileError, match=r"wrote them .deep/a\.txt")
    with refused, folders.result_folder(out, name):
        pass
    assert (out / "deep" / "a.txt").read_text() == "edited"
    for text in ("third", "fourth"):
        with folders.result_folder(out, name, text == "third") as folder:
            (folder / "deep").mkdir()
            (folder / "deep" / "a.txt").write_text(text)
    assert (out / "deep" / "a.txt").read_text() == "fourth"
