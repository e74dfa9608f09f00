"""The verb simulate kinetics: how fast a stack sets and resets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from devicekit.core.declarations import document
from devicekit.verbs import shared
from devicekit.verbs.outcome import SILENT, Outcome, Progress
from devicekit.verbs.simulate import StackRequest
from devicekit.verbs.text import Title, paragraphs, report_field, table_of

if TYPE_CHECKING:
    from physics.kinetics import Kinetics


@dataclass(frozen=True, kw_only=True)
class KineticsRequest(StackRequest):
    """Kinetics to simulate."""

    mesh: str = shared.mesh()
    compliance: float | None = shared.number("Current limit [A].", "A")
    voltages: tuple[float, ...] = shared.several(
        "Constant voltage [V]; repeatable. 0.3 to 1.5 V if not given.", "V", "--voltage"
    )
    rates: tuple[float, ...] = shared.several(
        "Ramp rate [V/s]; may be repeated. 1e-4 to 1e10 if not given.", "V/S", "--rate"
    )
    jobs: int = shared.jobs("Simulations side by side.")
    out: Path | None = shared.out_folder()

    @property
    def changes(self) -> dict[str, object | None]:
        """See `StackRequest`."""
        return {"circuit.compliance": self.compliance}


document(KineticsRequest)


def run_kinetics(request: KineticsRequest, progress: Progress = SILENT) -> Outcome[Kinetics]:
    """Simulate SET and RESET times against voltage, and the set voltage against the ramp rate."""
    from devicekit.system import writing
    from devicekit.tables import write_csv
    from physics import report
    from physics.kinetics import RATES, VOLTAGES, kinetics
    from physics.page import kinetics_page

    stack = request.load()
    with progress.shares("simulating") as share:
        voltages, rates = request.voltages or VOLTAGES, request.rates or RATES
        result = kinetics(stack, voltages, rates, request.mesh, request.jobs, share)
    return Outcome(
        result=result,
        json=result.summary(),
        page=lambda command: replace(kinetics_page(result, command), resistance=request.show == "ohm"),
        files={
            **{f"{name}.csv": partial(write_csv, frame) for name, frame in result.tables().items()},
            "summary.json": lambda path: writing.write_results(path, result.summary()),
        },
        text=[
            Title(f"simulated kinetics, material set {result.stack.material}"),
            *paragraphs(report.kinetics_summary(result)),
            table_of(result.holds),
            table_of(result.ramps),
            *report_field(request.out),
        ],
    )
