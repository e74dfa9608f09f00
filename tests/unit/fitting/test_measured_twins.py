"""Ramps and weights laid out as the measured ones that `test_fit.py` and `test_batch_sampling.py` fit, of known truth.

The files are written here cell by cell, from a law that is written out here, not by devicekit's own generator.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from devicekit.fitting.device import fit
from devicekit.fitting.sampling import spread_ratio

LOW, HIGH, VOLTS = 1.6e-3, 2.5e-3, 0.1  # of the window [S]; read voltage [V]


def train(pulses: int, rng: np.random.Generator, increment: float) -> np.ndarray:
    """r(0) = 0 and r(n + 1) = r(n) + 0.03 (1.02 - r(n)) + increment N(0, 1), in units of the window."""
    r = np.zeros(pulses)
    for n in range(1, pulses):
        r[n] = r[n - 1] + 0.03 * (1.02 - r[n - 1]) + increment * rng.standard_normal()
    return r


def ramps(folder: Path, cycles: int, increment: float, noise: float, drift: float, seed: int) -> dict[str, np.ndarray]:
    """set.csv and reset.csv, a column a ramp, of 185 and 150 pulses less up to 3; the window rises by `drift` in all.

    Returns what was written by direction [S], shape (pulses, cycles), NaN beyond the ends.
    """
    rng, made = np.random.default_rng(seed), {}
    for direction, name, pulses in (("ltp", "set", 185), ("ltd", "reset", 150)):
        made[direction] = np.full((pulses, cycles), np.nan)
        for k in range(cycles):
            r = train(pulses - k % 4, rng, increment)
            r = (r if name == "set" else 1 - r) + drift * k / max(cycles - 1, 1) + noise * rng.standard_normal(r.size)
            made[direction][: r.size, k] = LOW + (HIGH - LOW) * r
        rows = [",".join("" if np.isnan(g) else f"{VOLTS * g:.12e}" for g in row) for row in made[direction]]
        head = ",".join(f"rmp{k}" for k in range(1, cycles + 1))
        (folder / f"{name}.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return made


def test_one_ramp_is_fitted_to_its_noise(tmp_path: Path) -> None:
    """nrmse = read noise over the range of the curve, less what 7 parameters take up: chi of 143 to 178 points."""
    noise = 0.002
    ramps(tmp_path, 4, 0.0, noise, 0.0, 1)
    result = fit(tmp_path, quantity="current", read_voltage=VOLTS, cycle=2)
    for direction, pulses in (("ltp", 184), ("ltd", 149)):
        branch = result.branches[direction]
        assert branch.n_points == pulses
        # sd of a chi of about 150 over its mean: 1 / sqrt(300), 6 %; three of them
        assert branch.nrmse == pytest.approx(noise * np.sqrt(1 - 7 / pulses), rel=0.18)


def test_ramps_that_drift_upward(tmp_path: Path) -> None:
    """The paper's C2C, the mean over pulses of the sd over cycles, takes in the drift; an increment does not."""
    increment = 0.001
    made = ramps(tmp_path, 20, increment, 0.001, 0.1, 2)
    result = fit(tmp_path, quantity="current", read_voltage=VOLTS)
    drifts = [warning.message for warning in result.warnings if warning.code == "drift"]
    assert len(drifts) == 2
    assert all("upward" in message for message in drifts)
    scale = (HIGH - LOW) / result.window.span  # of the generator's window in the fit's
    for direction in ("ltp", "ltd"):
        found = result.variation.branches[direction]
        assert found.increment == pytest.approx(increment * scale, rel=0.1)
        assert found.read == pytest.approx(0.001 * scale, rel=0.1)
        pulses = np.isfinite(made[direction]).sum(axis=1) > 1
        spread = np.nanstd(made[direction][pulses], axis=1, ddof=1).mean() / result.window.span
        assert found.c2c_paper == pytest.approx(spread, rel=1e-6)
        assert spread == pytest.approx(0.1 / 19 * np.sqrt(35) * scale, rel=0.1)  # nearly all of it is the drift
        ratio = spread_ratio(result, direction, 1)
        assert ratio.c2c == pytest.approx(1.0, abs=0.1)
        assert ratio.c2c_paper > 2  # drawn as increments, that spread adds up over the pulses


def test_noisy_weights_are_flagged(tmp_path: Path) -> None:
    """1000 readings up and down of sd 6.4 % of the range, quantised to 1/90: nrmse is that over the fitted range."""
    rng = np.random.default_rng(3)
    rise = 2.0 * (1 - np.exp(-np.arange(1000) / 250)) - 1.0
    span = rise[-1] - rise[0]
    columns = [np.rint(90 * (w + 0.064 * span * rng.standard_normal(1000))) / 90 for w in (rise, -rise)]
    path = tmp_path / "weights.csv"
    path.write_text("".join(f"{a:.5g},{b:.5g}\n" for a, b in zip(*columns, strict=True)), encoding="utf-8")
    result = fit(path, quantity="weight")
    assert [warning.code for warning in result.warnings].count("noisy") == 2
    for branch in result.branches.values():
        assert branch.n_points == 1000
        noise = np.hypot(0.064 * span, 1 / 90 / np.sqrt(12))
        assert branch.rms == pytest.approx(noise / result.window.span, rel=0.07)  # three times 1 / sqrt(2000)
