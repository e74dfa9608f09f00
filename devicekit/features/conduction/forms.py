"""The twelve conduction mechanisms: equation, physical limits of their parameters, and quantities they imply.

Shape parameters belong to a sample; a leg of the largest voltage Vmax at the temperature T converts them to those of
`devicekit.features.conduction.kernel`. Limits are physical: a permittivity of 2 to 40, a hop of 0.1 to 5 nm, a barrier
of 0.1 to 5 eV, an effective mass of 0.1 to 1, an ideality of 0.9 to 5. Unknown properties of the sample (thickness,
temperature) may take any value within a range that includes every film.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import constants

from devicekit.features.merit import Sample

if TYPE_CHECKING:
    from devicekit.features.conduction.prepare import Leg

ROOM = 300.0  # K; reference for an unknown temperature
TEMPERATURES = (77.0, 500.0)  # K; range of an unknown temperature
THICKNESSES = (0.5e-9, 2e-6)  # m; range of an unknown thickness
PERMITTIVITIES = (2.0, 40.0)
HOPS = (0.1e-9, 5e-9)  # m
BARRIERS = (0.1, 5.0)  # eV
MASSES = (0.1, 1.0)  # of the free electron
IDEALITIES = (0.9, 5.0)
TUNNEL = 0.3e-9  # m; the shortest path of direct tunnelling
LONGER = 1.2  # its longest path, as a multiple of the thickness
EXPONENTS = (2.4, 31.0)  # m of a trap-filled limit
TOP = 0.7  # least barrier of direct tunnelling over the largest voltage, allowing for a series resistance
Q, K, H, EPS0, MASS = constants.e, constants.k, constants.h, constants.epsilon_0, constants.m_e
RICHARDSON = 1.2e6  # A/(m2 K2), of free electrons

Range = tuple[float, float]


@dataclass(frozen=True)
class Known:
    """Properties of a sample as ranges; both ends are equal if a value is given.

    Attributes
    ----------
    thickness, permittivity : (float, float)
        [m], [1].
    warmth : (float, float)
        Temperature over the reference temperature of the legs: (1, 1) if it is known.
    area : float or None
        [m2].
    v_max : float
        Largest voltage of all legs [V].
    """

    thickness: Range
    permittivity: Range
    warmth: Range
    area: float | None
    v_max: float

    @staticmethod
    def of(sample: Sample, temperature: float | None, v_max: float) -> Known:
        """Build the ranges from a sample; `temperature` [K] is that of the legs, None if unknown."""
        d = sample.thickness_m
        warmth = (1.0, 1.0) if temperature is not None else (TEMPERATURES[0] / ROOM, TEMPERATURES[1] / ROOM)
        return Known(
            THICKNESSES if d is None else (d, d), sample.permittivity or PERMITTIVITIES, warmth, sample.area_m2, v_max
        )


@dataclass(frozen=True)
class Form:
    """One conduction mechanism.

    Parameters
    ----------
    name, title, equation, source : str
        Names and equation for people and files; `source` is a DOI.
    size : int
        Number of shape parameters, 0 to 2.
    limits : callable
        (low, high) of each shape parameter from the properties of the sample.
    scales : callable
        Factor of each parameter for a leg of (Vmax [V], T [K]).
    starts : tuple
        Starting points of searches, as parameters of a leg.
    quantities : callable
        Physical quantities by name, from parameters and sample; a range if a property is unknown.
    symmetric : bool
        True if one film has the same current at both polarities.
    leaks : bool
        True if a parallel leak makes sense: not for a form with a leak of its own.
    athermal : bool
        True if its current hardly depends on the temperature.
    """

    name: str
    title: str
    equation: str
    source: str
    size: int
    limits: Callable[[Known], tuple[Range, ...]]
    scales: Callable[[float, float], tuple[float, ...]]
    starts: tuple[tuple[float, ...], ...]
    quantities: Callable[[tuple[float, ...], Known], Mapping[str, Range]]
    symmetric: bool = False
    leaks: bool = True
    athermal: bool = False
    needs: Literal["", "thickness"] = ""


def _product(*ranges: Range) -> Range:
    low, high = 1.0, 1.0
    for a, b in ranges:
        low, high = low * a, high * b
    return low, high


def _power(range_: Range, exponent: float) -> Range:
    ends = sorted((range_[0] ** exponent, range_[1] ** exponent))
    return ends[0], ends[1]


def _times(factor: float, range_: Range) -> Range:
    return factor * range_[0], factor * range_[1]


def _root(images: float) -> Callable[[Known], tuple[Range, ...]]:
    """Return beta T of exp(beta sqrt V) [K V^-1/2]: `images` is 4 of an image force, 1 of a Coulomb trap."""

    def limits(known: Known) -> tuple[Range, ...]:
        film = _product(known.permittivity, known.thickness)
        beta = _times(Q / K * np.sqrt(Q / (images * np.pi * EPS0)), _power(film, -0.5))
        return (_product(beta, _power(known.warmth, -1.0)),)

    return limits


def _film(images: float) -> Callable[[tuple[float, ...], Known], Mapping[str, Range]]:
    def quantities(shape: tuple[float, ...], known: Known) -> Mapping[str, Range]:
        beta = _times(shape[0], known.warmth)
        film = _power(_times(K / Q * np.sqrt(images * np.pi * EPS0 / Q), beta), -2.0)
        found = {"permittivity_thickness_m": film}
        if known.thickness[0] == known.thickness[1]:
            return {**found, "permittivity": _times(1.0 / known.thickness[0], film)}
        thin = _product(film, _power(known.permittivity, -1.0))
        return {**found, "thickness_for_permittivity_m": (film[0] / known.permittivity[1], thin[1])}

    return quantities


def _schottky_limits(known: Known) -> tuple[Range, ...]:
    return (*_root(4.0)(known), _power(known.warmth, -1.0))


_TUNNEL = 8.0 * np.pi * np.sqrt(2.0 * Q * MASS) / (3.0 * H)  # V^-1/2 m^-1


def _field(highest: Callable[[Known], float]) -> Callable[[Known], tuple[Range, ...]]:
    """Return B of exp(-B/V) [V]."""

    def limits(known: Known) -> tuple[Range, ...]:
        barrier = (BARRIERS[0], max(min(BARRIERS[1], highest(known)), 1.01 * BARRIERS[0]))
        return (_times(_TUNNEL, _product(_power(MASSES, 0.5), _power(barrier, 1.5), known.thickness)),)

    return limits


def _barrier(shape: tuple[float, ...], known: Known) -> Mapping[str, Range]:
    """Return the barrier [eV] over the range of masses."""
    bare = _product((shape[0], shape[0]), _power(known.thickness, -1.0), _power(MASSES, -0.5))
    return {"barrier_ev": _power(_times(1.0 / _TUNNEL, bare), 2.0 / 3.0)}


_PATH = 4.0 * np.pi * np.sqrt(2.0 * Q * MASS) / H  # V^-1/2 m^-1


def _direct_limits(known: Known) -> tuple[Range, ...]:
    barrier = (max(BARRIERS[0], TOP * known.v_max), max(BARRIERS[1], 2 * known.v_max))
    path = (TUNNEL, max(LONGER * known.thickness[1], 1.01 * TUNNEL))
    return barrier, _times(_PATH, _product(path, _power(MASSES, 0.5)))


def _direct(shape: tuple[float, ...], known: Known) -> Mapping[str, Range]:
    path = _times(shape[1] / _PATH, _power(MASSES, -0.5))
    return {"barrier_ev": (shape[0], shape[0]), "tunnel_path_m": path}


def _hop_limits(known: Known) -> tuple[Range, ...]:
    low = HOPS[0] / known.thickness[1]
    high = min(HOPS[1] / known.thickness[0], 1.0)
    return (_product(_times(Q / (2.0 * K), (low, max(high, 1.01 * low))), _power(known.warmth, -1.0)),)


def _hop(shape: tuple[float, ...], known: Known) -> Mapping[str, Range]:
    share = _times(2.0 * K / Q * shape[0], known.warmth)
    if known.thickness[0] == known.thickness[1]:
        return {"hop_m": _times(known.thickness[0], share)}
    return {"hop_over_thickness": share}


def _emission_limits(known: Known) -> tuple[Range, ...]:
    """Return c T^3 of exp(c V^2) [K^3 / V^2]."""
    bare = Q**2 * (H / (2 * np.pi)) ** 2 / (24.0 * MASS * K**3)
    film = _product(_power(MASSES, -1.0), _power(known.thickness, -2.0), _power(known.warmth, -3.0))
    return (_times(bare, film),)


def _emission(shape: tuple[float, ...], known: Known) -> Mapping[str, Range]:
    bare = Q**2 * (H / (2 * np.pi)) ** 2 / (24.0 * MASS * K**3)
    film = _product(_power(known.thickness, -2.0), _power(known.warmth, -3.0))
    return {"effective_mass": _times(bare / shape[0], film)}


def _no_quantities(shape: tuple[float, ...], known: Known) -> Mapping[str, Range]:
    return {}


_STEEP = ((2.0,), (6.0,), (14.0,))
FORMS: tuple[Form, ...] = (
    Form("ohmic", "ohmic", "I = C V", "", 0, lambda k: (), lambda v, t: (), ((),), _no_quantities, True, False),
    Form(
        "sclc",
        "space-charge-limited current",
        "I = C (V + V^2/Vx)",
        "10.1103/PhysRev.97.1538",
        1,
        lambda k: ((1e-3 / k.v_max, 1e4 / k.v_max),),
        lambda v, t: (v,),
        ((1.0,), (30.0,)),
        lambda s, k: {"crossover_v": (1.0 / s[0], 1.0 / s[0])},
        True,
        False,
    ),
    Form(
        "trap_filled",
        "trap-filled limit",
        "I = C (V + b V^m), m > 2.4",
        "10.1103/PhysRev.103.1648",
        2,
        lambda k: (
            (1e-4 * k.v_max, 1.5 * k.v_max),
            (ROOM * (EXPONENTS[0] - 1.0) * k.warmth[0], ROOM * (EXPONENTS[1] - 1.0) * k.warmth[1]),
        ),
        lambda v, t: (1.0 / v, 1.0 / t),
        ((0.5, 4.0), (0.2, 2.0), (0.7, 12.0)),
        lambda s, k: {"crossover_v": (s[0], s[0]), "trap_temperature_k": (s[1], s[1])},
        True,
        False,
    ),
    Form(
        "schottky",
        "Schottky emission",
        "I = C exp(beta sqrt V) (1 - exp(-qV/kT))",
        "10.1155/2014/578168",
        2,
        _schottky_limits,
        lambda v, t: (np.sqrt(v) / t, Q * v / (K * t)),
        tuple((a, np.nan) for (a,) in _STEEP),
        _film(4.0),
        needs="thickness",
    ),
    Form(
        "simmons_schottky",
        "Simmons' Schottky emission",
        "I = C V exp(beta sqrt V), eps_r of an image force",
        "10.1103/PhysRevLett.15.967",
        1,
        _root(4.0),
        lambda v, t: (np.sqrt(v) / t,),
        _STEEP,
        _film(4.0),
        needs="thickness",
    ),
    Form(
        "poole_frenkel",
        "Poole-Frenkel emission",
        "I = C V exp(beta sqrt V), eps_r of a Coulomb trap",
        "10.1103/PhysRev.54.647",
        1,
        _root(1.0),
        lambda v, t: (np.sqrt(v) / t,),
        _STEEP,
        _film(1.0),
        True,
        needs="thickness",
    ),
    Form(
        "fowler_nordheim",
        "Fowler-Nordheim tunnelling",
        "I = C V^2 exp(-B/V)",
        "10.1098/rspa.1928.0091",
        1,
        _field(lambda k: k.v_max),
        lambda v, t: (1.0 / v,),
        ((3.0,), (12.0,)),
        _barrier,
        athermal=True,
        needs="thickness",
    ),
    Form(
        "tat",
        "trap-assisted tunnelling",
        "I = C exp(-B/V)",
        "10.1155/2014/578168",
        1,
        _field(lambda k: BARRIERS[1]),
        lambda v, t: (1.0 / v,),
        ((3.0,), (12.0,)),
        _barrier,
        needs="thickness",
    ),
    Form(
        "direct",
        "direct tunnelling",
        "I = C [(f - V/2) exp(-a sqrt(f - V/2)) - (f + V/2) exp(-a sqrt(f + V/2))], V < f",
        "10.1063/1.1702682",
        2,
        _direct_limits,
        lambda v, t: (1.0 / v, np.sqrt(v)),
        ((1.2, 8.0), (2.5, 12.0), (1.0, 25.0), (5.0, 20.0)),
        _direct,
        True,
        athermal=True,
        needs="thickness",
    ),
    Form(
        "hopping",
        "hopping",
        "I = C sinh(b V)",
        "10.1155/2014/578168",
        1,
        _hop_limits,
        lambda v, t: (v / t,),
        ((3.0,), (10.0,)),
        _hop,
        True,
        needs="thickness",
    ),
    Form(
        "thermionic",
        "thermionic emission (a diode)",
        "I = C (exp(qV/nkT) - 1)",
        "10.1155/2014/578168",
        1,
        lambda k: (_product(IDEALITIES, k.warmth),),
        lambda v, t: (K * t / (Q * v),),
        ((0.3,), (0.08,)),
        lambda s, k: {"ideality": _product((s[0], s[0]), _power(k.warmth, -1.0))},
    ),
    Form(
        "thermionic_field",
        "thermionic-field emission",
        "I = C V exp(c V^2)",
        "10.1103/PhysRev.102.1464",
        1,
        _emission_limits,
        lambda v, t: (v**2 / t**3,),
        ((1.0,), (4.0,)),
        _emission,
        needs="thickness",
    ),
)
NAMES = tuple(form.name for form in FORMS)
TITLES = {form.name: form.title for form in FORMS}


def quantities_with_area(name: str, shape: tuple[float, ...], scale: float, leg: Leg, known: Known) -> dict[str, Range]:
    """Return quantities that need the area: barrier of Schottky emission, mobility of an SCLC.

    phi_B = kT/q ln(A A* T^2 / C), A* from a tenth of that of free electrons to all of it; mu of 9/8 eps mu A V^2 / d^3.
    Empty if area, temperature or thickness are unknown.

    Parameters
    ----------
    name : str
    shape : tuple of float
    scale : float
        C for voltages divided by the largest one [A].
    leg : Leg
    known : Known
    """
    area, t = known.area, leg.temperature
    if area is None or not scale > 0:
        return {}
    if name == "schottky" and t is not None:
        high = K * t / Q * float(np.log(area * RICHARDSON * t**2 / scale))
        return {"barrier_ev": (high - K * t / Q * float(np.log(10.0)), high)}
    if name == "sclc" and known.thickness[0] == known.thickness[1]:
        # C u + (C Vmax / Vx) u^2 with u = V / Vmax: the second factor over Vmax^2 is that of V^2
        of_square = scale * shape[0] / float(leg.v[-1])
        bare = 8.0 * known.thickness[0] ** 3 * of_square / (9.0 * EPS0 * area)
        return {"mobility_m2vs": (bare / known.permittivity[1], bare / known.permittivity[0])}
    return {}
