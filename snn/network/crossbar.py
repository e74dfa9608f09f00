"""Weights on devices: the map between weights and states, and the conversion of weight changes into pulses.

Eqs. (4) to (6) of Ma et al. 2023 (doi 10.1109/JEDS.2023.3311763): requested changes are summed per synapse; if the sum
exceeds a threshold, the synapse gets ONE pulse of that sign, with the effect of eq. (2). The printed equations need two
interpretations: eq. (6) compares |dC| (as printed, no device is ever depressed), and the sum of eq. (4) is reset after
a pulse (`reset`; as printed, it never is: `literal`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.device.array import DeviceArray
from devicekit.device.random import mix, uniform
from devicekit.device.state import ArrayState, observed_state, pulse_one
from devicekit.system.jit import borrowing
from snn.network.bits import lowest_bit
from snn.network.neurons import bell
from snn.network.pulsing import pulse_request

WINDS_UP, NO_MOVE = 4, 0.01  # pulses, and fraction of their expected change below which a weight is taken as stuck


class Layer(NamedTuple):
    """One layer of synapses for compiled code; synapse k of weight [i, j] is i * columns + j.

    Attributes
    ----------
    array : ArrayState
        The devices: synapse k has devices 2 k (plus) and 2 k + 1 (minus) as a pair, device k with a
        reference.
    w : ndarray of float32, shape (padded rows, padded columns)
        Effective weights [1], kept up to date with the states.
    sums : ndarray of float32, shape of w
        Summed changes [1].
    columns : int
        Columns without padding.
    scale : float
        c of w = c (r+ - r-), or w = c (r - reference) [1].
    reference : float
        State of the fixed reference; negative for a pair.
    coin : uint64
        Key of the random choice between the two devices of a pair.
    stuck : ndarray of bool, shape (devices,)
        Devices that never move.
    levels : int
        Stable states of a device; 0: any state.
    pulses : ndarray of int64, shape (1,)
        Pulses applied to this layer, including those on stuck devices.
    reads : ndarray of int64, shape (1,)
        Number of verifying reads of a weight.
    gain : ndarray, shape (devices,) or (0,)
        Effective over nominal conductance of each device with wires [1]; empty: 1.
    base : float
        Conductance of a state of 0 over the span of the window [1]; used only with `gain`.
    """

    array: ArrayState
    w: np.ndarray
    sums: np.ndarray
    columns: int
    scale: float
    reference: float
    coin: np.uint64
    stuck: np.ndarray
    levels: int
    pulses: np.ndarray
    reads: np.ndarray
    gain: np.ndarray
    base: float


class Threshold(NamedTuple):
    """Constants of eqs. (4) and (6) and of the conversion into pulses.

    Attributes
    ----------
    level : float32
        Threshold of a sum [weight units].
    alpha : float32
        Factor of the sum in eq. (4) [1].
    policy : int
        Number of the pulse policy (`snn.network.pulsing`).
    most : int
        Largest number of pulses of a synapse in one presentation.
    summed, verifies : bool
        As in the policy.
    """

    level: np.float32
    alpha: np.float32
    policy: int
    most: int
    summed: bool
    verifies: bool


class PulseRequests(NamedTuple):
    """Pulses requested by one presentation.

    Attributes
    ----------
    synapses, pulses : ndarray of int64
        One entry per synapse: its number, and the number of pulses with their sign.
    """

    synapses: np.ndarray
    pulses: np.ndarray


def make_pulse_requests(most: int) -> PulseRequests:
    """Allocate room for the requests of `most` synapses."""
    return PulseRequests(synapses=np.empty(most, np.int64), pulses=np.empty(most, np.int64))


@borrowing
def apply_pulses(
    layer: Layer,
    requests: PulseRequests,
    count: int,
    verifies: bool,
    level: np.float32,
    read: np.float32,
    key: np.uint64,
    scratch: np.ndarray,
) -> None:
    """Apply the first `count` pulse requests and update the weights of their synapses.

    A device with few stable states ends on one of the two nearest, at random with the correct mean. Fields of the layer
    are read once: each access counts references, which would cost more than a pulse.

    Parameters
    ----------
    layer : Layer
    requests : PulseRequests
    count : int
    verifies : bool
        True to read the weight before and after the pulses and subtract the change from the sum of the synapse.
    level : float32
        Expected change by one pulse [weight units].
    read : float32
        Standard deviation of reading a weight [weight units].
    key : uint64
        Key of the presentation, for those reads.
    scratch : ndarray, shape (MAX_SHAPE,)
    """
    array = layer.array
    r, pulses, low, high, held = array.r, array.pulses, array.own.low, array.own.high, array.own.held
    w, stuck, columns, scale, coin, sums = layer.w, layer.stuck, layer.columns, layer.scale, layer.coin, layer.sums
    reference, spaces = layer.reference, layer.levels - 1
    synapses, wanted = requests.synapses, requests.pulses
    pair, total = reference < 0.0, 0
    gain, base = layer.gain, layer.base
    wired = gain.size > 0
    for n in range(count):
        k = synapses[n]
        i, j = k // columns, k % columns
        before = w[i, j]
        for _ in range(abs(wanted[n])):
            sign = 1 if wanted[n] > 0 else -1
            device = k
            if pair:
                given = pulses[2 * k] + pulses[2 * k + 1]
                heads = (mix(mix(coin, np.uint64(k)), np.uint64(given)) & np.uint64(1)) != np.uint64(0)
                device = 2 * k if heads else 2 * k + 1
                sign = sign if heads else -sign
            if stuck[device]:
                pulses[device] += 1
                continue
            pulse_one(array, device, sign, scratch)
            if spaces > 0:
                least = low[device] if low.size > 0 else 0.0
                span = high[device] - least if low.size > 0 else 1.0
                place = (r[device] - least) / span * spaces
                below = np.floor(place)
                drawn = uniform(mix(~coin, np.uint64(device)), np.uint64(pulses[device]))
                r[device] = least + span * ((below + (1.0 if drawn < place - below else 0.0)) / spaces)
        total += abs(wanted[n])
        other = observed_state(r, held, 2 * k + 1) if pair else reference
        own = observed_state(r, held, 2 * k if pair else k)
        if wired:
            own = gain[2 * k if pair else k] * (own + base)
            other = gain[2 * k + 1] * (other + base) if pair else other + base
        w[i, j] = np.float32(scale * (own - other))
        if verifies:
            moved = w[i, j] - before
            if read > np.float32(0.0):  # two reads
                moved += read * np.float32(1.4142135) * bell(mix(key, coin), np.uint64(k))
            sums[i, j] -= moved
            size = abs(wanted[n])
            if size >= WINDS_UP and abs(w[i, j] - before) < NO_MOVE * size * level:
                sums[i, j] = np.float32(0.0)  # stuck or at an end: do not request the change again
    layer.pulses[0] += total
    if verifies:
        layer.reads[0] += 2 * count


@borrowing
def pulse_request_row(
    sums: np.ndarray, first: int, beyond: np.ndarray, threshold: Threshold, requests: PulseRequests, count: int
) -> int:
    """Append the pulse requests of the synapses of a row whose sum exceeds the threshold (bits set in `beyond`).

    Parameters
    ----------
    sums : ndarray of float32, shape (columns,)
        Sums of the row.
    first : int
        Number of its first synapse.
    beyond : ndarray of uint64
    threshold : Threshold
    requests : PulseRequests
        New requests follow the first `count`.

    Returns
    -------
    int
        New number of requests.
    """
    synapses, pulses = requests.synapses, requests.pulses
    for b in range(beyond.size):
        word = beyond[b]
        while word != np.uint64(0):
            j = 64 * b + lowest_bit(word)
            word &= word - np.uint64(1)
            number, left = pulse_request(
                threshold.policy, sums[j], np.float32(0.0), threshold.level, threshold.alpha, threshold.most, 0.0
            )
            sums[j] = left
            synapses[count] = first + j
            pulses[count] = number
            count += 1
    return count


@borrowing
def pulse_request_each(
    sums: np.ndarray,
    first: int,
    changes: np.ndarray,
    threshold: Threshold,
    stream: np.uint64,
    requests: PulseRequests,
    count: int,
) -> int:
    """Append the pulse requests of a row where every change may ask for pulses, with or without a sum.

    A synapse with change 0 gets no pulse, regardless of its sum. `stream` is the key of the layer in this presentation;
    the other parameters and the result as in `pulse_request_row`.
    """
    synapses, pulses = requests.synapses, requests.pulses
    for j in range(changes.size):
        if changes[j] == np.float32(0.0):
            continue
        drawn = uniform(stream, np.uint64(first + j))
        number, left = pulse_request(
            threshold.policy, sums[j], changes[j], threshold.level, threshold.alpha, threshold.most, drawn
        )
        sums[j] = left
        if number != 0:
            synapses[count] = first + j
            pulses[count] = number
            count += 1
    return count


@dataclass(frozen=True)
class WeightMap:
    """Map of device states to the weights of a layer: w = c (r+ - r-), or w = c (r - reference) [1].

    Attributes
    ----------
    shape : (int, int)
        Shape of the weights.
    scale : float
        c [1].
    reference : float or None
        State of the fixed reference; None: pairs.
    gain, base : ndarray or None, float
        As in `Layer`; None for ideal lines.
    """

    shape: tuple[int, int]
    scale: float
    reference: float | None = None
    gain: np.ndarray | None = None
    base: float = 0.0

    def weights(self, r: np.ndarray) -> np.ndarray:
        """Return the weights [1] of device states (devices,)."""
        reference = self.reference
        if self.gain is not None and self.gain.size:
            r = self.gain * (r + self.base)
            reference = None if reference is None else reference + self.base
        if reference is None:
            pairs = r.reshape(*self.shape, 2)
            return self.scale * (pairs[..., 0] - pairs[..., 1])
        return self.scale * (r.reshape(self.shape) - reference)


def states(w: np.ndarray, scale: float, middle: float, pair: bool) -> np.ndarray:
    """Return the device states [1] for weights, clipped to 0..1; both devices of a pair move by half about `middle`.

    Parameters
    ----------
    w : ndarray, shape (rows, columns)
        Weights [1].
    scale : float
        c of the map [1].
    middle : float
        State of the reference, or start of both devices of a pair.
    pair : bool
        True for differential pairs, False for one device against a fixed reference.

    Returns
    -------
    ndarray, shape (devices,)
        In the order of `Layer`.
    """
    if pair:
        difference = w / scale
        plus = np.clip(middle + difference / 2, 0.0, 1.0)
        # where one device reaches its end, the other compensates
        minus = np.clip(plus - difference, 0.0, 1.0)
        r = np.stack([minus + difference, minus], axis=-1)
    else:
        r = middle + w / scale
    return np.clip(r, 0.0, 1.0).ravel()


def make_layer(
    array: DeviceArray,
    of: WeightMap,
    padded_shape: tuple[int, int],
    coin: np.uint64,
    stuck: np.ndarray,
    levels: int = 0,
) -> Layer:
    """Create a layer of weights on devices, padded with zeros to `padded_shape`; other parameters as in `Layer`.

    Raises
    ------
    UsageError
        If the array has the wrong number of devices.
    """
    rows, columns = of.shape
    needed = rows * columns * (2 if of.reference is None else 1)
    if array.n != needed:
        raise UsageError(f"A layer of {rows} x {columns} synapses needs {needed} devices; the array has {array.n}.")
    w = np.zeros(padded_shape, np.float32)
    w[:rows, :columns] = of.weights(array.observed_states)
    return Layer(
        array=array.kernel_state,
        w=w,
        sums=np.zeros_like(w),
        columns=columns,
        scale=float(of.scale),
        reference=-1.0 if of.reference is None else float(of.reference),
        coin=coin,
        stuck=stuck,
        levels=int(levels),
        pulses=np.zeros(1, np.int64),
        reads=np.zeros(1, np.int64),
        gain=np.empty(0) if of.gain is None else of.gain,
        base=float(of.base),
    )
