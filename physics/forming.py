"""The forming of pristine films: its voltage against ramp rate and thickness."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from devicekit.core.records import Record, column
from devicekit.features.definitions import V_FORM
from physics.iv import resolve_stack, simulate_iv
from physics.kinetics import VoltagePerDecade, slope
from physics.stack import Stack


@dataclass(frozen=True, kw_only=True)
class Formed(Record):
    """The forming of one film."""

    thickness_nm: float = column(doc="thickness of the active layer [nm]")
    rate_v_s: float = column(unit="V/s", doc="ramp rate")
    v_form_v: float | None = column(unit="V", doc=f"{V_FORM.description}; None if it does not form")
    t_max_k: float = column(unit="K", doc="highest temperature")
    message: str = column(default="", json=False, doc="why the run ended early")


def forming_study(
    stack: Stack | Path | str | None = "hfo2",
    rates: Sequence[float] = (0.1, 1.0, 10.0, 100.0),
    thicknesses: Sequence[float] = (),
    mesh: str | float = "default",
) -> tuple[Formed, ...]:
    """Simulate forming ramps at several rates [V/s], for several thicknesses of the active layer [nm].

    Each ramp goes up and back, as the state after it is part of the definition of V_form. Its end has the mean field of
    the stack's own: `drive.form_stop` is scaled with the height of all layers.

    Parameters
    ----------
    stack : Stack, path, or name
    rates, thicknesses : sequence of float
        The stack's own thickness if none is given.
    mesh : str or float
        As for `simulate_iv`.

    Raises
    ------
    ParameterError
        If the stack cannot form.
    """
    base = resolve_stack(stack)
    key = f"layer.{base.layers[base.active].name}.thickness"
    found = []
    for thickness in thicknesses or (base.get(key),):
        film = base.replace({key: thickness})
        stop = base.drive.form_stop * float(film.heights[-1] / base.heights[-1])
        for rate in rates:
            changes = {"drive.rate": rate, "drive.form_stop": stop}
            result = simulate_iv(film.replace(changes), mesh=mesh, start="pristine")
            found.append(
                Formed(
                    thickness_nm=thickness,
                    rate_v_s=rate,
                    v_form_v=result.v_form_v,
                    t_max_k=result.quality.t_max_k,
                    message=result.message,
                )
            )
    return tuple(found)


def forming_slope(formed: Sequence[Formed]) -> VoltagePerDecade:
    """Fit the rise of V_form per decade of the ramp rate, by a straight line.

    Parameters
    ----------
    formed : sequence of Formed
        Films of one thickness.
    """
    volts = np.array([math.nan if each.v_form_v is None else each.v_form_v for each in formed])
    times = np.array([1 / each.rate_v_s for each in formed])
    return slope(volts, times, (0.0, math.inf))
