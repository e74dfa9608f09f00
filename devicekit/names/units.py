"""Unit words as lab files write them: one strict parser, which reads a word only if it can mean one thing.

Prefix and symbol count as written (nA, µS, kΩ), words in any case (volts, SEC, Hrs). A word that people write for
two units (mohm, MS, pa) is never read: `readings` lists what it may mean, so that a caller can ask.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache

UNIT_PREFIXES = {"": 0, "f": -15, "p": -12, "n": -9, "u": -6, "µ": -6, "μ": -6, "m": -3, "k": 3, "M": 6, "G": 9}
UNIT_SYMBOLS = {"V": "voltage", "A": "current", "S": "conductance", "s": "time"}
UNIT_SYMBOLS |= dict.fromkeys(
    ("ohm", "Ohm", "ohms", "Ohms", "\N{OHM SIGN}", "\N{GREEK CAPITAL LETTER OMEGA}"), "resistance"
)
CONDUCTANCE_QUANTUM = 7.748091729e-5  # 2 e^2 / h [S]
LONGEST = 80  # characters: what is longer is a sentence, not a unit


@dataclass(frozen=True)
class Unit:
    """Quantity that a unit word measures, and the factor to the SI unit.

    Parameters
    ----------
    quantity : str
        voltage, current, time, conductance, resistance, temperature, length, area, weight (no unit), fraction, count.
        `density` (A/cm2, S/cm, A/um, ohm/sq) needs an area or a length before it is a state; `celsius` and
        `fahrenheit` have an offset, not only a factor. Others (frequency, field, power, other, ...) are no state.
    factor : float
        SI units in one of it.
    log10 : bool
        Whether the numbers are decimal logarithms of the quantity in this unit.
    of, length
        Quantity of a density after it is multiplied by a size, and the power of a length in it: -2 for A/cm2.
    """

    quantity: str
    factor: float
    log10: bool = False
    of: str = ""
    length: int = 0


_NAMED_PREFIXES = {"femto": -15, "pico": -12, "nano": -9, "micro": -6, "milli": -3, "kilo": 3}
_NAMED_PREFIXES |= {"mega": 6, "meg": 6, "giga": 9}
_WORDS = {  # take a prefix, stand in any case
    "voltage": ("volt", "volts"),
    "current": ("amp", "amps", "ampere", "amperes"),
    "time": ("sec", "secs", "second", "seconds"),
    "conductance": ("siemens", "siemen", "mho", "mhos"),
    "resistance": ("ohm", "ohms"),
    "length": ("metre", "metres", "meter", "meters"),
}
_ALONE = {  # no prefix, any case
    ("time", 60.0): ("min", "mins", "minute", "minutes"),
    ("time", 3600.0): ("hr", "hrs", "hour", "hours"),
    ("time", 86400.0): ("day", "days"),
    ("time", 604800.0): ("week", "weeks"),
    ("time", 365.25 * 86400.0): ("yr", "yrs", "year", "years"),
    ("voltage", 1.0): ("v", "vdc", "v dc"),
    ("voltage", 1e3): ("kv",),
    ("voltage", 1e-6): ("uv",),
    ("current", 1e-6): ("ua",),
    ("temperature", 1.0): ("kelvin", "kelvins", "°k", "deg k", "degk"),
    ("celsius", 1.0): ("°c", "° c", "degc", "deg c", "deg. c", "celsius", "centigrade"),
    ("fahrenheit", 1.0): ("°f", "degf", "deg f", "fahrenheit"),
    ("resistance", 1e3): ("kilohm", "kilohms"),
    ("length", 1e-6): ("micron", "microns"),
    ("length", 1e-10): ("å", "angstrom", "angstroms"),
    ("fraction", 1e-2): ("%", "percent", "per cent", "pct"),
    ("fraction", 1e-3): ("‰",),
    ("fraction", 1e-6): ("ppm",),
    ("count", 1.0): ("#", "count", "counts", "cycles", "pulses"),
    ("frequency", 1.0): ("hz", "hertz"),
    ("frequency", 1e3): ("khz",),
    ("frequency", 1e9): ("ghz",),
    ("pressure", 1.0): ("pascal", "pascals"),
    ("charge", 1.0): ("coulomb", "coulombs"),
    ("capacitance", 1.0): ("farad", "farads"),
    ("inductance", 1.0): ("henry", "henrys"),
    ("power", 1.0): ("watt", "watts"),
    ("energy", 1.0): ("joule", "joules"),
    ("weight", 1.0): (
        *("a.u", "a. u", "arb.u", "arb. u", "arb. unit", "arb. units", "arb.units", "arb unit", "arb units"),
        *("arbitrary unit", "arbitrary units", "norm", "norm. units", "normalized", "normalised", "n.u"),
        *("dimensionless", "unitless"),
    ),
}
# No M or G here but for Hz: nobody measures them, and a capital M is as often a milli in capitals.
_OTHER = {
    "Hz": ("frequency", ("", "m", "k", "M", "G")),
    "W": ("power", ("", "f", "p", "n", "u", "m", "k")),
    "J": ("energy", ("", "f", "p", "n", "u", "m", "k")),
    "eV": ("energy in eV", ("", "m", "k")),
    "F": ("capacitance", ("f", "p", "n", "u", "m")),
    "C": ("charge", ("f", "p", "n", "u", "m")),
    "H": ("inductance", ("n", "u", "m")),
    "T": ("magnetic field", ("u", "m")),
    "K": ("temperature", ("m",)),
    "dB": ("decibel", ("",)),
    "dBm": ("decibel", ("",)),
    "rad": ("angle", ("", "m")),
    "m": ("length", ("n", "u", "m", "k")),
}


def _scale(power: int) -> float:
    return float(f"1e{power}")  # the nearest float, which 10.0 ** power is not always


def _as_written() -> dict[str, Unit]:
    """Return words that count as they are written: after `_tidy`, which leaves one micro and one ohm sign."""
    known = {"G0": Unit("conductance", CONDUCTANCE_QUANTUM), "cm": Unit("length", 1e-2), "h": Unit("time", 3600.0)}
    known |= dict.fromkeys(("G_0", "2e^2/h", "2e2/h"), known["G0"])
    for prefix in ("", "f", "p", "n", "u", "m", "k", "M", "G"):
        scale = _scale(UNIT_PREFIXES[prefix])
        for symbol, quantity in UNIT_SYMBOLS.items():
            if prefix in ("M", "G") and quantity != "resistance":
                continue  # MA, MS: milli in capitals as often as mega
            if prefix == "m" and symbol.lower().startswith("ohm"):
                continue  # mohm, mOhm: written for MΩ as often as for mΩ
            known[prefix + unicodedata.normalize("NFKC", symbol)] = Unit(quantity, scale)
    known["KΩ"] = known["kΩ"]
    for symbol, (quantity, prefixes) in _OTHER.items():
        known |= {prefix + symbol: Unit(quantity, _scale(UNIT_PREFIXES[prefix])) for prefix in prefixes}
    for name, power in _NAMED_PREFIXES.items():  # microA, nano S
        for symbol, quantity in (("V", "voltage"), ("A", "current"), ("S", "conductance"), ("Ω", "resistance")):
            known |= {f"{name}{space}{symbol}": Unit(quantity, _scale(power)) for space in ("", " ")}
    known |= {"ma": known["mA"], "mv": known["mV"], "nv": known["nV"]}  # not na, pa: not available, pascal
    known |= {f"u {symbol}": known[f"u{symbol}"] for symbol in ("V", "A", "S", "s", "Ω")}
    for symbol in ("Ω", "ohm", "Ohm", "ohms", "Ohms"):
        known |= {
            f"{prefix}{dash}{symbol}": known[prefix + symbol] for prefix in ("k", "M", "G") for dash in (" ", "-")
        }
    return known | {"K Ω": known["kΩ"]}


def _any_case() -> dict[str, Unit]:
    known = {word: Unit(*meant) for meant, words in _ALONE.items() for word in words}
    for quantity, words in _WORDS.items():
        for word in words:
            known[word] = Unit(quantity, 1.0)
            if quantity != "length":
                for prefix in ("f", "p", "n", "u", "k"):
                    known[prefix + word] = Unit(quantity, _scale(UNIT_PREFIXES[prefix]))
            for name, power in _NAMED_PREFIXES.items():
                known |= {name + dash + word: Unit(quantity, _scale(power)) for dash in ("", "-", " ")}
    for ohm in _WORDS["resistance"]:
        known["g" + ohm] = Unit("resistance", 1e9)
        known |= {f"{prefix}{dash}{ohm}": known[prefix + ohm] for prefix in ("k", "g") for dash in ("-", " ")}
    return known


_WRITTEN = _as_written()
_ANY_CASE = _any_case()
_MILLI = {word: quantity for quantity, words in _WORDS.items() for word in words if quantity != "resistance"}

# Ambiguous unit words, each with its possible meanings, which are unambiguous words.
_MEANT = {"a": "A|years", "m": "mA|mV|mS|ms|metre|min", "k": "kΩ|kelvin", "K": "kelvin|kΩ", "M": "MΩ", "G": "GΩ|G0"}
_MEANT |= {"u": "µA|µV|µS|µs", "n": "nA|nV|nS|ns", "p": "pA|pS|ps", "C": "°C|coulomb", "F": "farad|°F", "H": "h|henry"}
_MEANT |= {"d": "days", "arb": "a.u.", "au": "a.u.", "unit": "a.u.", "units": "a.u.", "meg": "MΩ", "pa": "pA|pascal"}
_MEANT |= {"mega": "MΩ", "kilo": "kΩ", "milli": "mA|mV|mS|ms", "micro": _MEANT["u"], "nano": _MEANT["n"]}
_MEANT |= {"na": "nA", "HRS": "hours"}  # or not available; or the name of a level
_MEANT |= dict.fromkeys(("deg", "degs", "degrees", "°"), "°C")
_MEGA = {"MV": "megavolts", "MA": "megaamperes", "MS": "megasiemens", "Ms": "megaseconds"}

_SUPERSCRIPT = re.compile("[⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+")
# The degree sign has look-alikes that NFKC would take apart.
_BEFORE = str.maketrans({"º": "°", "˚": "°", "℧": "mho", "\ufeff": "", "\u200b": "", "\u200e": "", "\xad": ""})
_AFTER = str.maketrans({"μ": "u", "−": "-", "–": "-", "‐": "-", "×": "*", "·": "*", "⋅": "*", "•": "*", "∙": "*"})
# UTF-8 that was read as Latin-1, what TeX and Origin write for signs, and HTML.
_SIGNS = {"Âµ": "µ", "Î¼": "µ", "Î©": "Ω", "â„¦": "Ω", "Â°": "°", "Â²": "²", "Â·": "·", "&micro;": "µ", "&mu;": "µ"}
_SIGNS |= {"&Omega;": "Ω", "&ohm;": "Ω", "&deg;": "°"}
_TEX = {r"\mu": "µ", r"\micro": "µ", r"\Omega": "Ω", r"\ohm": "Ω", r"\g(m)": "µ", r"\g(W)": "Ω", r"\,": " "}
_TEX |= {r"\mathrm": "", r"\text": "", r"\rm": "", r"\degree": "°", r"\circ": "°", r"\%": "%", r"\cdot": "·"}
_TEX |= {r"\times": "×"}

_CYRILLIC = re.compile("(ф|п|н|мк|м|к|М|Г)?(В|А|Ом|с|См)")
_LATIN = {"ф": "f", "п": "p", "н": "n", "мк": "u", "м": "m", "к": "k", "М": "M", "Г": "G"}
_LATIN |= {"В": "V", "А": "A", "Ом": "Ω", "с": "s", "См": "S"}

_POWER = re.compile(  # 10-6 is 10^-6 whose exponent was flattened; 10-12 may be a range
    r"(?:[xX*] ?)?(?:10 ?(?:\^|\*\*) ?\(? ?([+-]?\d{1,2}) ?\)?|10(-[1-9])|1(?:\.0*)?[eE]([+-]?\d{1,2}))"
    r"(?!\d) ?[*x]? ?"
)
_TIMES = re.compile(r"[xX*] ?\d|(?:10)?[eE][+-]\d|.*(?:[ *]|\bx ?)(?:10 ?(?:\^|\*\*|[+-]\d)|1[eE][+-]?\d)")
_LOG = re.compile(r"(?i:log_?10|lg) ?[( ] ?\|?([^()|]+)\|?\)?")
_LOG_UNSAID = re.compile(r"(?i:log|ln|log2) ?[( ] ?\|?([^()|]+)\|?\)?")
_LOG_LIKE = re.compile(r"(?i:log_?10|log|lg|ln|log2)(?: ?\(| [^\W\d_]{1,5}$|$)")
_COMPONENT = re.compile(r"([^\W\d_]+|%|□)(?:(\^|\*\*)?\(?([+-]?\d)\)?)?")
_SPLIT = re.compile(r"[ *]|-(?=[^\W\d])")
_CONDITION = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)? ?°?[^\W\d]+(?:/[^\W\d]+)?")
_SORT_OF = re.compile(r"(.+?) ?(?i:pp|p-p|rms|pk|peak|dc|ac)")
_COUNTED = ("cyc", "pulse", "read", "time")
_NOTHING = frozenset({"", "-", "--", "n/a", "none", "nan", "null", "no unit", "w/o"})
_LOST = re.compile("[kM]?[?\N{REPLACEMENT CHARACTER}]{1,2}[VASsm]?|[kMGm][?\N{REPLACEMENT CHARACTER}]{1,2}")


def _tidy(word: str) -> str:
    """Return one spelling of signs, exponents and spaces; "" for what is too long to be a unit."""
    word = " ".join(word.translate(_BEFORE).split())
    if len(word) > LONGEST:
        return ""
    for sign, meant in _SIGNS.items():
        word = word.replace(sign, meant)
    if not word.isascii() and (found := _CYRILLIC.fullmatch(word.strip("[](){} "))):
        return _LATIN.get(found[1] or "", "") + _LATIN[found[2]]
    if "\\" in word or "$" in word:
        for sign, meant in _TEX.items():
            word = word.replace(sign, meant)
        word = word.translate(str.maketrans("", "", "${}"))
    word = _SUPERSCRIPT.sub(lambda found: "^" + unicodedata.normalize("NFKC", found[0]), word)
    word = " ".join(unicodedata.normalize("NFKC", word).translate(_AFTER).split())
    if "{" in word:
        word = word.replace("^{", "^(").replace("}", ")")
    word = word.strip(" '\"`")
    while len(word) > 1 and (word[0], word[-1]) in {("(", ")"), ("[", "]"), ("{", ")")}:
        word = word[1:-1].strip()
    word = re.sub(r"^(?i:in|units?(?: of|:| ?=)) (?=.)", "", word)
    return word.rstrip(" .:")


def _simple(word: str) -> Unit | None:
    """Parse a unit without operators; None for a question."""
    if word in _WRITTEN:
        return _WRITTEN[word]
    folded = word.casefold()
    if word in _MEANT or folded in _MEANT:
        return None
    if folded in _ANY_CASE:
        return _ANY_CASE[folded]
    if word.startswith("m") and (quantity := _MILLI.get(folded[1:])):  # Msec, MSEC: a question
        return Unit(quantity, 1e-3)
    return None


def _components(text: str, sign: int) -> list[tuple[Unit, int]] | None:
    """Return units and exponents of one side of a slash."""
    found: list[tuple[Unit, int]] = []
    for piece in _SPLIT.split(text):
        match = _COMPONENT.fullmatch(piece)
        if match is None or (piece == "m" and sign > 0 and not found):
            return None  # m A: written for mA
        if match[1].casefold() in ("sq", "square", "□"):
            unit: Unit | None = Unit("square", 1.0)
        elif match[1] == "m":
            unit = Unit("length", 1.0)  # beside another unit it is not milli
        else:
            unit = _simple(match[1])
        if unit is None:
            return None
        bare = match[3] is not None and match[2] is None
        negative = bare and match[3].startswith("-") and (len(match[1]) > 1 or match[1] in "sΩ")
        if (bare and unit.quantity != "length" and not negative) or match[3] == "0":
            return None  # A1, V2, A-1 are names; cm2, s-1 and ohm-1 are units
        found.append((unit, sign * int(match[3] or 1)))
    return found


_MADE_OF = {
    (("current", 1), ("voltage", -1)): "conductance",
    (("current", -1), ("voltage", 1)): "resistance",
    (("resistance", -1),): "conductance",
    (("conductance", -1),): "resistance",
    (("time", -1),): "frequency",
    (("length", 2),): "area",
    (("length", -1), ("voltage", 1)): "field",
}


def _compound(word: str) -> Unit | None:
    """Parse products and quotients of units: A/cm2, ohm cm, uA/V, s^-1."""
    above, _, below = word.replace(" per ", "/").replace(" / ", "/").partition("/")
    below = below.strip("() ")
    if "/" in below or (not below and "/" in word):
        return None
    top: list[tuple[Unit, int]] | None = [] if above.strip() in ("", "1") and below else _components(above.strip(), 1)
    bottom = _components(below, -1) if below else []
    if top is None or bottom is None:
        return None
    parts = top + bottom
    if not parts or (len(parts) == 1 and parts[0][1] == 1):
        return None
    powers: dict[str, int] = {}
    factor = 1.0
    for unit, power in parts:
        powers[unit.quantity] = powers.get(unit.quantity, 0) + power
        factor *= unit.factor**power if power > 0 else (1.0 / unit.factor) ** -power
    spatial = {"length", "square"} & set(powers)
    if not below and not spatial and len(parts) > 1 and all(power == 1 for _, power in parts):
        return None  # (A V): two letters, no product
    key = tuple(sorted((quantity, power) for quantity, power in powers.items() if power))
    made = _MADE_OF.get(key, "density" if spatial else "other")
    if made != "density" or "square" in powers:
        return Unit(made, factor)
    rest = tuple((quantity, power) for quantity, power in key if quantity != "length")
    of = _MADE_OF.get(rest) or (rest[0][0] if len(rest) == 1 and rest[0][1] == 1 else "")
    return Unit(made, factor, of=of, length=powers["length"])


def _power(word: str) -> tuple[float, str] | None:
    """Return the factor of a leading power of ten, and what follows it."""
    found = _POWER.match(word)
    if found is None:
        return None
    return _scale(int(found[1] or found[2] or found[3])), word[found.end() :]


@lru_cache(maxsize=4096)
def _parsed(word: str) -> Unit | None:
    if found := _LOG.fullmatch(word):
        inner = _parsed(found[1].strip())
        return replace(inner, log10=True) if inner and not inner.log10 else None
    if unit := _simple(word):
        return unit
    if power := _power(word):
        inner = _parsed(power[1]) if power[1] and not _POWER.match(power[1]) else None
        odd = inner is None or inner.log10 or inner.quantity == "count"  # 1e5 cycles: a condition
        return None if inner is None or odd else replace(inner, factor=power[0] * inner.factor)
    return _compound(word)


def parse_unit(word: str) -> Unit | None:
    """Parse a unit as files write it (mA, KOhm, µS, hrs, `10^-9 A`, A/cm2), or None unless it can mean one thing only.

    Parameters
    ----------
    word : str
        The unit without the name that it stands beside, with or without brackets.
    """
    return _parsed(_tidy(word))


def _folded(word: str) -> str:
    """Without case, blanks, and differences in how an ohm is written."""
    folded = word.casefold().replace(" ", "").replace("-", "")
    return re.sub("ohms?$", "ω", folded)


_LABELS: dict[str, list[str]] = {}
for _word in _WRITTEN:  # V A S s Ω only: (PW) or (FW) is hardly a watt
    if re.fullmatch("[fpnumkMG]?[VASsΩ]", _word):
        _LABELS.setdefault(_folded(_word), []).append(_word.replace("u", "µ"))


def readings(word: str) -> tuple[tuple[str, Unit], ...]:
    """Return what a word may mean that is always a question (mohm: mΩ, MΩ), the likeliest first; () for any other word.

    Every label is itself a word that `parse_unit` reads.

    Parameters
    ----------
    word : str
        As for `parse_unit`.
    """
    word = _tidy(word)
    if not word or _parsed(word) is not None:
        return ()
    if (found := _LOG_UNSAID.fullmatch(word)) and word[:2].lower() == "lo" and (inner := _parsed(found[1].strip())):
        return ((f"log10({found[1].strip()})", replace(inner, log10=True)),)
    meant = _MEANT.get(word) or (_MEANT.get(word.casefold()) if len(word) > 1 else None)
    labels = meant.split("|") if meant else list(_LABELS.get(_folded(word), ()))
    labels += [_MEGA[word]] if word in _MEGA else []
    if not labels and word[0] in "mM" and word[1:].casefold() in _MILLI:
        labels = [f"milli{word[1:].casefold()}", f"mega{word[1:].casefold()}"]
    units = [(label, parse_unit(label)) for label in labels]
    return tuple((label, unit) for label, unit in units if unit is not None)


def is_unit_like(word: str) -> bool:
    """Return whether somebody seems to have meant a unit: a word to be asked about if it is not understood.

    Parameters
    ----------
    word : str
        As for `parse_unit`; `SET`, `LTP`, `A1`, `raw` or `0.1 V` are no units but say more of a name.
    """
    word = _tidy(word)
    if word.casefold() in _NOTHING:
        return False
    if _parsed(word) is not None or readings(word) or (_LOST.fullmatch(word) and word.strip("?")):
        return True
    if _TIMES.match(word) or _LOG_LIKE.match(word):
        return True
    if power := _power(word):
        return not power[1].casefold().startswith(_COUNTED)  # after 1e5 cycles: a condition
    if re.fullmatch("[fpnumk][A-Z]|u[A-Z][a-z]?|dB[A-Za-z]{1,2}", word):  # a prefix before a symbol that nobody knows
        return True
    if (found := _SORT_OF.fullmatch(word)) and found[1] in _WRITTEN:
        return True
    rest = _CONDITION.sub(" ", word)  # `0.1 V` is a condition, `measured in mA` is a unit
    if any(_is_unambiguous(piece) for piece in re.split(r"[ ,;:=/*()]", rest) if piece):
        return True
    if "/" in word and all(_simple(side) or readings(side) for side in word.split("/")):  # K/W
        return True
    return any(sign in rest for sign in "Ω°%□‰") and len(rest) < 16


def _is_unambiguous(piece: str) -> bool:
    """A prefix and a symbol as written, or a length with an exponent: chance seldom makes these."""
    if len(piece) > 1 and piece in _WRITTEN and piece[0] in "cfpnumkMG" and piece != "G0":
        return True
    if piece.casefold() in ("ohm", "ohms", "volts", "amps", "siemens"):
        return True
    found = _COMPONENT.fullmatch(piece)
    return bool(found and found[3] and found[1] in ("cm", "um", "nm", "mm"))


_SIZE = re.compile(r"([\d.,]+(?:[eE][+-]?\d+)?) ?([^\W\d]+(?:\^?2|²)?)")


def multiply_by_size(density: Unit, size: tuple[float, int]) -> Unit | None:
    """Return the unit of a density times a size in metres and its power; None if the powers do not fit."""
    if abs(size[1]) != abs(density.length):
        return None
    return Unit(density.of, density.factor * size[0] ** (1 if size[1] == -density.length else -1), density.log10)


def parse_size(text: str) -> tuple[float, int] | None:
    """Parse the size of a device: 25 um2, 10 um, or area over length, 25 um2/5 nm.

    Returns
    -------
    tuple of float and int, optional
        Size in powers of a metre, and the power; None if the text is not a size.
    """
    size, power = 1.0, 0
    for sign, part in zip((1, -1), text.split("/"), strict=False):
        found = _SIZE.fullmatch(part.strip())
        metre = found is not None and found[2] == "m"  # no milli in a size
        unit = Unit("length", 1.0) if metre else parse_unit(found[2]) if found else None
        if found is None or unit is None or unit.quantity not in ("area", "length"):
            return None
        size *= (float(found[1].replace(",", ".")) * unit.factor) ** sign
        power += sign * (2 if unit.quantity == "area" else 1)
    return (size, power) if size > 0 and power and text.count("/") < 2 else None
