"""Words of the app: labels for options in messages and pages, and the options of an analysis from its form."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette")

from devicekit.app.analysis import build_analysis, parse_analysis
from devicekit.app.labels import use_field_labels, use_labels, use_setting_labels
from devicekit.app.results import ReadResult, Seen
from devicekit.app.state import App
from devicekit.core.codes import WARNING_CODES
from devicekit.core.errors import UsageError
from devicekit.verbs.characterize import CharacterizeRequest, _reproduction
from snn.config import TrainingConfig

# Advice that names what the app has no field for.
ELSEWHERE: set[str] = set()


def test_no_advice_on_a_warning_names_an_option_of_the_command_line() -> None:
    left = {flag for kind in WARNING_CODES.values() for flag in re.findall(r"--[a-z-]+", use_labels(kind.what_to_do))}
    assert left == ELSEWHERE


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        ("<dd>Give --thickness in metres.</dd>", "<dd>Fill in “Thickness of the film” in metres.</dd>"),
        (
            "<dd>try --map value=NAME, or --set margin=3</dd>",
            "<dd>try “Columns” value=NAME, or “Lead without an update” 3</dd>",
        ),
        ("<p>see it (devicekit read --plot); then</p>", "<p>see it; then</p>"),
        ("<pre><code>devicekit fit --loss tukey</code></pre>", "<pre><code>devicekit fit --loss tukey</code></pre>"),
        ('<a title="--loss">a--unit b</a>', '<a title="--loss">a--unit b</a>'),
        ("<textarea>title = 'chip --unit 3'</textarea>", "<textarea>title = 'chip --unit 3'</textarea>"),
    ],
)
def test_pages_have_labels_except_where_something_is_typed(page: str, shown: str) -> None:
    assert use_labels(page) == shown


def test_messages_have_labels_for_options_and_settings() -> None:
    assert use_field_labels("Pass --read-voltage, or unit=uS") == "Fill in “Read voltage”, or “Unit” uS"
    for each in TrainingConfig.declared().values():
        assert use_setting_labels(f"{each.name} must be 1.") == f"“{each.form.partition(' [')[0]}” must be 1."
    assert use_setting_labels("wire_gains needs lines. Set wire_ohm.") == (
        "“Model of the lines” needs lines. Set “Resistance of a line”."
    )
    plain = "A hybrid run needs at least 2 epochs"
    assert use_setting_labels(plain) == plain


def read_upload(app: App, kind: str) -> Any:
    """Return an upload that was read as a table of a kind."""
    upload = app.uploads.open("mine.csv", False)
    upload.is_complete = True
    job = app.submit("reading", "train")
    seen = Seen(kind, "table", (), (), (), (), (), (), (), "")
    job.state, job.result = "done", ReadResult(seen=seen, fits=kind == "pulse")
    upload.read_job = job
    return upload


def test_the_form_of_an_analysis_follows_from_its_request(app: App) -> None:
    fields = {kind: [each.name for _, group in build_analysis(read_upload(app, kind)) for each in group]
              for kind in ("pulse", "sweep", "endurance", "retention")}  # fmt: skip
    assert fields["pulse"][:2] == ["model", "loss"]
    assert fields["sweep"] == ["v_set", "v_reset", "thickness", "area", "temperature", "permittivity"]
    assert fields["endurance"] == ["threshold"]
    assert {"horizon", "life_temperature", "bake"} <= set(fields["retention"])


@pytest.mark.parametrize(
    ("entries", "options"),
    [
        ({"thickness": "5 nm", "area": "25 um2", "temperature": "85 °C"}, (5e-9, 2.5e-11, 358.15)),
        ({"thickness": "5e-9", "area": "2,5e-11", "temperature": "358.15 K"}, (5e-9, 2.5e-11, 358.15)),
        ({"v_set": "half_ln_g", "thickness": ""}, ()),
    ],
)
def test_numbers_are_taken_with_and_without_a_unit(
    app: App, entries: dict[str, str], options: tuple[float, ...]
) -> None:
    found = parse_analysis(read_upload(app, "sweep"), entries)
    assert tuple(found.values()) == pytest.approx(options)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"thickness": "5 V"}, "“Thickness of the film” is in m, not in V"),
        ({"temperature": "1,000"}, "takes a number in K"),
        ({"thickness": "thin"}, "“Thickness of the film” takes a number in m"),
        (
            {"thickness": "-5e-9"},
            r"“Thickness of the film” must be .* above 1e-10 and at most 0.001 \[m\]",
        ),
        ({"permittivity": "high"}, "“Relative permittivity” takes a value such as 4:25"),
        ({"v_set": "mine"}, "“Definition of V_set” takes half_ln_g"),
        ({"bits": "2, x"}, "“Bits of a cell” takes a whole number"),
    ],
)
def test_a_wrong_entry_is_named_by_its_label(app: App, entries: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_analysis(read_upload(app, "sweep"), entries)


def test_options_of_an_analysis_are_in_its_command() -> None:
    request = CharacterizeRequest(files=(Path("sweep.csv"),), thickness=5e-9, permittivity=(4.0, 25.0), bits=(2, 3))
    found = _reproduction(request)
    assert "--thickness 5e-09 --permittivity 4:25" in found.command
    assert found.command.endswith("--bits 2 --bits 3")
    assert "thickness_m=5e-09" in found.python


def test_coefficients_are_fixed_and_bounded_in_the_form(app: App) -> None:
    upload = read_upload(app, "pulse")
    upload.options = parse_analysis(upload, {"fix": "ltp.a=0.3, d=1", "bounds": "ltp.c=0:1"})
    assert upload.options == {"fix": {"ltp.a": 0.3, "d": 1.0}, "bounds": {"ltp.c": (0.0, 1.0)}}
    ((_, fields),) = build_analysis(upload)
    assert {each.name: each.value for each in fields if each.value.count("=")} == {
        "fix": "ltp.a=0.3, d=1",
        "bounds": "ltp.c=0:1",
    }
    with pytest.raises(UsageError, match="“Fixed coefficients” takes a value such as"):
        parse_analysis(upload, {"fix": "ltp.a"})
