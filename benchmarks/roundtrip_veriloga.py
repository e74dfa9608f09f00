"""Compile the Verilog-A export with OpenVAF, run it in ngspice, and compare with a DeviceArray.

    python benchmarks/roundtrip_veriloga.py --compiler openvaf-r

Wanted: ngspice 44 and OpenVAF-reloaded (openvaf-r: OSDI 0.4 or later; older openvaf writes OSDI 0.3, which ngspice
44 refuses). The netlist is the exported one: 100 LTP and 100 LTD voltage pulses, read in between.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from roundtrip import each_card

from devicekit.device.card import DeviceCard
from devicekit.exporters.base import PULSES
from devicekit.exporters.compact import ASSUMED_WIDTH


def run_ngspice(folder: Path, compiler: str, width: float) -> dict[str, Any]:
    """Conductance [S] before the first and after each pulse, read in the middle of the gaps, and the count."""
    (source,) = folder.glob("*.va")
    (net,) = folder.glob("*.cir")
    subprocess.run([compiler, source.name, "-o", f"{source.stem}.osdi"], cwd=folder, check=True, capture_output=True)
    subprocess.run(["ngspice", "-b", net.name], cwd=folder, check=True, capture_output=True)
    time, _, counted, conductance = np.loadtxt(folder / f"{source.stem}.txt", skiprows=1).T
    at = 0.25 * width + 2.0 * width * np.arange(2 * PULSES + 1)
    return {
        "value": np.interp(at, time, conductance),
        "pulses counted": round(float(np.interp(at[-1], time, counted)), 2),
    }


def _version(*command: str) -> str:
    text = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return next((line.strip("* ").split(" :")[0] for line in text.splitlines() if line.strip("* ")), "?")


def main() -> None:
    made = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    made.add_argument("--compiler", default="openvaf-r")
    compiler = made.parse_args().compiler
    for tool in (compiler, "ngspice"):
        if shutil.which(tool) is None:
            print(f"skipped: {tool} is not installed")
            sys.exit(0)
    print(_version(compiler, "--version"), "|", _version("ngspice", "--version"))

    def peer(card: DeviceCard, folder: Path) -> dict[str, Any]:
        return run_ngspice(folder, compiler, card.conditions.pulse_width_s or ASSUMED_WIDTH)

    each_card("veriloga", peer)


if __name__ == "__main__":
    main()
