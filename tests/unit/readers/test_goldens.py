"""`devicekit recipe`: recipes with goldens, kept, tested again, scrambled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import devicekit
from devicekit.core.errors import QuestionError

Command = Callable[..., Any]
HEAD = "Operator: N. N.\nU (V);Bias current;t;Run\n"
ROWS = "0,00;1,0e-3;0;1\n0,50;2,5e-3;0,1;1\n1,00;8,0e-3;0,2;1\n0,50;4,0e-3;0,3;1\n0,00;1,5e-3;0,4;1\n"
TYPED = ("--map", "current_a=Bias current", "--unit", "mA", "--map", "cycle=Run")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of the user's recipes, which does not exist yet."""
    monkeypatch.setenv("DEVICEKIT_RECIPES", str(tmp_path / "own"))
    return tmp_path / "own"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """File of a make whose current is in mA, as its names do not say."""
    path = tmp_path / "sweep.csv"
    path.write_text(HEAD + ROWS)
    return path


def test_a_recipe_is_kept_listed_shown_found_and_tested(devicekit: Command, own: Path, file: Path) -> None:
    made = devicekit("recipe", "add", "our-station", file, *TYPED, "--about", 'the "old" station', "--json")
    assert made.code == 0, made.err
    assert made.json["rows"] == 5
    listed = devicekit("recipe", "list", "--json").json
    assert listed["recipes"][0] == {"name": "our-station", "own": True, "about": 'the "old" station', "found": True}
    assert sum(not each["own"] for each in listed["recipes"]) >= 6
    assert "our-station (own)" in devicekit("recipe", "list").out
    assert 'preamble = ["Operator"]' in devicekit("recipe", "show", "our-station").out
    read = devicekit("read", file, "--json").json
    assert "recipe" in [each["code"] for each in read["warnings"]]
    assert devicekit("recipe", "test", "--json").json == {"tested": 1, "without_golden": [], "differ": {}}
    again = devicekit("recipe", "add", "our-station", file)
    assert (again.code, "our-station" in again.err) == (2, True)


def test_a_recipe_that_was_changed_differs_from_its_golden(devicekit: Command, own: Path, file: Path) -> None:
    assert devicekit("recipe", "add", "our-station", file, *TYPED).code == 0
    path = own / "our-station.toml"
    path.write_text(path.read_text().replace('unit = "mA"', 'unit = "uA"'))
    ran = devicekit("recipe", "test", "our-station", "--json")
    assert ran.code == 2
    assert ran.json["differ"] == {"our-station": ["current_a: 1e-09 to 8e-09, not 1e-06 to 8e-06"]}
    path.write_text(path.read_text().replace("Operator", "Owner"))
    assert devicekit("recipe", "test").code == 2
    assert devicekit("recipe", "test", "other").code == 2


def test_a_scrambled_sample_keeps_names_zeros_and_order(devicekit: Command, own: Path, file: Path) -> None:
    ran = devicekit("recipe", "add", "given", file, *TYPED, "--scramble", "--json")
    sample = Path(ran.json["sample"]).read_text()
    assert sample.startswith(HEAD)
    before, after = ([line.split(";") for line in text.splitlines()] for text in (ROWS, sample.removeprefix(HEAD)))
    assert [row[3] for row in after] == ["1"] * 5
    for k in (0, 1):
        numbers = [
            (float(a[k].replace(",", ".")), float(b[k].replace(",", "."))) for a, b in zip(before, after, strict=True)
        ]
        ratios = [b / a for a, b in numbers if a]
        assert all(0.5 < each < 2.0 and each == pytest.approx(ratios[-1], rel=0.1) for each in ratios)
        assert all(b == 0 for a, b in numbers if a == 0)
    assert [row[:3] for row in after] != [row[:3] for row in before]
    assert devicekit("recipe", "test").code == 0


def test_names_that_are_none_and_files_that_need_no_recipe_are_refused(
    devicekit: Command, own: Path, file: Path, tmp_path: Path
) -> None:
    assert devicekit("recipe", "add", "../up", file, *TYPED).code == 2
    assert devicekit("recipe", "add", "none", file, *TYPED).code == 2
    assert devicekit("recipe", "add", "ok", file).code == 2  # a question
    assert not own.exists() or not list(own.rglob("*.*"))
    book = tmp_path / "book.json"
    book.write_text('{"voltage_v": [0, 1, 2, 1, 0], "current_a": [0, 1e-3, 4e-3, 2e-3, 0]}')
    assert devicekit("recipe", "add", "book", book, "--scramble").code == 2
    assert not list(own.rglob("*.*"))


def test_a_file_without_names_has_a_golden(own: Path, tmp_path: Path) -> None:
    from devicekit.readers import goldens
    from devicekit.system.options import ReadOptions

    path = tmp_path / "plain.txt"
    path.write_text("".join(f"{v}\t{1e-6 * v * v + 1e-9:.3e}\n" for v in (0.0, 0.1, 0.2, 0.3, 0.2, 0.1, 0.0)))
    options = ReadOptions(columns={"voltage_v": "column 1", "current_a": "column 2"})
    made, golden = goldens.add("plain", path, options, scramble=True)
    assert (golden.rows, golden.kind) == (7, "sweep")
    assert goldens.check(made, own / "goldens") == []
    with pytest.raises(QuestionError) as asked:  # offered, not applied
        devicekit.read(path)
    assert "plain" in [each.options.get("recipe") for each in asked.value.question.choices]
