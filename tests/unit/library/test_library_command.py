"""devicekit library: the contract of the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from devicekit.device.card import DeviceCard
from devicekit.features.definitions import THRESHOLD
from devicekit.library import Library
from devicekit.system import catalog

Run = Callable[..., Any]
pytestmark = pytest.mark.usefixtures("without_mechanism")


@pytest.fixture
def cards(card: Callable[..., DeviceCard], tmp_path: Path) -> list[Path]:
    """Files of three cards, of on/off 2, 4, 8, named by their place."""
    paths = [tmp_path / f"W7_R1C{k}.json" for k in (1, 2, 3)]
    for k, path in enumerate(paths, 1):
        card(f"dev {k}", low=1e-5, high=1e-5 * 2**k, increment=0.002 * k).save(path)
    return paths


@pytest.fixture
def lib(tmp_path: Path) -> Path:
    return tmp_path / "lab"


def test_add_list_show_compare_remove_refresh(devicekit: Run, cards: list[Path], lib: Path, tmp_path: Path) -> None:
    ran = devicekit("library", "add", *cards, "--library", lib, "--label", "stack=HfO2", "--label", "area=5x5 um",
                    "--place-from", r"W(?P<wafer>\d+)_R(?P<row>\d+)C(?P<column>\d+)", "--json")  # fmt: skip
    assert ran.code == 0
    added = [each["records"][0] for each in ran.json["results"]]
    assert [each["name"] for each in added] == ["dev 1", "dev 2", "dev 3"]
    assert added[2]["place"] == {"wafer": "7", "die": None, "row": 1, "column": 3}
    assert added[2]["origins"]["wafer"] == "file name"
    assert added[2]["origins"]["stack"] == "hand"
    listed = devicekit(
        "library", "list", "hfo2", "--library", lib, "--range", "on_off=3:", "--sort", "-on_off", "--json"
    )
    assert listed.code == 0
    assert (listed.json["total"], [each["name"] for each in listed.json["records"]]) == (2, ["dev 3", "dev 2"])
    first = listed.json["records"][0]
    assert first["labels"] == {"stack": "HfO2", "area": "5x5 um"}
    assert {each["name"]: each["value"] for each in first["scalars"]}["on_off"] == pytest.approx(8)
    plain = devicekit("library", "list", "--library", lib, "--wafer", "7", "--column", "2")
    assert "1 record in" in plain.out
    assert "dev 2" in plain.out
    assert "wafer 7, R1C2" in plain.out
    shown = devicekit("library", "show", first["id"][:6], "--library", lib)
    assert (shown.code, "on_off" in shown.out, "HfO2 (by hand)" in shown.out) == (0, True, True)
    whole = devicekit("library", "show", first["id"], "--library", lib, "--json").json
    assert whole["card"]["name"] == "dev 3"
    page = tmp_path / "compare.html"
    ran = devicekit(
        "library", "compare", "--kind", "card", "--library", lib, "--y", "on_off", "--report", page, "--json"
    )
    assert (ran.code, ran.json["y"], len(ran.json["records"])) == (0, "on_off", 3)
    assert "Comparison of 3 records" in page.read_text(encoding="utf-8")
    ids = [each["id"] for each in added]
    plain = devicekit("library", "compare", ids[0][:8], ids[1], "--library", lib)
    assert plain.code == 0
    assert "2 cards" in plain.out
    assert "[synthetic] 2 of 2 " in plain.err
    ran = devicekit("library", "remove", ids[0], ids[1][:8], "--library", lib, "--json")
    assert [each["name"] for each in ran.json["removed"]] == ["dev 1", "dev 2"]
    ran = devicekit("library", "refresh", "--library", lib, "--json")
    assert (ran.code, ran.json["total"], ran.json["unreadable"]) == (0, 1, [])


def test_good_files_are_added_and_bad_ones_listed(devicekit: Run, cards: list[Path], lib: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    ran = devicekit("library", "add", cards[0], bad, tmp_path / "absent.csv", cards[1], "--library", lib, "--json")
    assert ran.code == 2
    assert len(ran.json["results"]) == 2
    assert [Path(each["file"]).name for each in ran.json["errors"]] == ["bad.json", "absent.csv"]
    assert Library(lib).records().total == 2
    plain = devicekit("library", "add", bad, cards[2], "--library", lib)
    assert plain.code == 2
    assert "bad.json" in plain.err
    assert "dev 3" in plain.out


def test_measurements_take_the_reading_options(
    devicekit: Run, sweeps: Callable[..., Path], lib: Path, tmp_path: Path
) -> None:
    path = sweeps("s.csv", {"R1C1": [0.3], "R1C2": [0.5]})
    odd = tmp_path / "odd.csv"
    odd.write_text(path.read_text().replace("voltage_v,current_a", "bias,reading"), encoding="utf-8")
    ran = devicekit("library", "add", odd, "--library", lib, "--map", "voltage_v=bias", "--map", "current_a=reading",
                    "--by-device", "--v-set", "max_didv", "--read-voltage", "0.2", "--json")  # fmt: skip
    assert ran.code == 0, ran.out
    assert [each["name"] for each in ran.json["records"]] == ["R1C1", "R1C2"]
    by = {s.name: s.by for s in Library(lib).get(ran.json["records"][0]["id"]).head.scalars}
    assert (by["v_set_v"], by["g_hrs_s"]) == ("max_didv", "read at 0.2 V")
    again = devicekit("library", "add", odd, "--library", lib, "--map", "voltage_v=bias", "--map", "current_a=reading",
                      "--by-device", "--v-set", "max_didv", "--read-voltage", "0.2")  # fmt: skip
    assert all(again.out.count(name) for name in ("R1C1", "R1C2"))
    assert Library(lib).records().total == 2


@pytest.mark.parametrize("typed", [(), ("--threshold", 50)])
def test_the_threshold_of_a_good_cycle_is_kept_with_the_yield(
    devicekit: Run, lib: Path, typed: tuple[Any, ...]
) -> None:
    ran = devicekit("library", "add", catalog.get("reference-endurance").data, "--library", lib, *typed, "--json")
    (record,) = (Library(lib).get(each["id"]) for each in ran.json["records"])
    (kept,) = (each for each in record.head.scalars if each.name == "endurance_yield")
    assert kept.by == f"on/off of {typed[1] if typed else THRESHOLD:g} or more"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("list",), "does not exist"),
        (("show", "abcd"), "does not exist"),
        (("add", "CARD", "--label", "stack"), "--label"),
        (("add", "CARD", "--label", "a=1", "--label", "a=2"), "--label"),
        (("add", "CARD", "--label", "area=5"), "25 um2"),
        (("add", "CARD", "--place-from", "W(.)"), "--place-from"),
        (("add", "CARD", "--mark", "real"), "'real'"),
        (("add", "CARD", "CARD2", "--name", "x"), "--name"),
        (("add", "CARD", "--quantity", "current"), "--quantity"),
        (("add", "CARD", "--v-set", "max_didv"), "definitions"),
    ],
)
def test_bad_usage_gives_one_error(
    words: tuple[str, ...], message: str, devicekit: Run, cards: list[Path], lib: Path
) -> None:
    files = {"CARD": str(cards[0]), "CARD2": str(cards[1])}
    ran = devicekit("library", *(files.get(word, word) for word in words), "--library", lib, "--json")
    assert ran.code == 2
    error = ran.json["error"]
    assert message in error["message"]
    assert "Traceback" not in ran.err
    assert not lib.exists() or Library(lib).records().total == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("list", "--range", "onoff=3:"), "on_off"),
        (("list", "--range", "on_off=3"), "NAME=LOW:HIGH"),
        (("list", "--sort", "-size"), "'size'"),
        (("list", "--kind", "cards"), "card."),
        (("list", "--label", "stak=a"), "label 'stak'"),
        (("show", "0000"), "0000"),
        (("remove", "x.json"), "'x.json'"),
        (("compare",), "ids of records"),
        (("compare", "ID", "--all"), "ids of records"),
        (("compare", "ID"), "got 1"),
        (("compare", "--all", "--x", "nope"), "'nope'"),
        (("compare", "--all", "--by", "nope"), "'nope'"),
    ],
)
def test_unknown_names_are_refused_with_the_available_ones(
    words: tuple[str, ...], message: str, devicekit: Run, cards: list[Path], lib: Path
) -> None:
    added = devicekit("library", "add", *cards, "--library", lib, "--json").json["results"]
    first = added[0]["records"][0]["id"]
    ran = devicekit("library", *(first if word == "ID" else word for word in words), "--library", lib, "--json")
    assert ran.code == 2
    assert message in ran.json["error"]["message"]


def test_unreadable_files_are_listed_and_never_fatal(devicekit: Run, cards: list[Path], lib: Path) -> None:
    devicekit("library", "add", cards[0], "--library", lib)
    for k in range(12):
        (lib / f"bad{k:02d}.json").write_text("\x1b[31m nothing")
    ran = devicekit("library", "list", "--library", lib)
    assert ran.code == 0
    assert "12 files" in ran.err
    assert "2 more" in ran.err
    assert "\x1b" not in ran.err
    ran = devicekit("library", "list", "--library", lib, "--json")
    assert (ran.json["total"], len(ran.json["unreadable"])) == (1, 12)
    assert devicekit("library", "refresh", "--library", lib).code == 0


def test_a_damaged_record_is_left_out_of_a_comparison_and_reported(
    devicekit: Run, cards: list[Path], lib: Path
) -> None:
    devicekit("library", "add", *cards, "--library", lib)
    path = next(lib.glob("dev_2-*.json"))
    raw = json.loads(path.read_text(encoding="utf-8"))
    raw["card"]["ltp"]["nrmse"] = -1.0
    path.write_text(json.dumps(raw), encoding="utf-8")
    ran = devicekit("library", "compare", "--all", "--library", lib, "--json")
    assert ran.code == 2
    assert [each["name"] for each in ran.json["records"]] == ["dev 1", "dev 3"]
    assert [each["file"] for each in ran.json["unreadable"]] == [path.name]


def test_the_environment_names_the_library(
    devicekit: Run, cards: list[Path], lib: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert devicekit("library", "list", "--json").json["total"] == 0  # the user's own, which is not there yet
    monkeypatch.setenv("DEVICEKIT_LIBRARY", str(lib))
    assert devicekit("library", "list").code == 2
    devicekit("library", "add", cards[0])
    assert devicekit("library", "list", "--json").json["library"] == str(lib)


def test_a_list_loads_neither_pandas_nor_compiled_kernels(cards: list[Path], lib: Path, devicekit: Run) -> None:
    devicekit("library", "add", cards[0], "--library", lib)
    code = (
        "import sys; from devicekit.cli import build_app; from devicekit.cli.common import run_app; "
        f"code = run_app(build_app(), ['library', 'list', '--library', {str(lib)!r}]); "
        "print([m for m in ('pandas', 'numba', 'scipy', 'matplotlib', 'lmfit') if m in sys.modules], code)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[] 0"
