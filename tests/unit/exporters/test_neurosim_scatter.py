"""The scatter check of NeuroSim: windows with different scatter at their ends, and labels in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from devicekit.exporters.neurosim import scatter
from devicekit.exporters.neurosim.parameters import Parameters
from devicekit.models.labels import nl_label


class PlusAndMinus:
    """A generator whose normals are plus and minus one in turn: of every draw the sd is 1 exactly."""

    def standard_normal(self, size: int) -> np.ndarray:
        return np.asarray(np.where(np.arange(size) % 2 == 0, 1.0, -1.0))


def parameters(**more: Any) -> Parameters:
    own: dict[str, Any] = {"low_sd": 2e-6, "high_sd": 1e-5, **more}
    return Parameters(2e-5, 1e-4, {"ltp": 50, "ltd": 30}, {"ltp": 2.0, "ltd": -3.0}, **own)


def test_each_end_of_the_window_scatters_by_its_own_sd_over_the_span() -> None:
    low, high = scatter._draw_windows(parameters(), PlusAndMinus())  # type: ignore[arg-type]
    assert (low.mean(), high.mean()) == pytest.approx((0.0, 1.0))
    assert (low.std(), high.std()) == pytest.approx((2e-6 / 8e-5, 1e-5 / 8e-5))


def test_devices_without_a_window_are_drawn_again() -> None:
    """Ends of sd 1 of the span: an end below 0 S is -0.25 of the span, and low ends stay below high ones."""
    wide = parameters(low_sd=8e-5, high_sd=8e-5)
    low, high = scatter._draw_windows(wide, np.random.default_rng(0))
    assert low.min() >= -2e-5 / 8e-5
    assert (low < high).all()
    assert low.min() < -0.2
    assert high.max() > 2


def test_constants_are_those_of_the_labels_cut_to_hundredths() -> None:
    found = scatter.label_constants(np.array([2.0, -3.0, 1.2399, 20.0, 0.001]))
    assert [nl_label(abs(each)) for each in found] == pytest.approx([2.0, 3.0, 1.23, 9.0, 0.01], abs=2e-3)
    assert np.sign(found).tolist() == [1, -1, 1, 1, 1]


def test_cycle_to_cycle_alone_is_the_noise_of_one_update_and_adds_in_squares_where_steps_are_equal() -> None:
    """Labels of 0.01 are straight: after k pulses from an end, cut at it, the sd grows; after one it is the noise."""
    p = Parameters(2e-5, 1e-4, {"ltp": 50, "ltd": 50}, {"ltp": 0.01, "ltd": -0.01}, sigma_c2c=0.001)
    found = scatter._neurosim_scatter(p, True, {"ltp": (1, 25), "ltd": (1, 25)})
    for direction in ("ltp", "ltd"):
        one, many = found[direction]
        assert one == pytest.approx(0.001, rel=0.05)  # 4000 devices: 1.1 %
        assert many == pytest.approx(0.001 * 5, rel=0.06)


def test_the_deviation_is_the_largest_over_both_branches() -> None:
    made = scatter.Scatter(
        "C2C",
        {"ltp": (1, 2), "ltd": (1, 2)},
        {"ltp": (0.1, 0.2), "ltd": (0.1, 0.0)},
        {"ltp": (0.11, 0.2), "ltd": (0.07, 0.3)},
    )
    assert made.largest_error == pytest.approx(0.3)
