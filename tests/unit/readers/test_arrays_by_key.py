"""Arrays by key: numpy's npz, nested JSON, links in HDF5, and keys that the user maps."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

import devicekit
from devicekit.core.errors import FileError, QuestionError

V = np.r_[np.linspace(0, 1, 50), np.linspace(1, -1, 100), np.linspace(-1, 0, 50)]


def test_npz_and_npy_are_read_by_key(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **{"V (V)": V, "I (A)": V * 1e-4, "note": "room"})
    table = devicekit.read(tmp_path / "a.npz")
    assert table.kind == "sweep"
    assert table.frame["current_a"].to_numpy() == pytest.approx(V * 1e-4, abs=0)
    np.save(tmp_path / "b.npy", np.array([[1e-6], [2e-6], [3e-6]]))
    table = devicekit.read(tmp_path / "b.npy", quantity="conductance", accept=True)
    assert table.frame["conductance_s"].tolist() == [1e-6, 2e-6, 3e-6]


def test_objects_in_npz_are_never_unpickled(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", run=np.array([{"a": 1}], dtype=object))
    with pytest.raises(FileError, match="run"):
        devicekit.read(tmp_path / "a.npz")
    good = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "b.npz").write_bytes(good[: len(good) // 2])
    with pytest.raises(FileError):
        devicekit.read(tmp_path / "b.npz")


def test_devices_nested_in_json_are_devices(tmp_path: Path) -> None:
    one = {f"dev{k}": {"V (V)": V.tolist(), "I (A)": (V * k * 1e-4).tolist()} for k in (1, 2)}
    (tmp_path / "a.json").write_text(json.dumps({"about": "x", "wafer": {"devices": one}}))
    table = devicekit.read(tmp_path / "a.json", sheets_are="devices")
    assert len(table.devices) == 2
    assert table.frame.groupby("device_id")["current_a"].max().tolist() == pytest.approx([1e-4, 2e-4])


def test_mapped_keys_choose_the_arrays(tmp_path: Path) -> None:
    keys = {"t": list(range(9)), "G": [1e-5] * 9, "V": V.tolist(), "I": (V * 1e-4).tolist()}
    (tmp_path / "a.json").write_text(json.dumps(keys))
    with pytest.raises(QuestionError):
        devicekit.read(tmp_path / "a.json")
    sweep = devicekit.read(tmp_path / "a.json", map={"voltage_v": "V", "current_a": "I"})
    assert (sweep.kind, len(sweep)) == ("sweep", 200)
    kept = devicekit.read(tmp_path / "a.json", map={"time_s": "t", "conductance_s": "G"})
    assert (kept.kind, len(kept)) == ("retention", 9)


def test_links_lead_within_the_file_and_never_out_of_it(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["raw/a/V (V)"], file["raw/b/I (A)"] = V, V * 1e-4
        for place in ("entry", "plot"):  # two links to the same numbers are one measurement
            file[f"{place}/V (V)"] = h5py.SoftLink("/raw/a/V (V)")
            file[f"{place}/I (A)"] = h5py.SoftLink("/raw/b/I (A)")
        file["entry/other"] = h5py.ExternalLink("b.h5", "/x")
        file["round"], file["nowhere"] = h5py.SoftLink("/round"), h5py.SoftLink("/none")
    table = devicekit.read(tmp_path / "a.h5")
    assert (table.kind, len(table)) == ("sweep", 200)
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["x"] = V
        file["far"] = h5py.ExternalLink("a.h5", "/raw")
        del file["x"]
        file["by"] = h5py.SoftLink("/far/a/V (V)")
    with pytest.raises(FileError, match="far"):
        devicekit.read(tmp_path / "b.h5")
