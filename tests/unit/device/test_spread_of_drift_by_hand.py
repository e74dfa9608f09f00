"""The spread of exponents over devices: what estimates scatter by less what each is known to, and its interval."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2
from scipy.stats import t as student

from devicekit.device.ageing import Drift
from devicekit.device.measured import Retention, RetentionState


def state(device: str, level: str, nu: float, se: float, n: int = 25, first: float = 1.0, last: float = 1e4) -> object:
    wide = student.ppf(0.975, n - 2) * se
    return RetentionState(
        device_id=device, level=level, n=n, first_s=first, last_s=last, nu=nu, nu_interval=(nu - wide, nu + wide),
        g_1s=1e-5, noise=0.01,
    )  # fmt: skip


def drift(*states: object) -> Drift:
    return Drift.from_retention(Retention(source="made", states=states))  # type: ignore[arg-type]


def test_the_mean_square_of_unequal_errors_is_taken_off() -> None:
    """Errors of 0.002 and 0.01, of states read 25 and 7 times: their mean square is 5.2e-5, not 3.6e-5."""
    nus, errors, reads = (0.01, 0.05, 0.03, 0.07), (0.002, 0.01, 0.002, 0.01), (25, 7, 25, 7)
    rows = zip("abcd", nus, errors, reads, strict=True)
    found = drift(*(state(device, "lrs", nu, se, n) for device, nu, se, n in rows))
    seen = float(np.var(nus, ddof=1))
    assert found.nu == pytest.approx(0.04)
    assert found.nu_sd**2 == pytest.approx(seen - 5.2e-5, rel=1e-6)
    low, high = (3 * seen / chi2.ppf(q, 3) - 5.2e-5 for q in (0.975, 0.025))
    assert found.nu_sd_interval == pytest.approx((np.sqrt(low), np.sqrt(high)), rel=1e-6)


def test_states_of_one_name_are_compared_with_their_own_mean() -> None:
    """Three devices have lrs and two hrs: 2 + 1 degrees; what lies between the names is no spread of devices."""
    lrs, hrs = np.array([0.01, 0.03, 0.02]), np.array([0.20, 0.26])
    found = drift(
        *(state(f"d{k}", "lrs", nu, 0.001) for k, nu in enumerate(lrs)),
        *(state(f"d{k}", "hrs", nu, 0.001) for k, nu in enumerate(hrs)),
    )
    total = ((lrs - 0.02) ** 2).sum() + ((hrs - 0.23) ** 2).sum()
    assert found.nu_sd**2 == pytest.approx(total / 3 - 1e-6, rel=1e-6)
    assert found.nu_sd_interval is not None
    assert found.nu_sd_interval[1] ** 2 == pytest.approx(total / chi2.ppf(0.025, 3) - 1e-6, rel=1e-6)
    assert found.nu == pytest.approx(np.concatenate([lrs, hrs]).mean())


def test_every_state_was_watched_from_the_latest_first_to_the_earliest_last_reading() -> None:
    found = drift(state("a", "lrs", 0.01, 0.001, 25, 1.0, 1e5), state("b", "lrs", 0.03, 0.001, 25, 10.0, 3e4))
    assert (found.t0_s, found.measured_s) == (10.0, 3e4)
    assert found.decades == pytest.approx(np.log10(3e3))
