"""Priors of a posterior, as numbers and as text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from devicekit.fitting.likelihood.filter import DEVIATIONS, NOISES
from devicekit.fitting.likelihood.priors import (
    FURTHER,
    LIKELY_MEMORY,
    PRIOR_LN,
    PRIOR_SD,
    bounds_of_noise,
    prior_of_noise,
)
from devicekit.fitting.likelihood.problem import WIDTH_OF_START
from devicekit.models.law import Law


def priors_of(
    law: Law, first: float, further: Sequence[str]
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray], dict[str, str]]:
    """Return bounds; means, precisions and `below` of the normal priors; and both as text by parameter.

    Parameters
    ----------
    law : Law
    first : float
        The first reading on the rising coordinate, the centre of the start's prior.
    further : sequence of str
        Further kinds of noise that these trains have, of `FURTHER`.
    """
    least, most = bounds_of_noise()
    lower = np.concatenate([law.lower, [first - WIDTH_OF_START], least])
    upper = np.concatenate([law.upper, [first + WIDTH_OF_START], most])
    size = law.n_parameters + 1 + len(NOISES)
    mean, precision, below = np.zeros(size), np.zeros(size), np.full(size, np.inf)
    words = {}
    for k, name in enumerate(law.parameters):
        words[name] = f"flat from {law.lower[k]:g} to {law.upper[k]:g}"
        if name in law.priors:
            prior = law.priors[name]
            mean[k], precision[k] = prior.mean, prior.sd**-2.0
            words[name] = f"normal, {prior.mean:g} +- {prior.sd:g}"
        elif name in law.distances:
            prior = law.distances[name]
            mean[k], precision[k], below[k] = prior.mean, prior.sd**-2.0, law.upper[k]
            words[name] = f"ln({law.upper[k]:g} - {name}) normal, {prior.mean:g} +- {prior.sd:g}"
    words["x0"] = f"flat from {first - WIDTH_OF_START:.3g} to {first + WIDTH_OF_START:.3g}"
    first_noise = law.n_parameters + 1
    mean[first_noise:], precision[first_noise:] = prior_of_noise()
    for name in DEVIATIONS:
        words[f"ln_{name}"] = f"normal, ln {PRIOR_SD[name]:g} +- {PRIOR_LN[name]:g}"
    words["memory"] = f"ln(m / (1 - m)) normal, {LIKELY_MEMORY:g} +- {PRIOR_LN['memory']:g}"
    words["tilt"] = words["read_tilt"] = f"normal, 0 +- {PRIOR_LN['tilt']:g}"
    for name in FURTHER:
        if name not in further:
            k = first_noise + NOISES.index(name)
            lower[k] = upper[k] = mean[k] if name not in DEVIATIONS else least[NOISES.index(name)]
            precision[k] = 0.0
            del words[f"ln_{name}" if name in DEVIATIONS else name]
    return (lower, upper), (mean, precision, below), words
