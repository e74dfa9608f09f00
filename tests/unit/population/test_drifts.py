"""Drifts over cycles: what is claimed holds among the drifts of all quantities, not for one of them alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from devicekit.population.result import Population
from devicekit.system.options import ReadOptions
from devicekit.verbs.population import PopulationRequest, run_population

CYCLES = 6


def loop(v_set: float, v_reset: float) -> np.ndarray:
    """Return voltage and current of one loop, from 0 V to 3 V, to -3 V and back to 0 V; shape (n, 2)."""
    v = np.round(np.r_[np.arange(0, 3, 0.02), np.arange(3, -3, -0.02), np.arange(-3, 0.01, 0.02)], 2)
    k = np.arange(v.size)
    on = (k >= np.argmax(v >= v_set)) & (k < np.argmax(v <= -v_reset))
    return np.column_stack([v, np.clip(np.where(on, 1e-3, 1e-7) * v, -1.0, 1e-3)])


def measure(folder: Path, slopes: tuple[float, ...]) -> Population:
    """Return the population of cells whose V_set drifts by these steps [V] from loop to loop, and whose V_reset stays.

    Each cell is a file of loops one after the other.
    """
    folder.mkdir()
    rng = np.random.default_rng(1)
    for cell, slope in enumerate(slopes, 1):
        loops = [loop(1.8 + slope * k, 1.2 + 0.1 * rng.standard_normal()) for k in range(CYCLES)]
        rows = "\n".join(f"{v:.2f},{i:.6g}" for v, i in np.concatenate(loops))
        (folder / f"C{cell}_loops.csv").write_text(f"V (V),I (A)\n{rows}\n")
    reading = ReadOptions(accept=True)
    return run_population(
        PopulationRequest(folders=(folder,), out=folder / "out", jobs=1, template=("C{cell}_{kind}",), reading=reading)
    ).result


@pytest.mark.parametrize(
    ("slopes", "seen"),
    [((0.03, 0.05, 0.06, 0.11), False), ((0.08, 0.1, 0.1, 0.12), True)],  # [V] a cycle
)
def test_a_drift_is_claimed_if_it_is_significant_among_all_of_them(
    tmp_path: Path, slopes: tuple[float, ...], seen: bool
) -> None:
    found = measure(tmp_path / "lot", slopes)
    drifts = {each.quantity: each for each in found.ageing}
    own = drifts["v_set_v"]
    assert len(drifts) >= 2
    assert own.p < 0.05
    assert own.p_holm == pytest.approx(own.p * len(drifts))
    assert own.seen is seen
    assert len(found.findings()) == seen  # the one claim
