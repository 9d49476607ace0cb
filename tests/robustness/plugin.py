"""Installs the demonstration kind as a distribution of its own, and runs the program with it."""

import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]

SCENARIO = """\
schema_version: 1
kind: demo
chip: chips/fast.yaml
schedule:
  kind: linear
  target: 90 %
steps: 5
"""
CHIPS = {
    "chips/base.yaml": "name: base\nclock: 50 MHz\nsupply: 0.78 V\ncore:\n  lanes: 8\n",
    "chips/fast.yaml": "extends: base.yaml\nname: fast\nclock: 300 MHz\n",
}


def write_files(folder: Path, **files: str | bytes) -> None:
    for name, content in {"demo.yaml": SCENARIO, **CHIPS, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def install(site: Path, name: str = "demo-kind", target: str = "robustness.demo_kind:register", group="cosim.models"):
    """A distribution `name` whose entry point is `target`; returns the folder for PYTHONPATH."""
    info = site / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n{name.replace('-', '_')} = {target}\n")
    return site


def environment(site: Path, **variables: str) -> dict[str, str]:
    path = os.pathsep.join([str(site), str(TESTS), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    # Wide, and no colours: lines are compared as they are.
    return {**os.environ, "PYTHONPATH": path, "COLUMNS": "200", "NO_COLOR": "1", **variables}


# A shell's background jobs, and what they start, ignore Ctrl-C: tests of it would wait for ever there.
_START = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); sys.argv[0] = 'cosim'; "
    "from cosim.cli import main; main()"
)
COMMAND = [sys.executable, "-c", _START]


def cosim(*arguments: str | Path, site: Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=environment(site, **variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
