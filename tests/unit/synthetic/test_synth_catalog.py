"""The generator and the reference device that ships: reproducible, and labelled as what it is."""

from __future__ import annotations

import json

import numpy as np
import pytest

from devicekit.core.errors import UsageError
from devicekit.device.card import load_card
from devicekit.fitting.device import fit
from devicekit.models import kernel
from devicekit.models.laws.eq2 import LAW as EQ2
from devicekit.readers import read
from devicekit.synthetic import pulses
from devicekit.system import catalog, files
from devicekit.tables import PulseTable


def test_the_generator_follows_the_law() -> None:
    theta = {"ltp": (-4.0, 0.9, 1.0, 0.0, 0.0, 0.0), "ltd": (-4.0, 0.9, 1.0, 0.0, 0.0, 0.0)}
    card = pulses.truth_card(theta, increment=0.0, read=0.0)
    table = pulses.generate(card, 1, 1, 50, 0)
    up = next(table.traces("ltp"))[3]
    np.testing.assert_allclose(
        card.window.to_state(up), kernel.simulate(EQ2.id, np.array(theta["ltp"]), 0.0, 50), atol=1e-12
    )
    assert [warning.code for warning in table.warnings] == ["synthetic"]


def test_the_same_seed_makes_the_same_set() -> None:
    card = pulses.reference_truth(50e-6)
    one, two = (pulses.generate(card, 3, 2, 20, 7).frame for _ in range(2))
    assert one.equals(two)
    assert not one.equals(pulses.generate(card, 3, 2, 20, 8).frame)


@pytest.fixture(scope="module")
def shipped() -> PulseTable:
    table = read(catalog.get(pulses.REFERENCE).data)
    assert isinstance(table, PulseTable)
    return table


@pytest.mark.slow
def test_the_shipped_set_is_what_the_generator_makes(shipped: PulseTable) -> None:
    made = pulses.reference_table()
    assert len(shipped) == 3 * 20 * 20 * 2 * 101
    keys = ["device_id", "pulse_width_s", "cycle", "direction", "pulse_index"]
    ours, theirs = (table.frame.sort_values(keys)["conductance_s"].to_numpy() for table in (made, shipped))
    np.testing.assert_allclose(theirs, ours, rtol=1e-4, atol=1e-9)


def test_the_shipped_set_is_labelled_synthetic_everywhere() -> None:
    dataset = catalog.get(pulses.REFERENCE)
    facts = json.loads((dataset.folder / "datapackage.json").read_text())
    card = load_card(dataset.card)
    assert dataset.synthetic
    assert facts["synthetic"] is True
    assert "SYNTHETIC" in facts["title"]
    assert card.provenance.synthetic
    assert card.warnings[0].code == "synthetic"
    assert dataset.checksum == f"sha256:{files.sha256(dataset.data)}"
    assert facts["resources"][0]["hash"] == dataset.checksum


@pytest.mark.parametrize("cycles", [4, pytest.param(20, marks=pytest.mark.slow)])
def test_the_fit_of_the_shipped_set_recovers_its_law(shipped: PulseTable, cycles: int) -> None:
    some = PulseTable(shipped.frame[shipped.frame["cycle"] <= cycles])
    result = fit(some, width=50e-6)
    truth = pulses.reference_truth(50e-6)
    for direction in ("ltp", "ltd"):
        r = np.linspace(0.05, 0.95, 10)
        g = result.window.from_state(r)
        true = np.abs(truth.rate(direction, truth.window.to_state(g))) * truth.window.span
        found = np.abs(result.branches[direction].rate(r)) * result.window.span
        np.testing.assert_allclose(found, true, rtol=0.06)
        spread = result.variation.branches[direction]
        scale = truth.window.span / result.window.span
        assert spread.increment == pytest.approx(0.003 * scale, rel=0.1)
        assert spread.read == pytest.approx(0.004 * scale, rel=0.1)


def test_an_unknown_set_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match=pulses.REFERENCE):
        catalog.get("nonsense")
