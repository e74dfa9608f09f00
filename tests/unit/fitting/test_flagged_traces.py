"""Traps of measured data: each has a defined answer, an error or a warning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from devicekit.fitting.branch.trains import estimate_noise
from devicekit.fitting.device import fit
from devicekit.models import kernel
from devicekit.models.laws.eq2 import LAW as EQ2
from devicekit.readers import read
from devicekit.tables import PulseTable

THETA = (-4.0, 0.95, 1.3, -6.0, 2.0, 1.0)


def frame(up: np.ndarray, down: np.ndarray, low: float = 1e-4, high: float = 4e-4) -> pd.DataFrame:
    parts = []
    for direction, r in (("ltp", up), ("ltd", down)):
        columns = {"device_id": "d", "cycle": 1, "direction": direction, "pulse_index": range(r.size)}
        parts.append(pd.DataFrame({**columns, "conductance_s": low + (high - low) * r}))
    return pd.concat(parts, ignore_index=True)


def curve(theta: tuple[float, ...] = THETA, n: int = 100) -> np.ndarray:
    return kernel.simulate(EQ2.id, np.array(theta), 0.0, n)


def noisy(x: np.ndarray, sd: float, seed: int = 0) -> np.ndarray:
    return x + sd * np.random.default_rng(seed).standard_normal(x.size)


def codes(table: pd.DataFrame) -> set[str]:
    return {warning.code for warning in fit(PulseTable(table)).warnings}


def test_noise_of_readings_is_estimated() -> None:
    x = np.linspace(0, 1, 2001)
    assert estimate_noise(noisy(x, 0.02)) == pytest.approx(0.02, rel=0.06)


def test_quantised_readings_have_the_noise_of_their_step() -> None:
    x = curve()
    assert estimate_noise(np.round(x * 12) / 12) == pytest.approx(1 / 12 / np.sqrt(12), rel=1e-6)
    steps = np.round(noisy(x, 0.003) * 25) / 25
    assert "outliers" not in codes(frame(steps, 1 - steps))


def test_isolated_outliers_are_flagged() -> None:
    x = noisy(curve(), 0.003)
    x[[20, 60]] += 0.3
    assert "outliers" in codes(frame(x, 1 - noisy(curve(), 0.003, 1)))


def test_a_long_plateau_is_flagged_with_its_length() -> None:
    fast = curve((-2.0, 0.99, 1.0, 0.0, 0.0, 0.0))
    found = fit(PulseTable(frame(noisy(fast, 0.002), 1 - noisy(fast, 0.002, 1))))
    assert "plateau" in {warning.code for warning in found.warnings}
    assert found.branches["ltp"].nrmse < 0.01


def test_a_first_pulse_that_the_law_cannot_follow_is_flagged() -> None:
    x = 0.3 + 0.7 * np.linspace(0, 1, 60)
    x = np.r_[0.0, x]
    assert "first_pulse" in codes(frame(noisy(x, 0.001), 1 - noisy(curve(), 0.001)))


def test_ranges_that_differ_several_times_are_flagged() -> None:
    assert "range_ratio" in codes(frame(noisy(curve(), 0.003), 1 - 0.3 * noisy(curve(), 0.003, 1)))


def test_a_pair_that_amplifies_errors_is_flagged() -> None:
    rising = (-5.0, -3.0, 1.0, 0.0, 0.0, 0.0)  # steps grow along the train: q > 1 all along
    x = curve(rising, 90)
    assert "loop_gain" in codes(frame(noisy(x / x[-1], 0.001), 1 - noisy(x / x[-1], 0.001, 1)))
    assert "loop_gain" not in codes(frame(noisy(curve(), 0.001), 1 - noisy(curve(), 0.001, 1)))


def test_a_steep_fall_of_the_rate_is_flagged() -> None:
    x = 1 - np.r_[1.0, 0.02 * 0.9 ** np.arange(40)]
    assert {"overshoot", "abrupt"} & codes(frame(noisy(x, 0.001), 1 - noisy(curve(), 0.001)))


def test_correlated_residuals_are_flagged() -> None:
    x = curve() + 0.02 * np.sin(np.arange(101) / 5)
    table = frame(noisy(x, 0.001), 1 - noisy(curve(), 0.001))
    assert "structured" not in codes(table)  # one cycle cannot tell scatter of updates from a law that misses the shape
    cycles = [table.assign(cycle=n, conductance_s=table["conductance_s"] * (1 + 1e-4 * n)) for n in range(1, 6)]
    (warning,) = (
        warning
        for warning in fit(PulseTable(pd.concat(cycles, ignore_index=True))).warnings
        if warning.code == "structured" and warning.message.startswith("LTP")  # LTD repeats its noise in each cycle
    )
    assert "too narrow" not in warning.message
    assert "does not follow" in warning.message


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda f: f.assign(direction=f["direction"].map({"ltp": "ltd", "ltd": "ltp"})), "reversed"),
        (lambda f: f.sample(frac=1.0, random_state=1), None),
        (lambda f: f.assign(pulse_index=f["pulse_index"] + 1), None),
        (lambda f: f.assign(pulse_index=f["pulse_index"] * 5), None),
        (lambda f: f.drop(columns=["direction", "cycle", "pulse_index"]), "split"),
    ],
)
def test_order_and_labels(change: Callable[[pd.DataFrame], pd.DataFrame], code: str | None, tmp_path: Path) -> None:
    """Swapped labels, shuffled rows, other counts and missing labels all give the same fit."""
    clean = frame(noisy(curve(), 0.002), 1 - noisy(curve(), 0.002, 1))
    change(clean).to_csv(tmp_path / "t.csv", index=False)
    # these trains start slowly: where one column turns must be said
    table = read(tmp_path / "t.csv", accept=code is not None, **({"pulses": (101, 100)} if code == "split" else {}))
    assert isinstance(table, PulseTable)
    assert code is None or code in {warning.code for warning in table.warnings}
    result, reference = fit(table), fit(PulseTable(clean))
    for direction in ("ltp", "ltd"):
        assert result.branches[direction].nrmse < 0.01
        measured = result.branches[direction].measured
        # LTD starts 2.4 % above the end of LTP here; an unmarked turn belongs to the train before it
        last = measured[np.isfinite(measured)][-1]
        np.testing.assert_allclose(
            last, reference.branches[direction].measured[-1], atol=0.03 if code == "split" else 1e-6
        )


def test_a_train_first_read_after_its_first_pulse_is_no_junction() -> None:
    """Analysers that read after each pulse give no reading of the state before the first one."""
    soft = curve((np.log(0.06), 0.95, 1.0, 0.0, 0.0, 0.0), 60)
    soft = soft / soft[-1]
    missed = frame(soft[1:], (1 - soft)[1:])
    assert 1 - missed["conductance_s"].iloc[60] / missed["conductance_s"].iloc[59] > 0.05
    assert "junction" not in codes(missed)
    apart = frame(soft, 0.8 * (1 - soft))
    assert "junction" in codes(apart)


def test_one_cycle_gives_no_variation_over_cycles() -> None:
    x = noisy(curve(), 0.003)
    one = frame(x, 1 - x)
    assert "assumed_c2c" in codes(one)
    assert "assumed_c2c" not in codes(pd.concat([one, frame(noisy(x, 0.003, 1), 1 - x).assign(cycle=2)]))
