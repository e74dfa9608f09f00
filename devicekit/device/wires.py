"""Wires of a crossbar: conductances between inputs and outputs when word and bit lines are resistors.

Devices that are linear at read voltages form a linear network, which is solved once for each state and then applies to
every input: I = G_eff^T V. This needs **unused word lines grounded**: with floating ones the currents depend on which
lines are driven, by +1.6, +11.5 and +46 % at 0.1, 1 and 10 ohm in a tile of 64 x 64 devices of 63 to 280 uS with
30 % of the rows on.

Topology: source - r - (i, 0) - r - (i, 1) ...; bit lines run down to a virtual ground below the last row; a resistance
of the terminals (driver, switch, sense amplifier) adds to the first segment of a word line and the last of a bit line.
Not modelled: the drop of a WRITE voltage (a card holds one amplitude), selectors, wires between tiles.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from devicekit.core.errors import UsageError

Method = Literal["exact", "separable"]


@dataclass(frozen=True)
class Wires:
    """Resistances of the lines, and the size of a tile.

    Parameters
    ----------
    wire_ohm : float or (float, float)
        Resistance of a segment from one device to the next [ohm], at least 0; two numbers for word and for bit lines.
    terminal_ohm : float
        Resistance of each driver and of each sense amplifier, in series [ohm], at least 0.
    tile : (int, int)
        Rows and columns of a tile; a larger matrix is cut into tiles with drivers of their own.

    Raises
    ------
    UsageError
        If a number is out of its range.
    """

    wire_ohm: float | tuple[float, float] = 0.0
    terminal_ohm: float = 0.0
    tile: tuple[int, int] = (128, 128)

    def __post_init__(self) -> None:
        for name, value in (("wire_ohm", each) for each in self.segments):
            if not 0 <= value < math.inf:
                raise UsageError(f"{name} must be at least 0 ohm, not {value!r}")
        if not 0 <= self.terminal_ohm < math.inf:
            raise UsageError(f"terminal_ohm must be at least 0 ohm, not {self.terminal_ohm!r}")
        two = isinstance(self.tile, tuple | list) and len(self.tile) == 2
        if not two or any(
            isinstance(each, bool) or not isinstance(each, int | np.integer) or each < 1 for each in self.tile
        ):
            raise UsageError(f"tile must be two whole numbers, rows and columns, not {self.tile!r}")

    @property
    def segments(self) -> tuple[float, float]:
        """Resistances of a segment of a word and of a bit line [ohm]."""
        value = self.wire_ohm
        return (float(value[0]), float(value[1])) if isinstance(value, tuple) else (float(value), float(value))

    @property
    def ideal(self) -> bool:
        """True if no line has resistance."""
        return self.terminal_ohm == 0 and self.segments == (0.0, 0.0)

    def tiles(self, rows: int, columns: int) -> list[tuple[slice, slice]]:
        """Return the tiles of a matrix, row after row; the last ones can be smaller."""
        high, wide = self.tile
        return [
            (slice(i, min(i + high, rows)), slice(j, min(j + wide, columns)))
            for i in range(0, rows, high)
            for j in range(0, columns, wide)
        ]


def effective_conductance(g: np.ndarray, wires: Wires, method: Method = "exact") -> np.ndarray:
    """Return conductances from each input to each output, tile by tile.

    Parameters
    ----------
    g : ndarray, shape (rows, columns)
        Conductances of the devices [S], 0 or more; a row is a word line (an input), a column a bit line (an output).
    wires : Wires
    method : {"exact", "separable"}
        "exact": block elimination along the longer side of a tile, of order max(m, n) min(m, n)^3. "separable": G times
        the voltage of each word line alone, times that of each bit line alone, of order m n; good where the drop is
        small (see docs/concepts/device-to-array).

    Returns
    -------
    ndarray, shape (rows, columns)
        G_eff [S]: the current out of bit line j per volt on word line i, all others grounded.

    Raises
    ------
    UsageError
        If a conductance is negative or not a number, or the method is unknown.
    """
    g = np.asarray(g, float)
    if g.ndim != 2 or not (np.isfinite(g).all() and (g >= 0).all()):
        raise UsageError("conductances must be a matrix of finite numbers of at least 0 S")
    if method not in ("exact", "separable"):
        raise UsageError(f"method must be exact or separable, not {method!r}")
    if wires.ideal:
        return g.copy()
    if method == "separable":
        return _separable(g, wires)
    found = np.empty_like(g)
    for place in wires.tiles(*g.shape):
        found[place] = _exact(g[place], *wires.segments, wires.terminal_ohm)
    return found


def column_gains(g: np.ndarray, effective: np.ndarray, wires: Wires) -> np.ndarray:
    """Return the factor on each bit line of each tile that restores its ideal sum with all inputs on [1].

    One read of each line with every word line on calibrates it.

    Parameters
    ----------
    g, effective : ndarray, shape (rows, columns)
        Conductances, and effective ones [S].
    wires : Wires
        Wires with the size of the tiles.

    Returns
    -------
    ndarray, shape (rows, columns)
        The gain of the line that each device is on.
    """
    gains = np.ones_like(g)
    for place in wires.tiles(*g.shape):
        seen = effective[place].sum(axis=0)
        gains[place] = np.where(seen > 0, g[place].sum(axis=0) / np.where(seen > 0, seen, 1.0), 1.0)
    return gains


def severity(g: np.ndarray, wires: Wires) -> float:
    """Return r mean(G) (m^2 + n^2) / 2 of a tile: the number that sets the drop (0.28: G_eff / G is 0.84).

    Parameters
    ----------
    g : ndarray, shape (rows, columns)
        Conductances [S].
    wires : Wires
        Resistance of a segment, and the size of a tile.

    Returns
    -------
    float
        The severity [1].
    """
    rows, columns = min(wires.tile[0], g.shape[0]), min(wires.tile[1], g.shape[1])
    word, bit = wires.segments
    return float(0.5 * g.mean() * (word * columns**2 + bit * rows**2))


def _exact(g: np.ndarray, word: float, bit: float, terminal: float) -> np.ndarray:
    if g.shape[0] > g.shape[1]:  # reciprocity: drive the outputs, and sense the inputs
        return _exact(g.T[::-1, ::-1], bit, word, terminal)[::-1, ::-1].T
    return _along_words(g, word, bit, terminal)


def _along_words(g: np.ndarray, word: float, bit: float, terminal: float) -> np.ndarray:
    """Eliminate blocks from the last column to the first; Y is the admittance that word lines see to the right."""
    from scipy.linalg import cho_factor, cho_solve

    m, n = g.shape
    eye = np.eye(m)
    outputs = np.empty((n, m))  # current out of a bit line per volt on the word nodes at it
    if word == 0:  # a word line is one node: all its columns see one voltage
        load = np.zeros((m, m))
        for j in range(n):
            into = _column(g[:, j], bit, terminal)
            outputs[j], load = into.sum(axis=0), load + into
        nodes = eye if terminal == 0 else np.linalg.inv(eye + terminal * load)
        return np.asarray((outputs @ nodes).T)
    a = 1.0 / word
    onward = []
    y = np.zeros((m, m))
    for j in range(n - 1, -1, -1):
        into = _column(g[:, j], bit, terminal)
        outputs[j] = into.sum(axis=0)
        before = a if j > 0 else 1.0 / (word + terminal)
        p = before * cho_solve(cho_factor(y + into + before * eye, lower=True), eye)
        y = before * (eye - p)
        y = 0.5 * (y + y.T)
        onward.append(p)
    found = np.empty((m, n))
    nodes = eye
    for j, p in enumerate(reversed(onward)):
        nodes = p @ nodes
        found[:, j] = outputs[j] @ nodes
    return found


def _column(g: np.ndarray, bit: float, terminal: float) -> np.ndarray:
    """Return currents into a bit line from the word nodes at it, per volt on each of them, shape (m, m)."""
    from scipy.linalg import solve_banded

    m = g.size
    if bit == 0:
        if terminal == 0:
            return np.diag(g)
        return np.asarray(np.diag(g) - np.outer(g, g) / (g.sum() + 1.0 / terminal))
    b = 1.0 / bit
    bands = np.zeros((3, m))
    bands[0, 1:] = bands[2, :-1] = -b
    bands[1] = g
    bands[1, :-1] += b
    bands[1, 1:] += b
    bands[1, -1] += 1.0 / (bit + terminal)
    lines = solve_banded((1, 1), bands, np.diag(g))  # voltages of the bit line per volt on each word node
    return np.asarray(np.diag(g) - g[:, None] * lines)


def _separable(g: np.ndarray, wires: Wires) -> np.ndarray:
    (high, wide), (word, bit) = wires.tile, wires.segments
    along = _ladders(g, wide, word, wires.terminal_ohm)
    down = _ladders(g.T, high, bit, wires.terminal_ohm, from_end=True).T
    return np.asarray(g * along * down)


def _ladders(g: np.ndarray, length: int, resistance: float, terminal: float, from_end: bool = False) -> np.ndarray:
    """Return voltages along lines cut into tiles of a length; lines are independent, so all are solved at once."""
    lines, n = g.shape
    whole = n - n % length
    found = np.empty((lines, n))
    way = slice(None, None, -1 if from_end else 1)
    for part, size in ((slice(0, whole), length), (slice(whole, n), n - whole)):
        if part.start < part.stop:
            pieces = g[:, part].reshape(-1, size)[:, way]
            found[:, part] = _ladder(pieces, resistance, terminal)[:, way].reshape(lines, -1)
    return found


def _ladder(g: np.ndarray, resistance: float, terminal: float) -> np.ndarray:
    """Return voltages along lines driven at their start with 1 V, every device to ground, shape (lines, devices)."""
    lines, n = g.shape
    if resistance == 0:
        return np.broadcast_to(1.0 / (1.0 + terminal * g.sum(axis=1, keepdims=True)), g.shape)
    a = 1.0 / resistance
    devices = np.ascontiguousarray(g.T)
    passed = np.empty((n, lines))
    y = np.zeros(lines)
    for j in range(n - 1, -1, -1):
        before = a if j > 0 else 1.0 / (resistance + terminal)
        load = y + devices[j]
        passed[j] = before / (before + load)
        y = load * passed[j]
    return np.cumprod(passed, axis=0).T
