"""The outcome of a study: its table, means over seeds, and what each case costs."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from devicekit._version import __version__
from devicekit.core.errors import ParameterError
from devicekit.core.intervals import FEWEST_VALUES, LEVEL, t_ends, with_interval
from devicekit.core.printing import Printed
from devicekit.core.text import count, listed, percent
from devicekit.plot import Panel
from devicekit.studies import figures
from devicekit.studies.measured_with import measured_with
from devicekit.studies.ranking import Agreement, Ranking, all_devices, compare_all, own_rankings
from devicekit.studies.spec import StudySpec, labels_without
from devicekit.studies.tasks import get_task

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BASELINE = "baseline: "  # how the label of an ordinary classifier begins


@dataclass(frozen=True, eq=False)
class StudyResult(Printed):
    """The runs of a study.

    Attributes
    ----------
    spec : StudySpec
        The study.
    table : pandas.DataFrame
        One row a run, in order: settings, seed, status, reason, metrics.
    redone : tuple of str
        A sentence for each run that had a damaged result and was made again.
    """

    spec: StudySpec
    table: pd.DataFrame
    redone: tuple[str, ...] = ()

    @property
    def outcome(self) -> str:
        """The column that the study is about."""
        return self.spec.outcome or get_task(self.spec.task).outcome

    @property
    def failed(self) -> pd.DataFrame:
        """The runs that failed, each with its reason."""
        return self.table[self.table["status"] == "failed"]

    @property
    def failures(self) -> dict[str, list[str]]:
        """Runs that failed for each reason, as "case (seeds 0 and 1)"."""
        found: dict[str, list[str]] = {}
        for (reason, case), rows in self.failed.groupby(["reason", "case"], sort=False):
            seeds = [str(each) for each in rows["seed"]]
            found.setdefault(str(reason), []).append(f"{case} (seed{'s' * (len(seeds) > 1)} {listed(seeds)})")
        return found

    @property
    def same_runs(self) -> list[list[str]]:
        """Groups of cases that are the same runs: equal in every setting and result, but not in name."""
        card = ["card"] if "card_sha256" in self.table and self.table["card_sha256"].notna().all() else []
        done = self.table[self.table["status"] == "done"].drop(columns=card, errors="ignore")
        found: dict[str, list[str]] = {}
        for case, rows in done.groupby("case", sort=False):
            found.setdefault(rows.drop(columns="case").to_csv(index=False), []).append(str(case))
        return [cases for cases in found.values() if len(cases) > 1]

    @property
    def versions(self) -> dict[str, int]:
        """Number of runs by version of devicekit, this version included."""
        if "devicekit" not in self.table:
            return {}
        return {str(name): int(number) for name, number in self.table["devicekit"].value_counts().items()}

    @property
    def of_other_versions(self) -> str | None:
        """A sentence that names the runs that another version made, or None."""
        others = {name: number for name, number in self.versions.items() if name != __version__}
        if not others:
            return None
        found = listed([f"{count(number, 'run')} of devicekit {name}" for name, number in others.items()])
        return f"These results hold {found}; this is {__version__}. Option redo repeats those runs."

    def summary_lines(self) -> list[str]:
        """Return the mean outcome of each case, over its seeds."""
        found = self.summary()
        if "mean" not in found:
            return [f"{count(len(self.table), 'run')}, none with a result"]
        return [
            f"{row['case']}: {self.outcome} {row['mean']:.4g} ({count(row['n'], 'run')})" for _, row in found.iterrows()
        ]

    def summary(self, outcome: str | None = None) -> pd.DataFrame:
        """Return the mean of each case over its seeds, in the study's order.

        Columns: case, n, mean, sd and se (standard deviation and error), low and high (95 % interval of the mean by
        Student's t, within 0 and 1 where the outcome is an accuracy; NaN with fewer than three seeds). Where keys are
        pooled, over the pooled values, each the mean of its seeds; `sd_seeds` is then the standard deviation over seeds
        at one pooled value, `sd_pool` what is left for the pooled values when the part of it in their means is taken
        off: the spread that the fit's uncertainty alone makes.
        """
        outcome = outcome or self.outcome
        if outcome not in self.table:
            return pd.DataFrame({"case": list(dict.fromkeys(self.table["case"])), "n": 0})
        table = self.table
        pooled = [name for name in self.spec.pool if name in table]
        if pooled:  # seeds on one card are no independent draws of the card
            within = table.groupby(["case", *pooled], sort=False)[outcome]
            table = within.agg(mean="mean", variance="var", seeds="count").reset_index()
            table = table.rename(columns={"mean": outcome})
        groups = table.groupby("case", sort=False)[outcome]
        summary = groups.agg(["count", "mean", "std"]).reset_index()
        summary.columns = pd.Index(["case", "n", "mean", "sd"])
        summary["se"] = summary["sd"] / summary["n"] ** 0.5
        summary["low"], summary["high"] = _ends(summary["mean"], summary["se"], summary["n"])
        if "accuracy" in outcome:
            summary[["low", "high"]] = summary[["low", "high"]].clip(0.0, 1.0)
        if pooled:
            by_case = table.groupby("case", sort=False)
            variance = by_case["variance"].mean().to_numpy()
            rest = summary["sd"] ** 2 - variance / by_case["seeds"].mean().to_numpy()
            summary["sd_seeds"] = variance**0.5
            summary["sd_pool"] = rest.clip(lower=0.0) ** 0.5
        if self.spec.paper:
            summary["paper"] = summary["case"].map(self.spec.paper).fillna("")
        return summary

    def losses(self, outcome: str | None = None) -> pd.DataFrame:
        """Return what each case costs against the reference case, largest first.

        Returns
        -------
        pandas.DataFrame
            case, n, loss (mean over seeds of reference minus case, the same seed in both; fraction), sd, se, low and
            high (95 % interval of the loss by Student's t over the pairs).

        Raises
        ------
        ParameterError
            If the study names no reference case.
        """
        if not self.spec.reference:
            raise ParameterError("this study names no reference case to rank against")
        columns, outcome = ["case", "n", "loss", "sd", "se", "low", "high"], outcome or self.outcome
        if outcome not in self.table:
            return pd.DataFrame(columns=columns)
        wide = self.table.pivot_table(index="seed", columns="case", values=outcome, sort=False)
        if self.spec.reference not in wide:
            return pd.DataFrame(columns=columns)
        others = wide.drop(columns=self.spec.reference)
        lost = others.rsub(wide[self.spec.reference], axis=0)
        ranked = pd.DataFrame({"n": lost.count(), "loss": lost.mean(), "sd": lost.std()})
        ranked["se"] = ranked["sd"] / ranked["n"] ** 0.5
        ranked["low"], ranked["high"] = _ends(ranked["loss"], ranked["se"], ranked["n"])
        ranked = ranked[~ranked.index.str.startswith(BASELINE)]
        return ranked.sort_values("loss", ascending=False).reset_index(names="case")[columns]

    def rankings(self) -> list[Ranking]:
        """Return how others rank the devices, as published first, then how each setting does; none without devices.

        Each ranking holds the devices that it has a value of: a pair is compared over those that both have.
        """
        spec, key = self.spec, self.spec.device_key
        if not key:
            return []
        names = labels_without(spec, key)
        own = [
            replace(each, settings=measured_with(spec, self.table[self.table["case"].map(names) == each.name]))
            for each in own_rankings(self.table, key, spec.devices, self.outcome, names)
        ]
        if len(all_devices(own)) < 2:
            return []
        if (published := spec.published) is None:
            return own
        values = published.values_of(list(map(str, spec.devices)))
        first = Ranking(published.by, {name: [value] for name, value in values.items()}, published.settings)
        return [first, *(Ranking(each.by, each.values, each.settings) for each in published.others), *own]

    def agreements(self) -> list[Agreement]:
        """Return how far each setting ranks the devices as published, if the study names published values."""
        if (published := self.spec.published) is None:
            return []
        return [each for each in self.pairs() if each.by == published.by and each.setting not in published.names]

    def pairs(self) -> list[Agreement]:
        """Return how alike each two of the rankings are, those of others included."""
        return self._pairs

    @cached_property
    def _pairs(self) -> list[Agreement]:
        return compare_all(self.rankings())

    def panel(self, outcome: str | None = None) -> Panel:
        """Mean over seeds of every case, first case on top, with its 95 % interval."""
        summary = self.summary(outcome)
        if "mean" not in summary:
            return figures.means((), np.empty(0), np.empty(0), np.empty(0))
        return figures.means(
            tuple(summary["case"]), *(summary[each].to_numpy(float) for each in ("mean", "low", "high"))
        )

    def losses_panel(self, outcome: str | None = None) -> Panel:
        """Return the panel of losses against the reference case, the largest on top; bars: 95 % intervals."""
        losses = self.losses(outcome)
        return figures.losses(
            tuple(losses["case"]), *(losses[each].to_numpy(float) for each in ("loss", "low", "high"))
        )

    def plot(self, ax: Axes | None = None, outcome: str | None = None) -> Axes:
        """Draw `panel`."""
        return self.panel(outcome).draw(ax)

    def _repr_html_(self) -> str:
        from devicekit.report.notebook import html

        rows = []
        for row in self.summary().to_dict("records"):
            ends = (row["low"], row["high"]) if "low" in row else None
            shown = "–" if "mean" not in row else with_interval(row["mean"], ends, show=percent, level=LEVEL)
            rows.append((f"{row['case']} ({row['n']} runs)", shown))
        splits = sorted(set(self.table["data_split"].dropna())) if "data_split" in self.table else []
        rows.append(("data split", "; ".join(map(str, splits)) or "none"))
        return html(f"Study {self.spec.title or self.spec.name}: test accuracy", rows, self.panel())

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        summary = self.summary()
        return {
            "study": self.spec.name,
            "runs": len(self.table),
            "failed": [
                {"case": row["case"], "seed": int(row["seed"]), "reason": row["reason"]}
                for row in self.failed.to_dict("records")
            ],
            "redone": list(self.redone),
            "summary": json.loads(summary.to_json(orient="records")),
            **(self._ranks() if self.spec.device_key else {}),
            **({"losses": json.loads(self.losses().to_json(orient="records"))} if self.spec.reference else {}),
        }

    def _ranks(self) -> dict[str, Any]:
        """How each setting ranks the devices as published, each pair of rankings, and how far apart devices are."""
        return {
            "agreement": [each.as_dict() for each in self.agreements()],
            "pairs": [each.as_dict() for each in self.pairs()],
            "spread": [each.spread.as_dict() for each in self.rankings()],
        }


def _ends(mean: pd.Series, error: pd.Series, n: pd.Series) -> tuple[list[float], list[float]]:
    """Return the ends of the 95 % intervals of means, NaN where a mean rests on fewer than three values."""
    ends = [
        t_ends(float(m), float(e), int(k)) if k >= FEWEST_VALUES else (np.nan, np.nan)
        for m, e, k in zip(mean, error, n, strict=True)
    ]
    return [low for low, _ in ends], [high for _, high in ends]
