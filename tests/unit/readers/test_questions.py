"""Wording of the questions that readers ask; `--force-regen` renews the file, which must be read before a commit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest

from devicekit import read
from devicekit.core.errors import QuestionError
from devicekit.readers.layouts import evidence, gather, grid

UP = np.round(np.linspace(1e-6, 8e-6, 12), 9)
LOOP = [0, 0.5, 1, 0.5, 0, -0.5, -1, -0.5, 0]


def rows(*columns: Any) -> str:
    return "".join(",".join(map(str, row)) + "\n" for row in zip(*columns, strict=True))


def numbered(*columns: Any) -> str:
    return rows(range(1, len(columns[0]) + 1), *columns)


TEXTS: dict[str, tuple[str, dict[str, Any]]] = {
    "a comma before three digits": ("pulse;G\n" + "".join(f"{n};1,{n}00\n" for n in range(1, 10)), {}),
    "columns without names": (rows(range(12), UP), {}),
    "columns without names, side by side": (rows(UP, UP[::-1] * 1.1, UP * 2, UP[::-1] * 3), {}),
    "a quantity": ("pulse,value\n" + numbered(UP), {}),
    "a quantity of several columns": ("pulse,a,b,c\n" + numbered(UP, UP * 1.3, UP * 1.7), {}),
    "a kind": ("point,time (s),G (S)\n" + numbered(range(12), UP), {}),
    "no known column": ("time (s),temperature (K)\n" + rows(range(9), [300 + k for k in range(9)]), {}),
    "a unit": ("pulse,G\n" + numbered(UP), {}),
    "a unit of a current": ("V (V),I\n" + rows(LOOP, [v * 1e-6 for v in LOOP]), {}),
    "a read voltage": ("pulse,read_current_a\n" + numbered(UP), {}),
    "an unclear unit": ("pulse,G (ms)\n" + numbered(UP), {}),
    "a time without a unit": ("Time,LRS (S),HRS (S)\n" + rows([1, 10, 100], [1e-4] * 3, [1e-6] * 3), {}),
    "an unclear time": ("t (m),LRS (S),HRS (S)\n" + rows([1, 10, 100], [1e-4] * 3, [1e-6] * 3), {}),
    "a relative change": ("delta t (ms),weight change\n" + rows([-20, -10, 10, 20], [-50, -80, 90, 40]), {}),
    "a change in siemens": ("delta t (ms),dG (S)\n" + rows([-20, -10, 10, 20], [-5e-7, -8e-7, 9e-7, 4e-7]), {}),
    "two voltages": (
        "Vg (V),V (V),V2 (V),I (A)\n" + rows([0] * 9, LOOP, [1.1 * v + 0.01 for v in LOOP], [v * 1e-6 for v in LOOP]),
        {},
    ),
    "devices or cycles": ("Pulse,a (S),b (S),c (S)\n" + numbered(UP, UP * 1.3, UP * 1.7 + 1e-7), {}),
    "columns that cannot be paired": (
        "V1 (V),I1 (A),V2 (V),I2 (A),I3 (A)\n"
        + rows(LOOP, [v * 1e-6 for v in LOOP], LOOP, *([v**3 * k * 1e-6 + k * 1e-7 for v in LOOP] for k in (2, 3))),
        {},
    ),
    "two quantities": ("Pulse,R/kohm,I_nA\n" + numbered([10, 20, 15, 30], [1.0, 1.7, 3.1, 0.4]), {"kind": "pulse"}),
    "tables side by side": ("V (V),I (A),,V (V),I (A)\n" + "".join(f"{v},{v}e-6,,{v},{v}e-6\n" for v in LOOP), {}),
    "labels of sweeps": (
        "batch,V (V),I (A)\n" + "".join(f"{b},{v},{v**3 * 1e-6 + v * b * 1e-7}\n" for b in (5, 9, 12) for v in LOOP),
        {},
    ),
    "bakes below 273": (
        "time (s),temperature_k,G (S)\n" + "".join(f"{t},{k},1e-5\n" for k in (25, 85, 125) for t in (0, 100)),
        {"kind": "retention"},
    ),
    "bakes without a unit": (
        "time (s),T,G (S)\n" + "".join(f"{t},{k},1e-5\n" for k in (300, 350, 400) for t in (0, 100)),
        {"kind": "retention"},
    ),
    "a ratio": ("interval (ms),PPF\n1,1.5\n2,1.2\n", {}),
    "a ratio in percent": ("interval (ms),PPF (%)\n1,150\n2,120\n", {}),
    "pulses of a digitised figure": ("pulse,direction,G (uS)\n" + rows([1.5, 2.7, 3.1], ["ltp"] * 3, [1, 2, 3]), {}),
    "cycles of one reading": ("cycle,G (S)\n" + numbered(UP), {"kind": "pulse"}),
    "two channels of an oscilloscope": ("Time (s),CH1 (V),CH2 (V)\n" + rows(LOOP, LOOP, LOOP), {"kind": "transient"}),
}


def question(path: Path | list[Path], **options: Any) -> str:
    with pytest.raises(QuestionError) as caught:
        read(path, **options)
    assert caught.value.question is not None
    return str(caught.value.question)


@pytest.mark.slow
def test_the_wording_of_questions(tmp_path: Path, file_regression: Any) -> None:
    found = []
    for name, (text, options) in TEXTS.items():
        path = tmp_path / "data.csv"
        path.write_text(text, encoding="utf-8")
        found.append(f"[{name}]\n{question(path, **options)}\n")
    book = openpyxl.Workbook()
    for title, unit in (("wafer one", "A"), ("reference", "V")):
        sheet = book.create_sheet(title)
        sheet.append(["V (V)", f"I ({unit})" if unit == "A" else "I (A) raw"])
        for v in LOOP:
            sheet.append([v, v * 1e-6])
    book.save(tmp_path / "book.xlsx")
    found.append(f"[sheets of different columns]\n{question(tmp_path / 'book.xlsx')}\n")
    paths = []
    for name in ("red", "green", "blue"):
        paths.append(tmp_path / f"{name}.csv")
        paths[-1].write_text("pulse,G (S)\n" + numbered(UP), encoding="utf-8")
    found.append(f"[several files]\n{question(paths)}\n")
    file_regression.check("\n".join(found), extension=".txt")


def test_rows_are_arranged_once_for_all_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "plain.csv"
    path.write_text("".join(f"{k},{k % 7 / 10},{k % 5 * 1e-6}\n" for k in range(60)))
    arranged = []

    def split(*arguments: Any) -> list[grid.Block]:
        arranged.append(arguments)
        return grid.split_blocks(*arguments)

    monkeypatch.setattr(gather, "split_blocks", split)
    with pytest.raises(QuestionError) as error:
        read(path)
    kinds = [choice.options["kind"] for choice in error.value.asked.choices if not choice.has_blank]
    assert len(kinds) > 3
    assert len(arranged) == (2 if "record" in kinds else 1)  # a record keeps units in its cells


@pytest.mark.slow
def test_the_size_of_each_column_is_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "image.csv"
    path.write_text("".join(",".join(f"{(k * n) % 7 + 0.5}" for n in range(1, 61)) + "\n" for k in range(1, 61)))
    sizes: list[Any] = []
    monkeypatch.setattr(evidence, "median_size", lambda values: sizes.append(values) or 1.0)
    with pytest.raises(QuestionError):
        read(path)
    assert 30 < len(sizes) < 300  # not for each of the others anew
