"""`devicekit figure`: sizes, fonts, data, several inputs, refusals, and the same bytes again."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import devicekit as dk
from devicekit.core.errors import UsageError
from devicekit.features.merit import Settings
from devicekit.figures.drawn import Series
from devicekit.figures.inputs import Input, _of_json, load
from devicekit.figures.make import grouped
from devicekit.figures.panels import trains
from devicekit.figures.style import STYLES
from devicekit.names.marks import marks_in
from devicekit.synthetic import records
from devicekit.system import writing
from devicekit.system.options import ReadOptions

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def sweeps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two files of 8 cycles of two devices each."""
    folder = tmp_path_factory.mktemp("sweeps")
    for seed, name in enumerate(("a", "b")):
        records.sweeps(8, 2, seed=seed).to_csv(folder / f"{name}.csv")
    return folder


@pytest.fixture(scope="module")
def drawn(sweeps: Path) -> Any:
    return dk.figure(sweeps / "a.csv", style="nature")


def size_mm(svg: bytes) -> tuple[float, float]:
    found = re.search(rb'width="([\d.]+)pt" height="([\d.]+)pt"', svg)
    assert found
    wide, high = (25.4 * float(each) / 72 for each in found.groups())
    return wide, high


@pytest.mark.parametrize(("style", "size", "wide"), [("nature", "single", 89.0), ("ieee", "double", 7.16 * 25.4)])
def test_a_figure_has_the_size_of_the_journal(sweeps: Path, style: str, size: str, wide: float) -> None:
    made = dk.figure(sweeps / "a.csv", style=style, size=size, panels=["cdf"])
    svg, pdf = made.render(kind="svg"), made.render(kind="pdf")
    assert size_mm(svg)[0] == pytest.approx(wide, abs=0.01)
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", pdf)
    assert box is not None
    assert [25.4 * float(each) / 72 for each in box.groups()] == pytest.approx(size_mm(svg), abs=0.02)


@pytest.mark.slow
def test_text_stays_text_in_sizes_that_the_journal_takes(drawn: Any) -> None:
    svg = drawn.render(kind="svg").decode()
    sizes = {float(each) for each in re.findall(r"font(?:-size)?: (?:bold )?([\d.]+)px", svg)}
    assert {"10", "−4"} <= set(re.findall(r">([^<>]+)</tspan>", svg))
    assert {"Voltage (V)", "V", "set"} <= set(re.findall(r">([^<>]+)</(?:text|tspan)>", svg))
    assert min(sizes) >= 4.9  # of an index; the journal's least is 5 pt
    assert max(sizes) == STYLES["nature"].letter_pt
    assert "Arial" in svg
    assert not re.search(r"id=\"DejaVu|<defs>\s*<path id=\"(?:Arial|Liberation)", svg)  # no outlines of letters
    pdf = drawn.render(kind="pdf")
    assert b"/Type0" in pdf or b"/TrueType" in pdf
    assert b"/Subtype /Type3" not in pdf


@pytest.mark.slow
def test_the_csv_of_a_distribution_has_the_numbers_of_characterize(
    sweeps: Path, tmp_path: Path, devicekit: Run, without_mechanism: None
) -> None:
    found = dk.characterize(sweeps / "a.csv").results["dc"]
    assert devicekit("figure", sweeps / "a.csv", "--out", tmp_path / "f", "--panels", "cdf").code == 0
    frame = pd.read_csv(tmp_path / "f" / "cdf-states.csv")
    (column,) = [name for name in frame if name.startswith("Conductance")]
    factor = {"µS": 1e6, "mS": 1e3, "S": 1.0}[re.search(r"\[(.*)\]", column)[1]]  # type: ignore[index]
    for curve, name in (("device1, LRS", "g_lrs_s"), ("device2, HRS", "g_hrs_s")):
        own = found.cycles[found.cycles["device_id"] == curve.partition(",")[0]][name]
        shown = frame[frame["curve"] == curve][column].to_numpy(float)
        np.testing.assert_allclose(shown, factor * np.sort(own), rtol=1e-8)
    numbers = pd.read_csv(tmp_path / "f" / "numbers.csv").set_index("quantity")
    for each in found.spreads:
        assert numbers.loc[each.quantity, "median"] == pytest.approx(each.median, rel=1e-9)
        assert numbers.loc[each.quantity, "d2d"] == pytest.approx(each.d2d.value, rel=1e-9)
    assert set(frame["data_origin"]) == {"SYNTHETIC"}


def test_several_inputs_share_a_panel_with_a_look_each(sweeps: Path) -> None:
    made = dk.figure(sweeps / "a.csv", sweeps / "b.csv", panels=["iv"], labels=["HfO2", "TaOx"])
    front = [each for each in made.panels[0].panel.curves if each.legend]
    assert [each.name for each in front] == ["HfO2", "TaOx"]
    assert len({each.colour for each in front}) == len({each.style for each in front}) == 2
    assert made.captions().count("HfO2 and TaOx: 16 cycles") == 2  # what they share stands once


def test_files_of_a_figure(sweeps: Path, tmp_path: Path, devicekit: Run) -> None:
    out = tmp_path / "f"
    ran = devicekit("figure", sweeps / "a.csv", "--out", out, "--panels", "cdf-voltages,iv", "--json")
    assert ran.code == 0
    assert ran.json["figures"][0]["panels"] == ["cdf-voltages", "iv", "iv-linear"]
    assert all((out / name).is_file() for name in ran.json["files"])
    again = devicekit("figure", sweeps / "a.csv", "--out", out, "--panels", "cdf-voltages")
    assert again.code == 0
    (out / "captions.md").write_text("mine")
    assert devicekit("figure", sweeps / "a.csv", "--out", out, "--panels", "cdf-voltages").code == 2
    assert (out / "captions.md").read_text() == "mine"


@pytest.mark.slow
def test_synthetic_data_say_so_in_picture_and_caption(sweeps: Path, drawn: Any) -> None:
    assert "SYNTHETIC" in drawn.captions()
    assert ">SYNTHETIC</text>" in drawn.render().decode()
    bare = dk.figure(sweeps / "a.csv", panels=["cdf"], mark=False).render().decode()
    assert ">SYNTHETIC</text>" not in bare
    assert marks_in(bare[:4096]) == ("synthetic",)  # the file itself says it


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--panels", "endurance"], "endurance"),
        (["--panels", "nothing"], "cdf-voltages"),
        (["--labels", "a,b"], "2"),
        (["--style", "science"], "nature"),
        (["--size", "wide"], "single"),
    ],
)
def test_refusals_write_nothing(sweeps: Path, tmp_path: Path, devicekit: Run, options: list[str], word: str) -> None:
    ran = devicekit("figure", sweeps / "a.csv", "--out", tmp_path / "f", "--json", *options)
    assert ran.code == 2
    assert word in ran.json["error"]["message"]
    assert not (tmp_path / "f").exists()


def test_a_card_has_no_sweeps_and_names_the_way(tmp_path: Path, devicekit: Run) -> None:
    card = dk.catalog.get("vcm-trains").card
    ran = devicekit("figure", card, "--panels", "iv", "--out", tmp_path / "f", "--json")
    assert ran.code == 2
    assert "measured file" in ran.json["error"]["message"]
    assert [each.name for each in dk.figure(card).panels] == ["rates", "devices-rates"]


@pytest.mark.slow
def test_the_same_data_give_the_same_bytes(sweeps: Path, tmp_path: Path) -> None:
    """In other processes, with other hashes."""
    found = []
    for seed in ("1", "2"):
        out = tmp_path / seed / "f"
        out.parent.mkdir()
        line = [sys.executable, "-m", "devicekit", "figure", str(sweeps / "a.csv"), "--out", str(out), "--json"]
        subprocess.run(line, check=True, capture_output=True, env={**os.environ, "PYTHONHASHSEED": seed})
        names = json.loads((out / ".devicekit.json").read_text())["files"]
        found.append({name: zlib.crc32((out / name).read_bytes()) for name in names if name != "report.html"})
    assert found[0] == found[1]


def shown(name: str, *given: Any, **how: Any) -> Any:
    """Return the panel of a figure, by its name."""
    return next(each for each in dk.figure(*given, **how).panels if each.name == name)


def test_labels_stay_with_their_inputs_where_files_are_joined() -> None:
    given = ["card.json", "device1.csv", "device2.csv", "b.json"]
    together, _ = grouped(given, ReadOptions(), ["card", "ramps", "b"])
    assert together == ["card.json", [Path("device1.csv"), Path("device2.csv")], "b.json"]
    apart = ["device1.csv", "card.json", "device2.csv"]
    assert grouped(apart, ReadOptions(), ["ramps", "card"])[0] == [[Path(apart[0]), Path(apart[2])], "card.json"]


def test_sweeps_that_are_left_out_are_counted_of_each_input(without_mechanism: None) -> None:
    good, other = (records.sweeps(8, 1, seed=seed) for seed in range(2))
    frame = other.frame.copy()
    frame.loc[frame["cycle"] > 5, "current_a"] = 1e-7 * frame["voltage_v"]  # three that do not switch
    drawn = shown("iv", good, dk.tables.SweepTable(frame), labels=["A", "B"], panels=["iv"])
    assert re.findall(r"(\d+) of (\d+) sweeps", " ".join(drawn.notes)) == [("5", "8")]


def test_captions_give_the_sweep_rate_from_times_alone(without_mechanism: None) -> None:
    frame = records.sweeps(8, 1).frame
    step = frame.groupby("cycle")["voltage_v"].diff().abs().fillna(0.0)
    time_s = step.groupby(frame["cycle"]).cumsum() / 0.4 + 5.0 * (frame["point"] > 20)  # with a pause
    backwards = time_s.where(frame["point"] != 7, 0.0)
    timed, wrong = (dk.tables.SweepTable(frame.assign(time_s=each)) for each in (time_s, backwards))
    for name, table, rates in (("iv", timed, 1), ("cdf-voltages", timed, 1), ("iv", wrong, 0)):
        notes = " ".join(shown(name, table, panels=[name]).notes)
        assert re.findall(r"Sweep rate ([^.]+)", notes) == ["400 mV/s"] * rates


def training(seed: int, *, hidden: int) -> Input:
    """Return a training of two epochs."""
    numbers = {
        "settings": {"seed": seed, "hidden": hidden},
        "data": {"name": "digits", "split": "given", "n_test": 100},
        "epochs": [{"test_accuracy": 0.5}, {"test_accuracy": 0.6 + 0.1 * seed}],
    }
    return Input(label=f"h{hidden}-{seed}", source="", holds="training", numbers=numbers)


def benchmark(name: str, split: str, seeds: int) -> Input:
    """Return a benchmark of one variant, nearest to its limit in read noise."""
    numbers = {
        "name": name,
        "split": split,
        "seeds": seeds,
        "variants": [{"variant": "plain", "device": [0.8, 0.9, 0.85][:seeds], "twin": [0.9, 0.92, 0.91][:seeds]}],
        "distances": [{"flaw": "read noise"}],
        "severities": {"read noise": 0.02},
    }
    return Input(label=name, source="", holds="benchmark", numbers=numbers)


def test_a_caption_tells_bands_of_several_seeds_from_those_of_one() -> None:
    several, one = [training(0, hidden=50), training(1, hidden=50)], [training(0, hidden=80)]
    notes = [shown("accuracy", *given).notes[0] for given in (several, one, [*several, *one])]
    assert notes[2].startswith(notes[0].rstrip("."))
    assert len(set(notes)) == 3


def test_captions_of_benchmarks_name_all_data_and_only_bars_that_are_drawn() -> None:
    drawn = shown("benchmark", benchmark("a", "split-1", 1), benchmark("b", "split-2", 1))
    assert re.findall(r"split-\d", " ".join(drawn.notes)) == ["split-1", "split-2"]
    assert "95" not in " ".join(drawn.notes)
    assert re.findall(r"\d+ trainings?", drawn.shows) == ["1 training"]
    drawn = shown("benchmark", benchmark("a", "split-1", 1), benchmark("b", "split-1", 3))
    assert re.findall(r"split-\d", " ".join(drawn.notes)) == ["split-1"]
    assert re.findall(r"\d+", drawn.notes[0]) == ["95"]
    assert re.findall(r"\d+|trainings?", drawn.shows) == ["1", "3", "trainings"]


def test_the_caption_of_a_flaw_has_bars_where_several_pairs_have() -> None:
    from snn.benchmark.curves import shipped

    one, three = (shown("flaw", benchmark("a", shipped()["split"], seeds)).notes[1] for seeds in (1, 3))
    assert one != three


@pytest.mark.parametrize(
    ("sizes", "numbers"), [((30, 1), [5, 95]), ((3, 1), []), ((30, 3), [5, 95, 20]), ((30, 25), [5, 95])]
)
def test_a_caption_of_trains_states_the_bands_that_are_drawn(sizes: tuple[int, ...], numbers: list[int]) -> None:
    class Fit:
        branches = dict.fromkeys(("ltp", "ltd"))

        def __init__(self, n: int) -> None:
            self.n = n

        def trains(self, direction: str) -> Any:
            return SimpleNamespace(values=np.zeros((self.n, 2)))

    given = Input(label="a", source="", holds="measurement")
    words = trains._band_words([Series(str(n), given, Fit(n)) for n in sizes])
    assert [int(each) for each in re.findall(r"\d+", words)] == numbers


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Results of characterize: readings of endurance, a decade."""
    folder = tmp_path / "c"
    folder.mkdir()
    (folder / "results.json").write_text(json.dumps({"kind": "endurance", "marks": []}))
    (folder / ".devicekit.json").write_text(json.dumps({"tool": "devicekit", "files": ["results.json"]}))
    rows = ["level,decade,n,q1_s,median_s,q3_s", "lrs,0,9,1e-4,1e-4,1e-4", "hrs,0,9,1e-6,1e-6,1e-6"]
    (folder / "decades.csv").write_text("\n".join(rows))
    return folder


@pytest.mark.parametrize("content", [b"", "Größe\n1".encode("latin-1"), b"a,b\n1,2\n1,2,3,4\n"])
def test_only_tables_that_panels_show_are_read_beside_results(results: Path, devicekit: Run, content: bytes) -> None:
    (results / "mine.csv").write_bytes(content)
    (found,) = load(results, ReadOptions(), Settings())
    assert list(found.tables) == ["decades"]
    (results / "devices.csv").write_bytes(content)
    ran = devicekit("figure", results, "--out", results.parent / "f", "--json")
    assert (ran.code, ran.json["error"]["kind"]) == (2, "file")
    assert "devices.csv" in ran.json["error"]["message"]


def test_tables_beside_results_are_inputs(results: Path) -> None:
    with writing.one_command():
        load(results, ReadOptions(), Settings())
        assert {each.name for each in writing.list_inputs()} == {"results.json", "decades.csv"}


@pytest.mark.parametrize(
    "content",
    [
        {"variants": [], "a": [1]},
        {"variants": 5, "name": "a", "split": "b", "seeds": 1, "severities": {}},
        {"variants": [1], "name": "a", "split": "b", "seeds": 1, "severities": {}},
        {"results": 5, "marks": 5},
        {"results": [{"variants": [1]}]},
        {"epochs": 5, "accuracy_mean_last": 0.9},
        {"epochs": [1], "accuracy_mean_last": 0.9, "data": {"n_test": 1, "name": "a", "split": "b"}},
        {"epochs": [], "accuracy_mean_last": 0.9, "data": 5},
    ],
)
def test_json_of_others_is_left_to_the_readers(tmp_path: Path, devicekit: Run, content: dict[str, Any]) -> None:
    file = tmp_path / "a.json"
    file.write_text(json.dumps(content))
    assert _of_json(file) == []
    ran = devicekit("figure", file, "--out", tmp_path / "f", "--json")
    assert ran.code == 2
    assert not (tmp_path / "f").exists()


def test_an_unknown_definition_is_refused_before_any_input_is_read() -> None:
    with pytest.raises(UsageError):
        Settings(v_set="nonsense")
