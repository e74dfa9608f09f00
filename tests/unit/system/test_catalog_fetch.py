"""Public measured sets: fetched once, checked, with a clear message offline.

The measured test and its twins that run everywhere, with files of a server of our own:
test_checksums_are_those_of_the_measured_files: test_fetch_once_and_go_on_where_it_stopped,
test_a_changed_file_is_refused
"""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from devicekit.core.errors import FileError, UsageError
from devicekit.system import catalog, files


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A web server on this machine with two files."""
    root = tmp_path / "www"
    root.mkdir()
    (root / "a.csv").write_text("1,2\n")
    (root / "b.csv").write_text("3,4\n")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(root))) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
        httpd.shutdown()
        thread.join()


def listed(monkeypatch: pytest.MonkeyPatch, base: str, root: Path, digest: str | None = None) -> None:
    each = tuple(
        catalog.RemoteFile(name, f"{base}/{name}", digest or files.sha256(root / "www" / name))
        for name in ("a.csv", "b.csv")
    )
    made = catalog.RemoteDataset(
        name="x", title="t", description="d", licence="MIT", citation="c", read_with="", data=".", files=each
    )
    monkeypatch.setattr(catalog, "remote", lambda: {"x": made})


def test_fetch_once_and_go_on_where_it_stopped(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed(monkeypatch, server, tmp_path)
    folder = catalog.fetch("x", tmp_path / "cache")
    assert (folder / "a.csv").read_text() == "1,2\n"
    (folder / "b.csv").unlink()
    before = (folder / "a.csv").stat().st_mtime_ns
    catalog.fetch("x", tmp_path / "cache")
    assert (folder / "a.csv").stat().st_mtime_ns == before
    assert (folder / "b.csv").read_text() == "3,4\n"


def test_a_changed_file_is_refused(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed(monkeypatch, server, tmp_path, "0" * 64)
    with pytest.raises(FileError, match=r"a\.csv.*sha256:0000"):
        catalog.fetch("x", tmp_path / "cache")


def test_offline_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed(monkeypatch, "http://127.0.0.1:9", tmp_path, "0" * 64)
    with pytest.raises(FileError, match=r"put it at .*a\.csv"):
        catalog.fetch("x", tmp_path / "cache")
    with pytest.raises(UsageError, match="no public data"):
        catalog.fetch("y")


def test_the_list_has_licence_checksum_and_citation(devicekit: Callable[..., Any]) -> None:
    for each in catalog.remote().values():
        assert each.licence
        assert each.citation
        assert all(len(file.sha256) == 64 and file.url.startswith("https://") for file in each.files)
    ran = devicekit("datasets", "--json")
    assert {"gong-reram", "reference-dc"} <= {each["name"] for each in ran.json["datasets"]}
    assert devicekit("datasets", "gong-reram").code == 0
    assert devicekit("datasets", "--fetch").code == 2


def test_checksums_are_those_of_the_measured_files(measured: Path) -> None:
    folders = {"gong-reram": "gong_reram", "crosssim-ramps": "crosssim_ramps"}
    for name, folder in folders.items():
        for file in catalog.remote()[name].files:
            assert files.sha256(measured / folder / file.name) == file.sha256


def test_what_is_wanted_is_listed_with_its_format(devicekit: Callable[..., Any]) -> None:
    ran = devicekit("datasets", "--wanted", "--json")
    wanted = json.loads(ran.out)["wanted"]
    assert all(set(each) == {"title", "why", "format"} for each in wanted)
    assert len(wanted) >= 4
    assert "Format:" in devicekit("datasets", "--wanted").out
    assert devicekit("datasets", "gong-reram", "--wanted").code == 2
