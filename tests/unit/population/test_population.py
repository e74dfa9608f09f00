"""A folder of many cells: one question, a page, tables, the same bytes for any number of processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from devicekit.core.errors import QuestionError
from devicekit.library import Library
from devicekit.synthetic.wafers import WaferTruth, write_wafers
from devicekit.system import writing
from devicekit.system.options import ReadOptions
from devicekit.verbs.population import PopulationRequest, run_population

SMALL = WaferTruth(wafers=2, dies=2, cells=3, cycles=4, points=30, dead=0.1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SYNTHETIC folder, with an empty file, one without numbers and one of another form of name."""
    made = tmp_path_factory.mktemp("lab") / "lot"
    write_wafers(made, SMALL, 3)
    (made / "W1_D1_C1_set_099_100uA.csv").write_text("")
    (made / "W1_D1_C1_reset_100_10000uA.csv").write_text("V (V),I (A)\nnothing here\n")
    (made / "copy of monday.csv").write_text("V (V),I (A)\n0,0\n1,1e-6\n")
    return made


def request(folder: Path, out: Path, **more: object) -> PopulationRequest:
    return PopulationRequest(folders=(folder,), out=out, jobs=1, reading=ReadOptions(accept=True), **more)  # type: ignore[arg-type]


def test_what_the_names_say_is_asked_once_with_a_table_of_the_fields(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(QuestionError) as caught:
        run_population(PopulationRequest(folders=(folder,), out=tmp_path))
    question = caught.value.asked
    assert question.choices[0].options == {"accept": True}
    assert "names: W{wafer}_D{die}_C{cell}_{step}_{run}_{compliance}" in question.evidence
    assert "cells: 12" in question.evidence


def test_a_folder_gives_yields_components_and_lists_what_is_left_out(folder: Path, tmp_path: Path) -> None:
    found = run_population(request(folder, tmp_path)).result
    assert found.n_cells == 12
    assert found.marks == ("synthetic",)
    reasons = {each.file: each.reason for each in found.left_out}
    assert set(reasons) == {"W1_D1_C1_set_099_100uA.csv", "W1_D1_C1_reset_100_10000uA.csv", "copy of monday.csv"}
    assert {each.step for each in found.yields} == {"form", "set", "reset"}
    assert {each.level for each in found.components if each.quantity == "v_set_v"} == {"wafer", "die", "cell", "cycle"}
    assert min(each.sd.value for each in found.components) >= 0.0
    median = found.distribution("v_set_v")
    assert median is not None
    assert median.median.value == pytest.approx(2.0, abs=0.35)


@pytest.mark.slow
def test_the_page_and_tables_are_the_same_for_one_and_two_processes_and_after_an_earlier_run(
    folder: Path, tmp_path: Path
) -> None:
    def files(jobs: int, out: str) -> dict[str, bytes]:
        made = PopulationRequest(folders=(folder,), out=tmp_path / out, jobs=jobs, reading=ReadOptions(accept=True))
        outcome = run_population(made)
        outcome.write(tmp_path / out)
        outcome.page("devicekit population").save(tmp_path / out / "report.html")
        return {path.name: path.read_bytes() for path in (tmp_path / out).iterdir()}

    first = files(1, "a")
    assert first == files(2, "b")
    assert first == files(1, "a")  # from what the first has measured
    part = json.loads((tmp_path / "b" / "measured.json").read_text())
    (tmp_path / "b" / "measured.json").write_text(json.dumps(dict(list(part.items())[: len(part) // 2])))
    with writing.one_command():
        writing.allow_replacing()  # what was changed
        assert first == files(2, "b")  # half of it is measured again


@pytest.mark.slow
def test_two_wafers_of_two_dies_are_compared_with_the_dies_as_units(folder: Path, tmp_path: Path) -> None:
    found = run_population(request(folder, tmp_path, split="wafer")).result
    own = next(each for each in found.comparisons if each.quantity == "v_set_v")
    assert own.unit_of_test == "dies"
    assert own.degrees == 2
    assert own.p_permutation > 0.3  # of six ways to choose two of four dies
    alone = run_population(request(folder, tmp_path)).result
    assert len(found.unknown) == len(alone.unknown) + 1  # each population is one wafer


@pytest.mark.slow
def test_a_library_takes_a_folder_as_a_record_of_each_cell_and_one_of_all(folder: Path, tmp_path: Path) -> None:
    added = Library(tmp_path / "library").add_file(folder, accept=True)
    assert len(added) == 13


@pytest.mark.slow
def test_measured_forming_set_and_reset_agree_with_the_words_of_the_operator(measured: Path, tmp_path: Path) -> None:
    found = run_population(request(measured / "form_set_reset", tmp_path)).result
    assert found.files == 492
    assert found.notes is not None
    assert found.notes.near >= 0.85 * found.notes.volts > 100
    assert found.notes.failures_found >= 0.85 * found.notes.failures > 100
    assert found.notes.false_alarms <= 0.1 * found.notes.successes


@pytest.mark.slow
def test_options_without_effect_on_a_population_are_named(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from devicekit.verbs.characterize import CharacterizeRequest, run_characterize

    reading = ReadOptions(accept=True)
    run_characterize(CharacterizeRequest(files=(folder,), out=tmp_path / "o", reading=reading, threshold=50, jobs=1))
    (said,) = [each.getMessage() for each in caplog.records if each.name == "devicekit.verbs.characterize"]
    assert said.split()[0] == "--threshold"
