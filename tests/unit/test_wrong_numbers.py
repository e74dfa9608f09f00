"""Numbers that mean nothing are refused, through each door."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import devicekit
from devicekit.core.errors import UsageError

# ---- options ----

WRONG_SETTINGS = [
    ("threshold", float("nan"), "above 1, not nan"),
    ("threshold", 1.0, "above 1, not"),
    ("lost_factor", 0.5, "above 1, not"),
    ("horizon", 0.0, "above 0 and at most 1e.12 .s."),
    ("horizon", float("inf"), "above 0 and at most 1e.12 .s."),
    ("life_temperature_k", -3.0, "above 0 and at most 5000 .K."),
    ("write_window_s", 5.0e1, r"at most 10 \[S\], not 50.0. For 50 uS give 5e-05"),
    ("apparent_energy_ev", 21.0, "at most 20 .eV."),
    ("time_exponent", 11.0, "at most 10, not"),
    ("kernel", "treble", "is one of exponential"),
    ("ppf_baseline", "after", "is one of original"),
]


@pytest.fixture(scope="module")
def endurance_rows() -> dict[str, Any]:
    """Return 30 cycles of one device."""
    cycles = [cycle for cycle in range(1, 31) for _ in range(2)]
    states = [(1e-4 if level == "lrs" else 1e-6) * (1 + 0.01 * (n % 7)) for n in range(30) for level in ("lrs", "hrs")]
    return {"device_id": ["a"] * 60, "cycle": cycles, "level": ["lrs", "hrs"] * 30, "conductance_s": states}


@pytest.mark.parametrize(("name", "value", "words"), WRONG_SETTINGS)
def test_a_setting_out_of_range_is_refused(endurance_rows: Any, name: str, value: Any, words: str) -> None:
    with pytest.raises(UsageError, match=f"^{name}= .*{words}"):
        devicekit.characterize(endurance_rows, **{name: value})


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("--horizon 1e400", "at most 1e+12 [s], not inf"),
        ("--thickness 8", "at most 0.001 [m], not 8.0. For 8 nm give 8e-09"),
        ("--thickness 5e-11", "above 1e-10"),
        ("--area 25", "For 25 um2 give 2.5e-11"),
        ("--area 1e6", "at most 0.001 [m2], not 1000000.0. For 1e+06 um2 give 1e-06"),
        ("--kernel double", "--kernel has no effect: it is for a relaxation after pulses"),
        ("--v-set compliance", "--v-set has no effect"),
        ("--ppf-baseline before", "--ppf-baseline has no effect"),
        ("--temperature 300", "--temperature has no effect"),
        ("--life-temperature 300", "--life-temperature has no effect"),
        ("--bits 2", "--bits has no effect"),
    ],
)
def test_the_command_line_refuses_what_means_nothing(
    endurance_rows: Any, tmp_path: Path, devicekit: Any, typed: str, words: str
) -> None:
    import pandas as pd

    pd.DataFrame(endurance_rows).to_csv(tmp_path / "endurance.csv", index=False)
    ran = devicekit("characterize", tmp_path / "endurance.csv", *typed.split(), "--out", tmp_path / "out")
    assert ran.code == 2
    assert words in ran.err
    assert not (tmp_path / "out").exists()


def test_a_setting_is_refused_only_where_no_result_uses_it(endurance_rows: Any) -> None:
    assert devicekit.characterize(endurance_rows, threshold=1.5).results["endurance"].threshold == 1.5
    with pytest.raises(UsageError, match=r"^life_temperature_k= has no effect: it is for retention"):
        devicekit.characterize(endurance_rows, life_temperature_k=300.0)
