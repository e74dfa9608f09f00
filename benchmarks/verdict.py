"""Does the benchmark's verdict tell devices apart? Known devices, odds on fresh ones, and against a wide network.

python benchmarks/verdict.py [devices|named|power|separation ...] [--jobs 2]     # all: half an hour of one core

CrossSim and Gong are measured (DEVICEKIT_TEST_DATA); the others are SYNTHETIC. Dataset few-shot.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np

import devicekit
from devicekit.device.card import DeviceCard
from snn.benchmark import Plan, VariantResult, benchmark
from snn.benchmark.flaws import device, find_flaws, remove_flaws
from snn.benchmark.measure import generic
from snn.benchmark.task import NULL_SD, VARIANTS, Variant, accuracy, few_shot, setting
from snn.data.load import load
from snn.training import train

FIRST_FRESH, FRESH = 100_000, 200  # seeds
Named = dict[str, tuple[DeviceCard, dict[str, Any]]]


def ratio_of_two(card: DeviceCard) -> DeviceCard:
    window = card.window.model_copy(update={"quantity": "conductance_s", "low": 1e-6, "high": 2e-6})
    return card.model_copy(update={"window": window})


def devices() -> Named:
    found: Named = {
        "A: NL 5, 20 steps, scatter 5 %": (generic(20, 0.05, 5.0), {}),
        "C: NL 5, 100 steps": (generic(100, 0.0, 5.0), {}),
        "F: D2D sd of ln rate 1.5": device("device-to-device variation", 1.5),
        "G: 20 % stuck where they start": (generic(), {"stuck": 0.2, "stuck_at": "start"}),
        "I: scatter 3 %, LTD x3": (generic(scatter=0.03, ltd=3.0), {}),
        "L: 8 states": device("states", 8),
        "W: reads 3 % of G, ratio 2": (ratio_of_two(generic()), {"read_noise_of_g": 0.03}),
        "generic: NL 1, 100 steps, scatter 1 %": (generic(), {}),
    }
    data = Path(os.environ.get("DEVICEKIT_TEST_DATA", ""))
    if (data / "crosssim_ramps").is_dir():
        ramps = devicekit.fit(data / "crosssim_ramps", quantity="current", read_voltage=0.1)
        found["CrossSim ramps (measured)"] = (ramps.to_card("crosssim"), {})
        gong = devicekit.fit(data / "gong_reram" / "gong_et_al.csv", quantity="weight")
        found["Gong ReRAM (measured)"] = (gong.to_card("gong"), {})
    else:
        print("no measured cards: set DEVICEKIT_TEST_DATA")
    return found


def known_devices(jobs: int) -> None:
    data = few_shot()
    for name, (card, changes) in devices().items():
        found = benchmark(card, data, Plan(), jobs=jobs, **changes)
        print(f"\n{name}: {found.verdict}")
        for each in found.variants:
            print(f"    {each.variant}: {100 * each.loss:.2f} ± {100 * each.standard_error:.2f}")
        for variant, shares in found.shares.items():
            print(
                f"    {variant}:",
                ", ".join(f"{s.flaw} {100 * s.value:.1f} ± {100 * s.standard_error:.1f}" for s in shares),
            )


def named(jobs: int) -> None:
    """Five devices whose main flaw is known, of 30 seeds."""
    cases: Named = {
        "scatter": device("scatter of updates", 10),
        "device-to-device": device("device-to-device variation", 1.5),
        "stuck": device("stuck devices", 0.2),
        "states": device("states", 20),
        "scatter and asymmetry": (generic(scatter=0.03, ltd=3.0), {}),
    }
    data = few_shot()
    for name, (card, changes) in cases.items():
        found = benchmark(card, data, Plan(wide=False), jobs=jobs, **changes)
        loss = f"{found.worst.variant}, {100 * found.worst.loss:.1f} points"
        print(f"{name}: named {found.main}, also {found.also} ({loss})", flush=True)


def _fresh(card: DeviceCard, changes: dict[str, Any], jobs: int, null: bool) -> dict[Variant, np.ndarray]:
    """Accuracies (2, seeds) of device and ideal device at fresh seeds; with `null` of the device, drawn anew."""
    data = few_shot()
    base = setting("plain", 0, **changes)
    twin = remove_flaws(card, base, find_flaws(card, base))
    work = []
    for variant in VARIANTS:
        configs = [setting(variant, seed, **changes) for seed in range(FIRST_FRESH, FIRST_FRESH + FRESH)]
        work += [(card, config) for config in configs]
        work += [
            (card, replace(each, draw=1)) if null else (twin.card, replace(each, **twin.changes)) for each in configs
        ]
    values = joblib.Parallel(n_jobs=jobs)(joblib.delayed(accuracy)(*each, data) for each in work)
    return dict(zip(VARIANTS, np.array(values).reshape(len(VARIANTS), 2, FRESH), strict=True))


def power(jobs: int) -> None:
    """Shares of 2,000 draws of 30 and 8 of 200 fresh trainings of device and ideal device in which a loss is found."""
    null = {f"null, {name}": (card, {}, True) for name, card in fresh_nulls().items()}
    clean = generic(scatter=0.0, nl=1e-3)
    real = {f"linear, scatter {s} steps": (generic(scatter=s / 100, nl=1e-3), {}, False) for s in (1.2, 1.35, 1.5)}
    real |= {"linear, LTD x2": (generic(scatter=0.0, nl=1e-3, ltd=2.0), {}, False)}
    real |= {"linear, 64 states": (clean, {"device_levels": 64}, False)}
    real |= {"linear, 3 % stuck at the ends": (clean, {"stuck": 0.03, "stuck_at": "ends"}, False)}
    rng = np.random.default_rng(1)
    for name, (card, changes, is_null) in (null | real).items():
        reached = _fresh(card, changes, jobs, is_null)

        def is_found(variant: Variant, own: np.ndarray, its: np.ndarray) -> bool:
            device, twin = tuple(rng.choice(own, 30)), tuple(rng.choice(its, 8))
            return VariantResult(variant=variant, device=device, twin=twin, null_sd=0.0).found

        share = np.mean([any(is_found(each, *both) for each, both in reached.items()) for _ in range(2000)])
        told = ", ".join(f"{each} {100 * (its.mean() - own.mean()):.2f}" for each, (own, its) in reached.items())
        print(f"{name}: true loss {told}; found {share:.3f}", flush=True)


def fresh_nulls() -> dict[str, DeviceCard]:
    return {
        "generic": generic(),
        "NL 3, 50 steps, scatter 1 %": generic(50, 0.01, 3.0),
        "linear, 80 steps, scatter .5 %": generic(80, 0.005, 1e-3),
    }


def separation(jobs: int) -> None:
    """Loss over its standard error, by the root of the CPU time of both runs: few-shot against 64-1000-10."""
    del jobs  # CPU time is measured
    small, whole = few_shot(), load("digits")
    train(generic(), setting("plain", 0), small)  # compiled
    ratios = []
    for name, (card, changes) in devices().items():
        if name[0] not in "AFILW" and "Gong" not in name:
            continue
        rates = {}
        for task, seeds in (("few-shot", 6), ("64-1000-10", 3)):
            best = 0.0
            for variant in VARIANTS if task == "few-shot" else ("plain",):
                config = setting(variant, 0, **changes)
                if task != "few-shot":
                    config = replace(config, hidden=1000)
                twin = remove_flaws(card, config, find_flaws(card, config))
                began = time.process_time()
                losses = []
                for seed in range(seeds):
                    each, other = replace(config, seed=seed), replace(config, seed=seed, **twin.changes)
                    if task == "few-shot":
                        losses.append(accuracy(twin.card, other, small) - accuracy(card, each, small))
                    else:
                        pair = (train(c, k, whole).accuracy_mean_last for c, k in ((twin.card, other), (card, each)))
                        losses.append(next(pair) - next(pair))
                seconds = (time.process_time() - began) / seeds
                null = NULL_SD[variant if task == "few-shot" else "wide"]
                sd = max(float(np.std(losses, ddof=1)), null)
                best = max(best, float(np.mean(losses)) / sd / (seconds / 60) ** 0.5)
            rates[task] = best
        ratios.append(rates["few-shot"] / max(rates["64-1000-10"], 1e-9))
        print(f"{name}: z per root CPU minute {rates['few-shot']:.0f} against {rates['64-1000-10']:.0f}", flush=True)
    print(f"ratio: median {np.median(ratios):.1f}, least {min(ratios):.1f}")


def main() -> None:
    parts = {"devices": known_devices, "named": named, "power": power, "separation": separation}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=list(parts), default=list(parts))
    parser.add_argument("--jobs", type=int, default=1)
    told = parser.parse_args()
    for part in told.parts:
        print(f"== {part}", flush=True)
        parts[part](told.jobs)


if __name__ == "__main__":
    main()
