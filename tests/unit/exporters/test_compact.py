"""Compact models of circuit simulators: pulses, thresholds, caps and the bench, against values by hand."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from devicekit.device.blocks import Conditions
from devicekit.device.card import DeviceCard
from devicekit.exporters import ExportOptions, compact, make
from devicekit.synthetic.pulses import truth_card

from .conftest import LAWS, SPAN, STEPS, VARIANCE, linear, with_covariance

PAIRS = pytest.mark.parametrize(("ltp", "ltd"), [(1.2, -0.9), (0.7, -1.5), (-1.2, 0.9)])


def of_voltages(ltp: float, ltd: float) -> DeviceCard:
    at = Conditions(pulse_width_s=30e-6, ltp_voltage_v=ltp, ltd_voltage_v=ltd, read_voltage_v=0.2)
    return truth_card({"ltp": (-4.6,), "ltd": (-5.0,)}, model="linear", conditions=at)


@PAIRS
def test_thresholds_are_half_of_each_amplitude(ltp: float, ltd: float) -> None:
    drive, assumed = compact.pulse_drive(of_voltages(ltp, ltd))
    assert drive == compact.Drive(30e-6, abs(ltp) / 2, abs(ltd) / 2, 1.0 if ltp > 0 else -1.0)
    assert assumed == []


@PAIRS
def test_a_netlist_takes_a_pulse_from_half_of_its_own_amplitude_on(ltp: float, ltd: float) -> None:
    """The sources up and dn of the subcircuit, evaluated here: full at 0.5 V, half way at 0.5 V / 1.05 (1 + 1/40)."""
    files = make(of_voltages(ltp, ltd), "spice", ExportOptions()).files
    text = next(content for name, content in files.items() if name.endswith(".lib")).decode()
    for node, volts in (("up", ltp), ("dn", ltd)):
        (expression,) = re.findall(rf"^B{node} {node} 0 V=(.*)$", text, re.MULTILINE)

        def on(share: float, expression: str = expression, volts: float = volts) -> float:
            there = expression.replace("V(te,be)", f"({share * volts})")
            return float(eval(there, {"max": max, "min": min}))

        assert on(1.0) == 1.0
        assert on(0.5001) == 1.0
        assert on(0.5 / 1.05 * (1 + 1 / 40)) == pytest.approx(0.5)
        assert on(0.475) == 0.0
        assert on(-1.0) == 0.0


@PAIRS
def test_verilog_a_has_both_thresholds(ltp: float, ltd: float) -> None:
    files = make(of_voltages(ltp, ltd), "veriloga", ExportOptions()).files
    text = next(content for name, content in files.items() if name.endswith(".va")).decode()
    values = {name: float(re.findall(rf"parameter real {name} = (\S+)", text)[0]) for name in ("v_ltp", "v_ltd")}
    assert values == {"v_ltp": abs(ltp) / 2, "v_ltd": abs(ltd) / 2}


@PAIRS
@pytest.mark.parametrize("target", ["spice", "veriloga"])
def test_benches_pulse_with_each_branch_s_own_amplitude(ltp: float, ltd: float, target: str) -> None:
    files = make(of_voltages(ltp, ltd), target, ExportOptions()).files
    bench = next(
        content for name, content in files.items() if b"PULSE" in content and not name.endswith((".lib", ".va"))
    )
    amplitudes = [float(found) for found in re.findall(r"PULSE\(0 (\S+) ", bench.decode())]
    read = min(0.2, abs(ltp) / 4, abs(ltd) / 4)  # below both thresholds
    assert amplitudes == pytest.approx([ltp - read, ltd - read], rel=1e-6)


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
