"""The patch of a user's copy, on a made-up program of the same shape: what changes, what is refused, what it computes.

The program here is ours: NeuroSim's names where a pattern needs them, and nothing else of it. The real one is patched,
built and run by tests/benchmarks/roundtrip_neurosim.py.
"""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devicekit.device.blocks import DeviceRow
from devicekit.device.card import DeviceCard
from devicekit.errors import DevicekitError, FileError, UsageError
from devicekit.exporters import Export, ExportOptions, make
from devicekit.exporters.neurosim import access, source
from devicekit.synthetic.pulses import truth_card

from .conftest import shipped
from .test_neurosim import RealDevice

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


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program on disk, and devicekit knowing it."""
    folder = tmp_path / "copy"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode())
    read = source.Copy(folder, dict(FILES))
    known = tuple(replace(each, seen=source.identity(read, each)) for each in source.FUNCTIONS)
    monkeypatch.setattr(source, "FUNCTIONS", known)
    return folder


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


def test_without_a_source_there_is_no_patch_and_nothing_else_changes(copy: Path) -> None:
    without, having = make(shipped(), "neurosim", ExportOptions()), exported(copy)
    assert not without.diff
    assert set(having.files) - set(without.files) == {"neurosim.patch"}
    for name in ("RealDevice.txt", "train_arguments.txt", "nonlinear_fit_data.m", "neurosim.json"):
        assert having.files[name] == without.files[name]


def test_the_diff_is_shown_and_the_copy_is_not_touched(copy: Path) -> None:
    made = exported(copy)
    assert made.diff == made.files["neurosim.patch"].decode()
    assert {name: (copy / name).read_bytes().decode() for name in FILES} == FILES
    removed = sorted(row[1:] for row in made.diff.splitlines() if row[0] == "-" and row[:3] != "---")
    removed.sort(key=lambda row: "weight" not in row)
    assert set(removed[1:]) <= set(CONSTRUCTOR.splitlines())
    assert removed[0] == "        conductance = (weight - low) * (high - low);"
    assert not any("7;" in row for row in removed)
    text = made.files["README.txt"].decode()
    assert f"patch -p1 -d {copy.resolve()} < neurosim.patch" in text
    assert f"patch -R -p1 -d {copy.resolve()} < neurosim.patch" in text
    assert f"makes {len(removed)} lines of Cell.cpp and Array.cpp" in text


def test_first_weights_begin_at_the_low_end(copy: Path) -> None:
    """A window of 20 to 120 uS: without its low end a weight of share s is at s 100 uS, 20 of 100 uS too low."""
    card = truth_card({"ltp": (-4.0, 0.99), "ltd": (-4.0, 0.99)}, model="exponential", window=(2e-5, 1.2e-4))
    made = exported(copy, card)
    low, high = fields(made)["minConductance"], fields(made)["maxConductance"]
    assert f"too low by {low / (high - low):.0%} of their range" in " ".join(made.approximated)
    (added,) = [row for row in made.diff.splitlines() if row[0] == "+" and "weight" in row]
    wanted = "+        conductance = (weight - low) * (high - low) + minConductance;"
    assert added == f"{wanted}  // devicekit: from the low end of the window"


needs_patch = pytest.mark.skipif(
    shutil.which("patch") is None, reason="patch is not installed: the patch of NeuroSim is NOT applied here"
)
needs_compiler = pytest.mark.skipif(
    shutil.which("g++") is None, reason="g++ is not installed: the patched program is NOT run here"
)


def run(folder: Path, devices: int) -> np.ndarray:
    program = folder.parent / "program"
    subprocess.run(["g++", "-w", "-o", str(program), str(folder / "Cell.cpp")], check=True)
    ran = subprocess.run([str(program), str(devices)], check=True, capture_output=True, text=True)
    return np.array([[float(word) for word in line.split()] for line in ran.stdout.splitlines()])


@needs_patch
@needs_compiler
def test_the_patched_program_has_the_card_s_numbers_and_devices_of_their_own(copy: Path) -> None:
    """Later lines of the constructor see the card's numbers: the labels drawn, and sigmaCtoC at its window."""
    made = exported(copy)
    patched(copy, made)
    found, wanted = run(copy, 2000), fields(made)
    labels_ltp, labels_ltd, low, high = found[:, :4].T
    assert len(set(labels_ltp)) == 2000
    assert labels_ltp.mean() == pytest.approx(wanted["NL_LTP"], abs=5 * wanted["sigmaDtoD"] / math.sqrt(2000))
    assert labels_ltd.mean() == pytest.approx(wanted["NL_LTD"], abs=5 * wanted["sigmaDtoD"] / math.sqrt(2000))
    for sd, name in (
        (labels_ltp.std(), "sigmaDtoD"),
        (low.std(), "minConductanceVar"),
        (high.std(), "maxConductanceVar"),
    ):
        assert sd == pytest.approx(wanted[name], rel=0.08)  # 5 standard errors of 2,000 draws
    for one, other in ((labels_ltp, labels_ltd), (labels_ltp, low), (low, high), (low[1:], low[:-1])):
        assert abs(np.corrcoef(one, other)[0, 1]) < 5 / math.sqrt(2000)
    assert found[0, 5:8].tolist() == [wanted["sigmaReadNoise"], wanted["maxNumLevelLTP"], wanted["maxNumLevelLTD"]]
    assert found[0, 9] == 1
    assert (run(copy, 20) == found[:20]).all()  # the same at every start
    patched(copy, made, "-R")
    assert (copy / "Cell.cpp").read_bytes().decode() == FILES["Cell.cpp"]


@needs_patch
@needs_compiler
def test_without_noise_every_device_is_the_same(copy: Path) -> None:
    made = exported(copy, noise=False)
    patched(copy, made)
    found, wanted = run(copy, 5), fields(made)
    assert (found == found[0]).all()
    assert found[0, :5].tolist() == pytest.approx(
        [wanted["NL_LTP"], wanted["NL_LTD"], wanted["minConductance"], wanted["maxConductance"], 0.0], rel=1e-8
    )


@needs_patch
@needs_compiler
def test_a_window_that_would_be_none_is_drawn_again(copy: Path) -> None:
    """Ends that scatter by a third of the window: the program as it was would stop at one of 2,000 devices."""
    made = exported(copy)
    span = fields(made)["maxConductance"] - fields(made)["minConductance"]
    patched(copy, made)
    text = (copy / "Cell.cpp").read_text()
    for name in ("maxConductanceVar", "minConductanceVar"):
        text = re.sub(rf"\b{name} = [^;]*;", f"{name} = {span / 3};", text)
    write(copy, "Cell.cpp", text)
    found = run(copy, 2000)
    assert len(found) == 2000
    assert (found[:, 2] > 0).all()
    assert (found[:, 2] < found[:, 3]).all()


@needs_patch
def test_carriage_returns_and_foreign_bytes_stay(copy: Path) -> None:
    content = FILES["Cell.cpp"].replace("the user's own", "d\xe9j\xe0 \x85").replace("\n", "\r\n").encode("latin-1")
    (copy / "Cell.cpp").write_bytes(content)
    made = exported(copy)
    patched(copy, made)
    after = (copy / "Cell.cpp").read_bytes()
    assert b"d\xe9j\xe0 \x85" in after
    assert after.count(b"\n") == after.count(b"\r\n") > content.count(b"\n")
    patched(copy, made, "-R")
    assert (copy / "Cell.cpp").read_bytes() == content


@needs_patch
def test_a_patched_copy_is_recognised(copy: Path) -> None:
    made = exported(copy)
    patched(copy, made)
    with pytest.raises(UsageError, match=r"patched by devicekit already.*patch -R"):
        exported(copy)
    patched(copy, made, "-R")
    assert exported(copy).diff == made.diff


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        ("Cell.cpp", "w = w * 2;", "w = w * 3;", "RealDevice's Write of .* is another one"),
        ("Cell.cpp", "\tnonlinearWrite = false;\n", "", "RealDevice's constructor of .* is another one"),
        ("Cell.cpp", "\tNL_LTP = 1;\n", "\tNL_LTP = 1;\n\tNL_LTP = 1;\n", "RealDevice's constructor"),
        ("Cell.cpp", "::Write(", "::Put(", "RealDevice's Write of .* stands there 0 times"),
        ("formula.cpp", "getParamA", "getA", "getParamA of .*formula.cpp stands there 0 times"),
        ("formula.cpp", "return x;", "return 2 * x;", "truncate of .*formula.cpp is another one"),
        ("NeuroSim/formula.cpp", "1 / x", "2 / x", "CalculateOnResistance of .* is another one"),
        ("Array.cpp", "return 1", "return 2", "ReadCell of .*Array.cpp is another one"),
        ("Array.cpp", "> 9", "> 8", "WriteCell of .*Array.cpp is another one"),
        ("main.cpp", "//a->Initialization<Other>", "a->Initialization<RealDevice>", "both arrays of RealDevice"),
        ("main.cpp", "b->", "//b->", "both arrays of RealDevice"),
        ("Param.cpp", "20", "14", "vdd|voltage.*14 nm"),
        ("Param.cpp", "processNode", "node", "does not say processNode"),
        ("NeuroSim.cpp", "temperature", "heat", "does not say the temperature"),
    ],
)
def test_a_version_that_is_not_known_is_refused(copy: Path, name: str, old: str, new: str, words: str) -> None:
    assert old in FILES[name]
    write(copy, name, FILES[name].replace(old, new))
    with pytest.raises(UsageError, match=words) as caught:
        exported(copy)
    assert "it knows MLP+NeuroSim V3.0" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("Cell.cpp", "1e-8;\t// the user's own", "3.5e-7; /* mine */"),
        ("Cell.cpp", "w = w * 2;", "w  =  w*2;  // doubled"),
        ("Cell.cpp", "0.02 * (max", "0.05*(max"),
        ("formula.cpp", "return x;", "return\n        x;"),
    ],
)
def test_own_numbers_comments_and_blanks_are_the_user_s(copy: Path, name: str, old: str, new: str) -> None:
    assert old in FILES[name]
    write(copy, name, FILES[name].replace(old, new))
    assert exported(copy).diff


def test_conductances_that_neurosim_would_change_are_refused(copy: Path) -> None:
    write(copy, "Cell.cpp", FILES["Cell.cpp"].replace("nonlinearIV = false", "nonlinearIV = true"))
    with pytest.raises(UsageError, match="nonlinearIV is true in RealDevice's constructor"):
        exported(copy)


@needs_patch
@needs_compiler
def test_a_window_from_zero_is_one(copy: Path) -> None:
    """Nothing to divide by, no draw that could never end; the high end alone scatters."""
    theta = (-3.0, 0.99)
    card = truth_card({"ltp": theta, "ltd": theta}, model="exponential", window=(0.0, 1e-4))
    rows = tuple(
        DeviceRow(device_id=str(k), ltp_theta=each, ltd_theta=theta, ltp_largest_step=1.0, ltd_largest_step=1.0)
        for k, each in enumerate([(-3.0, 0.99), (-4.5, 0.9), (-4.6, 0.9), (-4.7, 0.9)])
    )
    made = exported(copy, card.model_copy(update={"devices": rows}))
    wanted = fields(made)
    assert wanted["minConductance"] == wanted["minConductanceVar"] == 0
    assert wanted["maxConductanceVar"] > 0
    assert "on/off ratio is inf" in " ".join(made.approximated)
    patched(copy, made)
    found = run(copy, 50)
    assert (found[:, 2] == 0).all()
    assert len(set(found[:, 3])) == 50


def test_the_made_up_program_is_no_version_of_neurosim(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write(tmp_path, name, text)
    with pytest.raises(UsageError, match="another one"):
        exported(tmp_path)


@pytest.mark.parametrize("name", list(FILES))
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(UsageError, match=f"has no {name}"):
        exported(copy)


def test_a_missing_folder_and_a_file_are_refused(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(FileError, match="does not exist"):
        exported(tmp_path / "none")
    with pytest.raises(DevicekitError, match=r"Cell\.cpp"):
        exported(copy / "Cell.cpp")


def test_a_name_of_a_card_cannot_leave_its_comment(copy: Path) -> None:
    card = shipped().model_copy(update={"name": "a\nb \\ ü \\g<1> \\"})
    (line,) = [row for row in exported(copy, card).diff.splitlines() if "card a" in row]
    assert line.endswith("// devicekit: card a b / ? /g<1> /; every device has a seed of its own")


def of_window(low: float, high: float) -> DeviceCard:
    card = shipped()
    window = card.window.model_copy(update={"low": low, "high": high})
    return card.model_copy(update={"window": window})


def resistance(made: Export) -> float:
    found = re.findall(r"(?m)^\+\s*resistanceAccess = ([^;]+);", made.diff)
    return float(found[0]) if found else math.nan


@pytest.mark.parametrize(
    ("roadmap", "node", "least"),
    [
        ("HP", 20, 2 * 1.0 / (2000 * 20e-9) / 4),  # half way between 3000 and 1000 A/m
        ("LSTP", 20, 4 * 1.0 / (2000 * 20e-9) / 4),
        ("HP", 10, 3 * 0.7 / (1400 * 10e-9) / 4),
    ],
)
def test_the_access_transistor_is_as_wide_as_the_cell(copy: Path, roadmap: str, node: int, least: float) -> None:
    write(copy, "NeuroSim.cpp", FILES["NeuroSim.cpp"].replace("HP", roadmap))
    write(copy, "Param.cpp", FILES["Param.cpp"].replace("20", str(node)))
    made = exported(copy)
    found = least if least > 4e4 else resistance(made)
    assert least * (1 - 1e-12) <= found < 1.01 * least
    low, high = fields(made)["minConductance"], fields(made)["maxConductance"]
    assert made.figures["on_off"] == pytest.approx(high / low, rel=1e-7)
    before = (1 / low + 4e4) / (1 / high + 4e4)
    after = (1 / low + min(found, 4e4)) / (1 / high + min(found, 4e4))
    assert made.figures["on_off_as_it_was"] == pytest.approx(before, rel=1e-7)
    assert made.figures["on_off_patched"] == pytest.approx(after, rel=1e-7)
    (line,) = [each for each in made.approximated if each.startswith("ACCESS")]
    for value in (high / low, before, after):
        assert f"{value:.3g}" in line


@pytest.mark.parametrize("put", ["cmosAccess? (FeFET? 7 : 25) : 2", "25"])
def test_a_wider_cell_is_the_user_s_and_allows_less(copy: Path, put: str) -> None:
    write(copy, "Cell.cpp", FILES["Cell.cpp"].replace("cmosAccess? (FeFET? 7 : 4) : 2", put))
    least = 2 * 1.0 / (2000 * 20e-9) / 25
    assert least * (1 - 1e-12) <= resistance(exported(copy)) < 1.01 * least


def test_a_device_of_little_conductance_keeps_its_transistor(copy: Path) -> None:
    assert math.isnan(resistance(exported(copy, of_window(1e-9, 1e-8))))  # 40 kohm of 100 Mohm
    assert resistance(exported(copy, of_window(1e-5, 1e-4))) < 4e4


@pytest.mark.parametrize(
    ("old", "new"), [("cmosAccess = true", "cmosAccess = false"), ("FeFET = false", "FeFET = true")]
)
def test_a_cell_without_a_transistor_in_series_has_none_to_speak_of(copy: Path, old: str, new: str) -> None:
    write(copy, "Cell.cpp", FILES["Cell.cpp"].replace(old, new))
    made = exported(copy)
    assert math.isnan(resistance(made))
    assert not any("ACCESS" in line for line in made.approximated)
    assert "on_off_patched" not in made.figures


def test_what_a_series_resistance_does() -> None:
    assert access.on_off(1e-5, 1e-4) == pytest.approx(10)
    assert access.on_off(1e-5, 1e-4, 1e4) == pytest.approx((1e5 + 1e4) / (1e4 + 1e4))
    # g from 0 with q = g R at its top: w = u (1 + q) / (1 + q u) is furthest from u at (sqrt(1 + q) - 1) / q
    for q in (0.1, 3.0):
        assert access.bend(1e-12, 1e-4, q / 1e-4) == pytest.approx((math.sqrt(1 + q) - 1) ** 2 / q, rel=1e-4)
    cell = access.Cell(1e4, 3.21e4, 4, 32)
    assert cell.of_one_width / cell.width <= cell.smallest <= cell.of_one_width / cell.width * 1.01
    width = access.wanted_width(1e-5, 1e-4, cell)
    assert access.on_off(1e-5, 1e-4, cell.of_one_width / width) == pytest.approx(9)


def test_scatter_is_in_the_readme_and_ours_is_a_device_array_s(copy: Path) -> None:
    """C2C after ten LTP pulses from the low end, which an array of another seed gives too."""
    from devicekit import DeviceArray

    made, card = exported(copy), shipped()
    numbers = json.loads(made.files["neurosim.json"])
    scatter = numbers["scatter"]["C2C"]
    low, high = numbers["minConductance_s"], numbers["maxConductance_s"]
    state = float(card.window.to_state(np.array([low]))[0])
    array = DeviceArray(card, 4000, seed=77, initial=state, c2c="increment", d2d="none")
    for _ in range(10):
        array.pulse(1)
    assert scatter["pulses"]["ltp"] == [10, 50, 100]
    assert scatter["devicekit"]["ltp"][0] == pytest.approx(array.read().std() / (high - low), rel=0.08)
    line = next(each for each in made.approximated if each.startswith("C2C alone"))
    for who in ("devicekit", "neurosim"):
        assert all(f"{value:.2%}" in line for value in scatter[who]["ltp"] + scatter[who]["ltd"])


def test_neurosim_s_scatter_is_that_of_its_update(copy: Path, tmp_path: Path) -> None:
    """The written numbers, G moved one pulse along (1 - e^(-P / A)) and noise added, in a loop of our own."""
    made = exported(copy)
    for name, content in made.files.items():
        (tmp_path / name).write_bytes(content)
    device = RealDevice.load(tmp_path)
    low, high = device.fields["minConductance"], device.fields["maxConductance"]
    n, a = device.fields["maxNumLevelLTP"], device.a("ltp")
    sigma = json.loads(made.files["neurosim.json"])["sigmaCtoC_fraction"]
    rng, b, found = np.random.default_rng(5), 1 / (1 - math.exp(-n / a)), []
    for _ in range(3000):
        g = 0.0
        for _ in range(50):
            p = -a * math.log(1 - g / b) + 1
            g = min(max(b * (1 - math.exp(-p / a)) + sigma * rng.standard_normal(), 0.0), 1.0)
        found.append(g)
    scatter = json.loads(made.files["neurosim.json"])["scatter"]["C2C"]["neurosim"]["ltp"]
    assert scatter[1] == pytest.approx(np.std(found), rel=0.08)
    assert low < high


def test_the_command_shows_the_diff_first(copy: Path, tmp_path: Path, devicekit: Callable[..., Any]) -> None:
    shipped().save(tmp_path / "card.json")
    arguments = ("export", tmp_path / "card.json", "--to", "neurosim", "--source", copy, "--out", tmp_path / "out")
    ran = devicekit(*arguments, "--json")
    diff = (tmp_path / "out" / "neurosim.patch").read_bytes().decode()
    assert ran.json["diff"] == diff
    assert "neurosim.patch" in ran.json["files"]
    ran = devicekit(*arguments)
    assert ran.code == 0
    assert ran.out.startswith(diff)
    assert "diff" not in devicekit(*arguments[:4], *arguments[6:], "--json").json
    write(copy, "formula.cpp", "")
    ran = devicekit(*arguments[:-1], tmp_path / "other")
    assert ran.code == 2
    assert "it knows MLP+NeuroSim V3.0" in ran.err
    assert not (tmp_path / "other").exists()
    ran = devicekit("export", tmp_path / "card.json", "--to", "csv", "--source", copy, "--out", tmp_path / "other")
    assert ran.code == 2
    assert "--source is not an option of --to csv; it is one of neurosim" in ran.err
