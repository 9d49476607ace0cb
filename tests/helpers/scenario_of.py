"""A scenario around a workload, for tests of what the workload says: the shipped chip and memory, nothing pruned."""

from helpers.chips import SCENARIOS


def scenario_of(workload):
    """What the scenario file holds."""
    return {
        "schema_version": 1,
        "chip": str(SCENARIOS / "chips/pnpu.yaml"),
        "memory": str(SCENARIOS / "memories/lpddr4_3200.yaml"),
        "workload": workload,
        "pruning": {"schedule": "none"},
    }
