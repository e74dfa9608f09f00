"""Worker processes: an interrupt is for the process that started them, which ends them."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def ignore_interrupts() -> Iterator[None]:
    """Start processes that ignore interrupts, in a block after which this one heeds them again."""
    if not hasattr(signal, "pthread_sigmask"):  # not on this system
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # where it is started, Python 3.11 lets interrupts through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def end_workers_on_error() -> Iterator[None]:
    """End the worker processes of a block that is left by an interrupt or an error."""
    try:
        yield
    except BaseException:
        end_workers()
        raise


def end_workers() -> None:
    """End the worker processes that joblib has started for this process, whatever they do."""
    module = sys.modules.get("joblib.externals.loky.reusable_executor")
    executor = getattr(module, "_executor", None)
    if executor is not None:
        executor.shutdown(wait=True, kill_workers=True)
