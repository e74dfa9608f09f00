"""The first page of every kind of report: one sheet of A4 and of Letter, and its first picture on a telephone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devicekit.core.codes import WARNING_CODES
from devicekit.core.errors import CodedWarning
from devicekit.core.scalars import Scalar
from devicekit.plot import Axis, Curve, Panel
from devicekit.report import MARKS, Report, Section, Text, draw

from .conftest import NAMES, unpacked

pytestmark = pytest.mark.slow

PAPERS = {"A4": (8.27, 11.69), "Letter": (8.5, 11.0)}
ALONE = "document.querySelectorAll('main > :not(.first)').forEach(each => each.remove())"
FIRST_PICTURE = """(() => {
  const box = document.querySelector('.first figure').querySelector('.chart, img:not(.live > img)')
    .getBoundingClientRect();
  return {top: box.top, bottom: box.bottom};
})()"""


def sheets(pdf: bytes) -> int:
    """Return the number of pages of a PDF."""
    return len(re.findall(rb"/Type\s*/Page\b", unpacked(pdf)))


def crowded(length: int) -> Report:
    """Build a first page with all its parts and long texts; `length` is that of a file name."""
    name = f"{'wafer7_die_r3c5_pt-hfo2-al2o3-ti_ltp_ltd_100_pulses_5us_' * 3}"[:length] + ".csv"
    line = Curve("all 400 LTP trains", np.arange(100.0), np.arange(100.0) ** 0.5)
    panel = Panel(Axis("pulse number"), Axis("conductance G", "µS"), [line])
    caption = f"Mean curves of the trains of {name} and the fitted law, LTP then LTD."
    pictures = [draw(panel, caption, f"{n}: a rising curve") for n in range(3)]
    label = "mean step of the faster branch over that of the other one, of LTP and LTD, over all devices"
    numbers = [
        Scalar(f"n{n}", f"{label} {n}", 0.012345 * n, of="window", low=0.001234, high=0.98765) for n in range(1, 6)
    ]
    codes = ["growing_amplitude", "structured", "no_switching", "few_points", "weak", "columns"]
    message = f"LTP: {name}: residuals are correlated (lag-1 0.87) and 12.3 times the noise of the mean curve; " + (
        "the fit takes this for scatter of updates, which one cycle cannot tell from a wrong shape"
    )
    return Report(
        f"Fit of {name}",
        "Undecided: this device loses 1.6 points of accuracy (95 %: 0.4 to 2.7) against an ideal device, which may be "
        "more or less than 2. About 32 pairs of seeds (--seeds) would decide. Main risk: asymmetry. LTP and LTD steps "
        "differ 1.9-fold; at 3.3-fold an otherwise good device loses 2 points.",
        ["In short."],
        [Section("Warnings", "warnings", [Text(["None."])])],
        marks=list(MARKS),
        pictures=pictures,
        numbers=numbers,
        warnings=[CodedWarning(code, message) for code in codes if code in WARNING_CODES],
        source=f"{name}, 400 LTP and 400 LTD trains of 20 devices, 5 µs pulses · SHA-256 0123456789ab",
    )


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("name", NAMES)
def test_a_first_page_is_one_sheet(name: str, paper: str, reports: dict[str, Path], chromium: Any) -> None:
    chromium.open(reports[name], 1280)
    chromium.evaluate(ALONE)
    assert sheets(chromium.pdf(PAPERS[paper])) == 1


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("pictures", [0, 1, 2, 3])
def test_the_fullest_first_page_is_one_sheet(paper: str, pictures: int, chromium: Any, tmp_path: Path) -> None:
    from dataclasses import replace

    report = crowded(60)
    path = tmp_path / "report.html"
    replace(report, pictures=report.pictures[:pictures]).save(path)
    chromium.open(path, 1280)
    whole = sheets(chromium.pdf(PAPERS[paper]))
    chromium.evaluate(ALONE)
    assert sheets(chromium.pdf(PAPERS[paper])) == 1
    assert whole == 2  # what follows begins on a sheet of its own


def just_roomy() -> Report:
    """Build a first page with the most text beside full-size pictures, mostly warnings."""
    from dataclasses import replace

    report = crowded(20)
    numbers = [
        replace(each, label="pulses from lowest to highest state (mean of LTP and LTD)") for each in report.numbers
    ]
    pictures = [replace(each, title=f"{each.alt}, its mean and the fit") for each in report.pictures]
    report = replace(report, numbers=numbers, pictures=pictures, verdict="It follows the mean curves to 0.2 %.")
    for length in range(400, 0, -5):
        warnings = [replace(each, message=(each.message * 2)[:length]) for each in report.warnings]
        found = replace(report, warnings=warnings)
        if not found.is_dense:
            return found
    raise AssertionError("too much text without any warning")


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("pictures", [1, 2, 3])
def test_the_fullest_page_with_large_pictures_is_one_sheet(
    paper: str, pictures: int, chromium: Any, tmp_path: Path
) -> None:
    from dataclasses import replace

    report, path = just_roomy(), tmp_path / "report.html"
    replace(report, pictures=report.pictures[:pictures]).save(path)
    assert not report.is_dense
    assert crowded(60).is_dense
    chromium.open(path, 1280)
    chromium.evaluate(ALONE)
    assert sheets(chromium.pdf(PAPERS[paper])) == 1


def test_a_page_longer_than_a_sheet_is_detected(chromium: Any, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    crowded(4000).save(path)
    chromium.open(path, 1280)
    chromium.evaluate(ALONE)
    assert sheets(chromium.pdf()) > 1


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
@pytest.mark.parametrize("name", NAMES)
def test_a_telephone_shows_the_first_picture_at_once(
    name: str, script: bool, reports: dict[str, Path], chromium: Any
) -> None:
    chromium.open(reports[name], 390, 844, script=script)
    box = chromium.evaluate(FIRST_PICTURE)
    assert box["top"] > 0
    assert box["bottom"] < 844
