"""Read energy of the devices of a network in one inference.

Every spike drives one word line for the time of a read, and all devices on it conduct at the full voltage. Wires are
ignored, so that with wires the energy is an upper bound. Not included: the omissions of `devicekit.device.wear`, and
the line of a fixed reference.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.core.records import Record, column, derived
from devicekit.device.random import mix
from devicekit.device.wear import inference_energy
from snn.learner import QUIET
from snn.network.encoding import stream_key
from snn.network.neurons import make_scratch, present
from snn.synapses import Synapses
from snn.training import TEST_STREAM, Run

READ_S = 1e-6  # default time of one read [s]
SAMPLES = 300  # test samples for counting spikes


@dataclass(frozen=True, kw_only=True)
class InferenceEnergy(Record):
    """Means over test samples."""

    samples: int = column(doc="test samples")
    input_spikes: float = column(doc="spikes of the inputs in one inference, each driving a word line")
    hidden_spikes: float = column(doc="the same of the hidden layer")
    hidden_j: float = column(unit="J", doc="energy of the devices of the hidden layer in one inference")
    output_j: float = column(unit="J", doc="the same of the output layer")
    row_a: float = column(
        unit="A", doc="largest current of a word line of the hidden layer; a driver, or a smaller tile, must carry it"
    )
    read_s: float = column(unit="s", doc="duration of a read")
    read_voltage_v: float

    @derived(unit="J")
    def total_j(self) -> float:
        """Energy of both layers [J]."""
        return self.hidden_j + self.output_j

    def of_training(self, presentations: int) -> float:
        """Return the read energy of a number of presentations with the spikes of a test sample [J]."""
        return presentations * self.total_j


def per_inference(
    run: Run, *, read_s: float = READ_S, samples: int = SAMPLES, synapses: Synapses | None = None
) -> InferenceEnergy:
    """Estimate spikes and energy of an inference from test samples.

    Parameters
    ----------
    run : Run
        Trained run; read noise is not included.
    read_s : float
        Time of the read of one spike [s], by default 1 us. Energy is proportional to it; the network's step of 1 ms
        would give 1000 times as much.
    samples : int
        Number of test samples, from the first.
    synapses : Synapses, optional
        Synapses of an offline network (`run.learner.program()`); None: those of the run.

    Raises
    ------
    UsageError
        If there are no devices, the card holds weights, or its read voltage is unknown.
    """
    read = synapses or run.synapses
    if run.card is None or read is None:
        raise UsageError("Float weights have no read energy. Pass synapses= with the weights programmed into devices.")
    voltage, window = run.card.conditions.read_voltage_v, run.card.window
    if window.quantity != "conductance_s" or voltage is None:
        raise UsageError(f"Card {run.card.name!r} has no conductance or no read voltage. The read energy needs both.")
    w1, w2 = (np.require(w, requirements="W") for w in read.read(0.0))
    inputs, hidden, shown = _spikes(run, w1, w2, samples)
    own = run.learner.noise().devices
    matrices = [
        window.from_state(array.observed_states).reshape(shape[0], own * shape[1])
        for array, shape in zip(read.arrays, read.shapes, strict=True)
    ]
    first, second = (
        inference_energy(g, counts / shown, voltage, read_s)
        for g, counts in zip(matrices, (inputs, hidden), strict=True)
    )
    return InferenceEnergy(
        samples=shown,
        input_spikes=float(inputs.sum() / shown),
        hidden_spikes=float(hidden.sum() / shown),
        hidden_j=first,
        output_j=second,
        row_a=float(voltage * matrices[0].sum(axis=1).max()),
        read_s=read_s,
        read_voltage_v=voltage,
    )


def _spikes(run: Run, w1: np.ndarray, w2: np.ndarray, samples: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Count spikes of each input and each hidden unit over samples; also return the number of samples."""
    dynamics, shown = run.test_dynamics, min(samples, len(run.test_ids))
    s = make_scratch(w1.shape[0], w1.shape[1], w2.shape[1], dynamics.steps)
    inputs, hidden = np.zeros(w1.shape[0], np.int64), np.zeros(w1.shape[1], np.int64)
    stream = np.uint64(mix(stream_key(run.config.seed, TEST_STREAM), np.uint64(run.config.epochs - 1)))
    for k in range(shown):
        key = np.uint64(mix(stream, run.test_ids[k]))  # compiled code returns a plain number
        present(run.x_test[k], key, w1, w2, dynamics, QUIET, s)
        for t in range(dynamics.steps):
            inputs += np.bincount(s.events[t, : s.event_count[t]], minlength=inputs.size)
        hidden += np.bincount(s.spikes[: s.spike_end[-1]], minlength=hidden.size)
    return inputs, hidden[: run.config.hidden], shown
