"""A stand-in program with the structure of NeuroSim, and shared parts of its tests.

It is our own code, with names of NeuroSim only where a pattern needs them. The real one is patched, built and run
by benchmarks/roundtrip_neurosim.py.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from devicekit.device.card import DeviceCard
from devicekit.exporters import Export, ExportOptions, make

from .conftest import shipped

HEAD = """#include <cstdio>
#include <cstdlib>
#include <cmath>
#include <ctime>
#include <random>
typedef std::normal_distribution<double> Normal;
struct RealDevice {
    double maxConductance, minConductance, readVoltage, writeVoltageLTP, writeVoltageLTD, writePulseWidthLTP;
    double writePulseWidthLTD, resistanceAccess, sigmaReadNoise, NL_LTP, NL_LTD, sigmaDtoD, sigmaCtoC, drawnC;
    double maxConductanceVar, minConductanceVar, labelLTP, labelLTD, top;
    int maxNumLevelLTP, maxNumLevelLTD, widthInFeatureSize;
    bool cmosAccess, FeFET, nonlinearIV, nonlinearWrite, nonIdenticalPulse, readNoise, conductanceRangeVar;
    RealDevice(int x, int y);
    void Write(double w);
};
"""
CONSTRUCTOR = """RealDevice::RealDevice(int x, int y) {
\tmaxConductance = 1e-8;\t// the user's own
\tminConductance = 2.5E-9;
\ttop = maxConductance;
\treadVoltage = 0.3; writeVoltageLTP = 0;
\twriteVoltageLTP = 1;
\twriteVoltageLTD = 1.5;
\twritePulseWidthLTP = 1e-6;
\twritePulseWidthLTD = 1e-6;
\tmaxNumLevelLTP = 30;
\tmaxNumLevelLTD = 40;
\tcmosAccess = true;
\tFeFET = false;
\tresistanceAccess = 4e4;\t// ohm
\tif (FeFET) maxConductance = 2 * maxConductance;
\tnonlinearIV = false;
\tnonlinearWrite = false;
\tnonIdenticalPulse = false;
\treadNoise = false;
\tsigmaReadNoise = 0.0;
\tstd::mt19937 localGen;
\tlocalGen.seed(std::time(0));
\tNL_LTP = 1;
\tNL_LTD = -1;
\tsigmaDtoD = 0;
\tNormal labels(0, sigmaDtoD);
\tlabelLTP = NL_LTP + labels(localGen);
\tlabelLTD = NL_LTD + labels(localGen);
\tsigmaCtoC = 0.02 * (maxConductance - minConductance);\t// S
\tdrawnC = sigmaCtoC;
\tconductanceRangeVar = false;
\tmaxConductanceVar = 0;
\tminConductanceVar = 0;
\tNormal* gaussian_dist_maxConductance = new Normal(0, maxConductanceVar);
\tNormal* gaussian_dist_minConductance = new Normal(0, minConductanceVar);
\tif (conductanceRangeVar) {
\t\tmaxConductance += (*gaussian_dist_maxConductance)(localGen);
\t\tminConductance += (*gaussian_dist_minConductance)(localGen);
\t\tif (minConductance >= maxConductance) exit(3);
\t}
\twidthInFeatureSize = cmosAccess? (FeFET? 7 : 4) : 2;
}
"""
REST = """void RealDevice::Write(double w) {
    maxConductance = 7;  // not the constructor's
    w = w * 2;
}
int main(int n, char** v) {
    for (int i = 0; i < atoi(v[1]); i++) {
        RealDevice d(i, 0);
        printf("%.9g %.9g %.9g %.9g %.9g %.9g %d %d %.9g %d\\n", d.labelLTP, d.labelLTD, d.minConductance,
            d.maxConductance, d.drawnC / (d.top - d.minConductance), d.sigmaReadNoise, d.maxNumLevelLTP,
            d.maxNumLevelLTD, d.resistanceAccess, (int)d.nonlinearWrite);
    }
}
"""
FORMULA = "".join(
    f"double {name}(double x) {{\n    return x;\n}}\n"
    for name in ("truncate", "NonlinearWeight", "InvNonlinearWeight", "getParamA")
)
TECHNOLOGY = """void set() {
    if (featureSizeInNano == 20) {
        if (deviceRoadmap == HP) {
            // vdd = 9;
            vdd = 1.0;
            effectiveResistanceMultiplier = 2;
            currentOnNmos[0] = 3e3;
            currentOnNmos[10] = 1000.0;
        } else {
            vdd = 1.0;
            effectiveResistanceMultiplier = 4;
            currentOnNmos[0] = 3e3;
            currentOnNmos[10] = 1000.0;
        }
    } else if (featureSizeInNano == 10) {
        if (deviceRoadmap == HP) {
            vdd = 0.7;
            effectiveResistanceMultiplier = 3;
            currentOnNmos[0] = 1400;
            currentOnNmos[10] = 1400;
        }
    }
}
"""
ARRAY = """double Array::ReadCell(int x) {
    return 1 / x;
}
void Array::WriteCell(double weight, double low, double high) {
    double minConductance = 3;
    if (weight > 9) {
        conductance = (weight - low) * (high - low);
    } else {
        conductance = (weight - low) * (high - low)+minConductance;
    }
}
"""
FILES = {
    "Array.cpp": ARRAY,
    "Cell.cpp": HEAD + CONSTRUCTOR + REST,
    "formula.cpp": FORMULA,
    "NeuroSim/formula.cpp": "double CalculateOnResistance(double x) {\n    return 1 / x;\n}\n",
    "NeuroSim/Technology.cpp": TECHNOLOGY,
    "NeuroSim.cpp": "    inputParameter.temperature = 305;\n    inputParameter.deviceRoadmap = HP;\n",
    "Param.cpp": "    processNode = 20;\n",
    "main.cpp": "a->Initialization<RealDevice>();\n//a->Initialization<Other>();\nb->Initialization<RealDevice>();\n",
}


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_bytes(text.encode())


def exported(folder: Path, card: DeviceCard | None = None, **options: object) -> Export:
    return make(card or shipped(), "neurosim", ExportOptions(source=folder, **options))  # type: ignore[arg-type]


def patched(folder: Path, made: Export, *more: str) -> None:
    (folder.parent / "p").write_bytes(made.files["neurosim.patch"])
    subprocess.run(["patch", "-s", "-p1", "-d", str(folder), "-i", str(folder.parent / "p"), *more], check=True)


def fields(made: Export) -> dict[str, float]:
    found = re.findall(r"(?m)^(\w+) = (true|false|[-+.\de]+)", made.files["RealDevice.txt"].decode())
    words = {"true": 1.0, "false": 0.0}
    return {name: words[value] if value in words else float(value) for name, value in found}


needs_patch = pytest.mark.skipif(
    shutil.which("patch") is None, reason="patch is not installed: the patch of NeuroSim is NOT applied here"
)
needs_compiler = pytest.mark.skipif(
    shutil.which("g++") is None, reason="g++ is not installed: the patched program is NOT run here"
)


def run(folder: Path, devices: int) -> np.ndarray:
    code = (folder / "Cell.cpp").read_bytes()
    program = folder.parent / f"program-{hashlib.sha256(code).hexdigest()}"
    if not program.exists():
        subprocess.run(["g++", "-w", "-o", str(program), str(folder / "Cell.cpp")], check=True)
    ran = subprocess.run([str(program), str(devices)], check=True, capture_output=True, text=True)
    return np.array([[float(word) for word in line.split()] for line in ran.stdout.splitlines()])
