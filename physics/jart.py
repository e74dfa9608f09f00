"""Kinetics of a valence-change cell after JART VCM v1b, the compact model of Jülich and Aachen, for comparison.

The state is the density of oxygen vacancies in a thin disc in front of the active electrode. It sets the barrier at
that electrode and the resistance of the disc, and changes by hopping in the field and at the temperature of the
current. Implemented from the equations and constants of Bengel et al., IEEE Trans. Circuits Syst. I 67, 4618 (2020),
doi 10.1109/TCSI.2020.3018502, as their Verilog-A file states them, without the variability. The older, deterministic
file of v1b (Cüppers et al., APL Mater. 7, 091105 (2019), doi 10.1063/1.5108654) has the same constants, but stops the
density at its limits instead of slowing it down before them: use `Jart(limiter=math.inf)` for the older one. Physical
constants are those of CODATA.

Voltages have the sign of the rest of the package, SET above 0 V; that of the published files is the opposite.
Densities are in the published unit, 1e26 m^-3. Heat capacity is neglected: the temperature follows instantly. Above
0.9 V a SET exceeds 1500 K, and from 1.2 V it ends before heat could spread: there the model is not physical.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass

from scipy.constants import Boltzmann, Planck, e, electron_mass, epsilon_0
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from devicekit.core.errors import ParameterError

UNIT = 1e26
"""Unit of every density of this module [m^-3]."""


@dataclass(frozen=True)
class Jart:
    """Constants of the model, the published ones by default.

    Raises
    ------
    ParameterError
        If a constant is not above 0, or not less than its upper limit.
    """

    ambient: float = 293.0  # temperature of the surroundings [K]
    radius: float = 45e-9  # of the filament [m]
    cell_length: float = 3e-9  # disc and plug together [m]
    disc_length: float = 0.4e-9  # [m]
    density_min: float = 0.008  # of the disc [1e26 m^-3]
    density_max: float = 20.0  # of the disc [1e26 m^-3]
    density_plug: float = 20.0  # [1e26 m^-3]
    charge: float = 2.0  # of a vacancy, in elementary charges
    mobility: float = 4e-6  # of electrons [m^2/(V s)]
    permittivity: float = 17.0  # static, relative
    image_permittivity: float = 5.5  # relative, where the image force lowers the barrier
    richardson: float = 6.01e5  # Richardson constant [A/(m^2 K^2)]
    barrier: float = 0.18  # at the active electrode, before it is lowered [eV]
    fermi: float = 0.1  # from the Fermi level of the oxide up to its conduction band [eV]
    activation: float = 1.35  # energy of a hop [eV]
    hop: float = 0.25e-9  # length of a hop [m]
    attempts: float = 2e13  # rate of attempts [Hz]
    thermal_resistance: float = 15.72e6  # in SET [K/W]
    reset_cooling: float = 0.27  # thermal resistance in RESET over that in SET
    tiox: float = 650.0  # series resistance of the titanium oxide [ohm]
    line: float = 719.2437  # resistance of the lines when cold [ohm]
    line_thermal_resistance: float = 90471.47  # [K/W]
    line_coefficient: float = 3.92e-3  # of the lines' resistance with temperature [1/K]
    limiter: float = 10.0  # exponent of the slowing down before a limit of the density

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not value > 0:
                raise ParameterError(f"{name}: found {value}, expected more than 0")
        for less, more in (("density_min", "density_max"), ("disc_length", "cell_length"), ("fermi", "barrier")):
            if getattr(self, less) >= getattr(self, more):
                raise ParameterError(f"{less}: found {getattr(self, less):g}, expected less than {more}")

    @property
    def area(self) -> float:
        """Cross section of the filament [m^2]."""
        return math.pi * self.radius**2

    def resistance(self, length: float, density: float) -> float:
        """Return the resistance of a part of the filament [ohm]."""
        return length / (self.charge * e * density * UNIT * self.mobility * self.area)


@dataclass(frozen=True)
class Point:
    """Current and voltages, with the sign of the applied voltage, and temperature."""

    current_a: float
    temperature_k: float
    schottky_voltage_v: float
    disc_voltage_v: float
    plug_voltage_v: float
    series_voltage_v: float


def current(model: Jart, voltage: float, density: float) -> Point:
    """Solve the circuit: electrode, disc, plug and series resistance, one after the other.

    In RESET three solutions can exist, as the electrode conducts less with flat bands and an unlowered barrier. The
    result is the largest current, on the branch from 0 V.

    Parameters
    ----------
    model : Jart
    voltage : float
        Total voltage [V], SET above 0.
    density : float
        Density of the disc [1e26 m^-3].

    Raises
    ------
    ParameterError
        If the voltage is not finite, or the density is outside of its limits.
    """
    _check(model, voltage, density)
    return _solve(model, voltage, density)


def rate(model: Jart, voltage: float, density: float) -> float:
    """Return the rate of change of the density [1e26 m^-3 s^-1], above 0 in SET; parameters as for `current`.

    Raises
    ------
    ParameterError
        As `current`, or if the field removes the whole hopping barrier, beyond the validity of the model.
    """
    _check(model, voltage, density)
    return _rate(model, voltage, density)


def set_time(
    model: Jart, voltage: float, current: float = 1e-4, start_density: float = 0.01, limit: float = 1e9
) -> float:
    """Return the time to `current` [A] at a constant `voltage` [V], both above 0 [s]; inf if longer than `limit` [s].

    Raises
    ------
    ParameterError
        If a parameter is out of range.
    """
    _check(model, voltage, start_density)
    _positive("voltage", voltage, "V")
    _positive("current", current, "A")
    return _time(model, voltage, current, start_density, limit)


def reset_time(
    model: Jart, voltage: float, ratio: float = 0.5, start_density: float = 20.0, limit: float = 1e9
) -> float:
    """Return the time at a constant `voltage` below 0 [V] until the current is `ratio` of its first value [s].

    Returns
    -------
    float
        nan if longer than `limit` [s].

    Raises
    ------
    ParameterError
        If a parameter is out of range.
    """
    _check(model, voltage, start_density)
    if voltage >= 0:
        raise ParameterError(f"voltage: found {voltage:g}, expected less than 0 V")
    if not 0 < ratio < 1:
        raise ParameterError(f"ratio: found {ratio:g}, expected more than 0 and less than 1")
    end = ratio * _solve(model, voltage, start_density).current_a
    time = _time(model, voltage, end, start_density, limit)
    return time if math.isfinite(time) else math.nan


def v_set(model: Jart, rate: float, current: float = 1e-4, start_density: float = 0.01, limit: float = 3.0) -> float:
    """Return the voltage at which a ramp from 0 V with `rate` [V/s] reaches `current` [A]; inf if above `limit` [V].

    Raises
    ------
    ParameterError
        If a parameter is out of range.
    """
    _check(model, limit, start_density)
    _positive("rate", rate, "V/s")
    _positive("current", current, "A")
    _positive("limit", limit, "V")
    # The time of the solver is the voltage; steps are short, as it cannot foresee the SET.
    return _follow(model, lambda volts: volts, 1 / rate, current, start_density, limit, longest=0.02)


def _check(model: Jart, voltage: float, density: float) -> None:
    if not math.isfinite(voltage):
        raise ParameterError(f"voltage: found {voltage:g}, expected a finite number of V")
    if not model.density_min <= density <= model.density_max:
        raise ParameterError(
            f"density: found {density:g}, expected {model.density_min:g} to {model.density_max:g} (of 1e26 m^-3)"
        )


def _positive(name: str, value: float, unit: str) -> None:
    if not 0 < value < math.inf:
        raise ParameterError(f"{name}: found {value:g}, expected more than 0 {unit}")


def _schottky(model: Jart, voltage: float, temperature: float, density: float, setting: bool) -> float:
    """Return the current through the electrode [A]; its voltage is 0 or more in both polarities. Energies in eV."""
    thermal = Boltzmann * temperature / e
    donors = model.charge * density * UNIT
    # A SET increases the band bending, a RESET reduces it, down to flat bands.
    bending = max(model.barrier - model.fermi + (voltage if setting else -voltage), 0.0)
    lowering = (e**3 * donors * bending / (8 * math.pi**2 * (model.image_permittivity * epsilon_0) ** 3)) ** 0.25
    barrier = max(model.barrier - lowering, 0.0)
    if not setting:  # thermionic, over the barrier
        saturation = model.area * model.richardson * temperature**2 * math.exp(-barrier / thermal)
        return saturation * math.expm1(min(voltage / thermal, 700.0))
    # Thermionic field emission: through the upper part of the barrier, where it is thin.
    tunnel = Planck / (4 * math.pi) * math.sqrt(donors / (electron_mass * model.permittivity * epsilon_0))
    ratio = tunnel / thermal
    share = math.tanh(ratio)
    scale = math.sqrt(math.pi * tunnel * (voltage + barrier / math.cosh(ratio) ** 2)) * e / Boltzmann
    growth = math.expm1(min(voltage * (ratio - share) / tunnel, 700.0))
    return model.area * model.richardson * temperature * scale * math.exp(-barrier * share / tunnel) * growth


def _solve(model: Jart, voltage: float, density: float) -> Point:
    if voltage == 0:
        return Point(0.0, model.ambient, 0.0, 0.0, 0.0, 0.0)
    setting, total, sign = voltage > 0, abs(voltage), math.copysign(1.0, voltage)
    disc = model.resistance(model.disc_length, density)
    plug = model.resistance(model.cell_length - model.disc_length, model.density_plug)
    ohmic = disc + plug + model.tiox + model.line
    cubic = model.line**2 * model.line_coefficient * model.line_thermal_resistance  # the lines' own heat
    steep = math.sqrt(3 * cubic / ohmic)
    heat = model.thermal_resistance * (1.0 if setting else model.reset_cooling)

    def behind(schottky: float) -> tuple[float, float]:
        """Return current and temperature from the remaining voltage: ohmic I + cubic I^3, inverted."""
        amperes = 2 / steep * math.sinh(math.asinh(1.5 * (total - schottky) / ohmic * steep) / 3)
        return amperes, model.ambient + heat * amperes * (schottky + amperes * (disc + plug))

    def excess(schottky: float) -> float:
        amperes, temperature = behind(schottky)
        return amperes - _schottky(model, schottky, temperature, density, setting)

    # in RESET: the root before the bands are flat, if any
    flat = model.barrier - model.fermi
    upper = next((v for v in (0.25 * flat, 0.5 * flat, 0.75 * flat) if 0 < v < total and excess(v) < 0), total)
    schottky = brentq(excess, 0.0, upper, xtol=1e-16, rtol=1e-14)
    amperes, temperature = behind(schottky)
    series = amperes * (model.tiox + model.line + cubic * amperes**2)
    return Point(
        sign * amperes, temperature, sign * schottky, sign * amperes * disc, sign * amperes * plug, sign * series
    )


def _rate(model: Jart, voltage: float, density: float) -> float:
    point = _solve(model, voltage, density)
    thermal = Boltzmann * point.temperature_k / e
    if voltage > 0:  # in: field of the disc; out: field of the whole filament
        field = point.disc_voltage_v / model.disc_length
        limited = 1 - (density / model.density_max) ** model.limiter
    else:
        field = (voltage - point.series_voltage_v) / model.cell_length
        limited = 1 - (model.density_min / density) ** model.limiter
    # The hopping barrier is a cosine tilted by the field; it vanishes at a tilt of 1.
    tilt = model.charge * model.hop * field / (math.pi * model.activation)
    if abs(tilt) >= 1:
        raise ParameterError(
            f"voltage: found {voltage:g} V, expected less: the field removes the hopping barrier of ions"
        )
    mean = model.activation * (math.sqrt(1 - tilt**2) + tilt * math.asin(tilt))
    hops = 2 * model.attempts * math.exp(-mean / thermal) * math.sinh(model.charge * model.hop * field / (2 * thermal))
    return (model.density_plug + density) / 2 * model.hop / model.disc_length * hops * limited


def _time(model: Jart, voltage: float, end: float, start: float, limit: float) -> float:
    """Return the time until the current is `end`, with the sign of the voltage [s]."""
    _positive("limit", limit, "s")
    # times span twenty decades: the initial rate gives the time unit of the solver
    unit = 1 / max(abs(_rate(model, voltage, start)) / start, 1 / limit)
    return unit * _follow(model, lambda _: voltage, unit, end, start, limit / unit)


def _follow(
    model: Jart,
    voltage: Callable[[float], float],
    unit: float,
    end: float,
    start: float,
    limit: float,
    longest: float = math.inf,
) -> float:
    """Integrate ln N over a time in units of `unit` [s], until the current is `end`; inf if not up to `limit`."""

    def density(state: float) -> float:
        # trial steps may leave the limits
        low, high = model.density_min, model.density_max
        return low if state <= math.log(low) else high if state >= math.log(high) else math.exp(state)

    def pace(time: float, state: list[float]) -> list[float]:
        now = density(state[0])
        return [unit * _rate(model, voltage(time), now) / now]

    def lacking(time: float, state: list[float]) -> float:
        return _solve(model, voltage(time), density(state[0])).current_a - end

    if end > 0 and lacking(0.0, [math.log(start)]) >= 0:
        return 0.0
    if end > 0 and lacking(limit, [math.inf]) < 0:  # not even with the largest density
        return math.inf
    lacking.terminal = True  # type: ignore[attr-defined]
    run = solve_ivp(
        pace,
        (0.0, limit),
        [math.log(start)],
        method="LSODA",
        events=lacking,
        rtol=1e-8,
        atol=1e-10,
        max_step=longest,
        first_step=min(1e-3, limit),
    )
    return float(run.t_events[0][0]) if run.t_events[0].size else math.inf
