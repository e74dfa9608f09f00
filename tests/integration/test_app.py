"""The local app as a process: who may ask, what an upload may do, and how it starts and ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.served import ENTRY, ROOT, Served, alive, served

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see processes")

SWEEP = b"V (V),I (A)\n" + b"".join(f"{v / 10},{v * 1e-5}\n".encode() for v in [*range(11), *range(10, -11, -1)])
EVERY = ("content-security-policy", "x-content-type-options", "referrer-policy", "cross-origin-resource-policy")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One running app for what leaves it as it was."""
    with served(tmp_path_factory.mktemp("app")) as running:
        yield running


def test_the_printed_address_opens_the_app_and_the_cookie_is_strict(app: Served) -> None:
    answer = app.ask(f"/?key={app.key}", headers={"Cookie": None})
    assert (answer.status, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith(f"devicekit-{app.port}=")
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert app.ask("/").status == 200


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1.evil.example:{}", "[::1]:{}", "127.0.0.1:1", "127.0.0.1", "evil.example:{}", "0.0.0.0:{}", "", None],
)
def test_another_host_is_refused_with_the_key_too(app: Served, host: str | None) -> None:
    headers = {"Host": host and host.format(app.port)}
    for path in ("/", f"/?key={app.key}"):
        answer = app.ask(path, headers=headers)
        assert answer.status == 400
        assert "devicekit" not in answer.headers.get("set-cookie", "")


@pytest.mark.parametrize("path", ["/", "/library", "/static/app.js", "/uploads/0", "/nothing", "/?key=wrong", "/?key="])
@pytest.mark.parametrize("cookie", [None, "", "devicekit-1={key}", "devicekit-{port}=wrong", "devicekit-{port}=%C3%A9"])
def test_without_the_key_nothing_is_shown(app: Served, path: str, cookie: str | None) -> None:
    shown = cookie and cookie.format(key=app.key, port=app.port)
    assert app.ask(path, headers={"Cookie": shown}).status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": None},
        {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"},  # another server of this machine
        {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": None},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Origin": None, "Sec-Fetch-Site": "cross-site"},
        {"Origin": None, "Sec-Fetch-Site": None},
        {"Sec-Fetch-Site": "cross-site"},
        {"Cookie": None},
    ],
)
@pytest.mark.parametrize("path", ["/uploads", "/quit", "/library/compare", "/simulate"])
def test_a_foreign_page_changes_nothing(app: Served, path: str, headers: dict[str, str | None]) -> None:
    before = app.ask("/").text
    assert app.ask(path, "POST", headers=headers).status == 403
    assert app.ask("/").text == before


@pytest.mark.slow
def test_every_answer_has_the_policy(app: Served) -> None:
    upload = app.upload("a.csv", SWEEP)
    app.page(upload)
    file = re.findall(r'href="(/jobs/[^"]+\.csv)"', app.ask(upload).text)[0]
    asked = [
        app.ask("/"),
        app.ask(file),
        app.ask("/nothing"),
        app.ask("/static/app.css"),
        app.ask("/static/htmx.min.js"),
        app.ask("/", headers={"Host": "evil.example"}),
        app.ask("/", headers={"Cookie": None}),
        app.ask("/quit"),  # a method that is not allowed
        app.ask("/quit", "POST", headers={"Origin": "https://evil.example"}),
        app.ask(f"/?key={app.key}", headers={"Cookie": None}),
        app.post("/simulate", material="none"),
    ]
    assert [each.status for each in asked] == [200, 200, 404, 200, 200, 400, 403, 405, 403, 303, 422]
    for answer in asked:
        assert all(name in answer.headers for name in EVERY)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert "server" not in answer.headers
    assert asked[1].headers["content-disposition"].startswith("attachment")
    app.post(f"{upload}/close")


@pytest.mark.parametrize(
    "path",
    [
        "/static/..",
        "/static/../server.py",
        "/static/%2e%2e/server.py",
        "/static/..%2fserver.py",
        "/static/..%5cserver.py",
        "/static/%2fetc%2fpasswd",
        "/static/htmx.LICENSE",
        "/library/..%2f..%2fetc%2fpasswd",
        "/library/%2e%2e",
        "/library/%2e%2e/card.json",
        "/library/nothing/..%2f..%2fx.csv",
        "/jobs/..%2f..%2f/report.html",
        "/uploads/..%2f..",
        "//evil.example/",
    ],
)
def test_no_address_leads_out_of_the_app(app: Served, path: str) -> None:
    answer = app.ask(path)
    assert answer.status == 404
    assert "root:" not in answer.text
    assert "location" not in answer.headers


def test_get_requests_change_nothing(app: Served) -> None:
    upload = app.open_upload("a.csv")  # nothing sent yet
    for path in ("/uploads", "/quit", "/library/compare", f"{upload}/close", f"{upload}/keep", f"{upload}/cancel"):
        assert app.ask(path).status in (404, 405)
    assert app.ask("/").status == 200
    app.post(f"{upload}/close")


@pytest.mark.parametrize("name", ["../../evil\0.csv", "..\\..\\evil.csv", "/etc/evil.csv", ".bashrc", "evil.csv"])
def test_an_uploaded_name_stays_in_its_folder(app: Served, name: str) -> None:
    (folder,) = app.folders
    before = {each for each in folder.parent.parent.rglob("*") if each.is_file()}
    upload = app.upload(name, b"no table")
    (new,) = {each for each in folder.parent.parent.rglob("*") if each.is_file()} - before
    assert new.parent.parent == folder / "uploads"
    assert not new.name.startswith(".")
    app.page(upload)  # nothing runs on it any more: to forget it ends no worker
    assert app.post(f"{upload}/close").status == 303
    assert {each for each in folder.parent.parent.rglob("*") if each.is_file()} == before


SCRIPT = "<img src=x onerror=alert(1)>"


def test_script_in_names_and_in_a_file_is_only_text(app: Served) -> None:
    text = f"V (V),I (A),{SCRIPT}\n" + "".join(f"{v / 10},{v * 1e-5},<script>{v}</script>\n" for v in range(12))
    upload = app.upload(f"{SCRIPT}.csv", text.encode())
    pages = [app.page(upload), app.ask("/").text]
    kept = app.post(f"{upload}/keep", name=SCRIPT, stack=SCRIPT, wafer="W1")
    assert kept.status == 303
    record = re.findall(r'href="(/library/[^"]+)"', app.page(upload))[-1]
    pages += [app.ask("/library").text, app.ask(record).text, app.ask(f"/library?words={quote(SCRIPT)}").text]
    pages += [app.post(f"{upload}/read", unit=SCRIPT).text, app.post("/simulate", material=SCRIPT, cycles=SCRIPT).text]
    pages += [app.ask(f"/library?of=on_off&low={quote(SCRIPT)}").text, app.ask(f"/library?sort={quote(SCRIPT)}").text]
    for page in pages:
        assert "<img src=x" not in page
        assert "<script>" not in page
    assert "&lt;img src=x onerror" in pages[3]
    app.post(f"{record}/remove")
    app.post(f"{upload}/close")


def test_an_interrupted_upload_leaves_nothing(app: Served) -> None:
    (folder,) = app.folders
    upload = app.open_upload("half.csv")
    with socket.create_connection(("127.0.0.1", app.port)) as raw:
        head = f"POST {upload}/file HTTP/1.1\r\nHost: 127.0.0.1:{app.port}\r\nCookie: {app.cookie}\r\n"
        raw.sendall(f"{head}Origin: {app.origin}\r\nX-Name: half.csv\r\nContent-Length: 100000\r\n\r\n".encode())
        raw.sendall(b"1,2\n" * 1000)
        written = folder / upload.lstrip("/") / "half.csv"
        wait(lambda: written.exists())
    wait(lambda: not written.parent.exists())
    assert app.ask(upload).status == 404
    assert "half.csv" not in app.ask("/").text


def wait(true: object, longest: float = 30.0) -> None:
    """Wait until a function says so."""
    end = time.monotonic() + longest
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command, until it ends by itself."""
    return subprocess.run(
        [sys.executable, "-c", ENTRY, "app", "--no-browser", *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.slow
def test_a_port_in_use_is_reported_in_one_sentence(app: Served, tmp_path: Path) -> None:
    ended = run("--port", str(app.port), "--library", str(tmp_path))
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1
    assert str(app.port) in ended.stderr


def test_a_missing_extra_is_reported_with_the_command_to_install_it(tmp_path: Path) -> None:
    (tmp_path / "starlette").mkdir()
    stub = "raise ModuleNotFoundError('No module named starlette', name='starlette')\n"
    (tmp_path / "starlette" / "__init__.py").write_text(stub)
    ended = run("--library", str(tmp_path), PYTHONPATH=f"{tmp_path}:{ROOT}")
    assert ended.returncode == 2
    assert 'pip install "devicekit[app]"' in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.slow
def test_a_second_copy_takes_another_port_and_leaves_the_first_alone(app: Served, tmp_path: Path) -> None:
    with Served(tmp_path / "library", app.temporary, "--json") as other:
        assert other.port != app.port
        assert len(app.folders) == 2
        assert other.ask("/", headers={"Cookie": app.cookie}).status == 403  # a key opens its own app alone
        code, _, err = other.wait_for_end(signal.SIGINT)
    assert (code, err) == (0, "")
    assert len(app.folders) == 1
    assert app.ask("/").status == 200


@pytest.mark.slow
def test_json_is_one_document_with_the_address(tmp_path: Path) -> None:
    with served(tmp_path, "--json") as app:
        code, out, err = app.wait_for_end(signal.SIGINT)
    assert (code, err) == (0, "")
    printed = json.loads(out)
    assert printed == {"address": app.address, "port": app.port, "library": str(app.library)}
    assert not app.folders


@pytest.mark.parametrize(
    "how", ["terminal", *(pytest.param(each, marks=pytest.mark.slow) for each in ("interrupt", "terminate", "quit"))]
)
def test_it_ends_with_its_workers_and_files(how: str, tmp_path: Path) -> None:
    with served(tmp_path) as app:
        started = app.processes()
        assert len(app.folders) == 1
        if how == "terminal":  # Ctrl-C goes to every process of the terminal
            os.killpg(app.process.pid, signal.SIGINT)
        elif how == "quit":
            answer = app.post("/quit")
            assert "has ended" in answer.text
        number = {"interrupt": signal.SIGINT, "terminate": signal.SIGTERM}.get(how)
        code, out, err = app.wait_for_end(number)
    assert (code, err) == (0, "")
    assert out.count(app.address) == 1
    assert "Ctrl-C" in out
    wait(lambda: not any(map(alive, started)))
    assert not app.folders


@pytest.mark.slow
def test_files_of_a_killed_app_are_removed_at_the_next_start(tmp_path: Path) -> None:
    with served(tmp_path) as app:
        app.upload("a.csv", SWEEP)
        started = app.processes()
        app.process.kill()
        app.process.wait()
        (left,) = app.folders
    wait(lambda: not any(map(alive, started)))
    with served(tmp_path) as app:
        assert left not in app.folders
        assert len(app.folders) == 1


@pytest.mark.slow
def test_over_ssh_the_tunnel_command_is_printed(tmp_path: Path) -> None:
    with served(tmp_path, SSH_CONNECTION="10.0.0.1 1 10.0.0.2 22") as app:
        code, out, _ = app.wait_for_end(signal.SIGINT)
    assert code == 0
    assert f"ssh -N -L {app.port}:127.0.0.1:{app.port} " in out
