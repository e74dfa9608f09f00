"""Model comparison, robust loss, innovations, and the joint fit over pulse widths."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from devicekit.core.errors import UsageError
from devicekit.fitting.branch.fit import kalman_gain
from devicekit.fitting.branch.options import FitOptions
from devicekit.fitting.comparison import _criteria, compare
from devicekit.fitting.device import fit
from devicekit.models import kernel
from devicekit.models.curves.jang import jang
from devicekit.models.curves.power import power
from devicekit.models.labels import nl_label, nl_of_curve
from devicekit.models.laws.eq2 import LAW as EQ2
from devicekit.models.registry import CURVE_LAWS, LAWS
from devicekit.synthetic.pulses import generate, truth_card
from devicekit.tables import PulseTable

THETA = {"ltp": (-4.0, 0.95, 1.3, -6.0, 2.0, 1.0), "ltd": (-3.8, 0.97, 1.2, 5.0, -2.0, 0.6)}


def table_of(curves: dict[str, np.ndarray], noise: float = 0.0, seed: int = 0, **columns: float) -> PulseTable:
    rng = np.random.default_rng(seed)
    parts = [
        pd.DataFrame(
            {
                "device_id": "d",
                "cycle": 1,
                "direction": direction,
                "pulse_index": range(r.size),
                "conductance_s": 1e-4 + 2.8e-4 * (r + noise * rng.standard_normal(r.size)),
                **columns,
            }
        )
        for direction, r in curves.items()
    ]
    return PulseTable(pd.concat(parts, ignore_index=True))


def curve(name: str, theta: tuple[float, ...], n: int = 100) -> dict[str, np.ndarray]:
    x = kernel.simulate(LAWS[name].id, np.array(theta), 0.0, n)
    return {"ltp": x, "ltd": 1 - x}


@pytest.mark.parametrize("name", sorted(LAWS))
def test_every_law_agrees_with_its_derivatives(name: str) -> None:
    law = LAWS[name]
    rng = np.random.default_rng(1)
    for shape in law.start_shapes:
        for x in rng.uniform(0.03, 0.77, 4):
            values, gradient, scratch = np.array(shape, float), np.zeros(8), np.zeros(8)
            if not np.isfinite(kernel.ell(law.id, x, values, gradient)):
                continue
            for j in range(values.size + 1):
                ends = []
                for sign in (1, -1):
                    moved, at = values.copy(), x
                    if j == 0:
                        at += sign * 1e-6
                    else:
                        moved[j - 1] += sign * 1e-6
                    ends.append(kernel.ell(law.id, at, moved, scratch))
                assert (ends[0] - ends[1]) / 2e-6 == pytest.approx(gradient[j], rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("name", sorted(LAWS))
def test_every_law_is_total(name: str) -> None:
    law = LAWS[name]
    for shape in law.start_shapes:
        steps = kernel.rates(law.id, np.array([-3.0, *shape]), np.linspace(-2, 3, 60))
        assert np.isfinite(steps).all()
        assert (steps >= 0).all()


def test_nl_label_matches_the_published_table() -> None:
    assert nl_label(0.5) == pytest.approx(2.40, abs=0.005)
    assert nl_label(0.2) == pytest.approx(4.88, abs=0.005)
    assert nl_label(np.inf) == 0.0
    n = np.arange(101) / 100
    assert nl_of_curve((1 - np.exp(-n / 0.3)) / (1 - np.exp(-1 / 0.3))) == pytest.approx(nl_label(0.3), rel=1e-3)


@pytest.mark.parametrize(
    ("name", "theta", "winners"),
    [
        ("linear", (np.log(0.0095),), {"linear"}),
        ("exponential", (-4.2, 0.95), {"exponential", "softbounds"}),
        ("eq2", (-4.0, 0.95, 1.0, -12.0, 2.0, 1.0), {"eq2"}),
        ("yakopcic", (-4.1, 0.4, 2.0), {"yakopcic"}),
    ],
)
def test_the_true_law_wins(name: str, theta: tuple[float, ...], winners: set[str]) -> None:
    result = compare(table_of(curve(name, theta), noise=0.002, seed=2))
    for scores in result.branches.values():
        assert scores[0].model in winners
        assert [score.rank for score in scores] == list(range(1, 13))
        assert {score.model for score in scores} == {*LAWS, *CURVE_LAWS}


def test_curve_laws_are_found() -> None:
    t = np.arange(101) / 100
    for law, x in (("power", power(t, 0.0, 1.0, 0.35)), ("jang", jang(t, 0.0, 1.0, 6.0, 15.0))):
        result = compare(table_of({"ltp": x, "ltd": 1 - x}, noise=0.003))
        best = {score.model: score for score in result.branches["ltp"]}
        assert best[law].rms < 0.005, law


def test_the_ladder_picks_the_simplest_rung_that_suffices() -> None:
    result = compare(table_of(curve("linear", (np.log(0.0095),)), noise=0.01, seed=4))
    ladder = result.ladder["ltp"]
    assert [score.model.split()[0] for score in ladder] == ["eq2-M1", "eq2-M2", "eq2-M3", "eq2-M5", "eq2-M6"]
    assert ladder[0].rank == 1
    assert [score.k for score in ladder] == [3, 4, 5, 6, 8]


def test_tukey_leaves_outliers_out() -> None:
    clean = curve("eq2", THETA["ltp"])
    dirty = {direction: r.copy() for direction, r in clean.items()}
    rng = np.random.default_rng(5)
    for r in dirty.values():
        r[rng.choice(np.arange(3, 98), 4, replace=False)] += rng.choice([-0.3, 0.3], 4)
    table = table_of(dirty, noise=0.005)
    errors = {}
    for loss in ("linear", "tukey"):
        result = fit(table, loss=loss)
        fitted = (result.window.from_state(result.branches["ltp"].fitted) - 1e-4) / 2.8e-4
        errors[loss] = np.sqrt(np.mean((fitted - clean["ltp"]) ** 2))
    assert errors["tukey"] < 0.003
    widths = {}
    for name, source, loss in (
        ("clean", clean, "linear"),
        ("tukey", dirty, "tukey"),
        ("linear", dirty, "linear"),
    ):
        curve_band = fit(table_of(source, noise=0.005), loss=loss).branches["ltp"].rate_curve()
        widths[name] = curve_band.upper[50] - curve_band.lower[50]
    assert widths["tukey"] < 2 * widths["clean"] < widths["linear"]
    assert errors["tukey"] < errors["linear"] / 2


def test_kalman_gain_limits() -> None:
    assert kalman_gain(0.0, 0.01) == 0.0
    assert kalman_gain(0.01, 0.0) == 1.0
    assert kalman_gain(0.01, 0.01) == pytest.approx((1 + np.sqrt(5)) / 2 / ((1 + np.sqrt(5)) / 2 + 1))


@pytest.mark.slow
def test_innovations_beat_the_mean_curve_under_increments() -> None:
    errors: dict[str, list[float]] = {"mean": [], "innovations": []}
    card = truth_card(THETA, increment=0.02, read=0.004)
    r = np.linspace(0.15, 0.85, 15)
    for seed in range(6):
        table = generate(card, 1, 20, 100, seed, conditioning=1)
        for name, found in errors.items():
            result = fit(table, estimator=name)
            at = result.window.to_state(card.window.from_state(r))
            rate = np.abs(result.branches["ltp"].rate(at)) * result.window.span / card.window.span
            found.append(float(np.sqrt(np.mean((rate / card.rate("ltp", r) - 1) ** 2))))
            assert ("innovations" in result.branches["ltp"].method) == (name == "innovations")
    assert np.median(errors["innovations"]) < np.median(errors["mean"])


def widths_table(noise: float, seed: int, exponent: float = 0.4) -> PulseTable:
    parts = []
    for width in (5e-6, 5e-5, 5e-4):
        shift = exponent * np.log(width / 5e-5)
        curves = {}
        for direction, theta in THETA.items():
            x = kernel.simulate(EQ2.id, np.array([theta[0] + shift, *theta[1:]]), 0.0, 100)
            curves[direction] = x if direction == "ltp" else 1 - x
        parts.append(table_of(curves, noise, seed, pulse_width_s=width).frame)
    return PulseTable(pd.concat(parts, ignore_index=True))


@pytest.mark.parametrize("seeds", [1, pytest.param(8, marks=pytest.mark.slow)])
def test_sharing_the_shape_helps_short_pulses(seeds: int) -> None:
    joint_error, separate_error = [], []
    for seed in range(seeds):
        table = widths_table(0.03, seed)
        true = kernel.rates(
            EQ2.id,
            np.array([THETA["ltp"][0] + 0.4 * np.log(0.1), *THETA["ltp"][1:]]),
            np.linspace(0.05, 0.9, 18),
        )
        for share, errors in (("width", joint_error), (None, separate_error)):
            short = fit(table, share=share).conditions[0]
            g = 1e-4 + 2.8e-4 * np.linspace(0.05, 0.9, 18)
            rate = np.abs(short.branches["ltp"].rate(short.window.to_state(g))) * short.window.span / 2.8e-4
            errors.append(float(np.sqrt(np.mean((rate - true) ** 2)) / true.mean()))
    assert np.median(joint_error) <= 0.05
    assert np.median(joint_error) < np.median(separate_error) / 2


@pytest.mark.slow
def test_the_exponent_and_the_test_of_sharing() -> None:
    result = fit(widths_table(0.01, 0), share="width")
    for facts in result.joint.values():
        assert facts.exponent == pytest.approx(0.4, abs=0.02)
        assert facts.p_value > 1e-3
    assert "shared_shape" in {warning.code for warning in result.warnings}
    parts = [widths_table(0.003, 1).select(width=5e-6).frame]
    other = dict(curve("eq2", (-3.0, 0.5, 3.0, 8.0, -3.0, 1.0)).items())
    parts.append(table_of(other, 0.003, pulse_width_s=5e-5).frame)
    unlike = fit(PulseTable(pd.concat(parts, ignore_index=True)), share="width")
    assert unlike.joint["ltp"].p_value < 1e-6


@pytest.mark.parametrize("bad", [{"model": "x"}, {"loss": "x"}, {"estimator": "x"}, {"share": "x"}])
def test_bad_options_are_refused(bad: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        FitOptions(**bad)


def test_sharing_needs_widths() -> None:
    with pytest.raises(UsageError, match="pulse_width_s"):
        fit(table_of(curve("eq2", THETA["ltp"])), share="width")


def test_profile_intervals_agree_with_the_delta_method_where_they_exist() -> None:
    from devicekit.fitting.branch.fit import profile_intervals

    table = table_of(curve("softbounds", (-4.2, 0.9)), noise=0.01, seed=3)
    branch = fit(table, "softbounds").branches["ltp"]
    intervals = profile_intervals(branch)
    errors = {name: branch.lmfit.params[name].stderr for name in branch.lmfit.params}  # of read noise alone, as lmfit's
    values = dict(zip((*branch.law.parameters, "x0"), branch.parameters, strict=True))
    for name, (low, high) in intervals.items():
        assert low < values[name] < high
        assert (high - low) / 2 == pytest.approx(2.0 * (errors[name] or 0.0), rel=0.15)
    with pytest.raises(UsageError, match="band"):
        profile_intervals(fit(table).branches["ltp"])


def test_identifiability_counts_what_the_data_determine() -> None:
    straight = fit(table_of(curve("linear", (np.log(0.0095),)), noise=0.01, seed=1)).branches["ltp"].identifiability()
    shaped = fit(table_of(curve("eq2", (-4.0, 0.95, 1.0, -12.0, 2.0, 1.0)), noise=0.001)).branches["ltp"]
    assert straight.determined < shaped.identifiability().determined
    assert shaped.identifiability().condition > 100
    off_diagonal = shaped.identifiability().correlation
    assert np.nanmax(np.abs(off_diagonal)) <= 1 + 1e-9


def test_the_label_of_a_slow_start_is_negative() -> None:
    truth = truth_card({"ltp": (-4.6, -1.5), "ltd": (-4.6, 0.6)}, model="softbounds", increment=0.0, read=0.001)
    labels = compare(generate(truth, 1, 5, 100, 1)).nl
    for direction, sign in (("ltp", -1), ("ltd", 1)):
        assert sign * labels[direction]["fit"] > 0.3
        assert labels[direction]["fit"] == pytest.approx(labels[direction]["data"], abs=0.1)
        assert labels[direction]["fit_rms"] < 0.003


def test_criteria_by_hand() -> None:
    """20 readings, 3 parameters, sum of squares 5: n ln(SSE / n) + 2 k + 2 k (k + 1) / (n - k - 1), or + k ln n."""
    aicc, bic = _criteria(5.0, 20, 3)
    assert aicc == pytest.approx(20 * np.log(0.25) + 6 + 24 / 16)
    assert bic == pytest.approx(20 * np.log(0.25) + 3 * np.log(20))
    assert _criteria(5.0, 4, 3)[0] == np.inf
