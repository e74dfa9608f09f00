"""Report section of a posterior."""

from __future__ import annotations

import numpy as np

from devicekit.core.text import count, listed, percent_span
from devicekit.device import figures
from devicekit.fitting.uncertainty.posterior import BranchPosterior, Posterior
from devicekit.report import Block, Section, Table, Text, draw

NOISE = {
    "increment": ("sd of one update", "window"),
    "read": ("sd of one reading", "window"),
    "offset": ("sd of the window shift between cycles", "window"),
    "ln_rate": ("sd of the rate of a cycle", "rate"),
    "start": ("sd of the first state of a train", "window"),
    "step": ("sd of one update, in proportion to its step", "step"),
    "held": ("sd of the reversible fluctuation", "window"),
}
STATES = (0.1, 0.5, 0.9)


def posterior_section(drawn: Posterior) -> Section:
    """Build the section of the draws: how well they mixed, the band of the rate, intervals and priors."""
    blocks: list[Block] = [Text([mixing_sentence(drawn)]), _rates(drawn), _intervals(drawn), _priors(drawn)]
    return Section("Posterior", "posterior", blocks)


def mixing_sentence(drawn: Posterior) -> str:
    """Describe how many draws there are, and whether their chains agree."""
    draws = listed([f"{len(each.draws)} of {name.upper()}" for name, each in drawn.branches.items()])
    agree = "do not agree: do not use the intervals" if drawn.warnings else "agree"
    return (
        f"Draws of the coefficients and the noise that the data allow: {draws}. The chains {agree} (largest R-hat "
        f"{drawn.rhat:.3f}; at least {count(round(drawn.ess), 'independent draw')})."
    )


def _rates(drawn: Posterior) -> Block:
    rates, top = {}, 0.0
    for direction, each in drawn.branches.items():
        band = each.rate_band()
        r = np.array(band.r)
        low, high = (0.0, 1.0) if drawn.fit is None else drawn.fit.branches[direction].measured_range
        inside = (r >= low) & (r <= high)
        rate, lower, upper = (np.array(values) for values in (band.rate, band.lower, band.upper))
        rates[direction] = figures.Rate(r, rate, lower, upper, inside, band.level)
        top = max(top, float(np.abs(band.rate).max()))
    return draw(
        figures.rates(rates, top),
        "Change of the state by one pulse: median of the draws, and the range that holds 95 % of them at each state.",
        "Rate of change per pulse against the state for LTP and LTD with bands of the posterior",
        title=f"Change by one pulse in the draws, with their 95 % range; R-hat {drawn.rhat:.3f}.",
    )


def _intervals(drawn: Posterior) -> Table:
    rows = [row for direction, each in drawn.branches.items() for row in _rows(direction.upper(), each)]
    return Table(("branch", "quantity", "of", "95 % of draws"), rows, "Ranges that hold 95 % of the draws.")


def _rows(branch: str, each: BranchPosterior) -> list[tuple[str, ...]]:
    band = each.rate_band(np.array(STATES))
    ends = zip(STATES, band.lower, band.upper, strict=True)
    up = branch == "LTP"
    rows = [
        (
            branch,
            f"change by one pulse at r = {r:g}",
            "window",
            percent_span(*((low, high) if up else (-high, -low)), 3),
        )
        for r, low, high in ends
    ]
    intervals = {name: each.interval(name) for name in NOISE if f"ln_{name}" in each.names}
    return [*rows, *((branch, *NOISE[name], percent_span(*ends, 3)) for name, ends in intervals.items())]


def _priors(drawn: Posterior) -> Table:
    rows = [
        (direction.upper(), name, words)
        for direction, each in drawn.branches.items()
        for name, words in each.priors.items()
    ]
    return Table(("branch", "parameter", "prior"), rows, "Priors of the coefficients and of the noise.")
