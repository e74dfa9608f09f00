"""Stream synthetic traces through fit_many with joblib, and a part of them with dask: speed, memory, same numbers.

python benchmarks/many_traces.py [COUNT]
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator

import joblib
import numpy as np
import pandas as pd

from devicekit.device.blocks import Window
from devicekit.fitting.many import fit_many
from devicekit.models import kernel
from devicekit.models.laws.eq2 import LAW as EQ2

WINDOW = Window(quantity="weight", low=0.0, high=1.0, scope="truth")


def traces(count: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    for _ in range(count):
        theta = np.array([rng.uniform(-4.4, -3.6), rng.uniform(0.7, 1.0), rng.uniform(0.8, 1.6), -4.0, 1.0, 0.8])
        yield kernel.simulate(EQ2.id, theta, 0.0, 100) + 0.01 * rng.standard_normal(101)


def megabytes(who: int) -> float:
    return resource.getrusage(who).ru_maxrss / 1024


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    began, rows, part = time.perf_counter(), 0, []
    for frame in fit_many(traces(count), WINDOW, "ltp", jobs=2):
        rows += len(frame)
        if rows <= 2000:
            part.append(frame)
    seconds = time.perf_counter() - began
    print(
        f"joblib, 2 processes: {rows} traces in {seconds:.0f} s, {2e3 * seconds / rows:.2f} ms a trace and core; "
        f"largest process {max(megabytes(resource.RUSAGE_SELF), megabytes(resource.RUSAGE_CHILDREN)):.0f} "
        "MB"
    )
    from dask.distributed import Client, LocalCluster

    some = sum(len(frame) for frame in part)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        again = pd.concat(fit_many(traces(some), WINDOW, "ltp", jobs=2), ignore_index=True)
    same = again.equals(pd.concat(part, ignore_index=True))
    print(f"dask, 2 workers: the first {some} traces give the same numbers: {same}")


if __name__ == "__main__":
    main()
