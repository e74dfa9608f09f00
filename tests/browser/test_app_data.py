"""Every measured file in the app: at most one answer, then the result of the command line, or one message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from devicekit.system import catalog
from tests.visited import Visit

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Answer:
    """Answer to the question of a file, or reading options, and a text that is shown then.

    Parameters
    ----------
    answer : int or str, optional
        Number of the choice, "own", or "read" where the reading options are set; None where nothing is asked.
    blanks : tuple of str
        Entries of the blanks.
    more : dict
        Fields beside the answer.
    shows : str
        A part of the page that follows.
    refused : bool
        True if that text refuses the file.
    """

    answer: int | str | None = None
    blanks: tuple[str, ...] = ()
    more: dict[str, str] = field(default_factory=dict)
    shows: str = "Figures of merit"
    refused: bool = False


BINARY = Answer(shows="binary file", refused=True)
DIGITS = Answer(shows="65 columns of whole numbers", refused=True)
CURRENT = Answer("own", more={"kind": "pulse", "quantity": "current", "read_voltage": "0.1"}, shows="Fit of ")
BAKE = Answer("read", more={"recipe": "rram-1t1r-bake"}, shows="has 1 reading", refused=True)
MEASURED = {
    "compliance_ladder/iv_50_100_200_400uA.csv": Answer(1),
    "crosssim_ramps": Answer(
        "read", more={"quantity": "current", "read_voltage": "0.1"}, shows="Fit of crosssim_ramps"
    ),
    "crosssim_ramps/set.csv": CURRENT,
    "crosssim_ramps/reset.csv": CURRENT,
    "gong_reram/gong_et_al.csv": Answer("own", more={"kind": "pulse", "quantity": "weight"}, shows="Fit of "),
    "keithley4200/vgs-id#1@_vds_100mV_vgs_-40_60V_L4S_L3D_vac05_MoS2_280K.xls": Answer(),
    "keithley4200/vgs-id#5@_vds_100mV_vgs_-40_60V_L4S_L3D_vac06_MoS2_260K.xls": Answer(),
    "mnist/t10k-images-idx3-ubyte.gz": BINARY,
    "mnist/t10k-labels-idx1-ubyte.gz": BINARY,
    "mnist/train10k-images-idx3-ubyte.gz": BINARY,
    "mnist/train10k-labels-idx1-ubyte.gz": BINARY,
    "optdigits/optdigits.tes": DIGITS,
    "optdigits/optdigits.tra": DIGITS,
    "rram_1t1r/endurance_log.csv": Answer(),
    "rram_1t1r/postbake130.tsv": BAKE,
    "rram_1t1r/prebake130.tsv": BAKE,
    "rram_1t1r/read_voltage_sweep.tsv": Answer("read", more={"recipe": "rram-1t1r-read-sweep"}),
    "rram_1t1r/set_sweep.tsv": Answer(
        "read", more={"recipe": "rram-1t1r-set-sweep"}, shows="has 2 readings", refused=True
    ),
}
AGAIN = (  # files like another one of the list, read as it is
    "crosssim_ramps/reset.csv", "crosssim_ramps/set.csv",
    "keithley4200/vgs-id#5@_vds_100mV_vgs_-40_60V_L4S_L3D_vac06_MoS2_260K.xls",
    "mnist/t10k-labels-idx1-ubyte.gz", "mnist/train10k-images-idx3-ubyte.gz", "mnist/train10k-labels-idx1-ubyte.gz",
    "optdigits/optdigits.tes", "rram_1t1r/postbake130.tsv",
)  # fmt: skip
SHIPPED = ("pt-hfo2-al2o3-ti", "reference-dc", "reference-endurance", "reference-retention", "reference-stdp")


# Folders of measured files without a browser test.
WITHOUT = ("bakes", "form_set_reset", "vcm_trains")


def test_every_measured_file_is_listed_here(measured: Path) -> None:
    files = (each.relative_to(measured) for each in measured.rglob("*") if each.is_file())
    there = {str(each) for each in files if each.parts[0] not in WITHOUT}
    assert {each for each in there if not each.endswith(("LICENSE", "README.md"))} == set(MEASURED) - {"crosssim_ramps"}


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=pytest.mark.heavy if each in AGAIN else ()) for each in MEASURED]
)
def test_a_measured_file_takes_one_answer_and_equals_the_command(
    name: str, measured: Path, visit: Visit, same: Callable[..., None]
) -> None:
    file, asked = measured / name, MEASURED[name]
    text = visit.upload(file, selector="#folder" if file.is_dir() else "#files")
    assert bool(visit.get("!!document.getElementById('question')")) == (asked.answer is not None)
    if asked.answer == "read":
        text = visit.read_differently(**asked.more)
    elif asked.answer is not None:
        text = visit.answer(asked.answer, *asked.blanks, **asked.more)
    assert asked.shows in text
    assert not visit.get("!!document.getElementById('question')")  # one answer was enough
    visit.check(1280)
    visit.open(visit.path, 390, dark=True)
    visit.wait_for_text()
    visit.check(390)
    if not asked.refused:
        same(visit, file)
        check_keeping(visit)
    visit.app.post(f"{visit.path}/close")


def check_keeping(visit: Visit) -> None:
    """Add a result to the library and find it by its id."""
    where, record = visit.path, visit.keep()
    visit.open("/library")
    visit.wait_for_text()
    assert visit.get(f"!!document.querySelector('a[href=\"{record}\"]')")
    visit.check_console()
    visit.open(where)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_file_needs_no_answer_and_equals_the_command(
    name: str, visit: Visit, same: Callable[..., None]
) -> None:
    file = catalog.get(name).data
    text = visit.upload(file)
    assert f"{file.name}" in text
    assert not visit.get("!!document.getElementById('question')")
    visit.check(1280)
    same(visit, file)
    check_keeping(visit)
