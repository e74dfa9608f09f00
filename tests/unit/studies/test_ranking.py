"""Ranks of devices against published values: Spearman's correlation by setting, and what the page says of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from devicekit.core.errors import ParameterError, UsageError
from devicekit.studies.ranking import Ranking, compare, ranks_panel, spearman
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


def test_the_correlation_is_that_of_ranks_ties_included() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        x, y = rng.integers(0, 5, 8), rng.normal(size=8)
        assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic)
    assert np.isnan(spearman(np.ones(4), np.arange(4)))


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
    page = study_report(StudyResult(with_others("same"), runs({"same": [0.3, 0.4, 0.5, 0.6]})), "devicekit study t")
    (section,) = [each for each in page.sections if each.anchor == "ranks"]
    devices, spread, told, pairs = section.blocks[1:]
    assert devices.header == ("device", "others", "few", "turned", "same")
    assert [row[2] for row in devices.rows] == ["–", "50.0 %", "60.0 %", "70.0 %"]
    assert [row[3] for row in spread.rows] == ["70.0", "20.0", "70.0", "30.0"]
    assert told.rows == [("turned", "3", "three seeds")]
    assert len(pairs.rows) == 6
    alike = [
        each for each in StudyResult(with_others("same"), runs({"same": [0.3, 0.4, 0.5, 0.6]})).pairs() if each.agrees
    ]
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
    assert set(spec.grid["labels"]) == set(spec.published.by_device)
    assert spec.published.by_device["EpiRAM"] == 0.92


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
    from devicekit.core.records import Estimate
    from devicekit.studies.ranking import Agreement

    found = Agreement("a", "b", devices, Estimate(rho, low, 1.0), 0.1, (), (), (), (), ())
    assert found.agrees is agrees
