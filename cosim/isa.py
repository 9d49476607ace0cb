"""The instruction set that the C library's hot loops use: AVX-512, AVX2, NEON, or what every processor has.

All give the same bytes; only the speed differs. The best that processor and build have is taken, unless the
environment variable `COSIM_ISA` names one of `available()`.
"""

from __future__ import annotations

import functools
import os

from .clib import check, ffi, lib

__all__ = ["LEVELS", "IsaError", "available", "code", "selected"]

LEVELS: dict[str, int] = {
    "plain": lib.CS_ISA_PLAIN,
    "neon": lib.CS_ISA_NEON,
    "avx2": lib.CS_ISA_AVX2,
    "avx512": lib.CS_ISA_AVX512,
}
"""Name to the C library's number, slowest first."""


class IsaError(ValueError):
    """`COSIM_ISA` names a level that is not there."""

    exit_code = 2


@functools.cache
def available() -> tuple[str, ...]:
    """The levels that can run here, slowest first; always some."""
    supported = ffi.new("int32_t *")
    names = []
    for name, number in LEVELS.items():
        check("cs_isa_supported", lib.cs_isa_supported(number, supported))
        if supported[0]:
            names.append(name)
    return tuple(names)


@functools.cache
def selected() -> str:
    """The level in use: `COSIM_ISA`, read once, or the best. Raises IsaError for one that is not available."""
    wanted = os.environ.get("COSIM_ISA")
    if not wanted:
        return available()[-1]
    if wanted not in available():
        raise IsaError(f"COSIM_ISA: '{wanted}' is not available here; there are {', '.join(available())}")
    return wanted


def code(name: str | None = None) -> int:
    """The C library's number for a level; None: the selected one. KeyError for one that there is not."""
    return LEVELS[selected() if name is None else name]
