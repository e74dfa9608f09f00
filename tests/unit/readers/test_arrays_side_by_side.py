"""Arrays by key that are columns of one table, and sheets that agree in some columns."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import devicekit
from devicekit.core.errors import FileError, QuestionError, UsageError

VOLTS = np.linspace(-1, 1, 21)
CURRENTS = np.outer(VOLTS, [1e-6, 2e-6, 3e-6])


@pytest.mark.parametrize("volts", [VOLTS, np.tile(VOLTS[:, None], 3)])
def test_matrices_of_voltage_and_current_are_columns_of_one_table(volts: np.ndarray, tmp_path: Path) -> None:
    np.savez(tmp_path / "iv.npz", V=volts, I=CURRENTS)
    options = {"columns": {"voltage_v": "V", "current_a": "I"}, "unit": "A", "columns_are": "cycles"}
    table = devicekit.read(tmp_path / "iv.npz", **options)
    assert table.frame.groupby("cycle").size().tolist() == [21, 21, 21]
    np.testing.assert_allclose(table.frame.groupby("cycle")["current_a"].last(), [1e-6, 2e-6, 3e-6])
    table.meta["layout"].save(tmp_path / "recipe.toml")
    again = devicekit.read(tmp_path / "iv.npz", recipe=tmp_path / "recipe.toml")
    np.testing.assert_array_equal(again.frame["current_a"], table.frame["current_a"])


def test_arrays_of_other_quantities_are_no_cycles(tmp_path: Path) -> None:
    np.savez(tmp_path / "iv.npz", Vgs=np.tile(VOLTS[:, None], 2), Ids=CURRENTS[:, :2])
    mapped = {"voltage_v": "column 1", "current_a": "column 2"}
    with pytest.raises(QuestionError) as caught:
        devicekit.read(tmp_path / "iv.npz", columns=mapped, unit="A", sheets_are="cycles")
    assert caught.value.asked.choices[0].options == {"map": {"voltage_v": "Vgs", "current_a": "Ids"}}
    np.savez(tmp_path / "ab.npz", slope=np.tile(VOLTS[:, None], 2), offset=CURRENTS[:, :2])
    with pytest.raises(UsageError, match="slope, offset"):
        devicekit.read(tmp_path / "ab.npz", columns=mapped, unit="A", sheets_are="cycles", accept=True)


def test_arrays_of_other_lengths_do_not_fit_side_by_side(tmp_path: Path) -> None:
    np.savez(tmp_path / "iv.npz", V=VOLTS, I=CURRENTS[:-1])
    with pytest.raises(UsageError, match="V 21 x 1, I 20 x 3"):
        devicekit.read(tmp_path / "iv.npz", columns={"voltage_v": "V", "current_a": "I"}, unit="A")


def test_records_of_arrays_are_rows(tmp_path: Path) -> None:
    records = [{"Vds": f"-{k}", "Vgs": VOLTS.tolist(), "Ids": (k * 1e-6 * VOLTS).tolist()} for k in (1, 5)]
    (tmp_path / "curves.json").write_text(json.dumps({"Device": ["FET"], "L": 5.0, "Records": records}))
    columns = {"voltage_v": "Vgs", "third_voltage_v": "Vds", "cycle": "record"}
    table = devicekit.read(tmp_path / "curves.json", columns=columns, unit="A")
    last = table.frame.groupby("cycle")[["voltage_v", "current_a", "third_voltage_v"]].last()
    np.testing.assert_allclose(last, [[1, 1e-6, -1], [1, 5e-6, -5]])
    assert len(table) == 42


def test_very_many_arrays_are_listed_by_a_pattern(tmp_path: Path) -> None:
    np.savez(tmp_path / "chip.npz", levels=np.arange(9.0), error=np.ones((4, 3, 15)))
    with pytest.raises(QuestionError) as caught:
        devicekit.read(tmp_path / "chip.npz")
    asked = caught.value.asked.choices
    assert [each.options for each in asked if "sheet" in each.options][-1] == {"sheet": "error*"}
    assert "15 sheets" in asked[-1].means
    assert len(str(caught.value)) < 2000


def test_lines_that_a_program_printed_are_no_table(tmp_path: Path) -> None:
    lines = [
        f"{{'time': datetime.datetime(2021, 5, 19, 16, {k}), 'temp': {20 + k}.5, 'position': 5}}" for k in range(9)
    ]
    (tmp_path / "log.txt").write_text("PS C:\\> python logger.py\n" + "\n".join(lines) + "\n")
    with pytest.raises(FileError, match="datetime"):
        devicekit.read(tmp_path / "log.txt")


def test_sheets_that_share_the_mapped_columns_are_read_together(write_xlsx: Callable[..., Path]) -> None:
    loop = [[v, k * v * 1e-6] for k in (1, 2) for v in (0.0, 0.5, 1.0, 0.5, 0.0)]
    path = write_xlsx(
        {
            "M1": [["Voltage", "Current", "Rmax"], *([*row, 9.0] for row in loop[:5])],
            "M2": [["Voltage", "Current", "Rmin"], *([*row, 7.0] for row in loop[5:])],
        }
    )
    with pytest.raises(QuestionError) as caught:
        devicekit.read(path, unit="A")
    shared = {"map": {"voltage_v": "Voltage", "current_a": "Current"}}
    assert shared in [choice.options for choice in caught.value.asked.each[0].choices]
    table = devicekit.read(path, unit="A", sheets_are="devices", **shared)
    assert table.frame.groupby("device_id")["current_a"].max().to_dict() == pytest.approx({"M1": 1e-6, "M2": 2e-6})
    assert table.frame.groupby("device_id")[["Rmax", "Rmin"]].count().to_numpy().tolist() == [[5, 0], [0, 5]]


def test_rows_of_words_of_a_sheet_are_part_of_the_question_which_sheets(write_xlsx: Callable[..., Path]) -> None:
    loop = [[v, v * 1e-6] for v in (0.0, 0.5, 1.0, 0.5, 0.0)]
    head = ["Voltage (V)", "Current (A)"]
    path = write_xlsx({"cycles": [head, *loop], "devices": [head, *loop, ["BIAS 2", "--"], *loop]})
    with pytest.raises(QuestionError) as caught:
        devicekit.read(path)
    assert {"sheet": "devices", "drop": ("text",)} in [choice.options for choice in caught.value.asked.each[0].choices]
    assert len(devicekit.read(path, sheet="devices", drop=("text",), accept=True)) == 10
