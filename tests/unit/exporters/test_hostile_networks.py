"""Malicious files of networks: wrong arrays, numbers out of range, invalid archives, and text that is code."""

from __future__ import annotations

import ast
import copy
import io
import json
import resource
import struct
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devicekit.core.errors import FileError
from devicekit.device.network import TrainedNetwork
from devicekit.synthetic.pulses import truth_card
from snn.data.load import load

from .conftest import LAWS
from .small_network import SPAN, small_network

Arrays = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def parts() -> tuple[dict[str, Any], Arrays]:
    """Return the content of the file of a small network: its text as JSON values, and its arrays."""
    about, arrays = small_network(truth_card(LAWS["linear"], model="linear", window=SPAN)).to_parts()
    return json.loads(about), arrays


def write(path: Path, about: Any, arrays: Arrays) -> Path:
    np.savez_compressed(path, **{"about": np.array(json.dumps(about)), **arrays})  # type: ignore[arg-type]
    return path


def refused(path: Path) -> str:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(FileError) as caught:
        TrainedNetwork.load(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10  # KiB
    assert len(str(caught.value)) < 600
    return str(caught.value)


WRONG: dict[str, Callable[[np.ndarray], Any]] = {
    "NaN": lambda a: np.full(a.shape, np.nan),
    "infinite": lambda a: np.full(a.shape, np.inf),
    "long numbers": lambda a: np.full(a.shape, np.longdouble("1e4000")),
    "empty": lambda a: a[:0],
    "one number": lambda a: np.array(1.0),
    "flat": lambda a: a.reshape(1, 1, 1, -1),
    "texts": lambda a: a.astype(str),
    "complex": lambda a: a.astype(complex),
    "records": lambda a: np.zeros(a.shape, [("a", float)]),
    "nothing": lambda a: np.zeros(a.shape, "V8"),
    "objects": lambda a: np.full(a.shape, None, object),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_arrays_of_the_wrong_kind_are_refused(tmp_path: Path, parts: tuple[Any, Arrays], wrong: str) -> None:
    about, arrays = parts
    for name in arrays:
        changed = WRONG[wrong](arrays[name])
        assert "trained network" in refused(write(tmp_path / "n.npz", about, {**arrays, name: changed}))


@pytest.mark.parametrize(("wrong", "value"), [("large", 2**63), ("huge", 1e300), ("negative", -1), ("half", 0.5)])
def test_invalid_counts_are_refused(tmp_path: Path, parts: tuple[Any, Arrays], wrong: str, value: float) -> None:
    about, arrays = parts
    for name in ("spikes", "counts", "classes", "labels"):
        changed = np.full(arrays[name].shape, value, np.uint64 if value == 2**63 else float)
        assert "whole numbers" in refused(write(tmp_path / "n.npz", about, {**arrays, name: changed})), wrong


@pytest.mark.parametrize(
    ("place", "values"),
    [
        (("scales", 0), (-1.0, 0, 1e308, "x", None, float("nan"))),
        (("scales",), ([], 1, {}, [1.0, 2.0, 3.0])),
        (("paired", 0), (1, "yes", None)),
        (("channels",), (-1, 0, 10**30, 10**6, True, 2.0)),
        (("neurons", "steps"), (-1, 0, 10**9, 10**30, 1.5)),
        (("neurons", "refractory"), (-1, 10**30)),
        (("neurons", "full_input"), (-1.0, 0.0, 1.5, float("inf"))),
        (("neurons", "threshold"), (0.0, -1.0, 10**400)),
        (("neurons",), ([], None, {})),
        (("facts", "accuracy"), (-0.1, 1.5, float("nan"))),
        (("facts", "epochs"), (10**30, -5, "1")),
        (("facts", "data"), ("x" * 10**6, None, ["x"])),
        (("facts", "wires"), (3, "x", [[1]])),
        (("facts", "tested_with"), ("x", [1], {"x": 1})),
        (("facts",), ([], "x")),
        (("format",), (None, "devicekit network 2")),
        (("card",), (None, [], {}, "x")),
    ],
    ids=str,
)
def test_numbers_and_words_out_of_range_are_refused(
    tmp_path: Path, parts: tuple[Any, Arrays], place: tuple[Any, ...], values: tuple[Any, ...]
) -> None:
    for value in values:
        about = copy.deepcopy(parts[0])
        held = about
        for key in place[:-1]:
            held = held[key]
        held[place[-1]] = value
        refused(write(tmp_path / "n.npz", about, parts[1]))


def header(shape: str, kind: str = "<f8", more: str = "") -> bytes:
    """An array's header without its content."""
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, {more}}}".encode()
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", len(text)) + text


def test_invalid_archives_are_refused_cheaply(tmp_path: Path, parts: tuple[Any, Arrays]) -> None:
    whole = write(tmp_path / "whole.npz", *parts).read_bytes()
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    changes: dict[str, bytes] = {
        "a shape of terabytes": header("(1000000, 1000000)"),
        "a shape that overflows": header("(4294967296, 4294967296, 4294967296)"),
        "a shape below zero": header("(-1, -5)"),
        "records of nothing": header("(1000000000000,)", "V0"),
        "a header of a megabyte": header("(1,)", more="'x': '" + "x" * 10**6 + "'"),
        "a nested header": header("(" * 5000 + ")" * 5000),
        "a header that is code": header("__import__('os').system('true')"),
        "no array": b"hello",
        "a pickle": b"\x80\x04cos\nsystem\n.",
        "nothing": b"",
        "zeros": bytes(200 << 20),
    }
    for data in changes.values():
        with zipfile.ZipFile(tmp_path / "n.npz", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, own in members.items():
                archive.writestr(name, data if name == "hidden_plus.npy" else own)
        refused(tmp_path / "n.npz")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with pytest.raises(FileError, match=r"d\.npz"):  # data of a user's own as well
            load(str((tmp_path / "n.npz").rename(tmp_path / "d.npz")))
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 << 10


@pytest.mark.parametrize("again", ["about.npy", "about", "hidden_plus.npy"])
def test_a_member_that_comes_twice_is_refused(tmp_path: Path, parts: tuple[Any, Arrays], again: str) -> None:
    path = write(tmp_path / "n.npz", *parts)
    with zipfile.ZipFile(path) as archive:
        own = archive.read(f"{again.removesuffix('.npy')}.npy")
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr(again, own)
    assert "twice" in refused(path)


WORDS = [
    '"""\nPLANTED = 1\n"""',
    "'''\nPLANTED = 1\n'''",
    "x\nPLANTED = 1",
    "x\rPLANTED = 1",
    "x\u2028PLANTED = 1",
    "x'); PLANTED = 1; ('",
    '\\"; PLANTED = 1; "',
    "{{ 7 * 7 }}{% raw %}",
    "*/ int PLANTED = 1; /*",
    "x\n.include 'PLANTED'\n",
]


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("target", ["pytorch", "brian2"])
def test_text_of_a_file_cannot_become_code_of_an_export(
    devicekit: Callable[..., Any], tmp_path: Path, parts: tuple[Any, Arrays], words: str, target: str
) -> None:
    about = copy.deepcopy(parts[0])
    about["facts"] |= {"data": words, "basis": words, "split": words, "tested_with": [words]}
    about["card"]["name"] = words
    path = write(tmp_path / "n.npz", about, parts[1])
    found = devicekit("export", path, "--to", target, "--out", tmp_path / "out")
    assert found.code in (0, 2)
    for file in (tmp_path / "out").rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "PLANTED"]
        assert "49" not in [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
