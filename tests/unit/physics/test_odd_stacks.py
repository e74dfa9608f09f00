"""Odd stacks, thin, thick, hot, cold and absurd: each runs, says where it left the model, or is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from devicekit.core.errors import ParameterError
from physics.guards import check_start, holding_time
from physics.iv import simulate_iv
from physics.records import drifting_loops, moving_loops
from physics.stack import load_material, load_stack

SLOW, HEAVY = pytest.mark.slow, pytest.mark.heavy
THIN_LAYERS = {"layer.HfO2.thickness": 1.0, "layer.Al2O3.thickness": 1.5, "filament.gap_length": 1.0}
ODD: list[dict[str, object]] = [
    # geometry
    {"layer.HfO2.thickness": 0.3},
    {"layer.HfO2.thickness": 60.0},
    {"layer.HfO2.thickness": 2000.0},
    {"layer.Al2O3.thickness": 2.4},
    {"layer.Al2O3.thickness": 2.3},
    {"layer.Al2O3.thickness": 20.0},
    {"layer.Al2O3.thickness": 2000.0},
    THIN_LAYERS,
    {"geometry.radius": 5.1},
    {"geometry.radius": 5.0},
    {"geometry.radius": 1e4},
    {"geometry.radius": 1e7},
    {"filament.radius": 0.6},
    {"filament.radius": 0.4},
    {"filament.radius": 15.0},
    {"filament.edge_width": 4.0},
    {"filament.gap_length": 0.0},
    {"filament.gap_length": 0.5},
    {"filament.gap_length": 5.0},
    {"filament.gap_density": 1.0},
    {"filament.gap_density": 1e-9},
    {"filament.background_density": 0.5},
    {"filament.background_density": 1e-30},
    {"filament.reference_density": 1e24},
    {"filament.reference_density": 1e21},
    {"filament.reference_density": 1e30},
    # temperature and heat
    {"heat.ambient": 1.0},
    {"heat.ambient": 77.0},
    {"heat.ambient": 600.0},
    {"heat.ambient": 1200.0},
    {"heat.ambient": 5000.0},
    {"heat.electrode_resistance": 1e-7},
    {"heat.electrode_resistance": 1e-5},
    {"heat.filament": 0.01},
    {"heat.filament": 1e6},
    {"layer.Al2O3.thermal_conductivity": 1e-3},
    # transport
    {"layer.Al2O3.hopping_barrier": 0.05},
    {"layer.Al2O3.hopping_barrier": 10.0},
    {"layer.HfO2.hopping_barrier": 0.3},
    {"transport.charge_number": 0.0},
    {"transport.charge_number": 50.0},
    {"transport.hop_distance": 5.0},
    {"transport.attempt_frequency": 1.0},
    {"transport.attempt_frequency": 1e20},
    {"transport.site_limit": 0.0},
    {"transport.site_limit": 0.1},
    {"transport.ion_potential_length": 0.0},
    {"transport.ion_potential_length": 50.0},
    {"top.vacancies": "blocked"},
    {"bottom.vacancies": "reservoir", "bottom.reservoir_density": 1.0},
    {"top.reservoir_density": 20.0},
    # reaction
    {"reaction.generation": False},
    {"reaction.energy": 0.06},
    {"reaction.energy": 5.0},
    {"reaction.prefactor": 0.0},
    {"reaction.prefactor": 1e25},
    {"reaction.forward_dipole": 0.0},
    {"reaction.forward_dipole": 50.0},
    {"reaction.reverse_dipole": 50.0},
    {"reaction.oxygen": 0.0},
    {"reaction.oxygen": 1e6},
    {"reaction.barrier_spread": 3.0},
    {"reaction.max_density": 10.0},
    # conduction and circuit
    {"conduction.insulating": 1e5},
    {"conduction.insulating": 1e-30},
    {"conduction.filament": 1e9},
    {"conduction.hop_length": 0.0},
    {"conduction.hop_length": 5.0},
    {"circuit.series_resistance": 0.0},
    {"circuit.series_resistance": 1e9},
    {"circuit.compliance": 1e-9},
    {"circuit.compliance": 10.0},
    {"circuit.saturation_voltage": 0.3},
    # drive
    {"drive.rate": 1e-9},
    {"drive.rate": 1e13},
    {"drive.set_stop": 5.0},
    {"drive.reset_stop": -5.0},
    {"drive.set_stop": 1e5},
    {"numerics.voltage_step": 1e-12},
]


def outcome(changes: dict[str, object]) -> str:
    """refused, ended (with a message), remarked, or fine; fails where numbers are neither finite nor marked."""
    try:
        result = simulate_iv(load_material("reversible").replace(changes), mesh="coarse", cycles=1)
    except ParameterError as error:
        words = str(error) + " ".join(str(row.column) for row in error.rows)
        assert any(key.split(".")[-1] in words or key.split(".")[0] in words for key in changes), words
        return "refused"
    frame, quality = result.sweep.frame, result.quality
    for name in ("voltage_v", "current_a", "time_s", "t_max_k", "device_voltage_v"):
        assert np.isfinite(frame[name]).all(), name
    assert quality.n_min >= 0
    assert quality.mass_error < 1e-5
    assert quality.power_error < 1e-6
    codes = {remark.code for remark in quality.remarks}
    assert ("hot" in codes) == (quality.t_max_k > 1000)
    assert ("strong_field" in codes) == (quality.field_max > 1)
    assert ("sparse" in codes) == (quality.vacancies_per_nm < 1)
    if not result.complete:
        assert result.message
        return "ended"
    assert quality.t_max_k <= 2000
    assert float(frame["voltage_v"].iloc[-1]) == pytest.approx(0.0, abs=1e-12)
    return "remarked" if codes else "fine"


@pytest.mark.parametrize(
    "changes",
    [
        {"conduction.filament": 1e8},
        {"filament.reference_density": 1e30},
        {"conduction.hop_length": 20.0},
        {"transport.ion_potential_length": 1000.0},
        {"reaction.forward_dipole": 500.0},
        {"reaction.prefactor": 1e25},
        {"drive.rate": 1e-12},
        {"circuit.saturation_voltage": 1000.0},
        {"transport.site_limit": 0.5},
        {"circuit.saturation_voltage": 0.3, "circuit.transistor_beta": 1e-3},
    ],
    ids=str,
)
def test_what_no_material_or_instrument_has_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ParameterError) as caught:
        load_material("reversible").replace(changes)
    assert [row.column for row in caught.value.rows] == [next(iter(changes))]
    assert any(character.isdigit() for character in caught.value.rows[0].expected)  # a limit, or what it depends on


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"reaction.energy": 0.1}, "volatile"), ({"heat.ambient": 4.0}, "cold"), ({"heat.ambient": 77.0}, None)],
)
def test_stacks_that_the_equations_do_not_describe_are_remarked_on(
    changes: dict[str, object], code: str | None
) -> None:
    stack = load_material("reversible").replace({**changes, "drive.set_stop": 0.02})
    remarks = {each.code for each in simulate_iv(stack, mesh="coarse").quality.remarks}
    assert remarks & {"volatile", "cold"} == ({code} if code else set())


def test_a_stack_keeps_its_state_for_the_time_of_its_lowest_barrier() -> None:
    """1 / (1e13 Hz exp(-1.35 eV / kT)) at 400 K: the axis has the energy less half the spread."""
    stack = load_material("reversible").replace({"heat.ambient": 400.0, "reaction.energy": 1.45})
    assert holding_time(stack) == pytest.approx(math.exp(1.35 / (8.617333e-5 * 400.0)) / 1e13, rel=1e-3)


def test_loops_that_do_not_settle_are_remarked_on() -> None:
    assert not moving_loops([0.5, 0.6])
    assert not moving_loops([0.4, 0.60, 0.62])
    assert [each.code for each in moving_loops([0.569, 0.492, 0.449])] == ["moving_loops"]
    assert [each.code for each in moving_loops([0.569, None, 0.449])] == ["moving_loops"]
    assert [each.code for each in moving_loops([0.569, 0.569, None])] == ["moving_loops"]
    assert not moving_loops([None, None, None])


def test_a_slow_drift_of_loops_is_remarked_on() -> None:
    """One per cent a loop is below any change between two loops; noise alone is no drift."""
    numbers = range(1, 11)
    line = [190.0, *(180.0 * (1 - 0.01 * k) for k in range(9))]
    rise = [0.5 + 0.001 * k for k in numbers]
    (found,) = drifting_loops(numbers, {"LRS": line, "HRS": [30.0] * 10, "V_set": rise})
    assert (found.code, found.message) == ("moving_loops", "LRS drifts by -8 % from loop 2 to loop 10.")
    both = drifting_loops(numbers, {"LRS": line, "HRS": [30.0 + 2 * k for k in numbers]})
    assert [each.message.split()[0] for each in both] == ["HRS", "LRS"]  # the larger first
    (later,) = drifting_loops(range(2, 12), {"LRS": line})  # the first one was a forming
    assert later.message == "LRS drifts by -8 % from loop 3 to loop 11."
    assert not drifting_loops(range(1, 6), {"LRS": line[:5]})
    assert not drifting_loops(numbers, {"V_set": [None] * 10})


def test_noise_of_loops_is_hardly_ever_a_drift() -> None:
    """Of 400 runs without a drift: independent loops, few and many, and loops of which each follows the one before."""
    rng = np.random.default_rng(1)
    ends = [rng.normal(0, 6, (400, count)) for count in (6, 100)]
    follow = rng.normal(0, 6, (400, 120))
    for k in range(1, 120):
        follow[:, k] = 0.8 * follow[:, k - 1] + 0.6 * follow[:, k]

    def remarks(runs: np.ndarray) -> int:
        return sum(bool(drifting_loops(range(len(run)), {"HRS": list(30 + run)}, noisy=True)) for run in runs)

    assert [remarks(runs) <= 4 for runs in ends] == [True, True]
    assert remarks(follow[:, 20:]) <= 12
    assert remarks(ends[1] + np.linspace(0, 12, 100)) > 390
    assert remarks(follow[:, 20:] + np.linspace(0, 40, 100)) > 300


def test_a_reaction_that_is_off_at_rest_loses_no_state() -> None:
    """The gated law generates in a field alone, so that hops limit the time: 1 / (1e13 Hz 2.5^2 exp(-1.1 eV / kT))."""
    stack = load_material("gated").replace({"reaction.energy": 0.2})
    hops = stack.transport.attempt_frequency * (stack.transport.hop_distance / 0.1) ** 2
    barrier = stack.layers[stack.active].hopping_barrier
    assert holding_time(stack) == pytest.approx(math.exp(barrier / (8.617333e-5 * 300.0)) / hops, rel=1e-3)
    fast = load_material("reversible").replace({"reaction.oxygen": 100.0, "heat.ambient": 400.0})
    assert holding_time(fast) < 0.02 * holding_time(fast.replace({"reaction.oxygen": 1.0}))


def test_the_ramp_of_a_forming_counts_among_those_that_never_end() -> None:
    slow = load_stack("hfo2").replace({"drive.rate": 4e-10})  # 5 V in 1.25e10 s, and 2.5 V in half of that
    check_start(slow, "reset")
    with pytest.raises(ParameterError) as caught:
        check_start(slow, "pristine")
    (row,) = caught.value.rows
    assert row.column == "drive.rate"
    assert "forming" in row.expected
    assert "5e-10 V/s" in row.expected


def test_there_are_75_of_them() -> None:
    assert len(ODD) >= 75


@pytest.mark.parametrize("changes", ODD[:60:20], ids=str)
def test_a_few_odd_stacks(changes: dict[str, object]) -> None:
    assert outcome(changes) in ("refused", "ended", "remarked", "fine")


@pytest.mark.parametrize(
    "changes", [pytest.param(each, marks=SLOW if k % 8 == 5 else HEAVY) for k, each in enumerate(ODD)], ids=str
)
def test_no_odd_stack_is_silent(changes: dict[str, object]) -> None:
    assert outcome(changes) in ("refused", "ended", "remarked", "fine")


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"geometry.radius": 5.0}, "filament.radius"),
        ({"layer.Al2O3.thickness": 2.3}, "filament.gap_length"),
        ({"filament.radius": 0.4}, "filament.edge_width"),
        ({"filament.gap_length": 0.3}, "filament.gap_edge_width"),
        ({"filament.reference_density": 1e21}, "filament.reference_density"),
        ({"conduction.insulating": 8e4}, "conduction.insulating"),
    ],
)
def test_contradictions_are_refused(changes: dict[str, object], what: str) -> None:
    with pytest.raises(ParameterError) as caught:
        load_material("reversible").replace(changes)
    assert what in [row.column for row in caught.value.rows]


@pytest.mark.parametrize(
    "changes",
    [
        {"geometry.radius": 5.01},
        {"layer.Al2O3.thickness": 2.4},
        {"filament.radius": 0.5},
        {"filament.gap_length": 0.4},
        {"conduction.insulating": 7.9e4},
    ],
)
def test_values_at_the_limit_are_accepted(changes: dict[str, object]) -> None:
    load_material("reversible").replace(changes)


def test_a_drive_of_too_many_steps_is_refused() -> None:
    stack = load_material("reversible")
    steps = 2 * (stack.drive.set_stop - stack.drive.reset_stop) / stack.numerics.voltage_step
    fits = math.floor(1e6 / steps)
    with pytest.raises(ParameterError, match="voltage_step"):
        simulate_iv(stack, mesh="coarse", cycles=fits + 1)
    with pytest.raises(ParameterError, match="voltage_step"):
        simulate_iv(stack.replace({"numerics.voltage_step": 1.7e-6}), mesh="coarse")


def test_a_melting_filament_ends_the_run_and_says_so() -> None:
    hot = load_material("reversible").replace({"heat.electrode_resistance": 1e-5})
    result = simulate_iv(hot, mesh="coarse", cycles=1)
    assert not result.complete
    assert "2000 K" in result.message
    assert "hot" in {remark.code for remark in result.quality.remarks}


def test_remarks_of_the_drift_set_name_its_heat() -> None:
    stack = load_material("drift").replace({"numerics.voltage_step": 0.05})
    remarks = simulate_iv(stack, mesh="coarse", cycles=2).quality.remarks
    assert "sparse" in {remark.code for remark in remarks}
    assert any("nanometre" in remark.message for remark in remarks)
