"""What bears our mark is replaced, look-alikes are kept until --force: through the command line."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from devicekit.cli.lazy import built
from devicekit.system import catalog, folders, ownmark

SWEEP = "V (V),I (A)\n0,0\n0.5,1e-6\n1,1e-3\n0,0\n"
CARD = (catalog.get("pt-hfo2-al2o3-ti").folder / "card.json").read_text(encoding="utf-8")
PAGE = '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
GENERATOR = '<meta name="generator" content="devicekit 0.1.0">'
HEADER = "device_id,cycle,point,voltage_v,current_a"


def figure(kind: str, **metadata: str) -> bytes:
    buffer = io.BytesIO()
    canvas = Figure((1, 1))
    canvas.subplots().set_title("devicekit")
    canvas.savefig(buffer, format=kind, metadata=metadata or None)
    return buffer.getvalue()


def _card(**changes: Any) -> str:
    held = {**json.loads(CARD), **changes}
    return json.dumps({name: value for name, value in held.items() if value is not None})


LOOK_ALIKES: dict[str, bytes | str] = {
    "schema.json": '{"schema_version": 3}',
    "schema-and-name.json": '{"schema_version": 1, "name": "mine", "rows": []}',
    "schema-nested.json": '{"settings": {"schema_version": 3}}',
    "openapi.json": '{"openapi": "3.1.0", "info": {"title": "x"}, "schema_version": "1.2"}',
    "tool-nested.json": '{"meta": {"tool": "devicekit"}}',
    "tool-in-list.json": '[{"tool": "devicekit"}]',
    "tool-in-text.json": '{"note": "\\"tool\\": \\"devicekit\\""}',
    "tool-upper.json": '{"tool": "DEVICEKIT"}',
    "tool-of-others.json": '{"tool": "devicekit-viewer"}',
    "tool-list.json": '{"tool": ["devicekit"]}',
    "Tool.json": '{"Tool": "devicekit"}',
    "tool-twice.json": '{"tool": "devicekit", "tool": "devicekit"}',
    "tool-cut.json": '{"tool": "devicekit", "a": [1, 2',
    "tool-nan.json": '{"tool": "devicekit", "a": NaN}',
    "tool-bom.json": b'\xef\xbb\xbf{"tool": "devicekit"}',
    "tool-utf16.json": '{"tool": "devicekit"}'.encode("utf-16"),
    "tool-latin.json": b'{"tool": "devicekit", "a": "\xb5"}',
    "lines.json": '{"tool": "devicekit"}\n{"tool": "devicekit"}\n',
    "deep.json": '{"tool": ' + "[" * 50_000,
    "card-cut.json": CARD[:-20],
    "card-of-others.json": _card(
        provenance={"source": "mine", "sha256": "", "settings": {}, "versions": {"other": "1"}}
    ),
    "card-without-origin.json": _card(provenance=None),
    "card-of-another-tool.json": _card(tool="cardmaker"),
    "card-bom.json": b"\xef\xbb\xbf" + CARD.encode(),
    "device.csv": "device_id,cycle\nd,1\n",
    "device-alone.csv": "device_id,\n",
    "our-header.csv": f"{HEADER}\nmine,1,1,0,1e-9\n",
    "our-header-bom.csv": b"\xef\xbb\xbf" + f"{HEADER}\nmine,1,1,0,1e-9\n".encode(),
    "our-header-upper.csv": f"{HEADER.upper()}\nmine,1,1,0,1e-9\n",
    "note.csv": "# devicekit\n1,2\n",
    "mine.png": figure("png"),
    "mine-text.png": figure("png", Title="devicekit", Comment="tEXtSoftware\0devicekit 1".replace("\0", " ")),
    "cut.png": figure("png", Software="devicekit 0.1.0")[:-12],
    "mine.svg": figure("svg"),
    "mine-title.svg": figure("svg", Title="devicekit 0.1.0"),
    "comment.svg": b'<?xml version="1.0"?>\n<!-- devicekit, matplotlib -->\n<svg xmlns="http://www.w3.org/2000/svg"/>\n',
    "cut.svg": figure("svg", Creator="devicekit 0.1.0")[:-20],
    "mine.pdf": figure("pdf"),
    "mine-subject.pdf": figure("pdf", Subject="devicekit", Author="matplotlib"),
    "cut.pdf": figure("pdf", Creator="devicekit 0.1.0")[:-60],
    "mine.html": "<html><head><title>devicekit</title></head></html>",
    "generator-of-others.html": f'{PAGE}<meta name="generator" content="Hugo, devicekit 0.1.0"></html>',
    "generator-in-comment.html": f"{PAGE}<!-- {GENERATOR} --></head></html>",
    "generator-in-body.html": f"{PAGE}</head><body>{GENERATOR}</body></html>",
    "generator-cut.html": f"{PAGE}{GENERATOR}<title>x",
    "mine.h5": b"\x89HDF\r\n\x1a\n" + b"devicekit 1: tables" + bytes(600),
    "mark-elsewhere.h5": bytes(512) + ownmark.HDF5_MARK,
    "mark-cut.h5": ownmark.HDF5_MARK[:-1],
    "mine.toml": '[recipe]\nname = "by hand"\n',
    "mine.txt": "devicekit\n",
}


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=pytest.mark.slow if k % 3 else ()) for k, each in enumerate(LOOK_ALIKES)]
)
def test_a_look_alike_is_kept_until_force(name: str, tmp_path: Path, devicekit: Callable[..., Any]) -> None:
    content = LOOK_ALIKES[name]
    content = content.encode() if isinstance(content, str) else content
    (tmp_path / "sweep.csv").write_text(SWEEP)
    path = tmp_path / name
    path.write_bytes(content)
    option = "--plot" if path.suffix in (".png", ".svg", ".pdf") else "--out"
    option = "--save-recipe" if path.suffix == ".toml" else option
    ran = devicekit("read", tmp_path / "sweep.csv", option, path)
    assert ran.code == 2
    assert "--force" in ran.err
    assert path.read_bytes() == content
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(["sweep.csv", name])
    if path.stem != "mine":
        return  # once for each ending
    ran = devicekit("read", tmp_path / "sweep.csv", option, path, "--force")
    assert ran.code == 0, ran.err
    assert path.read_bytes() != content


SLOW_PICTURES = [pytest.param(each, marks=pytest.mark.slow) for each in ("p.svg", "p.pdf")]


@pytest.mark.parametrize("name", ["t.csv", "t.h5", "p.png", *SLOW_PICTURES, "r.toml"])
def test_what_read_has_written_is_replaced(name: str, tmp_path: Path, devicekit: Callable[..., Any]) -> None:
    (tmp_path / "sweep.csv").write_text(SWEEP)
    option = {"p": "--plot", "t": "--out", "r": "--save-recipe"}[name[0]]
    for _ in range(2):
        ran = devicekit("read", tmp_path / "sweep.csv", option, tmp_path / name)
        assert ran.code == 0, ran.err
    (tmp_path / "sweep.csv").write_text(SWEEP.replace("1e-3", "2e-3"))  # pictures and HDF5 bear a mark
    ran = devicekit("read", tmp_path / "sweep.csv", option, tmp_path / name)
    assert ran.code == (2 if name == "t.csv" else 0), ran.err


@pytest.mark.slow
@pytest.mark.usefixtures("without_pictures")
def test_cards_and_pages_of_ours_are_replaced(tmp_path: Path, devicekit: Callable[..., Any]) -> None:
    rows = [f"{n},{g}\n" for n, g in enumerate([*range(10, 21), *range(19, 9, -1)])]
    (tmp_path / "t.csv").write_text("pulse,G (uS)\n" + "".join(rows))
    card, page = tmp_path / "card.json", tmp_path / "fit.html"
    for model in ("eq2", "softbounds"):
        ran = devicekit("fit", tmp_path / "t.csv", "--model", model, "--out", card, "--report", page)
        assert ran.code == 0, ran.err
        assert json.loads(card.read_text())["model"] == model
    page.write_text("<html>mine</html>")
    for more, code in (([], 2), (["--force"], 0)):
        assert devicekit("fit", tmp_path / "t.csv", "--report", page, *more).code == code
    bake = catalog.get("reference-stdp").data
    full = tmp_path / "full.json"
    for before, more, code in (("", [], 0), (None, [], 0), ('{"mine": 1}', [], 2), ('{"mine": 1}', ["--force"], 0)):
        if before is not None:
            full.write_text(before)
        ran = devicekit("card", "add", card, bake, "--out", full, *more)
        assert ran.code == code, ran.err


def test_a_table_in_a_folder_of_ours_is_known_by_its_checksum(tmp_path: Path, devicekit: Callable[..., Any]) -> None:
    (tmp_path / "sweep.csv").write_text(SWEEP)
    with folders.result_folder(tmp_path / "out", "run") as folder:
        (folder / "table.csv").write_text("old\n")
    table = tmp_path / "out" / "table.csv"
    assert devicekit("read", tmp_path / "sweep.csv", "--out", table).code == 0
    table.write_text("edited\n")
    assert devicekit("read", tmp_path / "sweep.csv", "--out", table).code == 2
    assert table.read_text() == "edited\n"


def _leaves(command: Any, words: tuple[str, ...] = ()) -> list[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        return [(" ".join(words), command)]
    return [leaf for name, each in command.commands.items() for leaf in _leaves(each, (*words, name))]


def test_every_command_that_writes_what_it_is_told_to_takes_force() -> None:
    from devicekit.cli import COMMANDS
    from devicekit.cli.common import WRITTEN

    found = 0
    for word, place in COMMANDS.items():
        for name, command in _leaves(built(place), (word,)):
            options = {option for parameter in command.params for option in parameter.opts}
            if options & {*WRITTEN}:
                found += 1
                assert "--force" in options, name
            for parameter in command.params:  # a new option that names what is written is one of WRITTEN
                if (parameter.metavar or "").startswith(("FILE", "DIR", "CARD", "TABLE", "PATH")) and any(
                    word in (getattr(parameter, "help", None) or "") for word in ("rite ", "Draw", "Folder for")
                ):
                    assert parameter.opts[0] in WRITTEN, (name, parameter.opts)
    assert found >= 15
