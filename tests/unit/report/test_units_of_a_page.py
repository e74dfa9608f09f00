"""Units of a page: one prefix for each unit in axes, tables and tiles; resistances are the inverse, intervals too."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

import devicekit
from devicekit.core.records import Record, column
from devicekit.core.scalars import Scalar
from devicekit.features.page import characterization_page, part
from devicekit.plot import Axis, Curve, Panel
from devicekit.report import Report, Section, Table, draw
from devicekit.system import catalog

UNIT = re.compile(r"(?:[\d.]+ |\[)([fpnµmkMG]?)(S|A|ohm|W|J)(?![\w²/^·])")


@dataclass(frozen=True, kw_only=True)
class State(Record):
    """State of a device, for a table."""

    name: str = column("name")
    g_lrs_s: float = column("G of the LRS")
    width_s: float = column("shift", unit="S")


def page(**more: Any) -> Report:
    g = np.array([2e-4, 6e-4, 9e-4])
    panel = Panel(Axis("n"), Axis.of("conductance_s"), [Curve("a", np.arange(3), g, "errors", low=0.9 * g, high=g)])
    rows = [State(name="a", g_lrs_s=1.25e-3, width_s=2e-6)]
    sections = [Section("A", "a", [draw(panel, "States.", "States"), Table.of(rows, "States")])]
    tile = Scalar("g_low_s", "G, low end", 2e-4, "S", low=1e-4, high=4e-4)
    return Report("T", "It reads 1.25 mS.", (), sections, numbers=[tile], **more)


def test_texts_tables_and_axes_have_one_prefix() -> None:
    text = re.sub(r"<script.*?</script>|<img[^>]*>|<style.*?</style>", "", page().to_html(), flags=re.S)
    assert {prefix for prefix, unit in UNIT.findall(text) if unit == "S"} == {"µ"}
    assert "1250 µS" in text
    assert page().shown.units.prefixes["S"].unit == "µS"


def test_resistances_are_the_inverse_with_their_intervals() -> None:
    shown = page(resistance=True).shown
    (tile,) = shown.tiles
    assert (str(tile.label), str(tile.text)) == ("R, low end", "5 kohm")
    assert str(tile.interval).endswith(": 2.5 to 10 kohm")
    figure, table = shown.sections[0].blocks
    assert table.header[1] == "R of the LRS"  # type: ignore[union-attr]
    assert table.rows[0][1:] == ["0.8 kohm", "2 µS"]  # type: ignore[union-attr]  # a shift has no resistance
    assert figure.csv.splitlines()[1] == "a,0,5,5,5.55555556"  # type: ignore[union-attr]
    assert page().to_html().count('class="turn"') == 1


def test_a_distribution_of_resistances_counts_from_the_other_end() -> None:
    g, share = np.array([1e-6, 1e-5, 1e-4]), np.array([0.2, 0.5, 0.8])
    panel = Panel(Axis.of("conductance_s", scale="log"), Axis("share", cumulative=True), [Curve("a", g, share)])
    shown = panel.displayed(replace(page().units, resistance=True)).curves[0]
    assert shown.x == pytest.approx([1000, 100, 10])
    assert shown.y == pytest.approx([0.8, 0.5, 0.2])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["reference-dc", "readc-sweeps", "reference-endurance", "reference-retention"])
def test_axes_of_a_page_have_the_prefix_of_its_tables(name: str) -> None:
    found = devicekit.characterize(devicekit.read(catalog.get(name).data))
    shown = characterization_page([part(found, name)], "devicekit characterize").shown
    axes = [each.shown.displayed(shown.units) for each in shown.figures if isinstance(each.shown, Panel)]
    plain = {axis.unit for each in axes for axis in (each.x, each.y) if not axis.decades}
    known = {each.unit for each in shown.units.prefixes.values()}
    assert {unit for unit in plain if unit and unit[-1] in "SA" and unit[:-1] in "fpnµmkMG"} <= known | {"V"}
    cells = [
        cell for each in shown.sections for b in each.blocks if isinstance(b, Table) for row in b.rows for cell in row
    ]
    for number, prefix, unit in re.findall(r"(?<![\w.])([\d.]+) ([fpnµmkMG]?)(S|A)\b", "\n".join(cells)):
        own = shown.units.prefixes.get(unit)
        if own is not None and own.unit != f"{prefix}{unit}":  # a number that would be long in the page's prefix
            factor = {"f": -15, "p": -12, "n": -9, "µ": -6, "m": -3, "": 0, "k": 3}[prefix]
            assert not 0.011 < float(number) * 10.0**factor * own.factor < 9900, (number, prefix, unit)


def test_names_of_files_keep_their_numbers() -> None:
    made = replace(page(), title="Fit of: cc 0.1 mS.csv", verdict="cc 0.1 mS.csv reads 0.1 mS.")
    assert made.shown.verdict == "cc 0.1 mS.csv reads 100 µS."
