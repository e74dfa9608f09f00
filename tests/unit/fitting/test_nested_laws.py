"""A fit is never less likely than that of a law nested in it, and its curve lies no further from the mean curve."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from devicekit import PulseTable, fit
from devicekit.models import kernel
from devicekit.models.law import Law
from devicekit.models.registry import LAWS, ladder

NESTINGS = [(law, name) for law in LAWS.values() for name in law.nested]
THETA = {"linear": [-4.0], "exponential": [-3.5, 0.9], "softbounds": [-4.4, -0.4]}


def trains(name: str, seed: int, cycles: int = 3) -> PulseTable:
    """Return trains of a law in the window from 10 to 60 uS, with increments and readings that scatter."""
    rng = np.random.default_rng(seed)
    rows = []
    for cycle in range(cycles):
        for direction in ("ltp", "ltd"):
            x = [0.02]
            for _ in range(60):
                step = kernel.rates(LAWS[name].id, np.array(THETA[name]), np.array(x[-1:]))[0]
                x.append(x[-1] + step * (1 + 0.1 * rng.standard_normal()) + 0.002 * rng.standard_normal())
            read = np.array(x) + 0.01 * rng.standard_normal(len(x))
            state = read if direction == "ltp" else 1 - read
            rows.append(pd.DataFrame({"cycle": cycle, "direction": direction, "conductance_s": 1e-5 + 5e-5 * state}))
            rows[-1]["pulse_index"] = np.arange(len(x))
    return PulseTable(pd.concat(rows).assign(device_id="A"))


@pytest.mark.parametrize(("law", "name"), NESTINGS, ids=[f"{law.name}-{name}" for law, name in NESTINGS])
def test_a_nested_law_has_the_same_rates(law: Law, name: str) -> None:
    lesser, states = LAWS[name], np.linspace(0.0, 0.95, 20)
    rng = np.random.default_rng(0)
    for _ in range(20):
        theta = np.append(rng.uniform(-5.0, 0.0), rng.uniform(0.05, 0.9, lesser.n_parameters - 1))
        parameters = law.embed(name, np.append(theta, 0.1))
        assert parameters[-1] == 0.1
        np.testing.assert_allclose(
            kernel.rates(law.id, parameters[:-1], states), kernel.rates(lesser.id, theta, states), rtol=1e-6
        )


def test_the_ladder_ends_with_the_law_of_most_parameters_and_leads_to_the_line() -> None:
    assert [law.name for law in ladder(LAWS["eq2"])] == ["linear", "exponential", "softbounds"]
    assert ladder(LAWS["linear"]) == []


def test_what_lies_outside_the_bounds_starts_from_the_nearest_point_within() -> None:
    assert LAWS["eq2"].embed("softbounds", np.array([-3.0, 1.8, 0.05])) == pytest.approx([-3, 1.3, 1, 0, 0, 0.5, 0.05])


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("truth", list(THETA))
def test_no_fit_is_less_likely_than_a_law_nested_in_it(truth: str, seed: int) -> None:
    table = trains(truth, seed)
    fits = {name: fit(table, name) for name in LAWS if name in THETA or LAWS[name].nested}
    for law, name in NESTINGS:
        for direction, branch in fits[law.name].branches.items():
            lesser = fits[name].branches[direction]
            inside = law.nested[name](lesser.theta)
            if (inside < law.lower).any() or (inside > law.upper).any():
                continue  # soft bounds that steepen are not a power step
            assert branch.log_likelihood is not None
            assert lesser.log_likelihood is not None
            assert branch.log_likelihood >= lesser.log_likelihood - 0.01, (law.name, name, direction)
            assert branch.nrmse <= lesser.nrmse + 0.01, (law.name, name, direction)


def test_json_gives_the_log_likelihood_of_each_branch(tmp_path: Path, devicekit: Any) -> None:
    table = trains("softbounds", 3, cycles=2)
    table.to_csv(tmp_path / "trains.csv")
    shown = json.loads(devicekit("fit", tmp_path / "trains.csv", "--json").out)["branches"]
    found = fit(tmp_path / "trains.csv").likelihood
    for direction in ("ltp", "ltd"):
        assert shown[direction]["log_likelihood"] == pytest.approx(found[direction].log_likelihood)
