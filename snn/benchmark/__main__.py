"""Measure again what the benchmark rests on: `python -m snn.benchmark curves [--jobs N]`, or `null [--seeds N]`.

`curves` writes the shipped curves anew (about nine minutes of one core), or those of `--only FLAW`; `null` prints the
null standard deviations that stand in `snn.benchmark.task.NULL_SD` (about ten minutes of one core for each data set,
two with --data-dir).
"""

from __future__ import annotations

import argparse
import json

from devicekit import files
from snn.benchmark.curves import SHIPPED, measure
from snn.benchmark.measure import null_sd
from snn.benchmark.severity import SEVERITIES
from snn.benchmark.task import few_shot


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m snn.benchmark", description=__doc__)
    parser.add_argument("what", choices=["curves", "null"])
    parser.add_argument("--jobs", type=int, default=1, help="processes, for the curves")
    parser.add_argument("--only", action="append", metavar="FLAW", help="of the curves: this one, the others kept")
    parser.add_argument("--seeds", type=int, default=1000, help="of the null")
    parser.add_argument("--data-dir", help="folder with Optdigits, for its null")
    told = parser.parse_args()
    if told.what == "curves":
        flaws = [flaw for flaw in SEVERITIES if told.only is None or flaw.name in told.only]
        curves = measure(few_shot(), flaws, jobs=told.jobs)
        if told.only is not None:
            kept = json.loads(SHIPPED.read_text(encoding="utf-8"))
            found = {**kept["flaws"], **curves["flaws"]}
            curves = {**kept, "flaws": {flaw.name: found[flaw.name] for flaw in SEVERITIES if flaw.name in found}}
        files.write_text(SHIPPED, json.dumps(curves, indent=1) + "\n", replace=True)
        return
    for name in ("digits", "optdigits") if told.data_dir else ("digits",):
        found = null_sd(few_shot(name, told.data_dir), told.seeds)
        print(name, {variant: round(value, 5) for variant, value in found.items()})


if __name__ == "__main__":
    main()
