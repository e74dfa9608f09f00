"""Tables of MATLAB files: columns of one table, refused content, and damaged files."""

from __future__ import annotations

import importlib.util
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from devicekit.core.errors import DevicekitError, FileError
from devicekit.readers import matfile, read
from devicekit.readers.source import Source
from devicekit.tables import SweepTable

V = np.linspace(0, 1, 5)
needs_h5py = pytest.mark.skipif(importlib.util.find_spec("h5py") is None, reason="h5py is not installed")


def cell(*values: object) -> np.ndarray:
    cells = np.empty(len(values), dtype=object)
    for k, value in enumerate(values):
        cells[k] = value
    return cells


def tables(path: Path, **variables: Any) -> dict[str, list[list[Any]]]:
    savemat(path, variables)
    return {sheet.name: sheet.rows for sheet in matfile.read_tables(path)}


def test_vectors_of_one_length_are_one_table(tmp_path: Path) -> None:
    found = tables(tmp_path / "a.mat", vr=0.1, V=V, I=V[:, None] * 1e-3, name="dev 1", state=cell(*"abcde"))
    assert list(found) == ["V + I + state", "vr + name"]  # single numbers last
    assert found["V + I + state"][:3] == [["V", "I", "state"], [0.0, 0.0, "a"], [0.25, 0.25e-3, "b"]]
    assert found["vr + name"] == [["vr", "name"], [0.1, "dev 1"]]


def test_matrices_and_slices_are_separate_tables(tmp_path: Path) -> None:
    cube = np.arange(24.0).reshape(2, 3, 4)
    found = tables(
        tmp_path / "a.mat", M=[[1, np.nan], [3, 4]], T=cube, flat=np.zeros((2, 1, 3)), empty=np.zeros((0, 3))
    )
    assert list(found) == ["M", "T[1]", "T[2]", "T[3]", "T[4]", "flat"]
    assert found["M"] == [[1.0, None], [3.0, 4.0]]
    assert found["T[2]"] == cube[:, :, 1].tolist()


def test_structs_at_any_depth(tmp_path: Path) -> None:
    runs = np.array([(V, 1.0), (V[:2], 2.0)], dtype=[("G", "O"), ("k", "O")])
    plain = np.array([("a", 1.0), ("b", 2.0)], dtype=[("who", "O"), ("k", "O")])
    found = tables(tmp_path / "a.mat", s={"V": V, "G": V, "M": np.eye(2), "deep": {"x": V}}, runs=runs, plain=plain)
    assert found["s"][:2] == [["V", "G"], [0.0, 0.0]]
    assert found["s.M"] == [[1.0, 0.0], [0.0, 1.0]]
    assert [len(rows) for name, rows in found.items() if name.startswith("runs[")] == [6, 2, 3, 2]
    assert found["plain"] == [["who", "k"], ["a", 1.0], ["b", 2.0]]
    assert found["s.deep"][:2] == [["x"], [0.0]]


def test_complex_and_logical_numbers_and_cells(tmp_path: Path) -> None:
    mixed = np.array([["V", "I"], [0.5, 1e-3]], dtype=object)
    found = tables(tmp_path / "a.mat", z=[1 + 2j, 3], ok=[True, False], mixed=mixed, c=cell(V, V[:2]))
    assert found["z (real) + z (imag) + ok + c{2}"][1:] == [[1.0, 2.0, 1.0, 0.0], [3.0, 0.0, 0.0, 0.25]]
    assert found["mixed"] == [["V", "I"], [0.5, 1e-3]]
    assert len(found["c{1}"]) == 6


def test_a_matlab_file_is_read_like_a_workbook(tmp_path: Path) -> None:
    for name, form in (("a.mat", "5"), ("a.dat", "5"), ("old.csv", "4")):
        savemat(tmp_path / name, {"V": V, "I": V * 1e-3}, format=form)
        source = Source(tmp_path / name)
        assert source.workbook_kind == "mat"
        assert [sheet.name for sheet in source.sheets] == ["V + I"]
        assert source.facts() == {"encoding": "mat"}
    savemat(tmp_path / "u.mat", {"voltage_v": V, "current_a": V * 1e-3})
    table = read(tmp_path / "u.mat")
    assert isinstance(table, SweepTable)
    assert list(table.frame["current_a"]) == list(V * 1e-3)


def test_objects_and_functions_are_left_out(tmp_path: Path) -> None:
    found = tables(tmp_path / "a.mat", V=V, keep=1.0)
    data = bytearray((tmp_path / "a.mat").read_bytes())
    data[144] = 3  # the class of the first variable: an object of MATLAB's
    (tmp_path / "b.mat").write_bytes(data)
    assert list(found) == ["V", "keep"]
    assert [sheet.name for sheet in matfile.read_tables(tmp_path / "b.mat")] == ["keep"]
    savemat(tmp_path / "c.mat", {"V": V})
    data = bytearray((tmp_path / "c.mat").read_bytes())
    data[144] = 3
    (tmp_path / "c.mat").write_bytes(data)
    with pytest.raises(FileError, match=r"no vector or matrix.*V cannot"):
        matfile.read_tables(tmp_path / "c.mat")


def _v5(body: bytes, packed: bool = False) -> bytes:
    head = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + b"IM"
    part = struct.pack("<II", 14, len(body)) + body
    return head + (struct.pack("<II", 15, len(zlib.compress(part))) + zlib.compress(part) if packed else part)


def _array(which: int, sizes: tuple[int, ...], data: bytes, name: bytes = b"x") -> bytes:
    head = struct.pack("<IIII", 6, 8, which, 0) + struct.pack(f"<II{len(sizes)}i", 5, 4 * len(sizes), *sizes)
    return head.ljust(-(-len(head) // 8) * 8, b"\0") + struct.pack("<HH4s", 1, len(name), name) + data


def _nested(depth: int) -> bytes:
    body = _array(6, (0, 0), struct.pack("<II", 9, 0), b"")
    for _ in range(depth):
        body = _array(1, (1, 1), struct.pack("<II", 14, len(body)) + body, b"x")
    return body


SPARSE = _array(5, (1, 1), struct.pack("<HHiHHi", 4098, 4, 0, 5, 4, 1) + struct.pack("<IId", 9, 8, 1.0))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (_v5(_array(6, (2**30, 2**30), struct.pack("<II", 9, 0))), "longer than"),
        (_v5(_array(1, (2**31 - 1, 1), b"")), "longer than"),
        (_v5(_array(6, (-1, 5), struct.pack("<II", 9, 0))), "longer than"),
        (_v5(_nested(3000)), "too many parts"),
        (_v5(_nested(300), packed=True), "too many parts"),
        (_v5(_array(6, (1, 1), struct.pack("<IId", 9, 80000, 1.0))), "is damaged|is a damaged"),
        (_v5(_array(6, (1, 100 << 20), struct.pack("<II", 9, 800 << 20) + bytes(200 << 20)), packed=True), "unpacks"),
        (_v5(_array(6, (1, 1), struct.pack("<IId", 0, 8, 1.0))), "kind 0"),
        (_v5(_array(6, (1, 1), struct.pack("<IId", 16, 8, 1.0))), "kind 16"),
        (_v5(_array(4, (1, 1), struct.pack("<HH4s", 4112, 1, b"d"))), "kind 4112"),
        (_v5(_array(1, (1, 1), struct.pack("<II", 14, len(SPARSE)) + SPARSE)), "kind 4098"),
        (_v5(b""), "no vector or matrix"),
        (_v5(_array(6, (1, 1), struct.pack("<IId", 9, 8, 1.0)), packed=True)[:-3], "ends within"),
        (b"MATLAB 5.0 MAT-file", "header"),
        (struct.pack("<5i", 0, 1, 2, 0, 2) + b"x\0" + bytes(16) + b"more", "ends within"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "damaged|h5py"),
    ],
)
def test_damaged_and_malicious_files_are_an_error(tmp_path: Path, data: bytes, words: str, memory_within: Any) -> None:
    path = tmp_path / "a.mat"
    path.write_bytes(data)
    with memory_within(200), pytest.raises(FileError, match=words) as caught:
        read(path)
    assert str(caught.value).startswith("a.mat ")


@pytest.mark.parametrize("step", [20, pytest.param(1, marks=pytest.mark.slow)])
def test_a_file_cut_at_any_byte_is_a_devicekit_error(step: int, tmp_path: Path) -> None:
    savemat(tmp_path / "a.mat", {"V": V, "s": {"I": V, "n": "x"}}, do_compression=True)
    data = (tmp_path / "a.mat").read_bytes()
    for length in range(1, len(data), step):
        (tmp_path / "cut.mat").write_bytes(data[:length])
        with pytest.raises(DevicekitError):
            read(tmp_path / "cut.mat")


def _v73(path: Path) -> Path:
    """Write a file like MATLAB -v7.3: HDF5 after 512 bytes, transposed, texts as numbers, cells as references."""
    import h5py

    with h5py.File(path, "w", userblock_size=512) as file:

        def put(group: Any, name: str, value: Any, kind: str = "double") -> Any:
            data = group.create_dataset(name, data=np.asarray(value).T)
            data.attrs["MATLAB_class"] = np.bytes_(kind)
            return data

        put(file, "V", V[None])
        put(file, "I", V[:, None] * 1e-3)
        put(file, "M", np.arange(6.0).reshape(2, 3))
        put(file, "T", np.arange(24.0).reshape(2, 3, 4))
        put(file, "name", np.array([list(map(ord, "dev 1"))], "u2"), "char")
        group = file.create_group("s")
        group.attrs["MATLAB_class"] = np.bytes_("struct")
        put(group, "G", V[None])
        kept = file.create_group("#refs#")
        references = [put(kept, word, np.array([[ord(word)]], "u2"), "char").ref for word in "abcde"]
        words = np.array(references, dtype=h5py.ref_dtype)[:, None]
        file.create_dataset("words", data=words, dtype=h5py.ref_dtype).attrs["MATLAB_class"] = np.bytes_("cell")
        file["elsewhere"] = h5py.ExternalLink("/etc/passwd", "/")
        file.create_dataset("stolen", (10,), "u1", external=[("/etc/passwd", 0, 10)])
    data = path.read_bytes()
    path.write_bytes(b"MATLAB 7.3 MAT-file".ljust(512) + data[512:])
    return path


@needs_h5py
def test_version_7_3_follows_the_same_rules(tmp_path: Path) -> None:
    found = {sheet.name: sheet.rows for sheet in matfile.read_tables(_v73(tmp_path / "a.mat"))}
    assert list(found) == ["I + V + words", "M", "T[1]", "T[2]", "T[3]", "T[4]", "s", "name"]
    assert found["I + V + words"][2] == [0.25e-3, 0.25, "b"]
    assert found["M"] == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    assert found["T[2]"] == [[1.0, 5.0, 9.0], [13.0, 17.0, 21.0]]
    assert found["name"] == [["name"], ["dev 1"]]


@needs_h5py
def test_version_7_3_without_h5py_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _v73(tmp_path / "a.mat")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileError, match=r"-v7.*pip install h5py"):
        read(path)


@needs_h5py
def test_a_data_set_without_end_is_refused(tmp_path: Path) -> None:
    import h5py

    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", (1 << 40,), "f8", chunks=(1 << 20,))
    with pytest.raises(FileError, match=r"more numbers.*at once"):
        read(tmp_path / "a.h5")
