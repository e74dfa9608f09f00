"""Run the SPICE export in ngspice, and compare with a DeviceArray.

    python benchmarks/roundtrip_spice.py

Wanted: ngspice. The netlist is the exported bench: 100 LTP and 100 LTD voltage pulses, read in between.
"""

from __future__ import annotations

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


def run_ngspice(folder: Path, width: float) -> dict[str, Any]:
    """Conductance [S] before the first and after each pulse, read in the middle of the gaps, and the count."""
    (net,) = folder.glob("*.cir")
    subprocess.run(["ngspice", "-b", net.name], cwd=folder, check=True, capture_output=True)
    time, conductance, counted = np.loadtxt(folder / f"{net.stem}.txt", skiprows=1).T
    at = 0.25 * width + 2.0 * width * np.arange(2 * PULSES + 1)
    count = round(float(np.interp(at[-1], time, counted)), 4)
    return {"value": np.interp(at, time, conductance), "pulses counted": count}


def main() -> None:
    if shutil.which("ngspice") is None:
        print("skipped: ngspice is not installed")
        sys.exit(0)
    version = subprocess.run(["ngspice", "--version"], capture_output=True, text=True, check=False).stdout
    print(next(line.strip("* ").split(" :")[0] for line in version.splitlines() if line.strip("* ")))

    def peer(card: DeviceCard, folder: Path) -> dict[str, Any]:
        return run_ngspice(folder, card.conditions.pulse_width_s or ASSUMED_WIDTH)

    each_card("spice", peer)


if __name__ == "__main__":
    main()
