"""Figures: each function returns the Axes that it drew into."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from physics import plot
from physics.iv import simulate_iv
from physics.pulses import simulate_pulses


@pytest.fixture(scope="module")
def result():
    return simulate_iv(mesh="coarse")


def test_iv_over_a_measured_sweep(result):
    ax = Figure().subplots()
    assert plot.plot_iv(result, result.sweep, ax) is ax
    assert ax.get_yscale() == "log"
    assert "[A]" in ax.get_ylabel()
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels[:2] == ["measured", "simulated"]
    assert "V_set" in labels[2]


@pytest.mark.parametrize("quantity", ["potential", "density", "temperature"])
def test_one_map(result, quantity):
    ax = Figure().subplots()
    assert plot.plot_map(result, result.stages[-1], quantity, ax) is ax
    assert ax.get_xlim() == pytest.approx((-20.0, 20.0))
    assert ax.get_ylim() == pytest.approx((0.0, 12.0))


def test_maps_through_the_set(result):
    axes = Figure().subplots(3, 2, squeeze=False)
    assert plot.plot_maps(result, result.stages[:2], axes) is axes
    assert "start" in axes[0, 0].get_title()


def test_trains():
    result = simulate_pulses(mesh="coarse", widths=(5e-6, 50e-6), count=4, pairs=1, cycles=0)
    ax = plot.plot_pulses(result, Figure().subplots())
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["5 µs", "50 µs"]
    assert len(ax.lines) == 4
    assert ax.get_ylabel().endswith("[µS]")
