"""devicekit: from measured memristor traces to a trained spiking network.

import devicekit
fit = devicekit.fit("ramps/", quantity="current", read_voltage=0.1)
print(fit)
fit.plot()
fit.save("card.json")
result = devicekit.train("card.json")
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from devicekit._version import __version__
    from devicekit.core.errors import DevicekitError
    from devicekit.device.array import DeviceArray
    from devicekit.device.card import DeviceCard, load_card
    from devicekit.exporters import export, load_network
    from devicekit.features.characterize import characterize
    from devicekit.figures.make import figure
    from devicekit.fitting.comparison import compare
    from devicekit.fitting.device import fit
    from devicekit.fitting.uncertainty.advice import next_measurement
    from devicekit.fitting.uncertainty.posterior import posterior
    from devicekit.library.folder import Library
    from devicekit.readers import read
    from devicekit.readers.hdf5 import load as load_hdf5
    from devicekit.system import catalog
    from devicekit.tables import PulseTable, SweepTable
    from physics import simulate
    from snn.interface import benchmark, train

# Where each public name lives; loaded on first use, so that importing devicekit costs nothing.
_PUBLIC = {
    "benchmark": "snn.interface",
    "characterize": "devicekit.features.characterize",
    "compare": "devicekit.fitting.comparison",
    "DeviceArray": "devicekit.device.array",
    "DeviceCard": "devicekit.device.card",
    "DevicekitError": "devicekit.core.errors",
    "Library": "devicekit.library.folder",
    "PulseTable": "devicekit.tables",
    "SweepTable": "devicekit.tables",
    "export": "devicekit.exporters",
    "figure": "devicekit.figures.make",
    "fit": "devicekit.fitting.device",
    "load_card": "devicekit.device.card",
    "load_hdf5": "devicekit.readers.hdf5",
    "load_network": "devicekit.exporters",
    "next_measurement": "devicekit.fitting.uncertainty.advice",
    "posterior": "devicekit.fitting.uncertainty.posterior",
    "read": "devicekit.readers",
    "train": "snn.interface",
    "__version__": "devicekit._version",
}
_OTHERWISE = {"load_hdf5": "load"}  # called differently there
_MODULES = {"catalog": "devicekit.system.catalog", "simulate": "physics.simulate", "torch": "devicekit.torch"}
_ELSEWHERE = {
    **dict.fromkeys(("load", "open", "load_csv", "read_csv", "read_excel", "read_table", "from_csv"), "read"),
    **dict.fromkeys(("Fit", "fit_device", "curve_fit", "Model", "minimize"), "fit"),
    **dict.fromkeys(("Card", "Device", "card", "cards", "load_device"), "load_card"),
    **dict.fromkeys(("analyze", "analyse", "characterise"), "characterize"),
    **dict.fromkeys(("array", "Array", "Crossbar"), "DeviceArray"),
    **dict.fromkeys(("next",), "next_measurement"),
    **dict.fromkeys(("library",), "Library"),
    **dict.fromkeys(("nn", "convert", "Linear", "Conv2d", "snntorch", "norse"), "torch.convert"),
    **dict.fromkeys(("datasets", "data"), "catalog"),
    **dict.fromkeys(("plot", "show"), "fit(...).plot(): a result draws itself"),
}  # what users of other packages try, and what it is here

__all__ = [
    "DeviceArray",
    "DeviceCard",
    "DevicekitError",
    "Library",
    "PulseTable",
    "SweepTable",
    "__version__",
    "benchmark",
    "catalog",
    "characterize",
    "compare",
    "export",
    "figure",
    "fit",
    "load_card",
    "load_hdf5",
    "load_network",
    "next_measurement",
    "posterior",
    "read",
    "simulate",
    "train",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name not in _PUBLIC:
        raise AttributeError(_hint(name))
    return getattr(import_module(_PUBLIC[name]), _OTHERWISE.get(name, name))


def _hint(name: str) -> str:
    """Return the message of a name that does not exist, with what is meant."""
    message = f"module 'devicekit' has no attribute {name!r}"
    if name.startswith("_"):  # Python itself asks for such names
        return message
    from devicekit.core.text import closest

    meant = _ELSEWHERE.get(name) or closest(name, __all__)
    return f"{message}: use devicekit.{meant}" if meant else f"{message}; dir(devicekit) lists what it has"


def __dir__() -> list[str]:
    return __all__
