"""`devicekit simulate iv | pulses | kinetics`: the filament physics from the command line."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import physics
from devicekit.cli import terminal
from devicekit.cli.common import AllowLaw, Chance, Force, Json, choice, print_json, print_warnings, this_command
from devicekit.cli.lazy import group, lazy_group
from devicekit.core.errors import UsageError
from devicekit.core.text import width_suffix
from devicekit.features.definitions import definition

if TYPE_CHECKING:
    from devicekit.tables import SweepTable
    from physics.result import IVResult, PulseResult
    from physics.stack import Stack
    from physics.variability import Scatter

_COMMANDS = {
    "iv": "simulate:iv_command",
    "pulses": "simulate:pulses_command",
    "kinetics": "kinetics:kinetics_command",
    "cycles": "cycles:cycles_command",
}

simulate_app = group(
    cls=lazy_group(lambda: _COMMANDS),
    help="Simulate a filament (vacancy drift-diffusion, continuity, Joule heating), or cycles like measured ones.",
    short_help="Simulate a filament (iv, pulses, kinetics), or cycles like measured ones.",
)


@simulate_app.callback()
def _group() -> None:
    """Without a callback typer takes an application without commands of its own for no group."""


StackFile = Annotated[
    Path | None,
    typer.Option(
        "--stack",
        metavar="STACK.toml",
        help="Stack TOML, which names its material set; the default stack if not given.",
    ),
]
Material = Annotated[
    str | None,
    choice("--material", physics.material_files(), "Material set; the first if not given"),
]
Mesh = Annotated[str, choice("--mesh", physics.SPACINGS, "Cells of the mesh")]
Noise = Annotated[
    bool,
    typer.Option("--noise", help="Generate, recombine and hop single vacancies at random; --seed gives another run."),
]
Compliance = Annotated[float | None, typer.Option("--compliance", metavar="A", help="Current limit [A].")]
OutDir = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder for the results.")]


def chosen_stack(
    path: Path | None, material: str | None, changes: dict[str, Any], laws: list[Path] | None = None
) -> Stack:
    """The stack that --stack or --material names, with changes of those that are not None."""
    from physics.stack import load_material, load_stack

    if path is not None and material is not None:
        raise UsageError("A stack names its own material set: give --stack or --material, not both.")
    laws = laws or []
    named = material or physics.DEFAULT_MATERIAL
    stack = load_material(named, laws=laws) if path is None else load_stack(path, laws=laws)
    return stack.replace({key: value for key, value in changes.items() if value is not None})


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Callable[[float], None]]:
    """A progress bar with the time left, taking the share that is done."""
    with terminal.counting("simulating", "parts", quiet) as update:
        yield lambda fraction: update(int(100 * fraction), 100)


def _seed(noise: bool, seed: int | None) -> int | None:
    """Seed of the noise; None for none."""
    if seed is not None and not noise:
        raise UsageError("--seed has no effect without --noise: add --noise, or remove --seed.")
    return (seed or 0) if noise else None


def _measured(path: Path | None) -> SweepTable | None:
    if path is None:
        return None
    from devicekit.readers import read
    from devicekit.tables import SweepTable

    table = read(path)
    if not isinstance(table, SweepTable):
        raise UsageError(f"--measured needs voltage sweeps; {path} holds pulse trains.")
    return table


def _draw(path: Path, plot: Callable[[Any], object], size: tuple[float, float], columns: int = 0) -> None:
    """Save a figure that `plot` draws into one Axes, or into 3 rows of `columns` of them."""
    from matplotlib.figure import Figure

    from devicekit.system import ownmark, writing

    figure = Figure(figsize=size, layout="constrained")
    plot(figure.subplots(3, columns, squeeze=False) if columns else figure.subplots())
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=150, format="png", metadata=ownmark.figure_metadata("png"))
    writing.write_bytes(path, buffer.getvalue())


def _exit_code(result: IVResult | PulseResult) -> int:
    """0 for a complete run; what there is of another one is saved all the same."""
    if result.complete:
        return 0
    terminal.warning(f"the run is incomplete: {result.message}")
    return 130 if result.message == "interrupted" else 1


def _save_iv(result: IVResult, measured: SweepTable | None, folder: Path) -> None:
    from devicekit.plot import draw_row
    from devicekit.system import writing
    from devicekit.tables import write_csv
    from physics.figures import MAPS
    from physics.page import iv_page

    write_csv(result.sweep.frame, folder / "iv.csv", ("simulated",))
    result.save_fields(folder / "fields.npz")
    writing.write_json(folder / "summary.json", _summary(result))
    writing.write_json(folder / "stack.json", result.stack.model_dump(mode="json"))
    _draw(folder / "iv.png", result.panel(measured).draw, (5.0, 3.8))
    shown = result.first_stages()

    def maps(axes: Any) -> None:
        for row, quantity in zip(axes, MAPS, strict=True):
            draw_row([result.image(stage, quantity) for stage in shown], list(row))

    _draw(folder / "maps.png", maps, (3.4 * len(shown), 7.5), len(shown))
    iv_page(result, this_command(), measured, _scatter(result)).save(folder / "report.html")


def iv_command(
    stack: StackFile = None,
    allow_law: AllowLaw = None,
    material: Material = None,
    solver: Annotated[
        str | None,
        choice("--solver", physics.SOLVERS, "banded (default for loops), fipy (for the set alone)"),
    ] = None,
    mesh: Mesh = "default",
    compliance: Compliance = None,
    rate: Annotated[float | None, typer.Option("--rate", metavar="V/S", help="Ramp rate [V/s].")] = None,
    stop: Annotated[float | None, typer.Option("--stop", metavar="V", help="End of the set ramp [V].")] = None,
    reset_stop: Annotated[
        float | None, typer.Option("--reset-stop", metavar="V", help="End of the reset ramp [V].")
    ] = None,
    cycles: Annotated[
        int, typer.Option("--cycles", metavar="N", min=0, help="Bipolar loops; 0 for one set sweep, up and back.")
    ] = 0,
    bare: Annotated[bool, typer.Option("--bare", help="Use the paper's equations alone, without generation.")] = False,
    measured: Annotated[
        Path | None,
        typer.Option("--measured", metavar="FILE", help="A measured sweep to draw under the figure."),
    ] = None,
    stage: Annotated[
        list[float] | None,
        typer.Option("--stage", metavar="V", help="Also keep the fields at this set voltage [V]; may be repeated."),
    ] = None,
    noise: Noise = False,
    seed: Chance = None,
    out: OutDir = None,
    force: Force = False,
    json_output: Json = False,
) -> int:
    """Simulate the set I-V of a stack, or bipolar loops.

    The sweep starts from the state just after a reset. --out DIR receives the table, figures, fields and report.html.

    Examples:
        devicekit simulate iv --out set-iv
        devicekit simulate iv --cycles 5 --material electrothermal --out loops
        devicekit simulate iv --cycles 100 --noise --mesh coarse --out scatter
    """
    from devicekit.system import folders
    from physics.iv import simulate_iv

    changes: dict[str, Any] = {"drive.set_stop": stop, "drive.reset_stop": reset_stop}
    changes["reaction.generation"] = False if bare else None
    device = chosen_stack(stack, material, changes, allow_law)
    sweep = _measured(measured)
    solver = solver or ("banded" if cycles or noise else "fipy")
    chance = _seed(noise, seed)

    def simulate() -> IVResult:
        with progress_bar(json_output) as progress:
            return simulate_iv(
                device,
                solver=solver,
                mesh=mesh,
                noise=chance,
                compliance=compliance,
                rate=rate,
                cycles=cycles,
                stage_voltages=stage or (),
                progress=progress,
            )

    if out is None:
        result = simulate()
    else:
        with folders.result_folder(out, "simulate iv", force) as folder:
            result = simulate()
            _save_iv(result, sweep, folder)
    if json_output:
        print_json(_summary(result))
    else:
        _print_iv(result, out)
    return _exit_code(result)


def _print_iv(result: IVResult, out: Path | None) -> None:
    from devicekit.core.text import si

    quality, first = result.quality, result.first
    terminal.title(f"simulated I-V, material set {result.stack.material}")
    read = result.read_voltage_v
    by = definition(result.v_set_method, read)
    at = "" if read is None else f" (read at {read:g} V)"
    rows = [
        (
            "V_set",
            f"{si(first.v_set_v, 'V', 4)} (by {by}); {si(first.v_100ua_v, 'V', 4)} at 100 µA",
        ),
        ("HRS", f"{si(first.hrs_s, 'S', 4)}{at}"),
        ("LRS", si(first.lrs_s, "S", 4)),
        ("LRS / HRS", "–" if first.on_off is None else f"{first.on_off:.4g}"),
        ("highest temperature", f"{quality.t_max_k:.0f} K"),
        *_balances(result),
    ]
    terminal.fields(rows)
    if len(result.cycles) > 1:
        terminal.table(result.first.head(), [each.cells() for each in result.cycles])
    if found := _scatter(result):
        terminal.table(found[0].head(), [each.cells() for each in found])
    print_warnings(quality.remarks)
    if out is not None:
        terminal.fields([("report", str(out / "report.html"))])


def _summary(result: IVResult) -> dict[str, Any]:
    """Return the fields of summary.json, which --json prints too."""
    return {**result.summary(), "scatter": [each.as_dict() for each in _scatter(result)]}


def _scatter(result: IVResult) -> tuple[Scatter, ...]:
    """Scatter over the loops of a run with noise; nothing of another one."""
    from physics.variability import scatter

    return scatter(result) if result.noise is not None and len(result.cycles) > 5 else ()


def _balances(result: IVResult | PulseResult) -> list[tuple[str, str]]:
    """Solver, mesh and balances."""
    quality = result.quality
    return [
        ("solver", f"{result.solver}, {result.mesh.cells} cells, {quality.steps} steps"),
        ("balances", f"vacancies to {quality.mass_error:.1e}, power to {quality.power_error:.1e}"),
    ]


def pulses_command(
    stack: StackFile = None,
    allow_law: AllowLaw = None,
    material: Material = None,
    solver: Annotated[str, choice("--solver", physics.SOLVERS, "Solver")] = "banded",
    mesh: Mesh = "default",
    compliance: Compliance = None,
    width: Annotated[
        list[float] | None,
        typer.Option("--width", metavar="S", help="Pulse width [s]; may be repeated. 5, 50 and 500 us if not given."),
    ] = None,
    count: Annotated[int, typer.Option("--count", metavar="N", help="Pulses of a train.")] = 100,
    pairs: Annotated[
        int, typer.Option("--pairs", metavar="N", help="Pairs of LTP and LTD trains; the last is written.")
    ] = 2,
    ltp: Annotated[float | None, typer.Option("--ltp", metavar="V", help="Amplitude of LTP pulses [V].")] = None,
    ltd: Annotated[float | None, typer.Option("--ltd", metavar="V", help="Amplitude of LTD pulses [V].")] = None,
    gap: Annotated[float, typer.Option("--gap", metavar="S", help="Rest at 0 V after each pulse [s].")] = 0.0,
    read_voltage: Annotated[float | None, typer.Option("--read-voltage", metavar="V", help="Read voltage [V].")] = None,
    cycles: Annotated[int, typer.Option("--cycles", metavar="N", help="Bipolar loops before the first train.")] = 3,
    noise: Noise = False,
    seed: Chance = None,
    out: OutDir = None,
    force: Force = False,
    json_output: Json = False,
) -> int:
    """Simulate LTP and LTD pulse trains of a stack.

    --out DIR receives one pulse table for each width, for `devicekit fit`, and report.html.

    Examples:
        devicekit simulate pulses --out trains
        devicekit simulate pulses --width 50e-6 --ltp 0.8 --ltd -1.05 --out linear
    """
    from devicekit.system import folders
    from physics.pulses import DEFAULT_WIDTHS, simulate_pulses

    changes = {
        "circuit.compliance": compliance,
        "drive.ltp_voltage": ltp,
        "drive.ltd_voltage": ltd,
        "drive.read_voltage": read_voltage,
    }
    device, chance = chosen_stack(stack, material, changes, allow_law), _seed(noise, seed)
    widths = tuple(width) if width else DEFAULT_WIDTHS

    def simulate() -> PulseResult:
        with progress_bar(json_output) as progress:
            return simulate_pulses(
                device,
                solver=solver,
                mesh=mesh,
                widths=widths,
                count=count,
                pairs=pairs,
                gap=gap,
                cycles=cycles,
                progress=progress,
                noise=chance,
            )

    if out is None:
        result, tables = simulate(), []
    else:
        with folders.result_folder(out, "simulate pulses", force) as folder:
            result = simulate()
            tables = [str(out / name) for name in _save_pulses(result, folder)]
    if json_output:
        print_json({**result.summary(), "tables": tables})
    else:
        _print_pulses(result, tables, out)
    return _exit_code(result)


def _save_pulses(result: PulseResult, folder: Path) -> list[str]:
    """One table a width, of the last pair; no other file of the folder holds conductances."""
    from devicekit.tables import write_csv
    from physics.page import pulses_page

    names = []
    for seconds, table in result.last_pairs().items():
        names.append(f"pulses_{width_suffix(seconds)}.csv")
        write_csv(table.frame, folder / names[-1], ("simulated",))
    result.save_fields(folder / "fields.npz")
    _draw(folder / "pulses.png", result.panel().draw, (6.0, 3.8))
    pulses_page(result, this_command()).save(folder / "report.html")
    return names


def _print_pulses(result: PulseResult, tables: list[str], out: Path | None) -> None:
    terminal.title(f"simulated pulse trains, material set {result.stack.material}")
    terminal.table(result.ends[0].head(), [each.cells() for each in result.ends])
    written = [("table", path) for path in tables]
    if out is not None:
        written.append(("report", str(out / "report.html")))
    terminal.fields([*_balances(result), *written])
