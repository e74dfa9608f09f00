"""Your own PyTorch network with its weights on devices of a card.

import torch
import devicekit.torch

net = devicekit.torch.convert(float_net, "card.json", seed=0)
optimizer = devicekit.torch.PulseOptimizer(net, torch.optim.SGD, lr=0.1)
# ... train as usual: zero_grad, backward, step ...
print(devicekit.torch.usage(net))
with devicekit.torch.reading(net, read_noise=True):
    net(images)

Needs the extra: pip install "devicekit[torch]".
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from devicekit.system.extras import need

if TYPE_CHECKING:
    from devicekit.torch.conversion import LayerUsage, Usage, convert, usage
    from devicekit.torch.evaluation import reading
    from devicekit.torch.layers import Conv2d, Linear
    from devicekit.torch.optimizer import PulseOptimizer

_PLACES = {
    "Conv2d": "layers",
    "LayerUsage": "conversion",
    "Linear": "layers",
    "PulseOptimizer": "optimizer",
    "Usage": "conversion",
    "convert": "conversion",
    "reading": "evaluation",
    "usage": "conversion",
}

__all__ = ["Conv2d", "LayerUsage", "Linear", "PulseOptimizer", "Usage", "convert", "reading", "usage"]


def __getattr__(name: str) -> Any:
    """Load a public name on first use."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    need("torch", "torch", "networks of PyTorch")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
