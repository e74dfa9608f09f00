"""The law of the amplitude: a left-out amplitude is predicted from the others; the middle width from the outer two.

python benchmarks/amplitude_law.py [RUNS] [KIND or NOISE ...]     # 120 devices of each: ten CPU minutes

Truths are made here, by their own recursion and three laws of the amplitude with drawn parameters: what is fitted has
no part in them. Of five amplitudes one of the inner three is left out, and the lowest and highest in turn. Printed are
rms misfits of the prediction over those of the left-out trains' own fit, the share of the true mean curve inside the
band, and that of single readings inside theirs.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

VOLTS = (0.7, 0.8, 0.9, 1.0, 1.1)
KINDS = ("exponential", "power", "threshold")
NOISES = {  # increment, read, sd of ln rate over cycles
    "readings": (0.0005, 0.01, 0.0),
    "both": (0.002, 0.008, 0.02),
    "updates": (0.006, 0.002, 0.02),
}
SAMPLES = 400  # trains that the true mean curve is the mean of: clipping bends it where updates scatter
CYCLES, PULSES, FLOOR, SPAN = 10, 100, 2e-5, 1e-4


class Truth(NamedTuple):
    """A device: kind of its law, its parameter(s), rate at 0.9 V and half the window, and shape."""

    kind: str
    strength: float
    threshold: float
    level: float
    bend: float
    power: float

    def factor(self, volts: np.ndarray | float) -> np.ndarray:
        """Step over that of 0.9 V."""
        v = np.asarray(volts, float)
        if self.kind == "exponential":
            return np.exp((v - 0.9) * self.strength / 0.9)
        return ((v - self.threshold) / (0.9 - self.threshold)) ** self.strength

    def step(self, x: np.ndarray) -> np.ndarray:
        """Of a pulse of 0.9 V."""
        base = np.maximum(1.0 - self.bend * x, 0.0) / (1.0 - self.bend / 2)
        return np.exp(self.level) * base**self.power


def draw(kind: str, rng: np.random.Generator) -> Truth:
    """A device of a kind."""
    threshold = float(rng.uniform(0.4, 0.6)) if kind == "threshold" else 0.0
    strength = float(rng.uniform(1.5, 3.0) if kind == "threshold" else rng.uniform(4.0, 10.0))
    level, bend = float(rng.uniform(-4.4, -3.4)), float(rng.uniform(0.6, 0.97))
    return Truth(kind, strength, threshold, level, bend, float(rng.uniform(0.8, 1.6)))


def states(
    truth: Truth, volts: np.ndarray, noise: tuple[float, float, float], count: int, rng: np.random.Generator
) -> np.ndarray:
    """States of several cycles before they are read, shape (count, pulses + 1)."""
    faster = np.exp(noise[2] * rng.standard_normal(count))
    x = np.full(count, 0.02)
    found = [x]
    for v in volts:
        x = x + truth.factor(v) * truth.step(x) * faster + noise[0] * rng.standard_normal(count)
        x = np.clip(x, 0.0, 1.0)
        found.append(x)
    return np.array(found).T


def trains(
    truth: Truth, volts: np.ndarray, noise: tuple[float, float, float], count: int, rng: np.random.Generator
) -> np.ndarray:
    """Readings of several cycles, fractions of the window."""
    true = states(truth, volts, noise, count, rng)
    return true + noise[1] * rng.standard_normal(true.shape)


def rows(values: np.ndarray, volts: np.ndarray, cycle: int, direction: str = "ltp") -> pd.DataFrame:
    """A train as rows of a pulse table."""
    r = values if direction == "ltp" else 1.0 - values
    return pd.DataFrame(
        {
            "device_id": "a",
            "cycle": cycle,
            "direction": direction,
            "pulse_index": np.arange(values.size),
            "conductance_s": np.maximum(FLOOR + SPAN * r, 0.0),
            "pulse_voltage_v": np.append(np.nan, volts if direction == "ltp" else -volts),
            "pulse_width_s": 1e-5,
        }
    )


class Found(NamedTuple):
    """Of one left-out amplitude: misfits of its own fit, of the prediction and of the truth; coverage; laws left."""

    own: float
    predicted: float
    perfect: float
    curve: float
    readings: float
    in_set: bool
    best: bool


def run(kind: str, noise: tuple[float, float, float], out: int, seed: int) -> Found:
    """One device, with amplitude number `out` left out."""
    from devicekit.device.blocks import Window
    from devicekit.fitting.branch.fit import fit_branch
    from devicekit.fitting.branch.options import FitOptions
    from devicekit.fitting.branch.trains import Trains
    from devicekit.fitting.pulses.fit import pulse_law
    from devicekit.tables import PulseTable

    rng = np.random.default_rng([seed, KINDS.index(kind), out])
    truth = draw(kind, rng)
    sets = {v: trains(truth, np.full(PULSES, v), noise, CYCLES, rng) for v in VOLTS}
    frames, cycle = [], 0
    for v in VOLTS:
        for values in sets[v]:
            cycle += 1
            if v != VOLTS[out]:
                frames.append(rows(values, np.full(PULSES, v), cycle))
    options = FitOptions(share="amplitude")
    law = pulse_law(PulseTable(pd.concat(frames, ignore_index=True)), options)
    assert law is not None
    window: Window = law.joints["ltp"].window
    told = sets[VOLTS[out]]
    values = FLOOR + SPAN * told
    left = Trains("ltp", ("a",) * CYCLES, np.arange(CYCLES), values)
    own = fit_branch(left, window, options, with_lmfit=False, judge=False)
    seen = window.to_state(values)
    mean = seen.mean(axis=0)
    true = states(truth, np.full(PULSES, VOLTS[out]), noise, SAMPLES, rng).mean(axis=0)
    exact = window.to_state(FLOOR + SPAN * true)
    found = law.predict("ltp", VOLTS[out], n_pulses=PULSES, start=float(exact[0]))
    span = float(np.ptp(mean))
    return Found(
        own.rms / span,
        float(np.sqrt(np.mean((found.r - mean) ** 2))) / span,
        float(np.sqrt(np.mean((exact - mean) ** 2))) / span,
        float(np.mean((exact >= found.low) & (exact <= found.high))),
        float(np.mean((seen >= found.reading_low) & (seen <= found.reading_high))),
        kind in law.possible_laws("ltp"),
        kind == law.possible_laws("ltp")[0],
    )


def middle_width() -> dict[str, tuple[float, float, float]]:
    """Of the shipped SYNTHETIC set, by direction: misfits of the middle width's own fit and prediction, coverage."""
    from devicekit.core.statistics import nanmean
    from devicekit.fitting.branch.fit import fit_branch
    from devicekit.fitting.branch.options import FitOptions
    from devicekit.fitting.branch.trains import select_trains
    from devicekit.fitting.pulses.fit import pulse_law
    from devicekit.readers import read
    from devicekit.system.catalog import data_root
    from devicekit.tables import PulseTable

    table = read(data_root() / "pt-hfo2-al2o3-ti" / "pulses.csv.gz")
    middle = table.widths[1]
    options = FitOptions(share="width")
    law = pulse_law(PulseTable(table.frame[table.frame["pulse_width_s"] != middle]), options)
    assert law is not None
    result = {}
    for direction, joint in law.joints.items():
        trains = select_trains(table.select(width=middle), direction)
        assert trains is not None
        mean = nanmean(trains.mean_states(joint.window))
        found = law.predict(direction, width=middle, n_pulses=mean.size - 1, start=float(mean[0]))
        assert found.assumed
        own = fit_branch(trains, joint.window, options, with_lmfit=False, judge=False)
        span = float(np.ptp(mean))
        inside = float(np.mean((mean >= found.low) & (mean <= found.high)))
        result[direction] = (own.rms / span, float(np.sqrt(np.mean((found.r - mean) ** 2))) / span, inside)
    return result


def main() -> int:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 120
    asked = set(sys.argv[2:])
    kinds = [each for each in KINDS if each in asked] or KINDS
    noises = {name: each for name, each in NOISES.items() if name in asked} or NOISES
    good = True
    print(f"{runs} devices a row; {CYCLES} cycles of {PULSES} pulses at each of {VOLTS} V; eq. (2)")
    print(
        "kind, noise, left out: nrmse of the prediction over that of its own fit (median, share <= 2), and the same of"
    )
    print("the true law; coverage of the true mean curve, of single readings; the truth not excluded, and best")
    for kind in kinds:
        for name, noise in noises.items():
            for place, outs in (("inner", (1, 2, 3)), ("end", (0, 4))):
                many = runs if place == "inner" else max(runs // 4, 1)
                found = [run(kind, noise, outs[seed % len(outs)], seed) for seed in range(many)]
                ratio = np.array([each.predicted / each.own for each in found])
                truth = np.array([each.perfect / each.own for each in found])
                curve, readings = (float(np.mean([getattr(e, k) for e in found])) for k in ("curve", "readings"))
                print(
                    f"{kind:12}{name:9}{place:6}{np.median(ratio):6.2f}{np.mean(ratio <= 2):7.1%}  truth "
                    f"{np.median(truth):5.2f}  curve {curve:6.1%}  "
                    f"readings {readings:6.1%}  in set {np.mean([e.in_set for e in found]):6.1%}  best "
                    f"{np.mean([e.best for e in found]):6.1%}  nrmse {np.median([e.predicted for e in found]):.4f}",
                    flush=True,
                )
                close = name != "readings" or float(np.median(ratio)) <= 2  # updates wander: their own fit follows them
                good = good and (place == "end" or (curve >= 0.9 and close))
    for direction, (own, predicted, inside) in (middle_width() if not asked else {}).items():
        print(
            f"middle width from outer two, {direction}: own {own:.4f}, predicted {predicted:.4f}, in band {inside:.0%}"
        )
        good = good and inside >= 0.9
    return int(not good)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    sys.exit(main())
