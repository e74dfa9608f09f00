"""Parser of column names: bare name, unit and quantity.

A unit is read only if it can mean one thing and fits the name; else `Heading.unclear` gives the reason, so that a
caller can ask. A unit word that is not understood is never taken for SI.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from devicekit.core.quantities import GLOSSARY
from devicekit.names import Unit, parse_unit
from devicekit.names.units import is_unit_like, readings
from devicekit.readers.lexicon import means, words_of

LONGEST = 400  # characters of a name; longer text is a sentence


@dataclass(frozen=True)
class Heading:
    """Parsed name of a column.

    Parameters
    ----------
    name : str
        The name without its unit; qualifiers such as (LRS) stay.
    word, unit : optional
        The unit as written, and its meaning; no unit if the word is not understood.
    unclear : str
        Reason why the unit is not understood; "" if it is, or if there is none.
    quantity : str, optional
        Quantity by the unit, else by the words of the name.
    log10, magnitude : bool
        True if the numbers are decimal logarithms (`log I`); true if they are magnitudes (`AbsI`).
    """

    name: str
    word: str | None = None
    unit: Unit | None = None
    unclear: str = ""
    quantity: str | None = None
    log10: bool = False
    magnitude: bool = False


@dataclass(frozen=True)
class _ParsedName:
    """Quantities that the unit of a name may have (empty: any), and its one quantity where the words settle it."""

    allowed: frozenset[str] = frozenset()
    quantity: str | None = None
    level: bool = False
    log10: bool = False
    magnitude: bool = False
    problem: str = ""


_MEANS = {
    "voltage": "voltage voltages volt volts bias potential spannung tension U "
    "偏压 电压 電壓 電圧 전압 напряжение вольт",
    "current": "current currents strom courant 电流 電流 전류 courant ток ампер",
    "resistance": "resistance resistances widerstand résistance 电阻 電阻 抵抗 저항 сопротивление",
    "conductance": "conductance conductances leitwert 电导 電導 전도도 проводимость",
    "time": "time times zeit elapsed duration delay interval period 时间 時間 시간 время",
    "temperature celsius fahrenheit": "temperature temperatures temp temperatur 温度 溫度 온도 температура",
    "time temperature celsius fahrenheit": "T",
}
QUANTITY_WORDS = {word: words_of(meant) for meant, words in _MEANS.items() for word in words.split()}
QUANTITY_WORDS |= {
    "amplitude": words_of("voltage current"),
    "width": words_of("time length"),
    "weight": words_of("weight"),
}
_HEADS = tuple(  # words that end compounds: Pulsspannung, 脉冲电压
    word
    for word in QUANTITY_WORDS
    if word in ("spannung", "strom", "widerstand", "leitwert", "zeit") or word > "\u2e80"
)
_SYMBOLS = {"V": "voltage", "I": "current", "R": "resistance", "G": "conductance", "t": "time"}
_INDICES = words_of(  # indices of V, I, R, G
    "d g s b c ds gs bs te be bl wl sl top bot bottom gate drain source anode cathode in out app applied meas measure "
    "measured read rd write wr w p pulse prog erase set reset form forming th hold stop start max min on off lrs hrs "
    "low high ltp ltd pot dep up down pos neg comp cc compliance limit lim abs avg mean raw leak sense force ch smu "
    "sweep stress bias init initial final before after ref tot total pre post"
)
_SYMBOL = re.compile(
    rf"(Δ|δ|d|delta|Delta)?(?:([VIRG])(?i:{'|'.join(sorted(_INDICES))})?|(t)(?:pulse|p|w|set|reset|max|min)?)"
    r"|([vi])(?:ds|gs|g|meas|max|read|comp)?|(v)(?:d|in|out|app|set|reset|th)"
)
_NO_CURRENT = words_of("ID Id id IDs Is IC")  # identifiers, as often as not
_COUNTED = words_of("cycle cyc cycles sweep loop run dev device cell sample die ch channel no # smu dut")
_THINGS = _COUNTED | words_of("chip group batch wafer lot part panel type class phase series plot fig table mode")
_JOINS = words_of("at @ = vs vs. versus of and per by for with to from the under over - + * x or")
_AFTER = re.compile(r"(?<=[\w)\]|]) ?(?:@|\b(?:at|for|with|under|when|after|before|during)\b).*")
_PLACE = re.compile(r"(?i)(?<![^\W_])(?:r\d{1,4}[ _]?c\d{1,4}|c\d{1,4}[ _]?r\d{1,4})(?![^\W_])")
_SETTING = re.compile(r"[^\W\d]\w* ?= ?[^\s,;]*(?: [fpnuµμmkMG]?(?:V|A|S|s|K|Ω|ohm)\b)?")
_VALUE = re.compile(r"(?<![^\W_])[-+]?[\d.]+(?:[eE][-+]?\d+)? ?[fpnuµμmkMG]?(?:[VASsKΩ]|[oO]hms?)(?![^\W_])")
_FUNCTION = re.compile(r"(?:((?i:log_?10|log)|lg(?=[ _(]))|((?i:absolute|abs)))(?![a-z])[ ._]*(?=[^ ._])")
_NO_LOG10 = re.compile(r"((?i:ln|log_?2|log_?e|sqrt))(?=[ (_|]|[VIRG](?![a-z]))[ _]?")
_CALL = re.compile(r"(?<![^\W_])(?:((?i:log_?10|log|ln|log_?2|abs|sqrt)) ?|(lg|exp))$")
_POWER = re.compile(r"(?:^|[ _])1(?:\.0*)?e[-+]?\d+(?=$| )", re.IGNORECASE)
_SCALED = re.compile(  # G x 10^6, 1e6*G, I (x1000)
    r"[×✕*·/] ?(?:10|1[eE]-?\d)|\b[xX] ?(?:10 ?(?:\^|\*\*)|1[eE]-?\d)|(?:10 ?(?:\^|\*\*) ?-?\d+|1e-?\d+) ?[×*·x]"
    r"|[(\[{] ?(?:[xX×*] ?\d|(?:10 ?\^ ?[-+]?|1[eE][-+]?)\d+ ?[)\]}])"
)
_SCALE = re.compile(r"(10+) ?([^\W\d].*)")
_R_NAME = re.compile(r"(.*[^.])\.\.([^.]+)\.(?:\.?\d+)?")  # R writes V (mV) as V..mV.
_BRACKETS = str.maketrans("（）［］｛｝【】，／∆", "()[]{}[],/Δ")
_OF_STATES = {"resistance", "conductance", "current"}
_NOTHING = words_of("- -- – — 1 # n/a N/A none None nan") | {""}
_BY_NAME = {"K": "temperature", "C": "celsius", "US": "conductance time", "Us": "conductance time", "HRS": "time"}
_GLOSSARY_UNITS = {"K": Unit("temperature", 1.0), "m": Unit("length", 1.0)}  # in devicekit's column names
_PART_OF_NAMES = words_of("min mins hrs hr amp norm normalized normalised percent g0")


def _bracket_groups(text: str) -> list[tuple[int, int, str]]:
    """Return start, end and content of each outer pair of brackets; an unclosed one ends with the text."""
    found, depth, start = [], 0, 0
    for place, sign in enumerate(text):
        if sign in "([{":
            start, depth = start if depth else place, depth + 1
        elif sign in ")]}" and depth:
            depth -= 1
            found += [] if depth else [(start, place + 1, text[start + 1 : place].strip())]
    return [*found, (start, len(text), text[start + 1 :].strip())] if depth else found


def _strip_brackets(text: str) -> str:
    """Return the text without the parts in brackets."""
    for start, end, _ in reversed(_bracket_groups(text)):
        text = f"{text[:start]} {text[end:]}"
    return " ".join(text.split())


def _word_quantities(token: str, before: str = "") -> tuple[frozenset[str], bool]:
    """Return the quantities that a word of a name stands for, and whether it means a change of one."""
    if meant := QUANTITY_WORDS.get(token) or (QUANTITY_WORDS.get(token.lower()) if len(token) > 1 else None):
        return meant, False
    if token.lower().endswith(_HEADS):
        return next(QUANTITY_WORDS[head] for head in _HEADS if token.lower().endswith(head)), False
    found = None if before in _THINGS or token in _NO_CURRENT else _SYMBOL.fullmatch(token)
    if found is None:
        return frozenset(), False
    quantity = _SYMBOLS[found[2] or found[3] or (found[4] or found[5]).upper()]
    return frozenset({quantity}), bool(found[1]) and quantity != "time"


def _splitwords_of(text: str) -> list[str]:
    """Split a name into words and numbers, camel case too, but not symbols with an index (VDs); drop places (R2C3)."""
    found = []
    text = _PLACE.sub(" ", text)
    for run in re.findall(r"[^\W\d_]+|\d+", text):
        apart = not _word_quantities(run)[0] and run not in _NO_CURRENT
        found += re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^\WA-Z_]+|[A-Z]", run) if apart else [run]
    return found


@lru_cache(maxsize=4096)
def _parse_name(name: str) -> _ParsedName:
    """Find the quantities that the words of a name allow."""
    text, log10, magnitude = name.strip(), False, False
    for _ in range(3):
        if found := _FUNCTION.match(text):
            inner = text[found.end() :]
            if inner[0] not in "([{|" and not _parse_name(inner).allowed:
                break  # MODE, logic
            log10, magnitude = log10 or bool(found[1]), magnitude or bool(found[2])
        elif text[:1] == "|" and "|" in text[2:]:
            inner, magnitude = text[1:].replace("|", " ", 1), True
        else:
            break
        groups = _bracket_groups(inner)
        text = (groups[0][2] + inner[groups[0][1] :] if groups and groups[0][0] == 0 else inner).strip()
    if (found := _NO_LOG10.match(text)) and (inside := _parse_name(text[found.end() :].strip("()[]{}| "))).allowed:
        return _ParsedName(inside.allowed, problem=f"{found[1]} is not a decimal logarithm")
    text = _SCALED.sub(" ", " ".join(_AFTER.sub("", _SETTING.sub(" ", _strip_brackets(text))).split()))
    text = _VALUE.sub(lambda at: at[0] if _ends_in_count_word(text[: at.start()]) else " ", text)
    if re.search(r"[/^*+]", text):  # a ratio or a power
        return _ParsedName(log10=log10, magnitude=magnitude)
    parsed = _parsewords_of(_splitwords_of(text))
    return replace(parsed, log10=log10 or parsed.log10, magnitude=magnitude or parsed.magnitude)


def _ends_in_count_word(before: str) -> bool:
    """Return whether a number after this text counts devices, cycles, ...: then it is not a value with a unit."""
    return (["", *re.findall(r"[^\W\d_]+|#", before[-40:])])[-1].lower() in _COUNTED


def _parsewords_of(tokens: list[str]) -> _ParsedName:
    """Find the quantity that the words name."""
    lower = [token.lower() for token in tokens]
    if any(means("other quantity", token) for token in lower):
        return _ParsedName()
    change, symbol, found = not {"delta", "change", "difference", "diff", "Δ", "δ"}.isdisjoint(lower), False, []
    for k, low in enumerate(lower):
        now = low == "current" and k + 1 < len(lower) and lower[k + 1] in (_COUNTED | {"pulse", "time", "state"})
        if now or (symbol and low in _INDICES):  # the current pulse; V_th
            continue
        meant, differs = _word_quantities(tokens[k], lower[k - 1] if k else "")
        symbol = len(meant) == 1 and bool(_SYMBOL.fullmatch(tokens[k]))
        change = change or differs
        found += [meant] if meant and meant not in found else []
    log10, magnitude = "log" in lower[1:], "magnitude" in lower or any(low.endswith("abs") for low in lower)
    if len(found) > 1:  # bias current, width time: the weaker word gives way
        weak = [meant for meant in found if len(meant) > 1] + ([words_of("voltage")] if "bias" in lower else [])
        found = [meant for meant in found if meant not in weak]
    if not found and not {"hrs", "lrs", "high", "low", "on", "off"}.isdisjoint(lower):
        return _ParsedName(words_of("conductance resistance current weight"), None, True, log10, magnitude)
    if len(found) != 1:
        return _ParsedName()
    allowed = words_of("time") if {"pulse", "width"} <= {*lower} and "time" in found[0] else found[0]
    if change and allowed != {"time"}:
        return _ParsedName(allowed | {"fraction", "weight"}, None, False, log10, magnitude)
    named = allowed - {"celsius", "fahrenheit"}
    return _ParsedName(allowed, next(iter(named)) if len(named) == 1 else None, False, log10, magnitude)


def _explain_unit(word: str, allowed: frozenset[str] = frozenset()) -> str:
    found = readings(word)
    fitting = [label for label, unit in found if unit.quantity in allowed]
    meant = " or ".join(fitting or [label for label, _ in found])
    return f"{word!r} may mean {meant}" if meant else f"unknown unit {word!r}"


def _resolve_unit(word: str, bare: str) -> tuple[Unit | None, str] | None:
    """Return the unit that a word beside a name means, or why it is unclear; None if it is not a unit."""
    parsed, unit, plain = _parse_name(bare), parse_unit(word), word.strip(" .()[]")
    if unit is None and (answers := words_of(_BY_NAME.get(plain, "")) & parsed.allowed):
        unit = next(each for _, each in readings(plain) if each.quantity in answers)
    if plain.lower() in ("min", "mins", "hrs", "hr", "second") and "time" not in parsed.allowed and not parsed.level:
        if parsed.allowed or plain == "HRS":
            return None  # R (min), R (HRS), I (second): the least, the level, the other sweep
        return None, f"{word!r} in {bare!r} may be a time or not a unit"
    if unit is None:
        return (None, _explain_unit(word, parsed.allowed)) if is_unit_like(word) else None
    if not parsed.allowed and plain in "AVSsh" and (_splitwords_of(bare) or [""])[-1].lower() in _THINGS:
        return None, f"{word!r} in {bare!r} may be a unit or a name"
    normalised = unit.quantity == "weight" and parsed.quantity in ("conductance", "current")
    if not parsed.allowed or unit.quantity in parsed.allowed or unit.quantity == "density" or normalised:
        return unit, ""
    names = "a state" if parsed.level else " or ".join(sorted(parsed.allowed - {"fahrenheit", "celsius"}))
    return None, f"{word} is a unit of {unit.quantity}, but {bare!r} means {names}"


def _is_unambiguous(word: str) -> bool:
    """Return whether a word outside brackets can only be a unit: volts, a prefix and a symbol, but not A or min."""
    plain = len(word) < 2 or word == "ma" or word[0].isdigit() or word.lower() in _PART_OF_NAMES
    return not plain and (unit := parse_unit(word)) is not None and unit.quantity != "count"


def _unbracketed_unit(head: str, word: str, mark: str) -> tuple[Unit | None, str] | None:
    """Resolve a unit without brackets like `_resolve_unit`; a word that may be part of the name is not a unit."""
    parsed, joined = _parse_name(head), mark in "_.-"
    relative = head in (f"Δ{word}", f"d{word}", f"delta {word}")
    scaled = mark in "/," and parse_unit(word) is not None  # I / 1e-6 A
    if parsed.allowed and (_POWER.search(head) or (mark == " " and _POWER.match(word))) and parse_unit(word):
        return None, f"{word!r} after {head!r} may be a unit or a value"  # G 1e-6 S, G_1e-6_S
    if (scale := _SCALE.fullmatch(word)) and (unit := parse_unit(scale[2])) and unit.quantity in parsed.allowed:
        return None, f"{word!r} after {head!r} may be a unit or a value"  # current_100nA
    if not head or not word or relative or word[0] in "#|" or (re.match(r"[-+]?\d(?!0?\^)", word) and not scaled):
        return None
    if mark == " " and (head.split()[-1].lower() in _JOINS or (head[-1].isdigit() and not _ends_in_count_word(head))):
        return None
    fits = bool(parsed.allowed) and not (parsed.level and mark in "_.- ")
    known = parse_unit(word) is not None
    part = (known or len(word) < 3) if mark in "_.- " else (len(word) == 1 and not known)
    if part and not fits and not _is_unambiguous(word):
        return None  # sample_A, dev min, n/a
    if (verdict := _resolve_unit(word, head)) is None:
        return None
    if (unit := verdict[0]) is not None and unit.quantity == "count":
        return None  # max cycles
    if (
        (word in ("ma", "min") and mark not in "/,")
        or (unit and not fits and not _is_unambiguous(word))
        or (joined and not parsed.allowed)
    ):
        return None, f"{word!r} after {head!r} may be a unit or part of the name"
    if unit is None and len(word) == 1 and mark == " " and word not in "kKMmuµnpaAVSs":
        return None  # I d
    if unit is None and joined and not _is_unambiguous(word):  # V_S, I_a: an index; current_na: a unit
        meant = any(each.quantity in parsed.allowed for _, each in readings(word))
        return verdict if meant and (len(word) > 1 or (head.islower() and len(head) > 1)) else None
    return verdict


def _is_density(word: str) -> bool:
    """Return whether a unit is that of a density which a size of the device turns into a current or a state."""
    return (unit := parse_unit(word)) is not None and bool(unit.of)


def scaled_word(word: str) -> str | None:
    """Return the unit that a round number of units is, 1e-07 A for 100nA; None for another word."""
    found = _SCALE.fullmatch(word)
    unit = parse_unit(found[2]) if found else None
    symbol = (
        {"current": "A", "voltage": "V", "resistance": "ohm", "conductance": "S"}.get(unit.quantity) if unit else ""
    )
    return f"{float(found[1]) * unit.factor:.0e} {symbol}" if found and unit and symbol else None


def _trailing_unit(text: str) -> tuple[str, str, Unit | None, str] | None:
    """Find a unit after a slash, comma, `in`, blank or underscore: bare name, word, unit, reason if unclear."""
    words = text.split(" ")
    density = re.search(r"(.*?)[,;:]?(?: in |[ _])([^ _/]+/[^/]*)$", text)  # current density in A/cm2
    splits = [(density[1], density[2], ",")] if density and _is_density(density[2]) else []
    splits += [(text.partition("/")[0], text.partition("/")[2], "/")]
    splits += [(text.rpartition(mark)[0], text.rpartition(mark)[2], mark) for mark in "/,"]
    splits += [(" ".join(words[:-k]), " ".join(words[-k:]), " ") for k in (3, 2, 1)]
    splits += [(text.rpartition(mark)[0], text.rpartition(mark)[2], mark) for mark in "_.-"]
    for head, word, mark in splits:
        head, word = head.strip(), word.strip()
        if mark == " " and " " in word and (parse_unit(word) is None or word.lower().startswith("in ")):
            continue
        if mark == " " and head.lower().endswith(" in"):
            head, mark = head[:-3].rstrip(), ","
        if (verdict := _unbracketed_unit(head, word, mark)) is not None:
            return head, word, *verdict
    for word in re.split("[ _,;]+", text)[1:-1]:  # V_mV_up
        if _is_unambiguous(word) and (unit := parse_unit(word)) and unit.quantity in _parse_name(text).allowed:
            return text, word, None, f"{word!r} within {text!r} may be a unit or part of the name"
    return None


def _parse_foreign_name(text: str) -> Heading:
    """Parse a name that is not one of devicekit's."""
    groups = _bracket_groups(text)[-8:]
    for start, end, content in reversed(groups):
        bare = f"{text[:start].rstrip(' /,:;_.')} {text[end:].lstrip(' ._')}".strip() or text
        if called := _CALL.search(text[:start][-12:]):
            if parse_unit(content) is None:
                if (inner := _parse_foreign_name(content)).word:  # log10(I/A)
                    return _build_heading(
                        f"{text[:start]}({inner.name}){text[end:]}", inner.word, inner.unit, inner.unclear
                    )
                continue
            if called[0].lower().strip() != "abs":  # log10(A): a unit by itself
                word = f"{called[0].strip()}({content})"
                return _build_heading(text, word, parse_unit(word), "" if parse_unit(word) else _explain_unit(word))
        known = [piece.strip() for piece in re.split("[,;]", content) if parse_unit(piece)]
        word = known[0] if len(known) == 1 and not parse_unit(content) else content  # (A, abs)
        if content and not content.isdigit() and (verdict := _resolve_unit(word, bare)) is not None:
            count = verdict[0] is not None and verdict[0].quantity == "count"
            before = parse_heading(bare) if bare != text else Heading(bare)
            stated = bare.lower() in GLOSSARY or _is_unambiguous(before.word or "")
            if stated and before.unit not in (None, verdict[0]):
                verdict = None, f"the name states {before.word}, the brackets {word}"
            return _build_heading(bare) if count else _build_heading(bare, word, *verdict)
    slash = (
        _trailing_unit(_strip_brackets(text)) if "/" in text else None
    )  # V/V, V / mV: a voltage in volts, not a ratio
    ratio = slash and slash[2] and (first := parse_unit(slash[0])) and first.quantity == slash[2].quantity
    whole = parse_unit(text) if slash and slash[2] else None  # A/kohm is not a unit of a known quantity: A in kohm
    nothing = slash and whole and whole.quantity == "other" and slash[2] and slash[2].quantity in _OF_STATES
    if (
        slash and (ratio or nothing or _is_density(slash[1])) and len(slash[0]) == 1
    ):  # A/microamps: A in microamps, not a ratio of currents
        return _build_heading(*slash)
    if _is_unambiguous(text) and not (slash and slash[2] and _parse_name(slash[0]).allowed):
        return _build_heading(text, text, parse_unit(text))
    if (found := _trailing_unit(_strip_brackets(text))) is None:
        return _build_heading(text)
    if _SCALE.fullmatch(found[1]):  # which may as well be part of the name
        return _build_heading(text, *found[1:])
    return _build_heading(" ".join([found[0], *(text[start:end] for start, end, _ in groups)]), *found[1:])


def _build_heading(name: str, word: str | None = None, unit: Unit | None = None, unclear: str = "") -> Heading:
    parsed = _parse_name(name)
    unclear = unclear or parsed.problem
    if not unclear and (parsed.allowed or unit) and _SCALED.search(name):
        unclear = f"the numbers of {name!r} may be multiplied by a power of ten"
    unit = None if unclear else unit
    quantity, log10 = (unit.quantity, unit.log10) if unit else (parsed.quantity, False)
    return Heading(name, word, unit, unclear, quantity, log10 or parsed.log10, parsed.magnitude)


def _apply_unit_cell(found: Heading, cell: str) -> Heading:
    """Return the heading with the unit from the row of units."""
    verdict = _resolve_unit(cell, found.name)
    if cell.lower() in ("second", "seconds", "sec") and not _parse_name(found.name).allowed:
        verdict = (parse_unit("s"), "")  # in a row of units it is not an ordinal
    if verdict is None and not (found.unit or found.unclear or _parse_name(found.name).allowed):
        return found  # a word beside a name without a quantity
    unit, why = verdict or (None, _explain_unit(cell))
    if found.unit is not None:
        why = "" if unit == found.unit else f"the name states {found.word}, the row of units {cell}"
    elif found.unclear and unit not in [each for _, each in readings(found.word or "")]:
        why = found.unclear
    return _build_heading(found.name, cell, None if why else unit, why)


@lru_cache(maxsize=4096)
def parse_heading(name: str, unit_cell: str | None = None) -> Heading:
    """Parse the name of a column and the cell of a row of units below it.

    Parameters
    ----------
    name : str
        As the file writes it: `I (uA)`, `V [V]`, `R/kohm`, `time, s`, `I_nA`, or one of devicekit's, `time_s`.
    unit_cell : str, optional
        From a row of units.
    """
    text = " ".join(name.translate(_BRACKETS).split()).strip("\"'")
    if split := _R_NAME.fullmatch(text[:LONGEST]):
        text = f"{split[1]} ({split[2]})"
    standard = GLOSSARY.get(text.lower())
    if standard is None:
        found = _parse_foreign_name(text) if len(text) <= LONGEST else Heading(text)
    elif unit := parse_unit(standard.unit) or _GLOSSARY_UNITS.get(standard.unit):
        found = Heading(text.rpartition("_")[0], standard.unit, unit, quantity=unit.quantity)
    else:
        found = Heading(text, quantity="weight" if standard.name == "weight" else None)
    cell = " ".join((unit_cell or "").split())
    return found if cell in _NOTHING or cell == found.word else _apply_unit_cell(found, cell)


def _scalable_heading(name: str) -> Heading | None:
    """Return the heading of a column that a factor converts to SI units, else None."""
    found = parse_heading(name)
    return found if found.unit and not found.log10 and found.unit.quantity not in ("celsius", "fahrenheit") else None


def split_unit(name: str) -> tuple[str, str | None]:
    """Split a column name such as `I (uA)`, `V [V]`, `R/kohm` or `I_nA` into bare name and unit word."""
    return (found.name, found.word) if (found := _scalable_heading(name)) else (name.strip(), None)


def find_stated_unit(name: str) -> Unit | None:
    """Return the unit that a column's name states; None if it states none or an unclear one."""
    return found.unit if (found := _scalable_heading(name)) else None
