"""What the built-in models offer to scenario files and to `cosim describe`."""

from __future__ import annotations

from cosim.registry import Registry

from ..core.chip_file import CoreChipSpec
from ..core.kinds import register as register_kinds
from ..dram.spec import MemorySpec
from ..energy import EnergyTableSpec
from ..pruning.build import register as register_schedules
from ..workload.network_schema import NetworkSpec
from ..workload.schema import FunctionalSpec, StatisticalSpec, TraceSpec
from .report import build_report
from .sparse_cores import SparseCores
from .spec import ChipSpec
from .training import TrainingScenario, run


def register(registry: Registry) -> None:
    """Register the scenario kind `training`, its report, and the parts of its files."""
    registry.scenario("training", TrainingScenario, run)
    registry.report("training", build_report)
    registry.component("chip", "chip", ChipSpec, SparseCores)
    registry.component("chip", "core_chip", CoreChipSpec)
    register_kinds(registry)
    registry.component("energy table", "energy_table", EnergyTableSpec)
    registry.component("memory", "memory", MemorySpec)
    registry.component("network", "network", NetworkSpec)
    registry.component("workload", "functional", FunctionalSpec)
    registry.component("workload", "statistical", StatisticalSpec)
    registry.component("workload", "trace", TraceSpec)
    register_schedules(registry)
