"""Pages lead somewhere, and build with warnings as errors and without a network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
# Made at each build; pages may link to them all the same.
MADE = {
    *("docs/glossary.md", "docs/warnings.md", "docs/auto_gallery", "docs/auto_paper", "docs/reference/api"),
    *("docs/reference/cli.md", "docs/reference/settings.md", "docs/reference/reading-options.md"),
    "docs/reference/targets.md",
}
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")


def written() -> list[Path]:
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [ROOT / name for name in tracked.stdout.splitlines()]


def slug(heading: str) -> str:
    """The anchor that a git host gives to a heading."""
    text = re.sub(r"[`*_]|\[([^\]]*)\]\([^)]*\)", r"\1", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    named = re.findall(r"^\(([\w-]+)\)=$", text, re.MULTILINE)
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)} | set(named)


def broken(page: Path) -> list[str]:
    """Links of a page that lead nowhere."""
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    wrong = []
    for link, image in LINK.findall(text):
        target = link or image
        if re.match(r"https?:|mailto:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        inside = file.relative_to(ROOT).as_posix() if file.is_relative_to(ROOT) else str(file)
        if any(inside == made or inside.startswith(f"{made}/") for made in MADE):
            continue
        there = file.exists() or file.with_suffix(".rst").exists()
        if not there or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            wrong.append(target)
    return wrong


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git checkout")
def test_links_of_the_written_pages_lead_somewhere() -> None:
    assert {str(page.relative_to(ROOT)): wrong for page in written() if (wrong := broken(page))} == {}


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One two\n[a](absent.md) [b](#one-two) [c](#three) ![d](no.png) [e](https://x.org)\n", "utf-8")
    assert broken(page) == ["absent.md", "#three", "no.png"]


class _Fetched(HTMLParser):
    """Addresses that a browser fetches when it shows a page."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "link" and found.get("rel") not in ("canonical", "author", "license"):
            self.addresses.append(found.get("href") or "")
        if tag in ("script", "img", "iframe", "source", "video", "audio", "embed"):
            self.addresses.append(found.get("src") or "")


def fetched_from_a_network(folder: Path) -> list[str]:
    """Addresses with a host that pages and styles of a folder fetch."""
    far = []
    for page in folder.rglob("*.html"):
        parser = _Fetched()
        parser.feed(page.read_text("utf-8"))
        far += [f"{page.name}: {address}" for address in parser.addresses if re.match(r"(https?:)?//", address)]
    for style in folder.rglob("*.css"):
        text = style.read_text("utf-8", errors="replace")
        far += [f"{style.name}: {a}" for a in re.findall(r"(?:url\(|@import )['\"]?((?:https?:)?//[^'\")\s]+)", text)]
    return far


def test_what_comes_from_a_network_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<script src="https://cdn.org/x.js"></script><a href="https://y.org">y</a>')
    (tmp_path / "a.css").write_text("@import 'https://fonts.org/z.css'; a { background: url(img.png) }")
    assert len(fetched_from_a_network(tmp_path)) == 2


@pytest.mark.slow
def test_the_pages_build_without_a_warning_and_without_a_network(tmp_path: Path) -> None:
    pytest.importorskip("sphinx_gallery", reason="extra docs is not installed")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-E", str(DOCS), str(tmp_path / "html")]
    # a proxy that does not answer: whatever asks a network fails
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, **nowhere})
    assert built.returncode == 0, built.stderr[-4000:]
    pages = tmp_path / "html"
    assert (pages / "index.html").is_file()
    assert len(list((pages / "auto_gallery").glob("plot_*.html"))) >= 8
    assert len(list((pages / "auto_paper").glob("plot_fig*.html"))) >= 6
    assert fetched_from_a_network(pages) == []


def test_every_benchmark_is_on_the_page_of_benchmarks() -> None:
    page = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+\.py)`", page))
    assert named == {file.name for file in (ROOT / "benchmarks").glob("*.py")}
