"""Studies that compare devices: cards of one's own through the command line, and mistakes in published values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from devicekit.core.errors import ParameterError
from devicekit.studies.published import PublishedRanking
from devicekit.studies.report import study_report
from devicekit.studies.runner import run_study
from devicekit.studies.spec import load_spec, plans, shipped
from devicekit.studies.tasks import get_task

CARDS = ("pt-hfo2-al2o3-ti", "vcm-trains")
STUDY = """
name = "tiny"
task = "train"
[fixed]
epochs = 1
hidden = 5
[[cases]]
label = "pair"
[[cases]]
label = "reference"
mapping = "reference"
[grid]
labels = ["EpiRAM", "GST", "PCMO"]
"""
PUBLISHED = """
[published]
key = "labels"
by = "print"
values = { "EpiRAM" = 0.92, "GST" = 0.89, "PCMO" = 0.33 }
[[published.others]]
by = "re-run"
values = { "GST" = [0.5, 0.6] }
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(STUDY)
    return path


def test_cards_of_ones_own_take_the_place_of_the_studys_devices() -> None:
    spec = load_spec(shipped()["where-devices-differ"], cards=CARDS)
    planned = plans(spec)
    assert len(planned) == 7 * len(CARDS)
    assert {settings["card"] for _, _, settings in planned} == set(CARDS)
    assert all("labels" not in settings for _, _, settings in planned)
    for task, _, settings in planned:
        get_task(task).check(settings, Path())


@pytest.mark.usefixtures("without_pictures")
def test_own_cards_get_a_table_of_how_far_they_lie_apart(
    devicekit: Callable[..., Any], study: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    cards = [part for each in CARDS for part in ("--card", each)]
    ran = devicekit("study", study, "--out", out, *cards, "--json")
    assert ran.code == 0
    table = pd.read_csv(out / "results.csv")
    assert table["network"].unique().tolist() == ["64-5-10"]
    for spread, case in zip(ran.json["spread"], ("pair", "reference"), strict=True):
        means = table[table["case"].str.startswith(f"{case} (card=")]["accuracy_mean_last"]
        assert (spread["ranking"], spread["n_devices"]) == (case, 2)
        assert spread["distance"] == pytest.approx(means.max() - means.min())
    page = (out / "report.html").read_text()
    assert "sd over devices" in page
    assert "64-5-10, 1 epoch, random 75/25 split" in page


@pytest.mark.usefixtures("without_pictures")
def test_devices_from_labels_are_marked_as_published_not_as_synthetic(study: Path, tmp_path: Path) -> None:
    result = run_study(study, tmp_path / "out")
    assert pd.read_csv(tmp_path / "out" / "results.csv")["data_origin"].unique().tolist() == ["PUBLISHED"]
    assert study_report(result, "devicekit study").marks == ("PUBLISHED",)


@pytest.mark.parametrize(
    ("text", "cards", "words"),
    [
        (STUDY, CARDS[:1], "twice"),
        (STUDY + PUBLISHED, CARDS, "published values"),
        (STUDY.partition("[grid]")[0], CARDS, "--set card=FILE"),
        (STUDY, (CARDS[0], CARDS[0]), "every value once"),
        (STUDY, (CARDS[0], "absent.json"), "absent.json"),
    ],
)
def test_cards_that_cannot_be_compared(
    text: str, cards: tuple[str, ...], words: str, devicekit: Callable[..., Any], study: Path, tmp_path: Path
) -> None:
    study.write_text(text)
    given = [part for each in cards for part in ("--card", each)]
    ran = devicekit("study", study, "--out", tmp_path / "out", *given)
    assert ran.code == 2
    assert words in ran.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('"PCMO" = 0.33', '"PCM0" = 0.33'), ("published: values", "'PCM0'", "'PCMO'")),
        (('"PCMO" = 0.33', '"x" = 0.33'), ("published: values", "'x'", "EpiRAM, GST, PCMO")),
        (('"GST" = [0.5', '"GeSbTe" = [0.5'), ("published: others 're-run', values", "'GeSbTe'", "labels")),
        (("0.33", "33.0"), ("published.values.PCMO", "found 33", "0 to 1", "0.73 for 73 %")),
        (("0.33", "-0.1"), ("published.values.PCMO", "found -0.1")),
        (("0.33", "nan"), ("published.values.PCMO", "found nan")),
        (("0.33", '"33 %"'), ("published.values.PCMO", "'33 %'", "number")),
        (("0.33", "true"), ("published.values.PCMO", "True", "number")),
        (("0.6]", "inf]"), ("published.others.0.values.GST.1", "found inf")),
        (("[0.5, 0.6]", "[]"), ("published.others.0.values.GST", "at least 1 item")),
        (("[0.5, 0.6]", "0.5"), ("published.others.0.values.GST", "list")),
        (('by = "re-run"', 'by = "print"'), ("published: by", "'print'", "twice")),
        (('by = "print"', 'by = ""'), ("published.by", "at least 1 character")),
        (('by = "print"', 'by = "pair"'), ("published.by", "'pair'", "case")),
        (('key = "labels"', 'key = "lables"'), ("published: key", "'lables'")),
    ],
)
def test_mistakes_in_published_values(change: tuple[str, str], words: tuple[str, ...], study: Path) -> None:
    assert change[0] in PUBLISHED
    study.write_text(STUDY + PUBLISHED.replace(*change))
    with pytest.raises(ParameterError) as caught:
        run_study(study, study.parent / "out")
    for each in (str(study), *words):
        assert each in str(caught.value)
    assert "Value error" not in str(caught.value)
    assert str(caught.value).count("expected") == 1
    assert not (study.parent / "out").exists()


def test_devices_without_printed_values_need_some(study: Path) -> None:
    text = STUDY.replace('labels = ["EpiRAM", "GST", "PCMO"]', 'card = ["pt-hfo2-al2o3-ti", "vcm-trains"]')
    study.write_text(f'{text}[published]\nkey = "card"\nby = "print"\n')
    with pytest.raises(ParameterError, match=r"published: values: found none.*vcm-trains"):
        load_spec(study)


def test_the_values_of_a_study_without_mistakes_are_kept(study: Path) -> None:
    study.write_text(STUDY + PUBLISHED)
    spec = load_spec(study)
    assert isinstance(spec.published, PublishedRanking)
    assert (spec.devices, spec.published.names) == (["EpiRAM", "GST", "PCMO"], ["print", "re-run"])
    assert spec.published.values_of(spec.devices)["PCMO"] == 0.33
