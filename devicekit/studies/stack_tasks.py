"""Tasks that start from a stack: its trains are simulated, fitted, and a network is trained on the card."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devicekit.core.errors import ParameterError
from devicekit.studies.spec import Row, Scalar, resolve
from devicekit.studies.task_settings import FewShot, Training, check_data, errors_of

if TYPE_CHECKING:
    from devicekit.fitting.result import DeviceFit

_PAIRS, _MOST_PAIRS = 7, 10_000


def _stack(settings: Mapping[str, Scalar], base: Path) -> Any:
    """Return the stack that the settings name, with its parameter changed."""
    from physics.stack import load_material, load_stack

    named = settings.get("stack")
    is_file = named is not None and str(named).endswith(".toml")
    stack = load_stack(resolve(str(named), base)) if is_file else load_material(*([str(named)] if named else []))
    if "parameter" in settings:
        if "value" not in settings:
            raise ParameterError("the setting parameter needs a value")
        stack = stack.replace({str(settings["parameter"]): settings["value"]})
    return stack


def _amplitudes(settings: Mapping[str, Scalar]) -> tuple[float, float] | None:
    """Return amplitudes of LTP and LTD pulses [V]; None for the stack's."""
    if "ltp_voltage_v" not in settings and "ltd_voltage_v" not in settings:
        return None
    return float(settings.get("ltp_voltage_v", 0.95)), float(settings.get("ltd_voltage_v", -0.95))


class StackTask(Training):
    """From a stack to an accuracy: simulate LTP and LTD, fit them, train on the card.

    Settings: `stack` (a TOML file, or the name of a material set), `mesh`, `width_s` [s], `ltp_voltage_v`,
    `ltd_voltage_v` [V], `parameter` and `value` (a stack parameter and what it is set to), `data`, `data_dir`
    and the training's.
    """

    extra = frozenset(
        ["stack", "mesh", "width_s", "ltp_voltage_v", "ltd_voltage_v", "parameter", "value", "data", "data_dir"]
    )

    def check(self, settings: Mapping[str, Scalar], base: Path) -> None:
        """See `Task`."""
        super().check(settings, base)
        _stack(settings, base)

    def run(self, settings: Mapping[str, Scalar], seed: int, base: Path) -> Row:
        """See `Task`."""
        from devicekit.fitting.device import fit
        from physics.studies import train_cases

        (table,) = train_cases(
            _stack(settings, base),
            [{}],
            float(settings.get("width_s", 50e-6)),
            mesh=settings.get("mesh", "coarse"),  # type: ignore[arg-type]
            amplitudes=_amplitudes(settings),
        )
        fitted = fit(table)
        row = self.train(fitted.to_card("simulated"), settings, seed)
        return {**row, **errors_of(fitted), **_window(fitted)}


class MaterialTask(FewShot):
    """The closed loop: a stack's parameter, noisy trains, a card with what varies, and the benchmark's task.

    Every seed is another device and another training: single vacancies draw its trains by chance, of which the first
    pair is left out (it starts from a device just reset) and the others are cycles. Settings: those of `StackTask` for
    the stack and its trains, `pairs` (of LTP and LTD trains, the first included), `noise` (false for none), `variant`,
    `data` and `data_dir` of the task `few-shot`, and what a device has beside its card.
    """

    extra = StackTask.extra | {"pairs", "noise", "variant"}

    def check(self, settings: Mapping[str, Scalar], base: Path) -> None:
        """See `Task`."""
        self.config(settings)
        check_data(settings)
        _stack(settings, base)
        pairs = settings.get("pairs", _PAIRS)
        if isinstance(pairs, bool) or not isinstance(pairs, int) or not 3 <= pairs <= _MOST_PAIRS:
            raise ParameterError(f"pairs: found {pairs!r}, expected 3 to {_MOST_PAIRS}, of which the first is left out")

    def run(self, settings: Mapping[str, Scalar], seed: int, base: Path) -> Row:
        """See `Task`."""
        from devicekit.fitting.device import fit
        from physics.pulses import simulate_pulses

        trains = simulate_pulses(
            _stack(settings, base),
            mesh=settings.get("mesh", "coarse"),  # type: ignore[arg-type]
            widths=(float(settings.get("width_s", 50e-6)),),
            pairs=int(settings.get("pairs", _PAIRS)),
            amplitudes=_amplitudes(settings),
            noise=seed if settings.get("noise", True) else None,
        )
        if not trains.complete:
            raise ParameterError(f"the trains do not finish: {trains.message}")
        fitted = fit(trains.later_pairs())
        card = fitted.to_card("simulated")
        row = self.train(card, settings, seed)
        for direction, branch in fitted.branches.items():
            increment = getattr(card.variation, direction).c2c.get("increment") if card.variation else None
            row[f"{direction}_nrmse"] = branch.nrmse
            row[f"{direction}_c2c_increment"] = None if increment is None else increment.value
        return {**row, **_window(fitted)}


def _window(fit: DeviceFit) -> Row:
    """Return the window of a fit to simulated trains."""
    return {"synthetic": True, "window_low_s": fit.window.low, "window_high_s": fit.window.high}
