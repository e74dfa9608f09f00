"""Cards that state a known device, for synthetic data, tests and generic devices."""

from __future__ import annotations

import numpy as np

from devicekit.device.blocks import Branch, BranchVariation, Conditions, Provenance, RateCurve, Sigma, Variation, Window
from devicekit.device.card import DeviceCard
from devicekit.models import kernel
from devicekit.models.registry import LAWS

_WINDOW = (20e-6, 300e-6)  # S
_INCREMENT, _READ = 0.003, 0.004  # fractions of the window
_LN_RATE_CORRELATION = 0.6


def truth_card(
    theta: dict[str, tuple[float, ...]],
    *,
    window: tuple[float, float] = _WINDOW,
    increment: float = _INCREMENT,
    read: float = _READ,
    ln_rate_sd: float = 0.0,
    ln_rate_correlation: float = _LN_RATE_CORRELATION,
    model: str = "eq2",
    conditions: Conditions | None = None,
    n_pulses: int = 100,
) -> DeviceCard:
    """Return a card that states a known truth, for synthetic data and tests.

    Parameters
    ----------
    theta : mapping of direction to tuple of float
        L and the shape parameters of each branch, on the rising coordinate.
    window : tuple of float
        Lowest and highest conductance [S].
    increment, read : float
        Standard deviation of one update and of one reading, fractions of the window.
    ln_rate_sd, ln_rate_correlation : float
        Device-to-device standard deviation of ln rate, and its correlation between LTP and LTD.
    model : str
        Name of the update law.
    conditions : Conditions, optional
        Pulse and read conditions that the card states.
    n_pulses : int
        Length of the train that the measured range is taken from.
    """
    law = LAWS[model]

    def branch(direction: str) -> Branch:
        values = np.array(theta[direction], float)
        return Branch(
            direction=direction,  # type: ignore[arg-type]
            theta=tuple(values.tolist()),
            x0=0.0,
            coefficients=law.to_published(values, direction),
            coefficients_s=None,
            standard_errors={},
            weak=(),
            at_bound=(),
            n_points=n_pulses + 1,
            n_pulses=n_pulses,
            nrmse=0.0,
            r2=1.0,
            noise=0.0,
            largest_step=float(kernel.rates(law.id, values, np.linspace(0, 1, 201)).max()),
            measured_range=(0.0, 1.0),  # the true rate is exact everywhere
            rate_curve=RateCurve(r=(), rate=(), lower=(), upper=(), level=0.95, method="truth"),
        )

    noise = BranchVariation(
        n_devices=0,
        n_cycles=0,
        c2c={
            "increment": Sigma(kind="increment", value=increment, estimator="truth"),
            "read": Sigma(kind="read", value=read, estimator="truth"),
        },
        d2d={},
    )
    shared = ln_rate_sd**2 * ln_rate_correlation
    covariance = ((ln_rate_sd**2, shared), (shared, ln_rate_sd**2)) if ln_rate_sd > 0 else None
    return DeviceCard(
        name="truth",
        model=model,
        window=Window(quantity="conductance_s", low=window[0], high=window[1], scope="truth"),
        ltp=branch("ltp"),
        ltd=branch("ltd"),
        devices=(),
        variation=Variation(ltp=noise, ltd=noise, d2d_ln_rate_covariance=covariance),
        conditions=conditions or Conditions(),
        warnings=(),
        provenance=Provenance(source="synthetic", sha256="", synthetic=True, versions={}, settings={}),
    )
