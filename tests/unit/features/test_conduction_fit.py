"""C of a conduction law, where a series resistance takes voltage and a leak carries current."""

from __future__ import annotations

import numpy as np
import pytest

from devicekit.features.conduction.fit import Fitted
from devicekit.features.conduction.forms import FORMS, NAMES
from devicekit.features.conduction.prepare import prepare

C, B = 3e-6, 2.0  # I = C exp(-B / V), [A] and [V]


@pytest.mark.parametrize(("series", "leak"), [(0.0, 0.0), (0.0, 0.3), (0.2, 0.0), (0.25, 0.4)])
def test_c_is_that_of_the_equation_beside_a_leak_and_behind_a_resistance(series: float, leak: float) -> None:
    """A current written from the voltage u on the device: v = u + R i. At the top R takes `series` of v."""
    u = np.linspace(0.3, 1.2, 40)
    own = C * np.exp(-B / u)
    i = own + own[-1] * leak / (1 - leak) * u / u[-1]
    v = u + u[-1] * series / (1 - series) * i / i[-1]
    leg = prepare(v, i, temperature=300.0, measured=False)
    assert leg is not None
    fitted = Fitted(FORMS[NAMES.index("tat")], (B,), (series,), (leak,), 0.0, 0.0, (0.0,), False)
    assert fitted.curve(leg) * leg.mean_a == pytest.approx(i, rel=1e-6)
    assert fitted.scale(leg) == pytest.approx(C, rel=1e-6)
