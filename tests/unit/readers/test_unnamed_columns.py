"""Columns without names: the kind decides, or the user."""

from __future__ import annotations

import numpy as np
import pytest

import devicekit

from .small_files import Write, choices  # type: ignore[import-not-found]


def test_unnamed_pairs_of_voltage_and_current_are_sweeps_if_the_kind_is_given(lines: Write) -> None:
    volts = [0, 1, 2, 3, 2, 1, 0, -1, -2, -3, -2, -1, 0]
    rows = [",".join(f"{v},{(k + 1) * 1e-6 * v}" for k in range(3)) for v in volts]
    table = devicekit.read(lines(*rows), kind="sweep", unit="A", columns_are="cycles")
    assert table.frame["cycle"].nunique() == 3
    assert table.frame.groupby("cycle")["current_a"].max().tolist() == pytest.approx([3e-6, 6e-6, 9e-6])


def test_every_kind_is_offered_for_columns_without_names(lines: Write) -> None:
    """They were offered as states after pulses only; a time beside resistances was read as two trains."""
    record = [f"{0.6 * k:.1f} {1e5 * 0.99**k:.3f}" for k in range(40)]
    path = lines(*record, name="record.txt")
    kinds = ["pulse", "sweep", "endurance", "retention", "transient", "summary", "record"]
    assert sorted(choice.split()[0] for choice in choices(path)) == sorted(f"kind={kind}" for kind in kinds)
    assert "kind=retention" in choices(path, quantity="resistance")
    table = devicekit.read(path, kind="retention", quantity="resistance")
    assert table.frame["time_s"].iloc[[0, -1]].tolist() == pytest.approx([0, 23.4])
    assert table.frame["conductance_s"].iloc[-1] == pytest.approx(1e-5 / 0.99**39, rel=1e-4)

    pairs = lines(*(f"{5e3 + k} {8e5 - k}" for k in range(40)), name="pairs.txt")
    assert any(choice.startswith("kind=endurance") for choice in choices(pairs))
    table = devicekit.read(pairs, kind="endurance", quantity="resistance")
    assert table.frame.groupby("level")["conductance_s"].max().to_dict() == pytest.approx(
        {"hrs": 1 / (8e5 - 39), "lrs": 1 / 5e3}
    )


def test_the_kind_makes_an_unnamed_axis_a_time_or_a_cycle(lines: Write) -> None:
    rows = [f"{n} {8e5 - n} {5e3 + n}" for n in (1, 10, 100, 1000, 10000)]
    table = devicekit.read(lines(*rows), kind="endurance", quantity="resistance", unit="ohm")
    assert sorted(table.frame["cycle"].unique()) == [1, 10, 100, 1000, 10000]
    held = devicekit.read(
        lines(*(f"{0.5 * k} {1e-6 - 1e-9 * k} 0.1" for k in range(30))),
        kind="retention",
        quantity="current",
        read_voltage=0.1,
    )
    assert held.frame["conductance_s"].iloc[0] == pytest.approx(1e-5)
    assert held.frame["level"].nunique() == 1
    timed = [
        f"{0.5 * k} {v} {1e-6 * v * (2 if k > 3 else 1)}" for k, v in enumerate((0, 0.5, 1, 0.5, 0, -0.5, -1, -0.5, 0))
    ]
    swept = devicekit.read(lines(*timed), kind="sweep", unit="mA")
    assert swept.frame["voltage_v"].max() == 1
    assert swept.frame["current_a"].min() == pytest.approx(-2e-9)


def test_unnamed_voltage_current_and_ratio_are_one_state(lines: Write) -> None:
    """All three were read as resistances with quantity=resistance."""
    rng = np.random.default_rng(3)
    ohms = 500 + 10 * rng.standard_normal(30)
    rows = [f"{0.5 * k}\t{(v := (2.0, 0.01)[k > 19]) / r:.9g}\t{v}\t{r:.9g}" for k, r in enumerate(ohms)]
    path = lines(*rows, name="record.txt")
    table = devicekit.read(path, kind="retention", quantity="resistance")
    assert table.frame["level"].nunique() == 1
    assert table.frame["conductance_s"].to_numpy() == pytest.approx(1 / ohms, rel=1e-6)


def test_a_setting_among_unnamed_columns_is_not_a_device(lines: Write) -> None:
    rows = [f"{1e-6 * k:.3e} {1.1e-6 * k:.3e} 0.5" for k in range(1, 30)]
    table = devicekit.read(lines(*rows, name="g.txt"), kind="pulse", quantity="conductance", columns_are="devices")
    assert table.frame["device_id"].nunique() == 2
    stuck = [f"{1e-6 * k:.3e} {1.1e-6 * k:.3e} 5e-6" for k in range(1, 30)]  # of their size: a device that is stuck
    table = devicekit.read(lines(*stuck, name="s.txt"), kind="pulse", quantity="conductance", columns_are="devices")
    assert table.frame["device_id"].nunique() == 3


def test_an_unnamed_column_without_a_number_gives_no_warning(lines: Write) -> None:
    assert any("kind=pulse" in choice for choice in choices(lines("0.0,-")))
