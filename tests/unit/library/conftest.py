"""Libraries in a folder of their own, and records made by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from devicekit.device.card import DeviceCard
from devicekit.library import Library, Record
from devicekit.library.origin import Metadata, combine
from devicekit.system import catalog


@pytest.fixture(autouse=True)
def _temporary_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use temporary folders instead of the index and records of the user."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("DEVICEKIT_LIBRARY", raising=False)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "lab")


@pytest.fixture(scope="session")
def raw_card() -> dict[str, Any]:
    """Return the shipped card as JSON values."""
    card: dict[str, Any] = json.loads(catalog.get("pt-hfo2-al2o3-ti").card.read_text(encoding="utf-8"))
    return card


@pytest.fixture(scope="session")
def card(raw_card: dict[str, Any]) -> Callable[..., DeviceCard]:
    """Return a factory of cards with a name, a window [S] and LTP increment, otherwise like the shipped card."""

    def make(name: str, low: float = 1e-5, high: float = 4e-5, increment: float = 0.004, **more: Any) -> DeviceCard:
        raw = json.loads(json.dumps(raw_card))
        raw["name"] = name
        raw["window"] |= {"low": low, "high": high}
        raw["variation"]["ltp"]["c2c"]["increment"] |= {"value": increment, "interval": None}
        raw |= more
        return DeviceCard.from_json(json.dumps(raw))

    return make


@pytest.fixture(scope="session")
def record(card: Callable[..., DeviceCard]) -> Callable[..., Record]:
    """Return a factory of records of such cards, with place and labels."""

    def make(name: str, labels: dict[str, Any] | None = None, **more: Any) -> Record:
        words: dict[str, Any] = labels or {}
        where: Metadata = combine(words, origins=dict.fromkeys(words, "hand"))
        return Record.of_card(card(name, **more), where)

    return make


@pytest.fixture
def sweeps(tmp_path: Path) -> Callable[..., Path]:
    """Write a CSV of loops to 1 V and -1 V, one a V_set [V] in each cycle, for each device."""
    return partial(write_sweeps, tmp_path)


def write_sweeps(folder: Path, name: str, devices: dict[str, list[float]]) -> Path:
    """Such a CSV in a folder."""
    lines = ["device_id,cycle,point,voltage_v,current_a"]
    for device, v_sets in devices.items():
        for cycle, v_set in enumerate(v_sets, 1):
            point = 0
            up = [k / 100 for k in range(101)]
            for v in up:  # a jump from 2 to 200 µS at V_set, and back at -0.5 V
                g = 200e-6 if v >= v_set - 1e-9 else 2e-6
                lines.append(f"{device},{cycle},{point},{v},{g * v}")
                point += 1
            for v in [*up[::-1][1:], *(-x for x in up[1:]), *(-x for x in up[::-1][1:])]:
                on = v >= 0 or (v > -0.5 and point < 300)
                lines.append(f"{device},{cycle},{point},{v},{(200e-6 if on else 2e-6) * v}")
                point += 1
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
