"""Visible loss by a bake, and the apparent energy of the loss at the bakes' time.

The loss of a group of levels is -ln of the median ratio G after / G before, relative to the hottest bake without
visible loss. It grows as exp(-E' / kT) over bakes of about the same time. If the reference bake lost by the same law
too, E' is smaller than if it lost nothing: both are given. With a power law of time, loss ~ t^nu, the energy of time is
E' / nu; one time does not determine nu. Intervals come from resampling cells, all bakes of a cell together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from devicekit.core.constants import BOLTZMANN_EV
from devicekit.core.records import Estimate, Record, cell, column, internal
from devicekit.core.statistics import chi2_tail
from devicekit.device.bakes import celsius
from devicekit.device.horizon import LEAST_DECADES
from devicekit.features.bakes.pairs import Pairs

MOVED = 0.3  # standard deviations of the shift below the colder bakes, from which a loss is visible
CERTAIN = 5.0  # standard errors, the same
BENT = 0.05  # p value of a line in 1/kT below which no energy is given
RESAMPLED = 400
NEGATIVE = 0.02  # of the resampled losses may be 0 or less
ROUNDS = 60  # of the fit with a loss in the reference too
LEAST_EV = 0.02  # energy that it starts from, at least
LEAST_TIMES = 3  # of an exponent of time


@dataclass(frozen=True, kw_only=True)
class GroupMove(Record):
    """Mean shift of a group of levels by one bake against the colder bakes without loss."""

    levels: str = column("levels", doc="group of neighbouring levels, lowest conductance first")
    temperature_k: float = column(
        "bake", text=lambda kelvin: celsius(kelvin), doc="temperature of the bake", name="temperature_k"
    )
    moved_sd: float = column(
        "moved, in sd", text="{:.2f}".format, doc="mean shift less that of the colder bakes, over the sd of the shift"
    )
    errors: float = column(
        "in standard errors", text="{:.1f}".format, name="moved_errors", doc="the same over its standard error"
    )
    loss: bool = column("visible loss", name="visible_loss", doc="whether it moved down by more than both limits")
    lost: Estimate | None = column(
        "loss, -ln of the median ratio", name="median_loss", flat=True, estimate=True,
        doc="-ln of the median G after / G before, relative to the hottest bake without loss",
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class GroupEnergy(Record):
    """Apparent energy of the loss of one group of levels."""

    levels: str = column("levels", doc="group of neighbouring levels, lowest conductance first")
    energy: Estimate = column(
        name="apparent_energy_ev", unit="eV", flat=True, doc="the reference bake lost by the same law"
    )
    upper: Estimate = column(name="upper_energy_ev", unit="eV", flat=True, doc="the reference bake lost nothing")

    @cell("E', same law in the reference", after="levels")
    def energy_text(self) -> str:
        """Energy with its interval."""
        return energy_words(self.energy)

    @cell("E', nothing lost in the reference", after="energy_text")
    def upper_text(self) -> str:
        """The same if the reference lost nothing."""
        return energy_words(self.upper)


def energy_words(found: Estimate) -> str:
    """Return an energy with its interval in words."""
    low, high = found.ends or (float("nan"), float("nan"))
    return f"{found.value:.3g} eV ({low:.3g} to {high:.3g})"


@dataclass(frozen=True, kw_only=True)
class Loss(Record):
    """Bakes with visible loss, and its apparent energy."""

    moves: tuple[GroupMove, ...] = internal("of each group by each bake but the coldest")
    loss_k: tuple[float, ...] = column(name="loss_temperatures_k", unit="K", doc="temperatures with visible loss")
    reference_k: float | None = column(doc="hottest bake without visible loss, to which losses are relative")
    energies: tuple[GroupEnergy, ...] = internal("of each group with loss in all of these bakes")
    energy: Estimate | None = column(
        name="apparent_energy_ev",
        unit="eV",
        doc="of the loss at the bakes' time; mean over groups, same law in all bakes",
    )
    upper: Estimate | None = column(
        name="upper_energy_ev", unit="eV", doc="the same if the reference bake lost nothing"
    )
    refusal: str | None = column(name="energy_refusal", doc="why there is no apparent energy")
    tested: bool = column(name="line_tested", doc="whether three bakes with loss or more test the line in 1/kT")


def inverse(kelvin: float) -> float:
    """Return 1 / kT [1/eV]."""
    return 1.0 / (BOLTZMANN_EV * kelvin)


def find_loss(pairs: Pairs, seed: int = 0) -> Loss:
    """Find bakes with visible loss, and the apparent energy where two of them or more show it.

    Parameters
    ----------
    pairs : Pairs
        Of several times at one temperature the longest counts.
    seed : int
        Of the resampling of cells.
    """
    pairs = pairs.select(pairs.longest())
    kelvins = [float(bake.temperature_k or 0.0) for bake in pairs.bakes]
    groups = pairs.groups()
    calm: list[int] = [0]
    lossy: list[int] = []
    moves: list[tuple[int, int, float, float, bool]] = []
    for k in range(1, len(kelvins)):
        found = [_move(pairs, group, calm, k) for group in groups]
        visible = [sd < -MOVED and errors < -CERTAIN for sd, errors in found]
        (lossy if any(visible) else calm).append(k)
        moves += [(k, n, *found[n], visible[n]) for n in range(len(groups))]
    reference = max((k for k in calm if not lossy or k < lossy[0]), default=None)
    shared = [
        n for n in range(len(groups)) if lossy and all(each[4] for each in moves if each[0] in lossy and each[1] == n)
    ]
    losses = {} if reference is None else _losses(pairs, groups, reference, lossy, seed)
    refusal, line, upper = _refusal(len(kelvins), lossy, shared), LossLine(), LossLine()
    if refusal is None and reference is not None:
        x, known = np.array([inverse(kelvins[k]) for k in lossy]), np.array([losses[n] for n in shared])
        line, upper = fit_line(x, known, inverse(kelvins[reference])), fit_line(x, known)
        if line.mean is None:
            refusal = "the loss is too small in one of the bakes"
        elif line.p is not None and line.p < BENT:
            refusal = f"ln of the loss against 1/kT is bent (p = {line.p:.2g}): the mechanism changes between the bakes"
            line = LossLine()
    return Loss(
        moves=tuple(
            GroupMove(
                levels=pairs.name(groups[n]), temperature_k=kelvins[k], moved_sd=sd, errors=errors, loss=visible,
                lost=_estimate(losses[n][lossy.index(k)]) if k in lossy and n in losses else None,
            )
            for k, n, sd, errors, visible in moves
        ),
        loss_k=tuple(kelvins[k] for k in lossy),
        reference_k=None if reference is None or not kelvins else kelvins[reference],
        energies=tuple(
            GroupEnergy(levels=pairs.name(groups[n]), energy=own, upper=calm)
            for n, own, calm in zip(shared, line.slopes, upper.slopes, strict=False)
        ),
        energy=line.mean,
        upper=upper.mean if line.mean is not None else None,
        refusal=refusal,
        tested=line.p is not None,
    )  # fmt: skip


def measure_exponent(pairs: Pairs, loss: Loss, seed: int = 0) -> Estimate | None:
    """Return the exponent of time of the loss, from three times or more over three decades of one bake with loss.

    None where there is no such bake, or ln of the loss against ln t is bent.
    """
    if loss.reference_k is None:
        return None
    kelvins = [bake.temperature_k for bake in pairs.bakes]
    for kelvin in loss.loss_k:
        own = [k for k, each in enumerate(kelvins) if each == kelvin]
        times = np.array([pairs.bakes[k].time_s for k in own])
        if times.size < LEAST_TIMES or np.log10(times[-1] / times[0]) < LEAST_DECADES:
            continue
        calm = max(k for k, each in enumerate(kelvins) if each == loss.reference_k)
        losses = _losses(pairs, pairs.groups(), calm, own, seed)
        share = (
            0.0 if loss.energy is None else np.exp(loss.energy.value * (inverse(kelvin) - inverse(loss.reference_k)))
        )
        whole = [each + each[-1:] * share / (1.0 - share) for each in losses.values()]  # with the loss of the reference
        positive = [each for each in whole if (each[:, 0] > 0).all()]
        line = fit_line(-np.log(times), np.array(positive)) if positive else LossLine()
        if line.mean is not None and line.p is not None and line.p >= BENT:
            return line.mean
    return None


def _move(pairs: Pairs, group: np.ndarray, calm: list[int], k: int) -> tuple[float, float]:
    """Return the mean shift of a bake less that of the bakes without loss, in sd and in standard errors."""
    own = pairs.cells(group)
    shift, colder = pairs.shift[own, k], pairs.shift[own][:, calm].mean(axis=1)
    apart = shift - colder
    apart, shift = apart[np.isfinite(apart)], shift[np.isfinite(shift)]
    if apart.size < 2 or not shift.std() > 0:
        return 0.0, 0.0
    mean = float(apart.mean())
    return mean / float(shift.std(ddof=1)), mean / float(apart.std(ddof=1) / np.sqrt(apart.size) or np.inf)


def _refusal(bakes: int, lossy: list[int], shared: list[int]) -> str | None:
    """Return why two bakes do not give an energy."""
    if bakes < 2:
        return "an apparent energy needs bakes at several temperatures"
    if len(lossy) < 2:
        shown = "no bake shows" if not lossy else "one bake shows"
        return f"{shown} a loss, and an apparent energy needs two"
    return None if shared else "no group of levels shows the loss in all of these bakes"


def _losses(
    pairs: Pairs, groups: list[np.ndarray], reference: int, lossy: list[int], seed: int
) -> dict[int, np.ndarray]:
    """Return the loss of each group by each bake with loss, then resampled: (bakes, 1 + resampled)."""
    rng, found = np.random.default_rng([seed, 40]), {}
    for n, group in enumerate(groups):
        ratio = pairs.ratio[pairs.cells(group)][:, [reference, *lossy]]
        ratio = ratio[np.isfinite(ratio).all(axis=1)]
        if len(ratio) < 2 or not lossy:
            continue
        draws = [ratio, *(ratio[rng.integers(len(ratio), size=len(ratio))] for _ in range(RESAMPLED))]
        with np.errstate(divide="ignore"):
            log = np.log([np.median(each, axis=0) for each in draws])
        found[n] = (log[:, :1] - log[:, 1:]).T
    return found


def _estimate(values: np.ndarray) -> Estimate:
    """Return the first value with the 95 % interval of the others."""
    low, high = np.quantile(values[1:], (0.025, 0.975))
    return Estimate(float(values[0]), float(low), float(high))


class LossLine(NamedTuple):
    """Line of ln of the loss: falling slope of each group, their mean (None if a loss is not above 0), and p value."""

    slopes: tuple[Estimate, ...] = ()
    mean: Estimate | None = None
    p: float | None = None


def fit_line(x: np.ndarray, losses: np.ndarray, reference: float | None = None) -> LossLine:
    """Fit ln of the loss of each group against x by least squares.

    Parameters
    ----------
    x : ndarray, shape (bakes,)
        1 / kT [1/eV], or -ln t for an exponent of time.
    losses : ndarray, shape (groups, bakes, 1 + resampled)
        As measured, and resampled.
    reference : float, optional
        1 / kT of the bake to which losses are relative, if it lost by the same law: the loss of a bake is then
        A (exp(-E x) - exp(-E x_ref)). Without it nothing was lost there.
    """
    if (losses[:, :, 0] <= 0).any() or (losses <= 0).any(axis=(0, 1)).mean() > NEGATIVE:
        return LossLine()
    y = np.log(losses[:, :, (losses > 0).all(axis=(0, 1))])
    weights = 1.0 / y[:, :, 1:].var(axis=2)[:, :, None]
    total = weights.sum(axis=1, keepdims=True)
    away = x[None, :, None] - (weights * x[:, None]).sum(axis=1, keepdims=True) / total
    slopes, full = -(weights * away * y).sum(axis=1) / (weights * away**2).sum(axis=1), y
    for _ in range(0 if reference is None else ROUNDS):
        at_reference = np.exp(-np.maximum(slopes, LEAST_EV)[:, None, :] * ((reference or 0.0) - x)[None, :, None])
        full = y - np.log1p(-at_reference)
        slopes = (slopes - (weights * away * full).sum(axis=1) / (weights * away**2).sum(axis=1)) / 2.0
    p = None
    if x.size > 2:
        p = _bend(full - (weights * full).sum(axis=1, keepdims=True) / total + slopes[:, None, :] * away)
    return LossLine(tuple(_estimate(each) for each in slopes), _estimate(slopes.mean(axis=0)), p)


def _bend(rest: np.ndarray) -> float:
    """Return the p value of residuals about a line, (groups, bakes, 1 + resampled), by their covariance over draws."""
    total = 0.0
    for each in rest:
        inverted = np.linalg.pinv(np.cov(each[:, 1:]), rcond=1e-6, hermitian=True)
        total += float(each[:, 0] @ inverted @ each[:, 0])
    return chi2_tail(total, rest.shape[0] * (rest.shape[1] - 2))
