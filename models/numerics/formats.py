"""Number formats of operands: FP8 E4M3 and E5M2 (OCP OFP8), FP16, BF16, FP32, INT8; per-tensor power-of-two scales.

Rounding is to nearest, ties to even, with gradual underflow. With `saturate` (the default, as in training) what is too
large becomes the largest finite value, infinities too; without it, it becomes infinity, or NaN in E4M3, which has no
infinity. A NaN stays a NaN (canonical payload, its sign), a zero keeps its sign.
INT8 is two's complement: it always saturates, to -128 and 127, a NaN becomes 0, and there is one zero.

Source: OCP 8-bit Floating Point Specification 1.0 (2023); Micikevicius et al., "FP8 Formats for Deep Learning",
arXiv 2209.05433 (E4M3 for weights and activations, E5M2 for gradients); IEEE 754-2019.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cosim.clib import as_buffer, check, ffi, lib

from . import wide

Float32Array = npt.NDArray[np.float32]


class Format(enum.StrEnum):
    """A number format, by the name that files use."""

    FP8_E4M3 = "fp8_e4m3"
    FP8_E5M2 = "fp8_e5m2"
    FP16 = "fp16"
    BF16 = "bf16"
    FP32 = "fp32"
    INT8 = "int8"

    @property
    def bits(self) -> int:
        """Width, sign included."""
        return _TRAITS[self][1]

    @property
    def max(self) -> float:
        """The largest finite value."""
        return _TRAITS[self][3]

    @property
    def smallest(self) -> float:
        """The smallest value above zero (subnormal, in floating formats)."""
        return _TRAITS[self][4]

    @property
    def scaled(self) -> bool:
        """Whether tensors of this format carry a scale; BF16 and FP32 have FP32's range and need none."""
        return self not in (Format.BF16, Format.FP32)

    @property
    def code(self) -> int:
        """The C library's number for it."""
        return _TRAITS[self][0]

    @property
    def code_dtype(self) -> np.dtype[np.unsignedinteger]:
        """The unsigned integer type of its bit patterns."""
        return np.dtype(_TRAITS[self][2])


_TRAITS: dict[Format, tuple[int, int, type[np.unsignedinteger], float, float]] = {
    Format.FP8_E4M3: (lib.CS_FP8_E4M3, 8, np.uint8, 448.0, 2.0**-9),
    Format.FP8_E5M2: (lib.CS_FP8_E5M2, 8, np.uint8, 57344.0, 2.0**-16),
    Format.FP16: (lib.CS_FP16, 16, np.uint16, 65504.0, 2.0**-24),
    Format.BF16: (lib.CS_BF16, 16, np.uint16, (2.0 - 2.0**-7) * 2.0**127, 2.0**-133),
    Format.FP32: (lib.CS_FP32, 32, np.uint32, (2.0 - 2.0**-23) * 2.0**127, 2.0**-149),
    Format.INT8: (lib.CS_INT8, 8, np.uint8, 127.0, 1.0),
}

_SCALE_LIMIT = 126


@dataclass(frozen=True)
class ScaledTensor:
    """A tensor in a number format: element = `values` * 2 ** -`exponent`.

    `values` are the format's values, as float32 and exactly representable in `format`; they are what the multipliers
    see. Zero in `values` is what the zero masks call zero, underflow included.
    """

    format: Format
    exponent: int
    values: Float32Array

    @property
    def elements(self) -> Float32Array:
        """The tensor itself, float32; exact unless it leaves FP32's normal range."""
        return unscale(self.values, self.exponent)


def unscale(values: Float32Array, exponent: int) -> Float32Array:
    """`values` * 2 ** -`exponent` as float32: exact within FP32's normal range, rounded once otherwise."""
    return np.asarray(values.astype(np.float64) * math.ldexp(1.0, -exponent), dtype=np.float32) if exponent else values


def _checked_exponent(fmt: Format, exponent: int) -> int:
    if exponent and not fmt.scaled:
        raise ValueError(f"{fmt} carries no scale: exponent must be 0, got {exponent}")
    if abs(exponent) > _SCALE_LIMIT:
        raise ValueError(f"exponent must be between -{_SCALE_LIMIT} and {_SCALE_LIMIT}, got {exponent}")
    return exponent


def round_to(values: Float32Array, fmt: Format, *, exponent: int = 0, saturate: bool = True) -> Float32Array:
    """`values` * 2 ** `exponent` rounded to `fmt`, as float32 of the same shape.

    Raises TypeError unless `values` is float32, ValueError unless it is contiguous, or for an exponent outside
    [-126, 126] (other than 0 for BF16 and FP32).
    """
    out = np.empty_like(values, dtype=np.float32)
    status = lib.cs_numfmt_round(
        fmt.code,
        _checked_exponent(fmt, exponent),
        saturate,
        as_buffer(values, "float", np.float32, "values"),
        values.size,
        as_buffer(out, "float", np.float32, "out", writable=True),
    )
    check("cs_numfmt_round", status)
    return out


def encode(
    values: Float32Array, fmt: Format, *, exponent: int = 0, saturate: bool = True
) -> npt.NDArray[np.unsignedinteger]:
    """Bit patterns of `values` * 2 ** `exponent` in `fmt`, as uint8, uint16 or uint32. Errors as in `round_to`."""
    codes = np.empty(values.shape, dtype=np.uint32)
    status = lib.cs_numfmt_encode(
        fmt.code,
        _checked_exponent(fmt, exponent),
        saturate,
        as_buffer(values, "float", np.float32, "values"),
        values.size,
        as_buffer(codes, "uint32_t", np.uint32, "codes", writable=True),
    )
    check("cs_numfmt_encode", status)
    return codes.astype(fmt.code_dtype)


def decode(codes: npt.NDArray[np.unsignedinteger], fmt: Format) -> Float32Array:
    """The float32 values of bit patterns; TypeError unless they have the format's unsigned type."""
    if codes.dtype != fmt.code_dtype:
        raise TypeError(f"codes of {fmt}: expected dtype {fmt.code_dtype}, got {codes.dtype}")
    wide = np.ascontiguousarray(codes, dtype=np.uint32)
    out = np.empty(codes.shape, dtype=np.float32)
    status = lib.cs_numfmt_decode(
        fmt.code,
        as_buffer(wide, "uint32_t", np.uint32, "codes"),
        wide.size,
        as_buffer(out, "float", np.float32, "out", writable=True),
    )
    check("cs_numfmt_decode", status)
    return out


def amax(values: Float32Array) -> float:
    """The largest magnitude, 0 for an empty tensor, NaN if there is one."""
    largest = ffi.new("float *")
    check("cs_numfmt_amax", lib.cs_numfmt_amax(as_buffer(values, "float", np.float32, "values"), values.size, largest))
    return float(largest[0])


def scale_exponent(values: Float32Array, fmt: Format, limit: float | None = None) -> int:
    """The largest e with amax * 2 ** e <= `limit`, by default the format's largest value; clipped to [-126, 126].

    0 for a tensor of zeros and for BF16 and FP32. So the scaled amax lies in (max / 2, max]: nothing saturates, and as
    little as possible underflows. (In INT8, 127 is the limit on both sides: -128 does not occur.) It depends on this
    tensor alone ("current scaling"). Raises ValueError for a tensor with infinities or NaN.
    """
    largest = amax(values)
    if not math.isfinite(largest):
        raise ValueError("a tensor with infinities or NaN has no scale")
    if largest == 0.0 or not fmt.scaled:
        return 0
    fraction, exponent = math.frexp(largest)
    limit_fraction, limit_exponent = math.frexp(fmt.max if limit is None else limit)
    wanted = limit_exponent - exponent - (fraction > limit_fraction)
    return max(-_SCALE_LIMIT, min(_SCALE_LIMIT, wanted))


def quantize(values: Float32Array, fmt: Format, limit: float | None = None) -> ScaledTensor:
    """`values` in `fmt` under their own scale (`scale_exponent`). FP64 stays as it is: see `wide`."""
    if wide.is_wide(values):
        return ScaledTensor(fmt, 0, values)
    exponent = scale_exponent(values, fmt, limit)
    return ScaledTensor(fmt, exponent, round_to(values, fmt, exponent=exponent))
