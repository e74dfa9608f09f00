"""Checks of combinations of parameters, and of numbers that no material or instrument has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from devicekit.core.errors import BadRow, ParameterError
from devicekit.core.text import count
from physics import STARTS
from physics.constants import BOLTZMANN_EV, NM

LONGEST = 1e9
"""Longest length [nm]."""

GROWTH = ("filament.radius_exponent", "filament.gap_exponent")
"""How a formed filament depends on the compliance."""

_HIGHEST = {
    "conduction.filament": (6.3e7, "S/m", "the conductivity of silver"),
    "filament.reference_density": (1e29, "m^-3", "about one vacancy for each atom"),
    "reaction.prefactor": (1e16, "Hz", "atoms vibrate at about 1e13 Hz"),
    "reaction.forward_dipole": (50.0, "e nm", "a bond has less than 1 e nm"),
    "reaction.reverse_dipole": (50.0, "e nm", "a bond has less than 1 e nm"),
    "transport.attempt_frequency": (1e16, "Hz", "atoms vibrate at about 1e13 Hz"),
    "circuit.saturation_voltage": (100.0, "V", "more than any transistor in series has"),
}
"""Largest possible values, with unit and reason."""

_LENGTHS = (
    "conduction.hop_length",
    "conduction.density_length",
    "transport.hop_distance",
    "transport.ion_potential_length",
)
_HOP, _MOST_BARRIER = 0.1, 600.0  # [nm], and over kT: the exponential stays above 0
_SLOWEST = 1e10  # s: three hundred years


def contradictions(stack: Any) -> list[BadRow]:
    """Return problems of combinations of parameters, and impossible values.

    Parameters
    ----------
    stack : Stack
    """
    bad = list(_layers(stack))
    if bad:  # the following checks need one active layer and valid lengths
        return bad
    return [*_sizes(stack), *_values(stack)]


def cannot_form(stack: Any) -> list[BadRow]:
    """Return why no filament can form in a pristine film: each layer must generate vacancies.

    Parameters
    ----------
    stack : Stack
    """
    if not stack.reaction.generation:
        return [BadRow(None, "reaction.generation", "false", "true: a pristine film forms by generation")]
    return [
        BadRow(None, f"layer.{layer.name}.reaction", "0", "above 0: without generation no filament passes this layer")
        for layer in stack.layers
        if layer.reaction == 0
    ]


def check_start(stack: Any, start: str) -> None:
    """Refuse a start that is not one, and a pristine film that cannot form, or not within 300 years.

    Parameters
    ----------
    stack : Stack
    start : str
        One of `physics.STARTS`.

    Raises
    ------
    ParameterError
    """
    if start not in STARTS:
        raise ParameterError(f"start: found {start!r}, expected one of {', '.join(STARTS)}")
    if start != "pristine":
        return
    grown = [key for key in GROWTH if stack.get(key) > 0]
    if grown:
        rows = [BadRow(None, key, f"{stack.get(key):g}", "0: a pristine film has no filament yet") for key in grown]
        raise ParameterError("the filament's size at other compliances is that of a formed device", rows)
    if bad := cannot_form(stack):
        raise ParameterError("this stack cannot form from a pristine film; hfo2 is one that can", bad)
    if slow := _too_slow(stack, stack.drive.forming_stop(float(stack.heights[-1])), "the forming ramp"):
        raise ParameterError("the forming of a pristine film would last too long", [slow])


def holding_time(stack: Any) -> float:
    """Return the time at rest in which the active layer changes: by its law of reaction, or by hops over 0.1 nm [s].

    Parameters
    ----------
    stack : Stack
    """
    thermal = BOLTZMANN_EV * stack.heat.ambient
    layer, hops, reaction = stack.layers[stack.active], stack.transport, stack.reaction
    barrier = min(layer.hopping_barrier, _MOST_BARRIER * thermal)
    rates = [hops.attempt_frequency * (hops.hop_distance / _HOP) ** 2 * np.exp(-barrier / thermal)]
    if reaction.generation and layer.reaction > 0:
        values = (0.0, 0.0, stack.heat.ambient, layer.reaction * reaction.prefactor)
        lowest = reaction.energy - 0.5 * reaction.barrier_spread
        both = stack.reaction_law.rates(*(np.array([each]) for each in (*values, lowest)), reaction)
        rates += [float(each[0]) for each in both]
    return float(1 / max([*rates, 1e-300]))


def _layers(stack: Any) -> Iterator[BadRow]:
    names = [layer.name for layer in stack.layers]
    active = [layer.name for layer in stack.layers if layer.active]
    if len(set(names)) < len(names):
        yield BadRow(None, "layer", ", ".join(names), "different names")
    if len(active) != 1:
        yield BadRow(None, "layer", f"{count(len(active), 'active layer')}", "active = true for one layer")
        return
    lengths = {"geometry.radius": stack.geometry.radius}
    lengths |= {f"layer.{layer.name}.thickness": layer.thickness for layer in stack.layers}
    for key, x in lengths.items():
        if x > LONGEST:
            yield BadRow(None, key, f"{x:g} nm", f"at most {LONGEST:g} nm, a metre")


def _sizes(stack: Any) -> Iterator[BadRow]:
    radius, rim = stack.filament_radius, stack.geometry.radius
    if radius >= rim:
        grown = f" at circuit.compliance {stack.circuit.compliance:g} A by filament.radius_exponent"
        at = grown if radius != stack.filament.radius else ""
        yield BadRow(None, "filament.radius", f"{radius:g} nm{at}", f"less than geometry.radius, {rim:g} nm")
    if stack.gap_density > 1:
        found = f"{stack.gap_density:.3g} at circuit.compliance {stack.circuit.compliance:g} A by filament.gap_exponent"
        yield BadRow(None, "filament.gap_density", found, "at most 1, the density of the filament")
    gap, layer = stack.filament.gap_length, stack.layers[stack.active]
    if gap > layer.thickness:
        limit = f"at most layer.{layer.name}.thickness, {layer.thickness:g} nm: the gap is in the active layer"
        yield BadRow(None, "filament.gap_length", f"{gap:g} nm", limit)
    for key, width, whole in (
        ("filament.edge_width", stack.filament.edge_width, radius),
        ("filament.gap_edge_width", stack.filament.gap_edge_width, gap if gap > 0 else np.inf),
    ):
        if width > whole:
            yield BadRow(None, key, f"{width:g} nm", f"at most {whole:g} nm, the size of the part with this edge")
    height = float(stack.heights[-1])
    held = stack.filament.reference_density * np.pi * radius * radius * height * NM**3
    if held < 1:
        limit = "at least one vacancy in the filament (density times volume)"
        yield BadRow(None, "filament.reference_density", f"{held:.2g} vacancies", limit)
    for key in _LENGTHS:
        if (value := _value(stack, key)) > height:
            yield BadRow(None, key, f"{value:g} nm", f"at most {height:g} nm, the height of the stack")


def _values(stack: Any) -> Iterator[BadRow]:
    for key, (highest, unit, why) in _HIGHEST.items():
        if (value := _value(stack, key)) > highest:
            yield BadRow(None, key, f"{value:g} {unit}", f"at most {highest:g} {unit}: {why}")
    low, high = _value(stack, "conduction.insulating"), _value(stack, "conduction.filament", np.inf)
    if low >= high:
        yield BadRow(None, "conduction.insulating", f"{low:g} S/m", f"less than conduction.filament, {high:g} S/m")
    circuit = stack.circuit
    if circuit.saturation_voltage > 0 and circuit.transistor_beta > 0:
        both = f"{circuit.saturation_voltage:g} V, with transistor_beta {circuit.transistor_beta:g} A/V^2"
        yield BadRow(None, "circuit.saturation_voltage", both, "one of both: the other 0")
    limit = stack.transport.site_limit
    if 0 < limit < 1:
        yield BadRow(None, "transport.site_limit", f"{limit:g}", "1 or more, the density of the filament; or 0, off")
    stop = max(stack.drive.set_stop, -stack.drive.reset_stop)
    if slow := _too_slow(stack, stop, "a ramp"):
        yield slow


def _too_slow(stack: Any, stop: float, ramp: str) -> BadRow | None:
    """Return the problem of a ramp to a voltage [V] that would last for centuries; None for others."""
    lasts = stop / stack.drive.rate
    if lasts <= _SLOWEST:
        return None
    rate = f"at least {stop / _SLOWEST:.2g} V/s: {ramp} to {stop:g} V would last {lasts:.1g} s"
    return BadRow(None, "drive.rate", f"{stack.drive.rate:g} V/s", rate)


def _value(stack: Any, key: str, missing: float = 0.0) -> float:
    group, name = key.split(".")
    return float(getattr(getattr(stack, group), name, missing))
