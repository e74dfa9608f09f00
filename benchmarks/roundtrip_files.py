"""CSV, MATLAB and HDF5 exports read back by other programs: pandas, Octave, h5dump and h5py.

python benchmarks/roundtrip_files.py [--network network.npz]

The train of each card as those programs read it, against a DeviceArray; of the CSV also what a fit of it gives. Octave
and h5dump are used where they are installed, scipy and h5py where not, which is said.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import h5py
import numpy as np
import pandas as pd
from roundtrip import each_card, log_window, parser
from scipy.io import loadmat

import devicekit
from devicekit.device.card import DeviceCard
from devicekit.device.network import LAYERS
from devicekit.exporters import export

OCTAVE = shutil.which("octave-cli") or shutil.which("octave")
H5DUMP = shutil.which("h5dump")


def of_csv(card: DeviceCard, folder: Path) -> dict[str, Any]:
    """The train as pandas reads it; and the misfit of our own fit of the file."""
    frame = pd.read_csv(folder / "train.csv", skiprows=[1])
    ltp, ltd = (frame[frame["direction"] == each]["conductance_s"].to_numpy() for each in ("ltp", "ltd"))
    answer: dict[str, Any] = {"value": np.concatenate([ltp, ltd[1:]]), "pandas": pd.__version__}
    if card.window.scale == "linear":
        fit = devicekit.fit(folder / "train.csv", model=card.model)
        answer["nrmse of a fit, LTP and LTD"] = [f"{branch.nrmse:.1e}" for branch in (fit.ltp, fit.ltd) if branch]
    return answer


def octave(folder: Path, code: str) -> list[str]:
    assert OCTAVE is not None
    ran = subprocess.run([OCTAVE, "--quiet", "--eval", code], cwd=folder, capture_output=True, text=True, check=True)
    return ran.stdout.split()


def of_mat(card: DeviceCard, folder: Path) -> dict[str, Any]:
    """The train as Octave reads it."""
    (path,) = folder.glob("*.mat")
    if OCTAVE is None:
        return {"value": loadmat(path, simplify_cells=True)["device"]["train"]["conductance_s"], "reader": "scipy"}
    words = octave(
        folder, f"load('{path.name}'); printf('%s ', version()); printf('%.17g ', device.train.conductance_s)"
    )
    return {"value": [float(word) for word in words[1:]], "Octave": words[0]}


def of_hdf5(card: DeviceCard, folder: Path) -> dict[str, Any]:
    """The card as h5py reads it, made an array again: its train."""
    (path,) = folder.glob("*.h5")
    with h5py.File(path) as file:
        text = file["card"][()].decode()
    again = DeviceCard.from_json(text)
    array = devicekit.DeviceArray(again, 1, c2c="none", d2d="none")
    value = [float(array.read()[0])]
    for sign in np.repeat([1, -1], 100):
        array.pulse(sign)
        value.append(float(array.read()[0]))
    return {"value": value, "h5py": h5py.__version__, "card's bytes are the same": text == card.to_json()}


def table() -> None:
    """A shipped table by way of HDF5, and its first conductance as h5dump prints it."""
    data = devicekit.system.catalog.get("pt-hfo2-al2o3-ti").data
    read = devicekit.read(data)
    with TemporaryDirectory() as name:
        path = Path(name) / "t.h5"
        devicekit.readers.hdf5.save(path, tables=[read])
        (back,) = devicekit.load_hdf5(path).tables
        same = all(
            read.frame[column].to_numpy().tobytes() == back.frame[column].to_numpy().tobytes()
            for column in read.frame.select_dtypes("number")
        )
        equal = read.frame.equals(back.frame)
        print(f"table of {len(read)} rows: numbers the same to the last bit: {same}; equal: {equal}")
        if H5DUMP is not None:
            place = "/tables/0_pulse/columns/conductance_s"
            ran = subprocess.run(
                [H5DUMP, "-d", place, "-c", "1", "-m", "%.17g", str(path)], capture_output=True, text=True
            )
            found = re.search(r"\(0\): (\S+)", ran.stdout)
            assert found, ran.stderr
            version = subprocess.run([H5DUMP, "-V"], capture_output=True, text=True).stdout.split()[-1]
            print(
                f"h5dump {version}: first conductance {found[1]} S, here {read.frame['conductance_s'].iloc[0]:.17g} S"
            )


def network(path: str) -> None:
    """Devices of a trained network in all three, against its own."""
    wanted = devicekit.load_network(path)
    print(wanted.sentence)
    with TemporaryDirectory() as name:
        folder = Path(name)
        for target in ("csv", "mat", "hdf5"):
            export(wanted, target, folder / target)
        (mat,), (h5,) = (folder / "mat").glob("*.mat"), (folder / "hdf5").glob("*.h5")
        worst = dict.fromkeys(("csv", "mat", "hdf5"), 0.0)
        back = devicekit.load_network(h5)
        for k, layer in enumerate(wanted.layers):
            frame = pd.read_csv(folder / "csv" / f"network_{LAYERS[k]}.csv", skiprows=[1])
            for part in ("plus", "minus"):
                own = getattr(layer, part)
                theirs = {
                    "csv": frame[f"{part}_s"].to_numpy().reshape(own.shape),
                    "hdf5": getattr(back.layers[k], part),
                }
                if OCTAVE:
                    code = f"load('{mat.name}'); printf('%.17g ', network.{LAYERS[k]}.{part})"
                    theirs["mat"] = np.array(octave(mat.parent, code), float).reshape(own.shape, order="F")
                else:
                    theirs["mat"] = loadmat(mat, simplify_cells=True)["network"][LAYERS[k]][part]
                for target, value in theirs.items():
                    worst[target] = max(worst[target], float((np.abs(value - own) / own).max()))
    print("largest relative difference of a conductance: " + ", ".join(f"{k} {v:.1e}" for k, v in worst.items()))


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--network", help="network.npz of a training")
    said = made.parse_args()
    more = {"log window": log_window()}
    for target, peer in (("csv", of_csv), ("mat", of_mat), ("hdf5", of_hdf5)):
        print(target)
        each_card(target, peer, more)
    table()
    if said.network:
        network(said.network)


if __name__ == "__main__":
    main()
