"""The part of a report that shows a simulated set I-V."""

from __future__ import annotations

from typing import Any

from devicekit.report import Section, Table, Text, draw
from devicekit.report.sections import csv_text
from devicekit.tables import SweepTable
from physics import plot
from physics.result import IVResult

_ROWS = (
    ("v_set_v", "V_set: voltage at 100 µA", "V", "{:.4f}"),
    ("on_off", "LRS / HRS at the read voltage", "", "{:.3g}"),
    ("hrs_s", "HRS", "S", "{:.3g}"),
    ("lrs_s", "LRS", "S", "{:.3g}"),
    ("t_max_k", "highest temperature", "K", "{:.4g}"),
    ("steps", "time steps", "", "{}"),
    ("mass_error", "relative error of the vacancy balance", "", "{:.1e}"),
    ("mesh_cells", "mesh cells", "", "{}"),
    ("solver", "solver", "", "{}"),
)


def iv_section(result: IVResult, measured: SweepTable | None = None) -> Section:
    """Set I-V, its figures of merit, and maps through the set."""
    summary = result.summary()
    rows = [
        (name, "not reached" if summary[key] is None else f"{form.format(summary[key])} {unit}".strip())
        for key, name, unit, form in _ROWS
    ]
    # the state before, at V_set and after: three columns stay legible
    last = len(result.stages) - 1
    stages = [result.stages[k] for k in sorted({0, max(last - 1, 0), last})] if result.stages else []
    frame = result.sweep.frame
    blocks: list[Any] = [
        Text(
            [
                f"Simulated, not measured: material set “{result.stack.material}”. Its parameters are "
                "calibrated so that the "
                "set occurs near the voltage that Ma et al. 2023 report; this is not a prediction."
            ]
        ),
        draw(
            lambda ax: plot.plot_iv(result, measured, ax),
            "Simulated set I-V from the state just after a reset.",
            "Current on a logarithmic axis against voltage during the simulated set",
            csv=csv_text(
                {name: frame[name] for name in ("voltage_v", "current_a", "time_s", "temperature_k")}
            ),
        ),
    ]
    if stages:
        blocks.append(
            draw(
                lambda axes: plot.plot_maps(result, stages, axes),
                "Potential, vacancy density and temperature over the cross-section through the set.",
                "Maps of potential, vacancy density and temperature at stages of the set",
                (9.5, 7.5),
                grid=(3, len(stages)),
            )
        )
    blocks.append(Table(("quantity", "value"), rows, "Figures of merit of the simulated set."))
    if not result.complete:
        blocks.append(Text(["The run did not finish; what is shown is what there is."]))
    return Section("Simulated set I-V", "set-iv", blocks)
