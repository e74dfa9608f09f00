"""Lives over write cycles as sentences and as rows."""

from __future__ import annotations

from devicekit.core.records import Estimate, flatten
from devicekit.core.text import percent
from devicekit.features.lives.wear import WeibullLife
from devicekit.features.stats import clopper_pearson


def rows(life: WeibullLife, criterion: str) -> list[dict[str, object]]:
    """Return one row per number of the life."""
    numbers: list[tuple[str, Estimate | None, str | None]] = [
        ("shape", life.shape, None),
        ("scale_cycles", life.scale, None),
        *((f"cycles_{100 * each.share:g}_percent", each.cycles, each.reason) for each in life.shares),
    ]
    known = {"n": life.n, "failures": life.failures, "criterion": criterion}
    return [
        {"number": name, **flatten("value", estimate, ""), "refusal": reason, **known}
        for name, estimate, reason in numbers
    ]


def _interval(estimate: Estimate) -> str:
    """Format the 95 % interval of a number."""
    return "95 %: open" if estimate.ends is None else f"95 %: {estimate.ends[0]:.2g} to {estimate.ends[1]:.2g}"


def window_text(slope: Estimate) -> str:
    """Return how the window changes with cycles."""
    words = "" if slope.ends is None else f" ({_interval(slope)})"
    return f"On/off changes by {slope.value:.2g} decades{words} per decade of cycles before failure."


def no_failure_text(n: int, to: int) -> str:
    """Return the bound on the yield if none of n devices failed up to a cycle that each of them reached."""
    least = clopper_pearson(n, n)[0]
    share = f"at least {percent(least)} of such devices last that long (lower end of the 95 % interval)"
    return f"Lifetime not estimated: no device failed within {to:.3g} cycles; {share}."


def life_text(found: WeibullLife) -> str:
    """Return the cycles until shares of the devices have failed."""
    parts = []
    for each in found.shares:
        when = each.reason if each.cycles is None else f"after {each.cycles.value:.2g} ({_interval(each.cycles)})"
        parts.append(f"{percent(each.share)} {when}")
    text = (
        f"Weibull law of {found.failures} failures among {found.n} devices: shape {found.shape.value:.2g} "
        f"({_interval(found.shape)}). Cycles until devices have failed: {'; '.join(parts)}."
    )
    if min(each.share for each in found.shares) < 1 / found.n:
        text += f" Shares below 1 in {found.n} extrapolate this law."
    return text
