"""`devicekit card show|validate` and `devicekit datasets`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from devicekit.cli.common import Json, print_json
from devicekit.errors import UsageError

card_app = typer.Typer(no_args_is_help=True, help="Show or validate a device card.")
CardFile = Annotated[Path, typer.Argument(metavar="CARD.json", help="A device card.")]


@card_app.command("show")
def show(card: CardFile, json_output: Json = False) -> None:
    """Print what a card says.

    Example: devicekit card show card.json
    """
    from devicekit.card import load_card

    loaded = load_card(card)
    if json_output:
        print_json(json.loads(loaded.to_json()))
        return
    window = loaded.window
    typer.echo(
        f"{loaded.name}: {loaded.law.title}; {window.quantity} {window.low:.4g} to {window.high:.4g} ({window.scope})"
    )
    for branch in (loaded.ltp, loaded.ltd):
        values = "  ".join(f"{name} {value:.4g}" for name, value in branch.coefficients.items())
        typer.echo(f"{branch.direction.upper()}: nrmse {branch.nrmse:.3%}   {values}")
    for flag in loaded.flags:
        typer.echo(f"[{flag.code}] {flag.message}")
    typer.echo(
        f"from {loaded.provenance.source} (sha256 {loaded.provenance.sha256[:12]}...), synthetic: "
        f"{loaded.provenance.synthetic}"
    )


@card_app.command("validate")
def validate(card: CardFile, json_output: Json = False) -> None:
    """Check a card; exit code 2 and one message if it is not valid.

    Example: devicekit card validate card.json
    """
    from devicekit.card import load_card

    load_card(card)
    if json_output:
        print_json({"card": str(card), "valid": True})
    else:
        typer.echo(f"{card} is a valid device card")


def datasets_command(
    name: Annotated[str | None, typer.Argument(help="One data set; all if not given.")] = None,
    fetch: Annotated[bool, typer.Option("--fetch", help="Download a public measured set.")] = False,
    json_output: Json = False,
) -> None:
    """List the data sets that ship and those that can be fetched, with licence and checksum.

    \b
    Examples: devicekit datasets
    devicekit datasets gong-reram --fetch
    """
    from devicekit import catalog

    public = catalog.remote()
    if fetch:
        if name is None:
            raise UsageError(f"--fetch needs a name: {', '.join(public)}")
        path = catalog.fetch(name)
        if json_output:
            print_json({"name": name, "path": str(path), **public[name].as_dict()})
        else:
            typer.echo(f"{path}\nread it with: devicekit read {path} {public[name].read_with}")
        return
    sets: list[catalog.Dataset] = list(catalog.shipped().values())
    if name in public:
        public, sets = {name: public[name]}, []
    elif name:
        known = catalog.shipped()
        if name not in known:
            raise UsageError(f"no data set {name!r}; there are: {', '.join([*known, *public])}")
        public, sets = {}, [known[name]]
    if not sets and not public:
        raise UsageError("no data set ships with this installation")
    if json_output:
        print_json(
            {"datasets": [*(each.as_dict() for each in sets), *(each.as_dict() for each in public.values())]}
        )
        return
    for each in sets:
        typer.echo(f"{each.name}  ({'SYNTHETIC' if each.synthetic else 'measured'}, {each.licence})")
        typer.echo(f"  {each.title}")
        typer.echo(f"  {each.data}")
        typer.echo(f"  {each.checksum}")
    for remote in public.values():
        typer.echo(
            f"{remote.name}  (measured, {remote.licence}; fetch with: devicekit datasets {remote.name} --fetch)"
        )
        typer.echo(f"  {remote.title}")
        typer.echo(f"  {remote.citation}")
