"""A running `devicekit app` and an HTTP client for it, for tests of its pages, its start and its end."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

ROOT = Path(__file__).parents[1]
ENTRY = "import sys; from devicekit.__main__ import main; sys.exit(main())"  # as pip writes it
PATIENCE = 240.0  # s for one job on a busy machine


@dataclass(frozen=True)
class Answer:
    """Status, headers (names in small letters) and content of an answer."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()


class Served:
    """The app in a separate process.

    Parameters
    ----------
    library : Path
    temporary : Path
        Folder for its temporary folder.
    arguments : str
        Further arguments of the command line.
    environment : mapping of str to str
        Changes to the environment.
    """

    def __init__(self, library: Path, temporary: Path, *arguments: str, **environment: str) -> None:
        temporary.mkdir(parents=True, exist_ok=True)
        self.library, self.temporary = library, temporary
        settings = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            "OMP_NUM_THREADS": "1",
            "TMPDIR": str(temporary),
            **environment,
        }
        settings.setdefault("PYTHONWARNINGS", "error")
        self._printed = [temporary / f"{time.monotonic_ns()}.{which}" for which in ("out", "err")]
        streams = [file.open("w") for file in self._printed]
        self.process = subprocess.Popen(
            [sys.executable, "-c", ENTRY, "app", "--no-browser", "--library", str(library), *arguments],
            env={name: value for name, value in settings.items() if value},
            stdout=streams[0],
            stderr=streams[1],
            start_new_session=True,
        )
        for stream in streams:
            stream.close()
        self.cookie = ""

    def __enter__(self) -> Served:
        """Wait for the address."""
        while not (found := re.search(r"http://127\.0\.0\.1:(\d+)/\?key=([\w-]{32})", self.out)):
            assert self.process.poll() is None, f"the app has ended: {self.err}"
            time.sleep(0.02)
        self.address, self.port, self.key = found[0], int(found[1]), found[2]
        self.cookie = f"devicekit-{self.port}={self.key}"
        return self

    def __exit__(self, *what: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def out(self) -> str:
        """Standard output so far."""
        return self._printed[0].read_text()

    @property
    def err(self) -> str:
        """Standard error so far."""
        return self._printed[1].read_text()

    @property
    def origin(self) -> str:
        """Origin of its pages."""
        return f"http://127.0.0.1:{self.port}"

    def wait_for_end(self, number: int | None = None) -> tuple[int, str, str]:
        """Send a signal, if one is given, and return exit code, output and errors at the end."""
        if number is not None:
            self.process.send_signal(number)
        return self.process.wait(60), self.out, self.err

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: bytes | Iterator[bytes] | None = None,
        headers: Mapping[str, str | None] | None = None,
    ) -> Answer:
        """Send a request as the app pages do; `headers` change headers or (None) remove them."""
        default: dict[str, str | None] = {"Host": f"127.0.0.1:{self.port}", "Cookie": self.cookie}
        if method not in ("GET", "HEAD"):
            default |= {"Origin": self.origin, "Sec-Fetch-Site": "same-origin"}
        sent = {name: value for name, value in {**default, **(headers or {})}.items() if value is not None}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            if isinstance(body, bytes):
                sent["Content-Length"] = str(len(body))
            elif body is None and method == "POST":
                sent["Content-Length"] = "0"
            for name, value in sent.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())
        finally:
            connection.close()

    def post(self, path: str, **form: str) -> Answer:
        """Submit a form without script."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.ask(path, "POST", urlencode(form).encode(), kind)

    def open_upload(self, name: str, folder: bool = False) -> str:
        """Open an upload and return its address."""
        headers = {"X-Name": quote(name), "X-Folder": "yes" if folder else "no"}
        answer = self.ask("/uploads", "POST", headers=headers)
        assert answer.status == 200, answer.text
        return f"/uploads/{json.loads(answer.content)['key']}"

    def upload(self, name: str, content: bytes) -> str:
        """Send a file and return the address of its upload."""
        where = self.open_upload(name)
        answer = self.ask(f"{where}/file", "POST", content, {"X-Name": quote(name)})
        assert answer.status == 200, answer.text
        assert self.ask(f"{where}/complete", "POST").status == 200
        return where

    def page(self, where: str) -> str:
        """Return the text of a page once no job of it runs."""
        end = time.monotonic() + PATIENCE
        while True:
            text = self.ask(where).text
            if 'class="progress"' not in text:
                return text
            assert time.monotonic() < end, f"{where} still runs"
            time.sleep(0.1)

    @property
    def folders(self) -> list[Path]:
        """Temporary folders of the app."""
        return sorted(self.temporary.glob("devicekit-app-*"))

    def processes(self) -> dict[int, str]:
        """Return the command lines of its running child processes by process id."""
        found, parents = {}, {self.process.pid}
        known = {}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                known[int(entry.name)] = (int(fields[1]), fields[0], (entry / "cmdline").read_text())
            except (OSError, ValueError, IndexError):
                continue
        for _ in range(3):
            for process, (parent, state, line) in known.items():
                if parent in parents and state not in "ZX":
                    found[process] = line.replace("\0", " ")
                    parents = parents | {process}
        return found


@contextmanager
def served(folder: Path, *arguments: str, **environment: str) -> Iterator[Served]:
    """Run the app with its library and temporary folder in a folder."""
    with Served(folder / "library", folder / "tmp", *arguments, **environment) as running:
        yield running


def alive(process: int) -> bool:
    """Return whether a process runs."""
    try:
        return (Path("/proc") / str(process) / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (OSError, IndexError):
        return False
