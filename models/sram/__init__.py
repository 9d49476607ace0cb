"""On-chip SRAM: banked memories shared by clients in turn, and the allocation of tiles in them.

`Sram` is the SimPy module, `SramEngine` what stands behind it; `Allocator` and `DoubleBuffer` say who owns which words;
`SramEnergy` says what an access costs.
"""

from .allocator import AllocationError, Allocator, DoubleBuffer, Tile
from .energy import SramEnergy
from .engine import SramEngine
from .memory import MemoryConfig
from .module import Sram, WordCounts
from .state import MemoryState

__all__ = [
    "AllocationError",
    "Allocator",
    "DoubleBuffer",
    "MemoryConfig",
    "MemoryState",
    "Sram",
    "SramEnergy",
    "SramEngine",
    "Tile",
    "WordCounts",
]
