"""Counts of wording: words to avoid, docstrings that begin with a clause, prose in tests, long sentences in the docs.

python tests/wording.py            # counts by folder
python tests/wording.py FOLDER     # the places in one folder or file, one a line

The style itself is in docs/style.md; `tests/docs/test_wording.py` holds the limits.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("devicekit", "physics", "snn")
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs")
AVOIDED = re.compile(r"(?<![a-z])(?:said|told)(?![a-z])", re.IGNORECASE)
IS_NO = re.compile(r"\bis no [a-z]", re.IGNORECASE)
CLAUSE = re.compile(r"(?:What|Whether|Of|That|As|How|Where|Why|Which|Who|When)\b")
# Private vocabulary that once named functions: verbs stand for functions, nouns for values.
BANNED_NAMES = frozenset(
    {
        *("_told", "_said", "_one", "_own", "_plain", "_shown", "_known", "_judged", "_strong", "_loose", "_beside"),
        *("_made", "_say", "wish", "Wishes", "wish_row", "give", "give_fading", "announced", "Again", "held", "legs"),
        *("nameless", "shelf", "drops", "guises"),
    }
)
_WORD = re.compile(r"[A-Za-z][A-Za-z'-]*")


class Place(NamedTuple):
    """One place: which rule, the file, the line, and its text."""

    rule: str
    file: Path
    line: int
    text: str


def longest_run(text: str) -> int:
    """Return how many plain words follow each other at most: prose, not a path, a command or a number."""
    longest = run = 0
    for token in text.split():
        run = run + 1 if _WORD.fullmatch(token.strip(".,:;!?()[]\"'`")) else 0
        longest = max(longest, run)
    return longest


def _is_prose(node: ast.AST, least: int = 4) -> bool:
    """True if a string constant below the node holds at least so many words in a row."""
    return any(
        isinstance(each, ast.Constant) and isinstance(each.value, str) and longest_run(each.value) >= least
        for each in ast.walk(node)
    )


def _defined(node: ast.AST) -> str:
    """Return the name that a node defines, or an empty string."""
    return node.name if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) else ""


def in_source(file: Path) -> Iterator[Place]:
    """Yield the places of a source file."""
    text = file.read_text("utf-8")
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        for rule, pattern in (("said or told", AVOIDED), ("is no", IS_NO)):
            for _ in pattern.finditer(line):
                yield Place(rule, file, number, line.strip())
    for node in ast.walk(ast.parse(text)):
        if (name := _defined(node)) in BANNED_NAMES:
            yield Place("name", file, getattr(node, "lineno", 1), name)
        if not isinstance(node, (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        docstring = ast.get_docstring(node)
        if docstring and CLAUSE.match(docstring):
            yield Place("clause", file, node.body[0].lineno, docstring.split("\n")[0])


def in_test(file: Path) -> Iterator[Place]:
    """Yield assertions of a test file that compare four words of prose or more."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Assert) and _is_prose(node.test):
            yield Place("prose asserted", file, node.lineno, ast.unparse(node.test))
        if isinstance(node, ast.keyword) and node.arg == "match" and _is_prose(node.value):
            yield Place("prose matched", file, node.value.lineno, ast.unparse(node.value))


def prose(page: str) -> str:
    """Return the running text of a Markdown page: no code, no tables, no targets of links."""
    text = re.sub(r"^( *)(```|~~~).*?^\1\2", "", page, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^\s*(?:\||:::|\{|\(\w[\w-]*\)=|:\w[\w-]*:).*$", "\n", text, flags=re.MULTILINE)
    text = re.sub(r"\$\$.*?\$\$", " ", text, flags=re.DOTALL)
    text = re.sub(r"<[^>]+>", " ", text)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"`[^`]+`|\$[^$]+\$", "CODE", text)


def sentences(page: str) -> list[str]:
    """Return the sentences of a page; a heading, an item of a list and a paragraph end one."""
    found = []
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-*+]|\d+\.|#+) )", prose(page)):
        block = re.sub(r"^\s*(?:[-*+>]|\d+\.|#+) ", "", block.strip())
        found += re.split(r"(?<=[.!?:])[)\"'*_]*\s+(?=[A-Z\"'(*_0-9C])", " ".join(block.split()))
    return [each for each in found if each]


def words(text: str) -> int:
    """Return the number of words of a text."""
    return len(text.split())


def pages() -> list[Path]:
    """Return the pages that are written by hand."""
    from subprocess import run

    tracked = run(["git", "ls-files", "-co", "--exclude-standard", *PAGES], cwd=ROOT, capture_output=True, text=True)
    return [ROOT / name for name in tracked.stdout.split() if name.endswith(".md")]


def in_page(file: Path, most: int = 28) -> Iterator[Place]:
    """Yield the sentences of a page that have more words than `most`."""
    for each in sentences(file.read_text("utf-8")):
        if words(each) > most:
            yield Place("long sentence", file, words(each), each)


def python_files(folders: Iterable[Path]) -> list[Path]:
    """Return the Python files in folders, a file itself included."""
    return sorted({file for each in folders for file in ([each] if each.is_file() else each.rglob("*.py"))})


def source_places() -> list[Place]:
    """Return every place of the three packages."""
    return [place for file in python_files(ROOT / name for name in PACKAGES) for place in in_source(file)]


def test_places() -> list[Place]:
    """Return every place of the tests."""
    return [place for file in python_files([ROOT / "tests"]) for place in in_test(file)]


def _places(path: Path) -> Iterator[Place]:
    for file in [path] if path.is_file() else sorted(path.rglob("*")):
        if file.suffix == ".md":
            yield from in_page(file)
        elif file.suffix == ".py":
            yield from in_test(file) if "tests" in file.parts else in_source(file)


def main(arguments: list[str]) -> None:
    """Print the places in the paths that are given, or counts by folder."""
    if arguments:
        for place in (each for path in arguments for each in _places(Path(path).resolve())):
            print(f"{place.file.relative_to(ROOT)}:{place.line}: {place.rule}: {place.text[:160]}")
        return
    counts = Counter((place.rule, "/".join(place.file.relative_to(ROOT).parts[:2])) for place in source_places())
    counts.update((place.rule, "/".join(place.file.relative_to(ROOT).parts[:3])) for place in test_places())
    for (rule, folder), count in sorted(counts.items()):
        print(f"{count:6}  {rule:16} {folder}")
    totals: Counter[str] = Counter()
    for (rule, _), count in counts.items():
        totals[rule] += count
    print(dict(totals))
    read = [file.read_text("utf-8") for file in pages()]
    lengths = sorted(words(each) for page in read for each in sentences(page))
    usual = lengths[len(lengths) * 95 // 100]
    print(f"docs: {sum(map(words, read))} words, longest sentence {lengths[-1]}, 95 %: {usual}")


if __name__ == "__main__":
    main(sys.argv[1:])
