"""Checks after reading: each finds what it should, and is silent on sound data."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

import devicekit

from .small_files import Write  # type: ignore[import-not-found]

CODES = {"repeated_data", "against_name", "single_readings", "row_devices", "limit_without_jump", "suspect_unit"}
LOOP = np.concatenate([np.linspace(0, 1, 30), np.linspace(1, -1, 60), np.linspace(-1, 0, 30)])


def found(path: Path, **options: object) -> dict[str, str]:
    table = devicekit.read(path, accept=True, **options)  # type: ignore[arg-type]
    return {each.code: each.message for each in table.warnings if each.code in CODES}


def sweeps(lines: Write, currents: Mapping[int, np.ndarray], v: np.ndarray = LOOP) -> Path:
    rows = [f"{k},{u:.5g},{i:.6g}" for k, amps in currents.items() for u, i in zip(v, amps, strict=True)]
    return lines("cycle,V (V),I (A)", *rows)


def trains(lines: Write, cycles: Mapping[int, tuple[np.ndarray, np.ndarray]]) -> Path:
    rows = [
        f"{cycle},{name},{n},{g:.6g}"
        for cycle, pair in cycles.items()
        for name, values in zip(("ltp", "ltd"), pair, strict=True)
        for n, g in enumerate(values)
    ]
    return lines("cycle,direction,pulse,G (S)", *rows)


def noisy(seed: int, values: np.ndarray) -> np.ndarray:
    return values * (1 + 0.01 * np.random.default_rng(seed).normal(size=values.size))


UP = 1e-6 * np.linspace(1, 5, 20)
IV = 1e-5 * np.sinh(2 * LOOP)


def test_sound_data_have_no_remark(lines: Write) -> None:
    assert found(sweeps(lines, {k: noisy(k, IV) for k in (1, 2, 3)})) == {}
    assert found(trains(lines, {k: (noisy(k, UP), noisy(k + 9, UP[::-1])) for k in (1, 2, 3)})) == {}


def test_cycles_with_the_numbers_of_another_are_counted(lines: Write) -> None:
    path = sweeps(lines, {1: noisy(1, IV), 2: noisy(2, IV), 3: noisy(1, IV), 4: noisy(4, IV)})
    assert found(path)["repeated_data"].startswith("1 of 4")
    path = trains(lines, {k: (noisy(k % 2, UP), noisy(9 + k, UP[::-1])) for k in (1, 2, 3)})
    assert found(path)["repeated_data"].startswith("1 of 6 records")


def test_a_spread_over_cycles_of_exactly_0_is_reported(lines: Write) -> None:
    assert "exactly 0" in found(sweeps(lines, dict.fromkeys((1, 2, 3), IV)))["repeated_data"]
    path = lines("cycle,LRS (ohm),HRS (ohm)", *(f"{k},1000,{1e5 + k}" for k in range(1, 6)))
    assert found(path)["repeated_data"].startswith("LRS of device1")


@pytest.mark.parametrize(("factor", "reported"), [(1.0, False), (1e6, True), (1e-11, True)])
def test_conductances_of_no_device_are_reported(factor: float, reported: bool, lines: Write) -> None:
    assert ("suspect_unit" in found(sweeps(lines, {k: factor * noisy(k, IV) for k in (1, 2)}))) == reported
    path = trains(lines, {1: (factor * UP, factor * UP[::-1])})
    assert ("suspect_unit" in found(path)) == reported


def test_trains_against_their_names_are_counted(lines: Write) -> None:
    path = trains(lines, {1: (UP, UP[::-1]), 2: (1.1 * UP[::-1], 1.1 * UP), 3: (1.2 * UP[::-1], 1.2 * UP)})
    assert found(path)["against_name"].startswith("2 of 3 LTD trains rise")
    with pytest.raises(devicekit.core.errors.QuestionError, match="Is that right"):
        devicekit.read(path)


def test_names_of_states_that_are_swapped_are_asked_about_and_mended(lines: Write) -> None:
    rows = [f"{k},{5 + k / 10:g},{100 + k}" for k in range(1, 21)]
    path = lines("Cycle,HRS (kohm),LRS (kohm)", *rows)
    with pytest.raises(devicekit.core.errors.QuestionError, match=r"HRS.* 100 %") as caught:
        devicekit.read(path)
    mend = caught.value.asked.choices[1].options
    assert mend == {"names": "Cycle,LRS (kohm),HRS (kohm)"}
    table = devicekit.read(path, **mend)
    low = table.frame.loc[table.frame["level"] == "lrs", "conductance_s"]
    assert 1 / low.iloc[0] == pytest.approx(5100)
    accepted = devicekit.read(path, accept=True)
    assert "swapped_levels" in [each.code for each in accepted.warnings]


def test_a_read_voltage_that_contradicts_currents_and_resistances_is_reported(lines: Write) -> None:
    rows = [f"{k},{1e4 + k},{0.2 / (1e4 + k):.6g},{0.2 * (1 + 0.001 * (k % 3)):g}" for k in range(20)]
    names = {"resistance_ohm": "R (ohm)", "read_voltage_v": "V (V)", "time_s": "time (s)"}
    right = devicekit.read(lines("time (s),R (ohm),I (A),V (V)", *rows), kind="retention", map=names)
    assert "ohms_law" not in [each.code for each in right.warnings]
    shunt = [f"{k},{1e4 + k},{0.2 / (1e4 + k):.6g},{0.01 * (1 + 0.001 * (k % 3)):g}" for k in range(20)]
    wrong = devicekit.read(lines("time (s),R (ohm),I (A),V (V)", *shunt), kind="retention", map=names)
    (text,) = [each.message for each in wrong.warnings if each.code == "ohms_law"]
    assert "20 times" in text


def test_the_level_that_a_pulse_led_to_does_not_divide_a_train(lines: Write) -> None:
    rows = [f"{t},{n},{'off' if n == 0 else 'on'},{g}" for t in range(1, 31) for n, g in enumerate((1, 9))]
    table = devicekit.read(lines("cycle,pulse_index,State,G (uS)", *rows), kind="pulse", accept=True)
    assert table.frame.groupby("cycle").size().tolist() == [2] * 30
    assert "single_readings" not in [each.code for each in table.warnings]


@pytest.mark.parametrize(("pulses", "reported"), [(19, False), (9, True), (4, True), (39, True)])
def test_trains_that_are_divided_at_wrong_places_are_reported(
    pulses: int, reported: bool, lines: Write, tmp_path: Path
) -> None:
    up = [float(f"{g:.4g}") for k in range(2) for g in noisy(k, UP)]
    down = [float(f"{g:.4g}") for k in range(2) for g in noisy(k + 5, UP[::-1])]
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"up": up, "down": down}))
    recipe = tmp_path / "r.toml"
    keys = f'ltp = "up"\nltd = "down"\nreadings = {pulses + 1}'
    recipe.write_text(f'[recipe]\nversion = 1\nkind = "pulse"\n[read]\nquantity = "conductance"\n[json]\n{keys}\n')
    table = devicekit.read(path, recipe=recipe, accept=True)
    assert ("misdivided" in [each.code for each in table.warnings]) == reported


def test_devices_of_one_row_and_trains_of_one_reading_are_reported(lines: Write) -> None:
    path = lines("device,G (S)", *(f"d{k},{k + 1}e-6" for k in range(5)))
    assert "row_devices" in found(path, kind="pulse")
    rows = [f"{c},{way},0,{g}e-6" for c in range(1, 6) for way, g in (("ltp", c + 5), ("ltd", c))]
    path = lines("cycle,direction,pulse,G (S)", *rows)
    assert found(path)["single_readings"].startswith("10 of 10")


def test_a_current_that_reaches_its_limit_as_a_resistor_does_is_no_set(lines: Write) -> None:
    limit = 1e-3
    ohmic = np.clip(2e-3 * LOOP, -limit, limit)
    assert "limit_without_jump" in found(sweeps(lines, {k: noisy(k, ohmic).clip(-limit, limit) for k in (1, 2)}))
    up = np.arange(LOOP.size) < 30
    state = np.where(up & (LOOP < 0.7), 1e-5, 2e-3)
    jump = np.clip(state * LOOP, -limit, limit)
    assert "limit_without_jump" not in found(sweeps(lines, {k: noisy(k, jump).clip(-limit, limit) for k in (1, 2)}))


def test_the_checks_cost_little(lines: Write) -> None:
    from devicekit.readers.checks import add_checks

    table = devicekit.read(sweeps(lines, {k: noisy(k, IV) for k in range(10)}))
    frame = table.frame.loc[np.tile(np.arange(len(table)), 200)].reset_index(drop=True)
    large = type(table)(frame.assign(cycle=frame.index // LOOP.size), {}, ())
    start = time.process_time()
    add_checks(large)
    assert time.process_time() - start < 10.0
    assert "1990 of 2000 records" in large.warnings[0].message


def test_rows_that_were_not_measured_are_reported(tmp_path: Path) -> None:
    volts = [*range(0, 41), *range(40, -1, -1)]
    rows = [f"{v / 10},{1e-6 * v * v if k < 60 else 0}" for k, v in enumerate(volts)]
    path = tmp_path / "a.csv"
    path.write_text("V (V),I (A)\n" + "\n".join(rows) + "\n")
    found = [each for each in devicekit.read(path, accept=True).warnings if each.code == "exact_zeros"]
    assert len(found) == 1
    assert "21 " in found[0].message
