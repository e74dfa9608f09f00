"""Exporters: one file a target behind one registry; each says what is exact, approximated, and in which unit."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from devicekit import plugins
from devicekit.device.card import DeviceCard, load_card
from devicekit.device.network import NETWORK, SUFFIX, TrainedNetwork
from devicekit.errors import FileError, UsageError
from devicekit.exporters.base import Export, ExportOptions
from devicekit.exporters.readme import compose
from devicekit.exporters.targets import nir
from devicekit.files import result_folder, write_bytes
from devicekit.readers import hdf5


class Exporter(Protocol):
    """An exporter module: its name, a title for people, the options it takes, and the export itself.

    TAKES are the fields of `ExportOptions` that it honours beside `noise`. One whose `data` may be a table of any kind,
    not of pulse trains alone, sets DATA to "any"; one that holds trained networks alone sets NEEDS to "network".
    """

    NAME: str
    TITLE: str
    TAKES: frozenset[str]

    def export(self, card: DeviceCard, options: ExportOptions) -> Export:
        """The files of a card and what is to be said about them, before anything is written."""


_OPTIONAL = ("nodes", "points", "window", "data", "source", "network")  # options that not every target takes


def exporters() -> dict[str, Exporter]:
    """Every exporter by name: those of other packages (entry points `devicekit.exporters`) first, then ours.

    Raises
    ------
    UsageError
        If a package announces an exporter that cannot be imported.
    """
    return plugins.EXPORTERS.all()


def for_cards() -> list[str]:
    """Names of the targets that take a card alone, without a trained network."""
    return sorted(name for name, each in exporters().items() if not getattr(each, "NEEDS", ""))


def make(card: DeviceCard, to: str, options: ExportOptions) -> Export:
    """The export in memory, README.txt included.

    Parameters
    ----------
    card : DeviceCard
        The device.
    to : str
        As for `export`.
    options : ExportOptions
        What the exporter is told.

    Raises
    ------
    UsageError
        If there is no such target, an option is not one of the target's, or the target cannot hold the card.
    """
    known = exporters()
    if to not in known:
        raise UsageError(f"to={to!r} is not known; there are {', '.join(known)}")
    exporter = known[to]
    for name in _OPTIONAL:
        if getattr(options, name) is not None and name not in exporter.TAKES:
            takers = ", ".join(other for other, each in known.items() if name in each.TAKES)
            if name == "network":
                raise UsageError(
                    f"{to} holds no trained network ({takers} do): give it the card, which "
                    "devicekit.load_network(FILE).card.save('card.json') writes"
                )
            raise UsageError(f"{name}= is not an option of to={to}; it is one of {takers}")
    result = exporter.export(card, options)
    return compose(card, exporter.NAME, exporter.TITLE, result, options.network)


def export(
    card: DeviceCard | TrainedNetwork | Path | str, to: str, out: Path | str, *, force: bool = False, **options: Any
) -> Export:
    """Write a card in the format of another simulator or program.

    Parameters
    ----------
    card : DeviceCard, TrainedNetwork or path-like
        The device, or a trained network of such devices: a file of a card or of a network (`load_network`).
    to : str
        A target (`exporters`): one of ours, or of another package.
    out : path-like
        Folder for the files and a README.txt; replaced whole if an export of the same card to the same target made it
        and its files are as they were; what their use leaves there (`Export.leaves`) goes with them.
    force : bool
        Write into a folder that holds something else; files of the same name are replaced.
    **options
        Fields of `ExportOptions`: nodes, points, noise, window, data, source.

    Returns
    -------
    Export
        Files, what is exact and approximated, units, and figures such as the deviation from a DeviceArray.

    Raises
    ------
    UsageError, CardError, FileError
    """
    loaded, network = _load(card)
    if network is not None:
        options = {**options, "network": network}
    result = make(loaded, to, ExportOptions(**options))
    of = f"{loaded.name!r} ({loaded.provenance.source})"  # a card that was fitted anew is the same one
    with result_folder(Path(out), f"export --to {to}", force, of, result.leaves) as folder:
        for name, content in result.files.items():
            write_bytes(folder / name, content)
    return result


def load_network(path: Path | str) -> TrainedNetwork:
    """A trained network from a file of any kind that holds one: its devices to the last bit.

    Parameters
    ----------
    path : path-like
        The network.npz of `devicekit train --out`, or the .h5 or .nir of an export.

    Returns
    -------
    TrainedNetwork

    Raises
    ------
    FileError
        If it holds none.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in hdf5.SUFFIXES:
        network = hdf5.load(path).network
        if network is None:
            raise FileError(f"{path.name} holds no trained network")
        return network
    return nir.load(path) if suffix == nir.SUFFIX else TrainedNetwork.load(path)


def _load(card: DeviceCard | TrainedNetwork | Path | str) -> tuple[DeviceCard, TrainedNetwork | None]:
    """The card, and the trained network whose it is if there is one."""
    if isinstance(card, DeviceCard):
        return card, None
    if isinstance(card, TrainedNetwork):
        return card.card, card
    path = Path(card)
    if (path / NETWORK).is_file():
        raise UsageError(f"{path} is a folder; the trained network in it is {path / NETWORK}")
    suffix = path.suffix.lower()
    if suffix in hdf5.SUFFIXES:
        content = hdf5.load(path)
        if content.network is not None:
            return content.network.card, content.network
        if content.card is None:
            raise FileError(f"{path.name} holds no card and no network")
        return content.card, None
    if suffix in (SUFFIX, nir.SUFFIX):
        network = load_network(path)
        return network.card, network
    return load_card(path), None


__all__ = ["Export", "ExportOptions", "Exporter", "export", "exporters", "load_network", "make"]
