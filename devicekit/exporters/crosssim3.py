"""Source text of the CrossSim 3 module: a device class of a card, and a loader of a trained network."""

from __future__ import annotations

from devicekit.device.card import DeviceCard
from devicekit.exporters import base
from devicekit.exporters.inference import InferenceNumbers, constants, functions

_DEVICE = '''"""Device class for CrossSim 3 (written for 3.2.0), made by devicekit. README.txt lists what is exact."""

from simulator import CrossSimParameters
from simulator.backend import ComputeBackend
from simulator.devices.idevice import EmptyDevice

xp = ComputeBackend()  # NumPy or CuPy

{constants}
{functions}

class {name}Device(EmptyDevice):
    """Programming error, drift and read noise of the devices of the card; importing this module registers the class.

    Times are seconds after writing. The conductance range must be the window of the card, as set by `parameters`.
    """

    def _g(self, input_):
        """Convert the normalised conductance of CrossSim, 1 at the high end, to uS."""
        return LOW + (HIGH - LOW) * (input_ - self.Gmin_norm) / self.Grange_norm

    def _back(self, g, input_):
        return (self.Gmin_norm + self.Grange_norm * (g - LOW) / (HIGH - LOW)).astype(input_.dtype)

    def programming_error(self, input_):
        r = state(self._g(input_)).clip(0.0, 1.0)
        error = between(PROGRAMMING_MEAN, r) + between(PROGRAMMING_SD, r) * xp.random.normal(size=r.shape)
        return self._back(conductance((r + error).clip(0.0, 1.0)), input_)

    def drift_error(self, input_, time):
        """Apply the programming error, and the drift from T_0 to `time`."""
        programmed = self.programming_error(input_)
        if DRIFT is None or time <= T_0:
            return programmed
        if T_MOST is not None and time > T_MOST:
            raise ValueError(f"drift was measured up to {{T_MOST:g}} s, over too few decades for {{time:g}} s")
        nu = DRIFT[0] + DRIFT[1] * xp.random.normal(size=programmed.shape)
        return self._back(self._g(programmed) * (time / T_0) ** -nu, input_)

    def read_noise(self, input_):
        r = state(self._g(input_))
        return self._back(conductance(r + READ_SD * xp.random.normal(size=r.shape)), input_)


def parameters(time_s=0.0):
    """Return the defaults of CrossSim with this device, `time_s` after writing [s]; 0: just programmed."""
    made = CrossSimParameters()
    device = made.xbar.device
    device.Rmin = 1e6 / HIGH  # [ohm]
    device.infinite_on_off_ratio = LOW == 0.0
    if LOW > 0.0:
        device.Rmax = 1e6 / LOW
    device.time = time_s
    for each in (device.programming_error, device.drift_error, device.read_noise):
        each.enable, each.model = True, "{name}Device"
    return made
'''

_NETWORK = '''

SCALES = {scales}  # weight of the whole window, hidden and output layer [weight units of the network]
PAIRED = {paired}  # True if the second conductance of a weight is a device, False if it is a fixed reference


class DeviceLayer:
    """Weights SCALE (G_plus - G_minus) / (HIGH - LOW); G_plus and G_minus are in separate AnalogCores."""

    def __init__(self, plus, minus, scale, paired, make_parameters):
        self.scale, self.reference = scale, None if paired else float(minus.flat[0])
        self.plus = _core(plus, make_parameters())
        self.minus = _core(minus, make_parameters()) if paired else None

    def __call__(self, x):
        """Return the weighted sums of inputs x, shape (inputs,)."""
        other = self.reference * x.sum() if self.minus is None else self.minus.matvec(x)
        return self.scale / 2.0 * (self.plus.matvec(x) - other)

    def conductances(self):
        """Return both conductances of every weight in the cores [S], arrays (inputs, outputs)."""
        plus = _conductances(self.plus)
        if self.minus is not None:
            return plus, _conductances(self.minus)
        return plus, 0.0 * plus + 1e-6 * (LOW + (HIGH - LOW) * (self.reference + 1.0) / 2.0)


def _core(weights, params):
    """Return a core with one device per weight: -1 is the low end of the window, 1 the high end."""
    params.core.style = CoreStyle.OFFSET
    limits = params.core.mapping.weights
    limits.min, limits.max, limits.percentile = -1.0, 1.0, None
    return AnalogCore(weights.T.copy(), params)


def _conductances(core):
    device = core.params.xbar.device
    rows = [np.concatenate([np.asarray(each.core._read_matrix()) for each in row], axis=1) for row in core.cores]
    return 1e-6 * HIGH * np.concatenate(rows, axis=0).T.astype(float) / device.Gmax_norm


def ideal_parameters():
    """Return parameters with the window of the card and no errors."""
    made = parameters()
    for each in (made.xbar.device.programming_error, made.xbar.device.drift_error, made.xbar.device.read_noise):
        each.enable = False
    return made


def layers(path=Path(__file__).with_name("{held}.npz"), make_parameters=ideal_parameters):
    """Return the hidden and the output layer; `make_parameters()` makes the parameters of a core."""
    with np.load(path) as held:
        parts = [(held[f"{{name}}_plus"], held[f"{{name}}_minus"]) for name in ("hidden", "output")]
    return tuple(
        DeviceLayer(plus, minus, scale, paired, make_parameters)
        for (plus, minus), scale, paired in zip(parts, SCALES, PAIRED)
    )
'''


def module(
    card: DeviceCard,
    found: InferenceNumbers,
    network: tuple[tuple[float, ...], tuple[bool, ...], str] | None = None,
) -> str:
    """Return the module with the device class of a card and the loader of a network.

    Parameters
    ----------
    card : DeviceCard
    found : InferenceNumbers
    network : (scales, paired, name), optional
        Weight span of the window for each layer, True for layers of pairs, and the .npz file name without its suffix.
    """
    text = _DEVICE.format(constants=constants(found), functions=functions(found, "xp.log"), name=base.class_name(card))
    if network is None:
        return text
    scales, paired, held = network
    head = "from pathlib import Path\n\nimport numpy as np\nfrom simulator import AnalogCore, CrossSimParameters\n"
    text = text.replace("from simulator import CrossSimParameters\n", head, 1)
    style = "from simulator.devices.idevice import EmptyDevice\n"
    text = text.replace(style, style + "from simulator.parameters.core_parameters import CoreStyle\n", 1)
    return text + _NETWORK.format(scales=scales, paired=paired, held=held)
