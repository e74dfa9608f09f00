"""Figures of a benchmark: losses of cards side by side, and their places on the curve of each flaw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from devicekit.core.statistics import t_quantile
from devicekit.plot import COLOURS, Axis, Curve, Panel
from snn.benchmark.curves import CRITICAL_LOSS, shipped
from snn.benchmark.flaws import Flaw
from snn.benchmark.losses import VariantResult
from snn.benchmark.result import Benchmark
from snn.benchmark.task import NETWORKS, VARIANTS, Variant

LOOKS: dict[Variant, tuple[str, str]] = {  # line and marker, colour
    "plain": ("o-", COLOURS["ltp"]),
    "scaled": ("s--", COLOURS["ltd"]),
    "wide": (":", "0.5"),
    "policy": ("v-.", "#3b7d3b"),
}
SAME = 0.05  # share of a figure's width and height within which marks are at one place
_BESIDE: dict[Variant, float] = {"plain": -0.18, "policy": -0.06, "scaled": 0.06, "wide": 0.18}  # of several cards


def losses(results: Sequence[Benchmark]) -> Panel:
    """Draw the losses compared with the ideal device, with intervals over trainings, thin over resampled devices.

    One card has a row for each network; several cards have a row each, the least loss on top.
    """
    ordered = sorted(results, key=lambda each: each.worst.loss)
    alone = ordered[0].all_variants if len(ordered) == 1 else ()
    curves = []
    for variant in LOOKS:
        found = [
            (place, each)
            for place, result in enumerate(ordered)
            for each in result.all_variants
            if each.variant == variant
        ]
        if found:
            places, variants = zip(*found, strict=True)
            where = np.array([alone.index(variants[0])]) if alone else np.array(places) + _BESIDE[variant]
            curves += _loss(variant, variants, where)
    names = tuple(each.task for each in alone) or tuple(each.name for each in ordered)
    axis = Axis("accuracy lost", "points")
    limit = 100 * CRITICAL_LOSS
    lines, notes = [("x", 0.0), ("x", limit)], [(limit, -0.4, f" {limit:g} points")]
    return Panel(axis, Axis("", names=names), curves, lines=lines, notes=notes, legend="none" if alone else "above")


def _loss(variant: Variant, found: Sequence[VariantResult], where: np.ndarray) -> list[Curve]:
    """Return the losses of cards in one network, with thin bars for devices of their kind."""
    style, colour = LOOKS[variant]
    x = np.array([100 * each.loss for each in found])
    marker, curves = style[0] if variant != "wide" else "^", []
    for name, width, wide in (("", 2.4, False), (", devices of this kind", 0.8, True)):
        low, high = 100 * np.array([each.interval if wide else each.own_interval for each in found]).T
        look = {"style": marker, "colour": colour, "size": 5.0, "width": width, "legend": not wide}
        curves.append(Curve(f"{NETWORKS[variant]}{name}", x, where, "across", low=low, high=high, **look))  # type: ignore[arg-type]
    return curves[: 1 + any(each.open_sd for each in found)]


def severity(flaw: Flaw, results: Sequence[Benchmark], networks: Sequence[Variant] = tuple(LOOKS)) -> Panel:
    """Draw the accuracy of the generic device against the severity of one flaw, and the cards that have the flaw.

    Parameters
    ----------
    flaw : Flaw
    results : sequence of Benchmark
    networks : sequence of str
        The variants that are drawn; fewer make a picture for a first page.
    """
    factor, several = _factor(flaw), len(results) > 1
    curves = [curve for variant in networks for curve in _generic(flaw, variant)]
    lines, places = [], []
    for number, result in enumerate(results, start=1):
        own = result.severities.get(flaw.name)
        if own is None:
            continue
        if result.split != shipped()["split"]:  # an accuracy on other data does not belong to this curve
            lines.append(("x", factor * own))
            continue
        for each in result.all_variants:
            if each.variant != "wide" and each.variant in networks:
                place = _place(result, each, factor * own, several)
                curves.append(place)
                if several:
                    places.append((number, factor * own, float(place.y[0])))
    notes = _numbers(places, curves, flaw.log)
    axis = Axis(flaw.axis, flaw.unit if flaw.unit == "%" else "", scale="log" if flaw.log else "linear")
    return Panel(axis, Axis("accuracy", "%"), curves, notes=notes, lines=lines)


def _numbers(
    places: Sequence[tuple[int, float, float]], curves: Sequence[Curve], log: bool
) -> list[tuple[float, float, str]]:
    """Return the numbers of cards beside their marks; cards at one place share a note."""

    def at(x: float) -> float:
        return float(np.log(x)) if log and x > 0 else x

    points = [(at(float(x)), float(y)) for each in curves for x, y in zip(each.x, each.y, strict=True)]
    wide, high = np.ptp(points, axis=0) if points else (0.0, 0.0)
    groups: list[tuple[float, float, list[int]]] = []
    for number, x, y in places:
        near = (each for each in groups if abs(at(x) - at(each[0])) <= SAME * wide and abs(y - each[1]) <= SAME * high)
        own = next(near, None)
        if own is None:
            groups.append((x, y, [number]))
        elif number not in own[2]:
            own[2].append(number)
    return [(x * (1.06 if log else 1.0), y, f"  {', '.join(map(str, own))}") for x, y, own in groups]


def _factor(flaw: Flaw) -> float:
    """Return the factor from a severity to the numbers of its axis."""
    return 100.0 if flaw.unit == "%" else 1.0


def _generic(flaw: Flaw, variant: Variant) -> list[Curve]:
    """Return the curve of the generic device, and in a network that decides the level of 2 points lost."""
    found, (style, colour) = shipped(), LOOKS[variant]
    points = found["flaws"][flaw.name][variant]
    x, y, se = (np.array([point[key] for point in points]) for key in ("severity", "mean", "se"))
    kept = x > 0 if flaw.log else np.isfinite(x)
    x, y = _factor(flaw) * x[kept], 100 * y[kept]
    half = 100 * t_quantile(0.975, found["seeds"][variant] - 1) * se[kept]
    name = NETWORKS[variant]
    curves = [Curve(name, x, y, "errors", style=style, colour=colour, low=y - half, high=y + half)]
    if variant in VARIANTS:
        level = np.full(2, 100 * (found["base"][variant]["mean"] - CRITICAL_LOSS))
        ends, is_first = np.array([x.min(), x.max()]), variant == VARIANTS[0]
        lost = Curve(f"2 points lost, {name}", ends, level, style=":", colour=colour, data=False, legend=is_first)
        curves.append(replace(lost, label="2 points lost"))
    return curves


def _place(result: Benchmark, found: VariantResult, own: float, several: bool) -> Curve:
    """Return the mark of a card's device in one network."""
    at = np.array([own]), np.array([100 * found.mean_of_device])
    key = "" if several or found.variant != VARIANTS[0] else "this device"
    name, colour = f"{result.name}, {NETWORKS[found.variant]}", LOOKS[found.variant][1]
    return Curve(name, *at, style="D", colour=colour, size=7.0, legend=bool(key), label=key)
