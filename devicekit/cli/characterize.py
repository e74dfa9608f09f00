"""`devicekit characterize`: tables, figures and one report page of the figures of merit in many files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from devicekit.cli.common import Force, Json, LifeTemperature, LostFactor, Threshold, choice, with_options
from devicekit.cli.outcome import TerminalProgress, conclude
from devicekit.core.constants import TEN_YEARS_S
from devicekit.core.errors import UsageError
from devicekit.core.pairs import parse_range
from devicekit.features.definitions import V_RESET, V_SET
from devicekit.system.options import BASELINES, KERNELS, ReadOptions

DEFAULT_OUT = Path("devicekit-characterize")


@with_options
def characterize_command(
    files_: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files or folders of measurements.")],
    reading: ReadOptions,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the results.")] = DEFAULT_OUT,
    v_set: Annotated[
        str,
        choice("--v-set", V_SET, "Definition of V_set"),
    ] = V_SET[0],
    v_reset: Annotated[
        str,
        choice("--v-reset", V_RESET, "Definition of V_reset"),
    ] = V_RESET[0],
    threshold: Threshold = 2.0,
    horizon: Annotated[
        float, typer.Option("--horizon", metavar="S", help="Retention: time to predict [s].")
    ] = TEN_YEARS_S,
    kernel: Annotated[
        str | None, choice("--kernel", KERNELS, "Relaxation: kernel, chosen by the data if not given")
    ] = None,
    ppf_baseline: Annotated[
        str | None,
        choice("--ppf-baseline", BASELINES, "Paired pulses: level from which the second is counted", metavar="WHICH"),
    ] = None,
    thickness: Annotated[
        float | None, typer.Option("--thickness", metavar="M", help="Conduction: thickness of the film [m].")
    ] = None,
    area: Annotated[
        float | None, typer.Option("--area", metavar="M2", help="Conduction: area of the electrode [m2].")
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option("--temperature", metavar="K", help="Conduction: temperature of the measurement [K]."),
    ] = None,
    permittivity: Annotated[
        str | None,
        typer.Option("--permittivity", metavar="LOW:HIGH", help="Conduction: range of the relative permittivity."),
    ] = None,
    life_temperature: LifeTemperature = 358.15,
    lost_factor: LostFactor = 2.0,
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", min=1, help="Files at a time.")] = 2,
    force: Force = False,
    json_output: Json = False,
) -> int:
    """Find figures of merit: DC, conduction, cycles, endurance, retention, STDP, transients, levels, noise, map.

    Each file gives what it allows. --out DIR receives tables, figures and report.html.

    Examples:
        devicekit characterize sweeps.csv endurance.csv --out results
        devicekit characterize pairs.csv --ppf-baseline original
        devicekit characterize sweeps.csv --thickness 8e-9 --area 1e-10 --temperature 295 --permittivity 4:25
    """
    from devicekit.features.merit import Sample, Settings
    from devicekit.verbs.characterize import CharacterizeRequest, run_characterize

    settings = Settings(
        reading.read_voltage,
        v_set,
        v_reset,
        threshold,
        horizon,
        kernel,
        ppf_baseline,
        Sample(thickness, area, temperature, _range(permittivity)),
        life_temperature,
        lost_factor,
    )
    request = CharacterizeRequest(files=files_, reading=reading, settings=settings, jobs=jobs, out=out)
    progress = TerminalProgress(json_output)
    return conclude(lambda: run_characterize(request, progress), out, "characterize", force, json_output)


def _range(text: str | None) -> tuple[float, float] | None:
    """LOW:HIGH, or one number for both."""
    if text is None:
        return None
    first = text.removesuffix(":")
    try:
        return parse_range(first if ":" in first else f"{first}:{first}")
    except ValueError:
        raise UsageError(f"--permittivity takes LOW:HIGH, such as 4:25, not {text!r}") from None
