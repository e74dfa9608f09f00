"""Sets and resets of an endurance test are not trains of one pulse, and empty cells are not pulses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

import devicekit

from .small_files import Write, choices  # type: ignore[import-not-found]

N = 20
OHM = np.array([[1e5 + 100 * k, 1e3 + k] for k in range(N)])  # HRS and LRS of each cycle
ROWS = OHM.ravel().tolist()


def medians(path: object, **options: object) -> dict[str, float]:
    table = devicekit.read(path, accept=True, **options)  # type: ignore[arg-type]
    assert table.kind == "endurance"
    assert table.frame.groupby("cycle").size().to_list() == [2] * N
    return table.frame.groupby("level")["conductance_s"].median().to_dict()


EXPECTED = {"hrs": 1 / np.median(OHM[:, 0]), "lrs": 1 / np.median(OHM[:, 1])}


@pytest.mark.parametrize(
    ("head", "before"),
    [
        ("cycle,R (ohm)", [(k + 1,) for k in range(2 * N)]),
        ("cycle,R (ohm)", [(k // 2 + 1,) for k in range(2 * N)]),
        ("pulse number,R (ohm)", [(k + 1,) for k in range(2 * N)]),
        ("pulse,pulse voltage (V),R (ohm)", [(k + 1, (-1.5, 1.2)[k % 2]) for k in range(2 * N)]),
        ("cycle,operation,R (ohm)", [(k + 1, ("RESET", "SET")[k % 2]) for k in range(2 * N)]),
    ],
)
def test_states_that_alternate_are_hrs_and_lrs(head: str, before: Sequence[tuple[object, ...]], lines: Write) -> None:
    rows = [",".join(map(str, (*cells, ohm))) for cells, ohm in zip(before, ROWS, strict=True)]
    assert medians(lines(head, *rows)) == pytest.approx(EXPECTED)


def test_the_first_state_may_be_the_lrs_and_one_may_be_missing(lines: Write) -> None:
    rows = [f"{k + 1},{ohm}" for k, ohm in enumerate(OHM[:, ::-1].ravel())]
    rows[6] = "7,"
    frame = devicekit.read(lines("pulse,R (ohm)", *rows)).frame
    assert frame["level"].to_list() == [("lrs", "hrs")[k % 2] for k in range(2 * N) if k != 6]


def test_columns_named_for_set_and_reset_are_the_states_of_each_cycle(lines: Write) -> None:
    path = lines("Cycle,R_SET (ohm),R_RESET (ohm)", *(f"{k + 1},{low},{high}" for k, (high, low) in enumerate(OHM)))
    assert medians(path) == pytest.approx(EXPECTED)


def test_ltp_and_ltd_once_a_cycle_are_asked_about_and_both_answers_work(lines: Write) -> None:
    rows = [f"{k + 1},{1 / low},{1 / high}" for k, (high, low) in enumerate(OHM)]
    path = lines("cycle,LTP (S),LTD (S)", *rows)
    assert choices(path) == ["map={pulse_index: cycle}", "kind=endurance"]
    assert medians(path, kind="endurance") == pytest.approx(EXPECTED)
    train = devicekit.read(path, map={"pulse_index": "cycle"}, accept=True).frame
    assert train.groupby(["cycle", "direction"]).size().to_list() == [N, N]


def test_a_column_that_is_mostly_empty_has_no_pulses_without_a_reading(lines: Write) -> None:
    rows = [f"{k},{k + 1}e-6,{f'{k + 1}e-6' if k % 10 == 0 else ''}" for k in range(31)]
    table = devicekit.read(lines("pulse,d1 (S),d2 (S)", *rows))
    assert table.frame["conductance_s"].notna().all()
    second = table.frame[table.frame["device_id"] == "d2"]
    assert second["pulse_index"].to_list() == [0, 10, 20, 30]
    assert "dropped" in {each.code for each in table.warnings}


LOOP = np.concatenate([np.linspace(0, 1, 10), np.linspace(1, -1, 20), np.linspace(-1, 0, 10)])


def _blocks(gap: str, scale: float) -> list[str]:
    loops = [[(v * (1 + scale * k), 1e-6 * (k + 1) * v**3) for v in LOOP] for k in range(3)]
    return [gap.join(f"{v:.5g},{i:.5g}" for v, i in row) for row in zip(*loops, strict=True)]


@pytest.mark.parametrize("gap", [",", ",,"])
@pytest.mark.parametrize("scale", [0.0, 0.2])
def test_three_blocks_without_names_are_three_loops_or_a_question(gap: str, scale: float, lines: Write) -> None:
    path = lines(*_blocks(gap, scale))
    assert [each for each in choices(path) if each.startswith("kind=sweep") and each.endswith("unit=A")]
    table = devicekit.read(path, kind="sweep", unit="A", columns_are="cycles")
    assert table.frame.groupby("cycle")["current_a"].max().to_list() == pytest.approx([1e-6, 2e-6, 3e-6], rel=1)
    assert table.frame["cycle"].nunique() == 3


@pytest.mark.parametrize("gap", [",", ",,"])
def test_two_mapped_columns_of_six_do_not_leave_loops_behind(gap: str, lines: Write) -> None:
    path = lines(*_blocks(gap, 0.1))
    mapped = {"voltage_v": "column 1", "current_a": "column 2"}
    blocks = "blocks=2 " if gap == "," else ""  # empty columns separate the tables by themselves
    offered = choices(path, map=mapped)
    assert {f"{blocks}columns_are=cycles", f"{blocks}columns_are=devices", "blocks=none"} <= {*offered}
    assert devicekit.read(path, map=mapped, blocks="2", columns_are="cycles").frame["cycle"].nunique() == 3
    assert devicekit.read(path, map=mapped, blocks="none").frame["cycle"].nunique() == 1


def test_each_answer_about_loops_without_names_is_accepted(lines: Write) -> None:
    path = lines(*_blocks(",", 0.1))
    assert "map={voltage_v: column 3, current_a: column 4} blocks=none" in choices(path, kind="sweep", unit="A")
    one = {"voltage_v": "column 3", "current_a": "column 4"}
    table = devicekit.read(path, kind="sweep", unit="A", map=one, blocks="none")
    assert table.frame["voltage_v"].max() == pytest.approx(1.1)
