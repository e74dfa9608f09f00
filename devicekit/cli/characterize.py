"""`devicekit characterize`: tables, figures and one report page of the figures of merit in many files."""

from __future__ import annotations

from dataclasses import replace

from devicekit.cli.common import Force, Json, with_options
from devicekit.cli.outcome import conclude
from devicekit.system.options import ReadOptions
from devicekit.verbs.characterize import CharacterizeRequest, run_characterize


@with_options
def characterize_command(
    *, request: CharacterizeRequest, reading: ReadOptions, force: Force = False, json_output: Json = False
) -> int:
    """Find figures of merit: DC, conduction, cycles, endurance, retention, STDP, transients, levels, noise, map.

    Each file gives what it allows. --out DIR receives tables, figures and report.html.

    Examples:
        devicekit characterize sweeps.csv endurance.csv --out results
        devicekit characterize pairs.csv --ppf-baseline original
        devicekit characterize sweeps.csv --thickness 8e-9 --area 1e-10 --temperature 295 --permittivity 4:25
    """
    return conclude(run_characterize, replace(request, reading=reading), "characterize", force, json_output)
