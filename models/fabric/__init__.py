"""The fabric links NoC, DRAM and SRAM: descriptors in, completions out.

`Fabric` is the fused one: a C loop moves requests between the parts' engines, and only completions reach Python.
`UnfusedFabric` does the same in Python, part by part, over the same engines; both give the same bytes.
"""

from .descriptor import Completion, Descriptor, Direction
from .fabric import Fabric
from .memory_system import FabricNode, MemorySystem
from .part_models import MemoryModel, NetworkModel, SramModel
from .parts import Endpoint, FabricConfig, MemoryPart, NetworkPart, SramPart
from .unfused import UnfusedFabric
from .work import Access, LocalWork, WorkUnit

__all__ = [
    "Access",
    "Completion",
    "Descriptor",
    "Direction",
    "Endpoint",
    "Fabric",
    "FabricConfig",
    "FabricNode",
    "LocalWork",
    "MemoryModel",
    "MemoryPart",
    "MemorySystem",
    "NetworkModel",
    "NetworkPart",
    "SramModel",
    "SramPart",
    "UnfusedFabric",
    "WorkUnit",
]
