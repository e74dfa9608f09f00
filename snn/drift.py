"""States as read in a test: drifted, with static errors, or each at one of two levels; training is not affected.

States are not clipped: a conductance below the window is a state below 0 and counts as such in its weight. A fixed
reference does not drift.
"""

from __future__ import annotations

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.device.ageing import Drift, Regime, Telegraph, normals, require_conductance
from devicekit.device.bakes import Bakes
from devicekit.device.blocks import Window
from devicekit.device.card import DeviceCard
from snn.config import TrainingConfig
from snn.synapses import Change

STEP_S = 1e-3  # of the network
_DRIFT = 120  # purpose of the random stream, + layer number


def check(card: DeviceCard | None, config: TrainingConfig) -> None:
    """Refuse drift settings that do not apply.

    Raises
    ------
    UsageError
        If a time is set and the card holds weights, or a device or drift exponent is missing.
    """
    if config.time_s == 0:
        return
    if config.drift_nu == 0 and config.drift_nu_sd == 0:
        raise UsageError("time_s needs a drift exponent. Set drift_nu and drift_nu_sd (devicekit.device.ageing.Drift).")
    if card is None:
        raise UsageError("time_s does not apply to float weights. Pass a device card.")
    require_conductance(card.window)


def drift_law(config: TrainingConfig) -> Drift | None:
    """Return the drift law of the settings; None if no time passes."""
    if config.time_s == 0:
        return None
    return Drift(config.drift_nu, config.drift_nu_sd, config.drift_t0_s)


def configured_change(window: Window, config: TrainingConfig) -> Change | None:
    """Return the change of states by the settings; None without drift."""
    law = drift_law(config)
    return None if law is None else drift_change(window, law, config.time_s, config.seed, config.draw)


def drift_change(window: Window, law: Drift, time_s: float, seed: int, draw: int = 0) -> Change:
    """Return a change of states to those at a time after writing [s]."""

    def change(layer: int, r: np.ndarray) -> np.ndarray:
        g = law.age(window.from_state(r), time_s, _layer_seed(seed, layer), draw)
        return np.asarray(window.to_state(g))

    return change


def bake_change(window: Window, bakes: Bakes, kelvin: float, seed: int, draw: int = 0) -> Change:
    """Return a change of states to those after a bake at this temperature [K]."""

    def change(layer: int, r: np.ndarray) -> np.ndarray:
        return np.asarray(window.to_state(bakes.age(window.from_state(r), kelvin, _layer_seed(seed, layer), draw)))

    return change


def scatter_change(sigma: float, seed: int, draw: int = 0) -> Change:
    """Return a change of states by independent static errors of this standard deviation [of the window]."""

    def change(layer: int, r: np.ndarray) -> np.ndarray:
        return r + sigma * normals(r.size, _layer_seed(seed, layer), draw)

    return change


def telegraph_change(noise: Telegraph, seed: int, draw: int = 0) -> Change:
    """Return a change of states by very slow telegraph noise: each device on one level for the whole test."""

    def change(layer: int, r: np.ndarray) -> np.ndarray:
        return r + noise.levels(r.size, _layer_seed(seed, layer), draw)

    return change


def telegraph_regime(config: TrainingConfig, samples: int | None = None) -> Regime:
    """Return how telegraph noise is drawn: "fresh", "held" or "static".

    Parameters
    ----------
    config : TrainingConfig
    samples : int, optional
        Presentations of a test; None: in training, where no level is static.
    """
    if config.telegraph_tau_s == 0:
        return "held"
    one = config.steps * STEP_S
    found = Telegraph(config.telegraph, config.telegraph_tau_s).regime(one, one * (samples or 1))
    return "held" if found == "static" and samples is None else found


def add_static_telegraph(config: TrainingConfig, before: Change | None) -> Change:
    """Return a change of states by static telegraph levels, applied after another change."""
    jump = telegraph_change(Telegraph(config.telegraph, config.telegraph_tau_s), config.seed, config.draw)
    return jump if before is None else lambda layer, r: jump(layer, before(layer, r))


def _layer_seed(seed: int, layer: int) -> int:
    return int(np.random.SeedSequence([seed, _DRIFT + layer]).generate_state(1, np.uint64)[0] >> np.uint64(1))
