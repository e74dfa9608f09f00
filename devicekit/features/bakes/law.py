"""Limits of what bakes show: the energy that a bake needs to stand for a time of use, and a hotter bake by rank."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.core.records import Estimate, Record, column
from devicekit.core.text import si
from devicekit.device.bakes import Bake, celsius
from devicekit.features.bakes.loss import Loss, inverse
from devicekit.features.bakes.pairs import Pairs

ENERGIES = (0.6, 1.0)  # eV, of the examples
LAW_EV = 0.2  # by which an apparent energy may be wrong at an unseen temperature: measured bakes rise by as much
RANKS = (np.arange(200) + 0.5) / 200


def equivalent_time(bake: Bake, energy_ev: float, kelvin: float) -> float:
    """Return the time in use [s] that a bake stands for with an energy of time [eV]: t exp(Ea (1/kT_use - 1/kT))."""
    assert bake.temperature_k is not None
    return float(bake.time_s * np.exp(energy_ev * (inverse(kelvin) - inverse(bake.temperature_k))))


def times(factor: float) -> str:
    """Return a factor of extrapolation in words: 60,700 times."""
    return f"{float(f'{factor:.3g}'):,.10g} times"


def _stands_for(energy_ev: float) -> str:
    return f"stands for, at {energy_ev:g} eV"


def _seconds(value: float | None) -> str:
    return "–" if value is None else si(value, "s")


@dataclass(frozen=True, kw_only=True)
class BakeReach(Record):
    """Time in use that a bake can stand for."""

    bake: str = column("bake", json=False, row=False)
    temperature_k: float = column(doc="temperature of the bake")
    time_s: float = column("its time", doc="time of the bake, median over the cells")
    use_k: float = column(name="life_temperature_k", unit="K", doc="temperature of use")
    horizon_s: float = column(doc="time in use that is asked for")
    factor: float = column("extrapolation in time", text=times, doc="horizon over the time of the bake")
    needed_ev: float | None = column(
        "Ea needed", unit="eV", text=lambda energy: "–" if energy is None else f"{energy:.3g} eV",
        doc="energy of time above which the bake stands for the horizon; None where it is not hotter than use",
    )  # fmt: skip
    stands_low_s: float = column(_stands_for(ENERGIES[0]), unit="s", text=_seconds, doc="time in use with 0.6 eV")
    stands_high_s: float = column(_stands_for(ENERGIES[1]), unit="s", text=_seconds, doc="time in use with 1.0 eV")
    use_time: Estimate | None = column(
        "stands for, by its own Ea", name="stands_s", unit="s", flat=True, estimate=True, text=_seconds,
        doc="time in use with the apparent energy over the time exponent; None if one is unknown",
    )  # fmt: skip


def reach(pairs: Pairs, use_k: float, horizon_s: float, energy: Estimate | None) -> tuple[BakeReach, ...]:
    """Return what each bake can stand for; `energy` is that of time [eV], if it is known."""
    found = []
    for k in pairs.longest():
        bake = pairs.bakes[k]
        kelvin = float(bake.temperature_k or 0.0)
        apart, factor = inverse(use_k) - inverse(kelvin), horizon_s / bake.time_s
        low, high = (equivalent_time(bake, each, use_k) for each in ENERGIES)
        found.append(
            BakeReach(
                bake=celsius(kelvin),
                temperature_k=kelvin,
                time_s=bake.time_s,
                use_k=use_k,
                horizon_s=horizon_s,
                factor=factor,
                needed_ev=float(np.log(factor) / apart) if apart > 0 else None,
                stands_low_s=low,
                stands_high_s=high,
                use_time=None if energy is None else energy.map(partial(equivalent_time, bake, kelvin=use_k)),
            )
        )
    return tuple(found)


@dataclass(frozen=True, kw_only=True)
class PredictedShift(Record):
    """Shift of one level by a bake that is hotter than all measured ones."""

    level: str = column("level")
    temperature_k: float = column(doc="temperature of the bake that is asked for")
    shift_s: float = column("mean shift, loss by rank", unit="S", name="predicted_shift_s", doc="predicted mean shift")
    low_s: float = column(
        "2.5 %", unit="S", name="predicted_low_s", doc="2.5 % quantile of the cells, least over the energies"
    )
    high_s: float = column(
        "97.5 %", unit="S", name="predicted_high_s", doc="97.5 % quantile of the cells, largest over the energies"
    )
    copied_s: float = column("nearest bake", unit="S", name="copied_shift_s", doc="mean shift of the hottest bake")
    line_s: float = column(
        "line in T", unit="S", name="line_shift_s", doc="line in T through the mean shifts of the two hottest bakes"
    )


def copy_coverage(pairs: Pairs) -> list[float]:
    """Return the share of each hotter bake's cells within 95 % of their level's shifts by the next colder bake."""
    found = []
    for before, k in pairwise(pairs.longest()):
        inside: list[bool] = []
        for level in range(len(pairs.levels)):
            colder, shift = (each[np.isfinite(each)] for each in pairs.shift[pairs.level == level][:, [before, k]].T)
            low, high = np.quantile(colder, (0.025, 0.975)) if colder.size else (np.inf, -np.inf)
            inside += ((low <= shift) & (shift <= high)).tolist()
        found.append(float(np.mean(inside)))
    return found


def predict_shifts(pairs: Pairs, loss: Loss, kelvin: float, energy_ev: float) -> tuple[PredictedShift, ...]:
    """Predict a hotter bake: at each rank of cells -ln(G after / G before) grows by exp(E' (1/kT_hot - 1/kT)).

    The loss at a rank is that of the hottest bake relative to the hottest one without loss; relaxation stays as in the
    latter. Ends are those over energies of E' - 0.2 to E' + 0.2 eV, for the law, since sampling alone does not cover.

    Parameters
    ----------
    pairs : Pairs
    loss : Loss
    kelvin : float
        Temperature of the bake [K].
    energy_ev : float
        Apparent energy E' [eV], measured or set by hand.

    Raises
    ------
    UsageError
        If no bake shows a loss: a mechanism that was not seen is not predicted.
    """
    pairs = pairs.select(pairs.longest())
    kelvins = [float(bake.temperature_k or 0.0) for bake in pairs.bakes]
    if not loss.loss_k or loss.reference_k is None:
        raise UsageError(f"a bake at {celsius(kelvin)} is not predicted: no bake shows a loss to carry on from")
    calm, hot = kelvins.index(loss.reference_k), len(kelvins) - 1
    powers = np.exp((energy_ev + np.array([-LAW_EV, 0.0, LAW_EV])) * (inverse(kelvins[hot]) - inverse(kelvin)))
    found = []
    for number, name in enumerate(pairs.levels):
        own = pairs.level == number
        means = np.nanmean(pairs.shift[own], axis=0)
        rest, lost = (np.nanquantile(pairs.ratio[own, k], RANKS) for k in (calm, hot))
        before = np.nanquantile(pairs.before[own, hot], RANKS[::4])
        with np.errstate(divide="ignore", invalid="ignore"):
            further = np.nan_to_num(np.minimum(lost / rest, 1.0), nan=1.0)
        shifts = [np.outer(before, rest * further**power - 1.0) for power in powers]
        ends = np.array([np.quantile(each, (0.025, 0.975)) for each in shifts])
        line = means[hot] + (means[hot] - means[hot - 1]) / (kelvins[hot] - kelvins[hot - 1]) * (kelvin - kelvins[hot])
        found.append(
            PredictedShift(
                level=name,
                temperature_k=kelvin,
                shift_s=float(shifts[1].mean()),
                low_s=float(ends[:, 0].min()),
                high_s=float(ends[:, 1].max()),
                copied_s=float(means[hot]),
                line_s=float(line),
            )
        )
    return tuple(found)
