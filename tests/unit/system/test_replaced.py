"""Results of an earlier run of the same command with other settings: replaced, and told so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("without_pictures")
SWEEP = "V (V),I (A)\n" + "".join(f"{volt / 10},{volt * 1e-6}\n" for volt in (*range(12), *range(12, -13, -1)))


def test_a_folder_replaced_by_other_settings_says_which(
    devicekit: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("lot", "moved/lot", "moved/lot2"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "W1_C1_iv.csv").write_text(SWEEP)

    def replaced(*options: object, folder: str = "lot") -> list[dict[str, Any]]:
        ran = devicekit("population", folder, "--out", "out", "--accept", *options, "--json")
        found = ran.json.get("replaced", [])
        assert all(name in ran.err for each in found for name in each["settings"])
        return [each["settings"] for each in found]

    monkeypatch.chdir(tmp_path)
    assert replaced("--jobs", 1) == []
    assert replaced("--jobs", 1, "--seed", 0) == []  # as by default
    assert replaced("--jobs", 1, "--seed", 1) == [{"--seed": {"before": None, "now": "1"}}]
    assert replaced("--jobs", 1) == [{"--seed": {"before": "1", "now": None}}]
    (tmp_path / "out").rename("moved/out")
    monkeypatch.chdir("moved")
    assert replaced("--jobs", 1) == []
    assert replaced("--jobs", 1, folder="lot2") == [{"input": {"before": "../lot", "now": "../lot2"}}]
