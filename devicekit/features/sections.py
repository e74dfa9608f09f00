"""The parts of a report that show figures of merit."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from devicekit import report
from devicekit.features import plots
from devicekit.features.words import NO_SPREAD, OUTCOMES
from devicekit.names import GLOSSARY
from devicekit.report import Block, Section, Table, Text
from devicekit.text import count, percent, si, span

if TYPE_CHECKING:
    from devicekit.features.characterize import Characterization
    from devicekit.features.stats import Spread

_WORDS = {
    "v_set_v": "V_set",
    "v_reset_v": "V_reset",
    "g_hrs_s": "G of the HRS",
    "g_lrs_s": "G of the LRS",
    "on_off": "on/off",
}
ROWS_SHOWN = 30
MOST_ROWS = 20_000  # of a table that travels inside the page; a longer one lies beside it


def number(value: float | None, unit: str = "") -> str:
    """A number with its unit (siemens, volts, amperes and seconds with a prefix), or a dash."""
    if value is None or not np.isfinite(value):
        return "–"
    return si(value, unit, 4) if unit in ("", "S", "A", "V", "s") else f"{value:.4g} {unit}"


def section(name: str, anchor: str, what: Characterization) -> Section:
    """The section of one file: a sentence, the tables of its results, figures."""
    blocks: list[Block] = [Text([_about(what)])]
    with np.errstate(all="ignore"):
        for key, result in what.results.items():
            blocks += _BLOCKS[key](what, result)
    return Section(name, anchor, blocks)


def _about(what: Characterization) -> str:
    table = what.table
    names = ", ".join(table.devices[:12]) + ("…" if len(table.devices) > 12 else "")
    return (
        f"Format {table.meta.get('format')}: {count(len(table), 'row')} of kind {table.kind}, "
        f"{count(len(table.devices), 'device')}: {names}."
    )


def _figure(*arguments: Any, **named: Any) -> Block:
    """A figure, or a sentence where the values are too absurd to be drawn."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of layouts and of axes limits
            return report.draw(*arguments, **named)
    except (ValueError, OverflowError, np.linalg.LinAlgError) as error:
        return Text([f"A figure could not be drawn from these values ({error})."])


def _spread_row(each: Spread) -> tuple[str, ...]:
    scale = "decades" if each.scale == "log10" else each.unit
    return (
        _WORDS.get(each.quantity, each.quantity), str(each.n), number(each.median, each.unit),
        f"{number(each.low, each.unit)} to {number(each.high, each.unit)}", number(each.c2c, scale),
        number(each.d2d, scale),
    )  # fmt: skip


def _spreads(spreads: tuple[Spread, ...], caption: str) -> Table:
    head = ("quantity", "values", "median", "5 % to 95 %", "C2C standard deviation", "D2D standard deviation")
    return Table(head, [_spread_row(each) for each in spreads], caption)


def _csv(what: Characterization, name: str, *columns: str) -> str | None:
    """The data behind a figure, as text (these columns of it), if there is not too much of it."""
    frame = what.tables.get(name)
    if frame is None or len(frame) > MOST_ROWS:
        return None
    return str((frame[["device_id", "cycle", *columns]] if columns else frame).to_csv(index=False))


def _middle_csv(sweeps: Any) -> str:
    """The sweep that figures draw on top."""
    groups = [rows for _, rows in sweeps.frame.groupby(["device_id", "cycle"], sort=False)]
    return str(groups[len(groups) // 2].to_csv(index=False))


def _dc(what: Characterization, result: Any) -> list[Block]:
    outcomes = ", ".join(f"{number} {OUTCOMES.get(name, name)}" for name, number in result.outcomes.items())
    text = (
        f"{count(len(result.cycles), 'sweep')}: {outcomes}. V_set by {result.v_set_method}, V_reset by "
        f"{result.v_reset_method}; HRS and LRS read at {result.read_voltage_v:g} V."
    )
    remarks = [NO_SPREAD[name] for name in result.outcomes if name in NO_SPREAD]
    caption = "Spreads of conductances and ratios are in decades (log-normal). D2D without the share of C2C."
    cycles = result.cycles
    sweeps = what.table
    blocks: list[Block] = [
        Text([text, *remarks]),
        *([_spreads(result.spreads, caption)] if result.spreads else []),
        _figure(lambda ax: plots.plot_sweeps(sweeps, ax), "Sweeps; the middle one, on top, is in the data.",  # type: ignore[arg-type]
             "Magnitude of the current against voltage, logarithmic", csv=_middle_csv(sweeps)),
        _figure(lambda ax: plots.plot_conduction(sweeps, ax), "Conduction: the middle sweep on logarithmic axes.",  # type: ignore[arg-type]
             "Magnitude of the current against magnitude of the voltage on logarithmic axes", csv=_middle_csv(sweeps)),
    ]  # fmt: skip
    if len(result.levels) or cycles[["g_hrs_s", "g_lrs_s"]].notna().any(axis=None):
        blocks.append(
            _figure(lambda ax: plots.plot_levels(result, ax), "HRS and LRS at the read voltage.",
                 "Distribution of the conductance of HRS and LRS", csv=_csv(what, "cycles", "g_hrs_s", "g_lrs_s"))
        )  # fmt: skip
    for name in ("v_set_v", "v_reset_v"):
        values = cycles[name].to_numpy(float)
        if np.isfinite(values).sum() >= 5:
            blocks += [_probability(what, values, name, kind) for kind in ("weibull", "normal")]
    if len(result.levels):
        rows = [(number(r.compliance_a, "A"), str(r.n), number(r.g_lrs_s, "S"), number(r.log10_sd, "decades"))
                for r in result.levels.itertuples()]  # fmt: skip
        blocks.append(
            Table(("compliance", "cycles", "median G of the LRS", "spread"), rows, "Levels by compliance.")
        )
    return blocks


def _probability(what: Characterization, values: np.ndarray, name: str, kind: str) -> Block:
    """A probability plot of V_set or V_reset."""
    words = f"{_WORDS[name]}: {kind.capitalize() if kind == 'weibull' else kind} probability plot"
    return _figure(
        lambda ax: plots.plot_probability(values, f"|{_WORDS[name]}| [V]", ax, kind),
        f"{words}; a straight line means that distribution.",
        words,
        csv=_csv(what, "cycles", name),
    )


def _endurance(what: Characterization, result: Any) -> list[Block]:
    rows = [
        (d.device_id, f"{d.cycles:g}", number(d.window), number(d.median_window), f"{d.good:.1%}",
         "none" if d.failed_at is None else f"{d.failed_at:g}", number(d.lrs_slope), number(d.hrs_slope))
        for d in result.devices[:ROWS_SHOWN]
    ]  # fmt: skip
    head = (
        "device",
        "cycles",
        "window p5/p95",
        "median on/off",
        "good cycles",
        "failed at",
        "LRS slope",
        "HRS slope",
    )
    return [
        Text([
            f"{percent(result.yield_)} of {count(len(result.devices), 'device')} did not fail. "
            "Failure: the first of three "
            f"measured cycles in a row with on/off below {result.threshold:g}. Slopes: decades of G per decade."
        ]),
        Table(head, rows, "Endurance of each device."),
        _figure(lambda ax: plots.plot_endurance(what.table, result, ax), "Readings and medians of each decade.",  # type: ignore[arg-type]
             "Conductance of HRS and LRS against cycles", csv=_csv(what, "decades")),
    ]  # fmt: skip


def _retention(what: Characterization, result: Any) -> list[Block]:
    rows = []
    for s in result.states[:ROWS_SHOWN]:
        p = s.prediction
        later = (
            f"{number(p.conductance_s, 'S')} ({span(p.low_s, p.high_s, 'S', 4)})"
            if p
            else f"none: {s.refusal}"
        )
        reach = f"{p.factor:.3g} times; line in log t: {number(p.log_linear_s, 'S')}" if p else "–"
        rows.append(
            (
                s.device_id,
                s.level,
                f"{s.decades:.1f}",
                f"{s.nu:.4g} ± {s.nu_se:.1g}",
                f"{s.change:.2%}",
                later,
                reach,
            )
        )
    horizon = next((s.prediction.time_s for s in result.states if s.prediction), None)
    head = (
        "device",
        "state",
        "decades",
        "nu",
        "last over first",
        "prediction (interval of the mean)",
        "extrapolation",
    )
    sentence = "Power law G = G0 (t / t0)^-nu."
    if horizon:
        sentence += (
            f" Predictions are for {horizon:.3g} s and hold for the temperature of the measurement only."
        )
    return [
        Text([sentence]),
        Table(head, rows, "Retention of each state."),
        _figure(lambda ax: plots.plot_retention(what.table, result, ax), "Readings, laws and predictions.",  # type: ignore[arg-type]
             "Conductance against time on logarithmic axes", csv=_csv(what, "states")),
    ]  # fmt: skip


def _stdp(what: Characterization, result: Any) -> list[Block]:
    rows = []
    for p in result.parameters:
        factor, unit = (1e3, "ms") if p.unit == "s" else (1.0, p.unit)
        rows.append((p.name.removesuffix("_s"), number(factor * p.value, unit), number(factor * p.se, unit),
                     f"{number(factor * p.low)} to {number(factor * p.high, unit)}"))  # fmt: skip
    return [
        Table(("parameter", "value", "standard error", f"{result.confidence:.0%} interval"), rows,
              "Exponential window, delay = post minus pre; " + ("offset fitted." if result.offset else "no offset.")),
        _figure(lambda ax: plots.plot_stdp(what.table, result, ax), "STDP window.",  # type: ignore[arg-type]
             "Weight change against spike delay", csv=_csv(what, "delays")),
    ]  # fmt: skip


def _noise(what: Characterization, result: Any) -> list[Block]:
    rows = []
    for record in result[:ROWS_SHOWN]:
        n = record.result
        levels = "; ".join(
            f"{number(each.current_a, 'A')}, dwell {number(each.dwell_s, 's')}" for each in n.levels
        )
        rows.append((record.device_id, number(n.voltage_v, "V"), number(n.mean_a, "A"), f"{n.relative:.3%}",
                     "yes" if n.telegraph else "no", number(n.relative_amplitude), levels))  # fmt: skip
    head = ("device", "voltage", "mean", "sd / mean", "telegraph noise", "amplitude / mean", "levels")
    first = result[0]
    frame = what.table.frame
    rows_of = frame[(frame["device_id"] == first.device_id) & (frame["cycle"] == first.cycle)]
    time = (rows_of["time_s"] if "time_s" in rows_of else rows_of["point"]).to_numpy(float)
    current = rows_of["current_a"].to_numpy(float)
    return [
        Table(head, rows, "Read noise at constant voltage."),
        _figure(lambda ax: plots.plot_noise(time, current, first.result, ax), "Read current of the first record.",
             "Current against time with the levels found",
             csv=rows_of.to_csv(index=False) if len(rows_of) <= MOST_ROWS else None),
    ]  # fmt: skip


def _linearity(what: Characterization, result: Any) -> list[Block]:
    medians = result.as_dict()["median"]
    units = {"conductance_s": "S", "cubic": "1/V²", "range_v": "V"}
    rows = [(name, number(value, units.get(name, ""))) for name, value in medians.items()]
    return [
        Table(
            ("quantity", "median"),
            rows,
            f"Read linearity of {count(result.as_dict()['n'], 'sweep')}: I = G V (1 + c V²).",
        ),
        _figure(
            lambda ax: plots.preview(what.table, ax),
            "Read sweeps.",
            "Magnitude of the current against voltage",
            csv=_middle_csv(what.table),
        ),  # type: ignore[arg-type]
    ]


def _pulses(what: Characterization, result: Any) -> list[Block]:
    facts = result.as_dict()
    unit = GLOSSARY[result.quantity].unit
    rows = [("low end of the window", number(result.low, unit)), ("high end of the window", number(result.high, unit)),
            ("on/off", number(facts["on_off"]))]  # fmt: skip
    for way, end in facts["directions"].items():
        rows.append(
            (
                f"{way.upper()}: end of {count(end['trains'], 'train')}",
                number(end["end_median"], unit)
                + (f" ± {number(end['end_sd'], unit)}" if np.isfinite(end["end_sd"]) else ""),
            )
        )
    return [
        Table(
            ("quantity", "value"), rows, "Pulse trains; devicekit fit fits their update law and variation."
        ),
        _figure(
            lambda ax: plots.preview(what.table, ax),
            "Trains.",
            "Conductance against pulse number",
            csv=_csv(what, "trains"),
        ),
    ]


_BLOCKS: dict[str, Callable[[Any, Any], list[Block]]] = {
    "dc": _dc, "endurance": _endurance, "retention": _retention, "stdp": _stdp, "noise": _noise,
    "linearity": _linearity, "pulses": _pulses,
}  # fmt: skip
