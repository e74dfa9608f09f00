"""Sentences and tables of correlations over cycles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from devicekit.core.quantities import Quantity
from devicekit.core.text import count, listed
from devicekit.features.cycles.autoregression import Autoregression, Coefficient
from devicekit.features.cycles.correlations import LEAST_EFFECTIVE, Combined, Correlation

CLEAR = 0.05  # Holm's p below which a correlation is reported
MOST_NAMED = 3
UNLIKE = 0.05  # p of heterogeneity below which devices are reported as different
HEAD = ("pair", "values or changes", "pairs", "n_eff", "rho", "95 % interval", "p", "Holm's p", "devices")


def _labels(quantities: Sequence[Quantity]) -> dict[str, str]:
    return {each.name: each.label for each in quantities}


def _pair_text(one: Correlation, labels: Mapping[str, str]) -> str:
    """Return the two quantities in words."""
    if not one.lag:
        return f"{labels[one.first]} and {labels[one.second]}"
    second = "its previous value" if one.first == one.second else f"the previous {labels[one.second]}"
    return f"{labels[one.first]} with {second}"


def _format(value: float | None) -> str:
    return "–" if value is None or not np.isfinite(value) else f"{value:.2f}"


def _format_p(value: float) -> str:
    if not np.isfinite(value):
        return "–"
    return "< 0.0001" if value < 1e-4 else f"{value:.2g}"


def correlation_text(
    combined: Sequence[Combined], quantities: Sequence[Quantity], n_devices: int, total: int, step: str
) -> list[str]:
    """Return which values are correlated, whether their changes agree, and which cannot be judged."""
    labels = _labels(quantities)
    values = [each for each in combined if not each.differenced]
    changes = {each.key[:3]: each for each in combined if each.differenced}
    clear = sorted((e for e in values if e.p_holm < CLEAR), key=lambda e: -abs(e.rho.value))
    where = f"Over {count(total, 'cycle')} of {count(n_devices, 'device')}"
    if step != "one cycle":
        where = f"Over {count(total, 'reading')} of {count(n_devices, 'device')}, {step} apart,"
    lasting = [e for e in clear if _is_in_changes(e, changes.get(e.key[:3]))]
    faded = [e for e in clear if e not in lasting]
    blind = [e for e in values if e.rho.known and not e.weight]
    found = []
    if lasting:
        names = _first_names([_rho_text(each, labels) for each in lasting])
        found.append(
            f"{where} {len(lasting)} of {len(values)} rank correlations {_be(lasting)} significant, and the "
            f"changes from cycle to cycle agree: {names}."
        )
    if faded:
        names = _first_names([_rho_text(each, labels) for each in faded])
        start = f"{len(faded)} more" if lasting else f"{where} {len(faded)} of {len(values)} rank correlations"
        found.append(
            f"{start} {_be(faded)} significant in the values but not in the changes, and may come from drift: {names}."
        )
    if blind:
        found.append(_unjudged_text(blind, changes, labels, "" if found else f"{where} ", len(values)))
    if not found:
        text = f"none of {len(values)} correlations within a cycle or with the previous one is significant"
        found.append(f"{where} {text}.")
    unlike = [each for each in clear if each.p_heterogeneity < UNLIKE]
    if unlike:
        names = _first_names([_pair_text(each, labels) for each in unlike])
        found.append(f"The devices differ in {names}.")
    return found


def _be(found: Sequence[Combined]) -> str:
    """Return the verb for a number of correlations."""
    return "is" if len(found) == 1 else "are"


def _rho_text(one: Correlation, labels: Mapping[str, str]) -> str:
    """Return a correlation with its interval."""
    return f"{_pair_text(one, labels)} {_format(one.rho.value)} ({_format(one.rho.low)} to {_format(one.rho.high)})"


def _first_names(names: list[str]) -> str:
    """Return the first of some names, and the number of others."""
    return ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else "")


def _unjudged_text(
    blind: Sequence[Correlation],
    changes: Mapping[tuple[str, str, int], Correlation],
    labels: Mapping[str, str],
    where: str,
    total: int,
) -> str:
    """Return which correlations cannot be judged, with the largest of them."""
    first = max(blind, key=lambda one: abs(one.rho.value))
    first = next((one for one in blind if not one.lag), first)
    changed = changes.get(first.key[:3])
    of_changes = f", {_format(changed.rho.value)} of changes" if changed is not None and not first.lag else ""
    return (
        f"{where}{len(blind)} of {total} rank correlations cannot be judged, {_pair_text(first, labels)} among them "
        f"(rho {_format(first.rho.value)}{of_changes}). Quantities change so slowly that {first.n} pairs count as "
        f"{first.n_effective:.1f} independent ones; {LEAST_EFFECTIVE:g} are needed."
    )


def _is_in_changes(one: Correlation, change: Correlation | None) -> bool:
    """Return whether changes, which a drift does not touch, show a relation of the same sign."""
    if change is None or not change.p < CLEAR:
        return False
    return bool(np.sign(change.rho.value - change.expected) == np.sign(one.rho.value))


def drift_text(devices: Mapping[str, Sequence[str]], quantities: Sequence[Quantity]) -> list[str]:
    """Return which devices drift, and in what."""
    if not devices:
        return []
    labels = _labels(quantities)
    drifts = [f"{device} ({listed([labels[name] for name in names])})" for device, names in list(devices.items())[:5]]
    more = f" and {len(devices) - 5} more" if len(devices) > 5 else ""
    return [
        f"{listed(drifts)}{more} {'drifts' if len(devices) == 1 else 'drift'} over the cycles; judge correlations by "
        "the changes."
    ]


def autoregression_text(fit: Autoregression | None, why_not: str, n_devices: int) -> list[str]:
    """Return order, memory and residuals of the autoregression."""
    if fit is None:
        return [f"No autoregression: {why_not}."]
    if fit.order == 0:
        return [f"The cycles show no memory by BIC ({count(fit.n, 'cycle')})."]
    state = "stationary" if fit.stationary else "NOT stationary, so it cannot generate cycles"
    shape = "its residuals may be normal" if fit.normal else "its residuals are not normal"
    return [
        f"An autoregression of order {fit.order} (by BIC, {count(fit.n, 'cycle')} of {count(n_devices, 'device')}) has "
        f"spectral radius {fit.radius:.2f}: it is {state}; {shape}."
    ]


def rows(combined: Sequence[Combined], quantities: Sequence[Quantity]) -> list[tuple[str, ...]]:
    """Return rows under `HEAD`, the strongest correlations first."""
    labels = _labels(quantities)
    ordered = sorted(combined, key=lambda one: (not one.p_holm < CLEAR, -abs(one.rho.value)))
    return [
        (
            _pair_text(one, labels),
            "changes" if one.differenced else "values",
            str(one.n),
            f"{one.n_effective:.1f}",
            _format(one.rho.value),
            f"{_format(one.rho.low)} to {_format(one.rho.high)}",
            _format_p(one.p),
            _format_p(one.p_holm),
            f"{one.n_devices}{' (differ)' if one.p_heterogeneity < UNLIKE else ''}",
        )
        for one in ordered
    ]


def coefficient_rows(
    found: Sequence[Coefficient], quantities: Sequence[Quantity]
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return head and rows: one row per quantity and lag, one column per quantity it depends on."""
    labels, k = _labels(quantities), len(quantities)
    rows = [found[start : start + k] for start in range(0, len(found), k)]
    cells = [(labels[own[0].quantity], str(own[0].lag), *(each.text for each in own)) for own in rows]
    return ("quantity", "cycles back", *labels.values()), cells
