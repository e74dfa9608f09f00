"""Names of uploaded files."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devicekit.app.security import LONGEST_NAME, clean_file_name


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("..%2F..%2Fevil%00.csv", "evil.csv"),
        ("..%5C..%5Cevil.csv", "evil.csv"),
        ("C:\\data\\a.csv", "a.csv"),
        ("<img onerror=alert(1)>.csv", "_img onerror=alert(1)_.csv"),
        ("%0d%0aSet-Cookie: a=b", "__Set-Cookie_ a=b"),
        ("a%E2%80%AEvsc.exe", "a_vsc.exe"),  # letters that run backwards
        ("id#1@_100mV & 5°C [2] 'x'.xls", "id#1@_100mV & 5°C [2] 'x'.xls"),  # as the lab has named it
        ("-5V.csv", "-5V.csv"),
        (".hidden", "hidden"),
        ("NUL.csv", "_NUL.csv"),
        ("com1", "_com1"),
        ("a.csv. ", "a.csv"),
        ("", "file"),
        ("..", "file"),
        ("a/b/", "file"),
        ("é" * 300 + ".csv", "é" * 98 + ".csv"),
        ("a." + "b" * 300, ("a." + "b" * 300)[:200]),
    ],
)
def test_a_file_name_keeps_harmless_characters(given: str, name: str) -> None:
    assert clean_file_name(given) == name


@given(st.text(max_size=400))
def test_any_file_name_becomes_one_safe_component(given: str) -> None:
    name = clean_file_name(quote(given, errors="replace"))
    assert 0 < len(name.encode()) <= LONGEST_NAME
    assert not set(name) & set('/\\\0\r\n<>"`')
    assert not name.startswith(".")
    assert clean_file_name(quote(name, errors="replace")) == name
