"""SYNTHETIC trains at several amplitudes, constant or growing, of devices with a known law of the amplitude."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from devicekit.core.errors import UsageError
from devicekit.device.array import DeviceArray
from devicekit.device.blocks import Conditions
from devicekit.device.card import DeviceCard
from devicekit.device.pulselaw import BranchScaling, PulseScaling
from devicekit.synthetic.marks import synthetic
from devicekit.synthetic.pulses import READ_VOLTAGE, truth_card
from devicekit.tables import PulseTable

REFERENCE_VOLTAGE, REFERENCE_WIDTH = 0.9, 1e-5  # V, s
AMPLITUDES = (0.7, 0.8, 0.9, 1.0, 1.1)  # V
TRUTHS: dict[str, dict[str, float]] = {
    "exponential": {"inverse_v0": 8.0},
    "power": {"n": 7.0},
    "threshold": {"v_th": 0.5, "alpha": 2.2},
}
_THETA: dict[str, tuple[float, ...]] = {
    "ltp": (-3.9, 1.0),
    "ltd": (-4.1, 1.0),
}  # L and kappa of soft bounds: the step vanishes at the bound
_FAR = (0.01, 100.0)  # V, s: range of the truth


def amplitude_truth(
    kind: str, exponent: float = 0.8, *, increment: float = 0.002, read: float = 0.004, d2d: float = 0.0
) -> DeviceCard:
    """Return a card that states a known law of amplitude and width, for synthetic data and tests.

    Parameters
    ----------
    kind : str
        exponential, power or threshold.
    exponent : float
        m of the width.
    increment, read : float
        Standard deviation of one update and of one reading, fractions of the window.
    d2d : float
        Device-to-device standard deviation of ln rate.

    Raises
    ------
    UsageError
        If the kind is unknown.
    """
    if kind not in TRUTHS:
        raise UsageError(f"kind= must be one of {', '.join(TRUTHS)}, not {kind!r}")
    parameters = {**TRUTHS[kind], "m": exponent}
    lowest = parameters.get("v_th", 0.0) + _FAR[0]
    branch = BranchScaling(
        law=kind,  # type: ignore[arg-type]
        parameters=parameters,
        intervals={},
        covariance=(),
        scatter=0.0,
        reference_voltage_v=REFERENCE_VOLTAGE,
        reference_width_s=REFERENCE_WIDTH,
        voltage_range_v=(lowest, _FAR[1]),
        width_range_s=(1e-12, _FAR[1]),
        n_pulses=0,
        not_excluded=(kind,),
        assumed=False,
    )
    conditions = Conditions(
        pulse_width_s=REFERENCE_WIDTH,
        ltp_voltage_v=REFERENCE_VOLTAGE,
        ltd_voltage_v=-REFERENCE_VOLTAGE,
        read_voltage_v=READ_VOLTAGE,
    )
    card = truth_card(_THETA, increment=increment, read=read, ln_rate_sd=d2d, model="softbounds", conditions=conditions)
    return card.with_blocks({"pulse_law": PulseScaling(source="truth", synthetic=True, ltp=branch, ltd=branch)})


def generate_programmes(
    card: DeviceCard,
    programmes: Sequence[np.ndarray],
    n_cycles: int,
    seed: int,
    *,
    n_devices: int = 1,
    width_s: float = REFERENCE_WIDTH,
) -> PulseTable:
    """Generate alternating LTP and LTD trains with given amplitudes of the pulses, each cycle from r = 0.

    Parameters
    ----------
    card : DeviceCard
        With a law of the amplitude, as `amplitude_truth` makes one.
    programmes : sequence of ndarray, shape (N,)
        Amplitude of each pulse [V]: `numpy.full(100, 0.9)`, or a ramp.
    n_cycles : int
        Of each programme.
    seed : int
    n_devices : int
    width_s : float
        Width of all pulses [s].

    Returns
    -------
    PulseTable
        With the warning `synthetic`; cycle numbers continue from programme to programme.
    """
    array = DeviceArray(card, n_devices, seed, d2d="shared", read_noise=True)
    frames, cycle = [], 0
    for volts in programmes:
        for _ in range(n_cycles):
            cycle += 1
            array.r[:] = 0.0
            for direction, sign in (("ltp", 1), ("ltd", -1)):
                if sign < 0:
                    array.r[:] = 1.0
                readings = [array.read()]
                for v in volts:
                    array.pulse(sign, voltage_v=float(v), width_s=width_s)
                    readings.append(array.read())
                frames.append(_rows(np.array(readings), cycle, direction, sign * np.append(volts[:1], volts), width_s))
    frame = pd.concat(frames, ignore_index=True)
    return synthetic(PulseTable, frame)


def _rows(readings: np.ndarray, cycle: int, direction: str, volts: np.ndarray, width_s: float) -> pd.DataFrame:
    pulses, devices = readings.shape
    return pd.DataFrame(
        {
            "device_id": np.repeat([f"device{k + 1}" for k in range(devices)], pulses),
            "cycle": cycle,
            "direction": direction,
            "pulse_index": np.tile(np.arange(pulses), devices),
            "conductance_s": np.maximum(readings.T.ravel(), 0.0),
            "pulse_voltage_v": np.tile(volts, devices),
            "pulse_width_s": width_s,
            "read_voltage_v": READ_VOLTAGE,
        }
    )
