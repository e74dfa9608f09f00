"""The Verilog-A module, compiled by the real OpenVAF: in Python, and (where installed) in ngspice."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devicekit.core.errors import UsageError
from devicekit.device.blocks import Conditions
from devicekit.device.card import DeviceCard
from devicekit.exporters import ExportOptions, make
from devicekit.exporters.base import hat_values
from devicekit.synthetic.pulses import truth_card

from .conftest import CONDITIONS, LAWS, deviation, exported, shipped, soft, train

NODES = {"te": 0, "be": 1, "moved": 2, "held": 3, "counted": 4}


@pytest.fixture
def compiled() -> Callable[[Path], Any]:
    """Compile the one .va file of a folder with OpenVAF and return the module."""
    openvaf = pytest.importorskip(
        "openvaf_py",
        reason="openvaf-py is not installed: the Verilog-A export is NOT compiled (pip install openvaf-py)",
    )

    def compile_one(folder: Path) -> Any:
        (source,) = folder.glob("*.va")
        (module,) = openvaf.compile_va(str(source))
        assert [node["name"] for node in module.get_osdi_descriptor()["nodes"]] == list(NODES)
        return module

    return compile_one


def residuals(module: Any, v: float, **nodes: float) -> dict[str, tuple[float, float]]:
    """Resistive and reactive residual of each node at V(te, be) = v [V] and internal node voltages."""
    values = {**module.get_param_defaults(), "mfactor": 1.0, "V(te,be)": v}
    values |= {f"V({name})": nodes.get(name, 0.0) for name in ("moved", "held", "counted")}
    found, _ = module.run_init_eval(values)
    return {name: found[k] for name, k in NODES.items()}


def pulse(module: Any, r: float, v: float) -> float:
    """State after one rectangular pulse of the module's own width: d moved / dt is constant in it."""
    found = residuals(module, v, moved=r, held=r)
    return r - found["moved"][0] * module.get_param_defaults()["width"]


def test_within_a_thousandth_of_the_array(card: DeviceCard, compiled: Any, tmp_path: Path) -> None:
    module = compiled(exported(card, "veriloga", tmp_path))
    conditions = card.conditions
    up, down = conditions.ltp_voltage_v or 1.0, conditions.ltd_voltage_v or -1.0
    r, value = 0.0, []
    for v in [0.0] + [up] * 100 + [down] * 100:
        r = pulse(module, r, v)
        read = residuals(module, 0.1, moved=r, held=r)
        value.append(read["te"][0] / 0.1)
        assert read["be"][0] == -read["te"][0]
    assert deviation(card, np.array(value)) <= (1e-6 if card.model == "eq2" else 1e-3)


def test_what_the_nodes_do(compiled: Any, tmp_path: Path) -> None:
    card = truth_card(LAWS["eq2"], conditions=CONDITIONS)
    module = compiled(exported(card, "veriloga", tmp_path))
    width = 50e-6
    idle = residuals(module, 0.1, moved=0.4, held=0.3)
    assert idle["moved"] == pytest.approx((0.4e-9, 0.4))  # only the term that lets an operating point exist
    assert idle["held"][0] == pytest.approx(-0.1 * 100 / width)  # follows the state between pulses
    assert idle["counted"][0] == 0
    pulsed = residuals(module, 0.95, moved=0.4, held=0.3)
    assert pulsed["held"] == pytest.approx((0.3e-9, 0.3))  # stands still during one
    assert pulsed["moved"][0] == pytest.approx(-float(card.rate("ltp", 0.3)) / width)
    assert pulsed["counted"][0] == pytest.approx(-1 / width)
    assert residuals(module, 0.4)["counted"][0] == 0  # below the threshold of half the amplitude
    assert residuals(module, -0.5, held=0.3)["moved"][0] == pytest.approx(-float(card.rate("ltd", 0.3)) / width)


def test_steps_stop_at_the_window(compiled: Any, tmp_path: Path) -> None:
    module = compiled(exported(soft(), "veriloga", tmp_path))
    assert pulse(module, 0.9999, 1.0) == pytest.approx(1.0)
    assert pulse(module, 1e-4, -1.0) == pytest.approx(0.0)


def test_a_pulse_far_too_wide_ends_at_the_window(compiled: Any, tmp_path: Path) -> None:
    module = compiled(exported(soft(), "veriloga", tmp_path))
    assert residuals(module, 1.0, moved=1.02, held=0.1)["moved"][0] == pytest.approx(1.02e-9)
    assert residuals(module, -1.0, moved=-0.02, held=0.9)["moved"][0] == pytest.approx(-0.02e-9)


@pytest.mark.parametrize(
    ("ltp", "ltd", "polarity", "thresholds"),
    [
        (0.95, -0.85, 1.0, (0.475, 0.425)),
        (-1.2, 1.6, -1.0, (0.6, 0.8)),
        (None, -2.0, 1.0, (0.5, 1.0)),
        (1.0, 3.0, 1.0, (0.5, 1.5)),
    ],
)
def test_polarity_and_thresholds(
    ltp: float | None,
    ltd: float,
    polarity: float,
    thresholds: tuple[float, float],
    compiled: Any,
    tmp_path: Path,
) -> None:
    card = truth_card(LAWS["eq2"], conditions=Conditions(ltp_voltage_v=ltp, ltd_voltage_v=ltd))
    module = compiled(exported(card, "veriloga", tmp_path))
    numbers = module.get_param_defaults()
    text = (tmp_path / "README.txt").read_text()
    source = next(tmp_path.glob("*.va")).read_text()
    assert (numbers["v_ltp"], numbers["v_ltd"]) == thresholds
    assert f"polarity = {polarity}" in source
    assert pulse(module, 0.5, polarity * 3.0) > 0.5 > pulse(module, 0.5, -polarity * 3.0)
    assert "was assumed" in text  # the width always, here
    assert ("same sign" in text) == (ltp == 1.0)


@pytest.mark.parametrize("theta", [(-4.0, -59.0, 6.0, 40.0, 15.0, 6.0), (-4.0, 1.3, -4.0, -40.0, -15.0, -6.0)])
def test_extreme_coefficients_neither_overflow_nor_lose_digits(
    theta: tuple[float, ...], compiled: Any, tmp_path: Path
) -> None:
    """Corners of the fit's box: a is 1e90 or 1e-90, the rate is not."""
    card = truth_card({"ltp": theta, "ltd": theta})
    module = compiled(exported(card, "veriloga", tmp_path))
    for r in (0.0, 0.3, 0.7, 0.99):
        assert pulse(module, r, 1.0) == pytest.approx(min(r + float(card.rate("ltp", r)), 1.0), abs=1e-9)
        assert pulse(module, r, -1.0) == pytest.approx(max(r + float(card.rate("ltd", r)), 0.0), abs=1e-9)


def test_a_name_cannot_become_code(compiled: Any, tmp_path: Path) -> None:
    name = 'x\nendmodule `include "/etc/passwd" // \u2028 */'
    card = truth_card(LAWS["eq2"]).model_copy(update={"name": name})
    folder = exported(card, "veriloga", tmp_path)
    source = next(folder.glob("*.va")).read_text()
    assert source.count("\nendmodule") == 1
    assert len(re.findall(r"^`include", source, re.MULTILINE)) == 1
    compiled(folder)


def test_the_module_name_differs_from_ngspice_builtins(tmp_path: Path) -> None:
    card = shipped().model_copy(update={"name": "memristor"})
    assert (exported(card, "veriloga", tmp_path) / "dk_memristor.va").exists()


def test_weights_need_a_window_and_nodes_have_bounds(weights: DeviceCard, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"weights.*window=\(LOW, HIGH\)"):
        exported(weights, "veriloga", tmp_path)
    exported(weights, "veriloga", tmp_path, window=(1e-6, 1e-4))
    with pytest.raises(UsageError, match="2 to 1025"):
        exported(soft(), "veriloga", tmp_path, nodes=1)


def test_hats_are_nearest_not_samples() -> None:
    def curve(x: np.ndarray) -> np.ndarray:
        return np.asarray(0.01 + 0.05 * (1 - x) ** 2)

    fine = np.linspace(0, 1, 2001)
    values = hat_values(curve, 9)
    error = np.interp(fine, np.linspace(0, 1, 9), values) - curve(fine)
    samples = np.interp(fine, np.linspace(0, 1, 9), curve(np.linspace(0, 1, 9))) - curve(fine)
    assert samples.min() >= -1e-15  # a chord lies above a convex curve everywhere
    assert abs((error / curve(fine)).mean()) < 0.02 * (samples / curve(fine)).mean()


def _compiler() -> str | None:
    return os.environ.get("DEVICEKIT_OPENVAF") or shutil.which("openvaf-r")


@pytest.mark.parametrize("name", ["shipped", "soft"])
def test_in_ngspice(name: str, tmp_path: Path) -> None:
    """100 + 100 voltage pulses on the compiled module in the real simulator."""
    compiler, ngspice = _compiler(), shutil.which("ngspice")
    if compiler is None or ngspice is None:
        pytest.skip(
            "ngspice 44 and openvaf-r (OpenVAF-reloaded; or DEVICEKIT_OPENVAF) are not both installed: the Verilog-A "
            "export is NOT simulated here"
        )
    card = {"shipped": shipped, "soft": soft}[name]()
    folder = exported(card, "veriloga", tmp_path)
    (source,) = folder.glob("*.va")
    subprocess.run([compiler, source.name, "-o", f"{source.stem}.osdi"], cwd=folder, check=True, capture_output=True)
    subprocess.run([ngspice, "-b", f"{source.stem}.cir"], cwd=folder, check=True, capture_output=True)
    time, moved, counted, conductance = np.loadtxt(folder / f"{source.stem}.txt", skiprows=1).T
    width = card.conditions.pulse_width_s or 1e-6
    at = 0.25 * width + 2 * width * np.arange(201)  # in the middle of the gaps
    assert np.interp(at, time, counted) == pytest.approx(np.arange(201), abs=0.05)
    assert np.abs(np.interp(at, time, conductance) - train(card)).max() / card.window.span <= 1e-3
    assert -1e-3 <= moved.min() <= moved.max() <= 1 + 1e-3


def test_closed_form_takes_no_nodes_and_a_device_must_move() -> None:
    with pytest.raises(UsageError, match="closed form"):
        make(shipped(), "veriloga", ExportOptions(nodes=17))
    assert "deviation" not in make(shipped(), "veriloga", ExportOptions()).figures
    still = truth_card(LAWS["linear"], model="linear")
    still = still.model_copy(update={"ltd": still.ltd.model_copy(update={"largest_step": 0.0})})
    with pytest.raises(UsageError, match=r"LTD .*card"):
        make(still, "veriloga", ExportOptions())
