"""The aihwkit module against a re-implementation of the peer's documented update."""

from __future__ import annotations

import dataclasses
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devicekit.device.blocks import Sigma
from devicekit.device.card import DeviceCard
from devicekit.synthetic.pulses import truth_card

from .conftest import LAWS, deviation, exported, soft

# Fields of PiecewiseStepDevice in aihwkit 1.1.0.
FIELDS = {
    "construction_seed",
    "corrupt_devices_prob",
    "corrupt_devices_range",
    "diffusion",
    "diffusion_dtod",
    "drift",
    "dw_min",
    "dw_min_dtod",
    "dw_min_dtod_log_normal",
    "dw_min_std",
    "enforce_consistency",
    "lifetime",
    "lifetime_dtod",
    "perfect_bias",
    "reset",
    "reset_dtod",
    "reset_std",
    "up_down",
    "up_down_dtod",
    "w_max",
    "w_max_dtod",
    "w_min",
    "w_min_dtod",
    "count_pulses",
    "piecewise_up",
    "piecewise_down",
    "write_noise_std",
    "apply_write_noise_on_set",
}
LINEAR_FIELDS = (FIELDS - {"piecewise_up", "piecewise_down"}) | {
    "gamma_up",
    "gamma_down",
    "gamma_up_dtod",
    "gamma_down_dtod",
    "allow_increasing",
    "mean_bound_reference",
    "mult_noise",
    "reverse_up",
    "reverse_down",
    "reverse_offset",
}


OURS = ("Preset", "PresetDevice", "UpdateNoiseDevice")  # how our classes' names end


class _Anything(types.SimpleNamespace):
    pass


@dataclasses.dataclass
class _Empty:
    pass


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Execute an exported module with stand-ins for what it imports from aihwkit; its classes as fields."""

    def execute(path: Path, whole: bool = False) -> dict[str, Any]:
        names = {
            "aihwkit": {},
            "aihwkit.simulator": {},
            "aihwkit.simulator.configs": {"SingleRPUConfig": _Empty, "UnitCellRPUConfig": _Empty},
            "aihwkit.simulator.configs.compounds": {"VectorUnitCell": _Empty},
            "aihwkit.simulator.configs.devices": {
                "DriftParameter": _Anything,
                "LinearStepDevice": _Empty,
                "PiecewiseStepDevice": _Empty,
            },
            "aihwkit.simulator.parameters": {"IOParameters": _Anything, "UpdateParameters": _Anything},
            "aihwkit.simulator.parameters.enums": {
                "PulseType": _Anything(STOCHASTIC_COMPRESSED=0),
                "WeightNoiseType": _Anything(ADDITIVE_CONSTANT="constant", NONE="none"),
            },
        }
        for name, content in names.items():
            module = types.ModuleType(name)
            vars(module).update(content)
            monkeypatch.setitem(sys.modules, name, module)
        scope: dict[str, Any] = {"__name__": "preset"}
        monkeypatch.setitem(sys.modules, "preset", types.ModuleType("preset"))
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), scope)
        module = scope if whole else {}
        return module | {name: value for name, value in scope.items() if name.endswith(OURS)}

    return execute


def module_of(folder: Path) -> Path:
    (path,) = folder.glob("*_preset.py")
    return path


def step(device: Any, w: np.ndarray, sign: int, gains: tuple[Any, Any] = (1.0, 1.0)) -> np.ndarray:
    """One noiseless pulse by the formulas of PiecewiseStepDevice, with the code's meaning of up_down."""
    up = device.dw_min * (1 + min(device.up_down, 0.0)) * gains[0]
    down = device.dw_min * (1 - max(device.up_down, 0.0)) * gains[1]
    values = device.piecewise_up if sign > 0 else device.piecewise_down
    position = (w - device.w_min) / (device.w_max - device.w_min) * (len(values) - 1)
    left = np.minimum(position.astype(int), len(values) - 2)
    q = position - left
    scale = (1 - q) * np.array(values)[left] + q * np.array(values)[left + 1]
    return np.clip(w + (up if sign > 0 else -down) * scale, device.w_min, device.w_max)


def value_of(card: DeviceCard, w: np.ndarray) -> np.ndarray:
    return card.window.low + card.window.span * (w + 1) / 2


def replay(card: DeviceCard, device: Any) -> np.ndarray:
    w = [np.array([device.w_min])]
    for sign in [1] * 100 + [-1] * 100:
        w.append(step(device, w[-1], sign))
    return value_of(card, np.array(w).ravel())


def test_within_a_thousandth_of_the_array(card: DeviceCard, tmp_path: Path, load: Any) -> None:
    nodes = 63 if card.window.scale == "log" else 33  # over two decades of G the step has a sharp maximum
    classes = load(module_of(exported(card, "aihwkit", tmp_path, noise=False)))
    (device,) = (
        each()
        for name, each in classes.items()
        if name.endswith("PresetDevice") and "Linear" not in name and "Noisy" not in name
    )
    assert deviation(card, replay(card, device)) <= 1e-3
    assert len(device.piecewise_up) == len(device.piecewise_down) == nodes
    assert min(device.piecewise_up + device.piecewise_down) >= 0


def test_a_coarse_export_is_reported(tmp_path: Path) -> None:
    exported(truth_card(LAWS["eq2"]), "aihwkit", tmp_path, nodes=4, noise=False)
    assert "--nodes 63" in " ".join((tmp_path / "README.txt").read_text().split())
    exported(truth_card(LAWS["eq2"]), "aihwkit", tmp_path, noise=False)
    assert "COARSE" not in " ".join((tmp_path / "README.txt").read_text().split())


def test_every_field_is_written_out(tmp_path: Path, load: Any) -> None:
    classes = load(module_of(exported(soft(), "aihwkit", tmp_path)))
    assert set(classes) == {
        "TruthPresetDevice",
        "TruthPreset",
        "TruthUpdateNoiseDevice",
        "TruthNoisyPresetDevice",
        "TruthNoisyPreset",
        "TruthLinearPresetDevice",
        "TruthLinearPreset",
    }
    assert {field.name for field in dataclasses.fields(classes["TruthPresetDevice"])} == FIELDS
    assert {field.name for field in dataclasses.fields(classes["TruthLinearPresetDevice"])} == LINEAR_FIELDS
    assert {field.name for field in dataclasses.fields(classes["TruthUpdateNoiseDevice"])} == LINEAR_FIELDS
    assert isinstance(classes["TruthPreset"]().device, classes["TruthPresetDevice"])
    assert isinstance(classes["TruthNoisyPreset"]().device, classes["TruthNoisyPresetDevice"])


def test_linear_step_is_the_soft_bound_itself(tmp_path: Path, load: Any) -> None:
    card = soft()
    device = load(module_of(exported(card, "aihwkit", tmp_path)))["TruthLinearPresetDevice"]()
    w, path = -1.0, [-1.0]
    for sign in [1] * 100 + [-1] * 100:
        scale = device.dw_min * (1 + min(device.up_down, 0.0) if sign > 0 else 1 - max(device.up_down, 0.0))
        slope = -device.gamma_up / device.w_max if sign > 0 else -device.gamma_down / device.w_min
        w = min(max(w + sign * scale * (1 + slope * w), device.w_min), device.w_max)
        path.append(w)
    assert deviation(card, value_of(card, np.array(path))) < 1e-12


def test_linear_step_noise_has_the_rms_of_the_cards(tmp_path: Path, load: Any) -> None:
    """aihwkit, mult_noise False: sd = dw_min_std times the step of that direction at w = 0 (measured in 1.1.0)."""
    device = load(module_of(exported(soft(), "aihwkit", tmp_path)))["TruthLinearPresetDevice"]()
    assert device.mult_noise is False
    steps = device.dw_min * np.array([1 + min(device.up_down, 0.0), 1 - max(device.up_down, 0.0)])
    assert np.sqrt(np.mean((device.dw_min_std * steps) ** 2)) == pytest.approx(2 * 0.003, rel=1e-9)


@pytest.mark.parametrize("law", ["eq2", "softbounds", "powstep"])
def test_no_linear_preset_where_the_law_is_none(law: str, tmp_path: Path, load: Any) -> None:
    classes = load(module_of(exported(truth_card(LAWS[law], model=law), "aihwkit", tmp_path, noise=False)))
    assert not [name for name in classes if "Linear" in name]  # softbounds here has a rising LTP step


def test_more_nodes_come_closer(tmp_path: Path, load: Any) -> None:
    card = truth_card(LAWS["eq2"])
    found = []
    for nodes in (5, 17, 63):
        device = load(module_of(exported(card, "aihwkit", tmp_path, nodes=nodes, noise=False)))["TruthPresetDevice"]()
        assert len(device.piecewise_up) == nodes
        found.append(deviation(card, replay(card, device)))
    assert found[0] > 10 * found[1] > 20 * found[2]


def test_devices_scatter_with_the_cards_covariance(tmp_path: Path, load: Any) -> None:
    """aihwkit: one log-normal gain for both directions, and up_down_dtod added to one step and taken off the other."""
    card = soft()
    device = load(module_of(exported(card, "aihwkit", tmp_path)))["TruthPresetDevice"]()
    assert device.dw_min_dtod_log_normal is True
    rng = np.random.default_rng(0)
    gain = np.exp(device.dw_min_dtod * rng.standard_normal(200_000))
    tilt = device.up_down_dtod * rng.standard_normal(200_000)
    covariance = np.cov(np.log(gain * (1 + tilt)), np.log(gain * (1 - tilt)))
    np.testing.assert_allclose(covariance, card.variation.d2d_ln_rate_covariance, rtol=0.03)


def test_update_noise_has_the_rms_of_the_cards(tmp_path: Path, load: Any) -> None:
    card = soft()
    device = load(module_of(exported(card, "aihwkit", tmp_path)))["TruthPresetDevice"]()
    w = 2 * (replay(card, device) - card.window.low) / card.window.span - 1
    steps = np.diff(w)
    assert np.sqrt(np.mean((device.dw_min_std * steps) ** 2)) == pytest.approx(2 * 0.003, rel=0.02)


def test_without_noise_everything_is_off(tmp_path: Path, load: Any) -> None:
    device = load(module_of(exported(soft(), "aihwkit", tmp_path, noise=False)))["TruthPresetDevice"]()
    for name in ("dw_min_std", "dw_min_dtod", "up_down_dtod", "w_max_dtod", "w_min_dtod", "write_noise_std"):
        assert getattr(device, name) == 0.0
    assert "noise=False" in (tmp_path / "README.txt").read_text()


def test_a_weight_card_needs_no_siemens(weights: DeviceCard, tmp_path: Path, load: Any) -> None:
    classes = load(module_of(exported(weights, "aihwkit", tmp_path)))
    assert deviation(weights, replay(weights, classes["WeightsPresetDevice"]())) <= 1e-3


def test_a_name_cannot_become_code(tmp_path: Path, load: Any) -> None:
    name = '"""; import os; raise SystemExit("escaped")\n# \\'
    card = truth_card(LAWS["linear"], model="linear").model_copy(update={"name": name})
    classes = load(module_of(exported(card, "aihwkit", tmp_path)))
    assert any(name.endswith("PresetDevice") for name in classes)


def test_linear_step_noise_counts_a_branch_without_noise_and_noise_in_proportion() -> None:
    from devicekit.exporters.pulsed_fields import linear_step

    card = truth_card({"ltp": (-4.0,), "ltd": (-4.0,)}, model="linear", increment=0.0, read=0.0)

    def with_ltp(**changes: Any) -> float:
        ltp = card.variation.ltp.model_copy(update=changes)
        variation = card.variation.model_copy(update={"ltp": ltp})
        device = linear_step(card.model_copy(update={"variation": variation}), True)
        assert device is not None
        return device.dw_min_std

    assert with_ltp(step_noise=0.5) == pytest.approx(0.5 / 2**0.5)  # LTP alone scatters: the rms of both
    increment = Sigma(kind="increment", value=0.01, estimator="test")
    assert with_ltp(c2c={"increment": increment}) == pytest.approx(0.01 / np.exp(-4.0) / 2**0.5)
