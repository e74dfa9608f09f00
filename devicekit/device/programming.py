"""Write and verify: programming of an array of devices as in a lab, its cost and its errors.

A device is read. If it is further from its target than the tolerance, it gets pulses towards it and is read again: as
many pulses as the law of the card's central device predicts ("law"), one at a time ("sign"), or one of a chosen
amplitude ("amplitude", for cards with a law of amplitudes).

Sources: tuning by pulses between readings, Alibart et al. 2012, doi:10.1088/0957-4484/23/7/075201; program and verify
schemes compared, Milo et al. 2021, doi:10.1109/TED.2021.3089995. The bursts, and what flags a device, are ours.
"""

from __future__ import annotations

import math
from typing import get_args

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.device.array import DeviceArray
from devicekit.device.card import DeviceCard
from devicekit.device.programmed import Programming, Steps
from devicekit.device.variation import read_sigma
from devicekit.device.writing import (
    FAILED,
    RIGHT,
    STUCK,
    WriteCounts,
    WriteParameters,
    new_write_counts,
    verify_many,
    write_many,
)
from devicekit.models import kernel

AMPLITUDES = 9  # number of amplitudes, evenly over the measured range
READS_MOST, LIMIT_MOST = 10_000, 10_000_000


def program_and_verify(
    array: DeviceArray,
    target: np.ndarray,
    *,
    tolerance: float = 0.02,
    limit: int = 200,
    reads: int = 1,
    steps: Steps = "law",
    pairs: bool = False,
    stuck: np.ndarray | None = None,
    read_s: float = 1e-6,
    read_sd: float | None = None,
    seed: int = 0,
) -> Programming:
    """Program the devices of an array to states, in place, by pulses between readings.

    Parameters
    ----------
    array : DeviceArray
    target : ndarray, shape (n,) or a number
        Target states [1], 0 to 1 of the card's window (of ln G if that is the card's state).
    tolerance : float
        A device passes if its verify reads ``|error| <= tolerance``, fraction of the window, above 0 and below 1.
    limit : int
        Largest number of pulses of a device, including a second programming for its partner.
    reads : int
        Readings averaged by a verify. A tolerance below the read noise needs several.
    steps : {"law", "sign", "amplitude"}
        "law": a burst of pulses that brings the central device from the reading nearest to the target, at least one.
        "sign": one pulse towards the target. Devices stop as soon as they are within the tolerance, so steps smaller
        than it leave a bias of nearly the tolerance on the side of approach (`bias`).
        "amplitude": one pulse with that of 9 even amplitudes in the measured range whose central step is nearest to the
        error; for cards with a law of amplitudes (`pulse_law`), without extrapolation.
    pairs : bool
        Devices 2 k and 2 k + 1 are a weight. If one of them is flagged (failed or stuck), the other is programmed again
        to correct their difference, as far as the window and the remaining pulses allow.
    stuck : ndarray of bool, shape (n,), optional
        Devices that do not move; their pulses are counted.
    read_s : float
        Time of one reading [s], for energy and time.
    read_sd : float, optional
        Standard deviation of one reading, fraction of the window; None: the card's read noise.
    seed : int
        Seed of the readings, combined with the array's. The same array with the same seed gives the same bytes.

    Returns
    -------
    Programming

    Raises
    ------
    UsageError
        If an argument is out of its range, or `steps` is "amplitude" and the card has no law of amplitudes.

    Notes
    -----
    A verify reads with noise even if the array was made without `read_noise`, which concerns `array.read`. A card
    without a known read noise is verified exactly, with a warning.

    Devices of a card with a volatile part are programmed at once: no time passes, and they forget it like the effect of
    pulses without a time.

    A device is flagged as stuck, and left, once 3 bursts or more should have moved it by 10 standard deviations of the
    measured movement (two verifies, and the scatter of the updates), but moved it by less than a tenth of that.
    A device slower than the central one by more than this factor is flagged too.
    """
    card, n = array.card, array.n
    target = _checked_target(target, n)
    _check_numbers(tolerance, limit, reads, read_s, read_sd)
    if steps not in get_args(Steps):
        raise UsageError(f"steps must be law, sign or amplitude, not {steps!r}")
    if pairs and n % 2:
        raise UsageError(f"pairs=True needs an even number of devices, not {n}")
    still = np.zeros(n, bool) if stuck is None else np.asarray(stuck)
    if still.shape != (n,) or still.dtype != bool:
        raise UsageError(f"stuck must have one truth value for each of the {n} devices")
    noise = read_sigma(card) if read_sd is None else float(read_sd)
    parameters = _write_parameters(card, steps, tolerance, limit, reads, noise, _key(seed, array.seed))
    counts, start, aim = new_write_counts(n), array.observed_states.copy(), target.copy()
    state = array.kernel_state
    write_many(state, parameters, counts, np.arange(n), aim, still)
    flagged = counts.end != RIGHT
    again = np.zeros(n, bool)
    if pairs:
        again = _compensate(parameters, counts, array.observed_states, aim, flagged)
        write_many(state, parameters, counts, np.flatnonzero(again), aim, still)
    array.record_changes()
    return Programming(
        target=target,
        aim=aim,
        start=start,
        state=array.observed_states.copy(),
        pulses=counts.pulses,
        verifies=counts.verifies,
        failed=counts.end == FAILED,
        stuck=counts.end == STUCK,
        compensated=again,
        paired=pairs,
        tolerance=float(tolerance),
        read_sd=noise / math.sqrt(reads),
        limit=int(limit),
        reads=int(reads),
        steps=steps,
        **_costs(card, steps, counts, reads, read_s),
        read_known=read_sd is not None or _has_read_noise(card),
    )


def _compensate(
    parameters: WriteParameters, counts: WriteCounts, r: np.ndarray, aim: np.ndarray, flagged: np.ndarray
) -> np.ndarray:
    """Return which devices (n,) compensate their partner's error, read once more; their `aim` is set."""
    other = np.arange(r.size) ^ 1
    lost = np.flatnonzero(flagged & ~flagged[other])
    partner = other[lost]
    seen = verify_many(parameters, counts, r, lost)
    aim[partner] = np.clip(aim[partner] + seen - aim[lost], 0.0, 1.0)
    again = np.zeros(r.size, bool)
    again[partner] = True
    return again


def _write_parameters(
    card: DeviceCard, steps: Steps, tolerance: float, limit: int, reads: int, noise: float, key: np.uint64
) -> WriteParameters:
    law, window = card.law.id, card.window
    up, down = np.array(card.ltp.theta, float), np.array(card.ltd.theta, float)
    logarithmic = window.scale == "log"
    volts, factors = _amplitudes(card) if steps == "amplitude" else _reference(card)
    return WriteParameters(
        law=law,
        up=up,
        down=down,
        up_middle=float(kernel.middle(law, up)),
        down_middle=float(kernel.middle(law, down)),
        up_cap=float(card.ltp.largest_step),
        down_cap=float(card.ltd.largest_step),
        tolerance=float(tolerance),
        limit=int(limit),
        reads=int(reads),
        way=get_args(Steps).index(steps),
        read_sd=float(noise),
        key=key,
        low=float(window.low),
        span=math.log(window.high / window.low) if logarithmic else float(window.span),
        logarithmic=logarithmic,
        up_volts=volts[0],
        down_volts=volts[1],
        up_factors=factors[0],
        down_factors=factors[1],
    )


def _reference(card: DeviceCard) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return the card's own pulse; 0 V if it does not state one, and then no energy is computed."""
    at = card.conditions
    return [np.array([volts or 0.0]) for volts in (at.ltp_voltage_v, at.ltd_voltage_v)], [np.ones(1), np.ones(1)]


def _amplitudes(card: DeviceCard) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return amplitudes [V] of both directions, evenly over the measured range, and their factors on a step."""
    law = card.pulse_law
    if law is None:
        raise UsageError(
            f"steps='amplitude': card {card.name!r} has no law of amplitudes. Fit a table of several with "
            "share='amplitude', or use steps='law'"
        )
    volts, factors = [], []
    for name in ("ltp", "ltd"):
        branch = law.branch(name)
        if branch.voltage_range_v is None:
            raise UsageError(f"steps='amplitude': the card's {name.upper()} law covers widths, not amplitudes")
        grid = np.linspace(*branch.voltage_range_v, AMPLITUDES)
        volts.append(grid)
        factors.append(np.array([branch.factor(float(v), None, False, name.upper()) for v in grid]))
    return volts, factors


def _costs(card: DeviceCard, steps: Steps, counts: WriteCounts, reads: int, read_s: float) -> dict[str, float | None]:
    """Return energies and time; None if the card lacks the quantities they need."""
    at, conducts = card.conditions, card.window.quantity == "conductance_s"
    known = steps == "amplitude" or None not in (at.ltp_voltage_v, at.ltd_voltage_v)
    width, volts = at.pulse_width_s, at.read_voltage_v
    return {
        "write_energy_j": float(counts.pulse_vvg.sum()) * width if conducts and known and width is not None else None,
        "verify_energy_j": float(counts.read_g.sum()) * volts**2 * read_s if conducts and volts is not None else None,
        "time_s": None
        if width is None
        else float(counts.pulses.sum() * width + counts.verifies.sum() * reads * read_s),
    }


def _has_read_noise(card: DeviceCard) -> bool:
    return any("read" in branch.c2c for branch in (card.variation.ltp, card.variation.ltd))


def _key(seed: int, of_array: int) -> np.uint64:
    return np.uint64(np.random.SeedSequence([seed, of_array, 4]).generate_state(1, np.uint64)[0])


def _checked_target(target: np.ndarray, n: int) -> np.ndarray:
    wanted = np.asarray(target, float)
    if wanted.shape not in ((), (n,)):
        raise UsageError(f"target must be one state or one for each of the {n} devices, not of shape {wanted.shape}")
    if not ((wanted >= 0) & (wanted <= 1)).all():
        raise UsageError("targets must be states in 0..1 of the card's window (window.to_state converts conductances)")
    return np.broadcast_to(wanted, (n,)).copy()


def _check_numbers(tolerance: float, limit: int, reads: int, read_s: float, read_sd: float | None) -> None:
    if not 0 < tolerance < 1:
        raise UsageError(f"tolerance must be a fraction of the window above 0 and below 1, not {tolerance!r}")
    for name, value, most in (("limit", limit, LIMIT_MOST), ("reads", reads, READS_MOST)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not 1 <= value <= most:
            raise UsageError(f"{name} must be a whole number from 1 to {most}, not {value!r}")
    if not 0 < read_s < math.inf:
        raise UsageError(f"read_s must be above 0 s, not {read_s!r}")
    if read_sd is not None and not 0 <= read_sd < 1:
        raise UsageError(f"read_sd must be a fraction of the window, at least 0 and below 1, not {read_sd!r}")
