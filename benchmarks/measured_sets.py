"""The measured sets that ship, made from the files of those who measured: each as one compressed table with its facts.

python benchmarks/measured_sets.py vcm-trains FOLDER        # FOLDER: the 20 JSON files and LICENSE of the source

What is shipped is checked against what this makes: the same files give the same bytes.
"""

from __future__ import annotations

import gzip
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import devicekit
from devicekit import files
from devicekit.synthetic.package import SIGNIFICANT_DIGITS, describe

ROOT = Path(__file__).parents[1] / "datasets"
COMMIT = "d2388f6f"
CYCLES, STATES = 10, 201


def trains(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Readings of all devices as a long table, and the authors' own fit of each."""
    parts, fits = [], []
    for path in sorted(folder.glob("*.json")):
        said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        name = path.stem.rpartition("__")[2]
        up = np.array(said["Gset"]).reshape(CYCLES, STATES)
        down = np.array(said["Greset"]).reshape(CYCLES, STATES)[:, ::-1]  # stored from low to high
        if not (up[:, -1] == down[:, 0]).all():
            raise ValueError(f"{path.name}: the last state of SET is not the first of RESET")
        for direction, rows, volts in (("ltp", up, said["V"][0]), ("ltd", down, said["V"][1])):
            for cycle, row in enumerate(rows, start=1):
                parts.append(
                    pd.DataFrame(
                        {
                            "device_id": name,
                            "cycle": cycle,
                            "direction": direction,
                            "pulse_index": np.arange(STATES),
                            "pulse_voltage_v": volts,
                            "read_voltage_v": said["read_V"],
                            "conductance_s": row,
                        }
                    )
                )
        names = [f"{key}_{which}" for which in ("set", "reset") for key in ("alpha", "beta", "std_noise")]
        fits.append({"device_id": name, **{key: said[key] for key in names}})
    return pd.concat(parts, ignore_index=True), pd.DataFrame(fits)


def packed(frame: pd.DataFrame, digits: int) -> bytes:
    """A table as compressed CSV, without the time of day."""
    text = io.StringIO()
    frame.to_csv(text, index=False, lineterminator="\n", float_format=f"%.{digits}g")
    return gzip.compress(text.getvalue().encode(), 9, mtime=0)


def vcm(folder: Path) -> None:
    """20 analogue VCM devices."""
    frame, fits = trains(folder)
    out = ROOT / "vcm-trains"
    out.mkdir(exist_ok=True)
    data, own = out / "pulses.csv.gz", out / "authors_fits.csv"
    files.write_bytes(data, packed(frame, SIGNIFICANT_DIGITS))
    files.write_text(own, fits.to_csv(index=False, lineterminator="\n"))
    files.write_text(out / "LICENSE", (folder / "LICENSE").read_text(encoding="utf-8"))
    package = {
        "name": "vcm-trains",
        "title": "20 analogue VCM devices: 10 cycles of 200 SET and 200 RESET pulses each, measured",
        "description": (
            "Measured. SET pulses of +2.5 V and 1.5 us, RESET pulses of -2.7 V and 10 us, 0.5 ms apart, with 1 kohm; "
            "read at 0.2 V before the first pulse and after each. The first state of RESET is a copy of the last of "
            "SET; the first of SET is a reading of its own. Rounded to five digits. authors_fits.csv: the "
            "authors' own fits, normalised conductance against pulse number."
        ),
        "synthetic": False,
        "licenses": [{"name": "MIT", "title": "Copyright (c) 2024 Till Zellweger; see LICENSE"}],
        "sources": [
            {
                "title": f"ztill/TD_learning_on_memristors at {COMMIT}, of the study Actor-Critic Networks with "
                "Analogue Memristors Mimicking Reward-Based Learning",
                "path": "https://github.com/ztill/TD_learning_on_memristors",
            }
        ],
        "contributors": [{"title": "Till Zellweger and co-authors"}],
        "resources": [
            describe(data, frame, "pulses"),
            {
                "name": "authors_fits",
                "path": own.name,
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "hash": f"sha256:{files.sha256(own)}",
            },
        ],
    }
    files.write_json(out / "datapackage.json", package)
    devicekit.fit(data).to_card("vcm-trains", data).save(out / "card.json", replace=True)
    print(f"{len(frame)} readings, {data.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] != "vcm-trains":
        raise SystemExit(__doc__)
    vcm(Path(sys.argv[2]))
