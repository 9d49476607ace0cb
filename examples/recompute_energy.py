"""Counts times energies, once more: `python examples/recompute_energy.py [runs/quickstart/summary.json]`.

Without a file, a layer is simulated first. Equal means equal to the last digit.
"""

import json
import sys
from pathlib import Path

from cosim.scenario import load_scenario, run_scenario

LAYER = Path(__file__).parents[1] / "scenarios" / "conv2_x.yaml"
SMALL = ["workload.layers.0.h=8", "workload.layers.0.w=8"]
summary = (
    json.loads(Path(sys.argv[1]).read_bytes()) if sys.argv[1:] else run_scenario(load_scenario(LAYER, SMALL)).summary
)
for chip in summary["chips"]:
    energy = chip["energy_fj"]
    by_action = {action: count * energy["of_one"][action] for action, count in chip["counts"].items()}
    equal = (
        by_action == energy["by_action"],
        sum(by_action.values()) == energy["chip"],
        sum(energy["by_group"].values()) == energy["chip"],
        sum(energy["by_task"].values()) == energy["chip"],
        energy["chip"] + energy["dram"] == energy["total"],
    )
    print(
        f"{chip['name']}: actions, components, tasks and total are {'equal' if all(equal) else f'NOT equal: {equal}'}"
    )
