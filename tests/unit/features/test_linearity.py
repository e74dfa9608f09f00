"""Linearity of reads."""

from __future__ import annotations

import numpy as np
import pytest

from devicekit.core.errors import TraceError
from devicekit.features.merits import linearity


def test_read_linearity() -> None:
    v = np.linspace(-0.3, 0.3, 31)
    ohmic = linearity.linearity(v, 1e-5 * v)
    assert ohmic.ratio == pytest.approx(1)
    assert ohmic.max_error == pytest.approx(0, abs=1e-12)
    bent = linearity.linearity(v, 1e-5 * v * (1 + 2 * v**2) + 1e-9)
    assert bent.cubic == pytest.approx(2, rel=1e-6)
    assert bent.ratio > 1.1
    with pytest.raises(TraceError):
        linearity.linearity(v[:3], v[:3])


def test_linearity_by_hand() -> None:
    """I = 1, 3 uA at 1, 2 V: the line has (1 + 6) / 5 = 1.4 uS, and is off by 0.4 and 0.2 uA of 3."""
    v = np.array([-2.0, -1.0, 0.0, 0.0, 0.0, 1.0, 2.0])
    seen = np.array([-3.0, -1.0, 0.0, -0.05, 0.08, 1.0, 3.0])  # the median at 0 V is the offset
    found = linearity.linearity(v, 1e-6 * (seen + 0.3))
    assert found.conductance_s == pytest.approx(1.4e-6)
    assert found.max_error == pytest.approx(0.4 / 3)
    assert found.ratio == pytest.approx(1.5)
