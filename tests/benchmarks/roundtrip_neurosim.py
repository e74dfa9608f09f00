"""Give NeuroSim's own RealDevice the exported numbers, pulse it, and compare with the fitted exponential and the law.

    git clone https://github.com/neurosim/MLP_NeuroSim_V3.0
    python tests/benchmarks/roundtrip_neurosim.py --repo MLP_NeuroSim_V3.0

Wanted: g++. The driver below is ours; NeuroSim's code (CC BY-NC 4.0) is compiled where it lies and not copied.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from roundtrip import cards

from devicekit.exporters import export
from devicekit.exporters.exponential import curve

DRIVER = r"""
#include <cstdio>
#include <cstdlib>
#include <random>
#include "Cell.h"
#include "formula.h"
std::mt19937 gen(0);
int main(int argc, char** argv) {  // low high NL_LTP NL_LTD levels_LTP levels_LTD
    RealDevice d(0, 0);
    d.minConductance = atof(argv[1]); d.maxConductance = atof(argv[2]);
    d.NL_LTP = atof(argv[3]); d.NL_LTD = atof(argv[4]);
    d.maxNumLevelLTP = atoi(argv[5]); d.maxNumLevelLTD = atoi(argv[6]);
    d.paramALTP = getParamA(d.NL_LTP) * d.maxNumLevelLTP;
    d.paramALTD = getParamA(d.NL_LTD) * d.maxNumLevelLTD;
    d.sigmaCtoC = 0; d.conductance = d.minConductance;
    printf("%.12e\n", d.conductance);
    for (int n = 0; n < d.maxNumLevelLTP; n++) {
        d.Write(1.0 / d.maxNumLevelLTP, 0, 0, 1);
        printf("%.12e\n", d.conductance);
    }
    d.conductance = d.maxConductance;
    printf("%.12e\n", d.conductance);
    for (int n = 0; n < d.maxNumLevelLTD; n++) {
        d.Write(-1.0 / d.maxNumLevelLTD, 0, 0, 1);
        printf("%.12e\n", d.conductance);
    }
}
"""


def build(repo: Path, folder: Path) -> Path:
    (folder / "driver.cpp").write_text(DRIVER)
    program = folder / "driver"
    command = [
        "g++",
        "-O1",
        "-w",
        f"-I{repo}",
        str(folder / "driver.cpp"),
        str(repo / "Cell.cpp"),
        str(repo / "formula.cpp"),
    ]
    subprocess.run([*command, "-o", str(program)], check=True)
    return program


def main() -> None:
    made = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    made.add_argument("--repo", type=Path, required=True, help="checkout of MLP_NeuroSim_V3.0")
    repo = made.parse_args().repo.resolve()
    if shutil.which("g++") is None:
        print("skipped: g++ is not installed")
        sys.exit(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = build(repo, folder)
        for title, card in cards().items():
            out = export(card, "neurosim", folder / "export")
            numbers = json.loads(out.files["neurosim.json"])
            low, high, levels = numbers["minConductance_s"], numbers["maxConductance_s"], numbers["levels"]
            values = [low, high, numbers["NL"]["ltp"], numbers["NL"]["ltd"], levels["ltp"], levels["ltd"]]
            ran = subprocess.run([str(program), *map(repr, values)], capture_output=True, text=True, check=True)
            g = (np.array(ran.stdout.split(), float) - low) / (high - low)
            parts = {"ltp": g[: levels["ltp"] + 1], "ltd": 1.0 - g[levels["ltp"] + 1 :]}
            for direction, path in parts.items():
                a = numbers["A_normalised"][direction]
                fitted = curve(np.linspace(0, 1, path.size), a)
                print(
                    f"{title} {direction.upper()}: NL {numbers['NL'][direction]:g}, {levels[direction]} pulses: "
                    f"largest deviation of the real RealDevice from the fitted exponential "
                    f"{np.abs(path - fitted).max():.1e} "
                    f"(foretold {out.figures[f'recursion_{direction}']:.1e}); misfit of the exponential to the law "
                    f"{out.figures[f'misfit_rms_{direction}']:.2%} rms, "
                    f"{out.figures[f'misfit_largest_{direction}']:.2%} at most"
                )


if __name__ == "__main__":
    main()
