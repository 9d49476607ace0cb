"""Run SimPy's own test suite on our simulator: `python tools/simpy_suite.py BUILD_FOLDER`.

The source distribution of the installed SimPy is fetched with pip, and its tests are run with `simpy.Environment`
replaced by `Simulator(strict_time=False)`. Left out: real-time environments (another class), benchmarks, the test of
the version number, and `test_exception_chaining`, which compares a traceback with the file and function names of
SimPy's own event loop.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

import pytest
import simpy

from cosim import Simulator


class OnOurSimulator:
    """A pytest plugin: before any test is collected, SimPy's environment is ours."""

    def pytest_configure(self, config: pytest.Config) -> None:
        """Replace the class."""

        class Environment(Simulator):
            def __init__(self, initial_time: float = 0) -> None:
                super().__init__(initial_time, strict_time=False)

        simpy.Environment = Environment  # type: ignore[misc]


def fetch(folder: Path) -> Path:
    """SimPy's tests, of exactly the installed version."""
    name = f"simpy-{version('simpy')}"
    tests = folder / name / "tests"
    if not tests.exists():
        folder.mkdir(parents=True, exist_ok=True)
        download = ["download", "--quiet", "--no-deps", "--no-binary", ":all:", f"simpy=={version('simpy')}"]
        subprocess.run([sys.executable, "-m", "pip", *download, "--dest", str(folder)], check=True)
        with tarfile.open(folder / f"{name}.tar.gz") as archive:
            archive.extractall(folder, filter="data")
    return tests


def main() -> int:
    """pytest's exit status."""
    tests = fetch(Path(sys.argv[1]))
    arguments = ["-q", "-c", "/dev/null", "--rootdir", str(tests.parent), "-p", "no:cacheprovider"]
    arguments += ["--import-mode=importlib", "-k", "not test_exception_chaining"]
    arguments += [f"--ignore={tests / name}" for name in ("test_rt.py", "test_benchmark.py", "test_version.py")]
    return int(pytest.main([*arguments, str(tests)], plugins=[OnOurSimulator()]))


if __name__ == "__main__":
    sys.exit(main())
