"""The worker process: jobs in order, cancelled jobs, lost processes, and the files that remain."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import physics
from devicekit.app.results import ReadResult
from devicekit.app.worker import INTERNAL_ERROR, WORKER_ENDED, Job, Worker
from devicekit.core.errors import DevicekitError
from devicekit.system.options import ReadOptions
from devicekit.verbs.simulate import IVRequest

SWEEP = "V (V),I (A)\n" + "".join(f"{v / 10},{v * 1e-5}\n" for v in [*range(11), *range(10, -11, -1)])
pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see processes")


@pytest.fixture
def worker() -> Iterator[Worker]:
    made = Worker()
    yield made
    made.close()


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., Job]:
    """A job of a task; with a text it reads a file of it."""

    def made(task: str = "read", text: str | None = SWEEP, **arguments: Any) -> Job:
        folder = tmp_path / f"job{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        if task == "read":
            file = tmp_path / f"{folder.name}.csv"
            file.write_text(text or "")
            arguments = {"path": file, "reading": ReadOptions()}
        return Job(task, task, arguments, folder)

    return made


def long(job: Callable[..., Job]) -> Job:
    """One that would take very long."""
    material = next(iter(physics.material_files()))
    made = job("simulate", request=IVRequest(material=material, solver="banded", cycles=1000))
    made.arguments["folder"] = made.folder
    return made


def process(worker: Worker) -> int:
    found = worker._process
    assert found is not None and found.pid is not None  # noqa: PT018
    return found.pid


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"


@pytest.mark.slow
def test_jobs_run_in_order_and_failures_are_told_apart(worker: Worker, job: Callable[..., Job]) -> None:
    good, question, bad, own = job(), job(text="1,2\n3,4\n5,6\n"), job(text="\0\1\2\0" * 99), job("nothing")
    for each in (good, question, bad, own):
        worker.submit(each)
    for each in (good, question, bad, own):
        each.wait(120)
    assert good.state == "done"
    assert isinstance(good.result, ReadResult)
    assert good.result.is_whole
    assert good.result.seen is not None
    assert (good.result.seen.kind, good.result.fits) == ("sweep", False)
    assert 0 < good.seconds < 120
    assert good.memory > 1 << 20
    assert isinstance(question.result, ReadResult)
    assert question.result.question is not None
    assert not question.result.is_whole
    assert isinstance(bad.error, DevicekitError)
    assert own.error is None
    assert INTERNAL_ERROR in own.message
    first = process(worker)
    again = worker.submit(job())
    again.wait(60)
    assert again.state == "done"
    assert process(worker) == first


@pytest.mark.slow
def test_a_cancelled_job_leaves_no_process_and_no_file_and_the_next_one_runs(
    worker: Worker, job: Callable[..., Job]
) -> None:
    running, waiting, after = long(job), job(), job()
    for each in (running, waiting, after):
        worker.submit(each)
    until(lambda: running.state == "running")
    first = process(worker)
    worker.cancel(waiting)
    assert waiting.state == "cancelled"
    assert not waiting.folder.exists()
    assert running.state == "running"
    (running.folder / "half").write_text("")
    worker.cancel(running)
    assert running.state == "cancelled"
    assert not alive(first)
    after.wait(60)
    assert after.state == "done"
    assert not running.folder.exists()
    assert process(worker) != first
    worker.cancel(after)  # it is over: nothing happens
    assert after.state == "done"
    assert after.folder.exists()


@pytest.mark.slow
def test_a_process_that_dies_is_reported_and_the_next_job_runs(worker: Worker, job: Callable[..., Job]) -> None:
    lost = worker.submit(long(job))
    until(lambda: lost.state == "running")
    os.kill(process(worker), signal.SIGKILL)
    lost.wait(60)
    assert (lost.state, lost.message, lost.error) == ("failed", WORKER_ENDED, None)
    after = worker.submit(job())
    after.wait(60)
    assert after.state == "done"
    idle = process(worker)
    os.kill(idle, signal.SIGKILL)  # while it has nothing to do
    until(lambda: not alive(idle))
    again = worker.submit(job())
    again.wait(60)
    assert again.state == "done"


@pytest.mark.slow
def test_a_result_that_cannot_be_sent_fails_only_its_job(worker: Worker, job: Callable[..., Job]) -> None:
    strange = job()
    strange.arguments = {"path": lambda: None}
    worker.submit(strange).wait(60)
    assert strange.state == "failed"
    assert INTERNAL_ERROR in strange.message
    after = worker.submit(job())
    after.wait(60)
    assert after.state == "done"


@pytest.mark.slow
def test_a_process_for_one_job_ends_with_it_and_close_ends_all(job: Callable[..., Job]) -> None:
    single = Worker(is_lasting=False)
    done = single.submit(job())
    done.wait(60)
    assert done.state == "done"
    until(lambda: single._process is None)
    running = single.submit(long(job))
    until(lambda: running.state == "running")
    pid = process(single)
    single.close()
    assert not alive(pid)
