"""The command line: `devicekit read | fit | train | run | ...`. Imports stay light until a command runs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from devicekit.cli.common import fail, run_app
from devicekit.cli.help import epilog
from devicekit.cli.lazy import root_group
from devicekit.core.errors import UsageError

_EXAMPLES = [
    "devicekit mine.csv",
    "devicekit fit ramps/ --quantity current --read-voltage 0.1 --out card.json",
    "devicekit train card.json",
]
_GROUPS = {  # module and name of each command, in the order of the help page
    "Start": {
        "run": "run:run_command",
        "app": "app:app_command",
    },
    "Measure": {
        "read": "read:read_command",
        "characterize": "characterize:characterize_command",
        "population": "population:population_command",
        "fit": "fit:fit_command",
        "compare": "compare:compare_command",
        "next": "next:next_command",
        "card": "card:card_app",
        "library": "library:library_app",
        "recipe": "recipe:recipe_app",
    },
    "Simulate": {
        "simulate": "simulate:simulate_app",
        "calibrate": "calibrate:calibrate_command",
    },
    "Network": {
        "train": "train:train_command",
        "benchmark": "benchmark:benchmark_command",
        "array": "array:array_command",
        "study": "study:study_command",
    },
    "Take away": {
        "export": "export:export_command",
        "figure": "figure:figure_command",
    },
    "Machine": {
        "datasets": "card:datasets_command",
        "warm": "warm:warm_command",
        "doctor": "doctor:doctor_command",
    },
}
COMMANDS = {word: place for each in _GROUPS.values() for word, place in each.items()}
START = "start:start_command"  # of `devicekit FILE`, which needs no word


def _version(wanted: bool) -> None:
    if wanted:
        from devicekit._version import __version__

        typer.echo(f"devicekit {__version__}")
        raise typer.Exit


def _groups() -> dict[str, dict[str, str]]:
    """Return the groups of commands; only `doctor` where another package stands in the place of ours."""
    from devicekit.cli import doctor

    return {"Machine": {"doctor": COMMANDS["doctor"]}} if doctor.foreign_neighbours() else _GROUPS


def build_app() -> typer.Typer:
    """Return the typer application with every command; with `doctor` alone where our packages are not ours."""
    app = typer.Typer(
        name="devicekit",
        cls=root_group(_groups, START),
        help="From measured memristor traces to a trained spiking network.",
        no_args_is_help=True,
        rich_markup_mode=None,  # units in brackets are not markup
        pretty_exceptions_enable=False,
        epilog=epilog(_EXAMPLES),
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def root(
        version: Annotated[
            bool,
            typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit."),
        ] = False,
    ) -> None:
        """From measured memristor traces to a trained spiking network."""

    return app


def main() -> None:
    """Entry point of the `devicekit` command."""
    from devicekit.cli.doctor import check_neighbours

    try:
        if sys.argv[1:2] != ["doctor"]:
            check_neighbours()
    except UsageError as error:
        sys.exit(fail(error, "--json" in sys.argv, 2))
    sys.exit(run_app(build_app(), sys.argv[1:]))
