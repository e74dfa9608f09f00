"""Readings in time and pairs of pulses, from text that is written here by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from devicekit.core.errors import QuestionError
from devicekit.readers import read, transients
from devicekit.tables import PairedTable, TransientTable

ROWS = [(t, 5e-5 if t == 3 else 1e-6, 1.0 if t == 3 else 0.0) for t in range(20)]


def file(folder: Path, text: str, name: str = "x.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def lines(form: str, rows: list[tuple[float, float, float]] = ROWS) -> str:
    return "".join(form.format(*row) + "\n" for row in rows)


def test_a_pulse_voltage_that_is_0_between_pulses_makes_readings_in_time(tmp_path: Path) -> None:
    path = file(tmp_path, "Time (ms),Current (uA),Pulse (V)\n" + lines("{0},{1},{2}"))
    table = read(path, read_voltage=0.1)
    assert isinstance(table, TransientTable)
    assert table.frame["time_s"].iloc[-1] == pytest.approx(0.019)
    assert table.frame["conductance_s"].iloc[0] == pytest.approx(1e-11)
    assert np.isnan(table.frame["conductance_s"].iloc[3])
    assert table.frame["current_a"].iloc[3] == pytest.approx(5e-11)
    assert table.quantity == "conductance_s"
    assert read(path).frame.columns.tolist() == ["device_id", "record", "time_s", "current_a", "pulse_voltage_v"]


@pytest.mark.parametrize(("reads", "kind"), [(5, "transient"), (4, "pulse")])
def test_many_readings_after_each_pulse_are_readings_in_time(tmp_path: Path, reads: int, kind: str) -> None:
    rows = [(t, 1e-5, 1.0 if t % (reads + 1) == 0 else 0.0) for t in range(6 * (reads + 1))]
    assert read(file(tmp_path, "Time (s),G (S),Vpulse (V)\n" + lines("{0},{1},{2}", rows))).kind == kind


def test_a_retention_table_stays_a_retention_table(tmp_path: Path) -> None:
    text = "Time (s),LRS (S),HRS (S)\n" + "".join(f"{t},1e-4,1e-6\n" for t in (1, 10, 100, 1000, 10000))
    assert read(file(tmp_path, text)).kind == "retention"


def test_times_that_restart_give_records(tmp_path: Path) -> None:
    text = "Time (s),G (S),Pulse (V)\n" + 2 * lines("{0},{1},{2}")
    table = read(file(tmp_path, text))
    assert table.frame["record"].tolist() == [1] * 20 + [2] * 20
    assert "split" in [warning.code for warning in table.warnings]


def test_units_are_asked_about(tmp_path: Path) -> None:
    with pytest.raises(QuestionError, match="'Current'") as caught:
        read(file(tmp_path, "Time (s),Current,Pulse (V)\n" + lines("{0},{1},{2}")))
    assert "unit" in caught.value.question.fields
    with pytest.raises(QuestionError, match=r"'Delta t'") as caught:
        read(file(tmp_path, "Delta t,A2/A1\n1,1.5\n2,1.4\n"))
    assert caught.value.question.choices[0].options == {"map": {"interval_s": "Delta t"}}


def test_pulses_by_the_voltage_of_instruments(tmp_path: Path) -> None:
    rows = [(t, 1.0 if t == 3 else 0.1, 5e-5 if t == 3 else 1e-6) for t in range(20)]
    wgfmu = file(tmp_path, "Time,MeasResult1_value,MeasResult2_value\n" + lines("{0},{1},{2}", rows), "w.csv")
    with pytest.raises(QuestionError, match="stays at 1 level"):
        read(wgfmu)
    assert read(wgfmu, kind="sweep").kind == "sweep"
    head = "SetupTitle, relaxation\nPrimitiveTest, {}\nTestParameter, Channel.IName, I1\n"
    head += "TestParameter, Channel.VName, V1\nTestParameter, Channel.Time, Time\nDataName, Time, V1, I1\n"
    body = lines("DataValue, {0}, {1}, {2}", rows)
    sampled = file(tmp_path, head.format("I/V-t Sampling") + body, "s.csv")
    swept = file(tmp_path, head.format("I/V Sweep") + body, "v.csv")
    assert read(swept).kind == "sweep"
    for table in (read(wgfmu, kind="transient"), read(sampled), read(swept, kind="transient")):
        assert isinstance(table, TransientTable)
        assert table.frame["pulse_voltage_v"].tolist() == [1.0 if t == 3 else 0.0 for t in range(20)]
        assert table.frame["conductance_s"].iloc[0] == pytest.approx(1e-5)
        assert np.isnan(table.frame["conductance_s"].iloc[3])
        assert "assumed_unit" in [warning.code for warning in table.warnings]
    mapped = {"time_s": "Time", "conductance_s": "MeasResult2_value"}
    pulses = read(wgfmu, kind="pulse", columns=mapped, pulses=(10, 10), accept=True)
    assert pulses.meta["format"] == "table"  # for what the format does not read
    assert pulses.frame["conductance_s"].tolist() == [row[2] for row in rows]
    assert any("kind=" in each.message for each in pulses.warnings)


def test_a_staircase_of_reads_is_asked_about_and_each_row_is_read_at_its_voltage(tmp_path: Path) -> None:
    levels = np.repeat([0.0, -0.15, -0.2, -0.25, 0.0], 100)
    v = levels + 5e-4 * np.random.default_rng(1).normal(size=levels.size)
    rows = [(1e-4 * k, each, 1e-4 * abs(each)) for k, each in enumerate(v)]
    path = file(tmp_path, "Time,MeasResult1_value,MeasResult2_value\n" + lines("{0},{1},{2}", rows), "w.csv")
    with pytest.raises(QuestionError, match="stays at 4 levels") as caught:
        read(path)
    assert {each.options["kind"] for each in caught.value.asked.choices} == {"transient", "sweep"}
    table = read(path, **caught.value.asked.choices[0].options)
    assert table.frame["conductance_s"].isna().sum() == 200
    assert table.frame["conductance_s"].dropna().to_numpy() == pytest.approx(1e-4)
    assert table.frame["read_voltage_v"].iloc[250] == pytest.approx(v[250])


def test_sweeps_in_time_do_not_stay_at_levels() -> None:
    loop = np.concatenate([np.linspace(0, 1, 60), np.linspace(1, -1, 120), np.linspace(-1, 0, 60)])
    assert transients.count_levels(loop) == 0
    assert transients.count_levels(np.repeat(np.linspace(0, 1, 21), 5)) == 0
    assert transients.count_levels(np.r_[np.zeros(100), loop]) == 0
    assert transients.count_levels(np.tile(np.repeat([0.0, 1.0, 0.1], 10), 4)) == 3


def test_a_sampled_current_at_one_voltage_stays_a_record_of_noise(tmp_path: Path) -> None:
    path = Path(__file__).parents[2] / "data" / "easyexpert" / "sampling.csv"
    assert read(path).kind == "sweep"


def test_small_pulses_from_0_v_are_readings() -> None:
    v = np.array([0, 1.0, 0, 0, 0.1, 0, 0, 0, 0.1, 0, 0])
    pulse, reading = transients.split_voltage(v, "x")
    assert np.flatnonzero(pulse).tolist() == [1]
    assert np.flatnonzero(np.isfinite(reading)).tolist() == [4, 8]
    just = np.where(v == 0.1, 0.499, v)
    assert np.flatnonzero(np.isfinite(transients.split_voltage(just, "x")[1])).tolist() == [4, 8]
    assert not np.isfinite(transients.split_voltage(np.where(v == 0.1, 0.5, v), "x")[1]).any()


def test_two_channels_of_an_oscilloscope_are_asked_about(tmp_path: Path) -> None:
    path = file(tmp_path, "Time (s),CH1 (V),CH2 (V)\n" + lines("{0},{1},{2}"))
    with pytest.raises(QuestionError, match=r"CH1 \(V\).*resistor"):
        read(path, kind="transient")


@pytest.mark.parametrize(
    ("head", "numbers", "options"),
    [
        ("A2/A1", (1.5, 1.25, 1.1), {}),
        ("PPF ratio", (1.5, 1.25, 1.1), {}),
        ("PPF (%)", (150, 125, 110), {"unit": "%"}),
        ("PPF (%)", (50, 25, 10), {"unit": "%", "map": {"ratio_excess": "PPF (%)"}}),
        ("PPF index", (1.5, 1.25, 1.1), {"unit": "1"}),
        ("PPF", (150, 125, 110), {"unit": "%"}),
        ("PPF", (0.5, 0.25, 0.1), {"unit": "1", "map": {"ratio_excess": "PPF"}}),
        ("PPF (%)", (150, 125, 110), {"recipe": "ppf-percent"}),
        ("PPF (%)", (1.5, 1.25, 1.1), {"unit": "1"}),  # the option overrides the name
    ],
)
def test_a_ratio_is_read_by_its_name_or_by_options(
    tmp_path: Path, head: str, numbers: tuple[float, ...], options: dict[str, object]
) -> None:
    text = f"interval (ms),{head}\n" + "".join(f"{t},{x}\n" for t, x in zip((1, 5, 20), numbers, strict=True))
    table = read(file(tmp_path, text), **options)
    assert isinstance(table, PairedTable)
    assert table.frame["ratio"].tolist() == pytest.approx([1.5, 1.25, 1.1])
    assert table.frame["interval_s"].tolist() == pytest.approx([1e-3, 5e-3, 20e-3])


@pytest.mark.parametrize(("head", "numbers"), [("PPF", (1.5, 1.2)), ("PPF (%)", (150, 120)), ("A2/A1", (150, 120))])
def test_ratio_or_percent_is_asked_about(tmp_path: Path, head: str, numbers: tuple[float, float]) -> None:
    text = f"interval (ms),{head}\n1,{numbers[0]}\n2,{numbers[1]}\n"
    with pytest.raises(QuestionError, match="A2/A1") as caught:
        read(file(tmp_path, text))
    assert len(caught.value.question.choices) == (3 if "%" in head else 4)  # two, and a recipe


def test_two_amplitudes_give_the_ratio(tmp_path: Path) -> None:
    text = "ISI (ms),A1 (nA),A2 (uA)\n1,10,0.015\n5,0,0.012\n"
    table = read(file(tmp_path, text), kind="paired")
    assert table.frame["ratio"].iloc[0] == pytest.approx(1.5)
    assert np.isnan(table.frame["ratio"].iloc[1])


def test_repeats_of_an_interval_are_counted_device_by_device(tmp_path: Path) -> None:
    rows = ("a,1,1.5", "b,1,1.4", "a,1,1.6", "b,2,1.2", "b,1,1.3", "a,1,1.7")
    table = read(file(tmp_path, "device,interval (ms),A2/A1\n" + "".join(f"{row}\n" for row in rows)))
    assert table.frame["repeat"].tolist() == [1, 1, 2, 1, 2, 3]


def test_records_are_counted_over_files(tmp_path: Path) -> None:
    text = "Time (s),G (S),Pulse (V)\n" + lines("{0},{1},{2}")
    paths = [file(tmp_path, text, "r1.csv"), file(tmp_path, text + lines("{0},{1},{2}"), "r2.csv")]
    assert read(paths, files_are="cycles").frame["record"].tolist() == [1] * 20 + [2] * 20 + [3] * 20
    devices = read(paths, files_are="devices").frame
    assert devices["record"].tolist() == [1] * 40 + [2] * 20
    assert devices["device_id"].nunique() == 2


def test_a_written_table_is_read_again(tmp_path: Path) -> None:
    from devicekit.synthetic import dynamics

    for table in (dynamics.transient(2, 20), dynamics.paired(), dynamics.trains((5.0, 10.0), 6)):
        table.to_csv(tmp_path / "t.csv")
        again = read(tmp_path / "t.csv")
        assert again.kind == table.kind
        assert again.frame[table.frame.columns].equals(table.frame)


def test_a_time_without_a_unit_beside_a_sweep_is_needed_by_the_kind(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("t,V (V),x\n" + "".join(f"{k * k},{k % 5 / 10},{k % 5}\n" for k in range(30)))
    with pytest.raises(QuestionError) as error:
        read(path, kind="transient", map={"current_a": "x"}, unit="nA")
    assert error.value.asked.choices[0].options == {"map": {"time_s": "t"}}
    table = read(path, kind="transient", map={"current_a": "x", "time_s": "t"}, unit="nA")
    assert table.frame["time_s"].tolist()[:4] == [0.0, 1.0, 4.0, 9.0]
