"""Laws of conduction, reaction, heat and transport: every one that is registered, against differences and by hand."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from devicekit.system.plugins import CONDUCTION, HEAT, REACTIONS
from physics.constants import BOLTZMANN_EV
from physics.laws import transport
from physics.laws.conduction import hopping, ohmic
from physics.laws.heat import additive, linear
from physics.laws.law import (
    ConductionLaw,
    HeatLaw,
    ReactionLaw,
)
from physics.laws.reaction import gated, reversible
from physics.solvers.discretisation import Discretisation
from physics.solvers.mesh import uniform
from physics.stack import load_material

K = 8.617333262e-5  # Boltzmann constant [eV/K]


@pytest.mark.parametrize(
    ("density", "prefactor", "energy"),
    [(0.0, 2.0, 0.3), (0.25, 26.5, 0.24), (1.0, 100.0, 0.06), (1.5, 100.0, 0.06), (8.0, 100.0, 0.06)],
)
def test_conductivity_ends_at_the_reference_density(density: float, prefactor: float, energy: float) -> None:
    """2 to 100 S/m and 0.3 to 0.06 eV, both linear up to u = 1 and constant from there on."""
    temperature = 400.0
    found = ohmic.conductivity(np.array([density]), np.array([temperature]), 2.0, 100.0, 0.3, 0.06)
    assert found[0] == pytest.approx(prefactor * math.exp(-energy / (K * temperature)), rel=1e-8)


@pytest.mark.parametrize(("density", "wanted"), [(0.0, 0.5), (0.5, 2.75), (1.0, 5.0), (3.0, 5.0)])
def test_thermal_conductivity_ends_at_the_reference_density(density: float, wanted: float) -> None:
    found = linear.conductivity(np.array([density]), np.array([0.5]), SimpleNamespace(filament=5.0))
    assert found[0] == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(
    ("field", "forward", "reverse"),
    [
        (0.0, 1.2, 1.2),
        (0.2, 0.7, 1.5),  # 1.2 - 2.5 s and 1.2 + 1.5 s
        (0.44, 0.1, 1.86),
        (0.6, 0.1, 2.1),  # the forward barrier would be -0.3 eV: the floor holds it
        (-0.2, 1.7, 0.9),
        (-1.0, 3.7, 0.1),  # and here the reverse one
    ],
)
def test_no_barrier_sinks_below_the_floor(field: float, forward: float, reverse: float) -> None:
    temperature = 350.0
    up, down = reversible.rates(
        np.array([field]),
        np.array([abs(field)]),
        np.array([temperature]),
        np.array([1e13]),
        np.array([1.2]),
        SimpleNamespace(forward_dipole=2.5, reverse_dipole=1.5, oxygen=3.0, barrier_floor=0.1, formation_enthalpy=0.0),
    )
    assert up[0] == pytest.approx(1e13 * math.exp(-forward / (K * temperature)), rel=1e-6)
    assert down[0] == pytest.approx(3e13 * math.exp(-reverse / (K * temperature)), rel=1e-6)


@pytest.mark.parametrize(("strength", "barrier"), [(0.0, 1.0), (0.3, 0.4), (0.45, 0.1), (2.0, 0.1)])
def test_the_gated_barrier_has_the_same_floor(strength: float, barrier: float) -> None:
    temperature = 500.0
    rate, _ = gated.rates(
        np.array([0.1]),
        np.array([strength]),
        np.array([temperature]),
        np.array([1e13]),
        np.array([1.0]),
        SimpleNamespace(forward_dipole=2.0, barrier_floor=0.1),
    )
    assert rate[0] == pytest.approx(1e13 * math.exp(-barrier / (K * temperature)), rel=1e-6)


def test_hopping_diffusivity() -> None:
    """a^2 f exp(-Ea / kT) / 2 with a = 0.25 nm, f = 1e13 Hz, Ea = 1 eV at 600 K."""
    found = transport.diffusivity(600.0, 1.0, 0.25, 1e13)
    assert found == pytest.approx(0.5 * 0.0625 * 1e13 * math.exp(-1.0 / (K * 600.0)), rel=1e-7)


def test_peclet_number_has_the_einstein_limit():
    for temperature in (300.0, 500.0):
        number = transport.peclet(1e-7, 0.25, temperature, 0.25, 2.0)
        assert number == pytest.approx(2.0 * 1e-7 / (BOLTZMANN_EV * temperature), rel=1e-8)


@pytest.mark.parametrize("drop", [1e-6, -0.01, 0.25, -1.5])
def test_hops_obey_detailed_balance_in_any_field(drop):
    """With the field in the diffusivity, too, the weights of both directions differ by exp(Z q V / kT)."""
    kelvin, distance, hop, charge = 500.0, 0.2, 0.25, 2.0
    number = transport.peclet(drop, distance, kelvin, hop, charge)
    faster = transport.hop_enhancement(number, distance, hop, 1.0)
    reduced = 0.5 * charge * hop * drop / (distance * K * kelvin)
    assert faster == pytest.approx(math.sinh(reduced) / reduced, rel=1e-6)
    out, back = transport.weights(number / faster)
    assert math.log(out / back) == pytest.approx(charge * drop / (K * kelvin), rel=1e-6)
    assert transport.hop_enhancement(number, distance, hop, 0.0) == 1.0
    assert transport.hop_enhancement(number, distance, hop, 0.5) == pytest.approx(0.5 * (1 + faster), rel=1e-12)


def test_exchange_weights():
    number = np.array([-800.0, -30.0, -1e-3, -1e-9, 0.0, 1e-9, 1e-3, 30.0, 800.0])
    out, back = np.array([transport.weights(each) for each in number]).T
    assert np.all(out >= 0)
    assert np.all(back >= 0)
    np.testing.assert_allclose(out - back, number, atol=1e-15, rtol=1e-12)
    np.testing.assert_allclose(out[2:7], back[2:7] * np.exp(number[2:7]), rtol=1e-12)
    np.testing.assert_allclose(out, back[::-1])


def test_reaction_rates_obey_detailed_balance():
    field, temperature = np.array([-0.2, 0.0, 0.1]), np.array([300.0, 400.0, 500.0])
    p = SimpleNamespace(forward_dipole=2.7, reverse_dipole=1.5, oxygen=2.0, barrier_floor=0.05, formation_enthalpy=0.6)
    forward, reverse = reversible.rates(field, np.abs(field), temperature, np.full(3, 1e13), np.full(3, 1.28), p)
    exact = np.exp((4.2 * field - 0.6) / (BOLTZMANN_EV * temperature)) / 2.0
    np.testing.assert_allclose(forward / reverse, exact, rtol=1e-10)


def test_gated_rate_is_off_while_ti_is_cathode():
    rate, _ = gated.rates(
        np.array([-0.1, 0.0, 0.1]),
        np.full(3, 0.1),
        np.full(3, 400.0),
        np.full(3, 1e13),
        np.full(3, 1.06),
        SimpleNamespace(forward_dipole=1.0, barrier_floor=0.05),
    )
    assert list(rate > 0) == [False, False, True]


CONDUCTION_LAWS = CONDUCTION.descriptors("LAW", ConductionLaw)


REACTION_LAWS = REACTIONS.descriptors("LAW", ReactionLaw)


HEAT_LAWS = HEAT.descriptors("LAW", HeatLaw)


def within(field):
    """A number within the range that a field declares: a third of the way, or 0.37 above the lower end."""
    limits = {
        name: getattr(each, name) for each in field.metadata for name in ("gt", "ge", "lt", "le") if hasattr(each, name)
    }
    high = limits.get("lt", limits.get("le"))
    low = limits.get("gt", limits.get("ge", 0.0 if high is None else min(0.0, high - 1.0)))
    return low + 0.37 if high is None else low + (high - low) / 3


def numbers(group, law):
    """Parameters of any law: those of the default set where it has them, else numbers within the declared range."""
    known = getattr(load_material("reversible"), group).model_dump()
    fields = law.parameters.model_fields
    given = {name: known[name] if name in known else within(field) for name, field in fields.items() if name != "law"}
    return law.parameters.model_validate(given | {"law": law.name})


# Every law against differences
@pytest.mark.parametrize("law", CONDUCTION_LAWS.values(), ids=CONDUCTION_LAWS)
def test_the_field_slope_of_a_conductivity_is_its_derivative(law):
    """d ln sigma / d ln E by central differences, above -1, at 4 x 60 points in and out of the filament."""
    p = numbers("conduction", law)
    if law.enhancement is None:  # then the current is linear: the discretisation must take it for that
        stack = load_material("reversible").replace({"conduction.law": law.name})
        grid = Discretisation(stack, uniform(12.0, 20.0, 4, 3))
        ones = np.ones(grid.mesh.shape)
        current = grid.current(2.0 * ones, 0.1 * ones, 300.0 * ones, 0.5 * grid.mesh.z[:, None] * ones, 6.0)
        assert grid.ohmic
        assert not current.bend.z.any()
        assert not current.bend.r.any()
        return
    rng = np.random.default_rng(7)
    density = np.concatenate([rng.uniform(0.0, 0.95, 40), rng.uniform(1.05, 2.0, 20)]).reshape(12, 5)
    temperature = rng.uniform(250.0, 900.0, density.shape)
    field = np.exp(rng.uniform(np.log(1e-3), np.log(3.0), (4, *density.shape)))
    factor, slope = law.enhancement(density, temperature, field, p)
    assert factor.shape == slope.shape == field.shape
    h = 2e-3  # a difference of fourth order: near x = 1e-3 the factor carries 1e-13 of rounding
    at = [np.log(law.enhancement(density, temperature, field * math.exp(k * h), p)[0]) for k in (-2, -1, 1, 2)]
    np.testing.assert_allclose(slope, (8 * (at[2] - at[1]) - (at[3] - at[0])) / (12 * h), rtol=1e-6, atol=1e-9)
    assert slope.min() > -1


@pytest.mark.parametrize("law", CONDUCTION_LAWS.values(), ids=CONDUCTION_LAWS)
def test_a_conductivity_without_a_field_is_the_law_itself(law):
    """Enhancement 1 and slope 0 at E = 0; the current sigma E rises with E; both are told cell by cell."""
    p = numbers("conduction", law)
    density, temperature = np.array([[0.0, 0.3, 0.9], [0.999, 1.0, 1.7]]), np.linspace(280.0, 700.0, 6).reshape(2, 3)
    sigma = law.conductivity(density, temperature, p)
    assert sigma.shape == (2, 3)
    assert sigma.min() > 0
    for row in range(2):
        for column in range(3):
            alone = law.conductivity(density[row, column : column + 1], temperature[row, column : column + 1], p)
            assert sigma[row, column] == pytest.approx(alone[0], rel=1e-14)
    if law.enhancement is None:
        return
    factor, slope = law.enhancement(density, temperature, np.zeros((2, 3)), p)
    np.testing.assert_array_equal(factor, 1.0)
    np.testing.assert_array_equal(slope, 0.0)
    fields = np.linspace(0.0, 2.0, 41)[:, None, None] * np.ones((2, 3))
    factor, slope = law.enhancement(density, temperature, fields, p)
    assert np.diff(fields * factor, axis=0).min() > 0
    one, its = law.enhancement(density, temperature, fields[17], p)
    np.testing.assert_array_equal(factor[17], one)
    np.testing.assert_array_equal(slope[17], its)


@pytest.mark.parametrize("law", REACTION_LAWS.values(), ids=REACTION_LAWS)
def test_the_slopes_of_a_reaction_are_its_derivatives(law):
    """d ln rate / d field by central differences in both polarities; 0 where the rate is 0."""
    p = numbers("reaction", law)
    field = np.array([-0.31, -0.2, -0.07, 0.03, 0.11, 0.29])
    temperature, prefactor = np.linspace(290.0, 620.0, 6), np.geomspace(1e11, 1e13, 6)
    barrier = np.linspace(1.0, 1.4, 6)
    h = 1e-5

    def rates(at):
        return law.rates(at, np.abs(at), temperature, prefactor, barrier, p)

    slopes = law.slopes(field, np.abs(field), temperature, prefactor, barrier, p)
    assert any((each > 0).any() for each in rates(field))
    for slope, now, up, down in zip(slopes, rates(field), rates(field + h), rates(field - h), strict=True):
        assert now.shape == slope.shape == field.shape
        assert now.min() >= 0
        alive = now > 0
        assert not slope[~alive].any()
        np.testing.assert_allclose(slope[alive], np.log(up[alive] / down[alive]) / (2 * h), rtol=1e-7, atol=1e-6)


@pytest.mark.parametrize("law", REACTION_LAWS.values(), ids=REACTION_LAWS)
def test_the_rates_of_a_reaction_are_proportional_to_its_prefactor(law):
    p = numbers("reaction", law)
    field, ones = np.array([-0.2, 0.0, 0.2]), np.ones(3)
    one, ten = (law.rates(field, np.abs(field), 400.0 * ones, share * ones, 1.2 * ones, p) for share in (1e12, 1e13))
    for low, high in zip(one, ten, strict=True):
        np.testing.assert_allclose(high, 10 * low, rtol=1e-13)
    for each in law.rates(field, np.abs(field), 400.0 * ones, 0.0 * ones, 1.2 * ones, p):
        assert not each.any()  # a layer without a reaction


@pytest.mark.parametrize("law", HEAT_LAWS.values(), ids=HEAT_LAWS)
def test_the_slope_of_a_thermal_conductivity_is_its_derivative(law):
    p = numbers("heat", law)
    density = np.array([[0.01, 0.2, 0.5], [0.97, 1.03, 2.0]])
    insulating = np.array([[0.4, 0.5, 1.0], [2.0, 0.7, 30.0]])
    h = 1e-6
    up, down = (law.conductivity(density + sign * h, insulating, p) for sign in (1, -1))
    np.testing.assert_allclose(law.slope(density, insulating, p), (up - down) / (2 * h), rtol=1e-7, atol=1e-7)
    assert law.conductivity(density, insulating, p).min() > 0


# The laws that ship, in closed form
def exact_enhancement(x):
    """sinh(x) / x and x coth(x) - 1; by their series where the closed forms cancel."""
    small = x < 0.05
    y = np.where(small, 1.0, x)
    factor = np.where(small, 1 + x**2 / 6 * (1 + x**2 / 20 * (1 + x**2 / 42)), np.sinh(y) / y)
    slope = np.where(small, x**2 / 3 - x**4 / 45 + 2 * x**6 / 945 - x**8 / 4725, y / np.tanh(y) - 1)
    return factor, slope


def test_hopping_is_sinh_x_over_x_from_1e_6_to_500():
    """x = lambda (1 - u) E / 2kT, reached with another density, temperature and field at every point."""
    x = np.concatenate([np.geomspace(1e-6, 500.0, 601), 1e-3 * (1 + np.array([-1e-9, 0.0, 1e-9]))])
    rng = np.random.default_rng(3)
    density, temperature = rng.uniform(0.0, 0.98, x.size), rng.uniform(200.0, 1200.0, x.size)
    length = 0.7
    field = x * 2 * K * temperature / (length * (1 - density))
    factor, slope = hopping.enhancement(density, temperature, field, length)
    wanted, its = exact_enhancement(x)
    # K has ten digits: x is known to 2e-11, and sinh(500) to 1e-8
    np.testing.assert_allclose(factor[x < 10], wanted[x < 10], rtol=1e-9)
    np.testing.assert_allclose(factor, wanted, rtol=2e-8)
    np.testing.assert_allclose(slope, its, rtol=1e-6)
    assert factor[np.argmax(x[:601])] == pytest.approx(math.exp(500.0) / 1000.0, rel=1e-6)


def test_hopping_has_no_step_where_it_changes_to_its_series():
    """At x = 1e-3 +- 1e-9 of it: the factor to rounding, the slope to a millionth of its 3e-7."""
    x = 1e-3 * (1 + np.array([-1e-9, 1e-9]))
    field = x * 2 * K * 300.0 / 0.4
    factor, slope = hopping.enhancement(np.zeros(2), np.full(2, 300.0), field, 0.4)
    assert factor[1] - factor[0] == pytest.approx(0.0, abs=1e-12)
    assert factor[0] - 1 == pytest.approx(1e-6 / 6, rel=1e-6)
    np.testing.assert_allclose(slope, 1e-6 / 3, rtol=1e-6)


@pytest.mark.parametrize(("density", "share"), [(0.0, 1.0), (0.25, 0.75), (0.999999, 1e-6), (1.0, 0.0), (3.0, 0.0)])
def test_hopping_ends_where_the_filament_begins(density, share):
    """lambda falls as 1 - u: at u = 1 - 1e-6 and 50 V/nm x is still 4e-4, from u = 1 on there is none."""
    factor, slope = hopping.enhancement(np.array([density]), np.array([300.0]), np.array([50.0]), 0.4)
    x = 0.4 * share * 50.0 / (2 * K * 300.0)
    if share == 0.0:
        assert factor[0] == 1.0
        assert slope[0] == 0.0
    else:
        wanted, its = exact_enhancement(np.array([x]))
        assert factor[0] == pytest.approx(wanted[0], rel=1e-7)
        assert slope[0] == pytest.approx(its[0], rel=1e-6)
        assert factor[0] > 1.0


@pytest.mark.parametrize("length", [0.0, 1e-9])
def test_a_hop_of_no_length_is_ohms_law(length):
    density, temperature, field = np.array([0.0, 0.5, 1.5]), np.full(3, 300.0), np.array([0.1, 1.0, 5.0])
    factor, slope = hopping.enhancement(density, temperature, field, length)
    np.testing.assert_allclose(factor, 1.0, rtol=1e-14)
    np.testing.assert_allclose(slope, 0.0, atol=1e-14)
    p = numbers("conduction", hopping.LAW)
    np.testing.assert_array_equal(
        hopping.LAW.conductivity(density, temperature, p), ohmic.LAW.conductivity(density, temperature, p)
    )


def test_a_gap_of_hops_follows_sinh_of_the_voltage():
    """Over a gap of length d the docstring's I ~ sinh(V / V0) with V0 = 2 kT d / (q lambda)."""
    gap, length, temperature = 2.4, 0.4, 300.0
    volts = np.array([0.1, 0.31, 0.5, 1.0])
    scale = 2 * K * temperature * gap / length
    assert scale == pytest.approx(0.310, abs=5e-4)  # what the default set quotes
    factor, _ = hopping.enhancement(np.zeros(4), np.full(4, temperature), volts / gap, length)
    current = factor * volts / gap
    np.testing.assert_allclose(current / current[0], np.sinh(volts / scale) / np.sinh(volts[0] / scale), rtol=1e-8)


@pytest.mark.parametrize("side", [-1, 1])
def test_the_slopes_of_a_reaction_end_at_the_floor(side):
    """Forward barrier 1.2 - 2.5 s over a floor of 0.2 eV: at it from s = 0.4 V/nm on; the reverse one from -2/3 on."""
    p = reversible.Parameters.model_validate(
        numbers("reaction", reversible.LAW).model_dump()
        | {"forward_dipole": 2.5, "reverse_dipole": 1.5, "barrier_floor": 0.2, "oxygen": 3.0}
    )
    ones = np.ones(1)
    for field, index, slope in ((0.4, 0, 2.5), (-2 / 3, 1, -1.5)):
        at = ones * field * (1 + side * 1e-6)
        slopes = reversible.LAW.slopes(at, np.abs(at), 350.0 * ones, 1e13 * ones, 1.2 * ones, p)
        wanted = 0.0 if side > 0 else slope / (K * 350.0)
        assert slopes[index][0] == pytest.approx(wanted, rel=1e-8)
        assert slopes[1 - index][0] == pytest.approx((-1.5 if index == 0 else 2.5) / (K * 350.0), rel=1e-8)


def test_without_oxygen_nothing_is_taken_back():
    p = numbers("reaction", reversible.LAW).model_copy(update={"oxygen": 0.0})
    at, ones = np.array([-0.2, 0.2]), np.ones(2)
    forward, reverse = reversible.LAW.rates(at, np.abs(at), 400.0 * ones, 1e13 * ones, 1.2 * ones, p)
    slope, none = reversible.LAW.slopes(at, np.abs(at), 400.0 * ones, 1e13 * ones, 1.2 * ones, p)
    assert forward.min() > 0
    np.testing.assert_allclose(slope, p.forward_dipole / (K * 400.0), rtol=1e-8)
    assert not reverse.any()
    assert not none.any()


@pytest.mark.parametrize(
    ("field", "strength", "rate", "slope"),
    [
        (0.1, 0.3, 1.0 - 2.0 * 0.3, 2.0),  # lowered by the size of the field, not by its z part
        (0.1, 0.45 * (1 - 1e-6), 0.1 + 2.0 * 0.45e-6, 2.0),  # the floor of 0.1 eV is reached at 0.45 V/nm
        (0.1, 0.45 * (1 + 1e-6), 0.1, 0.0),
        (0.0, 0.3, None, 0.0),
        (-1e-9, 0.3, None, 0.0),
        (1e-9, 0.3, 1.0 - 2.0 * 0.3, 2.0),
    ],
)
def test_gated_generation_and_its_slope_at_the_gate_and_at_the_floor(field, strength, rate, slope):
    p = gated.Parameters.model_validate(
        numbers("reaction", gated.LAW).model_dump() | {"forward_dipole": 2.0, "barrier_floor": 0.1}
    )
    arguments = (*(np.array([each]) for each in (field, strength, 500.0, 1e13, 1.0)), p)
    forward, reverse = gated.LAW.rates(*arguments)
    found, none = gated.LAW.slopes(*arguments)
    assert forward[0] == pytest.approx(0.0 if rate is None else 1e13 * math.exp(-rate / (K * 500.0)), rel=1e-6)
    assert found[0] == pytest.approx(slope / (K * 500.0), rel=1e-8)
    assert reverse[0] == none[0] == 0.0


@pytest.mark.parametrize(("density", "added", "line"), [(0.0, 0.5, 0.5), (0.25, 1.0, 6.125), (1.0, 2.5, 23.0)])
def test_two_thermal_conductivities(density, added, line):
    """0.5 + 2 u, and 0.5 to 23 W/(m K), both up to u = 1: slopes 2 and 22.5 just below it, 0 from there on."""
    u, own = np.array([density]), np.array([0.5])
    plus, full = SimpleNamespace(electronic=2.0), SimpleNamespace(filament=23.0)
    assert additive.conductivity(u, own, plus)[0] == pytest.approx(added, rel=1e-14)
    assert linear.conductivity(u, own, full)[0] == pytest.approx(line, rel=1e-14)
    for beyond in (1.0, 1 + 1e-12, 4.0):
        u = np.array([beyond])
        assert additive.conductivity(u, own, plus)[0] == 2.5
        assert linear.conductivity(u, own, full)[0] == 23.0
        assert additive.slope(u, own, plus)[0] == linear.slope(u, own, full)[0] == 0.0
    u = np.array([1 - 1e-12])
    assert additive.slope(u, own, plus)[0] == 2.0
    assert linear.slope(u, own, full)[0] == 22.5
