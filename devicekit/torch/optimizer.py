"""Optimizer whose changes of weights on devices are pulses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn, optim

from devicekit.core.errors import UsageError
from devicekit.torch.layers import OnDevices
from snn.config import TrainingConfig
from snn.network.crossbar import Threshold
from snn.network.pulsing import NUMBERS, Policy, get_policy
from snn.recipe import reason_for_policy

# changes of these depend on gradients alone, not on weights, if nothing decays
BY_GRADIENTS = ("SGD", "Adam", "AdamW", "NAdam", "RAdam", "Adamax", "Adagrad", "Adadelta", "RMSprop", "Rprop")


class PulseOptimizer(optim.Optimizer):
    """An optimizer of torch, whose changes of weights on devices a pulse policy turns into pulses.

    Other parameters, such as biases, change as usual. Momentum, and the sums of changes that are smaller than a pulse,
    are digital, as in mixed-precision training.

    Parameters
    ----------
    model : nn.Module
        Network with layers on devices (`convert`). Layers with ``requires_grad_(False)`` are not trained.
    optimizer : type
        Class of `torch.optim`, such as `torch.optim.SGD`, whose changes depend on gradients alone.
    policy : str
        Pulse policy (`snn.policies`), or "auto": "verify" where the read noise of the card is small, else "carry".
    max_pulses : int, optional
        Largest number of pulses of a weight in one step; None: the default of the policy, which is 1 except for "carry"
        and "verify".
    alpha : float
        Factor of the sum, for policies "literal" and "leaky" alone [1].
    **settings
        Of the optimizer, such as ``lr=0.1, momentum=0.9``.

    Raises
    ------
    UsageError
        If the network has no devices, or devices cannot do what is asked for: weight decay, or an optimizer that reads
        the weights.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: type[optim.Optimizer] = optim.SGD,
        *,
        policy: str = "auto",
        max_pulses: int | None = None,
        alpha: float = 1.0,
        **settings: Any,
    ) -> None:
        if getattr(optimizer, "__name__", "") not in BY_GRADIENTS:
            name = getattr(optimizer, "__name__", str(optimizer))
            raise UsageError(
                f"Pulses cannot do {name}: its changes may depend on the weights themselves. "
                f"Use one of {', '.join(BY_GRADIENTS)}."
            )
        layers = [each for each in model.modules() if isinstance(each, OnDevices) and each.weight.requires_grad]
        if not layers:
            raise UsageError("No layer on devices to train. Convert the network first (devicekit.torch.convert).")
        TrainingConfig(policy=policy, max_pulses=max_pulses, alpha=alpha)  # checks them
        if alpha != 1.0 and policy not in ("literal", "leaky"):
            raise UsageError(f'alpha= does nothing with policy "{policy}", only with "literal" and "leaky".')
        self._layers = [(each, _threshold(each, policy, max_pulses, alpha)) for each in layers]
        self._changes = [nn.Parameter(torch.zeros(each.weight.shape)) for each in layers]
        known = {id(each.weight) for each in layers}
        digital = [each for each in model.parameters() if each.requires_grad and id(each) not in known]
        self._inner = optimizer([*self._changes, *digital], **settings)
        self._check()
        self.defaults, self.state, self.param_groups = self._inner.defaults, self._inner.state, self._inner.param_groups

    def __repr__(self) -> str:
        return f"PulseOptimizer on {len(self._layers)} layers of devices: {self._inner!r}"

    def __getattr__(self, name: str) -> Any:
        """Return what the optimizer inside has: hooks, and tables of torch."""
        if name == "_inner":
            raise AttributeError(name)
        return getattr(self._inner, name)

    @property
    def policies(self) -> tuple[str, ...]:
        """Pulse policy of each layer."""
        names = list(NUMBERS)
        return tuple(names[threshold.policy] for _, threshold in self._layers)

    def _check(self) -> None:
        for group in self._inner.param_groups:
            if group.get("weight_decay"):
                raise UsageError(
                    f"weight_decay={group['weight_decay']:g} cannot be done by pulses: it would need one for every "
                    "weight in every step. Use weight_decay=0, or add a penalty on the weights to the loss."
                )

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients of all parameters."""
        self._inner.zero_grad(set_to_none)
        for layer, _ in self._layers:
            layer.weight.grad = None

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Any:  # type: ignore[override]
        """Change all parameters by their gradients: those on devices by pulses.

        Raises
        ------
        UsageError
            If the settings now include weight decay, something else wrote the weights, or inside `reading`.
        """
        self._check()
        for layer, _ in self._layers:
            layer.check_trainable()
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for (layer, _), change in zip(self._layers, self._changes, strict=True):
            change.grad = layer.weight.grad
        self._inner.step()
        for (layer, threshold), change in zip(self._layers, self._changes, strict=True):
            if change.grad is not None:
                layer.update(change, threshold)
            change.zero_()
            change.grad = None
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the optimizer inside; sums of changes are part of the network."""
        return self._inner.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore a state of `state_dict`."""
        self._inner.load_state_dict(state_dict)
        self.state, self.param_groups = self._inner.state, self._inner.param_groups

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add digital parameters, as torch does."""
        self._inner.add_param_group(param_group)


def _threshold(layer: OnDevices, policy: str, max_pulses: int | None, alpha: float) -> Threshold:
    name = reason_for_policy(layer.config, layer.card)[0] if policy == "auto" else policy
    chosen: Policy = get_policy(name)
    return Threshold(
        level=np.float32(layer.level),
        alpha=np.float32(alpha),
        policy=NUMBERS[chosen.name],
        most=max_pulses or chosen.most,
        summed=chosen.summed,
        verifies=chosen.verifies,
    )
