"""The core engine's speed: dense multiply-accumulates walked a second, beside what popcounts alone would allow.

`python benchmarks/core.py`, on one core of the machine. The limit is a plain C loop over cached words.
"""

import time

import numpy as np

from cosim.clib import as_buffer, check, ffi, lib
from cosim.models.core import CoreParams, Operands, SkipPolicy, run_operation
from cosim.models.tensors import BitTensor, ConvShape, Stage

SHAPE = ConvShape(n=4, c=128, h=28, w=28, k=128, r=3, s=3, pad=1)


def operands(shape: ConvShape, density: float) -> Operands:
    """Random masks; every output is needed."""
    rng = np.random.default_rng(1)
    x, w, dy = (
        BitTensor.from_bool(rng.random(size) < density) for size in (shape.x_shape, shape.w_shape, shape.y_shape)
    )
    return Operands(x, w, dy)


def best_seconds(run, repeats: int = 3) -> float:
    """Processor time of the fastest of some runs: other work on the machine counts little."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return min(times)


def popcount_limit() -> float:
    """Bits a second that one popcount a word would compare: cs_bits_skips counts three."""
    words = np.random.default_rng(1).integers(0, 2**63, size=1024, dtype=np.uint64)
    a = as_buffer(words, "uint64_t", np.uint64, "a")
    counts = ffi.new("int64_t[4]")

    def run() -> None:
        for _ in range(2000):
            check("cs_bits_skips", lib.cs_bits_skips(a, a, words.size, words.size * 64, counts))

    return 2000 * words.size * 64 * 3 / best_seconds(run)


def main() -> None:
    """Print one line per stage, window and density."""
    print(f"popcount limit: {popcount_limit() / 1e9:.1f} G bits/s")
    policy = SkipPolicy(frozenset({"input", "weight"}), coarse=True)
    for group, lanes in ((16, 64), (4, 64)):
        for window in (16, 64):
            params = CoreParams(lanes, group, window=window, queue=16, run_ahead=4, coarse_jump=4, coarse_unit=(4, 16))
            for density in (0.5, 0.1):
                masks = operands(SHAPE, density)
                for stage in Stage:

                    def run(params=params, stage=stage, masks=masks):
                        return run_operation(params, policy, SHAPE, stage, masks)

                    run()
                    rate = SHAPE.macs / best_seconds(run)
                    print(
                        f"group {group:2}, window {window}, density {density}, {stage}: {rate / 1e9:5.1f} G dense MAC/s"
                    )


if __name__ == "__main__":
    main()
