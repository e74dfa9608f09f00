"""One process that does the work, so that pages are answered meanwhile; a job is cancelled by ending it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import shutil
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

from devicekit.app.forms import in_page_words
from devicekit.errors import DevicekitError

State = Literal["waiting", "running", "done", "failed", "cancelled"]
LOST = "the process that worked on this has ended; perhaps there was not enough memory"


@dataclass(eq=False)
class Job:
    """One piece of work.

    Attributes
    ----------
    id : str
        Random; part of its address.
    title : str
        What is done, for people: "fitting ramps.csv".
    task : str
        Name of a method of `devicekit.app.tasks.Bench`.
    arguments : dict
        Its keywords.
    folder : Path
        For what it writes; removed when it is cancelled.
    state, done, total
        How far it is; a total of 0 is not known.
    result : object
        What the task gave back.
    error : DevicekitError, optional
        Why it failed, in the words of the page.
    message : str
        Why it failed where that is a failure of our own.
    seconds : float
        How long it has run, or did.
    memory : int
        Largest memory of the process so far [bytes]; 0 where that is not known.
    """

    title: str
    task: str
    arguments: dict[str, Any]
    folder: Path
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    state: State = "waiting"
    done: int = 0
    total: int = 0
    result: Any = None
    error: DevicekitError | None = None
    message: str = ""
    began: float = 0.0
    took: float | None = None
    memory: int = 0

    def wait(self, longest: float = 600.0) -> None:
        """Wait until it is over, or so many seconds."""
        end = time.monotonic() + longest
        while not self.over and time.monotonic() < end:
            time.sleep(0.02)

    @property
    def over(self) -> bool:
        """True if nothing more will come of it."""
        return self.state in ("done", "failed", "cancelled")

    @property
    def seconds(self) -> float:
        """How long it has run, or did [s]."""
        if self.took is not None:
            return self.took
        return time.monotonic() - self.began if self.began else 0.0


class Worker:
    """A process that does jobs one after the other.

    Parameters
    ----------
    warm : str, optional
        Task to run once at the start, so that imports and compilation hide behind choosing a file.
    lasting : bool
        Whether the process is kept between jobs.
    """

    def __init__(self, warm: str | None = None, lasting: bool = True) -> None:
        self._warm, self._lasting = warm, lasting
        self._jobs: queue.Queue[Job | None] = queue.Queue()
        self._lock = threading.Lock()
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None
        self._ended = False
        if warm:
            self._start()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> Job:
        """Queue a job."""
        self._jobs.put(job)
        return job

    def cancel(self, job: Job) -> None:
        """End a job and leave nothing of it; one that is over stays as it is."""
        with self._lock:
            if job.over:
                return
            running, job.state = job.state == "running", "cancelled"
            if running:
                self._kill()
        shutil.rmtree(job.folder, ignore_errors=True)

    def close(self) -> None:
        """End the process."""
        self._ended = True
        self._jobs.put(None)
        with self._lock:
            self._kill()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=work, args=(theirs, self._warm), daemon=False)
        with _deaf():
            self._process.start()
        theirs.close()

    def _kill(self) -> None:
        if self._process is None:
            return
        if hasattr(os, "killpg") and self._process.pid and self._process.is_alive():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)  # with the processes that it has started itself
        self._process.kill()
        self._process.join()
        self._process = None

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            if self._ended:
                return
            with self._lock:
                if job.over:
                    continue
                if self._process is None or not self._process.is_alive():
                    self._start()
                job.state, job.began = "running", time.monotonic()
                pipe = self._pipe
            assert pipe is not None
            self._do(job, pipe)
            job.took = time.monotonic() - job.began
            if not self._lasting:
                with self._lock:
                    self._kill()

    def _do(self, job: Job, pipe: Connection) -> None:
        try:
            pipe.send((job.task, job.arguments))
            while True:
                kind, value, memory = pipe.recv()
                job.memory = max(job.memory, memory)
                if kind == "progress":
                    job.done, job.total = value
                    continue
                with self._lock:
                    self._finish(job, kind, value)
                return
        except (EOFError, OSError):
            self._fail(job, LOST)
        except Exception as error:  # what came cannot be understood: whatever it is, the next job must go on
            self._fail(job, f"{type(error).__name__}: {error} (a failure of devicekit's own)")

    def _fail(self, job: Job, message: str) -> None:
        with self._lock:
            if not job.over:
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


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """A process that is started meanwhile hears no Ctrl-C of the terminal, before it can say so itself either."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # else started with the process; it lets the signal through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def work(pipe: Connection, warm: str | None) -> None:
    """Return what the process does: tasks of a `Bench` as they come, until the other end is gone."""
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)  # ended as one, with what it starts
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the interrupt is the server's, which ends this process
    from devicekit.app.tasks import Bench

    bench = Bench()
    if warm:
        getattr(bench, warm)()
    while True:
        try:
            task, arguments = pipe.recv()
        except (EOFError, OSError):
            return
        pipe.send(_outcome(bench, task, arguments, pipe))


def _outcome(bench: Any, task: str, arguments: dict[str, Any], pipe: Connection) -> tuple[str, Any, int]:
    def progress(done: int, total: int) -> None:
        pipe.send(("progress", (done, total), _memory()))

    try:
        return "done", getattr(bench, task)(**arguments, progress=_now_and_then(progress)), _memory()
    except DevicekitError as error:
        return "failed", error.in_words(lambda message: in_page_words(_without_folder(message, arguments))), _memory()
    except Exception as error:  # whatever it is, the page says it and the process goes on
        return "failed", f"{type(error).__name__}: {error} (a failure of devicekit's own)", _memory()


def _without_folder(message: str, arguments: dict[str, Any]) -> str:
    """A message without our temporary folder: the user knows the file by its name alone."""
    folder = arguments["path"].parent if isinstance(arguments.get("path"), Path) else None
    return message.replace(f"{folder}{os.sep}", "") if folder is not None else message


def _now_and_then(progress: Callable[[int, int], None], seconds: float = 0.2) -> Callable[[int, int], None]:
    """The same, at most so often; the last call always."""
    last = [0.0]

    def told(done: int, total: int) -> None:
        now = time.monotonic()
        if done >= total or now - last[0] > seconds:
            last[0] = now
            progress(done, total)

    return told


def _memory() -> int:
    try:
        import resource
    except ImportError:  # not on this system
        return 0
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
