"""A second process compiles for a run: only where that helps, and never so that the run depends on it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from devicekit.verbs import beside
from devicekit.verbs.beside import PARTS, CompilingBeside

COLD = """
import sys
from devicekit.verbs import beside
from devicekit.verbs.warm import compiling
beside._cores = lambda: 2
with beside.CompilingBeside() as other:
    assert other._process is not None
    for part, work in beside.PARTS.items():
        other.wait(part)
        with compiling() as names:
            work()
        assert names == [], (part, names)
with beside.CompilingBeside() as other:
    assert other._process is None  # all is kept now
"""


def test_nothing_is_started_where_all_is_compiled_or_on_one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, compiled in ((2, True), (1, False)):
        monkeypatch.setattr(beside, "_cores", lambda cores=cores: cores)
        monkeypatch.setattr(beside, "_is_compiled", lambda compiled=compiled: compiled)
        monkeypatch.setattr(subprocess, "Popen", None)
        with CompilingBeside() as other:
            for part in PARTS:
                other.wait(part)


def test_a_process_that_fails_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "_cores", lambda: 2)
    monkeypatch.setattr(beside, "_is_compiled", lambda: False)
    monkeypatch.setattr(beside, "PARTS", {"no such part": None})
    # not that of `sys` itself, which multiprocessing keeps for ever when it is imported
    monkeypatch.setattr(beside, "sys", SimpleNamespace(executable="/bin/false"))
    began = time.monotonic()
    with CompilingBeside() as other:
        other.wait("training")
    assert time.monotonic() - began < 60


def test_the_process_ends_when_nobody_holds_its_input() -> None:
    code = "import time; from devicekit.verbs import beside; beside.PARTS['wait'] = lambda: time.sleep(60); "
    ran = subprocess.Popen([sys.executable, "-c", f"{code} beside.main(['wait'])"], stdin=subprocess.PIPE)
    assert ran.stdin is not None
    ran.stdin.close()
    assert ran.wait(timeout=30) == 1


@pytest.mark.slow
def test_what_it_compiled_is_not_compiled_again(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    ran = subprocess.run([sys.executable, "-c", COLD], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
