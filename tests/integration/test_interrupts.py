"""An interrupt at any moment: no traceback, nothing half-written, no process left; a study goes on where it was."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer

from devicekit.cli.common import run_app
from devicekit.core.errors import DevicekitError

ROOT = Path(__file__).parents[2]
ENTRY = "import sys; from devicekit.__main__ import main; sys.exit(main())"  # as pip writes it
STUDY = """
name = "tiny"
task = "train"
seeds = [0, 1, 2, 3]
[fixed]
card = "pt-hfo2-al2o3-ti"
epochs = 2
hidden = 96
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended that was interrupted."""

    code: int
    err: str
    left: tuple[str, ...]


def _members(group: int) -> tuple[str, ...]:
    """Processes of a group that run; one that has ended but was not waited for does not count."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) == group and fields[0] not in "ZX":
                found.append((entry / "cmdline").read_text().replace("\0", " ")[:80])
        except (OSError, ValueError, IndexError):
            continue
    return tuple(found)


def _begun(folder: Path | None) -> bool:
    """Return whether a folder has something in it; True without one."""
    return folder is None or (folder.is_dir() and any(folder.iterdir()))


def interrupted(arguments: list[str], after: float, whole_group: bool, ready: Path | None = None) -> Ended:
    """Start a command, wait for the first file in a folder, interrupt it (as a terminal does: the whole group).

    An interrupt is not ignored, even where the tests run in the background of a shell.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", ENTRY, *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    began = time.monotonic()
    while not _begun(ready) and process.poll() is None and time.monotonic() - began < 60:
        time.sleep(0.01)
    time.sleep(after)
    (os.killpg if whole_group else os.kill)(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    for _ in range(50):
        if not (left := _members(process.pid)):
            break
        time.sleep(0.1)
    return Ended(process.returncode, err, left)


pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see processes")


@pytest.mark.slow
def test_an_early_interrupt_prints_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("V (V),I (A)\n0,0\n1,1e-3\n0,0\n")
    rng = random.Random(1)
    for k in range(12):
        ended = interrupted(
            ["read", str(tmp_path / "a.csv"), "--out", str(tmp_path / "t.csv")], rng.uniform(0.15, 2), k % 2 > 0
        )
        assert ended.code in (130, -signal.SIGINT, 0), ended
        assert "Traceback" not in ended.err
        assert ended.left == ()
        assert {path.name for path in tmp_path.iterdir()} <= {"a.csv", "t.csv"}


@pytest.mark.parametrize("wrapped", [RuntimeError("Error calling __set_name__"), DevicekitError("cannot be read")])
def test_an_interrupt_that_a_library_wraps_in_its_own_error_is_an_interrupt(
    wrapped: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    app = typer.Typer()

    @app.command()
    def import_something() -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:
            raise wrapped from error

    assert run_app(app, []) == 130
    assert capsys.readouterr().err == "interrupted\n"


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interrupted_study_goes_on_where_it_was(tmp_path: Path, jobs: str) -> None:
    (tmp_path / "tiny.toml").write_text(STUDY)
    arguments = ["study", str(tmp_path / "tiny.toml"), "--out", str(tmp_path / "out"), "--jobs", jobs]
    rng = random.Random(2)
    for k in range(6):
        ended = interrupted(arguments, rng.uniform(0.0, 3.0), k % 2 > 0, ready=tmp_path / "out" / "runs")
        assert ended.code in (130, -signal.SIGINT, 0), ended
        assert "Traceback" not in ended.err
        assert ended.left == ()
        if ended.code == 130 and "runs are done" in ended.err:
            assert "the same command continues" in ended.err
        names = [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()]
        assert all(not name.startswith(".") or name == ".devicekit.json" for name in names), names
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", ENTRY, *arguments], check=True, env=environment, capture_output=True)
    assert len((tmp_path / "out" / "results.csv").read_text().splitlines()) == 5


def test_the_interrupt_handler_is_that_of_the_caller_again(tmp_path: Path) -> None:
    code = (
        "import signal, sys\nsys.argv = ['devicekit', '--version']\nfrom devicekit.__main__ import main\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background jobs ignore it
        "try:\n    main()\nexcept SystemExit as error:\n    assert error.code == 0, error.code\n"
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.slow
def test_a_population_that_is_interrupted_and_started_again_has_the_same_bytes(tmp_path: Path) -> None:
    from devicekit.synthetic.wafers import WaferTruth, write_wafers

    write_wafers(tmp_path / "lot", WaferTruth(wafers=2, dies=3, cells=12, cycles=3, points=400, kept=1.0), 1)
    out, kept = tmp_path / "out", tmp_path / ".out.devicekit-kept"
    arguments = ["population", str(tmp_path / "lot"), "--accept", "--jobs", "1", "--out", str(out)]

    def finished() -> dict[str, bytes]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        subprocess.run(
            [sys.executable, "-c", ENTRY, *arguments], env=environment, check=True, stdout=subprocess.DEVNULL
        )
        return {path.name: path.read_bytes() for path in sorted(out.iterdir())}

    whole = finished()
    for _ in range(8):  # a busy machine may send the interrupt after the end, or into the writing of the first part
        shutil.rmtree(out, ignore_errors=True)
        ended = interrupted(arguments, 0.0, True, ready=kept)
        assert ended.left == ()
        parts = len(list(kept.iterdir())) if kept.is_dir() else 0
        if ended.code and parts:
            break
    assert ended.code == 130
    assert 0 < parts < 72  # of as many cells
    assert not out.exists() or not (out / "report.html").exists()
    assert finished() == whole
    assert not kept.exists()
