"""The parts of a report that describe a fit, a training and where it all came from."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from devicekit import plot
from devicekit.report import Listing, Remarks, Section, Table, Text, draw

if TYPE_CHECKING:
    from devicekit.card import BranchVariation, DeviceCard
    from devicekit.errors import Flag
    from devicekit.fit_result import DeviceFit

_SIGMA_WORDS = {
    "spread_paper": "spread, paper's estimator",
    "spread_anova": "spread, ANOVA",
    "increment": "one update",
    "read": "one reading",
    "cycle_offset": "window offset per cycle",
}


def csv_text(columns: dict[str, Any]) -> str:
    """Columns of unequal length as CSV."""
    buffer = io.StringIO()
    pd.DataFrame({name: pd.Series(values) for name, values in columns.items()}).to_csv(buffer, index=False)
    return buffer.getvalue()


def fit_section(fit: DeviceFit) -> Section:
    """Curves, residuals and coefficients of both branches."""
    quality = Table(
        ("branch", "points", "nrmse", "R²", "noise", "weak or at a bound"),
        [
            (
                way.upper(), str(branch.n_points), f"{branch.nrmse:.3%}", f"{branch.r2:.5f}", f"{branch.noise:.3%}",
                ", ".join(sorted({*branch.weak, *branch.at_bound})) or "none",
            )
            for way, branch in fit.branches.items()
        ],
        "Fit of the mean curve over cycles and devices. nrmse: rms residual over the range of the mean curve. Noise: "
        "standard deviation of the mean curve's readings, fraction of the window.",
    )  # fmt: skip
    blocks: list[Any] = [
        Text([
            f"{fit.law.title}, doi {fit.law.doi}. One window for LTP and LTD: {fit.window.low:.5g} to "
            f"{fit.window.high:.5g}{' S' if fit.window.quantity == 'conductance_s' else ''} ({fit.window.scope}). "
            "Single coefficients are hardly determined by such curves; the rate curve is, and it is what a "
            "network uses."
        ]),
        draw(lambda ax: plot.plot_fit(fit, ax), "Measured mean curves and fit, LTP then LTD.",
             "Conductance against pulse number: measured mean curves and the fitted law", csv=_fit_csv(fit)),
        draw(lambda ax: plot.plot_residuals(fit, ax), "Residuals of the fit.",
             "Residuals in percent of the window against pulse number", (6.0, 2.4)),
        quality,
    ]  # fmt: skip
    blocks.append(_coefficients(fit))
    return Section("Fit", "fit", blocks)


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
    caption = (
        "Coefficients in the gauge b = i = 1 on the side where the branch starts. In siemens: a [S], c and f [1/S], "
        "the rest dimensionless."
    )
    return Table(("branch", "state", *names), rows, caption)


def _fit_csv(fit: DeviceFit) -> str:
    columns: dict[str, Any] = {}
    for way, branch in fit.branches.items():
        columns[f"{way}_pulse_index"] = np.arange(branch.x.size)
        columns[f"{way}_measured_{fit.window.quantity}"] = fit.window.from_state(branch.measured)
        columns[f"{way}_fitted_{fit.window.quantity}"] = fit.window.from_state(branch.fitted)
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


def _variation_rows(way: str, variation: BranchVariation) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for kind, group in (("C2C", variation.c2c), ("D2D", variation.d2d)):
        for name, sigma in group.items():
            rows.append(
                (way.upper(), kind, _SIGMA_WORDS[name], f"{sigma.value:.3%}", sigma.kind, sigma.estimator)
            )
    return rows


def _counts(cards: dict[str, BranchVariation]) -> str:
    return " and ".join(
        f"{each.n_cycles} {way.upper()} cycle(s) of {each.n_devices} device(s)" for way, each in cards.items()
    )


def variation_section(fit: DeviceFit) -> Section:
    """C2C and D2D, every number with its type."""
    cards = {way: spread.to_card() for way, spread in fit.variation.branches.items()}
    size = max(each.n_cycles for each in cards.values()), max(each.n_devices for each in cards.values())
    rows = [row for way, variation in cards.items() for row in _variation_rows(way, variation)]
    blocks: list[Any] = [
        Table(
            ("branch", "variation", "of what", "sd [% of window]", "type", "estimator"),
            rows,
            f"Standard deviations as a share of the window, from {_counts(cards)}. A "
            "spread of the "
            "state, an increment and a reading error are different things and are not interchangeable.",
        )
    ]
    if sentences := fit.variation.sentences():
        blocks.append(Text(sentences))
        way = "ltp" if fit.ltp is not None else "ltd"
        blocks.append(
            draw(
                lambda ax: plot.plot_cycles(fit, way, ax),
                f"All {way.upper()} cycles of one device.",
                "Conductance against pulse number for every cycle of one device",
            )
        )
    missing = [what for what, count in (("C2C", size[0]), ("D2D", size[1])) if count < 2]
    if missing:
        blocks.append(
            Text(
                [
                    f"{' and '.join(missing)} cannot be estimated from one "
                    f"{'cycle' if missing[0] == 'C2C' else 'device'}."
                ]
            )
        )
    return Section("Variation", "variation", blocks)


def _short(value: Any) -> str:
    """A setting in few digits."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(_short(each) for each in value)
    return str(value)


def standard_error(accuracy: float, samples: int) -> float:
    """Binomial standard error of an accuracy measured on this many samples."""
    return float(np.sqrt(accuracy * (1.0 - accuracy) / samples))


def _variation_in_training(card: DeviceCard) -> str:
    """Which of the card's variation the network's devices had."""
    updates = [
        f"{way.upper()} {each.c2c['increment'].value:.3%}"
        if "increment" in each.c2c
        else f"{way.upper()} unknown, none applied"
        for way, each in (("ltp", card.variation.ltp), ("ltd", card.variation.ltd))
    ]
    devices = (
        f"drawn from {len(card.devices)} fitted devices"
        if len(card.devices) > 1
        else "one device known, none applied"
    )
    return f"update scatter (sd of the window): {', '.join(updates)}; device to device: {devices}"


def training_section(result: dict[str, Any], card: DeviceCard | None = None) -> Section:
    """Accuracy per epoch, with the data split it was measured on."""
    data = result["data"]
    figure = draw(
        lambda ax: plot.plot_accuracy(result, ax),
        f"Accuracy per epoch on {data['name']}; split: {data['split']} ({data['n_train']} training, "
        f"{data['n_test']} test samples).",
        "Training and test accuracy against epoch",
        csv=csv_text({name: [row[name] for row in result["epochs"]] for name in result["epochs"][0]}),
    )  # fmt: skip
    last = min(3, len(result["epochs"]))
    rows = [
        (
            "test accuracy, mean of the last epochs",
            f"{result['accuracy_mean_last']:.2%} (sd over {last} epochs {result['accuracy_std_last']:.2%})",
        ),
        ("scheme", result["scheme"]),
        ("data", f"{data['name']}, {data['split']}"),
        ("pulses per device, all epochs", f"{result['pulses_per_device']:.3g}"),
        ("time per epoch", f"{result['seconds_per_epoch']:.2g} s"),
    ]
    error = standard_error(result["accuracy_mean_last"], data["n_test"])
    rows.insert(
        1, ("standard error of one accuracy", f"{error:.2%} (binomial, {data['n_test']} test samples)")
    )
    if card is not None and result["scheme"] != "offline":
        rows.append(("variation of the devices", _variation_in_training(card)))
    blocks: list[Any] = [
        figure,
        Table(("quantity", "value"), rows, "One training run; no choice was made on the test part."),
    ]
    recipe = [(name, _short(value)) for name, value in result.get("recipe", {}).items()]
    if recipe:
        caption = (
            "What the automatic recipe chose, from the card's mean step (dimensionless; see snn.recipe)."
        )
        blocks.append(Table(("setting", "value"), recipe, caption))
    return Section("Training", "training", blocks)


def warnings_section(flags: Sequence[Flag]) -> Section:
    """The warnings, each with its code and its sentence."""
    block: Any = Remarks([(flag.code, flag.message) for flag in flags]) if flags else Text(["None."])
    return Section("Warnings", "warnings", [block])


def provenance_section(card: DeviceCard | None, command: str, seed: int) -> Section:
    """Source, checksum, versions, and the command that makes it again."""
    rows: list[tuple[str, str]] = [("seed", str(seed))]
    if card is not None:
        source = card.provenance
        rows += [
            ("source", source.source),
            ("SHA-256", source.sha256),
            ("synthetic data", "yes" if source.synthetic else "no"),
        ]
        rows += [(f"version of {name}", version) for name, version in source.versions.items()]
        rows += [(f"setting {name}", str(value)) for name, value in source.settings.items()]
        conditions = card.conditions.model_dump()
        rows += [
            (name, "not stated" if value is None else f"{value:g}") for name, value in conditions.items()
        ]
    return Section(
        "Provenance", "provenance",
        [
            Table(("item", "value"), rows, "Where these numbers come from."),
            Text(["To make this report again:"]),
            Listing(command),
        ],
    )  # fmt: skip
