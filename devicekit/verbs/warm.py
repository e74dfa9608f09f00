"""Every kernel that fits, trainings and simulations need, compiled by small ones of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from devicekit.core.records import Record, column
from devicekit.device.array import DeviceArray
from devicekit.device.card import DeviceCard, load_card
from devicekit.device.programming import program_and_verify
from devicekit.features.conduction.prepare import prepare
from devicekit.features.conduction.verdict import judge
from devicekit.features.merit import Sample
from devicekit.fitting.device import fit, read_pulses
from devicekit.system import catalog
from devicekit.system.jit import cache_folder
from devicekit.system.options import ReadOptions
from devicekit.verbs.beside import small_samples, small_training
from physics.iv import simulate_iv
from snn.config import TrainingConfig
from snn.network.learning import GRADIENTS
from snn.network.pulsing import POLICIES
from snn.training import train

DEVICES, CYCLES, WIDTHS = 3, 4, 2  # of the example, for a fit of every kind
_OURS = ("devicekit", "physics", "snn")


@dataclass(frozen=True, kw_only=True)
class Warmed(Record):
    """Number of compiled kernels and the time it took."""

    kernels: int = column(doc="how many, for each kind of argument; 0 where all had been before")
    seconds: float = column(unit="s", doc="time it took")
    folder: Path = column(doc="where they are kept")


@contextmanager
def compiling() -> Iterator[list[str]]:
    """The names of our kernels that are compiled meanwhile, one for each kind of argument."""
    from numba.core import event

    names: list[str] = []

    class Listener(event.Listener):
        def on_start(self, event: Any) -> None:
            function = event.data["dispatcher"].py_func
            if function.__module__.partition(".")[0] in _OURS:
                names.append(f"{function.__module__}.{function.__qualname__}")

        def on_end(self, event: Any) -> None:
            pass

    with event.install_listener("numba:compile", Listener()):
        yield names


def _fit_example() -> None:
    table = read_pulses(catalog.get(catalog.KNOWN_TRUTH).data, ReadOptions())
    frame = table.frame
    few = frame["device_id"].isin(table.devices[:DEVICES]) & (frame["cycle"] < frame["cycle"].min() + CYCLES)
    few &= frame["pulse_width_s"].isin(table.widths[:WIDTHS])
    found = fit(replace(table, frame=frame[few].reset_index(drop=True)))
    found.to_card("warm")
    for branch in found.branches.values():
        replace(branch, band=None).rate_curve()  # of many devices: by the delta method


def _trainings() -> list[TrainingConfig]:
    """Return one of each kind that is compiled by itself: by its gradient, and by whether its policy sums changes."""
    plain = small_training()
    kinds = {policy.summed: name for name, policy in POLICIES.items() if not policy.needs_theta}
    found = []
    for gradient in GRADIENTS:
        found.append(replace(plain, gradient=gradient, scheme="offline"))
        found += [replace(plain, gradient=gradient, policy=name) for name in kinds.values()]
    return found


def _pulses(card: DeviceCard) -> None:
    DeviceArray(card, 2).pulse(1)
    program_and_verify(DeviceArray(card, 2), np.array([0.2, 0.4]), limit=2)


def _conduction() -> None:
    v = np.linspace(0.02, 1.0, 30)
    leg = prepare(v, v)
    assert leg is not None
    judge([leg], Sample())


def warm(progress: Callable[[int, int], None] = lambda done, total: None) -> Warmed:
    """Compile what is not compiled yet, and keep it.

    Parameters
    ----------
    progress : callable
        Called with the parts that are done, and all.
    """
    began = time.perf_counter()
    card, samples = load_card(catalog.get(catalog.KNOWN_TRUTH).card), small_samples()
    parts: list[Callable[[], Any]] = [_fit_example]
    parts += [lambda config=config: train(card, config, samples) for config in _trainings()]  # type: ignore[misc]
    parts += [lambda: _pulses(card), _conduction, lambda: simulate_iv(solver="banded")]
    with compiling() as names:
        for done, part in enumerate(parts):
            progress(done, len(parts))
            part()
    progress(len(parts), len(parts))
    return Warmed(kernels=len(names), seconds=time.perf_counter() - began, folder=cache_folder())
