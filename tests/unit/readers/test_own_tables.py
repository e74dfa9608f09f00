"""Tables that devicekit writes are read back without a question, bit for bit; each kind needs a case."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest

from devicekit.core.errors import DevicekitError
from devicekit.readers import read
from devicekit.readers.own import kind_of
from devicekit.system import catalog
from devicekit.tables import PulseTable, SweepTable, Table, neutral, revealed

from .conftest import DATA

_RANDOM = np.random.default_rng(36)
_MANY = 60


def _floats(low: float = 1e-9, high: float = 1e-3, missing: bool = False) -> np.ndarray:
    """Numbers with every bit in use, over decades."""
    found = np.exp(_RANDOM.uniform(np.log(low), np.log(high), _MANY))
    found[::7] = np.nan if missing else found[::7]
    return found


_NAMES = np.resize(["7", "a b", "=1+1", "-x", "'quoted", "nan", 'say "1,2"'], _MANY)
_CYCLES = np.repeat(np.arange(1, _MANY // 4 + 1), 4)
_OTHER = {"My note": np.resize(["x, y", "LTP", "4.5 V"], _MANY), "direction (file)": np.resize(["ltp", "ltd"], _MANY)}

# columns that another kind would claim stand beside those of the kind itself
CASES: Mapping[str, Mapping[str, Any]] = {
    "pulse": {
        "cycle": _CYCLES,
        "direction": np.resize(["ltp", "ltp", "ltd", "ltd"], _MANY),
        "pulse_index": np.resize([0, 1], _MANY),
        "conductance_s": _floats(),
        "pulse_voltage_v": _floats(1e-2, 5.0),
        "read_voltage_v": np.full(_MANY, 0.1),
        "time_s": np.arange(_MANY) * 0.3,
    },
    "sweep": {
        "cycle": _CYCLES[::-1].copy(),
        "point": np.resize([3, 2, 1, 0], _MANY),
        "voltage_v": _RANDOM.permutation(np.linspace(-1.0, 1.0, _MANY)),
        "current_a": _floats(missing=True),
        "compliance_a": np.full(_MANY, 1e-4),
        "direction": np.resize(["set", "reset"], _MANY),
        "pulse_index": np.arange(_MANY),
        "conductance_s": _floats(),
    },
    "endurance": {
        "cycle": _CYCLES,
        "level": np.resize(["lrs", "hrs"], _MANY),
        "conductance_s": _floats(missing=True),
        "time_s": np.arange(_MANY) * 0.1,
        "direction": np.resize(["ltp", "ltd"], _MANY),
    },
    "retention": {
        "level": np.resize(["lrs", "hrs", "3"], _MANY),
        "time_s": 1e9 + np.arange(_MANY) * 0.1,
        "conductance_s": _floats(),
        "temperature_k": np.full(_MANY, 85.0),
        "cycle": _CYCLES,
    },
    "stdp": {"repeat": _CYCLES, "spike_delay_s": _RANDOM.normal(0.0, 0.02, _MANY), "weight_change": _floats()},
    "transient": {
        "record": np.repeat([2, 1], _MANY // 2),
        "time_s": np.tile(np.arange(_MANY // 2) * 1e-6, 2),
        "current_a": _floats(),
        "read_voltage_v": np.full(_MANY, 0.1),
        "voltage_v": np.resize([0.1, 2.0], _MANY),
    },
    "summary": {
        "cycle": _CYCLES,
        "v_set_v": _floats(0.2, 2.0),
        "g_lrs_s": _floats(missing=True),
        "temperature_k": np.full(_MANY, 300.0),
    },
    "paired": {
        "repeat": _CYCLES,
        "interval_s": _floats(1e-6, 1.0),
        "ratio": _floats(0.5, 90.0),
        "first_amplitude": _floats(),
        "second_amplitude": _floats(),
        "baseline": np.resize(["before", "original"], _MANY),
    },
    "multilevel": {
        "level": np.resize(["1", "10 uS", "lrs"], _MANY),
        "repeat": _CYCLES,
        "conductance_s": _floats(missing=True),
        "target_s": _floats(),
        "time_s": np.arange(_MANY) * 1.0,
    },
    "record": {
        "record": _CYCLES,
        "point": np.resize([0, 1, 2, 3], _MANY),
        "voltage_v": _floats(),
        "current_a": _floats(),
        "time_s": np.arange(_MANY) * 1.0,
    },
}


def _assert_same(back: Table, table: Table) -> None:
    assert type(back) is type(table)
    assert list(back.frame) == list(table.frame)
    for name in table.frame:
        ours, theirs = table.frame[name], back.frame[name]
        if ours.dtype.kind == "f":
            bits = [column.to_numpy(float).view(np.int64)[~np.isnan(column)] for column in (ours, theirs)]
            np.testing.assert_array_equal(*bits, err_msg=str(name))
            np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs), err_msg=str(name))
        assert ours.dtype.kind == theirs.dtype.kind or {ours.dtype.kind, theirs.dtype.kind} <= set("OUT"), name
        assert ours.astype(object).where(ours.notna(), None).tolist() == (
            theirs.astype(object).where(theirs.notna(), None).tolist()
        )
    assert back.marks == table.marks
    assert back.layout.kind == table.kind


def _again(table: Table, tmp_path: Path, name: str = "t.csv") -> Table:
    file = tmp_path / name
    table.to_csv(file)
    back = read(file)
    again = tmp_path / "again.csv"
    back.to_csv(again)
    assert again.read_bytes() == file.read_bytes()
    return back


@pytest.mark.parametrize("kind", [each.kind for each in get_args(Table)])
@pytest.mark.parametrize("marks", [(), ("synthetic", "simulated")], ids=["measured", "marked"])
@pytest.mark.filterwarnings("ignore")
def test_each_kind_is_read_back(kind: str, marks: tuple[str, ...], tmp_path: Path) -> None:
    made = next(each for each in get_args(Table) if each.kind == kind)
    frame = pd.DataFrame({**dict(reversed(CASES[kind].items())), **_OTHER, "device_id": _NAMES})
    table = made(frame, {"marks": list(marks)})
    lead = [name for name in made.schema.columns if name in frame]
    frame = table.frame[[*lead, *(name for name in table.frame if name not in lead)]]  # as it is written
    table = made(frame, table.meta)
    back = _again(table, tmp_path)
    _assert_same(back, table)
    for name in ("read_voltage_v", "compliance_a"):
        assert (name in back.frame) == (name in CASES[kind])
    if marks:
        return
    one = read(tmp_path / "t.csv", device="7", kind=None if kind == "record" else kind)
    assert one.devices == ["7"]
    assert len(one) == int((_NAMES == "7").sum())


LARGE = ("pt-hfo2-al2o3-ti", "reference-cycles", "reference-dc", "vcm-trains")  # seconds each


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=pytest.mark.slow if each in LARGE else ()) for each in sorted(catalog.shipped())]
)
def test_each_shipped_data_set_is_read_without_a_question_and_back(name: str, tmp_path: Path) -> None:
    table = read(catalog.shipped()[name].data)
    _assert_same(_again(table, tmp_path), table)


@pytest.mark.parametrize(
    "path",
    sorted(
        path
        for path in DATA.glob("*/*")
        if path.suffix in (".csv", ".tsv")
        and path.parent.name != "table"
        and path.name not in ("bad_cell.csv", "ni-dcpower-python.csv")  # True and False are read as text first
    ),
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_what_each_format_gives_is_read_back(path: Path, tmp_path: Path) -> None:
    table = read(path, accept=True)
    _assert_same(_again(table, tmp_path), table)


def test_the_kind_does_not_hang_on_an_options_of_a_command(tmp_path: Path) -> None:
    """A measured `direction` beside sweeps made them pulse trains."""
    frame = pd.DataFrame({"device_id": ["d1"] * _MANY, **CASES["sweep"]})
    SweepTable(frame).to_csv(tmp_path / "t.csv")
    assert read(tmp_path / "t.csv").kind == "sweep"
    assert read([tmp_path / "t.csv"], elsewhere=frozenset({"read_voltage"}), read_voltage=0.1).kind == "sweep"


def test_a_table_by_hand_with_the_same_names_keeps_its_checks(tmp_path: Path) -> None:
    """Numbers that devicekit would write otherwise are somebody's own: magnitudes get their signs."""
    file = tmp_path / "hand.csv"
    rows = [f"d1,1,{k},{v},{abs(v) * 1e-6:.2e}" for k, v in enumerate((0, 1, 2, 1, 0, -1, -2, -1))]
    file.write_text("device_id,cycle,point,voltage_v,current_a\n" + "\n".join(rows) + "\n")
    table = read(file)
    assert table.frame["current_a"].tolist() == [0.0, 1e-6, 2e-6, 1e-6, 0.0, -1e-6, -2e-6, -1e-6]
    assert "abs" in [warning.code for warning in table.warnings]


def test_remarks_on_the_data_stay(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "device_id": "d1",
            "cycle": 1,
            "direction": "ltp",
            "pulse_index": [0, 1, 1],
            "conductance_s": [1e-6, 2e-6, 3e-6],
        }
    )
    back = _again(PulseTable(frame), tmp_path)
    assert [warning.code for warning in back.warnings] == ["repeats"]


@pytest.mark.parametrize("options", [{}, {"kind": "sweep"}])
def test_a_table_of_ours_with_a_wrong_cell_keeps_its_kind(options: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    SweepTable(pd.DataFrame({"device_id": ["d1"] * _MANY, **CASES["sweep"]})).to_csv(file)
    lines = file.read_text().splitlines()
    lines[5] = lines[5].replace("d1,", "d1,x", 1)
    file.write_text("\n".join(lines) + "\n")
    with pytest.raises(DevicekitError) as caught:
        read(file, **options)
    assert [(row.row, row.column) for row in caught.value.rows] == [(6, "cycle")]


@pytest.mark.parametrize("text", ["=1+1", "'=1+1", "''@a", "-x", "-4.5", "'", "", "+3", "o'clock", "'plain"])
def test_text_made_plain_is_found_again(text: str, tmp_path: Path) -> None:
    assert revealed(neutral(text)) == text
    assert neutral(text)[:1] not in ("=", "+", "@")


@pytest.mark.parametrize("name", ["t.csv", "t.h5"])
def test_read_writes_what_it_reads_back(name: str, tmp_path: Path, devicekit: Callable[..., Any]) -> None:
    source = DATA / "arcone" / "session.csv"
    assert devicekit("read", source, "--out", tmp_path / name).code == 0
    _assert_same(read(tmp_path / name), read(source))


def test_two_columns_of_ours_are_not_a_kind(tmp_path: Path) -> None:
    assert kind_of(["device_id", "cycle", "V", "I"]) is None
    assert kind_of(["device_id", "cycle", "point", "voltage_v", "current_a", "Gate"]) is SweepTable


def test_a_broken_line_of_names_is_not_ours(tmp_path: Path) -> None:
    file = tmp_path / "broken.csv"
    file.write_bytes(b"device_id,cy\rcle,level,conductance_s\nd1,1,hrs,1e-6\n")
    with contextlib.suppress(DevicekitError):
        read(file)
