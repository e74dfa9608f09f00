"""NeuroSim: spreads of window and label over devices, noise, and voltages of each branch, against values by hand."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

from devicekit.device.blocks import Conditions, DeviceRow
from devicekit.device.card import DeviceCard
from devicekit.exporters import ExportOptions, make
from devicekit.exporters.neurosim import scatter
from devicekit.exporters.neurosim.parameters import Parameters, settings
from devicekit.models.labels import nl_label
from devicekit.synthetic.pulses import truth_card

from .conftest import SPAN

PAIRS = pytest.mark.parametrize(("ltp", "ltd"), [(1.2, -0.9), (0.7, -1.5), (-1.2, 0.9)])


def of_voltages(ltp: float, ltd: float) -> DeviceCard:
    at = Conditions(pulse_width_s=30e-6, ltp_voltage_v=ltp, ltd_voltage_v=ltd, read_voltage_v=0.2)
    return truth_card({"ltp": (-4.6,), "ltd": (-5.0,)}, model="linear", conditions=at)


def fields(card: DeviceCard) -> dict[str, float]:
    """Numbers of NeuroSim's RealDevice, as written."""
    text = make(card, "neurosim", ExportOptions()).files["RealDevice.txt"].decode()
    return {name: float(value) for name, value in re.findall(r"(?m)^(\w+) = ([-+.\de]+)", text)}


def rows(*theta: tuple[float, ...], largest: float = 1.0) -> tuple[DeviceRow, ...]:
    """Devices whose LTP and LTD are alike."""
    return tuple(
        DeviceRow(device_id=f"d{k}", ltp_theta=each, ltd_theta=each, ltp_largest_step=largest, ltd_largest_step=largest)
        for k, each in enumerate(theta)
    )


@PAIRS
def test_neurosim_has_both_voltages_and_the_width(ltp: float, ltd: float) -> None:
    p = Parameters(2e-5, 1e-4, {"ltp": 60, "ltd": 45}, {"ltp": 1.1, "ltd": -2.2}, 0.011, 0.12, 3e-6, 7e-6, 0.04)
    values = {each.name: each.value for each in settings(of_voltages(ltp, ltd), p)}
    assert values["writeVoltageLTP"] == f"{abs(ltp):g}"
    assert values["writeVoltageLTD"] == f"{abs(ltd):g}"
    assert float(values["writePulseWidthLTP"] or 0) == float(values["writePulseWidthLTD"] or 0) == 30e-6
    assert values["readVoltage"] == "0.2"
    assert (values["maxNumLevelLTP"], values["maxNumLevelLTD"]) == ("60", "45")
    assert (values["NL_LTP"], values["NL_LTD"]) == ("1.1", "-2.2")
    assert (values["maxConductance"], values["minConductance"]) == ("0.0001", "2e-05")
    assert (values["maxConductanceVar"], values["minConductanceVar"]) == ("7e-06", "3e-06")
    assert (values["sigmaDtoD"], values["sigmaReadNoise"]) == ("0.12", "0.04")
    assert (values["sigmaCtoC"] or "").startswith("0.011 * ")


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


class PlusAndMinus:
    """A generator whose normals are plus and minus one in turn: of every draw the sd is 1 exactly."""

    def standard_normal(self, size: int) -> np.ndarray:
        return np.asarray(np.where(np.arange(size) % 2 == 0, 1.0, -1.0))


def parameters(**more: Any) -> Parameters:
    own: dict[str, Any] = {"low_sd": 2e-6, "high_sd": 1e-5, **more}
    return Parameters(2e-5, 1e-4, {"ltp": 50, "ltd": 30}, {"ltp": 2.0, "ltd": -3.0}, **own)


def test_each_end_of_the_window_scatters_by_its_own_sd_over_the_span() -> None:
    low, high = scatter._draw_windows(parameters(), PlusAndMinus())  # type: ignore[arg-type]
    assert (low.mean(), high.mean()) == pytest.approx((0.0, 1.0))
    assert (low.std(), high.std()) == pytest.approx((2e-6 / 8e-5, 1e-5 / 8e-5))


def test_devices_without_a_window_are_drawn_again() -> None:
    """Ends of sd 1 of the span: an end below 0 S is -0.25 of the span, and low ends stay below high ones."""
    wide = parameters(low_sd=8e-5, high_sd=8e-5)
    low, high = scatter._draw_windows(wide, np.random.default_rng(0))
    assert low.min() >= -2e-5 / 8e-5
    assert (low < high).all()
    assert low.min() < -0.2
    assert high.max() > 2


def test_constants_are_those_of_the_labels_cut_to_hundredths() -> None:
    found = scatter.label_constants(np.array([2.0, -3.0, 1.2399, 20.0, 0.001]))
    assert [nl_label(abs(each)) for each in found] == pytest.approx([2.0, 3.0, 1.23, 9.0, 0.01], abs=2e-3)
    assert np.sign(found).tolist() == [1, -1, 1, 1, 1]


def test_cycle_to_cycle_alone_is_the_noise_of_one_update_and_adds_in_squares_where_steps_are_equal() -> None:
    """Labels of 0.01 are straight: after k pulses from an end, cut at it, the sd grows; after one it is the noise."""
    p = Parameters(2e-5, 1e-4, {"ltp": 50, "ltd": 50}, {"ltp": 0.01, "ltd": -0.01}, sigma_c2c=0.001)
    found = scatter._neurosim_scatter(p, True, {"ltp": (1, 25), "ltd": (1, 25)})
    for direction in ("ltp", "ltd"):
        one, many = found[direction]
        assert one == pytest.approx(0.001, rel=0.05)  # 4000 devices: 1.1 %
        assert many == pytest.approx(0.001 * 5, rel=0.06)


def test_the_deviation_is_the_largest_over_both_branches() -> None:
    made = scatter.Scatter(
        "C2C",
        {"ltp": (1, 2), "ltd": (1, 2)},
        {"ltp": (0.1, 0.2), "ltd": (0.1, 0.0)},
        {"ltp": (0.11, 0.2), "ltd": (0.07, 0.3)},
    )
    assert made.largest_error == pytest.approx(0.3)
