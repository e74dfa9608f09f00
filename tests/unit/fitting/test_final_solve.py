"""The last call of a single fit ends where lmfit ends, to the last bit, without it."""

from __future__ import annotations

import numpy as np
import pytest

from devicekit.fitting.branch import search
from devicekit.fitting.branch.final_solve import FinalSolve
from devicekit.fitting.branch.fit import build_box, is_at_bound
from devicekit.models import kernel
from devicekit.models.registry import get_law


def call(model: str, theta: list[float], noise: float, away: float, seed: int = 0) -> FinalSolve:
    """A noisy curve of a law, from beside the truth."""
    rng = np.random.default_rng(seed)
    law = get_law(model)
    x = kernel.simulate(law.id, np.array(theta), 0.01, 80) + noise * rng.standard_normal(81)
    x[7] = np.nan
    w = np.isfinite(x).astype(float)
    box = build_box(law, x, noise)
    start = np.clip(np.array([*theta, 0.01]) + away, box.lower, box.upper)
    return FinalSolve(law, x, w, box, start, is_at_bound(start, box))


CASES = [
    ("linear", [-4.5], 0.01, 0.1),
    ("softbounds", [-3.5, 0.9], 0.004, 0.05),
    ("eq2", [-3.8, 0.87, 1.2, -2.7, -0.9, 2.3], 0.002, 0.02),
    ("eq2", [-3.8, 0.87, 1.2, -2.7, -0.9, 2.3], 0.02, 0.3),  # far off: MINPACK stops late, or is given up
]


@pytest.mark.parametrize(("model", "theta", "noise", "away"), CASES)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_ends_where_lmfit_does(model: str, theta: list[float], noise: float, away: float, seed: int) -> None:
    last = call(model, theta, noise, away, seed)
    end, squares = last.solve()
    result = last.problem().solve()
    assert end.tolist() == [result.params[name].value for name in last.law.names]
    assert squares == float(np.sum(np.asarray(result.residual) ** 2))


def test_a_search_without_free_parameters_is_left_to_lmfit() -> None:
    last = call("softbounds", [-3.5, 0.9], 0.004, 0.0)
    held = FinalSolve(last.law, last.x, last.w, last.box, last.start, np.array([True, False, True]))
    end, squares = held.solve()
    assert end[0] == last.start[0]
    assert end[2] == last.start[2]
    assert squares == pytest.approx(float(np.sum(held.residual(end) ** 2)))
    assert isinstance(held.box, search.Box)
