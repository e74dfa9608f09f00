"""Numbers of a card for tables and first pages."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from devicekit.core.scalars import Scalar
from devicekit.device.blocks import Branch, BranchVariation, Sigma, Window
from devicekit.device.steps import mean_step


def scalars(
    window: Window, law: int, branches: Sequence[Branch], variations: Sequence[BranchVariation]
) -> tuple[Scalar, ...]:
    """Return window, misfit, steps, asymmetry and variation of a card.

    Parameters
    ----------
    window : Window
    law : int
        Number of the update law.
    branches, variations : sequence of Branch and of BranchVariation
        LTP, LTD; or one of them, which has no asymmetry.
    """
    on = _state(window.scale)
    steps = [mean_step(law, each.theta, each.largest_step) for each in branches]
    shown = _window(window)
    if len(steps) == 2:
        up, down = steps
        words = "pulses to cross the window at the step averaged over all states (LTP and LTD)"
        ratio = max(up / down, down / up)
        shown += [
            Scalar("steps", words, (up * down) ** -0.5, by=on),
            Scalar("asymmetry", "asymmetry of LTP and LTD (ratio of mean steps)", ratio, by=on),
        ]
    else:
        words = f"pulses to cross the window at the step averaged over all states ({branches[0].direction.upper()})"
        shown += [Scalar("steps", words, 1.0 / steps[0], by=on)]
    for branch, variation, step in zip(branches, variations, steps, strict=True):
        shown += _branch(branch, variation, window.scale)
        shown += _update(branch, variation, step, window.scale)
    return tuple(shown)


def _state(scale: str) -> str:
    """Return the name of the quantity that a share of the window refers to, if it is not conductance itself."""
    return "state on a log scale" if scale == "log" else ""


def _window(window: Window) -> list[Scalar]:
    by = re.sub(r" of \d+ devices$", "", window.scope)
    if window.quantity == "weight":
        ends = (("weight_low", window.low), ("weight_high", window.high))
        return [Scalar(name, f"{name.removeprefix('weight_')} end of the window", value, by=by) for name, value in ends]
    shown = [
        Scalar("g_low_s", "low end of the window", window.low, "S", by=by),
        Scalar("g_high_s", "high end of the window", window.high, "S", by=by),
    ]
    if window.low > 0:
        shown.append(Scalar("on_off", "on/off (high over low end of the window)", window.high / window.low, by=by))
    return shown


def _branch(branch: Branch, variation: BranchVariation, scale: str) -> list[Scalar]:
    name, direction = branch.direction.upper(), branch.direction
    on = _state(scale)
    shown = [Scalar(f"nrmse_{direction}", f"{name} rms misfit", branch.nrmse, of="the curve's range", by=on)]
    for key, words, group in (
        ("increment", "sd of one update", variation.c2c),
        ("read", "sd of one reading", variation.c2c),
        ("spread_anova", "C2C spread of the state", variation.c2c),
        ("spread_anova", "D2D spread of the state", variation.d2d),
    ):
        if (sigma := group.get(key)) is not None:
            stem = key if key != "spread_anova" else "c2c_spread" if group is variation.c2c else "d2d_spread"
            shown.append(_sigma(f"{stem}_{direction}", f"{name} {words}", sigma, on))
    return shown


def _update(branch: Branch, variation: BranchVariation, step: float, scale: str) -> list[Scalar]:
    """Return the sd of one update of the mean step, of its constant part and the part in proportion to the step.

    It compares devices of which some scatter by the one part and some by the other.
    """
    if (increment := variation.c2c.get("increment")) is None:
        return []
    by = ", ".join(each for each in (increment.estimator, _state(scale)) if each)
    value = math.hypot(increment.value, (variation.step_noise or 0.0) * step)
    label = f"{branch.direction.upper()} sd of one update at the mean step"
    return [Scalar(f"update_sd_{branch.direction}", label, value, of="window", by=by)]


def _sigma(name: str, label: str, sigma: Sigma, on: str) -> Scalar:
    low, high = sigma.interval or (None, None)
    by = ", ".join(each for each in (sigma.estimator, on) if each)
    return Scalar(name, label, sigma.value, of="window", low=low, high=high, by=by)
