"""Outcomes of verbs: files by name, pages with their command, and lines that repeat the result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devicekit.core.declarations import options_of
from devicekit.core.errors import TraceError, UsageError
from devicekit.device.card import load_card
from devicekit.synthetic.pulses import generate, truth_card
from devicekit.system import catalog
from devicekit.verbs.array import ArrayRequest
from devicekit.verbs.benchmark import BenchmarkRequest
from devicekit.verbs.calibrate import CalibrateRequest
from devicekit.verbs.characterize import CharacterizeRequest, run_characterize
from devicekit.verbs.fit import FitRequest, run_fit
from devicekit.verbs.kinetics import KineticsRequest
from devicekit.verbs.outcome import Progress, shown, stem
from devicekit.verbs.population import PopulationRequest, _reproduction
from devicekit.verbs.run import RunRequest
from devicekit.verbs.simulate import IVRequest, PulsesRequest
from devicekit.verbs.text import Alert, Fields, Title
from devicekit.verbs.train import TrainRequest, run_training
from snn.config import TrainingConfig

LAWS = {"ltp": (-3.0, 0.5), "ltd": (-3.0, 0.5)}


@pytest.fixture
def trains(tmp_path: Path) -> Path:
    """A file of pulse trains."""
    table = generate(truth_card(LAWS, model="softbounds"), 1, 2, 30, 0)
    table.to_csv(tmp_path / "trains.csv")
    return tmp_path / "trains.csv"


def test_a_fit_makes_a_card_a_page_and_the_lines_that_repeat_it(trains: Path, tmp_path: Path) -> None:
    request = FitRequest(file=trains, model="softbounds", out=tmp_path / "mine.json")
    outcome = run_fit(request)
    assert list(outcome.files) == ["mine.json"] == list(outcome.cards)
    outcome.write(tmp_path / "made")
    assert load_card(tmp_path / "made" / "mine.json").name == "mine"
    assert outcome.json["card"] == str(tmp_path / "mine.json")
    assert outcome.result.law.name == "softbounds"
    assert "devicekit made this" in str(outcome.page("devicekit made this").to_html())
    assert any(block == Title(str(trains)) for block in outcome.text)
    assert outcome.reproduction is not None
    words = "devicekit fit trains.csv --model softbounds --out card.json --report report.html"
    assert outcome.reproduction.command == words
    assert "fit.to_card('trains', 'trains.csv').save(\"card.json\")" in outcome.reproduction.python


def test_a_fit_of_one_branch_has_no_card_unless_it_must(trains: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.csv"
    lines = trains.read_text(encoding="utf-8").splitlines(keepends=True)
    half.write_text("".join(each for each in lines if ",ltd," not in each.lower()), encoding="utf-8")
    card = tmp_path / "card.json"
    outcome = run_fit(FitRequest(file=half, model="softbounds", out=card, needs_both=False))
    assert (outcome.files, outcome.json["card"]) == ({}, None)
    with pytest.raises(TraceError):
        run_fit(FitRequest(file=half, model="softbounds", out=card))


@pytest.mark.slow
def test_several_files_are_characterised_with_their_errors(tmp_path: Path) -> None:
    good = catalog.get("reference-endurance").data
    bad = tmp_path / "bad.csv"
    bad.write_text("nothing\n", encoding="utf-8")
    outcome = run_characterize(CharacterizeRequest(files=(good, bad), out=tmp_path, jobs=1))
    assert outcome.code == 2
    (done,), (failed,) = outcome.json["files"], outcome.json["errors"]  # type: ignore[misc]
    assert (done["file"], failed["file"]) == (str(good), str(bad))
    assert {name.partition("/")[0] for name in outcome.files} == {done["folder"]}
    assert any(isinstance(block, Alert) and block.kind == "error" for block in outcome.text)
    assert outcome.text[-1] == Fields([("report", str(tmp_path / "report.html"))])


def test_an_error_of_the_only_file_is_raised(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("nothing\n", encoding="utf-8")
    with pytest.raises(Exception, match=r"bad\.csv"):
        run_characterize(CharacterizeRequest(files=(tmp_path / "bad.csv",)))


def test_lines_of_a_simulation_name_what_was_changed() -> None:
    request = IVRequest(
        material="electrothermal", solver="banded", mesh="coarse", cycles=2, compliance=1e-4, stop=0.9, bare=True
    )
    found = request.reproduction()
    assert found.command == (
        "devicekit simulate iv --material electrothermal --solver banded --mesh coarse --cycles 2 --compliance 0.0001 "
        "--stop 0.9 --bare --out simulated"
    )
    assert 'load_material("electrothermal").replace({"drive.set_stop": 0.9, "reaction.generation": False})' in (
        found.python
    )


def test_lines_name_noise_definitions_and_seeds() -> None:
    found = IVRequest(noise=True, seed=3, mesh="coarse").reproduction()
    assert found.command == "devicekit simulate iv --noise --mesh coarse --seed 3 --out simulated"
    assert "noise=3" in found.python
    request = PopulationRequest(folders=(Path("lot"),), out=Path("o"), v_set="max_didv", seed=5)
    assert _reproduction(request).command == "devicekit population lot --accept --v-set max_didv --seed 5 --out o"


def test_a_stop_that_would_be_ignored_is_refused_or_ends_the_forming() -> None:
    with pytest.raises(UsageError, match="--reset-stop"):
        _ = IVRequest(reset_stop=-0.5).changes
    assert IVRequest(stack=Path("x.toml"), start="pristine", stop=3.0).changes["drive.form_stop"] == 3.0
    assert IVRequest(start="pristine", stop=0.9, cycles=2).changes["drive.set_stop"] == 0.9


def test_bare_is_refused_where_there_is_nothing_to_leave_out() -> None:
    with pytest.raises(UsageError, match="--bare"):
        IVRequest(bare=True).load()
    with pytest.raises(UsageError, match="--bare"):
        IVRequest(material="drift", bare=True).load()
    assert not IVRequest(material="gated", bare=True).load().reaction.generation


class Counting(Progress):
    """What a verb says while it works."""

    def __init__(self) -> None:
        self.reports: list[Any] = []

    def counting(self, name: str, unit: str) -> Any:
        from contextlib import nullcontext

        return nullcontext(lambda done, total: self.reports.append((name, done, total)))


def test_a_training_says_how_far_it_is_and_how_to_repeat_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    truth_card(LAWS, model="softbounds").save(tmp_path / "card.json")
    progress = Counting()
    request = TrainRequest(
        card=tmp_path / "card.json", epochs=1, settings={"hidden": 8, "tile": "64x64"}, seed=3, beside=False
    )
    outcome = run_training(request, progress)
    assert progress.reports[-1] == ("training", 1347, 1347)
    assert set(outcome.files) == {"metrics.json", "network.npz"}
    assert outcome.json["beside"] == []
    assert outcome.reproduction is not None
    assert outcome.reproduction.command == (
        "devicekit train card.json --epochs 1 --seed 3 --set hidden=8 --set tile=64,64 --no-beside --out trained"
    )
    trained: list[Any] = []
    monkeypatch.setattr("snn.interface.train", lambda card, **given: trained.append((card, TrainingConfig(**given))))
    exec(outcome.reproduction.python, {})
    assert trained == [("card.json", request.config())]


REQUESTS = (
    ArrayRequest,
    BenchmarkRequest,
    CalibrateRequest,
    CharacterizeRequest,
    FitRequest,
    IVRequest,
    KineticsRequest,
    PulsesRequest,
    RunRequest,
    TrainRequest,
)


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda each: each.__name__)
def test_every_option_of_a_request_says_what_it_is(request_: Any) -> None:
    for each in options_of(request_).values():
        assert each.help, each.name
        assert each.doc, each.name


def test_files_are_named_for_people() -> None:
    several = [Path("a/x.csv"), Path("a/y.csv"), Path("a/z.csv")]
    assert (shown(several[0]), shown(several)) == ("a/x.csv", "a/x.csv and 2 more")
    assert (stem(several[0]), stem(several)) == ("x", "a")
    assert FitRequest(file=several).source is None
