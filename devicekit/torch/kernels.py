"""Compiled step of a layer: requested changes of weights become pulses by a policy."""

from __future__ import annotations

import numpy as np

from devicekit.system.jit import borrowing
from snn.network.crossbar import Layer, PulseRequests, Threshold, apply_pulses, pulse_request_each
from snn.network.pulsing import pulse_request


@borrowing
def settle_layer(
    layer: Layer,
    changes: np.ndarray,
    threshold: Threshold,
    read: np.float32,
    key: np.uint64,
    requests: PulseRequests,
    scratch: np.ndarray,
) -> None:
    """Add changes (rows, columns) [weight units] to the sums of a layer and apply the pulses that the policy requests.

    Other parameters as in `snn.network.crossbar.apply_pulses`.
    """
    count, columns = np.int64(0), layer.columns
    synapses, pulses = requests.synapses, requests.pulses
    level, summed = threshold.level, threshold.summed
    for i in range(changes.shape[0]):
        row, sums = changes[i], layer.sums[i]
        if not summed:
            count = pulse_request_each(sums, i * columns, row, threshold, key, requests, count)
            continue
        for j in range(columns):
            wanted = sums[j] + row[j]
            if abs(wanted) > level:
                number, wanted = pulse_request(
                    threshold.policy, wanted, np.float32(0.0), level, threshold.alpha, threshold.most, 0.0
                )
                synapses[count] = i * columns + j
                pulses[count] = number
                count += 1
            sums[j] = wanted
    apply_pulses(layer, requests, count, threshold.verifies, level, read, key, scratch)
