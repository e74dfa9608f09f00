"""Losses of trainings, and shares of a loss."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from snn.benchmark import VariantResult
from snn.benchmark.losses import Share


def test_a_loss_has_an_interval_of_these_devices_and_one_of_their_kind() -> None:
    device, twin = (0.90, 0.88, 0.86, 0.88, 0.87), (0.91, 0.90, 0.90)
    found = VariantResult(variant="plain", device=device, twin=twin, null_sd=0.0)
    assert found.loss == pytest.approx(np.mean(twin) - np.mean(device))  # unpaired, of unequal numbers
    own = math.hypot(  # Student's t with 4 and 2 degrees of freedom
        np.std(device, ddof=1) / math.sqrt(5) * 2.776445105, np.std(twin, ddof=1) / math.sqrt(3) * 4.302652730
    )
    assert found.own_interval == pytest.approx((found.loss - own, found.loss + own))
    assert found.kind_interval is None  # unknown
    few = replace(found, null_sd=0.03)  # few trainings may happen to agree
    assert few.seed_error == pytest.approx(0.03 * math.sqrt(1 / 5 + 1 / 3))
    kind = replace(found, open_sd=0.03)
    wide = math.hypot(own, 1.96 * 0.03)
    assert kind.kind_interval == pytest.approx((found.loss - wide, found.loss + wide))
    assert (kind.own_interval, kind.interval) == (found.own_interval, kind.kind_interval)
    clear = replace(kind, twin=tuple(each + 0.05 for each in twin), open_sd=0.01)
    assert (found.found, kind.found, clear.found) == (True, False, True)
    assert clear.words.startswith("loses 7.5 ± ")
    assert "significant loss: 2.5 ± " in kind.words
    assert replace(found, device=(0.9,), twin=(0.91,), null_sd=0.01).seed_error == pytest.approx(0.01 * math.sqrt(2))
    written = kind.as_dict()
    assert written["interval_of_these_devices"] == pytest.approx(found.own_interval)
    assert written["interval_of_this_kind"] == pytest.approx(kind.kind_interval)


def test_the_error_of_a_share_is_that_of_a_mean_over_seeds() -> None:
    """1, 2 and 6 %: sd sqrt(7) %, over sqrt(3)."""
    share = Share("states", (0.01, 0.02, 0.06), (0.02, 0.02, 0.02))
    assert share.value == pytest.approx(0.03)
    assert share.standard_error == pytest.approx(0.01 * math.sqrt(7 / 3))
    assert Share("states", (0.01,), (0.02,)).as_dict()["standard_error"] is None
