"""DRAM: standards and presets as data, the controller (a C engine), an independent checker, energy.

`standards` holds the timing rules as rows, `presets` the devices, `mapping` the address bits; `Controller` runs one
channel in clocks, `Memory` is a module of a simulator, `Checker` judges command traces.
"""

from .checker import Checker, Command, Report, read_commands
from .controller import NEVER, POLICIES, SCHEDULERS, Controller, Replay, Scheduler, Stats, format_commands
from .energy import EnergyTable, energy_fj
from .engine import DramEngine
from .mapping import AddressMapping, Geometry
from .memory import Memory
from .presets import PRESETS, Preset, Rail, preset
from .rules import ResolvedRule, Rule
from .standards import STANDARDS
from .traces import RequestTrace, TraceError, read_requests

__all__ = [
    "NEVER",
    "POLICIES",
    "PRESETS",
    "SCHEDULERS",
    "STANDARDS",
    "AddressMapping",
    "Checker",
    "Command",
    "Controller",
    "DramEngine",
    "EnergyTable",
    "Geometry",
    "Memory",
    "Preset",
    "Rail",
    "Replay",
    "Report",
    "RequestTrace",
    "ResolvedRule",
    "Rule",
    "Scheduler",
    "Stats",
    "TraceError",
    "energy_fj",
    "format_commands",
    "preset",
    "read_commands",
    "read_requests",
]
