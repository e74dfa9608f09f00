"""Cards from labels: the law gives NeuroSim's exponential, the labels come back, and missing ones are asked for."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devicekit.core.errors import UsageError
from devicekit.device.card import load_card
from devicekit.exporters import export
from devicekit.fitting.labels import Labels, card_from_labels, find_labels, make_train, published_devices
from devicekit.models.labels import a_of_label, nl_label, nl_of_curve
from devicekit.names import marks_in
from devicekit.names.marks import SENTENCES
from devicekit.system.catalog import marks


@pytest.mark.parametrize("nl", [0.01, 0.5, 2.40, 4.88, 8.9])
def test_the_constant_of_a_label_is_that_of_the_label(nl: float) -> None:
    assert nl_label(a_of_label(nl)) == pytest.approx(nl, rel=1e-9)


@pytest.mark.parametrize("name", list(published_devices()))
def test_the_law_of_a_card_steps_along_the_train_of_its_labels(name: str) -> None:
    labels = published_devices()[name]
    card, frame = card_from_labels(labels), make_train(labels).frame
    assert (card.window.high, card.window.low) == pytest.approx((labels.g_max_s, labels.g_max_s / labels.on_off))
    for direction, branch, nl in zip(("ltp", "ltd"), (card.ltp, card.ltd), labels.nl, strict=True):
        g = frame.loc[frame["direction"] == direction, "conductance_s"].to_numpy()
        fall = (g - g.min()) / (g.max() - g.min())
        x = fall if direction == "ltp" else 1 - fall
        assert nl_of_curve(x) == pytest.approx(nl if direction == "ltp" else -nl, rel=0.02, abs=0.01)
        level, kappa = branch.theta
        made = [branch.x0]
        for _ in x[1:]:
            made.append(made[-1] + math.exp(level) * (1 - kappa * made[-1]) / (1 - kappa / 2))
        assert np.array(made) == pytest.approx(x, abs=1e-9)
        assert getattr(card.variation, direction).c2c["increment"].value == labels.c2c
    assert card.marks == ("published",)
    assert [each.code for each in card.warnings] == ["labels"]


def test_a_label_of_slow_start_is_the_mirror_of_a_steep_one() -> None:
    given = {"g_max_s": 1e-5, "on_off": 10, "pulses": (50, 50), "nl": "2,2", "c2c": 0.01, "source": "here"}
    labels = find_labels("mine", given)
    frame = make_train(labels).frame.set_index(["direction", "pulse_index"])["conductance_s"]
    assert frame["ltd"].to_numpy()[::-1] == pytest.approx(frame["ltp"].to_numpy())  # along one curve, up and down


def test_the_card_of_a_known_device_is_written_and_read(devicekit: Any, tmp_path: Path) -> None:
    listed = devicekit("card", "from-labels", "--json").json["devices"]
    assert [each["name"] for each in listed] == list(published_devices())
    out = tmp_path / "e.json"
    devicekit("card", "from-labels", "epiram", "--c2c", "0.05", "--out", str(out))
    card = load_card(out)
    assert card.variation.ltp.c2c["increment"].value == 0.05
    assert "changed" in json.loads(out.read_text())["provenance"]["settings"]["labels"]
    assert card.marks == ("published",)
    assert not card.provenance.synthetic
    assert devicekit("library", "add", str(out), "--library", str(tmp_path / "lib")).code == 0
    (record,) = devicekit("library", "list", "--library", str(tmp_path / "lib"), "--json").json["records"]
    assert (record["published"], record["synthetic"]) == (True, False)
    export(card, "crosssim", tmp_path / "made")
    assert marks(tmp_path / "made" / "README.txt") == ("published",)
    for text in ((tmp_path / "made" / "README.txt").read_text(), devicekit(out).out):
        assert marks_in(text) == ("published",)
        assert SENTENCES["simulated"] not in text
    assert devicekit("card", "from-labels", "nobody", "--out", str(out)).code == 2
    assert devicekit("card", "from-labels", "--c2c", "0.05").code == 2  # of which device?


@pytest.mark.parametrize(
    "wrong",
    [
        {"on_off": 1.0},
        {"g_max_s": 0.0},
        {"g_max_s": 12.0},
        {"pulses": (3, 50)},
        {"nl": (9.5, 0.0)},
        {"c2c": math.nan},
        {"nl": "2"},
    ],
)
def test_labels_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong)).removesuffix("_s")):
        find_labels("EpiRAM", wrong)


def test_labels_need_all_that_a_card_needs() -> None:
    with pytest.raises(UsageError, match="g_max"):
        find_labels("mine", {"on_off": 10.0})
    with pytest.raises(TypeError):
        Labels(name="x")  # type: ignore[call-arg]
