"""`devicekit fit`: an update law fitted to pulse trains, and the device card."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from devicekit.cli import terminal
from devicekit.cli.common import (
    Json,
    ReplaceFile,
    Report,
    Seed,
    choice,
    over_files,
    print_warnings,
    shown,
    this_command,
    with_reading_options,
)
from devicekit.core.errors import UsageError
from devicekit.core.text import listed
from devicekit.fitting.branch.options import CHOICES
from devicekit.models import law_names
from devicekit.system.catalog import is_synthetic
from devicekit.system.options import ReadOptions

if TYPE_CHECKING:
    from devicekit.device.measured import StdpWindow
    from devicekit.fitting.result import DeviceFit
    from devicekit.fitting.uncertainty.posterior import Posterior


Model = Annotated[str, choice("--model", law_names(), "Update law", "LAW")]


Input = Path | list[Path]  # a file, or several that make one table


def stem(file: Input) -> str:
    """The name of a file without its ending; of several the folder that they are in."""
    return file.stem if isinstance(file, Path) else file[0].resolve().parent.name or file[0].stem


def _source(file: Input) -> Path | None:
    """The one file that a card comes from; of several the table knows."""
    return file if isinstance(file, Path) else None


def _window(path: Path | None, synthetic: bool) -> StdpWindow | None:
    """The fitted spike-timing window of a file; `devicekit card add` takes reading options for it.

    Raises
    ------
    UsageError
        If it holds something else.
    """
    if path is None:
        return None
    from devicekit.device.measured import StdpWindow
    from devicekit.features.characterize import characterize
    from devicekit.readers import read

    table = read(path)
    found = characterize(table).for_card(path, synthetic or is_synthetic(path)).get("stdp")
    if not isinstance(found, StdpWindow):
        raise UsageError(f"--stdp {path.name}: this file holds {table.kind} data, not spike delays and weight changes")
    return found


def _save_cards(
    fit: DeviceFit, file: Input, out: Path | None, synthetic: bool, stdp: StdpWindow | None
) -> tuple[str | None, list[str]]:
    """Write the card, or one for each pulse width; the path of the main one (middle width), and all paths."""
    if out is None:
        return None, []
    from devicekit.fitting.cards import cards, device_name, main_card

    made = cards(fit, out, device_name(out, stem(file)), _source(file), synthetic, stdp)
    for path, card in made.items():
        card.save(path)
    return str(main_card(fit, made)), [str(path) for path in made]


def _saved(
    result: DeviceFit, file: Input, out: Path | None, synthetic: bool, stdp: StdpWindow | None
) -> dict[str, Any]:
    """Save the cards of a fit; the JSON object that describes it."""
    card, paths = _save_cards(result, file, out, synthetic, stdp)
    report = {"card": card, **result.as_dict()}
    if result.conditions:
        report["conditions"] = [
            {"pulse_width_s": each.table.widths[0], "card": path, **each.as_dict()}
            for each, path in zip_longest(result.conditions, paths)
        ]
    return report


def _save_resampled(fit: DeviceFit, out: Path, count: int, seed: int, drawn: Posterior | None) -> list[str]:
    """Write cards of resampled data, or of draws of the posterior, beside the card; their paths."""
    from devicekit.fitting.resampling import resampled_cards

    paths = []
    cards = resampled_cards(fit, count, out.stem, seed) if drawn is None else drawn.cards(count, out.stem)
    for card in cards:
        path = out.with_name(f"{card.name}{out.suffix or '.json'}")
        card.save(path)
        paths.append(str(path))
    return paths


def _print_posterior(drawn: Posterior) -> None:
    """Intervals of the draws, and how well they mixed."""
    for warning in drawn.warnings:
        terminal.warning(str(warning))
    import numpy as np

    rows = []
    for direction, each in drawn.branches.items():
        noise = ", ".join(
            f"{name} {low:.3%} to {high:.3%}" for name in ("increment", "read") for low, high in [each.interval(name)]
        )
        middle = each.rate_band(np.array([0.5]))
        rows.append(
            (
                f"{direction.upper()} posterior",
                f"95 % of draws: {noise}; rate at r = 0.5 {middle.lower[0]:.4g} to {middle.upper[0]:.4g}; R-hat "
                f"{max(each.rhat.values()):.3f}, ESS {min(each.ess.values()):.0f}, {each.evaluations} evaluations",
            )
        )
    terminal.fields(rows)


def print_fit(name: str, fit: DeviceFit) -> None:
    """The fit for people: what was fitted, how well, coefficients, variation with types."""
    from devicekit.cli.summaries import print_branches
    from devicekit.core.text import si, span
    from devicekit.fitting.report import source_text

    window = fit.window
    unit = "S" if window.quantity == "conductance_s" else ""
    terminal.title(name)
    rows = [
        ("law", fit.law.title),
        ("data", source_text(fit, name).partition(", ")[2]),
        ("window", f"{span(window.low, window.high, unit)} ({window.scope})"),
    ]
    if fit.conditions:
        widths = ", ".join(si(each.table.widths[0], "s") for each in fit.conditions)
        rows.append(("pulse widths", f"{widths}; shown: {si(fit.table.widths[0], 's')}"))
    if fit.pulse_law is not None:
        rows += [("law of the pulse", sentence) for sentence in fit.pulse_law.sentences()]
    terminal.fields(rows)
    print_branches(fit.branches, {direction: each.to_card() for direction, each in fit.variation.branches.items()})
    for sentence in fit.variation.sentences():
        terminal.paragraph(sentence, 2)


@with_reading_options
def fit_command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files or folders of pulse trains.")],
    reading: ReadOptions,
    model: Model = "eq2",
    loss: Annotated[
        str,
        choice("--loss", CHOICES["loss"], "Loss function"),
    ] = "linear",
    estimator: Annotated[
        str,
        choice(
            "--estimator",
            CHOICES["estimator"],
            "Likelihood of whole trains, trajectory of the mean curve, or steps over all cycles",
        ),
    ] = "auto",
    share: Annotated[
        str | None,
        choice("--share", CHOICES["share"], "One shape for all pulses, scaled by a law of the width or amplitude"),
    ] = None,
    state: Annotated[
        str,
        choice("--state", CHOICES["state"], "State of the law; use the logarithm for several decades"),
    ] = "linear",
    resample: Annotated[
        int,
        typer.Option(
            "--resample",
            metavar="N",
            min=0,
            help="Also write N cards fitted to resampled data: the uncertainty of the fit.",
        ),
    ] = 0,
    posterior: Annotated[
        bool,
        typer.Option(
            "--posterior",
            help="Draw from the posterior of one device and report how well they mixed; --resample N writes draws.",
        ),
    ] = False,
    seed: Seed = 0,
    stdp: Annotated[
        Path | None,
        typer.Option("--stdp", metavar="FILE", help="Spike-timing changes of the device: the card gets their window."),
    ] = None,
    synthetic: Annotated[bool, typer.Option("--synthetic", help="Mark the card as synthetic data.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="CARD.json", help="Write the device card into this file, which names the device."
        ),
    ] = None,
    report: Report = None,
    force: ReplaceFile = False,
    json_output: Json = False,
) -> int:
    """Fit an update law to LTP and LTD trains.

    --out CARD.json writes the device card that train, study and export take; several pulse widths give one card
    each.

    Examples:
        devicekit fit ramps/ --quantity current --read-voltage 0.1 --out card.json
        devicekit fit table.csv --model softbounds --loss tukey --report fit.html
        devicekit fit table.csv --posterior --out card.json --resample 16
    """
    from devicekit.fitting.branch.options import FitOptions
    from devicekit.fitting.cards import device_name
    from devicekit.fitting.device import fit_table, read_pulses
    from devicekit.fitting.page import fit_page
    from devicekit.fitting.uncertainty.posterior import posterior as draw_posterior
    from devicekit.system.writing import check_writable

    options = FitOptions(model, loss, estimator, share, state)
    if resample and out is None:
        raise UsageError("--resample writes cards: give --out CARD.json too.")
    if stdp is not None and out is None:
        raise UsageError("--stdp adds a window to the card: give --out CARD.json too.")
    if resample and share is not None:
        raise UsageError("--resample does not support joint fits. Remove --share or --resample.")
    for path in (out, report):
        if path is not None:
            check_writable(path)
    from devicekit.readers.multiple_files import group_files

    inputs, reading = group_files(files, reading)
    several = len(inputs) > 1
    if several and (out or report) and len({stem(file) for file in inputs}) < len(inputs):
        raise UsageError("Two files have the same name, and so would their cards. Fit them one by one.")

    window = _window(stdp, synthetic)

    def work(file: Input) -> dict[str, Any]:
        target = _path_for_input(out, file, ".json") if out and several else out
        with terminal.doing(f"fitting {stem(file)}", json_output):
            table = read_pulses(file, reading)
            result, made = fit_table(table, options), synthetic or table.synthetic
        drawn = None
        if posterior:  # before a card is written: it may be refused
            with terminal.doing(f"drawing from the posterior of {stem(file)}", json_output):
                drawn = draw_posterior(result, seed=seed)
        facts = _saved(result, file, target, made, window)
        if drawn is not None:
            facts["posterior"] = drawn.as_dict()
        if resample and target is not None:
            facts["resampled"] = _save_resampled(result, target, resample, seed, drawn)
        if report is not None:
            page = _path_for_input(report, file, ".html") if several else report
            complete = result.ltp is not None and result.ltd is not None
            card = result.to_card(device_name(target, stem(file)), _source(file), made) if complete else None
            name = file.name if isinstance(file, Path) else shown(file)
            fit_page(result, name, card, this_command(), made).save(page)
            facts["report"] = str(page)
        if not json_output:
            print_warnings(result.warnings)
            if result.conditions and target is not None and target.exists():
                terminal.warning(f"{target} belongs to an earlier fit and was kept; the new cards are beside it")
            print_fit(shown(file), result)
            if drawn is not None:
                _print_posterior(drawn)
            terminal.fields([*_card_rows(result, facts), *([("report", facts["report"])] if report else [])])
        return facts

    return over_files(inputs, json_output, work)


def _card_rows(fit: DeviceFit, facts: dict[str, Any]) -> list[tuple[str, str]]:
    """The cards that were written, in words."""
    if facts["card"] is None:
        return []
    if not fit.conditions:
        return [("card", facts["card"])]
    others = [Path(each["card"]).name for each in facts["conditions"] if each["card"] != facts["card"]]
    return [("card", f"{facts['card']} (the middle pulse width)"), ("also", listed(others))]


def _path_for_input(path: Path, file: Input, suffix: str) -> Path:
    """The output path of one of several inputs."""
    return path.with_name(f"{path.stem}_{stem(file)}{path.suffix or suffix}")
