"""Redrawn data, gains and profile intervals against numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

from devicekit.core.errors import UsageError
from devicekit.device.blocks import Window
from devicekit.fitting.branch.fit import (
    fit_branch,
    kalman_gain,
    profile_intervals,
    refine_by_innovations,
    remove_offsets,
)
from devicekit.fitting.branch.options import FitOptions
from devicekit.fitting.branch.trains import Trains
from devicekit.fitting.device import fit
from devicekit.fitting.resampling import _draw_cycles, _draw_devices, _simulate_trains, resampled_fit
from devicekit.tables import PulseTable

N = np.arange(11)
DEVIATIONS = 1e-3 * np.array([3.0, -1, 4, -1, -5, 9, -2, 6, -5, 3, 5])
WINDOW = Window(quantity="weight", low=0.0, high=1.0, scope="test")


class Dice:
    """Draws the given numbers, one a call; without any, the first elements in turn."""

    def __init__(self, *picks: int) -> None:
        self.picks = list(picks)

    def choice(self, values: np.ndarray, size: int) -> np.ndarray:
        return np.full(size, values[self.picks.pop(0)]) if self.picks else np.asarray(values)[:size]


def dice(*picks: int) -> np.random.Generator:
    """A generator that is no generator."""
    return cast(Any, Dice(*picks))


def frame(device: str, cycle: int, direction: str, weight: np.ndarray) -> pd.DataFrame:
    """One train."""
    columns = {"device_id": device, "cycle": cycle, "direction": direction, "pulse_index": np.arange(weight.size)}
    return pd.DataFrame({**columns, "weight": weight})


@pytest.mark.slow
def test_few_trains_are_simulated_with_the_noise_that_was_found() -> None:
    """Equal steps and increments alone: the sum of independent steps scatters as the root of their number."""
    up = 0.05 + 0.09 * N + DEVIATIONS
    table = PulseTable(pd.concat([frame("d", 1, "ltp", up), frame("d", 1, "ltd", 1 - up)]))
    fitted = fit(table, "linear")
    found = fitted.likelihood["ltp"]
    still = replace(found, noise=np.array([*np.log([0.02, *[1e-6] * 6]), 0.0, 0.0, 0.0]), noise_error=np.zeros(10))
    walks = replace(fitted, likelihood={"ltp": still, "ltd": still})
    tables = [_simulate_trains(walks, np.random.default_rng(k)) for k in range(200)]
    state = walks.window.to_state(np.array([each["weight"].to_numpy().reshape(2, N.size) for each in tables]))
    rising = np.array([list(each["direction"].iloc[:: N.size]) for each in tables]) == "ltp"
    drawn = np.where(rising[..., None], state, 1 - state).reshape(-1, N.size)  # 400 trains, up and down
    steps = np.diff(drawn, axis=1) - fitted.branches["ltp"].largest_step
    assert steps.std() == pytest.approx(0.02, rel=0.05)  # increments alone: independent steps of that deviation
    assert drawn[:, -1].std() == pytest.approx(0.02 * np.sqrt(10), rel=0.12)


def test_devices_are_drawn_whole_and_cycles_within_their_branch() -> None:
    """Device b twice, its own LTP beside its own LTD; then cycle 2, 1, 1, 2 of the four branches."""
    parts = [
        frame(device, cycle, direction, np.full(2, value + 10.0 * cycle))
        for device, values in (("a", (1.0, 2.0)), ("b", (3.0, 4.0)))
        for cycle in (1, 2)
        for direction, value in zip(("ltp", "ltd"), values, strict=True)
    ]
    whole = pd.concat(parts, ignore_index=True)
    devices = _draw_devices(whole, dice(1))
    assert list(devices["device_id"].unique()) == ["draw001", "draw002"]
    for _, own in devices.groupby("device_id"):
        assert own["weight"].tolist() == whole[whole["device_id"] == "b"]["weight"].tolist()
    cycles = _draw_cycles(whole, dice(1, 0, 0, 1)).groupby(["device_id", "direction", "cycle"])["weight"].first()
    drawn = {("a", "ltp"): 21.0, ("a", "ltd"): 12.0, ("b", "ltp"): 13.0, ("b", "ltd"): 24.0}
    assert cycles.to_dict() == {(*branch, cycle): weight for branch, weight in drawn.items() for cycle in (1, 2)}


@pytest.mark.parametrize(
    ("devices", "cycles", "how"), [(1, 3, "simulated"), (1, 4, "cycles"), (3, 4, "cycles"), (4, 1, "devices")]
)
def test_the_way_of_resampling_depends_on_devices_and_cycles(devices: int, cycles: int, how: str) -> None:
    """Four devices, else four cycles of a device, else simulated trains."""
    up = 0.05 + 0.09 * N + DEVIATIONS
    parts = []
    for device in range(devices):
        for cycle in range(cycles):
            own = up + 0.002 * device - 0.003 * cycle
            parts += [frame(f"d{device}", cycle, "ltp", own), frame(f"d{device}", cycle, "ltd", 1 - own)]
    assert resampled_fit(fit(PulseTable(pd.concat(parts)), "linear"), 1).settings["resampled"] == how


def test_the_gain_of_a_random_walk_is_that_of_its_riccati_equation() -> None:
    """p = q + p / (p + 1) in units of the read variance: for q = 1 the golden ratio; for q = 1/2 it is 1."""
    assert kalman_gain(1.0, 1.0) == pytest.approx((np.sqrt(5) - 1) / 2)
    assert kalman_gain(np.sqrt(0.5), 1.0) == pytest.approx(0.5)
    assert (kalman_gain(0.0, 1.0), kalman_gain(1.0, 0.0), kalman_gain(0.0, 0.0)) == (0.0, 1.0, 0.0)


def test_trains_lose_their_own_offset_and_keep_the_mean() -> None:
    rows = np.array([[0.0, 1.0, 2.0], [1.0, 2.0, 6.0]])  # the mean is 0.5, 1.5, 4; the offsets are -1 and 1
    np.testing.assert_allclose(remove_offsets(rows), [[1.0, 2.0, 3.0], [0.0, 1.0, 5.0]])


def innovations(parameters: np.ndarray, rows: np.ndarray, gain: float) -> np.ndarray:
    """Readings less what was foretold, equal steps, the state corrected by a share of each innovation."""
    found = np.empty(rows.shape)
    for k, row in enumerate(rows):
        x = parameters[1]
        for n, y in enumerate(row):
            found[k, n] = y - x
            x += gain * (y - x) + np.exp(parameters[0])
    return found


@pytest.mark.parametrize("cycles", [3, 5])
def test_innovations_have_the_covariance_of_least_squares_or_of_a_sandwich(cycles: int) -> None:
    """Three cycles: s^2 (J'J)^-1 over n - 2; five: gradients of the cycles, their sum of squares times 5 / 4."""
    rng = np.random.default_rng(0)
    values = 0.05 + 0.09 * N + 0.003 * rng.standard_normal((cycles, 11))
    trains = Trains("ltp", ("d",) * cycles, np.arange(cycles), values)
    fitted = fit_branch(trains, WINDOW, FitOptions(model="linear"), with_lmfit=False, judge=False)
    found = refine_by_innovations(fitted, trains, increment=1.0, read=1.0)
    rows, gain = remove_offsets(values), (np.sqrt(5) - 1) / 2
    p, h = found.parameters, 1e-5
    slopes = np.stack(
        [(innovations(p + h * e, rows, gain) - innovations(p - h * e, rows, gain)) / (2 * h) for e in np.eye(2)],
        axis=-1,
    )
    rest = innovations(p, rows, gain)
    inverse = np.linalg.inv(np.einsum("kni,knj->ij", slopes, slopes))
    each = np.einsum("kni,kn->ki", slopes, rest)
    np.testing.assert_allclose(each.sum(axis=0), 0.0, atol=1e-4)  # the optimum
    if cycles < 4:
        expected, degrees = inverse * (rest**2).sum() / (rest.size - 2), rest.size - 2
    else:
        expected, degrees = inverse @ (each.T @ each) @ inverse * cycles / (cycles - 1), cycles - 1
    np.testing.assert_allclose(found.covariance, expected, rtol=1e-4)
    assert found.degrees == degrees


def test_profile_intervals_of_a_straight_line_are_student_s() -> None:
    """The profile of the slope and of the intercept of a line is exact: t(9) standard errors, in ln for the rate."""
    y = 0.05 + 0.09 * N + DEVIATIONS
    trains = Trains("ltp", ("d",), np.array([1]), y[None])
    fitted = fit_branch(trains, WINDOW, FitOptions(model="linear"), judge=False)
    design = np.stack([N, np.ones(11)], axis=1)
    (slope, intercept), (rss,), *_ = np.linalg.lstsq(design, y, rcond=None)
    errors = np.sqrt(np.diag(rss / 9 * np.linalg.inv(design.T @ design)))
    for level, t in ((0.95, 2.2621571628540993), (0.8, 1.3830287383964925)):
        found = profile_intervals(fitted, level)
        assert found["x0"] == pytest.approx(
            (intercept - t * errors[1], intercept + t * errors[1]), abs=0.01 * errors[1]
        )
        reach = np.log((slope - t * errors[0]) / slope), np.log((slope + t * errors[0]) / slope)
        assert np.array(found["L"]) - np.log(slope) == pytest.approx(reach, rel=0.01)


def test_profile_intervals_are_for_four_parameters_at_most() -> None:
    y = 0.5 * (1 - np.exp(-0.05 * np.arange(60)))
    trains = Trains("ltp", ("d",), np.array([1]), y[None])
    with pytest.raises(UsageError):
        profile_intervals(fit_branch(trains, WINDOW, FitOptions(), with_lmfit=False, judge=False))
