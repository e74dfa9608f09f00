"""Hopping of vacancies: diffusivity, drift, and the exchange between two cells.

Model of section III-B of the paper (doi 10.1109/JEDS.2023.3311763): thermally activated hopping of vacancies over a
barrier lowered by the field.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from devicekit.system.jit import compiled
from physics.constants import BOLTZMANN_EV, Array

# Beyond this, exp() overflows; no field in a working device comes near it.
_LARGEST_EXPONENT = 600.0


@compiled
def diffusivity(temperature: float, barrier: float, hop: float, frequency: float) -> float:
    """Return the hopping diffusivity D = a^2 f exp(-Ea / kT) / 2 [nm^2/s].

    Parameters
    ----------
    temperature : float [K]
    barrier : float [eV]
    hop : float [nm]
    frequency : float [Hz]
    """
    return 0.5 * hop**2 * frequency * math.exp(-barrier / (BOLTZMANN_EV * temperature))


@compiled
def peclet(drop: float, distance: float, temperature: float, hop: float, charge: float) -> float:
    """Return the cell Peclet number v d / D of hopping drift, with v/D = (2/a) sinh(Z q a E / 2 kT) [1].

    Barrier and attempt frequency cancel in v/D. In a weak field v/D = Z q E / kT (Einstein). The sign is that
    of the drift: positive from the first cell of a pair to the second.

    Parameters
    ----------
    drop : float [V]
        Potential of the first cell minus that of the second.
    distance : float [nm]
        Between the two cells.
    temperature : float [K]
        On the face between them.
    hop : float
        Hopping distance a [nm].
    charge : float
        Charge number Z [1].
    """
    half = charge * hop * drop / (2 * distance * BOLTZMANN_EV * temperature)
    return (2 * distance / hop) * math.sinh(min(max(half, -_LARGEST_EXPONENT), _LARGEST_EXPONENT))


@compiled
def hop_enhancement(number: float, distance: float, hop: float, share: float) -> float:
    """Return 1 + share (sinh(x) / x - 1), the diffusivity in a field over that without one, from a Peclet number [1].

    x = Z q a E / 2 kT, so that with a share of 1 the drift velocity over the diffusivity is Z q E / kT in any field.
    """
    if share == 0.0:
        return 1.0
    sine = number * hop / (2 * distance)
    if abs(sine) < 1e-4:
        return 1.0 + share * sine * sine / 6.0
    return 1.0 + share * (sine / math.asinh(sine) - 1.0)


@compiled
def weights(number: float) -> tuple[float, float]:
    """Return the Scharfetter-Gummel weights (B(-P), B(P)) with B(x) = x / (exp(x) - 1); both are positive for every P.

    The flux between two cells is (D/d) (B(-P) u_first - B(P) u_second): exact for constant v and D.

    Parameters
    ----------
    number : float
        Cell Peclet number P [1].
    """
    size = min(abs(number), _LARGEST_EXPONENT)
    small = 1 - 0.5 * size if size < 1e-5 else size / math.expm1(size)
    return small + max(number, 0.0), small - min(number, 0.0)


@compiled
def free_share(density: float, limit: float) -> float:
    """Return the share 1 - u/limit of the drift with a free site in the cell downstream, in 0..1; limit 0: none.

    Parameters
    ----------
    density : float
        Density of the cell downstream over the reference density [1].
    limit : float
        Density without free sites [1].
    """
    return min(max(1 - density / limit, 0.0), 1.0) if limit > 0 else 1.0


@compiled
def exchange_faces(
    density: Array,
    potential: Array,
    top_potential: float,
    temperature: Array,
    barrier: Array,
    numbers: tuple[float, float, float, float, float],
    half_z: Array,
    half_r: Array,
    area_z: Array,
    area_r: Array,
    bottom: Array,
    top: Array,
    open_bottom: bool,
    open_top: bool,
) -> Any:
    """Compute the exchange of vacancies over every face of an axisymmetric mesh, in one pass.

    Parameters
    ----------
    density, potential, temperature, barrier : array, shape (heights, radii)
        [1], ion potential [V], [K], [eV].
    top_potential : float [V]
        Potential of the top electrode; the bottom one is at 0 V.
    numbers : (float, float, float, float, float)
        Hopping distance [nm], attempt frequency [Hz], charge number [1], site limit [1], and the share of the field's
        enhancement in the diffusivity [1].
    half_z, half_r : array [nm]
        Half heights (heights,) and half widths (radii,) of the cells.
    area_z, area_r : array [nm^2]
        Areas of the faces across z (radii,) and of the inner faces across r (heights, radii - 1).
    bottom, top : array [1], shape (radii,)
        Densities of the reservoirs.
    open_bottom, open_top : bool
        True if an electrode passes vacancies.

    Returns
    -------
    exchange, number, up, down : arrays across z, shape (heights + 1, radii), then the same four across r
        D A / d [nm^3/s] with D harmonic over the two half cells; cell Peclet number; and D A / d times the weights:
        the flux over a face is up u_first - down u_second.
    """
    hop, frequency, charge, limit, share = numbers
    heights, radii = density.shape
    moving = np.empty((heights, radii))
    for i in range(heights):
        for j in range(radii):
            moving[i, j] = diffusivity(temperature[i, j], barrier[i, j], hop, frequency)
    z_exchange, z_number = np.zeros((heights + 1, radii)), np.zeros((heights + 1, radii))
    z_up, z_down = np.zeros((heights + 1, radii)), np.zeros((heights + 1, radii))
    r_exchange, r_number = np.zeros((heights, radii - 1)), np.zeros((heights, radii - 1))
    r_up, r_down = np.zeros((heights, radii - 1)), np.zeros((heights, radii - 1))
    for k in range(heights + 1):
        if (k == 0 and not open_bottom) or (k == heights and not open_top):
            continue
        for j in range(radii):
            if k == 0:
                drop, distance, kelvin = -potential[0, j], half_z[0], temperature[0, j]
                resistance = half_z[0] / moving[0, j]
                first, second = bottom[j], density[0, j]
            elif k == heights:
                drop, distance, kelvin = potential[k - 1, j] - top_potential, half_z[k - 1], temperature[k - 1, j]
                resistance = half_z[k - 1] / moving[k - 1, j]
                first, second = density[k - 1, j], top[j]
            else:
                drop, distance = potential[k - 1, j] - potential[k, j], half_z[k] + half_z[k - 1]
                kelvin = 0.5 * (temperature[k, j] + temperature[k - 1, j])
                resistance = half_z[k] / moving[k, j] + half_z[k - 1] / moving[k - 1, j]
                first, second = density[k - 1, j], density[k, j]
            number = peclet(drop, distance, kelvin, hop, charge)
            faster = hop_enhancement(number, distance, hop, share)
            number *= free_share(second if number > 0 else first, limit) / faster
            one, two = weights(number)
            z_exchange[k, j], z_number[k, j] = faster * area_z[j] / resistance, number
            z_up[k, j], z_down[k, j] = z_exchange[k, j] * one, z_exchange[k, j] * two
    for i in range(heights):
        for j in range(radii - 1):
            drop = potential[i, j] - potential[i, j + 1]
            kelvin = 0.5 * (temperature[i, j + 1] + temperature[i, j])
            distance = half_r[j + 1] + half_r[j]
            number = peclet(drop, distance, kelvin, hop, charge)
            faster = hop_enhancement(number, distance, hop, share)
            number *= free_share(density[i, j + 1] if number > 0 else density[i, j], limit) / faster
            one, two = weights(number)
            resistance = half_r[j + 1] / moving[i, j + 1] + half_r[j] / moving[i, j]
            r_exchange[i, j], r_number[i, j] = faster * area_r[i, j] / resistance, number
            r_up[i, j], r_down[i, j] = r_exchange[i, j] * one, r_exchange[i, j] * two
    return z_exchange, z_number, z_up, z_down, r_exchange, r_number, r_up, r_down
