"""On-chip SRAM: banked memories shared by clients in turn, and the allocation of tiles in them."""

from .memory import MemoryConfig
from .state import MemoryState

__all__ = ["MemoryConfig", "MemoryState"]
