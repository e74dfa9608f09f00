"""Data sets that ship with devicekit, and public measured ones that it can fetch."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files as package_files
from pathlib import Path

from devicekit.core.calls import called_as
from devicekit.core.errors import FileError, UsageError
from devicekit.core.records import Record, column, derived
from devicekit.names.marks import marks_in, ordered
from devicekit.system import files, ownmark

_TRAINS = "export --to csv"  # of its trains, which a card's law makes
EXAMPLE = "vcm-trains"  # what is run where no file is named: measured
KNOWN_TRUTH = "pt-hfo2-al2o3-ti"  # SYNTHETIC: its laws are known
_START = 4096  # bytes in which a file says its marks


@dataclass(frozen=True, kw_only=True)
class PublicSet(Record):
    """Facts of a data set that stand in its data package."""

    name: str = column(doc="name, as `devicekit datasets` lists it")
    title: str = column(doc="what it is, in a line")
    description: str = column(doc="what was measured, on what, and how")
    licence: str = column(doc="SPDX name of its licence")


@dataclass(frozen=True, kw_only=True)
class Dataset(PublicSet):
    """A data set that ships: its folder and the facts of its datapackage.json."""

    synthetic: bool = column(doc="whether it was generated")
    folder: Path = column(json=False)
    data: Path = column(name="path", doc="file or folder to read")
    checksum: str = column(doc="SHA-256 of the file")

    @derived()
    def ships(self) -> bool:
        """True if it is part of devicekit."""
        return True

    @property
    def card(self) -> Path:
        """Path of its device card; only sets of pulse trains have one."""
        return self.folder / "card.json"


def data_root() -> Path:
    """Folder of the shipped data: inside an installed package, or the checkout's datasets/."""
    installed = Path(str(package_files("devicekit"))) / "_data"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "datasets"


def is_synthetic(path: Path) -> bool:
    """Return whether a file or folder was generated: its data package says so, or it is a copy of a set of ours."""
    package = (path if path.is_dir() else path.parent) / "datapackage.json"
    try:
        if json.loads(package.read_text(encoding="utf-8")).get("synthetic"):
            return True
    except (OSError, ValueError, AttributeError, RecursionError):
        pass
    inside = path.iterdir() if path.is_dir() else [path]
    return any(_is_copy(each) for each in inside if each.is_file())


def marks(path: Path) -> tuple[str, ...]:
    """synthetic, simulated, calibrated: what a file or folder is known to be; none of a measurement.

    Known by its data package, by its checksum (`is_synthetic`), by what devicekit noted in a folder that it made, or by
    what the file says itself (`devicekit.names.mark_sentence`). A CSV says it in a column, which its table knows.
    """
    command = str(ownmark.read_marker(path if path.is_dir() else path.parent).get("command", ""))
    found = ["synthetic"] if is_synthetic(path) else []
    if command.startswith("simulate") or command in (_TRAINS, "calibrate"):
        found.append("simulated")
    if command == "calibrate":
        found.append("calibrated")
    return ordered([*found, *_marks_beside(path)])


def _marks_beside(path: Path) -> tuple[str, ...]:
    """Return marks that a file says itself, near its beginning."""
    try:
        if not path.is_file():
            return ()
        with path.open("rb") as stream:
            start = stream.read(_START)
    except OSError:
        return ()
    if start.startswith(ownmark.HDF5_MARK):
        return ()  # of a card and tables, each of which says it itself
    return marks_in(start.decode("latin-1"))


def _is_copy(path: Path) -> bool:
    """Return whether a file is one of our synthetic sets, packed as it ships or unpacked."""
    try:
        held = _synthetic_files().get(path.stat().st_size, ())
        return any(files.sha256(path) == (packed if whole else _unpacked(packed)) for packed, whole in held)
    except OSError:
        return False


@cache
def _synthetic_files() -> dict[int, list[tuple[str, bool]]]:
    """Our synthetic sets by size [bytes], as they ship and unpacked: SHA-256 as they ship, and whether that is it."""
    sizes: dict[int, list[tuple[str, bool]]] = {}
    for each in shipped().values():
        if each.synthetic:
            checksum = each.checksum.removeprefix("sha256:")
            sizes.setdefault(each.data.stat().st_size, []).append((checksum, True))
            with each.data.open("rb") as stream:
                stream.seek(-4, io.SEEK_END)  # where gzip has the size of what is in it
                sizes.setdefault(int.from_bytes(stream.read(4), "little"), []).append((checksum, False))
    return sizes


@cache
def _unpacked(checksum: str) -> str:
    """Return the SHA-256 of the unpacked content of a set that ships with that checksum."""
    (data,) = {each.data for each in shipped().values() if each.checksum.endswith(checksum)}
    with gzip.open(data) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]


def shipped() -> dict[str, Dataset]:
    """Return every data set that ships, by name."""
    found = {}
    for package in sorted(data_root().glob("*/datapackage.json")):
        facts = json.loads(package.read_text(encoding="utf-8"))
        resource = facts["resources"][0]
        found[facts["name"]] = Dataset(
            name=facts["name"],
            title=facts["title"],
            description=facts["description"],
            synthetic=bool(facts.get("synthetic")),
            licence=facts["licenses"][0]["name"],
            folder=package.parent,
            data=package.parent / resource["path"],
            checksum=resource["hash"],
        )
    return found


@called_as("devicekit.catalog.get('vcm-trains')")
def get(name: str) -> Dataset:
    """Return a shipped data set.

    Parameters
    ----------
    name : str
        As `devicekit datasets` lists it.

    Raises
    ------
    UsageError
        If there is none of that name; the message lists the names.
    """
    sets = shipped()
    if str(name) not in sets:
        raise UsageError(f"no data set {name!r}; there are: {', '.join(sets) or 'none'}")
    return sets[name]


def card_file(name: str) -> Path | None:
    """Return the card that a name stands for: NAME of a shipped set, or NAME/CARD for another card of that set."""
    name, _, other = name.partition("/")
    found = shipped().get(name)
    return None if found is None else found.folder / f"{other or 'card'}.json"


@dataclass(frozen=True)
class RemoteFile:
    """One file of a public set: its name here, where it is, and its SHA-256."""

    name: str
    url: str
    sha256: str


@dataclass(frozen=True, kw_only=True)
class RemoteDataset(PublicSet):
    """A public measured set that can be fetched."""

    citation: str = column(doc="how to cite it")
    read_with: str = column(doc="options of `devicekit read`")
    data: str = column(json=False, doc="what to read, within its folder")
    files: tuple[RemoteFile, ...] = column(json=False, doc="files to fetch")

    @derived()
    def synthetic(self) -> bool:
        """True if it was generated."""
        return False

    @derived()
    def ships(self) -> bool:
        """True if it is part of devicekit."""
        return False

    @derived()
    def source(self) -> list[str]:
        """Address of each file."""
        return [each.url for each in self.files]

    @derived()
    def checksum(self) -> list[str]:
        """SHA-256 of each file."""
        return [f"sha256:{each.sha256}" for each in self.files]


def remote() -> dict[str, RemoteDataset]:
    """Public measured sets that `fetch` gets, by name."""
    listed = json.loads((data_root() / "remote.json").read_text(encoding="utf-8"))["datasets"]
    sets = (RemoteDataset(**{**each, "files": tuple(RemoteFile(**f) for f in each["files"])}) for each in listed)
    return {each.name: each for each in sets}


def wanted() -> list[dict[str, str]]:
    """Return measured data that would settle an open question and are not public: title, why and format."""
    found: list[dict[str, str]] = json.loads((data_root() / "wanted.json").read_text(encoding="utf-8"))["wanted"]
    return found


def fetch(name: str, cache: Path | None = None) -> Path:
    """Download a public measured set once, checked by SHA-256.

    Files that are there already, with the right checksum, are not fetched again: an interrupted download goes
    on where it stopped.

    Parameters
    ----------
    name : str
        A key of `remote()`.
    cache : path, optional
        Folder to keep it in; the user's cache folder if not given.

    Returns
    -------
    Path
        The file or folder to read.

    Raises
    ------
    UsageError
        If no set has that name.
    FileError
        If it cannot be fetched, or is not the file that it should be.
    """
    import pooch

    sets = remote()
    if name not in sets:
        raise UsageError(f"no public data set {name!r}; there are: {', '.join(sets)}")
    chosen = sets[name]
    folder = Path(cache or pooch.os_cache("devicekit")) / name
    pooch.get_logger().setLevel("ERROR")
    for each in chosen.files:
        try:
            pooch.retrieve(each.url, known_hash=f"sha256:{each.sha256}", fname=each.name, path=folder)
        except ValueError as error:
            raise FileError(f"{each.url} has changed since its checksum was taken: {error}") from error
        except Exception as error:  # what the network library raises
            raise FileError(
                f"cannot fetch {each.url} ({type(error).__name__}). Without a connection, get the file by other "
                f"means and put it at {folder / each.name}"
            ) from error
    return folder / chosen.data
