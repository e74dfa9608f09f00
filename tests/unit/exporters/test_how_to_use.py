"""The lines under HOW TO USE: those of Python run as programs, and the files have the named content."""

from __future__ import annotations

import ast
import builtins
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest

import devicekit
from devicekit.device.card import DeviceCard
from devicekit.exporters import ExportOptions, make

from .conftest import shipped
from .small_network import small_network

# what is the reader's own in these lines
THEIRS = {
    "aihwkit": set(),
    "crosssim": {"params", "matrix", "inputs"},
    "nir": set(),
    "pytorch": set(),
    "brian2": {"inputs", "neurons", "generator"},
    "hdf5": set(),
}
SHELL = ("python ", "devicekit ")


def program(target: str, card: DeviceCard, **options: object) -> str:
    if target in ("nir", "hdf5"):
        pytest.importorskip({"nir": "nir", "hdf5": "h5py"}[target], reason=f"the lines of {target} are NOT tested here")
    use = make(card, target, ExportOptions(**options)).use  # type: ignore[arg-type]
    return "\n".join(line for line in use if not line.startswith(SHELL))


def unknown(source: str) -> set[str]:
    """Names that a program reads before it has imported or set them."""
    known, missing = set(dir(builtins)), set()
    for statement in ast.parse(source).body:
        names = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
        made = {node.id for node in names if isinstance(node.ctx, ast.Store)}
        for node in ast.walk(statement):
            if isinstance(node, ast.alias):
                made.add((node.asname or node.name).partition(".")[0])
        inside = made if isinstance(statement, ast.For | ast.With) else {
            node.target.id for node in ast.walk(statement) if isinstance(node, ast.comprehension)  # type: ignore[attr-defined]
        }  # fmt: skip
        missing |= {node.id for node in names if isinstance(node.ctx, ast.Load)} - known - inside
        known |= made
    return missing


def test_unknown_names_are_found() -> None:
    program = "import a.b\nx = a.c(y)\nfor k in x:\n    z = k\nz + w"
    assert unknown(program) == {"y", "w"}


@pytest.mark.parametrize("target", list(THEIRS))
@pytest.mark.parametrize("trained", [False, True])
def test_python_lines_are_a_program(target: str, trained: bool) -> None:
    card = shipped()
    if not trained and target == "nir":
        return
    source = program(target, card, **({"network": small_network(card)} if trained else {}))
    assert unknown(source) <= THEIRS[target]


def test_the_lines_for_hdf5_give_card_table_and_devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("h5py", reason="h5py is not installed: HDF5 files are NOT tested here")
    from devicekit.system import catalog

    card, network = shipped(), small_network(shipped())
    table = devicekit.read(catalog.get("reference-retention").data)
    result = make(card, "hdf5", ExportOptions(network=network, data=table))
    monkeypatch.chdir(tmp_path)
    for name, content in result.files.items():
        Path(name).write_bytes(content)
    names: dict[str, object] = {}
    exec("\n".join(line for line in result.use if not line.startswith(SHELL)), names)
    assert devicekit.load_card("card.json").to_json() == card.to_json()
    assert names["card"] == json.loads(card.to_json())
    np.testing.assert_array_equal(names["plus"], network.layers[0].plus)  # type: ignore[arg-type]
    np.testing.assert_array_equal(names["minus"], network.layers[0].minus)  # type: ignore[arg-type]
    file = names["file"]
    assert file["network/output_plus"].attrs["units"] == "S"  # type: ignore[index]
    column = next(key for key in table.frame if str(key).endswith("_s"))
    np.testing.assert_array_equal(names["column"], table.frame[column].to_numpy())  # type: ignore[arg-type]
    (line,) = (each for each in result.units if each[0] == "network/spikes")
    assert f"numpy.unpackbits(spikes, axis=-1, count={network.shape[0]})" in line[2]
    spikes = np.unpackbits(file["network/spikes"][:], axis=-1, count=network.shape[0])  # type: ignore[index]
    np.testing.assert_array_equal(spikes, network.check.spikes)


def test_columns_of_the_spice_bench_are_those_that_are_named() -> None:
    """wr_singlescale: the time once, then what wrdata is given."""
    result = make(shipped(), "spice", ExportOptions())
    (bench,) = (text.decode() for name, text in result.files.items() if name.endswith(".cir"))
    assert "set wr_singlescale" in bench
    (wrdata,) = (line for line in bench.splitlines() if line.startswith("wrdata"))
    assert wrdata.split()[2:] == ["conductance", "v(x1.counted)"]
    assert re.findall(r"(\w+) \[\w\]", result.use[0]) == ["time", "conductance"]


def test_the_file_of_a_network_has_the_probability_of_input_spikes() -> None:
    network = small_network(shipped())
    files = make(network.card, "pytorch", ExportOptions(network=network)).files
    (held,) = (np.load(io.BytesIO(each)) for name, each in files.items() if name.endswith(".npz"))
    assert held["full_input"] == network.neurons.full_input == 0.5


@pytest.mark.parametrize(("known", "words"), [(False, "none of ln rate"), (True, "D2D as dw_min_dtod")])
def test_d2d_without_a_field_in_aihwkit_is_reported(known: bool, words: str) -> None:
    """A card of two devices has a spread of states, but no covariance of ln rates."""
    card = shipped()
    assert card.variation.ltp.d2d
    if not known:
        variation = card.variation.model_copy(update={"d2d_ln_rate_covariance": None})
        card = card.model_copy(update={"variation": variation})
    noise = make(card, "aihwkit", ExportOptions()).noise
    assert words in noise
    assert "has none" not in noise
