"""`devicekit simulate --noise`: seeds, scatter."""

from __future__ import annotations

import numpy as np
import pytest

from .commands import refused, run, strict


@pytest.fixture
def plain(monkeypatch):
    """No figures, which take longer than the runs."""
    monkeypatch.setattr("devicekit.verbs.simulate._draw", lambda *_args: None)
    for name in ("iv_sections", "pulse_sections"):
        monkeypatch.setattr(f"physics.report.{name}", lambda *_args: [])


def tables(lab, capsys, out, *arguments):
    """The JSON of a run that ends well, and the bytes of every CSV."""
    options = ("--mesh", "coarse", "--stack", lab / "stack.toml", "--out", out, "--json")
    code, text, _ = run(capsys, *arguments, *options)
    assert code == 0
    return strict(text), {path.name: path.read_bytes() for path in out.glob("*.csv")}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "name"),
    [
        (("simulate", "iv"), "iv.csv"),
        (("simulate", "pulses", "--width", "5e-6", "--count", "4", "--pairs", "1", "--cycles", "0"), "pulses_5us.csv"),
    ],
    ids=["iv", "pulses"],
)
def test_a_seed_repeats_noise_to_the_last_byte(plain, lab, capsys, tmp_path, command, name):
    seeds = {"a": ("--noise", "--seed", "3"), "b": ("--noise", "--seed", "3"), "c": ("--noise", "--seed", "4")}
    seeds |= {"zero": ("--noise",), "0": ("--noise", "--seed", "0"), "mean": ("--solver", "banded")}
    found = {key: tables(lab, capsys, tmp_path / key, *command, *more) for key, more in seeds.items()}
    assert all(list(files) == [name] for _, files in found.values())
    data = {key: files[name] for key, (_, files) in found.items()}
    assert data["a"] == data["b"]
    assert data["zero"] == data["0"]
    assert len({data[key] for key in ("a", "c", "0", "mean")}) == 4
    assert [found[key][0]["noise_seed"] for key in ("a", "c", "zero", "mean")] == [3, 4, 0, None]


@pytest.mark.slow
def test_scatter_is_given_for_six_loops_with_noise(plain, lab, capsys, tmp_path):
    command = ("simulate", "iv", "--noise", "--seed", "2", "--cycles")
    six, _ = tables(lab, capsys, tmp_path / "6", *command, 6)
    assert [row["name"] for row in six["scatter"]] == ["v_set_v", "v_100ua_v", "v_reset_v", "hrs_s", "lrs_s"]
    sets = [each["v_set_v"] for each in six["cycles"]][1:]
    assert six["scatter"][0]["loops"] == 5
    assert six["scatter"][0]["mean"] == pytest.approx(np.mean(sets))
    assert six["scatter"][0]["sd"] == pytest.approx(np.std(sets, ddof=1) / np.mean(sets))
    assert "catter" in (tmp_path / "6" / "report.html").read_text()
    two, _ = tables(lab, capsys, tmp_path / "2", *command, 2)
    assert two["scatter"] == []


@pytest.mark.parametrize("command", [["iv"], ["pulses"]])
def test_a_seed_without_noise_is_refused(capsys, command):
    assert "without --noise" in refused(capsys, "simulate", *command, "--seed", "3")
