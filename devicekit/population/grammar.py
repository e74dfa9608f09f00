"""The grammar of the file names of a folder: which part is the wafer, the cell, the step, the date, a condition.

Names are split into words, numbers (with a unit) and what stands between. Names of one form make a family; parts that
differ become fields of a template, named by the words and brackets about them, their units, and what the files hold.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from devicekit.population.templates import (
    ISO_DATE,
    ORDER,
    PLACES,
    STEP_WORDS,
    UNITS,
    Template,
    parse_date,
    parse_number,
    quantity_of,
)

_COMMA = r"(?<![\d,])\d+,\d+(?=[A-Za-zµμΩ°])"  # a decimal comma if a unit follows, as in 0,5V
_PARTS = (
    rf"(?P<date>(?<!\d)(?:{ISO_DATE})(?!\d))"
    r"|(?:(?<![A-Za-z0-9])[-+]|(?<=[xyXY])-)?(?P<digits>COMMA\d+(?:\.\d+)?(?:[eE]-?\d+)?)"
    r"|(?P<word>[^\W\d_]+)|(?P<between>.)"
)
_TOKEN = re.compile(_PARTS.replace("COMMA", rf"{_COMMA}|"), re.DOTALL)
_PLAIN = re.compile(_PARTS.replace("COMMA", ""), re.DOTALL)
_UNIT = re.compile(r"(?:[A-Za-zµμΩ°%]+2?(?:/s)?)(?![A-Za-z0-9])")
_PLACE_WORDS = {
    **dict.fromkeys(("wafer", "waf", "wf", "w", "lot"), "wafer"),
    **dict.fromkeys(("die", "chip", "reticle", "d", "x", "y"), "die"),
    **dict.fromkeys(("row", "r", "wl"), "row"),
    **dict.fromkeys(("column", "col", "bl"), "column"),
    **dict.fromkeys(("cell", "device", "dev", "dut", "sample", "bit"), "cell"),
}
_COUNTERS = {
    **dict.fromkeys(("cycle", "cyc", "cy", "n"), "cycle"),
    **dict.fromkeys(("run", "no", "nr", "num", "test", "t", "file", "seq", "scan", "index"), "run"),
}
_OF_QUANTITY = {quantity: name for name, (quantity, _) in reversed(UNITS.items()) if name != "start"}
_TAKEN = {*_OF_QUANTITY.values(), *ORDER, *PLACES, "step", "start"}  # names of other fields
FEWEST = 0.02  # share of the files in a form of names below which it is not a form
RATE = 0.35  # relative deviation of a rate in a name from the time column: programs wait between points
NEAR = 0.02  # relative deviation of a voltage or a current in a name from that in the file


@dataclass(frozen=True)
class Sample:
    """Content of one file, by which a number in its name is known."""

    start: float  # first voltage [V]
    stop: float  # voltage of the largest size [V]
    rate: float  # median size of dV/dt [V/s]; NaN without times
    top: float  # largest size of the current [A]


@dataclass
class _Token:
    kind: str  # word, number, date, between
    text: str
    unit: str = ""


@dataclass
class _Part:
    """A part of the names of one family, with the text in each name."""

    kind: str
    unit: str
    texts: list[str]
    role: str = ""  # name of its field; "" for a literal

    @property
    def varies(self) -> bool:
        return len(set(self.texts)) > 1


@dataclass(frozen=True)
class Grammar:
    """Templates of the names of a folder, and what led to them.

    Attributes
    ----------
    templates : tuple of Template
        One for each form of names, the most frequent first.
    left_out : tuple of str
        Names that have no form in common with others.
    seen : tuple of str
        Evidence, a sentence each.
    """

    templates: tuple[Template, ...]
    left_out: tuple[str, ...] = ()
    seen: tuple[str, ...] = field(default=())


def split(stem: str) -> list[_Token]:
    """Split a name into words, numbers with their units, dates, and what stands between them."""
    found: list[_Token] = []
    at = 0
    while at < len(stem):
        match = _TOKEN.match(stem, at)
        assert match is not None
        at = match.end()
        if "," in (match["digits"] or "") and not _unit_at(stem, at):
            match = _PLAIN.match(stem, match.start())
            assert match is not None
            at = match.end()
        kind = "date" if match["date"] else "number" if match["digits"] else "word" if match["word"] else "between"
        token = _Token(kind, match[0])
        if kind == "number" and (unit := _unit_at(stem, at)):
            token = _Token(kind, match[0] + unit, unit)
            at += len(unit)
        if kind == "between" and found and found[-1].kind == "between":
            found[-1].text += token.text
        else:
            found.append(token)
    return found


def _unit_at(stem: str, at: int) -> str:
    """Return the unit at a place of a name; "" without one."""
    unit = _UNIT.match(stem, at)
    return unit[0] if unit and quantity_of(unit[0])[0] else ""


def _form(tokens: Sequence[_Token]) -> tuple[tuple[str, str], ...]:
    """Return what names of one family share: kinds, quantities, and what stands between."""
    return tuple((each.kind, each.text if each.kind == "between" else quantity_of(each.unit)[0]) for each in tokens)


def find_grammar(stems: Sequence[str], samples: Mapping[str, Sample] | None = None) -> Grammar:
    """Find the templates of the names of a folder.

    Parameters
    ----------
    stems : sequence of str
        Names without their endings.
    samples : mapping of str to Sample, optional
        What some of the files hold, by name.
    """
    families: dict[tuple[tuple[str, str], ...], list[int]] = defaultdict(list)
    tokens = [split(stem) for stem in stems]
    for k, each in enumerate(tokens):
        families[_form(each)].append(k)
    ordered = sorted(families.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    kept = [(form, rows) for form, rows in ordered if len(rows) >= max(1, FEWEST * len(stems))]
    if not kept:
        return Grammar((), tuple(stems))
    parts = [
        [_Part(form[p][0], tokens[rows[0]][p].unit, [tokens[k][p].text for k in rows]) for p in range(len(form))]
        for form, rows in kept
    ]
    seen: list[list[str]] = []
    for number, ((_, rows), own) in enumerate(zip(kept, parts, strict=True)):
        if number:
            _align(parts[0], own)
        _name_steps(own)
        if not number:
            _widen(own, [other for (_, others), other in zip(kept[1:], parts[1:], strict=True) if len(others) > 1])
        _name_by_words(own, number == 0 or not any(each.role in ("row", "column", "cell", "die") for each in own))
        seen.append(_name_by_content(own, [stems[k] for k in rows], samples or {}))
        _name_rest(own)
        seen[-1] += [
            f"no word and no unit says what {part.role} is: name it by template='...', such as {{rate:V/s}}"
            for part in own
            if is_unnamed(part.role)
        ]
    shared = [  # one name of several is a form only beside others of the same places
        len(rows) > 1 or len(stems) == 1 or (number > 0 and len(kept[0][1]) > 1 and _places(own) == _places(parts[0]))
        for number, ((_, rows), own) in enumerate(zip(kept, parts, strict=True))
    ]
    roles = [{each.role for each in own} - {""} for own in parts]
    sizes = [len(rows) if good else 0 for (_, rows), good in zip(kept, shared, strict=True)]
    stepped = sum(size for each, size in zip(roles, sizes, strict=True) if "step" in each)
    has_step = 2 * stepped > sum(sizes)
    used = [good and bool(each) and (not has_step or "step" in each) for each, good in zip(roles, shared, strict=True)]
    left = [k for _, rows in ordered[len(kept) :] for k in rows]
    left += [k for (_, rows), good in zip(kept, used, strict=True) if not good for k in rows]
    names = dict.fromkeys(Template(_text(own)) for own, good in zip(parts, used, strict=True) if good)
    evidence = [words for each, good in zip(seen, used, strict=True) if good for words in each]
    return Grammar(tuple(names), tuple(stems[k] for k in sorted(left)), tuple(dict.fromkeys(evidence)))


def _places(own: Sequence[_Part]) -> str:
    """Return the template as far as its last place."""
    last = max((k for k, part in enumerate(own) if part.role in PLACES), default=-1)
    return _text(own[: last + 1])


def _widen(own: Sequence[_Part], others: Sequence[Sequence[_Part]]) -> None:
    """Let the first family know the texts of the others in the parts that they share, to see what varies."""
    for other in others:
        for ours, theirs in zip(own, other, strict=False):
            if (ours.kind, ours.unit == "") != (theirs.kind, theirs.unit == ""):
                break
            ours.texts = [*ours.texts, *theirs.texts]


def _align(first: Sequence[_Part], own: Sequence[_Part]) -> None:
    """Give a family the roles of the largest one, from the left as far as they agree, then from the right."""
    same = [_alike(a, b) for a, b in zip(first, own, strict=False)]
    ahead = same.index(False) if False in same else len(same)
    for a, b in zip(first[:ahead], own[:ahead], strict=True):
        b.role = a.role
    for a, b in zip(
        first[: ahead - 1 : -1] if ahead else first[::-1], own[: ahead - 1 : -1] if ahead else own[::-1], strict=False
    ):
        if not _alike(a, b):
            break
        b.role = a.role


def _alike(a: _Part, b: _Part) -> bool:
    return a.kind == b.kind and quantity_of(a.unit)[0] == quantity_of(b.unit)[0]


def _name_steps(own: Sequence[_Part]) -> None:
    for part in own:
        if part.kind == "word" and all(text.lower() in STEP_WORDS for text in part.texts):
            part.role = "step"
            return


def _name_by_words(own: Sequence[_Part], places: bool) -> None:
    """Name dates, numbers after a word such as wafer or cycle, numbers with units, and the places without a word."""
    step = next((k for k, part in enumerate(own) if part.role == "step"), len(own))
    inside, grouped = False, set()
    for k, part in enumerate(own):
        if part.kind == "between":
            brackets = [sign for sign in part.texts[0] if sign in "([)]"]
            inside = brackets[-1] in "([" if brackets else inside
        elif inside:
            grouped.add(k)
        if part.role or part.kind not in ("number", "date"):
            continue
        if part.kind == "date" or (
            not part.unit and all(len(t) >= 6 and parse_date(t) for t in part.texts) and part.varies
        ):
            part.role = "date"
            continue
        word = _word_before(own, k)
        if word in _COUNTERS and part.varies:
            part.role = _COUNTERS[word]
        elif word in _PLACE_WORDS and not part.unit:
            part.role = _PLACE_WORDS[word] if part.varies or word in ("wafer",) else ""
        elif word == "c" and not part.unit and part.varies:
            part.role = "column" if any(each.role == "row" for each in own) else "cell"
        elif part.unit and part.varies | (quantity_of(part.unit)[0] == "current"):
            part.role = _condition(own, quantity_of(part.unit)[0])
    if places:
        _name_places(own, step, grouped)


def _word_before(own: Sequence[_Part], k: int) -> str:
    """Return the word before a number, beside it or behind one sign; "" if it is not the same in all names."""
    before = [part for part in own[max(k - 2, 0) : k] if part.kind != "between"]
    if not before or before[-1].kind != "word" or before[-1].varies or before[-1].role:
        return ""
    joined = own[k - 1].kind == "word" or own[k - 1].texts[0] in "_- =#"
    return before[-1].texts[0].lower() if joined else ""


def _condition(own: Sequence[_Part], quantity: str) -> str:
    """Return the name of a number with a unit; of two voltages the first is the start."""
    name = _OF_QUANTITY.get(quantity, "")
    if name == "stop":
        earlier = next((part for part in own if part.role == "stop"), None)
        if earlier is not None:
            earlier.role = "start"
    return name if not name or all(part.role != name for part in own) else ""


def _name_places(own: Sequence[_Part], step: int, grouped: set[int]) -> None:
    """Name the places that no word names: what varies before the step, or beside a named place in brackets."""
    named = {part.role for part in own}
    open_ = [
        k
        for k, part in enumerate(own)
        if part.kind in ("number", "word") and not part.role and part.varies and not part.unit
    ]
    places = [k for k in open_ if k < step or k in grouped]
    if step == len(own):
        places = [k for k in places if k in grouped or own[k].kind == "number"]
    places = [k for k in places if all(_is_label(text) for text in own[k].texts)]
    joined = [k for k in places if own[k].kind == "word" and k + 1 in places]  # A and 1 of A1
    if joined and not {"cell", "row"} & named:
        own[joined[-1]].role = own[joined[-1] + 1].role = "cell"
        places = [k for k in places if not own[k].role]
        named.add("cell")
    if len(places) >= 2 and not {"row", "column", "cell"} & named and all(own[k].kind == "number" for k in places[-2:]):
        own[places[-2]].role, own[places[-1]].role = "row", "column"
        places = places[:-2]
    elif places and "cell" not in named and not {"row", "column"} <= named:
        own[places.pop()].role = "cell"
    for k in places:
        own[k].role = "die" if "die" not in named or k in grouped else "label"


def _is_label(text: str) -> bool:
    """Return whether a text can be a place: a whole number, or a word."""
    return re.fullmatch(r"[-+]?\d{1,5}|[^\W\d_]+", text) is not None


def _name_by_content(own: Sequence[_Part], stems: Sequence[str], samples: Mapping[str, Sample]) -> list[str]:
    """Name plain numbers that agree with what the files hold: start, stop, rate; return the evidence."""
    known = [(k, samples[stem]) for k, stem in enumerate(stems) if stem in samples]
    step = next((k for k, part in enumerate(own) if part.role == "step"), -1)
    seen = []
    for name in ("stop", "start", "rate"):
        if not known or any(part.role == name for part in own):
            continue
        for k in range(step + 1, len(own)):
            part = own[k]
            if part.role or part.kind != "number" or part.unit or _is_in_a_list(own, k):
                continue
            numbers = np.array([parse_number(part.texts[k]) for k, _ in known], float)
            values = np.array([getattr(sample, name) for _, sample in known], float)
            within = RATE if name == "rate" else NEAR
            agreeing = np.abs(numbers - values) <= within * np.abs(numbers) + (1e-6 if name == "start" else 0.0)
            if np.isfinite(values).any() and agreeing[np.isfinite(values)].mean() >= 0.8:
                part.role = f"rate:{UNITS['rate'][1]}" if name == "rate" else f"{name}:V"
                words = {
                    "stop": "the largest voltage",
                    "start": "the first voltage",
                    "rate": "the slope of voltage over time",
                }
                seen.append(
                    f"{name} in the names agrees with {words[name]} of {int(agreeing.sum())} of {len(known)} files"
                )
                break
    return seen


def _is_in_a_list(own: Sequence[_Part], k: int) -> bool:
    """Return whether a comma and another number follow a number, or precede it: alone it is not a quantity."""
    sides = (own[k + 1 : k + 3], own[max(k - 2, 0) : k][::-1])
    return any([each.kind for each in side] == ["between", "number"] and side[0].texts[0] == "," for side in sides)


def _name_rest(own: Sequence[_Part]) -> None:
    """Name what else varies: numbers and labels that may matter."""
    count, step = 0, next((k for k, part in enumerate(own) if part.role == "step"), -1)
    for k, part in enumerate(own):
        if not part.role and part.kind in ("number", "word") and part.varies:
            counted = k > step and part.kind == "number" and not part.unit and all(map(str.isdigit, part.texts))
            word = _word_before(own, k) if part.kind == "number" and not part.unit else ""
            if counted and not any(each.role in ORDER for each in own) and (len(word) < 2 or _is_run(part.texts)):
                part.role = "run"
                continue
            name = f"{word} value" if word in UNITS or word in _TAKEN else word  # a plain number has no unit
            if re.fullmatch("[a-z]{2,}", word) and name not in {each.role for each in own}:
                part.role = name
                continue
            count += 1
            part.role = f"{'number' if part.kind == 'number' else 'label'}{count}"


def _is_run(texts: Sequence[str]) -> bool:
    """Return whether whole numbers leave none out."""
    numbers = set(map(int, texts))
    return max(numbers) - min(numbers) == len(numbers) - 1


def is_unnamed(role: str) -> bool:
    """Return whether a field is a number of which nothing says what it is."""
    return re.fullmatch(r"number\d+", role) is not None


def _text(own: Sequence[_Part]) -> str:
    """Return the template; neighbouring parts of one role are one field."""
    text, last = "", ""
    for part in own:
        if part.role and part.role == last:
            continue
        text += f"{{{part.role}}}" if part.role else part.texts[0]
        last = part.role
    return text
