"""Constants and units of the equations: lengths in nm, energies in eV, densities over a reference."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.constants import physical_constants

Array = NDArray[np.float64]

BOLTZMANN_EV: float = physical_constants["Boltzmann constant in eV/K"][0]
"""Boltzmann constant [eV/K]."""

NM = 1e-9
"""One nanometre [m]."""
