"""The aihwkit export beyond the mean curve: read noise, C2C along trains, D2D, start state, number of nodes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devicekit import DeviceArray
from devicekit.device.blocks import Sigma, Window
from devicekit.device.card import DeviceCard
from devicekit.exporters import ExportOptions, make, pulsed
from devicekit.exporters.pulsed_fields import dtod_variances, linear_step
from devicekit.synthetic.pulses import truth_card

from .conftest import LAWS, VARIANCE, exported, linear, shipped, soft, with_covariance
from .test_aihwkit import load, module_of, step  # noqa: F401  (load is a fixture)


def with_noise(card: DeviceCard, **of_branch: dict[str, float]) -> DeviceCard:
    """The card with other deviations by kind, ltp={...} and ltd={...}."""
    branches = {}
    for direction, values in of_branch.items():
        c2c = {kind: Sigma(kind=kind, value=value, estimator="test") for kind, value in values.items()}  # type: ignore[arg-type]
        branches[direction] = getattr(card.variation, direction).model_copy(update={"c2c": c2c})
    return card.model_copy(update={"variation": card.variation.model_copy(update=branches)})


def readme_text(folder: Path) -> str:
    return " ".join((folder / "README.txt").read_text().split())


def test_both_passes_read_with_twice_the_rms_of_both_branches(tmp_path: Path, load: Any) -> None:  # noqa: F811
    """One unit of weight is half the window, so that a fraction of the window counts twice."""
    card = with_noise(truth_card(LAWS["eq2"]), ltp={"read": 0.03}, ltd={"read": 0.04})
    module = load(module_of(exported(card, "aihwkit", tmp_path)), whole=True)
    config = module["TruthPreset"]()
    wanted = 2.0 * np.sqrt((0.03**2 + 0.04**2) / 2)
    for passes in (config.forward, config.backward):
        assert passes.w_noise == pytest.approx(wanted, rel=1e-12)
        assert passes.w_noise_type == "constant"
    assert module["READ_NOISE"] == config.forward.w_noise
    assert f"sd {wanted:.4g} of a weight" in readme_text(tmp_path)


def test_without_read_noise_none_is_switched_on(tmp_path: Path, load: Any) -> None:  # noqa: F811
    silent = with_noise(truth_card(LAWS["eq2"]), ltp={"increment": 0.003}, ltd={"increment": 0.003})
    for number, (card, options) in enumerate(((silent, {}), (truth_card(LAWS["eq2"]), {"noise": False}))):
        module = load(module_of(exported(card, "aihwkit", tmp_path / str(number), **options)), whole=True)
        passes = module["TruthPreset"]().forward
        assert (passes.w_noise, passes.w_noise_type) == (0.0, "none")


def test_read_noise_of_a_log_window_is_the_rms_over_it(tmp_path: Path, load: Any) -> None:  # noqa: F811
    """A reading scatters by sd dG/dr [S], G = low q^r."""
    window = Window(quantity="conductance_s", low=2e-6, high=2e-4, scope="truth", scale="log")
    card = truth_card(LAWS["exponential"], model="exponential", read=0.01).model_copy(update={"window": window})
    module = load(module_of(exported(card, "aihwkit", tmp_path)), whole=True)
    r = (np.arange(20_000) + 0.5) / 20_000
    slope = (2e-6 * 100.0 ** (r + 1e-6) - 2e-6 * 100.0 ** (r - 1e-6)) / 2e-6
    assert module["READ_NOISE"] == pytest.approx(2.0 * 0.01 * np.sqrt(np.mean(slope**2)) / window.span, rel=1e-6)
    assert "proportional to G" in readme_text(tmp_path)


@pytest.mark.parametrize(("x0", "start"), [(0.2, -0.6), (0.0, -1.0), (-0.05, -1.0), (1.02, 1.0)])
def test_the_start_state_is_that_of_the_fitted_ltp_train(x0: float, start: float, tmp_path: Path, load: Any) -> None:  # noqa: F811
    card = soft()
    card = card.model_copy(update={"ltp": card.ltp.model_copy(update={"x0": x0})})
    module = load(module_of(exported(card, "aihwkit", tmp_path)), whole=True)
    assert module["START"] == pytest.approx(start)
    assert module["TruthPresetDevice"]().reset == module["TruthLinearPresetDevice"]().reset == module["START"]
    assert module["TruthUpdateNoiseDevice"]().reset == 0.0  # the cell's weight is the sum


def test_the_start_state_of_a_log_window_is_a_conductance(tmp_path: Path, load: Any) -> None:  # noqa: F811
    window = Window(quantity="conductance_s", low=1e-6, high=1e-4, scope="truth", scale="log")
    card = truth_card(LAWS["exponential"], model="exponential").model_copy(update={"window": window})
    card = card.model_copy(update={"ltp": card.ltp.model_copy(update={"x0": 0.5})})
    module = load(module_of(exported(card, "aihwkit", tmp_path)), whole=True)
    assert module["START"] == pytest.approx(2 * (1e-5 - 1e-6) / (1e-4 - 1e-6) - 1)


def test_put_at_start_sets_every_tile(tmp_path: Path, load: Any) -> None:  # noqa: F811
    module = load(module_of(exported(soft(), "aihwkit", tmp_path)), whole=True)

    class Tile:
        weights = np.array([[0.3, -0.2]])

        def get_weights(self) -> tuple[np.ndarray, None]:
            return self.weights, None

        def set_weights(self, w: np.ndarray) -> None:
            self.weights = w

    class Layer:
        tiles = (Tile(), Tile())

        def analog_tiles(self) -> tuple[Tile, ...]:
            return self.tiles

    layer = Layer()
    module["put_at_start"](layer, 0.25)
    assert all((tile.weights == 0.25).all() for tile in layer.tiles)


def collapsing(rate: float) -> DeviceCard:
    """A first LTP pulse of about a fifth of the window, and steps that fall as exp(-2 rate r)."""
    return truth_card({"ltp": (-1.5, -1.0, -rate), "ltd": (-4.0, 0.05, 2.5)}, model="expstep")


def test_as_few_nodes_as_hold_a_thousandth() -> None:
    for rate, nodes in ((4.0, 33), (8.0, 63)):
        figures = make(collapsing(rate), "aihwkit", ExportOptions(noise=False)).figures
        assert figures["nodes"] == nodes
        assert figures["deviation"] < 1e-3
    assert make(collapsing(8.0), "aihwkit", ExportOptions(nodes=33, noise=False)).figures["deviation"] > 1e-3


def test_too_coarse_with_63_nodes_is_reported() -> None:
    steep = make(collapsing(40.0), "aihwkit", ExportOptions(noise=False))
    assert steep.figures["nodes"] == 63
    assert steep.figures["deviation"] > 1e-3
    assert steep.approximated[0].startswith("COARSE:")
    assert "GPU" in steep.approximated[0]
    assert "COARSE" not in make(collapsing(8.0), "aihwkit", ExportOptions(noise=False)).approximated[0]


def cell_step(device: Any, w: np.ndarray, sign: int, noise: np.ndarray) -> np.ndarray:
    """One pulse of the noise device by the formulas of LinearStepDevice, additive noise."""
    scale = device.dw_min * (1 + min(device.up_down, 0.0) if sign > 0 else 1 - max(device.up_down, 0.0))
    slope = -device.gamma_up / device.w_max if sign > 0 else -device.gamma_down / device.w_min
    return np.clip(w + sign * scale * (1 + slope * w + device.dw_min_std * noise), device.w_min, device.w_max)


def test_updates_of_the_cell_scatter_alike_at_every_weight(tmp_path: Path, load: Any) -> None:  # noqa: F811
    card = with_noise(shipped(), ltp={"increment": 0.002}, ltd={"increment": 0.005})
    classes = load(module_of(exported(card, "aihwkit", tmp_path)))
    device = classes["PtHfo2Al2o3TiUpdateNoiseDevice"]()
    cell = classes["PtHfo2Al2o3TiNoisyPresetDevice"]()
    share = cell.gamma_vec[1]
    assert cell.gamma_vec[0] == 1.0
    assert cell.unit_cell_devices[0].dw_min_std == 0.0
    assert device.mult_noise is False
    noise = np.random.default_rng(3).standard_normal(200_000)
    for w in (-1.0, 0.0, 0.7):
        for sign, sigma in ((1, 0.002), (-1, 0.005)):
            moved = share * cell_step(device, np.full(noise.size, w), sign, noise)
            assert moved.std() == pytest.approx(2 * sigma, rel=0.01)
            assert abs(moved.mean()) < 5 * 2 * sigma / np.sqrt(noise.size) + 2e-7
    assert share == 1e-7  # set to a weight, all devices of a cell are: the sum is that weight but for this
    assert device.dw_min == cell.unit_cell_devices[0].dw_min  # aihwkit takes the mean for its pulse trains


@pytest.mark.parametrize("make_card", [shipped, lambda: truth_card(LAWS["eq2"]), soft])
def test_the_cell_improves_the_scatter_along_trains(make_card: Any, tmp_path: Path, load: Any) -> None:  # noqa: F811
    """100 LTP and 100 LTD pulses on 3,000 devices of a DeviceArray, of the preset, and of the cell."""
    card, n = make_card(), 3000
    classes = load(module_of(exported(card, "aihwkit", tmp_path)))
    (steps, noise) = (
        next(
            each() for name, each in classes.items() if name.endswith(end) and not ("Noisy" in name or "Linear" in name)
        )
        for end in ("PresetDevice", "UpdateNoiseDevice")
    )
    rng = np.random.default_rng(7)
    array = DeviceArray(card, n, seed=11, d2d="none")
    w, quiet, carried = np.full(n, -1.0), np.full(n, -1.0), np.zeros(n)
    found = []
    for sign in [1] * 100 + [-1] * 100:
        array.pulse(sign)
        share = steps.dw_min_std * rng.standard_normal(n)
        w = np.clip(w + (step(steps, w, sign) - w) * (1 + share), -1.0, 1.0)
        quiet = step(steps, quiet, sign)
        carried = cell_step(noise, carried, sign, rng.standard_normal(n))
        found.append((array.r.std(), w.std() / 2, (quiet + 1e-7 * carried).std() / 2))
    real, share_path, cell_path = np.array(found).T
    errors = [np.sqrt(np.mean((path - real) ** 2)) for path in (share_path, cell_path)]
    assert errors[1] < 0.7 * errors[0]


def test_no_cell_without_constant_noise(tmp_path: Path, load: Any) -> None:  # noqa: F811
    card = truth_card(LAWS["eq2"], increment=0.0)
    branch = card.variation.ltp.model_copy(update={"c2c": {}, "step_noise": 0.4})
    relative = card.model_copy(update={"variation": card.variation.model_copy(update={"ltp": branch, "ltd": branch})})
    window = Window(quantity="conductance_s", low=1e-6, high=1e-4, scope="truth", scale="log")
    logarithmic = truth_card(LAWS["eq2"]).model_copy(update={"window": window})
    cases = ((relative, {}), (logarithmic, {}), (card, {}), (truth_card(LAWS["eq2"]), {"noise": False}))
    for number, (each, options) in enumerate(cases):
        classes = load(module_of(exported(each, "aihwkit", tmp_path / str(number), **options)))
        assert set(classes) == {"TruthPresetDevice", "TruthPreset"}
    device = load(module_of(tmp_path / "0"))["TruthPresetDevice"]()
    assert device.dw_min_std == pytest.approx(0.4)  # a share of the step is what the preset has


def test_scatter_of_steps_that_are_alike_is_a_random_walk() -> None:
    """Constant steps of 0.002 with a fifth of it as noise: 0.0002 sqrt(n) of the window after n pulses."""
    steps = pulsed.PiecewiseStep(dw_min=0.002, dw_min_std=0.2, piecewise_up=[1.0, 1.0], piecewise_down=[0.5, 0.5])
    found = pulsed.scatter(steps.update())
    wanted = np.sqrt(2e-4**2 * np.minimum(np.arange(201), 100) + 1e-4**2 * np.maximum(np.arange(201) - 100, 0))
    np.testing.assert_allclose(found.path, wanted, rtol=0.05)
    assert found.after[:6] == tuple(found.path[[10, 50, 100, 110, 150, 200]])
    both = np.sqrt(2e-4**2 * ((np.arange(201) + 1) // 2) + 1e-4**2 * (np.arange(201) // 2))
    np.testing.assert_allclose(found.pairs, both, rtol=0.05)
    assert found.after[6:] == tuple(found.pairs[[20, 100, 200]])
    assert found.up[1] == pytest.approx(2e-4, rel=0.04)
    assert found.down[1] == pytest.approx(1e-4, rel=0.04)
    assert found.down[0] == 0.0  # at the low end nothing goes further down
    path = np.zeros(201)
    path[[10, 50, 100, 110, 150, 200]] = 0.001, 0.0022, 0.003, 0.004, 0.005, 0.0061
    pairs = np.zeros(201)
    pairs[[20, 100, 200]] = 0.007, 0.008, 0.0093
    own = pulsed.Scatter(path, pairs, (0.01, 0.02, 0.0), (0.0, 0.005, 0.0051))
    words = own.describe(pulsed.Scatter(path, pairs / 10, (0,) * 3, (0,) * 3))
    numbers = re.findall(r"LT[PD][^:]*?: ([-0-9., ]+) \(card ([0-9., ]+)\)", words.replace(" at w = -1, 0, 1:", ":"))
    assert numbers == [
        ("1, 2, 0", "0, 0, 0"),
        ("0, 0.5, 0.51", "0, 0, 0"),
        ("0.1, 0.22, 0.3", "0.1, 0.22, 0.3"),
        ("0.4, 0.5, 0.61", "0.4, 0.5, 0.61"),
        ("0.7, 0.8, 0.93", "0.07, 0.08, 0.093"),
    ]
    assert "% of the window" in words


def test_scatter_of_the_card_is_that_of_an_array() -> None:
    card = shipped()
    array, path = DeviceArray(card, 4000, seed=5, d2d="none"), [0.0]
    for sign in [1] * 100 + [-1] * 100:
        array.pulse(sign)
        path.append(float(array.r.std()))
    found = pulsed.card_scatter(card)
    within = 4 * 0.018 / np.sqrt(4000)  # the sd of a difference of two sd, each of 4,000 devices, is sd / sqrt(4000)
    np.testing.assert_allclose(found.path, path, atol=within)
    array, path = DeviceArray(card, 4000, seed=6, d2d="none", initial=0.5), [0.0]
    for sign in [1, -1] * 100:
        array.pulse(sign)
        path.append(float(array.r.std()))
    np.testing.assert_allclose(found.pairs, path, atol=within)


def test_remaining_differences_are_reported_as_numbers(tmp_path: Path) -> None:
    exported(shipped(), "aihwkit", tmp_path)
    words = readme_text(tmp_path)
    for preset in ("PtHfo2Al2o3TiPreset", "PtHfo2Al2o3TiNoisyPreset"):
        assert f"C2C of {preset} without D2D: " in words
    figures = make(shipped(), "aihwkit", ExportOptions()).figures
    assert len(figures["path_sd_card"]) == len(figures["path_sd_PtHfo2Al2o3TiNoisyPreset"]) == 9


def test_gains_of_unequal_steps_keep_the_covariance() -> None:
    """aihwkit adds gain - 1 and tilt, fractions of dw_min, to 1 + up_down: relative to the smaller step they grow."""
    card = soft()
    device = linear_step(card, True)
    assert device is not None
    rng = np.random.default_rng(0)
    gain = device.dw_min_dtod * rng.standard_normal(400_000)  # ln gain, to first order
    tilt = device.up_down_dtod * rng.standard_normal(400_000)
    up, down = 1 + min(device.up_down, 0.0), 1 - max(device.up_down, 0.0)
    (real_up, real), (_, real_down) = np.cov((gain + tilt) / up, (gain - tilt) / down)
    assert real == pytest.approx(0.006, rel=0.02)
    assert np.sqrt(real_up * real_down) == pytest.approx(0.01, rel=0.02)
    assert dtod_variances(device) == pytest.approx((real_up, real_down), rel=0.02)
    assert real_up > 5 * real_down  # steps of 8 % and 22 %: what README.txt then says
    lines = make(card, "aihwkit", ExportOptions()).approximated
    assert any(line.startswith("D2D of TruthLinearPresetDevice") for line in lines)


@pytest.mark.parametrize(("sign", "step"), [(1, 0.1 * (1 - 0.3 * 0.5)), (-1, -0.1 * 0.8 * (1 + 0.6 * 0.5))])
def test_a_linear_step_shrinks_towards_the_bound_that_it_goes_to(sign: int, step: float) -> None:
    """From w = 0.5 between -1 and 1: slopes of 0.3 up and 0.6 down, steps down 20 % smaller at w = 0."""
    device = pulsed.LinearStep(dw_min=0.1, up_down=0.2, gamma_up=0.3, gamma_down=0.6)
    moved = device.update()(np.array([0.5]), sign, np.zeros(1))
    assert moved == pytest.approx([0.5 + step])


def test_aihwkit_s_log_normal_gains_raise_the_mean_step_by_half_their_variance() -> None:
    """C_uu + C_dd = 2 (g + s) and C_ud = g - s: g = 0.018625, and exp(g / 2) - 1 = 0.94 %."""
    lines = make(with_covariance(linear(), VARIANCE), "aihwkit", ExportOptions()).approximated
    assert any(line.startswith("D2D:") and "0.94 %." in line for line in lines)
