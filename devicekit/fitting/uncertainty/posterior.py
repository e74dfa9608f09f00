"""Posterior of a device: draws of its laws and its noise, their mixing, and cards made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from devicekit.core.calls import as_number, as_whole, called_as
from devicekit.core.errors import CodedWarning, UsageError
from devicekit.core.records import Record, column, derived, internal
from devicekit.device.blocks import RateCurve
from devicekit.device.card import DeviceCard
from devicekit.fitting.branch.result import BAND_LEVEL, RATE_GRID, BranchFit
from devicekit.fitting.likelihood.filter import DEVIATIONS, NOISES
from devicekit.fitting.likelihood.fit import MOST_TRAINS
from devicekit.fitting.likelihood.priors import FURTHER
from devicekit.fitting.result import DeviceFit, require_fit
from devicekit.fitting.uncertainty.chains import sample
from devicekit.fitting.uncertainty.priors import priors_of
from devicekit.models import kernel
from devicekit.models.law import Law
from devicekit.system import files, writing

TARGET = 1.02  # of R-hat


@dataclass(frozen=True, kw_only=True, eq=False)
class BranchPosterior(Record):
    """Draws of one branch.

    R-hat and effective sample size are those of ln rate at five states, ln increment and ln read, the quantities in
    use. Coefficients that the data do not separate need not mix.
    """

    direction: str = internal("ltp or ltd")
    law: Law = internal("update law")
    names: tuple[str, ...] = internal("L, the shape, x0, and ln of each standard deviation (`ln_increment`, ...)")
    draws: np.ndarray = internal("draws of these, shape (n, m)")
    rhat: Mapping[str, float] = column(doc="split R-hat by quantity")
    ess: Mapping[str, float] = column(doc="effective sample size by quantity")
    mixed: bool = column(doc="whether every R-hat is below the target")
    evaluations: int = column(doc="evaluations of the likelihood")
    priors: Mapping[str, str] = column(doc="prior of each parameter as text")

    @derived(name="draws")
    def n_draws(self) -> int:
        """Number of draws."""
        return len(self.draws)

    @derived(name="intervals_95")
    def intervals(self) -> dict[str, tuple[float, float]]:
        """Intervals of the noise that was drawn (`interval`)."""
        return {name: self.interval(name) for name in NOISES if {name, f"ln_{name}"} & {*self.names}}

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


@dataclass(frozen=True, eq=False, repr=False)
class Posterior(Record):
    """Independent draws of both branches of a device; their JSON is without the draws."""

    branches: Mapping[str, BranchPosterior] = column(doc="draws by direction")
    fit: DeviceFit | None = internal(
        "the fit that they were drawn for; None if they were read from a file", default=None
    )
    seed: int = column(default=0, doc="seed of every draw")

    def __repr__(self) -> str:
        return f"<Posterior: {', '.join(f'{len(e.draws)} draws of {n.upper()}' for n, e in self.branches.items())}>"

    def summary_lines(self) -> list[str]:
        """Return how well the chains mixed."""
        return [f"R-hat {self.rhat:.3f}, at least {self.ess:.0f} effective draws; .rate_band(direction) gives the band"]

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

    def save(self, path: Path | str, overwrite: bool = False) -> None:
        """Write the draws as strict JSON; `overwrite` replaces a file that devicekit did not write."""
        body = {
            "posterior": 1,
            "seed": self.seed,
            "branches": {
                name: {**each.as_dict(), "law": each.law.name, "names": list(each.names), "values": each.draws.tolist()}
                for name, each in self.branches.items()
            },
        }
        writing.write_results(Path(path), body, overwrite)

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
                    direction=name,
                    law=get_law(each["law"]),
                    names=tuple(each["names"]),
                    draws=np.array(each["values"], float),
                    rhat=each["rhat"],
                    ess=each["ess"],
                    mixed=bool(each["mixed"]),
                    evaluations=int(each["evaluations"]),
                    priors=each["priors"],
                )
                for name, each in raw["branches"].items()
            }
            return cls(branches, None, int(raw["seed"]))
        except (KeyError, TypeError, ValueError) as error:
            raise FileError(f"{Path(path).name} does not hold a posterior: {error}") from error


@called_as("devicekit.posterior(fit)")
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
    require_fit("posterior", fit)
    if len(fit.table.devices) > 1:
        raise UsageError("a posterior needs one device: choose it with device=")
    if fit.joint or fit.pulse_law is not None:
        raise UsageError("a posterior does not work with a shape shared over widths or amplitudes: leave share= out")
    as_whole(draws, "draws", 20)
    if not as_number(target_rhat, "target_rhat") > 1:
        raise UsageError(f"target_rhat= must be above 1, not {target_rhat:g}")
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
    names = (*law.names, *(f"ln_{name}" if name in DEVIATIONS else name for name in NOISES))
    keep = np.array([True] * (law.n_parameters + 1) + [name not in FURTHER or name in further for name in NOISES])
    kept = tuple(name for name, use in zip(names, keep, strict=True) if use)
    return BranchPosterior(
        direction=branch.direction,
        law=law,
        names=kept,
        draws=drawn.values[:, keep],
        rhat=drawn.rhat,
        ess=drawn.ess,
        mixed=drawn.mixed,
        evaluations=drawn.evaluations,
        priors=words,
    )
