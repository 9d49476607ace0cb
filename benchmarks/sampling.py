"""What simulating a tenth of the iterations costs: `python -m benchmarks sampling`. Processor time, on one core.

The quick start's training, shortened to three epochs, on the chip alone: trained only, simulated whole, and a random
tenth simulated. Required: at most the time of training only and 1.5 times a tenth of the time of simulating alone.
Interleaved, medians of three.
"""

import statistics
import time
from pathlib import Path

from cosim.models.workload import build_workload
from cosim.scenario import load_scenario, run_scenario

SCENARIO = Path(__file__).resolve().parent.parent / "scenarios" / "quickstart.yaml"
SHORT = ["baselines=[]", "hindsight=false", "timeline.iterations=0", "workload.epochs=3"]
REPEATS = 3


def trained() -> None:
    """The training alone, with the accuracies that a run measures."""
    spec = load_scenario(SCENARIO, SHORT).spec
    workload = build_workload(spec.workload, spec.pruning, seed=spec.seed)
    epoch = 0
    for iteration in workload.iterations(detailed=()):
        if iteration.epoch != epoch:
            epoch = iteration.epoch
            workload.evaluate()
    workload.evaluate()


def simulated(every: int) -> None:
    """A run of the scenario."""
    run_scenario(load_scenario(SCENARIO, [*SHORT, f"simulate={{every: {every}, choose: random}}"]))


def main() -> None:
    """Measure and print."""
    cases = {"trained only": trained, "all simulated": lambda: simulated(1), "a tenth": lambda: simulated(10)}
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(REPEATS):
        for name, work in cases.items():
            start = time.process_time()
            work()
            seconds[name].append(time.process_time() - start)
    train, whole, tenth = (statistics.median(seconds[name]) for name in cases)
    allowed = train + 0.15 * (whole - train)
    print(f"trained only {train:.2f} s, all simulated {whole:.2f} s, a tenth {tenth:.2f} s; allowed {allowed:.2f} s")


if __name__ == "__main__":
    main()
