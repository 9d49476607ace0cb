"""A stale installation refuses by name."""

import importlib.util
from pathlib import Path

import pytest

from cosim import _install

ROOT = Path(__file__).resolve().parents[2]


def test_both_computations_of_the_source_hash_agree():
    spec = importlib.util.spec_from_file_location("build_kernels", ROOT / "csrc" / "build_kernels.py")
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    assert build.source_hash() == _install.expected_source_hash() == _install.compiled_source_hash()


def test_another_version_in_the_metadata_is_refused():
    with pytest.raises(_install.StaleInstallationError, match=r"stale metadata: .* the sources are 0\.0\.0; reinstall"):
        _install.check_installation("0.0.0")


def test_an_edited_source_is_refused(monkeypatch):
    monkeypatch.setattr(_install, "expected_source_hash", lambda: "0" * 64)
    with pytest.raises(_install.StaleInstallationError, match=r"stale C build: .*reinstall"):
        _install.check_installation(_install.importlib.metadata.version("cosim-npu"))
