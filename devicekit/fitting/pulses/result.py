"""Result of a fit over amplitudes and widths: its laws, their predictions, warnings and figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from devicekit.core.errors import CodedWarning, UsageError
from devicekit.core.records import Record, column, internal
from devicekit.core.statistics import t_quantile
from devicekit.core.text import listed, si
from devicekit.device.pulselaw import BranchScaling, PulseScaling
from devicekit.fitting import figures
from devicekit.fitting.pulses import prediction
from devicekit.fitting.pulses.laws import EXCLUDED_P, Joint, LawFit
from devicekit.fitting.pulses.prediction import LEVEL, Factor, PredictedTrain
from devicekit.models import kernel
from devicekit.models.pulselaw import EVERY_LAW, Pulse
from devicekit.plot import Panel

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class PulseLaw(Record):
    """One shape for all pulses of a device, and the laws by which amplitude and width scale it, LTP and LTD."""

    joints: dict[str, Joint] = column(inline=True, doc="fits of each direction")
    share: str = internal("amplitude, width or both")
    own_warnings: tuple[CodedWarning, ...] = internal("warnings on pulses that were left out", default=())

    def __repr__(self) -> str:
        words = "; ".join(f"{name.upper()} {joint.best}" for name, joint in self.joints.items())
        return f"<PulseLaw over {self.share}: {words}>"

    def _joint(self, direction: str) -> Joint:
        if direction not in self.joints:
            raise UsageError(f"the law of the pulse covers {', '.join(self.joints)}, not {direction!r}")
        return self.joints[direction]

    def law(self, direction: str) -> LawFit:
        """Return the best law of a direction."""
        return self._joint(direction).fit

    def possible_laws(self, direction: str) -> tuple[str, ...]:
        """Return the laws that the data do not exclude, the best one first."""
        return self._joint(direction).possible

    def reference_pulse(self, direction: str) -> Pulse:
        """Return the pulse that factors are relative to."""
        return self._joint(direction).reference

    def measured_pulses(self, direction: str) -> tuple[list[float], list[float]]:
        """Return measured amplitudes [V] and widths [s], ascending; for growing trains those of every pulse."""
        return self._joint(direction).measured

    def assumption(self, direction: str, voltage: float | None = None, width: float | None = None) -> str | None:
        """Return why the law is assumed at a pulse, as text; None at measured pulses and between those that test it."""
        return self._joint(direction).assumption(voltage, width)

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
        return prediction.factor(self._joint(direction), voltage, width, level)

    def rate(
        self,
        direction: str,
        r: np.ndarray | float,
        voltage: float | None = None,
        width: float | None = None,
    ) -> np.ndarray:
        """Return the change of the state by one pulse at r by the best law [1 per pulse]; negative for LTD."""
        joint = self._joint(direction)
        fit = joint.fit
        r = np.asarray(r, float)
        x = np.ascontiguousarray((r if direction == "ltp" else 1.0 - r).ravel())
        steps = kernel.rates(joint.law.id, fit.theta, x).reshape(r.shape)
        ln_factor, _ = joint.ln_factor(joint.best, fit.values, *prediction.sizes(joint, voltage, width, 1))
        steps = steps * float(np.exp(ln_factor[0]))
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
        return prediction.predict(self._joint(direction), voltage, width, n_pulses, start, level)

    def nrmse(self, direction: str) -> list[float]:
        """Return each programme's rms misfit by the best law, over the range of its mean curve."""
        found = []
        for states, x in self._curves(self._joint(direction)):
            seen = np.isfinite(x)
            found.append(float(np.sqrt(np.mean((states - x)[seen] ** 2)) / np.ptp(x[seen])))
        return found

    def _curves(self, joint: Joint) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the fitted and measured mean curve of each programme on the rising coordinate."""
        fit = joint.fit
        found = []
        for g, each in enumerate(joint.programmes):
            factors = joint.ln_factor(joint.best, fit.values, each.voltages, each.widths)[0]
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
                rows.append(
                    {
                        "direction": direction,
                        "law": name,
                        "parameters": each.words(4),
                        "aicc_above_best": each.aicc - least,
                        "p_value": each.tested_p,
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
                volts = pulse.voltage_v if joint.with_amplitude else None
                factor = self.factor(direction, volts, pulse.width_s if joint.with_width else None)
                rows.append(
                    {
                        "direction": direction,
                        "pulse_voltage_v": pulse.voltage_v,
                        "pulse_width_s": pulse.width_s,
                        "ln_rate": level,
                        "standard_error": error,
                        "ln_rate_of_law": float(joint.fit.theta[0] + np.log(factor.value)),
                    }
                )
        return pd.DataFrame(rows)

    @property
    def warnings(self) -> tuple[CodedWarning, ...]:
        """Warnings: pulses left out, no law that holds, several laws that hold."""
        found = list(self.own_warnings)
        for direction, joint in self.joints.items():
            name, best = direction.upper(), joint.fit
            if best.p_value < EXCLUDED_P:
                found.append(
                    CodedWarning(
                        "no_pulse_law",
                        f"{name}: rates at the measured pulses follow none of the laws (best: {best.name}, p = "
                        f"{best.p_value:.2g}); the band includes a scatter of {joint.scatter:.0%} about it",
                    )
                )
            elif len(joint.possible) > 1:
                words = listed(list(joint.possible))
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
            fit, law, (volts, wide) = joint.fit, EVERY_LAW[joint.best], joint.measured
            kinds = (("amplitudes", "V", volts, joint.with_amplitude), ("widths", "s", wide, joint.with_width))
            known = [
                f"{name} {si(each[0], unit)} to {si(each[-1], unit)}"
                for name, unit, each, asked in kinds
                if asked and each
            ]
            against = "a parabola in the amplitude" if joint.free is None else "free rates"
            test = f"p = {fit.p_value:.2g} against {against}" if fit.degrees else "not tested, too few pulses"
            others = [name for name in joint.possible if name != joint.best]
            also = f"; not excluded: {listed(others)}" if others else ""
            found.append(f"{direction.upper()}: {law.title} ({fit.words(3)}) over {listed(known)}; {test}{also}.")
        return found

    def to_block(self, source: str, synthetic: bool = False) -> PulseScaling:
        """Return the law as stored in a card."""
        branches = {}
        for direction, joint in self.joints.items():
            fit = joint.fit
            quantile = t_quantile(0.5 + LEVEL / 2, joint.scatter_degrees)
            volts, wide = joint.measured
            branches[direction] = BranchScaling(
                law=joint.best,  # type: ignore[arg-type]
                parameters=fit.by_name,
                intervals={
                    n: (float(v - quantile * e), float(v + quantile * e))
                    for n, v, e in zip(fit.parameters, fit.values, fit.errors, strict=True)
                },
                covariance=tuple(tuple(float(v) for v in row) for row in fit.wide[fit.own, fit.own]),
                scatter=joint.scatter,
                reference_voltage_v=joint.reference.voltage_v if joint.with_amplitude else None,
                reference_width_s=joint.reference.width_s if joint.with_width else None,
                voltage_range_v=(volts[0], volts[-1]) if joint.with_amplitude else None,
                width_range_s=(wide[0], wide[-1]) if joint.with_width else None,
                n_pulses=len(joint.pulses) or len(joint.programmes),
                not_excluded=joint.possible,
                assumed=joint.is_assumed,
            )
        return PulseScaling(source=source, synthetic=synthetic, ltp=branches.get("ltp"), ltd=branches.get("ltd"))

    def panel(self, along: str | None = None) -> Panel:
        """Return rates against the amplitude (or the width): measured, and every law not excluded with its band."""
        first = next(iter(self.joints.values()))
        along = along or ("amplitude" if first.with_amplitude else "width")
        found = {}
        for direction, joint in self.joints.items():
            known = joint.measured[0 if along == "amplitude" else 1]
            grid = np.geomspace(known[0], known[-1], 41)
            at = [
                self.factor(direction, v if along == "amplitude" else None, v if along == "width" else None)
                for v in grid
            ]
            top = float(np.exp(joint.fit.theta[0]))
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
