"""Zip archives and folders in the app: what is unpacked where, and what is refused before anything stays."""

from __future__ import annotations

import asyncio
import stat
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from devicekit.app.security import clean_path
from devicekit.app.uploads import Upload, Uploads
from devicekit.core.errors import FileError

LIMIT = 1 << 20


def pack(path: Path, *names: str, content: bytes = b"V (V),I (A)\n0,0\n", **fields: int) -> Path:
    """Write an archive with files of these names."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            item = zipfile.ZipInfo(name)
            item.compress_type = zipfile.ZIP_DEFLATED
            for field, value in fields.items():
                setattr(item, field, value)
            archive.writestr(item, content)
    return path


def send(uploads: Uploads, upload: Upload, name: str, content: bytes) -> None:
    """Receive one file of an upload."""

    async def body() -> AsyncIterator[bytes]:
        yield content

    asyncio.run(uploads.receive(upload, name, body()))


def unpacked(tmp_path: Path, archive: Path) -> Upload:
    """Return an archive as an upload that was unpacked."""
    uploads = Uploads(tmp_path / "uploads", LIMIT)
    upload = uploads.open(archive.name, is_folder=False)
    send(uploads, upload, quote(archive.name), archive.read_bytes())
    try:
        uploads.unpack(upload)
    finally:
        assert not list((tmp_path / "uploads").glob("*.zip"))
    return upload


def held(upload: Upload) -> set[str]:
    return {path.relative_to(upload.folder).as_posix() for path in upload.folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("lot7/W1/a.csv", "lot7/b.csv"), {"lot7/W1/a.csv", "lot7/b.csv"}),
        (("W1/a.csv", "W2/a.csv", "b.csv"), {"monday/W1/a.csv", "monday/W2/a.csv", "monday/b.csv"}),
        (("lot7/a.csv", "lot7/.DS_Store", "__MACOSX/lot7/._a.csv"), {"lot7/a.csv"}),
        (("W1\\a.csv", "W1\\b<c>.csv"), {"W1/a.csv", "W1/b_c_.csv"}),
        (("a.csv",), {"a.csv"}),
        (("[Content_Types].xml", "xl/workbook.xml"), {"monday.zip"}),  # a spreadsheet
    ],
)
def test_a_folder_in_an_archive_is_the_folder(tmp_path: Path, names: tuple[str, ...], found: set[str]) -> None:
    upload = unpacked(tmp_path, pack(tmp_path / "monday.zip", *names))
    assert held(upload) == found
    assert upload.path == upload.folder / next(iter(found)).partition("/")[0]
    assert upload.is_folder == any("/" in each for each in found)


@pytest.mark.parametrize("name", ["../a.csv", "lot7/../../a.csv", "/etc/a.csv", "..\\a.csv", "a/" * 30 + "a.csv"])
def test_a_path_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileError):
        unpacked(tmp_path, pack(tmp_path / "lot7.zip", "b.csv", name))
    assert {path.name for path in tmp_path.rglob("*.csv")} == set()
    with pytest.raises(FileError):
        clean_path(quote(name), "lot7")


def test_an_archive_that_is_too_large_damaged_or_empty_is_refused(tmp_path: Path) -> None:
    bomb = pack(tmp_path / "bomb.zip", "a.csv", "b.csv", content=bytes(LIMIT))
    assert bomb.stat().st_size < LIMIT / 100
    liar = tmp_path / "liar.zip"  # states less than it holds
    liar.write_bytes(bomb.read_bytes().replace(LIMIT.to_bytes(4, "little"), (1).to_bytes(4, "little")))
    half = tmp_path / "half.zip"
    half.write_bytes(bomb.read_bytes()[:-40])
    text = tmp_path / "text.zip"
    text.write_bytes(b"V (V),I (A)\n0,0\n")
    twice = tmp_path / "twice.zip"
    with pytest.warns(UserWarning, match="Duplicate"):
        pack(twice, "a.csv", "a.csv")
    for archive in (bomb, liar, half, text, twice, pack(tmp_path / "none.zip", ".hidden")):
        with pytest.raises(FileError):
            unpacked(tmp_path, archive)
    assert sum(path.stat().st_size for path in (tmp_path / "uploads").rglob("*") if path.is_file()) < 10


def test_a_password_is_asked_for_by_no_page_and_links_are_left_out(tmp_path: Path) -> None:
    archive = pack(tmp_path / "lot7.zip", "lot7/a.csv", "lot7/b.csv")
    locked = tmp_path / "locked.zip"
    data = archive.read_bytes()
    at = data.index(b"PK\1\2")
    locked.write_bytes(data[: at + 8] + b"\1" + data[at + 9 :])
    with pytest.raises(FileError, match="password"):
        unpacked(tmp_path, locked)
    links = pack(tmp_path / "links.zip", "lot7/a.csv", external_attr=(stat.S_IFLNK | 0o777) << 16)
    with pytest.raises(FileError):
        unpacked(tmp_path, links)


def test_a_folder_keeps_its_subfolders(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path, LIMIT)
    upload = uploads.open("lot7", is_folder=True)
    for name in ("W1/D2/a.csv", "W2/D2/a.csv", "a.csv"):
        send(uploads, upload, quote(name), b"1")
    with pytest.raises(FileError):
        send(uploads, upload, quote("W1/D2/a.csv"), b"2")
    assert held(upload) == {"lot7/W1/D2/a.csv", "lot7/W2/D2/a.csv", "lot7/a.csv"}
