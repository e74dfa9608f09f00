"""Rule on extrapolating a law of time beyond the data, for figures of merit and for arrays."""

from __future__ import annotations

LEAST_DECADES = 3.0  # of time that data must span for an extrapolation


def refusal_reason(decades: float, horizon_s: float, last_s: float, least: float = LEAST_DECADES) -> str | None:
    """Return why a power law of time is not extrapolated to a horizon; None if it may be.

    Parameters
    ----------
    decades : float
        Decades of time that the data span.
    horizon_s, last_s : float
        Requested time, and the last measured one [s].
    least : float
        Decades that the data must span for an extrapolation.
    """
    if horizon_s > last_s and decades < least:
        return f"the data span {decades:.1f} decades of time, less than {least:g}"
    return None
