"""A headless Chromium, controlled by the DevTools protocol over two pipes, without a driver or a package."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from tests.served import Served, served
from tests.visited import Visit

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SWITCHES = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--disable-extensions",
    "--disable-default-apps",
    "--remote-debugging-pipe",
)
# Reports that are looked at, by the command that writes them.
NAMES = ("run", "fit", "train", "characterize", "iv", "pulses", "kinetics", "benchmark", "study")
PATIENCE = 60.0  # s for one answer


class Chromium:
    """One browser process with one page.

    Attributes
    ----------
    console : list of str
        Console messages, uncaught exceptions and browser log entries since the last `open`.
    requests : list of str
        Addresses that the page asked for since then, without the page itself and data: URIs.
    dialogs : list of str
        What the page asked to be confirmed; it is.
    """

    def __init__(self, program: str, profile: Path) -> None:
        # Chromium reads commands from descriptor 3 and writes answers to descriptor 4
        (theirs_in, self._in), (self._out, theirs_out) = os.pipe(), os.pipe()
        import fcntl

        high = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, 10) for each in (theirs_in, theirs_out)]

        def connect() -> None:
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self._process = subprocess.Popen(
            [program, *SWITCHES, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(3, 4),
            preexec_fn=connect,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for each in (theirs_in, theirs_out, *high):
            os.close(each)
        self._rest = b""
        self._count = 0
        self._session: str | None = None
        self.console: list[str] = []
        self.requests: list[str] = []
        self.dialogs: list[str] = []
        self._loaded: set[str] = set()  # documents, by the loaders that brought them
        self._url = ""

    def __enter__(self) -> Self:
        try:
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Runtime", "Log", "Network"):
                self.call(f"{domain}.enable")
            self.call("Page.setLifecycleEventsEnabled", enabled=True)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *what: object) -> None:
        self.close()

    def close(self) -> None:
        """End the browser."""
        os.close(self._in)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._out)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return its answer."""
        self._count += 1
        message: dict[str, Any] = {"id": self._count, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._in, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            answer = self._message(deadline)
            if answer.get("id") == self._count:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return dict(answer["result"])
        raise TimeoutError(f"no answer to {method}")

    def _message(self, deadline: float) -> dict[str, Any]:
        """Return the next message; record events."""
        import select

        while b"\0" not in self._rest:
            if not select.select([self._out], [], [], max(deadline - time.monotonic(), 0.0))[0]:
                raise TimeoutError("the browser says nothing")
            part = os.read(self._out, 1 << 16)
            if not part:
                raise RuntimeError("the browser has ended")
            self._rest += part
        text, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        if "method" in message:
            self._note(message["method"], message["params"])
        return message

    def _note(self, event: str, what: dict[str, Any]) -> None:
        if event == "Page.lifecycleEvent" and what["name"] == "load":
            self._loaded.add(what["loaderId"])
        elif event == "Runtime.consoleAPICalled":
            self.console.append(" ".join(str(each.get("value")) for each in what["args"]))
        elif event == "Runtime.exceptionThrown":
            thrown = what["exceptionDetails"]
            words = str(thrown.get("exception", {}).get("description", ""))
            self.console.append(f"{thrown['text']} {words} {thrown.get('url', '')}:{thrown.get('lineNumber', '')}")
        elif event == "Log.entryAdded":
            self.console.append(what["entry"]["text"])
        elif event == "Page.javascriptDialogOpening":
            self.dialogs.append(what["message"])
            yes = {"id": 0, "method": "Page.handleJavaScriptDialog", "params": {"accept": True}}
            os.write(self._in, json.dumps({**yes, "sessionId": self._session}).encode() + b"\0")
        elif event == "Network.requestWillBeSent":
            address = what["request"]["url"]
            if not address.startswith("data:") and address != self._url:
                self.requests.append(address)

    def open(self, page: Path | str, width: int, height: int = 900, dark: bool = False, script: bool = True) -> None:
        """Load a file or an address at a width [CSS px], and wait until it is loaded and drawn.

        Without `script` none of the page's own runs.
        """
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=scheme)
        self._url = page if isinstance(page, str) else page.resolve().as_uri()
        self.console, self.requests = [], []
        # by its loader: a page that was still on its way here must not be taken for this one
        loader = self.call("Page.navigate", url=self._url)["loaderId"]
        deadline = time.monotonic() + PATIENCE
        while loader not in self._loaded:
            self._message(deadline)
        self.evaluate("Promise.all([...document.images].map(each => each.decode())).then(() => true)")

    def evaluate(self, script: str) -> Any:
        """Return the value of a JavaScript expression in the page, after its promise."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def type(self, text: str) -> None:
        """Type text at the focus."""
        self.call("Input.insertText", text=text)

    def give(self, selector: str, *files: Path) -> None:
        """Choose files, or a folder, in an input of the page."""
        found = self.call("Runtime.evaluate", expression=f"document.querySelector({selector!r})")
        self.call("DOM.setFileInputFiles", objectId=found["result"]["objectId"], files=[str(each) for each in files])

    def press(self, key: str) -> None:
        """Press and release a key such as Tab or Enter."""
        text = {"Enter": {"text": "\r"}, " ": {"text": " "}}.get(key, {})
        code = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowRight": 39, "ArrowDown": 40, "+": 187, " ": 32}[key]
        for kind in ("keyDown", "keyUp"):
            extra = text if kind == "keyDown" else {}
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **extra)

    def screenshot(self, path: Path) -> None:
        """Return the whole page as a PNG."""
        answer = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(answer["data"]))

    def print_as(self, media: str) -> None:
        """Set the layout of the page for "print" or "screen"."""
        self.call("Emulation.setEmulatedMedia", media=media)

    def mouse(self, kind: str, x: float, y: float, clicks: int = 0) -> None:
        """Send a mouse event (mouseMoved, mousePressed, mouseReleased) at a place in the window [CSS px]."""
        button = "none" if kind == "mouseMoved" and not clicks else "left"
        down = 1 if kind == "mousePressed" or (kind == "mouseMoved" and clicks) else 0
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, buttons=down, clickCount=clicks)

    def pdf(self, paper: tuple[float, float] = (8.27, 11.69)) -> bytes:
        """Print the page on paper of a width and height [inch]; return a PDF."""
        made = self.call("Page.printToPDF", preferCSSPageSize=True, paperWidth=paper[0], paperHeight=paper[1])
        return base64.b64decode(made["data"])


def unpacked(pdf: bytes) -> bytes:
    """Return a PDF with its object streams uncompressed."""
    parts = [pdf]
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            parts.append(zlib.decompress(stream))
        except zlib.error:
            continue
    return b"\n".join(parts)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """Browser for the session; without one the tests are skipped."""
    program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip(f"no browser found ({', '.join(PROGRAMS)}): reports were NOT looked at in a browser")
    with Chromium(program, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


STUDY = """
name = "tiny"
task = "train"
seeds = [0, 1]
reference = "a linear and symmetric device, no noise"
fixed = {card = "pt-hfo2-al2o3-ti", data = "digits", epochs = 1}
cases = [{label = "as fitted"}, {label = "a linear and symmetric device, no noise", linear = true}]
"""


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Reports by name, one of every command that writes one."""
    from devicekit.cli import build_app
    from devicekit.cli.common import run_app
    from devicekit.system import catalog

    folder = tmp_path_factory.mktemp("reports")
    (folder / "tiny.toml").write_text(STUDY)
    sets = [catalog.get(f"reference-{name}").data for name in ("dc", "endurance", "retention", "stdp")]
    pulses = catalog.get("pt-hfo2-al2o3-ti").data
    commands: dict[str, list[object]] = {
        "run": ["run", "--epochs", 2, "--out", folder / "run"],
        "fit": ["fit", pulses, "--width", 5e-6, "--report", folder / "fit" / "report.html"],
        "train": ["train", pulses.parent / "card.json", "--epochs", 2, "--scheme", "hybrid"],
        "characterize": ["characterize", *sets, "--jobs", 1],
        "iv": ["simulate", "iv", "--mesh", "coarse", "--solver", "banded", "--cycles", 2],
        "pulses": ["simulate", "pulses", "--mesh", "coarse", "--width", 5e-5, "--count", 20, "--cycles", 1],
        "kinetics": ["simulate", "kinetics", "--mesh", "coarse", "--voltage", 0.5, "--voltage", 0.7, "--rate", 1],
        "benchmark": ["benchmark", pulses.parent / "card.json", "--seeds", 2, "--no-wide", "--no-policy"],
        "study": ["study", folder / "tiny.toml"],
    }
    (folder / "fit").mkdir()
    for name, command in commands.items():
        extra = [] if name in ("run", "fit") else ["--out", folder / name]
        assert run_app(build_app(), [str(each) for each in [*command, *extra]]) == 0, name
    return {name: folder / name / "report.html" for name in commands}


@pytest.fixture
def same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., None]:
    """Run the command and Python lines of a page of the app, and compare their results to the last digit.

    Called with the visit and the file or folder that was dropped.
    """
    import shlex

    from devicekit.cli import build_app
    from devicekit.cli.common import run_app
    from devicekit.device.card import load_card
    from devicekit.tables import write_csv

    def check(visit: Any, dropped: Path) -> None:
        command, python = visit.reproduction
        offered = visit.files()
        work = tmp_path / "again"
        work.mkdir()
        (shutil.copytree if dropped.is_dir() else shutil.copy)(dropped, work / dropped.name)
        monkeypatch.chdir(work)
        program, *arguments = shlex.split(command)
        assert program == "devicekit"
        assert run_app(build_app(), arguments) == 0, capfd.readouterr().err
        cards = [name for name in offered if name.startswith("card")]
        for name in cards:
            assert (work / name).read_bytes() == offered[name]
            load_card(work / name)
        tables = [name for name in offered if name.endswith(".csv") and name != "table.csv"]
        for name in tables:
            (written,) = (work / "results").rglob(name)
            assert written.read_bytes() == offered[name]
        spoken: dict[str, Any] = {}
        for name in cards:
            (work / name).unlink()
        exec(python, spoken)
        for name in cards:
            assert (work / name).read_bytes() == offered[name]
        for name in tables:
            write_csv(spoken["found"].tables[name.removesuffix(".csv")], work / name)
            assert (work / name).read_bytes() == offered[name]
        assert cards or tables or "fit" in spoken
        capfd.readouterr()

    return check


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Running app."""
    pytest.importorskip("starlette")
    with served(tmp_path_factory.mktemp("app")) as running:
        yield running
        assert running.err == ""


@pytest.fixture
def visit(chromium: Any, app: Served) -> Visit:
    return Visit(chromium, app)
