"""HDF5: the card, and tables and a trained network beside it, in one file that gives all of it back bit for bit."""

from __future__ import annotations

from devicekit.device.card import DeviceCard
from devicekit.exporters import base
from devicekit.exporters.base import Export, ExportOptions
from devicekit.readers import hdf5
from devicekit.tables import SweepTable

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
            (f"tables/.../{key}", base.column_unit(key), str(name))
            for key, name in zip(hdf5.column_keys(data), data.frame.columns, strict=True)
        ]
    if isinstance(data, SweepTable):
        exact.append(
            "entry: the same sweeps with the sensors of NeXus' NXiv_temp. They are called NXiv_temp only where one "
            "device was swept once over the same voltages at each of several temperatures, as that definition asks."
        )
    if network is not None:
        exact.append("network: conductances device by device, neurons, and spikes and answers to check a copy by.")
        units.append(("network/..._plus, _minus", base.unit(card), "each device of a pair, or the fixed reference"))
    noise = "The card is whole: its variation is in its JSON text, with --no-noise too."
    return Export(
        files={name: hdf5.pack(card, () if data is None else (data,), network)},
        use=(
            f"devicekit.load_hdf5({name!r})     # .card, .tables, .network",
            f"devicekit read {name}" if data is not None else f"devicekit export {name} --to csv --out DIR",
            f"h5py.File({name!r})               # /card, /tables, /network; h5dump and HDFView read it too",
        ),
        exact=tuple(exact),
        approximated=(),
        units=tuple(units),
        noise=noise,
        forgetting="Kept: it is in the card's JSON text.",
        origin=() if data is None else (base.origin_of(data),),
    )
