"""One shape for all pulses and a law of their amplitude and width: closed forms, noise, ranges, refusals."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from devicekit import fit
from devicekit.core.errors import UsageError
from devicekit.fitting.branch.options import FitOptions
from devicekit.fitting.page import fit_page
from devicekit.fitting.pulses.fit import pulse_law
from devicekit.fitting.pulses.noise import Noise, covariance_of, walk
from devicekit.fitting.pulses.noise import Path as Curve
from devicekit.fitting.pulses.programmes import programmes_of, warn_of_several_amplitudes
from devicekit.fitting.pulses.result import PulseLaw
from devicekit.models import kernel
from devicekit.models.pulselaw import AMPLITUDE_LAWS, Pulse
from devicekit.models.registry import get_law
from devicekit.tables import PulseTable

LOW, SPAN = 2e-5, 1e-4
VOLTS = (0.8, 0.9, 1.0, 1.1)


def rows(x: np.ndarray, volts: np.ndarray, cycle: int, direction: str = "ltp", width: float = 1e-5) -> pd.DataFrame:
    """A train whose rising coordinate is x; before the first pulse the amplitude is not known."""
    up = direction == "ltp"
    return pd.DataFrame(
        {
            "device_id": "a",
            "cycle": cycle,
            "direction": direction,
            "pulse_index": np.arange(x.size),
            "conductance_s": LOW + SPAN * (x if up else 1.0 - x),
            "pulse_voltage_v": np.append(np.nan, volts if up else -np.asarray(volts)),
            "pulse_width_s": width,
        }
    )


def table(*frames: pd.DataFrame) -> PulseTable:
    return PulseTable(pd.concat(frames, ignore_index=True))


def straight(factor: object, volts: tuple[float, ...] = VOLTS, n: int = 40, step: float = 0.004) -> PulseTable:
    """Straight lines: a step that does not depend on the state, scaled by factor(V); LTP and LTD."""
    assert callable(factor)
    frames = []
    for k, v in enumerate(volts):
        x = step * factor(v) * np.arange(n + 1)
        frames += [rows(x, np.full(n, v), k + 1), rows(0.9 * x, np.full(n, v), k + 1, "ltd")]
    return table(*frames)


FACTORS = {
    "exponential": (lambda v: np.exp((v - 1.0) / 0.15), {"inverse_v0": 1 / 0.15}),
    "power": (lambda v: v**5.0, {"n": 5.0}),
    "threshold": (lambda v: ((v - 0.6) / 0.4) ** 1.5, {"v_th": 0.6, "alpha": 1.5}),
}


@pytest.mark.parametrize("kind", FACTORS)
def test_straight_trains_give_back_their_law_and_the_slope_at_any_amplitude(kind: str) -> None:
    factor, wanted = FACTORS[kind]
    law = pulse_law(straight(factor), FitOptions("linear", share="amplitude"))
    assert law is not None
    for direction, share in (("ltp", 1.0), ("ltd", 0.9)):
        found = law.law(direction)
        assert found.name == kind
        assert dict(zip(found.parameters, found.values, strict=True)) == pytest.approx(wanted, rel=2e-3)
        window = law.joints[direction].window
        slope = share * 0.004 * factor(0.95) * SPAN / window.span
        predicted = law.predict(direction, 0.95, n_pulses=20)
        sign = 1.0 if direction == "ltp" else -1.0
        assert np.diff(predicted.r) == pytest.approx(np.full(20, sign * slope), rel=2e-3)
        assert float(law.rate(direction, 0.3, 0.95)) == pytest.approx(sign * slope, rel=2e-3)
        assert (predicted.low <= predicted.r).all()
        assert (predicted.r <= predicted.high).all()
        assert (predicted.reading_low <= predicted.low + 1e-12).all()
    others = [law.joints["ltp"].fits[name].status for name in FACTORS if name != kind]
    assert "best" not in others


def test_amplitudes_are_sorted_by_direction_and_size() -> None:
    given = straight(FACTORS["power"][0])
    assert given.amplitudes == {"ltp": list(VOLTS), "ltd": list(VOLTS)}
    bare = PulseTable(given.frame.drop(columns="pulse_voltage_v"))
    assert bare.amplitudes == {"ltp": [], "ltd": []}


def test_what_is_assumed_just_inside_and_just_outside() -> None:
    three = pulse_law(straight(FACTORS["power"][0]), FitOptions("linear", share="amplitude"))
    two = pulse_law(straight(FACTORS["power"][0], (0.8, 1.0)), FitOptions("linear", share="amplitude"))
    assert three is not None
    assert two is not None
    assert three.assumption("ltp", 1.1) is None
    assert three.assumption("ltp", 1.095) is None
    assert "outside" in (three.assumption("ltp", 1.11) or "")
    assert "outside" in (three.assumption("ltp", 0.79) or "")
    assert three.assumption("ltp", -0.95) is None
    assert "only two" in (two.assumption("ltp", 0.9) or "")
    assert two.assumption("ltp", 0.8) is None
    assert {"law_assumed", "law_open"} <= {each.code for each in two.warnings}
    train = two.predict("ltp", 0.9, n_pulses=10)
    assert train.assumed
    assert [each.code for each in train.warnings] == ["law_assumed"]
    assert not three.predict("ltp", 0.95, n_pulses=10).assumed
    # what is assumed is not known as well
    assert two.factor("ltp", 0.9).high / two.factor("ltp", 0.9).low > 1.3
    assert three.factor("ltp", 1.0).value == pytest.approx(1.0)
    with pytest.raises(UsageError, match="width"):
        three.predict("ltp", 0.9, width=1e-3)
    with pytest.raises(UsageError, match="n_pulses="):
        three.predict("ltp", 0.9, n_pulses=0)


def ramp(volts: np.ndarray, v0: float = 0.12, step: float = 0.008) -> np.ndarray:
    """The sum of steps that grow with the amplitude."""
    return np.append(0.0, np.cumsum(step * np.exp((volts - 1.0) / v0)))


def test_growing_trains_follow_the_sum_of_their_steps() -> None:
    programmes = [np.linspace(0.7, 1.1, 41), np.linspace(0.8, 1.15, 29)]
    frames = [
        rows(ramp(volts), volts, k + 1, direction) for k, volts in enumerate(programmes) for direction in ("ltp", "ltd")
    ]
    found = fit(table(*frames), "linear", share="amplitude")
    law = found.pulse_law
    assert law is not None
    assert law.law("ltp").name == "exponential"
    assert law.law("ltp").values[0] == pytest.approx(1 / 0.12, rel=5e-3)
    assert found.ltp is not None
    assert found.ltp.nrmse < 1e-3
    # a train at one amplitude, which was never measured
    window = law.joints["ltp"].window
    flat = law.predict("ltp", 0.9, n_pulses=10, start=0.1)
    assert np.diff(flat.r) == pytest.approx(np.full(10, 0.008 * np.exp(-0.1 / 0.12) * SPAN / window.span), rel=1e-2)
    # and a ramp of another step
    other = np.linspace(0.75, 1.05, 16)
    grown = law.predict("ltp", other, start=0.0)
    assert grown.r == pytest.approx(ramp(other) * SPAN / window.span, abs=2e-3)
    codes = {each.code for each in found.warnings}
    assert "growing_amplitude" not in codes
    message = next(each.message for each in found.warnings if each.code == "amplitude_law")
    assert "grow" in message
    card = found.to_card("ramps")
    assert card.conditions.ltp_voltage_v == law.reference_pulse("ltp").voltage_v
    assert card.conditions.ltd_voltage_v == -(law.reference_pulse("ltd").voltage_v or 0.0)


def test_one_growing_train_cannot_separate_law_and_shape() -> None:
    volts = np.linspace(0.7, 1.1, 41)
    law = pulse_law(table(rows(ramp(volts), volts, 1)), FitOptions("softbounds", share="amplitude"))
    assert law is not None
    assert law.joints["ltp"].confounded
    assert "cannot separate" in (law.assumption("ltp", 0.9) or "")
    assert "law_assumed" in {each.code for each in law.warnings}
    assert law.to_block("x").ltp is not None
    assert law.to_block("x").ltp.assumed  # type: ignore[union-attr]


def test_growing_amplitudes_without_a_law_keep_their_warning(tmp_path: Path) -> None:
    volts = np.linspace(0.7, 1.1, 41)
    frame = pd.concat([rows(ramp(volts), volts, 1), rows(ramp(volts), volts, 1, "ltd")])
    path = tmp_path / "ramps.csv"
    frame.assign(pulse_voltage_v=frame["pulse_voltage_v"].fillna(0.0)).to_csv(path, index=False)
    assert "growing_amplitude" in {each.code for each in fit(path, "linear").warnings}
    shared = fit(path, "linear", share="amplitude")
    assert "growing_amplitude" not in {each.code for each in shared.warnings}
    assert "several_amplitudes" not in {each.code for each in fit(path, "linear").warnings}


@pytest.mark.usefixtures("without_pictures")
def test_amplitude_and_width_together() -> None:
    frames = []
    for k, (v, w) in enumerate([(v, w) for v in (0.8, 0.9, 1.0) for w in (1e-6, 1e-5, 1e-4)]):
        x = 0.004 * v**4 * (w / 1e-5) ** 0.3 * np.arange(41)
        frames += [rows(x, np.full(40, v), k + 1, width=w), rows(x, np.full(40, v), k + 1, "ltd", w)]
    found = fit(table(*frames), "linear", share="both")
    law = found.pulse_law
    assert law is not None
    power = law.joints["ltp"].fits["power"]
    assert power.parameters == ("n", "m")
    assert power.values == pytest.approx([4.0, 0.3], abs=0.01)
    assert law.joints["ltp"].fits["exponential"].parameters == ("inverse_v0", "m")
    assert law.reference_pulse("ltp") == Pulse(0.9, 1e-5)
    assert law.factor("ltp", 0.9, 1e-4).value == pytest.approx(10**0.3, rel=1e-2)
    assert law.assumption("ltp", 0.9, 3e-5) is None
    assert "width" in (law.assumption("ltp", 0.9, 2e-4) or "")
    assert len(law.rates()) == 18
    page = fit_page(found, "both.csv", found.to_card("x"), "devicekit fit", True)
    titles = [section.title for section in page.sections]
    assert "Amplitude and width" in titles
    section = page.sections[titles.index("Amplitude and width")]
    assert any("left out" in figure.caption for figure in section.figures)


def test_widths_share_a_law_and_the_cards_are_counted_from_their_own() -> None:
    frames = []
    for k, w in enumerate((1e-6, 1e-5, 1e-4)):
        x = 0.004 * (w / 1e-5) ** 0.4 * np.arange(41)
        frames += [rows(x, np.full(40, 0.9), k + 1, width=w), rows(x, np.full(40, 0.9), k + 1, "ltd", w)]
    found = fit(table(*frames), "linear", share="width")
    assert [each.table.widths for each in found.conditions] == [[1e-6], [1e-5], [1e-4]]
    for each, width in zip(found.conditions, (1e-6, 1e-5, 1e-4), strict=True):
        block = each.to_card("x").pulse_law
        assert block is not None
        branch = block.branch("ltp")
        assert branch.reference_width_s == width
        assert branch.parameters["m"] == pytest.approx(0.4, abs=1e-3)
        assert branch.factor(None, 1e-4, False, "LTP") == pytest.approx((1e-4 / width) ** 0.4, rel=1e-2)


def test_rates_that_follow_no_law_are_flagged() -> None:
    def bumpy(v: float) -> float:
        return {0.8: 1.0, 0.9: 3.0, 1.0: 1.2, 1.1: 4.0}[v]

    law = pulse_law(straight(bumpy), FitOptions("linear", share="amplitude"))
    assert law is not None
    assert "no_pulse_law" in {each.code for each in law.warnings}
    assert law.joints["ltp"].scatter > 0.2
    assert law.joints["ltp"].levels - law.joints["ltp"].levels[0] == pytest.approx(np.log([1, 3, 1.2, 4]), abs=1e-3)


def test_tables_without_several_pulses_are_refused() -> None:
    one = straight(FACTORS["power"][0], (0.9,))
    with pytest.raises(UsageError, match="pulse_voltage_v"):
        fit(one, "linear", share="amplitude")
    with pytest.raises(UsageError, match="two pulse"):
        fit(PulseTable(one.frame.drop(columns=["pulse_voltage_v", "pulse_width_s"])), "linear", share="both")
    first = straight(FACTORS["power"][0]).frame
    with pytest.raises(UsageError, match="share='both'"):
        fit(table(first, first.assign(pulse_width_s=1e-4)), "linear", share="amplitude")
    law = pulse_law(straight(FACTORS["power"][0]), FitOptions("linear", share="amplitude"))
    assert law is not None
    with pytest.raises(UsageError, match="'up'"):
        law.law("up")


def test_trains_that_do_not_move_are_left_out_with_a_warning() -> None:
    rng = np.random.default_rng(0)
    still = rows(0.002 * rng.standard_normal(41), np.full(40, 0.5), 9)
    law = pulse_law(table(straight(FACTORS["power"][0]).frame, still), FitOptions("linear", share="amplitude"))
    assert law is not None
    assert law.measured_pulses("ltp")[0][0] == 0.8
    assert any(each.code == "dropped" and "0.5 V" in each.message for each in law.warnings)


def test_averaging_several_amplitudes_gives_a_warning() -> None:
    many = straight(FACTORS["power"][0])
    assert "several_amplitudes" in {each.code for each in fit(many, "linear").warnings}
    assert warn_of_several_amplitudes(straight(FACTORS["power"][0], (0.9,))) is None
    almost = straight(lambda v: v**5, (0.9, 0.905))  # of one generator
    assert warn_of_several_amplitudes(almost) is None


def test_cycles_that_are_numbered_anew_at_each_amplitude_stay_apart() -> None:
    frames = [rows(0.004 * v**5 * np.arange(41), np.full(40, v), 1) for v in VOLTS]
    frames = [each.assign(pulse_voltage_v=each["pulse_voltage_v"].bfill()) for each in frames]
    programmes = programmes_of(table(*frames), "ltp")
    assert [each.pulse.voltage_v for each in programmes] == list(VOLTS)
    gaps = table(*frames).frame
    gaps.loc[gaps["pulse_index"].isin([3, 7, 8]), "conductance_s"] = np.nan
    law = pulse_law(PulseTable(gaps), FitOptions("linear", share="amplitude"))
    assert law is not None
    assert law.joints["ltp"].fits["power"].values[0] == pytest.approx(5.0, rel=1e-2)


def test_equal_pulses_are_a_plain_train() -> None:
    law, theta = get_law("eq2"), np.array([-3.6, 0.9, 1.2, 3.0, -1.0, 0.7])
    plain = kernel.simulate(law.id, theta, 0.1, 60)
    assert np.array_equal(kernel.simulate_driven(law.id, theta, 0.1, np.zeros(60)), plain)
    states, sensitivities = np.empty(61), np.empty((61, 7))
    kernel.simulate_with_sensitivities(law.id, theta, 0.1, states, sensitivities)
    driven, full, steady = np.empty(61), np.empty((61, 8)), np.empty(60)
    kernel.driven_with_sensitivities(law.id, theta, 0.1, np.zeros(60), np.ones((60, 1)), driven, full, steady)
    assert np.array_equal(driven, states)
    assert full[:, [0, 1, 2, 3, 4, 5, 7]] == pytest.approx(sensitivities)
    assert full[:, 6] == pytest.approx(full[:, 0])  # a factor on every pulse is the rate itself


@pytest.mark.parametrize("kind", AMPLITUDE_LAWS)
def test_derivatives_of_the_laws(kind: str) -> None:
    law, reference = AMPLITUDE_LAWS[kind], Pulse(0.9, 1e-5)
    values = np.array({"exponential": [7.0, 0.6], "power": [5.0, 0.6], "threshold": [0.5, 2.0, 0.6]}[kind])
    volts, wide = np.array([0.7, -0.9, 1.2]), np.array([1e-6, 1e-5, 1e-3])
    found, slopes = law.ln_factor(values, volts, wide, reference, True)
    assert found[1] == pytest.approx(0.0)
    for k in range(values.size):
        moved = values.copy()
        moved[k] += 1e-6
        ahead = law.ln_factor(moved, volts, wide, reference, True)[0]
        assert (ahead - found) / 1e-6 == pytest.approx(slopes[:, k], rel=1e-4, abs=1e-6)


def test_covariance_is_that_of_simulated_trains() -> None:
    rng = np.random.default_rng(1)
    q, noise, count = 0.95, Noise(0.01, 0.005, 0.1), 20000
    x, rate = np.full(count, 0.1), np.exp(noise.ln_rate * rng.standard_normal(count))
    seen = [x]
    for _ in range(30):
        x = q * x + 0.05 * rate + noise.increment * rng.standard_normal(count)
        seen.append(x)
    rows_ = np.array(seen).T + noise.read * rng.standard_normal((count, 31))
    by_level = np.array([0.05 * (1 - q**n) / (1 - q) for n in range(31)])
    path = Curve(np.zeros(31), by_level, q ** np.arange(31), np.full(30, q))
    wanted = covariance_of(path, np.arange(31), noise, 1, 1)
    found = np.cov(rows_.T)
    assert np.diag(found) == pytest.approx(np.diag(wanted), rel=0.05)
    assert found[30, 10] == pytest.approx(wanted[30, 10], rel=0.1)
    assert walk(np.full(2, q)) == pytest.approx(np.array([[0, 0], [1, 0], [q, 1]]))


def noisy(kind: str, seed: int, cycles: int = 3) -> PulseTable:
    """Soft bounds that close, five amplitudes, updates that scatter; made by its own recursion."""
    rng, frames = np.random.default_rng(seed), []
    factor = {
        "exponential": lambda v: np.exp((v - 0.9) / 0.1),
        "power": lambda v: (v / 0.9) ** 8,
        "threshold": lambda v: ((v - 0.55) / 0.35) ** 2,
    }[kind]
    for k, v in enumerate((0.7, 0.8, 0.9, 1.0, 1.1)):
        for c in range(cycles):
            x, states = 0.0, [0.0]
            for _ in range(80):
                x = min(max(x + 0.015 * factor(v) * (1 - x) + 0.001 * rng.standard_normal(), 0.0), 1.0)
                states.append(x)
            frames.append(rows(np.array(states) + 0.005 * rng.standard_normal(81), np.full(80, v), cycles * k + c + 1))
    return table(*frames)


@pytest.mark.parametrize("kind", FACTORS)
def test_noisy_trains_keep_the_true_law_and_predict_a_left_out_amplitude(kind: str) -> None:
    whole = noisy(kind, 3)
    volts = whole.frame["pulse_voltage_v"].groupby(whole.frame["cycle"]).transform("max")
    rest = PulseTable(whole.frame[volts != 1.0])
    law = pulse_law(rest, FitOptions("softbounds", share="amplitude"))
    assert law is not None
    assert kind in law.possible_laws("ltp")
    measured = whole.frame[volts == 1.0].pivot(index="cycle", columns="pulse_index", values="conductance_s").to_numpy()
    window = law.joints["ltp"].window
    found = law.predict("ltp", 1.0, n_pulses=80, start=float(window.to_state(np.array(LOW))))
    mean = window.to_state(measured.mean(axis=0))
    assert np.sqrt(np.mean((found.r - mean) ** 2)) < 0.012
    readings = window.to_state(measured)
    assert np.mean((readings >= found.reading_low) & (readings <= found.reading_high)) > 0.9
    assert np.mean((mean >= found.low - 0.008) & (mean <= found.high + 0.008)) > 0.95


def test_tables_and_figures_of_a_pulse_law() -> None:
    law = pulse_law(straight(FACTORS["threshold"][0]), FitOptions("linear", share="amplitude"))
    assert law is not None
    laws = law.table()
    assert set(laws["law"]) == set(FACTORS)
    assert (laws["doi"].str.len() > 5).all()
    assert (laws["aicc_above_best"] >= 0).all()
    assert "threshold" in repr(law)
    assert "VTEAM" in law._repr_html_()
    panel = law.panel()
    assert panel.x.unit == "V"
    assert law.trains_panel("ltd").curves
    assert law.as_dict()["ltp"]["best"] == "threshold"
    for joint in law.joints.values():  # nested laws: all in free rates, a power law in a threshold of 0
        assert joint.free is not None
        assert min(each.chi2 for each in joint.fits.values()) >= joint.free.chi2 - 0.1
        assert joint.fits["threshold"].chi2 <= joint.fits["power"].chi2 + 0.1
    assert isinstance(law, PulseLaw)


@pytest.mark.slow
def test_the_benchmark_on_a_few_devices() -> None:
    sys.path.insert(0, str(Path(__file__).parents[3] / "benchmarks"))
    try:
        import amplitude_law as bench
    finally:
        sys.path.pop(0)
    for kind in bench.KINDS:
        found = [bench.run(kind, bench.NOISES["readings"], 1 + seed % 3, seed) for seed in range(4)]
        assert np.median([each.predicted / each.own for each in found]) <= 2
        assert np.mean([each.curve for each in found]) >= 0.9
        assert all(each.in_set for each in found)
    for own, predicted, inside in bench.middle_width().values():
        assert inside >= 0.9
        assert own < predicted < 0.03
