"""Groups that the user states: rows of each cycle, what holds for all rows, conditions in names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import devicekit
from devicekit.core.errors import QuestionError, UsageError

LOOP = np.concatenate([np.linspace(0, 1, 10), np.linspace(0.9, 0, 10)])


def _write(path: Path, loops: int) -> Path:
    rows = "".join(f"{v:.4f},{v * 1e-5:.3e}\n" for v in np.tile(LOOP, loops))
    path.write_text("Voltage (V),Current (A)\n" + rows)
    return path


def test_rows_of_each_cycle_and_device(tmp_path: Path) -> None:
    file = _write(tmp_path / "loops.csv", 6)
    table = devicekit.read(file, rows_per={"device": "60", "cycle": "20"})
    sizes = table.frame.groupby(["device_id", "cycle"]).size()
    assert sizes.tolist() == [20] * 6
    assert table.devices == ["device1", "device2"]
    assert "accepted" not in [each.code for each in table.warnings]
    with pytest.raises(UsageError, match="50"):
        devicekit.read(file, rows_per={"cycle": "50"})


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("temperature_c", "85", 358.15),
        ("temperature_k", "300", 300.0),
        ("compliance_a", "50uA", 5e-5),
        ("compliance_a", "1e-4", 1e-4),
        ("pulse_width_s", "100 ns", 1e-7),
    ],
)
def test_what_holds_for_all_rows(name: str, text: str, value: float, tmp_path: Path) -> None:
    table = devicekit.read(_write(tmp_path / "loops.csv", 1), constant={name: text})
    column = "temperature_k" if name == "temperature_c" else name
    assert table.frame[column].unique() == pytest.approx([value], rel=1e-12)


def test_a_unit_of_another_quantity_is_refused(tmp_path: Path) -> None:
    for name, text in (("compliance_a", "5 V"), ("temperature_k", "warm"), ("direction", "sideways")):
        with pytest.raises(UsageError, match=f"{name}={text}"):
            devicekit.read(_write(tmp_path / "loops.csv", 1), constant={name: text})


def test_what_the_file_states_is_not_given_again(tmp_path: Path) -> None:
    file = tmp_path / "loops.csv"
    file.write_text("Cycle,Voltage (V),Current (A)\n" + "".join(f"1,{v:.4f},{v * 1e-5:.3e}\n" for v in LOOP))
    with pytest.raises(UsageError, match="states its cycle"):
        devicekit.read(file, rows_per={"cycle": "20"})


def test_conditions_in_names_of_one_file_and_of_several(tmp_path: Path) -> None:
    files = [_write(tmp_path / f"cellA_{c}C_{i}uA.csv", 1) for c, i in ((25, 50), (85, 100))]
    key = {"temperature_c": r"_(\d+)C", "compliance_a": r"_(\d+uA)"}
    one = devicekit.read(files[1], key={"device": "cell(.)", **key})
    assert (one.devices, one.frame["temperature_k"].iloc[0]) == (["A"], pytest.approx(358.15))
    both = devicekit.read(files, key=key, files_are="cycles")
    found = both.frame.groupby("cycle")[["temperature_k", "compliance_a"]].first()
    np.testing.assert_allclose(found, [[298.15, 5e-5], [358.15, 1e-4]], rtol=1e-12)
    with pytest.raises(UsageError, match="does not match"):
        devicekit.read(files[0], key={"level": "state(.)"})


def test_a_file_of_each_level_is_an_endurance_test(tmp_path: Path) -> None:
    for level, size in (("HRS", 1e6), ("LRS", 1e4)):
        rows = "".join(f"{k},{size + k}\n" for k in range(1, 21))
        (tmp_path / f"cell_{level}.csv").write_text("cycle,R (ohm)\n" + rows)
    files = sorted(tmp_path.glob("*.csv"))
    table = devicekit.read(files, kind="endurance", key={"level": "_(HRS|LRS)"})
    assert table.kind == "endurance"
    assert table.frame.groupby("level").size().to_dict() == {"hrs": 20, "lrs": 20}
    assert table.frame.groupby("level")["conductance_s"].first().to_dict() == pytest.approx(
        {"hrs": 1 / 1000001, "lrs": 1 / 10001}
    )


def test_devices_in_the_names_of_columns(tmp_path: Path) -> None:
    file = tmp_path / "columns.csv"
    up = np.linspace(1, 5, 12)
    head = ",".join(f"({k};1) {way} (uS)" for k in (3, 7) for way in ("set", "reset"))
    rows = "\n".join(f"{a:.4f},{b:.4f},{a * 1.1:.4f},{b * 1.1:.4f}" for a, b in zip(up, up[::-1], strict=True))
    file.write_text(head + "\n" + rows)
    key = {"device": r"\((\d+);", "direction": "(set|reset)"}
    table = devicekit.read(file, key=key, kind="pulse")
    assert (table.devices, len(table)) == (["3", "7"], 48)
    first = table.frame.groupby(["device_id", "direction"])["conductance_s"].first()
    assert first.loc["3"].to_dict() == pytest.approx({"ltp": 1e-6, "ltd": 5e-6})


@pytest.mark.parametrize(
    ("names", "kind"),
    [("Nr,cycle,LRS (kohm),HRS (kohm)", "endurance"), ("Kennung,time (s),LRS (kohm),HRS (kohm)", "retention")],
)
def test_a_column_that_changes_where_cycles_or_times_begin_anew_is_asked_about(
    tmp_path: Path, names: str, kind: str
) -> None:
    rows = [f"{block},{k},{5 + 0.1 * k},{500 + k * block}" for block in (3, 7) for k in range(1, 9)]
    file = tmp_path / "x.csv"
    file.write_text("\n".join([names, *rows, ""]))
    with pytest.raises(QuestionError) as error:
        devicekit.read(file)
    column = names.partition(",")[0]
    answers = [each.options for each in error.value.asked.choices]
    assert {"map": {"device_id": column}} in answers
    table = devicekit.read(file, map={"device_id": column})
    assert (table.kind, table.devices, len(table.frame)) == (kind, ["3", "7"], 32)
    assert devicekit.read(file, map={"keep": column}, accept=True).devices == ["device1"]


def test_sweeps_whose_cycles_begin_anew_with_an_unknown_column_are_asked_about(tmp_path: Path) -> None:
    rows = [
        f"{batch},{k},{v:.2f},{1e-6 * v * k:.3e}" for batch in ("x3", "x7") for k in (1, 2) for v in (*LOOP, *-LOOP)
    ]
    file = tmp_path / "x.csv"
    file.write_text("\n".join(["Kennung,cycle,V (V),I (A)", *rows, ""]))
    with pytest.raises(QuestionError):
        devicekit.read(file)
    table = devicekit.read(file, map={"device_id": "Kennung"})
    assert (table.kind, table.devices) == ("sweep", ["x3", "x7"])
