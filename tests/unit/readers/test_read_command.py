"""`devicekit read` over every fixture: understood and written whole, or refused with a reason."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import DATA

REFUSED = {
    "bad_cell.csv",
    "no_unit.csv",
    "wide_devices.csv",
    "wide_no_header.tsv",
    "retention_current.csv",
    "pairs.csv",
}


@pytest.mark.parametrize(
    "path",
    sorted(p for p in DATA.rglob("*") if p.is_file() and (p.parent.name, p.suffix) != ("makes", ".json")),
    ids=lambda p: f"{p.parent.name}-{p.name}",
)
def test_every_fixture(path: Path, tmp_path: Path, devicekit: Callable[..., Any]) -> None:
    more = ["--accept"] if path.name == "sweep.csv" and path.parent.name == "long" else []
    ran = devicekit("read", path, *more, "--out", tmp_path / "table.csv", "--json")
    if path.name in REFUSED:
        assert ran.code == 2
        assert ran.json["error"]["message"]
        asked = path.name != "bad_cell.csv"
        assert bool(ran.json["error"]["question"]) == asked
        return
    assert ran.code == 0, ran.out
    facts = json.loads(ran.out)
    with (tmp_path / "table.csv").open() as stream:
        rows = list(csv.reader(stream))
    assert len(rows) == facts["rows"] + 1
    assert rows[0] == list(facts["columns"])
    assert all(len(row) == len(rows[0]) for row in rows)
    spoken = devicekit("read", path, *more)
    assert spoken.code == 0
    assert f"format {facts['format']}" in spoken.out
    for warning in facts["warnings"]:
        assert warning["message"] in spoken.err or "more; --json lists all" in spoken.err


def test_records_are_listed(fixtures: Path, devicekit: Callable[..., Any]) -> None:
    ran = devicekit("read", fixtures / "easyexpert" / "header_crlf.csv")
    (record,) = [line for line in ran.out.splitlines() if "record 3:" in line]
    for part in ("Set, reset DC", "D7", "03/09/2025 10:00:10", "9 rows"):
        assert part in record
    assert "encoding utf-8" in ran.out
    assert "R [ohm]" in ran.out


@pytest.mark.parametrize("option", [("--unit", "uS"), ("--quantity", "current")])
def test_units_are_refused_for_an_instrument_file(
    devicekit: Callable[..., Any], fixtures: Path, option: tuple[str, str]
) -> None:
    for folder in ("easyexpert", "smu", "arcone", "wgfmu"):
        for path in sorted((fixtures / folder).iterdir())[:2]:
            ran = devicekit("read", path, *option)
            assert ran.code == 2, path
            assert "--unit" in ran.err
            assert "--quantity" in ran.err
