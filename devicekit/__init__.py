"""devicekit: from measured memristor traces to a trained spiking network.

import devicekit
table = devicekit.read("ramps/", quantity="current", read_voltage=0.1)
fit = devicekit.fit(table)
fit.plot()
card = fit.to_card("my device", source="ramps/")
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

try:
    __version__ = version("devicekit")
except PackageNotFoundError:  # run from a checkout that was not installed
    __version__ = "0+unknown"

if TYPE_CHECKING:
    from devicekit.array import DeviceArray
    from devicekit.card import DeviceCard, load_card
    from devicekit.characterizing import characterize
    from devicekit.comparing import compare
    from devicekit.errors import DevicekitError
    from devicekit.exporters import export
    from devicekit.fitting import fit
    from devicekit.readers import read
    from devicekit.tables import PulseTable, SweepTable

# Where each public name lives; loaded on first use, so that importing devicekit costs nothing.
_PUBLIC = {
    "characterize": "devicekit.characterizing",
    "compare": "devicekit.comparing",
    "DeviceArray": "devicekit.array",
    "DeviceCard": "devicekit.card",
    "DevicekitError": "devicekit.errors",
    "PulseTable": "devicekit.tables",
    "SweepTable": "devicekit.tables",
    "export": "devicekit.exporters",
    "fit": "devicekit.fitting",
    "load_card": "devicekit.card",
    "read": "devicekit.readers",
}

__all__ = [
    "DeviceArray",
    "DeviceCard",
    "DevicekitError",
    "PulseTable",
    "SweepTable",
    "__version__",
    "characterize",
    "compare",
    "export",
    "fit",
    "load_card",
    "read",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'devicekit' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)
