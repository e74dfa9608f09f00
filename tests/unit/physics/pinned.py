"""The stack of the tests of calibration and kinetics: another choice of the shipped numbers changes nothing there."""

from __future__ import annotations

from physics.stack import load_material

NUMBERS = {
    "layer.HfO2.hopping_barrier": 1.35,
    "layer.Al2O3.hopping_barrier": 0.95,
    "heat.electrode_resistance": 0.0,
    "heat.filament": 23.0,
    "reaction.energy": 1.26,
    "reaction.barrier_spread": 0.4,
    "reaction.forward_dipole": 2.7,
    "conduction.filament": 8e4,
    "filament.radius": 5.0,
    "filament.gap_length": 2.4,
    "circuit.compliance": 1e-3,
    "circuit.series_resistance": 500.0,
}

LARGE_STEPS = {"numerics.voltage_step": 0.03, "numerics.conductance_step": 0.3, "numerics.density_step": 0.12}
"""Steps of the same, where a test takes many runs."""

ROUGH_NUMBERS = {**NUMBERS, **LARGE_STEPS}
"""Both."""


def base(changes=None):
    return load_material("reversible").replace({**NUMBERS, **(changes or {})})
