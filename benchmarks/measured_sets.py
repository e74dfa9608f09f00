"""The measured sets that ship, made from their authors' files: each one compressed table with its facts.

python benchmarks/measured_sets.py NAME FOLDER [LICENSE]

NAME, and what FOLDER holds (LICENSE: that of the source, where it does not lie in the folder):
vcm-trains         the 20 JSON files of ztill/TD_learning_on_memristors
1t1r-endurance     endurance_log.csv of Anjiang-Wei/Anjiang-RRAM-Python
1t1r-relaxation    techC_relaxdata.min.tsv.gz of akashlevy/RRAM-Relaxation-Master-Model
1t1r-levels        the same
1t1r-bakes         techA_bake.tsv.gz of the same repository
readc-sweeps       iv_50_100_200_400uA.csv, four levels of Fig. 3b of MIKEHHQ/ReADC

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
from devicekit.synthetic.package import SIGNIFICANT_DIGITS, describe
from devicekit.system import files, writing

ROOT = Path(__file__).parents[1] / "datasets"
COMMIT = "d2388f6f"
CYCLES, STATES = 10, 201
LEVELS = 32


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


def ship(
    name: str, frame: pd.DataFrame, stem: str, licence: Path, facts: dict[str, Any], extra: Path | None = None
) -> Path:
    """Write a set: its table, the licence of the source, and the package's facts."""
    out = ROOT / name
    out.mkdir(exist_ok=True)
    data = out / f"{stem}.csv.gz"
    writing.write_bytes(data, packed(frame, SIGNIFICANT_DIGITS), replace=True)
    notice = licence.read_text(encoding="utf-8")
    writing.write_text(out / "LICENSE", notice, replace=True)
    holder = next(line.strip() for line in notice.splitlines() if line.startswith("Copyright"))
    resources = [describe(data, frame, stem)]
    if extra is not None:
        resources.append(
            {
                "name": extra.stem,
                "path": extra.name,
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "hash": f"sha256:{files.sha256(extra)}",
            }
        )
    package = {
        "name": name,
        "title": facts["title"],
        "description": f"Measured. {facts['description']} {facts.get('rounded', 'Rounded to five digits.')}",
        "synthetic": False,
        "licenses": [{"name": "MIT", "title": f"{holder}; see LICENSE"}],
        "sources": [{"title": facts["source"], "path": facts["path"]}],
        "contributors": [{"title": facts["contributors"]}],
        "resources": resources,
    }
    writing.write_json(out / "datapackage.json", package, replace=True)
    print(f"{name}: {len(frame)} rows, {data.stat().st_size / 1e3:.0f} kB")
    return data


def vcm(folder: Path, licence: Path) -> None:
    """20 analogue VCM devices."""
    frame, fits = trains(folder)
    own = ROOT / "vcm-trains" / "authors_fits.csv"
    own.parent.mkdir(exist_ok=True)
    writing.write_text(own, fits.to_csv(index=False, lineterminator="\n"), replace=True)
    facts = {
        "title": "20 analogue VCM devices: 10 cycles of 200 SET and 200 RESET pulses each, measured",
        "description": (
            "SET pulses of +2.5 V and 1.5 us, RESET pulses of -2.7 V and 10 us, 0.5 ms apart, with 1 kohm; "
            "read at 0.2 V before the first pulse and after each. The first state of RESET is a copy of the last of "
            "SET; the first of SET is a reading of its own. authors_fits.csv: the "
            "authors' own fits, normalised conductance against pulse number."
        ),
        "source": f"ztill/TD_learning_on_memristors at {COMMIT}, of the study Actor-Critic Networks with "
        "Analogue Memristors Mimicking Reward-Based Learning",
        "path": "https://github.com/ztill/TD_learning_on_memristors",
        "contributors": "Till Zellweger and co-authors",
    }
    data = ship("vcm-trains", frame, "pulses", licence, facts, own)
    devicekit.fit(data).to_card("vcm-trains", data).save(data.parent / "card.json", overwrite=True)


def endurance(folder: Path, licence: Path) -> None:
    """One cell of a 1T1R chip, read after every 50,000 cycles."""
    frame = devicekit.read(folder / "endurance_log.csv").frame
    facts = {
        "title": "1T1R RRAM cell: HRS and LRS read 2,724 times in 136 million cycles, measured",
        "description": (
            "One cell of a 1T1R RRAM test chip: after each 50,000 cycles of 1 us pulses one RESET at 2.5 V and one SET "
            "at 1.3 V, as the log states them, each read once."
        ),
        "source": "Anjiang-Wei/Anjiang-RRAM-Python at d2c625c7, data/endurance_log.csv",
        "path": "https://github.com/Anjiang-Wei/Anjiang-RRAM-Python",
        "contributors": "Akash Levy, Anjiang Wei and co-authors",
    }
    ship("1t1r-endurance", frame[["device_id", "cycle", "level", "conductance_s"]], "endurance", licence, facts)


def _relaxation(folder: Path) -> pd.DataFrame:
    names = ["device_id", "time_s", "resistance", "conductance_s", "first", "level", "planned_s"]
    frame = pd.read_csv(folder / "techC_relaxdata.min.tsv.gz", sep="\t", header=None, names=names)
    return frame[frame["level"] < LEVELS].astype({"device_id": str})


def _first_cells(frame: pd.DataFrame, count: int) -> pd.DataFrame:
    """The rows of the first cells of each level, in the order of the file: nobody has chosen them."""
    cells = frame[["level", "device_id"]].drop_duplicates().groupby("level").head(count)
    return frame[frame["device_id"].isin(cells["device_id"])].sort_values(["level", "device_id", "time_s"])


# Seen in the file: the ranges of the first readings do not overlap, and each is 1.25 uS wide. A target is not given.
OF_RANGES = (
    "Level 0 to 31: the range of 1.25 uS in which the first reading after programming lay, as the source has it."
)
SOURCE_OF_LEVELS = {
    "source": "akashlevy/RRAM-Relaxation-Master-Model at ca0cfff6, data/techC/relaxdata.min.tsv.gz",
    "path": "https://github.com/akashlevy/RRAM-Relaxation-Master-Model",
    "contributors": "Akash Levy and co-authors",
}


def relaxation(folder: Path, licence: Path) -> None:
    """Cells from programming on."""
    frame = _first_cells(_relaxation(folder), 16)
    facts = SOURCE_OF_LEVELS | {
        "title": "1T1R RRAM: 512 cells from programming to 33 hours later, measured",
        "description": (
            "Cells of a 1T1R RRAM test chip (technology C of the source), read up to six times after programming; "
            f"the first 16 of each level, of 16,292 cells. {OF_RANGES}"
        ),
    }
    ship("1t1r-relaxation", frame[["device_id", "level", "time_s", "conductance_s"]], "retention", licence, facts)


def levels(folder: Path, licence: Path) -> None:
    """Cells a second after they were in one of 32 ranges; the first reading itself is what tells the ranges."""
    frame = _relaxation(folder)
    frame = _first_cells(frame[frame["planned_s"] == 1.0], 64)
    facts = SOURCE_OF_LEVELS | {
        "title": "1T1R RRAM: 64 cells of each of 32 levels, read a second after programming, measured",
        "description": (
            "Cells of a 1T1R RRAM test chip (technology C of the source), read 1 s after their first reading; the "
            f"first 64 of each level, of 16,292 cells. {OF_RANGES}"
        ),
    }
    ship("1t1r-levels", frame[["device_id", "level", "conductance_s"]], "levels", licence, facts)


def bakes(folder: Path, licence: Path) -> None:
    """Cells before and after each of five bakes, written anew between them."""
    names = ["device_id", "time_s", "resistance", "conductance_s", "celsius"]
    frame = pd.read_csv(folder / "techA_bake.tsv.gz", sep="\t", header=None, names=names)
    frame["level"] = frame["device_id"] % LEVELS
    frame = frame[frame["level"] % 2 == 0]
    cells = frame[["level", "device_id"]].drop_duplicates().groupby("level").head(32)
    frame = frame[frame["device_id"].isin(cells["device_id"])].astype({"device_id": str})
    frame["temperature_k"] = frame["celsius"] + 273.15
    frame["time_s"] = frame["time_s"].round()
    frame["conductance_s"] = [float(f"{value:.4g}") for value in frame["conductance_s"]]
    facts = SOURCE_OF_LEVELS | {
        "source": "akashlevy/RRAM-Relaxation-Master-Model at ca0cfff6, data/techA/bake.tsv.gz",
        "title": "1T1R RRAM: 512 cells before and after bakes at 100 to 260 °C, measured",
        "description": (
            "Cells of a 1T1R RRAM test chip (technology A of the source), read before and after bakes of 1.2 to 2 "
            "hours at 100, 140, 180, 220 and 260 °C; the first 32 of every other level, of 16,384 cells. Level: the "
            "address modulo 32, by which medians before a bake rise evenly; the source does not state it."
        ),
        "rounded": "Rounded to four digits and whole seconds.",
    }
    columns = ["device_id", "level", "time_s", "conductance_s", "temperature_k"]
    ship("1t1r-bakes", frame[columns], "bakes", licence, facts)


def sweeps(folder: Path, licence: Path) -> None:
    """One memristor at four compliance currents."""
    table = devicekit.read(folder / "iv_50_100_200_400uA.csv", unit="uA")
    columns = [each for each in ("device_id", "cycle", "voltage_v", "current_a", "compliance_a") if each in table.frame]
    facts = {
        "title": "One memristor's I-V loops at compliance currents of 50, 100, 200 and 400 uA, measured",
        "description": (
            "DC set and reset loops of one 1T1R memristor, one loop at each compliance current. The source states no "
            "unit of the current: A was taken from its plateau at the compliance. The sweep rate is not stated."
        ),
        "source": "MIKEHHQ/ReADC at c567e7a5, Data/SourceData_Fig_3.xlsx, sheet 3b (doi:10.1038/s41467-025-65233-w)",
        "path": "https://github.com/MIKEHHQ/ReADC",
        "contributors": "Haiqiao Hong and co-authors",
    }
    ship("readc-sweeps", table.frame[columns], "sweeps", licence, facts)


SETS = {
    "vcm-trains": vcm,
    "1t1r-endurance": endurance,
    "1t1r-relaxation": relaxation,
    "1t1r-levels": levels,
    "1t1r-bakes": bakes,
    "readc-sweeps": sweeps,
}

if __name__ == "__main__":
    if len(sys.argv) not in (3, 4) or sys.argv[1] not in SETS:
        raise SystemExit(__doc__)
    source = Path(sys.argv[2])
    SETS[sys.argv[1]](source, Path(sys.argv[3]) if len(sys.argv) == 4 else source / "LICENSE")
