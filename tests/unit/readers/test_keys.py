"""Devices, directions and conditions by words in the names of files, rows, columns and tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import devicekit
from devicekit.core.errors import QuestionError, UsageError

UP = np.linspace(1, 5, 12)


def _train(path: Path, values: np.ndarray) -> Path:
    path.write_text("".join(f"{each:.4f}\n" for each in values))
    return path


@pytest.mark.parametrize("given", [{"key": {"direction": "G([PD])"}}, {"words": {"ltp": "GP", "ltd": "GD"}}])
def test_a_file_of_ltp_and_one_of_ltd_are_one_device(given: dict[str, object], tmp_path: Path) -> None:
    files = [_train(tmp_path / "100GP.txt", UP), _train(tmp_path / "100GD.txt", UP[::-1])]
    table = devicekit.read(files, unit="nS", accept=True, **given)
    assert table.frame.groupby(["device_id", "cycle", "direction"]).size().to_dict() == {
        ("device1", 1, "ltd"): 12,
        ("device1", 1, "ltp"): 12,
    }
    first = table.frame.groupby("direction")["conductance_s"].first()
    assert first.to_dict() == pytest.approx({"ltd": 5e-9, "ltp": 1e-9})


def test_unknown_words_for_directions_are_asked_about(tmp_path: Path) -> None:
    files = [_train(tmp_path / "GP.txt", UP), _train(tmp_path / "GD.txt", UP[::-1])]
    with pytest.raises(QuestionError) as caught:
        devicekit.read(files, unit="nS", key={"direction": "(GP|GD)"})
    offered = [choice.options for choice in caught.value.asked.choices]
    assert offered == [{"words": {"ltd": "GD", "ltp": "GP"}}]  # GD falls, so that the file refuses the other answer
    table = devicekit.read(files, unit="nS", key={"direction": "(GP|GD)"}, accept=True, **offered[0])
    assert table.frame.groupby("direction")["conductance_s"].last().to_dict() == pytest.approx(
        {"ltd": 1e-9, "ltp": 5e-9}
    )


@pytest.mark.parametrize("words", [{"ltp": "Gerase", "ltd": "Gprog"}, {"ltp": "erase", "ltd": "prog"}])
def test_two_rows_of_one_device_are_its_ltp_and_ltd(words: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "rows.txt"
    lines = []
    for device in range(3):
        for width, word, values in (("2e-4", "Gprog", UP[::-1]), ("1e-4", "Gerase", UP)):
            numbers = ", ".join(f"{each + device:.3f}e-7" for each in values[: 10 + device])
            lines.append(f"(U2,0,{device}),t={width},{word}, {numbers}")
    file.write_text("\n".join(lines) + "\n")
    way = "G(prog|erase)" if words["ltp"] == "erase" else "(Gprog|Gerase)"
    key = {"device": r"(\(U2,\d+,\d+\))", "direction": way, "pulse_width_s": "t=([0-9e-]+)"}
    table = devicekit.read(file, unit="S", kind="pulse", key=key, words=words, accept=True)
    found = table.frame.groupby(["device_id", "direction"])["conductance_s"].agg(["size", "first"])
    assert found["size"].tolist() == [10, 10, 11, 11, 12, 12]
    assert found.loc[("(U2,0,2)", "ltd"), "first"] == pytest.approx(7e-7)
    widths = table.frame.groupby("direction")["pulse_width_s"].first()
    assert widths.to_dict() == pytest.approx({"ltd": 2e-4, "ltp": 1e-4})


def _stacked(path: Path) -> Path:
    lines = ["measured on Monday", ""]
    for k, gate in enumerate((0.5, 1.0, 1.5), start=1):
        lines += [f"IV data for [NW{k}], address [1{k}]", f"ICCAP_VAR vg {gate}", "ICCAP_VAR vb -3.6", ""]
        lines += ["#Vd (V)\tId (A)"] + [f"{v:.2f}\t{k * v * 1e-6:.4e}" for v in np.linspace(0, 1, 11)] + ["END", ""]
    path.write_text("\n".join(lines))
    return path


def test_words_above_each_table_give_its_device_and_its_gate_voltage(tmp_path: Path) -> None:
    file = _stacked(tmp_path / "curves.txt")
    table = devicekit.read(file, blocks="text-row", key={"device": r"\[(NW\d)\]", "third_voltage_v": r"vg ([\d.]+)"})
    last = table.frame.groupby("device_id")[["voltage_v", "current_a", "third_voltage_v"]].last()
    np.testing.assert_allclose(last, [[1, 1e-6, 0.5], [1, 2e-6, 1.0], [1, 3e-6, 1.5]], rtol=1e-9)
    gates = devicekit.read(file, blocks="text-row", key={"third_voltage_v": r"vg ([\d.]+)"}).frame
    assert gates.groupby("cycle")["third_voltage_v"].first().tolist() == [0.5, 1.0, 1.5]


def test_a_pattern_that_fits_no_name_lists_the_names(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"chip.*'curves'"):
        devicekit.read(_stacked(tmp_path / "curves.txt"), blocks="text-row", key={"device": r"chip(\d)"})


def test_words_are_kept_in_a_recipe(tmp_path: Path) -> None:
    file = tmp_path / "pulses.csv"
    rows = [f"{way},{each:.3f}" for way, values in (("auf", UP), ("ab", UP[::-1])) for each in values]
    file.write_text("direction,G (uS)\n" + "\n".join(rows) + "\n")
    table = devicekit.read(file, words={"ltp": "auf", "ltd": "ab"})
    assert table.frame.groupby("direction").size().to_dict() == {"ltd": 12, "ltp": 12}
    table.meta["layout"].save(tmp_path / "recipe.toml")
    again = devicekit.read(file, recipe=tmp_path / "recipe.toml")
    assert again.frame["direction"].tolist() == table.frame["direction"].tolist()


def test_a_pattern_for_the_words_above_tables_is_offered(tmp_path: Path) -> None:
    with pytest.raises(QuestionError) as caught:
        devicekit.read(_stacked(tmp_path / "curves.txt"), blocks="text-row")
    first = caught.value.asked.choices[0]
    assert first.options == {"key": {"device": r"IV data for \[([\w.+-]+)"}}
    table = devicekit.read(tmp_path / "curves.txt", blocks="text-row", **first.options)
    assert table.devices == ["NW1", "NW2", "NW3"]


def test_words_of_rows_are_offered_as_ltp_and_ltd(tmp_path: Path) -> None:
    file = tmp_path / "rows.txt"
    rows = [("Gprog", UP[::-1]), ("Gerase", UP)] * 3
    file.write_text("".join(f"{word}, {', '.join(f'{each:.3f}' for each in values)}\n" for word, values in rows))
    options = {"unit": "uS", "columns_are": "cycles"}
    with pytest.raises(QuestionError) as caught:
        devicekit.read(file, **options)
    choices = [choice.options for part in caught.value.asked.each for choice in part.choices]
    offered = [options for options in choices if "words" in options]
    assert offered[0] == {"words": {"ltp": "Gerase", "ltd": "Gprog"}}  # whose numbers rise
    table = devicekit.read(file, **options, **offered[0], accept=True)
    assert table.frame.groupby("direction")["cycle"].nunique().to_dict() == {"ltd": 3, "ltp": 3}
    assert len(table) == 72


def test_a_number_alone_above_each_of_several_tables_names_it(tmp_path: Path) -> None:
    rows = ["1,,,2,,", ",1100,1.5e-6,,1010,2.5e-6,,9e-6,8e-6"]
    rows += [f",{k},{k}e-7,,{k + 1},{k + 2}e-7" for k in range(1, 8)]
    (tmp_path / "blocks.csv").write_text("\n".join(rows) + "\n")
    table = devicekit.read(tmp_path / "blocks.csv", kind="record", columns_are="devices")
    first = table.frame.groupby("device_id").first()
    assert first.index.tolist() == ["1", "2"]
    np.testing.assert_allclose(first[["column 1", "column 2"]], [[1100, 1.5e-6], [1010, 2.5e-6]])
    assert any("beside the table: 9e-6 8e-6" in each.message for each in table.warnings)
