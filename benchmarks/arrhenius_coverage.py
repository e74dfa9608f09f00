"""Do the intervals of lives over temperature cover? Activation energy, median life, the life of a new device.

python benchmarks/arrhenius_coverage.py                  # every table, 300 runs a cell, about 6 minutes
python benchmarks/arrhenius_coverage.py --runs 40
python benchmarks/arrhenius_coverage.py --runs 20 --check   # exit code 1 if the pooled coverage is out of bounds
python benchmarks/arrhenius_coverage.py --evidence   # as the first, and its tables to docs/evidence

SYNTHETIC lives: ln t normal with sigma about the line of 1.1 eV; temperatures evenly from 150 C to 250 C; the life is
predicted at 85 C. Censored at one time for all temperatures ("one cut"), or at each temperature at the same share.
Coverage is that of the runs that are not refused. Then: what a second mechanism and devices baked again cost, and
readings that are far apart.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import NamedTuple

import numpy as np

from devicekit.features.lives import arrhenius
from devicekit.features.lives.arrhenius import ArrheniusFit, Life
from devicekit.features.lives.censored import Undetermined
from devicekit.synthetic.ageing import BakeTruth

USE_K = 358.15
BOUNDS = (0.925, 0.985)
TRUTH = BakeTruth()

# temperatures, devices at each, sigma, share that is censored, whether at one time
CELLS = (
    (3, 2, 0.3, 0.0, True),
    (3, 3, 0.3, 0.0, True),
    (3, 5, 0.5, 0.0, True),
    (5, 1, 0.3, 0.0, True),
    (3, 5, 0.5, 0.3, True),
    (5, 8, 0.5, 0.3, True),
    (5, 8, 0.5, 0.5, True),
    (5, 8, 0.5, 0.7, True),
    (5, 8, 0.5, 0.9, True),
    (3, 5, 0.5, 0.5, False),
    (3, 5, 0.5, 0.7, False),
    (5, 8, 0.5, 0.5, False),
    (5, 8, 0.5, 0.7, False),
    (5, 8, 0.5, 0.9, False),
    (3, 20, 0.5, 0.9, False),
)


class Cell(NamedTuple):
    """One line of the table."""

    given: float
    energy: float
    median: float
    device: float
    half_ev: float
    factor: float


def temperatures(n: int) -> np.ndarray:
    """n temperatures [K]."""
    return np.linspace(423.15, 523.15, n)


def lives(
    rng: np.random.Generator, kelvins: np.ndarray, n: int, sigma: float, share: float, one_cut: bool, truth: BakeTruth
) -> list[Life]:
    """Lives, some of them censored."""
    median = np.log([truth.median(kelvin) for kelvin in kelvins])
    many = np.random.default_rng(7).normal(size=(4000, 1))
    every = median + sigma * many
    cut = np.quantile(every, 1 - share) if one_cut else np.quantile(every, 1 - share, axis=0)
    cuts = np.broadcast_to(cut if share else np.inf, kelvins.shape)
    found = []
    for kelvin, centre, until in zip(kelvins, median, cuts, strict=True):
        for k, y in enumerate(centre + sigma * rng.standard_normal(n)):
            t, end = float(np.exp(y)), float(np.exp(until))
            name = f"{kelvin:g}-{k}"
            failed = t <= end
            low = t if failed else end
            found.append(
                Life(
                    device_id=name,
                    level="lrs",
                    temperature_k=float(kelvin),
                    n=50,
                    first_s=0.0,
                    low_s=low,
                    high_s=t if failed else None,
                    life_s=t if failed else None,
                    way="down" if failed else None,
                    sudden=False,
                    returned=False,
                )
            )
    return found


def holds(ends: tuple[float | None, float | None], value: float) -> bool:
    """Whether an interval, which may be open, holds a value."""
    return (ends[0] is None or ends[0] <= value) and (ends[1] is None or value <= ends[1])


def judged(fit: ArrheniusFit, new: float, truth: BakeTruth) -> tuple[bool, bool, bool, float, float]:
    """Whether the three intervals hold the truth, and two half-widths."""
    energy, median = fit.energy_ev, fit.median(USE_K)
    device = fit.device(median) or (None, None)
    wide = np.nan if energy.ends is None else (energy.ends[1] - energy.ends[0]) / 2
    factor = np.nan if median.ends is None else np.sqrt(median.ends[1] / median.ends[0])
    return (
        holds((energy.low, energy.high), truth.energy_ev),
        holds((median.low, median.high), truth.median(USE_K)),
        holds(device, new),
        wide,
        factor,
    )


def cell(at: int, n_kelvins: int, n: int, sigma: float, share: float, one_cut: bool, runs: int) -> Cell:
    """Coverage of one cell."""
    rows = []
    for run in range(runs):
        rng = np.random.default_rng(1000 * at + run)
        records = lives(rng, temperatures(n_kelvins), n, sigma, share, one_cut, TRUTH)
        new = TRUTH.median(USE_K) * float(np.exp(sigma * rng.standard_normal()))
        try:
            rows.append(judged(arrhenius.fit(records), new, TRUTH))
        except Undetermined:
            continue
    if not rows:
        return Cell(0.0, *[float("nan")] * 5)
    found = np.array(rows, float)
    return Cell(len(rows) / runs, *found[:, :3].mean(axis=0), *np.nanmedian(found[:, 3:], axis=0))


def coverage(runs: int) -> list[Cell]:
    """The table of coverage."""
    print(
        "| temperatures x devices; sigma; censored | not refused | Ea / median / new device | Ea ± eV | life, factor |"
    )
    print("|---|---|---|---|---|", flush=True)
    done = []
    for at, (n_kelvins, n, sigma, share, one_cut) in enumerate(CELLS):
        each = cell(at, n_kelvins, n, sigma, share, one_cut, runs)
        how = f"{100 * share:.0f} %{'' if not share else ', one cut' if one_cut else ', at each'}"
        print(
            f"| {n_kelvins} x {n}; {sigma:g}; {how} | {100 * each.given:.0f} % | {100 * each.energy:.0f} / "
            f"{100 * each.median:.0f} / {100 * each.device:.0f} % | {each.half_ev:.2f} | {each.factor:.1f} |",
            flush=True,
        )
        done.append(each)
    return done


def few(runs: int) -> None:
    """Coverage by the number of failures, at the same share censored at each of three temperatures."""
    print("\n| failures | runs | Ea / median / new device | Ea ± eV | life, factor |\n|---|---|---|---|---|")
    rows: dict[int, list[tuple[bool, bool, bool, float, float]]] = {}
    for run in range(4 * runs):
        rng = np.random.default_rng(90_000 + run)
        records = lives(rng, temperatures(3), 5, 0.5, 0.7, False, TRUTH)
        k = sum(each.failed for each in records)
        new = TRUTH.median(USE_K) * float(np.exp(0.5 * rng.standard_normal()))
        ends = [arrhenius._ends(each, False) for each in records]
        low, high = np.log(np.array(ends)).T
        x = arrhenius.inverse_energy(np.array([each.temperature_k for each in records]))
        failed = arrhenius.temperatures([each.temperature_k for each in records if each.failed])
        if k < 3 or len(failed) < 2:
            continue
        try:
            rows.setdefault(k, []).append(judged(arrhenius.fit_lives(x, low, high, failed), new, TRUTH))
        except Undetermined:
            continue
    for k, own in sorted(rows.items()):
        found = np.array(own, float)
        share, half = 100 * found[:, :3].mean(axis=0), np.nanmedian(found[:, 3:], axis=0)
        print(
            f"| {k} | {len(own)} | {share[0]:.0f} / {share[1]:.0f} / {share[2]:.0f} % | {half[0]:.2f} | {half[1]:.1f} |"
        )


def second(runs: int) -> None:
    """What a second mechanism of 0.5 eV does, by its share of the rate at the coldest bake."""
    print(
        "\n| temperatures x devices; sigma | its share of the rate at 150 °C | bend found "
        "| life at 85 °C too long by |\n|---|---|---|---|",
        flush=True,
    )
    cold = temperatures(3)[0]
    for n_kelvins, n, sigma in ((3, 5, 0.5), (5, 8, 0.5), (5, 20, 0.3)):
        for share in (0.0, 0.1, 0.3, 0.6, 0.8):
            away = float(arrhenius.inverse_energy(cold) - arrhenius.inverse_energy(TRUTH.life_k))
            rate = share / (1 - share) * np.exp(-TRUTH.energy_ev * away) / TRUTH.life_s
            slow = float("inf") if not share else 1.0 / (rate * np.exp(TRUTH.second_ev * away))
            truth = BakeTruth(second_s=slow)
            bent, ratio = [], []
            for run in range(runs):
                rng = np.random.default_rng(run)
                fit = arrhenius.fit(lives(rng, temperatures(n_kelvins), n, sigma, 0.0, True, truth))
                bent.append(fit.bend_p is not None and fit.bend_p < arrhenius.BENT)
                ratio.append(fit.median(USE_K).value / truth.median(USE_K))
            print(
                f"| {n_kelvins} x {n}; {sigma:g} | {100 * share:.0f} % | {100 * np.mean(bent):.0f} % | "
                f"{np.median(ratio):.2f} |",
                flush=True,
            )


def distance(runs: int) -> None:
    """How long a life comes out beyond the bakes when a second mechanism has a tenth of the rate at the coldest."""
    print("\n| beyond the coldest bake, over the span in 1/kT | life too long by (exact lives) |\n|---|---|")
    hot, cold = (float(arrhenius.inverse_energy(kelvin)) for kelvin in (523.15, 423.15))
    away = cold - float(arrhenius.inverse_energy(TRUTH.life_k))
    rate = 0.1 / 0.9 * np.exp(-TRUTH.energy_ev * away) / TRUTH.life_s
    truth = BakeTruth(second_s=float(1.0 / (rate * np.exp(TRUTH.second_ev * away))))
    kelvins = temperatures(5)
    slope, start = np.polyfit(arrhenius.inverse_energy(kelvins), np.log([truth.median(k) for k in kelvins]), 1)
    for ratio in (0.25, 0.5, 1.0, 1.5, 2.0, 3.0):
        x = cold + ratio * (cold - hot)
        kelvin = 1.0 / (arrhenius.BOLTZMANN_EV * x)
        print(f"| {ratio:g} ({kelvin - 273.15:.0f} C) | {np.exp(start + slope * x) / truth.median(kelvin):.2f} |")


def again(runs: int) -> None:
    """One device baked at every temperature: its offset is shared, and the records are not independent."""
    print("\n| 3 x 5, sd between devices, within | Ea / median / new device |\n|---|---|", flush=True)
    for between, within in ((0.0, 0.5), (0.35, 0.35), (0.48, 0.14)):
        rows = []
        for run in range(runs):
            rng = np.random.default_rng(run)
            kelvins = np.repeat(temperatures(3), 5)
            centre = np.log([TRUTH.median(kelvin) for kelvin in kelvins])
            y = centre + between * np.tile(rng.standard_normal(5), 3) + within * rng.standard_normal(15)
            new = TRUTH.median(USE_K) * float(np.exp(np.hypot(between, within) * rng.standard_normal()))
            fit = arrhenius.fit_lives(arrhenius.inverse_energy(kelvins), y, y, tuple(temperatures(3)))
            rows.append(judged(fit, new, TRUTH))
        share = 100 * np.array(rows, float)[:, :3].mean(axis=0)
        print(f"| {between:g}, {within:g} | {share[0]:.0f} / {share[1]:.0f} / {share[2]:.0f} % |", flush=True)


def coarse(runs: int) -> None:
    """Readings far apart: crossings that are drawn, lives that lie between two readings, and what is done here."""
    print("\n| loss; readings per decade; sigma | drawn: Ea / median | between two readings | devicekit | life given |")
    print("|---|---|---|---|---|", flush=True)
    runs = max(runs // 2, 1)
    for loss in ("slow", "at once"):
        for per_decade in (10, 3, 1):
            for sigma in (0.2, 0.5):
                shown, given = [], 0
                for between in (False, True, None):
                    inside = []
                    for run in range(runs):
                        records = _read(
                            np.random.default_rng(5000 + run), temperatures(4), loss == "slow", per_decade, sigma
                        )
                        try:
                            fit = arrhenius.fit(records, between)
                        except Undetermined:
                            continue
                        refused = fit.refusal(USE_K) or ""
                        if between is None and refused and "bent" not in refused:
                            continue
                        inside.append(judged(fit, TRUTH.median(USE_K), TRUTH)[:2])
                    given = len(inside)
                    share = 100 * np.mean(inside, axis=0) if inside else np.full(2, np.nan)
                    shown.append(f"{share[0]:.0f} / {share[1]:.0f} % of {given}")
                print(
                    f"| {loss}; {per_decade}; {sigma:g} | {' | '.join(shown)} | {100 * given / runs:.0f} % |",
                    flush=True,
                )


def _read(rng: np.random.Generator, kelvins: np.ndarray, slow: bool, per_decade: int, sigma: float) -> list[Life]:
    """Five devices at each temperature, read at time 0 and from 1 s to 1e7 s, with 1 % of noise."""
    t = np.concatenate([[0.0], np.geomspace(1.0, 1e7, 7 * per_decade + 1)])
    found = []
    for kelvin in kelvins:
        for end in TRUTH.median(kelvin) * np.exp(sigma * rng.standard_normal(5)):
            left = 1.0 / (1.0 + np.sqrt(t / end)) if slow else np.where(t < end, 1.0, 0.1)
            crossing = arrhenius.life(t, left * np.exp(0.01 * rng.standard_normal(t.size)), 2.0)
            of = {"device_id": "d", "level": "lrs", "temperature_k": float(kelvin)}
            found.append(Life(**of, n=t.size, first_s=0.0, **crossing._asdict(), returned=False))
    return found


def main() -> int:
    """Print the tables; with --check, judge the pooled coverage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--check", action="store_true")
    said = parser.parse_args()
    start = time.process_time()
    done = [each for each in coverage(said.runs) if each.given > 0.2]
    if not said.check:
        for table in (few, second, distance, again, coarse):
            table(said.runs)
    pooled = float(np.mean([[each.energy, each.median, each.device] for each in done]))
    print(f"\npooled coverage {100 * pooled:.1f} %; {time.process_time() - start:.0f} s of CPU")
    return int(said.check and not BOUNDS[0] <= pooled <= BOUNDS[1])


if __name__ == "__main__":
    from evidence_tables import run

    sys.exit(run(main, "arrhenius_coverage"))
