"""Cycle-to-cycle (C2C) and device-to-device (D2D) variation, every number typed by what it is.

All are standard deviations as fractions of the card's one window. `spread`: of the state at the same pulse;
`increment`: of one update; `read`: of one reading. On measured ramps the first is 29 to 42 times the second.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from devicekit.core.printing import Printed
from devicekit.core.records import Record, column, derived, internal
from devicekit.device.blocks import BranchVariation, Sigma, Variation
from devicekit.fitting.variation.windows import OwnWindow

WHOLE = "maximum likelihood of whole trains (extended Kalman filter)"
READ_OR_REVERSIBLE = "; no reading was repeated without a pulse: reading, or a reversible change of the state"


@dataclass(frozen=True)
class BranchSpread(Printed):
    """Variation of one branch; None where cycles or devices are too few.

    Attributes
    ----------
    c2c_paper, d2d_paper : float
        Ma et al. 2023: standard deviation at each pulse, averaged over pulses (and devices).
    c2c_anova, d2d_anova : float
        One-way ANOVA at each pulse; variances averaged, root at the end. D2D is clipped at 0.
    d2d_variance : float
        D2D variance before clipping: negative when C2C explains all.
    increment, read : float
        Standard deviation of one update and of one reading.
    step : float
        Standard deviation of one update as a fraction of its own step, beside `increment`.
    held : float
        Standard deviation of a reversible fluctuation that each pulse draws anew and that is held until the next one.
    memory : float
        Correlation of it from pulse to pulse, 0 to 1.
    tilt, read_tilt : float
        By how much ln of what pulses, and what readings, scatter by grows from one end of the window to the other, on
        the rising coordinate.
    read_known : bool
        Whether `read` comes from readings repeated without a pulse; else it may include a reversible fluctuation.
    cycle_offset, cycle_ln_rate, cycle_start : float
        Standard deviation over cycles of the window's offset, of ln rate, and of the starting state.
    intervals : mapping of str to (float, float)
        95 % intervals of the components, by name; from 0 where the data are as likely without one.
    by : str
        How the components were estimated.
    """

    n_devices: int = 0
    n_cycles: int = 0
    c2c_paper: float | None = None
    c2c_anova: float | None = None
    d2d_paper: float | None = None
    d2d_anova: float | None = None
    d2d_variance: float | None = None
    increment: float | None = None
    read: float | None = None
    step: float | None = None
    held: float | None = None
    memory: float | None = None
    tilt: float | None = None
    read_tilt: float | None = None
    read_known: bool = False
    cycle_offset: float | None = None
    cycle_ln_rate: float | None = None
    cycle_start: float | None = None
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    by: str = ""

    def of_pulses(self) -> BranchSpread:
        """Return the same without what differs from cycle to cycle."""
        return replace(self, cycle_offset=0.0, cycle_ln_rate=0.0, cycle_start=0.0)

    def to_card(self) -> BranchVariation:
        """Return the variation as stored in a card: every number typed, with its estimator."""
        read_by = self.by if self.read_known or self.by != WHOLE else self.by + READ_OR_REVERSIBLE
        c2c = {
            "spread_paper": ("spread", self.c2c_paper, "mean over pulses of the sd over cycles (Ma et al. 2023)"),
            "spread_anova": ("spread", self.c2c_anova, "ANOVA within devices, variances averaged over pulses"),
            "increment": ("increment", self.increment, self.by),
            "read": ("read", self.read, read_by),
            "cycle_offset": ("spread", self.cycle_offset, self.by),
            # absent kinds of noise are not listed, so that such cards are unchanged
            "held": ("held", self.held or None, self.by),
        }
        d2d = {
            "spread_paper": ("spread", self.d2d_paper, "mean over pulses of the sd of device means (Ma et al. 2023)"),
            "spread_anova": ("spread", self.d2d_anova, _d2d_estimator(self.n_cycles)),
        }
        return BranchVariation(
            n_devices=self.n_devices,
            n_cycles=self.n_cycles,
            c2c={name: _sigma(*entry, self.intervals.get(name)) for name, entry in c2c.items() if entry[1] is not None},
            d2d={name: _sigma(*entry) for name, entry in d2d.items() if entry[1] is not None},
            step_noise=self.step,
            cycle_ln_rate=self.cycle_ln_rate,
            held_memory=self.memory if self.held else None,
            tilt=self.tilt or None,
            read_tilt=self.read_tilt or None,
            read_known=self.read_known,
        )


def _d2d_estimator(cycles: int) -> str:
    if cycles < 2:
        return "ANOVA between devices; one cycle a device, so it contains C2C and read noise"
    return "ANOVA between devices, clipped at 0"


def _sigma(kind: str, value: float | None, estimator: str, interval: tuple[float, float] | None = None) -> Sigma:
    assert value is not None
    return Sigma(kind=kind, value=float(value), estimator=estimator, interval=interval)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True, eq=False)
class VariationResult(Record):
    """Variation of both branches, and what it consists of."""

    branches: dict[str, BranchSpread] = internal("variation of each direction")
    d2d_ln_rate_covariance: np.ndarray | None = column(
        doc="covariance of ln rate over devices, rows and columns LTP, LTD"
    )
    sources: dict[str, dict[str, float] | None] = column(
        name="sources_of_c2c_variance", doc="shares of drift, cycles, updates and reading, by direction"
    )
    windows: dict[str, OwnWindow] = internal(
        "windows of single devices within that of the set; empty if devices differ by their rates alone",
        default_factory=dict,
    )
    spread_ratios: dict[str, float] = column(
        name="spread_ratio",
        doc="spread of cycles drawn from the variation over that of the measured ones, of branches of several cycles",
        default_factory=dict,
    )

    @derived(inline=True, row=False)
    def blocks(self) -> dict[str, BranchVariation]:
        """Variation of each direction as a card stores it."""
        return {direction: each.to_card() for direction, each in self.branches.items()}

    @derived(name="windows")
    def window_ends(self) -> dict[str, tuple[float, float]] | None:
        """Ends of the windows of single devices; None if devices differ by their rates alone."""
        return {name: (each.low, each.high) for name, each in self.windows.items()} or None

    def sentences(self) -> list[str]:
        """Return sentences on what the C2C spread of each branch consists of."""
        result = []
        for direction, shares in self.sources.items():
            spread = self.branches[direction]
            if shares is None or spread.increment is None:
                continue
            besides = f" and {spread.step:.1%} of its own step" if spread.step else ""
            held = (
                f"; a reversible fluctuation of {spread.held:.2%} from pulse to pulse (correlation from one pulse to "
                f"the next {spread.memory:.2f})"
                if spread.held
                else ""
            )
            tilt = "".join(
                f"; {what} scatter {np.exp(abs(value)):.1f} times as much at "
                f"{'high' if (value > 0) == (direction == 'ltp') else 'low'} conductance as at the other end"
                for what, value in (("updates", spread.tilt), ("readings", spread.read_tilt))
                if value
            )
            result.append(
                f"{direction.upper()}: the C2C variance is {shares['drift']:.0%} slow drift, {shares['cycle']:.0%} "
                f"cycle to cycle, {shares['pulse']:.0%} updates and {shares['read']:.0%} reading; one update "
                f"scatters by {spread.increment:.3%} of the window{besides}{held}{tilt}."
            )
        if result:
            result.append("Devices drawn from these numbers have this spread, but not the order of the cycles.")
        if self.windows:
            ends = np.array([[each.low, each.high] for each in self.windows.values()])
            low, span = ends[:, 0].std(ddof=1), np.log(ends[:, 1] - ends[:, 0]).std(ddof=1)
            result.append(
                f"Each of the {len(ends)} devices has its own window: the lower ends scatter by {low:.0%} of the "
                f"common window, the spans by {span:.0%}. Rates are relative to these windows."
            )
        return result

    def to_card(self) -> Variation:
        """Return the variation as stored in a card."""
        covariance = self.d2d_ln_rate_covariance
        return Variation(
            ltp=self.branches["ltp"].to_card(),
            ltd=self.branches["ltd"].to_card(),
            d2d_ln_rate_covariance=None
            if covariance is None
            else tuple(tuple(float(v) for v in row) for row in covariance),  # type: ignore[arg-type]
        )
