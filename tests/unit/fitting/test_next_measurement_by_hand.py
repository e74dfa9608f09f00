"""What a measurement would tell: repeated readings, another device, a population, each by linear algebra here."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from devicekit.fitting.likelihood.filter import NOISES, information
from devicekit.fitting.uncertainty import advice
from devicekit.models.registry import get_law

LINEAR = get_law("linear")
READ = LINEAR.n_parameters + 1 + NOISES.index("read")


def branch(read: float = 0.005, between: float = 0.1) -> Any:
    """Equal steps of 2 % of the window; 0.1 % scatter of a step, and hardly anything else."""
    noise = np.array([*np.log([0.001, read, 1e-3, 0.01, 1e-3, 1e-6, 1e-6]), 0.0, 0.0, 0.0])
    found = SimpleNamespace(
        law=LINEAR, parameters=np.array([[np.log(0.02), 0.0]]), noise=noise, present=np.array([True] * 5 + [False] * 5)
    )
    made = object.__new__(advice._Branch)
    made.found, made.between, made.p = found, between, LINEAR.n_parameters
    made.have = np.eye(LINEAR.n_parameters + 1 + len(NOISES))
    return made


def test_single_readings_give_the_mean_information_of_the_simulated_trains() -> None:
    """Three trains: three times the information of all that are foretold over their number, and nothing more."""
    made = branch()
    z = np.concatenate([made.found.parameters[0], made.found.noise])
    trains = made._simulate_trains(z, 20)
    fisher, scores = np.empty((12, 12)), np.empty((len(trains), 12))
    information(LINEAR.id, z, trains, np.array([True] * 7 + [False] * 5), fisher, scores)
    assert made.information_of(advice._Plan("", trains=3, pulses=20)) == pytest.approx(
        3 * fisher / len(trains), rel=1e-12
    )


def test_readings_of_one_state_determine_their_noise_by_their_scatter() -> None:
    """4 readings a state are one of half the noise, and 3 degrees more a state: 2 x 3 of information by ln sd."""
    several = branch(read=0.01).information_of(advice._Plan("", trains=3, pulses=20, reads=4))
    single = branch(read=0.005).information_of(advice._Plan("", trains=3, pulses=20))
    more = several - single
    assert more[READ, READ] == pytest.approx(3 * 21 * 2 * (4 - 1), rel=1e-9)
    more[READ, READ] = 0.0
    assert np.abs(more).max() < 1e-9 * np.abs(single).max()
    every = branch(read=0.01).information_of(advice._Plan("", trains=1, pulses=20, reads=4, every=5))
    less = every - branch(read=0.005).information_of(advice._Plan("", trains=1, pulses=20, every=5))
    assert less[READ, READ] == pytest.approx(5 * 2 * 3, rel=1e-9)  # after 0, 5, 10, 15 and 20 pulses


@pytest.mark.parametrize("between", [0.1, 0.4])
def test_another_device_adds_information_with_its_own_rate_and_start_unknown(between: float) -> None:
    """Schur's complement is the inverse of the part of the inverse; its rate is this one's to `between`."""
    same = branch(between=between).information_of(advice._Plan("", trains=2, pulses=20))
    other = branch(between=between).information_of(advice._Plan("", trains=2, pulses=20, elsewhere=True))
    prior = np.diag([between**-2, 1e-9, *np.ones(10)])  # ones: what offset and start share has no inverse
    expected = np.linalg.inv(np.linalg.inv(same + prior)[2:, 2:]) - np.eye(10)
    assert other[2:, 2:] == pytest.approx(expected, rel=1e-6, abs=1e-6 * np.abs(expected).max())
    assert not other[:2].any()
    assert not other[:, :2].any()


def test_another_device_informs_on_the_noise_but_not_on_this_rate() -> None:
    made = branch()
    other = made.information_of(advice._Plan("", trains=1, pulses=20, elsewhere=True))
    assert made.variance(made.have + other, "rate") == pytest.approx(made.variance(made.have, "rate"))
    increment = made.p + 1 + NOISES.index("increment")
    then = np.linalg.inv(made.have + other)[increment, increment]
    assert made.variance(made.have + other, "increment") == pytest.approx(then)
    assert then < 0.9


def test_the_goals_are_read_off_the_covariance() -> None:
    """Equal steps: d rate / d L = rate, so that the relative variance of the rate is that of L."""
    made = branch()
    information = np.diag([25.0, 4.0, 9.0, 16.0, 1.0, 1.0, 1.0, 0.0])
    information[0, 1] = information[1, 0] = 6.0
    inverse = np.linalg.inv(information[:2, :2])
    assert made.variance(information, "rate") == pytest.approx(inverse[0, 0])
    assert made.variance(information, "population") == pytest.approx(inverse[0, 0])
    assert made.variance(information, "increment") == pytest.approx(1 / 9)


def test_a_population_is_known_by_what_devices_differ_and_by_how_well_each_is_known() -> None:
    """sqrt((0.15^2 + mean variance) / devices), of one device and with one more."""
    d2d = advice.D2D_LN_RATE
    assert advice._population([0.01, 0.03], 0.0) == pytest.approx(np.sqrt(d2d**2 + 0.02))
    assert advice._population([0.01, 0.03], 1.0) == pytest.approx(np.sqrt((d2d**2 + 0.02) / 2))


def test_both_branches_count_by_the_root_of_their_mean_square() -> None:
    """Variances 4 and 16 (of unlike branches), halved by a plan that tells as much as is known."""
    made = []
    for variance in (4.0, 16.0):
        own = branch()
        own.have = np.diag([1 / variance, *np.ones(7)])
        own.information_of = lambda plan, own=own: own.have
        made.append(own)
    found = advice._candidate(advice._Plan("twice", 2, 10, reads=3, every=5), made, "rate", np.sqrt(10.0), 7)
    assert found.sd_then == pytest.approx(np.sqrt(5.0))
    assert found.variance_left == pytest.approx(0.5)
    assert (found.cost, found.reads) == (2 * (10 + 7), 2 * 3 * 3)


def test_the_rate_is_known_by_its_mean_variance_over_its_squared_mean() -> None:
    """Soft bounds: rate e^L (1 - kappa x) / (1 - kappa / 2); sd of L 0.2 and of kappa 0.1, which do not go together."""
    law, kappa, x = get_law("softbounds"), 0.6, advice.STATES
    made = object.__new__(advice._Branch)
    made.found = SimpleNamespace(law=law, parameters=np.array([[np.log(0.02), kappa, 0.0]]))
    made.p = law.n_parameters
    rate = 0.02 * (1 - kappa * x) / (1 - kappa / 2)
    by_kappa = 0.02 * (0.5 - x) / (1 - kappa / 2) ** 2
    expected = (0.2**2 * rate**2 + 0.1**2 * by_kappa**2).mean() / rate.mean() ** 2
    information = np.diag([25.0, 100.0, *np.zeros(7)])
    assert made.variance(information, "rate") == pytest.approx(expected, rel=1e-9)
