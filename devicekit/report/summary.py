"""A result in plain sentences: what was measured, how well it did, what stands out. No sentence without a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from devicekit.names import LAST_EPOCHS
from devicekit.text import count, listed, percent, si, span

if TYPE_CHECKING:
    from devicekit.device.card import BranchVariation, DeviceCard
    from devicekit.errors import Flag
    from devicekit.fitting.result import DeviceFit

# From where on a property is worth a sentence; none of these is a claim about what a network loses by it.
STRONG_NONLINEARITY = 5.0  # largest over smallest step within the measured range
FEW_STEPS = 20.0
NOISY_STEPS = 1.0  # scatter of one update over the mean step
SMALL_RATIO = 2.0  # high over low end of the window
NOISY_READINGS = 0.02  # of the mean curve, fraction of the window
POOR_FIT = 0.03  # rms misfit over the range of the curve
_VARIATION = ("scatter of updates", "device-to-device variation")
SCHEMES = {
    "insitu": "trained in situ",
    "offline": "trained offline",
    "hybrid": "trained offline, then in situ",
}


def standard_error(accuracy: float, samples: int) -> float:
    """Binomial standard error of an accuracy measured on this many samples."""
    return float(np.sqrt(accuracy * (1.0 - accuracy) / samples))


def source_words(fit: DeviceFit, name: str) -> str:
    """Where a fit comes from: file, trains, devices, pulse width."""
    frame = fit.table.frame.drop_duplicates(["device_id", "cycle", "direction"])
    numbers = {way: int((frame["direction"] == way).sum()) for way in fit.branches}
    trains = listed([f"{number} {way.upper()}" for way, number in numbers.items()])
    plural = "s" if max(numbers.values()) > 1 else ""
    words = f"{name}, {trains} train{plural} of {count(len(fit.table.devices), 'device')}"
    widths = fit.table.widths
    return words + (f", {si(widths[0], 's')} pulses" if len(widths) == 1 else "")


def fit_sentence(fit: DeviceFit) -> str:
    """How well the law follows the mean curves."""
    misfits = listed([f"{percent(b.nrmse)} ({way.upper()})" for way, b in fit.branches.items()])
    law = f"{fit.law.title[0].upper()}{fit.law.title[1:]}"
    return f"{law} follows the mean curves to {misfits} of their range (rms)."


def widths_sentence(fit: DeviceFit) -> str | None:
    """Which pulse widths the file holds, and which one is shown."""
    if not fit.conditions:
        return None
    widths = listed([si(each.table.widths[0], "s") for each in fit.conditions])
    return (
        f"The file holds trains at {len(fit.conditions)} pulse widths ({widths}); this page shows "
        f"{si(fit.table.widths[0], 's')}, and every width has a fit of its own."
    )


def _steps(fit: DeviceFit, way: str) -> tuple[float, float]:
    """Mean step within the measured range [1 per pulse], and the largest step over the smallest there."""
    branch = fit.branches[way]
    low, high = branch.measured_range
    size = np.abs(branch.rate(np.linspace(max(low, 0.0), min(high, 1.0), 101)))
    smallest = float(size.min())
    return float(size.mean()), float(size.max()) / smallest if smallest > 0 else float("inf")


def standing_out(fit: DeviceFit) -> list[str]:
    """Properties of a device that are far from those of an ideal synapse, as clauses with their numbers."""
    found = []
    for way, branch in fit.branches.items():
        name = way.upper()
        step, ratio = _steps(fit, way)
        if ratio > STRONG_NONLINEARITY:
            times = f"{ratio:.0f} times" if ratio < 100 else "more than 100 times"
            found.append(f"{name} steps are nonlinear (the largest is {times} the smallest)")
        if step > 0 and 1.0 / step < FEW_STEPS:
            found.append(f"{name} crosses the window in about {1.0 / step:.0f} mean steps")
        sources = fit.variation.sources[way]
        if sources and sources["drift"] > 0.5:
            found.append(f"{name} drifts slowly over the cycles ({sources['drift']:.0%} of its C2C variance)")
        increment = fit.variation.branches[way].increment
        if increment is not None and step > 0 and increment / step > NOISY_STEPS:
            found.append(f"one {name} update scatters by {increment / step:.1f} times the mean step")
        if branch.noise > NOISY_READINGS:
            found.append(f"readings of the mean {name} curve scatter by {percent(branch.noise)} of the window")
        if branch.nrmse > POOR_FIT and branch.rms > 2 * branch.noise:
            found.append(f"the law misses the {name} curve by {percent(branch.nrmse)} of its range")
        if any(flag.code == "structured" for flag in branch.flags):
            found.append(
                f"the {name} misfit, small or not, has a shape ({branch.rms / branch.noise:.0f} times the noise of the "
                "mean curve)"
            )
    on_off = _ratio(fit)
    if on_off is not None and on_off < SMALL_RATIO:
        found.append(f"the window is narrow (high over low end {on_off:.2f})")
    return found


def _ratio(fit: DeviceFit) -> float | None:
    """High over low end of the window; None for a weight."""
    window = fit.window
    return window.high / window.low if window.quantity == "conductance_s" and window.low > 0 else None


def standing_out_sentence(fit: DeviceFit) -> str:
    """What stands out, or that nothing does."""
    found = standing_out(fit)
    return f"What stands out: {'; '.join(found)}." if found else "Nothing in the fitted curves stands out."


_SIGMAS = {
    "spread_paper": "state at one pulse, paper's way",
    "spread_anova": "state at one pulse",
    "increment": "one update",
    "read": "one reading",
    "cycle_offset": "window's offset, over cycles",
}


class VariationRow(NamedTuple):
    """One kind of variation, the branches side by side; `values` are fractions of `of`, None if not known."""

    group: str
    what: str
    kind: str
    of: str
    values: tuple[float | None, ...]
    estimator: str


def variation_rows(cards: Mapping[str, BranchVariation]) -> list[VariationRow]:
    """Every number of the variation of a card's branches, by its type."""
    rows = []
    for group in ("c2c", "d2d"):
        branches = [getattr(card, group) for card in cards.values()]
        for name in dict.fromkeys(name for branch in branches for name in branch):
            found = [branch.get(name) for branch in branches]
            known = [each for each in found if each is not None]
            values = tuple(None if each is None else each.value for each in found)
            estimator = "; ".join(dict.fromkeys(each.estimator for each in known))
            rows.append(VariationRow(group.upper(), _SIGMAS[name], known[0].kind, "window", values, estimator))
        if group == "c2c":
            rows += _relative_rows(cards)
    return rows


def _relative_rows(cards: Mapping[str, BranchVariation]) -> list[VariationRow]:
    """What scatters in proportion to the step, where the data ask for it."""
    rows = []
    for name, what, of in (
        ("step_noise", "one update, besides", "step"),
        ("cycle_ln_rate", "rate of a cycle", "rate"),
    ):
        values = tuple(getattr(card, name) for card in cards.values())
        if any(values):
            kind = "increment" if name == "step_noise" else "spread"
            rows.append(VariationRow("C2C", what, kind, of, values, "maximum likelihood"))
    return rows


def scatter_sentence(fit: DeviceFit) -> str:
    """How much a device varies from cycle to cycle and from device to device."""
    groups = [each.to_card() for each in fit.variation.branches.values()]
    increments = [g.c2c["increment"].value for g in groups if "increment" in g.c2c]
    spreads = [g.c2c["spread_anova"].value for g in groups if "spread_anova" in g.c2c]
    devices = [g.d2d["spread_anova"].value for g in groups if "spread_anova" in g.d2d]
    parts = []
    if spreads:
        parts.append(
            f"cycle to cycle the state at the same pulse spreads by {percent(max(spreads))} of the window"
        )
    if increments:
        parts.append(f"one update by itself scatters by {percent(max(increments))}")
    if devices:
        parts.append(f"devices differ by {percent(max(devices))}")
    if not parts:
        return "Variation cannot be told from one cycle of one device."
    text = listed(parts)
    return f"{text[0].upper()}{text[1:]} (standard deviations, over all pulses; the larger of LTP and LTD)."


def warnings_sentence(flags: Sequence[Flag]) -> str | None:
    """How many warnings there are, and their codes; None without any."""
    if not flags:
        return None
    codes = ", ".join(dict.fromkeys(flag.code for flag in flags))
    return f"{count(len(flags), 'warning')} listed below: {codes}."


def _accuracy(result: dict[str, Any]) -> str:
    """The accuracy of a training run with its standard error, and the data's name."""
    data, value = result["data"], result["accuracy_mean_last"]
    error = 100 * standard_error(value, data["n_test"])
    return f"{100 * value:.1f} % (± {error:.1f}) test accuracy on {data['name']}"


def accuracy_basis(result: dict[str, Any]) -> str:
    """What an accuracy is a mean of, on which split, and what its ± is."""
    data, epochs = result["data"], len(result["epochs"])
    return (
        f"The accuracy is the mean of the last {min(LAST_EPOCHS, epochs)} of {count(epochs, 'epoch')}, one seed; data "
        f"split: {data['split']}; ± is the standard error by the number of test samples ({data['n_test']})."
    )


def limits_clause(limits: dict[str, Any] | None) -> str:
    """In half a sentence, what limits the accuracy."""
    if limits is None:
        return "what limits it was not measured"
    if not limits["resolved"]:
        unknown = [flaw for flaw in _VARIATION if flaw not in limits["flaws"]]
        clause = f"its {listed(limits['flaws'])} do not lower it measurably"
        return clause + (f" ({listed(unknown)} not known and left out)" if unknown else "")
    if limits["main"] is None:
        return f"it loses {100 * limits['cost']:.1f} points to an ideal device, and no single flaw of it explains them"
    return f"it is mainly limited by {limits['main']}"


def limits_sentence(limits: dict[str, Any]) -> str:
    """What limits the accuracy, with the trainings that have shown it (see `snn.limits`)."""
    cost, resolution = 100 * limits["cost"], 100 * limits["resolution"]
    twin = (
        "An ideal twin of the device (linear, symmetric, without variation, with the same mean step), trained the same "
        f"way, reaches {100 * limits['twin']:.1f} %"
    )
    if cost < -resolution:
        return f"{twin}, {-cost:.1f} points less: this recipe gains by the shape of the real device's steps."
    if not limits["resolved"]:
        return (
            f"{twin}. Differences below {resolution:.1f} points are within chance, so the two cannot "
            "be told apart: what "
            "limits the accuracy is among the things that they share (the network, the data, the mean step)."
        )
    gains = {name: 100 * (value - limits["device"]) for name, value in limits["without"].items()}
    told = ", ".join(f"{name} {gain:+.1f}" for name, gain in gains.items())
    words = f"{twin}, {cost:.1f} points more. Taking away one flaw alone changes the accuracy by these points: {told}"
    if limits["main"] is None:
        return (
            f"{words}; none is beyond chance ({resolution:.1f}): they act together or cannot be told apart."
        )
    return f"{words} (chance: {resolution:.1f}). The largest gain names the main limit."


def fit_facts(fit: DeviceFit) -> list[tuple[str, str]]:
    """The numbers of a fit that matter most."""
    unit = "S" if fit.window.quantity == "conductance_s" else ""
    facts = [("window (range of the mean curves)", span(fit.window.low, fit.window.high, unit))]
    if (ratio := _ratio(fit)) is not None:
        facts.append(("on/off (high over low end of the window)", f"{ratio:.3g}"))
    misfits = ", ".join(percent(branch.nrmse).removesuffix(" %") for branch in fit.branches.values())
    branches = listed([way.upper() for way in fit.branches])
    facts.append((f"rms misfit, {branches} (of the curve's range)", f"{misfits} %"))
    steps = [_steps(fit, way)[0] for way in fit.branches]
    facts.append(("mean step of a pulse, LTP and LTD (of the window)", percent(float(np.mean(steps)))))
    increments = [v for each in fit.variation.branches.values() if (v := each.increment) is not None]
    facts.append(
        ("sd of one update, the larger branch (of the window)", percent(max(increments)) if increments else "not known")
    )
    return facts


def fit_summary(fit: DeviceFit, name: str) -> list[str]:
    """The plain-language summary of a fit."""
    words = [fit_sentence(fit), standing_out_sentence(fit), scatter_sentence(fit)]
    words.append(f"The device: {source_words(fit, name)}.")
    return [*words, *(each for each in (widths_sentence(fit), warnings_sentence(fit.warnings)) if each)]


def run_summary(
    fit: DeviceFit, name: str, training: dict[str, Any], limits: dict[str, Any] | None, flags: Sequence[Flag]
) -> list[str]:
    """The plain-language summary of a whole run, the answer first."""
    words = [
        f"This device reaches {_accuracy(training)} in a spiking network trained in situ on it; "
        f"{limits_clause(limits)}.",
        *([] if limits is None else [limits_sentence(limits)]),
        f"The device: {source_words(fit, name)}. {accuracy_basis(training)}",
        f"{fit_sentence(fit)} {scatter_sentence(fit)}",
        standing_out_sentence(fit),
    ]
    return [*words, *(each for each in (widths_sentence(fit), warnings_sentence(flags)) if each)]


def training_facts(result: dict[str, Any]) -> list[tuple[str, str]]:
    """The numbers of a training run that matter most."""
    value, data = result["accuracy_mean_last"], result["data"]
    last = count(min(LAST_EPOCHS, len(result["epochs"])), "epoch")
    return [
        (f"test accuracy on {data['name']}, mean of the last {last}", percent(value)),
        ("standard error by the number of test samples", percent(standard_error(value, data["n_test"]))),
        ("pulses per device, mean", f"{result['pulses_per_device']:.3g}"),
    ]


def training_summary(result: dict[str, Any], card: DeviceCard) -> list[str]:
    """The plain-language summary of a training run."""
    where = "trained in situ on it" if result["scheme"] == "insitu" else SCHEMES[result["scheme"]]
    words = [f"The device of card {card.name} reaches {_accuracy(result)} in a spiking network {where}."]
    if result.get("accuracy_programmed") is not None:
        words.append(
            f"Programmed into devices, the same weights reach {percent(result['accuracy_programmed'])}."
        )
    if result.get("accuracy_after_mapping") is not None:
        words.append(
            f"Just after its weights were mapped to devices, before any pulse, it reached "
            f"{percent(result['accuracy_after_mapping'])}."
        )
    if result["scheme"] == "offline":
        words[0] = (
            f"A spiking network trained offline, with ordinary numbers for weights, reaches {_accuracy(result)}."
        )
    return [*words, accuracy_basis(result)]
