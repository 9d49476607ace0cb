"""Counts times energies, once more: `python examples/recompute_energy.py [runs/quickstart/summary.json]`.

Without a file, a layer is simulated first. Equal means equal to the last digit.
"""

import json
import sys
from pathlib import Path

from cosim.scenario import load_scenario, run_scenario

LAYER = Path(__file__).parents[1] / "scenarios" / "conv2_x.yaml"
SMALL = ["workload.layers.0.h=8", "workload.layers.0.w=8"]


def summary_of(file):
    """The summary of a run; a file that is none ends the program."""
    try:
        summary = json.loads(Path(file).read_bytes())
        if summary["kind"] == "training" and summary["chips"]:
            return summary
        what = f"the summary of a run of kind {summary['kind']!r}, which has no energy to recompute"
    except OSError as error:
        what = error.strerror
    except (ValueError, LookupError, TypeError):
        what = "not the summary.json of a run"
    print(f"{file}: {what}", file=sys.stderr)
    sys.exit(2)


summary = summary_of(sys.argv[1]) if sys.argv[1:] else run_scenario(load_scenario(LAYER, SMALL)).summary
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
