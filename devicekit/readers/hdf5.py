"""Tables, a card and a trained network in one HDF5 file, and back, bit for bit.

The file starts with 512 bytes of text that identify it. It holds `card` (the card's JSON text), `tables/NAME`
(`about`, JSON text, and `columns/COLUMN`) and `network` (`about` and its arrays). Sweeps are also linked
where NeXus programs look for them: `entry` with the sensors of NXiv_temp. The file is not compressed, so that its size
is that of its content; it is read in a separate process (`devicekit.readers.isolated`).
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

from devicekit.core.calls import as_path, called_as
from devicekit.core.errors import CodedWarning, DevicekitError, FileError, UsageError
from devicekit.core.printing import Printed
from devicekit.core.quantities import GLOSSARY
from devicekit.names import mark_sentence
from devicekit.readers import matparts
from devicekit.system import files, ownmark, writing
from devicekit.system.extras import need
from devicekit.tables import SweepTable, Table

if TYPE_CHECKING:
    from devicekit.device.card import DeviceCard
    from devicekit.device.network import TrainedNetwork

SUFFIXES = (".h5", ".hdf5")
MARK = ownmark.HDF5_MARK
_BLOCK = 512  # bytes before the file
_EXACT = 1 << 53  # whole numbers up to here are exact as floats, as which they are read
_HALF = re.compile("[\ud800-\udfff]")  # a surrogate, which UTF-8 cannot encode
_JSON_TYPES = (str, int, float, bool, type(None))
_LEFT_OUT = ("layout", "files")  # metadata of another file


@dataclass(frozen=True)
class Contents(Printed):
    """Content of a file.

    Attributes
    ----------
    card : DeviceCard or None
    tables : tuple of tables
        Tables in the order in which they were written.
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
    """Return an HDF5 file of a card, tables and a network; the same content gives the same bytes.

    Parameters
    ----------
    card : DeviceCard, optional
        A card.
    tables : sequence of tables
        Tables of any kind, written without their layout.
    network : TrainedNetwork, optional
        A trained network, which contains its card.

    Returns
    -------
    bytes
        The file.

    Raises
    ------
    UsageError
        If h5py is not installed, or a column cannot be stored exactly.
    """
    need("h5py", "hdf5", "HDF5 files")
    import h5py

    stream = io.BytesIO()
    marks = [*(card.marks if card else ()), *(mark for table in tables for mark in table.marks)]
    with h5py.File(stream, "w", userblock_size=_BLOCK) as file:
        if sentence := mark_sentence([*marks, *(network.card.marks if network else ())]):
            file.attrs["marks"] = sentence  # of the whole content
        if card is not None:
            _write_text(file, "card", card.to_json())
        for name, table in zip(_names(tables), tables, strict=True):
            _write_table(file.create_group(f"tables/{name}"), table)
        sweeps = [name for name, table in zip(_names(tables), tables, strict=True) if isinstance(table, SweepTable)]
        if sweeps:
            _write_entry(file, sweeps[0], next(table for table in tables if isinstance(table, SweepTable)))
        if network is not None:
            group = file.create_group("network")
            about, arrays = network.to_parts()
            _write_text(group, "about", about)
            for name, array in arrays.items():
                dataset = group.create_dataset(name, data=array)
                if name.endswith(("_plus", "_minus")):
                    dataset.attrs["units"] = "S" if network.card.window.quantity == "conductance_s" else "1"
    data = stream.getvalue()
    return MARK.ljust(_BLOCK, b"\0") + data[_BLOCK:]


def save(
    path: Path | str,
    card: DeviceCard | None = None,
    tables: Sequence[Table] = (),
    network: TrainedNetwork | None = None,
    overwrite: bool = False,
) -> None:
    """Write the file of `pack`, completely or not at all.

    Parameters
    ----------
    path : path-like
        The file.
    card, tables, network
        As for `pack`.
    overwrite : bool
        Replace a file that devicekit did not write, or one that a table was read from.

    Raises
    ------
    UsageError, FileError
    """
    sources = [each for table in tables for each in table.meta.get("files", ())]
    writing.write_bytes(Path(path), pack(card, tables, network), overwrite, sources)


@called_as("devicekit.load_hdf5('device.h5')")
def load(path: Path | str) -> Contents:
    """Load a file that was written by `save` or by an export to hdf5.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    Contents
        The written content: numbers to the last bit, texts, warnings, the card's bytes.

    Raises
    ------
    FileError, CardError, TableError
        If it is another file or damaged, or h5py is not installed.
    """
    path = as_path(path, "devicekit.load_hdf5")
    if not files.exists(path):
        raise FileError(f"{path} does not exist")
    files.kind(path)
    if not is_ours(path):
        raise FileError(f"{path.name} was not written by devicekit. For other HDF5 files, use devicekit read.")
    writing.note_input(path)
    content = matparts.read_hdf5(path, most=path.stat().st_size)  # not packed: a number has a byte or more
    from devicekit.device.card import DeviceCard  # imported here because it compiles laws
    from devicekit.device.network import TrainedNetwork

    try:
        card = DeviceCard.from_json(_first_text(content["card"]), path.name) if "card" in content else None
        tables = tuple(_read_table(each) for _, each in sorted(content.get("tables", {}).items()))
        network = None
        if "network" in content:
            about = _first_text(content["network"].pop("about"))
            network = TrainedNetwork.from_parts(about, content["network"], path.name)
    except DevicekitError:
        raise
    except Exception as error:  # damaged parts raise many errors
        sentence = " ".join(str(error).split())[:200]
        if isinstance(error, KeyError):
            sentence = f"it has no {sentence}"
        elif not isinstance(error, ValueError):
            sentence = "a part of it has an unexpected type"
        raise FileError(f"{path.name} is damaged: {sentence}") from error
    return Contents(card, tables, network)


def _names(tables: Sequence[Table]) -> list[str]:
    """Return names in order, with the kind of each table: 0_pulse, 1_sweep, ..."""
    wide = len(str(max(len(tables) - 1, 0)))
    return [f"{k:0{wide}}_{table.kind}" for k, table in enumerate(tables)]


def _write_text(group: Any, name: str, text: str) -> None:
    import h5py

    group.create_dataset(name, data=text, dtype=h5py.string_dtype())


def _first_text(value: Any) -> str:
    """Return the text in a value of the parser, which is a list of one text."""
    (text,) = [value] if isinstance(value, str) else value
    return str(text)


def column_keys(table: Table) -> list[str]:
    """Return the name of each column in the file: its own if it is in the glossary, else column_K, from 0."""
    names = map(str, table.frame.columns)
    return [name if name in GLOSSARY else f"column_{k}" for k, name in enumerate(names)]


def _write_table(group: Any, table: Table) -> None:
    import h5py

    columns, about = group.create_group("columns"), {}
    for k, (key, name) in enumerate(zip(column_keys(table), table.frame.columns, strict=True)):
        column = table.frame.iloc[:, k]  # by position: two columns may have one name
        values, details = _encode_column(column)
        kind = h5py.string_dtype() if values.dtype == object else values.dtype
        dataset = columns.create_dataset(key, data=values, dtype=kind)
        dataset.attrs["long_name"] = str(name) if _fits(str(name)) else ascii(str(name))
        if key in GLOSSARY:
            dataset.attrs["units"] = GLOSSARY[key].unit
        about[key] = {"name": str(name), "dtype": str(column.dtype), **details}
    metadata = {key: _as_list(value) for key, value in table.meta.items() if key not in _LEFT_OUT}
    metadata = {key: value for key, value in metadata.items() if _is_json_value(value)}
    _write_text(
        group,
        "about",
        json.dumps(
            {
                "kind": table.kind,
                "columns": about,
                "meta": metadata,
                "warnings": [warning.as_dict() for warning in table.warnings],
            }
        ),
    )


def _as_list(value: Any) -> Any:
    """Return a tuple as a list, as in JSON."""
    return list(value) if isinstance(value, tuple) else value


def _fits(text: str) -> bool:
    """Return whether HDF5 can hold a text: one without zero characters and surrogates."""
    return "\0" not in text and not _HALF.search(text)


def _is_json_value(value: Any) -> bool:
    """Return whether JSON preserves a value."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json_value(each) for key, each in value.items())
    return isinstance(value, _JSON_TYPES) or (isinstance(value, list) and all(map(_is_json_value, value)))


def _encode_column(column: pd.Series) -> tuple[np.ndarray, dict[str, Any]]:
    """Return the values of a column for HDF5, and details, such as the cells that are not texts."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iufb":
        values = column.to_numpy()
        if values.dtype.kind in "iu" and values.size and max(-int(values.min()), int(values.max())) > _EXACT:
            raise UsageError(f"column {column.name} holds whole numbers beyond 2**53, which are not stored exactly")
        if values.dtype.kind == "f" and values.dtype.itemsize > 8:
            raise UsageError(f"column {column.name} holds numbers of more than 64 bits, which cannot be stored exactly")
        return values, {}
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "mM":
        raise UsageError(f"column {column.name} holds dates. Convert them to times in s or to texts.")
    cells = column.to_list()
    other = {}
    for k, cell in enumerate(cells):
        if not (isinstance(cell, str) and _fits(cell)):
            cell = cell.item() if isinstance(cell, np.generic) else cell
            other[str(k)] = None if cell is None or cell is pd.NA else cell
            cells[k] = ""
    details: dict[str, Any] = {"other": other}
    kept = list(other.values())
    if isinstance(column.dtype, pd.CategoricalDtype):
        details |= {"categories": column.cat.categories.to_list(), "ordered": bool(column.cat.ordered)}
        kept += details["categories"]
    if not all(isinstance(cell, _JSON_TYPES) for cell in kept):
        raise UsageError(f"column {column.name} holds cells that are neither numbers nor texts")
    return np.array(cells, dtype=object), details


def _read_table(group: Mapping[str, Any]) -> Table:
    about = json.loads(_first_text(group["about"]))
    data = {key: _read_column(key, group["columns"][key], details) for key, details in about["columns"].items()}
    if len({len(column) for column in data.values()}) != 1:
        raise ValueError("its columns differ in length")
    meta, marks = about["meta"], about["meta"].get("marks", [])
    if not (isinstance(marks, list) and all(isinstance(each, str) for each in marks)):
        raise ValueError("marks are not texts")
    classes = {each.kind: each for each in get_args(Table)}
    warnings = tuple(CodedWarning(each["code"], each["message"]) for each in about["warnings"])
    frame = pd.DataFrame(data).set_axis([str(details["name"]) for details in about["columns"].values()], axis=1)
    table: Table = classes[about["kind"]](frame, meta, warnings)
    return table


def _read_column(key: str, values: Any, details: Mapping[str, Any]) -> pd.Series:
    """Restore a column of numbers or of cells."""
    if "other" in details:
        cells: list[Any] = [*([] if isinstance(values, np.ndarray) else values)]  # an empty column has no type
        for k, cell in details["other"].items():
            if not (0 <= int(k) < len(cells) and isinstance(cell, _JSON_TYPES)):
                raise ValueError(f"column {key} has an invalid cell {k}")
            cells[int(k)] = cell
        return pd.Series(cells, dtype=_restore_dtype(details))
    kind = np.dtype(details["dtype"])
    if kind.kind not in "iufb" or not isinstance(values, np.ndarray) or values.ndim != 1:
        raise ValueError(f"column {key} does not hold numbers of type {kind}")
    return pd.Series(values.astype(kind))


def _restore_dtype(details: Mapping[str, Any]) -> Any:
    """Return the type of a column of cells."""
    if "categories" in details:
        return pd.CategoricalDtype(details["categories"], details["ordered"])
    kind = pd.api.types.pandas_dtype(details["dtype"])
    if isinstance(kind, np.dtype) and details["dtype"] not in ("object", "str"):
        raise ValueError(f"a column of cells has type {details['dtype']}")
    return np.dtype(object) if isinstance(kind, np.dtype) else kind  # pandas before 3 has no type str


def _write_entry(file: Any, name: str, table: SweepTable) -> None:
    """Write the sweeps where NeXus programs look for them, as NXiv_temp if all its fields are available."""
    import h5py

    def set_class(group: Any, kind: str) -> Any:
        group.attrs["NX_class"] = kind
        return group

    frame = table.frame
    at = {key: f"/tables/{name}/columns/{key}" for key in column_keys(table)}
    entry = set_class(file.create_group("entry"), "NXentry")
    file.attrs["default"], entry.attrs["default"] = "entry", "data"
    environment = set_class(
        set_class(entry.create_group("instrument"), "NXinstrument").create_group("environment"), "NXenvironment"
    )
    sensors = {
        "voltage_controller": "voltage_v",
        "current_sensor": "current_a",
        "temperature_controller": "temperature_k",
    }
    for sensor, column in sensors.items():
        if column in at:
            sensor_group = set_class(environment.create_group(sensor), "NXsensor")
            _write_text(sensor_group, "measurement", sensor.partition("_")[0])
            sensor_group["value"] = h5py.SoftLink(at[column])
    data = set_class(entry.create_group("data"), "NXdata")
    grid = _build_grid(frame)
    if grid is None:
        data.attrs["signal"], data.attrs["axes"] = "current", "."
        for field, column in {"voltage": "voltage_v", "current": "current_a", "temperature": "temperature_k"}.items():
            if column in at:
                data[field] = h5py.SoftLink(at[column])
        return
    _write_text(entry, "definition", "NXiv_temp")
    data.attrs["signal"], data.attrs["axes"] = "current", ["temperature", "voltage"]
    for field, values, unit in zip(("temperature", "voltage", "current"), grid, "KVA", strict=True):
        data.create_dataset(field, data=values).attrs["units"] = unit


def _build_grid(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Return temperatures [K], voltages [V] and currents [A], (temperatures, voltages), for one sweep at each."""
    if "temperature_k" not in frame or frame["temperature_k"].isna().any():
        return None
    sweeps = [(each["temperature_k"], each) for _, each in frame.groupby(["device_id", "cycle"], sort=False)]
    if any(each.nunique() != 1 for each, _ in sweeps):
        return None
    temperatures = np.array([float(each.iloc[0]) for each, _ in sweeps])
    voltages = [each["voltage_v"].to_numpy() for _, each in sweeps]
    alike = all(np.array_equal(voltages[0], each) for each in voltages)
    if frame["device_id"].nunique() != 1 or len(np.unique(temperatures)) != len(temperatures) or not alike:
        return None
    return temperatures, voltages[0], np.array([each["current_a"].to_numpy() for _, each in sweeps])
