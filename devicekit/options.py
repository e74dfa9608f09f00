"""What a user may say about a file: the options that every command which reads a file takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from devicekit.errors import UsageError
from devicekit.names import UNIT_WORDS

QUANTITIES = ("conductance", "current", "resistance", "weight")


@dataclass(frozen=True)
class ReadOptions:
    """How to read a file where the file itself does not say.

    Parameters
    ----------
    format : str, optional
        Name of a reader; detected from the content if not given.
    quantity : {"conductance", "current", "resistance", "weight"}, optional
        What the numbers are.
    read_voltage : float, optional
        Read voltage [V], not 0; needed for currents.
    columns : mapping of str to str
        Our column name -> the file's column name. The name `value` stands for the column whose quantity
        is given by `quantity`.
    unit : str, optional
        Unit of the numbers, such as uS, nA or kohm; SI if not given.
    absolute : bool
        Take magnitudes of negative conductances.
    device, cycle, width : optional
        Keep only this device, cycle, or pulse width [s].

    Raises
    ------
    UsageError
        If the options contradict each other or are out of range.
    """

    format: str | None = None
    quantity: str | None = None
    read_voltage: float | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    unit: str | None = None
    absolute: bool = False
    device: str | None = None
    cycle: int | None = None
    width: float | None = None

    def __post_init__(self) -> None:
        if self.quantity is not None and self.quantity not in QUANTITIES:
            raise UsageError(f"--quantity is one of {', '.join(QUANTITIES)}, not {self.quantity!r}")
        if self.read_voltage is not None and not 0 < abs(self.read_voltage) < float("inf"):
            raise UsageError(f"--read-voltage must be a finite voltage other than 0, not {self.read_voltage}")
        if self.unit is None:
            return
        if self.unit not in UNIT_WORDS:
            raise UsageError(f"--unit {self.unit!r} is not known; there are {', '.join(UNIT_WORDS)}")
        measured = UNIT_WORDS[self.unit][0]
        if self.quantity is not None and self.quantity != measured:
            raise UsageError(
                f"--unit {self.unit} is a unit of {measured}, but --quantity says {self.quantity}"
            )

    @property
    def stated_quantity(self) -> str | None:
        """The quantity, as said by `quantity` or implied by `unit`."""
        return self.quantity or (UNIT_WORDS[self.unit][0] if self.unit else None)

    @property
    def factor(self) -> float:
        """From the file's unit to SI."""
        return UNIT_WORDS[self.unit][1] if self.unit else 1.0
