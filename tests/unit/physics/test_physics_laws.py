"""Laws of conduction, reaction and heat: every one that is registered, against differences; and how one is found."""

from __future__ import annotations

import math
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from devicekit.core.errors import ParameterError
from devicekit.system.plugins import CONDUCTION, HEAT, REACTIONS
from physics.laws.conduction import hopping, ohmic
from physics.laws.find import allow_laws, find_law
from physics.laws.heat import additive, linear
from physics.laws.law import (
    ConductionLaw,
    ConductionParameters,
    HeatLaw,
    HeatParameters,
    ReactionLaw,
    ReactionParameters,
)
from physics.laws.reaction import gated, reversible
from physics.solvers.discretisation import Discretisation
from physics.solvers.mesh import uniform
from physics.stack import load_material, load_stack

K = 8.617333262e-5  # Boltzmann constant [eV/K]
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
    known = getattr(load_stack(), group).model_dump()
    fields = law.parameters.model_fields
    given = {name: known[name] if name in known else within(field) for name, field in fields.items() if name != "law"}
    return law.parameters.model_validate(given | {"law": law.name})


@pytest.mark.parametrize(
    ("laws", "base"),
    [(CONDUCTION_LAWS, ConductionParameters), (REACTION_LAWS, ReactionParameters), (HEAT_LAWS, HeatParameters)],
)
def test_a_law_is_found_by_the_name_of_its_file(laws, base):
    group = {ConductionParameters: "conduction", ReactionParameters: "reaction", HeatParameters: "heat"}[base]
    assert len(laws) >= 2
    for name, law in laws.items():
        assert find_law(group, name) is law
        assert issubclass(law.parameters, base)


# Every law against differences


@pytest.mark.parametrize("law", CONDUCTION_LAWS.values(), ids=CONDUCTION_LAWS)
def test_the_field_slope_of_a_conductivity_is_its_derivative(law):
    """d ln sigma / d ln E by central differences, above -1, at 4 x 60 points in and out of the filament."""
    p = numbers("conduction", law)
    if law.enhancement is None:  # then the current is linear: the discretisation must take it for that
        stack = load_stack().replace({"conduction.law": law.name})
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
    assert additive.conductivity(u, own, 2.0)[0] == pytest.approx(added, rel=1e-14)
    assert linear.conductivity(u, own, 23.0)[0] == pytest.approx(line, rel=1e-14)
    for beyond in (1.0, 1 + 1e-12, 4.0):
        u = np.array([beyond])
        assert additive.conductivity(u, own, 2.0)[0] == 2.5
        assert linear.conductivity(u, own, 23.0)[0] == 23.0
        assert additive.slope(u, own, 2.0)[0] == linear.slope(u, own, 23.0)[0] == 0.0
    u = np.array([1 - 1e-12])
    assert additive.slope(u, own, 2.0)[0] == 2.0
    assert linear.slope(u, own, 23.0)[0] == 22.5


# How a law is found

DOUBLE = '''
"""Ohm's law times a gain."""

from physics.laws.conduction import ohmic
from physics.laws.law import ConductionLaw
from physics.parameters import number


class Parameters(ohmic.Parameters):
    gain: float = number("1", "gain", gt=0, default=GAIN)


def conductivity(density, temperature, p):
    return p.gain * ohmic.of_parameters(density, temperature, p)


LAW = ConductionLaw("double", Parameters, conductivity)
'''


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def conductivity(stack):
    return stack.conduction_law.conductivity(np.array([0.4]), np.array([300.0]), stack.conduction)[0]


def test_a_law_of_a_file_is_used_and_read_anew_when_the_file_changes(tmp_path):
    path = write(tmp_path / "double.py", DOUBLE.replace("GAIN", "2.0"))
    ohms = load_stack().replace({"conduction.law": "ohmic"})
    stack = ohms.replace({"conduction.law": str(path)}, laws=path)
    assert stack.get("conduction.gain") == 2.0
    assert stack.unit("conduction.gain") == "1"
    assert conductivity(stack) == pytest.approx(2 * conductivity(ohms), rel=1e-14)
    assert conductivity(stack.replace({"conduction.gain": 5.0})) == pytest.approx(5 * conductivity(ohms), rel=1e-14)
    with pytest.raises(ParameterError, match=r"conduction\.gain"):
        stack.replace({"conduction.gain": 0.0})
    write(path, DOUBLE.replace("GAIN", "3.0"))
    assert ohms.replace({"conduction.law": str(path)}).get("conduction.gain") == 3.0


def test_a_law_beside_a_stack_file_is_found_from_anywhere(tmp_path, monkeypatch):
    """Also one beside the set that the stack names: a path is relative to the file that says it."""
    write(tmp_path / "laws" / "double.py", DOUBLE.replace("GAIN", "2.0"))
    text = '[conduction]\nlaw = "laws/double.py"\ngain = { value = 4.0, unit = "1", source = "10.1000/x" }\n'
    stack = load_stack(write(tmp_path / "mine.toml", text), laws=tmp_path / "laws" / "double.py")
    assert Path(stack.conduction.law) == (tmp_path / "laws" / "double.py").resolve()
    assert stack.get("conduction.gain") == 4.0
    assert stack.sources["conduction.gain"] == "10.1000/x"
    whole = (Path(sys.modules["physics"].__file__).parent / "materials" / "gated.toml").read_text(encoding="utf-8")
    write(tmp_path / "sets" / "ours.toml", whole.replace('law = "hopping"', 'law = "../laws/double.py"\ngain = 1'))
    write(tmp_path / "deep" / "stack.toml", 'material = "../sets/ours.toml"\n')
    with pytest.raises(ParameterError, match=r"conduction\.gain"):  # a number needs its unit there too
        load_stack(tmp_path / "deep" / "stack.toml")
    ours = whole.replace('law = "hopping"', 'law = "../laws/double.py"')
    write(tmp_path / "sets" / "ours.toml", "\n".join(x for x in ours.splitlines() if not x.startswith("hop_length")))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    stack = load_stack(tmp_path / "deep" / "stack.toml")
    wanted = 2 * conductivity(load_material("gated").replace({"conduction.law": "ohmic"}))
    assert conductivity(stack) == pytest.approx(wanted, rel=1e-14)


@pytest.mark.parametrize("group", ["conduction", "reaction", "heat"])
def test_an_unknown_law_is_refused_with_the_known_ones(group):
    with pytest.raises(ParameterError, match=rf"{group}\.law: found 'nosuch'") as caught:
        find_law(group, "nosuch")
    for name in {"conduction": CONDUCTION_LAWS, "reaction": REACTION_LAWS, "heat": HEAT_LAWS}[group]:
        assert name in str(caught.value)
    with pytest.raises(ParameterError, match=rf"{group}\.law"):
        load_stack().replace({f"{group}.law": "nosuch"})


OTHER_KIND = "from physics.laws.{module} import LAW\n"


@pytest.mark.parametrize(
    ("group", "text", "words"),
    [
        ("conduction", "x = 1\n", "must define LAW, a ConductionLaw"),
        ("reaction", "x = 1\n", "must define LAW, a ReactionLaw"),
        ("heat", "x = 1\n", "must define LAW, a HeatLaw"),
        ("conduction", "raise RuntimeError('too hot')\n", "RuntimeError: too hot"),
        ("reaction", "import nosuchmodule_\n", "ModuleNotFoundError"),
        ("heat", "def (:\n", "SyntaxError"),
        ("conduction", "LAW = 1 / 0\n", "ZeroDivisionError"),
        ("conduction", OTHER_KIND.format(module="heat.linear"), "a ConductionLaw"),
        ("reaction", OTHER_KIND.format(module="conduction.ohmic"), "a ReactionLaw"),
        ("heat", OTHER_KIND.format(module="reaction.gated"), "a HeatLaw"),
    ],
)
def test_a_file_that_holds_no_such_law_is_refused_by_its_key(tmp_path, group, text, words):
    path = write(tmp_path / "bad.py", text)
    allow_laws(path)
    for _ in range(2):  # a failure leaves nothing behind that the next try takes for a law
        with pytest.raises(ParameterError, match=rf"^{group}\.law: ") as caught:
            find_law(group, str(path))
        assert words in str(caught.value)
        assert str(path) in str(caught.value)
    write(tmp_path / "stack.toml", f'[{group}]\nlaw = "bad.py"\n')
    with pytest.raises(ParameterError, match=rf"{group}\.law"):
        load_stack(tmp_path / "stack.toml")


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    (tmp_path / "folder.py").mkdir()
    for name in ("absent.py", "folder.py"):
        with pytest.raises(ParameterError, match=rf"laws=: .*{name}"):
            allow_laws(tmp_path / name)
    allow_laws(write(tmp_path / "gone.py", "LAW = 1"))
    (tmp_path / "gone.py").unlink()
    with pytest.raises(ParameterError, match=r"heat\.law: cannot read .*gone\.py"):
        find_law("heat", str(tmp_path / "gone.py"))


CHILD = """
import pickle, sys
import numpy as np
stack = pickle.load(sys.stdin.buffer)
law, p = stack.conduction_law, stack.conduction
print(law.name, p.gain, repr(float(law.conductivity(np.array([0.4]), np.array([300.0]), p)[0])))
print(stack.replace({"conduction.gain": 7.0}).get("conduction.gain"))
"""


def test_a_stack_with_a_law_of_a_file_reaches_another_process(tmp_path):
    write(tmp_path / "double.py", DOUBLE.replace("GAIN", "2.0"))
    write(tmp_path / "stack.toml", '[conduction]\nlaw = "double.py"\n')
    stack = load_stack(tmp_path / "stack.toml", laws=[tmp_path / "double.py"]).replace({"conduction.gain": 4.0})
    again = pickle.loads(pickle.dumps(stack))
    assert again.model_dump() == stack.model_dump()
    assert type(again.conduction) is type(stack.conduction)
    (tmp_path / "elsewhere").mkdir()
    root = Path(sys.modules["physics"].__file__).parents[1]
    ran = subprocess.run(
        [sys.executable, "-c", CHILD],
        input=pickle.dumps(stack),
        capture_output=True,
        cwd=tmp_path / "elsewhere",
        env=os.environ | {"PYTHONPATH": str(root)},
        check=False,
    )
    assert ran.returncode == 0, ran.stderr.decode()
    assert ran.stdout.decode().split() == ["double", "4.0", repr(float(conductivity(stack))), "7.0"]
