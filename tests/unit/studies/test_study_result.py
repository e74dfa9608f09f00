"""Statistics of a study's table against sums done by hand, and what a report says of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from devicekit.core.errors import ParameterError
from devicekit.names import MARK_COLUMN
from devicekit.plot import plain
from devicekit.studies.report import study_report
from devicekit.studies.result import StudyResult
from devicekit.studies.runner import run_study
from devicekit.studies.spec import StudySpec

TABLE = pd.DataFrame(
    {
        "case": ["ideal"] * 3 + ["noisy"] * 3 + ["stuck"] * 3 + ["baseline: svc"] * 3,
        "seed": [0, 1, 2] * 4,
        "status": "done",
        "accuracy_mean_last": [0.97, 0.96, 0.98, 0.95, 0.93, 0.97, 0.97, 0.965, 0.975, 0.9, 0.9, 0.9],
    }
)


def made(table: pd.DataFrame = TABLE, **keys: object) -> StudyResult:
    return StudyResult(StudySpec(name="t", task="train", **keys), table)  # type: ignore[arg-type]


def test_losses_pair_the_seeds_and_rank_without_baselines() -> None:
    losses = made(reference="ideal").losses()
    assert losses["case"].tolist() == ["noisy", "stuck"]
    assert losses["n"].tolist() == [3, 3]
    assert losses["loss"].tolist() == pytest.approx([0.02, 0.0])
    assert losses["se"][0] == pytest.approx(np.std([0.02, 0.03, 0.01], ddof=1) / 3**0.5)


def test_bars_and_tables_are_intervals_by_student_t_over_the_pairs() -> None:
    result = made(reference="ideal")
    lost = np.array([0.02, 0.03, 0.01])
    low, high = stats.t.interval(0.95, 2, lost.mean(), stats.sem(lost))
    noisy = result.losses().iloc[0]
    assert (noisy["low"], noisy["high"]) == pytest.approx((low, high))
    (bars,) = result.losses_panel().curves
    assert bars.low is not None
    assert bars.high is not None
    assert (bars.low[0], bars.high[0]) == pytest.approx((100 * low, 100 * high))
    ideal = result.summary().iloc[0]
    assert ideal["low"] == pytest.approx(stats.t.interval(0.95, 2, 0.97, stats.sem([0.97, 0.96, 0.98]))[0])
    assert ideal["high"] <= 1.0  # an accuracy
    alone = made(TABLE[TABLE["seed"] == 0]).summary()
    assert alone[["low", "high"]].isna().all(axis=None)


def test_a_failed_run_leaves_its_pair_out() -> None:
    table = TABLE.copy()
    table.loc[4, "accuracy_mean_last"] = np.nan
    losses = made(table, reference="ideal").losses()
    assert losses.loc[losses["case"] == "noisy", "n"].item() == 2
    assert losses.loc[losses["case"] == "noisy", "loss"].item() == pytest.approx(0.015)


def test_runs_that_fail_for_one_reason_are_named_once_with_it() -> None:
    table = TABLE.assign(status="failed", reason="missing", accuracy_mean_last=np.nan)
    table.loc[3, "reason"] = "memory"
    result = made(table, reference="ideal")
    assert {reason: len(runs) for reason, runs in result.failures.items()} == {"missing": 4, "memory": 1}
    assert [each.split(" (")[0] for each in result.failures["missing"]] == ["ideal", "noisy", "stuck", "baseline: svc"]
    page = study_report(result, "devicekit study t")
    (verdict,) = page.summary
    assert "missing" in verdict
    (failed,) = [each.blocks[0] for each in page.sections if each.anchor == "failed"]
    assert len(failed.rows) == 2  # type: ignore[union-attr]


def test_no_reference_no_ranking() -> None:
    with pytest.raises(ParameterError, match="no reference"):
        made().losses()


def test_the_report_names_the_largest_loss_or_that_none_is_significant() -> None:
    sure = TABLE.copy()
    sure.loc[3:5, "accuracy_mean_last"] = [0.95, 0.939, 0.961]  # losses of 2.0, 2.1 and 1.9 points
    words = " ".join(study_report(made(sure, reference="ideal"), "devicekit study t").summary)
    assert "'ideal': noisy, 2.00 points (95 %: 1.75 to 2.25)" in words
    words = " ".join(study_report(made(reference="ideal"), "devicekit study t").summary)
    assert "noisy, 2.00" not in words  # 2, 3 and 1 points: by Student's t, 0 is not left out
    close = TABLE[TABLE["case"] != "noisy"]
    words = " ".join(study_report(made(close, reference="ideal"), "devicekit study t").summary)
    assert "No case loses" in words


def test_pooled_spread_is_split_into_seeds_and_cards() -> None:
    """sd over cards of means over two seeds: what seeds alone would leave there is taken off."""
    rng = np.random.default_rng(0)
    cards, seeds, sd_card, sd_seed = 4000, 2, 0.02, 0.01
    value = rng.normal(0.9, sd_card, (cards, 1)) + rng.normal(0, sd_seed, (cards, seeds))
    frame = pd.DataFrame(
        {
            "case": "all",
            "draw": np.repeat(np.arange(cards), seeds),
            "seed": np.tile(np.arange(seeds), cards),
            "accuracy_mean_last": value.ravel(),
        }
    )
    row = made(frame, pool=["draw"]).summary().iloc[0]
    assert row["n"] == cards
    assert row["sd_seeds"] == pytest.approx(sd_seed, rel=0.05)
    assert row["sd_pool"] == pytest.approx(sd_card, rel=0.05)
    assert row["sd"] == pytest.approx(np.hypot(sd_card, sd_seed / 2**0.5), rel=0.05)


def test_a_reference_that_is_no_case_is_refused(tmp_path) -> None:
    file = tmp_path / "s.toml"
    file.write_text(
        'name = "s"\ntask = "train"\nreference = "idael"\n[fixed]\ncard = "pt-hfo2-al2o3-ti"\nepochs = 1\n'
        '[[cases]]\nlabel = "ideal"\n'
    )
    with pytest.raises(ParameterError, match=r"'idael'.*ideal"):
        run_study(file, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_one_seed_gives_no_ranking() -> None:
    one = TABLE[TABLE["seed"] == 0].copy()
    words = " ".join(study_report(made(one, reference="ideal"), "devicekit study t").summary)
    assert "3 seeds" in words
    one.loc[one["case"] == "ideal", "accuracy_mean_last"] = np.nan
    words = " ".join(study_report(made(one, reference="ideal"), "devicekit study t").summary)
    assert "cannot be ranked" in words


def test_two_seeds_give_no_interval() -> None:
    """Student's t of two values would span 0 to 100 %."""
    two = made(TABLE[TABLE["seed"] < 2], reference="ideal")
    assert two.summary()[["low", "high"]].isna().all(axis=None)
    assert two.losses()[["low", "high"]].isna().all(axis=None)
    assert made(reference="ideal").summary()[["low", "high"]].notna().all(axis=None)
    assert all("95 %" not in each for each in study_report(two, "devicekit study t").summary)


def test_cases_of_the_same_runs_have_no_winner() -> None:
    ideal = TABLE[TABLE["case"] == "ideal"]
    twice = made(pd.concat([ideal, ideal.assign(case="again"), TABLE[TABLE["case"] == "stuck"]]))
    assert twice.same_runs == [["ideal", "again"]]
    first, same, *_ = study_report(twice, "devicekit study t").summary
    assert all(case in sentence for case in ("ideal", "again") for sentence in (first, same))
    assert made().same_runs == []


def test_the_headline_is_of_the_study_not_of_a_baseline() -> None:
    table = TABLE.copy()
    table.loc[table["case"].str.startswith("baseline"), "accuracy_mean_last"] = 0.999
    words = " ".join(study_report(made(table), "devicekit study t").summary)
    assert "97.00 % (95 %: 94.52 % to 99.48 %), ideal" in words


@pytest.mark.parametrize(
    ("epochs", "words"),
    [
        ([20] * 12, "mean of the last 3 epochs,"),
        ([2] * 12, "mean of 2 epochs,"),
        ([1] * 12, "after 1 epoch,"),
        ([2, 9] * 6, "or of all where there are fewer"),
    ],
)
def test_the_caption_says_which_epochs(epochs: list[int], words: str) -> None:
    page = study_report(made(TABLE.assign(epochs=epochs)), "devicekit study t").to_html()
    assert words in page


def test_a_study_on_synthetic_devices_says_so_and_a_label_cannot_be_a_formula() -> None:
    table = TABLE.assign(synthetic=True)
    table["case"] = table["case"].str.replace("noisy", "price $\\frac$ \x1blow")
    page = study_report(made(table, reference="ideal"), "devicekit study t").to_html()
    assert "SYNTHETIC DATA" in page
    assert plain("$\\frac$ \x1blow") == r"\$\frac\$  low"
    assert "SYNTHETIC DATA" not in study_report(made(), "devicekit study t").to_html()


@pytest.mark.parametrize(
    ("cells", "marks"),
    [
        (["SYNTHETIC", "PUBLISHED"], ("SYNTHETIC", "PUBLISHED")),
        (["SYNTHETIC", ""], ("SYNTHETIC",)),  # beside measured ones
        (["SYNTHETIC SIMULATED", None], ("SYNTHETIC", "SIMULATED")),
        ([""], ()),
    ],
)
def test_a_page_has_the_marks_of_each_of_its_devices(cells: list[str | None], marks: tuple[str, ...]) -> None:
    table = TABLE.assign(**{MARK_COLUMN: [cells[k % len(cells)] for k in range(len(TABLE))]})
    assert set(study_report(made(table), "devicekit study t").marks) == set(marks)
