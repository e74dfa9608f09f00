"""Exports of a card of round numbers against values by hand: spreads, signs, text, gaps, clamps."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.io import loadmat
from scipy.special import ndtri

from devicekit.device.blocks import Conditions, DeviceRow
from devicekit.device.card import DeviceCard
from devicekit.exporters import ExportOptions, compact, make
from devicekit.exporters.targets.crosssim import data_table, increments, law_table
from devicekit.synthetic.pulses import truth_card
from devicekit.tables import PulseTable, neutral

from .conftest import LAWS, exported

SPAN = (2e-5, 1.2e-4)  # S
VARIANCE = ((0.04, 0.006), (0.006, 0.0225))  # of ln rate: sd 0.2 (LTP) and 0.15 (LTD), correlation 0.2
STEPS = {"ltp": 0.01, "ltd": 0.02}  # of a linear card


def with_covariance(card: DeviceCard, covariance: tuple[tuple[float, float], tuple[float, float]]) -> DeviceCard:
    variation = card.variation.model_copy(update={"d2d_ln_rate_covariance": covariance})
    return card.model_copy(update={"variation": variation})


def linear(n_pulses: int = 50, **settings: object) -> DeviceCard:
    """Steps of 1 % (LTP) and 2 % (LTD) of the window at every state."""
    theta = {direction: (math.log(step),) for direction, step in STEPS.items()}
    return truth_card(theta, model="linear", window=SPAN, n_pulses=n_pulses, **settings)  # type: ignore[arg-type]


def fields(card: DeviceCard) -> dict[str, float]:
    """Numbers of NeuroSim's RealDevice, as written."""
    text = make(card, "neurosim", ExportOptions()).files["RealDevice.txt"].decode()
    return {name: float(value) for name, value in re.findall(r"(?m)^(\w+) = ([-+.\de]+)", text)}


def table(pulses: list[int], states: list[float], direction: str = "ltp") -> PulseTable:
    frame = pd.DataFrame({"device_id": "d", "cycle": 1, "direction": direction, "pulse_index": pulses})
    return PulseTable(frame.assign(conductance_s=states))


@pytest.mark.parametrize(
    ("covariance", "words"),
    [
        (VARIANCE, "sd 0.2 and 0.15, correlation 0.2 "),
        (((0.0225, -0.015), (-0.015, 0.04)), "sd 0.15 and 0.2, correlation -0.5 "),
        (((0.04, 0.0), (0.0, 0.0)), "sd 0.2 and 0, correlation 0 "),
    ],
)
def test_verilog_a_d2d_is_the_root_of_the_variance(
    covariance: tuple[tuple[float, float], tuple[float, float]], words: str
) -> None:
    assert words in make(with_covariance(linear(), covariance), "veriloga", ExportOptions()).noise


def test_csv_puts_each_element_of_the_covariance_in_its_row(tmp_path: Path) -> None:
    folder = exported(with_covariance(linear(), VARIANCE), "csv", tmp_path)
    frame = pd.read_csv(folder / "parameters.csv", skiprows=[1], keep_default_na=False)
    rows = {row.direction: float(row.value) for row in frame.itertuples() if row.parameter.startswith("D2D")}
    assert rows == {"ltp": 0.04, "ltd": 0.0225, "": 0.006}
    (covariance,) = frame[frame["direction"] == ""]["parameter"].loc[lambda each: each.str.startswith("D2D")]
    assert "covariance" in covariance


@pytest.mark.parametrize("name", ["=1+1", "+1+1", "-cmd", "@SUM(A1)", "-=1"])
def test_csv_writes_a_name_that_looks_like_a_formula_as_text(name: str, tmp_path: Path) -> None:
    """A spreadsheet runs cells that begin with = + - or @."""
    card = linear().model_copy(update={"name": name})
    folder = exported(card, "csv", tmp_path)
    lines = (folder / "train.csv").read_text().splitlines()
    assert all(line.startswith(f"'{name},") for line in lines[2:])


@pytest.mark.parametrize("text", ["-1.5", "-.5", "device-1", "a=b", "3+4", "x@y", ""])
def test_numbers_and_plain_words_stay_as_they_are(text: str) -> None:
    assert neutral(text) == text


@pytest.mark.parametrize("text", ["=x", "+x", "-x", "@x", "\tx", "\rx", "+1", "-(1)"])
def test_a_leading_sign_is_made_text(text: str) -> None:
    assert neutral(text) == f"'{text}"


def test_csv_rates_and_steps_of_a_linear_card(tmp_path: Path) -> None:
    """+0.01 and -0.02 of a window of 100 uS: 1 and -2 uS a pulse; the ends of the window stop them."""
    frame = pd.read_csv(exported(linear(), "csv", tmp_path) / "rate.csv", skiprows=[1])
    np.testing.assert_allclose(frame["conductance_s"], 2e-5 + 1e-4 * np.linspace(0, 1, 201), rtol=1e-8)
    np.testing.assert_allclose(frame["rate_ltp"], 0.01, rtol=1e-8)
    np.testing.assert_allclose(frame["rate_ltd"], -0.02, rtol=1e-8)
    np.testing.assert_allclose(frame["step_ltp"][:199], 1e-6, rtol=1e-6)
    np.testing.assert_allclose(frame["step_ltd"][4:], -2e-6, rtol=1e-6)
    # one step of the grid, half a per cent, is left at the last but one state
    assert frame["step_ltp"][199] == pytest.approx(5e-7, rel=1e-6)
    assert frame["step_ltd"][[0, 1]].tolist() == pytest.approx([0.0, -5e-7], rel=1e-6)


def test_csv_gives_the_states_of_both_trains_of_a_linear_card(tmp_path: Path) -> None:
    """Up by 1 % of 100 uS a pulse to the end of the window, and from there down by 2 % of it."""
    frame = pd.read_csv(exported(linear(), "csv", tmp_path) / "train.csv", skiprows=[1])
    n = np.arange(101)
    for direction, state in (("ltp", 0.01 * n), ("ltd", np.maximum(1.0 - 0.02 * n, 0.0))):
        rows = frame[frame["direction"] == direction]
        assert rows["pulse_index"].tolist() == n.tolist()
        np.testing.assert_allclose(rows["state"], state, atol=1e-8)
        np.testing.assert_allclose(rows["conductance_s"], 2e-5 + 1e-4 * state, rtol=1e-6)


def test_mat_has_the_direction_of_pulses(tmp_path: Path) -> None:
    """0 before the first pulse, 1 for 100 LTP pulses, -1 for 100 LTD ones; the states of a linear card."""
    (path,) = exported(linear(), "mat", tmp_path).glob("*.mat")
    train = loadmat(path, simplify_cells=True)["device"]["train"]
    assert train["pulse"].tolist() == list(range(201))
    assert train["direction"].tolist() == [0.0] + [1.0] * 100 + [-1.0] * 100
    up = np.minimum(0.01 * np.arange(101), 1.0)
    down = np.maximum(1.0 - 0.02 * np.arange(1, 101), 0.0)
    np.testing.assert_allclose(train["r"], [*up, *down], atol=1e-12)
    np.testing.assert_allclose(train["conductance_s"], 2e-5 + 1e-4 * np.array([*up, *down]), rtol=1e-12)


def test_mat_rates_have_their_signs_and_the_covariance_its_places(tmp_path: Path) -> None:
    (path,) = exported(with_covariance(linear(), VARIANCE), "mat", tmp_path).glob("*.mat")
    device = loadmat(path, simplify_cells=True)["device"]
    np.testing.assert_allclose(device["ltp"]["rate"], 0.01, rtol=1e-12)
    np.testing.assert_allclose(device["ltd"]["rate"], -0.02, rtol=1e-12)
    assert device["variation"]["d2d_ln_rate_covariance"].tolist() == [list(row) for row in VARIANCE]
    assert device["variation"]["ltp"]["c2c"] == {"increment": 0.003, "read": 0.004}


def test_crosssim_takes_no_increment_over_a_gap() -> None:
    """Pulses 2 and 5 have no row: 1 to 3 and 4 to 6 are two pulses, not one."""
    start, change = increments(table([0, 1, 3, 4, 6], [1e-5, 3e-5, 7e-5, 8e-5, 9e-5]), "ltp")
    np.testing.assert_allclose(start, [1e-5, 7e-5])
    np.testing.assert_allclose(change, [2e-5, 1e-5])


def test_crosssim_takes_no_increment_to_or_from_a_missing_reading() -> None:
    """Pulse 2 was given and not read."""
    start, change = increments(table([0, 1, 2, 3, 4], [1e-5, 3e-5, math.nan, 7e-5, 8e-5]), "ltp")
    np.testing.assert_allclose(start, [1e-5, 7e-5])
    np.testing.assert_allclose(change, [2e-5, 1e-5])


def test_crosssim_takes_the_first_of_repeated_readings_and_one_direction() -> None:
    repeated = table([0, 1, 1, 2], [1e-5, 3e-5, 4e-5, 6e-5])
    start, change = increments(repeated, "ltp")
    np.testing.assert_allclose(start, [1e-5, 3e-5])
    np.testing.assert_allclose(change, [2e-5, 3e-5])
    assert [part.size for part in increments(repeated, "ltd")] == [0, 0]


def test_a_crosssim_column_holds_quantiles_of_the_nearest_twenty_increments() -> None:
    """41 increments start at 0, 1, ... 40 uS and are their own start in nS: at 20 uS those of 10 to 29 or 11 to 30."""
    pulses, states = [], []
    for k in range(41):
        pulses += [3 * k, 3 * k + 1]  # pairs, with a gap between them
        states += [k * 1e-6, k * 1e-6 + k * 1e-9]
    columns = data_table(table(pulses, states), "ltp", np.array([0.0, 2e-5, 4e-5]))
    np.testing.assert_allclose(columns[:, 0] * 1e9, [0.0, 9.5, 19.0], atol=1e-6)
    np.testing.assert_allclose(columns[:, 2] * 1e9, [21.0, 30.5, 40.0], atol=1e-6)
    assert columns[1, 1] * 1e9 == pytest.approx(20.0, abs=0.51)
    assert np.ptp(columns[:, 1]) * 1e9 == pytest.approx(19.0, abs=1e-6)


@pytest.mark.parametrize(("direction", "step"), [("ltp", 1e-6), ("ltd", -2e-6)])
def test_a_crosssim_law_table_holds_normal_quantiles(direction: str, step: float) -> None:
    """Step + ndtri(CDF) times the increment, 0.003 of 100 uS; the outer rows stand for half steps of the CDF."""
    columns = law_table(linear(), direction, 101, noise=True)
    cdf = np.array([0.0025, *np.arange(1, 100) / 100, 0.9975])
    np.testing.assert_allclose(columns[:, 50], step + 3e-7 * ndtri(cdf), rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(law_table(linear(), direction, 101, noise=False)[:, 50], step, rtol=1e-9)


def rows(*theta: tuple[float, ...], largest: float = 1.0) -> tuple[DeviceRow, ...]:
    """Devices whose LTP and LTD are alike."""
    return tuple(
        DeviceRow(device_id=f"d{k}", ltp_theta=each, ltd_theta=each, ltp_largest_step=largest, ltd_largest_step=largest)
        for k, each in enumerate(theta)
    )


def test_neurosim_s_window_spreads_by_the_sample_standard_deviation() -> None:
    """40 equal steps of 1.0, 1.2 and 1.4 % end at 0.4, 0.48 and 0.56: sd 0.08 of 100 uS, with n - 1; all start at 0."""
    same = {direction: (math.log(0.012),) for direction in ("ltp", "ltd")}
    card = truth_card(same, model="linear", window=SPAN, n_pulses=40)
    card = card.model_copy(update={"devices": rows(*((math.log(step),) for step in (0.010, 0.012, 0.014)))})
    found = fields(card)
    assert found["minConductance"] == pytest.approx(2e-5, rel=1e-8)
    assert found["maxConductance"] == pytest.approx(6.8e-5, rel=1e-8)
    assert found["maxConductanceVar"] == pytest.approx(0.8e-5, rel=1e-6)
    assert found["minConductanceVar"] == pytest.approx(0.0, abs=1e-15)
    # update and read noise: 0.003 of 100 uS over the 48 uS that the loop covers; 0.004 of 100 uS over its middle
    assert found["sigmaCtoC"] == pytest.approx(0.00625, rel=1e-6)
    assert found["sigmaReadNoise"] == pytest.approx(0.004 * 100 / 44, rel=1e-6)


@pytest.mark.parametrize(
    ("step", "levels", "rms"),
    [
        (0.012, 53, 0.0),  # of 50 pulses some are lost, of 48 and 53 none: room for 53 equal steps
        (0.020, 48, math.sqrt((1 + 4) / 48**2 / 51)),  # 50 steps are the whole window: 48, and two steps are missing
    ],
)
def test_neurosim_s_window_is_another_one_where_the_law_is_followed_better(
    step: float, levels: int, rms: float
) -> None:
    same = {direction: (math.log(step),) for direction in ("ltp", "ltd")}
    card = truth_card(same, model="linear", window=SPAN, n_pulses=50)
    result = make(card, "neurosim", ExportOptions())
    found = fields(card)
    assert found["minConductance"] == pytest.approx(2e-5, rel=1e-8)
    assert found["maxConductance"] == pytest.approx(2e-5 + levels * step * 1e-4, rel=1e-8)
    assert found["maxNumLevelLTP"] == found["maxNumLevelLTD"] == levels
    assert result.figures["misfit_rms_ltp"] == pytest.approx(rms, abs=8e-4)  # the least label, 0.01, is no line
    assert f"{levels} LTP and {levels} LTD pulses" in " ".join(result.exact)


def test_neurosim_s_label_spreads_by_the_sample_standard_deviation() -> None:
    """A = -1 / ln(1 - r0 / bound) pulses of each device, label max(f(x) - x) / (0.07 sqrt 2), sd with n - 1."""
    pulses, thetas = 40, ((-4.2, 0.9), (-3.6, 0.9), (-3.9, 0.9))
    card = truth_card({"ltp": thetas[0], "ltd": thetas[0]}, model="exponential", window=SPAN, n_pulses=pulses)
    found = fields(card.model_copy(update={"devices": rows(*thetas)}))
    x = np.linspace(0.0, 1.0, 100_001)
    labels = []
    for level, kappa in thetas:
        fraction = math.exp(level) * kappa / (1.0 - kappa / 2.0)
        constant = -1.0 / math.log(1.0 - fraction) / pulses
        curve = np.expm1(-x / constant) / math.expm1(-1.0 / constant)
        labels.append(float((curve - x).max()) / (0.07 * math.sqrt(2.0)))
    assert found["NL_LTP"] == pytest.approx(labels[0], abs=0.0051)
    assert found["NL_LTD"] == pytest.approx(-labels[0], abs=0.0051)
    mean = sum(labels) / 3
    sd = math.sqrt(sum((label - mean) ** 2 for label in labels) / 2)
    assert sd > 0.3
    assert found["sigmaDtoD"] == pytest.approx(sd, abs=0.01)


@pytest.mark.parametrize(
    ("read", "ltp", "ltd", "written"),
    [
        (0.1, 1.0, -1.0, 0.1),
        (0.5, 1.0, -0.8, 0.2),  # half the LTD threshold of 0.4 V
        (0.5, 0.6, -2.0, 0.15),  # half the LTP threshold of 0.3 V
        (-0.2, 1.0, -1.0, 0.2),
        (None, 1.0, -1.0, 0.1),
        (None, 0.2, -1.0, 0.05),
    ],
)
def test_the_netlist_reads_at_half_of_each_threshold_at_most(
    read: float | None, ltp: float, ltd: float, written: float
) -> None:
    """A read must not be a pulse, whatever the card was read at; pulses still end at the card's amplitudes."""
    at = Conditions(pulse_width_s=1e-6, ltp_voltage_v=ltp, ltd_voltage_v=ltd, read_voltage_v=read)
    files = make(linear(conditions=at), "veriloga", ExportOptions()).files
    (text,) = (content.decode() for name, content in files.items() if name.endswith(".cir"))
    (bias,) = re.findall(r"V3 c 0 DC (\S+)", text)
    assert float(bias) == pytest.approx(written, rel=1e-9)
    pulses = [float(value) for value in re.findall(r"PULSE\(0 (\S+)", text)]
    assert pulses == pytest.approx([ltp - written, ltd - written], rel=1e-9)


def test_the_netlist_s_pulses_are_of_the_card_s_width_at_half_their_height() -> None:
    """Edges of a thousandth of the width each: width - edge at the top is the width at half the height."""
    at = Conditions(pulse_width_s=2e-6, ltp_voltage_v=1.0, ltd_voltage_v=-1.0)
    files = make(linear(conditions=at), "veriloga", ExportOptions()).files
    (text,) = (content.decode() for name, content in files.items() if name.endswith(".cir"))
    shapes = [[float(v) for v in found.split()] for found in re.findall(r"PULSE\(0 \S+ ([^)]+)\)", text)]
    assert shapes[0] == pytest.approx([1e-6, 2e-9, 2e-9, 1.998e-6, 4e-6, 100], rel=1e-9)
    assert shapes[1] == pytest.approx([1e-6 + 4e-4, 2e-9, 2e-9, 1.998e-6, 4e-6, 100], rel=1e-9)


def test_the_module_holds_the_card_s_window_and_caps() -> None:
    card = truth_card(LAWS["exponential"], model="exponential", window=SPAN)
    files = make(card, "veriloga", ExportOptions()).files
    (text,) = (content.decode() for name, content in files.items() if name.endswith(".va"))
    numbers = {name: float(value) for name, value in re.findall(r"parameter real (\w+) = (\S+?)(?:;| from)", text)}
    assert (numbers["g_low"], numbers["g_high"]) == SPAN
    # the largest step is that of the empty window: exp(L) / (1 - kappa / 2)
    for direction, (level, kappa) in LAWS["exponential"].items():
        assert numbers[f"cap_{direction}"] == pytest.approx(math.exp(level) / (1 - kappa / 2), rel=1e-9)


def test_a_replayed_table_is_capped_by_the_largest_step_of_each_branch() -> None:
    """Steps of 1 % up and 2 % down with caps of 0.8 % and 1.5 %: five up, and two and two thirds down."""
    card = linear()
    capped = {
        name: card.branch(name).model_copy(update={"largest_step": cap})
        for name, cap in (("ltp", 0.008), ("ltd", 0.015))
    }
    tables = {name: np.full(3, step) for name, step in STEPS.items()}
    path = compact.replay(card.model_copy(update=capped), tables, 5)
    assert path == pytest.approx([0.0, 0.008, 0.016, 0.024, 0.032, 0.04, 0.025, 0.01, 0.0, 0.0, 0.0])


def test_aihwkit_s_log_normal_gains_raise_the_mean_step_by_half_their_variance() -> None:
    """C_uu + C_dd = 2 (g + s) and C_ud = g - s: g = 0.018625, and exp(g / 2) - 1 = 0.94 %."""
    lines = make(with_covariance(linear(), VARIANCE), "aihwkit", ExportOptions()).approximated
    assert any(line.startswith("D2D:") and "0.94 %." in line for line in lines)
