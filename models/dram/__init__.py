"""DRAM: standards and presets as data, the controller (a C engine), an independent checker, energy.

`standards` holds the timing rules as rows, `presets` the devices, `mapping` the address bits; `Controller` runs one
channel in clocks.
"""

from .controller import NEVER, POLICIES, SCHEDULERS, Controller, Replay, Scheduler, Stats, format_commands
from .mapping import AddressMapping, Geometry
from .presets import PRESETS, Preset, Rail, preset
from .rules import ResolvedRule, Rule
from .standards import STANDARDS

__all__ = [
    "NEVER",
    "POLICIES",
    "PRESETS",
    "SCHEDULERS",
    "STANDARDS",
    "AddressMapping",
    "Controller",
    "Geometry",
    "Preset",
    "Rail",
    "Replay",
    "ResolvedRule",
    "Rule",
    "Scheduler",
    "Stats",
    "format_commands",
    "preset",
]
