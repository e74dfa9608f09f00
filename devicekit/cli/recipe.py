"""`devicekit recipe list|show|test|add`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from devicekit.cli import terminal
from devicekit.cli.common import Json, print_json, with_options
from devicekit.cli.lazy import group
from devicekit.core.errors import UsageError
from devicekit.system.options import ReadOptions

recipe_app = group(help="List, test and keep recipes, by which files of a known make are read.")


@recipe_app.command("list")
def list_recipes(json_output: Json = False) -> None:
    """List the recipes that files are compared with: your own, and those that come with devicekit.

    Example:
        devicekit recipe list
    """
    from devicekit.readers import recipe

    found, bad = [], []
    for folder, own in ((recipe.own_folder(), True), (recipe.FOLDER, False)):
        for path in sorted(folder.glob("*.toml")):
            try:
                each = recipe.load(path)
            except UsageError as error:
                bad.append({"name": path.stem, "reason": error.message})
                continue
            found.append({"name": path.stem, "own": own, "about": each.about, "found": not each.fingerprint.is_empty})
    if json_output:
        print_json({"folder": str(recipe.own_folder()), "recipes": found, "unreadable": bad})
        return
    terminal.title(f"{len(found)} recipes; your own are in {recipe.own_folder()}")
    terminal.fields([(f"{each['name']}{' (own)' if each['own'] else ''}", str(each["about"])) for each in found])
    for one in bad:
        terminal.warning(f"{one['name']}: {one['reason']}")


@recipe_app.command("show")
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name or file of a recipe.")], json_output: Json = False
) -> None:
    """Print a recipe.

    Example:
        devicekit recipe show ppf-percent
    """
    from devicekit.readers import recipe

    path = recipe.find(name)
    text = path.read_text(encoding="utf-8")
    if json_output:
        print_json({"name": path.stem, "file": str(path), "recipe": text})
        return
    typer.echo(text.rstrip())


@recipe_app.command("test")
def check(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Names of your recipes; all if not given.")
    ] = None,
    json_output: Json = False,
) -> int:
    """Read the samples of your recipes again, and name those whose tables differ from their goldens.

    Example:
        devicekit recipe test
    """
    from devicekit.readers import goldens, recipe

    folder = recipe.own_folder()
    known = {path.stem: path for path in sorted(folder.glob("*.toml"))}
    if wrong := [name for name in names or () if name not in known]:
        raise UsageError(f"{wrong[0]!r} is not one of your recipes: {', '.join(known) or 'there are none'}")
    kept = {name: known[name] for name in names or known}
    tested = {
        name: goldens.check(path, folder / goldens.FOLDER)
        for name, path in kept.items()
        if names or (folder / goldens.FOLDER / f"{name}.json").is_file()
    }
    differ = {name: found for name, found in tested.items() if found}
    if json_output:
        print_json({"tested": len(tested), "without_golden": sorted(set(kept) - set(tested)), "differ": differ})
    else:
        terminal.fields([(name, "; ".join(found[:3]) or "as its golden") for name, found in tested.items()])
        typer.echo(f"{len(tested)} tested, {len(differ)} differ, {len(kept) - len(tested)} without a golden")
    return 2 if differ else 0


@recipe_app.command("add")
@with_options
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the recipe.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File of the make.")],
    reading: ReadOptions,
    about: Annotated[str, typer.Option("--about", metavar="TEXT", help="One sentence on the make.")] = "",
    scramble: Annotated[
        bool, typer.Option("--scramble", help="Scale the numbers of the sample by secret factors; names stay.")
    ] = False,
    json_output: Json = False,
) -> None:
    """Keep how a file is read as a recipe for files of its make, with a sample and its golden.

    Later files with the same names, units, words above them and number format are read by it, unasked. --scramble
    keeps a sample that may be given away; look at the words above its table first.

    Examples:
        devicekit recipe add our-probe-station sweep.csv --map current_a=Ch2 --unit uA
        devicekit recipe add our-probe-station sweep.csv --about "our probe station" --scramble
    """
    from devicekit.readers import goldens

    path, golden = goldens.add(name, file, reading, about, scramble)
    sample = path.parent / goldens.FOLDER / golden.file
    if json_output:
        print_json({"recipe": str(path), "sample": str(sample), "rows": golden.rows, "kind": golden.kind})
        return
    terminal.title(f"recipe {name}: {golden.kind}, {golden.rows} rows")
    terminal.fields([("recipe", str(path)), ("sample", str(sample))])
