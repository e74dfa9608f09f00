"""Rods whose conduction bends with the field."""

from __future__ import annotations

import math

import numpy as np

from physics.solvers.banded_solver import BandedSolver
from physics.solvers.discretisation import Discretisation
from physics.solvers.mesh import Mesh, uniform
from physics.solvers.stepping import Stepper
from physics.stack import load_material

LENGTH, AREA = 12.0, math.pi * 20.0**2  # [nm], [nm^2]


HOP = 4.0  # [nm]: ten times that of the default set, so that a few volts over 12 nm bend the current strongly


# What the closed forms hold, so that a default set calibrated anew changes none of them.
NUMBERS = {
    "conduction.insulating": 1e-6,
    "conduction.filament": 8e4,
    "conduction.activation_insulating": 0.05,
    "conduction.activation_filament": 0.006,
    "conduction.hop_length": 0.4,
    "circuit.series_resistance": 500.0,
    "heat.ambient": 300.0,
}


def stack_of(**changes):
    """The default set with `NUMBERS`, and changes on top."""
    return load_material("reversible").replace(
        NUMBERS | {key.replace("__", "."): value for key, value in changes.items()}
    )


def rod(make=BandedSolver, heights=12, radii=3, **changes):
    """A stepper of 12 nm that no current heats, without a series resistance."""
    heat = ("heat__filament", "layer__HfO2__thermal_conductivity", "layer__Al2O3__thermal_conductivity")
    settings = dict.fromkeys(heat, 1e15) | {"heat__electrode_resistance": 0.0}
    settings |= {"circuit__series_resistance": 0.0, "conduction__hop_length": HOP}
    cells = uniform(LENGTH, 20.0, heights, radii)
    mesh = Mesh(cells.r_faces, cells.z_faces, (cells.z >= 7).astype(np.int64))
    grid = Discretisation(stack_of(**settings | changes), mesh)
    return Stepper(grid, make(grid))
