"""Maps of devices: places by columns and by names, effects against scipy's and by hand, false alarms."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import devicekit
from devicekit.features import spatial
from devicekit.features.merits.wafermap import MapResult, device_places
from devicekit.features.spatial import Effect, Places
from devicekit.names.places import meaning, place
from devicekit.plot import draw_row
from devicekit.tables import EnduranceTable, PulseTable


def grid(rows: int, columns: int, wafers: int = 1) -> Places:
    wafer, row, column = (each.ravel() for each in np.indices((wafers, rows, columns)))
    return Places(row, column, wafer)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("R3C5", {"row": 3, "column": 5}),
        ("wafer2_die7_r03-c05", {"row": 3, "column": 5, "wafer": "2", "die": "7"}),
        ("R3C5 against R4C5", {}),
        ("wafer2", {}),
        ("PR3C5", {}),
    ],
)
def test_places_by_names(name: str, known: dict[str, object]) -> None:
    assert place(name) == known


def test_places_by_words() -> None:
    words = ("Row", "col", "WL", "bit_line", "Wafer", "die", "row (file)", "current")
    assert [meaning(word) for word in words] == ["row", "column", "row", "column", "wafer", "die", None, None]


def test_a_row_effect_is_the_f_test_of_a_two_way_analysis() -> None:
    rng = np.random.default_rng(0)
    places = grid(4, 5)
    y = rng.standard_normal(20) + 0.8 * places.row
    found = {each.name: each for each in spatial.effects(y, places)}
    table = y.reshape(4, 5)
    rows = 5 * ((table.mean(axis=1) - y.mean()) ** 2).sum()
    columns = 4 * ((table.mean(axis=0) - y.mean()) ** 2).sum()
    error = (((y - y.mean()) ** 2).sum() - rows - columns) / 12
    assert found["row"].f == pytest.approx(rows / 3 / error)
    assert (found["row"].above, found["row"].below) == (3, 12)
    assert found["row"].p == pytest.approx(stats.f.sf(rows / 3 / error, 3, 12))
    assert found["row"].share == pytest.approx((rows - 3 * error) / (((y - y.mean()) ** 2).sum() + error))
    assert found["column"].f == pytest.approx(columns / 4 / error)


def test_distance_and_edge_by_hand() -> None:
    places = grid(3, 5)
    assert places.radius[7] == 0
    assert places.radius[[0, 4, 10, 14]] == pytest.approx(1.0)
    assert places.edge.sum() == 15 - 3
    rng = np.random.default_rng(0)
    y = places.radius + 0.1 * rng.standard_normal(15)
    found = {each.name: each for each in spatial.effects(y, places)}
    assert found["radius"].p == pytest.approx(stats.linregress(places.radius, y).pvalue)
    assert found["edge"].p == pytest.approx(stats.ttest_ind(y[places.edge], y[~places.edge]).pvalue)


def test_different_wafers_are_not_an_effect_of_the_place() -> None:
    rng = np.random.default_rng(1)
    places = grid(4, 4, 3)
    y = 10.0 * places.wafer + rng.standard_normal(48)
    assert min(each.p for each in spatial.effects(y, places)) > 0.01
    assert max(each.share for each in spatial.effects(y, places)) < 0.2


def test_holm_by_hand() -> None:
    given = [Effect(quantity="a", name="row", share=0.0, f=1.0, above=1, below=9, p=p) for p in (0.01, 0.04, 0.03)]
    found = spatial.correct_p_values(given)
    assert [each.p_holm for each in found] == pytest.approx([0.03, 0.06, 0.06])
    assert [each.seen for each in found] == [True, False, False]


@pytest.mark.slow
def test_false_alarms_of_a_whole_table_stay_below_their_level() -> None:
    rng = np.random.default_rng(2)
    places, alarms = grid(6, 6, 2), 0
    for _ in range(300):
        found = [each for name in "abc" for each in spatial.effects(rng.standard_normal(72), places, name)]
        alarms += any(each.seen for each in spatial.correct_p_values(found))
    assert alarms < 0.05 * 300 + 3 * np.sqrt(0.05 * 300)


def endurance(rows: int, columns: int, effect: float = 0.5, seed: int = 0, **more: object) -> EnduranceTable:
    """LRS that grows along the rows; the device at 1, 1 fails."""
    rng = np.random.default_rng(seed)
    made = []
    for r in range(rows):
        for c in range(columns):
            g = 1e-4 * np.exp(0.2 * rng.standard_normal() + effect * r)
            for cycle in range(1, 9):
                stuck = (r, c) == (1, 1) and cycle > 3
                for level, value in (("lrs", g), ("hrs", 0.9 * g if stuck else 0.05 * g)):
                    made.append((f"R{r}C{c}", cycle, level, value * np.exp(0.02 * rng.standard_normal())))
    frame = pd.DataFrame(made, columns=["device_id", "cycle", "level", "conductance_s"])
    return EnduranceTable(frame.assign(**more))


@pytest.mark.slow
def test_the_map_of_an_endurance_table() -> None:
    found = devicekit.characterize(endurance(4, 5))
    result = found.results["wafermap"]
    assert list(found.results)[-1] == "wafermap"
    assert isinstance(result, MapResult)
    assert len(result.devices) == 20
    assert result.failed == 1
    assert result.devices.set_index("device_id")["failed"]["R1C1"]
    assert ("g_lrs_s", "row") in {(each.quantity, each.name) for each in result.effects if each.seen}
    assert any("the row" in each for each in result.sentences())
    image = result.images("g_lrs_s")[0]
    assert image.values.shape == (4, 5)
    assert image.log
    json.dumps(found.as_dict(), allow_nan=False)
    assert len(result.blocks()) == 1 + 4 + 1
    result.panel().draw()


def test_how_many_devices_make_a_map() -> None:
    assert "wafermap" in devicekit.characterize(endurance(2, 3)).results
    assert "wafermap" not in devicekit.characterize(endurance(1, 6)).results
    table = endurance(2, 3)
    fewer = EnduranceTable(table.frame[table.frame["device_id"] != "R0C0"])
    assert "wafermap" not in devicekit.characterize(fewer).results
    one_place = EnduranceTable(table.frame.assign(device_id=table.frame["device_id"].replace("R0C0", "r1_c1")))
    assert "wafermap" not in devicekit.characterize(one_place).results


def test_no_effect_is_found_without_one() -> None:
    result = devicekit.characterize(endurance(4, 5, effect=0.0, seed=3)).results["wafermap"]
    assert "none of 12 tests" in result.sentences()[0]
    assert not any(each.seen for each in result.effects)


def test_columns_of_places_go_before_names_and_a_device_at_two_places_has_none() -> None:
    table = endurance(2, 4)
    frame = table.frame
    names = frame["device_id"].str.extract(r"R(\d)C(\d)").astype(int)
    placed = frame.assign(WL=10 + names[0], BL=20 + names[1], wafer="A", device_id="d" + frame["device_id"].str[1:])
    found = device_places(EnduranceTable(placed))
    assert sorted(set(found["row"])) == [10, 11]
    assert sorted(set(found["column"])) == [20, 21, 22, 23]
    assert set(found["array"]) == {"wafer A"}
    moved = placed.copy()
    moved.loc[moved.index[0], "WL"] = 99
    assert len(device_places(EnduranceTable(moved))) == 7
    result = devicekit.characterize(EnduranceTable(moved)).results["wafermap"]
    assert [each.code for each in result.warnings] == ["dropped"]


def test_a_row_and_a_column_beside_the_readings_name_the_devices(tmp_path: Path) -> None:
    lines = ["Row,Col,Pulse,G (uS)"]
    lines += [f"{r},{c},{n},{10 + 3 * r + n}" for r in range(2) for c in range(3) for n in range(12)]
    path = tmp_path / "x.csv"
    path.write_text("\n".join(lines) + "\n")
    table = devicekit.read(path)
    assert isinstance(table, PulseTable)
    assert table.devices == ["R0C0", "R0C1", "R0C2", "R1C0", "R1C1", "R1C2"]
    result = devicekit.characterize(table).results["wafermap"]
    assert isinstance(result, MapResult)
    assert result.devices["window"].to_numpy() == pytest.approx([2.1] * 3 + [24 / 13] * 3)
    path.write_text(
        "\n".join(line.replace(",", ",0.5,", 1) if k else "Row,x,Col,Pulse,G (uS)" for k, line in enumerate(lines))
    )
    assert len(devicekit.read(path).devices) == 6
    path.write_text("\n".join(["Row,Pulse,G (uS)"] + [f"{n},{n},{10 + n}" for n in range(12)]) + "\n")
    assert devicekit.read(path).devices == ["device1"]  # a row alone is no place


def test_maps_of_two_arrays_share_one_scale() -> None:
    import matplotlib.pyplot as plt

    a, b = endurance(3, 3).frame, endurance(3, 3, seed=1).frame
    both = pd.concat([a.assign(device_id="wafer1_" + a["device_id"]), b.assign(device_id="wafer2_" + b["device_id"])])
    result = devicekit.characterize(EnduranceTable(both.reset_index(drop=True))).results["wafermap"]
    assert isinstance(result, MapResult)
    assert result.arrays == ["wafer 1", "wafer 2"]
    images = result.images("g_lrs_s")
    assert images[0].limits == images[1].limits
    draw_row(images, list(plt.subplots(1, 2)[1]))
    plt.close("all")


def test_the_panel_shows_medians_over_rows_and_over_columns() -> None:
    """Of 1, 1, 4 and 2, 2, 8: one device far off moves no median of a row."""
    row, column = (each.ravel() for each in np.indices((2, 3)))
    frame = pd.DataFrame({"array": "", "row": row, "column": column, "v_set_v": [1.0, 1.0, 4.0, 2.0, 2.0, 8.0]})
    over_rows, over_columns = MapResult(devices=frame, effects=(), unplaced=0).panel().curves
    assert over_rows.y == pytest.approx([1.0, 2.0])
    assert over_columns.y == pytest.approx([1.5, 1.5, 6.0])
