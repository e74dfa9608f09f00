"""Cards that come from elsewhere: what is refused, what a later version may have written."""

from __future__ import annotations

import copy
import json
import os
import pickle
import time
from pathlib import Path
from typing import Any

import pytest

from devicekit.core.errors import CardError, CodedWarning
from devicekit.device.card import DeviceCard, load_card
from devicekit.system import catalog


@pytest.fixture
def text() -> str:
    return (catalog.get("pt-hfo2-al2o3-ti").folder / "card.json").read_text()


@pytest.mark.parametrize(
    ("covariance", "possible"),
    [
        ([[0.04, 0.02], [0.02, 0.01]], True),  # a correlation of 1
        ([[0.04, -0.02], [-0.02, 0.01]], True),
        ([[0.0, 0.0], [0.0, 0.0]], True),
        ([[0.04, 0.0200001], [0.0200001, 0.01]], False),
        ([[-0.04, 0.0], [0.0, 0.01]], False),
        ([[0.04, 0.01], [0.02, 0.01]], False),
        ([[0.0, 0.01], [0.01, 0.04]], False),
    ],
)
def test_a_covariance_is_one(text: str, covariance: list[list[float]], possible: bool) -> None:
    stored = json.loads(text)
    stored["variation"]["d2d_ln_rate_covariance"] = covariance
    if possible:
        DeviceCard.from_json(json.dumps(stored), "c.json")
        return
    with pytest.raises(CardError, match="d2d_ln_rate_covariance"):
        DeviceCard.from_json(json.dumps(stored), "c.json")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"name":', '"model": "eq2", "name":', "the key 'model' stands there twice"),
        ('"low":', '"low": 1e-5, "low":', "the key 'low' stands there twice"),
        ('"low":', '"low": NaN, "was":', "NaN is not allowed"),
        ('"low":', '"low": -Infinity, "was":', "-Infinity is not allowed"),
        ('"low":', '"low": 1e400, "was":', "1e400 is not allowed"),
        ('"low":', '"low": "1", "was":', "window.low"),
        ('"name":', '"extra": ' + "[" * 50_000 + ', "name":', "nested too deep"),
        ('"schema_version": 3', '"schema_version": ' + "2" * 5000, "too many digits"),
        ('"schema_version": 3', '"schema_version": 2.0', "schema_version"),
    ],
)
def test_tampered_cards_are_refused(text: str, old: str, new: str, words: str) -> None:
    assert old in text
    began = time.perf_counter()
    with pytest.raises(CardError, match=words) as caught:
        DeviceCard.from_json(text.replace(old, new, 1), "c.json")
    assert time.perf_counter() - began < 10
    assert str(caught.value).startswith("c.json")


def test_a_warning_of_a_later_version_is_kept(text: str, tmp_path: Path) -> None:
    raw = json.loads(text)
    raw["warnings"] = [{"code": "quantum", "message": "of a later version"}, *raw["warnings"]]
    path = tmp_path / "card.json"
    path.write_text(json.dumps(raw))
    card = load_card(path)
    assert str(card.warnings[0]).startswith("[quantum]")
    assert card.warnings[0].as_dict() == raw["warnings"][0]
    assert json.loads(card.to_json()) == raw
    assert "quantum" in card._repr_html_()
    assert pickle.loads(pickle.dumps(card)) == copy.deepcopy(card) == card
    with pytest.raises(ValueError, match="unknown warning code"):
        CodedWarning("quantum", "ours must be known")
    with pytest.raises(ValueError, match="unknown warning code"):
        DeviceCard(**{**dict(card), "warnings": (CodedWarning("quantum", ""),)})


@pytest.mark.parametrize(
    "remark", [{"code": 1, "message": "x"}, {"code": "x"}, {"code": "x", "message": "y", "z": 1}, 1]
)
def test_a_malformed_warning_is_refused(text: str, remark: Any) -> None:
    raw = json.loads(text)
    raw["warnings"] = [remark]
    with pytest.raises(CardError, match=r"warnings\.0"):
        DeviceCard.from_json(json.dumps(raw))


@pytest.mark.skipif(os.name != "posix", reason="pipes, sockets and devices of POSIX systems")
def test_paths_that_are_not_a_card(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "huge.json").open("wb") as stream:
        stream.truncate(200 << 20)
    (tmp_path / "latin.json").write_bytes(b'"\xff"')
    began = time.perf_counter()
    for name, words in {
        "pipe": "is a pipe",
        "huge.json": "has 200 MiB",
        "latin.json": "not UTF-8",
        ".": "is a folder",
        "gone.json": "does not exist",
        "x" * 5000: "File name too long",
    }.items():
        with pytest.raises(CardError, match=words):
            load_card(tmp_path / name)
    assert time.perf_counter() - began < 10
