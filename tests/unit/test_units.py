"""Unit words as lab files write them: read if they can mean one thing, else a question."""

from __future__ import annotations

import itertools
import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devicekit.names import Unit, parse_unit
from devicekit.names.units import is_unit_like, readings

QUANTUM = 2 * 1.602176634e-19**2 / 6.62607015e-34  # 2 e^2 / h [S], exact since 2019

# Closed-form factors; one quantity a block.
KNOWN: dict[str, dict[str, float]] = {
    "voltage": {
        **{"V": 1, "v": 1, "mV": 1e-3, "mv": 1e-3, "uV": 1e-6, "µV": 1e-6, "nV": 1e-9, "kV": 1e3, "KV": 1e3},
        **{"Volt": 1, "volts": 1, "VOLTS": 1, "(V)": 1, "[V]": 1, "mVolts": 1e-3, "millivolts": 1e-3, "VDC": 1},
        **{"㎷": 1e-3, "V.": 1, '"V"': 1, "in mV": 1e-3, "kilovolt": 1e3},
    },
    "current": {
        **{"A": 1, "mA": 1e-3, "ma": 1e-3, "uA": 1e-6, "ua": 1e-6, "UA": 1e-6, "nA": 1e-9, "pA": 1e-12, "fA": 1e-15},
        **{"\u00b5A": 1e-6, "\u03bcA": 1e-6, "Amps": 1, "AMP": 1, "ampere": 1, "Amperes": 1, "microamps": 1e-6},
        **{"uAmp": 1e-6, "mAmps": 1e-3, "nanoamps": 1e-9, "nano A": 1e-9, "microA": 1e-6, "㎂": 1e-6, "µ A": 1e-6},
        **{r"$\mu$A": 1e-6, r"$\mathrm{\mu A}$": 1e-6, r"\g(m)A": 1e-6, "&micro;A": 1e-6, "ÂµA": 1e-6, "Î¼A": 1e-6},
        **{"10^-9 A": 1e-9, "10^(-9) A": 1e-9, "10^{-9} A": 1e-9, "10**-9 A": 1e-9, "10⁻⁹ A": 1e-9, "×10⁻⁹ A": 1e-9},
        **{"1e-9 A": 1e-9, "1E-9A": 1e-9, "1.0e-9 A": 1e-9, "x1e-6 A": 1e-6, "10^-3 mA": 1e-6, "10-9 A": 1e-9},
        **{"units: mA": 1e-3, "mA\u200b": 1e-3, "\xa0mA ": 1e-3, "ｍＡ": 1e-3, "pico-amperes": 1e-12, "kA": 1e3},
    },
    "conductance": {
        **{"S": 1, "mS": 1e-3, "uS": 1e-6, "\u00b5S": 1e-6, "\u03bcS": 1e-6, "nS": 1e-9, "pS": 1e-12, "siemens": 1},
        **{"Siemens": 1, "microSiemens": 1e-6, "uSiemens": 1e-6, "mho": 1, "MHOS": 1, "umho": 1e-6, "mmho": 1e-3},
        **{"m℧": 1e-3, "℧": 1, "G0": QUANTUM, "G₀": QUANTUM, "2e²/h": QUANTUM, "2e^2/h": QUANTUM, "uA/V": 1e-6},
        **{"1/ohm": 1, "1/kΩ": 1e-3, "Ω^-1": 1, "Ω⁻¹": 1, "ohm-1": 1, "A/V": 1, "10^-6 S": 1e-6, "x10^-6 S": 1e-6},
        **{"*1e-6 S": 1e-6, "μSiemens": 1e-6},
    },
    "resistance": {
        **{"ohm": 1, "Ohm": 1, "OHM": 1, "ohms": 1, "Ohms": 1, "OHMS": 1, "\u2126": 1, "\u03a9": 1, "kohm": 1e3},
        **{"KOhm": 1e3, "KOHM": 1e3, "kOhms": 1e3, "k\u2126": 1e3, "K\u03a9": 1e3, "k Ω": 1e3, "K ohm": 1e3},
        **{
            "k-ohm": 1e3,
            "M ohm": 1e6,
            "M-Ohm": 1e6,
            "kilo-ohms": 1e3,
            "kilohm": 1e3,
            "㏀": 1e3,
            "Mohm": 1e6,
            "MOhm": 1e6,
            "MΩ": 1e6,
            "㏁": 1e6,
        },
        **{"megohm": 1e6, "MegaOhms": 1e6, "GOhm": 1e9, "GΩ": 1e9, "Gohms": 1e9, "GOHM": 1e9, "mΩ": 1e-3},
        **{"milliohm": 1e-3, "uohm": 1e-6, "µΩ": 1e-6, r"k$\Omega$": 1e3, r"\g(W)": 1, "k&Omega;": 1e3, "kÎ©": 1e3},
        **{"V/A": 1, "mV/mA": 1, "V/uA": 1e6, "10^3 ohm": 1e3, "1e6 Ω": 1e6, "Ohm.": 1, "1/S": 1},
    },
    "time": {
        **{"s": 1, "ms": 1e-3, "us": 1e-6, "\u00b5s": 1e-6, "\u03bcs": 1e-6, "ns": 1e-9, "ps": 1e-12, "sec": 1},
        **{"SEC": 1, "secs": 1, "Seconds": 1, "msec": 1e-3, "mSec": 1e-3, "usec": 1e-6, "USEC": 1e-6, "nsec": 1e-9},
        **{"milliseconds": 1e-3, "microsec": 1e-6, "min": 60, "Min": 60, "mins": 60, "minutes": 60, "h": 3600},
        **{"hr": 3600, "hrs": 3600, "Hrs": 3600, "hours": 3600, "Hour": 3600, "days": 86400, "Day": 86400},
        **{"weeks": 604800, "years": 31557600, "yr": 31557600, "㎲": 1e-6, "10^-9 s": 1e-9},
    },
    "temperature": {"kelvin": 1, "Kelvin": 1, "°K": 1, "deg K": 1, "mK": 1e-3},
    "celsius": {"°C": 1, "℃": 1, "ºC": 1, "degC": 1, "deg C": 1, "deg. C": 1, "Celsius": 1, "Â°C": 1},
    "length": {"nm": 1e-9, "um": 1e-6, "µm": 1e-6, "mm": 1e-3, "cm": 1e-2, "Å": 1e-10, "micron": 1e-6},
    "area": {"um2": 1e-12, "um^2": 1e-12, "µm²": 1e-12, "cm²": 1e-4, "nm^2": 1e-18},
    "weight": {
        **dict.fromkeys(("a.u.", "A.U.", "a.u", "arb. units", "Arb. u.", "arbitrary units", "norm.", "norm"), 1.0),
        **dict.fromkeys(("normalized", "Normalised", "dimensionless"), 1.0),
    },
    "fraction": {"%": 0.01, "percent": 0.01, "pct": 0.01, "ppm": 1e-6},
    "count": {"#": 1, "counts": 1, "cycles": 1},
    "density": {
        **{"A/cm2": 1e4, "A/cm^2": 1e4, "A/cm²": 1e4, "A cm-2": 1e4, "A·cm⁻²": 1e4, "mA/cm2": 10, "A/um": 1e6},
        **{"µA/µm": 1, "uA/um": 1, "S/cm": 100, "S/m": 1, "ohm/sq": 1, "Ω/□": 1, "kohm/sq.": 1e3, "Ω·cm": 1e-2},
        **{"ohm cm": 1e-2, "ohm-cm": 1e-2, "cm^-3": 1e6, "m^-3": 1, "A per cm2": 1e4},
    },
    "frequency": {"Hz": 1, "kHz": 1e3, "MHz": 1e6, "khz": 1e3, "1/s": 1, "s^-1": 1, "s-1": 1},
    "field": {"V/m": 1, "V/cm": 100, "V/nm": 1e9},
    "power": {"W": 1, "mW": 1e-3, "µW": 1e-6},
}
WORDS = [(word, quantity, float(f)) for quantity, words in KNOWN.items() for word, f in words.items()]

# Always a question: what it may mean, at least.
QUESTIONS = {
    "mohm": {"mΩ", "MΩ"},
    "mOhm": {"mΩ", "MΩ"},
    "mohms": {"mΩ", "MΩ"},
    "MOHM": {"mΩ", "MΩ"},  # meters print it for both
    "MS": {"mS", "ms"},
    "Ms": {"mS", "ms"},
    "MA": {"mA"},
    "Ma": {"mA"},
    "MV": {"mV"},
    "NS": {"ns", "nS"},
    "Ns": {"ns", "nS"},
    "PS": {"ps", "pS"},
    "US": {"µs", "µS"},
    "Us": {"µs", "µS"},
    "PA": {"pA", "pascal"},
    "Pa": {"pA", "pascal"},
    "pa": {"pA", "pascal"},
    "na": {"nA"},
    "NA": {"nA"},
    "Na": {"nA"},
    "a": {"A"},
    "m": {"mA", "mV", "ms", "mS"},
    "k": {"kΩ"},
    "K": {"kΩ", "kelvin"},
    "M": {"MΩ"},
    "u": {"µA", "µS"},
    "n": {"nA", "ns"},
    "C": {"°C"},
    "F": {"farad"},
    "d": {"days"},
    "H": {"h"},
    "HRS": {"hours"},
    "MSEC": {"millisec"},
    "Mvolts": {"millivolts"},
    "arb": {"a.u."},
    "units": {"a.u."},
    "au": {"a.u."},
    "meg": {"MΩ"},
    "deg": {"°C"},
    "log(S)": {"log10(S)"},
    "kω": {"kΩ"},
}
# Somebody meant a unit, but nobody can say which.
UNKNOWN = [
    *("10^-9", "10⁻⁹", "x10^-6", "×10⁻⁶", "1e-9", "1E-6", "10^6 foo", "x1000", "× 100", "A x 10^-6", "S*1e-6", "E-9 A"),
    *(
        "10^-9 mohm",
        "10^-6 MS",
        "uX",
        "µX",
        "nQ",
        "kZ",
        "ln(A)",
        "ln A",
        "log2(A)",
        "log10(ohmm)",
        "V rms",
        "Vpp",
        "mVpp",
    ),
    *("A DC", "measured in mA", "ohm/box", "F/cm2", "MA/cm2", "\N{REPLACEMENT CHARACTER}A", "?A", "k?", "µ", "°X"),
    *("A/cm2/s", "mho/mA/s", "10E-6 S", "m A", "K/W", "10^-9 10^-9 A", "log10(log10(A))"),
]
NO_UNITS = [
    *("10-20 nA", "10-12 V", "10-15 ohm", "10-100 uA", "1-10 V", "5e-6 A", "2e-3 V", "1 V", "1V", "10V", "3 cm2"),
    *(
        "SET",
        "RESET",
        "LTP",
        "LTD",
        "A1",
        "B2",
        "S1",
        "V2",
        "A-1",
        "raw",
        "avg",
        "mean",
        "std",
        "before",
        "after",
        "max",
    ),
    *("LRS", "fit", "abs", "smooth", "cycle 3", "dev1", "1", "12", "#3", "U1,3,4", "0.1 V", "100 ns", "1 mA", "300 K"),
    *(
        "Vread=0.1V",
        "I = 1 mA",
        "at 0.1 V",
        "@0.5V",
        "W/L",
        "n/a",
        "N/A",
        "-",
        "--",
        "",
        " ",
        "none",
        "RT",
        "FWD",
        "up",
    ),
    *("top", "first", "Dev A", "sample 3", "1e5 cycles", "10^6 pulses", "10-20 nA", "day/night", "min/max", "S/N", "?"),
    *("G/G0 ratio", "on/off", "e", "x", "y", "dG", "Gate", "drain", "forward", "new", "old", "DC", "AC", "TE", "BE"),
    *(
        "電極",
        "😀",
        "é",
        "10 nA",
        "2 A",
        "a b c",
        "data",
        "comment",
        "Sheet1",
        "LTP-1",
        "p-type",
        "(N)",
        "(P)",
        "(D)",
        "PW",
        "FW",
        "NC",
        "m0",
        "(1)",
        "[2]",
        "()",
    ),
]


@pytest.mark.parametrize(("word", "quantity", "factor"), WORDS, ids=[word for word, _, _ in WORDS])
def test_a_word_with_one_meaning_is_read(word: str, quantity: str, factor: float) -> None:
    found = parse_unit(word)
    assert found is not None
    assert found.quantity == quantity
    assert found.factor == pytest.approx(factor, rel=1e-9)
    assert not found.log10
    assert is_unit_like(word)
    assert readings(word) == ()


@pytest.mark.parametrize(("word", "meant"), QUESTIONS.items(), ids=list(QUESTIONS))
def test_a_word_with_several_meanings_is_a_question(word: str, meant: set[str]) -> None:
    assert parse_unit(word) is None
    assert is_unit_like(word)
    assert meant <= {label for label, _ in readings(word)}


@pytest.mark.parametrize("word", QUESTIONS)
def test_every_reading_can_be_said(word: str) -> None:
    for label, unit in readings(word):
        assert parse_unit(label) == unit
        assert readings(label) == ()


def test_the_readings_of_mohm() -> None:
    assert readings("mohm") == (("mΩ", Unit("resistance", 1e-3)), ("MΩ", Unit("resistance", 1e6)))


@pytest.mark.parametrize("word", UNKNOWN)
def test_an_unknown_unit_is_seen_and_not_read(word: str) -> None:
    assert parse_unit(word) is None
    assert is_unit_like(word)


@pytest.mark.parametrize("word", NO_UNITS)
def test_a_qualifier_is_no_unit(word: str) -> None:
    assert parse_unit(word) is None
    assert not is_unit_like(word)
    assert readings(word) == ()


@pytest.mark.parametrize(
    ("word", "quantity", "factor"),
    [
        ("log10(A)", "current", 1.0),
        ("log10 A", "current", 1.0),
        ("Log10(uS)", "conductance", 1e-6),
        ("log₁₀(|A|)", "current", 1.0),
        ("log_10(ohm)", "resistance", 1.0),
        ("lg(S)", "conductance", 1.0),
    ],
)
def test_a_decimal_logarithm(word: str, quantity: str, factor: float) -> None:
    assert parse_unit(word) == Unit(quantity, factor, log10=True)


def test_lists_are_as_long_as_they_should_be() -> None:
    assert len({word for word, _, _ in WORDS}) >= 120
    assert len({*QUESTIONS, *UNKNOWN}) >= 40


PREFIXES = {"": 1.0, "f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9}
SYMBOLS = {"V": "voltage", "A": "current", "S": "conductance", "s": "time", "ohm": "resistance", "ohms": "resistance"}
# What a word in small or large letters stands for elsewhere, by its case-folded form.
ELSEWHERE = {"na": "not available", "pa": "pascal", "a": "year"}


def _cases(word: str) -> set[str]:
    return {"".join(letters) for letters in itertools.product(*({c.lower(), c.upper()} for c in word))}


def _as_written(word: str) -> bool:
    """Prefix and symbol in the right case, and none that the rules exclude."""
    for prefix, symbol in itertools.product(PREFIXES, (*SYMBOLS, "Ohm", "Ohms")):
        if word == prefix + symbol:
            mega, ohm = prefix in ("M", "G"), symbol.lower().startswith("ohm")
            return ohm if mega else not (prefix == "m" and ohm)
    return False


@pytest.mark.parametrize("stem", sorted({(p + s).lower() for p in PREFIXES for s in SYMBOLS}))
def test_no_word_whose_folded_form_is_ambiguous_is_read(stem: str) -> None:
    """Unless its case says which it is; a capital M or G before V, A, S, s says nothing."""
    for word in _cases(stem):
        found = parse_unit(word)
        rivals = {
            (quantity, factor)
            for prefix, factor in PREFIXES.items()
            for symbol, quantity in SYMBOLS.items()
            if (prefix + symbol).lower() == stem
            and (quantity == "resistance" or prefix not in ("M", "G") or word[0] == prefix)
        }
        rivals |= {(ELSEWHERE[stem], 0.0)} if stem in ELSEWHERE else set()
        if found is None:
            assert not _as_written(word)
            assert is_unit_like(word) or word[0] in "gG"
        else:
            assert (found.quantity, pytest.approx(found.factor)) in [(q, f) for q, f in rivals]
            assert _as_written(word) or len(rivals) == 1, f"{word} may be any of {rivals}"


def test_both_micro_signs_and_both_ohm_signs_are_one() -> None:
    for symbol in SYMBOLS:
        assert parse_unit(f"\u00b5{symbol}") == parse_unit(f"\u03bc{symbol}") == parse_unit(f"u{symbol}") is not None
    for prefix in ("", "k", "M", "G", "m", "n"):
        assert parse_unit(f"{prefix}\u2126") == parse_unit(f"{prefix}\u03a9") is not None


HOSTILE = [
    *(" " * 20000, "m" + " " * 20000 + "A", "(" * 20000 + "A" + ")" * 20000, "10^" * 10000, "A/" * 10000, "1" * 20000),
    *("A*" * 10000, "log10(" * 5000 + "A", "\\mu" * 10000, "$" * 20000, "^" * 20000, "⁻" * 20000, "1e" * 10000),
    *("x1e-6 " * 5000, "k-" * 10000, "Ω" * 20000, "a.u." * 5000, "\x00" * 100, "\ud800", "\u202emA", "m\nA", "m\tA"),
    *(
        "10^999 A",
        "1e-999 A",
        "10^99 A",
        "A^9",
        "cm^-9",
        "1e99 1e99 A",
        "²",
        "⁻",
        "^",
        "^2",
        "/",
        "//",
        "/A",
        "A/",
        "1/",
    ),
    *(
        "*",
        "-",
        "(",
        ")",
        "((",
        "{}",
        "{",
        "}",
        "\\",
        "$",
        "'",
        '"',
        ".",
        "..",
        "%%",
        "°",
        "□",
        "100%",
        "٣ V",
        "Ⅴ",
        "ſ",
    ),
]


@pytest.mark.parametrize("word", HOSTILE, ids=range(len(HOSTILE)))
def test_odd_words_are_survived_quickly(word: str) -> None:
    start = time.process_time()
    found = parse_unit(word)
    readings(word)
    is_unit_like(word)
    assert time.process_time() - start < 2
    assert found is None or (math.isfinite(found.factor) and found.factor > 0)


@given(st.text(alphabet=st.sampled_from("10^-*/ xeEmuµkMGnAVSsΩohm()[]{}.|log%²⁻"), max_size=24))
@settings(max_examples=400, deadline=None)
def test_any_word_has_a_finite_factor_and_one_answer(word: str) -> None:
    found = parse_unit(word)
    if found is not None:
        assert math.isfinite(found.factor)
        assert found.factor > 0
        assert readings(word) == ()
        assert is_unit_like(word)
        assert parse_unit(f" {word} ") == found
    for label, unit in readings(word):
        assert parse_unit(label) == unit
