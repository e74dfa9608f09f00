"""Shared parts of compact models: the law in closed form or as a table, the pulses, and the README on noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.device.card import DeviceCard
from devicekit.exporters import base
from devicekit.models.laws.eq2 import Eq2

NODES, MOST_NODES = 129, 1025
ASSUMED_WIDTH, ASSUMED_VOLTAGE = 1e-6, 1.0  # s, V; used where the card has no value


def published_coefficients(card: DeviceCard) -> dict[str, Eq2] | None:
    """Return the coefficients of eq. (2) for both branches; None for a card with another law."""
    if card.model != "eq2":
        return None
    return {direction: Eq2.from_internal(np.array(card.branch(direction).theta), direction) for direction in base.SIGNS}


def rate_tables(card: DeviceCard, nodes: int | None, target: str) -> dict[str, np.ndarray]:
    """Return |rates| of both branches at evenly spaced nodes; empty for eq. (2), which has a closed form.

    Raises
    ------
    UsageError
        If nodes are requested for a closed form, or are outside 2..1025.
    """
    if published_coefficients(card):
        if nodes is not None:
            raise UsageError(f"nodes= does not apply: {target} writes eq. (2) in closed form. Remove it.")
        return {}
    nodes = NODES if nodes is None else nodes
    if not 2 <= nodes <= MOST_NODES:
        raise UsageError(f"nodes= must be 2 to {MOST_NODES} for {target}; got {nodes}.")
    return {direction: _nodes(card, direction, nodes) for direction in base.SIGNS}


def _nodes(card: DeviceCard, direction: str, nodes: int) -> np.ndarray:
    return base.hat_values(lambda r: np.abs(card.rate(direction, r)), nodes)


def pulse_drive(card: DeviceCard) -> tuple[dict[str, float], list[str]]:
    """Return width, thresholds and polarity of the pulses, and sentences about assumed values."""
    conditions, assumptions = card.conditions, []
    width = conditions.pulse_width_s
    if width is None:
        width = ASSUMED_WIDTH
        assumptions.append(
            f"The card has no pulse width: {width:g} s was assumed. A card has one if it was fitted to a table with a "
            "single value of pulse_width_s."
        )
    up, down = conditions.ltp_voltage_v or 0.0, conditions.ltd_voltage_v or 0.0
    if not up or not down:
        assumptions.append(
            f"A pulse amplitude is missing on the card: {ASSUMED_VOLTAGE:g} V was assumed. A card has both if it was "
            "fitted to a table with a column pulse_voltage_v."
        )
    polarity = -1.0 if (up < 0 or down > 0) and not (up > 0 or down < 0) else 1.0
    if up * down > 0:
        assumptions.append(
            "LTP and LTD pulses of this card have the same sign, but the model needs opposite signs: V > 0 is LTP."
        )
    return {
        "width": float(width),
        "v_ltp": (abs(up) or ASSUMED_VOLTAGE) / 2,
        "v_ltd": (abs(down) or ASSUMED_VOLTAGE) / 2,
        "polarity": polarity,
    }, assumptions


def replay(card: DeviceCard, tables: dict[str, np.ndarray], pulses: int = base.PULSES) -> np.ndarray:
    """Return the states after each pulse with the tabulated rates, shape (2 pulses + 1,)."""
    r, path = 0.0, [0.0]
    for direction, sign in base.SIGNS.items():
        for _ in range(pulses):
            at = np.linspace(0.0, 1.0, tables[direction].size)
            rate = min(float(np.interp(r, at, tables[direction])), card.branch(direction).largest_step)
            r = min(max(r + sign * rate, 0.0), 1.0)
            path.append(r)
    return np.array(path)


def noise_sentence(card: DeviceCard) -> str:
    """Return the README sentence on variation: a compact model has no noise, but gains of the steps per instance."""
    text = "Not exported: a compact model has no random numbers between pulses."
    gains = base.gains(card)
    if gains is None:
        return f"{text} gain_ltp and gain_ltd scale the steps of one instance."
    up, down, correlation = gains
    return (
        f"{text} For D2D, draw ln gain_ltp and ln gain_ltd of each instance with sd {up:.4g} and {down:.4g}, "
        f"correlation {correlation:.3g} and mean -sd^2 / 2. This is d2d='shared' of a DeviceArray; by default a "
        "DeviceArray draws from the measured devices, if the card has several."
    )


def law_sentence(card: DeviceCard, closed: bool) -> str:
    """Return the README sentence on the exact parts of law and window; `closed`: eq. (2) in closed form."""
    law = "Eq. (2) with the coefficients of the card, capped" if closed else "The cap"
    state = "ln G" if card.window.scale == "log" else "G"
    return f"{law} at the largest fitted step, as in a DeviceArray; the window; {state} linear in r."


def approximations(figures: Mapping[str, Any], closed: bool) -> list[str]:
    """Return README sentences on approximations of every compact model: the table, if any, and the read law."""
    read = "Conduction is ohmic at every voltage, also during pulses: the card has G only at the read voltage."
    if closed:
        return [read]
    return [
        f"The law is a {figures['law']}, linear in between. Over {base.PULSES} LTP and as many LTD pulses it deviates "
        f"from a DeviceArray by at most {figures['deviation']:.1e} of the window.",
        read,
    ]
