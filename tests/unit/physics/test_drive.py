"""Drives as segments: ramps, loops, pulse trains."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from devicekit.core.errors import ParameterError
from physics.drive import PulseTrain, Segment, loops, ramp, set_ramp, trains
from physics.stack import load_material


def test_set_ramp_and_loops_are_continuous():
    stack = load_material("reversible")
    drive = loops(stack, 3)
    assert len(drive) == 12
    assert drive[:1] == set_ramp(stack)
    for one, two in pairwise(drive):
        assert one.stop == two.start
    assert {segment.compliance for segment in drive if segment.label == "reset"} == {math.inf}
    assert drive[0].voltage(0.45) == pytest.approx(0.45)
    assert drive[0].voltage(99.0) == 0.9
    assert drive[0].rate == pytest.approx(1.0)


def test_pulse_trains():
    up, down, *_ = trains(load_material("reversible"), 5e-6, count=3, pairs=2, gap=1e-6)
    assert (up.direction, up.amplitude, down.direction, down.amplitude) == ("ltp", 0.95, "ltd", -0.95)
    pulse = Segment(0.95, 0.95, 5e-6, 1e-3, "ltp", gate=1e-3)
    assert list(up.pulses()) == [(pulse, Segment(0.0, 0.0, 1e-6, 1e-3, "gap"))] * 3


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"width": 0.0}, "width"),
        ({"width": math.nan}, "width"),
        ({"count": 0}, "count"),
        ({"gap": -1.0}, "gap"),
        ({"amplitude": 0.0}, "amplitude"),
        ({"compliance": -1.0}, "compliance"),
    ],
)
def test_bad_trains_are_named(change, name):
    good = {"direction": "ltp", "amplitude": 0.9, "width": 1e-6, "count": 10, "compliance": 1e-3}
    with pytest.raises(ParameterError, match=name):
        PulseTrain(**(good | change))


def test_the_compliance_limits_pulses_of_ltp_alone():
    """As in a loop: reset currents flow freely, and a transistor keeps its gate voltage."""
    stack = load_material("reversible")
    limit = stack.circuit.compliance
    assert math.isfinite(limit)
    for train in trains(stack, 1e-6, pairs=2):
        assert train.compliance == (limit if train.direction == "ltp" else math.inf)
        assert train.gate == limit


def test_bad_pairs_amplitudes_cycles_and_ramps_are_named():
    stack = load_material("reversible")
    with pytest.raises(ParameterError, match="pairs"):
        trains(stack, 1e-6, pairs=0)
    with pytest.raises(ParameterError, match="amplitude"):
        trains(stack, 1e-6, amplitudes=(-0.9, 0.9))
    with pytest.raises(ParameterError, match="cycles"):
        loops(stack, 0)
    with pytest.raises(ParameterError, match="zero length"):
        ramp(0.5, 0.5, 1.0, 1e-3)
    with pytest.raises(ParameterError, match="rate"):
        ramp(0.0, 0.5, 0.0, 1e-3)
