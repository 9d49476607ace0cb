"""The whole simulator's speed: `python -m benchmarks system`, on one core of the machine. Processor time throughout.

* `conv2_x`: scenarios/conv2_x.yaml, a dense 3x3 convolution of ResNet, on the chip and its baseline with DRAM and NoC.
  Multiply-accumulates (MACs) simulated per second of processor time: tiling the layer, walking its bitmaps and running
  the task graph. Building the masks is told separately, the chip's set-up is left out. `FF` is the forward pass alone,
  `iteration` the whole training iteration. Required: FF at 300 M MAC/s; the goal is 500 M. ONNXim with Ramulator 2 and
  BookSim 2, the fastest public simulator of comparable detail, does 210 M on such a machine.
* `quickstart`: scenarios/quickstart.yaml, training included, all three chips; in a process of its own, as a user runs
  it, start-up included. Required: at most 90 s of processor time.

The figures are medians of interleaved repetitions, each in a process of its own, with the largest resident set of any.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from cosim.models.chip.system import System
from cosim.models.tensors import Stage
from cosim.models.workload import build_workload
from cosim.scenario import load_scenario

COSIM = Path(sys.executable).with_name("cosim")
SCENARIOS = Path(__file__).resolve().parent.parent / "scenarios"
CONV_REPEATS, QUICKSTART_REPEATS = 5, 3


@dataclass(frozen=True)
class Cost:
    """Of one process: the figures that it printed, its processor time and its largest resident set."""

    figures: dict[str, dict[str, float]]
    seconds: float
    peak_mib: float


def simulate_conv(scenario: Path) -> dict[str, dict[str, float]]:
    """By chip and work: MACs, and seconds of building the masks, of mapping and of running. Runs in this process."""
    spec = load_scenario(scenario).spec
    start = time.process_time()
    iteration = next(iter(build_workload(spec.workload, spec.pruning, seed=spec.seed).iterations()))
    masks_s = time.process_time() - start
    forward = replace(iteration, steps=tuple(step for step in iteration.steps if step.stage is Stage.FF))
    figures = {}
    for chip in (spec.chip, *spec.baselines):
        for work, of in (("FF", forward), ("iteration", iteration)):
            system = System(chip, spec.memory, spec.seed)
            start = time.process_time()
            mapped = system.mapper.map(of)
            between = time.process_time()
            system.run_graph(mapped.graph)
            figures[f"{chip.name}, {work}"] = {
                "macs": sum(operation.shape.macs for operation in of.operations),
                "masks_s": masks_s,
                "map_s": between - start,
                "run_s": time.process_time() - between,
            }
    return figures


def in_a_process(command: list[str]) -> Cost:
    """Run it to its end; the last line of its output, if it is JSON, are its figures. Or CalledProcessError."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=SCENARIOS.parent) as process:
        assert process.stdout is not None
        lines = process.stdout.read().splitlines()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    figures = json.loads(lines[-1]) if lines and lines[-1].startswith("{") else {}
    return Cost(figures, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def conv2_x() -> Cost:
    """One repetition."""
    return in_a_process([sys.executable, "-m", "benchmarks.system", "--once", str(SCENARIOS / "conv2_x.yaml")])


def quickstart() -> Cost:
    """One repetition: `cosim run`, without the page."""
    with tempfile.TemporaryDirectory() as folder:
        scenario = str(SCENARIOS / "quickstart.yaml")
        return in_a_process([str(COSIM), "run", scenario, "--out", f"{folder}/run", "--quiet", "--no-report"])


def print_conv(costs: list[Cost]) -> None:
    """A line for each chip and work."""
    print(f"{'conv2_x':<18} {'M MAC':>6} {'masks s':>8} {'map s':>7} {'run s':>7} {'M MAC/s':>8}")
    for name in costs[0].figures:
        rows = [cost.figures[name] for cost in costs]
        masks, mapping, running = (
            statistics.median(row[part] for row in rows) for part in ("masks_s", "map_s", "run_s")
        )
        rate = statistics.median(row["macs"] / (row["map_s"] + row["run_s"]) for row in rows) / 1e6
        print(
            f"{name:<18} {rows[0]['macs'] / 1e6:>6.0f} {masks:>8.3f} {mapping:>7.3f} {running:>7.3f} {rate:>8.0f}",
        )
    print(f"peak resident set: {max(cost.peak_mib for cost in costs):.0f} MiB; {len(costs)} repetitions")


def print_quickstart(costs: list[Cost]) -> None:
    """One line."""
    seconds = statistics.median(cost.seconds for cost in costs)
    peak = max(cost.peak_mib for cost in costs)
    print(f"quickstart: {seconds:.1f} s; peak resident set: {peak:.0f} MiB; {len(costs)} repetitions")


def main() -> None:
    """Measure both, interleaved, and print."""
    cases: list[tuple[Callable[[], Cost], int, list[Cost]]] = [
        (conv2_x, CONV_REPEATS, []),
        (quickstart, QUICKSTART_REPEATS, []),
    ]
    for repetition in range(max(repeats for _, repeats, _ in cases)):
        for measure, repeats, costs in cases:
            if repetition < repeats:
                costs.append(measure())
    print_conv(cases[0][2])
    print_quickstart(cases[1][2])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--once", type=Path, metavar="SCENARIO", help="simulate in this process; print JSON")
    arguments = parser.parse_args()
    if arguments.once:
        print(json.dumps(simulate_conv(arguments.once)))
    else:
        main()
