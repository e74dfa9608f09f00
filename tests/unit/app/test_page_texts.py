"""The wording of the app's pages, kept in one file."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest

pytest.importorskip("starlette")

from devicekit.app import state
from devicekit.app.results import Opened, ReadResult
from devicekit.core.errors import Blank, Choice, Question
from tests.unit.app.test_requests import Idle, ask

QUESTION = Question(
    "what are the numbers in this file? Pass quantity=conductance or current (with read_voltage=); add unit= if needed",
    ("quantity", "unit", "read_voltage"),
    (
        Choice.of("states are conductances", quantity="conductance"),
        Choice.of("states are currents", quantity="current", read_voltage=Blank("V")),
    ),
    ("1 column of 40 numbers",),
)


def visible_text(page: str) -> str:
    """Return the text of a page without lists of options; labels that are not visible are in brackets."""
    page = re.sub(r"(?s)<(head|script|style|option)\b.*?</\1>", "", page)
    page = re.sub(r'<[^>]*?(?:aria-label|placeholder|data-sure)="([^"]*)"[^>]*>', r"\n[\1]\n", page)
    lines = re.sub(r"<[^>]+>", "\n", page).splitlines()
    return "\n".join(text for line in lines if (text := " ".join(html.unescape(line).split())))


def test_the_wording_of_pages(tmp_path: Any, monkeypatch: pytest.MonkeyPatch, file_regression: Any) -> None:
    monkeypatch.setattr(state, "Worker", Idle)
    app = state.App(tmp_path / "work", tmp_path / "library", size_limit=1000)
    pages = [(path, ask(app, path)[1]) for path in ("/", "/simulate", "/library", "/train", "/uploads/0", "/nothing")]
    upload = app.uploads.open("ramps.csv", False)
    pages.append(("an incomplete upload", ask(app, f"/uploads/{upload.key}")[1]))
    upload.is_complete = True
    job = app.read(upload)
    assert job is not None
    pages.append(("a file being read", ask(app, f"/uploads/{upload.key}")[1]))
    job.state, job.result = (
        "done",
        ReadResult(question=QUESTION, asked=QUESTION.each, opened=Opened(lines=("1,2", "3,4"))),
    )
    pages.append(("a question", ask(app, f"/uploads/{upload.key}")[1]))
    job.state, job.result = "cancelled", None
    pages.append(("a cancelled file", ask(app, f"/uploads/{upload.key}")[1]))
    frame, _, _ = pages[0][1].partition("<main")
    texts = [("frame", frame), *((name, page.partition("<main")[2]) for name, page in pages)]
    text = "\n\n".join(f"== {name}\n{visible_text(f'<{page}')}" for name, page in texts)
    file_regression.check(text.replace(str(tmp_path), "FOLDER") + "\n", extension=".txt")
