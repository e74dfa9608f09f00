"""Ranks of devices against published values: Spearman's correlation by setting, and what the page says of it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from devicekit.core.errors import ParameterError, UsageError
from devicekit.core.records import Estimate
from devicekit.studies.rank_intervals import rank_interval
from devicekit.studies.ranking import Agreement, Ranking, compare, compare_all, ranks_panel
from devicekit.studies.ranking_report import rank_words
from devicekit.studies.report import study_report
from devicekit.studies.result import StudyResult
from devicekit.studies.spec import StudySpec, load_spec, shipped
from devicekit.studies.tasks import get_task

PUBLISHED = {"a": 0.2, "b": 0.5, "c": 0.7, "d": 0.9}


def study(*settings: str) -> StudySpec:
    """A study of the four devices with each setting."""
    return StudySpec(
        name="t",
        task="train",
        cases=[{"label": each, "epochs": n + 1} for n, each in enumerate(settings)],
        grid={"labels": list(PUBLISHED)},
        published={"key": "labels", "by": "others", "values": PUBLISHED},
    )


def runs(orders: dict[str, list[float]], seeds: int = 3) -> pd.DataFrame:
    """Runs of four devices with each setting, a hundredth apart from seed to seed."""
    rows = [
        {
            "case": f"{setting} (labels={device})",
            "labels": device,
            "seed": seed,
            "status": "done",
            "accuracy_mean_last": mean + 0.01 * (seed - 1),
        }
        for setting, means in orders.items()
        for device, mean in zip(PUBLISHED, means, strict=True)
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows)


def test_each_setting_is_compared_and_the_interval_holds_the_correlation() -> None:
    table = runs({"same": [0.3, 0.4, 0.5, 0.6], "turned": [0.6, 0.5, 0.4, 0.3]})
    same, turned = StudyResult(study("same", "turned"), table).agreements()
    assert [each.setting for each in (same, turned)] == ["same", "turned"]
    assert (same.rho.value, turned.rho.value) == pytest.approx((1.0, -1.0))
    assert (same.agrees, turned.agrees) == (True, False)
    assert same.mean == pytest.approx((0.3, 0.4, 0.5, 0.6))
    half = stats.t.ppf(0.975, 2) * 0.01 / 3**0.5
    assert same.high[0] - same.mean[0] == pytest.approx(half)


def test_devices_without_a_finished_run_or_a_published_value_are_left_out() -> None:
    table = runs({"same": [0.3, 0.4, 0.5, 0.6]})
    table.loc[table["labels"] == "a", "accuracy_mean_last"] = np.nan
    (found,) = StudyResult(study("same"), table).agreements()
    assert found.devices == ("b", "c", "d")
    assert compare(Ranking("a", {"b": [0.5], "c": [0.7]}), Ranking("b", {"b": [0.5], "c": [0.7]})) is None


def with_others(*settings: str) -> StudySpec:
    """The study, with what two others measured: one of three devices, one with seeds and the ranks turned."""
    spec = study(*settings)
    others = [
        {"by": "few", "values": {"b": [0.5], "c": [0.6], "d": [0.7]}},
        {
            "by": "turned",
            "settings": "three seeds",
            "values": {k: [1 - v, 1 - v, 1.03 - v] for k, v in PUBLISHED.items()},
        },
    ]
    return StudySpec(**{**spec.model_dump(), "published": {**spec.published.model_dump(), "others": others}})


def test_each_pair_is_compared_over_the_devices_that_both_know() -> None:
    result = StudyResult(with_others("same"), runs({"same": [0.3, 0.4, 0.5, 0.6]}))
    assert [each.name for each in result.rankings()] == ["others", "few", "turned", "same"]
    found = {(each.setting, each.by): each for each in result.pairs()}
    assert len(found) == 6
    assert found["same", "few"].devices == ("b", "c", "d")
    assert found["same", "few"].rho.value == pytest.approx(1.0)
    assert found["turned", "others"].rho.value == found["same", "turned"].rho.value == pytest.approx(-1.0)
    assert found["same", "others"].difference == pytest.approx((0.1 + 0.1 + 0.2 + 0.3) / 4)
    assert [each.by for each in result.agreements()] == ["others"]


def test_the_distance_of_devices_is_beside_the_scatter_of_seeds() -> None:
    found = Ranking("r", {"a": [0.2, 0.4], "b": [0.8, 0.8], "c": [0.6, 0.6]}).spread
    assert (found.mean, found.distance) == pytest.approx((1.7 / 3, 0.5))
    assert found.sd_devices == pytest.approx(np.std([0.3, 0.8, 0.6], ddof=1))
    assert found.sd_seeds == pytest.approx((0.02 / 3) ** 0.5)
    assert Ranking("one", {"a": [0.2], "b": [0.8]}).spread.sd_seeds is None


def test_the_interval_of_an_accuracy_ends_at_nothing_and_all() -> None:
    assert Ranking("r", {"a": [0.9, 0.99, 0.98], "b": [0.01, 0.1, 0.02]}).ends("a")[2] == 1.0
    assert Ranking("r", {"a": [0.9, 0.99, 0.98], "b": [0.01, 0.1, 0.02]}).ends("b")[1] == 0.0


def test_two_seeds_give_a_ranking_no_interval_as_they_give_none_to_a_study() -> None:
    assert Ranking("r", {"a": [0.5, 0.7]}).ends("a") == pytest.approx((0.6, 0.6, 0.6))


def test_every_ranking_is_in_the_figure_and_looks_like_no_other() -> None:
    many = [Ranking(f"r{k}", {"a": [0.2], "b": [0.8]}) for k in range(20)]
    curves = ranks_panel(many).curves
    assert [curve.name for curve in curves] == [each.name for each in many]
    assert len({(curve.style, curve.colour) for curve in curves}) == len(many)


def test_seeds_that_overlap_widen_the_interval() -> None:
    values = {"a": 0.2, "b": 0.4, "c": 0.6, "d": 0.8}
    clear = Ranking("clear", {name: [value - 0.01, value + 0.01] for name, value in values.items()})
    loose = Ranking("loose", {name: [value - 0.5, value + 0.5] for name, value in values.items()})
    narrow, wide = compare(clear, clear), compare(loose, clear)
    assert narrow.rho.value == wide.rho.value == pytest.approx(1.0)
    assert wide.rho.low < narrow.rho.low


def test_the_page_shows_all_rankings_and_how_they_were_measured() -> None:
    result = StudyResult(with_others("same"), runs({"same": [0.3, 0.4, 0.5, 0.6]}))
    page = study_report(result, "devicekit study t")
    (section,) = [each for each in page.sections if each.anchor == "ranks"]
    devices, spread, told, pairs = section.blocks[1:]
    assert devices.header == ("device", "others", "few", "turned", "same")
    assert [row[2] for row in devices.rows] == ["–", "50.0 %", "60.0 %", "70.0 %"]
    assert [row[3] for row in spread.rows] == ["70.0", "20.0", "70.0", "30.0"]
    assert [row[:2] for row in told.rows] == [("turned", "3"), ("same", "3")]
    assert ["three seeds" in told.rows[0][2], "task train" in told.rows[1][2]] == [True, True]
    assert len(pairs.rows) == 6
    alike = [each for each in result.pairs() if each.agrees]
    assert [(each.setting, each.by) for each in alike] == [("same", "others")]


@pytest.mark.parametrize(("means", "word"), [([0.3, 0.4, 0.5, 0.6], " agree with"), ([0.6, 0.5, 0.4, 0.3], "do not")])
def test_the_page_begins_with_whether_the_ranks_agree(means: list[float], word: str) -> None:
    page = study_report(StudyResult(study("one"), runs({"one": means})), "devicekit study t")
    assert word in page.verdict
    assert page.numbers[0].name == "rank_correlation"
    assert len(page.pictures) == 1


def test_the_shipped_study_ranks_the_devices_whose_accuracy_is_printed() -> None:
    spec = load_spec(shipped()["published-devices"])
    assert spec.published is not None
    for other in spec.published.others:
        assert set(other.values) <= set(spec.grid["labels"])
        assert all(0.05 < value < 1 for values in other.values.values() for value in values)
    values = spec.published.values_of(spec.devices)
    assert set(spec.grid["labels"]) == set(values)
    assert values["EpiRAM"] == 0.92
    assert spec.published.values_of(["epiram"]) == {"epiram": 0.92}


def test_a_card_and_labels_are_two_devices(tmp_path: Path) -> None:
    both = {"card": "pt-hfo2-al2o3-ti", "labels": "EpiRAM"}
    for task in ("train", "few-shot"):
        with pytest.raises(ParameterError, match="labels"):
            get_task(task).check(both, tmp_path)
    with pytest.raises(UsageError, match="EpiRAM"):  # the known ones are listed
        get_task("train").check({"labels": "Epi"}, tmp_path)


@pytest.mark.parametrize(
    ("rho", "low", "devices", "agrees"),
    [(0.7, 0.01, 7, True), (0.69, 0.01, 7, False), (0.8, -0.01, 7, False), (0.9, 0.5, 3, False)],
)
def test_rankings_are_alike_by_their_correlation_its_interval_and_their_devices(
    rho: float, low: float, devices: int, agrees: bool
) -> None:
    found = Agreement("a", "b", devices, Estimate(rho, low, 1.0), 0.1, (), (), (), (), ())
    assert found.agrees is agrees


def test_rankings_cover_devices_without_a_published_value() -> None:
    """The settings of a study are compared over all its devices, those of others over what they know."""
    spec = with_others("one", "two").model_dump()
    spec["published"]["values"] = {name: PUBLISHED[name] for name in "abc"}
    table = runs({"one": [0.3, 0.4, 0.5, 0.6], "two": [0.3, 0.4, 0.6, 0.5]})
    table.loc[table["case"].str.startswith("two") & (table["labels"] == "b"), "accuracy_mean_last"] = np.nan
    result = StudyResult(StudySpec(**spec), table)
    found = {(each.setting, each.by): each.devices for each in result.pairs()}
    assert found["two", "one"] == ("a", "c", "d")
    assert found["one", "others"] == ("a", "b", "c")
    assert found["one", "turned"] == ("a", "b", "c", "d")
    assert ("two", "others") not in found  # two devices have no ranks
    (section,) = [each for each in study_report(result, "devicekit study t").sections if each.anchor == "ranks"]
    devices, pairs = section.blocks[1], section.blocks[-1]
    assert [row[0] for row in devices.rows] == ["a", "b", "c", "d"]
    assert devices.rows[3][1] == devices.rows[1][5] == "–"
    numbers = {row[:2]: row[2] for row in pairs.rows}
    assert (numbers["two", "one"], numbers["one", "turned"]) == ("3", "4")
    for lacks in ("d is not ranked by others", "a is not ranked by few", "b is not ranked by two"):
        assert lacks in pairs.caption


def pair(setting: str, by: str, rho: float, low: float, high: float = 1.0, devices: int = 7) -> Agreement:
    """Agreement of two rankings."""
    return Agreement(setting, by, devices, Estimate(rho, low, high), 0.1, (), (), (), (), ())


ALIKE, UNCLEAR, DIFFERENT = (0.9, 0.3, 1.0), (0.5, -0.2, 0.9), (-0.5, -0.9, 0.2)
THREE = [Ranking(each, {"a": [0.2], "b": [0.8]}, own=each != "x") for each in ("x", "one", "two")]


@pytest.mark.parametrize(
    ("kinds", "verdict"),
    [
        ((ALIKE, ALIKE, ALIKE), "agree from one simulation to another: of 3 pairs of rankings 3 are alike"),
        ((ALIKE, ALIKE, UNCLEAR), "mostly agree from one simulation to another: of 3 pairs of rankings 2 are alike"),
        ((ALIKE, UNCLEAR, DIFFERENT), "agree only in part from one simulation to another: of 3 pairs of rankings 1 is"),
        ((UNCLEAR, DIFFERENT, UNCLEAR), "are not shown to agree from one simulation to another: of 3 pairs of"),
        ((DIFFERENT, DIFFERENT, DIFFERENT), "do not agree from one simulation to another: of 3 pairs of rankings none"),
    ],
)
def test_the_first_sentence_counts_the_pairs_that_are_alike(kinds: tuple[tuple[float, ...], ...], verdict: str) -> None:
    places = (("one", "x"), ("two", "x"), ("two", "one"))
    pairs = [pair(*place, *kind) for place, kind in zip(places, kinds, strict=True)]
    words = rank_words(THREE, pairs[:2], pairs)
    assert words[0].startswith(f"Rankings of 7 devices {verdict}")
    assert len(words) == 3


def test_of_many_pairs_fewer_than_a_quarter_mostly_do_not_agree() -> None:
    own = [pair(f"s{k}", "x", *DIFFERENT, 6 + k % 2) for k in range(4)]
    pairs = [*own, pair("s1", "s0", *ALIKE)]
    assert all(each in rank_words(THREE, own, pairs)[0] for each in (" 6 to 7 ", " mostly do not "))
    pairs[3] = pair("s3", "x", *UNCLEAR)
    assert " mostly are not " in rank_words(THREE, own, pairs)[0]


def test_without_published_values_the_page_begins_with_how_far_devices_lie_apart() -> None:
    spec = study("near", "far").model_copy(update={"published": None})
    result = StudyResult(spec, runs({"near": [0.5, 0.5, 0.51, 0.52], "far": [0.3, 0.4, 0.5, 0.6]}))
    page = study_report(result, "devicekit study t")
    assert "'far': 30.0 points" in page.summary[0]
    assert "'near': 2.0 points" in page.summary[1]
    assert [(each.name, each.value) for each in page.numbers] == [("distance", pytest.approx(2)), ("distance", 30)]
    (section,) = [each for each in page.sections if each.anchor == "ranks"]
    assert [row[3] for row in section.blocks[2].rows] == ["2.0", "30.0"]
    assert result.agreements() == []
    assert [(each["ranking"], each["n_devices"]) for each in result.as_dict()["spread"]] == [("near", 4), ("far", 4)]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_pairs_that_are_alike_do_not_depend_on_the_seed_of_draws(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = load_spec(shipped()["published-devices"])
    assert spec.published is not None
    monkeypatch.setattr("devicekit.studies.ranking.rank_interval", partial(rank_interval, seed=seed))
    first = Ranking("NeuroSim 3.0", {k: [v] for k, v in spec.published.values_of(spec.devices).items()})
    pairs = compare_all([first, *(Ranking(each.by, each.values) for each in spec.published.others)])
    assert [each.n_devices for each in pairs if "NeuroSim 2.0" in each.setting + each.by] == [6] * 5
    alike = {(each.setting, each.by) for each in pairs if each.agrees}
    assert alike == {("NeuroSim 3.0, no transistor", "NeuroSim 3.0"), ("NeuroSim 2.0 as printed", "NeuroSim 3.0")}
