"""The automatic recipe: thresholds from the step of the device, so that one rule works for every card."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.core.records import Record, column
from devicekit.device.card import DeviceCard
from devicekit.device.symmetry import symmetric_point
from devicekit.device.variation import read_sigma
from snn.config import TrainingConfig
from snn.network.changes import Rule
from snn.network.crossbar import Threshold
from snn.network.learning import NUMBERS as GRADIENT_NUMBERS
from snn.network.learning import get_gradient
from snn.network.neurons import Dynamics
from snn.network.pulsing import NUMBERS, get_policy

HIDDEN_TAU, OUTPUT_TAU, TRACE_TAU = 10.0, 20.0, 5.0  # [ms]
REFRACTORY = 2  # [ms]; a target spacing equal to it caps the accuracy at 93 %
TARGET_FIRST, TARGET_EVERY = 8, 3  # [ms]
START_SD = (0.2, 0.05)  # of the weights [1]
P = {"paper": 0.5, "dense": 1.0}
SHIFT_FRACTION = 0.3
DENSE_FACTOR = 0.7  # for twice the input drive: smaller start weights and steps in the hidden layer
SCALES = {"pair": (1.5, 2.0), "reference": (3.0, 3.0)}
OFFLINE_ETA, OFFLINE_DECAY = (1.36e-3, 3.2e-4), 0.94
CONSTANT_ETA, GROWTH_ETA = (1.5e-3, 6e-4), (4e-3, 2.4e-3)
MARGIN_FACTOR = 5.0  # a rule with a margin makes fewer updates and needs larger ones
GROWTH_TOTAL = 32.0  # growth of the threshold from the first to the last epoch
LARGEST_GROWTH = 3.0
ETA_TOTAL, FASTEST_DECAY = 1 / 8, 0.5  # decay of the in-situ rates: first to last epoch; limit per epoch
QUIET_READS = 0.5  # of a step: read sd below which pulses are verified
PROGRAM_QUANTILE, PROGRAM_ROOM = 0.999, 1.25  # quantile of |w|; room for learning after programming
DIGITS_DRIVE, DIGITS_HIDDEN = 9.8, 1000  # input spikes per step and hidden units for which the rates were found
STEP_HALF_WIDTH = 0.2  # of the range of states for the mean step


@dataclass(frozen=True, kw_only=True)
class Recipe(Record):
    """Automatic settings of a run from card, mapping and settings; pairs are (hidden, output) layer."""

    p: float = column(doc="probability that a full pixel fires in a time step")
    shift_fraction: float = column(doc="share of training images moved by one pixel")
    start_sd: tuple[float, float] = column(doc="sd of the start weights (hidden, output layer)")
    offline_eta: tuple[float, float] = column(doc="learning rates offline (hidden, output layer)")
    offline_decay: float = column(doc="factor on the offline rates from one epoch to the next")
    eta: tuple[float, float] = column(doc="learning rates in situ (hidden, output layer)")
    scales: tuple[float, float] = column(doc="weight per difference of states (hidden, output layer)")
    middle: float | None = column(doc="state of the reference, or start of both devices of a pair")
    symmetric_point: float | None = column(doc="state with the most similar LTP and LTD steps")
    device_step: float | None = column(
        doc=f"mean step within {STEP_HALF_WIDTH:g} of the state in row middle, share of the window"
    )
    theta: tuple[float, float] | None = column(doc="thresholds of a pulse in the first epoch (hidden, output layer)")
    theta_growth: float = column(doc="factor on the thresholds from one epoch to the next")
    eta_decay: float = column(doc="factor on the in-situ rates from one epoch to the next")
    offline_epochs: int = column(doc="epochs trained offline")

    def thresholds(self, config: TrainingConfig, epoch: float, least: float = 0.0) -> tuple[Threshold, Threshold]:
        """Return the thresholds of in-situ epoch `epoch` (from 0), in weight units at this recipe's eta.

        They are at most 1 / least times the first ones if `least` is above 0.
        """
        assert self.theta is not None
        factor = self.theta_growth**epoch
        factor = min(factor, 1.0 / least) if least > 0 else factor
        policy = get_policy(config.policy)
        first, second = (
            Threshold(
                level=np.float32(theta * eta * factor),
                alpha=np.float32(config.alpha),
                policy=NUMBERS[policy.name],
                most=config.max_pulses or policy.most,
                summed=policy.summed,
                verifies=policy.verifies,
            )
            for theta, eta in zip(self.theta, self.eta, strict=True)
        )
        return first, second

    def rule(self, config: TrainingConfig, insitu: bool, epoch: float = 0, least: float = 0.0) -> Rule:
        """Return learning rates and margin of one epoch, counted from the first offline or in-situ epoch.

        Rates do not fall below `least` times the first ones.
        """
        factor = max((self.eta_decay if insitu else self.offline_decay) ** epoch, least)
        eta1, eta2 = self.eta if insitu else self.offline_eta
        return Rule(
            eta1=np.float32(eta1 * factor),
            eta2=np.float32(eta2 * factor),
            non_hebbian=np.float32(config.non_hebbian),
            gated=config.rule == "multi-resume-gated",
            margin=config.margin,
            gradient=GRADIENT_NUMBERS[config.gradient],
            deep=get_gradient(config.gradient).deep,
        )


def step_about(card: DeviceCard, middle: float) -> float:
    """Return the geometric mean of the mean LTP and mean LTD step over middle +- 0.2, fraction of the window.

    Raises
    ------
    UsageError
        If the device of the card does not move there.
    """
    r = np.linspace(max(middle - STEP_HALF_WIDTH, 0.0), min(middle + STEP_HALF_WIDTH, 1.0), 41)
    step = math.sqrt(float(card.rate("ltp", r).mean()) * float(-card.rate("ltd", r).mean()))
    if not step > 1e-9:
        raise UsageError(
            f"Card {card.name!r} cannot be trained in situ: around r = {middle:.2f} its LTP or LTD step is below 1e-9 "
            "of the window."
        )
    return step


def choose(config: TrainingConfig, card: DeviceCard | None, drive: float | None = None) -> Recipe:
    """Choose the recipe for a run; `card` None: offline without a device.

    `drive` [input spikes per step] scales start weights and the map of the hidden layer, and the number of hidden units
    the rates of the output, for data unlike the digits for which the recipe was found; None: no scaling.
    """
    config = with_card(config, card)
    recipe = _choose(config, card)
    if drive is None:
        return recipe
    by_inputs, by_hidden = DIGITS_DRIVE / max(drive, 0.1), DIGITS_HIDDEN / config.hidden
    of_rates = 1.0 if get_gradient(config.gradient).rates else by_hidden  # already for the actual number of units
    eta = (recipe.eta[0], recipe.eta[1] * of_rates)  # hidden layer: any drive
    offline_eta = (recipe.offline_eta[0], recipe.offline_eta[1] * of_rates)
    start_sd = (recipe.start_sd[0] * by_inputs**0.5, recipe.start_sd[1] * by_hidden**0.5)
    # with many inputs the start weights are small compared with a step
    scales = config.scales or (recipe.scales[0] * min(1.0, by_inputs**0.5), recipe.scales[1])
    theta = recipe.theta if recipe.device_step is None else _theta(config, scales, recipe.device_step, eta)
    return replace(recipe, eta=eta, offline_eta=offline_eta, start_sd=start_sd, scales=scales, theta=theta)


def _choose(config: TrainingConfig, card: DeviceCard | None) -> Recipe:
    if card is not None and config.scheme != "offline" and card.window.scale == "log":
        raise UsageError(
            "The state of this card is ln G (state=log), but weights are conductances. Fit the device with the linear "
            "state."
        )
    dense = DENSE_FACTOR if config.encoding == "dense" else 1.0
    eta = GROWTH_ETA if config.schedule == "growth" else CONSTANT_ETA
    if config.margin > 0:
        eta = tuple(MARGIN_FACTOR * value for value in CONSTANT_ETA)  # type: ignore[assignment]
    by_hidden = DIGITS_HIDDEN / config.hidden if config.rates == "scaled" else 1.0
    eta, offline_eta = (eta[0], eta[1] * by_hidden), (OFFLINE_ETA[0], OFFLINE_ETA[1] * by_hidden)
    if own := get_gradient(config.gradient).rates:
        eta = offline_eta = own(config.hidden)
    eta = (eta[0] * dense, eta[1])
    scales = config.scales or SCALES[config.mapping]
    symmetric = symmetric_point(card) if card is not None else None
    middle = symmetric if config.mapping == "pair" or config.reference is None else config.reference
    step = step_about(card, middle) if card is not None and middle is not None else None
    theta = config.theta if step is None else _theta(config, scales, step, eta)
    return Recipe(
        p=P[config.encoding],
        shift_fraction=SHIFT_FRACTION if config.encoding == "dense" else 0.0,
        start_sd=(START_SD[0] * dense, START_SD[1] * by_hidden**0.5),
        offline_eta=(offline_eta[0] * dense, offline_eta[1]),
        offline_decay=OFFLINE_DECAY,
        eta=eta,
        scales=scales,
        middle=middle if card is not None else None,
        symmetric_point=symmetric,
        device_step=step,
        theta=theta,
        theta_growth=_growth(config),
        eta_decay=_decay(config),
        offline_epochs=config.offline_epochs,
    )


def _theta(
    config: TrainingConfig, scales: tuple[float, float], step: float, eta: tuple[float, float]
) -> tuple[float, float]:
    """Return thresholds for a pulse when the requested weight change equals one pulse: c step = eta theta."""
    if config.theta is not None:
        return config.theta
    return (scales[0] * step / eta[0], scales[1] * step / eta[1])


def fit_scales(recipe: Recipe, config: TrainingConfig, w: Sequence[np.ndarray]) -> Recipe:
    """Return the recipe for programming trained weights `w`: the smallest c with nearly all weights in the window.

    Programming errors in weights are c times those in the window.
    """
    if config.scales is not None:
        return recipe
    assert recipe.middle is not None
    assert recipe.device_step is not None
    room = 1.0 if config.mapping == "pair" else max(min(recipe.middle, 1.0 - recipe.middle), 0.05)
    sizes = (float(np.quantile(np.abs(layer), PROGRAM_QUANTILE)) for layer in w)
    first, second = (PROGRAM_ROOM * max(size, 1e-3) / room for size in sizes)
    theta = _theta(config, (first, second), recipe.device_step, recipe.eta)
    return replace(recipe, scales=(first, second), theta=theta)


def _decay_by(config: TrainingConfig) -> str:
    return config.decay_by or get_policy(config.policy).decay_by


def _decay(config: TrainingConfig) -> float:
    """Return the factor on the in-situ rates from epoch to epoch, 1 if the thresholds grow instead."""
    epochs = config.epochs - config.offline_epochs
    if config.schedule == "constant" or epochs < 2 or _decay_by(config) != "eta":
        return 1.0
    total = get_gradient(config.gradient).eta_total or ETA_TOTAL
    return float(max(total ** (1.0 / (epochs - 1)), FASTEST_DECAY))


def _growth(config: TrainingConfig) -> float:
    """Return the growth of thresholds per epoch, with the same total for any number of in-situ epochs."""
    epochs = config.epochs - config.offline_epochs
    if config.schedule == "constant" or epochs < 2 or _decay_by(config) != "theta":
        return 1.0
    return min(GROWTH_TOTAL ** (1.0 / (epochs - 1)), LARGEST_GROWTH)


def make_dynamics(config: TrainingConfig, side: int, shift_fraction: float) -> Dynamics:
    """Return the constants of the network for the compiled kernels."""
    return Dynamics(
        hidden=config.hidden,
        steps=config.steps,
        hidden_decay=np.float32(math.exp(-1.0 / HIDDEN_TAU)),
        output_decay=np.float32(math.exp(-1.0 / OUTPUT_TAU)),
        trace_decay=np.float32(math.exp(-1.0 / TRACE_TAU)),
        refractory=REFRACTORY,
        target_first=TARGET_FIRST,
        target_every=TARGET_EVERY,
        side=side,
        shift_fraction=float(shift_fraction),
    )


def with_policy(config: TrainingConfig, card: DeviceCard | None) -> TrainingConfig:
    """Return the settings with policy "auto" resolved for this card (`reason_for_policy`)."""
    if config.policy != "auto":
        return config
    return replace(config, policy="reset" if card is None else reason_for_policy(config, card)[0])


def with_card(config: TrainingConfig, card: DeviceCard | None) -> TrainingConfig:
    """Return the settings completed by the card: policy, dead devices, stable states.

    Without these blocks (or after `idealise`), no device is stuck and any state is stable.
    """
    config = with_policy(config, card)
    stuck, at, states = config.stuck, config.stuck_at, config.device_levels
    if stuck is None:
        known = None if card is None else card.dead
        stuck, at = (0.0, at) if known is None else (known.share, at or known.at)
    if states is None:
        states = 0 if card is None or card.states is None or config.programming == "verify" else card.states.count
    return replace(config, stuck=stuck, stuck_at=at or "start", device_levels=states)


def reason_for_policy(config: TrainingConfig, card: DeviceCard) -> tuple[str, str]:
    """Choose "verify" if the read noise of the card is small compared with its step, else "carry", with the reason.

    The change by a pulse takes two reads; with read noise as large as a step, the sum would collect noise. With unknown
    read noise, "carry" is the safe choice.

    Parameters
    ----------
    config : TrainingConfig
        `read_noise_of_g` and `device_levels` are used.
    card : DeviceCard

    Returns
    -------
    name, why : str
    """
    read = read_sigma(card, config.read_noise_of_g)
    step = step_about(card, symmetric_point(card))
    if read == 0:
        return "carry", "read noise is unknown and pulses cannot be verified"
    if config.stable_states > 1 and 1.0 / (config.stable_states - 1) > step:
        return "carry", "stable states are further apart than a step and pulses cannot be verified"
    words = f"read noise is {read / step:.2g} times the mean step"
    if read < QUIET_READS * step:
        return "verify", f"{words}, small enough to verify pulses"
    return "carry", f"{words}; above {QUIET_READS:g}, pulses cannot be verified"
