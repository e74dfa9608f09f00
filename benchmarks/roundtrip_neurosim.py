"""Patch a copy of MLP+NeuroSim V3.0 with exports, build it, and compare its devices, its array and its training.

    git clone https://github.com/neurosim/MLP_NeuroSim_V3.0
    python benchmarks/roundtrip_neurosim.py --repo MLP_NeuroSim_V3.0

Wanted: g++, make, patch. The driver below is ours; NeuroSim's code (CC BY-NC 4.0) is copied to a temporary folder,
patched and compiled there. Its program then learns scikit-learn's digits, written in the format that it reads.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from roundtrip import cards

from devicekit.device.array import DeviceArray
from devicekit.device.card import DeviceCard
from devicekit.exporters import Export, export
from devicekit.exporters.neurosim.exponential import curve, lost_pulses, safe_pulses
from devicekit.models.labels import nl_label

DEVICES = 4000
LESS = 1e-3
WIDE = 60
BUILT = ("Cell.cpp", "formula.cpp", "Array.cpp")
DRIVER = r"""
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>
#include "Array.h"
#include "formula.h"
std::mt19937 gen(0);
// One pulse is a change of a weight in -1..1 by 2 / N.
static void pulse(RealDevice& d, int sign, int pulses = 1) {
    d.Write(sign * pulses * 2.0 / (sign > 0 ? d.maxNumLevelLTP : d.maxNumLevelLTD), 0, -1, 1);
}
int main(int argc, char** argv) {
    if (!strcmp(argv[1], "path")) {  // one device: argv[2] LTP pulses from the low end, argv[3] LTD from the high end
        RealDevice d(0, 0);
        for (int sign = 1; sign >= -1; sign -= 2) {
            d.conductance = sign > 0 ? d.minConductance : d.maxConductance;
            printf("%.12e\n", d.conductance);
            for (int n = 0; n < atoi(argv[sign > 0 ? 2 : 3]); n++) {
                pulse(d, sign);
                printf("%.12e\n", d.conductance);
            }
        }
    } else if (!strcmp(argv[1], "single")) {  // numbers of pulses: updates that come out wrong, one pulse's step
        RealDevice d(0, 0);
        double a = d.paramALTP / d.maxNumLevelLTP;
        for (int i = 2; i < argc; i++) {
            int levels = atoi(argv[i]), wrong = 0;
            d.maxNumLevelLTP = d.maxNumLevelLTD = levels;
            d.paramALTP = a * levels;
            for (int k = 1; k <= levels; k++)
                for (int sign = 1; sign >= -1; sign -= 2) {
                    pulse(d, sign, k);
                    wrong += d.numPulse != sign * k;
                }
            d.conductance = d.minConductance;
            pulse(d, 1);
            printf("%d %.12e\n", wrong, (d.conductance - d.minConductance) / (d.maxConductance - d.minConductance));
        }
    } else if (!strcmp(argv[1], "drawn")) {  // what every device was given
        for (int i = 0; i < atoi(argv[2]); i++) {
            RealDevice d(0, 0);
            printf("%.12e %.12e %.12e %.12e\n", d.paramALTP / d.maxNumLevelLTP, d.paramALTD / d.maxNumLevelLTD,
                d.minConductance, d.maxConductance);
        }
    } else if (!strcmp(argv[1], "scatter")) {  // conductances of argv[4] devices: argv[5] C2C (all alike) or D2D
        int n = atoi(argv[4]);
        bool c2c = !strcmp(argv[5], "C2C");
        std::vector<RealDevice*> all;
        for (int i = 0; i < n; i++) {
            all.push_back(new RealDevice(0, 0));
            RealDevice& d = *all[i];
            if (c2c) {
                d.paramALTP = atof(argv[6]); d.paramALTD = atof(argv[7]);
                d.minConductance = atof(argv[8]); d.maxConductance = atof(argv[9]);
            } else {
                d.sigmaCtoC = 0;
            }
        }
        for (int sign = 1; sign >= -1; sign -= 2) {
            for (int i = 0; i < n; i++)
                all[i]->conductance = sign > 0 ? all[i]->minConductance : all[i]->maxConductance;
            for (int k = 1; k <= atoi(argv[sign > 0 ? 2 : 3]); k++) {
                double sum = 0, squares = 0;
                for (int i = 0; i < n; i++) {
                    pulse(*all[i], sign);
                    double g = all[i]->conductance / all[0]->avgMaxConductance;
                    sum += g; squares += g * g;
                }
                printf("%.12e\n", sqrt(squares / n - sum / n * sum / n) * all[0]->avgMaxConductance);
            }
        }
    } else {  // read currents of a device at both ends through resistances, without wires
        Array array(2, 2, -1);
        array.Initialization<RealDevice>();
        RealDevice* d = static_cast<RealDevice*>(array.cell[0][0]);
        d->readNoise = false;
        double own = d->resistanceAccess, tried[3] = {own, 15e3, 0};
        for (int i = 0; i < 3; i++) {
            d->resistanceAccess = tried[i];
            d->conductance = d->avgMaxConductance;
            double on = array.ReadCell(0, 0);
            d->conductance = d->avgMinConductance;
            printf("%.6g %.6g\n", tried[i], on / array.ReadCell(0, 0));
        }
    }
}
"""


def copied(repo: Path, folder: Path) -> Path:
    shutil.copytree(repo, folder, ignore=shutil.ignore_patterns(".git", "*.zip", "*.o", "main", "*.pdf", ".depend"))
    return folder


def patched(
    repo: Path, folder: Path, card: DeviceCard, width: int | None = None, **options: Any
) -> tuple[Path, Export]:
    """A copy of NeuroSim with a card in it; taken back and put in again on the way, which must leave no trace.

    `width`: of its cell in features, where it is not NeuroSim's own.
    """
    copy = copied(repo, folder)
    if width is not None:
        cell = copy / "Cell.cpp"
        text = cell.read_bytes().decode("latin-1")
        start = text.index("RealDevice::RealDevice")
        text = text[:start] + re.sub(r"(widthInFeatureSize\s*=)[^;]*", rf"\g<1> {width}", text[start:], count=1)
        cell.write_bytes(text.encode("latin-1"))
    before = contents(copy)
    out = folder.with_name(f"{folder.name}-export")
    made = export(card, "neurosim", out, source=copy, **options)
    command = ["patch", "-s", "-p1", "-d", str(copy), "-i", str(out / "neurosim.patch")]
    for more in ([], ["-R"], []):
        subprocess.run([*command, *more], check=True)
        assert (contents(copy) == before) == bool(more)
    return copy, made


def contents(copy: Path) -> list[bytes]:
    return [(copy / name).read_bytes() for name in ("Cell.cpp", "Array.cpp")]


def build(copy: Path) -> Path:
    (copy / "driver.txt").write_text(DRIVER)
    program = copy / "driver"
    sources = ["-x", "c++", str(copy / "driver.txt"), *(str(copy / name) for name in BUILT)]
    subprocess.run(["g++", "-O1", "-w", f"-I{copy}", *sources, "-o", str(program)], check=True)
    return program


def answers(program: Path, *arguments: object) -> np.ndarray:
    ran = subprocess.run([str(program), *map(str, arguments)], capture_output=True, text=True, check=True)
    return np.array([[float(word) for word in line.split()] for line in ran.stdout.splitlines()]).squeeze()


def single_pulses(program: Path, made: Export) -> str:
    """100 numbers of pulses at random, as they are and as the export writes them."""
    wanted = np.random.default_rng(0).integers(2, 1001, 100)
    used = [safe_pulses(int(each))[-1] for each in wanted]
    a = json.loads(made.files["neurosim.json"])["A_normalised"]["ltp"]
    before, after = answers(program, "single", *wanted), answers(program, "single", *used)
    assert [2 * len(lost_pulses(int(each))) for each in wanted] == before[:, 0].tolist()
    law = np.array([curve(np.array([1.0 / levels]), a)[0] for levels in used])
    return (
        f"of 100 random numbers of pulses {np.count_nonzero(before[:, 0])} lose some, "
        f"{np.count_nonzero(before[:, 1] == 0)} every single pulse; of those that the export takes instead "
        f"{np.count_nonzero(after[:, 0])} and {np.count_nonzero(after[:, 1] == 0)}; one pulse's step is within "
        f"{np.abs(after[:, 1] / law - 1).max():.1e} of the exponential's, relative"
    )


def path(program: Path, made: Export, card: DeviceCard) -> list[str]:
    """NeuroSim's device against the exponential, and against a DeviceArray under the same pulses."""
    numbers = json.loads(made.files["neurosim.json"])
    low, high = numbers["minConductance_s"], numbers["maxConductance_s"]
    levels, pulses = numbers["levels"], numbers["pulses"]
    g = answers(program, "path", pulses["ltp"], pulses["ltd"])
    said = []
    for direction, sign in (("ltp", 1), ("ltd", -1)):
        part = g[: pulses["ltp"] + 1] if sign > 0 else g[pulses["ltp"] + 1 :]
        start = card.window.to_state(np.array([low if sign > 0 else high]))
        array = DeviceArray(card, 1, initial=np.clip(start, 0, 1), c2c="none", d2d="none")
        law = [float(array.read()[0])]
        for _ in range(pulses[direction]):
            array.pulse(sign)
            law.append(float(array.read()[0]))
        t = np.minimum(np.arange(part.size) / levels[direction], 1.0)
        rising = curve(t, numbers["A_normalised"][direction])
        exponential = low + (high - low) * (rising if sign > 0 else 1.0 - rising)
        off = np.abs(part - exponential) / (high - low)
        misfit = np.abs(exponential - law) / (high - low)
        total = np.abs(part - law) / (high - low)
        said.append(
            f"{direction.upper()}, {pulses[direction]} pulses of {levels[direction]}, NL {numbers['NL'][direction]:g}: "
            f"from the exponential {off.max():.1e} at most; the exponential from the law "
            f"{np.sqrt(np.mean(misfit**2)):.2%} rms, {misfit.max():.2%} at most; NeuroSim from the DeviceArray "
            f"{np.mean(total):.2%} in the mean"
        )
    return said


def drawn(program: Path, made: Export) -> str:
    """The labels and windows that NeuroSim gives its devices."""
    numbers = json.loads(made.files["neurosim.json"])
    found = answers(program, "drawn", DEVICES)
    labels = [np.std([nl_label(abs(float(a))) for a in found[:, k]]) for k in (0, 1)]
    return (
        f"{DEVICES} devices have {len(set(found[:, 0]))} different A_LTP; sd of their labels "
        f"{labels[0]:.4f} (LTP) and {labels[1]:.4f} (LTD), wanted {numbers['sigmaDtoD']:.4f}; of the window's ends "
        f"{found[:, 2].std():.3g} and {found[:, 3].std():.3g} S, wanted {numbers['minConductanceVar_s']:.3g} and "
        f"{numbers['maxConductanceVar_s']:.3g} S"
    )


def scatters(program: Path, made: Export) -> list[str]:
    """Path scatter in NeuroSim's own device, in the export's forecast of it, and in a DeviceArray."""
    numbers = json.loads(made.files["neurosim.json"])
    low, high = numbers["minConductance_s"], numbers["maxConductance_s"]
    levels, a, trains = numbers["levels"], numbers["A_normalised"], numbers["pulses"]
    said = []
    for what, forecast in numbers["scatter"].items():
        nominal = (a["ltp"] * levels["ltp"], -a["ltd"] * levels["ltd"], low, high)
        sds = answers(program, "scatter", trains["ltp"], trains["ltd"], DEVICES, what, *map(repr, nominal)) / (
            high - low
        )
        parts = {"ltp": sds[: trains["ltp"]], "ltd": sds[trains["ltp"] :]}
        for direction, pulses in forecast["pulses"].items():
            real = [f"{parts[direction][k - 1]:.4f}" for k in pulses]
            theirs, ours = ([f"{each:.4f}" for each in forecast[who][direction]] for who in ("neurosim", "devicekit"))
            said.append(
                f"{what} sd after {pulses} {direction.upper()} pulses: NeuroSim {', '.join(real)}; the export's "
                f"forecast of it {', '.join(theirs)}; DeviceArray {', '.join(ours)}"
            )
    return said


def array(program: Path) -> str:
    own, before, without = answers(program, "array")
    return (
        f"on/off in the array {own[1]:.3f} through {own[0]:g} ohm (as patched), {before[1]:.3f} through 15 kohm, "
        f"{without[1]:.3f} without a transistor"
    )


def write_data(folder: Path) -> tuple[int, int]:
    """The digits at 20 x 20 in NeuroSim's format: one number a line, pixel after pixel over all images; and labels."""
    from scipy.ndimage import zoom
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = np.random.default_rng(0).permutation(len(digits.target))
    images = np.array([zoom(digits.images[k] / 16.0, 2.5, order=1) for k in order]).reshape(len(order), 400)
    sizes = (1400, len(order) - 1400)
    for name, part in (("60000_train", slice(0, 1400)), ("10000_test", slice(1400, None))):
        np.savetxt(folder / f"patch{name}.txt", images[part].T.ravel(), "%.3f")
        np.savetxt(folder / f"label{name}.txt", digits.target[order][part], "%d")
    return sizes


def learn(copy: Path, epochs: int) -> str:
    """Build the program itself and train it; accuracy [%] after each epoch."""
    train, test = write_data(copy)
    param = copy / "Param.cpp"
    text = param.read_bytes().decode("latin-1")
    for name, value in (
        ("numMnistTrainImages", train),
        ("numMnistTestImages", test),
        ("numTrainImagesPerEpoch", train),
        ("totalNumEpochs", epochs),
    ):
        text, made = re.subn(rf"(\b{name}\s*=\s*)\d+", rf"\g<1>{value}", text)
        assert made == 1, name
    param.write_bytes(text.encode("latin-1"))
    subprocess.run(["make", "-s", "all"], cwd=copy, check=True, capture_output=True)
    # one thread: NeuroSim's threads share one generator of random numbers, so that runs would differ
    alone = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    ran = subprocess.run(["./main"], cwd=copy, capture_output=True, text=True, env=alone, check=False)
    found = re.findall(r"Accuracy at \d+ epochs is : ([\d.]+)", ran.stdout)
    if ran.returncode or len(found) != epochs:
        return f"training stopped ({ran.returncode}): {ran.stdout.strip().splitlines()[-1:]}"
    return f"test accuracy after each of {epochs} epochs of {train} digits [%]: {', '.join(found)}"


def scaled(card: DeviceCard, factor: float) -> DeviceCard:
    """The same device with a window of so much of its conductance: its transistor and the wires hardly count."""
    window = card.window.model_copy(update={"low": card.window.low * factor, "high": card.window.high * factor})
    return card.model_copy(update={"window": window})


def main() -> None:
    made = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    made.add_argument("--repo", type=Path, required=True, help="checkout of MLP_NeuroSim_V3.0")
    made.add_argument("--epochs", type=int, default=3, help="epochs of the program's training; 0: none")
    given = made.parse_args()
    repo = given.repo.resolve()
    missing = [name for name in ("g++", "make", "patch") if shutil.which(name) is None]
    if missing:
        print(f"skipped: {', '.join(missing)} not installed")
        sys.exit(0)
    with tempfile.TemporaryDirectory() as name:
        for title, card in cards().items():
            folder = Path(name) / title.replace(" ", "-")
            quiet, alone = patched(repo, folder.with_name(f"{folder.name}-quiet"), card, noise=False)
            noisy, full = patched(repo, folder, card)
            said = [single_pulses(build(quiet), alone)] if title == "shipped" else []
            program = build(noisy)
            said += path(build(quiet), alone, card)
            if full.figures.get("scatter_off_d2d") is not None:
                said.append(drawn(program, full))
            said += [*scatters(program, full), array(program)]
            if given.epochs:
                less, _ = patched(repo, folder.with_name(f"{folder.name}-less"), scaled(card, LESS))
                wide, done = patched(repo, folder.with_name(f"{folder.name}-wide"), card, WIDE)
                said += [
                    learn(noisy, given.epochs),
                    f"in a cell {WIDE} features wide, on/off {done.figures['on_off_patched']:.2f}, "
                    f"{learn(wide, given.epochs)}",
                    f"at {LESS:g} of its conductance, {learn(less, given.epochs)}",
                ]
            for line in said:
                print(f"{title}: {line}", flush=True)


if __name__ == "__main__":
    main()
