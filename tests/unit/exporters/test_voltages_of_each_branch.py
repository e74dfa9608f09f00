"""A card whose LTP takes 1.2 V and LTD 0.9 V (or 0.7 and 1.5): every exported model has each where it belongs."""

from __future__ import annotations

import re

import pytest

from devicekit.device.blocks import Conditions
from devicekit.device.card import DeviceCard
from devicekit.exporters import ExportOptions, compact, make
from devicekit.exporters.neurosim.parameters import Parameters, settings
from devicekit.synthetic.pulses import truth_card


def card(ltp: float, ltd: float) -> DeviceCard:
    at = Conditions(pulse_width_s=30e-6, ltp_voltage_v=ltp, ltd_voltage_v=ltd, read_voltage_v=0.2)
    return truth_card({"ltp": (-4.6,), "ltd": (-5.0,)}, model="linear", conditions=at)


PAIRS = pytest.mark.parametrize(("ltp", "ltd"), [(1.2, -0.9), (0.7, -1.5), (-1.2, 0.9)])


@PAIRS
def test_neurosim_has_both_voltages_and_the_width(ltp: float, ltd: float) -> None:
    p = Parameters(2e-5, 1e-4, {"ltp": 60, "ltd": 45}, {"ltp": 1.1, "ltd": -2.2}, 0.011, 0.12, 3e-6, 7e-6, 0.04)
    values = {each.name: each.value for each in settings(card(ltp, ltd), p)}
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


@PAIRS
def test_thresholds_are_half_of_each_amplitude(ltp: float, ltd: float) -> None:
    drive, assumed = compact.pulse_drive(card(ltp, ltd))
    assert drive == compact.Drive(30e-6, abs(ltp) / 2, abs(ltd) / 2, 1.0 if ltp > 0 else -1.0)
    assert assumed == []


@PAIRS
def test_a_netlist_takes_a_pulse_from_half_of_its_own_amplitude_on(ltp: float, ltd: float) -> None:
    """The sources up and dn of the subcircuit, evaluated here: full at 0.5 V, half way at 0.5 V / 1.05 (1 + 1/40)."""
    files = make(card(ltp, ltd), "spice", ExportOptions()).files
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
    files = make(card(ltp, ltd), "veriloga", ExportOptions()).files
    text = next(content for name, content in files.items() if name.endswith(".va")).decode()
    values = {name: float(re.findall(rf"parameter real {name} = (\S+)", text)[0]) for name in ("v_ltp", "v_ltd")}
    assert values == {"v_ltp": abs(ltp) / 2, "v_ltd": abs(ltd) / 2}


@PAIRS
@pytest.mark.parametrize("target", ["spice", "veriloga"])
def test_benches_pulse_with_each_branch_s_own_amplitude(ltp: float, ltd: float, target: str) -> None:
    files = make(card(ltp, ltd), target, ExportOptions()).files
    bench = next(
        content for name, content in files.items() if b"PULSE" in content and not name.endswith((".lib", ".va"))
    )
    amplitudes = [float(found) for found in re.findall(r"PULSE\(0 (\S+) ", bench.decode())]
    read = min(0.2, abs(ltp) / 4, abs(ltd) / 4)  # below both thresholds
    assert amplitudes == pytest.approx([ltp - read, ltd - read], rel=1e-6)
