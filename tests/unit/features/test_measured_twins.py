"""A file laid out as the measured ladder of compliances of `test_dc_limits.py`, of known truth: it runs everywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from devicekit.features.merits import dc
from devicekit.tables import SweepTable

LEVELS = {50: 1e-4, 100: 2e-4, 200: 3e-4, 400: 5e-4}  # compliance [uA]: LRS [S]
HRS, V_SET, V_RESET, STEP = 2e-6, 0.6, -0.9, 0.015  # [S], [V]


def loop(stop: float) -> np.ndarray:
    """0 to `stop` and back, in V."""
    up = np.arange(round(abs(stop) / STEP) + 1) * STEP * np.sign(stop)
    return np.r_[up, up[-2::-1]]


def ladder(path: Path) -> Path:
    """V_set_50uA, I_set_50uA, V_reset_50uA, ...: V, magnitude of I in uA; shorter columns end in empty cells."""
    columns = {}
    for limit, lrs in LEVELS.items():
        v = loop(1.5)
        on = (v > V_SET - STEP / 2) | (np.arange(v.size) > v.size // 2)
        columns[f"V_set_{limit}uA"] = v
        columns[f"I_set_{limit}uA"] = np.minimum(1e6 * np.where(on, lrs, HRS) * v, limit)
        v = loop(-1.2)
        off = (v < V_RESET + STEP / 2) | (np.arange(v.size) > v.size // 2)
        columns[f"V_reset_{limit}uA"] = v
        columns[f"I_reset_{limit}uA"] = 1e6 * np.where(off, HRS, lrs) * np.abs(v)
    longest = max(each.size for each in columns.values())
    lines = [",".join(columns)]
    for n in range(longest):
        lines.append(",".join(f"{each[n]:.9g}" if n < each.size else "" for each in columns.values()))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_ladder_has_four_levels_of_sets_and_resets(tmp_path: Path) -> None:
    """Compliance from the plateau, LRS on the way back, V_set and V_reset at the jumps, within a step."""
    wide = pd.read_csv(ladder(tmp_path / "ladder.csv"))
    frames = []
    for limit in LEVELS:
        for kind in ("set", "reset"):
            names = {f"V_{kind}_{limit}uA": "voltage_v", f"I_{kind}_{limit}uA": "current_a"}
            rows = wide[list(names)].rename(columns=names).dropna()
            frames.append(rows.assign(current_a=1e-6 * rows["current_a"], device_id="d", cycle=len(frames) + 1))
            frames[-1]["point"] = range(len(rows))
    result = dc.characterize(SweepTable(pd.concat(frames)))
    assert result.polarity.word == "bipolar"
    table = result.by_compliance
    np.testing.assert_allclose(table["compliance_a"], [50e-6, 100e-6, 200e-6, 400e-6], rtol=1e-6)
    np.testing.assert_allclose(table["g_lrs_s"], list(LEVELS.values()), rtol=1e-6)
    np.testing.assert_allclose(table["v_set_v"], V_SET, atol=STEP)
    np.testing.assert_allclose(table["v_reset_v"], V_RESET, atol=STEP)
    assert list(table["reset_at_limit"]) == [0, 0, 0, 0]
