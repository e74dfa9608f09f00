"""Devices that do not switch are named and left out; states of even spacing are found, where there are some."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from devicekit import load_card
from devicekit.core.errors import TraceError
from devicekit.fitting.branch.lattice import find_lattice
from devicekit.fitting.device import fit


def train(rng: np.random.Generator, states: int = 0, read: float = 0.002, kappa: float = 0.6) -> np.ndarray:
    """101 readings of soft bounds; on so many states, if any."""
    x, y = 0.0, []
    for _ in range(101):
        shown = round(min(max(x, 0.0), 1.0) * (states - 1)) / (states - 1) if states else x
        y.append(shown + read * rng.standard_normal())
        x += 0.014 * max(1 - kappa * x, 0.0) + 0.003 * rng.standard_normal()
    return np.array(y)


def table(devices: dict[str, np.ndarray | None], cycles: int = 2) -> pd.DataFrame:
    """Of each device its trains, or readings about one conductance where it is None."""
    rng, rows = np.random.default_rng(3), []
    for name, flat in devices.items():
        for cycle in range(1, cycles + 1):
            for direction in ("ltp", "ltd"):
                y = train(rng) if flat is None else flat + 0.002 * rng.standard_normal(101)
                g = 5e-5 + 4e-5 * (y if direction == "ltp" else (1 - y if flat is None else y))
                columns = {"device_id": name, "cycle": cycle, "direction": direction, "pulse_index": np.arange(101)}
                rows.append(pd.DataFrame({**columns, "conductance_s": g}))
    return pd.concat(rows, ignore_index=True)


@pytest.mark.parametrize("states", [6, 10, 15, 25])
def test_states_of_even_spacing_are_counted(states: int) -> None:
    rng = np.random.default_rng(states)
    found = find_lattice([train(rng, states) for _ in range(6)])
    assert found is not None
    # the top states of a train that saturates are not reached: the spacing tells how many there are
    assert found.count == states
    assert found.spacing == pytest.approx(1 / (states - 1), rel=0.02)


def test_no_states_are_found_where_there_are_none() -> None:
    rng = np.random.default_rng(0)
    for read in (0.0, 1e-4, 0.002, 0.01):
        for kappa in (0.0, 0.6, 1.0):
            for cycles in (1, 3, 20):
                assert find_lattice([train(rng, 0, read, kappa) for _ in range(cycles)]) is None


def test_a_card_carries_its_states_and_dead_devices(tmp_path) -> None:  # type: ignore[no-untyped-def]
    devices: dict[str, np.ndarray | None] = {f"d{k}": None for k in range(4)} | {"broken": np.full(101, 0.02)}
    result = fit(table(devices), model="softbounds")
    assert [each.name for each in result.dead] == ["broken"]
    assert result.table.devices == ["d0", "d1", "d2", "d3"]
    warning = next(each for each in result.warnings if each.code == "dead_devices")
    assert warning.message.startswith("1 of 5 devices")
    assert "broken" in warning.message
    card = result.to_card("set")
    assert card.dead is not None
    assert (card.dead.names, card.dead.share, card.dead.at) == (("broken",), 0.2, "low")
    assert card.states is None
    card.save(tmp_path / "card.json")
    assert load_card(tmp_path / "card.json").dead == card.dead
    live = fit(table({name: None for name in devices if name != "broken"}), model="softbounds").to_card("set")
    assert live.dead is None
    assert '"dead"' not in live.to_json()


def test_a_set_of_dead_devices_alone_is_refused() -> None:
    with pytest.raises(TraceError, match="does not"):
        fit(table({"a": np.full(101, 0.02), "b": np.full(101, 0.4)}))
