"""DRAM: standards and presets as data, the controller (a C engine), an independent checker, energy.

`standards` holds the timing rules as rows, `presets` the devices, `mapping` the address bits, `schedulers` the
policies; `Controller` runs one channel in clocks, `Memory` is a module of a simulator, `Checker` judges command traces.
"""

from .checker import Checker, Command, Report, read_commands
from .controller import NEVER, Controller, Replay, Stats, format_commands
from .energy import EnergyTable, energy_fj
from .engine import DramEngine
from .mapping import AddressMapping, Geometry
from .memory import Memory
from .presets import PRESETS, Preset, Rail, preset
from .rules import ResolvedRule, Rule
from .schedulers import SCHEDULERS, BankRoundRobin, FrFcfs, FrFcfsRamulator1, Scheduler
from .standards import STANDARDS
from .traces import RequestTrace, TraceError, read_requests

__all__ = [
    "NEVER",
    "PRESETS",
    "SCHEDULERS",
    "STANDARDS",
    "AddressMapping",
    "BankRoundRobin",
    "Checker",
    "Command",
    "Controller",
    "DramEngine",
    "EnergyTable",
    "FrFcfs",
    "FrFcfsRamulator1",
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
