"""Evenly spaced stable states, found in the trains of a device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

JUMP = 5.0  # noise deviations between neighbouring readings when the device leaves a state
FEWEST_STATES, FEWEST_JUMPS = 12, 4  # visits of states, and jumps between them
LEAST_COHERENCE = 0.8
MOST_STATES = 40  # in the window: more states do not limit a network and are hard to tell from steps
SURE = 12.0  # - ln of the chance that evenly spread states look like a lattice, at one spacing
STAYS = 0.5  # least share of pulses that leave the state unchanged; with fewer the spacing is that of the steps
SPACINGS = 400  # number of spacings tried


@dataclass(frozen=True)
class Lattice:
    """Evenly spaced stable states.

    Attributes
    ----------
    spacing : float
        Fraction of the window.
    coherence : float
        1: all readings exactly on the states; 0: no relation to them.
    """

    spacing: float
    coherence: float

    @property
    def count(self) -> int:
        """Number of states in the window, both ends included."""
        return max(round(1.0 / self.spacing) + 1, 2)


def find_lattice(rows: Sequence[np.ndarray]) -> Lattice | None:
    """Find the spacing of the states on which trains lie; None without evidence of one.

    A device with few stable states keeps one for several pulses, then jumps to another. The mean readings of these
    stays are tested for all spacings: on a lattice all exp(2 pi i state / spacing) point in one direction.

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
    if len(stays) < STAYS * visits:  # most pulses leave the state at once: large steps, no stable states
        return None
    typical = float(np.median(jumps))
    lowest, highest = max(0.4 * typical, 1.0 / MOST_STATES), min(1.3 * typical, 0.5)
    if lowest >= highest:
        return None
    spacings = np.geomspace(lowest, highest, SPACINGS)
    levels = np.array(stays)
    together = np.abs(np.exp(2j * np.pi * levels[:, None] / spacings).mean(axis=0))
    # the widest of the equally good spacings: each fraction of a lattice's spacing fits as well
    best = int(np.flatnonzero(together >= together.max() - 0.02)[-1])
    coherence = float(together[best])
    if coherence < LEAST_COHERENCE or levels.size * coherence**2 < SURE + np.log(SPACINGS):
        return None
    return Lattice(float(spacings[best]), coherence)
