"""The bounds of every export on a card fitted to real measured ramps.

Each measured test and its twin that runs everywhere, on a card that `conftest.py` holds in numbers (case "ramps"):
test_aihwkit: test_aihwkit.py::test_within_a_thousandth_of_the_array
test_crosssim: test_crosssim.py::test_within_two_thousandths_of_the_array
test_crosssim_from_the_ramps_themselves: test_crosssim.py::test_straight_from_data_is_near_the_law_that_made_them
test_neurosim: test_neurosim.py::test_recursion_is_within_a_thousandth_of_the_fit
test_veriloga: test_veriloga.py::test_within_a_thousandth_of_the_array
test_pytorch_and_brian2: test_pytorch.py::test_the_law_in_the_file_follows_the_array, and test_brian2.py the same
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import devicekit
from devicekit.device.card import DeviceCard

from . import test_brian2, test_pytorch
from .conftest import deviation, exported
from .test_aihwkit import load, module_of, replay
from .test_crosssim import Lookup
from .test_neurosim import RealDevice, exponential
from .test_veriloga import compiled, pulse

__all__ = ["compiled", "load"]  # fixtures
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ramps(measured: Path) -> DeviceCard:
    data = measured / "crosssim_ramps"
    return devicekit.fit(data, quantity="current", read_voltage=0.1).to_card("ramps", data)


def test_aihwkit(ramps: DeviceCard, tmp_path: Path, load: Any) -> None:
    device = load(module_of(exported(ramps, "aihwkit", tmp_path)))["RampsPresetDevice"]()
    assert deviation(ramps, replay(ramps, device)) <= 1e-3


def test_crosssim(ramps: DeviceCard, tmp_path: Path) -> None:
    assert deviation(ramps, Lookup.load(exported(ramps, "crosssim", tmp_path, noise=False)).train()) <= 2e-3
    assert deviation(ramps, Lookup.load(exported(ramps, "crosssim", tmp_path)).train()) <= 2e-3


def test_crosssim_from_the_ramps_themselves(ramps: DeviceCard, measured: Path, tmp_path: Path) -> None:
    """No law in between: a train of the table ends where the measured mean ramp does."""
    table = devicekit.read(measured / "crosssim_ramps", quantity="current", read_voltage=0.1)
    lookup = Lookup.load(exported(ramps, "crosssim", tmp_path, data=table))
    path = lookup.train()
    wanted = np.nanmean([g[100] for _, _, _, g in table.traces("ltp")])
    assert abs(path[100] - wanted) / ramps.window.span < 0.03


def test_neurosim(ramps: DeviceCard, tmp_path: Path) -> None:
    device = RealDevice.load(exported(ramps, "neurosim", tmp_path))
    for direction, sign in (("ltp", 1), ("ltd", -1)):
        train = device.train(direction, int(device.fields[f"maxNumLevel{direction.upper()}"]))
        path = train if sign > 0 else 1 - train
        fitted = exponential(np.linspace(0, 1, path.size), sign * device.a(direction) / (path.size - 1))
        assert np.abs(path - fitted).max() <= 1e-3


def test_veriloga(ramps: DeviceCard, tmp_path: Path, compiled: Any) -> None:
    module = compiled(exported(ramps, "veriloga", tmp_path))
    r, states = 0.0, [0.0]
    for v in [1.0] * 100 + [-1.0] * 100:
        r = pulse(module, r, v)
        states.append(r)
    assert deviation(ramps, ramps.window.from_state(np.array(states))) <= 1e-6


def test_pytorch_and_brian2(ramps: DeviceCard) -> None:
    """The laws as the Python files write them."""
    assert deviation(ramps, test_pytorch.numpy_train(test_pytorch.text_of(ramps))) < 1e-12
    assert deviation(ramps, test_brian2.python_train(test_brian2.text_of(ramps), ramps)) < 1e-12
