"""Worker processes of joblib: an interrupt is for the process that started them, which ends them."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def deaf() -> Iterator[None]:
    """A block in which processes are started that do not hear an interrupt; this one hears it when the block ends."""
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
def ending() -> Iterator[None]:
    """A block whose worker processes end with it when it is left by an interrupt or an error."""
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
