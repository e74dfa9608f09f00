"""Blocks of a device card: window, branches, variation, conditions, provenance."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from devicekit._version import __version__
from devicekit.core.printing import short_repr
from devicekit.system import catalog, files

if TYPE_CHECKING:
    from devicekit.tables import PulseTable

NonNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Setting = str | float | int | bool | None  # of a fit, as a card keeps it
LARGEST_CONDUCTANCE = 10.0  # S, of a window: beyond that of any device, as readings in a wrong unit are
FURTHEST_BELOW = 0.05  # of the high end: as far below 0 S as read noise or an offset may put the low end
FEWEST_WINDOWS = 5  # fewest devices that show how windows differ


class Strict(BaseModel):
    """Frozen model that refuses unknown fields, NaN and infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    def __repr__(self) -> str:
        return short_repr(self)

    __str__ = __repr__


class Window(Strict):
    """Normalisation of a card, common to LTP and LTD and every device.

    r = (G - low) / (high - low), or with scale "log" r = ln(G / low) / ln(high / low).
    """

    quantity: Literal["conductance_s", "weight"]
    low: float
    high: float
    scope: str = Field(description="source of the window")
    scale: Literal["linear", "log"] = "linear"

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if not self.low < self.high:
            raise ValueError("window: low must be below high")
        physical = -FURTHEST_BELOW * self.high <= self.low < self.high <= LARGEST_CONDUCTANCE
        if self.quantity == "conductance_s" and not physical:
            limits = f"from 0 to {LARGEST_CONDUCTANCE:g} S"
            raise ValueError(f"window: conductances must be {limits}, not low {self.low:g} and high {self.high:g}")
        if self.scale == "log" and not (self.low > 0 and self.quantity == "conductance_s"):
            raise ValueError("window: a log scale needs a conductance above 0")
        return self

    @property
    def span(self) -> float:
        """high - low, in the unit of the quantity."""
        return self.high - self.low

    def to_state(self, value: np.ndarray) -> np.ndarray:
        """Return the state r [1] of a conductance [S] or weight; NaN on a log scale if it is not above 0."""
        if self.scale == "log":
            value = np.asarray(value, float)
            positive = np.where(value > 0, value, np.nan)
            return np.asarray(np.log(positive / self.low) / np.log(self.high / self.low))
        return (np.asarray(value, float) - self.low) / self.span

    def from_state(self, r: np.ndarray) -> np.ndarray:
        """Return the conductance [S] or weight of a state r [1]."""
        if self.scale == "log":
            return np.asarray(self.low * (self.high / self.low) ** np.asarray(r, float))
        return self.low + self.span * np.asarray(r, float)


class RateCurve(Strict):
    """rdot(r) with its pointwise confidence band: the part of a fit that a network uses."""

    r: tuple[float, ...]
    rate: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    level: float
    method: str
    factor_of_all: float | None = Field(
        default=None,
        description="factor on the band's half width so that it holds the whole measured curve at once",
    )


class Branch(Strict):
    """Fitted branch (LTP or LTD) of the central device."""

    direction: Literal["ltp", "ltd"]
    theta: tuple[float, ...] = Field(description="L and the shape parameters on the rising coordinate")
    x0: float = Field(description="fitted starting state on the rising coordinate")
    coefficients: dict[str, float] = Field(description="published coefficients for r in [0, 1]")
    coefficients_s: dict[str, float] | None = Field(description="the same for G in siemens")
    standard_errors: dict[str, float | None] = Field(description="of theta and x0; null where not determined")
    weak: tuple[str, ...]
    at_bound: tuple[str, ...]
    n_points: Count
    n_pulses: Count
    nrmse: NonNegative
    r2: float
    noise: NonNegative = Field(description="standard deviation of the mean curve's readings, fraction of the window")
    largest_step: NonNegative = Field(description="largest step of the fitted trajectory: caps extrapolation")
    measured_range: tuple[float, float] = Field(description="range of r that the data cover")
    rate_curve: RateCurve


class Sigma(Strict):
    """Standard deviation as a fraction of the window, typed by its quantity."""

    kind: Literal["increment", "read", "spread", "held"]
    value: NonNegative
    estimator: str
    interval: tuple[NonNegative, NonNegative] | None = Field(default=None, description="95 % interval of the value")


class BranchVariation(Strict):
    """Cycle-to-cycle (C2C) and device-to-device (D2D) variation of one branch."""

    n_devices: Count
    n_cycles: Count = Field(description="cycles of the device with the most cycles")
    c2c: dict[str, Sigma]
    d2d: dict[str, Sigma]
    step_noise: NonNegative | None = Field(
        default=None, description="C2C sd of one update as a fraction of its own step, in addition to the increment"
    )
    cycle_ln_rate: NonNegative | None = Field(default=None, description="C2C sd of ln rate, constant in a cycle")
    held_memory: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="correlation from pulse to pulse of the reversible fluctuation `held`"
    )
    read_known: bool = Field(
        default=False, description="whether readings without a pulse between separate the read noise from a fluctuation"
    )
    tilt: float | None = Field(
        default=None,
        description="growth of ln of the scatter of updates, over the window on the rising coordinate",
    )
    read_tilt: float | None = Field(default=None, description="growth of ln of the scatter of readings, likewise")


class Variation(Strict):
    """C2C and D2D variation of both branches."""

    ltp: BranchVariation
    ltd: BranchVariation
    d2d_ln_rate_covariance: tuple[tuple[float, float], tuple[float, float]] | None = Field(
        description="covariance of ln rate over devices for one shared shape: rows and columns LTP, LTD"
    )

    @model_validator(mode="after")
    def _check_covariance(self) -> Self:
        if self.d2d_ln_rate_covariance is not None:
            (up, both), (other, down) = self.d2d_ln_rate_covariance
            most = math.sqrt(max(up, 0.0) * max(down, 0.0))
            if min(up, down) < 0 or not math.isclose(both, other, rel_tol=1e-9) or abs(both) > most * (1 + 1e-9):
                raise ValueError("d2d_ln_rate_covariance must be a covariance: symmetric and positive semidefinite")
        return self


class DeviceRow(Strict):
    """Fit of one measured device in the card's window: resampling draws from these rows."""

    device_id: str
    ltp_theta: tuple[float, ...]
    ltd_theta: tuple[float, ...]
    ltp_largest_step: NonNegative
    ltd_largest_step: NonNegative
    low: float | None = Field(default=None, description="lower end of the device's own window, in the card's window")
    high: float | None = Field(default=None, description="upper end of the device's own window, in the card's window")

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if (self.low is None) != (self.high is None):
            raise ValueError("devices: low and high of a device's window must be given together")
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise ValueError("devices: low must be below high")
        return self


OF_SIDES = ("ltp_width_s", "ltd_width_s")


class Conditions(Strict):
    """Pulse and read conditions, null where the source does not state them.

    Pulses of LTP and LTD that differ in width have ltp_width_s and ltd_width_s [s] instead of pulse_width_s.
    """

    pulse_width_s: Positive | None = None
    ltp_width_s: Positive | None = None
    ltd_width_s: Positive | None = None
    ltp_voltage_v: float | None = None
    ltd_voltage_v: float | None = None
    read_voltage_v: float | None = None

    def stated(self) -> dict[str, float | None]:
        """Return the conditions by name, without widths of LTP and LTD that do not differ."""
        return {name: value for name, value in self if name not in OF_SIDES or value is not None}

    @classmethod
    def of(cls, table: PulseTable) -> Self:
        """Return the conditions that a table states with a single value each."""
        width = _only_value(table, "pulse_width_s")
        sides = {f"{way}_width_s": _only_value(table, "pulse_width_s", way) for way in ("ltp", "ltd")}
        return cls(
            pulse_width_s=width,
            **(sides if width is None else {}),
            ltp_voltage_v=_only_value(table, "pulse_voltage_v", "ltp"),
            ltd_voltage_v=_only_value(table, "pulse_voltage_v", "ltd"),
            read_voltage_v=_only_value(table, "read_voltage_v"),
        )


def _only_value(table: PulseTable, column: str, direction: str | None = None) -> float | None:
    """Return the only value of a column (for one direction's pulses); None if there are several or one is missing."""
    if column not in table.frame:
        return None
    frame = table.frame[table.frame["pulse_index"] > 0]
    if direction is not None:
        frame = frame[frame["direction"] == direction]
    values = frame[column].unique()
    return float(values[0]) if values.size == 1 and np.isfinite(values[0]) else None


class Provenance(Strict):
    """Source, versions and settings of a card, enough to make it again."""

    source: str
    sha256: str
    synthetic: bool
    versions: dict[str, str]
    settings: dict[str, Setting]

    @property
    def marks(self) -> tuple[str, ...]:
        """Marks of the data: synthetic, simulated, calibrated, published; none for a measurement."""
        more = str(self.settings.get("marks") or "")
        return (*(("synthetic",) if self.synthetic else ()), *(more.split(", ") if more else ()))

    @classmethod
    def of(cls, source: Path | str | None, table: PulseTable, synthetic: bool, settings: Mapping[str, Setting]) -> Self:
        """Return the provenance of a card made now: source and its checksum, versions, settings."""
        path = Path(source) if source is not None else None
        known = [*table.meta.get("marks", ()), *(catalog.marks(path) if path is not None and path.exists() else ())]
        more = ", ".join(dict.fromkeys(mark for mark in known if mark != "synthetic"))
        synthetic, settings = synthetic or "synthetic" in known, {**settings, **({"marks": more} if more else {})}
        return cls(
            source=path.name if path else str(table.meta.get("source", "table in memory")),
            sha256=files.checksum([path] if path is not None else table.meta.get("files", [])),
            synthetic=synthetic,
            versions={
                "devicekit": __version__,
                "python": platform.python_version(),
                **{
                    name: version(name) for name in ("numpy", "scipy", "lmfit", "numba")
                },  # taken from the loaded modules, so that nothing is imported for it
            },
            settings=settings,
        )
