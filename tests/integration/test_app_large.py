"""A large file in the app: other pages are answered meanwhile, memory is bounded, cancelling ends it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.served import Served, alive, served

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see processes")

SLOWEST = 3.0  # s for a page meanwhile; at most 0.3 s was measured, on two cores with a load of 12
GROWTH = 60e6  # bytes of the server; 9 MB were measured
PER_BYTE, BASE = 12, 600e6  # of the worker: bytes a byte of the file, and for itself; 1.35 GB measured of 100 MB


def sweeps(size: int) -> Iterator[bytes]:
    """Sweeps of one device as text, so many bytes and a few more."""
    up = range(0, 150)
    points = [*up, *reversed(up), *(-v for v in up), *(-v for v in reversed(up))]
    sent = cycle = 0
    yield b"Cycle,V (V),I (A)\n"
    while sent < size:
        on = 1e-6 * (1 + cycle % 7 / 50)
        block = "".join(f"{cycle},{v / 100:.3f},{v * on:.6e}\n" for v in points).encode()
        yield block
        sent, cycle = sent + len(block), cycle + 1


def memory(process: int, name: str) -> int:
    """VmRSS (now) or VmHWM (largest) of a process [bytes]."""
    for line in (Path("/proc") / str(process) / "status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return 1024 * int(line.split()[1])
    return 0


def worker(app: Served) -> int:
    """The process that works: the largest of those that were started."""
    return max(app.processes(), key=lambda each: memory(each, "VmRSS"))


@pytest.mark.parametrize(
    "size", [pytest.param(5_000_000, marks=pytest.mark.slow), pytest.param(100_000_000, marks=pytest.mark.heavy)]
)
def test_a_large_file_is_read_beside_other_pages_within_bounds(size: int, tmp_path: Path) -> None:
    file = tmp_path / "large.csv"
    with file.open("wb") as stream:
        stream.writelines(sweeps(size))
    with served(tmp_path) as app:
        app.page(app.upload("small.csv", b"".join(sweeps(1))))  # all that it imports is there
        before = memory(app.process.pid, "VmRSS")
        took: list[float] = []
        over = threading.Event()

        def ask_meanwhile() -> None:
            while not over.is_set():
                for path in ("/", "/library", "/simulate"):
                    began = time.monotonic()
                    assert app.ask(path).status == 200
                    took.append(time.monotonic() - began)
                time.sleep(0.1)

        asking = threading.Thread(target=ask_meanwhile)
        asking.start()
        try:
            began = time.monotonic()
            upload = app.upload("large.csv", file.read_bytes())
            sent = time.monotonic() - began
            seen = app.ask(upload).text
            text = app.page(upload)
            whole = time.monotonic() - began
        finally:
            over.set()
            asking.join()
        growth, peak = memory(app.process.pid, "VmRSS") - before, memory(worker(app), "VmHWM")
        print(
            f"{size / 1e6:.0f} MB: sent in {sent:.1f} s, shown after {whole:.1f} s, slowest of {len(took)} other pages "
            f"{max(took):.2f} s, server grew by {growth / 1e6:.0f} MB, worker at most {peak / 1e6:.0f} MB"
        )
        assert 'class="progress"' in seen
        assert "Reading large.csv" in seen
        assert "Figures of merit: large.csv" in text
        assert max(took) < SLOWEST
        assert growth < GROWTH
        assert peak < BASE + PER_BYTE * size

        again = app.upload("again.csv", file.read_bytes())
        assert 'class="progress"' in app.ask(again).text
        time.sleep(0.2 * whole)  # the first look is over then, and one of the processes reads
        running = app.processes()
        assert app.post(f"{again}/cancel").status == 303
        assert "Reading was cancelled." in app.page(again)
        assert not all(map(alive, running))
        assert "Figures of merit" in app.page(app.upload("after.csv", b"".join(sweeps(1))))
