"""One pulse a cell: a regression that gives back what the cells were made with, and says no more than it can."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from devicekit.core.errors import UsageError
from devicekit.fitting.pulses.single import single_pulses

DATA = Path(os.environ.get("DEVICEKIT_TEST_DATA", "absent")) / "rram_1t1r" / "set_sweep.tsv"


def cells(n: int, seed: int, slope: float = 3.4, longer: float = 0.05, scatter: float = 0.4) -> dict[str, np.ndarray]:
    """SYNTHETIC twin of a set sweep: change of ln G linear in amplitude and ln width, cells of many states."""
    rng = np.random.default_rng(seed)
    volts, wide = rng.choice(np.arange(0.5, 1.05, 0.1), n), rng.choice([2e-8, 1e-7, 1e-6], n)
    before = np.exp(-11.2 + 0.5 * rng.standard_normal(n))
    change = slope * volts + longer * np.log(wide / 1e-7) - 0.6 * (np.log(before) + 11.2)
    change += scatter * rng.standard_normal(n)
    return {"voltage": volts, "width": wide, "before": before, "after": before * np.exp(change)}


def test_intervals_of_coefficients_have_their_stated_coverage() -> None:
    inside = np.zeros(3)
    for seed in range(200):
        found = single_pulses(**cells(300, seed))
        truth = {"voltage_v": 3.4, "ln_width": 0.05, "ln_before": -0.6}
        for k, (name, value) in enumerate(truth.items()):
            low, high = found.interval(name)
            inside[k] += low <= value <= high
    assert (inside / 200 > 0.9).all()
    assert (inside / 200 < 0.99).all()


def test_the_scatter_is_that_of_cells_and_pulses_together() -> None:
    data = cells(4000, 1)
    found = single_pulses(**data)
    assert found.scatter == pytest.approx(0.4, rel=0.05)
    assert single_pulses(**data, state=False).scatter == pytest.approx(0.5, rel=0.05)  # the state's part is left in it
    table = found.table()
    assert table["cells"].sum() == 4000
    assert (
        table["median"].is_monotonic_increasing or table.groupby("voltage_v")["median"].mean().is_monotonic_increasing
    )
    assert ((table["q25"] <= table["median"]) & (table["median"] <= table["q75"])).all()
    panel = found.panel()
    assert len(panel.curves) == 4
    assert "4000 cells" in repr(found)


def test_a_gate_is_a_separate_regressor_and_polarity_is_ignored() -> None:
    data, rng = cells(2000, 2), np.random.default_rng(3)
    gate = rng.choice([1.5, 2.0, 2.5], 2000)
    data["after"] = data["after"] * np.exp(0.3 * gate)
    found = single_pulses(**{**data, "voltage": -data["voltage"]}, gate=gate)
    assert found.values[found.names.index("gate_v")] == pytest.approx(0.3, abs=0.1)
    assert found.values[found.names.index("voltage_v")] == pytest.approx(3.4, abs=0.2)


def test_unusable_single_pulses_are_refused() -> None:
    data = cells(50, 4)
    with pytest.raises(UsageError, match="neither"):
        single_pulses(np.ones(50), np.ones(50), data["before"], data["after"])
    with pytest.raises(UsageError, match="voltage, width"):
        single_pulses(data["voltage"][:3], data["width"], data["before"], data["after"])
    with pytest.raises(UsageError, match="cells"):
        single_pulses(**{name: each[:10] for name, each in data.items()})
    broken = {**data, "after": np.where(np.arange(50) < 30, np.nan, data["after"])}
    assert single_pulses(**broken).change.size == 20


@pytest.mark.skipif(not DATA.exists(), reason="DEVICEKIT_TEST_DATA is not set")
def test_the_measured_set_sweep_determines_the_amplitude_and_hardly_the_width() -> None:
    names = ["cell", "width", "voltage", "gate", "before", "after"]
    raw = pd.read_csv(DATA, sep="\t", header=None, names=names)
    on = raw[(raw["gate"] >= 1.5) & (raw["voltage"] <= 1.0)]
    columns = [on[name].to_numpy() for name in ("voltage", "width")]
    found = single_pulses(*columns, 1 / on["before"].to_numpy(), 1 / on["after"].to_numpy(), on["gate"].to_numpy())
    assert found.interval("voltage_v") == pytest.approx((3.32, 3.47), abs=0.02)
    assert 0 < found.interval("ln_width")[0] < found.interval("ln_width")[1] < 0.03
    assert found.scatter == pytest.approx(0.44, abs=0.02)


def test_errors_of_two_amplitudes_are_those_of_two_groups_that_scatter_differently() -> None:
    """The slope over 0.5 V: variances of both groups over their sizes, times n / (n - 2)."""
    change = [np.array([0.1, 0.3, -0.2, 0.4, 0.0, 0.2]), np.array([2.0, 0.5, 1.5, 3.0, -0.5, 1.0, 2.5, 0.8])]
    volts = np.repeat([1.0, 1.5], [6, 8])
    found = single_pulses(volts, np.full(14, 1e-7), np.ones(14), np.exp(np.concatenate(change)), state=False)
    assert found.names == ("constant", "voltage_v")
    assert found.values[1] == pytest.approx((change[1].mean() - change[0].mean()) / 0.5)
    of_means = sum(each.var() / each.size for each in change)
    assert found.errors[1] == pytest.approx(np.sqrt(of_means * 14 / 12) / 0.5)


def test_doubled_cells_are_those_that_increased() -> None:
    """Of G x 4, x 1, / 4 and x 2 at each amplitude, two of four; a fall to a quarter is none."""
    factor = np.tile([4.0, 1.0, 0.25, 2.0], 4)
    table = single_pulses(np.repeat([0.5, 0.7], 8), np.full(16, 1e-7), np.ones(16), factor, state=False).table()
    assert table["doubled"].tolist() == [0.5, 0.5]
    assert table["cells"].tolist() == [8, 8]
