"""Predictions of a law of the pulse: rates and trains at any amplitude and width, with bands and assumptions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from devicekit.core.errors import CodedWarning, UsageError
from devicekit.core.statistics import normal_quantile, t_quantile
from devicekit.core.text import listed, si
from devicekit.device.pulselaw import BranchScaling, PulseScaling
from devicekit.fitting.pulses.joint import EXCLUDED_P, Joint, LawFit
from devicekit.fitting.pulses.noise import Path, covariance_of
from devicekit.models import kernel
from devicekit.models.pulselaw import EVERY_LAW, Pulse
from devicekit.plot import Panel

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

LEVEL = 0.95
FEWEST = 3  # fewest amplitudes, or widths, that test a law between them
OUTSIDE = 1e-6  # of an end of the measured range: rounding


@dataclass(frozen=True)
class Factor:
    """Step of a pulse over that of the reference pulse: best value, band, and whether the law is assumed."""

    value: float
    low: float
    high: float
    assumed: bool


@dataclass(frozen=True, eq=False)
class PredictedTrain:
    """Prediction of a train that was not measured.

    Attributes
    ----------
    r : ndarray, shape (N + 1,)
        State before the first and after each pulse, by the best law.
    low, high : ndarray, shape (N + 1,)
        Band of the mean curve: parameters, rates about the law, and every law that is not excluded.
    reading_low, reading_high : ndarray, shape (N + 1,)
        The same for the readings of one train.
    conductance : ndarray, shape (N + 1,)
        r in the unit of the table [S, or weight].
    laws : tuple of str
        Laws whose spread the band covers.
    assumed : bool
        Whether the pulse lies outside the measured range, or between only two amplitudes or widths.
    warnings : tuple of CodedWarning
    """

    direction: str
    r: np.ndarray
    low: np.ndarray
    high: np.ndarray
    reading_low: np.ndarray
    reading_high: np.ndarray
    conductance: np.ndarray
    laws: tuple[str, ...]
    level: float
    assumed: bool
    warnings: tuple[CodedWarning, ...]

    def __repr__(self) -> str:
        basis = "law assumed" if self.assumed else "between measured pulses"
        return f"<PredictedTrain {self.direction}: {self.r.size - 1} pulses, {basis}; laws {', '.join(self.laws)}>"


@dataclass(frozen=True, eq=False)
class PulseLaw:
    """One shape for all pulses of a device, and the laws by which amplitude and width scale it, LTP and LTD.

    Attributes
    ----------
    joints : mapping of direction to Joint
        Fits of each direction.
    share : str
        amplitude, width or both.
    own_warnings : tuple of CodedWarning
        Warnings on pulses that were left out.
    """

    joints: dict[str, Joint]
    share: str
    own_warnings: tuple[CodedWarning, ...] = ()

    def __repr__(self) -> str:
        words = "; ".join(f"{name.upper()} {self.law(name).name}" for name in self.joints)
        return f"<PulseLaw over {self.share}: {words}>"

    def _joint(self, direction: str) -> Joint:
        if direction not in self.joints:
            raise UsageError(f"the law of the pulse covers {', '.join(self.joints)}, not {direction!r}")
        return self.joints[direction]

    def law(self, direction: str) -> LawFit:
        """Return the best law of a direction."""
        joint = self._joint(direction)
        return joint.fits[joint.best]

    def possible_laws(self, direction: str) -> tuple[str, ...]:
        """Return the laws that the data do not exclude, the best one first."""
        joint = self._joint(direction)
        others = [name for name, each in joint.fits.items() if each.status == "possible"]
        return (joint.best, *others)

    def reference_pulse(self, direction: str) -> Pulse:
        """Return the pulse that factors are relative to."""
        return self._joint(direction).reference

    def measured_pulses(self, direction: str) -> tuple[list[float], list[float]]:
        """Return measured amplitudes [V] and widths [s], ascending; for growing trains those of every pulse."""
        joint = self._joint(direction)
        volts = np.concatenate([each.voltages for each in joint.programmes])
        wide = np.concatenate([each.widths for each in joint.programmes])
        found = [{float(f"{v:.6g}") for v in values[np.isfinite(values)]} for values in (volts, wide)]
        return sorted(found[0]), sorted(found[1])

    def assumption(self, direction: str, voltage: float | None = None, width: float | None = None) -> str | None:
        """Return why the law is assumed at a pulse, as text; None at measured pulses and between those that test it."""
        joint = self._joint(direction)
        reasons = ["one kind of growing train cannot separate its shape from the law"] * joint.confounded
        rows = (("amplitude", "V", voltage, joint.with_amplitude), ("width", "s", width, joint.with_width))
        for (name, unit, value, asked), known in zip(rows, self.measured_pulses(direction), strict=True):
            if value is None or not known:
                continue
            size = abs(value)
            if any(abs(size - each) <= 1e-3 * each for each in known):
                continue
            low, high = known[0], known[-1]
            span = f"{si(low, unit)} to {si(high, unit)}" if high > low else si(low, unit)
            if not asked or size < low * (1 - OUTSIDE) or size > high * (1 + OUTSIDE):
                reasons.append(f"the {name} {si(size, unit)} is outside the measured {span}")
            elif len(known) < FEWEST:
                reasons.append(f"the {name} {si(size, unit)} lies between the only two measured ones, {span}")
        return "; ".join(reasons) or None

    def _pulses(
        self, joint: Joint, voltage: float | np.ndarray | None, width: float | None, n: int
    ) -> tuple[np.ndarray, np.ndarray]:
        reference = joint.reference
        for name, value, asked in (("voltage", voltage, joint.with_amplitude), ("width", width, joint.with_width)):
            own = reference.voltage_v if name == "voltage" else reference.width_s
            if value is not None and not asked:
                is_reference = own is not None and np.allclose(np.abs(value), own, rtol=1e-3)
                if not is_reference:
                    raise UsageError(f"this law does not depend on the {name}: the table has only one {name}")
        volts = (
            np.asarray(np.nan if reference.voltage_v is None else reference.voltage_v) if voltage is None else voltage
        )
        wide = np.nan if reference.width_s is None else reference.width_s
        size = np.broadcast_to(np.abs(np.asarray(volts, float)), (n,)).copy()
        return size, np.full(n, wide if width is None else float(width))

    def factor(
        self, direction: str, voltage: float | None = None, width: float | None = None, level: float = LEVEL
    ) -> Factor:
        """Return the step of a pulse over the reference pulse's, with a band over every law that is not excluded.

        Parameters
        ----------
        direction : str
            ltp or ltd.
        voltage, width : float, optional
            [V], by its size, and [s]; the reference's where left out.
        level : float
            Of the band, 0 to 1.

        Raises
        ------
        UsageError
            If the law does not depend on a given quantity.
        """
        joint = self._joint(direction)
        volts, wide = self._pulses(joint, voltage, width, 1)
        same = self._is_reference(joint, float(volts[0]), float(wide[0]))
        lows, highs, middle = [], [], 1.0
        for name in self.possible_laws(direction):
            fit = joint.fits[name]
            found, slope = EVERY_LAW[name].ln_factor(fit.values, volts, wide, joint.reference, joint.with_width)
            p, f = fit.theta.size, fit.values.size
            noise, total = (
                float(slope[0] @ each[p : p + f, p : p + f] @ slope[0]) for each in (fit.covariance, fit.wide)
            )
            half = _half(noise, max(total - noise, 0.0) + (0.0 if same else joint.scatter**2), joint, level)
            lows.append(found[0] - half)
            highs.append(found[0] + half)
            middle = float(np.exp(found[0])) if name == joint.best else middle
        assumed = self.assumption(direction, voltage, width) is not None
        return Factor(middle, float(np.exp(min(lows))), float(np.exp(max(highs))), assumed)

    def _is_reference(self, joint: Joint, voltage: float, width: float) -> bool:
        """Return whether a pulse is the reference, whose factor is 1 by definition."""
        own = joint.reference
        near = [
            value is None or not np.isfinite(asked) or abs(asked - value) <= 1e-9 * value
            for value, asked in ((own.voltage_v, voltage), (own.width_s, width))
        ]
        return all(near)

    def rate(
        self,
        direction: str,
        r: np.ndarray | float,
        voltage: float | None = None,
        width: float | None = None,
    ) -> np.ndarray:
        """Return the change of the state by one pulse at r by the best law [1 per pulse]; negative for LTD."""
        joint = self._joint(direction)
        fit = joint.fits[joint.best]
        r = np.asarray(r, float)
        x = np.ascontiguousarray((r if direction == "ltp" else 1.0 - r).ravel())
        steps = kernel.rates(joint.law.id, fit.theta, x).reshape(r.shape)
        volts, wide = self._pulses(joint, voltage, width, 1)
        law = EVERY_LAW[joint.best]
        steps = steps * float(np.exp(law.ln_factor(fit.values, volts, wide, joint.reference, joint.with_width)[0][0]))
        return steps if direction == "ltp" else -steps

    def predict(
        self,
        direction: str,
        voltage: float | np.ndarray | None = None,
        width: float | None = None,
        n_pulses: int = 100,
        start: float | None = None,
        level: float = LEVEL,
    ) -> PredictedTrain:
        """Predict the train of pulses of any amplitude and width.

        Parameters
        ----------
        direction : str
            ltp or ltd.
        voltage : float or ndarray, shape (n_pulses,)
            [V], by its size: of all pulses, or of each (a train that grows). The reference's where left out.
        width : float, optional
            [s]; the reference's where left out.
        n_pulses : int
            Where `voltage` is one number.
        start : float, optional
            State r before the first pulse; that of the measured trains where left out.
        level : float
            Of the bands, 0 to 1.

        Raises
        ------
        UsageError
            If the law does not depend on a given quantity, or the train has no pulses.
        """
        joint = self._joint(direction)
        if voltage is not None and np.ndim(voltage) == 1:
            n_pulses = int(np.size(voltage))
        if n_pulses < 1:
            raise UsageError(f"n_pulses= must be at least 1, not {n_pulses}")
        volts, wide = self._pulses(joint, voltage, width, n_pulses)
        ends = []
        center = np.zeros(n_pulses + 1)
        for name in self.possible_laws(direction):
            states, half, wider = self._band(joint, joint.fits[name], volts, wide, start, level)
            ends.append((states - half, states + half, states - wider, states + wider))
            center = states if name == joint.best else center
        low, high, reading_low, reading_high = (
            (np.min if k % 2 == 0 else np.max)([each[k] for each in ends], axis=0) for k in range(4)
        )
        rows = [center, low, high, reading_low, reading_high]
        if direction == "ltd":
            rows = [1.0 - row for row in rows]
            rows = [rows[0], rows[2], rows[1], rows[4], rows[3]]
        sizes = np.atleast_1d(np.asarray(joint.reference.voltage_v if voltage is None else voltage, dtype=object))
        why = None
        for each in (sizes[0], sizes[np.argmin(volts)], sizes[np.argmax(volts)]):
            why = why or self.assumption(direction, None if each is None else float(each), width)
        warned = [] if why is None else [CodedWarning("law_assumed", f"{direction.upper()}: the law is assumed: {why}")]
        return PredictedTrain(
            direction,
            r=rows[0],
            low=rows[1],
            high=rows[2],
            reading_low=rows[3],
            reading_high=rows[4],
            conductance=joint.window.from_state(rows[0]),
            laws=self.possible_laws(direction),
            level=level,
            assumed=why is not None,
            warnings=tuple(warned),
        )

    def _band(
        self, joint: Joint, fit: LawFit, volts: np.ndarray, wide: np.ndarray, start: float | None, level: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return states on the rising coordinate, and half the bands of the mean curve and of one train's readings."""
        p, f, n = fit.theta.size, fit.values.size, volts.size
        ln_factors, by_pulse = EVERY_LAW[fit.name].ln_factor(fit.values, volts, wide, joint.reference, joint.with_width)
        g = (
            int(np.argmin([abs(np.median(each.voltages) - volts[0]) for each in joint.programmes]))
            if start is None
            else 0
        )
        x0 = float(fit.starts[g]) if start is None else (start if joint.direction == "ltp" else 1.0 - start)
        states, steady, full = np.empty(n + 1), np.empty(n), np.empty((n + 1, p + f + 1))
        kernel.driven_with_sensitivities(
            joint.law.id, fit.theta, x0, ln_factors, np.ascontiguousarray(by_pulse), states, full, steady
        )
        own = [*range(p + f), *([p + f + g] if start is None else [])]
        slopes = full[:, : len(own)]  # the start's column is the last
        noise, total = (
            np.einsum("ij,jk,ik->i", slopes, each[np.ix_(own, own)], slopes) for each in (fit.covariance, fit.wide)
        )
        scatter = np.maximum(total - noise, 0.0) + joint.scatter**2 * full[:, 0] ** 2
        path = Path(states, full[:, 0], full[:, -1], steady)
        one = np.diag(covariance_of(path, np.arange(n + 1), joint.noise, 1, 1)) * joint.fit_to_noise
        half = _half(noise, scatter, joint, level)
        return states, half, np.hypot(half, normal_quantile(0.5 + level / 2) * np.sqrt(one))

    def nrmse(self, direction: str) -> list[float]:
        """Return each programme's rms misfit by the best law, over the range of its mean curve."""
        found = []
        joint = self._joint(direction)
        for states, x in self._curves(joint):
            seen = np.isfinite(x)
            found.append(float(np.sqrt(np.mean((states - x)[seen] ** 2)) / np.ptp(x[seen])))
        return found

    def _curves(self, joint: Joint) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the fitted and measured mean curve of each programme on the rising coordinate."""
        fit = joint.fits[joint.best]
        found = []
        for g, each in enumerate(joint.programmes):
            factors = EVERY_LAW[joint.best].ln_factor(
                fit.values, each.voltages, each.widths, joint.reference, joint.with_width
            )[0]
            states = kernel.simulate_driven(joint.law.id, fit.theta, fit.starts[g], factors)
            found.append((states, each.curve(joint.window)))
        return found

    def table(self) -> pd.DataFrame:
        """Return every law of both directions: parameters with standard errors, AICc above the best, test, verdict."""
        import pandas as pd

        rows = []
        for direction, joint in self.joints.items():
            least = min(each.aicc for each in joint.fits.values())
            for name, each in joint.fits.items():
                words = [
                    f"{n} = {v:.4g} ± {e:.2g}"
                    for n, v, e in zip(each.parameters, each.values, each.errors, strict=True)
                ]
                rows.append(
                    {
                        "direction": direction,
                        "law": name,
                        "parameters": ", ".join(words),
                        "aicc_above_best": each.aicc - least,
                        "p_value": each.p_value if each.degrees else None,
                        "degrees": each.degrees,
                        "verdict": each.status,
                        "doi": EVERY_LAW[name].doi,
                    }
                )
        return pd.DataFrame(rows)

    def rates(self) -> pd.DataFrame:
        """Return ln rate at x = 1/2 of every measured pulse, fitted free, its error, and the best law's value."""
        import pandas as pd

        rows = []
        for direction, joint in self.joints.items():
            for pulse, level, error in zip(joint.pulses, joint.levels, joint.level_errors, strict=True):
                factor = self.factor(direction, pulse.voltage_v if joint.with_amplitude else None,
                                     pulse.width_s if joint.with_width else None)  # fmt: skip
                rows.append(
                    {
                        "direction": direction,
                        "pulse_voltage_v": pulse.voltage_v,
                        "pulse_width_s": pulse.width_s,
                        "ln_rate": level,
                        "standard_error": error,
                        "ln_rate_of_law": float(self.law(direction).theta[0] + np.log(factor.value)),
                    }
                )
        return pd.DataFrame(rows)

    @property
    def warnings(self) -> tuple[CodedWarning, ...]:
        """Warnings: pulses left out, no law that holds, several laws that hold."""
        found = list(self.own_warnings)
        for direction, joint in self.joints.items():
            name, best = direction.upper(), self.law(direction)
            if best.p_value < EXCLUDED_P:
                found.append(
                    CodedWarning(
                        "no_pulse_law",
                        f"{name}: rates at the measured pulses follow none of the laws (best: {best.name}, p = "
                        f"{best.p_value:.2g}); the band includes a scatter of {joint.scatter:.0%} about it",
                    )
                )
            elif len(self.possible_laws(direction)) > 1:
                words = listed(list(self.possible_laws(direction)))
                found.append(CodedWarning("law_open", f"{name}: the trains cannot distinguish {words}"))
            if joint.confounded:
                found.append(
                    CodedWarning(
                        "law_assumed",
                        f"{name}: one kind of growing train cannot separate its shape from the law of the amplitude; "
                        "add trains with another step, or with one amplitude",
                    )
                )
            elif best.degrees == 0 and joint.free is not None:
                found.append(
                    CodedWarning(
                        "law_assumed",
                        f"{name}: the {best.name} law is assumed, since as many parameters as pulses leave no test",
                    )
                )
        return tuple(found)

    def sentences(self) -> list[str]:
        """Return the findings as sentences."""
        found = []
        for direction, joint in self.joints.items():
            fit, law = self.law(direction), EVERY_LAW[joint.best]
            values = ", ".join(
                f"{n} = {v:.3g} ± {e:.2g}" for n, v, e in zip(fit.parameters, fit.values, fit.errors, strict=True)
            )
            known = [
                f"{name} {si(each[0], unit)} to {si(each[-1], unit)}"
                for name, unit, each, asked in zip(
                    ("amplitudes", "widths"), ("V", "s"), self.measured_pulses(direction),
                    (joint.with_amplitude, joint.with_width), strict=True,
                )
                if asked and each
            ]  # fmt: skip
            against = "a parabola in the amplitude" if joint.free is None else "free rates"
            test = f"p = {fit.p_value:.2g} against {against}" if fit.degrees else "not tested, too few pulses"
            others = [name for name in self.possible_laws(direction) if name != joint.best]
            also = f"; not excluded: {listed(others)}" if others else ""
            found.append(f"{direction.upper()}: {law.title} ({values}) over {listed(known)}; {test}{also}.")
        return found

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON-ready values."""
        return {
            direction: {
                "best": joint.best,
                "possible": list(self.possible_laws(direction)),
                "reference": {"pulse_voltage_v": joint.reference.voltage_v, "pulse_width_s": joint.reference.width_s},
                "scatter_ln_rate": joint.scatter,
                "laws": {
                    name: {
                        "parameters": dict(zip(each.parameters, each.values.tolist(), strict=True)),
                        "standard_errors": dict(zip(each.parameters, each.errors.tolist(), strict=True)),
                        "aicc": each.aicc,
                        "p_value": each.p_value if each.degrees else None,
                        "status": each.status,
                    }
                    for name, each in joint.fits.items()
                },
            }
            for direction, joint in self.joints.items()
        }

    def to_block(self, source: str, synthetic: bool = False) -> PulseScaling:
        """Return the law as stored in a card."""
        branches = {}
        for direction, joint in self.joints.items():
            fit = joint.fits[joint.best]
            p, f = fit.theta.size, fit.values.size
            quantile = t_quantile(0.5 + LEVEL / 2, joint.scatter_degrees)
            volts, wide = self.measured_pulses(direction)
            branches[direction] = BranchScaling(
                law=joint.best,  # type: ignore[arg-type]
                parameters=dict(zip(fit.parameters, fit.values.tolist(), strict=True)),
                intervals={
                    n: (float(v - quantile * e), float(v + quantile * e))
                    for n, v, e in zip(fit.parameters, fit.values, fit.errors, strict=True)
                },
                covariance=tuple(tuple(float(v) for v in row) for row in fit.wide[p : p + f, p : p + f]),
                scatter=joint.scatter,
                reference_voltage_v=joint.reference.voltage_v if joint.with_amplitude else None,
                reference_width_s=joint.reference.width_s if joint.with_width else None,
                voltage_range_v=(volts[0], volts[-1]) if joint.with_amplitude else None,
                width_range_s=(wide[0], wide[-1]) if joint.with_width else None,
                n_pulses=len(joint.pulses) or len(joint.programmes),
                not_excluded=self.possible_laws(direction),
                assumed=(fit.degrees == 0 and joint.free is not None) or joint.confounded or fit.p_value < EXCLUDED_P,
            )
        return PulseScaling(source=source, synthetic=synthetic, ltp=branches.get("ltp"), ltd=branches.get("ltd"))

    def panel(self, along: str | None = None) -> Panel:
        """Return rates against the amplitude (or the width): measured, and every law not excluded with its band."""
        from devicekit.fitting import figures

        first = next(iter(self.joints.values()))
        along = along or ("amplitude" if first.with_amplitude else "width")
        found = {}
        for direction, joint in self.joints.items():
            known = self.measured_pulses(direction)[0 if along == "amplitude" else 1]
            grid = np.geomspace(known[0], known[-1], 41)
            at = [
                self.factor(direction, v if along == "amplitude" else None, v if along == "width" else None)
                for v in grid
            ]
            top = float(np.exp(self.law(direction).theta[0]))
            low, middle, high = (top * np.array([getattr(each, k) for each in at]) for k in ("low", "value", "high"))
            own = joint.reference
            points = [
                (p.voltage_v if along == "amplitude" else p.width_s, float(np.exp(level)), float(error))
                for p, level, error in zip(joint.pulses, joint.levels, joint.level_errors, strict=True)
                if along != "amplitude" or p.width_s == own.width_s
            ]
            points = [each for each in points if each[0] is not None]
            found[direction] = figures.PulseRates(
                grid, middle, low, high, np.array(points, float).reshape(-1, 3), joint.best
            )
        return figures.pulse_rates(found, along)

    def trains_panel(self, direction: str) -> Panel:
        """Return mean curves of every programme and the one shape that follows them all."""
        from devicekit.fitting import figures

        joint = self._joint(direction)
        curves = {}
        for each, (states, x) in zip(joint.programmes, self._curves(joint), strict=True):
            sided = [row if direction == "ltp" else 1.0 - row for row in (x, states)]
            curves[each.words] = (joint.window.from_state(sided[0]), joint.window.from_state(sided[1]))
        return figures.pulse_trains(curves, joint.window.quantity, direction)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw `panel`: rates against the amplitude or the width."""
        return self.panel().draw(ax)

    def _repr_html_(self) -> str:
        from devicekit.report.notebook import html

        rows = [(sentence.partition(":")[0], sentence.partition(": ")[2]) for sentence in self.sentences()]
        return html(f"Law of the pulse over {self.share}", rows, self.panel(), self.warnings)


def _half(noise: Any, scatter: Any, joint: Joint, level: float) -> Any:
    """Return half a band: normal for the trains' noise, Student's t for rates about a law of few pulses."""
    z, t = normal_quantile(0.5 + level / 2), t_quantile(0.5 + level / 2, joint.scatter_degrees)
    return np.sqrt(z**2 * np.maximum(noise, 0.0) + t**2 * np.maximum(scatter, 0.0))
