"""An array of a card's devices: what is measured, and what the answers say."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from devicekit.core.errors import UsageError
from devicekit.device.blocks import Window
from devicekit.device.measured import Endurance, EnduranceDevice, Retention, RetentionState
from devicekit.device.wires import Wires, effective_conductance
from snn.array.measure import BITS, TILES, TOLERANCES, Plan, _fill, measure
from snn.array.report import array_report
from snn.array.result import ADC, Curve, Point, Unknown
from snn.data.dataset import Dataset

IDEAL = Point({}, (0.96, 0.94))


def curve(setting: str, losses: dict[float, float]) -> Curve:
    points = [Point({setting: value}, (0.96 - loss, 0.94 - loss)) for value, loss in losses.items()]
    return Curve("made", points, ())


def test_the_largest_is_the_last_one_up_to_which_all_lose_a_point_at_most() -> None:
    made = curve("tile", {32: 0.0, 64: 0.0099, 128: 0.0101, 256: 0.0})
    assert made.best("tile", IDEAL, least=False).value == 64
    assert curve("tile", {32: 0.02, 64: 0.0}).best("tile", IDEAL, least=False).value is None
    assert curve("adc_bits", {2: 0.3, 3: 0.009, 4: 0.0, 8: 0.0}).best("adc_bits", IDEAL, least=True).value == 3
    assert curve("adc_bits", {2: 0.0, 3: 0.02, 4: 0.0}).best("adc_bits", IDEAL, least=True).value == 4


def test_an_answer_gives_its_losses() -> None:
    ideal = Point({}, (0.96, 0.94, 0.95))

    def points(losses: dict[int, tuple[float, ...]]) -> Curve:
        made = [Point({"bits": k}, tuple(np.subtract(ideal.accuracies, loss))) for k, loss in losses.items()]
        return Curve("made", made, ())

    sure = points({2: (0.20, 0.21, 0.22), 3: (0.002, 0.0, 0.001), 4: (0.0, 0.0, 0.0)}).best("bits", ideal, least=True)
    assert sure.settled is True
    assert sure.answer(ADC) == "3 or more"
    assert sure.reason(ADC) == "3: 0.1 (-0.1 to 0.3); 2: 21.0 (18.5 to 23.5)"
    open_ = points({2: (0.2, 0.2, 0.2), 3: (0.02, 0.0, 0.004)}).best("bits", ideal, least=True)
    assert open_.settled is False
    assert "uncertain" in open_.reason(ADC)
    least = points({2: (0.0, 0.0, 0.0), 3: (0.0, 0.0, 0.0)}).best("bits", ideal, least=True)
    assert least.answer(ADC) == "2 or fewer"
    none = points({2: (0.2, 0.2, 0.2), 3: (0.1, 0.1, 0.1)}).best("bits", ideal, least=True)
    assert none.answer(ADC) == "more than 3 (not tried)"


def test_a_filled_tile_is_compared_with_its_own_network() -> None:
    filled = Point({"tile": (256, 256)}, (0.90, 0.88), (0.93, 0.92), 256)
    assert filled.loss(IDEAL)[0] == pytest.approx(0.035)


def test_a_loss_is_paired_by_seed() -> None:
    mean, ends = Point({}, (0.95, 0.94)).loss(IDEAL)
    assert mean == pytest.approx(0.005)
    assert ends is not None
    assert ends[1] - mean == pytest.approx(12.7062 * np.std([0.01, 0.0], ddof=1) / np.sqrt(2), rel=1e-5)
    assert Point({}, (0.9,)).loss(Point({}, (0.95,)))[1] is None


@pytest.fixture(scope="module", params=[pytest.param(BITS, marks=pytest.mark.slow), ()], ids=["whole", "no converters"])
def bits(request):
    """Bits of the converters that are tried; quickly none, whose kernel takes long to compile."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("snn.array.measure.BITS", request.param)
        yield list(request.param)


@pytest.fixture(scope="module")
def measured(card, small_digits, bits):
    """A small network on a card in siemens that knows its endurance, and its retention."""
    marks = {"source": "made", "synthetic": True}
    states = tuple(
        RetentionState(
            device_id=f"d{k}", level="lrs", n=50, first_s=1.0, last_s=1e4, nu=0.02 + 0.01 * (k - 2),
            nu_interval=(0.0, 0.04), g_1s=1e-4, noise=0.01,
        )
        for k in range(5)
    )  # fmt: skip
    devices = (
        EnduranceDevice(device_id="a", cycles=10**6, n=9, window=5.0, median_on_off=9.0, good=1.0, failed_at=1000),
        EnduranceDevice(device_id="b", cycles=10**6, n=9, window=5.0, median_on_off=9.0, good=1.0, failed_at=None),
    )
    window = Window(quantity="conductance_s", low=5e-5, high=2.5e-4, scope="made")
    blocks = {
        "window": window,
        "conditions": card.conditions.model_copy(update={"read_voltage_v": 0.1}),
        "retention": Retention(states=states, **marks),
        "endurance": Endurance(threshold=2.0, devices=devices, yield_interval=(0.01, 0.99), **marks),
    }
    plan = Plan(seeds=2, epochs=1, hidden=32, wire_ohm=(5.0,), draws=2)
    return measure(card.model_copy(update=blocks), coarse(small_digits), plan)


def coarse(data: Dataset) -> Dataset:
    """Every other row and column of every third image."""
    x_train, x_test = (x[::3].reshape(-1, 8, 8)[:, ::2, ::2].reshape(-1, 16) for x in (data.x_train, data.x_test))
    return Dataset("digits", "a third, 4 x 4", x_train, data.y_train[::3], x_test, data.y_test[::3])


@pytest.mark.slow
def test_each_thing_is_changed_alone(measured, bits) -> None:
    assert len(measured.wires) == 2
    assert [len(each.points) for each in measured.wires] == [len(TILES)] * 2
    assert [each.along("adc_bits") for each in measured.converters] == [bits] * 2
    assert measured.programming.along("tolerance") == list(TOLERANCES)
    assert all(len(point.accuracies) == 2 for each in measured.wires for point in each.points)
    for each in measured.wires:
        assert [point.inputs for point in each.points] == list(TILES)  # of 16 inputs every tile is filled
        assert all(point.reference is not None for point in each.points)
    drops = measured.wires[0].drops
    assert all(0 < later < earlier <= 1 for earlier, later in itertools.pairwise(drops) if later != earlier)


@pytest.mark.usefixtures("without_pictures")
@pytest.mark.parametrize("bits", [pytest.param(BITS, marks=pytest.mark.slow, id="whole")], indirect=True)
def test_answers_use_the_blocks_of_the_card(measured) -> None:
    answers = {question: f"{answer} {why}" for question, answer, why in measured.answers()}
    (time,) = (answer for question, answer in answers.items() if question.startswith("time"))
    assert "known" not in time
    most = 1000 / measured.wear.worst
    (trainings,) = (answer for question, answer in answers.items() if question.startswith("trainings"))
    assert f"{1000 / most:.3g}" in trainings
    assert measured.wear.pulses.most == round(most)
    (energy,) = (answer for question, answer in answers.items() if question.startswith("energy"))
    assert energy.endswith("0.1 V")
    out = json.loads(json.dumps(measured.as_dict(), allow_nan=False))
    assert [tuple(each.values()) for each in out["answers"]] == measured.answers()
    page = array_report(measured, _synthetic(), "card.json", "devicekit array card.json")
    assert page.marks == ("SYNTHETIC",)
    assert len(page.pictures) == 4  # wires, converters, programming, time


def _synthetic():
    import devicekit
    from devicekit.system import catalog

    return devicekit.load_card(catalog.get("pt-hfo2-al2o3-ti").card)


def test_without_a_block_the_answer_names_the_missing_data(card, small_digits, bits) -> None:
    found = measure(card, coarse(small_digits), Plan(seeds=1, epochs=1, hidden=32, wire_ohm=(1.0,)))
    answers = {question: why for question, _, why in found.answers()}
    assert found.weights_only
    assert found.wires == ()
    assert "weights" in answers["tile"]
    assert isinstance(found.energy, Unknown)
    assert isinstance(found.wear, Unknown)
    assert "endurance" in found.wear.needs
    assert len(found.converters) == 1


@pytest.mark.parametrize("bad", [{"seeds": 0}, {"wire_ohm": ()}, {"wire_ohm": (0.0,)}, {"read_s": 0.0}])
def test_plans_out_of_range_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Plan(**bad)  # type: ignore[arg-type]


@pytest.mark.parametrize(("rows", "times"), [(32, 1), (64, 1), (65, 2), (128, 2), (200, 4)])
def test_inputs_are_repeated_until_they_fill_a_tile(rows: int, times: int) -> None:
    """64 inputs."""
    assert _fill({"tile": (rows, rows)}, 64) == times
    assert _fill({}, 64) == 1


def test_the_drop_is_that_of_pairs_on_neighbouring_bit_lines(measured) -> None:
    """As many rows as a tile has, 32 hidden neurons of two devices each, all in mid-window at 150 uS."""
    for side, drop in zip(TILES, measured.wires[0].drops, strict=True):
        g = np.full((side, 64), 1.5e-4)
        assert drop == pytest.approx(effective_conductance(g, Wires(5.0, tile=(side, side))).mean() / 1.5e-4)
