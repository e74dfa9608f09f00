"""The PyTorch export: its law is evaluated without torch, and it runs in torch if it is installed."""

from __future__ import annotations

import ast
import math
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from devicekit.core.errors import UsageError
from devicekit.device.array import DeviceArray
from devicekit.device.card import DeviceCard
from devicekit.exporters import ExportOptions, lawtext, make
from devicekit.synthetic.pulses import truth_card

from .conftest import LAWS, deviation, exported, shipped, soft
from .small_network import SPAN, answers, little


def text_of(card: DeviceCard, **options: Any) -> str:
    files = make(card, "pytorch", ExportOptions(**options)).files
    (name,) = (each for each in files if each.endswith("_pytorch.py"))
    return files[name].decode()


class Numbers(np.ndarray):
    """An array with the methods of a tensor that `step_of` uses."""

    def unbind(self, axis: int) -> list[np.ndarray]:
        return [np.asarray(each) for each in np.moveaxis(self, axis, 0)]

    def clamp(self, *ends: float, max: float | None = None) -> Numbers:
        return np.clip(self, *(ends or (None, max))).view(Numbers)

    def long(self) -> Numbers:
        return self.astype(int).view(Numbers)


NUMPY = SimpleNamespace(log=np.log, log1p=np.log1p, exp=np.exp, clip=np.clip, minimum=np.minimum)


def law_of(text: str) -> dict[str, Any]:
    """The constants and functions of an exported file, its classes and imports left out; tensors are arrays."""
    tree = ast.parse(text)
    kept = [node for node in tree.body if isinstance(node, ast.Assign | ast.FunctionDef)]
    for node in kept:
        if isinstance(node, ast.FunctionDef):
            node.decorator_list, node.returns = [], None
            for argument in node.args.args:
                argument.annotation = None
    names: dict[str, Any] = {"torch": NUMPY, "math": math}
    exec(compile(ast.Module(kept, type_ignores=[]), "exported", "exec"), names)
    return names


def numpy_train(text: str, pulses: int = 100) -> np.ndarray:
    """The file's own law under LTP and then LTD pulses on the central device, values in the card's unit."""
    law = law_of(text)
    r = np.zeros(1).view(Numbers)
    row, path = np.zeros(1, int), [0.0]
    ltp, ltd = (np.array(law[name]).view(Numbers) for name in ("LTP", "LTD"))
    for sign in np.repeat([1, -1], pulses):
        step = law["step_of"](r, ltp, row) if sign > 0 else -law["step_of"]((1 - r).view(Numbers), ltd, row)
        r = np.clip(r + np.asarray(step), 0.0, 1.0).view(Numbers)
        path.append(float(r[0]))
    return np.asarray(law["value_of"](np.array(path)))


def test_the_law_in_the_file_follows_the_array(card: DeviceCard) -> None:
    text = text_of(card)
    compile(text, "exported", "exec")
    assert deviation(card, numpy_train(text)) < 1e-12


def test_a_table_in_the_file_follows_the_array(monkeypatch: pytest.MonkeyPatch) -> None:
    """A law that another package brings has no closed form here."""
    monkeypatch.delitem(lawtext.FORMS, "powstep")
    card = truth_card(LAWS["powstep"], model="powstep")
    result = make(card, "pytorch", ExportOptions())
    assert deviation(card, numpy_train(text_of(card))) == pytest.approx(result.figures["deviation"], abs=1e-12)
    assert result.figures["deviation"] < 1e-6


def test_the_numbers_in_the_file_are_the_cards() -> None:
    card = truth_card(LAWS["linear"], model="linear", window=(1e-5, 2e-4), increment=0.003, read=0.004, ln_rate_sd=0.2)
    law = law_of(text_of(card))
    assert (law["LOW"], law["HIGH"], law["LOGARITHMIC"], law["MARKS"]) == (1e-5, 2e-4, False, ["synthetic"])
    assert (law["UPDATE_SD"], law["RELATIVE_SD"], law["READ_SD"]) == ((0.003, 0.003), (0.0, 0.0), 0.004)
    assert law["LN_GAIN_SD"] == pytest.approx((0.2, 0.2))
    assert law["LN_GAIN_CORRELATION"] == pytest.approx(0.6)
    assert law["STEP"] == pytest.approx((math.exp(-4.6) + math.exp(-5.0)) / 2, rel=1e-9)
    quiet = law_of(text_of(card, noise=False))
    assert (quiet["UPDATE_SD"], quiet["READ_SD"], quiet["LN_GAIN_SD"]) == ((0.0, 0.0), 0.0, (0.0, 0.0))
    assert len(law_of(text_of(shipped()))["LTP"]) == 21
    assert len(law_of(text_of(shipped(), noise=False))["LTP"]) == 1


def test_a_weight_card_keeps_its_weights(weights: DeviceCard) -> None:
    text = text_of(weights)
    assert deviation(weights, numpy_train(text)) < 1e-12
    assert "[S]" not in text
    with pytest.raises(UsageError, match=r"^window=.*to=pytorch"):
        make(weights, "pytorch", ExportOptions(window=(1e-6, 1e-4)))


def test_a_name_cannot_leave_its_place() -> None:
    card = soft().model_copy(update={"name": '"""); import os; os._exit(3)  # \'x'})
    assert law_of(text_of(card))["CARD"][0] == card.name


@pytest.mark.parametrize("network", [False, True])
def test_ruff_finds_nothing_in_the_file(network: bool, tmp_path: Path) -> None:
    if shutil.which("ruff") is None:
        pytest.skip("ruff is not installed: the exported file is compiled only")
    folder = exported(shipped(), "pytorch", tmp_path, network=little() if network else None)
    (path,) = folder.glob("*_pytorch.py")
    settings = ["--isolated", "--line-length", "120", "--no-cache"]
    for command in (["check", "--select", "E,F,W,I,B,UP"], ["format", "--diff"]):
        ran = subprocess.run(["ruff", *command, *settings, str(path)], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr


def test_what_never_moves_is_refused() -> None:
    card = soft()
    still = card.model_copy(update={"ltd": card.ltd.model_copy(update={"largest_step": 0.0})})
    with pytest.raises(UsageError, match=r"LTD .*card"):
        make(still, "pytorch", ExportOptions())


def test_a_network_goes_with_its_conductances_and_its_check(tmp_path: Path) -> None:
    network = little()
    result = make(network.card, "pytorch", ExportOptions(network=network))
    np.testing.assert_array_equal(network.check.counts, [[2, 0], [0, 0], [0, 0]])  # by hand
    assert set(result.files) == {"truth_pytorch.py", "truth_network.npz", "README.txt"}
    compile(result.files["truth_pytorch.py"].decode(), "exported", "exec")
    (tmp_path / "n.npz").write_bytes(result.files["truth_network.npz"])
    with np.load(tmp_path / "n.npz") as held:
        counts, classes = answers(dict(held))
        np.testing.assert_array_equal(counts, held["counts"])
        np.testing.assert_array_equal(classes, held["classes"])
        np.testing.assert_array_equal(held["output_plus"], network.layers[1].plus)
        np.testing.assert_array_equal(held["hidden_minus"], network.layers[0].minus)
        np.testing.assert_array_equal(held["spikes"], network.check.spikes)
        assert (float(held["hidden_scale"]), bool(held["output_paired"]), int(held["refractory"])) == (2.0, True, 1)
    readme = " ".join(result.files["README.txt"].decode().split())
    assert "2-2-2 network trained insitu" in readme
    assert "resistive lines" in readme
    assert "SYNTHETIC" in readme


@pytest.fixture(scope="module")
def torch() -> Any:
    return pytest.importorskip("torch", reason="torch is not installed: the PyTorch export is NOT run here")


def module_of(card: DeviceCard, folder: Path, **options: Any) -> SimpleNamespace:
    (path,) = exported(card, "pytorch", folder, **options).glob("*_pytorch.py")
    names: dict[str, Any] = {"__name__": "exported", "__file__": str(path)}
    exec(compile(path.read_text(), str(path), "exec"), names)
    (layer,) = (value for key, value in names.items() if key.endswith("Synapses"))
    return SimpleNamespace(**names, Layer=layer)


def test_every_card_follows_the_array_in_torch(card: DeviceCard, tmp_path: Path, torch: Any) -> None:
    layer = module_of(card, tmp_path).Layer(
        1, 1, pairs=False, middle=0.0, start="middle", c2c=False, d2d="none", dtype=torch.float64
    )
    path = [float(layer.conductances())]
    for sign in np.repeat([1, -1], 100):
        layer.pulse(int(sign))
        path.append(float(layer.conductances()))
    assert deviation(card, np.array(path)) < 1e-12


@pytest.mark.parametrize("mode", ["c2c", "resample", "shared"])
def test_devices_scatter_as_the_arrays(mode: str, tmp_path: Path, torch: Any) -> None:
    c2c, d2d = mode == "c2c", "none" if mode == "c2c" else mode
    array = DeviceArray(shipped(), 4000, seed=3, c2c="increment" if c2c else "none", d2d=d2d)  # type: ignore[arg-type]
    layer = module_of(shipped(), tmp_path).Layer(
        40, 50, middle=0.0, start="middle", seed=4, c2c=c2c, d2d=d2d, dtype=torch.float64
    )
    for sign, pulses in ((1, 10), (1, 40), (-1, 10)):
        layer.pulse(sign * pulses)
        for _ in range(pulses):
            array.pulse(sign)
        r = layer.r.numpy().ravel()
        assert r.std() == pytest.approx(array.r.std(), rel=0.1)
        assert r.mean() == pytest.approx(array.r.mean(), abs=4 * array.r.std() / 30)


def test_pulses_count_and_masks_and_the_window(tmp_path: Path, torch: Any) -> None:
    card = truth_card({"ltp": (math.log(0.125),), "ltd": (math.log(0.0625),)}, model="linear", window=SPAN)
    layer = module_of(card, tmp_path).Layer(
        2, 2, pairs=False, middle=0.5, start="middle", c2c=False, dtype=torch.float64
    )
    layer.pulse(torch.tensor([[[1], [-2]], [[0], [9]]]))
    np.testing.assert_allclose(layer.r[..., 0].numpy(), [[0.625, 0.375], [0.5, 1.0]], rtol=1e-12)
    np.testing.assert_allclose(layer.conductances()[0, 0, 0], 1e-5 + 0.625e-4, rtol=1e-12)
    layer.pulse(-99)
    assert (layer.r == 0).all()


@pytest.mark.parametrize("pairs", [True, False])
def test_programmed_weights_are_read_back_and_clipped(pairs: bool, tmp_path: Path, torch: Any) -> None:
    layer = module_of(soft(), tmp_path).Layer(2, 2, pairs=pairs, scale=2.0, middle=0.25, dtype=torch.float64)
    wanted = torch.tensor([[0.3, -0.4], [1.5, -0.5]], dtype=torch.float64)
    layer.program(wanted)
    np.testing.assert_allclose(layer.weight().detach().numpy(), wanted.numpy(), atol=1e-12)
    with pytest.warns(UserWarning, match="2 of 4 weights are clipped"):
        assert layer.program(torch.tensor([[9.0, -9.0], [0.0, 0.0]])) == 2
    ends = (2.0, -2.0) if pairs else (1.5, -0.5)
    np.testing.assert_allclose(layer.weight().detach().numpy()[0], ends, atol=1e-12)


def test_gradients_reach_inputs_and_wishes_and_an_update_pulses(tmp_path: Path, torch: Any) -> None:
    card = truth_card({"ltp": (math.log(0.01),), "ltd": (math.log(0.01),)}, model="linear")
    layer = module_of(card, tmp_path).Layer(3, 2, scale=2.0, c2c=False, dtype=torch.float64)
    x = torch.tensor([[1.0, 0.0, 2.0]], dtype=torch.float64, requires_grad=True)
    w = torch.tensor([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]], dtype=torch.float64)
    layer.program(w)
    layer(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [[0.3, 0.7, 1.1]], atol=1e-12)
    np.testing.assert_allclose(layer.wish.grad.numpy(), [[1.0, 1.0], [0.0, 0.0], [2.0, 2.0]])
    # one pulse moves the weight by 2 * 0.01, which is the level
    assert layer.level == pytest.approx(0.02, rel=1e-9)
    given = layer.update(torch.tensor([[0.0201, -0.0199], [0.05, 0.0], [-0.021, 1.0]], dtype=torch.float64))
    assert given == 1 + 0 + 2 + 0 + 1 + 20
    moved = (layer.weight().detach() - w).numpy()
    np.testing.assert_allclose(moved, [[0.02, 0.0], [0.04, 0.0], [-0.02, 0.4]], atol=1e-9)
    np.testing.assert_allclose(layer.wish.detach(), [[1e-4, -0.0199], [0.01, 0.0], [-0.001, 0.6]], atol=1e-9)
    assert layer.update() == 20
    optimizer = torch.optim.SGD([layer.wish], lr=0.01)
    before = layer.wish.detach().clone()
    optimizer.step()
    np.testing.assert_allclose((layer.wish.detach() - before)[2], [-0.02, -0.02], atol=1e-12)


def test_seeds_say_all_and_a_state_dict_goes_on(tmp_path: Path, torch: Any) -> None:
    module = module_of(shipped(), tmp_path)

    def layer(seed: int) -> Any:
        made = module.Layer(5, 4, seed=seed, read_noise=True)
        made.pulse(3)
        return made

    one, same, other = layer(1), layer(1), layer(2)
    assert torch.equal(one.r, same.r)
    assert not torch.equal(one.r, other.r)
    assert not torch.equal(one.conductances(), one.conductances())
    torch.save(one.state_dict(), tmp_path / "layer.pt")
    other.load_state_dict(torch.load(tmp_path / "layer.pt", weights_only=True))
    for each in (one, other):
        each.pulse(-2)
        each.update(torch.full((5, 4), 0.05))
    assert torch.equal(one.r, other.r)
    assert torch.equal(one.conductances(), other.conductances())


def test_read_noise_is_the_cards(tmp_path: Path, torch: Any) -> None:
    module = module_of(truth_card(LAWS["linear"], model="linear", window=SPAN, read=0.02), tmp_path)
    layer = module.Layer(100, 100, pairs=False, start="middle", read_noise=True, dtype=torch.float64)
    assert float(layer.conductances().std()) == pytest.approx(0.02 * 1e-4, rel=0.03)
    quiet = module.Layer(9, 9, start="middle", dtype=torch.float64).conductances()
    assert (quiet == quiet[0, 0, 0]).all()


@pytest.mark.parametrize("paired", [True, False])
def test_a_network_answers_as_it_did(paired: bool, tmp_path: Path, torch: Any) -> None:
    network = little(paired)
    module = module_of(network.card, tmp_path, network=network)
    assert module.check() == (3, 3, 3)
    built = module.TruthNetwork()
    np.testing.assert_allclose(built.hidden.conductances()[..., 0].numpy(), network.layers[0].plus, rtol=1e-12)
    built.output.program(torch.zeros(2, 2))
    assert built(torch.as_tensor(network.check.spikes))[1].sum() == 0


def test_networks_of_spikes_take_the_layer(tmp_path: Path, torch: Any) -> None:
    snntorch = pytest.importorskip("snntorch", reason="snntorch is not installed: the layer is NOT run inside it here")
    layer = module_of(shipped(), tmp_path).Layer(6, 3, scale=4.0)
    layer.program(torch.ones(6, 3))
    cell = snntorch.Leaky(beta=0.9)
    state, total = cell.init_leaky(), torch.zeros(1, 3)
    for _ in range(5):
        spikes, state = cell(layer(torch.full((1, 6), 0.3)), state)
        total = total + spikes
    total.sum().backward()
    assert float(total.detach().sum()) > 0
    assert float(layer.wish.grad.abs().sum()) > 0
