"""Load the CrossSim export with the real CrossSim V2.0, apply its update, and compare with a DeviceArray.

    git clone --branch v2.0 https://github.com/sandialabs/cross-sim
    python tests/benchmarks/roundtrip_crosssim.py --python CROSSSIM_VENV/bin/python --repo cross-sim

Wanted there: numpy 1.23.5, scipy 1.10.1, setuptools < 70, matplotlib. Also measured: the scatter of drawn updates.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from roundtrip import cards, each_card, in_peer, parser

from devicekit.device.card import DeviceCard
from devicekit.exporters.base import update_sigma

PEER = r"""
import json, os, sys
import numpy as np, scipy
from cross_sim import Parameters

params = Parameters()
numeric = params.numeric_params
lookup = numeric.dG_lookup
lookup.file_increasing = os.path.join(sys.argv[2], "dG_increasing.txt")
lookup.file_decreasing = os.path.join(sys.argv[2], "dG_decreasing.txt")
lookup.Gmin_relative, lookup.Gmax_relative = 0.0, 1.0
numeric.update_model = "DG_LOOKUP"
lookup.manual_post_set()  # as MakeCore does: reads and checks the two files

low, high = lookup.Gmin_clip, lookup.Gmax_clip
clip = params.xbar_params.weight_clipping
w = np.array([[clip.minimum]])
path = [w[0, 0] * high]
for request in [lookup.ave_dw_inc] * 100 + [lookup.ave_dw_dec] * 100:  # one average update: one pulse
    w = clip.clip(w + lookup.compute_update(np.full((1, 1), request), w, disable_writenoise=True))
    path.append(float(w[0, 0] * high))
np.random.seed(0)
middle = np.full((200, 200), 0.5 * (clip.minimum + clip.maximum))
drawn = [lookup.compute_update(np.full(middle.shape, dw), middle, disable_writenoise=False) * high
         for dw in (lookup.ave_dw_inc, lookup.ave_dw_dec)]
json.dump({
    "g": path, "window": [low, high], "mean": [float(d.mean()) for d in drawn], "sd": [float(d.std()) for d in drawn],
    "versions": "numpy " + np.__version__ + ", scipy " + scipy.__version__,
}, open(sys.argv[1], "w"))
"""


def main() -> None:
    made = parser(__doc__)
    made.add_argument("--repo", type=Path, required=True, help="checkout of cross-sim at tag v2.0")
    asked = made.parse_args()
    package = asked.repo.resolve() / "cross_sim"

    def peer(card: DeviceCard, folder: Path) -> dict[str, Any]:
        code = f"import sys; sys.path.insert(0, {str(package.parent)!r})\n" + PEER
        answer = in_peer(asked.python, code, str(folder))
        span = card.window.span
        wanted = [float(card.rate(direction, 0.5)) for direction in ("ltp", "ltd")]
        sigma = [
            float(update_sigma(card, direction, np.array(rate)))
            for direction, rate in zip(("ltp", "ltd"), wanted, strict=True)
        ]
        return {
            "value": answer["g"],
            "mean and sd of drawn updates at mid-window (real, card)": [
                np.round(np.array(answer[key]) / span, 6).tolist() for key in ("mean", "sd")
            ]
            + [np.round(wanted, 6).tolist(), np.round(sigma, 6).tolist()],
            "with": answer["versions"],
        }

    for noise in (False, True):
        print("with update noise in the tables" if noise else "without noise (--no-noise)")
        each_card("crosssim", peer, noise=noise)
    _from_data(peer)


def _from_data(peer: Callable[[DeviceCard, Path], dict[str, Any]]) -> None:
    """The table made straight from the measured ramps, against their mean."""
    import devicekit

    card = cards().get("measured ramps")
    if card is None:
        return
    folder = Path(os.environ["DEVICEKIT_TEST_DATA"]) / "crosssim_ramps"
    table = devicekit.read(folder, quantity="current", read_voltage=0.1)
    with tempfile.TemporaryDirectory() as name:
        devicekit.export(card, "crosssim", Path(name) / "lut", data=table)
        value = np.array(peer(card, Path(name) / "lut")["value"])
    ramps = np.array([g[:101] for _, _, _, g in table.traces("ltp")])
    away = np.abs(value[:101] - np.nanmean(ramps, axis=0)).max() / card.window.span
    print(f"straight from the ramps: 100 LTP pulses stay within {away:.2e} of the range of the mean ramp")


if __name__ == "__main__":
    main()
