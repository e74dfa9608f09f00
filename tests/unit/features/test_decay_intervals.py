"""Intervals of a decay: covariance, permanent share and paired pulses, by SciPy and by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import curve_fit
from scipy.stats import t as student

from devicekit.features.merits import facilitation, volatile
from devicekit.features.relaxation import decay
from devicekit.tables import PairedTable


def decaying(n: int = 30) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Delays (NaN before the pulse), pulses so far, and readings 2 + 1 (stays) + 3 e^(-t / 0.1), with a ripple."""
    t = np.concatenate([np.full(6, np.nan), np.geomspace(0.01, 0.6, n)])
    after = np.isfinite(t)
    y = 2.0 + np.where(after, 1.0 + 3.0 * np.exp(-np.nan_to_num(t) / 0.1), 0.0)
    return t, after.astype(float), y + 0.05 * np.cos(7.0 * np.arange(t.size) ** 2)


def with_scipy(t: np.ndarray, after: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Level, what stays, what goes and ln tau, with their covariance."""

    def model(_: Any, level: float, stays: float, goes: float, ln_tau: float) -> np.ndarray:
        gone = np.where(after > 0, np.exp(-np.nan_to_num(t) / np.exp(ln_tau)), 0.0)
        return np.asarray(level + stays * after + goes * gone)

    values, covariance = curve_fit(model, np.arange(t.size), y, p0=(2.0, 1.0, 3.0, np.log(0.1)), xtol=1e-13, ftol=1e-13)
    return values, covariance


def test_the_covariance_of_a_decay_allows_for_its_time_constant() -> None:
    t, after, y = decaying()
    found = decay.fit(decay.Data(y, np.column_stack([np.ones(t.size), after]), t[:, None]))
    values, covariance = with_scipy(t, after, y)
    assert [*found.others, *found.amplitudes] == pytest.approx(values[:3], rel=1e-6)
    assert found.covariance == pytest.approx(covariance[:3, :3], rel=1e-3)
    assert found.noise == pytest.approx(np.sqrt(found.rss / (36 - 4)))


def test_the_interval_of_the_share_that_stays_is_that_of_the_delta_method() -> None:
    """By the covariance of SciPy: slopes g / (s + g)^2 and -s / (s + g)^2 of s / (s + g)."""
    t, after, y = decaying()
    found = volatile._permanent(decay.fit(decay.Data(y, np.column_stack([np.ones(t.size), after]), t[:, None])), 2)
    values, covariance = with_scipy(t, after, y)
    _, s, g, _ = values
    slope = np.array([g, -s]) / (s + g) ** 2
    wide = student.ppf(0.975, 36 - 4) * np.sqrt(slope @ covariance[1:3, 1:3] @ slope)
    assert found is not None
    assert found.value == pytest.approx(s / (s + g), rel=1e-6)
    assert found.ends == pytest.approx((s / (s + g) - wide, s / (s + g) + wide), rel=1e-3)


def test_the_interval_of_the_paired_pulse_ratio_at_long_intervals_is_that_of_the_constant() -> None:
    dt = np.geomspace(0.005, 0.03, 12)  # not long after tau = 0.02: the constant is known far worse than the amplitude
    ratio = 1.5 + 0.5 * np.exp(-dt / 0.02) + 0.01 * np.cos(5.0 * np.arange(12) ** 2)
    table = PairedTable(pd.DataFrame({"device_id": "d", "repeat": 1, "interval_s": dt, "ratio": ratio}))
    only = facilitation.characterize(table, baseline="original", exponentials=1).devices[0]

    def model(at: np.ndarray, end: float, size: float, ln_tau: float) -> np.ndarray:
        return np.asarray(end + size * np.exp(-at / np.exp(ln_tau)))

    values, covariance = curve_fit(model, dt, ratio, p0=(1.5, 0.5, np.log(0.02)), xtol=1e-13, ftol=1e-13)
    wide = student.ppf(0.975, 12 - 3) * np.sqrt(covariance[0, 0])
    assert abs(covariance[1, 1] / covariance[0, 0] - 1) > 0.2
    assert only.end is not None
    assert only.end.value == pytest.approx(values[0], rel=1e-5)
    assert only.end.ends == pytest.approx((values[0] - wide, values[0] + wide), rel=1e-3)
    assert only.permanent is not None
    assert only.permanent.ends == pytest.approx((values[0] - 1 - wide, values[0] - 1 + wide), rel=1e-3)


def test_the_interval_of_what_stays_takes_its_own_elements_of_the_covariance() -> None:
    """A hand-made fit: 10 + 1 stays, 3 goes; var 0.04 and 0.09, covariance -0.03; the level's own is far larger."""
    covariance = np.array([[9.0, 0.5, 0.7], [0.5, 0.04, -0.03], [0.7, -0.03, 0.09]])
    made: Any = SimpleNamespace(others=(10.0, 1.0), amplitudes=(3.0,), covariance=covariance, n=14, k=4)
    found = volatile._permanent(made, 2)
    # slopes 3/16 and -1/16: (9 * 0.04 + 2 * 3 * 0.03 + 0.09) / 256
    wide = student.ppf(0.975, 10) * np.sqrt((0.36 + 0.18 + 0.09) / 256)
    assert found is not None
    assert found.ends == pytest.approx((0.25 - wide, 0.25 + wide))
    assert volatile._permanent(made, 1) is None
