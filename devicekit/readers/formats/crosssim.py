"""CrossSim ramps: a folder with set.csv and reset.csv, one column a ramp, header rmp1, rmp2, ..."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from devicekit.core.errors import FileError, TableError
from devicekit.readers.layouts.gather import gather
from devicekit.readers.layouts.roles import Cells
from devicekit.readers.pulse_trains import build_pulse_table
from devicekit.readers.signature import Signature
from devicekit.readers.source import Source
from devicekit.readers.state import add_state
from devicekit.system.options import ReadOptions
from devicekit.tables import PulseTable

NAME = "crosssim"
TITLE = "CrossSim ramps (folder with set.csv and reset.csv)"
TAKES = frozenset({"quantity", "read_voltage", "unit", "absolute"})
_FILES = {"ltp": "set.csv", "ltd": "reset.csv"}
matches = Signature(folder=("set.csv", "reset.csv"))


def read(source: Source, options: ReadOptions) -> PulseTable:
    """Read a file in this format; see `devicekit.readers.Reader`."""
    if not matches(source):
        raise FileError(f"{source.path} is not a folder with set.csv and reset.csv")
    frames = [_read_ramps(Source(source.path / name), direction) for direction, name in _FILES.items()]
    # CrossSim's examples hold currents in ampere, for which a read voltage is needed
    assumed = "current" if options.read_voltage is not None else None
    frame, warnings = add_state(pd.concat(frames, ignore_index=True), options, source.path.name, assumed=assumed)
    return build_pulse_table(frame, NAME, source, warnings)


def _read_ramps(source: Source, direction: str) -> pd.DataFrame:
    """Read the ramps of one file; a column's number is its cycle, its first reading the state before pulse 1."""
    block = gather(source, ReadOptions()).blocks[0]
    table = Cells(block)
    frames = []
    for position, column in enumerate(block.names):
        values = table.read(column)
        values = values.where(values != 0)  # zeros are padding; CrossSim's loader drops them too
        last = values.last_valid_index()
        if last is None:
            continue
        values = values.loc[:last]
        digits = re.search(r"([0-9]{1,15})$", column)
        frames.append(
            pd.DataFrame(
                {
                    "device_id": "device1",
                    "cycle": int(digits[1]) if digits else position + 1,
                    "direction": direction,
                    "pulse_index": np.arange(values.size),
                    "value": values.to_numpy(),
                    "file_row": values.index,
                }
            )
        )
    if not frames:
        raise TableError(f"{source.path}: no column holds numbers")
    return pd.concat(frames, ignore_index=True)
