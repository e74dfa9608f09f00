"""Models of inference (aihwkit, CrossSim 3): their formulas with stand-ins for the peers, and the numbers in them."""

from __future__ import annotations

import math
import re
import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devicekit import DeviceArray
from devicekit.device.ageing import Drift
from devicekit.device.blocks import Window
from devicekit.device.card import DeviceCard
from devicekit.device.measured import Retention, RetentionState
from devicekit.device.programming import program_and_verify
from devicekit.exporters import ExportOptions, base, inference, make
from devicekit.synthetic.pulses import truth_card

from .conftest import LAWS, exported, shipped

DRIFT = Drift(nu=0.02, nu_sd=0.005, t0_s=10.0, measured_s=1e4, decades=2.0, source="test")


def numbers(log: bool = False, drift: Drift | None = DRIFT, low: float = 20e-6) -> inference.InferenceNumbers:
    """A window from 20 to 120 uS, errors that rise linearly over the window, no two of them alike."""
    mean = tuple(0.001 * k for k in range(11))
    sd = tuple(0.002 * (k + 1) for k in range(11))
    return inference.InferenceNumbers(low, 120e-6, log, mean, sd, 0.02, 0.0, 0.03, drift, "none was measured")


class _Base:
    def __init__(self, g_converter: Any = None) -> None:
        self.g_converter = g_converter


def aihwkit(monkeypatch: pytest.MonkeyPatch, text: str, drawn: float) -> dict[str, Any]:
    """The module with NumPy in place of torch; every normal drawn is `drawn`."""

    def converter(g_max: float, g_min: float) -> tuple[float, float]:
        return g_min, g_max

    names: dict[str, dict[str, Any]] = {
        "torch": {"randn_like": lambda x: np.full(np.shape(x), drawn), "log": np.log},
        "aihwkit.inference.noise.base": {"BaseNoiseModel": _Base},
        "aihwkit.inference.converter.conductance": {"SinglePairConductanceConverter": converter},
        "aihwkit.simulator.configs": {"InferenceRPUConfig": _Base},
    }
    return executed(monkeypatch, text, names)


class _Random:
    def __init__(self, drawn: float) -> None:
        self.drawn = drawn

    def normal(self, size: tuple[int, ...]) -> np.ndarray:
        return np.full(size, self.drawn)


class _Parameters:
    """CrossSim's, as far as the module sets them."""

    def __init__(self) -> None:
        empty = {name: types.SimpleNamespace(enable=False, model="IdealDevice") for name in ERRORS}
        self.xbar = types.SimpleNamespace(device=types.SimpleNamespace(Rmax=1e4, time=0.0, **empty))


ERRORS = ("programming_error", "drift_error", "read_noise")


def crosssim(monkeypatch: pytest.MonkeyPatch, text: str, drawn: float, **more: Any) -> dict[str, Any]:
    """The module with NumPy in place of CrossSim's backend."""
    xp = types.SimpleNamespace(random=_Random(drawn), log=np.log)
    names: dict[str, dict[str, Any]] = {
        "simulator": {"CrossSimParameters": _Parameters, **more},
        "simulator.backend": {"ComputeBackend": lambda: xp},
        "simulator.devices.idevice": {"EmptyDevice": _Base},
        "simulator.parameters.core_parameters": {"CoreStyle": types.SimpleNamespace(OFFSET="offset")},
    }
    return executed(monkeypatch, text, names)


def executed(monkeypatch: pytest.MonkeyPatch, text: str, names: dict[str, dict[str, Any]]) -> dict[str, Any]:
    for name, content in names.items():
        made = types.ModuleType(name)
        vars(made).update(content)
        monkeypatch.setitem(sys.modules, name, made)
    scope: dict[str, Any] = {"__name__": "written", "__file__": str(Path("written.py").resolve())}
    monkeypatch.setitem(sys.modules, "written", types.ModuleType("written"))
    exec(compile(text, "written.py", "exec"), scope)
    return scope


def test_between_is_linear_between_even_states(monkeypatch: pytest.MonkeyPatch) -> None:
    scope = aihwkit(monkeypatch, inference.aihwkit_module(numbers(), "My"), 0.0)
    values = tuple(np.random.default_rng(1).random(11).tolist())
    r = np.linspace(0.0, 1.0, 37)
    np.testing.assert_allclose(scope["between"](values, r), np.interp(r, np.linspace(0, 1, 11), values), atol=1e-12)


@pytest.mark.parametrize("log", [False, True])
def test_programming_of_aihwkits_model(log: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """One standard deviation up, on conductances in uS; clipped to the window."""
    scope = aihwkit(monkeypatch, inference.aihwkit_module(numbers(log), "My"), 1.0)
    model = scope["MyNoiseModel"]()
    assert model.g_converter == pytest.approx((20.0, 120.0))
    r = np.array([0.0, 0.45, 0.6, 1.0])
    after = np.minimum(r + 0.01 * r + 0.002 + 0.02 * r, 1.0)

    def g(state: np.ndarray) -> np.ndarray:
        return 20.0 * 6.0**state if log else 20.0 + 100.0 * state

    np.testing.assert_allclose(model.apply_programming_noise_to_conductance(g(r)), g(after), rtol=1e-12)
    none = scope["MyNoiseModel"](programming_scale=0.0)
    np.testing.assert_allclose(none.apply_programming_noise_to_conductance(g(r)), g(r), rtol=1e-12)


@pytest.mark.parametrize("log", [False, True])
def test_drift_and_reading_of_aihwkits_model(log: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """nu one standard deviation above its mean, from T_0 on; a reading one standard deviation up."""
    scope = aihwkit(monkeypatch, inference.aihwkit_module(numbers(log), "My"), 1.0)
    model = scope["MyNoiseModel"](read_sd=0.0)
    g = np.array([30.0, 80.0])
    nu = model.generate_drift_coefficients(g)
    np.testing.assert_allclose(nu, 0.025)
    np.testing.assert_allclose(model.apply_drift_noise_to_conductance(g, nu, 1000.0), g * 100.0**-0.025, rtol=1e-12)
    for early in (0.0, 10.0):
        np.testing.assert_array_equal(model.apply_drift_noise_to_conductance(g, nu, early), g)
    read = scope["MyNoiseModel"]().apply_drift_noise_to_conductance(g, nu, 0.0)
    np.testing.assert_allclose(read, g * 6.0**0.03 if log else g + 100.0 * 0.03, rtol=1e-12)


def test_times_beyond_the_law_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `Drift.logarithm`: 2 decades are too few, 3 are enough; without drift there is nothing to refuse."""
    g = np.array([50.0])
    short = aihwkit(monkeypatch, inference.aihwkit_module(numbers(), "My"), 0.0)["MyNoiseModel"]()
    short.apply_drift_noise_to_conductance(g, np.zeros(1), 1e4)
    with pytest.raises(ValueError, match="10000 s"):
        short.apply_drift_noise_to_conductance(g, np.zeros(1), 1.0001e4)
    long = numbers(drift=Drift(nu=0.02, nu_sd=0.005, t0_s=10.0, measured_s=1e4, decades=3.0))
    model = aihwkit(monkeypatch, inference.aihwkit_module(long, "My"), 0.0)["MyNoiseModel"](read_sd=0.0)
    np.testing.assert_allclose(model.apply_drift_noise_to_conductance(g, np.full(1, 0.02), 1e7), 50.0 * 1e6**-0.02)
    none = aihwkit(monkeypatch, inference.aihwkit_module(numbers(drift=None), "My"), 0.0)["MyNoiseModel"](read_sd=0.0)
    assert none.generate_drift_coefficients(g) is None
    np.testing.assert_array_equal(none.apply_drift_noise_to_conductance(g, None, 1e9), g)


@pytest.mark.parametrize("low", [20e-6, 0.0])
def test_crosssims_device(low: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Normalised conductances: 1 is 120 uS."""
    card = truth_card(LAWS["eq2"])
    scope = crosssim(monkeypatch, inference.crosssim_module(numbers(low=low), base.class_name(card)), 1.0)
    made = scope["parameters"](300.0)
    device = made.xbar.device
    assert device.Rmin == pytest.approx(1 / 120e-6)
    assert (device.Rmax if low else device.infinite_on_off_ratio) == pytest.approx(1 / low if low else 1.0)
    assert device.time == 300.0
    assert all((getattr(device, name).enable, getattr(device, name).model) == (True, "TruthDevice") for name in ERRORS)
    own = scope["TruthDevice"]()
    own.Gmin_norm, own.Grange_norm = low / 120e-6, 1.0 - low / 120e-6
    r = np.array([0.0, 0.45, 1.0])

    def norm(state: np.ndarray) -> np.ndarray:
        return own.Gmin_norm + own.Grange_norm * state

    after = np.minimum(1.03 * r + 0.002, 1.0)
    np.testing.assert_allclose(own.programming_error(norm(r)), norm(after), rtol=1e-12)
    np.testing.assert_allclose(own.drift_error(norm(r), 10.0), norm(after), rtol=1e-12)
    np.testing.assert_allclose(own.drift_error(norm(r), 1e3), norm(after) * 100.0**-0.025, rtol=1e-9)
    np.testing.assert_allclose(own.read_noise(norm(r)), norm(r + 0.03), rtol=1e-12)
    assert own.read_noise(norm(r).astype(np.float32)).dtype == np.float32
    with pytest.raises(ValueError, match="10000 s"):
        own.drift_error(norm(r), 1.001e4)


def test_crosssims_device_takes_a_conductance_of_zero_in_a_log_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """CrossSim tries every device on a matrix of zeros."""
    scope = crosssim(monkeypatch, inference.crosssim_module(numbers(log=True), "Truth"), 1.0)
    own = scope["TruthDevice"]()
    own.Gmin_norm, own.Grange_norm = 1 / 6, 5 / 6
    assert all(np.isfinite(each).all() for each in (own.read_noise(np.zeros(1)), own.programming_error(np.zeros(1))))


def states(first: float, last: float, nus: tuple[float, ...]) -> Retention:
    return Retention(
        source="test",
        states=tuple(
            RetentionState(
                device_id=f"d{k}",
                level="lrs",
                n=20,
                first_s=first,
                last_s=last,
                nu=nu,
                nu_interval=(nu - 0.0, nu + 0.0),
                g_1s=1e-4,
                noise=1e-3,
            )
            for k, nu in enumerate(nus)
        ),
    )


def test_numbers_of_a_card() -> None:
    """Read noise as the card reads, drift of its states, errors as of the card's own devices under another seed."""
    card = shipped().with_blocks({"retention": states(2.0, 1e5, (0.01, 0.02, 0.03))})
    found = inference.numbers(card)
    assert not isinstance(found, str)
    reads = [branch.c2c["read"].value for branch in (card.variation.ltp, card.variation.ltd)]
    assert found.read_sd == pytest.approx(np.sqrt(np.mean(np.square(reads))))
    assert found.drift is not None
    assert (found.drift.nu, found.drift.nu_sd, found.drift.t0_s) == pytest.approx((0.02, 0.01, 2.0))
    assert found.longest_s == math.inf
    targets = np.repeat([0.3, 0.5, 0.8], 2000)
    error = (program_and_verify(DeviceArray(card, 6000, seed=9), targets, seed=9).state - targets).reshape(3, 2000)
    np.testing.assert_allclose(np.array(found.sd)[[3, 5, 8]], error.std(axis=1), rtol=0.1)
    np.testing.assert_allclose(np.array(found.mean)[[3, 5, 8]], error.mean(axis=1), atol=0.002)
    assert found.sd[0] < 0.001  # devices start there
    assert found.failed == 0.0
    assert (found.low, found.high) == (card.window.low, card.window.high)


def test_a_law_of_few_decades_ends_with_the_data() -> None:
    for last, end in ((1.9e3, 1.9e3), (2.1e3, math.inf)):
        found = inference.numbers(shipped().with_blocks({"retention": states(2.0, last, (0.01, 0.02))}))
        assert not isinstance(found, str)
        assert found.longest_s == end


def test_a_tolerance_below_what_a_verify_tells_is_not_asked_for() -> None:
    """Twice the read noise where that is above 2 % of the window."""
    for read, tolerance in ((0.009, 0.02), (0.011, 0.022), (0.4, 0.5)):
        found = inference.numbers(truth_card(LAWS["exponential"], model="exponential", read=read))
        assert not isinstance(found, str)
        assert found.tolerance == pytest.approx(tolerance)


def test_a_missing_inference_model_has_a_reason(weights: DeviceCard) -> None:
    sentences = " ".join(make(weights, "aihwkit", ExportOptions()).approximated)
    assert re.search(r"Noise model .*weights", sentences)
    assert not [name for name in make(weights, "aihwkit", ExportOptions()).files if "inference" in name]
    sentences = " ".join(make(shipped(), "aihwkit", ExportOptions(noise=False)).approximated)
    assert re.search(r"Noise model .*switched off", sentences)
    one = shipped().with_blocks({"retention": states(1.0, 1e5, (0.01,))})
    for target in ("aihwkit", "crosssim"):
        sentences = " ".join(make(shipped(), target, ExportOptions()).approximated)
        assert re.search(r"Drift: none\..*no retention block\.", sentences)
        sentences = " ".join(make(one, target, ExportOptions()).approximated)
        assert re.search(r"Drift: none\..*one state", sentences, re.IGNORECASE)


def test_written_modules_hold_plain_numbers(tmp_path: Path) -> None:
    """They compile, and import nothing of devicekit."""
    window = Window(quantity="conductance_s", low=1e-6, high=1e-4, scope="truth", scale="log")
    for number, card in enumerate((shipped(), truth_card(LAWS["eq2"]).model_copy(update={"window": window}))):
        for target in ("aihwkit", "crosssim"):
            folder = exported(card, target, tmp_path / f"{target}{number}")
            for path in folder.glob("*.py"):
                text = path.read_text()
                compile(text, path.name, "exec")
                assert "import devicekit" not in text
                assert "from devicekit" not in text


def test_without_noise_crosssims_device_has_no_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    made = make(shipped(), "crosssim", ExportOptions(noise=False))
    text = made.files["pt_hfo2_al2o3_ti_crosssim3.py"].decode()
    scope = crosssim(monkeypatch, text, 1.0)
    own = scope["PtHfo2Al2o3TiDevice"]()
    own.Gmin_norm, own.Grange_norm = 0.25, 0.75
    g = np.array([0.3, 0.9])
    for after in (own.programming_error(g), own.drift_error(g, 1e9), own.read_noise(g)):
        np.testing.assert_allclose(after, g, rtol=1e-12)
    assert any(line.startswith("CrossSim 3. No programming error") for line in made.approximated)


def test_the_rms_error_holds_the_mean_error_too() -> None:
    """Means of 3 % and sd of 4 %: 5 % rms; over states squares are averaged."""
    found = replace(numbers(), mean=(0.03,) * 11, sd=(0.04,) * 11)
    assert found.rms == pytest.approx(0.05)
    uneven = replace(numbers(), mean=(0.0,) * 11, sd=(0.11, *(0.0,) * 10))
    assert uneven.rms == pytest.approx(0.11 / math.sqrt(11))
