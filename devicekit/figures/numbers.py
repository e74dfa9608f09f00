"""The table of a figure: median, 5 and 95 % quantile, C2C and D2D of every quantity of every input."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from devicekit.features.stats import Spread
from devicekit.figures.inputs import Input

_OF_ESTIMATE = ("c2c", "d2d")


def numbers(inputs: Sequence[Input]) -> pd.DataFrame:
    """Return one row per quantity, as `characterize` found it; the variation of fits is in their cards."""
    return pd.DataFrame([{"input": each.label, **row} for each in inputs for row in _rows(each)])


def _rows(given: Input) -> Iterator[dict[str, Any]]:
    for result in given.merits.values():
        for spread in getattr(result, "spreads", ()):
            yield spread.row()
        for level in getattr(result, "levels", ()):
            for spread in getattr(level, "spreads", ()):
                if isinstance(spread, Spread):
                    yield {"compliance_a": level.compliance_a, **spread.row()}
    for name in ("dc", "endurance"):
        found = given.numbers.get(name)
        for row in (found or {}).get("spreads", ()) if isinstance(found, Mapping) else ():
            yield _flat(row)
    if given.fit is not None:
        for direction, branch in given.fit.variation.branches.items():
            kept = branch.to_card()
            for kind in _OF_ESTIMATE:
                for name, sigma in getattr(kept, kind).items():
                    if sigma.value is not None:
                        low, high = sigma.interval or (None, None)
                        yield {
                            "quantity": f"{direction} {name}",
                            "unit": "window",
                            "n_devices": branch.n_devices,
                            kind: sigma.value,
                            f"{kind}_low": low,
                            f"{kind}_high": high,
                        }


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a spread of a JSON file with the names of a table."""
    found = {name: value for name, value in row.items() if not name.endswith("_range")}
    for name in _OF_ESTIMATE:
        ends = row.get(f"{name}_range") or (None, None)
        found |= {f"{name}_low": ends[0], f"{name}_high": ends[1]}
    return found
