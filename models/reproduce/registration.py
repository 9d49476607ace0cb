"""What the reproduction offers to scenario files and to `cosim describe`."""

from __future__ import annotations

from cosim.registry import Registry

from .claims import run_claim
from .report import build_report
from .schema import ClaimScenario


def register(registry: Registry) -> None:
    """Register the scenario kind `claim` and its report."""
    registry.scenario("claim", ClaimScenario, run_claim)
    registry.report("claim", build_report)
