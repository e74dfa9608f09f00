"""Accuracy of networks on devices: against epochs, beside the ideal device, and against the nearest flaw."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from devicekit.core.statistics import clopper_pearson, t_quantile
from devicekit.core.text import count, listed
from devicekit.figures.drawn import Drawn, How, Series, dressed, of_each, scale_of, shade
from devicekit.figures.inputs import Input
from devicekit.figures.looks import Look
from devicekit.plot import Axis, Curve, Panel

NAMES = ("accuracy", "benchmark", "flaw")
RANK = 70
NEEDS = "the accuracies of a training or a benchmark"
MEAN = "95 % interval of the mean over seeds (t)"
LONGEST = 32  # letters of the label of an axis; longer words stand in the caption
OF_WINDOW = ", of the window"
GREY = Look("#000000", "--", "s")


def draw(inputs: Sequence[Input], how: How) -> list[Drawn]:
    """Draw trainings against epochs; benchmarks beside the ideal device, and on the curve of their nearest flaw."""
    del how
    trained = [each for each in inputs if each.holds == "training" and len(each.numbers["epochs"]) > 1]
    marked = [each for each in inputs if each.holds == "benchmark"]
    found = [_epochs(trained)] if trained else []
    if marked:
        found += [_benchmark(marked), *_flaw(marked)]
    return found


def _epochs(inputs: Sequence[Input]) -> Drawn:
    """Draw test accuracy after each epoch; trainings that differ by their seed alone are one series."""
    groups: dict[str, list[Input]] = {}
    for each in inputs:
        settings = {**each.numbers.get("settings", {}), "seed": None}
        same = json.dumps([settings, each.numbers.get("data"), each.marks], sort_keys=True, default=str)
        groups.setdefault(same, []).append(each)
    series = dressed([Series(_name(own), own[0], own, "training") for own in groups.values()])
    curves = []
    for one in series:
        rows = [[row["test_accuracy"] for row in each.numbers["epochs"]] for each in one.rows]
        epochs = np.arange(1, min(map(len, rows)) + 1)
        values = np.array([row[: epochs.size] for row in rows])
        mean, low, high = _interval(values, int(one.of.numbers["data"]["n_test"]))
        curves.append(shade(f"{one.name}, 95 %", epochs, 100 * low, 100 * high, one.look))
        style = f"{one.look.marker}{one.look.dash}"
        curves.append(Curve(one.name, epochs, 100 * mean, style=style, colour=one.look.colour, width=1.0, size=2.5))
    data = [each.of.numbers["data"] for each in series]
    splits = list(dict.fromkeys(f"{each['name']}, {each['split']}" for each in data))
    seeds = [count(len(each.rows), "seed") for each in series]
    several = {len(each.rows) > 1 for each in series}
    over = f"Bands: {MEAN}" if True in several else "Bands: 95 % interval by the test samples"
    over += "; of one seed by the test samples" if len(several) > 1 else ""
    return Drawn(
        name="accuracy",
        panel=Panel(Axis("Epoch", whole=True), Axis("Test accuracy", "%"), curves),
        shows=f"Test accuracy after each epoch ({of_each(series, seeds)}).",
        notes=(f"{over}.", f"Data: {'; '.join(splits)}."),
        inputs=tuple(inputs),
        scale=scale_of(series),
    )


def _name(group: Sequence[Input]) -> str:
    """Return the label of a training, of several seeds without their number."""
    first = group[0].label
    return (first.rstrip("0123456789").rstrip(" _-") or first) if len(group) > 1 else first


def _interval(values: np.ndarray, samples: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean and 95 % interval at each epoch: by seeds, or of one seed by its test samples."""
    mean = values.mean(axis=0)
    if len(values) > 1:
        wide = t_quantile(0.975, len(values) - 1) * values.std(axis=0, ddof=1) / np.sqrt(len(values))
        return mean, np.maximum(mean - wide, 0.0), np.minimum(mean + wide, 1.0)
    ends = np.array([clopper_pearson(each * samples, samples) for each in mean])
    return mean, ends[:, 0], ends[:, 1]


def _of_seeds(values: Sequence[float]) -> tuple[float, float, float]:
    """Return mean and 95 % interval over seeds [%]."""
    found = 100 * np.asarray(values, float)
    wide = t_quantile(0.975, found.size - 1) * found.std(ddof=1) / np.sqrt(found.size) if found.size > 1 else np.nan
    return float(found.mean()), float(found.mean() - wide), float(found.mean() + wide)


def _plain_rates(given: Input) -> Mapping[str, Any]:
    """Return the result with plain learning rates, else the first one."""
    variants: list[Mapping[str, Any]] = given.numbers["variants"]
    return next((each for each in variants if each["variant"] == "plain"), variants[0])


def _benchmark(inputs: Sequence[Input]) -> Drawn:
    series = dressed([Series(each.label, each, _plain_rates(each)) for each in inputs])
    rows, curves = np.arange(len(series), dtype=float), []
    for name, field, style, colour, shift in (
        ("device", "device", "o", series[0].look.colour, -0.12),
        ("ideal device", "twin", "s", "#000000", 0.12),
    ):
        mean, low, high = np.array([_of_seeds(each.rows[field]) for each in series]).T
        curves.append(Curve(name, mean, rows + shift, "across", style, low, high, colour, size=3.0, width=0.8))
    splits = dict.fromkeys(str(each.numbers["split"]) for each in inputs)
    return Drawn(
        name="benchmark",
        panel=Panel(Axis("Test accuracy", "%"), Axis("", names=tuple(each.name for each in series)), curves),
        shows=f"Accuracy of a network on devices and on their ideal devices ({_seeds(inputs)}).",
        notes=(f"{_bars_text('Bars', series)}Plain learning rates.", f"Data: {'; '.join(splits)}."),
        inputs=tuple(inputs),
    )


def _seeds(inputs: Sequence[Input]) -> str:
    found = sorted({int(each.numbers["seeds"]) for each in inputs})
    return f"{listed([str(each) for each in found[:-1]] + [count(found[-1], 'training')])} each"


def _bars_text(what: str, series: Sequence[Series]) -> str:
    """Return what the bars are, and that a single training has none, in a sentence; "" without a bar."""
    several = {len(each.rows["device"]) > 1 for each in series}
    if True not in several:
        return ""
    return f"{what}: {MEAN}{'; none of a single training' if len(several) > 1 else ''}. "


def _flaw(inputs: Sequence[Input]) -> list[Drawn]:
    """Draw the accuracy of a generic device against the flaw that is nearest to its limit in the first benchmark."""
    from snn.benchmark.curves import shipped
    from snn.benchmark.flaws import SEVERITIES

    measured = shipped()
    seeds = int(measured["seeds"]["plain"])
    nearest = next((each["flaw"] for each in inputs[0].numbers.get("distances", ())), None)
    flaw = next((each for each in SEVERITIES if each.name == nearest), None)
    if flaw is None or any(each.numbers["split"] != measured["split"] for each in inputs):
        return []
    points = sorted(measured["flaws"][flaw.name]["plain"], key=lambda point: point["severity"])
    points = [point for point in points if point["severity"] > 0 or not flaw.log]
    x, mean, error = (np.array([point[key] for point in points]) for key in ("severity", "mean", "se"))
    wide = 100 * t_quantile(0.975, seeds - 1) * error
    name = "generic device"
    line = Curve(name, x, 100 * mean, style=f"{GREY.marker}{GREY.dash}", colour=GREY.colour, width=0.8, size=2.0)
    curves = [shade(f"{name}, 95 %", x, 100 * mean - wide, 100 * mean + wide, Look("#8c8c8c")), line]
    series = dressed([Series(each.label, each, _plain_rates(each)) for each in inputs])
    shown = [each for each in series if each.of.numbers["severities"].get(flaw.name) is not None]
    for each in shown:
        at = np.array([each.of.numbers["severities"][flaw.name]])
        middle, low, high = (np.array([value]) for value in _of_seeds(each.rows["device"]))
        look = each.look
        curves.append(Curve(each.name, at, middle, "errors", look.marker, low, high, look.colour, size=4.0))
    words = flaw.axis.removesuffix(OF_WINDOW)
    label = words if len(words) <= LONGEST else flaw.name
    if flaw.unit == "%":  # as in tables and pages
        curves = [replace(each, x=100.0 * np.asarray(each.x, float)) for each in curves]
    unit = ("% of window" if words != flaw.axis else "%") if flaw.unit == "%" else ""
    across = Axis(f"{label[:1].upper()}{label[1:]}", unit, scale="log" if flaw.log else "linear")
    meaning = f" ({words})" if label != words else ""
    return [
        Drawn(
            name="flaw",
            panel=Panel(across, Axis("Test accuracy", "%"), curves),
            shows=f"Accuracy against {flaw.name}{meaning}, the flaw nearest to its limit in {series[0].name}.",
            notes=(
                f"Line: a SYNTHETIC generic device with this flaw ({seeds} seeds).",
                f"{_bars_text('Band and bars', shown) or f'Band: {MEAN}. '}Plain learning rates.",
            ),
            inputs=tuple(inputs),
        )
    ]
