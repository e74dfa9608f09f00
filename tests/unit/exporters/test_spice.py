"""The SPICE subcircuit in the real ngspice: trains of every law, widths, polarity, start states, gains."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from devicekit.core.errors import UsageError
from devicekit.device.card import DeviceCard
from devicekit.exporters import ExportOptions, make
from devicekit.synthetic.pulses import truth_card

from .conftest import CARDS, CONDITIONS, LAWS, exported, shipped, train

needs_ngspice = pytest.mark.skipif(
    shutil.which("ngspice") is None, reason="ngspice is not installed: the SPICE export is NOT simulated here"
)


def run(folder: Path, netlist: str) -> np.ndarray:
    """Run a netlist; return the vectors that it writes to out.txt as rows."""
    (folder / "test.cir").write_text(netlist)
    ran = subprocess.run(["ngspice", "-b", "test.cir"], cwd=folder, capture_output=True, text=True, check=False)
    assert (folder / "out.txt").exists(), ran.stdout[-2000:] + ran.stderr[-2000:]
    return np.loadtxt(folder / "out.txt", skiprows=1).T


def pulsed(folder: Path, pulses: str, stop: float, step: float, options: str = "", read: float = 0.05) -> np.ndarray:
    """Time, conductance and count of one device under a PWL voltage that was written by the test."""
    (library,) = folder.glob("*.lib")
    return run(
        folder,
        f"""* a test
.include {library.name}
X1 a 0 {library.stem} {options}
V1 a b {pulses}
V2 b 0 {read}
.options reltol=1e-6
.tran {step} {stop} 0 {step}
.control
set wr_singlescale
set numdgt=12
set wr_vecnames
run
let g = -v2#branch/v(a)
wrdata out.txt g v(x1.counted)
.endc
.end
""",
    )


QUICK = ("shipped", "ramps", "eq2")  # the closed form; sums of the bends of a table take longer


@pytest.mark.slow
@needs_ngspice
@pytest.mark.parametrize(
    "card",
    [*QUICK, *(pytest.param(each, marks=pytest.mark.slow) for each in CARDS if each not in QUICK)],
    indirect=True,
)
def test_every_card_follows_the_array_in_ngspice(card: DeviceCard, tmp_path: Path) -> None:
    follows_the_array(card, tmp_path)


@needs_ngspice
def test_a_table_of_few_nodes_follows_the_array_in_ngspice(tmp_path: Path) -> None:
    follows_the_array(CARDS["softbounds"](), tmp_path, nodes=17)


def follows_the_array(card: DeviceCard, tmp_path: Path, **options: int) -> None:
    """The exported bench itself: 100 LTP and 100 LTD pulses."""
    folder = exported(card, "spice", tmp_path, **options)
    (bench,) = folder.glob("*.cir")
    subprocess.run(["ngspice", "-b", bench.name], cwd=folder, check=True, capture_output=True)
    time, conductance, counted = np.loadtxt(folder / f"{bench.stem}.txt", skiprows=1).T
    width = card.conditions.pulse_width_s or 1e-6
    at = 0.25 * width + 2 * width * np.arange(201)  # in the middle of the gaps
    assert np.interp(at, time, counted) == pytest.approx(np.arange(201), abs=1e-3)
    closed = card.model == "eq2"
    bound = 1e-6 if closed else make(card, "spice", ExportOptions(**options)).figures["deviation"] + 1e-6
    assert bound < 1e-3
    assert np.abs(np.interp(at, time, conductance) - train(card)).max() / card.window.span <= bound


def linear() -> DeviceCard:
    """Steps of e^-4.6 up and e^-5 down, 50 us, 0.95 V and -0.85 V, 0 to 1 mS."""
    return truth_card(LAWS["linear"], model="linear", conditions=CONDITIONS, window=(1e-4, 1.1e-3))


UP, DOWN = np.exp(-4.6), np.exp(-5.0)


def pwl(*pulses: tuple[float, float, float]) -> str:
    """Pulses of (start [s], width [s], voltage [V])."""
    points = ["0 0"]
    for start, width, volts in pulses:
        edge = 1e-8
        points += [f"{start} 0", f"{start + edge} {volts}", f"{start + width} {volts}", f"{start + width + edge} 0"]
    return f"PWL({' '.join(points)})"


@needs_ngspice
@pytest.mark.parametrize(
    ("pulse", "steps"),
    [
        ((1e-4, 50e-6, 0.95), 1),  # the card's own
        ((1e-4, 500e-6, 0.95), 1),  # ten times as wide: one pulse
        ((1e-4, 15e-6, 0.95), 1),
        ((1e-4, 50e-6, 3.0), 1),
        ((1e-4, 50e-6, 0.40), 0),  # below half the amplitude, the read voltage included
        ((1e-4, 50e-6, -0.9), -1),
        ((1e-4, 50e-6, -0.35), 0),
    ],
)
def test_a_pulse_is_one_step_whatever_its_width_above_the_threshold(
    pulse: tuple[float, float, float], steps: int, tmp_path: Path
) -> None:
    folder = exported(linear(), "spice", tmp_path)
    time, g, counted = pulsed(folder, pwl(pulse), 8e-4, 1e-6, "r0=0.5")
    r = (np.interp([5e-5, 7.9e-4], time, g) - 1e-4) / 1e-3
    assert r[0] == pytest.approx(0.5, abs=1e-6)
    assert r[1] == pytest.approx(0.5 + (UP if steps > 0 else -DOWN if steps < 0 else 0.0), abs=1e-6)
    assert np.interp(7.9e-4, time, counted) == pytest.approx(abs(steps), abs=1e-3)


@needs_ngspice
def test_the_state_stays_in_the_window_and_gains_scale_steps(tmp_path: Path) -> None:
    folder = exported(linear(), "spice", tmp_path)
    many = pwl(*[(1e-4 * k, 50e-6, 0.95) for k in range(1, 4)])
    time, g, _ = pulsed(folder, many, 5e-4, 1e-6, f"r0={1 - 1.5 * UP}")
    assert np.interp(4.9e-4, time, g) == pytest.approx(1.1e-3, rel=1e-6)
    time, g, _ = pulsed(folder, pwl((1e-4, 50e-6, 0.95)), 3e-4, 1e-6, "r0=0.2 gain_ltp=2.5")
    assert (np.interp(2.9e-4, time, g) - 1e-4) / 1e-3 == pytest.approx(0.2 + 2.5 * UP, abs=1e-6)


@needs_ngspice
def test_two_devices_in_one_netlist_are_apart(tmp_path: Path) -> None:
    folder = exported(linear(), "spice", tmp_path)
    (library,) = folder.glob("*.lib")
    time, one, other = run(
        folder,
        f"""* two
.include {library.name}
X1 a 0 {library.stem} r0=0.1
X2 b 0 {library.stem} r0=0.6
V1 a 0 {pwl((1e-4, 50e-6, 1.0))}
V2 b 0 0
.tran 1e-6 3e-4 0 1e-6
.control
set wr_singlescale
set wr_vecnames
set numdgt=12
run
wrdata out.txt v(x1.cond) v(x2.cond)
.endc
.end
""",
    )
    assert np.interp(2.9e-4, time, one) == pytest.approx(1e-4 + 1e-3 * (0.1 + UP), rel=1e-5)
    assert np.interp(2.9e-4, time, other) == pytest.approx(7e-4, rel=1e-6)


@needs_ngspice
def test_a_card_whose_ltp_is_negative_keeps_its_polarity(tmp_path: Path) -> None:
    at = CONDITIONS.model_copy(update={"ltp_voltage_v": -0.95, "ltd_voltage_v": 0.85})
    card = linear().model_copy(update={"conditions": at})
    folder = exported(card, "spice", tmp_path)
    time, g, _ = pulsed(folder, pwl((1e-4, 50e-6, -1.0)), 3e-4, 1e-6, "r0=0.5", read=-0.05)
    assert (np.interp(2.9e-4, time, g) - 1e-4) / 1e-3 == pytest.approx(0.5 + UP, abs=1e-6)


def test_tables_are_the_rates_between_their_nodes() -> None:
    """The sum of bends written in the netlist, evaluated here."""
    from devicekit.exporters.targets.spice import _table

    values = np.array([0.3, 0.1, 0.15, 0.05])
    lines = "\n".join(_table("ltp", values))
    for r in (0.0, 0.2, 1 / 3, 0.5, 0.9, 1.0):
        names: dict[str, float] = {"xltp": 3 * r}

        def v(name: str, names: dict[str, float] = names) -> float:
            return names[name]

        for line in lines.splitlines()[1:]:
            name, expression = line.split()[1], line.split("V=")[1]
            for known in sorted(names, key=len, reverse=True):
                expression = expression.replace(f"V({known})", f"v('{known}')")
            names[name] = eval(expression, {"v": v, "max": max, "min": min})
        assert names["ltp"] == pytest.approx(float(np.interp(r, np.linspace(0, 1, 4), values)), abs=1e-12)


def test_what_it_takes_and_refuses(weights: DeviceCard) -> None:
    with pytest.raises(UsageError, match="closed form"):
        make(shipped(), "spice", ExportOptions(nodes=17))
    with pytest.raises(UsageError, match="SPICE"):
        make(weights, "spice", ExportOptions())
    assert set(make(weights, "spice", ExportOptions(window=(1e-6, 1e-4))).files) == {
        "dk_weights.lib",
        "dk_weights.cir",
        "README.txt",
    }
    bent = truth_card(LAWS["powstep"], model="powstep", conditions=CONDITIONS)
    fine, coarse = (make(bent, "spice", ExportOptions(nodes=nodes)).figures["deviation"] for nodes in (129, 9))
    assert fine < 1e-4 < coarse
    still = linear()
    still = still.model_copy(update={"ltd": still.ltd.model_copy(update={"largest_step": 0.0})})
    with pytest.raises(UsageError, match=r"LTD .*card"):
        make(still, "spice", ExportOptions())
