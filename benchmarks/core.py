"""The core engine's speed: dense multiply-accumulates a second, beside what popcounts and loads alone would allow.

`python -m benchmarks core`, on one core of the machine; the limits are measured in the same run (`_limits.py`).
"""

import sys
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks._limits import Limits, best_seconds, measure
from cosim.clib import as_buffer, check, ffi, lib
from cosim.isa import available, code
from cosim.models.core import BankedTile, BankParams, CoreParams, Operands, SkipPolicy, Tile, TileResult, run_operation
from cosim.models.tensors import BitTensor, ConvShape, Stage

SHAPE = ConvShape(n=4, c=128, h=28, w=28, k=128, r=3, s=3, pad=1)


def operands(shape: ConvShape, density: float) -> Operands:
    """Random masks; every output is needed."""
    rng = np.random.default_rng(1)
    x, w, dy = (
        BitTensor.from_bool(rng.random(size) < density) for size in (shape.x_shape, shape.w_shape, shape.y_shape)
    )
    return Operands(x, w, dy)


def counting(limits: dict[str, Limits]) -> None:
    """Skip counting alone: an input row against those of a layer of 512 channels; the call itself costs little."""
    rng = np.random.default_rng(1)
    lanes, bits = 512, 9 * 512
    rows = BitTensor.from_bool(rng.random((lanes + 1, bits)) < 0.5).words
    per_lane, per_group = np.zeros(lanes, dtype=np.int64), np.zeros(lanes // 8, dtype=np.int64)
    buffers = [as_buffer(array, "uint64_t", np.uint64, "rows") for array in (rows[0], rows[1:])]
    counts = [as_buffer(array, "int64_t", np.int64, "counts", writable=True) for array in (per_lane, per_group)]
    for level in available():

        def run(level: str = level) -> None:
            for _ in range(200):
                status = lib.cs_skips_count(
                    code(level), buffers[0], rows.shape[1], buffers[1], rows[1:].size, lanes, 8, bits, 16,
                    counts[0], lanes, counts[1], lanes // 8, ffi.NULL, 0,
                )  # fmt: skip
                check("cs_skips_count", status)

        rate = 200 * lanes * bits / best_seconds(run)
        limit = limits[level]
        # Each pair takes a bit of one lane's row from the cache; the input's stay in registers at best.
        bound = min(limit.popcount_bits, limit.load_bytes * 8)
        print(
            f"skip counting, {level:6}: {rate / 1e9:6.1f} G dense MAC/s, {rate / bound:4.0%} of the limit (popcounts "
            f"{limit.popcount_bits / 1e9:.0f} G bit/s, loads {limit.load_bytes / 1e9:.0f} GB/s)"
        )


def engine() -> None:
    """The scan-and-queue engine, with every rule: one line per stage, window and density."""
    policy = SkipPolicy(frozenset({"input", "weight"}), coarse=True)
    for group, lanes in ((16, 64), (4, 64)):
        for window in (16, 64):
            params = CoreParams(lanes, group, window=window, queue=16, run_ahead=4, coarse_jump=4, coarse_unit=(4, 16))
            for density in (0.5, 0.1):
                masks = operands(SHAPE, density)
                rates = []
                for stage in Stage:
                    run = partial(run_operation, params, policy, SHAPE, stage, masks)
                    run()
                    rates.append(f"{stage} {SHAPE.macs / best_seconds(run) / 1e9:5.1f}")
                print(f"group {group:2}, window {window}, density {density}: {', '.join(rates)} G dense MAC/s")


def banks() -> None:
    """The engine with bank conflicts, its record of the tile included; effectual MACs count here.

    The cost is that of looks at blocks: the fewer MACs a block of the window holds, the fewer a second. Both operands
    half zero, at a window of 16, is what the figure of docs/core.md is taken at; with a reuse of one pixel every look
    reads the other operand, too. Beside it the same tile by the engine without conflicts.
    """
    shape = ConvShape(n=1, c=64, h=28, w=28, k=64, r=3, s=3, pad=1)
    policy = SkipPolicy(frozenset({"input", "weight"}), coarse=True)
    whole = Tile.whole(shape, Stage.FF)
    for reuse in (8, 1):
        params = CoreParams(
            64, 16, window=16, queue=16, run_ahead=4, coarse_jump=4, coarse_unit=(4, 4), pixel_reuse=reuse
        )
        for density in (1.0, 0.9, 0.7, 0.5, 0.3):
            masks = operands(shape, density)

            def run(params: CoreParams = params, masks: Operands = masks) -> TileResult:
                tile = BankedTile(params, BankParams(8, 8, 2, 2), policy, shape, Stage.FF, masks, whole)
                tile.advance()
                return tile.result().tile

            result, seconds = run(), best_seconds(run, 3)
            ideal = best_seconds(partial(run_operation, params, policy, shape, Stage.FF, masks), 3)
            print(
                f"bank conflicts, window 16, reuse {reuse}, density {density}: "
                f"{result.macs / seconds / 1e6:4.0f} M effectual MAC/s, {result.scans / seconds / 1e6:3.0f} M looks/s, "
                f"{ideal / seconds:5.1%} of the speed without conflicts"
            )


def linearity() -> list[tuple[int, float]]:
    """Cost over three decades of work: the time of a dense MAC should not depend on how many there are."""
    params = CoreParams(64, 16, window=16, queue=16, run_ahead=4, coarse_jump=4, coarse_unit=(4, 16))
    policy = SkipPolicy(frozenset({"input", "weight"}), coarse=True)
    found = []
    for n, size in ((1, 4), (1, 8), (1, 14), (1, 28), (4, 28), (16, 28), (32, 56)):
        shape = ConvShape(n=n, c=64, h=size, w=size, k=64, r=3, s=3, pad=1)
        masks = operands(shape, 0.5)
        run = partial(run_operation, params, policy, shape, Stage.FF, masks)
        run()
        found.append((shape.macs, best_seconds(run, 3)))
    longest = max(seconds / macs for macs, seconds in found)
    for macs, seconds in found:
        bar = "#" * round(50 * seconds / macs / longest)
        print(f"{macs / 1e6:8.1f} M dense MAC: {seconds * 1e3:8.2f} ms, {seconds / macs * 1e12:5.1f} ps each {bar}")
    return found


def draw(found: list[tuple[int, float]], file: Path) -> None:
    """Time over work, beside the line through the largest case."""
    from matplotlib.figure import Figure  # noqa: PLC0415
    from matplotlib.layout_engine import ConstrainedLayoutEngine  # noqa: PLC0415

    macs, seconds = [macs for macs, _ in found], [1e3 * seconds for _, seconds in found]
    figure = Figure(figsize=(6.4, 3.8), dpi=110, layout=ConstrainedLayoutEngine())
    axes = figure.subplots()
    axes.loglog(
        macs, [seconds[-1] * m / macs[-1] for m in macs], color="#5c636e", linestyle=(0, (4, 2)), label="linear"
    )
    axes.loglog(macs, seconds, marker="o", label="measured")
    axes.set(xlabel="dense multiply-accumulates", ylabel="processor time, ms")
    axes.grid(visible=True, alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(file, metadata={"Software": None})


def main() -> None:
    """Print all tables."""
    counting({level: measure(level) for level in available()})
    engine()
    banks()
    linearity()


if __name__ == "__main__":  # python -m benchmarks.core docs/core_cost.png: only the plot
    if len(sys.argv) > 1:
        draw(linearity(), Path(sys.argv[1]))
    else:
        main()
