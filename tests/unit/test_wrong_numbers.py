"""Public doors give no wrong number and lose nothing: cases by class."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import devicekit
from devicekit.device.idealise import idealise
from devicekit.readers import hdf5

# --- saving: an existing file that devicekit did not write, or that the data came from, is kept ---

_SAVING_SHIPPED = devicekit.catalog.shipped()["vcm-trains"].data


def _saving_table(folder: Path) -> Any:
    source = folder / "base.csv"
    if not source.exists():
        devicekit.read(_SAVING_SHIPPED, device="C0").to_csv(source)
    return devicekit.read(source)


_SAVING_DOORS: dict[str, Callable[..., None]] = {
    "fit": lambda folder, path, **more: devicekit.fit(_saving_table(folder)).save(path, **more),
    "card": lambda folder, path, **more: devicekit.load_card("vcm-trains").save(path, **more),
    "table": lambda folder, path, **more: _saving_table(folder).to_csv(path, **more),
    "recipe": lambda folder, path, **more: _saving_table(folder).meta["layout"].save(path, **more),
    "hdf5": lambda folder, path, **more: hdf5.save(path, tables=[_saving_table(folder)], **more),
}


@pytest.mark.parametrize("door", _SAVING_DOORS)
def test_saving_keeps_a_file_of_others(door: str, tmp_path: Path) -> None:
    save, thesis = _SAVING_DOORS[door], tmp_path / "thesis.txt"
    thesis.write_text("years of work")
    with pytest.raises(devicekit.DevicekitError, match=r"thesis\.txt.*[Cc]hoose another name"):
        save(tmp_path, thesis)
    assert thesis.read_text() == "years of work"
    save(tmp_path, thesis, overwrite=True)
    assert thesis.read_bytes() != b"years of work"
    save(tmp_path, tmp_path / "new")  # no file is there: nothing to confirm
    assert (tmp_path / "new").stat().st_size > 0


@pytest.mark.parametrize("door", ["fit", "table", "hdf5"])
def test_saving_never_replaces_the_source(door: str, tmp_path: Path) -> None:
    _saving_table(tmp_path)
    source = tmp_path / "base.csv"
    before = source.read_bytes()
    with pytest.raises(devicekit.DevicekitError, match=r"base\.csv is an input file.*overwrite=True"):
        _SAVING_DOORS[door](tmp_path, source)
    assert source.read_bytes() == before


def test_saving_replaces_a_card_of_ours(tmp_path: Path) -> None:
    card, other = devicekit.load_card("vcm-trains"), devicekit.load_card("pt-hfo2-al2o3-ti")
    card.save(tmp_path / "card.json")
    other.save(tmp_path / "card.json")
    assert devicekit.load_card(tmp_path / "card.json").name == other.name


# --- cards: what is stored beside theta is what follows from it; windows are those of a device ---

_CARDS_BAD = [
    ("ltp.coefficients.a", 0.5, r"ltp\.coefficients\.a: found 0\.5, expected 0\.0?[1-9]\d"),
    ("ltd.rate_curve.rate.3", -0.5, r"ltd\.rate_curve\.rate\.3: found -0\.5, expected -0\.0"),
    ("ltp.theta.0", -1.0, r"ltp\.rate_curve\.rate\.0: found"),
    ("window.low", -1e-5, "from 0 to 10 S, not low -1e-05"),
    ("window.high", 1e300, r"from 0 to 10 S.*high 1e\+300"),
]


@pytest.mark.parametrize(("place", "value", "words"), _CARDS_BAD)
def test_cards_with_two_answers_or_an_impossible_window_are_refused(
    place: str, value: float, words: str, tmp_path: Path
) -> None:
    raw = json.loads(devicekit.load_card("pt-hfo2-al2o3-ti").to_json())
    *path, last = [int(each) if each.isdigit() else each for each in place.split(".")]
    block = raw
    for each in path:
        block = block[each]
    block[last] = value
    (tmp_path / "card.json").write_text(json.dumps(raw))
    with pytest.raises(devicekit.DevicekitError, match=words) as caught:
        devicekit.load_card(tmp_path / "card.json")
    assert "card.json" in str(caught.value)


@pytest.mark.parametrize("made", [{"linear": True}, {"linear": True, "symmetric": True}, {"symmetric": True}])
def test_cards_made_ideal_are_loaded(made: dict[str, bool], tmp_path: Path) -> None:
    card = idealise(devicekit.load_card("pt-hfo2-al2o3-ti"), **made)
    card.save(tmp_path / "card.json")
    assert devicekit.load_card(tmp_path / "card.json") == card


def test_conductances_in_a_wrong_unit_make_no_card() -> None:
    train = [1.0, 20.0, 35.0, 45.0, 52.0, 57.0, 61.0, 64.0, 66.0, 67.0]
    with pytest.raises(devicekit.DevicekitError, match=r"reach 67 S.*unit='uS'"):
        devicekit.fit(ltp=train, ltd=train[::-1], unit="S")
