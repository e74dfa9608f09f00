"""`devicekit fit`: an update law fitted to pulse trains, and the device card."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from devicekit.cli.common import Json, Out, Seed, over_files, print_flags, with_reading_options
from devicekit.errors import UsageError
from devicekit.options import ReadOptions

if TYPE_CHECKING:
    from devicekit.fit_result import DeviceFit
    from devicekit.fitting import FitOptions


LAW_HELP = (
    "Update law: eq2 (default), linear, exponential, softbounds, powstep, expstep, log, vteam, yakopcic, piecewise."
)


def width_suffix(width_s: float) -> str:
    """A pulse width as a file-name suffix: 5us, 1.5ms, 20ns."""
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "us"), (1e9, "ns")):
        if width_s * factor >= 0.9999:
            return f"{width_s * factor:.4g}{unit}"
    return f"{width_s:.4g}s"


def _save_cards(
    fit: DeviceFit, file: Path, out: Path | None, synthetic: bool
) -> tuple[str | None, list[str]]:
    """Write the card, or one for each pulse width; the path of the main one (middle width), and all paths."""
    name = out.stem if out else file.stem
    if out is None:
        return None, []
    if not fit.conditions:
        fit.to_card(name, file, synthetic).save(out)
        return str(out), [str(out)]
    paths = []
    main: str | None = None
    for condition in fit.conditions:
        suffix = width_suffix(condition.table.widths[0])
        path = out.with_name(f"{out.stem}_{suffix}{out.suffix or '.json'}")
        condition.to_card(f"{name}_{suffix}", file, synthetic).save(path)
        paths.append(str(path))
        if condition.ltp is fit.ltp:
            main = str(path)
    return main, paths


def fit_one(
    file: Path, reading: ReadOptions, options: FitOptions, out: Path | None, synthetic: bool
) -> tuple[Any, dict[str, Any]]:
    """The fit of one file, and the JSON object that describes it."""
    from devicekit.fitting import fit_table, read_pulses

    result = fit_table(read_pulses(file, reading), options)
    card, paths = _save_cards(result, file, out, synthetic)
    report = {"card": card, **result.as_dict()}
    if result.conditions:
        report["conditions"] = [
            {"pulse_width_s": each.table.widths[0], "card": path, **each.as_dict()}
            for each, path in zip_longest(result.conditions, paths)
        ]
    return result, report


def _save_resampled(fit: DeviceFit, out: Path, count: int, seed: int) -> list[str]:
    """Write cards of resampled data beside the card; their paths."""
    from devicekit.resample import resampled_cards

    paths = []
    for k, card in enumerate(resampled_cards(fit, count, out.stem, seed), start=1):
        path = out.with_name(f"{out.stem}_r{k:03d}{out.suffix or '.json'}")
        card.save(path)
        paths.append(str(path))
    return paths


def print_fit(file: Path, fit: DeviceFit, card: str | None) -> None:
    """The fit for people: fit quality, coefficients, variation with types."""
    window = fit.window
    unit = " S" if window.quantity == "conductance_s" else ""
    typer.echo(
        f"{file}: {fit.law.title}, window {window.low:.4g} to {window.high:.4g}{unit} ({window.scope})"
    )
    if fit.conditions:
        widths = ", ".join(width_suffix(each.table.widths[0]) for each in fit.conditions)
        typer.echo(f"pulse widths {widths}; shown: {width_suffix(fit.table.widths[0])}")
    for way, branch in fit.branches.items():
        typer.echo(
            f"{way.upper()}: {branch.n_points} points, nrmse {branch.nrmse:.3%}, R2 {branch.r2:.5f}, noise "
            f"{branch.noise:.3%} of the window"
        )
        weak = {*branch.weak, *branch.at_bound}
        marks = "" if not weak else f"   (weak or at a bound: {', '.join(sorted(weak))})"
        typer.echo(
            "     " + "  ".join(f"{name} {value:.4g}" for name, value in branch.coefficients.items()) + marks
        )
        spread = fit.variation.branches[way].to_card()
        parts = [
            f"{kind} {name} {s.value:.3%} ({s.kind})"
            for kind, group in (("C2C", spread.c2c), ("D2D", spread.d2d))
            for name, s in group.items()
        ]
        typer.echo(
            "     "
            + "; ".join(parts)
            + f"  [of the window; {spread.n_devices} device(s), {spread.n_cycles} cycle(s)]"
        )
    for sentence in fit.variation.sentences():
        typer.echo(sentence)
    if card:
        typer.echo(f"card written to {card}")


@with_reading_options
def fit_command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files or folders of pulse trains.")],
    reading: ReadOptions,
    model: Annotated[str, typer.Option("--model", help=LAW_HELP)] = "eq2",
    loss: Annotated[
        str, typer.Option("--loss", help="linear (least squares) or tukey (leaves outliers out).")
    ] = "linear",
    estimator: Annotated[
        str,
        typer.Option(
            "--estimator", help="mean (trajectory on the mean curve) or innovations (over all cycles)."
        ),
    ] = "mean",
    share: Annotated[
        str | None, typer.Option("--share", help="width: one shape for all pulse widths, each its own rate.")
    ] = None,
    state: Annotated[
        str, typer.Option("--state", help="linear, or log for conductances over several decades.")
    ] = "linear",
    resample: Annotated[
        int,
        typer.Option(
            "--resample", min=0, help="Also write N cards of resampled data: the fit's uncertainty."
        ),
    ] = 0,
    seed: Seed = 0,
    synthetic: Annotated[
        bool, typer.Option("--synthetic", help="Mark the card: the data are synthetic.")
    ] = False,
    out: Out = None,
    json_output: Json = False,
) -> int:
    """Fit an update law to LTP and LTD trains and write the device card (--out CARD.json).

    Example: devicekit fit ramps/ --quantity current --read-voltage 0.1 --out card.json
    """
    from devicekit.fitting import FitOptions

    options = FitOptions(model, loss, estimator, share, state)
    if resample and out is None:
        raise UsageError("--resample writes cards: give --out CARD.json")
    if resample and share is not None:
        raise UsageError("--resample does not know how to redo a joint fit: leave out --share or --resample")
    several = len(files) > 1
    if several and out is not None and len({file.stem for file in files}) < len(files):
        raise UsageError("two of the files have the same name, so their cards would too: fit them one by one")

    def work(file: Path) -> dict[str, Any]:
        target = out.with_name(f"{out.stem}_{file.stem}{out.suffix or '.json'}") if out and several else out
        result, report = fit_one(file, reading, options, target, synthetic)
        if resample and target is not None:
            report["resampled"] = _save_resampled(result, target, resample, seed)
        if not json_output:
            print_flags(result.warnings)
            print_fit(file, result, report["card"])
        return report

    return over_files(files, json_output, work)
