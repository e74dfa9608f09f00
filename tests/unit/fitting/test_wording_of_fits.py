"""The wording of fits: sentences of a page, and refusals, kept in one file; numbers are shown as #."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from devicekit import fit
from devicekit.core.errors import DevicekitError
from devicekit.fitting.page import fit_page
from devicekit.fitting.population import leave_out
from devicekit.fitting.pulses.single import single_pulses
from devicekit.fitting.resampling import resampled_fit
from devicekit.fitting.result import DeviceFit
from devicekit.fitting.uncertainty.advice import next_measurement
from devicekit.fitting.uncertainty.posterior import posterior
from devicekit.synthetic.pulses import generate, truth_card
from devicekit.tables import PulseTable

BOUNDS = {"ltp": (-4.3, 0.7), "ltd": (-4.3, 0.7)}


@pytest.fixture(scope="module")
def several() -> DeviceFit:
    card = truth_card(BOUNDS, model="softbounds", increment=0.004, read=0.002)
    return fit(generate(card, 2, 3, 60, 1), model="softbounds")


def _flat(table: PulseTable) -> PulseTable:
    """Return a table whose readings are all equal."""
    return PulseTable(table.frame.assign(conductance_s=1e-5))


def _refusals(found: DeviceFit) -> dict[str, Callable[[], Any]]:
    table = found.table
    rising = PulseTable(table.frame[table.frame["direction"] == "ltp"].reset_index(drop=True))
    return {
        "a loss": lambda: fit(table, loss="huber"),
        "a law": lambda: fit(table, model="quantum"),
        "an option of reading": lambda: fit(table, quantity="current"),
        "equal readings": lambda: fit(_flat(table)),
        "few readings": lambda: fit(PulseTable(table.frame[table.frame["pulse_index"] < 5])),
        "share of widths": lambda: fit(table, model="softbounds", share="width"),
        "share of amplitudes": lambda: fit(table, model="softbounds", share="amplitude"),
        "a card of one branch": lambda: fit(rising, model="softbounds").to_card("x"),
        "a posterior of two devices": lambda: posterior(found),
        "advice for two devices": lambda: next_measurement(found),
        "a draw": lambda: resampled_fit(found, 0),
        "a population of two": lambda: leave_out(table),
        "cells": lambda: single_pulses(np.ones(9), np.ones(9), np.ones(9), np.ones(8)),
    }


def _refusal(call: Callable[[], Any]) -> str:
    """Return the message of a refused call."""
    try:
        call()
    except DevicekitError as error:
        return str(error)
    raise AssertionError(call)


@pytest.mark.slow
def test_the_wording_of_fits(several: DeviceFit, file_regression: Any) -> None:
    lines = [f"{name}: {_refusal(call)}" for name, call in _refusals(several).items()]
    page = fit_page(several, "a.csv", several.to_card("x"), "devicekit fit a.csv")
    lines += ["", page.title, page.verdict, *page.summary]
    for section in page.sections[:-1]:
        lines += ["", section.title]
        for block in section.blocks:
            lines += [*getattr(block, "paragraphs", ()), *filter(None, [getattr(block, "caption", "")])]
    text = re.sub(r"(?<![\w.])[+-]?\d[\d.]*(?:e[+-]?\d+)?", "#", "\n".join(lines))
    file_regression.check(text + "\n", extension=".txt")
