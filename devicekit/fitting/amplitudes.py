"""Fit of a table with several amplitudes: the branches of a reference pulse, and the law for all other pulses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning
from devicekit.core.quantities import DIRECTIONS
from devicekit.core.text import count, si
from devicekit.device.blocks import Window
from devicekit.fitting.branch.fit import build_box, names_at_bound
from devicekit.fitting.branch.options import FitOptions
from devicekit.fitting.branch.result import BranchFit
from devicekit.fitting.condition import LARGE, fit_condition
from devicekit.fitting.pulses.fit import pulse_law
from devicekit.fitting.pulses.laws import Joint
from devicekit.fitting.pulses.programmes import Programme, programmes_of
from devicekit.fitting.pulses.result import PulseLaw
from devicekit.fitting.result import DeviceFit
from devicekit.tables import PulseTable

# codes of a fit to one kind of pulse
REPLACED = ("weak", "at_bound", "extrapolated", "law_stops", "structured", "read_noise_only")
BY_LAW = "moments of the residuals of all trains"


def fit_amplitudes(table: PulseTable, options: FitOptions) -> DeviceFit:
    """Fit a table of several amplitudes (and widths): the device at a reference pulse, and the law of the others.

    Raises UsageError if the table has one amplitude only.

    Parameters
    ----------
    table : PulseTable
        Trains at two amplitudes or more, of one width or several, or trains whose amplitude grows.
    options : FitOptions
        How to fit; `share` is amplitude or both.

    Returns
    -------
    DeviceFit
        Of the reference pulse (the middle amplitude at the middle width) with `pulse_law`; where every train grows, of
        the middle pulse of those trains.
    """
    law = pulse_law(table, options)
    assert law is not None
    window = next(iter(law.joints.values())).window
    shown, chosen = _reference_table(table, law)
    single = replace(options, share=None)
    # the warning that no law describes growing amplitudes does not apply here
    kept_warnings = tuple(each for each in table.warnings if each.code != "growing_amplitude")
    fitted = fit_condition(replace(shown, warnings=kept_warnings), single, window)
    branches: dict[str, BranchFit | None] = {"ltp": fitted.ltp, "ltd": fitted.ltd}
    spreads = dict(fitted.variation.branches)
    for direction, joint in law.joints.items():
        own = branches[direction]
        if own is None:
            continue
        branches[direction] = _apply_joint_fit(own, joint, chosen[direction], window)
        if chosen[direction].varied:
            noise = joint.noise
            spreads[direction] = replace(
                spreads[direction], increment=noise.increment, read=noise.read, step=None, intervals={}, by=BY_LAW
            )
    growing = any(each.varied for each in chosen.values())
    kept = fitted.own_warnings
    if growing:  # these checks assume identical pulses in both branches
        kept = tuple(each for each in kept if each.code not in ("loop_gain", "range_ratio", "junction"))
    return replace(
        fitted,
        ltp=branches["ltp"],
        ltd=branches["ltd"],
        devices={} if growing else fitted.devices,
        variation=replace(fitted.variation, branches=spreads),
        own_warnings=(*kept, *law.warnings),
        settings=options.as_settings(),
        likelihood={} if growing else fitted.likelihood,
        pulse_law=law,
    )


def _reference_table(table: PulseTable, law: PulseLaw) -> tuple[PulseTable, dict[str, Programme]]:
    """Select the trains of the reference pulse (or the programme nearest to it), and each direction's programme."""
    parts: list[pd.DataFrame] = []
    chosen: dict[str, Programme] = {}
    for direction in DIRECTIONS:
        programmes = programmes_of(table, direction)
        if direction in law.joints:
            joint = law.joints[direction]
            programmes = list(joint.programmes)
            here = [each for each in programmes if each.pulse == joint.reference and not each.varied]
            middle = programmes[len(programmes) // 2]
            constant = [each for each in programmes if not each.varied]
            chosen[direction] = (here or constant or [middle])[0]
            programmes = [chosen[direction]]
        parts += [_build_rows(each, direction, table.quantity) for each in programmes]
    frame = pd.concat(parts, ignore_index=True)
    name = "read_voltage_v"
    if name in table.frame and table.frame[name].nunique() == 1:
        frame[name] = table.frame[name].dropna().iloc[0]
    return replace(table, frame=frame), chosen


def _build_rows(programme: Programme, direction: str, quantity: str) -> pd.DataFrame:
    """Return a programme's trains as rows of a table."""
    trains = programme.trains
    count, readings = trains.values.shape
    rows = {
        "device_id": np.repeat(np.array(trains.devices, dtype=object), readings),
        "cycle": np.repeat(_number_trains(trains.devices), readings),
        "direction": direction,
        "pulse_index": np.tile(np.arange(readings), count),
        quantity: trains.values.ravel(),
    }
    sign = 1.0 if direction == "ltp" else -1.0
    frame = pd.DataFrame(rows)
    if np.isfinite(programme.voltages).all():
        frame["pulse_voltage_v"] = np.tile(sign * np.append(programme.voltages[:1], programme.voltages), count)
    if np.isfinite(programme.widths).all():
        frame["pulse_width_s"] = float(programme.widths[0])
    return frame


def _number_trains(devices: tuple[str, ...]) -> np.ndarray:
    """Number the trains of each device from 1, since cycle numbers of several amplitudes can coincide."""
    seen: dict[str, int] = {}
    found = []
    for name in devices:
        seen[name] = seen.get(name, 0) + 1
        found.append(seen[name])
    return np.array(found)


def _apply_joint_fit(fit: BranchFit, joint: Joint, programme: Programme, window: Window) -> BranchFit:
    """Return the branch of the reference pulse with the shape of all trains and the rate given by the law."""
    best = joint.fit
    g = next(k for k, each in enumerate(joint.programmes) if each is programme)
    at = np.r_[np.arange(best.own.start), best.own.stop + g]
    parameters = np.append(best.theta, best.starts[g])
    x = programme.curve(window)
    factors, _ = joint.ln_factor(joint.best, best.values, programme.voltages, programme.widths)
    alike = not programme.varied and bool(np.all(np.abs(factors) < 1e-12))
    first, last = programme.voltages[0], programme.voltages[-1]
    grows = f"; amplitudes grow along the train ({first:.3g} to {last:.3g} V), as the law of the amplitude describes"
    note = CodedWarning(
        "amplitude_law",
        f"{joint.direction.upper()}: one shape fits {count(len(joint.programmes), 'kind')} of trains, scaled by a "
        f"{joint.best} law of the pulse; this branch is for a pulse of {_pulse_text(joint)}"
        f"{grows if programme.varied else ''}",
    )
    return replace(
        fit,
        parameters=parameters,
        covariance=best.wide[np.ix_(at, at)],
        degrees=LARGE,
        method=f"joint fit over pulses, {joint.best} law; scatter of rates about it {joint.scatter:.1%}",
        x=x,
        band=None,
        at_bound=names_at_bound(fit.law, parameters, build_box(fit.law, x, fit.noise)),
        warnings=(*(each for each in fit.warnings if each.code not in REPLACED), note),
        final_solve=None,
        ln_factors=None if alike else factors,
    )


def _pulse_text(joint: Joint) -> str:
    own = joint.reference
    parts = [si(value, unit) for value, unit in ((own.voltage_v, "V"), (own.width_s, "s")) if value is not None]
    return ", ".join(parts)
