"""Words of column names and what they mean: one expression each, with a name that it fits.

Names are in lower case, their words separated by single blanks (`normalise_name`), where it is not stated otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """Words for one meaning.

    Parameters
    ----------
    pattern : re.Pattern
        Regular expression.
    example : str
        A name that it fits.
    whole : bool
        True if it must fit the whole name.
    """

    pattern: re.Pattern[str]
    example: str
    whole: bool

    def fit(self, name: str) -> bool:
        """Return whether the words stand in a name."""
        return bool(self.pattern.fullmatch(name) if self.whole else self.pattern.search(name))


def words_of(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


def _whole(pattern: str, example: str) -> Words:
    return Words(re.compile(pattern), example, True)


def _part(pattern: str, example: str) -> Words:
    return Words(re.compile(pattern), example, False)


_NUMBERED = r"( ?(no|number|nr|index|idx|count|id|#))?"
LEXICON = {
    # columns by their whole name
    "device_id": _whole(
        r"(device|dev|dut|cell|sample|chip|die|address|addr|memristor|board|resistor|element|junction"
        r"|pixel|bauteil|bauelement|probe|器件|样品)( ?(id|name|no|number|nr|#|index))?",
        "cell no",
    ),
    "cycle": _whole(
        r"((switching |endurance |set reset |program(ming)? )?cycles?|cyc|zyklus|zyklen|循环|loop|run|sweep|scan"
        rf"|ramp|rmp|iteration|iter|rep|trial|(number|no) of cycles){_NUMBERED}",
        "switching cycles",
    ),
    "pulse_index": _whole(
        r"(pulses?|puls|pulsnummer|脉冲|脉冲数|(number|no) of pulses|(n|#|no|nr|number) pulses?)"
        r"( ?(no|n?number|nr|index|idx|count|id|#))?",
        "pulse number",
    ),
    "point": _whole(r"(point|pt|points)( ?(no|number|nr|index|#))?", "point"),
    "counter": _whole(r"(n|no|nr|number|index|idx|#|x|count|step|row|record|i|k|id)", "index"),
    "direction": _whole(
        r"(direction|dir|polarity|operation|op|mode|process|type|branch|pulse type|ltp ltd|pot dep|richtung|方向)",
        "ltp ltd",
    ),
    "level": _whole(r"(level|state|resistance state|hrs lrs|lrs hrs|zustand|状态)", "resistance state"),
    "repeat": _whole(r"(repeat|repetition|wiederholung|重复)", "repeat"),
    "number of a level": _whole(r"(?:level|state)(?: (?:no|number|nr|index|id|#))?", "level no"),
    "one level": _whole(r"(?:g |r |i )?(?:level|state) ?\d+", "level 3"),
    "gate": _whole(r"(v ?g(ate)? ?s?|gate ?(v|voltage|bias)|i ?g(ate)? ?s?|gate ?(i|current|leakage))( .*)?", "vgs"),
    "drain": _whole(r"(v ?d(rain)? ?s?|drain ?(v|voltage|bias)|i ?d(rain)? ?s?|drain ?(i|current))( .*)?", "i drain"),
    "gate voltage": _whole(r"(?i)v[ _]?g(ate)?[ _]?s?|gate[ _]?v(oltage)?", "V_GS"),
    "drain current": _whole(r"(?i)i[ _]?d(rain)?[ _]?s?|drain[ _]?(i|current)", "Drain_I"),
    "leakage": _whole(r"(i ?)?leak(age)?( (i|current))?( .*)?", "i leak"),
    "temperature": _whole(
        r"((bake|baking|anneal|oven|stage|chuck|storage) ?)?(t|temp|temperature)( ?(bake|anneal|oven|set))?", "bake t"
    ),
    "other quantity": _whole(  # words that change the quantity of the word beside them
        r"(?i)ratio|window|normali[sz]ed|norm|relative|rel|density|gain|rate|percent|error|err|std|stdev|stddev|sd|sigma|var|"
        r"variance|cv|noise|index|idx|number|no|nr|count|id|range|status|date|slope|derivative|squared|coefficient|code",
        "density",
    ),
    # conditions and further meanings by a word
    "clock": _part(r"\btime|\bclock|\bt$", "time stamp"),
    "read": _part(r"read|\bvr\b|\bmeas\b|sense", "v read"),
    "read voltage of a line": _part(r"(?i)read|sense|\bmeas", "Vread"),
    "pulse": _part(r"puls|脉冲|writ|prog|amplitude|\bamp\b|\bvp\b|\bvw\b|stimul|spike", "write voltage"),
    "limit": _part(r"compl|\bicc\b|\bcc\b|\bicomp\b|limit|i ?comp", "i comp"),
    "width": _part(r"width|duration|\bpw\b|\bt ?p\b|tpulse|\btw\b|pulse (time|length)", "pulse length"),
    "delay": _part(r"^(Δ|δ|d|delta) ?t$|delay|timing|\bisi\b|post.*pre", "Δ t"),
    "change": _part(
        r"(?:^|\s)(?:Δ|δ|d|delta) ?[wgr](?:\b|$)|(?:weight|conductance|synaptic).*change"
        r"|change.*(?:weight|conductance)|epsc.*change",
        "synaptic weight change",
    ),
    "error": _part(r"(?:^|\s)(?:errors?|err|std|stdev|stddev|sem|uncertainty|std ?err(?:or)?)(?:$|\s)", "g std"),
    "switching": _part(r"(?:^|\s)v ?(?:re)?set(?:$|\s)|(?:^|\s)(?:re)?set voltage", "v reset"),
    "before": _part(r"before|\bpre\b|initial", "r initial"),
    "after": _part(r"after|\bpost\b|final", "r final"),
    "computed": _part(r"smooth|av(g|erage)|mean|filt|fit|abs|log", "i smoothed"),
    "target": _part(r"\b(?:target|desired|aim(?:ed)?|goal|set ?point|wanted)\b", "target g"),
    # paired pulses; the names keep their marks
    "quotient": _part(r"(?:^|[^a-z])(a|i|g|r|epsc|ipsc|psc|amp|amplitude|peak)_?2\s*/\s*\1_?1(?:$|[^a-z0-9])", "a2/a1"),
    "ratio": _part(r"\bpp[fdr]\b|paired[ -_]?pulse|^ratio$|^ratio_excess$", "ppf (%)"),
    "interval": _part(
        r"interval|^(?:Δ|δ|d|delta)[ _]?t\b|\bisi\b|\bipi\b|inter[ -_]?(?:pulse|spike)", "inter-pulse interval"
    ),
    "first_amplitude": _part(r"^(?:a|i|g|epsc|psc|amplitude|peak)_?1$|first[ _](?:pulse|peak|amplitude)", "a1"),
    "second_amplitude": _part(r"^(?:a|i|g|epsc|psc|amplitude|peak)_?2$|second[ _](?:pulse|peak|amplitude)", "epsc_2"),
    # columns of instruments, as they write them
    "low resistance": _part(r"(?i)^(r[_ ]?low|lrs|r[_ ]?on)\b", "R_low (ohm)"),
    "high resistance": _part(r"(?i)^(r[_ ]?high|hrs|r[_ ]?off)\b", "R_high (ohm)"),
    # one word within the name of a file, a sheet or a column
    "word for a device": _whole(
        r"(d|dev|devices?|cells?|die|dut|sample|chip|memristor|rram|reram|bit|pad|row|col)", "dut"
    ),
    "word for a cycle": _whole(
        r"(cyc|cycle|cycles|run|runs|rep|repeat|repetition|ramp|rmp|loop|sweep|scan|trial|iteration|iter)", "loop"
    ),
}


def means(words: str, name: str) -> bool:
    """Return whether a name has the words of an entry of `LEXICON`."""
    return LEXICON[words].fit(name)


def normalise_name(name: str) -> str:
    """Return the words of a name in lower case, separated by single blanks."""
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return " ".join(re.sub(r"[\s_.\-:/()\[\]]+", " ", name).lower().split()) or name.strip().lower()
