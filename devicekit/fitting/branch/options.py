"""Options of a fit. Imports little, because the command line reads its choices here."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from devicekit.core.errors import UsageError
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

    Raises
    ------
    UsageError
        If a choice does not exist.
    """

    model: str = DEFAULT
    loss: str = "linear"
    estimator: str = "auto"
    share: str | None = None
    state: str = "linear"

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                words = " or ".join(str(word) for word in known if word)
                raise UsageError(f"{name}= must be {words}, not {getattr(self, name)!r}")
        _ = self.law  # raises if the name is unknown

    @property
    def law(self) -> Law:
        """The update law that `model` names."""
        from devicekit.models.registry import get_law

        return get_law(self.model)

    def as_settings(self) -> dict[str, Setting]:
        """Return the options as settings for a card's provenance."""
        return {**asdict(self), "bounds": "wide", "prior": "weak"}
