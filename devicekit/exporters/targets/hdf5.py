"""HDF5: the card, and tables and a trained network beside it, in one file that gives all of it back bit for bit."""

from __future__ import annotations

from devicekit.device.card import DeviceCard
from devicekit.exporters import base, trained
from devicekit.exporters.base import Export, ExportOptions
from devicekit.readers import hdf5
from devicekit.tables import SweepTable, Table

NAME = "hdf5"
TITLE = "HDF5 file of card, table and network"
TAKES = frozenset({"data", "network"})
DATA = "any"


def export(card: DeviceCard, options: ExportOptions) -> Export:
    """One .h5 file of the card, of the table of `data`, and of a trained network if there is one."""
    data, network = options.data, options.network
    name = f"{base.identifier(card.name)}.h5"
    exact = ["card: the card's JSON text, every byte."]
    units = [
        ("card", "text", "the card as JSON; its numbers bear their units in their names (_s siemens or s, _v, _a)")
    ]
    if data is not None:
        exact.append(f"tables/0_{data.kind}: all columns to the last bit, texts, gaps, and what its reader warned of.")
        units += [
            (f"tables/.../{key}", base.column_unit(key), "" if key == name else str(name))
            for key, name in zip(hdf5.column_keys(data), data.frame.columns, strict=True)
        ]
    if isinstance(data, SweepTable):
        exact.append(
            "entry: the same sweeps with the sensors of NeXus' NXiv_temp. They are called NXiv_temp only where one "
            "device was swept once over the same voltages at each of several temperatures, as that definition asks."
        )
    if network is not None:
        exact.append("network: conductances device by device, neurons, and spikes and answers to check a copy by.")
        units += trained.unit_rows(network, "network/")
    noise = "The card is whole: its variation is in its JSON text, with --no-noise too."
    return Export(
        carries=(base.WHOLE_CARD,),
        files={name: hdf5.pack(card, () if data is None else (data,), network)},
        use=(
            "import devicekit",
            f"held = devicekit.load_hdf5({name!r})    # held.card, held.tables, held.network",
            "held.card.save('card.json')             # the card as devicekit's commands take it",
            *_shell(name, data, network is not None),
            "import h5py, json                       # without devicekit; h5dump and HDFView read it too",
            f"file = h5py.File({name!r})",
            "card = json.loads(file['card'][()])",
            *_by_h5py(data, network is not None),
        ),
        exact=tuple(exact),
        approximated=(),
        units=tuple(units),
        noise=noise,
        forgetting="Kept: it is in the card's JSON text.",
        origin=() if data is None else (base.origin_of(data),),
    )


def _shell(name: str, data: Table | None, network: bool) -> list[str]:
    """Return what devicekit's commands make of the file."""
    lines = [f"devicekit export {name} --to csv --out DIR    (the {'network' if network else 'card'}; in a shell)"]
    if data is not None:
        lines.append(f"devicekit read {name} --out table.csv    (the table; in a shell)")
    return lines


def _by_h5py(data: Table | None, network: bool) -> list[str]:
    """Lines that read what is there beside the card."""
    lines = []
    if data is not None:
        key = next((each for each in hdf5.column_keys(data) if base.column_unit(each) != "1"), "")
        place = f"tables/0_{data.kind}/columns/{key or hdf5.column_keys(data)[0]}"
        lines.append(f"column = file[{place!r}][:]")
    if network:
        lines.append("plus, minus = (file['network/hidden_' + each][:] for each in ('plus', 'minus'))")
    return lines
