"""What one core of this machine can do at most: measured beside what is compared with it, in the same run.

The loops of `_limits.c` are compiled here, for the instruction set of a level of `cosim.isa`.
"""

from __future__ import annotations

import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cffi import FFI

SOURCE = Path(__file__).with_name("_limits.c")
X86_FLAGS = {"plain": "-march=x86-64", "avx2": "-march=haswell", "avx512": "-march=icelake-client"}
WORDS = 2048
"""16 KiB: within the first-level cache."""


@dataclass(frozen=True)
class Limits:
    """Per second of one core: bits counted by popcounts, bytes loaded, FP32 multiply-adds (not fused, fused)."""

    popcount_bits: float
    load_bytes: float
    multiply_adds: float
    fused: float


def best_seconds(run: Callable[[], object], repeats: int = 5) -> float:
    """Processor time of the fastest of some runs: other work on the machine counts little."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


def _library(level: str, contract: str, folder: Path) -> Any:
    ffi = FFI()
    ffi.cdef(
        "uint64_t limit_popcount(const uint64_t *, size_t, size_t); uint64_t limit_load(const uint64_t *, size_t, "
        "size_t); float limit_multiply_add(float, float, size_t);"
    )
    x86 = platform.machine() in ("x86_64", "AMD64")
    flags = ["-O3", X86_FLAGS[level] if x86 else "-mcpu=native", f"-ffp-contract={contract}", "-shared", "-fPIC"]
    library = folder / f"limits_{level}_{contract}.so"
    subprocess.run([os.environ.get("CC", "cc"), *flags, "-o", library, SOURCE], check=True)
    return ffi.dlopen(str(library))


def measure(level: str) -> Limits:
    """The limits with the instructions of a level."""
    with tempfile.TemporaryDirectory() as folder:
        apart = _library(level, "off", Path(folder))
        fused = _library(level, "fast", Path(folder))
        words = np.random.default_rng(1).integers(0, 2**63, size=WORDS, dtype=np.uint64)
        buffer = FFI().from_buffer("uint64_t[]", words)
        rounds, additions = 10_000, 2_000_000
        adds = [
            12
            * 16
            * additions
            / best_seconds(lambda library=library: library.limit_multiply_add(0.999, 0.001, additions))
            for library in (apart, fused)
        ]
        return Limits(
            WORDS * 64 * rounds / best_seconds(lambda: apart.limit_popcount(buffer, WORDS, rounds)),
            WORDS * 8 * rounds / best_seconds(lambda: apart.limit_load(buffer, WORDS, rounds)),
            *adds,
        )
