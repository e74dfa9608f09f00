"""JSON of other programs: arrays by name, records, pandas' forms, and trains that a recipe finds by their keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import devicekit
from devicekit.core.errors import DevicekitError, FileError, TableError, UsageError
from devicekit.core.text import width_suffix
from devicekit.readers.recipe import load
from devicekit.readers.source import Source
from devicekit.system import catalog
from devicekit.tables import PulseTable

FRAME = pd.DataFrame(
    {
        "cycle": np.repeat([1, 2], 6),
        "direction": ["ltp"] * 3 + ["ltd"] * 3 + ["ltp"] * 3 + ["ltd"] * 3,
        "pulse_index": [0, 1, 2] * 4,
        "conductance_s": [1e-5, 2e-5, 3e-5, 3e-5, 2e-5, 1e-5] * 2,
    }
)


def write(folder: Path, value: Any, name: str = "device.json") -> Path:
    file = folder / name
    file.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return file


@pytest.mark.parametrize("orient", ["list", "records", "split", "columns", "lines"])
def test_a_table_is_the_same_however_pandas_writes_it(tmp_path: Path, orient: str) -> None:
    if orient == "list":
        text = json.dumps(FRAME.to_dict("list"))
    else:
        lines = orient == "lines"
        text = FRAME.to_json(orient="records" if lines else orient, lines=lines, double_precision=15)
    table = devicekit.read(write(tmp_path, text))
    assert table.kind == "pulse"
    names = ["cycle", "direction", "pulse_index", "conductance_s"]
    assert (table.frame[names].to_numpy() == FRAME[names].to_numpy()).all()


def test_nested_objects_and_matrices_are_tables_to_choose_from(tmp_path: Path) -> None:
    held = {"setup": {"V": [1.0, 2.0]}, "pulses": FRAME.to_dict("list"), "R_s": 1000.0, "note": "none"}
    table = devicekit.read(write(tmp_path, held), sheet="pulses")
    assert table.frame["conductance_s"].tolist() == FRAME["conductance_s"].tolist()
    matrix = [[0.0, 1e-5, 1.1e-5], [1.0, 2e-5, 2.1e-5], [2.0, 3e-5, 3.1e-5]]
    file = write(tmp_path, {"G": matrix}, "matrix.json")
    assert Source(file).sheets[0].rows == matrix
    ragged = write(tmp_path, [["V", "I"], [0.1, 1e-6, None], [0.2]], "ragged.json")
    assert Source(ragged).sheets[0].rows == [["V", "I", None], [0.1, 1e-6, None], [0.2, None, None]]


def trains(folder: Path, name: str = "chip__D7.json", **more: Any) -> tuple[Path, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    up, down = np.sort(rng.uniform(1e-5, 3e-5, (2, 5))), np.sort(rng.uniform(1e-5, 3e-5, (2, 5)))
    held = {"V": [2.5, -2.7], "W": [1.5e-6, 1e-5], "read": {"V": 0.2}, "up": up.ravel().tolist(), "down": down.tolist()}
    return write(folder, held | more, name), up, down[:, ::-1]


RECIPE = """[recipe]
version = 1
kind = "pulse"
[json]
ltp = "up"
ltd = "down"
readings = 5
reversed = ["ltd"]
constants = { read_voltage_v = "read.V", pulse_voltage_v = "V", pulse_width_s = "W" }
[read]
quantity = "conductance"
[keys]
files_are = "devices"
device = "__(D\\\\d)$"
"""


def test_a_recipe_finds_trains_by_their_keys_lengths_and_order(tmp_path: Path) -> None:
    file, up, down = trains(tmp_path)
    recipe = tmp_path / "lab.toml"
    recipe.write_text(RECIPE)
    table = devicekit.read(file, recipe=recipe)
    frame = table.frame
    for direction, states, volts, wide in (("ltp", up, 2.5, 1.5e-6), ("ltd", down, -2.7, 1e-5)):
        part = frame[frame["direction"] == direction]
        assert part["conductance_s"].to_numpy().reshape(2, 5).tolist() == states.tolist()
        assert part["cycle"].tolist() == [1] * 5 + [2] * 5
        assert part["pulse_index"].tolist() == [*range(5)] * 2
        assert set(part["pulse_voltage_v"]) == {volts}
        assert set(part["pulse_width_s"]) == {wide}
    assert set(frame["read_voltage_v"]) == {0.2}
    saved = tmp_path / "saved.toml"
    table.meta["layout"].save(saved)
    assert load(saved).trains == load(recipe).trains
    assert devicekit.read(file, recipe=saved).frame.equals(frame)


def test_a_folder_of_json_files_is_read_by_such_a_recipe(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for k in (7, 8):
        trains(data, f"chip__D{k}.json")
    recipe = tmp_path / "lab.toml"
    recipe.write_text(RECIPE)
    assert devicekit.read(data, recipe=recipe).devices == ["D7", "D8"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("readings = 5", "readings = 4"), "10 numbers, not a multiple of 4"),
        (('ltp = "up"', 'ltp = "higher"'), "no key 'higher'"),
        (('"read.V"', '"read.U"'), "no key 'read.U'"),
        (('ltd = "down"', 'ltd = "read"'), "read must hold numbers"),
        (('pulse_width_s = "W"', 'pulse_width_s = "up"'), "up holds 10 numbers"),
    ],
)
def test_missing_keys_are_named(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    file, *_ = trains(tmp_path)
    recipe = tmp_path / "lab.toml"
    recipe.write_text(RECIPE.replace(*change))
    with pytest.raises(FileError, match=words):
        devicekit.read(file, recipe=recipe)


@pytest.mark.parametrize(
    "line",
    ["readings = 1", "readings = true", 'readings = "5"', "ltp = 5", "reversed = 1", "constants = 3", "other = 1"],
)
def test_a_line_of_another_type_is_refused(tmp_path: Path, line: str) -> None:
    file, *_ = trains(tmp_path)
    recipe = tmp_path / "lab.toml"
    name = line.partition(" ")[0]
    rest = "\n".join(each for each in RECIPE.splitlines() if not each.startswith(name))
    recipe.write_text(rest.replace("[json]", f"[json]\n{line}"))
    with pytest.raises(UsageError, match=r"lab\.toml: \[json\]"):
        devicekit.read(file, recipe=recipe)


@pytest.mark.parametrize(
    "text",
    ["{", '{"a": }', '{"a": [1, 2', "[" * 100_000, '{"a": ' + "9" * 5000 + "}", '{"a": {}}', "[[[[[[[[1]]]]]]]]", "[]"],
)
def test_json_that_is_not_a_table_is_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    with pytest.raises(DevicekitError) as caught:
        devicekit.read(write(tmp_path, text))
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"V": [1, 2], "V": [3, 4]}', "'V'"),
        ('[{"V": 1, "V": 2}, {"V": 3}]', "'V'"),
        ('{"columns": ["V", "I"], "data": [[1, 2, 3], [4, 5, 6]]}', "row 1 of data has 3 cells"),
        ('{"columns": ["V", "V"], "data": [[1, 2], [4, 5]]}', "repeated name"),
        ('{"V": [1, [2], 3]}', "list or an object"),
        ('{"V": [0.1, 0.2], "I": [1e-6, 1' + "0" * 400 + "]}", "too large"),
        ('{"V": [0.1, 0.2], "I": [1e-6, 1e999]}', "too large"),
        ("[[" + ",".join("1" * 4000) + "]" + ",[]" * 4000 + "]", "2000000 cells"),
        ("[" + ",".join(f'{{"a{k}": {k}}}' for k in range(3000)) + "]", "2000000 cells"),
        ("{" + ",".join(f'"a{k}": {[0] * k}' for k in range(1, 300)) + "}", "arrays of more than 200 lengths"),
        ('{"a": [[[{"b": 1}]]]}', "no array of numbers"),
    ],
)
def test_numbers_that_could_be_lost_are_refused_at_once(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DevicekitError, match=words):
        devicekit.read(write(tmp_path, text))


def test_columns_that_are_not_names_are_a_devicekit_error(tmp_path: Path) -> None:
    with pytest.raises(DevicekitError):
        devicekit.read(write(tmp_path, {"columns": 5, "data": [[1, 2], [3, 4]]}))


def test_truth_values_are_not_numbers(tmp_path: Path) -> None:
    held = {"V (V)": [0.1, 0.2, 0.3], "I (A)": [True, False, True]}
    with pytest.raises(DevicekitError):
        devicekit.read(write(tmp_path, held))
    file, *_ = trains(tmp_path, read={"V": True})
    recipe = tmp_path / "lab.toml"
    recipe.write_text(RECIPE)
    with pytest.raises(FileError, match="numbers only"):
        devicekit.read(file, recipe=recipe)


def test_arrays_within_an_array_are_trains_or_are_refused(tmp_path: Path) -> None:
    file, *_ = trains(tmp_path, down=np.arange(10.0).reshape(5, 2).tolist())
    recipe = tmp_path / "lab.toml"
    recipe.write_text(RECIPE)
    with pytest.raises(FileError, match="of 2 readings, not 5"):
        devicekit.read(file, recipe=recipe)
    recipe.write_text(RECIPE.replace("pulse_width_s", "cycle"))
    with pytest.raises(UsageError, match="cycle follows"):
        devicekit.read(file, recipe=recipe)


def test_rows_by_number_are_read(tmp_path: Path) -> None:
    table = devicekit.read(write(tmp_path, FRAME.to_json(orient="index", double_precision=15)))
    assert table.frame["conductance_s"].tolist() == FRAME["conductance_s"].tolist()


def test_a_voltage_of_four_hundred_digits_is_refused(tmp_path: Path) -> None:
    file, *_ = trains(tmp_path)
    for name in ("read_voltage", "width"):
        with pytest.raises(UsageError, match="finite"):
            devicekit.read(file, **{name: 10**400})


def test_a_card_is_not_data(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="card"):
        devicekit.read(catalog.get("pt-hfo2-al2o3-ti").card)
    foreign = {"schema_version": 1, "name": "run 3", **FRAME.to_dict("list")}
    assert len(devicekit.read(write(tmp_path, foreign), sheet="cycle*")) == len(FRAME)


def test_a_csv_that_begins_with_a_bracket_stays_a_csv(tmp_path: Path) -> None:
    rows = "".join(f"{k / 10},{k * 1e-6}\n" for k in [*range(12), *range(12, 0, -1)])
    table = devicekit.read(write(tmp_path, "[V],current (A)\n" + rows, "sweep.csv"), columns={"voltage_v": "[V]"})
    assert table.kind == "sweep"


def test_pulses_of_another_width_in_ltd_are_one_device(tmp_path: Path) -> None:
    fits = {}
    for name in ("one", "two"):
        frame = pd.DataFrame(
            {
                "direction": ["ltp"] * 30 + ["ltd"] * 30,
                "pulse_index": [*range(30)] * 2,
                "conductance_s": [*(3e-5 - 2e-5 * 0.9 ** np.arange(30)), *(1e-5 + 2e-5 * 0.85 ** np.arange(30))],
            }
        )
        if name == "two":
            frame["pulse_width_s"] = np.where(frame["direction"] == "ltp", 1.5e-6, 1e-5)
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
        fits[name] = devicekit.fit(tmp_path / f"{name}.csv", model="softbounds")
    assert fits["two"].to_card("d").conditions.pulse_width_s is None
    assert [fits["two"].branches[side].coefficients for side in ("ltp", "ltd")] == [
        fits["one"].branches[side].coefficients for side in ("ltp", "ltd")
    ]


def _ramps(device: str, ltp_s: float, ltd_s: float, factor: float = 1.0) -> pd.DataFrame:
    n = np.arange(30)
    g = factor * np.concatenate([3e-5 - 2e-5 * 0.9**n, 1e-5 + 2e-5 * 0.85**n])
    columns = {"device_id": device, "cycle": 1, "direction": ["ltp"] * 30 + ["ltd"] * 30, "pulse_index": [*n, *n]}
    return pd.DataFrame({**columns, "conductance_s": g, "pulse_width_s": np.repeat([ltp_s, ltd_s], 30)})


def test_widths_of_nanoseconds_are_told_apart(tmp_path: Path) -> None:
    file = tmp_path / "ns.csv"
    pd.concat([_ramps("d", w, w, w * 1e9).assign(cycle=k) for k, w in enumerate((2e-9, 5e-9), 1)]).to_csv(file)
    table = devicekit.read(file)
    assert table.widths == [2e-9, 5e-9]
    assert len(devicekit.read(file, width=2e-9)) == 60


def test_equal_widths_are_one_and_close_ones_have_separate_names(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    run = request.getfixturevalue("devicekit")
    table = PulseTable(pd.concat([_ramps("d", 5e-5, 5e-5), _ramps("d", 50 * 1e-6, 50 * 1e-6).assign(cycle=2)]))
    assert len(table.widths) == 1
    near = pd.concat([_ramps("d", w, w).assign(cycle=k) for k, w in enumerate((1.00001e-3, 1.00003e-3), 1)])
    near.to_csv(tmp_path / "near.csv", index=False)
    ran = run("fit", tmp_path / "near.csv", "--model", "softbounds", "--out", tmp_path / "card.json")
    assert ran.code == 0, ran.err
    assert {each.name for each in tmp_path.glob("card_*.json")} == {"card_1.00001ms.json", "card_1.00003ms.json"}
    assert width_suffix(5e-6) == "5us"


def test_devices_of_crossed_widths_are_not_paired(tmp_path: Path) -> None:
    crossed = PulseTable(pd.concat([_ramps("a", 1e-3, 1e-4), _ramps("b", 1e-4, 1e-3)]))
    with pytest.raises(TableError, match="LTP and LTD"):
        devicekit.fit(crossed, model="softbounds")


def test_a_missing_width_is_not_taken_from_the_other_direction() -> None:
    table = PulseTable(_ramps("d", 1e-3, np.nan))
    assert devicekit.fit(table, model="softbounds").to_card("d").conditions.pulse_width_s is None


def test_a_unit_that_differs_by_a_prefix_is_refused_however_small(tmp_path: Path) -> None:
    rows = "".join(f"{v / 10},{v}\n" for v in [*range(12), *range(12, 0, -1)])
    file = write(tmp_path, "Voltage (V),Current (pA)\n" + rows, "pa.csv")
    with pytest.raises(UsageError, match=r"Current \(pA\).*unit=nA"):
        devicekit.read(file, unit="nA")
