"""One form is enough: what an answer leads to stands beside it, and no offered answer is the only way out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

import devicekit
from devicekit.core.errors import Question, QuestionError
from devicekit.readers import ReadOptions
from devicekit.system.answers import Answered, answering

from .small_files import Write, choices  # type: ignore[import-not-found]


def asked(path: Path | list[Path], **options: Any) -> Question:
    with pytest.raises(QuestionError) as caught:
        devicekit.read(path, **options)
    return caught.value.asked


def codes(table: devicekit.tables.Table) -> list[str]:
    return [warning.code for warning in table.warnings]


def test_negative_conductances_are_asked_about_and_left_out_or_taken_as_magnitudes(lines: Write) -> None:
    states = [1e-6 * k for k in range(1, 11)]
    states[4] = -5e-8
    path = lines("pulse,G (S)", *(f"{k},{g}" for k, g in enumerate(states, 1)))
    assert choices(path) == ["drop=(negative)", "absolute=True", "kind=record"]
    table = devicekit.read(path, drop=("negative",))
    assert np.flatnonzero(table.frame["conductance_s"].isna()).tolist() == [4]
    assert "dropped" in codes(table)
    assert devicekit.read(path, accept=True).frame.equals(table.frame)
    magnitudes = devicekit.read(path, absolute=True, constant={"direction": "ltp"}, accept=True)
    assert magnitudes.frame["conductance_s"].iloc[4] == 5e-8


def test_currents_of_both_signs_are_not_states(lines: Write) -> None:
    volts = np.r_[np.linspace(-0.7, -1.3, 40), np.linspace(-1.3, -0.7, 40)]
    path = lines("Ewe/V\t<I>/mA", *(f"{v}\t{1e-3 * (v + 1)}" for v in volts))
    first = asked(path).each[0].choices[0]
    assert first.options == {"kind": "sweep", "map": {"voltage_v": "Ewe/V"}}
    table = devicekit.read(path, accept=True, **first.options)
    assert table.frame["current_a"].iloc[0] == pytest.approx(3e-7)


def test_currents_in_time_are_kept_where_noise_makes_some_conductances_negative(lines: Write) -> None:
    rng = np.random.default_rng(2)
    volts, amps = -2.5 + 0.01 * rng.normal(size=200), -1e-6 * np.r_[np.ones(190), -0.01 * np.ones(10)]
    path = lines("t (s),V (V),I (A)", *(f"{k},{v},{i}" for k, (v, i) in enumerate(zip(volts, amps, strict=True))))
    table = devicekit.read(path, kind="transient")
    assert table.frame["current_a"].tolist() == pytest.approx(amps)
    assert table.frame["conductance_s"].isna().sum() == 10
    assert "dropped" in codes(table)
    assert "pulse_voltage_v" not in table.frame  # noise is no pulse


def test_a_ramp_reads_no_conductance(lines: Write) -> None:
    ramp = np.r_[np.linspace(0, 3, 50), np.linspace(3, -3, 100), np.linspace(-3, 0, 50)]
    amps = 1e-6 * np.gradient(ramp)
    path = lines("t (s),V (V),I (A)", *(f"{k},{v},{i}" for k, (v, i) in enumerate(zip(ramp, amps, strict=True))))
    frame = devicekit.read(path, kind="transient").frame
    assert frame["voltage_v"].tolist() == pytest.approx(ramp)
    assert frame["current_a"].tolist() == pytest.approx(amps)
    assert not {"conductance_s", "read_voltage_v", "pulse_voltage_v"} & set(frame)


def test_a_gate_voltage_in_time_is_that_of_pulses(lines: Write) -> None:
    path = lines(
        "Time (ms),V_G (V),I_DS (A)", *(f"{k},{-0.8 if k % 30 < 20 else 0},{1e-8 * (k - 9)}" for k in range(90))
    )
    frame = devicekit.read(path, kind="transient").frame
    assert (frame["pulse_voltage_v"] == -0.8).sum() == 60
    assert "conductance_s" not in frame
    assert frame["time_s"].iloc[-1] == pytest.approx(0.089)


def test_a_summary_comes_first_by_its_name_and_other_answers_say_what_follows(lines: Write) -> None:
    path = lines("Set voltage (V)", *(f"{1 + 0.1 * k}" for k in range(8)))
    kind, rows = asked(path).each
    assert kind.choices[0].options == {"kind": "summary"}
    assert [each.options["row_is"] for each in rows.choices] == ["cycle", "device"]
    assert asked(path).first_answers == "kind=summary row_is=cycle"
    path = lines("point,time (s),G (S)", *(f"{k},{k},{1e-6 * (1 + k % 5)}" for k in range(20)))
    kind = asked(path).each[0]
    then = {each.options["kind"]: [one.fields for one in each.then] for each in kind.choices if "kind" in each.options}
    assert then["retention"] == []
    assert all("then" not in str(each.as_dict()) for each in kind.choices if not each.then)


def test_the_answer_says_what_is_asked_after_it(lines: Write) -> None:
    path = lines("Pulse,R (ohm),I (A)", *(f"{k},{1e5 / k},{1e-6 * (k + k % 2)}" for k in range(1, 9)))
    question = asked(path, kind="pulse")
    then = {each.typed_options: [one.text for one in each.then] for each in question.choices}
    text = "at which read voltage were the currents measured?"
    assert then == {"map={resistance_ohm: R (ohm)}": [], "map={read_current_a: I (A)}": [text]}
    assert f"then {text} read_voltage=V" in str(question)


@pytest.mark.slow
def test_files_of_ltp_and_ltd_count_their_pulses_on(tmp_path: Path) -> None:
    paths = [tmp_path / "LTP.mat", tmp_path / "LTD.mat"]
    up = np.linspace(12, 120, 64)
    savemat(paths[0], {"LTP": np.c_[np.arange(1, 65), up]})
    savemat(paths[1], {"LTD": np.c_[np.arange(65, 129), up[::-1]]})
    assert asked(paths).each[0].choices[0].options["kind"] == "pulse"
    frame = devicekit.read(paths, kind="pulse", quantity="conductance", unit="nS").frame
    assert frame.groupby("direction")["pulse_index"].agg(["min", "max"]).loc["ltd"].tolist() == [65, 128]
    assert frame["conductance_s"].max() == pytest.approx(1.2e-7)


def test_reads_at_one_voltage_after_each_set_and_reset_are_endurance(lines: Write) -> None:
    rows = [f"{c},{w},0.2,{0.2 * g},10" for c in range(1, 21) for w, g in (("SET_READ", 5e-5), ("RESET_READ", 2e-6))]
    table = devicekit.read(lines("cycle_number,phase,voltage_V,current_A,pulse_width_ms", *rows))
    assert table.kind == "endurance"
    assert table.frame["conductance_s"].tolist()[:2] == pytest.approx([5e-5, 2e-6])
    assert table.frame["level"].tolist()[:2] == ["lrs", "hrs"]


def test_a_direction_that_is_given_is_not_doubted(lines: Write) -> None:
    rng = np.random.default_rng(1)
    states = 1e-5 * (2 + np.cos(np.arange(60) / 9) + 0.1 * rng.normal(size=60))
    path = lines("pulse,G (S)", *(f"{k},{g}" for k, g in enumerate(states)))
    table = devicekit.read(path, constant={"direction": "ltd"}, accept=True)
    assert table.frame.groupby(["direction", "cycle"]).size().to_dict() == {("ltd", 1): 60}


def test_a_relative_change_is_no_state_of_pulses(lines: Write) -> None:
    path = lines("pulse,G (uS),change rate", *(f"{k},{k + 1},{-15 + k}" for k in range(20)))
    frame = devicekit.read(path, accept=True).frame
    assert frame["change rate"].tolist() == list(range(-15, 5))


def test_a_kind_that_is_accepted_is_not_asked_about_again(lines: Write) -> None:
    seen: list[list[str]] = []

    def accept(question: Question, state: Answered, trial: object) -> Answered:
        seen.append([each.subject or each.fields[0] for each in question.each])
        first = question.each[0]
        return state.with_answer(first, first.choices[0].options)

    path = lines("Cycle number,Conductance", *(f"{n},{2.6e-5 - 1e-7 * n}" for n in range(30)))
    with answering(accept):
        assert devicekit.read(path).kind == "pulse"
    assert [each[0] for each in seen][:3] == ["kind", "columns", "unit"]
    assert sum("kind" in each for each in seen) == 1


def test_write_cycles_of_one_reading_each(lines: Write) -> None:
    path = lines("Cycle number,Conductance (S)", *(f"{n},{2.6e-5 - 1e-7 * n}" for n in range(30)))
    with pytest.raises(QuestionError):
        devicekit.read(path)
    frame = devicekit.read(path, kind="endurance", constant={"level": "lrs"}).frame
    assert frame["cycle"].tolist() == list(range(30))


def test_columns_that_are_kept_one_after_the_other_are_all_kept() -> None:
    question = Question("does it name devices?", ("columns",))
    state = Answered(ReadOptions())
    for name in ("a", "b"):
        state = state.with_answer(question, {"map": {"keep": name}})
    assert state.options.columns == {"keep": "a, b"}
