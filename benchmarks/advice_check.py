"""Does `devicekit next` foretell right? The standard deviation it predicts against the error after the measurement.

python benchmarks/advice_check.py [DEVICES] [REPEATS] [LAW]     # 30 devices, 4 repeats each, both laws

Takes the way of a user: a file of two LTP and two LTD trains of 50 pulses, `devicekit.fit`, advice; then each kind of
measurement that is advised, on a file that holds the trains of before too, through `devicekit.fit` again. Trains of
other lengths than those of before are among them. SYNTHETIC devices of soft bounds and of eq. (2), made apart from the
package's recursions. The error is that of the rate over the states 0.05 to 0.95 of the first fit's window, relative to
its mean, as the advice has it.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd

LENGTH, CYCLES = 50, 2
INCREMENT, READ, RATE_SD, OFFSET = 0.004, 0.004, 0.05, 0.008  # of the window; of ln rate
LOW, SPAN = 2e-4, 4e-5  # S; a train of an almost linear device may run through the window several times
LAWS = ("softbounds", "eq2")
Rate = Callable[[np.ndarray], np.ndarray]


def truth(law: str, rng: np.random.Generator) -> Rate:
    """A rate on the rising coordinate by which 50 pulses cover 60 to 110 % of the window."""
    while True:
        step, kappa = np.exp(rng.uniform(-4.6, -3.2)), rng.uniform(0.3, 1.05)
        d, f, g, h = 1.0, 0.0, 0.0, 0.0
        if law == "eq2":
            kappa, d = rng.uniform(-1.0, 0.95), rng.uniform(0.3, 2.5)
            f, g, h = rng.uniform(-8, 8), rng.uniform(-4, 4), rng.uniform(0, 1.5)

        def rate(x: np.ndarray, a=step, k=kappa, d=d, f=f, g=g, h=h) -> np.ndarray:  # type: ignore[no-untyped-def]
            base = np.maximum(1 - k * x, 0) ** d / (1 - k / 2) ** d
            return a * base * ((1 + np.exp(f / 2 + g)) / (1 + np.exp(f * x + g))) ** h

        x = 0.0
        for _ in range(LENGTH):
            x += float(rate(np.array(x)))
        if 0.6 <= x <= 1.1:
            return rate


def trains(rate: Rate, rng: np.random.Generator, count: int, pulses: int, every: int = 1, reads: int = 1) -> np.ndarray:
    """Readings (count, pulses + 1) on the rising coordinate; NaN where nothing is read."""
    faster, shift = np.exp(RATE_SD * rng.standard_normal(count)), OFFSET * rng.standard_normal(count)
    x, y = np.zeros(count), np.full((count, pulses + 1), np.nan)
    for n in range(pulses + 1):
        if n % every == 0:
            y[:, n] = x + shift + READ / np.sqrt(reads) * rng.standard_normal(count)
        x = x + rate(x) * faster + INCREMENT * rng.standard_normal(count)
    return y


def frame(sets: dict[str, list[np.ndarray]]) -> pd.DataFrame:
    """Such trains as a table in siemens."""
    rows = []
    for direction, groups in sets.items():
        for cycle, y in enumerate((row for group in groups for row in group), start=1):
            read = np.flatnonzero(np.isfinite(y))
            g = LOW + SPAN * (y[read] if direction == "ltp" else 1 - y[read])
            columns = {"device_id": "a", "cycle": cycle, "direction": direction, "pulse_index": read}
            rows.append(pd.DataFrame({**columns, "conductance_s": g}))
    return pd.concat(rows, ignore_index=True)


def error(fitted, rates: dict[str, Rate], window) -> float:  # type: ignore[no-untyped-def]
    """Of the rates, relative to their mean, over the states 0.05 to 0.95 of a window: root mean square of both."""
    squares = []
    for direction, rate in rates.items():
        x = np.linspace(0.05, 0.95, 19)
        g = window.from_state(x if direction == "ltp" else 1 - x)
        true = (g - LOW) / SPAN
        true = rate(true if direction == "ltp" else 1 - true) * SPAN
        state = fitted.window.to_state(g)
        found = np.abs(fitted.to_card("a").rate(direction, state)) * fitted.window.span
        squares.append(np.mean((found - true) ** 2) / true.mean() ** 2)
    return float(np.sqrt(np.mean(squares)))


def check(law: str, devices: int, repeats: int, first: int = 0) -> dict[str, dict[str, np.ndarray]]:
    """Foretold standard deviations, and errors before and after, (devices, repeats), by kind of measurement."""
    import devicekit
    from devicekit.fitting.uncertainty.advice import EVERY, next_measurement

    found: dict[str, dict[str, list[list[float]]]] = {}
    for number in range(first, first + devices):
        rng = np.random.default_rng([31, number])
        rates = {direction: truth(law, rng) for direction in ("ltp", "ltd")}
        rows: dict[str, list[tuple[float, float, float]]] = {}
        for _ in range(repeats):
            have = {direction: [trains(rate, rng, CYCLES, LENGTH)] for direction, rate in rates.items()}
            fitted = devicekit.fit(frame(have), model=law)
            before = error(fitted, rates, fitted.window)
            for each in next_measurement(fitted).candidates:
                kind = each.name.partition(":")[0]
                if "another device" in kind:  # says nothing of this one
                    continue
                every = EVERY if f"each {EVERY}th" in kind else 1
                reads = 4 if "readings after" in kind else 1
                more = {
                    direction: [*have[direction], trains(rate, rng, each.trains, each.pulses, every, reads)]
                    for direction, rate in rates.items()
                }
                after = error(devicekit.fit(frame(more), model=law), rates, fitted.window)
                rows.setdefault(kind, []).append((each.sd_then, before, after))
        for kind, told in rows.items():
            own = found.setdefault(kind, {"foretold": [], "before": [], "after": []})
            for name, values in zip(own, zip(*told, strict=True), strict=True):
                own[name].append(list(values))
    return {kind: {name: np.array(values) for name, values in own.items()} for kind, own in found.items()}


def main() -> None:
    warnings.simplefilter("ignore")
    devices, repeats = (int(sys.argv[k]) if len(sys.argv) > k else n for k, n in ((1, 30), (2, 4)))
    for law in sys.argv[3:] or LAWS:
        print(f"{law}: {devices} devices, {repeats} measurements each")
        for kind, own in sorted(check(law, devices, repeats).items()):
            rms = {name: np.sqrt(np.mean(values**2, axis=1)) for name, values in own.items()}
            ratio = np.median(own["foretold"], axis=1) / rms["after"]
            print(
                f"  {kind:42} foretold {np.median(own['foretold']):.4f}, found {np.median(rms['after']):.4f} (before "
                f"{np.median(rms['before']):.4f}); foretold / found {np.median(ratio):.2f}; worse than before: "
                f"{np.mean(rms['after'] > rms['before']):.0%}"
            )


if __name__ == "__main__":
    main()
