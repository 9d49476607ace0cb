"""The built wheel works from an empty folder, without the sources beside it."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCENARIO = """\
schema_version: 1
kind: training
seed: 3
chip: {scenarios}/chips/pnpu.yaml
memory: {scenarios}/memories/lpddr4_3200.yaml
workload:
  fidelity: statistical
  layers: [{{name: conv, c: 8, h: 6, w: 6, k: 16, r: 3, s: 3, pad: 1}}]
pruning: {{schedule: none}}
"""


def run(*command, cwd, **extra):
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "COSIM"))}
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, env=environment | extra, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """An environment of its own with the wheel; its dependencies are those of the running interpreter."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    listed = run("git", "ls-files", "-co", "--exclude-standard", cwd=ROOT)
    files = (
        listed.stdout.splitlines()
        if listed.returncode == 0
        else [
            str(path.relative_to(ROOT))
            for part in ("cosim", "models", "csrc")
            for path in (ROOT / part).rglob("*.[pch]*")
        ]
        + ["_cosim_start.py", "pyproject.toml", "setup.py", "README.md", "LICENSE"]
    )
    for name in files:
        if (ROOT / name).is_file() and not name.startswith("tests/"):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    built = run(sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", folder, source, cwd=folder)
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("cosim_npu-*.whl")
    assert "-cp311-abi3-" in wheel.name
    assert run(sys.executable, "-m", "venv", folder / "venv", cwd=folder).returncode == 0
    python = folder / "venv/bin/python"
    done = run(python, "-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel, cwd=folder)
    assert done.returncode == 0, done.stderr
    (site,) = (folder / "venv/lib").glob("python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "venv/bin"


@pytest.mark.wheel
def test_the_wheel_is_what_runs(installed, tmp_path):
    where = run(installed / "python", "-c", "import cosim, cosim.models; print(cosim.models.__file__)", cwd=tmp_path)
    assert where.returncode == 0, where.stderr
    assert where.stdout.startswith(str(installed.parent))
    assert not (Path(where.stdout.strip()).parents[2] / "models").exists()  # no top-level package `models`


@pytest.mark.wheel
def test_the_wheel_runs_a_scenario(installed, tmp_path):
    (tmp_path / "tiny.yaml").write_text(SCENARIO.format(scenarios=ROOT / "scenarios"))
    done = run(installed / "cosim", "run", "tiny.yaml", "--out", "out", "--json", "--no-report", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads((tmp_path / "out/summary.json").read_text())
    assert json.loads(done.stdout)["chips"][0]["macs"]["dense"] > 0
