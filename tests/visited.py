"""What a visitor of the app does in a browser, and what every page must be."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

from tests.served import PATIENCE, Served

# Elements that reach beyond the page and do not lie in something that scrolls by itself.
OUTSIDE = """[...document.querySelectorAll('body *')].filter(each => {
  const box = each.getBoundingClientRect();
  return box.width && box.right > document.documentElement.clientWidth + 1 && !each.closest('.wide, pre, .hidden');
}).map(each => each.tagName + '.' + each.className)"""
UNNAMED = """[...document
.querySelectorAll('button, a, input:not([type=hidden]), select, summary, progress, [tabindex]')]
.filter(each => !(each.textContent.trim() && each.tagName !== 'SELECT' || each.getAttribute('aria-label') ||
  each.getAttribute('aria-labelledby') || (each.labels && each.labels.length && each.labels[0].textContent.trim()) ||
  each.id === 'content')).map(each => each.outerHTML.slice(0, 200))"""
# Texts whose contrast with what lies behind them is below what WCAG AA asks: 4.5, or 3 where they are large.
FAINT = """(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const parts = colour => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = rgb => { const [r, g, b] = rgb.map(v => v / 255).map(v =>
    v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = each => { for (let at = each; at; at = at.parentElement) {
    const colour = parts(getComputedStyle(at).backgroundColor); if (colour[3] === 255) return colour; }
    return matchMedia('(prefers-color-scheme: dark)').matches ? [0, 0, 0] : [255, 255, 255]; };
  const found = [];
  for (const each of document.querySelectorAll('body *')) {
    if (each.closest('svg, script, canvas, option, .hidden, .chart') || !each.getClientRects().length) continue;
    const own = [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!own && !(each.tagName === 'INPUT' && each.type === 'text') && each.tagName !== 'SELECT') continue;
    const style = getComputedStyle(each), paper = light(behind(each).slice(0, 3));
    const ratio = colour => { const ink = light(parts(colour).slice(0, 3));
      return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05); };
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    if (ratio(style.color) < (large ? 3 : 4.5)) found.push([each.tagName, each.textContent.trim().slice(0, 40)]);
    if (each.placeholder && ratio(getComputedStyle(each, '::placeholder').color) < 4.5)
      found.push(['placeholder', each.placeholder]);
  }
  return found;
})()"""
STILL = """document.readyState === 'complete' && !document.querySelector('.progress') &&
!document.querySelector('[hx-trigger=load]')"""


class Visit:
    """A browser at an app."""

    def __init__(self, chromium: Any, app: Served) -> None:
        self.chromium, self.app = chromium, app
        chromium.open(app.address, 1280)

    def open(self, path: str, width: int = 1280, dark: bool = False) -> None:
        """A page of the app."""
        self.chromium.open(f"{self.app.own}{path}", width, dark=dark)

    def get(self, script: str) -> Any:
        """The value of an expression in the page."""
        return self.chromium.evaluate(script)

    def until(self, script: str, longest: float = PATIENCE) -> None:
        """Wait until an expression is true; a page that is just being left does not count."""
        end = time.monotonic() + longest
        while True:
            try:
                if self.get(script):
                    return
            except RuntimeError:
                pass
            assert time.monotonic() < end, f"{script} in {self.get('document.body.innerText')[:2000]}"
            time.sleep(0.05)

    def still(self) -> str:
        """The text of the page once nothing runs on it any more."""
        self.until(STILL)
        return str(self.get("document.getElementById('content').innerText"))

    def drop(self, *files: Path, selector: str = "#files") -> str:
        """Drop files on the first page; the text of the page that it leads to."""
        self.open("/")
        self.chromium.give(selector, *files)
        self.until("location.pathname.startsWith('/drops/')")
        return self.still()

    def click(self, name: str, within: str = "#content") -> None:
        """Click the button or link of a name."""
        self.get(f"[...document.querySelector({within!r}).querySelectorAll('button, a, summary')]"
                 f".find(each => each.textContent.trim().startsWith({json.dumps(name)})).click()")  # fmt: skip

    def answer(self, number: int | str, *blanks: str, **more: str) -> str:
        """Answer the question of a page; the text that follows."""
        self.get(f"document.querySelector('.question input[name=choice][value=\"{number}\"]').click()")
        for k, word in enumerate(blanks):
            where = f"document.querySelectorAll('.question [name=\"blank-{number}\"]')[{k}]"
            self.get(f"{where}.value = {json.dumps(word)}")
        for name, word in more.items():
            self.get(f"document.querySelector('.question [name=\"{name}\"]').value = {json.dumps(word)}")
        self.get("document.body.dataset.old = 'yes'; document.getElementById('question').dataset.old = 'yes'")
        self.click("Answer")
        self.until("!document.querySelector('[id=question][data-old]')")
        return self.still()

    def read_differently(self, **said: str) -> str:
        """Read a file as fields say; the text that follows."""
        form = "document.querySelector('form[action$=\"/read\"]')"
        for name, word in said.items():
            self.get(f"{form}.elements.{name}.value = {json.dumps(word)}")
        self.get(f"{form}.dataset.old = 'yes'; {form}.querySelector('button').click()")
        self.until("!document.querySelector('form[data-old]')")
        return self.still()

    def keep(self) -> str:
        """Keep what was found; the address of its record."""
        self.click("Keep in the library")
        self.until("!!document.querySelector('.note.answer a')")
        return str(self.get("document.querySelector('.note.answer a').getAttribute('href')"))

    @property
    def path(self) -> str:
        """Address of the page within the app."""
        return str(self.get("location.pathname"))

    @property
    def again(self) -> tuple[str, str]:
        """The command line and the Python lines that the page shows for its result."""
        shown = "[...document.querySelectorAll('#content > .again pre')].map(each => each.textContent)"
        command, python = self.get(shown)
        return command, python

    def files(self) -> dict[str, bytes]:
        """What can be downloaded from a page of a result."""
        links = self.get("[...document.querySelectorAll('.downloads a')].map(each => each.getAttribute('href'))")
        found = {}
        for link in links:
            answer = self.app.ask(link)
            assert answer.status == 200
            assert answer.headers["content-disposition"].startswith("attachment")
            found[re.sub(r".*/", "", link)] = answer.content
        return found

    def check(self, width: int) -> None:
        """No part of the page is cut off, faint, unnamed or asked from elsewhere, and nothing complains."""
        assert self.get("document.documentElement.scrollWidth") <= width
        for script in (OUTSIDE, UNNAMED, FAINT):
            assert not (found := self.get(script)), found
        self.silent()

    def silent(self) -> None:
        """No message in the console, no request to anybody else."""
        assert not self.chromium.console, self.chromium.console
        foreign = [each for each in self.chromium.requests if not each.startswith(self.app.own)]
        assert not foreign, foreign
