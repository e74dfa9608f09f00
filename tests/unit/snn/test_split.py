"""Splits are scikit-learn's, draw by draw, and so are the digits."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from devicekit.core.errors import UsageError
from snn.data import sets
from snn.data.split import stratified


@pytest.mark.parametrize("n_test", [10, 237, 450, 847])
@pytest.mark.parametrize("seed", [0, 3])
def test_it_is_that_of_scikit_learn(n_test: int, seed: int) -> None:
    y = np.random.default_rng(7).integers(0, 9, 1347) ** 2  # classes of unequal names
    train, test = train_test_split(np.arange(y.size), test_size=n_test, stratify=y, random_state=seed)
    found = stratified(y, n_test, seed)
    assert (found[0].tolist(), found[1].tolist()) == (train.tolist(), test.tolist())


@pytest.mark.parametrize(("y", "n_test"), [([0, 0, 1], 1), ([0, 0, 1, 1], 1), ([0, 0, 1, 1, 2, 2], 4)])
def test_data_that_cannot_be_split_are_refused(y: list[int], n_test: int) -> None:
    with pytest.raises(UsageError):
        stratified(np.array(y), n_test, 0)


def test_digits_are_those_that_scikit_learn_ships(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = load_digits(return_X_y=True)
    table = sets._shipped_digits()
    assert np.array_equal(table, np.column_stack([x, y]))
    monkeypatch.setattr(sets, "find_spec", lambda name: None)
    assert np.array_equal(sets._shipped_digits(), table)
