"""Units and read voltages: in names, in lines above a table, by options; asked about where unclear."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import devicekit
from devicekit.core.errors import QuestionError, TableError, UsageError
from devicekit.readers import read
from devicekit.readers.layouts import scale

from .small_files import Write, asked, choices  # type: ignore[import-not-found]

UP = 1e-6 * (10 + np.arange(30))  # S


def train(name: str, values: np.ndarray, above: str = "") -> str:
    rows = "\n".join(f"{k},{value!r}" for k, value in enumerate(map(float, values)))
    return f"{above}pulse,{name}\n{rows}\n"


@pytest.mark.parametrize(
    ("header", "role", "unit", "answer"),
    [
        ("R (KOhm)", "conductance_s", "kohm", 1 / 10e3),
        ("R kOhm", "conductance_s", "kohm", 1 / 10e3),
        ("R [kΩ]", "conductance_s", "kohm", 1 / 10e3),
        ("G (US)", "conductance_s", "uS", 10e-6),
        ("G (µS)", "conductance_s", "uS", 10e-6),
        ("G [microsiemens]", "conductance_s", "uS", 10e-6),
    ],
)
def test_unit_words_in_any_spelling(header: str, role: str, unit: str, answer: float, lines: Write) -> None:
    path = lines(f"time (days),{header}", "1,10", "2,10", "3,11")
    frame = read(path).frame
    assert frame[role].iloc[0] == pytest.approx(answer)
    assert frame["time_s"].tolist() == [86400.0, 2 * 86400.0, 3 * 86400.0]
    assert read(path, unit=unit).frame[role].iloc[0] == pytest.approx(answer)


@pytest.mark.parametrize("header", ["R (mohm)", "R (k)", "G (MS)", "G (foo)", "I (na)"])
def test_an_ambiguous_unit_is_asked_about(header: str, lines: Write) -> None:
    assert "unit" in asked(lines(f"pulse,{header}", "1,10", "2,12", "3,13"), read_voltage=0.1)


@pytest.mark.slow
def test_names_that_end_in_a_letter_are_names(lines: Write) -> None:
    path = lines("pulse,sample_A,chip_S", "0,10,11", "1,12,13", "2,14,15")
    assert "quantity" in asked(path)
    with pytest.raises(TableError, match="no rows"):
        read(lines("pulse,G (uS)", "1,1e400", "2,1e400"))


def test_a_read_voltage_that_contradicts_the_file_is_refused(lines: Write) -> None:
    on, off = np.array([600.0, 650.0, 700.0, 640.0, 610.0]), np.array([2e4, 2.2e4, 1.9e4, 2.1e4, 2.3e4])
    rows = [f"{k + 1},{2 / a},{2 / b},{a},{b},{b / a}" for k, (a, b) in enumerate(zip(on, off, strict=True))]
    path = lines("Cycle,I_on(A),I_off(A),R_on(Ohm),R_off(Ohm),R_window", *rows)
    table = devicekit.read(path)
    low = table.frame[table.frame["level"] == "lrs"]["conductance_s"]
    np.testing.assert_allclose(low, 1 / on, rtol=1e-12)
    with pytest.raises(UsageError, match=r"read_voltage=0\.1 .* 2 V"):
        devicekit.read(path, read_voltage=0.1)


def test_t_min_mapped_to_a_time_is_in_minutes(lines: Write) -> None:
    rows = [f"HRS,{0.5 * k},{20 + k}" for k in range(9)]
    path = lines("state,t_min,R (kohm)", *rows)
    table = devicekit.read(path, columns={"time_s": "t_min"})
    assert table.frame["time_s"].tolist() == [30.0 * k for k in range(9)]
    with pytest.raises(QuestionError, match="prefix"):  # even if R_k is mapped to R
        devicekit.read(lines("state,time_s,R_k", *rows), columns={"resistance_ohm": "R_k"})


def test_seconds_in_a_row_of_units_are_a_time_and_a_mirrored_current_is_the_same(lines: Write) -> None:
    rows = [f"{0.1 * k},{0.01 * k},{0.02 * k}" for k in range(12)]
    asked = choices(lines("x-axis,1,2", "second,Volt,Volt", *rows))
    assert not any("current_a: x-axis" in each for each in asked)
    loop = [0, 0.5, 1, 0.5, 0, -0.5, -1, -0.5, 0]
    rows = [f"{v},{1e-6 * v**3},{-1e-6 * v**3}" for v in loop]
    frame = devicekit.read(lines("V_TE [V],I_TE [A],I_BE [A]", *rows)).frame
    np.testing.assert_allclose(frame["current_a"], [1e-6 * v**3 for v in loop])


def test_a_power_of_ten_before_a_unit_is_asked_about(lines: Write) -> None:
    swept = (0, 0.5, 1, 0.5, 0, -0.5, -1, -0.5, 0)
    for name in ("I 1e-6 A", "I_1e-6_A"):  # 1e-6 may be the compliance
        path = lines(f"V (V),{name}", *(f"{v},{v}" for v in swept))
        with pytest.raises(QuestionError, match=r"1e-6[ _]A"):
            devicekit.read(path)
    path = lines("V (V),I (1e-6 A)", *(f"{v},{v}" for v in swept))
    np.testing.assert_allclose(devicekit.read(path).frame["current_a"], [1e-6 * v for v in swept])


def test_a_letter_before_a_slash_and_a_unit_is_a_name(lines: Write) -> None:
    """A/microamps beside B/microamps and C/microamps: device A was left out as a ratio."""
    rows = [f"{v},{v + 1},{v + 2},{v + 3}" for v in (0, 0.5, 1, 0.5, 0, -0.5, -1, -0.5, 0)]
    path = lines("Voltage/V,A/microamps,B/microamps,C/microamps", *rows)
    table = devicekit.read(path, kind="sweep", columns_are="devices")
    assert sorted(table.frame["device_id"].unique()) == ["A", "B", "C"]
    assert table.frame.groupby("device_id")["current_a"].max().tolist() == pytest.approx([2e-6, 3e-6, 4e-6])


def test_a_letter_before_a_slash_is_a_name_where_the_quotient_is_not_a_known_unit(lines: Write) -> None:
    """A/kohm was read as a unit, so that device A was left out."""
    rows = [
        f"{level},{n},{size},{size + n},{size + 2 * n}" for level, size in (("HRS", 900), ("LRS", 5)) for n in (1, 2)
    ]
    table = devicekit.read(lines("State,Cycle,A/kohm,B/kohm,C/kohm", *rows), columns_are="devices")
    assert table.frame.groupby("device_id")["conductance_s"].min().tolist() == pytest.approx(
        [1 / 900e3, 1 / 902e3, 1 / 904e3]
    )


@pytest.mark.parametrize(
    ("name", "volts"),
    [
        ("I@50mV (A)", 0.05),
        ("I@0.1V (A)", 0.1),
        ("I at 200 mV (A)", 0.2),
        ("I at 0,2 V (A)", 0.2),
        ("I (A) V_read=25mV", 0.025),
        ("I@-50mV (A)", -0.05),
        ("I (A)", None),
    ],
)
def test_a_read_voltage_in_a_name_is_in_its_unit(name: str, volts: float | None) -> None:
    found = scale._voltage_in_name(name)
    assert found == (volts if volts is None else pytest.approx(volts, rel=1e-12))


@pytest.mark.parametrize(("name", "volts"), [("I@50mV (A)", 0.05), ("I@0.2V (A)", 0.2), ("I at 100 mV (nA)", 0.1)])
def test_conductances_are_currents_over_the_voltage_that_the_column_states(
    name: str, volts: float, write: Callable[..., Path]
) -> None:
    unit = 1e-9 if "(nA)" in name else 1.0
    frame = read(write(train(name, UP * volts / unit))).frame
    assert frame["conductance_s"].to_numpy() == pytest.approx(UP, rel=1e-9)


@pytest.mark.parametrize(
    ("above", "volts"),
    [
        ("read voltage,100 mV\n", 0.1),
        ("read voltage,0.1 V\n", 0.1),
        ("read voltage (mV),250\n", 0.25),
        ("Vread (V),2e-1\n", 0.2),
    ],
)
def test_conductances_are_currents_over_the_voltage_of_a_line_above(
    above: str, volts: float, write: Callable[..., Path]
) -> None:
    frame = read(write(train("I (uA)", UP * volts * 1e6, above))).frame
    assert frame["conductance_s"].to_numpy() == pytest.approx(UP, rel=1e-9)


@pytest.mark.parametrize(
    ("name", "value", "volts"),
    [
        ("read voltage", "100 mV", 0.1),
        ("read voltage", "0.1", None),
        ("read voltage (mV)", "100", 0.1),
        ("Vread (mV)", "0.3 V", 0.3),
        ("sense level (V)", "5e-2", 0.05),
        ("read voltage", "100 ms", None),
        ("set voltage (V)", "2", None),
    ],
)
def test_a_line_above_a_table_gives_the_read_voltage_in_its_unit(name: str, value: str, volts: float | None) -> None:
    found = scale._voltage_in_line(name, value)
    assert found == (volts if volts is None else pytest.approx(volts, rel=1e-12))


def test_an_option_that_contradicts_the_name_is_refused(write: Callable[..., Path]) -> None:
    path = write(train("I@50mV (A)", UP * 0.05))
    with pytest.raises(UsageError, match=r"read_voltage=0\.5 .* 0\.05 V"):
        read(path, read_voltage=0.5)
    assert read(path, read_voltage=0.05).frame["conductance_s"].to_numpy() == pytest.approx(UP, rel=1e-9)
