"""How far rates are from the best law of the pulse, and what a law is charged for its parameters."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from devicekit.fitting.branch.options import FitOptions
from devicekit.fitting.pulses import joint
from devicekit.fitting.pulses.fit import pulse_law
from devicekit.fitting.pulses.laws import LawFit, free_levels, is_undetermined, judge_laws
from devicekit.fitting.pulses.noise import Noise, Path
from devicekit.fitting.pulses.result import PulseLaw
from devicekit.models.pulselaw import Pulse
from devicekit.tables import PulseTable

VOLTS = (0.8, 0.9, 1.0, 1.1)
LN_FACTOR = dict(zip(VOLTS, (-0.9, -0.2, 0.0, 0.75), strict=True))  # no law: 0.7, 0.2 and 0.75 a step of 0.1 V


def off_the_law() -> PulseTable:
    """Straight LTP trains, three of each amplitude, with a ripple of 0.2 % of the window."""
    frames = []
    for k, volts in enumerate(VOLTS):
        for repeat in range(3):
            n = np.arange(21)
            x = 0.008 * np.exp(LN_FACTOR[volts]) * n + 0.002 * np.cos((3 * k + repeat + 1.3) * n**2)
            frames.append(
                pd.DataFrame(
                    {
                        "device_id": "a",
                        "cycle": 3 * k + repeat + 1,
                        "direction": "ltp",
                        "pulse_index": n,
                        "conductance_s": 2e-5 + 1e-4 * x,
                        "pulse_voltage_v": np.append(np.nan, np.full(20, volts)),
                        "pulse_width_s": 1e-5,
                    }
                )
            )
    return PulseTable(pd.concat(frames, ignore_index=True))


@pytest.fixture(scope="module")
def law() -> PulseLaw:
    found = pulse_law(off_the_law(), FitOptions("linear", share="amplitude"))
    assert found is not None
    return found


def test_scatter_of_rates_about_a_law_beyond_noise_with_a_prior_of_two_pulses(law: PulseLaw) -> None:
    """Mean square of what the law leaves, less the share that noise makes (degrees over the statistic)."""
    found = law.joints["ltp"]
    best = found.fits[found.best]
    degrees = 3 - best.values.size
    assert (best.degrees, found.scatter_degrees) == (degrees, 2 + degrees)
    assert 1.5 * degrees < best.statistic < 300
    volts = np.array([pulse.voltage_v for pulse in found.pulses], float)
    reference = found.reference.voltage_v
    assert reference is not None
    value = best.values[0]
    by_law = {"exponential": value * (volts - reference), "power": value * np.log(volts / reference)}[best.name]
    off = found.levels - best.theta[0] - by_law
    excess = ((off - off.mean()) ** 2).sum() * (1 - degrees / best.statistic)
    assert excess > 0.005
    assert found.scatter == pytest.approx(np.sqrt((2 * 0.05**2 + excess) / (2 + degrees)), rel=1e-9)


def test_free_rates_are_the_slopes_of_straight_trains(law: PulseLaw) -> None:
    found = law.joints["ltp"]
    span = found.window.span
    for pulse, level, error in zip(found.pulses, found.levels, found.level_errors, strict=True):
        assert pulse.voltage_v is not None
        truth = np.log(0.008 * 1e-4 / span) + LN_FACTOR[round(pulse.voltage_v, 2)]
        assert abs(level - truth) < 4 * error
        assert 0.001 < error < 0.2


def test_a_law_is_tested_by_its_misfit_beyond_free_rates(law: PulseLaw) -> None:
    found = law.joints["ltp"]
    assert found.free is not None
    for each in found.fits.values():
        assert each.statistic == pytest.approx(each.chi2 - found.free.chi2)
        assert each.degrees == found.free.values.size - each.values.size
        assert each.p_value == pytest.approx(chi2.sf(each.statistic, each.degrees), rel=1e-6)


def test_the_scatter_about_the_law_widens_its_errors(law: PulseLaw) -> None:
    found = law.joints["ltp"]
    best = found.fits[found.best]
    alone = np.sqrt(best.covariance[1, 1])
    # a pulse's rate is known to its level error and the scatter together: more by about their ratio
    ratio = np.hypot(found.scatter, found.level_errors.mean()) / found.level_errors.mean()
    assert best.errors[0] / alone == pytest.approx(ratio, rel=0.35)


def fake(p: int, f: int, chi2_: float, n: int, size: int) -> Any:
    return SimpleNamespace(p=p, f=f, chi2=lambda z: chi2_, n_readings=n, covariance=lambda z: np.eye(size))


def test_akaike_s_criterion_charges_every_parameter_and_is_corrected_for_few_readings() -> None:
    """chi2 + 2 k + 2 k (k + 1) / (n - k - 1), by hand for k = 5 and n = 12: 8.5 + 10 + 60 / 6."""
    found = LawFit.of("power", ("n",), fake(2, 1, 8.5, 12, 5), np.arange(5.0))
    assert found.aicc == pytest.approx(28.5)
    assert (found.theta.tolist(), found.values.tolist(), found.starts.tolist()) == ([0, 1], [2], [3, 4])


def of_values(
    name: str,
    parameters: tuple[str, ...],
    theta: np.ndarray,
    values: np.ndarray,
    starts: np.ndarray,
    covariance: np.ndarray,
    chi2_: float = 0.0,
    aicc: float = 0.0,
) -> LawFit:
    found = {"theta": theta, "values": values, "starts": starts, "covariance": covariance, "wide": covariance}
    return LawFit(name=name, parameters=parameters, chi2=chi2_, aicc=aicc, **found)


def made(name: str, aicc: float, chi2_: float, size: int, error: float = 0.01) -> LawFit:
    wide = np.zeros((1 + size + 2,) * 2)
    wide[1 : 1 + size, 1 : 1 + size] = error**2 * np.eye(size)
    names = tuple("abc"[:size])
    return of_values(name, names, np.zeros(1), np.ones(size), np.zeros(2), wide, chi2_, aicc)


def test_a_law_is_tested_with_as_many_degrees_as_free_rates_have_more() -> None:
    """Of two degrees the chi-squared tail is e^(-x/2); a threshold against a parabola has one."""
    free = made("free", 0.0, 10.0, 3)
    fits = {"power": made("power", 0.0, 10.5, 1), "exponential": made("exponential", 1.0, 15.0, 1)}
    judged, _ = judge_laws(fits, free, 0.8, False)
    assert [judged[name].p_value for name in fits] == pytest.approx([np.exp(-0.25), np.exp(-2.5)])
    curved = made("free", 0.0, 10.0, 2)
    judged, _ = judge_laws({"threshold": made("threshold", 0.0, 13.0, 2)}, curved, 0.8, True)
    assert judged["threshold"].p_value == pytest.approx(chi2.sf(3.0, 1))


def test_the_error_of_a_free_rate_counts_what_it_shares_with_the_reference() -> None:
    """ln rate of a pulse is that of the reference and a difference: variances 4 + 9 + 2 x 1 and 4 + 1 - 2 x 0.5."""
    covariance = np.array([[4.0, 1.0, -0.5, 7], [1.0, 9.0, 0.3, 7], [-0.5, 0.3, 1.0, 7], [7, 7, 7, 7]])
    pulses = [Pulse(0.8), Pulse(0.9), Pulse(1.0)]
    fit = of_values("free", (), np.array([-4.0]), np.array([-0.7, 0.9]), np.zeros(1), covariance)
    scope: Any = SimpleNamespace(constant_pulses=pulses, reference=pulses[1], others=lambda: [pulses[0], pulses[2]])
    levels, errors = free_levels(fit, scope)
    assert levels == pytest.approx([-4.7, -4.0, -3.1])
    assert errors == pytest.approx(np.sqrt([15.0, 4.0, 4.0]))


def test_a_curve_is_weighed_as_the_mean_of_its_trains_and_repeats() -> None:
    """Six trains in three repeats, a still curve, readings 0 and 2 of three pulses."""
    curve = Path(np.zeros(4), np.array([0.0, 1.0, 2.0, 3.0]), np.ones(4), np.ones(3))
    programme: Any = SimpleNamespace(
        trains=SimpleNamespace(values=np.zeros((6, 4))), trains_read=6.0, clusters=lambda w: np.zeros((3, 4))
    )
    problem: Any = SimpleNamespace(seen=[np.array([0, 2])])
    (sigma,) = joint._sigmas([programme], problem, [curve], Noise(0.01, 0.02, 0.3), None)  # type: ignore[arg-type]
    rate = 0.3**2 / 3 * np.array([[0.0, 0.0], [0.0, 4.0]])
    assert sigma == pytest.approx(
        (0.01**2 * np.eye(2) + 0.02**2 * np.array([[0.0, 0.0], [0.0, 2.0]])) / 6 + rate, abs=2e-12
    )


def test_a_law_is_excluded_from_one_percent_and_from_ten_of_the_criterion_on() -> None:
    free = made("free", 0.0, 10.0, 3)
    for statistic, aicc, status in (
        (chi2.isf(0.0101, 2), 5.0, "possible"),
        (chi2.isf(0.0099, 2), 5.0, "excluded"),
        (1.0, 9.9, "possible"),
        (1.0, 10.1, "excluded"),
    ):
        fits = {"power": made("power", 0.0, 10.5, 1), "exponential": made("exponential", aicc, 10 + statistic, 1)}
        judged, best = judge_laws(fits, free, 0.8, False)
        assert best == "power"
        assert judged["exponential"].status == status


@pytest.mark.parametrize(("error", "loose"), [(0.2399, False), (0.2401, True), (0.0, True)])
def test_a_threshold_is_determined_to_three_tenths_of_the_lowest_amplitude(error: float, loose: bool) -> None:
    assert is_undetermined(made("threshold", 0.0, 1.0, 2, error), 0.8) is loose
    assert not is_undetermined(made("power", 0.0, 1.0, 1, 9.0), 0.8)


def test_the_reference_is_the_middle_amplitude_at_the_middle_width() -> None:
    def constant(volts: float, width: float) -> Any:
        return SimpleNamespace(varied=False, pulse=Pulse(volts, width))

    # at the middle width, 1e-5, three amplitudes; over all widths the middle one would be another
    pulses = [(0.8, 1e-6), (0.7, 1e-5), (0.9, 1e-5), (1.2, 1e-5), (0.5, 1e-4)]
    assert joint._reference([constant(*each) for each in pulses]) == Pulse(0.9, 1e-5)
