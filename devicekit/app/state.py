"""What a running app holds: drops, jobs, workers and the library, and how it ends."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.requests import Request

from devicekit.app.drops import MOST_BYTES, Drop, Drops
from devicekit.app.results import Understood
from devicekit.app.worker import Job, Worker
from devicekit.options import ReadOptions


@dataclass(eq=False)
class App:
    """The state of one server.

    Parameters
    ----------
    folder : Path
        Temporary folder, removed at the end.
    library : Path
        Folder of the library of devices.
    most : int
        Bytes that one drop may have.
    quit : callable
        Ends the server.
    """

    folder: Path
    library: Path
    most: int = MOST_BYTES
    quit: Callable[[], None] = lambda: None
    jobs: dict[str, Job] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.drops = Drops(self.folder / "drops", self.most)
        self.quick = Worker(warm="warm")
        self.long = Worker(lasting=False)

    @property
    def recipes(self) -> Path:
        """Folder of the recipes that were kept."""
        return self.library / "recipes"

    def job(self, title: str, task: str, *, long: bool = False, **arguments: Any) -> Job:
        """Queue a task; those that write take `folder`."""
        folder = self.folder / "jobs" / uuid.uuid4().hex
        folder.mkdir(parents=True)
        if task != "read":
            arguments["folder"] = folder
        job = Job(title, task, arguments, folder)
        self.jobs[job.id] = job
        (self.long if long else self.quick).submit(job)
        return job

    def cancel(self, job: Job) -> None:
        """End a job, wherever it runs."""
        (self.long if job.task in ("simulate", "benchmark") else self.quick).cancel(job)

    def read(self, drop: Drop) -> Job | None:
        """Read a drop, if that was not begun; None before all of it is there."""
        if drop.read is None and drop.whole:
            drop.read = self.job(f"reading {drop.name}", "read", path=drop.path, reading=drop.reading)
        return drop.read

    def find(self, drop: Drop) -> Job | None:
        """Fit or characterise what was read, if that was not begun; None before it is read."""
        if drop.found is None and drop.read is not None and isinstance(drop.read.result, Understood):
            arguments: dict[str, Any] = {"path": drop.path, "reading": drop.reading}
            if drop.read.result.fits:
                drop.found = self.job(f"fitting {drop.name}", "fit", choice=drop.choice, **arguments)
            else:
                drop.found = self.job(f"characterizing {drop.name}", "characterize", **arguments)
        return drop.found

    def forget(self, drop: Drop) -> None:
        """End what is done for a drop and remove its files."""
        for job in (drop.read, drop.found):
            self.drop_job(job)
        self.drops.close(drop)

    def drop_job(self, job: Job | None) -> None:
        """End a job, if there is one, and remove what it wrote."""
        if job is not None:
            self.cancel(job)
            self.jobs.pop(job.id, None)
            shutil.rmtree(job.folder, ignore_errors=True)

    def begin_again(self, drop: Drop, options: ReadOptions) -> None:
        """Read a drop in another way; what was found before is forgotten."""
        for job in (drop.read, drop.found):
            self.drop_job(job)
        drop.again(options)

    def close(self) -> None:
        """End the workers and remove the temporary folder."""
        self.quick.close()
        self.long.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def running(request: Request) -> App:
    """The app that answers a request."""
    held: App = request.app.state.held
    return held
