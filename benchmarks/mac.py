"""Speed of the multiply-accumulates that train: dense-equivalent MACs a CPU second of FF, BP and WG, and of a training.

`python benchmarks/mac.py`, on one core of the machine. Zeros are left out, so sparse operands count as dense ones done
faster.
"""

import time
from functools import partial
from pathlib import Path

import numpy as np

from cosim.models.numerics import Format, mac_bp, mac_ff, mac_wg, round_to
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


def main() -> None:
    """Print one line for each layer and density, and one for the training."""
    print(f"{'layer':16}{'density':>8}{'FF':>8}{'BP':>8}{'WG':>8}  G MAC/s")
    for name, shape in SHAPES.items():
        for density in (1.0, 0.5):
            x, w, dy = (operand(size, density) for size in (shape.x_shape, shape.w_shape, shape.y_shape))
            stages = ((mac_ff, x, w), (mac_bp, dy, w), (mac_wg, x, dy))
            rates = [shape.macs / cpu_seconds(partial(f, shape, a, b)) / 1e9 for f, a, b in stages]
            print(f"{name:16}{density:8.1f}" + "".join(f"{rate:8.1f}" for rate in rates))
    file = Path(__file__).parents[1] / "scenarios/workloads/digits_cnn.yaml"
    workload = build_workload(load_component(file, FunctionalSpec), seed=1)
    start = time.process_time()
    for _ in workload.iterations(detailed=()):
        pass
    print(f"training of {workload.total_iterations} iterations: {time.process_time() - start:.1f} CPU s")


if __name__ == "__main__":
    main()
