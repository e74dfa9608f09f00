"""`devicekit run`: the whole chain, from a trace file to a trained network and a report."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from devicekit.cli.common import Force, Json, Seed, print_flags, print_json, with_reading_options
from devicekit.cli.fit import LAW_HELP, print_fit, width_suffix
from devicekit.cli.train import epoch_progress, summary_line
from devicekit.errors import Flag, TraceError
from devicekit.options import ReadOptions

if TYPE_CHECKING:
    from devicekit.card import DeviceCard
    from devicekit.fit_result import DeviceFit

DEFAULT_OUT = Path("devicekit-run")


def _step(text: str, quiet: bool) -> None:
    if not quiet:
        typer.echo(text, err=True)


def _train(
    card: DeviceCard, epochs: int, data: str, data_dir: Path | None, seed: int, quiet: bool
) -> dict[str, Any]:
    from snn import digits
    from snn.training import TrainingConfig, train

    config = TrainingConfig(scheme="insitu", epochs=epochs, seed=seed)
    return train(card, config, digits.load(data, data_dir), progress=epoch_progress(not quiet)).as_dict()


def _cards(fit: DeviceFit, file: Path, folder: Path, name: str, synthetic: bool) -> DeviceCard:
    """Write card.json (the middle width's where there are several, the others named by width)."""
    card = fit.to_card(name, file, synthetic)
    card.save(folder / "card.json")
    for condition in fit.conditions:
        if condition.ltp is not fit.ltp:
            suffix = width_suffix(condition.table.widths[0])
            condition.to_card(f"{name}_{suffix}", file, synthetic).save(folder / f"card_{suffix}.json")
    return card


def _summary(
    fit: DeviceFit, training: dict[str, Any], iv: dict[str, Any] | None, flags: Sequence[Flag]
) -> list[str]:
    """The result in plain sentences."""
    from devicekit.report.sections import standard_error

    errors = " and ".join(f"{branch.nrmse:.2%} ({way.upper()})" for way, branch in fit.branches.items())
    sentences = [f"{fit.law.title} fits the mean curves with an rms error of {errors} of their range."]
    spreads = [each.to_card().c2c for each in fit.variation.branches.values()]
    increments = [group["increment"].value for group in spreads if "increment" in group]
    if increments:
        wide = max(group["spread_anova"].value for group in spreads)
        sentences.append(
            f"Cycle to cycle, the state at the same pulse spreads by up to {wide:.2%} of the window; one "
            "update by itself "
            f"scatters by up to {max(increments):.2%}."
        )
    data = training["data"]
    error = standard_error(training["accuracy_mean_last"], data["n_test"])
    sentences.append(
        f"A spiking network trained in situ on this device reaches {training['accuracy_mean_last']:.1%} test accuracy "
        f"(± {error:.1%} by the number of test samples; mean of the last "
        f"{min(3, len(training['epochs']))} of {len(training['epochs'])} epochs, one "
        f"seed) on {data['name']}: {data['split']}."
    )
    if iv is not None and iv["v_set_v"] is not None:
        sentences.append(
            f"The simulated filament sets at {iv['v_set_v']:.3f} V (calibrated material set, not this device)."
        )
    if flags:
        sentences.append(
            f"{len(flags)} warning(s) are listed below: {', '.join(dict.fromkeys(flag.code for flag in flags))}."
        )
    return sentences


@with_reading_options
def run_command(
    reading: ReadOptions,
    file: Annotated[
        Path | None, typer.Argument(help="File or folder of pulse trains; the shipped example if not given.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Folder for the results.")] = DEFAULT_OUT,
    model: Annotated[str, typer.Option("--model", help=LAW_HELP)] = "eq2",
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="Training epochs.")] = 15,
    data: Annotated[
        str, typer.Option("--data", help="digits (ships with scikit-learn) or optdigits.")
    ] = "digits",
    data_dir: Annotated[
        Path | None, typer.Option("--data-dir", help="Folder with the Optdigits files.")
    ] = None,
    seed: Seed = 0,
    force: Force = False,
    json_output: Json = False,
) -> None:
    """Read, fit, make the card, train in situ, simulate the set I-V, and write one report.

    \b
    Examples: devicekit run
    devicekit run ramps/ --quantity current --read-voltage 0.1 --out ramps-run
    """
    from devicekit import catalog, files
    from devicekit.fitting import fit as fit_table
    from devicekit.fitting import read_pulses
    from devicekit.report import Report
    from devicekit.report import sections as parts
    from physics.iv import simulate_iv
    from physics.report import iv_section

    began = time.perf_counter()
    example = catalog.get("pt-hfo2-al2o3-ti") if file is None else None
    path = example.data if example else file
    assert path is not None
    synthetic = bool(example and example.synthetic)
    name = example.name if example else path.stem
    with files.result_folder(out, "run", force) as folder:
        _step(f"reading {path.name}", json_output)
        table = read_pulses(path, reading)
        table.to_csv(folder / "table.csv")
        _step(f"fitting {len(table)} readings of {len(table.devices)} device(s)", json_output)
        fit = fit_table(table, model)
        if fit.ltp is None or fit.ltd is None:
            raise TraceError(
                f"{path} has only {' '.join(fit.branches).upper()} trains; training needs LTP and LTD "
                "(devicekit fit fits one)"
            )
        card = _cards(fit, path, folder, name, synthetic)
        _step(f"training in situ, {epochs} epochs", json_output)
        training = _train(card, epochs, data, data_dir, seed, json_output)
        _step("simulating the set I-V", json_output)
        simulated = simulate_iv(solver="banded")
        iv = simulated.summary()
        flags = [row.flag() for row in card.flags]
        summary = _summary(fit, training, iv, flags)
        command = shlex.join(["devicekit", *sys.argv[1:]])
        sections = [
            parts.fit_section(fit),
            parts.rate_section(card),
            parts.variation_section(fit),
            parts.training_section(training, card),
            iv_section(simulated),
            parts.warnings_section(flags),
            parts.provenance_section(card, command, seed),
        ]
        Report(f"{name}: from traces to a trained network", summary, sections, synthetic).save(
            folder / "report.html"
        )
        fitted = fit.as_dict()
        fitted.pop("devices", None)  # each device's own fit is in card.json
        metrics = {
            "name": name, "synthetic": synthetic, "seed": seed, "fit": fitted, "train": training, "set_iv": iv,
        }  # fmt: skip
        files.write_json(folder / "metrics.json", metrics)
    report = {"out": str(out), "seconds": round(time.perf_counter() - began, 2), "summary": summary}
    if json_output:
        print_json({**report, **metrics})
        return
    print_flags(flags)
    print_fit(path, fit, None)
    typer.echo(summary_line(training))
    if iv["v_set_v"] is not None:
        typer.echo(
            f"simulated set I-V: V_set {iv['v_set_v']:.3f} V, on/off {iv['on_off']:.3g} (calibrated material set)"
        )
    typer.echo(f"report: {out / 'report.html'}  ({report['seconds']} s)")
