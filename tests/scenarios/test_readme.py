"""What the README shows works as it stands there."""

import re
import shutil
from pathlib import Path

from cosim.models.chip.sampling import choose
from cosim.models.workload import build_workload
from cosim.scenario import load_scenario

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def test_the_example_is_a_whole_scenario(tmp_path):
    shutil.copytree(ROOT / "scenarios", tmp_path / "scenarios")
    (example,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    path = tmp_path / "scenarios" / "my.yaml"
    path.write_text(example)
    scenario = load_scenario(path, ["chip.core.lanes=32", "seed=8"])
    assert scenario.spec.chip.core.lanes == 32
    assert [chip.name for chip in scenario.spec.baselines] == ["dense"]
    spec = scenario.spec
    workload = build_workload(spec.workload, spec.pruning, seed=spec.seed)
    sample = choose(workload.total_iterations, spec.simulate, workload.prunes_in, seed=spec.seed)
    assert sample.half_width({iteration: iteration for iteration in sample.weights})  # its totals have intervals


def test_every_link_leads_to_a_file():
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert links
    assert [link for link in links if not (ROOT / link).is_file()] == []
