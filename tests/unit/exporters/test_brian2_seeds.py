"""Seeds of the devices of a Brian2 network, with a stand-in for Brian2 that records them."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest

from devicekit.device.array import DeviceArray
from devicekit.device.card import DeviceCard
from devicekit.synthetic.pulses import truth_card

from .conftest import LAWS, exported, shipped
from .small_network import little

DEVICES = 3000


class Synapses:
    """Four devices from 2 inputs to 2 neurons, or as many as there are neurons of the source."""

    def __init__(self, source: Any, *others: Any, **options: Any) -> None:
        self.n = source if isinstance(source, int) else 4
        self.i, self.j = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
        self.read = SimpleNamespace(when="")

    def connect(self, **options: Any) -> None:
        pass

    def __len__(self) -> int:
        return self.n


class Unit(float):
    """A unit that lists can be multiplied by."""

    def __rmul__(self, other: Any) -> Any:
        return other if isinstance(other, list) else float(self) * other


@pytest.fixture
def brian2(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("brian2")
    module.__getattr__ = lambda name: MagicMock()  # type: ignore[method-assign]
    vars(module).update(Synapses=Synapses, second=Unit(1.0), siemens=Unit(1.0))
    monkeypatch.setitem(sys.modules, "brian2", module)


def module_of(card: DeviceCard, folder: Path, **options: Any) -> SimpleNamespace:
    (path,) = exported(card, "brian2", folder, **options).glob("*_brian2.py")
    names: dict[str, Any] = {"__name__": "exported", "__file__": str(path)}
    exec(compile(path.read_text(), str(path), "exec"), names)
    return SimpleNamespace(**names)


def test_groups_of_devices_differ_and_one_seed_fixes_all(tmp_path: Path, brian2: None) -> None:
    module = module_of(shipped(), tmp_path)

    def network(seed: int) -> list[np.ndarray]:
        np.random.seed(seed)  # noqa: NPY002 - as brian2.seed does
        return [module.devices(50, 50).kappa_ltp for _ in range(2)]

    (one, two), (same_one, same_two), (other, _) = network(1), network(1), network(2)
    assert not np.array_equal(one, two)
    assert not np.array_equal(one, other)
    np.testing.assert_array_equal([one, two], [same_one, same_two])
    np.testing.assert_array_equal(module.devices(50, 50, seed=3).kappa_ltp, module.devices(50, 50, seed=3).kappa_ltp)


def test_each_group_of_a_trained_network_has_its_own_devices(tmp_path: Path, brian2: None) -> None:
    network = little()
    covariance = ((0.04, 0.02), (0.02, 0.04))
    variation = network.card.variation.model_copy(update={"d2d_ln_rate_covariance": covariance})
    card = network.card.model_copy(update={"variation": variation})
    module = module_of(card, tmp_path, network=network)

    def gains(**options: Any) -> np.ndarray:
        _, parts = module.load_network(d2d="shared", **options)
        return np.array([part.gain_ltp for part in parts.values() if isinstance(part, Synapses)])

    made = gains()
    assert len(np.unique(made)) == made.size == 16
    np.testing.assert_array_equal(made, gains())
    assert not np.isin(made, gains(seed=1)).any()


@pytest.mark.parametrize("mode", [None, "shared"])
def test_d2d_is_that_of_an_array_by_default_and_by_name(mode: str | None, tmp_path: Path, brian2: None) -> None:
    """A card with a covariance and no measured devices; of one step, ln of which is the gain."""
    card = truth_card(LAWS["linear"], model="linear", ln_rate_sd=0.3)
    asked = {} if mode is None else {"d2d": mode}
    array = DeviceArray(card, DEVICES, seed=3, c2c="none", **asked)  # type: ignore[arg-type]
    array.pulse(1)
    made = module_of(card, tmp_path).devices(DEVICES, DEVICES, seed=1, **asked)
    assert np.log(made.gain_ltp).std() == pytest.approx(np.log(array.r).std(), rel=0.05, abs=1e-12)
    assert (made.gain_ltp.std() > 0) == (mode == "shared")
