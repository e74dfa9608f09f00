"""Results of simulations: frozen records with a table as for measured data, and the fields."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from devicekit.core.errors import TraceError
from devicekit.core.quantities import DIRECTIONS
from devicekit.core.text import si
from devicekit.features.dc.switching import crossing
from devicekit.features.merits import dc
from devicekit.features.merits.dc import DcResult
from devicekit.plot import Image, Panel
from devicekit.system import writing
from devicekit.tables import PulseTable, SweepTable
from physics import figures
from physics.constants import Array
from physics.records import Cycle, DeviceReads, Quality, Stage
from physics.solvers.mesh import Mesh
from physics.stack import Stack

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class _Result:
    stack: Stack
    mesh: Mesh
    solver: str
    quality: Quality
    stages: tuple[Stage, ...]
    complete: bool
    message: str
    noise: int | None

    def image(self, stage: Stage, quantity: str = "density") -> Image:
        """Return the map of the cross-section of one stage: quantity is potential, density or temperature.

        Colours have the same limits at every stage.
        """
        values = [getattr(each, quantity) for each in self.stages]
        ends = min(float(each.min()) for each in values), max(float(each.max()) for each in values)
        title = stage.label
        if not (title.endswith(" V") or stage.voltage_v == 0):
            title = f"{title} ({stage.voltage_v:.2f} V)"
        faces = self.mesh.r_faces, self.mesh.z_faces
        interfaces = tuple(float(z) for z in self.stack.heights[1:-1])
        return figures.cross_section(*faces, getattr(stage, quantity), quantity, ends, interfaces, title)

    def first_stages(self) -> list[Stage]:
        """Return the stages up to the end of the first set, six at most."""
        labels = [stage.label for stage in self.stages]
        count = labels.index("end of set") + 1 if "end of set" in labels else len(labels)
        return [*self.stages[: min(count, 6) - 1], self.stages[count - 1]]

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
        writing.write_bytes(path, buffer.getvalue())


@dataclass(frozen=True, eq=False)
class IVResult(_Result):
    """A simulated voltage sweep.

    Attributes
    ----------
    sweep : SweepTable
        One row for each time step: source voltage, current, time, compliance; and voltage across the
        device and highest temperature.
    reads : mapping of int to DeviceReads
        Conductances of the device alone, by loop.
    complete : bool
        False if the run was interrupted or did not converge; `message` says why.
    """

    sweep: SweepTable
    reads: Mapping[int, DeviceReads]

    @cached_property
    def dc(self) -> DcResult | None:
        """DC figures of merit of the sweep, as `devicekit characterize` computes them; None if there are none."""
        try:
            return dc.characterize(self.sweep)
        except TraceError:
            return None

    @cached_property
    def cycles(self) -> tuple[Cycle, ...]:
        """Figures of merit of every loop; of a set alone, one."""
        rows = {} if self.dc is None else {row["cycle"]: row for row in self.dc.cycles.to_dict("records")}
        found = []
        for number, reads in self.reads.items():
            row = rows.get(number, {"outcome": "one_way"})
            values = {name: _finite_or_none(row.get(_COLUMNS.get(name, name))) for name in _MERITS}
            found.append(
                Cycle(number, v_100ua_v=self._crossing(number), outcome=row["outcome"], device=reads, **values)
            )
        return tuple(found)

    def _crossing(self, number: int) -> float | None:
        frame = self.sweep.frame
        rows = frame[(frame["cycle"] == number) & (frame["segment"] == "set")]
        return _finite_or_none(crossing(rows["voltage_v"].to_numpy(), rows["current_a"].to_numpy()))

    @property
    def first(self) -> Cycle:
        """Figures of merit of the first loop, or of the set."""
        return self.cycles[0]

    @property
    def v_set_v(self) -> float | None:
        """V_set of the first loop by `half_ln_g` [V], or None."""
        return self.first.v_set_v

    @property
    def set_by(self) -> str:
        """Definition of V_set, with the read voltage of its levels."""
        return "half_ln_g" if self.dc is None else self.dc.methods["v_set_v"]

    @property
    def v_100ua_v(self) -> float | None:
        """Source voltage at which the first set reaches 100 uA [V], or None."""
        return self.first.v_100ua_v

    @property
    def hrs_s(self) -> float | None:
        """HRS of the first loop [S], or None."""
        return self.first.hrs_s

    @property
    def lrs_s(self) -> float | None:
        """LRS of the first loop [S], or None."""
        return self.first.lrs_s

    @property
    def on_off(self) -> float | None:
        """LRS over HRS of the first loop, or None."""
        return self.first.on_off

    def definitions(self) -> dict[str, Any]:
        """Return the names of the definitions, and the read voltage of HRS and LRS [V]."""
        found = self.dc
        known = (
            (None, None, None) if found is None else (found.v_set_method, found.v_reset_method, found.read_voltage_v)
        )
        return dict(zip(("v_set_method", "v_reset_method", "read_voltage_v"), known, strict=True))

    def panel(self, measured: SweepTable | None = None) -> Panel:
        """Return the figure of the magnitude of the current against voltage, with a measured sweep if given."""
        return figures.iv(
            _sweeps_of(self.sweep), [] if measured is None else _sweeps_of(measured), self.v_set_v, "ln G half-way"
        )

    def levels_panel(self) -> Panel:
        """Return the figure of the conductance of HRS and LRS at the read voltage over the loops."""
        columns = ([getattr(each, name) for each in self.cycles] for name in ("cycle", "hrs_s", "lrs_s"))
        return figures.levels(*(np.array(values, float) for values in columns))

    def plot(self, ax: Axes | None = None, measured: SweepTable | None = None) -> Axes:
        """Draw `panel`."""
        return self.panel(measured).draw(ax)

    def _repr_html_(self) -> str:
        from devicekit.report.notebook import html

        first = self.first
        rows = [
            (f"V_set ({self.set_by})", si(first.v_set_v, "V", 4)),
            ("voltage at 100 µA", si(first.v_100ua_v, "V", 4)),
            ("HRS, LRS", f"{si(first.hrs_s, 'S')}, {si(first.lrs_s, 'S')}"),
            ("relative error of the vacancy balance", f"{self.quality.mass_error:.1e}"),
        ]
        return html(f"Simulated I-V, material set {self.stack.material}", rows, self.panel())

    def summary(self) -> dict[str, Any]:
        """Return the JSON of `devicekit simulate iv --json`; the figures of merit are those of the first loop."""
        quality, first = self.quality, self.first.as_dict()
        return {
            **{name: value for name, value in first.items() if name != "cycle"},
            **self.definitions(),
            "t_max_k": quality.t_max_k,
            "steps": quality.steps,
            "mass_error": quality.mass_error,
            "n_min": quality.n_min,
            "field_max": quality.field_max,
            "vacancies_per_nm": quality.vacancies_per_nm,
            "remarks": [each.as_dict() for each in quality.remarks],
            "solver": self.solver,
            "mesh_cells": self.mesh.cells,
            "power_error": quality.power_error,
            "material": self.stack.material,
            "noise_seed": self.noise,
            "complete": self.complete,
            "message": self.message,
            "cycles": [each.as_dict() for each in self.cycles],
        }


@dataclass(frozen=True, eq=False)
class PulseResult(_Result):
    """Simulated pulse trains.

    Attributes
    ----------
    pulses : PulseTable
        Conductance at the read voltage and ambient temperature after every pulse, for every train.
    """

    pulses: PulseTable

    def panel(self) -> Panel:
        """Return the figure of the conductance along every train, one colour per width (paper, Fig. 3a)."""
        widths = {}
        for width in self.pulses.widths:
            frame = self.pulses.select(width=width).frame
            trains = (rows for _, rows in frame.groupby(["cycle", "direction"], sort=False))
            widths[si(width, "s")] = [
                (rows["pulse_index"].to_numpy(), rows["conductance_s"].to_numpy(float)) for rows in trains
            ]
        return figures.pulses(widths)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw `panel`."""
        return self.panel().draw(ax)

    def end_points(self) -> list[dict[str, Any]]:
        """Return the first and last conductance [S] of every train."""
        points = []
        for width in self.pulses.widths:
            table = self.pulses.select(width=width)
            for direction in DIRECTIONS:
                for _, cycle, index, train in table.traces(direction):
                    points.append(
                        {
                            "pulse_width_s": width,
                            "cycle": cycle,
                            "direction": direction,
                            "first_s": float(train[0]),
                            "last_s": float(train[-1]),
                            "pulses": int(index[-1]),
                        }
                    )
        return points

    def last_pairs(self) -> dict[float, PulseTable]:
        """Return the last pair of trains at every width [s], as separate tables."""
        tables = {}
        for width in self.pulses.widths:
            table = self.pulses.select(width=width)
            tables[width] = table.select(cycle=int(table.frame["cycle"].max()))
        return tables

    def later_pairs(self) -> PulseTable:
        """Return all pairs but the first, which starts just after a reset, as cycles from 1.

        Raises
        ------
        TraceError
            If there is only one pair.
        """
        frame = self.pulses.frame
        later = frame[frame["cycle"] > 1]
        if later.empty:
            raise TraceError("pairs: found 1 pair of trains, expected 2 or more")
        return PulseTable(later.assign(cycle=later["cycle"] - 1), meta=self.pulses.meta)

    def summary(self) -> dict[str, Any]:
        """Return the JSON of `devicekit simulate pulses --json`."""
        quality = self.quality
        return {
            "trains": self.end_points(),
            "t_max_k": quality.t_max_k,
            "steps": quality.steps,
            "mass_error": quality.mass_error,
            "power_error": quality.power_error,
            "n_min": quality.n_min,
            "field_max": quality.field_max,
            "vacancies_per_nm": quality.vacancies_per_nm,
            "remarks": [each.as_dict() for each in quality.remarks],
            "solver": self.solver,
            "mesh_cells": self.mesh.cells,
            "material": self.stack.material,
            "noise_seed": self.noise,
            "complete": self.complete,
            "message": self.message,
        }


_COLUMNS = {"hrs_s": "g_hrs_s", "lrs_s": "g_lrs_s"}
_MERITS = ("v_set_v", "v_reset_v", "hrs_s", "lrs_s", "on_off")


def _finite_or_none(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _sweeps_of(table: SweepTable) -> list[tuple[Array, Array]]:
    """Return voltage [V] and current [A] of every sweep."""
    groups = table.frame.groupby(["device_id", "cycle"], sort=False)
    return [(rows["voltage_v"].to_numpy(float), rows["current_a"].to_numpy(float)) for _, rows in groups]
