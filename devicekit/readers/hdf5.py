"""Tables, a card and a trained network in one HDF5 file, and back, bit for bit.

Before the file come 512 bytes of text by which it is known. In it stand `card` (the card's JSON text), `tables/NAME`
(`about`, JSON text, and `columns/COLUMN`) and `network` (`about` and its arrays). Sweeps stand a second time, as soft
links, where NeXus programs look: `entry` with the sensors of NXiv_temp. Written without compression, so that a file is
as large as what it holds; read by a process of its own (`devicekit.readers.isolated`).
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pandas as pd

from devicekit import files, ownmark
from devicekit.errors import CodedWarning, DevicekitError, FileError, UsageError
from devicekit.extras import need
from devicekit.names import GLOSSARY, mark_sentence
from devicekit.readers import matparts
from devicekit.tables import SweepTable, Table

if TYPE_CHECKING:
    from devicekit.device.card import DeviceCard
    from devicekit.device.network import TrainedNetwork

SUFFIXES = (".h5", ".hdf5")
MARK = ownmark.HDF5_MARK
_BLOCK = 512  # bytes before the file
_EXACT = 1 << 53  # whole numbers up to here are the same as floats, as which they are read
_HALF = re.compile("[\ud800-\udfff]")  # a surrogate, which UTF-8 has no bytes for
_PLAIN = (str, int, float, bool, type(None))
_LEFT_OUT = ("layout", "files")  # what a reader knows of a file that is not this one


@dataclass(frozen=True)
class Contents:
    """What a file holds.

    Attributes
    ----------
    card : DeviceCard or None
    tables : tuple of tables
        In the order in which they were written.
    network : TrainedNetwork or None
    """

    card: DeviceCard | None
    tables: tuple[Table, ...]
    network: TrainedNetwork | None


def is_ours(path: Path) -> bool:
    """Return whether a file was written by `pack`."""
    try:
        with path.open("rb") as stream:
            return stream.read(len(MARK)) == MARK
    except OSError:
        return False


def pack(card: DeviceCard | None = None, tables: Sequence[Table] = (), network: TrainedNetwork | None = None) -> bytes:
    """An HDF5 file of a card, tables and a network; the same content gives the same bytes.

    Parameters
    ----------
    card : DeviceCard, optional
        A card.
    tables : sequence of tables
        Of any kind. Of what their readers noted, the layout is left out.
    network : TrainedNetwork, optional
        A trained network; its card stands in it.

    Returns
    -------
    bytes
        The file.

    Raises
    ------
    UsageError
        If h5py is not installed, or a column holds what is not kept exactly.
    """
    need("h5py", "hdf5", "HDF5 files")
    import h5py

    stream = io.BytesIO()
    marks = [*(card.marks if card else ()), *(mark for table in tables for mark in table.marks)]
    with h5py.File(stream, "w", userblock_size=_BLOCK) as file:
        if said := mark_sentence([*marks, *(network.card.marks if network else ())]):
            file.attrs["marks"] = said  # of all that is in it; each part knows its own
        if card is not None:
            _text(file, "card", card.to_json())
        for name, table in zip(_names(tables), tables, strict=True):
            _write_table(file.create_group(f"tables/{name}"), table)
        sweeps = [name for name, table in zip(_names(tables), tables, strict=True) if isinstance(table, SweepTable)]
        if sweeps:
            _write_entry(file, sweeps[0], next(table for table in tables if isinstance(table, SweepTable)))
        if network is not None:
            group = file.create_group("network")
            about, arrays = network.to_parts()
            _text(group, "about", about)
            for name, array in arrays.items():
                made = group.create_dataset(name, data=array)
                if name.endswith(("_plus", "_minus")):
                    made.attrs["units"] = "S" if network.card.window.quantity == "conductance_s" else "1"
    data = stream.getvalue()
    return MARK.ljust(_BLOCK, b"\0") + data[_BLOCK:]


def save(
    path: Path | str,
    card: DeviceCard | None = None,
    tables: Sequence[Table] = (),
    network: TrainedNetwork | None = None,
) -> None:
    """Write what `pack` makes, whole or not at all.

    Parameters
    ----------
    path : path-like
        The file.
    card, tables, network
        As for `pack`.

    Raises
    ------
    UsageError, FileError
    """
    files.write_bytes(Path(path), pack(card, tables, network))


def load(path: Path | str) -> Contents:
    """Return what a file holds that `save`, or an export to hdf5, has written.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    Contents
        Equal to what was written: numbers to the last bit, texts, warnings, the card's bytes.

    Raises
    ------
    FileError, CardError, TableError
        If it is no such file, h5py is not installed, or it is damaged.
    """
    path = Path(path)
    if not files.exists(path):
        raise FileError(f"{path}: there is no such file")
    files.kind(path)
    if not is_ours(path):
        raise FileError(f"{path.name} is no HDF5 file of devicekit's; other HDF5 tables: devicekit read")
    files.note_input(path)
    held = matparts.read_hdf5(path, most=path.stat().st_size)  # they are not packed: a number has a byte or more
    from devicekit.device.card import DeviceCard  # loads what compiles laws, which tables need not
    from devicekit.device.network import TrainedNetwork

    try:
        card = DeviceCard.from_json(_said(held["card"]), path.name) if "card" in held else None
        tables = tuple(_read_table(each) for _, each in sorted(held.get("tables", {}).items()))
        network = None
        if "network" in held:
            about = _said(held["network"].pop("about"))
            network = TrainedNetwork.from_parts(about, held["network"], path.name)
    except DevicekitError:
        raise
    except Exception as error:  # whatever damaged parts lead to
        sentence = " ".join(str(error).split())[:200]
        if isinstance(error, KeyError):
            sentence = f"it has no {sentence}"
        elif not isinstance(error, ValueError):
            sentence = "a part of it is not of the kind that it should be"
        raise FileError(f"{path.name} is damaged: {sentence}") from error
    return Contents(card, tables, network)


def _names(tables: Sequence[Table]) -> list[str]:
    """0_pulse, 1_sweep, ...: in order, and saying what they are."""
    wide = len(str(max(len(tables) - 1, 0)))
    return [f"{k:0{wide}}_{table.kind}" for k, table in enumerate(tables)]


def _text(group: Any, name: str, text: str) -> None:
    import h5py

    group.create_dataset(name, data=text, dtype=h5py.string_dtype())


def _said(value: Any) -> str:
    """A text as the parser gives it: a list of one."""
    (text,) = [value] if isinstance(value, str) else value
    return str(text)


def column_keys(table: Table) -> list[str]:
    """Under which name each column stands: its own where it is one of ours, else column_K, from 0."""
    names = map(str, table.frame.columns)
    return [name if name in GLOSSARY else f"column_{k}" for k, name in enumerate(names)]


def _write_table(group: Any, table: Table) -> None:
    import h5py

    columns, about = group.create_group("columns"), {}
    for k, (key, name) in enumerate(zip(column_keys(table), table.frame.columns, strict=True)):
        column = table.frame.iloc[:, k]  # by its place: two may have one name
        values, told = _stored(column)
        kind = h5py.string_dtype() if values.dtype == object else values.dtype
        made = columns.create_dataset(key, data=values, dtype=kind)
        made.attrs["long_name"] = str(name) if _fits(str(name)) else ascii(str(name))
        if key in GLOSSARY:
            made.attrs["units"] = GLOSSARY[key].unit
        about[key] = {"name": str(name), "dtype": str(column.dtype), **told}
    noted = {key: _listed(value) for key, value in table.meta.items() if key not in _LEFT_OUT}
    noted = {key: value for key, value in noted.items() if _is_plain(value)}
    _text(
        group,
        "about",
        json.dumps(
            {
                "kind": table.kind,
                "columns": about,
                "meta": noted,
                "warnings": [warning.as_dict() for warning in table.warnings],
            }
        ),
    )


def _listed(value: Any) -> Any:
    """Tuples, of marks for one, as the lists that JSON has."""
    return list(value) if isinstance(value, tuple) else value


def _fits(text: str) -> bool:
    """Return whether HDF5 holds a text: none with a zero character, or a half of one."""
    return "\0" not in text and not _HALF.search(text)


def _is_plain(value: Any) -> bool:
    """Return whether JSON gives a value back as it is."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(each) for key, each in value.items())
    return isinstance(value, _PLAIN) or (isinstance(value, list) and all(map(_is_plain, value)))


def _stored(column: pd.Series) -> tuple[np.ndarray, dict[str, Any]]:
    """Values of a column as HDF5 holds them, and what is to be known of them: which cells it has no texts for."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iufb":
        values = column.to_numpy()
        if values.dtype.kind in "iu" and values.size and max(-int(values.min()), int(values.max())) > _EXACT:
            raise UsageError(f"column {column.name} holds whole numbers beyond 2**53, which are not kept exactly")
        if values.dtype.kind == "f" and values.dtype.itemsize > 8:
            raise UsageError(f"column {column.name} holds numbers of more than 64 bits, which are not kept exactly")
        return values, {}
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "mM":
        raise UsageError(f"column {column.name} holds dates: make them times in s, or texts")
    cells = column.to_list()
    other = {}
    for k, cell in enumerate(cells):
        if not (isinstance(cell, str) and _fits(cell)):
            cell = cell.item() if isinstance(cell, np.generic) else cell
            other[str(k)] = None if cell is None or cell is pd.NA else cell
            cells[k] = ""
    told: dict[str, Any] = {"other": other}
    kept = list(other.values())
    if isinstance(column.dtype, pd.CategoricalDtype):
        told |= {"categories": column.cat.categories.to_list(), "ordered": bool(column.cat.ordered)}
        kept += told["categories"]
    if not all(isinstance(cell, _PLAIN) for cell in kept):
        raise UsageError(f"column {column.name} holds cells that are neither numbers nor texts")
    return np.array(cells, dtype=object), told


def _read_table(held: Mapping[str, Any]) -> Table:
    about = json.loads(_said(held["about"]))
    data = {key: _read_column(key, held["columns"][key], told) for key, told in about["columns"].items()}
    if len({len(column) for column in data.values()}) != 1:
        raise ValueError("its columns are not of one length")
    meta, marks = about["meta"], about["meta"].get("marks", [])
    if not (isinstance(marks, list) and all(isinstance(each, str) for each in marks)):
        raise ValueError("marks are no texts")
    classes = {each.kind: each for each in get_args(Table)}
    warnings = tuple(CodedWarning(each["code"], each["message"]) for each in about["warnings"])
    frame = pd.DataFrame(data).set_axis([str(told["name"]) for told in about["columns"].values()], axis=1)
    made: Table = classes[about["kind"]](frame, meta, warnings)
    return made


def _read_column(key: str, values: Any, told: Mapping[str, Any]) -> pd.Series:
    """A column of numbers, or of cells."""
    if "other" in told:
        cells: list[Any] = [*([] if isinstance(values, np.ndarray) else values)]  # an empty column has no type
        for k, cell in told["other"].items():
            if not (0 <= int(k) < len(cells) and isinstance(cell, _PLAIN)):
                raise ValueError(f"column {key} has a cell {k} that cannot be")
            cells[int(k)] = cell
        return pd.Series(cells, dtype=_dtype(told))
    kind = np.dtype(told["dtype"])
    if kind.kind not in "iufb" or not isinstance(values, np.ndarray) or values.ndim != 1:
        raise ValueError(f"column {key} holds no numbers of type {kind}")
    return pd.Series(values.astype(kind))


def _dtype(told: Mapping[str, Any]) -> Any:
    """The type of a column of cells."""
    if "categories" in told:
        return pd.CategoricalDtype(told["categories"], told["ordered"])
    kind = pd.api.types.pandas_dtype(told["dtype"])
    if isinstance(kind, np.dtype) and told["dtype"] not in ("object", "str"):
        raise ValueError(f"a column of cells is of type {told['dtype']}")
    return np.dtype(object) if isinstance(kind, np.dtype) else kind  # pandas before 3 has no type str


def _write_entry(file: Any, name: str, table: SweepTable) -> None:
    """The sweeps where NeXus programs look for them; called NXiv_temp only where that asks no more than there is."""
    import h5py

    def of(group: Any, kind: str) -> Any:
        group.attrs["NX_class"] = kind
        return group

    frame = table.frame
    at = {key: f"/tables/{name}/columns/{key}" for key in column_keys(table)}
    entry = of(file.create_group("entry"), "NXentry")
    file.attrs["default"], entry.attrs["default"] = "entry", "data"
    environment = of(of(entry.create_group("instrument"), "NXinstrument").create_group("environment"), "NXenvironment")
    sensors = {
        "voltage_controller": "voltage_v",
        "current_sensor": "current_a",
        "temperature_controller": "temperature_k",
    }
    for sensor, column in sensors.items():
        if column in at:
            made = of(environment.create_group(sensor), "NXsensor")
            _text(made, "measurement", sensor.partition("_")[0])
            made["value"] = h5py.SoftLink(at[column])
    data = of(entry.create_group("data"), "NXdata")
    grid = _grid(frame)
    if grid is None:
        data.attrs["signal"], data.attrs["axes"] = "current", "."
        for field, column in {"voltage": "voltage_v", "current": "current_a", "temperature": "temperature_k"}.items():
            if column in at:
                data[field] = h5py.SoftLink(at[column])
        return
    _text(entry, "definition", "NXiv_temp")
    data.attrs["signal"], data.attrs["axes"] = "current", ["temperature", "voltage"]
    for field, values, unit in zip(("temperature", "voltage", "current"), grid, "KVA", strict=True):
        data.create_dataset(field, data=values).attrs["units"] = unit


def _grid(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Temperatures [K], voltages [V] and currents [A], (temperatures, voltages), of one sweep at each of several."""
    if "temperature_k" not in frame or frame["temperature_k"].isna().any():
        return None
    sweeps = [(each["temperature_k"], each) for _, each in frame.groupby(["device_id", "cycle"], sort=False)]
    if any(held.nunique() != 1 for held, _ in sweeps):
        return None
    temperatures = np.array([float(held.iloc[0]) for held, _ in sweeps])
    voltages = [each["voltage_v"].to_numpy() for _, each in sweeps]
    alike = all(np.array_equal(voltages[0], each) for each in voltages)
    if frame["device_id"].nunique() != 1 or len(np.unique(temperatures)) != len(temperatures) or not alike:
        return None
    return temperatures, voltages[0], np.array([each["current_a"].to_numpy() for _, each in sweeps])
