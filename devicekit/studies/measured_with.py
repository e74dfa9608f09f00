"""Task, network, data and settings of the runs of a study, in one line, as tables of rankings show them."""

from __future__ import annotations

import pandas as pd

from devicekit.core.text import count
from devicekit.studies.spec import StudySpec

_SHOWN_ELSEWHERE = {"label", "data", "data_dir", "epochs", "hidden"}


def measured_with(spec: StudySpec, runs: pd.DataFrame) -> str:
    """Return what the runs of one setting have in common.

    Parameters
    ----------
    spec : StudySpec
    runs : pandas.DataFrame
        Rows of the study's table.

    Returns
    -------
    str
        "this study, task train: 64-100-10, 5 epochs, random 75/25 split ...; policy=stochastic". What the rows of an
        earlier version do not hold is left out.
    """
    parts = [_common(runs, "network")]
    epochs = _common(runs, "epochs")
    parts.append(count(int(float(epochs)), "epoch") if epochs else "")
    parts.append(_common(runs, "data_split"))
    names = dict.fromkeys([*spec.fixed, *(name for case in spec.cases for name in case), *spec.grid])
    kept = [each for each in names if each not in _SHOWN_ELSEWHERE and each != spec.device_key]
    settings = ", ".join(f"{name}={value}" for name in kept if (value := _common(runs, name)))
    task = ": ".join(filter(None, (f"this study, task {spec.task}", ", ".join(filter(None, parts)))))
    return "; ".join(filter(None, (task, settings)))


def _common(runs: pd.DataFrame, name: str) -> str:
    """Return the value that a column has in all rows that hold one; empty if they differ or hold none."""
    found = runs[name].dropna().unique().tolist() if name in runs else []
    return str(found[0]) if len(found) == 1 else ""
