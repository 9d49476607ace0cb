"""The multiply-accumulates of one layer: FF, BP, WG, in a fixed order (csrc/mac.h), with sums in FP32, FP16 or INT32.

Operands are float32 arrays of the values of some number format; they must be finite. The sum of an output starts at
+0 and takes its products one by one in the order (r, s, c), (r, s, k) or (n, p, q), last index fastest. Leaving out
products with a zero operand gives the same bytes. (With float64 operands: `wide`.)

| sums  | rounding                                                | too large                   | NaN               |
|-------|---------------------------------------------------------|-----------------------------|-------------------|
| FP32  | product to FP32, sum to FP32, ties to even, never fused | infinity                    | infinities meet   |
| FP16  | as FP32, then the sum to FP16; a zero sum is +0         | saturates at 65504          | never             |
| INT32 | exact; the result is given as float32, ties to even     | modulo 2^32                 | never             |

(How the reference chip accumulates is not published; these are assumptions, the same for every chip.)
"""

from __future__ import annotations

import enum
from typing import Any

import numpy as np
import numpy.typing as npt

from cosim import isa
from cosim.clib import as_buffer, check, ffi, lib

from ..tensors import ConvShape, Stage
from . import wide
from .formats import Format

Float32Array = npt.NDArray[np.float32]

_STAGE_CODES = {Stage.FF: lib.CS_MAC_FF, Stage.BP: lib.CS_MAC_BP, Stage.WG: lib.CS_MAC_WG}


class Accumulate(enum.StrEnum):
    """The format of sums, by the name that files use."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT32 = "int32"

    def takes(self, fmt: Format) -> bool:
        """Whether operands of `fmt` can be accumulated so.

        FP32: any; INT32: INT8; FP16: those whose products have no more range than sums in FP16 can be scaled to.
        """
        if self is Accumulate.FP32:
            return True
        if self is Accumulate.INT32:
            return fmt is Format.INT8
        return fmt in (Format.FP8_E4M3, Format.FP8_E5M2, Format.FP16)

    @property
    def operand_limit(self) -> float | None:
        """What scales keep operands to; None: their format's largest.

        FP16: 16, so that 256 of the largest products fit a sum (assumption).
        """
        return 16.0 if self is Accumulate.FP16 else None


_ACCUMULATE_CODES = {
    Accumulate.FP32: lib.CS_ACCUMULATE_FP32,
    Accumulate.FP16: lib.CS_ACCUMULATE_FP16,
    Accumulate.INT32: lib.CS_ACCUMULATE_INT32,
}


def mac_ff(
    shape: ConvShape,
    x: Float32Array,
    w: Float32Array,
    accumulate: Accumulate = Accumulate.FP32,
    *,
    level: str | None = None,
) -> Float32Array:
    """Y (n, p, q, k) from X (n, h, w, c) and W (k, r, s, c / groups).

    `level` is an instruction set of `cosim.isa` other than the selected one: the bytes are the same. Raises TypeError
    or ValueError for an operand of another dtype or shape, that is not contiguous or not finite, or, with sums in
    INT32, not made of INT8's integers.
    """
    if wide.is_wide(x, w):
        return wide.mac_ff(shape, x, w)  # type: ignore[return-value, arg-type]
    out = np.empty(shape.y_shape, dtype=np.float32)
    way = (_ACCUMULATE_CODES[accumulate], isa.code(level))
    return _call(
        "cs_mac_ff", lib.cs_mac_ff, Stage.FF, shape, way, ("x", x, shape.x_shape), ("w", w, shape.w_shape), out
    )


def mac_bp(
    shape: ConvShape,
    dy: Float32Array,
    w: Float32Array,
    accumulate: Accumulate = Accumulate.FP32,
    *,
    level: str | None = None,
) -> Float32Array:
    """dX (n, h, w, c) from dY (n, p, q, k) and W (k, r, s, c / groups); errors as in `mac_ff`."""
    if wide.is_wide(dy, w):
        return wide.mac_bp(shape, dy, w)  # type: ignore[return-value, arg-type]
    out = np.empty(shape.x_shape, dtype=np.float32)
    way = (_ACCUMULATE_CODES[accumulate], isa.code(level))
    return _call(
        "cs_mac_bp", lib.cs_mac_bp, Stage.BP, shape, way, ("dy", dy, shape.y_shape), ("w", w, shape.w_shape), out
    )


def mac_wg(
    shape: ConvShape,
    x: Float32Array,
    dy: Float32Array,
    accumulate: Accumulate = Accumulate.FP32,
    *,
    level: str | None = None,
) -> Float32Array:
    """dW (k, r, s, c / groups) from X (n, h, w, c) and dY (n, p, q, k); errors as in `mac_ff`."""
    if wide.is_wide(x, dy):
        return wide.mac_wg(shape, x, dy)  # type: ignore[return-value, arg-type]
    out = np.empty(shape.w_shape, dtype=np.float32)
    way = (_ACCUMULATE_CODES[accumulate], isa.code(level))
    return _call(
        "cs_mac_wg", lib.cs_mac_wg, Stage.WG, shape, way, ("x", x, shape.x_shape), ("dy", dy, shape.y_shape), out
    )


def _call(
    name: str,
    function: Any,
    stage: Stage,
    shape: ConvShape,
    way: tuple[int, int],
    first: tuple[str, Float32Array, tuple[int, ...]],
    second: tuple[str, Float32Array, tuple[int, ...]],
    out: Float32Array,
) -> Float32Array:
    buffers = []
    for operand, array, expected in (first, second):
        buffers.append(as_buffer(array, "float", np.float32, operand))
        if array.shape != expected:
            raise ValueError(f"{operand}: expected shape {expected}, got {array.shape}")
    z = ffi.new(
        "cs_mac_shape *",
        (shape.n, shape.c, shape.h, shape.w, shape.k, shape.r, shape.s, shape.stride, shape.pad, shape.groups),
    )
    needed = ffi.new("size_t *")
    check("cs_mac_scratch_bytes", lib.cs_mac_scratch_bytes(z, _STAGE_CODES[stage], needed))
    scratch = np.empty(-(-int(needed[0]) // 4), dtype=np.float32)
    status = function(
        z,
        *way,
        buffers[0],
        first[1].size,
        buffers[1],
        second[1].size,
        as_buffer(out, "float", np.float32, "output", writable=True),
        out.size,
        ffi.from_buffer(scratch),
        scratch.nbytes,
    )
    if status == lib.CS_EINVAL:  # everything else was checked above
        integers = way[0] == lib.CS_ACCUMULATE_INT32
        raise ValueError(f"{first[0]} and {second[0]} must be {'integers of INT8' if integers else 'finite'}")
    check(name, status)
    return out
