"""Data sets: named splits, the UCI files, and messages for files that are not what they should be.

The measured test and its twin that runs everywhere:
test_optdigits_are_the_uci_files: test_files_laid_out_as_those_of_uci
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from devicekit.core.errors import FileError, UsageError
from snn.baselines import baselines
from snn.data.dataset import Dataset
from snn.data.load import load
from snn.data.sets import UCI_FILES
from snn.training import TrainingConfig, train


def test_default_digits_name_their_split_and_are_the_same_each_time():
    data, again = load("digits"), load("digits")
    assert data.split.startswith("random 75/25")
    assert "same writers" in data.split
    assert (len(data.y_train), len(data.y_test)) == (1347, 450)
    assert data.x_train.shape == (1347, 64)
    assert data.x_train.min() == 0
    assert data.x_train.max() == 1
    np.testing.assert_array_equal(data.x_test, again.x_test)
    assert np.bincount(data.y_test).min() >= 43


def test_optdigits_are_the_uci_files(optdigits):
    assert optdigits.split.startswith("UCI 3823/1797")
    assert "other writers" in optdigits.split
    assert (len(optdigits.y_train), len(optdigits.y_test)) == (3823, 1797)
    # scikit-learn ships the test part only
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    np.testing.assert_array_equal(optdigits.x_test * 16, x)
    np.testing.assert_array_equal(optdigits.y_test, y)


def test_hold_out_uses_the_training_part_only(small_digits):
    held = small_digits.hold_out(0.2)
    assert (len(held.y_train), len(held.y_test)) == (240, 60)
    rows = {row.tobytes() for row in small_digits.x_train}
    assert all(row.tobytes() in rows for row in held.x_test)
    assert "held out" in held.split


def write(folder, text):
    for name in UCI_FILES:
        (folder / name).write_text(text)


def test_files_laid_out_as_those_of_uci(tmp_path):
    """64 pixels of 0 to 16 and the class, a line an image: .tra is the training part, .tes the test part."""
    made = {}
    for name, images in (("optdigits.tra", 20), ("optdigits.tes", 10)):
        pixels = (np.arange(64) + 3 * np.arange(images)[:, None]) % 17
        classes = (7 * np.arange(images) + 2) % 10
        made[name] = pixels, classes
        lines = [",".join(map(str, [*row, label])) for row, label in zip(pixels, classes, strict=True)]
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    data = load("optdigits", tmp_path)
    np.testing.assert_array_equal(data.x_train * 16, made["optdigits.tra"][0])
    np.testing.assert_array_equal(data.y_train, made["optdigits.tra"][1])
    np.testing.assert_array_equal(data.x_test * 16, made["optdigits.tes"][0])
    np.testing.assert_array_equal(data.y_test, made["optdigits.tes"][1])
    assert data.x_train[0, :18].tolist() == [*(np.arange(17) / 16), 0.0]
    assert data.split.startswith("UCI")


def test_files_that_are_not_optdigits(tmp_path):
    with pytest.raises(FileError, match="does not exist"):
        load("optdigits", tmp_path)
    write(tmp_path, "")
    with pytest.raises(FileError, match="is empty"):
        load("optdigits", tmp_path)
    good = ",".join(["3"] * 64 + ["7"])
    write(tmp_path, f"{good}\nfoo\n{good},1\n{','.join(['17'] * 64 + ['1'])}\n")
    with pytest.raises(FileError) as error:
        load("optdigits", tmp_path)
    assert [row.row for row in error.value.rows] == [2, 3, 4]
    write(tmp_path, f"{good}\n{good}\n")
    data = load("optdigits", tmp_path)
    assert data.y_train.tolist() == [7, 7]


def test_unknown_name_and_parts_that_do_not_fit(small_digits):
    with pytest.raises(UsageError, match=r"'emnist'.*digits, optdigits"):
        load("emnist")
    with pytest.raises(UsageError, match="channels"):
        Dataset("a", "b", np.zeros((2, 3)), np.zeros(2, int), np.zeros((2, 4)), np.zeros(2, int))
    for wrong in (16.0, -0.1, np.nan):
        with pytest.raises(UsageError, match=r"scaled to 0\.\.1"):
            Dataset("a", "b", np.array([[0.5], [wrong]]), np.zeros(2, int), np.zeros((2, 1)), np.zeros(2, int))
    with pytest.raises(UsageError, match="one sample"):
        Dataset("a", "b", np.zeros((0, 3)), np.zeros(0, int), np.zeros((2, 3)), np.zeros(2, int))


@pytest.mark.parametrize("wrong", [-1, 0.5, np.nan])
def test_class_numbers_are_whole(small_digits, wrong):
    labels = small_digits.y_train.astype(float)
    labels[3] = wrong
    with pytest.raises(UsageError, match="Class numbers"):
        replace(small_digits, y_train=labels)


def test_a_classifier_that_is_not_there(small_digits):
    with pytest.raises(UsageError, match="'logistc'"):
        baselines(small_digits, TrainingConfig(), ["logistc"])


def test_accuracy_figure(card, small_digits):
    result = train(card, TrainingConfig(scheme="hybrid", epochs=2, hidden=64), small_digits)
    axes = result.plot()
    assert axes.get_xlabel() == "epoch"
    assert len(axes.lines) == 4
    assert result.plot(axes) is axes


@pytest.mark.slow
def test_baselines_see_the_network_s_spikes(oracle, small_digits):
    from snn.baselines import baselines, spike_counts
    from snn.network.encoding import levels, stream_key

    config = TrainingConfig(hidden=32)
    stream = stream_key(0, 5)
    counts = spike_counts(small_digits.x_test[:3], config, stream, 2)
    for k, row in enumerate(levels(small_digits.x_test[:3], 0.5)):
        spikes = oracle.encode(row, oracle.presentation_key(stream, 2, k), config.steps)
        np.testing.assert_array_equal(counts[k], spikes.sum(axis=0))
    rows = {(row.classifier, row.inputs): row.test_accuracy for row in baselines(small_digits, config)}
    assert len(rows) == 4
    assert rows["SVC", "pixels"] >= rows["logistic regression", "spike counts"] - 0.05
    assert all(0.6 < accuracy <= 1 for accuracy in rows.values())
