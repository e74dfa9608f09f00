"""`devicekit population`: one page of the files of many cells."""

from __future__ import annotations

from dataclasses import replace

from devicekit.cli.common import Force, Json, with_options
from devicekit.cli.outcome import conclude
from devicekit.system.options import ReadOptions
from devicekit.verbs.population import PopulationRequest, run_population


@with_options
def population_command(
    *, request: PopulationRequest, reading: ReadOptions, force: Force = False, json_output: Json = False
) -> int:
    """Make one page of a folder of many cells: yield, distributions, variance components, map, conditions.

    File names say wafer, die, cell, step (form, set, reset, read), date and conditions; what was found is shown and
    confirmed once. Files that cannot be read are listed. A run that is interrupted, or repeated with more files, reads
    only what is new.

    Examples:
        devicekit population lot7/ --accept --out lot7-page
        devicekit population lot7/ --template "W{wafer}_{die}_{cell}_{step}_{date}_{compliance}"
        devicekit population split-a/ split-b/ --accept --out a-and-b
    """
    return conclude(run_population, replace(request, reading=reading), "population", force, json_output, keep=True)
