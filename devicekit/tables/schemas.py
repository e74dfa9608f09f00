"""Schemas of the tables: which columns each has, of which type, and within which limits.

SI units; what each column means is in `devicekit.core.quantities.GLOSSARY`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandera.pandas as pa

from devicekit.core.quantities import DIRECTIONS
from devicekit.system.options import BASELINES

_INDEX = pa.Check.ge(0, error="0 or more")
_POSITIVE = pa.Check.gt(0, error="more than 0")
_FINITE = pa.Check(lambda column: np.isfinite(column), error="a finite number")
_NOT_INFINITE = pa.Check(lambda column: ~np.isinf(column), error="a finite number")
_CONDUCTANCE = pa.Check.ge(0, error="0 S or more (absolute=True takes magnitudes, if the sign is only a polarity)")


def _column(dtype: Any, *checks: pa.Check, required: bool = True, nullable: bool = False) -> pa.Column:
    return pa.Column(dtype, list(checks), required=required, nullable=nullable)


def _optional(*checks: pa.Check) -> pa.Column:
    return _column(float, *checks, required=False, nullable=True)


PULSE_SCHEMA = pa.DataFrameSchema(
    {
        "device_id": _column(str),
        "cycle": _column(int, _INDEX),
        "direction": _column(str, pa.Check.isin(DIRECTIONS, error="ltp or ltd")),
        "pulse_index": _column(int, _INDEX),
        "conductance_s": _optional(_CONDUCTANCE),
        "weight": _optional(),
        "pulse_voltage_v": _optional(),
        "pulse_width_s": _optional(_POSITIVE),
        "read_voltage_v": _optional(),
        "read_current_a": _optional(),
    }
)

SWEEP_SCHEMA = pa.DataFrameSchema(
    {
        "device_id": _column(str),
        "cycle": _column(int, _INDEX),
        "point": _column(int, _INDEX),
        "voltage_v": _column(float, _NOT_INFINITE, nullable=True),
        "current_a": _column(float, nullable=True),
        "third_voltage_v": _optional(),
        "time_s": _optional(),
        "compliance_a": _optional(_POSITIVE),
        "temperature_k": _optional(_POSITIVE),
    }
)

ENDURANCE_SCHEMA = pa.DataFrameSchema(
    {
        "device_id": _column(str),
        "cycle": _column(int, _INDEX),
        "level": _column(str, pa.Check.isin(("lrs", "hrs"), error="lrs or hrs")),
        "conductance_s": _column(float, _CONDUCTANCE, _NOT_INFINITE, nullable=True),
        "read_voltage_v": _optional(),
        "time_s": _optional(),
    }
)

RETENTION_SCHEMA = pa.DataFrameSchema(
    {
        "device_id": _column(str),
        "level": _column(str),
        "time_s": _column(float, _FINITE, _INDEX),
        "conductance_s": _column(float, _CONDUCTANCE, _NOT_INFINITE, required=False, nullable=True),
        "weight": _optional(),
        "read_voltage_v": _optional(),
        "temperature_k": _optional(_POSITIVE),
    }
)

STDP_SCHEMA = pa.DataFrameSchema(
    {
        "device_id": _column(str),
        "repeat": _column(int, _INDEX),
        "spike_delay_s": _column(float, _FINITE),
        "weight_change": _column(float, _NOT_INFINITE, nullable=True),
    }
)

TRANSIENT_SCHEMA = pa.DataFrameSchema(
    {
        "device_id": _column(str),
        "record": _column(int, _INDEX),
        "time_s": _column(float, _FINITE),
        "conductance_s": _column(float, _CONDUCTANCE, _NOT_INFINITE, required=False, nullable=True),
        "current_a": _column(float, _NOT_INFINITE, required=False, nullable=True),
        "read_voltage_v": _optional(),
        "pulse_voltage_v": _column(float, _FINITE, required=False),
        "pulse_width_s": _optional(_POSITIVE),
        "temperature_k": _optional(_POSITIVE),
    }
)

PAIRED_SCHEMA = pa.DataFrameSchema(
    {
        "device_id": _column(str),
        "repeat": _column(int, _INDEX),
        "interval_s": _column(float, _FINITE, _POSITIVE),
        "ratio": _column(float, _NOT_INFINITE, nullable=True),
        "first_amplitude": _optional(),
        "second_amplitude": _optional(),
        "pulse_voltage_v": _optional(),
        "baseline": _column(str, pa.Check.isin(BASELINES, error="original or before"), required=False),
    }
)

MULTILEVEL_SCHEMA = pa.DataFrameSchema(
    {
        "device_id": _column(str),
        "level": _column(str),
        "repeat": _column(int, _INDEX),
        "conductance_s": _column(float, _CONDUCTANCE, _NOT_INFINITE, nullable=True),
        "target_s": _optional(_CONDUCTANCE),
        "time_s": _optional(),
        "read_voltage_v": _optional(),
        "temperature_k": _optional(_POSITIVE),
    }
)

SUMMARY_COLUMNS = ("v_set_v", "v_reset_v", "v_form_v", "g_hrs_s", "g_lrs_s", "on_off")
SUMMARY_SCHEMA = pa.DataFrameSchema(
    {
        "device_id": _column(str),
        "cycle": _column(int, _INDEX),
        **{name: _optional(_NOT_INFINITE) for name in SUMMARY_COLUMNS[:3]},
        **{name: _optional(_CONDUCTANCE, _NOT_INFINITE) for name in SUMMARY_COLUMNS[3:5]},
        "on_off": _optional(_POSITIVE),
        "yield_share": _optional(pa.Check.in_range(0, 1, error="0 to 1")),
        "read_voltage_v": _optional(),
        "compliance_a": _optional(_POSITIVE),
        "temperature_k": _optional(_POSITIVE),
    }
)

RECORD_SCHEMA = pa.DataFrameSchema(
    {"device_id": _column(str), "record": _column(int, _INDEX), "point": _column(int, _INDEX)}
)
