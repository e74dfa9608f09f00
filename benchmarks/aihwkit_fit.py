"""Fit soft bounds to one synthetic train with aihwkit's own fit_measurements and with devicekit: time and rms.

    python benchmarks/aihwkit_fit.py

Skips, saying so, where aihwkit does not work (it needs a torch that its wheel was built for: 1.1.0 with torch
2.10.0 works). Both fit the same 100 up and 100 down pulses with SoftBounds; aihwkit by lmfit's leastsq, as
devicekit's last call is. CPU time of this process.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from devicekit.device.blocks import Window
from devicekit.fitting.branch.fit import fit_branch
from devicekit.fitting.branch.options import FitOptions
from devicekit.fitting.branch.trains import Trains

NOISE = 0.01
PULSES = 100
UNIT = Window(quantity="weight", low=-1.0, high=1.0, scope="benchmark")


def train() -> tuple[np.ndarray, np.ndarray]:
    """Weights after each of 100 up and 100 down pulses of a soft-bounds device, with read noise."""
    w, path = -0.9, []
    for k in range(2 * PULSES):
        path.append(w)
        w += 0.03 * (1 - w / 1.0) if k < PULSES else -0.03 * (1 + w / 1.0)
    path.append(w)
    noise = NOISE * np.random.default_rng(0).standard_normal(len(path))
    pulses = np.repeat([1.0, -1.0], PULSES)
    return pulses, np.array(path) + noise


def peer(pulses: np.ndarray, path: np.ndarray, method: str) -> tuple[float, float]:
    """Seconds and rms of aihwkit.

    Its convention: element k of the pulses is applied after response k, and the last one is not used.
    """
    from aihwkit.simulator.configs.devices import SoftBoundsDevice
    from aihwkit.utils.fitting import fit_measurements

    parameters = {
        "dw_min": (0.05, 0.001, 0.5),
        "up_down": (0.0, -0.9, 0.9),
        "w_max": (0.9, 0.3, 3.0),
        "w_min": (-0.9, -3.0, -0.3),
    }
    began = time.process_time()
    result, _, _ = fit_measurements(
        parameters, pulses, path[:-1], SoftBoundsDevice(), suppress_device_noise=True, method=method
    )
    return time.process_time() - began, float(np.sqrt(result.chisqr / (path.size - 1)))


def ours(path: np.ndarray, with_lmfit: bool) -> tuple[float, float]:
    """Seconds (median of 20) and rms of devicekit, the two branches one after the other.

    With lmfit's last call a single fit also hops over the basins of the search; without, it is that of a set.
    """
    branches = {"ltp": path[: PULSES + 1], "ltd": path[PULSES:]}
    sets = [Trains(direction, ("d",), np.array([1]), values[None, :]) for direction, values in branches.items()]
    options = FitOptions("softbounds")
    times, fits = [], []
    for _ in range(21):
        began = time.process_time()
        fits = [fit_branch(each, UNIT, options, with_lmfit=with_lmfit, judge=False) for each in sets]
        times.append(time.process_time() - began)
    residuals = np.concatenate([fit.residuals * UNIT.span for fit in fits])
    return float(np.median(times[1:])), float(np.sqrt(np.mean(residuals**2)))


def main() -> None:
    pulses, path = train()
    single, rms = ours(path, with_lmfit=True)
    of_a_set, _ = ours(path, with_lmfit=False)
    print(f"devicekit softbounds: {1e3 * single:.1f} ms a single fit, {1e3 * of_a_set:.2f} ms in a set, rms {rms:.4f}")
    for method in ("leastsq", "powell"):  # powell is aihwkit's default
        try:
            seconds, their_rms = peer(pulses, path, method)
        except Exception as error:  # a missing package, or one that imports but does not run
            print(f"skipped: aihwkit does not work here ({type(error).__name__}: {error})")
            sys.exit(0)
        print(
            f"aihwkit {method}: {1e3 * seconds:.0f} ms, rms {their_rms:.4f}; {seconds / single:.0f} times a "
            "single fit, "
            f"{seconds / of_a_set:.0f} times one in a set"
        )


if __name__ == "__main__":
    main()
