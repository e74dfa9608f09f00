"""How well concatenated LTP and LTD trains are told apart: turns exact, off or refused, a cell per kind of trace.

    python benchmarks/splitting_table.py [--seeds 12] [--noise 0.1 0.4 1 3] [--cells 4x60 ragged ...]

The traces are made here, by code that shares nothing with the package. SYNTHETIC data throughout. A cell counts, over
its seeds, the traces whose every turn is exact, those accepted with a turn off, and those refused.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from devicekit.core.errors import QuestionError
from devicekit.readers.splitting import Split, split_values

NOISES = (0.1, 0.4, 1.0, 3.0)  # [% of the window]


@dataclass(frozen=True)
class Trace:
    """Readings, and the position of the reading at each turn."""

    values: np.ndarray
    turns: np.ndarray


def soft(state: float, up: bool, rate: float, _: int, __: int) -> float:
    """A soft bound: the step is a fixed share of what is left."""
    return state + rate * ((1.0 if up else 0.0) - state)


def straight(state: float, up: bool, _: float, __: int, length: int) -> float:
    """Equal steps over the whole window."""
    return state + (1.0 if up else -1.0) / length


def s_shaped(_: float, up: bool, __: float, pulse: int, length: int) -> float:
    """Slow, fast, slow: flat on both sides of every turn."""
    share = 1.0 / (1.0 + np.exp(-12.0 * (pulse / length - 0.5)))
    return float(share if up else 1.0 - share)


def s_shaped_down(state: float, up: bool, rate: float, pulse: int, length: int) -> float:
    """A soft bound upwards; slow, fast, slow downwards."""
    return soft(state, up, rate, pulse, length) if up else s_shaped(state, up, rate, pulse, length)


def trace(
    lengths: list[int],
    noise: float,
    seed: int,
    *,
    law: Callable[[float, bool, float, int, int], float] = soft,
    rate: float = 0.07,
    steps: float = 0.0,
    drift: float = 0.0,
    opening: bool = True,
    rising: bool = True,
    shrink: float = 1.0,
) -> Trace:
    """Trains of these lengths, alternately up and down, with white noise of a reading [% of the window].

    `steps` is the noise of each pulse's step [% of the window], `drift` what the record gains in all, `opening` whether
    a reading stands before the first pulse, `shrink` the share of the window that is left at the end.
    """
    rng = np.random.default_rng(seed)
    state = 0.0 if rising else 1.0
    values, ends = [state], []
    for number, length in enumerate(lengths):
        up = (number % 2 == 0) == rising
        for pulse in range(1, length + 1):
            state = law(state, up, rate, pulse, length) + steps / 100.0 * rng.standard_normal()
            values.append(state)
        ends.append(len(values) - 1)
    along = np.linspace(0.0, 1.0, len(values))
    made = 0.5 + (np.array(values) - 0.5) * (1.0 - (1.0 - shrink) * along) + drift * along
    made = made + noise / 100.0 * rng.standard_normal(made.size)
    turns = np.array(ends[:-1], int)
    return Trace(made, turns) if opening else Trace(made[1:], turns - 1)


def ragged(noise: float, seed: int) -> Trace:
    """Ten trains of 60 pulses, give or take 20 %."""
    return trace([int(n) for n in np.random.default_rng(seed + 500).integers(48, 73, 10)], noise, seed)


def without(made: Trace, lost: int) -> Trace:
    """The trace with the reading at position `lost`, which is no turn, left out."""
    return Trace(np.delete(made.values, lost), made.turns - (made.turns > lost))


def lost_reading(noise: float, seed: int) -> Trace:
    """Four cycles of 60 + 60, one reading in the fourth train left out."""
    return without(trace([60] * 8, noise, seed), 205)


def early_end(noise: float, seed: int) -> Trace:
    """Four cycles of 60 + 60, the last 25 readings not there."""
    made = trace([60] * 8, noise, seed)
    return Trace(made.values[:-25], made.turns)


EQUAL: dict[str, Callable[[float, int], Trace]] = {
    "2x60": lambda noise, seed: trace([60] * 4, noise, seed),
    "4x60": lambda noise, seed: trace([60] * 8, noise, seed),
    "4x60, falling first": lambda noise, seed: trace([60] * 8, noise, seed, rising=False),
    "9 trains of 60": lambda noise, seed: trace([60] * 9, noise, seed),
    "10x(50+30)": lambda noise, seed: trace([50, 30] * 10, noise, seed),
    "10 trains 50 + 30, one 50": lambda noise, seed: trace([50, 30] * 4 + [50], noise, seed),
    "20x(100+100)": lambda noise, seed: trace([100] * 40, noise, seed, rate=0.04),
    "saturated 6x60": lambda noise, seed: trace([60] * 12, noise, seed, rate=0.15),
    "drift 4x60": lambda noise, seed: trace([60] * 8, noise, seed, drift=0.1),
    "linear 6x40": lambda noise, seed: trace([40] * 12, noise, seed, law=straight),
    "no opening reading 4x60": lambda noise, seed: trace([60] * 8, noise, seed, opening=False),
    "step noise 4x60": lambda noise, seed: trace([60] * 8, noise, seed, steps=1.0),
}
LONG: dict[str, Callable[[float, int], Trace]] = {
    "200x(50+50)": lambda noise, seed: trace([50] * 400, noise, seed),
    "500x(100+100)": lambda noise, seed: trace([100] * 1000, noise, seed, rate=0.04),
}
OTHER: dict[str, Callable[[float, int], Trace]] = {
    "1x60": lambda noise, seed: trace([60] * 2, noise, seed),
    "ragged": ragged,
    "lost reading": lost_reading,
    "early end": early_end,
    "S-shaped 6x60": lambda noise, seed: trace([60] * 12, noise, seed, law=s_shaped),
    "S-shaped down only 6x60": lambda noise, seed: trace([60] * 12, noise, seed, law=s_shaped_down),
    "fatigue 4x60": lambda noise, seed: trace([60] * 8, noise, seed, shrink=0.33),
}
CELLS = {**EQUAL, **LONG, **OTHER}
FEWER_SEEDS = {"200x(50+50)": 3, "500x(100+100)": 1}


def turns_of(split: Split) -> np.ndarray:
    """Position of the reading at each turn, as a split has it."""
    return np.flatnonzero(split.direction[1:] != split.direction[:-1])


def outcome(made: Trace, pulses: tuple[int, ...] | None = None) -> str:
    """One of exact, off, refused; "off" says by how much, and every word says by which authority."""
    try:
        split = split_values(made.values, "made", pulses)
    except QuestionError:
        return "refused"
    found = turns_of(split)
    if found.size != made.turns.size:
        return f"off: {found.size} turns ({split.how})"
    worst = int(np.abs(found - made.turns).max(initial=0))
    return f"off by {worst} ({split.how})" if worst else f"exact ({split.how})"


def cell(name: str, noise: float, seeds: int) -> dict[str, int]:
    """How often each outcome came."""
    found: dict[str, int] = {}
    for seed in range(min(seeds, FEWER_SEEDS.get(name, seeds))):
        word = outcome(CELLS[name](noise, seed))
        found[word] = found.get(word, 0) + 1
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--noise", type=float, nargs="+", default=NOISES)
    parser.add_argument("--cells", nargs="+", default=list(CELLS), choices=list(CELLS))
    stated = parser.parse_args()
    for name in stated.cells:
        for noise in stated.noise:
            begin = time.process_time()
            found = cell(name, noise, stated.seeds)
            each = (time.process_time() - begin) / sum(found.values())
            words = ", ".join(f"{times} {word}" for word, times in sorted(found.items()))
            print(f"{name:26} {noise:4g} %  {each:6.2f} s CPU a trace  {words}", flush=True)


if __name__ == "__main__":
    main()
