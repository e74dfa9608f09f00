"""HDF5: the card, tables and a trained network in one file, from which devicekit restores them exactly."""

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
    """Export the card, the table of `data`, and a trained network if there is one, as one .h5 file."""
    data, network = options.data, options.network
    name = f"{base.identifier(card.name)}.h5"
    exact = ["card: the JSON text of the card, byte for byte."]
    units = [("card", "text", "the card as JSON; names of numbers end with the unit (_s siemens or s, _v, _a)")]
    if data is not None:
        exact.append(f"tables/0_{data.kind}: all columns bit for bit, with texts, gaps and reader warnings.")
        units += [
            (f"tables/.../{key}", base.column_unit(key), "" if key == name else str(name))
            for key, name in zip(hdf5.column_keys(data), data.frame.columns, strict=True)
        ]
    if isinstance(data, SweepTable):
        exact.append(
            "entry: the same sweeps with the sensors of NXiv_temp of NeXus. The entry is named NXiv_temp only if one "
            "device was swept once over the same voltages at several temperatures, as the definition requires."
        )
    if network is not None:
        exact.append("network: conductance of every device, neurons, and spikes with answers to check a copy.")
        units += trained.unit_rows(network, "network/")
    noise = "Exported: the complete card as JSON, including its variation, also with --no-noise."
    return Export(
        carries=(base.WHOLE_CARD,),
        files={name: hdf5.pack(card, () if data is None else (data,), network)},
        use=(
            "import devicekit",
            f"content = devicekit.load_hdf5({name!r})    # content.card, content.tables, content.network",
            "content.card.save('card.json')          # the card as a file for devicekit",
            *_shell(name, data, network is not None),
            "import h5py, json                       # without devicekit; h5dump and HDFView also work",
            f"file = h5py.File({name!r})",
            "card = json.loads(file['card'][()])",
            *_by_h5py(data, network is not None),
        ),
        exact=tuple(exact),
        approximated=(),
        units=tuple(units),
        noise=noise,
        forgetting="Kept: it is in the JSON text of the card.",
        origin=() if data is None else (base.origin_of(data),),
    )


def _shell(name: str, data: Table | None, network: bool) -> list[str]:
    """Return shell commands of devicekit for the file."""
    lines = [f"devicekit export {name} --to csv --out DIR    (the {'network' if network else 'card'}; in a shell)"]
    if data is not None:
        lines.append(f"devicekit read {name} --out table.csv    (the table; in a shell)")
    return lines


def _by_h5py(data: Table | None, network: bool) -> list[str]:
    """Return the lines that read the table and the network with h5py."""
    lines = []
    if data is not None:
        key = next((each for each in hdf5.column_keys(data) if base.column_unit(each) != "1"), "")
        place = f"tables/0_{data.kind}/columns/{key or hdf5.column_keys(data)[0]}"
        lines.append(f"column = file[{place!r}][:]")
    if network:
        lines.append("plus, minus = (file['network/hidden_' + each][:] for each in ('plus', 'minus'))")
    return lines
