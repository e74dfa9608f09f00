"""The read voltage of a characterisation is used, or refused: never dropped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import devicekit as dk
from devicekit.core.errors import UsageError
from devicekit.features.merit import Settings
from devicekit.synthetic import records

Run = Callable[..., Any]
pytestmark = pytest.mark.usefixtures("without_mechanism")


def test_the_read_voltage_is_used_with_other_settings(tmp_path: Path) -> None:
    frame = records.sweeps(3).frame.drop(columns=["true_v_set_v", "true_v_reset_v"])
    frame.to_csv(tmp_path / "t.csv", index=False)
    for settings in (None, Settings(v_set="max_didv"), Settings(read_voltage=0.2)):
        found = dk.characterize(tmp_path / "t.csv", settings, read_voltage=0.2)
        assert found.results["dc"].as_dict()["read_voltage_v"] == 0.2
    with pytest.raises(UsageError, match="settings"):
        dk.characterize(tmp_path / "t.csv", Settings(read_voltage=0.1), read_voltage=0.2)


def test_the_read_voltage_is_refused_where_it_has_no_use(tmp_path: Path, devicekit: Run) -> None:
    (tmp_path / "e.csv").write_text(
        "Δt (ms),ΔW (%)\n" + "".join(f"{t},{40 / t:.3g}\n" for t in (-30, -20, -10, 10, 20, 30))
    )
    with pytest.raises(UsageError, match=r"stdp.*read_voltage="):
        dk.characterize(tmp_path / "e.csv", read_voltage=0.2)
    ran = devicekit("characterize", tmp_path / "e.csv", "--read-voltage", 0.2, "--out", tmp_path / "out")
    assert ran.code == 2
    assert "--read-voltage" in ran.err
