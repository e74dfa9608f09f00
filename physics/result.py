"""Results of simulations: frozen records with a table as for measured data, and the fields."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from devicekit.core.errors import TraceError
from devicekit.core.quantities import DIRECTIONS
from devicekit.core.records import Record, column, derived, internal, part
from devicekit.core.text import count, si
from devicekit.features.dc.switching import crossing, is_out_of_reach
from devicekit.features.definitions import DEFAULT_V_SET, NAMES_IN_LABELS, V_FORM, V_FORM_METHOD
from devicekit.features.merits import dc
from devicekit.features.merits.dc import DcResult
from devicekit.plot import Image, Panel
from devicekit.system import writing
from devicekit.tables import PulseTable, SweepTable
from physics import figures
from physics.constants import NM, Array
from physics.records import Cycle, DeviceReads, Quality, Stage, siemens
from physics.solvers.mesh import Mesh
from physics.solvers.stepping import MELTED
from physics.stack import Stack

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from physics.solvers.stepping import Stepper


@dataclass(frozen=True, eq=False, kw_only=True)
class _Result(Record):
    """Base of the results of simulations, with the stack, the mesh and the fields."""

    stack: Stack = internal("the stack that was simulated")
    mesh: Mesh = internal("its mesh")
    solver: str = column("solver", doc="banded or fipy")
    quality: Quality = column(inline=True, doc="errors of the balances, and extremes")
    stages: tuple[Stage, ...] = internal("fields at some moments")
    complete: bool = column(doc="False if the run was interrupted or did not converge")
    message: str = column(doc="why it is not complete")
    noise: int | None = column(name="noise_seed", doc="seed of the noise of single vacancies; None without noise")
    mesh_cells = part("mesh.cells", "mesh cells", text=str, after="message", doc="cells of the mesh")
    material = part("stack.material", doc="material set of the stack")

    @classmethod
    def of_run(
        cls, stepper: Stepper, stages: Sequence[Stage], message: str, noise: int | None, **tables: object
    ) -> Self:
        """Return the result of a run with a seed of its noise; `message` says why it is not complete, or is ""."""
        stack = stepper.grid.stack
        return cls(
            stack=stack,
            mesh=stepper.grid.mesh,
            solver=stepper.solver.name,
            quality=Quality.from_tally(stepper.tally, stack, stepper.noise),
            stages=tuple(stages),
            complete=not message,
            message=message,
            noise=noise,
            **tables,
        )

    def __repr__(self) -> str:
        ended = "" if self.complete else f"; not complete: {self.message}"
        return f"<{type(self).__name__} of {self.material}: {self.solver}, {self.mesh_cells} cells{ended}>"

    def summary(self) -> Mapping[str, object]:
        """Return the JSON of `devicekit simulate iv --json` or `pulses --json`."""
        return self.as_dict()

    def quality_rows(self) -> list[tuple[str, str]]:
        """Return the quality of the run, its mesh and solver, as names and values."""
        return [*self.quality.pairs(), *self.pairs("mesh_cells", "solver")]

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

    def save_fields(self, path: Path, overwrite: bool = False) -> None:
        """Write mesh and stages as one npz of plain arrays in SI units, without pickle; `overwrite` replaces a file."""
        buffer = io.BytesIO()
        fields: dict[str, Any] = {
            each.name: np.array([getattr(stage, each.field) for stage in self.stages]) for each in Stage.columns()
        }
        np.savez_compressed(buffer, r_faces_m=self.mesh.r_faces * NM, z_faces_m=self.mesh.z_faces * NM, **fields)
        writing.write_bytes(path, buffer.getvalue(), overwrite)


def _of_first(attribute: str, kind: type[Record] = Cycle, path: str = "first") -> Any:
    """Declare a figure of merit of the first loop, or of the set, as its record does."""
    known = kind.column_of(attribute)
    unit, doc = known.quantity.unit, f"{known.quantity.description}, of the first loop (after a forming, of the next)"
    return part(f"{path}.{attribute}", unit=unit, title=known.title, text=known.text, doc=doc)


@dataclass(frozen=True, eq=False, kw_only=True)
class IVResult(_Result):
    """A simulated voltage sweep; its figures of merit in JSON are those of the first loop."""

    sweep: SweepTable = internal(
        "one row for each time step: source voltage, current, time, compliance; and voltage across the device and "
        "highest temperature"
    )
    reads: Mapping[int, DeviceReads] = internal("conductances of the device alone, by loop")
    start: str = column(default="reset", doc="state at the start: reset (just after one), or pristine")
    planned: int = column(default=1, name="loops_planned", doc="loops of the drive; a run that ends early has fewer")
    v_set_v = _of_first("v_set_v")
    v_reset_v = _of_first("v_reset_v")
    v_100ua_v = _of_first("v_100ua_v")
    hrs_s = _of_first("hrs_s")
    lrs_s = _of_first("lrs_s")
    on_off = _of_first("on_off")
    outcome = _of_first("outcome")
    hrs_device_s = _of_first("hrs_s", DeviceReads, "first.device")
    lrs_device_s = _of_first("lrs_s", DeviceReads, "first.device")
    v_set_method = part("dc.v_set_method", doc="definition of V_set; None without one")
    v_reset_method = part("dc.v_reset_method", doc="definition of V_reset; None without one")
    read_voltage_v = part("dc.read_voltage_v", unit="V", doc="voltage at which HRS and LRS are read; None without them")

    def summary_lines(self) -> list[str]:
        """Return V_set, and the conductances of both states."""
        found, of = self.typical, f"; {self.typical_of}" if self.typical_of else ""
        ratio = "" if found.on_off is None else f"; LRS / HRS {found.on_off:.3g}"
        return [
            *([f"V_form {si(self.v_form_v, 'V', 4)} (by {V_FORM_METHOD})"] if self.start == "pristine" else []),
            *([] if self.forms_alone else [f"V_set {si(found.v_set_v, 'V', 4)} (by {self.set_by}{of})"]),
            f"HRS {si(found.hrs_s, 'S')}, LRS {si(found.lrs_s, 'S')}{ratio}",
            f"{count(len(self.sweep), 'time step')}: .sweep is their table",
        ]

    @cached_property
    def dc(self) -> DcResult | None:
        """DC figures of merit of the sweep, with V_set by the definition of its figure; None if there are none."""
        # ln G is half-way before the jump in the figure if the current rises first; the steepest point moves with the
        # mesh. So V_set is at 100 uA, as in the paper, else at the limit; each only if ln G is half-way by then.
        try:
            half = dc.characterize(self.sweep, forming=self._forming)
        except TraceError:
            return None
        known = half.cycles["v_set_v"].dropna()
        found = (dc.characterize(self.sweep, v_set=name, forming=self._forming) for name in ("at_100ua", "compliance"))
        return next((by for by in found if len(known) and (by.cycles["v_set_v"][known.index] >= known).all()), half)

    @derived(once=True)
    def cycles(self) -> tuple[Cycle, ...]:
        """Figures of merit of every loop; of a set alone, one."""
        rows = {} if self.dc is None else {row["cycle"]: row for row in self.dc.cycles.to_dict("records")}
        found: list[Cycle] = []
        for number, reads in self.reads.items():
            row = rows.get(number, {"outcome": "one_way"})
            values = {name: _finite_or_none(row.get(column)) for name, column in _MERITS.items()}
            values["v_100ua_v"] = self._crossing(number)
            if number == self._forming:  # it has V_form
                values["v_100ua_v"] = None
            found.append(Cycle(cycle=number, outcome=row["outcome"], device=reads, **values))
        return tuple(found)

    def _crossing(self, number: int) -> float | None:
        frame = self.sweep.frame
        rows = frame[(frame["cycle"] == number) & (frame["segment"] == "set")]
        return _finite_or_none(crossing(rows["voltage_v"].to_numpy(), rows["current_a"].to_numpy()))

    @derived(once=True)
    def v_100ua_missing(self) -> str:
        """Why the voltage at 100 uA is unknown though the device sets; "" otherwise."""
        limit = self.stack.circuit.compliance
        return f"the compliance is {si(limit, 'A', 4)}" if self.v_100ua_v is None and is_out_of_reach(limit) else ""

    @property
    def _forming(self) -> int | None:
        """Loop that forms a pristine film."""
        return next(iter(self.reads), None) if self.start == "pristine" else None

    @derived(once=True, unit="V", title="V_form (half of the compliance, pristine film)")
    def v_form_v(self) -> float | None:
        """Voltage at which a pristine film's first loop reaches half of the compliance; None otherwise."""
        if self.start != "pristine" or self.dc is None:
            return None
        return _finite_or_none(self.dc.cycles[V_FORM.name].iloc[0])

    @property
    def first(self) -> Cycle:
        """Figures of merit of the first loop, or of the set; after a forming those of the next loop, if any."""
        return self.cycles[min(int(self.start == "pristine"), len(self.cycles) - 1)]

    @property
    def typical(self) -> Cycle:
        """Medians of the loops after the first, of three loops or more; else the figures of merit of `first`."""
        settled = self.cycles[1:]
        if len(settled) < 2:
            return self.first
        values: dict[str, Any] = {
            name: _median(getattr(each, name) for each in settled) for name in (*_MERITS, "v_100ua_v")
        }
        return replace(self.first, **values)

    @property
    def typical_of(self) -> str:
        """Which loops `typical` is of; "" for a set alone."""
        if len(self.cycles) > 2:
            return f"median of loops 2 to {self.cycles[-1].cycle}"
        return "" if len(self.cycles) == 1 else "first loop" if self.first is self.cycles[0] else "loop 2"

    @derived()
    def headline(self) -> dict[str, float | str | None]:
        """Figures of merit of page and terminal, and which loops they are of; other keys are of the first loop."""
        found = self.typical
        return {"of": self.typical_of, **{name: getattr(found, name) for name in (*_MERITS, "v_100ua_v")}}

    @property
    def melts(self) -> bool:
        """Whether the run ended because the filament melts."""
        return not self.complete and self.quality.t_max_k > MELTED

    @property
    def melting_sentence(self) -> str:
        """Where the filament melts, and how many loops ran."""
        last = self.sweep.frame.iloc[-1]
        at, current = si(last["voltage_v"], "V", 3), si(last["current_a"], "A", 3)
        ran = f"; {len(self.cycles)} of {count(self.planned, 'loop')} ran" if self.planned > 1 else ""
        limit = si(self.stack.circuit.compliance, "A", 3)
        if self.start == "pristine" and len(self.cycles) == 1 and last["segment"] == "set":
            return f"The pristine film forms and melts at {at} and {current}, before the compliance of {limit}{ran}."
        return f"The filament melts at {at} and {current}{ran}."

    @property
    def forms_alone(self) -> bool:
        """Whether the run is the forming of a pristine film alone, which has no V_set."""
        return self.start == "pristine" and len(self.cycles) == 1

    @property
    def set_by(self) -> str:
        """Definition of V_set, with the read voltage if it depends on it."""
        return DEFAULT_V_SET if self.dc is None else self.dc.methods["v_set_v"]

    @property
    def v_set_words(self) -> str:
        """Definition of V_set in the words of figure, page and table."""
        return NAMES_IN_LABELS[self.v_set_method or DEFAULT_V_SET]

    def panel(self, measured: SweepTable | None = None) -> Panel:
        """Return the figure of the magnitude of the current against voltage, with a measured sweep if given."""
        mark = ("V_set", self.typical.v_set_v, "; ".join(filter(None, (self.v_set_words, self.typical_of))))
        if self.forms_alone:
            mark = (V_FORM.label, self.v_form_v, NAMES_IN_LABELS[V_FORM_METHOD])
        return figures.iv(_sweeps_of(self.sweep), [] if measured is None else _sweeps_of(measured), mark)

    def levels_panel(self) -> Panel:
        """Return the figure of the conductance of HRS and LRS at the read voltage over the loops."""
        columns = ([getattr(each, name) for each in self.cycles] for name in ("cycle", "hrs_s", "lrs_s"))
        return figures.levels(*(np.array(values, float) for values in columns))

    def plot(self, ax: Axes | None = None, measured: SweepTable | None = None) -> Axes:
        """Draw `panel`."""
        return self.panel(measured).draw(ax)

    def _repr_html_(self) -> str:
        from devicekit.report.notebook import html

        by = f"{self.set_by}; {self.typical_of}" if self.typical_of else self.set_by
        v_set = [(f"V_set ({by})", si(self.typical.v_set_v, "V", 4)), *self.typical.pairs("v_100ua_v")]
        rows = [
            *([(f"V_form ({V_FORM_METHOD})", si(self.v_form_v, "V", 4))] if self.start == "pristine" else []),
            *([] if self.forms_alone else v_set),
            ("HRS, LRS", f"{si(self.typical.hrs_s, 'S')}, {si(self.typical.lrs_s, 'S')}"),
            *self.quality.pairs("mass_error"),
        ]
        return html(f"Simulated I-V, material set {self.stack.material}", rows, self.panel())


@dataclass(frozen=True, kw_only=True)
class TrainEnds(Record):
    """First and last conductance of one pulse train."""

    pulse_width_s: float = column("pulse width", text=lambda width: si(width, "s"))
    cycle: int = column("pair", text=str, doc="number of the pair of trains")
    direction: str = column("direction", text=str.upper)
    first_s: float = column("first", unit="S", text=siemens, doc="conductance before the first pulse")
    last_s: float = column("last", unit="S", text=siemens, doc="conductance after the last pulse")
    pulses: int = column("pulses", text=str, doc="pulses of the train")


@dataclass(frozen=True, eq=False, kw_only=True)
class PulseResult(_Result):
    """Simulated pulse trains."""

    pulses: PulseTable = internal(
        "conductance at the read voltage and ambient temperature after every pulse, for every train"
    )

    def summary_lines(self) -> list[str]:
        """Return the ends of the last trains at each width."""
        rows = [
            f"{si(each.pulse_width_s, 's')} {each.direction.upper()}: {si(each.first_s, 'S')} to "
            f"{si(each.last_s, 'S')} by {count(each.pulses, 'pulse')}"
            for each in self.last_ends
        ]
        return [*rows, ".pulses is the table of every train, for devicekit.fit(result.pulses)"]

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

    @derived(once=True, name="trains")
    def ends(self) -> tuple[TrainEnds, ...]:
        """First and last conductance of every train."""
        return tuple(
            TrainEnds(
                pulse_width_s=width,
                cycle=cycle,
                direction=direction,
                first_s=float(train[0]),
                last_s=float(train[-1]),
                pulses=int(index[-1]),
            )
            for width in self.pulses.widths
            for direction in DIRECTIONS
            for _, cycle, index, train in self.pulses.select(width=width).traces(direction)
        )

    @property
    def last_ends(self) -> tuple[TrainEnds, ...]:
        """Those of the last pair at each width."""
        last = max(each.cycle for each in self.ends)
        return tuple(each for each in self.ends if each.cycle == last)

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


# fields of a cycle that are columns of the cycles of `DcResult`
_MERITS = {"v_set_v": "v_set_v", "v_reset_v": "v_reset_v", "hrs_s": "g_hrs_s", "lrs_s": "g_lrs_s", "on_off": "on_off"}


def _median(values: Iterable[float | None]) -> float | None:
    """Return the median of the known values; None without one."""
    known = [each for each in values if each is not None]
    return float(np.median(known)) if known else None


def _finite_or_none(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _sweeps_of(table: SweepTable) -> list[tuple[Array, Array]]:
    """Return voltage [V] and current [A] of every sweep."""
    groups = table.frame.groupby(["device_id", "cycle"], sort=False)
    return [(rows["voltage_v"].to_numpy(float), rows["current_a"].to_numpy(float)) for _, rows in groups]
