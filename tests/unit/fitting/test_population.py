"""Devices that were left out, against devices drawn from the others."""

from __future__ import annotations

import numpy as np
import pytest

from devicekit.core.errors import UsageError
from devicekit.fitting.population import drawn_readings, leave_out
from devicekit.synthetic.pulses import generate, truth_card

THETA = {"ltp": (np.log(0.05), 0.9), "ltd": (np.log(0.05), 0.9)}


@pytest.mark.slow
def test_devices_of_one_population_cover_each_other() -> None:
    card = truth_card(THETA, model="softbounds", increment=0.004, read=0.004, ln_rate_sd=0.1)
    table = generate(card, 8, 2, 30, 5)
    found = leave_out(table, parts=2, devices=200, model="softbounds", d2d="shared")
    assert found["ltp"].devices == 8
    assert np.mean([each.readings for each in found.values()]) > 0.7  # four devices say little of how others differ
    for each in found.values():
        assert 0.0 <= each.curves <= each.means <= 1.0
    with pytest.raises(UsageError, match="4 devices"):
        leave_out(table, parts=1)
    few = table.without(list(table.devices[:5]))
    with pytest.raises(UsageError, match="not 3 and 4"):
        leave_out(few)


def test_readings_of_drawn_devices_without_noise_are_those_of_the_card() -> None:
    card = truth_card({"ltp": (np.log(0.1),), "ltd": (np.log(0.1),)}, model="linear", increment=0.0, read=0.0)
    readings = drawn_readings(card, {"ltp": 5, "ltd": 5}, devices=3)
    steps = np.diff(card.window.to_state(readings["ltp"]), axis=0)
    assert steps == pytest.approx(0.1)
    assert np.diff(card.window.to_state(readings["ltd"]), axis=0) == pytest.approx(-0.1)
