"""The device card: the one thing that crosses from fitting to training. Plain, strict JSON."""

from __future__ import annotations

import glob
import hashlib
import json
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from devicekit import files
from devicekit._version import __version__
from devicekit.device.remarks import Remark
from devicekit.errors import CardError, FileError, invalid_rows
from devicekit.models.law import Law
from devicekit.models.registry import LAWS
from devicekit.text import width_suffix

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from devicekit.plot import Panel
    from devicekit.tables import PulseTable

SCHEMA_VERSION = 3  # 1 said "flags" for warnings; 2 had no intervals of deviations

NonNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Window(_Strict):
    """The one normalisation of a card, for LTP and LTD and every device.

    r = (G - low) / (high - low), or with scale "log" r = ln(G / low) / ln(high / low).
    """

    quantity: Literal["conductance_s", "weight"]
    low: float
    high: float
    scope: str = Field(description="what the window was taken from")
    scale: Literal["linear", "log"] = "linear"

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low < self.high:
            raise ValueError("window: low must be below high")
        if self.scale == "log" and not (self.low > 0 and self.quantity == "conductance_s"):
            raise ValueError("window: a log scale needs a conductance above 0")
        return self

    @property
    def span(self) -> float:
        """high - low, in the unit of the quantity."""
        return self.high - self.low

    def to_state(self, value: np.ndarray) -> np.ndarray:
        """State r [1] of a conductance [S] or weight; on a log scale NaN where the conductance is not above 0."""
        if self.scale == "log":
            value = np.asarray(value, float)
            positive = np.where(value > 0, value, np.nan)
            return np.asarray(np.log(positive / self.low) / np.log(self.high / self.low))
        return (np.asarray(value, float) - self.low) / self.span

    def from_state(self, r: np.ndarray) -> np.ndarray:
        """Conductance [S] or weight of a state r [1]."""
        if self.scale == "log":
            return np.asarray(self.low * (self.high / self.low) ** np.asarray(r, float))
        return self.low + self.span * np.asarray(r, float)


class RateCurve(_Strict):
    """rdot(r) with its pointwise confidence band: what a network uses of a fit."""

    r: tuple[float, ...]
    rate: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    level: float
    method: str


class Branch(_Strict):
    """One fitted branch (LTP or LTD) of the central device."""

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


class Sigma(_Strict):
    """A standard deviation as a fraction of the window, typed by what it is a deviation of."""

    kind: Literal["increment", "read", "spread"]
    value: NonNegative
    estimator: str
    interval: tuple[NonNegative, NonNegative] | None = Field(default=None, description="95 % interval of the value")


class BranchVariation(_Strict):
    """Cycle-to-cycle (C2C) and device-to-device (D2D) variation of one branch."""

    n_devices: Count
    n_cycles: Count = Field(description="cycles of the device that has most")
    c2c: dict[str, Sigma]
    d2d: dict[str, Sigma]
    step_noise: NonNegative | None = Field(
        default=None, description="C2C sd of one update as a fraction of its own step, beside the increment"
    )
    cycle_ln_rate: NonNegative | None = Field(default=None, description="C2C sd of ln rate, constant in a cycle")


class Variation(_Strict):
    """C2C and D2D variation of both branches."""

    ltp: BranchVariation
    ltd: BranchVariation
    d2d_ln_rate_covariance: tuple[tuple[float, float], tuple[float, float]] | None = Field(
        description="covariance of ln rate over devices for one shared shape: rows and columns LTP, LTD"
    )


class DeviceRow(_Strict):
    """One measured device's own fit, in the card's window: what resampling draws from."""

    device_id: str
    ltp_theta: tuple[float, ...]
    ltd_theta: tuple[float, ...]
    ltp_largest_step: NonNegative
    ltd_largest_step: NonNegative


class Conditions(_Strict):
    """Pulse and read conditions, null where the source does not say."""

    pulse_width_s: Positive | None = None
    ltp_voltage_v: float | None = None
    ltd_voltage_v: float | None = None
    read_voltage_v: float | None = None

    @classmethod
    def of(cls, table: PulseTable) -> Self:
        """The conditions that a table states, each if it has one value only."""
        return cls(
            pulse_width_s=_one(table, "pulse_width_s"),
            ltp_voltage_v=_one(table, "pulse_voltage_v", "ltp"),
            ltd_voltage_v=_one(table, "pulse_voltage_v", "ltd"),
            read_voltage_v=_one(table, "read_voltage_v"),
        )


def _one(table: PulseTable, column: str, direction: str | None = None) -> float | None:
    """The one value of a column (of one direction's pulses), None if there is none or more than one."""
    if column not in table.frame:
        return None
    frame = table.frame[table.frame["pulse_index"] > 0]
    if direction is not None:
        frame = frame[frame["direction"] == direction]
    values = frame[column].dropna().unique()
    return float(values[0]) if values.size == 1 else None


class Provenance(_Strict):
    """Where a card comes from, enough to make it again."""

    source: str
    sha256: str
    synthetic: bool
    versions: dict[str, str]
    settings: dict[str, str | float | int | bool | None]

    @classmethod
    def of(cls, source: Path | str | None, table: PulseTable, synthetic: bool, settings: dict[str, Any]) -> Self:
        """Of a card that is made now: source and its checksum, versions, settings."""
        import lmfit
        import numba
        import scipy

        path = Path(source) if source is not None else None
        modules = {"numpy": np, "scipy": scipy, "lmfit": lmfit, "numba": numba}
        return cls(
            source=path.name if path else str(table.meta.get("source", "table in memory")),
            sha256=_checksum([path] if path is not None else table.meta.get("files", [])),
            synthetic=synthetic,
            versions={
                "devicekit": __version__,
                "python": platform.python_version(),
                **{name: module.__version__ for name, module in modules.items()},
            },
            settings=settings,
        )


def _checksum(paths: Iterable[Path | str]) -> str:
    """SHA-256 of a file; of several files that of their checksums, one a line; "" if there is none."""
    each = [files.sha256(Path(path)) for path in paths if Path(path).exists()]
    if len(each) < 2:
        return each[0] if each else ""
    return hashlib.sha256("\n".join(each).encode()).hexdigest()


class DeviceCard(_Strict):
    """A fitted device.

    Raises
    ------
    CardError
        On loading: unknown field, later schema version, NaN or any value out of range.
    """

    schema_version: Literal[3] = 3
    name: str
    model: str
    gauge: str = "b = 1 and i = 1 on the side where the branch starts"
    window: Window
    ltp: Branch
    ltd: Branch
    devices: tuple[DeviceRow, ...]
    variation: Variation
    conditions: Conditions
    warnings: tuple[Remark, ...]
    provenance: Provenance

    def __repr__(self) -> str:
        window = f"{self.window.low:.4g} to {self.window.high:.4g}"
        synthetic = ", synthetic" if self.provenance.synthetic else ""
        return f"<DeviceCard {self.name!r}: {self.model}, {self.window.quantity} {window}{synthetic}>"

    __str__ = __repr__

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.model not in LAWS:
            raise ValueError(f"unknown update law {self.model!r}; this version knows {', '.join(LAWS)}")
        wanted = len(self.law.parameters)
        thetas = [self.ltp.theta, self.ltd.theta]
        thetas += [theta for row in self.devices for theta in (row.ltp_theta, row.ltd_theta)]
        if any(len(theta) != wanted for theta in thetas):
            raise ValueError(f"theta of {self.model} has {wanted} numbers")
        if (self.ltp.direction, self.ltd.direction) != ("ltp", "ltd"):
            raise ValueError("branch ltp must have direction ltp, branch ltd direction ltd")
        return self

    @property
    def law(self) -> Law:
        """The update law that `model` names."""
        return LAWS[self.model]

    def branch(self, direction: str) -> Branch:
        """The branch of one direction, ltp or ltd."""
        return {"ltp": self.ltp, "ltd": self.ltd}[direction]

    def rate(self, direction: str, r: np.ndarray | float) -> np.ndarray:
        """rdot(r) [1 per pulse] of the central device, same shape as r; positive for LTP, negative for LTD.

        Total: finite for every finite r, and never larger than the largest step that was fitted.
        """
        from devicekit.models import kernel

        branch = self.branch(direction)
        r = np.asarray(r, float)
        x = r if direction == "ltp" else 1.0 - r
        steps = kernel.rates(self.law.id, np.array(branch.theta), np.ascontiguousarray(x.ravel()))
        steps = np.minimum(steps, branch.largest_step).reshape(r.shape)
        return steps if direction == "ltp" else -steps

    def panel(self) -> Panel:
        """Size of rdot(r) of both branches with its confidence band; dashed where it was not measured."""
        from devicekit.device.figures import Rate, rates

        branches: dict[str, Rate] = {}
        for branch in (self.ltp, self.ltd):
            curve, (low, high) = branch.rate_curve, branch.measured_range
            r = np.array(curve.r)
            inside = (r >= low - 0.01) & (r <= high + 0.01)
            rate, lower, upper = (np.array(each) for each in (curve.rate, curve.lower, curve.upper))
            branches[branch.direction] = Rate(r, rate, lower, upper, inside, curve.level)
        return rates(branches, max(branch.largest_step for branch in (self.ltp, self.ltd)))

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw `panel`: the rate curves."""
        return self.panel().draw(ax)

    def _repr_html_(self) -> str:
        from devicekit.report.notebook import html
        from devicekit.text import percent, span

        unit = "S" if self.window.quantity == "conductance_s" else ""
        rows = [
            ("law", self.law.title),
            ("data", "SYNTHETIC" if self.provenance.synthetic else "measured"),
            ("window", span(self.window.low, self.window.high, unit)),
        ]
        for name, branch, spread in (
            ("LTP", self.ltp, self.variation.ltp),
            ("LTD", self.ltd, self.variation.ltd),
        ):
            scatter = spread.c2c["increment"].value if "increment" in spread.c2c else None
            rows.append((f"{name}: nrmse (rms misfit over the range of its mean curve)", percent(branch.nrmse)))
            rows.append((f"{name}: sd of one update (increment), of the window", percent(scatter)))
        return html(f"Device card {self.name}", rows, self.panel(), self.warnings)

    def to_json(self) -> str:
        """The card as strict JSON text."""
        return files.dump_json(self.model_dump(mode="json"))

    def save(self, path: Path | str, replace: bool = False) -> None:
        """Write the card whole or not at all; with `replace` over the one that it was loaded from, if need be."""
        files.write_text(Path(path), self.to_json(), replace)

    @classmethod
    def from_json(cls, text: str, name: str = "card") -> Self:
        """A card from its JSON text; `name` is used in messages.

        A warning whose code a later version has added is kept as it is.
        """
        try:
            raw = files.parse_json(text, name)
        except FileError as error:
            raise CardError(error.message) from error
        version = raw.get("schema_version") if isinstance(raw, dict) else None
        if not isinstance(version, int) or isinstance(version, bool):
            raise CardError(f"{name} is not a device card: it has no whole-number schema_version")
        if version > SCHEMA_VERSION:
            raise CardError(
                f"{name} has schema version {version}; this devicekit reads up to {SCHEMA_VERSION}. "
                "Upgrade devicekit to read it"
            )
        if version == 1 and "flags" in raw and "warnings" not in raw:
            raw["warnings"], version = raw.pop("flags"), 2
        if version == 2:
            text = json.dumps({**raw, "schema_version": SCHEMA_VERSION})
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise CardError(f"{name} is not a valid device card", invalid_rows(error, "card")) from error

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """A card from its file; raises CardError as `load_card` does."""
        path = Path(path)
        if not files.exists(path) and (others := cards_of_widths(path)):
            names = ", ".join(each.name for each in others)
            raise CardError(f"{path} does not exist; a fit of several pulse widths wrote {names}: name one of them")
        try:
            text = files.read_text(path)
        except FileError as error:
            raise CardError(f"cannot read the card: {error.message.removeprefix('cannot read ')}") from error
        files.note_input(path)
        return cls.from_json(text, str(path))


def cards_of_widths(path: Path) -> list[Path]:
    """The cards, by pulse width, that a fit of several widths has written for `path`: NAME_5us.json for NAME.json."""
    found = {}
    for other in path.parent.glob(f"{glob.escape(path.stem)}_*{path.suffix or '.json'}"):
        try:
            width = DeviceCard.from_json(files.read_text(other)).conditions.pulse_width_s
        except (CardError, FileError):
            continue
        if width is not None and other.stem == f"{path.stem}_{width_suffix(width)}":
            found[width] = other
    return [found[width] for width in sorted(found)]


def load_card(path: Path | str) -> DeviceCard:
    """Load a device card from a JSON file.

    Parameters
    ----------
    path : path-like
        The JSON file.

    Raises
    ------
    CardError
        If the file is missing or is not a valid card; the message says what is wrong and where.
    """
    return DeviceCard.load(path)
