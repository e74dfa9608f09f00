"""What exports of compact models share: the law in closed form or as a table, the pulses, and what is said of noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from devicekit.device.card import DeviceCard
from devicekit.errors import UsageError
from devicekit.exporters import base
from devicekit.models.laws.eq2 import Eq2

NODES, MOST_NODES = 129, 1025
ASSUMED_WIDTH, ASSUMED_VOLTAGE = 1e-6, 1.0  # s, V; where the card does not say


def published_coefficients(card: DeviceCard) -> dict[str, Eq2] | None:
    """Eq. (2)'s coefficients of both branches, None if the card's law is another."""
    if card.model != "eq2":
        return None
    return {direction: Eq2.from_internal(np.array(card.branch(direction).theta), direction) for direction in base.SIGNS}


def rate_tables(card: DeviceCard, nodes: int | None, target: str) -> dict[str, np.ndarray]:
    """Rates of both branches at evenly spaced nodes, magnitudes; empty for eq. (2), which has a closed form.

    Raises
    ------
    UsageError
        If nodes are asked for where there is a closed form, or are out of 2..1025.
    """
    if published_coefficients(card):
        if nodes is not None:
            raise UsageError(
                f"nodes= is for laws other than eq. (2), which {target} writes in closed form: leave it out"
            )
        return {}
    nodes = NODES if nodes is None else nodes
    if not 2 <= nodes <= MOST_NODES:
        raise UsageError(f"nodes= is 2 to {MOST_NODES} for {target}, not {nodes}")
    return {direction: _nodes(card, direction, nodes) for direction in base.SIGNS}


def _nodes(card: DeviceCard, direction: str, nodes: int) -> np.ndarray:
    return base.hat_values(lambda r: np.abs(card.rate(direction, r)), nodes)


def pulse_drive(card: DeviceCard) -> tuple[dict[str, float], list[str]]:
    """Width, thresholds and polarity, and what had to be assumed."""
    at, said = card.conditions, []
    width = at.pulse_width_s
    if width is None:
        width = ASSUMED_WIDTH
        said.append(
            f"The card does not say the pulse width: {width:g} s was assumed; a card that was fitted to a table with "
            "one value of pulse_width_s says it."
        )
    up, down = at.ltp_voltage_v or 0.0, at.ltd_voltage_v or 0.0
    if not up or not down:
        said.append(
            f"The card does not say both pulse amplitudes: {ASSUMED_VOLTAGE:g} V was assumed for those missing; one "
            "that was fitted to a table with a column pulse_voltage_v says them."
        )
    polarity = -1.0 if (up < 0 or down > 0) and not (up > 0 or down < 0) else 1.0
    if up * down > 0:
        said.append(
            "LTP and LTD pulses of this card have the same sign; the model tells them apart by sign: V > 0 is LTP."
        )
    return {
        "width": float(width),
        "v_ltp": (abs(up) or ASSUMED_VOLTAGE) / 2,
        "v_ltd": (abs(down) or ASSUMED_VOLTAGE) / 2,
        "polarity": polarity,
    }, said


def replay(card: DeviceCard, tables: dict[str, np.ndarray], pulses: int = base.PULSES) -> np.ndarray:
    """States after each pulse with the tabulated rates, shape (2 pulses + 1,)."""
    r, path = 0.0, [0.0]
    for direction, sign in base.SIGNS.items():
        for _ in range(pulses):
            at = np.linspace(0.0, 1.0, tables[direction].size)
            rate = min(float(np.interp(r, at, tables[direction])), card.branch(direction).largest_step)
            r = min(max(r + sign * rate, 0.0), 1.0)
            path.append(r)
    return np.array(path)


def noise_sentence(card: DeviceCard) -> str:
    """What is said of the card's variation: a compact model has none, but gains of the steps for each instance."""
    text = "Not exported: a compact model has no random numbers between pulses."
    gains = base.gains(card)
    if gains is None:
        return f"{text} gain_ltp and gain_ltd scale the steps of one instance."
    up, down, correlation = gains
    return (
        f"{text} For D2D draw ln gain_ltp and ln gain_ltd of each instance with sd {up:.4g} and {down:.4g}, "
        f"correlation {correlation:.3g}, mean -sd^2 / 2, as a DeviceArray does with d2d='shared' (its default draws "
        "measured devices, where a card has several)."
    )


def law_sentence(card: DeviceCard, closed: bool) -> str:
    """Return what is exact of the law and the window; `closed`: eq. (2) in closed form."""
    law = "Eq. (2) with the card's coefficients" if closed else "The caps"
    state = "ln G" if card.window.scale == "log" else "G"
    return f"{law}, capped at the largest fitted step as in devicekit's own array; the window; {state} linear in r."


def approximations(figures: Mapping[str, Any], closed: bool) -> list[str]:
    """Return what every compact model leaves out: a table's deviation, where there is one, and the read law."""
    read = "The read law is ohmic at every voltage, also during pulses: the card knows G at the read voltage only."
    if closed:
        return [read]
    return [
        f"The law is a {figures['law']}, linear between them: over {base.PULSES} LTP and LTD pulses each within "
        f"{figures['deviation']:.1e} of the window of devicekit's own array.",
        read,
    ]
