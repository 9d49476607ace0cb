"""Speed of the multiply-accumulates that train: dense-equivalent MACs a CPU second of FF, BP and WG, and of a training.

`python -m benchmarks mac`, on one core of the machine. Zeros are left out, so sparse operands count as dense ones done
faster. Beside them what the processor's multipliers and adders could do at most (`_limits.py`): fused, and, as here,
with a rounded product.
"""

import time
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks._limits import measure
from cosim.isa import selected
from cosim.models.numerics import Accumulate, Format, mac_bp, mac_ff, mac_wg, quantize, round_to
from cosim.models.tensors import ConvShape
from cosim.models.workload import FunctionalSpec, build_workload
from cosim.scenario import load_component

SHAPES = {
    "digits conv2": ConvShape(n=32, c=16, h=8, w=8, k=32, r=3, s=3, pad=1),
    "digits conv3": ConvShape(n=32, c=32, h=4, w=4, k=64, r=3, s=3, pad=1),
    "digits fc": ConvShape(n=32, c=256, h=1, w=1, k=10, r=1, s=1),
    "ResNet conv2_x": ConvShape(n=4, c=64, h=56, w=56, k=64, r=3, s=3, pad=1),
}


def operand(shape: tuple[int, ...], density: float) -> np.ndarray:
    """FP8 values, non-zero with probability `density`."""
    rng = np.random.default_rng(1)
    values = round_to(rng.standard_normal(shape).astype(np.float32), Format.FP8_E4M3)
    return np.where(rng.random(shape) < density, values, np.float32(0))


def cpu_seconds(run, least: float = 0.3) -> float:
    """CPU seconds of one run, over enough of them."""
    runs, start = 0, time.process_time()
    while time.process_time() - start < least:
        run()
        runs += 1
    return (time.process_time() - start) / runs


def ways() -> None:
    """FF of one layer with every kind of sums."""
    shape = SHAPES["ResNet conv2_x"]
    for fmt, sums in ((Format.FP8_E4M3, "fp32"), (Format.FP8_E4M3, "fp16"), (Format.INT8, "int32")):
        rng = np.random.default_rng(1)
        x, w = (
            quantize(rng.standard_normal(size).astype(np.float32), fmt).values
            for size in (shape.x_shape, shape.w_shape)
        )
        rate = shape.macs / cpu_seconds(partial(mac_ff, shape, x, w, Accumulate(sums)))
        print(f"{fmt}, sums in {sums}: {rate / 1e9:.1f} G MAC/s, dense")


def layers() -> None:
    """A layer as training does it: FP32 tensors are scaled and rounded to FP8, and each stage computed."""
    shape = SHAPES["ResNet conv2_x"]
    for density in (1.0, 0.5, 0.1):
        x, w, dy = (operand(size, density) * np.float32(1.1) for size in (shape.x_shape, shape.w_shape, shape.y_shape))

        def run(x: np.ndarray = x, w: np.ndarray = w, dy: np.ndarray = dy) -> None:
            low_x, low_w = quantize(x, Format.FP8_E4M3).values, quantize(w, Format.FP8_E4M3).values
            low_dy = quantize(dy, Format.FP8_E5M2).values
            mac_ff(shape, low_x, low_w)
            mac_bp(shape, low_dy, low_w)
            mac_wg(shape, low_x, low_dy)

        rate = 3 * shape.macs / cpu_seconds(run)
        print(f"value-true FP8 layer, FF + BP + WG, density {density}: {rate / 1e9:.1f} G dense-equivalent MAC/s")


def main() -> None:
    """Print the limits, one line for each layer and density, the ways to accumulate, whole layers, and a training."""
    limits = measure(selected())
    print(
        f"limit ({selected()}): {limits.fused / 1e9:.1f} G multiply-adds/s fused, {limits.multiply_adds / 1e9:.1f} not"
    )
    print(f"{'layer':16}{'density':>8}{'FF':>8}{'BP':>8}{'WG':>8}  G MAC/s")
    for name, shape in SHAPES.items():
        for density in (1.0, 0.5):
            x, w, dy = (operand(size, density) for size in (shape.x_shape, shape.w_shape, shape.y_shape))
            stages = ((mac_ff, x, w), (mac_bp, dy, w), (mac_wg, x, dy))
            rates = [shape.macs / cpu_seconds(partial(f, shape, a, b)) / 1e9 for f, a, b in stages]
            print(f"{name:16}{density:8.1f}" + "".join(f"{rate:8.1f}" for rate in rates))
    ways()
    layers()
    file = Path(__file__).parents[1] / "scenarios/workloads/digits_cnn.yaml"
    workload = build_workload(load_component(file, FunctionalSpec), seed=1)
    start = time.process_time()
    for _ in workload.iterations(detailed=()):
        pass
    print(f"training of {workload.total_iterations} iterations: {time.process_time() - start:.1f} CPU s")


if __name__ == "__main__":
    main()
