"""The confirm page, through HTTP: what is seen before an answer, after it, and what is not computed meanwhile."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

pytest.importorskip("starlette")

from devicekit.app import state
from devicekit.app.tasks import Tasks
from devicekit.app.worker import Job
from devicekit.system.options import ReadOptions
from tests.unit.app.test_requests import ask

FORM = "application/x-www-form-urlencoded"
LOOP = [*range(11), *range(9, -11, -1), *range(-9, 1)]
SWEEPS = "V (V),I\n" + "".join(f"{v / 10},{v * 1e-5 + 1e-6:.6g}\n" for _ in range(3) for v in LOOP)  # no unit of I
STATES = "pulse,G (uS)\n" + "".join(f"{k},{k % 20 + 1 + (k // 20) % 2}\n" for k in range(100))


def post(app: state.App, path: str, **form: str) -> tuple[int, str]:
    return ask(
        app, path, [urlencode({name.replace("_", "-"): value for name, value in form.items()}).encode()], kind=FORM
    )


def facts(page: str) -> dict[str, str]:
    return dict(re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd></div>", page))


def ran(app: state.App) -> list[str]:
    """Return the tasks that ran, without the first looks."""
    worker: Any = app.quick_worker
    return [task for task in worker.ran if task != "peek"]


def test_a_picture_is_shown_and_nothing_is_computed_before_the_answer(app: state.App, opened: Any) -> None:
    where = opened(SWEEPS)
    page = ask(app, where)[1]
    assert facts(page)["points per sweep"] == "41"
    assert page.count("<figure") == 2  # V against row, and the I-V
    assert re.findall(r'name="choice-0" value="0" required checked', page)
    assert "line 2 of the file:" in page
    assert "<code>0.0,1e-06</code>" in page
    assert ran(app) == ["read"]
    (upload,) = app.uploads
    assert upload.question is not None
    status, _ = post(app, f"{where}/answer", choice_0="0")
    assert status == 303
    page = ask(app, where)[1]
    assert 'id="question"' not in page
    assert ran(app) == ["read", "read", "characterize"]
    assert upload.analysis_job is not None
    assert upload.analysis_job.arguments["reading"].unit == "A"


@pytest.mark.slow
def test_other_answers_are_looked_at_without_being_given(app: state.App, opened: Any) -> None:
    where = opened(SWEEPS)
    first = ask(app, where)[1]
    status, page = post(app, f"{where}/look", choice_0="1")  # nA or uA: the whole page, as without a script
    assert status == 200
    assert re.findall(r'name="choice-0" value="1" required checked', page)
    shown = [re.findall(r"current (-?[\d.]+ \w+)", each) for each in (first, page)]
    assert shown == [["1 µA", "1 µA"], ["1 nA", "1 nA"]]
    page = post(app, f"{where}/look", choice_0="0")[1]  # what was looked at before is not shown again
    assert re.findall(r"current (-?[\d.]+ \w+)", page) == ["1 µA", "1 µA"]
    (upload,) = app.uploads
    assert upload.question is not None  # still open
    assert ran(app) == ["read", "read", "read"]
    assert len(app.jobs) == 2  # of the first look and of reading; that of the picture is gone
    status, page = post(app, f"{where}/look", choice_0="own", own_0_unit="parsec")
    assert status == 200
    assert "parsec" in page
    assert "<figure" not in page.partition('id="question"')[0]  # no picture of other answers


def chosen(page: str) -> list[str]:
    """Return the answers that are chosen, in the order of the questions."""
    return re.findall(r'value="(?:\d+|own)" required checked> (?:A )?(\w+)', page)


@pytest.mark.slow
def test_questions_that_follow_from_an_answer_come_into_the_same_form(app: state.App, opened: Any) -> None:
    where = opened("SetVoltage(V)\n" + "".join(f"{5 + k % 3 / 10}\n" for k in range(11)))
    page = ask(app, where)[1]
    assert chosen(page) == ["summary", "cycle"]  # by the name of the column
    page = post(app, f"{where}/look", choice_0="0", choice_1="0")[1]
    assert facts(page)["devices"] == "1"
    assert chosen(page) == ["summary", "cycle"]
    (form,) = re.findall(r'name="asked" id="asked" value="(\w+)"', page)
    page = post(app, f"{where}/look", choice_0="0", choice_1="1", asked=form)[1]
    assert facts(page)["devices"] == "11"
    assert chosen(page) == ["summary", "device"]
    page = post(app, f"{where}/look", choice_0="3", choice_1="1", asked=form)[1]
    assert chosen(page) == ["None"]  # of a record nothing else is asked
    (now,) = re.findall(r'name="asked" id="asked" value="(\w+)"', page)
    page = post(app, f"{where}/look", choice_0="0", asked=now)[1]
    assert chosen(page) == ["summary", "device"]  # what was answered before is known
    status, _ = post(app, f"{where}/answer", choice_0="0", asked=now)  # the other is left out
    page = ask(app, where)[1]
    assert status == 303
    assert chosen(page) == ["summary", "device"]  # nothing that was answered is lost
    post(app, f"{where}/answer", choice_0="0", choice_1="1")
    assert 'id="question"' not in ask(app, where)[1]
    (upload,) = app.uploads
    assert upload.read_result is not None
    assert upload.read_result.reading == ReadOptions(kind="summary", row_is="device")


@pytest.mark.slow
def test_statements_are_accepted_one_by_one_and_the_command_says_so(app: state.App, opened: Any) -> None:
    where = opened(STATES)
    ask(app, where)
    (upload,) = app.uploads
    assert upload.question is not None
    subjects = [each.subject for each in upload.question.each]
    assert all(subjects)
    status, _ = post(app, f"{where}/answer", **{f"choice_{k}": "0" for k in range(len(subjects))})
    assert status == 303
    page = ask(app, where)[1]
    assert 'id="question"' not in page
    result = upload.read_result
    assert result is not None
    assert len(result.answered.accepted) == len(subjects)
    assert result.reading.accept
    assert result.reproduction is not None
    assert "--accept" in result.reproduction.command
    assert "accepted" in [code for code, _ in result.seen.warnings]  # type: ignore[union-attr]


@pytest.mark.slow
def test_an_answer_that_the_file_refuses_keeps_the_form(app: state.App, opened: Any) -> None:
    where = opened(SWEEPS)
    ask(app, where)
    post(app, f"{where}/answer", choice_0="own", own_0_unit="kohm")
    page = ask(app, where)[1]
    assert 'role="alert"' in page
    assert 'id="question"' in page
    assert 'name="own-0-unit" value="kohm"' in page
    assert re.findall(r'name="choice-0" value="own" required checked', page)
    post(app, f"{where}/answer", choice_0="0", columns="voltage_v=nothing")  # options that the file refuses
    page = ask(app, where)[1]
    assert "nothing" in page.partition("</h1>")[2].partition("</p>")[0]
    assert 'name="columns" value="voltage_v=nothing"' in page


def test_answers_of_a_page_that_was_left_open_are_refused(app: state.App, opened: Any) -> None:
    where = opened(SWEEPS)
    ask(app, where)
    status, page = post(app, f"{where}/answer", choice_0="0", asked="0" * 32)
    assert status == 422
    assert "changed" in page


@pytest.mark.slow
def test_a_recipe_is_kept_with_the_answer_and_found_for_the_next_file(app: state.App, opened: Any) -> None:
    where = opened("a,b,V (V),I\n" + "".join(f"1,2,{v / 10},{v * 1e-5 + 1e-6:.6g}\n" for _ in range(3) for v in LOOP))
    ask(app, where)
    (upload,) = app.uploads
    answers = {f"choice_{k}": "0" for k in range(len(upload.question.each))}
    post(app, f"{where}/answer", **answers, keep_recipe="yes", recipe_name="our make")
    assert "our make" in ask(app, where)[1]
    assert (app.recipes / "our make.toml").is_file()
    other = opened(
        "a,b,V (V),I\n" + "".join(f"1,2,{v / 10},{v * 2e-5:.6g}\n" for _ in range(3) for v in LOOP), "two.csv"
    )
    page = ask(app, other)[1]
    assert 'id="question"' not in page
    assert "our make" in page
    third = opened(SWEEPS)
    ask(app, third)
    status, page = post(app, f"{third}/answer", choice_0="0", keep_recipe="yes", recipe_name="our make")
    assert status == 422
    assert "exists" in page


def test_of_a_file_without_a_table_yet_the_numbers_are_drawn_over_the_rows(app: state.App, opened: Any) -> None:
    where = opened("pulse,I (uA)\n" + "".join(f"{k},{3 * k + 5}\n" for k in range(30)))  # at which read voltage?
    page = ask(app, where)[1]
    (upload,) = app.uploads
    assert upload.question is not None
    assert upload.read_result is not None
    assert upload.read_result.seen is None
    assert page.partition('id="question"')[0].count("<figure") == 2
    assert "I (uA) over rows." in page
    assert ran(app) == ["read"]


def test_a_first_look_does_not_wait_for_the_analysis_of_another_file(app: state.App, opened: Any) -> None:
    quick: Any = app.quick_worker
    long: Any = app.long_worker
    quick.task = "characterize"
    page = ask(app, opened(SWEEPS))[1]
    assert long.ran == ["peek"]
    assert quick.ran == ["read"]
    assert page.count("<figure") == 2


def test_a_first_look_is_shown_while_a_file_is_read(app: state.App, opened: Any) -> None:
    where = opened(SWEEPS)
    (upload,) = app.uploads
    worker: Any = app.quick_worker
    run = worker.submit

    def submit(job: Job) -> None:
        run(job) if job.task == "peek" else None

    worker.submit = submit
    page = ask(app, where)[1]
    assert 'class="progress"' in page
    assert page.count("<figure") == 2
    assert ask(app, f"{where}/first")[1].count("<figure") == 2
    upload.first_job = Job("opening", "peek", {}, upload.folder, state="failed")
    assert ask(app, f"{where}/first") == (200, "")


def test_a_table_that_has_no_figures_of_merit_is_offered_all_the_same(tmp_path: Path) -> None:
    file = tmp_path / "one.csv"
    file.write_text("cycle,G (uS)\n" + "".join(f"{k},{20 + k % 3}\n" for k in range(12)))
    reading = ReadOptions(kind="endurance", columns={"value": "G (uS)"}, constant={"level": "lrs"})
    found = Tasks().characterize(file, reading, {}, tmp_path, lambda *step: None)
    assert "LRS and HRS" in found.failed
    assert found.files == ("table.csv",)
    assert len((tmp_path / "table.csv").read_text().splitlines()) == 13
    assert "--constant level=lrs" in found.reproduction.command
