"""Number formats against ml_dtypes and numpy, bit for bit, against the exact twin, and rule by rule."""

import math

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twins import numfmt as twin

from cosim.models.numerics import Format, decode, encode, quantize, round_to, scale_exponent
from cosim.models.numerics.formats import amax

pytestmark = pytest.mark.c_library

REFERENCE = {
    Format.FP8_E4M3: ml_dtypes.float8_e4m3fn,
    Format.FP8_E5M2: ml_dtypes.float8_e5m2,
    Format.FP16: np.float16,
    Format.BF16: ml_dtypes.bfloat16,
}
NARROW = sorted(REFERENCE)
INFINITY = np.float32(np.inf)


def all_codes(fmt):
    return np.arange(1 << fmt.bits, dtype=np.uint32).astype(fmt.code_dtype)


def interesting_floats(fmt):
    """Every 16-bit prefix of a float, and every value of the format, every midpoint, and their neighbours."""
    prefixes = (np.arange(1 << 16, dtype=np.uint32) << 16).view(np.float32)
    values = decode(all_codes(fmt), fmt)
    values = np.unique(values[np.isfinite(values)]).astype(np.float64)
    middles = (values[1:] + values[:-1]) / 2
    beyond = np.array([values[-1] + (values[-1] - values[-2]) / 2])
    exact = np.concatenate([values, middles, beyond, -beyond]).astype(np.float32)
    near = [exact, np.nextafter(exact, INFINITY), np.nextafter(exact, -INFINITY)]
    found = np.concatenate([prefixes, *near])
    return found[~np.isnan(found)]


@pytest.mark.parametrize("fmt", NARROW)
def test_every_code_decodes_as_in_the_reference(fmt):
    with np.errstate(invalid="ignore"):
        expected = all_codes(fmt).view(REFERENCE[fmt]).astype(np.float32)
    got = decode(all_codes(fmt), fmt)
    assert np.array_equal(got, expected, equal_nan=True)
    assert np.array_equal(np.signbit(got), np.signbit(expected))


@pytest.mark.parametrize("fmt", NARROW)
def test_every_code_encodes_back_to_itself(fmt):
    codes = all_codes(fmt)
    values = decode(codes, fmt)
    numbers = ~np.isnan(values)
    assert np.array_equal(encode(values[numbers], fmt, saturate=False), codes[numbers])


@pytest.mark.parametrize("fmt", NARROW)
def test_without_saturation_rounding_is_that_of_the_reference_bit_for_bit(fmt):
    values = interesting_floats(fmt)
    with np.errstate(over="ignore"):
        expected = values.astype(REFERENCE[fmt]).view(fmt.code_dtype)
    assert np.array_equal(encode(values, fmt, saturate=False), expected)


@pytest.mark.parametrize("fmt", NARROW)
def test_with_saturation_only_what_overflows_differs(fmt):
    values = interesting_floats(fmt)
    with np.errstate(over="ignore"):
        reference = values.astype(REFERENCE[fmt])
    overflowed = ~np.isfinite(reference.astype(np.float32))
    expected = np.where(overflowed, np.copysign(np.float32(fmt.max), values), reference.astype(np.float32))
    assert np.array_equal(round_to(values, fmt), expected)
    assert overflowed.any()


@pytest.mark.parametrize("fmt", NARROW)
@pytest.mark.parametrize("saturate", [True, False])
def test_rounding_and_encoding_agree(fmt, saturate):
    values = interesting_floats(fmt)
    rounded = round_to(values, fmt, saturate=saturate)
    decoded = decode(encode(values, fmt, saturate=saturate), fmt)
    assert np.array_equal(rounded, decoded, equal_nan=True)
    assert np.array_equal(np.signbit(rounded), np.signbit(decoded))


@given(st.floats(width=32), st.sampled_from(["fp8_e4m3", "fp8_e5m2"]), st.booleans())
def test_the_twin_finds_the_same_code(value, name, saturate):
    got = encode(np.array([value], dtype=np.float32), Format(name), saturate=saturate)[0]
    if math.isnan(value):
        assert math.isnan(twin.decode(name, int(got)))
    else:
        assert got == twin.encode(name, value, saturate=saturate)


@pytest.mark.parametrize(
    ("fmt", "canonical"),
    [
        (Format.FP8_E4M3, 0x7F),
        (Format.FP8_E5M2, 0x7E),
        (Format.FP16, 0x7E00),
        (Format.BF16, 0x7FC0),
        (Format.FP32, 0x7FC00000),
    ],
)
@pytest.mark.parametrize("saturate", [True, False])
def test_a_nan_stays_a_nan_of_its_sign_and_canonical_payload(fmt, canonical, saturate):
    nans = np.array([0x7FC00000, 0x7F800001, 0x7FFFFFFF, 0xFFC00000, 0xFF800001], dtype=np.uint32).view(np.float32)
    sign = 1 << fmt.bits - 1
    expected = [canonical] * 3 + [canonical | sign] * 2
    assert encode(nans, fmt, saturate=saturate).tolist() == expected


def test_saturation_rules_one_by_one():
    values = np.array([448, 464, np.nextafter(np.float32(464), INFINITY), np.inf, -np.inf], dtype=np.float32)
    assert encode(values, Format.FP8_E4M3).tolist() == [0x7E, 0x7E, 0x7E, 0x7E, 0xFE]
    assert encode(values, Format.FP8_E4M3, saturate=False).tolist() == [0x7E, 0x7E, 0x7F, 0x7F, 0xFF]
    values = np.array([57344, np.nextafter(np.float32(61440), np.float32(0)), 61440, np.inf], dtype=np.float32)
    assert encode(values, Format.FP8_E5M2).tolist() == [0x7B] * 4
    assert encode(values, Format.FP8_E5M2, saturate=False).tolist() == [0x7B, 0x7B, 0x7C, 0x7C]


def test_fp32_keeps_every_number_and_saturates_infinities():
    values = (np.arange(1 << 16, dtype=np.uint32) << 16 | 0x1234).view(np.float32)
    values = values[np.isfinite(values)]
    assert np.array_equal(round_to(values, Format.FP32).view(np.uint32), values.view(np.uint32))
    infinities = np.array([np.inf, -np.inf], dtype=np.float32)
    assert round_to(infinities, Format.FP32).tolist() == [Format.FP32.max, -Format.FP32.max]
    assert round_to(infinities, Format.FP32, saturate=False).tolist() == [math.inf, -math.inf]


def test_zero_keeps_its_sign():
    assert encode(np.array([0.0, -0.0, -1e-30], dtype=np.float32), Format.FP8_E4M3).tolist() == [0, 0x80, 0x80]


@pytest.mark.parametrize("fmt", [Format.FP8_E4M3, Format.FP8_E5M2, Format.FP16])
def test_a_scale_multiplies_exactly_before_rounding(fmt):
    values = interesting_floats(fmt)
    values = values[np.isfinite(values) & (np.abs(values) < 1e30) & (np.abs(values) > 1e-30)]
    for exponent in (-20, 3, 25):
        scaled = (values.astype(np.float64) * 2.0**exponent).astype(np.float32)
        assert np.array_equal(round_to(values, fmt, exponent=exponent), round_to(scaled, fmt))


@given(st.floats(min_value=2.0**-100, max_value=2.0**100, width=32), st.sampled_from(list(Format)))
def test_the_scale_is_the_largest_that_does_not_saturate(largest, fmt):
    values = np.array([0.0, -largest, largest / 2], dtype=np.float32)
    exponent = scale_exponent(values, fmt)
    if not fmt.scaled:
        assert exponent == 0
        return
    assert largest * 2.0**exponent <= fmt.max < largest * 2.0 ** (exponent + 1)
    tensor = quantize(values, fmt)
    assert (tensor.exponent, tensor.format) == (exponent, fmt)
    assert abs(tensor.elements[1] + largest) <= largest * 2.0**-3
    assert np.array_equal(tensor.elements, tensor.values * np.float32(1) * np.float64(2.0) ** -exponent)


def test_scale_of_zeros_and_of_tiny_and_broken_tensors():
    assert scale_exponent(np.zeros(3, dtype=np.float32), Format.FP8_E4M3) == 0
    assert scale_exponent(np.zeros(0, dtype=np.float32), Format.FP8_E4M3) == 0
    assert scale_exponent(np.array([1e-45], dtype=np.float32), Format.FP8_E4M3) == 126
    assert scale_exponent(np.array([448.0], dtype=np.float32), Format.FP8_E4M3) == 0
    assert scale_exponent(np.array([449.0], dtype=np.float32), Format.FP8_E4M3) == -1
    for broken in (np.inf, np.nan):
        with pytest.raises(ValueError, match=r"^a tensor with infinities or NaN has no scale$"):
            scale_exponent(np.array([1.0, broken], dtype=np.float32), Format.FP8_E4M3)


def test_int8_is_the_nearest_integer_of_its_range():
    halves = np.arange(-300, 301, dtype=np.float32) / 2
    near = [halves, np.nextafter(halves, INFINITY), np.nextafter(halves, -INFINITY)]
    values = np.concatenate([*near, np.array([1e30, -1e30, np.inf, -np.inf, np.nan, -np.nan, -0.0, 1e-30], np.float32)])
    for saturate in (True, False):  # it has nothing else to do with what is too large
        codes = encode(values, Format.INT8, saturate=saturate)
        assert codes.tolist() == [twin.encode_int8(float(value)) for value in values]
        rounded = round_to(values, Format.INT8, saturate=saturate)
        assert np.array_equal(rounded, codes.view(np.int8).astype(np.float32))
        assert not np.signbit(rounded[rounded == 0]).any()
    assert np.array_equal(decode(all_codes(Format.INT8), Format.INT8), all_codes(Format.INT8).view(np.int8))
    assert encode(np.array([0.25], np.float32), Format.INT8, exponent=3).tolist() == [2]


def test_a_scale_can_keep_values_below_a_limit():
    values = np.array([3.0, -1.0], dtype=np.float32)
    assert quantize(values, Format.FP16, 16.0).values.tolist() == [12.0, -4.0]
    assert scale_exponent(np.array([16.0], np.float32), Format.FP16, 16.0) == 0
    assert scale_exponent(np.array([16.5], np.float32), Format.FP16, 16.0) == -1


def test_amax():
    assert amax(np.array([1.0, -3.0, 2.0], dtype=np.float32)) == 3.0
    assert math.isnan(amax(np.array([1.0, np.nan, np.inf], dtype=np.float32)))
    assert amax(np.array([-0.0], dtype=np.float32)) == 0.0


@pytest.mark.parametrize("fmt", list(Format))
def test_traits_are_those_of_the_codes(fmt):
    if fmt is Format.FP32:
        values = np.array([fmt.max, fmt.smallest])
        limits = np.finfo(np.float32)
        assert values.tolist() == [limits.max, limits.smallest_subnormal]
        return
    values = decode(all_codes(fmt), fmt)
    assert fmt.max == np.nanmax(values[np.isfinite(values)])
    assert fmt.smallest == values[values > 0].min()


def test_wrong_arguments_are_refused_by_name():
    good = np.zeros(2, dtype=np.float32)
    with pytest.raises(ValueError, match=r"^bf16 carries no scale: exponent must be 0, got 1$"):
        round_to(good, Format.BF16, exponent=1)
    with pytest.raises(ValueError, match=r"^exponent must be between -126 and 126, got 127$"):
        encode(good, Format.FP16, exponent=127)
    with pytest.raises(TypeError, match=r"^values: expected dtype float32, got float64$"):
        round_to(np.zeros(2), Format.FP16)
    with pytest.raises(TypeError, match=r"^codes of fp8_e4m3: expected dtype uint8, got int64$"):
        decode(np.zeros(2, dtype=np.int64), Format.FP8_E4M3)


@pytest.mark.slow
@pytest.mark.parametrize("fmt", NARROW)
def test_all_floats_there_are(fmt):
    """2 ** 32 values against the reference: about a minute for each format."""
    step = 1 << 24
    for first in range(0, 1 << 32, step):
        values = np.arange(first, first + step, dtype=np.uint64).astype(np.uint32).view(np.float32)
        values = values[~np.isnan(values)]
        with np.errstate(over="ignore", invalid="ignore"):
            expected = values.astype(REFERENCE[fmt])
        assert np.array_equal(encode(values, fmt, saturate=False), expected.view(fmt.code_dtype))
