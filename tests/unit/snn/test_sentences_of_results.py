"""Wording of a benchmark and of the answers about an array, on made numbers; renewed by --force-regen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from snn.array.result import ADC, Curve, Point, Unknown
from snn.benchmark.curves import distance
from snn.benchmark.flaws import SEVERITIES
from snn.benchmark.losses import Share, VariantResult
from snn.benchmark.result import Benchmark

SCALED = VariantResult(variant="scaled", device=(0.80, 0.81, 0.79, 0.80), twin=(0.90,) * 4, null_sd=0.006)
QUIET = VariantResult(variant="plain", device=(0.90,) * 4, twin=(0.90,) * 4, null_sd=0.006)
FOUND = Benchmark(
    name="device",
    split="a split",
    seeds=4,
    variants=(QUIET, SCALED),
    flaws=("asymmetry", "states"),
    severities={"asymmetry": 1.9},
)
SEVERITY = {flaw.name: 0.8 * (min(flaw.sizes) + max(flaw.sizes)) / 2 for flaw in SEVERITIES}


def test_sentences_of_a_benchmark(file_regression) -> None:  # type: ignore[no-untyped-def]
    shares = {"scaled": (Share("states", (0.09, 0.1, 0.09, 0.1), ()), Share("asymmetry", (0.02,) * 4, ()))}
    helped = {"scaled": (*shares["scaled"], Share("device-to-device variation", (-0.02, -0.03, -0.02, -0.03), ()))}
    steps = {"scaled": (Share("step size", (0.05, 0.06, 0.05, 0.06), ()),)}
    policy = VariantResult(
        variant="policy", device=(0.91, 0.92, 0.91, 0.92), twin=(0.93,) * 4, null_sd=0.005, policy="carry"
    )
    allowed = ((0.0, 0.02, 0.01, 0.01), (0.02, 0.04, 0.03, 0.03), (0.04, 0.06, 0.05, 0.05))
    cases = {
        "no loss": replace(FOUND, variants=(QUIET,)).verdict,
        "loss": FOUND.verdict,
        "loss beyond a critical severity": replace(FOUND, severities={"asymmetry": 9.0}).verdict,
        "causes": replace(FOUND, shares=shares).verdict,
        "helped": replace(FOUND, shares=helped).verdict,
        "small steps": replace(FOUND, shares=steps, steps=1000.0).verdict,
        "large steps": replace(FOUND, shares=steps, steps=8.0).verdict,
        "devices": replace(FOUND, devices=20, variants=(QUIET, replace(SCALED, open_sd=0.04))).verdict,
        "undecided": replace(FOUND, devices=3, by_bands=True, variants=(replace(SCALED, open_sd=0.06),)).verdict,
        "policy": replace(FOUND, policy=policy, reason="read noise unknown").policy_effect,
        "fit": replace(FOUND, allowed=allowed).fit_uncertainty,
        "bands": replace(FOUND, allowed=((0.01, -0.01), (-0.01, 0.01)), by_bands=True).fit_uncertainty,
        "unknown": replace(FOUND, unknown=("dead devices", "drift")).unknown_properties,
    }
    lines = [f"{name}: {words}" for name, words in cases.items()]
    for flaw in SEVERITIES:
        if (far := distance(flaw, SEVERITY[flaw.name])) is not None:
            lines += [f"{flaw.name}: {far.words}", far.risk]
    file_regression.check("\n".join(lines) + "\n", extension=".txt")


def test_sentences_about_an_array(file_regression) -> None:  # type: ignore[no-untyped-def]
    ideal = Point({}, (0.96, 0.94, 0.95))

    def answer(*losses: tuple[float, ...]) -> str:
        points = [
            Point({"bits": bits}, tuple(np.subtract(ideal.accuracies, each)))
            for bits, each in enumerate(losses, start=2)
        ]
        found = Curve("made", points, ()).best("bits", ideal, least=True)
        return f"{found.answer(ADC)}: {found.reason(ADC)}"

    lines = [
        answer((0.20, 0.21, 0.22), (0.002, 0.0, 0.001)),
        answer((0.20, 0.20, 0.20), (0.02, 0.0, 0.004)),
        answer((0.0, 0.0, 0.0)),
        answer((0.2, 0.2, 0.2)),
        ": ".join(Unknown(needs="endurance data").pair),
        ": ".join(Unknown(why="the card holds weights").pair),
    ]
    file_regression.check("\n".join(lines) + "\n", extension=".txt")
