"""Lives over temperature: crossings by hand, least squares, refusals, and a second mechanism."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import f as fisher

import devicekit
from devicekit.core.errors import UsageError
from devicekit.features.characterize import characterize as everything
from devicekit.features.lives import arrhenius as pure
from devicekit.features.lives.arrhenius import Life
from devicekit.features.lives.bake import baked_at
from devicekit.features.lives.censored import Undetermined
from devicekit.features.merit import Settings
from devicekit.features.merits import arrhenius, retention
from devicekit.synthetic import ageing, records
from devicekit.tables import RetentionTable

K = 8.617333262e-5


def life(kelvin: float, t: float, held: bool = False, device: str = "d") -> Life:
    end = None if held else t
    return Life(
        device_id=device, level="lrs", temperature_k=kelvin, n=9, first_s=0.0, low_s=t, high_s=end, life_s=end,
        way=None if held else "down", sudden=False, returned=False,
    )  # fmt: skip


def on_the_line(energy: float, kelvins: list[float], scatter: list[float]) -> list[Life]:
    """Lives of exp(energy (1/kT - 1/k 450 K)) 1000 s, each times exp of the scatter."""
    return [
        life(k, 1e3 * float(np.exp(energy / K * (1 / k - 1 / 450) + z)), device=f"{k}{z}")
        for k in kelvins
        for z in scatter
    ]


def test_the_crossing_is_drawn_straight_in_logarithms() -> None:
    t = np.array([1.0, 10.0, 100.0, 1000.0])
    low, high, at, way, sudden = pure.life(t, np.array([8.0, 8.0, 2.0, 1.0]), 2.0)
    assert (low, high, way, sudden) == (10.0, 100.0, "down", True)  # ln 4 at once
    assert at == pytest.approx(10 * 10**0.5)  # ln 4 is lost over a decade: ln 2 after half of it
    low, high, at, way, sudden = pure.life(t, np.array([1.0, 1.0, 1.5, 4.4]), 3.0)
    assert (way, sudden) == ("up", False)  # ln 4.4 / 1.5 is just less than ln 3
    assert at == pytest.approx(100 * 10 ** (np.log(3 / 1.5) / np.log(4.4 / 1.5)))
    assert pure.life(t, np.array([1.0, 1.2, 0.7, 0.51]), 2.0) == (1000.0, None, None, None, False)
    assert pure.life(t, np.array([1.0, 1.2, 0.7, 0.5]), 2.0)[2] == pytest.approx(1000.0)  # on the limit is lost


def test_a_reading_of_zero_is_lost_and_time_zero_has_no_logarithm() -> None:
    t = np.array([0.0, 10.0, 1000.0])
    low, high, at, way, sudden = pure.life(t, np.array([1.0, 1.0, 0.0]), 2.0)
    assert (low, high, way, sudden) == (10.0, 1000.0, "down", True)
    assert at == pytest.approx(100.0)
    assert pure.life(t, np.array([1.0, 0.1, 0.1]), 2.0) == (0.0, 10.0, 5.0, "down", True)


def test_with_every_record_lost_it_is_least_squares() -> None:
    """Against scipy's line and the textbook's intervals."""
    from scipy.stats import linregress
    from scipy.stats import t as student

    lives = on_the_line(0.9, [400.0, 430.0, 470.0, 500.0], [-0.3, 0.1, 0.25])
    x = np.array([1 / (K * each.temperature_k) for each in lives])
    y = np.log([each.life_s for each in lives])
    line = linregress(x, y)
    fit = pure.fit(lives)
    wide = student.ppf(0.975, 10)
    assert fit.energy_ev.value == pytest.approx(line.slope, rel=1e-7)
    assert fit.energy_ev.ends == pytest.approx(
        (line.slope - wide * line.stderr, line.slope + wide * line.stderr), rel=1e-5
    )
    rest = y - line.intercept - line.slope * x
    s = np.sqrt((rest**2).sum() / 10)
    assert fit.sigma == pytest.approx(s, rel=1e-6)
    at = 1 / (K * 380)
    se = s * np.sqrt(1 / 12 + (at - x.mean()) ** 2 / ((x - x.mean()) ** 2).sum())
    centre = line.intercept + line.slope * at
    median = fit.median(380.0)
    assert median.value == pytest.approx(np.exp(centre), rel=1e-6)
    assert median.ends == pytest.approx(tuple(np.exp(centre + np.array([-1, 1]) * wide * se)), rel=1e-5)
    new = tuple(np.exp(centre + np.array([-1, 1]) * wide * np.hypot(se, s)))
    assert fit.device(median) == pytest.approx(new, rel=1e-5)


def test_a_bend_is_the_t_test_of_a_square_term() -> None:
    lives = on_the_line(0.9, [400.0, 430.0, 470.0, 500.0], [-0.3, 0.1, 0.25])
    x = np.array([1 / (K * each.temperature_k) for each in lives])
    y = np.log([each.life_s for each in lives])
    u = x - x.mean()
    design = np.column_stack([np.ones(12), u, u**2])
    beta, rss = np.linalg.lstsq(design, y, rcond=None)[:2]
    se = np.sqrt(rss[0] / 9 * np.linalg.inv(design.T @ design)[2, 2])
    from scipy.stats import t as student

    assert pure.fit(lives).bend_p == pytest.approx(2 * student.sf(abs(beta[2]) / se, 9), rel=1e-4)


def test_censored_records_make_lives_longer_not_shorter() -> None:
    lives = on_the_line(1.0, [420.0, 450.0, 480.0], [-0.4, 0.0, 0.4])
    cut = 0.9 * max(each.life_s or 0 for each in lives)
    short = [life(e.temperature_k, cut, held=True) if (e.life_s or 0) > cut else e for e in lives]
    assert sum(not each.failed for each in short) == 1
    kept, dropped = pure.fit(short), pure.fit([each for each in short if each.failed])
    assert kept.failures == 8
    assert kept.median(400.0).value > dropped.median(400.0).value
    ends = kept.energy_ev.ends
    assert ends is not None
    assert ends[0] < 1.0 < ends[1]


@pytest.mark.parametrize(
    ("lives", "reason"),
    [
        (on_the_line(1.0, [420.0, 450.0], [-0.1, 0.1]), "2 temperatures"),
        (on_the_line(1.0, [420.0, 421.9, 450.0], [-0.1, 0.1]), "2 temperatures"),  # one bake, by its thermometer
        (on_the_line(1.0, [420.0, 450.0, 480.0], [0.0]), "3 of 3 records failed"),
        (
            [*on_the_line(1.0, [480.0], [-0.2, -0.1, 0.1, 0.2]), life(450.0, 1e4, True), life(420.0, 1e4, True)],
            "all failures are at one temperature",
        ),
    ],
)
def test_too_few_temperatures_or_failures_are_refused(lives: list[Life], reason: str) -> None:
    with pytest.raises(Undetermined, match=reason):
        pure.fit(lives)


def test_just_enough_is_given() -> None:
    assert pure.fit(on_the_line(1.0, [420.0, 423.0, 450.0], [-0.1, 0.1])).failures == 6
    four = [*on_the_line(1.0, [450.0, 480.0], [-0.1, 0.1]), life(420.0, 1e3, True)]
    fit = pure.fit(four)
    assert fit.failures == 4
    assert fit.bend_p is None  # nothing failed at a third temperature


def test_the_line_ends_as_far_below_the_coldest_failures_as_these_span() -> None:
    fit = pure.fit(on_the_line(1.0, [420.0, 450.0, 480.0], [-0.1, 0.1]))
    cold = 1 / (2 / 420 - 1 / 480)
    assert fit.coldest_k == pytest.approx(cold)
    assert fit.refusal(cold + 0.01) is None
    assert "further below 420 K" in str(fit.refusal(cold - 0.01))
    hot = 1 / (2 / 480 - 1 / 420)
    assert fit.refusal(hot - 0.01) is None
    assert "further above 480 K" in str(fit.refusal(hot + 0.01))
    held = [*on_the_line(1.0, [450.0, 480.0], [-0.1, 0.1]), life(420.0, 1e3, True)]
    assert pure.fit(held).coldest_k == pytest.approx(1 / (2 / 450 - 1 / 480))  # of failures, not of what held
    wide = pure.fit(on_the_line(1.0, [200.0, 300.0, 480.0], [-0.1, 0.1]))
    assert wide.hottest_k is None
    assert wide.refusal(5000.0) is None


def test_a_bend_and_readings_far_apart_refuse_a_life() -> None:
    fit = pure.fit(on_the_line(1.0, [420.0, 450.0, 480.0], [-0.1, 0.1]))
    for p, refused in ((0.0499, True), (0.0501, False), (None, False)):
        own = replace(fit, bend_p=p, gap=0.0)
        assert (own.refusal(420.0) is not None) is refused
    edge = pure.COARSE * fit.sigma * np.sqrt(12)
    for gap, refused in ((1.001 * edge, True), (0.999 * edge, False)):
        own = replace(fit, bend_p=None, gap=gap)
        assert ("readings a factor" in str(own.refusal(420.0))) is refused


def test_the_reference_set_recovers_its_truth() -> None:
    table = ageing.bake()
    found = arrhenius.characterize(table)
    each, truth = found.levels[0], ageing.BakeTruth()
    assert (len(each.lives), each.failures, each.refusal) == (20, 19, None)
    assert each.fit is not None
    assert each.median is not None
    for estimate, value in ((each.fit.energy_ev, truth.energy_ev), (each.median, truth.median(358.15))):
        assert estimate.ends is not None
        assert estimate.ends[0] < value < estimate.ends[1]
    assert each.device is not None
    assert each.median.ends is not None
    assert each.device[0] < each.median.ends[0] < each.median.ends[1] < each.device[1]
    life, energy = found.sentences()
    assert arrhenius.IF in life
    assert f"19 losses in 20 records ({found.criterion})" in energy
    assert "factor 2" in found.criterion
    rows = found.tables()
    assert rows["arrhenius"]["failures"].tolist() == [19]
    assert rows["lives"]["life_s"].isna().sum() == 1


def test_the_band_of_the_figure_ends_where_the_line_does() -> None:
    found = arrhenius.characterize(ageing.bake())
    fit = found.levels[0].fit
    assert fit is not None
    bands = [curve for curve in found.panel().curves if curve.kind == "band"]
    assert len(bands) == 2
    for curve in bands:
        assert curve.x.max() == pytest.approx(1 / (K * fit.coldest_k))


def test_a_second_mechanism_makes_the_line_optimistic_and_a_bend_shows_it_where_it_can() -> None:
    """Rates add: 0.5 eV has four fifths of the rate at 150 C."""
    away = 1 / (K * 423.15) - 1 / (K * 473.15)
    rate = 4 * np.exp(-1.1 * away) / 2e4
    truth = ageing.BakeTruth(sigma=0.15, second_s=float(1 / (rate * np.exp(0.5 * away))))
    kelvins = (423.15, 448.15, 473.15, 498.15, 523.15)
    many = arrhenius.characterize(ageing.bake(kelvins, 20, last=1e8, truth=truth)).levels[0]
    assert many.fit is not None
    assert many.fit.median(358.15).value > 2.0 * truth.median(358.15)
    assert many.median is None
    assert "bent" in str(many.refusal)
    few = arrhenius.characterize(ageing.bake((423.15, 473.15, 523.15), 3, last=1e8, truth=ageing.BakeTruth(
        sigma=0.5, second_s=truth.second_s))).levels[0]  # fmt: skip
    assert few.median is not None  # three devices that differ so much do not show it
    assert few.median.value > 2.0 * truth.median(358.15)


def frame_of(kelvins: list[float], device: str = "d", level: str = "lrs") -> pd.DataFrame:
    """One state that falls tenfold a decade from 1e-4 S, at each temperature."""
    t = np.geomspace(1, 1e4, 9)
    rows = [pd.DataFrame({"time_s": t, "conductance_s": 1e-4 / t, "temperature_k": k}) for k in kelvins]
    return pd.concat(rows, ignore_index=True).assign(device_id=device, level=level)


def test_one_temperature_has_no_line_and_two_are_refused() -> None:
    one = everything(RetentionTable(frame_of([400.0])))
    assert "arrhenius" not in one.results
    none = everything(records.retention(2))
    assert "arrhenius" not in none.results
    two = everything(RetentionTable(pd.concat([frame_of([400.0], "a"), frame_of([450.0], "b")], ignore_index=True)))
    assert two.results["arrhenius"].levels[0].refusal.startswith("2 temperatures")
    assert any(w.code == "no_life" and "2 temperatures" in w.message for w in two.warnings)
    assert two.results["arrhenius"].scalars() == ()
    json.dumps(two.as_dict(), allow_nan=False)
    assert two.results["arrhenius"].panel().draw() is not None


def test_states_are_not_pooled_over_temperatures() -> None:
    """Exponents of 0.01, 0.05 and 0.1 at three temperatures; pooled they would be one of about 0.05."""
    t = np.geomspace(1, 1e4, 9)
    rows = [
        pd.DataFrame(
            {"time_s": t, "conductance_s": 1e-4 * t**-nu, "temperature_k": kelvin + 0.2 * (-1.0) ** np.arange(9)}
        )
        for kelvin, nu in ((350.0, 0.01), (400.0, 0.05), (450.0, 0.1))
    ]
    table = RetentionTable(pd.concat(rows, ignore_index=True).assign(device_id="d", level="lrs"))
    found = retention.characterize(table)
    assert [state.nu for state in found.states] == pytest.approx([0.01, 0.05, 0.1])
    assert [state.temperature_k for state in found.states] == pytest.approx([350, 400, 450], abs=0.3)
    assert [each.message.count("three temperatures") for each in found.warnings] == [0] * len(found.warnings)
    nu = {each.name: each for each in found.scalars()}["nu_lrs"]
    assert nu.value == pytest.approx(0.01)
    assert nu.by.startswith("at 350")
    assert len(found.panel().curves) >= 6
    assert sum(len(c.x) for c in found.panel().curves if c.style == ".") == 27


def test_a_temperature_in_celsius_is_converted(tmp_path: Path) -> None:
    baked = ageing.bake((400.0, 450.0), 2).frame
    frame = pd.DataFrame({
        "Device": baked["device_id"], "Temperature (C)": baked["temperature_k"] - 273.15,
        "Time (s)": baked["time_s"], "Conductance (uS)": 1e6 * baked["conductance_s"],
    })  # fmt: skip
    frame.to_csv(tmp_path / "b.csv", index=False)
    found = devicekit.characterize(tmp_path / "b.csv", kind="retention")
    assert "celsius" in [warning.code for warning in found.warnings]
    assert sorted(set(found.table.frame["temperature_k"])) == pytest.approx([400.0, 450.0])
    with pytest.raises(UsageError, match="not in kelvin"):
        devicekit.read(tmp_path / "b.csv", kind="retention", columns={"temperature_k": "Temperature (C)"})
    kelvin = frame.rename(columns={"Temperature (C)": "Temperature (K)"})
    kelvin["Temperature (K)"] += 273.15
    kelvin.to_csv(tmp_path / "k.csv", index=False)
    named = devicekit.read(tmp_path / "k.csv", kind="retention", columns={"temperature_k": "Temperature (K)"})
    assert sorted(set(named.frame["temperature_k"])) == pytest.approx([400.0, 450.0])
    assert "unused_temperature" not in [warning.code for warning in devicekit.characterize(named).warnings]
    one = devicekit.characterize(RetentionTable(frame_of([400.0]).rename(columns={"temperature_k": "Temperature (K)"})))
    assert "unused_temperature" not in [warning.code for warning in one.warnings]  # it does not change


def test_which_readings_are_one_bake() -> None:
    frame = pd.DataFrame({"device_id": "d", "level": "a", "temperature_k": [400.0, 402.0, 401.0, 404.1, np.nan]})
    assert baked_at(frame).tolist()[:4] == [401.0, 401.0, 401.0, 404.1]
    assert np.isnan(baked_at(frame)[4])
    assert baked_at(frame.drop(columns="temperature_k")).isna().all()


def test_records_without_a_life_are_left_out_and_named() -> None:
    t = np.geomspace(1, 1e4, 9)
    ramp = frame_of([400.0], "ramp").assign(temperature_k=400 + np.linspace(0, 12, 9))
    dead = frame_of([400.0], "dead").assign(conductance_s=np.r_[0.0, np.ones(8)])
    once = frame_of([400.0], "once").iloc[:1]
    on = pd.concat([frame_of([400.0], "on"), frame_of([450.0], "on").assign(time_s=1e4 + t)])
    found = arrhenius.characterize(RetentionTable(pd.concat([ramp, dead, once, on], ignore_index=True)))
    why = {each.record.split()[0]: each.reason for each in found.skipped}
    assert "12 K" in why["ramp"]
    assert "0 S" in why["dead"]
    assert "one reading" in why["once"]
    assert "rewritten" in why["on"]
    assert any(warning.code == "dropped" for warning in found.warnings)


def test_assumptions_are_warnings() -> None:
    kelvins = (423.15, 453.15, 488.15, 523.15)
    table = ageing.bake()
    same = table.frame.assign(device_id=table.frame["device_id"].str[-1])  # names come back at other temperatures
    codes = [warning.code for warning in arrhenius.characterize(RetentionTable(same)).warnings]
    assert "same_device" in codes
    assert "same_device" not in [warning.code for warning in arrhenius.characterize(table).warnings]
    late = arrhenius.characterize(ageing.bake(kelvins, first=300.0))
    assert "late_start" in [warning.code for warning in late.warnings]
    back = frame_of([400.0])
    back.loc[8, "conductance_s"] = 1e-4
    noisy = arrhenius.characterize(RetentionTable(pd.concat([back, frame_of([450.0], "e")], ignore_index=True)))
    assert any(w.code == "state_returned" and "d at 400 K" in w.message for w in noisy.warnings)
    cut = arrhenius.characterize(ageing.bake(kelvins, last=2e4))
    assert "line_untested" in [warning.code for warning in cut.warnings]


def test_sudden_losses_count_as_lying_between_two_readings() -> None:
    """Drops to a tenth: ten readings a decade tell when; one a decade does not, and no number is made up."""
    kelvins = (423.15, 453.15, 488.15, 523.15)
    close = arrhenius.characterize(ageing.bake(kelvins, abrupt=True, last=1e7)).levels[0]
    assert all(each.sudden for each in close.lives)
    assert close.fit is not None
    assert (close.fit.high > close.fit.low).all()
    ends = close.fit.energy_ev.ends
    assert ends is not None
    assert ends[0] < 1.1 < ends[1]
    sharp = ageing.BakeTruth(sigma=0.05)
    far = arrhenius.characterize(ageing.bake(kelvins, abrupt=True, last=1e7, per_decade=1, truth=sharp)).levels[0]
    assert far.median is None
    assert "too far apart" in str(far.refusal)


def test_levels_have_lines_of_their_own() -> None:
    low = ageing.bake(truth=ageing.BakeTruth(energy_ev=0.8), seed=5).frame.assign(level="hrs")
    both = RetentionTable(pd.concat([ageing.bake().frame, low], ignore_index=True))
    found = arrhenius.characterize(both, life_temperature_k=400.0)
    energies = {each.level: each.fit.energy_ev.value for each in found.levels if each.fit}
    assert energies["lrs"] == pytest.approx(1.1, abs=0.15)
    assert energies["hrs"] == pytest.approx(0.8, abs=0.15)
    assert {each.name for each in found.scalars()} == {
        "activation_energy_lrs_ev", "activation_energy_hrs_ev", "retention_life_lrs_s", "retention_life_hrs_s"
    }  # fmt: skip
    assert [each.count("level hrs") for each in found.sentences()] == [0, 0, 1, 1]


@pytest.mark.usefixtures("without_pictures")
def test_few_readings_a_record_are_enough_for_lives_if_not_for_a_law() -> None:
    frame = ageing.bake(noise=0.0, per_decade=10).frame
    few = frame[frame.groupby("device_id").cumcount() % 20 == 0]
    found = everything(RetentionTable(few.reset_index(drop=True)), Settings(life_temperature_k=400.0))
    assert found.results["retention"].states == ()
    assert "5 or more times" in found.results["retention"].sentences()[0]
    block = found.for_card()["retention"]
    assert block.states == ()
    assert block.arrhenius[0].failures == found.results["arrhenius"].levels[0].failures
    assert next(each.name for each in block.scalars()) == "activation_energy_ev"
    assert found.section("x", "y").blocks


def test_the_factor_is_the_given_one() -> None:
    two, more = (arrhenius.characterize(ageing.bake(), lost_factor=f).levels[0].lives[-1] for f in (2.0, 3.0))
    assert two.life_s is not None
    assert more.life_s is not None
    assert more.life_s == pytest.approx(4 * two.life_s, rel=0.3)  # 1 + (t / t_f)^0.5 is 3 at 4 t_f


@pytest.mark.slow
def test_the_intervals_cover() -> None:
    import subprocess
    import sys
    from pathlib import Path

    script = Path(__file__).parents[3] / "benchmarks" / "arrhenius_coverage.py"
    ran = subprocess.run(
        [sys.executable, str(script), "--runs", "40", "--check"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def bakes(kelvins: list[float], times: list[float], first: float = 0.0, cells: int = 16) -> RetentionTable:
    """Cells read at `first` and at the times of each bake; the hotter it was, the more had lost half by its end."""
    rng, rows = np.random.default_rng(5), []
    for k, kelvin in enumerate(kelvins):
        for cell in range(cells):
            loss = np.exp(rng.normal(-1.6 + 0.5 * k, 0.5))
            for n, time in enumerate([first, *times]):
                rows.append((f"c{k}_{cell}", "g4", time, 1e-4 * np.exp(-loss * n / len(times)), kelvin))
    names = ["device_id", "level", "time_s", "conductance_s", "temperature_k"]
    return RetentionTable(pd.DataFrame(rows, columns=names))


HOT = [373.15, 413.15, 453.15, 493.15, 533.15]


@pytest.mark.parametrize("first", [0.0, 1.0])
def test_two_readings_give_no_life_and_no_activation_energy(first: float) -> None:
    """Before: "activation energy ... (95 %: open); median life at 358.15 K", with both intervals open."""
    made = bakes(HOT, [5000.0], first)
    frame = made.frame.copy()
    if first:  # lost by far more than the factor at once: then it is only known to lie between the two readings
        frame.loc[(frame["time_s"] > first) & (frame["conductance_s"] < 5e-5), "conductance_s"] = 1e-6
    found = arrhenius.characterize(RetentionTable(frame))
    (level,) = found.levels
    assert level.failures >= 4
    assert level.fit is None
    assert level.median is None
    assert "three times" in str(level.refusal)
    assert found.scalars() == found.lines_for_card() == ()
    assert "no_life" in [warning.code for warning in found.warnings]


def test_more_readings_in_a_bake_still_give_a_line() -> None:
    (level,) = arrhenius.characterize(bakes(HOT, [500.0, 1000.0, 2000.0, 3500.0, 5000.0])).levels
    assert "three times" not in str(level.refusal)
    assert level.fit is not None


def test_degrees_celsius_in_a_table_in_memory_give_no_energy() -> None:
    (level,) = arrhenius.characterize(bakes([100.0, 140.0, 180.0, 220.0, 260.0], [500.0, 2000.0, 5000.0])).levels
    assert level.fit is None
    assert "degrees Celsius" in (level.refusal or "")


def test_the_p_of_a_bend_is_the_f_test_of_a_square_term_with_n_less_three_degrees() -> None:
    """Lives on a parabola, scattered: the square term is small enough that p is neither 0 nor 1."""
    x = np.repeat([23.0, 24.0, 26.0, 27.5], 2)
    y = 3.0 + 0.9 * x + 0.05 * (x - 25.0) ** 2 + 0.3 * np.cos(3.0 * np.arange(8) ** 2)
    found = pure.fit_lives(x, y, y, (480.0, 460.0, 430.0, 400.0)).bend_p
    rss = [float(np.linalg.lstsq(np.vander(x - x.mean(), terms), y, rcond=None)[1][0]) for terms in (2, 3)]
    expected = fisher.sf((rss[0] - rss[1]) / (rss[1] / (8 - 3)), 1, 8 - 3)
    assert 0.01 < expected < 0.9
    assert found == pytest.approx(expected, rel=1e-4)
