"""Device cards of published devices, from the labels by which NeuroSim describes them instead of from readings."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from devicekit.core.errors import CodedWarning, UsageError
from devicekit.core.text import percent, si
from devicekit.device.blocks import BranchVariation, Sigma
from devicekit.device.card import DeviceCard
from devicekit.models.labels import STEEPEST, a_of_label
from devicekit.tables import PulseTable

_PAIRS = {"pulses": "64,64", "nl": "0.5,-0.5"}
PUBLISHED = Path(__file__).with_name("published.toml")
FEWEST = 5  # pulses of a train that has a shape


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Device as tables of NeuroSim describe it.

    Parameters
    ----------
    name : str
        Name of the device.
    g_max_s : float
        Highest conductance [S], above 0 and at most 1.
    on_off : float
        Highest over lowest conductance, above 1.
    pulses : tuple of int
        Pulses of a whole LTP train and of a whole LTD train, at least 5.
    nl : tuple of float
        Label of nonlinearity of LTP and of LTD, -9..9. LTP that is steep at first has a positive one, such LTD a
        negative one.
    c2c : float
        Standard deviation of the change by one pulse, fraction of the window, 0..1.
    source : str
        Where the labels are printed.
    printed_accuracy : float, optional
        Accuracy that the source prints for a network of such devices [1].

    Raises
    ------
    UsageError
        If a value is out of its range.
    """

    name: str
    g_max_s: float
    on_off: float
    pulses: tuple[int, int]
    nl: tuple[float, float]
    c2c: float
    source: str
    printed_accuracy: float | None = None

    def __post_init__(self) -> None:
        limits = f"-{STEEPEST:g} to {STEEPEST:g}"
        refused = (
            (not 0 < self.g_max_s <= 1, "g_max", f"{self.g_max_s:g} S", "above 0, at most 1 S: 1e-5 is 10 uS"),
            (not (math.isfinite(self.on_off) and self.on_off > 1), "on_off", f"{self.on_off}", "above 1"),
            (min(self.pulses) < FEWEST, "pulses", f"{min(self.pulses)}", f"at least {FEWEST}"),
            (not max(map(abs, self.nl)) <= STEEPEST, "nl", f"{max(self.nl, key=abs)}", limits),
            (not 0 <= self.c2c <= 1, "c2c", f"{self.c2c}", "0 to 1, a fraction of the window"),
        )
        for wrong, name, found, expected in refused:
            if wrong:
                raise UsageError(f"{self.name}: {name} is {found}, expected {expected}.")

    @property
    def g_min_s(self) -> float:
        """Lowest conductance [S]."""
        return self.g_max_s / self.on_off

    def row(self) -> tuple[str, ...]:
        """Return the labels as texts of a table."""
        pairs = (", ".join(f"{each:g}" for each in pair) for pair in (self.pulses, self.nl))
        accuracy = "–" if self.printed_accuracy is None else f"{100 * self.printed_accuracy:.0f}"
        return self.name, si(self.g_max_s, "S"), f"{self.on_off:g}", *pairs, percent(self.c2c), accuracy


@cache
def published_devices() -> dict[str, Labels]:
    """Return the devices of NeuroSim's manual by name."""
    held = tomllib.loads(PUBLISHED.read_text("utf-8"))
    devices = [
        Labels(**{**each, "pulses": tuple(each["pulses"]), "nl": tuple(each["nl"])}, source=held["source"])
        for each in held["device"]
    ]
    return {each.name: each for each in devices}


def known_labels(name: str) -> Labels:
    """Return the labels of a known device, whose name is written in any case.

    Raises UsageError if it is none of the known ones; the message lists them.
    """
    known = {each.lower(): labels for each, labels in published_devices().items()}
    if name.lower() not in known:
        raise UsageError(f"No labels of {name!r} are known; known devices: {', '.join(published_devices())}.")
    return known[name.lower()]


def find_labels(name: str, given: Mapping[str, Any]) -> Labels:
    """Return the labels of a device: those of a known one, changed by what is given, or all that is given.

    Raises UsageError if labels are missing, are not numbers, or are out of range.

    Parameters
    ----------
    name : str
        Of a known device, or any.
    given : mapping
        Values by field of `Labels`; pulses and nl may be texts such as "64,64".
    """
    values: dict[str, Any] = {each: _pair(each, value) if each in _PAIRS else value for each, value in given.items()}
    missing = [each for each in ("g_max_s", "on_off", "pulses", "nl", "c2c", "source") if each not in values]
    if not missing:
        return Labels(name=name, **values)
    try:
        known = known_labels(name)
    except UsageError as error:
        needed = ", ".join(each.removesuffix("_s") for each in missing)
        raise UsageError(f"{error.message} Of another device all labels are needed; missing: {needed}.") from None
    if not values:
        return known
    return replace(known, **{"source": f"{known.source}, changed", **values}, printed_accuracy=None)


def _pair(name: str, value: Any) -> tuple[Any, Any]:
    """Return the values of LTP and LTD."""
    one = int if name == "pulses" else float
    try:
        up, down = value.split(",") if isinstance(value, str) else value
        return one(up), one(down)
    except (TypeError, ValueError):
        raise UsageError(f"{name} takes two numbers, LTP,LTD, such as {_PAIRS[name]}; found {value!r}.") from None


def make_train(labels: Labels) -> PulseTable:
    """Return one LTP and one LTD train without scatter: the exponential that the labels stand for, in closed form."""
    rows = []
    span = labels.g_max_s - labels.g_min_s
    for direction, pulses, nl in zip(("ltp", "ltd"), labels.pulses, labels.nl, strict=True):
        steep, n = nl if direction == "ltp" else -nl, np.arange(pulses + 1)
        x = _rise(n / pulses, steep)
        g = labels.g_min_s + span * (x if direction == "ltp" else 1.0 - x)
        rows.append(pd.DataFrame({"direction": direction, "pulse_index": n, "conductance_s": g}))
    frame = pd.concat(rows, ignore_index=True).assign(device_id=labels.name, cycle=1)
    return PulseTable(frame, {"source": f"labels of {labels.name}", "marks": ("published",)})


@lru_cache(64)
def card_from_labels(labels: Labels) -> DeviceCard:
    """Return the card of a device of which only labels are published.

    Its laws are soft bounds, whose trains are NeuroSim's exponentials. C2C scatters each change of the state; D2D and
    the scatter of readings are not stated by labels and are left out. The card is marked as published: its maker had
    numbers in print and no readings. The source of the labels stands in its settings.

    Parameters
    ----------
    labels : Labels

    Returns
    -------
    DeviceCard

    Notes
    -----
    Source: Chen, Peng and Yu, doi 10.1109/TCAD.2018.2789723.
    """
    from devicekit.fitting.device import fit

    card = fit(make_train(labels), model="softbounds").to_card(labels.name)
    sides = {}
    for direction in ("ltp", "ltd"):
        given = Sigma(kind="increment", value=labels.c2c, estimator="label of the source")
        sides[direction] = BranchVariation(
            n_devices=1, n_cycles=1, c2c={"increment": given}, d2d={}, step_noise=0.0, cycle_ln_rate=0.0
        )
    remark = CodedWarning("labels", f"made from labels, not from readings: {labels.source}")
    return card.model_copy(
        update={
            "variation": card.variation.model_copy(update=sides),
            "warnings": (remark,),
            "provenance": card.provenance.model_copy(
                update={"settings": {**card.provenance.settings, "labels": labels.source}}
            ),
        }
    )


def _rise(share: np.ndarray, steep: float) -> np.ndarray:
    """Return the exponential from 0 to 1 over a train; `steep` is its label, negative if it starts slowly."""
    if abs(steep) < 1e-3:
        return share
    k = math.copysign(1.0 / a_of_label(abs(steep)), steep)
    return np.asarray(np.expm1(-k * share) / math.expm1(-k))
