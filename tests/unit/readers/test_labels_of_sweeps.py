"""Columns that label whole sweeps: the reader asks for device or cycle, and each answer works."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from devicekit import read
from devicekit.core.errors import QuestionError

UP = np.linspace(0, 0.35, 12)
CURRENT = 1e-5 * np.sinh(3 * UP) + 1e-8 * (
    np.arange(12) % 3
)  # not a multiple of the voltage, which would be a duplicate
Write = Callable[..., Path]


@pytest.fixture
def sweeps(tmp_path: Path) -> Write:
    """Return a function that writes one-way sweeps, each with its label; without names if `head` is empty."""

    def write(labels: Sequence[object], head: str = "", more: str = "") -> Path:
        loop = list(zip(UP, CURRENT, strict=True))
        rows = [f"{label},{v:.4f},{i:.4g}{more}" for label in labels for v, i in loop]
        path = tmp_path / "sweeps.csv"
        path.write_text("\n".join([*([head] if head else []), *rows]) + "\n")
        return path

    return write


def question(path: Path, **options: object) -> QuestionError:
    with pytest.raises(QuestionError) as caught:
        read(path, **options)
    return caught.value


def test_a_label_of_sweeps_is_asked_about_with_all_answers(sweeps: Write) -> None:
    path = sweeps([18433, 18435, 18440])
    asked = question(path, kind="sweep", unit="A").question
    assert asked is not None
    assert asked.fields == ("columns",)
    assert "column 1" in asked.text
    assert [dict(choice.options["map"]) for choice in asked.choices] == [
        {"device_id": "column 1"},
        {"cycle": "column 1"},
        {"keep": "column 1"},
    ]
    assert re.findall(r"\d+", asked.evidence[0])[:5] == ["1", "3", "3", "18433", "18440"]


@pytest.mark.parametrize(
    ("answer", "devices", "cycles"), [("device_id", 3, 1), ("cycle", 1, 3), ("keep", 1, 3)], ids=str
)
def test_each_answer_is_enough(answer: str, devices: int, cycles: int, sweeps: Write) -> None:
    path = sweeps([18433, 18435, 18440])
    frame = read(path, kind="sweep", unit="A", columns={answer: "column 1"}).frame
    assert frame["device_id"].nunique() == devices
    assert frame.groupby("device_id")["cycle"].nunique().max() == cycles
    assert len(frame) == 3 * UP.size


def test_named_columns_without_a_role_are_asked_about_and_words_are_not_cycles(sweeps: Write) -> None:
    asked = question(sweeps(["A3", "B7"], "structure,V (V),I (A)")).question
    assert asked is not None
    assert [next(iter(choice.options["map"])) for choice in asked.choices] == ["device_id", "keep"]


@pytest.mark.parametrize("head", ["device,V (V),I (A)", "cycle,V (V),I (A)", "T (K),V (V),I (A)"], ids=str)
def test_columns_with_a_role_or_a_quantity_are_not_asked_about(head: str, sweeps: Write) -> None:
    read(sweeps([1, 2], head))


def test_columns_that_change_within_a_sweep_or_never_are_not_asked_about(tmp_path: Path, sweeps: Write) -> None:
    assert read(sweeps([7, 7], "batch,V (V),I (A)")).frame["device_id"].nunique() == 1
    rows = [f"{k // 5},{v:.4f},{1e-5 * np.sinh(3 * v) + 1e-8 * (k % 3):.4g}" for k, v in enumerate(np.tile(UP, 2))]
    path = tmp_path / "blocks.csv"
    path.write_text("\n".join(["batch,V (V),I (A)", *rows]) + "\n")
    assert "batch" in read(path).frame


@pytest.mark.slow
def test_a_measured_file_of_1024_cells_has_1024_devices(measured: Path) -> None:
    path = measured / "rram_1t1r" / "read_voltage_sweep.tsv"
    asked = question(path, kind="sweep", unit="A").question
    assert asked is not None
    options = {"kind": "sweep", "unit": "A", **asked.choices[0].options}
    assert len(read(path, **{("columns" if k == "map" else k): v for k, v in options.items()}).devices) == 1024


@pytest.mark.parametrize("name", ["Zyklus", "Zyklen", "循环"])
def test_a_cycle_has_a_name_in_other_languages(name: str, tmp_path: Path) -> None:
    rows = "".join(f"{c};{v / 10};{v * c * 1e-6}\n" for c in (1, 2) for v in range(10))
    (tmp_path / "k.csv").write_text(f"{name};Spannung [V];Strom [A]\n{rows}", encoding="utf-8")
    assert set(read(tmp_path / "k.csv").frame["cycle"]) == {1, 2}
