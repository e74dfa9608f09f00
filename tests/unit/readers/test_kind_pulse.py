"""Pulse trains: directions, cycles and numbers of pulses, from a file or from its readings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import devicekit
from devicekit.core.errors import QuestionError, TableError
from devicekit.readers import read
from devicekit.readers.splitting import split_by_reset, split_by_sign
from devicekit.tables import PulseTable

from .small_files import Write, asked, choices, codes, trains, written  # type: ignore[import-not-found]

BEFORE_AFTER = "pulse_voltage_v,resistance_before_ohm,resistance_after_ohm"


def test_the_readings_give_the_direction_of_a_pulse_without_voltage(tmp_path: Path) -> None:
    header = "pulse_voltage_v,resistance_before_ohm,resistance_after_ohm\n"
    frame = read(written(tmp_path, header + "1,5000,2500\n-1,2500,5000\n,5000,2500\n0,5000,5100\n")).frame
    directions = frame[frame["pulse_index"] == 1].sort_values("cycle")["direction"]
    assert list(directions) == ["ltp", "ltd", "ltp", "ltd"]


def test_a_pulse_between_two_resistances_has_the_direction_of_its_sign(lines: Callable[..., Path]) -> None:
    """One positive pulse of three fails and raises the resistance: it is LTP all the same."""
    table = read(lines(BEFORE_AFTER, "1,10000,5000", "-1,5000,10000", "1,10000,12500", "1,10000,4000"))
    up, down = trains(table, "ltp"), trains(table, "ltd")
    assert up == {1: [1e-4, 2e-4], 3: [1e-4, 8e-5], 4: [1e-4, 2.5e-4]}
    assert down == {2: [2e-4, 1e-4]}
    assert "reversed" not in codes(table)


def test_without_a_voltage_the_fall_of_the_resistance_is_ltp(lines: Callable[..., Path]) -> None:
    table = read(lines("resistance_before_ohm,resistance_after_ohm", "10000,5000", "5000,10000", "8000,4000"))
    assert trains(table, "ltp") == {1: [1e-4, 2e-4], 3: [1.25e-4, 2.5e-4]}
    assert trains(table, "ltd") == {2: [2e-4, 1e-4]}
    assert "reversed" not in codes(table)


def test_a_state_before_and_after_is_pulse_0_and_1_in_file_order(lines: Callable[..., Path]) -> None:
    table = read(lines("resistance_before_ohm,resistance_after_ohm", "10000,5000", "5000,10000"))
    assert table.frame["pulse_index"].tolist() == [0, 1, 0, 1]
    np.testing.assert_allclose(table.frame["conductance_s"], [1e-4, 2e-4, 2e-4, 1e-4], rtol=1e-12)


def test_a_train_begins_where_the_pulse_number_restarts(lines: Callable[..., Path]) -> None:
    """Two LTP trains follow each other without a change of direction."""
    numbers = [0, 1, 2, 0, 1, 2, 0, 1]
    words = ["ltp"] * 6 + ["ltd"] * 2
    states = [1, 2, 3, 1.5, 2.5, 3.5, 3, 1]
    rows = [f"{d},{n},{s}e-5" for d, n, s in zip(words, numbers, states, strict=True)]
    table = read(lines("direction,pulse_index,conductance_s", *rows))
    assert trains(table, "ltp") == {1: [1e-5, 2e-5, 3e-5], 2: [1.5e-5, 2.5e-5, 3.5e-5]}
    assert trains(table, "ltd") == {1: [3e-5, 1e-5]}
    assert split_by_reset(np.array([0, 1, 2, 0, 1, 2, 2, 1])).tolist() == [0, 0, 0, 1, 1, 1, 1, 2]


def test_two_columns_split_where_the_number_restarts(lines: Callable[..., Path]) -> None:
    """Rising trains are LTP, falling ones LTD, each counted by itself."""
    numbers = [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3]
    states = [1, 2, 3, 3, 2, 1, 1.5, 2.5, 3.5, 3.5, 2.5, 0.5]
    table = read(lines(*[f"{n},{s}" for n, s in zip(numbers, states, strict=True)]), unit="uS", accept=True)
    up, down = trains(table, "ltp"), trains(table, "ltd")
    assert [list(up), list(down)] == [[1, 2], [1, 2]]
    np.testing.assert_allclose([*up.values(), *down.values()], np.reshape(states, (4, 3))[[0, 2, 1, 3]] * 1e-6)
    assert "reversed" not in codes(table)


def test_rising_trains_one_after_the_other_are_all_ltp(lines: Callable[..., Path]) -> None:
    """The fall between them is a new start, not an LTD pulse."""
    table = read(lines("1,10", "2,20", "3,30", "1,11", "2,22", "3,33"), unit="uS", accept=True)
    found = trains(table, "ltp")
    assert list(found) == [1, 2]
    np.testing.assert_allclose([found[1], found[2]], [[1e-5, 2e-5, 3e-5], [1.1e-5, 2.2e-5, 3.3e-5]], rtol=1e-12)
    assert trains(table, "ltd") == {}


@pytest.mark.parametrize(
    ("up", "down"),
    [("1.0", "-1.0"), ("+1", "-1"), ("1", "-1"), ("P", "D"), ("set", "reset"), ("Up", "down")],
)
def test_words_for_directions(up: str, down: str, lines: Callable[..., Path]) -> None:
    rows = [f"1,{d},{n},{g}e-5" for d, states in ((up, (1, 2, 3)), (down, (3, 2, 1))) for n, g in enumerate(states)]
    table = read(lines("cycle,direction,pulse_index,conductance_s", *rows))
    assert trains(table, "ltp") == {1: [1e-5, 2e-5, 3e-5]}
    assert trains(table, "ltd") == {1: [3e-5, 2e-5, 1e-5]}


def test_whole_numbers_as_floats_are_directions_too() -> None:
    """In a data frame of floats they are 1.0 and -1.0."""
    frame = pd.DataFrame({"cycle": 1, "direction": [1.0, 1.0, -1.0, -1.0], "pulse_index": [0, 1, 0, 1]})
    table = read(frame.assign(conductance_s=[1e-5, 2e-5, 2e-5, 1e-5]))
    assert trains(table, "ltp") == {1: [1e-5, 2e-5]}
    assert trains(table, "ltd") == {1: [2e-5, 1e-5]}


@pytest.mark.parametrize(
    ("voltage", "direction", "cycle"),
    [
        ([1, 1, -1, -1, 1, -1], "++--+-", [1, 1, 1, 1, 2, 2]),
        ([-1, -1, 1, -1, 1], "--+-+", [1, 1, 1, 2, 2]),
        ([0, 1, 1, np.nan, -1, -1], "+++---", [1] * 6),
        ([1, 0], "++", [1, 1]),
    ],
)
def test_pulses_split_by_sign(voltage: Sequence[float], direction: str, cycle: list[int]) -> None:
    """Positive is LTP; a reading without a pulse belongs to what follows; a cycle ends where the first sign returns."""
    found, cycles = split_by_sign(np.array(voltage, float))
    assert found.tolist() == [{"+": "ltp", "-": "ltd"}[sign] for sign in direction]
    assert cycles.tolist() == cycle


def test_trains_by_the_sign_of_their_pulses_keep_a_train_that_fails(lines: Callable[..., Path]) -> None:
    """The second train of positive pulses falls a little: it is LTP by its pulses."""
    volts = [1, 1, 1, -1, -1, 1, 1, -1, -1]
    states = [1, 2, 3, 2, 1, 1.2, 1.1, 0.9, 0.8]
    table = read(lines("pulse_voltage_v,conductance_s", *[f"{v},{s}e-5" for v, s in zip(volts, states, strict=True)]))
    assert trains(table, "ltp") == {1: [1e-5, 2e-5, 3e-5], 2: [1.2e-5, 1.1e-5]}
    assert trains(table, "ltd") == {1: [2e-5, 1e-5], 2: [0.9e-5, 0.8e-5]}


def test_trains_of_equal_length_are_cut_where_they_turn(lines: Write) -> None:
    rng = np.random.default_rng(5)
    n = np.arange(1, 61)
    up = 1 - np.exp(-n / 20)
    trace = [0.0]
    for _ in range(4):
        trace += list(up / up[-1]) + list(1 - up / up[-1])
    noisy = 10 + 90 * (np.array(trace) + rng.normal(0, 0.004, len(trace)))
    table = read(lines("G (uS)", *(f"{g:.4f}" for g in noisy)), accept=True)
    assert isinstance(table, PulseTable)
    lengths = table.frame.groupby(["cycle", "direction"])["pulse_index"].max()
    assert lengths.tolist() == [60] * 8


@pytest.mark.slow
def test_rows_that_are_cells_are_asked_about(lines: Write) -> None:
    rng = np.random.default_rng(0)
    rows = [",".join([str(k), *(f"{r:.0f}" for r in rng.uniform(1e4, 1e6, 20))]) for k in range(30)]
    assert set(asked(lines(*rows))) & {"quantity", "columns_are", "columns"}


def test_pulse_numbers_of_a_digitised_figure_are_asked_about(lines: Write) -> None:
    path = lines("pulse number,G (uS)", "0,10", "0.27,11", "0.61,12", "1.4,14", "2.2,16", "3.3,18")
    assert asked(path) == ("columns",)
    frame = read(path, map={"pulse_index": "pulse number"}).frame
    assert frame["pulse_index"].tolist() == [0, 0, 1, 1, 2, 3]


def test_times_beside_trains_are_times(lines: Write) -> None:
    rows = [f"{k * 10},{10 + k},{k * 10 + 5},{20 - k}" for k in range(8)]
    table = read(lines("time[ns],LTP,time[ns],LTD", *rows), quantity="conductance", unit="uS")
    assert isinstance(table, PulseTable)
    up = table.frame[table.frame["direction"] == "ltp"]
    assert up["conductance_s"].tolist() == pytest.approx([(10 + k) * 1e-6 for k in range(8)])
    assert up["time_s"].tolist() == pytest.approx([k * 1e-8 for k in range(8)])
    assert len(table) == 16


def test_a_voltage_of_two_values_may_be_pulses(lines: Write) -> None:
    rising = [f"{k},1,0.1,{2e-7 + 1e-8 * k}" for k in range(12)]
    falling = [f"{12 + k},-1,0.1,{3.1e-7 - 1e-8 * k}" for k in range(12)]
    path = lines("Time (s),Vg (V),Vd (V),Ids (A)", *rising, *falling)
    assert choices(path)[:2] == ["kind=pulse", "kind=sweep"]
    table = devicekit.read(path, kind="pulse", read_voltage=0.1)
    assert isinstance(table, PulseTable)
    assert table.frame.groupby("direction").size().to_dict() == {"ltp": 12, "ltd": 12}
    assert table.frame["conductance_s"].max() == pytest.approx(3.1e-6)


def test_a_summary_of_devices_is_not_a_pulse_train(lines: Write) -> None:
    path = lines("device,average_resistance,key", "D10,11.3,a", "D10,12.4,b", "D11,9.1,c", "D11,9.9,d", "D12,8,e")
    with pytest.raises(TableError, match="summary"):
        devicekit.read(path, unit="ohm")


def test_pulse_numbers_are_kept_and_restart_with_the_next_train(lines: Write) -> None:
    states = [*(10 + k for k in range(20)), *(29 - k - 1 for k in range(20))]
    path = lines("Pulse,G (uS)", *(f"{k + 1},{g}" for k, g in enumerate(states)))
    frame = devicekit.read(path).frame
    ends = frame.groupby("direction")["pulse_index"].agg(["min", "max"])
    assert ends.to_numpy().tolist() == [[1, 20], [1, 20]]


def test_names_of_pulse_numbers_may_give_the_direction_and_split_two_tables(lines: Write) -> None:
    names = "LTP_Pulse Nnumber,Device1,Device2,,LTD_Pulse Nnumber,Device1,Device2"
    rows = [f"{k},{3 + k},{5 + k},,{k},{30 - k},{40 - k}" for k in range(1, 13)]
    frame = devicekit.read(lines(names, *rows), quantity="conductance", unit="uS", columns_are="devices").frame
    assert frame.groupby(["device_id", "direction"]).size().tolist() == [12] * 4
    first = frame[(frame["device_id"] == frame["device_id"].iloc[0]) & (frame["direction"] == "ltp")]
    np.testing.assert_allclose(first["conductance_s"], [1e-6 * (3 + k) for k in range(1, 13)])


def test_readings_at_0_v_after_pulses_are_those_of_the_pulses(lines: Write) -> None:
    rows = []
    for k in range(10):
        rows += [f"inc,,{1.0}", f"read,{100 + 5 * k},0"]
    frame = devicekit.read(lines("mode,G (uS),Amplitude_V", *rows)).frame
    assert frame["pulse_index"].tolist() == list(range(10))
    np.testing.assert_allclose(frame["conductance_s"], [1e-6 * (100 + 5 * k) for k in range(10)])
    assert (frame["pulse_voltage_v"] == 1.0).all()


def test_a_constant_time_is_a_pulse_width(lines: Write) -> None:
    up, down = [f"{100 + 10 * k},100" for k in range(12)], [f"{205 - 9 * k},100" for k in range(12)]
    path = lines("up", "G (uS),t_pulse (ns)", *up, "", "down", "G (uS),t_pulse (ns)", *down)
    table = devicekit.read(path, accept=True)
    assert isinstance(table, PulseTable)
    first = table.frame.groupby("direction")["conductance_s"].first()
    np.testing.assert_allclose(first[["ltp", "ltd"]], [1e-4, 2.05e-4])


def test_one_reading_at_half_a_pulse_is_asked_about(lines: Write) -> None:
    with pytest.raises(QuestionError, match=r"'pulse'.* 1\.5"):
        devicekit.read(lines("pulse,direction,G (uS)", "1.5,ltp,100"))


def test_cycles_that_turn_at_different_places_are_asked_about(lines: Write) -> None:
    """Cycles 1 and 3 turn after 6 readings, cycle 2 after 5, all with as many readings: one must be wrong."""
    turns = (6, 5, 6)
    rows = []
    for cycle, turn in enumerate(turns, 1):
        up = [60.0 + 8 * k for k in range(turn)]
        down = [up[-1] - 7.5 * k for k in range(1, 12 - turn + 1)]
        rows += [f"{cycle},{n},{g}" for n, g in enumerate([*up, *down])]
    path = lines("cycle,pulse,G (uS)", *rows)
    asked = choices(path)
    assert asked == ["pulses=(5, 6)", "pulses=(4, 7)"]  # the commonest first
    same = [row for row in rows if not row.startswith("2,")]
    table = devicekit.read(lines("cycle,pulse,G (uS)", *same))
    assert table.frame.groupby("cycle")["direction"].value_counts().unstack()["ltp"].tolist() == [6, 6]


def test_cycles_of_one_reading_each_are_asked_about(lines: Write) -> None:
    path = lines("Cycle number,Conductance (S)", *(f"{n},{2.6e-5 - 1e-7 * n}" for n in range(50)))
    with pytest.raises(QuestionError) as caught:
        devicekit.read(path)
    kind, cycles, *_ = caught.value.asked.each
    assert kind.subject == "kind"
    assert [each.typed_options for each in cycles.choices] == [
        "map={pulse_index: Cycle number}",
        "kind=endurance constant={level: lrs}",
        "kind=endurance constant={level: hrs}",
    ]
    once = devicekit.read(path, kind="endurance", constant={"level": "hrs"}).frame
    assert once["cycle"].tolist() == list(range(50))
    assert set(once["level"]) == {"hrs"}
    table = devicekit.read(path, map={"pulse_index": "Cycle number"})
    assert (len(table.frame), table.frame["pulse_index"].max()) == (50, 49)


def test_a_reading_below_the_one_before_it_is_not_the_last_of_a_rise(lines: Write) -> None:
    """Readings 99 to 102 are 725, 729, 698, 505 with noise of 3: read as 101 + 99, "to 0.1 pulses", until asked."""
    up = 730 - 680 * np.exp(-np.arange(1, 101) / 20)
    down = np.r_[698, 60 + 445 * np.exp(-np.arange(99) / 12)]
    noisy = np.r_[up, down] + 3 * np.random.default_rng(3).standard_normal(200)
    path = lines("number,G (uS)", *(f"{n},{g}" for n, g in enumerate(noisy, 1)))
    assert "pulses=(100, 100)" in choices(path, kind="pulse")
    table = devicekit.read(path, pulses=(100, 100), accept=True)  # who was there knows better
    assert table.frame.groupby("direction").size().to_dict() == {"ltp": 100, "ltd": 100}


@pytest.mark.parametrize("scale", [5e-324, 1e-300, 1e-160, 1e-155])
def test_readings_near_zero_are_turned_as_others_are(tmp_path: Path, scale: float) -> None:
    rise = 1 - np.exp(-np.arange(50) / 15)
    values = np.concatenate([rise, 1 - rise] * 3) + 1e-9
    for factor, name in ((1.0, "usual.csv"), (scale, "small.csv")):
        (tmp_path / name).write_text("G (S)\n" + "".join(f"{float(x * factor)!r}\n" for x in values))
    usual = read(tmp_path / "usual.csv", accept=True).frame
    if scale == 5e-324:  # no digit is left
        with pytest.raises(QuestionError):
            read(tmp_path / "small.csv")
        return
    small = read(tmp_path / "small.csv", accept=True).frame
    assert small[["cycle", "direction", "pulse_index"]].equals(usual[["cycle", "direction", "pulse_index"]])
