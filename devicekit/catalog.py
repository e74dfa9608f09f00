"""Data sets that ship with devicekit."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files as package_files
from pathlib import Path

from devicekit.errors import UsageError


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
        return self.folder / "card.json"

    def as_dict(self) -> dict[str, object]:
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

    Raises
    ------
    UsageError
        If there is none of that name; the message lists the names.
    """
    sets = shipped()
    if name not in sets:
        raise UsageError(f"no data set {name!r}; there are: {', '.join(sets) or 'none'}")
    return sets[name]
