"""The wording of questions and messages of the readers, kept in one file."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np

import devicekit
from devicekit.core.errors import DevicekitError

SWEEP = [0, 0.5, 1, 0.5, 0, -0.5, -1, -0.5, 0]
HEAD = "direction,pulse_index,conductance_s\n"


def _files(folder: Path) -> dict[str, tuple[str | bytes, dict[str, Any]]]:
    """Return texts of files by name, with reading options."""
    rising = "".join(f"ltp,{n},{1 + n}e-6\n" for n in range(10))
    wgfmu = "Measurement Data\nindex, pulse amplitude (V), R_low (ohm), R_high (ohm)\n"
    session = "Wordline,Bitline,Resistance,Amplitude (V),Pulse width (s),Tag,ReadTag,ReadVoltage\n"
    noisy = 100 + 50 * np.sin(np.arange(60) / 4) + np.random.default_rng(0).normal(0, 20, 60)
    trains = [*range(1, 11), *range(9, 0, -1)]
    easyexpert = "SetupTitle,x\nDataName,V,I\n" + "".join(f"DataValue,{v},{v}\n" for v in SWEEP)
    return {
        "empty.csv": ("", {}),
        "packed.xlsx.gz": (gzip.compress(b"PK\x03\x04"), {}),
        "cut.csv.gz": (gzip.compress(HEAD.encode() + rising.encode())[:-9], {}),
        "archive.xlsx": (b"PK\x03\x04", {}),
        "broken.json": ("{", {}),
        "repeated.json": ('{"V": [1], "V": [2]}', {}),
        "names.json": (json.dumps({"schema_version": 1, "id": "", "kind": "", "source": ""}), {}),
        "matlab.mat": (b"MATLAB 5.0 MAT-file", {}),
        "words.csv": (HEAD + rising.replace("3e-6", "three"), {}),
        "format.csv": (HEAD + rising, {"format": "nonsense"}),
        "width.csv": ("V (V),I (A)\n" + "".join(f"{v},{v * 1e-5}\n" for v in SWEEP), {"width": 1e-3}),
        "unit.csv": ("V (V),I (A)\n" + "".join(f"{v},{v * 1e-5}\n" for v in SWEEP), {"quantity": "current"}),
        "one.csv": (HEAD + rising, {"files_are": "devices"}),
        "pulses.csv": (HEAD + rising, {"pulses": (5, 5)}),
        "negative.csv": (HEAD + rising.replace("ltp,4,5e-6", "ltp,4,-5e-6"), {}),
        "levels.csv": ("conductance_s\n" + "1e-6\n1e-4\n" * 20, {}),
        "turns.csv": ("conductance_s\n" + "".join(f"{g:.4g}e-6\n" for g in noisy), {}),
        "lengths.csv": ("conductance_s\n" + "".join(f"{g}e-6\n" for g in trains), {"pulses": (7,)}),
        "directions.csv": (HEAD + rising.replace("ltp", "up and"), {}),
        "counts.csv": (HEAD + rising.replace("ltp,1,", "ltp,1.5,"), {}),
        "wgfmu.csv": (wgfmu + "".join(f"{k},{0.5 + 0.1 * k},{1000 + k},{2000 + k}\n" for k in range(8)), {}),
        "wgfmu_kind.csv": ("Time,MeasResult1_value,MeasResult2_value\n0,0,0\n", {"kind": "pulse"}),
        "smu.csv": (".Channel,SMU-1\n.Limit,1\nIndex,Voltage (V)\n", {"unit": "uS"}),
        "session.csv": (session + "1,1,1000,0,0,S R,P,0.2\n", {"unit": "ohm"}),
        "currents.csv": (
            "SetupTitle,x\nDataName,VCE,IB,IC\n" + "".join(f"DataValue,{v},{v * 1e-6},{v * v * 1e-4}\n" for v in SWEEP),
            {},
        ),
        "blocks.csv": (easyexpert, {"columns_are": "cycles"}),
        "chip.csv": ("1,0.1,a,SET,2.0,1\n" * 4 + "1,0.2,a,READ,1000,1,1\n1,0.3,a,WRITE,1,1\n", {}),
        "raw.m": ("exp_LTP_raw = [ 0 1e-6\n 0.5 2e-6\n 1 3e-6 ];\n", {}),
    }


def test_the_wording_of_messages(tmp_path: Path, file_regression: Any) -> None:
    lines = []
    for name, (content, options) in _files(tmp_path).items():
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        arguments = " ".join(f"{option}={value}" for option, value in options.items())
        try:
            table = devicekit.read(path, **options)
            text = "\n".join(f"[{each.code}] {each.message}" for each in table.warnings) or "no warning"
        except DevicekitError as error:
            text = f"{error.kind}: {error}"
        lines.append(f"== {name} {arguments}".rstrip() + f"\n{text}")
    file_regression.check("\n\n".join(lines).replace(str(tmp_path), "FOLDER") + "\n", extension=".txt")
