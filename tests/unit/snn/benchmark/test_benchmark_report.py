"""The page of a benchmark."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from snn.benchmark import Benchmark, VariantResult, figures
from snn.benchmark.curves import shipped
from snn.benchmark.flaws import SEVERITIES
from snn.benchmark.losses import Share
from snn.benchmark.report import benchmark_report

FLAWS = {flaw.name: flaw for flaw in SEVERITIES}


@pytest.mark.usefixtures("without_pictures")
def test_the_page_of_a_benchmark_marks_the_device() -> None:
    worst = VariantResult(variant="plain", device=(0.8,) * 4, twin=(0.9,) * 4, null_sd=0.006)
    shared = {"plain": (Share("states", (0.05, 0.06, 0.05, 0.06), (0.04,) * 4),)}
    wide = VariantResult(variant="wide", device=(0.94,) * 4, twin=(0.94,) * 4, null_sd=0.002)
    severities = {"states": 8.0, "scatter of updates": 0.5}
    split = shipped()["split"]
    found = Benchmark(
        name="dev",
        split=split,
        seeds=4,
        variants=(worst,),
        flaws=("states",),
        shares=shared,
        scatter_over_step=0.5,
        steps=50.0,
        severities=severities,
        wide=wide,
        marks=("synthetic",),
    )
    page = benchmark_report([found]).to_html()
    for words in (found.verdict, "8 stable states", "exceeded 3.3 times"):
        assert words in page
    assert page.count(found.verdict) == 1
    assert "SYNTHETIC" in page
    drawn = figures.severity(FLAWS["states"], [found])
    mark = next(curve for curve in drawn.curves if curve.name == "dev, small learning rate")
    assert (mark.x[0], mark.y[0]) == (8.0, pytest.approx(80.0))
    assert not any(curve.name.startswith("dev") for curve in figures.severity(FLAWS["read noise"], [found]).curves)

    elsewhere = figures.severity(FLAWS["states"], [replace(found, split="other images")])
    assert ("x", 8.0) in elsewhere.lines
    assert not any(curve.name.startswith("dev") for curve in elsewhere.curves)
    assert split in page

    other = replace(found, name="other", variants=(replace(worst, device=(0.89,) * 4),), severities={})
    both = benchmark_report([found, other]).to_html()
    assert "1 (dev) 8 stable states" in both
    apart = replace(found, name="third", variants=(replace(worst, device=(0.6,) * 4),))
    notes = figures.severity(FLAWS["states"], [found, replace(found, name="twin"), apart]).notes
    assert [words.split() for _, _, words in notes] == [["1,", "2"], ["3"]]
    losses = figures.losses([found, other])
    assert losses.y.names == ("other", "dev")  # the least loss first
    plain = next(curve for curve in losses.curves if curve.name == "small learning rate")
    assert plain.x == pytest.approx([1.0, 10.0])
    known = replace(found, variants=(replace(worst, open_sd=0.04),), devices=20)
    drawn_losses = {curve.name: curve for curve in figures.losses([known]).curves}
    own, kind = (drawn_losses[f"small learning rate{more}"] for more in ("", ", devices of this kind"))
    assert 100 * np.array(known.worst.own_interval) == pytest.approx([own.low[0], own.high[0]])
    assert 100 * np.array(known.worst.kind_interval) == pytest.approx([kind.low[0], kind.high[0]])
    assert not any(curve.name.endswith("this kind") for curve in losses.curves)
    tiles = {each.name: each for each in benchmark_report([known]).numbers}
    assert [tiles[name].low for name in ("loss_points", "loss_points_kind")] == [9.2, 2.1]
    assert "of this kind" in tiles["loss_points_kind"].label


@pytest.mark.usefixtures("without_pictures")
def test_a_mark_of_one_card_stands_beside_its_name() -> None:
    worst = VariantResult(variant="plain", device=(0.8,) * 4, twin=(0.9,) * 4, null_sd=0.006)
    measured = Benchmark(name="a", split="s", seeds=4, variants=(worst,), flaws=())
    made = replace(measured, name="b", marks=("synthetic",))
    both = benchmark_report([measured, made])
    assert both.marks == ()
    assert "b (synthetic)" in both.title
    assert benchmark_report([made]).marks == ("SYNTHETIC",)
    assert "(synthetic)" not in benchmark_report([made]).title
