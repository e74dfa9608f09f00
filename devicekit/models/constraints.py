"""Coefficients that a user fixes or bounds: a law with narrower bounds, by the published names."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.core.quantities import DIRECTIONS
from devicekit.models import kernel
from devicekit.models.law import Law
from devicekit.models.registry import LAWS
from devicekit.system.algebra import product

WIDEST = 250.0  # of ln of a scale: wider than any shape can ask for
Limits = tuple[float, float]


def constrain(law: Law, direction: str, limits: Mapping[str, Limits]) -> Law:
    """Return the law of one direction within limits of its published coefficients.

    Parameters
    ----------
    law : Law
    direction : {"ltp", "ltd"}
    limits : mapping of str to (float, float)
        By coefficient, of both directions, or of one as ``ltp.a``; equal ends fix it.

    Raises
    ------
    UsageError
        If a name is unknown, or no value of the law lies within the limits.
    """
    own = _of_direction(law, direction, limits)
    if not own:
        return law
    scaled = any(law.coefficients[name].is_scale for name in own)
    lower, upper = list(law.lower), list(law.upper)
    if scaled:
        lower[0], upper[0] = -WIDEST, WIDEST
    for name, (low, high) in own.items():
        k = law.parameters.index(law.coefficients[name].parameter)
        ends = sorted(_to_parameter(law, name, value, direction, own) for value in (low, high))
        if max(ends[0], lower[k]) > min(ends[1], upper[k]) or (low == high and not math.isfinite(ends[0])):
            raise UsageError(_outside(law, name, direction, low, high, (lower[k], upper[k])))
        lower[k], upper[k] = max(ends[0], lower[k]), min(ends[1], upper[k])
    made = replace(
        law,
        lower=tuple(lower),
        upper=tuple(upper),
        fixed=tuple(name for name, (low, high) in own.items() if low == high),
        bounded=tuple(name for name, (low, high) in own.items() if low != high),
        to_published=partial(_publish_scaled, law) if scaled else law.to_published,
        nested={} if scaled else law.nested,
    )
    object.__setattr__(made, "id", kernel.SCALED[law.name] if scaled else law.id)
    return made


def is_scaled(law: Law) -> bool:
    """Return whether theta[0] of a law is ln of its scale instead of L."""
    return law.id >= kernel.FIRST_SCALED


def plain(law: Law) -> Law:
    """Return a law with L as its first parameter, and the limits of the other parameters."""
    if not is_scaled(law):
        return law
    own = LAWS[law.name]
    made = replace(
        law, lower=(own.lower[0], *law.lower[1:]), upper=(own.upper[0], *law.upper[1:]), to_published=own.to_published
    )
    object.__setattr__(made, "id", own.id)
    return made


def plain_parameters(law: Law, parameters: np.ndarray, covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (theta, x0), shape (p + 1,), and its covariance, with L first."""
    gradient = np.empty(kernel.MAX_SHAPE)
    own, p = LAWS[law.name], parameters.size - 1
    middle = kernel.middle_and_gradient(own.id, np.ascontiguousarray(parameters[1:p]), gradient)
    change = np.eye(p + 1)
    change[0, 1:p] = gradient[1:p]
    return np.append(parameters[0] + middle, parameters[1:]), product(product(change, covariance), change.T)


def _publish_scaled(law: Law, theta: np.ndarray, direction: str) -> dict[str, float]:
    """Return the published coefficients of theta with ln of the scale first."""
    found = np.array(theta, float)
    found[0] += kernel.middle(law.id, found)
    return law.to_published(found, direction)


def _of_direction(law: Law, direction: str, limits: Mapping[str, Limits]) -> dict[str, Limits]:
    """Return the limits of one direction by coefficient; those that name it count before those of both."""
    found: dict[str, Limits] = {}
    for named in sorted(limits, key=lambda each: "." in each):
        way, dot, name = named.rpartition(".")
        if name not in law.coefficients or (dot and way not in DIRECTIONS):
            raise UsageError(_unknown(law, named, name))
        if not dot or way == direction:
            found[name] = limits[named]
    return found


def _unknown(law: Law, named: str, name: str) -> str:
    first = next(iter(law.coefficients))
    gauge = " b and i are 1 by definition." if law.name == "eq2" and name in ("b", "i") else ""
    known = f"{', '.join(law.coefficients)}, or of one branch, such as ltp.{first}"
    return f"{named} cannot be fixed or bounded.{gauge} Of {law.name} these can: {known}."


def _to_parameter(law: Law, name: str, value: float, direction: str, own: Mapping[str, Limits]) -> float:
    """Return the value of the parameter that a coefficient stands for."""
    coefficient = law.coefficients[name]
    if direction == "ltd" and coefficient.plus:
        low, high = own.get(coefficient.plus, (0.0, 1.0))
        if low != high:
            other = f"ltd.{coefficient.plus}"
            raise UsageError(f"ltd.{name} moves with {other}: fix {other} too, or take ltp.{name} alone.")
        value += low
    return coefficient.to_parameter(float(value), direction)


def _outside(law: Law, name: str, direction: str, low: float, high: float, ends: Limits) -> str:
    """Return the message about limits that no value of the law lies in."""
    given = f"{low:g}" if low == high else f"{low:g} to {high:g}"
    if law.coefficients[name].is_scale:
        sign = "below 0" if direction == "ltd" and law.name == "eq2" else "above 0"
        return f"{direction}.{name} must be {sign}, not {given}. Name the branch: ltp.{name} or ltd.{name}."
    parameter = law.coefficients[name].parameter
    return (
        f"{direction}.{name} is {given}, outside of the limits of {law.name} ({parameter}: {ends[0]:g} to {ends[1]:g})."
    )
