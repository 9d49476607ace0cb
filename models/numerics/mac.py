"""The multiply-accumulates of one layer: FF, BP, WG, in a fixed order with FP32 sums (the order: csrc/mac.h).

Operands are float32 arrays of the values of some number format; they must be finite. The sum of an output starts at
+0 and takes its products one by one in the order (r, s, c), (r, s, k) or (n, p, q), last index fastest. Leaving out
products with a zero operand gives the same bytes. (With float64 operands: `wide`.)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from cosim.clib import as_buffer, check, ffi, lib

from ..tensors import ConvShape, Stage
from . import wide

Float32Array = npt.NDArray[np.float32]

_STAGE_CODES = {Stage.FF: lib.CS_MAC_FF, Stage.BP: lib.CS_MAC_BP, Stage.WG: lib.CS_MAC_WG}


def mac_ff(shape: ConvShape, x: Float32Array, w: Float32Array) -> Float32Array:
    """Y (n, p, q, k) from X (n, h, w, c) and W (k, r, s, c / groups).

    Raises TypeError or ValueError for an operand of another dtype or shape, or that is not contiguous or not finite.
    """
    if wide.is_wide(x, w):
        return wide.mac_ff(shape, x, w)  # type: ignore[return-value, arg-type]
    out = np.empty(shape.y_shape, dtype=np.float32)
    return _call("cs_mac_ff", lib.cs_mac_ff, Stage.FF, shape, ("x", x, shape.x_shape), ("w", w, shape.w_shape), out)


def mac_bp(shape: ConvShape, dy: Float32Array, w: Float32Array) -> Float32Array:
    """dX (n, h, w, c) from dY (n, p, q, k) and W (k, r, s, c / groups); errors as in `mac_ff`."""
    if wide.is_wide(dy, w):
        return wide.mac_bp(shape, dy, w)  # type: ignore[return-value, arg-type]
    out = np.empty(shape.x_shape, dtype=np.float32)
    return _call("cs_mac_bp", lib.cs_mac_bp, Stage.BP, shape, ("dy", dy, shape.y_shape), ("w", w, shape.w_shape), out)


def mac_wg(shape: ConvShape, x: Float32Array, dy: Float32Array) -> Float32Array:
    """dW (k, r, s, c / groups) from X (n, h, w, c) and dY (n, p, q, k); errors as in `mac_ff`."""
    if wide.is_wide(x, dy):
        return wide.mac_wg(shape, x, dy)  # type: ignore[return-value, arg-type]
    out = np.empty(shape.w_shape, dtype=np.float32)
    return _call("cs_mac_wg", lib.cs_mac_wg, Stage.WG, shape, ("x", x, shape.x_shape), ("dy", dy, shape.y_shape), out)


def _call(
    name: str,
    function: Any,
    stage: Stage,
    shape: ConvShape,
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
        raise ValueError(f"{first[0]} and {second[0]} must be finite")
    check(name, status)
    return out
