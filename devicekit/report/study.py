"""The report page of a study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from devicekit.report import Listing, Report, Section, Table, Text, draw

if TYPE_CHECKING:
    from devicekit.study import StudyResult


def _percent(value: float | None) -> str:
    return "" if value is None or value != value else f"{value:.2%}"


def study_report(result: StudyResult, command: str) -> Report:
    """Table and figure over seeds, what the paper prints beside it, remarks and failures."""
    spec = result.spec
    summary = result.summary()
    seeds = len(spec.seeds)
    splits = sorted(set(result.table["data_split"].dropna())) if "data_split" in result.table else []
    header = ["case", "runs", "test accuracy, mean", "sd over seeds", "standard error"]
    rows = []
    for row in summary.to_dict("records"):
        numbers = [_percent(row.get(name)) for name in ("mean", "sd", "se")]
        rows.append([str(row["case"]), str(row["n"]), *numbers, *([str(row["paper"])] if spec.paper else [])])
    if spec.paper:
        header.append("paper")
    blocks: list[Any] = [
        draw(
            lambda ax: result.plot(ax=ax),
            f"Test accuracy, mean of the last 3 epochs, over {seeds} seed(s); bars: one standard deviation. "
            + "; ".join(splits),
            "Test accuracy of every case of the study",
            (4.8, 0.8 + 0.32 * len(summary)),
            csv=summary.to_csv(index=False),
        ),
        Table(
            header, rows, f"Data split: {'; '.join(splits) or 'none'}. No choice was made on the test part."
        ),
    ]
    if spec.remarks:
        blocks.append(Text(spec.remarks))
    sections = [Section("Result", "result", blocks)]
    if spec.reference:
        sections.insert(0, _ranking(result))
    if len(result.failed):
        failed = [(row["case"], str(row["seed"]), row["reason"]) for row in result.failed.to_dict("records")]
        sections.append(
            Section("Failed runs", "failed", [Table(("case", "seed", "reason"), failed, "Left out above.")])
        )
    settings = [(name, str(value)) for name, value in spec.fixed.items()]
    held = Table(("setting", "value"), settings, "Held for every run.")
    sections.append(Section("Settings", "settings", [held, Listing(command)]))
    ranked = summary.sort_values("mean", ascending=False).to_dict("records") if "mean" in summary else []
    words = [f"{len(result.table)} runs, {len(result.failed)} failed, {seeds} seed(s) a case."]
    if ranked and ranked[0]["n"]:
        words.append(f"Highest mean test accuracy: {ranked[0]['mean']:.2%} ({ranked[0]['case']}).")
    if spec.reference:
        words.append(_dearest(result))
    return Report(spec.title or spec.name, words, sections)


def _ranking(result: StudyResult) -> Section:
    losses = result.losses()
    figure = draw(
        lambda ax: result.plot_losses(ax=ax),
        f"What each case costs against '{result.spec.reference}', the same seed in both; bars: two standard "
        "errors over seeds. A loss within its bar of 0 is not told from none.",
        "Loss of accuracy of every case, dearest on top",
        (7.0, 0.6 + 0.36 * max(len(losses), 1)),
        csv=losses.to_csv(index=False),
    )
    return Section("Which matters", "ranking", [figure])


def _dearest(result: StudyResult) -> str:
    """The summary's sentence on what costs most, or that nothing can be told apart."""
    losses = result.losses()
    told = losses[losses["loss"] > 2 * losses["se"]]
    if told.empty:
        return f"No case costs more than twice its standard error against '{result.spec.reference}'."
    first = told.iloc[0]
    return (
        f"Dearest against '{result.spec.reference}': {first['case']}, {100 * first['loss']:.2f} points "
        f"(standard error {100 * first['se']:.2f})."
    )
