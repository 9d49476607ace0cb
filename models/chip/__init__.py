"""The chip: what its file says, how work is mapped to it, its assembly, and what a scenario simulates with it.

`Chip` is a module for larger designs; `System` is a chip with a memory of its own, fed iteration by iteration.
"""

from .chip import Chip, Interrupt, JobResult
from .layout import Layout, MemoryMap
from .mapper import Mapper
from .records import MappedIteration
from .spec import ChipSpec
from .system import IterationResult, System, build_memory
from .tiling import DoesNotFitError

__all__ = [
    "Chip",
    "ChipSpec",
    "DoesNotFitError",
    "Interrupt",
    "IterationResult",
    "JobResult",
    "Layout",
    "MappedIteration",
    "Mapper",
    "MemoryMap",
    "System",
    "build_memory",
]
