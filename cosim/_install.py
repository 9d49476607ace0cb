"""Refuse to run on a stale installation, by name, before anything confusing can happen.

Two things go stale in an editable installation: the metadata (entry points, version) after a pull, and the
C library after an edit in `csrc/`. Both are cheap to check and baffling to debug.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

DISTRIBUTION = "cosim-npu"
REINSTALL = "reinstall: make install (or: pip install -e .)"


class StaleInstallationError(ImportError):
    """The installed metadata or the compiled library does not belong to these sources."""


def check_installation(version: str) -> None:
    """Raise StaleInstallationError unless metadata and C library match the sources."""
    try:
        installed = importlib.metadata.version(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        raise StaleInstallationError(f"{DISTRIBUTION} is not installed; {REINSTALL}") from None
    if installed != version:
        raise StaleInstallationError(
            f"stale metadata: {DISTRIBUTION} {installed} is installed, the sources are {version}; {REINSTALL}"
        )
    expected = expected_source_hash()
    if expected is not None and compiled_source_hash() != expected:
        raise StaleInstallationError(f"stale C build: csrc/ has changed since it was compiled; {REINSTALL}")


def load_kernels() -> ModuleType:
    """The compiled library; `COSIM_KERNELS` names another build of it (the sanitizer build)."""
    override = os.environ.get("COSIM_KERNELS")
    if override and "cosim._kernels" not in sys.modules:
        spec = importlib.util.spec_from_file_location("cosim._kernels", override)
        if spec is None or spec.loader is None:
            raise ImportError(f"COSIM_KERNELS: cannot load {override}")
        module = importlib.util.module_from_spec(spec)
        sys.modules["cosim._kernels"] = module
        spec.loader.exec_module(module)
        return module
    try:
        return importlib.import_module("cosim._kernels")
    except ModuleNotFoundError:
        raise StaleInstallationError(f"the C library is not compiled; {REINSTALL}") from None


def compiled_source_hash() -> str:
    """The hash of the C sources that the loaded library was compiled from."""
    kernels = load_kernels()
    return str(kernels.ffi.string(kernels.lib.CS_SOURCE_HASH).decode())


def expected_source_hash() -> str | None:
    """The hash of the C sources beside the package, or None where there are none (an installed wheel)."""
    build_script = Path(__file__).resolve().parent.parent / "csrc" / "build_kernels.py"
    if not build_script.is_file():
        return None
    return _source_hash(build_script.parent)


def _source_hash(directory: Path) -> str:
    # The same computation as csrc/build_kernels.py, which needs cffi's compiler side to import;
    # tests/unit/test_install.py holds the two together.
    digest = hashlib.sha256()
    for path in sorted([*directory.glob("*.c"), *directory.glob("*.h")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
