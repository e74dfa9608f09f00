"""Exported files of a card whose LTP and LTD differ in everything, run without torch and without Brian2.

PyTorch's file runs on `torch_standin`; the functions for Brian2 run on groups that only record their arguments,
and its code, which reads as Python, is executed number by number.
"""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from devicekit.device.card import DeviceCard
from devicekit.device.measured import StdpWindow
from devicekit.device.network import TrainedNetwork
from devicekit.exporters import ExportOptions, make
from devicekit.synthetic.pulses import truth_card

from . import torch_standin
from .conftest import CARDS, LAWS, exported, shipped
from .small_network import SPAN, answers, little

WINDOW = StdpWindow(
    source="made by hand", synthetic=True, n=40, noise=0.125,
    a_plus=0.5, a_minus=-0.25, tau_plus_s=0.02, tau_minus_s=0.04, offset=0.01,
)  # fmt: skip
UP, DOWN = math.exp(-4.6), math.exp(-5.0)  # steps of the linear card
SDS, CORRELATION = (0.2, 0.3), 0.25  # of ln step over devices


def uneven(scale: str = "linear") -> DeviceCard:
    """Updates scatter by 0.003 and a tenth of a step up, 0.005 and a fifth of a step down; devices by 0.2 and 0.3."""
    card = truth_card(LAWS["linear"], model="linear", window=SPAN, increment=0.003, read=0.01)
    ltp = card.variation.ltp.model_copy(update={"step_noise": 0.1})
    c2c = card.variation.ltd.c2c
    more = {**c2c, "increment": c2c["increment"].model_copy(update={"value": 0.005})}
    ltd = card.variation.ltd.model_copy(update={"step_noise": 0.2, "c2c": more})
    off = SDS[0] * SDS[1] * CORRELATION
    covariance = ((SDS[0] ** 2, off), (off, SDS[1] ** 2))
    variation = card.variation.model_copy(update={"ltp": ltp, "ltd": ltd, "d2d_ln_rate_covariance": covariance})
    window = card.window.model_copy(update={"scale": scale})
    return card.model_copy(update={"variation": variation, "window": window})


def uneven_network(paired: bool) -> TrainedNetwork:
    """Another threshold than 1, two steps of rest, and layers that leak by different amounts."""
    made = little(paired)
    neurons = replace(made.neurons, threshold=1.3, refractory=2, hidden_decay=0.625, output_decay=0.5)
    rng = np.random.default_rng(3)
    spikes = rng.random((6, 24, 2)) < 0.8
    check = replace(
        made.check, spikes=spikes, counts=np.zeros((6, 2), int), classes=np.zeros(6, int), labels=np.zeros(6, int)
    )
    return replace(made, neurons=neurons, check=check)


def run(path: Path, names: dict[str, Any]) -> SimpleNamespace:
    exec(compile(path.read_text(), str(path), "exec"), names)
    return SimpleNamespace(**names)


@pytest.fixture
def torch_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """(card, options) -> the file's names, `Layer` among them."""
    torch = torch_standin.put_in_place(monkeypatch)

    def load(card: DeviceCard, **options: Any) -> SimpleNamespace:
        (path,) = exported(card, "pytorch", tmp_path, **options).glob("*_pytorch.py")
        found = run(path, {"__name__": "exported", "__file__": str(path)})
        for key, value in vars(found).copy().items():
            if key.endswith("Synapses"):
                found.Layer = value
            if key.endswith("Network"):
                found.Built = value
        found.torch = torch
        return found

    return load


def with_normals(file: SimpleNamespace, *values: float) -> list[float]:
    """Every normal of the file's layers is the next of these, the last one again and again."""
    left = list(values)

    def normal(self: Any, shape: tuple[int, ...]) -> torch_standin.Tensor:
        return np.full(shape, left.pop(0) if len(left) > 1 else left[0]).view(torch_standin.Tensor)

    file.Layer._normal = normal
    return left


def test_gains_of_a_torch_layer_have_mean_one_and_their_correlation(torch_file: Any) -> None:
    file = torch_file(uneven())
    with_normals(file, 1.5, -0.5)
    layer = file.Layer(2, 3, d2d="shared")
    down = CORRELATION * 1.5 + math.sqrt(1 - CORRELATION**2) * -0.5
    assert layer.gain[0] == pytest.approx(np.full((2, 3, 2), math.exp(0.2 * 1.5 - 0.02)), rel=1e-9)
    assert layer.gain[1] == pytest.approx(np.full((2, 3, 2), math.exp(0.3 * down - 0.045)), rel=1e-9)


def test_an_update_of_a_torch_layer_scatters_as_its_own_branch_and_by_its_gain(torch_file: Any) -> None:
    file = torch_file(uneven())
    with_normals(file, 2.0)
    layer = file.Layer(1, 2, pairs=False, middle=0.5, start="middle", d2d="none")
    layer.gain[0], layer.gain[1] = 1.5, 0.5
    layer.pulse(torch_standin.tensor([[[1], [-1]]]))
    up, down = 1.5 * UP, 0.5 * DOWN
    assert layer.r[0, 0, 0] == pytest.approx(0.5 + up + 2 * math.hypot(0.003, 0.1 * up), rel=1e-9)
    assert layer.r[0, 1, 0] == pytest.approx(0.5 - down + 2 * math.hypot(0.005, 0.2 * down), rel=1e-9)


def test_a_torch_layer_draws_measured_devices_and_never_the_central_one(torch_file: Any) -> None:
    layer = torch_file(shipped()).Layer(30, 30, d2d="resample")
    assert set(np.unique(layer.row).tolist()) == set(range(1, len(layer.ltp)))


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_states_of_a_torch_layer_are_places_in_the_window(torch_file: Any, scale: str) -> None:
    file = torch_file(uneven(scale))
    layer = file.Layer(1, 3, pairs=False, c2c=False)
    low, high = SPAN
    values = [low, math.sqrt(low * high), high] if scale == "log" else [low, (low + high) / 2, high]
    layer.put(torch_standin.tensor(values).reshape(1, 3, 1))
    assert layer.r.ravel() == pytest.approx([0.0, 0.5, 1.0])
    assert layer.conductances().ravel() == pytest.approx(values)
    with_normals(file, -2.0)
    layer.r[:] = 0.5
    layer.read_noise = True
    at = 0.5 - 2 * 0.01
    read = low * (high / low) ** at if scale == "log" else low + (high - low) * at
    assert layer.conductances().ravel() == pytest.approx([read] * 3)


def test_a_torch_layer_is_programmed_half_by_either_device(torch_file: Any) -> None:
    """W of 0.4 at a scale of 2 is a fifth of the window: a tenth up, a tenth down, of the middle; an end is made up."""
    layer = torch_file(uneven()).Layer(1, 2, scale=2.0, middle=0.25)
    layer.program(torch_standin.tensor([[0.4, 1.0]]))
    assert layer.r[0] == pytest.approx(np.array([[0.35, 0.15], [0.5, 0.0]]))
    assert layer.weight() == pytest.approx(np.array([[0.4, 1.0]]))
    single = layer.__class__(1, 2, pairs=False, scale=2.0, middle=0.25)
    single.program(torch_standin.tensor([[0.4, -0.2]]))
    assert single.r[0, :, 0] == pytest.approx([0.45, 0.15])
    assert single.weight() == pytest.approx(np.array([[0.4, -0.2]]))


def test_a_wish_of_two_and_a_half_levels_is_two_pulses_to_either_device(torch_file: Any) -> None:
    file = torch_file(uneven())
    layer = file.Layer(1, 4, scale=3.0, middle=0.5, start="middle", c2c=False, d2d="none")
    level = 3.0 * (UP + DOWN) / 2
    assert layer.level == pytest.approx(level)
    file.torch.rand = lambda shape, **more: torch_standin.tensor([0.1, 0.45, 0.55, 0.9]).reshape(shape)
    given = layer.update(level * torch_standin.tensor([[2.5, -1.5, 2.5, -0.9]]))
    assert given == 2 + 1 + 2 + 0
    assert layer.wish == pytest.approx(level * np.array([[0.5, -0.5, 0.5, -0.9]]))
    expected = [[0.5 + 2 * UP, 0.5], [0.5 - DOWN, 0.5], [0.5, 0.5 - 2 * DOWN], [0.5, 0.5]]
    assert layer.r[0] == pytest.approx(np.array(expected))
    layer.most = 1
    assert layer.update(level * torch_standin.tensor([[9.0, 0.0, 0.0, 0.0]])) == 1


@pytest.mark.parametrize("paired", [True, False])
def test_torch_network_has_the_neuron_parameters_of_its_file(torch_file: Any, paired: bool) -> None:
    network = uneven_network(paired)
    file = torch_file(network.card, network=network)
    with np.load(file.FILE) as archive:
        held = dict(archive)
    counts, classes = answers(held)
    assert counts.max() > 2
    assert len(set(map(tuple, counts.tolist()))) > 2
    found = file.Built()(held["spikes"])
    np.testing.assert_array_equal(found[1], counts)
    np.testing.assert_array_equal(found[0], classes)


class Unit(float):
    """1 of a unit, which lists can be multiplied by."""

    def __rmul__(self, other: Any) -> Any:
        return np.asarray(other, float) * float(self)


class Remembered:
    """A group or synapses that only record their arguments."""

    made: list[Remembered]

    def __init__(self, *given: Any, **named: Any) -> None:
        self.given, self.named, self.regular, self.connected = given, named, [], {}
        self.thresholder, self.resetter = {"spike": SimpleNamespace()}, {"spike": SimpleNamespace()}
        self.read = SimpleNamespace()
        self.size = 400
        self.made.append(self)

    def __len__(self) -> int:
        return self.size

    def connect(self, **how: Any) -> None:
        self.connected = how

    def run_regularly(self, code: str, when: str) -> None:
        self.regular.append((when, code))

    @property
    def i(self) -> np.ndarray:
        return np.array([0, 0, 1, 1])

    @property
    def j(self) -> np.ndarray:
        return np.array([0, 1, 0, 1])


@pytest.fixture
def brian_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """(card, options) -> the file's names; units are 1."""
    brian: Any = ModuleType("brian2")
    kinds = ("NeuronGroup", "SpikeGeneratorGroup", "Synapses", "SpikeMonitor", "StateMonitor")
    for name in kinds:
        setattr(brian, name, type(name, (Remembered,), {"made": []}))
    brian.Network = lambda parts: SimpleNamespace(parts=list(parts), store=lambda: None)
    brian.second = brian.siemens = Unit(1.0)
    brian.ms, brian.prefs = Unit(1e-3), SimpleNamespace()
    brian.TimedArray = lambda values, dt: lambda t, row: np.asarray(values)[round(t / dt), row]
    monkeypatch.setitem(sys.modules, "brian2", brian)

    def load(card: DeviceCard, **options: Any) -> SimpleNamespace:
        (path,) = exported(card, "brian2", tmp_path, **options).glob("*_brian2.py")
        return run(path, {"__name__": "exported", "__file__": str(path), "brian": brian})

    return load


def numbers(file: SimpleNamespace, **more: Any) -> dict[str, Any]:
    """Return the names in the code of Brian2 with the values of one device."""
    return {
        "exp": math.exp, "log": math.log, "log1p": math.log1p, "sqrt": math.sqrt, "floor": math.floor, "abs": abs,
        "int": int, "clip": lambda value, low, high: min(max(value, low), high), "second": 1.0,
        **file.CONSTANTS, **more,
    }  # fmt: skip


def test_gains_of_brian_devices_have_mean_one_and_their_correlation(brian_file: Any) -> None:
    """Four hundred devices: ln gains are normals times their sd less half its square, in closed form of the first."""
    file = brian_file(uneven())
    made = file.devices(object(), object(), d2d="shared", seed=5)
    up, down = (np.log(each) + sd**2 / 2 for each, sd in zip((made.gain_ltp, made.gain_ltd), SDS, strict=True))
    first, second = np.random.default_rng(5).standard_normal((2, 400))
    assert up / 0.2 == pytest.approx(first, abs=1e-9)
    assert down / 0.3 == pytest.approx(CORRELATION * first + math.sqrt(1 - CORRELATION**2) * second, abs=1e-9)
    for d2d in ("resample", "none"):
        plain = file.devices(object(), object(), d2d=d2d)
        assert (plain.gain_ltp == 1).all()
        assert (plain.gain_ltd == 1).all()


def test_brian_devices_are_measured_ones_ltp_and_ltd_of_one_device(brian_file: Any) -> None:
    file = brian_file(shipped())
    made = file.devices(object(), object(), d2d="resample")
    drawn = np.column_stack([getattr(made, f"{name}_{d}") for d in ("ltp", "ltd") for name in file.COLUMNS])
    rows = np.hstack([file.LTP, file.LTD])
    which = [int(np.flatnonzero((rows == each).all(axis=1))[0]) for each in drawn]
    assert set(which) == set(range(1, len(rows)))
    central = file.devices(object(), object(), d2d="none")
    assert (getattr(central, f"{file.COLUMNS[0]}_ltd") == file.LTD[0, 0]).all()


def test_a_pulse_in_brian_s_code_scatters_as_its_own_branch_and_by_its_gain(brian_file: Any) -> None:
    file = brian_file(uneven())
    constants = {k: v for k, v in file.CONSTANTS.items() if k.startswith(("UPDATE", "RELATIVE"))}
    assert constants == {
        "UPDATE_SD_LTP": 0.003, "UPDATE_SD_LTD": 0.005, "RELATIVE_SD_LTP": 0.1, "RELATIVE_SD_LTD": 0.2,
    }  # fmt: skip
    for code, sign, step, sds in (
        (file.POTENTIATE, 1, 1.5 * UP, (0.003, 0.1)),
        (file.DEPRESS, -1, 0.5 * DOWN, (0.005, 0.2)),
    ):
        names = numbers(file, r=0.5, gain_ltp=1.5, gain_ltd=0.5, randn=lambda: 2.0)
        for branch, table in (("ltp", file.LTP), ("ltd", file.LTD)):
            names |= {f"{name}_{branch}": table[0, k] for k, name in enumerate(file.COLUMNS)}
        exec(code, names)
        assert names["r"] == pytest.approx(0.5 + sign * step + 2 * math.hypot(sds[0], sds[1] * step), rel=1e-9)


@pytest.mark.parametrize(("r", "sign", "end"), [(1 - 0.3 * UP, 1, 1.0), (0.3 * DOWN, -1, 0.0)])
def test_a_pulse_in_brian_s_code_ends_at_the_window(brian_file: Any, r: float, sign: int, end: float) -> None:
    file = brian_file(uneven())
    names = numbers(file, r=r, gain_ltp=1.0, gain_ltd=1.0, randn=lambda: 0.0)
    for branch, table in (("ltp", file.LTP), ("ltd", file.LTD)):
        names |= {f"{name}_{branch}": table[0, k] for k, name in enumerate(file.COLUMNS)}
    exec(file.POTENTIATE if sign > 0 else file.DEPRESS, names)
    assert names["r"] == end


@pytest.mark.parametrize("scale", ["linear", "log"])
@pytest.mark.parametrize("pairs", [1, 4])
def test_a_pair_of_spikes_in_brian_s_code_changes_g_by_its_own_side_of_the_window(
    brian_file: Any, scale: str, pairs: int
) -> None:
    """After before: A+ and tau+ of the delay; before after: A- and tau-; both with offset and scatter."""
    file = brian_file(uneven(scale).with_blocks({"stdp": WINDOW}))
    low, high = SPAN

    def g(r: float) -> float:
        return low * (high / low) ** r if scale == "log" else low + (high - low) * r

    for code, pre_at, post_at, change in (
        (file.STDP_POST, 1.0, 0.5, 0.5 * math.exp(-0.01 / 0.02)),
        (file.STDP_PRE, 0.5, 1.0, -0.25 * math.exp(-0.01 / 0.04)),
        (file.STDP_POST, 0.5, 1.0, None),  # the neuron fired last: this spike has no partner
        (file.STDP_PRE, 1.0, 0.5, None),
    ):
        names = numbers(file, t=1.01, pre_at=pre_at, post_at=post_at, r=0.5, g=g(0.5), PAIRS=pairs, randn=lambda: 2.0)
        exec(code, names)
        whole = 1.0 if change is None else 1 + change + 0.01 + 2 * 0.125
        assert g(names["r"]) == pytest.approx(g(0.5) * whole ** (1 / pairs), rel=1e-9)
        assert (names["post_at"] if code is file.STDP_POST else names["pre_at"]) == 1.01


def test_brian_devices_without_noise_have_none_and_keep_their_read_noise(brian_file: Any) -> None:
    file = brian_file(uneven())
    names = file.devices(object(), object(), c2c=False, scale=3.0, reference=2e-5).named["namespace"]
    quiet = {key: value for key, value in names.items() if "SD" in key}
    assert quiet == {
        "READ_SD": 0.01, "UPDATE_SD_LTP": 0.0, "UPDATE_SD_LTD": 0.0, "RELATIVE_SD_LTP": 0.0, "RELATIVE_SD_LTD": 0.0,
    }  # fmt: skip
    assert (names["scale"], names["reference"], names["LOW"], names["HIGH"]) == (3.0, 2e-5, *SPAN)


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_reading_in_brian_s_code_is_a_share_of_the_window(brian_file: Any, scale: str) -> None:
    file = brian_file(uneven(scale))
    low, high = SPAN
    names = numbers(file, r=0.25, scale=3.0, reference=2e-5, v_post=0.5, randn=lambda: -2.0)
    exec(file.read(noise=True), names)
    at = 0.25 - 0.02
    g = low * (high / low) ** at if scale == "log" else low + (high - low) * at
    assert names["v_post"] == pytest.approx(0.5 + 3 * (g - 2e-5) / (high - low))
    middle = math.sqrt(low * high) if scale == "log" else (low + high) / 2
    assert file.state_of([low, middle, high]) == pytest.approx([0.0, 0.5, 1.0])


@pytest.mark.parametrize("paired", [True, False])
def test_a_network_in_brian_has_the_numbers_of_its_file(brian_file: Any, paired: bool) -> None:
    network = uneven_network(paired)
    file = brian_file(network.card, network=network)
    _, parts = file.load_network()
    hidden, output = parts["hidden"], parts["output"]
    for group, decay in ((hidden, 0.625), (output, 0.5)):
        names = {**group.named["namespace"], "v": 2.0}
        assert names["threshold"] == 1.3
        assert group.named["threshold"] == "v >= threshold"
        (code,) = (code for when, code in group.regular if when == "groups")
        exec(code, names)
        assert names["v"] == 2.0 * decay
    names = dict(output.named["namespace"])
    exec(output.named["reset"], names)
    assert (names["v"], names["rest"]) == (0, 2)
    (resting,) = (code for when, code in output.regular if when == "rest")
    for rest, left, v in ((2, 1, 0.0), (1, 0, 0.0), (0, 0, 0.6)):
        names = {"rest": rest, "v": 0.6, "potential": 1.0, "int": int}
        exec(resting, names)
        assert (names["rest"], names["v"], names["potential"]) == pytest.approx((left, v, 1.0 + v))
    for name, layer in zip(("hidden", "output"), network.layers, strict=True):
        plus = parts[f"{name}_plus"]
        assert plus.r == pytest.approx(((layer.plus - SPAN[0]) / (SPAN[1] - SPAN[0])).ravel())
        assert plus.named["namespace"]["scale"] == 2.0
        assert plus.named["namespace"]["reference"] == pytest.approx(0.0 if paired else SPAN[0] + 0.25e-4)
        assert (f"{name}_minus" in parts) is paired
        if paired:
            minus = parts[f"{name}_minus"]
            assert minus.named["namespace"]["scale"] == -2.0
            assert minus.r == pytest.approx(((layer.minus - SPAN[0]) / (SPAN[1] - SPAN[0])).ravel())


def test_a_tie_of_spikes_in_brian_goes_to_the_higher_potential(brian_file: Any) -> None:
    network = uneven_network(True)
    file = brian_file(network.card, network=network)
    seen = iter([([3, 3], [0.1, 0.2]), ([3, 2], [0.1, 9.0]), ([0, 0], [0.5, 0.2])])
    spikes, output = SimpleNamespace(count=None), SimpleNamespace(potential=None)
    inputs = SimpleNamespace(dt=1e-3, set_spikes=lambda channels, times: None)

    class Output(SimpleNamespace):
        def __len__(self) -> int:
            return 2

    output = Output(potential=None)

    def go(duration: float, namespace: dict[str, Any]) -> None:
        spikes.count, output.potential = next(seen)

    made: Any = SimpleNamespace(restore=lambda: None, run=go)
    classes, counts = file.answers(made, {"inputs": inputs, "spikes": spikes, "output": output}, np.zeros((3, 4, 2)))
    assert classes.tolist() == [1, 0, 0]
    assert counts.tolist() == [[3, 3], [3, 2], [0, 0]]


@pytest.mark.parametrize("name", ["eq2", "log window"])
def test_marks_and_units_of_both_files_are_the_card_s(name: str) -> None:
    for target in ("pytorch", "brian2"):
        files = make(CARDS[name](), target, ExportOptions()).files
        text = next(content for key, content in files.items() if key.endswith(".py")).decode()
        assert 'MARKS = ["synthetic"]' in text
        assert f"LOGARITHMIC = {name == 'log window'}" in text
