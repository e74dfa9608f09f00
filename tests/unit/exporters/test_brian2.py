"""The Brian2 export: its code is evaluated without Brian2, and runs in Brian2 if it is installed."""

from __future__ import annotations

import ast
import math
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest

from devicekit.core.errors import UsageError
from devicekit.device.array import DeviceArray
from devicekit.device.card import DeviceCard
from devicekit.device.measured import StdpWindow
from devicekit.exporters import ExportOptions, lawtext, make
from devicekit.synthetic.pulses import truth_card

from .conftest import CARDS, LAWS, deviation, exported, shipped, soft
from .small_network import SPAN, answers, little

# Brian2 2.9 calls pyparsing by names that it deprecates
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
WINDOW = StdpWindow(
    source="made by hand", synthetic=True, n=40, noise=0.125,
    a_plus=0.5, a_minus=-0.25, tau_plus_s=0.02, tau_minus_s=0.04, offset=0.01,
)  # fmt: skip


def text_of(card: DeviceCard, **options: Any) -> str:
    files = make(card, "brian2", ExportOptions(**options)).files
    (name,) = (each for each in files if each.endswith("_brian2.py"))
    return files[name].decode()


def constants_of(text: str) -> dict[str, Any]:
    """The constants of an exported file, units being 1; classes, functions and imports are left out."""
    tree = ast.parse(text)
    names: dict[str, Any] = {"np": np, "siemens": 1.0, "second": 1.0}
    names["TimedArray"] = lambda values, dt: lambda t, row: np.asarray(values)[round(t / dt), row]
    kept = [node for node in tree.body if isinstance(node, ast.Assign)]
    exec(compile(ast.Module(kept, type_ignores=[]), "exported", "exec"), names)
    return names


def pulse_of(constants: dict[str, Any], noise: float = 0.0) -> Callable[[float, int], float]:
    """One pulse on the central device: Brian2's code, which is read as Python here."""

    def pulse(r: float, sign: int) -> float:
        names: dict[str, Any] = {
            "exp": math.exp, "log": math.log, "log1p": math.log1p, "sqrt": math.sqrt, "floor": math.floor,
            "abs": abs, "int": int, "clip": lambda value, low, high: min(max(value, low), high),
            "randn": lambda: noise, "r": r, "gain_ltp": 1.0, "gain_ltd": 1.0, "row": 0, "second": 1.0,
            **constants["CONSTANTS"],
        }  # fmt: skip
        for branch in ("LTP", "LTD"):
            names |= {
                f"{name}_{branch.lower()}": constants[branch][0][k] for k, name in enumerate(constants["COLUMNS"])
            }
        exec(constants["POTENTIATE"] if sign > 0 else constants["DEPRESS"], names)
        return float(names["r"])

    return pulse


def python_train(text: str, card: DeviceCard) -> np.ndarray:
    pulse, path = pulse_of(constants_of(text)), [0.0]
    for sign in np.repeat([1, -1], 100):
        path.append(pulse(path[-1], int(sign)))
    return np.asarray(card.window.from_state(np.array(path)))


def test_the_code_in_the_file_follows_the_array(card: DeviceCard) -> None:
    text = text_of(card)
    compile(text, "exported", "exec")
    assert deviation(card, python_train(text, card)) < 1e-12


def test_a_table_in_the_file_follows_the_array(monkeypatch: pytest.MonkeyPatch) -> None:
    """A law that another package brings has no closed form here."""
    monkeypatch.delitem(lawtext.FORMS, "powstep")
    card = truth_card(LAWS["powstep"], model="powstep")
    found = make(card, "brian2", ExportOptions()).figures["deviation"]
    assert deviation(card, python_train(text_of(card), card)) == pytest.approx(found, abs=1e-12)
    assert found < 1e-6


def test_an_update_scatters_by_its_increment_and_its_step() -> None:
    card = truth_card({"ltp": (math.log(0.03),), "ltd": (math.log(0.04),)}, model="linear", increment=0.003)
    ltd = card.variation.ltd.model_copy(update={"step_noise": 0.1})
    card = card.model_copy(update={"variation": card.variation.model_copy(update={"ltd": ltd})})
    pulse = pulse_of(constants_of(text_of(card)), noise=2.0)
    assert pulse(0.5, 1) == pytest.approx(0.5 + 0.03 + 2 * 0.003)
    assert pulse(0.5, -1) == pytest.approx(0.5 - 0.04 + 2 * 0.005)  # the root of 0.003^2 + 0.004^2
    quiet = pulse_of(constants_of(text_of(card, noise=False)), noise=2.0)
    assert quiet(0.5, -1) == pytest.approx(0.46)


@pytest.mark.parametrize("name", list(LAWS))
def test_code_calls_nothing_by_a_name_that_a_neuron_may_have(name: str) -> None:
    """Brian2 takes a bare name for a variable of the target's neurons; LTP and LTD have names of their own."""
    constants = constants_of(text_of(truth_card(LAWS[name], model=name)))
    functions = {"exp", "log", "log1p", "sqrt", "abs", "int", "clip", "randn"}
    for code, branch in ((constants["POTENTIATE"], "ltp"), (constants["DEPRESS"], "ltd")):
        found = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
        assert all(each.endswith(f"_{branch}") for each in found - functions - {"r"} - set(constants["CONSTANTS"]))


def test_weights_need_a_window(weights: DeviceCard) -> None:
    with pytest.raises(UsageError, match=r"Brian2.*window="):
        make(weights, "brian2", ExportOptions())
    held = constants_of(text_of(weights, window=(1e-6, 1e-4)))["CONSTANTS"]
    assert (held["LOW"], held["HIGH"]) == (1e-6, 1e-4)


@pytest.mark.parametrize("law", ["eq2", "linear", "log window", "table", "network", "stdp"])
def test_ruff_finds_nothing_in_the_file(law: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("ruff") is None:
        pytest.skip("ruff is not installed: the exported file is compiled only")
    if law == "table":
        monkeypatch.delitem(lawtext.FORMS, "eq2")
    card = CARDS["eq2" if law in ("table", "network", "stdp") else law]()
    card = card.with_blocks({"stdp": WINDOW}) if law == "stdp" else card
    (path,) = exported(card, "brian2", tmp_path, network=little() if law == "network" else None).glob("*_brian2.py")
    settings = ["--isolated", "--line-length", "120", "--no-cache"]
    for command in (["check", "--select", "E,F,W,I,B,UP"], ["format", "--diff"]):
        ran = subprocess.run(["ruff", *command, *settings, str(path)], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_spike_timing_window_is_exported_and_its_marks_too() -> None:
    card = soft().with_blocks({"stdp": WINDOW})
    result = make(card, "brian2", ExportOptions())
    readme = " ".join(result.files["README.txt"].decode().split())
    assert re.search(r"Spike-timing window: SYNTHETIC: .*, 40 readings", readme)
    assert "pairs=" in readme
    held = constants_of(text_of(card))["CONSTANTS"]
    assert [held[name] for name in ("A_PLUS", "A_MINUS", "TAU_PLUS", "TAU_MINUS", "STDP_OFFSET", "STDP_SD")] == [
        0.5, -0.25, 0.02, 0.04, 0.01, 0.125,
    ]  # fmt: skip
    assert "window (SYNTHETIC)" in text_of(card)
    assert constants_of(text_of(card, noise=False))["CONSTANTS"]["STDP_SD"] == 0.0
    assert "STDP" not in text_of(soft())


def test_a_network_goes_with_its_conductances_and_its_check(tmp_path: Path) -> None:
    network = little()
    result = make(network.card, "brian2", ExportOptions(network=network))
    assert set(result.files) == {"truth_brian2.py", "truth_network.npz", "README.txt"}
    (tmp_path / "n.npz").write_bytes(result.files["truth_network.npz"])
    with np.load(tmp_path / "n.npz") as held:
        np.testing.assert_array_equal(held["hidden_plus"], network.layers[0].plus)
        np.testing.assert_array_equal(answers(dict(held))[0], held["counts"])


def test_a_network_of_weights_is_given_in_the_window_asked_for(weights: DeviceCard, tmp_path: Path) -> None:
    """A weight of 0.5 lies three quarters up the window from -1 to 1."""
    from dataclasses import replace

    network = little()
    layers = tuple(replace(layer, plus=np.full((2, 2), 0.5), minus=np.full((2, 2), -1.0)) for layer in network.layers)
    network = replace(network, card=weights, layers=layers)
    result = make(weights, "brian2", ExportOptions(network=network, window=(1e-6, 1e-4)))
    (tmp_path / "n.npz").write_bytes(result.files["weights_network.npz"])
    with np.load(tmp_path / "n.npz") as held:
        np.testing.assert_allclose(held["output_plus"], 1e-6 + 0.75 * 99e-6)
        np.testing.assert_allclose(held["output_minus"], 1e-6)


@pytest.fixture(scope="module")
def brian() -> Any:
    b = pytest.importorskip("brian2", reason="brian2 is not installed: the Brian2 export is NOT run here")
    b.prefs.codegen.target = "numpy"
    b.BrianLogger.suppress_hierarchy("brian2.codegen")
    return b


def module_of(card: DeviceCard, folder: Path, **options: Any) -> SimpleNamespace:
    (path,) = exported(card, "brian2", folder, **options).glob("*_brian2.py")
    names: dict[str, Any] = {"__name__": "exported", "__file__": str(path)}
    exec(compile(path.read_text(), str(path), "exec"), names)
    return SimpleNamespace(**names)


@pytest.mark.parametrize("name", [*CARDS, "table"])
def test_every_card_follows_the_array_in_brian2(
    name: str, tmp_path: Path, brian: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    b = brian
    if name == "table":
        monkeypatch.delitem(lawtext.FORMS, "powstep")
    card = CARDS["powstep" if name == "table" else name]()
    module = module_of(card, tmp_path)
    times = np.arange(100) * b.ms
    up, down = (b.SpikeGeneratorGroup(1, [0] * 100, times + late * b.ms) for late in (0, 100))
    neuron = b.NeuronGroup(1, "v : 1")
    made = module.devices(up, neuron, start=0.0, c2c=False, d2d="none")
    pulses = [module.pulse_by(up, made, module.POTENTIATE), module.pulse_by(down, made, module.DEPRESS)]
    watched = b.StateMonitor(made, "g", record=True, dt=1 * b.ms, when="start")
    b.Network(up, down, neuron, made, pulses, watched).run(201 * b.ms, namespace={})
    assert deviation(card, np.asarray(watched.g[0])) < (1e-6 if name == "table" else 1e-12)


@pytest.mark.parametrize("mode", ["c2c", "resample", "shared"])
def test_devices_scatter_as_the_arrays(mode: str, tmp_path: Path, brian: Any) -> None:
    b, c2c, d2d = brian, mode == "c2c", "none" if mode == "c2c" else mode
    b.seed(5)
    array = DeviceArray(shipped(), 4000, seed=3, c2c="increment" if c2c else "none", d2d=d2d)  # type: ignore[arg-type]
    module, source = module_of(shipped(), tmp_path), b.NeuronGroup(4000, "v : 1", threshold="True")
    code = {"up": module.POTENTIATE, "down": module.DEPRESS}
    made = module.devices(source, source, start=0.0, c2c=c2c, d2d=d2d, seed=6, on_pre=code, connect={"j": "i"})
    network = b.Network(source, made)
    for sign, pulses in ((1, 10), (1, 40), (-1, 10)):
        made.up.active, made.down.active = sign > 0, sign < 0
        network.run(pulses * b.defaultclock.dt, namespace={})
        for _ in range(pulses):
            array.pulse(sign)
        r = np.asarray(made.r)
        assert r.std() == pytest.approx(array.r.std(), rel=0.1)
        assert r.mean() == pytest.approx(array.r.mean(), abs=4 * array.r.std() / 30)


def test_pulses_go_to_their_devices_and_readings_to_neurons(tmp_path: Path, brian: Any) -> None:
    """Neurons with variables of the names that the law uses stay as they are."""
    b = brian
    card = truth_card({"ltp": (math.log(0.125), 0.0), "ltd": (math.log(0.0625), 0.0)}, model="softbounds", window=SPAN)
    module = module_of(card, tmp_path)
    inputs = b.SpikeGeneratorGroup(2, [0, 1], [2, 3] * b.ms)
    neurons = b.NeuronGroup(2, "v : 1\nu : 1\nx : 1\nell : 1\nstep : 1")
    made = module.devices(inputs, neurons, scale=2.0, reference=6e-5 * b.siemens, start=0.5, c2c=False)
    generator = b.SpikeGeneratorGroup(4, [0, 3, 3], [0, 0, 1] * b.ms)
    pulses = module.pulse_by(generator, made, module.POTENTIATE)
    b.Network(inputs, neurons, made, generator, pulses).run(5 * b.ms, namespace={})
    # devices (0, 0), (0, 1), (1, 0), (1, 1), in this order
    np.testing.assert_allclose(np.asarray(made.r), [0.625, 0.5, 0.5, 0.75], rtol=1e-12)
    np.testing.assert_allclose(np.asarray(made.g), 1e-5 + 1e-4 * np.array([0.625, 0.5, 0.5, 0.75]), rtol=1e-12)
    np.testing.assert_allclose(np.asarray(neurons.v), [0.25, 0.5], rtol=1e-9)
    assert not any(np.asarray(getattr(neurons, name)).any() for name in ("u", "x", "ell", "step"))


def test_read_noise_is_the_cards(tmp_path: Path, brian: Any) -> None:
    b = brian
    b.seed(1)
    module = module_of(truth_card(LAWS["linear"], model="linear", window=SPAN, read=0.02), tmp_path)
    source = b.NeuronGroup(10_000, "v : 1", threshold="True")
    target = b.NeuronGroup(10_000, "v : 1")
    made = module.devices(source, target, scale=3.0, read_noise=True, connect={"j": "i"})
    b.Network(source, target, made).run(b.defaultclock.dt, namespace={})
    assert np.std(target.v) == pytest.approx(3.0 * 0.02, rel=0.03)


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize("pairs", [1, 5])
def test_neighbouring_spikes_change_g_by_the_measured_window(
    scale: str, pairs: int, tmp_path: Path, brian: Any
) -> None:
    b = brian
    card = soft().with_blocks({"stdp": WINDOW})
    card = card.model_copy(update={"window": card.window.model_copy(update={"scale": scale})})
    module = module_of(card, tmp_path)
    pre, post = [0.001, 0.003, 0.012, 0.030, 0.050], [0.004, 0.010, 0.030, 0.0345]  # s; both fire at 0.030
    source, target = (b.SpikeGeneratorGroup(1, [0] * len(t), t * b.second) for t in (pre, post))
    made = module.devices(
        source, target, start=0.5, pairs=pairs, c2c=False,
        on_pre={"rule": module.STDP_PRE}, on_post={"rule_2": module.STDP_POST},
    )  # fmt: skip
    b.Network(source, target, made).run(60 * b.ms, namespace={})
    # pairs that stand next to each other: 3-4, 10-12, 12-30 (no: the input at 30 comes first), 34.5-50; not 4-10
    late, early = WINDOW.a_minus, WINDOW.a_plus
    changes = [
        early * math.exp(-0.001 / 0.02), late * math.exp(-0.002 / 0.04), late * math.exp(-0.0155 / 0.04),
    ]  # fmt: skip
    wanted = float(card.window.from_state(np.array(0.5)))
    for change in changes:
        wanted *= (1 + change + WINDOW.offset) ** (1 / pairs)
    assert float(made.g[0]) == pytest.approx(wanted, rel=1e-9)


def test_a_window_never_takes_g_out_of_its_own(tmp_path: Path, brian: Any) -> None:
    b = brian
    card = soft().with_blocks({"stdp": WINDOW.model_copy(update={"a_plus": 50.0, "a_minus": -9.0})})
    module = module_of(card, tmp_path)
    pre, post = b.SpikeGeneratorGroup(1, [0], [3] * b.ms), b.SpikeGeneratorGroup(2, [0, 1], [1, 5] * b.ms)
    made = module.devices(
        pre, post, c2c=False, on_pre={"rule": module.STDP_PRE}, on_post={"rule_2": module.STDP_POST}
    )  # fmt: skip
    b.Network(pre, post, made).run(9 * b.ms, namespace={})
    np.testing.assert_array_equal(np.asarray(made.r), [0.0, 1.0])


@pytest.mark.parametrize("paired", [True, False])
def test_a_network_answers_as_it_did(paired: bool, tmp_path: Path, brian: Any) -> None:
    network = little(paired)
    module = module_of(network.card, tmp_path, network=network)
    assert module.check() == (3, 3, 3)
    _, parts = module.load_network()
    made = parts["output_plus"]
    np.testing.assert_allclose(np.asarray(made.g), network.layers[1].plus[made.i[:], made.j[:]], rtol=1e-12)
    assert ("output_minus" in parts) == paired


def test_the_lines_in_the_readme_work(tmp_path: Path, brian: Any) -> None:
    b = brian
    card = shipped().with_blocks({"stdp": WINDOW})
    lines = [line for line in make(card, "brian2", ExportOptions()).use if " = " in line]
    module = module_of(card, tmp_path)
    inputs, neurons = b.SpikeGeneratorGroup(3, [0], [1] * b.ms), b.NeuronGroup(2, "v : 1", threshold="v > 1")
    names = {
        **vars(module),
        "inputs": inputs,
        "neurons": neurons,
        "generator": b.SpikeGeneratorGroup(1, [0], [0] * b.ms),
    }
    network = b.Network(inputs, neurons, names["generator"])
    for line in lines:
        exec(line, names)
        network.add(names[line.split(" = ")[0]])
    network.run(2 * b.ms, namespace={})
    assert len(lines) == 4
    assert (np.asarray(neurons.v) != 0).all()


DEVICES = 3000


class Synapses:
    """Four devices from 2 inputs to 2 neurons, or as many as there are neurons of the source."""

    def __init__(self, source: Any, *others: Any, **options: Any) -> None:
        self.n = source if isinstance(source, int) else 4
        self.i, self.j = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
        self.read = SimpleNamespace(when="")

    def connect(self, **options: Any) -> None:
        pass

    def __len__(self) -> int:
        return self.n


class Unit(float):
    """A unit that lists can be multiplied by."""

    def __rmul__(self, other: Any) -> Any:
        return other if isinstance(other, list) else float(self) * other


@pytest.fixture
def brian2(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("brian2")
    module.__getattr__ = lambda name: MagicMock()  # type: ignore[method-assign]
    vars(module).update(Synapses=Synapses, second=Unit(1.0), siemens=Unit(1.0))
    monkeypatch.setitem(sys.modules, "brian2", module)


def test_groups_of_devices_differ_and_one_seed_fixes_all(tmp_path: Path, brian2: None) -> None:
    module = module_of(shipped(), tmp_path)

    def network(seed: int) -> list[np.ndarray]:
        np.random.seed(seed)  # noqa: NPY002 - as brian2.seed does
        return [module.devices(50, 50).kappa_ltp for _ in range(2)]

    (one, two), (same_one, same_two), (other, _) = network(1), network(1), network(2)
    assert not np.array_equal(one, two)
    assert not np.array_equal(one, other)
    np.testing.assert_array_equal([one, two], [same_one, same_two])
    np.testing.assert_array_equal(module.devices(50, 50, seed=3).kappa_ltp, module.devices(50, 50, seed=3).kappa_ltp)


def test_each_group_of_a_trained_network_has_its_own_devices(tmp_path: Path, brian2: None) -> None:
    network = little()
    covariance = ((0.04, 0.02), (0.02, 0.04))
    variation = network.card.variation.model_copy(update={"d2d_ln_rate_covariance": covariance})
    card = network.card.model_copy(update={"variation": variation})
    module = module_of(card, tmp_path, network=network)

    def gains(**options: Any) -> np.ndarray:
        _, parts = module.load_network(d2d="shared", **options)
        return np.array([part.gain_ltp for part in parts.values() if isinstance(part, Synapses)])

    made = gains()
    assert len(np.unique(made)) == made.size == 16
    np.testing.assert_array_equal(made, gains())
    assert not np.isin(made, gains(seed=1)).any()


@pytest.mark.parametrize("mode", [None, "shared"])
def test_d2d_is_that_of_an_array_by_default_and_by_name(mode: str | None, tmp_path: Path, brian2: None) -> None:
    """A card with a covariance and no measured devices; of one step, ln of which is the gain."""
    card = truth_card(LAWS["linear"], model="linear", ln_rate_sd=0.3)
    asked = {} if mode is None else {"d2d": mode}
    array = DeviceArray(card, DEVICES, seed=3, c2c="none", **asked)  # type: ignore[arg-type]
    array.pulse(1)
    made = module_of(card, tmp_path).devices(DEVICES, DEVICES, seed=1, **asked)
    assert np.log(made.gain_ltp).std() == pytest.approx(np.log(array.r).std(), rel=0.05, abs=1e-12)
    assert (made.gain_ltp.std() > 0) == (mode == "shared")
