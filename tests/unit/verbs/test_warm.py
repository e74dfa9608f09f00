"""`devicekit warm` compiles what others need, once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from devicekit.device.card import load_card
from devicekit.fitting.device import fit, read_pulses
from devicekit.system import catalog
from devicekit.system.options import ReadOptions
from devicekit.verbs.warm import compiling, warm
from snn.config import TrainingConfig
from snn.data.dataset import Dataset
from snn.training import train


@pytest.mark.slow
def test_after_it_nothing_is_compiled() -> None:
    parts = []
    warm(lambda done, total: parts.append((done, total)))
    assert parts[0][0] == 0
    assert parts[-1][0] == parts[-1][1] == len(parts) - 1
    table = read_pulses(catalog.get(catalog.KNOWN_TRUTH).data, ReadOptions())
    rng = np.random.default_rng(1)
    x, y = rng.random((30, 16)), np.arange(30) % 3
    data = Dataset("noise", "none", x, y, x, y)
    with compiling() as names:
        assert warm().kernels == 0
        fit(table.select(device="device03", width=5e-5)).to_card("one")
        for policy in ("carry", "verify", "stochastic"):
            config = TrainingConfig(scheme="insitu", epochs=1, hidden=5, policy=policy)
            train(load_card(catalog.get(catalog.KNOWN_TRUTH).card), config, data)
    assert names == []


@pytest.mark.slow
def test_the_command_says_how_many_and_where() -> None:
    """Where another test or run has compiled before, there is nothing left."""
    words = [sys.executable, "-m", "devicekit", "warm", "--json"]
    ran = [json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout) for _ in range(2)]
    assert ran[1]["kernels"] == 0
    assert Path(ran[1]["folder"]).is_dir()
    assert ran[1]["seconds"] > 0
