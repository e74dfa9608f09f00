"""Stand-in for torch in NumPy, without gradients: the parts that an exported file uses."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest


class Tensor(np.ndarray):
    """An array with the methods of a tensor; `_version` counts what was written into it."""

    _version = 0
    device = None
    grad: Any = None

    def _wrote(self) -> Tensor:
        self._version += 1
        return self

    def __getitem__(self, key: Any) -> Tensor:
        return np.asarray(super().__getitem__(key)).view(Tensor)

    def __isub__(self, other: Any) -> Tensor:  # type: ignore[override,misc]
        return super().__isub__(other)._wrote()

    def __iadd__(self, other: Any) -> Tensor:  # type: ignore[override,misc]
        return super().__iadd__(other)._wrote()

    def zero_(self) -> Tensor:
        self[...] = 0
        return self._wrote()

    def copy_(self, other: Any) -> Tensor:
        self[...] = other
        return self._wrote()

    def detach(self) -> Tensor:
        return tensor(self)

    def clamp(self, min: Any = None, max: Any = None) -> Tensor:
        return tensor(np.clip(self, min, max))

    def max(self, *axis: int, keepdim: bool = False, **by_numpy: Any) -> Any:  # type: ignore[override]
        if not axis:
            return np.asarray(self).max(**by_numpy)
        return SimpleNamespace(values=tensor(np.asarray(self).max(*axis, keepdims=keepdim)))

    def unbind(self, axis: int) -> list[Tensor]:
        return [tensor(each) for each in np.moveaxis(self, axis, 0)]

    def to(self, other: Any) -> Tensor:
        return tensor(self, other.dtype)

    def long(self) -> Tensor:
        return tensor(self, np.int64)

    def numpy(self) -> np.ndarray:
        return np.asarray(self)

    def new_zeros(self, *shape: int) -> Tensor:
        return tensor(np.zeros(shape, self.dtype))

    def unsqueeze(self, axis: int) -> Tensor:
        return tensor(np.expand_dims(self, axis))

    def expand(self, shape: tuple[int, ...]) -> Tensor:
        return tensor(np.broadcast_to(self, shape))

    def abs(self) -> Tensor:
        return tensor(np.abs(self))

    def numel(self) -> int:
        return self.size


def tensor(value: Any, dtype: Any = None, device: Any = None) -> Tensor:
    return np.array(value, dtype).view(Tensor)


class Parameter(Tensor):
    def __new__(cls, data: Any) -> Parameter:
        return np.array(data).view(cls)


class Module:
    def register_buffer(self, name: str, value: Tensor, persistent: bool = True) -> None:
        setattr(self, name, value)

    def register_load_state_dict_post_hook(self, hook: Callable[..., None]) -> None:
        self.hook = hook

    def __call__(self, *inputs: Any) -> Any:
        return self.forward(*inputs)  # type: ignore[attr-defined]


class Generator:
    def __init__(self, device: Any = None) -> None:
        self.rng = np.random.default_rng(0)

    def manual_seed(self, seed: int) -> Generator:
        self.rng = np.random.default_rng(seed)
        return self


class _Optimizer:
    """Gradients are those that stand in `grad`; the hooks of all optimizers are called as torch does."""

    before: list[Callable[..., None]] = []  # noqa: RUF012
    after: list[Callable[..., None]] = []  # noqa: RUF012
    decay = 0.0

    def __init__(self, params: Iterator[Any], lr: float, weight_decay: float | None = None) -> None:
        decay = self.decay if weight_decay is None else weight_decay
        self.param_groups = [{"params": list(params), "lr": lr, "weight_decay": decay}]

    def step(self) -> None:
        for hook in self.before:
            hook(self, (), {})
        for group in self.param_groups:
            for each in group["params"]:
                if each.grad is not None:
                    each -= group["lr"] * each.grad
        for hook in self.after:
            hook(self, (), {})


class SGD(_Optimizer):
    pass


class AdamW(_Optimizer):
    decay = 0.01


def _no_grad() -> Callable[[Any], Any]:
    return lambda function: function


def modules() -> dict[str, ModuleType]:
    """The stand-in as modules by name, for sys.modules."""
    torch, nn, optim, optimizer = (ModuleType(name) for name in ("torch", "nn", "optim", "optimizer"))
    default = Generator()

    def draw(method: str) -> Callable[..., Tensor]:
        def drawn(shape: Any, generator: Generator = default, dtype: Any = None, device: Any = None) -> Tensor:
            return tensor(getattr(generator.rng, method)(size=shape))

        return drawn

    def randint(*ends: Any, generator: Generator = default, device: Any = None) -> Tensor:
        *bounds, shape = ends
        return tensor(generator.rng.integers(*bounds, size=shape))

    plain = ("exp", "log", "log1p", "clip", "minimum", "where", "hypot", "sign", "trunc")
    vars(torch).update({name: _made_by(getattr(np, name)) for name in plain})
    vars(torch).update(
        Tensor=Tensor,
        nn=nn,
        optim=optim,
        tensor=tensor,
        as_tensor=tensor,
        Generator=Generator,
        no_grad=_no_grad,
        int64=np.int64,
        float64=np.float64,
        get_default_dtype=lambda: np.float64,
        manual_seed=default.manual_seed,
        randint=randint,
        rand=draw("random"),
        randn=draw("standard_normal"),
        full=lambda shape, value, dtype=None, device=None: tensor(np.full(shape, value, dtype)),
        zeros=lambda *shape, dtype=None, device=None: tensor(np.zeros(_shape(shape), dtype)),
        ones=lambda *shape, dtype=None, device=None: tensor(np.ones(_shape(shape), dtype)),
        zeros_like=lambda like: tensor(np.zeros(like.shape, like.dtype)),
        full_like=lambda like, value: tensor(np.full(like.shape, value, like.dtype)),
        stack=lambda each, axis=0: tensor(np.stack(each, axis)),
    )
    nn.Module, nn.Parameter = Module, Parameter  # type: ignore[attr-defined]
    optim.SGD, optim.AdamW, optim.optimizer = SGD, AdamW, optimizer  # type: ignore[attr-defined]
    before, after = "register_optimizer_step_pre_hook", "register_optimizer_step_post_hook"
    vars(optimizer).update({before: _Optimizer.before.append, after: _Optimizer.after.append})
    return {"torch": torch, "torch.nn": nn, "torch.optim": optim, "torch.optim.optimizer": optimizer}


def put_in_place(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Replace `import torch` until the test ends, with optimizers that know no file loaded before."""
    for hooks in ("before", "after"):
        monkeypatch.setattr(_Optimizer, hooks, [])
    made = modules()
    for name, each in made.items():
        monkeypatch.setitem(sys.modules, name, each)
    return made["torch"]


def _made_by(function: Callable[..., Any]) -> Callable[..., Tensor]:
    return lambda *given: tensor(function(*given))


def _shape(given: tuple[Any, ...]) -> tuple[int, ...]:
    return given[0] if isinstance(given[0], tuple) else given
