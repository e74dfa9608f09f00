"""The command line: `devicekit read | fit | train | run | ...`. Imports stay light until a command runs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from devicekit.cli.common import run_app
from devicekit.cli.help import epilog, with_examples

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
    """The typer application with every command."""
    from devicekit.cli import card, characterize, compare, export, fit, read, run, simulate, study, train

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

    app.command("run")(run.run_command)
    app.command("read")(read.read_command)
    app.command("fit")(fit.fit_command)
    app.command("compare")(compare.compare_command)
    app.command("characterize")(characterize.characterize_command)
    app.command("train")(train.train_command)
    app.command("study")(study.study_command)
    app.command("export")(export.export_command)
    app.command("datasets")(card.datasets_command)
    app.add_typer(simulate.simulate_app, name="simulate")
    app.add_typer(card.card_app, name="card")
    return with_examples(app)


def main() -> None:
    """Entry point of the `devicekit` command."""
    sys.exit(run_app(build_app(), sys.argv[1:]))
