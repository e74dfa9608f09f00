"""Encodings of text: by a mark, by zero bytes, as UTF-8, else by the words and signs that the bytes then stand for."""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

from devicekit.readers.header import QUANTITY_WORDS

HEAD = 65536  # bytes that are examined
_PRINTED = bytes([9, 10, 13, *range(32, 127)])  # the characters of most tables
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WESTERN = ("cp1252", "mac_roman", "cp437", "cp850")
_OTHERS = ("cp1251", "koi8_r", "gb18030", "big5", "cp932", "euc_jp", "cp949", "cp1250", "cp1253", "cp1252")
_SIGNS = re.compile(r"(?<![^\W_])[µμΩ](?=[\W_]|[AVSsm])|°(?=[CFK\W])|[±²³·×Ω]")  # of units
_ACCENTS = re.compile(rb"(?<=[A-Za-z])[\x80-\xff]{1,2}(?=[a-z])")  # within a word: Größe
_MOST_BYTES = 4096


def detect_mark(data: bytes) -> str | None:
    """Return the encoding by the first bytes, None without a mark or zero bytes."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return encoding
    halves = [data[k:HEAD:2] for k in (0, 1)]  # high and low bytes of UTF-16, or low and high
    for encoding, (high, low) in (("utf-16-be", halves), ("utf-16-le", halves[::-1])):
        if len(low) > 1 and high.count(0) > 0.8 * len(high) and len(low.translate(None, _PRINTED)) < 0.2 * len(low):
            return encoding
    return None


def guess(data: bytes) -> tuple[str, ...]:
    """Return the plausible encodings of text that is not UTF-8, the likeliest first; one if words or signs settle it.

    Single bytes beyond ASCII are signs of units or letters with accents; longer runs are words of another script.
    """
    sample = b"\n".join(line for line in data[:HEAD].splitlines() if not line.isascii())[:_MOST_BYTES]
    apart = not re.search(rb"[\x80-\xff][\x40-\xff]*[\x80-\xff]", sample)
    if apart or not re.search(rb"[\x80-\xff]{2}", _ACCENTS.sub(b"", sample)):
        return (max(_WESTERN, key=lambda name: len(_SIGNS.findall(sample.decode(name, "replace")))),)
    known = {name: _known_words(sample, name) for name in _OTHERS}
    most = max(known.values())
    if most and [*known.values()].count(most) == 1:
        return (max(known, key=lambda name: known[name]),)
    found = [match.encoding for match in from_bytes(sample, cp_isolation=list(_OTHERS))]
    likely = [name for name in found if known[name] == most]
    return tuple(dict.fromkeys([*likely, *(name for name, words in known.items() if words == most)])) or ("cp1252",)


def _known_words(sample: bytes, encoding: str) -> int:
    """Count the words for quantities in a text; -1 if it is not in the encoding."""
    try:
        text = sample.decode(encoding)
    except UnicodeDecodeError:
        return -1
    return sum(word.lower() in QUANTITY_WORDS for word in re.findall(r"[^\W\d_]{2,}", text))
