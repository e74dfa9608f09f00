"""Spreads over cycles and devices, means and Weibull distributions by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from devicekit.features.stats import mean_estimate, ranks, spread, weibull


def test_spread_over_unequal_devices() -> None:
    """Devices 1, 2, 3 and 5, 7: within (2 + 2) / 3; between (19.2 - 4/3) / 2.4 with the mean size (5 - 13/5) / 1."""
    device = pd.Series(["a", "a", "a", "b", "b"])
    found = spread(pd.Series([1.0, 2, 3, 5, 7]), device, "x", "V")
    assert found is not None
    assert found.c2c is not None
    assert found.d2d is not None
    assert found.c2c.value == pytest.approx(np.sqrt(4 / 3))
    assert found.d2d.value == pytest.approx(np.sqrt((19.2 - 4 / 3) / 2.4))
    assert (found.median, found.low, found.high) == (3, pytest.approx(1.2), pytest.approx(6.6))
    log = spread(pd.Series(10.0 ** np.array([1.0, 2, 3, 5, 7])), device, "g", "S", log=True)
    assert log is not None
    assert log.c2c is not None
    assert log.d2d is not None
    assert (log.c2c.value, log.d2d.value) == pytest.approx((found.c2c.value, found.d2d.value))
    assert log.median == pytest.approx(1e3)


def test_spread_of_equal_devices_is_cut_at_zero() -> None:
    """Devices 1, 3 and 1.1, 2.9: the means agree, so that nothing is left between them."""
    found = spread(pd.Series([1.0, 3, 1.1, 2.9]), pd.Series(["a", "a", "b", "b"]), "x", "V")
    assert found is not None
    assert found.d2d is not None
    assert found.d2d.value == 0
    alone = spread(pd.Series([1.0, 2, 4]), pd.Series(["a", "a", "a"]), "x", "V")
    assert alone is not None
    assert alone.d2d is None
    assert alone.c2c is not None
    assert alone.c2c.value == pytest.approx(np.sqrt(7 / 3))


def test_weibull_solves_the_equations_of_greatest_likelihood() -> None:
    x = np.array([0.4, 0.5, 0.55, 0.6, 0.7])
    fit = weibull(-x, "v_reset_v")
    assert fit is not None
    power = x**fit.shape
    assert fit.scale == pytest.approx(float(power.mean() ** (1 / fit.shape)), rel=1e-3)
    assert 1 / fit.shape == pytest.approx(float((power @ np.log(x)) / power.sum() - np.log(x).mean()), rel=1e-3)
    assert weibull(x[:4], "v_reset_v") is None
    np.testing.assert_allclose(ranks(np.array([3.0, 1.0, np.nan, 2.0]))[1], np.array([0.7, 1.7, 2.7]) / 3.4)


def test_of_two_records_and_of_three_the_mean_has_students_interval() -> None:
    for values, quantile in (([1.0, 3.0], 12.706205), ([1.0, 3.0, 8.0], 4.302653)):
        found = mean_estimate(np.array(values))
        x = np.array(values)
        wide = quantile * np.sqrt(((x - x.mean()) ** 2).sum() / (x.size - 1) / x.size)
        assert found.value == pytest.approx(x.mean())
        assert found.ends == pytest.approx((x.mean() - wide, x.mean() + wide), rel=1e-6)
