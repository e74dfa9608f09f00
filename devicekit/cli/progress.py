"""How far a command is: a line or a bar on a terminal, and lines in a log.

A log is standard error that is not a terminal, of a job in a queue for example. It gets a line every few seconds, with
`--json` too, for standard output alone must hold nothing else. Work that is done sooner prints none.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import typer

FIRST = 4.0  # seconds until the first line of a log
EVERY = 8.0  # seconds between lines; with the longest step that cannot be interrupted less than ten

BAR = "{desc}: {percentage:3.0f} % |{bar}| {n:.0f}/{total:.0f} {unit} [{elapsed} gone, {remaining} left]"


@dataclass
class _Activity:
    """What is being done, and how far it is."""

    name: str
    unit: str = ""
    began: float = field(default_factory=time.monotonic)
    first: int = 0  # done before
    done: int = 0
    total: int = 0
    redraw: Callable[[], None] | None = None  # on a terminal, with the time since it began

    def count(self, done: int, total: int) -> None:
        """Note how far it is; what was done before the first call does not count for the time left."""
        if not self.total:
            self.first, self.began = done, time.monotonic()
        self.done, self.total = done, total

    def __str__(self) -> str:
        gone = time.monotonic() - self.began
        if not self.total:
            return f"{self.name}: {_duration(gone)} so far"
        moved, open_ = self.done - self.first, self.total - self.done
        left = f"{_duration(gone * open_ / moved)} left" if moved > 0 else f"{_duration(gone)} so far"
        return f"{self.name}: {self.done:,} of {self.total:,} {self.unit}, {left}"


_activities: list[_Activity] = []  # the last is the one that is shown
_drawing = threading.Lock()  # so that nothing is drawn again after its end


def _duration(seconds: float) -> str:
    """Return a time in the unit that fits."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


@contextmanager
def _active(activity: _Activity) -> Iterator[_Activity]:
    _activities.append(activity)
    try:
        yield activity
    finally:
        with _drawing:
            _activities.remove(activity)
            activity.redraw = None


@contextmanager
def logging_lines(command: str) -> Iterator[None]:
    """Print a line every few seconds of a block if standard error is a log; on a terminal, draw its line or bar anew.

    Parameters
    ----------
    command : str
        What is named where nothing else is being done.
    """
    ended, is_log = threading.Event(), not sys.stderr.isatty()

    def print_lines() -> None:
        wait = FIRST
        while not ended.wait(wait):
            with suppress(OSError, ValueError), _drawing:  # the log is closed
                if is_log:
                    typer.echo(str(_activities[-1]), err=True)
                elif (redraw := _activities[-1].redraw) is not None:
                    redraw()
            wait = EVERY if is_log else FIRST

    thread = threading.Thread(target=print_lines, name="progress", daemon=True)
    with _active(_Activity(command)):
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(1.0)


class _Line:
    """A line of an activity on a terminal, written over until it is cleared."""

    def __init__(self, activity: _Activity) -> None:
        self._longest = 0
        self._write(f"{activity.name} ...")
        activity.redraw = lambda: self._write(str(activity))

    def _write(self, words: str) -> None:
        self._longest = max(self._longest, len(words))
        typer.echo(f"\r{words}", err=True, nl=False)

    def clear(self) -> None:
        """Write blanks over it."""
        typer.echo("\r" + " " * self._longest + "\r", err=True, nl=False)


@contextmanager
def doing(what: str, quiet: bool = False) -> Iterator[None]:
    """Say what is being done while it takes its time; on a terminal the line is gone when it is done."""
    with _active(_Activity(what)) as activity:
        if quiet or not sys.stderr.isatty():
            yield
            return
        line = _Line(activity)
        try:
            yield
        finally:
            with _drawing:
                activity.redraw = None
                line.clear()


@contextmanager
def counting(name: str, unit: str, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """A progress bar with the time left, on standard error if that is a terminal; called with (done, total)."""
    bar: Any = None
    line: _Line | None = None  # until the bar begins
    shown = sys.stderr.isatty() and not quiet

    def update(done: int, total: int) -> None:
        nonlocal bar
        activity.count(done, total)
        if not shown:
            return
        if bar is None:
            from tqdm import tqdm

            how: dict[str, Any] = {"desc": name, "unit": unit, "file": sys.stderr, "leave": False, "bar_format": BAR}
            with _drawing:
                if line is not None:
                    line.clear()
                bar = tqdm(total=total, initial=done, dynamic_ncols=True, **how)
                activity.redraw = bar.refresh
        bar.total = total
        bar.update(done - bar.n)

    with _active(_Activity(name, unit)) as activity:
        line = _Line(activity) if shown else None
        try:
            yield update
        finally:
            with _drawing:
                activity.redraw = None
                if bar is not None:
                    bar.close()
                elif line is not None:
                    line.clear()
