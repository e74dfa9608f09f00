"""The parts of a report that describe a fit, a training, and where it all came from."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from devicekit import plot
from devicekit.names import LAST_EPOCHS
from devicekit.report import Listing, Remarks, Section, Table, Text, draw, summary
from devicekit.text import count, listed, percent, si, span

if TYPE_CHECKING:
    from devicekit.device.card import BranchVariation, DeviceCard
    from devicekit.errors import Flag
    from devicekit.fitting.result import DeviceFit

_CONDITION_WORDS = {
    "pulse_width_s": "pulse width",
    "ltp_voltage_v": "LTP amplitude",
    "ltd_voltage_v": "LTD amplitude",
    "read_voltage_v": "read voltage",
}


def csv_text(columns: dict[str, Any]) -> str:
    """Columns of unequal length as CSV."""
    buffer = io.StringIO()
    pd.DataFrame({name: pd.Series(values) for name, values in columns.items()}).to_csv(buffer, index=False)
    return buffer.getvalue()


def fit_section(fit: DeviceFit) -> Section:
    """Curves, residuals and coefficients of both branches."""
    window = fit.window
    about = (
        f"{fit.law.title}, doi {fit.law.doi}. One window for LTP and LTD: "
        f"{span(window.low, window.high, 'S' if window.quantity == 'conductance_s' else '', 4)} "
        f"({window.scope}). Single "
        "coefficients are hardly determined by such curves; the rate curve is, and it is what a network uses."
    )
    blocks: list[Any] = [
        Text([about]),
        draw(lambda ax: plot.plot_fit(fit, ax), "Mean curves of the trains and fit, LTP then LTD.",
             "Conductance against pulse number: mean curves of the trains and the fitted law", csv=_fit_csv(fit)),
        draw(lambda ax: plot.plot_residuals(fit, ax), "Residuals: mean curve minus fit.",
             "Residuals in percent of the window against pulse number", csv=_residual_csv(fit)),
        _quality(fit),
        _coefficients(fit),
    ]  # fmt: skip
    if sentence := summary.widths_sentence(fit):
        blocks += [Text([sentence]), _widths(fit)]
    return Section("Fit", "fit", blocks)


def _quality(fit: DeviceFit) -> Table:
    """How well each branch is fitted, with the basis of every number."""
    rows = [
        (
            way.upper(), str(branch.n_points), percent(branch.nrmse), percent(branch.rms), percent(branch.noise),
            f"{branch.r2:.5f}", ", ".join(sorted({*branch.weak, *branch.at_bound})) or "none",
        )
        for way, branch in fit.branches.items()
    ]  # fmt: skip
    caption = (
        "Fit of the mean curve over cycles and devices. nrmse: rms residual over the range (highest "
        "minus lowest) of that "
        "branch's mean curve. rms: the same residual over the window, which both branches share and which devicekit "
        "compare uses. Noise: standard deviation of the mean curve's readings, of the window. R² does not see what a "
        "network sees."
    )
    head = ("branch", "points", "nrmse", "rms [of window]", "noise", "R²", "weak or at a bound")
    return Table(head, rows, caption)


def _coefficients(fit: DeviceFit) -> Table:
    """Published coefficients of both branches, in [0, 1] and, for a conductance, in siemens."""
    rows: list[tuple[str, ...]] = []
    names: tuple[str, ...] = ()
    for way, branch in fit.branches.items():
        names = tuple(branch.coefficients)
        rows.append((way.upper(), "r in 0..1", *(f"{value:.5g}" for value in branch.coefficients.values())))
        if branch.coefficients_s:
            rows.append(
                (way.upper(), "G in S", *(f"{value:.5g}" for value in branch.coefficients_s.values()))
            )
    caption = "Coefficients of the fitted law."
    if fit.law.name == "eq2":
        caption = (
            "Coefficients in the gauge i = 1 and base b - c r = 1 where the branch starts: at r = 0 "
            "for LTP (b = 1), at "
            "r = 1 for LTD (b - c = 1, so b itself is not 1). In siemens: a [S], c and f [1/S], the rest dimensionless."
        )
    return Table(("branch", "state", *names), rows, caption)


def _widths(fit: DeviceFit) -> Table:
    """One row for each pulse width."""
    rows = []
    for each in fit.conditions:
        unit = "S" if each.window.quantity == "conductance_s" else ""
        misfits = [f"{way.upper()} {percent(branch.nrmse)}" for way, branch in each.branches.items()]
        shown = "shown above" if each.ltp is fit.ltp else ""
        rows.append(
            (
                si(each.table.widths[0], "s"),
                span(each.window.low, each.window.high, unit),
                ", ".join(misfits),
                shown,
            )
        )
    return Table(("pulse width", "window", "nrmse", ""), rows, "The fits of all pulse widths.")


def _fit_csv(fit: DeviceFit) -> str:
    columns: dict[str, Any] = {}
    for way, branch in fit.branches.items():
        columns[f"{way}_pulse_index"] = np.arange(branch.x.size)
        columns[f"{way}_measured_{fit.window.quantity}"] = fit.window.from_state(branch.measured)
        columns[f"{way}_fitted_{fit.window.quantity}"] = fit.window.from_state(branch.fitted)
    return csv_text(columns)


def _residual_csv(fit: DeviceFit) -> str:
    columns: dict[str, Any] = {}
    for way, branch in fit.branches.items():
        columns[f"{way}_pulse_index"] = np.arange(branch.x.size)
        columns[f"{way}_residual"] = branch.measured - branch.fitted
        columns[f"{way}_noise_sd"] = np.full(branch.x.size, branch.noise)
    return csv_text(columns)


def rate_section(card: DeviceCard) -> Section:
    """The rate curve with its band."""
    methods = sorted(
        {f"{branch.direction.upper()}: {branch.rate_curve.method}" for branch in (card.ltp, card.ltd)}
    )
    columns: dict[str, Any] = {}
    for branch in (card.ltp, card.ltd):
        for name in ("r", "rate", "lower", "upper"):
            columns[f"{branch.direction}_{name}"] = getattr(branch.rate_curve, name)
    figure = draw(
        lambda ax: plot.plot_rate(card, ax),
        "Change of the state by one pulse. Solid: measured range; dashed: extrapolated. Shade: pointwise 95 % band ("
        + "; ".join(methods) + ").",
        "Rate of change per pulse against the state for LTP and LTD with confidence bands",
        csv=csv_text(columns),
    )  # fmt: skip
    return Section("Rate curve", "rate", [figure])


def _variation_rows(cards: dict[str, BranchVariation]) -> list[tuple[str, ...]]:
    """One row for each kind of number, the branches side by side."""
    return [
        (
            row.group, row.what, row.kind, row.of,
            *("not known" if value is None else percent(value, 3) for value in row.values), row.estimator,
        )
        for row in summary.variation_rows(cards)
    ]  # fmt: skip


def _counts(cards: dict[str, BranchVariation]) -> str:
    return " and ".join(
        f"{count(each.n_cycles, f'{way.upper()} cycle')} of {count(each.n_devices, 'device')}"
        for way, each in cards.items()
    )


def _unknown(cards: dict[str, BranchVariation]) -> list[str]:
    """What could not be estimated, and what that means for a network."""
    sentences = []
    if max(each.n_cycles for each in cards.values()) < 2:
        sentences.append("C2C cannot be estimated from one cycle: measure two or more.")
    lacking = [way.upper() for way, each in cards.items() if "increment" not in each.c2c]
    if lacking:
        sentences.append(
            f"The scatter of one update (increment) of {listed(lacking)} is not known from these data, so the card has "
            "none: devices drawn from it update without scatter, and the accuracy of a network trained on them is not "
            "lowered by it."
        )
    if max(each.n_devices for each in cards.values()) < 2:
        sentences.append(
            "D2D cannot be estimated from one device: devices drawn from this card are all the same."
        )
    return sentences


def variation_section(fit: DeviceFit) -> Section:
    """C2C and D2D, every number with its type."""
    cards = {way: spread.to_card() for way, spread in fit.variation.branches.items()}
    caption = (
        f"Standard deviations as shares of what the column 'of' names, from {_counts(cards)}. A spread of the state, "
        "an increment and a reading error are different things and are not interchangeable."
    )
    head = ("variation", "what scatters", "type", "of", *(way.upper() for way in cards), "estimator")
    blocks: list[Any] = []
    if rows := _variation_rows(cards):
        blocks.append(Table(head, rows, caption))
    if sentences := [*fit.variation.sentences(), *_unknown(cards)]:
        blocks.append(Text(sentences))
    for way in fit.branches:
        if cards[way].n_cycles > 1:
            blocks.append(_cycles(fit, way))
    return Section("Variation", "variation", blocks)


def _cycles(fit: DeviceFit, way: str) -> Any:
    """All cycles of the first device."""
    from devicekit.fitting.branch.trains import stack

    trains, _ = stack(fit.table, way)
    assert trains is not None
    own = trains.of(trains.devices[0])
    columns = {f"cycle{cycle}": values for cycle, values in zip(own.cycles, own.values, strict=True)}
    return draw(
        lambda ax: plot.plot_cycles(fit, way, ax),
        f"All {way.upper()} cycles of one device, early ones light, late ones dark.",
        f"{fit.window.quantity.partition('_')[0].capitalize()} against pulse number for every "
        f"{way.upper()} cycle of one "
        "device",
        csv=csv_text({"pulse_index": np.arange(own.values.shape[1]), **columns}),
    )


def _short(value: Any) -> str:
    """A setting in few digits."""
    if value is None:
        return "none"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(_short(each) for each in value)
    return str(value)


def _variation_in_training(card: DeviceCard, settings: dict[str, Any]) -> str:
    """Which of the card's variation the network's devices had."""
    from devicekit.device.array import applied_variation

    has = applied_variation(card, settings["c2c"], settings["d2d"])
    if settings["c2c"] == "none":
        updates = "none, as asked"
    elif not has.scatter:
        updates = "unknown, none applied"
    else:
        parts = []
        for way, sigma in has.sigma.items():
            share = f" and {percent(has.relative[way])} of the step" if has.relative[way] else ""
            parts.append(f"{way.upper()} {percent(sigma)} of the window{share}")
        updates = ", ".join(parts) + (" (the spread, as in the paper)" if settings["c2c"] == "paper" else "")
    devices = {
        "resample": f"drawn from {len(card.devices)} fitted devices",
        "shared": "correlated rates drawn from their covariance",
        None: "none, as asked" if settings["d2d"] == "none" else "one device known, none applied",
    }
    return f"scatter (sd) of one update: {updates}; device to device: {devices[has.devices]}"


def training_section(
    result: dict[str, Any], card: DeviceCard | None = None, limits: dict[str, Any] | None = None
) -> Section:
    """Accuracy per epoch, with the data split it was measured on, and what limits it if that was measured."""
    data = result["data"]
    figure = draw(
        lambda ax: plot.plot_accuracy(result, ax),
        f"Accuracy per epoch on {data['name']}; split: {data['split']} ({data['n_train']} training, "
        f"{data['n_test']} test samples).",
        "Training and test accuracy against epoch",
        csv=csv_text({name: [row[name] for row in result["epochs"]] for name in result["epochs"][0]}),
    )  # fmt: skip
    blocks: list[Any] = [
        figure,
        Table(
            ("quantity", "value"),
            _training_rows(result, card),
            "One training run; no choice was made on the test part.",
        ),
    ]
    if limits is not None:
        blocks += [Text([summary.limits_sentence(limits)]), _limits_table(limits)]
    recipe = [(name, _short(value)) for name, value in result.get("recipe", {}).items()]
    if recipe:
        caption = (
            "What the automatic recipe chose, from the card's mean step (dimensionless; see snn.recipe)."
        )
        blocks.append(Table(("setting", "value"), recipe, caption))
    return Section("Training", "training", blocks)


def _training_rows(result: dict[str, Any], card: DeviceCard | None) -> list[tuple[str, str]]:
    """The facts of a training run."""
    data, value = result["data"], result["accuracy_mean_last"]
    last = min(LAST_EPOCHS, len(result["epochs"]))
    error = summary.standard_error(value, data["n_test"])
    rows = [
        (
            f"test accuracy, mean of the last {count(last, 'epoch')}",
            f"{percent(value)} (sd over {count(last, 'epoch')} {percent(result['accuracy_std_last'])})",
        ),
        ("standard error of one accuracy", f"{percent(error)} (binomial, {data['n_test']} test samples)"),
        ("scheme", summary.SCHEMES[result["scheme"]]),
        ("data", f"{data['name']}, {data['split']}"),
        ("pulses per device, all epochs, mean", f"{result['pulses_per_device']:.3g}"),
        ("time of training one epoch, median", si(result["seconds_per_epoch"], "s", 2)),
    ]
    for key, name in (
        ("accuracy_programmed", "test accuracy, weights programmed into devices"),
        ("accuracy_after_mapping", "test accuracy just after mapping"),
    ):
        if result.get(key) is not None:
            rows.insert(1, (name, percent(result[key])))
    if result.get("write_energy_j") is not None:
        rows.append(
            ("energy of all pulses (V² G t, G mid-window)", si(result["write_energy_j"], "J"))
        )
    if card is not None and result["scheme"] != "offline":
        rows.append(("variation of the devices", _variation_in_training(card, result["settings"])))
    return rows


def _limits_table(limits: dict[str, Any]) -> Table:
    """Accuracies of the device, of its ideal twin, and without each flaw alone."""
    rows = [("the device as fitted", limits["device"])]
    rows += [(f"without {name}", value) for name, value in limits["without"].items()]
    rows.append(("ideal twin: linear, symmetric, no variation, same mean step", limits["twin"]))
    caption = (
        "The same training on changed devices, one seed. Differences below "
        f"{100 * limits['resolution']:.1f} points are "
        "within chance (2 standard errors)."
    )
    return Table(("device", "test accuracy"), [(name, percent(value)) for name, value in rows], caption)


def warnings_section(flags: Sequence[Flag]) -> Section:
    """The warnings, each with its code and its sentence."""
    block: Any = Remarks([(flag.code, flag.message) for flag in flags]) if flags else Text(["None."])
    return Section("Warnings", "warnings", [block])


def provenance_section(card: DeviceCard | None, command: str, seed: int | None = None) -> Section:
    """Source, checksum, versions, and the command that makes it again."""
    rows: list[tuple[str, str]] = [] if seed is None else [("seed", str(seed))]
    if card is not None:
        source = card.provenance
        rows += [
            ("source", source.source),
            ("SHA-256", source.sha256),
            ("synthetic data", "yes" if source.synthetic else "no"),
        ]
        rows += [
            (
                _CONDITION_WORDS[name],
                "not stated" if value is None else si(value, name[-1].upper().replace("S", "s")),
            )
            for name, value in card.conditions.model_dump().items()
        ]
        rows += [(f"setting: {name}", _short(value)) for name, value in source.settings.items()]
        rows.append(("versions", ", ".join(f"{name} {version}" for name, version in source.versions.items())))
    blocks: list[Any] = [Table(("item", "value"), rows, "Where these numbers come from.")] if rows else []
    return Section(
        "Provenance", "provenance", [*blocks, Text(["To make this report again:"]), Listing(command)]
    )
