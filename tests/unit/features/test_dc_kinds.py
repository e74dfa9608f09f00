"""Every kind of sweep file against a known truth: bipolar, negative set, unipolar, set only, reset only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq

from devicekit.features.definitions import OUTCOMES
from devicekit.features.merits import dc
from devicekit.tables import SweepTable

Run = Callable[..., Any]


@dataclass(frozen=True)
class Truth:
    """A device whose ln G goes from one level to the other by a logistic step about V_set, or about V_reset."""

    v_set: float = 0.80  # V, magnitudes
    v_reset: float = 0.60
    hrs: float = 2e-6  # S
    lrs: float = 5e-4
    width: float = 0.02  # V
    set_top: float = 1.5  # V, where a sweep turns
    reset_top: float = 1.2
    compliance: float = 2e-4  # A, of sets
    step: float = 0.01  # V

    @property
    def peak(self) -> float:
        """Where the current of the reset, V G(V), is largest: 1 / V = ln(LRS / HRS) s (1 - s) / width [V]."""

        def slope(v: float) -> float:
            s = 1 / (1 + np.exp(-(v - self.v_reset) / self.width))
            return 1 / v - np.log(self.lrs / self.hrs) * s * (1 - s) / self.width

        return float(brentq(slope, 0.2, self.v_reset))


def excursion(truth: Truth, kind: str, sign: int, back: bool = True) -> pd.DataFrame:
    """One set or reset without noise: 0 V, the top and, unless it goes one way, back to 0 V."""
    sets = kind == "set"
    top, at = (truth.set_top, truth.v_set) if sets else (truth.reset_top, truth.v_reset)
    before, after = (truth.hrs, truth.lrs) if sets else (truth.lrs, truth.hrs)
    up = np.arange(0, top + truth.step / 2, truth.step)
    share = 1 / (1 + np.exp(-(up - at) / truth.width))
    g = before * (after / before) ** share
    v = np.r_[up, up[-2::-1]] if back else up
    i = v * np.r_[g, np.full(v.size - g.size, g[-1])]
    if sets:
        i = np.minimum(i, truth.compliance)
    frame = pd.DataFrame({"voltage_v": sign * v, "current_a": sign * i})
    return frame.assign(compliance_a=truth.compliance if sets else np.nan)


SWEEPS = {  # what each sweep of a file does: (set or reset, sign of the voltage)
    "bipolar": ((("set", 1), ("reset", -1)),),
    "negative": ((("set", -1), ("reset", 1)),),
    "unipolar": ((("set", 1),), (("reset", 1),)),
    "set_only": ((("set", -1),),),
    "reset_only": ((("reset", 1),),),
}


def made(
    sweeps: Sequence[Sequence[tuple[str, int]]],
    times: int = 10,
    noise: float = 0.0,
    column: bool = True,
    back: bool = True,
    truths: Sequence[Truth] = (Truth(),),
    device: str = "d",
) -> SweepTable:
    """A table of the sweeps, `times` over, with multiplicative noise of the readings."""
    rng = np.random.default_rng(7)
    frames = []
    for k in range(times):
        for parts in sweeps:
            rows = pd.concat(
                [excursion(truths[k % len(truths)], *part, back=back) for part in parts], ignore_index=True
            )
            frames.append(rows.assign(device_id=device, cycle=len(frames) + 1, point=np.arange(len(rows))))
    frame = pd.concat(frames, ignore_index=True)
    frame["current_a"] *= 1 + noise * rng.standard_normal(len(frame))
    return SweepTable(frame if column else frame.drop(columns="compliance_a"))


EXPECTED = {  # outcomes of ten sweeps of each, the polarity, and the signs of V_set and V_reset
    "bipolar": ({"switched": 10}, "bipolar", 1, -1),
    "negative": ({"switched": 10}, "bipolar", -1, 1),
    "unipolar": ({"switched": 10, "reset_only": 10}, "unipolar", 1, 1),
    "set_only": ({"switched": 10}, "set_only", -1, 0),
    "reset_only": ({"reset_only": 10}, "reset_only", 0, 1),
}


@pytest.mark.parametrize("noise", [0.0, 0.03])
@pytest.mark.parametrize("column", [True, False], ids=["stated", "from data"])
@pytest.mark.parametrize("kind", SWEEPS)
def test_every_kind_has_its_voltages_levels_and_polarity(kind: str, column: bool, noise: float) -> None:
    truth = Truth()
    result = dc.characterize(made(SWEEPS[kind], noise=noise, column=column))
    outcomes, word, set_sign, reset_sign = EXPECTED[kind]
    assert result.outcomes == outcomes
    assert result.polarity.word == word
    assert (result.polarity.set_sign, result.polarity.reset_sign) == (set_sign, reset_sign)
    v_set, v_reset = result.spread("v_set_v"), result.spread("v_reset_v")
    assert (v_set is None) == (set_sign == 0)
    assert (v_reset is None) == (reset_sign == 0)
    if v_set is not None:  # noise of 3 % moves half of ln G by 0.03 / (ln 250 / 4 width) = 0.4 mV
        assert v_set.n == 10
        assert v_set.median == pytest.approx(set_sign * truth.v_set, abs=0.5e-3 + 0.05 * noise)
    if v_reset is not None:  # on the grid, and smoothed; with noise the flat top of the peak is read to a few steps
        assert v_reset.n == 10
        assert v_reset.median == pytest.approx(reset_sign * truth.peak, abs=1.5 * truth.step + noise)
    hrs, lrs, ratio = (result.spread(name) for name in ("g_hrs_s", "g_lrs_s", "on_off"))
    assert hrs is not None
    assert lrs is not None
    assert ratio is not None
    assert hrs.median == pytest.approx(truth.hrs, rel=1e-6 + noise / 2)
    assert lrs.median == pytest.approx(truth.lrs, rel=1e-6 + noise / 2)
    assert ratio.median == pytest.approx(truth.lrs / truth.hrs, rel=1e-6 + noise)
    sets = result.cycles[np.isfinite(result.cycles["v_set_v"])]
    np.testing.assert_allclose(sets["compliance_a"], truth.compliance, rtol=1e-9 if column else 1e-9 + noise / 5)
    assert set(sets["compliance_source"]) <= {"stated" if column else "data"}
    assert any(each.startswith("Compliance") for each in result.sentences()) == (not column and set_sign != 0)


@pytest.mark.parametrize("noise", [0.0, 0.03])
def test_steep_reset_sweeps_to_2_1_volts(noise: float) -> None:
    """Eleven sweeps from 0 to 2.1 V and back, on/off 30 to 440: each resets, and none fails."""
    ratios = np.geomspace(30, 440, 11)
    truths = [Truth(hrs=5e-4 / ratio, v_reset=1.1, reset_top=2.1) for ratio in ratios]
    result = dc.characterize(made(SWEEPS["reset_only"], 11, noise, column=False, truths=truths))
    assert result.outcomes == {"reset_only": 11}
    np.testing.assert_allclose(result.cycles["on_off"], ratios, rtol=1e-6 + 2 * noise)
    np.testing.assert_allclose(result.cycles["v_reset_v"], [each.peak for each in truths], atol=0.015 + 2 * noise)
    assert result.cycles["v_set_v"].isna().all()
    text = " ".join(result.sentences())
    assert f"11 {OUTCOMES['reset_only']}" in text
    assert result.polarity.word == "reset_only"
    assert "V_set " not in text.replace("no V_set", "")


def test_a_state_that_is_not_read_on_the_way_back_is_read_in_the_next_sweep() -> None:
    """One way only, set and reset in turn: every sweep but the last has both states."""
    result = dc.characterize(made(SWEEPS["unipolar"], 3, back=False))
    assert list(result.cycles["outcome"]) == [*["switched", "reset_only"] * 2, "switched", "one_way"]
    np.testing.assert_allclose(result.cycles["on_off"][:5], 250, rtol=1e-6)
    bipolar = made(((("set", 1),), (("reset", -1),)), 3, back=False)
    assert list(dc.characterize(bipolar).cycles["outcome"]) == [*["switched", "reset_only"] * 2, "switched", "one_way"]


@pytest.mark.parametrize("kind", ["set", "reset"])
def test_what_happens_between_one_way_sweeps_is_not_taken_for_the_sweep(kind: str) -> None:
    """Sets (or resets) alone, one way, their first states scattered threefold: the next sweep does not tell of this."""
    scattered = [Truth(hrs=2e-6 * f, lrs=5e-4 * f) for f in (1.0, 3.0, 1.0, 3.0)]
    result = dc.characterize(made((((kind, 1),),), 4, back=False, truths=scattered))
    assert result.outcomes == {"one_way": 4}
    assert result.polarity.word == "unknown"


@pytest.mark.parametrize(("kept", "word"), [(4, "bipolar"), (3, "mixed")])
def test_a_polarity_needs_four_in_five(kept: int, word: str) -> None:
    """One set at negative voltage beside four at positive leaves 80 %, beside three 75 %."""
    most, other = made(SWEEPS["bipolar"], kept).frame, made(SWEEPS["negative"], 1).frame
    result = dc.characterize(SweepTable(pd.concat([most, other.assign(cycle=100)])))
    assert result.polarity.word == word
    text = " ".join(result.sentences())
    if word == "mixed":
        assert "4 sets (3 at positive and 1 at negative voltage)" in text
    else:
        assert result.outcomes == {"switched": 4, "against": 1}
        spread = result.spread("v_set_v")
        assert spread is not None
        assert spread.n == 4


@pytest.mark.parametrize(("few", "many"), [("set_only", "reset_only"), ("reset_only", "set_only")])
@pytest.mark.parametrize(("number", "strays"), [(5, False), (6, True)])
def test_strays_of_one_in_six_do_not_make_a_device_unipolar(few: str, many: str, number: int, strays: bool) -> None:
    parts = {"set_only": SWEEPS["unipolar"][:1], "reset_only": SWEEPS["unipolar"][1:]}
    most, other = made(parts[many], number).frame, made(parts[few], 1).frame
    result = dc.characterize(SweepTable(pd.concat([most, other.assign(cycle=100)])))
    assert result.polarity.word == (many if strays else "unipolar")
    assert result.outcomes.get("against", 0) == strays


@pytest.mark.parametrize("order", [("set", "reset"), ("reset", "set")])
@pytest.mark.parametrize("start", [0.0, 0.05])
def test_a_set_and_a_reset_of_one_polarity_within_one_sweep(start: float, order: tuple[str, str]) -> None:
    table = made(((tuple((kind, 1) for kind in order)),), 4)
    result = dc.characterize(SweepTable(table.frame.query("voltage_v >= @start - 1e-9")))
    assert result.outcomes == {"switched": 4}
    assert result.polarity.word == "unipolar"
    truth = Truth()
    assert result.cycles["v_set_v"].to_numpy() == pytest.approx([truth.v_set] * 4, abs=1e-3)
    assert result.cycles["v_reset_v"].to_numpy() == pytest.approx([truth.peak] * 4, abs=0.015)
    if start == 0:
        both = [excursion(truth, kind, 1) for kind in order]
        area = sum(abs(np.trapezoid(each["current_a"], each["voltage_v"])) for each in both)
        assert result.cycles["hysteresis_w"][0] == pytest.approx(area, rel=1e-3)


@pytest.mark.parametrize(("kind", "outcome"), [("set", "switched"), ("reset", "reset_only")])
def test_an_hrs_below_the_noise_hides_neither_set_nor_reset(kind: str, outcome: str) -> None:
    """0.1 nS under a noise of 1 nA: where its slope comes out negative there is no HRS, but the voltage there is.

    V_set then stands half-way between the LRS and what the noise would hide, some 10 mV above the truth.
    """
    truth = Truth(hrs=1e-10)
    frame = made((((kind, 1),),), 20, truths=[truth]).frame
    frame["current_a"] += 1e-9 * np.random.default_rng(2).standard_normal(len(frame))
    cycles = dc.characterize(SweepTable(frame)).cycles
    assert set(cycles["outcome"]) == {outcome}
    assert 3 <= cycles["g_hrs_s"].isna().sum() <= 17
    column, at = ("v_set_v", truth.v_set) if kind == "set" else ("v_reset_v", truth.peak)
    np.testing.assert_allclose(cycles[column], at, atol=0.02)
    np.testing.assert_allclose(cycles["g_lrs_s"], truth.lrs, rtol=1e-4)


def test_a_curved_hrs_that_carries_more_than_the_lrs_did_hides_no_reset() -> None:
    """Beyond the reset I grows as V^4 and passes the peak current at 1.9 V: V_reset stays at the peak."""
    truth = Truth(v_reset=0.6, reset_top=2.1, hrs=2e-5)
    frame = made(SWEEPS["reset_only"], 1, truths=[truth]).frame
    v = frame["voltage_v"].to_numpy()
    frame["current_a"] += 2.5e-5 * np.where(v > 0, v, 0) ** 4
    assert frame["current_a"].iloc[210] > 1.2 * frame["current_a"][v < 0.7].max()
    result = dc.characterize(SweepTable(frame))
    assert result.cycles["v_reset_v"][0] == pytest.approx(truth.peak, abs=0.02)
    assert result.outcomes == {"reset_only": 1}


KINDS_SAY = {
    "bipolar": "Bipolar: it sets at positive and resets at negative voltage.",
    "negative": "Bipolar: it sets at negative and resets at positive voltage.",
    "unipolar": "Unipolar: it sets and resets at positive voltage.",
    "set_only": "It sets at negative voltage; no reset",
    "reset_only": "It resets at positive voltage; no set",
}


@pytest.mark.usefixtures("without_mechanism", "without_pictures")
@pytest.mark.parametrize("kind", KINDS_SAY)
def test_the_command_reports_the_polarity(kind: str, tmp_path: Path, devicekit: Run) -> None:
    made(SWEEPS[kind], 3, noise=0.01, column=False).to_csv(tmp_path / "s.csv")
    ran = devicekit("characterize", tmp_path / "s.csv", "--out", tmp_path / "out")
    assert ran.code == 0, ran.err
    assert KINDS_SAY[kind] in ran.out
    assert "failed" not in ran.out
    page = (tmp_path / "out" / "report.html").read_text()
    assert KINDS_SAY[kind] in page


@pytest.mark.usefixtures("without_mechanism", "without_pictures")
def test_two_values_have_a_spread_with_its_uncertainty_and_one_has_none(tmp_path: Path, devicekit: Run) -> None:
    """Of 0.80 and 0.84 V: 28.3 mV, and with one degree of freedom from 0.4463 to 31.91 times that."""
    two = [Truth(), replace(Truth(), v_set=0.84)]
    result = dc.characterize(made(SWEEPS["set_only"], 2, truths=two))
    spread = result.spread("v_set_v")
    assert spread is not None
    assert spread.c2c is not None
    assert spread.c2c.value == pytest.approx(0.04 / np.sqrt(2), rel=1e-2)
    assert spread.c2c.ends == pytest.approx((0.4463 * spread.c2c.value, 31.91 * spread.c2c.value), rel=1e-3)
    text = " ".join(result.sentences())
    assert "median of 2, C2C standard deviation 0.028 V, 95 %: 0.013 to 0.9 V" in text
    made(SWEEPS["set_only"], 1).to_csv(tmp_path / "one.csv")
    ran = devicekit("characterize", tmp_path / "one.csv", "--out", tmp_path / "out")
    assert "(by half_ln_g, read at 0.1 V, one sweep)" in ran.out
    assert "C2C standard deviation" not in ran.out
    row = next(line for line in ran.out.splitlines() if line.strip().startswith("V_set  "))
    assert row.split()[-3:] == ["–", "–", "–"]  # no range, no C2C, no D2D
