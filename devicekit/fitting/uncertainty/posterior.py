"""Posterior of a device: draws of its laws and its noise, their mixing, and cards made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from devicekit.core.errors import CodedWarning, UsageError
from devicekit.device.blocks import RateCurve
from devicekit.device.card import DeviceCard
from devicekit.fitting.branch.result import BAND_LEVEL, RATE_GRID, BranchFit
from devicekit.fitting.likelihood.filter import DEVIATIONS, NOISES
from devicekit.fitting.likelihood.fit import FURTHER, MOST_TRAINS, TrainFit
from devicekit.fitting.result import DeviceFit
from devicekit.fitting.uncertainty import sampler
from devicekit.fitting.uncertainty.mixing import effective_size, split_rhat
from devicekit.fitting.uncertainty.priors import priors_of
from devicekit.models import kernel
from devicekit.models.law import Law
from devicekit.system import files, writing

CHAINS = 3
FIRST_DRAWS = 10_000  # of a chain, doubled until they mix
MOST_WORK = 4_000_000  # trains filtered for one branch: about half a minute
LEAST_ESS = 100
TARGET = 1.02
JUDGED = (0.1, 0.3, 0.5, 0.7, 0.9)  # states at which the mixing of rates is checked


@dataclass(frozen=True)
class BranchPosterior:
    """Draws of one branch.

    Attributes
    ----------
    direction : str
    law : Law
    names : tuple of str
        L, the shape, x0, and ln of each standard deviation (`ln_increment`, ...).
    draws : ndarray, shape (n, m)
    rhat, ess : mapping of str to float
        Split R-hat and effective sample size of ln rate at five states, ln increment and ln read, the quantities in
        use. Coefficients that the data do not separate need not mix.
    mixed : bool
        Whether every R-hat is below the target.
    evaluations : int
        Evaluations of the likelihood.
    priors : mapping of str to str
        Prior of each parameter as text.
    """

    direction: str
    law: Law
    names: tuple[str, ...]
    draws: np.ndarray
    rhat: Mapping[str, float]
    ess: Mapping[str, float]
    mixed: bool
    evaluations: int
    priors: Mapping[str, str]

    def interval(self, name: str, level: float = BAND_LEVEL) -> tuple[float, float]:
        """Return quantiles of a parameter, or of a standard deviation (`increment`, `read`, ...) [of the window]."""
        values = (
            np.exp(self.draws[:, self.names.index(f"ln_{name}")])
            if name in DEVIATIONS
            else self.draws[:, self.names.index(name)]
        )
        if name == "memory":
            values = 1.0 / (1.0 + np.exp(-values))
        low, high = np.quantile(values, [0.5 - level / 2, 0.5 + level / 2])
        return float(low), float(high)

    def rates(self, r: np.ndarray) -> np.ndarray:
        """Return signed rates of every draw at states r, shape (n, len(r)) [1 per pulse]."""
        sign = 1.0 if self.direction == "ltp" else -1.0
        x = np.ascontiguousarray(r if sign > 0 else 1.0 - r, float)
        p = self.law.n_parameters
        return sign * np.array([kernel.rates(self.law.id, np.ascontiguousarray(z[:p]), x) for z in self.draws])

    def rate_band(self, r: np.ndarray = RATE_GRID, level: float = BAND_LEVEL) -> RateCurve:
        """Return median and quantiles of the rate at each state."""
        low, middle, high = np.quantile(self.rates(r), [0.5 - level / 2, 0.5, 0.5 + level / 2], axis=0)
        method = f"quantiles of {len(self.draws)} draws of the posterior"
        rate, lower, upper = (tuple(each.tolist()) for each in (middle, low, high))
        return RateCurve(r=tuple(r.tolist()), rate=rate, lower=lower, upper=upper, level=level, method=method)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields except the draws as JSON-ready values."""
        noise = {name: list(self.interval(name)) for name in NOISES if {name, f"ln_{name}"} & {*self.names}}
        return {
            "draws": len(self.draws),
            "evaluations": self.evaluations,
            "mixed": self.mixed,
            "rhat": dict(self.rhat),
            "ess": dict(self.ess),
            "intervals_95": noise,
            "priors": dict(self.priors),
        }


@dataclass(frozen=True)
class Posterior:
    """Independent draws of both branches of a device.

    Attributes
    ----------
    branches : mapping of str to BranchPosterior
    fit : DeviceFit or None
        The fit that they were drawn for; None if they were read from a file.
    seed : int
    """

    branches: Mapping[str, BranchPosterior]
    fit: DeviceFit | None = field(default=None, repr=False)
    seed: int = 0

    @property
    def rhat(self) -> float:
        """The largest of all."""
        return max(value for each in self.branches.values() for value in each.rhat.values())

    @property
    def ess(self) -> float:
        """The smallest of all."""
        return min(value for each in self.branches.values() for value in each.ess.values())

    @property
    def warnings(self) -> tuple[CodedWarning, ...]:
        """Warnings on the draws."""
        return tuple(
            CodedWarning(
                "not_mixed",
                f"{direction.upper()}: the chains disagree (R-hat {max(each.rhat.values()):.3f} after "
                f"{each.evaluations} evaluations), so quantiles of the draws are unreliable",
            )
            for direction, each in self.branches.items()
            if not each.mixed
        )

    def rate_band(self, direction: str, r: np.ndarray = RATE_GRID, level: float = BAND_LEVEL) -> RateCurve:
        """Return the band of one branch (see `BranchPosterior.rate_band`)."""
        return self.branches[direction].rate_band(r, level)

    def cards(self, count: int, name: str, fit: DeviceFit | None = None) -> list[DeviceCard]:
        """Return cards of evenly chosen draws, named NAME_p001, NAME_p002, ...: devices that the data also allow.

        Parameters
        ----------
        count : int
            At most as many as there are draws.
        name : str
            Name to which the numbers are appended.
        fit : DeviceFit, optional
            The fit that they were drawn for, if the posterior was read from a file.

        Raises
        ------
        UsageError
            If there are fewer draws, or the fit is missing.
        """
        fit = fit or self.fit
        if fit is None:
            raise UsageError("these draws were read from a file: give the fit that they were drawn for (fit=)")
        most = min(len(each.draws) for each in self.branches.values())
        if not 1 <= count <= most:
            raise UsageError(f"the number of cards must be 1 to {most} (the number of draws), not {count}")
        chosen = np.unique(np.linspace(0, most - 1, count).round().astype(int))
        return [self._card_of_draw(fit, int(k)).to_card(f"{name}_p{n:03d}") for n, k in enumerate(chosen, 1)]

    def _card_of_draw(self, fit: DeviceFit, k: int) -> DeviceFit:
        made, spreads = {}, dict(fit.variation.branches)
        for direction, each in self.branches.items():
            z, branch = each.draws[k], fit.branches[direction]
            own = np.ascontiguousarray(z[: each.law.n_parameters + 1])
            made[direction] = replace(
                branch,
                parameters=own,
                covariance=np.zeros_like(branch.covariance),
                band=None,
                method="one draw of the posterior",
            )
            sd = {name: float(np.exp(z[each.names.index(f"ln_{name}")])) for name in ("increment", "read", "ln_rate")}
            spreads[direction] = replace(
                spreads[direction],
                increment=sd["increment"],
                read=sd["read"],
                cycle_ln_rate=sd["ln_rate"],
                intervals={},
                by="one draw of the posterior",
            )
        note = CodedWarning("resampled", f"draw {k + 1} of a posterior (seed {self.seed}), not the fit")
        return replace(
            fit,
            ltp=made.get("ltp"),
            ltd=made.get("ltd"),
            variation=replace(fit.variation, branches=spreads),
            own_warnings=(note, *fit.own_warnings),
            settings={**fit.settings, "resampled": "posterior", "draw": k + 1, "resampling_seed": self.seed},
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the fields except the draws as JSON-ready values."""
        return {"seed": self.seed, "branches": {name: each.as_dict() for name, each in self.branches.items()}}

    def save(self, path: Path | str) -> None:
        """Write the draws as strict JSON."""
        body = {
            "posterior": 1,
            "seed": self.seed,
            "branches": {
                name: {**each.as_dict(), "law": each.law.name, "names": list(each.names), "values": each.draws.tolist()}
                for name, each in self.branches.items()
            },
        }
        writing.write_text(Path(path), files.dump_json(body))

    @classmethod
    def load(cls, path: Path | str) -> Posterior:
        """Read draws from their file.

        Raises
        ------
        FileError
            If the file does not hold a posterior.
        """
        from devicekit.core.errors import FileError
        from devicekit.models.registry import get_law

        raw = files.parse_json(Path(path).read_text(encoding="utf-8"), Path(path).name)
        try:
            branches = {
                name: BranchPosterior(
                    name,
                    get_law(each["law"]),
                    tuple(each["names"]),
                    np.array(each["values"], float),
                    each["rhat"],
                    each["ess"],
                    bool(each["mixed"]),
                    int(each["evaluations"]),
                    each["priors"],
                )
                for name, each in raw["branches"].items()
            }
            return cls(branches, None, int(raw["seed"]))
        except (KeyError, TypeError, ValueError) as error:
            raise FileError(f"{Path(path).name} does not hold a posterior: {error}") from error


def posterior(fit: DeviceFit, *, draws: int = 400, target_rhat: float = TARGET, seed: int = 0) -> Posterior:
    """Draw from the posterior of a device: law and noise, with priors for what one cycle cannot determine.

    Parameters
    ----------
    fit : DeviceFit
        Of one device at one pulse width.
    draws : int
        Number of draws kept for each branch, at least 20.
    target_rhat : float
        Above 1. Runs are doubled until every R-hat is below it; otherwise the branch gets the warning `not_mixed`.
    seed : int
        Seed of every draw.

    Returns
    -------
    Posterior

    Raises
    ------
    UsageError
        If the fit is of several devices, was joint over widths, or a number is out of range.
    """
    if len(fit.table.devices) > 1:
        raise UsageError("a posterior needs one device: choose it with device=")
    if fit.joint or fit.pulse_law is not None:
        raise UsageError("a posterior does not work with a shape shared over widths or amplitudes: leave share= out")
    if draws < 20 or not target_rhat > 1:
        raise UsageError(f"draws= must be at least 20 and target_rhat= above 1, not {draws} and {target_rhat:g}")
    branches = {
        direction: _branch(branch, fit, draws, target_rhat, [seed, number])
        for number, (direction, branch) in enumerate(fit.branches.items())
    }
    return Posterior(branches, fit, seed)


def _branch(branch: BranchFit, fit: DeviceFit, draws: int, target: float, seed: list[int]) -> BranchPosterior:
    law, found = branch.law, fit.likelihood[branch.direction]
    trains = np.ascontiguousarray(fit.trains(branch.direction).rising(fit.window)[:MOST_TRAINS])
    further = [name for name in FURTHER if found.present[NOISES.index(name)]]
    bounds, prior, words = priors_of(law, float(branch.x[np.isfinite(branch.x)][0]), further)
    drawn = sample(found, trains, bounds, prior, draws, target, np.random.default_rng([*seed, 31]))
    names = (*law.parameters, "x0", *(f"ln_{name}" if name in DEVIATIONS else name for name in NOISES))
    keep = np.array([True] * (law.n_parameters + 1) + [name not in FURTHER or name in further for name in NOISES])
    kept = tuple(name for name, use in zip(names, keep, strict=True) if use)
    return BranchPosterior(
        branch.direction, law, kept, drawn.values[:, keep], drawn.rhat, drawn.ess, drawn.mixed, drawn.evaluations, words
    )


@dataclass(frozen=True)
class Sample:
    """Draws of (theta, x0, ln of the deviations), shape (n, m), and how they mixed (see `BranchPosterior`)."""

    values: np.ndarray
    rhat: dict[str, float]
    ess: dict[str, float]
    mixed: bool
    evaluations: int


def sample(
    found: TrainFit,
    trains: np.ndarray,
    bounds: tuple[np.ndarray, np.ndarray],
    prior: tuple[np.ndarray, np.ndarray, np.ndarray],
    draws: int,
    target: float,
    rng: np.random.Generator,
) -> Sample:
    """Run chains from near the maximum, doubled until they mix or have done `MOST_WORK`.

    Parameters
    ----------
    found : TrainFit
        The maximum, for one device.
    trains : ndarray, shape (K, N + 1)
        On the rising coordinate.
    bounds, prior
        As `priors_of` gives them.
    draws : int
        Number of draws kept.
    target : float
        Limit of R-hat.
    rng : numpy.random.Generator
    """
    law = found.law
    z = np.clip(np.concatenate([found.parameters[0], found.noise]), bounds[0] + 1e-9, bounds[1] - 1e-9)
    free = np.flatnonzero(bounds[1] > bounds[0])
    cloud = _initial_archive(z, found.covariance[0], found.noise_error, bounds, free, 10 * free.size, rng)
    states = np.ascontiguousarray(cloud[:CHAINS])
    evaluations, number = 0, FIRST_DRAWS
    while True:
        archive = np.empty((len(cloud) + CHAINS * number // sampler.KEPT, z.size))
        archive[: len(cloud)] = cloud
        chains = np.empty((CHAINS, number // sampler.KEPT, z.size))
        filled, _share = sampler.run(
            law.id, trains, *bounds, *prior, free, states, archive, len(cloud), number, rng, chains
        )
        evaluations += number * CHAINS
        judged = _monitored(chains, law)
        rhat = {name: split_rhat(values) for name, values in judged.items()}
        ess = {name: effective_size(values) for name, values in judged.items()}
        mixed = max(rhat.values()) < target and min(ess.values()) >= LEAST_ESS
        if mixed or 3 * number * CHAINS * len(trains) > MOST_WORK:
            break
        number *= 2
        cloud = archive[:filled][-min(filled, 4000) :]  # discard the first states, which were a guess
    flat = chains.reshape(-1, z.size)
    kept = flat[np.linspace(0, len(flat) - 1, min(draws, len(flat))).round().astype(int)]
    return Sample(kept, rhat, ess, mixed, evaluations)


def _initial_archive(
    z: np.ndarray,
    covariance: np.ndarray,
    noise_error: np.ndarray,
    bounds: tuple[np.ndarray, np.ndarray],
    free: np.ndarray,
    count: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw states about the maximum, as wide as its curvature and within the bounds, as the first archive."""
    own = len(covariance)
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.clip(values, 0.0, 25.0))
    cloud = np.tile(z, (count, 1))
    cloud[:, :own] += rng.standard_normal((count, own)) @ root.T
    cloud[:, own:] += rng.standard_normal((count, noise_error.size)) * np.maximum(noise_error, 0.05)
    cloud += 1e-3 * rng.standard_normal(cloud.shape)
    lower, upper = bounds
    cloud = np.where(cloud < lower, np.minimum(2 * lower - cloud, upper), cloud)  # reflected
    cloud = np.clip(np.where(cloud > upper, np.maximum(2 * upper - cloud, lower), cloud), lower, upper)
    fixed = np.setdiff1d(np.arange(z.size), free)
    cloud[:, fixed] = lower[fixed]
    return cloud


def _monitored(chains: np.ndarray, law: Law) -> dict[str, np.ndarray]:
    """Return the quantities that must mix, each of shape (chains, draws)."""
    p = law.n_parameters
    x = np.array(JUDGED)
    flat = chains.reshape(-1, chains.shape[2])
    rates = np.array([kernel.rates(law.id, np.ascontiguousarray(z[:p]), x) for z in flat])
    shape = chains.shape[:2]
    found = {f"rate at {at:g}": rates[:, k].reshape(shape) for k, at in enumerate(JUDGED)}
    found |= {f"ln {name}": chains[:, :, p + 1 + NOISES.index(name)] for name in ("increment", "read")}
    return found
