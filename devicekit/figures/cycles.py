"""Sweeps of an input in groups: of each input, device or compliance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from devicekit.core.text import listed, si
from devicekit.features.dc import subset
from devicekit.features.dc.rate import rate_text
from devicekit.features.definitions import rule
from devicekit.features.merits.dc import DcResult
from devicekit.figures.drawn import LEAST, Series, dressed
from devicekit.figures.inputs import Input

SAME = 1.02  # ratio below which stated compliances are equal


def sweeps_of(given: Input) -> pd.DataFrame | None:
    """Return the sweeps that count, one row each (`devicekit.features.dc.sweeps.Figures`); None without any.

    They are those of medians and spreads: sweeps that switched, unless they are a minority.
    """
    cycles = given.tables.get("cycles")
    if cycles is None or not {"outcome", "v_set_v", "g_lrs_s"} <= set(cycles):
        return None
    return subset.counted_sweeps(cycles)


def in_groups(inputs: Sequence[Input], least: int = LEAST) -> list[Series]:
    """Return the sweeps in groups that have a look each.

    Several inputs are a group each. One input is divided by its compliances if there are several, else by its devices
    if each of them has `least` sweeps or more.
    """
    known = [(each, rows) for each in inputs if (rows := sweeps_of(each)) is not None and len(rows)]
    if len(known) != 1:
        return dressed([Series(each.label, each, rows) for each, rows in known])
    ((given, rows),) = known
    for kind, parts in (("compliance", by_compliance(given, rows)), ("device", by_device(rows))):
        if len(parts) > 1 and min(len(part) for part in parts.values()) >= least:
            return dressed([Series(name, given, part, kind) for name, part in parts.items()])
    return dressed([Series(given.label, given, rows)])


def by_compliance(given: Input, rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the sweeps of each compliance, by its name, if characterize tells compliances apart; else nothing."""
    levels = given.tables.get("levels")
    if levels is None or "compliance_a" not in levels:
        return {}
    found = {}
    for limit in levels["compliance_a"].to_numpy(float):
        ratio = rows["compliance_a"].to_numpy(float) / limit
        own = rows[(ratio < SAME) & (ratio > 1 / SAME)]
        if len(own):
            found[si(float(limit), "A")] = own
    return found


def by_device(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the sweeps of each device."""
    return {str(name): part for name, part in rows.groupby("device_id", sort=False)}


def limits_of(rows: pd.DataFrame) -> list[float]:
    """Return the different compliances of sweeps [A], ascending."""
    found: list[float] = []
    for limit in sorted(rows["compliance_a"].dropna().to_numpy(float)):
        if not found or limit > SAME * found[-1]:
            found.append(float(limit))
    return found


def limits_text(series: Sequence[Series]) -> str:
    """Return the compliances of the sweeps in a sentence; "" if there is none."""
    limits = limits_of(pd.concat([each.rows for each in series]))
    if not limits:
        return ""
    if len(limits) > 4:
        return f"Compliance {si(limits[0], 'A')} to {si(limits[-1], 'A')}."
    return f"Compliance {listed([si(each, 'A') for each in limits])}."


def numbers_of(series: Sequence[Series], column: str = "") -> list[str]:
    """Return the number of sweeps, and of devices, of each group: of those with a value in a column."""
    found = []
    for each in series:
        rows: pd.DataFrame = each.rows
        if column:
            rows = rows[np.isfinite(rows[column].to_numpy(float))]
        devices = rows["device_id"].nunique()
        of = f" of {devices} devices" if devices > 1 else ""
        found.append(f"n = {len(rows)}{of}")
    return found


def left_out_text(inputs: Sequence[Input]) -> str:
    """Return in how many sweeps no switching was found, in a sentence; "" if all count."""
    parts = []
    for each in inputs:
        cycles = each.tables.get("cycles")
        if cycles is not None and (words := subset.shown_text(cycles)):
            parts.append(words if len(inputs) == 1 else f"{words} in {each.label}")
    return f"Shown are {listed(parts)}." if parts else ""


def read_voltage(given: Input) -> float | None:
    """Return the read voltage of HRS and LRS [V], if it is known."""
    found = given.merits.get("dc")
    if isinstance(found, DcResult):
        return found.read_voltage_v
    value = given.numbers.get("dc", {}).get("read_voltage_v")
    return None if value is None else float(value)


def read_text(inputs: Sequence[Input]) -> str:
    """Return at which voltage states were read, in a sentence; "" if it is unknown."""
    known = {value for each in inputs if (value := read_voltage(each)) is not None}
    return f"States read at {listed([si(each, 'V') for each in sorted(known)])}." if known else ""


def sweep_rate_text(inputs: Sequence[Input]) -> str:
    """Return the sweep rate in a sentence; "" if it is not known of all."""
    results = [each.merits.get("dc") for each in inputs]
    known = [each.table.frame for each in results if isinstance(each, DcResult)]
    return rate_text(known) if len(known) == len(results) else ""


def rules_text(inputs: Sequence[Input]) -> str:
    """Return the definitions of V_set and V_reset, in a sentence; "" if they are unknown."""
    found: dict[str, None] = {}
    for each in inputs:
        result = each.merits.get("dc")
        numbers = each.numbers.get("dc", {})
        if isinstance(result, DcResult):
            methods = result.v_set_method, result.v_reset_method
        elif "v_set_method" in numbers:
            methods = numbers["v_set_method"], numbers["v_reset_method"]
        else:
            continue
        read = read_voltage(each)
        found[f"V_set: {rule(methods[0], read)}. V_reset: {rule(methods[1], read)}."] = None
    return " ".join(found)
