"""Shared parts of compact models: the law, the pulses, the bench for ngspice, and sentences of the README."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.device.card import DeviceCard
from devicekit.exporters import base
from devicekit.exporters.base import ExportOptions, FigureValue
from devicekit.models.laws.eq2 import Eq2

NODES, MOST_NODES = 129, 1025
ASSUMED_WIDTH, ASSUMED_VOLTAGE = 1e-6, 1.0  # s, V; used where the card has no value


def published_coefficients(card: DeviceCard) -> dict[str, Eq2] | None:
    """Return the coefficients of eq. (2) for both branches; None for a card with another law."""
    if card.model != "eq2":
        return None
    return {direction: Eq2.from_internal(np.array(card.branch(direction).theta), direction) for direction in base.SIGNS}


def rate_tables(card: DeviceCard, nodes: int | None, target: str) -> dict[str, np.ndarray]:
    """Return |rates| of both branches at evenly spaced nodes; empty for eq. (2), which has a closed form.

    Raises UsageError if nodes are requested for a closed form, or are outside 2..1025.
    """
    if published_coefficients(card):
        if nodes is not None:
            raise UsageError(f"nodes= does not apply: {target} writes eq. (2) in closed form. Remove it.")
        return {}
    nodes = NODES if nodes is None else nodes
    if not 2 <= nodes <= MOST_NODES:
        raise UsageError(f"nodes= must be 2 to {MOST_NODES} for {target}; got {nodes}.")
    return {direction: _nodes(card, direction, nodes) for direction in base.SIGNS}


def _nodes(card: DeviceCard, direction: str, nodes: int) -> np.ndarray:
    return base.hat_values(lambda r: np.abs(card.rate(direction, r)), nodes)


@dataclass(frozen=True)
class Drive:
    """Pulses that change the state.

    Attributes
    ----------
    width : float
        Width of a pulse [s].
    v_ltp, v_ltd : float
        Thresholds, half the amplitudes of the card, magnitudes [V].
    polarity : float
        1.0: LTP at positive voltages; -1.0: at negative ones.
    """

    width: float
    v_ltp: float
    v_ltd: float
    polarity: float


def pulse_drive(card: DeviceCard) -> tuple[Drive, list[str]]:
    """Return the pulses of a card, and sentences about assumed values."""
    conditions, assumptions = card.conditions, []
    width = conditions.pulse_width_s
    if width is None:
        width = ASSUMED_WIDTH
        assumptions.append(
            f"The card has no pulse width for both directions: {width:g} s was assumed. A card has one if it was "
            "fitted to a table with a single value of pulse_width_s."
        )
    up, down = conditions.ltp_voltage_v or 0.0, conditions.ltd_voltage_v or 0.0
    if not up or not down:
        assumptions.append(
            f"A pulse amplitude is missing on the card: {ASSUMED_VOLTAGE:g} V was assumed. A card has both if it was "
            "fitted to a table with a column pulse_voltage_v."
        )
    polarity = -1.0 if (up < 0 or down > 0) and not (up > 0 or down < 0) else 1.0
    if up * down > 0:
        assumptions.append(
            "LTP and LTD pulses of this card have the same sign, but the model needs opposite signs: V > 0 is LTP."
        )
    v_ltp, v_ltd = (abs(up) or ASSUMED_VOLTAGE) / 2, (abs(down) or ASSUMED_VOLTAGE) / 2
    return Drive(float(width), v_ltp, v_ltd, polarity), assumptions


def replay(card: DeviceCard, tables: dict[str, np.ndarray], pulses: int = base.PULSES) -> np.ndarray:
    """Return the states after each pulse with the tabulated rates, shape (2 pulses + 1,)."""
    r, path = 0.0, [0.0]
    for direction, sign in base.SIGNS.items():
        for _ in range(pulses):
            at = np.linspace(0.0, 1.0, tables[direction].size)
            rate = min(float(np.interp(r, at, tables[direction])), card.branch(direction).largest_step)
            r = min(max(r + sign * rate, 0.0), 1.0)
            path.append(r)
    return np.array(path)


@dataclass(frozen=True)
class CompactModel:
    """A card as a compact model.

    Attributes
    ----------
    card : DeviceCard
        With a window in siemens.
    published : dict of str to Eq2, or None
        Coefficients of eq. (2) by direction; None for another law.
    tables : dict of str to ndarray
        |Rates| at evenly spaced nodes by direction; empty for eq. (2), which has a closed form.
    drive : Drive
    assumed : sequence of str
        Sentences about values that the card does not have.
    """

    card: DeviceCard
    published: dict[str, Eq2] | None
    tables: dict[str, np.ndarray]
    drive: Drive
    assumed: Sequence[str]

    @classmethod
    def of(cls, card: DeviceCard, options: ExportOptions, target: str, title: str) -> CompactModel:
        """Make the model of a card for a target, in messages also by its title.

        Raises UsageError if the card holds weights and no window is given, LTP or LTD never changes the state, nodes
        are requested for a closed form, or are outside 2..1025.
        """
        card = base.convert_to_siemens(card, options, title)
        base.check_moves(card, target)
        return cls(card, published_coefficients(card), rate_tables(card, options.nodes, target), *pulse_drive(card))

    @property
    def name(self) -> str:
        """Name in netlists; "memristor" is a built-in device of ngspice."""
        return f"dk_{base.identifier(self.card.name)}"

    @property
    def facts(self) -> dict[str, str | float]:
        """Title, law, source, window and caps, for a template."""
        card = self.card
        return {
            "title": base.one_line(card.name),
            "law": card.law.title,
            "source": base.one_line(card.provenance.source),
            "name": self.name,
            "low": float(card.window.low),
            "high": float(card.window.high),
            "cap_ltp": float(card.ltp.largest_step),
            "cap_ltd": float(card.ltd.largest_step),
        }

    @property
    def read_voltage(self) -> float:
        """Voltage of the bench between pulses, below both thresholds [V]."""
        return min(abs(self.card.conditions.read_voltage_v or 0.1), self.drive.v_ltp / 2, self.drive.v_ltd / 2)

    def bench(self, device: Sequence[str], tolerance: str, control: Sequence[str], comment: str = "") -> str:
        """Return a netlist for ngspice that applies LTP and then LTD pulses to a device between nodes a and 0.

        Parameters
        ----------
        device : sequence of str
            Lines that place the device.
        tolerance : str
            Relative tolerance of the solver.
        control : sequence of str
            Lines of the control block around `run`.
        comment : str
            Before the title.
        """
        drive, read, pulses = self.drive, self.read_voltage, base.PULSES
        width, edge, period = drive.width, drive.width / 1000.0, 2.0 * drive.width
        up, down = 2.0 * drive.v_ltp * drive.polarity, -2.0 * drive.v_ltd * drive.polarity
        shape = f"{edge:.6g} {edge:.6g} {width - edge:.9g} {period:.9g} {pulses}"
        rows = [
            f"{comment}{self.name}: {pulses} LTP and {pulses} LTD pulses, read at {read:g} V in between",
            *device,
            f"V1 a b PULSE(0 {up - read:.9g} {0.5 * width:.9g} {shape})",
            f"V2 b c PULSE(0 {down - read:.9g} {0.5 * width + pulses * period:.9g} {shape})",
            f"V3 c 0 DC {read:.9g}",
            f".options reltol={tolerance}",
            f".tran {width / 20:.6g} {2 * pulses * period + 0.5 * width:.9g} 0 {width / 20:.6g}",
            ".control",
            *control,
            ".endc",
            ".end",
        ]
        return "\n".join(rows) + "\n"

    @cached_property
    def figures(self) -> dict[str, FigureValue]:
        """Form of the step, and the deviation of a table."""
        if self.published:
            return {"law": "eq. (2)"}
        off = base.deviation(self.card, self.card.window.from_state(replay(self.card, self.tables)))
        return {"law": f"table of {self.tables['ltp'].size} nodes", "deviation": off}

    @property
    def law_sentence(self) -> str:
        """README sentence on the exact parts of law and window."""
        law = "Eq. (2) with the coefficients of the card, capped" if self.published else "The cap"
        state = "ln G" if self.card.window.scale == "log" else "G"
        return f"{law} at the largest fitted step, as in a DeviceArray; the window; {state} linear in r."

    def approximations(self, *own: str) -> tuple[str, ...]:
        """Return README sentences on approximations: the table, if any, the read law, a target's own, and `assumed`."""
        read = "Conduction is ohmic at every voltage, also during pulses: the card has G only at the read voltage."
        if self.published:
            return (read, *own, *self.assumed)
        table = (
            f"The law is a {self.figures['law']}, linear in between. Over {base.PULSES} LTP and as many LTD pulses it "
            f"deviates from a DeviceArray by at most {self.figures['deviation']:.1e} of the window."
        )
        return (table, read, *own, *self.assumed)


def noise_sentence(card: DeviceCard) -> str:
    """Return the README sentence on variation: a compact model has no noise, but gains of the steps per instance."""
    text = "Not exported: a compact model has no random numbers between pulses."
    gains = base.gains(card)
    if gains is None:
        return f"{text} gain_ltp and gain_ltd scale the steps of one instance."
    up, down, correlation = gains
    return (
        f"{text} For D2D, draw ln gain_ltp and ln gain_ltd of each instance with sd {up:.4g} and {down:.4g}, "
        f"correlation {correlation:.3g} and mean -sd^2 / 2. This is d2d='shared' of a DeviceArray; by default a "
        "DeviceArray draws from the measured devices, if the card has several."
    )
