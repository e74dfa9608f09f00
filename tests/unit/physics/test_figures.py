"""Figures of simulations, drawn."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from physics.iv import simulate_iv
from physics.pulses import simulate_pulses


@pytest.fixture(scope="module")
def result():
    return simulate_iv(mesh="coarse")


def test_iv_over_a_measured_sweep(result):
    ax = Figure().subplots()
    assert result.plot(ax, result.sweep) is ax
    assert ax.get_yscale() == "log"
    assert ax.get_ylabel() == "|current I| [µA]"
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["measured", "simulated"]
    assert ax.get_title() == f"V_set = {result.v_set_v:.3f} V (at 100 µA)"


@pytest.mark.parametrize("quantity", ["potential", "density", "temperature"])
def test_one_map(result, quantity):
    image = result.image(result.stages[-1], quantity)
    ax = Figure().subplots()
    image.draw(ax)
    assert ax.get_xlim() == pytest.approx((-20.0, 20.0))
    assert ax.get_ylim() == pytest.approx((0.0, 12.0))
    half = image.values.shape[1] // 2
    np.testing.assert_array_equal(image.values[:, half:], getattr(result.stages[-1], quantity))


def test_maps_name_their_stage(result):
    assert "start" in result.image(result.stages[0], "density").title


def test_trains():
    result = simulate_pulses(mesh="coarse", widths=(5e-6, 50e-6), count=4, pairs=1, cycles=0)
    ax = result.plot(Figure().subplots())
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["5 µs", "50 µs"]
    assert len(ax.lines) == 4
    assert ax.get_ylabel().endswith("[µS]")
