"""Card of a device without its nonlinearity or its asymmetry; the difference to the card is their cost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from devicekit.core.errors import CodedWarning
from devicekit.device.blocks import Branch, BranchVariation, DeviceRow
from devicekit.device.card import DeviceCard
from devicekit.device.steps import mean_step as one_step
from devicekit.models.laws.eq2 import Eq2
from devicekit.models.registry import get_law


def _pair(
    law: int,
    up: tuple[float, ...],
    down: tuple[float, ...],
    caps: tuple[float, float],
    linear: bool,
    symmetric: bool,
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, float]]:
    """Return parameters of both branches and their caps; mean steps are kept, or set to their geometric mean."""
    log_up, log_down = (math.log(one_step(law, t, c)) for t, c in zip((up, down), caps, strict=True))
    middle = (log_up + log_down) / 2
    if linear:
        levels = (middle, middle) if symmetric else (log_up, log_down)
        return (levels[0],), (levels[1],), (math.exp(levels[0]), math.exp(levels[1]))
    if not symmetric:
        return up, down, caps
    # LTD becomes the mirror image of LTP: the same law on the rising coordinate
    theta = (up[0] + middle - log_up, *up[1:])
    cap = caps[0] * math.exp(middle - log_up)
    return theta, theta, (cap, cap)


def idealise(card: DeviceCard, *, linear: bool = False, symmetric: bool = False) -> DeviceCard:
    """Return the card of a device made linear, symmetric, or both; its noise and number of devices are kept.

    Parameters
    ----------
    card : DeviceCard
        A fitted device.
    linear : bool
        Every pulse of a branch makes that branch's mean step, wherever the state is.
    symmetric : bool
        LTD becomes the mirror image of LTP; both make the geometric mean of the two mean steps.

    Returns
    -------
    DeviceCard
        For training: misfit (nrmse, r2), starts of trains (x0) and blocks of other measurements are still those of the
        fit.
    """
    if not (linear or symmetric):
        return card
    law = card.law.id
    caps = (card.ltp.largest_step, card.ltd.largest_step)
    up, down, new_caps = _pair(law, card.ltp.theta, card.ltd.theta, caps, linear, symmetric)
    rows = []
    for row in card.devices:
        row_caps = (row.ltp_largest_step, row.ltd_largest_step)
        r_up, r_down, r_caps = _pair(law, row.ltp_theta, row.ltd_theta, row_caps, linear, symmetric)
        changes = {
            "ltp_theta": r_up,
            "ltd_theta": r_down,
            "ltp_largest_step": r_caps[0],
            "ltd_largest_step": r_caps[1],
        }
        rows.append(DeviceRow(**{**row.model_dump(), **changes}))
    words = " and ".join(["linear"] * linear + ["symmetric"] * symmetric)
    made = card.model_copy(
        update={
            "name": f"{card.name}, made {words}",
            "model": get_law("linear").name if linear else card.model,
            "ltp": card.ltp.model_copy(update={"theta": up, "largest_step": new_caps[0]}),
            "ltd": card.ltd.model_copy(update={"theta": down, "largest_step": new_caps[1]}),
            "devices": tuple(rows),
            "warnings": (*card.warnings, CodedWarning("idealised", f"made {words}: its steps are not the fitted ones")),
        }
    )
    return made.model_copy(update={direction: _describe_branch(made, direction) for direction in ("ltp", "ltd")})


def _describe_branch(card: DeviceCard, direction: str) -> Branch:
    """Return a branch whose coefficients and rate curve follow from its own steps, not from a fit."""
    branch, law, window = card.branch(direction), card.law, card.window
    theta, curve = np.array(branch.theta), branch.rate_curve
    rate = tuple(card.rate(direction, np.array(curve.r)).tolist())
    own = law.to_published(theta, direction)
    in_siemens = window.quantity == "conductance_s" and window.scale == "linear" and law.name == "eq2"
    return branch.model_copy(
        update={
            "coefficients": own,
            "coefficients_s": asdict(Eq2(**own).rescaled(window.span, window.low)) if in_siemens else None,
            "standard_errors": dict.fromkeys(law.names),
            "weak": (),
            "at_bound": (),
            "rate_curve": curve.model_copy(update={"rate": rate, "lower": rate, "upper": rate, "method": "idealised"}),
        }
    )


def mean_steps(card: DeviceCard) -> tuple[float, float]:
    """Return mean LTP and mean LTD step over the window, fractions of it; at least 1e-12."""
    up, down = (one_step(card.law.id, each.theta, each.largest_step) for each in (card.ltp, card.ltd))
    return up, down


def mean_step(card: DeviceCard) -> float:
    """Return the geometric mean of the mean LTP and LTD steps over the window, fraction of it."""
    up, down = mean_steps(card)
    return math.sqrt(up * down)


def with_steps(card: DeviceCard, factor: float) -> DeviceCard:
    """Return the card with every step, and the scatter of its updates, multiplied by `factor`.

    Parameters
    ----------
    card : DeviceCard
        A fitted device.
    factor : float
        Above 0.

    Returns
    -------
    DeviceCard
        For training only, as that of `idealise`.
    """

    def scatter(own: BranchVariation) -> BranchVariation:
        c2c = {
            name: sigma.model_copy(update={"value": sigma.value * factor}) if sigma.kind == "increment" else sigma
            for name, sigma in own.c2c.items()
        }
        return own.model_copy(update={"c2c": c2c})

    variation = card.variation.model_copy(
        update={"ltp": scatter(card.variation.ltp), "ltd": scatter(card.variation.ltd)}
    )
    return scaled_steps(card, {"ltp": factor, "ltd": factor}).model_copy(update={"variation": variation})


def scaled_steps(card: DeviceCard, factors: Mapping[str, float]) -> DeviceCard:
    """Return the card with the steps of each direction multiplied by its factor, above 0."""

    def theta(values: tuple[float, ...], factor: float) -> tuple[float, ...]:
        return (values[0] + math.log(factor), *values[1:])

    rows = []
    for row in card.devices:
        changes: dict[str, object] = {}
        for name, factor in factors.items():
            changes[f"{name}_theta"] = theta(getattr(row, f"{name}_theta"), factor)
            changes[f"{name}_largest_step"] = getattr(row, f"{name}_largest_step") * factor
        rows.append(row.model_copy(update=changes))
    branches = {}
    for name, factor in factors.items():
        own = card.branch(name)
        changes = {"theta": theta(own.theta, factor), "largest_step": own.largest_step * factor}
        branches[name] = own.model_copy(update=changes)
    return card.model_copy(update={"devices": tuple(rows), **branches})
