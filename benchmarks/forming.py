"""Formings and SETs of 32 measured Cu / oxide / Pt cells, and the forming of the starter stack hfo2 beside them.

python benchmarks/forming.py               # prints the tables
python benchmarks/forming.py --evidence    # and writes docs/evidence/forming.json

DEVICEKIT_TEST_DATA names the folder of measured sets, in it form_set_reset, from
mihirsavadi/MicronDynamicsOfElectronTunneling.
V_form is where the current reaches half of its limit, V_set that of `half_ln_g` (measured). A measured sweep goes one
way: the state after it is read at its end, or in the next file of the cell. Cells and rates were not chosen to differ
in the rate alone.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from evidence_tables import run

from devicekit.population.result import Population
from devicekit.system.options import ReadOptions
from devicekit.verbs.population import PopulationRequest, run_population
from physics.forming import Formed, forming_slope, forming_study
from physics.iv import simulate_iv

STACK, RATES, THICKNESSES, LOOPS = "hfo2", (0.1, 1.0, 10.0, 100.0), (5.0, 10.0), 4


def measured() -> Population:
    """The population of the folder, names and columns as they are found."""
    folder = Path(os.environ["DEVICEKIT_TEST_DATA"]) / "form_set_reset"
    with tempfile.TemporaryDirectory() as out:
        reading = ReadOptions(accept=True)
        return run_population(PopulationRequest(folders=(folder,), out=Path(out), reading=reading)).result


def switched(population: Population, step: str) -> pd.DataFrame:
    """Return the sweeps of a step with a voltage, and its size [V]."""
    steps = population.steps
    own = steps[(steps["step"] == step) & steps[f"v_{step}_v"].notna()]
    return own.assign(volts=own[f"v_{step}_v"].abs())


def quartiles(volts: pd.Series) -> str:
    """Median and quartiles [V]."""
    low, middle, high = np.quantile(volts, (0.25, 0.5, 0.75))
    if len(volts) == 1:
        return f"{middle:.2f} V (1 sweep)"
    return f"{middle:.2f} V, quartiles {low:.2f} and {high:.2f} V ({len(volts)} sweeps)"


def by_cell(population: Population, quantity: str) -> str:
    """Median over cells [V], with formings that did not succeed as bounds."""
    found = population.distribution(quantity)
    if found is None:
        return "unknown"
    ends = found.median.ends
    interval = f", 95 % interval {ends[0]:.2f} to {ends[1]:.2f} V" if ends else ""
    return f"{found.median.value:.2f} V{interval} ({found.n_cells} cells, {found.bounds} values beyond the sweep)"


def of_cells(formings: pd.DataFrame, sets: pd.DataFrame) -> tuple[int, int]:
    """Return how many cells have both voltages, and in how many of these V_set lies below V_form (medians)."""
    both = pd.concat([each.groupby("cell")["volts"].median() for each in (formings, sets)], axis=1).dropna()
    return len(both), int((both.iloc[:, 1] < both.iloc[:, 0]).sum())


def volts(formed: Formed) -> str:
    """V_form [V]."""
    return "not formed" if formed.v_form_v is None else f"{formed.v_form_v:.3f} V"


def main() -> int:
    """Print the tables."""
    population = measured()
    formings, sets = switched(population, "form"), switched(population, "set")
    cells, below = of_cells(formings, sets)
    rates = forming_study(STACK, RATES)
    slope = forming_slope(rates)
    thin, thick = forming_study(STACK, (1.0,), THICKNESSES)
    loops = simulate_iv(STACK, start="pristine", cycles=LOOPS)
    after = ", ".join("–" if each.v_set_v is None else f"{each.v_set_v:.3f}" for each in loops.cycles[1:])

    print("Model (hfo2, default mesh, 1 V/s where not stated) and measurement; V_form at half of the current limit:")
    print("| | model | measured |")
    print("|---|---|---|")
    print(f"| V_form | {volts(thick)} | {quartiles(formings['volts'])} |")
    print(f"| the same, one value a cell | | {by_cell(population, 'v_form_v')} |")
    print(f"| V_form a decade of rate | {slope.value:.3f} V | not determined: see below |")
    ratio = thick.v_form_v / thin.v_form_v if thick.v_form_v and thin.v_form_v else np.nan
    print(f"| 10 nm against 5 nm | {volts(thick)} / {volts(thin)}: {ratio:.2f} times | one thickness, not stated |")
    print(f"| V_set | {after} V in loops 2 to {LOOPS} | {quartiles(sets['volts'])} |")
    print(f"| V_set below V_form | in every loop | in {below} of {cells} cells with both (medians) |")
    print(f"| highest temperature | {loops.quality.t_max_k:.0f} K | unknown |")

    print()
    print("V_form against the ramp rate:")
    print("| ramp rate | model | measured |")
    print("|---|---|---|")
    own = formings.assign(rate=formings["rate_v_s"].round(1))
    rows = [(each.rate_v_s, volts(each), "") for each in rates]
    rows += [(rate, "", quartiles(part["volts"])) for rate, part in own.groupby("rate")]
    for rate, model, found in sorted(rows):
        print(f"| {rate:g} V/s | {model} | {found} |")

    print()
    print("Sweeps that were to form, by their outcome:")
    print("| outcome | sweeps |")
    print("|---|---|")
    steps = population.steps
    for outcome, number in steps.loc[steps["step"] == "form", "outcome"].value_counts().items():
        print(f"| {outcome} | {number} |")
    notes = population.notes
    if notes is not None:
        print(f"| voltage within 0.15 V of the operator's note, V_form and V_set | {notes.near} of {notes.volts} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(run(main, "forming"))
