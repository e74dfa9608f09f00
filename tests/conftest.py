"""Fixtures that every test may use."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


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
def devicekit(capfd: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run the command line in this process."""
    from devicekit.cli import build_app
    from devicekit.cli.common import run_app

    def run(*arguments: object) -> Ran:
        capfd.readouterr()
        code = run_app(build_app(), [str(argument) for argument in arguments])
        printed = capfd.readouterr()
        return Ran(code, printed.out, printed.err)

    return run
