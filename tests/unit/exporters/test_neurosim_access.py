"""The access transistor of a stand-in for NeuroSim, and the scatter predicted by an export."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from devicekit.device.card import DeviceCard
from devicekit.exporters import Export
from devicekit.exporters.neurosim import access

from .conftest import shipped
from .neurosim_standin import FILES, exported, fields, write
from .test_neurosim import RealDevice


def of_window(low: float, high: float) -> DeviceCard:
    card = shipped()
    window = card.window.model_copy(update={"low": low, "high": high})
    return card.model_copy(update={"window": window})


def resistance(made: Export) -> float:
    found = re.findall(r"(?m)^\+\s*resistanceAccess = ([^;]+);", made.diff)
    return float(found[0]) if found else math.nan


@pytest.mark.parametrize(
    ("roadmap", "node", "least"),
    [
        ("HP", 20, 2 * 1.0 / (2000 * 20e-9) / 4),  # half way between 3000 and 1000 A/m
        ("LSTP", 20, 4 * 1.0 / (2000 * 20e-9) / 4),
        ("HP", 10, 3 * 0.7 / (1400 * 10e-9) / 4),
    ],
)
def test_the_access_transistor_is_as_wide_as_the_cell(copy: Path, roadmap: str, node: int, least: float) -> None:
    write(copy, "NeuroSim.cpp", FILES["NeuroSim.cpp"].replace("HP", roadmap))
    write(copy, "Param.cpp", FILES["Param.cpp"].replace("20", str(node)))
    made = exported(copy)
    found = least if least > 4e4 else resistance(made)
    assert least * (1 - 1e-12) <= found < 1.01 * least
    low, high = fields(made)["minConductance"], fields(made)["maxConductance"]
    assert made.figures["on_off"] == pytest.approx(high / low, rel=1e-7)
    before = (1 / low + 4e4) / (1 / high + 4e4)
    after = (1 / low + min(found, 4e4)) / (1 / high + min(found, 4e4))
    assert made.figures["on_off_as_it_was"] == pytest.approx(before, rel=1e-7)
    assert made.figures["on_off_patched"] == pytest.approx(after, rel=1e-7)
    (line,) = [each for each in made.approximated if each.startswith("ACCESS")]
    for value in (high / low, before, after):
        assert f"{value:.3g}" in line


@pytest.mark.parametrize("put", ["cmosAccess? (FeFET? 7 : 25) : 2", "25"])
def test_a_wider_cell_is_the_user_s_and_allows_less(copy: Path, put: str) -> None:
    write(copy, "Cell.cpp", FILES["Cell.cpp"].replace("cmosAccess? (FeFET? 7 : 4) : 2", put))
    least = 2 * 1.0 / (2000 * 20e-9) / 25
    assert least * (1 - 1e-12) <= resistance(exported(copy)) < 1.01 * least


def test_a_device_of_little_conductance_keeps_its_transistor(copy: Path) -> None:
    assert math.isnan(resistance(exported(copy, of_window(1e-9, 1e-8), noise=False)))  # 40 kohm of 100 Mohm
    assert resistance(exported(copy, of_window(1e-5, 1e-4), noise=False)) < 4e4


@pytest.mark.parametrize(
    ("old", "new"), [("cmosAccess = true", "cmosAccess = false"), ("FeFET = false", "FeFET = true")]
)
def test_cell_without_a_transistor_in_series(copy: Path, old: str, new: str) -> None:
    write(copy, "Cell.cpp", FILES["Cell.cpp"].replace(old, new))
    made = exported(copy)
    assert math.isnan(resistance(made))
    assert not any("ACCESS" in line for line in made.approximated)
    assert "on_off_patched" not in made.figures


def test_what_a_series_resistance_does() -> None:
    assert access.on_off(1e-5, 1e-4) == pytest.approx(10)
    assert access.on_off(1e-5, 1e-4, 1e4) == pytest.approx((1e5 + 1e4) / (1e4 + 1e4))
    # g from 0 with q = g R at its top: w = u (1 + q) / (1 + q u) is furthest from u at (sqrt(1 + q) - 1) / q
    for q in (0.1, 3.0):
        assert access.bend(1e-12, 1e-4, q / 1e-4) == pytest.approx((math.sqrt(1 + q) - 1) ** 2 / q, rel=1e-4)
    cell = access.Cell(1e4, 3.21e4, 4, 32)
    assert cell.of_one_width / cell.width <= cell.smallest <= cell.of_one_width / cell.width * 1.01
    width = access.required_width(1e-5, 1e-4, cell)
    assert access.on_off(1e-5, 1e-4, cell.of_one_width / width) == pytest.approx(9)


def test_scatter_in_the_readme_is_that_of_a_device_array(copy: Path) -> None:
    """C2C after ten LTP pulses from the low end, which an array of another seed gives too."""
    from devicekit import DeviceArray

    made, card = exported(copy), shipped()
    numbers = json.loads(made.files["neurosim.json"])
    scatter = numbers["scatter"]["C2C"]
    low, high = numbers["minConductance_s"], numbers["maxConductance_s"]
    state = float(card.window.to_state(np.array([low]))[0])
    array = DeviceArray(card, 4000, seed=77, initial=state, c2c="increment", d2d="none")
    for _ in range(10):
        array.pulse(1)
    assert scatter["pulses"]["ltp"] == [10, 50, 100]
    assert scatter["devicekit"]["ltp"][0] == pytest.approx(array.read().std() / (high - low), rel=0.08)
    line = next(each for each in made.approximated if each.startswith("C2C only"))
    for who in ("devicekit", "neurosim"):
        assert all(f"{value:.2%}" in line for value in scatter[who]["ltp"] + scatter[who]["ltd"])


def test_neurosim_s_scatter_is_that_of_its_update(copy: Path, tmp_path: Path) -> None:
    """The written numbers, G moved one pulse along (1 - e^(-P / A)) and noise added, in a loop of our own."""
    made = exported(copy)
    for name, content in made.files.items():
        (tmp_path / name).write_bytes(content)
    device = RealDevice.load(tmp_path)
    low, high = device.fields["minConductance"], device.fields["maxConductance"]
    n, a = device.fields["maxNumLevelLTP"], device.a("ltp")
    sigma = json.loads(made.files["neurosim.json"])["sigmaCtoC_fraction"]
    rng, b, found = np.random.default_rng(5), 1 / (1 - math.exp(-n / a)), []
    for _ in range(3000):
        g = 0.0
        for _ in range(50):
            p = -a * math.log(1 - g / b) + 1
            g = min(max(b * (1 - math.exp(-p / a)) + sigma * rng.standard_normal(), 0.0), 1.0)
        found.append(g)
    scatter = json.loads(made.files["neurosim.json"])["scatter"]["C2C"]["neurosim"]["ltp"]
    assert scatter[1] == pytest.approx(np.std(found), rel=0.08)
    assert low < high


@pytest.mark.parametrize("kelvin", [300, 302, 308])
def test_a_transistor_s_current_is_interpolated_between_temperatures(copy: Path, kelvin: int) -> None:
    """3000 A/m at 300 K and 1000 at 310 K; 2 x 1 V over it and 20 nm, in a cell four features wide."""
    write(copy, "NeuroSim.cpp", FILES["NeuroSim.cpp"].replace("305", str(kelvin)))
    least = 2.0 / ((3000 - 200 * (kelvin - 300)) * 20e-9) / 4
    assert least * (1 - 1e-12) <= resistance(exported(copy)) < 1.01 * least
