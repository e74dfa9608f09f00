"""The runs of `test_snn_accuracy.py` on a set laid out as Optdigits whose classes do not overlap: they run everywhere.

Each class is a pattern of 24 bright pixels of 64, any two of which differ in 24 or more; an image has noise of 1 of 16.
The nearest pattern is therefore right for every image, and a network that learns reaches it.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from snn.data.load import load
from snn.training import TrainingConfig, train


def patterns():
    """Ten patterns, drawn until they are far enough from each other."""
    rng, found = np.random.default_rng(0), []
    while len(found) < 10:
        drawn = np.isin(np.arange(64), rng.choice(64, 24, replace=False))
        if all((drawn != other).sum() >= 24 for other in found):
            found.append(drawn)
    return np.array(found)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """300 images to train and 100 to test, written and read as the UCI files."""
    folder, rng, known = tmp_path_factory.mktemp("uci"), np.random.default_rng(1), patterns()
    for name, images in (("optdigits.tra", 300), ("optdigits.tes", 100)):
        labels = np.arange(images) % 10
        pixels = np.clip(np.rint(13 * known[labels] + 1 + rng.standard_normal((images, 64))), 0, 16).astype(int)
        nearest = np.abs(pixels[:, None] - 14 * known).sum(axis=2).argmin(axis=1)
        assert (nearest == labels).all()
        lines = [",".join(map(str, [*row, label])) for row, label in zip(pixels, labels, strict=True)]
        (folder / name).write_text("\n".join(lines) + "\n")
    return load("optdigits", folder)


def soft_bound(a):
    """Parameters of a soft bound that is crossed with a rate of 1 / a."""
    b = 1 / (1 - math.exp(-100 / a))
    return (math.log((b - 0.5) / a), 1 / b, 1.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("device", "settings"),
    [
        ("good", {"schedule": "constant"}),
        ("good", {}),
        (None, {"scheme": "offline"}),
        ("good", {"encoding": "dense"}),
        (None, {"scheme": "offline", "encoding": "dense"}),
        ("bad", {}),
        ("noisy", {"read_noise": True}),
        ("good", {"scheme": "hybrid"}),
        ("bad", {"scheme": "hybrid"}),
    ],
    ids=["constant", "growing", "offline", "dense", "dense offline", "bad", "read noise", "hybrid", "hybrid bad"],
)
def test_classes_that_do_not_overlap_are_all_separated(device, settings, card_maker, made):
    cards = {
        "good": card_maker,
        "bad": lambda: card_maker(up=soft_bound(30), down=soft_bound(10), increment=0.03, cap=0.5),
        "noisy": lambda: card_maker(read=0.07),
        None: lambda: None,
    }
    result = train(cards[device](), TrainingConfig(**{"epochs": 5, "hidden": 100, **settings}), made)
    assert result.accuracy_mean_last == 1.0


@pytest.mark.slow
def test_paper_settings_lose_accuracy_at_mapping_and_win_it_back(card_maker, made):
    card = card_maker(up=soft_bound(25), down=soft_bound(25), increment=0.0, cap=0.5)
    hybrid = train(card, TrainingConfig.paper(scheme="hybrid", epochs=6), made)
    assert hybrid.epochs[2].test_accuracy == 1.0  # offline
    assert hybrid.accuracy_after_mapping < 0.9
    assert hybrid.accuracy_mean_last == 1.0
