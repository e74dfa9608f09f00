"""Tables, cards and networks in one HDF5 file and back: bit for bit."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import devicekit
from devicekit import load_card
from devicekit.core.errors import CodedWarning, DevicekitError, FileError, UsageError
from devicekit.readers import hdf5
from devicekit.system import catalog, writing
from devicekit.tables import PulseTable, SweepTable
from tests.unit.exporters.small_network import small_network

h5py = pytest.importorskip("h5py", reason="h5py is not installed: HDF5 files are NOT tested here")


def pulses(**more: object) -> PulseTable:
    """Numbers that text would not preserve: a third, the smallest float, minus zero, a gap; and odd texts."""
    values = [1 / 3, 5e-324, -0.0, math.nan]
    frame = pd.DataFrame(
        {
            "device_id": ["a", "b", "c", "=d µ\u03a9"],
            "cycle": [1, 2, 3, 2**53],
            "direction": ["ltp", "ltp", "ltd", "ltd"],
            "pulse_index": [0, 1, 2, 3],
            "weight": values,
            "remark of theirs/1": pd.Series(["x", None, 2.5, math.nan], dtype=object),
            "good": [True, False, True, True],
            **more,
        }
    )
    return PulseTable(frame, {"source": "s.csv", "labels": {"lot": "7"}, "marks": ["simulated"], "files": ["/x/y"]})


def sweeps(voltages: list[list[float]], temperatures: list[float], cycles: list[int] | None = None) -> SweepTable:
    """One sweep at each temperature, I = V T / 1e6."""
    rows = [
        {"device_id": "d", "cycle": c, "point": k, "voltage_v": v, "current_a": v * t / 1e6, "temperature_k": t}
        for c, vs, t in zip(cycles or range(1, len(temperatures) + 1), voltages, temperatures, strict=True)
        for k, v in enumerate(vs)
    ]
    return SweepTable(pd.DataFrame(rows), {"source": "iv.csv"})


def bits(values: pd.Series) -> list[bytes]:
    return [struct.pack("<d", value) for value in values]


def test_a_table_comes_back_bit_for_bit(tmp_path: Path) -> None:
    table = pulses()
    warned = PulseTable(table.frame, table.meta, (CodedWarning("dropped", "two rows"),))
    hdf5.save(tmp_path / "t.h5", tables=[warned])
    (back,) = devicekit.load_hdf5(tmp_path / "t.h5").tables
    assert_frame_equal(back.frame, table.frame, check_exact=True)
    assert bits(back.frame["weight"]) == bits(table.frame["weight"])
    assert [repr(cell) for cell in back.frame["remark of theirs/1"]] == ["'x'", "None", "2.5", "nan"]
    assert back.warnings == (CodedWarning("dropped", "two rows"),)
    assert back.meta == {"source": "s.csv", "labels": {"lot": "7"}, "marks": ["simulated"]}


def test_the_same_content_gives_the_same_bytes() -> None:
    card, table = load_card(catalog.get("pt-hfo2-al2o3-ti").card), pulses()
    network = small_network(card)
    assert hdf5.pack(card, [table], network) == hdf5.pack(card, [table], network)


def test_a_card_and_a_network_come_back_byte_for_byte(tmp_path: Path) -> None:
    path = catalog.get("pt-hfo2-al2o3-ti").card
    card = load_card(path)
    network = small_network(card)
    hdf5.save(tmp_path / "all.h5", card, [pulses(), pulses()], network)
    held = devicekit.load_hdf5(tmp_path / "all.h5")
    assert held.card is not None
    assert held.card.to_json() == card.to_json()
    assert len(held.tables) == 2
    assert held.network is not None
    about, arrays = held.network.to_parts()
    assert about == network.to_parts()[0]
    for name, array in network.to_parts()[1].items():
        np.testing.assert_array_equal(arrays[name], array)
    assert devicekit.load_network(tmp_path / "all.h5").facts == network.facts


def test_eleven_tables_keep_their_order(tmp_path: Path) -> None:
    tables = [PulseTable(pulses().frame, {"source": str(k)}) for k in range(11)]
    hdf5.save(tmp_path / "many.h5", tables=tables)
    assert [each.meta["source"] for each in hdf5.load(tmp_path / "many.h5").tables] == [str(k) for k in range(11)]


def test_the_readers_read_it_and_choose_by_kind(tmp_path: Path) -> None:
    path, sweep = tmp_path / "both.h5", sweeps([[0.0, 0.5]], [300.0])
    hdf5.save(path, tables=[pulses(), sweep])
    with pytest.raises(FileError, match=r"2 tables \(pulse, sweep\)"):
        devicekit.read(path)
    assert_frame_equal(devicekit.read(path, kind="sweep").frame, sweep.frame, check_exact=True)
    assert devicekit.read(path, kind="pulse").meta["marks"] == ["simulated"]
    with pytest.raises(FileError, match="stdp"):
        devicekit.read(path, kind="stdp")
    with pytest.raises(UsageError, match="unit="):
        devicekit.read(path, kind="pulse", unit="uS")
    hdf5.save(tmp_path / "card.h5", load_card(catalog.get("pt-hfo2-al2o3-ti").card))
    with pytest.raises(FileError, match="load_hdf5"):
        devicekit.read(tmp_path / "card.h5")


def test_other_programs_find_names_and_units(tmp_path: Path) -> None:
    hdf5.save(tmp_path / "iv.h5", tables=[sweeps([[0.0, 0.5]], [300.0])])
    with h5py.File(tmp_path / "iv.h5") as file:
        column = file["tables/0_sweep/columns/current_a"]
        assert column.attrs["units"] == "A"
        np.testing.assert_array_equal(column[()], [0.0, 0.5 * 300.0 / 1e6])
        environment = file["entry/instrument/environment"]
        assert environment.attrs["NX_class"] == "NXenvironment"
        assert environment["current_sensor"]["measurement"][()] == b"current"
        np.testing.assert_array_equal(environment["voltage_controller/value"][()], [0.0, 0.5])
        assert environment["temperature_controller/value"].attrs["units"] == "K"


def test_a_grid_of_temperatures_is_nxiv_temp(tmp_path: Path) -> None:
    hdf5.save(tmp_path / "grid.h5", tables=[sweeps([[0.1, 0.2, 0.3]] * 2, [300.0, 350.0])])
    with h5py.File(tmp_path / "grid.h5") as file:
        assert file["entry/definition"][()] == b"NXiv_temp"
        data = file["entry/data"]
        np.testing.assert_array_equal(data["temperature"][()], [300.0, 350.0])
        np.testing.assert_array_equal(data["voltage"][()], [0.1, 0.2, 0.3])
        np.testing.assert_array_equal(
            data["current"][()], [[v * t / 1e6 for v in (0.1, 0.2, 0.3)] for t in (300.0, 350.0)]
        )
        assert [data[name].attrs["units"] for name in ("temperature", "voltage", "current")] == ["K", "V", "A"]


@pytest.mark.parametrize(
    ("voltages", "temperatures", "cycles"),
    [
        ([[0.1, 0.2], [0.1, 0.2]], [300.0, 300.0], None),  # two cycles at one temperature
        ([[0.1, 0.2], [0.1, 0.3]], [300.0, 350.0], None),  # other voltages
        ([[0.1, 0.2], [0.1]], [300.0, 350.0], None),  # fewer
        ([[0.1, 0.2], [0.3, 0.4]], [300.0, 350.0], [1, 1]),  # a temperature that changes along a sweep
        ([[0.1, 0.2]], [math.nan], None),
    ],
)
def test_other_sweeps_are_not_called_nxiv_temp(
    voltages: list[list[float]], temperatures: list[float], cycles: list[int] | None, tmp_path: Path
) -> None:
    table = sweeps(voltages, temperatures, cycles)
    hdf5.save(tmp_path / "no.h5", tables=[table])
    with h5py.File(tmp_path / "no.h5") as file:
        assert "definition" not in file["entry"]
        np.testing.assert_array_equal(file["entry/data/voltage"][()], table.frame["voltage_v"])


@pytest.mark.parametrize(("cell", "words"), [(2**53 + 1, r"beyond 2\*\*53"), (pd.Timestamp("2026-01-01"), "dates")])
def test_values_that_cannot_be_stored_exactly_are_refused(cell: object, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        hdf5.pack(tables=[pulses(stamp=[cell] * 4)])


def test_columns_of_one_name_are_all_kept(tmp_path: Path) -> None:
    frame = pulses().frame.assign(x=[1.0, 2.0, 3.0, 4.0], y=[5.0, 6.0, 7.0, 8.0], z=[9, 10, 11, 12])
    frame.columns = [*frame.columns[:-3], "twice", "twice", 7]
    hdf5.save(tmp_path / "t.h5", tables=[PulseTable(frame)])
    back = hdf5.load(tmp_path / "t.h5").tables[0].frame
    assert list(back.columns) == [*frame.columns[:-1], "7"]
    np.testing.assert_array_equal(back.iloc[:, -3:], [[k, k + 4, k + 8] for k in range(1, 5)])


def test_texts_that_hdf5_cannot_hold_come_back(tmp_path: Path) -> None:
    table = pulses(**{"zero\0": ["a\0b", "\0", "", "half \ud800"]})
    hdf5.save(tmp_path / "t.h5", tables=[table])
    assert_frame_equal(hdf5.load(tmp_path / "t.h5").tables[0].frame, table.frame, check_exact=True)


@pytest.mark.parametrize("ordered", [False, True])
def test_categories_keep_their_order(ordered: bool, tmp_path: Path) -> None:
    cells = pd.Categorical(["low", "high", None, "low"], ["low", "never", "high"], ordered=ordered)
    hdf5.save(tmp_path / "t.h5", tables=[pulses(level=cells)])
    back = hdf5.load(tmp_path / "t.h5").tables[0].frame["level"]
    assert (list(back.cat.categories), back.cat.ordered) == (["low", "never", "high"], ordered)
    assert list(back.astype(object).fillna("-")) == ["low", "high", "-", "low"]


def test_marks_in_a_list_or_a_tuple_are_kept(tmp_path: Path) -> None:
    hdf5.save(tmp_path / "t.h5", tables=[PulseTable(pulses().frame, {"marks": ("synthetic",)})])
    (back,) = hdf5.load(tmp_path / "t.h5").tables
    assert back.meta["marks"] == ["synthetic"]
    assert back.synthetic


def test_numbers_of_more_than_64_bits_are_refused() -> None:
    if np.dtype(np.longdouble).itemsize == 8:
        pytest.skip("long double has 64 bits here")
    with pytest.raises(UsageError, match="64 bits"):
        hdf5.pack(tables=[pulses(wide=np.ones(4, np.longdouble))])


def test_a_file_of_devicekit_is_replaced_and_other_files_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "t.h5"
    hdf5.save(path, tables=[pulses()])
    with writing.one_command():
        hdf5.save(path, tables=[sweeps([[0.0, 0.5]], [300.0])])
    assert hdf5.load(path).tables[0].kind == "sweep"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(600))
    with writing.one_command(), pytest.raises(FileError, match="did not write"):
        hdf5.save(path, tables=[pulses()])
    assert len(path.read_bytes()) == 608


def test_the_limit_of_numbers_does_not_apply_to_written_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devicekit.readers.matparts.MOST_NUMBERS_HDF5", 10)
    hdf5.save(tmp_path / "t.h5", tables=[pulses()])
    assert len(hdf5.load(tmp_path / "t.h5").tables[0]) == 4


def damaged(path: Path, change: Callable[[Any, dict[str, Any]], None]) -> Path:
    """Write a file with one table and change parts of it."""
    path.write_bytes(hdf5.pack(tables=[pulses()]))
    with h5py.File(path, "r+") as file:
        group = file["tables/0_pulse"]
        about = json.loads(group["about"][()])
        change(group, about)
        del group["about"]
        group.create_dataset("about", data=json.dumps(about), dtype=h5py.string_dtype())
    path.write_bytes(hdf5.MARK.ljust(512, b"\0") + path.read_bytes()[512:])
    return path


def anew(group: Any, column: str, **how: Any) -> None:
    del group[f"columns/{column}"]
    group.create_dataset(f"columns/{column}", **how)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda group, about: about["columns"]["weight"].update(dtype="U999999999"), "."),
        (lambda group, about: about["columns"]["weight"].update(dtype="complex128"), "weight.*complex"),
        (lambda group, about: about["columns"]["device_id"].update(dtype="float16"), "column of cells"),
        (lambda group, about: about["columns"]["device_id"].update(other={"-1": "x"}), "cell -1"),
        (lambda group, about: about["columns"]["device_id"].update(other={"4": "x"}), "cell 4"),
        (lambda group, about: about["columns"]["device_id"].update(other={"0": [1]}), "cell 0"),
        (lambda group, about: about.update(meta={"marks": "synthetic"}), "marks"),
        (lambda group, about: about.update(meta=3), "type"),
        (lambda group, about: about.pop("columns"), "it has no 'columns'"),
        (lambda group, about: anew(group, "weight", data=[1.0, 2.0]), "length"),
        (lambda group, about: anew(group, "weight", data=1.0), "weight"),
        (lambda group, about: anew(group, "weight", data=np.ones((4, 2))), "weight"),
        (lambda group, about: anew(group, "weight", shape=(4,), dtype="f8", external=[("x", 0, 32)]), "weight"),
        (lambda group, about: anew(group, "weight", shape=(10**13,), dtype="f8", chunks=(9,)), "more numbers"),
    ],
)
def test_columns_that_contradict_their_description_are_refused(
    change: Callable[[Any, dict[str, Any]], None], words: str, tmp_path: Path
) -> None:
    with pytest.raises(FileError, match=words):
        hdf5.load(damaged(tmp_path / "d.h5", change))


@pytest.mark.parametrize("cuts", [5, pytest.param(25, marks=pytest.mark.slow)])
def test_other_and_damaged_files_are_refused(cuts: int, tmp_path: Path) -> None:
    (tmp_path / "no.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(600))
    with pytest.raises(FileError, match="not written"):
        hdf5.load(tmp_path / "no.h5")
    with pytest.raises(FileError, match="does not exist"):
        hdf5.load(tmp_path / "missing.h5")
    data = hdf5.pack(tables=[pulses()])
    for cut in range(len(hdf5.MARK), len(data), len(data) // cuts):
        (tmp_path / "cut.h5").write_bytes(data[:cut])
        with pytest.raises(DevicekitError):
            hdf5.load(tmp_path / "cut.h5")


def test_without_h5py_it_is_one_line_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r'pip install "devicekit\[hdf5\]"'):
        hdf5.pack()
