"""Fits of very many traces: streamed in chunks, in parallel, in one given window, reproducible."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from devicekit.core.calls import as_reals
from devicekit.core.errors import TraceError, UsageError
from devicekit.device.blocks import Window
from devicekit.fitting.branch import search
from devicekit.fitting.branch.checks import check_curve
from devicekit.fitting.branch.fit import build_box
from devicekit.fitting.branch.options import FitOptions
from devicekit.fitting.branch.trains import estimate_noise
from devicekit.models import kernel

if TYPE_CHECKING:
    from devicekit.models.law import Law

CHUNK = 250  # traces per task: about a second of work, so that overhead and memory are small


def _fit_chunk(
    first: int, traces: list[np.ndarray], window: Window, direction: str, options: FitOptions
) -> pd.DataFrame:
    rows = [_fit_one(first + k, trace, window, direction, options.law) for k, trace in enumerate(traces)]
    return pd.DataFrame(rows)


def _fit_one(number: int, trace: np.ndarray, window: Window, direction: str, law: Law) -> dict[str, object]:
    r = window.to_state(trace)
    x = r if direction == "ltp" else 1.0 - r
    noise = estimate_noise(x)
    names = law.names
    row: dict[str, object] = {"trace": number, "status": "done", "warnings": "", "noise": noise}
    try:
        warnings = check_curve(x, direction, noise)
    except TraceError as error:
        return {
            **row,
            "status": str(error),
            **dict.fromkeys((*names, "rms", "nrmse"), np.nan),
            "at_bound": "",
        }
    seen = np.isfinite(x)
    found = search.search(law, x, seen.astype(float), build_box(law, x, noise), noise)
    path = kernel.simulate(law.id, found.parameters[:-1], found.parameters[-1], x.size - 1)
    rms = float(np.sqrt(np.mean((path[seen] - x[seen]) ** 2)))
    return {
        **row,
        "warnings": " ".join(warning.code for warning in warnings),
        **dict(zip(names, found.parameters.tolist(), strict=True)),
        "rms": rms,
        "nrmse": rms / float(np.nanmax(x) - np.nanmin(x)),
        "at_bound": " ".join(name for name, hit in zip(names, found.at_bound, strict=True) if hit),
    }


def fit_many(
    traces: Iterable[np.ndarray],
    window: Window,
    direction: str,
    options: FitOptions | None = None,
    *,
    jobs: int = 1,
    chunk: int = CHUNK,
) -> Iterator[pd.DataFrame]:
    """Fit a stream of traces; memory does not grow with their number.

    Parameters
    ----------
    traces : iterable of ndarray
        Conductances [S] (or weights) after 0, 1, 2, ... pulses; NaN where nothing was read. Read lazily.
    window : Window
        The one normalisation of the set.
    direction : {"ltp", "ltd"}
        Of every trace.
    options : FitOptions, optional
        Law; loss and estimator are always linear and mean.
    jobs : int
        Processes; inside `joblib.parallel_config(backend="dask")` the cluster's workers.
    chunk : int
        Traces a task.

    Yields
    ------
    pandas.DataFrame
        In order, a row for each trace: parameters on the rising coordinate, rms and nrmse, warnings, parameters at a
        bound, and status ("done", or why the trace cannot be fitted). lmfit is not used.
    """
    import joblib

    options = options or FitOptions()
    if options.is_constrained:
        raise UsageError("Fits of many curves cannot have fixed or bounded coefficients.")
    stream = iter(traces)
    numbers = itertools.count(0, chunk)
    chunks = iter(lambda: [as_reals(trace, "each trace") for trace in itertools.islice(stream, chunk)], [])
    pool = joblib.Parallel(n_jobs=jobs, return_as="generator", pre_dispatch="2*n_jobs")
    yield from pool(
        joblib.delayed(_fit_chunk)(number, part, window, direction, options)
        for number, part in zip(numbers, chunks, strict=False)
    )
