"""A record: strict JSON with head and content; equal content has the same id, changed content is detected."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

import devicekit
from devicekit.core.errors import FileError
from devicekit.core.scalars import Scalar
from devicekit.device.card import DeviceCard
from devicekit.library import Frame, Place, Record
from devicekit.library import record as module
from devicekit.library.head import Number


def test_a_record_of_a_card_is_read_back_as_it_was(record: Callable[..., Record]) -> None:
    made = record("a", {"wafer": "W1", "row": 2, "stack": "HfO2"})
    again = Record.from_json(made.to_json())
    assert again == made
    assert (again.kind, again.law, again.name, again.synthetic) == ("card", "eq2", "a", True)
    assert again.place == Place(wafer="W1", row=2)
    assert again.labels == {"stack": "HfO2"}
    assert again.origins == dict.fromkeys(("wafer", "row", "stack"), "hand")
    on_off = again.scalar("on_off")
    assert on_off is not None
    assert on_off.value == pytest.approx(4.0)


@pytest.mark.usefixtures("without_mechanism")
def test_a_record_keeps_every_sweep(sweeps: Callable[..., Path]) -> None:
    found = devicekit.characterize(sweeps("s.csv", {"d1": [0.3, 0.4, 0.6]}))
    made = Record.of_result(found, "s", "ab" * 32)
    again = Record.from_json(made.to_json())
    assert again == made
    assert again.kind == "sweep"
    frame = again.tables()["cycles"]
    expected = found.tables["cycles"]
    assert list(frame.numbers("v_set_v")) == pytest.approx(list(expected["v_set_v"]), nan_ok=True)
    assert list(frame.to_pandas().columns) == list(expected.columns)
    assert frame.columns["cycle"] == (1, 2, 3)
    v_set = again.scalar("v_set_v")
    assert v_set is not None
    assert v_set.value == pytest.approx(0.4, abs=0.011)
    assert v_set.by == "half_ln_g, read at 0.1 V"


def test_the_same_content_has_the_same_id_whatever_it_is_called(card: Callable[..., DeviceCard]) -> None:
    one, two = Record.of_card(card("a")), Record.of_card(card("a"), name="other", simulated=True)
    assert one.id == two.id
    assert Record.of_card(card("a", increment=0.0041)).id != one.id


def test_odd_names_of_a_card_and_its_source_are_made_plain(card: Callable[..., DeviceCard]) -> None:
    made = card(" a\x1b[31m\n" + "x" * 300)
    source = made.provenance.model_copy(update={"source": "run\x07.csv"})
    record = Record.of_card(made.model_copy(update={"provenance": source}))
    assert record.name == ("a?[31m?" + "x" * 300)[:200]
    assert record.source.file == "run?.csv"
    assert Record.from_json(record.to_json()) == record


def test_labels_may_be_edited_but_not_the_content(record: Callable[..., Record]) -> None:
    raw = json.loads(record("a", {"stack": "HfO2"}).to_json())
    renamed = raw | {"name": "better", "labels": {"stack": "TaOx"}}
    assert Record.from_json(json.dumps(renamed)).labels == {"stack": "TaOx"}
    raw["card"]["window"]["high"] *= 1.001
    with pytest.raises(FileError, match="checksum"):
        Record.from_json(json.dumps(raw))


def test_a_card_of_an_earlier_version_within_a_record_is_still_read(
    record: Callable[..., Record], raw_card: dict[str, Any]
) -> None:
    raw = json.loads(record("a").to_json())
    old = raw["card"] | {"schema_version": 1, "flags": raw["card"]["warnings"]}
    del old["warnings"]
    raw["card"] = old
    raw["id"] = module.identity("card", raw["source"]["sha256"], {"card": old})
    assert Record.from_json(json.dumps(raw)).card.schema_version == 3  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "red"}, "colour"),
        ({"schema_version": 2}, "Upgrade"),
        ({"schema_version": "1"}, "schema_version"),
        ({"id": "xyz"}, "id"),
        ({"added": "2026-03-05T12:00:00"}, "zone"),
        ({"kind": "sweep"}, "never both"),
        ({"name": "a\nb"}, "one line"),
        ({"name": ""}, "not empty"),
        ({"labels": {"row": "3"}}, "label name"),
        ({"place": {"row": -1}}, "row"),
        ({"place": {"row": True}}, "row"),
        ({"scalars": [{"name": "a", "label": "a", "value": 1.0}] * 2}, "unique names"),
        ({"area_m2": 0.0}, "area_m2"),
        ({"result": None, "card": None}, "never both"),
    ],
)
def test_what_is_wrong_with_a_record_is_named(
    change: dict[str, Any], message: str, record: Callable[..., Record]
) -> None:
    raw = json.loads(record("a").to_json()) | change
    with pytest.raises(FileError) as error:
        Record.from_json(json.dumps(raw), "lab/a.json")
    assert message in str(error.value)
    assert "lab/a.json" in str(error.value)


def test_a_card_is_not_a_record_and_the_message_names_the_command(card: Callable[..., DeviceCard]) -> None:
    with pytest.raises(FileError, match=r"device card.*devicekit library add"):
        Record.from_json(card("a").to_json())


def test_cells_of_a_frame() -> None:
    frame = pd.DataFrame({"x": [1.5, math.nan, math.inf], "n": [1, 2, 3], "word": ["a", None, "c"]})
    made = Frame.of(frame.assign(flag=[True, False, True]))
    assert made.columns == {
        "x": (1.5, None, None),
        "n": (1, 2, 3),
        "word": ("a", None, "c"),
        "flag": (True, False, True),
    }
    assert made.rows == 3
    assert Frame.of(pd.DataFrame({"x": []})).rows == 0
    with pytest.raises(ValidationError, match="equal length"):
        Frame(columns={"a": (1,), "b": ()})


def test_too_many_rows_are_refused_and_the_most_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 5)
    assert Frame.of(pd.DataFrame({"x": range(5)})).rows == 5
    with pytest.raises(FileError, match=r"cycles has 6 rows.* 5\."):
        Frame.of(pd.DataFrame({"x": range(6)}), "cycles")


def test_a_number_is_a_scalar() -> None:
    scalar = Scalar("v_set_v", "V_set", 0.6, "V", low=0.5, high=0.7, by="half_ln_g")
    assert Number.of_scalar(scalar).scalar == scalar
    unknown = Number.of_scalar(Scalar("x", "x", math.nan))
    assert unknown.value is None
    assert not unknown.scalar.known
