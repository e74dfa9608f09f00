"""The current of a stack whose conduction bends with the field: closed forms, jumps, balances, and the pad's radius."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.optimize import brentq

from physics.drive import ramp, set_ramp
from physics.iv import make_stepper, simulate_iv
from physics.pulses import simulate_pulses
from physics.solvers import stepping
from physics.solvers.banded_solver import BandedSolver
from physics.solvers.fipy_solver import FipySolver
from physics.solvers.state import Limit
from physics.stack import load_material

from .hopping_rods import AREA, HOP, LENGTH, rod, stack_of

K = 8.617333262145e-5  # Boltzmann constant [eV/K]


SOLVERS = [BandedSolver, FipySolver]


def sigma(density, temperature=300.0):
    """Conductivity of `NUMBERS` at zero field [S/m]."""
    return (1e-6 + (8e4 - 1e-6) * density) * math.exp(-(0.05 - 0.044 * density) / (K * temperature))


def bend(density, temperature=300.0):
    """x over the field [nm/V]."""
    return HOP * (1 - density) / (2 * K * temperature)


def current(volts, density):
    """A sigma0 E sinh(x) / x of a uniform rod [A]."""
    k = bend(density)
    return AREA * sigma(density) * math.sinh(k * volts / LENGTH) / k * 1e-9


def fields(stepper, density, source, limit=None, near=None):
    shape = stepper.grid.mesh.shape
    spread = np.broadcast_to(density, shape).copy()
    return stepper.fields(spread, source, limit or Limit(), np.full(shape, 300.0), near)


# A uniform cylinder
@pytest.mark.parametrize("make", SOLVERS)
@pytest.mark.parametrize("volts", [1e-3, 0.1, 1.0, 3.0, -2.0])
def test_a_uniform_cylinder_has_its_closed_form(make, volts):
    """I = A sigma0 E sinh(x) / x; at 3 V x is 13.5, and the current 30 000 times that of Ohm's law."""
    found = fields(rod(make), 0.3, volts)
    assert found.current == pytest.approx(current(volts, 0.3), rel=1e-9)
    assert found.conductance == pytest.approx(current(volts, 0.3) / volts, rel=1e-9)
    assert found.voltage == pytest.approx(volts, rel=1e-14)
    assert not found.limited
    assert found.power_error < 1e-10
    assert np.ptp(found.temperature) < 1e-5


@pytest.mark.parametrize("make", SOLVERS)
@pytest.mark.parametrize("volts", [0.02, 0.1, 1.5])
def test_a_read_is_the_closed_form_at_the_read_voltage(make, volts):
    stepper = rod(make, drive__read_voltage=volts)
    found = stepper.conductance(np.full(stepper.grid.mesh.shape, 0.3))
    assert found == pytest.approx(current(volts, 0.3) / volts, rel=1e-9)


def test_at_rest_the_conductance_is_that_of_ohms_law():
    """I / V is 0 / 0 there: dI/dV = A sigma0 / L."""
    assert fields(rod(), 0.3, 0.0).conductance == pytest.approx(AREA * sigma(0.3) / LENGTH * 1e-9, rel=1e-9)


def test_a_filament_is_ohmic_at_any_field():
    """At u = 1 nothing hops."""
    found = fields(rod(), 1.0, 2.0)
    assert found.current == pytest.approx(AREA * sigma(1.0) * 2.0 / LENGTH * 1e-9, rel=1e-9)


@pytest.mark.parametrize("make", SOLVERS)
def test_the_linearised_current_has_the_differential_conductance(make):
    """dI/dV = A sigma0 cosh(x) / L; what linearising leaves out is I - V dI/dV."""
    grid = rod(make).grid
    shape, volts = grid.mesh.shape, 1.2
    density, hot = np.full(shape, 0.3), np.full(shape, 300.0)
    line = volts * grid.mesh.z[:, None] / LENGTH * np.ones(shape)
    about = grid.current(grid.conductivity(density, hot), density, hot, line, volts)
    unit, shift = make(grid).potential(about.faces, grid.remainder(about))
    slope = float(np.sum(about.faces.z[0] * unit[0])) * 1e-9
    offset = float(np.sum(about.faces.z[0] * shift[0] - about.bend.z[0] * line[0])) * 1e-9
    k = bend(0.3)
    assert slope == pytest.approx(AREA * sigma(0.3) * math.cosh(k * volts / LENGTH) / LENGTH * 1e-9, rel=1e-9)
    assert offset == pytest.approx(current(volts, 0.3) - slope * volts, rel=1e-9)
    # the heat of a cell is sigma(E) E^2 times its volume
    heat = grid.joule_heat(about, line, volts)
    field = volts / LENGTH
    wanted = sigma(0.3) * math.sinh(k * field) / (k * field) * field**2
    np.testing.assert_allclose(heat, wanted * grid.mesh.volume, rtol=1e-9)


# Two halves in series
def series(volts, densities, cells=None):
    """Current of two halves of 6 nm in series [A], by root finding on the current density.

    With `cells` that of a chain of so many cells, whose face between the halves has one field in both of its halves.
    """

    def over(flow, density):
        return math.asinh(flow * bend(density) / sigma(density)) / bend(density)

    def middle(flow, size):
        def excess(drop):
            parts = [sigma(u) * math.sinh(bend(u) * drop / size) / (bend(u) * drop / size) for u in densities]
            return drop / (0.5 * size * sum(1 / part for part in parts)) - flow

        return brentq(excess, 1e-15, 1.01 * size * max(over(flow, u) for u in densities), xtol=1e-16)

    def total(flow):
        size = LENGTH / cells if cells else 0.0
        drops = sum((LENGTH / 2 - size / 2) * over(flow, u) for u in densities)
        return drops + (middle(flow, size) if cells else 0.0)

    return AREA * brentq(lambda flow: total(flow) - volts, 1e-3, 1e6, xtol=1e-30, rtol=1e-13) * 1e-9


def halves(stepper, densities):
    return np.where(stepper.grid.mesh.z[:, None] < LENGTH / 2, *densities)


@pytest.mark.parametrize("make", SOLVERS)
@pytest.mark.parametrize("volts", [0.1, 0.5, 2.0, -1.0])
def test_two_halves_in_series_are_a_chain_solved_by_root_finding(make, volts):
    stepper, densities = rod(make), (0.3, 0.1)
    found = fields(stepper, halves(stepper, densities), volts)
    wanted = math.copysign(series(abs(volts), densities, 12), volts)
    assert found.current == pytest.approx(wanted, rel=1e-6)
    assert found.power_error < 1e-9


def test_two_halves_in_series_converge_to_the_continuum():
    """The face between them has the mean field in both of its halves: an error of first order in the cells."""
    errors = []
    for heights in (24, 48, 96):
        stepper = rod(heights=heights)
        found = fields(stepper, halves(stepper, (0.3, 0.1)), 0.5)
        errors.append(found.current / series(0.5, (0.3, 0.1)) - 1)
    assert abs(errors[-1]) < 2e-3
    np.testing.assert_allclose(np.log2(np.divide(errors[:-1], errors[1:])), 1.0, atol=0.02)


# What is in series
@pytest.mark.parametrize("make", SOLVERS)
@pytest.mark.parametrize("volts", [0.3, 1.0, -1.5])
def test_a_series_resistance_takes_its_part(make, volts):
    """V = V_d + I R behind 5 kohm, which takes a hundredth of 0.3 V and a third of 1.5 V."""
    stepper = rod(make, circuit__series_resistance=5e3)
    found = fields(stepper, 0.001, volts)
    drop = brentq(lambda v: v + 5e3 * current(v, 0.001) - abs(volts), 0.0, abs(volts), xtol=1e-15)
    assert found.voltage == pytest.approx(math.copysign(drop, volts), rel=1e-6)
    assert found.current == pytest.approx(math.copysign(current(drop, 0.001), volts), rel=1e-6)
    assert 0.01 < 1 - drop / abs(volts) < 0.3
    assert found.voltage + 5e3 * found.current == pytest.approx(volts, rel=1e-13)


@pytest.mark.parametrize("side", [1, -1])
def test_the_compliance_holds_a_bending_device(side):
    """At the limit V_d is the inverse of the sinh; just below it the source still reaches the device."""
    stepper, limit = rod(circuit__series_resistance=100.0), 2e-3
    at = math.asinh(limit * 1e9 / AREA * bend(0.001) / sigma(0.001)) * LENGTH / bend(0.001)
    source = at + 100.0 * limit
    below = fields(stepper, 0.001, side * source * (1 - 1e-4), Limit(limit))
    assert not below.limited
    assert below.current * side == pytest.approx(limit, rel=1e-3)
    assert below.current * side < limit
    for factor in (1 + 1e-4, 1.5):
        above = fields(stepper, 0.001, side * source * factor, Limit(limit))
        assert above.limited
        assert above.current == side * limit
        assert above.voltage == pytest.approx(side * at, rel=1e-6)


def test_a_loop_behind_a_transistor_obeys_its_circuit_at_every_point():
    """Coarse, with a gate of 60 uA: the SET saturates there, the RESET goes beyond it."""
    stack = stack_of(circuit__saturation_voltage=0.3, circuit__compliance=6e-5)
    result = simulate_iv(stack, mesh="coarse", cycles=1)
    assert result.complete
    frame = result.sweep.frame
    source, device, amperes = (frame[name].to_numpy() for name in ("voltage_v", "device_voltage_v", "current_a"))
    saturated = amperes > 6e-5 * (1 - 1e-12)
    assert saturated.sum() > 5
    assert amperes.max() == pytest.approx(6e-5, rel=1e-12)
    assert amperes.min() < -6e-5
    drop = 0.3 * (1 - np.sqrt(np.maximum(1 - amperes / 6e-5, 0.0)))
    np.testing.assert_allclose((source - device - 500.0 * amperes - drop)[~saturated], 0.0, atol=1e-7)
    assert (source - device - 500.0 * amperes)[saturated].min() >= 0.3
    assert result.quality.power_error <= 1e-6


# Whole runs
def test_the_power_balances_in_a_set_and_every_plane_carries_the_current():
    """Face by face in NumPy from a state at 0.6 V: the same current through every height, and the power I V_d."""
    stepper = make_stepper(stack_of(numerics__temperature_tolerance=1e-6), "banded", "coarse")
    state = stepper.run(stepper.start(), set_ramp(stepper.grid.stack)[0], until=lambda s: s.fields.current > 6e-5)
    found = stepper.fields(state.density, 0.62, Limit(), state.fields.temperature, state.fields)
    mesh, u, hot = stepper.grid.mesh, state.density, found.temperature
    filled = np.minimum(u, 1.0)
    ohms = (1e-6 + (8e4 - 1e-6) * filled) * np.exp(-(0.05 - 0.044 * filled) / (K * hot))

    def bent(field, rows):
        x = np.maximum(0.4 * (1 - filled[rows]) * np.abs(field) / (2 * K * hot[rows]), 1e-12)
        return ohms[rows] * np.sinh(x) / x

    widths = np.diff(mesh.z_faces)[:, None]
    field = np.diff(found.potential, axis=0) / (0.5 * (widths[1:] + widths[:-1]))
    resistance = 0.5 * widths[1:] / bent(field, np.s_[1:]) + 0.5 * widths[:-1] / bent(field, np.s_[:-1])
    flow = np.pi * np.diff(mesh.r_faces**2) * np.diff(found.potential, axis=0) / resistance * 1e-9
    np.testing.assert_allclose(flow.sum(axis=1), found.current, rtol=1e-6)
    assert found.power_error <= 1e-6
    assert stepper.tally.power_error <= 1e-6
    assert found.voltage + 500.0 * found.current == pytest.approx(0.62, rel=1e-12)


def test_the_power_balances_in_every_step_of_a_set_sweep():
    result = simulate_iv(mesh="coarse")
    assert result.complete
    assert 0 < result.quality.power_error <= 1e-6


@pytest.mark.slow
def test_hops_of_no_length_give_the_ohmic_curve():
    """Both to the end of the electrothermal iteration: at the 0.1 K of the set one of them may take a pass less."""
    base = stack_of(numerics__temperature_tolerance=1e-3, numerics__voltage_step=0.03)
    curves = []
    for changes in ({"conduction.law": "ohmic"}, {"conduction.hop_length": 1e-9}, {"conduction.hop_length": 0.0}):
        frame = simulate_iv(base.replace(changes), mesh="coarse").sweep.frame
        rising = slice(0, int(frame["voltage_v"].argmax()) + 1)
        curves.append((frame["voltage_v"].to_numpy()[rising], frame["current_a"].to_numpy()[rising]))
    amperes = np.geomspace(1e-7, 0.999 * curves[0][1][-1], 200)
    volts = [np.interp(amperes, curve[1], curve[0]) for curve in curves]
    np.testing.assert_allclose(volts[1], volts[0], rtol=0, atol=1e-7)
    np.testing.assert_allclose(volts[2], volts[0], rtol=0, atol=1e-7)
    bent = simulate_iv(base, mesh="coarse").sweep.frame
    bent = np.interp(amperes, bent["current_a"][: len(curves[0][0])], bent["voltage_v"][: len(curves[0][0])])
    assert np.max(volts[0] - bent) > 1e-3  # and the hops of the set do something


@pytest.mark.parametrize("near", [None, -1.2, 0.5, 1.1])
def test_a_jump_of_the_voltage_ends_where_a_slow_climb_does(near):
    """To 0.95 V from rest, from another polarity, from below and from above, against steps of 10 mV."""
    stack = stack_of(numerics__temperature_tolerance=1e-5)
    stepper = make_stepper(stack, "banded", "coarse")
    density = stepper.grid.initial_density()
    start = None if near is None else fields(stepper, density, near)
    jumped = fields(stepper, density, 0.95, near=start)
    climbed, hot = None, np.full(density.shape, 300.0)
    for volts in np.linspace(0.0, 0.95, 96)[1:]:
        climbed = stepper.fields(density, volts, Limit(), hot, climbed)
        hot = climbed.temperature
    assert climbed is not None
    assert jumped.current == pytest.approx(climbed.current, rel=1e-6)
    assert jumped.voltage == pytest.approx(climbed.voltage, rel=1e-6)
    np.testing.assert_allclose(jumped.temperature, hot, atol=1e-3)


def test_where_newton_does_not_reach_the_voltage_climbs(monkeypatch):
    """With a pass less than the jump needs the first try fails; ten smaller steps do it."""
    stepper = rod()
    density = halves(stepper, (0.3, 0.1))
    jumped = fields(stepper, density, 1.0)
    monkeypatch.setattr(stepping, "_ITERATIONS", jumped.iterations - 1)
    before = stepper.tally.solves
    climbed = fields(stepper, density, 1.0)
    assert climbed.current == pytest.approx(jumped.current, rel=1e-6)
    assert stepper.tally.solves - before > 10
    monkeypatch.setattr(stepping, "_ITERATIONS", 1)
    with pytest.raises(stepping.NotConvergedError):
        fields(stepper, density, 1.0)


@pytest.mark.parametrize("resistance", [500.0, 0.0])
def test_a_pulse_from_rest_converges(resistance):
    """0.95 V at once on the state of the set, behind 500 ohm and behind nothing; then -0.95 V."""
    stack = stack_of(circuit__series_resistance=resistance)
    result = simulate_pulses(stack, mesh="coarse", widths=(5e-6,), count=2, pairs=1, cycles=0, amplitudes=(0.95, -0.95))
    assert result.complete
    assert result.message == ""
    assert len(result.pulses) == 2 * 3
    assert result.quality.rejected <= 0.2 * result.quality.steps
    assert result.quality.power_error <= 1e-6
    trains = result.pulses.frame
    up = trains[trains["direction"] == "ltp"].sort_values("pulse_index")["conductance_s"].to_numpy()
    assert np.diff(up).min() > 0


def test_a_ramp_through_zero_keeps_its_signs():
    """From 0.3 to -0.3 V: current, device voltage and source have one sign at every point, and 0 V no power error."""
    drive = (ramp(0.0, 0.3, 1e3, 1e-3, "set"), ramp(0.3, -0.3, 1e3, 1e-3, "reset"))
    result = simulate_iv(mesh="coarse", segments=drive)
    frame = result.sweep.frame[result.sweep.frame["voltage_v"].abs() > 1e-9]
    assert result.complete
    assert np.all(np.sign(frame["current_a"]) == np.sign(frame["voltage_v"]))
    assert np.all(np.sign(frame["device_voltage_v"]) == np.sign(frame["voltage_v"]))
    assert result.quality.power_error <= 1e-6


# The pad
@pytest.fixture(scope="module")
def pad_of_20_nm():
    return simulate_iv("reversible", mesh="coarse")


@pytest.mark.slow
@pytest.mark.parametrize("radius", [60.0, 200.0, 564.0])
def test_the_pad_does_not_matter(pad_of_20_nm, radius):
    """The film insulates: up to a pad of 1 um^2 the voltage at 100 uA moves by under 2 mV, on/off by under 5 %."""
    result = simulate_iv(load_material("reversible").replace({"geometry.radius": radius}), mesh="coarse")
    assert result.complete
    assert result.v_100ua_v == pytest.approx(pad_of_20_nm.v_100ua_v, abs=2e-3)
    assert result.first.device.on_off == pytest.approx(pad_of_20_nm.first.device.on_off, rel=0.05)
