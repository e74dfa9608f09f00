"""devicekit: from measured memristor traces to a trained spiking network.

import devicekit
table = devicekit.read("ramps/", quantity="current", read_voltage=0.1)
fit = devicekit.fit(table)
fit.plot()
card = fit.to_card("my device", source="ramps/")
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

# Where each public name lives; loaded on first use, so that importing devicekit costs nothing.
_PUBLIC = {
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
    "__version__": "devicekit._version",
}
_OTHERWISE = {"load_hdf5": "load"}  # called differently there
_MODULES = {"catalog": "devicekit.system.catalog"}

__all__ = [
    "DeviceArray",
    "DeviceCard",
    "DevicekitError",
    "Library",
    "PulseTable",
    "SweepTable",
    "__version__",
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
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name not in _PUBLIC:
        raise AttributeError(f"module 'devicekit' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), _OTHERWISE.get(name, name))


def __dir__() -> list[str]:
    return __all__
