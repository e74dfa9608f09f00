"""Report sections and summary sentences of a fit."""

from __future__ import annotations

import numpy as np

from devicekit.core.scalars import Scalar
from devicekit.core.text import count, listed, percent, si, span
from devicekit.device.blocks import BranchVariation
from devicekit.device.report import variation_rows
from devicekit.device.scalars import scalars
from devicekit.fitting import figures
from devicekit.fitting.next_cycles import CYCLES, has_band, next_cycles
from devicekit.fitting.result import DeviceFit
from devicekit.report import Block, Section, Table, Text, draw

# Limits beyond which a property is notable. They do not predict the loss of a network.
STRONG_NONLINEARITY = 5.0  # largest over smallest step within the measured range
FEW_STEPS = 20.0
NOISY_STEPS = 1.0  # scatter of one update over the mean step
SMALL_RATIO = 2.0  # high over low end of the window
NOISY_READINGS = 0.02  # of the mean curve, fraction of the window
POOR_FIT = 0.03  # rms misfit over the range of the curve


def fit_section(fit: DeviceFit) -> Section:
    """Build the section of curves, residuals and coefficients of both branches."""
    window = fit.window
    about = (
        f"Law: {fit.law.title}, doi {fit.law.doi}. One window for LTP and LTD: "
        f"{span(window.low, window.high, 'S' if window.quantity == 'conductance_s' else '', 4)} ({window.scope}). "
        "Such curves determine the rate curve, which a network uses, but hardly the single coefficients."
    )
    blocks: list[Block] = [
        Text([about]),
        draw(
            fit.panel(),
            "Mean curves of the trains and fit, LTP then LTD.",
            "Conductance against pulse number: mean curves of the trains and the fitted law",
            title="Mean curves of the trains and fit.",
        ),
        draw(
            fit.residuals_panel(),
            "Residuals: mean curve minus fit; grey: noise of the mean curve.",
            "Residuals in percent of the window against pulse number",
            title="Residuals: mean curve minus fit.",
        ),
        _misfit_section(fit),
        _coefficients(fit),
        *_next_cycles(fit),
    ]
    if fit.conditions:
        blocks.append(_widths(fit))
    return Section("Fit", "fit", blocks)


def _next_cycles(fit: DeviceFit) -> list[Block]:
    """Return where the next cycles are expected, as text and as a figure."""
    found = {direction: next_cycles(fit, direction) for direction in fit.branches} if has_band(fit) else {}
    if not found:
        return []
    bands = {}
    for direction, each in found.items():
        ends = [fit.window.from_state(end) for end in (each.lower, each.upper)]
        bands[direction] = (fit.window.from_state(each.state), ends[0], ends[1])
    words = (
        "Fit, and the 95 % band in which the mean of the next cycles is expected. This band is for future cycles; the "
        "band of the rate curve is for the measured ones."
    )
    return [
        Text([each.sentence for each in found.values()]),
        draw(
            figures.next_cycles(bands, fit.window.quantity, CYCLES),
            words,
            "Conductance against pulse number: fit and the band of the next cycles",
            title="Expected next cycles.",
        ),
    ]


def _misfit_section(fit: DeviceFit) -> Table:
    """Return the misfit of each branch, with the basis of every number."""
    rows = [
        (
            direction.upper(),
            str(branch.n_points),
            percent(branch.nrmse),
            percent(branch.rms),
            percent(branch.noise),
            f"{branch.r2:.5f}",
            ", ".join(sorted({*branch.weak, *branch.at_bound})) or "none",
        )
        for direction, branch in fit.branches.items()
    ]
    caption = (
        "Fit quality. Basis: the mean curve over cycles and devices. nrmse: rms residual over the range of that "
        "branch's mean curve. rms: the same residual over the common window, as in devicekit compare. Noise: "
        "standard deviation of the mean curve's readings, of the window. R² does not show errors that matter to a "
        "network."
    )
    head = ("branch", "points", "nrmse", "rms [of window]", "noise", "R²", "weak or at a bound")
    return Table(head, rows, caption)


def _coefficients(fit: DeviceFit) -> Table:
    """Return published coefficients of both branches, in [0, 1] and, for a conductance, in siemens."""
    rows: list[tuple[str, ...]] = []
    names: tuple[str, ...] = ()
    for direction, branch in fit.branches.items():
        names = tuple(branch.coefficients)
        rows.append((direction.upper(), "r in 0..1", *(f"{value:.5g}" for value in branch.coefficients.values())))
        if branch.coefficients_s:
            rows.append((direction.upper(), "G in S", *(f"{value:.5g}" for value in branch.coefficients_s.values())))
    caption = "Coefficients."
    if fit.law.name == "eq2":
        caption = (
            "Coefficients. Several sets give the same curve; here i = 1, and b - c r = 1 at the start of the branch: "
            "at r = 0 for LTP (b = 1), at r = 1 for LTD (b - c = 1, so b itself is not 1). In siemens: a [S], c and f "
            "[1/S], the rest dimensionless."
        )
    return Table(("branch", "state", *names), rows, caption)


def _widths(fit: DeviceFit) -> Table:
    """Return one row for each pulse width."""
    rows = []
    for each in fit.conditions:
        unit = "S" if each.window.quantity == "conductance_s" else ""
        misfits = [f"{direction.upper()} {percent(branch.nrmse)}" for direction, branch in each.branches.items()]
        shown = "shown above" if each.ltp is fit.ltp else ""
        rows.append(
            (
                si(each.table.widths[0], "s"),
                span(each.window.low, each.window.high, unit),
                ", ".join(misfits),
                shown,
            )
        )
    return Table(("pulse width", "window", "nrmse", ""), rows, "Pulse widths. One fit for each.")


def _variation_rows(cards: dict[str, BranchVariation]) -> list[tuple[str, ...]]:
    """Return one row for each kind of number, the branches side by side."""
    return [
        (
            row.group,
            row.what,
            row.kind,
            row.of,
            *row.texts(lambda value: percent(value, 3), "unknown"),
            row.estimator,
        )
        for row in variation_rows(cards)
    ]


def _count_text(cards: dict[str, BranchVariation]) -> str:
    return " and ".join(
        f"{count(each.n_cycles, f'{direction.upper()} cycle')} of {count(each.n_devices, 'device')}"
        for direction, each in cards.items()
    )


def _intervals(cards: dict[str, BranchVariation]) -> list[Table]:
    """Return a table of the scatter of updates and readings with its intervals; empty if neither is known."""
    rows = [
        (direction.upper(), what, f"{sigma.value:.3%}", _interval(sigma.interval))
        for direction, each in cards.items()
        for name, what in (("increment", "one update"), ("read", "one reading"))
        if (sigma := each.c2c.get(name)) is not None
    ]
    head = ("branch", "quantity", "sd [of window]", "95 % interval")
    return [Table(head, rows, "Scatter of updates and readings.")] if rows else []


def _interval(ends: tuple[float, float] | None) -> str:
    return f"{ends[0]:.3%} to {ends[1]:.3%}" if ends else "none"


def _missing_sentences(cards: dict[str, BranchVariation]) -> list[str]:
    """Return what could not be estimated, and what that means for a network."""
    sentences = []
    if max(each.n_cycles for each in cards.values()) < 2:
        sentences.append(
            "One cycle shows how updates scatter (the increment), not how cycles differ. Measure three or more."
        )
    lacking = [direction.upper() for direction, each in cards.items() if "increment" not in each.c2c]
    if lacking:
        sentences.append(
            f"The scatter of one update (increment) of {listed(lacking)} is unknown. Devices drawn from this card "
            "update without scatter, so the accuracy of a network on them is too high."
        )
    if max(each.n_devices for each in cards.values()) < 2:
        sentences.append("D2D cannot be estimated from one device: devices drawn from this card are all the same.")
    return sentences


def variation_section(fit: DeviceFit) -> Section:
    """Build the section of C2C and D2D, every number with its type."""
    cards = {direction: spread.to_card() for direction, spread in fit.variation.branches.items()}
    caption = (
        f"Variation: standard deviations. They are shares of the quantity in column 'of', from {_count_text(cards)}. "
        "Types: spread, of a state between cycles (C2C) or devices (D2D); increment, of one update; read, of one "
        "reading; held, of a fluctuation that is drawn anew at each pulse and does not move the state."
    )
    head = (
        "variation",
        "quantity",
        "type",
        "of",
        *(direction.upper() for direction in cards),
        "estimator",
    )
    blocks: list[Block] = []
    if rows := _variation_rows(cards):
        blocks.append(Table(head, rows, caption))
    blocks += _intervals(cards)
    drawn = [
        f"{value:.2f} times as much ({direction.upper()})" for direction, value in fit.variation.spread_ratios.items()
    ]
    spread_text = [f"Cycles drawn from these numbers scatter {listed(drawn)} as measured ones."] if drawn else []
    if sentences := [*fit.variation.sentences(), *spread_text, *_missing_sentences(cards)]:
        blocks.append(Text(sentences))
    for direction in fit.branches:
        if cards[direction].n_cycles > 1:
            blocks.append(_cycles(fit, direction))
    return Section("Variation", "variation", blocks)


def _cycles(fit: DeviceFit, direction: str) -> Block:
    """Return the figure of all cycles of the first device."""
    what = fit.window.quantity.partition("_")[0].capitalize()
    return draw(
        fit.cycles_panel(direction),
        f"All {direction.upper()} cycles of one device, early ones light, late ones dark.",
        f"{what} against pulse number for every {direction.upper()} cycle of one device",
    )


def source_text(fit: DeviceFit, name: str) -> str:
    """Describe the source of a fit: file, trains, devices, pulse width."""
    frame = fit.table.frame.drop_duplicates(["device_id", "cycle", "direction"])
    numbers = {direction: int((frame["direction"] == direction).sum()) for direction in fit.branches}
    trains = listed([f"{number} {direction.upper()}" for direction, number in numbers.items()])
    plural = "s" if max(numbers.values()) > 1 else ""
    words = f"{name}, {trains} train{plural} of {count(len(fit.table.devices), 'device')}"
    lengths = fit.table.frame.groupby(["device_id", "cycle", "direction"]).size()
    fewest, most = int(lengths.min()), int(lengths.max())
    words += f", {fewest} to {most} readings each" if fewest < most else f", {count(most, 'reading')} each"
    widths = fit.table.widths
    return words + (f", {si(widths[0], 's')} pulses" if len(widths) == 1 else "")


def fit_sentence(fit: DeviceFit) -> str:
    """Describe how well the law follows the mean curves."""
    misfits = listed([f"{percent(b.nrmse)} ({direction.upper()})" for direction, b in fit.branches.items()])
    law = f"{fit.law.title[0].upper()}{fit.law.title[1:]}"
    return f"{law} follows the mean curves to {misfits} of their range (rms)."


def widths_sentence(fit: DeviceFit) -> str | None:
    """Describe which pulse widths the file holds, and which one is shown."""
    if not fit.conditions:
        return None
    widths = listed([si(each.table.widths[0], "s") for each in fit.conditions])
    return (
        f"The file holds trains at {len(fit.conditions)} pulse widths ({widths}); this page shows "
        f"{si(fit.table.widths[0], 's')}."
    )


def _step_numbers(fit: DeviceFit, direction: str) -> tuple[float, float]:
    """Return the mean step in the measured range [1 per pulse], and the largest step over the smallest there."""
    branch = fit.branches[direction]
    low, high = branch.measured_range
    size = np.abs(branch.rate(np.linspace(max(low, 0.0), min(high, 1.0), 101)))
    smallest = float(size.min())
    return float(size.mean()), float(size.max()) / smallest if smallest > 0 else float("inf")


def find_notable_properties(fit: DeviceFit) -> list[str]:
    """Return properties far from those of an ideal synapse, as clauses with their numbers."""
    found = []
    for direction, branch in fit.branches.items():
        name = direction.upper()
        step, ratio = _step_numbers(fit, direction)
        if ratio > STRONG_NONLINEARITY:
            times = f"{ratio:.0f} times" if ratio < 100 else "more than 100 times"
            found.append(f"{name} steps are nonlinear (the largest is {times} the smallest)")
        if step > 0 and 1.0 / step < FEW_STEPS:
            found.append(f"{name} crosses the window in about {1.0 / step:.0f} mean steps")
        sources = fit.variation.sources[direction]
        if sources and sources["drift"] > 0.5:
            found.append(f"{name} drifts slowly over the cycles ({sources['drift']:.0%} of its C2C variance)")
        increment = fit.variation.branches[direction].increment
        if increment is not None and step > 0 and increment / step > NOISY_STEPS:
            found.append(f"one {name} update scatters by {increment / step:.1f} times the mean step")
        if branch.noise > NOISY_READINGS:
            found.append(f"readings of the mean {name} curve scatter by {percent(branch.noise)} of the window")
        if branch.nrmse > POOR_FIT and branch.rms > 2 * branch.noise:
            found.append(f"the law misses the {name} curve by {percent(branch.nrmse)} of its range")
        if any(warning.code == "structured" for warning in branch.warnings):
            found.append(
                f"the {name} misfit is systematic ({branch.rms / branch.noise:.0f} times the noise of the mean curve)"
            )
    on_off = _window_ratio(fit)
    if on_off is not None and on_off < SMALL_RATIO:
        found.append(f"the window is narrow (high over low end {on_off:.2f})")
    return found


def _window_ratio(fit: DeviceFit) -> float | None:
    """Return the high over the low end of the window; None for a weight."""
    window = fit.window
    return window.high / window.low if window.quantity == "conductance_s" and window.low > 0 else None


def notable_sentence(fit: DeviceFit) -> str:
    """Describe the notable properties, or state that there are none."""
    found = find_notable_properties(fit)
    return f"Notable: {'; '.join(found)}." if found else "The fitted curves show nothing unusual."


def scatter_sentence(fit: DeviceFit) -> str:
    """Describe the variation from cycle to cycle and from device to device."""
    groups = [each.to_card() for each in fit.variation.branches.values()]
    increments = [g.c2c["increment"].value for g in groups if "increment" in g.c2c]
    spreads = [g.c2c["spread_anova"].value for g in groups if "spread_anova" in g.c2c]
    devices = [g.d2d["spread_anova"].value for g in groups if "spread_anova" in g.d2d]
    parts = []
    if spreads:
        parts.append(f"the state at one pulse number varies over cycles by {percent(max(spreads))} of the window")
    if increments:
        doubt = " (unreliable: see noise_model)" if _noise_model_fails(fit) else ""
        parts.append(f"a single update scatters by {percent(max(increments))}{doubt}")
    if devices:
        parts.append(f"the states of devices differ by {percent(max(devices))}")
    if not parts:
        return "Variation cannot be estimated from one cycle of one device."
    text = listed(parts)
    return f"{text[0].upper()}{text[1:]} (standard deviations over all pulses; the larger of LTP and LTD)."


def _noise_model_fails(fit: DeviceFit) -> bool:
    """Return whether a warning advises against quoting the noise of single updates."""
    return any(warning.code == "noise_model" for warning in fit.warnings)


def fit_numbers(fit: DeviceFit) -> list[Scalar]:
    """Return the main numbers of a fit: window, steps, misfit, and scatter with its interval."""
    pairs = [(branch.to_card(), fit.variation.branches[name].to_card()) for name, branch in fit.branches.items()]
    known = scalars(fit.window, fit.law.id, [branch for branch, _ in pairs], [spread for _, spread in pairs])
    shown = [each for each in known if each.name in ("g_low_s", "g_high_s", "weight_low", "weight_high", "steps")]
    stems = ("nrmse_", "c2c_spread_") if _noise_model_fails(fit) else ("nrmse_", "increment_", "c2c_spread_")
    for stem in stems:
        found = [each for each in known if each.name.startswith(stem) and each.known]
        if found:
            shown.append(max(found, key=lambda each: each.value))
    return shown


def fit_summary(fit: DeviceFit) -> list[str]:
    """Return the summary below the verdict (`fit_sentence`); the page's source line names file and trains."""
    words = [notable_sentence(fit), scatter_sentence(fit)]
    return [*words, *(each for each in (widths_sentence(fit),) if each)]
