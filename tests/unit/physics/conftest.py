"""Fixtures that several modules share."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from physics.drive import ramp
from physics.iv import simulate_iv
from physics.stack import load_material, to_toml

from .calibration_toys import toy
from .commands import TRUTH
from .layered_stacks import AL2O3, HFO2, TIOX, stack_of
from .pinned import (
    LARGE_STEPS,
    ROUGH_NUMBERS,
    base,
)


@pytest.fixture
def linear(monkeypatch):
    """Simulations are the toy; the list counts them."""
    calls = []

    def counted(stack, level, mesh):
        calls.append(level.name)
        return toy(stack, level, mesh)

    monkeypatch.setattr("physics.calibration.model.simulate_level", counted)
    return calls


@pytest.fixture(scope="module")
def stack():
    return base()


@pytest.fixture(scope="module")
def rough():
    """The same with large steps, for what does not depend on them."""
    return base(LARGE_STEPS)


@pytest.fixture
def three(tmp_path):
    return stack_of(tmp_path, HFO2, AL2O3, TIOX)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A folder with a stack, sweeps at 40 and 80 uA without times, one with times, and other files."""
    folder = tmp_path_factory.mktemp("lab")
    stack = load_material("reversible").replace(ROUGH_NUMBERS)
    (folder / "stack.toml").write_text(to_toml(stack))
    device, random, frames = stack.replace({"reaction.energy": TRUTH}), np.random.default_rng(2), []
    for cycle, limit in ((1, 4e-5), (2, 8e-5)):
        drive = [ramp(0.0, 0.75, 2.0, limit, "up"), ramp(0.75, 0.0, 2.0, limit, "down")]
        drive.append(ramp(0.0, -0.75, 2.0, math.inf, "out"))
        frame = simulate_iv(device, mesh="coarse", segments=drive).sweep.frame
        free = ~np.isclose(frame["current_a"], limit)
        current = frame["current_a"] * np.exp(0.02 * random.normal(size=len(frame)) * free)
        frames.append(
            pd.DataFrame(
                {
                    "current_a": current,
                    "cycle": cycle,
                    "compliance_a": np.where(frame["voltage_v"] < 0, np.nan, limit),
                    "voltage_v": frame["voltage_v"],
                    "time_s": frame["time_s"],
                }
            )
        )
    both = pd.concat(frames)
    both.drop(columns="time_s").to_csv(folder / "ladder.csv", index=False)
    frames[0].to_csv(folder / "timed.csv", index=False)
    frames[1].to_csv(folder / "second.csv", index=False)
    both[["voltage_v"]].assign(current_a=1e-5 * both["voltage_v"], cycle=both["cycle"]).to_csv(
        folder / "resistor.csv", index=False
    )
    pulses = ["device_id,cycle,direction,pulse_index,conductance_s"]
    pulses += [f"d,1,{name},{k},{1e-5 * (k + 1)}" for name in ("ltp", "ltd") for k in range(10)]
    (folder / "pulses.csv").write_text("\n".join(pulses) + "\n")
    return folder
