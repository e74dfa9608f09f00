"""Measure the shipped curves again: `python -m snn.benchmark [--jobs N]`, about nine minutes on one core.

With `--only FLAW` the other curves are kept.
"""

from __future__ import annotations

import argparse
import json

from devicekit.system import writing
from snn.benchmark.curves import SHIPPED, Curves, measure
from snn.benchmark.flaws import SEVERITIES
from snn.benchmark.task import few_shot


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m snn.benchmark", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1, help="number of processes")
    parser.add_argument("--only", action="append", metavar="FLAW", help="measure this flaw only; repeatable")
    arguments = parser.parse_args()
    flaws = [flaw for flaw in SEVERITIES if arguments.only is None or flaw.name in arguments.only]
    curves = measure(few_shot(), flaws, jobs=arguments.jobs)
    if arguments.only is not None:
        kept: Curves = json.loads(SHIPPED.read_text(encoding="utf-8"))
        of_flaws = {**kept["flaws"], **curves["flaws"]}
        kept["flaws"] = {flaw.name: of_flaws[flaw.name] for flaw in SEVERITIES if flaw.name in of_flaws}
        curves = kept
    writing.write_text(SHIPPED, json.dumps(curves, indent=1) + "\n", replace=True)


if __name__ == "__main__":
    main()
