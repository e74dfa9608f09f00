"""The command line: `devicekit read | fit | train | run | ...`. Imports stay light until a command runs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from devicekit.cli.common import fail, run_app
from devicekit.cli.help import epilog, with_examples
from devicekit.errors import UsageError

_EXAMPLES = [
    "devicekit run",
    "devicekit fit ramps/ --quantity current --read-voltage 0.1 --out card.json",
    "devicekit train --card card.json",
]


def _version(wanted: bool) -> None:
    if wanted:
        from devicekit._version import __version__

        typer.echo(f"devicekit {__version__}")
        raise typer.Exit


def build_app() -> typer.Typer:
    """The typer application with every command; with `doctor` alone where our packages are not ours."""
    from devicekit.cli import doctor

    app = typer.Typer(
        name="devicekit",
        help="From measured memristor traces to a trained spiking network.",
        no_args_is_help=True,
        rich_markup_mode=None,  # a unit in brackets is no markup
        pretty_exceptions_enable=False,
        epilog=epilog(_EXAMPLES),
    )

    @app.callback()
    def root(
        version: Annotated[
            bool,
            typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit."),
        ] = False,
    ) -> None:
        """From measured memristor traces to a trained spiking network."""

    if not doctor.foreign_neighbours():
        _add_commands(app)
    app.command("doctor")(doctor.doctor_command)
    return with_examples(app)


def _add_commands(app: typer.Typer) -> None:
    from devicekit.cli import app as pages
    from devicekit.cli import (
        array,
        benchmark,
        calibrate,
        card,
        characterize,
        compare,
        cycles,
        export,
        fit,
        kinetics,
        library,
        next,
        read,
        run,
        simulate,
        study,
        train,
        warm,
    )

    app.command("run")(run.run_command)
    app.command("app")(pages.app_command)
    app.command("read")(read.read_command)
    app.command("fit")(fit.fit_command)
    app.command("compare")(compare.compare_command)
    app.command("next")(next.next_command)
    app.command("characterize")(characterize.characterize_command)
    app.command("calibrate")(calibrate.calibrate_command)
    app.command("train")(train.train_command)
    app.command("benchmark")(benchmark.benchmark_command)
    app.command("array")(array.array_command)
    app.command("study")(study.study_command)
    app.command("export")(export.export_command)
    app.command("datasets")(card.datasets_command)
    app.command("warm")(warm.warm_command)
    simulate.simulate_app.command("kinetics")(kinetics.kinetics_command)
    simulate.simulate_app.command("cycles")(cycles.cycles_command)
    app.add_typer(simulate.simulate_app, name="simulate")
    app.add_typer(card.card_app, name="card")
    app.add_typer(library.library_app, name="library")


def main() -> None:
    """Entry point of the `devicekit` command."""
    from devicekit.cli.doctor import check_neighbours

    try:
        if sys.argv[1:2] != ["doctor"]:
            check_neighbours()
    except UsageError as error:
        sys.exit(fail(error, "--json" in sys.argv, 2))
    sys.exit(run_app(build_app(), sys.argv[1:]))
