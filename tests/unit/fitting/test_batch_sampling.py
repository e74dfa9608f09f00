"""Streams of traces, and samples that scatter as the data do.

The measured test and its twins that run everywhere:
test_samples_of_the_crosssim_ramps_scatter_as_the_ramps: test_samples_scatter_as_the_data;
test_measured_twins.py::test_ramps_that_drift_upward
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest

from devicekit.device.blocks import Window
from devicekit.fitting.device import fit
from devicekit.fitting.many import fit_many
from devicekit.fitting.sampling import spread_ratio
from devicekit.models import kernel
from devicekit.models.laws.eq2 import LAW as EQ2
from devicekit.synthetic.pulses import generate, truth_card

THETA = np.array([-4.0, 0.95, 1.3, -6.0, 2.0, 1.0])
WINDOW = Window(quantity="conductance_s", low=2e-5, high=3e-4, scope="test")


def stream(count: int, noise: float = 0.01) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    for k in range(count):
        theta = THETA.copy()
        theta[0] += 0.1 * np.sin(k)
        x = kernel.simulate(EQ2.id, theta, 0.0, 100)
        yield WINDOW.from_state(x + noise * rng.standard_normal(101))


@pytest.mark.parametrize("backend", ["threading", pytest.param("loky", marks=pytest.mark.slow)])
def test_a_stream_is_fitted_in_order_and_the_same_with_two_workers(backend: str) -> None:
    one = pd.concat(fit_many(stream(60), WINDOW, "ltp", chunk=16), ignore_index=True)
    with joblib.parallel_config(backend):
        two = pd.concat(fit_many(stream(60), WINDOW, "ltp", chunk=16, jobs=2), ignore_index=True)
    pd.testing.assert_frame_equal(one, two)
    assert one["trace"].tolist() == list(range(60))
    assert (one["status"] == "done").all()
    assert (one["rms"] < 0.015).all()


def test_the_stream_is_read_lazily() -> None:
    taken = 0

    def counted() -> Iterator[np.ndarray]:
        nonlocal taken
        for trace in stream(10_000):
            taken += 1
            yield trace

    results = fit_many(counted(), WINDOW, "ltp", chunk=10)
    next(results)
    assert taken < 200


def test_a_trace_that_cannot_be_fitted_says_why_and_stops_nothing() -> None:
    traces = [*stream(2), np.full(101, 1e-4), np.full(101, np.nan), *stream(1)]
    table = pd.concat(fit_many(traces, WINDOW, "ltp"), ignore_index=True)
    assert [status == "done" for status in table["status"]] == [True, True, False, False, True]
    assert "reading" in table["status"][3]


@pytest.mark.parametrize(
    ("seed", "devices", "cycles"),
    [(2, 8, 10), *(pytest.param(seed, 20, 20, marks=pytest.mark.slow) for seed in (0, 1))],
)
def test_samples_scatter_as_the_data(seed: int, devices: int, cycles: int) -> None:
    theta = {"ltp": (-4.2, 0.9, 1.2, -4.0, 1.0, 0.8), "ltd": (-4.1, 0.92, 1.3, 4.0, -2.0, 0.5)}
    card = truth_card(theta, increment=0.004, read=0.01, ln_rate_sd=0.12)
    result = fit(generate(card, devices, cycles, 100, seed, conditioning=2))
    for direction in ("ltp", "ltd"):
        ratio = spread_ratio(result, direction, seed)
        assert ratio.c2c == pytest.approx(1.0, abs=0.1)
        assert ratio.d2d == pytest.approx(1.0, abs=0.1)
        assert ratio.c2c_paper > 2


@pytest.mark.slow
def test_samples_of_the_crosssim_ramps_scatter_as_the_ramps(measured: Path) -> None:
    result = fit(measured / "crosssim_ramps", quantity="current", read_voltage=0.1)
    for direction in ("ltp", "ltd"):
        ratio = spread_ratio(result, direction, 1)
        assert ratio.c2c == pytest.approx(1.0, abs=0.1)
        assert ratio.c2c_paper > 5
