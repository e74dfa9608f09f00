"""Wording of the results, kept in a file: verdict, sentences and warnings of a table of each kind, without numbers."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from pytest_regressions.file_regression import FileRegressionFixture

from devicekit.features.characterize import characterize
from devicekit.features.page import characterization_page, part
from devicekit.synthetic import ageing, dynamics, records
from devicekit.tables import SweepTable, Table


def reads(n: int = 3) -> SweepTable:
    """Return loops up to 0.2 V that do not switch."""
    v = np.r_[np.linspace(0.01, 0.2, 20), np.linspace(0.2, 0.01, 20)]
    parts = [
        pd.DataFrame({"device_id": "d", "cycle": k, "point": range(v.size), "voltage_v": v, "current_a": 1e-5 * v})
        for k in range(1, n + 1)
    ]
    return SweepTable(pd.concat(parts, ignore_index=True))


def tables() -> dict[str, Table]:
    """Return a table of each kind."""
    bake = ageing.bake()
    two = bake.frame[bake.frame["temperature_k"].isin(sorted(bake.frame["temperature_k"].unique())[:2])]
    wear = ageing.wear()
    early = wear.frame[wear.frame["cycle"] < 1000]
    return {
        "sweeps": records.sweeps(16),
        "sweeps at two compliances": SweepTable(
            pd.concat([
                records.sweeps(5, truth=records.SweepTruth(compliance=limit, g_lrs=limit / 0.55), seed=k)
                .frame.assign(device_id=f"d{k}")
                for k, limit in enumerate((1e-4, 4e-4))
            ], ignore_index=True)
        ),
        "readings": reads(),
        "endurance": wear,
        "endurance without failures": type(wear)(early.reset_index(drop=True), {}, ()),
        "bakes at several temperatures": bake,
        "bakes at two temperatures": type(bake)(two.reset_index(drop=True), {}, ()),
        "retention": records.retention(2),
        "relaxation": dynamics.transient(2, 30),
    }  # fmt: skip


def words(text: str) -> str:
    """Return a text with # for each number."""
    return re.sub(r"(?<![A-Za-z\d])-?\d+(?:\.\d+)?(?:e[-+]?\d+)?", "#", text)


class Described(NamedTuple):
    """Texts of one table: verdict, sentences, summary and warnings, and paragraphs and captions of its section."""

    verdict: str
    sentences: list[str]
    summary: list[str]
    warnings: list[str]
    paragraphs: list[str]
    captions: list[str]


@pytest.fixture(scope="module")
def described() -> dict[str, Described]:
    """Characterise a table of each kind, without drawing."""
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("devicekit.report.pictures.render", lambda *_, **__: b"<svg/>")
        for name, table in tables().items():
            result = characterize(table)
            page = characterization_page([part(result, name)], "command")
            blocks = page.sections[0].blocks
            found[name] = Described(
                page.verdict,
                result.sentences(),
                list(page.summary),
                [f"{each.code}: {each.message}" for each in result.warnings],
                [each for block in blocks for each in getattr(block, "paragraphs", ())],
                [block.caption for block in blocks if hasattr(block, "caption")],
            )
    return found


@pytest.mark.slow
def test_the_wording_of_results(described: dict[str, Described], file_regression: FileRegressionFixture) -> None:
    lines: list[str] = []
    for name, each in described.items():
        lines += ["", f"== {name}", f"verdict: {each.verdict}", *each.sentences]
        lines += [f"warning {text}" for text in each.warnings]
        lines += [f"text: {text}" for text in each.paragraphs]
        lines += [f"caption: {text}" for text in each.captions]
    file_regression.check(words("\n".join(lines)).strip() + "\n", extension=".txt")


def test_no_sentence_stands_twice_on_a_page(described: dict[str, Described]) -> None:
    for name, each in described.items():
        warnings = [f"{text.partition(': ')[2]}." for text in each.warnings]
        texts = [each.verdict, *each.summary, *each.paragraphs, *each.captions, *warnings]
        sentences = [part.lower() for text in texts for part in re.split(r"(?<=\.) ", text)]
        assert len(set(sentences)) == len(sentences), name
