"""NeuroSim's nonlinear_fit.m: `exp_LTP_raw = [ pulse G ... ];` and `exp_LTD_raw = [ ... ];`.

The file does not state a unit; siemens is the convention of the format, and a warning states the assumption. LTD is
often stored in reverse (ascending G), which is recognised and corrected.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from devicekit.core.errors import BadRow, CodedWarning, TableError
from devicekit.readers.cells import LARGEST_COUNT, is_number
from devicekit.readers.pulse_trains import build_pulse_table
from devicekit.readers.signature import Signature
from devicekit.readers.source import Source
from devicekit.readers.state import add_state
from devicekit.system.options import ReadOptions
from devicekit.tables import PulseTable

NAME = "neurosim"
TITLE = "NeuroSim nonlinear_fit.m body"
TAKES = frozenset({"quantity", "read_voltage", "unit", "absolute", "kind"})
KINDS = frozenset({"pulse"})
_BLOCK = re.compile(r"exp_(LTP|LTD)_raw\s*=\s*\[(.*?)\]", re.DOTALL)
_NUMBERS = re.compile(r"[\s,]+")
matches = Signature(head=re.compile(r"exp_LT[PD]_raw\s*=\s*\["), in_sheets=True)


def read(source: Source, options: ReadOptions) -> PulseTable:
    """Read a file in this format; see `devicekit.readers.Reader`."""
    remarks: list[CodedWarning] = []
    frames = [_read_block(source, match, remarks) for match in _BLOCK.finditer(source.text)]
    frames = [frame for frame in frames if len(frame)]
    if not frames:
        raise TableError(f"{source.path.name}: no complete block exp_LTP_raw = [...] or exp_LTD_raw = [...]")
    frame, warnings = add_state(pd.concat(frames, ignore_index=True), options, source.path.name, assumed="conductance")
    return build_pulse_table(frame, NAME, source, [*remarks, *warnings])


def _read_block(source: Source, match: re.Match[str], remarks: list[CodedWarning]) -> pd.DataFrame:
    first_row = source.text.count("\n", 0, match.start(2)) + 1
    rows, bad = [], []
    for offset, line in enumerate(match[2].split("\n")):
        for part in line.split("%")[0].split(";"):
            cells = [cell for cell in _NUMBERS.split(part.strip().rstrip(".")) if cell]
            if not cells:
                continue
            if len(cells) == 2 and all(is_number(cell) for cell in cells):
                rows.append((float(cells[0]), float(cells[1]), first_row + offset))
            else:
                bad.append(BadRow(first_row + offset, None, repr(part.strip()), "pulse number and conductance"))
    if bad:
        raise TableError(f"{source.path.name}: exp_{match[1]}_raw has rows that are not two numbers", bad)
    frame = pd.DataFrame(rows, columns=["x", "value", "file_row"])
    frame = frame.sort_values("x", kind="stable")
    number = _to_pulse_numbers(frame["x"].to_numpy(float), f"{source.path.name}: exp_{match[1]}_raw", remarks)
    return frame.assign(device_id="device1", cycle=1, direction=match[1].lower(), pulse_index=number).drop(columns="x")


def _to_pulse_numbers(x: np.ndarray, where: str, remarks: list[CodedWarning]) -> np.ndarray:
    """Return whole pulse numbers from 0; those of a digitised figure are rounded, with a warning.

    Raises
    ------
    TableError
        If the numbers end at 1: then they are a share of the train, and the number of pulses is unknown.
    """
    from_0 = x - x.min(initial=0.0 if x.size == 0 else x[0])
    if from_0.max(initial=0.0) > LARGEST_COUNT:
        raise TableError(f"{where}: pulse numbers end at {x.max():g}, which is too large")
    if (from_0 == np.round(from_0)).all():
        return from_0.astype(int)
    if from_0.max() <= 1:
        raise TableError(f"{where}: pulse numbers end at {x.max():g}. Write pulses, not a share of the train.")
    words = f"{where}: pulse numbers are not whole, as from a digitised figure; they were rounded"
    remarks.append(CodedWarning("assumed_unit", words))
    return np.round(from_0).astype(int)
