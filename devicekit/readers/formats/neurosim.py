"""NeuroSim's nonlinear_fit.m: `exp_LTP_raw = [ pulse G ... ];` and `exp_LTD_raw = [ ... ];`.

The file does not state a unit; siemens is the format's convention, and the table's warnings say that it was
assumed. LTD is often stored in reverse (ascending G); that is recognised and turned round.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from devicekit.errors import BadRow, CodedWarning, TableError
from devicekit.options import ReadOptions
from devicekit.readers.cells import LARGEST_COUNT, is_number
from devicekit.readers.pulse_trains import build_pulse_table
from devicekit.readers.signature import Signature
from devicekit.readers.source import Source
from devicekit.readers.state import add_state
from devicekit.tables import PulseTable

NAME = "neurosim"
TITLE = "NeuroSim nonlinear_fit.m body"
TAKES = frozenset({"quantity", "read_voltage", "unit", "absolute"})
_BLOCK = re.compile(r"exp_(LTP|LTD)_raw\s*=\s*\[(.*?)\]", re.DOTALL)
_NUMBERS = re.compile(r"[\s,]+")
matches = Signature(head=re.compile(r"exp_LT[PD]_raw\s*=\s*\["), in_sheets=True)


def read(source: Source, options: ReadOptions) -> PulseTable:
    """The table of a file in this format; see `devicekit.readers.Reader`."""
    told: list[CodedWarning] = []
    frames = [_block(source, match, told) for match in _BLOCK.finditer(source.text)]
    frames = [frame for frame in frames if len(frame)]
    if not frames:
        raise TableError(f"{source.path.name}: no exp_LTP_raw = [...] or exp_LTD_raw = [...] block that ends in ]")
    frame, warnings = add_state(pd.concat(frames, ignore_index=True), options, source.path.name, assumed="conductance")
    return build_pulse_table(frame, NAME, source, [*told, *warnings])


def _block(source: Source, match: re.Match[str], told: list[CodedWarning]) -> pd.DataFrame:
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
        raise TableError(f"{source.path.name}: rows of exp_{match[1]}_raw that are not two numbers", bad)
    frame = pd.DataFrame(rows, columns=["x", "value", "file_row"])
    frame = frame.sort_values("x", kind="stable")
    number = _pulse_numbers(frame["x"].to_numpy(float), f"{source.path.name}: exp_{match[1]}_raw", told)
    return frame.assign(device_id="device1", cycle=1, direction=match[1].lower(), pulse_index=number).drop(columns="x")


def _pulse_numbers(x: np.ndarray, where: str, told: list[CodedWarning]) -> np.ndarray:
    """Whole pulse numbers from 0; those of a digitised figure are rounded, which is said.

    Raises
    ------
    TableError
        If the numbers end at 1: then they are a share of the train, and nothing says how many pulses it has.
    """
    from_0 = x - x.min(initial=0.0 if x.size == 0 else x[0])
    if from_0.max(initial=0.0) > LARGEST_COUNT:
        raise TableError(f"{where}: its pulse numbers end at {x.max():g}, more than can be counted")
    if (from_0 == np.round(from_0)).all():
        return from_0.astype(int)
    if from_0.max() <= 1:
        raise TableError(f"{where}: its pulse numbers end at {x.max():g}: write them as pulses, not as a share of all")
    words = f"{where}: its pulse numbers are not whole, as of a digitised figure: they were rounded to whole pulses"
    told.append(CodedWarning("assumed_unit", words))
    return np.round(from_0).astype(int)
