"""The verb simulate: the I-V, pulse trains and switching kinetics of a filament."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import physics
from devicekit.core.declarations import document, option
from devicekit.core.errors import UsageError
from devicekit.core.text import si, width_suffix
from devicekit.features.definitions import V_FORM_METHOD
from devicekit.system.commands import Reproduction, call, command
from devicekit.verbs import shared
from devicekit.verbs.outcome import REPORT, SILENT, Outcome, Progress
from devicekit.verbs.text import Block, Fields, Title, Warnings, report_field, table_of

if TYPE_CHECKING:
    from devicekit.tables import SweepTable
    from physics.result import IVResult, PulseResult
    from physics.stack import Stack
    from physics.variability import Scatter


@dataclass(frozen=True, kw_only=True)
class StackRequest:
    """Base of requests for a simulation: a stack by its file or material set, the default one without either."""

    stack: Path | None = shared.stack()
    laws: tuple[Path, ...] = shared.laws()
    material: str | None = option(
        choices=tuple(physics.material_files()), help="Material set; the first if not given", form="Material set"
    )

    show: str = shared.show()

    @property
    def changes(self) -> dict[str, object | None]:
        """Parameters of the stack that are changed, by key; None changes nothing."""
        return {}

    def load(self) -> Stack:
        """Load the stack, with its changes.

        Raises DevicekitError if file and material set are given, or the stack or a change is not valid.
        """
        from physics.stack import load_material, load_stack

        if self.stack is not None and self.material is not None:
            raise UsageError("A stack names its own material set: give --stack or --material, not both.")
        laws = list(self.laws)
        if self.stack is None:
            stack = load_material(self.material or physics.DEFAULT_MATERIAL, laws=laws)
        else:
            stack = load_stack(self.stack, laws=laws)
        return stack.replace({key: value for key, value in self.changes.items() if value is not None})

    @property
    def python(self) -> str:
        """Python that loads the stack."""
        named = self.material or physics.DEFAULT_MATERIAL
        load = f'load_material("{named}")' if self.stack is None else f"load_stack({str(self.stack)!r})"
        changes = ", ".join(f'"{key}": {value!r}' for key, value in self.changes.items() if value is not None)
        return f"{load}.replace({{{changes}}})" if changes else load


def _solver(words: str, default: str | None = None) -> Any:
    return option(default=default, choices=tuple(physics.SOLVERS), help=words)


def _noise() -> Any:
    return option(
        default=False,
        help="Generate, recombine and hop single vacancies at random; --seed gives another run.",
        form="Noise of single vacancies",
    )


def _seed_of_noise(request: IVRequest | PulsesRequest) -> int | None:
    """Return the seed of the noise; None for none."""
    if request.seed is not None and not request.noise:
        raise UsageError("--seed has no effect without --noise: add --noise, or remove --seed.")
    return (request.seed or 0) if request.noise else None


@dataclass(frozen=True, kw_only=True)
class IVRequest(StackRequest):
    """I-V to simulate."""

    solver: str | None = _solver("banded (default for loops), fipy (for the set alone)")
    mesh: str = shared.mesh()
    compliance: float | None = shared.number("Current limit [A].", "A", form="Compliance [A]")
    rate: float | None = shared.number("Ramp rate [V/s].", "V/S", form="Ramp rate [V/s]")
    stop: float | None = shared.number("End of the set ramp [V].", "V", form="End of the set ramp [V]")
    reset_stop: float | None = shared.number("End of the reset ramp [V].", "V", form="End of the reset ramp [V]")
    cycles: int = option(
        default=0,
        metavar="N",
        least=0,
        help="Bipolar loops; 0 for one set sweep, up and back.",
        form="Loops",
        example="0: one set",
    )
    start: str = option(
        "--from",
        default="reset",
        choices=tuple(physics.STARTS),
        help="State at the start; the first ramp of a pristine film forms it",
        form="State at the start",
    )
    bare: bool = option(default=False, help="Use the paper's equations alone, without generation.")
    measured: Path | None = option(metavar="FILE", help="A measured sweep to draw under the figure.")
    stages: tuple[float, ...] = shared.several(
        "Also keep the fields at this set voltage [V]; may be repeated.", "V", "--stage"
    )
    noise: bool = _noise()
    seed: int | None = shared.chance()
    out: Path | None = shared.out_folder()

    @property
    def changes(self) -> dict[str, object | None]:
        """See `StackRequest`."""
        generation = False if self.bare else None
        forms_alone = self.start == "pristine" and not self.cycles
        if self.reset_stop is not None and not self.cycles:
            raise UsageError("--reset-stop has no effect without --cycles: add --cycles, or remove --reset-stop.")
        return {
            "drive.form_stop" if forms_alone else "drive.set_stop": self.stop,
            "drive.reset_stop": self.reset_stop,
            "reaction.generation": generation,
        }

    def load(self) -> Stack:
        """Load the stack, with its changes.

        Raises
        ------
        DevicekitError
            As for `StackRequest`; if a pristine film of the stack cannot form; or if the stack has no generation that
            --bare could leave out.
        """
        from physics.guards import check_start

        if self.bare and not replace(self, bare=False).load().generates:
            raise UsageError("--bare has no effect on a stack without generation: remove --bare.")
        stack = super().load()
        check_start(stack, self.start)
        return stack

    def reproduction(self) -> Reproduction:
        """Return the command and Python lines that repeat it."""
        mesh = self.mesh if self.mesh != "default" else None
        changed = {"mesh": mesh, "cycles": self.cycles or None, "compliance": self.compliance, "rate": self.rate}
        start = None if self.start == "reset" else self.start
        options = {"stack": self.stack, "material": self.material, "solver": self.solver, **changed}
        options |= {"stop": self.stop, "reset_stop": self.reset_stop, "bare": self.bare, "seed": self.seed}
        options |= {"out": "simulated", "from": start}
        changed |= {"start": start, "noise": _seed_of_noise(self)}
        python = [
            "from physics.iv import simulate_iv",
            f"from physics.stack import {self.python.partition('(')[0]}",
            "result = " + call("simulate_iv", self.python, **changed),
            "result.summary()",
        ]
        verb = "simulate iv --noise" if self.noise else "simulate iv"  # by itself the word is that of exports
        return Reproduction(command(verb, [], options), "\n".join(python))


@dataclass(frozen=True, kw_only=True)
class PulsesRequest(StackRequest):
    """Pulse trains to simulate."""

    solver: str = _solver("Solver", "banded")
    mesh: str = shared.mesh()
    compliance: float | None = shared.number("Current limit [A].", "A")
    widths: tuple[float, ...] = shared.several(
        "Pulse width [s]; may be repeated. 5, 50 and 500 us if not given.", "S", "--width"
    )
    count: int = option(default=100, metavar="N", help="Pulses of a train.")
    pairs: int = option(default=2, metavar="N", help="Pairs of LTP and LTD trains; the last is written.")
    ltp: float | None = shared.number("Amplitude of LTP pulses [V].", "V")
    ltd: float | None = shared.number("Amplitude of LTD pulses [V].", "V")
    gap: float = option(default=0.0, metavar="S", help="Rest at 0 V after each pulse [s].")
    read_voltage: float | None = shared.number("Read voltage [V].", "V")
    cycles: int = option(default=3, metavar="N", help="Bipolar loops before the first train.")
    noise: bool = _noise()
    seed: int | None = shared.chance()
    out: Path | None = shared.out_folder()

    @property
    def changes(self) -> dict[str, object | None]:
        """See `StackRequest`."""
        return {
            "circuit.compliance": self.compliance,
            "drive.ltp_voltage": self.ltp,
            "drive.ltd_voltage": self.ltd,
            "drive.read_voltage": self.read_voltage,
        }


for _request in (IVRequest, PulsesRequest):
    document(_request)


def read_measured(path: Path) -> SweepTable:
    """Read measured sweeps to draw under a figure.

    Raises DevicekitError if the file holds something else.
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

    stack, measured = request.load(), None if request.measured is None else read_measured(request.measured)
    noise = _seed_of_noise(request)
    fast = request.cycles or request.noise or request.start != "reset"
    with progress.shares("simulating") as share:
        result = simulate_iv(
            stack,
            solver=request.solver or ("banded" if fast else "fipy"),
            mesh=request.mesh,
            noise=noise,
            compliance=request.compliance,
            rate=request.rate,
            cycles=request.cycles,
            start=request.start,
            stage_voltages=request.stages,
            progress=share,
        )
    scatter = _scatter(result)
    json = {**result.summary(), "scatter": [each.as_dict() for each in scatter]}
    shown = result.first_stages()

    def maps(axes: Any) -> None:
        from devicekit.plot import draw_row, draw_strip, fit_in_strip

        for ax, quantity in zip(axes, MAPS, strict=True):
            images = [result.image(stage, quantity) for stage in shown]
            draw_strip(images, ax) if fit_in_strip(images) else draw_row(images, [ax])

    return Outcome(
        result=result,
        json=json,
        page=lambda command: replace(iv_page(result, command, measured, scatter), resistance=request.show == "ohm"),
        files={
            "iv.csv": lambda path: write_csv(result.sweep.frame, path, ("simulated",)),
            "fields.npz": result.save_fields,
            "summary.json": lambda path: writing.write_results(path, json),
            "stack.json": lambda path: writing.write_json(path, result.stack.model_dump(mode="json")),
            "iv.png": lambda path: _draw(path, result.panel(measured).draw, (5.0, 3.8)),
            "maps.png": lambda path: _draw(path, maps, (3.4 * len(shown), 7.5), len(MAPS)),
        },
        text=[*_iv_text(result, scatter), *report_field(request.out)],
        reproduction=request.reproduction(),
        offered=("iv.csv",),
        **_end(result),
    )


def run_pulses(request: PulsesRequest, progress: Progress = SILENT) -> Outcome[PulseResult]:
    """Simulate LTP and LTD trains of a stack; one table for each width, of the last pair."""
    from devicekit.tables import write_csv
    from physics.page import pulses_page
    from physics.pulses import DEFAULT_WIDTHS, simulate_pulses

    stack, noise = request.load(), _seed_of_noise(request)
    with progress.shares("simulating") as share:
        result = simulate_pulses(
            stack,
            solver=request.solver,
            mesh=request.mesh,
            noise=noise,
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
        page=lambda command: replace(pulses_page(result, command), resistance=request.show == "ohm"),
        files={
            **tables,
            "fields.npz": result.save_fields,
            "pulses.png": lambda path: _draw(path, result.panel().draw, (6.0, 3.8)),
        },
        text=[
            Title(f"simulated pulse trains, material set {result.stack.material}"),
            table_of(result.ends),
            Fields([*_balances(result), *(("table", path) for path in written), *report]),
            Warnings(result.quality.remarks),
        ],
        offered=tuple(tables),
        **_end(result),
    )


def _end(result: IVResult | PulseResult) -> Any:
    """Return how a run ended, for its outcome."""
    if result.complete:
        return {}
    return {"unfinished": result.message, "code": 130 if result.message == "interrupted" else 1}


_MAPS = {"left": 0.05, "right": 0.99, "bottom": 0.07, "top": 0.95, "hspace": 0.45, "wspace": 0.16}


def _draw(path: Path, plot: Callable[[Any], object], size: tuple[float, float], rows: int = 0) -> None:
    """Save a figure that `plot` draws into one Axes, or into `rows` of maps."""
    from matplotlib.figure import Figure

    from devicekit.system import ownmark, writing

    # a fixed layout of maps, as fitting one takes longer than the simulation
    figure = Figure(figsize=size, layout=None if rows else "constrained")
    plot(figure.subplots(rows, 1, gridspec_kw=_MAPS) if rows else figure.subplots())
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=150, format="png", metadata=ownmark.figure_metadata("png"))
    writing.write_bytes(path, buffer.getvalue())


def _scatter(result: IVResult) -> tuple[Scatter, ...]:
    """Return the scatter over the loops of a run with noise; nothing of another one."""
    from physics.variability import scatter

    return scatter(result) if result.noise is not None and len(result.cycles) > 5 else ()


# ---- terminal ----

_FASTER = {"banded": "", "fipy": " (--solver banded gives the same numbers faster)"}


def _iv_text(result: IVResult, scatter: Sequence[Scatter]) -> list[Block]:
    quality, first, read = result.quality, result.typical, result.read_voltage_v
    at = "" if read is None else f" (read at {read:g} V)"
    reached = f"100 µA not reached, as {why}" if (why := result.v_100ua_missing) else ""
    reached = reached or f"{si(first.v_100ua_v, 'V', 4)} at 100 µA"
    notes = [reached if result.v_set_method != "at_100ua" else "", result.typical_of]
    v_set = ("V_set", "; ".join(filter(None, (f"{si(first.v_set_v, 'V', 4)} (by {result.set_by})", *notes))))
    rows = [
        *([("V_form", f"{si(result.v_form_v, 'V', 4)} (by {V_FORM_METHOD})")] if result.start == "pristine" else []),
        *([] if result.forms_alone else [v_set]),
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
        ("solver", f"{result.solver}, {result.mesh.cells} cells, {quality.steps} steps{_FASTER[result.solver]}"),
        ("balances", f"vacancies to {quality.mass_error:.1e}, power to {quality.power_error:.1e}"),
    ]
