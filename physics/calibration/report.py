"""Parts of the report of a calibration: results, determined parameters, and levels with their simulations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from devicekit.core.records import Record
from devicekit.core.scalars import Scalar
from devicekit.core.text import count, listed
from devicekit.plot import Panel
from devicekit.report import Block, Figure, Report, Section, Table, Text, draw
from devicekit.report.shared import provenance_section
from physics.calibration.chain import Chain
from physics.calibration.figures import plain_name
from physics.calibration.measured import WORDS
from physics.calibration.model import PENALTY
from physics.calibration.result import Calibration, ProfileStep
from physics.report import stack_sections


def summary(fit: Calibration) -> list[str]:
    """Return sentences about a calibration."""
    fitted = [each for each in fit.levels if not each.held_out]
    known = [each for each in fit.directions if each.determined]
    words = [
        f"{count(len(fit.priors), 'parameter')} fitted to {count(len(fitted), 'level')}; misfit of ln I "
        f"{fit.rms:.2g} (root mean square over SET, way back with half the weight, and RESET).",
        f"The sweeps determine {count(len(known), 'direction')} of {len(fit.directions)} (combinations of parameters); "
        "values along the others come from their priors.",
    ]
    bound = [each.key for each in fit.parameters if each.at_bound]
    if bound:
        words.append(f"Outside of the prior range: {listed(bound)}. Check the model before you use the value.")
    for each in fit.levels:
        if each.held_out:
            words.append(f"Predicted, not fitted: {each.level.name}: {_by_branch(each.rms)}.")
            if each.change is not None:
                words.append(
                    "From the nearest fitted level as measured, changed as the simulation changes: "
                    f"{_by_branch(each.change)}."
                )
    short = [each.level.name for each in fit.levels if not each.simulated.reached]
    if short:
        words.append(
            f"The simulation of {listed(short)} ends early: each point that it does not reach counts as {PENALTY:g} in "
            "ln I."
        )
    if not fit.converged:
        words.append("The fit had not converged. Run it again with more iterations.")
    words.append("Intervals assume that the model is correct.")
    return words


def _by_branch(rms: Mapping[str, float]) -> str:
    return ", ".join(f"{WORDS[name]} {value:.2g}" for name, value in rms.items())


def sections(fit: Calibration, chain: Chain | None = None, profile: Sequence[ProfileStep] = ()) -> list[Section]:
    """Build the sections: levels, parameters, determined directions, check of the posterior, and stack."""
    words = "Root mean square of ln I, simulated minus measured"
    blocks: list[Block] = [Table.of(fit.levels, words, len(fit.levels)), *map(_level, fit.panels())]
    known: list[Block] = [
        _numbered("", fit.parameters, "Width: standard deviation of the logarithm."),
        draw([fit.correlation_image()], "Correlations of the fitted values.", "Correlation matrix of the parameters"),
        _numbered(
            "direction",
            fit.directions,
            "Combinations of parameters, in prior standard deviations. With a signal over misfit below 1, the prior "
            "decides.",
        ),
    ]
    if profile:
        words = (
            "The objective along each determined direction. Where the two columns differ, the posterior is not normal"
        )
        known.append(Table.of(profile, words, len(profile)))
    found = [Section("Levels", "levels", blocks), Section("Determined parameters", "determined", known)]
    if chain is not None:
        found.append(_chain(chain))
    return [*found, *stack_sections(fit.stack)]


def _numbered(name: str, records: Sequence[Record], caption: str) -> Table:
    """Return the table of records with their numbers, from 1, in front."""
    return Table((name, *records[0].head()), [(str(n), *each.cells()) for n, each in enumerate(records, 1)], caption)


def _level(panel: Panel) -> Figure:
    return draw(
        panel, f"{panel.title}: dots measured, lines simulated.", "Measured and simulated current against voltage"
    )


def _chain(chain: Chain) -> Section:
    rows = [
        (
            str(n),
            f"{chain.laplace[n - 1]:.3f}",
            f"{chain.chain[n - 1]:.3f}",
            f"{chain.interval[n - 1, 0]:+.2f} to {chain.interval[n - 1, 1]:+.2f}",
        )
        for n in range(1, len(chain.laplace) + 1)
    ]
    words = (
        f"Markov chain on an emulator of {count(chain.runs, 'run')}. The emulator error of half the objective is "
        f"{chain.error:.2g} at other likely runs (a standard deviation is 0.5). R-hat {chain.rhat:.3f}."
    )
    table = Table(
        ("direction", "sd by Laplace", "sd by the chain", "95 % of the chain, in Laplace's sd"),
        rows,
        "Standard deviations in units of the prior; the Laplace interval is -1.96 to +1.96.",
    )
    return Section("Laplace against a chain", "chain", [Text([words]), table])


def numbers(fit: Calibration) -> list[Scalar]:
    """Return the most important numbers: misfit, determined directions, and the best-determined parameters."""
    known = sorted(fit.parameters, key=lambda each: each.share)
    return [
        Scalar("misfit", "misfit of ln I, root mean square", fit.rms),
        Scalar("directions", f"directions determined, of {len(fit.directions)}", _determined(fit)),
        *(
            Scalar.from_estimate(each.key, plain_name(each.key), each.estimate, "" if each.unit == "1" else each.unit)
            for each in known
        ),
    ]


def _determined(fit: Calibration) -> int:
    return sum(each.determined for each in fit.directions)


def page(fit: Calibration, chain: Chain | None, profile: Sequence[ProfileStep], command: str) -> Report:
    """Build the page of a calibration.

    Parameters
    ----------
    fit : Calibration
    chain : Chain or None
        Check of the posterior, if any.
    profile : sequence of ProfileStep
        Result of `Calibration.profile`.
    command : str
        Command that makes the page.
    """
    parts = sections(fit, chain, profile)
    levels = parts[0].figures
    halt = "" if fit.converged else " The fit had not converged."
    return Report(
        "Calibrated stack",
        f"The sweeps determine {_determined(fit)} of {count(len(fit.directions), 'combination')} of parameters; misfit "
        f"of ln I {fit.rms:.2g}.{halt}",
        summary(fit),
        [*parts, provenance_section([], command)],
        marks=("SIMULATED", "CALIBRATED"),
        pictures=levels[:3] if len(levels) > 2 else [*levels, *parts[1].figures[:1]],
        numbers=numbers(fit),
        source=f"{count(len(fit.levels), 'level')}, from material set “{fit.stack.material}”",
    )
