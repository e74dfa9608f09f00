"""A process that runs jobs while the server answers pages; ending the process cancels a job."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import queue
import shutil
import signal
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

from devicekit.app.labels import use_field_labels, use_setting_labels
from devicekit.app.results import CARDS
from devicekit.core.errors import DevicekitError
from devicekit.system.workers import ignore_interrupts

Report = Callable[[str, str, int, int], None]  # of a step: what, in which unit it is counted, how much of how much
State = Literal["waiting", "running", "done", "failed", "cancelled"]
WORKER_ENDED = "The worker process ended unexpectedly, perhaps for lack of memory."
INTERNAL_ERROR = "an error in devicekit itself"
ENOUGH_TO_TELL = 2.0  # s of a step, before its end is estimated


@dataclass(eq=False)
class Job:
    """One task in the queue.

    Attributes
    ----------
    id : str
        Random; part of its address.
    title : str
        Title on the page: "fitting ramps.csv".
    task : str
        Name of a method of `devicekit.app.tasks.Tasks`.
    arguments : dict
        Keywords of the task.
    folder : Path
        Folder for its files; removed if it is cancelled.
    state, step, unit, done, total
        State and progress: what is done, in which unit it is counted, and how far; a total of 0 is unknown.
    result : object
        Result of the task.
    error : DevicekitError, optional
        Error, with the labels of the page.
    message : str
        Message of an error in devicekit itself.
    seconds : float
        Run time [s].
    memory : int
        Peak memory of the process [bytes]; 0 if unknown.
    is_apart : bool
        True if it runs in a process of its own, beside those that read and analyse.
    entries : dict of str to str
        Entries of the form that started it.
    """

    title: str
    task: str
    arguments: dict[str, Any]
    folder: Path
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    state: State = "waiting"
    step: str = ""
    unit: str = ""
    done: int = 0
    total: int = 0
    step_time: float = 0.0
    result: Any = None
    error: DevicekitError | None = None
    message: str = ""
    start_time: float = 0.0
    duration: float | None = None
    memory: int = 0
    is_apart: bool = False
    entries: Mapping[str, str] = field(default_factory=dict)

    def wait(self, longest: float = 600.0) -> None:
        """Wait until the job is over, at most `longest` seconds."""
        end = time.monotonic() + longest
        while not self.is_over and time.monotonic() < end:
            time.sleep(0.02)

    @property
    def is_over(self) -> bool:
        """True if the job is done, failed or cancelled."""
        return self.state in ("done", "failed", "cancelled")

    @property
    def progress(self) -> str:
        """Progress in words."""
        if self.state != "running":
            return self.state
        return f"running, {100 * self.done // self.total} %" if self.total else "running"

    def advance(self, step: str, unit: str, done: int, total: int) -> None:
        """Set the progress; the time of a new step counts from now on."""
        if step != self.step or total != self.total or done < self.done:
            self.step_time = time.monotonic()
        self.step, self.unit, self.done, self.total = step, unit, done, total

    @property
    def remaining(self) -> float | None:
        """Time that the present step takes yet [s]; None before an estimate is possible."""
        spent = time.monotonic() - self.step_time
        if not 0 < self.done < self.total or spent < ENOUGH_TO_TELL:
            return None
        return spent * (self.total - self.done) / self.done

    @property
    def seconds(self) -> float:
        """Run time [s]."""
        if self.duration is not None:
            return self.duration
        return time.monotonic() - self.start_time if self.start_time else 0.0


class Worker:
    """A process that runs jobs one after the other.

    Parameters
    ----------
    warm_up : sequence of str
        Tasks to run once while nothing else is to do, so that the process imports and compiles beforehand.
    is_lasting : bool
        Keep the process between jobs.
    """

    def __init__(self, warm_up: Sequence[str] = (), is_lasting: bool = True) -> None:
        self._warm_up, self._is_lasting = warm_up, is_lasting
        self._jobs: queue.Queue[Job | None] = queue.Queue()
        self._lock = threading.Lock()
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None
        self._is_closed = False
        self.task = ""  # that runs
        if warm_up:
            self._start()
        self._thread = threading.Thread(target=self._run_jobs, daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> Job:
        """Queue a job."""
        self._jobs.put(job)
        return job

    def cancel(self, job: Job) -> None:
        """Cancel a job and remove its files; a job that is over stays."""
        with self._lock:
            if job.is_over:
                return
            running, job.state = job.state == "running", "cancelled"
            if running:
                self._kill()
        shutil.rmtree(job.folder, ignore_errors=True)

    def close(self) -> None:
        """End the process."""
        self._is_closed = True
        self._jobs.put(None)
        with self._lock:
            self._kill()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=run_tasks, args=(theirs, self._warm_up), daemon=False)
        with ignore_interrupts():
            self._process.start()
        theirs.close()

    def _kill(self) -> None:
        if self._process is None:
            return
        if hasattr(os, "killpg") and self._process.pid and self._process.is_alive():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)  # with its child processes
        self._process.kill()
        self._process.join()
        self._process = None

    def _run_jobs(self) -> None:
        while (job := self._jobs.get()) is not None:
            if self._is_closed:
                return
            with self._lock:
                if job.is_over:
                    continue
                if self._process is None or not self._process.is_alive():
                    self._start()
                job.state, job.start_time = "running", time.monotonic()
                pipe = self._pipe
            assert pipe is not None
            self.task = job.task
            self._run_job(job, pipe)
            self.task = ""
            job.duration = time.monotonic() - job.start_time
            if not self._is_lasting:
                with self._lock:
                    self._kill()

    def _run_job(self, job: Job, pipe: Connection) -> None:
        try:
            pipe.send((job.task, job.arguments))
            while True:
                kind, value, memory = pipe.recv()
                job.memory = max(job.memory, memory)
                if kind == "progress":
                    job.advance(*value)
                    continue
                with self._lock:
                    self._finish(job, kind, value)
                return
        except (EOFError, OSError):
            self._fail(job, WORKER_ENDED)
        except Exception as error:  # an answer that cannot be decoded; the next job must run
            self._fail(job, f"{type(error).__name__}: {error} ({INTERNAL_ERROR})")

    def _fail(self, job: Job, message: str) -> None:
        with self._lock:
            if not job.is_over:
                job.state, job.message = "failed", message
                self._kill()
        shutil.rmtree(job.folder, ignore_errors=True)

    @staticmethod
    def _finish(job: Job, kind: str, value: Any) -> None:
        if job.state != "running":
            return
        if kind == "done":
            job.result, job.state = value, "done"
        else:
            job.error = value if isinstance(value, DevicekitError) else None
            job.message = str(value)
            job.state = "failed"


def run_tasks(pipe: Connection, warm_up: Sequence[str]) -> None:
    """Run tasks from a pipe until its other end closes."""
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)  # so that it ends together with its children
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server handles the interrupt and ends this process
    from devicekit.app.tasks import Tasks

    tasks, rest = Tasks(), list(warm_up)
    while True:
        if rest and not pipe.poll():  # a file that was dropped meanwhile does not wait for all of it
            getattr(tasks, rest.pop(0))()
            gc.collect()
            gc.freeze()  # what is imported need not be searched again while millions of cells are made
            continue
        try:
            task, arguments = pipe.recv()
        except (EOFError, OSError):
            return
        pipe.send(_run_task(tasks, task, arguments, pipe))


def _run_task(tasks: Any, task: str, arguments: dict[str, Any], pipe: Connection) -> tuple[str, Any, int]:
    def progress(step: str, unit: str, done: int, total: int) -> None:
        pipe.send(("progress", (step, unit, done, total), _peak_memory()))

    try:
        return "done", getattr(tasks, task)(**arguments, progress=_limit_rate(progress)), _peak_memory()
    except DevicekitError as error:
        words = use_setting_labels if task in ("train", "benchmark") else use_field_labels
        return (
            "failed",
            error.in_words(lambda message: words(_remove_folder(message, arguments))),
            _peak_memory(),
        )
    except Exception as error:  # the page shows it and the process continues
        return "failed", f"{type(error).__name__}: {error} ({INTERNAL_ERROR})", _peak_memory()


def _remove_folder(message: str, arguments: Mapping[str, Any]) -> str:
    """Return a message without the temporary folders: the user knows only names of files."""
    for folder in (arguments["path"].parent if "path" in arguments else None, arguments.get("folder")):
        if isinstance(folder, Path):
            message = message.replace(f"{folder / CARDS}{os.sep}", "").replace(f"{folder}{os.sep}", "")
    return message


def _limit_rate(progress: Report, seconds: float = 0.2) -> Report:
    """Return a function that reports progress at most every `seconds`, and always at the start and end of a step."""
    last = [0.0]

    def report(step: str, unit: str, done: int, total: int) -> None:
        now = time.monotonic()
        if done in (0, total) or now - last[0] > seconds:
            last[0] = now
            progress(step, unit, done, total)

    return report


def _peak_memory() -> int:
    try:
        import resource
    except ImportError:  # not on this system
        return 0
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
