"""Every measured file in the app: at most one answer, then a result that equals the command's, or one sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from devicekit import catalog
from tests.visited import Visit

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Asked:
    """What is answered to a file's question, or read differently, and what is then shown.

    Parameters
    ----------
    answer : int or str, optional
        Number of the choice, "own", or "read" where the reading options are set; None where nothing is asked.
    blanks : tuple of str
        What is filled in.
    more : dict
        Fields beside it.
    shows : str
        A part of the page that follows.
    refused : bool
        Whether that is the sentence which refuses it.
    """

    answer: int | str | None = None
    blanks: tuple[str, ...] = ()
    more: dict[str, str] = field(default_factory=dict)
    shows: str = "Figures of merit"
    refused: bool = False


BINARY = Asked(shows="is a binary file, not text; devicekit cannot read this format", refused=True)
DIGITS = Asked(shows="65 columns of whole numbers and no names: no table of measured devices", refused=True)
CURRENT = Asked(1, ("0.1",), shows="Fit of ")
BAKE = Asked("read", more={"recipe": "rram-1t1r-bake"}, shows="has 1 reading; a fit needs at least 8", refused=True)
MEASURED = {
    "compliance_ladder/iv_50_100_200_400uA.csv": Asked(1),
    "crosssim_ramps": Asked("read", more={"quantity": "current", "read_voltage": "0.1"}, shows="Fit of crosssim_ramps"),
    "crosssim_ramps/set.csv": CURRENT,
    "crosssim_ramps/reset.csv": CURRENT,
    "gong_reram/gong_et_al.csv": Asked(0, more={"quantity": "weight"}, shows="Fit of "),
    "keithley4200/vgs-id#1@_vds_100mV_vgs_-40_60V_L4S_L3D_vac05_MoS2_280K.xls": Asked(),
    "keithley4200/vgs-id#5@_vds_100mV_vgs_-40_60V_L4S_L3D_vac06_MoS2_260K.xls": Asked(),
    "mnist/t10k-images-idx3-ubyte.gz": BINARY,
    "mnist/t10k-labels-idx1-ubyte.gz": BINARY,
    "mnist/train10k-images-idx3-ubyte.gz": BINARY,
    "mnist/train10k-labels-idx1-ubyte.gz": BINARY,
    "optdigits/optdigits.tes": DIGITS,
    "optdigits/optdigits.tra": DIGITS,
    "rram_1t1r/endurance_log.csv": Asked(),
    "rram_1t1r/postbake130.tsv": BAKE,
    "rram_1t1r/prebake130.tsv": BAKE,
    "rram_1t1r/read_voltage_sweep.tsv": Asked("read", more={"recipe": "rram-1t1r-read-sweep"}),
    "rram_1t1r/set_sweep.tsv": Asked(
        "read", more={"recipe": "rram-1t1r-set-sweep"}, shows="has 2 readings; a fit needs at least 8", refused=True
    ),
}
SHIPPED = ("pt-hfo2-al2o3-ti", "reference-dc", "reference-endurance", "reference-retention", "reference-stdp")


# Folders of measured files that no browser test covers so far: a whole laboratory, and kinds without a reader.
WITHOUT = ("bakes", "form_set_reset", "vcm_trains")


def test_every_measured_file_is_listed_here(measured: Path) -> None:
    files = (each.relative_to(measured) for each in measured.rglob("*") if each.is_file())
    there = {str(each) for each in files if each.parts[0] not in WITHOUT}
    assert {each for each in there if not each.endswith(("LICENSE", "README.md"))} == set(MEASURED) - {"crosssim_ramps"}


@pytest.mark.parametrize("name", MEASURED)
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
        kept(visit)
    visit.app.post(f"{visit.path}/close")


def kept(visit: Visit) -> None:
    """Keep a result and find it in the library by its id."""
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
    kept(visit)
