"""Arrays of devices drawn from a card, pulsed in place, with typed noise."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from devicekit.core.calls import as_number, as_states, as_whole, called_as
from devicekit.core.errors import UsageError
from devicekit.device.blocks import DeviceRow
from devicekit.device.card import CardSource, as_card
from devicekit.device.fading import Fading, divide_changes, fading, pass_time, states_after
from devicekit.device.state import ArrayState, OwnState, pulse_many
from devicekit.device.variation import (
    AppliedVariation,
    C2cMode,
    D2dMode,
    applied_variation,
    draw_windows,
    read_sigma,
)
from devicekit.models import kernel
from devicekit.models.tilt import tilt_factor
from devicekit.system.algebra import draw_normal


class DeviceArray:
    """Devices drawn from a card: states in [0, 1], pulsed in place.

    Parameters
    ----------
    card : DeviceCard, DeviceFit, path-like or str
        The fitted device, as `as_card` takes it.
    n : int
        Number of devices, at least 1.
    seed : int
        Seeds which device is drawn where and every noise draw.
    initial : float or ndarray of shape (n,)
        Starting state r, 0 to 1.
    c2c : {"increment", "paper", "none"}
        Noise of one update: the card's increment sd (default), with how it depends on the state, and the reversible
        fluctuation that each pulse draws anew, where the card has them; "paper" injects the card's spread at each
        pulse, as Ma et al. 2023 do, which overstates it; "none".
    d2d : {"resample", "shared", "none"}
        Devices drawn from the card's measured devices, LTP and LTD of one device together (default), or one
        shared shape with correlated ln rates, or every device the central one. A card of one device has no
        D2D: all three are then the same.
    read_noise : bool
        Whether `read` adds the card's read noise, fresh at every reading.

    Notes
    -----
    Where the card holds a window for each device, states can leave 0..1 and each is clipped to its device's window.
    `r` is the state that pulses move; `observed_states` adds the reversible fluctuation and is what `read` sees.

    Noise is drawn by counter: the n-th pulse of device k gets the same draw whatever else happened.

    Devices of a card with a volatile part forget over time (`devicekit.device.measured.Volatile`). Time passes only by
    the `time_s` of `pulse` and `read`; without it nothing is forgotten. The change by a pulse, its scatter included, is
    divided between persistent part and terms, and clipped with the state. The starting state is persistent. Devices of
    other cards accept times without effect.
    """

    @called_as("devicekit.DeviceArray('card.json', 100)")
    def __init__(
        self,
        card: CardSource,
        n: int,
        seed: int = 0,
        *,
        initial: float | np.ndarray = 0.0,
        c2c: C2cMode = "increment",
        d2d: D2dMode = "resample",
        read_noise: bool = False,
    ) -> None:
        card = as_card(card)
        n, seed = as_whole(n, "n", 1), as_whole(seed, "seed", 0)
        if np.ndim(initial) and np.shape(initial) != (n,):
            raise UsageError(f"initial= takes one state, or {n}, one for each device, not {np.size(initial)}")
        self.card, self.n, self.seed = card, n, seed
        rng = np.random.default_rng([seed, 1])
        has = applied_variation(card, c2c, d2d)
        rows = card.devices if has.devices == "resample" else ()
        up = np.array([row.ltp_theta for row in rows] or [card.ltp.theta], float)
        down = np.array([row.ltd_theta for row in rows] or [card.ltd.theta], float)
        up_gain, down_gain = np.ones(n), np.ones(n)
        covariance = card.variation.d2d_ln_rate_covariance
        if has.devices == "shared" and covariance is not None:
            # exp of a centred normal has mean exp(s^2 / 2): keep the mean step
            variances = np.diag(covariance)
            gains = np.exp(draw_normal(rng, np.asarray(covariance), n) - variances / 2)
            up_gain, down_gain = np.ascontiguousarray(gains[:, 0]), np.ascontiguousarray(gains[:, 1])
        law = card.law.id
        self._kernel = ArrayState(
            law=law,
            up=up,
            down=down,
            up_middle=np.array([kernel.middle(law, theta) for theta in up]),
            down_middle=np.array([kernel.middle(law, theta) for theta in down]),
            up_cap=np.array([row.ltp_largest_step for row in rows] or [card.ltp.largest_step]),
            down_cap=np.array([row.ltd_largest_step for row in rows] or [card.ltd.largest_step]),
            row=rng.integers(len(up), size=n).astype(np.int32) if len(up) > 1 else np.zeros(n, np.int32),
            up_gain=up_gain,
            down_gain=down_gain,
            up_sigma=has.sigma["ltp"],
            down_sigma=has.sigma["ltd"],
            up_relative=has.relative["ltp"],
            down_relative=has.relative["ltd"],
            r=np.ascontiguousarray(np.broadcast_to(np.clip(as_states(initial, "initial"), 0.0, 1.0), (n,))).copy(),
            pulses=np.zeros(n, np.int64),
            key=np.uint64(np.random.SeedSequence([seed, 2]).generate_state(1, np.uint64)[0]),
            own=_own_state(has, rows),
        )
        if has.windows:
            low, high = draw_windows(card, self._kernel.row if has.devices == "resample" else None, n, seed)
            self._kernel = self._kernel._replace(own=self._kernel.own._replace(low=low, high=high))
            self.r[:] = np.clip(self.r, low, high)
        self._fluctuate = np.random.default_rng([seed, 5])
        if has.fluctuates:
            self._kernel = self._kernel._replace(own=self._kernel.own._replace(held=np.zeros(n)))
            self._draw_held(slice(None))
        self.fading: Fading | None = fading(card, self.r)
        if self.fading is not None and has.windows:
            self.fading = self.fading._replace(low=self._kernel.own.low, high=self._kernel.own.high)
        self._time_s = 0.0
        self.read_sigma = read_sigma(card) if read_noise else 0.0
        tilts = [branch.read_tilt or 0.0 for branch in (card.variation.ltp, card.variation.ltd)]
        self._read_tilt = (tilts[0] - tilts[1]) / 2.0  # along the state, of both directions
        self._reader = np.random.default_rng([seed, 3])

    def __repr__(self) -> str:
        return f"<DeviceArray: {self.n} devices of {self.card.name!r}>"

    @property
    def kernel_state(self) -> ArrayState:
        """State of the array for compiled code (shared memory)."""
        return self._kernel

    @property
    def r(self) -> np.ndarray:
        """True states [1], shape (n,); the array's own memory."""
        return self._kernel.r

    @property
    def observed_states(self) -> np.ndarray:
        """States as read without read noise [1], shape (n,): with the fluctuation since the last pulse."""
        held = self._kernel.own.held
        return self.r + held if held.size else self.r

    def _draw_held(self, where: slice | np.ndarray) -> None:
        """Draw the reversible fluctuation of these devices anew, independent of its earlier value."""
        state = self._kernel.own
        sd = math.sqrt((state.up_held**2 + state.down_held**2) / 2.0)
        state.held[where] = sd * self._fluctuate.standard_normal(self.n)[where]

    @property
    def pulses(self) -> np.ndarray:
        """Pulses that each device has received, shape (n,)."""
        return self._kernel.pulses

    @property
    def time_s(self) -> float:
        """Time of the last pulse or reading with a time [s]; 0 at first."""
        return self._time_s

    @called_as("array.pulse(1)")
    def pulse(
        self,
        sign: int | np.ndarray,
        index: np.ndarray | None = None,
        time_s: float | None = None,
        *,
        voltage_v: float | None = None,
        width_s: float | None = None,
        extrapolate: bool = False,
    ) -> None:
        """Apply one pulse to each device of `index` (default: all), in place.

        Parameters
        ----------
        sign : int or ndarray of int
            +1 for LTP, -1 for LTD, 0 for none; one for all, or one for each entry of `index`.
        index : ndarray of int, optional
            Devices to pulse; a device named twice gets two pulses.
        time_s : float, optional
            When, not before `time_s` of the array [s]; None: now, no time has passed.
        voltage_v, width_s : float, optional
            Amplitude [V], which counts by its size (`sign` says the polarity), and width [s] of the pulse, on a card
            with a law of them (`pulse_law`): the step is the reference pulse's times the law's factor. The scatter of
            an update stays that of the reference pulse, where it was measured.
        extrapolate : bool
            Whether amplitudes and widths outside the measured range are allowed.

        Raises
        ------
        UsageError
            If a device does not exist, the time is before that of the array, the card lacks the law, or the pulse is
            outside the measured range.
        """
        index = np.arange(self.n) if index is None else self._which(index)
        if np.asarray(sign).dtype.kind not in "biuf" or np.isnan(sign).any():
            raise UsageError(f"sign= takes 1 for LTP, -1 for LTD or 0 for none, not {sign!r}.")
        if np.ndim(sign) and np.shape(sign) != index.shape:
            raise UsageError(f"sign= takes one sign, or {index.size}, one for each device, not {np.size(sign)}")
        signs = np.ascontiguousarray(np.broadcast_to(np.sign(sign), index.shape)).astype(np.int64)
        asked = voltage_v is not None or width_s is not None
        state = self._scaled(signs, voltage_v, width_s, extrapolate) if asked else self._kernel
        self._wait(time_s)
        pulse_many(state, index, signs, np.empty(kernel.MAX_SHAPE))
        if self.fading is not None:
            divide_changes(self.fading, self.r, np.unique(index))

    def _scaled(
        self, signs: np.ndarray, voltage_v: float | None, width_s: float | None, extrapolate: bool
    ) -> ArrayState:
        """Return the state with the gains of another pulse than the reference."""
        law = self.card.pulse_law
        if law is None:
            raise UsageError(
                f"card {self.card.name!r} has no law of amplitude or width. Fit a table of several with "
                "share='amplitude', 'width' or 'both'"
            )
        up, down = (
            law.branch(name).factor(voltage_v, width_s, extrapolate, name.upper()) if (signs == sign).any() else 1.0
            for name, sign in (("ltp", 1), ("ltd", -1))
        )
        return self._kernel._replace(up_gain=self._kernel.up_gain * up, down_gain=self._kernel.down_gain * down)

    def read(self, time_s: float | None = None) -> np.ndarray:
        """Return conductances [S] (or weights) of all devices, with read noise if the array has it.

        Parameters
        ----------
        time_s : float, optional
            When, as for `pulse`.
        """
        self._wait(time_s)
        r = self.observed_states
        if self.read_sigma > 0:
            r = r + self.read_sigma * self.read_noise_factor(r) * self._reader.standard_normal(self.n)
        return self.card.window.from_state(r)

    def read_noise_factor(self, r: np.ndarray) -> np.ndarray:
        """Return the standard deviation of a reading at states `r` over its mean over the window [1]."""
        return tilt_factor(self._read_tilt, r)

    def set_states(self, r: np.ndarray, index: np.ndarray | None = None) -> None:
        """Set states of devices (default: all) at once, as programming does; they forget it like pulses.

        Parameters
        ----------
        r : ndarray
            New states, 0 to 1, one for each entry of `index`; clipped to each device's own window.
        index : ndarray of int, optional
            Devices, each once.
        """
        r = np.clip(as_states(r), 0.0, 1.0)
        where = slice(None) if index is None else self._which(index)
        if r.ndim and r.shape != self.r[where].shape:
            raise UsageError(f"r= takes one state for each device: {self.r[where].size}, not {r.size}")
        state = self._kernel.own
        self.r[where] = np.clip(r, state.low[where], state.high[where]) if state.low.size else r
        if state.held.size:
            self._draw_held(where)
        if self.fading is not None:
            divide_changes(self.fading, self.r, where)

    def _which(self, index: np.ndarray) -> np.ndarray:
        """Return which devices are meant; refuse one that does not exist."""
        given = np.atleast_1d(np.asarray(index))
        if given.size and (given.dtype.kind not in "iu" or given.min() < 0 or given.max() >= self.n):
            raise UsageError(f"index= takes whole numbers in 0..{self.n - 1}")
        return given.astype(np.int64)

    def states_after(self, seconds: float = 0.0) -> np.ndarray:
        """Return the states [1] after this time without pulses, shape (n,), without changing the array."""
        r = self.r.copy() if self.fading is None else states_after(self.fading, seconds)
        held = self._kernel.own.held
        return r + held if held.size else r

    def record_changes(self, forgot: bool = False) -> None:
        """Record changes made by compiled code; no effect for devices that forget nothing.

        Parameters
        ----------
        forgot : bool
            Whether that code updated the volatile parts (`fading`), from which the states follow; otherwise it only
            moved the states, and the change is divided between the volatile parts here.
        """
        if self.fading is None:
            return
        if forgot:
            self.r[:] = states_after(self.fading)
        else:
            divide_changes(self.fading, self.r)

    def _wait(self, time_s: float | None) -> None:
        if time_s is None or time_s == self._time_s:
            return
        if not self._time_s < as_number(time_s, "time_s") < math.inf:
            raise UsageError(f"time_s={time_s!r} is before the array's time, {self._time_s:g} s")
        if self.fading is not None:
            pass_time(self.fading, time_s - self._time_s)
            self.r[:] = states_after(self.fading)
        self._time_s = float(time_s)


def _own_state(has: AppliedVariation, rows: Sequence[DeviceRow]) -> OwnState:
    """Return the state of devices that all have the card's window and do not fluctuate yet."""
    return OwnState(
        low=np.empty(0),
        high=np.empty(0),
        row_low=np.array([0.0 if row.low is None else row.low for row in rows] or [0.0]),
        row_span=np.array(
            [1.0 if row.low is None or row.high is None else row.high - row.low for row in rows] or [1.0]
        ),
        held=np.empty(0),
        up_held=has.held["ltp"],
        down_held=has.held["ltd"],
        up_memory=has.memory["ltp"],
        down_memory=has.memory["ltd"],
        up_tilt=has.tilt["ltp"],
        down_tilt=has.tilt["ltd"],
    )
