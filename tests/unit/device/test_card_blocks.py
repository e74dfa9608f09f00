"""What a card may carry beside its fit: retention, endurance, STDP, and the numbers that tables show."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta

import devicekit
from devicekit.cli import build_app
from devicekit.cli.common import run_app
from devicekit.core.errors import CardError, UsageError
from devicekit.core.scalars import Scalar
from devicekit.device.card import BLOCKS, DeviceCard
from devicekit.device.measured import Endurance, EnduranceDevice, Retention, RetentionState, StdpWindow
from devicekit.features.stats import clopper_pearson
from devicekit.synthetic import ageing
from devicekit.synthetic.pulses import truth_card
from devicekit.system import catalog


@pytest.fixture
def card() -> DeviceCard:
    """Steps of 1 / 50 up and 1 / 25 down, wherever the state is."""
    theta = {"ltp": (math.log(1 / 50),), "ltd": (math.log(1 / 25),)}
    return truth_card(theta, model="linear", window=(1e-6, 5e-6), increment=0.004, read=0.002)


def run(*arguments: object) -> int:
    return run_app(build_app(), [str(each) for each in arguments])


def named(scalars: tuple[Scalar, ...]) -> dict[str, Scalar]:
    found = {each.name: each for each in scalars}
    assert len(found) == len(scalars)
    return found


def drift(path: Path, nus: dict[str, float], synthetic: bool = False) -> Path:
    """Readings of G = G1 t^-nu, without noise but for a zigzag of 0.1 % in ln G."""
    rows = []
    for level, nu in nus.items():
        for k, t in enumerate(np.logspace(0, 4, 9)):
            rows.append(
                {"device_id": "d", "level": level, "time_s": t, "conductance_s": 2e-5 * t**-nu * (1 + (-1) ** k * 1e-3)}
            )
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def test_figures_of_a_card_are_those_of_its_truth(card: DeviceCard) -> None:
    found = named(card.figures())
    assert found["g_low_s"].value == 1e-6
    assert found["g_high_s"].text == "5 µS"
    assert found["on_off"].value == pytest.approx(5.0)
    assert found["steps"].value == pytest.approx(math.sqrt(50 * 25))
    assert found["asymmetry"].value == pytest.approx(2.0)
    assert found["increment_ltp"].value == 0.004
    assert found["increment_ltp"].of == "window"
    assert found["increment_ltp"].text == "0.4 %"
    assert found["read_ltd"].value == 0.002


def test_a_weight_has_no_ratio_and_a_window_that_reaches_zero_neither(card: DeviceCard) -> None:
    weight = card.model_copy(
        update={"window": card.window.model_copy(update={"quantity": "weight", "low": -1.0, "high": 1.0})}
    )
    names = named(weight.figures())
    assert names["weight_low"].value == -1.0
    assert "on_off" not in names
    zero = card.model_copy(update={"window": card.window.model_copy(update={"low": 0.0})})
    assert "on_off" not in named(zero.figures())


def test_a_card_without_blocks_keeps_its_bytes() -> None:
    shipped = catalog.get("pt-hfo2-al2o3-ti").card
    text = shipped.read_text(encoding="utf-8")
    assert DeviceCard.from_json(text).to_json() == text
    assert not set(BLOCKS) & set(json.loads(text))


def test_retention_of_a_power_law_is_its_exponent(tmp_path: Path, card: DeviceCard) -> None:
    path = drift(tmp_path / "drift.csv", {"lrs": 0.01, "hrs": 0.05})
    block = devicekit.characterize(devicekit.read(path)).for_card(path)["retention"]
    assert isinstance(block, Retention)
    nus = {state.level: state for state in block.states}
    assert nus["lrs"].nu == pytest.approx(0.01, abs=2e-4)
    assert nus["hrs"].nu == pytest.approx(0.05, abs=2e-4)
    for state in block.states:
        assert state.nu_interval is not None
        assert state.nu_interval[0] < state.nu < state.nu_interval[1]
        assert state.g_1s == pytest.approx(2e-5, rel=2e-3)
        assert state.change() == pytest.approx(1e4**-state.nu)
    assert block.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    found = named(card.with_blocks({"retention": block}).figures())
    assert found["nu_lrs"].value == nus["lrs"].nu
    assert (found["nu_lrs"].low, found["nu_lrs"].high) == nus["lrs"].nu_interval
    assert found["retention_time_s"].value == pytest.approx(1e4)


def test_the_median_of_several_states_has_no_interval() -> None:
    state = RetentionState(
        device_id="d",
        level="lrs",
        n=9,
        first_s=1.0,
        last_s=100.0,
        nu=0.01,
        nu_interval=(0.0, 0.02),
        g_1s=1e-5,
        noise=0.0,
    )
    more = [state.model_copy(update={"nu": nu}) for nu in (0.02, 0.06)]
    found = named(Retention(source="x", states=(state, *more)).scalars())
    assert found["nu_lrs"].value == 0.02
    assert found["nu_lrs"].low is None
    assert "median of 3" in found["nu_lrs"].label
    other = named(Retention(source="x", states=(state.model_copy(update={"level": "level 3"}),)).scalars())
    assert other["nu"].interval == "95 %: 0 to 0.02"


@pytest.mark.parametrize(("hits", "n"), [(0, 5), (5, 5), (3, 7), (1, 1)])
def test_clopper_and_pearson_are_quantiles_of_beta(hits: int, n: int) -> None:
    low, high = clopper_pearson(hits, n)
    assert low == (0.0 if hits == 0 else pytest.approx(beta.ppf(0.025, hits, n - hits + 1)))
    assert high == (1.0 if hits == n else pytest.approx(beta.ppf(0.975, hits + 1, n - hits)))
    if hits == 0:
        assert high == pytest.approx(1 - 0.025 ** (1 / n))  # closed form


def test_endurance_of_a_device_that_fails_at_its_third_bad_cycle(tmp_path: Path) -> None:
    rows = []
    for cycle in range(1, 11):
        for level, g in (("lrs", 1e-4), ("hrs", 1e-5 if cycle < 7 else 9e-5)):
            rows.append({"device_id": "a", "cycle": cycle, "level": level, "conductance_s": g})
            rows.append(
                {"device_id": "b", "cycle": cycle, "level": level, "conductance_s": 1e-4 if level == "lrs" else 1e-5}
            )
    pd.DataFrame(rows).to_csv(tmp_path / "e.csv", index=False)
    block = devicekit.characterize(devicekit.read(tmp_path / "e.csv")).for_card(tmp_path / "e.csv")["endurance"]
    assert isinstance(block, Endurance)
    failed = {each.device_id: each.failed_at for each in block.devices}
    assert failed == {"a": 7, "b": None}
    assert block.surviving_share() == 0.5
    assert block.yield_interval == clopper_pearson(1, 2)
    found = named(block.scalars())
    assert found["endurance_yield"].text == "50.0 %"
    assert found["endurance_cycles"].value == 10
    assert found["endurance_on_off"].value == pytest.approx(10.0)


def test_a_device_without_pairs_has_no_median() -> None:
    device = EnduranceDevice(device_id="a", cycles=3, n=0, window=0.0, median_on_off=None, good=None, failed_at=None)
    block = Endurance(source="x", threshold=2.0, devices=(device,), yield_interval=(0.0, 1.0))
    assert not named(block.scalars())["endurance_on_off"].known


def test_card_add_writes_the_block_and_nothing_else(
    tmp_path: Path, card: DeviceCard, capsys: pytest.CaptureFixture[str]
) -> None:
    card.save(tmp_path / "c.json")
    before = json.loads((tmp_path / "c.json").read_text())
    path = drift(tmp_path / "drift.csv", {"lrs": 0.01})
    assert run("card", "add", tmp_path / "c.json", path, "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    after = json.loads((tmp_path / "c.json").read_text())
    assert after.pop("retention") == printed["added"]["retention"]
    assert after == before
    assert run("card", "validate", tmp_path / "c.json") == 0


def test_a_block_is_not_replaced_unless_asked(
    tmp_path: Path, card: DeviceCard, capsys: pytest.CaptureFixture[str]
) -> None:
    card.save(tmp_path / "c.json")
    first, second = drift(tmp_path / "a.csv", {"lrs": 0.01}), drift(tmp_path / "b.csv", {"lrs": 0.09})
    assert run("card", "add", tmp_path / "c.json", first) == 0
    kept = (tmp_path / "c.json").read_bytes()
    assert run("card", "add", tmp_path / "c.json", second) == 2
    assert "--replace" in capsys.readouterr().err
    assert (tmp_path / "c.json").read_bytes() == kept
    assert run("card", "add", tmp_path / "c.json", second, "--out", tmp_path / "d.json", "--replace") == 0
    assert (tmp_path / "c.json").read_bytes() == kept
    block = devicekit.load_card(tmp_path / "d.json").retention
    assert block is not None
    assert block.states[0].nu == pytest.approx(0.09, abs=1e-3)


def test_data_without_a_block_are_refused(tmp_path: Path, card: DeviceCard, capsys: pytest.CaptureFixture[str]) -> None:
    card.save(tmp_path / "c.json")
    pulses = pd.DataFrame(
        {
            "device_id": "d",
            "cycle": 1,
            "direction": "ltp",
            "pulse_index": range(5),
            "conductance_s": [1e-6, 2e-6, 3e-6, 4e-6, 5e-6],
        }
    )
    pulses.to_csv(tmp_path / "p.csv", index=False)
    assert run("card", "add", tmp_path / "c.json", tmp_path / "p.csv") == 2
    assert "stdp, retention" in capsys.readouterr().err
    with pytest.raises(UsageError, match="'wear'"):
        card.with_blocks(
            {
                "wear": StdpWindow(
                    source="x", a_plus=1.0, a_minus=-1.0, tau_plus_s=0.01, tau_minus_s=0.01, noise=0.0, n=3
                )
            }
        )


def test_old_blocks_keep_their_bytes() -> None:
    """What retention and endurance can hold since is not mentioned where it is not held."""
    state = {
        "device_id": "d", "level": "lrs", "n": 9, "first_s": 1.0, "last_s": 100.0, "nu": 0.01, "nu_interval": None,
        "g_1s": 1e-05, "noise": 0.0, "temperature_k": None,
    }  # fmt: skip
    device = {
        "device_id": "a",
        "cycles": 3,
        "n": 3,
        "window": 2.0,
        "median_on_off": None,
        "good": None,
        "failed_at": None,
    }
    for kind, own in (
        (Retention, {"source": "x", "synthetic": False, "states": [state]}),
        (
            Endurance,
            {"source": "x", "synthetic": False, "threshold": 2.0, "devices": [device], "yield_interval": [0.0, 1.0]},
        ),
    ):
        text = json.dumps(own, separators=(",", ":"))
        block: Retention | Endurance = kind.model_validate_json(text)
        assert json.loads(block.model_dump_json()) == own
        assert list(json.loads(block.model_dump_json())) == list(own)


def test_card_add_writes_lives_over_temperature(
    tmp_path: Path, card: DeviceCard, capsys: pytest.CaptureFixture[str]
) -> None:
    card.save(tmp_path / "c.json")
    ageing.bake().to_csv(tmp_path / "bake.csv")
    assert run("card", "add", tmp_path / "c.json", tmp_path / "bake.csv", "--life-temperature", "373.15", "--json") == 0
    capsys.readouterr()
    loaded = devicekit.load_card(tmp_path / "c.json")
    assert loaded.retention is not None
    assert len(loaded.retention.states) == 20  # a state of its own in each bake
    (line,) = loaded.retention.arrhenius or ()
    assert (line.level, line.n, line.failures, line.devices) == ("lrs", 20, 19, 20)
    assert (line.lowest_k, line.highest_k, line.life_k) == (423.15, 523.15, 373.15)
    assert line.energy_interval is not None
    assert line.energy_interval[0] < 1.1 < line.energy_interval[1]
    assert "factor 2" in line.criterion
    away = 1 / (8.617333262e-5 * 373.15) - 1 / (8.617333262e-5 * line.reference_k)
    assert line.life_s == pytest.approx(line.reference_life_s * math.exp(line.activation_energy_ev * away))
    found = named(loaded.figures())
    assert found["activation_energy_ev"].value == line.activation_energy_ev
    assert found["retention_life_s"].value == line.life_s
    assert (found["retention_life_s"].low, found["retention_life_s"].high) == line.life_interval
    assert "other mechanism" in found["retention_life_s"].label
    assert DeviceCard.from_json(loaded.to_json()).to_json() == loaded.to_json()
    assert run("card", "show", tmp_path / "c.json") == 0
    assert "activation energy" in capsys.readouterr().out
    other = ["--lost-factor", "1.5", "--life-temperature", "250", "--replace"]
    assert run("card", "add", tmp_path / "c.json", tmp_path / "bake.csv", *other) == 0
    (far,) = devicekit.load_card(tmp_path / "c.json").retention.arrhenius or ()  # type: ignore[union-attr]
    assert far.lost_factor == 1.5
    assert (far.life_s, far.life_interval, far.device_interval) == (None, None, None)
    assert "further below" in str(far.refusal)
    assert [each.name for each in far.scalars(False)] == ["activation_energy_ev"]
    assert run("card", "add", tmp_path / "c.json", tmp_path / "bake.csv", "--lost-factor", "1", "--replace") == 2


def test_an_empty_block_is_refused(card: DeviceCard) -> None:
    held = json.loads(card.to_json())
    held["retention"] = {"source": "x", "states": []}
    with pytest.raises(CardError, match="retention"):
        DeviceCard.from_json(json.dumps(held))


@pytest.mark.slow
def test_fit_knows_that_a_shipped_set_is_synthetic(tmp_path: Path) -> None:
    data = catalog.get("pt-hfo2-al2o3-ti").data
    assert run("fit", data, "--model", "linear", "--width", "5e-5", "--cycle", 1, "--out", tmp_path / "c.json") == 0
    assert devicekit.load_card(tmp_path / "c.json").provenance.synthetic
    (tmp_path / "copy.csv.gz").write_bytes(data.read_bytes())
    assert (
        run(
            "fit",
            tmp_path / "copy.csv.gz",
            "--model",
            "linear",
            "--width",
            "5e-5",
            "--cycle",
            1,
            "--out",
            tmp_path / "d.json",
        )
        == 0
    )
    assert devicekit.load_card(tmp_path / "d.json").provenance.synthetic  # known by its checksum
