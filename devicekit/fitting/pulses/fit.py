"""Law of amplitude and width of a table: trains sorted by their pulses, one window, LTP and LTD each."""

from __future__ import annotations

from devicekit.core.errors import CodedWarning, TraceError, UsageError
from devicekit.core.quantities import DIRECTIONS
from devicekit.core.text import listed
from devicekit.device.blocks import Window
from devicekit.fitting.branch.options import FitOptions
from devicekit.fitting.branch.trains import choose_window
from devicekit.fitting.pulses.joint import fit_joint_pulses
from devicekit.fitting.pulses.programmes import Programme, programmes_of, select_moving
from devicekit.fitting.pulses.result import PulseLaw
from devicekit.tables import PulseTable


def _varying(programmes: list[Programme]) -> tuple[bool, bool]:
    """Return whether there are several amplitudes, and several widths."""
    volts = {f"{each.pulse.voltage_v:.3g}" for each in programmes if each.pulse.voltage_v is not None}
    wide = {f"{each.pulse.width_s:.6g}" for each in programmes if each.pulse.width_s is not None}
    return len(volts) > 1 or any(each.varied for each in programmes), len(wide) > 1


def pulse_law(
    table: PulseTable, options: FitOptions, window: Window | None = None, needed: bool = True
) -> PulseLaw | None:
    """Fit one shape to the trains of every amplitude and width of a table, and the laws by which these scale the rate.

    Parameters
    ----------
    table : PulseTable
        With several amplitudes or widths, or trains whose amplitude grows.
    options : FitOptions
        Update law and state; `share` selects the law: of amplitude, width or both.
    window : Window, optional
        Default: the range of all mean curves.
    needed : bool
        Whether to refuse a table without data for such a law; else None is returned.

    Raises
    ------
    UsageError
        If the table has one amplitude (or width) only.
    TraceError
        If no train of a direction moves.
    """
    warnings: list[CodedWarning] = []
    sets: dict[str, list[Programme]] = {}
    for direction in DIRECTIONS:
        programmes = programmes_of(table, direction)
        if programmes:
            sets[direction] = programmes
    scope = "range of the mean curves over all pulses"
    if window is None:
        everything = [each.trains for programmes in sets.values() for each in programmes]
        window = choose_window(everything, table.quantity, scope, options.state)
    joints, single = {}, []
    for direction, programmes in sets.items():
        volts, wide = _varying(programmes)
        if options.share == "width" and volts and any(each.varied for each in programmes):
            raise UsageError(
                "trains with growing amplitudes need a law of the amplitude: use share='amplitude' or 'both'"
            )
        volts, wide = volts and options.share != "width", wide and options.share != "amplitude"
        if options.share == "amplitude" and _varying(programmes)[1]:
            raise UsageError("the table holds several pulse widths: use share='both', or choose one with width=")
        if options.share == "width" and _varying(programmes)[0]:
            raise UsageError("the table holds several amplitudes: use share='both', or trains of one amplitude")
        moving, still = select_moving(programmes, window)
        warnings += still
        if not moving:
            raise TraceError(f"no {direction.upper()} train changes by more than its noise")
        volts, wide = (a and b for a, b in zip(_varying(moving), (volts, wide), strict=True))
        if not (volts or wide):
            single.append(direction.upper())
            continue
        joints[direction] = fit_joint_pulses(moving, window, options, volts, wide)
    if not joints:
        if not needed:
            return None
        what = {"amplitude": "amplitudes (column pulse_voltage_v)", "width": "widths (column pulse_width_s)"}
        named = what.get(options.share or "", "amplitudes or widths (columns pulse_voltage_v, pulse_width_s)")
        raise UsageError(f"share={options.share} needs a table with at least two pulse {named}")
    if single:
        words = f"{listed(single)}: only one kind of pulse moves the device; a law of the pulse needs several"
        warnings.append(CodedWarning("law_assumed", words))
    return PulseLaw(joints, options.share or "both", tuple(warnings))
