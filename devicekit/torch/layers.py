"""Linear and Conv2d whose weights are devices drawn from a card.

The weights are those of the devices, in the same memory: reading them costs nothing, and pulses change both. Biases
are digital. Update law, scatter, differences of devices and policies are those of `snn.synapses`, which a training by
`devicekit train` uses too.
"""

from __future__ import annotations

import hashlib
import json
import math
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from devicekit.core.errors import UsageError
from devicekit.core.text import closest
from devicekit.device.card import CardSource, DeviceCard, as_card
from devicekit.device.random import mix
from devicekit.device.variation import read_sigma
from devicekit.models.kernel import MAX_SHAPE
from devicekit.torch.kernels import settle_layer
from snn import forgetting
from snn.config import TrainingConfig
from snn.network.crossbar import Threshold, make_pulse_requests
from snn.network.encoding import stream_key
from snn.recipe import PROGRAM_QUANTILE, choose, with_card
from snn.synapses import Change, Synapses

ROOM = 4.0  # weight of a whole window over the largest start weight: trained weights grow by about this factor
FEWEST_ROOM = 0.05  # of the window on each side of a reference
PROGRAMMING = (
    "levels", "program_sigma", "tolerance", "verify_reads", "verify_limit", "program_steps", "compensate",
)  # fmt: skip
SETTINGS = (
    "mapping", "reference", "c2c", "d2d", "read_noise", "read_noise_of_g", "stuck", "stuck_at", "device_levels",
    *PROGRAMMING,
)  # fmt: skip
_NOISE, _VERIFY = 131, 133  # purposes of random streams
_CLIPPED = 2 * (1 - PROGRAM_QUANTILE)  # share of clipped weights from which a warning is due


class Reading(NamedTuple):
    """Weights and their read noise while they are read in another way than in training.

    Attributes
    ----------
    weight : Tensor
        Weights [1], of the shape of the layer's.
    variance : Tensor or None
        Variance of one reading of each weight; None without read noise.
    """

    weight: Tensor
    variance: Tensor | None


class OnDevices(nn.Module):
    """Base of the layers: devices of a card behind `weight`.

    Attributes
    ----------
    synapses : Synapses
        The devices.
    card : DeviceCard
    scale : float
        Weight of the whole window [1].
    level : float
        Expected change of a weight by one pulse [1].
    clipped : int
        Weights outside of the window when the layer was made or programmed.
    """

    weight: nn.Parameter
    bias: nn.Parameter | None

    def place(
        self,
        card: CardSource,
        *,
        seed: int | None = None,
        room: float = ROOM,
        scale: float | None = None,
        programming: str | None = None,
        **settings: Any,
    ) -> None:
        """Put the present weights on new devices.

        Parameters
        ----------
        card : DeviceCard, path-like, str or DeviceFit
            The device.
        seed : int, optional
            Seed of devices and noise; None: from the generator of torch, so that `torch.manual_seed` fixes it.
        room : float
            Weight of the whole window over the largest weight now (0.999 quantile), at least 1. Training from start
            weights needs room to grow; 1.25 suits a trained network, whose steps it makes finer.
        scale : float, optional
            Weight of the whole window [1], instead of `room`.
        programming : {"sigma", "verify"}, optional
            Errors of programming, as in `snn.hardware.ProgrammingSettings`. None: the states are set without error, and
            stuck devices stay there; weights then differ from the present ones by what differs between devices (D2D)
            and by their fluctuation.
        **settings
            Settings of `snn.config.TrainingConfig` about devices: mapping, c2c, d2d, read_noise, stuck, ...

        Raises
        ------
        UsageError
            If a setting is unknown or would do nothing, or weights cannot be on devices of the card.
        """
        _check_settings(settings, programming)
        if scale is not None and room != ROOM:
            raise UsageError("room= and scale= both set the weight of the window. Give one of them.")
        if not (math.isfinite(room) and room >= 1) or (scale is not None and not 0 < scale < math.inf):
            raise UsageError(f"room must be at least 1 and scale above 0, not {room!r} and {scale!r}.")
        own = int(torch.randint(2**31, ())) if seed is None else seed
        given = {"reference": None, **settings, **({} if programming is None else {"programming": programming})}
        self.card: DeviceCard = as_card(card)
        self.config = with_card(TrainingConfig(policy="carry", seed=own, **given), self.card)
        if words := forgetting.words(self.card, replace(self.config, presentation_s=0.0, test_delay_s=0.0)):
            warnings.warn(f"No time passes while the network is trained or read: {words}", stacklevel=3)
        self.read_noise = False if not self.config.read_noise else self._require_read_noise()
        recipe = choose(self.config, self.card)
        assert recipe.middle is not None
        weight = self.weight.detach().to("cpu", torch.float32)
        self._shape = tuple(weight.shape)
        w = weight.reshape(len(weight), -1).numpy()
        if not np.isfinite(w).all():
            raise UsageError("Weights must be finite before they are put on devices.")
        side = 1.0 if self.config.mapping == "pair" else max(min(recipe.middle, 1 - recipe.middle), FEWEST_ROOM)
        largest = max(float(np.quantile(np.abs(w), PROGRAM_QUANTILE)), 1e-3)
        self.scale = room * largest / side if scale is None else scale
        self._recipe, self._programming = recipe, programming
        self._set_scale(self.scale)
        self.program(w)

    def _set_scale(self, scale: float) -> None:
        assert self._recipe.device_step is not None
        self.scale, self.level = scale, scale * self._recipe.device_step
        self._recipe = replace(self._recipe, scales=(scale,))  # type: ignore[arg-type]  # of one layer

    def program(self, weight: Tensor | np.ndarray) -> int:
        """Set the states of the devices to weights [1] at once, or with the errors of `programming`.

        Pending changes are forgotten.

        Returns
        -------
        int
            Weights outside of the window, which are clipped, with a warning where there are many.
        """
        w = torch.as_tensor(weight).detach().to("cpu", torch.float32).reshape(self._shape[0], -1).numpy().copy()
        make = Synapses.start if self._programming is None else Synapses.program
        self.synapses = make(self.card, self.config, self._recipe, [w])
        middle, pair = self._recipe.middle or 0.0, self.config.mapping == "pair"
        low, high = (-self.scale, self.scale) if pair else (-self.scale * middle, self.scale * (1 - middle))
        self.clipped = int(((w < low) | (w > high)).sum())
        if self.clipped > max(_CLIPPED * w.size, 1):
            warnings.warn(
                f"{self.clipped} of {w.size} weights are outside of {low:.3g} to {high:.3g} and were clipped; "
                "a larger scale= holds more",
                stacklevel=2,
            )
        self._steps = 0
        self._noise = torch.Generator().manual_seed(int(stream_key(self.config.seed, _NOISE) >> np.uint64(1)))
        self._reading: Reading | None = None
        self._variance: Tensor | None = None
        self._tie()
        return self.clipped

    def _tie(self) -> None:
        """Let `weight` be the memory of the devices' weights."""
        layer = self.synapses.layers[0]
        self._requests, self._scratch = make_pulse_requests(layer.w.shape[0] * layer.columns), np.empty(MAX_SHAPE)
        trained = self.weight.requires_grad
        shared = torch.from_numpy(layer.w)[:, : layer.columns].view(self._shape)
        self.weight = nn.Parameter(shared, requires_grad=trained)
        self._seen = self.weight._version

    def __getstate__(self) -> dict[str, Any]:
        self.check_untouched()
        kept = {name: value for name, value in self.__dict__.items() if name not in ("_requests", "_scratch")}
        return {**kept, "_noise": self._noise.get_state()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._noise = torch.Generator().set_state(state["_noise"])
        self._tie()  # copied weights and copied devices are two memories

    def get_extra_state(self) -> dict[str, Any]:
        """Return the state of the devices for `state_dict`."""
        self.check_untouched()
        return {
            "card": self.card.name,
            "made_of": self._made_of(),
            "clipped": self.clipped,
            "seed": self.config.seed,
            "scale": self.scale,
            "steps": self._steps,
            "arrays": [torch.from_numpy(each.copy()) for each in self._state_arrays()],
        }

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Restore the devices of a `state_dict` of a layer made from the same card with the same settings.

        Raises
        ------
        UsageError
            If the card is another one, or the devices have other parts.
        """
        if state["card"] != self.card.name:
            raise UsageError(f"The state is of devices of card {state['card']!r}, not of {self.card.name!r}.")
        if state["made_of"] != self._made_of():
            raise UsageError(
                "The state is of devices with other settings, or of another fit of the card. Convert with the card and "
                "the settings of the saved net."
            )
        self._set_scale(state["scale"])
        self.config = replace(self.config, seed=state["seed"])
        self.program(np.zeros(self._shape, np.float32))
        for mine, saved in zip(self._state_arrays(), state["arrays"], strict=True):
            mine[...] = saved.numpy()
        self._steps, self.clipped = state["steps"], state["clipped"]

    def _made_of(self) -> str:
        """Return a checksum of the card and of the settings of the devices."""
        settings = {name: getattr(self.config, name) for name in SETTINGS}
        text = json.dumps([self.card.to_json(), settings, self._programming], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def _state_arrays(self) -> list[np.ndarray]:
        """Return all arrays that pulses change."""
        layer, array = self.synapses.layers[0], self.synapses.arrays[0]
        kernel = array.kernel_state
        fading = () if array.fading is None else (array.fading.persistent, array.fading.parts)
        return [kernel.r, kernel.pulses, kernel.own.held, layer.w, layer.sums, layer.pulses, layer.reads, *fading]

    def _apply(self, fn: Any, recurse: bool = True) -> OnDevices:
        probe = fn(torch.zeros(1))
        if probe.device.type != "cpu" or probe.dtype != torch.float32:
            raise UsageError("Devices are simulated on the CPU in float32. Leave the converted network there.")
        return self

    def check_untouched(self) -> None:
        """Refuse weights that were changed by something else than pulses.

        Raises
        ------
        UsageError
        """
        shared = self.weight.data_ptr() == self.synapses.layers[0].w.ctypes.data
        if self.weight._version != self._seen or not shared:
            raise UsageError(
                "Weights on devices were written by something else than pulses, such as a plain optimizer, nn.init or "
                "load_state_dict. Use PulseOptimizer, or layer.program(weights)."
            )

    def check_trainable(self) -> None:
        """Refuse training inside `reading`, and after something else wrote the weights.

        Raises
        ------
        UsageError
        """
        self.check_untouched()
        if self._reading is not None:
            raise UsageError("Pulses cannot be applied inside reading(). Train outside of it.")

    def _require_read_noise(self) -> bool:
        if read_sigma(self.card, self.config.read_noise_of_g) == 0:
            raise UsageError(f"The read noise of card {self.card.name!r} is unknown. Give read_noise_of_g=.")
        return True

    def read(self, delay_s: float, change: Change | None, read_noise: bool) -> Reading:
        """Return weights and variances as read after a time without pulses [s], and after a change of the states."""
        self.check_untouched()
        layer = self.synapses.layers[0]
        w = self.synapses.read_layers(0.0, delay_s, change)[0][:, : layer.columns]
        weight = torch.from_numpy(np.ascontiguousarray(w)).view(self._shape)
        return Reading(weight, self._read_variance() if read_noise else None)

    def _read_variance(self) -> Tensor:
        """Return the variance of one reading of each weight [1]."""
        self._require_read_noise()
        layer, array = self.synapses.layers[0], self.synapses.arrays[0]
        sd = self.scale * read_sigma(self.card, self.config.read_noise_of_g) * array.read_noise_factor(array.r)
        variance = (sd**2).reshape(layer.w.shape[0], layer.columns, -1).sum(axis=2)
        return torch.from_numpy(variance.astype(np.float32)).view(self._shape)

    def update(self, changes: Tensor, threshold: Threshold) -> None:
        """Ask for changes of the weights [1], which the policy of `threshold` turns into pulses now or later.

        Raises
        ------
        UsageError
            If something else wrote the weights, a change is not finite, or inside `reading`.
        """
        self.check_trainable()
        self._variance = None
        layer = self.synapses.layers[0]
        rows = np.ascontiguousarray(changes.detach().numpy().reshape(layer.w.shape[0], layer.columns), np.float32)
        if not np.isfinite(rows).all():
            raise UsageError("The changes of the weights are not finite. Check the loss, or lower lr.")
        key = np.uint64(mix(stream_key(self.config.seed, _VERIFY), np.uint64(self._steps)))
        self._steps += 1
        devices = 2 if self.config.mapping == "pair" else 1
        read = np.float32(self.scale * read_sigma(self.card, self.config.read_noise_of_g) * devices**0.5)
        settle_layer(layer, rows, threshold, read, key, self._requests, self._scratch)
        self.synapses.update_after_pulses()

    def _product(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """Return what the layer of torch returns; with read noise, every product reads the devices afresh."""
        self.check_untouched()
        variance: Tensor | None = None
        if self._reading is not None:
            weight, variance = self._reading
        else:
            weight = self.weight
            if self.read_noise:
                variance = self._variance = self._read_variance() if self._variance is None else self._variance
        y = self._product(x, weight, self.bias)
        if variance is None:
            return y
        with torch.no_grad():  # noise of independent readings adds in squares
            sd = self._product(x * x, variance, None).clamp(min=0).sqrt()
            noise = sd * torch.randn(sd.shape, generator=self._noise)
        return y + noise

    def extra_repr(self) -> str:
        """Describe the layer as torch does, with its card."""
        return f"{super().extra_repr()}, card={self.card.name!r}, scale={self.scale:.3g}"


def _check_settings(settings: Mapping[str, Any], programming: str | None) -> None:
    """Refuse settings that are unknown, or without what would give them an effect."""
    for name in settings:
        if name not in SETTINGS:
            meant = closest(name, SETTINGS)
            hint = f"did you mean {meant}=?" if meant else f"Settings of devices: {', '.join(SETTINGS)}."
            raise UsageError(f"A layer on devices has no setting {name}=. {hint}")
    needs = {
        **dict.fromkeys(PROGRAMMING, ("programming=", programming is not None)),
        "reference": ('mapping="reference"', settings.get("mapping") == "reference"),
        "stuck_at": ("stuck=", bool(settings.get("stuck"))),
    }
    for name, (needed, given) in needs.items():
        if name in settings and not given:
            raise UsageError(f"{name}= does nothing without {needed}.")


class Linear(OnDevices, nn.Linear):
    """`torch.nn.Linear` with weights on devices of a card.

    Parameters
    ----------
    in_features, out_features, bias
        As for `torch.nn.Linear`; the bias is digital.
    card : DeviceCard, path-like, str or DeviceFit
        The device.
    **options
        As for `OnDevices.place`.
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, *, card: CardSource, **options: Any
    ) -> None:
        nn.Linear.__init__(self, in_features, out_features, bias)
        self.place(card, **options)

    def _product(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return functional.linear(x, weight, bias)


class Conv2d(OnDevices, nn.Conv2d):
    """`torch.nn.Conv2d` with weights on devices of a card, each kernel once.

    Parameters
    ----------
    in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode
        As for `torch.nn.Conv2d`; the bias is digital.
    card : DeviceCard, path-like, str or DeviceFit
        The device.
    **options
        As for `OnDevices.place`.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: str | int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        *,
        card: CardSource,
        **options: Any,
    ) -> None:
        nn.Conv2d.__init__(
            self, in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode
        )
        self.place(card, **options)

    def _product(self, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return self._conv_forward(x, weight, bias)
