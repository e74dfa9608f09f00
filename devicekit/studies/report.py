"""The report page of a study."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from devicekit.core.intervals import FEWEST_VALUES, LEVEL, with_interval
from devicekit.core.quantities import LAST_EPOCHS
from devicekit.core.scalars import Scalar
from devicekit.core.text import count, listed
from devicekit.names import MARK_COLUMN, marks_of_cells
from devicekit.report import FIGURE_SIZE, Block, Report, Section, Table, Text, draw, mark_keys
from devicekit.report.shared import provenance_section
from devicekit.studies.ranking_report import rank_section, rank_words
from devicekit.studies.result import BASELINE, StudyResult

if TYPE_CHECKING:
    import pandas as pd

    from devicekit.studies.ranking import Agreement, Ranking

_NUMBERS = {
    "mean": "test accuracy, mean",
    "sd": "sd over seeds",
    "sd_seeds": "sd over seeds, one card",
    "sd_pool": "sd by the fit's uncertainty",
}

_ENDS = "95 % interval"


def _percent(value: float | None) -> str:
    return "–" if value is None or value != value else f"{100 * value:.2f} %"


def study_report(result: StudyResult, command: str) -> Report:
    """Return the page: verdict, figure and table over seeds with the values of the paper, remarks, failures."""
    spec = result.spec
    summary = result.summary()
    agreements = result.agreements()
    rankings, pairs = result.rankings(), result.pairs()
    sections = [rank_section(rankings, pairs)] if rankings else []
    sections += [_ranking(result)] if spec.reference else []
    sections.append(_result(result, summary))
    if len(result.failed):
        failed = [("; ".join(runs), reason) for reason, runs in result.failures.items()]
        sections.append(Section("Failed runs", "failed", [Table(("case", "reason"), failed, "Left out above.")]))
    sections.append(_provenance(result, command))
    words = _words(result, summary, rank_words(rankings, agreements, pairs))
    return Report(
        spec.title or spec.name,
        words[0],
        words,
        sections,
        marks=_marks(result.table),
        pictures=[figure for section in sections[: 1 if rankings else None] for figure in section.figures],
        numbers=_numbers(result, summary, agreements, rankings),
        source=f"study {spec.name}, {count(len(result.table), 'run')}, {count(len(spec.seeds), 'seed')}",
    )


def _marks(table: pd.DataFrame) -> tuple[str, ...]:
    """Return the marks that the device of any run has."""
    if MARK_COLUMN in table:
        return mark_keys(marks_of_cells(table[MARK_COLUMN].unique()) or ())
    synthetic = "synthetic" in table and bool((table["synthetic"] == True).any())  # noqa: E712 - NaN
    return ("SYNTHETIC",) if synthetic else ()


def _numbers(
    result: StudyResult, summary: pd.DataFrame, agreements: Sequence[Agreement], rankings: Sequence[Ranking]
) -> list[Scalar]:
    """Return rank correlations or distances of devices; else the largest losses and the highest accuracies."""
    if agreements:
        return [
            Scalar.from_estimate("rank_correlation", f"rank correlation, {each.setting}", each.rho)
            for each in agreements
        ]
    if rankings and not result.spec.reference:
        return [
            Scalar("distance", f"lowest to highest device, {each.name}", 100 * each.spread.distance, "points")
            for each in rankings
            if each.own
        ]
    rows = result.losses().head(3).to_dict("records") if result.spec.reference else []
    lost = [
        (("loss", f"{row['case']}: loss", 100 * row["loss"], "points"), _ends(100 * row["low"], 100 * row["high"]))
        for row in rows
    ]
    own = summary[~summary["case"].str.startswith(BASELINE)]
    ranked = own.sort_values("mean", ascending=False).to_dict("records") if "mean" in summary else []
    reached = [(("accuracy", row["case"], row["mean"]), _ends(row["low"], row["high"])) for row in ranked]
    return [
        *(Scalar(*number, low=low, high=high) for number, (low, high) in lost),
        *(Scalar(*number, of="test samples", low=low, high=high) for number, (low, high) in reached),
    ]


def _ends(low: float, high: float) -> tuple[float | None, float | None]:
    """Return the ends of an interval as those of a number, None without an interval."""
    return (None, None) if low != low else (low, high)


def _words(result: StudyResult, summary: pd.DataFrame, ranks: list[str]) -> list[str]:
    """Return the study in plain sentences: what costs most, what does best, how many runs that rests on."""
    spec = result.spec
    if len(result.failed) == len(result.table):
        return [
            f"None of the {count(len(result.table), 'run')} finished: {next(iter(result.failures), 'none was started')}"
        ]
    words = [*ranks, *([_largest_loss(result)] if spec.reference else [])]
    own = summary[~summary["case"].str.startswith(BASELINE)]
    ranked = own.sort_values("mean", ascending=False).to_dict("records") if "mean" in summary else []
    if ranked and ranked[0]["n"]:
        best = ranked[0]
        shown = with_interval(best["mean"], (best["low"], best["high"]), show=_percent, level=LEVEL)
        equal = [str(each["case"]) for each in ranked if each["mean"] == best["mean"]]
        highest = "Mean test accuracy" if len(equal) == len(ranked) > 1 else "Highest mean test accuracy"
        words.append(f"{highest}: {shown}, {listed(equal)}.")
    words += [f"Cases {listed(cases)} are the same runs." for cases in result.same_runs]
    failed = len(result.failed)
    ends = "; intervals over cards" if spec.pool else "; intervals over them"
    if "low" in summary and summary["low"].isna().all():
        ends = "; too few cards for an interval" if spec.pool else ": too few for an interval"
    words.append(
        f"{count(len(result.table), 'run')}, {failed or 'none'} failed; {count(len(spec.seeds), 'seed')} a "
        f"{'card' if spec.pool else 'case'}{ends}."
    )
    if message := result.of_other_versions:
        words.append(message)
    return words


def _result(result: StudyResult, summary: pd.DataFrame) -> Section:
    """Accuracy of every case."""
    spec = result.spec
    splits = sorted(set(result.table["data_split"].dropna())) if "data_split" in result.table else []
    names = [name for name in _NUMBERS if name in summary]
    pooled = {"sd": "sd over cards"} if spec.pool else {}
    labels = [{**_NUMBERS, **pooled}[name] for name in names]
    header = ["case", "cards" if spec.pool else "runs", *labels[:1], *([_ENDS] if labels else []), *labels[1:]]
    rows = []
    for row in summary.to_dict("records"):
        shown = [_percent(row[name]) for name in names]
        ends = (
            [f"{_percent(row['low'])} to {_percent(row['high'])}" if row["low"] == row["low"] else "–"] if names else []
        )
        rows.append([str(row["case"]), str(row["n"]), *shown[:1], *ends, *shown[1:]])
    if "paper" in summary:
        header.append("paper")
        rows = [[*row, str(printed)] for row, printed in zip(rows, summary["paper"], strict=True)]
    split = "; ".join(splits) or "none"
    blocks: list[Block] = [
        draw(
            result.panel(),
            f"Test accuracy, {_last(result)}, over {count(len(spec.seeds), 'seed')}; bars: 95 % intervals.",
            "Test accuracy of every case of the study with its 95 % interval",
            _size(len(summary)),
            title="Test accuracy of every case; bars: 95 % intervals.",
        ),
        Table(header, rows, f"Data split: {split}. No choice was made on the test part."),
    ]
    if spec.remarks:
        blocks.append(Text(spec.remarks))
    return Section("Result", "result", blocks)


def _last(result: StudyResult) -> str:
    """Return which epochs the accuracy of a run is the mean of."""
    if result.spec.task == "few-shot":
        return "after the last of 4 epochs of 500 images"
    if result.spec.outcome == "accuracy_on_devices":
        return f"on devices (offline: once, programmed after the last epoch; in situ: {_epochs(result)})"
    return _epochs(result)


def _epochs(result: StudyResult) -> str:
    epochs: list[int] = [int(n) for n in result.table["epochs"].dropna()] if "epochs" in result.table else []
    fewest = min(epochs, default=LAST_EPOCHS)
    if fewest >= LAST_EPOCHS:
        return f"mean of the last {LAST_EPOCHS} epochs"
    if fewest == max(epochs):
        return "after 1 epoch" if fewest == 1 else f"mean of {fewest} epochs"
    return f"mean of the last {LAST_EPOCHS} epochs, or of all where there are fewer"


def _size(cases: int) -> tuple[float, float]:
    """Return the size of a figure with one line a case [inch]."""
    return FIGURE_SIZE[0], 0.8 + 0.32 * max(cases, 1)


def _ranking(result: StudyResult) -> Section:
    """Return what each case costs against the reference case."""
    losses = result.losses()
    figure = draw(
        result.losses_panel(),
        f"Loss of each case against '{result.spec.reference}', same seed in both; bars: 95 % "
        "intervals over pairs of seeds. A loss whose bar reaches 0 is not significant.",
        "Loss of accuracy of every case, the largest on top",
        _size(len(losses)),
        title="Loss of each case; bars: 95 % intervals.",
    )
    rows = []
    for row in losses.to_dict("records"):
        value, low, high = (
            f"{100 * row[name]:.2f}" if row[name] == row[name] else "–" for name in ("loss", "low", "high")
        )
        rows.append((str(row["case"]), str(row["n"]), value, low if low == "–" else f"{low} to {high}"))
    head = ("case", "pairs of seeds", "loss [points]", f"{_ENDS} [points]")
    return Section("Which case matters", "ranking", [figure, Table(head, rows, "Losses in numbers.")])


def _largest_loss(result: StudyResult) -> str:
    """Return a sentence on the largest loss, or that none is significant."""
    losses = result.losses()
    if losses["loss"].isna().all():
        return f"Cases cannot be ranked: '{result.spec.reference}' and another case must finish for the same seed."
    if losses["low"].isna().all():
        return f"Losses against '{result.spec.reference}' cannot be judged: an interval needs {FEWEST_VALUES} seeds."
    reference = f"'{result.spec.reference}'"
    for row in losses.dropna(subset=["low"]).to_dict("records"):  # the largest first
        if row["low"] > 0:
            shown = f"{100 * row['loss']:.2f} points (95 %: {100 * row['low']:.2f} to {100 * row['high']:.2f})"
            return f"The largest significant loss against {reference}: {row['case']}, {shown}."
    return f"No case loses significantly against {reference}: each 95 % interval of a loss reaches 0."


def _provenance(result: StudyResult, command: str) -> Section:
    """Return settings, seeds, versions, and the command that makes it again."""
    spec = result.spec
    rows = [("study", spec.name), ("task", spec.task), ("seeds", ", ".join(map(str, spec.seeds)))]
    rows += [(f"setting: {name}", str(value)) for name, value in spec.fixed.items()]
    if "devicekit" in result.table:
        rows.append(("devicekit", ", ".join(sorted(set(result.table["devicekit"].dropna().astype(str))))))
    again = "To make this report again (finished runs are not repeated):"
    return provenance_section(rows, command, again)
