"""Losses of pairs of trainings, and shares of a loss."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from snn.benchmark import VariantResult
from snn.benchmark.losses import Share


def test_a_loss_is_found_by_the_null_and_sized_over_seeds() -> None:
    found = VariantResult(variant="plain", device=(0.90, 0.88, 0.86, 0.88), twin=(0.91, 0.90, 0.90, 0.89), null_sd=0.01)
    assert found.loss == pytest.approx(0.02)
    own = np.std([0.01, 0.02, 0.04, 0.01], ddof=1) / 2 * 3.182446305 / 1.96  # Student's t with 3 degrees of freedom
    assert found.standard_error == pytest.approx(own)  # larger than the null's of .005
    assert found.z == pytest.approx(0.02 / own)
    assert found.interval == pytest.approx((0.02 - 1.96 * own, 0.02 + 1.96 * own))
    assert replace(found, null_sd=0.03).standard_error == pytest.approx(0.015)  # four pairs may happen to agree
    assert replace(found, open_sd=0.03).standard_error == pytest.approx(math.hypot(own, 0.03))
    assert not replace(found, open_sd=0.03).found  # the fit leaves open whether there is one
    assert replace(found, device=(0.9,), twin=(0.9,)).standard_error == pytest.approx(0.01)
    assert found.smallest == pytest.approx(2.8 * own)
    assert not found.found  # 2.83 standard errors, below 3.18
    assert replace(found, twin=(0.92, 0.91, 0.91, 0.90)).words == "loses 3.0 points (0.7 to 5.3)"
    just = replace(found, device=(0.9, 0.9), twin=(0.9 + 0.0139,) * 2)  # 1.96 null errors of two are 0.01386
    assert just.found
    assert not replace(just, twin=(0.9 + 0.0138,) * 2).found
    none = replace(found, twin=found.device)
    assert none.words.endswith(": 0.0 points (-1.0 to 1.0)")
    nearly = replace(found, twin=tuple(each + 0.009 for each in found.device))
    assert nearly.interval[1] == pytest.approx(0.009 + 1.96 * 0.005)  # 1.96 null errors above the loss
    for each in (found, just, none, nearly):  # the verdict and the interval beside it are one
        assert each.found == (each.interval[0] > 0)
    rough = replace(
        nearly, twin=tuple(each + d for each, d in zip(found.device, (0.029, -0.011, 0.029, -0.011), strict=True))
    )
    assert rough.standard_error == pytest.approx(0.04 / math.sqrt(3) / 2 * 3.182446305 / 1.96)  # above the null's
    assert rough.smallest == pytest.approx(2.8 * rough.standard_error)


def test_the_error_of_a_share_is_that_of_a_mean_over_seeds() -> None:
    """1, 2 and 6 %: sd sqrt(7) %, over sqrt(3)."""
    share = Share("states", (0.01, 0.02, 0.06), (0.02, 0.02, 0.02))
    assert share.value == pytest.approx(0.03)
    assert share.standard_error == pytest.approx(0.01 * math.sqrt(7 / 3))
    assert Share("states", (0.01,), (0.02,)).as_dict()["standard_error"] is None
