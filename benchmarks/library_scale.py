"""How a library of many cards behaves: `python benchmarks/library_scale.py [10000]` (CPU and wall time).

Each record is the card of the shipped example under another name, with numbers of its own.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import devicekit
from devicekit.library import Library, Query, Range, Record
from devicekit.system import catalog


def write_records(folder: Path, n: int, seed: int = 1) -> None:
    """`n` records, each a file; kinds of names, warnings and numbers vary."""
    rng = np.random.default_rng(seed)
    card = devicekit.load_card(catalog.get("pt-hfo2-al2o3-ti").card)
    raw = json.loads(Record.of_card(card).to_json())
    usual = {number["name"]: number["value"] for number in raw["scalars"]}
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(n):
        row, column = divmod(k, 32)
        raw["id"] = f"{k * 2654435761 % 16**12:012x}"  # not of the content: the index does not look
        raw["name"] = f"wafer{k % 7:02d}-R{row}C{column}"
        raw["place"] = {"wafer": f"W{k % 7}", "row": row, "column": column}
        raw["labels"] = {"stack": ("HfO2", "TaOx", "TiO2")[k % 3], "operator": "ab"}
        for number in raw["scalars"]:
            if number["name"] in ("on_off", "increment_ltp", "nrmse_ltp"):
                number["value"] = usual[number["name"]] * float(np.exp(rng.normal(0, 0.5)))
                number.pop("low", None), number.pop("high", None)
        lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in raw.items())
        (folder / f"{raw['name']}-{raw['id'][:8]}.json").write_text("{\n" + lines + "\n}\n", encoding="utf-8")


def timed(what: str, work: Callable[[], Any], repeats: int = 1) -> tuple[float, Any]:
    """CPU time of one go, printed beside the wall time; the least of a few where it is short."""
    cpu, wall = [], []
    for _ in range(repeats):
        start, begun = time.process_time(), time.perf_counter()
        found = work()
        cpu.append(time.process_time() - start)
        wall.append(time.perf_counter() - begun)
    print(f"{what:48s} {1e3 * min(cpu):9.1f} ms CPU {1e3 * min(wall):9.1f} ms wall")
    return min(cpu), found


def main(n: int) -> None:
    """Print the times for `n` records."""
    with tempfile.TemporaryDirectory() as root:
        os.environ["XDG_CACHE_HOME"] = f"{root}/cache"
        folder = Path(root) / "library"
        write_records(folder, n)
        size = next(folder.iterdir()).stat().st_size
        print(f"{n} records of {size / 1024:.0f} kB")
        library = Library(folder)
        _, bad = timed("index from nothing", library.refresh)
        assert bad == ()
        timed("refresh, nothing changed", library.refresh, 5)
        next(folder.iterdir()).touch()
        timed("refresh, one changed", library.refresh)
        words = Query(words=("wafer03", "hfo2"), kind="card", sort="increment_ltp", limit=200)
        _, found = timed("words + kind, sorted, 200 rows", lambda: library.records(words, refresh=False), 5)
        print(f"  {len(found)} of {found.total}")
        ranges = (Range("on_off", 3, 6), Range("nrmse_ltp", 1e-4, 1e-3))
        _, found = timed(
            "two ranges, count and 200 rows", lambda: library.records(Query(ranges=ranges, limit=200), False), 5
        )
        print(f"  {len(found)} of {found.total}")
        _, found = timed("two ranges, all hits", lambda: library.records(Query(ranges=ranges), False), 3)
        timed("label, sorted by name, 200 rows", lambda: library.records(
            Query(labels={"stack": "TaOx"}, sort="name", limit=200), False), 5)  # fmt: skip
        timed("everything, all rows", lambda: library.records(None, False), 3)
        index = next((Path(root) / "cache").rglob("*.sqlite"))
        print(f"index: {index.stat().st_size / 1e6:.1f} MB")
        record = Record.of_card(devicekit.load_card(catalog.get("pt-hfo2-al2o3-ti").card))
        timed("add one", lambda: library.add(record))
        timed("open one", lambda: library.get(record.id), 3)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
