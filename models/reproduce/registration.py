"""What the reproduction offers to scenario files and to `cosim describe`."""

from __future__ import annotations

from cosim.registry import Registry

from .claims import run_claim
from .record import AssumptionRecord
from .report import build_report
from .schema import ClaimScenario


def register(registry: Registry) -> None:
    """Register the scenario kind `claim`, its report, and the record of assumptions."""
    registry.scenario("claim", ClaimScenario, run_claim)
    registry.report("claim", build_report)
    registry.component("record", "assumptions", AssumptionRecord)
