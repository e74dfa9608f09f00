"""The application without a server: what it answers to requests that a browser would hardly send."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette")

from devicekit.app import server, state
from devicekit.app.worker import Job

PORT, KEY = 8000, "the key"


class Idle:
    """A worker that never works."""

    def __init__(self, *what: Any, **options: Any) -> None:
        self.jobs: list[Job] = []

    def submit(self, job: Job) -> None:
        self.jobs.append(job)

    def cancel(self, job: Job) -> None:
        job.state = "cancelled"

    def close(self) -> None:
        """Nothing to end."""


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> state.App:
    """An app whose drops may have a thousand bytes."""
    monkeypatch.setattr(state, "Worker", Idle)
    return state.App(tmp_path / "work", tmp_path / "library", most=1000)


def ask(held: state.App, path: str, parts: list[bytes] | None = None, name: str = "a.csv") -> tuple[int, str]:
    """Status and text of the answer to a request; None as a part is a broken connection."""
    app = server.build(held, PORT, KEY)
    own = f"http://127.0.0.1:{PORT}"
    headers = {"host": own[7:], "cookie": f"devicekit-{PORT}={KEY}", "origin": own, "x-name": name, "x-folder": "no"}
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET" if parts is None else "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(key.encode(), value.encode()) for key, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", PORT),
        "scheme": "http",
    }
    coming = [{"type": "http.request", "body": part, "more_body": True} for part in parts or []]
    said: list[Any] = []

    async def receive() -> Any:
        return coming.pop(0) if coming else {"type": "http.request", "body": b"", "more_body": False}

    async def broken() -> Any:
        return coming.pop(0) if coming else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        said.append(message)

    async def go() -> None:
        with contextlib.suppress(RuntimeError):  # which the server hears as well
            await app(scope, broken if parts and parts[-1] == b"" else receive, send)

    asyncio.run(go())
    assert any(key == b"content-security-policy" for key, _ in said[0]["headers"])
    return said[0]["status"], b"".join(each.get("body", b"") for each in said[1:]).decode()


def opened(held: state.App, name: str = "a.csv") -> str:
    status, text = ask(held, "/drops", [], name)
    assert status == 200
    return f"/drops/{json.loads(text)['key']}"


def test_a_drop_beyond_the_cap_is_refused_and_nothing_of_it_is_left(held: state.App) -> None:
    drop = opened(held)
    status, text = ask(held, f"{drop}/file", [b"x" * 600, b"x" * 600])
    assert status == 413
    assert text.startswith("a.csv is larger than")
    assert "use the command line" in text
    assert list(held.drops) == []
    assert not list(held.folder.rglob("*.csv"))
    assert ask(held, f"{drop}/file", [b"x"])[0] == 404
    assert ask(held, f"{opened(held)}/file", [b"x" * 1000])[0] == 200  # so many are allowed


def test_a_broken_connection_leaves_nothing(held: state.App) -> None:
    drop = opened(held)
    assert ask(held, f"{drop}/file", [b"x" * 10, b""])[0] == 400
    assert list(held.drops) == []
    assert not list((held.folder / "drops").iterdir())


def test_a_second_file_for_one_drop_is_refused(held: state.App) -> None:
    drop = opened(held)
    assert ask(held, f"{drop}/file", [b"1"])[0] == 200
    status, text = ask(held, f"{drop}/file", [b"2"])
    assert status == 413
    assert "two files named a.csv" in text


def test_a_disk_that_is_full_is_said(held: state.App, monkeypatch: pytest.MonkeyPatch) -> None:
    drop = opened(held)

    def full(*what: Any, **options: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    status, text = ask(held, f"{drop}/file", [b"1"])
    assert (status, text) == (413, "a.csv cannot be stored: No space left on device")


def test_a_drop_is_not_read_before_all_of_it_is_there(held: state.App) -> None:
    drop = opened(held)
    assert ask(held, f"{drop}/file", [b"1,2\n"])[0] == 200
    assert "Being sent" in ask(held, drop)[1]
    assert "being sent" in ask(held, "/")[1]
    assert not held.jobs
    assert ask(held, f"{drop}/whole", [])[0] == 200
    assert [job.task for job in held.jobs.values()] == ["read"]
    assert 'class="progress"' in ask(held, drop)[1]


def test_a_failure_of_our_own_is_a_page(held: state.App, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*what: Any) -> Any:
        raise RuntimeError("<b>odd</b>")

    monkeypatch.setattr(held.drops, "get", broken)
    status, text = ask(held, "/drops/0")
    assert status == 500
    assert "RuntimeError: &lt;b&gt;odd&lt;/b&gt; (a failure of devicekit&#39;s own)" in text


@pytest.mark.parametrize("path", ["/drops/0/whole", "/drops/0/file"])
def test_what_is_not_there_is_said(held: state.App, path: str) -> None:
    assert ask(held, path, [])[0] == 404


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_the_server_listens_to_it_is_not_lost(held: state.App, number: int) -> None:
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        with server.free_socket(None) as listening:
            server.serve(held, listening, KEY, lambda: os.kill(os.getpid(), number))
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
