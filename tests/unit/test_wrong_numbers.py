"""Public doors give no wrong number and lose nothing: cases by class."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import devicekit
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
