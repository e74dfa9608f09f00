"""Sweeps made by hand and a linear toy, for the tests of a calibration."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd

from devicekit.tables import SweepTable
from physics.calibration.measured import Branch, Level
from physics.calibration.model import (
    Model,
    Simulated,
    priors_of,
)
from physics.calibration.result import Calibration

from .pinned import (
    base,
)


def device(limit=math.inf, low=1e-5, high=2e-4, v_set=0.5, v_reset=-0.6, stop=0.8, end=-1.0, step=0.01, parts="sbr"):
    """Voltage and current of SET (s), way back (b), RESET (r) and its way back (z); the limit holds above 0 V."""
    up, down = np.arange(0, stop + step / 2, step), np.arange(0, end - step / 2, -step)
    legs = {
        "s": (up, np.where(up < v_set, low, high)),
        "b": (up[-2::-1], np.full(up.size - 1, high)),
        "r": (down[1:], np.where(down[1:] > v_reset, high, low)),
        "z": (down[-2::-1], np.full(down.size - 1, low)),
    }
    v = np.concatenate([legs[part][0] for part in parts])
    g = np.concatenate([legs[part][1] for part in parts])
    return v, np.minimum(g * v, limit)


def rows(v, i, name="dev", cycle=1, **columns):
    """A sweep as a frame, its columns in an order of their own."""
    point = np.arange(len(v))
    return pd.DataFrame({"current_a": i, **columns, "cycle": cycle, "voltage_v": v, "point": point, "device_id": name})


def table(*frames):
    return SweepTable(pd.concat(frames, ignore_index=True))


def level_at(compliance, name="x"):
    v = np.linspace(0.05, 0.5, 10)
    parts = (Branch("set", v, np.log(1e-5 * v)),)
    return Level(
        name=name,
        compliance=compliance,
        source="stated",
        rate=1.0,
        set_stop=0.5,
        reset_stop=0.0,
        branches=parts,
        mirrored=False,
    )


def three(limit=1e-4, name="toy"):
    """A level with 40 points up, 20 back and 30 of a RESET; ln I is -10 but for the way back, -9."""
    up, back, down = np.linspace(0.05, 0.8, 40), np.linspace(0.7, 0.05, 20), -np.linspace(0.05, 0.9, 30)
    parts = (("set", up, -10.0), ("set_back", back, -9.0), ("reset", down, -10.0))
    made = tuple(Branch(branch, v, np.full(v.size, level)) for branch, v, level in parts)
    return Level(
        name=name,
        compliance=limit,
        source="stated",
        rate=2.0,
        set_stop=0.8,
        reset_stop=-0.9,
        branches=made,
        mirrored=False,
    )


QUICK = {"numerics.voltage_step": 0.03, "numerics.conductance_step": 0.3, "numerics.density_step": 0.12}
"""Large steps: what is measured and what is fitted take the same ones."""


KEYS = {"conduction.filament": (4e4, 1.6e5), "reaction.energy": (1.1, 1.45)}


EFFECT = {"set": (0.3, -4.0), "set_back": (1.0, 0.0), "reset": (0.9, 3.0)}


def toy_shape(branch, key):
    """Effect along a branch of ln of a parameter: a ramp for the first, a bow for the second."""
    x = np.linspace(0, 1, branch.voltage.size)
    return EFFECT[branch.name][key] * (0.5 + x if key == 0 else x * (1 - x) * 4)


def toy(stack, level, _mesh):
    """ln I is -10 (way back: -9) at 1e5 S/m and 1.3 eV; other parameters do nothing."""
    off = [math.log(stack.conduction.filament / 1e5), math.log(stack.reaction.energy / 1.3)]
    found = {}
    for branch in level.branches:
        base = -9.0 if branch.name == "set_back" else -10.0
        found[branch.name] = (base + sum(toy_shape(branch, k) * off[k] for k in (0, 1))).tolist()
    return Simulated(found, True)


def noisy(level, size, seed):
    random = np.random.default_rng(seed)
    made = tuple(
        Branch(b.name, b.voltage, b.log_current + size * random.normal(size=b.voltage.size)) for b in level.branches
    )
    return replace(level, branches=made)


def by_hand(z, slopes, misfit=0.1, keys=KEYS, residual=None, levels=()):
    stack = base()
    model = Model(stack, priors_of(stack, keys), "coarse")
    slopes = np.asarray(slopes, float)
    z = np.asarray(z, float)
    at = np.zeros(len(slopes)) if residual is None else residual
    return Calibration(
        stack=model.stack_at(z),
        priors=model.priors,
        z=z,
        residuals=at,
        slopes=slopes,
        misfit=misfit,
        levels=levels,
        costs=(1.0,),
        converged=True,
        model=model,
    )


def settled(slopes, misfit, seed=0):
    """A calibration whose z is the minimum of the objective with its misfit: residuals = slopes (z - z*) + rest."""
    random = np.random.default_rng(seed)
    slopes = np.asarray(slopes, float)
    target = random.normal(size=len(slopes)) * misfit * 3
    normal = slopes.T @ slopes / misfit**2 + np.eye(slopes.shape[1])
    z = np.linalg.solve(normal, slopes.T @ target / misfit**2)
    return by_hand(z, slopes, misfit, residual=slopes @ z - target), lambda point: slopes @ point - target
