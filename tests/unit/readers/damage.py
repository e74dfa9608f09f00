"""Damaged files, each reproducible by its number: bytes cut, doubled, swapped or inserted, also in archives."""

from __future__ import annotations

import functools
import gzip
import io
import json
import random
import signal
import traceback
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any
from xml.sax.saxutils import escape

from devicekit.core.errors import DevicekitError
from devicekit.device.card import load_card
from devicekit.readers import read
from devicekit.system import catalog
from devicekit.system.plugins import READERS

from .conftest import DATA, xls_bytes  # type: ignore[import-not-found]

LONGEST = 10  # seconds for one file
LONGEST_MESSAGE = 4000  # letters; those beyond are counted
ROWS = [["V (V)", "I (A)"], [0, 0], [0.5, 1e-6], [1, 1e-3], [0, 0]]
SETTINGS = [["Test Name", "x"], ["Device Terminal", "Anode"], ["Forcing Function", "Voltage Sweep"]]
SWEEP = [["Time", "AnodeI", "AnodeV"], [0.1, 1e-9, 0.0], [0.2, 1e-3, 1.0]]
TOKENS = [
    *(b"DataName, V1, I1\n", b"DataValue, 1, 2\n", b"SetupTitle, x\n", b"Setup title,x\n", b"Measurement Data\n"),
    *(b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xb5A", b"\r", b"\n\n", b"\t", b";", b'"', b",,,,", b"1,5", b"1_0"),
    *(b"9.91E+37", b"1e400", b"-1e400", b"nan", b"inf", b"NaN", b"99999999999999999999", b"(2.5, 1.3)", b"=cmd()"),
    *(b"#REF!", b"Wordline,Bitline,Resistance", b"Item,Smu1.V[1][1],Smu1.I[1][1]\n", b"Index,", b"Dimension2, 0, 0"),
    *(b"exp_LTP_raw=[", b"];", b"device_id", b"cycle", b"voltage_v", b"[", b"{", b'"name": 1,', b" " * 3000),
    *(b"\xff\xff\xff\xff", b"\x00\x00\x00\x00", b"\xff\xff\xff\x7f", b"\x0e\x00\x00\x00", b'r="XFD1048576"'),
]
OPTIONS: list[dict[str, Any]] = [
    *({"quantity": quantity} for quantity in ("conductance", "current", "resistance", "weight")),
    *({"unit": unit, "quantity": "current", "read_voltage": -0.1} for unit in ("uS", "nA")),
    {"absolute": True, "read_voltage": 0.1},
    {"columns": {"voltage_v": "V1"}},
    {"columns": {"device_id": "column 1", "value": "column 2"}, "unit": "kohm"},
]


@functools.cache
def seeds() -> dict[str, list[bytes]]:
    """Return valid files of every kind."""
    texts = [path.read_bytes() for path in sorted(DATA.rglob("*")) if path.is_file()]
    texts += [
        b"exp_LTP_raw=[\n1 1e-6\n2 2e-6\n];\nexp_LTD_raw=[\n1 2e-6\n2 1e-6\n];\n",
        b"C4,1.5,778,RESET,2.5,0,3,1e-06\nC4,1.6,778,READ,28039.7,3.5e-05\nC4,1.7,778,SET,1.3,3,0,1e-06\n",
    ]
    sheet = "\n".join("\t".join(map(str, row)) for row in ROWS)
    return {
        "text": texts,
        "table": [sheet.encode(code) for code in ("utf-8", "utf-16", "utf-16-le", "utf-16-be")],
        "gz": [gzip.compress(text, mtime=0) for text in texts if not text.startswith(b"\x1f\x8b")],
        "xlsx": [_xlsx()],
        "ods": [ods_bytes({"a": ROWS, "b": [["#REF!", 1]]})],
        "xls": [xls_bytes({"Data": SWEEP, "Settings": SETTINGS}), xls_bytes({"d": ROWS})],
        "mat": [_mat(form="4"), _mat(), _mat(do_compression=True)],
        "json": [
            (catalog.get("pt-hfo2-al2o3-ti").folder / "card.json").read_bytes(),
            json.dumps({"G": [1e-6, 2e-6, 3e-6], "n": [0, 1, 2], "set": {"V": [0.1, 0.2]}, "R": 1e3}).encode(),
            json.dumps([{"V (V)": v / 10, "I (A)": v * 1e-6} for v in [*range(9), *range(9, 0, -1)]]).encode(),
            json.dumps({"columns": ["t", "G"], "data": [[1, 2e-6], [2, None], [3, "x"]]}).encode(),
        ],
    }


def _xlsx() -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    for row in ROWS:
        book.active.append(row)
    book.create_sheet("other").append(["#REF!", 1, True])
    buffer = io.BytesIO()
    book.save(buffer)
    with zipfile.ZipFile(buffer) as old:
        parts = {name: old.read(name) for name in old.namelist() if not name.startswith("docProps")}
    return _zipped(parts)


def _zipped(parts: Mapping[str, bytes | str]) -> bytes:
    """Return an archive without times; a part called mimetype is not packed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, part in parts.items():
            how = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name), part, how)
    return buffer.getvalue()


def ods_bytes(sheets: Mapping[str, Sequence[Sequence[object]]], kind: str = "spreadsheet") -> bytes:
    """Return a minimal .ods file."""
    tables = ""
    for name, rows in sheets.items():
        lines = "".join(f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>" for row in rows)
        tables += f'<table:table table:name="{name}">{lines}</table:table>'
    of = "urn:oasis:names:tc:opendocument:xmlns"
    names = " ".join(f'xmlns:{each}="{of}:{each}:1.0"' for each in ("office", "table", "text", "calcext"))
    body = f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>"
    content = f"<office:document-content {names}>{body}</office:document-content>"
    mark = f"application/vnd.oasis.opendocument.{kind}"
    return _zipped({"mimetype": mark, "content.xml": content, "META-INF/manifest.xml": "<manifest/>"})


def _ods_cell(cell: object) -> str:
    if cell is None:
        return "<table:table-cell/>"
    if isinstance(cell, (int, float)):
        return f'<table:table-cell office:value-type="float" office:value="{cell!r}"/>'
    kind = ' calcext:value-type="error" office:string-value=""' if str(cell).startswith("#") else ""
    return f'<table:table-cell office:value-type="string"{kind}><text:p>{escape(str(cell))}</text:p></table:table-cell>'


def _mat(form: str = "5", **options: Any) -> bytes:
    import numpy as np
    from scipy.io import savemat

    v = np.linspace(0, 1, 6)
    variables: dict[str, Any] = {"voltage_v": v, "current_a": v * 1e-3, "M": np.eye(3), "name": "device 1"}
    if form == "5":
        runs = np.array([(v, 1.0), (v[:2], 2.0)], dtype=[("G", "O"), ("k", "O")])
        words = np.array(["a", "bb", "c", "d", "e", "f"], dtype=object)
        variables |= {"s": {"V": v, "T": np.zeros((2, 2, 2))}, "runs": runs, "words": words, "ok": [True, False]}
    buffer = io.BytesIO()
    savemat(buffer, variables, format=form, **options)
    data = buffer.getvalue()
    return data if form == "4" else b"MATLAB 5.0 MAT-file".ljust(116) + data[116:]  # without the time


def _mutated(rng: random.Random, data: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        at, length = rng.randint(0, max(len(out) - 1, 0)), rng.randint(0, 60)
        how = rng.choice(["cut", "double", "insert", "random", "flip", "flip", "swap", "end"])
        if how == "cut":
            del out[at : at + length]
        elif how == "double":
            out[at:at] = out[at : at + length] * rng.choice([1, 1, 1, 100])
        elif how == "insert":
            out[at:at] = rng.choice(TOKENS)
        elif how == "random":
            out[at : at + length] = rng.randbytes(rng.randint(0, 60))
        elif how == "flip" and out:
            out[at] ^= 1 << rng.randint(0, 7)
        elif how == "swap":
            other = rng.randint(0, max(len(out) - 1, 0))
            out[at : at + length], out[other : other + length] = out[other : other + length], out[at : at + length]
        elif how == "end" and rng.random() < 0.3:
            del out[at:]
    return bytes(out)


def _within(rng: random.Random, kind: str, data: bytes) -> bytes:
    """Damage the content of an archive; the archive itself stays valid."""
    if kind == "gz":
        return gzip.compress(_mutated(rng, gzip.decompress(data)), mtime=0)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    hit = rng.choice(list(parts))
    return _zipped({**parts, hit: _mutated(rng, parts[hit])})


def damaged(number: int) -> tuple[str, bytes, dict[str, Any]]:
    """Return kind and bytes of the damaged file of that number, and reading options."""
    rng = random.Random(number)
    kind = rng.choice(list(seeds()))
    data = rng.choice(seeds()[kind])
    packed = kind in ("gz", "xlsx", "ods") and rng.random() < 0.6
    data = _within(rng, kind, data) if packed else _mutated(rng, data)
    options = dict(rng.choice(OPTIONS)) if rng.random() < 0.5 else {}
    if rng.random() < 0.2:
        options["format"] = rng.choice(READERS.builtin_names())
    return kind, data, options


class Hang(BaseException):
    """A file that took too long."""


@contextmanager
def _within_time() -> Iterator[None]:
    def ring(number: int, frame: FrameType | None) -> None:
        raise Hang(f"more than {LONGEST} s")

    if not hasattr(signal, "SIGALRM"):  # not on this system
        yield
        return
    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, LONGEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def survey(path: Path, numbers: Iterable[int]) -> tuple[Counter[str], list[str]]:
    """Read the damaged files of those numbers; return the kinds of outcomes, and faults of devicekit."""
    kinds: Counter[str] = Counter()
    faults = []
    for number in numbers:
        kind, data, options = damaged(number)
        path.write_bytes(data)
        try:
            with _within_time():
                made: Any = load_card(path) if kind == "json" and number % 3 else read(path, **options)
            outcome = type(made).__name__
            if hasattr(made, "frame"):
                assert len(type(made)(made.frame, made.meta, made.warnings)) > 0  # it is valid
        except DevicekitError as error:
            outcome = type(error).__name__
            if not error.message:
                faults.append(f"{number} ({kind}): an error without a message")
            kinds["long message"] += len(error.message) > LONGEST_MESSAGE
        except (Exception, Hang, RecursionError):
            outcome = "FAULT"
            faults.append(f"{number} ({kind}, {options}): {traceback.format_exc(limit=-3)}")
        kinds[f"{kind}: {outcome}"] += 1
    return kinds, faults
