"""Fits whose scale was fixed or bounded, with L as the first parameter again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from devicekit.fitting.branch.result import BranchFit
from devicekit.fitting.likelihood.band import RateBand
from devicekit.fitting.likelihood.fit import TrainFit
from devicekit.models.constraints import is_scaled, plain, plain_parameters
from devicekit.models.law import Law


def unscaled(fit: BranchFit) -> BranchFit:
    """Return a fit with L as its first parameter; others unchanged."""
    if not is_scaled(fit.law):
        return fit
    parameters, covariance = plain_parameters(fit.law, fit.parameters, fit.covariance)
    band = None if fit.band is None else _plain_band(fit.band)
    return replace(fit, law=plain(fit.law), parameters=parameters, covariance=covariance, band=band)


def unscaled_trains(found: TrainFit) -> TrainFit:
    """Return a fit of whole trains with L as its first parameter; others unchanged."""
    if not is_scaled(found.law):
        return found
    parameters, covariance = _each(found.law, found.parameters, found.covariance)
    return replace(found, law=plain(found.law), parameters=parameters, covariance=covariance)


def _plain_band(band: RateBand) -> RateBand:
    parameters, covariance = _each(band.law, band.parameters, band.covariance)
    return replace(band, law=plain(band.law), parameters=parameters, covariance=covariance)


def _each(law: Law, parameters: np.ndarray, covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    pairs = [plain_parameters(law, *each) for each in zip(parameters, covariance, strict=True)]
    return np.array([each for each, _ in pairs]), np.array([each for _, each in pairs])
