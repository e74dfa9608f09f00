"""The verb simulate: the I-V, pulse trains and switching kinetics of a filament."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import physics
from devicekit.core.errors import UsageError
from devicekit.core.text import si, width_suffix
from devicekit.features.definitions import definition
from devicekit.system.commands import Reproduction, call, command
from devicekit.verbs.outcome import REPORT, SILENT, Outcome, Progress
from devicekit.verbs.text import Block, Fields, Title, Warnings, paragraphs, table_of

if TYPE_CHECKING:
    from devicekit.tables import SweepTable
    from physics.kinetics import Kinetics
    from physics.result import IVResult, PulseResult
    from physics.stack import Stack
    from physics.variability import Scatter

_FLAGS = {
    "drive.set_stop": "stop",
    "drive.reset_stop": "reset_stop",
    "drive.ltp_voltage": "ltp",
    "drive.ltd_voltage": "ltd",
    "drive.read_voltage": "read_voltage",
    "circuit.compliance": "compliance",
}  # of the command line, by the parameter of a stack that each changes; --bare switches reaction.generation off


@dataclass(frozen=True)
class ChosenStack:
    """A stack, and how it was chosen.

    Attributes
    ----------
    stack : Stack
        With its changes.
    material : str, optional
        Its material set, if it was chosen by name.
    path : Path, optional
        Its file.
    changes : mapping
        Parameters that are changed, by key.
    """

    stack: Stack
    material: str | None = None
    path: Path | None = None
    changes: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        path: Path | None = None,
        material: str | None = None,
        changes: Mapping[str, object | None] | None = None,
        laws: Sequence[Path] = (),
    ) -> ChosenStack:
        """Load a stack by file or material set, the default one without either; changes of None are none.

        Raises
        ------
        DevicekitError
            If both are given, or the stack or a change is not valid.
        """
        from physics.stack import load_material, load_stack

        if path is not None and material is not None:
            raise UsageError("A stack names its own material set: give --stack or --material, not both.")
        named = material or physics.DEFAULT_MATERIAL
        stack = load_material(named, laws=laws) if path is None else load_stack(path, laws=laws)
        given = {key: value for key, value in (changes or {}).items() if value is not None}
        return cls(stack.replace(given), named if path is None else None, path, given)

    @property
    def flags(self) -> dict[str, object]:
        """Options of the command line that change it."""
        found = {_FLAGS[key]: value for key, value in self.changes.items() if key in _FLAGS}
        return {**found, "bare": self.changes.get("reaction.generation") is False}

    @property
    def python(self) -> str:
        """Python that loads it."""
        load = f'load_material("{self.material}")' if self.path is None else f"load_stack({str(self.path)!r})"
        changes = ", ".join(f'"{key}": {value!r}' for key, value in self.changes.items())
        return f"{load}.replace({{{changes}}})" if changes else load


@dataclass(frozen=True, kw_only=True)
class _Request:
    """What every simulation takes.

    Parameters
    ----------
    stack : ChosenStack
    mesh : str
        Cells of the mesh.
    out : Path, optional
        Folder of the results.
    """

    stack: ChosenStack
    mesh: str = "default"
    out: Path | None = None


@dataclass(frozen=True, kw_only=True)
class IVRequest(_Request):
    """I-V to simulate.

    Parameters
    ----------
    solver : str
    compliance, rate : float, optional
        Current limit [A], ramp rate [V/s]; the stack's if None.
    cycles : int
        Bipolar loops; 0: one set sweep, up and back.
    stages : sequence of float
        Set voltages [V] at which fields are kept too.
    noise : int, optional
        Seed of the noise; None without noise.
    measured : SweepTable, optional
        Sweeps to draw under the figure.
    """

    solver: str = "banded"
    compliance: float | None = None
    rate: float | None = None
    cycles: int = 0
    stages: Sequence[float] = ()
    noise: int | None = None
    measured: SweepTable | None = None

    def reproduction(self) -> Reproduction:
        """Return the command and Python lines that repeat it."""
        stack, mesh = self.stack, self.mesh if self.mesh != "default" else None
        changed = {"mesh": mesh, "cycles": self.cycles or None, "compliance": self.compliance, "rate": self.rate}
        options = {"stack": stack.path, "material": stack.material, "solver": self.solver, **changed, **stack.flags}
        python = [
            "from physics.iv import simulate_iv",
            f"from physics.stack import {stack.python.partition('(')[0]}",
            "result = " + call("simulate_iv", stack.python, **changed),
            "result.summary()",
        ]
        return Reproduction(command("simulate iv", [], {**options, "out": "simulated"}), "\n".join(python))


@dataclass(frozen=True, kw_only=True)
class PulsesRequest(_Request):
    """Pulse trains to simulate; parameters as in `physics.pulses.simulate_pulses`."""

    solver: str = "banded"
    widths: Sequence[float] = ()
    count: int = 100
    pairs: int = 2
    gap: float = 0.0
    cycles: int = 3
    noise: int | None = None


@dataclass(frozen=True, kw_only=True)
class KineticsRequest(_Request):
    """Kinetics to simulate; parameters as in `physics.kinetics.kinetics`."""

    voltages: Sequence[float] = ()
    rates: Sequence[float] = ()
    jobs: int = 1


def read_measured(path: Path) -> SweepTable:
    """Read measured sweeps to draw under a figure.

    Raises
    ------
    DevicekitError
        If the file holds something else.
    """
    from devicekit.readers import read
    from devicekit.tables import SweepTable

    table = read(path)
    if not isinstance(table, SweepTable):
        raise UsageError(f"--measured needs voltage sweeps; {path} holds pulse trains.")
    return table


def run_iv(request: IVRequest, progress: Progress = SILENT) -> Outcome[IVResult]:
    """Simulate the set I-V of a stack, or bipolar loops; an incomplete run has results too."""
    from devicekit.system import writing
    from devicekit.tables import write_csv
    from physics.figures import MAPS
    from physics.iv import simulate_iv
    from physics.page import iv_page

    with _shares(progress) as share:
        result = simulate_iv(
            request.stack.stack,
            solver=request.solver,
            mesh=request.mesh,
            noise=request.noise,
            compliance=request.compliance,
            rate=request.rate,
            cycles=request.cycles,
            stage_voltages=request.stages,
            progress=share,
        )
    scatter = _scatter(result)
    json = {**result.summary(), "scatter": [each.as_dict() for each in scatter]}
    shown = result.first_stages()

    def maps(axes: Any) -> None:
        from devicekit.plot import draw_row

        for row, quantity in zip(axes, MAPS, strict=True):
            draw_row([result.image(stage, quantity) for stage in shown], list(row))

    return Outcome(
        result=result,
        json=json,
        page=lambda command: iv_page(result, command, request.measured, scatter),
        files={
            "iv.csv": lambda path: write_csv(result.sweep.frame, path, ("simulated",)),
            "fields.npz": result.save_fields,
            "summary.json": lambda path: writing.write_json(path, json),
            "stack.json": lambda path: writing.write_json(path, result.stack.model_dump(mode="json")),
            "iv.png": lambda path: _draw(path, result.panel(request.measured).draw, (5.0, 3.8)),
            "maps.png": lambda path: _draw(path, maps, (3.4 * len(shown), 7.5), len(shown)),
        },
        text=[*_iv_text(result, scatter), *_report(request.out)],
        reproduction=request.reproduction(),
        offered=("iv.csv",),
        **_end(result),
    )


def run_pulses(request: PulsesRequest, progress: Progress = SILENT) -> Outcome[PulseResult]:
    """Simulate LTP and LTD trains of a stack; one table for each width, of the last pair."""
    from devicekit.tables import write_csv
    from physics.page import pulses_page
    from physics.pulses import DEFAULT_WIDTHS, simulate_pulses

    with _shares(progress) as share:
        result = simulate_pulses(
            request.stack.stack,
            solver=request.solver,
            mesh=request.mesh,
            noise=request.noise,
            widths=request.widths or DEFAULT_WIDTHS,
            count=request.count,
            pairs=request.pairs,
            gap=request.gap,
            cycles=request.cycles,
            progress=share,
        )
    tables: dict[str, Callable[[Path], object]] = {
        f"pulses_{width_suffix(width)}.csv": partial(write_csv, table.frame, marks=("simulated",))
        for width, table in result.last_pairs().items()
    }
    written = [] if request.out is None else [str(request.out / name) for name in tables]
    report = [] if request.out is None else [("report", str(request.out / REPORT))]
    return Outcome(
        result=result,
        json={**result.summary(), "tables": written},
        page=lambda command: pulses_page(result, command),
        files={
            **tables,
            "fields.npz": result.save_fields,
            "pulses.png": lambda path: _draw(path, result.panel().draw, (6.0, 3.8)),
        },
        text=[
            Title(f"simulated pulse trains, material set {result.stack.material}"),
            table_of(result.ends),
            Fields([*_balances(result), *(("table", path) for path in written), *report]),
        ],
        offered=tuple(tables),
        **_end(result),
    )


def run_kinetics(request: KineticsRequest, progress: Progress = SILENT) -> Outcome[Kinetics]:
    """Simulate SET and RESET times against voltage, and the set voltage against the ramp rate."""
    from devicekit.system import writing
    from devicekit.tables import write_csv
    from physics import report
    from physics.kinetics import RATES, VOLTAGES, kinetics
    from physics.page import kinetics_page

    with _shares(progress) as share:
        voltages, rates = request.voltages or VOLTAGES, request.rates or RATES
        result = kinetics(request.stack.stack, voltages, rates, request.mesh, request.jobs, share)
    return Outcome(
        result=result,
        json=result.summary(),
        page=lambda command: kinetics_page(result, command),
        files={
            **{f"{name}.csv": partial(write_csv, frame) for name, frame in result.tables().items()},
            "summary.json": lambda path: writing.write_json(path, result.summary()),
        },
        text=[
            Title(f"simulated kinetics, material set {result.stack.material}"),
            *paragraphs(report.kinetics_summary(result)),
            table_of(result.holds),
            table_of(result.ramps),
            *_report(request.out),
        ],
    )


@contextmanager
def _shares(progress: Progress) -> Iterator[Callable[[float], None]]:
    """Count the completed fraction of a run."""
    with progress.counting("simulating", "parts") as count:
        yield lambda fraction: count(int(100 * fraction), 100)


def _end(result: IVResult | PulseResult) -> Any:
    """Return how a run ended, for its outcome."""
    if result.complete:
        return {}
    return {"unfinished": result.message, "code": 130 if result.message == "interrupted" else 1}


def _draw(path: Path, plot: Callable[[Any], object], size: tuple[float, float], columns: int = 0) -> None:
    """Save a figure that `plot` draws into one Axes, or into 3 rows of `columns` of them."""
    from matplotlib.figure import Figure

    from devicekit.system import ownmark, writing

    figure = Figure(figsize=size, layout="constrained")
    plot(figure.subplots(3, columns, squeeze=False) if columns else figure.subplots())
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=150, format="png", metadata=ownmark.figure_metadata("png"))
    writing.write_bytes(path, buffer.getvalue())


def _scatter(result: IVResult) -> tuple[Scatter, ...]:
    """Return the scatter over the loops of a run with noise; nothing of another one."""
    from physics.variability import scatter

    return scatter(result) if result.noise is not None and len(result.cycles) > 5 else ()


# ---- terminal ----


def _iv_text(result: IVResult, scatter: Sequence[Scatter]) -> list[Block]:
    quality, first, read = result.quality, result.first, result.read_voltage_v
    by = definition(result.v_set_method, read)
    at = "" if read is None else f" (read at {read:g} V)"
    rows = [
        ("V_set", f"{si(first.v_set_v, 'V', 4)} (by {by}); {si(first.v_100ua_v, 'V', 4)} at 100 µA"),
        ("HRS", f"{si(first.hrs_s, 'S', 4)}{at}"),
        ("LRS", si(first.lrs_s, "S", 4)),
        ("LRS / HRS", "–" if first.on_off is None else f"{first.on_off:.4g}"),
        ("highest temperature", f"{quality.t_max_k:.0f} K"),
        *_balances(result),
    ]
    text: list[Block] = [Title(f"simulated I-V, material set {result.stack.material}"), Fields(rows)]
    if len(result.cycles) > 1:
        text.append(table_of(result.cycles))
    if scatter:
        text.append(table_of(scatter))
    return [*text, Warnings(quality.remarks)]


def _balances(result: IVResult | PulseResult) -> list[tuple[str, str]]:
    """Return solver, mesh and balances."""
    quality = result.quality
    return [
        ("solver", f"{result.solver}, {result.mesh.cells} cells, {quality.steps} steps"),
        ("balances", f"vacancies to {quality.mass_error:.1e}, power to {quality.power_error:.1e}"),
    ]


def _report(out: Path | None) -> list[Block]:
    return [] if out is None else [Fields([("report", str(out / REPORT))])]
