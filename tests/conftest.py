"""Fixtures that every test may use."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("DEVICEKIT_RECIPES", os.devnull)  # the recipes of whoever runs the tests are not for them

gc.set_threshold(100_000, 20, 20)  # as the command does; looks for garbage every 700 objects take a tenth of a test
_unlisted: list[str] = []


def pytest_collection_finish() -> None:
    """Keep modules and tests out of every search for garbage."""
    gc.freeze()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Collect skips for other reasons than those of the file that DEVICEKIT_ALLOWED_SKIPS names."""
    named = os.environ.get("DEVICEKIT_ALLOWED_SKIPS")
    if named and report.skipped and not hasattr(report, "wasxfail"):
        lines = Path(named).read_text(encoding="utf-8").splitlines()
        allowed = [line for line in lines if line and not line.startswith("#")]
        reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not any(words in reason for words in allowed):
            _unlisted.append(f"{report.nodeid}: {reason}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    if _unlisted and session.exitstatus == 0:
        session.exitstatus = 1


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if _unlisted:
        terminalreporter.section("skipped for a reason that is not in DEVICEKIT_ALLOWED_SKIPS", red=True)
        for line in _unlisted:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def measured() -> Path:
    """Folder of real measured files; the test is skipped, saying so, where it is not given."""
    given = os.environ.get("DEVICEKIT_TEST_DATA")
    if not given:
        pytest.skip("real measured data not found: set DEVICEKIT_TEST_DATA to their folder")
    folder = Path(given)
    if not folder.is_dir():
        pytest.fail(f"DEVICEKIT_TEST_DATA={given} is not a folder")
    return folder


@pytest.fixture
def without_mechanism(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave conduction mechanisms out, most of the time of a sweep, where a test does not look at them."""
    monkeypatch.setattr("devicekit.features.merits.mechanism.find", lambda *_: None)


@pytest.fixture
def without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave figures empty, most of the time of a page, where a test does not look at them."""
    empty = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
    monkeypatch.setattr("devicekit.report.pictures.render", lambda *_, **__: empty)
    monkeypatch.setattr("devicekit.verbs.simulate._draw", lambda path, *_: path.write_bytes(b""))


@dataclass(frozen=True)
class Ran:
    """What a command printed and returned."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def devicekit(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Run the command line in this process; a slow machine adds no lines of progress to what it prints."""
    from devicekit.cli import build_app, progress
    from devicekit.cli.common import run_app

    monkeypatch.setattr(progress, "FIRST", 1e6)

    def run(*arguments: object) -> Ran:
        capfd.readouterr()
        code = run_app(build_app(), [str(argument) for argument in arguments])
        printed = capfd.readouterr()
        return Ran(code, printed.out, printed.err)

    return run
