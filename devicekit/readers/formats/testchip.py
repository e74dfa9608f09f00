"""Log of a 1T1R test chip: one line for each operation, of different length, with a comma inside `(2.5, 1.3)`.

`chip,time,address,ENDURANCE,(V_reset, V_set),...`, `RESET,V,...`, `SET,V,...` and `READ,R,G,I,V`. Every READ is
one row of the endurance table: the HRS after RESET, the LRS after SET; ENDURANCE begins a cycle.
"""

from __future__ import annotations

import re

import pandas as pd

from devicekit.core.errors import BadRow, CodedWarning, FileError, TableError
from devicekit.readers.cells import LARGEST_COUNT, is_number
from devicekit.readers.signature import Signature
from devicekit.readers.source import Source
from devicekit.system.options import ReadOptions
from devicekit.tables import EnduranceTable

NAME = "testchip"
TITLE = "log of a 1T1R test chip (READ, SET, RESET, ENDURANCE lines)"
TAKES = frozenset({"kind"})
KINDS = frozenset({"endurance"})
STATES_UNITS = True
_LINE = re.compile(r"^[^,]*,\s*[\d.eE+-]+\s*,[^,]*,\s*(READ|SET|RESET|ENDURANCE|FORM)\s*,")
_COMMA = re.compile(r",(?![^()]*\))")
_LEVEL = {"SET": "lrs", "RESET": "hrs", "FORM": "lrs"}
matches = Signature(lines=_LINE)


def read(source: Source, options: ReadOptions) -> EnduranceTable:
    """Read a file in this format; see `devicekit.readers.Reader`."""
    rows: list[dict[str, object]] = []
    bad: list[BadRow] = []
    state: dict[str, tuple[str, str, float | None]] = {}  # device -> last operation, width, voltage
    cycles: dict[str, int] = {}
    dropped = 0
    start: float | None = None
    for number, line in enumerate(source.lines, 1):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in _COMMA.split(line)]
        if len(cells) < 5 or not is_number(cells[1]):
            bad.append(BadRow(number, None, repr(line[:60]), "chip, time, address, operation, values"))
            continue
        device, operation = f"{cells[0]}-{cells[2]}", cells[3]
        start = float(cells[1]) if start is None else start
        if operation == "ENDURANCE":
            cycles[device] = cycles.get(device, 0) + _count_cycles(cells)
        elif operation in _LEVEL:
            voltage = float(cells[4]) if is_number(cells[4]) else None
            state[device] = (operation, cells[-1], voltage)
        elif operation == "READ":
            if device not in state or not is_number(cells[4]):
                dropped += 1
                continue
            rows.append(_build_row(cells, device, state[device], cycles.get(device, 1), start, number))
        else:
            bad.append(BadRow(number, "operation", repr(operation), "READ, SET, RESET or ENDURANCE"))
    if bad:
        raise TableError(f"{source.path.name} has lines that are not log entries", bad)
    if not rows:
        raise FileError(f"{source.path.name} has no READ line after a SET or RESET")
    warnings = [
        CodedWarning(
            "assumed_unit",
            f"{source.path.name}: the first number after READ was read in ohm, the convention of the format",
        )
    ]
    if dropped:
        warnings.append(
            CodedWarning(
                "dropped",
                f"{source.path.name}: {dropped} READ lines dropped: before the first SET or RESET, or without a value",
            )
        )
    return EnduranceTable(pd.DataFrame(rows), {"format": NAME, "source": source.path.name}, tuple(warnings))


def _count_cycles(cells: list[str]) -> int:
    """Return the cycles of an ENDURANCE line, its last number; 1 without a number."""
    last = cells[-1]
    return int(float(last)) if len(cells) > 5 and is_number(last) and 1 <= float(last) < LARGEST_COUNT else 1


def _build_row(
    cells: list[str], device: str, state: tuple[str, str, float | None], cycle: int, start: float, number: int
) -> dict[str, object]:
    operation, width, voltage = state
    resistance = float(cells[4])
    rest = {f"read value {k}": float(cell) if is_number(cell) else None for k, cell in enumerate(cells[5:], 2)}
    return {
        "device_id": device,
        "cycle": max(cycle, 1),
        "level": _LEVEL[operation],
        "conductance_s": 1.0 / resistance if resistance else None,
        "time_s": float(cells[1]) - start,
        "operation": operation,
        "operation_voltage_v": voltage,
        "pulse_width_s": float(width) if is_number(width) else None,
        **rest,
        "file_row": number,
    }
