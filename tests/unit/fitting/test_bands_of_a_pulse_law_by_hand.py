"""How wide bands about a law of the pulse are: of the law, of a reading, of its parameters, of single pulses."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from devicekit.fitting.branch.options import FitOptions
from devicekit.fitting.pulses.fit import pulse_law
from devicekit.fitting.pulses.prediction import _half
from devicekit.fitting.pulses.result import PulseLaw
from devicekit.fitting.pulses.single import SinglePulses
from devicekit.tables import PulseTable

Z, SPAN = 1.959964, 1e-4


@pytest.fixture(scope="module")
def law() -> PulseLaw:
    """Straight LTP trains, three at each of four amplitudes, whose rates follow no law; a ripple of 0.3 %."""
    frames = []
    for k, (volts, ln) in enumerate(((0.8, -0.9), (0.9, -0.2), (1.0, 0.0), (1.1, 0.75))):
        for repeat in range(3):
            n = np.arange(21)
            x = 0.008 * np.exp(ln) * n + 0.003 * np.cos((3 * k + repeat + 1.3) * n**2)
            frame = {"device_id": "a", "cycle": 3 * k + repeat + 1, "direction": "ltp", "pulse_index": n}
            frame |= {"conductance_s": 2e-5 + SPAN * x, "pulse_voltage_v": np.append(np.nan, np.full(20, volts))}
            frames.append(pd.DataFrame({**frame, "pulse_width_s": 1e-5}))
    found = pulse_law(PulseTable(pd.concat(frames, ignore_index=True)), FitOptions("linear", share="amplitude"))
    assert found is not None
    return found


@pytest.mark.slow
def test_a_predicted_band_combines_the_law_and_the_scatter_of_rates(law: PulseLaw) -> None:
    """Equal steps: d r / d ln rate is n steps; the law's values move ln rate by the amplitude's own slope."""
    joint = law.joints["ltp"]
    best = joint.fits[joint.best]
    reference = joint.reference.voltage_v
    assert reference is not None
    slope = {"exponential": 0.95 - reference, "power": np.log(0.95 / reference)}[best.name]
    ln_rate = best.theta[0] + best.values[0] * slope
    n = np.arange(11)
    step = np.exp(ln_rate)
    found = law.predict("ltp", 0.95, n_pulses=10, start=0.2)
    assert found.r == pytest.approx(0.2 + n * step, rel=1e-9)
    gradient = np.array([1.0, slope])
    noise, total = (float(gradient @ each[:2, :2] @ gradient) for each in (best.covariance, best.wide))
    scatter = max(total - noise, 0.0) + joint.scatter**2
    assert scatter > noise
    quantile = student.ppf(0.975, joint.scatter_degrees)
    half = n * step * np.sqrt(Z**2 * noise + quantile**2 * scatter)
    inside = 0.2 + half < 1
    assert (found.high - found.r)[inside] == pytest.approx(half[inside], rel=1e-5)
    # of one train of one repeat: its readings, its updates, which stay, and its own rate
    noise_of_one = joint.noise.read**2 + n * joint.noise.increment**2 + (joint.noise.ln_rate * n * step) ** 2
    one = joint.fit_to_noise * noise_of_one
    reading = np.hypot(half, Z * np.sqrt(one))
    assert (found.reading_high - found.r)[:4] == pytest.approx(reading[:4], rel=1e-5)
    assert np.sqrt(one[1:4]).min() > 0.1 * half[1:4].max() / quantile


def test_a_card_s_parameters_have_students_interval_by_the_number_of_pulses(law: PulseLaw) -> None:
    joint = law.joints["ltp"]
    best, block = joint.fits[joint.best], law.to_block("made").ltp
    assert block is not None
    assert joint.scatter_degrees == 4
    (name,) = best.parameters
    wide = 2.776445 * best.errors[0]
    assert block.intervals[name] == pytest.approx((best.values[0] - wide, best.values[0] + wide), rel=1e-6)
    assert block.covariance[0][0] == pytest.approx(best.wide[1, 1])


def test_noise_has_a_normal_quantile_and_scatter_students() -> None:
    joint: Any = SimpleNamespace(scatter_degrees=3.0)
    assert _half(0.04, 0.09, joint, 0.95) == pytest.approx(np.sqrt(Z**2 * 0.04 + 3.182446**2 * 0.09), rel=1e-6)
    assert _half(-1.0, 0.09, joint, 0.95) == pytest.approx(3.182446 * 0.3, rel=1e-6)


def test_a_coefficient_of_single_pulses_has_students_interval_of_the_cells_left() -> None:
    """Six cells and three coefficients: three degrees."""
    made: Any = SimpleNamespace(
        names=("a", "b", "c"), values=np.array([1.0, 2.0, 3.0]), errors=np.array([0.1, 0.2, 0.3]), change=np.zeros(6)
    )
    assert SinglePulses.interval(made, "b") == pytest.approx((2 - 3.182446 * 0.2, 2 + 3.182446 * 0.2), rel=1e-6)
    assert SinglePulses.interval(made, "c", 0.8) == pytest.approx((3 - 1.637744 * 0.3, 3 + 1.637744 * 0.3), rel=1e-6)
