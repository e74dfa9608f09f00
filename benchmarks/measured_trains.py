"""Does the model describe 20 measured devices? On the shipped set vcm-trains (VCM, 10 cycles of 200 + 200 pulses each).

python benchmarks/measured_trains.py [noise|next|population|network ...]        # all: ten minutes of one core

`noise`: what each device's fit finds, and what its one-step errors still show. `next`: mean of the next five cycles
within the band, after one, three and five. `population`: devices left out against devices drawn from the others.
`network`: few-shot accuracy of networks of drawn devices and of networks that are all one measured device.
"""

from __future__ import annotations

import sys
import warnings

import numpy as np
import pandas as pd

import devicekit
from devicekit.fitting.likelihood.misfit import misfit
from devicekit.fitting.next_cycles import next_cycles
from devicekit.fitting.population import leave_out
from devicekit.system import catalog
from devicekit.tables import PulseTable
from snn.benchmark.task import accuracy, few_shot, setting

DIRECTIONS = ("ltp", "ltd")


def trains() -> pd.DataFrame:
    return devicekit.read(catalog.get("vcm-trains").data).frame


def part(frame: pd.DataFrame, devices: list[str], cycles: range = range(1, 11)) -> pd.DataFrame:
    return frame[frame["device_id"].isin(devices) & frame["cycle"].isin(cycles)].reset_index(drop=True)


def noise(frame: pd.DataFrame) -> None:
    """Components of each device, spread of drawn cycles over that of measured ones, and what is left."""
    rows, left = [], []
    for name in frame["device_id"].unique():
        fit = devicekit.fit(part(frame, [name]))
        for direction, spread in fit.variation.branches.items():
            rows.append(
                (spread.increment, spread.read, spread.held, spread.memory, fit.variation.spread_ratios[direction])
            )
            found = misfit(fit.likelihood[direction], [fit.trains(direction).rising(fit.window)])
            left.append((found.shape, found.correlations_p < 5e-4, abs(found.state_z) > 3.5, found.tails_z > 6))
    low, middle, high = np.quantile(np.array(rows, float), [0.0, 0.5, 1.0], axis=0)
    for k, what in enumerate(("increment", "read", "held", "memory", "drawn over measured spread")):
        print(f"{what:28} median {middle[k]:.3f} ({low[k]:.3f} to {high[k]:.3f})")
    shape, correlated, state, tails = np.sum(left, axis=0)
    print(f"of {len(left)} branches left: course {shape}, correlated {correlated}, by state {state}, far ones {tails}")
    pooled = devicekit.fit(frame)
    print(
        "pooled: drawn over measured spread",
        {name: round(value, 2) for name, value in pooled.variation.spread_ratios.items()},
    )


def next_five(frame: pd.DataFrame) -> None:
    """Share of pulses at which the mean of the next five cycles is within the band; half its width."""
    names = list(frame["device_id"].unique())
    cases = {f"after {k}": (range(1, k + 1), range(k + 1, k + 6)) for k in (1, 3, 5)}
    cases["every other"] = (range(1, 11, 2), range(2, 11, 2))
    for what, (seen, ahead) in cases.items():
        found: dict[str, list[tuple[float, float]]] = {}
        for name in names:
            fit, new = devicekit.fit(part(frame, [name], seen)), part(frame, [name], ahead)
            for direction in DIRECTIONS:
                band = next_cycles(fit, direction)
                own = new[new["direction"] == direction]
                r = fit.window.to_state(own.groupby("pulse_index")["conductance_s"].mean().to_numpy())
                inside = float(np.mean((band.lower <= r) & (r <= band.upper)))
                found.setdefault(direction, []).append((inside, float(np.mean(band.upper - band.lower)) / 2))
        told = {name: np.mean(values, axis=0).round(3).tolist() for name, values in found.items()}
        print(f"{what:12} inside, half width: {told}")


def population(frame: pd.DataFrame) -> None:
    """Five devices left out, four times: readings and device means within the 95 % of devices drawn from the others."""
    table = PulseTable(frame)
    for mode in ("resample", "shared"):
        for each in leave_out(table, 4, d2d=mode).values():  # type: ignore[arg-type]
            print(
                f"{mode:9} {each.direction}: inside, readings {each.readings:.3f}, means {each.means:.3f}, whole "
                f"curves {each.curves:.2f}; width {1e6 * each.width:.1f} uS"
            )


def network(frame: pd.DataFrame) -> None:
    """Few-shot digits: 8 seeds of drawn devices; of each single device's card the mean of two seeds."""
    data, card = few_shot("digits"), devicekit.load_card(catalog.get("vcm-trains").card)
    own = [devicekit.fit(part(frame, [name])).to_card(str(name)) for name in frame["device_id"].unique()]
    for rates in ("plain", "scaled"):
        for mode in ("resample", "shared"):
            print(rates, mode, told([accuracy(card, setting(rates, seed, d2d=mode), data) for seed in range(8)]))
        single = [
            np.mean([accuracy(each, setting(rates, k + 20 * n), data) for n in range(2)]) for k, each in enumerate(own)
        ]
        print(rates, "single devices", told(single))


def told(values: list[float]) -> str:
    percent = 100 * np.array(values)
    return f"{percent.mean():.1f} ± {percent.std(ddof=1) / np.sqrt(percent.size):.1f} (sd {percent.std(ddof=1):.1f}) %"


def main() -> None:
    warnings.simplefilter("ignore")
    tables = {"noise": noise, "next": next_five, "population": population, "network": network}
    frame = trains()
    for name in sys.argv[1:] or tables:
        print(f"== {name}")
        tables[name](frame)


if __name__ == "__main__":
    main()
