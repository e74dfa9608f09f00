"""Reading options: of the wrong type, that contradict a file, or that do not apply to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devicekit.core.errors import UsageError
from devicekit.readers import read
from devicekit.tables import SweepTable

from .small_files import LOOP, Write  # type: ignore[import-not-found]


def test_the_unit_of_a_long_table_is_used_or_refused(lines: Write) -> None:
    kept = lines("time_s,value", "1,150", "10,151", "100,152")
    assert read(kept, unit="kohm").frame["conductance_s"].iloc[0] == pytest.approx(1 / 150e3)
    for options in ({"unit": "kohm"}, {"unit": "uS"}):
        with pytest.raises(UsageError, match="resistance_ohm"):
            read(lines("time_s,resistance_ohm", "1,150", "10,151"), **options)


def test_options_that_contradict_the_file_are_refused(lines: Write) -> None:
    siemens = lines("pulse,G (S)", "1,1e-5", "2,2e-5", "3,3e-5", name="siemens.csv")
    current = lines("pulse,I (A),V_read (V)", "1,1e-6,0.1", "2,2e-6,0.1", "3,3e-6,0.1", name="current.csv")
    ohm = lines("pulse,R (ohm)", "1,1e5", "2,9e4", "3,8e4", name="ohm.csv")
    for path, options in (
        (siemens, {"unit": "uS"}),
        (current, {"unit": "mA"}),
        (current, {"read_voltage": 0.2}),
        (ohm, {"quantity": "conductance"}),
    ):
        with pytest.raises(UsageError, match="="):
            read(path, **options)
    assert read(current).frame["conductance_s"].tolist() == pytest.approx([1e-5, 2e-5, 3e-5])
    assert read(current, read_voltage=0.1).frame["conductance_s"].tolist() == pytest.approx([1e-5, 2e-5, 3e-5])


@pytest.mark.parametrize(
    "option",
    [
        {"columns_are": "devices"},
        {"sheets_are": "cycles"},
        {"files_are": "devices"},
        {"key": {"device": "d(.)"}},
        {"pulses": (3,)},
    ],
    ids=lambda option: next(iter(option)),
)
def test_an_option_that_does_not_apply_is_refused(option: dict[str, object], lines: Write) -> None:
    path = lines("V (V),I (A)", *(f"{v},{v * 1e-4:g}" for v in LOOP))
    assert isinstance(read(path), SweepTable)
    with pytest.raises(UsageError, match=next(iter(option))):
        read(path, **option)


@pytest.mark.parametrize(
    "options",
    [
        *({"header": each} for each in (-1, 3, [1, 2], "1", True)),
        *({"skip": each} for each in (-1, "a", 1.5, 10**30)),
        *({"pulses": each} for each in (("a", 1), 5, "60", (), (1, 2, 3), (0,), {"a": 1})),
        *({"blocks": each} for each in (-5, [1], "²", "-5", 1.5)),
        *({name: ["pulse"]} for name in ("kind", "format", "quantity", "unit", "sheet", "device", "decimal")),
        *({name: {"a": 1}} for name in ("files_are", "sheets_are", "columns_are", "recipe", "cycle", "width")),
        *({"read_voltage": each} for each in ("x", [1], float("nan"), True)),
        *({"columns": each} for each in ([1], {"a": 1}, "a")),
        *({"key": each} for each in ([1], {"device": 3})),
        *({name: "yes"} for name in ("absolute", "units_row")),
    ],
    ids=str,
)
def test_an_option_of_the_wrong_kind_is_refused_by_its_name(table: Path, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=rf"{next(iter(options))}="):
        read(table, **options)


def test_numbers_of_other_libraries_are_numbers(table: Path) -> None:
    assert len(read(table, skip=np.int64(0), header=np.int32(1)).frame) == 21
