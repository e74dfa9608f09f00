"""Noise of single vacancies, with one number of its own: `FEW`.

Vacancies are generated, recombine and hop at random. In each step every cell gains the variance of a linear birth-death
process, and every face that of its hops in both directions. A vacancy acts over the length of the ion potential
(`transport.ion_potential_length`), so that the noise is spread over this footprint before it is added: a cell on the
axis contains far less than one vacancy, for which white noise per cell would be meaningless. Where the counts expected
within a footprint are few, a step cannot take more than there is: the noise is bounded by the density. That keeps its
mean at 0 and lowers its variance: an approximation of counts, whose share of the cells a run reports.

Where far less than one vacancy is expected in a footprint, as in a pristine film, the density is a probability and
stays a mean: noise would empty or double it in every step, however short, and the field in an emptied layer refill it
within 1e-13 s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from devicekit.core.errors import ParameterError
from devicekit.system.jit import compiled
from physics.constants import NM, Array

FEW = 0.025
"""Vacancies expected in a footprint below which noise fades: a tenth of it at a third of them."""

if TYPE_CHECKING:
    from physics.solvers.banded_solver import BandedSolver
    from physics.solvers.discretisation import Discretisation, Vacancies


@compiled
def birth_death_variance(density: Array, source: Array, sink: Array, full: float, step: float, count: Array) -> Array:
    """Return the variance of the density of a cell by births and deaths in a step [1].

    (b + d) (1 - exp(-2 k t)) / (2 k N) with births b = source (1 - u / full), deaths d = (sink - source / full) u,
    k = sink and N vacancies at the reference density: exact for a linear process at balance, with a final variance of
    u (1 - u / full) / N.

    Parameters
    ----------
    density, source, sink : array [1], [1/s], [1/s]
        Coefficients of the vacancy equation du/dt = source - sink u.
    full : float
        Density at which generation stops [1].
    step : float [s]
    count : array [1]
        N: vacancies in a cell at the reference density.
    """
    out = np.empty_like(density)
    for i in range(density.shape[0]):
        for j in range(density.shape[1]):
            births = source[i, j] * max(1.0 - density[i, j] / full, 0.0)
            deaths = max(sink[i, j] - source[i, j] / full, 0.0) * density[i, j]
            damped = 2.0 * sink[i, j] * step
            share = step if damped < 1e-9 else -np.expm1(-damped) / (2.0 * sink[i, j])
            out[i, j] = (births + deaths) * share / count[i, j]
    return out


@compiled
def hops(
    density: Array,
    up_z: Array,
    down_z: Array,
    up_r: Array,
    down_r: Array,
    bottom: Array,
    top: Array,
    volume: Array,
    per_volume: float,
    step: float,
    normal_z: Array,
    normal_r: Array,
) -> Array:
    """Return the random change of the density of every cell by hops, relative to their mean [1].

    Across a face, up u_first and down u_second vacancies hop on average; both are counts, so that the variance of their
    difference is the sum. If a cell empties within the step, its exchange damps the noise as in a linear process. The
    number of vacancies is conserved.

    Parameters
    ----------
    density, up_z, down_z, up_r, down_r, bottom, top, volume : array
        See `discretisation.Vacancies`.
    per_volume : float
        Vacancies per nm^3 at the reference density [nm^-3].
    step : float [s]
    normal_z, normal_r : array
        Standard normal numbers, one per face.
    """
    heights, radii = density.shape
    out = np.zeros((heights, radii))
    for k in range(heights + 1):
        for j in range(radii):
            first = density[k - 1, j] if k > 0 else bottom[j]
            second = density[k, j] if k < heights else top[j]
            rate = up_z[k, j] * first + down_z[k, j] * second
            if rate == 0.0:
                continue
            damping = 0.0
            damping += up_z[k, j] / volume[k - 1, j] if k > 0 else 0.0
            damping += down_z[k, j] / volume[k, j] if k < heights else 0.0
            share = step if damping * step < 1e-9 else -np.expm1(-2.0 * damping * step) / (2.0 * damping)
            moved = normal_z[k, j] * np.sqrt(rate * share / per_volume)
            if k > 0:
                out[k - 1, j] -= moved / volume[k - 1, j]
            if k < heights:
                out[k, j] += moved / volume[k, j]
    for i in range(heights):
        for j in range(radii - 1):
            rate = up_r[i, j] * density[i, j] + down_r[i, j] * density[i, j + 1]
            if rate == 0.0:
                continue
            damping = up_r[i, j] / volume[i, j] + down_r[i, j] / volume[i, j + 1]
            share = step if damping * step < 1e-9 else -np.expm1(-2.0 * damping * step) / (2.0 * damping)
            moved = normal_r[i, j] * np.sqrt(rate * share / per_volume)
            out[i, j] -= moved / volume[i, j]
            out[i, j + 1] += moved / volume[i, j + 1]
    return out


def bounded(kick: Array, density: Array) -> Array:
    """Return random changes of the density [1] bounded by the density itself: u tanh(kick / u).

    An odd function keeps the mean of a symmetric change at 0. A small change is left as it is; a large one empties a
    cell or doubles it, as of a single vacancy that is there or not.

    Parameters
    ----------
    kick, density : array [1]
    """
    out = np.zeros_like(density)
    held = density > 0
    out[held] = density[held] * np.tanh(kick[held] / density[held])
    return out


def balanced(change: Array, volume: Array, net: float) -> Array:
    """Return changes of the density with a given sum over the volume: the larger of gain and loss is reduced.

    Parameters
    ----------
    change, volume : array [1], [nm^3]
    net : float [nm^3]
    """
    gain, loss = float(np.sum(volume * np.maximum(change, 0.0))), float(np.sum(volume * np.maximum(-change, 0.0)))
    if gain - loss > net:
        return np.where(change > 0, change * (max(loss + net, 0.0) / gain if gain > 0 else 0.0), change)
    return np.where(change < 0, change * (max(gain - net, 0.0) / loss if loss > 0 else 0.0), change)


class Discreteness:
    """The noise of one run: a seeded random stream and the footprint of a vacancy.

    A seed reproduces a run to the last bit on the same mesh with the same step control; on another mesh the run differs
    but has the same statistics.

    Parameters
    ----------
    grid : Discretisation
    solver : BandedSolver
    seed : int

    Raises
    ------
    ParameterError
        If the stack has no ion potential length (the footprint), or the seed is not a whole number from 0.
    """

    def __init__(self, grid: Discretisation, solver: BandedSolver, seed: int) -> None:
        self.length = grid.stack.transport.ion_potential_length
        if self.length == 0:
            raise ParameterError(
                "noise: found transport.ion_potential_length 0 nm, expected more (footprint of a vacancy)"
            )
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
            raise ParameterError(f"noise: found the seed {seed!r}, expected a whole number from 0")
        self.grid, self.solver = grid, solver
        self.random = np.random.default_rng(int(seed))
        self.per_volume = grid.stack.filament.reference_density * NM**3
        self.count = grid.mesh.volume * self.per_volume
        footprint = 8 * np.pi * self.length**3  # of exp(-r / length) / r, as 1 over the integral of its square
        self.few = FEW / (self.per_volume * footprint)
        self.bounded = 0.0

    def after(self, density: Array, equation: Vacancies, step: float) -> Array:
        """Return the density [1] after the noise of one step [s] of a vacancy equation."""
        draw: Any = self.random.standard_normal
        full = self.grid.stack.reaction.max_density
        variance = birth_death_variance(density, equation.source, equation.sink, full, step, self.count)
        own = draw(density.shape) * np.sqrt(variance)
        hopped = hops(
            density,
            equation.up.z,
            equation.down.z,
            equation.up.r,
            equation.down.r,
            equation.bottom,
            equation.top,
            self.grid.mesh.volume,
            self.per_volume,
            step,
            draw(equation.up.z.shape),
            draw(equation.up.r.shape),
        )
        own, hopped = self.solver.smooth(own, self.length), self.solver.smooth(hopped, self.length)
        # hops conserve vacancies, apart from those that pass an electrode
        net, volume = float(np.sum(self.grid.mesh.volume * hopped)), self.grid.mesh.volume
        share = density**2 / (density**2 + self.few**2)
        own, hopped = share * own, share * hopped
        half = 0.5 * density  # each of both at most, so that no cell falls below 0
        self.bounded = max(self.bounded, float(np.mean(np.abs(own) + np.abs(hopped) > half)))
        return density + bounded(own, half) + balanced(bounded(hopped, half), volume, net)
