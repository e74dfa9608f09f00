"""Update laws as text for programs that compute with arrays: one closed form a law, and its numbers for every device.

A form is a few assignments and a condition in `x`, the rising coordinate (r for LTP, 1 - r for LTD), and the law's
parameters. They hold nothing but arithmetic, exp, log, log1p, abs, comparisons and `clip`, so that NumPy, PyTorch and
Brian2 read them alike. The step of a pulse is exp(min(k + ell, 1)) where the condition holds, else 0; it is capped at
the largest fitted step. k = L - ell(1/2) is a number of each device.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from devicekit.device.array import applied_variation, read_sigma
from devicekit.device.card import DeviceCard
from devicekit.device.symmetry import symmetric_point
from devicekit.exporters import base, compact
from devicekit.exporters.base import ExportOptions
from devicekit.models import kernel

NODES = 1025  # of the table of a law that has no form here
_BASE = "clip({}, 1e-12, 1e12)"  # what is not positive has no logarithm, and does not move


@dataclass(frozen=True)
class Form:
    """A law's shape as text.

    Attributes
    ----------
    title : str
        The step as a formula, for people.
    parameters : tuple of str
        Names of the shape parameters, in the order of theta.
    lines : tuple of (name, expression)
        Assignments, in order; the last one is `ell`.
    moves : str
        Where the law moves at all; empty: everywhere.
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
    """A card's law with the numbers of its devices.

    Attributes
    ----------
    form : Form or None
        The closed form; None for a law without one, whose step is linear between values at evenly spaced nodes.
    rows : dict of str to ndarray
        By direction, shape (1 + devices, p): the central device first, then the measured ones where there are
        several. With a form k, the shape parameters and the cap; without one the values at the nodes, capped.
    """

    form: Form | None
    rows: dict[str, np.ndarray]

    @property
    def devices(self) -> int:
        """Measured devices that a device may be drawn from; 0: every device is the central one."""
        return len(self.rows["ltp"]) - 1


def numbers(card: DeviceCard, noise: bool = True) -> LawNumbers:
    """The law of a card as text and numbers.

    Parameters
    ----------
    card : DeviceCard
    noise : bool
        Whether the measured devices are given beside the central one; they are only where there are several.
    """
    form, rows = FORMS.get(card.model), {}
    several = card.devices if noise and len(card.devices) > 1 else ()
    for direction in base.SIGNS:
        central = card.branch(direction)
        thetas = [central.theta, *(getattr(row, f"{direction}_theta") for row in several)]
        caps = [central.largest_step, *(getattr(row, f"{direction}_largest_step") for row in several)]
        made = [_row(card, form, np.array(theta), cap) for theta, cap in zip(thetas, caps, strict=True)]
        rows[direction] = np.array(made)
    return LawNumbers(form, rows)


def _row(card: DeviceCard, form: Form | None, theta: np.ndarray, cap: float) -> np.ndarray:
    law = card.law.id
    if form is not None:
        return np.array([theta[0] - kernel.middle(law, theta), *theta[1:], cap])
    return base.hat_values(lambda x: np.minimum(kernel.rates(law, theta, np.ascontiguousarray(x)), cap), NODES)


def assignments(form: Form, spell: Callable[[str], str]) -> list[str]:
    """Lines `name = expression` of a form, the last one `rate`, not capped; `spell` writes its functions."""
    lines = [f"{name} = {spell(expression)}" for name, expression in form.lines]
    step = spell("exp(clip(k + ell, -700, 1))")
    return [*lines, f"rate = ({form.moves}) * {step}" if form.moves else f"rate = {step}"]


@dataclass(frozen=True)
class Spread:
    """What of a card's variation an export that draws its own devices has; 0 where it does not know or is not asked.

    Attributes
    ----------
    update, relative : tuple of float
        Standard deviation of one update, LTP and LTD: of the window, and of the update's own step beside it [1].
    read : float
        Of one reading [window].
    gains : tuple of float
        Standard deviations of ln step over devices, LTP and LTD, and their correlation [1].
    d2d : {"resample", "none"}
        How devices differ if nobody says how: as those of a `DeviceArray`, or not at all.
    """

    update: tuple[float, float]
    relative: tuple[float, float]
    read: float
    gains: tuple[float, float, float]
    d2d: str


def spread(card: DeviceCard, noise: bool) -> Spread:
    """Of a card, as a `DeviceArray` draws it; gains are those of its mode "shared", which is not the default."""
    if not noise:
        return Spread((0.0, 0.0), (0.0, 0.0), 0.0, (0.0, 0.0, 0.0), "none")
    has, gains = applied_variation(card), base.gains(card)
    up, down = base.SIGNS
    return Spread(
        update=(float(has.sigma[up]), float(has.sigma[down])),
        relative=(float(has.relative[up]), float(has.relative[down])),
        read=read_sigma(card),
        gains=gains or (0.0, 0.0, 0.0),
        d2d="resample",
    )


def typical_step(card: DeviceCard) -> float:
    """Return what one pulse does, fraction of the window: mean of LTP and LTD about the point where they are alike.

    Over the whole window for a device that does not move there.
    """
    middle, window = symmetric_point(card), card.window
    for low, high in ((max(middle - 0.2, 0.0), min(middle + 0.2, 1.0)), (0.0, 1.0)):
        u = (window.from_state(np.linspace(low, high, 101)) - window.low) / window.span
        step = float(np.mean([np.abs(base.step(card, direction, u)).mean() for direction in base.SIGNS]))
        if step > 1e-9:
            break
    return step


def deviation(card: DeviceCard, law: LawNumbers) -> float | None:
    """Largest deviation of the table's train from a DeviceArray's, of the window; None where there is a closed form."""
    if law.form is not None:
        return None
    tables = {"ltp": law.rows["ltp"][0], "ltd": law.rows["ltd"][0][::-1]}  # in r
    return base.deviation(card, card.window.from_state(compact.replay(card, tables)))


def law_sentences(card: DeviceCard, law: LawNumbers, found: float | None) -> tuple[list[str], list[str]]:
    """Return what is exact of the law and the window, and what is approximated."""
    state = "ln G" if card.window.scale == "log" else "G" if base.unit(card) == "S" else "the weight"
    window = f"the window, at whose ends states are clipped; {state} linear in r."
    if law.form is not None:
        return [
            f"The law ({card.law.title}) in closed form with the card's numbers, capped at the largest fitted step as "
            f"in devicekit's own array; {window}"
        ], []
    return [f"The caps; {window}"], [
        f"The law is a table of {law.rows['ltp'].shape[1]} nodes, linear between them: over {base.PULSES} LTP and LTD "
        f"pulses each within {found:.1e} of the window of devicekit's own array."
    ]


def _d2d_sentence(law: LawNumbers, held: Spread) -> str:
    """Return how devices differ, by the modes of a DeviceArray."""
    by_gains = "d2d='shared' by correlated log-normal gains of mean 1 on LTP and LTD"
    if not law.devices:
        return (
            "no D2D unless it is asked for: d2d='resample', the default of a DeviceArray too, has no measured devices "
            f"to draw from on this card; {by_gains}"
        )
    words = f"D2D by drawing each device from the {law.devices} measured ones, LTP and LTD together (d2d='resample')"
    return f"{words}, or with {by_gains}" if max(held.gains[:2]) > 0 else words


def noise_sentence(card: DeviceCard, options: ExportOptions, law: LawNumbers) -> str:
    """Return what is done with the variation, and how."""
    held = spread(card, options.noise)
    parts = []
    if max(*held.update, *held.relative) > 0:
        both = " and in proportion to its step (step_noise)" if max(held.relative) > 0 else ""
        parts.append(f"C2C as normal noise on every update (increment){both}")
    if law.devices or max(held.gains[:2]) > 0:
        parts.append(_d2d_sentence(law, held))
    if held.read > 0:
        parts.append("read noise, where it is asked for, as normal noise on the state, fresh at every reading")
    said = f"Exported as a DeviceArray draws it: {'; '.join(parts)}. The numbers drawn are other ones."
    if any(branch.cycle_ln_rate for branch in (card.variation.ltp, card.variation.ltd)):
        said += " C2C of ln rate, constant in a cycle, is left out, as in devicekit's own array."
    return base.noise_sentence(card, options, said, bool(parts))
