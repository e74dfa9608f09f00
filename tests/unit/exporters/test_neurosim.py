"""NeuroSim's fields against a re-implementation of its documented weight update."""

from __future__ import annotations

import json
import math
import re
import types
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import devicekit
from devicekit import DeviceArray
from devicekit.core.errors import UsageError
from devicekit.device.card import DeviceCard
from devicekit.exporters import ExportOptions, make
from devicekit.exporters.neurosim.exponential import (
    a_of_label,
    fit_exponential,
    lost_pulses,
    read_label,
    safe_pulses,
    written_label,
)
from devicekit.models.labels import nl_label
from devicekit.synthetic.pulses import truth_card

from .conftest import CARDS, LAWS, exported, shipped, soft


@dataclass(frozen=True)
class RealDevice:
    """Fields of NeuroSim's RealDevice, as written."""

    fields: dict[str, float]

    @classmethod
    def load(cls, folder: Path) -> RealDevice:
        found = {}
        for line in (folder / "RealDevice.txt").read_text().splitlines():
            if match := re.match(r"(\w+) = (true|false|[-+.\de]+)( \* \(maxConductance - minConductance\))?;", line):
                words = {"true": 1.0, "false": 0.0}
                found[match[1]] = words[match[2]] if match[2] in words else float(match[2])
        return cls(found)

    def a(self, direction: str) -> float:
        """A [pulses]: NeuroSim truncates 100 |NL|, and its table is the closed form's inverse."""
        nl = self.fields[f"NL_{direction.upper()}"]
        return math.copysign(_invert(int(abs(nl) * 100) / 100), nl) * self.fields[f"maxNumLevel{direction.upper()}"]

    def train(self, direction: str, pulses: int) -> np.ndarray:
        """Normalised train by the recursion: find P of the present G, move it by one pulse."""
        low, high = self.fields["minConductance"], self.fields["maxConductance"]
        n, a = int(self.fields[f"maxNumLevel{direction.upper()}"]), self.a(direction)
        b = (high - low) / (1 - math.exp(-n / a))
        g = low if direction == "ltp" else high
        path = [g]
        for _ in range(pulses):
            inside = max(1 - (g - low) / b, 1e-300)
            p = -a * math.log(inside) + (1 if direction == "ltp" else -1)
            g = min(max(b * (1 - math.exp(-p / a)) + low, low), high)
            path.append(g)
        return (np.array(path) - low) / (high - low)


def _invert(label: float) -> float:
    """A of a label by bisection of the closed form."""
    low, high = 1e-3, 1e4
    for _ in range(200):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if nl_label(middle) > label else (low, middle)
    return math.sqrt(low * high)


def exponential(t: np.ndarray, a: float) -> np.ndarray:
    return (1 - np.exp(-t / a)) / (1 - np.exp(-1 / a))


def test_recursion_is_within_a_thousandth_of_the_fit(card: DeviceCard, tmp_path: Path) -> None:
    """And the misfit of the fit to the law, which is printed, is that of a DeviceArray's trains in the window."""
    device = RealDevice.load(exported(card, "neurosim", tmp_path, noise=False))
    text = " ".join((tmp_path / "README.txt").read_text().split())
    low, high = device.fields["minConductance"], device.fields["maxConductance"]
    for direction, start, end, sign in (("ltp", low, high, 1), ("ltd", high, low, -1)):
        law = array_train(card, start, sign * card.branch(direction).n_pulses)
        law = (law - start) / (end - start)
        path = device.train(direction, law.size - 1)
        path = path if direction == "ltp" else 1 - path
        levels = device.fields[f"maxNumLevel{direction.upper()}"]
        t = np.minimum(np.arange(law.size) / levels, 1.0)
        grid = np.concatenate([-np.geomspace(0.0228, 130, 3000), np.geomspace(0.0228, 130, 3000)])
        best = min(grid, key=lambda a: float(np.sum((exponential(t, a) - law) ** 2)))
        assert np.abs(path - exponential(t, best)).max() <= 3e-3  # the label's steps of 0.01 and the grid's
        a = device.a(direction) / levels
        fitted = exponential(t, a if direction == "ltp" else -a)
        assert np.abs(path - fitted).max() <= 1e-3
        rms = float(np.sqrt(np.mean((fitted - law) ** 2)))
        assert f"by {rms:.2%} of" in text


def array_train(card: DeviceCard, start: float, pulses: int) -> np.ndarray:
    """Conductances of a noiseless DeviceArray from a conductance; negative: LTD."""
    state = np.clip(card.window.to_state(np.array([start])), 0, 1)
    array = DeviceArray(card, 1, initial=state, c2c="none", d2d="none")
    path = [array.read()[0]]
    for _ in range(abs(pulses)):
        array.pulse(np.sign(pulses))
        path.append(array.read()[0])
    return np.array(path)


def test_the_window_is_that_of_the_closed_loop(tmp_path: Path) -> None:
    card = shipped()
    device = RealDevice.load(exported(card, "neurosim", tmp_path))
    array = devicekit.DeviceArray(card, 1, c2c="none", d2d="none")
    for _ in range(10):
        ends = []
        for sign in (1, -1):
            for _ in range(100):
                array.pulse(sign)
            ends.append(array.read()[0])
    assert device.fields["maxConductance"] == pytest.approx(ends[0], rel=1e-8)
    assert device.fields["minConductance"] == pytest.approx(ends[1], rel=1e-8)


def pulses_made(k: int, levels: int) -> int:
    """Whole pulses of an update of k / N of a weight, in double precision as C++ has it."""
    return math.floor((k / levels) * levels)


def test_the_numbers_of_pulses_avoid_losses(card: DeviceCard, tmp_path: Path) -> None:
    device = RealDevice.load(exported(card, "neurosim", tmp_path, noise=False))
    for direction in ("ltp", "ltd"):
        levels = int(device.fields[f"maxNumLevel{direction.upper()}"])
        assert [k for k in range(1, levels + 1) if pulses_made(k, levels) != k] == []
        assert abs(levels - card.branch(direction).n_pulses) <= 0.1 * card.branch(direction).n_pulses


def test_pulses_that_neurosim_loses() -> None:
    assert lost_pulses(100) == [29, 57, 58]
    assert lost_pulses(250) == []
    assert sum(1 in lost_pulses(levels) for levels in range(2, 1001)) == 82
    for levels in (2, 7, 49, 97, 249, 640):
        assert lost_pulses(levels) == [k for k in range(1, levels + 1) if pulses_made(k, levels) != k]


@pytest.mark.parametrize(
    ("wanted", "safe"), [(100, (96, 106)), (250, (250,)), (1, (2,)), (39, (38, 40)), (128, (128,)), (87, (81, 96))]
)
def test_safe_numbers_are_the_next_below_and_above(wanted: int, safe: tuple[int, ...]) -> None:
    assert safe_pulses(wanted) == safe
    for levels in range(min(safe) + 1, max(safe)):
        assert any(pulses_made(k, levels) != k for k in range(1, levels + 1))


def test_a_safe_number_of_pulses_is_kept_without_a_remark(tmp_path: Path) -> None:
    card = truth_card({"ltp": (-4.2, 0.9), "ltd": (-4.2, 0.9)}, model="exponential", n_pulses=128)
    device = RealDevice.load(exported(card, "neurosim", tmp_path))
    assert device.fields["maxNumLevelLTP"] == device.fields["maxNumLevelLTD"] == 128
    assert "lose a pulse" not in " ".join((tmp_path / "README.txt").read_text().split())
    exported(shipped(), "neurosim", tmp_path)
    text = " ".join((tmp_path / "README.txt").read_text().split())
    assert re.search(r"LTP: 96 pulses .* 100 .* 3 of 100 updates", text)


def test_the_label_is_that_of_the_exponential_with_the_written_number_of_pulses(tmp_path: Path) -> None:
    """One exponential in pulses, (1 - e^(-k / c)), 100 of them: with 96, A of the exponential through its end."""
    k, c = np.arange(101), 30.0
    fit = fit_exponential(np.expm1(-k / c) / math.expm1(-100 / c), 96)
    grid = np.geomspace(0.2, 0.5, 30_001)
    t = np.minimum(k / 96, 1.0)
    best = min(grid, key=lambda a: float(np.sum((exponential(t, a) - np.expm1(-k / c) / math.expm1(-100 / c)) ** 2)))
    assert fit.a_free == pytest.approx(best, rel=1e-4)
    assert fit.a == pytest.approx(best, abs=2e-3)
    assert fit.a * 96 == pytest.approx(c, rel=0.05)
    assert 0.001 < fit.rms < 0.01


def test_an_exponential_card_gives_its_own_label(tmp_path: Path) -> None:
    """x' = x + rho with rho = r0 (1 - x / bound): A = -1 / ln(1 - r0 / bound) pulses, no misfit."""
    theta = (-4.2, 0.9)
    card = truth_card({"ltp": theta, "ltd": theta}, model="exponential", n_pulses=40)  # short of the window's end
    device = RealDevice.load(exported(card, "neurosim", tmp_path))
    first = math.exp(theta[0]) / (1 - 0.45)
    a = -1 / math.log(1 - first * 0.9) / 40
    assert device.fields["NL_LTP"] == pytest.approx(nl_label(a), abs=0.0051)
    assert device.fields["NL_LTD"] == -device.fields["NL_LTP"]


def test_slow_starts_have_the_other_sign(tmp_path: Path) -> None:
    card = truth_card({"ltp": (-4.4, -3.0), "ltd": (-4.4, -3.0)}, model="softbounds", n_pulses=90)
    device = RealDevice.load(exported(card, "neurosim", tmp_path))
    assert device.fields["NL_LTP"] < 0 < device.fields["NL_LTD"]


def test_published_labels() -> None:
    """NL 2.40 and 4.88 have A 0.499181 and 0.200303 in NeuroSim's own manual."""
    assert a_of_label(2.40) == pytest.approx(0.499181, rel=2e-5)
    assert a_of_label(-4.88) == pytest.approx(-0.200303, rel=2e-5)


def test_every_label_survives_neurosims_truncation() -> None:
    for k in range(1, 901):
        for sign in (1, -1):
            written = written_label(sign * k / 100)
            assert int(abs(written) * 100) == k
            assert (np.abs(np.float32(written)) * 100).astype(int) == k  # train.py's tensors
            assert read_label(written) == sign * k / 100
            assert f"{written:g}" == repr(written) or float(f"{written:g}") == written


@given(st.floats(-9.0, 9.0))
def test_a_label_is_its_own_inverse(label: float) -> None:
    a = a_of_label(label if abs(label) > 0.01 else math.copysign(0.01, label))
    assert math.copysign(nl_label(abs(a)), a) == pytest.approx(label, abs=0.011)


@given(st.floats(0.0228, 100), st.sampled_from([1, -1]), st.integers(5, 300))
def test_fit_finds_an_exponential(a: float, sign: int, pulses: int) -> None:
    t = np.linspace(0, 1, pulses + 1)
    fit = fit_exponential(exponential(t, sign * a), pulses)
    assert fit.rms < 1.5e-3
    assert np.sign(fit.label) == sign or abs(fit.label) <= 0.011
    assert fit.recursion < 1e-9


def test_a_curve_steeper_than_the_table_is_reported(tmp_path: Path) -> None:
    card = truth_card({"ltp": (-1.6, 0.999), "ltd": (-1.6, 0.999)}, model="exponential", n_pulses=300)
    device = RealDevice.load(exported(card, "neurosim", tmp_path))
    assert device.fields["NL_LTP"] == pytest.approx(9.0, abs=0.002)
    assert "limit of NeuroSim, 9;" in (tmp_path / "README.txt").read_text()


def test_variation_in_neurosims_terms(tmp_path: Path) -> None:
    fields = RealDevice.load(exported(soft(), "neurosim", tmp_path)).fields
    span = (fields["maxConductance"] - fields["minConductance"]) / 280e-6
    assert fields["sigmaCtoC"] == pytest.approx(0.003 / span, rel=1e-6)
    assert fields["sigmaReadNoise"] == pytest.approx(0.004 * 280 / 160, rel=0.01)
    assert fields["sigmaDtoD"] == 0.0
    assert "needs 3 measured devices" in " ".join((tmp_path / "README.txt").read_text().split())
    fields = RealDevice.load(exported(shipped(), "neurosim", tmp_path)).fields
    assert 0.1 < fields["sigmaDtoD"] < 0.5
    assert fields["conductanceRangeVar"] == 1.0
    assert fields["maxConductanceVar"] > 0


def test_assignments_of_train_py(tmp_path: Path) -> None:
    exported(shipped(), "neurosim", tmp_path)
    args = types.SimpleNamespace()
    exec((tmp_path / "train_arguments.txt").read_text(), {"args": args})
    fields = RealDevice.load(tmp_path).fields
    # train.py rounds: the card's own 100 pulses, and the labels of least squares with them
    for label, sign in ((args.nonlinearityLTP, 1), (args.nonlinearityLTD, -1)):
        start, end = (fields[name] for name in ("minConductance", "maxConductance")[::sign])
        law = (array_train(shipped(), start, sign * 100) - start) / (end - start)
        t = np.linspace(0, 1, 101)
        rms = {
            shift: np.sum((exponential(t, _invert(sign * label + shift)) - law) ** 2) for shift in (-0.011, 0.0, 0.011)
        }
        assert min(rms, key=lambda each: rms[each]) == 0.0
    span = fields["maxConductance"] - fields["minConductance"]
    assert args.c2cVari == pytest.approx(shipped().variation.ltp.c2c["increment"].value * 217.57e-6 / span, rel=1e-2)
    assert args.d2dVari == pytest.approx(fields["sigmaDtoD"], rel=1e-5)
    assert args.max_level == 100
    assert args.cellBit == args.wl_weight == args.wl_grad == 6


def test_values_missing_on_the_card_are_not_written(tmp_path: Path) -> None:
    exported(truth_card(LAWS["linear"], model="linear"), "neurosim", tmp_path)
    text = (tmp_path / "RealDevice.txt").read_text()
    for name in ("readVoltage", "writeVoltageLTP", "writeVoltageLTD", "writePulseWidthLTP"):
        assert f"\n// {name} " in text


def test_weights_need_a_window(weights: DeviceCard, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"weights.*window=\(LOW, HIGH\)"):
        exported(weights, "neurosim", tmp_path)
    fields = RealDevice.load(exported(weights, "neurosim", tmp_path, window=(1e-6, 1e-4))).fields
    assert 1e-6 <= fields["minConductance"] < fields["maxConductance"] <= 1e-4


def test_read_noise_of_a_log_card_is_that_of_its_array() -> None:
    card = CARDS["log window"]()
    result = make(card, "neurosim", ExportOptions())
    array = DeviceArray(card, 20_000, initial=0.3, read_noise=True)
    values = array.read()
    assert json.loads(result.files["neurosim.json"])["sigmaReadNoise"] == pytest.approx(
        values.std() / values.mean(), rel=0.03
    )
    assert not any("mid-window" in line for line in result.approximated)


def test_missing_d2d_is_not_reported_without_noise() -> None:
    lines = make(shipped(), "neurosim", ExportOptions(noise=False)).approximated
    assert not any("D2D" in line for line in lines)


def test_the_label_of_a_curve_needs_no_fit() -> None:
    """sqrt(t) is at most 1/4 above the line, whatever exponential lies nearest to it."""
    fit = fit_exponential(np.sqrt(np.linspace(0.0, 1.0, 101)), 100)
    assert fit.from_data == pytest.approx(0.25 / (0.07 * math.sqrt(2.0)))


@pytest.mark.parametrize("away", [0.1, -0.1])
def test_the_largest_misfit_counts_above_and_below(away: float) -> None:
    """One of 201 readings is off an exponential by a tenth."""
    t = np.linspace(0.0, 1.0, 201)
    curve = exponential(t, a_of_label(2.0))
    curve[100] += away
    fit = fit_exponential(curve, 200)
    assert fit.largest == pytest.approx(0.1, abs=0.005)
    assert fit.rms == pytest.approx(0.1 / math.sqrt(201), rel=0.02)
