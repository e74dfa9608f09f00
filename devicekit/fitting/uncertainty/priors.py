"""What is taken for likely before the trains have been looked at, in numbers and in words."""

from __future__ import annotations

import numpy as np

from devicekit.fitting.likelihood.filter import NOISES
from devicekit.fitting.likelihood.fit import LARGEST, PRIOR_LN, PRIOR_SD, SMALLEST, WIDTH_OF_START
from devicekit.models.law import Law


def priors_of(
    law: Law, first: float, with_step: bool
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray], dict[str, str]]:
    """Bounds; means, precisions and `below` of the normal priors; and both in words, by parameter.

    Parameters
    ----------
    law : Law
    first : float
        The first reading on the rising coordinate, about which the start may lie.
    with_step : bool
        Whether updates scatter in proportion to their step.
    """
    lower = np.concatenate([law.lower, [first - WIDTH_OF_START], np.full(len(NOISES), np.log(SMALLEST))])
    upper = np.concatenate([law.upper, [first + WIDTH_OF_START], np.log([LARGEST[name] for name in NOISES])])
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
    for k, name in enumerate(NOISES, law.n_parameters + 1):
        mean[k], precision[k] = np.log(PRIOR_SD[name]), PRIOR_LN[name] ** -2.0
        words[f"ln_{name}"] = f"normal, ln {PRIOR_SD[name]:g} +- {PRIOR_LN[name]:g}"
    if not with_step:
        lower[-1] = upper[-1] = np.log(SMALLEST)
        precision[-1] = 0.0
        del words["ln_step"]
    return (lower, upper), (mean, precision, below), words
