"""The quick start's first iterations are the same on fused and on unfused links, task by task."""

from pathlib import Path

from cosim.models.chip import System
from cosim.models.workload import build_workload
from cosim.scenario import load_scenario

SCENARIO = Path(__file__).resolve().parents[2] / "scenarios" / "quickstart.yaml"


def test_the_quick_start_is_the_same_on_unfused_links():
    spec = load_scenario(SCENARIO).spec
    systems = [System(spec.chip, spec.memory, spec.seed, fused=fused) for fused in (True, False)]
    workload = build_workload(spec.workload, spec.pruning, seed=spec.seed)
    iterations = workload.iterations(detailed=range(2))
    for _ in range(2):
        iteration = next(iterations)
        one, other = (system.simulate(iteration) for system in systems)
        assert one.job.time_by_reason_ps == other.job.time_by_reason_ps
        assert (one.job.start_ps, one.job.end_ps) == (other.job.start_ps, other.job.end_ps)
        assert one.action_counts == other.action_counts
        assert one.dram_energy_fj == other.dram_energy_fj
    assert systems[0].accounts() == systems[1].accounts()
