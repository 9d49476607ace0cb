"""Number formats and the arithmetic on them, in C, the same bytes on every processor. A leaf.

`formats` (FP8 E4M3 and E5M2, FP16, BF16, FP32, INT8: rounding, codes, power-of-two scales), `mac` (the
multiply-accumulates of the three training stages) and `vecmath` (exp, log, loss, batch normalisation, pooling, sums).
"""

from .formats import Format, ScaledTensor, decode, encode, quantize, round_to, scale_exponent
from .mac import Accumulate, mac_bp, mac_ff, mac_wg

__all__ = [
    "Accumulate",
    "Format",
    "ScaledTensor",
    "decode",
    "encode",
    "mac_bp",
    "mac_ff",
    "mac_wg",
    "quantize",
    "round_to",
    "scale_exponent",
]
