"""Options of a fit. Imports little, because the command line reads its choices here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import TYPE_CHECKING

from devicekit.core.errors import UsageError
from devicekit.core.quantities import DIRECTIONS
from devicekit.models import DEFAULT

if TYPE_CHECKING:
    from devicekit.device.blocks import Setting
    from devicekit.models.law import Law

CHOICES: dict[str, tuple[str | None, ...]] = {
    "loss": ("linear", "tukey"),
    "estimator": ("auto", "mean", "innovations"),
    "share": (None, "width", "amplitude", "both"),
    "state": ("linear", "log"),
}


@dataclass(frozen=True)
class FitOptions:
    """Options of a fit.

    Parameters
    ----------
    model : str
        Name of the update law.
    loss : {"linear", "tukey"}
        Least squares, or Tukey's biweight, which leaves isolated outliers out.
    estimator : {"auto", "mean", "innovations"}
        auto (default): the likelihood of whole trains for one device of two cycles or more whose law holds, or whose
        trains have unequal length; else the mean curve. mean: a free-running trajectory on the mean curve.
        innovations: one-step errors over all cycles, the state corrected by each reading with the Kalman gain of the
        estimated increment and read noise; better where increments dominate.
    state : {"linear", "log"}
        The law's state: conductance scaled to 0..1, or its logarithm, for devices that span several decades.
    share : {None, "width", "amplitude", "both"}
        With several pulse widths, amplitudes or both: one shared shape, and a law by which they scale the rate
        (`devicekit.fitting.pulses`). `width` gives one fit for each width, with its own rate and start.

    fix : mapping of str to float
        Coefficients at a given value, by the names that the fit prints: ``{"ltp.a": 0.3}``, or ``{"d": 1}`` for both
        branches. Of eq2 these are a, c, d, f, g and h (b and i are 1; g of LTD only together with f); of other laws
        every coefficient that one parameter determines.
    bounds : mapping of str to (float, float)
        Lower and upper ends of coefficients, by the same names: ``{"ltp.a": (0, 1)}``.

    Raises
    ------
    UsageError
        If a choice does not exist, or a coefficient cannot be fixed or bounded so.
    """

    model: str = DEFAULT
    loss: str = "linear"
    estimator: str = "auto"
    share: str | None = None
    state: str = "linear"
    fix: Mapping[str, float] = field(default_factory=dict)
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                words = " or ".join(str(word) for word in known if word)
                raise UsageError(f"{name}= must be {words}, not {getattr(self, name)!r}")
        _ = self.law  # raises if the name is unknown
        if self.is_constrained and self.share is not None:
            raise UsageError("A shared shape cannot have fixed or bounded coefficients. Fit one width or amplitude.")
        for direction in DIRECTIONS if self.is_constrained else ():
            self.law_of(direction)

    @property
    def is_constrained(self) -> bool:
        """True if a coefficient is fixed or bounded."""
        return bool(self.fix or self.bounds)

    def law_of(self, direction: str) -> Law:
        """Return the law of LTP or LTD with what is fixed or bounded.

        Raises
        ------
        UsageError
            If a name is unknown, or no value of the law lies within the limits.
        """
        if not self.is_constrained:
            return self.law
        from devicekit.models.constraints import constrain

        return constrain(self.law, direction, self.limits)

    @property
    def limits(self) -> dict[str, tuple[float, float]]:
        """Lower and upper end of each coefficient; equal ends fix it."""
        found: dict[str, tuple[float, float]] = {}
        for name, value in self.fix.items():
            found[name] = (_number(name, value),) * 2
        for name, ends in self.bounds.items():
            if name in found:
                raise UsageError(f"{name} is fixed and bounded. Give one of both.")
            try:
                low, high = ends
            except (TypeError, ValueError):
                raise UsageError(f"bounds of {name} are two numbers, such as (0, 1), not {ends!r}") from None
            found[name] = (_number(name, low), _number(name, high))
            if not found[name][0] < found[name][1]:
                raise UsageError(f"bounds of {name}: {low} is not below {high}.")
        return found

    @property
    def law(self) -> Law:
        """The update law that `model` names."""
        from devicekit.models.registry import get_law

        return get_law(self.model)

    def as_settings(self) -> dict[str, Setting]:
        """Return the options as settings for a card's provenance."""
        found = {name: getattr(self, name) for name in ("model", "loss", "estimator", "share", "state")}
        given = ", ".join(f"{name}={low:g}:{high:g}" for name, (low, high) in self.bounds.items())
        fixed = {"fix": ", ".join(f"{name}={value:g}" for name, value in self.fix.items())} if self.fix else {}
        return {**found, "bounds": f"{given}; else wide" if given else "wide", "prior": "weak", **fixed}


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise UsageError(f"{name} must be fixed or bounded by numbers, not {value!r}.")
    return float(value)
