"""`devicekit card show|validate|add|from-labels` and `devicekit datasets`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from devicekit.cli import terminal
from devicekit.cli.common import (
    Json,
    ReplaceFile,
    print_json,
    print_warnings,
    with_options,
)
from devicekit.cli.lazy import group
from devicekit.core.errors import UsageError
from devicekit.names import mark_words
from devicekit.system.options import ReadOptions
from devicekit.verbs import shared

if TYPE_CHECKING:
    from devicekit.core.scalars import Scalar
    from devicekit.device.card import DeviceCard

card_app = group(help="Show, validate, extend or make a device card.")
CardFile = Annotated[Path, typer.Argument(metavar="CARD.json", help=shared.CARD_HELP)]


@card_app.command("show")
def show(card: CardFile, json_output: Json = False) -> None:
    """Print a card.

    Example:
        devicekit card show card.json
    """
    from devicekit.device.card import load_card

    loaded = load_card(card)
    if json_output:
        print_json(json.loads(loaded.to_json()))
        return
    _print_card(loaded)


def _print_card(card: DeviceCard) -> None:
    """Print a card for people."""
    from devicekit.cli.outcome import show
    from devicekit.core.text import count, si, span
    from devicekit.verbs.fit import branch_text

    window, source, conditions = card.window, card.provenance, card.conditions
    unit = "S" if window.quantity == "conductance_s" else ""
    terminal.title(card.name)
    rows = [
        ("law", card.law.title),
        ("window", f"{span(window.low, window.high, unit)} ({window.scope})"),
        ("devices", count(max(len(card.devices), 1), "fitted device")),
        ("source", f"{source.source} (SHA-256 {source.sha256[:12]}...)"),
        ("data", mark_words(source.marks) or "measured"),
    ]
    if conditions.pulse_width_s is not None:
        rows.insert(2, ("pulse width", si(conditions.pulse_width_s, "s")))
    elif conditions.ltp_width_s is not None or conditions.ltd_width_s is not None:
        widths = f"LTP {si(conditions.ltp_width_s, 's')}, LTD {si(conditions.ltd_width_s, 's')}"
        rows.insert(2, ("pulse widths", widths))
    rows += [(each.label, " ".join([each.text, f"({each.interval})" * bool(each.interval)])) for each in _added(card)]
    terminal.fields(rows)
    show(branch_text({"ltp": card.ltp, "ltd": card.ltd}, {"ltp": card.variation.ltp, "ltd": card.variation.ltd}))
    for warning in card.warnings:
        terminal.paragraph(f"[{warning.code}] {warning.message}", 2)


def _added(card: DeviceCard) -> list[Scalar]:
    """Return the numbers of the blocks that were added to a card."""
    from devicekit.device.card import BLOCKS

    blocks = [getattr(card, name) for name in BLOCKS]
    return [each for block in blocks if block is not None for each in block.scalars()]


@card_app.command("validate")
def validate(card: CardFile, json_output: Json = False) -> None:
    """Check a card: exit code 2 and one message if it is not valid.

    Example:
        devicekit card validate card.json
    """
    from devicekit.device.card import load_card

    load_card(card)
    if json_output:
        print_json({"card": str(card), "valid": True})
    else:
        typer.echo(f"{card} is a valid device card")


@dataclass(frozen=True)
class _Limits:
    """Settings of the figures of merit that a card takes."""

    threshold: float = shared.threshold()
    life_temperature: float = shared.life_temperature()
    lost_factor: float = shared.lost_factor()
    time_exponent: float | None = shared.time_exponent()


@card_app.command("add")
@with_options
def add(
    card: CardFile,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Retention, endurance or STDP of the same device.")],
    reading: ReadOptions,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="CARD.json", help="Write a new card; CARD.json itself if not given."),
    ] = None,
    *,
    limits: _Limits,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a block that the card already has.")] = False,
    synthetic: Annotated[bool, typer.Option("--synthetic", help="Mark the block as synthetic data.")] = False,
    force: ReplaceFile = False,
    json_output: Json = False,
) -> None:
    """Add retention, endurance or STDP to a card.

    The file must be measured on the device of the card. Numbers carry their interval and source.

    Examples:
        devicekit card add card.json retention.csv
        devicekit card add card.json endurance.xlsx --threshold 5 --out full.json
        devicekit card add card.json bake.csv --life-temperature 328.15
    """
    from devicekit.device.card import ADDED, load_card
    from devicekit.features.characterize import characterize
    from devicekit.features.merit import Settings
    from devicekit.readers import read
    from devicekit.system.catalog import is_synthetic

    loaded = load_card(card)
    table = read(file, reading)
    settings = Settings(
        threshold=limits.threshold,
        life_temperature_k=limits.life_temperature,
        lost_factor=limits.lost_factor,
        time_exponent=limits.time_exponent,
    )
    found = characterize(table, settings)
    blocks = found.for_card(file, synthetic or is_synthetic(file))
    if not blocks:
        raise UsageError(f"{file}: this file holds {table.kind} data; a card takes {', '.join(ADDED)}")
    target = out or card
    loaded.with_blocks(blocks, replace).save(target, overwrite=out is None)
    if json_output:
        added = {name: block.model_dump(mode="json") for name, block in blocks.items()}
        print_json({"card": str(target), "added": added, "warnings": [each.as_dict() for each in found.warnings]})
        return
    print_warnings(found.warnings)
    for sentence in found.sentences():
        terminal.paragraph(sentence)
    terminal.fields([("card", f"{target} ({', '.join(blocks)} added)")])


@card_app.command("from-labels")
def from_labels(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Name of the device; its labels, if it is a known one.")
    ] = None,
    g_max: Annotated[float | None, typer.Option(metavar="S", help="Highest conductance [S].")] = None,
    on_off: Annotated[float | None, typer.Option(metavar="RATIO", help="Highest over lowest conductance.")] = None,
    pulses: Annotated[str | None, typer.Option(metavar="LTP,LTD", help="Pulses of a train, such as 64,64.")] = None,
    nl: Annotated[
        str | None,
        typer.Option(metavar="LTP,LTD", help="Labels of nonlinearity; steep at first: positive LTP, negative LTD."),
    ] = None,
    c2c: Annotated[
        float | None, typer.Option(metavar="SHARE", help="Sd of the change by one pulse, share of the window.")
    ] = None,
    source: Annotated[str | None, typer.Option(metavar="TEXT", help="Where the labels are printed.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="CARD.json", help="Write the card.")] = None,
    force: ReplaceFile = False,
    json_output: Json = False,
) -> None:
    """Make the card of a device of which only NeuroSim's labels are published.

    Without NAME the known devices are listed. An option changes a label of a known device.

    Examples:
        devicekit card from-labels
        devicekit card from-labels EpiRAM --out epiram.json
        devicekit card from-labels EpiRAM --c2c 0.05 --out epiram-5.json
    """
    from devicekit.fitting.labels import card_from_labels, find_labels, published_devices

    given = {"g_max_s": g_max, "on_off": on_off, "pulses": pulses, "nl": nl, "c2c": c2c, "source": source}
    given = {key: value for key, value in given.items() if value is not None}
    if name is None:
        if given or out is not None:
            raise UsageError("Which device? Give a name: devicekit card from-labels NAME --out CARD.json.")
        known = published_devices()
        if json_output:
            print_json({"devices": [asdict(each) for each in known.values()]})
            return
        head = ("device", "G max", "on/off", "pulses", "NL", "C2C", "accuracy printed [%]")
        terminal.table(head, [each.row() for each in known.values()])
        terminal.paragraph(f"Source: {next(iter(known.values())).source}.")
        return
    if out is None:
        raise UsageError("Where should the card go? Add --out CARD.json.")
    card = card_from_labels(find_labels(name, given))
    card.save(out, overwrite=force)
    if json_output:
        print_json({"card": str(out), **card.provenance.model_dump(mode="json")})
        return
    _print_card(card)
    terminal.fields([("card", str(out))])


def datasets_command(
    name: Annotated[str | None, typer.Argument(help="One data set; all if not given.")] = None,
    fetch: Annotated[bool, typer.Option("--fetch", help="Download a public measured set.")] = False,
    wanted: Annotated[bool, typer.Option("--wanted", help="List measured data that are not public yet.")] = False,
    json_output: Json = False,
) -> None:
    """List data sets: licence, source, checksum.

    Shipped sets, and measured sets to fetch.

    Examples:
        devicekit datasets
        devicekit datasets gong-reram --fetch
        devicekit datasets --wanted
    """
    from devicekit.system import catalog

    public = catalog.remote()
    if wanted:
        if name is not None or fetch:
            raise UsageError("--wanted lists missing data; it takes no name and no --fetch.")
        missing = catalog.wanted()
        if json_output:
            print_json({"wanted": missing})
            return
        for one in missing:
            terminal.title(one["title"])
            terminal.paragraph(one["why"], 2)
            terminal.paragraph(f"Format: {one['format']}", 2)
        return
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
        print_json({"datasets": [*(each.as_dict() for each in sets), *(each.as_dict() for each in public.values())]})
        return
    for each in sets:
        terminal.title(f"{each.name}  ({'SYNTHETIC' if each.synthetic else 'measured'}, {each.licence})")
        terminal.paragraph(each.title, 2)
        typer.echo(f"  {each.data}\n  {each.checksum}")
    for remote in public.values():
        terminal.title(f"{remote.name}  (measured, {remote.licence})")
        terminal.paragraph(remote.title, 2)
        terminal.paragraph(remote.citation, 2)
        typer.echo(f"  fetch with: devicekit datasets {remote.name} --fetch")
