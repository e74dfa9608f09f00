"""What a fit gives back: one branch (`BranchFit`), and a device with both (`DeviceFit`)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from devicekit.device.card import DeviceCard, RateCurve, Window
from devicekit.errors import Flag
from devicekit.models import kernel
from devicekit.models.law import Law
from devicekit.models.laws.eq2 import Eq2
from devicekit.tables import PulseTable
from devicekit.text import count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from devicekit.fitting.branch.identifiability import Identifiability
    from devicekit.fitting.variation.spread import VariationResult

BAND_LEVEL = 0.95
WEAK = 0.5  # a standard error above this share of the value marks a coefficient weak
RATE_GRID = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True, repr=False)
class BranchFit:
    """One branch of one device (or of the central device), fitted.

    Attributes
    ----------
    direction : str
        ltp or ltd.
    law : Law
        The update law.
    window : Window
        The normalisation shared by both branches.
    parameters : ndarray, shape (p + 1,)
        theta = (L, shape) and the starting state x0, on the rising coordinate.
    covariance : ndarray, shape (p + 1, p + 1)
        Of the parameters; rows of parameters at a bound are 0.
    degrees : int
        Degrees of freedom of the t quantile that goes with the covariance.
    method : str
        How the covariance was estimated.
    x : ndarray, shape (N + 1,)
        Mean measured curve on the rising coordinate; NaN where nothing was read.
    noise : float
        Standard deviation of the mean curve's readings, fraction of the window.
    at_bound : tuple of str
        Parameters at a bound.
    flags : tuple of Flag
        Remarks on this branch.
    """

    direction: str
    law: Law
    window: Window
    parameters: np.ndarray
    covariance: np.ndarray
    degrees: int
    method: str
    x: np.ndarray
    noise: float
    at_bound: tuple[str, ...]
    flags: tuple[Flag, ...]
    lmfit: Any = field(default=None, repr=False)

    def __repr__(self) -> str:
        return f"<BranchFit {self.direction} {self.law.name}: nrmse {self.nrmse:.2%}, {self.n_points} points>"

    @property
    def theta(self) -> np.ndarray:
        """L and the shape, shape (p,)."""
        return self.parameters[:-1]

    @cached_property
    def trajectory(self) -> np.ndarray:
        """Fitted states on the rising coordinate, shape (N + 1,)."""
        return kernel.simulate(self.law.id, self.theta, self.parameters[-1], self.x.size - 1)

    def _sided(self, x: np.ndarray) -> np.ndarray:
        return x if self.direction == "ltp" else 1.0 - x

    @property
    def measured(self) -> np.ndarray:
        """Mean measured states r, shape (N + 1,)."""
        return self._sided(self.x)

    @property
    def fitted(self) -> np.ndarray:
        """Fitted states r, shape (N + 1,)."""
        return self._sided(self.trajectory)

    @property
    def residuals(self) -> np.ndarray:
        """Measured minus fitted r, finite readings only."""
        difference = self.measured - self.fitted
        return difference[np.isfinite(difference)]

    @property
    def n_points(self) -> int:
        """Readings of the mean curve that are finite."""
        return int(np.isfinite(self.x).sum())

    @property
    def rms(self) -> float:
        """Root mean square residual, fraction of the window."""
        return float(np.sqrt(np.mean(self.residuals**2)))

    @property
    def nrmse(self) -> float:
        """rms residual / (max - min) of the measured mean curve."""
        return self.rms / float(np.nanmax(self.x) - np.nanmin(self.x))

    @property
    def r2(self) -> float:
        """Share of the mean curve's variance that the fit explains; blind to what a network sees."""
        finite = self.x[np.isfinite(self.x)]
        return float(1.0 - np.sum(self.residuals**2) / np.sum((finite - finite.mean()) ** 2))

    @property
    def largest_step(self) -> float:
        """Largest step of the fitted trajectory: rates beyond it are extrapolation."""
        return float(np.diff(self.trajectory).max())

    @property
    def measured_range(self) -> tuple[float, float]:
        """Lowest and highest fitted state r of the train."""
        low, high = sorted((float(self.fitted[0]), float(self.fitted[-1])))
        return low, high

    @property
    def standard_errors(self) -> dict[str, float | None]:
        """Of theta and x0, by name; None at a bound."""
        errors = np.sqrt(np.maximum(np.diag(self.covariance), 0.0))
        names = (*self.law.parameters, "x0")
        return {n: None if n in self.at_bound else float(e) for n, e in zip(names, errors, strict=True)}

    @property
    def weak(self) -> tuple[str, ...]:
        """Parameters whose standard error exceeds half their value (L and x0 aside: they are no ratios)."""
        errors = self.standard_errors
        values = dict(zip(self.law.parameters, self.theta, strict=True))
        return tuple(
            name for name, value in values.items()
            if name != "L" and (error := errors[name]) is not None and error > WEAK * abs(value)
        )  # fmt: skip

    @property
    def coefficients(self) -> dict[str, float]:
        """Published coefficients for r in [0, 1]."""
        return self.law.to_published(self.theta, self.direction)

    @property
    def coefficients_s(self) -> dict[str, float] | None:
        """The same for G in siemens; None for a weight or a law without such coefficients."""
        if self.window.quantity != "conductance_s" or self.law.name != "eq2" or self.window.scale == "log":
            return None
        return asdict(Eq2(**self.coefficients).rescaled(self.window.span, self.window.low))

    def rate(self, r: np.ndarray | float) -> np.ndarray:
        """rdot(r) [1 per pulse], same shape as r; negative for LTD; finite for every finite r."""
        r = np.asarray(r, float)
        steps = kernel.rates(self.law.id, self.theta, np.ascontiguousarray(self._sided(r).ravel())).reshape(
            r.shape
        )
        return steps if self.direction == "ltp" else -steps

    def rate_curve(self, r: np.ndarray = RATE_GRID, level: float = BAND_LEVEL) -> RateCurve:
        """rdot with its pointwise confidence band by the delta method."""
        from scipy.stats import t

        gradient = np.zeros((r.size, self.parameters.size))
        gradient[:, :-1] = kernel.rate_gradients(
            self.law.id, self.theta, np.ascontiguousarray(self._sided(r))
        )
        sd = np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", gradient, self.covariance, gradient), 0.0))
        half = float(t.ppf(0.5 + level / 2, self.degrees)) * sd
        size = np.abs(self.rate(r))
        ends = np.maximum(size - half, 0.0), size + half
        sign = 1.0 if self.direction == "ltp" else -1.0
        lower, upper = (ends[0], ends[1]) if sign > 0 else (-ends[1], -ends[0])
        return RateCurve(
            r=tuple(r.tolist()),
            rate=tuple((sign * size).tolist()),
            lower=tuple(lower.tolist()),
            upper=tuple(upper.tolist()),
            level=level,
            method=self.method,
        )

    def identifiability(self) -> Identifiability:
        """Which directions the data determine (see `devicekit.fitting.branch.identifiability`)."""
        from devicekit.fitting.branch.identifiability import identifiability

        return identifiability(self)

    def as_dict(self) -> dict[str, Any]:
        """The branch as `devicekit fit --json` prints it."""
        return {
            "n_points": self.n_points,
            "nrmse": self.nrmse,
            "r2": self.r2,
            "noise": self.noise,
            "coefficients": self.coefficients,
            "coefficients_s": self.coefficients_s,
            "standard_errors": self.standard_errors,
            "weak": list(self.weak),
            "at_bound": list(self.at_bound),
            "identifiability": self.identifiability().as_dict(),
            "warnings": [flag.as_dict() for flag in self.flags],
        }


@dataclass(frozen=True, repr=False)
class DeviceFit:
    """LTP and LTD of one device in one window, with variation, the fits of the single devices, and flags.

    Attributes
    ----------
    ltp, ltd : BranchFit or None
        The central device: mean over devices and cycles. None where the table has no such trains.
    devices : mapping of str to mapping of str to BranchFit
        Fits of the single devices by direction; empty for one device.
    conditions : tuple of DeviceFit
        One fit for each pulse width of the table, ascending; empty if there is only one.
    joint : mapping of direction to mapping
        Facts of the joint fit over pulse widths, if the shape was shared (see `devicekit.fitting.widths.JointFit`).
    """

    window: Window
    law: Law
    ltp: BranchFit | None
    ltd: BranchFit | None
    devices: dict[str, dict[str, BranchFit]]
    variation: VariationResult
    table: PulseTable
    flags: tuple[Flag, ...]
    settings: dict[str, Any]
    conditions: tuple[DeviceFit, ...] = ()
    joint: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __repr__(self) -> str:
        branches = ", ".join(f"{way.upper()} nrmse {branch.nrmse:.2%}" for way, branch in self.branches.items())
        widths = f", {len(self.conditions)} pulse widths" if self.conditions else ""
        return f"<DeviceFit {self.law.name}: {branches}; {count(len(self.table.devices), 'device')}{widths}>"

    @property
    def branches(self) -> dict[str, BranchFit]:
        """The branches that there are, by direction."""
        pair = {"ltp": self.ltp, "ltd": self.ltd}
        return {way: branch for way, branch in pair.items() if branch is not None}

    @property
    def warnings(self) -> tuple[Flag, ...]:
        """Flags of the table, of the device and of its branches, each once."""
        branches = [flag for branch in self.branches.values() for flag in branch.flags]
        return tuple(dict.fromkeys([*self.table.flags, *self.flags, *branches]))

    def to_card(self, name: str, source: Path | str | None = None, synthetic: bool = False) -> DeviceCard:
        """The device card of this fit.

        Raises
        ------
        TraceError
            If a branch is missing: a card describes LTP and LTD.
        """
        from devicekit.fitting.to_card import build_card

        return build_card(self, name, source, synthetic)

    def as_dict(self) -> dict[str, Any]:
        """The body of `devicekit fit --json`, without the card's path."""
        result: dict[str, Any] = {
            "model": self.law.name,
            "branches": {way: branch.as_dict() for way, branch in self.branches.items()},
            "variation": self.variation.as_dict(),
            "warnings": [flag.as_dict() for flag in self.warnings],
        }
        if self.joint:
            result["joint"] = self.joint
        if self.devices:
            result["devices"] = [
                {"device_id": name, "branches": {way: fit.as_dict() for way, fit in pair.items()}}
                for name, pair in self.devices.items()
            ]
        return result

    def plot(self, ax: Axes | None = None) -> Axes:
        """Measured and fitted curves (see `devicekit.plot.plot_fit`)."""
        from devicekit.plot import plot_fit

        return plot_fit(self, ax=ax)

    def table_of_coefficients(self) -> Any:
        """Coefficients of both branches as a pandas frame."""
        import pandas as pd

        return pd.DataFrame({way: branch.coefficients for way, branch in self.branches.items()})

    def _repr_html_(self) -> str:
        return str(self.table_of_coefficients().to_html())
