"""Names of files and columns: numbers with their units, signs, devices."""

from __future__ import annotations

import pytest

from devicekit.readers.layouts import pooling


@pytest.mark.parametrize(
    ("form", "kind", "values"),
    [
        ("dev1_{}.csv", "width", {"100ns": 1e-7, "200ns": 2e-7}),
        ("dev1_{}.csv", "width", {"5us": 5e-6, "7us": 7e-6}),
        ("dev1_{}.csv", "width", {"0.5ms": 5e-4, "2ms": 2e-3}),
        ("dev1_{}.csv", "amplitude", {"2mV": 2e-3, "3mV": 3e-3}),
        ("dev1 {}.csv", "amplitude", {"0.8V": 0.8, "-2V": -2.0}),
        ("dev1_{}.csv", "compliance", {"100uA": 1e-4, "500uA": 5e-4}),
        ("dev1_{}.csv", "temperature", {"300K": 300.0, "350K": 350.0}),
    ],
)
def test_numbers_with_a_unit_in_file_names_are_in_si_units(form: str, kind: str, values: dict[str, float]) -> None:
    parsed = pooling.parse_names([form.format(each) for each in values])
    assert parsed.unclear == ""
    assert [key.conditions[kind] for key in parsed.keys] == pytest.approx(list(values.values()), rel=1e-12)


def test_several_numbers_of_one_name_are_each_in_their_unit() -> None:
    parsed = pooling.parse_names(["r2c3_1us_900mV_cycle4.csv", "r2c11_10us_950mV_cycle12.csv"])
    first, second = parsed.keys
    assert (first.conditions, second.conditions) == (
        pytest.approx({"width": 1e-6, "amplitude": 0.9}),
        pytest.approx({"width": 1e-5, "amplitude": 0.95}),
    )
    assert (first.cycle, second.cycle) == (4, 12)
    assert first.device != second.device


def test_the_name_of_a_single_file_gives_conditions_too() -> None:
    (key,) = pooling.parse_names(["cell7 LTD 300ns -1.5V.csv"]).keys
    assert key.conditions == pytest.approx({"width": 3e-7, "amplitude": -1.5})
    assert (key.device, key.direction) == ("cell7", "ltd")


def test_a_minus_after_an_underscore_is_a_sign() -> None:
    (key,) = pooling.parse_names(["cell7_LTD_300ns_-1.5V.csv"]).keys
    assert key.conditions["amplitude"] == -1.5


def test_names_that_differ_by_a_sign_differ() -> None:
    parsed = pooling.parse_names(["dev1_2V.csv", "dev1_-2V.csv"])
    assert [key.conditions["amplitude"] for key in parsed.keys] == [2.0, -2.0]
