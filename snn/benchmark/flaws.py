"""Flaws of a device, each declared once, and the same device without some or all of them (its ideal device)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from devicekit.core.text import percent
from devicekit.device.blocks import BranchVariation
from devicekit.device.card import DeviceCard
from devicekit.device.idealise import idealise, mean_step
from devicekit.device.variation import applied_variation, read_sigma
from snn.benchmark import changes as change
from snn.benchmark.measure import STEPS, generic
from snn.benchmark.severity import INPUTS, Seen, drift_settings
from snn.benchmark.task import HIDDEN
from snn.config import TrainingConfig
from snn.forgetting import at_all
from snn.recipe import with_card

NONLINEARITY, ASYMMETRY = "nonlinearity", "asymmetry"
SCATTER, FLUCTUATION = "scatter of updates", "fluctuation of states"
ARRAY = frozenset({"wires", "converters", "drift"})  # flaws of the array around the device


class Case(NamedTuple):
    """A card, and changed settings of a training on it (fields of `TrainingConfig`)."""

    card: DeviceCard
    changes: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Flaw:
    """One flaw: what has it, how it is removed, its severity, and the sizes at which its curve is measured.

    Attributes
    ----------
    name : str
    page : int
        Place of its curve on a page.
    axis : str
        Label of its severity on an axis.
    sentence : str
        Statement about a device, with {} for the severity.
    sizes : tuple of float
        Sizes for `make`.
    make : callable
        Size -> a SYNTHETIC device with this flaw of that size (NL 1, 100 steps, 1 % scatter otherwise), and settings.
    has : callable
        Whether a device has it in a training.
    severity : callable
        Its severity there; None if it is unknown or absent.
    off : mapping
        Settings without it.
    without : callable, optional
        Card -> the card without it, where settings do not do.
    unit : str
        Text after a severity in a sentence; "%" shows a fraction in percent.
    log : bool
        True for a logarithmic axis.
    worse : {"more", "less", "both"}
        Direction in which accuracy falls.
    base : float or None
        Severity of the generic device if it has the flaw; also a point of the curve.
    """

    name: str
    page: int
    axis: str
    sentence: str
    sizes: tuple[float, ...]
    make: Callable[[float], Case]
    has: Callable[[Seen], bool]
    severity: Callable[[Seen], float | None]
    off: Mapping[str, Any] = field(default_factory=dict)
    without: Callable[[DeviceCard], DeviceCard] | None = None
    unit: str = ""
    log: bool = False
    worse: str = "more"
    base: float | None = 0.0

    def amount(self, severity: float) -> str:
        """Return a severity with its unit for a sentence."""
        if self.unit == "%":
            return percent(severity)
        return f"{severity:.{3 if severity >= 10 else 2}g}{self.unit}"


def _make_wires(size: float) -> Case:
    """Return the generic device with lines of that load."""
    load = Seen(generic(), TrainingConfig(wire_ohm=1.0, hidden=HIDDEN)).wires
    return Case(generic(), {"wire_ohm": size / load})


FLAWS = (
    Flaw(
        name=NONLINEARITY,
        page=14,
        axis="ln of the largest over the smallest step",
        sentence="The logarithm of the largest over the smallest step is {}",
        sizes=(0, 1, 2, 3, 4, 5, 6),
        make=lambda size: Case(generic(nl=max(size, 1e-3)), {}),  # soft bounds are linear in this limit
        has=lambda seen: seen.card.model != "linear" and not seen.config.linear,
        severity=lambda seen: seen.nonlinearity,
        base=None,
    ),
    Flaw(
        name=ASYMMETRY,
        page=5,
        axis="larger over smaller mean step, of LTP and LTD",
        sentence="LTP and LTD steps differ {}",
        sizes=(1, 2, 3, 5, 10),
        make=lambda size: Case(generic(ltd=size), {}),
        has=lambda seen: not seen.config.symmetric,
        severity=lambda seen: seen.asymmetry,
        unit="-fold",
        log=True,
        base=None,
    ),
    Flaw(
        name="step size",
        page=3,
        axis="mean steps per window",
        sentence="The window spans {}",
        sizes=(4, 8, 16, 32, 64, 100, 200, 300, 1000),
        make=lambda size: Case(generic(steps=size, scatter=1.0 / size), {}),
        has=lambda seen: not change.FINEST <= mean_step(seen.card) <= change.COARSEST,
        severity=lambda seen: 1.0 / mean_step(seen.card),
        without=change.with_usual_steps,
        unit=" mean steps",
        log=True,
        worse="both",
        base=None,
    ),
    Flaw(
        name=SCATTER,
        page=1,
        axis="sd of one update, in mean steps",
        sentence="One update scatters by {} (sd)",
        sizes=(0.1, 0.5, 1, 2, 3, 5, 10),
        make=lambda size: Case(generic(scatter=size / STEPS), {}),
        has=lambda seen: seen.applied.scatter,
        severity=lambda seen: seen.scatter,
        off={"c2c": "none"},
        unit=" mean steps",
        log=True,
        base=None,
    ),
    Flaw(
        name="device-to-device variation",
        page=6,
        axis="sd of ln rate over devices",
        sentence="The logarithm of the rate varies by {} (sd) over devices",
        sizes=(0.25, 0.5, 1, 1.5),
        make=lambda size: Case(change.with_spread(generic(), size), {"d2d": "shared"}),
        has=lambda seen: seen.applied.devices is not None,
        severity=lambda seen: seen.spread,
        off={"d2d": "none"},
    ),
    Flaw(
        name="read noise",
        page=7,
        axis="sd of one reading, of the window",
        sentence="One reading scatters by {} of the window (sd)",
        sizes=(0.01, 0.03, 0.05, 0.1),
        make=lambda size: Case(change.with_noise(generic(), "read", size), {}),
        has=lambda seen: seen.read_noise > 0,
        severity=lambda seen: seen.read_noise or None,
        off={"read_noise": False, "read_noise_of_g": 0.0},
        unit="%",
    ),
    Flaw(
        name="telegraph noise",
        page=8,
        axis="sd of telegraph noise, constant per image, of the window",
        sentence="Telegraph noise is {} of the window (sd)",
        sizes=(0.01, 0.03, 0.05, 0.1),
        make=lambda size: Case(generic(), {"telegraph": size}),
        has=lambda seen: seen.config.telegraph > 0,
        severity=lambda seen: seen.config.telegraph or None,
        off={"telegraph": 0.0},
        unit="%",
    ),
    Flaw(
        name=FLUCTUATION,
        page=9,
        axis="sd of the fluctuation of states, of the window",
        sentence="States fluctuate by {} of the window (sd) from pulse to pulse",
        sizes=(0.01, 0.02, 0.03, 0.05, 0.08),
        make=lambda size: Case(change.with_noise(generic(), "held", size), {}),
        has=lambda seen: seen.applied.fluctuates,
        severity=lambda seen: seen.fluctuation,
        without=change.without_fluctuation,
        unit="%",
    ),
    Flaw(
        name="states",
        page=2,
        axis="stable states of a device",
        sentence="A device has {}",
        sizes=(64, 32, 16, 8, 4),
        make=lambda size: Case(generic(), {"device_levels": int(size)}),
        has=lambda seen: seen.config.stable_states > 0,
        severity=lambda seen: seen.config.stable_states or None,
        off={"device_levels": 0},
        unit=" stable states",
        log=True,
        worse="less",
        base=None,
    ),
    Flaw(
        name="stuck devices",
        page=4,
        axis="share of devices stuck at either end",
        sentence="{} of the devices are stuck at either end",
        sizes=(0.05, 0.1, 0.2, 0.3),
        make=lambda size: Case(generic(), {"stuck": size, "stuck_at": "ends"}),
        has=lambda seen: seen.config.stuck_share > 0,
        severity=lambda seen: seen.stuck,
        off={"stuck": 0.0},
        unit="%",
    ),
    Flaw(
        name="volatility",
        page=10,
        axis="share of an update forgotten by the end of the task",
        sentence="{} of an update is forgotten by the end of the task",
        sizes=(0.3, 0.5, 0.7, 0.8, 0.9),
        make=lambda size: Case(change.with_volatile_part(generic(), size), {"presentation_s": 1.0}),
        has=lambda seen: at_all(seen.card, seen.config),
        severity=lambda seen: seen.forgotten,
        without=change.without_volatile_part,
        unit="%",
    ),
    Flaw(
        name="wires",
        page=11,
        axis="wire load r mean(G) (m² + n²)/2",
        sentence="The wire load r mean(G) (m² + n²)/2 is {}",
        sizes=(0.3, 1, 3, 10, 30),
        make=_make_wires,
        has=lambda seen: seen.config.wire_ohm > 0 or seen.config.terminal_ohm > 0,
        severity=lambda seen: seen.wires or None,
        off={"wire_ohm": 0.0, "terminal_ohm": 0.0, "column_gain": False, "wire_gains": "separable"},
    ),
    Flaw(
        name="converters",
        page=12,
        axis="bits of a converter",
        sentence="The converters have {}",
        sizes=(8, 6, 5, 4, 3, 2),
        make=lambda size: Case(generic(), {"adc_bits": int(size)}),
        has=lambda seen: seen.config.adc_bits > 0,
        severity=lambda seen: seen.config.adc_bits or None,
        off={"adc_bits": 0},
        unit=" bits",
        worse="less",
        base=None,
    ),
    Flaw(
        name="drift",
        page=13,
        axis="sd of the shift of a state, of the window",
        sentence="Drift shifts a state by {} of the window (sd)",
        sizes=(0.01, 0.02, 0.03, 0.05, 0.1),
        make=lambda size: Case(generic(), drift_settings(generic(), size)),
        has=lambda seen: seen.config.time_s > 0 and (seen.config.drift_nu != 0 or seen.config.drift_nu_sd > 0),
        severity=lambda seen: seen.drift or None,
        off={"time_s": 0.0},
        unit="%",
    ),
)
BY_NAME = {flaw.name: flaw for flaw in FLAWS}
SEVERITIES = tuple(sorted(FLAWS, key=lambda flaw: flaw.page))  # as their curves stand on a page


def find_flaws(card: DeviceCard, config: TrainingConfig) -> tuple[str, ...]:
    """Return the flaws of the device in this training; unknown properties are taken as absent."""
    seen = Seen(card, with_card(config, card))
    return tuple(flaw.name for flaw in FLAWS if flaw.has(seen))


def find_unknown(card: DeviceCard, config: TrainingConfig) -> tuple[str, ...]:
    """Return the properties unknown from the data of a card, which a training takes as absent."""
    config = with_card(config, card)
    applied = applied_variation(card, config.c2c, config.d2d)
    devices = max(card.variation.ltp.n_devices, card.variation.ltd.n_devices)
    is_known = {
        "device-to-device variation": devices > 1 or applied.devices is not None,
        "dead devices": devices > 1 or config.stuck_share > 0,
        "read noise": read_sigma(card, config.read_noise_of_g) > 0 or _reads_known(card),
        "scatter of updates": applied.scatter or any("increment" in each.c2c for each in _branches(card)),
        "whether read noise changes at each reading or at each pulse": all(
            each.read_known or "read" not in each.c2c for each in _branches(card)
        ),
        "volatility": card.volatile is not None,
        "drift": (card.retention is not None and bool(card.retention.states)) or config.time_s > 0,
    }
    return tuple(name for name, known in is_known.items() if not known)


def _branches(card: DeviceCard) -> tuple[BranchVariation, BranchVariation]:
    return card.variation.ltp, card.variation.ltd


def _reads_known(card: DeviceCard) -> bool:
    return any("read" in each.c2c for each in _branches(card))


def remove_flaws(card: DeviceCard, config: TrainingConfig, flaws: Iterable[str]) -> Case:
    """Return the device without these flaws; without all of them it is the ideal device.

    A step that is too large or too small becomes the nearest one of 32 to 100 steps per window; the scatter of updates
    keeps its size relative to the step.
    """
    gone = set(flaws)
    card = idealise(card, linear=NONLINEARITY in gone, symmetric=ASYMMETRY in gone)
    changes: dict[str, Any] = {}
    for flaw in FLAWS:
        if flaw.name not in gone:
            continue
        keeps_fluctuation = flaw.name == SCATTER and FLUCTUATION not in gone
        if keeps_fluctuation and applied_variation(card, config.c2c, config.d2d).fluctuates:
            card = change.without_scatter(card)  # c2c="none" would take the fluctuation of states with it
            continue
        card = card if flaw.without is None else flaw.without(card)
        changes |= flaw.off
    return Case(card, changes)


def device(flaw: str, size: float) -> Case:
    """Return a SYNTHETIC device with one flaw of that size, and settings of a training on it."""
    return BY_NAME[flaw].make(size)


def own_severity(flaw: str, card: DeviceCard, config: TrainingConfig, inputs: int = INPUTS) -> float | None:
    """Return the severity of a flaw of a device in a training; None if it is unknown or absent.

    The axes of the curves are the same numbers; `inputs` as in `snn.benchmark.severity.Seen`.
    """
    return BY_NAME[flaw].severity(Seen(card, with_card(config, card), inputs))
