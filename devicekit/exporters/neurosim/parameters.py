"""Parameters for NeuroSim, and the fields of RealDevice with their names and order."""

from __future__ import annotations

from dataclasses import dataclass

from devicekit.device.card import DeviceCard


@dataclass(frozen=True)
class Parameters:
    """Parameters for NeuroSim.

    Attributes
    ----------
    low, high : float
        Window of the loop [S].
    levels : mapping of direction to int
        Pulses of a train.
    nl : mapping of direction to float
        Labels with the signs of NeuroSim.
    sigma_c2c : float
        Standard deviation of one update, fraction of the exported window.
    sigma_d2d : float
        Standard deviation of the label over devices.
    low_sd, high_sd : float
        Standard deviation over devices of the ends of the window [S].
    sigma_read : float
        Standard deviation of one reading as a fraction of the conductance.
    """

    low: float
    high: float
    levels: dict[str, int]
    nl: dict[str, float]
    sigma_c2c: float = 0.0
    sigma_d2d: float = 0.0
    low_sd: float = 0.0
    high_sd: float = 0.0
    sigma_read: float = 0.0

    @property
    def range_varies(self) -> bool:
        """True if the window differs from device to device."""
        return self.high_sd > 0 or self.low_sd > 0


@dataclass(frozen=True)
class Setting:
    """One assignment in the constructor of RealDevice; the value is None if the card has none."""

    name: str
    value: str | None
    comment: str

    def __str__(self) -> str:
        if self.value is None:
            return f"// {self.name} is not on the card: keep it or set it ({self.comment})"
        return f"{self.name} = {self.value};" + (f"  // {self.comment}" if self.comment else "")


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.9g}"


def _truth(value: bool) -> str:
    return "true" if value else "false"


def settings(card: DeviceCard, p: Parameters) -> tuple[Setting, ...]:
    """Return the assignments in the constructor of RealDevice that a card determines."""
    at = card.conditions
    ltp, ltd = (_number(at.pulse_width_s or each) for each in (at.ltp_width_s, at.ltd_width_s))
    return (
        Setting("maxConductance", _number(p.high), "(S)"),
        Setting("minConductance", _number(p.low), "(S)"),
        Setting("readVoltage", _number(at.read_voltage_v), "read voltage (V)"),
        Setting("writeVoltageLTP", _number(at.ltp_voltage_v and abs(at.ltp_voltage_v)), "(V)"),
        Setting("writeVoltageLTD", _number(at.ltd_voltage_v and abs(at.ltd_voltage_v)), "(V), magnitude"),
        Setting("writePulseWidthLTP", ltp, "(s)"),
        Setting("writePulseWidthLTD", ltd, "(s)"),
        Setting("maxNumLevelLTP", str(p.levels["ltp"]), "pulses of an LTP train"),
        Setting("maxNumLevelLTD", str(p.levels["ltd"]), "pulses of an LTD train"),
        Setting("nonlinearWrite", "true", ""),
        Setting("nonIdenticalPulse", "false", ""),
        Setting("readNoise", _truth(p.sigma_read > 0), ""),
        Setting("sigmaReadNoise", _number(p.sigma_read), "sd of one reading, fraction of the conductance"),
        Setting("NL_LTP", f"{p.nl['ltp']:g}", "label, positive: steep at first"),
        Setting("NL_LTD", f"{p.nl['ltd']:g}", "label, negative: steep at first"),
        Setting("sigmaDtoD", _number(p.sigma_d2d), "sd of the label over devices"),
        Setting("sigmaCtoC", f"{p.sigma_c2c:.9g} * (maxConductance - minConductance)", "(S), of one pulse"),
        Setting("conductanceRangeVar", _truth(p.range_varies), ""),
        Setting("maxConductanceVar", _number(p.high_sd), "(S), sd over devices"),
        Setting("minConductanceVar", _number(p.low_sd), "(S), sd over devices"),
    )
