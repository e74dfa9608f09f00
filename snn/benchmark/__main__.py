"""Repeat the reference measurements: `python -m snn.benchmark curves [--jobs N]`, or `null [--seeds N]`.

`curves` rewrites the shipped curves (about nine minutes on one core), or those of `--only FLAW`; `null` prints the null
standard deviations for `snn.benchmark.task.NULL_SD` (about a minute for each data set; two with --data-dir).
"""

from __future__ import annotations

import argparse
import json

from devicekit.system import writing
from snn.benchmark.curves import SHIPPED, Curves, measure
from snn.benchmark.flaws import SEVERITIES
from snn.benchmark.measure import null_sd
from snn.benchmark.task import few_shot


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m snn.benchmark", description=__doc__)
    parser.add_argument("what", choices=["curves", "null"])
    parser.add_argument("--jobs", type=int, default=1, help="number of processes (curves)")
    parser.add_argument("--only", action="append", metavar="FLAW", help="measure this flaw only (curves); repeatable")
    parser.add_argument("--seeds", type=int, default=400, help="number of seeds (null)")
    parser.add_argument("--data-dir", help="folder with Optdigits, to include that data set (null)")
    arguments = parser.parse_args()
    if arguments.what == "curves":
        flaws = [flaw for flaw in SEVERITIES if arguments.only is None or flaw.name in arguments.only]
        curves = measure(few_shot(), flaws, jobs=arguments.jobs)
        if arguments.only is not None:
            kept: Curves = json.loads(SHIPPED.read_text(encoding="utf-8"))
            of_flaws = {**kept["flaws"], **curves["flaws"]}
            kept["flaws"] = {flaw.name: of_flaws[flaw.name] for flaw in SEVERITIES if flaw.name in of_flaws}
            curves = kept
        writing.write_text(SHIPPED, json.dumps(curves, indent=1) + "\n", replace=True)
        return
    for name in ("digits", "optdigits") if arguments.data_dir else ("digits",):
        found = null_sd(few_shot(name, arguments.data_dir), arguments.seeds)
        print(name, {variant: round(value, 5) for variant, value in found.items()})


if __name__ == "__main__":
    main()
