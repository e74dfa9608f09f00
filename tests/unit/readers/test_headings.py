"""Parsed names of columns: name, unit, quantity, logarithm, magnitude, and the reason if unclear."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devicekit.core.quantities import GLOSSARY
from devicekit.readers.header import (
    find_stated_unit,
    parse_heading,
    split_unit,
)

V, I, R, G, T = "voltage", "current", "resistance", "conductance", "time"  # noqa: E741

# Name in the file, bare name, unit word, quantity, factor to SI.
READ = [
    ("I (uA)", "I", "uA", I, 1e-6),
    ("V [V]", "V", "V", V, 1),
    ("V{mV}", "V", "mV", V, 1e-3),
    ("R/kohm", "R", "kohm", R, 1e3),
    ("I_nA", "I", "nA", I, 1e-9),
    ("Current, A", "Current", "A", I, 1),
    ("Time, s", "Time", "s", T, 1),
    ("V mV", "V", "mV", V, 1e-3),
    ("R kOhm", "R", "kOhm", R, 1e3),
    ("R k ohm", "R", "k ohm", R, 1e3),
    ("R (KOhm)", "R", "KOhm", R, 1e3),
    ("I (ma)", "I", "ma", I, 1e-3),
    ("dt ms", "dt", "ms", T, 1e-3),
    ("Δt (ms)", "Δt", "ms", T, 1e-3),
    ("time (days)", "time", "days", T, 86400),
    ("time (hrs)", "time", "hrs", T, 3600),
    ("Time (HRS)", "Time", "HRS", T, 3600),
    ("Time (min)", "Time", "min", T, 60),
    ("t/s", "t", "s", T, 1),
    ("t / s", "t", "s", T, 1),
    ("Current in uA", "Current", "uA", I, 1e-6),
    ("Voltage (in mV)", "Voltage", "in mV", V, 1e-3),
    ("Vg (V)", "Vg", "V", V, 1),
    ("Id (A)", "Id", "A", I, 1),
    ("I_D (µA)", "I_D", "µA", I, 1e-6),
    ("V_DS [V]", "V_DS", "V", V, 1),
    ("Drain Current (A)", "Drain Current", "A", I, 1),
    ("drain_current_uA", "drain_current", "uA", I, 1e-6),
    ("voltage_mv", "voltage", "mv", V, 1e-3),
    ("current_ua", "current", "ua", I, 1e-6),
    ("Pulse width (us)", "Pulse width", "us", T, 1e-6),
    ("Pulse Amplitude [V]", "Pulse Amplitude", "V", V, 1),
    ("width_ns", "width", "ns", T, 1e-9),
    ("V_set (V)", "V_set", "V", V, 1),
    ("Iread (nA) @0.1V", "Iread @0.1V", "nA", I, 1e-9),
    ("I @ 0.1 V (nA)", "I @ 0.1 V", "nA", I, 1e-9),
    ("R (I = 1 mA) [kOhm]", "R (I = 1 mA)", "kOhm", R, 1e3),
    ("R [kOhm] (I = 1 mA)", "R (I = 1 mA)", "kOhm", R, 1e3),
    ("R (LRS) [kΩ]", "R (LRS)", "kΩ", R, 1e3),
    ("R [kΩ] (LRS)", "R (LRS)", "kΩ", R, 1e3),
    ("I (SET) (A)", "I (SET)", "A", I, 1),
    ("I (A) (raw)", "I (raw)", "A", I, 1),
    ("G (A1) (uS)", "G (A1)", "uS", G, 1e-6),
    ("I(V) (A)", "I(V)", "A", I, 1),
    ("I (A, avg)", "I", "A", I, 1),
    ("R (0.1 V, kOhm)", "R", "kOhm", R, 1e3),
    ("Current (A) cycle 1", "Current cycle 1", "A", I, 1),
    ("cycle 1 I (A)", "cycle 1 I", "A", I, 1),
    ("I (A).1", "I 1", "A", I, 1),
    ("LTP (uS)", "LTP", "uS", G, 1e-6),
    ("dev1 (uS)", "dev1", "uS", G, 1e-6),
    ("cycle 3 nA", "cycle 3", "nA", I, 1e-9),
    ("LRS I (uA)", "LRS I", "uA", I, 1e-6),
    ("LRS (kohm)", "LRS", "kohm", R, 1e3),
    ("HRS (S)", "HRS", "S", G, 1),
    ("low (uS)", "low", "uS", G, 1e-6),
    ("high (A)", "high", "A", I, 1),
    ("HRS_kohm", "HRS", "kohm", R, 1e3),
    ("LRS/S", "LRS", "S", G, 1),
    ("HRS, A", "HRS", "A", I, 1),
    ("SET (A)", "SET", "A", I, 1),
    ("I_up_nA", "I_up", "nA", I, 1e-9),
    ("I.uA", "I", "uA", I, 1e-6),
    ("R_LRS (Ω)", "R_LRS", "Ω", R, 1),
    ("G/G0", "G", "G0", G, 7.748091729e-5),
    ("G (2e²/h)", "G", "2e²/h", G, 7.748091729e-5),
    ("G (10^-6 S)", "G", "10^-6 S", G, 1e-6),
    ("I (×10⁻⁹ A)", "I", "×10⁻⁹ A", I, 1e-9),
    ("G (US)", "G", "US", G, 1e-6),
    ("PULSE WIDTH (US)", "PULSE WIDTH", "US", T, 1e-6),
    ("T (K)", "T", "K", "temperature", 1),
    ("Temperature (K)", "Temperature", "K", "temperature", 1),
    ("Temp (C)", "Temp", "C", "celsius", 1),
    ("Temperature [°C]", "Temperature", "°C", "celsius", 1),
    ("T (s)", "T", "s", T, 1),
    ("dG (uS)", "dG", "uS", G, 1e-6),
    ("dG (%)", "dG", "%", "fraction", 0.01),
    ("ΔG/G (%)", "ΔG/G", "%", "fraction", 0.01),
    ("dw (%)", "dw", "%", "fraction", 0.01),
    ("G (a.u.)", "G", "a.u.", "weight", 1),
    ("Weight (norm.)", "Weight", "norm.", "weight", 1),
    ("J (A/cm²)", "J", "A/cm²", "density", 1e4),
    ("I (A/cm2)", "I", "A/cm2", "density", 1e4),
    ("I/mA/um", "I", "mA/um", "density", 1e3),
    ("Spannung/V", "Spannung", "V", V, 1),
    ("Strom [µA]", "Strom", "µA", I, 1e-6),
    ("电压（V）", "电压", "V", V, 1),
    ("V..mV.", "V", "mV", V, 1e-3),  # R's make.names
    ("Volts", "Volts", "Volts", V, 1),
    ("mA", "mA", "mA", I, 1e-3),
    ("1/R (S)", "1/R", "S", G, 1),
    ("Resistance (Ohm) dev1", "Resistance dev1", "Ohm", R, 1),
]


@pytest.mark.parametrize(("name", "bare", "word", "quantity", "factor"), READ, ids=[row[0] for row in READ])
def test_a_unit_beside_a_name(name: str, bare: str, word: str, quantity: str, factor: float) -> None:
    found = parse_heading(name)
    assert found.unclear == ""
    assert (found.name, found.word, found.quantity) == (bare, word, quantity)
    assert found.unit is not None
    assert found.unit.factor == pytest.approx(factor, rel=1e-9)
    assert not found.log10
    assert not found.magnitude


WITHOUT = {
    **dict.fromkeys(
        ("V", "Voltage", "bias", "Vds", "VGS", "V_th", "V_S", "V_DS", "GateV", "Vread", "V1", "U", "V_amp", "Set V"), V
    ),
    **dict.fromkeys(("V (SET)", "Read Voltage", "Smu1.V[1][1]", "V_read_0.1", "v", "Voltage(1)", "V max", "V min"), V),
    **dict.fromkeys(("I", "Ids", "Imeas", "I_D", "DrainI", "DrainI(1)", "current", "Icomp", "I (LTP)", "IDrain"), I),
    **dict.fromkeys(("I at 0.1 V", "I@0.1V", "Iread_0.1V", "I (0.1 V)", "I_a", "bias current", "I (n/a)", "I2"), I),
    **dict.fromkeys(("R", "Resistance", "R_on", "Ron", "RHRS", "R (HRS)", "R (min)", "R_HRS", "R (A1)", "R hrs"), R),
    **dict.fromkeys(("G", "Conductance", "G1", "G_LTP", "Gmax", "G after 10 pulses", "G (raw)"), G),
    **dict.fromkeys(("t", "time", "Time", "dt", "Δt", "delta t", "pulse width", "elapsed time", "t1", "delay"), T),
    **dict.fromkeys(("Temperature", "temp"), "temperature"),
    "weight": "weight",
    **dict.fromkeys(
        (
            *("sample_A", "chip_S", "Group_A", "Sample A", "Device V", "phase I", "A", "S", "s", "LRS_A", "HRS"),
            *("LRS", "low", "high", "SET", "RESET", "LTP", "set", "I/I0", "HRS/LRS", "R/R0", "V/I", "on/off ratio"),
            *("a/b", "W/L", "Pulse #", "Pulse Number", "index", "current cycle", "Current pulse", "ID"),
            *("Id", "Vg=1V", "0.1 V", "100 ns", "dG", "delta G", "Normalized conductance", "I std", "I vs V", "T"),
            *("MODE", "logic", "Top", "UP", "Us", "plain", "", " ", "Date/Time", "n/a", "R^2", "I*V", "dI/dV", "IDs"),
            *("Reset", "Rate", "Index", "Gate", "tread", "tin", "Item", "Row", "number of cycles", "max cycles", "Lg"),
            *(
                "dev min",
                "state",
                "cycle",
                "level",
                "dev1",
                "amplitude",
                "width",
                "Run V",
                "Label (A1)",
                "😀",
                "(",
                ")",
            ),
        )
    ),
}


@pytest.mark.parametrize(("name", "quantity"), WITHOUT.items(), ids=list(WITHOUT))
def test_a_name_without_a_unit(name: str, quantity: str | None) -> None:
    found = parse_heading(name)
    assert (found.word, found.unit, found.unclear) == (None, None, "")
    assert found.name == name.strip()
    assert found.quantity == quantity


UNCLEAR = {  # and the quantity by the name
    **{"G (ms)": G, "t (S)": T, "dt mV": T, "V (A)": V, "I (ohm)": I, "Time (S)": T, "I(V)": I, "I/V": I, "t/S": T},
    **{"R (mohm)": R, "R mohm": R, "R/mohm": R, "R_mohm": R, "R (MOHM)": R, "I (MA)": I, "V (MV)": V, "I_MA": I},
    **{
        "I (na)": I,
        "I (NA)": I,
        "current_na": I,
        "I (PA)": I,
        "R (k)": R,
        "R k": R,
        "R (K)": R,
        "R (M)": R,
        "t (MS)": T,
    },
    **{"G (10^-6)": G, "I (x1000)": I, "I (x1000) (A)": I, "G x 10^6 (S)": G, "1e6*G (S)": G, "I × 10⁹ (A)": I},
    **{"I (uX)": I, "G (arb)": G, "V (V rms)": V, "I (measured in mA)": I, "I (\N{REPLACEMENT CHARACTER}A)": I},
    **{"HRS (ms)": None, "LRS (V)": None, "low (s)": None, "t_min": T, "time min": T, "I_ma": I, "I ma": I},
    **{"sample_uA": None, "dev1_uS": None, "Sample (A)": None, "Group (S)": None, "dev1 (mohm)": None, "x/A": None},
    **{"dev1 (min)": None, "median (hrs)": None, "change in V": None, "R (a.u.)": R, "t (a.u.)": T, "G (%)": G},
    **{"ln I (A)": None, "lnI": None, "ln(G)": None, "sqrt(I)": None, "log(A)": None, "I (log)": I, "I (counts)": I},
    **{
        "V..MV.": V,
        "V_mV_up": V,
        "G, uS, LTP": G,
        "time(us)/1000": T,
        "G (10E-6 S)": G,
        "R (K/W)": R,
        "V (dBV)": V,
        "R (kW)": R,
        "T (V)": None,
        "dG (ms)": None,
    },
}


@pytest.mark.parametrize(("name", "quantity"), UNCLEAR.items(), ids=list(UNCLEAR))
def test_unclear_units_are_reported_and_not_used(name: str, quantity: str | None) -> None:
    found = parse_heading(name)
    assert found.unclear
    assert found.unit is None
    assert found.quantity == quantity
    assert find_stated_unit(name) is None
    assert split_unit(name) == (name.strip(), None)


@pytest.mark.parametrize(
    ("name", "log10", "magnitude", "quantity", "factor"),
    [
        ("log I", True, False, I, None),
        ("logI", True, False, I, None),
        ("log10(I)", True, False, I, None),
        ("log(|I|)", True, True, I, None),
        ("log10 |I| (A)", True, True, I, 1),
        ("log I (A)", True, False, I, 1),
        ("Log10(Ids) [uA]", True, False, I, 1e-6),
        ("log10(I/A)", True, False, I, 1),
        ("log10(I (nA))", True, False, I, 1e-9),
        ("log10(A)", True, False, I, 1),
        ("I (log10(A))", True, False, I, 1),
        ("log G", True, False, G, None),
        ("lg(R)", True, False, R, None),
        ("I_log", True, False, I, None),
        ("AbsI", False, True, I, None),
        ("AbsI (A)", False, True, I, 1),
        ("|I|", False, True, I, None),
        ("|I| (mA)", False, True, I, 1e-3),
        ("|I|/A", False, True, I, 1),
        ("abs(I)", False, True, I, None),
        ("abs(I) [A]", False, True, I, 1),
        ("Abs I", False, True, I, None),
        ("absId", False, True, None, None),
        ("I_abs (A)", False, True, I, 1),
        ("absolute current (A)", False, True, I, 1),
        ("Lg (um)", False, False, "length", 1e-6),
        ("MODE", False, False, None, None),
    ],
)
def test_logarithm_and_magnitude(
    name: str, log10: bool, magnitude: bool, quantity: str | None, factor: float | None
) -> None:
    found = parse_heading(name)
    assert (found.log10, found.quantity, found.unclear) == (log10, quantity, "")
    assert found.magnitude == (magnitude and quantity is not None)
    assert (found.unit.factor if found.unit else None) == factor
    if log10:  # who knows no logarithms must not scale one
        assert find_stated_unit(name) is None


@pytest.mark.parametrize(
    ("name", "cell", "word", "factor", "unclear"),
    [
        ("I", "uA", "uA", 1e-6, False),
        ("V", "(mV)", "(mV)", 1e-3, False),
        ("time", "hrs", "hrs", 3600, False),
        ("x", "A", "A", 1, False),  # what stands in a row of units is one
        ("I (uA)", "uA", "uA", 1e-6, False),
        ("R (k)", "kOhm", "kOhm", 1e3, False),  # the row answers the question
        ("I", "", None, None, False),
        ("I", "-", None, None, False),
        ("Pulse", "#", None, None, False),
        ("w", "1", None, None, False),
        ("comment", "text", None, None, False),
        ("time_s", "s", "s", 1, False),
        ("T", "K", "K", 1, False),
        ("I (uA)", "mA", "mA", None, True),
        ("I (uA)", "V", "V", None, True),
        ("time_s", "ms", "ms", None, True),
        ("t", "S", "S", None, True),
        ("I", "foo", "foo", None, True),
        ("R", "mohm", "mohm", None, True),
        ("R (mohm)", "uohm", "uohm", None, True),
        ("G (x10^-6)", "S", "S", None, True),
    ],
)
def test_a_row_of_units(name: str, cell: str, word: str | None, factor: float | None, unclear: bool) -> None:
    found = parse_heading(name, cell)
    assert bool(found.unclear) == unclear
    assert found.word == word
    assert (found.unit.factor if found.unit else None) == factor


@pytest.mark.parametrize("name", [name for name, entry in GLOSSARY.items() if entry.unit])
def test_devicekit_names_are_in_si(name: str) -> None:
    for spelt in (name, name.upper()):
        found = parse_heading(spelt)
        assert found.unit is not None
        assert (found.unit.factor, found.unclear, found.word) == (1.0, "", GLOSSARY[name].unit)
        assert found.name == spelt.rpartition("_")[0]


def test_a_number_sign_leaves_the_name_alone() -> None:
    for name in ("Cycle (#)", "Cycle [counts]"):
        assert parse_heading(name) == parse_heading("Cycle")


def test_split_unit_and_find_stated_unit() -> None:
    assert split_unit("time_s") == ("time", "s")
    assert split_unit("Temp (C)") == ("Temp (C)", None)  # no factor makes kelvin of it


HOSTILE = [
    *(" " * 20000, "I" + " " * 20000 + "(A)", "(" * 20000, "()" * 10000, "I (" * 7000, "|" * 20000, "log " * 5000),
    *(
        "abs(" * 5000 + "I",
        "_" * 20000,
        "I/" * 10000,
        "I," * 10000,
        "." * 20000,
        "a.." * 7000,
        "1" * 20000,
        "V1" * 9000,
    ),
    *("d" + "_" * 20000 + "!", "cycle" * 4000, "=" * 20000, "x = " * 5000, "10^" * 7000, "Δ" * 20000, "I" * 20000),
    *("aB" * 150, "log" * 130, "(" * 399, "|" * 399, "I (A)" * 80, "..a." * 99, "1.1." * 99, "ln " * 130, "= a" * 130),
    *(
        "I (\ud800)",
        "I\x00(A)",
        "I\n(A)",
        "\u202eI (A)",
        "[[[I]]] (A)",
        "I ((A))",
        "I (A",
        "I A)",
        ")(",
        "|I",
        "I||",
        "||",
    ),
    *(
        "/",
        "//",
        ",",
        "_",
        "_A",
        "A_",
        "/A",
        ",A",
        " in A",
        "in",
        "log",
        "log10",
        "log(",
        "abs",
        "abs()",
        "|",
        "@",
        "=",
        "#",
    ),
]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_odd_names_are_parsed_quickly(name: str) -> None:
    start = time.process_time()
    parse_heading(name)
    parse_heading("I", name)
    assert time.process_time() - start < 2


@given(st.text(alphabet=st.sampled_from("VIRGtT logabs10^-*/ ,_.()[]|mukMAVSsΩ#@=Δ"), max_size=30))
@settings(max_examples=400, deadline=None)
def test_a_heading_has_a_unit_or_a_reason(name: str) -> None:
    found = parse_heading(name)
    if found.unclear:
        assert found.unit is None
        assert found.word or found.name
    elif found.unit is not None:
        assert found.word
        assert found.quantity == found.unit.quantity
    assert parse_heading(f"  {name} ") == found
