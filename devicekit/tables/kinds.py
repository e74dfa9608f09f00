"""Tables of sweeps, endurance, retention, STDP, transients, pulse pairs, levels, summaries, and plain records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import pandera.pandas as pa

from devicekit.core.errors import TableError
from devicekit.tables.base import ValidTable
from devicekit.tables.schemas import (
    ENDURANCE_SCHEMA,
    MULTILEVEL_SCHEMA,
    PAIRED_SCHEMA,
    RECORD_SCHEMA,
    RETENTION_SCHEMA,
    STDP_SCHEMA,
    SUMMARY_COLUMNS,
    SUMMARY_SCHEMA,
    SWEEP_SCHEMA,
    TRANSIENT_SCHEMA,
)


@dataclass(frozen=True, eq=False)
class SweepTable(ValidTable):
    """Voltage sweeps: device_id, cycle, point, voltage_v [V], current_a [A].

    Optional time_s [s], compliance_a [A], temperature_k [K]; any others.
    """

    schema: ClassVar[pa.DataFrameSchema] = SWEEP_SCHEMA
    kind: ClassVar[str] = "sweep"
    contents: ClassVar[str] = "sweeps"


@dataclass(frozen=True, eq=False)
class EnduranceTable(ValidTable):
    """Endurance: device_id, cycle (write cycles so far), level (lrs | hrs), conductance_s [S]; optional others.

    One row is one reading of one level after that many cycles.
    """

    schema: ClassVar[pa.DataFrameSchema] = ENDURANCE_SCHEMA
    kind: ClassVar[str] = "endurance"
    contents: ClassVar[str] = "an endurance measurement"


@dataclass(frozen=True, eq=False)
class RetentionTable(ValidTable):
    """Retention: device_id, level (name of the state), time_s since it was written [s], conductance_s [S].

    States without a unit have weight [1] instead of conductance_s. Optional read_voltage_v [V] and
    temperature_k [K]; any others.
    """

    schema: ClassVar[pa.DataFrameSchema] = RETENTION_SCHEMA
    kind: ClassVar[str] = "retention"
    contents: ClassVar[str] = "a retention measurement"

    def _check(self, frame: pd.DataFrame) -> None:
        if not {"conductance_s", "weight"} & set(frame):
            raise TableError("a retention table has a column conductance_s or weight; found neither")

    @property
    def quantity(self) -> str:
        """Name of the column that holds the states: conductance_s, else weight."""
        return "conductance_s" if "conductance_s" in self.frame else "weight"


@dataclass(frozen=True, eq=False)
class StdpTable(ValidTable):
    """Spike-timing-dependent plasticity: device_id, repeat, spike_delay_s (t_post - t_pre) [s], weight_change [1]."""

    schema: ClassVar[pa.DataFrameSchema] = STDP_SCHEMA
    kind: ClassVar[str] = "stdp"
    contents: ClassVar[str] = "an STDP measurement"


@dataclass(frozen=True, eq=False)
class TransientTable(ValidTable):
    """Readings in time with the pulses between them: device_id, record, time_s [s], conductance_s [S] or current_a [A].

    Optional pulse_voltage_v [V], 0 between the pulses (without it the pulse came before the record, at time 0),
    pulse_width_s [s], read_voltage_v [V], temperature_k [K]; any others. What is read in a row of a pulse is read under
    the pulse, and is not a state.
    """

    schema: ClassVar[pa.DataFrameSchema] = TRANSIENT_SCHEMA
    kind: ClassVar[str] = "transient"
    contents: ClassVar[str] = "readings in time"

    def _check(self, frame: pd.DataFrame) -> None:
        have = [name for name in ("conductance_s", "current_a") if name in frame]
        if not have:
            raise TableError("a transient table has a column conductance_s or current_a; found neither")
        back = frame.groupby(["device_id", "record"], sort=False)["time_s"].diff() < 0
        if back.any():
            at = int(np.flatnonzero(back.to_numpy())[0])
            device, record = frame["device_id"].iloc[at], frame["record"].iloc[at]
            raise TableError(f"the times of record {record} of {device} run backwards at row {at + 1}")

    @property
    def quantity(self) -> str:
        """Name of the column that holds the readings: conductance_s, else current_a."""
        return "conductance_s" if "conductance_s" in self.frame else "current_a"


@dataclass(frozen=True, eq=False)
class PairedTable(ValidTable):
    """Pairs of pulses: device_id, repeat, interval_s between the two [s], ratio of their amplitudes A2/A1 [1].

    Optional first_amplitude and second_amplitude (one unit, S or A), from which ratio was made; pulse_voltage_v [V];
    baseline, from which A2 is counted: `original` (the level before the first pulse) or `before` (just before the
    second); any others.
    """

    schema: ClassVar[pa.DataFrameSchema] = PAIRED_SCHEMA
    kind: ClassVar[str] = "paired"
    contents: ClassVar[str] = "pairs of pulses"

    @property
    def baseline(self) -> str | None:
        """Baseline of the pulse pairs; None if the table gives none or several."""
        baselines = set(self.frame["baseline"]) if "baseline" in self.frame else set()
        return str(baselines.pop()) if len(baselines) == 1 else None


@dataclass(frozen=True, eq=False)
class MultilevelTable(ValidTable):
    """Several levels, each read again and again: device_id, level (its name), repeat, conductance_s [S].

    Optional target_s, at which a level was aimed [S], time_s [s], read_voltage_v [V], temperature_k [K]; any others.
    """

    schema: ClassVar[pa.DataFrameSchema] = MULTILEVEL_SCHEMA
    kind: ClassVar[str] = "multilevel"
    contents: ClassVar[str] = "programmed levels"


@dataclass(frozen=True, eq=False)
class SummaryTable(ValidTable):
    """Numbers that were extracted before, one row a cycle or a device: device_id, cycle, and one or more of the rest.

    v_set_v, v_reset_v, v_form_v [V], g_hrs_s, g_lrs_s [S], on_off [1]. Optional yield_share [1], read_voltage_v [V],
    compliance_a [A], temperature_k [K]; any others.
    """

    schema: ClassVar[pa.DataFrameSchema] = SUMMARY_SCHEMA
    kind: ClassVar[str] = "summary"
    contents: ClassVar[str] = "a summary"

    def _check(self, frame: pd.DataFrame) -> None:
        if not set(SUMMARY_COLUMNS) & set(frame):
            raise TableError(f"a summary has one or more of the columns {', '.join(SUMMARY_COLUMNS)}; found none")


@dataclass(frozen=True, eq=False)
class RecordTable(ValidTable):
    """Records whose columns have no role of ours: device_id, record, point, and the file's own columns."""

    schema: ClassVar[pa.DataFrameSchema] = RECORD_SCHEMA
    kind: ClassVar[str] = "record"
    contents: ClassVar[str] = "records"
