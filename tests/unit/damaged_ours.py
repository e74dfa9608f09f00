"""Damaged files of our own formats, each made again from its number: values replaced by hostile ones, bytes changed.

Measured files are in `readers/damage.py`.
"""

from __future__ import annotations

import copy
import functools
import importlib.util
import io
import json
import random
import re
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

import devicekit
from devicekit.core.errors import DevicekitError
from devicekit.device.network import TrainedNetwork
from devicekit.library import record
from devicekit.readers import hdf5, recipe
from devicekit.studies.spec import load_spec
from devicekit.system import catalog
from physics.stack import load_stack
from tests.unit.exporters.small_network import small_network
from tests.unit.readers.damage import LONGEST_MESSAGE, _mutated, _within_time

ROOT = Path(__file__).parents[2]
VALUES = [
    *("-5", "0", "1", "1e309", "-1e309", "nan", "inf", "1e-300", "99999999999999999999999", "true", '""', '"²"'),
    *('"x"', '"/"', '"../../etc/passwd"', '"a.py"', '"{{ 7 * 7 }}"', '"=1+1"', r'"^((a+)+)+$"', '"' + "x" * 3000 + '"'),
    *(
        "[]",
        "[1, 2]",
        '["pulse"]',
        "[[1], [2]]",
        "{}",
        "{ a = 1 }",
        '{ value = "x", unit = "nm" }',
        "[" * 200 + "]" * 200,
    ),
    *("1979-05-27", "[[]]", "[1, [2, 3]]", '"nm"', "0.5", "[0.5, -1]", "12", '"µS"', "1_000"),
]
JSON_VALUES = [
    *(-5, 0, 1, 1e300, -1e-300, 10**30, True, None, "", "²", "x", "/", "../../etc/passwd", "a.py", "{{ 7 * 7 }}"),
    *("=1+1", "x" * 3000, [], [1, 2], ["pulse"], [[1], [2]], {}, {"a": 1}, [[[[[[]]]]]], 0.5, "NaN", [None], "1e-5"),
]
ROWS = "V (V),I (A),name\n" + "".join(f"{v / 10},{v * 1e-6},a\n" for v in [*range(12), *range(12, 0, -1)])
_VALUE = re.compile(r"(?<== )[^\n]+|(?<=\[)\w+(?=\])|(?<=unit = )\"[^\"]*\"|-?\d+(?:\.\d+)?(?:e-?\d+)?")


@functools.cache
def seeds() -> dict[str, list[bytes]]:
    """Whole files of every kind of ours that a user can hand to devicekit."""
    card_file = catalog.get("pt-hfo2-al2o3-ti").folder / "card.json"
    card = devicekit.load_card(card_file)
    network = small_network(card)
    stream = io.BytesIO()
    about, arrays = network.to_parts()
    np.savez(stream, about=np.array(about), **arrays)  # type: ignore[arg-type]
    toml = {
        "recipe": recipe.FOLDER,
        "study": ROOT / "devicekit" / "studies" / "shipped",
        "stack": ROOT / "physics" / "materials",
    }
    found = {kind: [each.read_bytes() for each in sorted(folder.glob("*.toml"))] for kind, folder in toml.items()}
    found["stack"].append(b'material = "reversible"\n[layer.HfO2]\nthickness = { value = 6.0, unit = "nm" }\n')
    found |= {
        "card": [card_file.read_bytes()],
        "record": [record.Record.of_card(card).to_json().encode()],
        "network": [stream.getvalue()],
    }
    if importlib.util.find_spec("h5py"):
        found["hdf5"] = [hdf5.pack(card, (), network)]
    return found


def _load_recipe(path: Path) -> Any:
    table = path.with_name("table.csv")
    table.write_text(ROWS)
    return devicekit.read(table, recipe=path)


LOADERS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "recipe": (".toml", _load_recipe),
    "study": (".toml", load_spec),
    "stack": (".toml", load_stack),
    "card": (".json", devicekit.load_card),
    "record": (".json", record.load),
    "network": (".npz", TrainedNetwork.load),
    "hdf5": (".h5", devicekit.load_hdf5),
}


def _hostile_toml(rng: random.Random, data: bytes) -> bytes:
    """One to three values replaced, or a line doubled, moved or made up."""
    text = data.decode()
    for _ in range(rng.randint(1, 3)):
        places = list(_VALUE.finditer(text))
        if not places or rng.random() < 0.15:
            lines = text.splitlines()
            lines.insert(rng.randint(0, len(lines)), f"{rng.choice(['blocks', 'law', 'key', 'x', 'unit'])} = "
                         f"{rng.choice(VALUES)}")  # fmt: skip
            text = "\n".join(lines) + "\n"
            continue
        place = rng.choice(places)
        text = text[: place.start()] + rng.choice(VALUES) + text[place.end() :]
    return text.encode()


def _hostile_json(rng: random.Random, data: bytes) -> bytes:
    """One to three values anywhere replaced, removed or put beside others under a made-up key."""
    held = json.loads(data)
    for _ in range(rng.randint(1, 3)):
        at = held
        while True:
            keys = list(at) if isinstance(at, dict) else list(range(len(at)))
            if not keys:
                break
            key = rng.choice(keys)
            if isinstance(at[key], (dict, list)) and at[key] and rng.random() < 0.8:
                at = at[key]
                continue
            if rng.random() < 0.2:
                del at[key]
            else:
                at[key] = copy.deepcopy(rng.choice(JSON_VALUES))
            break
    return json.dumps(held).encode()


def _hostile_npz(rng: random.Random, data: bytes) -> bytes:
    """An array of another shape, type or content, missing, or there twice."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(list(parts))
    array = np.lib.format.read_array(io.BytesIO(parts[name]))
    if name == "about.npy":
        array = np.array(_hostile_json(rng, str(array).encode()).decode())
    else:
        changed = rng.choice(["nan", "shape", "type", "huge", "empty", "negative", "scalar", "text", "complex"])
        array = {
            "nan": lambda: np.full(array.shape, np.nan),
            "shape": lambda: np.resize(array, rng.choice([(3,), (2, 2), (1, 1, 1, 1), (0, 5)])),
            "type": lambda: array.astype(rng.choice(["f2", "i1", "u8", "?", "S3"])),
            "huge": lambda: np.full(array.shape, 1e308),
            "empty": lambda: array[:0],
            "negative": lambda: -np.ones(array.shape),
            "scalar": lambda: np.array(3),
            "text": lambda: np.array(["x"] * 4),
            "complex": lambda: np.ones(array.shape, complex),
        }[changed]()
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array)
    parts[name] = stream.getvalue()
    if rng.random() < 0.2:
        del parts[rng.choice(list(parts))]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for each, part in parts.items():
            archive.writestr(zipfile.ZipInfo(each), part)
    return out.getvalue()


_HOSTILE = {
    **dict.fromkeys(("recipe", "study", "stack"), _hostile_toml),
    **dict.fromkeys(("card", "record"), _hostile_json),
    "network": _hostile_npz,
}


def damaged(number: int) -> tuple[str, bytes]:
    """Kind and bytes of the damaged file of that number."""
    rng = random.Random(number)
    kind = rng.choice(list(seeds()))
    data = rng.choice(seeds()[kind])
    if kind in _HOSTILE and rng.random() < 0.8:
        return kind, _HOSTILE[kind](rng, data)
    return kind, _mutated(rng, data)


def survey(folder: Path, numbers: Iterable[int]) -> tuple[Counter[str], list[str], float]:
    """Outcomes of loading the files of those numbers, what is a fault of ours, and the longest time [s]."""
    kinds: Counter[str] = Counter()
    faults, longest = [], 0.0
    for number in numbers:
        kind, data = damaged(number)
        ending, load = LOADERS[kind]
        path = folder / f"x{ending}"
        path.write_bytes(data)
        began = time.perf_counter()
        try:
            with _within_time():
                outcome = type(load(path)).__name__
        except DevicekitError as error:
            outcome = type(error).__name__
            text = str(error)
            if not error.message or len(text) > LONGEST_MESSAGE:
                faults.append(f"{number} ({kind}): a message of {len(text)} characters")
        except BaseException:
            outcome = "FAULT"
            faults.append(f"{number} ({kind}): {traceback.format_exc(limit=-4)}")
        longest = max(longest, time.perf_counter() - began)
        kinds[f"{kind}: {outcome}"] += 1
    return kinds, faults, longest
