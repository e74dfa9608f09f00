"""`devicekit figure`: the panels of a paper, in the style of a journal."""

from __future__ import annotations

from dataclasses import replace

from devicekit.cli.common import Force, Json, with_options
from devicekit.cli.outcome import conclude
from devicekit.system.options import ReadOptions
from devicekit.verbs.figure import FigureRequest, run_figure


@with_options
def figure_command(
    *, request: FigureRequest, reading: ReadOptions, force: Force = False, json_output: Json = False
) -> int:
    """Draw the panels of a paper: I-V, distributions, endurance, retention, LTP and LTD, devices, levels, accuracy.

    --out DIR receives each panel and the whole figure as SVG and PDF at the journal's size, the data of each panel as
    CSV, and captions.md.

    Examples:
        devicekit figure sweeps.csv --style nature --out figure
        devicekit figure a.csv b.csv --labels "HfO2,TaOx" --panels iv,cdf --size single
        devicekit figure card.json library:3f2a --style ieee
    """
    return conclude(run_figure, replace(request, reading=reading), "figure", force, json_output)
