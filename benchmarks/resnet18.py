"""A training step of ResNet-18, one ImageNet image: `python -m benchmarks resnet18`, on one core of the machine.

scenarios/resnet18_ff.yaml, resnet18_step_sparse.yaml and resnet18_step.yaml, whole system with DRAM and a NoC of
16-byte flits, each in a process of its own: loading, drawing the masks, mapping, running. Processor time throughout,
start-up included. Required: FF in 4 s, either step in 10 s, aiming at 1 s and 3 s, and 500 MB. ONNXim, the fastest
public simulator of comparable detail, takes 8.5 s for the FF.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from itertools import pairwise
from pathlib import Path

from cosim.models.chip.system import System
from cosim.models.workload import build_workload
from cosim.scenario import load_scenario

from .system import SCENARIOS, Cost, in_a_process

CASES = ("resnet18_ff", "resnet18_step_sparse", "resnet18_step")
REPEATS = 3


def simulate(scenario: Path) -> dict[str, dict[str, float]]:
    """Seconds of each part of the work, and what was simulated. Runs in this process."""
    marks = [time.process_time()]
    spec = load_scenario(scenario).spec
    marks.append(time.process_time())
    iteration = next(iter(build_workload(spec.workload, spec.pruning, seed=spec.seed).iterations()))
    marks.append(time.process_time())
    system = System(spec.chip, spec.memory, spec.seed)
    mapped = system.mapper.map(iteration)
    marks.append(time.process_time())
    job = system.run_graph(mapped.graph)
    marks.append(time.process_time())
    counts = system.chip.action_counts()
    parts = ("load_s", "masks_s", "map_s", "run_s")
    return {
        scenario.stem: {
            **{part: after - before for part, (before, after) in zip(parts, pairwise(marks), strict=True)},
            "macs": sum(operation.shape.macs for operation in iteration.operations),
            "tasks": len(mapped.graph),
            "requests": counts["dma.request"],
            "flit_hops": counts["noc.flit_hop"],
            "simulated_ms": (job.end_ps - job.start_ps) / 1e9,
        }
    }


def print_costs(name: str, costs: list[Cost]) -> None:
    """One line: medians, and the largest resident set."""

    def middle(part: str) -> float:
        return statistics.median(cost.figures[name][part] for cost in costs)

    seconds = statistics.median(cost.seconds for cost in costs)
    peak_mb = max(cost.peak_mib for cost in costs) * 1.048576
    figures = costs[0].figures[name]
    print(
        f"{name:<22} {figures['macs'] / 1e6:>7.0f} {figures['requests'] / 1e6:>10.2f} "
        f"{figures['flit_hops'] / 1e6:>11.0f} {figures['simulated_ms']:>8.1f} {middle('map_s'):>6.2f} "
        f"{middle('run_s'):>6.2f} {seconds:>6.2f} {figures['macs'] / seconds / 1e6:>8.0f} {peak_mb:>7.0f}"
    )


def main() -> None:
    """Measure the three, interleaved, and print."""
    costs: dict[str, list[Cost]] = {name: [] for name in CASES}
    for _ in range(REPEATS):
        for name in CASES:
            scenario = str(SCENARIOS / f"{name}.yaml")
            costs[name].append(in_a_process([sys.executable, "-m", "benchmarks.resnet18", "--once", scenario]))
    print(
        f"{'':<22} {'M MAC':>7} {'M requests':>10} {'M flit-hops':>11} {'chip ms':>8} {'map s':>6} {'run s':>6} "
        f"{'all s':>6} {'M MAC/s':>8} {'peak MB':>7}"
    )
    for name in CASES:
        print_costs(name, costs[name])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--once", type=Path, metavar="SCENARIO", help="simulate in this process; print JSON")
    arguments = parser.parse_args()
    if arguments.once:
        print(json.dumps(simulate(arguments.once)))
    else:
        main()
