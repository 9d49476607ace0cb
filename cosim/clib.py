"""The one place where Python meets the C library: buffer checks before a call, status checks after it.

`from cosim.clib import ffi, lib, as_buffer, check`. cffi accepts a float array where C reads bytes, and a
read-only array where C writes, without a word; so shape, dtype, contiguity and writability are checked here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ._install import load_kernels

__all__ = ["KernelError", "as_buffer", "check", "ffi", "lib"]

_kernels = load_kernels()
ffi: Any = _kernels.ffi
lib: Any = _kernels.lib

_MEANING = {
    lib.CS_FULL: "an output buffer or queue is full",
    lib.CS_EINVAL: "an argument breaks the contract",
    lib.CS_EBUFFER: "a buffer is too small or misaligned",
    lib.CS_ESTATE: "the state buffer is not initialised",
}


class KernelError(RuntimeError):
    """A C function refused; `args` are (function, status), so that SimPy can raise it again."""

    def __init__(self, function: str, status: int) -> None:
        super().__init__(function, status)
        self.function = function
        self.status = status

    def __str__(self) -> str:
        return f"{self.function}: {_MEANING.get(self.status, 'unknown status')} (status {self.status})"


def check(function: str, status: int) -> None:
    """Raise KernelError(function, status) unless status is CS_OK."""
    if status != lib.CS_OK:
        raise KernelError(function, status)


def as_buffer(array: npt.NDArray[Any], ctype: str, dtype: npt.DTypeLike, name: str, *, writable: bool = False) -> Any:
    """A cffi pointer `ctype *` to a C-contiguous array of exactly `dtype`; it keeps the array alive.

    Raises TypeError for another dtype and ValueError for an array that is not aligned or C-contiguous, or not writable
    where `writable` is asked for. An empty array gives a valid pointer of length 0.
    """
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{name}: expected a numpy array, got {type(array).__name__}")
    if array.dtype != np.dtype(dtype):
        raise TypeError(f"{name}: expected dtype {np.dtype(dtype)}, got {array.dtype}")
    if not array.flags.aligned:
        raise ValueError(f"{name}: must be aligned to its elements")
    if not array.flags.c_contiguous:
        raise ValueError(f"{name}: must be C-contiguous")
    if writable and not array.flags.writeable:
        raise ValueError(f"{name}: must be writable")
    return ffi.from_buffer(f"{ctype}[]", array, require_writable=writable)
