"""Results of simulations: frozen records with the table that measured data would give, and the fields."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from devicekit import files
from devicekit.names import DIRECTIONS
from devicekit.tables import PulseTable, SweepTable
from physics.laws import Array
from physics.solvers.mesh import Mesh
from physics.solvers.stepping import Tally
from physics.stack import Stack

SET_CURRENT = 1e-4
"""Current that defines V_set [A]. It converges with mesh and step; the steepest point of ln I does not."""


@dataclass(frozen=True, eq=False)
class Stage:
    """Fields at one moment, arrays of shape (heights, radii).

    Attributes
    ----------
    label : str
    cycle : int
    voltage_v, current_a, time_s : float
        Source voltage, current and time.
    potential : array [V]
    density : array [m^-3]
    temperature : array [K]
    """

    label: str
    cycle: int
    voltage_v: float
    current_a: float
    time_s: float
    potential: Array
    density: Array
    temperature: Array


@dataclass(frozen=True)
class Quality:
    """How well a run kept its books.

    `mass_error` is the largest vacancy imbalance over the initial content (reservoir flux and reactions
    counted), `power_error` the largest difference of summed Joule power and I V, over I V, `n_min` the lowest
    density [m^-3].
    """

    steps: int
    rejected: int
    solves: int
    mass_error: float
    power_error: float
    n_min: float
    t_max_k: float

    @classmethod
    def of(cls, tally: Tally, stack: Stack) -> Quality:
        """From the tally of a run."""
        empty = tally.steps == 0
        return cls(
            tally.steps, tally.rejected, tally.solves, tally.mass_error, tally.power_error,
            0.0 if empty else tally.lowest_density * stack.filament.reference_density,
            stack.heat.ambient if empty else tally.hottest,
        )  # fmt: skip


@dataclass(frozen=True)
class Cycle:
    """One bipolar loop: V_set and V_reset [V] (None if not reached), conductances at the read voltage [S].

    V_reset is the voltage of the largest negative current. `hrs_s` is read after the reset.
    """

    cycle: int
    v_set_v: float | None
    v_reset_v: float | None
    lrs_s: float | None
    hrs_s: float | None

    @property
    def on_off(self) -> float | None:
        """LRS over HRS conductance, or None where one is missing."""
        return None if self.lrs_s is None or self.hrs_s is None else self.lrs_s / self.hrs_s


@dataclass(frozen=True, eq=False)
class _Result:
    stack: Stack
    mesh: Mesh
    solver: str
    quality: Quality
    stages: tuple[Stage, ...]
    complete: bool
    message: str

    def save_fields(self, path: Path) -> None:
        """Write mesh and stages as one npz of plain arrays in SI units, without pickle."""
        buffer = io.BytesIO()
        stages = self.stages
        np.savez_compressed(
            buffer,
            r_faces_m=self.mesh.r_faces * 1e-9,
            z_faces_m=self.mesh.z_faces * 1e-9,
            label=np.array([stage.label for stage in stages], dtype=np.str_),
            cycle=np.array([stage.cycle for stage in stages], dtype=np.int64),
            voltage_v=np.array([stage.voltage_v for stage in stages]),
            current_a=np.array([stage.current_a for stage in stages]),
            time_s=np.array([stage.time_s for stage in stages]),
            potential_v=np.array([stage.potential for stage in stages]),
            vacancy_density_m3=np.array([stage.density for stage in stages]),
            temperature_k=np.array([stage.temperature for stage in stages]),
        )
        files.write_bytes(path, buffer.getvalue())


@dataclass(frozen=True, eq=False)
class IVResult(_Result):
    """A simulated voltage sweep.

    Attributes
    ----------
    sweep : SweepTable
        One row for each time step: source voltage, current, time, compliance; and voltage across the
        device and highest temperature.
    hrs_s : float
        Conductance of the initial state at the read voltage and ambient temperature [S].
    lrs_s : float or None
        The same after the first set [S]; None if the run did not get that far.
    cycles : tuple of Cycle
        One for each loop; empty for a set alone.
    complete : bool
        False if the run was interrupted or did not converge; `message` says why.
    """

    sweep: SweepTable
    hrs_s: float
    lrs_s: float | None
    cycles: tuple[Cycle, ...]

    @property
    def v_set_v(self) -> float | None:
        """Source voltage at which the first set reaches 100 uA [V], or None."""
        frame = self.sweep.frame
        first = frame[(frame["cycle"] == frame["cycle"].iloc[0]) & (frame["segment"] == "set")]
        return crossing(first["voltage_v"].to_numpy(), first["current_a"].to_numpy())

    @property
    def on_off(self) -> float | None:
        """LRS over HRS conductance at the read voltage, or None."""
        return None if self.lrs_s is None else self.lrs_s / self.hrs_s

    def summary(self) -> dict[str, Any]:
        """What `devicekit simulate iv --json` prints."""
        quality = self.quality
        return {
            "v_set_v": self.v_set_v, "on_off": self.on_off, "hrs_s": self.hrs_s, "lrs_s": self.lrs_s,
            "t_max_k": quality.t_max_k, "steps": quality.steps, "mass_error": quality.mass_error,
            "n_min": quality.n_min, "solver": self.solver, "mesh_cells": self.mesh.cells,
            "power_error": quality.power_error, "material": self.stack.material,
            "complete": self.complete, "message": self.message,
            "cycles": [
                {"cycle": c.cycle, "v_set_v": c.v_set_v, "v_reset_v": c.v_reset_v, "lrs_s": c.lrs_s,
                 "hrs_s": c.hrs_s, "on_off": c.on_off} for c in self.cycles
            ],
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class PulseResult(_Result):
    """Simulated pulse trains.

    Attributes
    ----------
    pulses : PulseTable
        Conductance at the read voltage and ambient temperature after every pulse, for every train.
    """

    pulses: PulseTable

    def end_points(self) -> list[dict[str, Any]]:
        """First and last conductance [S] of every train."""
        points = []
        for width in self.pulses.widths:
            table = self.pulses.select(width=width)
            for direction in DIRECTIONS:
                for _, cycle, index, train in table.traces(direction):
                    points.append(
                        {"pulse_width_s": width, "cycle": cycle, "direction": direction,
                         "first_s": float(train[0]), "last_s": float(train[-1]), "pulses": int(index[-1])}
                    )  # fmt: skip
        return points

    def last_pairs(self) -> dict[float, PulseTable]:
        """The last pair of trains at every width [s], each a table of its own."""
        tables = {}
        for width in self.pulses.widths:
            table = self.pulses.select(width=width)
            tables[width] = table.select(cycle=int(table.frame["cycle"].max()))
        return tables

    def summary(self) -> dict[str, Any]:
        """What `devicekit simulate pulses --json` prints."""
        quality = self.quality
        return {
            "trains": self.end_points(), "t_max_k": quality.t_max_k, "steps": quality.steps,
            "mass_error": quality.mass_error, "power_error": quality.power_error, "n_min": quality.n_min,
            "solver": self.solver, "mesh_cells": self.mesh.cells, "material": self.stack.material,
            "complete": self.complete, "message": self.message,
        }  # fmt: skip


def crossing(voltage: Array, current: Array, level: float = SET_CURRENT) -> float | None:
    """Voltage at which a rising current first reaches `level` [A], linear in its logarithm [V]."""
    above = np.flatnonzero(current >= level)
    if len(above) == 0:
        return None
    k = int(above[0])
    if k == 0 or current[k - 1] <= 0:
        return float(voltage[k])
    part = math.log(level / current[k - 1]) / math.log(current[k] / current[k - 1])
    return float(voltage[k - 1] + part * (voltage[k] - voltage[k - 1]))
