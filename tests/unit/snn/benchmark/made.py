"""Made-up devices of the tests of a benchmark."""

from __future__ import annotations

import math

from devicekit.device.card import DeviceCard
from devicekit.synthetic.pulses import truth_card


def linear(up: float, down: float, increment: float = 0.0) -> DeviceCard:
    theta: dict[str, tuple[float, ...]] = {"ltp": (math.log(up),), "ltd": (math.log(down),)}
    return truth_card(theta, model="linear", increment=increment, read=0.0)
