"""A visitor of the app in a browser, and checks for every page."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

from tests.served import PATIENCE, Served

# Elements that are wider than the page and are not in a part that scrolls.
OUTSIDE = """[...document.querySelectorAll('body *')].filter(each => {
  const box = each.getBoundingClientRect();
  return box.width && box.right > document.documentElement.clientWidth + 1 && !each.closest('.wide, pre, .hidden');
}).map(each => each.tagName + '.' + each.className)"""
UNNAMED = """[...document
.querySelectorAll('button, a, input:not([type=hidden]), select, summary, progress, [tabindex]')]
.filter(each => !(each.textContent.trim() && each.tagName !== 'SELECT' || each.getAttribute('aria-label') ||
  each.getAttribute('aria-labelledby') || (each.labels && each.labels.length && each.labels[0].textContent.trim()) ||
  each.id === 'content')).map(each => each.outerHTML.slice(0, 200))"""
# Texts whose contrast with the background is below WCAG AA: 4.5, or 3 for large text.
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
    """A browser that visits an app."""

    def __init__(self, chromium: Any, app: Served) -> None:
        self.chromium, self.app = chromium, app
        chromium.open(app.address, 1280)

    def open(self, path: str, width: int = 1280, dark: bool = False) -> None:
        """Open a page of the app."""
        self.chromium.open(f"{self.app.origin}{path}", width, dark=dark)

    def get(self, script: str) -> Any:
        """Return the value of an expression in the page."""
        return self.chromium.evaluate(script)

    def until(self, script: str, longest: float = PATIENCE) -> None:
        """Wait until an expression is true; errors while the page changes are ignored."""
        end = time.monotonic() + longest
        while True:
            try:
                if self.get(script):
                    return
            except RuntimeError:
                pass
            assert time.monotonic() < end, f"{script} in {self.get('document.body.innerText')[:2000]}"
            time.sleep(0.05)

    def wait_for_text(self) -> str:
        """Return the text of the page once no job of it runs."""
        self.until(STILL)
        return str(self.get("document.getElementById('content').innerText"))

    def upload(self, *files: Path, selector: str = "#files") -> str:
        """Upload files on the first page and return the text of the next page."""
        self.open("/")
        self.chromium.give(selector, *files)
        self.until("location.pathname.startsWith('/uploads/')")
        return self.wait_for_text()

    def click(self, name: str, within: str = "#content") -> None:
        """Click a button or a link by its name."""
        self.get(f"[...document.querySelector({within!r}).querySelectorAll('button, a, summary')]"
                 f".find(each => each.textContent.trim().startsWith({json.dumps(name)})).click()")  # fmt: skip

    def choose(self, number: int | str, *blanks: str, part: int = 0, **more: str) -> None:
        """Choose an answer to a part of the question of a page, with its blanks and fields."""
        self.get(f"document.querySelector('#question input[name=choice-{part}][value=\"{number}\"]').click()")
        for k, word in enumerate(blanks):
            where = f"document.querySelectorAll('#question [name=\"blank-{part}-{number}\"]')[{k}]"
            self.get(f"{where}.value = {json.dumps(word)}")
        for name, word in more.items():
            self.get(f"document.querySelector('#question [name=\"own-{part}-{name}\"]').value = {json.dumps(word)}")

    def answer(self, number: int | str, *blanks: str, **more: str) -> str:
        """Answer the first part of the question of a page, as the others stand; return the text that follows."""
        self.choose(number, *blanks, **more)
        return self.send()

    def send(self) -> str:
        """Send the answers as they stand and return the text that follows."""
        self.get("document.getElementById('question').dataset.old = 'yes'")
        self.click("Answer", "#question .row:last-child")
        self.until("!document.querySelector('[id=question][data-old]')")
        return self.wait_for_text()

    def read_differently(self, **options: str) -> str:
        """Read a file with other options and return the text that follows."""
        form = "(document.getElementById('question') ?? document.querySelector('form[action$=\"/read\"]'))"
        for name, word in options.items():
            self.get(f"{form}.elements.{name}.value = {json.dumps(word)}")
        self.get(f"{form}.dataset.old = 'yes'; {form}.querySelector('button').click()")
        self.until("!document.querySelector('form[data-old]')")
        return self.wait_for_text()

    def keep(self) -> str:
        """Keep the result in the library and return the address of its record."""
        self.click("Keep in the library")
        self.until("!!document.querySelector('.note.answer a')")
        return str(self.get("document.querySelector('.note.answer a').getAttribute('href')"))

    @property
    def path(self) -> str:
        """Path of the page."""
        return str(self.get("location.pathname"))

    @property
    def reproduction(self) -> tuple[str, str]:
        """Command line and Python lines on the page."""
        shown = "[...document.querySelectorAll('.tools > .again pre')].map(each => each.textContent)"
        command, python = self.get(shown)
        return command, python

    def files(self) -> dict[str, bytes]:
        """Return the files to download from a result."""
        links = self.get("[...document.querySelectorAll('.downloads a')].map(each => each.getAttribute('href'))")
        found = {}
        for link in links:
            answer = self.app.ask(link)
            assert answer.status == 200
            assert answer.headers["content-disposition"].startswith("attachment")
            found[re.sub(r".*/", "", link)] = answer.content
        return found

    def check(self, width: int) -> None:
        """Check that no part of the page is cut off, faint or unnamed, and that the console is empty."""
        assert self.get("document.documentElement.scrollWidth") <= width
        for script in (OUTSIDE, UNNAMED, FAINT):
            assert not (found := self.get(script)), found
        self.check_console()

    def check_console(self) -> None:
        """Check for messages in the console and for requests to other servers."""
        assert not self.chromium.console, self.chromium.console
        foreign = [each for each in self.chromium.requests if not each.startswith(self.app.origin)]
        assert not foreign, foreign
