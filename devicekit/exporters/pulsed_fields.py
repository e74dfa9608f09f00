"""Fields of the pulsed devices of aihwkit from a card: step curves, C2C, D2D, read noise, start state.

The weight is w = 2 (G - low) / (high - low) - 1. In the code of aihwkit dw_min is the LARGER of the two steps: scale_up
= dw_min (1 + min(up_down, 0)) and scale_down = dw_min (1 - max(up_down, 0)), unlike the docstring of `up_down`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from devicekit.device.card import DeviceCard
from devicekit.device.variation import read_sigma
from devicekit.exporters import base, pulsed

_LINEAR_LAWS = {"linear", "exponential", "softbounds"}
SHARE = 1e-7  # of the noise device in the weight of a cell: its own state then has no effect
ROOM = 20.0  # bounds of the noise device divided by its largest standard deviation

# Fields of every pulsed device of aihwkit with the value that switches the effect off. Several defaults of aihwkit
# switch it on: dw_min_dtod 0.3, dw_min_std 0.3, w_max_dtod 0.3, up_down_dtod 0.01.
_OFF: dict[str, Any] = {
    "construction_seed": 0,
    "corrupt_devices_prob": 0.0,
    "corrupt_devices_range": 0.1,
    "diffusion": 0.0,
    "diffusion_dtod": 0.0,
    "dw_min_dtod": 0.0,
    "dw_min_dtod_log_normal": True,
    "dw_min_std": 0.0,
    "enforce_consistency": True,
    "lifetime": 0.0,
    "lifetime_dtod": 0.0,
    "perfect_bias": False,
    "reset": 0.0,
    "reset_dtod": 0.0,
    "reset_std": 0.0,
    "up_down_dtod": 0.0,
    "w_max_dtod": 0.0,
    "w_min_dtod": 0.0,
    "count_pulses": False,
    "write_noise_std": 0.0,
    "apply_write_noise_on_set": False,
}


def weight(card: DeviceCard, r: float) -> float:
    """Return the weight of a state r, 0 to 1."""
    window = card.window
    return float(2.0 * (window.from_state(np.array(r)) - window.low) / window.span - 1.0)


def start_weight(card: DeviceCard) -> float:
    """Return the weight at which the fitted LTP train of a card starts."""
    return weight(card, min(max(card.ltp.x0, 0.0), 1.0))


def read_noise(card: DeviceCard) -> float:
    """Return the standard deviation of one reading of one device [weight]; for a log window the rms over it."""
    sigma = read_sigma(card)
    if card.window.scale == "linear":
        return 2.0 * sigma
    low, high = card.window.low, card.window.high
    log = math.log(high / low)  # dG = G log dr; the mean of G^2 over r is (high^2 - low^2) / (2 log)
    return 2.0 * sigma * log * math.sqrt((high**2 - low**2) / (2.0 * log)) / card.window.span


def node_values(card: DeviceCard, direction: str, nodes: int) -> np.ndarray:
    """Return the least-squares positive steps [window] at evenly spaced nodes, shape (nodes,)."""
    sign = base.SIGNS[direction]
    return base.hat_values(lambda u: sign * base.step(card, direction, u), nodes)


def piecewise_fields(card: DeviceCard, nodes: int) -> dict[str, Any]:
    """Return the fields of the noiseless PiecewiseStepDevice; dw_min is the mean step of both directions."""
    steps = {direction: 2.0 * node_values(card, direction, nodes) for direction in base.SIGNS}
    dw_min = float(np.mean([steps["ltp"], steps["ltd"]]))
    return {
        "w_min": -1.0,
        "w_max": 1.0,
        "dw_min": dw_min,
        "up_down": 0.0,
        "piecewise_up": (steps["ltp"] / dw_min).tolist(),
        "piecewise_down": (steps["ltd"] / dw_min).tolist(),
        **_OFF,
        "reset": start_weight(card),
    }


def _rms_over_train(card: DeviceCard) -> dict[str, tuple[float, float]]:
    """Return, by direction, the rms over the reference train of update noise and of step, both [window]."""
    r = base.reference_train(card).r
    found = {}
    for direction, states in (("ltp", r[: base.PULSES]), ("ltd", r[base.PULSES : -1])):
        size = np.abs(card.rate(direction, states))
        noise, step = (
            float(np.sqrt(np.mean(np.square(each)))) for each in (base.update_sigma(card, direction, size), size)
        )
        found[direction] = noise, step
    return found


def _dtod(card: DeviceCard, up_down: float = 0.0) -> dict[str, float]:
    """Return dw_min_dtod and up_down_dtod from the covariance C of ln rate over devices.

    aihwkit draws one ln gain (variance g) for both directions, and an asymmetry (variance s) that increases the step
    up and decreases the step down: C_uu + C_dd = 2 (g + s), C_ud = g - s. Both are fractions of dw_min, so that with
    up_down they are larger relative to the smaller step. The fields then reproduce C_ud and the geometric mean of both
    variances (`dtod_variances`).
    """
    covariance = card.variation.d2d_ln_rate_covariance
    if covariance is None:
        return {}
    (up, shared), (_, down) = covariance
    both = math.prod(_shares(up_down))
    asymmetry = max((up + down) / 4.0 - shared / 2.0, 0.0)
    return {
        "dw_min_dtod": math.sqrt(max(shared + asymmetry, 0.0) * both),
        "up_down_dtod": math.sqrt(asymmetry * both),
    }


def _shares(up_down: float) -> tuple[float, float]:
    """Return the steps up and down divided by dw_min, at w = 0."""
    return 1.0 + min(up_down, 0.0), 1.0 - max(up_down, 0.0)


def dtod_variances(fields: dict[str, Any]) -> tuple[float, float]:
    """Return the variances of ln rate over devices implied by the fields, up and down, to first order."""
    total = fields["dw_min_dtod"] ** 2 + fields["up_down_dtod"] ** 2
    up, down = _shares(fields["up_down"])
    return total / up**2, total / down**2


def noise_fields(card: DeviceCard) -> dict[str, float]:
    """Return C2C and D2D of the PiecewiseStepDevice: the rms of update noise over the reference train."""
    noise, steps = (float(np.hypot(*each)) for each in zip(*_rms_over_train(card).values(), strict=True))
    return {"dw_min_std": noise / steps if steps > 0 else 0.0, **_dtod(card)}


def linear_fields(card: DeviceCard, noise: bool) -> dict[str, Any] | None:
    """Return fields of a LinearStepDevice for laws whose step falls linearly with the weight; None for others."""
    if card.model not in _LINEAR_LAWS or card.window.scale != "linear":
        return None
    middle, gamma = {}, {}
    for direction in base.SIGNS:
        theta = card.branch(direction).theta
        kappa = theta[1] if len(theta) > 1 else 0.0
        middle[direction], gamma[direction] = 2.0 * math.exp(theta[0]), kappa / (2.0 - kappa)
    if not all(0.0 <= each <= 1.0 for each in gamma.values()):
        return None  # LinearStep takes |gamma|, and beyond 1 its steps change sign
    larger = max(middle.values())
    sigma = [float(base.update_sigma(card, direction, np.array(middle[direction] / 2.0))) for direction in base.SIGNS]
    rms = 2.0 * float(np.sqrt(np.mean(np.square(sigma)))) if noise else 0.0
    scale = float(np.sqrt(np.mean(np.square(list(middle.values())))))  # noise is a share of each step
    up_down = (middle["ltp"] - middle["ltd"]) / larger
    return {
        **_linear_step(1.0, larger, up_down, gamma["ltp"], gamma["ltd"]),
        "dw_min_std": rms / scale,
        **(_dtod(card, up_down) if noise else {}),
        "reset": start_weight(card),
    }


def _linear_step(bound: float, dw_min: float, up_down: float, gamma_up: float, gamma_down: float) -> dict[str, Any]:
    return {
        "w_min": -bound,
        "w_max": bound,
        "dw_min": dw_min,
        "up_down": up_down,
        "gamma_up": gamma_up,
        "gamma_down": gamma_down,
        "gamma_up_dtod": 0.0,
        "gamma_down_dtod": 0.0,
        "allow_increasing": False,
        "mean_bound_reference": True,
        "mult_noise": False,
        "reverse_up": False,
        "reverse_down": False,
        "reverse_offset": 0.01,
        **_OFF,
    }


def cell_fields(card: DeviceCard, steps: dict[str, Any], wanted: pulsed.Scatter) -> dict[str, Any] | None:
    """Return fields of the noise device of a cell, a LinearStepDevice; None if noise is proportional to step or G.

    A cell is a PiecewiseStepDevice without noise and a device that only carries noise, scaled by SHARE in the weight.
    Per pulse the state n of the noise device becomes (1 - kappa) n + sigma xi. sigma is the rms of the update noise of
    the card over the reference train of that direction. kappa models that steps which fall with the state pull earlier
    noise back; for both directions it is fitted by least squares to the scatter of the card over 100 LTP and 100 LTD
    pulses and over 100 pairs of both.

    Parameters
    ----------
    card : DeviceCard
    steps : dict
        Fields of the PiecewiseStepDevice.
    wanted : Scatter
        Scatter of the card.
    """
    from scipy.optimize import least_squares

    constant = any("increment" in branch.c2c for branch in (card.variation.ltp, card.variation.ltd))
    if card.window.scale != "linear" or not constant:
        return None
    sigma = {direction: noise for direction, (noise, _) in _rms_over_train(card).items()}
    larger = max(sigma.values())
    if not larger > 0:
        return None

    def path(kappas: np.ndarray, signs: np.ndarray) -> np.ndarray:
        of_sign = {1: (sigma["ltp"], kappas[0]), -1: (sigma["ltd"], kappas[1])}
        variance, found = 0.0, [0.0]
        for sign in signs:
            own, kappa = of_sign[int(sign)]
            variance = (1.0 - kappa) ** 2 * variance + own**2
            found.append(math.sqrt(variance))
        return np.array(found)

    def paths(kappas: np.ndarray) -> np.ndarray:
        return np.concatenate([path(kappas, pulsed.TRAINS), path(kappas, pulsed.PAIRS)])

    real = np.concatenate([wanted.path, wanted.pairs])
    fitted = least_squares(lambda k: paths(k) - real, [0.05, 0.05], bounds=([0.0, 0.0], [1.0, 1.0]))
    dw_min = float(steps["dw_min"])  # as of the other device: aihwkit takes the mean of both for its pulse trains
    up_down = (sigma["ltp"] - sigma["ltd"]) / larger
    shares = _shares(up_down)
    bound = float(ROOM * 2.0 * max(paths(fitted.x).max(), larger) / SHARE)
    gammas = [
        float(kappa) * bound / (dw_min * share) if share > 0 else 0.0
        for kappa, share in zip(fitted.x, shares, strict=True)
    ]
    return {**_linear_step(bound, dw_min, up_down, *gammas), "dw_min_std": 2.0 * larger / (SHARE * dw_min)}
