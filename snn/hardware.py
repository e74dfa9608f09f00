"""Settings of the devices and of the circuits around them."""

from __future__ import annotations

from dataclasses import dataclass

from devicekit.core.errors import UsageError
from devicekit.device.variation import C2cMode, D2dMode
from devicekit.device.wires import Wires
from snn.choices import AdcLines, ProgrammingWay, ProgramSteps, StuckAt, WireGains
from snn.settings import Settings, setting

LONGEST = 1e12  # of a time [s]


@dataclass(frozen=True, kw_only=True)
class DeviceSettings(Settings, sets="benchmark"):
    """Devices, and what they have beside their card."""

    linear: bool = setting(
        False,
        "Train on the card's device made linear (`devicekit.device.idealise`), to measure the effect.",
        label="Linear device",
    )
    symmetric: bool = setting(
        False, "Train on the card's device made symmetric, to measure the effect.", label="Symmetric device"
    )
    c2c: C2cMode = setting(
        "increment",
        "Variation from pulse to pulse, as in `devicekit.device.array.DeviceArray`.",
        label="Variation from pulse to pulse",
        sets="benchmark classifier devices",
    )
    d2d: D2dMode = setting(
        "resample",
        "Variation from device to device, as in `devicekit.device.array.DeviceArray`.",
        label="Variation from device to device",
        sets="benchmark classifier devices",
    )
    read_noise: bool = setting(
        False,
        "True to add the read noise of the card, fresh at every read, in training and in test.",
        sets="benchmark classifier devices",
    )
    read_noise_of_g: float = setting(
        0.0,
        "Standard deviation of one reading as a fraction of the conductance, as in data sheets and papers; replaces "
        "the read noise of the card. It is applied to the mid-window conductance, so that its effect is larger in a "
        "window with a small on/off ratio.",
        label="Read noise over conductance",
        within=(0.0, 1.0),
    )
    telegraph: float = setting(
        0.0,
        "Standard deviation of the random telegraph noise of each device, fraction of the window: two levels, equally "
        "likely, constant through a presentation; in training and in test.",
        label="Telegraph noise",
        within=(0.0, 0.5),
    )
    telegraph_tau_s: float = setting(
        0.0,
        "Mean time that a device stays on a level of its `telegraph` noise [s]; 0: constant through a presentation. "
        "Compared with presentations of `steps` ms, the level is fresh at every read, constant through a presentation, "
        "or constant through a test (`devicekit.device.ageing.Telegraph`); training treats the last case as the "
        "second.",
        label="Time on a telegraph level [s]",
        sets="",
        within=(0.0, LONGEST),
    )
    stuck: float | None = setting(
        None,
        "Fraction of devices that never move, by pulses or by programming; None: the dead devices of the card, at "
        "their end of the window.",
        label="Fraction of stuck devices",
        sets="benchmark classifier devices card",
        within=(0.0, 1.0),
    )
    stuck_at: StuckAt | None = setting(
        None,
        "Place of stuck devices: where they start (mid-range, which is benign), at the low or the high end of the "
        'window, or at either end at random; None: "start" if `stuck` is given.',
        label="Place of stuck devices",
        sets="benchmark card",
    )
    device_levels: int | None = setting(
        None,
        "Stable states of every device: after a pulse or programming the state is one of the two nearest, at random "
        "with the correct mean; 0: any state; None: the stable states found by the card.",
        label="Stable states of a device",
        sets="benchmark card",
        within=(0, 65536),
        zero="not rounded",
    )
    draw: int = setting(
        0,
        "Number of the draw of devices and of their noise; with another draw and the same seed, start weights, order "
        "and spikes stay the same.",
        label="Draw of devices",
        within=(0, 10_000),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.telegraph_tau_s > 0 and self.telegraph == 0:
            raise UsageError("telegraph_tau_s needs telegraph noise. Set telegraph.")
        if self.read_noise_of_g > 0 and not self.read_noise:
            raise UsageError("read_noise_of_g needs read noise. Set read_noise to true.")

    @property
    def stable_states(self) -> int:
        """`device_levels`; 0 before the card is applied (`snn.recipe.with_card`)."""
        return self.device_levels or 0

    @property
    def stuck_share(self) -> float:
        """`stuck`; 0 before the card is applied."""
        return self.stuck or 0.0

    @property
    def stuck_place(self) -> StuckAt:
        """`stuck_at`; "start" by default."""
        return self.stuck_at or "start"


@dataclass(frozen=True, kw_only=True)
class ForgettingSettings(Settings, sets="benchmark"):
    """Times in which devices with a volatile part forget."""

    presentation_s: float = setting(
        0.0,
        "Time from one training presentation to the next [s], in which devices of a card with a volatile part forget; "
        "0: nothing is forgotten (`snn.forgetting`). Without effect for other cards.",
        label="Time between presentations [s]",
        sets="benchmark classifier devices",
        within=(0.0, LONGEST),
    )
    pulse_period_s: float = setting(
        0.0,
        "Time between the pulses of one synapse in one presentation [s]; all pulses must fit into `presentation_s`.",
        label="Time between pulses [s]",
        within=(0.0, LONGEST),
    )
    test_delay_s: float = setting(
        0.0,
        "Time between the last presentation, or programming, and a test [s].",
        label="Time before a test [s]",
        within=(0.0, LONGEST),
    )


@dataclass(frozen=True, kw_only=True)
class WireSettings(Settings, sets="benchmark"):
    """Lines of the crossbar."""

    wire_ohm: float = setting(
        0.0,
        "Resistance of a line between neighbouring devices [ohm]; 0: ideal. Effective weights are exact in a test, and "
        "updated once per epoch in training (`snn.wiring`).",
        label="Resistance of a line [ohm]",
        within=(0.0, 1e6),
    )
    terminal_ohm: float = setting(
        0.0,
        "Resistance of each driver and sense amplifier [ohm]; 0: ideal.",
        label="Resistance of a driver [ohm]",
        within=(0.0, 1e9),
    )
    tile: tuple[int, int] = setting(
        (128, 128), "Rows and columns of a tile of the crossbar.", label="Rows and columns of a tile", example="64x64"
    )
    column_gain: bool = setting(
        False,
        "True to calibrate each bit line of each tile by one read; False: one gain per layer, fixed at the start.",
        label="Calibrated bit lines",
    )
    wire_gains: WireGains = setting(
        "separable",
        "Model of the lines in training: from the voltages along each word line and each bit line alone (cheap, but "
        "too optimistic with large losses), or exact as in a test.",
        label="Model of the lines",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if Wires(self.wire_ohm, self.terminal_ohm, self.tile).ideal:
            if self.column_gain:
                raise UsageError("column_gain needs lines with resistance. Set wire_ohm.")
            if self.wire_gains != "separable":
                raise UsageError("wire_gains needs lines with resistance. Set wire_ohm.")


@dataclass(frozen=True, kw_only=True)
class ConverterSettings(Settings, sets="benchmark"):
    """Converters that read the bit lines of each tile."""

    adc_bits: int = setting(
        0,
        "Bits of the converters that read the bit lines of each tile in a test, once per time step; 0: no conversion.",
        label="Bits of a converter",
        within=(0, 24),
        zero="no conversion",
    )
    adc_quantile: float = setting(
        0.999,
        "Range of a converter as a quantile of the currents of training images; 1: the largest.",
        label="Range of a converter",
        within=(0.0, 1.0),
    )
    adc_lines: AdcLines = setting(
        "difference", "Convert the difference of the two lines of a pair, or each line.", label="What is converted"
    )


@dataclass(frozen=True, kw_only=True)
class ProgrammingSettings(Settings):
    """Writing of weights into devices."""

    programming: ProgrammingWay = setting(
        "sigma",
        "Programming in the offline and hybrid schemes: directly, with errors of `program_sigma`; or by write and "
        "verify (`devicekit.device.programming`), from the middle state, with the pulses, the scatter and the read "
        "noise of the card, regardless of `read_noise`. Targets are rounded to `levels` in both.",
    )
    levels: int = setting(
        32,
        "Levels to which states are rounded when devices are programmed; 0: not rounded.",
        label="Levels when programmed",
        within=(0, 65536),
        zero="not rounded",
    )
    program_sigma: float = setting(
        0.03,
        "Standard deviation of a programmed state, fraction of the window.",
        label="Error when programmed",
        within=(0.0, 1.0),
    )
    refresh: float = setting(
        0.0,
        "After each in-situ epoch, pairs with a device within this distance of an end of the window are reprogrammed "
        "about the middle (with `levels` and `program_sigma`), fraction of the window; 0: never.",
        label="Distance of a refresh",
        within=(0.0, 0.5),
    )
    tolerance: float = setting(
        0.02,
        'With programming "verify": accepted error of a device, fraction of the window.',
        label="Tolerance of a verification",
        within=(1e-6, 0.5),
    )
    verify_reads: int = setting(
        1,
        'With programming "verify": readings averaged per verification.',
        label="Readings per verification",
        within=(1, 10_000),
    )
    verify_limit: int = setting(
        200,
        'With programming "verify": largest number of pulses of a device.',
        label="Largest number of programming pulses",
        within=(1, 1_000_000),
    )
    program_steps: ProgramSteps = setting(
        "law",
        'With programming "verify": bursts sized by the law of the card, or one pulse at a time, stopping on the near '
        "side.",
        label="Size of programming bursts",
    )
    compensate: bool = setting(
        True,
        'With programming "verify" and pairs: the partner of a failed or stuck device takes over its error.',
        label="Partner corrects failed devices",
    )


@dataclass(frozen=True, kw_only=True)
class AgeingSettings(Settings, sets="benchmark"):
    """States that change between writing and a test."""

    retention: float = setting(
        0.0,
        "Fraction of its state that each device loses towards 0 before a test, equal for all devices. In a pair this "
        "is a common gain and costs hardly any accuracy (none at half); use `time_s` to test drift.",
        label="Loss before a test",
        sets="",
        within=(0.0, 1.0),
    )
    time_s: float = setting(
        0.0,
        "Time after writing at which tests are done, on drifted conductances (`snn.drift`) [s]; 0: no drift. Training "
        "itself does not drift.",
        label="Time from writing to a test [s]",
        within=(0.0, LONGEST),
    )
    drift_nu: float = setting(
        0.0,
        "Mean over devices of the drift exponent [1], G = G(t0) (t / t0)^-nu.",
        label="Drift exponent",
        within=(-1.0, 1.0),
    )
    drift_nu_sd: float = setting(
        0.0,
        "Standard deviation over devices of the drift exponent [1].",
        label="Spread of the drift exponent",
        within=(0.0, 1.0),
    )
    drift_t0_s: float = setting(
        1.0,
        "Time after writing at which states equal the trained or programmed ones [s].",
        label="Start of the drift [s]",
        within=(0.0, LONGEST),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.drift_t0_s == 0 or 0 < self.time_s < self.drift_t0_s:
            raise UsageError("drift_t0_s must be above 0, and time_s must be 0 or at least drift_t0_s.")
