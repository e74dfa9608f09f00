"""State of a running app: uploads, jobs, workers and the library."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.requests import Request

from devicekit.app.analysis import known_options
from devicekit.app.questions import list_entries
from devicekit.app.uploads import MOST_BYTES, Upload, Uploads
from devicekit.app.worker import Job, Worker
from devicekit.core.errors import Question
from devicekit.system.options import ReadOptions

LONGEST_LOOK = 3.0  # s after which a picture that nobody waits for any more is given up
READING = ("peek", "read")  # tasks that write no files
LONG_TASKS = ("simulate", "train", "benchmark")  # a process of their own, so that files are read meanwhile


@dataclass(frozen=True)
class Entry:
    """One entry of the list of what is open: its name, its address, and how far it is."""

    name: str
    where: str
    progress: str


@dataclass(eq=False)
class App:
    """The state of one server.

    Parameters
    ----------
    folder : Path
        Temporary folder, removed at the end.
    library : Path
        Folder of the library of devices.
    size_limit : int
        Largest size of one upload [bytes].
    quit : callable
        Ends the server.
    """

    folder: Path
    library: Path
    size_limit: int = MOST_BYTES
    quit: Callable[[], None] = lambda: None
    jobs: dict[str, Job] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.uploads = Uploads(self.folder / "uploads", self.size_limit)
        self.quick_worker = Worker(warm_up=("warm_reading", "warm_fitting"))
        self.long_worker = Worker(is_lasting=False)

    @property
    def recipes(self) -> Path:
        """Folder of the user's recipes."""
        return self.library / "recipes"

    def entries(self) -> list[Entry]:
        """Return the open uploads, the newest first, then the runs."""
        runs = [each for each in self.jobs.values() if each.task in (*LONG_TASKS, "compare")]
        return [
            *(Entry(each.name, f"/uploads/{each.key}", each.progress) for each in self.uploads),
            *(Entry(each.title, f"/runs/{each.id}", each.progress) for each in runs[::-1]),
        ]

    def submit(self, title: str, task: str, **arguments: Any) -> Job:
        """Queue a task; every task except those of `READING` writes into a folder of its own."""
        folder = self.folder / "jobs" / uuid.uuid4().hex
        folder.mkdir(parents=True)
        if task not in READING:
            arguments["folder"] = folder
        job = Job(title, task, arguments, folder, is_apart=self._is_apart(task))
        self.jobs[job.id] = job
        self._worker(job).submit(job)
        return job

    def _is_apart(self, task: str) -> bool:
        """Return whether a task gets a process of its own: a long one, or a first look during an analysis."""
        return task in LONG_TASKS or (task == "peek" and self.quick_worker.task not in ("", *READING))

    def _worker(self, job: Job) -> Worker:
        return self.long_worker if job.is_apart else self.quick_worker

    def cancel(self, job: Job) -> None:
        """End a job on whichever worker runs it."""
        self._worker(job).cancel(job)

    def read(self, upload: Upload) -> Job | None:
        """Start to read an upload unless it has started; return None until the upload is complete.

        A first look at it comes before.
        """
        if upload.read_job is None and upload.is_complete:
            if upload.first_job is None:
                title = f"opening {upload.name}"
                upload.first_job = self.submit(title, "peek", path=upload.path, reading=upload.reading)
            arguments = {"answers": upload.answers, "asked": upload.asked, "recipe": upload.recipe}
            upload.read_job = self._submit_reading(upload, upload.reading, **arguments)
        return upload.read_job

    def look(self, upload: Upload, reading: ReadOptions, **answers: Any) -> Job:
        """Start to read an upload with answers that are not given yet; an earlier job of that kind ends."""
        earlier = upload.look_job
        upload.look_job = self._submit_reading(upload, reading, **answers)
        if earlier is not None and (earlier.state == "waiting" or earlier.seconds > LONGEST_LOOK):
            self.cancel(earlier)  # a process takes seconds to start again: what is nearly done is not ended
        return upload.look_job

    def _submit_reading(self, upload: Upload, reading: ReadOptions, **arguments: Any) -> Job:
        return self.submit(f"reading {upload.name}", "read", path=upload.path, reading=reading, **arguments)

    def analyze(self, upload: Upload) -> Job | None:
        """Start to fit or characterise an upload unless it has started; return None until it is read, and believed."""
        result = upload.read_result
        if upload.analysis_job is None and result is not None and result.is_whole:
            title = {"fit": "fitting", "population": "analysing"}.get(result.task, "characterizing")
            arguments = {"path": upload.path, "reading": result.reading, "options": known_options(upload)}
            upload.analysis_job = self.submit(f"{title} {upload.name}", result.task, **arguments)
        return upload.analysis_job

    def close_upload(self, upload: Upload) -> None:
        """End the jobs of an upload and remove its files."""
        self.stop_jobs(upload)
        self.uploads.close(upload)

    def stop_jobs(self, upload: Upload) -> None:
        """End the jobs of an upload."""
        for job in (upload.first_job, upload.read_job, upload.look_job, upload.analysis_job):
            self.discard_job(job)

    def discard_job(self, job: Job | None) -> None:
        """End a job, if there is one, and remove its files."""
        if job is not None:
            self.cancel(job)
            self.jobs.pop(job.id, None)
            shutil.rmtree(job.folder, ignore_errors=True)

    def forget(self, job: Job) -> None:
        """Forget a job that is over or whose result nobody needs, without ending its process."""
        self.jobs.pop(job.id, None)
        shutil.rmtree(job.folder, ignore_errors=True)

    def read_differently(self, upload: Upload, options: ReadOptions) -> None:
        """Set new reading options for an upload and discard its earlier results."""
        for job in (upload.read_job, upload.look_job, upload.analysis_job):
            self.discard_job(job)
        upload.reset(options)

    def answer(
        self,
        upload: Upload,
        reading: ReadOptions,
        answers: Mapping[str, Any],
        asked: tuple[Question, ...],
        form: Any,
        recipe: Path | None,
    ) -> None:
        """Set the answers to the question of an upload; it is read with them."""
        entries = {**upload.entries, **upload.looked, **list_entries(asked, form)}
        self.read_differently(upload, reading)
        upload.answers, upload.asked, upload.form, upload.recipe = answers, asked, form, recipe
        upload.entries = upload.looked = entries

    def close(self) -> None:
        """End the workers and remove the temporary folder."""
        self.quick_worker.close()
        self.long_worker.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def get_app(request: Request) -> App:
    """Return the app that answers a request."""
    app: App = request.app.state.app
    return app
