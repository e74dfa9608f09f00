"""`devicekit simulate iv | pulses`: the filament physics from the command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from devicekit.cli.common import Force, Json, Out, print_json
from devicekit.cli.fit import width_suffix
from devicekit.errors import UsageError

if TYPE_CHECKING:
    from devicekit.tables import SweepTable
    from physics.result import IVResult, PulseResult
    from physics.stack import Stack

simulate_app = typer.Typer(
    help="Simulate a filament: vacancy drift-diffusion, current continuity, Joule heating.",
    no_args_is_help=True,
)

StackFile = Annotated[
    Path | None,
    typer.Option("--stack", help="Stack TOML, which names its material set; the default stack if not given."),
]
Material = Annotated[
    str | None,
    typer.Option(
        "--material", help="A material set that ships: reversible (default), electrothermal, gated."
    ),
]
Mesh = Annotated[str, typer.Option("--mesh", help="coarse, default or fine.")]
Compliance = Annotated[float | None, typer.Option("--compliance", help="Current limit [A].")]


def _stack(path: Path | None, material: str | None, changes: dict[str, Any]) -> Stack:
    from physics.stack import DEFAULT_MATERIAL, load_material, load_stack

    if path is not None and material is not None:
        raise UsageError(
            "--material: a stack names its material set itself; pass --stack or --material, not both"
        )
    stack = load_material(material or DEFAULT_MATERIAL) if path is None else load_stack(path)
    return stack.replace({key: value for key, value in changes.items() if value is not None})


@contextmanager
def _progress(name: str) -> Iterator[Callable[[float], None]]:
    """A progress bar on standard error, if that is a terminal."""
    from tqdm import tqdm

    with tqdm(
        total=100, desc=name, unit="%", disable=None, bar_format="{l_bar}{bar}| {elapsed}<{remaining}"
    ) as bar:

        def update(fraction: float) -> None:
            bar.update(int(100 * fraction) - bar.n)

        yield update


def _measured(path: Path | None) -> SweepTable | None:
    if path is None:
        return None
    from devicekit.readers import read
    from devicekit.tables import SweepTable

    table = read(path)
    if not isinstance(table, SweepTable):
        raise UsageError(f"--measured: {path} holds pulse trains; the I-V figure takes voltage sweeps")
    return table


def _draw(path: Path, plot: Callable[[Any], object], size: tuple[float, float], columns: int = 0) -> None:
    """Save a figure that `plot` draws into one Axes, or into 3 rows of `columns` of them."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    plot(figure.subplots(3, columns, squeeze=False) if columns else figure.subplots())
    figure.savefig(path, dpi=150)


def _exit_code(result: IVResult | PulseResult) -> int:
    """0 for a complete run; what there is of another one is saved all the same."""
    if result.complete:
        return 0
    typer.echo(f"warning: the run is incomplete: {result.message}", err=True)
    return 130 if result.message == "interrupted" else 1


def _save_iv(result: IVResult, measured: SweepTable | None, folder: Path) -> None:
    from devicekit import files
    from physics import plot

    result.sweep.to_csv(folder / "iv.csv")
    result.save_fields(folder / "fields.npz")
    files.write_json(folder / "summary.json", result.summary())
    files.write_json(folder / "stack.json", result.stack.model_dump(mode="json"))
    _draw(folder / "iv.png", lambda ax: plot.plot_iv(result, measured, ax), (5.0, 3.8))
    shown = plot.first_stages(result)
    _draw(
        folder / "maps.png",
        lambda axes: plot.plot_maps(result, shown, axes),
        (3.4 * len(shown), 7.5),
        len(shown),
    )


@simulate_app.command("iv")
def iv_command(
    stack: StackFile = None,
    material: Material = None,
    solver: Annotated[
        str | None,
        typer.Option("--solver", help="fipy (default for the set alone) or banded (default for loops)."),
    ] = None,
    mesh: Mesh = "default",
    compliance: Compliance = None,
    rate: Annotated[float | None, typer.Option("--rate", help="Ramp rate [V/s].")] = None,
    stop: Annotated[float | None, typer.Option("--stop", help="End of the set ramp [V].")] = None,
    reset_stop: Annotated[
        float | None, typer.Option("--reset-stop", help="End of the reset ramp [V].")
    ] = None,
    cycles: Annotated[
        int, typer.Option("--cycles", min=0, help="Bipolar loops; 0 for the set ramp alone.")
    ] = 0,
    bare: Annotated[bool, typer.Option("--bare", help="The paper's bare equations: no generation.")] = False,
    measured: Annotated[
        Path | None, typer.Option("--measured", help="A measured sweep to draw under the figure.")
    ] = None,
    stage: Annotated[
        list[float] | None,
        typer.Option("--stage", help="Keep the fields at this set voltage [V] too; may be repeated."),
    ] = None,
    out: Out = None,
    force: Force = False,
    json_output: Json = False,
) -> int:
    """Simulate the set I-V of a stack from the state just after a reset, or bipolar loops.

    \b
    Examples: devicekit simulate iv --out set-iv
    devicekit simulate iv --cycles 5 --material electrothermal --out loops
    """
    from devicekit import files
    from physics.iv import simulate_iv

    changes: dict[str, Any] = {"drive.set_stop": stop, "drive.reset_stop": reset_stop}
    changes["reaction.generation"] = False if bare else None
    device = _stack(stack, material, changes)
    sweep = _measured(measured)
    solver = solver or ("banded" if cycles else "fipy")

    def simulate() -> IVResult:
        with _progress("simulating") as progress:
            return simulate_iv(
                device, solver, mesh, compliance, rate, cycles, progress, stage_voltages=stage or ()
            )

    if out is None:
        result = simulate()
    else:
        with files.result_folder(out, "simulate iv", force) as folder:
            result = simulate()
            _save_iv(result, sweep, folder)
    if json_output:
        print_json(result.summary())
    else:
        _print_iv(result, out)
    return _exit_code(result)


def _print_iv(result: IVResult, out: Path | None) -> None:
    quality = result.quality
    v_set = "not reached" if result.v_set_v is None else f"{result.v_set_v:.4f} V"
    ratio = "" if result.on_off is None else f", LRS/HRS {result.on_off:.3g}"
    typer.echo(
        f"V_set {v_set}{ratio}, hottest {quality.t_max_k:.0f} K ({result.solver}, {result.mesh.cells} cells)"
    )
    for c in result.cycles:
        if c.v_set_v is not None and c.v_reset_v is not None and c.on_off is not None:
            typer.echo(
                f"cycle {c.cycle}: V_set {c.v_set_v:.4f} V, V_reset {c.v_reset_v:.3f} V, "
                f"LRS/HRS {c.on_off:.3g}"
            )
    typer.echo(
        f"{quality.steps} steps; vacancies balance to {quality.mass_error:.1e}, "
        f"power to {quality.power_error:.1e}"
    )
    if out is not None:
        typer.echo(f"written to {out}")


@simulate_app.command("pulses")
def pulses_command(
    stack: StackFile = None,
    material: Material = None,
    solver: Annotated[str, typer.Option("--solver", help="banded or fipy.")] = "banded",
    mesh: Mesh = "default",
    compliance: Compliance = None,
    width: Annotated[
        list[float] | None,
        typer.Option("--width", help="Pulse width [s]; may be repeated. 5, 50 and 500 us if not given."),
    ] = None,
    count: Annotated[int, typer.Option("--count", help="Pulses of a train.")] = 100,
    pairs: Annotated[
        int, typer.Option("--pairs", help="Pairs of LTP and LTD trains; the last is written.")
    ] = 2,
    ltp: Annotated[float | None, typer.Option("--ltp", help="Amplitude of LTP pulses [V].")] = None,
    ltd: Annotated[float | None, typer.Option("--ltd", help="Amplitude of LTD pulses [V].")] = None,
    gap: Annotated[float, typer.Option("--gap", help="Rest at 0 V after each pulse [s].")] = 0.0,
    read_voltage: Annotated[float | None, typer.Option("--read-voltage", help="Read voltage [V].")] = None,
    cycles: Annotated[int, typer.Option("--cycles", help="Bipolar loops before the first train.")] = 3,
    out: Out = None,
    force: Force = False,
    json_output: Json = False,
) -> int:
    """Simulate LTP and LTD trains; --out receives one pulse table for each width, for `devicekit fit`.

    \b
    Examples: devicekit simulate pulses --out trains
    devicekit simulate pulses --width 50e-6 --ltp 0.8 --ltd -1.05 --out linear
    """
    from devicekit import files
    from physics.pulses import DEFAULT_WIDTHS, simulate_pulses

    changes = {
        "circuit.compliance": compliance, "drive.ltp_voltage": ltp, "drive.ltd_voltage": ltd,
        "drive.read_voltage": read_voltage,
    }  # fmt: skip
    device = _stack(stack, material, changes)
    widths = tuple(width) if width else DEFAULT_WIDTHS

    def simulate() -> PulseResult:
        with _progress("simulating") as progress:
            return simulate_pulses(
                device, solver, mesh, widths, count, pairs, gap=gap, cycles=cycles, progress=progress
            )

    if out is None:
        result, tables = simulate(), []
    else:
        with files.result_folder(out, "simulate pulses", force) as folder:
            result = simulate()
            tables = [str(out / name) for name in _save_pulses(result, folder)]
    if json_output:
        print_json({**result.summary(), "tables": tables})
    else:
        _print_pulses(result, tables)
    return _exit_code(result)


def _save_pulses(result: PulseResult, folder: Path) -> list[str]:
    """One table a width, of the last pair; no other file of the folder holds conductances."""
    from physics import plot

    names = []
    for seconds, table in result.last_pairs().items():
        names.append(f"pulses_{width_suffix(seconds)}.csv")
        table.to_csv(folder / names[-1])
    result.save_fields(folder / "fields.npz")
    _draw(folder / "pulses.png", lambda ax: plot.plot_pulses(result, ax), (6.0, 3.8))
    return names


def _print_pulses(result: PulseResult, tables: list[str]) -> None:
    for point in result.end_points():
        typer.echo(
            f"{width_suffix(point['pulse_width_s']):>6} pair {point['cycle']} {point['direction'].upper()}: "
            f"{point['first_s'] * 1e6:.1f} -> {point['last_s'] * 1e6:.1f} uS in {point['pulses']} pulses"
        )
    for table in tables:
        typer.echo(f"written to {table}")
