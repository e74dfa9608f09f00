"""Edits by patterns and their diff: every byte of a file, its line ends, and what must be refused."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from devicekit.core.errors import FileError, UsageError
from devicekit.exporters.neurosim import patch
from devicekit.exporters.neurosim.patch import Edit

TEXT = "void f() {\n  size = 3;  // first\n}\nvoid g() {\n  size = 4;\n  // size = 5;\n}\n"
SIZE = Edit("the line that sets size", r"(\s*size = )\d+(;.*)", r"\g<1>9\g<2>")


def changed(text: str, *edits: Edit, opening: str = r"void f\(") -> str:
    return patch.apply_edits(text, edits, *patch.find_function(text, opening))


def test_only_the_one_line_in_the_function_changes() -> None:
    assert changed(TEXT, SIZE) == TEXT.replace("3", "9")
    assert changed(TEXT, SIZE, opening=r"void g\(") == TEXT.replace("4", "9")


@pytest.mark.parametrize("times", [0, 2])
def test_a_line_must_be_there_exactly_once(times: int) -> None:
    text = TEXT.replace("  size = 3;  // first\n", "  size = 3;\n" * times)
    with pytest.raises(UsageError, match=f"size .* {times} times"):
        changed(text, SIZE)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_one_line_is_replaced_by_several_or_deleted(ending: str) -> None:
    text = TEXT.replace("\n", ending)
    several = Edit("a line", r"(\s*)size = \d+;.*", r"\g<1>a;\n\g<1>b;")
    assert changed(text, several) == text.replace("  size = 3;  // first", f"  a;{ending}  b;")
    gone = Edit("a line", r"\s*size = \d+;.*", None)
    assert changed(text, gone) == text.replace(f"  size = 3;  // first{ending}", "")


@pytest.mark.parametrize("opening", [r"void h\(", r"void \w\("])
def test_a_function_must_be_there_exactly_once(opening: str) -> None:
    with pytest.raises(LookupError, match="times"):
        patch.find_function(TEXT, opening)
    with pytest.raises(LookupError, match="closing brace"):
        patch.find_function("void f() {\n  size = 3;\n", r"void f\(")


def test_a_fingerprint_is_of_what_a_compiler_sees() -> None:
    mark = patch.fingerprint("int a = 1; // one\n")
    assert patch.fingerprint("int\ta =  1;\r\n/* two\nlines */") == mark
    assert patch.fingerprint("int a = 2;") != mark
    assert len(mark) == 16


@pytest.mark.skipif(shutil.which("patch") is None, reason="patch is not installed: the diff is NOT applied here")
@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("first", "\xe9\x85\x0c").encode("latin-1"),  # no UTF-8; what other splitters take for line ends
        TEXT.replace("first", "é").encode(),
        b"void f() {\n  size = 3;\n}",  # no line end at the end
        b"void f() {\r\n  size = 3;\r\n}",
    ],
)
def test_patch_applies_a_diff_and_takes_it_back_to_the_byte(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "f.cpp"
    file.write_bytes(content)
    text = patch.read(file)
    after = changed(text, SIZE)
    (tmp_path / "p").write_bytes(patch.unified_diff("f.cpp", text, after).encode("latin-1"))
    command = ["patch", "-s", "-p1", "-d", str(tmp_path), "-i", "p"]
    subprocess.run(command, check=True)
    assert file.read_bytes() == after.encode("latin-1") == content.replace(b"size = 3", b"size = 9")
    subprocess.run([*command, "-R"], check=True)
    assert file.read_bytes() == content
    assert {each.name for each in tmp_path.iterdir()} == {"f.cpp", "p"}


def test_no_change_is_no_diff() -> None:
    assert patch.unified_diff("f.cpp", TEXT, TEXT) == ""


def test_other_files_than_source_text_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileError, match="does not exist"):
        patch.read(tmp_path / "none")
    with pytest.raises(FileError, match="folder"):
        patch.read(tmp_path)
    monkeypatch.setattr(patch, "LARGEST", 10)
    (tmp_path / "at").write_bytes(b"x" * 10)
    assert patch.read(tmp_path / "at") == "x" * 10
    (tmp_path / "over").write_bytes(b"x" * 11)
    with pytest.raises(FileError, match="larger than"):
        patch.read(tmp_path / "over")
