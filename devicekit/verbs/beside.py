"""Compilation of training and filament kernels in a second process, while a run fits.

`python -m devicekit.verbs.beside PART ...` is that process; it ends when its standard input is closed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from devicekit.system.workers import ignore_interrupts

if TYPE_CHECKING:
    from snn.config import TrainingConfig
    from snn.data.dataset import Dataset

SAMPLES, CHANNELS, CLASSES, HIDDEN = 20, 64, 10, 8


def small_samples() -> Dataset:
    """Return a few samples of noise, of the size of the digits."""
    import numpy as np

    from snn.data.dataset import Dataset

    rng = np.random.default_rng(0)
    x, y = rng.random((SAMPLES, CHANNELS)), np.arange(SAMPLES, dtype=np.int64) % CLASSES
    return Dataset("noise", "none", x, y, x, y)


def small_training() -> TrainingConfig:
    """Return a small training of the kind that `devicekit run` does."""
    from snn.config import TrainingConfig

    return TrainingConfig(epochs=1, hidden=HIDDEN, scheme="insitu")


def _train() -> None:
    from devicekit.device.card import load_card
    from devicekit.system import catalog
    from snn.training import train

    train(load_card(catalog.get(catalog.EXAMPLE).card), small_training(), small_samples())


def _simulate() -> None:
    from physics.iv import simulate_iv

    simulate_iv(solver="banded")


PARTS: dict[str, Callable[[], Any]] = {"training": _train, "filament": _simulate}  # in the order of their use


def _is_compiled() -> bool:
    """Return whether another process has nothing to add."""
    from devicekit.system.jit import cache_folder, is_kept, keeps
    from snn.network.epochs import insitu_kernel
    from snn.network.learning import NUMBERS
    from snn.network.pulsing import POLICIES

    config = small_training()
    if not keeps(cache_folder()):
        return True  # what another process compiles would not reach this one
    return is_kept(insitu_kernel(NUMBERS[config.gradient], POLICIES[config.policy].summed))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class CompilingBeside:
    """A block beside which another process compiles `PARTS`.

    Only where there is a second core, and where the training is not compiled yet; else nothing is started, and nothing
    is waited for. The process ends with the block, and with this process.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._done: set[str] = set()

    def __enter__(self) -> CompilingBeside:
        if _cores() > 1 and not _is_compiled():
            command = [sys.executable, "-m", __name__, *PARTS]
            pipe, none = subprocess.PIPE, subprocess.DEVNULL
            with ignore_interrupts():
                self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=none, text=True)
        return self

    def wait(self, part: str) -> None:
        """Go on when a part is compiled, or when it will not be: what is missing is compiled here then."""
        while self._process is not None and self._process.stdout is not None and part not in self._done:
            line = self._process.stdout.readline()
            if not line:
                break
            self._done.add(line.strip())

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()


def _end_with_parent() -> None:
    sys.stdin.read()  # until the other end is closed
    os._exit(1)


def main(parts: Sequence[str]) -> None:
    """Compile parts, and print the name of each when it is done."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for part in parts:
        PARTS[part]()
        print(part, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
