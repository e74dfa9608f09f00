"""Comparison of records: equal and different definitions, figures, and the page."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from devicekit.core.errors import UsageError
from devicekit.device.card import DeviceCard
from devicekit.features.merit import Settings
from devicekit.library import Library, Record, Unreadable
from devicekit.library.compare import compare
from devicekit.library.report import comparison_report
from devicekit.library.rows import recorded_values

from .conftest import write_sweeps

Make = Callable[..., Record]
pytestmark = pytest.mark.usefixtures("without_mechanism")


def codes(found: Any) -> list[str]:
    return [each.code for each in found.warnings]


def test_numbers_stand_side_by_side(record: Make) -> None:
    found = compare([record("a", high=4e-5, increment=0.003), record("b", high=8e-5, increment=0.006)])
    assert list(found.number("on_off").values) == pytest.approx([4, 8])
    assert list(found.number("increment_ltp").values) == pytest.approx([0.003, 0.006])
    assert found.number("g_high_s").scale.heading.endswith("[µS]")
    assert found.names == ("a", "b")
    assert all(row.only_definition for row in found.rows)
    numbers = {each["name"]: each for each in found.as_dict()["numbers"]}
    assert numbers["on_off"]["records"][1]["value"] == pytest.approx(8)
    json.dumps(found.as_dict(), allow_nan=False)


def test_a_comparison_needs_two_different_records(record: Make) -> None:
    with pytest.raises(UsageError, match="got 1"):
        compare([record("a"), record("a")])


def test_records_of_one_name_are_distinguished(record: Make) -> None:
    one, two = record("a"), record("a", increment=0.005)
    assert compare([one, two]).names == (f"a ({one.id})", f"a ({two.id})")


@pytest.fixture(scope="module")
def loops(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Record]:
    """A record of sweeps; of the same ones it is made once."""
    folder = tmp_path_factory.mktemp("loops")

    @cache
    def made(name: str, v_sets: tuple[float, ...], settings: Settings) -> Record:
        file = write_sweeps(folder, f"{name}.csv", {"d1": [*v_sets]})
        (added,) = Library(folder / "lab").add_file(file, settings=settings)
        return added.record

    def make(name: str, v_sets: list[float], **settings: Any) -> Record:
        return made(name, tuple(v_sets), Settings(**settings))

    return make


def test_voltages_by_two_methods_are_never_mixed(loops: Callable[..., Record]) -> None:
    records = [
        loops("a", [0.3, 0.32, 0.34]),
        loops("b", [0.5, 0.52, 0.54]),
        loops("c", [0.7, 0.72, 0.74], v_set="max_didv"),
    ]
    found = compare(records, y="v_set_v")
    rows = [row for row in found.rows if row.meaning.name == "v_set_v"]
    assert [row.meaning.by for row in rows] == ["half_ln_g, read at 0.1 V", "max_didv"]
    assert [row.n for row in rows] == [2, 1]
    numbers = zip(*(row.numbers for row in rows), strict=True)
    assert all(sum(each is not None for each in of_record) == 1 for of_record in numbers)
    assert rows[0].scale.heading == "V_set, median (half_ln_g, read at 0.1 V) [V]"
    message = next(each.message for each in found.warnings if each.message.startswith("v_set_v"))
    assert "half_ln_g, read at 0.1 V (2 records) and max_didv (1 record)" in message
    assert codes(found).count("mixed") == 2  # of V_set and its C2C; V_reset is the same
    panel = found.sweep_cdf("v_set_v")
    assert panel is not None
    assert [curve.name for curve in panel.curves] == ["a (3)", "b (3)"]
    values = np.concatenate([curve.x for curve in panel.curves])
    assert values.max() < 0.6


def test_hrs_at_two_read_voltages_are_two_numbers(loops: Callable[..., Record]) -> None:
    found = compare([loops("a", [0.3, 0.3]), loops("b", [0.5, 0.5], read_voltage=0.05)])
    assert sorted(row.meaning.by for row in found.rows if row.meaning.name == "g_hrs_s") == [
        "read at 0.05 V",
        "read at 0.1 V",
    ]


def test_on_off_of_a_card_and_of_sweeps_are_two_numbers(record: Make, loops: Callable[..., Record]) -> None:
    found = compare([record("a"), record("b", high=8e-5), loops("c", [0.3, 0.3])])
    assert [row.n for row in found.rows if row.meaning.name == "on_off"] == [2, 1]
    assert list(found.number("on_off").values[:2]) == pytest.approx([4, 8])
    assert np.isnan(found.number("on_off").values[2])


def test_weights_log_states_and_pulse_widths_are_warned_of(record: Make, card: Callable[..., DeviceCard]) -> None:
    def raw(name: str, **window: Any) -> Record:
        held = json.loads(card(name).to_json())
        held["window"] |= window
        return Record.of_card(DeviceCard.from_json(json.dumps(held)))

    weight = raw("w", quantity="weight", low=0.0, high=1.0)
    messages = [each.message for each in compare([record("a"), weight]).warnings if each.code == "mixed"]
    assert any(re.search(r"quantity: conductance \(1 .*weight \(1 ", each) for each in messages)
    log = compare([record("a"), raw("l", scale="log")])
    assert any(re.search(r"scale.*: linear \(1 .*log \(1 ", each.message) for each in log.warnings)
    assert [row.n for row in log.rows if row.meaning.name == "increment_ltp"] == [1, 1]
    held = json.loads(card("p").to_json())
    held["conditions"]["pulse_width_s"] = 5e-6
    width = compare([record("a"), Record.of_card(DeviceCard.from_json(json.dumps(held)))])
    assert any("pulse width" in each.message and "5 µs (1 card)" in each.message for each in width.warnings)


def test_synthetic_and_simulated_among_measured_are_warned_of(record: Make, loops: Callable[..., Record]) -> None:
    found = compare([record("a"), loops("b", [0.3]), loops("c", [0.4])])
    assert "1 of 3 records is synthetic" in [each.message for each in found.warnings]
    simulated = record("d", increment=0.01).model_copy(update={"simulated": True, "synthetic": False})
    other = compare([simulated, loops("b", [0.3])])
    assert "1 of 2 records is simulated" in [each.message for each in other.warnings]


def test_only_sweeps_that_count_are_in_a_distribution(loops: Callable[..., Record]) -> None:
    """Two loops never set: the median leaves them out, and so does the distribution behind it."""
    record = loops("a", [0.3, 0.4, 0.5, 2.0, 2.0])
    values = recorded_values(record, "v_set_v")
    median = record.scalar("v_set_v")
    assert median is not None
    assert np.isfinite(values).sum() == 3
    assert float(np.nanmedian(values)) == pytest.approx(median.value, rel=1e-12)
    assert recorded_values(record, "nothing").size == 0


@pytest.fixture
def array(record: Make) -> list[Record]:
    """Twelve cards on two wafers, three rows: increment = 0.001 (row + 10 column)."""
    return [
        record(
            f"R{row}C{column}",
            {"wafer": f"W{column % 2}", "row": row, "column": column, "stack": ("HfO2", "TaOx")[row % 2]},
            increment=0.001 * (row + 10 * column),
        )
        for row in range(1, 4)
        for column in range(1, 5)
    ]


def test_groups_maps_and_figures_of_an_array(array: list[Record]) -> None:
    found = compare(array)
    assert (found.y, found.x, found.by) == ("update_sd_ltp", "nrmse_ltp", "stack")
    assert {name: which.size for name, which in found.groups().items()} == {"HfO2": 4, "TaOx": 8}
    assert {name: which.size for name, which in found.groups("row").items()} == {"row 1": 4, "row 2": 4, "row 3": 4}
    maps = found.maps()
    assert [image.title for image in maps] == ["wafer W0", "wafer W1"]
    assert maps[0].values[:, 0] == pytest.approx([2.1, 2.2, 2.3])  # column 2, in % of the window
    assert maps[0].values[:, 1] == pytest.approx([np.nan] * 3, nan_ok=True)
    assert maps[1].values[:, 0] == pytest.approx([1.1, 1.2, 1.3])
    assert maps[0].label == f"{found.number('update_sd_ltp').scale.label} [% of window]"
    boxes = found.boxes()
    assert boxes is not None
    assert boxes.y.names == ("HfO2 (4)", "TaOx (8)")
    overlay = found.overlay("ltp")
    assert overlay is not None
    assert overlay.bar is not None
    assert overlay.bar[0].endswith("[% of window]")
    assert overlay.bar[1:] == found.colour_range == ("1.1", "4.3")
    assert len(overlay.curves) == 12
    cdf = found.cdf()
    assert cdf is not None
    assert [curve.name for curve in cdf.curves] == ["HfO2 (4)", "TaOx (8)"]
    assert found.scatter() is not None
    assert compare(array, by="").groups().keys() == {"all"}


def test_two_records_of_one_place_are_warned_of(array: list[Record], record: Make) -> None:
    twin = record("twin", {"wafer": "W1", "row": 1, "column": 1}, increment=0.013)
    found = compare([*array, twin])
    assert any(each.code == "mixed" and "1 place " in each.message for each in found.warnings)
    assert found.maps()[1].values[0, 0] == pytest.approx(1.2)


def test_distant_places_make_no_map(record: Make) -> None:
    far = [record("a", {"row": 0, "column": 0}), record("b", {"row": 9999, "column": 9999}, increment=0.005)]
    found = compare(far)
    assert found.maps() == ()
    assert "dropped" in codes(found)


def test_few_records_have_no_distribution(record: Make) -> None:
    found = compare([record("a"), record("b", increment=0.005)])
    assert found.cdf() is found.scatter() is found.boxes() is None
    assert found.maps() == ()
    assert found.sweep_names() == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"x": "nope"}, r"^x='nope'.*on_off"), ({"y": "v"}, "^y='v'"), ({"by": "stak"}, "^by='stak'.*stack")],
)  # fmt: skip
def test_unknown_names_are_refused(options: dict[str, str], message: str, array: list[Record]) -> None:
    with pytest.raises(UsageError, match=message):
        compare(array, **options)  # type: ignore[arg-type]


def page(found: Any, bad: Any = ()) -> str:
    return comparison_report(found, "devicekit library compare --all", bad).to_html()


@pytest.mark.usefixtures("without_pictures")
def test_the_page_has_all_sections_and_claims_no_significance(
    array: list[Record], loops: Callable[..., Record]
) -> None:
    records = [*array, loops("a", [0.3, 0.4, 0.5]), loops("b", [0.4, 0.5, 0.6])]
    html = page(compare(records), [Unreadable("bad.json", "is damaged")])
    for title in ("Records", "Numbers", "Rate curves", "Over the records", "Within the records", "On the array",
                  "Warnings", "Provenance"):  # fmt: skip
        assert f">{title}</h2>" in html
    assert "12 cards and 2 sweep records" in html
    assert "SYNTHETIC" in html.upper()
    assert "statistical test" in html
    assert not re.search(r"significan|p[ -]value|better than", html, re.IGNORECASE)
    assert "bad.json" in html
    assert "all 14 records" not in html  # only the cards have these warnings
    assert not re.search(r"<script[^>]*\ssrc=", html)  # one file, nothing is fetched


@pytest.mark.usefixtures("without_pictures")
def test_words_of_a_comparison(array: list[Record], loops: Callable[..., Record], file_regression: Any) -> None:
    """Summary, captions and titles of figures. Read the changes, then renew the file with --force-regen."""
    found = compare([*array, loops("a", [0.3, 0.4, 0.5]), loops("b", [0.4, 0.5, 0.6])])
    report = comparison_report(found, "devicekit library compare --all", [Unreadable("bad.json", "is damaged")])
    panels = [found.overlay("ltp"), found.cdf(), found.scatter(), found.boxes(), found.sweep_cdf("v_set_v")]
    lines = [report.title, *report.summary, ""]
    for section in report.sections:
        lines += [f"== {section.title}", *(block.caption for block in section.blocks if hasattr(block, "caption"))]
    lines += ["", "== Figures", *(f"{each.title} | {each.x.text} | {each.y.text}" for each in panels if each)]
    file_regression.check("\n".join(lines) + "\n", extension=".txt")


def test_names_of_devices_are_escaped_on_the_page(record: Make) -> None:
    name = "<b>x</b> $y$"
    html = page(compare([record(name, {"stack": "<i>"}), record("b", increment=0.005)]))
    assert name not in html
    assert "&lt;b&gt;x&lt;/b&gt;" in html
    assert "<i>" not in html


@pytest.mark.usefixtures("without_pictures")
def test_many_records_stand_in_rows_and_few_in_columns(array: list[Record]) -> None:
    many, few = page(compare(array)), page(compare(array[:2]))
    assert "25 %" in many
    assert "25 %" not in few
    assert "1.1" in few


def test_every_outcome_whose_levels_count_gives_its_values() -> None:
    """Failed sweeps give no values, sweeps at the compliance do, as in the median."""
    outcomes = ["switched", "gradual", "failed", "at_limit", "reset_only", "against"]
    values = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    frame = SimpleNamespace(columns={"v_set_v": values, "outcome": outcomes}, numbers=lambda name: values)
    held: Any = SimpleNamespace(tables=lambda: {"sweeps": frame})
    assert recorded_values(held, "v_set_v").tolist() == [0.1, 0.2, 0.4, 0.5]
