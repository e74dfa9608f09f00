"""Device cards made in code, and the real Optdigits where the environment says that they are."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from devicekit.device.blocks import Branch, BranchVariation, Conditions, Provenance, RateCurve, Sigma, Variation, Window
from devicekit.device.card import DeviceCard
from snn.data.dataset import Dataset
from snn.data.load import load

SOFT_BOUND = (-4.0, 0.95, 1.0, 0.0, 0.0, 0.0)


def make_card(
    up: tuple[float, ...] = SOFT_BOUND,
    down: tuple[float, ...] = SOFT_BOUND,
    increment: float = 0.001,
    read: float = 0.0,
    cap: float = 0.2,
) -> DeviceCard:
    """A card with the given internal parameters (L, kappa, d, f, g, h) of eq. (2) and typed variation."""

    def branch(direction: str, theta: tuple[float, ...]) -> Branch:
        curve = RateCurve(r=(0.0, 1.0), rate=(0.1, 0.1), lower=(0.1, 0.1), upper=(0.1, 0.1), level=0.95, method="none")
        return Branch(
            direction=direction,
            theta=theta,
            x0=0.0,
            coefficients={},
            coefficients_s=None,
            standard_errors={},
            weak=(),
            at_bound=(),
            n_points=100,
            n_pulses=99,
            nrmse=0.0,
            r2=1.0,
            noise=0.0,
            largest_step=cap,
            measured_range=(0.0, 1.0),
            rate_curve=curve,
        )

    c2c = {"increment": Sigma(kind="increment", value=increment, estimator="set by hand")}
    if read > 0:
        c2c["read"] = Sigma(kind="read", value=read, estimator="set by hand")
    variation = BranchVariation(n_devices=1, n_cycles=1, c2c=c2c, d2d={})
    return DeviceCard(
        name="made by hand",
        model="eq2",
        window=Window(quantity="weight", low=0.0, high=1.0, scope="made"),
        ltp=branch("ltp", up),
        ltd=branch("ltd", down),
        devices=(),
        variation=Variation(ltp=variation, ltd=variation, d2d_ln_rate_covariance=None),
        conditions=Conditions(),
        warnings=(),
        provenance=Provenance(source="code", sha256="", synthetic=True, versions={}, settings={}),
    )


@pytest.fixture(scope="session")
def card_maker() -> Callable[..., DeviceCard]:
    return make_card


@pytest.fixture(scope="session")
def card() -> DeviceCard:
    """A soft-bound device with steps of about 2 % of the window."""
    return make_card()


@pytest.fixture(scope="session")
def small_digits() -> Dataset:
    """300 + 100 of scikit-learn's digits."""
    data = load("digits")
    return Dataset(
        "digits",
        "first 300/100",
        data.x_train[:300],
        data.y_train[:300],
        data.x_test[:100],
        data.y_test[:100],
    )


@pytest.fixture(scope="session")
def optdigits() -> Dataset:
    """The real Optdigits; skipped, saying so, where the data folder is absent."""
    root = os.environ.get("DEVICEKIT_TEST_DATA")
    folder = Path(root) / "optdigits" if root else None
    if folder is None or not folder.is_dir():
        pytest.skip("needs the folder optdigits under the folder named by DEVICEKIT_TEST_DATA")
    return load("optdigits", folder)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def oracle() -> ModuleType:
    """The plain NumPy network beside this file."""
    spec = importlib.util.spec_from_file_location("snn_oracle", Path(__file__).with_name("snn_oracle.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
