"""Evenly spaced stable states, found in the trains of a device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

JUMP = 5.0  # noise deviations by which neighbouring readings differ where a state was left
FEWEST_STATES, FEWEST_JUMPS = 12, 4  # visits, and ends of them
LEAST_COHERENCE = 0.8
MOST_STATES = 40  # in the window: more of them cost a network nothing, and are hard to tell from steps
SURE = 12.0  # - ln of the chance that evenly spread states look like a lattice, at one spacing
STAYS = 0.5  # share of pulses by which a state is not left: else its spacing is that of the steps
SPACINGS = 400  # that are tried


@dataclass(frozen=True)
class Lattice:
    """Evenly spaced stable states.

    Attributes
    ----------
    spacing : float
        Fraction of the window.
    coherence : float
        1: exactly on them; 0: nothing of the kind.
    """

    spacing: float
    coherence: float

    @property
    def count(self) -> int:
        """Number of states in the window, both ends included."""
        return max(round(1.0 / self.spacing) + 1, 2)


def find_lattice(rows: Sequence[np.ndarray]) -> Lattice | None:
    """Find the spacing of the states on which trains lie; None if there is no evidence of one.

    A device with few stable states stays on one for several pulses, then leaves it by a jump. The means of these
    stays are tried on all spacings: exp(2 pi i state / spacing) points in one direction if they lie on a lattice.

    Parameters
    ----------
    rows : sequence of ndarray, shape (N + 1,)
        Trains of one device, fractions of the window.
    """
    stays: list[float] = []
    jumps: list[float] = []
    pulses = visits = 0
    for row in rows:
        y = row[np.isfinite(row)]
        change = np.diff(y)
        if change.size < 4:
            continue
        small = np.sort(np.abs(change))[: max(change.size // 2, 2)]
        # half of the changes, those within 0.67 sd of 0 if none is a jump
        noise = max(float(small[-1]) / 0.6745, 1e-9)
        jump = np.abs(change) > JUMP * noise
        parts = np.split(y, np.flatnonzero(jump) + 1)
        stays += [float(part.mean()) for part in parts if part.size > 1]
        visits += len(parts)
        jumps += np.abs(change[jump]).tolist()
        pulses += change.size
    if len(jumps) < FEWEST_JUMPS or len(stays) < FEWEST_STATES or len(jumps) > (1.0 - STAYS) * pulses:
        return None
    if len(stays) < STAYS * visits:  # left at once by most pulses: large steps, no states
        return None
    typical = float(np.median(jumps))
    lowest, highest = max(0.4 * typical, 1.0 / MOST_STATES), min(1.3 * typical, 0.5)
    if lowest >= highest:
        return None
    spacings = np.geomspace(lowest, highest, SPACINGS)
    levels = np.array(stays)
    together = np.abs(np.exp(2j * np.pi * levels[:, None] / spacings).mean(axis=0))
    # of spacings that do as well the widest: every part of a lattice's spacing fits it too
    best = int(np.flatnonzero(together >= together.max() - 0.02)[-1])
    coherence = float(together[best])
    if coherence < LEAST_COHERENCE or levels.size * coherence**2 < SURE + np.log(SPACINGS):
        return None
    return Lattice(float(spacings[best]), coherence)
