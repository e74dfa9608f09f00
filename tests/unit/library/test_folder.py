"""The folder: adding, removing, indexing changes, other files in it, and errors of the index."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import devicekit
from devicekit.core.errors import DevicekitError, FileError, UsageError
from devicekit.device.card import DeviceCard
from devicekit.library import Library, Place, Query, Record, default_folder
from devicekit.library import index as index_module
from devicekit.library.index import index_path
from devicekit.synthetic import records
from devicekit.synthetic.pulses import reference_table
from devicekit.system import catalog
from devicekit.system.files import stem

Make = Callable[..., Record]
pytestmark = pytest.mark.usefixtures("without_mechanism")


def names(library: Library) -> set[str]:
    return {entry.name for entry in library.records()}


def reasons(library: Library) -> dict[str, str]:
    return {each.file: each.reason for each in library.unreadable}


def test_a_library_that_is_not_there_is_empty(library: Library) -> None:
    assert library.records().total == 0
    assert library.unreadable == library.names() == library.kinds() == ()
    assert not library.folder.exists()


def test_a_file_is_rejected_as_library(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    with pytest.raises(FileError, match="not a folder"):
        Library(tmp_path / "x")


def test_the_folder_is_named_by_the_environment_or_lies_among_the_users_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert default_folder() == tmp_path / "data" / "devicekit" / "library"
    monkeypatch.setenv("DEVICEKIT_LIBRARY", str(tmp_path / "mine"))
    assert Library().folder == tmp_path / "mine"


def test_what_is_added_is_found_by_another_library_object_and_by_the_beginning_of_its_id(
    library: Library, record: Make
) -> None:
    made = record("my card", {"row": 1})
    added = library.add(made)
    assert not added.known
    assert added.path == library.folder / f"my_card-{made.id[:8]}.json"
    other = Library(library.folder)
    assert other.get(made.id[:5]) == made
    (entry,) = other.records()
    assert (entry.id, entry.name, entry.kind, entry.place) == (made.id, "my card", "card", Place(row=1))
    assert entry.scalars == tuple(
        type(s)(s.name, s.label, s.value, s.unit, s.of, by=s.by) for s in (n.scalar for n in made.scalars)
    )
    assert entry.warnings == made.warnings


def test_the_same_content_is_kept_once_with_new_labels(library: Library, record: Make) -> None:
    first = library.add(record("a", {"stack": "HfO2", "operator": "x"}))
    again = library.add(record("a", {"stack": "TaOx", "row": 3}))
    assert (again.known, again.path) == (True, first.path)
    assert again.record.labels == {"stack": "TaOx", "operator": "x"}
    assert again.record.place == Place(row=3)
    assert again.record.added == first.record.added
    (entry,) = library.records()
    assert entry.labels == {"stack": "TaOx", "operator": "x"}
    unchanged = library.add(record("a"))
    assert unchanged.known
    assert library.get(entry.id).labels == {"stack": "TaOx", "operator": "x"}
    assert len(list(library.folder.glob("*.json"))) == 1


def test_the_same_content_is_known_without_an_index(library: Library, record: Make) -> None:
    library.add(record("a", {"row": 1}))
    index_path(library.folder).unlink()
    assert Library(library.folder).add(record("a", {"column": 2})).record.place == Place(row=1, column=2)
    assert len(list(library.folder.glob("*.json"))) == 1


def test_a_file_of_the_same_name_is_not_overwritten(library: Library, record: Make) -> None:
    made = record("a")
    library.folder.mkdir()
    other = library.folder / f"a-{made.id[:8]}.json"
    other.write_text("{}")
    assert library.add(made).path == library.folder / f"a-{made.id}.json"
    assert other.read_text() == "{}"


def test_changes_by_hand_are_indexed(library: Library, record: Make) -> None:
    path = library.add(record("a", {"stack": "HfO2"})).path
    library.add(record("b", increment=0.005))
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"name": "a"', '"name": "a2"').replace("HfO2", "TaOx"), encoding="utf-8")
    assert names(library) == {"a2", "b"}
    assert library.records(Query(labels={"stack": "TaOx"})).total == 1
    path.unlink()
    assert names(library) == {"b"}


def test_a_copy_within_the_folder_is_listed_and_takes_over_when_the_first_is_gone(
    library: Library, record: Make
) -> None:
    path = library.add(record("a")).path
    shutil.copy(path, library.folder / "z copy.json")
    assert list(reasons(library)) == ["z copy.json"]
    assert path.name in reasons(library)["z copy.json"]
    path.unlink()
    (entry,) = library.records()
    assert (entry.file, library.unreadable) == ("z copy.json", ())


def test_removing_is_all_or_nothing(library: Library, record: Make) -> None:
    one, two, three = (library.add(record(name, increment=value)) for name, value in zip("abc", (1, 2, 3), strict=True))
    for ids, message in (
        ([one.record.id, "0000000"], "beginning with 0000000"),
        ([one.record.id, "../b"], "'../b' is not"),
        (["abc"], "'abc' is not"),
    ):
        with pytest.raises(UsageError, match=message):
            library.remove(*ids)
    assert library.records().total == 3
    gone = library.remove(one.record.id[:6], two.record.id, one.record.id)
    assert [entry.name for entry in gone] == ["a", "b"]
    assert [each.name for each in library.folder.glob("*.json")] == [three.path.name]
    assert names(library) == {"c"}


def test_an_ambiguous_id_is_refused(library: Library, record: Make) -> None:
    library.folder.mkdir()
    for k, name in enumerate(("one", "two")):
        raw = json.loads(record(name, increment=0.1 + k).to_json()) | {"id": f"abcd{k:08x}"}
        (library.folder / f"{name}.json").write_text(json.dumps(raw), encoding="utf-8")
    with pytest.raises(UsageError, match=r"abcd00000000 \(one\), abcd00000001 \(two\)"):
        library.get("ABCD")
    assert library.entry("abcd00000001").name == "two"


HOSTILE = {
    "empty.json": b"",
    "binary.json": bytes(range(256)) * 8,
    "list.json": b"[1, 2]",
    "deep.json": b"[" * 100_000,
    "deep object.json": b'{"id": ' + b'{"a":' * 3_000 + b"1" + b"}" * 3_001,
    "number.json": b"1" * 10_000,
    "nan.json": b'{"schema_version": 1, "id": NaN}',
    "twice.json": b'{"schema_version": 1, "schema_version": 1}',
    "half.json": b'{"schema_version": 1, "id": "abc',
    "later.json": b'{"schema_version": 7, "id": "abcdefabcdef"}',
    "huge row.json": b'{"schema_version": 1, "id": "abcdefabcdef", "place": {"row": 99999999999999999999}}',
    "surrogate.json": b'{"schema_version": 1, "name": "\\ud800"}',
}


def test_other_files_in_the_folder_are_listed_and_harmless(library: Library, record: Make) -> None:
    good = library.add(record("good"))
    for name, content in HOSTILE.items():
        (library.folder / name).write_bytes(content)
    (library.folder / "folder.json").mkdir()
    (library.folder / "link.json").symlink_to(good.path)
    (library.folder / "broken.json").symlink_to("nowhere")
    os.mkfifo(library.folder / "pipe.json")
    with (library.folder / "large.json").open("wb") as stream:
        stream.truncate(40 << 20)
    (library.folder / "line\nbreak.json").write_text(good.path.read_text())
    Path(os.fsdecode(os.fsencode(library.folder) + b"/bad\xff.json")).write_text(good.path.read_text())
    (library.folder / ".hidden.json").write_text("nobody's")
    (library.folder / "notes.txt").write_text("nobody's")
    assert names(library) == {"good"}
    found = reasons(library)
    odd = {"line\nbreak.json", "bad\\xff.json"}
    assert set(found) == {*HOSTILE, "folder.json", "link.json", "broken.json", "pipe.json", "large.json", *odd}
    assert all(found.values())
    assert "nested too deep" in found["deep.json"]
    assert "twice.json" in found["twice.json"]
    assert "up to 1. Upgrade" in found["later.json"]
    assert "is a link" in found["link.json"]
    assert "folder" in found["folder.json"].removeprefix("folder.json")
    assert "is a pipe" in found["pipe.json"]
    assert "40 MiB" in found["large.json"]
    assert all("unprintable" in found[name] for name in odd)
    assert library.refresh() == library.refresh(rebuild=True) == library.unreadable
    with pytest.raises(UsageError):
        library.remove("link.json")
    assert good.path.exists()


def test_damaged_content_is_reported_when_the_record_is_opened(library: Library, record: Make) -> None:
    path = library.add(record("a")).path
    raw = json.loads(path.read_text(encoding="utf-8"))
    raw["card"]["window"]["low"] = "much"
    path.write_text(json.dumps(raw), encoding="utf-8")
    (entry,) = library.records()
    with pytest.raises(FileError, match="invalid card") as error:
        library.open(entry)
    assert "window.low" in str(error.value)


@pytest.mark.parametrize("damage", [b"no database", b"", b"SQLite format 3\x00" + b"\x01" * 500])
def test_a_damaged_index_is_rebuilt(damage: bytes, library: Library, record: Make) -> None:
    library.add(record("a"))
    place = index_path(library.folder)
    place.write_bytes(damage)
    assert names(library) == {"a"}
    assert names(Library(library.folder)) == {"a"}


def test_an_index_of_another_version_is_rebuilt(
    library: Library, record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.add(record("a"))
    place = index_path(library.folder)
    with sqlite3.connect(place) as connection:
        connection.execute("PRAGMA user_version = 77")
        connection.execute("DROP TABLE scalar")
    connection.close()
    assert names(library) == {"a"}
    monkeypatch.setattr(index_module, "FORM", index_module.FORM + 1)
    assert names(library) == {"a"}


def test_a_damaged_page_of_the_index_is_detected(library: Library, record: Make) -> None:
    for k in range(30):
        library.add(record(f"a{k}", increment=0.001 * (k + 1)))
    place = index_path(library.folder)
    held = bytearray(place.read_bytes())
    held[4096:] = b"\xff" * (len(held) - 4096)
    place.write_bytes(held)
    assert Library(library.folder).records().total == 30


@pytest.mark.parametrize("cards", [25, pytest.param(60, marks=pytest.mark.slow)])
def test_damage_found_during_a_search_is_repaired(cards: int, library: Library, record: Make) -> None:
    for k in range(cards):
        library.add(record(f"a{k}", increment=0.001 * (k + 1)))
    place = index_path(library.folder)
    held = place.read_bytes()
    pages = len(held) // 4096
    assert pages > 4
    for page in range(2, pages):
        damaged = bytearray(held)
        damaged[4096 * page : 4096 * page + 64] = b"\xff" * 64
        place.write_bytes(damaged)
        assert {entry.name for entry in library.records(refresh=False)} == {f"a{k}" for k in range(cards)}
        (last,) = library.records(Query([f"a{cards - 1}"])).entries
        assert last.scalar("increment_ltp").value == 0.001 * cards  # type: ignore[union-attr]


def test_an_index_that_another_process_never_leaves_is_not_waited_for(
    library: Library, record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.add(record("a"))
    monkeypatch.setattr(index_module, "PATIENCE", 0.05)
    with sqlite3.connect(index_path(library.folder), isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        library.add(record("b", increment=0.01))
        assert names(library) == {"a", "b"}
        other.execute("ROLLBACK")
    other.close()
    assert names(Library(library.folder)) == {"a", "b"}


@pytest.mark.parametrize(
    ("file", "name"),
    [("s.csv", "s"), ("s.csv.gz", "s"), ("W1.R3C5.csv", "W1.R3C5"), ("W1.5um.txt.GZ", "W1.5um"), (".csv", ".csv")],
)
def test_a_record_bears_the_name_of_its_file(file: str, name: str, tmp_path: Path) -> None:
    assert stem(tmp_path / file) == name
    (tmp_path / "ramps.d").mkdir()
    assert stem(tmp_path / "ramps.d") == "ramps.d"


def test_the_index_is_in_the_cache_and_nothing_is_written_into_the_folder(
    library: Library, record: Make, tmp_path: Path
) -> None:
    library.add(record("a"))
    before = {each.name: each.stat().st_mtime_ns for each in library.folder.iterdir()}
    assert index_path(library.folder).is_relative_to(tmp_path / "cache")
    index_path(library.folder).unlink()
    library.folder.chmod(0o555)
    try:
        assert names(Library(library.folder)) == {"a"}
    finally:
        library.folder.chmod(0o755)
    assert {each.name: each.stat().st_mtime_ns for each in library.folder.iterdir()} == before


def test_without_a_cache_folder_a_library_still_works(
    library: Library, record: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file" / "cache"))
    other = Library(library.folder)
    made = record("a")
    other.add(made)
    assert names(other) == {"a"}
    assert other.get(made.id) == made


ADD = """
import sys
from pathlib import Path
from devicekit.library import Library, Record
library = Library(sys.argv[1])
for k, line in enumerate(Path(sys.argv[2]).read_text(encoding="utf-8").splitlines()):
    library.add(Record.from_json(line))
    if k % 10 == 0:
        library.records()
"""


@pytest.mark.slow
@pytest.mark.parametrize(("processes", "each"), [(1, 12), pytest.param(4, 40, marks=pytest.mark.slow)])
def test_several_processes_add_at_once(
    processes: int, each: int, library: Library, record: Make, tmp_path: Path
) -> None:
    """Others and this one, which begins when the first of them has."""
    running = []
    for who in range(processes):
        lines = [json.dumps(json.loads(record(f"{who}-{k}").to_json())) for k in range(each)]
        (tmp_path / f"{who}").write_text("\n".join(lines), encoding="utf-8")
        command = [sys.executable, "-c", ADD, str(library.folder), str(tmp_path / f"{who}")]
        running.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
    while not library.folder.exists() and running[0].poll() is None:
        time.sleep(0.002)
    for k in range(each):
        library.add(record(f"{processes}-{k}"))
    errors = [program.communicate()[1] for program in running]
    assert errors == [""] * processes
    connection = sqlite3.connect(index_path(library.folder))
    kept = connection.execute("SELECT COUNT(*) FROM item").fetchone()[0]
    assert kept == (processes + 1) * each  # before anything is looked for
    connection.close()
    assert names(library) == {f"{who}-{k}" for who in range(processes + 1) for k in range(each)}
    assert library.unreadable == ()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("reference-endurance", "endurance"),
        ("reference-retention", "retention"),
        ("reference-stdp", "stdp"),
        ("pt-hfo2-al2o3-ti", "pulse"),
    ],
)
def test_shipped_sets_are_added_with_their_source(name: str, kind: str, library: Library) -> None:
    (added,) = library.add_file(catalog.get(name).data)
    assert added.record.kind == kind
    assert added.record.synthetic
    assert added.record.source.sha256 == devicekit.system.files.sha256(catalog.get(name).data)
    assert added.record.source.file == catalog.get(name).data.name


def test_files_of_every_kind_are_added(library: Library, sweeps: Callable[..., Path], card: Callable[..., DeviceCard],
                                       tmp_path: Path) -> None:  # fmt: skip
    for name, table in (
        ("endurance", records.endurance(1e3, 1)),
        ("retention", records.retention(1)),
        ("stdp", records.stdp(1)),
        ("pulse", reference_table(1, 1, 10)),
    ):
        table.to_csv(tmp_path / f"{name}.csv")
        (added,) = library.add_file(tmp_path / f"{name}.csv")
        assert (added.record.kind, added.record.name) == (name, name)
    card("c").save(tmp_path / "c.json")
    (added,) = library.add_file(tmp_path / "c.json", labels={"row": 1}, marks=["simulated"])
    assert (added.record.kind, added.record.simulated, added.record.place.row) == ("card", True, 1)
    (again,) = Library(tmp_path / "other").add_file(added.path, name="mine")
    assert again.record.id == added.record.id
    assert (again.record.name, again.record.place, again.record.added) == ("mine", Place(row=1), added.record.added)
    (loops,) = library.add_file(sweeps("s.csv", {"d1": [0.3]}))
    assert (loops.record.kind, loops.record.name, loops.record.synthetic) == ("sweep", "s", False)
    assert library.kinds() == ("card", "endurance", "pulse", "retention", "stdp", "sweep")


def test_a_record_for_each_device_of_a_file(library: Library, sweeps: Callable[..., Path]) -> None:
    file = sweeps("array.csv", {"R1C1": [0.3, 0.32], "R1C2": [0.5, 0.52]})
    added = library.add_file(file, by_device=True, labels={"wafer": "W1"})
    assert [each.record.name for each in added] == ["R1C1", "R1C2"]
    assert [(each.record.place.row, each.record.place.column) for each in added] == [(1, 1), (1, 2)]
    values = [each.record.scalar("v_set_v").value for each in added]  # type: ignore[union-attr]
    assert values == pytest.approx([0.31, 0.51], abs=0.011)
    with pytest.raises(UsageError, match="exactly one device"):
        library.add_file(file, by_device=True, name="x")


def test_what_a_simulation_wrote_is_marked(library: Library, sweeps: Callable[..., Path], tmp_path: Path) -> None:
    file = sweeps("iv.csv", {"d1": [0.3]})
    devicekit.system.writing.write_json(tmp_path / ".devicekit.json", {"tool": "devicekit", "command": "simulate iv"})
    (added,) = library.add_file(file)
    assert (added.record.simulated, added.record.calibrated) == (True, False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quantity": "current"}, "^quantity="),
        ({"by_device": True}, "^by_device="),
        ({"marks": ["real"]}, "'real'.*synthetic, simulated, calibrated"),
        ({"labels": {"row": "x"}}, "^row must"),
        ({"labels": {"area": "5"}}, "^area='5'"),
        ({"labels": {"9": "5"}}, "label name .*'9'"),
        ({"labels": {"stack": "a\nb"}}, "one line"),
        ({"labels": {"row": 10**7}}, "row"),
        ({"name": "a" * 300}, "at most 200"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_options_that_do_not_apply_to_a_card_are_refused(
    options: dict[str, object], message: str, library: Library, card: Callable[..., DeviceCard], tmp_path: Path
) -> None:
    card("c").save(tmp_path / "c.json")
    with pytest.raises(DevicekitError) as error:
        library.add_file(tmp_path / "c.json", **options)  # type: ignore[arg-type]
    assert re.search(message, str(error.value)), error.value
    assert library.records().total == 0
