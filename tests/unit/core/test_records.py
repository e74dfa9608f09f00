"""Records: what follows from the declaration of a result."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from devicekit.core.errors import CodedWarning
from devicekit.core.quantities import GLOSSARY
from devicekit.core.records import Estimate, Record, cell, column, derived, frame, part, plain
from devicekit.core.scalars import Scalar
from devicekit.core.text import percent
from devicekit.report import Table


@dataclass(frozen=True, kw_only=True)
class Side(Record):
    level: float
    dwells: int


@dataclass(frozen=True, kw_only=True)
class Device(Record):
    device_id: str = column("device", card="device_id")
    read_voltage_v: float = column("read at")
    good: float = column("good", text=percent, name="good_share", card="good", doc="share of good cycles")

    @derived("bad", name="bad_share", text=percent)
    def bad(self) -> float:
        """Share of the other cycles."""
        return 1 - self.good

    tau: Estimate | None = column("tau", name="tau_s", unit="s", card="tau_s", interval="tau_interval", default=None)
    low: Side | None = column(inline=True, prefix="low_", default=None)
    raw: np.ndarray | None = column(json=False, row=False, default=None)
    note: str = column(optional=True, row=False, default="")


@dataclass(frozen=True, eq=False, kw_only=True)
class Result(Record):
    devices: tuple[Device, ...] = column(table="devices", card="devices")
    decades: pd.DataFrame = column(table="decades")
    warnings: tuple[CodedWarning, ...] = ()


ONE = Device(
    device_id="d1",
    read_voltage_v=0.1,
    good=0.75,
    tau=Estimate(2e-3, 1e-3, None),
    low=Side(level=math.nan, dwells=3),
    raw=np.arange(3),
)


def test_json_has_the_names_that_were_declared_and_no_number_that_is_not_finite() -> None:
    assert ONE.as_dict() == {
        "device_id": "d1",
        "read_voltage_v": 0.1,
        "good_share": 0.75,
        "bad_share": 0.25,
        "tau_s": {"value": 2e-3, "low": 1e-3, "high": None},
        "low_level": None,
        "low_dwells": 3,
    }
    assert json.dumps(ONE.as_dict(), allow_nan=False)


def test_an_optional_field_stands_in_the_json_if_it_says_something() -> None:
    noted = Device(device_id="d", read_voltage_v=1.0, good=1.0, note="broken")
    assert noted.as_dict()["note"] == "broken"
    assert "note" not in ONE.as_dict()


def test_a_row_is_flat_and_the_ends_of_an_interval_keep_the_unit_of_the_name() -> None:
    row = ONE.row()
    assert list(row) == [
        *("device_id", "read_voltage_v", "good_share", "bad_share", "tau_s", "tau_low_s", "tau_high_s"),
        *("low_level", "low_dwells"),
    ]
    assert row["tau_high_s"] is None
    assert frame([ONE, ONE]).shape == (2, 9)


def test_the_table_of_a_page_has_the_fields_with_a_label() -> None:
    table = Table.of([ONE] * 3, "Devices", most=2)
    assert table.header == ("device", "read at", "good", "bad", "tau")
    assert table.rows == [("d1", "0.1 V", "75.0 %", "25.0 %", "2 ms")] * 2
    assert table.caption == "Devices (the first 2 of 3; the CSV files have all)."
    assert Table.of([], "Nothing").rows == []


def test_a_card_block_has_the_fields_that_were_declared_for_it() -> None:
    assert ONE.block() == {"device_id": "d1", "good": 0.75, "tau_s": 2e-3, "tau_interval": None}
    whole = Result(devices=(ONE,), decades=pd.DataFrame({"n": [1]}))
    assert whole.block() == {"devices": (ONE.block(),)}


def test_the_files_of_a_result_are_its_tables() -> None:
    whole = Result(devices=(ONE,), decades=pd.DataFrame({"n": [1]}))
    assert list(whole.tables()) == ["devices", "decades"]
    assert list(Result(devices=(), decades=pd.DataFrame({"n": [1]})).tables()) == ["decades"]
    assert whole.as_dict()["decades"] == [{"n": 1}]
    assert whole.as_dict()["devices"][0]["device_id"] == "d1"


def test_a_warning_in_a_record_keeps_its_code() -> None:
    whole = Result(devices=(), decades=pd.DataFrame(), warnings=(CodedWarning("dropped", "two readings"),))
    assert whole.as_dict()["warnings"] == [{"code": "dropped", "message": "two readings"}]


def test_a_field_without_a_declaration_takes_it_from_the_glossary() -> None:
    of_voltage = next(each for each in Device.columns() if each.field == "read_voltage_v")
    known = GLOSSARY["read_voltage_v"]
    assert (of_voltage.quantity.unit, of_voltage.quantity.description) == (known.unit, known.description)
    assert next(each for each in Device.columns() if each.field == "bad").quantity.description


def test_a_misspelt_attribute_of_a_column_is_refused_where_it_is_written() -> None:
    with pytest.raises(TypeError, match="a column has no untit"):
        column("width", untit="s")
    with pytest.raises(TypeError, match="jsn"):
        derived("width", jsn=False)(lambda record: 1)


def test_fields_are_given_by_name() -> None:
    with pytest.raises(TypeError):
        Side(1.0, 2)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("value", "ready"),
    [
        (np.float64(1.5), 1.5),
        (np.bool_(True), True),
        (np.array([1.0, math.inf]), [1.0, None]),
        ({1: (2, 3)}, {"1": [2, 3]}),
        (Estimate(1.0), {"value": 1.0, "low": None, "high": None}),
        ("text", "text"),
        (None, None),
    ],
)
def test_any_value_as_strict_json(value: object, ready: object) -> None:
    assert plain(value) == ready


@pytest.mark.parametrize(("ends", "closed"), [((1.0, 2.0), True), ((None, 2.0), False), ((None, None), False)])
def test_an_interval_is_closed_if_both_ends_are_known(ends: tuple[float | None, float | None], closed: bool) -> None:
    found = Estimate(1.5, *ends)
    assert found.closed is closed
    assert found.ends == (ends if closed else None)


@dataclass(frozen=True, kw_only=True)
class Nested(Record):
    side: Side | None = column(json=False, row=False)
    tau: Estimate | None = column(name="tau_s", flat=True, stem="time")
    level = part("side.level", "level", doc="level of the side")
    more: dict[str, Estimate] = column(json=False, inline=True)

    @cell("both", after="tau")
    def both(self) -> str:
        return f"{self.level}, {self.tau and self.tau.value}"


def test_a_part_and_a_cell_are_derived_from_nested_results() -> None:
    one = Nested(side=Side(level=2.0, dwells=1), tau=Estimate(1.0, 0.5, None), more={"beta_s": Estimate(0.5)})
    none = Nested(side=None, tau=None, more={})
    assert one.as_dict() == {"tau_s": 1.0, "time_low_s": 0.5, "time_high_s": None, "level": 2.0}
    assert none.as_dict() == {"tau_s": None, "time_low_s": None, "time_high_s": None, "level": None}
    assert list(one.row()) == ["tau_s", "time_low_s", "time_high_s", "level", "beta_s", "beta_low_s", "beta_high_s"]
    assert list(none.row()) == ["tau_s", "time_low_s", "time_high_s", "level"]
    assert (Nested.head(), one.cells()) == (("both", "level"), ("2.0, 1.0", "2"))


@dataclass(frozen=True, kw_only=True)
class Fit(Record):
    rho: Estimate | None = column(flat=True, stem="", default=None)
    sd: Estimate | None = column(pair="sd_range", default=None)
    n: int = column("values", default=3)


def test_an_interval_may_stand_beside_its_number() -> None:
    found = Fit(rho=Estimate(0.5, 0.25, None), sd=Estimate(2.0, 1.0, 3.0))
    assert found.as_dict() == {"rho": 0.5, "low": 0.25, "high": None, "sd": 2.0, "sd_range": [1.0, 3.0], "n": 3}
    assert Fit().as_dict() == {"rho": None, "low": None, "high": None, "sd": None, "sd_range": None, "n": 3}


def test_an_estimate_that_is_missing_keeps_its_three_columns() -> None:
    assert list(Fit().row()) == [*("rho", "low", "high", "sd", "sd_low", "sd_high", "n")]
    assert math.isnan(Fit().row()["rho"])


def test_one_record_is_a_table_of_pairs() -> None:
    assert Table.pairs(Fit(), "Fit.").rows == [("values", "3")]


@dataclass(frozen=True, kw_only=True)
class Counted(Record):
    rate: float = column("rate", unit="V/s", title="speed")
    calls: list[int] = column(json=False, default_factory=list)

    @derived("twice", once=True)
    def twice(self) -> float:
        self.calls.append(1)
        return 2 * self.rate


def test_a_list_of_names_and_values_takes_titles_and_a_chosen_order() -> None:
    one = Counted(rate=0.5)
    assert [name for name, _ in one.pairs()] == ["speed", "twice"]
    assert one.pairs("twice", "rate") == [("twice", one.cells()[1]), ("speed", one.cells()[0])]


def test_a_derived_number_is_computed_once() -> None:
    one = Counted(rate=0.5)
    assert [one.twice, one.as_dict()["twice"], Counted(rate=1.0).twice] == [1.0, 1.0, 2.0]
    assert one.calls == [1]


def test_a_scalar_of_a_record() -> None:
    assert Scalar.from_record(Counted(rate=0.5), "rate") == Scalar("rate", "speed", 0.5, "V/s")
    assert Scalar.from_record(Nested(side=None, tau=Estimate(2.0, 1.0, 3.0), more={}), "tau", "tau") == Scalar(
        "tau_s", "tau", 2.0, low=1.0, high=3.0
    )


def test_a_function_of_an_estimate_keeps_its_open_end() -> None:
    assert Estimate(1.0, 0.0, None, level=0.9).map(math.exp) == Estimate(math.e, 1.0, None, level=0.9)


def test_an_interval_may_lie_about_a_number() -> None:
    assert Estimate.symmetric(2.0, 0.5) == Estimate(2.0, 1.5, 2.5)


@dataclass(frozen=True, kw_only=True)
class Named(Record):
    kernels: tuple[str, ...] = column("kernels")
    note: str | None = column(optional=True, default=None)


def test_words_are_a_list_in_json_and_one_text_in_a_row_and_a_table() -> None:
    one, none = Named(kernels=("power", "double")), Named(kernels=())
    assert one.as_dict() == {"kernels": ["power", "double"]}
    assert (one.row(), none.row()) == ({"kernels": "power double"}, {"kernels": ""})
    assert (one.cells(), none.cells()) == (("power, double",), ("–",))
