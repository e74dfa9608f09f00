"""From a pulse table to curves that can be fitted: trains stacked, window chosen, traps checked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from devicekit.device.card import Window
from devicekit.errors import Flag, TraceError
from devicekit.tables import PulseTable

FEWEST_POINTS = 8
FEW_POINTS = 16
WIDE_RANGE = 30.0
SHORT_TRAIN = 0.5  # a train shorter than this share of the median length is left out of the means


@dataclass(frozen=True)
class Stack:
    """All trains of one direction.

    Attributes
    ----------
    direction : str
        ltp or ltd.
    devices : tuple of str
        Device of each train.
    cycles : ndarray of int, shape (T,)
        Cycle of each train.
    values : ndarray, shape (T, N + 1)
        State after pulse n in the table's unit; NaN where it was not read, and beyond a train's end.
    """

    direction: str
    devices: tuple[str, ...]
    cycles: np.ndarray
    values: np.ndarray

    def of(self, device: str) -> Stack:
        """The trains of one device."""
        keep = [k for k, name in enumerate(self.devices) if name == device]
        return Stack(
            self.direction, tuple(self.devices[k] for k in keep), self.cycles[keep], self.values[keep]
        )

    def rising(self, window: Window) -> np.ndarray:
        """Trains on the rising coordinate x in [0, 1], shape (T, N + 1)."""
        r = window.to_state(self.values)
        return r if self.direction == "ltp" else 1.0 - r

    def mean_states(self, window: Window) -> np.ndarray:
        """Mean over cycles of each device's states r, shape (devices, N + 1); of ln G on a log window."""
        names = dict.fromkeys(self.devices)
        return np.array([nanmean(window.to_state(self.of(name).values)) for name in names])

    def mean_by_device(self) -> np.ndarray:
        """Mean over cycles of each device's trains, shape (devices, N + 1)."""
        return np.array([nanmean(self.of(name).values) for name in dict.fromkeys(self.devices)])


def nanmean(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis of what is finite; NaN where nothing is (and no warning)."""
    count = np.isfinite(values).sum(axis=0)
    total = np.where(np.isfinite(values), values, 0.0).sum(axis=0)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def stack(table: PulseTable, direction: str) -> tuple[Stack | None, list[Flag]]:
    """All trains of one direction on their common head; None if there are none.

    Means over trains of unequal length would mix different sets of trains along the curve, so every train
    is cut to the shortest one. Trains shorter than half the median length are left out, and flagged.
    """
    trains = list(table.traces(direction))
    if not trains:
        return None, []
    lengths = np.array([int(index[_last(values)] - index.min()) for _, _, index, values in trains])
    keep = lengths >= SHORT_TRAIN * np.median(lengths)
    flags = []
    if not keep.all():
        message = f"{int((~keep).sum())} {direction.upper()} trains far shorter than the others were left out"
        flags.append(Flag("dropped", message))
    head = int(lengths[keep].min())
    values = np.full((int(keep.sum()), head + 1), np.nan)
    kept = [train for train, good in zip(trains, keep, strict=True) if good]
    for row, (_, _, index, state) in enumerate(kept):
        position = index - index.min()
        inside = (position <= head) & np.isfinite(state)
        total, count = np.zeros(head + 1), np.zeros(head + 1)
        np.add.at(total, position[inside], state[inside])  # a pulse that was read twice counts with its mean
        np.add.at(count, position[inside], 1.0)
        values[row] = np.divide(total, count, out=np.full(head + 1, np.nan), where=count > 0)
    devices = tuple(train[0] for train in kept)
    return Stack(direction, devices, np.array([train[1] for train in kept]), values), flags


def _last(values: np.ndarray) -> int:
    """Position of the last reading."""
    finite = np.flatnonzero(np.isfinite(values))
    return int(finite[-1]) if finite.size else 0


def choose_window(stacks: list[Stack], quantity: str, scope: str, scale: str = "linear") -> Window:
    """One window for both branches: the range of their mean curves, smoothed to a monotone course.

    The monotone smoother (isotonic regression) is the identity on a clean curve; on a noisy one it keeps
    single extreme readings from setting the window.
    """
    from scipy.optimize import isotonic_regression

    ends = []
    for each in stacks:
        curve = nanmean(each.mean_by_device())
        finite = curve[np.isfinite(curve)]
        name = each.direction.upper()
        if finite.size < 2:
            raise TraceError(
                f"the {name} curve has {finite.size} reading(s); a fit needs at least {FEWEST_POINTS}"
            )
        if finite.max() == finite.min():
            raise TraceError(f"no switching: all {finite.size} readings of the {name} curve are equal")
        smooth = isotonic_regression(finite, increasing=each.direction == "ltp").x
        ends += [smooth[0], smooth[-1]]
    low, high = float(min(ends)), float(max(ends))
    if not high > low:
        raise TraceError(
            "no switching: the mean curve does not move in the direction its trains are labelled with"
        )
    if scale == "log" and (quantity != "conductance_s" or low <= 0):
        raise TraceError("a log state needs conductances above 0 S")
    return Window(quantity=quantity, low=low, high=high, scope=scope, scale=scale)  # type: ignore[arg-type]


def nanvar(values: np.ndarray) -> np.ndarray:
    """Unbiased variance over the first axis of what is finite; NaN where fewer than two are (and no warning)."""
    finite = np.isfinite(values)
    count = finite.sum(axis=0)
    squares = np.where(finite, values - nanmean(values), 0.0) ** 2
    return np.divide(squares.sum(axis=0), count - 1, out=np.full(count.shape, np.nan), where=count > 1)


def noise_of(y: np.ndarray) -> float:
    """Standard deviation of independent reading noise on a smooth curve, from its second differences.

    1.4826 MAD(second differences) / sqrt(6); never below the quantisation step / sqrt(12).
    """
    y = y[np.isfinite(y)]
    if y.size < 4:
        return 0.0
    second = np.diff(y, 2)
    sigma = 1.4826 * float(np.median(np.abs(second - np.median(second)))) / np.sqrt(6)
    steps = np.diff(np.unique(y))
    repeated = np.unique(y).size < 0.5 * y.size
    return max(sigma, float(steps.min()) / np.sqrt(12)) if repeated and steps.size else sigma


def check_curve(y: np.ndarray, direction: str, noise: float) -> list[Flag]:
    """Refuse curves that no law can be fitted to; flag those that need care.

    Raises
    ------
    TraceError
        Fewer than 8 readings, a constant curve, or no net change beyond the noise.
    """
    name = direction.upper()
    finite = y[np.isfinite(y)]
    if finite.size < FEWEST_POINTS:
        raise TraceError(
            f"the {name} curve has {finite.size} reading(s); a fit needs at least {FEWEST_POINTS}"
        )
    tail = finite[-max(finite.size // 10, 1) :]
    net = float(np.median(tail)) - float(finite[0])
    # by the first reading alone (a fast curve has left it at once) or, for a noisy one, by the first tenth
    ends = float(np.mean(tail) - np.mean(finite[: tail.size]))
    seen = net >= 4 * noise * np.sqrt(1.0 + 1.0 / tail.size) or ends >= 4 * noise * np.sqrt(2.0 / tail.size)
    if not seen or net <= 0:
        raise TraceError(
            f"the {name} curve shows no significant net change in its direction ({net:.3g} of the window, "
            f"noise {noise:.3g})"
        )
    flags = []
    if finite.size < FEW_POINTS:
        flags.append(Flag("few_points", f"{name}: {finite.size} readings determine only simple curves"))
    steps = np.diff(finite)
    span = finite.max() - finite.min()
    if steps.max() > 0.3 * span:
        flags.append(
            Flag("abrupt", f"{name}: one pulse moves the device by {100 * steps.max() / span:.0f} % of its "
                           "range; eq. (2) is a "
                 "law for gradual switching")
        )  # fmt: skip
    reached = np.flatnonzero(finite >= finite[0] + 0.95 * net)
    if reached.size and reached[0] < 0.5 * finite.size:
        flags.append(
            Flag("plateau", f"{name}: 95 % of the change is done after {reached[0]} of {finite.size - 1} "
                            "pulses; the rest is plateau")
        )  # fmt: skip
    typical = float(np.median(np.abs(steps)))
    if noise > max(net / (finite.size - 1), 1e-300) and noise > 0.02:
        flags.append(
            Flag("noisy", f"{name}: reading noise ({noise:.3g} of the window) exceeds the mean step "
                 f"({net / (finite.size - 1):.3g}); typical reading-to-reading change {typical:.3g}")
        )  # fmt: skip
    return flags


def check_window(stacks: dict[str, Stack], window: Window) -> list[Flag]:
    """Flags that concern both branches: decades, range ratio, junction."""
    flags = []
    wide = window.quantity == "conductance_s" and window.low > 0 and window.high / window.low > WIDE_RANGE
    if wide and window.scale == "linear":
        ratio = window.high / window.low
        flags.append(
            Flag("wide_range", f"the conductance spans a factor of {ratio:.3g}; errors at the low end hardly "
                               "count on a linear scale")
        )  # fmt: skip
    if len(stacks) < 2:
        return flags
    curves = {way: nanmean(each.mean_by_device()) for way, each in stacks.items()}
    spans = {way: float(np.nanmax(curve) - np.nanmin(curve)) for way, curve in curves.items()}
    ratio = max(spans.values()) / max(min(spans.values()), 1e-300)
    if ratio > 10:
        raise TraceError(
            f"the LTP and LTD ranges differ {ratio:.3g}-fold ({spans['ltp']:.3g} and {spans['ltd']:.3g}): they cannot "
            "share one window, and are hardly one device"
        )
    if ratio > 2:
        flags.append(Flag("range_ratio", f"the LTP and LTD ranges differ {ratio:.2g}-fold"))
    ends = {way: curve[np.isfinite(curve)] for way, curve in curves.items()}
    gap = float(ends["ltd"][0] - ends["ltp"][-1])
    # a train that was first read after its first pulse starts one step down: that much is no jump
    step = max(float(ends["ltd"][0] - ends["ltd"][1]), 0.0)
    if max(gap, -gap - step) > 0.05 * window.span:
        flags.append(
            Flag("junction", f"LTD starts {abs(gap) / window.span:.1%} of the window "
                             f"{'above' if gap > 0 else 'below'} the end of LTP")
        )  # fmt: skip
    return flags
