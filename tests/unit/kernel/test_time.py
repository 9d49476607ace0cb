"""Whole numbers of any type are times; nothing else is."""

import decimal
from fractions import Fraction

import numpy as np
import pytest

from cosim.kernel.time import NEVER, whole


@pytest.mark.parametrize(
    "value", [5, 5.0, np.int32(5), np.uint64(5), np.float32(5), Fraction(10, 2), decimal.Decimal(5)]
)
def test_a_whole_number_becomes_an_int(value):
    assert whole(value, "delay") == 5
    assert type(whole(value, "delay")) is int


@pytest.mark.parametrize("value", [0.5, Fraction(1, 3), float("nan"), float("inf"), decimal.Decimal("0.1"), "5"])
def test_anything_else_is_an_error(value):
    with pytest.raises(ValueError, match=r"^delay: expected a whole number of time units, got "):
        whole(value, "delay")


def test_never_is_the_c_librarys():
    from cosim.clib import lib  # noqa: PLC0415

    assert NEVER == lib.CS_NEVER
