"""Accuracies of a network on an array, one effect at a time: wires, converters, programming, time, wear and energy.

The network is trained once per seed with float weights and programmed; each setting is then changed on its own. All are
test accuracies on a named split; nothing is chosen on the test part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache

import numpy as np

from devicekit.core.errors import UsageError
from devicekit.device.ageing import Drift
from devicekit.device.card import DeviceCard
from devicekit.device.wear import Wear, wear
from devicekit.device.wires import Wires, effective_conductance
from devicekit.system.kept import Kept
from snn.ageing import AgeingResult, accuracy_over_time
from snn.array.baked import accuracy_after_bake, card_bakes
from snn.array.result import ArrayResult, Curve, Point, Unknown
from snn.config import TrainingConfig
from snn.data.dataset import Dataset
from snn.energy import InferenceEnergy, per_inference
from snn.result import DataFacts
from snn.training import Run

TILES = (32, 64, 128, 256)
OHMS = (0.1, 1.0, 10.0)
BITS = (2, 3, 4, 5, 6, 8)
TOLERANCES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
TIMES = tuple(10.0**k for k in range(2, 10))  # s
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Plan:
    """Settings of the measurement.

    Parameters
    ----------
    seeds, epochs, hidden : int
        Number of trainings, and their epochs and hidden neurons.
    wire_ohm : tuple of float
        Wire resistances between neighbouring devices [ohm].
    read_s : float
        Duration of a read [s].
    draws : int
        Draws of devices for the ageing and the bake.
    bake_k : float, optional
        Temperature of a bake in the card [K], after which the networks are tested.

    Raises
    ------
    UsageError
        If a number is out of range.
    """

    seeds: int = 3
    epochs: int = 8
    hidden: int = 1000
    wire_ohm: tuple[float, ...] = OHMS
    read_s: float = 1e-6
    draws: int = 10
    bake_k: float | None = None

    def __post_init__(self) -> None:
        if self.seeds < 1 or not self.wire_ohm or not all(0 < ohm < 1e6 for ohm in self.wire_ohm):
            raise UsageError("Set at least one seed, and wire resistances above 0 and below 1e6 ohm.")
        if not 0 < self.read_s < 1:
            raise UsageError(f"read_s must be above 0 and below 1 s, not {self.read_s}.")

    def settings(self, seed: int) -> TrainingConfig:
        """Return the settings of an offline training with weights programmed without errors."""
        return TrainingConfig(
            scheme="offline", seed=seed, epochs=self.epochs, hidden=self.hidden, levels=0, program_sigma=0.0
        )


def measure(
    card: DeviceCard,
    data: Dataset,
    plan: Plan | None = None,
    progress: Progress | None = None,
    kept: Kept | None = None,
) -> ArrayResult:
    """Measure the requirements of an array of a card's devices.

    Parameters
    ----------
    card : DeviceCard
        Card with a linear window. If it holds weights, wires and energy stay unknown.
    data : Dataset
    plan : Plan, optional
    progress : callable, optional
        Called with (tests done, tests planned).
    kept : Kept, optional
        Store of tests (`devicekit.system.kept.kept_beside`); those in it are not repeated.

    Raises
    ------
    UsageError
        If the card's state is ln G, or it does not have the bake that is asked for.
    """
    plan, kept = plan or Plan(), kept or Kept(None)
    if plan.bake_k is not None:
        card_bakes(card, plan.bake_k)  # refuse before the training
    ohms = card.window.quantity == "conductance_s"
    inputs = data.x_train.shape[1]
    cases = _cases(plan, ohms)
    fills = {fill: repeat_inputs(data, fill) for fill in sorted({_fill(changes, inputs) for changes in cases})}
    tests: list[tuple[int, dict[str, object]]] = [(fill, {}) for fill in fills]
    tests += [(_fill(changes, inputs), changes) for changes in cases]
    keys = {
        (k, seed): kept.key("array", card.to_json(), asdict(plan.settings(seed)), fills[fill].sha256, changes)
        for k, (fill, changes) in enumerate(tests)
        for seed in range(plan.seeds)
    }
    known = kept.known(keys.values(), "test")

    @cache
    def trained_run(fill: int, seed: int) -> Run:
        return _train(card, plan.settings(seed), fills[fill])

    def accuracies(k: int) -> tuple[float, ...]:
        """Return the accuracies of all seeds."""
        fill, changes = tests[k]
        for seed in range(plan.seeds):
            if (key := keys[k, seed]) not in known:
                known[key] = _accuracy(trained_run(fill, seed), changes)
                kept.put(key, known[key])
            if progress is not None and k >= len(fills):
                progress((k - len(fills)) * plan.seeds + seed + 1, plan.seeds * len(cases))
        return tuple(known[keys[k, seed]] for seed in range(plan.seeds))

    ideal = {fill: accuracies(k) for k, fill in enumerate(fills)}
    points = []
    for k, changes in enumerate(cases, len(fills)):
        fill = _fill(changes, inputs)
        own = (ideal[fill], inputs * fill) if fill > 1 else ()
        points.append(Point(changes, accuracies(k), *own))
    shape = (inputs, 2 * plan.hidden)
    insitu = Run(card, replace(plan.settings(0), scheme="insitu"), data)
    for epoch in range(plan.epochs):
        insitu.learn(epoch)
    return ArrayResult(
        card=card.name,
        ideal=points[0],
        wires=tuple(_wire_curve(card, points, ohm, gain, shape) for ohm in plan.wire_ohm for gain in (False, True))
        if ohms
        else (),
        converters=tuple(
            Curve(
                f"{'difference of a pair' if lines == 'difference' else 'each bit line'}",
                _converter_points(points, lines),
                (),
            )
            for lines in (("difference", "each") if ohms else ("difference",))
        ),
        programming=Curve("write and verify", [each for each in points if "tolerance" in each.changes], ()),
        time=_time(card, plan, data),
        wear=_wear(card, insitu),
        energy=_energy(trained_run(1, 0), plan),
        insitu_accuracy=insitu.test(plan.epochs - 1),
        data=DataFacts.of(data),
        hidden=plan.hidden,
        epochs=plan.epochs,
        weights_only=not ohms,
        baked=None
        if plan.bake_k is None
        else accuracy_after_bake(card, [trained_run(1, seed) for seed in range(plan.seeds)], plan.bake_k, plan.draws),
    )


def _train(card: DeviceCard, config: TrainingConfig, data: Dataset) -> Run:
    run = Run(card, config, data)
    if run.card is None:
        raise UsageError(f"Card {card.name!r} has the state ln G. Fit the device with the linear state for an array.")
    for epoch in range(config.epochs):
        run.learn(epoch)
    return run


def _cases(plan: Plan, ohms: bool) -> list[dict[str, object]]:
    """Return settings that differ from an ideal array in one effect each; the ideal array first."""
    cases: list[dict[str, object]] = [{}]
    for ohm in plan.wire_ohm if ohms else ():
        for tile in TILES:
            cases += [{"wire_ohm": ohm, "tile": (tile, tile), "column_gain": gain} for gain in (False, True)]
    cases += [
        {"adc_bits": bits, "adc_lines": lines} for lines in ("difference", "each")[: 2 if ohms else 1] for bits in BITS
    ]
    return [*cases, *({"programming": "verify", "tolerance": tolerance} for tolerance in TOLERANCES)]


def _fill(changes: Mapping[str, object], inputs: int) -> int:
    """Return the number of repetitions of each input that fills the rows of a tile."""
    tile = changes.get("tile")
    return 1 if tile is None else max(-(-tile[0] // inputs), 1)  # type: ignore[index]


def repeat_inputs(data: Dataset, times: int) -> Dataset:
    """Return the data with each input repeated, side by side, for as many rows of devices and spikes."""
    if times == 1:
        return data
    x_train, x_test = (np.repeat(x, times, axis=1) for x in (data.x_train, data.x_test))
    return replace(data, name=f"{data.name}, each input {times} times", x_train=x_train, x_test=x_test)


def _accuracy(run: Run, changes: dict[str, object]) -> float:
    """Return the test accuracy [1] of a trained network on an array with these changes."""
    before = run.learner.config
    run.learner.config = replace(run.config, **changes)  # type: ignore[arg-type]
    try:
        return run.test(run.config.epochs - 1, synapses=run.learner.program())
    finally:
        run.learner.config = before


def _wire_curve(card: DeviceCard, points: Sequence[Point], ohm: float, gain: bool, shape: tuple[int, int]) -> Curve:
    """Return the curve of one resistance; `shape` is that of the hidden layer's devices."""
    own = [each for each in points if each.changes.get("wire_ohm") == ohm and each.changes["column_gain"] is gain]
    drops = []
    for each in own:
        tile: tuple[int, int] = each.changes["tile"]  # type: ignore[assignment]
        g = card.window.from_state(np.full((each.inputs or shape[0], shape[1]), 0.5))
        drops.append(float((effective_conductance(g, Wires(ohm, tile=tile)) / g).mean()))
    return Curve(f"{ohm:g} ohm, {'one gain per bit line' if gain else 'one gain per layer'}", own, tuple(drops))


def _converter_points(points: Sequence[Point], lines: str) -> list[Point]:
    return [each for each in points if each.changes.get("adc_lines") == lines]


def _time(card: DeviceCard, plan: Plan, data: Dataset) -> AgeingResult | Unknown:
    if card.window.quantity != "conductance_s":
        return Unknown(why="the card holds weights, and drift needs conductances")
    if card.retention is None:
        return Unknown(needs="retention data (states over three decades of time or more), added by devicekit card add")
    try:
        law = Drift.from_retention(card.retention)
        reach = [time_s for time_s in TIMES if time_s > law.t0_s and _may_extrapolate(law, time_s)]
        if not reach:
            return Unknown(needs="longer retention data: no time beyond the first reading may be extrapolated")
        return accuracy_over_time(card, plan.settings(0), data, reach, draws=plan.draws, law=law)
    except UsageError as error:
        return Unknown(why=error.message)


def _may_extrapolate(law: Drift, time_s: float) -> bool:
    try:
        law.logarithm(time_s)
    except UsageError:
        return False
    return True


def _wear(card: DeviceCard, insitu: Run) -> Wear | Unknown:
    if card.endurance is None:
        return Unknown(needs="endurance data, added by devicekit card add")
    assert insitu.synapses is not None
    try:
        return wear(np.concatenate([array.pulses for array in insitu.synapses.arrays]), card.endurance)
    except UsageError as error:
        return Unknown(why=error.message)


def _energy(run: Run, plan: Plan) -> InferenceEnergy | Unknown:
    try:
        return per_inference(run, read_s=plan.read_s, synapses=run.learner.program())
    except UsageError as error:
        return Unknown(why=error.message)
