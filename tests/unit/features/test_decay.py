"""Decays: closed-form sums of squares and intervals, truths made by recursion, and what stays open."""

from __future__ import annotations

import numpy as np
import pytest

from devicekit.core.records import Estimate
from devicekit.features.relaxation import decay
from devicekit.features.relaxation.squares import Data


def after_one_pulse(t: np.ndarray, y: np.ndarray) -> Data:
    """Readings at delays after one pulse, and a constant."""
    return Data(y, np.ones((t.size, 1)), t[:, None])


def test_an_exact_exponential_is_found() -> None:
    t = np.geomspace(1e-3, 0.2, 40)
    found = decay.fit(after_one_pulse(t, 3.0 + 2.0 * np.exp(-t / 0.04) + 1e-9 * np.cos(7e3 * t)))
    assert found.values["tau_s"] == pytest.approx(0.04, rel=1e-6)
    assert found.others[0] == pytest.approx(3.0, rel=1e-7)
    assert found.amplitudes[0] == pytest.approx(2.0, rel=1e-7)
    assert (found.n, found.k) == (40, 3)


def test_the_interval_is_where_the_profile_crosses_students_t() -> None:
    """By a sum of squares that is computed here anew, by least squares at fixed tau."""
    from scipy.stats import t as student

    rng = np.random.default_rng(3)
    t = np.geomspace(0.01, 4.0, 30)
    y = 1.0 + np.exp(-t) + 0.05 * rng.standard_normal(30)
    found = decay.fit(after_one_pulse(t, y))

    def rss(tau: float) -> float:
        x = np.column_stack([np.ones(30), np.exp(-t / tau)])
        return float(((y - x @ np.linalg.lstsq(x, y, rcond=None)[0]) ** 2).sum())

    tau = found.parameters["tau_s"]
    assert tau.low is not None
    assert tau.high is not None
    wanted = rss(tau.value) * (1 + student.ppf(0.975, 27) ** 2 / 27)
    assert rss(tau.low) == pytest.approx(wanted, rel=1e-4)
    assert rss(tau.high) == pytest.approx(wanted, rel=1e-4)
    assert found.noise == pytest.approx(np.sqrt(rss(tau.value) / 27), rel=1e-6)
    assert found.bic == pytest.approx(30 * np.log(rss(tau.value) / 30) + 4 * np.log(30), rel=1e-9)


@pytest.mark.parametrize(
    ("name", "truth"),
    [
        ("stretched", {"tau_s": 0.05, "beta": 0.6}),
        ("power", {"tau_s": 0.05, "exponent": 1.5}),
        ("double", {"tau_s": 0.01, "tau2_s": 0.2, "share": 0.4}),
    ],
)
def test_two_nonlinear_parameters_are_found(name: str, truth: dict[str, float]) -> None:
    t = np.geomspace(1e-4, 5.0, 80)
    curve = {
        "stretched": lambda: np.exp(-((t / 0.05) ** 0.6)),
        "power": lambda: (1 + t / 0.05) ** -1.5,
        "double": lambda: 0.4 * np.exp(-t / 0.01) + 0.6 * np.exp(-t / 0.2),
    }[name]()
    found = decay.fit(after_one_pulse(t, 2.0 - 0.5 * curve), name)  # falls by pulses: the amplitude is negative
    assert found.values == pytest.approx(truth, rel=5e-3)
    assert found.amplitudes == pytest.approx((-0.5,), rel=5e-3)
    assert decay.predict(found, np.ones((80, 1)), t[:, None]) == pytest.approx(2.0 - 0.5 * curve, abs=1e-4)


def test_pulses_add_up_as_a_recursion_does() -> None:
    """The state is carried from pulse to pulse here; the fit sums kernels over all pulses."""
    gap, tau, stays, goes = 0.02, 0.05, 0.3, 0.7
    level, volatile, y, delays, counts = 1.0, 0.0, [], [], []
    for k in range(12):
        y.append(level + volatile)
        delays.append([gap * (k - j) if j < k else np.nan for j in range(12)])
        counts.append(k)
        level += stays
        volatile = (volatile + goes) * np.exp(-gap / tau)
    found = decay.fit(Data(np.array(y), np.column_stack([np.ones(12), counts]), np.array(delays)))
    assert found.values["tau_s"] == pytest.approx(tau, rel=1e-4)
    assert found.others == pytest.approx((1.0, stays), rel=1e-4)
    assert found.amplitudes == pytest.approx((goes,), rel=1e-4)


def test_pulses_of_two_kinds_have_amplitudes_of_their_own() -> None:
    t = np.linspace(0.0, 1.0, 60)
    since = np.where(t[:, None] > np.array([0.1, 0.5]), t[:, None] - np.array([0.1, 0.5]), np.nan)
    y = 1.0 + np.nansum(np.array([2.0, -1.0]) * np.where(np.isnan(since), 0.0, np.exp(-since / 0.1)), axis=1)
    found = decay.fit(Data(y, np.ones((60, 1)), since, np.array([0, 1])))
    assert found.amplitudes == pytest.approx((2.0, -1.0), rel=1e-4)
    with pytest.raises(decay.Undetermined):
        decay.fit(Data(y, np.ones((60, 1)), since, np.array([0, 1])), "double")


def test_a_straight_piece_of_a_decay_bounds_tau_from_below_only() -> None:
    rng = np.random.default_rng(0)
    t = np.linspace(0.01, 0.2, 30)
    tau = decay.fit(after_one_pulse(t, 1 + np.exp(-t) + 0.03 * rng.standard_normal(30))).parameters["tau_s"]
    assert tau.high is None
    assert not tau.closed


def test_readings_and_parameters_are_counted() -> None:
    t = np.array([1.0, 2.0, 3.0])
    with pytest.raises(decay.Undetermined, match="3 readings for 3"):
        decay.fit(after_one_pulse(t, np.array([3.0, 2.0, 1.5])))
    assert decay.fit(after_one_pulse(np.r_[t, 4.0], np.array([3.0, 2.0, 1.5, 1.4]))).n == 4


def made(noise: float, curve: str, n: int = 60, seed: int = 1) -> Data:
    rng = np.random.default_rng(seed)
    t = np.geomspace(1e-3, 1.0, n)
    k = {"plain": np.exp(-t / 0.1), "double": 0.5 * np.exp(-t / 0.01) + 0.5 * np.exp(-t / 0.2), "none": 0 * t}[curve]
    return after_one_pulse(t, 1.0 + k + noise * rng.standard_normal(n))


def test_what_is_chosen() -> None:
    assert decay.choose(made(0.005, "double")).verdict == "decided"
    assert decay.choose(made(0.005, "double")).kernel == "double"
    plain = decay.choose(made(0.005, "plain"))
    assert (plain.verdict, plain.kernel) == ("parsimony", "exponential")
    assert plain.candidates[0] == "exponential"
    loud = decay.choose(made(0.15, "plain"))
    assert loud.verdict == "undecided"
    assert {"exponential", "stretched"} <= set(loud.candidates)
    assert decay.choose(made(0.05, "none")).verdict == "no_decay"
    assert decay.choose(made(0.005, "double"), chosen="stretched").verdict == "chosen"


def given_fit(kernel: str, parameters: dict[str, Estimate], rss: float, k: int, bic: float) -> decay.Fit:
    one = (1.0,)
    return decay.Fit(
        kernel=kernel,
        parameters=parameters,
        others=one,
        amplitudes=one,
        covariance=np.eye(2),
        rss=rss,
        noise=0.1,
        n=60,
        k=k,
        bic=bic,
    )


@pytest.mark.parametrize(("beta", "verdict"), [(0.8501, "parsimony"), (0.8499, "undecided")])
def test_an_exponential_is_called_by_the_interval_of_beta(
    monkeypatch: pytest.MonkeyPatch, beta: float, verdict: str
) -> None:
    def given(data: Data, name: str) -> decay.Fit:
        k, bic = (3, 0.0) if name == "exponential" else (4, 3.0)
        shape = {"beta": Estimate(0.95, beta, 1.0)} if name == "stretched" else {}
        parameters = {"tau_s": Estimate(1.0, 0.9, 1.1), **shape}
        return given_fit(name, parameters, 1.0, k, bic)

    monkeypatch.setattr(decay, "fit", given)
    monkeypatch.setattr(decay, "bic_without_decay", lambda data: 1e3)
    assert decay.choose(made(0.1, "plain")).verdict == verdict


@pytest.mark.parametrize(("bic", "rss", "left"), [(5.9, 1.2, True), (6.1, 1.2, False), (6.1, 1.1, True)])
def test_a_kernel_is_excluded_by_criterion_and_likelihood(
    monkeypatch: pytest.MonkeyPatch, bic: float, rss: float, left: bool
) -> None:
    """60 ln 1.2 is 10.9, above the limit of 6; 60 ln 1.1 is 5.7, below."""

    def given(data: Data, name: str) -> decay.Fit:
        own = (0.0, 1.0) if name == "double" else (bic, rss) if name == "power" else (50.0, 3.0)
        return given_fit(name, {"tau_s": Estimate(1.0)}, own[1], 4, own[0])

    monkeypatch.setattr(decay, "fit", given)
    monkeypatch.setattr(decay, "bic_without_decay", lambda data: 1e3)
    assert ("power" in decay.choose(made(0.1, "plain"), ("double", "power", "exponential")).candidates) is left


def test_weights_are_readings_averaged() -> None:
    """Each reading twice, or once with the weight 2: the same fit, by half the readings."""
    data = made(0.02, "plain", 30)
    twice = Data(np.repeat(data.y, 2), np.repeat(data.others, 2, 0), np.repeat(data.delays, 2, 0))
    once = Data(data.y, data.others, data.delays, None, np.full(30, 2.0))
    assert decay.fit(once).values["tau_s"] == pytest.approx(decay.fit(twice).values["tau_s"], rel=1e-4)
    assert decay.fit(once).rss == pytest.approx(decay.fit(twice).rss, rel=1e-9)
