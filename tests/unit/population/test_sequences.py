"""Sequences that a laboratory produces, as files: each state counts once, with the conditions that made it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from devicekit.population.result import Population
from devicekit.system.options import ReadOptions
from devicekit.verbs.population import PopulationRequest, run_population

NAMES = ("C{cell}_{step}_{run}_{compliance}_{rate:V/s}",)
PRISTINE, ON, OFF = 2e-8, 5.0, 1e-7  # S; LRS over the limit of the set [1/V]; HRS over the rate of the reset [S s/V]

# Steps of one cell, in small letters if they fail, with the limit of a set [uA] or the rate of a reset [V/s]; then the
# limits of the LRS, and the rates of the HRS, that its files show (None: no file shows how it was made).
CELLS = {
    "several cycles": ("F100 R1 S10 R2 S20 R1 S10", [100, 10, 20, 10], [1, 2, 1]),
    "a failed set is retried": ("F100 R1 s10 s20 S20 R2", [100, 20], [1, 2]),
    "a reset after a failed set": ("F100 R1 s10 r2 S20 R2", [100, 20], [1, 2]),
    "a failed reset is retried": ("F100 r1 R2 S10 r2 R1", [100, 10], [2, 1]),
    "a set after a failed reset": ("F100 R1 S10 r2 s50 R2", [100, 10], [1, 2]),
    "a set of a formed cell": ("F100 s20 R1", [100], [1]),
    "a forming that fails first": ("f100 F50 R1 S10", [50, 10], [1]),
    "no forming": ("S10 R1 S20", [10, 20], [None, 1]),
    "it begins with a reset": ("R2 S10 R1", [None, 10], [2, 1]),
    "a reset in two steps": ("F100 R100 R1 S10", [100, 10], [1]),
    "a set in two steps": ("F100 R1 S10 S50 R2", [100, 50], [1, 2]),
    "a set after a forming that does not stay": ("F100 r1", [100], []),
}


def sweep(step: str, size: float, before: float) -> tuple[np.ndarray, float]:
    """Return voltage and current of a sweep to one side and back, and the conductance after it [S]."""
    name = step.upper()
    limit = 1e-6 * size if name in "FS" else 1e-2
    way = np.linspace(0.0, {"F": 4.0, "S": 3.0, "R": 2.0}[name], 61)
    v = np.r_[way, way[-2::-1]]
    after = before if step != name else ON * limit if name in "FS" else OFF * size
    at = 0.5 if name == "S" and before > 1e-5 else {"F": 3.2, "S": 2.0, "R": 1.2}[name]
    i = np.minimum(np.where(np.maximum.accumulate(v >= at), after, before) * v, limit)
    return np.column_stack([v, i]) * (-1.0 if name == "R" else 1.0), after


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Population:
    """The population of a cell of each sequence."""
    folder = tmp_path_factory.mktemp("lab") / "lot"
    folder.mkdir()
    for cell, (steps, _, _) in enumerate(CELLS.values(), 1):
        state = 5e-4 if steps[0] == "R" else PRISTINE
        for number, word in enumerate(steps.split(), 1):
            size = float(word[1:])
            rows, state = sweep(word[0], size, state)
            name = {"F": "form", "S": "set", "R": "reset"}[word[0].upper()]
            limit, rate = (f"{size:g}uA", 1) if name != "reset" else ("10mA", size)
            text = "\n".join(f"{v:.5g},{i:.6g}" for v, i in rows)
            (folder / f"C{cell}_{name}_{number:03d}_{limit}_{rate:g}Vs.csv").write_text(f"V (V),I (A)\n{text}\n")
    reading = ReadOptions(accept=True)
    return run_population(
        PopulationRequest(folders=(folder,), out=folder / "out", jobs=1, template=NAMES, reading=reading)
    ).result


@pytest.mark.parametrize("name", CELLS)
def test_each_state_counts_once_with_the_conditions_that_made_it(found: Population, name: str) -> None:
    cell = list(CELLS).index(name) + 1
    _, limits, rates = CELLS[name]
    for quantity, key, sizes, per in (
        ("g_lrs_s", "compliance_a", 1e-6 * np.array(limits, float), ON),
        ("g_hrs_s", "key_rate", np.array(rates, float), OFF),
    ):
        own = found.values[quantity]
        own = own[own["cell"] == str(cell)]
        np.testing.assert_allclose(own[key].to_numpy(float), sizes)
        made = ~np.isnan(sizes)
        np.testing.assert_allclose(own["low"].to_numpy(float)[made], per * sizes[made], rtol=0.01)


def loops(folder: Path, sign: float) -> Population:
    """Return the population of three cells of four loops, a file each, whose first half switches at this sign.

    The set is at positive voltages. The third loop does not switch; HRS and LRS are in proportion to the limit.
    """
    folder.mkdir()
    half = np.r_[np.linspace(0.0, 3.0, 61), np.linspace(2.95, 0.0, 60)]
    for cell in (1, 2, 3):
        off, on = 1e-8, sign < 0
        state = 5e-5 if on else off
        for number, limit in enumerate((10, 20, 50, 100), 1):
            parts = []
            for side in (sign, -sign):
                ends = {1.0: ON * 1e-6 * limit, -1.0: 1e-3 * 1e-6 * limit}[side]
                after = state if number == 3 else ends
                g = np.where(np.maximum.accumulate(half >= (2.0 if side > 0 else 1.2)), after, state)
                parts.append(side * np.column_stack([half, np.minimum(g * half, 1e-6 * limit if side > 0 else 1e-2)]))
                state = after
            text = "\n".join(f"{v:.5g},{i:.6g}" for v, i in np.concatenate(parts))
            (folder / f"C{cell}_loop_{number:03d}_{limit}uA.csv").write_text(f"V (V),I (A)\n{text}\n")
    names = ("C{cell}_{step}_{run}_{compliance}",)
    reading = ReadOptions(accept=True)
    return run_population(
        PopulationRequest(folders=(folder,), out=folder / "out", jobs=1, template=names, reading=reading)
    ).result


@pytest.mark.parametrize(
    ("sign", "limits", "of_hrs"),
    [(1.0, [10, 20, 100], [None, 10, 20]), (-1.0, [10, 20, 100], [10, 20, 100])],  # [uA]
)
def test_the_states_of_loops_are_those_of_the_half_that_made_them(
    tmp_path: Path, sign: float, limits: list[float], of_hrs: list[float]
) -> None:
    found = loops(tmp_path / "lot", sign)
    for quantity, sizes, per in (("g_lrs_s", limits, ON), ("g_hrs_s", of_hrs, 1e-3)):
        own = found.values[quantity]
        own = own[own["cell"] == "1"]
        sizes = 1e-6 * np.array(sizes, float)
        np.testing.assert_allclose(own["compliance_a"].to_numpy(float), sizes)
        made = ~np.isnan(sizes)
        np.testing.assert_allclose(own["low"].to_numpy(float)[made], per * sizes[made], rtol=0.01)
