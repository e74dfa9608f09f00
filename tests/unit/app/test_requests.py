"""The application without a server: what it answers to requests that a browser would hardly send."""

from __future__ import annotations

import asyncio
import contextlib
import html
import json
import os
import re
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

pytest.importorskip("starlette")

from devicekit.app import server, state
from devicekit.app.examples import EXAMPLES
from devicekit.app.results import ReadResult, TaskResult
from devicekit.app.worker import Job
from devicekit.core.errors import Choice, Question
from devicekit.library import Library
from devicekit.system import catalog
from devicekit.system.commands import Reproduction

PORT, KEY = 8000, "the key"


class Idle:
    """A worker that never works."""

    task = ""

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
    """An app with a limit of 1000 bytes for an upload."""
    monkeypatch.setattr(state, "Worker", Idle)
    return state.App(tmp_path / "work", tmp_path / "library", size_limit=1000)


def ask(
    held: state.App,
    path: str,
    parts: list[bytes] | None = None,
    name: str = "a.csv",
    query: bytes = b"",
    kind: str = "text/csv",
    folder: str = "no",
) -> tuple[int, str]:
    """Status and text of the answer to a request; None as a part is a broken connection."""
    app = server.build_app(held, PORT, KEY)
    own = f"http://127.0.0.1:{PORT}"
    headers = {
        "host": own[7:],
        "cookie": f"devicekit-{PORT}={KEY}",
        "origin": own,
        "x-name": quote(name),
        "x-folder": folder,
    }
    headers["content-type"] = kind
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET" if parts is None else "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "headers": [(key.encode(), value.encode()) for key, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", PORT),
        "scheme": "http",
    }
    coming = [{"type": "http.request", "body": part, "more_body": True} for part in parts or []]
    messages: list[Any] = []

    async def receive() -> Any:
        return coming.pop(0) if coming else {"type": "http.request", "body": b"", "more_body": False}

    async def broken() -> Any:
        return coming.pop(0) if coming else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        messages.append(message)

    async def go() -> None:
        with contextlib.suppress(RuntimeError):  # which the server hears as well
            await app(scope, broken if parts and parts[-1] == b"" else receive, send)

    asyncio.run(go())
    assert any(key == b"content-security-policy" for key, _ in messages[0]["headers"])
    return messages[0]["status"], b"".join(each.get("body", b"") for each in messages[1:]).decode()


def opened(held: state.App, name: str = "a.csv") -> str:
    status, text = ask(held, "/uploads", [], name)
    assert status == 200
    return f"/uploads/{json.loads(text)['key']}"


def test_an_upload_beyond_the_limit_is_refused_and_removed(held: state.App) -> None:
    upload = opened(held)
    status, text = ask(held, f"{upload}/file", [b"x" * 600, b"x" * 600])
    assert status == 413
    assert text.startswith("a.csv is larger than")
    assert "command line" in text
    assert list(held.uploads) == []
    assert not list(held.folder.rglob("*.csv"))
    assert ask(held, f"{upload}/file", [b"x"])[0] == 404
    assert ask(held, f"{opened(held)}/file", [b"x" * 1000])[0] == 200  # so many are allowed


def test_a_broken_connection_leaves_nothing(held: state.App) -> None:
    upload = opened(held)
    assert ask(held, f"{upload}/file", [b"x" * 10, b""])[0] == 400
    assert list(held.uploads) == []
    assert not list((held.folder / "uploads").iterdir())


def test_a_second_file_for_an_upload_is_refused_and_the_first_stays(held: state.App) -> None:
    upload = opened(held)
    assert ask(held, f"{upload}/file", [b"1"])[0] == 200
    for _ in range(2):  # before all of it is there, and after
        status, text = ask(held, f"{upload}/file", [b"2"])
        assert status == 409
        assert text.startswith("a.csv ")
        assert [each.path.read_bytes() for each in held.uploads] == [b"1"]
        assert ask(held, f"{upload}/complete", [])[0] == 200
    assert ask(held, upload)[0] == 200
    (found,) = held.uploads
    assert found.read_job is not None


def test_two_names_for_one_file_of_a_folder_are_refused(held: state.App) -> None:
    upload = held.uploads.open("folder", True, True)
    assert ask(held, f"/uploads/{upload.key}/file", [b"1"], "a?.csv")[0] == 200
    status, text = ask(held, f"/uploads/{upload.key}/file", [b"2"], "a*.csv")
    assert status == 413
    assert "two files named" in text
    assert list(held.uploads) == []


@pytest.mark.parametrize("query", [b"words=" + b"+x" * 3000, b"of=on_off&low=x", b"sort=nosuch", b"kind=nosuch"])
def test_an_invalid_query_of_the_library_is_refused(held: state.App, query: bytes) -> None:
    status, text = ask(held, "/library", query=query)
    assert status == 422
    assert len(text) < 20_000
    body = b"query=" + quote(query).encode()
    status, text = ask(held, "/library/compare", [body], kind="application/x-www-form-urlencoded")
    assert status == 422
    assert len(text) < 20_000


@pytest.mark.slow
@pytest.mark.parametrize(("name", "figures"), [("vcm-trains", 1), ("cycles.csv", 1), ("reference-stdp", 0)])
def test_a_record_is_drawn_where_it_has_what_a_figure_takes(
    held: state.App, tmp_path: Path, name: str, figures: int
) -> None:
    file = tmp_path / name
    if name == "cycles.csv":
        file.write_text("cycle,HRS (kohm),LRS (kohm)\n" + "".join(f"{n},{90 + n},{9 + n / 9}\n" for n in range(1, 15)))
    else:
        known = catalog.get(name)
        file = known.card if known.card.exists() else known.data
    (added,) = Library(held.library).add_file(file)
    status, text = ask(held, f"/library/{added.record.id}")
    assert status == 200
    assert text.count("<figure") == text.count("data-live") == figures


@pytest.mark.parametrize("choice", ["²", "９", "-1", "1" * 5000, "", "1e0"])
def test_an_invalid_choice_is_refused(held: state.App, choice: str) -> None:
    upload = opened(held)
    assert ask(held, f"{upload}/file", [b"1,2\n"])[0] == 200
    assert ask(held, f"{upload}/complete", [])[0] == 200
    (found,) = held.uploads
    held.read(found)
    assert found.read_job is not None
    question = Question("What?", ("unit",), (Choice.of("S", unit="S"),))
    found.read_job.state, found.read_job.result = "done", ReadResult(question=question, asked=(question,))
    body = b"choice-0=" + quote(choice).encode()
    status, text = ask(held, f"{upload}/answer", [body], kind="application/x-www-form-urlencoded")
    assert status == 422
    assert "answers" in text


def test_a_full_disk_is_reported(held: state.App, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = opened(held)

    def full(*what: Any, **options: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    status, text = ask(held, f"{upload}/file", [b"1"])
    assert status == 413
    assert "a.csv" in text
    assert text.endswith("No space left on device")


def test_an_upload_is_not_read_before_it_is_complete(held: state.App) -> None:
    upload = opened(held)
    assert ask(held, f"{upload}/file", [b"1,2\n"])[0] == 200
    assert "uploading" in ask(held, upload)[1]
    assert "uploading" in ask(held, "/")[1]
    assert not held.jobs
    assert ask(held, f"{upload}/complete", [])[0] == 200
    assert [job.task for job in held.jobs.values()] == ["peek", "read"]
    assert 'class="progress"' in ask(held, upload)[1]


def test_an_internal_error_is_a_page(held: state.App, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*what: Any) -> Any:
        raise RuntimeError("<b>odd</b>")

    monkeypatch.setattr(held.uploads, "get", broken)
    status, text = ask(held, "/uploads/0")
    assert status == 500
    assert "RuntimeError: &lt;b&gt;odd&lt;/b&gt; (" in text


@pytest.mark.parametrize("path", ["/uploads/0/complete", "/uploads/0/file"])
def test_a_missing_upload_is_404(held: state.App, path: str) -> None:
    assert ask(held, path, [])[0] == 404


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_before_the_server_handles_it_is_not_lost(held: state.App, number: int) -> None:
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        with server.open_socket(None) as listening:
            server.serve(held, listening, KEY, lambda: os.kill(os.getpid(), number))
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@pytest.mark.slow
def test_idle_connections_are_closed(held: state.App, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that sends nothing, one that never ends its headers, one whose second request never does."""
    pytest.importorskip("uvicorn")
    from devicekit.app import header_timeout

    monkeypatch.setattr(header_timeout, "HEADER_SECONDS", 0.3)
    listening = server.open_socket(0)
    address = listening.getsockname()
    whole = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
    left: list[bytes] = []

    def talk() -> None:
        try:
            talks = [b"", b"GET / HTTP/1.1\r\nhost: x\r\n", whole + b"GET / HT"]
            open_ = [socket.create_connection(address, timeout=5) for _ in talks]
            for each, words in zip(open_, talks, strict=True):
                each.sendall(words)
            for each in open_:
                got = b""
                while block := each.recv(4096):
                    got += block
                left.append(got)
                each.close()
        finally:
            held.quit()

    talking = threading.Thread(target=talk)
    before = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    try:
        server.serve(held, listening, KEY, talking.start)
    finally:
        for each, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
            signal.signal(each, handler)
    talking.join(10)
    assert len(left) == 3  # each was closed before the client gave up
    assert left[:2] == [b"", b""]
    assert left[2].startswith(b"HTTP/1.1 400")


def test_an_example_is_opened_once_and_listed_with_the_runs(held: state.App) -> None:
    for _ in range(2):
        assert ask(held, "/examples/vcm-trains", [])[0] == 303
    (upload,) = held.uploads
    assert upload.path.read_bytes() == catalog.get("vcm-trains").data.read_bytes()
    assert upload.read_job is not None
    run = held.submit("training on a card", "train")
    assert [(each.where, each.progress) for each in held.entries()] == [
        (f"/uploads/{upload.key}", "reading"),
        (f"/runs/{run.id}", "waiting"),
    ]
    assert all(f'href="{each.where}"' in ask(held, "/")[1] for each in held.entries())
    assert ask(held, "/examples/pt-hfo2-al2o3-ti", [])[0] == 404  # SYNTHETIC


def test_examples_are_measured_and_their_pictures_fit() -> None:
    for each in EXAMPLES:
        assert not catalog.get(each.name).synthetic
        points = [tuple(map(float, pair.split(","))) for curve in each.curves for pair in curve.split()]
        assert len(points) > 20
        assert all(0 < x < 160 and 0 < y < 72 for x, y in points)


def test_a_wrong_stack_keeps_its_text_and_a_mended_one_is_simulated(held: state.App) -> None:
    form = b"application/x-www-form-urlencoded"
    _, page = ask(held, "/simulate/stack", [b"material=gated"], kind=form.decode())
    text = html.unescape(page.partition('spellcheck="false">\n')[2].partition("</textarea>")[0])
    wrong = text.replace("value = 7.0", "value = -7.0", 1)
    status, page = ask(held, "/simulate", [urlencode({"stack": wrong, "cycles": "2"}).encode()], kind=form.decode())
    assert status == 422
    assert "layer.HfO2.thickness" in page
    assert "value = -7.0" in page
    assert 'name="cycles" value="2"' in page
    assert ask(held, "/simulate", [urlencode({"stack": text}).encode()], kind=form.decode())[0] == 303
    (job,) = held.jobs.values()
    assert job.arguments["text"] == text


def test_progress_tells_what_how_far_and_how_long_yet(held: state.App) -> None:
    job = held.submit("training on card.json", "train")
    job.state, job.start_time = "running", time.monotonic()
    job.advance("reading", "", 0, 0)
    assert job.remaining is None
    job.advance("epochs", "samples", 0, 2000)
    job.advance("epochs", "samples", 500, 2000)
    assert job.remaining is None  # too early
    job.step_time -= 40.0
    assert job.remaining == pytest.approx(120.0, rel=0.02)  # 40 s for a quarter
    page = ask(held, f"/jobs/{job.id}", query=f"back=/runs/{job.id}".encode())[1]
    assert re.search(r"epochs, 500 of 2,000 samples, \d+ s, about (1 min 59|2 min [0-2]) s left", page)


def test_files_of_one_measurement_are_one_entry_until_they_are_split(held: state.App) -> None:
    status, text = ask(held, "/uploads", [], "a.csv and 2 more", folder="bundle")
    assert status == 200
    upload = f"/uploads/{json.loads(text)['key']}"
    for name in ("a.csv", "b.csv", "c.csv"):
        assert ask(held, f"{upload}/file", [name.encode()], name)[0] == 200
    assert ask(held, f"{upload}/split", [])[0] == 404  # files may still come
    assert ask(held, f"{upload}/complete", [])[0] == 200
    assert len(held.entries()) == 1
    assert ask(held, f"{upload}/split", [])[0] == 303
    assert [each.path.read_bytes() for each in held.uploads] == [b"a.csv", b"b.csv", b"c.csv"]
    assert [each.name for each in held.entries()] == ["a.csv", "b.csv", "c.csv"]
    assert ask(held, upload)[0] == 404
    first = held.entries()[0].where
    assert ask(held, first)[0] == 200  # which reads it
    assert [each.read_job is not None for each in held.uploads] == [True, False, False]
    assert ask(held, f"{first}/split", [])[0] == 404


def test_every_card_of_a_fit_is_kept(held: state.App, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[tuple[str, str]] = []

    def add(app: state.App, source: Path, name: str, labels: dict[str, str], reading: Any) -> str:
        kept.append((source.name, name))
        return f"id{len(kept)}"

    monkeypatch.setattr("devicekit.app.measure.add_to_library", add)
    upload = held.uploads.open("mine.csv", False)
    upload.is_complete = True
    upload.analysis_job = held.submit("fitting", "train")
    cards = ("card_5us.json", "card_50us.json")
    upload.analysis_job.result = TaskResult("a page", cards, cards, Reproduction("", ""))
    ask(held, f"/uploads/{upload.key}/keep", [b"name=mine"], kind="application/x-www-form-urlencoded")
    assert kept == [("card_5us.json", "mine 5us"), ("card_50us.json", "mine 50us")]
    assert upload.records == ("id1", "id2")


def test_a_record_is_listed_by_name_with_its_numbers_and_its_mark_once(held: state.App) -> None:
    from devicekit.library import Library

    (added,) = Library(held.library).add_file(catalog.shipped()["pt-hfo2-al2o3-ti"].card)
    _, page = ask(held, "/library")
    heads = re.findall(r'<th scope="col"[^>]*>([^<]*)<', page)
    assert [word in heads for word in ("Place", "Warnings")] == [False, True]
    assert page.lower().count("synthetic") == 1
    _, form = ask(held, "/train", query=f"card=record:{added.record.id}".encode())
    assert re.findall(r"<h1>.* (\S+)</h1>", form) == [f"{added.record.name}.json"]
