"""Report section of a law in amplitude and width: laws, rates, trains, and one pulse left out."""

from __future__ import annotations

import numpy as np

from devicekit.core.text import percent, si
from devicekit.fitting import figures
from devicekit.fitting.branch.options import FitOptions
from devicekit.fitting.pulses.joint import fit_joint_pulses
from devicekit.fitting.pulses.laws import Joint
from devicekit.fitting.pulses.prediction import LEVEL, predict
from devicekit.fitting.pulses.result import PulseLaw
from devicekit.models.pulselaw import EVERY_LAW
from devicekit.report import Block, Section, Table, Text, draw

FEWEST = 4  # kinds of pulses needed so that one can be left out and the law of the others still be tested


def pulse_section(law: PulseLaw) -> Section:
    """Build the section: laws with their tests, rates against amplitude and width, trains, and a left-out train."""
    blocks: list[Block] = [Text(law.sentences()), _laws(law)]
    for along, there in (("amplitude", _any(law, "with_amplitude")), ("width", _any(law, "with_width"))):
        if there:
            blocks.append(
                draw(
                    law.panel(along),
                    f"Rate at half of the window against the {along}: fitted free at each measured pulse (dots, 95 %) "
                    "and by the best law. The band covers every law that is not excluded.",
                    f"Rate per pulse against the pulse {along} with the law and its band",
                    title=f"Rate against the {along}.",
                )
            )
    for direction, joint in law.joints.items():
        blocks.append(
            draw(
                law.trains_panel(direction),
                f"{direction.upper()}: mean curves of every kind of pulse, and one shape scaled by the law.",
                f"State against pulse number of {direction.upper()} trains of several pulses, with the fit",
                title=f"{direction.upper()} trains of every pulse.",
            )
        )
        blocks += _left_out(joint)
    return Section("Amplitude and width", "pulses", blocks)


def _any(law: PulseLaw, name: str) -> bool:
    return any(getattr(joint, name) for joint in law.joints.values())


def _laws(law: PulseLaw) -> Table:
    rows = [
        (
            row["direction"].upper(),
            EVERY_LAW[row["law"]].equation,
            row["parameters"],
            f"{row['aicc_above_best']:.1f}",
            "–" if row["p_value"] is None or np.isnan(row["p_value"]) else f"{row['p_value']:.2g}",
            row["verdict"],
            row["doi"],
        )
        for row in law.table().to_dict("records")
    ]
    head = ("branch", "law", "parameters ± standard error", "AICc - best", "p", "verdict", "doi")
    caption = (
        "Laws of the pulse, each with one shape for all trains. p: likelihood-ratio test against a separate rate for "
        "each pulse (against a parabola where amplitudes grow along a train). Excluded: p below 0.01, or AICc more "
        "than 10 above the best."
    )
    return Table(head, rows, caption)


def _left_out(joint: Joint) -> list[Block]:
    """Predict the middle pulse from the others, if enough of them are left."""
    if joint.free is None or len(joint.pulses) < FEWEST:
        return []
    gone = joint.reference
    kept = [each for each in joint.programmes if each.pulse != gone]
    out = next(each for each in joint.programmes if each.pulse == gone)
    options = FitOptions(joint.law.name, state=joint.window.scale)
    rest = fit_joint_pulses(kept, joint.window, options, joint.with_amplitude, joint.with_width)
    x = out.curve(joint.window)
    r = x if joint.direction == "ltp" else 1.0 - x
    first = float(r[np.isfinite(r)][0])
    volts, wide = (gone.voltage_v if joint.with_amplitude else None, gone.width_s if joint.with_width else None)
    found = predict(rest, volts, wide, r.size - 1, first, LEVEL)
    seen = np.isfinite(r)
    misfit = float(np.sqrt(np.mean((found.r - r)[seen] ** 2)) / np.ptp(r[seen]))
    inside = float(np.mean((r >= found.low)[seen] & (r <= found.high)[seen]))
    parts = [si(value, unit) for value, unit in ((gone.voltage_v, "V"), (gone.width_s, "s")) if value is not None]
    words = (
        f"{joint.direction.upper()} at {', '.join(parts)}, left out and predicted from the other pulses: nrmse "
        f"{percent(misfit)}, {inside:.0%} of the mean curve inside its predicted band."
    )
    return [
        draw(
            figures.left_out(np.arange(r.size), r, found.r, found.low, found.high),
            words,
            "State against pulse number of a train that was left out, with its prediction and band",
            title=f"{joint.direction.upper()}: a pulse left out.",
        )
    ]
