"""The one switch over update laws, compiled once: used by the fit, by `DeviceArray` and by the network.

A law is addressed by its integer id and by `theta` = (L, shape parameters); x is the rising coordinate.
Rates are total: 0 where the law says "saturated", never NaN, never above `LARGEST_LOG_RATE`.
"""

from __future__ import annotations

import hashlib
import inspect
import math
import os
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numba
import numpy as np
import platformdirs

from devicekit.models.law import MAX_SHAPE
from devicekit.models.registry import LAWS

LARGEST_LOG_RATE = 1.0  # a pulse that moves the state by more than e windows is a runaway of a search
LARGEST_STATE = 3.0
SMALLEST_SLOPE = -1.0  # of x + rho(x); beyond it sensitivities explode when a trial step overshoots
_KERNELS = (
    "devicekit/models",
    "devicekit/device",
    "devicekit/fitting",
    "devicekit/features/conduction",
    "snn",
)  # where compiled code is
_MARKS = ("@compiled", "@borrowing", "@inlined", "bound(", "switch(")  # beside what is compiled


def _stamp() -> str:
    """A checksum of all that compiled code is made from: the laws in their order, and every file with a kernel.

    numba's own cache looks at the file of a function alone. Code from another file that was compiled into it, such
    as a law that changed or that another package added, would go unseen.
    """
    root = Path(__file__).parents[2]
    files = [file for folder in _KERNELS for file in sorted((root / folder).rglob("*.py"))]
    parts = [numba.__version__, *LAWS]
    parts += [inspect.getsource(inspect.getmodule(law.ell.py_func)) for law in LAWS.values()]  # type: ignore
    texts = {file: file.read_text(encoding="utf-8") for file in files}
    here = Path(__file__).parent
    parts += [text for file, text in texts.items() if file.parent == here or any(mark in text for mark in _MARKS)]
    parts += _foreign("devicekit.policies")
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _foreign(group: str) -> list[str]:
    """The files of what other packages announce in a group, as text; not imported."""
    texts = []
    for entry in sorted(entry_points(group=group), key=lambda entry: entry.name):
        spec = find_spec(entry.module)
        texts.append(Path(spec.origin).read_text(encoding="utf-8") if spec and spec.origin else entry.value)
    return texts


def cache_folder() -> Path:
    """Where compiled kernels are kept: NUMBA_CACHE_DIR if set, else beside this file, or with the user's caches."""
    beside = Path(__file__).parent
    base = beside / "__pycache__" if os.access(beside, os.W_OK) else Path(platformdirs.user_cache_dir("devicekit"))
    return Path(getattr(numba.config, "CACHE_DIR", "") or base) / f"kernels-{_stamp()}"


_CACHE = str(cache_folder())


def compiled(
    function: Callable[..., Any], inline: Literal["never", "always"] = "never", counts_references: bool = True
) -> Any:
    """Compile a function that uses a law, directly or through another one; kept on disk until any of them changes."""
    settings: Any = numba.config
    usual = settings.CACHE_DIR
    settings.CACHE_DIR = _CACHE  # read when a function is decorated
    # an option without a promise, by which numba compiles its own functions of text
    options: dict[str, Any] = {} if counts_references else {"_nrt": False}
    try:
        return numba.njit(cache=True, error_model="numpy", inline=inline, **options)(function)
    finally:
        settings.CACHE_DIR = usual


def borrowing(function: Callable[..., Any]) -> Any:
    """Compile a function that only uses the arrays it is given: it makes none, and returns none.

    Whoever calls it holds them, so their references are not counted. To count those of every field of every tuple, at
    each access and each call, is most of what a training's kernels are when they are compiled, and a tenth of its time.
    """
    return compiled(function, counts_references=False)


def inlined(function: Callable[..., Any]) -> Any:
    """Compile a function into each place that calls it.

    For inner loops over many arrays: a call counts the references of each array, which costs ten times what a pulse
    does. Such a function takes arrays one by one, never in a tuple, whose every field is counted again at each access.
    """
    return compiled(function, "always")


def switch(functions: Sequence[Callable[..., Any]], name: str, arguments: str, otherwise: str, module: str) -> Any:
    """One of several compiled functions by its number: one comparison each, written out so that it can be compiled.

    They return numbers.

    Parameters
    ----------
    functions : sequence of callable
        Of the same arguments.
    name : str
        Of the function that is made; it takes the number first.
    arguments : str
        Their names, with commas between.
    otherwise : str
        What it gives for any other number.
    module : str
        Name of the module that holds it: a cached function is loaded into the module of its name.
    """
    lines = [f"def {name}(number, {arguments}):"]
    for number in range(len(functions)):
        lines += [f"    if number == {number}:", f"        return {name}_{number}({arguments})"]
    names: dict[str, Any] = {f"{name}_{number}": function for number, function in enumerate(functions)}
    names["__name__"] = module
    exec(compile("\n".join([*lines, f"    return {otherwise}"]), __file__, "exec"), names)
    return borrowing(names[name])


def _switch() -> Any:
    """ell(law, x, shape, gradient) of every law: one comparison a law, written out so that it can be compiled."""
    lines = ["def ell(law, x, shape, gradient):"]
    for law in LAWS.values():
        lines += [f"    if law == {law.id}:", f"        return ell_{law.id}(x, shape, gradient)"]
    names: dict[str, Any] = {f"ell_{law.id}": law.ell for law in LAWS.values()}
    names |= {"math": math, "__name__": __name__}  # a cached function is loaded into the module of its name
    exec(compile("\n".join([*lines, "    return -math.inf"]), __file__, "exec"), names)
    return borrowing(names["ell"])


ell = _switch()
ell.__doc__ = "Log of the shape of law number `law` at x and its gradient (x first, then the shape parameters)."


@borrowing
def middle_and_gradient(law: int, shape: np.ndarray, gradient: np.ndarray) -> float:
    """ell(1/2) and its gradient; 0 where the law does not move there, so that L then scales the bare shape."""
    value = ell(law, 0.5, shape, gradient)
    if value == -math.inf:
        gradient[:] = 0.0
        return 0.0
    return value


@compiled
def middle(law: int, theta: np.ndarray) -> float:
    """ell(1/2): subtract it once per device, not once per pulse."""
    return middle_and_gradient(law, theta[1:], np.empty(MAX_SHAPE))


@borrowing
def rate(law: int, theta: np.ndarray, ell_middle: float, x: float, scratch: np.ndarray) -> float:
    """rho(x) >= 0: the step of one pulse at x; `scratch` has MAX_SHAPE numbers."""
    log_rate = theta[0] + ell(law, x, theta[1:], scratch) - ell_middle
    return math.exp(min(log_rate, LARGEST_LOG_RATE))


@compiled
def rates(law: int, theta: np.ndarray, x: np.ndarray) -> np.ndarray:
    """rho at each x, shape of x (1-d)."""
    scratch = np.empty(MAX_SHAPE)
    mid = middle(law, theta)
    out = np.empty(x.size)
    for k in range(x.size):
        out[k] = rate(law, theta, mid, x[k], scratch)
    return out


@compiled
def simulate(law: int, theta: np.ndarray, x0: float, n_pulses: int) -> np.ndarray:
    """States x_0 ... x_n under `n_pulses` pulses, shape (n_pulses + 1,)."""
    scratch = np.empty(MAX_SHAPE)
    mid = middle(law, theta)
    out = np.empty(n_pulses + 1)
    x = x0
    out[0] = x
    for n in range(n_pulses):
        x = min(x + rate(law, theta, mid, x, scratch), LARGEST_STATE)
        out[n + 1] = x
    return out


@compiled
def rate_gradients(law: int, theta: np.ndarray, x: np.ndarray) -> np.ndarray:
    """d rho / d theta at each x, shape (len(x), len(theta))."""
    p = theta.size
    at_x, at_mid = np.empty(MAX_SHAPE), np.empty(MAX_SHAPE)
    mid = middle_and_gradient(law, theta[1:], at_mid)
    out = np.zeros((x.size, p))
    for k in range(x.size):
        log_rate = theta[0] + ell(law, x[k], theta[1:], at_x) - mid
        if log_rate == -math.inf or log_rate > LARGEST_LOG_RATE:
            continue
        rho = math.exp(log_rate)
        out[k, 0] = rho
        for j in range(1, p):
            out[k, j] = rho * (at_x[j] - at_mid[j])
    return out


@compiled
def simulate_with_sensitivities(
    law: int, theta: np.ndarray, x0: float, states: np.ndarray, sensitivities: np.ndarray
) -> None:
    """Fill `states` (n + 1,) and `sensitivities` (n + 1, p + 1): d state / d (theta, x0), exact.

    S_{n+1} = (1 + rho'(x_n)) S_n + d rho / d theta, S_0 = (0, ..., 0, 1).
    """
    p = theta.size
    at_x, at_mid = np.empty(MAX_SHAPE), np.empty(MAX_SHAPE)
    mid = middle_and_gradient(law, theta[1:], at_mid)
    x = x0
    states[0] = x
    sensitivities[0, :] = 0.0
    sensitivities[0, p] = 1.0
    for n in range(states.size - 1):
        log_rate = theta[0] + ell(law, x, theta[1:], at_x) - mid
        alive = log_rate != -math.inf
        capped = log_rate > LARGEST_LOG_RATE
        rho = math.exp(min(log_rate, LARGEST_LOG_RATE)) if alive else 0.0
        q = 1.0
        if alive and not capped:
            q = max(1.0 + rho * at_x[0], SMALLEST_SLOPE)
        x += rho
        if x > LARGEST_STATE:
            x = LARGEST_STATE
            q = 0.0
            alive = False
        states[n + 1] = x
        for j in range(p + 1):
            sensitivities[n + 1, j] = q * sensitivities[n, j]
        if alive and not capped:
            sensitivities[n + 1, 0] += rho
            for j in range(1, p):
                sensitivities[n + 1, j] += rho * (at_x[j] - at_mid[j])


@compiled
def simulate_driven(law: int, theta: np.ndarray, x0: float, ln_factors: np.ndarray) -> np.ndarray:
    """States x_0 ... x_n under pulses that are not alike, shape (n + 1,): pulse k has exp(ln_factors[k]) of a step."""
    scratch = np.empty(MAX_SHAPE)
    mid = middle(law, theta)
    out = np.empty(ln_factors.size + 1)
    x = x0
    out[0] = x
    for n in range(ln_factors.size):
        log_rate = theta[0] + ell(law, x, theta[1:], scratch) - mid + ln_factors[n]
        x = min(x + math.exp(min(log_rate, LARGEST_LOG_RATE)), LARGEST_STATE)
        out[n + 1] = x
    return out


@compiled
def driven_with_sensitivities(
    law: int,
    theta: np.ndarray,
    x0: float,
    ln_factors: np.ndarray,
    by_pulse: np.ndarray,
    states: np.ndarray,
    sensitivities: np.ndarray,
    steady: np.ndarray,
) -> None:
    """As `simulate_with_sensitivities`, of pulses that are not alike.

    Parameters
    ----------
    law : int
    theta, x0 : ndarray, shape (p,), and float
    ln_factors : ndarray, shape (n,)
        Of each pulse's step.
    by_pulse : ndarray, shape (n, f)
        Derivatives of them by f parameters of the pulses' law.
    states : ndarray, shape (n + 1,)
        Filled.
    sensitivities : ndarray, shape (n + 1, p + f + 1)
        Filled with d state / d (theta, f parameters, x0).
    steady : ndarray, shape (n,)
        Filled with q = 1 + d step / d x: what of a deviation is left after a pulse.
    """
    p, f = theta.size, by_pulse.shape[1]
    last = p + f
    at_x, at_mid = np.empty(MAX_SHAPE), np.empty(MAX_SHAPE)
    mid = middle_and_gradient(law, theta[1:], at_mid)
    x = x0
    states[0] = x
    sensitivities[0, :] = 0.0
    sensitivities[0, last] = 1.0
    for n in range(ln_factors.size):
        log_rate = theta[0] + ell(law, x, theta[1:], at_x) - mid + ln_factors[n]
        alive = log_rate != -math.inf
        capped = log_rate > LARGEST_LOG_RATE
        rho = math.exp(min(log_rate, LARGEST_LOG_RATE)) if alive else 0.0
        q = 1.0
        if alive and not capped:
            q = max(1.0 + rho * at_x[0], SMALLEST_SLOPE)
        x += rho
        if x > LARGEST_STATE:
            x = LARGEST_STATE
            q = 0.0
            alive = False
        states[n + 1] = x
        steady[n] = q
        for j in range(last + 1):
            sensitivities[n + 1, j] = q * sensitivities[n, j]
        if alive and not capped:
            sensitivities[n + 1, 0] += rho
            for j in range(1, p):
                sensitivities[n + 1, j] += rho * (at_x[j] - at_mid[j])
            for j in range(f):
                sensitivities[n + 1, p + j] += rho * by_pulse[n, j]


@compiled
def slopes(law: int, theta: np.ndarray, x: np.ndarray) -> np.ndarray:
    """q(x) = 1 + d rho / dx at each x (1-d), clipped to [0.2, 1.3] as the variance recursions need it."""
    at_x = np.empty(MAX_SHAPE)
    mid = middle(law, theta)
    out = np.ones(x.size)
    for k in range(x.size):
        log_rate = theta[0] + ell(law, x[k], theta[1:], at_x) - mid
        if log_rate != -math.inf:
            out[k] = 1.0 + math.exp(min(log_rate, LARGEST_LOG_RATE)) * at_x[0]
    return np.minimum(np.maximum(out, 0.2), 1.3)
