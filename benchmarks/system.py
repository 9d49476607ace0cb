"""The whole simulator's speed: `python -m benchmarks system`, on one core of the machine. Processor time throughout.
`python -m benchmarks.system CASE ...` measures the cases named only.

* `conv2_x`: scenarios/conv2_x.yaml, a dense 3x3 convolution of ResNet, on the chip and its baseline with DRAM and NoC.
  Multiply-accumulates (MACs) simulated per second of processor time: tiling the layer, walking its bitmaps and running
  the task graph. Building the masks is told separately, the chip's set-up is left out. `FF` is the forward pass alone,
  `iteration` the whole training iteration. Required: FF at 300 M MAC/s; the goal is 500 M. ONNXim with Ramulator 2 and
  BookSim 2, the fastest public simulator of comparable detail, does 210 M on such a machine.
* `quickstart`: scenarios/quickstart.yaml, training included, all three chips; in a process of its own, as a user runs
  it, start-up included. Required: at most 90 s of processor time.
* `digits_full`: scenarios/digits_full.yaml likewise, a whole training with each of its 504 iterations simulated in
  detail on one chip. As it is long, it runs once, and only when it is named. Required: 60 s.

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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cosim.models.chip.system import System
from cosim.models.tensors import Stage
from cosim.models.workload import build_workload
from cosim.scenario import load_scenario

COSIM = Path(sys.executable).with_name("cosim")
SCENARIOS = Path(__file__).resolve().parent.parent / "scenarios"


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


def run_alone(scenario: str) -> Cost:
    """`cosim run`, without the page."""
    with tempfile.TemporaryDirectory() as folder:
        file = str(SCENARIOS / f"{scenario}.yaml")
        return in_a_process([str(COSIM), "run", file, "--out", f"{folder}/run", "--quiet", "--no-report"])


def quickstart() -> Cost:
    """One repetition."""
    return run_alone("quickstart")


def digits_full() -> Cost:
    """One repetition, likewise."""
    return run_alone("digits_full")


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


def print_run(name: str, costs: list[Cost]) -> None:
    """One line."""
    seconds = statistics.median(cost.seconds for cost in costs)
    peak = max(cost.peak_mib for cost in costs)
    print(f"{name}: {seconds:.1f} s; peak resident set: {peak:.0f} MiB; {len(costs)} repetitions")


CASES: dict[str, tuple[Callable[[], Cost], int]] = {
    "conv2_x": (conv2_x, 5),
    "quickstart": (quickstart, 3),
    "digits_full": (digits_full, 1),
}
"""How each is measured, and how often."""


def main(names: Sequence[str] = ("conv2_x", "quickstart")) -> None:
    """Measure these cases, interleaved, and print."""
    costs: dict[str, list[Cost]] = {name: [] for name in names}
    for repetition in range(max(CASES[name][1] for name in names)):
        for name in names:
            measure, repeats = CASES[name]
            if repetition < repeats:
                costs[name].append(measure())
    for name in names:
        if name == "conv2_x":
            print_conv(costs[name])
        else:
            print_run(name, costs[name])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--once", type=Path, metavar="SCENARIO", help="simulate in this process; print JSON")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.cases if name not in CASES]:
        parser.error(f"unknown case '{unknown[0]}'; there are {', '.join(CASES)}")
    if arguments.once:
        print(json.dumps(simulate_conv(arguments.once)))
    else:
        main(*([arguments.cases] if arguments.cases else []))
