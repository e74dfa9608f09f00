"""What every command puts out, kept and compared: a change of words must not change a number.

python benchmarks/recorder.py record FOLDER [--jobs 2] [--only PART]      # some 300 outputs
python benchmarks/recorder.py compare OLD NEW [--words]                   # exit code 1 where a number differs

Recorded are the terminal (both streams and the exit code), JSON, CSV, cards, recipes, exports, and of every page its
text and the data behind its figures. Record before a change, outside the repository, and again after it. With `--words`
the texts that differ are printed too.
"""

from __future__ import annotations

import argparse
import difflib
import html
import json
import multiprocessing
import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import devicekit
from devicekit.system import catalog

ROOT = Path(__file__).parents[1]
LARGEST = 40 << 20  # bytes of an output that is kept
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_SECONDS = re.compile(r"time (?:per epoch|of training one epoch, median)\s+[\d.]+ \w+|\(\d+ s\)")  # that a run took
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?")
_VARYING = {
    "elapsed_s",
    "seconds",
    "seconds_per_epoch",
    "created",
    "added",
    "python",
    "platform",
    "versions",
    "devicekit",
    "version",
}
_PICTURES = (".png", ".svg", ".pdf", ".sqlite", ".npz", ".h5", ".mat")  # and what else is not text
_VOID = re.compile(r"<(style|svg|template)\b.*?</\1>", re.DOTALL)
_DATA = re.compile(r"<script[^>]*type=.application/json.[^>]*>(.*?)</script>", re.DOTALL)
_CODE = re.compile(r"<script\b.*?</script>", re.DOTALL)
_TAG = re.compile(r"<[^>]+>")


@dataclass(frozen=True)
class Story:
    """Commands that run one after the other in an empty folder."""

    name: str
    commands: tuple[str, ...]


def stories() -> Iterator[Story]:
    """Every command over the sets that ship, the hand-written files of the tests and wrong input."""
    from devicekit.cli import build_app
    from devicekit.exporters import for_cards

    for name, each in sorted(catalog.shipped().items()):
        data = str(each.data)
        yield Story(f"read {name}", (f"read {data} --out table.csv --save-recipe recipe.toml", f"read {data} --json"))
        kind = devicekit.read(each.data).kind
        if kind != "pulse":
            yield Story(f"characterize {name}", (f"characterize {data} --out dc", f"characterize {data} --json"))
    for path in sorted((ROOT / "tests" / "data").rglob("*.*")):
        relative = path.relative_to(ROOT / "tests" / "data")
        for way in ("read", "characterize"):
            yield Story(f"{way} {relative}", (f"{way} {path} --json", f"{way} {path}"))
    trains = catalog.get("vcm-trains").data
    for model in ("eq2", "softbounds", "power"):
        yield Story(
            f"fit {model}",
            (f"fit {trains} --device C2 --model {model} --out card.json --report fit.html", "card show card.json",
             "card show card.json --json"),
        )  # fmt: skip
    yield Story("fit json", (f"fit {trains} --device C4 --json", f"next {trains} --device C4 --json"))
    yield Story("compare", (f"compare {trains} --device C2", f"compare {trains} --device C2 --json"))
    yield Story("next", (f"next {trains} --device C2",))
    card = catalog.get("pt-hfo2-al2o3-ti").card
    for target in sorted(for_cards()):
        yield Story(
            f"export {target}", (f"export {card} --to {target} --out made", f"export {card} --to {target} --json")
        )
    retention = catalog.get("reference-retention").data
    yield Story(
        "library",
        (f"card add {card} {retention} --out more.json", "library add more.json --library shelf --label lot=7",
         f"library add {catalog.get('readc-sweeps').data} --library shelf", "library list --library shelf",
         "library list --library shelf --json", "library compare --library shelf --out compared"),
    )  # fmt: skip
    yield Story("train", (f"train {card} --epochs 2 --set hidden=50 --out trained",
                          "export trained/network.npz --to csv --out network"))  # fmt: skip
    short = "--seeds 1 --no-attribution --no-wide --no-policy"
    yield Story("benchmark", (f"benchmark {card} {short} --out limits", f"benchmark {card} {short} --json"))
    yield Story("array", (f"array {card} --seeds 1 --epochs 1 --hidden 30 --wire-ohm 1 --out array",))
    yield Story("simulate", ("simulate iv --mesh coarse --out iv", "simulate iv --mesh coarse --json",
                             "simulate pulses --mesh coarse --count 5 --out pulses",
                             "simulate kinetics --mesh coarse --json"))  # fmt: skip
    yield Story("study", ("study schemes --set epochs=1 --set hidden=30 --jobs 1 --out fig6",))
    yield Story("run", (f"run {trains} --device C2 --epochs 1 --out out",))
    yield Story("datasets", ("datasets", "datasets --json", "datasets --wanted", "datasets reference-dc"))
    yield Story("mistakes", tuple(_mistakes(str(card), str(trains))))
    for words in _commands(build_app()):
        yield Story(f"help {' '.join(words)}", (f"{' '.join(words)} --help".strip(),))


def _mistakes(card: str, trains: str) -> list[str]:
    return [
        *("fit absent.csv", "fit", f"fit {trains} --model nosuch", f"fit {trains} --quantity length", "nosuch"),
        *(f"export {card} --to nosuch", f"export {card}", "card show absent.json", f"card show {trains}"),
        *(f"read {trains} --map x=y", f"read {trains} --unit kg", f"read {card}", "simulate iv --stop -1"),
        *(f"train {card} --set nosuch=1", f"train --card {card} --epochs 0", "study nosuch --out x"),
        *(f"characterize {trains} --thickness 0", f"benchmark {trains}", "library show nosuch --library absent"),
    ]


def _commands(app: Any) -> Iterator[list[str]]:
    import typer

    yield []
    root = typer.main.get_command(app)
    for name in sorted(root.list_commands(None)):  # type: ignore[attr-defined, arg-type]
        yield [name]
        command = root.get_command(None, name)  # type: ignore[attr-defined, arg-type]
        for below in sorted(getattr(command, "commands", {})):
            yield [name, below]


def record(out: Path, jobs: int, only: str) -> int:
    """Run every story, each in a process of its own; return how many outputs were kept."""
    chosen = [story for story in stories() if only in story.name]
    context = multiprocessing.get_context("fork")  # what is imported and compiled is shared
    with context.Pool(jobs, maxtasksperchild=1) as pool:
        kept = 0
        for number, (name, count) in enumerate(pool.imap_unordered(_run, [(each, out) for each in chosen]), start=1):
            kept += count
            print(f"{number:4d} of {len(chosen)}: {count:3d} outputs of {name}", flush=True)
    return kept


def _run(work: tuple[Story, Path]) -> tuple[str, int]:
    story, out = work
    from devicekit.cli import build_app
    from devicekit.cli.common import run_app

    target = out / re.sub(r"[^\w.-]+", "_", story.name)
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["DEVICEKIT_LIBRARY"] = str(Path(folder) / "library")
        for number, command in enumerate(story.commands):
            with (target / f"{number}.out.txt").open("w") as printed, (target / f"{number}.err.txt").open("w") as said:
                sys.argv = ["devicekit", *command.split()]  # which pages show
                with redirect_stdout(printed), redirect_stderr(said), suppress(SystemExit):
                    code = run_app(build_app(), command.split())
                said.write(f"\nexit code {code}\n")
        for path in sorted(Path(folder).rglob("*")):
            hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
            if path.is_file() and not hidden and path.stat().st_size < LARGEST:
                _keep(path, target / "files" / path.relative_to(folder), folder)
        for path in target.rglob("*.txt"):
            path.write_text(path.read_text().replace(folder, "FOLDER").replace(str(ROOT), "ROOT"))
        os.chdir(ROOT)
    return story.name, sum(path.is_file() for path in target.rglob("*"))


def _keep(path: Path, target: Path, folder: str) -> None:
    """Copy an output; of a page its text and the data of its figures, of a picture nothing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix in (".html", ".htm"):
        text = path.read_text(encoding="utf-8")
        data = [json.loads(html.unescape(each)) for each in _DATA.findall(text)]
        target.with_suffix(".data.json").write_text(json.dumps(data, indent=1, sort_keys=True))
        body = _TAG.sub("\n", _VOID.sub("", _CODE.sub("", text)))
        lines = [line.strip() for line in html.unescape(body).splitlines()]
        target.with_suffix(".page.txt").write_text("\n".join(line for line in lines if line) + "\n")
    elif path.suffix not in _PICTURES:
        text = path.read_text(encoding="utf-8", errors="replace")
        target.write_text(text.replace(folder, "FOLDER").replace(str(ROOT), "ROOT"), encoding="utf-8")


# ---- comparison ----


def compare(old: Path, new: Path, words: bool) -> int:
    """Print what differs; return 1 where a number, a key or an output does, 0 where only words do."""
    files = {path.relative_to(each) for each in (old, new) for path in each.rglob("*") if path.is_file()}
    found: Counter[str] = Counter()
    for name in sorted(files):
        if not ((old / name).exists() and (new / name).exists()):
            outcome = "only in one"
        else:
            outcome = _difference(old / name, new / name)
        found[outcome] += 1
        if outcome not in ("the same", "words"):
            print(f"{outcome}: {name}")
        elif outcome == "words" and words:
            texts = [(each / name).read_text(errors="replace").splitlines() for each in (old, new)]
            print(*difflib.unified_diff(*texts, str(name), "", n=0, lineterm=""), sep="\n")
    print(", ".join(f"{count} {outcome}" for outcome, count in sorted(found.items())))
    return int(any(found[each] for each in found if each not in ("the same", "words")))


def _difference(one: Path, other: Path) -> str:
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in (one, other)]
    if texts[0] == texts[1]:
        return "the same"
    if one.suffix == ".json" or ".out." in one.name:
        with suppress(ValueError):
            values = [json.loads(text) for text in texts]
            leaves = [sorted(_leaves(value), key=str) for value in values]  # the order of keys has no meaning
            if leaves[0] == leaves[1]:
                return "the same"
            plain = [[(key, _numbers(v) if isinstance(v, str) else v) for key, v in each] for each in leaves]
            return "words" if plain[0] == plain[1] else "numbers"
    return "words" if _numbers(texts[0]) == _numbers(texts[1]) else "numbers"


def _numbers(text: str) -> list[str]:
    """Return the numbers of a text, but for dates and the time that a run took."""
    return _NUMBER.findall(_SECONDS.sub("", _DATE.sub("", text)))


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every value with the path to it, but for times, versions and texts that hold them."""
    if isinstance(value, dict):
        for name, each in value.items():
            if name not in _VARYING:
                yield from _leaves(each, f"{key}.{name}")
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _leaves(each, f"{key}[{number}]")
    else:
        yield key, value


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ways = parser.add_subparsers(dest="way", required=True)
    recording = ways.add_parser("record")
    recording.add_argument("folder", type=Path)
    recording.add_argument("--jobs", type=int, default=2)
    recording.add_argument("--only", default="")
    comparing = ways.add_parser("compare")
    comparing.add_argument("old", type=Path)
    comparing.add_argument("new", type=Path)
    comparing.add_argument("--words", action="store_true")
    given = parser.parse_args()
    if given.way == "compare":
        sys.exit(compare(given.old, given.new, given.words))
    print(f"{record(given.folder.resolve(), given.jobs, given.only)} outputs in {given.folder}")


if __name__ == "__main__":
    main()
