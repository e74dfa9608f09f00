"""Curves of the accuracy against a severity, and critical severities."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from snn.benchmark.curves import critical_severities, distance, measure, shipped
from snn.benchmark.flaws import SEVERITIES
from snn.data.dataset import Dataset

FLAWS = {flaw.name: flaw for flaw in SEVERITIES}


def test_the_critical_severity_costs_two_percentage_points() -> None:
    def curves(name: str, *rows: tuple[float, float]) -> dict[str, object]:
        points = [{"severity": s, "mean": a, "se": 0.0} for s, a in rows]
        none = [{"severity": s, "mean": 0.90, "se": 0.0} for s, _ in rows]
        both = {"plain": points, "scaled": none}
        return {"base": {each: {"mean": 0.90} for each in both}, "flaws": {name: both}}

    stuck = curves("stuck devices", (0.1, 0.89), (0.2, 0.87), (0.3, 0.8))
    assert critical_severities(FLAWS["stuck devices"], "plain", stuck) == pytest.approx({"more": 0.15})
    assert critical_severities(FLAWS["stuck devices"], "scaled", stuck) == {}
    scatter = curves("scatter of updates", (1, 0.90), (4, 0.86))
    assert critical_severities(FLAWS["scatter of updates"], "plain", scatter) == pytest.approx(
        {"more": 2.0}
    )  # half-way, on a log scale
    states = curves("states", (64, 0.90), (32, 0.89), (8, 0.87))
    assert critical_severities(FLAWS["states"], "plain", states) == pytest.approx({"less": 16.0})  # fewer are worse
    flat = curves("stuck devices", (0.1, 0.89), (0.3, 0.885))
    assert critical_severities(FLAWS["stuck devices"], "plain", flat) == {}
    steps = curves("step size", (4, 0.86), (16, 0.90), (100, 0.90), (400, 0.86))
    assert critical_severities(FLAWS["step size"], "plain", steps) == pytest.approx({"less": 8.0, "more": 200.0})

    near = distance(FLAWS["step size"], 400.0, steps)
    assert near is not None
    assert (near.side, near.ratio) == ("more", pytest.approx(0.5))
    assert (near.own, near.critical, near.variant) == (400.0, pytest.approx(200.0), "plain")
    assert near.margin == "exceeded 2 times"
    coarse = distance(FLAWS["step size"], 16.0, steps)
    assert coarse is not None
    assert (coarse.side, coarse.ratio, coarse.margin) == ("less", pytest.approx(2.0), "2 times")
    assert distance(FLAWS["stuck devices"], None, stuck) is None
    assert distance(FLAWS["stuck devices"], 0.1, curves("stuck devices", (0.1, 0.89), (0.3, 0.885))) is None


@pytest.mark.slow
def test_shipped_curves_are_what_is_measured(data: Dataset) -> None:
    """Points of four flaws again; a training in situ is chaotic in the last digits, so to three standard errors."""
    names = ("scatter of updates", "states", "telegraph noise", "step size")
    some = [replace(FLAWS[name], sizes=FLAWS[name].sizes[1:3]) for name in names]
    again, known = measure(data, some, {"plain": 6, "scaled": 6}), shipped()
    assert known["split"] == again["split"]
    for flaw in some:
        for variant in ("plain", "scaled"):
            old = {row["severity"]: row for row in known["flaws"][flaw.name][variant]}
            for row in again["flaws"][flaw.name][variant]:
                error = np.hypot(row["se"], old[row["severity"]]["se"]) + 0.002
                assert row["mean"] == pytest.approx(old[row["severity"]]["mean"], abs=3 * error)


def test_shipped_curves_tell_flaws_apart() -> None:
    """Each of these is worse the more of it there is, to two standard errors; step size has one optimum."""
    known = shipped()

    def points(name: str, variant: str) -> tuple[np.ndarray, np.ndarray]:
        rows = known["flaws"][name][variant][:: -1 if FLAWS[name].worse == "less" else 1]
        return np.array([row["mean"] for row in rows]), np.array([row["se"] for row in rows])

    monotone = ("scatter of updates", "states", "stuck devices", "device-to-device variation", "read noise")
    for name in (*monotone, "telegraph noise", "volatility", "wires", "converters", "drift"):
        for variant in ("plain", "scaled"):
            mean, se = points(name, variant)
            assert (np.diff(mean) < 2 * np.hypot(se[1:], se[:-1])).all(), (name, variant)
            assert mean[-1] < known["base"][variant]["mean"] - 0.02
    mean, se = points("asymmetry", "scaled")
    assert (np.diff(mean) < 2 * np.hypot(se[1:], se[:-1])).all()
    mean, se = points("step size", "plain")
    best = int(mean.argmax())
    steps = [row["severity"] for row in known["flaws"]["step size"]["plain"]]
    assert 16 < steps[best] < 200
    assert (np.diff(mean[: best + 1]) > -2 * np.hypot(se[1 : best + 1], se[:best])).all()
    assert (np.diff(mean[best:]) < 2 * np.hypot(se[best + 1 :], se[best:-1])).all()
    mean, _ = points("nonlinearity", "plain")
    assert np.ptp(mean) < 0.02  # flat
