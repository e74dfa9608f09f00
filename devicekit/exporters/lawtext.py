"""Update laws as text for programs that compute with arrays: one closed form per law, and its numbers per device.

A form is a few assignments and a condition in `x`, the rising coordinate (r for LTP, 1 - r for LTD), and the
parameters of the law. They use only arithmetic, exp, log, log1p, abs, comparisons and `clip`, which NumPy, PyTorch and
Brian2 share. The step of a pulse is exp(min(k + ell, 1)) where the condition holds, else 0; it is capped at the largest
fitted step. k = L - ell(1/2) is a number of each device.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from devicekit.device.card import DeviceCard
from devicekit.device.symmetry import symmetric_point
from devicekit.device.variation import applied_variation, read_sigma
from devicekit.exporters import base, compact
from devicekit.exporters.base import ExportOptions, FigureValue
from devicekit.models import kernel

NODES = 1025  # of the table of a law without a form here
_BASE = "clip({}, 1e-12, 1e12)"  # no logarithm of 0 or less; such a state does not change


@dataclass(frozen=True)
class Form:
    """The shape of a law as text.

    Attributes
    ----------
    title : str
        The step as a readable formula.
    parameters : tuple of str
        Names of the shape parameters, in the order of theta.
    lines : tuple of (name, expression)
        Assignments in order; the last one is `ell`.
    moves : str
        Condition for a nonzero step; empty: always.
    """

    title: str
    parameters: tuple[str, ...]
    lines: tuple[tuple[str, str], ...]
    moves: str = ""


_SOFT = Form(
    "exp(k) (1 - kappa x)",
    ("kappa",),
    (("u", "1 - kappa * x"), ("ell", f"log({_BASE.format('u')})")),
    "u > 1e-12",
)
_NODE = "clip(1 - abs(5 * x - {0}), 0, 1) * exp(v{0})"

FORMS: dict[str, Form] = {
    "eq2": Form(
        "exp(k) (1 - kappa x)^d / (1 + exp(f x + g))^h, which is eq. (2) of doi 10.1109/JEDS.2023.3311763",
        ("kappa", "d", "f", "g", "h"),
        (
            ("u", "1 - kappa * x"),
            ("z", "f * x + g"),
            ("soft", "(z + abs(z)) / 2 + log1p(exp(-abs(z)))"),  # ln(1 + exp(z)), which cannot overflow
            ("ell", f"d * log({_BASE.format('u')}) - h * soft"),
        ),
        "u > 1e-12",
    ),
    "linear": Form("exp(k)", (), (("ell", "0 * x"),)),
    "softbounds": _SOFT,
    "exponential": _SOFT,
    "powstep": Form(
        "exp(k) (1 - kappa x)^d",
        ("kappa", "d"),
        (("u", "1 - kappa * x"), ("ell", f"d * log({_BASE.format('u')})")),
        "u > 1e-12",
    ),
    "expstep": Form(
        "exp(k) (1 - A exp(gamma x))",
        ("A", "gamma"),
        (("u", "1 - A * exp(gamma * x)"), ("ell", f"log({_BASE.format('u')})")),
        "u > 1e-12",
    ),
    "log": Form("exp(k - fall x)", ("fall",), (("ell", "-fall * x"),)),
    "vteam": Form(
        "exp(k - exp((x - a) / w))",
        ("a", "w"),
        (("z", "(x - a) / w"), ("ell", "-exp(clip(z, -600, 6))")),
        "z <= 6",
    ),
    "yakopcic": Form(
        "exp(k) up to xp, beyond it exp(k - alpha (x - xp)) (1 - x) / (1 - xp)",
        ("xp", "alpha"),
        (("over", "clip(x - xp, 0, 1)"), ("ell", "log(clip(1 - over / (1 - xp), 1e-12, 1)) - alpha * over")),
        "1 - x > 1e-12",
    ),
    "piecewise": Form(
        "linear between exp(k), exp(k + v1) ... exp(k + v5) at x = 0, 0.2 ... 1",
        ("v1", "v2", "v3", "v4", "v5"),
        (
            ("first", "clip(1 - 5 * x, 0, 1)"),
            ("ell", f"log(first + {' + '.join(_NODE.format(node) for node in range(1, 6))})"),
        ),
    ),
}


@dataclass(frozen=True)
class LawNumbers:
    """The law of a card with the numbers of its devices.

    Attributes
    ----------
    card : DeviceCard
    form : Form or None
        The closed form; None for a law without one: its step is linear between values at evenly spaced nodes.
    rows : dict of str to ndarray
        By direction, shape (1 + devices, p): the central device first, then the measured ones if there are several.
        With a form: k, the shape parameters and the cap. Without one: the capped values at the nodes.
    """

    card: DeviceCard
    form: Form | None
    rows: dict[str, np.ndarray]

    @property
    def devices(self) -> int:
        """Number of measured devices to draw from; 0: every device is the central one."""
        return len(self.rows["ltp"]) - 1

    @cached_property
    def deviation(self) -> float | None:
        """Largest deviation [window] of a train of the table from a DeviceArray; None for a closed form."""
        if self.form is not None:
            return None
        tables = {"ltp": self.rows["ltp"][0], "ltd": self.rows["ltd"][0][::-1]}  # in r
        return base.deviation(self.card, self.card.window.from_state(compact.replay(self.card, tables)))

    @property
    def figures(self) -> dict[str, FigureValue]:
        """Form of the step, and the deviation of a table."""
        return {"law": "closed form"} if self.form else {"law": "table", "deviation": self.deviation}

    @property
    def exact(self) -> str:
        """README sentence on the exact parts of law and window."""
        card = self.card
        state = "ln G" if card.window.scale == "log" else "G" if base.unit(card) == "S" else "the weight"
        window = f"the window, with states clipped at its ends; {state} linear in r."
        if self.form is None:
            return f"The cap of a step; {window}"
        return (
            f"The law ({card.law.title}) in closed form with the numbers of the card, capped at the largest fitted "
            f"step as in a DeviceArray; {window}"
        )

    @property
    def approximated(self) -> tuple[str, ...]:
        """README sentence on a table; none for a closed form."""
        if self.form is not None:
            return ()
        return (
            f"The law is a table of {self.rows['ltp'].shape[1]} nodes, linear in between. Over {base.PULSES} LTP and "
            f"as many LTD pulses it deviates from a DeviceArray by at most {self.deviation:.1e} of the window.",
        )


def numbers(card: DeviceCard, noise: bool = True) -> LawNumbers:
    """Return the law of a card as text and numbers.

    Parameters
    ----------
    card : DeviceCard
    noise : bool
        True to include the measured devices besides the central one, if there are several.
    """
    form, rows = FORMS.get(card.model), {}
    several = card.devices if noise and len(card.devices) > 1 else ()
    for direction in base.SIGNS:
        central = card.branch(direction)
        thetas = [central.theta, *(getattr(row, f"{direction}_theta") for row in several)]
        caps = [central.largest_step, *(getattr(row, f"{direction}_largest_step") for row in several)]
        made = [_row(card, form, np.array(theta), cap) for theta, cap in zip(thetas, caps, strict=True)]
        rows[direction] = np.array(made)
    return LawNumbers(card, form, rows)


def _row(card: DeviceCard, form: Form | None, theta: np.ndarray, cap: float) -> np.ndarray:
    law = card.law.id
    if form is not None:
        return np.array([theta[0] - kernel.middle(law, theta), *theta[1:], cap])
    return base.hat_values(lambda x: np.minimum(kernel.rates(law, theta, np.ascontiguousarray(x)), cap), NODES)


def assignments(form: Form, spell: Callable[[str], str]) -> list[str]:
    """Return lines `name = expression` of a form, the last one the uncapped `rate`; `spell` writes its functions."""
    lines = [f"{name} = {spell(expression)}" for name, expression in form.lines]
    step = spell("exp(clip(k + ell, -700, 1))")
    return [*lines, f"rate = ({form.moves}) * {step}" if form.moves else f"rate = {step}"]


@dataclass(frozen=True)
class DrawnVariation:
    """The variation of a card in an export that draws its own devices; 0 if unknown or not requested.

    Attributes
    ----------
    update, relative : tuple of float
        Standard deviation of one update, LTP and LTD: fraction of the window, and of the step of the update [1].
    read : float
        Standard deviation of one reading [window].
    gains : tuple of float
        Standard deviations of ln step over devices, LTP and LTD, and their correlation [1].
    d2d : {"resample", "none"}
        Default variation of devices: as in a `DeviceArray`, or none.
    """

    update: tuple[float, float]
    relative: tuple[float, float]
    read: float
    gains: tuple[float, float, float]
    d2d: str


def drawn_variation(card: DeviceCard, noise: bool) -> DrawnVariation:
    """Return the variation of a card as a `DeviceArray` draws it; gains are those of its mode "shared"."""
    if not noise:
        return DrawnVariation((0.0, 0.0), (0.0, 0.0), 0.0, (0.0, 0.0, 0.0), "none")
    has, gains = applied_variation(card), base.gains(card)
    up, down = base.SIGNS
    return DrawnVariation(
        update=(float(has.sigma[up]), float(has.sigma[down])),
        relative=(float(has.relative[up]), float(has.relative[down])),
        read=read_sigma(card),
        gains=gains or (0.0, 0.0, 0.0),
        d2d="resample",
    )


def typical_step(card: DeviceCard) -> float:
    """Return the typical step of a pulse [window]: mean of LTP and LTD around the symmetric point.

    If the device does not move there, the mean over the whole window.
    """
    middle, window = symmetric_point(card), card.window
    for low, high in ((max(middle - 0.2, 0.0), min(middle + 0.2, 1.0)), (0.0, 1.0)):
        u = (window.from_state(np.linspace(low, high, 101)) - window.low) / window.span
        step = float(np.mean([np.abs(base.step(card, direction, u)).mean() for direction in base.SIGNS]))
        if step > 1e-9:
            break
    return step


def _d2d_sentence(law: LawNumbers, variation: DrawnVariation) -> str:
    """Describe D2D by the modes of a DeviceArray."""
    by_gains = "d2d='shared' by correlated log-normal gains of mean 1 on LTP and LTD"
    if not law.devices:
        return (
            "no D2D by default, because this card has no measured devices to draw from (d2d='resample'); on request, "
            f"{by_gains}"
        )
    words = f"D2D by drawing from the {law.devices} measured devices, LTP and LTD together (d2d='resample')"
    return f"{words}, or with {by_gains}" if max(variation.gains[:2]) > 0 else words


def noise_sentence(law: LawNumbers, options: ExportOptions) -> str:
    """Return the README sentence on the variation."""
    card = law.card
    variation = drawn_variation(card, options.noise)
    parts = []
    if max(*variation.update, *variation.relative) > 0:
        both = " and in proportion to its step (step_noise)" if max(variation.relative) > 0 else ""
        parts.append(f"C2C as normal noise on every update (increment){both}")
    if law.devices or max(variation.gains[:2]) > 0:
        parts.append(_d2d_sentence(law, variation))
    if variation.read > 0:
        parts.append("read noise, on request, as normal noise on the state, drawn anew at every reading")
    sentence = f"Exported as in a DeviceArray, with other random numbers: {'; '.join(parts)}."
    if any(branch.cycle_ln_rate for branch in (card.variation.ltp, card.variation.ltd)):
        sentence += " C2C of ln rate, constant within a cycle, is left out, as in a DeviceArray."
    return base.noise_sentence(card, options, sentence, bool(parts))
