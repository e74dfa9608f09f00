"""Blocks of a device card from the parts of a fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from devicekit.device.blocks import Conditions, DeviceRow, Provenance
from devicekit.device.measured import DeadDevices, StableStates
from devicekit.device.pulselaw import PulseScaling
from devicekit.fitting.branch.dead_devices import DeadDevice
from devicekit.fitting.branch.lattice import Lattice
from devicekit.fitting.branch.result import BranchFit
from devicekit.fitting.pulses.result import PulseLaw
from devicekit.fitting.variation.windows import OwnWindow
from devicekit.models.pulselaw import Pulse
from devicekit.tables import PulseTable


def device_rows(
    devices: Mapping[str, Mapping[str, BranchFit]], windows: Mapping[str, OwnWindow]
) -> tuple[DeviceRow, ...]:
    """Return a row for each device of which LTP and LTD are fitted, with its own window where it is known."""
    rows = []
    for name, pair in devices.items():
        if len(pair) == 2:
            own, ltp, ltd = windows.get(name), pair["ltp"], pair["ltd"]
            rows.append(
                DeviceRow(
                    device_id=name,
                    ltp_theta=tuple(ltp.theta.tolist()),
                    ltd_theta=tuple(ltd.theta.tolist()),
                    ltp_largest_step=ltp.largest_step,
                    ltd_largest_step=ltd.largest_step,
                    low=None if own is None else own.low,
                    high=None if own is None else own.high,
                )
            )
    return tuple(rows)


def dead_devices(dead: Sequence[DeadDevice], fitted: int, provenance: Provenance) -> DeadDevices | None:
    """Return the devices that do not switch, beside so many that are fitted; None without any."""
    if not dead:
        return None
    return DeadDevices(
        source=provenance.source,
        synthetic=provenance.synthetic,
        names=tuple(each.name for each in dead),
        devices=len(dead) + fitted,
        states=tuple(each.state for each in dead),
    )


def stable_states(lattice: Lattice | None, provenance: Provenance) -> StableStates | None:
    """Return the evenly spaced states; None if there are none."""
    if lattice is None:
        return None
    return StableStates(
        source=provenance.source,
        synthetic=provenance.synthetic,
        count=lattice.count,
        spacing=lattice.spacing,
        coherence=lattice.coherence,
    )


def conditions(table: PulseTable, pulse_law: PulseLaw | None) -> Conditions:
    """Return the conditions that a table states; for growing amplitudes those of the branches' pulse."""
    stated = Conditions.of(table)
    if pulse_law is None:
        return stated
    changed: dict[str, float] = {}
    for direction, joint in pulse_law.joints.items():
        if joint.with_amplitude and joint.reference.voltage_v is not None:
            sign = 1.0 if direction == "ltp" else -1.0
            changed[f"{direction}_voltage_v"] = sign * joint.reference.voltage_v
    return stated.model_copy(update=changed)


def pulse_scaling(pulse_law: PulseLaw | None, stated: Conditions, provenance: Provenance) -> PulseScaling | None:
    """Return the law of amplitude and width relative to the pulse of the card; None without one."""
    if pulse_law is None:
        return None
    wide = stated.pulse_width_s
    block = pulse_law.to_block(provenance.source, provenance.synthetic)
    return block.relative_to(
        *(Pulse(None if v is None else abs(v), wide) for v in (stated.ltp_voltage_v, stated.ltd_voltage_v))
    )
