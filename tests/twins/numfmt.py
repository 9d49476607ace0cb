"""The number formats, slow and obvious: all values of a format in a list, and the nearest one by exact arithmetic."""

import math
from fractions import Fraction
from functools import cache

# name: (exponent bits, mantissa bits, the top exponent is an ordinary one)
LAYOUTS = {"fp8_e4m3": (4, 3, True), "fp8_e5m2": (5, 2, False), "fp16": (5, 10, False), "bf16": (8, 7, False)}


def decode(name: str, code: int) -> float:
    """The value of a bit pattern."""
    exponent_bits, mantissa_bits, top_is_ordinary = LAYOUTS[name]
    sign = -1.0 if code >> (exponent_bits + mantissa_bits) else 1.0
    biased = code >> mantissa_bits & (1 << exponent_bits) - 1
    fraction = code & (1 << mantissa_bits) - 1
    top = biased == (1 << exponent_bits) - 1
    if top and top_is_ordinary and fraction == (1 << mantissa_bits) - 1:
        return math.nan
    if top and not top_is_ordinary:
        return math.nan if fraction else sign * math.inf
    bias = (1 << exponent_bits - 1) - 1
    if biased == 0:
        return sign * math.ldexp(fraction, 1 - bias - mantissa_bits)
    return sign * math.ldexp((1 << mantissa_bits) + fraction, biased - bias - mantissa_bits)


@cache
def positive_codes(name: str) -> tuple[list[int], list[Fraction]]:
    """Codes and values of all finite non-negative numbers, in rising order (codes are ordered like values)."""
    exponent_bits, mantissa_bits, _ = LAYOUTS[name]
    codes = [c for c in range(1 << exponent_bits + mantissa_bits) if math.isfinite(decode(name, c))]
    return codes, [Fraction(decode(name, c)) for c in codes]


def encode_int8(value: float) -> int:
    """Two's complement of the nearest integer within INT8, ties to even as Python's round; a NaN is zero."""
    if math.isnan(value):
        return 0
    return round(min(max(value, -128.0), 127.0)) & 0xFF


def encode(name: str, value: float, *, saturate: bool) -> int:
    """The nearest code; of two equally near ones the even; overflow by rounding as if the exponent had no bound."""
    exponent_bits, mantissa_bits, top_is_ordinary = LAYOUTS[name]
    sign = int(math.copysign(1.0, value) < 0) << exponent_bits + mantissa_bits
    codes, values = positive_codes(name)
    infinity = ((1 << exponent_bits) - 1) << mantissa_bits
    nan = infinity | ((1 << mantissa_bits) - 1 if top_is_ordinary else 1 << mantissa_bits - 1)
    if math.isnan(value):
        return sign | nan
    above = codes[-1] if saturate else (nan if top_is_ordinary else infinity)
    if math.isinf(value):
        return sign | above
    magnitude = abs(Fraction(value))
    following = values[-1] + (values[-1] - values[-2])  # the value after the largest
    candidates = [(abs(v - magnitude), c & 1, c) for c, v in zip(codes, values, strict=True)]
    candidates.append((abs(following - magnitude), (codes[-1] + 1) & 1, -1))
    if magnitude > following:
        return sign | above
    nearest = min(candidates)[2]
    return sign | (above if nearest < 0 else nearest)
