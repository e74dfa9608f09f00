"""Fields of the pulsed devices of aihwkit from a card: step curves, C2C, D2D, read noise, start state.

The weight is w = 2 (G - low) / (high - low) - 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from devicekit.device.card import DeviceCard
from devicekit.device.variation import read_sigma
from devicekit.exporters import base, pulsed
from devicekit.exporters.pulsed import LinearStep, PiecewiseStep, shares

_LINEAR_LAWS = {"linear", "exponential", "softbounds"}
SHARE = 1e-7  # of the noise device in the weight of a cell: its own state then has no effect
ROOM = 20.0  # bounds of the noise device divided by its largest standard deviation


def start_weight(card: DeviceCard) -> float:
    """Return the weight at which the fitted LTP train of a card starts."""
    window, r = card.window, min(max(card.ltp.x0, 0.0), 1.0)
    return float(2.0 * (window.from_state(np.array(r)) - window.low) / window.span - 1.0)


def read_noise(card: DeviceCard) -> float:
    """Return the standard deviation of one reading of one device [weight]; for a log window the rms over it."""
    sigma = read_sigma(card)
    if card.window.scale == "linear":
        return 2.0 * sigma
    low, high = card.window.low, card.window.high
    log = math.log(high / low)  # dG = G log dr; the mean of G^2 over r is (high^2 - low^2) / (2 log)
    return 2.0 * sigma * log * math.sqrt((high**2 - low**2) / (2.0 * log)) / card.window.span


def _node_values(card: DeviceCard, direction: str, nodes: int) -> np.ndarray:
    """Return the least-squares positive steps [window] at evenly spaced nodes, shape (nodes,)."""
    sign = base.SIGNS[direction]
    return base.hat_values(lambda u: sign * base.step(card, direction, u), nodes)


def piecewise_step(card: DeviceCard, nodes: int) -> PiecewiseStep:
    """Return the noiseless PiecewiseStepDevice of a card; dw_min is the mean step of both directions."""
    up, down = (2.0 * _node_values(card, direction, nodes) for direction in base.SIGNS)
    dw_min = float(np.mean([up, down]))
    return PiecewiseStep(
        dw_min=dw_min,
        piecewise_up=(up / dw_min).tolist(),
        piecewise_down=(down / dw_min).tolist(),
        reset=start_weight(card),
    )


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


def _dtod(card: DeviceCard, up_down: float = 0.0) -> tuple[float, float]:
    """Return dw_min_dtod and up_down_dtod from the covariance C of ln rate over devices; 0 without one.

    aihwkit draws one ln gain (variance g) for both directions, and an asymmetry (variance s) that increases the step
    up and decreases the step down: C_uu + C_dd = 2 (g + s), C_ud = g - s. Both are fractions of dw_min, so that with
    up_down they are larger relative to the smaller step. The fields then reproduce C_ud and the geometric mean of both
    variances (`dtod_variances`).
    """
    covariance = card.variation.d2d_ln_rate_covariance
    if covariance is None:
        return 0.0, 0.0
    (up, shared), (_, down) = covariance
    both = math.prod(shares(up_down))
    asymmetry = max((up + down) / 4.0 - shared / 2.0, 0.0)
    return math.sqrt(max(shared + asymmetry, 0.0) * both), math.sqrt(asymmetry * both)


def dtod_variances(device: LinearStep) -> tuple[float, float]:
    """Return the variances of ln rate over devices implied by the fields, up and down, to first order."""
    total = device.dw_min_dtod**2 + device.up_down_dtod**2
    up, down = shares(device.up_down)
    return total / up**2, total / down**2


def with_noise(card: DeviceCard, device: PiecewiseStep) -> PiecewiseStep:
    """Return the device with the D2D of a card, and with its C2C: the rms of update noise over the reference train."""
    noise, steps = (float(np.hypot(*each)) for each in zip(*_rms_over_train(card).values(), strict=True))
    dtod, tilt = _dtod(card)
    return replace(device, dw_min_std=noise / steps if steps > 0 else 0.0, dw_min_dtod=dtod, up_down_dtod=tilt)


def linear_step(card: DeviceCard, noise: bool) -> LinearStep | None:
    """Return the LinearStepDevice of a card whose step falls linearly with the weight; None for other laws."""
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
    dtod, tilt = _dtod(card, up_down) if noise else (0.0, 0.0)
    return LinearStep(
        dw_min=larger,
        up_down=up_down,
        gamma_up=gamma["ltp"],
        gamma_down=gamma["ltd"],
        dw_min_std=rms / scale,
        dw_min_dtod=dtod,
        up_down_dtod=tilt,
        reset=start_weight(card),
    )


def cell_noise(card: DeviceCard, steps: PiecewiseStep, wanted: pulsed.Scatter) -> LinearStep | None:
    """Return the noise device of a cell, a LinearStepDevice; None if noise is proportional to step or G.

    A cell is a PiecewiseStepDevice without noise and a device that only carries noise, scaled by SHARE in the weight.
    Per pulse the state n of the noise device becomes (1 - kappa) n + sigma xi. sigma is the rms of the update noise of
    the card over the reference train of that direction. kappa models that steps which fall with the state pull earlier
    noise back; for both directions it is fitted by least squares to the scatter of the card over 100 LTP and 100 LTD
    pulses and over 100 pairs of both.

    Parameters
    ----------
    card : DeviceCard
    steps : PiecewiseStep
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
    dw_min = steps.dw_min  # as of the other device: aihwkit takes the mean of both for its pulse trains
    up_down = (sigma["ltp"] - sigma["ltd"]) / larger
    bound = float(ROOM * 2.0 * max(paths(fitted.x).max(), larger) / SHARE)
    gamma_up, gamma_down = (
        float(kappa) * bound / (dw_min * share) if share > 0 else 0.0
        for kappa, share in zip(fitted.x, shares(up_down), strict=True)
    )
    return LinearStep(
        w_min=-bound,
        w_max=bound,
        dw_min=dw_min,
        up_down=up_down,
        gamma_up=gamma_up,
        gamma_down=gamma_down,
        dw_min_std=2.0 * larger / (SHARE * dw_min),
    )


@dataclass(frozen=True)
class Presets:
    """Devices of the presets of a card.

    Attributes
    ----------
    steps : PiecewiseStep
        The law between nodes.
    linear : LinearStep or None
        The law itself, where it is linear in the weight.
    noise : LinearStep or None
        The device that carries the noise of a cell.
    read : float
        Standard deviation of one reading [weight].
    """

    steps: PiecewiseStep
    linear: LinearStep | None
    noise: LinearStep | None
    read: float

    def updates(self, name: str) -> dict[str, tuple[pulsed.Update, tuple[float, ...]]]:
        """Return update and weights of the devices of each preset, by its name after that of the card."""
        found: dict[str, tuple[pulsed.Update, tuple[float, ...]]] = {f"{name}Preset": (self.steps.update(), (1.0,))}
        if self.noise is not None:
            found[f"{name}NoisyPreset"] = pulsed.cell(self.steps, self.noise), (1.0, SHARE)
        if self.linear is not None:
            found[f"{name}LinearPreset"] = self.linear.update(), (1.0,)
        return found
