"""Pulse trains: coarse and short here, the default and the fine mesh in the slow tests."""

from __future__ import annotations

import json

import numpy as np
import pytest

from devicekit.core.errors import ParameterError
from devicekit.tables import PulseTable
from physics.pulses import simulate_pulses
from physics.stack import load_material
from physics.studies import retention

from .pinned import LARGE_STEPS

ROUGH = load_material("reversible").replace(LARGE_STEPS)


def train(result, width, cycle, direction):
    rows = result.pulses.select(width=width, cycle=cycle).frame
    return rows[rows["direction"] == direction].sort_values("pulse_index")["conductance_s"].to_numpy()


def test_trains_are_monotone_and_in_the_table_of_measured_ones():
    result = simulate_pulses(ROUGH, mesh="coarse", widths=(50e-6, 500e-6), count=12, pairs=1, cycles=1)
    assert result.complete
    assert isinstance(result.pulses, PulseTable)
    assert len(result.pulses) == 2 * 2 * 13
    for width in (50e-6, 500e-6):
        up, down = train(result, width, 1, "ltp"), train(result, width, 1, "ltd")
        assert np.all(np.diff(up) > 0)
        assert np.all(np.diff(down) < 0)
        assert down[0] == up[-1]
    change = [train(result, width, 1, "ltd")[-1] / train(result, width, 1, "ltd")[0] for width in (50e-6, 500e-6)]
    assert change[1] < change[0]
    assert [stage.label for stage in result.stages][:2] == ["before the trains", "after LTP, 50 µs"]
    json.dumps(result.summary(), allow_nan=False)


def test_a_rest_between_pulses_changes_little():
    options = {"mesh": "coarse", "widths": (5e-6,), "count": 6, "pairs": 1, "cycles": 0}
    one, two = (simulate_pulses(gap=gap, **options) for gap in (0.0, 5e-6))
    np.testing.assert_allclose(train(two, 5e-6, 1, "ltp"), train(one, 5e-6, 1, "ltp"), rtol=0.02)


def test_an_interrupted_train_keeps_its_pulses():
    def stop(fraction):
        if fraction > 0.2:
            raise KeyboardInterrupt

    result = simulate_pulses(mesh="coarse", widths=(5e-6,), count=10, pairs=1, cycles=0, progress=stop)
    assert not result.complete
    assert result.message == "interrupted"
    assert len(result.pulses) == 6


@pytest.mark.parametrize(
    ("options", "name"),
    [({"widths": ()}, "width"), ({"cycles": -1}, "cycles"), ({"count": 0}, "count"), ({"pairs": 0}, "pairs")],
)
def test_bad_options_are_named(options, name):
    with pytest.raises(ParameterError, match=name):
        simulate_pulses(mesh="coarse", **options)


@pytest.mark.heavy
def test_pulse_trains_are_faster_with_width_and_converge_with_the_mesh():
    stack = load_material("reversible")
    default, fine = simulate_pulses(stack), simulate_pulses(stack, mesh="fine")
    for one, two in zip(default.ends, fine.ends, strict=True):
        assert two.last_s == pytest.approx(one.last_s, rel=0.03)
        trace = train(default, one.pulse_width_s, one.cycle, one.direction)
        assert np.all(np.diff(trace) * (1 if one.direction == "ltp" else -1) > 0)
    ends = {(point.direction, point.cycle, point.pulse_width_s): point.last_s for point in default.ends}
    for cycle in (1, 2):
        up = [ends["ltp", cycle, width] for width in default.pulses.widths]
        down = [ends["ltd", cycle, width] for width in default.pulses.widths]
        assert up == sorted(up)
        assert down == sorted(down, reverse=True)


@pytest.mark.slow
def test_the_default_set_holds_both_states_and_pulses_gradually():
    """10,000 s at 358 K within 5 %, and a first pulse of 50 us that makes at most 60 % of the way, up and down."""
    held = retention(times=(1.0, 1e4))
    assert held.hrs_s[-1] == pytest.approx(held.hrs_s[0], rel=0.05)
    assert held.lrs_s[-1] == pytest.approx(held.lrs_s[0], rel=0.05)
    pulsed = simulate_pulses(widths=(50e-6,))
    for direction in ("ltp", "ltd"):
        trace = train(pulsed, 50e-6, 2, direction)
        assert (trace[1] - trace[0]) / (trace[-1] - trace[0]) <= 0.60
        assert max(trace[0], trace[-1]) / min(trace[0], trace[-1]) > 1.3
