"""Ranks of devices against published values: Spearman's correlation by setting, and what the page says of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from devicekit.core.errors import ParameterError, UsageError
from devicekit.studies.ranking import compare_rankings, spearman
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
    two = compare_rankings(table, "labels", {"b": 0.5, "c": 0.7}, "accuracy_mean_last", {})
    assert two == []


@pytest.mark.parametrize(("means", "word"), [([0.3, 0.4, 0.5, 0.6], " agree with"), ([0.6, 0.5, 0.4, 0.3], "do not")])
def test_the_page_begins_with_whether_the_ranks_agree(means: list[float], word: str) -> None:
    page = study_report(StudyResult(study("one"), runs({"one": means})), "devicekit study t")
    assert word in page.verdict
    assert page.numbers[0].name == "rank_correlation"
    assert len(page.pictures) == 1


def test_the_shipped_study_ranks_the_devices_whose_accuracy_is_printed() -> None:
    spec = load_spec(shipped()["published-devices"])
    assert spec.published is not None
    assert set(spec.grid["labels"]) == set(spec.published.by_device)
    assert spec.published.by_device["EpiRAM"] == 0.92


def test_a_card_and_labels_are_two_devices(tmp_path: Path) -> None:
    both = {"card": "pt-hfo2-al2o3-ti", "labels": "EpiRAM"}
    for task in ("train", "few-shot"):
        with pytest.raises(ParameterError, match="labels"):
            get_task(task).check(both, tmp_path)
    with pytest.raises(UsageError, match="EpiRAM"):  # the known ones are listed
        get_task("train").check({"labels": "Epi"}, tmp_path)
