"""What each sweep did: one-way sweeps by the next reading, limits, cells that were on before, cycles, states."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from devicekit.population.join import add_cycles, cells_of, values_of
from devicekit.population.notes import parse_note
from devicekit.population.reading import Trace
from devicekit.population.steps import Definitions, Item, evaluate

LIMIT, OFF, ON = 1e-4, 1e-7, 1e-3
WORDS = Definitions(0.1, "half_ln_g", "peak_current")


def item(
    step: str, *, at: float = np.inf, on: bool = False, stop: float = 3.0, back: bool = False, limit: float = LIMIT
) -> Item:
    """Return a sweep from 0 V to `stop` that switches at a voltage."""
    up = np.linspace(0.0, abs(stop), 61)
    size = np.r_[up, up[-2::-1]] if back else up
    g = np.where(np.maximum.accumulate(size >= at), OFF if on else ON, ON if on else OFF)
    noise = 1e-10 * np.random.default_rng(1).standard_normal(size.size)
    sign = np.sign(stop)
    return Item(f"{step}.csv", 1, step, Trace(sign * size, sign * np.minimum(g * size, limit) + noise), limit, "")


def outcomes(*items: Item) -> list[tuple[str, str]]:
    return [(each.step, each.outcome) for each in evaluate(items, None, WORDS)]


def test_a_set_of_one_way_has_its_voltage_by_the_reading_after_it() -> None:
    found = evaluate([item("set", at=2.0), item("reset", at=1.2, on=True, stop=-3.0, limit=1e-2)], None, WORDS)
    assert [each.outcome for each in found] == ["switched", "switched"]
    assert found[0].v_set_v == pytest.approx(2.0, abs=0.06)
    assert found[0].g_lrs_s == pytest.approx(ON, rel=0.05)
    assert found[1].v_reset_v == pytest.approx(-1.2, abs=0.06)
    assert found[1].g_lrs_s == pytest.approx(ON, rel=0.05)


def test_a_set_that_ends_at_its_limit_has_a_voltage_without_a_reading_after_it_but_no_lrs() -> None:
    (found,) = evaluate([item("set", at=2.0)], None, WORDS)
    assert found.v_set_v == pytest.approx(2.0, abs=0.06)
    assert np.isnan(found.g_lrs_s)


@pytest.mark.parametrize("step", ["set", "form", ""])
def test_a_set_whose_limit_lies_below_its_definition_has_switched_without_a_voltage(step: str) -> None:
    words = Definitions(0.1, "at_100ua", "peak_current")
    found = evaluate([item(step, at=2.0, limit=2e-5, back=not step)], None, words)[0]
    assert found.outcome == "switched"
    assert np.isnan([found.v_set_v, found.bound_v]).all()
    assert np.isfinite(found.v_form_v) == (step == "form")  # half of its own limit, whatever defines V_set


def test_a_forming_is_where_half_of_its_limit_is_reached() -> None:
    up = np.linspace(0.0, 4.0, 401)
    current = np.minimum(np.where(up < 1.0, 1e-9 * up, 1e-5 * (up - 1.0)), 2e-5)  # 1e-5 A at 2 V, the limit at 3 V
    form = Item("a.csv", 1, "form", Trace(up, current), 2e-5, "")
    (found,) = evaluate([form], None, WORDS)
    assert found.v_form_v == pytest.approx(2.0, abs=0.011)


@pytest.mark.parametrize("back", [False, True])
def test_what_did_not_switch_has_a_bound_and_no_voltage(back: bool) -> None:
    (found,) = evaluate([item("set", back=back)], None, WORDS)
    assert (found.outcome, found.bound_v) == ("no_switching", 3.0)
    assert np.isnan(found.v_set_v)


def test_a_cell_that_was_on_before_and_a_reset_that_ends_at_its_limit_did_not_switch() -> None:
    assert outcomes(item("form", on=True)) == [("form", "already_on")]
    assert outcomes(item("reset", on=True, stop=-3.0)) == [("reset", "no_switching")]


def test_a_current_that_noise_hides_before_a_set_is_below_half_way() -> None:
    quiet = item("set", at=2.0)
    current = np.where(quiet.trace.voltage < 2.0, -1e-9, quiet.trace.current)
    hidden = Item("a.csv", 1, "set", Trace(quiet.trace.voltage, current), LIMIT, "")
    (found,) = evaluate([hidden], None, WORDS)
    assert found.v_set_v == pytest.approx(1.975, abs=0.01)  # the middle of the step


def frame(*rows: tuple[str, str, float]) -> pd.DataFrame:
    """Return steps of one cell: step, outcome, V_set or bound."""
    made = [
        {
            "cell": "a", "wafer": "", "die": "", "file": f"{k}", "sweep": 1, "step": step, "outcome": outcome,
            "v_set_v": value if outcome == "switched" and step == "set" else np.nan,
            "v_reset_v": -value if outcome == "switched" and step == "reset" else np.nan,
            "v_form_v": np.nan, "bound_v": value if outcome != "switched" else np.nan,
            "g_hrs_s": np.nan, "g_lrs_s": np.nan, "limited": False, "from_loop": False,
        }
        for k, (step, outcome, value) in enumerate(rows)
    ]  # fmt: skip
    return add_cycles(pd.DataFrame(made))


WORKED = [("set", "switched", 2.0), ("reset", "switched", 1.0)]


def test_a_cycle_is_a_set_and_the_reset_after_it_with_their_repeated_attempts() -> None:
    steps = frame(
        ("set", "no_switching", 3.0),
        ("set", "switched", 2.0),
        ("reset", "no_switching", 1.0),
        ("reset", "switched", 1.5),
        ("set", "switched", 2.1),
    )
    assert steps["cycle"].tolist() == [1, 1, 1, 1, 2]
    values = values_of(steps, "v_set_v", {"a": "works"})
    assert values["low"].tolist() == [2.0, 2.1]  # the success of a cycle, not its first failure


def test_a_failed_set_of_a_cell_that_works_is_a_bound_and_a_failed_reset_of_a_cell_that_is_off_is_idle() -> None:
    steps = frame(
        ("set", "switched", 2.0),
        ("reset", "switched", 1.0),
        ("set", "no_switching", 3.0),
        ("reset", "no_switching", 2.0),
        ("set", "switched", 2.2),
    )
    assert steps["idle"].tolist() == [False, False, False, True, False]
    values = values_of(steps, "v_set_v", {"a": "works"})
    assert values["high"].tolist() == [2.0, np.inf, 2.2]
    assert cells_of(steps)["state"].tolist() == ["works"]


def test_the_limit_of_an_lrs_is_that_of_the_set_that_made_it() -> None:
    steps = frame(*[("set", "switched", 2.0), ("reset", "switched", 1.0)] * 3)
    steps["compliance_a"] = [1e-5, 1e-2, 2e-5, 1e-2, 5e-5, 1e-2]
    steps["g_lrs_s"] = [np.nan, 1e-4, np.nan, 2e-4, np.nan, 3e-4]  # read before each reset
    steps["g_hrs_s"] = [1e-7, np.nan, 2e-7, np.nan, 3e-7, np.nan]
    assert values_of(steps, "g_lrs_s", {"a": "works"})["compliance_a"].tolist() == [1e-5, 2e-5, 5e-5]
    limits = values_of(steps, "g_hrs_s", {"a": "works"})["compliance_a"].tolist()
    np.testing.assert_array_equal(limits, [np.nan, 1e-2, 1e-2])  # nobody knows how the first one was made


def test_the_limit_of_an_lrs_is_known_if_only_sets_have_one() -> None:
    steps = frame(*WORKED * 2)
    steps["compliance_a"] = [1e-5, np.nan, 1e-5, np.nan]
    steps["g_lrs_s"] = [np.nan, 1e-4, np.nan, 2e-4]
    assert values_of(steps, "g_lrs_s", {"a": "works"})["compliance_a"].tolist() == [1e-5, 1e-5]


def test_of_two_sets_in_a_row_the_first_has_the_voltage() -> None:
    steps = frame(("set", "switched", 2.0), ("set", "switched", 2.5), ("reset", "switched", 1.0))
    assert values_of(steps, "v_set_v", {"a": "works"})["low"].tolist() == [2.0]


def test_the_hrs_of_a_loop_was_made_by_the_loop_before() -> None:
    steps = frame(*[("set", "switched", 2.0), ("reset", "switched", 1.0)] * 3)
    steps["from_loop"] = True
    steps["compliance_a"] = [1e-5, 1e-5, 1e-3, 1e-3, 1e-4, 1e-4]  # one limit a loop
    steps["g_lrs_s"] = [np.nan, 1e-4, np.nan, 2e-4, np.nan, 3e-4]
    steps["g_hrs_s"] = [1e-7, np.nan, 2e-7, np.nan, 3e-7, np.nan]
    assert values_of(steps, "g_lrs_s", {"a": "works"})["compliance_a"].tolist() == [1e-5, 1e-3, 1e-4]
    limits = values_of(steps, "g_hrs_s", {"a": "works"})["compliance_a"].tolist()
    np.testing.assert_array_equal(limits, [np.nan, 1e-5, 1e-3])


@pytest.mark.parametrize(
    ("rows", "state"),
    [
        ([("form", "already_on", 0.0)], "short"),
        ([("form", "no_switching", 5.0)], "not formed"),
        ([("form", "no_current", 5.0)], "open"),
        ([*WORKED, WORKED[0], *[("reset", "no_switching", 3.0)] * 2], "stuck on"),
        ([*WORKED, *[("set", "no_switching", 3.0)] * 2], "stuck off"),
    ],
)  # fmt: skip
def test_what_became_of_a_cell(rows: list[tuple[str, str, float]], state: str) -> None:
    assert cells_of(frame(*rows))["state"].tolist() == [state]


@pytest.mark.parametrize(
    ("note", "verdict", "volts"),
    [
        ("Set at 2.5V", "done", 2.5),
        ("Did not reset again", "failed", None),
        ("reset fail, but weird bump", "failed", None),
        ("Instantly set", "before", None),
        ("Formed at 3.05", "done", 3.05),
        ("Not conducting", "failed", None),
        ("Reset at -1.9 V or at -2.75 V", "done", None),
        ("bad weather", "", None),
    ],
)
def test_a_note_is_read_as_far_as_it_is_plain(note: str, verdict: str, volts: float | None) -> None:
    found = parse_note(note)
    assert (found.verdict, found.volts) == (verdict, volts)


@pytest.mark.parametrize(("limited", "words"), [(True, ", at its limit of 8 mA)"), (False, ")")])
def test_numbers_that_contradict_a_note_stand_beside_it(limited: bool, words: str) -> None:
    from devicekit.population.result import _check_notes

    row = {"step": "reset", "note": "successful reset", "from_loop": False, "outcome": "no_switching", "file": "a.csv",
           "sweep": 1, "v_form_v": np.nan, "v_set_v": np.nan, "g_before_s": 6e-4, "g_end_s": 2.2e-6,
           "limited": limited, "compliance_a": 8e-3}  # fmt: skip
    notes, (contradiction,) = _check_notes(pd.DataFrame([row]))
    assert notes is not None
    assert (notes.successes, notes.false_alarms) == (1, 1)
    assert contradiction.found.endswith(f"(600 µS before, 2.2 µS at the end{words}")
