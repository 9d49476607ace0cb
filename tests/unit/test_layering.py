"""Imports go downward only."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

BELOW = {
    "tensors": set(),
    "numerics": {"tensors"},
    "energy": set(),
    "tasks": set(),
    "sram": {"energy"},
    "noc": {"energy"},
    "dram": {"energy"},
    "fabric": {"sram", "noc", "dram", "tasks"},
    "dma": {"fabric", "tasks"},
    "core": {"tensors", "numerics", "fabric", "tasks"},
    "vector": {"fabric", "tasks"},
    "pruning": {"tensors", "numerics"},
    "workload": {"tensors", "numerics", "pruning"},
    "pruning_unit": {"pruning", "fabric", "tasks"},
}
"""For each package of models/ those that it may import; chip may import all, and reproduce chip as well."""


def imports(path: Path, package: str) -> set[str]:
    """Absolute names of the modules that a file imports; `package` is where it lies."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            found.add(".".join([*base, *([node.module] if node.module else [])]))
    return found


def test_the_framework_knows_no_hardware():
    for path in (ROOT / "cosim").rglob("*.py"):
        package = ".".join(path.relative_to(ROOT).parent.parts)
        guilty = {name for name in imports(path, package) if name.startswith(("cosim.models", "models"))}
        assert not guilty, f"{path} imports {guilty}"


@pytest.mark.parametrize("name", sorted(BELOW))
def test_a_models_package_imports_only_what_is_below_it(name):
    assert (ROOT / "models" / name).is_dir()
    for path in (ROOT / "models" / name).rglob("*.py"):
        package = ".".join(path.relative_to(ROOT).parent.parts)
        used = {found.split(".")[1] for found in imports(path, package) if found.startswith("models.")}
        assert used <= BELOW[name] | {name}, f"{path} imports {used - BELOW[name] - {name}}"


def test_every_models_package_is_placed():
    packages = {path.parent.name for path in (ROOT / "models").glob("*/__init__.py")}
    assert packages == {*BELOW, "chip", "reproduce"}


def test_nothing_below_imports_the_reproduction():
    for path in (ROOT / "models").glob("*/*.py"):
        if path.parent.name != "reproduce":
            used = imports(path, ".".join(path.relative_to(ROOT).parent.parts))
            assert not any(found.startswith("models.reproduce") for found in used), path


def test_heavy_libraries_are_imported_on_use():
    code = (
        "import importlib, pkgutil, sys, cosim, cosim.cli, cosim.report, cosim.models\n"
        "for module in pkgutil.walk_packages(cosim.models.__path__, 'cosim.models.'):\n"
        "    importlib.import_module(module.name)\n"
        "print(*sorted({'matplotlib', 'onnx', 'torch', 'dask', 'pyarrow', 'vcd', 'ml_dtypes'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "\n"), done.stderr
