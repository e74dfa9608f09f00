"""The plain sentences: they say what was computed, and nothing that was not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from devicekit import fit
from devicekit.device.report import variation_rows
from devicekit.fitting.report import (
    find_notable_properties,
    fit_numbers,
    fit_section,
    notable_sentence,
    variation_section,
    widths_sentence,
)
from devicekit.synthetic.pulses import generate, reference_table, truth_card
from devicekit.verbs.run_page import run_summary
from snn.report import verdict

from .conftest import THETA, benchmarked, training

LINEAR = {"ltp": (-4.6,), "ltd": (-4.6,)}  # 60 pulses stay within the window


def test_a_loss_is_told_only_where_pairs_have_shown_it() -> None:
    (alone,) = verdict(training(), None)
    assert "not measured" in alone
    first, second = verdict(training(), benchmarked(0.90, 0.97))
    assert "hidden neurons" in first
    assert "loses 7.0 ± 0.8 points of accuracy" in second
    assert "a split" in second
    _, none = verdict(training(), benchmarked(0.97, 0.97))
    assert "0.0 ± 1.6" in none  # the larger one: 1.96 of 0.01 over the root of 3, for each device
    assert "scatter of updates" in none
    open_ = replace(benchmarked(0.90, 0.97), allowed=((0.05,) * 3, (0.06,) * 3, (0.10,) * 3))
    assert "differ by 2.6" in verdict(training(), open_)[1]


def test_the_answer_comes_first(fitted: Any) -> None:
    words = run_summary(fitted, "mine.csv", training(), benchmarked(0.94, 0.95))
    assert "95 % over test images: 91.4 to 96.0 %" in words[0]
    assert "10 LTP and 10 LTD trains of 2 devices" in " ".join(words)
    assert "a split" in " ".join(words)
    assert not any("warning" in sentence for sentence in words)


def test_what_stands_out_is_true_of_the_device(fitted: Any) -> None:
    found = " ".join(find_notable_properties(fitted))
    steps = abs(fitted.ltd.rate([fitted.ltd.fitted[0], fitted.ltd.fitted[-1]]))  # this rate falls all the way
    assert f"LTD steps are nonlinear (the largest is {max(steps) / min(steps):.0f} times the smallest)" in found
    plain = fit(generate(truth_card(LINEAR, model="linear", increment=0.0, read=0.001), 1, 1, 60, 3), model="linear")
    assert find_notable_properties(plain) == []
    assert "nothing" in notable_sentence(plain)


def test_noise_and_few_steps_stand_out() -> None:
    steep = {"ltp": (-2.2,), "ltd": (-2.2,)}
    table = generate(truth_card(steep, model="linear", increment=0.15, read=0.001), 1, 12, 12, 3)
    found = " ".join(find_notable_properties(fit(table, model="linear")))
    assert "crosses the window in about" in found
    assert "times the mean step" in found


def test_a_device_of_one_cycle_says_what_it_cannot_tell() -> None:
    one = fit(generate(truth_card(THETA, increment=0.002, read=0.003), 1, 1, 60, 3))
    text = " ".join(
        paragraph for block in variation_section(one).blocks for paragraph in getattr(block, "paragraphs", ())
    )
    spread = one.variation.branches["ltp"]
    intervals = [block for block in variation_section(one).blocks if block.kind == "table"][-1]
    assert intervals.rows[:2] == [  # type: ignore[union-attr]
        ("LTP", "one update", f"{spread.increment:.3%}", "none"),  # one train gives no interval
        ("LTP", "one reading", f"{spread.read:.3%}", "none"),
    ]
    assert "One cycle" in text
    assert "D2D cannot be estimated from one device" in text
    larger = max(each.increment for each in one.variation.branches.values())
    (shown,) = (each for each in fit_numbers(one) if each.name.startswith("increment"))
    assert shown.value == pytest.approx(larger)
    assert shown.low is None


def test_every_pulse_width_is_named() -> None:
    several = fit(reference_table(1, 2, 30))
    assert "3 pulse widths (5 µs, 50 µs and 500 µs); this page shows 50 µs" in str(widths_sentence(several))
    tables = [block for block in fit_section(several).blocks if block.kind == "table"]
    assert [row[0] for row in tables[-1].rows] == ["5 µs", "50 µs", "500 µs"]  # type: ignore[union-attr]


def test_each_misfit_names_its_basis(fitted: Any) -> None:
    (quality, coefficients) = [b for b in fit_section(fitted).blocks if b.kind == "table"]
    assert "nrmse: rms residual over the range" in quality.caption  # type: ignore[union-attr]
    assert quality.header[2:4] == ("nrmse", "rms [of window]")  # type: ignore[union-attr]
    assert "b - c = 1" in coefficients.caption  # type: ignore[union-attr]
    ltd = fitted.ltd.coefficients
    assert ltd["b"] - ltd["c"] == pytest.approx(1)
    assert ltd["b"] != pytest.approx(1)


def test_scatter_in_proportion_to_the_step_is_told(fitted: Any) -> None:
    spread = replace(fitted.variation.branches["ltp"], step=0.055)
    variation = replace(fitted.variation, branches={**fitted.variation.branches, "ltp": spread})
    assert "and 5.5% of its own step" in variation.sentences()[0]
    assert "of its own step" not in " ".join(fitted.variation.sentences())
    rows = variation_rows({direction: each.to_card() for direction, each in variation.branches.items()})
    (row,) = (row for row in rows if row.of == "step")
    assert (row.kind, row.values[0]) == ("increment", 0.055)
    plain = variation_rows({direction: each.to_card() for direction, each in fitted.variation.branches.items()})
    assert not any(row.of == "step" for row in plain)


def test_an_estimate_of_zero_is_none_found(fitted: Any) -> None:
    """An sd of 0 was looked for and not found; None was not looked for."""
    likelihood = "maximum likelihood of whole trains (extended Kalman filter)"
    spread = replace(fitted.variation.branches["ltp"], cycle_offset=0.0, cycle_ln_rate=0.1, by=likelihood)
    other = replace(spread, cycle_offset=0.02, cycle_ln_rate=0.0)
    rows = variation_rows({"ltp": spread.to_card(), "ltd": other.to_card()})
    offset, rate = (
        next(row for row in rows if row.what == what) for what in ("window shift between cycles", "rate of a cycle")
    )
    assert offset.texts("{:.2f}".format, "unknown") == ["none", "0.02"]
    assert rate.texts("{:.2f}".format, "unknown") == ["0.10", "none"]
    assert rate._replace(values=(None, 0.1)).texts("{:.2f}".format, "unknown") == ["unknown", "0.10"]
