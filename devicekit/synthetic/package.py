"""Frictionless data packages: one compressed CSV, and datapackage.json with its description."""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from devicekit._version import __version__
from devicekit.core.quantities import GLOSSARY
from devicekit.system import files, writing

SIGNIFICANT_DIGITS = 5
_TYPES = {"i": "integer", "f": "number"}


def describe(data: Path, frame: pd.DataFrame, name: str) -> dict[str, Any]:
    """Return a data package's description of a compressed table in its folder: columns with units, and checksum."""
    fields = [
        {
            "name": column,
            "type": _TYPES.get(frame[column].dtype.kind, "string"),
            "unit": GLOSSARY[column].unit,
            "description": GLOSSARY[column].description,
        }
        for column in map(str, frame)
    ]
    return {
        "name": name,
        "path": data.name,
        "format": "csv",
        "compression": "gz",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "hash": f"sha256:{files.sha256(data)}",
        "schema": {"fields": fields},
    }


def write_package(
    folder: Path,
    frame: pd.DataFrame,
    *,
    name: str,
    title: str,
    description: str,
    stem: str,
    seed: int,
    sources: Sequence[Mapping[str, str]] = (),
) -> Path:
    """Write a synthetic table under its folder; without time stamps, so the same versions give the same bytes.

    Parameters
    ----------
    folder : Path
        Created if it is missing.
    frame : pandas.DataFrame
        Columns of `devicekit.core.quantities.GLOSSARY`; numbers are written with 5 significant digits.
    name, title, description : str
        Of the data set.
    stem : str
        Name of the data file, without .csv.gz.
    seed : int
        Seed of the draws.
    sources : sequence of mapping
        title and path of each source.

    Returns
    -------
    Path
        The data file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    buffer = io.StringIO()
    frame.to_csv(buffer, index=False, lineterminator="\n", float_format=f"%.{SIGNIFICANT_DIGITS}g")
    data = folder / f"{stem}.csv.gz"
    writing.write_bytes(data, gzip.compress(buffer.getvalue().encode(), mtime=0))
    resource = describe(data, frame, stem)
    package = {
        "name": name,
        "title": title,
        "description": description,
        "synthetic": True,
        "licenses": [{"name": "BSD-3-Clause"}],
        **({"sources": list(sources)} if sources else {}),
        "contributors": [{"title": f"devicekit {__version__}, seed {seed}"}],
        "resources": [resource],
    }
    writing.write_json(folder / "datapackage.json", package)
    return data
