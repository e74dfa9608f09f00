"""Real measured files, where the environment says where they are, read to checked values.

Each measured test and its twin, which reads a small file of the same layout and known content and runs everywhere
(in `test_measured_twins.py` unless another file is named):
test_endurance_log: test_an_endurance_log; test_formats.py::test_a_test_chip_log_gives_levels_...
test_endurance_log_figures: test_figures_of_an_endurance_log
test_read_sweep: test_read_sweeps
test_read_sweeps_are_read_linearity: test_read_sweeps_are_read_linearity
test_set_sweep: test_a_set_sweep
test_bake_pair: test_a_bake
test_bake_shift: test_a_bake; features/test_bakes.py::test_a_bake_moves_devices_up_and_down
test_keithley_workbooks: test_a_keithley_workbook; test_instruments.py::test_keithley_ktei_workbook
test_the_json_of_the_vcm_trains_is_the_set_that_ships: test_json.py::test_a_recipe_finds_trains_by_their_keys_...
test_gong_and_crosssim: test_a_weight_of_two_columns_is_not_a_conductance, test_ramps
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from devicekit.core.errors import FileError
from devicekit.readers import read
from devicekit.system import catalog
from devicekit.tables import EnduranceTable, PulseTable, SweepTable


def test_endurance_log(endurance_log: EnduranceTable) -> None:
    table = endurance_log
    assert len(table) == 5448  # one row a READ line
    assert table.devices == ["C4-778"]
    assert table.frame["cycle"].max() == 2724 * 50_000  # as the ENDURANCE lines state them
    assert 1 / table.frame["conductance_s"][0] == pytest.approx(28039.719590468696)
    assert list(table.frame["level"][:2]) == ["hrs", "lrs"]
    assert list(table.frame["operation_voltage_v"][:2]) == [2.5, 1.3]


@pytest.mark.slow
def test_shipped_recipes_read_the_files_without_names(measured: Path) -> None:
    folder = measured / "rram_1t1r"
    pulses = read(folder / "set_sweep.tsv", recipe="rram-1t1r-set-sweep")
    assert isinstance(pulses, PulseTable)
    assert [len(pulses), len(pulses.widths)] == [2 * 32768, 7]
    sweeps = read(folder / "read_voltage_sweep.tsv", recipe="rram-1t1r-read-sweep")
    assert isinstance(sweeps, SweepTable)
    assert len(sweeps.devices) == 1024


def test_a_shipped_recipe_reads_the_file_without_names(measured: Path) -> None:
    baked = read(measured / "rram_1t1r" / "prebake130.tsv", recipe="rram-1t1r-bake")
    assert len(baked.devices) == 16384


def head(path: Path, lines: int, folder: Path) -> Path:
    """A file of the same name with the first lines of a file."""
    (folder / path.name).write_text("\n".join(path.read_text().splitlines()[:lines]) + "\n")
    return folder / path.name


def test_shipped_recipes_read_the_first_lines_of_files_without_names(measured: Path, tmp_path: Path) -> None:
    folder = measured / "rram_1t1r"
    pulses = read(head(folder / "set_sweep.tsv", 300, tmp_path), recipe="rram-1t1r-set-sweep")
    assert isinstance(pulses, PulseTable)
    assert len(pulses) == 2 * 300
    sweeps = read(head(folder / "read_voltage_sweep.tsv", 3 * 36, tmp_path), recipe="rram-1t1r-read-sweep")
    assert isinstance(sweeps, SweepTable)
    assert len(sweeps) == 3 * 36


def test_one_option_is_enough_for_the_others(measured: Path) -> None:
    ladder = read(measured / "compliance_ladder" / "iv_50_100_200_400uA.csv", unit="uA")
    assert isinstance(ladder, SweepTable)
    assert sorted(ladder.frame["compliance_a"].unique()) == pytest.approx([50e-6, 100e-6, 200e-6, 400e-6])
    assert ladder.frame["cycle"].nunique() == 4  # set and reset of a level are one loop
    assert ladder.frame[ladder.frame["voltage_v"] < 0]["current_a"].max() <= 0
    ramps = read(measured / "crosssim_ramps", read_voltage=0.1)
    assert len(ramps) == 13417
    gong = read(measured / "gong_reram", quantity="weight", accept=True)
    assert len(gong) == 2000


def refused_in_one_sentence(path: Path, words: str) -> None:
    with pytest.raises(FileError, match=words) as caught:
        read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("lines", [300, pytest.param(10_000, marks=pytest.mark.slow)])
def test_files_without_a_measurement_are_refused_in_one_sentence(lines: int, measured: Path, tmp_path: Path) -> None:
    digits = head(measured / "optdigits" / "optdigits.tra", lines, tmp_path)
    refused_in_one_sentence(digits, "65 columns")
    refused_in_one_sentence(measured / "mnist", "binary")


@pytest.fixture(scope="module")
def read_sweeps(measured: Path) -> SweepTable:
    names = {"device_id": "column 1", "voltage_v": "column 2", "current_a": "column 3"}
    table = read(measured / "rram_1t1r" / "read_voltage_sweep.tsv", columns=names)
    assert isinstance(table, SweepTable)
    return table


@pytest.fixture(scope="module")
def endurance_log(measured: Path) -> EnduranceTable:
    table = read(measured / "rram_1t1r" / "endurance_log.csv")
    assert isinstance(table, EnduranceTable)
    return table


@pytest.fixture(scope="module")
def bakes(measured: Path) -> dict[str, PulseTable]:
    """The same devices before and after a bake."""
    names = {"device_id": "column 1", "resistance_ohm": "column 2"}
    tables = {when: read(measured / "rram_1t1r" / f"{when}bake130.tsv", columns=names) for when in ("pre", "post")}
    assert all(isinstance(table, PulseTable) for table in tables.values())
    return tables  # type: ignore[return-value]


@pytest.mark.slow
def test_read_sweep(read_sweeps: SweepTable) -> None:
    assert len(read_sweeps.devices) == 1024
    assert set(read_sweeps.frame.groupby("device_id").size()) == {36}
    assert read_sweeps.frame["current_a"][0] == 1.0203332990083028e-06


@pytest.mark.slow
def test_set_sweep(measured: Path) -> None:
    names = {
        "device_id": "column 1",
        "pulse_width_s": "column 2",
        "pulse_voltage_v": "column 3",
        "resistance_before_ohm": "column 5",
        "resistance_after_ohm": "column 6",
    }
    table = read(measured / "rram_1t1r" / "set_sweep.tsv", columns=names)
    assert isinstance(table, PulseTable)
    assert len(table) == 2 * 32768
    assert len(table.widths) == 7
    assert 1 / table.frame["conductance_s"][1] == pytest.approx(115068.98689767806)
    assert "column 4" in table.frame  # devicekit has no name for the gate voltage


@pytest.mark.slow
@pytest.mark.parametrize("when", ["pre", "post"])
def test_bake_pair(bakes: dict[str, PulseTable], when: str) -> None:
    assert len(bakes[when].devices) == 16384


def test_keithley_workbooks(measured: Path, capfd: pytest.CaptureFixture[str]) -> None:
    paths = sorted((measured / "keithley4200").glob("*.xls"))
    assert len(paths) == 2
    for path in paths:
        table = read(path)
        assert isinstance(table, SweepTable)
        assert len(table) == 201
        assert {"third_voltage_v", "GateI", "GM", "IDLIN", "VT", "IDS_UA", "ABS_IDS"} <= set(table.frame)
        assert table.frame["voltage_v"][0] == pytest.approx(-40.0054, abs=1e-3)
        assert np.isnan(table.frame["GM"][0])
        assert table.meta["records"][0]["settings"]["KTEI Version"] == "V7.2"
    assert table.frame["current_a"][0] == pytest.approx(1.8001680875123771e-12)
    assert capfd.readouterr().out == ""


def test_gong_and_crosssim(measured: Path) -> None:
    gong = read(measured / "gong_reram" / "gong_et_al.csv", quantity="weight", accept=True)
    assert len(gong) == 2000
    assert gong.frame["weight"][0] == -0.84444
    ramps = read(measured / "crosssim_ramps", quantity="current", read_voltage=0.1)
    assert len(ramps) == 13417
    assert ramps.frame["conductance_s"][0] == pytest.approx(0.000160588 / 0.1)


def test_bake_shift(bakes: dict[str, PulseTable]) -> None:
    from devicekit.features.lives.bake import bake

    found = bake(bakes["pre"], bakes["post"])
    assert found.n == 16384
    assert found.unpaired == 0
    assert 0.5 < found.median_ratio < 2
    assert 0 < found.moved < 1


def test_endurance_log_figures(endurance_log: EnduranceTable) -> None:
    from devicekit.features.merits import endurance

    found = endurance.characterize(endurance_log)
    device = found.devices[0]
    assert device.n == 2724
    assert device.failed_at is None
    assert device.median_window == pytest.approx(11.54, abs=0.01)
    assert device.good == pytest.approx(0.9985, abs=1e-4)


@pytest.mark.slow
@pytest.mark.usefixtures("without_mechanism")
def test_read_sweeps_are_read_linearity(read_sweeps: SweepTable) -> None:
    from devicekit.features.characterize import characterize

    found = characterize(read_sweeps)
    assert len(found.tables["linearity"]) == 1024
    assert found.tables["linearity"]["ratio"].median() == pytest.approx(1.03, abs=0.01)


@pytest.mark.slow
def test_the_json_of_the_vcm_trains_is_the_set_that_ships(measured: Path) -> None:
    table = read(measured / "vcm_trains", recipe="vcm-trains-json")
    shipped = read(catalog.get("vcm-trains").data)
    keys = ["device_id", "cycle", "direction", "pulse_index"]
    ours, theirs = (each.frame.sort_values(keys).reset_index(drop=True) for each in (table, shipped))
    assert (ours[keys] == theirs[keys]).all(axis=None)
    np.testing.assert_allclose(ours["conductance_s"], theirs["conductance_s"], rtol=6e-5)
