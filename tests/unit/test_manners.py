"""Manners in Python and in a notebook: names, keywords, data frames, reports, pictures, and one tongue for errors."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import devicekit as dk
from devicekit.core.errors import DevicekitError, UsageError
from devicekit.studies.result import StudyResult
from devicekit.studies.spec import StudySpec
from devicekit.system import catalog
from snn.config import TrainingConfig
from snn.data.load import load
from snn.training import train

Run = Callable[..., Any]
DATA = Path(__file__).parents[1] / "data"
NAME = "<b>x</b>"  # of a device, a case or a data set: a notebook must not obey it


def pulses(device: str = NAME) -> pd.DataFrame:
    """Three cycles of a soft-bound device, 10 to 30 uS, each reading with 0.2 % of noise."""
    rng = np.random.default_rng(1)
    n = np.arange(31)
    trains = {"ltp": 10 + 20 * (1 - np.exp(-n / 9)), "ltd": 10 + 19 * np.exp(-n / 7)}
    parts = [
        {"device_id": device, "cycle": cycle, "direction": direction, "pulse_index": int(k), "conductance_s": float(g)}
        for cycle in (1, 2, 3)
        for direction, train_us in trains.items()
        for k, g in zip(n, 1e-6 * train_us * rng.normal(1, 0.002, n.size), strict=True)
    ]
    return pd.DataFrame(parts)


def loops(device: str = NAME) -> pd.DataFrame:
    """Two loops to 1 V and back; ln G rises by a logistic step of 15 mV about 0.61 V."""
    v = np.linspace(0.0, 1.0, 201)
    g = 2e-6 * np.exp(np.log(50) / (1 + np.exp(-(v - 0.61) / 0.015)))
    voltage, current = np.r_[v, v[::-1][1:]], np.r_[v * g, (v * 1e-4)[::-1][1:]]
    one = pd.DataFrame({"device_id": device, "voltage_v": voltage, "current_a": current})
    return pd.concat([one.assign(cycle=cycle) for cycle in (1, 2)], ignore_index=True)


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    """One of every kind of result, small; every name that they show is `NAME`."""
    card = dk.load_card(catalog.get("pt-hfo2-al2o3-ti").card)
    trained = train(card, TrainingConfig(epochs=1, hidden=32), load("digits"))
    accuracies = {"case": [NAME] * 3, "seed": [0, 1, 2], "status": "done", "accuracy_mean_last": [0.94, 0.95, 0.96]}
    with pytest.MonkeyPatch.context() as patch:  # most of the time of a sweep, and nobody looks at it here
        patch.setattr("devicekit.features.merits.mechanism.find", lambda *_: None)
        characterised = dk.characterize(loops())
    return {
        "fit": dk.fit(pulses()),
        "card": card.model_copy(update={"name": NAME}),
        "characterisation": characterised,
        "training": dataclasses.replace(trained, data=dataclasses.replace(trained.data, name=NAME)),
        "study": StudyResult(StudySpec(name="t", title=NAME, task="train"), pd.DataFrame(accuracies)),
        "comparison": dk.compare(pulses()),
    }


KINDS = ("fit", "card", "characterisation", "training", "study", "comparison")


def test_dir_shows_the_public_names_and_nothing_else() -> None:
    assert dir(dk) == sorted(dk.__all__)


def test_map_means_the_same_as_columns_and_one_is_enough(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("n,G (uS),Vp (mV)\n0,10,900\n1,14,900\n2,17,900\n3,19,900\n", encoding="utf-8")
    named = {"conductance_s": "G (uS)", "pulse_voltage_v": "Vp (mV)"}
    by_map, by_columns = dk.read(file, map=named), dk.read(file, columns=named)
    pd.testing.assert_frame_equal(by_map.frame, by_columns.frame)
    assert list(by_map.frame["conductance_s"]) == pytest.approx([10e-6, 14e-6, 17e-6, 19e-6])
    with pytest.raises(UsageError, match=r"map.*columns|columns.*map"):
        dk.read(file, map=named, columns=named)


@pytest.mark.slow
def test_a_frame_is_fitted_as_the_file_written_from_it(tmp_path: Path) -> None:
    frame = pulses("d1")
    frame.to_csv(tmp_path / "t.csv", index=False)
    from_frame, from_file = dk.fit(frame), dk.fit(tmp_path / "t.csv")
    assert from_frame.as_dict()["branches"] == from_file.as_dict()["branches"]
    assert from_frame.as_dict()["variation"] == from_file.as_dict()["variation"]
    assert (from_frame.window.low, from_frame.window.high) == (from_file.window.low, from_file.window.high)
    compared = dk.compare(frame).table(), dk.compare(tmp_path / "t.csv").table()
    pd.testing.assert_frame_equal(*compared)


@pytest.mark.usefixtures("without_mechanism")
def test_a_file_is_characterised_as_the_table_read_from_it(tmp_path: Path) -> None:
    frame = loops("d1")
    frame.to_csv(tmp_path / "t.csv", index=False)
    from_path, from_table = dk.characterize(tmp_path / "t.csv"), dk.characterize(dk.read(tmp_path / "t.csv"))
    assert from_path.as_dict() == from_table.as_dict()
    for found in (from_path, from_table, dk.characterize(frame)):
        assert list(found.tables["cycles"]["v_set_v"]) == pytest.approx([0.61, 0.61], abs=1e-4)
        pd.testing.assert_frame_equal(found.tables["cycles"], from_path.tables["cycles"])


@pytest.fixture(scope="module")
def reported(results: dict[str, Any]) -> dict[str, str]:
    """The words of the fit's report, by branch."""
    head, _, ltd = results["fit"].fit_report().partition("LTD")
    return {"ltp": head, "ltd": ltd}


def _lines(text: str) -> dict[str, str]:
    """The lines of a report that begin with `name:`, by name."""
    return {found[1]: line for line in text.splitlines() if (found := re.match(r"\s*(\w+):\s", line))}


def test_a_report_is_printed(results: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    results["fit"].report()
    assert capsys.readouterr().out == results["fit"].fit_report() + "\n"


def test_a_report_names_the_law_and_the_points(results: dict[str, Any], reported: dict[str, str]) -> None:
    assert any(name in reported["ltp"] for name in (results["fit"].law.name, results["fit"].law.title))
    for text in reported.values():
        assert re.search(r"points\D*\b31\b", text), text  # a train holds 31 readings


def test_a_report_gives_every_parameter_its_standard_error(results: dict[str, Any], reported: dict[str, str]) -> None:
    number = r"([-+]?\d[\d.]*(?:[eE][-+]?\d+)?)"
    for direction, branch in results["fit"].branches.items():
        lines = _lines(reported[direction])
        values = dict(zip([*branch.law.parameters, "x0"], branch.parameters, strict=True))
        for name, value in values.items():
            found = re.search(rf"{name}:\s+{number}\s*(?:\+/-|±)\s*{number}", lines[name])
            assert found, lines[name]
            assert float(found[1]) == pytest.approx(value, rel=1e-4, abs=1e-8), name
            assert float(found[2]) == pytest.approx(branch.standard_errors[name], rel=1e-4), name


def test_a_report_marks_what_is_weak_and_what_is_fixed(results: dict[str, Any], reported: dict[str, str]) -> None:
    for direction, branch in results["fit"].branches.items():
        lines = _lines(reported[direction])
        assert {"f", "g", "h"} <= set(branch.weak)  # a soft-bound train tells nothing of them
        for name in branch.law.parameters:
            assert bool(re.search(r"\*|weak", lines[name])) == (name in branch.weak), lines[name]
        for name, error in branch.standard_errors.items():
            assert error is not None or re.search("fixed|at a bound", lines[name]), lines[name]


class _Page(HTMLParser):
    """A fragment of HTML: its words, its images; an element that is not closed in its turn is an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words, self.images, self.open = "", [], []  # type: ignore[var-annotated]
        self.feed(text)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.images.append(dict(attrs).get("src") or "")
        if tag not in {"img", "br", "hr", "meta", "link", "col", "input"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data + " "


@pytest.mark.parametrize("kind", KINDS)
def test_a_notebook_gets_sound_html_with_a_picture(kind: str, results: dict[str, Any]) -> None:
    text = results[kind]._repr_html_()
    assert isinstance(text, str)
    page = _Page(text)
    assert [source.partition(":")[0] for source in page.images] == ["data"]
    assert NAME not in text
    if kind in ("card", "study", "training"):  # these say the name
        assert NAME in page.words


@pytest.mark.slow
def test_a_notebook_shows_the_numbers_that_one_may_trust(results: dict[str, Any]) -> None:
    words = {kind: " ".join(_Page(results[kind]._repr_html_()).words.split()) for kind in KINDS}
    fit, card, training = results["fit"], results["card"], results["training"]
    for branch in fit.branches.values():
        assert f"{100 * branch.nrmse:.2g} %" in words["fit"]
    assert f"{fit.window.low * 1e6:.3g} to {fit.window.high * 1e6:.3g} µS" in words["fit"]
    for spread in (card.variation.ltp, card.variation.ltd):
        assert f"{100 * spread.c2c['increment'].value:.2g} %" in words["card"]
    assert "V_set 0.61 V (by half_ln_g" in words["characterisation"]
    assert f"{100 * training.epochs[-1].test_accuracy:.1f} %" in words["training"]
    assert "test accuracy" in words["training"]
    assert training.data.split in words["training"]
    assert "95.0 % (95 %: 92.5 % to 97.5 %)" in words["study"]  # 4.30 (Student's t) times 1 % over the root of 3
    assert "exponential" in words["comparison"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_result_draws_itself_and_leaves_no_figure_open(kind: str, results: dict[str, Any]) -> None:
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    before = plt.get_fignums()
    try:
        assert isinstance(results[kind].plot(), Axes)
    finally:
        for number in set(plt.get_fignums()) - set(before):
            plt.close(number)
    ax = Figure().subplots()
    assert results[kind].plot(ax) is ax
    assert ax.has_data()
    assert plt.get_fignums() == before


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Files to provoke errors with, by the word that stands for them."""
    folder = tmp_path_factory.mktemp("files")
    texts = {
        "CURRENTS": "direction,pulse_index,read_current_a\n" + "".join(f"ltp,{n},{n}e-6\n" for n in range(1, 9)),
        "NEGATIVE": "direction,pulse_index,conductance_s\n" + "".join(f"ltp,{n},-{n}e-6\n" for n in range(1, 9)),
        "TRAINS": pulses("d1").to_csv(index=False),
    }
    for word, text in texts.items():
        (folder / f"{word}.csv").write_text(text)
    (folder / "FULL").mkdir()
    (folder / "FULL" / "notes.txt").write_text("mine")
    weights = pulses("d1").rename(columns={"conductance_s": "weight"})
    dk.fit(weights.assign(weight=weights["weight"] * 1e4)).to_card("w").save(folder / "WEIGHTS.json")
    known = {"CARD": str(catalog.get("pt-hfo2-al2o3-ti").card), "OUT": str(folder / "OUT"), "DATA": str(DATA)}
    return {**known, **{path.stem: str(path) for path in folder.iterdir()}}


# What is asked in Python, and the same on the command line.
WRONG: list[tuple[str, tuple[str, ...], dict[str, Any], str]] = [
    ("read", ("CURRENTS",), {}, "read CURRENTS"),
    ("read", ("DATA/table/no_unit.csv",), {}, "read DATA/table/no_unit.csv"),
    ("read", ("DATA/table/wide_no_header.tsv",), {}, "read DATA/table/wide_no_header.tsv"),
    ("read", ("DATA/long/sweep.csv",), {"width": 1e-6}, "read DATA/long/sweep.csv --width 1e-6"),
    ("read", ("DATA/long/sweep.csv",), {"read_voltage": 1}, "read DATA/long/sweep.csv --read-voltage 1"),
    ("read", ("DATA/smu/acs.csv",), {"unit": "uA"}, "read DATA/smu/acs.csv --unit uA"),
    ("read", ("DATA/table/stdp.csv",), {"quantity": "colour"}, "read DATA/table/stdp.csv --quantity colour"),
    ("read", ("TRAINS",), {"unit": "parsec"}, "read TRAINS --unit parsec"),
    ("read", ("TRAINS",), {"read_voltage": 0}, "read TRAINS --read-voltage 0"),
    ("read", ("TRAINS",), {"format": "nope"}, "read TRAINS --format nope"),
    ("read", ("TRAINS",), {"map": {"colour": "cycle"}}, "read TRAINS --map colour=cycle"),
    ("read", ("TRAINS",), {"map": {"weight": "nope"}}, "read TRAINS --map weight=nope"),
    ("read", ("NEGATIVE",), {}, "read NEGATIVE"),
    ("fit", ("DATA/long/sweep.csv",), {}, "fit DATA/long/sweep.csv"),
    ("fit", ("TRAINS", "nope"), {}, "fit TRAINS --model nope"),
    ("fit", ("TRAINS",), {"loss": "nope"}, "fit TRAINS --loss nope"),
    ("fit", ("TRAINS",), {"estimator": "nope"}, "fit TRAINS --estimator nope"),
    ("fit", ("TRAINS",), {"state": "nope"}, "fit TRAINS --state nope"),
    ("fit", ("TRAINS",), {"share": "nope"}, "fit TRAINS --share nope"),
    ("fit", ("TRAINS",), {"share": "width"}, "fit TRAINS --share width"),
    ("export", ("CARD", "csv", "OUT"), {"nodes": 5}, "export CARD --to csv --out OUT --nodes 5"),
    ("export", ("CARD", "crosssim", "OUT"), {"points": 1}, "export CARD --to crosssim --out OUT --points 1"),
    ("export", ("CARD", "csv", "OUT"), {"window": (1, 2)}, "export CARD --to csv --out OUT --window 1 2"),
    ("export", ("CARD", "nope", "OUT"), {}, "export CARD --to nope --out OUT"),
    ("export", ("WEIGHTS", "neurosim", "OUT"), {}, "export WEIGHTS --to neurosim --out OUT"),
    ("export", ("CARD", "csv", "FULL"), {}, "export CARD --to csv --out FULL"),
]


@pytest.mark.parametrize(("verb", "arguments", "keywords", "line"), WRONG, ids=[each[3] for each in WRONG])
def test_an_error_speaks_of_keywords_in_python_and_of_options_on_the_command_line(
    verb: str, arguments: tuple[str, ...], keywords: dict[str, Any], line: str, files: dict[str, str], devicekit: Run
) -> None:
    def placed(word: str) -> str:
        first, slash, rest = word.partition("/")
        return files.get(first, first) + slash + rest

    with pytest.raises(DevicekitError) as caught:
        getattr(dk, verb)(*map(placed, arguments), **keywords)
    assert not re.search(r"--\w", str(caught.value)), caught.value
    ran = devicekit(*map(placed, line.split()))
    assert ran.code == 2
    printed = re.sub(r"--(map|set|rows-per) \w+=", "", ran.err)  # that is how these are written
    assert not re.search(r"\b[a-z_]+=", printed), ran.err
