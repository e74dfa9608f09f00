"""Atomic writing, folders that are ours or not, and the report page."""

from __future__ import annotations

import html.parser
from pathlib import Path

import numpy as np
import pytest

from devicekit.core.errors import CodedWarning, FileError
from devicekit.core.scalars import Scalar
from devicekit.plot import Axis, Curve, Panel
from devicekit.report import CodedList, Listing, Report, Section, Table, Text, draw
from devicekit.system import files, folders, ownmark, writing


def test_a_failed_run_leaves_the_old_folder_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with folders.result_folder(out, "test") as folder:
        (folder / "a.txt").write_text("first")
    with pytest.raises(ZeroDivisionError), folders.result_folder(out, "test") as folder:
        (folder / "a.txt").write_text(str(1 / 0))
    assert (out / "a.txt").read_text() == "first"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


def test_a_folder_of_ours_is_replaced_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for name in ("old.txt", "new.txt"):
        with folders.result_folder(out, "test") as folder:
            (folder / name).write_text("x")
    assert sorted(path.name for path in out.iterdir()) == [ownmark.MARKER, "new.txt"]


def test_a_folder_of_others_is_refused_and_with_force_only_added_to(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(FileError, match="force=True"), folders.result_folder(tmp_path, "test"):
        pass
    with folders.result_folder(tmp_path, "test", force=True) as folder:
        (folder / "a.txt").write_text("x")
        (folder / "sub").mkdir()
        (folder / "sub" / "b.txt").write_text("y")
    assert (tmp_path / "thesis.tex").read_text() == "years of work"
    assert (tmp_path / "sub" / "b.txt").read_text() == "y"
    assert not (tmp_path / ownmark.MARKER).exists()


def make(out: Path, command: str, *names: str, force: bool = False) -> None:
    with folders.result_folder(out, command, force) as folder:
        for name in names:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(command)


def test_results_of_another_command_are_kept(tmp_path: Path) -> None:
    out = tmp_path / "out"
    make(out, "study", "runs/1.json")
    with pytest.raises(FileError, match=r"devicekit study.*force=True"):
        make(out, "export", "a.txt")
    make(out, "export", "a.txt", force=True)
    assert (out / "runs" / "1.json").read_text() == "study"
    assert ownmark.read_marker(out)["command"] == "study"


def test_what_was_added_to_a_folder_of_ours_is_kept(tmp_path: Path) -> None:
    out = tmp_path / "out"
    make(out, "run", "a.txt", "sub/b.txt")
    (out / ".DS_Store").write_text("")
    make(out, "run", "a.txt")
    assert not (out / "sub").exists()
    (out / "notes.txt").write_text("mine")
    with pytest.raises(FileError, match=r"did not make \(notes.txt\)"):
        make(out, "run", "a.txt")
    make(out, "run", "a.txt", force=True)
    assert (out / "notes.txt").read_text() == "mine"
    (out / "notes.txt").unlink()
    (out / ".git").mkdir()
    (out / ".git" / "HEAD").write_text("ref")
    with pytest.raises(FileError, match="HEAD"):
        make(out, "run", "a.txt")


def test_force_writes_all_or_nothing(tmp_path: Path) -> None:
    (tmp_path / "b.txt").mkdir()
    (tmp_path / "sub").write_text("a file")
    for name in ("b.txt", "sub/c.txt"):
        with pytest.raises(FileError, match="in the way"):
            make(tmp_path, "run", "a.txt", name, force=True)
        assert not (tmp_path / "a.txt").exists()


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    make(tmp_path / "link", "run", "a.txt")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "a.txt").read_text() == "run"


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(FileError, match="takes a folder"), folders.result_folder(tmp_path / "out", "test"):
        pass
    with pytest.raises(FileError), folders.result_folder(tmp_path / "out" / "deeper", "test"):
        pass


def test_write_is_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    writing.write_json(path, {"x": 1})
    with pytest.raises(ValueError, match="JSON"):
        writing.write_json(path, {"x": float("nan")})
    assert path.read_text() == '{\n  "x": 1\n}\n'
    with pytest.raises(FileError):
        writing.write_text(tmp_path / "no" / "such" / "folder.txt", "x")
    assert [child.name for child in tmp_path.iterdir()] == ["a.json"]


def test_checksum_of_a_folder_depends_on_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    one = files.sha256(tmp_path)
    (tmp_path / "a").rename(tmp_path / "b")
    two = files.sha256(tmp_path)
    (tmp_path / "b").write_text("2")
    assert len({one, two, files.sha256(tmp_path)}) == 3


class _Links(html.parser.HTMLParser):
    """Everything a page would load, and its tags in order."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.tags: list[str] = []
        self.images: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        values = dict(attrs)
        if tag == "img":
            self.images.append(values)
        self.loads += [str(value) for name, value in attrs if name in ("src", "href") and value]


def page(name: str = "test") -> str:
    line = Curve("a", np.array([0, 1]), np.array([1, 2]))
    figure = draw(Panel(Axis("x"), Axis("y"), [line]), "caption", "a rising line")
    blocks = [
        Text(["text"]),
        figure,
        Table(("a",), [(name,)], "numbers"),
        Listing("devicekit run"),
        CodedList([("weak", "g")]),
    ]
    reported = [CodedWarning("split", f"{name} was split")]
    return Report(
        f"Report of {name}",
        f"{name} holds.",
        [f"{name} is fine."],
        [Section("Part", "part", blocks)],
        marks=["SYNTHETIC"],
        pictures=[draw(Panel(Axis(name), Axis("y"), [Curve(name, line.x, line.y)], name), name, name)],
        numbers=[Scalar("x", name, 1.0)],
        warnings=reported,
        source=name,
    ).to_html()


def test_the_page_loads_nothing_from_outside() -> None:
    parser = _Links()
    parser.feed(page())
    assert all(link.startswith(("data:", "#")) for link in parser.loads)
    assert all(image.get("alt") for image in parser.images)
    assert "SYNTHETIC" in page()


def test_names_are_escaped() -> None:
    text = page("</script><script>alert(1)</script>")
    assert "<script>alert" not in text
    assert "&lt;script&gt;" in text
    assert "\\u003c/script\\u003e" in text  # within the data of a figure
    assert text.count("</script>") == text.count("<script")


def test_the_same_report_is_the_same_bytes() -> None:
    assert page() == page()


def test_what_cannot_be_written_is_said_before_the_work(tmp_path: Path) -> None:
    writing.check_writable(tmp_path / "card.json")
    assert list(tmp_path.iterdir()) == []
    for path in (tmp_path / "nowhere" / "card.json", tmp_path):
        with pytest.raises(FileError, match="cannot write"):
            writing.check_writable(path)


def test_a_name_that_is_no_utf8_is_written_as_far_as_it_goes(tmp_path: Path) -> None:
    writing.write_text(tmp_path / "a.txt", "m\udcff.csv")
    assert (tmp_path / "a.txt").read_text() == "m?.csv"
