"""Declared options: ranges, words and types are checked under the name of the keyword; pairs and ranges are parsed."""

from __future__ import annotations

from typing import Any

import pytest

from devicekit.core.declarations import Option
from devicekit.core.errors import UsageError
from devicekit.core.pairs import parse_pair, parse_pairs, parse_range


@pytest.mark.parametrize(
    ("how", "good", "wrong", "message"),
    [
        ({"annotation": "int | None", "least": 1}, 5, 0, "of 1 or more, not 0"),
        ({"annotation": "int | None", "least": 0, "most": 1}, 1, 2, "from 0 to 1, not 2"),
        ({"annotation": "int | None"}, -3, True, "takes a whole number, not True"),
        ({"annotation": "str | None", "choices": ("a", "b")}, "a", "c", "is one of a, b, not 'c'"),
        (
            {"annotation": "Mapping[str, str]", "names": ("a",), "needs": "takes a"},
            {"a": "x"},
            {"b": "x"},
            "takes a, n",
        ),
        ({"annotation": "float | None", "valid": lambda x: x > 0, "needs": "is above 0"}, 1, -1, "is above 0, not -1"),
    ],
)
def test_a_value_is_checked(how: dict[str, Any], good: Any, wrong: Any, message: str) -> None:
    option = Option(name="n", default=None, **how)
    option.check(None)
    option.check(good)
    with pytest.raises(UsageError, match=rf"^n= .*{message}"):
        option.check(wrong)


def test_pairs() -> None:
    assert parse_pair(" a = b=c ") == ("a", "b=c")
    assert parse_pair("a=") is None
    assert parse_pair("a=", empty=True) == ("a", "")
    assert parse_pairs(["a=1", "a=2"], "takes") == {"a": "2"}
    with pytest.raises(UsageError, match="a twice"):
        parse_pairs(["a=1", "a=2"], "takes", "{} twice")
    with pytest.raises(UsageError, match="takes X, not 'b'"):
        parse_pairs(["b"], "takes X")


@pytest.mark.parametrize(("text", "ends"), [("1:2", (1.0, 2.0)), (":2", (0.0, 2.0)), (" 1e-6 :", (1e-6, 9.0))])
def test_ranges(text: str, ends: tuple[float, float]) -> None:
    assert parse_range(text, (0.0, 9.0)) == ends


@pytest.mark.parametrize(("text", "word"), [("1", "1"), ("a:2", "a"), ("1:", "")])
def test_ends_that_are_not_numbers(text: str, word: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse_range(text)
    assert str(caught.value) == word
