"""A minus after an underscore of a file name is a sign."""

from __future__ import annotations

from devicekit.readers.layouts import pooling


def test_a_minus_after_an_underscore_is_a_sign() -> None:
    (key,) = pooling.parse_names(["cell7_LTD_300ns_-1.5V.csv"]).keys
    assert key.conditions["amplitude"] == -1.5


def test_names_that_differ_by_a_sign_differ() -> None:
    told = pooling.parse_names(["dev1_2V.csv", "dev1_-2V.csv"])
    assert [key.conditions["amplitude"] for key in told.keys] == [2.0, -2.0]
