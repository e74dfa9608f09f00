"""The images of the task, which many tests train on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from snn.benchmark.task import few_shot
from snn.data.dataset import Dataset


@pytest.fixture(scope="session")
def data() -> Dataset:
    return few_shot()


@pytest.fixture(scope="session")
def few(data: Dataset) -> Dataset:
    """The same, tested by 200 images of 1297."""
    return replace(data, x_test=data.x_test[:200], y_test=data.y_test[:200])
