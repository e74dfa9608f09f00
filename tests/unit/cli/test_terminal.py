"""Colour, width and progress: for a terminal, and for everything else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devicekit.cli import progress as lines
from devicekit.cli import terminal
from devicekit.system import catalog

Run = Callable[..., Any]
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def on_a_terminal(script: str, columns: int = 60, **environment: str) -> str:
    """What a Python script writes to a terminal of this width, standard output and error together."""
    pytest.importorskip("fcntl", reason="terminals are driven on Unix only")
    import fcntl
    import pty
    import select
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**kept, "TERM": "xterm", **environment},
    ) as process:
        os.close(theirs)
        printed = b""
        while select.select([ours], [], [], 60)[0]:
            try:
                part = os.read(ours, 65536)
            except OSError:  # the other end has gone
                break
            if not part:
                break
            printed += part
    os.close(ours)
    assert process.returncode == 0, printed
    return printed.decode().replace("\r\n", "\n")


SAY = """
from devicekit.cli import terminal
terminal.title("A title")
terminal.fields([("law", "eq. (2)"), ("window", "a " * 60)])
terminal.warning("[weak] " + "word " * 30)
"""


def test_a_terminal_gets_colour_and_its_own_width() -> None:
    printed = on_a_terminal(SAY, 60)
    assert ESCAPE.search(printed)
    plain = ESCAPE.sub("", printed)
    assert max(len(line) for line in plain.splitlines()) <= 60
    assert len(plain.splitlines()) > 6
    assert re.search(r"(?m)^  law     eq", plain)
    assert re.search(r"(?m)^ {10}a a a", plain)  # the second line of a value lies under its first


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour_where_it_is_not_wanted(environment: dict[str, str]) -> None:
    assert not ESCAPE.search(on_a_terminal(SAY, 60, **environment))


def test_an_empty_no_color_is_not_set() -> None:
    assert ESCAPE.search(on_a_terminal(SAY, 60, NO_COLOR=""))


def test_a_pipe_gets_whole_lines_without_colour(capfd: pytest.CaptureFixture[str]) -> None:
    terminal.title("A title")
    terminal.fields([("window", "a " * 60)])
    terminal.warning("word " * 30)
    printed = capfd.readouterr()
    assert printed.out == "A title\n  window  " + ("a " * 60).strip() + "\n"
    assert printed.err == "warning: " + ("word " * 30).strip() + "\n"


def test_columns_are_aligned(capfd: pytest.CaptureFixture[str]) -> None:
    terminal.table(("law", "k", "rms"), [("eq2", "7", "0.035"), ("exponential", "12", "10.1")])
    lines = capfd.readouterr().out.splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[1].endswith("0.035")


BAR = """
from devicekit.cli import progress as lines
with lines.counting("training", "epochs") as progress:
    for k in range(1, 6):
        progress(k, 5)
        import time; time.sleep(0.15)
print("done")
"""


def test_progress_tells_the_time_left_and_goes_away() -> None:
    printed = on_a_terminal(BAR, 80)
    assert re.search(r"training: +\d+ % .*\d/5 epochs \[.* gone, .* left\]", printed)
    assert ESCAPE.sub("", printed).rstrip().split("\r")[-1].strip() == "done"


def test_progress_is_silent_in_a_pipe_and_with_json(capfd: pytest.CaptureFixture[str]) -> None:
    with lines.counting("training", "epochs") as progress:
        progress(1, 5)
    with lines.doing("fitting"):
        pass
    assert capfd.readouterr() == ("", "")
    script = BAR.replace('"epochs"', '"epochs", quiet=True')
    assert on_a_terminal(script, 80).strip() == "done"


def test_a_terminal_shows_that_work_goes_on_while_nothing_is_counted() -> None:
    script = """
import time
from devicekit.cli import progress
progress.FIRST = 0.05
with progress.logging_lines("devicekit x"):
    with progress.doing("fitting"):
        time.sleep(0.3)
    with progress.counting("training", "epochs") as count:
        count(1, 5)
        time.sleep(0.3)
print("done")
"""
    printed = on_a_terminal(script, 80)
    assert printed.count("fitting: 0 s so far") >= 2
    assert printed.count("1/5 epochs") >= 2
    assert ESCAPE.sub("", printed).rstrip().split("\r")[-1].strip() == "done"


def test_earlier_runs_do_not_count_for_the_time_left() -> None:
    script = BAR.replace("range(1, 6)", "(4, 5)")
    assert "4/5" in on_a_terminal(script, 80)


def test_an_ascii_locale_is_no_reason_to_fail(tmp_path: Path) -> None:
    card = catalog.get("pt-hfo2-al2o3-ti").data.parent / "card.json"
    ran = subprocess.run(
        [sys.executable, "-m", "devicekit", "card", "show", str(card)],
        capture_output=True,
        cwd=tmp_path,
        env={**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
    )
    assert ran.returncode == 0, ran.stderr
    assert b"62.6 to 280 " in ran.stdout


def test_summaries_fit_eighty_columns(devicekit: Run) -> None:
    """Tables are not wrapped, so they must be narrow enough by themselves."""
    card = catalog.get("pt-hfo2-al2o3-ti").data.parent / "card.json"
    lines = devicekit("card", "show", card).out.splitlines()
    tables = [line for line in lines if "%" in line or re.match(r"  [a-i] ", line)]
    assert len(tables) > 8
    assert max(len(line) for line in tables if not line.lstrip().startswith(("[", "nrmse is"))) <= 80


def test_a_card_is_shown_with_units_and_types(devicekit: Run) -> None:
    card = catalog.get("pt-hfo2-al2o3-ti").data.parent / "card.json"
    out = devicekit("card", "show", card).out
    assert "62.6 to 280 µS" in out
    assert "(increment) [% of window]" in out
    assert re.search(r"(?m)^  d .*3\.82\*", out)  # marked: weakly determined
    assert "synthetic" in out


def test_a_log_gets_lines_with_the_time_left(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "FIRST", 0.05)
    monkeypatch.setattr(lines, "EVERY", 0.05)
    with lines.logging_lines("devicekit train"):
        time.sleep(0.12)
        with lines.counting("training", "epochs", quiet=True) as progress:  # --json prints them too
            progress(1, 10)  # done before
            time.sleep(0.1)
            progress(2, 10)
            time.sleep(0.12)
    printed = capfd.readouterr()
    assert printed.out == ""
    found = printed.err.splitlines()
    assert found[0] == "devicekit train: 0 s so far"
    assert re.fullmatch(r"training: 2 of 10 epochs, [12] s left", found[-1])


def test_short_work_and_served_pages_print_no_line(
    devicekit: Run, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from devicekit.cli.app import app_command

    with lines.logging_lines("devicekit read"):
        time.sleep(0.05)
    assert capfd.readouterr() == ("", "")
    assert app_command.is_served  # type: ignore[attr-defined]
