"""Data sets that ship with devicekit, and public measured ones that it can fetch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files as package_files
from pathlib import Path

from devicekit.errors import FileError, UsageError


@dataclass(frozen=True)
class Dataset:
    """One data set: its folder and the facts of its datapackage.json."""

    name: str
    title: str
    description: str
    synthetic: bool
    licence: str
    folder: Path
    data: Path
    checksum: str

    @property
    def card(self) -> Path:
        """Path of its device card; only sets of pulse trains have one."""
        return self.folder / "card.json"

    def as_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "synthetic": self.synthetic,
            "licence": self.licence,
            "path": str(self.data),
            "checksum": self.checksum,
            "ships": True,
        }


def data_root() -> Path:
    """Folder of the shipped data: inside an installed package, or the checkout's datasets/."""
    installed = Path(str(package_files("devicekit"))) / "_data"
    return installed if installed.is_dir() else Path(__file__).parent.parent / "datasets"


def is_synthetic(path: Path) -> bool:
    """Whether the data package that a file lies in, or a folder is, says that it was generated."""
    package = (path if path.is_dir() else path.parent) / "datapackage.json"
    try:
        return bool(json.loads(package.read_text(encoding="utf-8")).get("synthetic"))
    except (OSError, ValueError, AttributeError):
        return False


def shipped() -> dict[str, Dataset]:
    """Every data set that ships, by name."""
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


def get(name: str) -> Dataset:
    """A shipped data set.

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
    if name not in sets:
        raise UsageError(f"no data set {name!r}; there are: {', '.join(sets) or 'none'}")
    return sets[name]


@dataclass(frozen=True)
class RemoteFile:
    """One file of a public set: its name here, where it is, and its SHA-256."""

    name: str
    url: str
    sha256: str


@dataclass(frozen=True)
class RemoteDataset:
    """A public measured set that can be fetched; `data` is what to read, within its folder."""

    name: str
    title: str
    description: str
    licence: str
    citation: str
    read_with: str
    data: str
    files: tuple[RemoteFile, ...]

    def as_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "synthetic": False,
            "licence": self.licence,
            "citation": self.citation,
            "read_with": self.read_with,
            "ships": False,
            "source": [each.url for each in self.files],
            "checksum": [f"sha256:{each.sha256}" for each in self.files],
        }


def remote() -> dict[str, RemoteDataset]:
    """Public measured sets that `fetch` gets, by name."""
    listed = json.loads((data_root() / "remote.json").read_text(encoding="utf-8"))["datasets"]
    sets = (RemoteDataset(**{**each, "files": tuple(RemoteFile(**f) for f in each["files"])}) for each in listed)
    return {each.name: each for each in sets}


def fetch(name: str, cache: Path | None = None) -> Path:
    """A public measured set, downloaded once and checked by SHA-256.

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
        If there is no set of that name.
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
            raise FileError(f"{each.url} is not the file that it was: {error}") from error
        except Exception as error:  # what the network library raises
            raise FileError(
                f"cannot fetch {each.url} ({type(error).__name__}). Without a connection, get the file by other "
                f"means and put it at {folder / each.name}"
            ) from error
    return folder / chosen.data
