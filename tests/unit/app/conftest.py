"""An app whose worker runs in this process, and uploads in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from devicekit.app.state import App
    from devicekit.app.worker import Job


class AtOnce:
    """A worker that runs each job when it is submitted, in this process."""

    task = ""

    def __init__(self, *what: Any, **options: Any) -> None:
        from devicekit.app.tasks import Tasks

        self.tasks = Tasks()
        self.ran: list[str] = []

    def submit(self, job: Job) -> None:
        from devicekit.app.state import READING
        from devicekit.app.worker import _run_task

        self.ran.append(job.task)
        if job.task not in READING:
            job.state = "running"  # only reading is of interest here
            return

        class Pipe:
            def send(self, message: Any) -> None:
                """Progress, which nobody reads."""

        kind, value, _ = _run_task(self.tasks, job.task, job.arguments, Pipe())  # type: ignore[arg-type]
        if kind == "done":
            job.result, job.state = value, "done"
        else:
            job.error, job.message, job.state = value, str(value), "failed"

    def cancel(self, job: Job) -> None:
        job.state = "cancelled"

    def close(self) -> None:
        """Nothing to end."""


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> App:
    from devicekit.app import state

    monkeypatch.setattr(state, "Worker", AtOnce)
    monkeypatch.setenv("DEVICEKIT_RECIPES", str(tmp_path / "library" / "recipes"))
    return state.App(tmp_path / "work", tmp_path / "library")


@pytest.fixture
def opened(app: App) -> Callable[..., str]:
    """Open a text as an upload; returns its path."""

    def open_text(text: str, name: str = "mine.csv") -> str:
        upload = app.uploads.open(name, False)
        upload.path.write_text(text)
        upload.is_complete = True
        return f"/uploads/{upload.key}"

    return open_text
