"""Exporters: one file per target behind one registry; each reports what is exact, what is approximated, and units."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any, Protocol

from devicekit.core.calls import as_path, called_as
from devicekit.core.errors import FileError, UsageError
from devicekit.device.card import CardSource, DeviceCard, as_card, load_card
from devicekit.device.network import NETWORK, SUFFIX, TrainedNetwork
from devicekit.exporters.base import Export, ExportOptions
from devicekit.exporters.readme import compose
from devicekit.exporters.targets import nir
from devicekit.readers import hdf5
from devicekit.system import plugins
from devicekit.system.commands import non_default
from devicekit.system.folders import result_folder
from devicekit.system.writing import write_bytes


class Exporter(Protocol):
    """An exporter module: its name, a title, the options it takes, and the export itself.

    TAKES names the fields of `ExportOptions` that it uses besides `noise`. An exporter whose `data` may be a table of
    any kind, not only of pulse trains, sets DATA to "any". One that exports only trained networks sets NEEDS to
    "network". ALSO names other programs that use the export, each with a sentence.
    """

    NAME: str
    TITLE: str
    TAKES: frozenset[str]

    def export(self, card: DeviceCard, options: ExportOptions) -> Export:
        """Return the files of a card and their description; nothing is written yet."""


def exporters() -> dict[str, Exporter]:
    """Return every exporter by name: first those of other packages (entry points `devicekit.exporters`), then ours.

    Raises
    ------
    UsageError
        If the exporter of another package cannot be imported.
    """
    return plugins.EXPORTERS.all()


def resolve_target(to: str) -> tuple[str, str]:
    """Return the target meant by a name, and a sentence where it is that of another program, else ""."""
    known = exporters()
    if to in known:
        return to, ""
    for name, each in known.items():
        if sentence := getattr(each, "ALSO", {}).get(to):
            return name, f"{to}: {sentence}"
    return to, ""


def for_cards() -> list[str]:
    """Return the names of the targets that need only a card, not a trained network."""
    return sorted(name for name, each in exporters().items() if not getattr(each, "NEEDS", ""))


def make(card: DeviceCard, to: str, options: ExportOptions) -> Export:
    """Return the export in memory, with its README.txt.

    Parameters
    ----------
    card : DeviceCard
        The device.
    to : str
        As for `export`.
    options : ExportOptions
        Options of the export.

    Raises
    ------
    UsageError
        If the target is unknown, does not take an option, or cannot represent the card.
    """
    known = exporters()
    if to not in known:
        raise UsageError(f"Unknown target to={to!r}. Available: {', '.join(known)}.")
    exporter = known[to]
    for name in non_default(options):
        if name != "noise" and name not in exporter.TAKES:
            takers = ", ".join(other for other, each in known.items() if name in each.TAKES)
            if name == "network":
                raise UsageError(
                    f"{to} cannot hold a trained network ({takers} can). Export its card, written by "
                    "devicekit.load_network(FILE).card.save('card.json')."
                )
            raise UsageError(f"{name}= does not apply to to={to}. It is an option of {takers}.")
    result = exporter.export(card, options)
    return compose(card, exporter.TITLE, result, options.network)


@called_as("devicekit.export('card.json', 'aihwkit', 'folder')")
def export(
    card: CardSource | TrainedNetwork, to: str, out: Path | str, *, force: bool = False, **options: Any
) -> Export:
    """Write a card in the format of another simulator or program.

    Parameters
    ----------
    card : DeviceCard, DeviceFit, TrainedNetwork, path-like or str
        The device, or a trained network of such devices; or the file of a card or of a network (`load_network`).
    to : str
        Name of a target (see `exporters`), or of a program that uses one, such as snntorch.
    out : path-like
        Folder for the files and a README.txt. An unchanged folder of the same card and target is replaced as a whole,
        with the files that using the export left there (`Export.leaves`).
    force : bool
        Also write into a folder with other content; files of the same name are replaced.
    **options
        Fields of `ExportOptions`.

    Returns
    -------
    Export
        The files, what is exact and what is approximated, units, and figures such as the deviation from a DeviceArray.

    Raises
    ------
    UsageError, CardError, FileError
    """
    if not isinstance(to, str):
        raise UsageError(f"to= takes the name of a target, not {type(to).__name__}: export(card, 'aihwkit', 'folder').")
    to, sentence = resolve_target(to)
    if sentence:
        warnings.warn(sentence, stacklevel=3)  # of the caller of `called_as`
    loaded, network = _load(card)
    if network is not None:
        options = {**options, "network": network}
    result = make(loaded, to, ExportOptions(**options))
    of = f"{loaded.name!r} ({loaded.provenance.source})"  # a card that was fitted again counts as the same
    with result_folder(as_path(out, "devicekit.export"), f"export --to {to}", force, of, result.leaves) as folder:
        for name, content in result.files.items():
            write_bytes(folder / name, content)
    return result


@called_as("devicekit.load_network('network.npz')")
def load_network(path: Path | str) -> TrainedNetwork:
    """Load a trained network from any file that holds one; conductances are restored exactly.

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
        If the file does not hold a trained network.
    """
    path = as_path(path, "devicekit.load_network")
    suffix = path.suffix.lower()
    if suffix in hdf5.SUFFIXES:
        network = hdf5.load(path).network
        if network is None:
            raise FileError(f"{path.name} does not hold a trained network.")
        return network
    return nir.load(path) if suffix == nir.SUFFIX else TrainedNetwork.load(path)


def _load(card: CardSource | TrainedNetwork) -> tuple[DeviceCard, TrainedNetwork | None]:
    """Return the card, and the trained network that it belongs to if there is one."""
    if isinstance(card, TrainedNetwork):
        return card.card, card
    if not isinstance(card, Path | str):
        return as_card(card), None
    path = Path(card)
    if (path / NETWORK).is_file():
        raise UsageError(f"{path} is a folder. Its trained network is {path / NETWORK}.")
    suffix = path.suffix.lower()
    if suffix in hdf5.SUFFIXES:
        content = hdf5.load(path)
        if content.network is not None:
            return content.network.card, content.network
        if content.card is None:
            raise FileError(f"{path.name} holds neither a card nor a trained network.")
        return content.card, None
    if suffix in (SUFFIX, nir.SUFFIX):
        network = load_network(path)
        return network.card, network
    return load_card(path), None


__all__ = ["Export", "ExportOptions", "Exporter", "export", "exporters", "load_network", "make", "resolve_target"]
