"""Arrays, mappings, lists, frames and series are read like the columns of a file; other types are refused in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import devicekit
from devicekit.core.errors import QuestionError, UsageError
from devicekit.readers import read

G = np.linspace(1e-6, 2e-6, 20)
V = np.concatenate([np.linspace(0, 1, 11), np.linspace(0.9, -1, 20), np.linspace(-0.9, 0, 10)])
AMPS = V * 1e-6 * (1 + np.abs(V))


@pytest.mark.parametrize(
    "data",
    [
        G,
        G.tolist(),
        tuple(G.tolist()),
        G[:, None],
        G.astype(object),
        np.ma.masked_array(G, mask=False),
        pd.Series(G),
        pd.Series(G, name="G"),
        {"G": G},
        pd.DataFrame(G),
    ],
    ids=["array", "list", "tuple", "column", "objects", "masked", "series", "named", "mapping", "frame"],
)
def test_states_in_memory_are_a_train(data: Any) -> None:
    table = read(data, quantity="conductance", kind="pulse")
    assert table.kind == "pulse"
    assert table.frame["conductance_s"].tolist() == G.tolist()
    assert table.layout.options.header == (1 if getattr(data, "name", None) == "G" or isinstance(data, dict) else 0)


@pytest.mark.parametrize(
    "data",
    [
        {"V (V)": V, "I (A)": AMPS.tolist()},
        {"voltage_v": V, "current_a": AMPS, "device_id": "d7"},
        np.rec.fromarrays([V, AMPS], names="voltage_v,current_a"),
        pd.DataFrame({"I (A)": AMPS}, index=pd.Index(V, name="V (V)")),
    ],
    ids=["mapping", "constant", "structured", "index"],
)
def test_a_loop_in_memory_is_a_sweep(data: Any) -> None:
    table = read(data)
    assert table.kind == "sweep"
    assert (table.frame["voltage_v"].tolist(), table.frame["current_a"].tolist()) == (V.tolist(), AMPS.tolist())
    assert table.devices == (["d7"] if isinstance(data, dict) and "device_id" in data else ["device1"])


@pytest.mark.parametrize("rows", [np.c_[V, AMPS], np.c_[np.arange(5.0), 1e-6 * np.arange(5) ** 2].tolist()])
def test_two_columns_without_names_are_a_sweep_on_request(rows: Any) -> None:
    table = read(rows, kind="sweep", unit="A", accept=True)
    assert table.frame["current_a"].tolist() == [row[1] for row in rows]


def test_a_missing_quantity_is_asked_for() -> None:
    with pytest.raises(QuestionError) as caught:
        read(G)
    assert "quantity" in caught.value.question.fields


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (None, "nothing"),
        ({1, 2}, "set"),
        (3, "int"),
        (b"a.csv", "bytes"),
        ([], "empty list"),
        ((x for x in (1, 2)), "generator"),
        ([1, "a.csv"], "list of int, str"),
        ([pd.DataFrame({"V": V})] * 2, "list of DataFrame"),
        ([[1, 2], [3]], "list of list"),
        ({}, "none"),
        ({"V": V, "I": AMPS[1:]}, "V 41, I 40"),
        ({"V": [[1.0]]}, "'V' has 2 dimensions"),
        (np.zeros((2, 2, 2)), "2x2x2"),
        (np.zeros(5, complex), "complex128"),
        (np.array([]), "shape 0"),
        (np.array(["a"]), "<U1"),
    ],
    ids=lambda each: type(each).__name__ if not isinstance(each, str) else each,
)
def test_other_types_are_refused_in_words(data: Any, found: str) -> None:
    with pytest.raises(UsageError) as caught:
        devicekit.read(data)
    assert not isinstance(caught.value, QuestionError)
    assert found in str(caught.value)


@pytest.mark.parametrize(
    ("options", "found"),
    [({"read_voltage": "0.1 V"}, "'0.1 V'"), ({"options": {"unit": "S"}}, "dict"), ({"options": "S"}, "str")],
)
def test_options_of_another_type_are_refused_in_words(options: dict[str, Any], found: str) -> None:
    with pytest.raises(UsageError, match="takes") as caught:
        read(G, **options)
    assert found in str(caught.value)


def test_whole_numbers_do_for_numbers_of_options() -> None:
    table = read(G, quantity="current", read_voltage=2, pulses=20, kind="pulse")
    assert table.frame["conductance_s"].tolist() == (G / 2).tolist()
    assert table.frame["read_voltage_v"].tolist() == [2.0] * 20


def test_two_halves_that_differ_say_in_what_once(tmp_path: Path) -> None:
    for name, columns in (("a.csv", 79), ("b.csv", 78)):
        states = [",".join(f"{j + k * k}e-8" for k in range(1, columns + 1)) for j in range(9)]
        rows = [",".join(f"dev{k}" for k in range(columns)), *states]
        (tmp_path / name).write_text("\n".join(rows) + "\n")
    with pytest.raises(UsageError) as caught:
        read([tmp_path / "a.csv", tmp_path / "b.csv"], quantity="conductance", columns_are="devices")
    assert "(79 of value and 78 of value)" in str(caught.value)
